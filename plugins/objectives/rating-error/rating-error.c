/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rmse, mae: how far predicted ratings lie from the given ones.
 *
 *   RMSE = sqrt ((1/n) sum (s_ui - r_ui)^2),   MAE = (1/n) sum |s_ui - r_ui|,
 *
 * over the n ratings of the part [prl, eq. 1 and 2], over those of each user
 * group or item group, and over those of each user.  An item in several
 * groups counts in each.  The worst group is the one with the largest error.
 * s: prediction, r: rating; unit: rating points.  Undefined without ratings.
 */
#include <math.h>
#include <fairlead/plugin.h>

/* Mean of a loss, then a function of the mean. */
typedef struct
{
  double (*loss) (double error);
  double (*finish) (double mean);
} Measure;

enum
{
  VALUE_ALL,
  VALUE_WORST_USER_GROUP,
  VALUE_WORST_ITEM_GROUP
};

static double
square (double x)
{
  return x * x;
}

static double
identity (double x)
{
  return x;
}

static const Measure rmse_measure = { square, sqrt };
static const Measure mae_measure = { fabs, identity };

/* Losses of ratings, summed over an entity's and, from these, over those of the members of
 * each group. */
static void
add_sum (FlGroupSum *sum, const FlGroupSum *more)
{
  sum->sum += more->sum;
  sum->n += more->n;
}

/* NaN without ratings. */
static double
finish (const Measure *measure, const FlGroupSum *sum)
{
  return sum->n > 0 ? measure->finish (fl_groups_get_mean (sum)) : NAN;
}

static void
set_groups (const Measure *measure, const FlGroups *groups, FlSide side, const FlGroupSum *entity,
            FlResult *result)
{
  size_t value_worst = side == FL_SIDE_USER ? VALUE_WORST_USER_GROUP : VALUE_WORST_ITEM_GROUP;
  uint32_t n_groups = fl_groups_count (groups), worst;
  g_autofree FlGroupSum *sum = g_new0 (FlGroupSum, n_groups);
  g_autofree double *error = g_new0 (double, n_groups);

  if (groups == NULL)
    {
      fl_result_omit (result, value_worst);
      return;
    }
  for (uint32_t e = 0; e < groups->n; e++)
    {
      uint32_t n;
      const uint32_t *group = fl_groups_list (groups, e, &n);

      for (uint32_t m = 0; m < n; m++)
        add_sum (&sum[group[m]], &entity[e]);
    }
  for (uint32_t g = 0; g < n_groups; g++)
    {
      error[g] = finish (measure, &sum[g]);
      fl_result_set_group (result, VALUE_ALL, side, g, error[g], sum[g].n);
    }
  worst = fl_groups_find_highest (n_groups, error);
  if (worst != FL_NO_GROUP)
    fl_result_set (result, value_worst, error[worst]);
}

static gboolean
evaluate (const Measure *measure, const FlView *view, FlResult *result)
{
  g_autofree FlGroupSum *user = g_new0 (FlGroupSum, view->n_users);
  g_autofree FlGroupSum *item = g_new0 (FlGroupSum, view->n_items);
  double *each = fl_result_each (result, VALUE_ALL, FL_SIDE_USER);
  FlGroupSum all = { 0.0, 0 };

  for (size_t k = 0; k < view->n; k++)
    {
      double loss = measure->loss (view->predicted[k] - view->rating[k]);

      fl_groups_add_number (&user[view->user[k]], loss);
      fl_groups_add_number (&item[view->item[k]], loss);
    }
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      add_sum (&all, &user[u]);
      each[u] = finish (measure, &user[u]);
    }
  if (all.n > 0)
    fl_result_set (result, VALUE_ALL, finish (measure, &all));
  set_groups (measure, view->user_groups, FL_SIDE_USER, user, result);
  set_groups (measure, view->item_groups, FL_SIDE_ITEM, item, result);
  return TRUE;
}

static gboolean
rmse_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  (void) self;
  (void) error;
  return evaluate (&rmse_measure, view, result);
}

static gboolean
mae_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  (void) self;
  (void) error;
  return evaluate (&mae_measure, view, result);
}

/* d RMSE / d s_ui = (s_ui - r_ui) / (n RMSE); 0 where all predictions are exact. */
static gboolean
rmse_gradient (gconstpointer self, const FlView *view, double *loss, double *d_predicted,
               GError **error)
{
  double sum = 0.0, n = (double) view->n;

  (void) self;
  if (view->n == 0)
    return fl_fail (error, FL_ERROR_DATA, "needs ratings, found none");
  for (size_t k = 0; k < view->n; k++)
    sum += square (view->predicted[k] - view->rating[k]);
  *loss = sqrt (sum / n);
  for (size_t k = 0; k < view->n; k++)
    d_predicted[k] = *loss > 0.0 ? (view->predicted[k] - view->rating[k]) / (n * *loss) : 0.0;
  return TRUE;
}

/* d MAE / d s_ui = sign (s_ui - r_ui) / n. */
static gboolean
mae_gradient (gconstpointer self, const FlView *view, double *loss, double *d_predicted,
              GError **error)
{
  double sum = 0.0, n = (double) view->n;

  (void) self;
  if (view->n == 0)
    return fl_fail (error, FL_ERROR_DATA, "needs ratings, found none");
  for (size_t k = 0; k < view->n; k++)
    {
      double difference = view->predicted[k] - view->rating[k];

      sum += fabs (difference);
      d_predicted[k] = ((difference > 0.0) - (difference < 0.0)) / n;
    }
  *loss = sum / n;
  return TRUE;
}

#define VALUES(name_, words_) \
  { \
    { .name = name_, .direction = FL_LOWER_IS_BETTER, .unit = "rating points", \
      .doc = words_ " over all ratings, each group and each user" }, \
    { .name = name_ "-worst-user-group", .direction = FL_LOWER_IS_BETTER, \
      .unit = "rating points", .doc = "the largest among the user groups" }, \
    { .name = name_ "-worst-item-group", .direction = FL_LOWER_IS_BETTER, \
      .unit = "rating points", .doc = "the largest among the item groups" }, \
    FL_VALUE_END \
  }

static const FlValue rmse_values[] = VALUES ("rmse", "root mean squared error");
static const FlValue mae_values[] = VALUES ("mae", "mean absolute error");

static const FlPlugin rmse = FL_DESCRIPTOR (
  .name      = "rmse",
  .summary   = "root mean squared error of predicted ratings",
  .reference = "[prl, eq. 1 and 2]",
  .licence   = "LGPL-3.0-or-later",
  .needs     = FL_NEEDS_RATINGS,
  FL_OBJECTIVE (.values = rmse_values, .evaluate = rmse_evaluate, .gradient = rmse_gradient)
);

static const FlPlugin mae = FL_DESCRIPTOR (
  .name      = "mae",
  .summary   = "mean absolute error of predicted ratings",
  .reference = "defined at the top of rating-error.c",
  .licence   = "LGPL-3.0-or-later",
  .needs     = FL_NEEDS_RATINGS,
  FL_OBJECTIVE (.values = mae_values, .evaluate = mae_evaluate, .gradient = mae_gradient)
);

FL_PLUGINS (&rmse, &mae);
