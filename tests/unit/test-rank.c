/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Top-K lists against sorting all scores of a user, to the last digit; what views
 * and objectives make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/matrix-model.h"
#include "tests/support/slow.h"

/* ---- a small world ------------------------------------------------------- */

typedef struct
{
  uint32_t n_users, n_items;
  size_t rank;
  double *P, *Q;
  float *P32, *Q32;
  FlRatings *train, *validation;
  MatrixModel model;
} World;

typedef enum
{
  IN_DOUBLE,
  IN_FLOAT,
  BY_SCORES
} Form;

/* User 0 has rated everything, user 1 nothing; the others `density`. */
static FlRatings *
some_ratings (FlRng *rng, const World *w, double density)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();

  for (uint32_t u = 0; u < w->n_users; u++)
    for (uint32_t i = 0; i < w->n_items; i++)
      if (u == 0 || (u != 1 && fl_rng_uniform (rng) < density))
        fl_triplets_add (triplets, u, i, 1);
  return fl_triplets_make_ratings (triplets, w->n_users, w->n_items, NULL);
}

/* Whole numbers make ties of most scores; others show each digit of a sum. */
static void
fill (FlRng *rng, size_t n, gboolean whole, double *f64, float *f32)
{
  for (size_t k = 0; k < n; k++)
    {
      f64[k] = whole ? (double) fl_rng_below (rng, 5) - 2.0 : fl_rng_normal (rng);
      f32[k] = (float) f64[k];
    }
}

static void
world_init (World *w, uint32_t n_users, uint32_t n_items, size_t rank, Form form, gboolean whole)
{
  FlRng rng = fl_rng (n_items, "rank", rank);
  FlFactors factors = { .n_users = n_users, .n_items = n_items, .rank = rank };

  *w = (World) { .n_users = n_users, .n_items = n_items, .rank = rank,
                 .P = g_new (double, n_users * rank), .Q = g_new (double, n_items * rank),
                 .P32 = g_new (float, n_users * rank), .Q32 = g_new (float, n_items * rank) };
  fill (&rng, n_users * rank, whole, w->P, w->P32);
  fill (&rng, n_items * rank, whole, w->Q, w->Q32);
  w->train = some_ratings (&rng, w, 0.2);
  w->validation = some_ratings (&rng, w, 0.1);
  if (form == IN_FLOAT)
    {
      factors.user_f32 = w->P32;
      factors.item_f32 = w->Q32;
    }
  else
    {
      factors.user_f64 = w->P;
      factors.item_f64 = w->Q;
    }
  matrix_model_init (&w->model, &factors, form == BY_SCORES);
}

static void
world_clear (World *w)
{
  g_free (w->P);
  g_free (w->Q);
  g_free (w->P32);
  g_free (w->Q32);
  fl_ratings_free (w->train);
  fl_ratings_free (w->validation);
}

static FlRanking
ranking_of (const World *w)
{
  return (FlRanking) { .n_users = w->n_users, .n_items = w->n_items,
                       .factors = w->model.scored ? NULL : &w->model.factors,
                       .model = &w->model.instance,
                       .seen = { &w->train->by_user, &w->validation->by_user } };
}

/* ---- the oracle --------------------------------------------------------- */

typedef struct
{
  double score;
  uint64_t key; /* of equal scores */
  uint32_t item;
} Scored;

static int
by_place (const void *a, const void *b)
{
  const Scored *x = a, *y = b;

  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  return x->key < y->key ? -1 : x->key > y->key;
}

static gboolean
has_seen (const FlCsr *rows, uint32_t u, uint32_t i)
{
  for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
    if (rows->col[k] == i)
      return TRUE;
  return FALSE;
}

/* The chain of sums that a score is: multiplied and added in one step where the
 * instruction set has it. */
static double
score_of (const World *w, uint32_t u, uint32_t i)
{
#if defined __FP_FAST_FMA && defined __FP_FAST_FMAF
  gboolean fused = TRUE;
#else
  gboolean fused = strcmp (fl_isa_name (), "base") != 0;
#endif
  const FlFactors *f = &w->model.factors;
  const FlModelOps *ops = w->model.instance.ops;
  double sum = 0;
  float sum32 = 0;

  if (w->model.scored)
    ops->score (w->model.instance.self, 1, &u, 1, &i, &sum, NULL);
  for (size_t a = 0; !w->model.scored && a < w->rank; a++)
    if (f->user_f32 != NULL)
      {
        float p = f->user_f32[u * w->rank + a], q = f->item_f32[i * w->rank + a];

        sum = sum32 = fused ? fmaf (p, q, sum32) : sum32 + p * q;
      }
    else
      {
        double p = f->user_f64[u * w->rank + a], q = f->item_f64[i * w->rank + a];

        sum = fused ? fma (p, q, sum) : sum + p * q;
      }
  return sum;
}

/* All candidates of user u, sorted; their number. */
static size_t
sort_candidates (const World *w, const FlRanking *ranking, uint32_t u, Scored *list)
{
  size_t n = 0;

  for (uint32_t i = 0; i < w->n_items; i++)
    {
      gboolean seen = FALSE;

      for (size_t s = 0; s < 2; s++)
        seen = seen || (ranking->seen[s] != NULL && has_seen (ranking->seen[s], u, i));
      if (!seen)
        list[n++] = (Scored) { score_of (w, u, i), ranking->ties == FL_TIES_BY_INDEX ? i
                               : fl_ranking_tie_key (fl_ranking_tie_user (ranking->seed, u), i),
                               i };
    }
  qsort (list, n, sizeof *list, by_place);
  return n;
}

/* The lists of all candidates. */
static FlLists *
sorted_lists (const World *w, const FlRanking *ranking)
{
  FlLists *lists = g_new (FlLists, 1);
  uint32_t *item = g_new (uint32_t, w->n_users * w->n_items), *length = g_new (uint32_t, w->n_users);
  g_autofree Scored *best = g_new (Scored, w->n_items);

  for (uint32_t u = 0; u < w->n_users; u++)
    {
      length[u] = (uint32_t) sort_candidates (w, ranking, u, best);
      for (uint32_t place = 0; place < length[u]; place++)
        item[u * w->n_items + place] = best[place].item;
    }
  *lists = (FlLists) { sizeof *lists, w->n_users, w->n_items, item, length };
  return lists;
}

static void
compare_lists (const FlLists *lists, const FlLists *sorted)
{
  assert_int_equal (lists->n_users, sorted->n_users);
  for (uint32_t u = 0; u < lists->n_users; u++)
    {
      size_t n = 0, n_best = 0;
      const uint32_t *list = fl_list (lists, u, lists->k, &n);
      const uint32_t *best = fl_list (sorted, u, lists->k, &n_best);

      if (n != n_best)
        fail_msg ("user %u has %zu items of %zu, expected %zu", u, n, lists->k, n_best);
      for (size_t place = 0; place < n; place++)
        if (list[place] != best[place])
          fail_msg ("user %u, place %zu of %zu: item %u, expected %u", u, place, lists->k,
                    list[place], best[place]);
    }
}

static void
check_lists (const World *w, const FlRanking *ranking, const FlLists *lists)
{
  g_autoptr (FlLists) sorted = sorted_lists (w, ranking);

  compare_lists (lists, sorted);
}

static void
check_scores (const World *w, const FlLists *lists, const double *score)
{
  for (uint32_t u = 0; u < lists->n_users; u++)
    for (size_t at = u * lists->k; at < u * lists->k + lists->length[u]; at++)
      if (score[at] != score_of (w, u, lists->item[at]))
        fail_msg ("user %u, item %u: score %g, expected %g", u, lists->item[at], score[at],
                  score_of (w, u, lists->item[at]));
}

/* Whether the neighbours in the list of all candidates have the same score. */
static void
check_tied (const World *w, const FlLists *lists, const FlLists *sorted, const uint8_t *tied)
{
  for (uint32_t u = 0; u < lists->n_users; u++)
    for (size_t place = 0; place < lists->length[u]; place++)
      {
        const uint32_t *all = sorted->item + u * sorted->k;
        double score = score_of (w, u, all[place]);
        gboolean equal = (place > 0 && score_of (w, u, all[place - 1]) == score)
                         || (place + 1 < sorted->length[u]
                             && score_of (w, u, all[place + 1]) == score);

        if (tied[u * lists->k + place] != equal)
          fail_msg ("user %u, place %zu of %zu: tied is %d, expected %d", u, place, lists->k,
                    tied[u * lists->k + place], equal);
      }
}

/* ---- tests -------------------------------------------------------------- */

/* For each K, with one thread and with three; how many rankings. */
static size_t
check_world (const World *w, const FlRanking *ranking)
{
  g_autoptr (FlLists) sorted = sorted_lists (w, ranking);
  int threads_max = test_is_slow () ? 1 : 3;
  size_t n = 0;

  for (size_t k = 1; k <= w->n_items; k = k < w->n_items ? MIN (3 * k, w->n_items) : k + 1)
    for (int threads = 1; threads <= threads_max; threads += 2, n++)
      {
        g_autoptr (FlLists) lists = NULL, scored = NULL;
        g_autofree double *score = NULL;
        g_autofree uint8_t *tied = NULL;

        omp_set_num_threads (threads);
        lists = fl_ranking_lists (ranking, k, NULL);
        assert_non_null (lists);
        compare_lists (lists, sorted);
        scored = fl_ranking_scored_lists (ranking, k, &score, &tied, NULL);
        assert_non_null (scored);
        compare_lists (scored, sorted);
        check_tied (w, scored, sorted, tied);
        check_scores (w, scored, score);
      }
  return n;
}

/* Shapes on both sides of tiles, strips, panels and blocks. */
static void
test_against_sorting (void **state)
{
  static const struct
  {
    uint32_t n_users, n_items;
    size_t rank;
  } shapes[] = { { 2, 1, 1 },    { 5, 17, 3 },   { 13, 255, 5 },    { 14, 256, 4 },
                 { 29, 257, 8 }, { 85, 700, 10 }, { 9, 5000, 64 } };
  size_t n = 0;

  (void) state;
  for (size_t s = 0; s < G_N_ELEMENTS (shapes); s++)
    for (int form = 0; form < 6; form++)
      {
        World w;
        FlRanking ranking;

        world_init (&w, shapes[s].n_users, shapes[s].n_items, shapes[s].rank, (Form) (form % 3),
                    form < 3);
        ranking = ranking_of (&w);
        for (int masks = test_is_slow () ? 2 : 0; masks < 3; masks++)
          {
            ranking.seen[0] = masks > 0 ? &w.train->by_user : NULL;
            ranking.seen[1] = masks > 1 ? &w.validation->by_user : NULL;
            ranking.ties = masks == 1 ? FL_TIES_BY_INDEX : FL_TIES_DRAWN;
            n += check_world (&w, &ranking);
          }
        world_clear (&w);
      }
  print_message ("%s: %zu rankings are those of sorting\n", fl_isa_name (), n);
}

/* Scores that rise from item to item, and all the same: every bound is wrong. */
static void
test_unkind_orders (void **state)
{
  (void) state;
  for (int rising = 0; rising < 2; rising++)
    for (int form = 0; form < 3; form++)
      {
        World w;
        FlRanking ranking;

        world_init (&w, 7, 3000, 1, (Form) form, TRUE);
        for (uint32_t u = 0; u < w.n_users; u++)
          w.P[u] = w.P32[u] = 1.0f;
        for (uint32_t i = 0; i < w.n_items; i++)
          w.Q[i] = w.Q32[i] = rising ? (float) i : 0.5f;
        ranking = ranking_of (&w);
        check_world (&w, &ranking);
        world_clear (&w);
      }
}

/* Where scores say nothing, each item is as likely in a list as any other, and another seed
 * draws other lists. */
static void
test_drawn (void **state)
{
  enum { N_USERS = 20000, N_ITEMS = 50, K = 10 };
  g_autofree double *ones = g_new (double, N_USERS);
  const FlFactors factors = { .n_users = N_USERS, .n_items = N_ITEMS, .rank = 1,
                              .user_f64 = ones, .item_f64 = ones };
  FlRanking ranking = { .n_users = N_USERS, .n_items = N_ITEMS, .factors = &factors };
  size_t count[N_ITEMS] = { 0 }, first[N_ITEMS] = { 0 }, n_common = 0;

  (void) state;
  for (size_t u = 0; u < N_USERS; u++)
    ones[u] = 1;
  g_autoptr (FlLists) lists = fl_ranking_lists (&ranking, K, NULL);
  ranking.seed = 1;
  g_autoptr (FlLists) others = fl_ranking_lists (&ranking, K, NULL);
  for (size_t at = 0; at < (size_t) N_USERS * K; at++)
    {
      count[lists->item[at]]++;
      first[lists->item[at]] += at % K == 0;
      n_common += lists->item[at] == others->item[at];
    }
  for (size_t i = 0; i < N_ITEMS; i++)
    {
      assert_true (fabs ((double) count[i] - 4000.0) < 300); /* 5 deviations of 57 */
      assert_true (fabs ((double) first[i] - 400.0) < 100);  /* 5 of 20            */
    }
  assert_true (fabs ((double) n_common - 4000.0) < 320);
}

static void
test_not_finite (void **state)
{
  (void) state;
  for (int form = 0; form < 3; form++)
    {
      World w;
      FlRanking ranking;
      GError *error = NULL;

      world_init (&w, 9, 30, 4, (Form) form, TRUE);
      ranking = ranking_of (&w);
      w.P[5 * w.rank + 2] = INFINITY;
      w.P32[5 * w.rank + 2] = INFINITY;
      w.P[7 * w.rank + 2] = NAN;
      w.P32[7 * w.rank + 2] = NAN;
      for (uint32_t i = 0; i < w.n_items; i++)
        w.Q[i * w.rank + 2] = w.Q32[i * w.rank + 2] = 1;
      assert_null (fl_ranking_lists (&ranking, 3, &error));
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
      assert_string_equal (error->message, "model matrix: the score of user 5 and item 0 is inf");
      g_clear_error (&error);
      world_clear (&w);
    }
}

/* What a view shows of its lists, on each part. */
static void
test_view (void **state)
{
  World w;
  FlView *view;
  FlData data;
  GError *error = NULL;

  (void) state;
  world_init (&w, 20, 25, 3, IN_DOUBLE, TRUE);
  data = FL_DATA (.train = w.train, .validation = w.validation);
  for (int part = 0; part < 3; part++)
    {
      FlRanking ranking = ranking_of (&w);

      if (part != FL_PART_TEST)
        ranking.seen[1] = NULL;
      view = fl_view_of (&data, w.train, (FlPart) part, &w.model.instance, NULL);
      assert_non_null (view);
      assert_ptr_equal (view->train, w.train);
      assert_null (view->lists);
      assert_int_equal (view->k, 0);
      assert_true (fl_view_lists (view, 7, NULL));
      assert_int_equal (view->k, 7);
      check_lists (&w, &ranking, view->lists);
      assert_true (fl_view_lists (view, 25, NULL));
      check_lists (&w, &ranking, view->lists);
      assert_false (fl_view_lists (view, 26, &error));
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
      assert_string_equal (error->message, "lists of 26 items are wanted, and there are 25 items");
      g_clear_error (&error);
      assert_true (fl_view_update (view, NULL));
      assert_null (view->lists);
      fl_view_free (view);
    }
  world_clear (&w);
}

/* Users that a mitigator added are behind the others. */
static void
test_view_of_augmented (void **state)
{
  g_autofree double *rows = NULL;
  FlRatings *more;
  FlRng rng;
  FlRanking ranking;
  World w;
  FlView *view;
  FlData data;

  (void) state;
  world_init (&w, 22, 25, 3, IN_DOUBLE, TRUE);
  w.n_users = 20;
  fl_ratings_free (w.train);
  rng = fl_rng (1, "again", 0);
  w.train = some_ratings (&rng, &w, 0.3);
  rows = g_new0 (double, 2 * 25);
  more = fl_ratings_append (w.train, FL_SIDE_USER, 2, rows, NULL);
  data = FL_DATA (.train = more, .n_users = 20, .n_items = 25);
  view = fl_view_new (&data, FL_PART_TRAIN, &w.model.instance, NULL);
  assert_non_null (view);
  assert_int_equal (view->train->n_users, 20);
  assert_int_equal (view->train->n, w.train->n);
  assert_int_equal (view->train->by_item.start[25], w.train->n);
  assert_true (fl_view_lists (view, 4, NULL));
  ranking = ranking_of (&w);
  ranking.seen[1] = NULL;
  check_lists (&w, &ranking, view->lists);
  fl_view_free (view);
  fl_ratings_free (more);
  world_clear (&w);
}

/* ---- results ------------------------------------------------------------ */

static const FlValue toy_values[] = { { .name = "toy" }, { .name = "empty" }, FL_VALUE_END };

/* Of user u: u; user 1 is undefined. */
static gboolean
toy_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree double *each = g_new (double, view->n_users);

  (void) self;
  (void) error;
  for (uint32_t u = 0; u < view->n_users; u++)
    each[u] = u == 1 ? NAN : (double) u;
  fl_result_means (result, 0, FL_SIDE_USER, each);
  fl_result_set_n (result, 1, NAN, 0);
  return TRUE;
}

static void
expect_metric (const FlMetric *metric, const char *name, const char *group, double value,
               size_t n)
{
  assert_string_equal (metric->name, name);
  assert_int_equal (metric->k, 5);
  assert_int_equal (g_strcmp0 (metric->group, group), 0);
  assert_true (metric->value == value || (isnan (value) && isnan (metric->value)));
  assert_int_equal (metric->n, n);
}

/* Four users; user 3 is in both groups, user 1 alone in none that counts. */
static void
test_means (void **state)
{
  static const FlObjectiveOps ops = { .values = toy_values, .evaluate = toy_evaluate };
  static const FlPlugin plugin = FL_DESCRIPTOR (.kind = FL_KIND_OBJECTIVE, .name = "toy");
  static const FlInstance toy = { .plugin = &plugin, .ops = &ops };
  static const uint32_t start[] = { 0, 1, 2, 3, 5 }, member[] = { 0, 2, 1, 0, 1 };
  FlOutcome *outcome = fl_outcome_new ();
  FlGroups *groups = test_groups_new ("age", 3, 4, start, member);
  const FlEach *each;
  World w;
  FlView *view;
  FlData data;

  (void) state;
  world_init (&w, 4, 6, 2, IN_DOUBLE, TRUE);
  data = FL_DATA (.train = w.train, .user_groups = groups);
  view = fl_view_of (&data, w.train, FL_PART_TEST, &w.model.instance, NULL);
  assert_true (fl_objective_run (&toy, NULL, view, 5, outcome, NULL));
  assert_int_equal (outcome->metrics->len, 5);
  expect_metric (g_ptr_array_index (outcome->metrics, 0), "toy", NULL, 5.0 / 3.0, 3);
  expect_metric (g_ptr_array_index (outcome->metrics, 1), "toy", "age=0", 1.5, 2);
  expect_metric (g_ptr_array_index (outcome->metrics, 2), "toy", "age=1", 2.5, 2);
  expect_metric (g_ptr_array_index (outcome->metrics, 3), "toy", "age=2", NAN, 0);
  expect_metric (g_ptr_array_index (outcome->metrics, 4), "empty", NULL, NAN, 0);
  assert_int_equal (outcome->each->len, 1);
  each = g_ptr_array_index (outcome->each, 0);
  assert_int_equal (each->k, 5);
  assert_int_equal (each->n, 4);
  assert_true (each->value[0] == 0 && isnan (each->value[1]) && each->value[3] == 3);
  fl_view_free (view);
  fl_outcome_free (outcome);
  fl_groups_free (groups);
  world_clear (&w);
}

int
main (int argc, char **argv)
{
  static const char *const lower[] = { "base", "v3" };
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_against_sorting),  cmocka_unit_test (test_unkind_orders),
    cmocka_unit_test (test_drawn),
    cmocka_unit_test (test_not_finite),       cmocka_unit_test (test_view),
    cmocka_unit_test (test_view_of_augmented), cmocka_unit_test (test_means),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);

  /* The same with the kernels of lesser processors. */
  (void) argc;
  for (size_t i = 0; failed == 0 && getenv ("FAIRLEAD_ISA") == NULL && i < G_N_ELEMENTS (lower)
                     && strcmp (lower[i], fl_isa_name ()) != 0; i++)
    {
      g_autofree char *command = g_strdup_printf ("FAIRLEAD_ISA=%s '%s'", lower[i], argv[0]);

      failed = system (command) != 0;
    }
  return failed;
}
