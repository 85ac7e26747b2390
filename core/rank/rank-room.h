/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rank-room.h: top-K lists from a model's scores; users x items is never held. */
#ifndef FL_RANK_ROOM_H
#define FL_RANK_ROOM_H

#include <fairlead/plugin.h>

FL_BEGIN_DECLS

/* Who is to be ranked for whom.  Borrowed. */
typedef struct
{
  uint32_t n_users, n_items;
  const FlFactors *factors;  /* whose inner products are the scores; NULL: */
  const FlInstance *model;   /* the scores that this model gives           */
  const FlCsr *seen[2];      /* rows are users: items that are no candidates; NULL: none */
  const uint8_t *gone;       /* n_items: 1 where an item is nobody's candidate; or NULL */
} FlRanking;

/* The k best candidates of each user, in the order that FlLists says; k is from 1
 * to n_items.  A score that is not finite is FL_ERROR_NUMERIC. */
FlLists *fl_ranking_lists (const FlRanking *ranking, size_t k, GError **error);
/* The same with the model's scores of what is in the lists: *score, n_users x k, is the
 * caller's to free. */
FlLists *fl_ranking_scored_lists (const FlRanking *ranking, size_t k, double **score,
                                  GError **error);
void fl_lists_free (FlLists *lists);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlLists, fl_lists_free)

FL_END_DECLS

#endif
