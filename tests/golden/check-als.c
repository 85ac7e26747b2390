/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-als.c: set `als`, sweeps of als-mf from given item factors.
 *
 * Errors are those of the view that objectives see.
 */
#include "tests/golden/als-case.h"

#include <math.h>

#define SWEEPS_LIMIT 10000

typedef struct
{
  AlsCase als;
  GoldenRatings given;
  FlRatings *ratings;
  double *lambda_user, *lambda_item;
} Fit;

static void
fit_clear (Fit *fit)
{
  als_case_clear (&fit->als);
  golden_ratings_clear (&fit->given);
  fl_ratings_free (fit->ratings);
  g_free (fit->lambda_user);
  g_free (fit->lambda_item);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fit, fit_clear)

static gboolean
fit_init (Fit *fit, GoldenCase *c, GError **error)
{
  const GoldenRatings *given = &fit->given;

  return golden_read_ratings (c->input, "ratings", &fit->given, error)
         && (fit->lambda_user
             = golden_read_numbers (c->input, "lambda_user", given->n_users, error)) != NULL
         && (fit->lambda_item
             = golden_read_numbers (c->input, "lambda_item", given->n_items, error)) != NULL
         && als_case_init (&fit->als, c, given->n_items, error)
         && (fit->ratings = fl_ratings_new (given->n_users, given->n_items, given->n, given->user,
                                            given->item, given->rating, error)) != NULL;
}

/* ---- comparing --------------------------------------------------------- */

static void
number (const Fit *fit, const char *root, const char *key, double got)
{
  g_autofree char *path = g_strconcat (root, key, NULL);

  golden_number (fit->als.c, path, got);
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
  number (fit, root, "objective",
          als_case_closed_form (&fit->als)->objective (fit->als.model->self));
}

/* The last sweep that the case asks for. */
static gboolean
read_sweeps (const Fit *fit, uint32_t *n, GError **error)
{
  JsonNode *sweeps = json_object_get_member (fit->als.c->input, "sweeps");
  size_t length = sweeps != NULL && JSON_NODE_HOLDS_ARRAY (sweeps)
                  ? json_array_get_length (json_node_get_array (sweeps)) : 0;
  g_autofree uint32_t *sweep = golden_read_ids (fit->als.c->input, "sweeps", length, SWEEPS_LIMIT,
                                                error);

  *n = 0;
  for (size_t k = 0; k < length && sweep != NULL; k++)
    *n = MAX (*n, sweep[k]);
  return sweep != NULL;
}

static gboolean
check_als (GoldenCase *c, GError **error)
{
  g_auto (Fit) fit = { 0 };
  FlClosedFormStart start;
  uint32_t n_sweeps;

  golden_tolerance (c, "factor_abs", 1e-9);
  if (!fit_init (&fit, c, error) || !read_sweeps (&fit, &n_sweeps, error))
    return FALSE;
  start = FL_CLOSED_FORM_START (.item_factors = fit.als.start, .lambda_user = fit.lambda_user,
                                .lambda_item = fit.lambda_item);
  if (!als_case_closed_form (&fit.als)->start (fit.als.model->self, fit.ratings, &start, error))
    return FALSE;
  for (uint32_t sweep = 1; sweep <= n_sweeps; sweep++)
    {
      g_autofree char *root = g_strdup_printf ("after_sweep/%u/", sweep);
      g_autoptr (FlView) view = NULL;

      if (!als_case_closed_form (&fit.als)->sweep (fit.als.model->self, error))
        return FALSE;
      view = fl_view_new (&FL_DATA (.train = fit.ratings), FL_PART_TRAIN, fit.als.model, error);
      if (view == NULL)
        return FALSE;
      als_case_compare (&fit.als, root);
      compare_errors (&fit, root, view);
    }
  return TRUE;
}

GOLDEN_SET ("als", check_als)
