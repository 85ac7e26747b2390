/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* random.h: counter-based random numbers (Philox4x32-10, Salmon et al. 2011).
 *
 * A stream is named by (seed, purpose, index); the k-th number of a stream is
 * a pure function of that name and k.  Work cut into pieces by user, row or
 * block therefore draws the same numbers for any number of threads:
 *
 *   FlRng rng = fl_rng (seed, "split", u);
 */
#ifndef FAIRLEAD_RANDOM_H
#define FAIRLEAD_RANDOM_H

#include <fairlead/base.h>

FL_BEGIN_DECLS

typedef struct
{
  uint32_t key[2];
  uint32_t counter[4];
  uint32_t block[4]; /* numbers drawn ahead           */
  unsigned n_left;   /* how many of them remain       */
  double spare;      /* second normal of a pair       */
  gboolean has_spare;
} FlRng;

FlRng fl_rng (uint64_t seed, const char *purpose, uint64_t index);

uint32_t fl_rng_u32 (FlRng *rng);
uint64_t fl_rng_u64 (FlRng *rng);
double fl_rng_uniform (FlRng *rng);                  /* [0, 1), 53 bits      */
double fl_rng_normal (FlRng *rng);                   /* mean 0, variance 1   */
uint32_t fl_rng_below (FlRng *rng, uint32_t bound);  /* 0..bound-1, unbiased */
void fl_rng_shuffle (FlRng *rng, uint32_t *values, size_t n);

FL_END_DECLS

#endif
