/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The source lastfm-360k, on lines made up with the faults of the real ones. */
#include "tests/support/source-test.h"

#define PLAYS "usersha1-artmbid-artname-plays.tsv"
#define PROFILE "usersha1-profile.tsv"
#define A "00000000000000000000000000000000000000aa"
#define B "00000000000000000000000000000000000000bb"
#define MBID "11111111-2222-3333-4444-555555555555"

static FlDataset *
load (GError **error, const char *setting, const char *other)
{
  g_autofree char *path = source_path ("path", NULL);

  return source_load ("lastfm-360k", 0, error, path, setting, setting != NULL ? other : NULL, NULL);
}

static void
test_all (void **state)
{
  GError *error = NULL;
  g_autofree char *plays = source_file (PLAYS, A "\t" MBID "\tthe \"quoted\"\t2137\n"
                                               A "\t\tnobody's band\t0\n"
                                               B "\t" MBID "\tanother name\t12\n");
  g_autofree char *profile = source_file (PROFILE, A "\tf\t22\tGermany\tFeb 1, 2007\n"
                                                   B "\t\t-13\t\tOct 4, 2007\n");
  g_autoptr (FlDataset) d = load (&error, NULL, NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 3);
  assert_int_equal (d->n_items, 2);
  assert_string_equal (d->item_id[0], MBID);
  assert_string_equal (d->item_id[1], "nobody's band");
  assert_true (d->ratings.f32[0] == 2137 && d->ratings.f32[1] == 0);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "f"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", NULL), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", "22"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", NULL), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "country", "Germany"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "signup-year", "2007"), 2);
  assert_true (source_noted (d, "1 ages outside 5 to 100"));
}

/* What the real files are known for. */
static void
test_oddities (void **state)
{
  GError *error = NULL;
  g_autofree char *plays = source_file (PLAYS, A "\t" MBID "\tone\t5\n"
                                               A "\t" MBID "\tone again\t7\n"
                                               "sep 20, 2008\t\tbroken\t5\n"
                                               A "\t\t\t9\n"
                                               A "\t\tcut\n"
                                               B "\t\tother\tmany\n"
                                               B "\t\tother\t3\n");
  g_autofree char *profile = source_file (PROFILE, A "\tf\t1002\tSpain\t\n"
                                                   "nobody\tm\t20\tSpain\tFeb 1, 2007\n"
                                                   B "\tx\t20\tSpain\tFeb 1, 2007\n");
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  source_expect_error (load (&error, "duplicates=first", NULL), &error,
                       PLAYS ":3: the user must be a SHA-1 sum of 40 digits");
  source_expect_error (load (&error, "bad-lines=skip", NULL), &error, "twice");
  d = load (&error, "bad-lines=skip", "duplicates=first");
  source_expect (d, error);
  assert_int_equal (d->n, 2);
  assert_true (d->ratings.f32[0] == 5 && d->ratings.f32[1] == 3);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", NULL), 2);
  assert_true (source_noted (d, PLAYS ": 4 lines skipped"));
  assert_true (source_noted (d, PROFILE ": 2 lines skipped"));
}

static void
test_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { A "\t" MBID "\tone\t-5\n", A "\tf\t1\tx\ty\n", PLAYS ":1: the plays (field 4) must be" },
    { A "\t" MBID "\tone\t1.5\n", A "\tf\t1\tx\ty\n", PLAYS ":1: the plays (field 4) must be" },
    { A "\t\t\t5\n", A "\tf\t1\tx\ty\n", PLAYS ":1: the artist has neither" },
    { A "\t" MBID "\tone\t5\n", A "\tf\t1\tx\n", PROFILE ":1: expected 5 fields" },
    { A "\t" MBID "\tone\t5\n", A "\tfemale\t1\tx\ty\n", PROFILE ":1: the gender (field 2)" },
    { "", A "\tf\t1\tx\ty\n", PLAYS ": the file is empty" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;

      g_free (source_file (PLAYS, cases[c][0]));
      g_free (source_file (PROFILE, cases[c][1]));
      source_expect_error (load (&error, NULL, NULL), &error, cases[c][2]);
    }
}

static void
test_missing (void **state)
{
  GError *error = NULL;

  (void) state;
  source_expect_error (load (&error, NULL, NULL), &error,
                       PLAYS " is not there: path must name the folder");
  g_free (source_file (PLAYS, A "\t" MBID "\tone\t5\n"));
  source_expect_error (load (&error, NULL, NULL), &error, "ocelma.net");
  source_expect_error (load (&error, "ages=9; 3", NULL), &error, "the lower one first");
}

static FlDataset *
load_forms (GError **error)
{
  return load (error, NULL, NULL);
}

static void
test_forms (void **state)
{
  static const SourceFile files[] = {
    { PLAYS, A "\t" MBID "\tone\t5\n" B "\t\tother\t3\n" },
    { PROFILE, A "\tf\t30\tSpain\tFeb 1, 2007\n" B "\tm\t\tPeru\tFeb 2, 2008\n" },
    { NULL, NULL },
  };

  (void) state;
  source_check_forms (files, load_forms);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    source_unit_test (test_all),     source_unit_test (test_oddities),
    source_unit_test (test_mistakes), source_unit_test (test_missing),
    source_unit_test (test_forms),
  };

  return cmocka_run_group_tests_name ("lastfm-360k", tests, source_group_set_up,
                                      source_group_tear_down);
}
