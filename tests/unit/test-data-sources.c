/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The source plugins: counts that were taken from the files by other means,
 * and what they say of files that are not as they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/data/data-room.h"
#include "tests/unit/data-folder.h"

static FlRegistry *registry;
static char *folder; /* for files that tests write */

/* A dataset of `source` with settings "key=value ...", NULL-terminated. */
static FlDataset *
load (const char *source, uint64_t seed, GError **error, ...)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_SOURCE, source, error);
  g_autoptr (FlInstance) instance = NULL;
  const char *text;
  va_list args;

  va_start (args, error);
  while ((text = va_arg (args, const char *)) != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (text, "=", 2);

      g_ptr_array_add (settings, fl_setting_new (parts[0], parts[1], "test"));
    }
  va_end (args);
  if (entry == NULL)
    return NULL;
  instance = fl_instance_new (entry, "data", settings, NULL, NULL, NULL, error);
  return instance != NULL ? fl_dataset_load (instance, NULL, seed, error) : NULL;
}

static void
expect_none (const FlDataset *dataset, GError *error)
{
  if (error != NULL)
    fail_msg ("%s", error->message);
  assert_non_null (dataset);
}

static void
expect_error (const FlDataset *dataset, GError **error, const char *part)
{
  assert_null (dataset);
  assert_non_null (*error);
  print_message ("  %s\n", (*error)->message);
  if (strstr ((*error)->message, part) == NULL)
    fail_msg ("'%s' is not in that message", part);
  g_clear_error (error);
}

static const FlAttribute *
attribute (const FlDataset *dataset, FlSide side, const char *name)
{
  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    if (strcmp (dataset->attributes[side][a].name, name) == 0)
      return &dataset->attributes[side][a];
  fail_msg ("no attribute %s", name);
  return NULL;
}

/* How many have the value; with label NULL, how many have none. */
static uint32_t
members (const FlDataset *dataset, FlSide side, const char *name, const char *label)
{
  const FlAttribute *a = attribute (dataset, side, name);
  uint32_t n = 0;

  for (uint32_t e = 0; e < a->n; e++)
    {
      if (label == NULL)
        n += a->start[e] == a->start[e + 1];
      for (uint32_t k = a->start[e]; label != NULL && k < a->start[e + 1]; k++)
        n += strcmp (a->label[a->group[k]], label) == 0;
    }
  return n;
}

static size_t
ratings_of (const FlDataset *dataset, double value)
{
  size_t n = 0;

  for (size_t k = 0; k < dataset->n; k++)
    n += fl_csr_value (&dataset->ratings, k) == value;
  return n;
}

/* ---- built in ------------------------------------------------------------ */

/* Counts of PROVENANCE.md. */
static void
test_restaurant (void **state)
{
  GError *error = NULL;
  g_autoptr (FlDataset) d = load ("restaurant", 0, &error, NULL);

  (void) state;
  expect_none (d, error);
  assert_int_equal (d->n, 1161);
  assert_int_equal (d->n_users, 138);
  assert_int_equal (d->n_items, 130);
  assert_int_equal (ratings_of (d, 0), 254);
  assert_int_equal (ratings_of (d, 1), 421);
  assert_int_equal (ratings_of (d, 2), 486);
  assert_true (d->rating_min == 0 && d->rating_max == 2);
  assert_int_equal (members (d, FL_SIDE_USER, "drink_level", "abstemious"), 51);
  assert_int_equal (members (d, FL_SIDE_USER, "drink_level", "casual drinker"), 47);
  assert_int_equal (members (d, FL_SIDE_USER, "drink_level", "social drinker"), 40);
  assert_int_equal (members (d, FL_SIDE_USER, "transport", "public"), 82);
  assert_int_equal (members (d, FL_SIDE_USER, "transport", NULL), 7);
  assert_int_equal (members (d, FL_SIDE_USER, "activity", "working-class"), 1);
  assert_int_equal (members (d, FL_SIDE_ITEM, "price", "low"), 45);
  assert_int_equal (members (d, FL_SIDE_ITEM, "alcohol", "Full_Bar"), 9);
  assert_int_equal (members (d, FL_SIDE_ITEM, "franchise", "t"), 22);
  assert_int_equal (members (d, FL_SIDE_ITEM, "cuisines", "Mexican"), 28);
  assert_int_equal (members (d, FL_SIDE_ITEM, "cuisines", NULL), 35);
  assert_string_equal (d->user_id[137], "137");
}

/* ---- MovieLens ----------------------------------------------------------- */

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
  d = load ("movielens-100k", 0, &error, NULL);
  expect_none (d, error);
  assert_int_equal (d->n, 100000);
  assert_int_equal (d->n_users, 943);
  assert_int_equal (d->n_items, 1682);
  for (int star = 1; star <= 5; star++)
    assert_int_equal (ratings_of (d, star), stars[star - 1]);
  assert_non_null (d->time);
  assert_int_equal (members (d, FL_SIDE_USER, "gender", "M"), 670);
  assert_int_equal (members (d, FL_SIDE_USER, "gender", "F"), 273);
  assert_int_equal (members (d, FL_SIDE_USER, "zip-digit", NULL), 18);
  age = attribute (d, FL_SIDE_USER, "age");
  assert_string_equal (age->label[0], "7");
  assert_string_equal (age->label[age->n_groups - 1], "73");
  assert_int_equal (attribute (d, FL_SIDE_ITEM, "genre")->n_groups, 19);
  assert_int_equal (members (d, FL_SIDE_ITEM, "genre", "Drama"), 725);
  assert_int_equal (members (d, FL_SIDE_ITEM, "genre", NULL), 0);
  assert_int_equal (members (d, FL_SIDE_ITEM, "year", NULL), 1);
  /* 196 <tab> 242 <tab> 3 <tab> 881250949, the first line. */
  for (size_t k = d->ratings.start[195]; k < d->ratings.start[196]; k++)
    if (d->ratings.col[k] == 241)
      assert_true (d->ratings.f32[k] == 3 && d->time[k] == 881250949);
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
  d = load ("movielens-1m", 0, &error, NULL);
  expect_none (d, error);
  assert_int_equal (d->n, 1000209);
  assert_int_equal (d->n_users, 6040);
  assert_int_equal (d->n_items, 3706);
  for (int star = 1; star <= 5; star++)
    assert_int_equal (ratings_of (d, star), stars[star - 1]);
  for (uint32_t u = 0; u < d->n_users; u++)
    {
      least = MIN (least, d->ratings.start[u + 1] - d->ratings.start[u]);
      most = MAX (most, d->ratings.start[u + 1] - d->ratings.start[u]);
    }
  assert_int_equal (least, 20);
  assert_int_equal (most, 2314);
  assert_int_equal (members (d, FL_SIDE_USER, "gender", "M"), 4331);
  assert_int_equal (members (d, FL_SIDE_USER, "gender", "F"), 1709);
  assert_int_equal (members (d, FL_SIDE_ITEM, "genre", NULL), 0);
  assert_int_equal (members (d, FL_SIDE_ITEM, "year", NULL), 0);
}

/* ---- files of one's own -------------------------------------------------- */

static char *
write_file (const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  assert_true (g_file_set_contents (path, text, -1, NULL));
  return g_steal_pointer (&path);
}

/* "key=" and the path of a file with that text. */
static char *
setting (const char *key, const char *text)
{
  g_autofree char *path = write_file (key, text);

  return g_strdup_printf ("%s=%s", key, path);
}

static void
test_movielens_mistakes (void **state)
{
  GError *error = NULL;
  g_autofree char *path = g_strdup_printf ("path=%s", folder);
  g_autofree char *users = NULL, *ratings = NULL;

  (void) state;
  expect_error (load ("movielens-100k", 0, &error, path, NULL), &error,
                "grouplens.org/datasets/movielens");
  users = write_file ("users.dat", "1::F::1::10::48067\n");
  g_free (write_file ("movies.dat", "1::Toy Story (1995)::Comedy\n"));
  ratings = write_file ("ratings.dat", "1::1::5\n1::2::6\n");
  expect_error (load ("movielens-1m", 0, &error, path, NULL), &error,
                "ratings.dat:2: the rating must be a whole number from 1 to 5: \"1::2::6\"");
  g_free (write_file ("ratings.dat", "1::1::5\n1::2\n"));
  expect_error (load ("movielens-1m", 0, &error, path, NULL), &error,
                "ratings.dat:2: expected 3 to 4 fields separated by '::', found 2: \"1::2\"");
}

static void
test_tsv (void **state)
{
  GError *error = NULL;
  g_autofree char *ratings = setting ("path", "when;who;what;stars\r\n"
                                      "10;anna;Alien;4.5\r\n20;bob;Brazil;1\r\n");
  g_autofree char *test = setting ("test", "when;who;what;stars\n30;anna;Brazil;0.1");
  g_autofree char *users = setting ("users", "name;age;likes\nbob;?;art|war\nanna;31;\n"
                                    "carl;7;x\n");
  g_autoptr (FlDataset) d = load ("tsv", 0, &error, ratings, test, users, "separator=semicolon",
                                  "user=who", "item=what", "rating=stars", "time=when",
                                  "scale=0; 5", NULL);

  (void) state;
  expect_none (d, error);
  assert_int_equal (d->n, 3);
  assert_string_equal (d->user_id[0], "anna");
  assert_string_equal (d->item_id[1], "Brazil");
  assert_true (d->ratings.f64[0] == 4.5 && d->ratings.f64[1] == 0.1);
  assert_true (d->time[1] == 30);
  assert_int_equal (d->part[0], FL_PART_TRAIN);
  assert_int_equal (d->part[1], FL_PART_TEST);
  assert_true (d->rating_min == 0 && d->rating_max == 5);
  assert_int_equal (members (d, FL_SIDE_USER, "age", "31"), 1);
  assert_int_equal (members (d, FL_SIDE_USER, "age", NULL), 1);
  assert_int_equal (members (d, FL_SIDE_USER, "likes", "war"), 1);
}

static void
test_tsv_numbers (void **state)
{
  GError *error = NULL;
  g_autofree char *ratings = setting ("path", "# comment\n5 x y 7\n5 x z 8\n");
  g_autoptr (FlDataset) d = load ("tsv", 0, &error, ratings, "separator=space", "header=true",
                                  "user=4", "item=3", "rating=", NULL);

  (void) state;
  expect_none (d, error);
  assert_int_equal (d->n_users, 2);
  assert_string_equal (d->user_id[0], "7");
  assert_true (d->ratings.f32[0] == 1);
  assert_null (d->time);
}

static void
test_tsv_mistakes (void **state)
{
  static const char *const cases[][3] = {
    { "user=who", "name\titem\tstars\n1\t2\t3\n", "no column 'who' among name, item, stars" },
    { "user=2", "1\t2\t3\n", "user and item are both column 2" },
    { "user=3", "1\t2\t3\n1\t2\n", "path:2: expected 3 fields or more, found 2" },
    { "user=1", "1\t2\t3\n1\t3\tnan\n",
      ":2: the rating (field 3) must be a number: \"1\\t3\\tnan\"" },
    { "user=1", "u\ti\tr\n", "must be a number; names of columns need header = true: " },
    { "time=3", "1\t2\t3.5\n", "the time (field 3) must be a whole number" },
    { "user=0", "1\t2\t3\n", "column 0: must be from 1" },
    { "scale=1; 2", "1\t2\t3\n", ":1: the rating 3 is outside the scale from 1 to 2: \"1\\t2\\t3\"" },
    { "separator=", "1\t2\t3\n", "separator must not be empty" },
    { "user=1", "1\t2\t3\n1\t2\t4\n", "user '1' rates item '2' twice" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      GError *error = NULL;
      g_autofree char *path = setting ("path", cases[c][1]);

      expect_error (load ("tsv", 0, &error, path, cases[c][0], NULL), &error, cases[c][2]);
    }
}

/* ---- block model --------------------------------------------------------- */

static void
test_block_model (void **state)
{
  GError *error = NULL;
  g_autoptr (FlDataset) a = load ("block-model", 1, &error, NULL);
  g_autoptr (FlDataset) b = load ("block-model", 1, NULL, NULL);
  g_autoptr (FlDataset) c = load ("block-model", 2, NULL, NULL);
  g_autoptr (FlDataset) small = load ("block-model", 1, NULL, "n-users=10", "n-items=5",
                                      "population=imbalanced", NULL);

  (void) state;
  expect_none (a, error);
  assert_int_equal (a->n, 400 * 300);
  assert_string_equal (a->digest, b->digest);
  assert_string_not_equal (a->digest, c->digest);
  for (size_t k = 0; k < a->n; k++)
    {
      double value = fl_csr_value (&a->ratings, k);

      if (a->part[k] == FL_PART_TRAIN)
        assert_true (value == 1 || value == -1);
      else
        assert_true (value == 2 * 0.8 - 1 || value == 2 * 0.2 - 1);
    }
  assert_int_equal (members (small, FL_SIDE_USER, "type", "W"), 4);
  assert_int_equal (members (small, FL_SIDE_USER, "type", "WS"), 1);
  assert_int_equal (members (small, FL_SIDE_USER, "gender", "man"), 5);
  assert_int_equal (members (small, FL_SIDE_ITEM, "field", "Fem"), 2);
  assert_int_equal (members (small, FL_SIDE_ITEM, "field", "Masc"), 1);
}

/* ---- setting up ---------------------------------------------------------- */

static int
set_up (void **state)
{
  GError *error = NULL;

  (void) state;
  folder = g_dir_make_tmp ("fairlead-sources-XXXXXX", &error);
  registry = fl_registry_new (NULL, &error);
  return registry != NULL && folder != NULL ? 0 : -1;
}

static int
tear_down (void **state)
{
  GDir *files = g_dir_open (folder, 0, NULL);
  const char *name;

  (void) state;
  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_dir_close (files);
  g_rmdir (folder);
  g_free (folder);
  fl_registry_free (registry);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_restaurant),         cmocka_unit_test (test_movielens_100k),
    cmocka_unit_test (test_movielens_1m),       cmocka_unit_test (test_movielens_mistakes),
    cmocka_unit_test (test_tsv),                cmocka_unit_test (test_tsv_numbers),
    cmocka_unit_test (test_tsv_mistakes),       cmocka_unit_test (test_block_model),
  };

  return cmocka_run_group_tests_name ("sources", tests, set_up, tear_down);
}
