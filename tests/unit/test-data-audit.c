/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The audit of splits: each kind of leak made on purpose, and found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/split-case.h"

/* ---- helpers ------------------------------------------------------------- */

/* A line a row: "ok: text". */
static char *
audit_text (const FlDataset *d, const FlSplit *split, const FlAuditCell *cell)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) rows = fl_split_audit (d, split, cell, &error);
  GString *text = g_string_new (NULL);

  if (rows == NULL)
    fail_msg ("%s", error->message);
  for (guint r = 0; r < rows->len; r++)
    {
      const FlAuditRow *row = g_ptr_array_index (rows, r);

      g_string_append_printf (text, "%s: %s\n", fl_audit_word (row->level), row->text);
    }
  return g_string_free (text, FALSE);
}

static void
expect_audit (const FlDataset *d, const FlSplit *split, const FlAuditCell *cell,
              const char *expected)
{
  g_autofree char *text = audit_text (d, split, cell);

  print_message ("%s", text);
  assert_string_equal (text, expected);
}

static void
expect_line (const FlDataset *d, const FlSplit *split, const FlAuditCell *cell, const char *line)
{
  g_autofree char *text = audit_text (d, split, cell);

  print_message ("%s", text);
  if (strstr (text, line) == NULL)
    fail_msg ("'%s' is not among them", line);
}

/* Three users; user 2 and item 3 have no training rating. */
static const Entry entry[] = {
  { 0, 0, 1, 1, FL_PART_TRAIN }, { 0, 1, 1, 5, FL_PART_TEST }, { 0, 2, 1, 7, FL_PART_TRAIN },
  { 1, 0, 1, 2, FL_PART_TRAIN }, { 1, 1, 1, 3, FL_PART_TRAIN }, { 1, 3, 1, 6, FL_PART_TEST },
  { 2, 0, 1, 4, FL_PART_TEST },  { 2, 1, 1, 4, FL_PART_VALIDATION },
};

/* ---- ratings ------------------------------------------------------------- */

static void
test_rows (void **state)
{
  g_autoptr (FlDataset) d = dataset_of ((Entries) { G_N_ELEMENTS (entry), entry, NULL });
  const FlDataKeys data = { .filter = NULL };
  FlSplitKeys keys = { .method = FL_SPLIT_GIVEN };
  const FlAuditCell cell = { .data = &data, .split = &keys };
  g_autoptr (FlSplit) split = split_of (d, NULL, keys, 1);
  g_autoptr (FlSplit) dropped = NULL;

  (void) state;
  /* The first test rating is at 4: the training rating at 7 is later, and later
   * than that of its user at 5. */
  expect_audit (d, split, &cell,
                "ok: no pair of user and item is in two parts: 8 ratings compared\n"
                "warning: 1 of 4 training ratings (25.0%) are later than the first test rating\n"
                "warning: 1 users have training ratings later than their own first test rating: "
                "1 ratings (25.0%)\n"
                "warning: 1 users and 0 items of the validation part have no training ratings: "
                "1 of its 1 ratings\n"
                "warning: 1 users and 1 items of the test part have no training ratings: 2 of its "
                "3 ratings\n");
  keys.cold = FL_COLD_DROP;
  dropped = split_of (d, NULL, keys, 1);
  expect_audit (d, dropped, &cell,
                "ok: no pair of user and item is in two parts: 5 ratings compared\n"
                "warning: 1 of 4 training ratings (25.0%) are later than the first test rating\n"
                "warning: 1 users have training ratings later than their own first test rating: "
                "1 ratings (25.0%)\n"
                "ok: every user and item of the validation part has training ratings\n"
                "ok: every user and item of the test part has training ratings\n"
                "note: 1 users, 1 items and 3 ratings were dropped for want of training ratings\n");
}

/* Arrays that no split would make. */
static void
test_broken (void **state)
{
  g_autoptr (FlDataset) d = dataset_of ((Entries) { G_N_ELEMENTS (entry), entry, NULL });
  const FlDataKeys data = { .filter = NULL };
  const FlSplitKeys keys = { .method = FL_SPLIT_GIVEN };
  const FlAuditCell cell = { .data = &data, .split = &keys };
  g_autoptr (FlSplit) split = split_of (d, NULL, keys, 1);
  static const uint32_t user[] = { 0, 1, 2, 2 }, doubled[] = { 2, 3, 0, 1 };
  static const uint32_t foreign[] = { 3, 3, 0, 2 };
  static const double rating[] = { 1, 1, 1, 1 };

  (void) state;
  fl_ratings_free (split->test);
  split->test = fl_ratings_new (3, 4, 4, user, doubled, rating, NULL);
  expect_line (d, split, &cell, "error: 2 ratings are in two parts, or twice in one\n");
  fl_ratings_free (split->test);
  split->test = fl_ratings_new (3, 4, 4, user, foreign, rating, NULL);
  expect_line (d, split, &cell, "error: 2 ratings of the split are not in the data\n");
}

static void
test_times (void **state)
{
  static const int methods[] = { FL_SPLIT_TIME, FL_SPLIT_PER_USER_TIME, FL_SPLIT_LEAVE_LAST };
  const FlDataKeys data = { .filter = NULL };

  (void) state;
  for (uint64_t seed = 0; seed < 60; seed++)
    for (size_t m = 0; m < G_N_ELEMENTS (methods); m++)
      {
        g_autoptr (FlDataset) d = random_dataset (seed, 15, 15, 0.4);
        const FlSplitKeys keys = { .method = methods[m], .test = 0.3, .last = 2 };
        const FlAuditCell cell = { .data = &data, .split = &keys };
        g_autoptr (FlSplit) split = split_of (d, NULL, keys, seed);
        g_autofree char *text = audit_text (d, split, &cell);

        assert_non_null (strstr (text, "ok: no user's training rating is later than a test"));
        if (m == 0)
          assert_non_null (strstr (text, "ok: no training rating is later than any test rating"));
      }
}

static void
test_no_times (void **state)
{
  static const Entry timeless[] = { { 0, 0, 1, FL_NO_TIME, -1 }, { 0, 1, 1, FL_NO_TIME, -1 },
                                    { 1, 0, 1, FL_NO_TIME, -1 }, { 1, 1, 1, FL_NO_TIME, -1 } };
  g_autoptr (FlDataset) d = dataset_of ((Entries) { 4, timeless, NULL });
  const FlDataKeys data = { .filter = NULL };
  const FlSplitKeys keys = { .method = FL_SPLIT_PER_USER, .test = 0.5 }, none = { .method = 0 };
  const FlAuditCell cell = { .data = &data, .split = &keys };
  g_autoptr (FlSplit) split = split_of (d, NULL, keys, 1), whole = split_of (d, NULL, none, 1);

  (void) state;
  expect_line (d, split, &cell, "note: the data have no times: ");
  expect_audit (d, whole, &cell,
                "ok: no pair of user and item is in two parts: 4 ratings compared\n");
}

/* ---- the pipeline -------------------------------------------------------- */

static void
describe (FlBuilder *builder)
{
  fl_builder_attribute (builder, FL_SIDE_USER, fl_span ("0"), "sex", fl_span ("F"));
  fl_builder_note (builder, "2 lines were skipped");
}

static void
test_pipeline (void **state)
{
  static const char *const augmenting[] = { "antidote", "fair", NULL };
  g_autoptr (FlDataset) d = dataset_of ((Entries) { G_N_ELEMENTS (entry), entry, describe });
  FlDataKeys data = { .filter = (char *) "items top 4; users random 3; core 1; ratings as 1" };
  const FlSplitKeys keys = { .method = FL_SPLIT_GIVEN };
  FlAuditCell cell = { .data = &data, .split = &keys, .augmenting = augmenting };
  g_autoptr (FlSplit) split = split_of (d, data.filter, keys, 1);

  (void) state;
  expect_line (d, split, &cell, "note: the source: 2 lines were skipped\n");
  expect_line (d, split, &cell, "note: the filter looked at ratings that are now held out: 'items "
                                "top 4', 'core 1'\n");
  expect_line (d, split, &cell, "ok: antidote, fair: adds users after the split, to the training "
                                "part alone\n");
  data.filter = (char *) "users random 3";
  expect_line (d, split, &cell, "ok: the filter looked at no rating\n");
  data.users_group_by = (char *) "error of plain on test quantiles 2";
  expect_line (d, split, &cell, "note: users.group-by = error of plain on test quantiles 2: groups "
                                "rest on held-out ratings\n");
  cell.needs_groups = TRUE;
  expect_line (d, split, &cell, "warning: users.group-by = error of plain on test quantiles 2: "
                                "groups rest on held-out ratings, and mitigators use groups\n");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_rows),     cmocka_unit_test (test_broken),
    cmocka_unit_test (test_times),    cmocka_unit_test (test_no_times),
    cmocka_unit_test (test_pipeline),
  };

  return cmocka_run_group_tests_name ("audit", tests, NULL, NULL);
}
