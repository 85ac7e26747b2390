/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store-sql.h: what the two halves of the store share: one statement, run. */
#ifndef FL_STORE_SQL_H
#define FL_STORE_SQL_H

#include <sqlite3.h>

#include "core/store/store-room.h"

FL_BEGIN_DECLS

struct FlStore
{
  char *path;
  sqlite3 *db;
  GHashTable *statements; /* literal SQL -> prepared statement */
};

/* Sets `error` from the last SQLite result, with what to do about it. */
gboolean fl_store_fail (FlStore *store, int rc, GError **error);

/* Prepares (once) and binds.  `types` has one letter an argument: i int64_t,
 * d double (NaN becomes NULL), t text or NULL, b data and its size_t length.
 * `sql` must be a literal. */
sqlite3_stmt *fl_store_query (FlStore *store, GError **error, const char *sql,
                              const char *types, ...);
/* TRUE with the next row; FALSE at the end, or with an error. */
gboolean fl_store_step (FlStore *store, sqlite3_stmt *statement, GError **error);
/* A statement without rows. */
gboolean fl_store_execute (FlStore *store, GError **error, const char *sql,
                           const char *types, ...);

FL_END_DECLS

#endif
