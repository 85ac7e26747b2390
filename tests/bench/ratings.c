/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ratings.c: what the benchmarks run on: seeded ratings in the shape of
 * MovieLens-20M, and MovieLens-100K. */
#include "tests/bench/bench.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>

#define N_USERS 138000
#define N_ITEMS 27000
/* Ratings of a user: log-normal, which has this median and (with this
 * deviation of the logarithm) a mean of 145. */
#define USER_MEDIAN 84.0
#define USER_DEVIATION 1.045
#define USER_MIN 20
#define USER_MAX 7000
/* The item of rank j is taken with probability in proportion to 1 / (j + SHIFT):
 * the first 270 of 27,000 then hold 30%. */
#define ITEM_SHIFT 48.0

typedef struct
{
  uint32_t n_users, n_items;
  size_t n;
  uint32_t *id;     /* of the item of each rank                     */
  uint32_t *seen;   /* by item: last user to rate it, plus 1        */
  uint32_t *degree; /* by user                                      */
  uint32_t *user, *item;
  double *rating;
} Shape;

static void
shape_clear (Shape *shape)
{
  g_free (shape->id);
  g_free (shape->seen);
  g_free (shape->degree);
  g_free (shape->user);
  g_free (shape->item);
  g_free (shape->rating);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Shape, shape_clear)

static void
draw_degrees (Shape *shape, double scale)
{
  FlRng rng = fl_rng (20, "degrees", 0);

  shape->n = 0;
  for (uint32_t u = 0; u < shape->n_users; u++)
    {
      double degree = USER_MEDIAN * exp (USER_DEVIATION * fl_rng_normal (&rng));

      degree = CLAMP (degree, USER_MIN, MIN (USER_MAX, USER_MAX * sqrt (scale)));
      shape->degree[u] = (uint32_t) MIN (degree, shape->n_items / 3.0);
      shape->n += shape->degree[u];
    }
}

/* Ratings of user u from index k on: different items, popular ones first. */
static void
draw_user (Shape *shape, uint32_t u, size_t k)
{
  FlRng rng = fl_rng (20, "items", u);
  double shift = MAX (1, ITEM_SHIFT * shape->n_items / N_ITEMS);
  double range = log ((shape->n_items + shift) / shift);

  for (uint32_t n = 0; n < shape->degree[u];)
    {
      double rank = shift * (exp (range * fl_rng_uniform (&rng)) - 1);
      uint32_t i = shape->id[MIN ((uint32_t) rank, shape->n_items - 1)];

      if (shape->seen[i] == u + 1)
        continue;
      shape->seen[i] = u + 1;
      shape->user[k + n] = u;
      shape->item[k + n] = i;
      shape->rating[k + n] = 0.5 + 0.5 * fl_rng_below (&rng, 10);
      n++;
    }
}

FlRatings *
ratings_like_20m (double scale)
{
  GError *error = NULL;
  g_auto (Shape) shape = { .n_users = (uint32_t) (N_USERS * scale),
                           .n_items = (uint32_t) (N_ITEMS * scale) };
  FlRng rng = fl_rng (20, "order", 0);
  FlRatings *ratings;
  size_t k = 0;

  shape.id = g_new (uint32_t, shape.n_items);
  shape.seen = g_new0 (uint32_t, shape.n_items);
  shape.degree = g_new (uint32_t, shape.n_users);
  for (uint32_t i = 0; i < shape.n_items; i++)
    shape.id[i] = i;
  fl_rng_shuffle (&rng, shape.id, shape.n_items);
  draw_degrees (&shape, scale);
  shape.user = g_new (uint32_t, shape.n);
  shape.item = g_new (uint32_t, shape.n);
  shape.rating = g_new (double, shape.n);
  for (uint32_t u = 0; u < shape.n_users; u++)
    {
      draw_user (&shape, u, k);
      k += shape.degree[u];
    }
  ratings = fl_ratings_new (shape.n_users, shape.n_items, shape.n, shape.user, shape.item,
                            shape.rating, &error);
  if (ratings == NULL)
    bench_fail (error);
  return ratings;
}

const FlRatings *
ratings_20m (Bench *bench)
{
  double before;

  if (bench->ratings_20m != NULL)
    return bench->ratings_20m;
  malloc_trim (0);
  before = bench_memory ("VmRSS");
  bench->ratings_20m = ratings_like_20m (1);
  malloc_trim (0);
  bench->ratings_20m_bytes = bench_memory ("VmRSS") - before;
  return bench->ratings_20m;
}

#define ITFR_USERS 5977
#define ITFR_ITEMS 1200
#define ITFR_RATINGS 276577

/* The squares of uniform numbers crowd ratings on some users and items. */
const FlRatings *
ratings_itfr (Bench *bench)
{
  FlRng rng = fl_rng (1, "itfr", 0);
  g_autofree uint8_t *seen = g_new0 (uint8_t, (size_t) ITFR_USERS *ITFR_ITEMS);
  g_autofree uint32_t *user = g_new (uint32_t, ITFR_RATINGS);
  g_autofree uint32_t *item = g_new (uint32_t, ITFR_RATINGS);
  g_autofree double *rating = g_new (double, ITFR_RATINGS);
  GError *error = NULL;

  if (bench->ratings_itfr != NULL)
    return bench->ratings_itfr;
  for (size_t n = 0; n < ITFR_RATINGS;)
    {
      double x = fl_rng_uniform (&rng), y = fl_rng_uniform (&rng);
      uint32_t u = (uint32_t) (x * x * ITFR_USERS), i = (uint32_t) (y * y * ITFR_ITEMS);

      if (seen[(size_t) u * ITFR_ITEMS + i])
        continue;
      seen[(size_t) u * ITFR_ITEMS + i] = 1;
      user[n] = u;
      item[n] = i;
      rating[n++] = 1;
    }
  bench->ratings_itfr = fl_ratings_new (ITFR_USERS, ITFR_ITEMS, ITFR_RATINGS, user, item, rating,
                                        &error);
  if (bench->ratings_itfr == NULL)
    bench_fail (error);
  return bench->ratings_itfr;
}

static FlRatings *
ratings_of (const FlDataset *dataset)
{
  GError *error = NULL;
  g_autofree uint32_t *user = g_new (uint32_t, dataset->n);
  g_autofree double *rating = g_new (double, dataset->n);
  FlRatings *ratings;

  for (uint32_t u = 0; u < dataset->n_users; u++)
    for (size_t k = dataset->ratings.start[u]; k < dataset->ratings.start[u + 1]; k++)
      {
        user[k] = u;
        rating[k] = fl_csr_value (&dataset->ratings, k);
      }
  ratings = fl_ratings_new (dataset->n_users, dataset->n_items, dataset->n, user,
                            dataset->ratings.col, rating, &error);
  if (ratings == NULL)
    bench_fail (error);
  return ratings;
}

const FlRatings *
ratings_100k (Bench *bench)
{
  const char *data = g_getenv ("FAIRLEAD_DATA");
  g_autofree char *path = g_build_filename (data != NULL ? data : "", "ml-100k", NULL);
  g_autofree char *settings = g_strdup_printf ("path=%s", path);
  g_autoptr (FlInstance) source = NULL;
  g_autoptr (FlDataset) dataset = NULL;
  GError *error = NULL;

  if (bench->ratings_100k != NULL)
    return bench->ratings_100k;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      fprintf (stderr, "bench: MovieLens-100K (GroupLens) not found: set FAIRLEAD_DATA to the "
                       "folder that holds ml-100k\n");
      return NULL;
    }
  source = bench_instance (bench, FL_KIND_SOURCE, "movielens-100k", settings);
  dataset = fl_dataset_load (source, NULL, 0, &error);
  if (dataset == NULL)
    bench_fail (error);
  bench->ratings_100k = ratings_of (dataset);
  return bench->ratings_100k;
}
