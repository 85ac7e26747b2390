/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-fda.c: kind `fda`: losses of triples with perturbed items [fda, eq. 21], and
 * their derivative by the perturbation, by bpr-mf.  What a mitigator makes of them is not
 * covered here. */
#include "tests/golden/bpr-case.h"

/* The terms of eq. 21: who, which positive, which negative (columns of a pair
 * [u0, i0, j0, u1, i1, j1]), and which of the two is perturbed. */
static const struct
{
  size_t user, positive, negative;
  unsigned perturbed;
} terms[] = {
  { 0, 4, 2, 1 << 0 }, /* hypothesis 1 */
  { 3, 1, 5, 1 << 0 },
  { 0, 1, 5, 1 << 1 }, /* hypothesis 2 */
  { 3, 4, 2, 1 << 1 },
};

static gboolean
term_loss (BprCase *bpr, size_t t, size_t n, const uint32_t *pair, const float *delta,
           double *loss, GError **error)
{
  g_autofree uint32_t *user = g_new (uint32_t, n + 1), *item = g_new (uint32_t, 2 * n + 1);
  FlBatch batch = FL_BATCH (.n = n, .width = 2, .user = user, .item = item, .delta = delta,
                            .perturbed = terms[t].perturbed);

  for (size_t k = 0; k < n; k++)
    {
      user[k] = pair[6 * k + terms[t].user];
      item[2 * k] = pair[6 * k + terms[t].positive];
      item[2 * k + 1] = pair[6 * k + terms[t].negative];
    }
  return bpr_case_loss (bpr, &batch, 1, 0, loss, error);
}

static float *
read_delta (const BprCase *bpr, JsonObject *input, GError **error)
{
  g_auto (GoldenMatrix) matrix = { 0 };
  size_t n;
  float *delta;

  if (!golden_read_matrix (input, "delta", &matrix, error))
    return NULL;
  if (matrix.n_rows != bpr->block[1].n_rows || matrix.n_cols != bpr->block[1].n_cols)
    {
      fl_fail (error, FL_ERROR_DATA, "input.delta is %u x %u, item_factors are %u x %zu",
               matrix.n_rows, matrix.n_cols, bpr->block[1].n_rows, bpr->block[1].n_cols);
      return NULL;
    }
  n = (size_t) matrix.n_rows * matrix.n_cols;
  delta = g_new (float, n + 1);
  for (size_t k = 0; k < n; k++)
    delta[k] = (float) matrix.data[k];
  return delta;
}

static gboolean
check_fda (GoldenCase *c, GError **error)
{
  g_auto (BprCase) bpr = { 0 };
  g_autofree uint32_t *pair = NULL;
  g_autofree float *delta = NULL;
  g_autoptr (FlGradient) both = NULL;
  double loss[G_N_ELEMENTS (terms)], sum = 0;
  size_t n;

  if (!bpr_case_init (&bpr, c, 0, error)
      || (pair = bpr_case_ids (&bpr, c->input, "pairs_u0_i0_j0_u1_i1_j1", 6, &n, error)) == NULL
      || (delta = read_delta (&bpr, c->input, error)) == NULL
      || (both = fl_gradient_new (1, &bpr.block[1], error)) == NULL)
    return FALSE;
  for (size_t hypothesis = 0; hypothesis < 2; hypothesis++)
    {
      for (size_t t = 2 * hypothesis; t < 2 * hypothesis + 2; t++)
        {
          if (!term_loss (&bpr, t, n, pair, delta, &loss[t], error))
            return FALSE;
          sum += loss[t];
        }
      bpr_case_compare (c, "", hypothesis == 0 ? "grad_delta_hypothesis1_only"
                                               : "grad_delta_hypothesis2_only",
                        bpr.d_delta->block);
      fl_gradient_add (both, 1, bpr.d_delta);
      fl_gradient_clear (bpr.d_delta);
    }
  golden_number (c, "L_fake", sum);
  golden_numbers (c, "L_fake_terms_eq21_order", loss, G_N_ELEMENTS (terms));
  bpr_case_compare (c, "", "grad_delta", both->block);
  return TRUE;
}

GOLDEN_KIND ("bpr_fda_itfr", "fda", check_fda)
