/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: delimited text, row by row. */
#include "core/data/reading/reading-parts.h"

#include <string.h>

typedef struct
{
  const char *name;
  FlCutter cutter;
  FlTableRow row;
  gpointer user_data;
  FlBuilder *builder; /* or NULL                       */
  FlBadLines *bad;    /* NULL: a bad line is an error  */
  size_t line;        /* number of the current line    */
  gboolean began;     /* a line that is not blank came */
  gboolean taken;     /* a row was taken               */
} Table;

/* ---- lines --------------------------------------------------------------- */

static gboolean
take_row (Table *table, FlSpan line, gboolean header, GError **error)
{
  GError *mistake = NULL;
  gboolean done = fl_cut_line (&table->cutter, line, header, error);

  if (!done || table->cutter.n_fields == 0)
    return done;
  table->began = TRUE;
  if (table->builder != NULL)
    fl_builder_at (table->builder, table->name, table->line);
  if (table->row (table->user_data, header, table->cutter.field, table->cutter.n_fields,
                  &mistake))
    {
      table->taken = TRUE;
      return TRUE;
    }
  if (mistake == NULL)
    fl_fail (&mistake, FL_ERROR_DATA, "the line was refused");
  g_propagate_error (error, mistake);
  return FALSE;
}

/* A bad line is skipped and counted, or an error with file, line and text. */
static gboolean
take_line (Table *table, FlSpan line, GError **error)
{
  gboolean header = table->cutter.format.header && !table->began;
  GError *mistake = NULL;

  table->line++;
  if (take_row (table, line, header, &mistake))
    return TRUE;
  table->began = TRUE;
  if (mistake->domain == FL_ERROR && mistake->code == FL_ERROR_DATA)
    {
      fl_mistake_show (mistake, line);
      if (table->bad != NULL && !header)
        {
          fl_bad_lines_add (table->bad, table->line, mistake);
          return TRUE;
        }
    }
  g_propagate_prefixed_error (error, mistake, "%s:%zu: ", table->name, table->line);
  return FALSE;
}

/* Takes all lines of `text`, the last with or without an end. */
static gboolean
take_lines (Table *table, FlSpan text, GError **error)
{
  const char *end = text.text + text.length;

  for (const char *p = text.text, *stop; p < end; p = stop + 1)
    {
      stop = memchr (p, '\n', (size_t) (end - p));
      if (stop == NULL)
        stop = end;
      if (!take_line (table, (FlSpan) { p, (size_t) (stop - p) }, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- whole tables -------------------------------------------------------- */

static gboolean
table_init (Table *table, const char *name, const FlTableFormat *format, FlTableRow row,
            gpointer user_data, GError **error)
{
  FlTableFormat own;

  if (!fl_table_format_copy (&own, format, error))
    return FALSE;
  *table = (Table) { .name = name, .row = row, .user_data = user_data };
  fl_cutter_init (&table->cutter, &own);
  return TRUE;
}

static gboolean
table_end (Table *table, gboolean done, GError **error)
{
  fl_cutter_clear (&table->cutter);
  if (done && !table->began)
    return fl_fail (error, FL_ERROR_DATA, "%s: the file is empty", table->name);
  return done;
}

gboolean
fl_table_parse (const char *name, FlSpan text, const FlTableFormat *format, FlTableRow row,
                gpointer user_data, GError **error)
{
  Table table;

  if (!table_init (&table, name, format, row, user_data, error))
    return FALSE;
  return table_end (&table, fl_text_begin (name, &text, error)
                            && take_lines (&table, text, error), error);
}

static gboolean
read_table (Table *table, FlLines *lines, GError **error)
{
  FlTextBlock block = { .memory = NULL };
  gboolean done = TRUE;

  while (done && !lines->end)
    done = fl_lines_read (lines, &block, error) && take_lines (table, block.text, error);
  g_free (block.memory);
  return done;
}

gboolean
fl_builder_table (FlBuilder *builder, const char *path, const FlTableFormat *format,
                  FlTableRow row, gpointer user_data, GError **error)
{
  const FlIngest *ingest = fl_builder_ingest (builder);
  FlBadLines bad = { .n = 0 };
  FlLines lines;
  Table table;
  gboolean done;

  if (!table_init (&table, path, format, row, user_data, error))
    return FALSE;
  if (!fl_lines_open (&lines, path, ingest->block_size, error))
    {
      fl_cutter_clear (&table.cutter);
      return FALSE;
    }
  table.builder = builder;
  table.bad = ingest->bad_lines == FL_BAD_LINES_SKIP ? &bad : NULL;
  done = read_table (&table, &lines, error);
  fl_lines_close (&lines);
  done = table_end (&table, done, error)
         && fl_bad_lines_end (&bad, builder, path, table.taken, error);
  fl_bad_lines_clear (&bad);
  fl_builder_at (builder, NULL, 0);
  return done;
}

/* ---- headers ------------------------------------------------------------- */

static gboolean
take_header (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
             GError **error)
{
  char ***names = user_data;

  (void) error;
  if (!header)
    return TRUE;
  *names = g_new0 (char *, n_fields + 1);
  for (size_t i = 0; i < n_fields; i++)
    (*names)[i] = g_strndup (field[i].text, field[i].length);
  return TRUE;
}

char **
fl_table_header (const char *path, const FlTableFormat *format, GError **error)
{
  FlTextBlock block = { .memory = NULL };
  char **names = NULL;
  FlLines lines;
  Table table;
  gboolean done = TRUE;

  if (!table_init (&table, path, format, take_header, &names, error))
    return NULL;
  table.cutter.format.header = TRUE;
  if (!fl_lines_open (&lines, path, 0, error))
    {
      fl_cutter_clear (&table.cutter);
      return NULL;
    }
  while (done && names == NULL && !lines.end)
    {
      done = fl_lines_read (&lines, &block, error);
      for (FlSpan rest = block.text; done && names == NULL && rest.length > 0;)
        {
          const char *stop = memchr (rest.text, '\n', rest.length);
          size_t length = stop != NULL ? (size_t) (stop - rest.text) : rest.length;

          done = take_line (&table, (FlSpan) { rest.text, length }, error);
          length += stop != NULL;
          rest = (FlSpan) { rest.text + length, rest.length - length };
        }
    }
  g_free (block.memory);
  fl_lines_close (&lines);
  return table_end (&table, done, error) ? names : NULL;
}
