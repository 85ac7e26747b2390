/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-groups: any text as a group-by key, over four users and three items.  The
 * first byte chooses the side. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

static gboolean
load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  static const char *const user[] = { "0", "1", "2", "3" };
  static const char *const age[] = { "20", "31", "", "8.5" };
  static const char *const job[] = { "other", "home maker", "unknown", "" };
  static const char *const genre[] = { "Action|Sci-Fi", "", "Drama|1|2" };

  (void) self;
  (void) seed;
  for (int u = 0; u < 4; u++)
    {
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (user[u]), "age", fl_span (age[u]));
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (user[u]), "job", fl_span (job[u]));
      for (int i = 0; i < 3 - u % 3; i++)
        if (!fl_builder_rating (builder, fl_span (user[u]), fl_span (user[i]), u, FL_NO_TIME, error))
          return FALSE;
    }
  for (int i = 0; i < 3; i++)
    fl_builder_values (builder, FL_SIDE_ITEM, fl_span (user[i]), "genre", fl_span (genre[i]), "|");
  return TRUE;
}

static const double *
errors_of (gpointer user_data, FlSide side, const char *arm, FlPart part, GError **error)
{
  static const double errors[] = { 0.5, NAN, 1.25, 0.5 };

  (void) user_data;
  (void) side;
  (void) arm;
  if (part == FL_PART_VALIDATION)
    fl_fail (error, FL_ERROR_CONFIG, "no such part");
  return part == FL_PART_VALIDATION ? NULL : errors;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const FlSourceOps ops = { .ops_size = sizeof ops, .load = load };
  static const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                                   .name = "fuzz", .ops = &ops };
  static FlDataset *dataset = NULL;
  const FlInstance source = { .plugin = &plugin, .ops = &ops };
  const FlSplitKeys all = { .method = FL_SPLIT_RANDOM };
  FlSide side = size > 0 && data[0] % 2 != 0 ? FL_SIDE_ITEM : FL_SIDE_USER;
  g_autofree char *text
      = size > 1 ? g_utf8_make_valid ((const char *) data + 1, (gssize) size - 1) : g_strdup ("");
  FlDataKeys keys = { .users_group_by = side == FL_SIDE_USER ? text : NULL,
                      .items_group_by = side == FL_SIDE_ITEM ? text : NULL };
  g_autoptr (FlSplit) split = NULL;
  g_autoptr (GError) error = NULL;

  if (dataset == NULL)
    dataset = fl_dataset_load (&source, NULL, 0, NULL);
  split = fl_split_new (dataset, &keys, &all, (FlRepeat) { 1, 0 }, &error);
  if (split == NULL || !fl_split_group (split, dataset, &keys, side, errors_of, NULL, &error))
    check_error (error);
  else if (split->user_groups != NULL)
    check_groups (split->user_groups);
  else if (split->item_groups != NULL)
    check_groups (split->item_groups);
  return 0;
}
