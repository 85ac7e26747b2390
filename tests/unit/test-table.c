/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table, the plot, JSON and CSV of a small run worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/report/report-room.h"

static const FlPage plain = { .unicode = FALSE, .columns = 100 };

static void
add_metric (FlCellRecord *cell, const char *name, int k, const char *group, FlDirection direction,
            double value, size_t n)
{
  FlMetric *m = g_new0 (FlMetric, 1);

  m->name = g_strdup (name);
  m->k = k;
  m->group = g_strdup (group);
  m->part = g_strdup ("test");
  m->direction = direction;
  m->value = value;
  m->n = n;
  g_ptr_array_add (cell->outcome->metrics, m);
}

static FlCellRecord *
add_cell (FlRunRecord *run, const char *arm, uint32_t repeat, const char *error)
{
  FlCellRecord *cell = fl_cell_record_new ();

  cell->arm = g_strdup (arm);
  cell->repeat = repeat;
  cell->seed = 2019 + repeat;
  cell->status = error != NULL ? FL_CELL_FAILED : FL_CELL_DONE;
  cell->error = g_strdup (error);
  cell->outcome = error != NULL ? NULL : fl_outcome_new ();
  g_ptr_array_add (run->cells, cell);
  return cell;
}

/* rmse of plain: mean 0.93, deviation 0.0141; of antidote: 0.91, same. */
static FlRunRecord *
make_run (void)
{
  FlRunRecord *run = fl_run_record_new ();

  run->title = g_strdup ("Less polarised");
  run->file = g_strdup ("less-polar.conf");
  run->fairlead = g_strdup ("0.1.0");
  run->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_record_free);
  for (uint32_t repeat = 0; repeat < 2; repeat++)
    {
      FlCellRecord *cell = add_cell (run, "plain", repeat, NULL);

      add_metric (cell, "rmse", 0, NULL, FL_LOWER_IS_BETTER, repeat == 0 ? 0.92 : 0.94, 10);
      add_metric (cell, "ndcg", 10, NULL, FL_HIGHER_IS_BETTER, 0.25, 10);
      add_metric (cell, "rmse", 0, "gender=F", FL_LOWER_IS_BETTER, 1.0, 5);
      add_metric (cell, "rmse", 0, "gender=M", FL_LOWER_IS_BETTER, NAN, 0);
    }
  for (uint32_t repeat = 0; repeat < 2; repeat++)
    {
      FlCellRecord *cell = add_cell (run, "antidote", repeat, NULL);

      g_ptr_array_add (cell->sweep, fl_setting_new ("antidote.budget", "0.01", NULL));
      add_metric (cell, "rmse", 0, NULL, FL_LOWER_IS_BETTER, repeat == 0 ? 0.90 : 0.92, 10);
      add_metric (cell, "ndcg", 10, NULL, FL_HIGHER_IS_BETTER, 0.20, 10);
      add_metric (cell, "rmse", 0, "gender=F", FL_LOWER_IS_BETTER, 0.5, 5);
      add_metric (cell, "rmse", 0, "gender=M", FL_LOWER_IS_BETTER, NAN, 0);
    }
  return run;
}

static char *
table (const FlRunRecord *run, const FlPage *page)
{
  g_autoptr (FlComparison) comparison = fl_comparison_new (run);
  GString *out = g_string_new (NULL);

  fl_report_table (run, comparison, page, out);
  fl_report_plot (comparison, page, out);
  printf ("%s\n", out->str);
  return g_string_free (out, FALSE);
}

static void
test_table (void **state)
{
  static const char expected[]
    = "Less polarised\n"
      "\n"
      "                        rmse v              ndcg@10 ^\n"
      "-------------------------------------------------------------\n"
      "plain                   0.9300 +-0.0141     0.2500 +-0.0000 *\n"
      "antidote, budget=0.01   0.9100 +-0.0141 *   0.2000 +-0.0000\n"
      "\n"
      "rmse v     plain             antidote, budget=0.01\n"
      "--------------------------------------------------\n"
      "gender=F   1.0000 +-0.0000   0.5000 +-0.0000 *\n"
      "gender=M   - (n=0)           - (n=0)\n"
      "\n"
      "* best   v lower is better   ^ higher is better   +- standard deviation over 2 repeats"
      "\n"
      "- undefined (n=0: nothing to measure or compare)\n"
      "\n"
      "rmse                   0.8959 ---------------------------------------------- 0.9441\n"
      "plain                                          |-----------------o----------------|\n"
      "antidote, budget=0.01  |----------------o-----------------|\n"
      "\n"
      "ndcg@10                0.2000 ---------------------------------------------- 0.2500\n"
      "plain                                                                             o\n"
      "antidote, budget=0.01  o\n";
  g_autoptr (FlRunRecord) run = make_run ();
  g_autofree char *got = table (run, &plain);

  (void) state;
  assert_string_equal (got, expected);
}

static void
test_failures (void **state)
{
  g_autoptr (FlRunRecord) run = make_run ();
  g_autofree char *got = NULL;

  (void) state;
  add_cell (run, "broken", 0, "crashed with SIGSEGV in model/bad\nlast words");
  add_cell (run, "broken", 1, "crashed with SIGSEGV in model/bad\nlast words");
  add_cell (run, "plain", 2, "stopped");
  got = table (run, &plain);
  assert_non_null (strstr (got, "broken                  failed"));
  assert_non_null (strstr (got, "plain (2 of 3)"));
  assert_non_null (strstr (got, "failed: broken, repeats 0, 1: crashed with SIGSEGV in model/bad\n"
                                "    last words\n"));
  assert_non_null (strstr (got, "failed: plain, repeat 2: stopped\n"));
}

/* Many metrics are broken into blocks, none wider than the page. */
static void
test_width (void **state)
{
  g_autoptr (FlRunRecord) run = make_run ();
  const FlPage page = { .unicode = TRUE, .columns = 60 };
  g_autofree char *got = NULL;
  g_auto (GStrv) lines = NULL;

  (void) state;
  for (guint i = 0; i < run->cells->len; i++)
    for (int k = 1; k < 9; k++)
      add_metric (run->cells->pdata[i], "coverage", k, NULL, FL_HIGHER_IS_BETTER, 1e-6 * k, 1);
  got = table (run, &page);
  lines = g_strsplit (got, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    assert_true (fl_text_width (lines[i]) <= 60);
  assert_non_null (strstr (got, "coverage@8 ↑"));
  assert_non_null (strstr (got, "8.000e-06"));
}

/* An arm with the label of another's sweep point has a row of its own, and one
 * that went astray leaves the others their digits. */
static void
test_odd_arms (void **state)
{
  g_autoptr (FlRunRecord) run = make_run ();
  FlCellRecord *namesake = add_cell (run, "antidote, budget=0.01", 0, NULL);
  FlCellRecord *astray = add_cell (run, "astray", 0, NULL);
  g_autofree char *got = NULL;

  (void) state;
  add_metric (namesake, "rmse", 0, NULL, FL_LOWER_IS_BETTER, 0.98, 10);
  add_metric (astray, "rmse", 0, NULL, FL_LOWER_IS_BETTER, 1e300, 10);
  got = table (run, &plain);
  assert_non_null (strstr (got, "\nantidote, budget=0.01       0.9100 +-0.0141 *"));
  assert_non_null (strstr (got, "\nantidote, budget=0.01       0.9800\n"));
  assert_non_null (strstr (got, "\nastray                  1.000e+300\n"));
}

static void
test_json (void **state)
{
  g_autoptr (FlRunRecord) run = make_run ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GString) out = g_string_new (NULL);
  JsonObject *cell, *m;
  JsonArray *cells;

  (void) state;
  ((FlMetric *) ((FlCellRecord *) run->cells->pdata[2])->outcome->metrics->pdata[0])->value
      = 1.0 / 3.0;
  add_cell (run, "b\"\\\n\x01\xff", 0, "crash");
  fl_report_json (run, out);
  assert_true (json_parser_load_from_data (parser, out->str, -1, NULL));
  cells = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)),
                                        "cells");
  assert_int_equal (json_array_get_length (cells), 5);
  cell = json_array_get_object_element (cells, 2);
  assert_true (json_object_get_double_member (json_object_get_object_member (cell, "sweep"),
                                              "antidote.budget") == 0.01);
  m = json_array_get_object_element (json_object_get_array_member (cell, "metrics"), 0);
  assert_true (json_object_get_double_member (m, "value") == 1.0 / 3.0);
  assert_true (json_object_get_null_member (m, "k"));
  m = json_array_get_object_element (json_object_get_array_member (cell, "metrics"), 3);
  assert_true (json_object_get_null_member (m, "value"));
  assert_string_equal (json_object_get_string_member (m, "group"), "gender=M");
  cell = json_array_get_object_element (cells, 4);
  assert_string_equal (json_object_get_string_member (cell, "status"), "failed");
}

static void
test_csv (void **state)
{
  g_autoptr (FlRunRecord) run = make_run ();
  g_autoptr (GString) out = g_string_new (NULL);

  (void) state;
  add_cell (run, "a, \"b\"", 0, "crash");
  fl_report_csv (run, FALSE, out);
  printf ("%s", out->str);
  assert_non_null (strstr (out->str, "plain,,0,2019,done,rmse,,,test,lower,10,0.92\n"));
  assert_non_null (strstr (out->str, "antidote,antidote.budget=0.01,1,2020,done,ndcg,10,,test,"
                                     "higher,10,0.2\n"));
  assert_non_null (strstr (out->str, ",rmse,,gender=M,test,lower,0,\n"));
  assert_non_null (strstr (out->str, "\"a, \"\"b\"\"\",,0,2019,failed,,,,,,,\n"));
}

static void
test_numbers (void **state)
{
  static const double values[] = { 0.1, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -0.0, 1e22, 5 };
  char text[FL_NUMBER_LENGTH];

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    {
      double back = g_ascii_strtod (fl_number_text (values[i], text), NULL);

      assert_memory_equal (&back, &values[i], sizeof back);
    }
  assert_string_equal (fl_number_text (0.1, text), "0.1");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_table), cmocka_unit_test (test_failures), cmocka_unit_test (test_width),
    cmocka_unit_test (test_odd_arms),
    cmocka_unit_test (test_json),  cmocka_unit_test (test_csv),      cmocka_unit_test (test_numbers),
  };

  return cmocka_run_group_tests_name ("table", tests, NULL, NULL);
}
