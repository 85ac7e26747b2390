/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/golden/bpr-case.h"
#include "tests/support/gradients.h"

#include <math.h>

/* What the set says of single precision. */
#define TOLERANCE_F32 1e-5

void
bpr_case_clear (BprCase *bpr)
{
  fl_gradient_free (bpr->gradient);
  fl_gradient_free (bpr->d_delta);
  fl_instance_free (bpr->model);
  fl_ratings_free (bpr->ratings);
}

static gboolean
start_model (BprCase *bpr, GoldenCase *c, const GoldenMatrix *user, const GoldenMatrix *item,
             double tau, GError **error)
{
  g_autofree char *rank = g_strdup_printf ("rank=%u", user->n_cols);
  g_autofree char *temperature = g_strdup_printf ("tau=%.17g", tau);
  FlBlock delta;

  bpr->model = test_instance_new (c->registry, FL_KIND_MODEL, "bpr-mf",
                                  (const char *[]) { rank, temperature, NULL }, error);
  bpr->ratings = fl_ratings_new (user->n_rows, item->n_rows, 1, &(uint32_t) { 0 },
                                 &(uint32_t) { 0 }, &(double) { 1 }, error);
  if (bpr->model == NULL || bpr->ratings == NULL)
    return FALSE;
  bpr->ops = ((const FlModelOps *) bpr->model->ops)->gradient;
  if (!bpr->ops->start (bpr->model->self, bpr->ratings, 1, error))
    return FALSE;
  bpr->ops->blocks (bpr->model->self, &bpr->block);
  delta = (FlBlock) { .name = "delta", .n_rows = item->n_rows,
                      .n_cols = bpr->ops->item_width (bpr->model->self) };
  bpr->gradient = fl_gradient_new (2, bpr->block, error);
  bpr->d_delta = fl_gradient_new (1, &delta, error);
  return bpr->gradient != NULL && bpr->d_delta != NULL;
}

gboolean
bpr_case_init (BprCase *bpr, GoldenCase *c, double tau, GError **error)
{
  g_auto (GoldenMatrix) user = { 0 }, item = { 0 };

  golden_tolerance (c, "abs", 1e-10);
  c->tolerance = MAX (c->tolerance, TOLERANCE_F32);
  if (!golden_read_matrix (c->input, "user_factors", &user, error)
      || !golden_read_matrix (c->input, "item_factors", &item, error))
    return FALSE;
  if (user.n_cols != item.n_cols)
    return fl_fail (error, FL_ERROR_DATA, "user_factors have %u columns, item_factors %u",
                    user.n_cols, item.n_cols);
  if (!start_model (bpr, c, &user, &item, tau, error))
    return FALSE;
  for (size_t k = 0; k < (size_t) user.n_rows * user.n_cols; k++)
    bpr->block[0].f32[k] = (float) user.data[k];
  for (size_t k = 0; k < (size_t) item.n_rows * item.n_cols; k++)
    bpr->block[1].f32[k] = (float) item.data[k];
  return TRUE;
}

uint32_t *
bpr_case_ids (const BprCase *bpr, JsonObject *input, const char *key, size_t width, size_t *n,
              GError **error)
{
  JsonNode *node = json_object_get_member (input, key);
  g_autofree double *number = NULL;
  g_autofree uint32_t *id = NULL;

  *n = node != NULL && JSON_NODE_HOLDS_ARRAY (node)
       ? json_array_get_length (json_node_get_array (node)) : 0;
  number = golden_read_numbers (input, key, *n * width, error);
  if (number == NULL)
    return NULL;
  id = g_new (uint32_t, *n * width + 1);
  for (size_t k = 0; k < *n * width; k++)
    {
      double bound = bpr->block[k % width % 3 == 0 ? 0 : 1].n_rows;

      if (!(number[k] >= 0 && number[k] < bound) || number[k] != floor (number[k]))
        {
          fl_fail (error, FL_ERROR_DATA, "input.%s: %g is not a whole number below %g", key,
                   number[k], bound);
          return NULL;
        }
      id[k] = (uint32_t) number[k];
    }
  return g_steal_pointer (&id);
}

gboolean
bpr_case_loss (BprCase *bpr, const FlBatch *batch, double weight, double l2, double *loss,
               GError **error)
{
  g_autofree double *score = g_new (double, 2 * batch->n + 1);
  g_autofree double *d_score = g_new (double, 2 * batch->n + 1);
  g_autofree double *weights = g_new (double, batch->n + 1);

  for (size_t k = 0; k < batch->n; k++)
    weights[k] = weight;
  if (!bpr->ops->scores (bpr->model->self, batch, score, error))
    return FALSE;
  *loss = fl_loss_bpr (batch->n, score, weights, d_score, NULL);
  return bpr->ops->backward (bpr->model->self, batch, d_score, l2, bpr->gradient,
                             batch->delta != NULL ? bpr->d_delta : NULL, error);
}

void
bpr_case_compare (GoldenCase *c, const char *root, const char *name, const FlGradientBlock *table)
{
  size_t n = table->n_rows * table->n_cols;
  g_autofree char *path = g_strconcat (root, name, NULL);
  g_autofree double *got = g_new (double, n + 1);

  for (size_t k = 0; k < n; k++)
    got[k] = test_gradient_number (table, k);
  golden_numbers (c, path, got, n);
}
