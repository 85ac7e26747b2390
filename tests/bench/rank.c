/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rank.c: the best 50 items of all users, exactly, from factors in float. */
#include "tests/bench/bench.h"

#include <omp.h>
#include <string.h>

#define K 50
#define RANK 64
/* What a comparison costs, in flop of a large product: four at once. */
#define COMPARISON 16

typedef struct
{
  FlRanking ranking;
  FlFactors factors;
  float *user, *item;
} Work;

/* Seeded vectors with normal elements; items differ in length, as popular ones are
 * longer. */
static float *
make_vectors (const char *purpose, uint32_t n, double spread)
{
  GError *error = NULL;
  float *vectors = fl_table_alloc ((size_t) n * RANK, sizeof *vectors, &error);

  if (vectors == NULL)
    bench_fail (error);
  for (uint32_t e = 0; e < n; e++)
    {
      FlRng rng = fl_rng (1, purpose, e);
      double length = 1 + spread * fl_rng_uniform (&rng);

      for (size_t a = 0; a < RANK; a++)
        vectors[e * RANK + a] = (float) (length * fl_rng_normal (&rng));
    }
  return vectors;
}

static void
work_init (Work *work, const FlRatings *ratings, const FlInstance *model)
{
  *work = (Work) { .user = make_vectors ("users", ratings->n_users, 0),
                   .item = make_vectors ("items", ratings->n_items, 0.5) };
  work->factors = (FlFactors) { .size = sizeof (FlFactors), .n_users = ratings->n_users,
                                .n_items = ratings->n_items, .rank = RANK,
                                .user_f32 = work->user, .item_f32 = work->item };
  work->ranking = (FlRanking) { .n_users = ratings->n_users, .n_items = ratings->n_items,
                                .factors = &work->factors, .model = model,
                                .seen = { &ratings->by_user, NULL } };
}

static void
rank (gpointer user_data)
{
  const Work *work = user_data;
  GError *error = NULL;
  g_autoptr (FlLists) lists = fl_ranking_lists (&work->ranking, K, &error);

  if (lists == NULL)
    bench_fail (error);
}

/* The limit: the product of all users and items, and a comparison a score. */
static void
time_lists (const Bench *bench, const char *name, const FlRatings *ratings,
            const FlInstance *model)
{
  double n_scores = (double) ratings->n_users * ratings->n_items;
  Work work;

  work_init (&work, ratings, model);
  for (int threads = 1; threads <= 2; threads++)
    {
      omp_set_num_threads (threads);
      bench_print (name, threads, bench_time (rank, &work), ratings->n_users, "user",
                   n_scores * (2 * RANK + COMPARISON) / bench->machine.sgemm / threads);
    }
  g_free (work.user);
  g_free (work.item);
}

/* 5,977 users x 1,200 items, as many ratings as ITFR trains on. */
static FlRatings *
ratings_like_itfr (void)
{
  const uint32_t n_users = 5977, n_items = 1200;
  g_autofree uint32_t *user = g_new (uint32_t, n_users * n_items);
  g_autofree uint32_t *item = g_new (uint32_t, n_users * n_items);
  g_autofree double *rating = g_new (double, n_users * n_items);
  FlRng rng = fl_rng (1, "bench-itfr", 0);
  GError *error = NULL;
  FlRatings *ratings;
  size_t n = 0;

  for (uint32_t u = 0; u < n_users; u++)
    for (uint32_t i = 0; i < n_items; i++)
      if (fl_rng_below (&rng, n_items) < 46)
        {
          user[n] = u;
          item[n] = i;
          rating[n++] = 1;
        }
  ratings = fl_ratings_new (n_users, n_items, n, user, item, rating, &error);
  if (ratings == NULL)
    bench_fail (error);
  return ratings;
}

void
bench_rank (Bench *bench)
{
  static const char small[] = "exact top-50, 5977 x 1200, rank 64";
  static const char large[] = "exact top-50, 20M, rank 64";
  g_autoptr (FlInstance) model = NULL;

  if (!bench_wanted (bench, small) && !bench_wanted (bench, large))
    return;
  model = bench_instance (bench, FL_KIND_MODEL, "als-mf", "");
  if (bench_wanted (bench, small))
    {
      g_autoptr (FlRatings) ratings = ratings_like_itfr ();

      time_lists (bench, small, ratings, model);
    }
  if (bench_wanted (bench, large))
    time_lists (bench, large, ratings_20m (bench), model);
}
