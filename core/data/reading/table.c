/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: delimited text, row by row. */
#include "core/data/reading/reading-parts.h"

#include <string.h>

/* A row has no more lines: a quote that opens and is none stays near its line. */
#define OPEN_LINES_MAX 1000

typedef struct
{
  const char *name;
  FlCutter cutter;
  FlTableRow row;
  gpointer user_data;
  FlBuilder *builder; /* or NULL                       */
  FlBadLines *bad;    /* NULL: a bad line is an error  */
  size_t line;        /* number of the current line    */
  GString *open;      /* lines of a row that ended within quotes, else empty */
  size_t n_open;      /* how many                      */
  gboolean began;     /* a line that is not blank came */
  gboolean taken;     /* a row was taken               */
} Table;

/* ---- lines --------------------------------------------------------------- */

static gboolean
read_row (Table *table, FlSpan line, gboolean header, GError **error)
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

/* A line that ends within quotes waits for those that its field has left [RFC 4180, 2.6].
 * TRUE: more are to come. */
static gboolean
keep_open (Table *table, FlSpan line)
{
  if (!table->cutter.open || table->n_open >= OPEN_LINES_MAX)
    return FALSE;
  if (table->n_open == 0)
    g_string_append_len (table->open, line.text, (gssize) line.length);
  g_string_append_c (table->open, '\n');
  table->n_open++;
  return TRUE;
}

/* A bad line is skipped and counted, or an error with file, line and text.  Of a row of several
 * lines the last one has come. */
static gboolean
read_whole (Table *table, FlSpan line, GError **error)
{
  gboolean header = table->cutter.format.header && !table->began;
  GError *mistake = NULL;

  if (read_row (table, line, header, &mistake))
    return TRUE;
  if (keep_open (table, line))
    {
      g_error_free (mistake);
      return TRUE;
    }
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

static gboolean
read_line (Table *table, FlSpan line, GError **error)
{
  size_t n_before = table->n_open;
  gboolean done;

  if (n_before == 0)
    {
      table->line++;
      return read_whole (table, line, error);
    }
  g_string_append_len (table->open, line.text, (gssize) line.length);
  done = read_whole (table, (FlSpan) { table->open->str, table->open->len }, error);
  if (table->n_open > n_before)
    return done;
  table->line += n_before;
  table->n_open = 0;
  g_string_truncate (table->open, 0);
  return done;
}

/* Quotes that nothing closed: the row is none, and none of its lines are another. */
static gboolean
end_open (Table *table, GError **error)
{
  if (table->n_open == 0)
    return TRUE;
  table->n_open = 0;
  g_string_truncate (table->open, 0);
  return fl_fail (error, FL_ERROR_DATA, "%s:%zu: a quote does not end before the file does",
                  table->name, table->line);
}

/* Takes all lines of `text`, the last with or without an end. */
static gboolean
read_lines (Table *table, FlSpan text, GError **error)
{
  const char *end = text.text + text.length;

  for (const char *p = text.text, *stop; p < end; p = stop + 1)
    {
      stop = memchr (p, '\n', (size_t) (end - p));
      if (stop == NULL)
        stop = end;
      if (!read_line (table, (FlSpan) { p, (size_t) (stop - p) }, error))
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
  *table = (Table) { .name = name, .row = row, .user_data = user_data,
                     .open = g_string_new (NULL) };
  fl_cutter_init (&table->cutter, &own);
  return TRUE;
}

static gboolean
table_end (Table *table, gboolean done, GError **error)
{
  fl_cutter_clear (&table->cutter);
  done = done && end_open (table, error);
  g_string_free (table->open, TRUE);
  if (done && !table->began)
    return fl_fail (error, FL_ERROR_DATA, "%s: the file is empty", table->name);
  return done;
}

/* Without a word: the file was not opened. */
static void
table_drop (Table *table)
{
  fl_cutter_clear (&table->cutter);
  g_string_free (table->open, TRUE);
}

gboolean
fl_table_parse (const char *name, FlSpan text, const FlTableFormat *format, FlTableRow row,
                gpointer user_data, GError **error)
{
  Table table;

  if (!table_init (&table, name, format, row, user_data, error))
    return FALSE;
  return table_end (&table, fl_text_begin (name, &text, error)
                            && read_lines (&table, text, error), error);
}

static gboolean
read_table (Table *table, FlLines *lines, GError **error)
{
  FlTextBlock block = { .memory = NULL };
  gboolean done = TRUE;

  while (done && !lines->end)
    done = fl_lines_read (lines, &block, error) && read_lines (table, block.text, error);
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
      table_drop (&table);
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
copy_header (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
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

  if (!table_init (&table, path, format, copy_header, &names, error))
    return NULL;
  table.cutter.format.header = TRUE;
  if (!fl_lines_open (&lines, path, 0, error))
    {
      table_drop (&table);
      return NULL;
    }
  while (done && names == NULL && !lines.end)
    {
      done = fl_lines_read (&lines, &block, error);
      for (FlSpan rest = block.text; done && names == NULL && rest.length > 0;)
        {
          const char *stop = memchr (rest.text, '\n', rest.length);
          size_t length = stop != NULL ? (size_t) (stop - rest.text) : rest.length;

          done = read_line (&table, (FlSpan) { rest.text, length }, error);
          length += stop != NULL;
          rest = (FlSpan) { rest.text + length, rest.length - length };
        }
    }
  g_free (block.memory);
  fl_lines_close (&lines);
  return table_end (&table, done, error) ? names : NULL;
}
