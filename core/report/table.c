/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: what a person sees first: arms down, metrics across; then, for each
 * metric that has them, groups down and arms across; then what failed. */
#include <math.h>
#include <string.h>

#include "core/report/report-room.h"

/* More groups than this are left to `runs export`. */
#define GROUPS_SHOWN 30
#define FAILURES_SHOWN 10

/* Marks and signs used so far, explained below the table. */
typedef struct
{
  const FlPage *page;
  gboolean best, lower, higher, deviation, undefined;
  gboolean apart; /* a best is not marked, for rows are over other ratings */
} Legend;

/* ---- a grid of texts --------------------------------------------------- */

typedef struct
{
  char *corner;
  GPtrArray *rows, *columns; /* labels */
  char **text;               /* rows x columns */
} Grid;

static void
grid_init (Grid *grid, char *corner)
{
  grid->corner = corner;
  grid->rows = g_ptr_array_new_with_free_func (g_free);
  grid->columns = g_ptr_array_new_with_free_func (g_free);
}

static void
grid_clear (Grid *grid)
{
  for (guint i = 0; grid->text != NULL && i < grid->rows->len * grid->columns->len; i++)
    g_free (grid->text[i]);
  g_free (grid->text);
  g_free (grid->corner);
  g_ptr_array_unref (grid->rows);
  g_ptr_array_unref (grid->columns);
}

static size_t
column_width (const Grid *grid, guint column)
{
  size_t width = fl_text_width (grid->columns->pdata[column]);

  for (guint row = 0; row < grid->rows->len; row++)
    width = MAX (width, fl_text_width (grid->text[row * grid->columns->len + column]));
  return width;
}

static void
end_line (GString *out)
{
  while (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '\n');
}

static void
append_rule (GString *out, size_t width, gboolean unicode)
{
  for (size_t i = 0; i < width; i++)
    g_string_append (out, unicode ? "─" : "-");
  g_string_append_c (out, '\n');
}

/* Columns first .. end - 1. */
static void
print_block (const Grid *grid, guint first, guint end, size_t label_width, const size_t *width,
             gboolean unicode, GString *out)
{
  size_t total = label_width;

  fl_append_padded (out, grid->corner, label_width);
  for (guint c = first; c < end; c++)
    {
      g_string_append (out, "   ");
      fl_append_padded (out, grid->columns->pdata[c], width[c]);
      total += 3 + width[c];
    }
  end_line (out);
  append_rule (out, total, unicode);
  for (guint r = 0; r < grid->rows->len; r++)
    {
      fl_append_padded (out, grid->rows->pdata[r], label_width);
      for (guint c = first; c < end; c++)
        {
          g_string_append (out, "   ");
          fl_append_padded (out, grid->text[r * grid->columns->len + c], width[c]);
        }
      end_line (out);
    }
}

/* As many columns side by side as the page holds; the others below. */
static void
print_grid (const Grid *grid, const FlPage *page, GString *out)
{
  guint n_columns = grid->columns->len;
  g_autofree size_t *width = g_new0 (size_t, n_columns + 1);
  size_t label_width = fl_text_width (grid->corner);

  for (guint r = 0; r < grid->rows->len; r++)
    label_width = MAX (label_width, fl_text_width (grid->rows->pdata[r]));
  for (guint c = 0; c < n_columns; c++)
    width[c] = column_width (grid, c);
  for (guint first = 0, end = 0; first < n_columns; first = end)
    {
      size_t total = label_width;

      do
        total += 3 + width[end++];
      while (end < n_columns && total + 3 + width[end] <= page->columns);
      if (first > 0)
        g_string_append_c (out, '\n');
      print_block (grid, first, end, label_width, width, page->unicode, out);
    }
}

/* ---- numbers that are compared with each other ------------------------- */

static char *
number (double value, int decimals)
{
  return decimals < 0 || fabs (value) >= 1e9 ? g_strdup_printf ("%.3e", value)
                                             : g_strdup_printf ("%.*f", decimals, value);
}

/* The best mean of n, or NaN when there is nothing to choose between. */
static double
best_of (size_t n, const FlSummary *const *summary, FlDirection direction)
{
  double best = NAN;
  gboolean differ = FALSE;

  for (size_t i = 0; i < n && direction != FL_NO_DIRECTION; i++)
    {
      double mean = summary[i]->mean;

      if (isnan (mean))
        continue;
      differ = differ || (!isnan (best) && mean != best);
      if (isnan (best) || (direction == FL_LOWER_IS_BETTER ? mean < best : mean > best))
        best = mean;
    }
  return differ ? best : NAN;
}

static char *
undefined_text (const FlRow *row, const FlSummary *summary, Legend *legend)
{
  if (row->n_done == 0)
    return g_strdup (row->n_failed > 0 ? "failed" : "not run");
  if (!summary->measured)
    return g_strdup ("");
  legend->undefined = TRUE;
  return g_strdup_printf ("%s (n=%zu)", legend->page->unicode ? "–" : "-", summary->n);
}

/* Texts of one metric (or one group of it) over all rows. */
static void
format_series (const GPtrArray *rows, const FlSummary *const *summary, const FlColumn *column,
               int decimals, Legend *legend, char **text, size_t stride)
{
  double best = best_of (rows->len, summary, column->metric->direction);
  size_t width = 0;

  if (!column->alike && !isnan (best))
    {
      legend->apart = TRUE;
      best = NAN;
    }

  for (guint i = 0; i < rows->len; i++)
    {
      g_autofree char *mean = number (summary[i]->mean, decimals);

      if (!isnan (summary[i]->mean))
        width = MAX (width, strlen (mean));
    }
  for (guint i = 0; i < rows->len; i++)
    {
      const FlSummary *s = summary[i];
      const FlRow *row = rows->pdata[i];
      g_autofree char *mean = number (s->mean, decimals);
      GString *out = g_string_new (NULL);

      if (isnan (s->mean))
        {
          text[i * stride] = undefined_text (row, s, legend);
          g_string_free (out, TRUE);
          continue;
        }
      g_string_append_printf (out, "%*s", (int) width, mean);
      if (!isnan (s->deviation))
        {
          g_autofree char *deviation = number (s->deviation, decimals);

          g_string_append_printf (out, " %s%s", legend->page->unicode ? "±" : "+-", deviation);
          legend->deviation = TRUE;
        }
      if (s->n_values < row->n_done)
        g_string_append_printf (out, " (%zu of %zu)", s->n_values, row->n_done);
      if (s->pairs != NULL)
        g_string_append_printf (out, " (%s pairs)", s->pairs);
      if (s->mean == best)
        g_string_append (out, " *");
      legend->best = legend->best || s->mean == best;
      text[i * stride] = g_string_free (out, FALSE);
    }
}

static char *
with_arrow (const char *label, FlDirection direction, Legend *legend)
{
  gboolean unicode = legend->page->unicode;

  legend->lower = legend->lower || direction == FL_LOWER_IS_BETTER;
  legend->higher = legend->higher || direction == FL_HIGHER_IS_BETTER;
  if (direction == FL_NO_DIRECTION)
    return g_strdup (label);
  return g_strconcat (label, " ",
                      direction == FL_LOWER_IS_BETTER ? (unicode ? "↓" : "v")
                                                      : (unicode ? "↑" : "^"), NULL);
}

static char *
row_title (const FlRow *row)
{
  if (row->n_done == row->cells->len || row->n_done == 0)
    return g_strdup (row->label);
  return g_strdup_printf ("%s (%zu of %u)", row->label, row->n_done, row->cells->len);
}

/* ---- overall: rows x metrics ------------------------------------------- */

static const FlSummary **
column_summaries (const FlComparison *comparison, guint column)
{
  const FlSummary **list = g_new (const FlSummary *, comparison->rows->len + 1);

  for (guint r = 0; r < comparison->rows->len; r++)
    list[r] = comparison->summary + r * comparison->columns->len + column;
  return list;
}

static int
decimals_of (const FlSummary *const *summary, size_t n)
{
  g_autofree double *mean = g_new (double, n + 1);

  for (size_t i = 0; i < n; i++)
    mean[i] = summary[i]->mean;
  return fl_decimals (n, mean);
}

/* No row has it, though some were computed. */
static gboolean
is_undefined (const FlComparison *comparison, guint column)
{
  for (guint r = 0; r < comparison->rows->len; r++)
    if (!isnan (comparison->summary[r * comparison->columns->len + column].mean))
      return FALSE;
  return TRUE;
}

/* A metric that no row has takes a word below the table, not a column. */
static void
print_undefined (const FlComparison *comparison, GString *out)
{
  gboolean any = FALSE;

  for (guint c = 0; c < comparison->columns->len; c++)
    {
      const FlColumn *column = comparison->columns->pdata[c];

      if (column->metric->group != NULL || !is_undefined (comparison, c))
        continue;
      g_string_append_printf (out, "%s%s", any ? ", " : "undefined in every row: ", column->label);
      any = TRUE;
    }
  if (any)
    g_string_append_c (out, '\n');
}

static void
print_overall (const FlComparison *comparison, Legend *legend, GString *out)
{
  Grid grid = { 0 };
  guint n_rows = comparison->rows->len, shown = 0;
  g_autoptr (GArray) which = g_array_new (FALSE, FALSE, sizeof (guint));

  grid_init (&grid, g_strdup (""));
  for (guint c = 0; c < comparison->columns->len; c++)
    if (((const FlColumn *) comparison->columns->pdata[c])->metric->group == NULL
        && !is_undefined (comparison, c))
      g_array_append_val (which, c);
  grid.text = g_new0 (char *, n_rows * which->len + 1);
  for (guint r = 0; r < n_rows; r++)
    g_ptr_array_add (grid.rows, row_title (comparison->rows->pdata[r]));
  for (shown = 0; shown < which->len; shown++)
    {
      guint c = g_array_index (which, guint, shown);
      const FlColumn *column = comparison->columns->pdata[c];
      g_autofree const FlSummary **summary = column_summaries (comparison, c);

      g_ptr_array_add (grid.columns,
                       with_arrow (column->label, column->metric->direction, legend));
      format_series (comparison->rows, summary, column,
                     decimals_of (summary, n_rows), legend, grid.text + shown, which->len);
    }
  if (which->len > 0)
    g_string_append_c (out, '\n');
  print_grid (&grid, legend->page, out);
  grid_clear (&grid);
  print_undefined (comparison, out);
}

/* ---- groups x rows, one block a metric --------------------------------- */

static gboolean
same_metric (const FlMetric *a, const FlMetric *b)
{
  return strcmp (a->name, b->name) == 0 && a->k == b->k && g_strcmp0 (a->part, b->part) == 0;
}

/* Columns that are groups of the metric at `first`. */
static GArray *
groups_of (const FlComparison *comparison, guint first)
{
  GArray *which = g_array_new (FALSE, FALSE, sizeof (guint));
  const FlColumn *lead = comparison->columns->pdata[first];

  for (guint c = first; c < comparison->columns->len; c++)
    {
      const FlColumn *column = comparison->columns->pdata[c];

      if (column->metric->group != NULL && same_metric (column->metric, lead->metric))
        g_array_append_val (which, c);
    }
  return which;
}

static void
print_groups (const FlComparison *comparison, guint first, Legend *legend, GString *out)
{
  const FlColumn *lead = comparison->columns->pdata[first];
  FlDirection direction = lead->metric->direction;
  guint n_rows = comparison->rows->len;
  g_autoptr (GArray) which = groups_of (comparison, first);
  guint shown = MIN (which->len, GROUPS_SHOWN);
  g_autofree double *mean = g_new (double, shown * n_rows + 1);
  Grid grid = { 0 };

  grid_init (&grid, with_arrow (lead->label, direction, legend));
  grid.text = g_new0 (char *, shown * n_rows + 1);
  for (guint r = 0; r < n_rows; r++)
    g_ptr_array_add (grid.columns, row_title (comparison->rows->pdata[r]));
  for (guint g = 0; g < shown; g++)
    for (guint r = 0; r < n_rows; r++)
      mean[g * n_rows + r] = comparison->summary[r * comparison->columns->len
                                                 + g_array_index (which, guint, g)].mean;
  for (guint g = 0; g < shown; g++)
    {
      guint c = g_array_index (which, guint, g);
      const FlColumn *column = comparison->columns->pdata[c];
      g_autofree const FlSummary **summary = column_summaries (comparison, c);

      g_ptr_array_add (grid.rows, g_strdup (column->metric->group));
      format_series (comparison->rows, summary, column, fl_decimals (shown * n_rows, mean),
                     legend, grid.text + g * n_rows, 1);
    }
  print_grid (&grid, legend->page, out);
  if (shown < which->len)
    g_string_append_printf (out, "%u more groups: `fairlead runs export`\n", which->len - shown);
  grid_clear (&grid);
}

/* Is this the first group of its metric? */
static gboolean
leads_groups (const FlComparison *comparison, guint column)
{
  const FlColumn *lead = comparison->columns->pdata[column];

  if (lead->metric->group == NULL)
    return FALSE;
  for (guint c = 0; c < column; c++)
    {
      const FlColumn *other = comparison->columns->pdata[c];

      if (other->metric->group != NULL && same_metric (other->metric, lead->metric))
        return FALSE;
    }
  return TRUE;
}

/* ---- below ------------------------------------------------------------- */

static void
print_legend (const Legend *legend, size_t n_repeats, GString *out)
{
  gboolean unicode = legend->page->unicode;
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  const char *between = unicode ? "  ·  " : "   ";
  size_t width = 0;

  if (legend->best)
    g_ptr_array_add (words, g_strdup ("* best"));
  if (legend->lower)
    g_ptr_array_add (words, g_strdup (unicode ? "↓ lower is better" : "v lower is better"));
  if (legend->higher)
    g_ptr_array_add (words, g_strdup (unicode ? "↑ higher is better" : "^ higher is better"));
  if (legend->deviation)
    g_ptr_array_add (words, g_strdup_printf ("%s standard deviation over %zu repeats",
                                             unicode ? "±" : "+-", n_repeats));
  if (legend->undefined)
    g_ptr_array_add (words, g_strdup (unicode ? "– undefined (n=0: nothing to measure or compare)"
                                              : "- undefined (n=0: nothing to measure or compare)"));
  for (guint i = 0; i < words->len; i++)
    {
      size_t more = fl_text_width (words->pdata[i]);
      gboolean fits = i > 0 && width + fl_text_width (between) + more <= legend->page->columns;

      g_string_append_printf (out, "%s%s", fits ? between : "\n", (char *) words->pdata[i]);
      width = fits ? width + fl_text_width (between) + more : more;
    }
  if (words->len > 0)
    g_string_append_c (out, '\n');
  if (legend->apart)
    g_string_append (out, "rows are tested on different ratings, and no best is marked among them\n");
}

/* Repeats of one row that failed alike are one entry. */
static void
print_row_failures (const FlRow *row, size_t *n_shown, size_t *n_left, GString *out)
{
  for (guint i = 0, next = 0; i < row->cells->len; i = next)
    {
      const FlCellRecord *cell = row->cells->pdata[i];
      g_autoptr (GString) repeats = g_string_new (NULL);
      g_auto (GStrv) lines = NULL;

      for (next = i; next < row->cells->len; next++)
        {
          const FlCellRecord *other = row->cells->pdata[next];

          if (other->status != cell->status || g_strcmp0 (other->error, cell->error) != 0)
            break;
          g_string_append_printf (repeats, "%s%u", next > i ? ", " : "", other->repeat);
        }
      if (cell->error == NULL)
        continue;
      if ((*n_shown)++ >= FAILURES_SHOWN)
        {
          *n_left += next - i;
          continue;
        }
      lines = g_strsplit (cell->error != NULL ? cell->error : "", "\n", -1);
      g_string_append_printf (out, "\nfailed: %s, repeat%s %s: %s\n", row->label,
                              next - i > 1 ? "s" : "", repeats->str,
                              lines[0] != NULL ? lines[0] : "");
      for (guint l = 1; lines[0] != NULL && lines[l] != NULL; l++)
        g_string_append_printf (out, "    %s\n", lines[l]);
    }
}

static const char *
find_note (const FlCellRecord *cell, const char *key)
{
  for (guint i = 0; cell->outcome != NULL && i < cell->outcome->notes->len; i++)
    {
      const FlSetting *note = g_ptr_array_index (cell->outcome->notes, i);

      if (strcmp (note->key, key) == 0)
        return note->value;
    }
  return NULL;
}

/* "one: chosen by rmse on 5 folds, of 9 points: model.lambda = 3 (repeats 0, 2), 10 (1)" */
static void
print_row_choices (const FlRow *row, GString *out)
{
  g_autoptr (GHashTable) met = g_hash_table_new (g_str_hash, g_str_equal);
  const char *by = NULL;

  for (guint i = 0; i < row->cells->len; i++)
    {
      const char *chosen = find_note (row->cells->pdata[i], FL_NOTE_CHOSEN);
      g_autoptr (GString) repeats = g_string_new (NULL);
      guint n = 0;

      if (chosen == NULL || !g_hash_table_add (met, (gpointer) chosen))
        continue;
      for (guint j = i; j < row->cells->len; j++)
        if (g_strcmp0 (find_note (row->cells->pdata[j], FL_NOTE_CHOSEN), chosen) == 0)
          g_string_append_printf (repeats, "%s%u", n++ > 0 ? ", " : "",
                                  ((const FlCellRecord *) row->cells->pdata[j])->repeat);
      if (by == NULL)
        g_string_append_printf (out, "%s: chosen by %s:", row->label,
                                by = find_note (row->cells->pdata[i], FL_NOTE_CHOSEN_BY));
      g_string_append_printf (out, "%s %s", g_hash_table_size (met) > 1 ? ";" : "", chosen);
      if (n < row->cells->len)
        g_string_append_printf (out, " (repeat%s %s)", n > 1 ? "s" : "", repeats->str);
    }
  if (by == NULL)
    g_string_append_printf (out, "%s: parameters as given", row->label);
  g_string_append_c (out, '\n');
}

/* Where any were chosen, how every row came to its parameters. */
static void
print_choices (const FlComparison *comparison, GString *out)
{
  gboolean any = FALSE;

  for (guint r = 0; r < comparison->rows->len; r++)
    {
      const FlRow *row = comparison->rows->pdata[r];

      for (guint i = 0; i < row->cells->len; i++)
        any = any || find_note (row->cells->pdata[i], FL_NOTE_CHOSEN) != NULL;
    }
  if (any)
    g_string_append_c (out, '\n');
  for (guint r = 0; any && r < comparison->rows->len; r++)
    print_row_choices (comparison->rows->pdata[r], out);
}

static void
print_failures (const FlComparison *comparison, GString *out)
{
  size_t n_shown = 0, n_left = 0;

  for (guint r = 0; r < comparison->rows->len; r++)
    print_row_failures (comparison->rows->pdata[r], &n_shown, &n_left, out);
  if (n_left > 0)
    g_string_append_printf (out, "\n%zu more cells failed: `fairlead runs export --format json` says why\n", n_left);
}

void
fl_report_table (const FlRunRecord *run, const FlComparison *comparison, const FlPage *page,
                 GString *out)
{
  Legend legend = { .page = page };
  size_t n_repeats = 0;

  g_string_append_printf (out, "%s\n", run->title[0] != '\0' ? run->title : run->file);
  print_overall (comparison, &legend, out);
  for (guint c = 0; c < comparison->columns->len; c++)
    if (leads_groups (comparison, c))
      {
        g_string_append_c (out, '\n');
        print_groups (comparison, c, &legend, out);
      }
  for (guint r = 0; r < comparison->rows->len; r++)
    n_repeats = MAX (n_repeats, ((const FlRow *) comparison->rows->pdata[r])->cells->len);
  print_legend (&legend, n_repeats, out);
  print_choices (comparison, out);
  print_failures (comparison, out);
}
