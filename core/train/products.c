/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* products.c: inner products of gradients, over the rows that they list.
 *
 * Rows are met in the order of their numbers, and sums are over parts that depend on
 * which rows there are alone: no digit depends on the number of threads, nor on the
 * order in which rows were listed.
 */
#include "core/train/train-room.h"

#include <string.h>

/* Fewer numbers than this are not worth a second thread. */
#define NUMBERS_MIN ((size_t) 32768)

/* ---- order of rows ----------------------------------------------------- */

#define DIGIT_BITS 11
#define N_DIGITS ((size_t) 1 << DIGIT_BITS)

/* to <- the n indices of `from` in the order of their rows' bits from `shift` on. */
static void
sort_by_digit (const uint32_t *row, size_t n, unsigned shift, const uint32_t *from, uint32_t *to)
{
  uint32_t start[N_DIGITS + 1] = { 0 };

  for (size_t k = 0; k < n; k++)
    start[(row[from[k]] >> shift) % N_DIGITS + 1]++;
  for (size_t d = 0; d < N_DIGITS; d++)
    start[d + 1] += start[d];
  for (size_t k = 0; k < n; k++)
    to[start[(row[from[k]] >> shift) % N_DIGITS]++] = from[k];
}

/* Indices of n rows, below n_rows, in the order of the rows, equal ones as they come. */
static uint32_t *
sort_rows (const uint32_t *row, size_t n, uint32_t n_rows)
{
  uint32_t *index = g_new (uint32_t, n + 1);
  g_autofree uint32_t *other = g_new (uint32_t, n + 1);

  for (size_t k = 0; k < n; k++)
    index[k] = (uint32_t) k;
  for (unsigned shift = 0; shift < 32 && (uint64_t) 1 << shift < n_rows; shift += DIGIT_BITS)
    {
      uint32_t *sorted = other;

      sort_by_digit (row, n, shift, index, sorted);
      other = index;
      index = sorted;
    }
  return index;
}

/* ---- of two ------------------------------------------------------------ */

/* Rows of a block to a part of a sum. */
#define PART_ROWS 1024u

/* The product of the row at `place` of a with that row of b. */
static double
row_product (const FlGradientBlock *a, uint32_t place, const FlGradientBlock *b)
{
  uint32_t other = b->slot[a->row[place]];
  size_t m = a->n_cols;

  if (other == FL_NOT_LISTED)
    return 0;
  return a->f64 != NULL ? fl_dot_f64 (m, a->f64 + place * m, b->f64 + other * m)
                        : fl_dot_f32 (m, a->f32 + place * m, b->f32 + other * m);
}

static double
block_product (const FlGradientBlock *a, const FlGradientBlock *b)
{
  g_autofree uint32_t *place = sort_rows (a->row, a->n_used, a->n_rows);
  g_autofree double *each = g_new (double, a->n_used + 1);
  size_t n_parts = a->n_rows / PART_ROWS + 1;
  g_autofree double *part = g_new0 (double, n_parts);

#pragma omp parallel for schedule(static) if (a->n_used * a->n_cols >= NUMBERS_MIN)
  for (uint32_t k = 0; k < a->n_used; k++)
    each[k] = row_product (a, place[k], b);
  for (uint32_t k = 0; k < a->n_used; k++)
    part[a->row[place[k]] / PART_ROWS] += each[k];
  return fl_sum (n_parts, part);
}

double
fl_gradient_dot (const FlGradient *a, const FlGradient *b)
{
  double total = 0;

  for (size_t i = 0; i < a->n_blocks; i++)
    total += block_product (&a->block[i], &b->block[i]);
  return total;
}

/* ---- of many ----------------------------------------------------------- */

/* A row of one block that a gradient lists. */
typedef struct
{
  uint32_t row, gradient;
  gconstpointer values; /* n_cols numbers */
} Listed;

/* All of them, in the order of the rows and then of the gradients. */
typedef struct
{
  size_t n_gradients, n_cols, n;
  gboolean f64;
  Listed *listed; /* n */
} Rows;

static void
rows_clear (Rows *rows)
{
  g_free (rows->listed);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rows, rows_clear)

static void
rows_init (Rows *rows, size_t n_gradients, const FlGradient *const *gradient, size_t b)
{
  const FlGradientBlock *first = &gradient[0]->block[b];
  g_autofree Listed *all = NULL;
  g_autofree uint32_t *row = NULL, *order = NULL;
  size_t n = 0;

  for (size_t g = 0; g < n_gradients; g++)
    n += gradient[g]->block[b].n_used;
  all = g_new (Listed, n + 1);
  row = g_new (uint32_t, n + 1);
  *rows = (Rows) { .n_gradients = n_gradients, .n_cols = first->n_cols, .n = n,
                   .f64 = first->f64 != NULL, .listed = g_new (Listed, n + 1) };
  n = 0;
  for (size_t g = 0; g < n_gradients; g++)
    for (uint32_t k = 0; k < gradient[g]->block[b].n_used; k++, n++)
      {
        row[n] = gradient[g]->block[b].row[k];
        all[n] = (Listed) { row[n], (uint32_t) g, fl_gradient_place (&gradient[g]->block[b], k) };
      }
  order = sort_rows (row, n, first->n_rows);
  for (size_t k = 0; k < n; k++)
    rows->listed[k] = all[order[k]];
}

/* A listed row, in double. */
static void
widen (const Rows *rows, const Listed *listed, double *to)
{
  const float *from = listed->values;

  if (rows->f64)
    memcpy (to, listed->values, rows->n_cols * sizeof *to);
  else
    for (size_t a = 0; a < rows->n_cols; a++)
      to[a] = from[a];
}

/* The products of the n gradients that list one row; room: n_gradients rows. */
static void
add_products (const Rows *rows, size_t n, const Listed *listed, double *room, double *out,
              double *gram)
{
  size_t m = rows->n_cols;

  for (size_t k = 0; k < n; k++)
    widen (rows, &listed[k], room + k * m);
  for (size_t k = 0; k < n; k++)
    {
      double *to = gram + listed[k].gradient * rows->n_gradients;

      fl_dot_rows_f64 (n - k, NULL, m, room + k * m, m, room + k * m, out);
      for (size_t j = k; j < n; j++)
        to[listed[j].gradient] += out[j - k];
    }
}

/* Listed rows to a part of a sum. */
#define PART_LISTED ((size_t) 1024)

/* Where a part begins: not within a row. */
static size_t
start_of_part (const Rows *rows, size_t p)
{
  size_t k = MIN (p * PART_LISTED, rows->n);

  while (k > 0 && k < rows->n && rows->listed[k].row == rows->listed[k - 1].row)
    k++;
  return k;
}

/* Adds a part to the upper triangle. */
static void
add_part (const Rows *rows, size_t p, double *gram)
{
  size_t end = start_of_part (rows, p + 1), next;
  g_autofree double *room = g_new (double, rows->n_gradients * rows->n_cols + 1);
  g_autofree double *out = g_new (double, rows->n_gradients);

  for (size_t k = start_of_part (rows, p); k < end; k = next)
    {
      for (next = k + 1; next < end && rows->listed[next].row == rows->listed[k].row;)
        next++;
      add_products (rows, next - k, rows->listed + k, room, out, gram);
    }
}

/* Adds the products of one block to the upper triangle. */
static void
add_block (const Rows *rows, double *gram)
{
  size_t n_parts = (rows->n + PART_LISTED - 1) / PART_LISTED;
  size_t size = rows->n_gradients * rows->n_gradients;
  g_autofree double *part = g_new0 (double, n_parts * size + 1);

#pragma omp parallel for schedule(static) if (rows->n * rows->n_cols >= NUMBERS_MIN)
  for (size_t p = 0; p < n_parts; p++)
    add_part (rows, p, part + p * size);
  for (size_t p = 0; p < n_parts; p++)
    for (size_t k = 0; k < size; k++)
      gram[k] += part[p * size + k];
}

void
fl_gradient_gram (size_t n, const FlGradient *const *gradients, double *gram)
{
  memset (gram, 0, n * n * sizeof *gram);
  for (size_t b = 0; n > 0 && b < gradients[0]->n_blocks; b++)
    {
      g_auto (Rows) rows = { 0 };

      rows_init (&rows, n, gradients, b);
      add_block (&rows, gram);
    }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++)
      gram[i * n + j] = gram[j * n + i];
}
