/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* judge.c: what plays the test part where parameters are chosen: the validation part, or a
 * fold of the training ratings.  The test ratings are then in no part at all. */
#include "core/data/shaping/shaping-parts.h"

/* Each training rating falls into a fold by itself, each fold as likely as another: which
 * one depends on no other rating. */
static gboolean
is_in_fold (const FlSplitKeys *keys, uint64_t seed, size_t k)
{
  FlRng rng = fl_rng (seed, "judge fold", k);

  return fl_rng_below (&rng, (uint32_t) keys->judge_folds) + 1 == keys->judge_fold;
}

static uint8_t
judge_rating (const FlSplitKeys *keys, uint64_t seed, size_t k, uint8_t part)
{
  if (part == FL_PART_TEST)
    return FL_DROPPED;
  if (keys->judge == FL_JUDGE_VALIDATION)
    return part == FL_PART_VALIDATION ? FL_PART_TEST : part;
  return part == FL_PART_TRAIN && is_in_fold (keys, seed, k) ? FL_PART_TEST : part;
}

void
fl_parts_judge (const FlSplitKeys *keys, uint64_t seed, size_t n, uint8_t *part)
{
  if (keys->judge == FL_JUDGE_TEST)
    return;
#pragma omp parallel for if (n >= FL_THREADS_MIN)
  for (size_t k = 0; k < n; k++)
    part[k] = judge_rating (keys, seed, k, part[k]);
}
