/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Filters: which users, items and ratings stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/data-folder.h"
#include "tests/unit/registry-case.h"
#include "tests/unit/split-case.h"

static const FlSplitKeys all = { .method = FL_SPLIT_RANDOM };

/* ---- small data ---------------------------------------------------------- */

/*        0 1 2 3   count   age  odd
 *   0    1 2 3 4     4     20   even
 *   1    2 . 4 .     2     30   odd
 *   2    3 4 . .     2     30   even
 *   3    . . . 5     1     -    odd
 *   4    5 1 2 .     3     45   even
 *   5    . . . 3     1     52   odd
 * genre  A - B B                      */
/*        B                            */
static const Entry small[] = {
  { 0, 0, 1, FL_NO_TIME, -1 }, { 0, 1, 2, FL_NO_TIME, -1 }, { 0, 2, 3, FL_NO_TIME, -1 },
  { 0, 3, 4, FL_NO_TIME, -1 }, { 1, 0, 2, FL_NO_TIME, -1 }, { 1, 2, 4, FL_NO_TIME, -1 },
  { 2, 0, 3, FL_NO_TIME, -1 }, { 2, 1, 4, FL_NO_TIME, -1 }, { 3, 3, 5, FL_NO_TIME, -1 },
  { 4, 0, 5, FL_NO_TIME, -1 }, { 4, 1, 1, FL_NO_TIME, -1 }, { 4, 2, 2, FL_NO_TIME, -1 },
  { 5, 3, 3, FL_NO_TIME, -1 },
};

static void
describe_small (FlBuilder *builder)
{
  static const char *const number[] = { "0", "1", "2", "3", "4", "5" };
  static const char *const age[] = { "20", "30", "30", "", "45", "52" };
  static const char *const genre[] = { "A|B", "?", "B", "B" };

  for (int u = 0; u < 6; u++)
    {
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (number[u]), "parity",
                            fl_span (u % 2 ? "odd" : "even"));
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (number[u]), "age", fl_span (age[u]));
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (number[u]), "home town",
                            fl_span (u == 0 ? "A; B | C" : "New York"));
    }
  for (int i = 0; i < 4; i++)
    fl_builder_values (builder, FL_SIDE_ITEM, fl_span (number[i]), "genre", fl_span (genre[i]),
                       "|");
}

static FlDataset *
load_small (void)
{
  return dataset_of ((Entries) { G_N_ELEMENTS (small), small, describe_small });
}

static void
expect_kept (const FlDataset *dataset, const char *filter, const char *users, const char *items,
             size_t n_ratings)
{
  g_autoptr (FlSplit) split = split_of (dataset, filter, all, 1);
  g_autoptr (GString) user = g_string_new (NULL), item = g_string_new (NULL);

  for (uint32_t u = 0; u < split->train->n_users; u++)
    g_string_append_printf (user, "%u", split->user[u]);
  for (uint32_t i = 0; i < split->train->n_items; i++)
    g_string_append_printf (item, "%u", split->item[i]);
  print_message ("  %s: users %s, items %s, %zu ratings\n", filter, user->str, item->str,
                 split->train->n);
  assert_string_equal (user->str, users);
  assert_string_equal (item->str, items);
  assert_int_equal (split->train->n, n_ratings);
}

/* ---- users and items ----------------------------------------------------- */

static void
test_top (void **state)
{
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  expect_kept (d, "", "012345", "0123", 13);
  expect_kept (d, "users top 2", "04", "0123", 7);
  expect_kept (d, "users top 3", "014", "0123", 9);     /* 1 and 2 tie        */
  expect_kept (d, "items top 1", "012345", "0", 4);     /* all users stay     */
  expect_kept (d, "items top 1; users top 4", "0124", "0", 4);
  expect_kept (d, "items top 2;users  top 3 of all;", "014", "01", 5); /* items 1, 2, 3 tie */
  expect_kept (d, "items top 2;users top 3", "024", "01", 6);
  expect_kept (d, "users top 6; items top 4", "012345", "0123", 13);
}

static void
test_random (void **state)
{
  g_autoptr (FlDataset) d = load_small ();
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
test_at_least (void **state)
{
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  expect_kept (d, "users at-least 1", "012345", "0123", 13);
  expect_kept (d, "users at-least 2", "0124", "0123", 11);
  expect_kept (d, "users at-least 3", "04", "0123", 7);
  expect_kept (d, "items at-least 4", "0124", "0", 4); /* 3 and 5 have none left */
  /* Once: item 3 has one rating left and stays. */
  expect_kept (d, "items at-least 3; users at-least 2", "0124", "0123", 11);
}

static void
test_core (void **state)
{
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  /* 3 and 5 go, then item 3 has one user only and goes. */
  expect_kept (d, "core 2", "0124", "012", 10);
  /* 3, 5, 1, 2 go; then items have two ratings at most. */
  expect_kept (d, "core users 3 items 2", "04", "012", 6);
  expect_kept (d, "core items 2 users 3", "04", "012", 6);
  expect_kept (d, "users core 3", "04", "0123", 7);
  expect_kept (d, "items core 4", "0124", "0", 4);
  expect_kept (d, "core 1", "012345", "0123", 13);
  /* Those whom top chose without ratings go as well. */
  expect_kept (d, "items top 1; core 1", "0124", "0", 4);
}

static void
test_where (void **state)
{
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  expect_kept (d, "users where parity in even", "024", "0123", 9);
  expect_kept (d, "users where parity in even | odd", "012345", "0123", 13);
  expect_kept (d, "users where parity not in even", "135", "023", 4); /* nobody rates 1 */
  expect_kept (d, "items where genre in A", "0124", "0", 4);
  expect_kept (d, "items where genre in B|A", "012345", "023", 10);
  expect_kept (d, "items where genre exactly-one-of A | B", "01345", "23", 6);
  expect_kept (d, "items where genre exactly-one-of A", "0124", "0", 4);
  expect_kept (d, "items where genre not in A", "012345", "123", 9); /* 1 has no genre */
  expect_kept (d, "users where age from 30 to 45", "124", "012", 7);
  expect_kept (d, "users where age from 30 to 30", "12", "012", 4);
  expect_kept (d, "users where \"home town\" in New York", "12345", "0123", 9);
  expect_kept (d, "users where \"home town\" in \"A; B | C\" ; items top 1", "0", "0", 1);
}

/* ---- ratings ------------------------------------------------------------- */

static void
test_ratings_at_least (void **state)
{
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  expect_kept (d, "ratings at-least 3", "012345", "0123", 8);
  expect_kept (d, "ratings at-least 4.5", "34", "03", 2);
  /* Users 0 and 2 have two left. */
  expect_kept (d, "ratings at-least 3; users core 2", "02", "0123", 4);
}

static void
test_ratings_as_one (void **state)
{
  g_autoptr (FlDataset) d = load_small ();
  g_autoptr (FlSplit) split = split_of (d, "ratings at-least 3; ratings as 1", all, 1);
  GError *error = NULL;

  (void) state;
  assert_int_equal (split->train->n, 8);
  for (size_t k = 0; k < split->train->n; k++)
    assert_true (fl_csr_value (&split->train->by_user, k) == 1
                 && fl_csr_value (&split->train->by_item, k) == 1);
  assert_true (split->train->rating_min == 1 && split->train->rating_max == 1);
  /* The ratings are 1 from there on. */
  expect_error (try_split (d, "ratings as 1; ratings at-least 3", all, (FlRepeat) { 1, 0 }, &error),
                &error, "filter = ratings at-least 3: leaves no rating");
}

static void
test_ratings_random (void **state)
{
  enum { seeds = 2600 };
  g_autoptr (FlDataset) d = load_small ();
  unsigned seen[6][4] = { { 0 } };

  (void) state;
  for (uint64_t seed = 0; seed < seeds; seed++)
    {
      g_autoptr (FlSplit) split = split_of (d, "ratings random 3", all, seed);
      g_autoptr (FlSplit) share = split_of (d, "items top 1; ratings share 0.6", all, seed);
      const FlCsr *train = &split->train->by_user;

      assert_int_equal (split->train->n, 3);
      assert_int_equal (share->train->n, 2); /* 0.6 x 4 = 2.4 */
      assert_int_equal (share->train->n_users, 2);
      for (uint32_t u = 0; u < split->train->n_users; u++)
        {
          assert_true (train->start[u] < train->start[u + 1]);
          for (size_t k = train->start[u]; k < train->start[u + 1]; k++)
            seen[split->user[u]][split->item[train->col[k]]]++;
        }
    }
  for (size_t k = 0; k < G_N_ELEMENTS (small); k++) /* 3/13 x 2600 = 600, deviation 21.5 */
    assert_in_range (seen[small[k].user][small[k].item], 500, 700);
}

/* ---- all ----------------------------------------------------------------- */

static void
test_mistakes (void **state)
{
  static const char *const cases[][2] = {
    { "users top 7", "[data] filter = users top 7: there are only 6 users" },
    { "users top 3; users random 4", "filter = users random 4: there are only 3 users" },
    { "items best 3", "'best' cannot stand there; known: top, random, at-least, core, where" },
    { "users tpo 3", "filter = users tpo 3: 'tpo' cannot stand there; did you mean 'top'?" },
    { "films top 3", "'films' cannot stand there; known: users, items, ratings, core" },
    { "users", "filter = users: ends too early; known: top, random" },
    { "users top", "N must be a whole number from 1" },
    { "users top 3 of", "ends too early; known: all" },
    { "users top 3 off all", "'off' cannot stand there; did you mean 'of'?" },
    { "users random 3 of all", "expected 'random N'" },
    { "users top 0", "N must be a whole number from 1" },
    { "users top many", "N must be a whole number from 1 to 4294967295, not 'many'" },
    { "users top 3 of all of them", "expected 'top N of all'" },
    { "core", "N must be a whole number" },
    { "core 2 3", "expected 'core N'" },
    { "core users 2", "ends too early; known: items" },
    { "core users 2 users 3", "'users' cannot stand there; known: items" },
    { "core 5", "filter = core 5: leaves no rating" },
    { "users core -1", "N must be" },
    { "users where", "ends too early; known: in, not, exactly-one-of, from" },
    { "users where parity is even", "'is' cannot stand there; did you mean 'in'?" },
    { "users where parity in", "expected values between bars" },
    { "users where parity in even |", "expected values between bars" },
    { "users where parity not even", "'even' cannot stand there; known: in" },
    { "users where partiy in even", "the users have no 'partiy'; did you mean 'parity'?" },
    { "users where parity in evne", "no parity 'evne'; did you mean 'even'?" },
    { "users where parity in \"e\"\"v\"", "no parity 'e\"v'" },
    { "users where parity in \"even\" odd", "expected '\"VALUE\" | \"VALUE\"'" },
    { "users where age from 18", "ends too early; known: to" },
    { "users where age from young to old", "expected a number, not 'young'" },
    { "users where age from 34 to 18", "no number is from 34 to 18" },
    { "users where parity from 1 to 2", "needs numbers: parity 'even' is none" },
    { "users where age from 1 to 2", "leaves no rating" },
    { "ratings top 3", "'top' cannot stand there; known: at-least, as, random, share" },
    { "ratings as 2", "'2' cannot stand there; known: 1" },
    { "ratings at-least good", "expected a number, not 'good'" },
    { "ratings share 1.5", "a share is above 0 and at most 1" },
    { "ratings share 0.01", "leaves no rating" },
    { "ratings random 14", "there are only 13 ratings" },
    { "ratings random 3 x", "expected 'ratings random N'" },
  };
  g_autoptr (FlDataset) d = load_small ();
  GError *error = NULL;

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    expect_error (try_split (d, cases[c][0], all, (FlRepeat) { 1, 0 }, &error), &error,
                  cases[c][1]);
}

static char *
funnel_text (const FlFunnel *funnel)
{
  GString *text = g_string_new (NULL);

  for (size_t r = 0; r < funnel->n; r++)
    {
      const FlFunnelRow *row = &funnel->row[r];

      g_string_append_printf (text, "%s: %u/%u users, %u/%u items, %zu ratings\n", row->text,
                              row->rated[0], row->kept[0], row->rated[1], row->kept[1],
                              row->n_ratings);
    }
  return g_string_free (text, FALSE);
}

static void
test_funnel (void **state)
{
  g_autoptr (FlDataset) d = load_small ();
  const char *filter = "items top 2; ratings as 1; users at-least 2;";
  g_autoptr (FlFunnel) funnel = fl_funnel_new (d, filter, 1, NULL);
  g_autoptr (FlSplit) split = split_of (d, filter, all, 1);
  g_autofree char *text = funnel_text (funnel), *again = funnel_text (split->funnel);

  (void) state;
  print_message ("%s", text);
  assert_string_equal (text, "all: 6/6 users, 4/4 items, 13 ratings\n"
                             "items top 2: 4/6 users, 2/2 items, 7 ratings\n"
                             "ratings as 1: 4/6 users, 2/2 items, 7 ratings\n"
                             "users at-least 2: 3/3 users, 2/2 items, 6 ratings\n");
  assert_string_equal (again, text);
}

/* A filter counts all parts of data that come split. */
static void
test_given (void **state)
{
  static const Entry entry[] = {
    { 0, 0, 1, FL_NO_TIME, FL_PART_TRAIN }, { 0, 1, 1, FL_NO_TIME, FL_PART_TEST },
    { 1, 0, 1, FL_NO_TIME, FL_PART_TRAIN }, { 1, 1, 1, FL_NO_TIME, FL_PART_VALIDATION },
    { 2, 1, 1, FL_NO_TIME, FL_PART_TRAIN },
  };
  const FlSplitKeys given = { .method = FL_SPLIT_GIVEN };
  g_autoptr (FlDataset) d = dataset_of ((Entries) { G_N_ELEMENTS (entry), entry, NULL });
  g_autoptr (FlSplit) split = split_of (d, "core 2", given, 1);

  (void) state;
  assert_int_equal (split->train->n_users, 2);
  assert_int_equal (split->train->n, 2);
  assert_int_equal (split->validation->n, 1);
  assert_int_equal (split->test->n, 1);
}

/* ---- the fixed point, against dropping whoever is too few, all over again -- */

typedef struct
{
  uint32_t n[2];
  gboolean out[2][64];
} Kept;

static void
slow_core (const FlDataset *d, const uint32_t *least, double rating_least, Kept *kept)
{
  gboolean changed = TRUE;

  *kept = (Kept) { .n = { d->n_users, d->n_items } };
  while (changed)
    {
      uint32_t count[2][64] = { { 0 } };

      for (uint32_t u = 0; u < d->n_users; u++)
        for (size_t k = d->ratings.start[u]; k < d->ratings.start[u + 1]; k++)
          if (!kept->out[0][u] && !kept->out[1][d->ratings.col[k]]
              && fl_csr_value (&d->ratings, k) >= rating_least)
            {
              count[0][u]++;
              count[1][d->ratings.col[k]]++;
            }
      changed = FALSE;
      for (int side = 0; side < 2; side++)
        for (uint32_t e = 0; e < kept->n[side]; e++)
          if (!kept->out[side][e] && count[side][e] < MAX (least[side], 1))
            kept->out[side][e] = changed = TRUE;
    }
}

static void
expect_core (const FlDataset *d, const char *filter, const Kept *kept)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlSplit) split = try_split (d, filter, all, (FlRepeat) { 1, 0 }, &error);
  uint32_t n[2] = { 0, 0 };

  for (int side = 0; side < 2; side++)
    for (uint32_t e = 0; e < kept->n[side]; e++)
      if (!kept->out[side][e])
        {
          if (split == NULL)
            fail_msg ("%s", error->message);
          assert_int_equal ((side == 0 ? split->user : split->item)[n[side]++], e);
        }
  if (split == NULL)
    return;
  assert_int_equal (n[0], split->train->n_users);
  assert_int_equal (n[1], split->train->n_items);
}

static void
test_core_random (void **state)
{
  unsigned empty = 0, partial = 0;

  (void) state;
  for (uint64_t seed = 0; seed < 3000; seed++)
    {
      FlRng rng = fl_rng (seed, "core", 0);
      g_autoptr (FlDataset) d = random_dataset (seed, 1 + fl_rng_below (&rng, 40),
                                                1 + fl_rng_below (&rng, 30),
                                                0.02 + 0.4 * fl_rng_uniform (&rng));
      const uint32_t least[2] = { 1 + fl_rng_below (&rng, 6), 1 + fl_rng_below (&rng, 6) };
      double rating_least = seed % 2 ? 1 : 3;
      g_autofree char *filter
          = g_strdup_printf ("ratings at-least %g; core users %u items %u", rating_least, least[0],
                             least[1]);
      Kept kept;

      slow_core (d, least, rating_least, &kept);
      empty += memchr (kept.out[0], 0, d->n_users * sizeof kept.out[0][0]) == NULL;
      partial += kept.out[0][0];
      expect_core (d, seed % 4 == 1 ? strchr (filter, 'c') : filter, &kept);
    }
  print_message ("  3000 fixed points; %u without the first user\n", partial);
}

/* ---- the papers' recipes on real data ------------------------------------ */

static void
expect_counts (const FlDataset *d, const char *filter, uint32_t users, uint32_t items, size_t n)
{
  g_autoptr (FlFunnel) funnel = fl_funnel_new (d, filter, 1, NULL);
  g_autofree char *text = NULL;

  assert_non_null (funnel);
  text = funnel_text (funnel);
  print_message ("%s", text);
  assert_int_equal (funnel->row[funnel->n - 1].kept[FL_SIDE_USER], users);
  assert_int_equal (funnel->row[funnel->n - 1].kept[FL_SIDE_ITEM], items);
  assert_int_equal (funnel->row[funnel->n - 1].n_ratings, n);
}

#define YAO "items where genre in Action | Crime | Musical | Romance | Sci-Fi"

static void
test_movielens (void **state)
{
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("ml-1m"))
    skip ();
  d = load_source ("movielens-1m");
  assert_non_null (d);
  /* Yao's dissertation, 3.5.2; by gender. */
  expect_counts (d, YAO "; core 51", 2953, 1006, 436286);
  expect_counts (d, YAO "; core 51; users where gender in F", 721, 1006, 96462);
  expect_counts (d, YAO "; core 51; users where gender in M", 2232, 1006, 339824);
  /* ITFR. */
  expect_counts (d, "items where genre exactly-one-of Sci-Fi | Adventure | Children's | Crime | "
                    "Horror | Romance; core 5; ratings as 1", 5977, 1200, 396207);
  /* Antidote data. */
  expect_counts (d, "items top 1000; users top 1000 of all", 1000, 1000, 358792);
  /* FDA. */
  expect_counts (d, "ratings at-least 4", 6038, 3533, 575281);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_top),              cmocka_unit_test (test_random),
    cmocka_unit_test (test_at_least),         cmocka_unit_test (test_core),
    cmocka_unit_test (test_where),            cmocka_unit_test (test_ratings_at_least),
    cmocka_unit_test (test_ratings_as_one),   cmocka_unit_test (test_ratings_random),
    cmocka_unit_test (test_mistakes),         cmocka_unit_test (test_funnel),
    cmocka_unit_test (test_given),            cmocka_unit_test (test_core_random),
    cmocka_unit_test (test_movielens),
  };

  return cmocka_run_group_tests_name ("filters", tests, registry_set_up, registry_tear_down);
}
