/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* compare.c: a run's cells as rows (arm at a sweep point) x columns (metrics),
 * each the mean and sample standard deviation over the repeats. */
#include <math.h>
#include <string.h>

#include "core/report/report-room.h"

size_t
fl_text_width (const char *text)
{
  size_t width = 0;

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      width += g_unichar_iszerowidth (character) ? 0 : g_unichar_iswide (character) ? 2 : 1;
    }
  return width;
}

void
fl_append_padded (GString *out, const char *text, size_t width)
{
  g_string_append (out, text);
  for (size_t place = fl_text_width (text); place < width; place++)
    g_string_append_c (out, ' ');
}

static int
compare_doubles (gconstpointer a_, gconstpointer b_)
{
  double a = *(const double *) a_, b = *(const double *) b_;

  return (a > b) - (a < b);
}

int
fl_decimals (size_t n, const double *value)
{
  g_autofree double *size = g_new (double, n);
  size_t n_sizes = 0;
  int exponent;

  for (size_t i = 0; i < n; i++)
    if (isfinite (value[i]) && value[i] != 0)
      size[n_sizes++] = fabs (value[i]);
  if (n_sizes == 0)
    return 4;
  qsort (size, n_sizes, sizeof *size, compare_doubles);
  exponent = (int) floor (log10 (size[n_sizes / 2]));
  if (exponent < -4 || exponent > 8)
    return -1;
  /* One more at and above 1, so that 0.95 and 1.05 are shown alike. */
  return exponent < 0 ? 3 - exponent : MAX (4 - exponent, 0);
}

/* ---- rows -------------------------------------------------------------- */

/* "budget" of "antidote.budget", unless another swept key ends alike. */
static const char *
short_key (const GPtrArray *sweep, guint which)
{
  const char *key = ((const FlSetting *) sweep->pdata[which])->key;
  const char *dot = strrchr (key, '.');

  if (dot == NULL)
    return key;
  for (guint i = 0; i < sweep->len; i++)
    if (i != which && g_str_has_suffix (((const FlSetting *) sweep->pdata[i])->key, dot))
      return key;
  return dot + 1;
}

static char *
row_label (const FlCellRecord *cell)
{
  GString *label = g_string_new (cell->arm);

  for (guint i = 0; i < cell->sweep->len; i++)
    g_string_append_printf (label, "%s%s=%s", label->len > 0 ? ", " : "",
                            short_key (cell->sweep, i),
                            ((const FlSetting *) cell->sweep->pdata[i])->value);
  return g_string_free (label, FALSE);
}

/* Tells rows apart, which an arm called "a, rank=8" and the arm a at rank 8 would
 * not do by their labels. */
static char *
row_key (const FlCellRecord *cell)
{
  GString *key = g_string_new (cell->arm);

  for (guint i = 0; i < cell->sweep->len; i++)
    {
      const FlSetting *setting = cell->sweep->pdata[i];

      g_string_append_printf (key, "\n%s=%s", setting->key, setting->value);
    }
  return g_string_free (key, FALSE);
}

static void
row_free (gpointer data)
{
  FlRow *row = data;

  g_free (row->label);
  g_ptr_array_unref (row->cells);
  g_free (row);
}

static GPtrArray *
gather_rows (const FlRunRecord *run)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (row_free);
  g_autoptr (GHashTable) by_key = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < run->cells->len; i++)
    {
      FlCellRecord *cell = run->cells->pdata[i];
      g_autofree char *key = row_key (cell);
      FlRow *row = g_hash_table_lookup (by_key, key);

      if (row == NULL)
        {
          row = g_new0 (FlRow, 1);
          row->label = row_label (cell);
          row->cells = g_ptr_array_new ();
          g_ptr_array_add (rows, row);
          g_hash_table_insert (by_key, g_steal_pointer (&key), row);
        }
      g_ptr_array_add (row->cells, cell);
      row->n_done += cell->status == FL_CELL_DONE;
      row->n_failed += cell->status == FL_CELL_FAILED;
    }
  return rows;
}

/* ---- columns ----------------------------------------------------------- */

/* Tells metrics apart, and finds one among a cell's. */
static char *
metric_key (const FlMetric *metric)
{
  return g_strdup_printf ("%s\n%d\n%s\n%s", metric->name, metric->k,
                          metric->group != NULL ? metric->group : "",
                          metric->part != NULL ? metric->part : "");
}

/* The part is said when it is not the usual one. */
static char *
column_label (const FlMetric *metric)
{
  g_autofree char *k = metric->k > 0 ? g_strdup_printf ("@%d", metric->k) : g_strdup ("");

  if (metric->part == NULL || strcmp (metric->part, "test") == 0)
    return g_strconcat (metric->name, k, NULL);
  return g_strconcat (metric->name, k, " (", metric->part, ")", NULL);
}

static void
column_free (gpointer data)
{
  FlColumn *column = data;

  g_free (column->label);
  g_free (column);
}

/* Columns in the order met; `place` maps a metric's key to its index + 1. */
static GPtrArray *
gather_columns (const FlRunRecord *run, GHashTable *place)
{
  GPtrArray *columns = g_ptr_array_new_with_free_func (column_free);

  for (guint i = 0; i < run->cells->len; i++)
    {
      const FlCellRecord *cell = run->cells->pdata[i];

      for (guint m = 0; cell->outcome != NULL && m < cell->outcome->metrics->len; m++)
        {
          const FlMetric *metric = cell->outcome->metrics->pdata[m];
          char *key = metric_key (metric);
          FlColumn *column;

          if (g_hash_table_contains (place, key))
            {
              g_free (key);
              continue;
            }
          column = g_new0 (FlColumn, 1);
          column->metric = metric;
          column->label = column_label (metric);
          g_ptr_array_add (columns, column);
          g_hash_table_insert (place, key, GUINT_TO_POINTER (columns->len));
        }
    }
  return columns;
}

/* ---- summaries --------------------------------------------------------- */

static const char *
find_note (const FlCellRecord *cell, const char *key)
{
  for (guint i = 0; i < cell->outcome->notes->len; i++)
    {
      const FlSetting *note = cell->outcome->notes->pdata[i];

      if (strcmp (note->key, key) == 0)
        return note->value;
    }
  return NULL;
}

/* What a cell says of the pairs of groups behind a metric, or NULL. */
static const char *
find_pairs (const FlCellRecord *cell, const FlMetric *metric)
{
  g_autofree char *label = column_label (metric), *key = g_strconcat (label, FL_NOTE_PAIRS, NULL);

  return metric->group == NULL ? find_note (cell, key) : NULL;
}

/* Two passes over one row: sums, then squared distances from the mean. */
static void
summarise_row (const FlRow *row, GHashTable *place, size_t n_columns, FlSummary *summary)
{
  for (int pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < row->cells->len; i++)
        {
          const FlCellRecord *cell = row->cells->pdata[i];

          for (guint m = 0; cell->outcome != NULL && m < cell->outcome->metrics->len; m++)
            {
              const FlMetric *metric = cell->outcome->metrics->pdata[m];
              g_autofree char *key = metric_key (metric);
              FlSummary *s = &summary[GPOINTER_TO_UINT (g_hash_table_lookup (place, key)) - 1];

              s->n = MAX (s->n, metric->n);
              s->measured = TRUE;
              if (s->pairs == NULL)
                s->pairs = find_pairs (cell, metric);
              if (!isfinite (metric->value))
                continue;
              if (pass == 0)
                {
                  s->mean += metric->value;
                  s->n_values++;
                }
              else
                s->deviation += (metric->value - s->mean) * (metric->value - s->mean);
            }
        }
      for (size_t c = 0; c < n_columns; c++)
        if (pass == 0)
          summary[c].mean = summary[c].n_values > 0
                                ? summary[c].mean / (double) summary[c].n_values
                                : NAN;
        else
          summary[c].deviation = summary[c].n_values > 1
                                     ? sqrt (summary[c].deviation
                                             / (double) (summary[c].n_values - 1))
                                     : NAN;
    }
}

/* ---- what may be ranked ------------------------------------------------- */

static const FlCellRecord *
find_repeat (const FlRow *row, uint32_t repeat)
{
  for (guint i = 0; i < row->cells->len; i++)
    {
      const FlCellRecord *cell = row->cells->pdata[i];

      if (cell->repeat == repeat && cell->outcome != NULL)
        return cell;
    }
  return NULL;
}

/* Whether two rows, where both have a repeat, were looked at on the same part. */
static gboolean
rows_are_alike (const FlRow *a, const FlRow *b, const char *part)
{
  for (guint i = 0; i < a->cells->len; i++)
    {
      const FlCellRecord *cell = a->cells->pdata[i];
      const FlCellRecord *other = cell->outcome != NULL ? find_repeat (b, cell->repeat) : NULL;

      if (other != NULL && g_strcmp0 (find_note (cell, part), find_note (other, part)) != 0)
        return FALSE;
    }
  return TRUE;
}

/* Rows that have the metric.  What belongs to no part is told apart by what is tested. */
static gboolean
is_alike (const FlComparison *comparison, guint column)
{
  const FlColumn *c = comparison->columns->pdata[column];
  g_autofree char *part = g_strconcat (c->metric->part != NULL ? c->metric->part : "test",
                                       FL_NOTE_PART, NULL);
  const FlRow *first = NULL;

  for (guint r = 0; r < comparison->rows->len; r++)
    {
      const FlRow *row = comparison->rows->pdata[r];

      if (!comparison->summary[r * comparison->columns->len + column].measured)
        continue;
      if (first != NULL && !rows_are_alike (first, row, part))
        return FALSE;
      first = first != NULL ? first : row;
    }
  return TRUE;
}

FlComparison *
fl_comparison_new (const FlRunRecord *run)
{
  FlComparison *comparison = g_new0 (FlComparison, 1);
  g_autoptr (GHashTable) place = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  size_t n_columns;

  comparison->rows = gather_rows (run);
  comparison->columns = gather_columns (run, place);
  n_columns = comparison->columns->len;
  comparison->summary = g_new0 (FlSummary, comparison->rows->len * n_columns + 1);
  for (guint r = 0; r < comparison->rows->len; r++)
    summarise_row (comparison->rows->pdata[r], place, n_columns,
                   comparison->summary + r * n_columns);
  for (guint c = 0; c < n_columns; c++)
    ((FlColumn *) comparison->columns->pdata[c])->alike = is_alike (comparison, c);
  return comparison;
}

void
fl_comparison_free (FlComparison *comparison)
{
  if (comparison == NULL)
    return;
  g_ptr_array_unref (comparison->rows);
  g_ptr_array_unref (comparison->columns);
  g_free (comparison->summary);
  g_free (comparison);
}
