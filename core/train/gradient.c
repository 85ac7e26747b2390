/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gradient.c: derivatives by blocks of parameters, most of whose rows are zero.
 *
 * Rows are independent of one another but in the sum of products, which is over
 * parts of rows in their order: no digit depends on the number of threads, nor on
 * the order in which rows were first added to.
 */
#include "core/train/train-room.h"

#include <string.h>

/* Fewer numbers than this are not worth a second thread. */
#define NUMBERS_MIN ((size_t) 32768)

static gboolean
block_init (FlGradientBlock *block, const FlBlock *of, GError **error)
{
  *block = (FlGradientBlock) { .n_rows = of->n_rows, .n_cols = of->n_cols };
  block->value = fl_table_alloc ((size_t) of->n_rows * of->n_cols, sizeof (float), error);
  block->row = block->value != NULL ? fl_alloc (of->n_rows, sizeof *block->row, error) : NULL;
  block->used = block->row != NULL ? fl_alloc (of->n_rows, sizeof *block->used, error) : NULL;
  return block->used != NULL;
}

FlGradient *
fl_gradient_new (size_t n_blocks, const FlBlock *blocks, GError **error)
{
  g_autoptr (FlGradient) gradient = g_new0 (FlGradient, 1);

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
      g_free (gradient->block[b].value);
      g_free (gradient->block[b].row);
      g_free (gradient->block[b].used);
    }
  g_free (gradient->block);
  g_free (gradient);
}

void
fl_gradient_clear (FlGradient *gradient)
{
  gradient->penalty = 0;
  for (size_t b = 0; b < gradient->n_blocks; b++)
    {
      FlGradientBlock *block = &gradient->block[b];

      for (uint32_t k = 0; k < block->n_used; k++)
        {
          uint32_t r = block->row[k];

          memset (block->value + r * block->n_cols, 0, block->n_cols * sizeof *block->value);
          block->used[r] = 0;
        }
      block->n_used = 0;
    }
}

void
fl_gradient_add (FlGradient *a, double factor, const FlGradient *b)
{
  a->penalty += factor * b->penalty;
  for (size_t i = 0; i < b->n_blocks; i++)
    {
      FlGradientBlock *to = &a->block[i];
      const FlGradientBlock *from = &b->block[i];
      size_t m = from->n_cols;

      for (uint32_t k = 0; k < from->n_used; k++)
        fl_gradient_row (to, from->row[k]);
#pragma omp parallel for schedule(static) if (from->n_used * m >= NUMBERS_MIN)
      for (uint32_t k = 0; k < from->n_used; k++)
        fl_add_f32 (m, (float) factor, from->value + from->row[k] * m,
                    to->value + from->row[k] * m);
    }
}

void
fl_gradient_scale (FlGradient *gradient, double factor)
{
  gradient->penalty *= factor;
  for (size_t b = 0; b < gradient->n_blocks; b++)
    {
      FlGradientBlock *block = &gradient->block[b];
      float scale = (float) factor;

#pragma omp parallel for schedule(static) if (block->n_used * block->n_cols >= NUMBERS_MIN)
      for (uint32_t k = 0; k < block->n_used; k++)
        {
          float *value = block->value + block->row[k] * block->n_cols;

          for (size_t a = 0; a < block->n_cols; a++)
            value[a] *= scale;
        }
    }
}

/* Rows to a part of a sum. */
#define PART_ROWS 1024u

/* Rows from `first` to `end`; those that either has not are zero there. */
static double
dot_part (const FlGradientBlock *a, const FlGradientBlock *b, uint32_t first, uint32_t end)
{
  double sum = 0;

  for (uint32_t r = first; r < end; r++)
    if (a->used[r] && b->used[r])
      sum += fl_dot_f32 (a->n_cols, a->value + r * a->n_cols, b->value + r * a->n_cols);
  return sum;
}

double
fl_gradient_dot (const FlGradient *a, const FlGradient *b)
{
  double total = 0;

  for (size_t i = 0; i < a->n_blocks; i++)
    {
      const FlGradientBlock *x = &a->block[i], *y = &b->block[i];
      uint32_t n_parts = x->n_rows / PART_ROWS + 1;
      g_autofree double *part = g_new (double, n_parts);

#pragma omp parallel for schedule(static) if (x->n_used * x->n_cols >= NUMBERS_MIN)
      for (uint32_t p = 0; p < n_parts; p++)
        part[p] = dot_part (x, y, p * PART_ROWS, MIN ((p + 1) * PART_ROWS, x->n_rows));
      total += fl_sum (n_parts, part);
    }
  return total;
}
