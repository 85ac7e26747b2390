/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* run.h: what a plugin may tell the run that it belongs to, and ask of it.  Part of
 * plugin.h; include that. */
#ifndef FAIRLEAD_RUN_H
#define FAIRLEAD_RUN_H

#include <fairlead/base.h>

FL_BEGIN_DECLS

typedef struct FlRun FlRun;

uint64_t fl_run_seed (const FlRun *run);
/* In all of these `run` may be NULL: nobody listens, the seed is 0. */

/* Says how far the work is; cheap, may be called often. */
void fl_run_progress (FlRun *run, double done, double total, const char *what);
/* Records a fact about the run beside its metrics: sweeps needed, the reason to
 * stop.  The last value of a name stands. */
void fl_run_note (FlRun *run, const char *name, double value);
void fl_run_note_text (FlRun *run, const char *name, const char *value);

typedef enum
{
  FL_STOP_CONVERGED,
  FL_STOP_MAX_ITER,
  FL_STOP_PATIENCE
} FlStop;
void fl_run_note_stop (FlRun *run, FlStop reason, size_t iterations);

FL_END_DECLS

#endif
