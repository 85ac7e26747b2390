/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* uniqueness.c: the sufficient conditions of theorem 2 [yao-dissertation], looked at
 * in random states.  Derivatives are central differences.
 *
 *   h^{s,i} = (1 - g_{1,s,i}) / g_{0,s,i}
 *   phi^s = (f(0,0) (1 - alpha^j - alpha^k) + f(0,1) alpha^k + f(1,0) alpha^j)
 *           / (1 + f(0,1) + f(1,0) - f(0,0) - f(1,1))
 *
 *
 * They do not suffice: the proof has l = 1/alpha - 1, which falls, and h, which
 * falls too, meet once, but two falling curves may meet more often; and a bound of 1
 * on each derivative alone is none on their sum.  What does suffice is added: where
 * 1/alpha^2 + dh/d alpha > 0, l and h meet once, at psi with
 *   d psi / dv = -(dh/dv) / (1/alpha^2 + dh/d alpha),
 * and when for each psi and phi the sum of its derivatives is below 1 in size, all of
 * them together are a contraction, which has one fixed point.
 * The conditions are to hold for all fit rates; a state here is a distribution of
 * fit states, so that beta always suits alpha.
 */
#include <math.h>

#include "dynamics.h"

/* Its square is about the error of a difference; rounding by it, 1e-11. */
#define DIFFERENCE 1e-5
/* d h / d alpha <= 0 up to the error of a difference. */
#define SLACK 1e-6

typedef struct
{
  double alpha[2 * SIM_GROUPS_MAX]; /* i * S + s */
  double beta[SIM_GROUPS_MAX];
} Point;

typedef struct
{
  double h[2 * SIM_GROUPS_MAX];
  double phi[SIM_GROUPS_MAX];
} Sides;

static double
phi (const SimPair *pair)
{
  double f00 = sim_pair_f (pair, 0, 0), f01 = sim_pair_f (pair, 0, 1);
  double f10 = sim_pair_f (pair, 1, 0), f11 = sim_pair_f (pair, 1, 1);

  return (f00 * (1.0 - pair->alpha[0] - pair->alpha[1]) + f01 * pair->alpha[1]
          + f10 * pair->alpha[0])
         / (1.0 + f01 + f10 - f00 - f11);
}

static Sides
sides_at (const SimSystem *system, const Point *point)
{
  uint32_t S = system->n_groups;
  double theta[2 * SIM_GROUPS_MAX];
  Sides sides;

  for (uint32_t i = 0; i < 2; i++)
    {
      for (uint32_t s = 0; s < S; s++)
        theta[i * S + s] = NAN;
      sim_thresholds (system, i, point->alpha + i * S, theta + i * S);
    }
  for (uint32_t s = 0; s < S; s++)
    {
      double row[4];
      SimPair pair;

      sim_row_of_pair (point->alpha[s], point->alpha[S + s], point->beta[s], row);
      pair = sim_pair (system, s, theta, row);
      /* As given: a row keeps no rate outside its bounds. */
      pair.alpha[0] = point->alpha[s];
      pair.alpha[1] = point->alpha[S + s];
      for (uint32_t i = 0; i < 2; i++)
        sides.h[i * S + s]
            = (1.0 - sim_pair_g (&pair, (int) i, 1)) / sim_pair_g (&pair, (int) i, 0);
      sides.phi[s] = phi (&pair);
    }
  return sides;
}

/* Of what is left of a variable: alpha 0 to 2 S - 1, then beta. */
static double *
variable (Point *point, uint32_t n_groups, uint32_t v)
{
  return v < 2 * n_groups ? &point->alpha[v] : &point->beta[v - 2 * n_groups];
}

/* Sums over the variables, by row. */
typedef struct
{
  double own[2 * SIM_GROUPS_MAX];   /* dh by its own alpha              */
  double h[2 * SIM_GROUPS_MAX];     /* |dh| by all others              */
  double phi[SIM_GROUPS_MAX];       /* |d phi|                         */
} Rows;

static void
differentiate (const SimSystem *system, const Point *at, uint32_t v, Rows *rows,
               SimSlopes *slopes)
{
  uint32_t S = system->n_groups;
  Point below = *at, above = *at;
  Sides low, high;

  *variable (&below, S, v) -= DIFFERENCE;
  *variable (&above, S, v) += DIFFERENCE;
  low = sides_at (system, &below);
  high = sides_at (system, &above);
  for (uint32_t k = 0; k < 2 * S; k++)
    {
      double slope = (high.h[k] - low.h[k]) / (2.0 * DIFFERENCE);

      if (k == v)
        {
          slopes->own = MAX (slopes->own, slope);
          rows->own[k] = slope;
          continue;
        }
      slopes->cross = MAX (slopes->cross, fabs (slope));
      rows->h[k] += fabs (slope);
    }
  for (uint32_t s = 0; v < 2 * S && s < S; s++)
    {
      double slope = fabs (high.phi[s] - low.phi[s]) / (2.0 * DIFFERENCE);

      slopes->phi = MAX (slopes->phi, slope);
      rows->phi[s] += slope;
    }
}

/* The largest sum of a row of derivatives of psi and phi. */
static double
contraction (const SimSystem *system, const Point *at, const Rows *rows)
{
  double largest = 0.0;

  for (uint32_t k = 0; k < 2 * system->n_groups; k++)
    {
      double steepness = 1.0 / (at->alpha[k] * at->alpha[k]) + rows->own[k];

      largest = MAX (largest, steepness > 0.0 ? rows->h[k] / steepness : INFINITY);
    }
  for (uint32_t s = 0; s < system->n_groups; s++)
    largest = MAX (largest, rows->phi[s]);
  return largest;
}

/* Far enough from its bounds for a difference. */
static Point
inner_point (const SimSystem *system, const double *joint)
{
  const double margin = 2.0 * DIFFERENCE;
  uint32_t S = system->n_groups;
  Point point;

  for (uint32_t s = 0; s < S; s++)
    {
      for (uint32_t i = 0; i < 2; i++)
        point.alpha[i * S + s]
            = CLAMP (sim_fit_rate (2, joint + 4 * s, i), margin, 1.0 - margin);
      point.beta[s] = joint[4 * s + 3];
    }
  return point;
}

SimSlopes
sim_uniqueness (const SimSystem *system, size_t n, uint64_t seed, uint64_t index)
{
  SimSlopes slopes = { .own = -INFINITY };
  FlRng rng = fl_rng (seed, "uniqueness", index);
  double joint[4 * SIM_GROUPS_MAX];

  for (size_t k = 0; k < n; k++)
    {
      Rows rows = { .own = { 0.0 } };
      Point point;

      sim_random_state (system, &rng, joint);
      point = inner_point (system, joint);
      for (uint32_t v = 0; v < 3 * system->n_groups; v++)
        differentiate (system, &point, v, &rows, &slopes);
      slopes.contraction = MAX (slopes.contraction, contraction (system, &point, &rows));
    }
  return slopes;
}

gboolean
sim_uniqueness_holds (const SimSlopes *slopes)
{
  return slopes->phi < 1.0 && slopes->own <= SLACK && slopes->cross < 1.0;
}
