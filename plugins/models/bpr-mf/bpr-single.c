/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "bpr-mf.h"

static inline void
add_rows (size_t n, float factor, const float *x, float *y)
{
  fl_add_f32 (n, factor, x, y);
}

static inline void
add_delta (size_t n, float factor, const float *delta, float *y)
{
  fl_add_f32 (n, factor, delta, y);
}

static inline float *
open_delta (FlGradientBlock *block, uint32_t r, size_t n, float *room)
{
  (void) n;
  (void) room;
  return fl_gradient_row (block, r);
}

static inline void
close_delta (FlGradientBlock *block, uint32_t r, size_t n, const float *room)
{
  (void) block;
  (void) r;
  (void) n;
  (void) room;
}

#define REAL float
#define VALUE f32
#define DOT fl_dot_f32
#define ROW fl_gradient_row
#define PRECISION bpr_single
#include "bpr-batch.inc"
