/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The results store: what goes in comes out, to the bit; resuming; refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/report/report-room.h"
#include "core/store/store-sql.h"

static char *folder;

static int
set_up (void **state)
{
  (void) state;
  folder = g_dir_make_tmp ("fairlead-store-XXXXXX", NULL);
  return folder == NULL;
}

static int
tear_down (void **state)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  (void) state;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_remove (path);
    }
  g_dir_close (dir);
  g_rmdir (folder);
  g_free (folder);
  return 0;
}

static FlMetric *
metric (const char *name, const char *group, double value, size_t n)
{
  FlMetric *m = g_new0 (FlMetric, 1);

  m->name = g_strdup (name);
  m->group = g_strdup (group);
  m->part = g_strdup ("test");
  m->direction = FL_HIGHER_IS_BETTER;
  m->value = value;
  m->n = n;
  return m;
}

static FlCellRecord *
pending_cell (const char *arm, const char *identity, uint32_t repeat)
{
  FlCellRecord *record = fl_cell_record_new ();

  record->identity = g_strdup (identity);
  record->arm = g_strdup (arm);
  record->repeat = repeat;
  record->seed = G_MAXUINT64 - repeat;
  record->digest = g_strdup ("d");
  record->plugins = g_strdup ("model/als-mf 1\n");
  record->config = g_strdup ("[model]\nrank = 4\n");
  g_ptr_array_add (record->sweep, fl_setting_new ("model.rank", "4", NULL));
  return record;
}

static FlRunRecord *
make_run (const char *key, size_t n_cells)
{
  FlRunRecord *run = fl_run_record_new ();

  run->key = g_strdup (key);
  run->title = g_strdup ("Títle, \"quoted\"");
  run->file = g_strdup ("a.conf");
  run->fairlead = g_strdup ("0.1.0");
  run->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_record_free);
  for (size_t i = 0; i < n_cells; i++)
    {
      g_autofree char *identity = g_strdup_printf ("identity %zu", i);

      g_ptr_array_add (run->cells, pending_cell ("plain, or so", identity, (uint32_t) i));
    }
  return run;
}

static const double awkward[] = { 0.1, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -2 };

static void
finish_cell (FlCellRecord *record)
{
  FlEach *each = g_new0 (FlEach, 1);

  record->status = FL_CELL_DONE;
  record->outcome = fl_outcome_new ();
  for (size_t i = 0; i < G_N_ELEMENTS (awkward); i++)
    g_ptr_array_add (record->outcome->metrics, metric ("rmse", NULL, awkward[i], i));
  g_ptr_array_add (record->outcome->metrics, metric ("rmse", "gender=F", NAN, 0));
  g_ptr_array_add (record->outcome->notes, fl_setting_new ("stop", "converged", NULL));
  each->name = g_strdup ("rmse");
  each->index = FL_INDEX_ITEM;
  each->n = 3;
  each->value = g_new (double, 3);
  each->value[0] = 1.0 / 3.0;
  each->value[1] = NAN;
  each->value[2] = -2;
  g_ptr_array_add (record->outcome->each, each);
  record->isa = g_strdup ("v3");
  record->seconds = 1.5;
  record->peak_kib = 1234;
  record->finished = g_strdup ("2020-01-01T00:00:00Z");
}

static FlStore *
open_store (const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  GError *error = NULL;
  FlStore *store = fl_store_open (path, TRUE, &error);

  assert_null (error);
  return store;
}

static void
test_round_trip (void **state)
{
  g_autoptr (FlStore) store = open_store ("trip.db");
  g_autoptr (FlRunRecord) run = make_run ("k", 2);
  g_autoptr (FlRunRecord) back = NULL;
  const FlCellRecord *cell;
  const FlEach *each;

  (void) state;
  assert_true (fl_store_begin (store, run, FALSE, NULL));
  assert_int_equal (run->number, 1);
  finish_cell (run->cells->pdata[1]);
  assert_true (fl_store_put (store, 1, 1, run->cells->pdata[1], NULL));
  back = fl_store_run (store, 0, TRUE, NULL);
  assert_non_null (back);
  assert_string_equal (back->title, run->title);
  assert_int_equal (back->cells->len, 2);
  assert_int_equal (back->n_done, 1);
  assert_int_equal (((const FlCellRecord *) back->cells->pdata[0])->status, FL_CELL_PENDING);
  cell = back->cells->pdata[1];
  assert_int_equal (cell->status, FL_CELL_DONE);
  assert_true (cell->seed == G_MAXUINT64 - 1);
  assert_string_equal (cell->isa, "v3");
  assert_null (cell->blas);
  assert_string_equal (((const FlSetting *) cell->sweep->pdata[0])->key, "model.rank");
  for (size_t i = 0; i < G_N_ELEMENTS (awkward); i++)
    {
      const FlMetric *m = cell->outcome->metrics->pdata[i];

      assert_memory_equal (&m->value, &awkward[i], sizeof m->value);
      assert_int_equal (m->n, i);
      assert_int_equal (m->direction, FL_HIGHER_IS_BETTER);
    }
  assert_true (isnan (((const FlMetric *) cell->outcome->metrics->pdata[5])->value));
  assert_string_equal (((const FlSetting *) cell->outcome->notes->pdata[0])->value, "converged");
  each = cell->outcome->each->pdata[0];
  assert_int_equal (each->n, 3);
  assert_int_equal (each->index, FL_INDEX_ITEM);
  assert_true (each->value[0] == 1.0 / 3.0 && isnan (each->value[1]) && each->value[2] == -2);
}

static char *
export (FlStore *store, int64_t number)
{
  g_autoptr (FlRunRecord) run = fl_store_run (store, number, TRUE, NULL);
  GString *text = g_string_new (NULL);

  fl_report_csv (run, FALSE, text);
  fl_report_json_lines (run, TRUE, text);
  return g_string_free (text, FALSE);
}

/* An interrupted run goes on under its number; a new run of other shape takes
 * what it shares with it; without resume nothing is taken. */
static void
test_resume (void **state)
{
  g_autoptr (FlStore) store = open_store ("resume.db");
  g_autoptr (FlRunRecord) first = make_run ("k", 2);
  g_autoptr (FlRunRecord) again = make_run ("k", 2);
  g_autoptr (FlRunRecord) fresh = make_run ("k", 2);
  g_autoptr (FlRunRecord) other = make_run ("other", 1);
  g_autofree char *one = NULL;
  g_autofree char *two = NULL;
  FlCellRecord *cell;

  (void) state;
  assert_true (fl_store_begin (store, first, FALSE, NULL));
  finish_cell (first->cells->pdata[0]);
  assert_true (fl_store_put (store, 1, 0, first->cells->pdata[0], NULL));
  cell = first->cells->pdata[1];
  cell->status = FL_CELL_FAILED;
  cell->error = g_strdup ("crashed");
  cell->finished = g_strdup ("2020-01-01T00:00:00Z");
  assert_true (fl_store_put (store, 1, 1, cell, NULL));

  assert_true (fl_store_begin (store, again, TRUE, NULL));
  assert_int_equal (again->number, 1);
  assert_int_equal (((FlCellRecord *) again->cells->pdata[0])->status, FL_CELL_DONE);
  assert_int_equal (((FlCellRecord *) again->cells->pdata[1])->status, FL_CELL_PENDING);
  finish_cell (again->cells->pdata[1]);
  assert_true (fl_store_put (store, 1, 1, again->cells->pdata[1], NULL));
  one = export (store, 1);
  assert_null (strstr (one, "failed"));

  assert_true (fl_store_begin (store, fresh, FALSE, NULL));
  assert_int_equal (fresh->number, 2);
  assert_int_equal (((FlCellRecord *) fresh->cells->pdata[0])->status, FL_CELL_PENDING);

  assert_true (fl_store_begin (store, other, TRUE, NULL));
  assert_int_equal (other->number, 3);
  assert_int_equal (((FlCellRecord *) other->cells->pdata[0])->status, FL_CELL_DONE);
  two = export (store, 3);
  assert_true (strncmp (one, two, 200) == 0);
}

static char *
refusal (const char *path, gboolean create)
{
  GError *error = NULL;
  char *message;

  assert_null (fl_store_open (path, create, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
  message = g_strdup (error->message);
  printf ("%s\n", message);
  g_error_free (error);
  return message;
}

static void
make_database (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  assert_int_equal (sqlite3_open (path, &db), SQLITE_OK);
  assert_int_equal (sqlite3_exec (db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close (db);
}

static void
test_refusals (void **state)
{
  g_autofree char *text = g_build_filename (folder, "text.db", NULL);
  g_autofree char *missing = g_build_filename (folder, "missing.db", NULL);
  g_autofree char *foreign = g_build_filename (folder, "foreign.db", NULL);
  g_autofree char *newer = g_build_filename (folder, "newer.db", NULL);
  g_autofree char *nowhere = g_build_filename (folder, "no", "such", "folder.db", NULL);
  g_autofree char *lines = g_strnfill (4096, 'x');
  struct { const char *path; gboolean create; const char *says; } cases[] = {
    { missing, FALSE, "no such file" },     { text, TRUE, "not an SQLite database" },
    { foreign, TRUE, "something else" },    { newer, TRUE, "newer" },
    { nowhere, TRUE, "cannot be opened" },
  };

  (void) state;
  assert_true (g_file_set_contents (text, lines, -1, NULL));
  make_database (foreign, "CREATE TABLE birds (name TEXT)");
  fl_store_free (fl_store_open (newer, TRUE, NULL));
  make_database (newer, "PRAGMA user_version = 99");
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *message = refusal (cases[i].path, cases[i].create);

      assert_non_null (strstr (message, cases[i].says));
      assert_non_null (strstr (message, cases[i].path));
    }
  assert_false (g_file_test (missing, G_FILE_TEST_EXISTS));
}

/* A store of version 1, as that wrote it, is read and written as one of today. */
static void
test_upgrade (void **state)
{
  static const char version_1[] =
    "CREATE TABLE run (run INTEGER PRIMARY KEY, key TEXT NOT NULL, title TEXT NOT NULL,"
    "  file TEXT NOT NULL, fairlead TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cell (run INTEGER, cell INTEGER, identity TEXT NOT NULL, arm TEXT NOT NULL,"
    "  repeat INTEGER NOT NULL, seed INTEGER NOT NULL, digest TEXT NOT NULL,"
    "  plugins TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL, error TEXT, isa TEXT,"
    "  blas TEXT, PRIMARY KEY (run, cell)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX cell_identity ON cell (identity, status);"
    "CREATE TABLE sweep (run INTEGER, cell INTEGER, place INTEGER, key TEXT NOT NULL,"
    "  value TEXT NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE metric (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL,"
    "  k INTEGER NOT NULL, subset TEXT, part TEXT, direction INTEGER NOT NULL, value REAL,"
    "  n INTEGER NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE entity (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL,"
    "  k INTEGER NOT NULL, part TEXT, side TEXT NOT NULL, value BLOB NOT NULL,"
    "  PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE note (run INTEGER, cell INTEGER, place INTEGER, name TEXT NOT NULL,"
    "  value TEXT NOT NULL, PRIMARY KEY (run, cell, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE timing (run INTEGER, cell INTEGER, seconds REAL NOT NULL,"
    "  peak_kib INTEGER NOT NULL, finished TEXT NOT NULL, PRIMARY KEY (run, cell))"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE attempt (run INTEGER, attempt INTEGER, started TEXT NOT NULL,"
    "  PRIMARY KEY (run, attempt)) STRICT, WITHOUT ROWID;"
    "INSERT INTO run VALUES (1, 'k', 'old', 'a.conf', '0.1.0');"
    "INSERT INTO cell VALUES (1, 0, 'identity 0', 'plain', 0, 7, 'd', 'model/als-mf 1', '',"
    "  'done', NULL, 'v3', NULL);"
    "INSERT INTO metric VALUES (1, 0, 0, 'rmse', 0, NULL, 'test', 0, 0.5, 9);"
    "INSERT INTO entity VALUES (1, 0, 0, 'rmse', 0, 'test', 'user', x'000000000000e03f');"
    "INSERT INTO timing VALUES (1, 0, 1.5, 10, '2020-01-01T00:00:00Z');"
    "INSERT INTO attempt VALUES (1, 1, '2020-01-01T00:00:00Z');"
    "PRAGMA application_id = 0x464c5253; PRAGMA user_version = 1;";
  g_autofree char *path = g_build_filename (folder, "one.db", NULL);
  g_autoptr (FlRunRecord) run = make_run ("later", 1);

  (void) state;
  make_database (path, version_1);
  for (int k = 0; k < 2; k++)
    {
      g_autoptr (FlStore) store = open_store ("one.db");
      g_autoptr (FlRunRecord) back = fl_store_run (store, 1, TRUE, NULL);
      const FlCellRecord *cell = back->cells->pdata[0];
      const FlEach *each = cell->outcome->each->pdata[0];

      assert_true (((const FlMetric *) cell->outcome->metrics->pdata[0])->value == 0.5);
      assert_int_equal (cell->outcome->each->len, 1);
      assert_true (each->n == 1 && each->value[0] == 0.5 && each->group == NULL);
      assert_int_equal (each->index, FL_INDEX_USER);
      if (k > 0)
        continue;
      assert_true (fl_store_begin (store, run, FALSE, NULL));
      finish_cell (run->cells->pdata[0]);
      assert_true (fl_store_put (store, run->number, 0, run->cells->pdata[0], NULL));
    }
}

/* A write that finds the disk full leaves what was there, and the store usable. */
static void
test_full_disk (void **state)
{
  g_autoptr (FlStore) store = open_store ("full.db");
  g_autoptr (FlRunRecord) run = make_run ("k", 1);
  g_autoptr (FlRunRecord) big = make_run ("big", 2000);
  g_autoptr (FlRunRecord) back = NULL;
  GError *error = NULL;

  (void) state;
  assert_true (fl_store_begin (store, run, FALSE, NULL));
  /* SQLite's own limit on the size of a file gives the same result code. */
  assert_true (fl_store_execute (store, NULL, "PRAGMA max_page_count = 40", ""));
  assert_false (fl_store_begin (store, big, FALSE, &error));
  assert_non_null (strstr (error->message, "full"));
  g_clear_error (&error);
  back = fl_store_run (store, 0, FALSE, NULL);
  assert_int_equal (back->number, 1);
  finish_cell (run->cells->pdata[0]);
  assert_true (fl_store_put (store, 1, 0, run->cells->pdata[0], NULL));
}

static void
test_list (void **state)
{
  g_autoptr (FlStore) store = open_store ("list.db");
  g_autoptr (FlRunRecord) run = make_run ("k", 3);
  g_autoptr (GPtrArray) runs = NULL;
  GError *error = NULL;

  (void) state;
  assert_null (fl_store_run (store, 0, FALSE, &error));
  assert_non_null (strstr (error->message, "no run yet"));
  g_clear_error (&error);
  assert_true (fl_store_begin (store, run, FALSE, NULL));
  assert_null (fl_store_run (store, 7, FALSE, &error));
  assert_non_null (strstr (error->message, "no run 7"));
  g_clear_error (&error);
  runs = fl_store_list (store, NULL);
  assert_int_equal (runs->len, 1);
  assert_int_equal (((FlRunRecord *) runs->pdata[0])->n_cells, 3);
  assert_non_null (((FlRunRecord *) runs->pdata[0])->started);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_round_trip), cmocka_unit_test (test_resume),
    cmocka_unit_test (test_refusals),   cmocka_unit_test (test_full_disk),
    cmocka_unit_test (test_list),       cmocka_unit_test (test_upgrade),
  };

  return cmocka_run_group_tests_name ("store", tests, set_up, tear_down);
}
