/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* params.c: typed parameters.
 *
 * A plugin's FlParam table is the one declaration of what it takes.  Here text
 * becomes typed fields of the plugin's structure, and fields become text again
 * in the one form that equal configurations share.
 */
#include "core/plugin/plugin-room.h"

#include <math.h>
#include <string.h>

/* ---- settings ---------------------------------------------------------- */

FlSetting *
fl_setting_new (const char *key, const char *value, const char *origin)
{
  FlSetting *setting = g_new0 (FlSetting, 1);

  setting->key = g_strdup (key);
  setting->value = g_strdup (value);
  setting->origin = g_strdup (origin);
  return setting;
}

void
fl_setting_free (FlSetting *setting)
{
  if (setting == NULL)
    return;
  g_free (setting->key);
  g_free (setting->value);
  g_free (setting->origin);
  g_free (setting);
}

void
fl_setting_locate (GError **error, const char *group, const char *key, const char *value,
                   const char *origin)
{
  g_autoptr (GString) place = g_string_new (NULL);

  if (origin != NULL && *origin != '\0' && strcmp (origin, "default") != 0)
    g_string_append_printf (place, "%s: ", origin);
  if (group != NULL)
    g_string_append_printf (place, "[%s] ", group);
  g_string_append (place, key);
  if (value != NULL)
    g_string_append_printf (place, " = %s", value);
  g_prefix_error (error, "%s: ", place->str);
}

/* ---- nearest word ------------------------------------------------------ */

/* Longer words are nobody's slip of the finger. */
#define WORD_LENGTH_MAX 64

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into
 * b, letter case aside (optimal string alignment). */
static unsigned
edit_distance (const char *a, size_t n, const char *b, size_t m)
{
  unsigned row[3][WORD_LENGTH_MAX + 1] = { { 0 } };

  for (size_t j = 0; j <= m; j++)
    row[0][j] = (unsigned) j;
  for (size_t i = 1; i <= n; i++)
    {
      unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

      now[0] = (unsigned) i;
      for (size_t j = 1; j <= m; j++)
        {
          char x = g_ascii_tolower (a[i - 1]), y = g_ascii_tolower (b[j - 1]);
          unsigned d = MIN (MIN (before[j], now[j - 1]) + 1, before[j - 1] + (x != y));

          if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2])
              && y == g_ascii_tolower (a[i - 2]))
            d = MIN (d, earlier[j - 2] + 1);
          now[j] = d;
        }
    }
  return row[n % 3][m];
}

const char *
fl_nearest (const char *word, const char *const *candidates)
{
  size_t n = strlen (word);
  const char *nearest = NULL;
  unsigned least = G_MAXUINT;

  if (n > WORD_LENGTH_MAX)
    return NULL;
  for (size_t i = 0; candidates[i] != NULL; i++)
    {
      size_t m = strlen (candidates[i]);
      unsigned d = m > WORD_LENGTH_MAX ? G_MAXUINT : edit_distance (word, n, candidates[i], m);

      /* One letter in three may differ. */
      if (d < least && d <= (MAX (n, m) + 1) / 3)
        {
          least = d;
          nearest = candidates[i];
        }
    }
  return nearest;
}

char *
fl_suggest (const char *word, const char *const *candidates)
{
  const char *nearest = fl_nearest (word, candidates);
  g_autofree char *all = NULL;

  if (nearest != NULL)
    return g_strdup_printf ("did you mean '%s'?", nearest);
  if (candidates[0] == NULL)
    return g_strdup ("there is none");
  all = g_strjoinv (", ", (char **) candidates);
  return g_strdup_printf ("known: %s", all);
}

/* ---- numbers ----------------------------------------------------------- */

char *
fl_double_text (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  /* The fewest of 15 to 17 digits that give the same number back; -0 is 0. */
  for (int digits = 15; digits <= 17; digits++)
    {
      char format[] = "%.15g";

      format[3] = (char) ('0' + digits - 10);
      g_ascii_formatd (text, sizeof text, format, value == 0.0 ? 0.0 : value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  return g_strdup (text);
}

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

/* Large enough for any field. */
typedef union
{
  double real;
  int64_t whole;
  gboolean truth;
  int choice;
  char *text;
  FlDoubles reals;
  FlInts wholes;
  FlInstance *instance;
} Field;

/* Parses `text` into `field`, which holds nothing yet.  A FL_TYPE_PLUGIN is
 * only checked for form. */
static gboolean
field_parse (const FlParam *param, Field *field, const char *text, GError **error)
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

static void
field_clear (FlType type, Field *field)
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
  else if (type == FL_TYPE_PLUGIN)
    g_clear_pointer (&field->instance, fl_instance_free);
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
field_text (const FlParam *param, const Field *field, const char *written)
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
  Field field = { .reals = { 0, NULL } };
  char *text = NULL;

  if (!field_parse (param, &field, value, error))
    return NULL;
  text = field_text (param, &field, value);
  field_clear (param->type, &field);
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

/* ---- a plugin's structure ---------------------------------------------- */

const char *
fl_param_key (const FlParam *param)
{
  g_autofree char *key = g_strdelimit (g_strdup (param->name), "_", '-');

  return g_intern_string (key);
}

/* The last setting of a key stands: an arm's comes after its group's. */
static const FlSetting *
find_setting (const GPtrArray *settings, const char *key)
{
  for (guint i = settings != NULL ? settings->len : 0; i-- > 0;)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->key, key) == 0)
        return setting;
    }
  return NULL;
}

static gboolean
check_keys (const FlParam *params, const char *group, const GPtrArray *settings,
            const char *const *reserved, GError **error)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();

  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    g_ptr_array_add (keys, (gpointer) fl_param_key (p));
  for (size_t i = 0; reserved != NULL && reserved[i] != NULL; i++)
    g_ptr_array_add (keys, (gpointer) reserved[i]);
  g_ptr_array_add (keys, NULL);

  for (guint i = 0; settings != NULL && i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);
      const char *const *known = (const char *const *) keys->pdata;
      g_autofree char *suggestion = NULL;

      if (g_strv_contains (known, setting->key))
        continue;
      suggestion = fl_suggest (setting->key, known);
      fl_fail (error, FL_ERROR_CONFIG, "unknown key; %s", suggestion);
      fl_setting_locate (error, group, setting->key, NULL, setting->origin);
      return FALSE;
    }
  return TRUE;
}

/* Finds the instance a value names; an empty value names none. */
static gboolean
field_resolve (const FlParam *param, Field *field, const char *name, FlResolve resolve,
               gpointer user_data, GError **error)
{
  if (resolve == NULL || *name == '\0')
    return TRUE;
  field->instance = resolve (user_data, param->kind, name, error);
  return field->instance != NULL;
}

static gboolean
store_one (const FlParam *param, gpointer self, const char *group, const FlSetting *setting,
           FlResolve resolve, gpointer user_data, GError **error)
{
  const char *key = fl_param_key (param);
  g_autofree char *fallback = setting == NULL ? fl_param_default (param) : NULL;
  const char *value = setting != NULL ? setting->value : fallback;
  Field field = { .reals = { 0, NULL } };
  g_autoptr (GError) reason = NULL;

  if (value == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "must be given: %s", param->doc);
      fl_setting_locate (error, group, key, NULL, NULL);
      return FALSE;
    }
  if (!field_parse (param, &field, value, &reason)
      || (param->type == FL_TYPE_PLUGIN
          && !field_resolve (param, &field, value, resolve, user_data, &reason)))
    {
      /* What is wrong in the named plugin's own group has been located there. */
      if (param->type != FL_TYPE_PLUGIN || reason->code != FL_ERROR_CONFIG)
        fl_setting_locate (&reason, group, key, value,
                           setting != NULL ? setting->origin : NULL);
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  memcpy ((char *) self + param->offset, &field, fl_param_size (param));
  return TRUE;
}

gboolean
fl_params_store (const FlParam *params, gpointer self, const char *group,
                 const GPtrArray *settings, const char *const *reserved, FlResolve resolve,
                 gpointer user_data, GError **error)
{
  if (!check_keys (params, group, settings, reserved, error))
    return FALSE;
  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    if (!store_one (p, self, group, find_setting (settings, fl_param_key (p)), resolve,
                    user_data, error))
      {
        fl_params_clear (params, self);
        return FALSE;
      }
  return TRUE;
}

void
fl_params_clear (const FlParam *params, gpointer self)
{
  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    {
      Field field = { .reals = { 0, NULL } };

      memcpy (&field, (char *) self + p->offset, fl_param_size (p));
      field_clear (p->type, &field);
      memcpy ((char *) self + p->offset, &field, fl_param_size (p));
    }
}
