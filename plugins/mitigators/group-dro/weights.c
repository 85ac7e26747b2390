/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* weights.c: how the weights of groups follow their losses. */
#include "group-dro.h"

#include <math.h>

static gboolean
has_triples (double log_weight)
{
  return log_weight > -INFINITY;
}

static gboolean
is_there (double loss, double log_weight)
{
  return has_triples (log_weight) && !isnan (loss);
}

/* log sum exp over the groups that are there; the highest is taken out, which keeps it from
 * overflow, and from the logarithm of 0. */
static double
log_sum (size_t n, const double *loss, const double *log_weight)
{
  double highest = -INFINITY, sum = 0.0;

  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], log_weight[g]))
      highest = fmax (highest, log_weight[g]);
  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], log_weight[g]))
      sum += exp (log_weight[g] - highest);
  return sum > 0.0 ? highest + log (sum) : -INFINITY;
}

void
group_dro_weights (size_t n, const double *loss, double eta, GroupDroMissing missing,
                   double *log_weight)
{
  double before, after;

  for (size_t g = 0; g < n; g++)
    if (has_triples (log_weight[g]) && isnan (loss[g]) && missing == GROUP_DRO_WAIT)
      return;
  before = log_sum (n, loss, log_weight);
  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], log_weight[g]))
      log_weight[g] += eta * loss[g];
  after = log_sum (n, loss, log_weight);
  for (size_t g = 0; g < n; g++)
    if (is_there (loss[g], log_weight[g]))
      log_weight[g] += before - after;
}

double
group_dro_loss (size_t n, const double *loss, const double *log_weight)
{
  double sum = 0.0;

  for (size_t g = 0; g < n; g++)
    if (!isnan (loss[g]))
      sum += exp (log_weight[g]) * loss[g];
  return sum;
}
