/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gap-observation.c: what the ratings and the scores of a view show of fit.
 *
 * An observation says that a user fits a category or does not, and with which score: each
 * rating is one of each of its item's categories, or, of implicit feedback, each user is one of
 * each category.
 */
#include "long-term-gap.h"

#include <math.h>
#include <string.h>

gboolean
gap_check_view (const LongTermGap *from, const FlView *view, GError **error)
{
  double low = INFINITY, high = -INFINITY;

  if (view->n_user_groups > SIM_GROUPS_MAX || view->n_item_groups > SIM_ITEMS_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "takes at most %d groups of users and %d of items, "
                    "found %u and %u; choose them by users.group-by and items.group-by in [data]",
                    SIM_GROUPS_MAX, SIM_ITEMS_MAX, view->n_user_groups, view->n_item_groups);
  for (size_t k = 0; k < view->n; k++)
    {
      low = MIN (low, view->rating[k]);
      high = MAX (high, view->rating[k]);
    }
  return from->fit == GAP_CONSUMPTION || view->n == 0 || low < high
         || fl_fail (error, FL_ERROR_CONFIG, "every rating here is %g, which tells nobody's fit; "
                     "of implicit feedback, set fit = consumption", low);
}

void
gap_observations_clear (GapObservations *seen)
{
  g_free (seen->n);
  g_free (seen->n_recommended);
  g_free (seen->pairs);
  g_free (seen->share);
  g_free (seen->start);
  g_free (seen->member);
  g_free (seen->trained);
}

/* p_s; who is in several groups counts in each. */
static void
share_out_users (GapObservations *seen)
{
  const FlGroups *users = seen->view->user_groups;
  uint32_t n = users->start[seen->view->n_users];

  for (uint32_t k = 0; k < n; k++)
    seen->share[users->group[k]] += 1.0 / n;
}

/* The items of each category, ascending. */
static void
list_items (GapObservations *seen)
{
  const FlGroups *items = seen->view->item_groups;
  uint32_t n = items->start[seen->view->n_items];

  for (uint32_t k = 0; k < n; k++)
    seen->start[items->group[k] + 1]++;
  for (uint32_t i = 0; i < seen->M; i++)
    seen->start[i + 1] += seen->start[i];
  /* Filling moves each start to its category's end, which is the next one's start. */
  for (uint32_t item = 0; item < seen->view->n_items; item++)
    for (uint32_t k = items->start[item]; k < items->start[item + 1]; k++)
      seen->member[seen->start[items->group[k]]++] = item;
  memmove (seen->start + 1, seen->start, seen->M * sizeof *seen->start);
  seen->start[0] = 0;
}

static void
prepare (GapObservations *seen, const LongTermGap *from, const FlView *view)
{
  uint32_t S = view->n_user_groups, M = view->n_item_groups;

  *seen = (GapObservations) { .from = from, .view = view, .S = S, .M = M,
                              .n = g_new0 (size_t, M * S * 2),
                              .n_recommended = g_new0 (size_t, M * S * 2),
                              .pairs = g_new0 (FlGroupSum, S), .share = g_new0 (double, S),
                              .start = g_new0 (uint32_t, M + 1),
                              .member = g_new (uint32_t, view->item_groups->start[view->n_items]),
                              .trained = g_new0 (uint8_t, view->n_items) };
  share_out_users (seen);
  list_items (seen);
}

/* ---- observations -------------------------------------------------------- */

/* Whether category i is recommended to user u. */
static gboolean
is_recommended (const GapObservations *seen, uint32_t u, uint32_t i)
{
  const FlView *view = seen->view;
  const uint32_t *item;
  int64_t n_found = 0;
  size_t n;

  if (seen->from->policy != GAP_TOP_K)
    return FALSE;
  item = fl_list (view->lists, u, view->k, &n);
  for (size_t l = 0; l < n; l++)
    n_found += fl_groups_has (view->item_groups, item[l], i);
  return n_found >= seen->from->dose;
}

/* User u is in state y of category i, and the score is x. */
static void
add_observation (GapObservations *seen, uint32_t u, uint32_t i, int y, double x)
{
  uint32_t n_groups;
  const uint32_t *group = fl_groups_list (seen->view->user_groups, u, &n_groups);
  gboolean recommended = is_recommended (seen, u, i);
  size_t n = ++seen->n_scores[i][y];
  double from_mean = x - seen->mean[i][y];

  seen->mean[i][y] += from_mean / (double) n;
  seen->squares[i] += from_mean * (x - seen->mean[i][y]);
  fl_groups_add_number (&seen->own[i], y);
  for (uint32_t m = 0; m < n_groups; m++)
    {
      size_t at = ((size_t) i * seen->S + group[m]) * 2 + (size_t) y;

      seen->n[at]++;
      seen->n_recommended[at] += recommended;
    }
}

static void
observe_ratings (GapObservations *seen, uint32_t u)
{
  const FlView *view = seen->view;

  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    {
      uint32_t n;
      const uint32_t *group = fl_groups_list (view->item_groups, view->item[k], &n);

      for (uint32_t m = 0; m < n; m++)
        add_observation (seen, u, group[m], view->rating[k] >= seen->from->liked,
                         view->predicted[k]);
    }
}

/* Draws that are thrown before items are counted. */
#define DRAWS 32

uint32_t
gap_draw_unseen (uint32_t n, const uint32_t *item, const uint8_t *trained, uint32_t none,
                 FlRng *rng)
{
  uint32_t n_unseen = 0, chosen = 0;

  for (int draw = 0; draw < DRAWS && n > 0; draw++)
    {
      uint32_t candidate = item[fl_rng_below (rng, n)];

      if (!trained[candidate])
        return candidate;
    }
  for (uint32_t l = 0; l < n; l++)
    n_unseen += !trained[item[l]];
  if (n_unseen == 0)
    return none;
  chosen = fl_rng_below (rng, n_unseen);
  for (uint32_t l = 0;; l++)
    if (!trained[item[l]] && chosen-- == 0)
      return item[l];
}

/* An item of category i to stand for what user u knows of it: one of those that u
 * rated here, else one that u has not been trained on; n_items: there is none. */
static uint32_t
draw_item (const GapObservations *seen, uint32_t u, uint32_t i, FlRng *rng, int *y)
{
  const FlView *view = seen->view;
  uint32_t n = 0, item = view->n_items;

  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    if (fl_groups_has (view->item_groups, view->item[k], i) && fl_rng_below (rng, ++n) == 0)
      item = view->item[k];
  *y = n > 0;
  if (n > 0)
    return item;
  return gap_draw_unseen (seen->start[i + 1] - seen->start[i], seen->member + seen->start[i],
                          seen->trained, view->n_items, rng);
}

static void
mark_trained (GapObservations *seen, uint32_t u, uint8_t mark)
{
  const FlCsr *rows = &seen->view->train->by_user;

  for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
    if (rows->col[k] < seen->view->n_items)
      seen->trained[rows->col[k]] = mark;
}

static gboolean
observe_consumption (GapObservations *seen, uint32_t u, GError **error)
{
  const FlView *view = seen->view;
  FlRng rng = fl_rng (view->seed, "long-term-gap", u);

  if (view->user_start[u] == view->user_start[u + 1])
    return TRUE; /* of whom nothing is known */
  mark_trained (seen, u, 1);
  for (uint32_t i = 0; i < seen->M; i++)
    {
      int y = 0;
      uint32_t item = draw_item (seen, u, i, &rng, &y);
      double x = 0.0;

      if (item == view->n_items)
        continue;
      if (!fl_view_score (view, 1, &u, 1, &item, &x, error))
        return FALSE;
      add_observation (seen, u, i, y, x);
    }
  mark_trained (seen, u, 0);
  return TRUE;
}

/* Of two categories: adds user u to the joint fit rate, who was seen in both. */
static void
add_pair (GapObservations *seen, uint32_t u)
{
  if (seen->M == 2 && seen->own[0].n > 0 && seen->own[1].n > 0)
    fl_groups_add_value (seen->view->user_groups, u,
                         fl_groups_get_mean (&seen->own[0]) * fl_groups_get_mean (&seen->own[1]),
                         seen->pairs);
  memset (seen->own, 0, sizeof seen->own);
}

gboolean
gap_observe (GapObservations *seen, const LongTermGap *from, const FlView *view, GError **error)
{
  prepare (seen, from, view);
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      if (from->fit == GAP_RATINGS)
        observe_ratings (seen, u);
      else if (!observe_consumption (seen, u, error))
        return FALSE;
      add_pair (seen, u);
    }
  return TRUE;
}
