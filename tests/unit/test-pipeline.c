/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pipelines: what cells come of them, which settings each has, and that every
 * mistake is named with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/run/run-room.h"
#include "tests/plugins/toys.h"

#define DATA "[data]\nsource = toy-data\n"
#define MODEL "[model]\nplugin = toy-factors\n"
#define EVALUATE "[evaluate]\nobjectives = toy-error\n"
#define PLAIN DATA MODEL EVALUATE /* 6 lines */

static FlRegistry *registry;

static FlPipeline *
parse (const char *text, const char *const *sets, const char *const *arms, GError **error)
{
  return fl_pipeline_parse ("p.conf", text, strlen (text), registry, sets, arms, error);
}

static FlPipeline *
parse_good (const char *text, const char *const *sets, const char *const *arms)
{
  GError *error = NULL;
  FlPipeline *pipeline = parse (text, sets, arms, &error);

  if (pipeline == NULL)
    fail_msg ("refused: %s", error->message);
  return pipeline;
}

static const char *
value_of (const GPtrArray *settings, const char *key)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->key, key) == 0)
        return setting->value;
    }
  return NULL;
}

static const FlCell *
cell_at (const FlPipeline *pipeline, guint index)
{
  assert_in_range (index, 0, pipeline->cells->len - 1);
  return g_ptr_array_index (pipeline->cells, index);
}

static void
test_defaults (void **state)
{
  g_autoptr (FlPipeline) pipeline = parse_good (PLAIN, NULL, NULL);
  const FlCell *cell = cell_at (pipeline, 0);

  (void) state;
  assert_int_equal (pipeline->cells->len, 1);
  assert_string_equal (cell->arm, "default");
  assert_int_equal (cell->seed, 1);
  assert_int_equal (cell->sweep->len, 0);
  assert_string_equal (cell->data->plugin, "toy-data");
  assert_string_equal (value_of (cell->data->settings, "n"), "3");
  assert_string_equal (value_of (cell->data->host, "users.group-by"), "");
  assert_string_equal (value_of (cell->split->host, "method"), "random");
  assert_string_equal (value_of (cell->model->settings, "lambda"), "0.1");
  assert_string_equal (cell->model->plugin_version, "0");
  assert_int_equal (cell->objectives->len, 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_defaults),
  };
  int failed = 0;

  registry = toys_registry_new ();
  failed = cmocka_run_group_tests_name ("pipeline", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
