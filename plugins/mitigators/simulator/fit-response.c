/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fit-response: users of a closed loop, each with fit states of their own towards item
 * categories, as groups have rates in [yao-dissertation, chapter 5].
 *
 *   y_ui         user u fits category i
 *   d_ui         at least `dose` items of the list of u are of category i
 *   consumption  of each item of a list, with probability consume[1] where u fits one
 *                of its categories, else consume[0]
 *   y'_ui        is 1 with probability T^{s,i}_{y,d} of u's group s, self and cross
 *                impact compounded as in the simulator
 *
 * At first y_ui is 1 with a probability that hidden ratings tell: the share, of those
 * of u in category i, from `liked` on; of u's group, or of all, where u has none.  A
 * user in several groups has the impacts of the first; an item is of all of its
 * categories.
 *
 * Each item has a provider of its own, who leaves for good after `patience` rounds in
 * a row with fewer than `leave-below` consumptions.
 */
#include <math.h>
#include <string.h>

#include "impacts.h"

typedef struct
{
  double liked;
  FlDoubles consume, ratings, self_impact, cross_impact, weights;
  int64_t dose, leave_below, patience;
  int compounding;
  uint8_t *fit;         /* n_users: bit i is y_ui                       */
  int64_t *waited;      /* n_items: rounds in a row of too few          */
  double rating[2];     /* that are given without fit, and with it      */
  double *compound;
} FitResponse;

static const FlParam params[] = {
  FL_DOUBLE (FitResponse, liked, 4, -1e6, 1e6, "rating points",
             "ratings from here on say that the user fits the item's categories"),
  FL_DOUBLES (FitResponse, consume, "0.05; 0.5", 0, 1, NULL,
              "probability that a recommended item is consumed, by those who do not fit its "
              "category and by those who do"),
  FL_DOUBLES (FitResponse, ratings, "", -1e6, 1e6, "rating points",
              "what is given to a consumed item without fit, and with it; empty: the mean "
              "training rating below `liked`, and from it on"),
  FL_INT (FitResponse, dose, 1, 1, 1e6, "items",
          "of a category in a list, from which on it counts as recommended"),
  SIM_SELF_IMPACT (FitResponse, "0.1; 0.5; 0.5; 0.7"),
  SIM_CROSS_IMPACT (FitResponse),
  SIM_COMPOUNDING (FitResponse),
  FL_INT (FitResponse, leave_below, 0, 0, 1e9, "users",
          "a provider whose item is consumed by fewer in a round is disappointed; 0: never"),
  FL_INT (FitResponse, patience, 3, 1, 1e6, "rounds",
          "in a row that a provider is disappointed before it leaves"),
  FL_PARAM_END
};

enum { FIT_RATE, GAP, CONSUMED, EXPOSURE, PROVIDERS };

static const FlValue values[] = {
  [FIT_RATE] = { .name = "fit-rate", .direction = FL_NO_DIRECTION,
                 .doc = "share of a group that fits a category when the round begins" },
  [GAP] = { .name = "fit-gap", .direction = FL_LOWER_IS_BETTER,
            .doc = "largest difference of fit rates between groups; over all: in any category" },
  [CONSUMED] = { .name = "consumed", .direction = FL_HIGHER_IS_BETTER, .unit = "items",
                 .doc = "by a user in a round, on average" },
  [EXPOSURE] = { .name = "exposure", .direction = FL_NO_DIRECTION,
                 .doc = "share of the places in a group's lists that a category has" },
  [PROVIDERS] = { .name = "providers", .direction = FL_HIGHER_IS_BETTER,
                  .doc = "share of the items that are still offered when the round begins" },
  FL_VALUE_END
};

/* ---- the first round ---------------------------------------------------- */

static gboolean
check_round (const FlRound *round, GError **error)
{
  const FlGroups *users = round->data->user_groups, *items = round->data->item_groups;

  return (users->n_groups <= SIM_GROUPS_MAX && items->n_groups <= SIM_ITEMS_MAX)
         || fl_fail (error, FL_ERROR_CONFIG, "takes at most %d groups of users and %d of items, "
                     "found %u and %u; choose them by users.group-by and items.group-by in [data]",
                     SIM_GROUPS_MAX, SIM_ITEMS_MAX, users->n_groups, items->n_groups);
}

static gboolean
compound_impacts (FitResponse *self, const FlRound *round, GError **error)
{
  const SimImpactKeys keys = { &self->self_impact, &self->cross_impact, NULL, &self->weights,
                               self->compounding };
  g_auto (SimImpacts) impacts = { .self = NULL };

  if (!sim_impacts_init (&impacts, &keys, round->data->user_groups->n_groups,
                         round->data->item_groups->n_groups, error))
    return FALSE;
  self->compound = g_new (double, sim_impacts_size (&impacts));
  sim_impacts_compound (&impacts, self->compound);
  return TRUE;
}

/* Means of the training ratings below and from `liked` on; where there are none of
 * one kind, as in implicit feedback, those of the other. */
static gboolean
choose_ratings (FitResponse *self, const FlRatings *train, GError **error)
{
  double sum[2] = { 0.0, 0.0 }, n[2] = { 0.0, 0.0 };

  if (self->ratings.n == 2)
    {
      memcpy (self->rating, self->ratings.v, sizeof self->rating);
      return TRUE;
    }
  for (size_t k = 0; k < train->n; k++)
    {
      double rating = fl_csr_value (&train->by_user, k);

      sum[rating >= self->liked] += rating;
      n[rating >= self->liked] += 1.0;
    }
  if (n[0] + n[1] <= 0.0)
    return fl_fail (error, FL_ERROR_DATA, "there are no training ratings to give ratings like");
  for (int y = 0; y < 2; y++)
    {
      int of = n[y] > 0.0 ? y : 1 - y;

      self->rating[y] = sum[of] / n[of];
    }
  return TRUE;
}

/* Adds the hidden ratings of user u, by category: 1 for each that fits, else 0. */
static void
count_ratings (const FitResponse *self, const FlRound *round, uint32_t u, FlGroupSum *share)
{
  const FlCsr *rows = &round->hidden->by_user;

  for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
    fl_groups_add_value (round->data->item_groups, rows->col[k],
                         fl_csr_value (rows, k) >= self->liked, share);
}

/* all: M, then M for each group. */
static gboolean
count_all (const FitResponse *self, const FlRound *round, FlGroupSum *all, GError **error)
{
  const FlGroups *users = round->data->user_groups, *items = round->data->item_groups;
  uint32_t M = items->n_groups;

  for (uint32_t u = 0; u < users->n; u++)
    {
      count_ratings (self, round, u, all);
      count_ratings (self, round, u, all + (users->first[u] + 1) * M);
    }
  for (uint32_t i = 0; i < M; i++)
    if (all[i].n == 0)
      {
        g_autofree char *label = fl_groups_make_label (NULL, 0, items, i);

        return fl_fail (error, FL_ERROR_DATA, "no hidden rating tells who fits %s", label);
      }
  return TRUE;
}

static gboolean
draw_fit (FitResponse *self, const FlRound *round, GError **error)
{
  const FlGroups *users = round->data->user_groups;
  uint32_t M = round->data->item_groups->n_groups;
  g_autofree FlGroupSum *all = g_new0 (FlGroupSum, (users->n_groups + (size_t) 1) * M);

  if (!count_all (self, round, all, error))
    return FALSE;
  for (uint32_t u = 0; u < users->n; u++)
    {
      FlRng rng = fl_rng (round->seed, "fit", u);
      FlGroupSum own[SIM_ITEMS_MAX] = { { 0.0, 0 } };

      count_ratings (self, round, u, own);
      for (uint32_t i = 0; i < M; i++)
        {
          const FlGroupSum *group = &all[(users->first[u] + 1) * M + i];
          const FlGroupSum *share = own[i].n > 0 ? &own[i] : group->n > 0 ? group : &all[i];

          if (fl_rng_uniform (&rng) < fl_groups_get_mean (share))
            self->fit[u] = (uint8_t) (self->fit[u] | 1u << i);
        }
    }
  return TRUE;
}

static void
fit_response_clear (gpointer instance)
{
  FitResponse *self = instance;

  g_clear_pointer (&self->fit, g_free);
  g_clear_pointer (&self->waited, g_free);
  g_clear_pointer (&self->compound, g_free);
}

static gboolean
start_loop (FitResponse *self, const FlRound *round, GError **error)
{
  fit_response_clear (self);
  return check_round (round, error) && compound_impacts (self, round, error)
         && choose_ratings (self, round->data->train, error)
         && (self->fit = fl_alloc (round->lists->n_users, 1, error)) != NULL
         && (self->waited = fl_alloc (round->data->item_groups->n, sizeof (int64_t), error)) != NULL
         && draw_fit (self, round, error);
}

/* ---- results ------------------------------------------------------------ */

static FlGroupsCrossed
cross_groups (const FlRound *round)
{
  const FlGroups *users = round->data->user_groups, *items = round->data->item_groups;

  return fl_groups_cross (users, users->n, items, items->n);
}

/* Fit states of the users by first group and category, S x M. */
static FlGroupSum *
sum_fit (const FitResponse *self, const FlGroupsCrossed *crossed)
{
  FlGroupSum *fit = g_new0 (FlGroupSum, crossed->n);

  for (uint32_t u = 0; u < crossed->users->n; u++)
    for (uint32_t i = 0; i < crossed->n_item_groups; i++)
      fl_groups_add_number (
          &fit[fl_groups_index_crossed (crossed, crossed->users->first[u], i)],
          self->fit[u] >> i & 1);
  return fit;
}

/* Fit rates of category i; returns the largest difference between groups. */
static double
set_rates (const FlGroupsCrossed *crossed, uint32_t i, const FlGroupSum *fit, FlResult *result)
{
  double low = INFINITY, high = -INFINITY;

  for (uint32_t s = 0; s < crossed->n_user_groups; s++)
    {
      size_t at = fl_groups_index_crossed (crossed, s, i);
      g_autofree char *label = fl_groups_make_crossed_label (crossed, at);
      double rate = fl_groups_get_mean (&fit[at]);

      fl_result_set_label (result, FIT_RATE, label, rate, fit[at].n);
      low = fmin (low, rate); /* a group without users, NaN, is left out */
      high = fmax (high, rate);
    }
  return high - low;
}

static void
set_fit_rates (const FitResponse *self, const FlRound *round, FlResult *result)
{
  const FlGroupsCrossed crossed = cross_groups (round);
  g_autofree FlGroupSum *fit = sum_fit (self, &crossed);
  uint32_t n = crossed.users->n;
  double worst = 0.0;

  for (uint32_t i = 0; i < crossed.n_item_groups; i++)
    {
      g_autofree char *label = fl_groups_make_label (NULL, 0, crossed.items, i);
      double gap = set_rates (&crossed, i, fit, result);

      fl_result_set_label (result, GAP, label, gap, n);
      worst = n > 0 ? MAX (worst, gap) : worst;
    }
  fl_result_set_n (result, GAP, worst, n);
}

/* n_places: by user group and category. */
static void
set_exposure (const FlRound *round, const size_t *n_places, FlResult *result)
{
  const FlGroupsCrossed crossed = cross_groups (round);
  uint32_t M = crossed.n_item_groups;

  for (uint32_t s = 0; s < crossed.n_user_groups; s++)
    {
      size_t n = 0;

      for (uint32_t i = 0; i < M; i++)
        n += n_places[s * M + i];
      for (uint32_t i = 0; i < M; i++)
        {
          g_autofree char *label = fl_groups_make_crossed_label (&crossed, s * M + i);

          fl_result_set_label (result, EXPOSURE, label,
                               (double) n_places[s * M + i] / (double) MAX (n, 1), n);
        }
    }
}

static gboolean
set_providers (const FlRound *round, FlResult *result, GError **error)
{
  uint32_t n_items = round->data->item_groups->n;
  g_autofree double *offered = fl_alloc (n_items, sizeof *offered, error);

  if (offered == NULL)
    return FALSE;
  for (uint32_t i = 0; i < n_items; i++)
    offered[i] = round->gone[i] ? 0.0 : 1.0;
  fl_result_means (result, PROVIDERS, FL_SIDE_ITEM, offered);
  return TRUE;
}

/* ---- a round ------------------------------------------------------------ */

typedef struct
{
  size_t *n_places;    /* S x M                   */
  double *consumed;    /* n_users                 */
  int64_t *n_consumers; /* n_items                 */
} Counts;

static void
counts_clear (Counts *counts)
{
  g_free (counts->n_places);
  g_free (counts->consumed);
  g_free (counts->n_consumers);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Counts, counts_clear)

static gboolean
counts_init (Counts *counts, const FlRound *round, GError **error)
{
  const FlGroups *users = round->data->user_groups, *items = round->data->item_groups;

  counts->n_places = g_new0 (size_t, (size_t) users->n_groups * items->n_groups);
  counts->consumed = fl_alloc (users->n, sizeof (double), error);
  if (counts->consumed != NULL)
    counts->n_consumers = fl_alloc (items->n, sizeof (int64_t), error);
  return counts->n_consumers != NULL;
}

/* User u takes some of the list; how many items of each category it holds goes to
 * `shown`. */
static void
draw_consumption (const FitResponse *self, const FlRound *round, uint32_t u, FlRng *rng,
                  int64_t *shown, Counts *counts)
{
  const FlGroups *users = round->data->user_groups, *items = round->data->item_groups;
  size_t n;
  const uint32_t *list = fl_list (round->lists, u, round->lists->k, &n);

  for (size_t l = 0; l < n; l++)
    {
      size_t place = u * round->lists->k + l;
      uint32_t n_groups;
      const uint32_t *group = fl_groups_list (items, list[l], &n_groups);
      int y = 0;

      for (uint32_t m = 0; m < n_groups; m++)
        {
          y |= self->fit[u] >> group[m] & 1;
          shown[group[m]]++;
          counts->n_places[users->first[u] * items->n_groups + group[m]]++;
        }
      if (!(fl_rng_uniform (rng) < self->consume.v[y]))
        continue;
      round->consumed[place] = 1;
      round->rating[place] = self->rating[y];
      counts->consumed[u] += 1.0;
      counts->n_consumers[list[l]]++;
    }
}

/* Fit after what was recommended. */
static void
change_fit (FitResponse *self, const FlRound *round, uint32_t u, const int64_t *shown, FlRng *rng)
{
  uint32_t M = round->data->item_groups->n_groups, s = round->data->user_groups->first[u];
  uint32_t d = 0, next = 0;

  for (uint32_t i = 0; i < M; i++)
    d |= shown[i] >= self->dose ? 1u << i : 0;
  for (uint32_t i = 0; i < M; i++)
    if (fl_rng_uniform (rng)
        < self->compound[sim_compound_at (M, s, i, self->fit[u] >> i & 1, d)])
      next |= 1u << i;
  self->fit[u] = (uint8_t) next;
}

static void
count_disappointed (FitResponse *self, const FlRound *round, const Counts *counts)
{
  for (uint32_t i = 0; i < round->data->item_groups->n; i++)
    {
      self->waited[i] = counts->n_consumers[i] < self->leave_below ? self->waited[i] + 1 : 0;
      if (self->waited[i] >= self->patience)
        round->gone[i] = 1;
    }
}

static gboolean
fit_response_respond (gpointer instance, const FlRound *round, FlResult *result, GError **error)
{
  FitResponse *self = instance;
  g_auto (Counts) counts = { .n_places = NULL };

  if ((round->round == 0 && !start_loop (self, round, error))
      || !counts_init (&counts, round, error))
    return FALSE;
  set_fit_rates (self, round, result);
  if (!set_providers (round, result, error))
    return FALSE;
  for (uint32_t u = 0; u < round->lists->n_users; u++)
    {
      FlRng rng = fl_rng (round->seed, "response", u);
      int64_t shown[SIM_ITEMS_MAX] = { 0 };

      draw_consumption (self, round, u, &rng, shown, &counts);
      change_fit (self, round, u, shown, &rng);
    }
  count_disappointed (self, round, &counts);
  fl_result_means (result, CONSUMED, FL_SIDE_USER, counts.consumed);
  set_exposure (round, counts.n_places, result);
  return TRUE;
}

static gboolean
fit_response_check (gconstpointer instance, GError **error)
{
  const FitResponse *self = instance;

  if (self->consume.n != 2)
    return fl_fail (error, FL_ERROR_CONFIG, "consume: %zu numbers; must be 2", self->consume.n);
  return self->ratings.n == 0 || self->ratings.n == 2
         || fl_fail (error, FL_ERROR_CONFIG, "ratings: %zu numbers; must be 0 or 2",
                     self->ratings.n);
}

FL_PLUGIN (
  .name = "fit-response",
  .summary = "users of a closed loop, whose fit follows what they are recommended",
  .description
  = "Users fit item categories or do not, consume what they are recommended accordingly, and "
    "change: a recommendation of a category moves their fit to it and to others. Whoever provides "
    "an item that few consume leaves. Impacts are those of the simulator; what they do to groups "
    "there, they do here to each user, with the lists of a real model as the policy.",
  .reference = "Yao, dissertation, chapter 5, 5.1 and 5.3, user by user; defined in fit-response.c",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (FitResponse),
  .check = fit_response_check,
  .clear = fit_response_clear,
  .needs = FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS,
  FL_MITIGATOR (FL_RESPOND (.respond = fit_response_respond, .values = values))
);
