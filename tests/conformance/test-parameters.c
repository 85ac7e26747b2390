/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Parameters of every plugin found: defaults and bounds are accepted, what lies
 * just outside is refused, and so are NaN, infinity and nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tests/conformance/fixture.h"

static const FlEntry *entry; /* at work */

static void
expect (const FlParam *param, const char *value, gboolean accepted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *canonical = fl_param_canonical (param, value, &error);

  if ((canonical != NULL) != accepted)
    fail_msg ("%s: %s = %s was %s", entry->plugin.name, fl_param_key (param), value,
              accepted ? error->message : "accepted");
  assert_true (accepted || *error->message != '\0');
}

static void
expect_number (const FlParam *param, double number, gboolean accepted)
{
  gboolean whole = param->type == FL_TYPE_INT || param->type == FL_TYPE_INTS;
  g_autofree char *text = whole ? g_strdup_printf ("%.0f", number) : fl_double_text (number);

  expect (param, text, accepted);
}

/* Bounds that the type itself has cannot be overstepped. */
static void
check_bounds (const FlParam *param)
{
  gboolean whole = param->type == FL_TYPE_INT || param->type == FL_TYPE_INTS;
  double edge = whole ? 0x1p53 : G_MAXDOUBLE;

  if (fabs (param->min) < edge)
    {
      expect_number (param, param->min, TRUE);
      expect_number (param, whole ? param->min - 1 : nextafter (param->min, -INFINITY), FALSE);
    }
  if (fabs (param->max) < edge)
    {
      expect_number (param, param->max, TRUE);
      expect_number (param, whole ? param->max + 1 : nextafter (param->max, INFINITY), FALSE);
    }
}

static void
check_nonsense (const FlParam *param)
{
  static const char *const words[] = { "nan", "-nan", "inf", "-inf", "infinity", "1e999", "0x1",
                                       "1,5", "1 2", "one", "1;;2", ";" };

  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    expect (param, words[i], FALSE);
}

static void
check_words (const FlParam *param)
{
  g_auto (GStrv) words = g_strsplit (param->words, "|", -1);

  for (guint i = 0; words[i] != NULL; i++)
    expect (param, words[i], TRUE);
  expect (param, "no such word", FALSE);
  expect (param, "", FALSE);
  expect (param, "0", FALSE);
}

static void
check_default (const FlParam *param)
{
  g_autofree char *standard = fl_param_default (param);
  g_autoptr (GError) error = NULL;
  g_autofree char *canonical
      = standard != NULL ? fl_param_canonical (param, standard, &error) : NULL;

  if (error != NULL)
    fail_msg ("%s: default of %s: %s", entry->plugin.name, fl_param_key (param), error->message);
  if (standard != NULL)
    assert_string_equal (standard, canonical);
}

static void
check_param (const FlParam *param)
{
  check_default (param);
  switch (param->type)
    {
    case FL_TYPE_DOUBLE:
    case FL_TYPE_INT:
      expect (param, "", FALSE);
      check_bounds (param);
      check_nonsense (param);
      break;
    case FL_TYPE_DOUBLES:
    case FL_TYPE_INTS:
      check_bounds (param);
      check_nonsense (param);
      break;
    case FL_TYPE_BOOL:
      expect (param, "true", TRUE);
      expect (param, "false", TRUE);
      expect (param, "yes", FALSE);
      expect (param, "1", FALSE);
      break;
    case FL_TYPE_CHOICE:
      check_words (param);
      break;
    default:
      break;
    }
}

static void
test_parameters (void **state)
{
  (void) state;
  assert_true (fixture_registry->entries->len > 0);
  for (guint i = 0; i < fixture_registry->entries->len; i++)
    {
      guint n = 0;

      entry = g_ptr_array_index (fixture_registry->entries, i);
      for (const FlParam *p = entry->plugin.params; p != NULL && p->type != FL_TYPE_END; p++)
        {
          check_param (p);
          n++;
        }
      print_message ("  %s/%s: %u parameters\n", fl_kind_name (entry->plugin.kind),
                     entry->plugin.name, n);
    }
}

/* What each plugin is built from is there, and nothing here was refused. */
static void
test_nothing_refused (void **state)
{
  (void) state;
  for (guint i = 0; i < fixture_registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (fixture_registry->refusals, i);

      fail_msg ("%s: %s", refusal->file, refusal->reason);
    }
}

static void
check_instance (const FlEntry *each, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) first = fixture_instance (each, key, value, &error);
  g_autoptr (FlInstance) second = NULL;

  /* Rules between parameters may refuse one of them alone, in plain words. */
  if (first == NULL)
    {
      if (key == NULL || !g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG))
        fail_msg ("%s", error->message);
      return;
    }
  second = fixture_instance (each, key, value, &error);
  assert_non_null (second);
  assert_true (first->self != second->self);
}

/* clear works on a structure that holds nothing yet, and twice. */
static void
check_clear (const FlEntry *each)
{
  g_autofree gpointer self = g_malloc0 (MAX (each->plugin.self_size, 1));

  if (each->plugin.clear == NULL)
    return;
  each->plugin.clear (self);
  each->plugin.clear (self);
}

static void
test_instances (void **state)
{
  (void) state;
  for (guint i = 0; i < fixture_registry->entries->len; i++)
    {
      const FlEntry *each = g_ptr_array_index (fixture_registry->entries, i);

      check_instance (each, NULL, NULL);
      check_clear (each);
      for (const FlParam *p = each->plugin.params; p != NULL && p->type != FL_TYPE_END; p++)
        {
          g_autofree char *low = fl_double_text (p->min), *high = fl_double_text (p->max);

          if (p->type == FL_TYPE_DOUBLE && fabs (p->min) < G_MAXDOUBLE)
            check_instance (each, fl_param_key (p), low);
          if (p->type == FL_TYPE_DOUBLE && fabs (p->max) < G_MAXDOUBLE)
            check_instance (each, fl_param_key (p), high);
        }
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_nothing_refused),
    cmocka_unit_test (test_parameters),
    cmocka_unit_test (test_instances),
  };
  int failed;

  fixture_open ();
  failed = cmocka_run_group_tests_name ("conformance: parameters", tests, NULL, NULL);
  fixture_close ();
  return failed;
}
