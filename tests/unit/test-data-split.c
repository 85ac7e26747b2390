/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Filters, splits and groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/data/data-private.h"
#include "tests/unit/data-folder.h"

static FlRegistry *registry;

/* ---- data ---------------------------------------------------------------- */

static FlDataset *
load_source (const char *name)
{
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_SOURCE, name, NULL);
  g_autoptr (FlInstance) source = NULL;

  assert_non_null (entry);
  source = fl_instance_new (entry, "data", NULL, NULL, NULL, NULL, NULL);
  return source != NULL ? fl_dataset_load (source, NULL, 1, NULL) : NULL;
}

/* Users 0..5 by items 0..3, x where there is a rating; user and item numbers
 * are their attributes, "odd" or "even" and, for items below 3, "low" too.
 *
 *        0 1 2 3   count
 *   0    x x x x     4
 *   1    x . x .     2
 *   2    x x . .     2
 *   3    . . . x     1
 *   4    x x x .     3
 *   5    . . . x     1     */
static const char *const cells[] = { "xxxx", "x.x.", "xx..", "...x", "xxx.", "...x" };

static gboolean
small_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  static const char *const number[] = { "0", "1", "2", "3", "4", "5" };
  static const char *const age[] = { "20", "30", "30", "", "45", "52" };

  (void) self;
  (void) seed;
  for (int u = 0; u < 6; u++)
    {
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (number[u]), "parity",
                            fl_span (u % 2 ? "odd" : "even"));
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (number[u]), "age", fl_span (age[u]));
      for (int i = 0; i < 4; i++)
        if (cells[u][i] == 'x'
            && !fl_builder_rating (builder, fl_span (number[u]), fl_span (number[i]), u + i,
                                   FL_NO_TIME, error))
          return FALSE;
    }
  for (int i = 0; i < 4; i++)
    fl_builder_values (builder, FL_SIDE_ITEM, fl_span (number[i]), "genre",
                       fl_span (i == 0 ? "even|low" : i == 1 ? "?" : "even"), '|');
  return TRUE;
}

static FlDataset *
load_small (void)
{
  static const FlSourceOps ops = { .ops_size = sizeof ops, .load = small_load };
  static const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                                   .name = "small", .ops = &ops };
  const FlInstance source = { .plugin = &plugin, .ops = &ops };

  return fl_dataset_load (&source, NULL, 0, NULL);
}

/* A split under keys of [data] as a pipeline has them, "key = value" between
 * bars. */
static FlSplit *
try_split (const FlDataset *dataset, const char *text, FlSplitKeys keys, uint64_t seed,
           GError **error)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_auto (GStrv) part = g_strsplit (text, "|", -1);
  FlDataKeys data = { .filter = NULL };
  FlSplit *split;

  for (size_t i = 0; part[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (part[i], " = ", 2);

      g_ptr_array_add (settings, fl_setting_new (words[0], words[1], "test"));
    }
  assert_true (fl_params_store (fl_data_params, &data, "data", settings, NULL, NULL, NULL, NULL));
  split = fl_split_new (dataset, &data, &keys, (FlRepeat) { seed, 0 }, error);
  fl_params_clear (fl_data_params, &data);
  return split;
}

static FlSplit *
split_of (const FlDataset *dataset, const char *filter, FlSplitKeys keys, uint64_t seed)
{
  g_autofree char *text = g_strdup_printf ("filter = %s", filter);
  GError *error = NULL;
  FlSplit *split = try_split (dataset, text, keys, seed, &error);

  if (error != NULL)
    fail_msg ("%s", error->message);
  return split;
}

static void
expect_error (FlSplit *split, GError **error, const char *part)
{
  assert_null (split);
  assert_non_null (*error);
  print_message ("  %s\n", (*error)->message);
  if (strstr ((*error)->message, part) == NULL)
    fail_msg ("'%s' is not in that message", part);
  g_clear_error (error);
}

/* ---- filters ------------------------------------------------------------- */

static void
expect_kept (const FlDataset *dataset, const char *filter, const char *users, const char *items)
{
  const FlSplitKeys all = { .method = 0 };
  g_autoptr (FlSplit) split = split_of (dataset, filter, all, 1);
  g_autoptr (GString) user = g_string_new (NULL), item = g_string_new (NULL);

  for (uint32_t u = 0; u < split->train->n_users; u++)
    g_string_append_printf (user, "%u", split->user[u]);
  for (uint32_t i = 0; i < split->train->n_items; i++)
    g_string_append_printf (item, "%u", split->item[i]);
  print_message ("  %s: users %s, items %s\n", filter, user->str, item->str);
  assert_string_equal (user->str, users);
  assert_string_equal (item->str, items);
}

static void
test_filter_top (void **state)
{
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  expect_kept (d, "", "012345", "0123");
  expect_kept (d, "users top 2", "04", "0123");
  expect_kept (d, "users top 3", "014", "0123");      /* 1 and 2 tie        */
  expect_kept (d, "items top 1", "012345", "0");      /* all users stay     */
  expect_kept (d, "items top 1; users top 4", "0124", "0");
  expect_kept (d, "items top 2;users  top 3 of all;", "014", "01"); /* items 1, 2, 3 tie */
  expect_kept (d, "items top 2;users top 3", "024", "01");
  expect_kept (d, "users top 6; items top 4", "012345", "0123");
}

static void
test_filter_random (void **state)
{
  g_autoptr (FlDataset) d = load_small ();
  const FlSplitKeys all = { .method = 0 };
  unsigned seen[6] = { 0 };

  (void) state;
  for (uint64_t seed = 0; seed < 600; seed++)
    {
      g_autoptr (FlSplit) split = split_of (d, "users random 2", all, seed);

      assert_int_equal (split->train->n_users, 2);
      assert_true (split->user[0] < split->user[1]);
      seen[split->user[0]]++;
      seen[split->user[1]]++;
    }
  for (int u = 0; u < 6; u++)
    assert_in_range (seen[u], 150, 250); /* 200 expected, deviation 11.5 */
}

static void
test_filter_mistakes (void **state)
{
  static const char *const cases[][2] = {
    { "users top 7", "filter = users top 7: there are only 6 users" },
    { "users top 3; users random 4", "filter = users random 4: there are only 3 users" },
    { "items best 3", "'best' cannot stand there; known: top, random, at-least, core" },
    { "films top 3", "'films' cannot stand there; known: users, items" },
    { "users top", "N must be a whole number from 1" },
    { "users top 3 of", "ends too early; known: all" },
    { "users random 3 of all", "expected 'random N'" },
    { "users top 0", "N must be a whole number from 1" },
    { "users top many", "N must be a whole number from 1" },
    { "users top 3 of all of them", "expected 'top N of all'" },
  };
  g_autoptr (FlDataset) d = load_small ();
  const FlSplitKeys all = { .method = 0 };
  GError *error = NULL;

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autofree char *text = g_strdup_printf ("filter = %s", cases[c][0]);

      expect_error (try_split (d, text, all, 1, &error), &error, cases[c][1]);
    }
}

/* ---- splits -------------------------------------------------------------- */

/* Each kept rating of the dataset is in one part, with its value. */
static void
expect_partition (const FlDataset *d, const FlSplit *split)
{
  const FlRatings *part[] = { split->train, split->validation, split->test };
  size_t n = 0;

  for (size_t p = 0; p < G_N_ELEMENTS (part); p++)
    for (uint32_t u = 0; part[p] != NULL && u < part[p]->n_users; u++)
      for (size_t k = part[p]->by_user.start[u]; k < part[p]->by_user.start[u + 1]; k++)
        {
          uint32_t user = split->user[u], item = split->item[part[p]->by_user.col[k]];
          size_t at = d->ratings.start[user];

          while (at < d->ratings.start[user + 1] && d->ratings.col[at] != item)
            at++;
          assert_true (at < d->ratings.start[user + 1]);
          assert_true (fl_csr_value (&d->ratings, at)
                       == fl_csr_value (&part[p]->by_user, k));
          n++;
        }
  assert_int_equal (n, d->n);
}

static gboolean
same_ratings (const FlRatings *a, const FlRatings *b)
{
  return a->n == b->n
         && memcmp (a->by_user.start, b->by_user.start, (a->n_users + 1) * sizeof (size_t)) == 0
         && memcmp (a->by_user.col, b->by_user.col, a->n * sizeof (uint32_t)) == 0;
}

static void
test_split_random (void **state)
{
  g_autoptr (FlDataset) d = load_source ("restaurant");
  const FlSplitKeys keys = { .method = 0, .test = 0.2, .validation = 0.1 };
  g_autoptr (FlSplit) one = split_of (d, "", keys, 1);
  g_autoptr (FlSplit) again = split_of (d, "", keys, 1);
  g_autoptr (FlSplit) other = split_of (d, "", keys, 2);

  (void) state;
  assert_int_equal (one->test->n, 232);       /* 0.2 x 1161 = 232.2 */
  assert_int_equal (one->validation->n, 116); /* 116.1              */
  expect_partition (d, one);
  assert_true (same_ratings (one->test, again->test));
  assert_false (same_ratings (one->test, other->test));
  assert_ptr_equal (one->data.train, one->train);
  assert_int_equal (one->data.n_users, one->train->n_users);
  assert_ptr_equal (one->data.validation, one->validation);
  assert_true (one->train->rating_min == 0 && one->train->rating_max == 2);
}

/* Each rating is held out as often as another. */
static void
test_split_even (void **state)
{
  enum { seeds = 2000 };
  g_autoptr (FlDataset) d = load_small ();
  const FlSplitKeys keys = { .method = 0, .test = 0.3, .validation = 0.15 };
  unsigned test[6][4] = { { 0 } };

  (void) state;
  for (uint64_t seed = 0; seed < seeds; seed++)
    {
      g_autoptr (FlSplit) split = split_of (d, "", keys, seed);

      assert_int_equal (split->test->n, 4);       /* 0.3 x 13 = 3.9   */
      assert_int_equal (split->validation->n, 2); /* 0.15 x 13 = 1.95 */
      for (uint32_t u = 0; u < 6; u++)
        for (size_t k = split->test->by_user.start[u]; k < split->test->by_user.start[u + 1]; k++)
          test[u][split->test->by_user.col[k]]++;
    }
  for (int u = 0; u < 6; u++)
    for (int i = 0; i < 4; i++)
      if (cells[u][i] == 'x') /* 4/13 x 2000 = 615, deviation 20.6 */
        assert_in_range (test[u][i], 523, 708);
}

static void
test_split_per_user (void **state)
{
  g_autoptr (FlDataset) d = load_source ("restaurant");
  const FlSplitKeys keys = { .method = FL_SPLIT_PER_USER, .test = 0.5, .validation = 0.4 };
  g_autoptr (FlSplit) split = split_of (d, "", keys, 3);
  g_autoptr (FlSplit) few = split_of (d, "users top 20", keys, 3);

  (void) state;
  expect_partition (d, split);
  for (uint32_t u = 0; u < d->n_users; u++)
    {
      size_t n = d->ratings.start[u + 1] - d->ratings.start[u];
      size_t n_test = (size_t) floor ((double) n * 0.5 + 0.5);
      size_t n_validation = MIN ((size_t) floor ((double) n * 0.4 + 0.5), n - 1 - n_test);

      assert_int_equal (split->test->by_user.start[u + 1] - split->test->by_user.start[u],
                        n_test);
      assert_int_equal (split->validation->by_user.start[u + 1]
                        - split->validation->by_user.start[u], n_validation);
    }
  /* A user's share does not depend on who else is kept. */
  for (uint32_t u = 0; u < 20; u++)
    {
      const FlCsr *all = &split->test->by_user, *some = &few->test->by_user;
      size_t n = some->start[u + 1] - some->start[u];

      assert_int_equal (n, all->start[few->user[u] + 1] - all->start[few->user[u]]);
      assert_memory_equal (some->col + some->start[u], all->col + all->start[few->user[u]],
                           n * sizeof (uint32_t));
    }
}

static void
test_split_given (void **state)
{
  g_autoptr (FlDataset) d = load_source ("block-model");
  const FlSplitKeys keys = { .method = FL_SPLIT_GIVEN, .test = 0.2 };
  g_autoptr (FlSplit) split = split_of (d, "", keys, 1);

  (void) state;
  expect_partition (d, split);
  assert_null (split->validation);
  assert_non_null (split->train->by_user.f32); /* +1 and -1 */
  assert_non_null (split->test->by_user.f64);  /* .6 and -.6 */
}

static void
test_split_mistakes (void **state)
{
  g_autoptr (FlDataset) d = load_small ();
  g_autoptr (FlDataset) given = load_source ("block-model");
  const FlDataKeys none = { .filter = NULL };
  FlSplitKeys keys = { .method = 0, .test = 0.6, .validation = 0.4 };
  const FlRepeat first = { 1, 0 };
  GError *error = NULL;

  (void) state;
  expect_error (fl_split_new (d, &none, &keys, first, &error), &error,
                "[split] test = 0.6 and validation = 0.4 leave nothing to train on");
  keys.test = 0.59;
  expect_error (fl_split_new (d, &none, &keys, first, &error), &error, "none is left to train on");
  keys.method = FL_SPLIT_GIVEN;
  expect_error (fl_split_new (d, &none, &keys, first, &error), &error, "come without a split");
  keys.method = 0;
  expect_error (fl_split_new (given, &none, &keys, first, &error), &error, "the data come split");
}

static int
set_up (void **state)
{
  (void) state;
  registry = fl_registry_new (NULL, NULL);
  return registry != NULL ? 0 : -1;
}

static int
tear_down (void **state)
{
  (void) state;
  fl_registry_free (registry);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_filter_top),       cmocka_unit_test (test_filter_random),
    cmocka_unit_test (test_filter_mistakes),  cmocka_unit_test (test_split_random),
    cmocka_unit_test (test_split_even),       cmocka_unit_test (test_split_per_user),
    cmocka_unit_test (test_split_given),      cmocka_unit_test (test_split_mistakes),
  };

  return cmocka_run_group_tests_name ("splits", tests, set_up, tear_down);
}
