/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rerank.c: lists that a mitigator makes of the model's best. */
#include "core/evaluate/evaluate-room.h"

#include <string.h>

void
fl_ranked_clear (FlRanked *ranked)
{
  g_clear_pointer (&ranked->lists, fl_lists_free);
  g_clear_pointer (&ranked->score, g_free);
  g_clear_pointer (&ranked->tied, g_free);
}

double
fl_ranked_tied (const FlRanked *ranked)
{
  const FlLists *lists = ranked->lists;
  size_t n = 0, n_tied = 0;

  for (uint32_t u = 0; ranked->tied != NULL && u < lists->n_users; u++)
    for (size_t place = 0; place < lists->length[u]; place++, n++)
      n_tied += ranked->tied[u * lists->k + place];
  return n > 0 ? (double) n_tied / (double) n : 0.0;
}

void
fl_ranked_free (FlRanked *ranked)
{
  if (ranked != NULL)
    fl_ranked_clear (ranked);
  g_free (ranked);
}

/* Room for lists of n to be filled. */
static FlLists *
make_lists (uint32_t n_users, size_t n, uint32_t **item, uint32_t **length, GError **error)
{
  FlLists *lists;

  *length = NULL;
  *item = fl_alloc (n_users * n, sizeof **item, error);
  if (*item != NULL)
    *length = fl_alloc (n_users, sizeof **length, error);
  if (*length == NULL)
    {
      g_clear_pointer (item, g_free);
      return NULL;
    }
  lists = g_new (FlLists, 1);
  *lists = (FlLists) { .size = sizeof *lists, .n_users = n_users, .k = n, .item = *item,
                       .length = *length };
  return lists;
}

gboolean
fl_ranked_cut (const FlRanked *from, size_t n, FlRanked *to, GError **error)
{
  const FlLists *lists = from->lists;
  g_auto (FlRanked) cut = { .lists = NULL };
  uint32_t *item, *length;

  cut.lists = make_lists (lists->n_users, n, &item, &length, error);
  if (cut.lists == NULL)
    return FALSE;
  if (from->score != NULL
      && (cut.score = fl_alloc (lists->n_users * n, sizeof (double), error)) == NULL)
    return FALSE;
  if (from->tied != NULL && (cut.tied = fl_alloc (lists->n_users * n, 1, error)) == NULL)
    return FALSE;
  for (uint32_t u = 0; u < lists->n_users; u++)
    {
      size_t of = u * lists->k;

      length[u] = (uint32_t) MIN (lists->length[u], n);
      memcpy (item + u * n, lists->item + of, length[u] * sizeof *item);
      if (cut.score != NULL)
        memcpy (cut.score + u * n, from->score + of, length[u] * sizeof (double));
      if (cut.tied != NULL)
        memcpy (cut.tied + u * n, from->tied + of, length[u]);
    }
  *to = cut;
  cut = (FlRanked) { .lists = NULL };
  return TRUE;
}

gboolean
fl_rerank (FlInstance *mitigator, const FlStage *stage, const FlView *view,
           const FlRanked *candidates, const uint32_t *arrival, size_t k, FlRanked *ranked,
           GError **error)
{
  const FlLists *from = candidates->lists;
  uint32_t *item, *length;
  g_autoptr (FlLists) lists = make_lists (from->n_users, k, &item, &length, error);
  FlReranking reranking = { .size = sizeof reranking, .view = view, .n_users = from->n_users,
                            .n = from->k, .item = from->item, .score = candidates->score,
                            .n_candidates = from->length, .arrival = arrival, .k = k };

  *ranked = (FlRanked) { .lists = NULL };
  if (lists == NULL)
    return FALSE;
  reranking.list = item;
  reranking.length = length;
  for (uint32_t u = 0; u < from->n_users; u++)
    length[u] = (uint32_t) MIN (from->length[u], k);
  /* No item: a place that is not filled will be noticed. */
  memset (item, 0xff, from->n_users * k * sizeof *item);
  if (!fl_mitigator_rerank (mitigator, stage, &reranking, error))
    return FALSE;
  ranked->lists = g_steal_pointer (&lists);
  return TRUE;
}
