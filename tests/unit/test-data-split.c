/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Splits: which ratings train, validate and test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tests/unit/data-folder.h"
#include "tests/unit/registry-case.h"
#include "tests/unit/split-case.h"

/* ---- helpers ------------------------------------------------------------- */

/* Writes where the ratings of one part are into `where`; they are the data's, each
 * in no other part. */
static void
place_part (const FlDataset *d, const FlSplit *split, const FlRatings *part, char letter,
            char *where)
{
  for (uint32_t u = 0; part != NULL && u < part->n_users; u++)
    for (size_t k = part->by_user.start[u]; k < part->by_user.start[u + 1]; k++)
      {
        uint32_t user = split->user[u], item = split->item[part->by_user.col[k]];
        size_t at = d->ratings.start[user];

        while (at < d->ratings.start[user + 1] && d->ratings.col[at] != item)
          at++;
        assert_true (at < d->ratings.start[user + 1]);
        assert_true (fl_csr_value (&d->ratings, at) == fl_csr_value (&part->by_user, k));
        assert_int_equal (where[at], '.');
        where[at] = letter;
      }
}

/* A letter for each rating of the data: T(est), v(alidation), t(raining), or '.'. */
static char *
places (const FlDataset *d, const FlSplit *split)
{
  char *where = g_strnfill (d->n, '.');

  place_part (d, split, split->train, 't', where);
  place_part (d, split, split->validation, 'v', where);
  place_part (d, split, split->test, 'T', where);
  return where;
}

static char *
places_of (const FlDataset *d, const char *filter, FlSplitKeys keys, FlRepeat repeat)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlSplit) split = try_split (d, filter, keys, repeat, &error);

  if (split == NULL)
    fail_msg ("%s", error->message);
  return places (d, split);
}

static size_t
count (const char *where, size_t from, size_t to, char letter)
{
  size_t n = 0;

  for (size_t k = from; k < to; k++)
    n += where[k] == letter;
  return n;
}

static void
expect_places (const FlDataset *d, const char *filter, FlSplitKeys keys, const char *expected)
{
  g_autofree char *where = places_of (d, filter, keys, (FlRepeat) { 1, 0 });

  print_message ("  %s\n", where);
  assert_string_equal (where, expected);
}

/* ---- random -------------------------------------------------------------- */

static void
test_random (void **state)
{
  g_autoptr (FlDataset) d = load_source ("restaurant");
  const FlSplitKeys keys = { .method = FL_SPLIT_RANDOM, .test = 0.2, .validation = 0.1 };
  g_autoptr (FlSplit) one = split_of (d, "", keys, 1);
  g_autoptr (FlSplit) again = split_of (d, "", keys, 1);
  g_autoptr (FlSplit) other = split_of (d, "", keys, 2);
  g_autofree char *first = places (d, one), *second = places (d, again), *third = places (d, other);

  (void) state;
  assert_int_equal (one->test->n, 232);       /* 0.2 x 1161 = 232.2 */
  assert_int_equal (one->validation->n, 116); /* 116.1              */
  assert_null (strchr (first, '.'));
  assert_string_equal (first, second);
  assert_string_not_equal (first, third);
  assert_ptr_equal (one->data.train, one->train);
  assert_int_equal (one->data.n_users, one->train->n_users);
  assert_ptr_equal (one->data.validation, one->validation);
  assert_true (one->train->rating_min == 0 && one->train->rating_max == 2);
}

/* Each rating is held out as often as another. */
static void
test_random_even (void **state)
{
  enum { seeds = 2000 };
  g_autoptr (FlDataset) d = random_dataset (7, 6, 4, 0.6);
  const FlSplitKeys keys = { .method = FL_SPLIT_RANDOM, .test = 0.3, .validation = 0.15 };
  g_autofree size_t *test = g_new0 (size_t, d->n), *validation = g_new0 (size_t, d->n);
  double n_test = floor (0.3 * (double) d->n + 0.5);
  double n_validation = floor (0.15 * (double) d->n + 0.5);

  (void) state;
  for (uint64_t seed = 0; seed < seeds; seed++)
    {
      g_autofree char *where = places_of (d, "", keys, (FlRepeat) { seed, 0 });

      assert_int_equal (count (where, 0, d->n, 'T'), n_test);
      assert_int_equal (count (where, 0, d->n, 'v'), n_validation);
      for (size_t k = 0; k < d->n; k++)
        {
          test[k] += where[k] == 'T';
          validation[k] += where[k] == 'v';
        }
    }
  for (size_t k = 0; k < d->n; k++) /* deviations of 21 and 16 at most */
    {
      assert_true (fabs ((double) test[k] - seeds * n_test / (double) d->n) < 95);
      assert_true (fabs ((double) validation[k] - seeds * n_validation / (double) d->n) < 75);
    }
}

static void
test_per_user (void **state)
{
  g_autoptr (FlDataset) d = load_source ("restaurant");
  const FlSplitKeys keys = { .method = FL_SPLIT_PER_USER, .test = 0.5, .validation = 0.4 };
  g_autofree char *where = places_of (d, "", keys, (FlRepeat) { 3, 0 });

  (void) state;
  for (uint32_t u = 0; u < d->n_users; u++)
    {
      size_t from = d->ratings.start[u], to = d->ratings.start[u + 1], n = to - from;
      size_t n_test = (size_t) floor ((double) n * 0.5 + 0.5);
      size_t n_validation = MIN ((size_t) floor ((double) n * 0.4 + 0.5), n - 1 - n_test);

      assert_int_equal (count (where, from, to, 'T'), n_test);
      assert_int_equal (count (where, from, to, 'v'), n_validation);
    }
}

/* A user of one rating trains, one of two is tested too, and so on. */
static void
expect_every_user (const FlDataset *d, const char *where, gboolean validation)
{
  for (uint32_t u = 0; u < d->n_users; u++)
    {
      size_t from = d->ratings.start[u], to = d->ratings.start[u + 1], n = to - from;

      assert_true (count (where, from, to, 't') >= 1);
      assert_true (n < 2 || count (where, from, to, 'T') >= 1);
      assert_true (!validation || n < 3 || count (where, from, to, 'v') >= 1);
    }
}

static void
test_every_user (void **state)
{
  (void) state;
  for (uint64_t seed = 0; seed < 300; seed++)
    {
      g_autoptr (FlDataset) d = random_dataset (seed, 30, 12, 0.05 + 0.5 * (double) seed / 300);
      FlSplitKeys keys = { .method = FL_SPLIT_RANDOM, .test = 0.2, .every_user = TRUE,
                           .validation = seed % 2 ? 0.1 : 0 };
      g_autofree char *random = places_of (d, "", keys, (FlRepeat) { seed, 0 }), *per_user = NULL;

      expect_every_user (d, random, seed % 2);
      keys.method = FL_SPLIT_PER_USER;
      per_user = places_of (d, "", keys, (FlRepeat) { seed, 0 });
      expect_every_user (d, per_user, seed % 2);
      for (uint32_t u = 0; u < d->n_users; u++)
        {
          size_t from = d->ratings.start[u], to = d->ratings.start[u + 1], n = to - from;
          size_t n_test = (size_t) floor ((double) n * 0.2 + 0.5);

          assert_int_equal (count (per_user, from, to, 'T'), n > 1 ? MAX (n_test, 1) : 0);
        }
    }
}

/* What ITFR's authors do: 7 : 1 : 2, each user in every part. */
static void
test_every_user_movielens (void **state)
{
  const FlSplitKeys keys = { .method = FL_SPLIT_RANDOM, .test = 0.2, .validation = 0.1,
                             .every_user = TRUE };
  g_autoptr (FlDataset) d = NULL;
  g_autoptr (FlSplit) split = NULL;

  (void) state;
  if (!have_data ("ml-1m"))
    skip ();
  d = load_source ("movielens-1m");
  assert_non_null (d);
  split = split_of (d, "items where genre exactly-one-of Sci-Fi | Adventure | Children's | Crime |"
                       " Horror | Romance; core 5; ratings as 1", keys, 0);
  print_message ("  %zu + %zu + %zu\n", split->train->n, split->validation->n, split->test->n);
  assert_int_equal (split->test->n, 79241);       /* 0.2 x 396,207 = 79,241.4 */
  assert_int_equal (split->validation->n, 39621); /* 39,620.7                 */
  assert_int_equal (split->train->n, 277345);
  for (uint32_t u = 0; u < 5977; u++)
    assert_true (split->train->by_user.start[u] < split->train->by_user.start[u + 1]
                 && split->validation->by_user.start[u] < split->validation->by_user.start[u + 1]
                 && split->test->by_user.start[u] < split->test->by_user.start[u + 1]);
}

/* ---- folds --------------------------------------------------------------- */

/* The folds of repeats first .. first + folds - 1; where[f] to be freed. */
static void
make_folds (const FlDataset *d, const char *filter, FlSplitKeys keys, uint64_t seed,
            uint32_t first, char **where)
{
  for (uint32_t f = 0; f < keys.folds; f++)
    where[f] = places_of (d, filter, keys, (FlRepeat) { seed + first + f, first + f });
}

/* Every rating that is in at all is tested once, and folds are of one size. */
static void
expect_folds (char **where, int64_t folds, size_t from, size_t to)
{
  size_t n = to - from - count (where[0], from, to, '.');

  for (size_t k = from; k < to; k++)
    {
      int tested = 0;

      for (int64_t f = 0; f < folds; f++)
        {
          tested += where[f][k] == 'T';
          assert_int_equal (where[f][k] == '.', where[0][k] == '.');
        }
      assert_int_equal (tested, where[0][k] != '.');
    }
  for (int64_t f = 0; f < folds; f++)
    {
      size_t n_test = count (where[f], from, to, 'T');

      assert_true (n_test == n / (size_t) folds || n_test == n / (size_t) folds + 1);
    }
}

static void
test_k_fold (void **state)
{
  g_autoptr (FlDataset) d = load_source ("restaurant");
  FlSplitKeys keys = { .method = FL_SPLIT_K_FOLD, .folds = 5, .validation = 0.1 };
  char *where[5], *next[5];

  (void) state;
  make_folds (d, "ratings random 503", keys, 10, 0, where);
  make_folds (d, "ratings random 503", keys, 10, 5, next);
  expect_folds (where, 5, 0, d->n);
  expect_folds (next, 5, 0, d->n);
  for (int f = 0; f < 5; f++)
    {
      assert_int_equal (count (where[f], 0, d->n, 'v'), 50);
      assert_string_not_equal (where[f], next[f]); /* dealt anew */
      g_free (where[f]);
      g_free (next[f]);
    }
}

static void
test_per_user_k_fold (void **state)
{
  (void) state;
  for (uint64_t seed = 0; seed < 100; seed++)
    {
      g_autoptr (FlDataset) d = random_dataset (seed, 20, 15, 0.4);
      FlSplitKeys keys = { .method = FL_SPLIT_PER_USER_K_FOLD, .folds = 2 + (int64_t) seed % 6 };
      char *where[7];

      make_folds (d, "", keys, seed, 0, where);
      for (uint32_t u = 0; u < d->n_users; u++)
        expect_folds (where, keys.folds, d->ratings.start[u], d->ratings.start[u + 1]);
      for (int64_t f = 0; f < keys.folds; f++)
        g_free (where[f]);
    }
}

/* ---- time ---------------------------------------------------------------- */

/* Ten ratings of three users; those at 5 are the fifth to eighth. */
static const Entry timed[] = {
  { 0, 0, 1, 1, -1 }, { 0, 1, 1, 5, -1 }, { 0, 2, 1, 5, -1 }, { 0, 3, 1, 3, -1 },
  { 1, 0, 1, 9, -1 }, { 1, 1, 1, 2, -1 }, { 1, 2, 1, 5, -1 }, { 1, 3, 1, 5, -1 },
  { 2, 0, 1, -4, -1 }, { 2, 1, 1, 8, -1 },
};

static FlDataset *
load_timed (void)
{
  return dataset_of ((Entries) { G_N_ELEMENTS (timed), timed, NULL });
}

static void
test_time (void **state)
{
  g_autoptr (FlDataset) d = load_timed ();
  FlSplitKeys keys = { .method = FL_SPLIT_TIME, .test = 0.2 };

  (void) state;
  expect_places (d, "", keys, "ttttTttttT"); /* 8 and 9                              */
  keys.test = 0.4;
  expect_places (d, "", keys, "ttttTttttT"); /* those at 5 stay together, and before */
  keys.test = 0.6;
  expect_places (d, "", keys, "tTTtTtTTtT"); /* after 3                              */
  keys.test = 0.1;
  keys.validation = 0.1;
  expect_places (d, "", keys, "ttttTttttv");
  keys.validation = 0.5;
  expect_places (d, "", keys, "tvvtTtvvtv");
  keys.validation = 0.8;
  expect_places (d, "", keys, "vvvvTvvvtv");
  expect_places (d, "users at-least 4", (FlSplitKeys) { .method = FL_SPLIT_TIME, .test = 0.2 },
                 "ttttTttt.."); /* 1.6 rounds to 2: one is at 9, the next at 5 */
}

static void
test_per_user_time (void **state)
{
  g_autoptr (FlDataset) d = load_timed ();
  FlSplitKeys keys = { .method = FL_SPLIT_PER_USER_TIME, .test = 0.25 };

  (void) state;
  expect_places (d, "", keys, "tTttTttttT"); /* items 1 and 2 are of one moment; 0.5 rounds up */
  keys.validation = 0.25;
  expect_places (d, "", keys, "tTvtTttvtT"); /* one stays for training */
  keys.test = 0.9;
  keys.validation = 0;
  expect_places (d, "", keys, "tTTTTtTTtT");
}

static void
test_leave_last (void **state)
{
  g_autoptr (FlDataset) d = load_timed ();
  FlSplitKeys keys = { .method = FL_SPLIT_LEAVE_LAST, .last = 1 };

  (void) state;
  expect_places (d, "", keys, "tTttTttttT");
  keys.validation_last = 2;
  expect_places (d, "", keys, "tTvvTtvvtT");
  keys.last = 2;
  keys.validation_last = 1;
  expect_places (d, "", keys, "tTTvTtvTtT");
}

/* Of ratings of one moment none is always the last. */
static void
test_ties_in_time (void **state)
{
  g_autoptr (FlDataset) d = load_timed ();
  const FlSplitKeys keys = { .method = FL_SPLIT_LEAVE_LAST, .last = 1 };
  size_t n[2] = { 0, 0 };

  (void) state;
  for (uint64_t seed = 0; seed < 1000; seed++)
    {
      g_autofree char *where = places_of (d, "", keys, (FlRepeat) { seed, 0 });

      assert_true (where[0] == 't' && (where[1] == 'T') != (where[2] == 'T'));
      n[where[2] == 'T']++;
    }
  print_message ("  last: item 1 %zu times, item 2 %zu times\n", n[0], n[1]);
  assert_true (n[0] > 430 && n[1] > 430); /* 4.4 standard deviations */
}

/* No rating of training is later than one of the held-out parts. */
static void
test_time_random (void **state)
{
  (void) state;
  for (uint64_t seed = 0; seed < 300; seed++)
    {
      g_autoptr (FlDataset) d = random_dataset (seed, 12, 12, 0.5);
      FlSplitKeys keys = { .method = FL_SPLIT_TIME, .test = 0.1 + 0.002 * (double) seed };
      g_autoptr (FlSplit) split = try_split (d, "", keys, (FlRepeat) { seed, 0 }, NULL);
      g_autofree char *where = split != NULL ? places (d, split) : NULL;
      int64_t last = G_MININT64, cut = G_MAXINT64;

      if (where == NULL)
        continue;
      for (size_t k = 0; k < d->n; k++)
        if (where[k] == 't')
          last = MAX (last, d->time[k]);
        else
          cut = MIN (cut, d->time[k]);
      assert_true (last < cut);
      /* One moment more would be too much. */
      assert_true ((double) split->test->n <= floor (keys.test * (double) d->n + 0.5));
      for (size_t k = 0, more = split->test->n; k <= d->n; k++)
        if (k == d->n)
          assert_true ((double) more > floor (keys.test * (double) d->n + 0.5));
        else
          more += d->time[k] == last;
    }
}

/* ---- given, cold --------------------------------------------------------- */

static void
test_given (void **state)
{
  static const Entry entry[] = {
    { 0, 0, 1, FL_NO_TIME, FL_PART_TRAIN }, { 0, 1, 1, FL_NO_TIME, FL_PART_TEST },
    { 1, 0, 1, FL_NO_TIME, FL_PART_TRAIN }, { 1, 1, 1, FL_NO_TIME, FL_PART_TRAIN },
    { 2, 1, 1, FL_NO_TIME, FL_PART_TRAIN }, { 2, 2, 1, FL_NO_TIME, FL_PART_TEST },
  };
  FlSplitKeys keys = { .method = FL_SPLIT_GIVEN, .test = 0.2 };
  g_autoptr (FlDataset) d = dataset_of ((Entries) { G_N_ELEMENTS (entry), entry, NULL });
  g_autoptr (FlDataset) block = load_source ("block-model");
  g_autoptr (FlSplit) split = split_of (block, "", keys, 1);
  g_autofree char *where = NULL;

  (void) state;
  assert_null (split->validation);
  assert_non_null (split->train->by_user.f32); /* +1 and -1 */
  assert_non_null (split->test->by_user.f64);  /* .6 and -.6 */
  expect_places (d, "", keys, "tTtttT");
  keys.validation = 0.5;
  where = places_of (d, "", keys, (FlRepeat) { 1, 0 });
  print_message ("  %s\n", where);
  assert_true (where[1] == 'T' && where[5] == 'T');
  assert_int_equal (count (where, 0, 6, 'v'), 2);
}

/* What judges while parameters are chosen: never a test rating. */
static void
test_judge (void **state)
{
  FlSplitKeys plain = { .method = FL_SPLIT_RANDOM, .test = 0.2, .validation = 0.1 }, keys = plain;
  g_autoptr (FlDataset) d = random_dataset (3, 60, 40, 0.3);
  g_autofree char *all = places_of (d, "", plain, (FlRepeat) { 1, 0 });
  g_autofree size_t *n_judged = g_new0 (size_t, d->n);
  size_t smallest = d->n, largest = 0;

  (void) state;
  keys.judge = FL_JUDGE_VALIDATION;
  {
    g_autofree char *where = places_of (d, "", keys, (FlRepeat) { 1, 0 });

    for (size_t k = 0; k < d->n; k++)
      assert_int_equal (where[k], all[k] == 'T' ? '.' : all[k] == 'v' ? 'T' : 't');
  }
  keys.judge = FL_JUDGE_FOLD;
  keys.judge_folds = 4;
  for (keys.judge_fold = 1; keys.judge_fold <= 4; keys.judge_fold++)
    {
      g_autofree char *where = places_of (d, "", keys, (FlRepeat) { 1, 0 });
      size_t n = count (where, 0, d->n, 'T');

      smallest = MIN (smallest, n);
      largest = MAX (largest, n);
      for (size_t k = 0; k < d->n; k++)
        {
          n_judged[k] += where[k] == 'T';
          assert_true (where[k] == (all[k] == 'T' ? '.' : all[k])
                       || (where[k] == 'T' && all[k] == 't'));
        }
    }
  for (size_t k = 0; k < d->n; k++)
    assert_int_equal (n_judged[k], all[k] == 't');
  print_message ("  %zu training ratings in folds of %zu to %zu\n", count (all, 0, d->n, 't'),
                 smallest, largest);
  assert_true (smallest > 90 && largest < 170);
}

/* User 1 has no training rating, nor has item 2. */
static void
test_cold (void **state)
{
  static const Entry entry[] = {
    { 0, 0, 1, FL_NO_TIME, FL_PART_TRAIN }, { 0, 1, 1, FL_NO_TIME, FL_PART_TEST },
    { 0, 2, 1, FL_NO_TIME, FL_PART_TEST }, { 1, 0, 1, FL_NO_TIME, FL_PART_TEST },
    { 2, 1, 1, FL_NO_TIME, FL_PART_TRAIN }, { 2, 2, 1, FL_NO_TIME, FL_PART_TEST },
  };
  FlSplitKeys keys = { .method = FL_SPLIT_GIVEN };
  g_autoptr (FlDataset) d = dataset_of ((Entries) { G_N_ELEMENTS (entry), entry, NULL });
  g_autoptr (FlSplit) split = NULL;
  const FlFunnelRow *row;

  (void) state;
  expect_places (d, "", keys, "tTTTtT");
  keys.cold = FL_COLD_DROP;
  expect_places (d, "", keys, "tT..t.");
  split = split_of (d, "", keys, 1);
  assert_int_equal (split->train->n_users, 2);
  assert_int_equal (split->train->n_items, 2);
  assert_int_equal (split->user[1], 2);
  assert_int_equal (split->funnel->n, 2);
  row = &split->funnel->row[1];
  assert_string_equal (row->text, "cold = drop");
  assert_true (row->kept[0] == 2 && row->kept[1] == 2 && row->n_ratings == 3);
}

static void
test_cold_random (void **state)
{
  (void) state;
  for (uint64_t seed = 0; seed < 300; seed++)
    {
      g_autoptr (FlDataset) d = random_dataset (seed, 20, 20, 0.1);
      FlSplitKeys keys = { .method = FL_SPLIT_RANDOM, .test = 0.4, .validation = 0.2 };
      g_autofree char *kept = places_of (d, "", keys, (FlRepeat) { seed, 0 }), *dropped = NULL;
      g_autoptr (FlSplit) split = NULL;

      keys.cold = FL_COLD_DROP;
      split = split_of (d, "", keys, seed);
      dropped = places (d, split);
      for (uint32_t u = 0; u < split->train->n_users; u++)
        assert_true (split->train->by_user.start[u] < split->train->by_user.start[u + 1]);
      for (uint32_t i = 0; i < split->train->n_items; i++)
        assert_true (split->train->by_item.start[i] < split->train->by_item.start[i + 1]);
      for (size_t k = 0; k < d->n; k++)
        assert_true (dropped[k] == kept[k] || (dropped[k] == '.' && kept[k] != 't'));
    }
}

/* ---- all methods --------------------------------------------------------- */

/* The same again, and the same of a user whoever else is there. */
static void
test_independence (void **state)
{
  static const int methods[] = { FL_SPLIT_PER_USER, FL_SPLIT_PER_USER_K_FOLD,
                                 FL_SPLIT_PER_USER_TIME, FL_SPLIT_LEAVE_LAST };

  (void) state;
  for (uint64_t seed = 0; seed < 40; seed++)
    for (size_t m = 0; m < G_N_ELEMENTS (methods); m++)
      {
        g_autoptr (FlDataset) d = random_dataset (seed, 20, 15, 0.4);
        gboolean last = methods[m] == FL_SPLIT_LEAVE_LAST;
        FlSplitKeys keys = { .method = methods[m], .test = 0.3, .validation = last ? 0 : 0.2,
                             .folds = 3, .last = 2, .validation_last = last,
                             .every_user = methods[m] == FL_SPLIT_PER_USER && seed % 2 };
        const FlRepeat repeat = { seed, (uint32_t) seed % 3 };
        g_autofree char *all = places_of (d, "", keys, repeat);
        g_autofree char *again = places_of (d, "", keys, repeat);
        g_autofree char *some = places_of (d, "users random 7", keys, repeat);

        assert_string_equal (all, again);
        assert_true (count (some, 0, d->n, '.') > 0);
        for (size_t k = 0; k < d->n; k++)
          assert_true (some[k] == '.' || some[k] == all[k]);
      }
}

static void
test_mistakes (void **state)
{
  static const Entry partly[] = { { 0, 0, 1, 7, -1 }, { 0, 1, 1, FL_NO_TIME, -1 } };
  static const Entry moment[] = { { 0, 0, 1, 7, -1 }, { 0, 1, 1, 7, -1 }, { 1, 1, 1, 7, -1 } };
  static const Entry parts[] = { { 0, 0, 1, FL_NO_TIME, FL_PART_TRAIN },
                                 { 0, 1, 1, FL_NO_TIME, FL_PART_VALIDATION } };
  static const Entry untrained[] = { { 0, 0, 1, FL_NO_TIME, FL_PART_TEST } };
  g_autoptr (FlDataset) d = load_source ("restaurant");
  g_autoptr (FlDataset) given = load_source ("block-model");
  g_autoptr (FlDataset) some = dataset_of ((Entries) { 2, partly, NULL });
  g_autoptr (FlDataset) one = dataset_of ((Entries) { 3, moment, NULL });
  g_autoptr (FlDataset) valid = dataset_of ((Entries) { 2, parts, NULL });
  g_autoptr (FlDataset) empty = dataset_of ((Entries) { 1, untrained, NULL });
  const struct
  {
    const FlDataset *dataset;
    FlSplitKeys keys;
    const char *message;
  } cases[] = {
    { d, { .method = FL_SPLIT_RANDOM, .test = 0.6, .validation = 0.4 },
      "[split] test = 0.6 and validation = 0.4 leave nothing to train on" },
    { d, { .method = FL_SPLIT_K_FOLD, .folds = 2, .validation = 0.5 },
      "validation = 0.5: with folds = 2 nothing is left to train on" },
    { one, { .method = FL_SPLIT_RANDOM, .test = 0.59, .validation = 0.4 },
      "of 3 ratings none is left to train on" },
    { one, { .method = FL_SPLIT_TIME, .test = 0.59, .validation = 0.4 },
      "of 3 ratings none is left to train on" },
    { one, { .method = FL_SPLIT_K_FOLD, .folds = 4 }, "folds = 4: there are only 3 ratings" },
    { d, { .method = FL_SPLIT_GIVEN }, "come without a split" },
    { given, { .method = FL_SPLIT_RANDOM, .test = 0.2 }, "the data come split" },
    { d, { .method = FL_SPLIT_RANDOM, .test = 0.2, .judge = FL_JUDGE_VALIDATION },
      "judge = validation: there is no such part" },
    { d, { .method = FL_SPLIT_RANDOM, .test = 0.2, .judge = FL_JUDGE_FOLD, .judge_fold = 3,
           .judge_folds = 2 }, "judge-fold = 3: there are 2" },
    { valid, { .method = FL_SPLIT_GIVEN, .validation = 0.1 }, "come with a validation part" },
    { empty, { .method = FL_SPLIT_GIVEN }, "of 1 ratings none is left to train on" },
    { d, { .method = FL_SPLIT_TIME, .test = 0.2 },
      "[split] method needs times: the data have none" },
    { d, { .method = FL_SPLIT_LEAVE_LAST, .last = 1 }, "the data have none" },
    { some, { .method = FL_SPLIT_PER_USER_TIME, .test = 0.2 }, "1 of 2 ratings have none" },
    { one, { .method = FL_SPLIT_TIME, .test = 0.4 },
      "no time can be found that cuts off the test part" },
    { d, { .method = FL_SPLIT_LEAVE_LAST, .last = 1, .validation = 0.1 },
      "leave-last takes validation-last" },
    { d, { .method = FL_SPLIT_RANDOM, .validation_last = 1 }, "goes with method = leave-last" },
    { d, { .method = FL_SPLIT_K_FOLD, .folds = 5, .every_user = TRUE },
      "every-user goes with method = random" },
  };
  GError *error = NULL;

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    expect_error (try_split (cases[c].dataset, NULL, cases[c].keys, (FlRepeat) { 1, 0 }, &error),
                  &error, cases[c].message);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_random),          cmocka_unit_test (test_random_even),
    cmocka_unit_test (test_per_user),        cmocka_unit_test (test_every_user),
    cmocka_unit_test (test_every_user_movielens),
    cmocka_unit_test (test_k_fold),          cmocka_unit_test (test_per_user_k_fold),
    cmocka_unit_test (test_time),            cmocka_unit_test (test_per_user_time),
    cmocka_unit_test (test_leave_last),      cmocka_unit_test (test_ties_in_time),
    cmocka_unit_test (test_time_random),
    cmocka_unit_test (test_given),           cmocka_unit_test (test_judge),
    cmocka_unit_test (test_cold),
    cmocka_unit_test (test_cold_random),     cmocka_unit_test (test_independence),
    cmocka_unit_test (test_mistakes),
  };

  return cmocka_run_group_tests_name ("splits", tests, registry_set_up, registry_tear_down);
}
