/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* learner.h: factorisation trained by gradients, written for reading: what tests of
 * training are held against. */
#ifndef LEARNER_H
#define LEARNER_H

#include <fairlead/plugin.h>

typedef struct
{
  int64_t rank;
  FlTrainingSettings training;
  double scale; /* of the random start */
  char *trap;   /* file with the number of changes of parameters after which the process dies */
  uint32_t n_users, n_items;
  FlBlock block[2];
  size_t n_changes, n_prepared; /* calls */
} Learner;

extern const FlPlugin learner_plugin;

#endif
