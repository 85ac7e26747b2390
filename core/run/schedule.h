/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* schedule.h: a run while it is computed, between the file that says what is to be done
 * (schedule.c) and the one that has it done by workers (crew.c). */
#ifndef FL_SCHEDULE_H
#define FL_SCHEDULE_H

#include "core/run/plan.h"
#include "core/run/worker.h"

FL_BEGIN_DECLS

typedef struct
{
  const FlCell *cell; /* the first of those that use it */
  char *path, *digest;
  char *error;        /* why there is no dataset        */
} FlRunSource;

typedef struct
{
  const FlPipeline *pipeline;
  const FlRegistry *registry;
  const FlRunOptions *options;
  FlStore *store;
  FlRunReport report;
  gpointer user_data;
  FlRunStatus status;
  GPtrArray *sources;       /* FlRunSource                                    */
  const FlRunSource **source_of; /* by cell                                   */
  FlRunRecord *run;
  guint *twin;              /* by cell: the next of the same identity, or G_MAXUINT */
  FlPlan *plan;             /* of the cells to compute                   */
  /* For what is left to do: */
  size_t n_needs_left;      /* trainings that nobody has made yet        */
  size_t n_made, n_ended;   /* cells that made a training; all cells that ended */
  double seconds_made, seconds_own;
  /* While nothing but failures came, all alike: */
  char *mistake;            /* what each of them said; NULL: none yet    */
  guint n_alike;
  gboolean succeeded;       /* something was done, or failed otherwise   */
  gboolean given_up;
  /* What has ended and is not in the store yet: */
  GArray *unkept;           /* size_t: cells                                   */
  GPtrArray *unkept_records; /* FlCellRecord, borrowed: of each                */
  int64_t kept, keeping;    /* when the last were kept, and how long that took */
} FlSchedule;

/* Work of one kind, each task for a worker: cells, or datasets by the cells that use them. */
typedef struct
{
  GPtrArray *tasks; /* GArray of guint: what a worker does one after the other */
  const FlCell *(*cell) (const FlSchedule *schedule, guint index);
  const FlRunSource *(*source) (const FlSchedule *schedule, guint index); /* of a dataset: NULL */
  gboolean (*ended) (FlSchedule *schedule, guint index, const FlAnswer *answer, GError **error);
  /* Called several times a second, and when something has ended. */
  gboolean (*look) (FlSchedule *schedule, GError **error);
} FlRunBatch;

/* fl_run_pipeline, for cells whose parameters are not to be chosen. */
gboolean fl_schedule_run (const FlPipeline *pipeline, const FlRegistry *registry,
                          const FlRunOptions *options, FlStore *store, FlRunReport report,
                          gpointer user_data, FlRunRecord **run, GError **error);
/* Does all tasks, several at a time; returns early when the run is stopped. */
gboolean fl_crew_work (FlSchedule *schedule, const FlRunBatch *batch, GError **error);
/* Reports the status as it is. */
void fl_schedule_report (FlSchedule *schedule, const FlCellRecord *finished, const char *warning);
gboolean fl_schedule_stopped (const FlSchedule *schedule);

FL_END_DECLS

#endif
