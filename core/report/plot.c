/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plot.c: rows as dots on a line, one panel a metric, with a whisker of one
 * standard deviation either side. */
#include <math.h>
#include <string.h>

#include "core/report/report-room.h"

#define PANELS 2
#define ROWS_MAX 24
#define PLACES_MAX 60
#define PLACES_MIN 20

typedef struct
{
  double low, high;
  size_t n_values;
} Range;

static Range
range_of (const FlComparison *comparison, guint column)
{
  Range range = { INFINITY, -INFINITY, 0 };

  for (guint r = 0; r < comparison->rows->len; r++)
    {
      const FlSummary *s = &comparison->summary[r * comparison->columns->len + column];
      double half = isnan (s->deviation) ? 0 : s->deviation;

      if (isnan (s->mean))
        continue;
      range.low = fmin (range.low, s->mean - half);
      range.high = fmax (range.high, s->mean + half);
      range.n_values++;
    }
  return range;
}

static size_t
place_of (double value, const Range *range, size_t n_places)
{
  double share = (value - range->low) / (range->high - range->low);

  return (size_t) lround (fmin (fmax (share, 0), 1) * (double) (n_places - 1));
}

/* One row's line: blanks, whisker, dot. */
static void
append_dots (const FlSummary *s, const Range *range, size_t n_places, gboolean unicode,
             GString *out)
{
  double half = isnan (s->deviation) ? 0 : s->deviation;
  size_t left = place_of (s->mean - half, range, n_places);
  size_t dot = place_of (s->mean, range, n_places);
  size_t right = place_of (s->mean + half, range, n_places);

  for (size_t i = 0; i <= right; i++)
    if (i == dot)
      g_string_append (out, unicode ? "●" : "o");
    else if (i < left)
      g_string_append_c (out, ' ');
    else if (i == left)
      g_string_append (out, unicode ? "├" : "|");
    else if (i == right)
      g_string_append (out, unicode ? "┤" : "|");
    else
      g_string_append (out, unicode ? "─" : "-");
}

/* "0.9021 ──────── 0.9400", n_places wide. */
static void
append_axis (const Range *range, size_t n_places, gboolean unicode, GString *out)
{
  double ends[] = { range->low, range->high };
  int decimals = fl_decimals (2, ends);
  g_autofree char *low = decimals < 0 ? g_strdup_printf ("%.3e", range->low)
                                      : g_strdup_printf ("%.*f", decimals, range->low);
  g_autofree char *high = decimals < 0 ? g_strdup_printf ("%.3e", range->high)
                                       : g_strdup_printf ("%.*f", decimals, range->high);

  g_string_append_printf (out, "%s ", low);
  for (size_t i = strlen (low) + strlen (high) + 2; i < n_places; i++)
    g_string_append (out, unicode ? "─" : "-");
  g_string_append_printf (out, " %s\n", high);
}

static void
print_panel (const FlComparison *comparison, guint column, const Range *range,
             size_t width, size_t n_places, gboolean unicode, GString *out)
{
  const FlColumn *head = comparison->columns->pdata[column];

  g_string_append_c (out, '\n');
  fl_append_padded (out, head->label, width + 2);
  append_axis (range, n_places, unicode, out);
  for (guint r = 0; r < comparison->rows->len; r++)
    {
      const FlRow *row = comparison->rows->pdata[r];
      const FlSummary *s = &comparison->summary[r * comparison->columns->len + column];

      if (isnan (s->mean))
        continue;
      fl_append_padded (out, row->label, width + 2);
      append_dots (s, range, n_places, unicode, out);
      g_string_append_c (out, '\n');
    }
}

/* "rmse-worst-group" beside "rmse" would say little that is new. */
static gboolean
is_derived (const FlComparison *comparison, const GArray *panels, guint column)
{
  const char *name = ((const FlColumn *) comparison->columns->pdata[column])->metric->name;

  for (guint i = 0; i < panels->len; i++)
    {
      guint other = g_array_index (panels, guint, i);
      const char *base = ((const FlColumn *) comparison->columns->pdata[other])->metric->name;

      if (g_str_has_prefix (name, base) && name[strlen (base)] == '-')
        return TRUE;
    }
  return FALSE;
}

/* The first metrics that tell rows apart. */
static GArray *
choose_panels (const FlComparison *comparison)
{
  GArray *panels = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint c = 0; c < comparison->columns->len && panels->len < PANELS; c++)
    {
      const FlColumn *column = comparison->columns->pdata[c];
      Range range = range_of (comparison, c);

      if (column->metric->group == NULL && column->alike && range.n_values >= 2 && range.low < range.high
          && !is_derived (comparison, panels, c))
        g_array_append_val (panels, c);
    }
  return panels;
}

static size_t
label_width (const FlComparison *comparison, const GArray *panels)
{
  size_t width = 0;

  for (guint r = 0; r < comparison->rows->len; r++)
    width = MAX (width, fl_text_width (((const FlRow *) comparison->rows->pdata[r])->label));
  for (guint i = 0; i < panels->len; i++)
    {
      guint c = g_array_index (panels, guint, i);

      width = MAX (width,
                   fl_text_width (((const FlColumn *) comparison->columns->pdata[c])->label));
    }
  return width;
}

void
fl_report_plot (const FlComparison *comparison, const FlPage *page, GString *out)
{
  g_autoptr (GArray) panels = choose_panels (comparison);
  size_t width = label_width (comparison, panels);

  if (comparison->rows->len > ROWS_MAX || width + 2 + PLACES_MIN > page->columns)
    return;
  for (guint i = 0; i < panels->len; i++)
    {
      guint c = g_array_index (panels, guint, i);
      Range range = range_of (comparison, c);

      print_panel (comparison, c, &range, width, MIN (PLACES_MAX, page->columns - width - 2),
                   page->unicode, out);
    }
}
