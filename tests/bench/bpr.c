/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr.c: updates of bpr-mf a second, triple by triple, and epochs by Adam. */
#include "tests/bench/bench.h"

#include <omp.h>

#include "core/train/train-room.h"

#define RANK 64
#define BATCH 1024

typedef struct
{
  FlInstance *model;
  uint64_t epoch;
} Stream;

static const FlGradientOps *
gradient_ops (const FlInstance *model)
{
  return ((const FlModelOps *) model->ops)->gradient;
}

static void
stream_epoch (gpointer user_data)
{
  Stream *stream = user_data;
  GError *error = NULL;
  double loss;

  if (!gradient_ops (stream->model)->stream (stream->model->self, 1, stream->epoch++, &loss,
                                             &error))
    bench_fail (error);
}

/* Seconds that an epoch needs at least: three rows of 256 bytes a triple, read and
 * written.  Where the items stay in the second-level cache that is as much as `rows` = 1.5
 * random rows of memory, read (45 million triples a second where 66 million rows are
 * read); at the 20M shape, where users go by in memory, 2.2. */
static void
time_stream (Bench *bench, const FlRatings *(*get) (Bench *bench), const char *data, double rows,
             int threads)
{
  g_autofree char *name = g_strdup_printf ("BPR by SGD, %s, rank %d", data, RANK);
  g_autoptr (FlInstance) model = NULL;
  const FlRatings *ratings;
  GError *error = NULL;

  if (!bench_wanted (bench, name))
    return;
  ratings = get (bench);
  omp_set_num_threads (threads);
  model = bench_instance (bench, FL_KIND_MODEL, "bpr-mf",
                          "rank=64 optimizer=stream learning-rate=0.05 l2=0.01 schedule=constant");
  if (!gradient_ops (model)->start (model->self, ratings, 1, &error))
    bench_fail (error);
  bench_print (name, threads, bench_time (stream_epoch, &(Stream) { .model = model }),
               (double) ratings->n, "triple",
               rows * (double) ratings->n / bench->machine.rows / threads);
}

typedef struct
{
  FlTraining *training;
  double score[2 * BATCH], d_score[2 * BATCH];
} Adam;

/* The host's loop. */
static void
adam_epoch (gpointer user_data)
{
  Adam *adam = user_data;
  FlTraining *training = adam->training;
  FlGradient *gradient = fl_training_gradient (training);
  const FlBatch *batch;
  GError *error = NULL;

  if (!fl_training_epoch (training) && !fl_training_end (training, &error))
    bench_fail (error);
  while ((batch = fl_training_batch (training)) != NULL)
    {
      double loss;

      fl_training_scores (training, batch, adam->score);
      loss = fl_loss_bpr (batch->n, adam->score, NULL, adam->d_score, NULL);
      fl_training_backward (training, batch, adam->d_score, gradient, NULL);
      fl_training_step (training, gradient, loss);
    }
}

/* Seconds that an epoch needs at least: each batch copies parameters and two moments. */
static double
adam_limit (const Machine *machine, const FlRatings *ratings)
{
  double n_parameters = RANK * ((double) ratings->n_users + (double) ratings->n_items);

  return (double) ratings->n / BATCH * n_parameters * 3 * sizeof (float) / machine->copy_bytes;
}

static void
time_adam (Bench *bench, int threads)
{
  g_autofree char *name = g_strdup_printf ("BPR by Adam, ITFR shape, rank %d, epoch", RANK);
  g_autoptr (FlInstance) model = NULL;
  g_autoptr (FlTraining) training = NULL;
  FlData data = FL_DATA (.train = NULL);
  FlStage stage = FL_STAGE (.data = &data);
  GError *error = NULL;

  if (!bench_wanted (bench, name))
    return;
  data.train = ratings_itfr (bench);
  omp_set_num_threads (threads);
  stage.model = model = bench_instance (bench, FL_KIND_MODEL, "bpr-mf", "rank=64 batch=1024");
  training = fl_training_new (&stage, NULL, &error);
  if (training == NULL)
    bench_fail (error);
  bench_print (name, threads, bench_time (adam_epoch, &(Adam) { .training = training }),
               (double) data.train->n, "triple",
               adam_limit (&bench->machine, data.train) / threads);
}

void
bench_bpr (Bench *bench)
{
  for (int threads = 1; threads <= 2; threads++)
    {
      time_stream (bench, ratings_itfr, "ITFR shape", 1.5, threads);
      time_stream (bench, ratings_20m, "20M", 2.2, threads);
      time_adam (bench, threads);
    }
}
