/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* group-dro.h: what the plugin and its golden check share. */
#ifndef GROUP_DRO_H
#define GROUP_DRO_H

#include <fairlead/plugin.h>

/* What a group's absence from a batch means. */
typedef enum
{
  GROUP_DRO_WAIT,  /* all weights stay                                  */
  GROUP_DRO_OTHERS /* those that are there share what weight they had   */
} GroupDroMissing;

/* The logarithms of the weights of n groups after a batch: w_i <- w_i exp (eta L_i) / sum_j
 * w_j exp (eta L_j) [ITFR, eq. 4].  A weight that is too small for a number comes back
 * from its logarithm when its loss is high for long.  A loss of NaN: the group has no
 * triple in the batch; weight 0, -INFINITY here: it has none at all. */
void group_dro_weights (size_t n, const double *loss, double eta, GroupDroMissing missing,
                        double *log_weight);

/* sum_i w_i L_i over the groups that are there. */
double group_dro_loss (size_t n, const double *loss, const double *log_weight);

#endif
