/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store.c: the results store's tables, and how runs and cells enter them.
 *
 * A rollback journal, not a write-ahead log: a store is then one file that can
 * be copied, works on network file systems, and is valid whenever its writer is
 * killed; the price, two syncs a finished cell, is hidden behind the workers.
 * Tables are STRICT and WITHOUT ROWID, so that their bytes do not depend on the
 * order of insertion; what differs between executions (dates, seconds, memory)
 * is kept out of the results proper, in tables of its own.
 */
#include <string.h>

#include "core/store/store-sql.h"

#define SCHEMA_VERSION 2
#define APPLICATION_ID 0x464c5253 /* "FLRS" */
/* Longer than any other process' transaction can sensibly last. */
#define BUSY_MILLISECONDS 60000

/* value: one little-endian IEEE double a user, item or step (side), NaN when undefined. */
#define ENTITY \
  "CREATE TABLE entity (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL," \
  "  k INTEGER NOT NULL, subset TEXT, part TEXT, side TEXT NOT NULL, value BLOB NOT NULL," \
  "  PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
#define ARTEFACT \
  "CREATE TABLE artefact (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL," \
  "  content TEXT NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"

static const char schema[] =
  "CREATE TABLE run (run INTEGER PRIMARY KEY, key TEXT NOT NULL, title TEXT NOT NULL,"
  "  file TEXT NOT NULL, fairlead TEXT NOT NULL) STRICT, WITHOUT ROWID;"
  "CREATE TABLE cell (run INTEGER, cell INTEGER, identity TEXT NOT NULL, arm TEXT NOT NULL,"
  "  repeat INTEGER NOT NULL, seed INTEGER NOT NULL, digest TEXT NOT NULL,"
  "  plugins TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL, error TEXT, isa TEXT,"
  "  blas TEXT, PRIMARY KEY (run, cell)) STRICT, WITHOUT ROWID;"
  "CREATE INDEX cell_identity ON cell (identity, status);"
  "CREATE TABLE sweep (run INTEGER, cell INTEGER, place INTEGER, key TEXT NOT NULL,"
  "  value TEXT NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
  /* k: 0 for none; subset: 'gender=F' or NULL; value: NULL when undefined. */
  "CREATE TABLE metric (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL,"
  "  k INTEGER NOT NULL, subset TEXT, part TEXT, direction INTEGER NOT NULL, value REAL,"
  "  n INTEGER NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
  ENTITY ARTEFACT
  "CREATE TABLE note (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL,"
  "  value TEXT NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
  "CREATE TABLE timing (run INTEGER, cell INTEGER, seconds REAL NOT NULL,"
  "  peak_kib INTEGER NOT NULL, finished TEXT NOT NULL, PRIMARY KEY (run, cell))"
  "  STRICT, WITHOUT ROWID;"
  "CREATE TABLE attempt (run INTEGER, attempt INTEGER, started TEXT NOT NULL,"
  "  PRIMARY KEY (run, attempt)) STRICT, WITHOUT ROWID;";

/* Version 1 had no artefacts, and its values of entities were of all alike. */
static const char upgrade_1[] =
  "ALTER TABLE entity RENAME TO entity_1;"
  ENTITY ARTEFACT
  "INSERT INTO entity SELECT run, cell, place, name, k, NULL, part, side, value FROM entity_1;"
  "DROP TABLE entity_1;";

static gboolean
script (FlStore *store, const char *sql, GError **error)
{
  int rc = sqlite3_exec (store->db, sql, NULL, NULL, NULL);

  return rc == SQLITE_OK ? TRUE : fl_store_fail (store, rc, error);
}

/* Ends a transaction: commits when `ok`, else undoes it and keeps the error. */
static gboolean
finish (FlStore *store, gboolean ok, GError **error)
{
  ok = ok && fl_store_execute (store, error, "COMMIT", "");
  if (!ok)
    sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
  return ok;
}

/* The one number that a query yields, 0 for none or NULL; `key` is its only
 * argument, or NULL. */
static gboolean
read_number (FlStore *store, const char *sql, const char *key, int64_t *number, GError **error)
{
  GError *failure = NULL;
  sqlite3_stmt *statement = fl_store_query (store, error, sql, key == NULL ? "" : "t", key);

  if (statement == NULL)
    return FALSE;
  *number = fl_store_step (store, statement, &failure) ? sqlite3_column_int64 (statement, 0) : 0;
  sqlite3_reset (statement);
  if (failure != NULL)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* Makes the tables of a new store, or makes sure that these are ours, and of this
 * version.  In a
 * transaction, since two processes may open a new store at once. */
static gboolean
ensure_schema (FlStore *store, gboolean create, GError **error)
{
  int64_t application = 0, version = 0, n_tables = 0;
  g_autofree char *stamp = NULL;

  if (!read_number (store, "PRAGMA application_id", NULL, &application, error)
      || !read_number (store, "PRAGMA user_version", NULL, &version, error)
      || !read_number (store, "SELECT count(*) FROM sqlite_schema", NULL, &n_tables, error))
    return FALSE;
  if (application != APPLICATION_ID && (n_tables > 0 || !create))
    return fl_fail (error, FL_ERROR_CONFIG, "results store %s: a database of something else",
                    store->path);
  if (version > SCHEMA_VERSION)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "results store %s: version %" G_GINT64_FORMAT " is newer than this program's "
                    "%d", store->path, version, SCHEMA_VERSION);
  if (version == SCHEMA_VERSION)
    return TRUE;
  stamp = g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %d;",
                           APPLICATION_ID, SCHEMA_VERSION);
  return script (store, version == 1 ? upgrade_1 : schema, error) && script (store, stamp, error);
}

/* The store with all that it holds, in memory. */
static gboolean
copy_to_memory (FlStore *store, GError **error)
{
  sqlite3 *copy = NULL;
  sqlite3_backup *backup = NULL;
  int rc = sqlite3_open (":memory:", &copy);

  if (rc == SQLITE_OK)
    backup = sqlite3_backup_init (copy, "main", store->db, "main");
  rc = backup != NULL ? sqlite3_backup_step (backup, -1) : SQLITE_ERROR;
  sqlite3_backup_finish (backup);
  g_hash_table_remove_all (store->statements);
  sqlite3_close (store->db);
  store->db = copy;
  return rc == SQLITE_DONE || fl_store_fail (store, rc, error);
}

/* *writes: a store of an earlier version is to be brought up to date; one that cannot be
 * written, in memory. */
static gboolean
move_old (FlStore *store, gboolean *writes, GError **error)
{
  int64_t version = 0;

  if (!read_number (store, "PRAGMA user_version", NULL, &version, error))
    return FALSE;
  *writes = version > 0 && version < SCHEMA_VERSION;
  return !*writes || sqlite3_db_readonly (store->db, "main") != 1
         || copy_to_memory (store, error);
}

static void
finalize (gpointer statement)
{
  sqlite3_finalize (statement);
}

FlStore *
fl_store_open (const char *path, gboolean create, GError **error)
{
  g_autoptr (FlStore) store = g_new0 (FlStore, 1);
  int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  gboolean writes = FALSE;
  int rc;

  if (*path == '\0' || strcmp (path, ":memory:") == 0)
    {
      fl_fail (error, FL_ERROR_CONFIG, "results store '%s': expected the name of a file", path);
      return NULL;
    }
  if (!create && !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      fl_fail (error, FL_ERROR_CONFIG, "results store %s: no such file; `fairlead run` makes it, "
               "--store names another", path);
      return NULL;
    }
  store->path = g_strdup (path);
  store->statements = g_hash_table_new_full (NULL, NULL, NULL, finalize);
  rc = sqlite3_open_v2 (path, &store->db, flags, NULL);
  if (rc != SQLITE_OK)
    {
      fl_store_fail (store, rc, error);
      return NULL;
    }
  sqlite3_busy_timeout (store->db, BUSY_MILLISECONDS);
  /* Who will write waits for other writers from the start: a reader that becomes one among
   * others is refused at once. */
  if (!move_old (store, &writes, error)
      || !script (store, create || writes ? "BEGIN IMMEDIATE" : "BEGIN", error)
      || !finish (store, ensure_schema (store, create, error), error))
    return NULL;
  return g_steal_pointer (&store);
}

const char *
fl_store_path (const FlStore *store)
{
  return store->path;
}

void
fl_store_free (FlStore *store)
{
  if (store == NULL)
    return;
  g_clear_pointer (&store->statements, g_hash_table_unref);
  sqlite3_close (store->db);
  g_free (store->path);
  g_free (store);
}

static char *
now (void)
{
  g_autoptr (GDateTime) time = g_date_time_new_now_utc ();

  return g_date_time_format (time, "%Y-%m-%dT%H:%M:%S.%fZ");
}

static gboolean
insert_cell (FlStore *store, int64_t run, int64_t cell, const FlCellRecord *record,
             GError **error)
{
  if (!fl_store_execute (store, error,
                         "INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', NULL,"
                         " NULL, NULL)", "iittiittt", run, cell, record->identity, record->arm,
                         (int64_t) record->repeat, (int64_t) record->seed, record->digest,
                         record->plugins, record->config))
    return FALSE;
  for (guint place = 0; place < record->sweep->len; place++)
    {
      const FlSetting *setting = record->sweep->pdata[place];

      if (!fl_store_execute (store, error, "INSERT INTO sweep VALUES (?, ?, ?, ?, ?)", "iiitt",
                             run, cell, (int64_t) place, setting->key, setting->value))
        return FALSE;
    }
  return TRUE;
}

static gboolean
insert_run (FlStore *store, FlRunRecord *run, GError **error)
{
  if (!read_number (store, "SELECT max (run) + 1 FROM run", NULL, &run->number, error))
    return FALSE;
  run->number = MAX (run->number, 1);
  if (!fl_store_execute (store, error, "INSERT INTO run VALUES (?, ?, ?, ?, ?)", "itttt",
                         run->number, run->key, run->title, run->file, run->fairlead))
    return FALSE;
  for (guint cell = 0; cell < run->cells->len; cell++)
    if (!insert_cell (store, run->number, cell, run->cells->pdata[cell], error))
      return FALSE;
  return TRUE;
}

/* Copies what cell `from` of run `donor` yielded to (run, cell). */
static gboolean
copy_results (FlStore *store, int64_t donor, int64_t from, int64_t run, int64_t cell,
              GError **error)
{
  static const char *const copies[] = {
    "INSERT INTO metric SELECT ?, ?, place, name, k, subset, part, direction, value, n"
    " FROM metric WHERE run = ? AND cell = ?",
    "INSERT INTO entity SELECT ?, ?, place, name, k, subset, part, side, value"
    " FROM entity WHERE run = ? AND cell = ?",
    "INSERT INTO note SELECT ?, ?, place, name, value FROM note WHERE run = ? AND cell = ?",
    "INSERT INTO artefact SELECT ?, ?, place, name, content FROM artefact"
    " WHERE run = ? AND cell = ?",
    "INSERT OR REPLACE INTO timing SELECT ?, ?, seconds, peak_kib, finished"
    " FROM timing WHERE run = ? AND cell = ?",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (copies); i++)
    if (!fl_store_execute (store, error, copies[i], "iiii", run, cell, donor, from))
      return FALSE;
  return fl_store_execute (store, error,
                           "UPDATE cell SET (status, error, isa, blas) = (SELECT status, error,"
                           " isa, blas FROM cell WHERE run = ? AND cell = ?)"
                           " WHERE run = ? AND cell = ?", "iiii", donor, from, run, cell);
}

/* Looks for a cell of the same identity that is done, every objective of it, in this run
 * or, failing that, in the latest that has one. */
static gboolean
take_over (FlStore *store, int64_t run, int64_t cell, FlCellRecord *record, GError **error)
{
  GError *failure = NULL;
  int64_t donor = 0, from = 0;
  sqlite3_stmt *statement = fl_store_query (store, error,
                                            "SELECT run, cell FROM cell WHERE identity = ? AND"
                                            " status = 'done' AND error IS NULL"
                                            " ORDER BY run = ? AND cell = ? DESC,"
                                            " run DESC, cell LIMIT 1", "tii", record->identity,
                                            run, cell);

  if (statement == NULL)
    return FALSE;
  if (fl_store_step (store, statement, &failure))
    {
      donor = sqlite3_column_int64 (statement, 0);
      from = sqlite3_column_int64 (statement, 1);
      record->status = FL_CELL_DONE;
    }
  sqlite3_reset (statement);
  if (failure != NULL)
    {
      g_propagate_error (error, failure);
      return FALSE;
    }
  if (record->status != FL_CELL_DONE || (donor == run && from == cell))
    return TRUE;
  return copy_results (store, donor, from, run, cell, error);
}

static gboolean
begin_run (FlStore *store, FlRunRecord *run, gboolean resume, GError **error)
{
  g_autofree char *started = now ();

  run->number = 0;
  if (resume && !read_number (store, "SELECT max (run) FROM run WHERE key = ?", run->key,
                              &run->number, error))
    return FALSE;
  if (run->number == 0 && !insert_run (store, run, error))
    return FALSE;
  for (guint cell = 0; resume && cell < run->cells->len; cell++)
    if (!take_over (store, run->number, cell, run->cells->pdata[cell], error))
      return FALSE;
  return fl_store_execute (store, error,
                           "INSERT INTO attempt SELECT ?1, count(*), ?2 FROM attempt"
                           " WHERE run = ?1", "it", run->number, started);
}

gboolean
fl_store_begin (FlStore *store, FlRunRecord *run, gboolean resume, GError **error)
{
  if (!fl_store_execute (store, error, "BEGIN IMMEDIATE", ""))
    return FALSE;
  return finish (store, begin_run (store, run, resume, error), error);
}

static gboolean
put_outcome (FlStore *store, int64_t run, int64_t cell, const FlOutcome *outcome, GError **error)
{
  for (guint place = 0; place < outcome->metrics->len; place++)
    {
      const FlMetric *metric = outcome->metrics->pdata[place];

      if (!fl_store_execute (store, error,
                             "INSERT INTO metric VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "iiitittidi", run, cell, (int64_t) place, metric->name,
                             (int64_t) metric->k, metric->group, metric->part,
                             (int64_t) metric->direction, metric->value, (int64_t) metric->n))
        return FALSE;
    }
  for (guint place = 0; place < outcome->notes->len; place++)
    {
      const FlSetting *note = outcome->notes->pdata[place];

      if (!fl_store_execute (store, error, "INSERT INTO note VALUES (?, ?, ?, ?, ?)", "iiitt", run,
                             cell, (int64_t) place, note->key, note->value))
        return FALSE;
    }
  for (guint place = 0; place < outcome->artefacts->len; place++)
    {
      const FlArtefact *artefact = outcome->artefacts->pdata[place];

      if (!fl_store_execute (store, error, "INSERT INTO artefact VALUES (?, ?, ?, ?, ?)", "iiitt",
                             run, cell, (int64_t) place, artefact->name, artefact->text))
        return FALSE;
    }
  return TRUE;
}

static gboolean
put_each (FlStore *store, int64_t run, int64_t cell, int64_t place, const FlEach *each,
          GError **error)
{
  g_autofree guint64 *bytes = g_new (guint64, each->n);

  for (size_t i = 0; i < each->n; i++)
    {
      memcpy (&bytes[i], &each->value[i], sizeof *bytes);
      bytes[i] = GUINT64_TO_LE (bytes[i]);
    }
  return fl_store_execute (store, error, "INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           "iiititttb", run, cell, place, each->name, (int64_t) each->k,
                           each->group, each->part, fl_index_name (each->index), bytes,
                           each->n * sizeof *bytes);
}

static gboolean
put (FlStore *store, int64_t run, int64_t cell, const FlCellRecord *record, GError **error)
{
  static const char *const old[] = {
    "DELETE FROM metric WHERE run = ? AND cell = ?",
    "DELETE FROM entity WHERE run = ? AND cell = ?",
    "DELETE FROM note WHERE run = ? AND cell = ?",
    "DELETE FROM artefact WHERE run = ? AND cell = ?",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (old); i++)
    if (!fl_store_execute (store, error, old[i], "ii", run, cell))
      return FALSE;
  if (!fl_store_execute (store, error,
                         "UPDATE cell SET status = ?, error = ?, isa = ?, blas = ?"
                         " WHERE run = ? AND cell = ?", "ttttii",
                         fl_cell_status_name (record->status), record->error, record->isa,
                         record->blas, run, cell)
      || !fl_store_execute (store, error, "INSERT OR REPLACE INTO timing VALUES (?, ?, ?, ?, ?)",
                            "iidit", run, cell, record->seconds, (int64_t) record->peak_kib,
                            record->finished))
    return FALSE;
  if (record->outcome == NULL)
    return TRUE;
  for (guint place = 0; place < record->outcome->each->len; place++)
    if (!put_each (store, run, cell, place, record->outcome->each->pdata[place], error))
      return FALSE;
  return put_outcome (store, run, cell, record->outcome, error);
}

static gboolean
put_all (FlStore *store, int64_t run, size_t n, const size_t *cells,
         const FlCellRecord *const *records, GError **error)
{
  for (size_t i = 0; i < n; i++)
    if (!put (store, run, (int64_t) cells[i], records[i], error))
      return FALSE;
  return TRUE;
}

gboolean
fl_store_put_all (FlStore *store, int64_t run, size_t n, const size_t *cells,
                  const FlCellRecord *const *records, GError **error)
{
  if (!fl_store_execute (store, error, "BEGIN IMMEDIATE", ""))
    return FALSE;
  return finish (store, put_all (store, run, n, cells, records, error), error);
}

gboolean
fl_store_put (FlStore *store, int64_t run, size_t cell, const FlCellRecord *record,
              GError **error)
{
  return fl_store_put_all (store, run, 1, &cell, &record, error);
}
