/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* long-term-gap: what an arm comes to in the long run, by the dynamics of
 * [yao-dissertation, chapter 5].
 *
 * Of each user group s and item category i, from ratings that were not trained on:
 *
 *   alpha^{s,i}   share of observations that fit, by which the dynamics start
 *   N (mean[y], deviation^2)   scores of category i of those who do not fit (y = 0) and
 *                 of those who do, one deviation for both, pooled within y
 *   P(D = 1 | Y = y, s)        for policy top-k: how often the list of a user behind
 *                 such an observation recommends i
 *
 * The dynamics run to their equilibrium; the gap of a category is the largest
 * difference of fit rates between groups.  Impacts are parameters: no data hold
 * them.  Each is moved up and down by `move`, and the gap found again.
 *
 * With two categories the joint fit rate beta^s is the mean over users with
 * observations in both of the product of their shares, held to what the two fit
 * rates allow; else fit states start independent.  An equilibrium that is the only
 * one does not depend on it.
 */
#include <math.h>
#include <string.h>

#include "impacts.h"

#define TOLERANCE 1e-13
#define STEPS_MAX 100000

enum { TOP_K = 3 };       /* policies before it are those of SimPolicy  */
enum { RATINGS, CONSUMPTION };
enum { C = 4, N_KINDS };  /* of impacts; the first four are T00 to T11  */

typedef struct
{
  int policy, fit, compounding;
  double liked, gain, loss, move;
  int64_t least, dose;
  FlDoubles self_impact, cross_impact, weights;
  gboolean each;
} LongTermGap;

static const FlParam params[] = {
  FL_CHOICE (LongTermGap, policy, SIM_UN, "un|dp|eqopt|top-k",
             "recommends above thresholds that maximise utility, freely or under demographic "
             "parity or equality of opportunity; or as the arm's lists do today"),
  FL_CHOICE (LongTermGap, fit, RATINGS, "ratings|consumption",
             "what is observed: each rating, which fits from `liked` on; or, of implicit "
             "feedback, each user and category, which fit where the user has a rating in it"),
  FL_DOUBLE (LongTermGap, liked, 4, -1e6, 1e6, "rating points",
             "ratings from here on say that the user fits the item's categories"),
  FL_INT (LongTermGap, least, 10, 1, 1e9, "observations",
          "with fewer, the fit rate of a group in a category counts as unknown"),
  FL_INT (LongTermGap, dose, 1, 1, 1e6, "items",
          "of a category in a list, from which on it counts as recommended; policy top-k"),
  FL_DOUBLE (LongTermGap, gain, 1, 1e-9, 1e9, NULL, "u+, of recommending what fits"),
  FL_DOUBLE (LongTermGap, loss, 1, 1e-9, 1e9, NULL, "u-, of recommending what does not fit"),
  SIM_SELF_IMPACT (LongTermGap, "0.1; 0.5; 0.5; 0.7"),
  SIM_CROSS_IMPACT (LongTermGap),
  SIM_COMPOUNDING (LongTermGap),
  FL_DOUBLE (LongTermGap, move, 0.1, 0, 1, NULL,
             "by how much each impact is moved, up and down, to see what hangs on it; 0: not"),
  FL_BOOL (LongTermGap, each, 0,
           "tell what comes of each impact moved; else the worst of each kind of impact"),
  FL_PARAM_END
};

enum { GAP, NOW, WORST, MOVED, FIT_NOW, FIT_RATE, SEPARATION, RECOMMENDED, OBSERVED };

static const FlValue values[] = {
  [GAP] = { .name = "long-term-gap", .direction = FL_LOWER_IS_BETTER,
            .doc = "largest difference of fit rates between groups at equilibrium; over all: in "
                   "any category" },
  [NOW] = { .name = "long-term-gap-now", .direction = FL_LOWER_IS_BETTER,
            .doc = "the same of the fit rates that the ratings show today" },
  [WORST] = { .name = "long-term-gap-worst", .direction = FL_LOWER_IS_BETTER,
              .doc = "the largest long-term gap with any one impact moved" },
  [MOVED] = { .name = "long-term-gap-moved", .direction = FL_LOWER_IS_BETTER,
              .doc = "the long-term gap with that impact moved" },
  [FIT_NOW] = { .name = "long-term-gap-fit-now", .direction = FL_NO_DIRECTION,
                .doc = "share of a group's observations that fit" },
  [FIT_RATE] = { .name = "long-term-gap-fit-rate", .direction = FL_NO_DIRECTION,
                 .doc = "share of a group that fits a category at equilibrium" },
  [SEPARATION] = { .name = "long-term-gap-separation", .direction = FL_HIGHER_IS_BETTER,
                   .unit = "deviations",
                   .doc = "by how much scores of those who fit lie above those of the others; "
                          "thresholds need it above 0" },
  [RECOMMENDED] = { .name = "long-term-gap-recommended", .direction = FL_NO_DIRECTION,
                    .doc = "share of observations whose user is recommended the category" },
  [OBSERVED] = { .name = "long-term-gap-n", .direction = FL_NO_DIRECTION, .unit = "observations",
                 .doc = "behind a fit rate" },
  FL_VALUE_END
};

/* ---- what the ratings show ---------------------------------------------- */

/* By category and group, [i * S + s], and by fit state. */
typedef struct
{
  const LongTermGap *from;
  const FlView *view;
  uint32_t S, M;
  size_t *n, *n_recommended;                  /* M x S x 2                           */
  size_t n_scores[SIM_ITEMS_MAX][2];
  double mean[SIM_ITEMS_MAX][2], squares[SIM_ITEMS_MAX]; /* of scores; within states */
  double n_own[SIM_ITEMS_MAX], fit_own[SIM_ITEMS_MAX];   /* of the user at hand      */
  FlGroupSum *pairs;                          /* S: users seen in two categories     */
  double *share;                              /* p_s: S                              */
  uint32_t *start, *member;                   /* items of each category              */
  uint8_t *trained;                           /* by the user at hand, n_items        */
} Sight;

static void
sight_clear (Sight *sight)
{
  g_free (sight->n);
  g_free (sight->n_recommended);
  g_free (sight->pairs);
  g_free (sight->share);
  g_free (sight->start);
  g_free (sight->member);
  g_free (sight->trained);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sight, sight_clear)

static gboolean
check_view (const LongTermGap *from, const FlView *view, GError **error)
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
  return from->fit == CONSUMPTION || view->n == 0 || low < high
         || fl_fail (error, FL_ERROR_CONFIG, "every rating here is %g, which tells nobody's fit; "
                     "of implicit feedback, set fit = consumption", low);
}

static void
sight_init (Sight *sight, const LongTermGap *from, const FlView *view)
{
  uint32_t S = view->n_user_groups, M = view->n_item_groups;
  const FlGroups *users = view->user_groups, *items = view->item_groups;
  uint32_t n_users = users->start[view->n_users], n_items = items->start[view->n_items];

  *sight = (Sight) { .from = from, .view = view, .S = S, .M = M,
                     .n = g_new0 (size_t, M * S * 2), .n_recommended = g_new0 (size_t, M * S * 2),
                     .pairs = g_new0 (FlGroupSum, S),
                     .share = g_new0 (double, S), .start = g_new0 (uint32_t, M + 1),
                     .member = g_new (uint32_t, n_items),
                     .trained = g_new0 (uint8_t, view->n_items) };
  for (uint32_t k = 0; k < n_users; k++)
    sight->share[users->group[k]] += 1.0 / n_users;
  for (uint32_t k = 0; k < n_items; k++)
    sight->start[items->group[k] + 1]++;
  for (uint32_t i = 0; i < M; i++)
    sight->start[i + 1] += sight->start[i];
  /* Filling moves each start to its category's end, which is the next one's start. */
  for (uint32_t item = 0; item < view->n_items; item++)
    for (uint32_t k = items->start[item]; k < items->start[item + 1]; k++)
      sight->member[sight->start[items->group[k]]++] = item;
  memmove (sight->start + 1, sight->start, M * sizeof *sight->start);
  sight->start[0] = 0;
}

/* Whether category i is recommended to user u. */
static gboolean
is_recommended (const Sight *sight, uint32_t u, uint32_t i)
{
  const FlView *view = sight->view;
  const FlGroups *groups = view->item_groups;
  const uint32_t *item;
  int64_t n_found = 0;
  size_t n;

  if (sight->from->policy != TOP_K)
    return FALSE;
  item = fl_list (view->lists, u, view->k, &n);
  for (size_t l = 0; l < n; l++)
    n_found += fl_groups_has (groups, item[l], i);
  return n_found >= sight->from->dose;
}

/* One observation: user u is in state y of category i, and the score is x. */
static void
observe (Sight *sight, uint32_t u, uint32_t i, int y, double x)
{
  uint32_t n_groups;
  const uint32_t *group = fl_groups_list (sight->view->user_groups, u, &n_groups);
  gboolean recommended = is_recommended (sight, u, i);
  size_t n = ++sight->n_scores[i][y];
  double from_mean = x - sight->mean[i][y];

  sight->mean[i][y] += from_mean / (double) n;
  sight->squares[i] += from_mean * (x - sight->mean[i][y]);
  sight->n_own[i] += 1.0;
  sight->fit_own[i] += y;
  for (uint32_t m = 0; m < n_groups; m++)
    {
      size_t at = ((size_t) i * sight->S + group[m]) * 2 + (size_t) y;

      sight->n[at]++;
      sight->n_recommended[at] += recommended;
    }
}

static void
observe_ratings (Sight *sight, uint32_t u)
{
  const FlView *view = sight->view;

  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    {
      uint32_t n;
      const uint32_t *group = fl_groups_list (view->item_groups, view->item[k], &n);

      for (uint32_t m = 0; m < n; m++)
        observe (sight, u, group[m], view->rating[k] >= sight->from->liked, view->predicted[k]);
    }
}

/* An item of category i to stand for what user u knows of it: one of those that u
 * rated here, else one that u has not been trained on; n_items: there is none. */
static uint32_t
draw_item (const Sight *sight, uint32_t u, uint32_t i, FlRng *rng, int *y)
{
  const FlView *view = sight->view;
  uint32_t n = 0, size = sight->start[i + 1] - sight->start[i], item = view->n_items, first;

  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    if (fl_groups_has (view->item_groups, view->item[k], i) && fl_rng_below (rng, ++n) == 0)
      item = view->item[k];
  *y = n > 0;
  first = fl_rng_below (rng, MAX (size, 1));
  for (uint32_t l = 0; l < size && item == view->n_items; l++)
    {
      uint32_t candidate = sight->member[sight->start[i] + (first + l) % size];

      item = sight->trained[candidate] ? item : candidate;
    }
  return item;
}

static void
mark_trained (Sight *sight, uint32_t u, uint8_t mark)
{
  const FlCsr *rows = &sight->view->train->by_user;

  for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
    if (rows->col[k] < sight->view->n_items)
      sight->trained[rows->col[k]] = mark;
}

static gboolean
observe_consumption (Sight *sight, uint32_t u, GError **error)
{
  const FlView *view = sight->view;
  FlRng rng = fl_rng (0, "long-term-gap", u);

  if (view->user_start[u] == view->user_start[u + 1])
    return TRUE; /* of whom nothing is known */
  mark_trained (sight, u, 1);
  for (uint32_t i = 0; i < sight->M; i++)
    {
      int y = 0;
      uint32_t item = draw_item (sight, u, i, &rng, &y);
      double x = 0.0;

      if (item == view->n_items)
        continue;
      if (!fl_view_score (view, 1, &u, 1, &item, &x, error))
        return FALSE;
      observe (sight, u, i, y, x);
    }
  mark_trained (sight, u, 0);
  return TRUE;
}

/* Of two categories: what user u adds to the joint fit rate. */
static void
close_user (Sight *sight, uint32_t u)
{
  const double *n = sight->n_own, *fit = sight->fit_own;

  if (sight->M == 2 && n[0] > 0.0 && n[1] > 0.0)
    fl_groups_add_value (sight->view->user_groups, u, fit[0] / n[0] * (fit[1] / n[1]),
                         sight->pairs);
  memset (sight->n_own, 0, sizeof sight->n_own);
  memset (sight->fit_own, 0, sizeof sight->fit_own);
}

static gboolean
look (Sight *sight, GError **error)
{
  for (uint32_t u = 0; u < sight->view->n_users; u++)
    {
      if (sight->from->fit == RATINGS)
        observe_ratings (sight, u);
      else if (!observe_consumption (sight, u, error))
        return FALSE;
      close_user (sight, u);
    }
  return TRUE;
}

/* ---- the system --------------------------------------------------------- */

typedef struct
{
  SimSystem system;
  SimScore score[SIM_ITEMS_MAX];
  SimPolicy policy[SIM_ITEMS_MAX];
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX];  /* M x S; NaN: too few          */
  double accept[SIM_ITEMS_MAX * SIM_GROUPS_MAX * 2];
  double joint[SIM_GROUPS_MAX * SIM_STATES_MAX];
  gboolean known;                                /* all that the dynamics need   */
} Estimate;

static size_t
n_observed (const Sight *sight, uint32_t k)
{
  return sight->n[2 * k] + sight->n[2 * k + 1];
}

static void
estimate_rates (const Sight *sight, Estimate *estimate)
{
  for (uint32_t k = 0; k < sight->M * sight->S; k++)
    {
      size_t n = n_observed (sight, k);
      gboolean enough = n >= (size_t) sight->from->least;

      estimate->alpha[k] = enough ? (double) sight->n[2 * k + 1] / (double) n : NAN;
      estimate->known = estimate->known && enough;
      for (uint32_t y = 0; y < 2; y++)
        {
          estimate->accept[2 * k + y]
              = (double) sight->n_recommended[2 * k + y] / (double) MAX (sight->n[2 * k + y], 1);
          if (sight->from->policy == TOP_K && sight->n[2 * k + y] == 0)
            estimate->known = FALSE;
        }
    }
}

/* The distance of the means in deviations; NaN where there is none. */
static double
separation (const SimScore *score)
{
  return score->deviation > 0.0 ? (score->mean[1] - score->mean[0]) / score->deviation : NAN;
}

static void
estimate_scores (const Sight *sight, Estimate *estimate)
{
  for (uint32_t i = 0; i < sight->M; i++)
    {
      size_t n_0 = sight->n_scores[i][0], n_1 = sight->n_scores[i][1];
      SimScore *score = &estimate->score[i];

      *score = (SimScore) { .mean = { sight->mean[i][0], sight->mean[i][1] } };
      if (n_0 > 0 && n_1 > 0 && n_0 + n_1 > 2)
        score->deviation = sqrt (sight->squares[i] / (double) (n_0 + n_1 - 2));
      if (sight->from->policy != TOP_K && !(separation (score) > 0.0))
        estimate->known = FALSE;
    }
}

static void
estimate_start (const Sight *sight, Estimate *estimate)
{
  uint32_t S = sight->S, M = sight->M;

  for (uint32_t s = 0; s < S; s++)
    {
      double own[SIM_ITEMS_MAX], *row = estimate->joint + ((size_t) s << M);

      for (uint32_t i = 0; i < M; i++)
        own[i] = estimate->alpha[i * S + s];
      if (sight->pairs[s].n > 0)
        sim_row_of_pair (own[0], own[1],
                         CLAMP (fl_groups_get_mean (&sight->pairs[s]),
                                MAX (0.0, own[0] + own[1] - 1.0), MIN (own[0], own[1])), row);
      else
        sim_row_independent (M, own, row);
    }
}

static void
estimate_init (Estimate *estimate, const Sight *sight)
{
  const LongTermGap *from = sight->from;

  *estimate = (Estimate) { .known = TRUE };
  for (uint32_t i = 0; i < sight->M; i++)
    estimate->policy[i] = from->policy == TOP_K ? SIM_RATES : (SimPolicy) from->policy;
  estimate->system = (SimSystem) { .n_groups = sight->S, .n_items = sight->M,
                                   .w = from->loss / (from->gain + from->loss),
                                   .share = sight->share, .score = estimate->score,
                                   .policy = estimate->policy, .accept = estimate->accept };
  estimate_rates (sight, estimate);
  estimate_scores (sight, estimate);
  if (estimate->known)
    estimate_start (sight, estimate);
}

/* Fit rates at equilibrium, M x S; all NaN where the dynamics find none. */
static void
settle (const Estimate *estimate, const SimImpacts *impacts, double *alpha)
{
  g_autofree double *compound = g_new (double, sim_impacts_size (impacts));
  double joint[SIM_GROUPS_MAX * SIM_STATES_MAX], theta[SIM_ITEMS_MAX * SIM_GROUPS_MAX];
  SimSystem system = estimate->system;
  SimLimit limit = { .period = 0 };

  memcpy (joint, estimate->joint, sizeof joint);
  if (estimate->known)
    {
      sim_impacts_compound (impacts, compound);
      system.compound = compound;
      limit = sim_run (&system, TOLERANCE, STEPS_MAX, joint, theta, NULL, NULL);
    }
  sim_fit_rates (&system, joint, alpha);
  for (uint32_t k = 0; limit.period != 1 && k < system.n_items * system.n_groups; k++)
    alpha[k] = NAN;
}

/* max - min over the groups, NaN if one of them is. */
static double
gap_of (uint32_t S, const double *alpha)
{
  double low = alpha[0], high = alpha[0];

  for (uint32_t s = 0; s < S; s++)
    {
      if (isnan (alpha[s]))
        return NAN;
      low = MIN (low, alpha[s]);
      high = MAX (high, alpha[s]);
    }
  return high - low;
}

/* NaN wins. */
static double
larger (double a, double b)
{
  return isnan (a) || a > b ? a : b;
}

/* ---- what hangs on the impacts ------------------------------------------ */

static const char *const kind_name[N_KINDS] = { "T00", "T01", "T10", "T11", "C" };

/* Number `index` of the moves: an impact of one group and category, up or down. */
typedef struct
{
  uint32_t pair;  /* s * M + i, as the impacts are kept */
  uint32_t kind;
  gboolean down;
} Move;

static Move
move_at (size_t index)
{
  return (Move) { (uint32_t) (index / (2 * N_KINDS)), (uint32_t) (index / 2 % N_KINDS),
                  index % 2 == 1 };
}

/* Gaps of the M categories with one impact moved, kept a probability. */
static void
try_move (const Estimate *estimate, const SimImpacts *impacts, const Move *move, double by,
          double *gaps)
{
  uint32_t S = impacts->n_groups, M = impacts->n_items;
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX], own[SIM_ITEMS_MAX * SIM_GROUPS_MAX * 4];
  double cross[SIM_ITEMS_MAX * SIM_GROUPS_MAX], delta = move->down ? -by : by;
  SimImpacts moved = *impacts;
  double *at;

  memcpy (own, impacts->self, (size_t) S * M * 4 * sizeof *own);
  memcpy (cross, impacts->cross, (size_t) S * M * sizeof *cross);
  moved.self = own;
  moved.cross = cross;
  at = move->kind == C ? &cross[move->pair] : &own[4 * move->pair + move->kind];
  *at = CLAMP (*at + delta, move->kind == C ? -1.0 : 0.0, 1.0);
  settle (estimate, &moved, alpha);
  for (uint32_t i = 0; i < M; i++)
    gaps[i] = gap_of (S, alpha + i * S);
}

/* ---- telling ------------------------------------------------------------ */

typedef struct
{
  const Sight *sight;
  const Estimate *estimate;
  FlResult *result;
} Teller;

/* NaN is undefined. */
static void
tell (const Teller *teller, size_t value, const char *group, double number, size_t n)
{
  fl_result_set_label (teller->result, value, group, number, isnan (number) ? 0 : n);
}

static void
tell_gaps (const Teller *teller, size_t value, const double *gaps)
{
  const Sight *sight = teller->sight;
  double worst = 0.0;

  for (uint32_t i = 0; i < sight->M; i++)
    {
      g_autofree char *items = fl_groups_make_label (NULL, 0, sight->view->item_groups, i);

      tell (teller, value, items, gaps[i], sight->n_scores[i][0] + sight->n_scores[i][1]);
      worst = larger (gaps[i], worst);
    }
  fl_result_set_n (teller->result, value, worst, isnan (worst) ? 0 : sight->view->n);
}

static void
tell_rates (const Teller *teller, const double *lasting)
{
  const Sight *sight = teller->sight;
  double now[SIM_ITEMS_MAX], later[SIM_ITEMS_MAX];
  uint32_t S = sight->S;

  for (uint32_t i = 0; i < sight->M; i++)
    {
      const double *alpha = teller->estimate->alpha + i * S;

      for (uint32_t s = 0; s < S; s++)
        {
          g_autofree char *pair = fl_groups_make_label (sight->view->user_groups, s,
                                                        sight->view->item_groups, i);
          size_t n = n_observed (sight, i * S + s);
          const size_t *recommended = sight->n_recommended + 2 * (i * S + s);

          tell (teller, FIT_NOW, pair, alpha[s], n);
          tell (teller, FIT_RATE, pair, lasting[i * S + s], n);
          tell (teller, OBSERVED, pair, (double) n, MAX (n, 1));
          tell (teller, RECOMMENDED, pair,
                (double) (recommended[0] + recommended[1]) / (double) MAX (n, 1), n);
        }
      now[i] = gap_of (S, alpha);
      later[i] = gap_of (S, lasting + i * S);
    }
  tell_gaps (teller, NOW, now);
  tell_gaps (teller, GAP, later);
}

static void
tell_separation (const Teller *teller)
{
  const Sight *sight = teller->sight;

  for (uint32_t i = 0; i < sight->M; i++)
    {
      g_autofree char *items = fl_groups_make_label (NULL, 0, sight->view->item_groups, i);

      tell (teller, SEPARATION, items, separation (&teller->estimate->score[i]),
            sight->n_scores[i][0] + sight->n_scores[i][1]);
    }
}

/* "T01+0.1" and, of one impact, "T01+0.1,gender=F,genre=Horror". */
static char *
move_label (const Sight *sight, const Move *move, gboolean each)
{
  g_autofree char *pair
      = fl_groups_make_label (sight->view->user_groups, move->pair / sight->M,
                              sight->view->item_groups, move->pair % sight->M);

  return g_strdup_printf ("%s%c%.6g%s%s", kind_name[move->kind], move->down ? '-' : '+',
                          sight->from->move, each ? "," : "", each ? pair : "");
}

/* gaps: n_moves x M */
static void
tell_moves (const Teller *teller, size_t n_moves, const double *gaps)
{
  const Sight *sight = teller->sight;
  gboolean each = sight->from->each;
  double worst[SIM_ITEMS_MAX] = { 0.0 }, of_kind[2 * N_KINDS] = { 0.0 };

  for (size_t k = 0; k < n_moves; k++)
    {
      Move move = move_at (k);
      double own = 0.0;

      for (uint32_t i = 0; i < sight->M; i++)
        {
          worst[i] = larger (gaps[k * sight->M + i], worst[i]);
          own = larger (gaps[k * sight->M + i], own);
        }
      /* The last of a kind tells the worst of all. */
      of_kind[k % (2 * N_KINDS)] = own = each ? own : larger (own, of_kind[k % (2 * N_KINDS)]);
      if (each || k + 2 * N_KINDS >= n_moves)
        {
          g_autofree char *text = move_label (sight, &move, each);

          tell (teller, MOVED, text, own, 1);
        }
    }
  tell_gaps (teller, WORST, worst);
}

static void
tell_sensitivity (const Teller *teller, const SimImpacts *impacts)
{
  const Sight *sight = teller->sight;
  size_t n_moves = (size_t) sight->S * sight->M * 2 * N_KINDS;
  g_autofree double *gaps = NULL;

  if (sight->from->move <= 0.0)
    {
      fl_result_omit (teller->result, WORST);
      fl_result_omit (teller->result, MOVED);
      return;
    }
  gaps = g_new (double, n_moves * sight->M);
#pragma omp parallel for schedule(dynamic)
  for (size_t k = 0; k < n_moves; k++)
    {
      Move move = move_at (k);

      try_move (teller->estimate, impacts, &move, sight->from->move, gaps + k * sight->M);
    }
  tell_moves (teller, n_moves, gaps);
}

static gboolean
long_term_gap_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  const LongTermGap *from = self;
  const SimImpactKeys keys = { &from->self_impact, &from->cross_impact, NULL, &from->weights,
                               from->compounding };
  double lasting[SIM_ITEMS_MAX * SIM_GROUPS_MAX];
  g_auto (SimImpacts) impacts = { .self = NULL };
  g_auto (Sight) sight = { .from = from };
  Estimate estimate;
  const Teller teller = { &sight, &estimate, result };

  if (!check_view (from, view, error)
      || !sim_impacts_init (&impacts, &keys, view->n_user_groups, view->n_item_groups, error))
    return FALSE;
  sight_init (&sight, from, view);
  if (!look (&sight, error))
    return FALSE;
  estimate_init (&estimate, &sight);
  settle (&estimate, &impacts, lasting);
  tell_rates (&teller, lasting);
  tell_separation (&teller);
  tell_sensitivity (&teller, &impacts);
  if (from->policy != TOP_K)
    fl_result_omit (result, RECOMMENDED);
  return TRUE;
}

#define NEEDS (FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS | FL_NEEDS_VALIDATION)

static unsigned
long_term_gap_needs (gconstpointer self)
{
  return NEEDS | (((const LongTermGap *) self)->policy == TOP_K ? (unsigned) FL_NEEDS_LISTS : 0);
}

FL_PLUGIN (
  .name = "long-term-gap",
  .summary = "difference between groups in the long run, by the dynamics of the simulator",
  .description
  = "Ratings that were not trained on show how often groups of users fit categories of items, "
    "and how well the arm's scores tell who fits. From there the dynamics of the simulator run to "
    "their equilibrium under a threshold policy, or under the policy that the arm's lists are. "
    "What recommendations do to fit is assumed, not measured; the gap with each such impact moved "
    "is told as well.",
  .reference = "Yao, dissertation, chapter 5, (5.3) to (5.7); estimates defined in long-term-gap.c",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (LongTermGap),
  .needs = NEEDS | FL_NEEDS_LISTS, .needs_now = long_term_gap_needs,
  FL_OBJECTIVE (.values = values, .evaluate = long_term_gap_evaluate)
);
