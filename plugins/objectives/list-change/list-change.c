/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* list-change: how far top-K lists differ from those of another arm.
 *
 * With A_u and B_u the sets of items in the lists of user u here and there,
 *
 *   list-change     = mean over users of |A_u & B_u| / |A_u | B_u|,
 *   list-change-top = share of the users whose first item is another,
 *
 * over the users who have a list here or there   [antidote, sec. 6.1 and fig. 4c].
 * The first is Jaccard's similarity: 1 where the same items are recommended, in
 * whatever order, 0 where none is.
 */
#include <math.h>
#include <fairlead/plugin.h>

typedef struct
{
  char *against;
} ListChange;

static const FlParam params[] = {
  FL_ARM (ListChange, against, "the arm whose lists these are compared with"),
  FL_PARAM_END
};

enum
{
  VALUE_JACCARD,
  VALUE_TOP
};

/* |A & B| / |A | B|; NaN when both are empty.  seen[i] holds u + 1 where item i is in
 * B, and no other number above u. */
static double
jaccard (const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, uint32_t u, uint32_t *seen)
{
  size_t n_both = 0;

  for (size_t r = 0; r < n_b; r++)
    seen[b[r]] = u + 1;
  for (size_t r = 0; r < n_a; r++)
    n_both += seen[a[r]] == u + 1;
  return n_a + n_b > 0 ? (double) n_both / (double) (n_a + n_b - n_both) : NAN;
}

static double
top_changed (const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
  if (n_a == 0 || n_b == 0)
    return n_a == n_b ? NAN : 1.0;
  return a[0] != b[0] ? 1.0 : 0.0;
}

static gboolean
list_change_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree double *same = NULL, *top = NULL;
  g_autofree uint32_t *seen = NULL;

  if (view->other == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "against = %s: there are no lists of that arm here",
                    ((const ListChange *) self)->against);
  same = fl_alloc (view->n_users, sizeof *same, error);
  top = same != NULL ? fl_alloc (view->n_users, sizeof *top, error) : NULL;
  seen = top != NULL ? fl_alloc (view->n_items, sizeof *seen, error) : NULL;
  if (seen == NULL)
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      size_t n_a, n_b;
      const uint32_t *a = fl_list (view->lists, u, view->k, &n_a);
      const uint32_t *b = fl_list (view->other, u, view->k, &n_b);

      same[u] = jaccard (a, n_a, b, n_b, u, seen);
      top[u] = top_changed (a, n_a, b, n_b);
    }
  fl_result_means (result, VALUE_JACCARD, FL_SIDE_USER, same);
  fl_result_means (result, VALUE_TOP, FL_SIDE_USER, top);
  return TRUE;
}

static const FlValue values[] = {
  { .name = "list-change", .direction = FL_NO_DIRECTION,
    .doc = "Jaccard similarity with the lists of the other arm (1: the same items), mean over "
           "users" },
  { .name = "list-change-top", .direction = FL_NO_DIRECTION,
    .doc = "share of users whose first item is another" },
  FL_VALUE_END
};

FL_PLUGIN (
  .name      = "list-change",
  .summary   = "how far top-K lists differ from those of another arm",
  .reference = "[antidote, sec. 6.1, fig. 4c]",
  .licence   = "LGPL-3.0-or-later",
  .params    = params,
  .self_size = sizeof (ListChange),
  .needs = FL_NEEDS_LISTS,
  FL_OBJECTIVE (.values = values, .evaluate = list_change_evaluate)
);
