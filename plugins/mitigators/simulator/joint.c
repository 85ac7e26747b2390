/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* joint.c: one step of any number of item categories.
 *
 *   P(y'|s) = sum_d sum_y P(y|s) prod_i P(d^i|y^i) P(y'^i | y^i, d)
 *
 * Decisions are independent given the fit states, and so are the new fit states
 * given states and decisions.  (5.7) of [yao-dissertation] is the case y' = (1, 1) of
 * two categories, (5.3) with (5.5) the margins.
 *
 * For given decisions d what stands behind the product is a matrix of 2 x 2 for each
 * category, P(d^i|y) P(y'|y, d) from y to y', and the sum over y applies one category's
 * matrix after the other: 4^M M numbers for a step, where sums over y and y' take 8^M.
 */
#include "dynamics.h"

#include <string.h>

/* Applies the matrix of category i to a row of n_states, in place.  to[y][y']. */
static void
apply_category (uint32_t n_states, uint32_t i, const double to[2][2], double *row)
{
  uint32_t half = 1u << i;

  for (uint32_t block = 0; block < n_states; block += 2 * half)
    for (uint32_t y = block; y < block + half; y++)
      {
        double unfit = row[y], fit = row[y + half];

        row[y] = unfit * to[0][0] + fit * to[1][0];
        row[y + half] = unfit * to[0][1] + fit * to[1][1];
      }
}

/* accept: M x 2, P(D^i = 1 | y^i).  Adds what goes through decisions d to `next`. */
static void
add_decisions (const SimSystem *system, uint32_t s, const double *accept, uint32_t d,
               const double *row, double *next)
{
  uint32_t M = system->n_items, n_states = 1u << M;
  double through[SIM_STATES_MAX];

  memcpy (through, row, n_states * sizeof *row);
  for (uint32_t i = 0; i < M; i++)
    {
      double to[2][2];

      for (uint32_t y = 0; y < 2; y++)
        {
          double decided = d >> i & 1 ? accept[2 * i + y] : 1.0 - accept[2 * i + y];
          double fit = system->compound[sim_compound_at (M, s, i, (int) y, d)];

          to[y][0] = decided * (1.0 - fit);
          to[y][1] = decided * fit;
        }
      apply_category (n_states, i, to, through);
    }
  for (uint32_t y = 0; y < n_states; y++)
    next[y] += through[y];
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
      for (uint32_t d = 0; d < n_states; d++)
        add_decisions (system, s, accept, d, joint + s * n_states, next + s * n_states);
    }
}
