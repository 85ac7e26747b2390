/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Plugins built against the frozen headers of each interface work as they did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/data/dataset/dataset-room.h"
#include "tests/conformance/fixture.h"

static const FlEntry *
find (FlKind kind, const char *name)
{
  g_autoptr (GError) error = NULL;
  const FlEntry *entry = fl_registry_find (fixture_registry, kind, name, &error);

  if (entry == NULL)
    fail_msg ("%s", error->message);
  return entry;
}

static FlInstance *
make (FlKind kind, const char *name)
{
  g_autoptr (GError) error = NULL;
  FlInstance *instance = fixture_instance (find (kind, name), NULL, NULL, &error);

  if (instance == NULL)
    fail_msg ("%s", error->message);
  return instance;
}

static void
test_source (void **state)
{
  g_autoptr (FlInstance) source = make (FL_KIND_SOURCE, "frozen-source");
  g_autoptr (FlDataset) dataset = fl_dataset_load (source, NULL, 1, NULL);

  (void) state;
  assert_non_null (dataset);
  assert_int_equal (dataset->n, 3);
  assert_int_equal (dataset->n_items, 2); /* nobody rated the third */
  assert_true (fl_csr_value (&dataset->ratings, 0) == 2);
  assert_string_equal (dataset->attributes[FL_SIDE_USER][0].name, "colour");
}

static void
test_model (void **state)
{
  const FixtureData *data = &fixture_data[2]; /* one user: 1 and 5 */
  g_autoptr (FlInstance) model = make (FL_KIND_MODEL, "frozen-model");
  g_autoptr (FlRatings) ratings = fixture_ratings (data);
  g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
  g_autoptr (FlView) view = NULL;
  FlData all = FL_DATA (.train = ratings);

  (void) state;
  assert_true (fl_model_fit (model, &all, run, NULL));
  view = fl_view_of (&all, ratings, FL_PART_TRAIN, model, NULL);
  assert_non_null (view);
  assert_true (view->predicted[0] == 3.25);
  assert_true (fl_closed_form_sweep (model, NULL));
  assert_true (fl_closed_form_objective (model) == 0.25);
}

static double
metric (const FlOutcome *outcome, const char *name)
{
  for (guint i = 0; i < outcome->metrics->len; i++)
    {
      const FlMetric *m = g_ptr_array_index (outcome->metrics, i);

      if (strcmp (m->name, name) == 0 && m->group == NULL)
        return m->value;
    }
  fail_msg ("no metric %s", name);
  return NAN;
}

static void
test_objective (void **state)
{
  const FixtureData *data = &fixture_data[2];
  g_autoptr (FlInstance) objective = make (FL_KIND_OBJECTIVE, "frozen-objective");
  g_autoptr (FlRatings) ratings = fixture_ratings (data);
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  FlInstance *model = fixture_model (data, TRUE);
  FlData all = FL_DATA (.train = ratings);
  FlView *view = fl_view_of (&all, ratings, FL_PART_TRAIN, model, NULL);
  double loss = 0, d[2] = { 0, 0 };
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_true (fl_objective_run (objective, NULL, view, 0, outcome, &error));
  /* 0.5 + 1 + 1 + 2 + |four| + |/five| + 1.5 + 2.5 + 3 + 4 */
  assert_true (metric (outcome, "sum") == 24.5);
  assert_true (metric (outcome, "seen") == 2);
  assert_true (isnan (metric (outcome, "unset")));
  assert_true (fl_objective_gradient (objective, view, &loss, d, NULL));
  assert_true (d[0] == 1 && loss == view->predicted[0] + view->predicted[1]);
  fl_view_free (view);
  fixture_model_free (model);

  assert_null (fixture_instance (find (FL_KIND_OBJECTIVE, "frozen-objective"), "whole", "7",
                                 &error));
  assert_non_null (strstr (error->message, "whole must not be 7"));
}

static void
test_mitigator (void **state)
{
  g_autoptr (FlInstance) mitigator = make (FL_KIND_MITIGATOR, "frozen-mitigator");
  g_autoptr (FlRatings) ratings = fixture_ratings (&fixture_data[2]), more = NULL;
  g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
  FlData all = FL_DATA (.train = ratings);

  (void) state;
  assert_int_equal (fl_instance_needs (mitigator), FL_NEEDS_FACTORS | FL_NEEDS_CLOSED_FORM);
  assert_null (fl_mitigator_stages (mitigator)->train);
  more = fl_mitigator_augment (mitigator, &FL_STAGE (.data = &all, .run = run), NULL);
  assert_non_null (more);
  assert_int_equal (more->n_users, 2);
  assert_int_equal (more->n, 2 + 3);
}

/* p = q = 1 at the start; the label is 3, the step .25: p <- p + .25 * 2 (3 - p q) q. */
static void
test_trainer (void **state)
{
  g_autoptr (FlInstance) trainer = make (FL_KIND_MITIGATOR, "frozen-trainer");
  g_autoptr (FlInstance) learner = make (FL_KIND_MODEL, "frozen-learner");
  g_autoptr (FlRatings) ratings = fixture_ratings (&fixture_data[2]);
  g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
  FlData all = FL_DATA (.train = ratings);
  g_autoptr (GError) error = NULL;
  FlFactors f;

  (void) state;
  if (!fl_mitigator_train (trainer, &FL_STAGE (.data = &all, .model = learner, .run = run), &error))
    fail_msg ("%s", error->message);
  assert_true (fl_model_factors (learner, &f, NULL));
  printf ("a step of the frozen trainer: %g, wanted 2\n", (double) f.user_f32[0]);
  assert_true (f.user_f32[0] == 2 && f.item_f32[0] == 2);
  assert_true (f.item_f32[1] == 1);
}

/* Its own settings, behind which other numbers stand: nothing decays, nothing overflows. */
static void
test_learner (void **state)
{
  g_autoptr (FlInstance) learner = make (FL_KIND_MODEL, "frozen-learner");
  g_autoptr (FlRatings) ratings = fixture_ratings (&fixture_data[5]);
  g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
  FlData all = FL_DATA (.train = ratings);
  g_autoptr (GError) error = NULL;
  FlTrainingSettings settings;
  FlFactors f;

  (void) state;
  assert_true (fl_model_settings (learner, &settings, NULL));
  assert_int_equal (settings.size, sizeof settings);
  assert_true (settings.weight_decay == 0 && settings.learning_rate == 1e-3);
  if (!fl_model_fit (learner, &all, run, &error))
    fail_msg ("%s", error->message);
  assert_true (fl_model_factors (learner, &f, NULL));
  for (uint32_t i = 0; i < f.n_items; i++)
    assert_true (fabs ((double) f.item_f32[i]) < 10);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_source),
    cmocka_unit_test (test_model),
    cmocka_unit_test (test_objective),
    cmocka_unit_test (test_mitigator), cmocka_unit_test (test_trainer),
    cmocka_unit_test (test_learner),
  };
  /* A build folder may be writable by a group; plugin folders may not. */
  g_autofree char *folder = g_dir_make_tmp ("fairlead-abi-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "frozen.so", NULL);
  g_autofree char *bytes = NULL;
  gsize length = 0;
  int failed;

  if (!g_file_get_contents (TOP_BUILDDIR "/tests/abi/v1/.libs/frozen.so", &bytes, &length, NULL)
      || !g_file_set_contents (file, bytes, (gssize) length, NULL) || chmod (file, 0644) != 0)
    return 99;
  g_setenv ("FAIRLEAD_PLUGIN_PATH", folder, TRUE);
  fixture_open ();
  unlink (file);
  rmdir (folder);
  failed = cmocka_run_group_tests_name ("abi", tests, NULL, NULL);
  fixture_close ();
  return failed;
}
