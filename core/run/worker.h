/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worker.h: one worker process, seen from its parent; and the words the two use.
 *
 * A message is its length (uint64_t, which keeps what follows aligned) and a serialized GVariant.
 * The task, one message on the worker's standard input:
 *   (as plugin files, t memory limit, s cache file or "" to prepare it, s its digest,
 *    s where checkpoints go, d seconds between them, v cell)
 * Answers, any number of FL_WORKER_PROGRESS and one of the others:
 *   (y kind, v value)
 */
#ifndef FL_WORKER_H
#define FL_WORKER_H

#include <sys/types.h>

#include "core/run/run-room.h"

#define FL_WORKER_FD 3
#define FL_WORKER_PLATE_FD 4 /* memory: FlDoorPlate, who is at work */
#define FL_WORKER_TASK_TYPE "(astsssdv)"
#define FL_WORKER_ANSWER_TYPE "(yv)"
#define FL_WORKER_PREPARED_TYPE "(ssas)" /* cache file, digest, notes of the dataset */

enum
{
  FL_WORKER_PROGRESS = 'p', /* (dds) done, total, what; as FlProgress      */
  FL_WORKER_PREPARED = 'd', /* FL_WORKER_PREPARED_TYPE                      */
  FL_WORKER_OUTCOME = 'o',  /* (vss) outcome, isa, blas kernel or ""       */
  FL_WORKER_ERROR = 'e'     /* s     message                               */
};

gboolean fl_worker_write (int fd, GVariant *message);

typedef struct
{
  pid_t pid;
  int answer_fd, log_fd;  /* -1 once at their end                              */
  GByteArray *received;   /* answers not yet complete                          */
  GString *log;           /* the last of what it wrote to stdout and stderr    */
  int64_t started;        /* monotonic, microseconds                           */
  const FlDoorPlate *plate; /* who is at work there                            */
  char *what;             /* last progress                                     */
  double done, total;
  gboolean timed_out;
  gboolean damaged;       /* its answers make no sense                         */
  /* When it has ended: */
  GVariant *prepared, *outcome; /* the value of that answer, or NULL           */
  char *error;            /* set exactly when both are NULL                    */
  double seconds;
  uint64_t peak_kib;
} FlWorker;

FlWorker *fl_worker_start (GVariant *task, const FlCell *cell, unsigned threads, GError **error);
/* Reads what has come.  TRUE when the process has ended and been reaped. */
gboolean fl_worker_poll (FlWorker *worker, double time_limit, uint64_t memory_limit);
/* Kills it if it still runs. */
void fl_worker_free (FlWorker *worker);

#endif
