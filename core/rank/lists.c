/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lists.c: the best k items of each user. */
#include "core/rank/rank-room.h"

#include <math.h>
#include <string.h>

void
fl_lists_free (FlLists *lists)
{
  if (lists == NULL)
    return;
  g_free ((gpointer) lists->item);
  g_free ((gpointer) lists->length);
  g_free (lists);
}

/* Marks what user u has seen, or takes the marks off. */
static void
mark_seen (const FlRanking *ranking, uint32_t u, uint8_t mark, uint8_t *seen)
{
  for (size_t s = 0; s < G_N_ELEMENTS (ranking->seen); s++)
    {
      const FlCsr *rows = ranking->seen[s];

      for (size_t k = rows != NULL ? rows->start[u] : 0; rows != NULL && k < rows->start[u + 1];
           k++)
        if (rows->col[k] < ranking->n_items)
          seen[rows->col[k]] = mark;
    }
}

static gboolean
score_user (const FlRanking *ranking, uint32_t u, const uint32_t *all, double *score,
            GError **error)
{
  const FlFactors *f = ranking->factors;
  const FlModelOps *ops = ranking->model->ops;

  if (f == NULL)
    return ops->score (ranking->model->self, 1, &u, ranking->n_items, all, score, error);
  for (uint32_t i = 0; i < ranking->n_items; i++)
    score[i] = f->user_f64 != NULL
                   ? fl_dot_f64 (f->rank, f->user_f64 + u * f->rank, f->item_f64 + i * f->rank)
                   : fl_dot_f32 (f->rank, f->user_f32 + u * f->rank, f->item_f32 + i * f->rank);
  return TRUE;
}

static gboolean
check_scores (const FlRanking *ranking, uint32_t u, const double *score, GError **error)
{
  for (uint32_t i = 0; i < ranking->n_items; i++)
    if (!isfinite (score[i]))
      return fl_fail (error, FL_ERROR_NUMERIC, "model %s: the score of user %u and item %u is %g",
                      ranking->model->plugin->name, u, i, score[i]);
  return TRUE;
}

/* Items come by ascending index, so that of equal scores the first stays ahead. */
static uint32_t
choose_best (const FlRanking *ranking, size_t k, const double *score, const uint8_t *seen,
             uint32_t *list)
{
  uint32_t n = 0;

  for (uint32_t i = 0; i < ranking->n_items; i++)
    {
      uint32_t place = n;

      if (seen[i] || (n == k && !(score[i] > score[list[n - 1]])))
        continue;
      while (place > 0 && score[i] > score[list[place - 1]])
        place--;
      n = n < k ? n + 1 : n;
      memmove (list + place + 1, list + place, (n - 1 - place) * sizeof *list);
      list[place] = i;
    }
  return n;
}

static gboolean
rank_all (const FlRanking *ranking, size_t k, uint32_t *item, uint32_t *length, GError **error)
{
  g_autofree uint8_t *seen = fl_alloc (ranking->n_items, 1, error);
  g_autofree uint32_t *all = seen ? fl_alloc (ranking->n_items, sizeof *all, error) : NULL;
  g_autofree double *score = all ? fl_alloc (ranking->n_items, sizeof *score, error) : NULL;

  if (score == NULL)
    return FALSE;
  for (uint32_t i = 0; i < ranking->n_items; i++)
    all[i] = i;
  for (uint32_t u = 0; u < ranking->n_users; u++)
    {
      if (!score_user (ranking, u, all, score, error)
          || !check_scores (ranking, u, score, error))
        return FALSE;
      mark_seen (ranking, u, 1, seen);
      length[u] = choose_best (ranking, k, score, seen, item + u * k);
      mark_seen (ranking, u, 0, seen);
    }
  return TRUE;
}

FlLists *
fl_ranking_lists (const FlRanking *ranking, size_t k, GError **error)
{
  g_autofree uint32_t *length = fl_alloc (ranking->n_users, sizeof *length, error);
  g_autofree uint32_t *item = NULL;
  FlLists *lists;

  if (length == NULL
      || (item = fl_alloc (ranking->n_users * k, sizeof *item, error)) == NULL
      || !rank_all (ranking, k, item, length, error))
    return NULL;
  lists = g_new (FlLists, 1);
  *lists = (FlLists) { .n_users = ranking->n_users, .k = k, .item = g_steal_pointer (&item),
                       .length = g_steal_pointer (&length) };
  return lists;
}
