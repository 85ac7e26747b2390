/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Rounds of a closed loop: what is consumed is recommended and new, is known from then
 * on and held out no more; providers who leave are in no list; two rounds of
 * fit-response by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tests/support/matrix-model.h"

static FlRegistry *registry;

/* ---- a split of its own ------------------------------------------------- */

#define N_USERS 2
#define N_ITEMS 4

/* User 0 has item 0 in training, 1 held out to validate and 2 to test; user 1 item 3
 * in training and 0 to test.  Items 0 and 1 are of category 0. */
typedef struct
{
  FlSplit split;
} World;

static FlRatings *
ratings_of (size_t n, const uint32_t *user, const uint32_t *item, const double *rating)
{
  FlRatings *ratings = fl_ratings_new (N_USERS, N_ITEMS, n, user, item, rating, NULL);

  ratings->rating_min = 1;
  ratings->rating_max = 5;
  return ratings;
}

static void
world_init (World *w)
{
  *w = (World) { .split = { .train = ratings_of (2, (uint32_t[]) { 0, 1 }, (uint32_t[]) { 0, 3 },
                                                 (double[]) { 2, 5 }),
                            .validation = ratings_of (4, (uint32_t[]) { 0, 0, 1, 1 },
                                                      (uint32_t[]) { 1, 3, 1, 2 },
                                                      (double[]) { 5, 1, 1, 5 }),
                            .test = ratings_of (2, (uint32_t[]) { 0, 1 }, (uint32_t[]) { 2, 0 },
                                                (double[]) { 5, 1 }) } };
  w->split.user_groups = test_groups_new ("g", 2, N_USERS, NULL, (uint32_t[]) { 0, 1 });
  w->split.item_groups = test_groups_new ("c", 2, N_ITEMS, NULL, (uint32_t[]) { 0, 0, 1, 1 });
  w->split.data = FL_DATA (.train = w->split.train, .validation = w->split.validation,
                             .user_groups = w->split.user_groups,
                             .item_groups = w->split.item_groups, .n_users = N_USERS,
                             .n_items = N_ITEMS);
}

static void
world_clear (World *w)
{
  fl_ratings_free (w->split.train);
  fl_ratings_free (w->split.validation);
  fl_ratings_free (w->split.test);
  fl_groups_free (w->split.user_groups);
  fl_groups_free (w->split.item_groups);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_clear)

static double
rating_of (const FlRatings *ratings, uint32_t u, uint32_t i)
{
  for (size_t k = ratings->by_user.start[u]; k < ratings->by_user.start[u + 1]; k++)
    if (ratings->by_user.col[k] == i)
      return fl_csr_value (&ratings->by_user, k);
  return 0;
}

/* ---- a response that does as it is told --------------------------------- */

typedef struct
{
  size_t place;       /* of all lists: the one consumed */
  double rating;
  uint32_t leaves;    /* item whose provider leaves; N_ITEMS: nobody */
  size_t n_known;     /* seen in the round */
  uint64_t seed;
} Told;

static gboolean
told_respond (gpointer instance, const FlRound *round, FlResult *result, GError **error)
{
  Told *told = instance;

  (void) error;
  assert_null (round->data->validation);
  told->n_known = round->data->train->n;
  told->seed = round->seed;
  round->consumed[told->place] = 1;
  round->rating[told->place] = told->rating;
  if (told->leaves < N_ITEMS)
    round->gone[told->leaves] = 1;
  fl_result_set_n (result, 0, round->round, 1);
  return TRUE;
}

static const FlValue told_values[] = { { .name = "round" }, FL_VALUE_END };
static const FlRespondOps told_responds
    = { .ops_size = sizeof told_responds, .respond = told_respond, .values = told_values };
static const FlMitigatorOps told_ops
    = { .ops_size = sizeof told_ops, .respond = &told_responds };
static const FlPlugin told_plugin = FL_DESCRIPTOR (.kind = FL_KIND_MITIGATOR, .name = "told");

/* Lists of two for two users: items 1 2 and 0. */
static const uint32_t listed[] = { 1, 2, 0, 9 }, lengths[] = { 2, 1 };
static const FlLists lists = { sizeof lists, N_USERS, 2, listed, lengths };

static void
what_is_consumed_is_known (void **state)
{
  Told told = { .place = 1, .rating = 4, .leaves = N_ITEMS };
  FlInstance response = { .plugin = &told_plugin, .self = &told, .ops = &told_ops };
  const FlRoundsKeys keys = { .n = 2, .k = 2, .hidden = 0, .response = &response };
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  g_auto (World) w;
  FlLoop *loop;

  (void) state;
  world_init (&w);
  loop = fl_loop_new (&keys, &w.split, NULL);
  assert_true (fl_loop_respond (loop, &lists, 0, 11, outcome, NULL));
  assert_int_equal (told.n_known, 2);
  assert_int_equal (told.seed, 11);
  assert_int_equal (w.split.train->n, 3);
  assert_true (rating_of (w.split.train, 0, 2) == 4);
  assert_true (w.split.data.train == w.split.train);
  assert_true (w.split.train->rating_min == 1 && w.split.train->rating_max == 5);
  assert_true (rating_of (w.split.test, 0, 2) == 0);
  assert_int_equal (w.split.test->n, 1);
  /* The other user's rating of an item that somebody consumed stays. */
  told.place = 0;
  assert_true (fl_loop_respond (loop, &lists, 1, 12, outcome, NULL));
  assert_int_equal (told.n_known, 3);
  assert_int_equal (w.split.train->n, 4);
  assert_true (rating_of (w.split.validation, 0, 1) == 0);
  assert_true (rating_of (w.split.validation, 1, 1) == 1);
  assert_true (w.split.data.validation == w.split.validation);
  fl_loop_free (loop);
}

static void
refuses (Told told, const char *expected)
{
  FlInstance response = { .plugin = &told_plugin, .self = &told, .ops = &told_ops };
  const FlRoundsKeys keys = { .n = 2, .k = 2, .hidden = 0, .response = &response };
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  g_autoptr (GError) error = NULL;
  g_auto (World) w;
  FlLoop *loop;

  world_init (&w);
  loop = fl_loop_new (&keys, &w.split, NULL);
  if (fl_loop_respond (loop, &lists, 0, 11, outcome, &error))
    fail_msg ("not refused: %s", expected);
  if (strstr (error->message, expected) == NULL)
    fail_msg ("'%s' in '%s'", expected, error->message);
  fl_loop_free (loop);
}

static void
nothing_else_is_consumed (void **state)
{
  (void) state;
  refuses ((Told) { .place = 3, .rating = 4 }, "user 1 consumes place 1 of a list of 1");
  refuses ((Told) { .place = 0, .rating = 6 }, "user 0 rates item 1 with 6; must be from 1 to 5");
  refuses ((Told) { .place = 0, .rating = NAN }, "must be from 1 to 5");
}

static void
courses_are_kept (void **state)
{
  Told told = { .place = 1, .rating = 4, .leaves = N_ITEMS };
  FlInstance response = { .plugin = &told_plugin, .self = &told, .ops = &told_ops };
  const FlRoundsKeys keys = { .n = 3, .k = 2, .hidden = 1, .response = &response };
  g_autoptr (FlOutcome) last = NULL;
  g_auto (World) w;
  FlLoop *loop;
  const FlEach *course;

  (void) state;
  world_init (&w);
  loop = fl_loop_new (&keys, &w.split, NULL);
  for (uint32_t round = 0; round < 2; round++)
    {
      fl_outcome_free (last);
      last = fl_outcome_new ();
      told.place = round;
      assert_true (fl_loop_respond (loop, &lists, round, 11, last, NULL));
      fl_loop_record (loop, last, round);
    }
  fl_loop_finish (loop, last);
  fl_loop_free (loop);
  assert_int_equal (last->metrics->len, 1);
  assert_int_equal (last->each->len, 1);
  course = g_ptr_array_index (last->each, 0);
  assert_string_equal (course->name, "round");
  assert_int_equal (course->index, FL_INDEX_STEP);
  assert_int_equal (course->n, 3);
  assert_true (course->value[0] == 0 && course->value[1] == 1 && isnan (course->value[2]));
}

static void
who_left_is_in_no_list (void **state)
{
  static const double P[] = { 1, 1 }, Q[] = { 1, 2, 3, 4 };
  Told told = { .place = 1, .rating = 4, .leaves = 3 };
  FlInstance response = { .plugin = &told_plugin, .self = &told, .ops = &told_ops };
  const FlRoundsKeys keys = { .n = 2, .k = 2, .hidden = 0, .response = &response };
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  MatrixModel model;
  FlView *view;
  g_auto (World) w;
  FlLoop *loop;

  (void) state;
  world_init (&w);
  loop = fl_loop_new (&keys, &w.split, NULL);
  assert_true (fl_loop_respond (loop, &lists, 0, 11, outcome, NULL));
  for (int scored = 0; scored < 2; scored++)
    {
      matrix_model_init (&model,
                         &(FlFactors) { .n_users = N_USERS, .n_items = N_ITEMS, .rank = 1,
                                        .user_f64 = P, .item_f64 = Q }, scored);
      view = fl_view_of (&w.split.data, w.split.train, FL_PART_TRAIN, &model.instance, NULL);
      assert_true (fl_view_lists (view, 4, NULL));
      /* User 0 knows 0 and 2, user 1 knows 3, which has left. */
      assert_int_equal (view->lists->length[0], 1);
      assert_int_equal (view->lists->item[0], 1);
      assert_int_equal (view->lists->length[1], 3);
      assert_int_equal (view->lists->item[4], 2);
      fl_view_free (view);
    }
  fl_loop_free (loop);
  assert_null (w.split.data.gone);
}

static void
seeds (void **state)
{
  (void) state;
  assert_int_equal (fl_loop_seed (5, 0), 5);
  assert_true (fl_loop_seed (5, 1) != fl_loop_seed (5, 2));
  assert_true (fl_loop_seed (5, 1) != fl_loop_seed (6, 1));
  assert_true (fl_loop_seed (5, 1) == fl_loop_seed (5, 1));
}

/* ---- fit-response by hand ------------------------------------------------ */

static double
metric (const FlOutcome *outcome, const char *name, const char *group)
{
  return test_metric (outcome, name, group);
}

/* All probabilities are 0 or 1.  By the validation ratings user 0 fits category 0 and
 * not 1, user 1 category 1 and not 0.  Impacts: who is recommended a category comes to
 * fit it, who is not keeps no fit. */
static void
two_rounds_by_hand (void **state)
{
  const char *const settings[] = { "consume=0;1", "self-impact=0;1;0;1", "leave-below=1",
                                   "patience=2", NULL };
  g_autoptr (FlInstance) response
      = test_instance_new (registry, FL_KIND_MITIGATOR, "fit-response", settings, NULL);
  const FlRoundsKeys keys = { .n = 3, .k = 1, .hidden = 0, .response = response };
  /* User 0 is shown an item of category 0 that he has not seen, user 1 one of category 0. */
  static const uint32_t first[] = { 1, 0 }, second[] = { 2, 1 }, third[] = { 3, 2 };
  static const uint32_t one[] = { 1, 1 };
  g_autoptr (FlOutcome) a = fl_outcome_new ();
  g_autoptr (FlOutcome) b = fl_outcome_new ();
  g_autoptr (FlOutcome) c = fl_outcome_new ();
  g_auto (World) w;
  FlLoop *loop;

  (void) state;
  world_init (&w);
  loop = fl_loop_new (&keys, &w.split, NULL);
  assert_true (fl_loop_respond (loop, &(FlLists) { sizeof (FlLists), 2, 1, first, one }, 0, 1, a, NULL));
  assert_true (metric (a, "fit-rate", "g=0,c=0") == 1 && metric (a, "fit-rate", "g=0,c=1") == 0);
  assert_true (metric (a, "fit-rate", "g=1,c=0") == 0 && metric (a, "fit-rate", "g=1,c=1") == 1);
  assert_true (metric (a, "fit-gap", NULL) == 1);
  /* User 0 fits what he is shown and takes it; user 1 does not.  A consumed rating is
   * the mean of the training ratings from 4 on. */
  assert_true (metric (a, "consumed", "g=0") == 1 && metric (a, "consumed", "g=1") == 0);
  assert_int_equal (w.split.train->n, 3);
  assert_true (rating_of (w.split.train, 0, 1) == 5);
  assert_true (metric (a, "exposure", "g=1,c=0") == 1);
  assert_true (metric (a, "providers", NULL) == 1);
  /* Both were recommended category 0 and not 1: both fit 0 alone. */
  assert_true (fl_loop_respond (loop, &(FlLists) { sizeof (FlLists), 2, 1, second, one }, 1, 2, b, NULL));
  assert_true (metric (b, "fit-rate", "g=0,c=0") == 1 && metric (b, "fit-rate", "g=0,c=1") == 0);
  assert_true (metric (b, "fit-rate", "g=1,c=0") == 1 && metric (b, "fit-rate", "g=1,c=1") == 0);
  assert_true (metric (b, "fit-gap", NULL) == 0);
  assert_true (metric (b, "consumed", "g=0") == 0 && metric (b, "consumed", "g=1") == 1);
  assert_int_equal (w.split.train->n, 4);
  assert_true (rating_of (w.split.train, 1, 1) == 5);
  assert_true (metric (b, "providers", NULL) == 1);
  /* Nobody consumed items 0, 2 and 3 in two rounds; item 1 each time somebody did. */
  assert_true (fl_loop_respond (loop, &(FlLists) { sizeof (FlLists), 2, 1, third, one }, 2, 3, c, NULL));
  assert_true (metric (c, "providers", NULL) == 0.25);
  assert_true (metric (c, "providers", "c=0") == 0.5 && metric (c, "providers", "c=1") == 0);
  assert_true (metric (c, "fit-rate", "g=0,c=1") == 1 && metric (c, "fit-rate", "g=1,c=1") == 0);
  fl_loop_free (loop);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_is_consumed_is_known), cmocka_unit_test (nothing_else_is_consumed),
    cmocka_unit_test (courses_are_kept),          cmocka_unit_test (who_left_is_in_no_list),
    cmocka_unit_test (seeds),                     cmocka_unit_test (two_rounds_by_hand),
  };
  GError *error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  if (registry == NULL)
    g_error ("%s", error->message);
  failed = cmocka_run_group_tests_name ("rounds", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
