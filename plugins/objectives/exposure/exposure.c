/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* exposure-kl, calibration-kl: whether item groups get their share of top-K lists.
 *
 * A place r = 1, 2, .. of a list is worth w_r = 1 / log2 (r + 1), or 1, to each group
 * of the item that stands there.  With e_q the share of item group q in the worth of
 * all lists, and G groups that have items,
 *
 *   exposure-kl = SystemKL = sum_q (1/G) log ((1/G) / e_q).           [itfr, sec. 5.5]
 *
 * With p_u the shares of the groups in the training items of user u and q_u those
 * in the worth of the list,
 *
 *   calibration-kl = UserKL = mean over users of sum_q p_uq log (p_uq / q_uq),
 *
 * over the users who have both training items and a list.  Natural logarithm.  Shares
 * below `floor` are raised to it, so that a group which is absent costs much, not
 * infinity; they then sum to a little more than 1.  An item in several groups counts
 * in each.
 */
#include <math.h>
#include <fairlead/plugin.h>

typedef struct
{
  double floor;
  int weight;
} Exposure;

enum
{
  WEIGHT_POSITION,
  WEIGHT_NONE
};

static const FlParam params[] = {
  FL_DOUBLE (Exposure, floor, 1e-6, 1e-12, 1.0, NULL, "least share of a group"),
  FL_CHOICE (Exposure, weight, WEIGHT_POSITION, "position|none",
             "a place counts 1 / log2 (place + 1), or all places count alike"),
  FL_PARAM_END
};

/* Adds w to each group of item i; returns what was added. */
static double
add_item (const FlGroups *groups, uint32_t i, double w, double *worth)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (groups, i, &n);

  for (uint32_t m = 0; m < n; m++)
    worth[group[m]] += w;
  return w * n;
}

static double
add_list (const Exposure *self, const FlView *view, uint32_t u, double *worth)
{
  double total = 0.0;
  size_t n;
  const uint32_t *list = fl_list (view->lists, u, view->k, &n);

  for (size_t r = 1; r <= n; r++)
    total += add_item (view->item_groups, list[r - 1],
                       self->weight == WEIGHT_NONE ? 1.0 : 1.0 / log2 ((double) r + 1.0), worth);
  return total;
}

static double
add_train (const FlView *view, uint32_t u, double *worth)
{
  const FlCsr *train = &view->train->by_user;
  double total = 0.0;

  for (size_t k = train->start[u]; k < train->start[u + 1]; k++)
    total += add_item (view->item_groups, train->col[k], 1.0, worth);
  return total;
}

/* One term of a divergence between two shares. */
static double
term (const Exposure *self, double p, double q)
{
  p = MAX (p, self->floor);
  q = MAX (q, self->floor);
  return p * log (p / q);
}

/* ---- exposure-kl ------------------------------------------------------- */

enum
{
  VALUE_KL,
  VALUE_SHARE
};

static void
set_share (const FlGroups *groups, uint32_t q, double share, uint32_t n_items, FlResult *result)
{
  g_autofree char *label = fl_groups_make_label (NULL, 0, groups, q);

  fl_result_set_label (result, VALUE_SHARE, label, share, n_items);
}

static void
set_exposure (const Exposure *self, const FlGroups *groups, const double *worth, double total,
              FlResult *result)
{
  g_autofree uint32_t *n_items = fl_groups_count_members (groups);
  double G = 0.0, kl = 0.0;

  for (uint32_t q = 0; q < groups->n_groups; q++)
    G += n_items[q] > 0;
  for (uint32_t q = 0; q < groups->n_groups; q++)
    {
      set_share (groups, q, worth[q] / total, total > 0.0 ? n_items[q] : 0, result);
      if (n_items[q] > 0)
        kl += term (self, 1.0 / G, worth[q] / total);
    }
  if (total > 0.0 && G > 1.0) /* one group has nothing to be compared with */
    fl_result_set_n (result, VALUE_KL, kl, (size_t) G);
}

static gboolean
exposure_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree double *worth = fl_alloc (view->n_item_groups, sizeof *worth, error);
  double total = 0.0;

  if (worth == NULL)
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    total += add_list (self, view, u, worth);
  set_exposure (self, view->item_groups, worth, total, result);
  return TRUE;
}

/* ---- calibration-kl ---------------------------------------------------- */

/* `work` has room for two shares of every group. */
static double
miscalibration (const Exposure *self, const FlView *view, uint32_t u, double *work)
{
  uint32_t G = view->n_item_groups;
  double *p = work, *q = work + G, p_total, q_total, kl = 0.0;

  for (uint32_t g = 0; g < 2 * G; g++)
    work[g] = 0.0;
  p_total = add_train (view, u, p);
  q_total = add_list (self, view, u, q);
  if (p_total == 0.0 || q_total == 0.0)
    return NAN;
  for (uint32_t g = 0; g < G; g++)
    kl += term (self, p[g] / p_total, q[g] / q_total);
  return kl;
}

static gboolean
calibration_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree double *each = fl_alloc (view->n_users, sizeof *each, error);
  g_autofree double *work = each != NULL
                              ? fl_alloc (2 * (size_t) view->n_item_groups, sizeof *work, error)
                              : NULL;

  if (work == NULL)
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    each[u] = miscalibration (self, view, u, work);
  fl_result_means (result, VALUE_KL, FL_SIDE_USER, each);
  return TRUE;
}

/* ---- descriptors ------------------------------------------------------- */

static const FlValue exposure_values[] = {
  { .name = "exposure-kl", .direction = FL_LOWER_IS_BETTER, .unit = "nats",
    .doc = "divergence of the groups' exposure from equal shares" },
  { .name = "exposure-kl-share", .direction = FL_NO_DIRECTION,
    .doc = "share of an item group in the exposure" },
  FL_VALUE_END
};

static const FlValue calibration_values[] = {
  { .name = "calibration-kl", .direction = FL_LOWER_IS_BETTER, .unit = "nats",
    .doc = "divergence of the list from the user's training items, mean over users" },
  FL_VALUE_END
};

static const FlPlugin exposure_kl = FL_DESCRIPTOR (
  .name      = "exposure-kl",
  .summary   = "SystemKL: how far item groups are from equal exposure in top-K lists",
  .reference = "[itfr, sec. 5.5]",
  .licence   = "LGPL-3.0-or-later",
  .params    = params,
  .self_size = sizeof (Exposure),
  .needs = FL_NEEDS_LISTS | FL_NEEDS_ITEM_GROUPS,
  FL_OBJECTIVE (.values = exposure_values, .evaluate = exposure_evaluate)
);

static const FlPlugin calibration_kl = FL_DESCRIPTOR (
  .name      = "calibration-kl",
  .summary   = "UserKL: how far top-K lists are from the item groups that users chose before",
  .reference = "[itfr, sec. 5.5]",
  .licence   = "LGPL-3.0-or-later",
  .params    = params,
  .self_size = sizeof (Exposure),
  .needs = FL_NEEDS_LISTS | FL_NEEDS_ITEM_GROUPS,
  FL_OBJECTIVE (.values = calibration_values, .evaluate = calibration_evaluate)
);

FL_PLUGINS (&exposure_kl, &calibration_kl);
