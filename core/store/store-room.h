/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store-room.h: records of runs, and the SQLite file that keeps them. */
#ifndef FL_STORE_ROOM_H
#define FL_STORE_ROOM_H

#include "core/evaluate/evaluate-room.h"

FL_BEGIN_DECLS

/* ---- records: a run as the store keeps it ------------------------------ */

typedef enum
{
  FL_CELL_PENDING,
  FL_CELL_DONE,
  FL_CELL_FAILED
} FlCellStatus;

const char *fl_cell_status_name (FlCellStatus status); /* "pending", "done", "failed" */

typedef struct
{
  char *identity;     /* SHA-256, hexadecimal: same identity, same results          */
  char *arm;
  GPtrArray *sweep;   /* FlSetting, without origins                                 */
  uint32_t repeat;
  uint64_t seed;
  char *digest;       /* of the dataset; "" when it could not be loaded             */
  char *plugins;      /* one "kind/name version" a line                             */
  char *config;       /* fl_cell_canonical                                          */
  FlCellStatus status;
  char *error;        /* why it failed, or which objectives did, and why; or NULL   */
  char *isa, *blas;   /* kernels that computed it; NULL unless done, blas if unknown */
  FlOutcome *outcome; /* NULL unless done                                           */
  double seconds;     /* wall clock; with the next two, beside the results proper   */
  uint64_t peak_kib;
  char *finished;     /* ISO 8601, UTC; NULL while pending                          */
} FlCellRecord;

FlCellRecord *fl_cell_record_new (void);
void fl_cell_record_free (FlCellRecord *record);

typedef struct
{
  int64_t number;     /* in its store, from 1                                       */
  char *key;          /* SHA-256 of title, names and identities of all cells        */
  char *title, *file;
  char *fairlead;     /* version                                                    */
  char *started;      /* ISO 8601, UTC; of the first attempt                        */
  GPtrArray *cells;   /* FlCellRecord in the pipeline's order; NULL in a list       */
  size_t n_cells, n_done, n_failed;
} FlRunRecord;

FlRunRecord *fl_run_record_new (void);
void fl_run_record_free (FlRunRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlRunRecord, fl_run_record_free)

/* ---- results store ----------------------------------------------------- */

/* An SQLite file; only the parent process writes it, one transaction a cell.
 * Several processes may use one store at a time: each has a run of its own. */
typedef struct FlStore FlStore;

FlStore *fl_store_open (const char *path, gboolean create, GError **error);
void fl_store_free (FlStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlStore, fl_store_free)
const char *fl_store_path (const FlStore *store);

/* Enters a run with all its cells pending and sets run->number.  With `resume`
 * it goes on with the last run of the same key, if there is one, and cells whose
 * identity is done anywhere in the store are taken over: their status, and no
 * more, is set to FL_CELL_DONE. */
gboolean fl_store_begin (FlStore *store, FlRunRecord *run, gboolean resume, GError **error);
/* Keeps the finished cell at index `cell`, all or nothing; and n of them. */
gboolean fl_store_put (FlStore *store, int64_t run, size_t cell, const FlCellRecord *record,
                       GError **error);
gboolean fl_store_put_all (FlStore *store, int64_t run, size_t n, const size_t *cells,
                           const FlCellRecord *const *records, GError **error);
/* Everything about a run; number 0 is the latest.  Per-entity values and
 * artefacts only when `each` is TRUE. */
FlRunRecord *fl_store_run (FlStore *store, int64_t number, gboolean each, GError **error);
/* FlRunRecord without cells, oldest first. */
GPtrArray *fl_store_list (FlStore *store, GError **error);

/* ---- trainings under way ------------------------------------------------ */

/* Where their files are: NAME.0, NAME.1, ... of a training NAME. */
char *fl_partial_folder (const FlStore *store);
/* Removes what a training has kept, and the folder with the last of it. */
void fl_partial_remove (const FlStore *store, const char *name);

FL_END_DECLS

#endif
