/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* golden.c: kind `groupdro`: weights of groups from batch to batch, by the
 * mitigator's own code. */
#include "plugins/mitigators/group-dro/group-dro.h"
#include "tests/golden/golden.h"

#include <math.h>

static gboolean
check_groupdro (GoldenCase *c, GError **error)
{
  g_auto (GoldenMatrix) losses = { 0 }; /* steps x groups; null: no triple in the batch */
  g_autofree double *weight = NULL, *weights = NULL, *loss = NULL;
  double eta;

  golden_tolerance (c, "abs", 1e-10);
  if (!golden_read_gaps (c->input, "group_losses_per_step", &losses, error)
      || !golden_read_number (c->input, "eta", &eta, error)
      || (weight = golden_read_numbers (c->input, "initial_weights", losses.n_cols, error)) == NULL)
    return FALSE;
  for (size_t g = 0; g < losses.n_cols; g++)
    weight[g] = log (weight[g]);
  weights = g_new (double, (size_t) losses.n_rows * losses.n_cols);
  loss = g_new (double, losses.n_rows);
  for (size_t s = 0; s < losses.n_rows; s++)
    {
      const double *row = losses.data + s * losses.n_cols;

      group_dro_weights (losses.n_cols, row, eta, GROUP_DRO_WAIT, weight);
      loss[s] = group_dro_loss (losses.n_cols, row, weight);
      for (size_t g = 0; g < losses.n_cols; g++)
        weights[s * losses.n_cols + g] = exp (weight[g]);
    }
  golden_numbers (c, "weights_after_step", weights, (size_t) losses.n_rows * losses.n_cols);
  golden_numbers (c, "weighted_loss_with_updated_weights", loss, losses.n_rows);
  return TRUE;
}

GOLDEN_KIND ("bpr_fda_itfr", "groupdro", check_groupdro)
