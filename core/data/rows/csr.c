/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* csr.c: looking for a column in a row of a sparse matrix, and beside it. */
#include <fairlead/data.h>

size_t
fl_csr_lower_bound (const FlCsr *csr, uint32_t row, uint32_t col)
{
  size_t first = csr->start[row], n = csr->start[row + 1] - first;

  for (; n > 1; n -= n / 2)
    first += csr->col[first + n / 2 - 1] < col ? n / 2 : 0;
  return first + (n == 1 && csr->col[first] < col);
}

gboolean
fl_csr_has (const FlCsr *csr, uint32_t row, uint32_t col)
{
  size_t k = fl_csr_lower_bound (csr, row, col);

  return k < csr->start[row + 1] && csr->col[k] == col;
}

/* With r one of the numbers from 0 to n_cols - n - 1, the r-th of the columns without an
 * entry.  It is r + k, k the number of entries that precede it: those with
 * col[k] - k <= r. */
uint32_t
fl_csr_draw_unseen (const FlCsr *csr, uint32_t row, FlRng *rng)
{
  const uint32_t *col = csr->col + csr->start[row];
  uint32_t n = (uint32_t) (csr->start[row + 1] - csr->start[row]), k = 0, r;

  g_assert (n < csr->n_cols);
  r = fl_rng_below (rng, csr->n_cols - n);
  for (; n > 1; n -= n / 2)
    k += col[k + n / 2 - 1] - (k + n / 2 - 1) <= r ? n / 2 : 0;
  return r + k + (n == 1 && col[k] - k <= r);
}
