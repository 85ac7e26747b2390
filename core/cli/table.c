/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: columns of text, as wide as what is in them. */
#include "core/cli/table.h"

#include <math.h>
#include <string.h>

#include "core/report/report-room.h"

#define GAP 2

void
cli_table_init (CliTable *table, const char *align)
{
  *table = (CliTable) { align, g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev) };
}

void
cli_table_clear (CliTable *table)
{
  g_clear_pointer (&table->rows, g_ptr_array_unref);
}

void
cli_table_take (CliTable *table, char **row)
{
  g_ptr_array_add (table->rows, row);
}

void
cli_table_add (CliTable *table, ...)
{
  size_t n = strlen (table->align);
  char **row = g_new0 (char *, n + 1);
  va_list texts;

  va_start (texts, table);
  for (size_t c = 0; c < n; c++)
    row[c] = va_arg (texts, char *);
  va_end (texts);
  cli_table_take (table, row);
}

static size_t
column_width (const CliTable *table, size_t column)
{
  size_t width = 0;

  for (guint r = 0; r < table->rows->len; r++)
    width = MAX (width, fl_text_width (((char **) table->rows->pdata[r])[column]));
  return width;
}

size_t
cli_table_width (const CliTable *table)
{
  size_t n = strlen (table->align), width = 0;

  for (size_t c = 0; c < n; c++)
    width += column_width (table, c) + (c > 0 ? GAP : 0);
  return width;
}

/* Cuts the text to `width` places, at a comma if there is one, and says so. */
static char *
fit (const char *text, size_t width)
{
  static const char more[] = " ...";
  g_autofree char *start = NULL;
  char *comma;

  if (fl_text_width (text) <= width)
    return g_strdup (text);
  start = g_strdup (text);
  while (*start != '\0' && fl_text_width (start) + strlen (more) > width)
    *g_utf8_prev_char (start + strlen (start)) = '\0';
  comma = strrchr (start, ',');
  if (comma != NULL)
    comma[1] = '\0';
  return g_strconcat (start, more, NULL);
}

void
cli_table_print (const CliTable *table, size_t columns, FILE *out)
{
  size_t n = strlen (table->align);
  g_autofree size_t *width = g_new0 (size_t, n);

  for (size_t c = 0; c < n; c++)
    width[c] = column_width (table, c);
  for (guint r = 0; r < table->rows->len; r++)
    {
      char **row = table->rows->pdata[r];
      g_autoptr (GString) line = g_string_new (NULL);

      for (size_t c = 0; c < n; c++)
        {
          size_t left = columns - MIN (columns, fl_text_width (line->str));
          g_autofree char *text = c < n - 1 ? g_strdup (row[c]) : fit (row[c], left);
          size_t pad = width[c] - MIN (width[c], fl_text_width (text));

          fl_append_padded (line, "", table->align[c] == 'r' ? pad : 0);
          g_string_append (line, text);
          fl_append_padded (line, "", (table->align[c] == 'l' ? pad : 0) + GAP);
        }
      fprintf (out, "%s\n", g_strchomp (line->str));
    }
}

char *
cli_count (size_t n)
{
  g_autofree char *digits = g_strdup_printf ("%zu", n);
  size_t length = strlen (digits);
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < length; i++)
    g_string_append_printf (text, "%s%c", i > 0 && (length - i) % 3 == 0 ? "," : "", digits[i]);
  return g_string_free (text, FALSE);
}

char *
cli_percent (double share)
{
  if (isnan (share))
    return g_strdup ("-");
  return share > 0 && share < 0.0005 ? g_strdup ("<0.1 %")
                                     : g_strdup_printf ("%.1f %%", 100 * share);
}
