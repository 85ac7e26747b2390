/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-mf: matrix factorisation by alternating least squares.
 *
 *   minimise  sum_(u,i) (r_ui - p_u . q_i)^2 + lambda (sum_u |p_u|^2 + sum_i |q_i|^2)
 *
 * over the given ratings [antidote, eq. 1]; with biases the prediction is
 * b_u + b_i + p_u . q_i, and a bias is regularised like the factors beside it
 * [yao, eq. 3.1].  p_u, q_i: `rank` numbers; r: rating points.
 *
 * A sweep solves each user's row exactly, given the items, then each item's,
 * given the users:
 *
 *   (sum f f' + lambda I) x = sum t f,
 *
 * with f = q_i, t = r_ui [antidote, eq. 17], or x = [b_u; p_u], f = [1; q_i],
 * t = r_ui - b_i [yao, eq. 4.2]; items likewise [yao, eq. 4.3].  A row without
 * ratings is 0.
 *
 * Deviations: [yao, eq. 3.1] halves lambda in the objective but not in the
 * solution; here both take it whole, or both halved (`half`).  The start is
 * random and small: the released program of [antidote] begins with ones
 * everywhere (`start = ones`), from which most fits never leave rank 1.
 */
#include "als-mf.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

enum
{
  STOP_OBJECTIVE,
  STOP_RMSE
};

enum
{
  ACCELERATION_NONE,
  ACCELERATION_ANDERSON
};

enum
{
  START_RANDOM,
  START_ONES
};

static const FlParam params[] = {
  FL_INT (AlsMf, rank, 10, 1, 512, NULL, "number of factors of a user or item"),
  FL_DOUBLE (AlsMf, lambda, 0.1, 0, G_MAXDOUBLE, NULL, "weight of the regularisation"),
  FL_BOOL (AlsMf, biases, FALSE, "one more number each for a user and an item, added to the score"),
  FL_BOOL (AlsMf, regularise_bias, TRUE, "whether lambda also weighs the biases"),
  FL_BOOL (AlsMf, half, FALSE, "take lambda / 2 in place of lambda"),
  FL_BOOL (AlsMf, weighted, FALSE, "multiply lambda by the row's number of ratings"),
  FL_INT (AlsMf, sweeps, 1000, 1, 1000000, NULL, "most sweeps over users and items"),
  FL_DOUBLE (AlsMf, tolerance, 1e-6, 0, 1, NULL,
             "stop when a sweep lowers the stopping value by less than this; 0: never"),
  FL_CHOICE (AlsMf, stop, STOP_OBJECTIVE, "objective|rmse",
             "stopping value: the objective, relative to itself, or the RMSE of the training "
             "ratings, in rating points"),
  FL_CHOICE (AlsMf, start, START_RANDOM, "random|ones",
             "first item factors: normal numbers, or ones as in the program released with "
             "the antidote paper"),
  FL_DOUBLE (AlsMf, start_scale, 0.1, 0, 1e6, NULL, "standard deviation of a random start"),
  FL_CHOICE (AlsMf, acceleration, ACCELERATION_NONE, "none|anderson",
             "extrapolate from the last sweeps, where that does not raise the objective"),
  FL_INT (AlsMf, window, 6, 1, ALS_WINDOW_MAX, "sweeps",
          "how far back Anderson acceleration looks"),
  FL_CHOICE (AlsMf, precision, ALS_DOUBLE, "double|single", "of factors and solutions"),
  FL_PARAM_END
};

static const AlsPrecision *
als_precision (const AlsMf *als)
{
  return als->precision == ALS_SINGLE ? &als_single : &als_double;
}

/* ---- a sweep ----------------------------------------------------------- */

/* Rows handed to a thread at a time: few, for some have a thousand times the
 * ratings of others. */
#define ROWS_AT_A_TIME 8

static gboolean
als_solve_failed (const AlsMf *als, const AlsSide *side, size_t row, GError **error)
{
  double left;
  size_t failure = als_precision (als)->solve (als, side, row, als->work, &left);

  if (failure == ALS_NOT_FINITE)
    return fl_fail (error, FL_ERROR_NUMERIC, "sweep %zu: factors of %s %zu are not finite",
                    als->n_sweeps + 1, side->name, row);
  return fl_fail (error, FL_ERROR_NUMERIC,
                  "sweep %zu: the equations of %s %zu cannot be solved: pivot %zu of %zu is not "
                  "positive; lambda there is %g",
                  als->n_sweeps + 1, side->name, row, failure, side->m,
                  als_lambda (als, side, row));
}

/* left: of each row, or NULL. */
static gboolean
als_solve (AlsMf *als, const AlsSide *side, double *left, GError **error)
{
  const AlsPrecision *precision = als_precision (als);
  size_t n_rows = side->ratings->n_rows, failed = n_rows;

#pragma omp parallel num_threads ((int) als->n_threads) reduction (min : failed)
  {
    gpointer work = (char *) als->work
                    + (size_t) omp_get_thread_num () * precision->work_length (side->m)
                          * precision->size;

#pragma omp for schedule(dynamic, ROWS_AT_A_TIME)
    for (size_t row = 0; row < n_rows; row++)
      {
        double of_row;

        if (precision->solve (als, side, row, work, &of_row) != 0)
          failed = MIN (failed, row);
        if (left != NULL)
          left[row] = of_row;
      }
  }
  return failed == n_rows || als_solve_failed (als, side, failed, error);
}

static gboolean
als_sweep (gpointer self, GError **error)
{
  AlsMf *als = self;
  AlsSide users = als_side (als, FL_SIDE_USER), items = als_side (als, FL_SIDE_ITEM);

  if (!als_solve (als, &users, NULL, error) || !als_solve (als, &items, als->left, error))
    return FALSE;
  als->n_sweeps++;
  return TRUE;
}

/* ---- objective --------------------------------------------------------- */

/* Rows summed at a time; blocks are added in an order of their own. */
#define ROWS_OF_A_SUM 256

typedef double (*AlsRows) (const AlsMf *als, const AlsSide *side, size_t first, size_t end);

static double
als_sum (const AlsMf *als, const AlsSide *side, AlsRows rows)
{
  size_t n = side->ratings->n_rows, n_blocks = FL_ROUND_UP (n, ROWS_OF_A_SUM) / ROWS_OF_A_SUM;
  g_autofree double *sum = g_new (double, n_blocks);

#pragma omp parallel for schedule(dynamic) num_threads ((int) als->n_threads)
  for (size_t k = 0; k < n_blocks; k++)
    sum[k] = rows (als, side, k * ROWS_OF_A_SUM, MIN (n, (k + 1) * ROWS_OF_A_SUM));
  return fl_sum (n_blocks, sum);
}

static double
als_errors (const AlsMf *als)
{
  AlsSide users = als_side (als, FL_SIDE_USER);

  return als_sum (als, &users, als_precision (als)->errors);
}

static double
als_objective (gconstpointer self)
{
  const AlsMf *als = self;
  AlsSide users = als_side (als, FL_SIDE_USER), items = als_side (als, FL_SIDE_ITEM);
  AlsRows penalty = als_precision (als)->penalty;

  return als_errors (als) + als_sum (als, &users, penalty) + als_sum (als, &items, penalty);
}

/* The same after a sweep, from what the items' equations left, which costs no pass
 * over the ratings; unless what it takes from the squares of the ratings would cost
 * digits that the tolerance counts. */
static double
als_objective_of_sweep (const AlsMf *als)
{
  const AlsPrecision *precision = als_precision (als);
  AlsSide users = als_side (als, FL_SIDE_USER);
  double objective
      = fl_sum (als->train->n_items, als->left) + als_sum (als, &users, precision->penalty);
  double rounding = 100 * precision->epsilon * als->squares;

  return rounding < als->tolerance * objective ? objective : als_objective (als);
}

/* ---- start ------------------------------------------------------------- */

static void
als_clear (gpointer self)
{
  AlsMf *als = self;

  g_clear_pointer (&als->user, g_free);
  g_clear_pointer (&als->item, g_free);
  g_clear_pointer (&als->work, g_free);
  g_clear_pointer (&als->left, g_free);
  als->train = NULL;
}

/* First factors of item i. */
static void
als_start_item (const AlsMf *als, uint64_t seed, size_t i, double *q)
{
  FlRng rng = fl_rng (seed, "als-mf start", i);
  size_t first = als->biases ? 1 : 0;

  memset (q, 0, als->width * sizeof *q);
  if (als->biases)
    q[0] = 1;
  for (size_t a = 0; a < (size_t) als->rank; a++)
    q[first + a] = als->start == START_ONES ? 1 : als->start_scale * fl_rng_normal (&rng);
}

static void
als_start_factors (AlsMf *als, const FlClosedFormStart *start)
{
  const AlsPrecision *precision = als_precision (als);
  g_autofree double *row = g_new0 (double, als->width);

  for (size_t i = 0; i < als->train->n_items; i++)
    {
      char *to = (char *) als->item + i * als->width * precision->size;

      if (start->item_factors == NULL)
        als_start_item (als, start->seed, i, row);
      precision->load (to, als->width,
                       start->item_factors != NULL ? start->item_factors + i * als->width : row);
    }
  memset (row, 0, als->width * sizeof *row);
  if (als->biases)
    row[als->width - 1] = 1;
  for (size_t u = 0; u < als->train->n_users; u++)
    precision->load ((char *) als->user + u * als->width * precision->size, als->width, row);
}

static double
sum_of_squares (const FlCsr *ratings)
{
  size_t n = ratings->start[ratings->n_rows];

  return ratings->f32 != NULL ? fl_dot_f32 (n, ratings->f32, ratings->f32)
                              : fl_dot_f64 (n, ratings->f64, ratings->f64);
}

/* Ratings times columns from which a sweep, then of a fifth of a millisecond, gains
 * more by threads than it loses by waiting for them. */
#define WORK_OF_THREADS 100000

static gboolean
als_start (gpointer self, const FlRatings *train, const FlClosedFormStart *start, GError **error)
{
  AlsMf *als = self;
  size_t size = als_precision (als)->size;

  als_clear (als);
  als->train = train;
  als->lambda_user = start->lambda_user;
  als->lambda_item = start->lambda_item;
  als->width = (size_t) als->rank + (als->biases ? 2 : 0);
  als->n_threads = train->n * als->width < WORK_OF_THREADS ? 1 : (size_t) omp_get_max_threads ();
  als->n_sweeps = 0;
  als->user = fl_table_alloc (train->n_users * als->width, size, error);
  if (als->user == NULL)
    return FALSE;
  als->item = fl_table_alloc (train->n_items * als->width, size, error);
  if (als->item == NULL)
    return FALSE;
  als->work = fl_table_alloc (als->n_threads * als_precision (als)->work_length (als->width),
                              size, error);
  if (als->work == NULL)
    return FALSE;
  als->left = fl_alloc (train->n_items, sizeof *als->left, error);
  if (als->left == NULL)
    return FALSE;
  als->squares = sum_of_squares (&train->by_user);
  als_start_factors (als, start);
  return TRUE;
}

/* ---- to convergence ---------------------------------------------------- */

static gboolean
als_accelerates (const AlsMf *als)
{
  return als->acceleration == ACCELERATION_ANDERSON;
}

/* Where the next sweep begins. */
static void
als_accelerate (AlsMf *als, AlsAnderson *anderson)
{
  const AlsPrecision *precision = als_precision (als);

  precision->store (als->item, anderson->n, anderson->y);
  als_anderson_step (anderson);
  precision->load (als->item, anderson->n, anderson->x);
}

/* The sweep just done began at an extrapolation and ended too high: another
 * from where the one before it ended, which cannot rise. */
static gboolean
als_step_back (AlsMf *als, AlsAnderson *anderson, GError **error)
{
  als_anderson_reject (anderson);
  als_precision (als)->load (als->item, anderson->n, anderson->x);
  return als_sweep (als, error);
}

/* TRUE when the stopping value has fallen from `last` to `now` by too little. */
static gboolean
als_converged (const AlsMf *als, double last, double now)
{
  double fall = als->stop == STOP_RMSE ? last - now : (last - now) / MAX (last, DBL_MIN);

  return als->tolerance > 0 && isfinite (last) && fall < als->tolerance;
}

static gboolean
als_converge_with (AlsMf *als, AlsAnderson *anderson, FlRun *run, GError **error)
{
  double objective = INFINITY, last = INFINITY, value = INFINITY;
  size_t sweeps_max = als->n_sweeps + (size_t) als->sweeps;
  gboolean converged = FALSE;

  while (!converged && als->n_sweeps < sweeps_max)
    {
      double before = objective;
      /* Not for the last sweep, which might want another in its place. */
      gboolean accelerated
          = anderson != NULL && isfinite (before) && als->n_sweeps + 1 < sweeps_max;

      if (accelerated)
        als_accelerate (als, anderson);
      if (!als_sweep (als, error))
        return FALSE;
      fl_run_progress (run, (double) als->n_sweeps, (double) sweeps_max, "sweeps");
      if (als->tolerance <= 0 && anderson == NULL)
        continue;
      objective = als_objective_of_sweep (als);
      if (accelerated && objective > before)
        {
          if (!als_step_back (als, anderson, error))
            return FALSE;
          objective = als_objective_of_sweep (als);
        }
      if (!isfinite (objective))
        return fl_fail (error, FL_ERROR_NUMERIC, "sweep %zu: the objective is not finite",
                        als->n_sweeps);
      last = value;
      value = als->stop == STOP_RMSE ? sqrt (als_errors (als) / (double) als->train->n) : objective;
      converged = als_converged (als, last, value);
    }
  fl_run_note_stop (run, converged ? FL_STOP_CONVERGED : FL_STOP_MAX_ITER, als->n_sweeps);
  return TRUE;
}

static gboolean
als_note_fit (const AlsMf *als, FlRun *run, GError **error)
{
  size_t m = als->width;
  g_autofree double *users = g_new (double, m *m), *items = g_new (double, m *m);
  g_autofree double *values = g_new (double, m);

  if (als->precision == ALS_SINGLE)
    {
      fl_gram_f32 (als->train->n_users, m, als->user, m, users, NULL);
      fl_gram_f32 (als->train->n_items, m, als->item, m, items, NULL);
    }
  else
    {
      fl_gram_f64 (als->train->n_users, m, als->user, m, users, NULL);
      fl_gram_f64 (als->train->n_items, m, als->item, m, items, NULL);
    }
  if (!fl_singular_values (m, users, items, values, error))
    return FALSE;
  fl_run_note (run, "objective", als_objective (als));
  /* Near 0, the fit is of rank 1, whatever `rank` says. */
  fl_run_note (run, "singular-ratio", m > 1 && values[0] > 0 ? values[1] / values[0] : 0);
  return TRUE;
}

static gboolean
als_converge (gpointer self, FlRun *run, GError **error)
{
  AlsMf *als = self;
  g_autoptr (AlsAnderson) anderson = NULL;

  if (als_accelerates (als))
    {
      size_t n = als->train->n_items * als->width;

      anderson = als_anderson_new (n, (size_t) als->window, error);
      if (anderson == NULL)
        return FALSE;
      als_precision (als)->store (als->item, n, anderson->x);
    }
  return als_converge_with (als, anderson, run, error)
         && (run == NULL || als_note_fit (als, run, error));
}

static gboolean
als_fit (gpointer self, const FlData *data, FlRun *run, GError **error)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = fl_run_seed (run));

  return als_start (self, data->train, &start, error) && als_converge (self, run, error);
}

static void
als_factors (gconstpointer self, FlFactors *factors)
{
  const AlsMf *als = self;

  factors->n_users = als->train->n_users;
  factors->n_items = als->train->n_items;
  factors->rank = als->width;
  if (als->precision == ALS_SINGLE)
    {
      factors->user_f32 = als->user;
      factors->item_f32 = als->item;
    }
  else
    {
      factors->user_f64 = als->user;
      factors->item_f64 = als->item;
    }
}

static gboolean
als_check (gconstpointer self, GError **error)
{
  const AlsMf *als = self;

  if (als->start == START_RANDOM && !(als->start_scale > 0))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "start-scale = 0: a random start needs a positive scale, or no factor ever "
                    "leaves 0");
  return TRUE;
}

static gboolean
als_predicts_ratings (gconstpointer self)
{
  (void) self;
  return TRUE;
}

FL_PLUGIN (
  .name = "als-mf",
  .summary = "matrix factorisation by alternating least squares",
  .description
  = "Predicts a rating as the inner product of a user's and an item's factors, with biases if "
    "asked, by minimising the squared error of the given ratings plus lambda times the squared "
    "length of the factors.  Each sweep solves all users exactly, then all items.  No mean is "
    "taken off, and predictions are not clipped to the scale.  Notes: how many sweeps were done "
    "and why they stopped, the objective, and the second singular value of the fit divided by "
    "the first.",
  .reference = "antidote (WSDM 2019), eq. 1 and 17; Yao's dissertation, eq. 3.1, 4.2 and 4.3",
  .licence = "LGPL-3.0-or-later",
  .version = "2",
  .params = params,
  .self_size = sizeof (AlsMf),
  .check = als_check,
  .clear = als_clear,
  FL_MODEL (.fit = als_fit, .factors = als_factors, .predicts_ratings = als_predicts_ratings,
            FL_CLOSED_FORM (.start = als_start, .sweep = als_sweep, .objective = als_objective,
                            .converge = als_converge, .solve_rows = als_solve_rows,
                            .solve_hessian = als_solve_hessian, .sweep_back = als_sweep_back))
);
