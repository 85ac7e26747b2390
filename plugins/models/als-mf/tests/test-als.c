/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-mf: precision, threads, its stopping rules, and what it refuses.  The golden
 * set lies with the plugin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/plugin/plugin-room.h"
#include "core/run/run-room.h"
#include "tests/support/slow.h"

static FlRegistry *registry;

/* "rank=3 lambda=0.7" */
static FlInstance *
model_new (const char *settings)
{
  GError *error = NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_MODEL, "als-mf", &error);
  FlInstance *instance;

  g_assert_no_error (error);
  for (size_t i = 0; words[i] != NULL; i++)
    if (words[i][0] != '\0')
      {
        g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);

        g_ptr_array_add (list, fl_setting_new (pair[0], pair[1], "test"));
      }
  instance = fl_instance_new (entry, "model", list, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return instance;
}

static const FlModelOps *
model_ops (const FlInstance *instance)
{
  return instance->ops;
}

static const FlClosedFormOps *
closed_form (const FlInstance *instance)
{
  return model_ops (instance)->closed_form;
}

static FlFactors
model_factors (const FlInstance *instance)
{
  FlFactors factors;

  fl_model_factors (instance, &factors, NULL);
  return factors;
}

static double
factor (const FlFactors *factors, FlSide side, size_t row, size_t column)
{
  size_t k = row * factors->rank + column;

  if (factors->user_f32 != NULL)
    return side == FL_SIDE_USER ? factors->user_f32[k] : factors->item_f32[k];
  return side == FL_SIDE_USER ? factors->user_f64[k] : factors->item_f64[k];
}

/* A rank-2 truth with noise, 12% known; user 0 and item 0 have nothing, and
 * user 1 one rating. */
static FlRatings *
some_ratings (uint32_t n_users, uint32_t n_items)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  FlRng rng = fl_rng (1, "ratings", 0);

  for (uint32_t u = 1; u < n_users; u++)
    for (uint32_t i = 1; i < n_items; i++)
      {
        double r = 3 + sin (u) * cos (i) + cos (3 * u) * sin (2 * i) + 0.3 * fl_rng_normal (&rng);

        if (u == 1 ? i != 7 : fl_rng_uniform (&rng) > 0.12)
          continue;
        fl_triplets_add (triplets, u, i, r);
      }
  return fl_triplets_make_ratings (triplets, n_users, n_items, NULL);
}

static const char *
note (const FlRun *run, const char *name)
{
  const GPtrArray *notes = fl_run_notes (run);

  for (guint k = 0; k < notes->len; k++)
    {
      const FlSetting *setting = g_ptr_array_index (notes, k);

      if (g_str_equal (setting->key, name))
        return setting->value;
    }
  return NULL;
}

static double
note_number (const FlRun *run, const char *name)
{
  assert_non_null (note (run, name));
  return g_ascii_strtod (note (run, name), NULL);
}

static FlRun *
fit (const FlInstance *model, const FlRatings *ratings)
{
  GError *error = NULL;
  FlData data = FL_DATA (.train = ratings);
  FlRun *run = fl_run_new (5, NULL, NULL);

  model_ops (model)->fit (model->self, &data, run, &error);
  g_assert_no_error (error);
  return run;
}

static void
compare (double found, double expected, double tolerance, const char *what)
{
  if (!(fabs (found - expected) <= tolerance * MAX (1, fabs (expected))))
    fail_msg ("%s: %.15g is not %.15g", what, found, expected);
}

/* Three sweeps in single precision keep to those in double. */
static void
test_precision (void **state)
{
  static const char *const settings[] = { "rank=4 lambda=0.5", "rank=4 lambda=0.5 biases=true" };
  g_autoptr (FlRatings) ratings = some_ratings (100, 80);
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 3);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (settings); k++)
    {
      g_autofree char *settings_single = g_strconcat (settings[k], " precision=single", NULL);
      g_autoptr (FlInstance) model = model_new (settings[k]), single = model_new (settings_single);
      FlFactors a, b;

      assert_true (closed_form (model)->start (model->self, ratings, &start, NULL));
      assert_true (closed_form (single)->start (single->self, ratings, &start, NULL));
      for (int sweep = 0; sweep < 3; sweep++)
        {
          assert_true (closed_form (model)->sweep (model->self, NULL));
          assert_true (closed_form (single)->sweep (single->self, NULL));
        }
      a = model_factors (model);
      b = model_factors (single);
      for (size_t c = 0; c < a.n_items * a.rank; c++)
        compare ((double) b.item_f32[c], a.item_f64[c], 1e-3, settings[k]);
      compare (closed_form (single)->objective (single->self),
               closed_form (model)->objective (model->self), 1e-5, "objective");
    }
}

static void
test_threads (void **state)
{
  /* Large enough for the model to use them. */
  static const char *const settings[] = {
    "rank=7 sweeps=4", "rank=20 biases=true sweeps=4 precision=single",
    "rank=3 weighted=true acceleration=anderson tolerance=1e-6", "rank=3 stop=rmse biases=true"
  };
  g_autoptr (FlRatings) ratings = some_ratings (700, 500);

  (void) state;
  TEST_NEEDS_THREADS ();
  for (size_t k = 0; k < G_N_ELEMENTS (settings); k++)
    {
      g_autoptr (FlInstance) one = model_new (settings[k]), other = model_new (settings[k]);
      g_autoptr (FlRun) run = NULL, other_run = NULL;
      FlFactors a, b;

      omp_set_num_threads (1);
      run = fit (one, ratings);
      omp_set_num_threads (3);
      other_run = fit (other, ratings);
      a = model_factors (one);
      b = model_factors (other);
      for (FlSide side = FL_SIDE_USER; side <= FL_SIDE_ITEM; side++)
        for (size_t r = 0; r < (side == FL_SIDE_USER ? a.n_users : a.n_items); r++)
          for (size_t c = 0; c < a.rank; c++)
            assert_true (factor (&a, side, r, c) == factor (&b, side, r, c));
      assert_string_equal (note (run, "objective"), note (other_run, "objective"));
    }
}

/* Anderson acceleration is done, and lower, long before the plain sweeps are. */
static void
test_convergence (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (100, 60);
  g_autoptr (FlInstance) plain = model_new ("rank=2 lambda=0.5 tolerance=1e-8 sweeps=60");
  g_autoptr (FlInstance) fast
      = model_new ("rank=2 lambda=0.5 tolerance=1e-8 sweeps=60 acceleration=anderson");
  g_autoptr (FlInstance) easy = model_new ("rank=3 lambda=5 tolerance=1e-7");
  g_autoptr (FlRun) plain_run = fit (plain, ratings), fast_run = fit (fast, ratings),
                    easy_run = fit (easy, ratings);

  (void) state;
  print_message ("plain: objective %.9g after %s sweeps; Anderson: %.9g after %s\n",
                 note_number (plain_run, "objective"), note (plain_run, "iterations"),
                 note_number (fast_run, "objective"), note (fast_run, "iterations"));
  assert_string_equal (note (plain_run, "stop"), "limit reached");
  assert_string_equal (note (plain_run, "iterations"), "60");
  assert_string_equal (note (fast_run, "stop"), "converged");
  assert_string_equal (note (easy_run, "stop"), "converged");
  assert_true (note_number (fast_run, "objective") < note_number (plain_run, "objective"));
  assert_true (note_number (fast_run, "singular-ratio") > 0.01);
}

/* Converging stops at the sweep at which the objective, formed anew from all
 * ratings after each, says so: what it counts with comes from the equations. */
static void
test_stop (void **state)
{
  static const char *const settings[] = {
    "rank=4 lambda=2", "rank=3 biases=true half=true", "rank=5 biases=true regularise-bias=false",
    "rank=8 weighted=true", "rank=4 lambda=2 precision=single", "rank=30 lambda=1e-7"
  };
  g_autoptr (FlRatings) ratings = some_ratings (100, 80);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (settings); k++)
    {
      g_autofree char *all = g_strconcat (settings[k], " tolerance=1e-4 sweeps=300", NULL);
      g_autoptr (FlInstance) model = model_new (all);
      FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 1);
      g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
      double last = INFINITY, now = INFINITY;
      int n_sweeps = 0;

      assert_true (closed_form (model)->start (model->self, ratings, &start, NULL));
      for (; n_sweeps < 300 && (n_sweeps < 2 || (last - now) / last >= 1e-4); n_sweeps++)
        {
          assert_true (closed_form (model)->sweep (model->self, NULL));
          last = now;
          now = closed_form (model)->objective (model->self);
        }
      assert_true (closed_form (model)->start (model->self, ratings, &start, NULL));
      assert_true (closed_form (model)->converge (model->self, run, NULL));
      print_message ("%s: %d sweeps\n", settings[k], n_sweeps);
      assert_int_equal (n_sweeps, (int) note_number (run, "iterations"));
    }
}

/* Every sweep lowers the objective, whatever the terms. */
static void
test_monotone (void **state)
{
  static const char *const settings[] = { "rank=5 lambda=2", "rank=5 biases=true half=true",
                                          "rank=5 biases=true regularise-bias=false",
                                          "rank=5 weighted=true", "rank=5 precision=single" };
  g_autoptr (FlRatings) ratings = some_ratings (100, 80);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (settings); k++)
    {
      g_autoptr (FlInstance) model = model_new (settings[k]);
      FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 3);
      double last = INFINITY;

      assert_true (closed_form (model)->start (model->self, ratings, &start, NULL));
      for (int sweep = 0; sweep < 12; sweep++)
        {
          double objective;

          assert_true (closed_form (model)->sweep (model->self, NULL));
          objective = closed_form (model)->objective (model->self);
          if (!(objective <= last))
            fail_msg ("%s: %.17g after %.17g", settings[k], objective, last);
          last = objective;
        }
    }
}

/* weighted = true is the parameter times the number of ratings, row by row. */
static void
test_weighted (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (60, 50);
  g_autoptr (FlInstance) weighted = model_new ("rank=3 lambda=0.2 weighted=true");
  g_autoptr (FlInstance) given = model_new ("rank=3 lambda=100");
  double lambda_user[60], lambda_item[50];
  FlClosedFormStart start = { .seed = 1 },
                    start_given
      = { .lambda_user = lambda_user, .lambda_item = lambda_item, .seed = 1 };
  FlFactors a, b;

  (void) state;
  for (size_t u = 0; u < 60; u++)
    lambda_user[u] = 0.2 * (double) (ratings->by_user.start[u + 1] - ratings->by_user.start[u]);
  for (size_t i = 0; i < 50; i++)
    lambda_item[i] = 0.2 * (double) (ratings->by_item.start[i + 1] - ratings->by_item.start[i]);
  assert_true (closed_form (weighted)->start (weighted->self, ratings, &start, NULL));
  assert_true (closed_form (given)->start (given->self, ratings, &start_given, NULL));
  assert_true (closed_form (weighted)->sweep (weighted->self, NULL));
  assert_true (closed_form (given)->sweep (given->self, NULL));
  a = model_factors (weighted);
  b = model_factors (given);
  assert_memory_equal (a.user_f64, b.user_f64, 60 * 3 * sizeof (double));
  assert_memory_equal (a.item_f64, b.item_f64, 50 * 3 * sizeof (double));
  for (size_t c = 0; c < 3; c++) /* without ratings */
    assert_true (a.user_f64[c] == 0 && a.item_f64[c] == 0);
}

static void
test_refused (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (60, 50);
  g_autoptr (FlInstance) model = model_new ("rank=3 lambda=0"), other = model_new ("rank=3");
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 1);
  double item_factors[150];
  GError *error = NULL;

  (void) state;
  assert_true (closed_form (model)->start (model->self, ratings, &start, NULL));
  assert_false (closed_form (model)->sweep (model->self, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
  print_message ("%s\n", error->message);
  assert_non_null (strstr (error->message, "sweep 1: the equations of user 1 "));
  g_clear_error (&error);

  for (size_t k = 0; k < 150; k++)
    item_factors[k] = 1e200;
  start.item_factors = item_factors;
  assert_true (closed_form (other)->start (other->self, ratings, &start, NULL));
  assert_false (closed_form (other)->sweep (other->self, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
  print_message ("%s\n", error->message);
  g_clear_error (&error);
}

static void
test_empty (void **state)
{
  g_autoptr (FlRatings) ratings = fl_ratings_new (3, 2, 0, NULL, NULL, NULL, NULL);
  g_autoptr (FlInstance) model = model_new ("biases=true lambda=0 stop=rmse");
  g_autoptr (FlRun) run = fit (model, ratings);
  FlFactors factors = model_factors (model);

  (void) state;
  for (uint32_t u = 0; u < 3; u++)
    for (uint32_t i = 0; i < 2; i++)
      assert_true (fl_dot_f64 (factors.rank, factors.user_f64 + u * factors.rank,
                               factors.item_f64 + i * factors.rank)
                   == 0);
  assert_true (note_number (run, "objective") == 0);
}

/* From the solution, a sweep goes nowhere. */
static void
test_warm_start (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (60, 50);
  g_autoptr (FlInstance) model
      = model_new ("rank=2 lambda=1 biases=true tolerance=1e-13 acceleration=anderson");
  g_autoptr (FlInstance) again = model_new ("rank=2 lambda=1 biases=true");
  g_autoptr (FlRun) run = fit (model, ratings);
  FlFactors a = model_factors (model), b;
  FlClosedFormStart start = FL_CLOSED_FORM_START (.item_factors = a.item_f64);

  (void) state;
  assert_true (closed_form (again)->start (again->self, ratings, &start, NULL));
  assert_true (closed_form (again)->sweep (again->self, NULL));
  b = model_factors (again);
  for (size_t k = 0; k < 50 * b.rank; k++)
    compare (b.item_f64[k], a.item_f64[k], 1e-5, "item factor");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_precision), cmocka_unit_test (test_threads),
    cmocka_unit_test (test_monotone), cmocka_unit_test (test_convergence),
    cmocka_unit_test (test_stop),
    cmocka_unit_test (test_weighted), cmocka_unit_test (test_refused),
    cmocka_unit_test (test_empty),    cmocka_unit_test (test_warm_start),
  };
  int failed;

  registry = fl_registry_new (NULL, NULL);
  failed = cmocka_run_group_tests_name ("als", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
