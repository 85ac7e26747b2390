/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Text to typed fields and back; what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/plugin/plugin-room.h"

typedef struct
{
  double lambda;
  int64_t rank;
  gboolean biases;
  int precision;
  char *title;
  char *path;
  FlDoubles budget;
  FlInts k;
  FlInstance *objective;
  double free_number;
} Sample;

static const FlParam params[] = {
  FL_DOUBLE (Sample, lambda, 0.1, 0, 1e6, NULL, "regularisation"),
  FL_INT (Sample, rank, 8, 1, 4096, NULL, "factors"),
  FL_BOOL (Sample, biases, 0, "with biases"),
  FL_CHOICE (Sample, precision, 1, "single|double", "of the factors"),
  FL_STRING (Sample, title, "none", "words"),
  FL_PATH (Sample, path, "", "a folder"),
  FL_DOUBLES (Sample, budget, "0.01; 0.02", 0, 1, NULL, "shares"),
  FL_INTS (Sample, k, "", 1, 1000, NULL, "list lengths"),
  FL_PLUGIN_PARAM (Sample, objective, FL_KIND_OBJECTIVE, "", "what to lower"),
  { .type = FL_TYPE_DOUBLE, .name = "users.free_number",
    .offset = offsetof (Sample, free_number), .min = -INFINITY, .max = INFINITY, .doc = "any" },
  FL_PARAM_END
};

static const FlParam required[] = {
  FL_PATH (Sample, path, NULL, "folder that holds the ratings"),
  FL_PARAM_END
};

/* Stores one setting; the message when refused, else NULL. */
static char *
store (Sample *sample, const FlParam *table, const char *key, const char *value)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_autoptr (GError) error = NULL;

  memset (sample, 0, sizeof *sample);
  if (key != NULL)
    g_ptr_array_add (settings, fl_setting_new (key, value, "polar.conf:14"));
  if (fl_params_store (table, sample, "model", settings, NULL, NULL, NULL, &error))
    return NULL;
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
  return g_strdup (error->message);
}

static void
assert_refused (const char *key, const char *value, const char *expected)
{
  Sample sample;
  g_autofree char *message = store (&sample, params, key, value);

  printf ("%s\n", message != NULL ? message : "accepted");
  assert_non_null (message);
  assert_string_equal (message, expected);
  assert_null (sample.title);
}

static void
test_defaults (void **state)
{
  Sample sample;

  (void) state;
  assert_null (store (&sample, params, NULL, NULL));
  assert_true (sample.lambda == 0.1);
  assert_int_equal (sample.rank, 8);
  assert_false (sample.biases);
  assert_int_equal (sample.precision, 1);
  assert_string_equal (sample.title, "none");
  assert_string_equal (sample.path, "");
  assert_int_equal (sample.budget.n, 2);
  assert_true (sample.budget.v[1] == 0.02);
  assert_int_equal (sample.k.n, 0);
  assert_null (sample.objective);
  fl_params_clear (params, &sample);
  fl_params_clear (params, &sample);
  assert_null (sample.title);
}

static void
test_values (void **state)
{
  Sample sample;

  (void) state;
  assert_null (store (&sample, params, "rank", "4096"));
  assert_int_equal (sample.rank, 4096);
  fl_params_clear (params, &sample);
  assert_null (store (&sample, params, "biases", "true"));
  assert_true (sample.biases);
  fl_params_clear (params, &sample);
  assert_null (store (&sample, params, "precision", "single"));
  assert_int_equal (sample.precision, 0);
  fl_params_clear (params, &sample);
  assert_null (store (&sample, params, "k", "10 ;20;30"));
  assert_int_equal (sample.k.n, 3);
  assert_int_equal (sample.k.v[2], 30);
  fl_params_clear (params, &sample);
  assert_null (store (&sample, params, "users.free-number", "-1e300"));
  assert_true (sample.free_number == -1e300);
  fl_params_clear (params, &sample);
}

static void
test_refusals (void **state)
{
  (void) state;
  assert_refused ("rank", "0", "polar.conf:14: [model] rank = 0: must be from 1 to 4096");
  assert_refused ("rank", "4097", "polar.conf:14: [model] rank = 4097: must be from 1 to 4096");
  assert_refused ("rank", "8.0",
                  "polar.conf:14: [model] rank = 8.0: must be a whole number from 1 to 4096");
  assert_refused ("rank", "99999999999999999999",
                  "polar.conf:14: [model] rank = 99999999999999999999: must be a whole number "
                  "from 1 to 4096");
  assert_refused ("lambda", "nan",
                  "polar.conf:14: [model] lambda = nan: must be a number from 0 to 1000000");
  assert_refused ("lambda", "1e400",
                  "polar.conf:14: [model] lambda = 1e400: must be a number from 0 to 1000000");
  assert_refused ("lambda", "-1e-9",
                  "polar.conf:14: [model] lambda = -1e-9: must be from 0 to 1000000");
  assert_refused ("users.free-number", "inf",
                  "polar.conf:14: [model] users.free-number = inf: must be a number");
  assert_refused ("biases", "1", "polar.conf:14: [model] biases = 1: must be true or false");
  assert_refused ("precision", "duoble",
                  "polar.conf:14: [model] precision = duoble: must be one of single, double; "
                  "did you mean 'double'?");
  assert_refused ("precision", "7",
                  "polar.conf:14: [model] precision = 7: must be one of single, double");
  assert_refused ("budget", "0.1;;0.2",
                  "polar.conf:14: [model] budget = 0.1;;0.2: element 2 is empty");
  assert_refused ("budget", "0.1;", "polar.conf:14: [model] budget = 0.1;: element 2 is empty");
  assert_refused ("budget", "", "polar.conf:14: [model] budget = : element 1 is empty");
  assert_refused ("budget", "0.1; 2",
                  "polar.conf:14: [model] budget = 0.1; 2: element 2, '2', must be from 0 to 1");
  assert_refused ("k", "10; x",
                  "polar.conf:14: [model] k = 10; x: element 2, 'x', must be a whole number "
                  "from 1 to 1000");
  assert_refused ("title", "\xff", "polar.conf:14: [model] title = \xff: must be UTF-8 text");
  assert_refused ("lamda", "1",
                  "polar.conf:14: [model] lamda: unknown key; did you mean 'lambda'?");
  assert_refused ("zzz", "1",
                  "polar.conf:14: [model] zzz: unknown key; known: lambda, rank, biases, "
                  "precision, title, path, budget, k, objective, users.free-number");
}

static void
test_required (void **state)
{
  Sample sample;
  g_autofree char *absent = store (&sample, required, NULL, NULL);
  g_autofree char *empty = store (&sample, required, "path", "");

  (void) state;
  assert_string_equal (absent, "[model] path: must be given: folder that holds the ratings");
  assert_string_equal (empty, "polar.conf:14: [model] path = : must not be empty");
}

static void
test_paths (void **state)
{
  Sample sample;

  (void) state;
  g_setenv ("FAIRLEAD_TEST_FOLDER", "/some/where", TRUE);
  g_unsetenv ("FAIRLEAD_TEST_ABSENT");
  assert_null (store (&sample, params, "path",
                      "${FAIRLEAD_TEST_FOLDER}/a$b${FAIRLEAD_TEST_FOLDER}"));
  assert_string_equal (sample.path, "/some/where/a$b/some/where");
  fl_params_clear (params, &sample);
  assert_null (store (&sample, params, "title", "${FAIRLEAD_TEST_FOLDER}"));
  assert_string_equal (sample.title, "${FAIRLEAD_TEST_FOLDER}");
  fl_params_clear (params, &sample);
  assert_refused ("path", "${FAIRLEAD_TEST_ABSENT}/x",
                  "polar.conf:14: [model] path = ${FAIRLEAD_TEST_ABSENT}/x: environment variable "
                  "FAIRLEAD_TEST_ABSENT is not set");
  assert_refused ("path", "${FAIRLEAD",
                  "polar.conf:14: [model] path = ${FAIRLEAD: '${' without '}'");
}

static void
test_later_wins (void **state)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  static const char *const reserved[] = { "plugin", NULL };
  Sample sample = { .rank = 0 };
  g_autoptr (GError) error = NULL;

  (void) state;
  g_ptr_array_add (settings, fl_setting_new ("plugin", "als-mf", "a:1"));
  g_ptr_array_add (settings, fl_setting_new ("title", "first", "a:2"));
  g_ptr_array_add (settings, fl_setting_new ("title", "second", "--set"));
  assert_true (fl_params_store (params, &sample, NULL, settings, reserved, NULL, NULL, &error));
  assert_string_equal (sample.title, "second");
  fl_params_clear (params, &sample);

  g_ptr_array_add (settings, fl_setting_new ("rank", "0", "default"));
  assert_false (fl_params_store (params, &sample, NULL, settings, reserved, NULL, NULL, &error));
  assert_string_equal (error->message, "rank = 0: must be from 1 to 4096");
}

static FlInstance *
resolve (gpointer user_data, FlKind kind, const char *name, GError **error)
{
  assert_int_equal (kind, FL_KIND_OBJECTIVE);
  g_string_append (user_data, name);
  fl_fail (error, strcmp (name, "located") == 0 ? FL_ERROR_CONFIG : FL_ERROR_PLUGIN, "reason");
  return NULL;
}

static void
test_resolve (void **state)
{
  static const char *const names[] = { "rmse", "located" };
  static const char *const messages[] = { "f:1: [m] objective = rmse: reason", "reason" };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GPtrArray) settings
          = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
      g_autoptr (GString) asked = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      Sample sample = { .rank = 0 };

      g_ptr_array_add (settings, fl_setting_new ("objective", names[i], "f:1"));
      assert_false (fl_params_store (params, &sample, "m", settings, NULL, resolve, asked, &error));
      assert_string_equal (asked->str, names[i]);
      assert_string_equal (error->message, messages[i]);
    }
}

static void
test_canonical (void **state)
{
  static const struct
  {
    unsigned param;
    const char *value, *canonical;
  } cases[] = {
    { 0, "0.10", "0.1" },       { 0, "1e-1", "0.1" },     { 0, "+5", "5" },
    { 0, "-0", "0" },           { 0, "100000", "100000" },
    { 0, "0.30000000000000004", "0.30000000000000004" },
    { 1, "+010", "10" },        { 2, "true", "true" },    { 3, "double", "double" },
    { 6, "1;0.50 ;1e-3", "1; 0.5; 0.001" },               { 7, "10;020", "10; 20" },
    { 7, "", "" },              { 5, "${HOME}/x", "${HOME}/x" },
    { 8, "rmse", "rmse" },
  };

  (void) state;
  g_setenv ("HOME", "/home/x", TRUE);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = fl_param_canonical (&params[cases[i].param], cases[i].value, &error);

      assert_null (error);
      assert_string_equal (text, cases[i].canonical);
    }
}

/* Every default is its own canonical form. */
static void
test_default_text (void **state)
{
  static const char *const expected[]
      = { "0.1", "8", "false", "double", "none", "", "0.01; 0.02", "", "", "0" };

  (void) state;
  for (size_t i = 0; params[i].type != FL_TYPE_END; i++)
    {
      g_autofree char *text = fl_param_default (&params[i]);

      assert_string_equal (text, expected[i]);
    }
  assert_null (fl_param_default (&required[0]));
}

static void
test_range (void **state)
{
  const FlParam half = { .type = FL_TYPE_DOUBLE, .min = 0.5, .max = INFINITY };
  const FlParam most = { .type = FL_TYPE_INT, .min = (double) INT64_MIN, .max = 1e12 };
  g_autofree char *a = fl_param_range (&params[1]), *b = fl_param_range (&half),
                  *c = fl_param_range (&most);

  (void) state;
  assert_string_equal (a, "from 1 to 4096");
  assert_string_equal (b, "at least 0.5");
  assert_string_equal (c, "at most 1000000000000");
  assert_null (fl_param_range (&params[9]));
}

static void
test_nearest (void **state)
{
  static const char *const words[] = { "lambda", "rank", "biases", "k", "polarization", NULL };

  (void) state;
  assert_string_equal (fl_nearest ("lamda", words), "lambda");
  assert_string_equal (fl_nearest ("Rank", words), "rank");
  assert_string_equal (fl_nearest ("rnak", words), "rank");
  assert_string_equal (fl_nearest ("polarisation", words), "polarization");
  assert_null (fl_nearest ("q", words));
  assert_null (fl_nearest ("", words));
  assert_null (fl_nearest ("something-else-entirely", words));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_defaults),     cmocka_unit_test (test_values),
    cmocka_unit_test (test_refusals),     cmocka_unit_test (test_required),
    cmocka_unit_test (test_paths),        cmocka_unit_test (test_later_wins),
    cmocka_unit_test (test_resolve),      cmocka_unit_test (test_canonical),
    cmocka_unit_test (test_default_text), cmocka_unit_test (test_range),
    cmocka_unit_test (test_nearest),
  };

  /* A locale with a decimal comma changes nothing. */
  setlocale (LC_ALL, "de_DE.UTF-8");
  return cmocka_run_group_tests_name ("params", tests, NULL, NULL);
}
