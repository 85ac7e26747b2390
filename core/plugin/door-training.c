/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* door-training.c: calls of models that are trained by gradients. */
#include "core/plugin/door.h"

#include <string.h>

#include "core/plugin/plugin-room.h"

static const FlGradientOps *
gradient_ops (const FlInstance *model)
{
  return ((const FlModelOps *) model->ops)->gradient;
}

gboolean
fl_model_settings (const FlInstance *model, FlTrainingSettings *settings, GError **error)
{
  FlCall call = fl_call_begin (model, "settings");
  const FlTrainingSettings *theirs = gradient_ops (model)->settings (model->self);

  /* They lie in the plugin's own structure, behind which others may stand. */
  *settings = FL_TRAINING_SETTINGS (.loss = 0);
  if (theirs == NULL)
    fl_fail (&call.failure, FL_ERROR_PLUGIN, "settings returns nothing");
  else
    memcpy (settings, theirs, MIN (gradient_ops (model)->settings_size, sizeof *settings));
  settings->size = sizeof *settings;
  return fl_call_end (&call, theirs != NULL, error);
}

gboolean
fl_model_start (FlInstance *model, const FlRatings *train, uint64_t seed, GError **error)
{
  FlCall call = fl_call_begin (model, "start");

  return fl_call_end (&call, gradient_ops (model)->start (model->self, train, seed, &call.failure),
                      error);
}

static gboolean
check_block (FlCall *call, const FlBlock *block, size_t b)
{
  if (block->name == NULL)
    return fl_fail (&call->failure, FL_ERROR_PLUGIN, "blocks: block %zu has no name", b);
  return (block->f32 != NULL) != (block->f64 != NULL) || block->n_rows == 0 || block->n_cols == 0
         || fl_fail (&call->failure, FL_ERROR_PLUGIN, "blocks: '%s' has %s of f32 and f64, wanted "
                     "one", block->name, block->f32 != NULL ? "both" : "none");
}

gboolean
fl_model_blocks (FlInstance *model, const FlBlock **blocks, size_t *n, GError **error)
{
  FlCall call = fl_call_begin (model, "blocks");
  gboolean right;

  *n = gradient_ops (model)->blocks (model->self, blocks);
  right = *n > 0 || fl_fail (&call.failure, FL_ERROR_PLUGIN, "blocks: there are none to train");
  for (size_t b = 0; right && b < *n; b++)
    right = check_block (&call, &(*blocks)[b], b);
  return fl_call_end (&call, right, error);
}

void
fl_model_parameters_changed (FlInstance *model)
{
  FlCall call;

  if (gradient_ops (model)->parameters_changed == NULL)
    return;
  call = fl_call_begin (model, "parameters_changed");
  gradient_ops (model)->parameters_changed (model->self);
  fl_call_leave (&call);
}

gboolean
fl_model_prepare_scores (const FlInstance *model, GError **error)
{
  const FlGradientOps *ops = gradient_ops (model);
  FlCall call;

  if (ops == NULL || ops->prepare_scores == NULL)
    return TRUE;
  call = fl_call_begin (model, "prepare_scores");
  return fl_call_end (&call, ops->prepare_scores (model->self, &call.failure), error);
}

size_t
fl_model_vector_width (const FlInstance *model, FlSide side)
{
  const FlGradientOps *ops = gradient_ops (model);
  size_t (*width) (gconstpointer self) = side == FL_SIDE_USER ? ops->user_width : ops->item_width;
  size_t n = 0;
  FlCall call;

  if (width == NULL)
    return 0;
  call = fl_call_begin (model, "item_width");
  n = width (model->self);
  fl_call_leave (&call);
  return n;
}

gboolean
fl_model_batch_scores (FlInstance *model, const FlBatch *batch, double *score, GError **error)
{
  FlCall call = fl_call_begin (model, "scores");

  return fl_call_end (&call, gradient_ops (model)->scores (model->self, batch, score,
                                                           &call.failure), error);
}

gboolean
fl_model_backward (FlInstance *model, const FlBatch *batch, const double *d_score, double l2,
                   FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  FlCall call = fl_call_begin (model, "backward");

  return fl_call_end (&call, gradient_ops (model)->backward (model->self, batch, d_score, l2,
                                                             gradient, d_delta, &call.failure),
                      error);
}

gboolean
fl_model_stream (FlInstance *model, uint64_t seed, uint64_t epoch, double *loss, GError **error)
{
  FlCall call = fl_call_begin (model, "stream");

  return fl_call_end (&call, gradient_ops (model)->stream (model->self, seed, epoch, loss,
                                                           &call.failure), error);
}

static gboolean
has_vectors (FlCall *call, const FlGradientOps *ops)
{
  return (ops->vectors != NULL && ops->vectors_back != NULL)
         || fl_fail (&call->failure, FL_ERROR_CONFIG, "model %s gives no vectors of users and items",
                     fl_instance_name (call->callee));
}

gboolean
fl_model_vectors (FlInstance *model, FlSide side, size_t n, const uint32_t *index, double *out,
                  GError **error)
{
  const FlGradientOps *ops = gradient_ops (model);
  FlCall call = fl_call_begin (model, "vectors");

  return fl_call_end (&call, has_vectors (&call, ops)
                                 && ops->vectors (model->self, side, n, index, out, &call.failure),
                      error);
}

gboolean
fl_model_vectors_back (FlInstance *model, FlSide side, size_t n, const uint32_t *index,
                       const double *d_out, FlGradient *gradient, GError **error)
{
  const FlGradientOps *ops = gradient_ops (model);
  FlCall call = fl_call_begin (model, "vectors_back");

  return fl_call_end (&call, has_vectors (&call, ops)
                                 && ops->vectors_back (model->self, side, n, index, d_out, gradient,
                                                       &call.failure), error);
}
