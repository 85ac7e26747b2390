/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* shaping-room.h: what a pipeline makes of a dataset: filtered, grouped, split, audited.
 *
 * Includes rows, reading and dataset, and plugin for the keys.
 */
#ifndef FL_SHAPING_ROOM_H
#define FL_SHAPING_ROOM_H

#include "core/data/dataset/dataset-room.h"

FL_BEGIN_DECLS

/* ---- groups ------------------------------------------------------------ */

typedef enum
{
  FL_SUBJECT_ATTRIBUTE,
  FL_SUBJECT_DEGREE, /* number of training ratings                   */
  FL_SUBJECT_ERROR   /* root mean squared error of an arm on a part  */
} FlGroupSubject;

typedef enum
{
  FL_RULE_VALUE, /* a group for each value; not with a number    */
  FL_RULE_RANGES,
  FL_RULE_QUANTILES,
  FL_RULE_PREFIX,
  FL_RULE_ONLY,
  FL_RULE_FIRST,
  FL_RULE_LAST
} FlGroupRule;

/* One factor of a grouping: "age ranges 18 35". */
typedef struct
{
  FlGroupSubject subject;
  char *name;     /* "age", "degree", "error of plain on test"              */
  char *arm;      /* of an error, with the part it is measured on           */
  FlPart part;
  FlGroupRule rule;
  size_t n;       /* bounds, values; quantiles; characters of a prefix      */
  double *bound;  /* lower bounds of groups, ascending                      */
  char **value;   /* chosen ones; NULL: `first` of those there are          */
} FlFactor;

/* How one side is grouped: the product of its factors. */
typedef struct
{
  GPtrArray *factors; /* FlFactor, at least one                             */
  gboolean by_error;  /* some arm's error makes groups ...                  */
  gboolean held_out;  /* ... and it is measured on validation or test data  */
} FlGrouping;

/* Parses the text of a group-by key.  Attributes and values are not looked for. */
FlGrouping *fl_grouping_parse (const char *text, GError **error);
void fl_grouping_free (FlGrouping *grouping);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlGrouping, fl_grouping_free)

/* The error of each entity under an arm, NaN where it has no rating in that
 * part; borrowed. */
typedef const double *(*FlArmErrors) (gpointer user_data, FlSide side, const char *arm,
                                      FlPart part, GError **error);

/* Those who are to be grouped. */
typedef struct
{
  const FlDataset *dataset;
  FlSide side;
  const uint32_t *member; /* n dataset indices                                      */
  uint32_t n;
  const FlCsr *train;     /* row e belongs to entity e; NULL: no degree             */
  FlArmErrors errors;     /* NULL: no errors                                        */
  gpointer user_data;
} FlEntities;

/* Every group has a member, everybody a group; those without a value are in
 * "unknown".  Equal numbers are told apart by index, so that quantiles differ in
 * size by one at most.  The order of groups is that of the product. */
FlGroups *fl_groups_new (const FlEntities *entities, const FlGrouping *grouping, GError **error);
/* Leaves groups of fewer than `at_least` members out of comparisons, and those of members
 * without a value unless `unknown`. */
void fl_groups_leave_out (FlGroups *groups, uint64_t at_least, gboolean unknown);
void fl_groups_free (FlGroups *groups);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlGroups, fl_groups_free)

/* ---- pipeline keys of [data] and [split] ------------------------------- */

/* The host's own keys of [data] beside the source's parameters. */
typedef struct
{
  FlIngest ingest;
  char *filter;            /* "items top 1000; users random 1000", in this order */
  char *users_group_by;    /* as fl_grouping_parse takes it; "" none             */
  char *items_group_by;
  int64_t compare_at_least[2];  /* by FlSide: members of a group that is compared        */
  gboolean compare_unknown[2];  /* by FlSide: those without a value are compared as well */
} FlDataKeys;
extern const FlParam fl_data_params[]; /* keys users.group-by, filter, ... */
/* What can be wrong with the keys before there are data. */
gboolean fl_data_keys_check (const FlDataKeys *keys, GError **error);
/* How a side is grouped; NULL: not at all. */
gboolean fl_data_grouping (const FlDataKeys *keys, FlSide side, FlGrouping **grouping,
                           GError **error);

enum /* FlSplitKeys.method */
{
  FL_SPLIT_RANDOM,
  FL_SPLIT_PER_USER,
  FL_SPLIT_K_FOLD,
  FL_SPLIT_PER_USER_K_FOLD,
  FL_SPLIT_TIME,
  FL_SPLIT_PER_USER_TIME,
  FL_SPLIT_LEAVE_LAST,
  FL_SPLIT_GIVEN
};

enum /* FlSplitKeys.judge */
{
  FL_JUDGE_TEST,
  FL_JUDGE_VALIDATION,
  FL_JUDGE_FOLD
};

enum /* FlSplitKeys.cold */
{
  FL_COLD_KEEP,
  FL_COLD_DROP
};

/* Shares count all ratings that the filter left; a given split has only its
 * training ratings to draw validation from. */
typedef struct
{
  int method;              /* FL_SPLIT_RANDOM ...                     */
  double test, validation;
  int64_t folds;           /* k-fold, per-user-k-fold                     */
  int64_t last;            /* leave-last: test ratings of each user       */
  int64_t validation_last; /* leave-last: validation ratings before these */
  gboolean every_user;     /* random, per-user: something in each part    */
  int cold;                /* FL_COLD_KEEP, ...                          */
  int judge;               /* FL_JUDGE_TEST, ...                         */
  int64_t judge_fold, judge_folds; /* from 1                             */
} FlSplitKeys;
extern const FlParam fl_split_params[];
gboolean fl_split_keys_check (const FlSplitKeys *keys, GError **error);
/* Whether a split by these keys has this part; whether one that comes with the
 * data has it, shows only when they are read: TRUE. */
gboolean fl_split_has_part (const FlSplitKeys *keys, FlPart part);
/* Whether the folds of consecutive repeats belong together: the number of the
 * repeat counts then, not its seed alone. */
gboolean fl_split_folds (const FlSplitKeys *keys);

/* Which repeat of a pipeline; the first has seed - repeat. */
typedef struct
{
  uint64_t seed;
  uint32_t repeat;
} FlRepeat;

/* What the filter has left of the data, statement by statement. */
typedef struct
{
  char *text;        /* "core 51"; "all" of the first row, which is the data      */
  uint32_t kept[2];  /* users and items, by FlSide                                */
  uint32_t rated[2]; /* those with a rating: fewer only where top or random chose */
  size_t n_ratings;
} FlFunnelRow;

typedef struct
{
  size_t n;
  FlFunnelRow *row;
} FlFunnel;

/* What `filter` does to the data, without splitting them. */
FlFunnel *fl_funnel_new (const FlDataset *dataset, const char *filter, uint64_t seed,
                         GError **error);
void fl_funnel_free (FlFunnel *funnel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlFunnel, fl_funnel_free)

/* A dataset filtered, grouped and split, ready for one cell.  data.train holds
 * train; `test` is kept apart from what stages see. */
typedef struct
{
  FlData data;        /* what stages see; validation always set here if present */
  FlRatings *train, *validation, *test; /* validation, test may be NULL          */
  uint32_t *user, *item; /* dataset index of each user and item kept             */
  FlGroups *user_groups, *item_groups;
  FlFunnel *funnel;      /* with a last row for `cold = drop`                    */
} FlSplit;

/* What a part consists of, "320 ratings, 0f5a31...": the same text, the same ratings of the
 * same data.  NULL where there is no such part. */
char *fl_split_describe_part (const FlSplit *split, const FlDataset *dataset, FlPart part);

/* Depends on the data, the keys and the repeat alone.  Users and items that `top`
 * or `random` of the filter chose stay even if they have no rating left. */
FlSplit *fl_split_new (const FlDataset *dataset, const FlDataKeys *data,
                       const FlSplitKeys *split, FlRepeat repeat, GError **error);
/* Groups a side again.  Groups that an arm's error makes are left out by
 * fl_split_new, which has no model to measure: they are made here. */
gboolean fl_split_group (FlSplit *split, const FlDataset *dataset, const FlDataKeys *keys,
                         FlSide side, FlArmErrors errors, gpointer user_data, GError **error);
void fl_split_free (FlSplit *split);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlSplit, fl_split_free)

/* What the split kept as a dataset of its own; with `parts` it comes split. */
FlDataset *fl_split_dataset (const FlDataset *dataset, const FlSplit *split, gboolean parts,
                             GError **error);

/* ---- leaks --------------------------------------------------------------- */

typedef enum
{
  FL_AUDIT_OK,
  FL_AUDIT_NOTE,    /* worth knowing                */
  FL_AUDIT_WARNING, /* to be said beside the results */
  FL_AUDIT_ERROR    /* the split is not one         */
} FlAuditLevel;
const char *fl_audit_word (FlAuditLevel level); /* "ok", "note", .. */

typedef struct
{
  FlAuditLevel level;
  char *text;
} FlAuditRow;
void fl_audit_row_free (FlAuditRow *row);

/* What else of a cell bears on leaks. */
typedef struct
{
  const FlDataKeys *data;
  const FlSplitKeys *split;
  const char *const *augmenting; /* mitigators that add users; NULL-terminated, or NULL */
  gboolean needs_groups;         /* some mitigator uses groups                          */
} FlAuditCell;

/* What was looked for and what was found, FlAuditRow; linear in the ratings. */
GPtrArray *fl_split_audit (const FlDataset *dataset, const FlSplit *split,
                           const FlAuditCell *cell, GError **error);

FL_END_DECLS

#endif
