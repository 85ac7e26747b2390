/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* default.c: how the host trains a model without a `fit` of its own. */
#include "core/train/train-room.h"

/* Bayesian personalised ranking [Rendle et al. 2009, fig. 4], in batches. */
static void
train_bpr (FlTraining *training)
{
  FlGradient *gradient = fl_training_gradient (training);
  size_t n = fl_training_batch_size (training);
  g_autofree double *score = g_new (double, 2 * n), *d_score = g_new (double, 2 * n);
  const FlBatch *batch;

  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      {
        double loss;

        fl_training_scores (training, batch, score);
        loss = fl_loss_bpr (batch->n, score, NULL, d_score, NULL);
        fl_training_backward (training, batch, d_score, gradient, NULL);
        fl_training_step (training, gradient, loss);
      }
}

typedef double (*PairLoss) (size_t n, const double *score, const double *label,
                            const double *weight, double *d_score, double *each);

/* Labelled pairs. */
static void
train_pairs (FlTraining *training, PairLoss loss_of)
{
  FlGradient *gradient = fl_training_gradient (training);
  size_t n = fl_training_batch_size (training);
  g_autofree double *score = g_new (double, n), *d_score = g_new (double, n);
  const FlBatch *batch;

  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      {
        double loss;

        fl_training_scores (training, batch, score);
        loss = loss_of (batch->n, score, batch->label, NULL, d_score, NULL);
        fl_training_backward (training, batch, d_score, gradient, NULL);
        fl_training_step (training, gradient, loss);
      }
}

gboolean
fl_training_run (const FlStage *stage, GError **error)
{
  g_autoptr (FlTraining) training = fl_training_open (stage, NULL, TRUE, error);

  if (training == NULL)
    return FALSE;
  if (fl_training_settings (training)->optimizer == FL_OPTIMIZER_STREAM)
    while (fl_training_epoch (training))
      fl_training_stream (training);
  else if (fl_training_settings (training)->loss == FL_LOSS_BPR)
    train_bpr (training);
  else
    train_pairs (training, fl_training_settings (training)->loss == FL_LOSS_BCE ? fl_loss_bce
                                                                                : fl_loss_squared);
  return fl_training_end (training, error);
}

gboolean
fl_model_fit (FlInstance *model, const FlData *data, FlRun *run, GError **error)
{
  FlCall call;

  if (fl_model_fits_itself (model))
    return fl_model_fit_itself (model, data, run, error);
  /* The loop is the host's; who is trained is who is at work. */
  call = fl_call_begin (model, "training");
  return fl_call_end (&call, fl_training_run (&FL_STAGE (.data = data, .model = model, .run = run),
                                              &call.failure), error);
}
