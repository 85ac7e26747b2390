/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* impact.c: how self impact and cross impact add up [yao-dissertation, 5.3, 5.6.1].
 *
 * An impact is a table T[y][d] = P(Y' = 1 | Y = y, D = d).  The chapter's function,
 *   F = 1/2 ((T_self[y][d] T_cross[1][e] + (1 - T_self[y][d]) T_cross[0][e])
 *          + (T_cross[y][e] T_self[1][d] + (1 - T_cross[y][e]) T_self[0][d])),
 * lets both happen one after the other, half the time in either order.  For more
 * categories: the mean over all orders of the M impacts.
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

/* Sum over all orders of the impacts that are not in `done`, and how many. */
static double
sum_orders (uint32_t n_items, const double *impact, uint32_t d, uint32_t done, double fit,
            size_t *n_orders)
{
  double sum = 0.0;

  if (done == (1u << n_items) - 1)
    {
      ++*n_orders;
      return fit;
    }
  for (uint32_t i = 0; i < n_items; i++)
    if (!(done >> i & 1))
      sum += sum_orders (n_items, impact, d, done | 1u << i,
                         apply (fit, impact + 4 * i, d >> i & 1), n_orders);
  return sum;
}

double
sim_compound (SimCompounding how, uint32_t n_items, const double *impact, const double *weight,
              uint32_t own, int y, uint32_t d)
{
  double fit = y, sum = 0.0, total = 0.0;
  size_t n_orders = 0;

  switch (how)
    {
    case SIM_AVERAGE:
      sum = sum_orders (n_items, impact, d, 0, fit, &n_orders);
      return sum / (double) n_orders;
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
