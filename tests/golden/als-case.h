/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-case.h: an als-mf as a golden case describes it, with factors in the set's
 * layout, biases apart. */
#ifndef ALS_CASE_H
#define ALS_CASE_H

#include "tests/golden/golden.h"

typedef struct
{
  GoldenCase *c;
  uint32_t n_items, rank;
  gboolean biases;
  double *start;     /* item factors as the model lays them out */
  FlInstance *model;
} AlsCase;

/* Reads rank, half, regularise_bias, initial_item_factors and, where the model has
 * biases, initial_item_bias. */
gboolean als_case_init (AlsCase *als, GoldenCase *c, uint32_t n_items, GError **error);
void als_case_clear (AlsCase *als);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AlsCase, als_case_clear)

const FlClosedFormOps *als_case_closed_form (const AlsCase *als);
FlFactors als_case_factors (const AlsCase *als);
/* user_factors, item_factors, user_bias and item_bias below `root` ("", "after_sweep/1/"). */
void als_case_compare (const AlsCase *als, const char *root);

#endif
