/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* long-term-gap.h: what the files of long-term-gap share.
 *
 *   long-term-gap.c    parameters, values, and what is told
 *   gap-observation.c  what the ratings and the scores of a view show
 *   gap-estimate.c     the system that they describe, and its equilibrium
 *   gap-sensitivity.c  the same with each impact moved
 *
 * Arrays by category and group have the category first, [i * S + s], as in dynamics.h.
 */
#ifndef LONG_TERM_GAP_H
#define LONG_TERM_GAP_H

#include "impacts.h"

enum { GAP_TOP_K = 3 };                /* policies before it are those of SimPolicy */
enum { GAP_RATINGS, GAP_CONSUMPTION }; /* what shows fit                            */

typedef struct
{
  int policy, fit, compounding;
  double liked, gain, loss, move;
  int64_t least, dose;
  FlDoubles self_impact, cross_impact, weights;
  gboolean each;
} LongTermGap;

/* ---- gap-observation.c --------------------------------------------------- */

/* By category, group and fit state y: [(i * S + s) * 2 + y]. */
typedef struct
{
  const LongTermGap *from;
  const FlView *view;
  uint32_t S, M;
  size_t *n, *n_recommended;                  /* M x S x 2                           */
  size_t n_scores[SIM_ITEMS_MAX][2];
  double mean[SIM_ITEMS_MAX][2], squares[SIM_ITEMS_MAX]; /* of scores; within states */
  FlGroupSum own[SIM_ITEMS_MAX];              /* fit states of the user at hand      */
  FlGroupSum *pairs;                          /* S: users seen in two categories     */
  double *share;                              /* p_s: S                              */
  uint32_t *start, *member;                   /* items of each category              */
  uint8_t *trained;                           /* by the user at hand, n_items        */
} GapObservations;

/* FL_ERROR_CONFIG when there are too many groups, or every rating is the same. */
gboolean gap_check_view (const LongTermGap *from, const FlView *view, GError **error);
/* All that the view, which has been checked, shows. */
gboolean gap_observe (GapObservations *seen, const LongTermGap *from, const FlView *view,
                      GError **error);
/* One of n items, marked in `trained` where they are not to be drawn, each of the others as
 * likely; `none` where there are no others. */
uint32_t gap_draw_unseen (uint32_t n, const uint32_t *item, const uint8_t *trained, uint32_t none,
                          FlRng *rng);
void gap_observations_clear (GapObservations *seen);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GapObservations, gap_observations_clear)

/* How many there are of category and group number k = i * S + s. */
static inline size_t
gap_count_observations (const GapObservations *seen, uint32_t k)
{
  return seen->n[2 * k] + seen->n[2 * k + 1];
}

/* ---- gap-estimate.c ------------------------------------------------------ */

typedef struct
{
  SimSystem system;                              /* borrows from here and from what was seen */
  SimScore score[SIM_ITEMS_MAX];
  SimPolicy policy[SIM_ITEMS_MAX];
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX];  /* M x S; NaN: too few                      */
  double accept[SIM_ITEMS_MAX * SIM_GROUPS_MAX * 2];
  double joint[SIM_GROUPS_MAX * SIM_STATES_MAX];
  gboolean known;                                /* all that the dynamics need               */
  const FlGroups *users;                         /* S groups, some perhaps not compared      */
} GapEstimate;

void gap_estimate (GapEstimate *estimate, const GapObservations *seen);
/* Fit rates at equilibrium, M x S; all NaN where the dynamics find none. */
void gap_find_equilibrium (const GapEstimate *estimate, const SimImpacts *impacts,
                           double *alpha);
/* The distance of the mean scores in deviations; NaN where there is none. */
double gap_measure_separation (const SimScore *score);
/* Largest difference between the fit rates (S) of groups that are compared; NaN if one of
 * them is, or there are not two. */
double gap_measure (const GapEstimate *estimate, const double *alpha);
/* The larger one; NaN wins. */
double gap_larger (double a, double b);

/* ---- gap-sensitivity.c --------------------------------------------------- */

enum { GAP_IMPACT_C = 4, GAP_N_IMPACTS }; /* the first four are T00 to T11 */

/* An impact of one group and category, up or down. */
typedef struct
{
  uint32_t pair;   /* s * M + i, as the impacts are kept */
  uint32_t impact; /* T00, T01, T10, T11, C              */
  gboolean down;
} GapMove;

/* Moves are numbered: all of a pair, then those of the next; each impact up, then down. */
#define GAP_MOVES_OF_PAIR ((size_t) 2 * GAP_N_IMPACTS)
GapMove gap_get_move (size_t index);
/* "T01+0.1" and, of one pair, "T01+0.1,gender=F,genre=Horror". */
char *gap_make_move_label (const GapObservations *seen, const GapMove *move, gboolean of_pair);
/* gaps: S x M x GAP_MOVES_OF_PAIR x M, of each move those of all categories. */
void gap_try_moves (const GapEstimate *estimate, const SimImpacts *impacts, double by,
                    double *gaps);

#endif
