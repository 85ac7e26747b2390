/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-bpr.c: kind `bpr`: loss and gradients of bpr-mf, summed over triples. */
#include "tests/golden/bpr-case.h"

static gboolean
check_bpr (GoldenCase *c, GError **error)
{
  g_auto (BprCase) bpr = { 0 };
  g_autofree uint32_t *triple = NULL, *user = NULL, *item = NULL;
  g_autofree double *difference = NULL, *score = NULL;
  FlBatch batch = FL_BATCH (.width = 2);
  double reg, loss;

  if (!golden_read_number (c->input, "reg", &reg, error) || !bpr_case_init (&bpr, c, 0, error)
      || (triple = bpr_case_ids (&bpr, c->input, "triples", 3, &batch.n, error)) == NULL)
    return FALSE;
  batch.user = user = g_new (uint32_t, batch.n + 1);
  batch.item = item = g_new (uint32_t, 2 * batch.n + 1);
  score = g_new (double, 2 * batch.n + 1);
  difference = g_new (double, batch.n + 1);
  for (size_t k = 0; k < batch.n; k++)
    {
      user[k] = triple[3 * k];
      item[2 * k] = triple[3 * k + 1];
      item[2 * k + 1] = triple[3 * k + 2];
    }
  if (!bpr.ops->scores (bpr.model->self, &batch, score, error)
      || !bpr_case_loss (&bpr, &batch, 1, reg, &loss, error))
    return FALSE;
  for (size_t k = 0; k < batch.n; k++)
    difference[k] = score[2 * k] - score[2 * k + 1];
  golden_numbers (c, "score_differences", difference, batch.n);
  golden_number (c, "bpr_loss_sum", loss);
  golden_number (c, "objective_sum", loss + bpr.gradient->penalty);
  bpr_case_compare (c, "", "grad_user_factors", &bpr.gradient->block[0]);
  bpr_case_compare (c, "", "grad_item_factors", &bpr.gradient->block[1]);
  return TRUE;
}

GOLDEN_KIND ("bpr_fda_itfr", "bpr", check_bpr)
