/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The source recbole: atomic files. */
#include "tests/support/source-test.h"

#define INTER "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
#define USER "user_id:token\tage:float\tgender:token\n"
#define ITEM "class:token_seq\titem_id:token\tvector:float_seq\n"

static void
test_all (void **state)
{
  GError *error = NULL;
  g_autofree char *inter = source_file ("d.inter", INTER "1\tx\t4\t881250949.0\n2\ty\t2.5\t9e8\n"
                                                         "9007199254740993\tx\t1\t0\n");
  g_autofree char *user = source_file ("d.user", USER "1\t30\tF\n2\t\tM\n");
  g_autofree char *item = source_file ("d.item", ITEM "War Drama\tx\t0.1 0.2\n\ty\t\n");
  g_autofree char *path = source_path ("path", "d");
  g_autoptr (FlDataset) d = source_load ("recbole", 0, &error, path, NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 3);
  assert_null (d->part);
  assert_string_equal (d->user_id[2], "9007199254740993");
  assert_true (d->time[0] == 881250949 * FL_TIME_SECOND
               && d->time[1] == 900000000 * FL_TIME_SECOND);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", "30"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", NULL), 1);
  assert_int_equal (d->n_attributes[FL_SIDE_ITEM], 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "class", "War"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "class", "Drama"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "class", NULL), 1);
}

/* The folder NAME, FOLDER/NAME and the file are the same. */
static void
test_paths (void **state)
{
  GError *error = NULL;
  g_autofree char *name = g_path_get_basename (source_folder);
  g_autofree char *file = g_strconcat (name, ".inter", NULL);
  g_autofree char *inter = source_file (file, INTER "1\tx\t4\t0\n");
  const char *const paths[] = { NULL, name, file };

  (void) state;
  for (size_t p = 0; p < G_N_ELEMENTS (paths); p++)
    {
      g_autofree char *path = source_path ("path", paths[p]);
      g_autoptr (FlDataset) d = source_load ("recbole", 0, &error, path, NULL);

      source_expect (d, error);
      assert_int_equal (d->n, 1);
    }
}

static void
test_parts (void **state)
{
  GError *error = NULL;
  g_autofree char *train = source_file ("d.train.inter", "user_id:token\titem_id:token\n1\tx\n");
  g_autofree char *valid = source_file ("d.valid.inter", "user_id:token\titem_id:token\n1\ty\n");
  g_autofree char *test = source_file ("d.test.inter", "user_id:token\titem_id:token\n1\tz\n");
  g_autofree char *path = source_path ("path", "d"), *whole = NULL;
  g_autoptr (FlDataset) all = source_load ("recbole", 0, &error, path, NULL);
  g_autoptr (FlDataset) two = NULL, asked = NULL;

  (void) state;
  source_expect (all, error);
  assert_int_equal (source_part (all, FL_PART_TRAIN), 1);
  assert_int_equal (source_part (all, FL_PART_VALIDATION), 1);
  assert_int_equal (source_part (all, FL_PART_TEST), 1);
  assert_int_equal (source_ratings (all, 1), 3);
  two = source_load ("recbole", 0, &error, path, "benchmark-filename=valid; test", NULL);
  source_expect (two, error);
  assert_int_equal (source_part (two, FL_PART_TRAIN), 1);
  assert_int_equal (source_part (two, FL_PART_VALIDATION), 0);
  assert_int_equal (source_part (two, FL_PART_TEST), 1);
  whole = source_file ("d.inter", "user_id:token\titem_id:token\n1\tx\n");
  asked = source_load ("recbole", 0, &error, path, NULL);
  source_expect (asked, error);
  assert_null (asked->part);
}

static void
test_names (void **state)
{
  GError *error = NULL;
  g_autofree char *inter = source_file (
      "d.inter", "when:float,uid:token,stars:float,iid:token,tags:token_seq\n5,u,3,i,a b\n");
  g_autofree char *item = source_file ("d.item", "iid:token,genre:token_seq\ni,War|Drama\n");
  g_autofree char *path = source_path ("path", "d.inter");
  g_autoptr (FlDataset) d
      = source_load ("recbole", 0, &error, path, "field-separator=comma", "seq-separator=pipe",
                     "user-id-field=uid", "item-id-field=iid", "rating-field=stars",
                     "time-field=when", NULL);

  (void) state;
  source_expect (d, error);
  assert_true (d->ratings.f32[0] == 3 && d->time[0] == 5 * FL_TIME_SECOND);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", "Drama"), 1);
}

static void
test_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { "time-field=timestamp", "user_id\titem_id\n1\tx\n", "column 1 is called 'user_id': " },
    { "time-field=timestamp", "user_id:text\titem_id:token\n1\tx\n", "expected NAME:TYPE" },
    { "time-field=timestamp", "user_id:token\tuser_id:token\n1\tx\n", "columns 1 and 2 are both" },
    { "time-field=timestamp", "uid:token\titem_id:token\n1\tx\n", "no column 'user_id' among uid" },
    { "time-field=timestamp", "user_id:float\titem_id:token\n1\tx\n", "must be of type token" },
    { "rating-field=stars", "user_id:token\titem_id:token\n1\tx\n", "no column 'stars'" },
    { "rating-field=item_id", "user_id:token\titem_id:token\n1\tx\n", "must be of type float" },
    { "time-field=", INTER "1\tx\t4\n", "d.inter:2: expected 4 fields" },
    { "time-field=", INTER "1\tx\thigh\t0\n", "d.inter:2: the rating (field 3) must be a number" },
    { "time-field=", INTER, "is empty behind its header" },
    { "time-field=", "", "d.inter: the file is empty" },
    { "benchmark-filename=train", INTER, "expected two or three parts" },
    { "benchmark-filename=a; ../b", INTER, "'../b' is not part of a file's name" },
    { "benchmark-filename=train; test", INTER, "d.train.inter is not there" },
    { "user-id-field=", INTER, "user and item must have a column" },
    { "seq-separator=", INTER, "a separator must not be empty" },
  };
  g_autofree char *path = source_path ("path", "d");

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;

      g_free (source_file ("d.inter", cases[c][1]));
      source_expect_error (source_load ("recbole", 0, &error, path, cases[c][0], NULL), &error,
                           cases[c][2]);
    }
}

static void
test_entity_mistakes (void **state)
{
  GError *error = NULL;
  g_autofree char *inter = source_file ("d.inter", INTER "1\tx\t4\t0\n");
  g_autofree char *path = source_path ("path", "d");

  (void) state;
  g_free (source_file ("d.user", "name:token\tage:float\n1\t2\n"));
  source_expect_error (source_load ("recbole", 0, &error, path, NULL), &error,
                       "d.user: there is no column 'user_id' among name, age");
  g_free (source_file ("d.user", USER "\t3\tF\n"));
  source_expect_error (source_load ("recbole", 0, &error, path, NULL), &error,
                       "d.user:2: the id (field 1) is empty");
  g_free (source_file ("d.user", USER "1\t3\n"));
  source_expect_error (source_load ("recbole", 0, &error, path, NULL), &error,
                       "d.user:2: expected 3 fields");
}

static void
test_missing (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_path ("path", "d"), *folder = source_path ("path", NULL);

  (void) state;
  source_expect_error (source_load ("recbole", 0, &error, path, NULL), &error, "/d.inter nor ");
  source_expect_error (source_load ("recbole", 0, &error, folder, NULL), &error, "recbole.io");
}

static FlDataset *
load_forms (GError **error)
{
  g_autofree char *path = source_path ("path", "d");

  return source_load ("recbole", 0, error, path, NULL);
}

static void
test_forms (void **state)
{
  static const SourceFile files[] = {
    { "d.train.inter", INTER "1\tx\t4\t5\n2\ty\t3\t6\n" },
    { "d.test.inter", INTER "1\ty\t4\t5\n" },
    { "d.user", USER "1\t30\tF\n2\t40\tM\n" },
    { "d.item", ITEM "War\tx\t1\nWar Drama\ty\t2\n" },
    { NULL, NULL },
  };

  (void) state;
  source_check_forms (files, load_forms);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    source_unit_test (test_all),      source_unit_test (test_paths),
    source_unit_test (test_parts),    source_unit_test (test_names),
    source_unit_test (test_mistakes), source_unit_test (test_entity_mistakes),
    source_unit_test (test_missing),  source_unit_test (test_forms),
  };

  return cmocka_run_group_tests_name ("recbole", tests, source_group_set_up,
                                      source_group_tear_down);
}
