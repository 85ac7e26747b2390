/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* group: how unevenly the prediction error falls on groups of users or items.
 *
 *   L_g = (1/n_g) sum (s_ui - r_ui)^2,                      [antidote, eq. 14]
 *   R_grp = (1/G^2) sum_{k < l} (L_k - L_l)^2               [antidote, eq. 15]
 *         = (1/G) sum_g (L_g - mu)^2,   mu = (1/G) sum_g L_g,
 *
 * the variance of the group losses L_g over the G groups that have ratings in
 * the part and are compared.  L_g is over the n_g ratings of the group's users (or items); who
 * is in several groups, as an item with several genres, counts in each.
 * s: prediction, r: rating; unit: rating points to the fourth power.
 * Undefined when fewer than two have.
 */
#include <fairlead/plugin.h>

typedef struct
{
  int side;
} Group;

static const FlParam params[] = {
  FL_CHOICE (Group, side, 1, "user|item", "groups of users or groups of items"),
  FL_PARAM_END
};

enum
{
  VALUE_VARIANCE,
  VALUE_LOSS
};

typedef struct
{
  const FlGroups *groups;
  const uint32_t *member; /* entry -> user or item            */
  FlGroupSum *sum;        /* of squared errors, and n_g       */
  double *loss;           /* L_g; NaN where n_g is 0          */
  FlSpread spread;        /* mu, R_grp and G                  */
} Losses;

static void
losses_clear (Losses *losses)
{
  g_free (losses->sum);
  g_free (losses->loss);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Losses, losses_clear)

static void
add_losses (Losses *losses, const FlView *view)
{
  const FlGroups *groups = losses->groups;

  for (size_t k = 0; k < view->n; k++)
    {
      double e = view->predicted[k] - view->rating[k];

      fl_groups_add_value (groups, losses->member[k], e * e, losses->sum);
    }
  for (uint32_t g = 0; g < groups->n_groups; g++)
    losses->loss[g] = fl_groups_get_mean (&losses->sum[g]);
}

static gboolean
losses_init (Losses *losses, const Group *self, const FlView *view, GError **error)
{
  gboolean of_users = self->side == FL_SIDE_USER;

  losses->groups = of_users ? view->user_groups : view->item_groups;
  losses->member = of_users ? view->user : view->item;
  if (losses->groups == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "side = %s needs %s groups: name them by %s.group-by in [data]",
                    of_users ? "user" : "item", of_users ? "user" : "item",
                    of_users ? "users" : "items");
  losses->sum = g_new0 (FlGroupSum, losses->groups->n_groups);
  losses->loss = g_new0 (double, losses->groups->n_groups);
  add_losses (losses, view);
  losses->spread = fl_groups_get_spread (losses->groups, losses->loss);
  return TRUE;
}

static gboolean
group_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  const Group *group = self;
  g_auto (Losses) losses = { 0 };

  if (!losses_init (&losses, group, view, error))
    return FALSE;
  fl_result_set_n (result, VALUE_VARIANCE, losses.spread.variance,
                   losses.spread.n > 1 ? losses.spread.n : 0);
  fl_result_set_n (result, VALUE_LOSS, losses.spread.mean, losses.spread.n);
  for (uint32_t g = 0; g < losses.groups->n_groups; g++)
    fl_result_set_group (result, VALUE_LOSS, (FlSide) group->side, g, losses.loss[g],
                         losses.sum[g].n);
  return TRUE;
}

/* d R_grp / d s_ui = sum_g 4 (s_ui - r_ui) / (G n_g) (L_g - mu) over the groups
 * of the rating   [antidote, eq. 30, where groups do not overlap] */
static gboolean
group_gradient (gconstpointer self, const FlView *view, double *loss, double *d_predicted,
                GError **error)
{
  g_auto (Losses) losses = { 0 };

  if (!losses_init (&losses, self, view, error))
    return FALSE;
  if (losses.spread.n < 2)
    return fl_fail (error, FL_ERROR_DATA, "needs ratings of 2 or more groups to compare, found "
                    "those of %" G_GSIZE_FORMAT, losses.spread.n);
  for (size_t k = 0; k < view->n; k++)
    {
      double e = view->predicted[k] - view->rating[k], sum = 0.0;
      uint32_t n;
      const uint32_t *group = fl_groups_list (losses.groups, losses.member[k], &n);

      for (uint32_t m = 0; m < n; m++)
        if (fl_groups_is_compared (losses.groups, group[m]))
          sum += (losses.loss[group[m]] - losses.spread.mean) / (double) losses.sum[group[m]].n;
      d_predicted[k] = 4.0 * e / (double) losses.spread.n * sum;
    }
  *loss = losses.spread.variance;
  return TRUE;
}

static const FlValue values[] = {
  { .name = "group", .direction = FL_LOWER_IS_BETTER, .unit = "rating points ^ 4",
    .doc = "variance over groups of their mean squared error" },
  { .name = "group-loss", .direction = FL_LOWER_IS_BETTER, .unit = "rating points ^ 2",
    .doc = "mean squared error of each group; over all: the mean of the groups' errors" },
  FL_VALUE_END
};

static unsigned
group_needs (gconstpointer self)
{
  return FL_NEEDS_RATINGS | (((const Group *) self)->side == FL_SIDE_USER ? FL_NEEDS_USER_GROUPS
                                                                          : FL_NEEDS_ITEM_GROUPS);
}

FL_PLUGIN (
  .name      = "group",
  .summary   = "group unfairness R_grp: variance of the groups' mean squared errors",
  .reference = "[antidote, eq. 14, 15, 30]",
  .licence   = "LGPL-3.0-or-later",
  .params    = params,
  .self_size = sizeof (Group),
  .needs     = FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS | FL_NEEDS_RATINGS,
  .needs_now = group_needs,
  FL_OBJECTIVE (.values = values, .evaluate = group_evaluate, .gradient = group_gradient)
);
