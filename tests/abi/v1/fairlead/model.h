/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* model.h: plugins that learn scores.  Part of plugin.h; include that. */
#ifndef FAIRLEAD_MODEL_H
#define FAIRLEAD_MODEL_H

#include <fairlead/data.h>
#include <fairlead/params.h>
#include <fairlead/run.h>
#include <fairlead/train.h>

FL_BEGIN_DECLS

/* User and item vectors whose inner product is the score; biases are columns
 * that face a column of ones.  Row-major with `rank` columns; either the f64
 * or the f32 pair is set.  The host makes it; a model sets the fields that it knows. */
typedef struct
{
  size_t size;
  uint32_t n_users, n_items;
  size_t rank;
  const double *user_f64, *item_f64;
  const float *user_f32, *item_f32;
} FlFactors;

/* Row `row` of a side's factors, of either precision, into `out` (rank numbers). */
static inline void
fl_factors_copy_row (const FlFactors *factors, FlSide side, size_t row, double *out)
{
  const double *f64 = side == FL_SIDE_USER ? factors->user_f64 : factors->item_f64;
  const float *f32 = side == FL_SIDE_USER ? factors->user_f32 : factors->item_f32;

  for (size_t a = 0; a < factors->rank; a++)
    out[a] = f64 != NULL ? f64[row * factors->rank + a] : (double) f32[row * factors->rank + a];
}

/* Where closed-form sweeps begin. */
typedef struct
{
  size_t size;
  const double *item_factors; /* n_items x rank of FlFactors, or NULL: random */
  const double *lambda_user;  /* n_users, or NULL: the parameter              */
  const double *lambda_item;  /* n_items, or NULL                             */
  uint64_t seed;
} FlClosedFormStart;
#define FL_CLOSED_FORM_START(...) FL_SIZED_ (FlClosedFormStart, __VA_ARGS__)

/* How conjugate gradients ended. */
typedef struct
{
  size_t size;
  size_t n_iterations;
  double residual;             /* relative to that of no solution           */
  gboolean negative_curvature; /* the factors are no minimum: do not rely on it */
} FlSolution;
#define FL_SOLUTION(...) FL_SIZED_ (FlSolution, __VA_ARGS__)

/* Models that alternate exact solutions: users given items, then items given
 * users. */
typedef struct
{
  size_t ops_size;
  /* Arrays in `start` and `train` are borrowed until clear or the next start. */
  gboolean (*start) (gpointer self, const FlRatings *train, const FlClosedFormStart *start,
                     GError **error);
  gboolean (*sweep) (gpointer self, GError **error);
  /* The regularised objective at the current factors. */
  double (*objective) (gconstpointer self);
  /* Sweeps until the model's own stopping rule holds. */
  gboolean (*converge) (gpointer self, FlRun *run, GError **error);
  /* Derivatives, optional.  Rows have the layout of FlFactors; what a row does not
   * solve for (the ones that face a bias), and rows without ratings, become 0.
   *
   * solve_rows: `rows` of all users or all items becomes S^-1 row, where S x = b
   * are the equations of that row given the other side's current factors.  A rating
   * r_ui that changes by 1 moves the row of i, users held still, by S_i^-1 p_u.
   * Right after `start` too, users being 0 there: started at items that were kept,
   * it solves with the users' equations of the sweep that began at them. */
  gboolean (*solve_rows) (gconstpointer self, FlSide side, double *rows, GError **error);
  /* At the current factors, (d_user, d_item) becomes (y_user, y_item) = H^-1 (d_user,
   * d_item), H: half the Hessian of the objective, by conjugate gradients, until the
   * residual has fallen to `tolerance` of itself, n_max iterations are done, or a
   * direction of no positive curvature is met.  Where the factors are stationary and d is
   * the derivative of a loss by them, that of the loss of the converged model by
   * a rating is q_i . y_u + p_u . y_i. */
  gboolean (*solve_hessian) (gconstpointer self, double tolerance, size_t n_max, double *d_user,
                             double *d_item, FlSolution *how, GError **error);
  /* One sweep backwards, of the ratings and lambdas last handed to `start`, whatever
   * was swept since.  The caller keeps the sweep, in double: the items it began at,
   * users and items it came to.  Those users may be forgotten and found again: `start`
   * at item_before and a sweep give the same digits.
   *
   * d_user, d_item: derivatives of a loss by the factors after the sweep, which become
   * those by the factors before it: by item_before, and 0, for a sweep does not look at
   * the users before it.  d_lambda_user (n_users) and d_lambda_item (n_items), either
   * of which may be NULL, grow by the derivative by each row's lambda as `start` was
   * handed it, or by the parameter as far as it weighs that row.  Called for the last
   * sweep first, with what the call before left, it goes back through any number.  After
   * a failure (FL_ERROR_NUMERIC: equations that are singular, numbers not finite) the
   * derivatives are of no use. */
  gboolean (*sweep_back) (gpointer self, const double *item_before, const double *user,
                          const double *item, double *d_user, double *d_item,
                          double *d_lambda_user, double *d_lambda_item, GError **error);
} FlClosedFormOps;

typedef struct
{
  size_t ops_size;
  /* NULL where `gradient` is given: the host trains it. */
  gboolean (*fit) (gpointer self, const FlData *data, FlRun *run, GError **error);
  /* Optional where `factors` is given. out: n_users x n_items, row-major. */
  gboolean (*score) (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
                     const uint32_t *item, double *out, GError **error);
  /* Capabilities, NULL when absent.  Factors point into self. */
  void (*factors) (gconstpointer self, FlFactors *factors);
  const FlClosedFormOps *closed_form;
  const FlGradientOps *gradient;
  /* Whether its scores are predicted ratings, on their scale, with these parameters: else
   * objectives that need ratings (FL_NEEDS_RATINGS) are undefined on it.  NULL: where the
   * host trains it, with a squared loss; other models, always. */
  gboolean (*predicts_ratings) (gconstpointer self);
} FlModelOps;

/* ---- a model in other hands --------------------------------------------- */

/* Whether the model has all of `capabilities`: FL_NEEDS_FACTORS, FL_NEEDS_CLOSED_FORM,
 * FL_NEEDS_GRADIENT, FL_NEEDS_RATINGS and FL_NEEDS_SWEEP_BACK, or-ed. */
gboolean fl_model_has (const FlInstance *model, unsigned capabilities);
/* Trains the model as it would be without a mitigator. */
gboolean fl_model_fit (FlInstance *model, const FlData *data, FlRun *run, GError **error);
gboolean fl_model_factors (const FlInstance *model, FlFactors *factors, GError **error);
gboolean fl_model_score (const FlInstance *model, size_t n_users, const uint32_t *user,
                         size_t n_items, const uint32_t *item, double *out, GError **error);

/* As in FlClosedFormOps, of a model that has FL_NEEDS_CLOSED_FORM.  FL_ERROR_PLUGIN where it
 * lacks an optional one, FL_ERROR_NUMERIC where a result is not finite. */
gboolean fl_closed_form_start (FlInstance *model, const FlRatings *train,
                               const FlClosedFormStart *start, GError **error);
gboolean fl_closed_form_sweep (FlInstance *model, GError **error);
double fl_closed_form_objective (const FlInstance *model);
gboolean fl_closed_form_converge (FlInstance *model, FlRun *run, GError **error);
gboolean fl_closed_form_solve_rows (const FlInstance *model, FlSide side, double *rows,
                                    GError **error);
gboolean fl_closed_form_solve_hessian (const FlInstance *model, double tolerance, size_t n_max,
                                       double *d_user, double *d_item, FlSolution *how,
                                       GError **error);
/* Of a model that has FL_NEEDS_SWEEP_BACK. */
gboolean fl_closed_form_sweep_back (FlInstance *model, const double *item_before,
                                    const double *user, const double *item, double *d_user,
                                    double *d_item, double *d_lambda_user,
                                    double *d_lambda_item, GError **error);
gboolean fl_closed_form_has_adjoint (const FlInstance *model); /* sweep_back */
/* Whether it has both solve_rows and solve_hessian. */
gboolean fl_closed_form_has_derivatives (const FlInstance *model);

FL_END_DECLS

#endif
