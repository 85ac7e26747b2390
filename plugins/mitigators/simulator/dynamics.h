/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dynamics.h: the long-term dynamics of fit between user groups and item
 * categories [yao-dissertation, chapter 5].
 *
 * Letters of the chapter: user groups s (S of them), item categories i (M of
 * them, the pair j and k in the chapter), fit states y, decisions d (1: the
 * category is recommended), fit rates alpha^{s,i} = P(Y^i = 1 | s), joint fit rate
 * beta^s = P(Y^j = 1, Y^k = 1 | s), thresholds theta^{s,i}, population shares p_s.
 *
 * A state of the system is the joint distribution of fit states in each group,
 * S x 2^M numbers whose rows sum to 1; bit i of the column is y^i.  Two categories
 * need no more than alpha and beta, and chapter.c says the steps for them as the
 * chapter does; joint.c is for any number.  Arrays by category and group have the
 * category first, as in the chapter's (alpha^{a,j}, alpha^{b,j}, alpha^{a,k}, ..).
 *
 * Deviations: the condition for EqOpt is the first-order condition of (5.2); the
 * printed one cannot hold, see thresholds.c.
 */
#ifndef SIMULATOR_DYNAMICS_H
#define SIMULATOR_DYNAMICS_H

#include <fairlead/plugin.h>

#define SIM_GROUPS_MAX 16
#define SIM_ITEMS_MAX 6
#define SIM_STATES_MAX (1u << SIM_ITEMS_MAX)

typedef enum
{
  SIM_UN,    /* unconstrained                          */
  SIM_DP,    /* demographic parity                     */
  SIM_EQOPT, /* equality of opportunity                */
  SIM_FIXED, /* thresholds that do not follow the fit  */
  SIM_RATES  /* no thresholds: given rates             */
} SimPolicy;

/* Fit scores of a category: N (mean[y], deviation^2) for fit state y, mean[0] <
 * mean[1].  One deviation for both, since G_1/G_0 must increase everywhere. */
typedef struct
{
  double mean[2];
  double deviation;
} SimScore;

/* All borrowed. */
typedef struct
{
  uint32_t n_groups, n_items; /* S, M                                        */
  double w;                   /* u- / (u+ + u-)                              */
  const double *share;        /* p_s: S, sum 1                               */
  const SimScore *score;      /* M                                           */
  const SimPolicy *policy;    /* M                                           */
  const double *fixed;        /* M x S: thresholds of SIM_FIXED, else unused */
  const double *compound;     /* T^{s,i}_{y,d}: see sim_compound_at          */
  const double *accept;       /* M x S x 2: P(D = 1 | Y = y) of SIM_RATES, else unused */
} SimSystem;

/* ---- thresholds.c ------------------------------------------------------- */

/* P(D = 1 | Y = y) at a threshold. */
double sim_accept (const SimScore *score, int y, double theta);
/* The same of group s and category i under its policy; theta: its threshold, if any. */
double sim_recommend (const SimSystem *system, uint32_t s, uint32_t i, int y, double theta);
/* P(Y = 1 | X = x) under fit rate alpha. */
double sim_gamma (const SimScore *score, double alpha, double x);
/* Thresholds of category i under its policy.  alpha: S.  theta: S; on entry, with
 * DP, a first guess, or NaN. */
void sim_thresholds (const SimSystem *system, uint32_t i, const double *alpha, double *theta);
/* The same for DP by bisection alone: slow, and right where Newton's steps fail. */
void sim_thresholds_dp_plain (const SimSystem *system, uint32_t i, const double *alpha,
                              double *theta);

/* ---- impact.c ----------------------------------------------------------- */

typedef enum
{
  SIM_AVERAGE,    /* the chapter's: mean over the orders of the impacts */
  SIM_SEQUENTIAL, /* self impact first, then the others in their order  */
  SIM_WEIGHTED    /* weighted mean of the impacts                       */
} SimCompounding;

/* Cross impact with parameter C: [y][d], without recommendation no impact; the
 * recommended column is moved by C and kept in [0, 1]. */
void sim_cross_impact (double C, double impact[4]);

/* The compounding function F.  impact: M tables [y][d] of one group, of which
 * number `own` is the self impact; weight: M, for SIM_WEIGHTED; d: bit i' is the
 * decision in category i'.  Returns P(Y' = 1 | y, d). */
double sim_compound (SimCompounding how, uint32_t n_items, const double *impact,
                     const double *weight, uint32_t own, int y, uint32_t d);

/* T^{s,i}_{y,d} in an array of S x M x 2 x 2^M. */
static inline size_t
sim_compound_at (uint32_t n_items, uint32_t s, uint32_t i, int y, uint32_t d)
{
  return (((size_t) s * n_items + i) * 2 + (size_t) y) * ((size_t) 1 << n_items) + d;
}

/* ---- states.c ----------------------------------------------------------- */

static inline size_t
sim_state_size (const SimSystem *system)
{
  return (size_t) system->n_groups << system->n_items;
}

/* P(Y^i = 1) and P(Y^i = 1, Y^i' = 1) of one group's row. */
double sim_fit_rate (uint32_t n_items, const double *row, uint32_t i);
double sim_joint_fit_rate (uint32_t n_items, const double *row, uint32_t i, uint32_t other);
/* All of them: M x S. */
void sim_fit_rates (const SimSystem *system, const double *joint, double *alpha);
/* A row from two fit rates and the joint one. */
void sim_row_of_pair (double alpha_j, double alpha_k, double beta, double row[4]);
/* A row with independent fit states. */
void sim_row_independent (uint32_t n_items, const double *alpha, double *row);
/* A random state: rows from Dirichlet (1/2, ..), which favours the edges. */
void sim_random_state (const SimSystem *system, FlRng *rng, double *joint);

/* ---- chapter.c, joint.c ------------------------------------------------- */

/* g_{y,s,i} of (5.5) and f^s of (5.7), of two categories. */
typedef struct
{
  double alpha[2], beta;
  double G[2][2];        /* [i][y]: P(D^i = 0 | Y^i = y) */
  const double *T[2];    /* T^{s,i}: 2 x 4               */
} SimPair;

SimPair sim_pair (const SimSystem *system, uint32_t s, const double *theta, const double *row);
double sim_pair_g (const SimPair *pair, int i, int y);
double sim_pair_f (const SimPair *pair, int y_j, int y_k);
/* One step of all groups; theta: M x S. */
void sim_chapter_step (const SimSystem *system, const double *theta, const double *joint,
                       double *next);
void sim_joint_step (const SimSystem *system, const double *theta, const double *joint,
                     double *next);

/* ---- equilibrium.c ------------------------------------------------------ */

/* Thresholds of all categories, then one step.  theta: M x S, in and out as in
 * sim_thresholds. */
void sim_step (const SimSystem *system, const double *joint, double *theta, double *next);

typedef struct
{
  size_t steps;
  size_t period; /* 1: an equilibrium; more: a cycle of so many steps; 0: neither was
                    found within the limit */
  double change; /* largest change in the last step */
} SimLimit;

typedef void (*SimVisit) (gpointer user_data, size_t step, const double *joint);

/* Iterates until the largest change of a step is at most `tolerance`, or for
 * steps_max steps.  joint: start and, on return, limit; theta: thresholds at it.
 * `visit` sees every state from the start on; or NULL. */
SimLimit sim_run (const SimSystem *system, double tolerance, size_t steps_max, double *joint,
                  double *theta, SimVisit visit, gpointer user_data);

/* How many different limits lie in n states, and how far the farthest two are
 * apart. */
#define SIM_DISTINCT 1e-6
size_t sim_count_distinct (const SimSystem *system, size_t n, const double *states,
                           double *spread);

/* ---- uniqueness.c ------------------------------------------------------- */

/* The left sides of theorem 2, the largest over the states looked at: it holds
 * where phi < 1, own <= 0 and cross < 1. */
typedef struct
{
  double phi;   /* |d phi^s / d alpha|                                  */
  double own;   /* d h^{s,i} / d alpha^{s,i}                            */
  double cross; /* |d h^{s,i}| by the other fit rates and by beta^s     */
  double contraction; /* not of the theorem: below 1 the equilibrium is unique,
                         see uniqueness.c                               */
} SimSlopes;

/* Two categories only.  States: n drawn as by sim_random_state, from stream
 * (seed, "uniqueness", index). */
SimSlopes sim_uniqueness (const SimSystem *system, size_t n, uint64_t seed, uint64_t index);
gboolean sim_uniqueness_holds (const SimSlopes *slopes);

#endif
