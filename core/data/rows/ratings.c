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

/* ---- rows behind the others ------------------------------------------------ */

/* The orientation whose rows are the side's, with the other one in *across. */
static FlCsr *
side_rows (const FlRatings *ratings, FlSide side, FlCsr **across)
{
  FlRatings *r = (FlRatings *) ratings;

  *across = side == FL_SIDE_USER ? &r->by_item : &r->by_user;
  return side == FL_SIDE_USER ? &r->by_user : &r->by_item;
}

/* Whether all of them fit a float as they are goes to *exact. */
static gboolean
check_added (size_t n, uint32_t n_cols, FlSide side, const double *added, gboolean *exact,
             GError **error)
{
  for (size_t k = 0; k < n; k++)
    {
      if (!isfinite (added[k]))
        return side == FL_SIDE_USER
               ? fl_fail (error, FL_ERROR_NUMERIC, "added user %zu rates item %zu with a number "
                          "that is not finite", k / n_cols, k % n_cols)
               : fl_fail (error, FL_ERROR_NUMERIC, "user %zu rates added item %zu with a number "
                          "that is not finite", k % n_cols, k / n_cols);
      *exact = *exact && (double) (float) added[k] == added[k];
    }
  return TRUE;
}

/* The rows of `old` and n full ones. */
static gboolean
append_rows (FlRows *rows, const FlCsr *old, uint32_t n, const double *added, gboolean exact,
             GError **error)
{
  size_t n_cols = old->n_cols, n_old = old->start[old->n_rows];
  FlRows like = { .n = 0 };

  /* Only whether a pointer is set counts. */
  like.f32 = exact ? (float *) (gpointer) &like : NULL;
  like.f64 = exact ? NULL : (double *) (gpointer) &like;
  if (!fl_rows_alloc (rows, old->n_rows + n, old->n_cols, n_old + n * n_cols, &like, error))
    return FALSE;
  memcpy (rows->start, old->start, (old->n_rows + (size_t) 1) * sizeof (size_t));
  memcpy (rows->col, old->col, n_old * sizeof (uint32_t));
  for (uint32_t r = 0; r < n; r++)
    rows->start[old->n_rows + r + 1] = n_old + (r + (size_t) 1) * n_cols;
  for (size_t k = n_old; k < rows->n; k++)
    rows->col[k] = (uint32_t) ((k - n_old) % n_cols);
  for (size_t k = 0; k < rows->n; k++)
    {
      double value = k < n_old ? fl_csr_value (old, k) : added[k - n_old];

      if (exact)
        rows->f32[k] = (float) value;
      else
        rows->f64[k] = value;
    }
  return TRUE;
}

/* Users become items and items users; all arrays stay where they are. */
static void
transpose (FlRatings *ratings)
{
  FlCsr by_user = ratings->by_user;
  uint32_t n_users = ratings->n_users;

  ratings->by_user = ratings->by_item;
  ratings->by_item = by_user;
  ratings->n_users = ratings->n_items;
  ratings->n_items = n_users;
}

/* The other orientation, whose every row is longer by n, follows from this one. */
FlRatings *
fl_ratings_append (const FlRatings *ratings, FlSide side, uint32_t n, const double *added,
                   GError **error)
{
  FlCsr *across;
  const FlCsr *old = side_rows (ratings, side, &across);
  gboolean exact = old->f32 != NULL;
  FlRatings *more;
  FlRows rows;

  if (n > G_MAXUINT32 - old->n_rows)
    {
      fl_fail (error, FL_ERROR_CONFIG, "%u %s more are too many", n,
               side == FL_SIDE_USER ? "users" : "items");
      return NULL;
    }
  if (!check_added ((size_t) n * old->n_cols, old->n_cols, side, added, &exact, error)
      || !append_rows (&rows, old, n, added, exact, error))
    return NULL;
  more = fl_ratings_from_rows (&rows, ratings->rating_min, ratings->rating_max, error);
  if (more != NULL && side == FL_SIDE_ITEM)
    transpose (more);
  return more;
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

/* They are the last rows of one orientation, and the last entries of each row of the
 * other. */
gboolean
fl_ratings_change (FlRatings *ratings, FlSide side, uint32_t n, const double *rows, GError **error)
{
  FlCsr *across, *along = side_rows (ratings, side, &across);
  size_t n_cols = along->n_cols, first;
  gboolean exact = TRUE;

  first = n <= along->n_rows ? along->start[along->n_rows - n] : 0;
  if (n > along->n_rows || ratings->n - first != n * n_cols)
    return fl_fail (error, FL_ERROR_PLUGIN, "changes the last %u %s of ratings to which they were "
                    "not appended", n, side == FL_SIDE_USER ? "users" : "items");
  if (!check_added (n * n_cols, along->n_cols, side, rows, &exact, error)
      || (!exact && !widen (along, ratings->n, error))
      || (!exact && !widen (across, ratings->n, error)))
    return FALSE;
  for (size_t r = 0; r < n; r++)
    for (size_t c = 0; c < n_cols; c++)
      {
        set_value (along, first + r * n_cols + c, rows[r * n_cols + c]);
        set_value (across, across->start[c + 1] - n + r, rows[r * n_cols + c]);
      }
  return TRUE;
}
