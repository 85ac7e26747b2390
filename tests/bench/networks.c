/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* networks.c: a step of gccf and of ncf, forward and backward, and the scores of all
 * users x items under ncf.  On the shape of the ITFR split of MovieLens-1M: 5,977
 * users, 1,200 items, 276,577 ratings. */
#include "tests/bench/bench.h"

#include <omp.h>
#include <string.h>

#define N_USERS 5977
#define N_ITEMS 1200
#define N_RATINGS 276577
#define BATCH 1024

typedef struct
{
  FlInstance *model;
  const FlGradientOps *ops;
  FlGradient *gradient;
  FlOptimizer *optimizer; /* NULL: no step */
  FlBatch batch;
  double score[2 * BATCH], d_score[2 * BATCH];
  uint32_t user[N_USERS], item[2 * N_USERS];
} Step;

static void
step_clear (Step *step)
{
  fl_instance_free (step->model);
  fl_gradient_free (step->gradient);
  fl_optimizer_free (step->optimizer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Step, step_clear)

/* Positives as a sampler would draw them: ratings, uniformly. */
static void
step_init (Step *step, const Bench *bench, const FlRatings *ratings, const char *plugin,
           const char *settings, gboolean optimise)
{
  FlRng rng = fl_rng (2, "batch", 0);
  const FlBlock *blocks;
  size_t n_blocks;
  GError *error = NULL;

  step->model = bench_instance (bench, FL_KIND_MODEL, plugin, settings);
  step->ops = ((const FlModelOps *) step->model->ops)->gradient;
  if (!step->ops->start (step->model->self, ratings, 1, &error))
    bench_fail (error);
  n_blocks = step->ops->blocks (step->model->self, &blocks);
  step->gradient = fl_gradient_new (n_blocks, blocks, &error);
  if (step->gradient == NULL)
    bench_fail (error);
  if (optimise)
    step->optimizer = fl_optimizer_new (n_blocks, blocks,
                                        &FL_TRAINING_SETTINGS (.optimizer = FL_OPTIMIZER_ADAM,
                                                               .learning_rate = 1e-3), &error);
  if (error != NULL)
    bench_fail (error);
  for (size_t k = 0; k < BATCH; k++)
    {
      size_t entry = fl_rng_below (&rng, N_RATINGS);
      uint32_t u = 0;

      while (ratings->by_user.start[u + 1] <= entry)
        u++;
      step->user[k] = u;
      step->item[2 * k] = ratings->by_user.col[entry];
      step->item[2 * k + 1] = fl_rng_below (&rng, N_ITEMS);
    }
  step->batch = FL_BATCH (.n = BATCH, .width = 2, .user = step->user, .item = step->item);
}

static void
do_step (gpointer user_data)
{
  Step *step = user_data;
  gpointer self = step->model->self;
  GError *error = NULL;

  step->ops->parameters_changed (self);
  fl_gradient_clear (step->gradient);
  if (!step->ops->scores (self, &step->batch, step->score, &error))
    bench_fail (error);
  fl_loss_bpr (BATCH, step->score, NULL, step->d_score, NULL);
  if (!step->ops->backward (self, &step->batch, step->d_score, 0, step->gradient, NULL, &error))
    bench_fail (error);
  if (step->optimizer != NULL)
    fl_optimizer_step (step->optimizer, step->gradient);
}

/* Steps to a measurement: one is shorter than the time to begin. */
#define STEPS 20

static void
do_steps (gpointer user_data)
{
  for (int k = 0; k < STEPS; k++)
    do_step (user_data);
}

static void
time_step (const Bench *bench, const FlRatings *ratings, const char *plugin, const char *settings,
           const char *what, gboolean optimise, double limit, int threads)
{
  g_autofree char *name = g_strdup_printf ("%s, batch %d, %s", plugin, BATCH, what);
  g_auto (Step) step = { 0 };

  if (!bench_wanted (bench, name))
    return;
  omp_set_num_threads (threads);
  step_init (&step, bench, ratings, plugin, settings, optimise);
  bench_print (name, threads, bench_time (do_steps, &step) / STEPS, BATCH, "triple",
               limit / threads);
}

static void
score_all (gpointer user_data)
{
  Step *step = user_data;
  const FlModelOps *ops = step->model->ops;
  g_autofree double *out = g_new (double, 64 * N_ITEMS);
  GError *error = NULL;

  if (!step->ops->prepare_scores (step->model->self, &error))
    bench_fail (error);
  for (size_t u = 0; u < N_USERS; u += 64)
    if (!ops->score (step->model->self, MIN (64, N_USERS - u), step->user + u, N_ITEMS, step->item,
                     out, &error))
      bench_fail (error);
}

static void
time_scores (const Bench *bench, const FlRatings *ratings, int threads)
{
  static const char name[] = "ncf, scores of all users x items, ITFR shape";
  g_auto (Step) step = { 0 };

  if (!bench_wanted (bench, name))
    return;
  omp_set_num_threads (threads);
  step_init (&step, bench, ratings, "ncf", "", FALSE);
  for (uint32_t k = 0; k < N_USERS; k++)
    step.user[k] = step.item[k] = k;
  bench_print (name, threads, bench_time (score_all, &step), (double) N_USERS * N_ITEMS, "pair", 0);
}

/* Limits in seconds, of one thread: six sparse products of 2 x 276,577 rows of 256 bytes
 * at 60 GB/s, which the second-level cache gives; 28 Mflop of small products at a
 * third of the speed of large ones, the vectors of 3,072 users and items, and for a
 * step of Adam the moments of all parameters. */
void
bench_networks (Bench *bench)
{
  static const char ncf[] = "gmf-rank=32 mlp-rank=32";
  double row = 256, sparse = 6 * 2 * N_RATINGS * row / 60e9;
  double dense = 28e6 / (bench->machine.sgemm / 3) + 6 * BATCH * row / bench->machine.copy_bytes;
  double moments = (double) (N_USERS + N_ITEMS) * row * 4 / bench->machine.copy_bytes;
  const FlRatings *ratings = ratings_itfr (bench);

  for (int threads = 1; threads <= 2; threads++)
    {
      time_step (bench, ratings, "gccf", "rank=64 layers=3", "3 layers, forward and backward",
                 FALSE, sparse, threads);
      time_step (bench, ratings, "ncf", ncf, "32 + 64-32-16-8, forward and backward", FALSE, dense,
                 threads);
      time_step (bench, ratings, "ncf", ncf, "32 + 64-32-16-8, step of Adam and all", TRUE,
                 dense + moments, threads);
      time_scores (bench, ratings, threads);
    }
}
