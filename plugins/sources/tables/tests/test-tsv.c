/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The source tsv: separators, columns, attributes, splits; the data sets that it
 * must read with few keys; and what it says of files that are not as told. */
#include "tests/support/source-test.h"

/* ---- ratings ------------------------------------------------------------- */

static void
test_names (void **state)
{
  GError *error = NULL;
  g_autofree char *ratings = source_setting (
      "path", "when;who;what;stars\r\n10;anna;Alien;4.5\r\n20;bob;Brazil;1\r\n");
  g_autofree char *test
      = source_setting ("test", "when;who;what;stars\n30.7;anna;Brazil;0.1");
  g_autofree char *users = source_setting (
      "users", "name;age;likes\nbob;?;art|war\nanna;31;\ncarl;7;x\n");
  g_autoptr (FlDataset) d
      = source_load ("tsv", 0, &error, ratings, test, users, "separator=semicolon", "user=who",
                     "item=what", "rating=stars", "time=when", "scale=0; 5", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 3);
  assert_string_equal (d->user_id[0], "anna");
  assert_string_equal (d->item_id[1], "Brazil");
  assert_true (d->ratings.f64[0] == 4.5 && d->ratings.f64[1] == 0.1);
  assert_true (d->time[1] == 30700000);
  assert_int_equal (d->part[0], FL_PART_TRAIN);
  assert_int_equal (d->part[1], FL_PART_TEST);
  assert_true (d->rating_min == 0 && d->rating_max == 5);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", "31"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", NULL), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "likes", "war"), 1);
}

static void
test_numbers (void **state)
{
  GError *error = NULL;
  g_autofree char *ratings = source_setting ("path", "# comment\n5 x  y\t7\n5 x z 8 \n");
  g_autoptr (FlDataset) d = source_load ("tsv", 0, &error, ratings, "separator=space",
                                         "header=true", "user=4", "item=3", "rating=", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n_users, 2);
  assert_string_equal (d->user_id[0], "7");
  assert_true (d->ratings.f32[0] == 1);
  assert_null (d->time);
}

static void
test_separators (void **state)
{
  static const char *const cases[][2] = {
    { "separator=tab", "anna\tAlien\t4\n" },     { "separator=comma", "anna,Alien,4\n" },
    { "separator=semicolon", "anna;Alien;4\n" }, { "separator=colon", "anna:Alien:4\n" },
    { "separator=pipe", "anna|Alien|4\n" },      { "separator=space", " anna \t Alien  4\n" },
    { "separator=::", "anna::Alien::4\n" },      { "separator=, ", "anna, Alien, 4\n" },
    { "separator=<=>", "anna<=>Alien<=>4\n" },
    { "separator=\xC2\xA7", "anna\xC2\xA7" "Alien\xC2\xA7" "4\n" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;
      g_autofree char *path = source_setting ("path", cases[c][1]);
      g_autoptr (FlDataset) d = source_load ("tsv", 0, &error, path, cases[c][0], NULL);

      source_expect (d, error);
      assert_string_equal (d->user_id[0], "anna");
      assert_string_equal (d->item_id[0], "Alien");
      assert_true (d->ratings.f32[0] == 4);
    }
}

static void
test_quotes (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "u,i,r\n\"Doe, J.\",\"say \"\"A\"\"\",\"5\"\n");
  g_autofree char *users = source_setting ("users", "id,town\n\"Doe, J.\",\"Lund, SE\"\n");
  g_autoptr (FlDataset) d = source_load ("tsv", 0, &error, path, users, "separator=comma",
                                         "header=true", "quoted=true", NULL);

  (void) state;
  source_expect (d, error);
  assert_string_equal (d->user_id[0], "Doe, J.");
  assert_string_equal (d->item_id[0], "say \"A\"");
  assert_int_equal (source_members (d, FL_SIDE_USER, "town", "Lund, SE"), 1);
}

/* Ids are text: beyond 32 and 64 bits, with zeros in front, in any script. */
static void
test_ids (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting (
      "path", "4294967297\tx\t1\n18446744073709551616\ty\t2\n7\t\xE6\x97\xA5\t3\n07\tx\t4\n");
  g_autoptr (FlDataset) d = source_load ("tsv", 0, &error, path, NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n_users, 4);
  assert_string_equal (d->user_id[0], "7");
  assert_string_equal (d->user_id[1], "07");
  assert_string_equal (d->user_id[2], "4294967297");
  assert_string_equal (d->user_id[3], "18446744073709551616");
  assert_string_equal (d->item_id[2], "\xE6\x97\xA5");
}

static void
test_latin1 (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "J\xF8rgen\tAm\xE9lie\t5\n");
  g_autofree char *users = source_setting ("users", "id\ttown\nJ\xF8rgen\t\xC5rhus\n");
  g_autoptr (FlDataset) d
      = source_load ("tsv", 0, &error, path, users, "encoding=latin-1", NULL);

  (void) state;
  source_expect (d, error);
  assert_string_equal (d->user_id[0], "J\xC3\xB8rgen");
  assert_int_equal (source_members (d, FL_SIDE_USER, "town", "\xC3\x85rhus"), 1);
  source_expect_error (source_load ("tsv", 0, &error, path, NULL), &error, ":1: not UTF-8 text");
  /* The first byte of a separator that is none does not hide the others. */
  g_free (path);
  path = source_setting ("path", "a\xC2\xC2\xA7" "b\xC2\xA7" "5\n");
  source_expect_error (source_load ("tsv", 0, &error, path, "separator=\xC2\xA7", NULL), &error,
                       ":1: not UTF-8 text");
}

static void
test_several_files (void **state)
{
  GError *error = NULL;
  g_autofree char *a = source_file ("a", "1\t1\t1\n"), *b = source_file ("b", "1\t2\t2\n");
  g_autofree char *one = source_file ("one", "id\tage\n1\t30\n");
  g_autofree char *two = source_file ("two", "id\tlanguage\n1\tsv\n1\tda\n");
  g_autofree char *path = g_strdup_printf ("path=%s; %s", a, b);
  g_autofree char *users = g_strdup_printf ("users=%s;%s", one, two);
  g_autoptr (FlDataset) d = source_load ("tsv", 0, &error, path, users, NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 2);
  assert_int_equal (source_members (d, FL_SIDE_USER, "age", "30"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "language", "da"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "language", "sv"), 1);
}

/* ---- attributes ---------------------------------------------------------- */

static void
test_entities (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "1\t1\t1\n2\t1\t2\n3\t1\t2\n");
  g_autofree char *users = source_setting ("users", "0|1|x|more\n1|2|y\n?|3|z\n");
  g_autofree char *items = source_setting ("items", "title,id,genre\nAlien,1,3/8/5\n");
  g_autoptr (FlDataset) d = source_load (
      "tsv", 0, &error, path, users, items, "users-separator=pipe",
      "users-columns=gender; user; -", "users-id=user", "users-labels=0 = man; 1 = woman",
      "items-separator=comma", "items-id=id", "values=/", "items-labels=genre.3 = Horror", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n_attributes[FL_SIDE_USER], 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "man"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "woman"), 1);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", NULL), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", "Horror"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", "8"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "title", "Alien"), 1);
}

static void
test_entity_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { "users-id=1", "id\tage\n1\n", "users:2: expected 2 fields separated by tabs, found 1" },
    { "users-id=1", "id\tage\n\t3\n", "users:2: the id (field 1) is empty" },
    { "users-id=1", "id\tage\tage\n1\t2\t3\n", "users: two columns are called 'age'" },
    { "users-id=1", "id\t\n1\t2\n", "users: column 2 has no name" },
    { "users-id=user", "id\tage\n1\t2\n", "users: there is no column 'user' among id, age" },
    { "users-id=id", "id\tid\n1\t2\n", "users: columns 1 and 2 are both called 'id'" },
    { "users-id=3", "id\tage\n1\t2\n", "the id is in column 3 of 2" },
    { "users-id=", "id\tage\n1\t2\n", "the id must have a column" },
    { "users-labels=0 is male", "id\tage\n1\t2\n", "'0 is male' must be CODE = LABEL" },
    { "users-labels=0 = male", "id\tage\tsex\n1\t2\t0\n", "say of which attribute, as in sex.0" },
    { "users-columns=id; age", "1\n", "users:1: expected 2 or more fields" },
    { "users-id=1", "", "users: the file is empty" },
    { "users-separator=\n", "id\tage\n1\t2\n", "users-separator: a separator must not be" },
  };
  g_autofree char *path = source_setting ("path", "1\t1\t1\n");

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;
      g_autofree char *users = source_setting ("users", cases[c][1]);

      source_expect_error (source_load ("tsv", 0, &error, path, users, cases[c][0], NULL), &error,
                           cases[c][2]);
    }
}

/* ---- mistakes ------------------------------------------------------------ */

static void
test_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { "user=who", "name\titem\tstars\n1\t2\t3\n", "no column 'who' among name, item, stars" },
    { "user=who", "who\twho\tstars\n1\t2\t3\n", "columns 1 and 2 are both called 'who'" },
    { "user=2", "1\t2\t3\n", "user and item are both column 2" },
    { "user=item", "1\titem\t3\n1\t2\t3\n", "user and item are both column 2" },
    { "user=3", "1\t2\t3\n1\t2\n", "path:2: expected 3 or more fields separated by tabs, found 2" },
    { "user=1", "1\t2\t3\n1\t3\tnan\n",
      ":2: the rating (field 3) must be a number: \"1\\t3\\tnan\"" },
    { "user=1", "1\t2\t3\n1\t3\tinf\n", ":2: the rating (field 3) must be a number" },
    { "user=1", "1\t2\t3\n1\t3\t1e999\n", ":2: the rating (field 3) must be a number" },
    { "user=1", "u\ti\tr\n", "must be a number: \"u\\ti\\tr\"; a first line with names needs" },
    { "time=3", "1\t2\t3.5\n2\t2\tx\n", ":2: the rating (field 3) must be a number" },
    { "time=4", "1\t2\t3\tnoon\n", ":1: the time (field 4) must be a number of seconds" },
    { "user=1", "\t2\t3\n", ":1: the user id is empty" },
    { "user=0", "1\t2\t3\n", "column 0: must be from 1" },
    { "user=99999999999999999999", "1\t2\t3\n", "column 99999999999999999999: must be from 1" },
    { "separator=", "1\t2\t3\n", "separator: a separator must not be empty" },
    { "scale=2", "1\t2\t3\n", "scale must be two numbers" },
    { "user=1", "1\t2\t3\n1\t2\t4\n", "user '1' rates item '2' twice" },
    { "user=1", "", "path: the file is empty" },
    { "header=true", "a\tb\tc\n", "is empty behind its header" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;
      g_autofree char *path = source_setting ("path", cases[c][1]);

      source_expect_error (source_load ("tsv", 0, &error, path, cases[c][0], NULL), &error,
                           cases[c][2]);
    }
}

static void
test_scale (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "1\t2\t3\n1\t3\t6\n");

  (void) state;
  source_expect_error (source_load ("tsv", 0, &error, path, "scale=1; 5", NULL), &error,
                       "path:2: ");
}

static void
test_missing (void **state)
{
  GError *error = NULL;
  g_autofree char *absent = source_path ("path", "absent"), *folder = source_path ("path", NULL);

  (void) state;
  source_expect_error (source_load ("tsv", 0, &error, absent, NULL), &error, "cannot open ");
  source_expect_error (source_load ("tsv", 0, &error, folder, NULL), &error, "is a folder");
}

static void
test_bad_lines (void **state)
{
  GError *error = NULL;
  g_autofree char *path = source_setting ("path", "1\t1\t5\nwhat\n1\t2\tmany\n\t3\t4\n2\t1\t4\n");
  g_autofree char *users = source_setting ("users", "id\tage\n1\t30\n2\n");
  g_autoptr (FlDataset) d
      = source_load ("tsv", 0, &error, path, users, "bad-lines=skip", NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 2);
  assert_true (source_noted (d, "3 lines skipped"));
  assert_true (source_noted (d, "users: 1 line skipped"));
}

/* ---- forms and data sets ------------------------------------------------- */

static FlDataset *
load_forms (GError **error)
{
  g_autofree char *path = source_path ("path", "ratings"), *users = source_path ("users", "users");

  return source_load ("tsv", 0, error, path, users, "user=user", "item=item", "rating=rating",
                      NULL);
}

static void
test_forms (void **state)
{
  static const SourceFile files[] = {
    { "ratings", "user\titem\trating\n1\tx\t3\n2\ty\t4\n" },
    { "users", "id\tage\n1\t30\n2\t40\n" },
    { NULL, NULL },
  };

  (void) state;
  source_check_forms (files, load_forms);
}

/* Constant, since a test that is skipped frees nothing. */
#define DATA(key, file) key "=${FAIRLEAD_DATA}/" file

/* Counts of the authors' files. */
static void
test_itfr (void **state)
{
  static const char *const genres[]
      = { "Sci-Fi", "Adventure", "Children's", "Crime", "Horror", "Romance" };
  static const uint32_t sizes[] = { 132, 102, 158, 164, 249, 395 };
  GError *error = NULL;
  const char *path = DATA ("path", "itfr-ml-1m/train.tsv");
  const char *validation = DATA ("validation", "itfr-ml-1m/valid.tsv");
  const char *test = DATA ("test", "itfr-ml-1m/test.tsv");
  const char *users = DATA ("users", "itfr-ml-1m/user_group.tsv");
  const char *items = DATA ("items", "itfr-ml-1m/item_group.tsv");
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("itfr-ml-1m"))
    skip ();
  d = source_load ("tsv", 0, &error, path, validation, test, "rating=", users,
                   "users-columns=user; gender", "users-labels=0 = male; 1 = female", items,
                   "items-columns=item; genre",
                   "items-labels=0 = Sci-Fi; 1 = Adventure; 2 = Children's; 3 = Crime; "
                   "4 = Horror; 5 = Romance", NULL);
  source_expect (d, error);
  assert_int_equal (d->n_users, 5977);
  assert_int_equal (d->n_items, 1200);
  assert_int_equal (source_part (d, FL_PART_TRAIN), 276577);
  assert_int_equal (source_part (d, FL_PART_VALIDATION), 40232);
  assert_int_equal (source_part (d, FL_PART_TEST), 79398);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "male"), 4289);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "female"), 1688);
  for (size_t g = 0; g < G_N_ELEMENTS (genres); g++)
    assert_int_equal (source_members (d, FL_SIDE_ITEM, "genre", genres[g]), sizes[g]);
}

static void
test_fda (void **state)
{
  GError *error = NULL;
  const char *path = DATA ("path", "fda-ml-1m/train-derived.tsv");
  const char *test = DATA ("test", "fda-ml-1m/test.tsv");
  const char *users = DATA ("users", "fda-ml-1m/user_group.tsv");
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("fda-ml-1m"))
    skip ();
  d = source_load ("tsv", 0, &error, path, test, users, "users-columns=user; gender",
                   "users-labels=0 = male; 1 = female", NULL);
  source_expect (d, error);
  assert_int_equal (d->n_users, 6040);
  assert_int_equal (d->n_items, 3706);
  assert_int_equal (source_part (d, FL_PART_TRAIN), 900188);
  assert_int_equal (source_part (d, FL_PART_VALIDATION), 0);
  assert_int_equal (source_part (d, FL_PART_TEST), 100021);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "male"), 4331);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "female"), 1709);
}

/* MovieLens' own files give what the source for them gives. */
static void
test_movielens (void **state)
{
  GError *error = NULL;
  const char *path = DATA ("path", "ml-1m/ratings.dat");
  const char *users = DATA ("users", "ml-1m/users.dat");
  const char *items = DATA ("items", "ml-1m/movies.dat");
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("ml-1m"))
    skip ();
  d = source_load ("tsv", 0, &error, path, users, items, "separator=::", "encoding=latin-1",
                   "users-columns=user; gender; age; occupation; zip",
                   "items-columns=item; -; genre", NULL);
  source_expect (d, error);
  assert_int_equal (d->n, 1000209);
  assert_int_equal (d->n_items, 3706);
  assert_int_equal (source_members (d, FL_SIDE_USER, "gender", "F"), 1709);
  assert_int_equal (source_attribute (d, FL_SIDE_ITEM, "genre")->n_groups, 18);
}

/* The files as the built-in source has them, and the originals. */
static void
test_open_example (void **state)
{
  GError *error = NULL;
  const char *path = DATA ("path", "open-example/raw/rating_final.csv");
  const char *users = DATA ("users", "open-example/raw/userprofile.csv");
  const char *items = DATA ("items", "open-example/raw/geoplaces2.csv; ")
                      "${FAIRLEAD_DATA}/open-example/raw/chefmozcuisine.csv";
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("open-example"))
    skip ();
  d = source_load ("tsv", 0, &error, path, users, items, "separator=comma", "user=userID",
                   "item=placeID", "rating=rating", "quoted=true", "encoding=latin-1", NULL);
  source_expect (d, error);
  assert_int_equal (d->n, 1161);
  assert_int_equal (source_members (d, FL_SIDE_USER, "drink_level", "abstemious"), 51);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "Rcuisine", "Mexican"), 28);
}

/* As Book-Crossing writes: semicolons, quotes, backslashes, ISO-8859-1. */
static void
test_backslashes (void **state)
{
  GError *error = NULL;
  g_autofree char *ratings = source_setting (
      "path", "\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"1\";\"034545104X\";\"0\"\n"
              "\"2\";\"0155061224\";\"5\"\n");
  g_autofree char *items = source_setting (
      "items", "\"ISBN\";\"Book-Title\"\n\"034545104X\";\"Say \\\"caf\xe9\\\"; twice\"\n"
               "\"0155061224\";\"C:\\\\ \"\n");
  g_autoptr (FlDataset) d
      = source_load ("tsv", 0, &error, ratings, items, "separator=semicolon", "backslash=true",
                     "encoding=latin-1", "header=true", "values=", NULL);
  const FlAttribute *title;

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 2);
  title = &d->attributes[FL_SIDE_ITEM][0];
  assert_string_equal (title->label[title->first[1]], "Say \"caf\303\251\"; twice");
  assert_string_equal (title->label[title->first[0]], "C:\\ ");
  print_message ("  %s\n", d->notes[0]);
  assert_non_null (strstr (d->notes[0], "1 values begin or end with a blank"));
}

/* Words for no value, quotes over several lines, and ids that match nobody. */
static void
test_attributes (void **state)
{
  GError *error = NULL;
  g_autofree char *ratings = source_setting ("path", "1,x,3\n2,x,4\n3,y,1\n");
  g_autofree char *users = source_setting (
      "users", "id,g,note\n1,NA,\"one\ntwo, \"\"three\"\"\"\n2,M,None\n3,unknown,\"4,x\"\n");
  g_autofree char *others = source_setting ("others", "id,g\n1.0,M\n2.0,F\n");
  g_autofree char *path = g_strconcat ("users=", strchr (others, '=') + 1, NULL);
  g_autoptr (FlDataset) d = source_load ("tsv", 0, &error, ratings, users, "separator=comma",
                                         "quoted=true", "values=", NULL);
  g_autoptr (FlDataset) other = NULL;
  const FlAttribute *g, *note;

  (void) state;
  source_expect (d, error);
  g = &d->attributes[FL_SIDE_USER][0];
  note = &d->attributes[FL_SIDE_USER][1];
  assert_true (g->first[0] == FL_NO_GROUP && g->n_groups == 2);
  assert_string_equal (g->label[g->first[2]], "unknown");
  assert_true (note->first[1] == FL_NO_GROUP && note->n_groups == 2);
  assert_string_equal (note->label[note->first[0]], "one\ntwo, \"three\"");
  assert_string_equal (note->label[note->first[2]], "4,x");
  print_message ("  %s\n", d->notes[0]);
  assert_non_null (strstr (d->notes[0], "taken for no value: 'NA' (1), 'None' (1)"));
  other = source_load ("tsv", 0, &error, ratings, path, "separator=comma", NULL);
  source_expect (other, error);
  print_message ("  %s\n", other->notes[0]);
  assert_non_null (strstr (other->notes[0], "none of the 2 users with attributes has ratings: ids "
                                            "such as '2.0' there, and '1' among the ratings"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    source_unit_test (test_names),         source_unit_test (test_numbers),
    source_unit_test (test_separators),    source_unit_test (test_quotes),
    source_unit_test (test_ids),           source_unit_test (test_latin1),
    source_unit_test (test_several_files), source_unit_test (test_entities),
    source_unit_test (test_entity_mistakes), source_unit_test (test_mistakes),
    source_unit_test (test_scale),         source_unit_test (test_missing),
    source_unit_test (test_bad_lines),     source_unit_test (test_forms),
    source_unit_test (test_itfr),          source_unit_test (test_fda),
    source_unit_test (test_movielens),     source_unit_test (test_open_example),
    source_unit_test (test_attributes),    source_unit_test (test_backslashes),
  };

  return cmocka_run_group_tests_name ("tsv", tests, source_group_set_up, source_group_tear_down);
}
