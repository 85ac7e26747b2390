/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-prl.c: set `prl`, the derivative of an RMSE by lambdas through sweeps of als-mf on
 * primary ratings; the RMSE is that of secondary ratings, of one group's users or of all.
 */
#include "tests/golden/als-case.h"

#include <math.h>
#include <string.h>

#define SWEEPS_LIMIT 10000

typedef struct
{
  AlsCase als;
  GoldenRatings primary, secondary;
  FlRatings *ratings;     /* primary                                       */
  double *lambda_user, *lambda_item;
  uint32_t *group, label; /* of users; the one that counts                 */
  uint32_t n_sweeps;
  size_t n_user, n_item;  /* numbers of the tables                         */
  double *user, *item;    /* tape: n_sweeps, and n_sweeps + 1 of the items */
} Prl;

static void
prl_clear (Prl *prl)
{
  als_case_clear (&prl->als);
  golden_ratings_clear (&prl->primary);
  golden_ratings_clear (&prl->secondary);
  fl_ratings_free (prl->ratings);
  g_free (prl->lambda_user);
  g_free (prl->lambda_item);
  g_free (prl->group);
  g_free (prl->user);
  g_free (prl->item);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Prl, prl_clear)

/* ---- reading ----------------------------------------------------------- */

static gboolean
read_lambdas (Prl *prl, JsonObject *input, GError **error)
{
  double lambda_item;

  if (!golden_read_number (input, "lambda_item", &lambda_item, error))
    return FALSE;
  prl->lambda_item = g_new (double, prl->primary.n_items + 1);
  for (uint32_t i = 0; i < prl->primary.n_items; i++)
    prl->lambda_item[i] = lambda_item;
  prl->lambda_user = golden_read_numbers (input, "lambda_user", prl->primary.n_users, error);
  return prl->lambda_user != NULL;
}

static gboolean
read_ratings (Prl *prl, JsonObject *input, GError **error)
{
  GoldenRatings *primary = &prl->primary, *secondary = &prl->secondary;

  if (!golden_read_ratings (input, "primary", primary, error)
      || !golden_read_ratings (input, "secondary", secondary, error))
    return FALSE;
  if (secondary->n_users != primary->n_users || secondary->n_items != primary->n_items)
    return fl_fail (error, FL_ERROR_DATA, "input.secondary is %u x %u, wanted %u x %u",
                    secondary->n_users, secondary->n_items, primary->n_users, primary->n_items);
  prl->ratings = fl_ratings_new (primary->n_users, primary->n_items, primary->n, primary->user,
                                 primary->item, primary->rating, error);
  return prl->ratings != NULL;
}

static gboolean
prl_init (Prl *prl, GoldenCase *c, GError **error)
{
  JsonObject *input = c->input;
  gboolean biases = FALSE;

  if (!read_ratings (prl, input, error) || !read_lambdas (prl, input, error)
      || !als_case_init (&prl->als, c, prl->primary.n_items, error)
      || !golden_read_flag (input, "bias", &biases, error)
      || !golden_read_index (input, "sweeps", SWEEPS_LIMIT, &prl->n_sweeps, error)
      || !golden_read_index (input, "disadvantaged_label", G_MAXUINT16, &prl->label, error)
      || (prl->group = golden_read_ids (input, "user_group", prl->primary.n_users, G_MAXUINT16,
                                        error)) == NULL)
    return FALSE;
  if (biases != prl->als.biases)
    return fl_fail (error, FL_ERROR_DATA, "input.bias and input.initial_item_bias disagree");
  if (prl->n_sweeps == 0)
    return fl_fail (error, FL_ERROR_DATA, "input.sweeps is 0");
  return TRUE;
}

/* ---- forward ----------------------------------------------------------- */

static gboolean
sweep_all (Prl *prl, GError **error)
{
  const FlClosedFormOps *ops = als_case_closed_form (&prl->als);
  gpointer self = prl->als.model->self;
  FlClosedFormStart start = FL_CLOSED_FORM_START (.item_factors = prl->als.start,
                                                  .lambda_user = prl->lambda_user,
                                                  .lambda_item = prl->lambda_item);
  FlFactors f;

  if (!ops->start (self, prl->ratings, &start, error))
    return FALSE;
  f = als_case_factors (&prl->als);
  prl->n_user = f.n_users * f.rank;
  prl->n_item = f.n_items * f.rank;
  prl->user = g_new (double, prl->n_sweeps * prl->n_user + 1);
  prl->item = g_new (double, (prl->n_sweeps + 1) * prl->n_item + 1);
  memcpy (prl->item, f.item_f64, prl->n_item * sizeof *prl->item);
  for (size_t t = 0; t < prl->n_sweeps; t++)
    {
      if (!ops->sweep (self, error))
        return FALSE;
      f = als_case_factors (&prl->als);
      memcpy (prl->user + t * prl->n_user, f.user_f64, prl->n_user * sizeof *prl->user);
      memcpy (prl->item + (t + 1) * prl->n_item, f.item_f64, prl->n_item * sizeof *prl->item);
    }
  return TRUE;
}

/* ---- backward ---------------------------------------------------------- */

static gboolean
counts (const Prl *prl, size_t k, gboolean all)
{
  return all || prl->group[prl->secondary.user[k]] == prl->label;
}

/* RMSE = sqrt (sum e^2 / n) of the n secondary ratings that count; NaN of none.  Its
 * derivative by factors, e / (n RMSE) by a score, is added. */
static double
rmse_of (const Prl *prl, gboolean all, size_t *n, double *d_user, double *d_item)
{
  const GoldenRatings *given = &prl->secondary;
  FlFactors f = als_case_factors (&prl->als);
  g_autofree double *e = g_new0 (double, given->n + 1);
  double sum = 0, rmse;

  *n = 0;
  for (size_t k = 0; k < given->n; k++)
    if (counts (prl, k, all))
      {
        e[k] = fl_dot_f64 (f.rank, f.user_f64 + given->user[k] * f.rank,
                           f.item_f64 + given->item[k] * f.rank) - given->rating[k];
        sum += e[k] * e[k];
        (*n)++;
      }
  rmse = *n > 0 ? sqrt (sum / (double) *n) : NAN;
  for (size_t k = 0; k < given->n && rmse > 0; k++)
    for (size_t a = 0; a < f.rank; a++)
      {
        size_t u = given->user[k] * f.rank + a, i = given->item[k] * f.rank + a;
        double d = e[k] / ((double) *n * rmse);

        d_user[u] += d * f.item_f64[i];
        d_item[i] += d * f.user_f64[u];
      }
  return rmse;
}

/* The RMSE of `who`, "group" or "all", and its derivative by each lambda. */
static gboolean
check_rmse (const Prl *prl, const char *who, GError **error)
{
  GoldenCase *c = prl->als.c;
  g_autofree char *value = g_strdup_printf ("rmse_%s_secondary", who);
  g_autofree char *count = g_strdup_printf ("n_%s_secondary", who);
  g_autofree char *by_user = g_strdup_printf ("grad_rmse_%s_wrt_lambda", who);
  g_autofree char *by_item = g_strdup_printf ("grad_rmse_%s_wrt_lambda_item", who);
  g_autofree double *d_user = g_new0 (double, prl->n_user + 1);
  g_autofree double *d_item = g_new0 (double, prl->n_item + 1);
  g_autofree double *d_lambda_user = g_new0 (double, prl->primary.n_users + 1);
  g_autofree double *d_lambda_item = g_new0 (double, prl->primary.n_items + 1);
  size_t n;
  double rmse = rmse_of (prl, strcmp (who, "all") == 0, &n, d_user, d_item);

  for (size_t t = prl->n_sweeps; t-- > 0;)
    if (!fl_closed_form_sweep_back (prl->als.model, prl->item + t * prl->n_item,
                                    prl->user + t * prl->n_user,
                                    prl->item + (t + 1) * prl->n_item, d_user, d_item,
                                    d_lambda_user, d_lambda_item, error))
      return FALSE;
  for (uint32_t u = 0; u < prl->primary.n_users && n == 0; u++)
    d_lambda_user[u] = NAN;
  for (uint32_t i = 0; i < prl->primary.n_items && n == 0; i++)
    d_lambda_item[i] = NAN;
  golden_tolerance (c, "value_rel", 1e-10);
  golden_number (c, value, rmse);
  golden_number (c, count, (double) n);
  golden_tolerance (c, "gradient_abs", 1e-8);
  golden_numbers (c, by_user, d_lambda_user, prl->primary.n_users);
  golden_numbers (c, by_item, d_lambda_item, prl->primary.n_items);
  return TRUE;
}

static gboolean
check_prl (GoldenCase *c, GError **error)
{
  g_auto (Prl) prl = { 0 };

  if (!prl_init (&prl, c, error) || !sweep_all (&prl, error))
    return FALSE;
  golden_tolerance (c, "factor_abs", 1e-9);
  als_case_compare (&prl.als, "");
  return check_rmse (&prl, "group", error) && check_rmse (&prl, "all", error);
}

GOLDEN_SET ("prl", check_prl)
