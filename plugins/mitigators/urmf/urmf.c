/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* urmf: matrix factorisation regularised by unfairness [Yao, dissertation, sec. 3.4,
 * eq. (3.8)].
 *
 *   J = (1 / n) sum (s_ui - r_ui)^2 + penalties of the model + sum_p gamma_p U_p (s)
 *
 * over the n training ratings; U_p is what an objective descends, a function of all
 * predictions of the training ratings.  One batch of all of them and Adam are the
 * dissertation's training.  With smaller batches dU_p / ds, from a pass over all ratings, is
 * held fixed for `refresh` steps, and each batch follows its own part of it, times n / batch: the
 * mean over the batches of that is the derivative of U_p.
 */
#include <fairlead/plugin.h>

#define N_PENALTIES 5

typedef struct
{
  FlInstance *objective, *objective_2, *objective_3, *objective_4, *objective_5;
  double gamma, gamma_2, gamma_3, gamma_4, gamma_5;
  int64_t refresh;
} Urmf;

#define FURTHER(n) \
  FL_PLUGIN_PARAM (Urmf, objective_##n, FL_KIND_OBJECTIVE, "", "a further one; empty: none"), \
  FL_DOUBLE (Urmf, gamma_##n, 1, 0, 1e9, NULL, "its weight")

static const FlParam params[] = {
  FL_PLUGIN_PARAM (Urmf, objective, FL_KIND_OBJECTIVE, "value",
                   "what is to be small, besides the error: an objective with a gradient"),
  FL_DOUBLE (Urmf, gamma, 1, 0, 1e9, NULL,
             "its weight, where the mean squared error has 1; 0: the model is trained as without"),
  FURTHER (2), FURTHER (3), FURTHER (4), FURTHER (5),
  FL_INT (Urmf, refresh, 1, 1, 1000000000, "steps",
          "how long a derivative by the predictions is used before it is found anew, in a pass "
          "over all training ratings; 1: the method as published"),
  FL_PARAM_END
};

typedef struct
{
  const FlInstance *objective;
  double gamma;
} Penalty;

/* Those that there are; returns how many. */
static size_t
list_penalties (const Urmf *self, Penalty *penalty)
{
  const Penalty all[N_PENALTIES] = { { self->objective, self->gamma },
                                     { self->objective_2, self->gamma_2 },
                                     { self->objective_3, self->gamma_3 },
                                     { self->objective_4, self->gamma_4 },
                                     { self->objective_5, self->gamma_5 } };
  size_t n = 0;

  for (size_t p = 0; p < N_PENALTIES; p++)
    if (all[p].objective != NULL && all[p].gamma > 0)
      penalty[n++] = all[p];
  return n;
}

static gboolean
urmf_check (gconstpointer self_, GError **error)
{
  const Urmf *self = self_;
  const FlInstance *const all[] = { self->objective, self->objective_2, self->objective_3,
                                    self->objective_4, self->objective_5 };

  for (size_t p = 0; p < N_PENALTIES; p++)
    if (all[p] != NULL && !fl_objective_has_gradient (all[p]))
      return fl_fail (error, FL_ERROR_CONFIG, "objective '%s' has no gradient: it cannot be "
                      "trained for", fl_instance_name (all[p]));
  return TRUE;
}

/* ---- penalties ------------------------------------------------------------ */

typedef struct
{
  size_t n;
  Penalty penalty[N_PENALTIES];
  double loss[N_PENALTIES]; /* U_p when last found                     */
  FlView *view;             /* of the training ratings                 */
  double *slope;            /* view->n: sum_p gamma_p dU_p / ds        */
  double *own;              /* view->n: of one p                       */
  uint64_t age;             /* steps since it was found                */
} Penalties;

static void
penalties_clear (Penalties *penalties)
{
  g_clear_pointer (&penalties->view, fl_view_free);
  g_free (penalties->slope);
  g_free (penalties->own);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Penalties, penalties_clear)

static gboolean
penalties_init (Penalties *penalties, const Urmf *self, const FlStage *stage, GError **error)
{
  penalties->n = list_penalties (self, penalties->penalty);
  penalties->slope = fl_alloc (stage->data->train->n, sizeof (double), error);
  if (penalties->slope != NULL)
    penalties->own = fl_alloc (stage->data->train->n, sizeof (double), error);
  return penalties->own != NULL;
}

/* slope <- sum_p gamma_p dU_p / ds under the model as it is. */
static gboolean
find_slopes (Penalties *penalties, const FlStage *stage, GError **error)
{
  if (penalties->view == NULL)
    penalties->view = fl_view_new (stage->data, FL_PART_TRAIN, stage->model, error);
  if (penalties->view == NULL || !fl_view_update (penalties->view, error))
    return FALSE;
  for (size_t k = 0; k < penalties->view->n; k++)
    penalties->slope[k] = 0;
  for (size_t p = 0; p < penalties->n; p++)
    {
      const Penalty *penalty = &penalties->penalty[p];

      if (!fl_objective_gradient (penalty->objective, penalties->view, &penalties->loss[p],
                                  penalties->own, error))
        return FALSE;
      for (size_t k = 0; k < penalties->view->n; k++)
        penalties->slope[k] += penalty->gamma * penalties->own[k];
    }
  return TRUE;
}

/* Adds each entry's slope, so that the mean over batches is the derivative. */
static void
add_slopes (const Penalties *penalties, const FlRatings *train, const FlBatch *batch,
            double *d_score)
{
  double scale = (double) train->n / (double) batch->n;

#pragma omp parallel for schedule(static) if (batch->n > 10000)
  for (size_t k = 0; k < batch->n; k++)
    d_score[k] += scale * penalties->slope[fl_csr_lower_bound (&train->by_user, batch->user[k],
                                                              batch->item[k])];
}

/* gamma_1 U_1 + ... */
static double
sum_penalties (const Penalties *penalties)
{
  double sum = 0;

  for (size_t p = 0; p < penalties->n; p++)
    sum += penalties->penalty[p].gamma * penalties->loss[p];
  return sum;
}

static gboolean
note_penalties (Penalties *penalties, const FlStage *stage, GError **error)
{
  if (penalties->n == 0)
    return TRUE;
  if (!find_slopes (penalties, stage, error))
    return FALSE;
  for (size_t p = 0; p < penalties->n; p++)
    {
      g_autofree char *key
          = g_strdup_printf ("%s in training", fl_instance_name (penalties->penalty[p].objective));

      fl_run_note (stage->run, key, penalties->loss[p]);
    }
  return TRUE;
}

/* ---- training ------------------------------------------------------------- */

static gboolean
train_batch (FlTraining *training, const Urmf *self, const FlStage *stage, const FlBatch *batch,
             Penalties *penalties, double *score, double *d_score)
{
  GError *failure = NULL;
  double loss;

  if (penalties->n > 0 && penalties->age++ % (uint64_t) self->refresh == 0
      && !find_slopes (penalties, stage, &failure))
    return fl_training_fail (training, failure);
  fl_training_scores (training, batch, score);
  loss = fl_loss_squared (batch->n, score, batch->label, NULL, d_score, NULL);
  if (penalties->n > 0)
    {
      add_slopes (penalties, stage->data->train, batch, d_score);
      loss += sum_penalties (penalties);
    }
  fl_training_backward (training, batch, d_score, fl_training_gradient (training), NULL);
  return fl_training_step (training, fl_training_gradient (training), loss);
}

static gboolean
check_settings (const FlTrainingSettings *settings, GError **error)
{
  return settings->loss == FL_LOSS_SQUARED
         || fl_fail (error, FL_ERROR_CONFIG, "trains for the squared error of ratings; set 'loss = "
                     "squared' in [model]");
}

static gboolean
urmf_train (gpointer self_, const FlStage *stage, GError **error)
{
  const Urmf *self = self_;
  g_autoptr (FlTraining) training = fl_training_new (stage, NULL, error);
  g_auto (Penalties) penalties = { .n = 0 };
  g_autofree double *score = NULL, *d_score = NULL;
  const FlBatch *batch;
  size_t n;

  if (training == NULL || !check_settings (fl_training_settings (training), error)
      || !penalties_init (&penalties, self, stage, error))
    return FALSE;
  n = fl_training_batch_size (training);
  score = fl_alloc (n, sizeof *score, error);
  d_score = score != NULL ? fl_alloc (n, sizeof *d_score, error) : NULL;
  if (d_score == NULL)
    return FALSE;
  fl_training_keep (training, "slopes", penalties.slope,
                    stage->data->train->n * sizeof *penalties.slope);
  fl_training_keep (training, "penalties", penalties.loss, sizeof penalties.loss);
  fl_training_keep (training, "age", &penalties.age, sizeof penalties.age);
  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      train_batch (training, self, stage, batch, &penalties, score, d_score);
  return fl_training_end (training, error) && note_penalties (&penalties, stage, error);
}

FL_PLUGIN (
  .name        = "urmf",
  .summary     = "unfairness as a penalty beside the squared error (URMF)",
  .description = "Trains for the squared error plus weighted penalties: what objectives with a "
                 "gradient by predictions descend, on the training ratings.  Any model trained by "
                 "gradients with loss = squared will do; its own settings hold.  The dissertation "
                 "has bpr-mf with biases, rank 2, weight-decay 1e-3 and 250 steps of Adam over one "
                 "batch of all ratings.",
  .reference   = "Yao, Fairness in recommender systems (dissertation), sec. 3.4; Yao and Huang, "
                 "NeurIPS 2017",
  .licence     = "LGPL-3.0-or-later",
  .params      = params,
  .self_size   = sizeof (Urmf),
  .check       = urmf_check,
  .needs = FL_NEEDS_GRADIENT | FL_NEEDS_RATINGS,
  FL_MITIGATOR (FL_TRAIN (.train = urmf_train, .losses = 1 << FL_LOSS_SQUARED))
);
