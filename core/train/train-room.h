/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* train-room.h: training by gradients.  What a training needs of rooms that come after it
 * is handed over with its run: FlTrainingServices. */
#ifndef FL_TRAIN_ROOM_H
#define FL_TRAIN_ROOM_H

#include "core/plugin/plugin-room.h"

FL_BEGIN_DECLS

/* ---- sampler ----------------------------------------------------------- */

/* Triples, or labelled pairs, in the order of an epoch.  Each training rating of a
 * user who has not rated every item is a positive; negatives are uniform over the
 * items that its user has not rated.  Of FL_LOSS_SQUARED each training rating is a pair
 * whose label it is, and there are no negatives. */
typedef struct FlSampler FlSampler;

/* Of the settings it reads batch, negatives and loss.  `train` must outlive it. */
FlSampler *fl_sampler_new (const FlRatings *train, const FlTrainingSettings *settings,
                           uint64_t seed, GError **error);
void fl_sampler_free (FlSampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlSampler, fl_sampler_free)
/* Entries of an epoch, and how many batches they make. */
size_t fl_sampler_size (const FlSampler *sampler);
size_t fl_sampler_n_batches (const FlSampler *sampler);
/* Users with training ratings who have no negative and would need one. */
uint32_t fl_sampler_left_out (const FlSampler *sampler);
void fl_sampler_start_epoch (FlSampler *sampler, uint64_t epoch);
/* Valid until the next call; NULL after the last batch of the epoch. */
const FlBatch *fl_sampler_next (FlSampler *sampler);

/* ---- blocks and gradients ---------------------------------------------- */

/* Bytes to a row. */
static inline size_t
fl_block_row_bytes (const FlBlock *block)
{
  return block->n_cols * (block->f64 != NULL ? sizeof (double) : sizeof (float));
}

/* The numbers of row r on, of either precision. */
static inline gpointer
fl_block_row (const FlBlock *block, uint32_t r)
{
  char *values = block->f64 != NULL ? (char *) block->f64 : (char *) block->f32;

  return values + r * fl_block_row_bytes (block);
}

/* FALSE with FL_ERROR_SYSTEM when memory ended for rows of it; NULL: nothing to check. */
gboolean fl_gradient_check (const FlGradient *gradient, GError **error);
/* The numbers of the row at a place, and of those behind it. */
gpointer fl_gradient_place (const FlGradientBlock *block, uint32_t place);
/* y <- y + factor x, of the numbers of a row; rounded to float first where they are. */
void fl_block_add_row (const FlBlock *block, uint32_t r, double factor, gconstpointer x);

/* ---- settings ---------------------------------------------------------- */

/* FALSE with FL_ERROR_PLUGIN where theirs do not say how large they are. */
gboolean fl_training_settings_copy (FlTrainingSettings *mine, const FlTrainingSettings *theirs,
                                    GError **error);

/* ---- early stopping ---------------------------------------------------- */

/* The best epoch so far: its number, from 1 (0: none), value, and parameters. */
typedef struct
{
  uint64_t epoch;
  double value;
  char numbers[];
} FlBest;

typedef struct FlStopping FlStopping;

FlStopping *fl_stopping_new (const FlStage *stage, const FlTrainingSettings *settings,
                             GError **error);
void fl_stopping_free (FlStopping *stopping);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlStopping, fl_stopping_free)
/* The parameters to keep the best of; before the first epoch. */
gboolean fl_stopping_set_blocks (FlStopping *stopping, size_t n_blocks, const FlBlock *blocks,
                            GError **error);
FlBest *fl_stopping_best (FlStopping *stopping, size_t *size);
/* After n_epochs: measures, if it is time, and keeps the parameters if they are the
 * best; *stop: patience is at its end. */
gboolean fl_stopping_end_epoch (FlStopping *stopping, uint64_t n_epochs, gboolean last,
                                gboolean *stop, GError **error);
/* Puts the best parameters back. */
void fl_stopping_restore (FlStopping *stopping);

/* ---- checkpoints ------------------------------------------------------- */

/* Memory that is part of the state of a training, or a gradient that is. */
typedef struct
{
  const char *name;
  gpointer data;
  size_t size;
  FlGradient *gradient; /* or NULL */
} FlPiece;

/* pieces: of FlPiece.  The folder is made if need be. */
gboolean fl_checkpoint_save (const char *path, const GArray *pieces, GError **error);
/* FALSE without an error when there is no such file, and with one, and pieces as
 * they were, when it is not of these pieces or damaged. */
gboolean fl_checkpoint_load (const char *path, const GArray *pieces, GError **error);

/* ---- training ---------------------------------------------------------- */

/* Refuses a loss or an optimiser that the model has not, or that its trainer cannot use: a
 * mitigator of that name and these methods; NULL: the model's own loop. */
gboolean fl_training_check (const FlInstance *model, const FlTrainingSettings *settings,
                            const char *trainer, const FlTrainOps *ops, GError **error);

/* fl_training_new, for whoever calls `stream` where the settings say so. */
FlTraining *fl_training_open (const FlStage *stage, const FlTrainingSettings *settings,
                              gboolean streams, GError **error);
/* The epoch in the model's own way. */
gboolean fl_training_stream (FlTraining *training);

FL_END_DECLS

#endif
