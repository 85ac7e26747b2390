/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* membership.c: members, labels and sums of groups, for the host and for plugins. */
#include <fairlead/groups.h>

uint32_t *
fl_groups_count_members (const FlGroups *groups)
{
  uint32_t *count = g_new0 (uint32_t, fl_groups_count (groups));

  for (uint32_t k = 0; groups != NULL && k < groups->start[groups->n]; k++)
    count[groups->group[k]]++;
  return count;
}

/* ---- labels -------------------------------------------------------------- */

static void
append_label (GString *text, const FlGroups *groups, uint32_t g)
{
  if (groups != NULL)
    g_string_append_printf (text, "%s%s=%s", text->len > 0 ? "," : "", groups->name,
                            g < groups->n_groups ? groups->label[g] : "added");
}

char *
fl_groups_make_label (const FlGroups *users, uint32_t user_group, const FlGroups *items,
                      uint32_t item_group)
{
  GString *text = g_string_new (NULL);

  append_label (text, users, user_group);
  append_label (text, items, item_group);
  return g_string_free (text, FALSE);
}

gboolean
fl_groups_find_label (const FlGroups *groups, const char *label, uint32_t *g, GError **error)
{
  g_autoptr (GString) labels = NULL;

  if (groups == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "no group '%s': there are no groups", label);
  for (*g = 0; *g < groups->n_groups; ++*g)
    if (strcmp (groups->label[*g], label) == 0)
      return TRUE;
  labels = g_string_new (NULL);
  for (uint32_t k = 0; k < groups->n_groups; k++)
    g_string_append_printf (labels, "%s%s", k > 0 ? ", " : "", groups->label[k]);
  return fl_fail (error, FL_ERROR_CONFIG, "no group '%s': the groups of %s are %s", label,
                  groups->name, labels->str);
}

/* ---- numbers by group ---------------------------------------------------- */

FlGroupSum *
fl_groups_sum_values (const FlGroups *groups, uint32_t n, const double *each, FlGroupSum *all)
{
  FlGroupSum *sums = g_new0 (FlGroupSum, fl_groups_count (groups)), total = { 0.0, 0 };

  for (uint32_t e = 0; e < n; e++)
    {
      fl_groups_add_number (&total, each[e]);
      fl_groups_add_value (groups, e, each[e], sums);
    }
  if (all != NULL)
    *all = total;
  return sums;
}

uint32_t
fl_groups_find_lowest (uint32_t n_groups, const double *number)
{
  uint32_t lowest = FL_NO_GROUP;

  for (uint32_t g = 0; g < n_groups; g++)
    if (!isnan (number[g]) && (lowest == FL_NO_GROUP || number[g] < number[lowest]))
      lowest = g;
  return lowest;
}

uint32_t
fl_groups_find_highest (uint32_t n_groups, const double *number)
{
  uint32_t highest = FL_NO_GROUP;

  for (uint32_t g = 0; g < n_groups; g++)
    if (!isnan (number[g]) && (highest == FL_NO_GROUP || number[g] > number[highest]))
      highest = g;
  return highest;
}

/* ---- comparisons --------------------------------------------------------- */

FlSpread
fl_spread_of (size_t n, const double *number, size_t stride)
{
  FlSpread spread = { NAN, NAN, 0 };
  double sum = 0.0, squares = 0.0;

  for (size_t k = 0; k < n; k++)
    if (!isnan (number[k * stride]))
      {
        sum += number[k * stride];
        spread.n++;
      }
  if (spread.n == 0)
    return spread;
  spread.mean = sum / (double) spread.n;
  for (size_t k = 0; k < n; k++)
    if (!isnan (number[k * stride]))
      squares += (number[k * stride] - spread.mean) * (number[k * stride] - spread.mean);
  if (spread.n > 1)
    spread.variance = squares / (double) spread.n;
  return spread;
}

FlSpread
fl_groups_get_spread (const FlGroups *groups, const double *number)
{
  uint32_t n = fl_groups_count (groups);
  g_autofree double *compared = g_new (double, n + (size_t) 1);

  for (uint32_t g = 0; g < n; g++)
    compared[g] = fl_groups_is_compared (groups, g) ? number[g] : NAN;
  return fl_spread_of (n, compared, 1);
}
