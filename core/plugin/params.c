/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* params.c: typed parameters.
 *
 * A plugin's FlParam table is the one declaration of what it takes.  Here text
 * becomes values, and values become text again in the one form that equal
 * configurations share.
 */
#include "core/plugin/params.h"

#include <math.h>
#include <string.h>

const char *
fl_param_key (const FlParam *param)
{
  g_autofree char *key = g_strdelimit (g_strdup (param->name), "_", '-');

  return g_intern_string (key);
}

/* ---- numbers ----------------------------------------------------------- */

static gboolean
is_whole (const FlParam *param)
{
  return param->type == FL_TYPE_INT || param->type == FL_TYPE_INTS;
}

/* A bound as people write it: no exponent on a whole number. */
static char *
bound_text (const FlParam *param, double bound)
{
  return is_whole (param) && fabs (bound) < 1e15 ? g_strdup_printf ("%.0f", bound)
                                                 : fl_double_text (bound);
}

char *
fl_param_range (const FlParam *param)
{
  double edge = is_whole (param) ? 0x1p63 : G_MAXDOUBLE;
  g_autofree char *min = bound_text (param, param->min);
  g_autofree char *max = bound_text (param, param->max);

  if (param->min <= -edge && param->max >= edge)
    return NULL;
  if (param->min <= -edge)
    return g_strdup_printf ("at most %s", max);
  if (param->max >= edge)
    return g_strdup_printf ("at least %s", min);
  return g_strdup_printf ("from %s to %s", min, max);
}

/* Accepts by `lo <= v <= hi`, which NaN and overflow cannot pass. */
static gboolean
number_parse (const FlParam *param, FlSpan text, double *real, int64_t *whole, GError **error)
{
  gboolean is_int = is_whole (param);
  gboolean parsed = is_int ? fl_parse_int (text, whole) : fl_parse_double (text, real);
  double v = is_int ? (double) *whole : *real;
  g_autofree char *range = NULL;

  if (parsed && v >= param->min && v <= param->max)
    return TRUE;
  range = fl_param_range (param);
  if (parsed)
    return fl_fail (error, FL_ERROR_CONFIG, "must be %s", range);
  return fl_fail (error, FL_ERROR_CONFIG, "must be a %s%s%s",
                  is_int ? "whole number" : "number", range != NULL ? " " : "",
                  range != NULL ? range : "");
}

static FlSpan
span_strip (FlSpan span)
{
  while (span.length > 0 && g_ascii_isspace (span.text[0]))
    {
      span.text++;
      span.length--;
    }
  while (span.length > 0 && g_ascii_isspace (span.text[span.length - 1]))
    span.length--;
  return span;
}

/* "1; 2.5; 4" into doubles or ints, whichever is not NULL. */
static gboolean
list_parse (const FlParam *param, FlSpan text, FlDoubles *reals, FlInts *wholes,
            GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, 8);
  const char *end = text.text + text.length;

  /* Empty where the default is; anywhere else it is a slip. */
  if (text.length == 0 && param->text != NULL && *param->text == '\0')
    return TRUE;
  for (const char *at = text.text, *next; at <= end; at = next + 1)
    {
      double real = 0;
      int64_t whole = 0;
      FlSpan element;

      next = memchr (at, ';', (size_t) (end - at));
      next = next != NULL ? next : end;
      element = span_strip ((FlSpan) { at, (size_t) (next - at) });
      if (element.length == 0)
        return fl_fail (error, FL_ERROR_CONFIG, "element %u is empty", list->len + 1);
      if (!number_parse (param, element, &real, &whole, error))
        {
          g_prefix_error (error, "element %u, '%.*s', ", list->len + 1,
                          (int) MIN (element.length, 80), element.text);
          return FALSE;
        }
      if (reals != NULL)
        g_array_append_val (list, real);
      else
        g_array_append_val (list, whole);
    }
  if (reals != NULL)
    *reals = (FlDoubles) { list->len, (double *) g_array_free (g_steal_pointer (&list), FALSE) };
  else
    *wholes = (FlInts) { list->len, (int64_t *) g_array_free (g_steal_pointer (&list), FALSE) };
  return TRUE;
}

/* ---- words and paths --------------------------------------------------- */

static gboolean
choice_parse (const FlParam *param, const char *text, int *choice, GError **error)
{
  g_auto (GStrv) words = g_strsplit (param->words, "|", -1);
  const char *nearest = NULL;
  g_autofree char *all = NULL;

  for (int i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], text) == 0)
      {
        *choice = i;
        return TRUE;
      }
  all = g_strjoinv (", ", words);
  nearest = fl_nearest (text, (const char *const *) words);
  if (nearest != NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "must be one of %s; did you mean '%s'?", all,
                    nearest);
  return fl_fail (error, FL_ERROR_CONFIG, "must be one of %s", all);
}

static gboolean
bool_parse (const char *text, gboolean *value, GError **error)
{
  *value = strcmp (text, "true") == 0;
  if (*value || strcmp (text, "false") == 0)
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG, "must be true or false");
}

/* Replaces each ${NAME}; any other dollar stays. */
static char *
path_expand (const char *text, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  const char *open = NULL;

  while ((open = strstr (text, "${")) != NULL)
    {
      const char *close = strchr (open, '}');
      g_autofree char *name = NULL;
      const char *value = NULL;

      if (close == NULL)
        {
          fl_fail (error, FL_ERROR_CONFIG, "'${' without '}'");
          return NULL;
        }
      name = g_strndup (open + 2, (size_t) (close - open - 2));
      value = g_getenv (name);
      if (value == NULL || *value == '\0')
        {
          fl_fail (error, FL_ERROR_CONFIG, "environment variable %s is not set", name);
          return NULL;
        }
      g_string_append_len (path, text, open - text);
      g_string_append (path, value);
      text = close + 1;
    }
  g_string_append (path, text);
  return g_string_free (g_steal_pointer (&path), FALSE);
}

/* Text that must be given must not be empty. */
static gboolean
text_check (const FlParam *param, const char *text, GError **error)
{
  if (*text == '\0' && param->text == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "must not be empty");
  if (param->type != FL_TYPE_PATH && !g_utf8_validate (text, -1, NULL))
    return fl_fail (error, FL_ERROR_CONFIG, "must be UTF-8 text");
  return TRUE;
}

/* ---- one field --------------------------------------------------------- */

gboolean
fl_field_parse (const FlParam *param, FlField *field, const char *text, GError **error)
{
  FlSpan span = fl_span (text);

  switch (param->type)
    {
    case FL_TYPE_DOUBLE:
      return number_parse (param, span, &field->real, NULL, error);
    case FL_TYPE_INT:
      return number_parse (param, span, NULL, &field->whole, error);
    case FL_TYPE_BOOL:
      return bool_parse (text, &field->truth, error);
    case FL_TYPE_CHOICE:
      return choice_parse (param, text, &field->choice, error);
    case FL_TYPE_STRING:
    case FL_TYPE_ARM:
      if (text_check (param, text, error))
        field->text = g_strdup (text);
      return field->text != NULL;
    case FL_TYPE_PATH:
      if (text_check (param, text, error))
        field->text = path_expand (text, error);
      return field->text != NULL;
    case FL_TYPE_DOUBLES:
      return list_parse (param, span, &field->reals, NULL, error);
    case FL_TYPE_INTS:
      return list_parse (param, span, NULL, &field->wholes, error);
    case FL_TYPE_PLUGIN:
      return text_check (param, text, error);
    case FL_TYPE_END:
      break;
    }
  return fl_fail (error, FL_ERROR_PLUGIN, "unknown parameter type %d", (int) param->type);
}

size_t
fl_param_size (const FlParam *param)
{
  switch (param->type)
    {
    case FL_TYPE_DOUBLE:
      return sizeof (double);
    case FL_TYPE_INT:
      return sizeof (int64_t);
    case FL_TYPE_BOOL:
      return sizeof (gboolean);
    case FL_TYPE_CHOICE:
      return sizeof (int);
    case FL_TYPE_STRING:
    case FL_TYPE_PATH:
    case FL_TYPE_ARM:
      return sizeof (char *);
    case FL_TYPE_DOUBLES:
      return sizeof (FlDoubles);
    case FL_TYPE_INTS:
      return sizeof (FlInts);
    case FL_TYPE_PLUGIN:
      return sizeof (FlInstance *);
    case FL_TYPE_END:
      break;
    }
  return 0;
}

void
fl_field_clear (FlType type, FlField *field)
{
  if (type == FL_TYPE_STRING || type == FL_TYPE_PATH || type == FL_TYPE_ARM)
    g_clear_pointer (&field->text, g_free);
  else if (type == FL_TYPE_DOUBLES)
    {
      g_free (field->reals.v);
      field->reals = (FlDoubles) { 0, NULL };
    }
  else if (type == FL_TYPE_INTS)
    {
      g_free (field->wholes.v);
      field->wholes = (FlInts) { 0, NULL };
    }
}

/* ---- text of a value --------------------------------------------------- */

static char *
choice_text (const FlParam *param, int choice)
{
  g_auto (GStrv) words = g_strsplit (param->words, "|", -1);

  return g_strdup (words[choice]);
}

static char *
list_text (size_t n, const double *reals, const int64_t *wholes)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (size_t i = 0; i < n; i++)
    {
      g_autofree char *element = reals != NULL
                                     ? fl_double_text (reals[i])
                                     : g_strdup_printf ("%" G_GINT64_FORMAT, wholes[i]);

      g_string_append_printf (list, "%s%s", i > 0 ? "; " : "", element);
    }
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static char *
field_text (const FlParam *param, const FlField *field, const char *written)
{
  switch (param->type)
    {
    case FL_TYPE_DOUBLE:
      return fl_double_text (field->real);
    case FL_TYPE_INT:
      return g_strdup_printf ("%" G_GINT64_FORMAT, field->whole);
    case FL_TYPE_CHOICE:
      return choice_text (param, field->choice);
    case FL_TYPE_DOUBLES:
      return list_text (field->reals.n, field->reals.v, NULL);
    case FL_TYPE_INTS:
      return list_text (field->wholes.n, NULL, field->wholes.v);
    /* A path stays as written: a result does not depend on where data lie. */
    default:
      return g_strdup (written);
    }
}

char *
fl_param_canonical (const FlParam *param, const char *value, GError **error)
{
  FlField field = { .reals = { 0, NULL } };
  char *text = NULL;

  if (!fl_field_parse (param, &field, value, error))
    return NULL;
  text = field_text (param, &field, value);
  fl_field_clear (param->type, &field);
  return text;
}

char *
fl_param_default (const FlParam *param)
{
  switch (param->type)
    {
    case FL_TYPE_DOUBLE:
      return fl_double_text (param->number);
    case FL_TYPE_INT:
      return g_strdup_printf ("%.0f", param->number);
    case FL_TYPE_BOOL:
      return g_strdup (param->number != 0.0 ? "true" : "false");
    case FL_TYPE_CHOICE:
      return choice_text (param, (int) param->number);
    case FL_TYPE_DOUBLES:
    case FL_TYPE_INTS:
      return param->text != NULL ? fl_param_canonical (param, param->text, NULL) : NULL;
    default:
      return g_strdup (param->text);
    }
}
