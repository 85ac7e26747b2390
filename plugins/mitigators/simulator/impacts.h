/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* impacts.h: the parameters that say how recommendations change fit, of all plugins
 * that have them. */
#ifndef SIMULATOR_IMPACTS_H
#define SIMULATOR_IMPACTS_H

#include "dynamics.h"

#define SIM_SELF_IMPACT(Self, default_) \
  FL_DOUBLES (Self, self_impact, default_, 0, 1, NULL, \
              "self impact T00; T01; T10; T11 (fit before, recommended): once for all, once a " \
              "group, or for each category of each group")
#define SIM_CROSS_IMPACT(Self) \
  FL_DOUBLES (Self, cross_impact, "0", -1, 1, NULL, \
              "C, by which being recommended another category moves the probability to fit: " \
              "one, one a group, or one for each category of each group")
#define SIM_COMPOUNDING(Self) \
  FL_CHOICE (Self, compounding, SIM_AVERAGE, "average|sequential|weighted", \
             "how impacts add up: mean over their orders (the chapter's); self impact, then the " \
             "others; weighted mean"), \
  FL_DOUBLES (Self, weights, "", 0, 1e9, NULL, \
              "weights of compounding = weighted: of self impact, then of the other categories; " \
              "empty: equal")

/* As given; tables NULL: there is no such parameter. */
typedef struct
{
  const FlDoubles *self, *cross, *tables, *weights;
  int compounding;
} SimImpactKeys;

typedef struct
{
  uint32_t n_groups, n_items; /* S, M                                          */
  double *self;               /* S x M x 4                                     */
  double *cross;              /* C: S x M                                      */
  SimImpactKeys keys;         /* tables: cross impact instead of C; or empty   */
} SimImpacts;

/* Copies a list of n_blocks x size numbers to `to`, or one that is given once for
 * all, for each of the n_groups, or for each of n_blocks. */
gboolean sim_spread (const char *key, const FlDoubles *list, size_t size, size_t n_groups,
                     size_t n_blocks, double *to, GError **error);
gboolean sim_check_length (const char *key, const FlDoubles *list, size_t n, GError **error);

/* The lists are borrowed. */
gboolean sim_impacts_init (SimImpacts *impacts, const SimImpactKeys *keys, uint32_t n_groups,
                           uint32_t n_items, GError **error);
void sim_impacts_clear (SimImpacts *impacts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SimImpacts, sim_impacts_clear)

/* Compound impacts as SimSystem has them, and how many: S x M x 2 x 2^M. */
size_t sim_impacts_size (const SimImpacts *impacts);
void sim_impacts_compound (const SimImpacts *impacts, double *compound);

#endif
