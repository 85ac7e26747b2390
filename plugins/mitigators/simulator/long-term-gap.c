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
#include "long-term-gap.h"

#include <math.h>

static const FlParam params[] = {
  FL_CHOICE (LongTermGap, policy, SIM_UN, "un|dp|eqopt|top-k",
             "recommends above thresholds that maximise utility, freely or under demographic "
             "parity or equality of opportunity; or as the arm's lists do today"),
  FL_CHOICE (LongTermGap, fit, GAP_RATINGS, "ratings|consumption",
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

/* ---- results ------------------------------------------------------------- */

/* What is told, and of what. */
typedef struct
{
  const GapObservations *seen;
  const GapEstimate *estimate;
  FlResult *result;
} Report;

/* NaN is undefined. */
static void
set_number (const Report *report, size_t value, const char *label, double number, size_t n)
{
  fl_result_set_label (report->result, value, label, number, isnan (number) ? 0 : n);
}

static void
set_of_category (const Report *report, size_t value, uint32_t i, double number)
{
  const GapObservations *seen = report->seen;
  g_autofree char *label = fl_groups_make_label (NULL, 0, seen->view->item_groups, i);

  set_number (report, value, label, number, seen->n_scores[i][0] + seen->n_scores[i][1]);
}

/* gaps: of each category. */
static void
set_gaps (const Report *report, size_t value, const double *gaps)
{
  double worst = 0.0;

  for (uint32_t i = 0; i < report->seen->M; i++)
    {
      set_of_category (report, value, i, gaps[i]);
      worst = gap_larger (gaps[i], worst);
    }
  fl_result_set_n (report->result, value, worst, isnan (worst) ? 0 : report->seen->view->n);
}

/* Of group s and category i; lasting: at equilibrium. */
static void
set_rates (const Report *report, uint32_t s, uint32_t i, double lasting)
{
  const GapObservations *seen = report->seen;
  g_autofree char *label = fl_groups_make_label (seen->view->user_groups, s,
                                                 seen->view->item_groups, i);
  uint32_t k = i * seen->S + s;
  size_t n = gap_count_observations (seen, k);
  size_t n_recommended = seen->n_recommended[2 * k] + seen->n_recommended[2 * k + 1];

  set_number (report, FIT_NOW, label, report->estimate->alpha[k], n);
  set_number (report, FIT_RATE, label, lasting, n);
  set_number (report, OBSERVED, label, (double) n, MAX (n, 1));
  set_number (report, RECOMMENDED, label, (double) n_recommended / (double) MAX (n, 1), n);
}

/* lasting: M x S */
static void
set_all_rates (const Report *report, const double *lasting)
{
  uint32_t S = report->seen->S, M = report->seen->M;
  double now[SIM_ITEMS_MAX] = { 0.0 }, later[SIM_ITEMS_MAX] = { 0.0 };

  for (uint32_t i = 0; i < M; i++)
    {
      for (uint32_t s = 0; s < S; s++)
        set_rates (report, s, i, lasting[i * S + s]);
      now[i] = gap_measure (report->estimate, report->estimate->alpha + i * S);
      later[i] = gap_measure (report->estimate, lasting + i * S);
    }
  set_gaps (report, NOW, now);
  set_gaps (report, GAP, later);
  for (uint32_t i = 0; i < M; i++)
    set_of_category (report, SEPARATION, i,
                     gap_measure_separation (&report->estimate->score[i]));
}

/* gaps: n_moves x M */
static void
set_moves (const Report *report, size_t n_moves, const double *gaps)
{
  const GapObservations *seen = report->seen;
  gboolean each = seen->from->each;
  double worst[SIM_ITEMS_MAX] = { 0.0 }, of_kind[GAP_MOVES_OF_PAIR] = { 0.0 };

  for (size_t k = 0; k < n_moves; k++)
    {
      GapMove move = gap_get_move (k);
      double *kind = &of_kind[k % GAP_MOVES_OF_PAIR], own = 0.0;

      for (uint32_t i = 0; i < seen->M; i++)
        {
          worst[i] = gap_larger (gaps[k * seen->M + i], worst[i]);
          own = gap_larger (gaps[k * seen->M + i], own);
        }
      *kind = each ? own : gap_larger (own, *kind);
      /* The last of a kind tells the worst of all. */
      if (each || k + GAP_MOVES_OF_PAIR >= n_moves)
        {
          g_autofree char *label = gap_make_move_label (seen, &move, each);

          set_number (report, MOVED, label, *kind, 1);
        }
    }
  set_gaps (report, WORST, worst);
}

static void
set_sensitivity (const Report *report, const SimImpacts *impacts)
{
  const GapObservations *seen = report->seen;
  size_t n_moves = (size_t) seen->S * seen->M * GAP_MOVES_OF_PAIR;
  g_autofree double *gaps = NULL;

  if (seen->from->move <= 0.0)
    {
      fl_result_omit (report->result, WORST);
      fl_result_omit (report->result, MOVED);
      return;
    }
  gaps = g_new (double, n_moves * seen->M);
  gap_try_moves (report->estimate, impacts, seen->from->move, gaps);
  set_moves (report, n_moves, gaps);
}

static gboolean
long_term_gap_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  const LongTermGap *from = self;
  const SimImpactKeys keys = { &from->self_impact, &from->cross_impact, NULL, &from->weights,
                               from->compounding };
  double lasting[SIM_ITEMS_MAX * SIM_GROUPS_MAX];
  g_auto (SimImpacts) impacts = { .self = NULL };
  g_auto (GapObservations) seen = { .from = from };
  GapEstimate estimate;
  const Report report = { &seen, &estimate, result };

  if (!gap_check_view (from, view, error)
      || !sim_impacts_init (&impacts, &keys, view->n_user_groups, view->n_item_groups, error)
      || !gap_observe (&seen, from, view, error))
    return FALSE;
  gap_estimate (&estimate, &seen);
  gap_find_equilibrium (&estimate, &impacts, lasting);
  set_all_rates (&report, lasting);
  set_sensitivity (&report, &impacts);
  if (from->policy != GAP_TOP_K)
    fl_result_omit (result, RECOMMENDED);
  return TRUE;
}

#define NEEDS (FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS | FL_NEEDS_VALIDATION)

static unsigned
long_term_gap_needs (gconstpointer self)
{
  const LongTermGap *from = self;

  return NEEDS | (from->policy == GAP_TOP_K ? (unsigned) FL_NEEDS_LISTS : 0);
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
  .version = "2",
  .params = params,
  .self_size = sizeof (LongTermGap),
  .needs = NEEDS | FL_NEEDS_LISTS, .needs_now = long_term_gap_needs,
  FL_OBJECTIVE (.values = values, .evaluate = long_term_gap_evaluate)
);
