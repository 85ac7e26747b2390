/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Views, what objectives say of them, and the gradients of every objective
 * found against central differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "tests/support/matrix-model.h"
#include "tests/support/slow.h"

/* ---- a small random world ---------------------------------------------- */

typedef struct
{
  uint32_t n_users, n_items;
  size_t rank;
  double *P, *Q; /* factors */
  FlRatings *ratings;
  FlGroups *user_groups, *item_groups;
  FlData data;
  MatrixModel model;
} World;

/* Entity e is in group e % 3, every fourth also in the next one. */
static FlGroups *
overlapping_groups (const char *name, uint32_t n)
{
  g_autofree uint32_t *start = g_new (uint32_t, n + 1), *member = g_new (uint32_t, 2 * n);
  uint32_t count = 0;

  for (uint32_t e = 0; e < n; e++)
    {
      start[e] = count;
      member[count++] = e % 3;
      if (e % 4 == 0)
        member[count++] = (e + 1) % 3;
    }
  start[n] = count;
  return test_groups_new (name, 3, n, start, member);
}

/* Every seventh user has no rating, nor has every fifth item. */
static FlRatings *
some_ratings (FlRng *rng, uint32_t n_users, uint32_t n_items, double density)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();

  for (uint32_t u = 0; u < n_users; u++)
    for (uint32_t i = 0; i < n_items; i++)
      if (u % 7 != 0 && i % 5 != 0 && fl_rng_uniform (rng) < density)
        fl_triplets_add (triplets, u, i, 1 + fl_rng_below (rng, 5));
  return fl_triplets_make_ratings (triplets, n_users, n_items, NULL);
}

static void
world_init (World *w, uint32_t n_users, uint32_t n_items, size_t rank, gboolean scored)
{
  FlRng rng = fl_rng (n_users, "world", rank);

  *w = (World) { .n_users = n_users, .n_items = n_items, .rank = rank };
  w->P = g_new (double, n_users *rank);
  w->Q = g_new (double, n_items *rank);
  for (size_t k = 0; k < n_users * rank; k++)
    w->P[k] = 1.0 + 0.5 * fl_rng_normal (&rng);
  for (size_t k = 0; k < n_items * rank; k++)
    w->Q[k] = 1.0 + 0.5 * fl_rng_normal (&rng);
  w->ratings = some_ratings (&rng, n_users, n_items, 0.5);
  w->user_groups = overlapping_groups ("age", n_users);
  w->item_groups = overlapping_groups ("genre", n_items);
  w->data = FL_DATA (.train = w->ratings, .user_groups = w->user_groups,
                       .item_groups = w->item_groups);
  matrix_model_init (&w->model,
                     &(FlFactors) { .n_users = n_users, .n_items = n_items, .rank = rank,
                                    .user_f64 = w->P, .item_f64 = w->Q },
                     scored);
}

static void
world_clear (World *w)
{
  g_free (w->P);
  g_free (w->Q);
  fl_ratings_free (w->ratings);
  fl_groups_free (w->user_groups);
  fl_groups_free (w->item_groups);
}

static double
score_of (const World *w, uint32_t u, uint32_t i)
{
  double sum = 0.0;

  for (size_t a = 0; a < w->rank; a++)
    sum += w->P[u * w->rank + a] * w->Q[i * w->rank + a];
  return sum;
}

static void
assert_near (double a, double b, double tolerance)
{
  if (!(fabs (a - b) <= tolerance * MAX (1.0, fabs (b))) && !(isnan (a) && isnan (b)))
    fail_msg ("%.17g is not %.17g within %g", a, b, tolerance);
}

/* ---- views ------------------------------------------------------------- */

static void
check_predictions (const World *w, const FlView *view)
{
  assert_int_equal (view->n, view->user_start[view->n_users]);
  for (size_t k = 0; k < view->n; k++)
    assert_near (view->predicted[k], score_of (w, view->user[k], view->item[k]), 1e-13);
}

static void
test_view (void **state)
{
  (void) state;
  for (int scored = 0; scored < 2; scored++)
    {
      World w;
      GError *error = NULL;
      FlView *view;
      uint32_t user[2] = { 3, 0 }, item[1] = { 2 };
      double block[2];

      world_init (&w, 20, 11, 3, scored);
      view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, &error);
      assert_non_null (view);
      check_predictions (&w, view);
      assert_true ((view->factors == NULL) == scored);
      assert_int_equal (view->n_user_groups, 3);
      assert_true (fl_view_score (view, 2, user, 1, item, block, &error));
      assert_near (block[0], score_of (&w, 3, 2), 1e-13);
      assert_near (block[1], score_of (&w, 0, 2), 1e-13);
      w.P[5 * 3] += 1.0;
      assert_true (fl_view_update (view, &error));
      check_predictions (&w, view);
      fl_view_free (view);
      world_clear (&w);
    }
}

/* A mitigator added users: the view is of those before them. */
static void
test_view_of_fewer_users (void **state)
{
  World w;
  GError *error = NULL;
  FlView *view;

  (void) state;
  world_init (&w, 20, 11, 3, FALSE);
  w.data.n_users = 12;
  w.data.user_groups = NULL;
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, &error);
  assert_non_null (view);
  assert_int_equal (view->n_users, 12);
  assert_int_equal (view->factors->n_users, 12);
  assert_int_equal (view->n, w.ratings->by_user.start[12]);
  check_predictions (&w, view);
  fl_view_free (view);
  world_clear (&w);
}

static void
test_view_without_ratings (void **state)
{
  World w;
  GError *error = NULL;
  FlView *view;

  (void) state;
  world_init (&w, 20, 11, 3, FALSE);
  view = fl_view_of (&w.data, NULL, FL_PART_TEST, &w.model.instance, &error);
  assert_non_null (view);
  assert_int_equal (view->n, 0);
  assert_int_equal (view->user_start[20], 0);
  fl_view_free (view);
  world_clear (&w);
}

static void
assert_error (GError **error, FlErrorCode code, const char *words)
{
  assert_true (g_error_matches (*error, FL_ERROR, (gint) code));
  if (strstr ((*error)->message, words) == NULL)
    fail_msg ("\"%s\" does not say \"%s\"", (*error)->message, words);
  g_clear_error (error);
}

static void
test_view_refusals (void **state)
{
  (void) state;
  for (int scored = 0; scored < 2; scored++)
    {
      World w;
      GError *error = NULL;

      world_init (&w, 20, 11, 3, scored);
      assert_null (fl_view_new (&w.data, FL_PART_TEST, &w.model.instance, &error));
      assert_error (&error, FL_ERROR_CONFIG, "no test ratings");
      assert_null (fl_view_new (&w.data, FL_PART_VALIDATION, &w.model.instance, &error));
      assert_error (&error, FL_ERROR_CONFIG, "no validation ratings");
      w.P[8 * 3 + 1] = NAN;
      assert_null (fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, &error));
      assert_error (&error, FL_ERROR_NUMERIC, "model matrix: the score of user 8");
      w.P[8 * 3 + 1] = 1.0;
      w.model.factors.n_items = 10;
      if (!scored)
        {
          assert_null (fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, &error));
          assert_error (&error, FL_ERROR_PLUGIN, "wanted 20 and 11");
        }
      world_clear (&w);
    }
}

/* ---- what objectives say ----------------------------------------------- */

static const FlValue toy_values[] = { { .name = "toy", .direction = FL_HIGHER_IS_BETTER },
                                      { .name = "toy-worst" },
                                      { .name = "count", .direction = FL_NO_DIRECTION },
                                      FL_VALUE_END };
/* What toy_evaluate sets. */
static struct
{
  size_t value;
  double number;
  uint32_t group;
} toy;

static gboolean
toy_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  double *each = fl_result_each (result, 1, FL_SIDE_ITEM);

  (void) self;
  if (toy.value == 99)
    return fl_fail (error, FL_ERROR_DATA, "does not like %u users", view->n_users);
  each[4] = 0.5;
  fl_result_set (result, toy.value, toy.number);
  fl_result_set_group (result, 1, FL_SIDE_USER, 2, 7.0, 3);
  fl_result_set_group (result, 1, FL_SIDE_ITEM, toy.group, NAN, 0);
  return TRUE;
}

static const FlObjectiveOps toy_ops = { .values = toy_values, .evaluate = toy_evaluate };
static const FlPlugin toy_plugin = FL_DESCRIPTOR (.kind = FL_KIND_OBJECTIVE, .name = "toy");
static const FlInstance toy_instance = { .plugin = &toy_plugin, .ops = &toy_ops };

static FlOutcome *
run_toy (const char *name, GError **error)
{
  FlOutcome *outcome = fl_outcome_new ();
  World w;
  FlView *view;
  gboolean done;

  world_init (&w, 20, 11, 3, FALSE);
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
  done = fl_objective_run (&toy_instance, name, view, 0, outcome, error);
  fl_view_free (view);
  world_clear (&w);
  if (done)
    return outcome;
  assert_int_equal (outcome->metrics->len + outcome->each->len, 0);
  fl_outcome_free (outcome);
  return NULL;
}

static void
test_metrics (void **state)
{
  static const char *const names[][3] = { { "toy", "toy-worst", "count" },
                                          { "mine", "mine-worst", "mine.count" } };
  GError *error = NULL;

  (void) state;
  for (int named = 0; named < 2; named++)
    {
      FlOutcome *outcome;
      FlMetric *metric;

      toy.value = 0;
      toy.number = 0.25;
      toy.group = 1;
      outcome = run_toy (named ? "mine" : NULL, &error);
      assert_non_null (outcome);
      assert_int_equal (outcome->metrics->len, 5);
      assert_true (test_metric (outcome, names[named][0], NULL) == 0.25);
      assert_true (isnan (test_metric (outcome, names[named][1], NULL)));
      assert_true (test_metric (outcome, names[named][1], "age=2") == 7.0);
      metric = g_ptr_array_index (outcome->metrics, 3);
      assert_string_equal (metric->group, "genre=1");
      assert_true (isnan (metric->value) && metric->n == 0);
      metric = g_ptr_array_index (outcome->metrics, 4);
      assert_string_equal (metric->name, names[named][2]);
      assert_string_equal (metric->part, "train");
      assert_int_equal (metric->direction, FL_NO_DIRECTION);
      assert_int_equal (test_each (outcome, names[named][1])->n, 11);
      assert_true (isnan (test_each (outcome, names[named][1])->value[0]));
      fl_outcome_free (outcome);
    }
}

static void
test_metric_refusals (void **state)
{
  GError *error = NULL;

  (void) state;
  toy.value = 0;
  toy.number = NAN;
  toy.group = 0;
  assert_null (run_toy ("mine", &error));
  assert_error (&error, FL_ERROR_NUMERIC, "objective mine: mine is nan");
  toy.number = HUGE_VAL;
  assert_null (run_toy (NULL, &error));
  assert_error (&error, FL_ERROR_NUMERIC, "objective toy: toy is inf");
  toy.value = 3;
  assert_null (run_toy (NULL, &error));
  assert_error (&error, FL_ERROR_PLUGIN, "sets value 3 of 3");
  toy.value = 99;
  assert_null (run_toy (NULL, &error));
  assert_error (&error, FL_ERROR_DATA, "objective toy: does not like 20 users");
  toy.value = 0;
  toy.number = 0.0;
  toy.group = 3;
  assert_null (run_toy (NULL, &error));
  assert_error (&error, FL_ERROR_PLUGIN, "sets group 3 of 3 item groups");
}

/* ---- every objective --------------------------------------------------- */

static FlRegistry *registry;

/* Calls `check` for the objective with its defaults, then with each word of each
 * choice. */
static void
for_each_setting (const FlEntry *entry,
                  void (*check) (const FlInstance *objective, const char *what))
{
  FlInstance *objective = test_instance_new (registry, FL_KIND_OBJECTIVE, entry->plugin.name, NULL,
                                             NULL);

  assert_non_null (objective);
  check (objective, entry->plugin.name);
  fl_instance_free (objective);
  for (const FlParam *p = entry->plugin.params; p != NULL && p->type != FL_TYPE_END; p++)
    {
      g_auto (GStrv) words = g_strsplit (p->words != NULL ? p->words : "", "|", -1);

      for (char **word = words; *word != NULL; word++)
        {
          g_autofree char *setting = g_strconcat (fl_param_key (p), "=", *word, NULL);
          g_autofree char *what = g_strconcat (entry->plugin.name, ", ", setting, NULL);
          const char *const settings[] = { setting, NULL };

          objective = test_instance_new (registry, FL_KIND_OBJECTIVE, entry->plugin.name, settings,
                                         NULL);
          assert_non_null (objective);
          check (objective, what);
          fl_instance_free (objective);
        }
    }
}

static void
for_each_objective (void (*check) (const FlInstance *objective, const char *what))
{
  for (guint k = 0; k < registry->entries->len; k++)
    {
      const FlEntry *entry = g_ptr_array_index (registry->entries, k);

      if (entry->plugin.kind == FL_KIND_OBJECTIVE)
        for_each_setting (entry, check);
    }
}

static const FlObjectiveOps *
ops_of (const FlInstance *objective)
{
  return objective->ops;
}

/* Lists of up to 3 items for those that look at them; another arm's are the same. */
static gboolean
evaluate (const FlInstance *objective, FlView *view, FlOutcome *outcome, GError **error)
{
  size_t k = fl_objective_needs_lists (objective) ? MIN (3, view->n_items) : 0;

  if (k > 0)
    {
      if (!fl_view_lists (view, k, error))
        return FALSE;
      view->other = view->lists;
    }
  return fl_objective_run (objective, NULL, view, (int) k, outcome, error);
}

typedef enum
{
  BY_PREDICTION,
  BY_FACTORS
} Form;

static gboolean
gradient_of (const FlInstance *objective, Form form, const FlView *view, double *loss,
             double *first, double *second, GError **error)
{
  if (form == BY_PREDICTION)
    return ops_of (objective)->gradient (objective->self, view, loss, first, error);
  return fl_objective_gradient_factors (objective, view, loss, first, second, error);
}

/* Loss after moving one number. */
static double
loss_at (const FlInstance *objective, Form form, FlView *view, double *number, double value,
         double *scratch)
{
  double before = *number, loss = NAN;

  *number = value;
  assert_true (fl_view_update (view, NULL));
  assert_true (gradient_of (objective, form, view, &loss, scratch, NULL, NULL));
  *number = before;
  return loss;
}

/* Differs from the derivative by about STEP^2 where the loss is smooth; kinks do
 * not lie this near to random numbers. */
#define STEP 1e-5

static double
central_difference (const FlInstance *objective, Form form, FlView *view, double *number,
                    double *scratch)
{
  return (loss_at (objective, form, view, number, *number + STEP, scratch)
          - loss_at (objective, form, view, number, *number - STEP, scratch))
         / (2 * STEP);
}

/* The worst difference over all n numbers, relative to the largest derivative. */
static double
worst_difference (const FlInstance *objective, Form form, FlView *view, size_t n, double *number,
                  const double *gradient, double *scratch)
{
  double worst = 0.0, largest = 0.0;

  for (size_t k = 0; k < n; k++)
    {
      double d = central_difference (objective, form, view, &number[k], scratch);

      worst = MAX (worst, fabs (d - gradient[k]));
      largest = MAX (largest, fabs (gradient[k]));
    }
  assert_true (largest > 0.0);
  return worst / largest;
}

static void
check_by_factors (const FlInstance *objective, const char *what)
{
  World w;
  FlView *view;
  double d_user[20 * 3], d_item[11 * 3], scratch[20 * 3], loss, worst;

  if (ops_of (objective)->gradient == NULL && ops_of (objective)->gradient_factors == NULL)
    return;
  world_init (&w, 20, 11, 3, FALSE);
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
  assert_true (gradient_of (objective, BY_FACTORS, view, &loss, d_user, d_item, NULL));
  worst = worst_difference (objective, BY_FACTORS, view, 20 * 3, w.P, d_user, scratch);
  worst = MAX (worst, worst_difference (objective, BY_FACTORS, view, 11 * 3, w.Q, d_item, scratch));
  print_message ("%-40s by factors     %.1e\n", what, worst);
  assert_true (worst < 1e-7);
  fl_view_free (view);
  world_clear (&w);
}

/* Predictions are the factors themselves: X and I. */
static void
check_by_prediction (const FlInstance *objective, const char *what)
{
  World w;
  FlView *view;
  double loss, worst;
  double *d_predicted, *scratch, *d_dense;

  if (ops_of (objective)->gradient == NULL)
    return;
  world_init (&w, 20, 11, 11, FALSE);
  for (size_t k = 0; k < 11 * 11; k++)
    w.Q[k] = k % 12 == 0;
  for (size_t k = 0; k < 20 * 11; k++)
    w.P[k] *= 3.0;
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
  d_predicted = g_new (double, view->n);
  scratch = g_new (double, view->n);
  d_dense = g_new0 (double, 20 * 11);
  assert_true (gradient_of (objective, BY_PREDICTION, view, &loss, d_predicted, NULL, NULL));
  for (size_t k = 0; k < view->n; k++)
    d_dense[view->user[k] * 11 + view->item[k]] = d_predicted[k];
  worst = worst_difference (objective, BY_PREDICTION, view, 20 * 11, w.P, d_dense, scratch);
  print_message ("%-40s by predictions %.1e\n", what, worst);
  assert_true (worst < 1e-7);
  g_free (d_predicted);
  g_free (scratch);
  g_free (d_dense);
  fl_view_free (view);
  world_clear (&w);
}

static void
test_gradients (void **state)
{
  (void) state;
  for_each_objective (check_by_prediction);
  for_each_objective (check_by_factors);
}

/* Same bytes for one thread and for three. */
static void
check_threads (const FlInstance *objective, const char *what)
{
  enum { N_USERS = 300, N_ITEMS = 270, RANK = 5 };
  World w;
  FlView *view;
  double loss[2];
  double *d[2];

  if (ops_of (objective)->gradient == NULL && ops_of (objective)->gradient_factors == NULL)
    return;
  (void) what;
  world_init (&w, N_USERS, N_ITEMS, RANK, FALSE);
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
  for (int k = 0; k < 2; k++)
    {
      d[k] = g_new (double, (N_USERS + N_ITEMS) * RANK);
      omp_set_num_threads (k == 0 ? 1 : 3);
      assert_true (fl_objective_gradient_factors (objective, view, &loss[k], d[k],
                                                  d[k] + N_USERS * RANK, NULL));
    }
  omp_set_num_threads (2);
  assert_memory_equal (&loss[0], &loss[1], sizeof loss[0]);
  assert_memory_equal (d[0], d[1], (N_USERS + N_ITEMS) * RANK * sizeof (double));
  g_free (d[0]);
  g_free (d[1]);
  fl_view_free (view);
  world_clear (&w);
}

static void
test_threads (void **state)
{
  (void) state;
  TEST_NEEDS_THREADS ();
  for_each_objective (check_threads);
}

/* Factors, and the same scores without factors; blocks of users and items. */
static void
check_scored (const FlInstance *objective, const char *what)
{
  FlOutcome *outcome[2];

  (void) what;
  for (int scored = 0; scored < 2; scored++)
    {
      World w;
      FlView *view;

      world_init (&w, 300, 270, 5, scored);
      view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
      outcome[scored] = fl_outcome_new ();
      assert_true (evaluate (objective, view, outcome[scored], NULL));
      fl_view_free (view);
      world_clear (&w);
    }
  assert_int_equal (outcome[0]->metrics->len, outcome[1]->metrics->len);
  for (guint k = 0; k < outcome[0]->metrics->len; k++)
    {
      const FlMetric *a = g_ptr_array_index (outcome[0]->metrics, k);
      const FlMetric *b = g_ptr_array_index (outcome[1]->metrics, k);

      assert_string_equal (a->name, b->name);
      assert_near (a->value, b->value, 1e-11);
    }
  fl_outcome_free (outcome[0]);
  fl_outcome_free (outcome[1]);
}

static void
test_scored (void **state)
{
  (void) state;
  for_each_objective (check_scored);
}

/* Rows of factors longer than normal equations may be, as of many layers side by side. */
static void
test_wide_factors (void **state)
{
  FlInstance *objective = test_instance_new (registry, FL_KIND_OBJECTIVE, "polarization", NULL,
                                             NULL);
  g_autofree double *d_user = NULL, *d_item = NULL;
  double value[2], loss;

  (void) state;
  for (int scored = 1; scored >= 0; scored--)
    {
      FlOutcome *outcome = fl_outcome_new ();
      FlView *view;
      World w;

      world_init (&w, 12, 9, FL_NORMAL_MAX + 64, scored);
      view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
      assert_true (evaluate (objective, view, outcome, NULL));
      value[scored] = test_metric (outcome, "polarization", NULL);
      if (!scored)
        {
          d_user = g_new (double, w.n_users * w.rank);
          d_item = g_new (double, w.n_items * w.rank);
          assert_true (fl_objective_gradient_factors (objective, view, &loss, d_user, d_item, NULL));
          assert_near (loss, value[0], 1e-11);
          /* R_pol is of the second degree in either side's factors. */
          assert_near (fl_dot_f64 (w.n_items * w.rank, d_item, w.Q), 2.0 * value[0], 1e-9);
        }
      fl_outcome_free (outcome);
      fl_view_free (view);
      world_clear (&w);
    }
  assert_near (value[0], value[1], 1e-11);
  fl_instance_free (objective);
}

/* A gradient of numbers near the largest: its sums are not finite. */
static gboolean
huge_gradient (gconstpointer self, const FlView *view, double *loss, double *d_predicted,
               GError **error)
{
  (void) self;
  (void) error;
  *loss = 0.0;
  for (size_t k = 0; k < view->n; k++)
    d_predicted[k] = 1.7e308;
  return TRUE;
}

static void
test_gradient_not_finite (void **state)
{
  static const FlValue huge_values[] = { { .name = "huge" }, FL_VALUE_END };
  static const FlObjectiveOps ops = { .values = huge_values, .gradient = huge_gradient };
  static const FlPlugin plugin = FL_DESCRIPTOR (.kind = FL_KIND_OBJECTIVE, .name = "huge");
  static const FlInstance huge = { .plugin = &plugin, .ops = &ops };
  g_autofree double *d_user = NULL;
  GError *error = NULL;
  double loss;
  FlView *view;
  World w;

  (void) state;
  world_init (&w, 20, 11, 3, FALSE);
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
  d_user = g_new (double, w.n_users * w.rank);
  assert_false (fl_objective_gradient_factors (&huge, view, &loss, d_user, NULL, &error));
  assert_error (&error, FL_ERROR_NUMERIC, "the derivative by user factors is inf");
  fl_view_free (view);
  world_clear (&w);
}

/* No ratings, no users: undefined values or an error, never a crash. */
static void
check_empty (const FlInstance *objective, const char *what)
{
  static const uint32_t sizes[][2] = { { 3, 2 }, { 1, 1 }, { 0, 0 }, { 0, 4 }, { 4, 0 } };

  for (size_t s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      World w;
      GError *error = NULL;
      FlRatings *none;
      FlView *view;
      FlOutcome *outcome;

      if (fl_objective_needs_lists (objective) && sizes[s][1] == 0)
        continue; /* no list without items */
      none = fl_ratings_new (sizes[s][0], sizes[s][1], 0, NULL, NULL, NULL, &error);
      outcome = fl_outcome_new ();
      if (none == NULL)
        fail_msg ("%s: %s", what, error->message);
      world_init (&w, sizes[s][0], sizes[s][1], 2, FALSE);
      fl_ratings_free (w.ratings);
      w.ratings = none;
      w.data.train = none;
      view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
      assert_non_null (view);
      if (!evaluate (objective, view, outcome, &error))
        print_message ("%u x %u: %s\n", sizes[s][0], sizes[s][1], error->message);
      g_clear_error (&error);
      fl_outcome_free (outcome);
      fl_view_free (view);
      world_clear (&w);
    }
}

static void
test_empty (void **state)
{
  (void) state;
  for_each_objective (check_empty);
}

static void
test_no_groups (void **state)
{
  static const char *const needy[] = { "group", "value", "parity" };
  World w;
  FlView *view;
  GError *error = NULL;

  (void) state;
  world_init (&w, 20, 11, 3, FALSE);
  w.data.user_groups = w.data.item_groups = NULL;
  view = fl_view_new (&w.data, FL_PART_TRAIN, &w.model.instance, NULL);
  for (size_t k = 0; k < G_N_ELEMENTS (needy); k++)
    {
      FlInstance *objective = test_instance_new (registry, FL_KIND_OBJECTIVE, needy[k], NULL, NULL);
      FlOutcome *outcome = fl_outcome_new ();

      assert_false (fl_objective_run (objective, "mine", view, 0, outcome, &error));
      assert_error (&error, FL_ERROR_CONFIG, "objective mine: ");
      fl_outcome_free (outcome);
      fl_instance_free (objective);
    }
  fl_view_free (view);
  world_clear (&w);
}

/* By hand: errors 1, -2 for user 0 (group 0), 0 for user 1 (groups 1, 2). */
static void
test_rmse_by_hand (void **state)
{
  const uint32_t user[] = { 0, 0, 1 }, item[] = { 0, 1, 1 };
  const double rating[] = { 1, 4, 2 }, P[] = { 2, 2, 0 }, Q[] = { 1, 1 };
  const uint32_t start[] = { 0, 1, 3, 4 }, member[] = { 0, 1, 2, 3 };
  FlGroups *groups = test_groups_new ("age", 4, 3, start, member);
  FlRatings *ratings = fl_ratings_new (3, 2, 3, user, item, rating, NULL);
  FlData data = FL_DATA (.train = ratings, .user_groups = groups);
  FlInstance *rmse = test_instance_new (registry, FL_KIND_OBJECTIVE, "rmse", NULL, NULL);
  FlOutcome *outcome = fl_outcome_new ();
  MatrixModel model;
  FlView *view;

  (void) state;
  matrix_model_init (&model,
                     &(FlFactors) { .n_users = 3, .n_items = 2, .rank = 1, .user_f64 = P,
                                    .item_f64 = Q },
                     FALSE);
  view = fl_view_new (&data, FL_PART_TRAIN, &model.instance, NULL);
  assert_true (fl_objective_run (rmse, NULL, view, 0, outcome, NULL));
  assert_near (test_metric (outcome, "rmse", NULL), sqrt (5.0 / 3.0), 1e-15);
  assert_near (test_metric (outcome, "rmse", "age=0"), sqrt (2.5), 1e-15);
  assert_true (test_metric (outcome, "rmse", "age=1") == 0.0);
  assert_true (test_metric (outcome, "rmse", "age=2") == 0.0);
  assert_true (isnan (test_metric (outcome, "rmse", "age=3")));
  assert_near (test_metric (outcome, "rmse-worst-user-group", NULL), sqrt (2.5), 1e-15);
  assert_true (isnan (test_metric (outcome, "rmse-worst-item-group", NULL)));
  assert_true (isnan (test_each (outcome, "rmse")->value[2]));
  fl_view_free (view);
  fl_outcome_free (outcome);
  fl_instance_free (rmse);
  fl_ratings_free (ratings);
  fl_groups_free (groups);
}

/* ---- nothing to compare ------------------------------------------------- */

/* Users 0 and 1 are group 0, user 2 group 1, user 3 group 2, user 4, who has no rating,
 * group 3; all predictions are 3.  Only groups 0 and 1 have an item in common. */
typedef struct
{
  double P[5], Q[2];
  uint8_t left_out[4];
  FlGroups *groups;
  FlRatings *ratings;
  MatrixModel model;
  FlView *view;
} Apart;

static void
apart_init (Apart *apart)
{
  static const uint32_t user[] = { 0, 1, 2, 3 }, item[] = { 0, 0, 0, 1 };
  static const double rating[] = { 2, 1, 5, 1 }; /* errors 1, 2, -2, 2 */
  static const uint32_t member[] = { 0, 0, 1, 2, 3 };
  GError *error = NULL;
  FlData data;

  *apart = (Apart) { .P = { 3, 3, 3, 3, 3 }, .Q = { 1, 1 } };
  apart->groups = test_groups_new ("age", 4, 5, NULL, member);
  apart->ratings = fl_ratings_new (5, 2, 4, user, item, rating, NULL);
  data = FL_DATA (.train = apart->ratings, .user_groups = apart->groups,
                  .item_groups = NULL);
  matrix_model_init (&apart->model,
                     &(FlFactors) { .n_users = 5, .n_items = 2, .rank = 1, .user_f64 = apart->P,
                                    .item_f64 = apart->Q },
                     FALSE);
  apart->view = fl_view_new (&data, FL_PART_TRAIN, &apart->model.instance, &error);
  g_assert_no_error (error);
}

static void
apart_clear (Apart *apart)
{
  apart->groups->left_out = NULL;
  fl_view_free (apart->view);
  fl_ratings_free (apart->ratings);
  fl_groups_free (apart->groups);
}

/* The value, how many pairs (or groups) are behind it, and the note of pairs or NULL. */
static void
assert_compared (const Apart *apart, const char *plugin, const char *const *settings,
                 const char *name, double value, double n, const char *note)
{
  FlInstance *objective = test_instance_new (registry, FL_KIND_OBJECTIVE, plugin, settings, NULL);
  FlOutcome *outcome = fl_outcome_new ();
  GError *error = NULL;

  fl_objective_run (objective, NULL, apart->view, 0, outcome, &error);
  g_assert_no_error (error);
  assert_near (test_metric (outcome, name, NULL), value, 1e-14);
  assert_near (test_metric_n (outcome, name, NULL), n, 0.0);
  if (note != NULL)
    assert_string_equal (((FlSetting *) outcome->notes->pdata[0])->value, note);
  else
    assert_int_equal (outcome->notes->len, 0);
  fl_outcome_free (outcome);
  fl_instance_free (objective);
}

static void
assert_gradient (const Apart *apart, const char *plugin, const char *const *settings, double loss,
                 const double *slope)
{
  FlInstance *objective = test_instance_new (registry, FL_KIND_OBJECTIVE, plugin, settings, NULL);
  GError *error = NULL;
  double got, each[4];

  if (slope == NULL)
    {
      assert_false (fl_objective_gradient (objective, apart->view, &got, each, &error));
      assert_error (&error, FL_ERROR_DATA, "to compare");
    }
  else
    {
      assert_true (fl_objective_gradient (objective, apart->view, &got, each, &error));
      assert_near (got, loss, 1e-14);
      for (int k = 0; k < 4; k++)
        assert_near (each[k], slope[k], 1e-14);
    }
  fl_instance_free (objective);
}

/* Mean errors of item 0: 3/2 and -2.  Mean squared errors of the groups: 5/2, 4 and 4. */
static void
test_nothing_to_compare (void **state)
{
  static const char *const all[] = { "normalise=all", NULL };
  static const char *const first[] = { "disadvantaged=0", NULL };
  static const char *const last[] = { "disadvantaged=3", NULL };
  static const char *const side[] = { "side=user", NULL };
  static const double slope[] = { 0.5, 0.5, -1.0, 0.0 }; /* of |x|, x = 7/2 */
  Apart apart;

  (void) state;
  apart_init (&apart);
  assert_compared (&apart, "value", NULL, "value", 3.5, 1, "1 of 6");
  assert_compared (&apart, "value", NULL, "value-worst-pair", 3.5, 1, "1 of 6");
  assert_compared (&apart, "value", all, "value", 1.75, 1, "1 of 6");
  assert_compared (&apart, "absolute", NULL, "absolute-penalty", 0.25, 1, "1 of 6");
  assert_compared (&apart, "value", first, "value", 3.5, 1, NULL); /* one item */
  assert_compared (&apart, "value", last, "value", NAN, 0, "0 of 1");
  assert_compared (&apart, "value", last, "value-penalty", NAN, 0, "0 of 1");
  assert_compared (&apart, "group", side, "group", 0.5, 3, NULL);
  assert_gradient (&apart, "value", NULL, 3.5, slope);
  apart_clear (&apart);
}

/* Groups that [data] leaves out of comparisons stay in the table. */
static void
test_left_out (void **state)
{
  static const char *const first[] = { "disadvantaged=0", NULL };
  static const char *const side[] = { "side=user", NULL };
  /* 4 e (L_g - mu) / (G n_g) for groups 0 and 2: L = 5/2 and 4, mu = 13/4 */
  static const double slope[] = { -0.75, -1.5, 0.0, 3.0 };
  Apart apart;

  (void) state;
  apart_init (&apart);
  apart.left_out[1] = apart.left_out[3] = 1;
  ((FlGroups *) apart.view->user_groups)->left_out = apart.left_out;
  assert_compared (&apart, "value", NULL, "value", NAN, 0, "0 of 1"); /* 0 and 2 */
  assert_compared (&apart, "value", first, "value", NAN, 0, "0 of 1");
  assert_compared (&apart, "parity", NULL, "parity", 0.0, 4, NULL);
  assert_compared (&apart, "group", side, "group", 0.5625, 2, NULL);
  assert_gradient (&apart, "group", side, 0.5625, slope);
  apart.left_out[2] = 1;
  assert_compared (&apart, "group", side, "group", NAN, 0, NULL);
  assert_compared (&apart, "group", side, "group-loss", 2.5, 1, NULL);
  assert_gradient (&apart, "group", side, NAN, NULL);
  apart_clear (&apart);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_view),           cmocka_unit_test (test_view_of_fewer_users),
    cmocka_unit_test (test_view_refusals),  cmocka_unit_test (test_view_without_ratings),
    cmocka_unit_test (test_metrics),        cmocka_unit_test (test_metric_refusals),
    cmocka_unit_test (test_rmse_by_hand),   cmocka_unit_test (test_gradients),
    cmocka_unit_test (test_threads),        cmocka_unit_test (test_scored),
    cmocka_unit_test (test_empty),          cmocka_unit_test (test_no_groups),
    cmocka_unit_test (test_wide_factors),   cmocka_unit_test (test_gradient_not_finite),
    cmocka_unit_test (test_left_out),       cmocka_unit_test (test_nothing_to_compare),
  };
  GError *error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  if (registry == NULL)
    g_error ("%s", error->message);
  failed = cmocka_run_group_tests_name ("objectives", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
