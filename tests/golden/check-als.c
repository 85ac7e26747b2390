/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-als.c: set `als`, sweeps of als-mf from given item factors.
 *
 * Factors are compared in the set's layout, biases apart; errors are those of
 * the view that objectives see.
 */
#include "tests/golden/golden.h"

#include <math.h>
#include <string.h>

#define RANK_LIMIT 512
#define SWEEPS_LIMIT 10000

typedef struct
{
  GoldenCase *c;
  GoldenRatings given;
  FlRatings *ratings;
  double *lambda_user, *lambda_item;
  double *start;       /* item factors as the model lays them out */
  uint32_t rank;
  gboolean biases;
  FlInstance *model;
} Fit;

static void
fit_clear (Fit *fit)
{
  fl_instance_free (fit->model);
  golden_ratings_clear (&fit->given);
  fl_ratings_free (fit->ratings);
  g_free (fit->lambda_user);
  g_free (fit->lambda_item);
  g_free (fit->start);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fit, fit_clear)

static const FlClosedFormOps *
closed_form (const Fit *fit)
{
  const FlModelOps *ops = fit->model->ops;

  return ops->closed_form;
}

/* ---- reading ----------------------------------------------------------- */

/* Rows [q], or [1, q, b] with biases. */
static gboolean
read_start (Fit *fit, JsonObject *input, GError **error)
{
  size_t n = fit->given.n_items, rank = fit->rank, width = rank + (fit->biases ? 2 : 0);
  g_auto (GoldenMatrix) factors = { 0 };
  g_autofree double *bias = NULL;

  if (!golden_read_matrix (input, "initial_item_factors", &factors, error))
    return FALSE;
  if (factors.n_rows != n || factors.n_cols != rank)
    return fl_fail (error, FL_ERROR_DATA, "input.initial_item_factors is %u x %u, wanted %zu x %zu",
                    factors.n_rows, factors.n_cols, n, rank);
  if (!fit->biases)
    {
      fit->start = g_steal_pointer (&factors.data);
      return TRUE;
    }
  bias = golden_read_numbers (input, "initial_item_bias", n, error);
  if (bias == NULL)
    return FALSE;
  fit->start = g_new (double, n * width + 1);
  for (size_t i = 0; i < n; i++)
    {
      double *row = fit->start + i * width;

      row[0] = 1.0;
      memcpy (row + 1, factors.data + i * rank, rank * sizeof *row);
      row[width - 1] = bias[i];
    }
  return TRUE;
}

static gboolean
read_model (Fit *fit, JsonObject *input, GError **error)
{
  gboolean half = FALSE, regularised = TRUE;
  g_autofree char *rank = g_strdup_printf ("rank=%u", fit->rank);

  if (!golden_read_flag (input, "half", &half, error)
      || !golden_read_flag (input, "regularise_bias", &regularised, error))
    return FALSE;
  fit->model = test_instance_new (
      fit->c->registry, FL_KIND_MODEL, "als-mf",
      (const char *[]) { rank, half ? "half=true" : "half=false",
                         fit->biases ? "biases=true" : "biases=false",
                         regularised ? "regularise-bias=true" : "regularise-bias=false", NULL },
      error);
  return fit->model != NULL;
}

static gboolean
fit_init (Fit *fit, GError **error)
{
  JsonObject *input = fit->c->input;
  const GoldenRatings *given = &fit->given;

  fit->biases = golden_has (input, "initial_item_bias");
  return golden_read_ratings (input, "ratings", &fit->given, error)
         && golden_read_index (input, "rank", RANK_LIMIT, &fit->rank, error)
         && (fit->lambda_user
             = golden_read_numbers (input, "lambda_user", given->n_users, error)) != NULL
         && (fit->lambda_item
             = golden_read_numbers (input, "lambda_item", given->n_items, error)) != NULL
         && read_start (fit, input, error) && read_model (fit, input, error)
         && (fit->ratings = fl_ratings_new (given->n_users, given->n_items, given->n, given->user,
                                            given->item, given->rating, error)) != NULL;
}

/* ---- comparing --------------------------------------------------------- */

static void
number (const Fit *fit, const char *root, const char *key, double got)
{
  g_autofree char *path = g_strconcat (root, key, NULL);

  golden_number (fit->c, path, got);
}

/* Columns first .. end - 1 of n rows. */
static void
columns (const Fit *fit, const char *root, const char *key, size_t n, size_t width,
         const double *table, size_t first, size_t end)
{
  g_autofree char *path = g_strconcat (root, key, NULL);
  size_t m = end - first;
  g_autofree double *got = g_new (double, n * m + 1);

  for (size_t row = 0; row < n; row++)
    memcpy (got + row * m, table + row * width + first, m * sizeof *got);
  golden_numbers (fit->c, path, got, n * m);
}

static void
compare_factors (const Fit *fit, const char *root)
{
  const FlModelOps *ops = fit->model->ops;
  size_t first = fit->biases ? 1 : 0, rank = fit->rank;
  FlFactors f;

  ops->factors (fit->model->self, &f);
  columns (fit, root, "user_factors", f.n_users, f.rank, f.user_f64, first, first + rank);
  columns (fit, root, "item_factors", f.n_items, f.rank, f.item_f64, first, first + rank);
  if (!fit->biases)
    return;
  columns (fit, root, "user_bias", f.n_users, f.rank, f.user_f64, 0, 1);
  columns (fit, root, "item_bias", f.n_items, f.rank, f.item_f64, f.rank - 1, f.rank);
}

static void
compare_errors (const Fit *fit, const char *root, const FlView *view)
{
  double sum = 0.0;

  for (size_t k = 0; k < view->n; k++)
    {
      double difference = view->rating[k] - view->predicted[k];

      sum += difference * difference;
    }
  number (fit, root, "sum_squared_error", sum);
  number (fit, root, "rmse_train", view->n > 0 ? sqrt (sum / (double) view->n) : NAN);
  number (fit, root, "objective", closed_form (fit)->objective (fit->model->self));
}

/* The last sweep that the case asks for. */
static gboolean
read_sweeps (const Fit *fit, uint32_t *n, GError **error)
{
  JsonNode *sweeps = json_object_get_member (fit->c->input, "sweeps");
  size_t length = sweeps != NULL && JSON_NODE_HOLDS_ARRAY (sweeps)
                  ? json_array_get_length (json_node_get_array (sweeps)) : 0;
  g_autofree uint32_t *sweep = golden_read_ids (fit->c->input, "sweeps", length, SWEEPS_LIMIT,
                                                error);

  *n = 0;
  for (size_t k = 0; k < length && sweep != NULL; k++)
    *n = MAX (*n, sweep[k]);
  return sweep != NULL;
}

static gboolean
check_als (GoldenCase *c, GError **error)
{
  g_auto (Fit) fit = { .c = c };
  FlClosedFormStart start;
  uint32_t n_sweeps;

  golden_tolerance (c, "factor_abs", 1e-9);
  if (!fit_init (&fit, error) || !read_sweeps (&fit, &n_sweeps, error))
    return FALSE;
  start = (FlClosedFormStart) { .item_factors = fit.start, .lambda_user = fit.lambda_user,
                                .lambda_item = fit.lambda_item };
  if (!closed_form (&fit)->start (fit.model->self, fit.ratings, &start, error))
    return FALSE;
  for (uint32_t sweep = 1; sweep <= n_sweeps; sweep++)
    {
      g_autofree char *root = g_strdup_printf ("after_sweep/%u/", sweep);
      g_autoptr (FlView) view = NULL;

      if (!closed_form (&fit)->sweep (fit.model->self, error))
        return FALSE;
      view = fl_view_new (&(FlData) { .train = fit.ratings }, FL_PART_TRAIN, fit.model, error);
      if (view == NULL)
        return FALSE;
      compare_factors (&fit, root);
      compare_errors (&fit, root, view);
    }
  return TRUE;
}

GOLDEN_SET ("als", check_als)
