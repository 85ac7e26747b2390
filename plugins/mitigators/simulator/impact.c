/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* impact.c: how self impact and cross impact add up [yao-dissertation, 5.3, 5.6.1].
 *
 * An impact is a table T[y][d] = P(Y' = 1 | Y = y, D = d).  The chapter's function,
 *   F = 1/2 ((T_self[y][d] T_cross[1][e] + (1 - T_self[y][d]) T_cross[0][e])
 *          + (T_cross[y][e] T_self[1][d] + (1 - T_cross[y][e]) T_self[0][d])),
 * lets both happen one after the other, half the time in either order.  For more
 * categories: the mean over all orders of the M impacts.  An impact is linear in P(fit),
 * so that means go through it: with m(D) the mean over the orders of a subset D,
 *   m(D) = 1/|D| sum_{i in D} impact_i (m(D without i)),
 * any of D being the last alike, which takes 2^M M steps instead of M! M.
 */
#include "dynamics.h"

void
sim_cross_impact (double C, double impact[4])
{
  impact[0] = 0.0;                  /* T[0][0] */
  impact[1] = CLAMP (C, 0.0, 1.0);  /* T[0][1] */
  impact[2] = 1.0;                  /* T[1][0] */
  impact[3] = CLAMP (1.0 + C, 0.0, 1.0);
}

/* P(fit) after one more impact. */
static double
apply (double fit, const double *impact, uint32_t d)
{
  return fit * impact[2 + d] + (1.0 - fit) * impact[d];
}

/* The mean over all orders of the impacts. */
static double
mean_orders (uint32_t n_items, const double *impact, uint32_t d, double fit)
{
  uint32_t n_subsets = 1u << n_items;
  double mean[SIM_STATES_MAX];

  mean[0] = fit;
  for (uint32_t subset = 1; subset < n_subsets; subset++)
    {
      double sum = 0.0, n = 0.0;

      for (uint32_t i = 0; i < n_items; i++)
        if (subset >> i & 1)
          {
            sum += apply (mean[subset & ~(1u << i)], impact + 4 * i, d >> i & 1);
            n += 1.0;
          }
      mean[subset] = sum / n;
    }
  return mean[n_subsets - 1];
}

double
sim_compound (SimCompounding how, uint32_t n_items, const double *impact, const double *weight,
              uint32_t own, int y, uint32_t d)
{
  double fit = y, sum = 0.0, total = 0.0;

  switch (how)
    {
    case SIM_AVERAGE:
      return mean_orders (n_items, impact, d, fit);
    case SIM_SEQUENTIAL:
      fit = apply (fit, impact + 4 * own, d >> own & 1);
      for (uint32_t i = 0; i < n_items; i++)
        if (i != own)
          fit = apply (fit, impact + 4 * i, d >> i & 1);
      return fit;
    default:
      for (uint32_t i = 0; i < n_items; i++)
        {
          sum += weight[i] * apply (fit, impact + 4 * i, d >> i & 1);
          total += weight[i];
        }
      return sum / total;
    }
}
