/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gap-estimate.c: the system that observations describe, and its equilibrium. */
#include "long-term-gap.h"

#include <math.h>
#include <string.h>

#define TOLERANCE 1e-13
#define STEPS_MAX 100000

static void
estimate_rates (GapEstimate *estimate, const GapObservations *seen)
{
  for (uint32_t k = 0; k < seen->M * seen->S; k++)
    {
      size_t n = gap_count_observations (seen, k);
      gboolean enough = n >= (size_t) seen->from->least;

      estimate->alpha[k] = enough ? (double) seen->n[2 * k + 1] / (double) n : NAN;
      estimate->known = estimate->known && enough;
      for (uint32_t y = 0; y < 2; y++)
        {
          estimate->accept[2 * k + y]
              = (double) seen->n_recommended[2 * k + y] / (double) MAX (seen->n[2 * k + y], 1);
          if (seen->from->policy == GAP_TOP_K && seen->n[2 * k + y] == 0)
            estimate->known = FALSE;
        }
    }
}

double
gap_measure_separation (const SimScore *score)
{
  return score->deviation > 0.0 ? (score->mean[1] - score->mean[0]) / score->deviation : NAN;
}

static void
estimate_scores (GapEstimate *estimate, const GapObservations *seen)
{
  for (uint32_t i = 0; i < seen->M; i++)
    {
      size_t n_0 = seen->n_scores[i][0], n_1 = seen->n_scores[i][1];
      SimScore *score = &estimate->score[i];

      *score = (SimScore) { .mean = { seen->mean[i][0], seen->mean[i][1] } };
      if (n_0 > 0 && n_1 > 0 && n_0 + n_1 > 2)
        score->deviation = sqrt (seen->squares[i] / (double) (n_0 + n_1 - 2));
      if (seen->from->policy != GAP_TOP_K && !(gap_measure_separation (score) > 0.0))
        estimate->known = FALSE;
    }
}

static void
estimate_start (GapEstimate *estimate, const GapObservations *seen)
{
  uint32_t S = seen->S, M = seen->M;

  for (uint32_t s = 0; s < S; s++)
    {
      double own[SIM_ITEMS_MAX], *row = estimate->joint + ((size_t) s << M);

      for (uint32_t i = 0; i < M; i++)
        own[i] = estimate->alpha[i * S + s];
      if (seen->pairs[s].n > 0)
        sim_row_of_pair (own[0], own[1],
                         CLAMP (fl_groups_get_mean (&seen->pairs[s]),
                                MAX (0.0, own[0] + own[1] - 1.0), MIN (own[0], own[1])), row);
      else
        sim_row_independent (M, own, row);
    }
}

void
gap_estimate (GapEstimate *estimate, const GapObservations *seen)
{
  const LongTermGap *from = seen->from;

  *estimate = (GapEstimate) { .known = TRUE, .users = seen->view->user_groups };
  for (uint32_t i = 0; i < seen->M; i++)
    estimate->policy[i] = from->policy == GAP_TOP_K ? SIM_RATES : (SimPolicy) from->policy;
  estimate->system = (SimSystem) { .n_groups = seen->S, .n_items = seen->M,
                                   .w = from->loss / (from->gain + from->loss),
                                   .share = seen->share, .score = estimate->score,
                                   .policy = estimate->policy, .accept = estimate->accept };
  estimate_rates (estimate, seen);
  estimate_scores (estimate, seen);
  if (estimate->known)
    estimate_start (estimate, seen);
}

void
gap_find_equilibrium (const GapEstimate *estimate, const SimImpacts *impacts, double *alpha)
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

double
gap_measure (const GapEstimate *estimate, const double *alpha)
{
  double low = INFINITY, high = -INFINITY;
  uint32_t n = 0;

  for (uint32_t s = 0; s < estimate->system.n_groups; s++)
    {
      if (!fl_groups_is_compared (estimate->users, s))
        continue;
      if (isnan (alpha[s]))
        return NAN;
      low = MIN (low, alpha[s]);
      high = MAX (high, alpha[s]);
      n++;
    }
  return n > 1 ? high - low : NAN;
}

double
gap_larger (double a, double b)
{
  return isnan (a) || a > b ? a : b;
}
