/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rank-room.h: top-K lists from a model's scores; users x items is never held. */
#ifndef FL_RANK_ROOM_H
#define FL_RANK_ROOM_H

#include <fairlead/plugin.h>

FL_BEGIN_DECLS

/* Which of two equal scores comes first. */
typedef enum
{
  FL_TIES_DRAWN,   /* drawn for each user from `seed`: fl_ranking_tie_key ascending */
  FL_TIES_BY_INDEX /* the lower item */
} FlTies;

/* Who is to be ranked for whom.  Borrowed. */
typedef struct
{
  uint32_t n_users, n_items;
  const FlFactors *factors;  /* whose inner products are the scores; NULL: */
  const FlInstance *model;   /* the scores that this model gives           */
  const FlCsr *seen[2];      /* rows are users: items that are no candidates; NULL: none */
  const uint8_t *gone;       /* n_items: 1 where an item is nobody's candidate; or NULL */
  FlTies ties;
  uint64_t seed;
} FlRanking;

/* The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of x moves every bit
 * of what comes out. */
static inline uint64_t
fl_ranking_mix (uint64_t x)
{
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* What fl_ranking_tie_key makes of its users. */
static inline uint64_t
fl_ranking_tie_user (uint64_t seed, uint32_t user)
{
  return fl_ranking_mix (fl_ranking_mix (seed + 0x9e3779b97f4a7c15u) + user);
}

/* 32 bits drawn from (seed, user, item), then the item: no two items are alike. */
static inline uint64_t
fl_ranking_tie_key (uint64_t tie_user, uint32_t item)
{
  return (fl_ranking_mix (tie_user + item * 0x9e3779b97f4a7c15u) & 0xffffffff00000000u) | item;
}

/* The k best candidates of each user, in the order that FlLists says; k is from 1
 * to n_items.  A score that is not finite is FL_ERROR_NUMERIC. */
FlLists *fl_ranking_lists (const FlRanking *ranking, size_t k, GError **error);
/* The same with the model's scores of what is in the lists: *score, n_users x k, is the
 * caller's to free.  *tied, likewise: 1 where another candidate of the user, in the list or
 * behind it, has the same score, 0 elsewhere.  Either may be NULL. */
FlLists *fl_ranking_scored_lists (const FlRanking *ranking, size_t k, double **score,
                                  uint8_t **tied, GError **error);
void fl_lists_free (FlLists *lists);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlLists, fl_lists_free)

FL_END_DECLS

#endif
