/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* view.c: what objectives look at, and the gradients they give by factors.
 *
 * Predictions are independent of one another, and every row of a gradient is
 * summed by one thread in the order of users or of items: the digits do not
 * depend on the number of threads.
 */
#include "core/evaluate/evaluate-room.h"

#include <math.h>
#include <string.h>

struct FlViewPrivate
{
  FlView view; /* first: fl_view_free is given its address */
  const FlInstance *model;
  FlFactors factors;
  FlGroups groups[2]; /* by FlSide: whoever made them may know fewer members */
  uint32_t *user;
  double *rating;     /* NULL when the ratings are stored as double */
  double *predicted;
  size_t *user_start; /* NULL unless there are no ratings           */
  FlRatings *train;   /* NULL when the view has all that was trained on */
  const FlCsr *held_out; /* by user: no candidates either; or NULL  */
  const uint8_t *gone;      /* items that are nobody's; or NULL         */
  FlTies ties;
  FlLists *lists;
};

/* p_u . q_i */
static double
inner_product (const FlFactors *factors, uint32_t u, uint32_t i)
{
  size_t rank = factors->rank;

  if (factors->user_f64 != NULL)
    return fl_dot_f64 (rank, factors->user_f64 + u * rank, factors->item_f64 + i * rank);
  return fl_dot_f32 (rank, factors->user_f32 + u * rank, factors->item_f32 + i * rank);
}

static gboolean
score_block (const FlViewPrivate *priv, size_t n_users, const uint32_t *user, size_t n_items,
             const uint32_t *item, double *out, GError **error)
{
  if (fl_model_scores_itself (priv->model))
    return fl_model_score (priv->model, n_users, user, n_items, item, out, error);
  for (size_t k = 0; k < n_users; k++)
    for (size_t l = 0; l < n_items; l++)
      out[k * n_items + l] = inner_product (&priv->factors, user[k], item[l]);
  return TRUE;
}

gboolean
fl_view_score (const FlView *view, size_t n_users, const uint32_t *user, size_t n_items,
               const uint32_t *item, double *out, GError **error)
{
  return score_block (view->priv, n_users, user, n_items, item, out, error);
}

/* ---- predictions ------------------------------------------------------- */

static void
predict_from_factors (FlViewPrivate *priv)
{
  const FlView *view = &priv->view;

#pragma omp parallel for schedule(static)
  for (size_t k = 0; k < view->n; k++)
    priv->predicted[k] = inner_product (&priv->factors, view->user[k], view->item[k]);
}

/* One call of the model for each user: the items that the user rated. */
static gboolean
predict_from_scores (FlViewPrivate *priv, GError **error)
{
  const FlView *view = &priv->view;
  uint32_t u_failed = view->n_users; /* the lowest, so that the message is always the same */
  GError *first = NULL;

#pragma omp parallel for schedule(dynamic, 16)
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      size_t start = view->user_start[u], n = view->user_start[u + 1] - start;
      GError *own = NULL;

      if (n == 0
          || score_block (priv, 1, &u, n, view->item + start, priv->predicted + start, &own))
        continue;
#pragma omp critical (fl_view_failure)
      if (u < u_failed)
        {
          u_failed = u;
          g_clear_error (&first);
          first = own;
        }
      else
        g_error_free (own);
    }
  if (first != NULL)
    g_propagate_error (error, first);
  return u_failed == view->n_users;
}

static gboolean
check_predictions (const FlViewPrivate *priv, GError **error)
{
  const FlView *view = &priv->view;

  for (size_t k = 0; k < view->n; k++)
    if (!isfinite (view->predicted[k]))
      return fl_fail (error, FL_ERROR_NUMERIC, "model %s: the score of user %u and item %u is %g",
                      priv->model->plugin->name, view->user[k], view->item[k],
                      view->predicted[k]);
  return TRUE;
}

/* Factors of the view's users and items only: those that a mitigator added are
 * behind them. */
static gboolean
read_factors (FlViewPrivate *priv, GError **error)
{
  FlView *view = &priv->view;
  FlFactors *factors = &priv->factors;

  if (!fl_model_factors (priv->model, factors, error))
    return FALSE;
  if (factors->n_users < view->n_users || factors->n_items < view->n_items)
    return fl_fail (error, FL_ERROR_PLUGIN,
                    "model %s: factors of %u users and %u items, wanted %u and %u: not fitted?",
                    priv->model->plugin->name, factors->n_users, factors->n_items, view->n_users,
                    view->n_items);
  factors->n_users = view->n_users;
  factors->n_items = view->n_items;
  view->factors = factors;
  return TRUE;
}

static void
drop_lists (FlViewPrivate *priv)
{
  g_clear_pointer (&priv->lists, fl_lists_free);
  priv->view.lists = NULL;
  priv->view.k = 0;
}

gboolean
fl_view_update (FlView *view, GError **error)
{
  FlViewPrivate *priv = (FlViewPrivate *) view;

  drop_lists (priv);
  if (!fl_model_prepare_scores (priv->model, error))
    return FALSE;
  if (fl_model_has (priv->model, FL_NEEDS_FACTORS))
    {
      if (!read_factors (priv, error))
        return FALSE;
      predict_from_factors (priv);
    }
  else if (!predict_from_scores (priv, error))
    return FALSE;
  return check_predictions (priv, error);
}

void
fl_view_set_ties (FlView *view, FlTies ties)
{
  ((FlViewPrivate *) view)->ties = ties;
}

gboolean
fl_view_rank (const FlView *view, size_t n, gboolean scored, FlRanked *ranked, GError **error)
{
  const FlViewPrivate *priv = view->priv;
  FlRanking ranking = { .n_users = view->n_users, .n_items = view->n_items,
                        .factors = view->factors, .model = priv->model,
                        .seen = { &view->train->by_user, priv->held_out },
                        .gone = priv->gone, .ties = priv->ties, .seed = view->seed };

  *ranked = (FlRanked) { .lists = NULL };
  if (n > view->n_items)
    return fl_fail (error, FL_ERROR_CONFIG, "lists of %" G_GSIZE_FORMAT " items are wanted, and "
                    "there are %u items", n, view->n_items);
  ranked->lists = fl_ranking_scored_lists (&ranking, n, scored ? &ranked->score : NULL,
                                           &ranked->tied, error);
  return ranked->lists != NULL;
}

gboolean
fl_view_lists (FlView *view, size_t k, GError **error)
{
  FlViewPrivate *priv = (FlViewPrivate *) view;
  FlRanked ranked;

  drop_lists (priv);
  if (!fl_view_rank (view, k, FALSE, &ranked, error))
    return FALSE;
  priv->lists = g_steal_pointer (&ranked.lists);
  fl_ranked_clear (&ranked);
  view->lists = priv->lists;
  view->k = k;
  return TRUE;
}

/* ---- life -------------------------------------------------------------- */

static gboolean
set_ratings (FlViewPrivate *priv, const FlRatings *ratings, GError **error)
{
  FlView *view = &priv->view;
  const FlCsr *rows = &ratings->by_user;

  view->user_start = rows->start;
  view->item = rows->col;
  view->n = rows->start[view->n_users];
  priv->user = fl_alloc (view->n, sizeof *priv->user, error);
  priv->predicted = priv->user != NULL ? fl_alloc (view->n, sizeof (double), error) : NULL;
  if (priv->predicted == NULL)
    return FALSE;
  if (rows->f64 == NULL)
    {
      priv->rating = fl_alloc (view->n, sizeof (double), error);
      if (priv->rating == NULL)
        return FALSE;
      for (size_t k = 0; k < view->n; k++)
        priv->rating[k] = rows->f32[k];
    }
  for (uint32_t u = 0; u < view->n_users; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
      priv->user[k] = u;
  view->user = priv->user;
  view->rating = rows->f64 != NULL ? rows->f64 : priv->rating;
  view->predicted = priv->predicted;
  return TRUE;
}

/* The ratings among the view's users and items, of which a mitigator added some. */
static FlRatings *
cut_ratings (const FlRatings *ratings, const FlView *view, GError **error)
{
  const FlCsr *rows = &ratings->by_user;
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();

  for (uint32_t u = 0; u < view->n_users; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1] && rows->col[k] < view->n_items; k++)
      fl_triplets_add (triplets, u, rows->col[k], fl_csr_value (rows, k));
  return fl_triplets_make_ratings (triplets, view->n_users, view->n_items, error);
}

static gboolean
set_train (FlViewPrivate *priv, const FlData *data, GError **error)
{
  FlView *view = &priv->view;

  view->train = data->train;
  if (data->train->n_users != view->n_users || data->train->n_items != view->n_items)
    view->train = priv->train = cut_ratings (data->train, view, error);
  /* Lists that the test ratings judge hold nothing that was known before. */
  if (view->part == FL_PART_TEST && data->validation != NULL)
    priv->held_out = &data->validation->by_user;
  return view->train != NULL;
}

static gboolean
copy_groups (const FlGroups *theirs, FlGroups *mine, const FlGroups **groups, GError **error)
{
  if (theirs == NULL)
    return TRUE;
  if (theirs->size == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "hands over a FlGroups without its size: use "
                    "FL_GROUPS");
  FL_COPY (mine, theirs);
  *groups = mine;
  return TRUE;
}

static gboolean
set_groups (FlViewPrivate *priv, const FlData *data, GError **error)
{
  FlView *view = &priv->view;

  if (!copy_groups (data->user_groups, &priv->groups[FL_SIDE_USER], &view->user_groups, error)
      || !copy_groups (data->item_groups, &priv->groups[FL_SIDE_ITEM], &view->item_groups, error))
    return FALSE;
  view->n_user_groups = fl_groups_count (view->user_groups);
  view->n_item_groups = fl_groups_count (view->item_groups);
  view->user_group = view->user_groups != NULL ? view->user_groups->first : NULL;
  view->item_group = view->item_groups != NULL ? view->item_groups->first : NULL;
  return TRUE;
}

FlView *
fl_view_of (const FlData *data, const FlRatings *ratings, FlPart part, const FlInstance *model,
            GError **error)
{
  g_autoptr (FlView) view = (FlView *) g_new0 (FlViewPrivate, 1);
  FlViewPrivate *priv = (FlViewPrivate *) view;

  priv->model = model;
  view->size = sizeof *view;
  view->priv = priv;
  view->part = part;
  view->n_users = data->n_users != 0 ? data->n_users : data->train->n_users;
  view->n_items = data->n_items != 0 ? data->n_items : data->train->n_items;
  priv->gone = data->gone;
  if (!set_groups (priv, data, error) || !set_train (priv, data, error))
    return NULL;
  if (ratings != NULL && ratings->n_items > view->n_items)
    {
      fl_fail (error, FL_ERROR_CONFIG, "these ratings are also of items that a mitigator added: "
               "it must come last");
      return NULL;
    }
  if (ratings != NULL)
    {
      if (!set_ratings (priv, ratings, error))
        return NULL;
    }
  else
    view->user_start = priv->user_start = g_new0 (size_t, view->n_users + (size_t) 1);
  return fl_view_update (view, error) ? g_steal_pointer (&view) : NULL;
}

FlView *
fl_view_new (const FlData *data, FlPart part, const FlInstance *model, GError **error)
{
  const FlRatings *ratings = NULL;
  FlData own;

  if (data->size == 0)
    {
      fl_fail (error, FL_ERROR_PLUGIN, "is given a FlData without its size: use FL_DATA");
      return NULL;
    }
  FL_COPY (&own, data);
  if (part != FL_PART_TEST)
    ratings = part == FL_PART_TRAIN ? own.train : own.validation;
  if (part == FL_PART_TEST || ratings == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "there are no %s ratings here",
               part == FL_PART_TEST ? "test" : "validation");
      return NULL;
    }
  return fl_view_of (&own, ratings, part, model, error);
}

void
fl_view_free (FlView *view)
{
  FlViewPrivate *priv = (FlViewPrivate *) view;

  if (view == NULL)
    return;
  g_free (priv->user);
  g_free (priv->rating);
  g_free (priv->predicted);
  g_free (priv->user_start);
  fl_ratings_free (priv->train);
  fl_lists_free (priv->lists);
  g_free (priv);
}

/* ---- gradients --------------------------------------------------------- */

/* out <- out + g x, over one row of factors. */
static void
add_scaled_row (size_t rank, double g, const double *f64, const float *f32, size_t row,
                double *out)
{
  if (f64 != NULL)
    for (size_t a = 0; a < rank; a++)
      out[a] += g * f64[row * rank + a];
  else
    for (size_t a = 0; a < rank; a++)
      out[a] += g * (double) f32[row * rank + a];
}

/* d_user[u] = sum of g_ui q_i over the entries of u. */
static void
project_on_users (const FlView *view, const double *g, double *d_user)
{
  const FlFactors *f = view->factors;

#pragma omp parallel for schedule(dynamic, 64)
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      double *out = d_user + u * f->rank;

      memset (out, 0, f->rank * sizeof *out);
      for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
        add_scaled_row (f->rank, g[k], f->item_f64, f->item_f32, view->item[k], out);
    }
}

/* Items are shared out in blocks, so that no two threads write the same row and
 * the entries need not be sorted by item first. */
#define N_ITEM_BLOCKS 32u

/* d_item[i] = sum of g_ui p_u over the entries of i, users ascending. */
static void
project_on_items (const FlView *view, const double *g, double *d_item)
{
  const FlFactors *f = view->factors;
  const FlCsr rows = fl_view_rows (view);

  memset (d_item, 0, (size_t) view->n_items * f->rank * sizeof *d_item);
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t block = 0; block < N_ITEM_BLOCKS; block++)
    {
      uint32_t i_first = (uint32_t) ((uint64_t) view->n_items * block / N_ITEM_BLOCKS);
      uint32_t i_end = (uint32_t) ((uint64_t) view->n_items * (block + 1) / N_ITEM_BLOCKS);

      if (i_first == i_end)
        continue;
      for (uint32_t u = 0; u < view->n_users; u++)
        for (size_t k = fl_csr_lower_bound (&rows, u, i_first);
             k < rows.start[u + 1] && rows.col[k] < i_end; k++)
          add_scaled_row (f->rank, g[k], f->user_f64, f->user_f32, u,
                          d_item + rows.col[k] * f->rank);
    }
}

/* Numbers that are finite may have sums that are not. */
static gboolean
check_projected (const double *d, size_t n, const char *side, GError **error)
{
  for (size_t k = 0; d != NULL && k < n; k++)
    if (!isfinite (d[k]))
      return fl_fail (error, FL_ERROR_NUMERIC, "the derivative by %s factors is %g", side, d[k]);
  return TRUE;
}

static gboolean
gradient_by_entries (const FlInstance *objective, const FlView *view, double *loss,
                     double *d_user, double *d_item, GError **error)
{
  g_autofree double *d_predicted = fl_alloc (view->n, sizeof (double), error);

  if (d_predicted == NULL || !fl_objective_gradient (objective, view, loss, d_predicted, error))
    return FALSE;
  if (d_user != NULL)
    project_on_users (view, d_predicted, d_user);
  if (d_item != NULL)
    project_on_items (view, d_predicted, d_item);
  return check_projected (d_user, view->n_users * view->factors->rank, "user", error)
         && check_projected (d_item, view->n_items * view->factors->rank, "item", error);
}

static gboolean
gradient_by_factors (const FlInstance *objective, const FlView *view, double *loss,
                     double *d_user, double *d_item, GError **error)
{
  if (!fl_objective_has_gradient (objective))
    return fl_fail (error, FL_ERROR_CONFIG, "has no gradient");
  if (view->factors == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "its gradient needs a model with factors, not %s",
                    fl_instance_name (view->priv->model));
  if (fl_objective_has_own_factors (objective))
    return fl_objective_gradient_own_factors (objective, view, loss, d_user, d_item, error);
  return gradient_by_entries (objective, view, loss, d_user, d_item, error);
}

gboolean
fl_objective_gradient_factors (const FlInstance *objective, const FlView *view, double *loss,
                               double *d_user, double *d_item, GError **error)
{
  if (gradient_by_factors (objective, view, loss, d_user, d_item, error))
    return TRUE;
  g_prefix_error (error, "objective %s: ", fl_instance_name (objective));
  return FALSE;
}
