/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* antidote: data added to a recommender's input to make its output less polarised
 * or fairer [Rastegarpanah, Gummadi and Crovella, WSDM 2019].  The plugins of the
 * family, their parameters and what cannot be. */
#include "antidote.h"

#include <math.h>

#define BUDGET FL_DOUBLE (Antidote, budget, 0.01, 0, 1e9, NULL, \
                          "added users: below 1 a share of the users of the data (at least one), " \
                          "else their number; of items likewise")
#define SIDE FL_CHOICE (Antidote, side, FL_SIDE_USER, "user|item", \
                        "add users who rate every item, or items that every user rates")
#define RANGE FL_DOUBLES (Antidote, range, "", -1e6, 1e6, "rating points", \
                          "lowest and highest rating to be given; none: the scale of the data")
#define OBJECTIVE FL_PLUGIN_PARAM (Antidote, objective, FL_KIND_OBJECTIVE, "polarization", \
                                   "what to change, measured on the training ratings")
#define GOAL FL_CHOICE (Antidote, goal, GOAL_MINIMISE, "minimise|maximise", \
                        "which way to change the objective")
#define REFIT(def) FL_CHOICE (Antidote, refit, def, "warm|cold", \
                              "begin the model that is evaluated where it stood without antidote " \
                              "data, or anew")

static const FlParam gd_params[] = {
  OBJECTIVE,
  GOAL,
  BUDGET,
  SIDE,
  RANGE,
  FL_CHOICE (Antidote, gradient, GRADIENT_FIRST_ORDER, "first-order|implicit",
             "the paper's approximation, eq. 9, or the exact derivative of the converged model"),
  FL_CHOICE (Antidote, start, START_RANDOM, "random|fixed",
             "first antidote ratings: random in the range, or all half-way in it"),
  FL_INT (Antidote, restarts, 3, 1, 1000, NULL, "random starts, of which the best is kept"),
  FL_INT (Antidote, steps, 40, 1, 100000, NULL, "most steps from a start"),
  FL_INT (Antidote, patience, 10, 1, 100000, "steps", "give a start up when it has not found "
          "anything better for so long"),
  FL_DOUBLES (Antidote, step_sizes, "0.01; 0.03; 0.1; 0.3; 1; 3; 10; 30; 100", 0, 1e6,
              "rating points",
              "ascending step sizes to search: how far the root mean square of the changes is, "
              "before they are cut to the range"),
  FL_INT (Antidote, trial_sweeps, 5, 0, 1000000, NULL,
          "sweeps after which the search compares step sizes; 0: refits to convergence"),
  FL_DOUBLE (Antidote, rmse_limit, 0, 0, 1e6, "rating points",
             "highest RMSE of the training ratings that antidote data may cause; 0: no limit"),
  FL_DOUBLE (Antidote, cg_tolerance, 0.1, 0, 1, NULL,
             "gradient = implicit: stop conjugate gradients when the residual has fallen to this"),
  FL_INT (Antidote, cg_iterations, 20, 1, 10000, NULL,
          "gradient = implicit: most conjugate gradient iterations"),
  REFIT (REFIT_WARM),
  FL_PARAM_END
};

static const FlParam heuristic_params[] = {
  OBJECTIVE,
  GOAL,
  BUDGET,
  SIDE,
  RANGE,
  FL_CHOICE (Antidote, variant, 0, "1|2",
             "one fit with a single antidote row, or none beyond the original"),
  REFIT (REFIT_WARM),
  FL_PARAM_END
};

static const FlParam baseline_params[] = {
  FL_CHOICE (Antidote, rows, ROWS_MIN, "min|max|random",
             "every rating the mean known one of its item; half of the users the highest "
             "everywhere and half the lowest; or random in the range"),
  BUDGET,
  SIDE,
  RANGE,
  REFIT (REFIT_COLD),
  FL_PARAM_END
};

static const FlParam fair_user_params[] = {
  FL_PLUGIN_PARAM (Antidote, objective, FL_KIND_OBJECTIVE, "parity",
                   "what to lower, measured on clicks (1) and sampled non-clicks (0)"),
  FL_PLUGIN_PARAM (Antidote, surrogate, FL_KIND_MODEL, "als-mf",
                   "closed-form model of the clicks that the added users are found with"),
  BUDGET,
  FL_INT (Antidote, negatives, 1, 1, 100, NULL, "non-clicks sampled for each click of a user"),
  FL_INT (Antidote, profile, 0, 0, 1000000, "items",
          "clicks of an added user; 0: as many as the median user has"),
  FL_CHOICE (Antidote, gradient, GRADIENT_FIRST_ORDER, "first-order|implicit",
             "the paper's approximation, eq. 9, or the exact derivative of the converged model"),
  FL_CHOICE (Antidote, start, START_RANDOM, "random|fixed",
             "first antidote ratings: random in the range, or all half-way in it"),
  FL_INT (Antidote, restarts, 1, 1, 1000, NULL, "random starts, of which the best is kept"),
  FL_INT (Antidote, steps, 20, 1, 100000, NULL, "most steps from a start"),
  FL_INT (Antidote, patience, 5, 1, 100000, "steps", "give a start up when it has not found "
          "anything better for so long"),
  FL_DOUBLES (Antidote, step_sizes, "0.1; 0.3; 1; 3; 10", 0, 1e6, NULL,
              "ascending step sizes to search, in root mean squares of the changes"),
  FL_DOUBLE (Antidote, cg_tolerance, 0.1, 0, 1, NULL,
             "gradient = implicit: stop conjugate gradients when the residual has fallen to this"),
  FL_INT (Antidote, cg_iterations, 20, 1, 10000, NULL,
          "gradient = implicit: most conjugate gradient iterations"),
  FL_PARAM_END
};

/* ---- what cannot be ---------------------------------------------------- */

static gboolean
check_budget (const Antidote *self, GError **error)
{
  if (!(self->budget > 0))
    return fl_fail (error, FL_ERROR_CONFIG, "budget = 0: nobody would be added; below 1 it is a "
                    "share, from 1 on a number");
  if (self->budget > 1 && self->budget != floor (self->budget))
    return fl_fail (error, FL_ERROR_CONFIG, "budget = %g: from 1 on it is a number, which must be "
                    "whole", self->budget);
  return TRUE;
}

static gboolean
check_range (const FlDoubles *range, GError **error)
{
  if (range->n != 0 && range->n != 2)
    return fl_fail (error, FL_ERROR_CONFIG, "range: must be two numbers, lowest; highest, and is "
                    "%zu", range->n);
  if (range->n == 2 && !(range->v[0] < range->v[1]))
    return fl_fail (error, FL_ERROR_CONFIG, "range = %g; %g: the lowest rating must be below the "
                    "highest", range->v[0], range->v[1]);
  return TRUE;
}

static gboolean
check_steps (const FlDoubles *sizes, GError **error)
{
  for (size_t k = 0; k < sizes->n; k++)
    if (!(sizes->v[k] > (k > 0 ? sizes->v[k - 1] : 0)))
      return fl_fail (error, FL_ERROR_CONFIG, "step-sizes: %g: must be positive and ascending",
                      sizes->v[k]);
  return TRUE;
}

static gboolean
antidote_check (gconstpointer self, GError **error)
{
  const Antidote *antidote = self;

  if (antidote->objective != NULL && !fl_objective_has_gradient (antidote->objective))
    return fl_fail (error, FL_ERROR_CONFIG, "objective = %s: it has no gradient to follow",
                    fl_instance_name (antidote->objective));
  return check_budget (antidote, error) && check_range (&antidote->range, error)
         && check_steps (&antidote->step_sizes, error);
}

/* Size and range; of fair-user the size alone, for its range is that of clicks. */
static gboolean
antidote_check_data (gconstpointer self, const FlData *data, GError **error)
{
  FlStage stage = FL_STAGE (.data = data);
  AntidoteTrial trial = { .self = self, .stage = &stage };

  return antidote_size (&trial, error);
}

static gboolean
fair_user_check_data (gconstpointer self, const FlData *data, GError **error)
{
  return antidote_count (self, data->train, error) > 0;
}

static void
antidote_clear (gpointer self)
{
  Antidote *antidote = self;

  g_clear_pointer (&antidote->item_factors, g_free);
}

static const double *
antidote_start_factors (gconstpointer self)
{
  return ((const Antidote *) self)->item_factors;
}

/* ---- the plugins ------------------------------------------------------- */

#define LICENCE .licence = "LGPL-3.0-or-later", .version = "2"
#define INSTANCE .self_size = sizeof (Antidote), .check = antidote_check, .clear = antidote_clear

static const FlPlugin antidote_gd = FL_DESCRIPTOR (
  .name = "antidote-gd",
  .summary = "antidote data by projected gradient descent or ascent on an objective",
  .description
  = "Adds users (or items) whose ratings are chosen so that the model fitted to all ratings has "
    "less, or more, of an objective on the original users.  Each step moves all added ratings "
    "along the objective's gradient, cuts them to the range and refits; the step size is the best "
    "of a grid.  Notes: how many were added, the objective and the RMSE before, after, and after "
    "a refit from the model's own start; the objective at every step; how many fits it took; "
    "the share of the added ratings at an end of the range, and the standard deviation, as a "
    "share of the range, of those that one item gets.",
  .reference = "antidote (WSDM 2019), algorithm 1, eq. 9; implicit: the implicit function theorem "
               "on the stationary point of eq. 1",
  LICENCE, INSTANCE, .params = gd_params,
  .needs = FL_NEEDS_FACTORS | FL_NEEDS_CLOSED_FORM, .check_data = antidote_check_data,
  FL_MITIGATOR (FL_AUGMENT (.augment = antidote_gd_augment,
                            .start_factors = antidote_start_factors)));

static const FlPlugin antidote_heuristic = FL_DESCRIPTOR (
  .name = "antidote-heuristic",
  .summary = "antidote data from the sign of one gradient",
  .description
  = "Every added user gives the same ratings, the lowest or the highest of the range by the sign "
    "of the objective's gradient: at a fit with one such user who gives the middle of the range "
    "(1), or, without any further fit, by the sign of g_j . (U 1) (2).",
  .reference = "antidote (WSDM 2019), appendix B.1 and B.2",
  LICENCE, INSTANCE, .params = heuristic_params,
  .needs = FL_NEEDS_FACTORS | FL_NEEDS_CLOSED_FORM, .check_data = antidote_check_data,
  FL_MITIGATOR (FL_AUGMENT (.augment = antidote_heuristic_augment,
                            .start_factors = antidote_start_factors)));

static const FlPlugin antidote_baseline = FL_DESCRIPTOR (
  .name = "antidote-baseline",
  .summary = "added users who rate by rule or at random",
  .description
  = "What antidote data are to be compared with: added users who give every item its mean known "
    "rating (an item nobody rated: the mean of all), of whom half give everything the highest and "
    "half the lowest rating, or who rate at random.",
  .reference = "antidote (WSDM 2019), section 6.1: baseline_min, baseline_max, random",
  LICENCE, INSTANCE, .params = baseline_params,
  .check_data = antidote_check_data,
  FL_MITIGATOR (FL_AUGMENT (.augment = antidote_baseline_augment,
                            .start_factors = antidote_start_factors)));

static const FlPlugin fair_user = FL_DESCRIPTOR (
  .name = "fair-user",
  .summary = "antidote users for clicks and other implicit feedback",
  .description
  = "Finds antidote users as antidote-gd does, on a closed-form model of clicks (1) and sampled "
    "non-clicks (0), and adds each with the items that it rates highest.  The model that is then "
    "trained may be any.",
  .reference = "the baseline FairUser of FDA, after antidote (WSDM 2019), algorithm 1; "
               "neither says how ratings become clicks",
  LICENCE, INSTANCE, .params = fair_user_params,
  .check_data = fair_user_check_data, FL_MITIGATOR (FL_AUGMENT (.augment = fair_user_augment)));

FL_PLUGINS (&antidote_gd, &antidote_heuristic, &antidote_baseline, &fair_user);
