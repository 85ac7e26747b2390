/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect-text.c: what plugins declare, on a terminal. */
#include "core/cli/inspect.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 96       /* columns of the terminal that are used     */
#define DOC_WIDTH_MIN 32
#define COLUMNS 6
#define DOC (COLUMNS - 1)

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

/* Rows of COLUMNS cells; empty columns vanish, the last one is wrapped. */
static void
print_table (const GPtrArray *rows)
{
  size_t width[COLUMNS] = { 0 };

  for (guint r = 0; r < rows->len; r++)
    for (guint c = 0; c < DOC; c++)
      {
        char **row = g_ptr_array_index (rows, r);

        /* A heading alone makes no column. */
        if (r > 0 || *row[c] == '\0')
          width[c] = MAX (width[c], (size_t) g_utf8_strlen (row[c], -1));
      }
  for (guint r = 0; r < rows->len; r++)
    {
      char **row = g_ptr_array_index (rows, r);
      size_t at = 2;

      printf ("  ");
      for (guint c = 0; c < DOC; c++)
        if (width[c] > 0)
          {
            size_t wide = MAX (width[c],
                               (size_t) g_utf8_strlen (((char **) rows->pdata[0])[c], -1));

            printf ("%s%*s", row[c], (int) (wide - (size_t) g_utf8_strlen (row[c], -1)) + 2, "");
            at += wide + 2;
          }
      print_wrapped (row[DOC], at, MAX (WIDTH, at + DOC_WIDTH_MIN));
    }
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
      print_wrapped (p->doc, 6, WIDTH);
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
      print_wrapped (text, 16, WIDTH);
    }
}

static void
print_paragraphs (const char *text)
{
  g_auto (GStrv) paragraphs = g_strsplit (text, "\n\n", -1);

  for (size_t i = 0; paragraphs[i] != NULL; i++)
    {
      printf ("\n  ");
      print_wrapped (paragraphs[i], 2, WIDTH);
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

      printf ("%-*s  %s\n", width + 1, name, plugin->summary);
    }
  if (entries->len == 0)
    printf ("no plugin found\n");
  for (guint i = 0; i < registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (registry->refusals, i);

      printf ("%s  %s: %s\n", i == 0 ? "\nRefused:\n" : "", refusal->file, refusal->reason);
    }
}
