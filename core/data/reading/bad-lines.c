/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bad-lines.c: lines of a file that were skipped because they cannot be read. */
#include "core/data/reading/reading-parts.h"

void
fl_bad_lines_add (FlBadLines *bad, size_t line, GError *mistake)
{
  if (bad->n < FL_BAD_LINES_SHOWN)
    {
      bad->line[bad->n] = line;
      bad->message[bad->n] = g_strdup (mistake->message);
    }
  bad->n++;
  g_error_free (mistake);
}

void
fl_bad_lines_join (FlBadLines *bad, FlBadLines *more, size_t n_lines)
{
  for (size_t k = 0; k < more->n; k++, bad->n++)
    if (k < FL_BAD_LINES_SHOWN && bad->n < FL_BAD_LINES_SHOWN)
      {
        bad->line[bad->n] = n_lines + more->line[k];
        bad->message[bad->n] = g_steal_pointer (&more->message[k]);
      }
}

void
fl_bad_lines_clear (FlBadLines *bad)
{
  for (size_t k = 0; k < FL_BAD_LINES_SHOWN; k++)
    g_free (bad->message[k]);
}

gboolean
fl_bad_lines_end (FlBadLines *bad, FlBuilder *builder, const char *path, gboolean any_good,
                  GError **error)
{
  g_autoptr (GString) shown = g_string_new (NULL);

  if (bad->n == 0)
    return TRUE;
  for (size_t k = 0; k < MIN (bad->n, FL_BAD_LINES_SHOWN); k++)
    g_string_append_printf (shown, "; line %zu: %s", bad->line[k], bad->message[k]);
  if (!any_good)
    return fl_fail (error, FL_ERROR_DATA, "%s: no line could be read%s", path, shown->str);
  fl_builder_note (builder, "%s: %zu line%s skipped%s", path, bad->n, bad->n > 1 ? "s" : "",
                   shown->str);
  return TRUE;
}
