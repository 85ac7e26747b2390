/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rows.c: a sparse matrix that is being made: memory, transposition, twins. */
#include "core/data/rows/rows-room.h"

#include <string.h>

void
fl_rows_clear (FlRows *rows)
{
  g_free (rows->start);
  g_free (rows->col);
  g_free (rows->f32);
  g_free (rows->f64);
  g_free (rows->time);
  g_free (rows->part);
  *rows = (FlRows) { .n = 0 };
}

gboolean
fl_alloc_unset (gpointer array, size_t n, size_t size, GError **error)
{
  gpointer memory = NULL;
  size_t bytes = 0;

  /* Every byte will be written: zeroing first would cost a pass. */
  if (g_size_checked_mul (&bytes, n, size))
    memory = g_try_malloc (MAX (bytes, 1));
  memcpy (array, &memory, sizeof memory);
  return memory != NULL
         || fl_fail (error, FL_ERROR_SYSTEM, "out of memory for %zu ratings", n);
}

gboolean
fl_rows_alloc (FlRows *rows, uint32_t n_rows, uint32_t n_cols, size_t n, const FlRows *like,
               GError **error)
{
  *rows = (FlRows) { .n_rows = n_rows, .n_cols = n_cols, .n = n };
  rows->start = fl_alloc ((size_t) n_rows + 1, sizeof (size_t), error);
  if (rows->start != NULL
      && fl_alloc_unset (&rows->col, n, sizeof (uint32_t), error)
      && (like->f32 == NULL || fl_alloc_unset (&rows->f32, n, sizeof (float), error))
      && (like->f64 == NULL || fl_alloc_unset (&rows->f64, n, sizeof (double), error))
      && (like->time == NULL || fl_alloc_unset (&rows->time, n, sizeof (int64_t), error))
      && (like->part == NULL || fl_alloc_unset (&rows->part, n, sizeof (uint8_t), error)))
    return TRUE;
  fl_rows_clear (rows);
  return FALSE;
}

/* Counts, kept one place up, become the starts of rows. */
static void
accumulate (FlRows *rows)
{
  for (uint32_t r = 0; r < rows->n_rows; r++)
    rows->start[r + 1] += rows->start[r];
}

/* Moves entry k of `in` to the next free place of `row`. */
static inline void
place (FlRows *out, uint32_t row, uint32_t col, const FlRows *in, size_t k)
{
  size_t at = out->start[row]++;

  out->col[at] = col;
  if (in->f32 != NULL)
    out->f32[at] = in->f32[k];
  else
    out->f64[at] = in->f64[k];
  if (in->time != NULL)
    out->time[at] = in->time[k];
  if (in->part != NULL)
    out->part[at] = in->part[k];
}

/* Placing has moved the start of each row to its end. */
static void
restore (FlRows *rows)
{
  memmove (rows->start + 1, rows->start, rows->n_rows * sizeof (size_t));
  rows->start[0] = 0;
}

gboolean
fl_rows_transpose (FlRows *out, const FlRows *in, GError **error)
{
  if (!fl_rows_alloc (out, in->n_cols, in->n_rows, in->n, in, error))
    return FALSE;
  for (size_t k = 0; k < in->n; k++)
    out->start[in->col[k] + 1]++;
  accumulate (out);
  for (uint32_t r = 0; r < in->n_rows; r++)
    for (size_t k = in->start[r]; k < in->start[r + 1]; k++)
      place (out, in->col[k], r, in, k);
  restore (out);
  return TRUE;
}

gboolean
fl_rows_twin (const FlRows *rows, uint32_t *row, uint32_t *col)
{
  for (uint32_t r = 0; r < rows->n_rows; r++)
    for (size_t k = rows->start[r] + 1; k < rows->start[r + 1]; k++)
      if (rows->col[k] == rows->col[k - 1])
        {
          *row = r;
          *col = rows->col[k];
          return TRUE;
        }
  return FALSE;
}
