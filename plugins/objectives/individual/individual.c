/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* individual: how unevenly the prediction error falls on users.
 *
 *   l_u = (1/n_u) sum (s_ui - r_ui)^2,              [antidote, eq. 12]
 *   R_indv = (1/n^2) sum_{k < l} (l_k - l_l)^2      [antidote, eq. 13]
 *          = (1/n) sum_u (l_u - mu)^2,   mu = (1/n) sum_u l_u,
 *
 * the variance of the user losses l_u over the n users who have ratings in the
 * part; n_u: ratings of u, s: prediction, r: rating.  Unit: rating points to
 * the fourth power.  Undefined when fewer than two users have ratings.
 */
#include <math.h>
#include <fairlead/plugin.h>

/* Losses of the users who have ratings, and what (13) makes of them. */
typedef struct
{
  double *loss;    /* n_users; NaN for users without ratings */
  FlSpread spread; /* mu, R_indv and n                       */
} Losses;

static size_t
ratings_of (const FlView *view, uint32_t u)
{
  return view->user_start[u + 1] - view->user_start[u];
}

static double
user_loss (const FlView *view, uint32_t u)
{
  double sum = 0.0;

  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    {
      double e = view->predicted[k] - view->rating[k];

      sum += e * e;
    }
  return sum / (double) ratings_of (view, u);
}

static Losses
losses_of (const FlView *view)
{
  Losses losses = { .loss = g_new (double, view->n_users + (size_t) 1) };

  for (uint32_t u = 0; u < view->n_users; u++)
    losses.loss[u] = ratings_of (view, u) > 0 ? user_loss (view, u) : NAN;
  losses.spread = fl_spread_of (view->n_users, losses.loss, 1);
  return losses;
}

static gboolean
individual_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  Losses losses = losses_of (view);
  double *each = fl_result_each (result, 0, FL_SIDE_USER);

  (void) self;
  (void) error;
  if (losses.spread.n > 1)
    fl_result_set (result, 0, losses.spread.variance);
  for (uint32_t u = 0; u < view->n_users; u++)
    each[u] = losses.loss[u];
  g_free (losses.loss);
  return TRUE;
}

/* d R_indv / d s_ui = 4 (s_ui - r_ui) / (n n_u) (l_u - mu)   [antidote, eq. 26] */
static gboolean
individual_gradient (gconstpointer self, const FlView *view, double *loss, double *d_predicted,
                     GError **error)
{
  Losses losses = losses_of (view);

  (void) self;
  for (size_t k = 0; k < view->n; k++)
    {
      uint32_t u = view->user[k];

      d_predicted[k] = 4.0 * (view->predicted[k] - view->rating[k])
                       / ((double) losses.spread.n * (double) ratings_of (view, u))
                       * (losses.loss[u] - losses.spread.mean);
    }
  *loss = losses.spread.variance;
  g_free (losses.loss);
  return losses.spread.n > 1
         || fl_fail (error, FL_ERROR_DATA, "needs ratings of 2 or more users to compare, found "
                     "those of %" G_GSIZE_FORMAT, losses.spread.n);
}

static const FlValue values[] = {
  { .name = "individual", .direction = FL_LOWER_IS_BETTER, .unit = "rating points ^ 4",
    .doc = "variance over users of their mean squared error; kept for each user: that error" },
  FL_VALUE_END
};

FL_PLUGIN (
  .name      = "individual",
  .summary   = "individual unfairness R_indv: variance of the users' mean squared errors",
  .reference = "[antidote, eq. 12, 13, 26]",
  .licence   = "LGPL-3.0-or-later",
  .needs     = FL_NEEDS_RATINGS,
  FL_OBJECTIVE (.values = values, .evaluate = individual_evaluate,
                .gradient = individual_gradient)
);
