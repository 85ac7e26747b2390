/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* train-room.h: training by gradients.  What a run does for its trainings is
 * declared here and defined in core/run. */
#ifndef FL_TRAIN_ROOM_H
#define FL_TRAIN_ROOM_H

#include <fairlead/plugin.h>

FL_BEGIN_DECLS

/* ---- sampler ----------------------------------------------------------- */

/* Triples, or labelled pairs, in the order of an epoch.  Each training rating of a
 * user who has not rated every item is a positive; negatives are uniform over the
 * items that its user has not rated. */
typedef struct FlSampler FlSampler;

/* Of the settings it reads batch, negatives and loss.  `train` must outlive it. */
FlSampler *fl_sampler_new (const FlRatings *train, const FlTrainingSettings *settings,
                           uint64_t seed, GError **error);
void fl_sampler_free (FlSampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlSampler, fl_sampler_free)
/* Entries of an epoch, and how many batches they make. */
size_t fl_sampler_size (const FlSampler *sampler);
size_t fl_sampler_n_batches (const FlSampler *sampler);
/* Users with training ratings who have no negative. */
uint32_t fl_sampler_left_out (const FlSampler *sampler);
void fl_sampler_begin (FlSampler *sampler, uint64_t epoch);
/* Valid until the next call; NULL after the last batch of the epoch. */
const FlBatch *fl_sampler_next (FlSampler *sampler);

/* ---- optimiser --------------------------------------------------------- */

/* fl_optimizer_step that also makes the gradient zero. */
gboolean fl_optimizer_step_and_clear (FlOptimizer *optimizer, FlGradient *gradient);

/* ---- training ---------------------------------------------------------- */

/* fl_training_new, for whoever calls `stream` where the settings say so. */
FlTraining *fl_training_open (const FlStage *stage, const FlTrainingSettings *settings,
                              gboolean streams, GError **error);
/* The epoch in the model's own way. */
gboolean fl_training_stream (FlTraining *training);

FL_END_DECLS

#endif
