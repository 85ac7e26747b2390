/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The sources of MovieLens: counts that were taken from the files by other
 * means, small files made up, and what they say of files that are not as they
 * should be. */
#include "tests/support/source-test.h"

/* ---- the real ones ------------------------------------------------------- */

static void
test_movielens_100k (void **state)
{
  static const size_t stars[] = { 6110, 11370, 27145, 34174, 21201 };
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;
  const FlAttribute *age;

  (void) state;
  if (!have_data ("ml-100k"))
    skip ();
  d = source_load ("movielens-100k", 0, &error, NULL);
  source_expect (d, error);
  assert_int_equal (d->n, 100000);
  assert_int_equal (d->n_users, 943);
  assert_int_equal (d->n_items, 1682);
  for (int star = 1; star <= 5; star++)
    assert_int_equal (source_ratings (d, star), stars[star - 1]);
  assert_non_null (d->time);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "M"), 670);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "F"), 273);
  assert_int_equal (source_members (d, FL_SIDE_USER, "zip-digit", NULL), 18);
  age = source_attribute (d, FL_SIDE_USER, "age");
  assert_string_equal (age->label[0], "7");
  assert_string_equal (age->label[age->n_groups - 1], "73");
  assert_int_equal (source_attribute (d, FL_SIDE_ITEM, "genre")->n_groups, 19);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", "Drama"), 725);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", NULL), 0);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "year", NULL), 1);
  /* 196 <tab> 242 <tab> 3 <tab> 881250949, the first line. */
  for (size_t k = d->ratings.start[195]; k < d->ratings.start[196]; k++)
    if (d->ratings.col[k] == 241)
      assert_true (d->ratings.f32[k] == 3 && d->time[k] == 881250949 * FL_TIME_SECOND);
}

static void
test_movielens_1m (void **state)
{
  static const size_t stars[] = { 56174, 107557, 261197, 348971, 226310 };
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;
  size_t least = SIZE_MAX, most = 0;

  (void) state;
  if (!have_data ("ml-1m"))
    skip ();
  d = source_load ("movielens-1m", 0, &error, NULL);
  source_expect (d, error);
  assert_int_equal (d->n, 1000209);
  assert_int_equal (d->n_users, 6040);
  assert_int_equal (d->n_items, 3706);
  for (int star = 1; star <= 5; star++)
    assert_int_equal (source_ratings (d, star), stars[star - 1]);
  for (uint32_t u = 0; u < d->n_users; u++)
    {
      least = MIN (least, d->ratings.start[u + 1] - d->ratings.start[u]);
      most = MAX (most, d->ratings.start[u + 1] - d->ratings.start[u]);
    }
  assert_int_equal (least, 20);
  assert_int_equal (most, 2314);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "M"), 4331);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "F"), 1709);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", NULL), 0);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "year", NULL), 0);
}

/* ---- files made up ------------------------------------------------------- */

#define RATINGS_CSV "userId,movieId,rating,timestamp\n"
#define MOVIES_CSV "movieId,title,genres\n"

static FlDataset *
load_csv (GError **error)
{
  g_autofree char *path = source_path ("path", NULL);

  return source_load ("movielens-csv", 0, error, path, NULL);
}

static FlDataset *
load_1m (GError **error)
{
  g_autofree char *path = source_path ("path", NULL);

  return source_load ("movielens-1m", 0, error, path, NULL);
}

static FlDataset *
load_100k (GError **error)
{
  g_autofree char *path = source_path ("path", NULL);

  return source_load ("movielens-100k", 0, error, path, NULL);
}

static void
test_csv (void **state)
{
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  g_free (source_file ("ratings.csv", RATINGS_CSV "1,10,0.5,1147880044\n1,9,5.0,1147880045\n"
                                                  "2,8589934592,3.5,1147880046\n"));
  g_free (source_file ("movies.csv",
                       MOVIES_CSV "9,Seen (1999) ,(no genres listed)\n"
                                  "10,\"Quiet, The (\"\"Q\"\") (2001)\",Drama|Film-Noir\n"
                                  "8589934592,No year (200x),Drama\n"
                                  "77,Unseen (1950),War\n"));
  d = load_csv (&error);
  source_expect (d, error);
  assert_int_equal (d->n, 3);
  assert_true (d->rating_min == 0.5 && d->rating_max == 5);
  assert_string_equal (d->item_id[0], "9");
  assert_string_equal (d->item_id[2], "8589934592");
  assert_true (d->ratings.f32[0] == 5 && d->ratings.f32[1] == 0.5f);
  assert_true (d->time[0] == 1147880045 * FL_TIME_SECOND);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", "Drama"), 2);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", "Film-Noir"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", NULL), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "year", "1999"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "year", "2001"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "year", NULL), 1);
}

static void
test_csv_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { "user,item,rating\n1,2,3\n", MOVIES_CSV "2,A (1999),War\n", "no column 'userId' among user" },
    { RATINGS_CSV "1,2,6,0\n", MOVIES_CSV "2,A (1999),War\n", "ratings.csv:2: " },
    { RATINGS_CSV "1,2,0,0\n", MOVIES_CSV "2,A (1999),War\n", "ratings.csv:2: " },
    { RATINGS_CSV "1,2,3\n", MOVIES_CSV "2,A (1999),War\n", "ratings.csv:2: expected 4 fields" },
    { RATINGS_CSV "1,2,3,4\n", "2,A (1999),War\n", "movies.csv:1: expected the header movieId" },
    { RATINGS_CSV "1,2,3,4\n", MOVIES_CSV "2,A, B (1999),War\n", "movies.csv:2: expected 3" },
    { RATINGS_CSV "1,2,3,4\n", MOVIES_CSV "2,\"A (1999),War\n", "movies.csv:2: " },
    { RATINGS_CSV "1,2,3,4\n", MOVIES_CSV ",A (1999),War\n", "movies.csv:2: the movieId is empty" },
    { RATINGS_CSV, MOVIES_CSV, "is empty behind its header" },
    { "", MOVIES_CSV, "ratings.csv: the file is empty" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;

      g_free (source_file ("ratings.csv", cases[c][0]));
      g_free (source_file ("movies.csv", cases[c][1]));
      source_expect_error (load_csv (&error), &error, cases[c][2]);
    }
}

static void
test_missing (void **state)
{
  GError *error = NULL;

  (void) state;
  source_expect_error (load_csv (&error), &error, "/ratings.csv is not there: path must name the "
                       "folder with the files of MovieLens, which come from grouplens.org");
  g_free (source_file ("ratings.csv", RATINGS_CSV "1,2,3,4\n"));
  source_expect_error (load_csv (&error), &error, "/movies.csv is not there");
  source_expect_error (load_100k (&error), &error, "grouplens.org/datasets/movielens");
  source_expect_error (load_1m (&error), &error, "/ratings.dat is not there");
}

static void
test_mistakes (void **state)
{
  GError *error = NULL;

  (void) state;
  g_free (source_file ("users.dat", "1::F::1::10::48067\n"));
  g_free (source_file ("movies.dat", "1::Aria (1995)::Comedy\n"));
  g_free (source_file ("ratings.dat", "1::1::5\n1::2::6\n"));
  source_expect_error (load_1m (&error), &error, "ratings.dat:2: ");
  g_free (source_file ("ratings.dat", "1::1::5\n1::2\n"));
  source_expect_error (load_1m (&error), &error,
                       "ratings.dat:2: expected 3 to 4 fields separated by '::', found 2: "
                       "\"1::2\"");
  g_free (source_file ("ratings.dat", "1::1::5::9\n1::2::3\n"));
  source_expect_error (load_1m (&error), &error, "ratings.dat:2: expected 4 fields");
}

static void
test_100k_mistakes (void **state)
{
  GError *error = NULL;

  (void) state;
  g_free (source_file ("u.data", "1\t1\t5\t9\n"));
  g_free (source_file ("u.user", "1|30|F|artist|A1A 1A1\n"));
  g_free (source_file ("u.genre", "odd|0\nrest|2\n"));
  g_free (source_file ("u.item", "1|Caf\xE9 (1995)|01-Jan-1995|||1|0\n"));
  source_expect_error (load_100k (&error), &error, "u.genre:2: expected genre number 1");
  g_free (source_file ("u.genre", "odd|0\nrest|1\nmore|2\n"));
  source_expect_error (load_100k (&error), &error, "u.item:1: expected 5 fields and the 3 genres");
  g_free (source_file ("u.genre", "odd|0\nrest|1\n"));
  g_free (source_file ("u.item", "1|Caf\xE9 (1995)|01-Jan-1995|||2|0\n"));
  source_expect_error (load_100k (&error), &error, "u.item:1: the flag of genre odd must be 0 or");
}

/* ---- forms --------------------------------------------------------------- */

static void
test_forms (void **state)
{
  static const SourceFile csv[] = {
    { "ratings.csv", RATINGS_CSV "1,10,0.5,1147880044\n1,9,5.0,1147880045\n" },
    { "movies.csv", MOVIES_CSV "9,A (1999),War\n10,\"B, C (2000)\",Drama|War\n" },
    { NULL, NULL },
  };
  static const SourceFile one_million[] = {
    { "ratings.dat", "1::10::5::978300760\n2::9::1::978300761\n" },
    { "users.dat", "1::F::1::10::48067\n2::M::56::16::70072\n" },
    { "movies.dat", "9::A (1999)::War\n10::B (2000)::Drama|War\n" },
    { NULL, NULL },
  };
  static const SourceFile hundred_thousand[] = {
    { "u.data", "1\t10\t5\t881250949\n2\t9\t1\t881250950\n" },
    { "u.user", "1|30|F|artist|12345\n2|40|M|none|T8H1N\n" },
    { "u.genre", "War|0\nDrama|1\n" },
    { "u.item", "9|A (1999)|01-Jan-1999|||1|0\n10|B (2000)|01-Jan-2000|||1|1\n" },
    { NULL, NULL },
  };

  (void) state;
  source_check_forms (csv, load_csv);
  source_check_forms (one_million, load_1m);
  source_check_forms (hundred_thousand, load_100k);
}

/* Names say where to look, not what is there: a file that was renamed will do. */
static void
test_compressed_name (void **state)
{
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  g_free (source_file ("ratings.csv.gz", RATINGS_CSV "1,10,0.5,1147880044\n"));
  g_free (source_file ("movies.csv.zst", MOVIES_CSV "10,A (1999),War\n"));
  d = load_csv (&error);
  source_expect (d, error);
  assert_int_equal (d->n, 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    source_unit_test (test_movielens_100k), source_unit_test (test_movielens_1m),
    source_unit_test (test_csv),            source_unit_test (test_csv_mistakes),
    source_unit_test (test_missing),        source_unit_test (test_mistakes),
    source_unit_test (test_100k_mistakes),  source_unit_test (test_forms),
    source_unit_test (test_compressed_name),
  };

  return cmocka_run_group_tests_name ("movielens", tests, source_group_set_up,
                                      source_group_tear_down);
}
