/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* equilibrium.c: the dynamics from step to step until they come to rest, or go in
 * circles. */
#include <math.h>
#include <string.h>

#include "dynamics.h"

/* A cycle is looked for among so many steps; it has been found when a state comes
 * back this close, far below the size of its moves. */
#define PERIOD_MAX 64
#define PERIOD_CLOSE 1e-9

static double
distance (size_t n, const double *a, const double *b)
{
  double largest = 0.0;

  for (size_t k = 0; k < n; k++)
    largest = MAX (largest, fabs (a[k] - b[k]));
  return largest;
}

size_t
sim_count_distinct (const SimSystem *system, size_t n, const double *states, double *spread)
{
  size_t size = sim_state_size (system), n_distinct = 0;

  *spread = 0.0;
  for (size_t k = 0; k < n; k++)
    {
      gboolean seen = FALSE;

      for (size_t l = 0; l < k; l++)
        {
          double apart = distance (size, states + k * size, states + l * size);

          *spread = MAX (*spread, apart);
          seen = seen || apart <= SIM_DISTINCT;
        }
      n_distinct += !seen;
    }
  return n_distinct;
}

/* ---- steps -------------------------------------------------------------- */

void
sim_step (const SimSystem *system, const double *joint, double *theta, double *next)
{
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX];

  sim_fit_rates (system, joint, alpha);
  for (uint32_t i = 0; i < system->n_items; i++)
    sim_thresholds (system, i, alpha + i * system->n_groups, theta + i * system->n_groups);
  if (system->n_items == 2)
    sim_chapter_step (system, theta, joint, next);
  else
    sim_joint_step (system, theta, joint, next);
}

/* The fewest steps after which the state comes back; 0: more than PERIOD_MAX. */
static size_t
find_period (const SimSystem *system, const double *joint, double *theta)
{
  double state[SIM_GROUPS_MAX * SIM_STATES_MAX], next[SIM_GROUPS_MAX * SIM_STATES_MAX];
  size_t size = sim_state_size (system);

  memcpy (state, joint, size * sizeof *state);
  for (size_t period = 1; period <= PERIOD_MAX; period++)
    {
      sim_step (system, state, theta, next);
      memcpy (state, next, size * sizeof *state);
      if (distance (size, state, joint) <= PERIOD_CLOSE)
        return period;
    }
  return 0;
}

SimLimit
sim_run (const SimSystem *system, double tolerance, size_t steps_max, double *joint,
         double *theta, SimVisit visit, gpointer user_data)
{
  double next[SIM_GROUPS_MAX * SIM_STATES_MAX];
  size_t size = sim_state_size (system);
  SimLimit limit = { .change = INFINITY };

  for (uint32_t k = 0; k < system->n_items * system->n_groups; k++)
    theta[k] = NAN;
  if (visit != NULL)
    visit (user_data, 0, joint);
  while (limit.steps < steps_max && limit.change > tolerance)
    {
      sim_step (system, joint, theta, next);
      limit.change = distance (size, joint, next);
      memcpy (joint, next, size * sizeof *next);
      limit.steps++;
      if (visit != NULL)
        visit (user_data, limit.steps, joint);
    }
  if (limit.change <= tolerance)
    limit.period = 1;
  else
    {
      limit.period = find_period (system, joint, theta);
      /* Creeping is not circling. */
      if (limit.period == 1)
        limit.period = 0;
    }
  return limit;
}
