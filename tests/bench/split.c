/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* split.c: filters and splits of the 20M shape, and their audit.  Limits are the
 * targets in seconds. */
#include "tests/bench/bench.h"

#define SPLIT_SECONDS 2.0

typedef struct
{
  const FlDataset *dataset;
  const char *method;
  FlSplit *split;
} Work;

static FlDataKeys data = { .filter = (char *) "core 30; ratings at-least 1; ratings share 0.95" };

static FlSplitKeys
keys_of (const char *method)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  FlSplitKeys keys = { .method = 0 };
  GError *error = NULL;

  g_ptr_array_add (settings, fl_setting_new ("method", method, "bench"));
  g_ptr_array_add (settings, fl_setting_new ("validation", "0.1", "bench"));
  if (!fl_params_store (fl_split_params, &keys, "split", settings, NULL, NULL, NULL, &error))
    bench_fail (error);
  return keys;
}

static void
make_split (gpointer user_data)
{
  Work *work = user_data;
  FlSplitKeys keys = keys_of (work->method);
  GError *error = NULL;

  fl_split_free (work->split);
  work->split = fl_split_new (work->dataset, &data, &keys, (FlRepeat) { 1, 0 }, &error);
  if (work->split == NULL)
    bench_fail (error);
}

static void
audit (gpointer user_data)
{
  Work *work = user_data;
  FlSplitKeys keys = keys_of (work->method);
  const FlAuditCell cell = { .data = &data, .split = &keys };
  GError *error = NULL;
  GPtrArray *rows = fl_split_audit (work->dataset, work->split, &cell, &error);

  if (rows == NULL)
    bench_fail (error);
  g_ptr_array_unref (rows);
}

void
bench_split (Bench *bench)
{
  static const char *const rows[][2] = { { "filter and split, 20M", "random" },
                                         { "filter and split by time, 20M", "time" } };
  const char *audited = "audit of a split, 20M";
  const FlRatings *ratings;
  g_autofree int64_t *time = NULL;
  FlRng rng = fl_rng (20, "times", 0);
  Work work = { .split = NULL };
  FlDataset dataset;

  if (!bench_wanted (bench, rows[0][0]) && !bench_wanted (bench, rows[1][0])
      && !bench_wanted (bench, audited))
    return;
  ratings = ratings_20m (bench);
  time = g_new (int64_t, ratings->n);
  for (size_t k = 0; k < ratings->n; k++)
    time[k] = 800000000 + fl_rng_below (&rng, 700000000);
  dataset = (FlDataset) { .n_users = ratings->n_users, .n_items = ratings->n_items,
                          .n = ratings->n, .ratings = ratings->by_user, .time = time,
                          .rating_min = ratings->rating_min, .rating_max = ratings->rating_max };
  work.dataset = &dataset;
  for (size_t r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      work.method = rows[r][1];
      if (bench_wanted (bench, rows[r][0]))
        bench_print (rows[r][0], (int) g_get_num_processors (), bench_time (make_split, &work),
                     (double) ratings->n, "ratings", SPLIT_SECONDS);
    }
  make_split (&work);
  if (bench_wanted (bench, audited))
    bench_print (audited, 1, bench_time (audit, &work), (double) ratings->n, "ratings", 0);
  fl_split_free (work.split);
}
