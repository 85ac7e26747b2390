/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* training.c: one training, from the random start of a model to its best
 * parameters. */
#include "core/train/train-room.h"

#include <math.h>
#include <string.h>

struct FlTraining
{
  FlStage stage;
  FlData data;             /* of the stage                         */
  FlTrainingSettings settings;
  const FlBlock *block;
  size_t n_blocks;
  FlSampler *sampler;
  FlOptimizer *optimizer;  /* NULL where the model streams             */
  FlGradient *gradient;
  FlStopping *stopping;    /* or NULL                                   */
  FlGradient *before;      /* rows as they were before fl_training_move */
  gboolean moved;
  gboolean started;        /* the first epoch                           */
  struct
  {
    uint64_t epoch;        /* under way, or all of them            */
    uint64_t stopped;      /* patience was at its end              */
  } at;
  GArray *kept;            /* FlPiece: of the callers              */
  GArray *pieces;          /* FlPiece: the whole state             */
  char *checkpoint;        /* file, or NULL                        */
  double seconds;          /* between two writes                   */
  int64_t written;         /* when the last ended, or when it began */
  gboolean resumable;      /* there is a file                      */
  uint64_t n_batches;      /* done of this epoch                       */
  double loss;             /* sum over them                            */
  GError *failure;
};

/* ---- life -------------------------------------------------------------- */

/* The caller's own, or the model's; and whether all can be as they say. */
static gboolean
read_settings (FlTraining *training, const FlTrainingSettings *given, gboolean streams,
               GError **error)
{
  const FlInstance *model = training->stage.model;
  FlTrainingSettings *mine = &training->settings;

  return (given != NULL ? fl_training_settings_copy (mine, given, error)
                        : fl_model_settings (model, mine, error))
         && fl_training_check (model, mine, streams ? NULL : "a mitigator", NULL, error);
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
  if (training->sampler == NULL || !fl_model_start (model, train, seed, error)
      || !fl_model_blocks (model, &training->block, &training->n_blocks, error))
    return FALSE;
  if (training->stopping != NULL
      && !fl_stopping_set_blocks (training->stopping, training->n_blocks, training->block, error))
    return FALSE;
  if (training->settings.optimizer == FL_OPTIMIZER_STREAM)
    return TRUE;
  training->gradient = fl_gradient_new (training->n_blocks, training->block, error);
  training->optimizer = fl_optimizer_new (training->n_blocks, training->block,
                                          &training->settings, error);
  return training->gradient != NULL && training->optimizer != NULL;
}

static gboolean
check_stage (const FlStage *stage, GError **error)
{
  if (stage->size == 0 || stage->data->size == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "hands over a %s without its size: use %s",
                    stage->size == 0 ? "FlStage" : "FlData",
                    stage->size == 0 ? "FL_STAGE" : "FL_DATA");
  return fl_model_has (stage->model, FL_NEEDS_GRADIENT)
         || fl_fail (error, FL_ERROR_CONFIG, "model %s is not trained by gradients",
                     fl_instance_name (stage->model));
}

FlTraining *
fl_training_open (const FlStage *stage, const FlTrainingSettings *settings, gboolean streams,
                  GError **error)
{
  g_autoptr (FlTraining) training = NULL;

  if (!check_stage (stage, error) || !fl_model_may_train (stage->model, error))
    return NULL;
  training = g_new0 (FlTraining, 1);
  FL_COPY (&training->stage, stage);
  FL_COPY (&training->data, stage->data);
  training->stage.data = &training->data;
  training->kept = g_array_new (FALSE, FALSE, sizeof (FlPiece));
  training->written = g_get_monotonic_time ();
  training->checkpoint = fl_run_checkpoint (stage->run, &training->seconds);
  if (!read_settings (training, settings, streams, error) || !make_stopping (training, error)
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
  g_array_unref (training->kept);
  g_clear_pointer (&training->pieces, g_array_unref);
  g_free (training->checkpoint);
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

static void
add_piece (GArray *pieces, const char *name, gpointer data, size_t size)
{
  FlPiece piece = { .name = g_intern_string (name), .data = data, .size = size };

  g_array_append_val (pieces, piece);
}

void
fl_training_keep (FlTraining *training, const char *name, gpointer data, size_t size)
{
  g_return_if_fail (!training->started);
  add_piece (training->kept, name, data, size);
}

void
fl_training_keep_gradient (FlTraining *training, const char *name, FlGradient *gradient)
{
  FlPiece piece = { .name = g_intern_string (name), .gradient = gradient };

  g_return_if_fail (!training->started);
  g_array_append_val (training->kept, piece);
}

uint64_t
fl_training_epoch_number (const FlTraining *training)
{
  return training->at.epoch;
}

uint64_t
fl_training_best_epoch (const FlTraining *training)
{
  size_t size;

  return training->stopping != NULL ? fl_stopping_best (training->stopping, &size)->epoch
                                    : training->at.epoch;
}

/* ---- failures ---------------------------------------------------------- */

gboolean
fl_training_fail (FlTraining *training, GError *failure)
{
  if (failure == NULL)
    fl_fail (&failure, FL_ERROR_PLUGIN, "training was ended without saying why");
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
           training->at.epoch + 1, training->n_batches + 1);
  return fl_training_fail (training, failure);
}

static void
announce_change (FlTraining *training)
{
  fl_model_parameters_changed (training->stage.model);
}

static gboolean
is_last (const FlTraining *training)
{
  return training->at.epoch >= (uint64_t) training->settings.epochs;
}

static gboolean
is_over (const FlTraining *training)
{
  return training->at.stopped || is_last (training);
}

/* ---- checkpoints ------------------------------------------------------- */

/* Everything that the rest of the training depends on. */
static void
gather_pieces (FlTraining *training)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (FlPiece));
  size_t size = 0;
  gpointer state;

  training->pieces = pieces;
  add_piece (pieces, "training", &training->at, sizeof training->at);
  for (size_t b = 0; b < training->n_blocks; b++)
    {
      const FlBlock *block = &training->block[b];

      add_piece (pieces, block->name, fl_block_row (block, 0),
                 block->n_rows * fl_block_row_bytes (block));
    }
  if (training->optimizer != NULL)
    {
      state = fl_optimizer_state (training->optimizer, &size);
      add_piece (pieces, "optimizer", state, size);
    }
  if (training->stopping != NULL)
    {
      state = fl_stopping_best (training->stopping, &size);
      add_piece (pieces, "best", state, size);
    }
  if (training->kept->len > 0)
    g_array_append_vals (pieces, training->kept->data, training->kept->len);
}

/* Goes on where an earlier attempt was interrupted. */
static void
resume (FlTraining *training)
{
  g_autoptr (GError) error = NULL;

  if (training->checkpoint == NULL)
    return;
  gather_pieces (training);
  training->resumable = fl_checkpoint_load (training->checkpoint, training->pieces, &error);
  if (training->resumable)
    announce_change (training);
  else if (error != NULL)
    {
      g_autofree char *name = g_path_get_basename (training->checkpoint);
      g_autofree char *text = g_strdup_printf ("not resumed: %s %s", name, error->message);

      fl_run_note_text (training->stage.run, "checkpoint", text);
    }
}

/* What a write has cost may be this share of the time at most. */
#define WRITING_SHARE 0.05

/* At the end of an epoch, if it is time; and of the last one, if it took that long:
 * a cell that is interrupted later need not train again. */
static void
save (FlTraining *training)
{
  int64_t now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  gboolean over = is_over (training) && training->resumable;

  if (training->checkpoint == NULL || training->failure != NULL
      || (!over && (double) (now - training->written) < 1e6 * training->seconds))
    return;
  training->resumable = fl_checkpoint_save (training->checkpoint, training->pieces, &error);
  training->written = g_get_monotonic_time ();
  if (training->seconds > 0)
    training->seconds = MAX (training->seconds,
                             (double) (training->written - now) / (1e6 * WRITING_SHARE));
  if (training->resumable)
    return;
  /* The work itself goes on. */
  fl_run_note_text (training->stage.run, "checkpoint", error->message);
  g_clear_pointer (&training->checkpoint, g_free);
}

/* ---- epochs ------------------------------------------------------------ */

/* Nothing else may have asked whether memory ended for a gradient that is kept. */
static gboolean
check_kept (const FlTraining *training, GError **error)
{
  for (guint i = 0; i < training->kept->len; i++)
    if (!fl_gradient_check (g_array_index (training->kept, FlPiece, i).gradient, error))
      return FALSE;
  return TRUE;
}

static void
end_epoch (FlTraining *training)
{
  GError *failure = NULL;
  gboolean stop = FALSE;

  training->at.epoch++;
  if (!check_kept (training, &failure))
    {
      fl_training_fail (training, failure);
      return;
    }
  if (training->stopping != NULL
      && !fl_stopping_end_epoch (training->stopping, training->at.epoch, is_last (training),
                                 &stop, &failure))
    fl_training_fail (training, failure);
  training->at.stopped = stop;
  save (training);
}

gboolean
fl_training_epoch (FlTraining *training)
{
  if (!training->started)
    resume (training);
  else if (training->failure == NULL)
    end_epoch (training);
  training->started = TRUE;
  if (training->failure != NULL || is_over (training))
    return FALSE;
  training->n_batches = 0;
  training->loss = 0;
  if (training->optimizer != NULL)
    fl_sampler_start_epoch (training->sampler, training->at.epoch);
  return TRUE;
}

const FlBatch *
fl_training_batch (FlTraining *training)
{
  return training->failure == NULL ? fl_sampler_next (training->sampler) : NULL;
}

size_t
fl_training_item_width (const FlTraining *training)
{
  return fl_model_vector_width (training->stage.model, FL_SIDE_ITEM);
}

size_t
fl_training_user_width (const FlTraining *training)
{
  return fl_model_vector_width (training->stage.model, FL_SIDE_USER);
}

static gboolean
refuse_perturbed (const FlTraining *training, const char *what, GError **error)
{
  return fl_fail (error, FL_ERROR_CONFIG, "model %s has no vectors of %s to add to",
                  training->stage.model->plugin->name, what);
}

/* The host's own copy of a batch: what its maker did not know yet is zero. */
static gboolean
read_batch (const FlTraining *training, FlBatch *mine, const FlBatch *theirs, GError **error)
{
  if (theirs->size == 0)
    return fl_fail (error, FL_ERROR_PLUGIN,
                    "hands over a FlBatch without its size: use FL_BATCH");
  FL_COPY (mine, theirs);
  if (mine->delta != NULL && fl_training_item_width (training) == 0)
    return refuse_perturbed (training, "items", error);
  if (mine->user_delta != NULL && fl_training_user_width (training) == 0)
    return refuse_perturbed (training, "users", error);
  return TRUE;
}

/* A block of items, perhaps one of users. */
static gboolean
check_d_delta (const FlTraining *training, const FlGradient *d_delta, GError **error)
{
  const FlRatings *train = training->stage.data->train;
  const uint32_t n_rows[] = { train->n_items, train->n_users };
  const size_t width[]
      = { fl_training_item_width (training), fl_training_user_width (training) };

  if (d_delta == NULL)
    return TRUE;
  if (d_delta->n_blocks < 1 || d_delta->n_blocks > 2)
    return fl_fail (error, FL_ERROR_PLUGIN, "d_delta has %zu blocks: one of items is wanted, and "
                    "perhaps one of users", d_delta->n_blocks);
  for (size_t b = 0; b < d_delta->n_blocks; b++)
    if (d_delta->block[b].n_rows != n_rows[b] || d_delta->block[b].n_cols != width[b]
        || d_delta->block[b].f32 == NULL)
      return fl_fail (error, FL_ERROR_PLUGIN, "block %zu of d_delta is %u x %zu %s, wanted %u x "
                      "%zu floats", b, d_delta->block[b].n_rows, d_delta->block[b].n_cols,
                      d_delta->block[b].f32 != NULL ? "floats" : "doubles", n_rows[b], width[b]);
  return TRUE;
}

gboolean
fl_training_scores (FlTraining *training, const FlBatch *theirs, double *score)
{
  GError *failure = NULL;
  FlBatch batch;

  if (training->failure != NULL)
    return FALSE;
  if (!read_batch (training, &batch, theirs, &failure))
    return fl_training_fail (training, failure);
  memset (score, 0, batch.n * batch.width * sizeof *score);
  return fl_model_batch_scores (training->stage.model, &batch, score, &failure)
         || fl_training_fail (training, failure);
}

gboolean
fl_training_derive (FlTraining *training, const FlBatch *theirs, const double *d_score, double l2,
                    FlGradient *gradient, FlGradient *d_delta)
{
  GError *failure = NULL;
  FlBatch batch;

  if (training->failure != NULL)
    return FALSE;
  if (!read_batch (training, &batch, theirs, &failure)
      || !check_d_delta (training, d_delta, &failure)
      || !fl_model_backward (training->stage.model, &batch, d_score, l2, gradient, d_delta,
                             &failure)
      || !fl_gradient_check (gradient, &failure) || !fl_gradient_check (d_delta, &failure))
    return fl_training_fail (training, failure);
  return TRUE;
}

gboolean
fl_training_backward (FlTraining *training, const FlBatch *batch, const double *d_score,
                      FlGradient *gradient, FlGradient *d_delta)
{
  return fl_training_derive (training, batch, d_score,
                             training->settings.l2 / (double) MAX (batch->n, 1), gradient,
                             d_delta);
}

gboolean
fl_training_step (FlTraining *training, FlGradient *gradient, double loss)
{
  double n_batches = (double) fl_sampler_n_batches (training->sampler);
  GError *failure = NULL;

  if (training->failure != NULL)
    return FALSE;
  if (!fl_gradient_check (gradient, &failure))
    return fl_training_fail (training, failure);
  loss += gradient->penalty;
  if (!isfinite (loss))
    return diverge (training, "the loss");
  if (!fl_optimizer_step (training->optimizer, gradient))
    return diverge (training, "a parameter");
  fl_gradient_clear (gradient);
  announce_change (training);
  /* What was moved has been stepped from. */
  if (training->moved)
    fl_gradient_clear (training->before);
  training->moved = FALSE;
  training->loss += loss;
  training->n_batches++;
  fl_run_progress (training->stage.run,
                   (double) training->at.epoch + (double) training->n_batches / n_batches,
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
  if (!fl_model_stream (training->stage.model, fl_run_seed (training->stage.run),
                        training->at.epoch, &loss, &failure))
    return fl_training_fail (training, failure);
  if (!isfinite (loss))
    return diverge (training, "the loss");
  training->loss += loss;
  training->n_batches++;
  fl_run_progress (training->stage.run, (double) training->at.epoch + 1,
                   (double) training->settings.epochs, "epochs");
  return TRUE;
}

/* ---- vectors ----------------------------------------------------------- */

gboolean
fl_training_vectors (FlTraining *training, FlSide side, size_t n, const uint32_t *index,
                     double *out)
{
  GError *failure = NULL;

  return training->failure == NULL
         && (fl_model_vectors (training->stage.model, side, n, index, out, &failure)
             || fl_training_fail (training, failure));
}

gboolean
fl_training_vectors_back (FlTraining *training, FlSide side, size_t n, const uint32_t *index,
                          const double *d_out, FlGradient *gradient)
{
  GError *failure = NULL;

  return training->failure == NULL
         && ((fl_model_vectors_back (training->stage.model, side, n, index, d_out, gradient,
                                     &failure)
              && fl_gradient_check (gradient, &failure))
             || fl_training_fail (training, failure));
}

/* ---- there and back ---------------------------------------------------- */

/* Keeps the rows that are about to change, unless they have been before. */
static void
keep_rows (const FlBlock *block, FlGradientBlock *before, const FlGradientBlock *by)
{
  for (uint32_t k = 0; k < by->n_used; k++)
    {
      uint32_t r = by->row[k];

      if (before->slot[r] == FL_NOT_LISTED)
        memcpy (fl_gradient_place (before, fl_gradient_list (before, r)), fl_block_row (block, r),
                fl_block_row_bytes (block));
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
  for (size_t b = 0; b < training->n_blocks && failure == NULL; b++)
    keep_rows (&training->block[b], &training->before->block[b], &by->block[b]);
  if (failure != NULL || !fl_gradient_check (by, &failure)
      || !fl_gradient_check (training->before, &failure))
    return fl_training_fail (training, failure);
  for (size_t b = 0; b < training->n_blocks; b++)
    {
      const FlBlock *block = &training->block[b];
      const FlGradientBlock *from = &by->block[b];

#pragma omp parallel for schedule(static) if (from->n_used * block->n_cols >= 32768)
      for (uint32_t k = 0; k < from->n_used; k++)
        fl_block_add_row (block, from->row[k], factor, fl_gradient_place (from, k));
    }
  training->moved = TRUE;
  announce_change (training);
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

      for (uint32_t k = 0; k < before->n_used; k++)
        memcpy (fl_block_row (block, before->row[k]), fl_gradient_place (before, k),
                fl_block_row_bytes (block));
    }
  fl_gradient_clear (training->before);
  training->moved = FALSE;
  announce_change (training);
  return TRUE;
}

/* ---- the end ----------------------------------------------------------- */

static void
restore_best (FlTraining *training)
{
  size_t size;
  const FlBest *best = fl_stopping_best (training->stopping, &size);

  fl_stopping_restore (training->stopping);
  announce_change (training);
  fl_run_note (training->stage.run, "best epoch", (double) best->epoch);
  fl_run_note (training->stage.run, "best value", best->value);
}

gboolean
fl_training_end (FlTraining *training, GError **error)
{
  if (training->failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&training->failure));
      return FALSE;
    }
  if (training->stopping != NULL)
    restore_best (training);
  fl_run_note_stop (training->stage.run, training->at.stopped ? FL_STOP_PATIENCE : FL_STOP_MAX_ITER,
                    training->at.epoch);
  return fl_model_prepare_scores (training->stage.model, error);
}
