/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store-sql.c: one SQLite statement, prepared, bound and run, with errors that
 * say what to do. */
#include "core/store/store-sql.h"

gboolean
fl_store_fail (FlStore *store, int rc, GError **error)
{
  const char *why = sqlite3_errmsg (store->db);

  switch (rc & 0xff)
    {
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return fl_fail (error, FL_ERROR_CONFIG,
                      "results store %s: not writable; choose another with --store", store->path);
    case SQLITE_CANTOPEN:
      return fl_fail (error, FL_ERROR_CONFIG,
                      "results store %s: cannot be opened or written; choose another with --store",
                      store->path);
    case SQLITE_FULL:
      return fl_fail (error, FL_ERROR_SYSTEM, "results store %s: the disk is full", store->path);
    case SQLITE_BUSY:
      return fl_fail (error, FL_ERROR_SYSTEM,
                      "results store %s: another process keeps it locked", store->path);
    case SQLITE_NOTADB:
      return fl_fail (error, FL_ERROR_CONFIG, "results store %s: not an SQLite database",
                      store->path);
    case SQLITE_CORRUPT:
      return fl_fail (error, FL_ERROR_SYSTEM, "results store %s: damaged (%s)", store->path, why);
    default:
      return fl_fail (error, FL_ERROR_SYSTEM, "results store %s: %s", store->path, why);
    }
}

static sqlite3_stmt *
bind_all (FlStore *store, GError **error, const char *sql, const char *types, va_list args)
{
  sqlite3_stmt *statement = g_hash_table_lookup (store->statements, sql);
  int rc = SQLITE_OK;

  if (statement == NULL)
    {
      rc = sqlite3_prepare_v2 (store->db, sql, -1, &statement, NULL);
      if (rc != SQLITE_OK)
        {
          fl_store_fail (store, rc, error);
          return NULL;
        }
      g_hash_table_insert (store->statements, (gpointer) sql, statement);
    }
  sqlite3_reset (statement);
  for (int place = 1; types[place - 1] != '\0' && rc == SQLITE_OK; place++)
    switch (types[place - 1])
      {
      case 'i':
        rc = sqlite3_bind_int64 (statement, place, va_arg (args, int64_t));
        break;
      case 'd':
        rc = sqlite3_bind_double (statement, place, va_arg (args, double));
        break;
      case 't':
        rc = sqlite3_bind_text (statement, place, va_arg (args, const char *), -1,
                                SQLITE_TRANSIENT);
        break;
      default:
        {
          const void *data = va_arg (args, const void *);

          rc = sqlite3_bind_blob64 (statement, place, data, va_arg (args, size_t),
                                    SQLITE_TRANSIENT);
        }
      }
  if (rc == SQLITE_OK)
    return statement;
  fl_store_fail (store, rc, error);
  return NULL;
}

sqlite3_stmt *
fl_store_query (FlStore *store, GError **error, const char *sql, const char *types, ...)
{
  sqlite3_stmt *statement;
  va_list args;

  va_start (args, types);
  statement = bind_all (store, error, sql, types, args);
  va_end (args);
  return statement;
}

gboolean
fl_store_step (FlStore *store, sqlite3_stmt *statement, GError **error)
{
  int rc = sqlite3_step (statement);

  if (rc == SQLITE_ROW)
    return TRUE;
  if (rc != SQLITE_DONE)
    fl_store_fail (store, rc, error);
  sqlite3_reset (statement);
  return FALSE;
}

gboolean
fl_store_execute (FlStore *store, GError **error, const char *sql, const char *types, ...)
{
  sqlite3_stmt *statement;
  va_list args;
  int rc;

  va_start (args, types);
  statement = bind_all (store, error, sql, types, args);
  va_end (args);
  if (statement == NULL)
    return FALSE;
  rc = sqlite3_step (statement);
  if (rc != SQLITE_DONE && rc != SQLITE_ROW)
    fl_store_fail (store, rc, error);
  sqlite3_reset (statement);
  return rc == SQLITE_DONE || rc == SQLITE_ROW;
}
