/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plan.h: the cells of a run that are still to be computed, and the trainings that they
 * need. */
#ifndef FL_PLAN_H
#define FL_PLAN_H

#include "core/run/run-room.h"

FL_BEGIN_DECLS

/* A training, which several cells may need. */
typedef struct
{
  char *name;       /* fl_training_name                                                    */
  guint place;      /* among FlPlan.needs                                                  */
  size_t n_undone;  /* cells that need it and are not done: as long its checkpoints stay   */
  size_t n_waiting; /* cells that need it and have not ended: as long it is kept in memory */
  gboolean made;    /* once, by some worker                                                */
} FlNeeded;

typedef struct
{
  GPtrArray *needs;    /* FlNeeded, in the order in which cells come to them */
  GHashTable *by_name; /* name -> FlNeeded                                   */
  GHashTable *of_cell; /* index -> GPtrArray of FlNeeded, its own the last   */
  GArray *cells;       /* guint: their indices, as they were added         */
} FlPlan;

FlPlan *fl_plan_new (void);
void fl_plan_free (FlPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlPlan, fl_plan_free)

/* The cell that the run calls `index` is to be computed on data of that digest. */
void fl_plan_add (FlPlan *plan, guint index, const FlCell *cell, const FlRegistry *registry,
                  const char *digest);
/* FlNeeded of a cell that was added. */
const GPtrArray *fl_plan_needs (const FlPlan *plan, guint index);
gboolean fl_plan_needs_name (const FlPlan *plan, guint index, const char *name);
/* GArray of guint: cells that share trainings, or trainings with cells that do; groups,
 * and the cells in them, as they were added. */
GPtrArray *fl_plan_groups (const FlPlan *plan);

FL_END_DECLS

#endif
