/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* settings.c: how a model is trained: read, and refused where settings contradict one
 * another or ask for what the model has not. */
#include "core/train/train-room.h"

#include <string.h>

gboolean
fl_training_settings_copy (FlTrainingSettings *mine, const FlTrainingSettings *theirs,
                           GError **error)
{
  if (theirs->size == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "hands over a FlTrainingSettings without its size: "
                    "use FL_TRAINING_SETTINGS");
  FL_COPY (mine, theirs);
  return TRUE;
}

/* They lie in the model's own structure, behind which others may stand. */
void
fl_training_settings_read (FlTrainingSettings *mine, const FlInstance *model)
{
  const FlGradientOps *ops = ((const FlModelOps *) model->ops)->gradient;

  memset (mine, 0, sizeof *mine);
  memcpy (mine, ops->settings (model->self), MIN (ops->settings_size, sizeof *mine));
  mine->size = sizeof *mine;
}

gboolean
fl_training_settings_check (const FlTrainingSettings *settings, const FlInstance *model,
                            GError **error)
{
  gboolean streams = settings->optimizer == FL_OPTIMIZER_STREAM;

  if (settings->loss == FL_LOSS_SQUARED && settings->negatives > 1)
    return fl_fail (error, FL_ERROR_CONFIG, "negatives = %" G_GINT64_FORMAT ": loss = squared "
                    "learns from the ratings alone and has none; leave them at 1",
                    settings->negatives);
  if (settings->weight_decay > 0 && (streams || settings->optimizer == FL_OPTIMIZER_ADAM_LAZY))
    return fl_fail (error, FL_ERROR_CONFIG, "weight-decay = %g: moves every parameter at every "
                    "step, which optimizer = %s does not", settings->weight_decay,
                    streams ? "stream" : "adam-lazy");
  if (streams && ((const FlModelOps *) model->ops)->gradient->stream == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "optimizer = stream: model %s has no such loop of its "
                    "own", model->plugin->name);
  return TRUE;
}

gboolean
fl_training_check_model (const FlInstance *model, GError **error)
{
  FlTrainingSettings settings;

  if (((const FlModelOps *) model->ops)->gradient == NULL)
    return TRUE;
  fl_training_settings_read (&settings, model);
  return fl_training_settings_check (&settings, model, error);
}
