/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* thresholds.c: thresholds of the policies [yao-dissertation, 5.2].
 *
 *   gamma^s(x) = P(Y = 1 | X = x, s) = 1 / (G_0(x)/G_1(x) (1/alpha^s - 1) + 1)
 *   UN      gamma^s(theta^s) = w for each group, w = u- / (u+ + u-)
 *   DP      sum_s p_s gamma^s(theta^s) = w, equal P(X >= theta^s | s)
 *   EqOpt   equal P(X >= theta^s | Y = 1, s)
 *
 * With scores N (mu_y, sigma^2), log G_1/G_0 = slope (x - middle), so that gamma is
 * a logistic function.  EqOpt means one threshold for all groups, since G_y does not
 * depend on the group; the first-order condition of (5.2),
 *   sum_s p_s alpha^s / gamma^s(theta) = 1/w sum_s p_s alpha^s,
 * is then UN at the mean fit rate.  (The dissertation prints sum_s p_s / gamma^s = w,
 * which cannot hold: gamma <= 1.)
 */
#include <math.h>

#include "dynamics.h"

/* Newton's steps double the digits: below this one, in units of the deviation,
 * the next would be below rounding. */
#define NEWTON_LAST 1e-9
#define NEWTON_MAX 50
/* Beyond so many deviations from the means nothing is accepted or refused. */
#define REACH 40.0

static double
slope (const SimScore *score)
{
  return (score->mean[1] - score->mean[0]) / (score->deviation * score->deviation);
}

static double
middle (const SimScore *score)
{
  return 0.5 * (score->mean[0] + score->mean[1]);
}

/* Infinite at 0 and 1. */
static double
logit (double p)
{
  return log (p / (1.0 - p));
}

double
sim_accept (const SimScore *score, int y, double theta)
{
  return 0.5 * erfc ((theta - score->mean[y]) / (score->deviation * M_SQRT2));
}

double
sim_recommend (const SimSystem *system, uint32_t s, uint32_t i, int y, double theta)
{
  if (system->policy[i] == SIM_RATES)
    return system->accept[(i * system->n_groups + s) * 2 + (uint32_t) y];
  return sim_accept (&system->score[i], y, theta);
}

double
sim_gamma (const SimScore *score, double alpha, double x)
{
  return 1.0 / (exp (-slope (score) * (x - middle (score))) * (1.0 / alpha - 1.0) + 1.0);
}

/* ---- UN, EqOpt ---------------------------------------------------------- */

/* gamma (theta) = w */
static double
unconstrained (const SimScore *score, double alpha, double w)
{
  return middle (score) + (logit (w) - logit (alpha)) / slope (score);
}

static double
mean_fit_rate (const SimSystem *system, const double *alpha)
{
  double sum = 0.0;

  for (uint32_t s = 0; s < system->n_groups; s++)
    sum += system->share[s] * alpha[s];
  return MIN (sum, 1.0);
}

/* ---- DP ----------------------------------------------------------------- */

/* P(X >= theta | s) */
static double
accept_all (const SimScore *score, double alpha, double theta)
{
  return alpha * sim_accept (score, 1, theta) + (1.0 - alpha) * sim_accept (score, 0, theta);
}

/* P(X = theta | s), the composite distribution. */
static double
density (const SimScore *score, double alpha, double theta)
{
  double a = (theta - score->mean[0]) / score->deviation;
  double b = (theta - score->mean[1]) / score->deviation;

  return (alpha * exp (-0.5 * b * b) + (1.0 - alpha) * exp (-0.5 * a * a))
         / (score->deviation * sqrt (2.0 * G_PI));
}

/* The threshold at which group s accepts as many as `rate`. */
static double
invert (const SimScore *score, double alpha, double rate)
{
  double low = score->mean[0] - REACH * score->deviation;
  double high = score->mean[1] + REACH * score->deviation;

  for (double at = 0.5 * (low + high); at > low && at < high; at = 0.5 * (low + high))
    if (accept_all (score, alpha, at) > rate)
      low = at;
    else
      high = at;
  return low;
}

/* sum p gamma rises with the first group's threshold, the others following it. */
void
sim_thresholds_dp_plain (const SimSystem *system, uint32_t i, const double *alpha, double *theta)
{
  const SimScore *score = &system->score[i];
  double low = score->mean[0] - REACH * score->deviation;
  double high = score->mean[1] + REACH * score->deviation;

  for (double at = 0.5 * (low + high); at > low && at < high; at = 0.5 * (low + high))
    {
      double rate = accept_all (score, alpha[0], at);
      double sum = system->share[0] * sim_gamma (score, alpha[0], at);

      theta[0] = at;
      for (uint32_t s = 1; s < system->n_groups; s++)
        {
          theta[s] = invert (score, alpha[s], rate);
          sum += system->share[s] * sim_gamma (score, alpha[s], theta[s]);
        }
      if (sum < system->w)
        low = at;
      else
        high = at;
    }
}

/* One Newton step for all groups.  To first order a step delta^s takes group s to
 * acceptance A^s - c^s delta^s, which is to be one rate r for all, and gamma^s to
 * gamma^s + slope gamma^s (1 - gamma^s) delta^s; the condition on their sum gives r.
 * Returns the largest step, not finite when there is none. */
static double
dp_newton (const SimSystem *system, const SimScore *score, const double *alpha, double *theta)
{
  double A[SIM_GROUPS_MAX], c[SIM_GROUPS_MAX];
  double excess = -system->w, aim = 0.0, weight = 0.0, largest = 0.0, r;

  for (uint32_t s = 0; s < system->n_groups; s++)
    {
      double gamma = sim_gamma (score, alpha[s], theta[s]), k;

      A[s] = accept_all (score, alpha[s], theta[s]);
      c[s] = density (score, alpha[s], theta[s]);
      k = system->share[s] * slope (score) * gamma * (1.0 - gamma) / c[s];
      excess += system->share[s] * gamma;
      aim += k * A[s];
      weight += k;
    }
  r = (excess + aim) / weight;
  for (uint32_t s = 0; s < system->n_groups; s++)
    {
      double delta = (A[s] - r) / c[s];

      if (!isfinite (delta))
        return NAN;
      /* Far from the solution a tangent may lead anywhere. */
      delta = CLAMP (delta, -score->deviation, score->deviation);
      theta[s] += delta;
      largest = MAX (largest, fabs (delta));
    }
  return largest;
}

static void
demographic_parity (const SimSystem *system, uint32_t i, const double *alpha, double *theta)
{
  const SimScore *score = &system->score[i];
  double low = score->mean[0] - 4.0 * score->deviation;
  double high = score->mean[1] + 4.0 * score->deviation;

  for (uint32_t s = 0; s < system->n_groups; s++)
    if (isnan (theta[s]))
      theta[s] = CLAMP (unconstrained (score, alpha[s], system->w), low, high);
  for (int k = 0; k < NEWTON_MAX; k++)
    {
      double step = dp_newton (system, score, alpha, theta);

      if (!isfinite (step))
        break;
      if (step <= NEWTON_LAST * score->deviation)
        return;
    }
  sim_thresholds_dp_plain (system, i, alpha, theta);
}

void
sim_thresholds (const SimSystem *system, uint32_t i, const double *alpha, double *theta)
{
  const SimScore *score = &system->score[i];

  if (system->policy[i] == SIM_DP)
    {
      demographic_parity (system, i, alpha, theta);
      return;
    }
  for (uint32_t s = 0; s < system->n_groups; s++)
    if (system->policy[i] == SIM_FIXED)
      theta[s] = system->fixed[i * system->n_groups + s];
    else if (system->policy[i] == SIM_RATES)
      theta[s] = NAN;
    else if (system->policy[i] == SIM_UN)
      theta[s] = unconstrained (score, alpha[s], system->w);
    else
      theta[s] = s > 0 ? theta[0]
                       : unconstrained (score, mean_fit_rate (system, alpha), system->w);
}
