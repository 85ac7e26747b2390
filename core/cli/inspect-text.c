/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect-text.c: what plugins declare, on a terminal. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/inspect.h"
#include "core/cli/show.h"

#define WIDTH_MAX 96   /* columns of the terminal that are used     */
#define WIDTH_DEFAULT 80
#define DOC_WIDTH_MIN 32
#define DOC_INDENT 6   /* of a meaning below its row                */
#define COLUMNS 6
#define DOC (COLUMNS - 1)

/* Columns to print to: the terminal's. */
static size_t
width_of_page (void)
{
  size_t columns = isatty (STDOUT_FILENO) ? cli_page (stdout).columns : WIDTH_DEFAULT;

  return MIN (columns, WIDTH_MAX);
}

/* Prints words in lines that end before column `end`; lines after the first
 * begin at column `start`, where the first one is already. */
static void
print_wrapped (const char *text, size_t start, size_t end)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
  size_t at = start;

  for (size_t i = 0; words[i] != NULL; i++)
    {
      size_t length = (size_t) g_utf8_strlen (words[i], -1);

      if (length == 0)
        continue;
      if (at > start && at + 1 + length > end)
        {
          printf ("\n%*s", (int) start, "");
          at = start;
        }
      if (at > start)
        {
          putchar (' ');
          at++;
        }
      fputs (words[i], stdout);
      at += length;
    }
  putchar ('\n');
}

/* Columns wide enough for their cells, those that only have a heading left out; the last
 * one is not measured.  How many characters all take. */
static size_t
measure_columns (const GPtrArray *rows, size_t *width)
{
  size_t all = 2;

  for (guint c = 0; c < DOC; c++)
    {
      width[c] = 0;
      for (guint r = 0; r < rows->len; r++)
        {
          const char *cell = ((char **) g_ptr_array_index (rows, r))[c];

          /* A heading alone makes no column. */
          if ((r > 0 && *cell != '\0') || width[c] > 0)
            width[c] = MAX (width[c], (size_t) g_utf8_strlen (cell, -1));
        }
      if (width[c] > 0)
        width[c] = MAX (width[c], (size_t) g_utf8_strlen (((char **) rows->pdata[0])[c], -1));
      all += width[c] > 0 ? width[c] + 2 : 0;
    }
  return all;
}

static void
print_row (char **row, const size_t *width, size_t at, size_t end)
{
  printf ("  ");
  for (guint c = 0; c < DOC; c++)
    if (width[c] > 0)
      printf ("%s%*s", row[c], (int) (width[c] - (size_t) g_utf8_strlen (row[c], -1)) + 2, "");
  print_wrapped (row[DOC], at, end);
}

/* Of a table that is too wide for the page: "rank: type int, default 10", and the last
 * column below. */
static void
print_entry (char **row, char **heading, size_t end)
{
  g_autoptr (GString) text = g_string_new (row[0]);

  for (guint c = 1; c < DOC; c++)
    if (*row[c] != '\0')
      g_string_append_printf (text, "%s %s %s", c == 1 ? ":" : ",", heading[c], row[c]);
  printf ("  ");
  print_wrapped (text->str, DOC_INDENT, end);
  printf ("%*s", DOC_INDENT, "");
  print_wrapped (row[DOC], DOC_INDENT, end);
}

/* Rows of COLUMNS cells, the first one of headings. */
static void
print_table (const GPtrArray *rows)
{
  size_t width[COLUMNS], end = width_of_page ();
  size_t at = measure_columns (rows, width);

  if (at + DOC_WIDTH_MIN <= end)
    for (guint r = 0; r < rows->len; r++)
      print_row (g_ptr_array_index (rows, r), width, at, end);
  else
    for (guint r = 1; r < rows->len; r++)
      print_entry (g_ptr_array_index (rows, r), g_ptr_array_index (rows, 0), end);
}

static void
add_row (GPtrArray *rows, const char *a, const char *b, const char *c, const char *d,
         const char *e, const char *f)
{
  const char *cells[COLUMNS + 1] = { a, b, c, d, e, f, NULL };

  for (size_t i = 0; i < COLUMNS; i++)
    cells[i] = cells[i] != NULL ? cells[i] : "";
  g_ptr_array_add (rows, g_strdupv ((char **) cells));
}

static void
print_params (const FlParam *params)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  if (params == NULL || params->type == FL_TYPE_END)
    return;
  add_row (rows, "key", "type", "default", "range", "unit", "meaning");
  for (const FlParam *p = params; p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p), *range = inspect_range (p);

      add_row (rows, fl_param_key (p), inspect_type (p),
               standard != NULL ? standard : "(must be given)", range, p->unit, p->doc);
    }
  printf ("\nParameters\n");
  print_table (rows);
}

void
inspect_print_keys (const FlParam *params)
{
  for (const FlParam *p = params; p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p), *range = inspect_range (p);

      printf ("  %s", fl_param_key (p));
      if (standard != NULL && *standard != '\0')
        printf (" = %s", standard);
      if (*range != '\0')
        printf (" (%s)", range);
      printf ("\n      ");
      print_wrapped (p->doc, DOC_INDENT, width_of_page ());
    }
}

static void
print_values (const FlPlugin *plugin)
{
  const FlValue *values = inspect_values (plugin);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  if (values == NULL)
    return;
  add_row (rows, "value", "better", "unit", "", "", "meaning");
  for (const FlValue *v = values; v->name != NULL; v++)
    add_row (rows, v->name, inspect_direction (v), v->unit, "", "", v->doc);
  printf ("\nValues\n");
  print_table (rows);
}

static void
print_fact (const char *label, const char *text)
{
  if (text != NULL && *text != '\0')
    {
      printf ("  %-14s", label);
      print_wrapped (text, 16, width_of_page ());
    }
}

static void
print_paragraphs (const char *text)
{
  g_auto (GStrv) paragraphs = g_strsplit (text, "\n\n", -1);

  for (size_t i = 0; paragraphs[i] != NULL; i++)
    {
      printf ("\n  ");
      print_wrapped (paragraphs[i], 2, width_of_page ());
    }
}

void
inspect_print_entry (const FlEntry *entry)
{
  const FlPlugin *plugin = &entry->plugin;
  InspectTrait traits[INSPECT_TRAITS_MAX];
  size_t n = inspect_traits (plugin, traits);

  printf ("%s/%s\n", fl_kind_name (plugin->kind), plugin->name);
  print_fact ("summary", plugin->summary);
  print_fact ("version", plugin->version);
  print_fact ("reference", plugin->reference);
  print_fact ("licence", plugin->licence);
  print_fact ("file", entry->file);
  for (size_t i = 0; i < n; i++)
    {
      g_autofree char *words = g_strjoinv (", ", (char **) traits[i].words);

      print_fact (traits[i].label, words);
    }
  if (plugin->description != NULL)
    print_paragraphs (plugin->description);
  print_params (plugin->params);
  print_values (plugin);
}

void
inspect_print_list (const GPtrArray *entries, const FlRegistry *registry)
{
  int width = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (entries, i))->plugin;

      width = MAX (width, (int) (strlen (fl_kind_name (plugin->kind)) + strlen (plugin->name)));
    }
  for (guint i = 0; i < entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (entries, i))->plugin;
      g_autofree char *name = g_strconcat (fl_kind_name (plugin->kind), "/", plugin->name, NULL);

      printf ("%-*s  ", width + 1, name);
      print_wrapped (plugin->summary, (size_t) width + 3, width_of_page ());
    }
  if (entries->len == 0)
    printf ("no plugin found\n");
  for (guint i = 0; i < registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (registry->refusals, i);

      printf ("%s  %s: %s\n", i == 0 ? "\nRefused:\n" : "", refusal->file, refusal->reason);
    }
}
