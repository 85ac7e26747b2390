/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* joint.c: one step of any number of item categories.
 *
 *   P(y'|s) = sum_y P(y|s) sum_d prod_i P(d^i|y^i) prod_i P(y'^i | y^i, d)
 *
 * Decisions are independent given the fit states, and so are the new fit states
 * given states and decisions.  (5.7) of [yao-dissertation] is the case y' = (1, 1) of
 * two categories, (5.3) with (5.5) the margins.
 */
#include "dynamics.h"

/* Adds `mass` times the distribution of independent states of which number i is 1
 * with probability fit[i]. */
static void
add_product (uint32_t n_items, const double *fit, double mass, double *next)
{
  double product[SIM_STATES_MAX];

  product[0] = mass;
  for (uint32_t i = 0; i < n_items; i++)
    for (uint32_t k = 0; k < 1u << i; k++)
      {
        product[k | 1u << i] = product[k] * fit[i];
        product[k] *= 1.0 - fit[i];
      }
  for (uint32_t k = 0; k < 1u << n_items; k++)
    next[k] += product[k];
}

/* accept: M x 2, P(D^i = 1 | y^i). */
static void
leave_state (const SimSystem *system, uint32_t s, const double *accept, uint32_t y, double mass,
             double *next)
{
  uint32_t n_items = system->n_items;

  for (uint32_t d = 0; d < 1u << n_items; d++)
    {
      double fit[SIM_ITEMS_MAX], p = mass;

      for (uint32_t i = 0; i < n_items; i++)
        {
          int y_i = y >> i & 1;

          p *= d >> i & 1 ? accept[2 * i + (uint32_t) y_i]
                          : 1.0 - accept[2 * i + (uint32_t) y_i];
          fit[i] = system->compound[sim_compound_at (n_items, s, i, y_i, d)];
        }
      if (p > 0.0)
        add_product (n_items, fit, p, next);
    }
}

void
sim_joint_step (const SimSystem *system, const double *theta, const double *joint, double *next)
{
  uint32_t n_states = 1u << system->n_items;

  for (uint32_t s = 0; s < system->n_groups; s++)
    {
      double accept[2 * SIM_ITEMS_MAX];

      for (uint32_t i = 0; i < system->n_items; i++)
        for (uint32_t y = 0; y < 2; y++)
          accept[2 * i + y]
              = sim_recommend (system, s, i, (int) y, theta[i * system->n_groups + s]);
      for (uint32_t y = 0; y < n_states; y++)
        next[s * n_states + y] = 0.0;
      for (uint32_t y = 0; y < n_states; y++)
        leave_state (system, s, accept, y, joint[s * n_states + y], next + s * n_states);
    }
}
