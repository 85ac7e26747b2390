/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-movielens: any bytes as the files of MovieLens: 100K when the first byte
 * is odd, else 1M; 0xff stands between the files. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

/* The sources are part of the target, so that it needs no search for plugins. */
#include "plugins/sources/movielens/movielens.c"

typedef struct
{
  const uint8_t *data;
  size_t size;
} Input;

static gboolean
input_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  Input rest = *(const Input *) self;
  const File *files = rest.data[0] & 1 ? files_100k : files_1m;
  Load load = { .builder = builder };
  gboolean done = TRUE;

  (void) seed;
  rest.data++;
  rest.size--;
  fl_builder_scale (builder, 1, 5);
  for (; done && files->name != NULL; files++)
    done = fl_table_parse (files->name, fuzz_part (&rest.data, &rest.size), &files->format,
                           files->row, &load, error);
  for (size_t g = 0; g < load.n_genres; g++)
    g_free (load.genre[g]);
  return done;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const FlSourceOps ops = { .ops_size = sizeof ops, .load = input_load };
  Input input = { data, size };
  const FlInstance source = { .plugin = &movielens_100k, .self = &input, .ops = &ops };
  g_autoptr (FlDataset) dataset = NULL;
  g_autoptr (GError) error = NULL;

  if (size == 0)
    return 0;
  dataset = fl_dataset_load (&source, NULL, 0, &error);
  if (dataset == NULL)
    {
      check_error (error);
      return 0;
    }
  g_assert_no_error (error);
  check_dataset (dataset);
  check_split (dataset, fl_span ("items top 1; users random 1"));
  return 0;
}
