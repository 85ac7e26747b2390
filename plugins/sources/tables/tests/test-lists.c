/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The source lists: a line a user. */
#include "tests/support/source-test.h"

static void
test_lists (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "0 10 11 12\n1\n2 10 \n7 4294967297 b\n");
  g_autofree char *validation = source_setting ("validation", "0 13\n1 \n");
  g_autofree char *test = source_setting ("test", "0\t14  15\n2 11\n");
  g_autofree char *users = source_setting ("users", "0\t1\n1\t0\n2\t0\n7\t?\n");
  g_autofree char *items = source_setting ("items", "item\tkind\tyear\n10\ta film\t1999\n");
  g_autoptr (FlDataset) d
      = source_load ("lists", 0, &error, path, validation, test, users, items,
                     "users-labels=0 = male; 1 = female", "items-columns=", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n_users, 3);
  assert_int_equal (d->n_items, 8);
  assert_int_equal (source_part (d, FL_PART_TRAIN), 6);
  assert_int_equal (source_part (d, FL_PART_VALIDATION), 1);
  assert_int_equal (source_part (d, FL_PART_TEST), 3);
  assert_int_equal (source_ratings (d, 1), 10);
  assert_true (d->rating_min == 1 && d->rating_max == 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "group", "female"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "group", "male"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "group", NULL), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "kind", "a film"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "year", "1999"), 1);
}

static void
test_separator (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "Anna B.,x y,z,\nCarl,x y\n");
  g_autoptr (FlDataset) d = source_load ("lists", 0, &error, path, "separator=comma", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 3);
  assert_null (d->part);
  assert_string_equal (d->user_id[0], "Anna B.");
  assert_string_equal (d->item_id[0], "x y");
}

static void
test_twice (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "0 1 2 1\n");
  g_autofree char *test = source_setting ("test", "0 2\n");
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  source_expect_error (source_load ("lists", 0, &error, path, test, NULL), &error, "'0'");
  d = source_load ("lists", 0, &error, path, test, "duplicates=first", NULL);
  source_expect (d, error);
  assert_int_equal (source_part (d, FL_PART_TRAIN), 1);
  assert_int_equal (source_part (d, FL_PART_TEST), 1);
}

static void
test_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { "separator=comma", "1,,2\n", "path:1: field 2 is empty: \"1,,2\"" },
    { "separator=comma", "1,2\n,2\n", "path:2: field 1 is empty" },
    { "separator=space", "1\n2\n", "there are no ratings" },
    { "separator=space", "", "path: the file is empty" },
    { "separator=space", "\xE9 1\n", "path:1: not UTF-8 text" },
    { "separator=", "1 2\n", "a separator must not be empty" },
    { "users-labels=male", "1 2\n", "label 'male' must be CODE = LABEL" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;
      g_autofree char *path = source_setting ("path", cases[c][1]);

      source_expect_error (source_load ("lists", 0, &error, path, cases[c][0], NULL), &error,
                           cases[c][2]);
    }
}

static void
test_bad_lines (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "1,2\n1,,3\n2,4\n");
  g_autoptr (FlDataset) d
      = source_load ("lists", 0, &error, path, "separator=comma", "bad-lines=skip", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 2);
  assert_true (source_noted (d, "1 line skipped"));
}

static void
test_missing (void **state)
{
  GError *error = NULL;
  g_autofree char *absent = source_path ("path", "train.txt");

  (void) state;
  source_expect_error (source_load ("lists", 0, &error, absent, NULL), &error, "cannot open ");
}

static FlDataset *
load_forms (GError **error)
{
  g_autofree char *path = source_path ("path", "train.txt"), *test = source_path ("test", "test");
  g_autofree char *users = source_path ("users", "users");

  return source_load ("lists", 0, error, path, test, users, NULL);
}

static void
test_forms (void **state)
{
  static const SourceFile files[] = {
    { "train.txt", "0 1 2\n1\n2 2\n" },
    { "test", "0 3\n2 1\n" },
    { "users", "0\ta\n2\tb\n" },
    { NULL, NULL },
  };

  (void) state;
  source_check_forms (files, load_forms);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    source_unit_test (test_lists),    source_unit_test (test_separator),
    source_unit_test (test_twice),    source_unit_test (test_mistakes),
    source_unit_test (test_bad_lines), source_unit_test (test_missing),
    source_unit_test (test_forms),
  };

  return cmocka_run_group_tests_name ("lists", tests, source_group_set_up,
                                      source_group_tear_down);
}
