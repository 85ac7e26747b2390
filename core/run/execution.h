/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* execution.h: a cell while it is computed: what it is trained to, and what it recommends. */
#ifndef FL_EXECUTION_H
#define FL_EXECUTION_H

#include "core/run/trained.h"

FL_BEGIN_DECLS

/* Lists that were made for a cell. */
typedef struct
{
  FlPart part;
  size_t k;
  FlRanked ranked;
} FlListed;

typedef struct
{
  const FlCell *cell;
  FlTrainedSet *set;
  gboolean is_base;      /* trained, and perhaps re-ranked, for another cell's sake */
  FlTrained *trained;    /* the set's; NULL without data                           */
  FlRun *run;            /* of what comes after training                           */
  GPtrArray *later;      /* FlInstance: mitigators that only come after training   */
  GPtrArray *mitigators; /* FlInstance, borrowed, as in cell->mitigators           */
  GPtrArray *bases;      /* FlExecution, as in cell->bases                         */
  GPtrArray *listed;     /* FlListed                                               */
} FlExecution;

/* "train", "validation", "test", by FlPart. */
extern const char *const fl_part_word[];

void fl_execution_init (FlExecution *x, const FlCell *cell, FlTrainedSet *set, gboolean is_base);
void fl_execution_clear (FlExecution *x);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlExecution, fl_execution_clear)

/* Everything up to a trained model and the mitigators that come after it; without data there
 * is no model. */
gboolean fl_execution_fit (FlExecution *x, GError **error);
/* The same once more, on the split as it is by now. */
gboolean fl_execution_fit_again (FlExecution *x, uint64_t seed, GError **error);
/* Where that arm was trained: before, or in the cell itself. */
FlExecution *fl_execution_of (FlExecution *x, const char *arm);
/* The data as a mitigator that comes after training may see them: without what others
 * added, as in evaluation. */
FlData fl_execution_data (const FlExecution *x, const FlInstance *mitigator);

/* What the arm recommends: lists of k by its re-ranker, else the model's best `longest`, of
 * which lists of all lengths are the beginnings. */
const FlLists *fl_execution_lists (FlExecution *x, FlPart part, size_t k, size_t longest,
                                   GError **error);

FL_END_DECLS

#endif
