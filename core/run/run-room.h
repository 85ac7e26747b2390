/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* run-room.h: cells -> workers -> results store. */
#ifndef FL_RUN_ROOM_H
#define FL_RUN_ROOM_H

#include <signal.h>

#include "core/evaluate/evaluate-room.h"
#include "core/pipeline/pipeline-room.h"
#include "core/store/store-room.h"

FL_BEGIN_DECLS

/* Raised when the host computes other digits from the same settings. */
#define FL_RESULT_VERSION 2

/* ---- a cell ------------------------------------------------------------ */

/* Whether all files are there that the cell's source would read; else `missing`
 * receives what is not. */
gboolean fl_cell_has_data (const FlCell *cell, const FlRegistry *registry, char **missing);

/* The cell's dataset, through the cache, whose file `path` names (fl_cache_load);
 * and that dataset filtered, split and grouped.  A mistake that shows only in the
 * data names the line of the pipeline that asked for it. */
FlDataset *fl_cell_dataset (const FlCell *cell, const FlRegistry *registry, char **path,
                            GError **error);
FlSplit *fl_cell_split (const FlCell *cell, const FlDataset *dataset, GError **error);
/* Looks for leaks in what a cell is about to do: FlAuditRow. */
GPtrArray *fl_cell_audit (const FlCell *cell, const FlRegistry *registry,
                          const FlDataset *dataset, const FlSplit *split, GError **error);
/* How a side is grouped; NULL: not at all.  Groups that errors make, of which
 * fl_cell_split makes none. */
gboolean fl_cell_grouping (const FlCell *cell, FlSide side, FlGrouping **grouping,
                           GError **error);
gboolean fl_cell_group (const FlCell *cell, const FlDataset *dataset, FlSplit *split, FlSide side,
                        FlArmErrors errors, gpointer user_data, GError **error);

/* Makes as if errors had made no groups of a split yet; and forgets those that they made. */
void fl_cell_hide_groups (const FlCell *cell, FlSplit *split);
void fl_cell_ungroup (const FlCell *cell, FlSplit *split);

/* Trained models over one dataset, which cells share. */
typedef struct FlTrainedSet FlTrainedSet;

/* Borrowed. */
typedef struct
{
  const FlRegistry *registry;
  const char *digest;    /* of the dataset                                 */
  const char *folder;    /* where trainings have their checkpoints; "" nowhere */
  double checkpoint;     /* seconds between two                            */
  FlProgress progress;
  /* What is said before and after work that all who need the training `name` would fail in;
   * seconds negative before it.  NULL: nobody asks. */
  void (*told) (gpointer user_data, const char *name, double seconds);
  gpointer user_data;
} FlTrainedSetup;

/* `dataset` is borrowed; NULL for cells without data. */
FlTrainedSet *fl_trained_set_new (const FlTrainedSetup *setup, const FlDataset *dataset);
void fl_trained_set_free (FlTrainedSet *set);
/* The training of that name is not needed any more. */
void fl_trained_set_drop (FlTrainedSet *set, const char *name);

/* What the training of a cell is called: the hash of all that it depends on. */
char *fl_training_name (const FlCell *cell, const FlRegistry *registry, const char *digest);

/* The whole of one cell: split, augment, train, re-rank, evaluate, project; of a cell without
 * data project alone.  What is trained stays in the set. */
FlOutcome *fl_cell_execute (const FlCell *cell, FlTrainedSet *set, GError **error);

/* The ratings that are in `after` but not in `before`, which a mitigator was
 * given; NULL when they are too many to keep. */
FlArtefact *fl_artefact_of_added (const char *name, const FlRatings *before,
                                  const FlRatings *after, const FlDataset *dataset,
                                  const FlSplit *split);

/* ---- rounds of a closed loop -------------------------------------------- */

/* What passes from round to round beside the split, which it changes: what was
 * consumed is known from then on, and no longer held out. */
typedef struct FlLoop FlLoop;

/* Both borrowed. */
FlLoop *fl_loop_new (const FlRoundsKeys *keys, FlSplit *split, GError **error);
void fl_loop_free (FlLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlLoop, fl_loop_free)
/* The seed of a round; the first has the cell's own. */
uint64_t fl_loop_seed (uint64_t seed, uint32_t round);
/* Lets users respond to their lists, adds what the response says to `outcome` and what
 * they consumed to the split. */
gboolean fl_loop_respond (FlLoop *loop, const FlLists *lists, uint32_t round, uint64_t seed,
                          FlOutcome *outcome, GError **error);
/* Takes down the metrics of a round. */
void fl_loop_record (FlLoop *loop, const FlOutcome *outcome, uint32_t round);
/* Adds the courses of all metrics over the rounds, which are then its own. */
void fl_loop_finish (FlLoop *loop, FlOutcome *outcome);

/* ---- workers ----------------------------------------------------------- */

typedef struct
{
  unsigned threads;         /* per worker, at least 1                  */
  unsigned jobs;            /* workers at a time, at least 1           */
  double time_limit;        /* seconds per cell, and per dataset; 0: none */
  uint64_t memory_limit;    /* bytes per worker, beyond what the program itself holds; 0: none */
  gboolean resume;
  int64_t until;            /* monotonic time after which no cell is begun; 0: never */
  gboolean keep_going;      /* also when the first cells all failed alike */
  double checkpoint;        /* seconds between two checkpoints of a training */
  const volatile sig_atomic_t *stop;  /* becomes non-zero to interrupt; or NULL */
} FlRunOptions;

/* How a run stands; told several times a second, and at each event. */
typedef struct
{
  size_t n_tasks, n_finished, n_failed; /* cells to compute; datasets while loading  */
  size_t n_running;
  gboolean loading;                     /* datasets are prepared, before any cell    */
  const FlCell *cell;                   /* longest at work, or NULL                  */
  const char *what;                     /* what it is doing, or NULL                 */
  double done, total;                   /* of that; total 0: not known               */
  double left;                          /* seconds until all is done; negative: not known */
  const FlCellRecord *finished;         /* this cell has just ended, or NULL         */
  const char *notice;                   /* about the run as a whole, or NULL         */
  const char *warning;                  /* text that the worker of `cell` wrote, or NULL */
} FlRunStatus;
typedef void (*FlRunReport) (gpointer user_data, const FlRunStatus *status);

/* Computes all cells of a pipeline, each in a worker, and keeps them in the
 * store, after those by which parameters are chosen.  A cell that fails is an entry of the run, not an error.  When stopped
 * it returns TRUE with cells still pending, or before any cell with run = NULL. */
gboolean fl_run_pipeline (const FlPipeline *pipeline, const FlRegistry *registry,
                          const FlRunOptions *options, FlStore *store, FlRunReport report,
                          gpointer user_data, FlRunRecord **run, GError **error);

/* The whole life of a worker process: task on standard input, answers on
 * descriptor 3.  Returns the exit status. */
int fl_worker_main (void);

/* FALSE in builds whose sanitizer needs all address space. */
gboolean fl_worker_limits_memory (void);

FL_END_DECLS

#endif
