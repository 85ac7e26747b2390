/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* shaping-parts.h: what the files of this room share: statements of a filter, what they
 * leave, how parts are drawn. */
#ifndef FL_SHAPING_PARTS_H
#define FL_SHAPING_PARTS_H

#include "core/data/shaping/shaping-room.h"

/* ---- words --------------------------------------------------------------- */

/* "users", "items" */
static inline const char *
fl_side_word (FlSide side)
{
  return side == FL_SIDE_USER ? "users" : "items";
}

/* The text in double quotes that begins at `at`, where "" is a quote, to be freed.
 * Returns what follows it, or NULL when it has no end. */
const char *fl_unquote (const char *at, char **text);

/* ---- filters ------------------------------------------------------------- */

typedef enum
{
  FL_VERB_TOP,
  FL_VERB_RANDOM,
  FL_VERB_AT_LEAST,
  FL_VERB_CORE,
  FL_VERB_IN,
  FL_VERB_NOT_IN,
  FL_VERB_ONE_OF,
  FL_VERB_FROM_TO,
  FL_VERB_RATED_AT_LEAST, /* ratings at-least X */
  FL_VERB_AS,
  FL_VERB_RANDOM_RATINGS,
  FL_VERB_SHARE
} FlVerb;

typedef struct
{
  char *text;         /* as written, for messages                       */
  FlVerb verb;
  FlSide side;
  uint32_t n;
  uint32_t least[2];  /* core: fewest ratings of users, of items        */
  double number, to;
  gboolean of_all;
  char *attribute;
  char **value;
} FlStatement;

void fl_statement_free (FlStatement *statement);
/* The statements of a text, FlStatement; none of NULL. */
GPtrArray *fl_filter_parse (const char *filter, GError **error);

/* What is left of a dataset. */
typedef struct
{
  const FlDataset *dataset;
  uint8_t *keep[2];   /* by FlSide: which users and items                        */
  uint8_t *rating;    /* which ratings; NULL: all those of kept users and items  */
  uint32_t *count[2]; /* by FlSide: ratings left of each                         */
  size_t n;           /* ratings left                                            */
  gboolean ones;      /* every rating counts as 1                                */
} FlSelection;

gboolean fl_selection_init (FlSelection *selection, const FlDataset *dataset, GError **error);
void fl_selection_clear (FlSelection *selection);
static inline gboolean
fl_selection_has (const FlSelection *selection, uint32_t u, size_t k)
{
  return selection->keep[FL_SIDE_USER][u]
         && selection->keep[FL_SIDE_ITEM][selection->dataset->ratings.col[k]]
         && (selection->rating == NULL || selection->rating[k]);
}
/* Applies the statements of `filter` in their order. */
FlFunnel *fl_filter_apply (const char *filter, FlSelection *selection, uint64_t seed,
                           GError **error);
void fl_funnel_add (FlFunnel *funnel, const char *text, const FlSelection *selection);

/* ---- splits -------------------------------------------------------------- */

#define FL_DROPPED 255 /* beside FlPart: not kept */
#define FL_THREADS_MIN 100000 /* ratings; fewer are done before threads have met */

/* The part of each rating of the dataset, FL_DROPPED for those that are not
 * left; takes selection->rating. */
uint8_t *fl_parts_new (FlSelection *selection, const FlSplitKeys *keys, FlRepeat repeat,
                       GError **error);

/* Lets the part that keys->judge names play the test part, whose own ratings are dropped. */
void fl_parts_judge (const FlSplitKeys *keys, uint64_t seed, size_t n, uint8_t *part);

/* The seed of what consecutive folds share: the filter and the dealing.  After as
 * many repeats as there are folds it is another. */
static inline uint64_t
fl_fold_seed (const FlSplitKeys *keys, FlRepeat repeat)
{
  return fl_split_folds (keys) ? repeat.seed - repeat.repeat % (uint64_t) keys->folds
                               : repeat.seed;
}

/* Rounded to the nearest number, halves up. */
static inline size_t
fl_share_of (size_t n, double share)
{
  return (size_t) ((double) n * share + 0.5);
}

/* Marks, independently of all else that is drawn, exactly `wanted` of the next
 * n that come: call it for each of them.  All choices are equally likely
 * [Knuth, algorithm S]. */
static inline gboolean
fl_draw (FlRng *rng, size_t *wanted, size_t left)
{
  if (*wanted == 0 || fl_rng_below (rng, (uint32_t) left) >= *wanted)
    return FALSE;
  --*wanted;
  return TRUE;
}

#endif
