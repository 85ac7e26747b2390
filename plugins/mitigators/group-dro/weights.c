/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* weights.c: how the weights of groups follow their losses. */
#include "group-dro.h"

#include <math.h>

static gboolean
is_there (double loss, double weight)
{
  return weight > 0.0 && !isnan (loss);
}

void
group_dro_weights (size_t n, const double *loss, double eta, GroupDroMissing missing,
                   double *weight)
{
  double highest = -INFINITY, before = 0.0, sum = 0.0;

  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], weight[g]))
      {
        highest = fmax (highest, loss[g]);
        before += weight[g];
      }
    else if (weight[g] > 0.0 && missing == GROUP_DRO_WAIT)
      return;
  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], weight[g]))
      {
        /* exp (eta L_g), with a factor to all that keeps it from overflowing. */
        weight[g] *= exp (eta * (loss[g] - highest));
        sum += weight[g];
      }
  /* The highest loss has factor 1: sum is not 0. */
  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], weight[g]))
      weight[g] *= before / sum;
}

double
group_dro_loss (size_t n, const double *loss, const double *weight)
{
  double sum = 0.0;

  for (size_t g = 0; g < n; g++)
    if (!isnan (loss[g]))
      sum += weight[g] * loss[g];
  return sum;
}
