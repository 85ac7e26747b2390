/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* antidote-trial.c: fits with antidote data, what they come to, and the
 * derivative of that by the antidote data.
 *
 *   dR/dx~_ij = (U g_j)' S_j^-1 u~_i            [antidote, eq. 9; first-order]
 *   dR/dx~_ij = v_j . y_i + u~_i . y_j          [implicit]
 *
 * U g_j: the objective's derivative by item j's factors v_j; S_j: the matrix of
 * the equations that v_j solves [antidote, eq. 7]; u~_i: factors of antidote user
 * i.  (9) holds users still; the second is the derivative of the converged
 * model, y = H^-1 dR/d(factors) with H half the Hessian of (1).  With antidote
 * items the two sides change places.
 */
#include "antidote.h"

#include <math.h>
#include <string.h>

static FlFactors
factors_of (const AntidoteTrial *trial)
{
  FlFactors f = { .n_users = 0 };

  fl_model_factors (trial->model, &f, NULL); /* there since check_model */
  return f;
}

/* ---- size -------------------------------------------------------------- */

size_t
antidote_count (const Antidote *self, const FlRatings *train, GError **error)
{
  uint32_t n = self->side == FL_SIDE_USER ? train->n_users : train->n_items;
  const char *what = self->side == FL_SIDE_USER ? "users" : "items";

  if (self->budget > n)
    {
      fl_fail (error, FL_ERROR_CONFIG, "budget = %g: the data have %u %s, and as many "
               "antidote %s at most", self->budget, n, what, what);
      return 0;
    }
  return (size_t) (self->budget < 1 ? fmax (1, round (self->budget * n)) : self->budget);
}

gboolean
antidote_size (AntidoteTrial *trial, GError **error)
{
  const Antidote *self = trial->self;
  const FlRatings *train = trial->stage->data->train;

  if (train->n == 0)
    return fl_fail (error, FL_ERROR_DATA, "needs ratings, found none");
  trial->n_cols = self->side == FL_SIDE_USER ? train->n_items : train->n_users;
  trial->min = self->range.n == 2 ? self->range.v[0] : train->rating_min;
  trial->max = self->range.n == 2 ? self->range.v[1] : train->rating_max;
  if (!(trial->min < trial->max))
    return fl_fail (error, FL_ERROR_DATA, "range: the scale of the ratings is from %g to %g: it "
                    "must be given", trial->min, trial->max);
  trial->n_rows = antidote_count (self, train, error);
  return trial->n_rows > 0;
}

/* ---- fits -------------------------------------------------------------- */

FlRatings *
antidote_append (const AntidoteTrial *trial, const double *rows, GError **error)
{
  return fl_ratings_append (trial->stage->data->train, (FlSide) trial->self->side,
                            (uint32_t) trial->n_rows, rows, error);
}

/* The objective and the error of the original ratings under the last fit. */
static gboolean
measure_fit (AntidoteTrial *trial, AntidoteValue *value, GError **error)
{
  const FlView *view = trial->view;
  double squares = 0;

  *value = (AntidoteValue) { 0 };
  if (!fl_view_update (trial->view, error))
    return FALSE;
  for (size_t k = 0; k < view->n; k++)
    squares += (view->predicted[k] - view->rating[k]) * (view->predicted[k] - view->rating[k]);
  value->rmse = sqrt (squares / (double) view->n);
  return trial->self->objective == NULL
         || fl_objective_gradient_factors (trial->self->objective, view, &value->loss, NULL, NULL,
                                           error);
}

/* trial->ratings: the training ratings with `rows` added. */
static gboolean
set_ratings (AntidoteTrial *trial, const double *rows, GError **error)
{
  const FlRatings *train = trial->stage->data->train;

  if (trial->ratings == NULL || trial->ratings->n != train->n + trial->n_rows * trial->n_cols)
    {
      FlRatings *ratings = antidote_append (trial, rows, error);

      fl_ratings_free (trial->ratings);
      trial->ratings = ratings;
      return ratings != NULL;
    }
  return fl_ratings_change (trial->ratings, (FlSide) trial->self->side,
                            (uint32_t) trial->n_rows, rows, error);
}

/* Begins a fit of the training ratings with `rows` added. */
static gboolean
start_fit (AntidoteTrial *trial, const double *rows, const double *item_factors, GError **error)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.item_factors = item_factors,
                                                  .seed = fl_run_seed (trial->stage->run));

  trial->n_fits++;
  return set_ratings (trial, rows, error)
         && fl_closed_form_start (trial->model, trial->ratings, &start, error);
}

gboolean
antidote_fit (AntidoteTrial *trial, const double *rows, gboolean cold, AntidoteValue *value,
              GError **error)
{
  return start_fit (trial, rows, cold ? NULL : trial->original, error)
         && fl_closed_form_converge (trial->model, NULL, error)
         && measure_fit (trial, value, error);
}

gboolean
antidote_sweep (AntidoteTrial *trial, const double *rows, const double *item_factors, size_t n,
                AntidoteValue *value, GError **error)
{
  if (!start_fit (trial, rows, item_factors, error))
    return FALSE;
  for (size_t k = 0; k < n; k++)
    if (!fl_closed_form_sweep (trial->model, error))
      return FALSE;
  return measure_fit (trial, value, error);
}

size_t
antidote_n_factors (const AntidoteTrial *trial)
{
  return (trial->stage->data->train->n_items
          + (trial->self->side == FL_SIDE_ITEM ? trial->n_rows : 0))
         * factors_of (trial).rank;
}

void
antidote_item_factors (const AntidoteTrial *trial, double *out)
{
  FlFactors f = factors_of (trial);

  for (size_t j = 0; j < f.n_items; j++)
    fl_factors_copy_row (&f, FL_SIDE_ITEM, j, out + j * f.rank);
}

/* ---- life -------------------------------------------------------------- */

void
antidote_trial_clear (AntidoteTrial *trial)
{
  fl_view_free (trial->view);
  fl_ratings_free (trial->ratings);
  g_free (trial->original);
  g_free (trial->d[FL_SIDE_USER]);
  g_free (trial->d[FL_SIDE_ITEM]);
}

static gboolean
alloc_derivatives (AntidoteTrial *trial, size_t rank, GError **error)
{
  const FlRatings *train = trial->stage->data->train;
  size_t n[2] = { train->n_users, train->n_items };

  n[trial->self->side] += trial->n_rows;
  for (int side = 0; side < 2; side++)
    if ((trial->d[side] = fl_alloc (n[side] * rank, sizeof (double), error)) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
check_model (const AntidoteTrial *trial, GError **error)
{
  const char *name = fl_instance_name (trial->model);

  if (!fl_model_has (trial->model, FL_NEEDS_CLOSED_FORM | FL_NEEDS_FACTORS))
    return fl_fail (error, FL_ERROR_CONFIG, "refits need closed-form sweeps, which model '%s' has "
                    "not", name);
  if (!fl_closed_form_has_derivatives (trial->model))
    return fl_fail (error, FL_ERROR_CONFIG, "needs derivatives of the factors, which model '%s' "
                    "does not give", name);
  return TRUE;
}

gboolean
antidote_trial_init (AntidoteTrial *trial, const Antidote *self, const FlStage *stage,
                     FlInstance *model, GError **error)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = fl_run_seed (stage->run));

  trial->self = self;
  trial->stage = stage;
  trial->model = model;
  if (!check_model (trial, error) || !antidote_size (trial, error)
      || !fl_closed_form_start (model, stage->data->train, &start, error)
      || !fl_closed_form_converge (model, stage->run, error))
    return FALSE;
  trial->original = fl_alloc (antidote_n_factors (trial), sizeof (double), error);
  if (trial->original == NULL || !alloc_derivatives (trial, factors_of (trial).rank, error))
    return FALSE;
  antidote_item_factors (trial, trial->original);
  trial->view = fl_view_new (stage->data, FL_PART_TRAIN, model, error);
  return trial->view != NULL && measure_fit (trial, &trial->before, error);
}

/* ---- gradients --------------------------------------------------------- */

/* The objective's derivative by the factors, zero for those of antidote entities. */
static gboolean
derive_by_factors (AntidoteTrial *trial, GError **error)
{
  FlFactors f = factors_of (trial);
  double loss;

  memset (trial->d[FL_SIDE_USER], 0, f.n_users * f.rank * sizeof (double));
  memset (trial->d[FL_SIDE_ITEM], 0, f.n_items * f.rank * sizeof (double));
  return fl_objective_gradient_factors (trial->self->objective, trial->view, &loss,
                                        trial->d[FL_SIDE_USER], trial->d[FL_SIDE_ITEM], error);
}

/* out_ij = d_j . f_i + (exact: f_j . d_i), i: added entities, j: the other side. */
static void
combine (const AntidoteTrial *trial, gboolean exact, double *out)
{
  FlFactors f = factors_of (trial);
  FlSide added = trial->self->side == FL_SIDE_USER ? FL_SIDE_USER : FL_SIDE_ITEM;
  FlSide other = added == FL_SIDE_USER ? FL_SIDE_ITEM : FL_SIDE_USER;
  size_t rank = f.rank, first = (added == FL_SIDE_USER ? f.n_users : f.n_items) - trial->n_rows;
  g_autofree double *columns = g_new (double, trial->n_cols * rank), *row = g_new (double, rank);

  for (size_t j = 0; j < trial->n_cols; j++)
    fl_factors_copy_row (&f, other, j, columns + j * rank);
  for (size_t i = 0; i < trial->n_rows; i++)
    {
      const double *d_row = trial->d[added] + (first + i) * rank;

      fl_factors_copy_row (&f, added, first + i, row);
      for (size_t j = 0; j < trial->n_cols; j++)
        out[i * trial->n_cols + j]
            = fl_dot_f64 (rank, trial->d[other] + j * rank, row)
              + (exact ? fl_dot_f64 (rank, columns + j * rank, d_row) : 0);
    }
}

gboolean
antidote_gradient (AntidoteTrial *trial, int gradient, double *out, GError **error)
{
  const Antidote *self = trial->self;
  FlSide other = self->side == FL_SIDE_USER ? FL_SIDE_ITEM : FL_SIDE_USER;
  FlSolution how = FL_SOLUTION (.n_iterations = 0);

  if (!derive_by_factors (trial, error))
    return FALSE;
  if (gradient == GRADIENT_FIRST_ORDER)
    {
      if (!fl_closed_form_solve_rows (trial->model, other, trial->d[other], error))
        return FALSE;
    }
  else if (!fl_closed_form_solve_hessian (
               trial->model, self->cg_tolerance, (size_t) self->cg_iterations,
               trial->d[FL_SIDE_USER], trial->d[FL_SIDE_ITEM], &how, error))
    return FALSE;
  if (how.negative_curvature)
    trial->n_negative++;
  combine (trial, gradient == GRADIENT_IMPLICIT, out);
  return TRUE;
}

gboolean
antidote_signal (AntidoteTrial *trial, double *signal, GError **error)
{
  int other = 1 - trial->self->side;
  size_t rank = factors_of (trial).rank;

  if (!derive_by_factors (trial, error))
    return FALSE;
  for (size_t j = 0; j < trial->n_cols; j++)
    {
      signal[j] = 0;
      for (size_t a = 0; a < rank; a++)
        signal[j] += trial->d[other][j * rank + a];
    }
  return TRUE;
}

void
antidote_step (const AntidoteTrial *trial, const double *rows, const double *gradient, double step,
               double *out)
{
  double sign = trial->self->goal == GOAL_MINIMISE ? -1 : 1;

  for (size_t k = 0; k < trial->n_rows * trial->n_cols; k++)
    out[k] = CLAMP (rows[k] + sign * step * gradient[k], trial->min, trial->max);
}
