/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* antidote.h: what the files of this folder share.
 *
 * Antidote entities are users or items (`side`) that are added to the data and
 * rate, or are rated by, everybody on the other side: a matrix X~ of n_rows
 * rows, one an added entity, and n_cols columns, row-major.
 */
#ifndef ANTIDOTE_H
#define ANTIDOTE_H

#include <fairlead/plugin.h>

enum
{
  GOAL_MINIMISE,
  GOAL_MAXIMISE
};

enum
{
  GRADIENT_FIRST_ORDER,
  GRADIENT_IMPLICIT
};

enum
{
  START_RANDOM,
  START_FIXED
};

enum
{
  REFIT_WARM,
  REFIT_COLD
};

enum
{
  VARIANT_1,
  VARIANT_2
};

enum
{
  ROWS_MIN,
  ROWS_MAX,
  ROWS_RANDOM
};

/* Each plugin of the family has some of the parameters. */
typedef struct
{
  FlInstance *objective;
  int goal, gradient, start, refit, side, variant, rows;
  double budget, rmse_limit, cg_tolerance;
  int64_t steps, restarts, patience, trial_sweeps, cg_iterations;
  FlDoubles range, step_sizes;
  /* fair-user */
  FlInstance *surrogate;
  int64_t negatives, profile;

  double *item_factors; /* where the model is to begin, or NULL */
} Antidote;

/* What a fit comes to, on the original training ratings. */
typedef struct
{
  double loss, rmse;
} AntidoteValue;

/* One stage at work. */
typedef struct
{
  const Antidote *self;
  const FlStage *stage;
  FlInstance *model;
  FlView *view;         /* original ratings, under the model as last fitted    */
  FlRatings *ratings;   /* what it was last fitted to; NULL: without antidote  */
  double *original;     /* item factors without antidote data, then n_rows
                           rows of zeros when items are added                  */
  double *d[2];         /* by FlSide, with rows for what is added              */
  size_t n_rows, n_cols;
  double min, max;      /* of X~                                               */
  AntidoteValue before; /* without antidote data                               */
  size_t n_fits, n_negative;
} AntidoteTrial;

/* How many users (or items) are to be added; 0: not so many. */
size_t antidote_count (const Antidote *self, const FlRatings *train, GError **error);
/* Size and range of X~; before any work. */
gboolean antidote_size (AntidoteTrial *trial, GError **error);
/* The fit without antidote data, by the model's own start. */
gboolean antidote_trial_init (AntidoteTrial *trial, const Antidote *self, const FlStage *stage,
                              FlInstance *model, GError **error);
void antidote_trial_clear (AntidoteTrial *trial);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AntidoteTrial, antidote_trial_clear)

/* The training ratings with `rows` added. */
FlRatings *antidote_append (const AntidoteTrial *trial, const double *rows, GError **error);
/* Refits with `rows`, from the original item factors, or, when `cold`, from the
 * model's own start. */
gboolean antidote_fit (AntidoteTrial *trial, const double *rows, gboolean cold,
                       AntidoteValue *value, GError **error);
/* What n sweeps from these item factors come to. */
gboolean antidote_sweep (AntidoteTrial *trial, const double *rows, const double *item_factors,
                         size_t n, AntidoteValue *value, GError **error);
/* d objective / d X~ at the last fit, n_rows x n_cols. */
gboolean antidote_gradient (AntidoteTrial *trial, int gradient, double *out, GError **error);
/* g_j . (U 1) of each column j, without a step back to X~ [antidote, B.2]. */
gboolean antidote_signal (AntidoteTrial *trial, double *signal, GError **error);
/* X~ moved by step * gradient against (or towards, GOAL_MAXIMISE) the objective's
 * growth and put back into the range [antidote, algorithm 1, lines 6 and 7]. */
void antidote_step (const AntidoteTrial *trial, const double *rows, const double *gradient,
                    double step, double *out);
/* One row of extremes by the sign of each signal, n_rows times [antidote, B.1]. */
void antidote_extremes (const AntidoteTrial *trial, const double *signal, double *rows);
/* Mean known rating of each column, n_rows times. */
void antidote_means (const AntidoteTrial *trial, const FlRatings *train, double *rows);
/* The first half of the rows all max, the others all min. */
void antidote_halves (const AntidoteTrial *trial, double *rows);
/* Uniform in the range. */
void antidote_random (const AntidoteTrial *trial, uint64_t seed, const char *purpose, double *rows);
/* Number of item factors of a fit with antidote data. */
size_t antidote_n_factors (const AntidoteTrial *trial);
void antidote_item_factors (const AntidoteTrial *trial, double *out);

/* Algorithm 1: rows receives the best X~ that was seen. */
gboolean antidote_descend (AntidoteTrial *trial, double *rows, AntidoteValue *best,
                           GError **error);

FlRatings *antidote_gd_augment (gpointer self, const FlStage *stage, GError **error);
FlRatings *antidote_heuristic_augment (gpointer self, const FlStage *stage, GError **error);
FlRatings *antidote_baseline_augment (gpointer self, const FlStage *stage, GError **error);
FlRatings *fair_user_augment (gpointer self, const FlStage *stage, GError **error);

#endif
