/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* training.c: one training, from the random start of a model to its best
 * parameters. */
#include "core/train/train-room.h"

#include <math.h>
#include <string.h>

struct FlTraining
{
  FlStage stage;
  const FlGradientOps *ops;
  FlTrainingSettings settings;
  const FlBlock *block;
  size_t n_blocks;
  FlSampler *sampler;
  FlOptimizer *optimizer;  /* NULL where the model streams             */
  FlGradient *gradient;
  FlStopping *stopping;    /* or NULL                              */
  FlGradient *before;      /* rows as they were before fl_training_move */
  gboolean moved;
  gboolean begun, stopped;
  uint64_t epoch;          /* under way, or all of them                */
  uint64_t n_batches;      /* done of this epoch                       */
  double loss;             /* sum over them                            */
  GError *failure;
};

/* ---- life -------------------------------------------------------------- */

static gboolean
check_settings (const FlTraining *training, gboolean streams, GError **error)
{
  const char *name = training->stage.model->plugin->name;

  if (training->settings.optimizer != FL_OPTIMIZER_STREAM)
    return TRUE;
  if (training->ops->stream == NULL)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "optimizer = stream: model %s has no such loop of its own", name);
  if (!streams)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "optimizer = stream: model %s trains by itself then, and by nothing else", name);
  return TRUE;
}

/* Refuses what cannot be before any work is done. */
static gboolean
make_stopping (FlTraining *training, GError **error)
{
  if (training->settings.stop_on == NULL)
    return TRUE;
  training->stopping = fl_stopping_new (&training->stage, &training->settings, error);
  return training->stopping != NULL;
}

static gboolean
start_model (FlTraining *training, GError **error)
{
  FlInstance *model = training->stage.model;
  const FlRatings *train = training->stage.data->train;
  uint64_t seed = fl_run_seed (training->stage.run);

  training->sampler = fl_sampler_new (train, &training->settings, seed, error);
  if (training->sampler == NULL || !training->ops->start (model->self, train, seed, error))
    return FALSE;
  training->n_blocks = training->ops->blocks (model->self, &training->block);
  if (training->stopping != NULL
      && !fl_stopping_watch (training->stopping, training->n_blocks, training->block, error))
    return FALSE;
  if (training->settings.optimizer == FL_OPTIMIZER_STREAM)
    return TRUE;
  training->gradient = fl_gradient_new (training->n_blocks, training->block, error);
  training->optimizer = fl_optimizer_new (training->n_blocks, training->block,
                                          &training->settings, error);
  return training->gradient != NULL && training->optimizer != NULL;
}

FlTraining *
fl_training_open (const FlStage *stage, const FlTrainingSettings *settings, gboolean streams,
                  GError **error)
{
  g_autoptr (FlTraining) training = g_new0 (FlTraining, 1);
  const FlModelOps *model = stage->model->ops;

  if (model->gradient == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "model %s is not trained by gradients",
               stage->model->plugin->name);
      return NULL;
    }
  training->stage = *stage;
  training->ops = model->gradient;
  training->settings = settings != NULL ? *settings
                                        : *training->ops->settings (stage->model->self);
  if (!check_settings (training, streams, error) || !make_stopping (training, error)
      || !start_model (training, error))
    return NULL;
  if (fl_sampler_left_out (training->sampler) > 0)
    fl_run_note (stage->run, "users without negatives", fl_sampler_left_out (training->sampler));
  return g_steal_pointer (&training);
}

FlTraining *
fl_training_new (const FlStage *stage, const FlTrainingSettings *settings, GError **error)
{
  return fl_training_open (stage, settings, FALSE, error);
}

void
fl_training_free (FlTraining *training)
{
  if (training == NULL)
    return;
  fl_sampler_free (training->sampler);
  fl_optimizer_free (training->optimizer);
  fl_gradient_free (training->gradient);
  fl_gradient_free (training->before);
  fl_stopping_free (training->stopping);
  g_clear_error (&training->failure);
  g_free (training);
}

const FlTrainingSettings *
fl_training_settings (const FlTraining *training)
{
  return &training->settings;
}

size_t
fl_training_blocks (const FlTraining *training, const FlBlock **blocks)
{
  *blocks = training->block;
  return training->n_blocks;
}

size_t
fl_training_batch_size (const FlTraining *training)
{
  return MIN ((size_t) training->settings.batch, fl_sampler_size (training->sampler));
}

FlGradient *
fl_training_gradient (FlTraining *training)
{
  return training->gradient;
}

void
fl_training_keep (FlTraining *training, const char *name, gpointer data, size_t size)
{
  (void) training;
  (void) name;
  (void) data;
  (void) size;
}

uint64_t
fl_training_epoch_number (const FlTraining *training)
{
  return training->epoch;
}

/* ---- failures ---------------------------------------------------------- */

gboolean
fl_training_fail (FlTraining *training, GError *failure)
{
  if (training->failure == NULL)
    training->failure = failure;
  else
    g_error_free (failure);
  return FALSE;
}

static gboolean
diverge (FlTraining *training, const char *what)
{
  GError *failure = NULL;

  fl_fail (&failure, FL_ERROR_NUMERIC, "training diverged: %s is not finite in epoch %"
           G_GUINT64_FORMAT ", batch %" G_GUINT64_FORMAT "; lower learning-rate, or set clip", what,
           training->epoch + 1, training->n_batches + 1);
  return fl_training_fail (training, failure);
}

/* ---- epochs ------------------------------------------------------------ */

static gboolean
is_last (const FlTraining *training)
{
  return training->epoch >= (uint64_t) training->settings.epochs;
}

static void
end_epoch (FlTraining *training)
{
  GError *failure = NULL;

  training->epoch++;
  if (training->stopping != NULL
      && !fl_stopping_look (training->stopping, training->epoch, is_last (training),
                            &training->stopped, &failure))
    fl_training_fail (training, failure);
}

gboolean
fl_training_epoch (FlTraining *training)
{
  if (training->failure == NULL && training->begun)
    end_epoch (training);
  training->begun = TRUE;
  if (training->failure != NULL || training->stopped || is_last (training))
    return FALSE;
  training->n_batches = 0;
  training->loss = 0;
  if (training->optimizer != NULL)
    fl_sampler_begin (training->sampler, training->epoch);
  return TRUE;
}

const FlBatch *
fl_training_batch (FlTraining *training)
{
  return training->failure == NULL ? fl_sampler_next (training->sampler) : NULL;
}

gboolean
fl_training_scores (FlTraining *training, const FlBatch *batch, float *score)
{
  GError *failure = NULL;

  memset (score, 0, batch->n * batch->width * sizeof *score);
  return training->failure == NULL
         && (training->ops->scores (training->stage.model->self, batch, score, &failure)
             || fl_training_fail (training, failure));
}

gboolean
fl_training_backward (FlTraining *training, const FlBatch *batch, const float *d_score,
                      FlGradient *gradient, FlGradient *d_delta)
{
  GError *failure = NULL;
  double l2 = training->settings.l2 / (double) batch->n;

  return training->failure == NULL
         && (training->ops->backward (training->stage.model->self, batch, d_score, l2, gradient,
                                      d_delta, &failure)
             || fl_training_fail (training, failure));
}

static void
tell_moved (FlTraining *training)
{
  if (training->ops->moved != NULL)
    training->ops->moved (training->stage.model->self);
}

gboolean
fl_training_step (FlTraining *training, FlGradient *gradient, double loss)
{
  double n_batches = (double) fl_sampler_n_batches (training->sampler);

  if (training->failure != NULL)
    return FALSE;
  loss += gradient->penalty;
  if (!isfinite (loss))
    return diverge (training, "the loss");
  if (!fl_optimizer_step_and_clear (training->optimizer, gradient))
    return diverge (training, "a parameter");
  tell_moved (training);
  /* What was moved has been stepped from. */
  if (training->moved)
    fl_gradient_clear (training->before);
  training->moved = FALSE;
  training->loss += loss;
  training->n_batches++;
  fl_run_progress (training->stage.run,
                   (double) training->epoch + (double) training->n_batches / n_batches,
                   (double) training->settings.epochs, "epochs");
  return TRUE;
}

gboolean
fl_training_stream (FlTraining *training)
{
  GError *failure = NULL;
  double loss = 0;

  if (training->failure != NULL)
    return FALSE;
  if (!training->ops->stream (training->stage.model->self, fl_run_seed (training->stage.run),
                              training->epoch, &loss, &failure))
    return fl_training_fail (training, failure);
  if (!isfinite (loss))
    return diverge (training, "the loss");
  training->loss += loss;
  training->n_batches++;
  fl_run_progress (training->stage.run, (double) training->epoch + 1,
                   (double) training->settings.epochs, "epochs");
  return TRUE;
}

/* ---- there and back ---------------------------------------------------- */

/* Keeps the rows that are about to change, unless they have been before. */
static void
keep_rows (const FlBlock *block, FlGradientBlock *before, const FlGradientBlock *by)
{
  size_t m = block->n_cols;

  for (uint32_t k = 0; k < by->n_used; k++)
    {
      uint32_t r = by->row[k];

      if (!before->used[r])
        memcpy (fl_gradient_row (before, r), block->value + r * m, m * sizeof *block->value);
    }
}

gboolean
fl_training_move (FlTraining *training, double factor, const FlGradient *by)
{
  GError *failure = NULL;

  if (training->failure != NULL)
    return FALSE;
  if (training->before == NULL)
    training->before = fl_gradient_new (training->n_blocks, training->block, &failure);
  if (training->before == NULL)
    return fl_training_fail (training, failure);
  for (size_t b = 0; b < training->n_blocks; b++)
    {
      const FlBlock *block = &training->block[b];
      const FlGradientBlock *from = &by->block[b];
      size_t m = block->n_cols;

      keep_rows (block, &training->before->block[b], from);
#pragma omp parallel for schedule(static) if (from->n_used * m >= 32768)
      for (uint32_t k = 0; k < from->n_used; k++)
        fl_add_f32 (m, (float) factor, from->value + from->row[k] * m,
                    block->value + from->row[k] * m);
    }
  training->moved = TRUE;
  tell_moved (training);
  return TRUE;
}

gboolean
fl_training_restore (FlTraining *training)
{
  if (training->failure != NULL)
    return FALSE;
  if (!training->moved)
    return TRUE;
  for (size_t b = 0; b < training->n_blocks; b++)
    {
      const FlBlock *block = &training->block[b];
      const FlGradientBlock *before = &training->before->block[b];
      size_t m = block->n_cols;

      for (uint32_t k = 0; k < before->n_used; k++)
        memcpy (block->value + before->row[k] * m, before->value + before->row[k] * m,
                m * sizeof *block->value);
    }
  fl_gradient_clear (training->before);
  training->moved = FALSE;
  tell_moved (training);
  return TRUE;
}

/* ---- the end ----------------------------------------------------------- */

static void
take_best (FlTraining *training)
{
  size_t size;
  const FlBest *best = fl_stopping_best (training->stopping, &size);

  fl_stopping_restore (training->stopping);
  tell_moved (training);
  fl_run_note (training->stage.run, "best epoch", (double) best->epoch);
  fl_run_note (training->stage.run, "best value", best->value);
}

gboolean
fl_training_end (FlTraining *training, GError **error)
{
  FlInstance *model = training->stage.model;

  if (training->failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&training->failure));
      return FALSE;
    }
  if (training->stopping != NULL)
    take_best (training);
  fl_run_note_stop (training->stage.run, training->stopped ? FL_STOP_PATIENCE : FL_STOP_MAX_ITER,
                    training->epoch);
  return training->ops->settle == NULL || training->ops->settle (model->self, error);
}
