/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worker.h: one worker process, seen from its parent; and the words the two use.
 *
 * A message is its length (uint64_t, which keeps what follows aligned) and a serialized GVariant.
 * To the worker's standard input, once:
 *   (as plugin files, t memory limit, s cache file or "" to prepare it, s its digest,
 *    s folder of checkpoints, d seconds between them)
 * and then tasks, each when the one before is answered; a worker ends with its input:
 *   (as names of trainings that no later task needs, v cell)
 * Answers, of which each task has any number of the first three and one of the others:
 *   (y kind, v value)
 */
#ifndef FL_WORKER_H
#define FL_WORKER_H

#include <sys/types.h>

#include "core/run/run-room.h"

#define FL_WORKER_FD 3
#define FL_WORKER_PLATE_FD 4 /* memory: FlDoorPlate, who is at work */
#define FL_WORKER_FILES_TYPE "a(ays)" /* of plugins: path, hash */
/* Files, memory limit, prepared dataset and its digest, folder of checkpoints and seconds
 * between two. */
#define FL_WORKER_SETUP_TYPE "(" FL_WORKER_FILES_TYPE "taysayd)"
#define FL_WORKER_TASK_TYPE "(asv)"
#define FL_WORKER_ANSWER_TYPE "(yv)"
#define FL_WORKER_TRAINED_TYPE "(sd)"    /* name, seconds                          */
#define FL_WORKER_PREPARED_FORMAT "(^ays^as)"
#define FL_WORKER_PREPARED_TYPE "(aysas)" /* cache file, digest, notes of the dataset */
#define FL_WORKER_OUTCOME_TYPE "(vsst)"  /* outcome, isa, blas kernel or "", peak KiB  */
#define FL_WORKER_ERROR_TYPE "(st)"      /* message, peak KiB                          */

enum
{
  FL_WORKER_PROGRESS = 'p', /* (dds) done, total, what; as FlProgress             */
  FL_WORKER_TRAINING = 't', /* s     name: what others need as well is begun ...  */
  FL_WORKER_TRAINED = 'm',  /* FL_WORKER_TRAINED_TYPE: ... and left; perhaps not for good */
  FL_WORKER_PREPARED = 'd', /* FL_WORKER_PREPARED_TYPE                            */
  FL_WORKER_OUTCOME = 'o',  /* FL_WORKER_OUTCOME_TYPE                             */
  FL_WORKER_ERROR = 'e'     /* FL_WORKER_ERROR_TYPE                               */
};

gboolean fl_worker_write (int fd, GVariant *message);

/* What came of a task. */
typedef struct
{
  GVariant *prepared, *outcome; /* the value of that answer, or NULL           */
  char *error;                  /* set exactly when both are NULL              */
  char *training;               /* name of the one in which it failed, or NULL */
  char *log;                    /* the last of what the worker wrote meanwhile */
  double seconds;               /* as if the task were alone: with `shared`    */
  double shared;                /* of what earlier tasks made for this one     */
  double made;                  /* of trainings within this task               */
  uint64_t peak_kib;            /* of the worker so far                        */
} FlAnswer;

void fl_answer_clear (FlAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlAnswer, fl_answer_clear)

typedef struct
{
  pid_t pid;
  int task_fd;            /* -1 once no task follows                           */
  int answer_fd, log_fd;  /* -1 once at their end                              */
  GByteArray *received;   /* answers not yet complete                          */
  GString *log;           /* the last of what it wrote to stdout and stderr    */
  int64_t started, begun; /* the process, the task; monotonic, microseconds    */
  size_t n_tasks;         /* begun                                             */
  GHashTable *trained;    /* name -> double: seconds                           */
  double opening;         /* seconds until its first training; 0: not yet      */
  const FlDoorPlate *plate; /* who is at work there                            */
  char *what;             /* last progress                                     */
  double done, total;
  char *training;         /* at work on what others need as well; NULL: no     */
  gboolean timed_out;
  gboolean damaged;       /* its answers make no sense                         */
  FlAnswer answer;        /* to the task at work, as far as it is there        */
} FlWorker;

typedef enum
{
  FL_WORKER_BUSY,
  FL_WORKER_READY, /* the task has been answered, and another may begin        */
  FL_WORKER_ENDED  /* so has the process, which has been reaped                */
} FlWorkerState;

/* A worker with the environment for `n` cells, none of them at work. */
FlWorker *fl_worker_start (GVariant *setup, const FlCell *const *cells, size_t n,
                           unsigned threads, GError **error);
/* Hands it a task that uses the trainings `needs` (NULL-terminated names); of the last one
 * it is not known how it ends before the process has. */
void fl_worker_send (FlWorker *worker, GVariant *task, const char *const *needs, gboolean last);
/* Reads what has come.  The time limit holds for FlAnswer.seconds. */
FlWorkerState fl_worker_poll (FlWorker *worker, double time_limit, uint64_t memory_limit);
/* The answer, once it is not busy any more; the caller's to clear. */
FlAnswer fl_worker_get_answer (FlWorker *worker);
/* Kills it if it still runs. */
void fl_worker_free (FlWorker *worker);

#endif
