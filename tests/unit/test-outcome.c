/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a cell yields survives the way from worker to parent bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/run/run-room.h"

static void
test_round_trip (void **state)
{
  static const double numbers[] = { 0.1, -0.0, 5e-324, 1.0 / 3.0 };
  g_autoptr (FlOutcome) sent = fl_outcome_new (), got = NULL;
  g_autoptr (GVariant) variant = NULL;
  FlMetric metric = { g_strdup ("rmse"), 20, g_strdup ("gender=F"), NULL,
                      FL_HIGHER_IS_BETTER, NAN, 7 };
  FlEach each = { g_strdup ("rmse"), 0, NULL, g_strdup ("test"), FL_INDEX_ITEM, 4,
                  g_memdup2 (numbers, sizeof numbers) };
  const FlMetric *m;
  const FlEach *e;

  (void) state;
  g_ptr_array_add (sent->metrics, g_memdup2 (&metric, sizeof metric));
  g_ptr_array_add (sent->each, g_memdup2 (&each, sizeof each));
  g_ptr_array_add (sent->notes, fl_setting_new ("stop", "converged", ""));
  variant = fl_outcome_to_variant (sent);
  got = fl_outcome_from_variant (variant, NULL);
  assert_non_null (got);
  m = g_ptr_array_index (got->metrics, 0);
  assert_string_equal (m->name, "rmse");
  assert_string_equal (m->group, "gender=F");
  assert_null (m->part);
  assert_int_equal (m->k, 20);
  assert_int_equal (m->n, 7);
  assert_int_equal (m->direction, FL_HIGHER_IS_BETTER);
  assert_true (isnan (m->value));
  e = g_ptr_array_index (got->each, 0);
  assert_int_equal (e->n, 4);
  assert_int_equal (e->index, FL_INDEX_ITEM);
  assert_memory_equal (e->value, numbers, sizeof numbers);
  assert_string_equal (((FlSetting *) g_ptr_array_index (got->notes, 0))->value, "converged");
}

static void
test_garbage (void **state)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_string ("no outcome"));
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_null (fl_outcome_from_variant (variant, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
}

static void
test_notes (void **state)
{
  FlRun *run = fl_run_new (7, NULL, NULL);
  const GPtrArray *notes = fl_run_notes (run);

  (void) state;
  fl_run_note (run, "sweeps", 3);
  fl_run_note (run, "sweeps", 4);
  fl_run_note_stop (run, FL_STOP_CONVERGED, 4);
  fl_run_progress (run, 1, 2, "sweep");
  assert_true (fl_run_seed (run) == 7);
  assert_int_equal (notes->len, 3);
  assert_string_equal (((FlSetting *) g_ptr_array_index (notes, 0))->value, "4");
  fl_run_free (run);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (test_round_trip),
                                      cmocka_unit_test (test_garbage),
                                      cmocka_unit_test (test_notes) };

  return cmocka_run_group_tests_name ("outcome", tests, NULL, NULL);
}
