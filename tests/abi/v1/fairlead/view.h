/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* view.h: what objectives look at, and where their results go.  Part of plugin.h; include
 * that. */
#ifndef FAIRLEAD_VIEW_H
#define FAIRLEAD_VIEW_H

#include <fairlead/model.h>

FL_BEGIN_DECLS

typedef enum
{
  FL_LOWER_IS_BETTER,
  FL_HIGHER_IS_BETTER,
  FL_NO_DIRECTION
} FlDirection;

/* One number that an objective yields; ends with FL_VALUE_END.  Rows cannot
 * grow, hence `reserved`. */
typedef struct
{
  const char *name; /* metric name in tables: "rmse", "rmse-worst" */
  FlDirection direction;
  const char *unit;
  const char *doc;
  gpointer reserved[4];
} FlValue;
#define FL_VALUE_END { .name = NULL }

/* ---- lists and views --------------------------------------------------- */

/* Top-K lists: the k items with the highest scores among those that the user has
 * not rated in training (nor, when lists are judged by test ratings, in
 * validation), best first.  Equal scores come in an order that is drawn for each user from
 * the view's seed: by number, items that happen to stand first would gain. */
typedef struct
{
  size_t size;
  uint32_t n_users;
  size_t k;               /* longest                                          */
  const uint32_t *item;   /* n_users x k, row-major                           */
  const uint32_t *length; /* n_users: less than k where candidates run out    */
} FlLists;

typedef struct FlViewPrivate FlViewPrivate;

/* What an objective looks at: the ratings of one part of the data beside the
 * model's predictions, sorted by user, then item; and the whole model, through
 * its factors or block by block.  Indices are in range.  What a
 * mitigator added is not among the n_users and n_items, neither here nor in the
 * factors. */
typedef struct
{
  size_t size;
  FlPart part;
  uint32_t n_users, n_items;
  size_t n;                /* ratings in the part                          */
  const uint32_t *user, *item;
  const double *rating, *predicted;
  const size_t *user_start; /* n_users + 1: entries of user u               */
  const FlGroups *user_groups, *item_groups; /* NULL when the pipeline names none */
  uint32_t n_user_groups, n_item_groups;     /* 0 then                            */
  const uint32_t *user_group, *item_group;   /* first group of each; NULL then    */
  const FlFactors *factors; /* NULL when the model has none                 */
  const FlViewPrivate *priv;
  const FlLists *lists;     /* NULL unless the objective asks for them      */
  size_t k;                 /* how much of the lists counts; 0 then         */
  const FlRatings *train;   /* what was trained on, by users and items of the view */
  const FlLists *other;     /* lists of the arm that the objective names, or NULL  */
  uint64_t seed;            /* of the run, for what must be drawn                   */
  FlRun *run;               /* to tell progress and notes to; or NULL              */
} FlView;

/* The first k of the list of user u; *n: how many there are. */
static inline const uint32_t *
fl_list (const FlLists *lists, uint32_t u, size_t k, size_t *n)
{
  *n = lists->length[u] < k ? lists->length[u] : k;
  return lists->item + u * lists->k;
}

/* The ratings of the view as a sparse matrix: rows are users, entries those of the view. */
static inline FlCsr
fl_view_rows (const FlView *view)
{
  FlCsr rows = { view->n_users, view->n_items, view->user_start, view->item,
                 NULL, view->rating, { NULL, NULL } };

  return rows;
}

/* Whether user u has a rating for item i in the view: in lists, a hit. */
static inline gboolean
fl_view_has (const FlView *view, uint32_t u, uint32_t i)
{
  FlCsr rows = fl_view_rows (view);

  return fl_csr_has (&rows, u, i);
}

/* Scores of any users x items of the viewed model, row-major into `out`. */
gboolean fl_view_score (const FlView *view, size_t n_users, const uint32_t *user,
                        size_t n_items, const uint32_t *item, double *out, GError **error);

/* Host services for mitigators: a view of the training or validation part of
 * `data` under a fitted model, its predictions brought up to date by
 * fl_view_update.  `data` and `model` must outlive it. */
FlView *fl_view_new (const FlData *data, FlPart part, const FlInstance *model, GError **error);
/* Makes the view's lists, of up to k items, under the model as it is now. */
gboolean fl_view_lists (FlView *view, size_t k, GError **error);
gboolean fl_view_update (FlView *view, GError **error);
void fl_view_free (FlView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlView, fl_view_free)

/* ---- results ----------------------------------------------------------- */

/* Where results go.  What is not set stays undefined: a dash in the table.
 * `value` is the index among the objective's values.  n is the number of
 * ratings (users, items) behind it; a group with n = 0 is undefined, whatever
 * the number.  A number that is not finite is an error of the run. */
typedef struct FlResult FlResult;
void fl_result_set (FlResult *result, size_t value, double number);
void fl_result_set_group (FlResult *result, size_t value, FlSide side, uint32_t group,
                          double number, size_t n);
/* With n of its own: the users, or items, that the number is over.  n = 0 is undefined,
 * also of a value that has numbers for labels alone. */
void fl_result_set_n (FlResult *result, size_t value, double number, size_t n);
/* All that there is to say of a mean over users, or items: the mean of `each`
 * (n_users or n_items, NaN: undefined, left out), over all and in each group of that
 * side, and the values themselves for the store. */
void fl_result_means (FlResult *result, size_t value, FlSide side, const double *each);
/* The mean over pairs of groups, and in `worst` the largest.  n is the number of pairs
 * that could be compared, of a single pair `n_behind`, what it is over; undefined where
 * none could.  Where some could not, a note of the run says how many could.  The worst of
 * a single pair is omitted. */
void fl_result_set_pairs (FlResult *result, size_t value, size_t worst, const FlPairs *pairs,
                          size_t n_behind);
/* The value has no meaning here (the worst group where there are no groups): it is
 * left out of the table instead of being undefined. */
void fl_result_omit (FlResult *result, size_t value);
/* Per-user or per-item values for the store, n_users or n_items long, all
 * undefined (NaN) at first. */
double *fl_result_each (FlResult *result, size_t value, FlSide side);
/* For results about groups that are not the data's, as the plugin names them:
 * "users=a,items=j".  n = 0 is undefined. */
void fl_result_set_label (FlResult *result, size_t value, const char *label, double number,
                          size_t n);
/* A course over time for the store, n numbers for steps 0 to n - 1, all undefined
 * (NaN) at first; label NULL: of all. */
double *fl_result_steps (FlResult *result, size_t value, const char *label, size_t n);

FL_END_DECLS

#endif
