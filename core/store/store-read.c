/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store-read.c: runs out of the results store. */
#include <math.h>
#include <string.h>

#include "core/store/store-sql.h"

static char *
text (sqlite3_stmt *row, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (row, column));
}

static FlCellRecord *
read_cell (sqlite3_stmt *row)
{
  FlCellRecord *record = fl_cell_record_new ();
  const char *status = (const char *) sqlite3_column_text (row, 7);

  record->identity = text (row, 0);
  record->arm = text (row, 1);
  record->repeat = (uint32_t) sqlite3_column_int64 (row, 2);
  record->seed = (uint64_t) sqlite3_column_int64 (row, 3);
  record->digest = text (row, 4);
  record->plugins = text (row, 5);
  record->config = text (row, 6);
  while (record->status < FL_CELL_FAILED
         && g_strcmp0 (status, fl_cell_status_name (record->status)) != 0)
    record->status++;
  record->error = text (row, 8);
  record->isa = text (row, 9);
  record->blas = text (row, 10);
  record->seconds = sqlite3_column_double (row, 11);
  record->peak_kib = (uint64_t) sqlite3_column_int64 (row, 12);
  record->finished = text (row, 13);
  if (record->status == FL_CELL_DONE)
    record->outcome = fl_outcome_new ();
  return record;
}

/* The rows below come with the index of their cell first. */
static FlCellRecord *
cell_of (const FlRunRecord *run, sqlite3_stmt *row)
{
  int64_t cell = sqlite3_column_int64 (row, 0);

  return cell >= 0 && cell < run->cells->len ? run->cells->pdata[cell] : NULL;
}

static void
read_sweep (FlCellRecord *record, sqlite3_stmt *row)
{
  g_ptr_array_add (record->sweep,
                   fl_setting_new ((const char *) sqlite3_column_text (row, 1),
                                   (const char *) sqlite3_column_text (row, 2), NULL));
}

static void
read_note (FlCellRecord *record, sqlite3_stmt *row)
{
  if (record->outcome != NULL)
    g_ptr_array_add (record->outcome->notes,
                     fl_setting_new ((const char *) sqlite3_column_text (row, 1),
                                     (const char *) sqlite3_column_text (row, 2), NULL));
}

static void
read_artefact (FlCellRecord *record, sqlite3_stmt *row)
{
  if (record->outcome != NULL)
    g_ptr_array_add (record->outcome->artefacts,
                     fl_artefact_new ((const char *) sqlite3_column_text (row, 1),
                                      (const char *) sqlite3_column_text (row, 2)));
}

static void
read_metric (FlCellRecord *record, sqlite3_stmt *row)
{
  FlMetric *metric;

  if (record->outcome == NULL)
    return;
  metric = g_new0 (FlMetric, 1);
  metric->name = text (row, 1);
  metric->k = sqlite3_column_int (row, 2);
  metric->group = text (row, 3);
  metric->part = text (row, 4);
  metric->direction = (FlDirection) CLAMP (sqlite3_column_int (row, 5), 0, FL_NO_DIRECTION);
  metric->value = sqlite3_column_type (row, 6) == SQLITE_NULL ? NAN
                                                              : sqlite3_column_double (row, 6);
  metric->n = (size_t) sqlite3_column_int64 (row, 7);
  g_ptr_array_add (record->outcome->metrics, metric);
}

static void
read_each (FlCellRecord *record, sqlite3_stmt *row)
{
  FlEach *each;
  const guint64 *bytes = sqlite3_column_blob (row, 6);
  const char *side;

  if (record->outcome == NULL)
    return;
  each = g_new0 (FlEach, 1);
  each->name = text (row, 1);
  each->k = sqlite3_column_int (row, 2);
  each->group = text (row, 3);
  each->part = text (row, 4);
  side = (const char *) sqlite3_column_text (row, 5);
  while (each->index < FL_N_INDICES - 1 && g_strcmp0 (side, fl_index_name (each->index)) != 0)
    each->index++;
  each->n = (size_t) sqlite3_column_bytes (row, 6) / sizeof *bytes;
  each->value = g_new (double, each->n);
  for (size_t i = 0; i < each->n; i++)
    {
      guint64 bits = GUINT64_FROM_LE (bytes[i]);

      memcpy (&each->value[i], &bits, sizeof bits);
    }
  g_ptr_array_add (record->outcome->each, each);
}

/* Hands each row of `sql` to `read` with the cell it belongs to. */
static gboolean
read_rows (FlStore *store, FlRunRecord *run, const char *sql,
           void (*read) (FlCellRecord *record, sqlite3_stmt *row), GError **error)
{
  GError *failure = NULL;
  sqlite3_stmt *statement = fl_store_query (store, error, sql, "i", run->number);

  if (statement == NULL)
    return FALSE;
  while (fl_store_step (store, statement, &failure))
    {
      FlCellRecord *record = cell_of (run, statement);

      if (record != NULL)
        read (record, statement);
    }
  if (failure != NULL)
    g_propagate_error (error, failure);
  return failure == NULL;
}

static gboolean
read_cells (FlStore *store, FlRunRecord *run, GError **error)
{
  GError *failure = NULL;
  sqlite3_stmt *statement
      = fl_store_query (store, error,
                        "SELECT identity, arm, repeat, seed, digest, plugins, config, status,"
                        " error, isa, blas, seconds, peak_kib, finished"
                        " FROM cell LEFT JOIN timing USING (run, cell) WHERE run = ?"
                        " ORDER BY cell", "i", run->number);

  if (statement == NULL)
    return FALSE;
  run->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_record_free);
  while (fl_store_step (store, statement, &failure))
    g_ptr_array_add (run->cells, read_cell (statement));
  if (failure != NULL)
    g_propagate_error (error, failure);
  return failure == NULL;
}

#define RUN_COLUMNS \
  "SELECT run, key, title, file, fairlead," \
  " (SELECT substr (min (started), 1, 19) || 'Z' FROM attempt WHERE attempt.run = run.run)," \
  " (SELECT count(*) FROM cell WHERE cell.run = run.run)," \
  " (SELECT count(*) FROM cell WHERE cell.run = run.run AND status = 'done')," \
  " (SELECT count(*) FROM cell WHERE cell.run = run.run AND status = 'failed') FROM run"

static FlRunRecord *
read_run (sqlite3_stmt *row)
{
  FlRunRecord *run = fl_run_record_new ();

  run->number = sqlite3_column_int64 (row, 0);
  run->key = text (row, 1);
  run->title = text (row, 2);
  run->file = text (row, 3);
  run->fairlead = text (row, 4);
  run->started = text (row, 5);
  run->n_cells = (size_t) sqlite3_column_int64 (row, 6);
  run->n_done = (size_t) sqlite3_column_int64 (row, 7);
  run->n_failed = (size_t) sqlite3_column_int64 (row, 8);
  return run;
}

GPtrArray *
fl_store_list (FlStore *store, GError **error)
{
  g_autoptr (GPtrArray) runs
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_run_record_free);
  GError *failure = NULL;
  sqlite3_stmt *statement = fl_store_query (store, error, RUN_COLUMNS " ORDER BY run", "");

  if (statement == NULL)
    return NULL;
  while (fl_store_step (store, statement, &failure))
    g_ptr_array_add (runs, read_run (statement));
  if (failure == NULL)
    return g_steal_pointer (&runs);
  g_propagate_error (error, failure);
  return NULL;
}

/* The run that was last worked at. */
#define LATEST \
  " ORDER BY (SELECT max (started) FROM attempt WHERE attempt.run = run.run) DESC, run DESC LIMIT 1"

static FlRunRecord *
find_run (FlStore *store, int64_t number, GError **error)
{
  FlRunRecord *run = NULL;
  GError *failure = NULL;
  sqlite3_stmt *statement
      = number == 0 ? fl_store_query (store, error, RUN_COLUMNS LATEST, "")
                    : fl_store_query (store, error, RUN_COLUMNS " WHERE run = ?", "i", number);

  if (statement == NULL)
    return NULL;
  if (fl_store_step (store, statement, &failure))
    run = read_run (statement);
  sqlite3_reset (statement);
  if (failure != NULL)
    g_propagate_error (error, failure);
  else if (run == NULL && number == 0)
    fl_fail (error, FL_ERROR_CONFIG, "results store %s: holds no run yet", store->path);
  else if (run == NULL)
    fl_fail (error, FL_ERROR_CONFIG, "results store %s: no run %" G_GINT64_FORMAT
             "; `fairlead runs list` shows what there is", store->path, number);
  return run;
}

static FlRunRecord *
load (FlStore *store, int64_t number, gboolean each, GError **error)
{
  g_autoptr (FlRunRecord) run = find_run (store, number, error);

  if (run == NULL || !read_cells (store, run, error)
      || !read_rows (store, run, "SELECT cell, key, value FROM sweep WHERE run = ?"
                     " ORDER BY cell, place", read_sweep, error)
      || !read_rows (store, run, "SELECT cell, name, k, subset, part, direction, value, n"
                     " FROM metric WHERE run = ? ORDER BY cell, place", read_metric, error)
      || !read_rows (store, run, "SELECT cell, name, value FROM note WHERE run = ?"
                     " ORDER BY cell, place", read_note, error)
      || (each && !read_rows (store, run, "SELECT cell, name, k, subset, part, side, value"
                              " FROM entity WHERE run = ? ORDER BY cell, place", read_each, error))
      || (each && !read_rows (store, run, "SELECT cell, name, content FROM artefact"
                              " WHERE run = ? ORDER BY cell, place", read_artefact, error)))
    return NULL;
  return g_steal_pointer (&run);
}

FlRunRecord *
fl_store_run (FlStore *store, int64_t number, gboolean each, GError **error)
{
  FlRunRecord *run;

  /* One transaction, so that another process' cells do not appear half-way. */
  if (!fl_store_execute (store, error, "BEGIN", ""))
    return NULL;
  run = load (store, number, each, error);
  sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
  return run;
}
