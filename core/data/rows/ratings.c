/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ratings.c: ratings in both orientations, from triplets, rows or other ratings. */
#include "core/data/rows/rows-room.h"

#include <math.h>
#include <string.h>

static FlCsr
csr_of_rows (const FlRows *rows)
{
  return (FlCsr) { .n_rows = rows->n_rows, .n_cols = rows->n_cols, .start = rows->start,
                   .col = rows->col, .f32 = rows->f32, .f64 = rows->f64 };
}

static void
csr_free (FlCsr *csr)
{
  g_free ((gpointer) csr->start);
  g_free ((gpointer) csr->col);
  g_free ((gpointer) csr->f32);
  g_free ((gpointer) csr->f64);
}

void
fl_ratings_free (FlRatings *ratings)
{
  if (ratings == NULL)
    return;
  csr_free (&ratings->by_user);
  csr_free (&ratings->by_item);
  g_free (ratings);
}

FlRatings *
fl_ratings_from_rows (FlRows *rows, double min, double max, GError **error)
{
  FlRows by_item;
  FlRatings *ratings;

  g_clear_pointer (&rows->time, g_free);
  g_clear_pointer (&rows->part, g_free);
  if (!fl_rows_transpose (&by_item, rows, error))
    {
      fl_rows_clear (rows);
      return NULL;
    }
  ratings = g_new0 (FlRatings, 1);
  *ratings = (FlRatings) { .n_users = rows->n_rows, .n_items = rows->n_cols, .n = rows->n,
                           .by_user = csr_of_rows (rows), .by_item = csr_of_rows (&by_item),
                           .rating_min = min, .rating_max = max };
  *rows = (FlRows) { .n = 0 };
  return ratings;
}

/* Copies n values to f32 when each is exact there, else to f64. */
static gboolean
copy_values (FlEntries *rows, size_t n, const double *value, GError **error)
{
  gboolean exact = TRUE;

  for (size_t k = 0; k < n && exact; k++)
    exact = (double) (float) value[k] == value[k];
  if (exact)
    {
      if (!fl_alloc_unset (&rows->f32, n, sizeof (float), error))
        return FALSE;
      for (size_t k = 0; k < n; k++)
        rows->f32[k] = (float) value[k];
      return TRUE;
    }
  if (!fl_alloc_unset (&rows->f64, n, sizeof (double), error))
    return FALSE;
  memcpy (rows->f64, value, n * sizeof (double));
  return TRUE;
}

static gboolean
check_triplets (uint32_t n_users, uint32_t n_items, size_t n, const uint32_t *user,
                const uint32_t *item, const double *rating, GError **error)
{
  for (size_t k = 0; k < n; k++)
    if (user[k] >= n_users || item[k] >= n_items)
      return fl_fail (error, FL_ERROR_DATA,
                      "rating %zu is of user %u and item %u: there are %u users and %u items", k,
                      user[k], item[k], n_users, n_items);
    else if (!isfinite (rating[k]))
      return fl_fail (error, FL_ERROR_DATA, "rating %zu (user %u, item %u) is not finite", k,
                      user[k], item[k]);
  return TRUE;
}

FlRatings *
fl_ratings_new (uint32_t n_users, uint32_t n_items, size_t n, const uint32_t *user,
                const uint32_t *item, const double *rating, GError **error)
{
  FlEntries in = { .n = n, .row = (uint32_t *) user, .col = (uint32_t *) item };
  FlEntries *const all[] = { &in };
  FlRows by_user;
  uint32_t u, i;
  double min = n > 0 ? INFINITY : 0, max = n > 0 ? -INFINITY : 0;
  gboolean done;

  if (!check_triplets (n_users, n_items, n, user, item, rating, error)
      || !copy_values (&in, n, rating, error))
    return NULL;
  done = fl_rows_gather (&by_user, n_users, n_items, all, 1, FALSE, FALSE, error);
  g_free (in.f32);
  g_free (in.f64);
  if (!done)
    return NULL;
  for (size_t k = 0; k < n; k++)
    {
      min = MIN (min, rating[k]);
      max = MAX (max, rating[k]);
    }
  if (fl_rows_twin (&by_user, &u, &i))
    {
      fl_rows_clear (&by_user);
      fl_fail (error, FL_ERROR_DATA, "user %u rates item %u twice", u, i);
      return NULL;
    }
  return fl_ratings_from_rows (&by_user, min, max, error);
}

/* Whether all of them fit a float as they are goes to *exact. */
static gboolean
check_added (size_t n, uint32_t n_items, const double *added, gboolean *exact, GError **error)
{
  for (size_t k = 0; k < n; k++)
    {
      if (!isfinite (added[k]))
        return fl_fail (error, FL_ERROR_NUMERIC, "added user %zu rates item %zu with a number "
                        "that is not finite", k / n_items, k % n_items);
      *exact = *exact && (double) (float) added[k] == added[k];
    }
  return TRUE;
}

/* The added rows make every item's row longer by n_rows; by_item follows from
 * by_user. */
FlRatings *
fl_ratings_append_users (const FlRatings *ratings, uint32_t n_rows, const double *added,
                         GError **error)
{
  const FlCsr *old = &ratings->by_user;
  size_t n_items = ratings->n_items, n_added = (size_t) n_rows * n_items;
  gboolean exact = old->f32 != NULL;
  FlRows like = { .n = 0 }, rows;

  if (n_rows > G_MAXUINT32 - ratings->n_users)
    {
      fl_fail (error, FL_ERROR_CONFIG, "%u users more are too many", n_rows);
      return NULL;
    }
  if (!check_added (n_added, ratings->n_items, added, &exact, error))
    return NULL;
  like.f32 = exact ? (float *) old->f32 : NULL;
  like.f64 = exact ? NULL : (double *) added;
  if (!fl_rows_alloc (&rows, ratings->n_users + n_rows, ratings->n_items, ratings->n + n_added,
                      &like, error))
    return NULL;
  memcpy (rows.start, old->start, (ratings->n_users + (size_t) 1) * sizeof (size_t));
  memcpy (rows.col, old->col, ratings->n * sizeof (uint32_t));
  for (uint32_t r = 0; r < n_rows; r++)
    rows.start[ratings->n_users + r + 1] = ratings->n + (r + (size_t) 1) * n_items;
  for (size_t k = 0; k < n_added; k++)
    rows.col[ratings->n + k] = (uint32_t) (k % n_items);
  for (size_t k = 0; k < rows.n; k++)
    {
      double value = k < ratings->n ? fl_csr_value (old, k) : added[k - ratings->n];

      if (exact)
        rows.f32[k] = (float) value;
      else
        rows.f64[k] = value;
    }
  return fl_ratings_from_rows (&rows, ratings->rating_min, ratings->rating_max, error);
}

/* Values in double instead of float. */
static gboolean
widen (FlCsr *csr, size_t n, GError **error)
{
  double *f64;

  if (csr->f64 != NULL)
    return TRUE;
  if (!fl_alloc_unset (&f64, n, sizeof *f64, error))
    return FALSE;
  for (size_t k = 0; k < n; k++)
    f64[k] = (double) csr->f32[k];
  g_free ((gpointer) csr->f32);
  csr->f32 = NULL;
  csr->f64 = f64;
  return TRUE;
}

static inline void
set_value (FlCsr *csr, size_t k, double value)
{
  if (csr->f32 != NULL)
    ((float *) csr->f32)[k] = (float) value;
  else
    ((double *) csr->f64)[k] = value;
}

/* In by_user they are the last rows, in by_item the last entries of each. */
gboolean
fl_ratings_change_users (FlRatings *ratings, uint32_t n_rows, const double *rows, GError **error)
{
  FlCsr *by_user = &ratings->by_user, *by_item = &ratings->by_item;
  size_t n_items = ratings->n_items, first;
  gboolean exact = TRUE;

  g_assert (n_rows <= ratings->n_users);
  first = by_user->start[ratings->n_users - n_rows];
  g_assert (ratings->n - first == n_rows * n_items);
  if (!check_added (n_rows * n_items, ratings->n_items, rows, &exact, error)
      || (!exact && !widen (by_user, ratings->n, error))
      || (!exact && !widen (by_item, ratings->n, error)))
    return FALSE;
  for (size_t r = 0; r < n_rows; r++)
    for (size_t i = 0; i < n_items; i++)
      {
        set_value (by_user, first + r * n_items + i, rows[r * n_items + i]);
        set_value (by_item, by_item->start[i + 1] - n_rows + r, rows[r * n_items + i]);
      }
  return TRUE;
}
