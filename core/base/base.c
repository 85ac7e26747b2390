/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* base.c: errors, locale-free numbers, checked allocation. */
#include <fairlead/base.h>

#include <float.h>
#include <math.h>
#include <string.h>

G_DEFINE_QUARK (fl-error-quark, fl_error)

gboolean
fl_fail (GError **error, FlErrorCode code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    {
      g_warn_if_fail (*error == NULL);
      *error = g_error_new_valist (FL_ERROR, (gint) code, format, args);
    }
  va_end (args);
  return FALSE;
}

/* Longer text is no number anybody writes; the bound lets parsing do without
 * allocation. */
#define NUMBER_LENGTH_MAX 63

/* A sign, digits with at most one point, an exponent; at least one digit. */
static gboolean
is_decimal (FlSpan span)
{
  size_t i = 0, n_digits = 0;

  if (i < span.length && (span.text[i] == '+' || span.text[i] == '-'))
    i++;
  for (; i < span.length && g_ascii_isdigit (span.text[i]); i++)
    n_digits++;
  if (i < span.length && span.text[i] == '.')
    for (i++; i < span.length && g_ascii_isdigit (span.text[i]); i++)
      n_digits++;
  if (n_digits == 0)
    return FALSE;
  if (i < span.length && (span.text[i] == 'e' || span.text[i] == 'E'))
    {
      i++;
      if (i < span.length && (span.text[i] == '+' || span.text[i] == '-'))
        i++;
      if (i == span.length)
        return FALSE;
      while (i < span.length && g_ascii_isdigit (span.text[i]))
        i++;
    }
  return i == span.length;
}

/* Up to 15 digits and a point, as in nearly every line of nearly every file of
 * ratings: a whole number by a power of ten, both exact, so that the division
 * rounds once and right. */
static gboolean
parse_short (FlSpan text, double *value)
{
  static const double power[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
  uint64_t number = 0;
  size_t n_digits = 0, n_after = 0;
  gboolean point = FALSE;

  if (FLT_EVAL_METHOD != 0 || text.length > 16)
    return FALSE;
  for (size_t i = 0; i < text.length; i++)
    if (g_ascii_isdigit (text.text[i]))
      {
        number = number * 10 + (uint64_t) (text.text[i] - '0');
        n_digits++;
        n_after += point;
      }
    else if (text.text[i] == '.' && !point)
      point = TRUE;
    else
      return FALSE;
  if (n_digits == 0 || n_digits > 15)
    return FALSE;
  *value = (double) number / power[n_after];
  return TRUE;
}

gboolean
fl_parse_double (FlSpan text, double *value)
{
  char buffer[NUMBER_LENGTH_MAX + 1];

  if (parse_short (text, value))
    return TRUE;
  if (text.length > NUMBER_LENGTH_MAX || !is_decimal (text))
    return FALSE;
  memcpy (buffer, text.text, text.length);
  buffer[text.length] = '\0';
  *value = g_ascii_strtod (buffer, NULL);
  return isfinite (*value) != 0;
}

gboolean
fl_parse_int (FlSpan text, int64_t *value)
{
  size_t i = 0;
  gboolean negative = FALSE;
  uint64_t magnitude = 0, limit = INT64_MAX;

  /* Up to 18 digits, as nearly all are: there is no limit to meet. */
  if (text.length > 0 && text.length <= 18)
    {
      for (; i < text.length && g_ascii_isdigit (text.text[i]); i++)
        magnitude = magnitude * 10 + (uint64_t) (text.text[i] - '0');
      if (i == text.length)
        {
          *value = (int64_t) magnitude;
          return TRUE;
        }
      i = 0;
      magnitude = 0;
    }
  if (text.length > 0 && (text.text[0] == '-' || text.text[0] == '+'))
    {
      negative = text.text[0] == '-';
      limit += negative;
      i++;
    }
  if (i == text.length)
    return FALSE;
  for (; i < text.length; i++)
    {
      uint64_t digit = (uint64_t) (text.text[i] - '0');

      if (!g_ascii_isdigit (text.text[i]) || magnitude > (limit - digit) / 10)
        return FALSE;
      magnitude = magnitude * 10 + digit;
    }
  *value = negative ? (int64_t) (0 - magnitude) : (int64_t) magnitude;
  return TRUE;
}

gpointer
fl_alloc (size_t n, size_t size, GError **error)
{
  size_t bytes = 0;
  gpointer memory = NULL;

  if (g_size_checked_mul (&bytes, n, size))
    memory = g_try_malloc0 (MAX (bytes, 1));
  if (memory == NULL)
    fl_fail (error, FL_ERROR_SYSTEM, "out of memory: %zu elements of %zu bytes", n, size);
  return memory;
}
