/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* states.c: states of the system, their fit rates, and states from fit rates. */
#include "dynamics.h"

double
sim_fit_rate (uint32_t n_items, const double *row, uint32_t i)
{
  double sum = 0.0;

  for (uint32_t y = 0; y < 1u << n_items; y++)
    if (y >> i & 1)
      sum += row[y];
  return MIN (sum, 1.0);
}

double
sim_joint_fit_rate (uint32_t n_items, const double *row, uint32_t i, uint32_t other)
{
  double sum = 0.0;

  for (uint32_t y = 0; y < 1u << n_items; y++)
    if ((y >> i & 1) && (y >> other & 1))
      sum += row[y];
  return MIN (sum, 1.0);
}

void
sim_fit_rates (const SimSystem *system, const double *joint, double *alpha)
{
  for (uint32_t i = 0; i < system->n_items; i++)
    for (uint32_t s = 0; s < system->n_groups; s++)
      alpha[i * system->n_groups + s]
          = sim_fit_rate (system->n_items, joint + ((size_t) s << system->n_items), i);
}

/* Rounding may leave a rate a little below 0. */
void
sim_row_of_pair (double alpha_j, double alpha_k, double beta, double row[4])
{
  row[0] = MAX (0.0, 1.0 - alpha_j - alpha_k + beta);
  row[1] = MAX (0.0, alpha_j - beta);
  row[2] = MAX (0.0, alpha_k - beta);
  row[3] = beta;
}

void
sim_row_independent (uint32_t n_items, const double *alpha, double *row)
{
  for (uint32_t y = 0; y < 1u << n_items; y++)
    {
      row[y] = 1.0;
      for (uint32_t i = 0; i < n_items; i++)
        row[y] *= y >> i & 1 ? alpha[i] : 1.0 - alpha[i];
    }
}

void
sim_random_state (const SimSystem *system, FlRng *rng, double *joint)
{
  uint32_t n_states = 1u << system->n_items;

  for (uint32_t s = 0; s < system->n_groups; s++)
    {
      double *row = joint + s * n_states, sum = 0.0;

      for (uint32_t y = 0; y < n_states; y++)
        {
          double z = fl_rng_normal (rng);

          row[y] = z * z;
          sum += row[y];
        }
      for (uint32_t y = 0; y < n_states; y++)
        row[y] /= sum;
    }
}
