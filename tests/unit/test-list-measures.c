/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Objectives over lists, by hand: more than two groups of users, items in several
 * groups, and the readings that go by the name `released`.
 *
 * With K = 2 the lists of four users are [0 1], [0 1] (all scores equal), [2 3] and
 * none (everything seen); the test items are {1}, {0 1 2}, {4} and none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "tests/support/matrix-model.h"

enum
{
  N_USERS = 4,
  N_ITEMS = 5
};

static const double scores[N_USERS * N_ITEMS]
    = { 5, 4, 3, 2, 9, 1, 1, 1, 1, 9, 9, 1, 2, 2, 0, 5, 4, 3, 2, 1 };
static double identity[N_ITEMS * N_ITEMS];

static struct
{
  FlRegistry *registry;
  FlRatings *train, *test;
  FlGroups *user_groups, *item_groups;
  MatrixModel model;
  FlView *view;
} world;

static int
open_world (void **state)
{
  const uint32_t train_user[] = { 0, 1, 2, 3, 3, 3, 3, 3 }, train_item[] = { 4, 4, 0, 0, 1, 2, 3, 4 };
  const uint32_t test_user[] = { 0, 1, 1, 1, 2 }, test_item[] = { 1, 0, 1, 2, 4 };
  const double one[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
  const uint32_t age[] = { 0, 1, 2, 2 };
  /* Items 0 and 4 are of both genres, 1 of the first, 2 and 3 of the second. */
  const uint32_t start[] = { 0, 2, 3, 4, 5, 7 }, genre[] = { 0, 1, 0, 1, 1, 0, 1 };
  FlData data;

  (void) state;
  for (size_t i = 0; i < N_ITEMS; i++)
    identity[i * N_ITEMS + i] = 1.0;
  world.registry = fl_registry_new (NULL, NULL);
  world.train = fl_ratings_new (N_USERS, N_ITEMS, 8, train_user, train_item, one, NULL);
  world.test = fl_ratings_new (N_USERS, N_ITEMS, 5, test_user, test_item, one, NULL);
  world.user_groups = test_groups_new ("age", 3, N_USERS, NULL, age);
  world.item_groups = test_groups_new ("genre", 2, N_ITEMS, start, genre);
  data = FL_DATA (.train = world.train, .user_groups = world.user_groups,
                    .item_groups = world.item_groups);
  matrix_model_init (&world.model,
                     &(FlFactors) { .n_users = N_USERS, .n_items = N_ITEMS, .rank = N_ITEMS,
                                    .user_f64 = scores, .item_f64 = identity },
                     FALSE);
  world.view = fl_view_of (&data, world.test, FL_PART_TEST, &world.model.instance, NULL);
  if (world.view != NULL)
    fl_view_set_ties (world.view, FL_TIES_BY_INDEX);
  return world.registry != NULL && world.view != NULL && fl_view_lists (world.view, 2, NULL) ? 0 : 1;
}

static int
close_world (void **state)
{
  (void) state;
  fl_view_free (world.view);
  fl_ratings_free (world.train);
  fl_ratings_free (world.test);
  fl_groups_free (world.user_groups);
  fl_groups_free (world.item_groups);
  fl_registry_free (world.registry);
  return 0;
}

static FlOutcome *
evaluate (const char *name, const char *setting)
{
  const char *settings[] = { setting, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) objective
      = test_instance_new (world.registry, FL_KIND_OBJECTIVE, name, settings, &error);
  FlOutcome *outcome = fl_outcome_new ();

  if (objective == NULL
      || !fl_objective_run (objective, NULL, world.view, (int) world.view->k, outcome, &error))
    fail_msg ("%s", error->message);
  return outcome;
}

/* A few roundings: all numbers are of order 1. */
static void
assert_metric (const FlOutcome *outcome, const char *name, const char *group, double expected)
{
  double got = test_metric (outcome, name, group);

  if (!(fabs (got - expected) <= 1e-14) && !(isnan (got) && isnan (expected)))
    fail_msg ("%s of %s: %.17g is not %.17g", name, group != NULL ? group : "all", got, expected);
}

static void
test_parity (void **state)
{
  g_autoptr (FlOutcome) dp = evaluate ("dp", NULL);
  g_autoptr (FlOutcome) eo = evaluate ("eo", NULL);
  g_autoptr (FlOutcome) released = evaluate ("eo", "variant=released");

  (void) state;
  assert_metric (dp, "dp", NULL, 8.0 / 15.0); /* 0, 4/5 and 4/5 */
  assert_metric (dp, "dp-worst-pair", NULL, 0.8);
  assert_metric (dp, "dp-recommended", NULL, 2.0 / 3.0);
  assert_metric (dp, "dp-recommended-worst-pair", NULL, 1.0);
  assert_metric (eo, "eo", NULL, 4.0 / 15.0); /* 1/5, 1/5 and 2/5 */
  assert_metric (eo, "eo-worst-pair", NULL, 0.4);
  assert_metric (eo, "eo-recommended", NULL, 5.0 / 6.0);
  assert_true (test_metric_n (eo, "eo-recommended", NULL) == 3.0); /* pairs */
  /* Item 0 left out: 0, 1 and 1. */
  assert_metric (released, "eo", NULL, 2.0 / 3.0);
  assert_metric (released, "eo-recommended", NULL, NAN);
}

/* 18 users and 2, who have all rated item 3; or the last one item 0.  The lists are [0 1], the
 * test items {0}; of the last one then [1 2] and {1}.  The objective's first two numbers. */
static void
measure_sizes (gboolean last, const char *name, const char *setting, double of[2])
{
  static const double ones[20] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
  static const double Q[] = { 4, 3, 2, 1 };
  uint32_t user[20], trained[20], tested[20], member[20];
  const FlView *view = world.view;
  MatrixModel model;
  FlRatings *train, *test;
  FlGroups *groups;
  FlOutcome *outcome;
  FlData data;

  for (uint32_t u = 0; u < 20; u++)
    {
      user[u] = u;
      member[u] = u < 18 ? 0 : 1;
      trained[u] = last && u == 19 ? 0 : 3;
      tested[u] = last && u == 19 ? 1 : 0;
    }
  train = fl_ratings_new (20, 4, 20, user, trained, ones, NULL);
  test = fl_ratings_new (20, 4, 20, user, tested, ones, NULL);
  groups = test_groups_new ("age", 2, 20, NULL, member);
  data = FL_DATA (.train = train, .user_groups = groups);
  matrix_model_init (&model,
                     &(FlFactors) { .n_users = 20, .n_items = 4, .rank = 1, .user_f64 = ones,
                                    .item_f64 = Q },
                     FALSE);
  world.view = fl_view_of (&data, test, FL_PART_TEST, &model.instance, NULL);
  assert_true (fl_view_lists (world.view, 2, NULL));
  outcome = evaluate (name, setting);
  for (guint k = 0; k < 2; k++)
    of[k] = ((FlMetric *) outcome->metrics->pdata[k])->value;
  fl_outcome_free (outcome);
  fl_view_free (world.view);
  fl_groups_free (groups);
  fl_ratings_free (train);
  fl_ratings_free (test);
  world.view = (FlView *) view;
}

static void
assert_sizes (gboolean last, const char *name, const char *setting, double all, double recommended)
{
  double of[2];

  measure_sizes (last, name, setting, of);
  if (fabs (of[0] - all) > 1e-15 || fabs (of[1] - recommended) > 1e-15)
    fail_msg ("%s, %s: %.17g and %.17g, not %.17g and %.17g", name, setting, of[0], of[1], all,
              recommended);
}

static void
test_parity_by_rates (void **state)
{
  (void) state;
  /* The same lists for everybody: (18 - 2) / (18 + 2), or 0. */
  assert_sizes (FALSE, "dp", "parity=counts", 0.4, 0.8);
  assert_sizes (FALSE, "eo", "parity=counts", 0.2, 0.8);
  assert_sizes (FALSE, "dp", "parity=rates", 0.0, 0.0);
  assert_sizes (FALSE, "eo", "parity=rates", 0.0, 0.0);
  /* Items 0, 1, 2: 18 and 1 users, 18 and 2, 0 and 1; shares 1 and 1/2, 1 and 1, 0 and 1/2. */
  assert_sizes (TRUE, "dp", "parity=counts", (17.0 / 19.0 + 0.8 + 1.0) / 4.0,
                (17.0 / 19.0 + 0.8 + 1.0) / 3.0);
  assert_sizes (TRUE, "dp", "parity=rates", 1.0 / 3.0, 4.0 / 9.0);
  /* Found: items 0 and 1 by 18 and 1, 0 and 1. */
  assert_sizes (TRUE, "eo", "parity=rates", 1.0 / 3.0, 2.0 / 3.0);
}

static void
test_divergence (void **state)
{
  g_autoptr (FlOutcome) nats = evaluate ("js-divergence", NULL);
  g_autoptr (FlOutcome) bits = evaluate ("js-divergence", "base=2");
  g_autoptr (FlOutcome) digits = evaluate ("js-divergence", "base=10");

  (void) state;
  assert_metric (nats, "js-divergence", NULL, 2.0 / 3.0 * log (2.0)); /* 0, log 2 and log 2 */
  assert_metric (nats, "js-divergence-worst-pair", NULL, log (2.0));
  assert_metric (bits, "js-divergence", NULL, 2.0 / 3.0);
  assert_metric (digits, "js-divergence", NULL, 2.0 / 3.0 * log10 (2.0));
  /* The third group has no hit: one pair is left. */
  assert_metric (nats, "js-divergence-hit", NULL, 0.75 * log (4.0 / 3.0));
}

static void
test_released (void **state)
{
  double second = log (2.0) / log (3.0); /* what a hit at place 2 gains */
  g_autoptr (FlOutcome) hr = evaluate ("hr", "variant=released");
  g_autoptr (FlOutcome) ndcg = evaluate ("ndcg", "variant=released");

  (void) state;
  assert_metric (hr, "hr", NULL, 0.5); /* 1, 1/2 and 0 */
  assert_metric (hr, "hr", "age=1", 0.5);
  assert_metric (ndcg, "ndcg", NULL, (second + second / (1.0 + second)) / 4.0);
  assert_true (test_metric_n (ndcg, "ndcg", NULL) == 4.0);
}

static void
test_genres (void **state)
{
  g_autoptr (FlOutcome) itg = evaluate ("itg", NULL);
  g_autoptr (FlOutcome) exposure = evaluate ("exposure-kl", "weight=none");
  g_autoptr (FlOutcome) coverage = evaluate ("coverage", NULL), gini = evaluate ("gini", NULL);

  (void) state;
  assert_metric (itg, "itg", "age=0,genre=0", 1.0);
  assert_metric (itg, "itg", "age=0,genre=1", NAN);
  assert_metric (itg, "itg", "age=1,genre=0", 1.0);
  assert_metric (itg, "itg", "age=1,genre=1", 0.5);
  assert_metric (itg, "itg", "age=2,genre=1", 0.0);
  assert_metric (itg, "itg", NULL, 0.5); /* of 1, 1, 1/2, 0, 0 */
  assert_metric (itg, "itg-irecall", "genre=0", 0.75);
  assert_metric (itg, "itg-irecall", "genre=1", 1.0 / 3.0);
  assert_metric (itg, "itg-irecall", NULL, 0.6);
  /* Both genres stand four times in lists: items 0, 1, 0, 1, 2, 3. */
  assert_metric (exposure, "exposure-kl-share", "genre=0", 0.5);
  assert_metric (exposure, "exposure-kl", NULL, 0.0);
  assert_metric (coverage, "coverage", "genre=0", 2.0 / 3.0);
  assert_metric (coverage, "coverage", "genre=1", 0.75);
  assert_metric (gini, "gini", "genre=0", 1.0 / 3.0);
}

static void
test_change (void **state)
{
  /* Of the other arm: [1], [3 2], nothing, [4]. */
  const uint32_t item[N_USERS * 2] = { 1, 0, 3, 2, 0, 0, 4, 0 }, length[N_USERS] = { 1, 2, 0, 1 };
  const FlLists other = { .n_users = N_USERS, .k = 2, .item = item, .length = length };
  g_autoptr (FlOutcome) change = NULL;

  (void) state;
  world.view->other = &other;
  change = evaluate ("list-change", NULL);
  world.view->other = NULL;
  assert_metric (change, "list-change", NULL, 0.125); /* 1/2, 0, 0 and 0 */
  assert_metric (change, "list-change-top", NULL, 1.0);
  assert_metric (change, "list-change", "age=0", 0.5);
}

/* Groups of another's making: as much of them as it knows, and no more. */
static void
test_groups_of_another (void **state)
{
  g_autoptr (GError) error = NULL;
  FlGroups theirs = *world.user_groups;
  const FlData data = FL_DATA (.train = world.train, .user_groups = &theirs);
  g_autoptr (FlView) view = NULL;

  (void) state;
  theirs.size = 0;
  assert_null (fl_view_of (&data, world.test, FL_PART_TEST, &world.model.instance, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_PLUGIN));
  assert_string_equal (error->message,
                       "hands over a FlGroups without its size: use FL_GROUPS");
  theirs.size = offsetof (FlGroups, rule);
  theirs.rule = theirs.label; /* what happens to lie behind */
  view = fl_view_of (&data, world.test, FL_PART_TEST, &world.model.instance, NULL);
  assert_non_null (view);
  assert_int_equal (view->user_groups->size, sizeof (FlGroups));
  assert_null (view->user_groups->rule);
  assert_int_equal (view->n_user_groups, 3);
}

/* ---- one objective that asks another ------------------------------------ */

/* What `name` says of each user, or item, of `view`; NULL with `message`. */
static double *
ask (const char *name, const FlView *view, size_t value, FlSide side, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) objective
      = test_instance_new (world.registry, FL_KIND_OBJECTIVE, name, NULL, &error);
  g_autofree double *each = g_new (double, N_USERS + N_ITEMS);
  gboolean done = fl_objective_each (objective, view, value, side, each, &error);

  if (message == NULL && !done)
    fail_msg ("%s", error->message);
  if (message == NULL)
    return g_steal_pointer (&each);
  assert_false (done);
  assert_string_equal (error->message, message);
  return NULL;
}

static void
test_asked (void **state)
{
  /* Of the lists [0 1], [0 1], [2 3] and none. */
  const double recall[] = { 1.0, 2.0 / 3.0, 0.0, NAN }, covered[] = { 1, 1, 1, 1, 0 };
  g_autofree double *users = ask ("recall", world.view, 0, FL_SIDE_USER, NULL);
  g_autofree double *items = ask ("coverage", world.view, 0, FL_SIDE_ITEM, NULL);
  g_autofree double *parity = ask ("dp", world.view, 2, FL_SIDE_ITEM,
                                   "objective dp: gives no dp-recommended for each item");

  (void) state;
  assert_null (parity); /* by item it is of two groups, and there are three */
  for (size_t u = 0; u < N_USERS; u++)
    assert_true (users[u] == recall[u] || (isnan (users[u]) && isnan (recall[u])));
  assert_memory_equal (items, covered, sizeof covered);
}

static void
test_asked_in_vain (void **state)
{
  FlView without = *world.view;

  (void) state;
  ask ("recall", world.view, 0, FL_SIDE_ITEM, "objective recall: gives no recall for each item");
  ask ("recall", world.view, 1, FL_SIDE_USER, "objective recall: is asked for value 1, and has 1, from 0");
  without.lists = NULL;
  ask ("recall", &without, 0, FL_SIDE_USER,
       "objective recall: measures top-K lists, and this view has none");
  without = *world.view;
  without.user_groups = NULL;
  ask ("dp", &without, 0, FL_SIDE_ITEM, "objective dp: needs groups of users");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_parity_by_rates), cmocka_unit_test (test_parity), cmocka_unit_test (test_divergence),
    cmocka_unit_test (test_released), cmocka_unit_test (test_genres),
    cmocka_unit_test (test_change), cmocka_unit_test (test_groups_of_another),
    cmocka_unit_test (test_asked),
    cmocka_unit_test (test_asked_in_vain),
  };

  return cmocka_run_group_tests_name ("measures of lists", tests, open_world, close_world);
}
