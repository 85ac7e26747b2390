/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* test-groups.c: the vocabulary of groups, against what is counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include <fairlead/plugin.h>

/* Four users: a woman, a man, a man, a woman.  Three items: a comedy, a drama that is a
 * comedy too, a horror film. */
static const char *const gender_label[] = { "F", "M" };
static const uint32_t gender_start[] = { 0, 1, 2, 3, 4 }, gender_of[] = { 0, 1, 1, 0 };
static const FlGroups gender = {
  .size = sizeof (FlGroups), .name = "gender", .n_groups = 2, .label = gender_label, .n = 4,
  .start = gender_start, .group = gender_of, .first = gender_of
};

static const char *const genre_label[] = { "Comedy", "Drama", "Horror" };
static const uint32_t genre_start[] = { 0, 1, 3, 4 }, genre_of[] = { 0, 1, 0, 2 };
static const uint32_t genre_first[] = { 0, 1, 2 };
static const FlGroups genre = {
  .size = sizeof (FlGroups), .name = "genre", .n_groups = 3, .label = genre_label, .n = 3,
  .start = genre_start, .group = genre_of, .first = genre_first
};

static void
test_membership (void **state)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (&genre, 1, &n);

  (void) state;
  assert_int_equal (n, 2);
  assert_int_equal (group[0], 1);
  assert_int_equal (group[1], 0);
  assert_true (fl_groups_has (&genre, 1, 0));
  assert_true (fl_groups_has (&genre, 1, 1));
  assert_false (fl_groups_has (&genre, 1, 2));
  assert_int_equal (fl_groups_find_first (&genre, 1), 1);
}

/* Item 3 was added by a mitigator. */
static void
test_added (void **state)
{
  uint32_t n;

  (void) state;
  fl_groups_list (&genre, 3, &n);
  assert_int_equal (n, 0);
  assert_false (fl_groups_has (&genre, 3, 0));
  assert_int_equal (fl_groups_find_first (&genre, 3), FL_NO_GROUP);
  assert_int_equal (fl_groups_find_first_added (&genre, 2), 2);
  assert_int_equal (fl_groups_find_first_added (&genre, 3), 3);
  assert_int_equal (fl_groups_count (&genre), 3);
  assert_int_equal (fl_groups_count_added (&genre, 3), 3);
  assert_int_equal (fl_groups_count_added (&genre, 4), 4);
}

static void
test_no_groups (void **state)
{
  const double each[] = { 1, 2 };
  FlGroupSum all;
  uint32_t n, g;
  g_autofree char *label = fl_groups_make_label (NULL, 0, NULL, 0);
  g_autoptr (GError) error = NULL;

  (void) state;
  fl_groups_list (NULL, 0, &n);
  assert_int_equal (n, 0);
  assert_false (fl_groups_has (NULL, 0, 0));
  assert_int_equal (fl_groups_find_first (NULL, 0), FL_NO_GROUP);
  assert_int_equal (fl_groups_find_first_added (NULL, 0), FL_NO_GROUP);
  assert_int_equal (fl_groups_count (NULL), 0);
  assert_int_equal (fl_groups_count_added (NULL, 7), 0);
  assert_null (fl_groups_count_members (NULL));
  assert_null (fl_groups_sum_values (NULL, 2, each, &all));
  assert_float_equal (all.sum, 3, 0);
  assert_int_equal (all.n, 2);
  assert_string_equal (label, "");
  assert_false (fl_groups_find_label (NULL, "F", &g, &error));
  assert_string_equal (error->message, "no group 'F': there are no groups");
}

static void
test_members (void **state)
{
  static const uint32_t expected[] = { 2, 1, 1 };
  g_autofree uint32_t *n = fl_groups_count_members (&genre);

  (void) state;
  assert_memory_equal (n, expected, sizeof expected);
}

/* ---- crossing ------------------------------------------------------------ */

static void
test_crossing (void **state)
{
  FlGroupsCrossed crossed = fl_groups_cross (&gender, 4, &genre, 3);
  g_autofree char *label = fl_groups_make_crossed_label (&crossed, 5);

  (void) state;
  assert_int_equal (crossed.n, 6);
  assert_int_equal (fl_groups_index_crossed (&crossed, 1, 2), 5);
  assert_string_equal (label, "gender=M,genre=Horror");
  assert_int_equal (fl_groups_find_crossed (&crossed, 1, 1), 4); /* M, first a drama */
  assert_int_equal (fl_groups_count_crossed (&crossed, 1, 1), 2);
  assert_int_equal (fl_groups_get_crossed (&crossed, 1, 1, 0), 4);
  assert_int_equal (fl_groups_get_crossed (&crossed, 1, 1, 1), 3);
}

/* Of several memberships on both sides: by users' groups, then by items'. */
static void
test_crossing_of_several (void **state)
{
  FlGroupsCrossed crossed = fl_groups_cross (&genre, 3, &genre, 3);
  static const size_t expected[] = { 4, 3, 1, 0 };

  (void) state;
  assert_int_equal (fl_groups_count_crossed (&crossed, 1, 1), 4);
  for (size_t k = 0; k < 4; k++)
    assert_int_equal (fl_groups_get_crossed (&crossed, 1, 1, k), expected[k]);
}

/* User 4 and item 3 were added. */
static void
test_crossing_with_added (void **state)
{
  FlGroupsCrossed crossed = fl_groups_cross (&gender, 5, &genre, 4);
  g_autofree char *both = fl_groups_make_crossed_label (&crossed, 11);
  g_autofree char *user = fl_groups_make_crossed_label (&crossed, 8);

  (void) state;
  assert_int_equal (crossed.n, 12);
  assert_int_equal (fl_groups_find_crossed (&crossed, 4, 3), 11);
  assert_int_equal (fl_groups_find_crossed (&crossed, 4, 0), 8);
  assert_int_equal (fl_groups_count_crossed (&crossed, 4, 1), 2);
  assert_int_equal (fl_groups_get_crossed (&crossed, 4, 1, 1), 8);
  assert_string_equal (both, "gender=added,genre=added");
  assert_string_equal (user, "gender=added,genre=Comedy");
}

/* A side without groups is one group, of all. */
static void
test_crossing_of_one_side (void **state)
{
  FlGroupsCrossed users = fl_groups_cross (&gender, 4, NULL, 3);
  FlGroupsCrossed items = fl_groups_cross (NULL, 4, &genre, 3);
  FlGroupsCrossed none = fl_groups_cross (NULL, 4, NULL, 3);
  g_autofree char *of_users = fl_groups_make_crossed_label (&users, 1);
  g_autofree char *of_items = fl_groups_make_crossed_label (&items, 1);

  (void) state;
  assert_int_equal (users.n, 2);
  assert_int_equal (items.n, 3);
  assert_int_equal (none.n, 1);
  assert_int_equal (fl_groups_find_crossed (&users, 1, 2), 1);
  assert_int_equal (fl_groups_find_crossed (&items, 1, 2), 2);
  assert_int_equal (fl_groups_find_crossed (&none, 1, 2), 0);
  assert_int_equal (fl_groups_count_crossed (&items, 9, 1), 2);
  assert_int_equal (fl_groups_get_crossed (&items, 9, 1, 1), 0);
  assert_string_equal (of_users, "gender=M");
  assert_string_equal (of_items, "genre=Drama");
}

/* ---- labels and numbers -------------------------------------------------- */

static void
test_labels (void **state)
{
  g_autoptr (GError) error = NULL;
  uint32_t g = 9;

  (void) state;
  assert_true (fl_groups_find_label (&genre, "Horror", &g, &error));
  assert_int_equal (g, 2);
  assert_false (fl_groups_find_label (&gender, "X", &g, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
  assert_string_equal (error->message, "no group 'X': the groups of gender are F, M");
}

static void
test_sums (void **state)
{
  const double each[] = { 4, 2.5, NAN, 1 }; /* the last of an item that was added */
  FlGroupSum all;
  g_autofree FlGroupSum *sum = fl_groups_sum_values (&genre, 4, each, &all);

  (void) state;
  assert_float_equal (all.sum, 7.5, 0);
  assert_int_equal (all.n, 3);
  assert_float_equal (sum[0].sum, 6.5, 0); /* the drama is a comedy too */
  assert_int_equal (sum[0].n, 2);
  assert_float_equal (fl_groups_get_mean (&sum[0]), 3.25, 0);
  assert_float_equal (fl_groups_get_mean (&sum[1]), 2.5, 0);
  assert_int_equal (sum[2].n, 0); /* NaN is left out */
  assert_true (isnan (fl_groups_get_mean (&sum[2])));
}

static void
test_worst (void **state)
{
  const double number[] = { NAN, 3, 1, 3, 1 }, undefined[] = { NAN, NAN };

  (void) state;
  assert_int_equal (fl_groups_find_highest (5, number), 1);
  assert_int_equal (fl_groups_find_lowest (5, number), 2);
  assert_int_equal (fl_groups_find_highest (2, undefined), FL_NO_GROUP);
  assert_int_equal (fl_groups_find_lowest (2, undefined), FL_NO_GROUP);
  assert_int_equal (fl_groups_find_lowest (0, NULL), FL_NO_GROUP);
}

/* ---- sizes --------------------------------------------------------------- */

/* What an older side does not know is zero; what a newer one knows beyond is left. */
static void
test_copy (void **state)
{
  struct { FlGroups groups; double later; } newer = { .later = 7 }, mine;
  FlGroups older = gender, copy;

  (void) state;
  older.size = offsetof (FlGroups, rule);
  older.rule = gender_label; /* the next thing in memory, not a rule */
  FL_COPY (&copy, &older);
  assert_int_equal (copy.size, sizeof copy);
  assert_ptr_equal (copy.first, gender_of);
  assert_null (copy.rule);
  newer.groups = gender;
  newer.groups.size = sizeof newer;
  FL_COPY (&copy, &newer.groups);
  assert_int_equal (copy.size, sizeof copy);
  assert_string_equal (copy.name, "gender");
  newer.groups.size = sizeof (FlGroups);
  fl_copy (&mine, sizeof mine, &newer);
  assert_float_equal (mine.later, 0, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_membership),
    cmocka_unit_test (test_added),
    cmocka_unit_test (test_no_groups),
    cmocka_unit_test (test_members),
    cmocka_unit_test (test_crossing),
    cmocka_unit_test (test_crossing_of_several),
    cmocka_unit_test (test_crossing_with_added),
    cmocka_unit_test (test_crossing_of_one_side),
    cmocka_unit_test (test_labels),
    cmocka_unit_test (test_sums),
    cmocka_unit_test (test_worst),
    cmocka_unit_test (test_copy),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
