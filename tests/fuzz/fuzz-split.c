/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Filters and splits: the filter as text, a byte for each key of the split, then four
 * bytes a rating: user, item, value, time. */
#include "tests/fuzz/fuzz-data.h"
#include "tests/fuzz/fuzz.h"

#define N_KEYS 8
#define N_BYTES 4

static gboolean
load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const FlSpan *bytes = self;

  (void) seed;
  for (size_t k = 0; k + N_BYTES <= bytes->length; k += N_BYTES)
    {
      const uint8_t *byte = (const uint8_t *) bytes->text + k;
      char user[4], item[4];

      g_snprintf (user, sizeof user, "%u", byte[0] & 31);
      g_snprintf (item, sizeof item, "%u", byte[1] & 31);
      if (byte[0] & 128)
        fl_builder_part (builder, (FlPart) ((byte[0] >> 5 & 3) % 3));
      if (!fl_builder_rating (builder, fl_span (user), fl_span (item), byte[2] % 5 + 1,
                              byte[3] == 0 ? FL_NO_TIME : byte[3], error))
        return FALSE;
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (user), "sex",
                            fl_span (byte[0] & 1 ? "F" : "M"));
      fl_builder_attribute (builder, FL_SIDE_ITEM, fl_span (item), "year", fl_span (item));
      fl_builder_attribute (builder, FL_SIDE_ITEM, fl_span (item), "genre",
                            fl_span (byte[1] & 32 ? "Action" : "Sci-Fi"));
    }
  return TRUE;
}

static FlSplitKeys
keys_of (const uint8_t *byte)
{
  return (FlSplitKeys) { .method = byte[0] % (FL_SPLIT_GIVEN + 1), .test = byte[1] % 100 / 100.0,
                         .validation = byte[2] % 100 / 100.0, .folds = 2 + byte[3] % 99,
                         .last = 1 + byte[4], .validation_last = byte[5],
                         .every_user = (byte[6] & 1) != 0, .cold = (byte[6] >> 1) & 1 };
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const FlSourceOps ops = { .ops_size = sizeof ops, .load = load };
  static const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                                   .name = "bytes", .ops = &ops };
  const FlIngest ingest = { .duplicates = FL_DUPLICATES_FIRST };
  FlSpan text = fuzz_part (&data, &size), bytes;
  g_autofree char *filter = g_utf8_make_valid (text.text, (gssize) text.length);
  const FlInstance source = { .plugin = &plugin, .ops = &ops, .self = &bytes };
  g_autoptr (FlDataset) dataset = NULL;
  g_autoptr (FlSplit) split = NULL;
  g_autoptr (GError) error = NULL;
  FlDataKeys keys = { .filter = filter };
  FlSplitKeys split_keys;

  if (size < N_KEYS + N_BYTES)
    return 0;
  split_keys = keys_of (data);
  bytes = (FlSpan) { (const char *) data + N_KEYS, size - N_KEYS };
  dataset = fl_dataset_load (&source, &ingest, 0, &error);
  g_assert_no_error (error);
  split = fl_split_new (dataset, &keys, &split_keys, (FlRepeat) { 1000 + data[7], data[7] },
                        &error);
  if (split == NULL)
    check_error (error);
  else
    check_parts (dataset, split, &(FlAuditCell) { .data = &keys, .split = &split_keys });
  return 0;
}
