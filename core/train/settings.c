/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* settings.c: how a model is trained: read, and refused where settings contradict one
 * another or ask for what the model has not. */
#include "core/train/train-room.h"

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

static const char *const loss_words[] = { "bpr", "bce", "squared" }; /* by FlLoss          */
static const char *const optimizer_words[] = { "adam", "adam-lazy", "sgd", "adagrad",
                                               "stream" };           /* by FlOptimizerKind */

#define ALL_OPTIMIZERS ((1u << G_N_ELEMENTS (optimizer_words)) - 1)

static gboolean
check_negatives (const FlTrainingSettings *settings, GError **error)
{
  if (settings->loss != FL_LOSS_SQUARED || settings->negatives <= 1)
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG, "negatives = %" G_GINT64_FORMAT ": loss = squared "
                  "learns from the ratings alone and has none; leave them at 1",
                  settings->negatives);
}

static gboolean
check_weight_decay (const FlTrainingSettings *settings, GError **error)
{
  if (!(settings->weight_decay > 0)
      || (settings->optimizer != FL_OPTIMIZER_STREAM
          && settings->optimizer != FL_OPTIMIZER_ADAM_LAZY))
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG, "weight-decay = %g: moves every parameter at every "
                  "step, which optimizer = %s does not", settings->weight_decay,
                  optimizer_words[settings->optimizer]);
}

static gboolean
refuse_stream (const FlInstance *model, GError **error)
{
  const FlModelOps *ops = model->ops;

  if (ops->gradient->stream == NULL)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "optimizer = stream: model %s has no such loop of its own",
                    fl_instance_name (model));
  return fl_fail (error, FL_ERROR_CONFIG,
                  "optimizer = stream: model %s trains by itself then, and by nothing else",
                  fl_instance_name (model));
}

/* The trainer can do with `able` of the words, not with `given`. */
static gboolean
refuse_word (const char *key, const char *const *words, size_t n, unsigned given, unsigned able,
             const char *trainer, GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (size_t w = 0; w < n; w++)
    if ((able >> w & 1) != 0)
      g_string_append_printf (list, "%s%s", list->len > 0 ? " or " : "", words[w]);
  return fl_fail (error, FL_ERROR_CONFIG, "%s = %s: '%s' trains by %s", key, words[given], trainer,
                  list->str);
}

gboolean
fl_training_check (const FlInstance *model, const FlTrainingSettings *settings,
                   const char *trainer, const FlTrainOps *ops, GError **error)
{
  const FlModelOps *own = model->ops;
  unsigned losses = ops != NULL ? ops->losses : 0, optimizers = ops != NULL ? ops->optimizers : 0;
  gboolean streams = trainer == NULL && own->gradient->stream != NULL;

  if (optimizers == 0)
    optimizers = ALL_OPTIMIZERS & ~(streams ? 0 : 1u << FL_OPTIMIZER_STREAM);
  if (!check_negatives (settings, error) || !check_weight_decay (settings, error))
    return FALSE;
  if (losses != 0 && (losses >> settings->loss & 1) == 0)
    return refuse_word ("loss", loss_words, G_N_ELEMENTS (loss_words), (unsigned) settings->loss,
                        losses, trainer, error);
  if ((optimizers >> settings->optimizer & 1) != 0)
    return TRUE;
  if (settings->optimizer == FL_OPTIMIZER_STREAM)
    return refuse_stream (model, error);
  return refuse_word ("optimizer", optimizer_words, G_N_ELEMENTS (optimizer_words),
                      (unsigned) settings->optimizer, optimizers, trainer, error);
}
