/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* groups.h: groups of users or of items, and what methods ask of them.
 *
 *   which groups is entity e in?      fl_groups_list, fl_groups_has, fl_groups_find_first
 *   how many, and how large?          fl_groups_count, fl_groups_count_members
 *   users' groups with items' groups  fl_groups_cross, fl_groups_find_crossed
 *   what are they called?             fl_groups_make_label, fl_groups_find_label
 *   sums and means by group           fl_groups_add_value, fl_groups_sum_values
 *   how do they compare?              fl_groups_next_pair, fl_pairs_add, fl_spread_of
 *
 * An entity is a user or an item, by its index.  Groups that are NULL, as where a
 * pipeline names none, are no groups: there are 0 of them, and nobody is in any.  What a
 * mitigator added (e >= groups->n) is in no group either; functions that end in
 * "added" put all of it in one group more, whose number is groups->n_groups.
 */
#ifndef FAIRLEAD_GROUPS_H
#define FAIRLEAD_GROUPS_H

#include <math.h>

#include <fairlead/base.h>

FL_BEGIN_DECLS

#define FL_NO_GROUP G_MAXUINT32

/* A grouping of users or of items.  Members may be in several groups (an item
 * with several genres): the groups of entity e are group[start[e]] ..
 * group[start[e + 1] - 1].  first[e] is the first of them.  Everybody is in
 * at least one group: who has no value is in a group labelled "unknown". */
typedef struct
{
  size_t size;              /* FL_GROUPS (...) */
  const char *name;         /* "gender" or "gender * age"              */
  uint32_t n_groups;
  const char *const *label; /* n_groups: "F", or crossed "F * 18-34"  */
  uint32_t n;               /* entities                                */
  const uint32_t *start;    /* n + 1                                   */
  const uint32_t *group;    /* start[n]                                */
  const uint32_t *first;    /* n                                       */
  const char *const *rule;  /* n_groups: "gender is F and age from 18 to 34"; or NULL */
  const uint8_t *left_out;  /* n_groups: whether it is compared with no other; NULL: none */
} FlGroups;

#define FL_GROUPS(...) FL_SIZED_ (FlGroups, __VA_ARGS__)

/* ---- membership ---------------------------------------------------------- */

/* The groups that entity e is in; *n: how many. */
static inline const uint32_t *
fl_groups_list (const FlGroups *groups, uint32_t e, uint32_t *n)
{
  gboolean known = groups != NULL && e < groups->n;

  *n = known ? groups->start[e + 1] - groups->start[e] : 0;
  return known ? groups->group + groups->start[e] : NULL;
}

/* Whether entity e is in group g. */
static inline gboolean
fl_groups_has (const FlGroups *groups, uint32_t e, uint32_t g)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (groups, e, &n);

  for (uint32_t m = 0; m < n; m++)
    if (group[m] == g)
      return TRUE;
  return FALSE;
}

/* The first group of entity e, for methods that take each to be in one group; FL_NO_GROUP
 * if it is in none. */
static inline uint32_t
fl_groups_find_first (const FlGroups *groups, uint32_t e)
{
  return groups != NULL && e < groups->n ? groups->first[e] : FL_NO_GROUP;
}

/* The same with what was added in a group of its own. */
static inline uint32_t
fl_groups_find_first_added (const FlGroups *groups, uint32_t e)
{
  return groups != NULL && e >= groups->n ? groups->n_groups : fl_groups_find_first (groups, e);
}

/* ---- how many ------------------------------------------------------------ */

static inline uint32_t
fl_groups_count (const FlGroups *groups)
{
  return groups != NULL ? groups->n_groups : 0;
}

/* One more when the n entities are more than those that were grouped. */
static inline uint32_t
fl_groups_count_added (const FlGroups *groups, uint32_t n)
{
  return groups != NULL && n > groups->n ? groups->n_groups + 1 : fl_groups_count (groups);
}

/* How many entities are in each group: n_groups numbers, to be freed with g_free; NULL
 * when there are no groups. */
uint32_t *fl_groups_count_members (const FlGroups *groups);

/* ---- users' groups with items' groups ------------------------------------ */

/* Each group of users with each group of items, in the order
 * user_group * n_item_groups + item_group.  A side without groups counts as one group,
 * which everybody is in.  Made by fl_groups_cross; borrows both groups. */
typedef struct
{
  const FlGroups *users, *items;         /* or NULL           */
  uint32_t n_user_groups, n_item_groups; /* 1 or more of each */
  size_t n;                              /* their product     */
} FlGroupsCrossed;

/* Of n_users and n_items: those of a side that are beyond its groups are in one group
 * more, "added". */
static inline FlGroupsCrossed
fl_groups_cross (const FlGroups *users, uint32_t n_users, const FlGroups *items, uint32_t n_items)
{
  FlGroupsCrossed crossed;

  crossed.users = users;
  crossed.items = items;
  crossed.n_user_groups = users != NULL ? fl_groups_count_added (users, n_users) : 1;
  crossed.n_item_groups = items != NULL ? fl_groups_count_added (items, n_items) : 1;
  crossed.n = (size_t) crossed.n_user_groups * crossed.n_item_groups;
  return crossed;
}

/* The number of a crossed group. */
static inline size_t
fl_groups_index_crossed (const FlGroupsCrossed *crossed, uint32_t user_group, uint32_t item_group)
{
  return (size_t) user_group * crossed->n_item_groups + item_group;
}

/* The crossed group of a user and an item, each taken to be in its first group. */
static inline size_t
fl_groups_find_crossed (const FlGroupsCrossed *crossed, uint32_t user, uint32_t item)
{
  uint32_t s = crossed->users != NULL ? fl_groups_find_first_added (crossed->users, user) : 0;
  uint32_t i = crossed->items != NULL ? fl_groups_find_first_added (crossed->items, item) : 0;

  return fl_groups_index_crossed (crossed, s, i);
}

/* The groups of one side that entity e of it is in, 1 or more. */
static inline const uint32_t *
fl_groups_list_side_ (const FlGroups *groups, uint32_t e, uint32_t *n)
{
  static const uint32_t all = 0;

  if (groups != NULL && e < groups->n)
    return fl_groups_list (groups, e, n);
  *n = 1;
  return groups != NULL ? &groups->n_groups : &all;
}

/* How many crossed groups a user and an item are in, who may be in several groups each ... */
static inline size_t
fl_groups_count_crossed (const FlGroupsCrossed *crossed, uint32_t user, uint32_t item)
{
  uint32_t n_user, n_item;

  fl_groups_list_side_ (crossed->users, user, &n_user);
  fl_groups_list_side_ (crossed->items, item, &n_item);
  return (size_t) n_user * n_item;
}

/* ... and number k of them: by groups of the user, for each of these by groups of the item. */
static inline size_t
fl_groups_get_crossed (const FlGroupsCrossed *crossed, uint32_t user, uint32_t item, size_t k)
{
  uint32_t n_user, n_item;
  const uint32_t *user_group = fl_groups_list_side_ (crossed->users, user, &n_user);
  const uint32_t *item_group = fl_groups_list_side_ (crossed->items, item, &n_item);

  return fl_groups_index_crossed (crossed, user_group[k / n_item], item_group[k % n_item]);
}

/* ---- labels -------------------------------------------------------------- */

/* A group's name in metrics: "gender=F", of a group of users and one of items
 * "gender=F,genre=Horror", and "gender=added" of those whom a mitigator added (number
 * n_groups).  A side that is NULL is left out; of both, the text is empty.  To be freed
 * with g_free. */
char *fl_groups_make_label (const FlGroups *users, uint32_t user_group, const FlGroups *items,
                            uint32_t item_group);

/* The same of crossed group g. */
static inline char *
fl_groups_make_crossed_label (const FlGroupsCrossed *crossed, size_t g)
{
  return fl_groups_make_label (crossed->users, (uint32_t) (g / crossed->n_item_groups),
                               crossed->items, (uint32_t) (g % crossed->n_item_groups));
}

/* The group labelled `label`, in *g.  FL_ERROR_CONFIG when there is none: "no group 'X': the
 * groups of gender are F, M". */
gboolean fl_groups_find_label (const FlGroups *groups, const char *label, uint32_t *g,
                               GError **error);

/* ---- numbers by group ---------------------------------------------------- */

/* A sum, and of how many. */
typedef struct
{
  double sum;
  size_t n;
} FlGroupSum;

/* NaN is undefined and adds nothing. */
static inline void
fl_groups_add_number (FlGroupSum *sum, double number)
{
  if (!isnan (number))
    {
      sum->sum += number;
      sum->n++;
    }
}

/* Adds a number of entity e to the sums (n_groups) of all groups that e is in. */
static inline void
fl_groups_add_value (const FlGroups *groups, uint32_t e, double number, FlGroupSum *sums)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (groups, e, &n);

  for (uint32_t m = 0; m < n; m++)
    fl_groups_add_number (&sums[group[m]], number);
}

/* Undefined (NaN) of nothing. */
static inline double
fl_groups_get_mean (const FlGroupSum *sum)
{
  return sum->n > 0 ? sum->sum / (double) sum->n : NAN;
}

/* Sums by group of numbers of n entities, in the order of the entities; undefined ones
 * (NaN) are left out.  n_groups sums, to be freed with g_free; NULL when there are no
 * groups.  all: the sum over all n entities, in groups or not; or NULL. */
FlGroupSum *fl_groups_sum_values (const FlGroups *groups, uint32_t n, const double *each,
                                  FlGroupSum *all);

/* The group whose number is the lowest, or the highest, of n_groups numbers; the first of
 * equal ones; undefined ones (NaN) are left out.  FL_NO_GROUP when none is left. */
uint32_t fl_groups_find_lowest (uint32_t n_groups, const double *number);
uint32_t fl_groups_find_highest (uint32_t n_groups, const double *number);

/* ---- comparisons --------------------------------------------------------- */

/* One rule for all that is said between groups: what has no counterpart (a group that
 * nothing is known of, two groups without an item in common, a single group) cannot be
 * compared.  It is undefined (NaN), not 0, which would read as perfectly fair; it stays
 * out of means, and is not counted.  Groups that a pipeline leaves out of comparisons, as
 * tiny or unknown, are in no pair and in no spread. */

static inline gboolean
fl_groups_is_compared (const FlGroups *groups, uint32_t g)
{
  return groups == NULL || groups->left_out == NULL || !groups->left_out[g];
}

/* Whether crossed group g is of two groups that are compared. */
static inline gboolean
fl_groups_is_crossed_compared (const FlGroupsCrossed *crossed, size_t g)
{
  return fl_groups_is_compared (crossed->users, (uint32_t) (g / crossed->n_item_groups))
         && fl_groups_is_compared (crossed->items, (uint32_t) (g % crossed->n_item_groups));
}

/* Steps through the pairs of groups that are compared, a < b:
 *
 *   for (uint32_t a = 0, b = 0; fl_groups_next_pair (groups, &a, &b);)          */
static inline gboolean
fl_groups_next_pair (const FlGroups *groups, uint32_t *a, uint32_t *b)
{
  uint32_t n = fl_groups_count (groups);

  do
    if (++*b >= n)
      *b = ++*a + 1;
  while (*b < n && !(fl_groups_is_compared (groups, *a) && fl_groups_is_compared (groups, *b)));
  return *b < n;
}

/* A number for each pair; { 0 } at first. */
typedef struct
{
  double sum, worst; /* worst: the largest                 */
  size_t n;          /* pairs that could be compared ...   */
  size_t n_all;      /* ... of so many                     */
} FlPairs;

/* NaN: the pair has nothing to compare. */
static inline void
fl_pairs_add (FlPairs *pairs, double number)
{
  pairs->n_all++;
  if (isnan (number))
    return;
  pairs->worst = pairs->n == 0 || number > pairs->worst ? number : pairs->worst;
  pairs->sum += number;
  pairs->n++;
}

/* NaN where no pair could be compared. */
static inline double
fl_pairs_get_mean (const FlPairs *pairs)
{
  return pairs->n > 0 ? pairs->sum / (double) pairs->n : NAN;
}

/* How far numbers lie apart. */
typedef struct
{
  double mean;     /* NaN of none                               */
  double variance; /* about it, divided by n; NaN of one number */
  size_t n;        /* numbers that are defined                  */
} FlSpread;

/* Of n numbers `stride` apart; undefined ones (NaN) are left out. */
FlSpread fl_spread_of (size_t n, const double *number, size_t stride);
/* Of a number of each group that is compared. */
FlSpread fl_groups_get_spread (const FlGroups *groups, const double *number);

FL_END_DECLS

#endif
