/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* setup.h: the parameters of the simulator, and the system they describe. */
#ifndef SIMULATOR_SETUP_H
#define SIMULATOR_SETUP_H

#include "impacts.h"

typedef struct
{
  char *groups, *categories, *policies;
  FlDoubles shares, means, deviations;
  double gain, loss;
  FlDoubles self_impact, cross_impact, cross_tables, weights, thresholds, sweep, start;
  int compounding;
  int64_t starts, steps, uniqueness;
  double tolerance;
  gboolean trajectories;
} Simulator;

extern const FlParam simulator_params[];

/* What the parameters say; its own memory. */
typedef struct
{
  char **group, **item; /* names                                          */
  SimSystem system;     /* borrows what follows; compound is each point's */
  double *share, *fixed;
  SimScore score[SIM_ITEMS_MAX];
  SimPolicy policy[SIM_ITEMS_MAX];
  SimImpacts impacts;
  double *start;        /* a state                                        */
  const Simulator *from;
} SimSetup;

gboolean sim_setup_init (SimSetup *setup, const Simulator *from, GError **error);
void sim_setup_clear (SimSetup *setup);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SimSetup, sim_setup_clear)

/* Points of the sweep, 1 without. */
size_t sim_setup_points (const SimSetup *setup);
/* C of group s at a point of the sweep. */
double sim_setup_swept (const SimSetup *setup, size_t point, uint32_t s);
/* Compound impacts of a point: S x M x 2 x 2^M, as SimSystem has them. */
void sim_setup_compound (const SimSetup *setup, size_t point, double *compound);

#endif
