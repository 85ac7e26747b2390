/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* train.c: what every training by gradients does beside its model: steps of the
 * optimiser, and drawing triples. */
#include "tests/bench/bench.h"
#include "core/train/train-room.h"

#include <omp.h>

/* Users and items of the ITFR split of MovieLens at rank 64, and what a batch of 1024
 * triples touches of them. */
#define N_USERS 5977u
#define N_ITEMS 1200u
#define RANK 64
#define BATCH 1024u

typedef struct
{
  FlBlock block[2];
  FlOptimizer *optimizer;
  FlGradient *gradient;
} Step;

static void
fill_gradient (FlGradient *gradient)
{
  FlRng rng = fl_rng (1, "bench", 0);

  for (unsigned k = 0; k < 3 * BATCH; k++)
    {
      FlGradientBlock *block = &gradient->block[k % 3 == 0 ? 0 : 1];
      float *row = fl_gradient_row (block, fl_rng_below (&rng, block->n_rows));

      for (size_t a = 0; a < RANK; a++)
        row[a] += (float) (1e-3 * fl_rng_normal (&rng));
    }
}

static void
step (gpointer user_data)
{
  Step *work = user_data;

  fl_optimizer_step (work->optimizer, work->gradient);
}

/* Three numbers read and written for each parameter, as fast as memory is copied. */
static void
time_step (const Bench *bench, int kind, const char *word, int threads)
{
  g_autofree char *name = g_strdup_printf ("%s step, 459k parameters, batch 1024", word);
  FlTrainingSettings settings = FL_TRAINING_SETTINGS (.optimizer = kind, .learning_rate = 1e-3);
  size_t n = (size_t) (N_USERS + N_ITEMS) * RANK;
  Step work = { .block = { { .name = "user", .n_rows = N_USERS, .n_cols = RANK },
                           { .name = "item", .n_rows = N_ITEMS, .n_cols = RANK } } };
  GError *error = NULL;

  if (!bench_wanted (bench, name))
    return;
  omp_set_num_threads (threads);
  for (size_t b = 0; b < 2; b++)
    work.block[b].f32 = fl_table_alloc (work.block[b].n_rows * RANK, sizeof (float), &error);
  work.gradient = error == NULL ? fl_gradient_new (2, work.block, &error) : NULL;
  work.optimizer = error == NULL ? fl_optimizer_new (2, work.block, &settings, &error) : NULL;
  if (error != NULL)
    bench_fail (error);
  fill_gradient (work.gradient);
  bench_print (name, threads, bench_time (step, &work), (double) n, "parameter",
               kind == FL_OPTIMIZER_ADAM
                   ? 12 * (double) n / bench->machine.copy_bytes / threads : 0);
  fl_optimizer_free (work.optimizer);
  fl_gradient_free (work.gradient);
  g_free (work.block[0].f32);
  g_free (work.block[1].f32);
}

/* Twelve groups of a batch of users and items by the million. */
#define N_GRADIENTS 12
#define N_MANY 1000000u
#define N_LISTED 1024u

typedef struct
{
  FlGradient *gradient[N_GRADIENTS];
  double gram[N_GRADIENTS * N_GRADIENTS];
} Gram;

static void
multiply_gradients (gpointer user_data)
{
  Gram *gram = user_data;

  fl_gradient_gram (N_GRADIENTS, (const FlGradient *const *) gram->gradient, gram->gram);
}

/* share: how many gradients list each row.  The least is to read the listed rows. */
static void
time_gram (const Bench *bench, unsigned share, const char *what)
{
  g_autofree char *name = g_strdup_printf ("gram of 12 gradients, 1M x 64, 1024 rows, %s", what);
  const FlBlock block = { .name = "user", .n_rows = N_MANY, .n_cols = RANK };
  FlRng rng = fl_rng (1, "bench", 0);
  GError *error = NULL;
  Gram gram;

  if (!bench_wanted (bench, name))
    return;
  for (size_t g = 0; g < N_GRADIENTS; g++)
    if ((gram.gradient[g] = fl_gradient_new (1, &block, &error)) == NULL)
      bench_fail (error);
  for (unsigned k = 0; k < N_LISTED; k += share)
    {
      uint32_t r = fl_rng_below (&rng, N_MANY);

      for (unsigned g = 0; g < share; g++)
        {
          float *row = fl_gradient_row (gram.gradient[(k + g) % N_GRADIENTS]->block, r);

          for (size_t a = 0; a < RANK; a++)
            row[a] = (float) fl_rng_normal (&rng);
        }
    }
  bench_print (name, 1, bench_time (multiply_gradients, &gram),
               N_GRADIENTS * (N_GRADIENTS + 1) / 2, "product",
               N_LISTED * RANK * sizeof (float) / bench->machine.copy_bytes);
  for (size_t g = 0; g < N_GRADIENTS; g++)
    fl_gradient_free (gram.gradient[g]);
}

static void
draw_epoch (gpointer user_data)
{
  FlSampler *sampler = user_data;

  fl_sampler_start_epoch (sampler, 1);
  while (fl_sampler_next (sampler) != NULL)
    ;
}

static void
time_sampler (const FlRatings *ratings, const char *data, int threads)
{
  g_autofree char *name = g_strdup_printf ("triples drawn, %s", data);
  FlTrainingSettings settings = FL_TRAINING_SETTINGS (.batch = BATCH, .negatives = 1);
  g_autoptr (FlSampler) sampler = NULL;
  GError *error = NULL;

  omp_set_num_threads (threads);
  sampler = fl_sampler_new (ratings, &settings, 1, &error);
  if (sampler == NULL)
    bench_fail (error);
  bench_print (name, threads, bench_time (draw_epoch, sampler),
               (double) fl_sampler_size (sampler), "triple", 0);
}

void
bench_train (Bench *bench)
{
  omp_set_num_threads (1);
  time_gram (bench, 1, "each in one");
  time_gram (bench, N_GRADIENTS, "each in all");
  for (int threads = 1; threads <= 2; threads++)
    {
      time_step (bench, FL_OPTIMIZER_ADAM, "adam", threads);
      time_step (bench, FL_OPTIMIZER_ADAM_LAZY, "adam-lazy", threads);
      time_step (bench, FL_OPTIMIZER_SGD, "sgd", threads);
      if (bench_wanted (bench, "triples drawn, ML-100K") && ratings_100k (bench) != NULL)
        time_sampler (ratings_100k (bench), "ML-100K", threads);
      if (bench_wanted (bench, "triples drawn, 20M"))
        time_sampler (ratings_20m (bench), "20M", threads);
    }
}
