/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "bpr-mf.h"

#include <string.h>

static inline void
add_rows (size_t n, double factor, const double *x, double *y)
{
#pragma omp simd
  for (size_t a = 0; a < n; a++)
    y[a] += factor * x[a];
}

static inline void
add_delta (size_t n, double factor, const float *delta, double *y)
{
  for (size_t a = 0; a < n; a++)
    y[a] += factor * (double) delta[a];
}

static inline double *
open_delta (FlGradientBlock *block, uint32_t r, size_t n, double *room)
{
  (void) block;
  (void) r;
  memset (room, 0, n * sizeof *room);
  return room;
}

static inline void
close_delta (FlGradientBlock *block, uint32_t r, size_t n, const double *room)
{
  float *row = fl_gradient_row (block, r);

  for (size_t a = 0; a < n; a++)
    row[a] += (float) room[a];
}

#define REAL double
#define VALUE f64
#define DOT fl_dot_f64
#define ROW fl_gradient_row_f64
#define PRECISION bpr_double
#include "bpr-batch.inc"
