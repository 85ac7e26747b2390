/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gradients.h: numbers of a gradient as if all its rows were there. */
#ifndef TEST_GRADIENTS_H
#define TEST_GRADIENTS_H

#include <fairlead/plugin.h>

/* Number k of the block, n_rows x n_cols; zero where its row is not listed. */
static inline double
test_gradient_number (const FlGradientBlock *block, size_t k)
{
  uint32_t place = block->slot[k / block->n_cols];
  size_t at = place * block->n_cols + k % block->n_cols;

  if (place == FL_NOT_LISTED)
    return 0;
  return block->f64 != NULL ? block->f64[at] : (double) block->f32[at];
}

static inline gboolean
test_gradient_has (const FlGradientBlock *block, uint32_t r)
{
  return block->slot[r] != FL_NOT_LISTED;
}

#endif
