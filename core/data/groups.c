/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* groups.c: groups of users or items by an attribute's values, or by ranges or
 * quantiles of a number. */
#include "core/data/data-private.h"

#include <math.h>
#include <string.h>

#define UNKNOWN "unknown"
#define DEGREE "degree"

/* Groups of which some may be empty, before they are numbered for good.  The
 * codes of entity e are code[start[e]] .. code[start[e + 1] - 1]. */
typedef struct
{
  uint32_t n;
  uint32_t *start; /* n + 1 */
  GArray *code;    /* uint32_t */
  GPtrArray *label;
} Draft;

static void
draft_init (Draft *draft, uint32_t n)
{
  *draft = (Draft) { .n = n, .start = g_new0 (uint32_t, (size_t) n + 1),
                     .code = g_array_new (FALSE, FALSE, sizeof (uint32_t)),
                     .label = g_ptr_array_new_with_free_func (g_free) };
}

static void
draft_clear (Draft *draft)
{
  g_free (draft->start);
  g_array_unref (draft->code);
  g_ptr_array_unref (draft->label);
}

void
fl_groups_free (FlGroups *groups)
{
  if (groups == NULL)
    return;
  g_free ((gpointer) groups->name);
  g_strfreev ((char **) groups->label);
  g_free ((gpointer) groups->start);
  g_free ((gpointer) groups->group);
  g_free ((gpointer) groups->first);
  g_free (groups);
}

/* The code of the group of those without a value; a value of that name and
 * they are one group. */
static uint32_t
unknown_code (Draft *draft)
{
  for (guint g = 0; g < draft->label->len; g++)
    if (strcmp (g_ptr_array_index (draft->label, g), UNKNOWN) == 0)
      return g;
  g_ptr_array_add (draft->label, g_strdup (UNKNOWN));
  return draft->label->len - 1;
}

/* Leaves out groups without members; adds "unknown" for those without group. */
static FlGroups *
draft_finish (Draft *draft, const char *name)
{
  const uint32_t *code = (const uint32_t *) (gpointer) draft->code->data;
  uint32_t unknown = unknown_code (draft), n_groups = 0, n_entries = 0;
  g_autofree uint32_t *number = g_new (uint32_t, draft->label->len);
  GPtrArray *label = g_ptr_array_new ();
  FlGroups *groups = g_new0 (FlGroups, 1);
  uint32_t *start = g_new0 (uint32_t, (size_t) draft->n + 1);
  uint32_t *group = g_new0 (uint32_t, (size_t) draft->code->len + draft->n);
  uint32_t *first = g_new0 (uint32_t, draft->n);

  for (uint32_t e = 0; e < draft->n; e++)
    {
      for (uint32_t k = draft->start[e]; k < draft->start[e + 1]; k++)
        group[n_entries++] = code[k];
      if (n_entries == start[e])
        group[n_entries++] = unknown;
      start[e + 1] = n_entries;
    }
  memset (number, 0, draft->label->len * sizeof *number);
  for (uint32_t k = 0; k < n_entries; k++)
    number[group[k]] = 1;
  for (guint g = 0; g < draft->label->len; g++)
    if (number[g])
      {
        g_ptr_array_add (label, g_strdup (g_ptr_array_index (draft->label, g)));
        number[g] = n_groups++;
      }
  g_ptr_array_add (label, NULL);
  for (uint32_t k = 0; k < n_entries; k++)
    group[k] = number[group[k]];
  for (uint32_t e = 0; e < draft->n; e++)
    first[e] = group[start[e]];
  *groups = (FlGroups) { .name = g_strdup (name), .n_groups = n_groups, .n = draft->n,
                         .label = (const char *const *) g_ptr_array_free (label, FALSE),
                         .start = start, .group = group, .first = first };
  return groups;
}

/* ---- values -------------------------------------------------------------- */

static const FlAttribute *
find_attribute (const FlDataset *dataset, FlSide side, const char *name, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *all = NULL, *suggestion = NULL;

  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    {
      const FlAttribute *attribute = &dataset->attributes[side][a];

      if (strcmp (attribute->name, name) == 0)
        return attribute;
      g_ptr_array_add (known, (gpointer) attribute->name);
    }
  g_ptr_array_add (known, (gpointer) DEGREE);
  g_ptr_array_add (known, NULL);
  all = g_strjoinv (", ", (char **) known->pdata);
  suggestion = fl_nearest (name, (const char *const *) known->pdata) != NULL
               ? fl_suggest (name, (const char *const *) known->pdata) : g_strdup ("");
  fl_fail (error, FL_ERROR_CONFIG, "no such attribute; %s%sthere are: %s", suggestion,
           suggestion[0] != '\0' ? " " : "", all);
  return NULL;
}

static void
group_by_value (Draft *draft, const FlAttribute *attribute, const uint32_t *member)
{
  for (uint32_t g = 0; g < attribute->n_groups; g++)
    g_ptr_array_add (draft->label, g_strdup (attribute->label[g]));
  for (uint32_t e = 0; e < draft->n; e++)
    {
      uint32_t from = attribute->start[member[e]], to = attribute->start[member[e] + 1];

      g_array_append_vals (draft->code, attribute->group + from, to - from);
      draft->start[e + 1] = draft->code->len;
    }
}

/* The number each entity has; NaN where it has none. */
static double *
numbers (const FlAttribute *attribute, const uint32_t *member, uint32_t n, const FlCsr *train,
         GError **error)
{
  g_autofree double *value = fl_alloc (n, sizeof *value, error);

  for (uint32_t e = 0; value != NULL && e < n; e++)
    {
      const char *label;

      value[e] = NAN;
      if (attribute == NULL)
        value[e] = (double) (train->start[e + 1] - train->start[e]);
      else if (attribute->first[member[e]] != FL_NO_GROUP)
        {
          label = attribute->label[attribute->first[member[e]]];
          if (!fl_parse_double (fl_span (label), &value[e]))
            {
              fl_fail (error, FL_ERROR_CONFIG,
                       "ranges and quantiles need numbers: '%s' is none", label);
              return NULL;
            }
        }
    }
  return g_steal_pointer (&value);
}

static gboolean
are_whole (const double *value, size_t n)
{
  for (size_t k = 0; k < n; k++)
    if (!isnan (value[k]) && value[k] != floor (value[k]))
      return FALSE;
  return TRUE;
}

static void
add_code (Draft *draft, uint32_t e, uint32_t code, double value)
{
  if (!isnan (value))
    g_array_append_val (draft->code, code);
  draft->start[e + 1] = draft->code->len;
}

/* ---- ranges -------------------------------------------------------------- */

/* "<18", "18-24", "25+"; between other than whole numbers "0.5-<1.5". */
static char *
range_label (const FlDoubles *bounds, size_t g, gboolean whole)
{
  g_autofree char *low = g > 0 ? fl_double_text (bounds->v[g - 1]) : NULL;
  g_autofree char *high = g < bounds->n ? fl_double_text (bounds->v[g] - whole) : NULL;

  if (low == NULL)
    {
      g_autofree char *bound = fl_double_text (bounds->v[0]);

      return g_strdup_printf ("<%s", bound);
    }
  if (high == NULL)
    return g_strdup_printf ("%s+", low);
  if (strcmp (low, high) == 0)
    return g_strdup (low);
  return g_strdup_printf (whole ? "%s-%s" : "%s-<%s", low, high);
}

static void
group_by_range (Draft *draft, const double *value, const FlDoubles *bounds)
{
  gboolean whole = are_whole (value, draft->n) && are_whole (bounds->v, bounds->n);

  for (size_t g = 0; g <= bounds->n; g++)
    g_ptr_array_add (draft->label, range_label (bounds, g, whole));
  for (uint32_t e = 0; e < draft->n; e++)
    {
      uint32_t g = 0;

      while (g < bounds->n && value[e] >= bounds->v[g])
        g++;
      add_code (draft, e, g, value[e]);
    }
}

/* ---- quantiles ----------------------------------------------------------- */

static int
compare_values (gconstpointer a_, gconstpointer b_, gpointer value_)
{
  uint32_t a = *(const uint32_t *) a_, b = *(const uint32_t *) b_;
  const double *value = value_;

  if (value[a] != value[b])
    return value[a] < value[b] ? -1 : 1;
  return (a > b) - (a < b);
}

/* The lowest and highest value in a group; groups of the same are counted. */
static char *
quantile_label (const Draft *draft, double low, double high)
{
  g_autofree char *from = fl_double_text (low), *to = fl_double_text (high);
  g_autofree char *range = low == high ? g_strdup (from) : g_strdup_printf ("%s-%s", from, to);
  char *label = g_strdup (range);

  for (int copy = 2;; copy++)
    {
      gboolean taken = FALSE;

      for (guint g = 0; g < draft->label->len; g++)
        taken = taken || strcmp (g_ptr_array_index (draft->label, g), label) == 0;
      if (!taken)
        return label;
      g_free (label);
      label = g_strdup_printf ("%s (%d)", range, copy);
    }
}

static gboolean
group_by_quantile (Draft *draft, const double *value, uint32_t n_groups, GError **error)
{
  g_autofree uint32_t *order = fl_alloc (draft->n, sizeof *order, error);
  g_autofree uint32_t *code = order != NULL ? fl_alloc (draft->n, sizeof *code, error) : NULL;
  uint32_t n_known = 0;

  if (code == NULL)
    return FALSE;
  for (uint32_t e = 0; e < draft->n; e++)
    if (!isnan (value[e]))
      order[n_known++] = e;
  if (n_known < n_groups)
    return fl_fail (error, FL_ERROR_CONFIG, "there are only %u with a number", n_known);
  g_qsort_with_data (order, (gint) n_known, sizeof *order, compare_values, (gpointer) value);
  for (uint32_t g = 0; g < n_groups; g++)
    {
      uint32_t from = (uint32_t) ((uint64_t) g * n_known / n_groups);
      uint32_t to = (uint32_t) ((uint64_t) (g + 1) * n_known / n_groups);

      g_ptr_array_add (draft->label,
                       quantile_label (draft, value[order[from]], value[order[to - 1]]));
      for (uint32_t r = from; r < to; r++)
        code[order[r]] = g;
    }
  for (uint32_t e = 0; e < draft->n; e++)
    add_code (draft, e, code[e], value[e]);
  return TRUE;
}

/* ---- all ----------------------------------------------------------------- */

static gboolean
group_by_number (Draft *draft, const FlGrouping *grouping, const FlAttribute *attribute,
                 const uint32_t *member, const FlCsr *train, GError **error)
{
  g_autofree double *value = numbers (attribute, member, draft->n, train, error);

  if (value == NULL)
    return FALSE;
  if (grouping->quantiles > 0)
    return group_by_quantile (draft, value, (uint32_t) grouping->quantiles, error);
  group_by_range (draft, value, &grouping->ranges);
  return TRUE;
}

FlGroups *
fl_groups_new (const FlDataset *dataset, FlSide side, const FlGrouping *grouping,
               const uint32_t *member, uint32_t n, const FlCsr *train, GError **error)
{
  gboolean by_number = grouping->ranges.n > 0 || grouping->quantiles > 0, done = TRUE;
  const FlAttribute *attribute;
  FlGroups *groups = NULL;
  GError *mistake = NULL;
  Draft draft;

  draft_init (&draft, n);
  attribute = find_attribute (dataset, side, grouping->by, &mistake);
  if (attribute == NULL && strcmp (grouping->by, DEGREE) == 0 && train != NULL)
    {
      g_clear_error (&mistake);
      if (!by_number)
        fl_fail (&mistake, FL_ERROR_CONFIG, "a number of ratings needs ranges or quantiles");
    }
  if (mistake != NULL)
    done = FALSE;
  else if (by_number)
    done = group_by_number (&draft, grouping, attribute, member, train, &mistake);
  else
    group_by_value (&draft, attribute, member);
  if (done)
    groups = draft_finish (&draft, grouping->by);
  else
    g_propagate_prefixed_error (error, mistake, "%s.group-by = %s: ",
                                side == FL_SIDE_USER ? "users" : "items", grouping->by);
  draft_clear (&draft);
  return groups;
}
