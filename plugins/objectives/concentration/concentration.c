/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* coverage, gini: how top-K lists spread over the items.
 *
 * With x_i the number of lists that hold item i, over all n items of the data,
 *
 *   coverage = |{i: x_i > 0}| / n
 *   gini     = sum_r (2 r - n - 1) x_(r) / (n sum_i x_i),     x_(1) <= .. <= x_(n),
 *
 * 0 when all items are in equally many lists, (n - 1) / n when one is in all and
 * no other in any.  Of a group of items each is over the items of the group; an
 * item in several groups counts in each.  gini is undefined where nothing is
 * recommended.
 */
#include <math.h>
#include <stdlib.h>
#include <fairlead/plugin.h>

/* x_i */
static uint32_t *
count_items (const FlView *view, GError **error)
{
  uint32_t *count = fl_alloc (view->n_items, sizeof *count, error);

  for (uint32_t u = 0; count != NULL && u < view->n_users; u++)
    {
      size_t n;
      const uint32_t *list = fl_list (view->lists, u, view->k, &n);

      for (size_t r = 0; r < n; r++)
        count[list[r]]++;
    }
  return count;
}

static gboolean
coverage_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree uint32_t *count = count_items (view, error);
  g_autofree double *each = count != NULL ? fl_alloc (view->n_items, sizeof *each, error) : NULL;

  (void) self;
  if (each == NULL)
    return FALSE;
  for (uint32_t i = 0; i < view->n_items; i++)
    each[i] = count[i] > 0 ? 1.0 : 0.0;
  fl_result_means (result, 0, FL_SIDE_ITEM, each);
  return TRUE;
}

static int
ascending (const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

  return (x > y) - (x < y);
}

/* Sorts x.  NaN where all of it is 0. */
static double
gini_of (uint32_t *x, size_t n)
{
  double above = 0.0, sum = 0.0;

  qsort (x, n, sizeof *x, ascending);
  for (size_t r = 1; r <= n; r++)
    {
      above += (2.0 * (double) r - (double) n - 1.0) * x[r - 1];
      sum += x[r - 1];
    }
  return sum > 0.0 ? above / ((double) n * sum) : NAN;
}

/* `work` has room for all items. */
static void
set_gini_of_group (const FlView *view, const uint32_t *count, uint32_t g, uint32_t *work,
                   FlResult *result)
{
  size_t n = 0;
  double gini;

  for (uint32_t i = 0; i < view->n_items; i++)
    if (fl_groups_has (view->item_groups, i, g))
      work[n++] = count[i];
  gini = gini_of (work, n);
  fl_result_set_group (result, 0, FL_SIDE_ITEM, g, gini, isnan (gini) ? 0 : n);
}

static gboolean
gini_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree uint32_t *count = count_items (view, error);
  g_autofree uint32_t *work = count != NULL ? fl_alloc (view->n_items, sizeof *work, error) : NULL;
  double gini;

  (void) self;
  if (work == NULL)
    return FALSE;
  for (uint32_t g = 0; g < view->n_item_groups; g++)
    set_gini_of_group (view, count, g, work, result);
  gini = gini_of (count, view->n_items);
  if (!isnan (gini))
    fl_result_set_n (result, 0, gini, view->n_items);
  return TRUE;
}

/* ---- descriptors ------------------------------------------------------- */

static const FlValue coverage_values[] = {
  { .name = "coverage", .direction = FL_HIGHER_IS_BETTER,
    .doc = "share of the items that are in at least one list" },
  FL_VALUE_END
};

static const FlValue gini_values[] = {
  { .name = "gini", .direction = FL_LOWER_IS_BETTER,
    .doc = "how unequally lists are shared out among items" },
  FL_VALUE_END
};

static const FlPlugin coverage = FL_DESCRIPTOR (
  .name      = "coverage",
  .summary   = "share of all items that top-K lists hold",
  .reference = "defined at the top of concentration.c",
  .licence   = "LGPL-3.0-or-later",
  .self_size = 1,
  .needs = FL_NEEDS_LISTS,
  FL_OBJECTIVE (.values = coverage_values, .evaluate = coverage_evaluate)
);

static const FlPlugin gini = FL_DESCRIPTOR (
  .name      = "gini",
  .summary   = "Gini coefficient of how often items are recommended",
  .reference = "defined at the top of concentration.c",
  .licence   = "LGPL-3.0-or-later",
  .self_size = 1,
  .needs = FL_NEEDS_LISTS,
  FL_OBJECTIVE (.values = gini_values, .evaluate = gini_evaluate)
);

FL_PLUGINS (&coverage, &gini);
