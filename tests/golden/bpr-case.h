/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-case.h: bpr-mf with given vectors, and losses of given triples. */
#ifndef BPR_CASE_H
#define BPR_CASE_H

#include "tests/golden/golden.h"

typedef struct
{
  FlRatings *ratings;
  FlInstance *model;
  const FlGradientOps *ops;
  const FlBlock *block;  /* users, items */
  FlGradient *gradient;
  FlGradient *d_delta;
} BprCase;

/* Vectors as the input says; tau 0: plain inner products.  The tolerance becomes
 * that of single precision. */
gboolean bpr_case_init (BprCase *bpr, GoldenCase *c, double tau, GError **error);
void bpr_case_clear (BprCase *bpr);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BprCase, bpr_case_clear)

/* Triples: n rows of `width` ids, of users where column % 3 is 0, else of items. */
uint32_t *bpr_case_ids (const BprCase *bpr, JsonObject *input, const char *key, size_t width,
                        size_t *n, GError **error);

/* Sum of -ln sigma over the batch, times `weight`; its derivatives (and those of l2)
 * are added to `gradient` and `d_delta`. */
gboolean bpr_case_loss (BprCase *bpr, const FlBatch *batch, double weight, double l2, double *loss,
                        GError **error);

/* Compares a table with what is expected at "root/name". */
void bpr_case_compare (GoldenCase *c, const char *root, const char *name,
                       const FlGradientBlock *table);

#endif
