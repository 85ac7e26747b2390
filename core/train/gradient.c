/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gradient.c: derivatives by blocks of parameters, of which the rows are kept that
 * something was added to.
 *
 * Rows are independent of one another: no digit depends on the number of threads.
 */
#include "core/train/train-room.h"

#include <string.h>

/* Fewer numbers than this are not worth a second thread. */
#define NUMBERS_MIN ((size_t) 32768)
/* Rows that there is memory for once the first is listed, if the block has as many. */
#define ROOM_MIN 64u

/* ---- life -------------------------------------------------------------- */

static size_t
row_bytes (const FlGradientBlock *block)
{
  return block->n_cols * (block->f64 != NULL ? sizeof (double) : sizeof (float));
}

gpointer
fl_gradient_place (const FlGradientBlock *block, uint32_t place)
{
  char *values = block->f64 != NULL ? (char *) block->f64 : (char *) block->f32;

  return values + place * row_bytes (block);
}

static gboolean
block_init (FlGradientBlock *block, const FlBlock *of, GError **error)
{
  *block = (FlGradientBlock) { .n_rows = of->n_rows, .n_cols = of->n_cols };
  block->slot = fl_alloc (of->n_rows, sizeof *block->slot, error);
  if (block->slot == NULL)
    return FALSE;
  for (uint32_t r = 0; r < of->n_rows; r++)
    block->slot[r] = FL_NOT_LISTED;
  /* One row more than there is room for: what has no room goes there. */
  if (of->f64 != NULL)
    block->f64 = fl_table_alloc (of->n_cols, sizeof *block->f64, error);
  else
    block->f32 = fl_table_alloc (of->n_cols, sizeof *block->f32, error);
  return block->f64 != NULL || block->f32 != NULL;
}

FlGradient *
fl_gradient_new (size_t n_blocks, const FlBlock *blocks, GError **error)
{
  g_autoptr (FlGradient) gradient = g_new0 (FlGradient, 1);

  gradient->size = sizeof *gradient;
  gradient->n_blocks = n_blocks;
  gradient->block = g_new0 (FlGradientBlock, n_blocks);
  for (size_t b = 0; b < n_blocks; b++)
    if (!block_init (&gradient->block[b], &blocks[b], error))
      return NULL;
  return g_steal_pointer (&gradient);
}

void
fl_gradient_free (FlGradient *gradient)
{
  if (gradient == NULL)
    return;
  for (size_t b = 0; b < gradient->n_blocks; b++)
    {
      g_free (gradient->block[b].f32);
      g_free (gradient->block[b].f64);
      g_free (gradient->block[b].row);
      g_free (gradient->block[b].slot);
    }
  g_free (gradient->block);
  g_free (gradient);
}

/* ---- rows -------------------------------------------------------------- */

/* Room for twice as many rows; FALSE, and all as it was, where memory ends. */
static gboolean
enlarge (FlGradientBlock *block)
{
  uint32_t half = MAX (block->n_room, ROOM_MIN / 2);
  uint32_t n_room = half < block->n_rows - half ? 2 * half : block->n_rows;
  size_t bytes = row_bytes (block);
  g_autofree uint32_t *row = fl_alloc (n_room, sizeof *row, NULL);
  gpointer values = row != NULL ? fl_table_alloc ((size_t) n_room + 1, bytes, NULL) : NULL;

  if (values == NULL)
    return FALSE;
  memcpy (values, fl_gradient_place (block, 0), block->n_used * bytes);
  if (block->n_used > 0)
    memcpy (row, block->row, block->n_used * sizeof *row);
  g_free (fl_gradient_place (block, 0));
  g_free (block->row);
  if (block->f64 != NULL)
    block->f64 = values;
  else
    block->f32 = values;
  block->row = g_steal_pointer (&row);
  block->n_room = n_room;
  return TRUE;
}

uint32_t
fl_gradient_list (FlGradientBlock *block, uint32_t r)
{
  uint32_t place = block->n_used;

  if (place == block->n_room && !enlarge (block))
    block->incomplete = TRUE;
  else
    {
      block->row[place] = r;
      block->slot[r] = place;
      block->n_used++;
    }
  memset (fl_gradient_place (block, place), 0, row_bytes (block));
  return place;
}

gboolean
fl_gradient_check (const FlGradient *gradient, GError **error)
{
  for (size_t b = 0; gradient != NULL && b < gradient->n_blocks; b++)
    if (gradient->block[b].incomplete)
      return fl_fail (error, FL_ERROR_SYSTEM, "out of memory: more than %u rows of a gradient, "
                      "%zu numbers each", gradient->block[b].n_used, gradient->block[b].n_cols);
  return TRUE;
}

void
fl_gradient_clear (FlGradient *gradient)
{
  gradient->penalty = 0;
  for (size_t b = 0; b < gradient->n_blocks; b++)
    {
      FlGradientBlock *block = &gradient->block[b];

      for (uint32_t k = 0; k < block->n_used; k++)
        block->slot[block->row[k]] = FL_NOT_LISTED;
      block->n_used = 0;
      block->incomplete = FALSE;
    }
}

/* ---- sums -------------------------------------------------------------- */

static void
add_f64 (size_t n, double factor, const double *x, double *y)
{
#pragma omp simd
  for (size_t k = 0; k < n; k++)
    y[k] += factor * x[k];
}

void
fl_block_add_row (const FlBlock *block, uint32_t r, double factor, gconstpointer x)
{
  if (block->f64 != NULL)
    add_f64 (block->n_cols, factor, x, block->f64 + r * block->n_cols);
  else
    fl_add_f32 (block->n_cols, (float) factor, x, block->f32 + r * block->n_cols);
}

static void
add_place (const FlGradientBlock *to, uint32_t place, double factor, gconstpointer x)
{
  if (to->f64 != NULL)
    add_f64 (to->n_cols, factor, x, to->f64 + place * to->n_cols);
  else
    fl_add_f32 (to->n_cols, (float) factor, x, to->f32 + place * to->n_cols);
}

void
fl_gradient_add (FlGradient *a, double factor, const FlGradient *b)
{
  a->penalty += factor * b->penalty;
  for (size_t i = 0; i < b->n_blocks; i++)
    {
      FlGradientBlock *to = &a->block[i];
      const FlGradientBlock *from = &b->block[i];

      for (uint32_t k = 0; k < from->n_used; k++)
        if (to->slot[from->row[k]] == FL_NOT_LISTED)
          fl_gradient_list (to, from->row[k]);
      to->incomplete |= from->incomplete;
      if (to->incomplete)
        continue;
#pragma omp parallel for schedule(static) if (from->n_used * from->n_cols >= NUMBERS_MIN)
      for (uint32_t k = 0; k < from->n_used; k++)
        add_place (to, to->slot[from->row[k]], factor, fl_gradient_place (from, k));
    }
}

void
fl_gradient_scale (FlGradient *gradient, double factor)
{
  gradient->penalty *= factor;
  for (size_t b = 0; b < gradient->n_blocks; b++)
    {
      FlGradientBlock *block = &gradient->block[b];
      size_t n = block->n_used * block->n_cols;
      float scale = (float) factor;

#pragma omp parallel for schedule(static) if (n >= NUMBERS_MIN)
      for (size_t k = 0; k < n; k++)
        if (block->f64 != NULL)
          block->f64[k] *= factor;
        else
          block->f32[k] *= scale;
    }
}
