/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* json.c: a run as one JSON object, and cells as lines of JSON or CSV.
 * Numbers are written by the shortest text that reads back exactly, which a
 * general JSON writer does not offer. */
#include <math.h>
#include <string.h>

#include "core/report/report-room.h"

char *
fl_number_text (double value, char text[FL_NUMBER_LENGTH])
{
  static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };

  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_ascii_formatd (text, FL_NUMBER_LENGTH, formats[i], value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  return text;
}

static void
append_string (GString *out, const char *text)
{
  g_autofree char *valid = NULL;

  if (text == NULL)
    {
      g_string_append (out, "null");
      return;
    }
  valid = g_utf8_make_valid (text, -1);
  g_string_append_c (out, '"');
  for (const char *c = valid; *c != '\0'; c++)
    if (*c == '"' || *c == '\\')
      g_string_append_printf (out, "\\%c", *c);
    else if (*c == '\n')
      g_string_append (out, "\\n");
    else if ((guchar) *c < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) (guchar) *c);
    else
      g_string_append_c (out, *c);
  g_string_append_c (out, '"');
}

static void
append_number (GString *out, double value)
{
  char text[FL_NUMBER_LENGTH];

  g_string_append (out, isfinite (value) ? fl_number_text (value, text) : "null");
}

/* Sweep values are numbers where they read as such. */
static void
append_sweep (GString *out, const GPtrArray *sweep)
{
  g_string_append_c (out, '{');
  for (guint i = 0; i < sweep->len; i++)
    {
      const FlSetting *setting = sweep->pdata[i];
      double number = 0;

      if (i > 0)
        g_string_append (out, ", ");
      append_string (out, setting->key);
      g_string_append (out, ": ");
      if (fl_parse_double (fl_span (setting->value), &number))
        append_number (out, number);
      else
        append_string (out, setting->value);
    }
  g_string_append_c (out, '}');
}

static void
append_k (GString *out, int k)
{
  if (k > 0)
    g_string_append_printf (out, "%d", k);
  else
    g_string_append (out, "null");
}

/* What the metric is called in this form, and what it was taken over. */
static void
append_metric_name (GString *out, const char *key, const FlMetric *metric)
{
  g_string_append_printf (out, "\"%s\": ", key);
  append_string (out, metric->name);
  g_string_append (out, ", \"k\": ");
  append_k (out, metric->k);
  g_string_append (out, ", \"group\": ");
  append_string (out, metric->group);
  g_string_append (out, ", \"split\": ");
  append_string (out, metric->part);
}

static void
append_metric (GString *out, const FlMetric *metric)
{
  g_string_append_c (out, '{');
  append_metric_name (out, "name", metric);
  g_string_append (out, ", \"value\": ");
  append_number (out, metric->value);
  g_string_append_c (out, '}');
}

static void
append_identity (GString *out, const FlCellRecord *cell)
{
  g_string_append (out, "{\"arm\": ");
  append_string (out, cell->arm);
  g_string_append (out, ", \"sweep\": ");
  append_sweep (out, cell->sweep);
  g_string_append_printf (out, ", \"repeat\": %u, \"seed\": %" G_GUINT64_FORMAT
                          ", \"status\": \"%s\"", cell->repeat, cell->seed,
                          fl_cell_status_name (cell->status));
}

static void
append_cell (GString *out, const FlCellRecord *cell)
{
  append_identity (out, cell);
  g_string_append (out, ",\n   \"seconds\": ");
  append_number (out, cell->seconds);
  g_string_append_printf (out, ", \"peak_kib\": %" G_GUINT64_FORMAT ", \"error\": ",
                          cell->peak_kib);
  append_string (out, cell->error);
  g_string_append (out, ",\n   \"metrics\": [");
  for (guint i = 0; cell->outcome != NULL && i < cell->outcome->metrics->len; i++)
    {
      g_string_append (out, i > 0 ? ",\n     " : "\n     ");
      append_metric (out, cell->outcome->metrics->pdata[i]);
    }
  g_string_append (out, "]}");
}

void
fl_report_json (const FlRunRecord *run, GString *out)
{
  g_string_append (out, "{\"fairlead\": ");
  append_string (out, run->fairlead);
  g_string_append (out, ", \"pipeline\": ");
  append_string (out, run->file);
  g_string_append (out, ", \"cells\": [");
  for (guint i = 0; i < run->cells->len; i++)
    {
      g_string_append (out, i > 0 ? ",\n  " : "\n  ");
      append_cell (out, run->cells->pdata[i]);
    }
  g_string_append (out, "]}\n");
}

/* ---- lines ------------------------------------------------------------- */

static const char *const directions[] = { "lower", "higher", NULL };

static char *
sweep_text (const GPtrArray *sweep)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < sweep->len; i++)
    {
      const FlSetting *setting = sweep->pdata[i];

      g_string_append_printf (text, "%s%s=%s", i > 0 ? "; " : "", setting->key, setting->value);
    }
  return g_string_free (text, FALSE);
}

static void
write_csv_cell (GString *out, const FlCellRecord *cell)
{
  g_autofree char *sweep = sweep_text (cell->sweep);

  fl_append_csv (out, cell->arm);
  g_string_append_c (out, ',');
  fl_append_csv (out, sweep);
  g_string_append_printf (out, ",%u,%" G_GUINT64_FORMAT ",%s,", cell->repeat, cell->seed,
                          fl_cell_status_name (cell->status));
}

/* name,k */
static void
append_name_csv (GString *out, const char *name, int k)
{
  fl_append_csv (out, name);
  g_string_append_c (out, ',');
  if (k > 0)
    g_string_append_printf (out, "%d", k);
  g_string_append_c (out, ',');
}

static void
append_value_csv (GString *out, double value)
{
  char text[FL_NUMBER_LENGTH];

  if (isfinite (value))
    g_string_append (out, fl_number_text (value, text));
}

static void
metric_csv (GString *out, const FlMetric *metric)
{
  append_name_csv (out, metric->name, metric->k);
  fl_append_csv (out, metric->group);
  g_string_append_c (out, ',');
  fl_append_csv (out, metric->part);
  g_string_append_c (out, ',');
  fl_append_csv (out, directions[metric->direction]);
  g_string_append_printf (out, ",%zu,", metric->n);
  append_value_csv (out, metric->value);
  g_string_append_c (out, '\n');
}

static void
each_csv (GString *out, const FlCellRecord *cell, const FlEach *each)
{
  for (size_t i = 0; i < each->n; i++)
    {
      write_csv_cell (out, cell);
      append_name_csv (out, each->name, each->k);
      fl_append_csv (out, each->group);
      g_string_append_c (out, ',');
      fl_append_csv (out, each->part);
      g_string_append_printf (out, ",%s,%zu,", fl_index_name (each->index), i);
      append_value_csv (out, each->value[i]);
      g_string_append_c (out, '\n');
    }
}

/* A cell without an outcome has one line, whose metric is empty. */
static void
cell_csv (GString *out, const FlCellRecord *cell, gboolean each)
{
  if (cell->outcome == NULL)
    {
      write_csv_cell (out, cell);
      g_string_append (out, ",,,,,,\n");
      return;
    }
  for (guint i = 0; each && i < cell->outcome->each->len; i++)
    each_csv (out, cell, cell->outcome->each->pdata[i]);
  for (guint i = 0; !each && i < cell->outcome->metrics->len; i++)
    {
      write_csv_cell (out, cell);
      metric_csv (out, cell->outcome->metrics->pdata[i]);
    }
}

void
fl_report_csv (const FlRunRecord *run, gboolean each, GString *out)
{
  g_string_append (out, "arm,sweep,repeat,seed,status,");
  g_string_append (out, each ? "metric,k,group,split,side,index,value\n"
                             : "metric,k,group,split,better,n,value\n");
  for (guint i = 0; i < run->cells->len; i++)
    cell_csv (out, run->cells->pdata[i], each);
}

static void
metric_line (GString *out, const FlMetric *metric)
{
  g_string_append (out, ", ");
  append_metric_name (out, "metric", metric);
  g_string_append (out, ", \"better\": ");
  append_string (out, directions[metric->direction]);
  g_string_append_printf (out, ", \"n\": %zu, \"value\": ", metric->n);
  append_number (out, metric->value);
}

static void
each_line (GString *out, const FlEach *each)
{
  g_string_append (out, ", \"metric\": ");
  append_string (out, each->name);
  g_string_append (out, ", \"k\": ");
  append_k (out, each->k);
  g_string_append (out, ", \"group\": ");
  append_string (out, each->group);
  g_string_append (out, ", \"split\": ");
  append_string (out, each->part);
  g_string_append_printf (out, ", \"side\": \"%s\", \"values\": [",
                          fl_index_name (each->index));
  for (size_t i = 0; i < each->n; i++)
    {
      if (i > 0)
        g_string_append (out, ", ");
      append_number (out, each->value[i]);
    }
  g_string_append_c (out, ']');
}

static void
cell_lines (GString *out, const FlCellRecord *cell, gboolean each)
{
  const GPtrArray *list = NULL;

  if (cell->outcome != NULL)
    list = each ? cell->outcome->each : cell->outcome->metrics;
  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      append_identity (out, cell);
      if (each)
        each_line (out, list->pdata[i]);
      else
        metric_line (out, list->pdata[i]);
      g_string_append (out, "}\n");
    }
  if (list == NULL)
    {
      append_identity (out, cell);
      g_string_append (out, ", \"error\": ");
      append_string (out, cell->error);
      g_string_append (out, "}\n");
    }
}

void
fl_report_json_lines (const FlRunRecord *run, gboolean each, GString *out)
{
  for (guint i = 0; i < run->cells->len; i++)
    cell_lines (out, run->cells->pdata[i], each);
}
