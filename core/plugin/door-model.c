/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* door-model.c: calls of models. */
#include "core/plugin/door.h"

#include "core/plugin/plugin-room.h"

static const FlModelOps *
model_ops (const FlInstance *model)
{
  return model->ops;
}

unsigned
fl_model_capabilities (const FlModelOps *ops)
{
  return (ops->factors != NULL ? (unsigned) FL_NEEDS_FACTORS : 0)
         | (ops->closed_form != NULL ? (unsigned) FL_NEEDS_CLOSED_FORM : 0)
         | (ops->closed_form != NULL && ops->closed_form->sweep_back != NULL
                ? (unsigned) FL_NEEDS_SWEEP_BACK : 0)
         | (ops->gradient != NULL ? (unsigned) FL_NEEDS_GRADIENT : 0);
}

/* A model that the host trains says it by its loss: one that compares scores with ratings,
 * or one that only tells what a user has rated from what not. */
static gboolean
learns_ratings (const FlInstance *model)
{
  FlTrainingSettings settings;
  g_autoptr (GError) unsettled = NULL; /* said where the settings are used */

  return fl_model_settings (model, &settings, &unsettled) && settings.loss == FL_LOSS_SQUARED;
}

static gboolean
predicts_ratings (const FlInstance *model)
{
  const FlModelOps *ops = model_ops (model);
  gboolean predicts;
  FlCall call;

  if (ops->predicts_ratings == NULL)
    return ops->gradient == NULL || learns_ratings (model);
  call = fl_call_begin (model, "predicts_ratings");
  predicts = ops->predicts_ratings (model->self);
  fl_call_leave (&call);
  return predicts;
}

gboolean
fl_model_has (const FlInstance *model, unsigned capabilities)
{
  unsigned missing = capabilities & ~fl_model_capabilities (model_ops (model));

  if ((missing & FL_NEEDS_RATINGS) && predicts_ratings (model))
    missing &= ~(unsigned) FL_NEEDS_RATINGS;
  return missing == 0;
}

gboolean
fl_model_fits_itself (const FlInstance *model)
{
  return model_ops (model)->fit != NULL;
}

void
fl_model_finish (FlInstance *model)
{
  model->is_finished = TRUE;
}

gboolean
fl_model_may_train (const FlInstance *model, GError **error)
{
  return !model->is_finished
         || fl_fail (error, FL_ERROR_PLUGIN, "trains model %s again: what comes after training may "
                     "only look at it, since others share it", fl_instance_name (model));
}

gboolean
fl_model_fit_itself (FlInstance *model, const FlData *data, FlRun *run, GError **error)
{
  FlCall call;

  if (!fl_model_may_train (model, error))
    return FALSE;
  call = fl_call_begin (model, "fit");
  return fl_call_end (&call, model_ops (model)->fit (model->self, data, run, &call.failure), error);
}

gboolean
fl_model_scores_itself (const FlInstance *model)
{
  return model_ops (model)->score != NULL;
}

/* Both sides in double, or both in float. */
static gboolean
has_arrays (const FlFactors *factors)
{
  return (factors->user_f64 != NULL && factors->item_f64 != NULL)
         || (factors->user_f32 != NULL && factors->item_f32 != NULL);
}

gboolean
fl_model_factors (const FlInstance *model, FlFactors *factors, GError **error)
{
  /* A model of a later header may write more than this host knows of. */
  union { FlFactors factors; char room[1024]; } theirs = { .factors = { .size = 0 } };
  FlCall call;

  if (model_ops (model)->factors == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "model %s has no factors", fl_instance_name (model));
  call = fl_call_begin (model, "factors");
  theirs.factors.size = sizeof theirs.factors;
  model_ops (model)->factors (model->self, &theirs.factors);
  *factors = theirs.factors;
  factors->size = sizeof *factors;
  if (!has_arrays (factors) && factors->n_users > 0 && factors->n_items > 0)
    fl_fail (&call.failure, FL_ERROR_PLUGIN, "no factors of %u users and %u items: not fitted?",
             factors->n_users, factors->n_items);
  return fl_call_end (&call, call.failure == NULL, error);
}

gboolean
fl_model_score (const FlInstance *model, size_t n_users, const uint32_t *user, size_t n_items,
                const uint32_t *item, double *out, GError **error)
{
  FlCall call = fl_call_begin (model, "score");

  return fl_call_end (&call, model_ops (model)->score (model->self, n_users, user, n_items, item,
                                                       out, &call.failure), error);
}

/* ---- closed form ---------------------------------------------------------- */

static const FlClosedFormOps *
closed_form (const FlInstance *model)
{
  return model_ops (model)->closed_form;
}

gboolean
fl_closed_form_start (FlInstance *model, const FlRatings *train, const FlClosedFormStart *start,
                      GError **error)
{
  FlClosedFormStart own;
  gboolean sized;
  FlCall call;

  if (!fl_model_may_train (model, error))
    return FALSE;
  call = fl_call_begin (model, "start");
  sized = start->size > 0
          || fl_fail (&call.failure, FL_ERROR_PLUGIN, "is given a FlClosedFormStart "
                      "without its size: use FL_CLOSED_FORM_START");
  if (sized)
    FL_COPY (&own, start);
  return fl_call_end (&call, sized && closed_form (model)->start (model->self, train, &own,
                                                                  &call.failure), error);
}

gboolean
fl_closed_form_sweep (FlInstance *model, GError **error)
{
  FlCall call;

  if (!fl_model_may_train (model, error))
    return FALSE;
  call = fl_call_begin (model, "sweep");
  return fl_call_end (&call, closed_form (model)->sweep (model->self, &call.failure), error);
}

double
fl_closed_form_objective (const FlInstance *model)
{
  FlCall call = fl_call_begin (model, "objective");
  double objective = closed_form (model)->objective (model->self);

  fl_call_leave (&call);
  return objective;
}

gboolean
fl_closed_form_converge (FlInstance *model, FlRun *run, GError **error)
{
  FlCall call;

  if (!fl_model_may_train (model, error))
    return FALSE;
  call = fl_call_begin (model, "converge");
  return fl_call_end (&call, closed_form (model)->converge (model->self, run, &call.failure),
                      error);
}

static gboolean
lacks (FlCall *call)
{
  return fl_fail (&call->failure, FL_ERROR_PLUGIN, "has no %s", call->method);
}

gboolean
fl_closed_form_solve_rows (const FlInstance *model, FlSide side, double *rows, GError **error)
{
  const FlClosedFormOps *ops = closed_form (model);
  FlCall call = fl_call_begin (model, "solve_rows");

  return fl_call_end (&call, ops->solve_rows != NULL
                                 ? ops->solve_rows (model->self, side, rows, &call.failure)
                                 : lacks (&call), error);
}

gboolean
fl_closed_form_has_derivatives (const FlInstance *model)
{
  return closed_form (model)->solve_rows != NULL && closed_form (model)->solve_hessian != NULL;
}

gboolean
fl_closed_form_solve_hessian (const FlInstance *model, double tolerance, size_t n_max,
                              double *d_user, double *d_item, FlSolution *how, GError **error)
{
  const FlClosedFormOps *ops = closed_form (model);
  FlCall call = fl_call_begin (model, "solve_hessian");

  return fl_call_end (&call, ops->solve_hessian != NULL
                                 ? ops->solve_hessian (model->self, tolerance, n_max, d_user,
                                                       d_item, how, &call.failure)
                                 : lacks (&call), error);
}

gboolean
fl_closed_form_has_adjoint (const FlInstance *model)
{
  return closed_form (model)->sweep_back != NULL;
}

/* What a sweep backwards leaves; the users' is 0 by its own word. */
static gboolean
check_swept (FlCall *call, const double *d_item, const double *d_lambda_user,
             const double *d_lambda_item)
{
  FlFactors f;

  return fl_model_factors (call->callee, &f, &call->failure)
         && fl_call_check_finite (call, "the derivative by item factors", d_item,
                                  f.n_items * f.rank)
         && (d_lambda_user == NULL
             || fl_call_check_finite (call, "the derivative by users' lambdas", d_lambda_user,
                                      f.n_users))
         && (d_lambda_item == NULL
             || fl_call_check_finite (call, "the derivative by items' lambdas", d_lambda_item,
                                      f.n_items));
}

gboolean
fl_closed_form_sweep_back (FlInstance *model, const double *item_before, const double *user,
                           const double *item, double *d_user, double *d_item,
                           double *d_lambda_user, double *d_lambda_item, GError **error)
{
  const FlClosedFormOps *ops = closed_form (model);
  FlCall call = fl_call_begin (model, "sweep_back");
  gboolean done = ops->sweep_back != NULL
                  ? ops->sweep_back (model->self, item_before, user, item, d_user, d_item,
                                     d_lambda_user, d_lambda_item, &call.failure)
                  : lacks (&call);

  return fl_call_end (&call, done && check_swept (&call, d_item, d_lambda_user, d_lambda_item),
                      error);
}
