/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* itg: how unevenly top-K lists serve intersections of user and item groups.
 *
 * With T_uq the items of group q that user u has in the part, and l_u the list,
 *
 *   U_pq = mean over users u of group p with T_uq not empty of |l_u & T_uq| / |T_uq|
 *                                                                      [itfr, eq. 1]
 * and over the n utilities that are defined                     [itfr, sec. 5.1.2]
 *
 *   CV  = std / mean
 *   MIN = mean of the lowest quarter, of max (1, floor (n / 4)) utilities
 *   UCV = CV over user groups within each item group, mean over item groups
 *   ICV = CV over item groups within each user group, mean over user groups
 *
 * (std divides by n; a CV with mean 0, or of fewer than two utilities, is undefined and
 * left out; groups that are left out of comparisons are in no CV), and  [itfr, sec. 3.2]
 *
 *   URecall_p = mean over users of p with items in the part of their recall
 *   IRecall_q = sum_u |l_u & T_uq| / sum_u |T_uq|.
 *
 * Utilities that are 0 count.  Who is in several groups, as an item with several
 * genres, counts in each.  A group may itself be crossed: gender * age.
 */
#include <math.h>
#include <stdlib.h>
#include <fairlead/plugin.h>

enum
{
  VALUE_UTILITY,
  VALUE_CV,
  VALUE_MIN,
  VALUE_UCV,
  VALUE_ICV,
  VALUE_URECALL,
  VALUE_IRECALL
};

typedef struct
{
  const FlView *view;
  FlGroupsCrossed crossed; /* P x Q */
  uint32_t P, Q;
  double *utility;   /* P x Q: sums, then U_pq, NaN where undefined */
  size_t *n_users;   /* P x Q: interested users                     */
  double *recall;    /* of each user                                */
  size_t *hits, *items;           /* Q: over all users              */
  size_t *own_hits, *own_items;   /* Q: of the user at work         */
  size_t n_hits;                  /* over all users                 */
} Table;

static void
table_clear (Table *table)
{
  g_free (table->utility);
  g_free (table->n_users);
  g_free (table->recall);
  g_free (table->hits);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Table, table_clear)

static gboolean
table_alloc (Table *table, const FlView *view, GError **error)
{
  FlGroupsCrossed crossed = fl_groups_cross (view->user_groups, view->n_users, view->item_groups,
                                             view->n_items);

  *table = (Table) { .view = view, .crossed = crossed, .P = crossed.n_user_groups,
                     .Q = crossed.n_item_groups };
  table->utility = fl_alloc (crossed.n, sizeof *table->utility, error);
  table->n_users = table->utility != NULL ? fl_alloc (crossed.n, sizeof *table->n_users, error)
                                          : NULL;
  table->recall = table->n_users != NULL
                    ? fl_alloc (view->n_users, sizeof *table->recall, error) : NULL;
  table->hits = table->recall != NULL
                  ? fl_alloc (4 * (size_t) table->Q, sizeof *table->hits, error) : NULL;
  if (table->hits == NULL)
    return FALSE;
  table->items = table->hits + table->Q;
  table->own_hits = table->items + table->Q;
  table->own_items = table->own_hits + table->Q;
  return TRUE;
}

/* Counts item i once for each of its groups. */
static void
count (const FlGroups *groups, uint32_t i, size_t *own, size_t *all)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (groups, i, &n);

  for (uint32_t m = 0; m < n; m++)
    {
      own[group[m]]++;
      all[group[m]]++;
    }
}

static size_t
count_user (Table *table, uint32_t u)
{
  const FlView *view = table->view;
  size_t n, n_hits = 0;
  const uint32_t *list = fl_list (view->lists, u, view->k, &n);

  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    count (view->item_groups, view->item[k], table->own_items, table->items);
  for (size_t r = 0; r < n; r++)
    if (fl_view_has (view, u, list[r]))
      {
        count (view->item_groups, list[r], table->own_hits, table->hits);
        n_hits++;
      }
  return n_hits;
}

/* Adds what the user says of item group q, once, and forgets it. */
static void
add_group (Table *table, uint32_t u, uint32_t q)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (table->view->user_groups, u, &n);
  double utility;

  if (table->own_items[q] == 0)
    return;
  utility = (double) table->own_hits[q] / (double) table->own_items[q];
  for (uint32_t m = 0; m < n; m++)
    {
      size_t cell = fl_groups_index_crossed (&table->crossed, group[m], q);

      table->utility[cell] += utility;
      table->n_users[cell]++;
    }
  table->own_hits[q] = table->own_items[q] = 0;
}

static void
add_user (Table *table, uint32_t u)
{
  const FlView *view = table->view;
  size_t n_items = view->user_start[u + 1] - view->user_start[u];
  size_t n_hits = count_user (table, u);

  table->n_hits += n_hits;
  table->recall[u] = n_items > 0 ? (double) n_hits / (double) n_items : NAN;
  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    {
      uint32_t n;
      const uint32_t *group = fl_groups_list (view->item_groups, view->item[k], &n);

      for (uint32_t m = 0; m < n; m++)
        add_group (table, u, group[m]);
    }
}

static gboolean
table_init (Table *table, const FlView *view, GError **error)
{
  if (!table_alloc (table, view, error))
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    add_user (table, u);
  for (size_t cell = 0; cell < table->crossed.n; cell++)
    table->utility[cell] = table->n_users[cell] > 0
                             ? table->utility[cell] / (double) table->n_users[cell] : NAN;
  return TRUE;
}

/* ---- what is made of the utilities ------------------------------------- */

/* Standard deviation / mean of n numbers `stride` apart; NaN when undefined. */
static double
variation (const double *x, size_t n, size_t stride)
{
  FlSpread spread = fl_spread_of (n, x, stride);

  return spread.mean != 0.0 ? sqrt (spread.variance) / spread.mean : NAN;
}

/* Sets the mean of n numbers, of which some may be undefined. */
static void
set_mean (FlResult *result, size_t value, const double *x, size_t n)
{
  FlSpread spread = fl_spread_of (n, x, 1);

  fl_result_set_n (result, value, spread.mean, spread.n);
}

/* The utilities, NaN where one of the groups is left out of comparisons. */
static double *
copy_compared (const Table *table)
{
  double *x = g_new (double, table->crossed.n + 1);

  for (size_t cell = 0; cell < table->crossed.n; cell++)
    x[cell] = fl_groups_is_crossed_compared (&table->crossed, cell) ? table->utility[cell] : NAN;
  return x;
}

static void
set_variations (const Table *table, FlResult *result)
{
  size_t P = table->P, Q = table->Q;
  g_autofree double *x = copy_compared (table);
  g_autofree double *each = g_new (double, MAX (P, Q) + 1);
  double cv = variation (x, P * Q, 1);

  fl_result_set_n (result, VALUE_CV, cv, isnan (cv) ? 0 : fl_spread_of (P * Q, x, 1).n);
  for (size_t q = 0; q < Q; q++)
    each[q] = variation (x + q, P, Q);
  set_mean (result, VALUE_UCV, each, Q);
  for (size_t p = 0; p < P; p++)
    each[p] = variation (x + p * Q, Q, 1);
  set_mean (result, VALUE_ICV, each, P);
}

static int
ascending (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
set_worst (const Table *table, FlResult *result)
{
  size_t n_cells = table->crossed.n, n = 0;
  g_autofree double *x = g_new (double, n_cells + 1);

  for (size_t cell = 0; cell < n_cells; cell++)
    if (!isnan (table->utility[cell]))
      x[n++] = table->utility[cell];
  qsort (x, n, sizeof *x, ascending);
  set_mean (result, VALUE_MIN, x, MIN (n, MAX (1, n / 4)));
}

static void
set_utilities (const Table *table, FlResult *result)
{
  set_mean (result, VALUE_UTILITY, table->utility, table->crossed.n);
  for (size_t cell = 0; cell < table->crossed.n; cell++)
    {
      g_autofree char *label = fl_groups_make_crossed_label (&table->crossed, cell);

      fl_result_set_label (result, VALUE_UTILITY, label, table->utility[cell],
                           table->n_users[cell]);
    }
}

static void
set_recalls (const Table *table, FlResult *result)
{
  size_t n = table->view->n;

  fl_result_means (result, VALUE_URECALL, FL_SIDE_USER, table->recall);
  if (n > 0)
    fl_result_set_n (result, VALUE_IRECALL, (double) table->n_hits / (double) n, n);
  for (uint32_t q = 0; q < table->Q; q++)
    fl_result_set_group (result, VALUE_IRECALL, FL_SIDE_ITEM, q,
                         (double) table->hits[q] / (double) table->items[q], table->items[q]);
}

static gboolean
itg_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_auto (Table) table = { 0 };

  (void) self;
  if (!table_init (&table, view, error))
    return FALSE;
  set_utilities (&table, result);
  set_variations (&table, result);
  set_worst (&table, result);
  set_recalls (&table, result);
  return TRUE;
}

static const FlValue values[] = {
  { .name = "itg", .direction = FL_HIGHER_IS_BETTER,
    .doc = "recall within an item group, mean over the users of a user group who have "
           "anything in it; over all: the mean of these" },
  { .name = "itg-cv", .direction = FL_LOWER_IS_BETTER,
    .doc = "coefficient of variation of all utilities" },
  { .name = "itg-min", .direction = FL_HIGHER_IS_BETTER,
    .doc = "mean of the lowest quarter of the utilities" },
  { .name = "itg-ucv", .direction = FL_LOWER_IS_BETTER,
    .doc = "variation between user groups, mean over item groups" },
  { .name = "itg-icv", .direction = FL_LOWER_IS_BETTER,
    .doc = "variation between item groups, mean over user groups" },
  { .name = "itg-urecall", .direction = FL_HIGHER_IS_BETTER,
    .doc = "recall, mean over the users of a group" },
  { .name = "itg-irecall", .direction = FL_HIGHER_IS_BETTER,
    .doc = "share found of all users' items of a group" },
  FL_VALUE_END
};

FL_PLUGIN (
  .name      = "itg",
  .summary   = "intersectional two-sided fairness: utilities of user groups in item groups",
  .reference = "[itfr, eq. 1, sec. 3.2, 5.1.2]",
  .licence   = "LGPL-3.0-or-later",
  .self_size = 1,
  .needs = FL_NEEDS_LISTS | FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS,
  FL_OBJECTIVE (.values = values, .evaluate = itg_evaluate)
);
