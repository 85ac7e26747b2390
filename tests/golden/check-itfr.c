/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-itfr.c: kind `itfr`: normalised scores [itfr, eq. 8], the loss of each group of
 * triples, its gradient there and where that gradient leads [itfr, eq. 3], by bpr-mf.
 * What a mitigator makes of them is not covered here. */
#include "tests/golden/bpr-case.h"

#include <math.h>
#include <string.h>

typedef struct
{
  GoldenCase *c;
  BprCase bpr;
  uint32_t n_user_groups, n_item_groups, *user_group, *item_group;
  size_t n;
  uint32_t *triple;
  uint32_t *user, *item; /* those of one group */
  double rho;
} Itfr;

static void
itfr_clear (Itfr *itfr)
{
  bpr_case_clear (&itfr->bpr);
  g_free (itfr->user_group);
  g_free (itfr->item_group);
  g_free (itfr->triple);
  g_free (itfr->user);
  g_free (itfr->item);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Itfr, itfr_clear)

#define GROUPS_MAX 1000

static gboolean
itfr_init (Itfr *itfr, GoldenCase *c, GError **error)
{
  double tau;

  itfr->c = c;
  if (!golden_read_number (c->input, "tau", &tau, error)
      || !golden_read_number (c->input, "rho", &itfr->rho, error)
      || !golden_read_index (c->input, "n_user_groups", GROUPS_MAX, &itfr->n_user_groups, error)
      || !golden_read_index (c->input, "n_item_groups", GROUPS_MAX, &itfr->n_item_groups, error)
      || !bpr_case_init (&itfr->bpr, c, tau, error))
    return FALSE;
  itfr->user_group = golden_read_ids (c->input, "user_group", itfr->bpr.block[0].n_rows,
                                      itfr->n_user_groups, error);
  if (itfr->user_group == NULL)
    return FALSE;
  itfr->item_group = golden_read_ids (c->input, "item_group", itfr->bpr.block[1].n_rows,
                                      itfr->n_item_groups, error);
  if (itfr->item_group == NULL)
    return FALSE;
  itfr->triple = bpr_case_ids (&itfr->bpr, c->input, "triples", 3, &itfr->n, error);
  itfr->user = g_new (uint32_t, itfr->n + 1);
  itfr->item = g_new (uint32_t, 2 * itfr->n + 1);
  return itfr->triple != NULL;
}

static gboolean
check_scores (Itfr *itfr, GError **error)
{
  g_autofree double *score = NULL;
  FlFactors f;

  if (!itfr->bpr.ops->prepare_scores (itfr->bpr.model->self, error))
    return FALSE;
  fl_model_factors (itfr->bpr.model, &f, NULL);
  score = g_new (double, (size_t) f.n_users * f.n_items + 1);
  for (size_t u = 0; u < f.n_users; u++)
    fl_dot_rows_f32 (f.n_items, NULL, f.rank, f.item_f32, f.rank, f.user_f32 + u * f.rank,
                     score + u * f.n_items);
  golden_numbers (itfr->c, "score_matrix", score, (size_t) f.n_users * f.n_items);
  return TRUE;
}

/* The triples of group g: user group * n_item_groups + item group of the positive. */
static FlBatch
batch_of (Itfr *itfr, uint32_t g)
{
  FlBatch batch = FL_BATCH (.width = 2, .user = itfr->user, .item = itfr->item);

  for (size_t k = 0; k < itfr->n; k++)
    {
      const uint32_t *t = itfr->triple + 3 * k;

      if (itfr->user_group[t[0]] * itfr->n_item_groups + itfr->item_group[t[1]] != g)
        continue;
      itfr->user[batch.n] = t[0];
      itfr->item[2 * batch.n] = t[1];
      itfr->item[2 * batch.n + 1] = t[2];
      batch.n++;
    }
  return batch;
}

/* theta <- theta + factor * by; rows that `by` does not list stay. */
static void
move (BprCase *bpr, double factor, const FlGradient *by)
{
  for (size_t b = 0; b < 2; b++)
    for (uint32_t k = 0; k < by->block[b].n_used; k++)
      {
        size_t m = bpr->block[b].n_cols;

        fl_add_f32 (m, (float) factor, by->block[b].f32 + k * m,
                    bpr->block[b].f32 + by->block[b].row[k] * m);
      }
}

static void
compare_tables (Itfr *itfr, const char *root, const char *user, const char *item,
                const FlGradient *gradient)
{
  bpr_case_compare (itfr->c, root, user, &gradient->block[0]);
  bpr_case_compare (itfr->c, root, item, &gradient->block[1]);
}

/* Loss and gradient of a group, and those at rho times the gradient's direction. */
static gboolean
check_group (Itfr *itfr, const FlBatch *batch, const char *root, double *loss, double *sharp,
             GError **error)
{
  BprCase *bpr = &itfr->bpr;
  g_autoptr (FlGradient) plain = fl_gradient_new (2, bpr->block, error);
  g_autofree float *user = g_memdup2 (bpr->block[0].f32,
                                      bpr->block[0].n_rows * bpr->block[0].n_cols * sizeof *user);
  g_autofree float *item = g_memdup2 (bpr->block[1].f32,
                                      bpr->block[1].n_rows * bpr->block[1].n_cols * sizeof *item);
  g_autofree char *norm = g_strconcat (root, "grad_norm", NULL);
  double weight = 1 / (double) batch->n, length;

  if (plain == NULL || !bpr_case_loss (bpr, batch, weight, 0, loss, error))
    return FALSE;
  fl_gradient_add (plain, 1, bpr->gradient);
  fl_gradient_clear (bpr->gradient);
  length = sqrt (fl_gradient_dot (plain, plain));
  golden_number (itfr->c, norm, length);
  compare_tables (itfr, root, "grad_user", "grad_item", plain);
  fl_gradient_scale (plain, itfr->rho / length);
  compare_tables (itfr, root, "eps_user", "eps_item", plain);
  move (bpr, 1, plain);
  if (!bpr_case_loss (bpr, batch, weight, 0, sharp, error))
    return FALSE;
  compare_tables (itfr, root, "sam_grad_user", "sam_grad_item", bpr->gradient);
  fl_gradient_clear (bpr->gradient);
  memcpy (bpr->block[0].f32, user, bpr->block[0].n_rows * bpr->block[0].n_cols * sizeof *user);
  memcpy (bpr->block[1].f32, item, bpr->block[1].n_rows * bpr->block[1].n_cols * sizeof *item);
  return TRUE;
}

static gboolean
check_itfr (GoldenCase *c, GError **error)
{
  g_auto (Itfr) itfr = { 0 };
  g_autofree double *loss = NULL, *sharp = NULL, *present = NULL;
  uint32_t n_groups;
  size_t n_present = 0;

  if (!itfr_init (&itfr, c, error) || !check_scores (&itfr, error))
    return FALSE;
  n_groups = itfr.n_user_groups * itfr.n_item_groups;
  loss = g_new (double, n_groups);
  sharp = g_new (double, n_groups);
  present = g_new (double, n_groups);
  for (uint32_t g = 0; g < n_groups; g++)
    {
      FlBatch batch = batch_of (&itfr, g);
      g_autofree char *root = g_strdup_printf ("per_group/%zu/", n_present);
      g_autofree char *group = g_strconcat (root, "group", NULL);

      loss[g] = sharp[g] = NAN;
      if (batch.n == 0)
        continue;
      golden_number (c, group, g);
      if (!check_group (&itfr, &batch, root, &loss[g], &sharp[g], error))
        return FALSE;
      present[n_present++] = g;
    }
  golden_numbers (c, "group_loss", loss, n_groups);
  golden_numbers (c, "groups_present", present, n_present);
  golden_numbers (c, "sharpness_aware_loss", sharp, n_groups);
  return TRUE;
}

GOLDEN_KIND ("bpr_fda_itfr", "itfr", check_itfr)
