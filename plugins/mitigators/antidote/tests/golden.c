/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* golden.c: set `antidote`: gradients by antidote ratings, a step, the
 * heuristics and the baselines, by the mitigators' own code and als-mf.
 *
 * What is expected at given factors is computed one sweep from the given item
 * factors, which are stationary to 1e-13.
 */
#include "plugins/mitigators/antidote/antidote.h"
#include "tests/golden/golden.h"

#include <math.h>
#include <string.h>

#define RANK_LIMIT 512

typedef struct
{
  GoldenCase *c;
  GoldenRatings given;
  GoldenMatrix start, rows;
  FlRatings *ratings;
  FlGroups *user_groups, *item_groups;
  double *identity;
  FlInstance *model;
  FlData data;
  FlStage stage;
  Antidote self;
  double range[2];
  AntidoteTrial trial;
} Subject;

static void
subject_clear (Subject *s)
{
  antidote_trial_clear (&s->trial);
  fl_instance_free (s->model);
  fl_instance_free (s->self.objective);
  golden_ratings_clear (&s->given);
  golden_matrix_clear (&s->start);
  golden_matrix_clear (&s->rows);
  fl_ratings_free (s->ratings);
  fl_groups_free (s->user_groups);
  fl_groups_free (s->item_groups);
  g_free (s->identity);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Subject, subject_clear)

static const FlClosedFormOps *
closed_form (const Subject *s)
{
  return ((const FlModelOps *) s->model->ops)->closed_form;
}

/* ---- reading ----------------------------------------------------------- */

static gboolean
read_groups (JsonObject *input, const char *key, const char *n_key, uint32_t n, FlGroups **groups,
             GError **error)
{
  g_autofree uint32_t *label = NULL;
  uint32_t n_groups;

  if (!golden_has (input, key))
    return TRUE;
  if (!golden_read_index (input, n_key, G_MAXUINT16, &n_groups, error)
      || (label = golden_read_ids (input, key, n, n_groups, error)) == NULL)
    return FALSE;
  *groups = test_groups_new (key, n_groups, n, NULL, label);
  return TRUE;
}

/* Sweeps enough for any fit of this size: the objective stands still long before. */
#define SWEEPS "sweeps=2000"

static gboolean
read_model (Subject *s, JsonObject *input, GError **error)
{
  uint32_t rank;
  double lambda;
  g_autofree char *rank_text = NULL, *lambda_text = NULL;

  if (!golden_read_index (input, "rank", RANK_LIMIT, &rank, error)
      || !golden_read_number (input, "lambda", &lambda, error)
      || !golden_read_number (input, "rating_min", &s->range[0], error)
      || !golden_read_number (input, "rating_max", &s->range[1], error))
    return FALSE;
  rank_text = g_strdup_printf ("rank=%u", rank);
  lambda_text = g_strdup_printf ("lambda=%.17g", lambda);
  s->model = test_instance_new (
      s->c->registry, FL_KIND_MODEL, "als-mf",
      (const char *[]) { rank_text, lambda_text, SWEEPS, "tolerance=0", NULL }, error);
  return s->model != NULL;
}

static gboolean
check_sizes (const Subject *s, GError **error)
{
  if (s->start.n_rows == s->given.n_items && s->rows.n_cols == s->given.n_items
      && s->rows.n_rows > 0)
    return TRUE;
  return fl_fail (error, FL_ERROR_DATA, "initial_item_factors have %u rows, antidote is %u x %u, "
                  "and there are %u items", s->start.n_rows, s->rows.n_rows, s->rows.n_cols,
                  s->given.n_items);
}

static gboolean
subject_init (Subject *s, GError **error)
{
  JsonObject *input = s->c->input;
  const GoldenRatings *given = &s->given;
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 0);

  if (!golden_read_ratings (input, "ratings", &s->given, error)
      || !golden_read_matrix (input, "initial_item_factors", &s->start, error)
      || !golden_read_matrix (input, "antidote", &s->rows, error)
      || !check_sizes (s, error) || !read_model (s, input, error)
      || !read_groups (input, "user_group", "n_user_groups", given->n_users, &s->user_groups, error)
      || !read_groups (input, "item_group", "n_item_groups", given->n_items, &s->item_groups, error)
      || (s->ratings = fl_ratings_new (given->n_users, given->n_items, given->n, given->user,
                                       given->item, given->rating, error)) == NULL)
    return FALSE;
  s->identity = g_new0 (double, (size_t) given->n_items * given->n_items + 1);
  for (size_t j = 0; j < given->n_items; j++)
    s->identity[j * given->n_items + j] = 1;
  s->data = FL_DATA (.train = s->ratings, .user_groups = s->user_groups,
                       .item_groups = s->item_groups);
  s->stage = FL_STAGE (.data = &s->data, .model = s->model);
  s->self.budget = s->rows.n_rows;
  s->self.range = (FlDoubles) { 2, s->range };
  s->trial = (AntidoteTrial) { .self = &s->self, .stage = &s->stage, .model = s->model };
  start.item_factors = s->start.data;
  /* Refits begin from the given start. */
  s->trial.original = g_memdup2 (s->start.data, (size_t) s->start.n_rows * s->start.n_cols
                                                    * sizeof (double));
  for (int side = 0; side < 2; side++)
    s->trial.d[side] = g_new0 (double, ((size_t) given->n_users + given->n_items + s->rows.n_rows)
                                           * s->start.n_cols + 1);
  return antidote_size (&s->trial, error)
         && closed_form (s)->start (s->model->self, s->ratings, &start, error)
         && (s->trial.view = fl_view_new (&s->data, FL_PART_TRAIN, s->model, error)) != NULL;
}

/* ---- fits -------------------------------------------------------------- */

/* Sweeps until no item factor changes by more than 1e-14, as the set does. */
static gboolean
sweep_to_rest (const Subject *s, size_t *n_sweeps, GError **error)
{
  FlFactors f;
  double change = INFINITY;

  for (*n_sweeps = 0; change > 1e-14 && *n_sweeps < 100000; ++*n_sweeps)
    {
      g_autofree double *before = NULL;

      fl_model_factors (s->model, &f, NULL);
      before = g_memdup2 (f.item_f64, f.n_items * f.rank * sizeof *before);
      if (!closed_form (s)->sweep (s->model->self, error))
        return FALSE;
      change = 0;
      for (size_t k = 0; k < f.n_items * f.rank; k++)
        change = fmax (change, fabs (f.item_f64[k] - before[k]));
    }
  return TRUE;
}

static void
compare_fit (const Subject *s, const char *root, size_t n_rows, size_t n_sweeps)
{
  GoldenCase *c = s->c;
  FlFactors f;
  size_t n_users = s->given.n_users;
  g_autofree char *users = g_strconcat (root, "/user_factors", NULL);
  g_autofree char *added = g_strconcat (root, "/antidote_user_factors", NULL);
  g_autofree char *items = g_strconcat (root, "/item_factors", NULL);
  g_autofree char *sweeps = g_strconcat (root, "/sweeps_used", NULL);
  g_autofree char *still = g_strconcat (root, "/stationarity_max_abs", NULL);
  /* Rounding decides which sweep is the last; after it no item factor moves by
   * more than 1e-14, which is how far from stationary they are. */
  double got = (double) n_sweeps, within = 3 + 0.1 * (double) n_sweeps, none = 0, tiny = 1e-10;

  fl_model_factors (s->model, &f, NULL);
  golden_tolerance (c, "own_fit_factor_abs", 1e-6);
  golden_numbers (c, users, f.user_f64, n_users * f.rank);
  if (n_rows > 0)
    golden_numbers (c, added, f.user_f64 + n_users * f.rank, n_rows * f.rank);
  golden_numbers (c, items, f.item_f64, f.n_items * f.rank);
  golden_within (c, sweeps, &got, &within, 1);
  golden_within (c, still, &none, &tiny, 1);
}

/* Own fit of the ratings with n_rows `rows`, from the given start. */
static gboolean
check_fit (Subject *s, const char *root, const double *rows, size_t n_rows, GError **error)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.item_factors = s->start.data);
  g_autoptr (FlRatings) ratings = NULL;
  size_t n_sweeps;

  s->trial.n_rows = n_rows;
  ratings = antidote_append (&s->trial, rows, error);
  if (ratings == NULL || !closed_form (s)->start (s->model->self, ratings, &start, error)
      || !sweep_to_rest (s, &n_sweeps, error))
    return FALSE;
  compare_fit (s, root, n_rows, n_sweeps);
  return TRUE;
}

/* The model at the item factors that `expected` has at `root`. */
static gboolean
go_to (Subject *s, const char *root, const double *rows, size_t n_rows, GError **error)
{
  size_t n = (size_t) s->start.n_rows * s->start.n_cols;
  g_autofree char *path = g_strconcat (root, "/item_factors", NULL);
  g_autofree double *factors = g_new (double, n);
  AntidoteValue value;

  for (size_t k = 0; k < n; k++)
    factors[k] = golden_expected (s->c, path, k);
  s->trial.n_rows = n_rows;
  return antidote_sweep (&s->trial, rows, factors, 1, &value, error);
}

/* ---- one objective ----------------------------------------------------- */

/* G, n_users x n_items, of predictions seen as the factors X and I. */
static gboolean
check_dense (const Subject *s, const char *path, GError **error)
{
  size_t n = s->given.n_users, d = s->given.n_items;
  g_autofree double *x = g_new (double, n * d), *g = g_new0 (double, n * d);
  g_autofree uint32_t *user = g_new (uint32_t, n), *item = g_new (uint32_t, d);
  g_autoptr (FlView) view = NULL;
  MatrixModel matrix;
  double loss;

  for (uint32_t u = 0; u < n; u++)
    user[u] = u;
  for (uint32_t j = 0; j < d; j++)
    item[j] = j;
  if (!fl_view_score (s->trial.view, n, user, d, item, x, error))
    return FALSE;
  matrix_model_init (&matrix,
                     &(FlFactors) { .n_users = s->given.n_users, .n_items = s->given.n_items,
                                    .rank = d, .user_f64 = x, .item_f64 = s->identity },
                     FALSE);
  view = fl_view_new (&s->data, FL_PART_TRAIN, &matrix.instance, error);
  if (view == NULL
      || !fl_objective_gradient_factors (s->self.objective, view, &loss, g, NULL, error))
    return FALSE;
  golden_numbers (s->c, path, g, n * d);
  return TRUE;
}

static gboolean
check_step (Subject *s, const char *path, const double *gradient, size_t k, GError **error)
{
  GoldenCase *c = s->c;
  g_autofree char *root = g_strdup_printf ("%s/steps/%zu", path, k);
  g_autofree char *direction = g_strconcat (root, "/direction", NULL);
  g_autofree char *alpha = g_strconcat (root, "/alpha", NULL);
  g_autofree char *moved = g_strconcat (root, "/new_antidote", NULL);
  g_autofree char *after = g_strconcat (root, "/value_after_reconverging_from_item_factors", NULL);
  size_t n = s->trial.n_rows * s->trial.n_cols;
  g_autofree double *rows = g_new (double, n), *original = s->trial.original;
  double step = golden_expected (c, alpha, 0);
  AntidoteValue value;
  gboolean ok;

  s->self.goal = k == 0 ? GOAL_MINIMISE : GOAL_MAXIMISE;
  golden_text (c, direction, k == 0 ? "min" : "max");
  golden_number (c, alpha, step);
  golden_tolerance (c, "grad_from_given_factors", 1e-10);
  antidote_step (&s->trial, s->rows.data, gradient, step, rows);
  golden_numbers (c, moved, rows, n);
  /* From the factors of the fit before the step. */
  s->trial.original = g_new (double, (size_t) s->start.n_rows * s->start.n_cols);
  for (size_t j = 0; j < (size_t) s->start.n_rows * s->start.n_cols; j++)
    s->trial.original[j] = golden_expected (c, "converged/item_factors", j);
  ok = antidote_fit (&s->trial, rows, FALSE, &value, error);
  g_free (s->trial.original);
  s->trial.original = g_steal_pointer (&original);
  golden_tolerance (c, "value_after_reconverging_rel", 1e-6);
  /* Relative: values are below 1. */
  c->tolerance *= fmin (1, fabs (golden_expected (c, after, 0)));
  if (ok)
    golden_number (c, after, value.loss);
  return ok;
}

static gboolean
check_gradient (Subject *s, const char *key, GError **error)
{
  g_autofree char *path = g_strconcat ("objectives/", key, NULL);
  g_autofree char *dense = g_strconcat (path, "/grad_wrt_xhat", NULL);
  g_autofree char *eq9 = g_strconcat (path, "/grad_eq9", NULL);
  g_autofree char *value = g_strconcat (path, "/value", NULL);
  g_autofree double *gradient = g_new (double, (size_t) s->rows.n_rows * s->rows.n_cols);
  double loss;

  if (!golden_expects (s->c, path))
    return TRUE;
  golden_tolerance (s->c, "grad_from_given_factors", 1e-10);
  if (!go_to (s, "converged", s->rows.data, s->rows.n_rows, error)
      || !fl_objective_gradient_factors (s->self.objective, s->trial.view, &loss, NULL, NULL,
                                         error)
      || !antidote_gradient (&s->trial, GRADIENT_FIRST_ORDER, gradient, error)
      || !check_dense (s, dense, error))
    return FALSE;
  golden_number (s->c, value, loss);
  golden_numbers (s->c, eq9, gradient, s->trial.n_rows * s->trial.n_cols);
  for (size_t k = 0; k < 2; k++)
    if (!check_step (s, path, gradient, k, error))
      return FALSE;
  return TRUE;
}

static void
compare_signal (Subject *s, const char *path, const double *signal)
{
  g_autofree char *signals = g_strconcat (path, "/signal", NULL);
  g_autofree char *min = g_strconcat (path, "/row_min", NULL);
  g_autofree char *max = g_strconcat (path, "/row_max", NULL);
  g_autofree char *smallest = g_strconcat (path, "/smallest_nonzero_abs_signal", NULL);
  size_t d = s->trial.n_cols;
  g_autofree double *row = g_new (double, d);
  double least = INFINITY;

  s->trial.n_rows = 1;
  golden_numbers (s->c, signals, signal, d);
  s->self.goal = GOAL_MINIMISE;
  antidote_extremes (&s->trial, signal, row);
  golden_numbers (s->c, min, row, d);
  s->self.goal = GOAL_MAXIMISE;
  antidote_extremes (&s->trial, signal, row);
  golden_numbers (s->c, max, row, d);
  for (size_t j = 0; j < d; j++)
    if (signal[j] != 0)
      least = fmin (least, fabs (signal[j]));
  golden_number (s->c, smallest, least);
}

static gboolean
check_heuristics (Subject *s, const char *key, const double *middle, GError **error)
{
  g_autofree char *first = g_strconcat ("heuristic1/", key, NULL);
  g_autofree char *second = g_strconcat ("heuristic2/", key, NULL);
  g_autofree double *signal = g_new (double, s->trial.n_cols);

  golden_tolerance (s->c, "grad_from_given_factors", 1e-10);
  if (golden_expects (s->c, first))
    {
      if (!go_to (s, "heuristic1/converged", middle, 1, error)
          || !antidote_gradient (&s->trial, GRADIENT_FIRST_ORDER, signal, error))
        return FALSE;
      compare_signal (s, first, signal);
    }
  if (golden_expects (s->c, second))
    {
      if (!go_to (s, "heuristic2/converged_without_antidote", middle, 0, error)
          || !antidote_signal (&s->trial, signal, error))
        return FALSE;
      compare_signal (s, second, signal);
    }
  return TRUE;
}

static gboolean
check_objective (Subject *s, const char *key, const char *plugin, const char *side,
                 const double *middle, GError **error)
{
  s->self.objective = test_instance_new (s->c->registry, FL_KIND_OBJECTIVE, plugin,
                                         (const char *[]) { side, NULL }, error);
  if (s->self.objective == NULL || !check_gradient (s, key, error)
      || !check_heuristics (s, key, middle, error))
    return FALSE;
  g_clear_pointer (&s->self.objective, fl_instance_free);
  return TRUE;
}

static void
check_baselines (Subject *s)
{
  size_t n = s->rows.n_rows, d = s->trial.n_cols;
  g_autofree double *rows = g_new (double, n * d);

  golden_tolerance (s->c, "grad_from_given_factors", 1e-10);
  s->trial.n_rows = n;
  antidote_means (&s->trial, s->ratings, rows);
  golden_numbers (s->c, "baseline_min_row", rows, d);
  antidote_halves (&s->trial, rows);
  golden_numbers (s->c, "baseline_max_rows", rows, n * d);
}

static gboolean
check_antidote (GoldenCase *c, GError **error)
{
  g_auto (Subject) s = { .c = c };
  g_autofree double *middle = NULL;

  if (!subject_init (&s, error))
    return FALSE;
  middle = g_new (double, s.trial.n_cols);
  for (size_t j = 0; j < s.trial.n_cols; j++)
    middle[j] = (s.range[0] + s.range[1]) / 2;
  golden_numbers (c, "heuristic1/initial_row", middle, s.trial.n_cols);
  check_baselines (&s);
  return check_fit (&s, "converged", s.rows.data, s.rows.n_rows, error)
         && check_fit (&s, "heuristic1/converged", middle, 1, error)
         && check_fit (&s, "heuristic2/converged_without_antidote", middle, 0, error)
         && check_objective (&s, "R_pol", "polarization", NULL, middle, error)
         && check_objective (&s, "R_indv", "individual", NULL, middle, error)
         && (s.user_groups == NULL
             || check_objective (&s, "R_grp_user", "group", "side=user", middle, error))
         && (s.item_groups == NULL
             || check_objective (&s, "R_grp_item", "group", "side=item", middle, error));
}

GOLDEN_SET ("antidote", check_antidote)
