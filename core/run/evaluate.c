/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* evaluate.c: collects what an objective says, and turns it into metrics. */
#include "core/run/run-room.h"

#include <math.h>
#include <string.h>

/* One number that the objective gave. */
typedef struct
{
  size_t value;
  gboolean grouped; /* else over all */
  FlSide side;
  uint32_t group;
  double number;
  size_t n;
} Number;

struct FlResult
{
  const FlInstance *objective;
  const char *name; /* of the pipeline's group, or NULL */
  const FlView *view;
  int k;
  size_t n_values;
  gboolean *omitted; /* n_values                        */
  GArray *numbers;  /* Number, as they came             */
  GPtrArray *each;  /* FlEach                           */
  GError *error;    /* the first misuse of the calls below */
};

static const FlObjectiveOps *
ops_of (const FlInstance *objective)
{
  return objective->ops;
}

static gboolean
value_exists (FlResult *result, size_t value)
{
  if (value < result->n_values)
    return TRUE;
  if (result->error == NULL)
    fl_fail (&result->error, FL_ERROR_PLUGIN, "sets value %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT,
             value, result->n_values);
  return FALSE;
}

void
fl_result_set (FlResult *result, size_t value, double number)
{
  Number entry = { .value = value, .number = number, .n = result->view->n };

  if (ops_of (result->objective)->whole)
    entry.n = 0;
  if (value_exists (result, value))
    g_array_append_val (result->numbers, entry);
}

void
fl_result_omit (FlResult *result, size_t value)
{
  if (value_exists (result, value))
    result->omitted[value] = TRUE;
}

static const FlGroups *
groups_of (const FlView *view, FlSide side)
{
  return side == FL_SIDE_USER ? view->user_groups : view->item_groups;
}

void
fl_result_set_group (FlResult *result, size_t value, FlSide side, uint32_t group, double number,
                     size_t n)
{
  Number entry = { value, TRUE, side, group, n > 0 ? number : NAN, n };
  const FlGroups *groups = groups_of (result->view, side);
  uint32_t n_groups = groups != NULL ? groups->n_groups : 0;

  if (!value_exists (result, value))
    return;
  if (group < n_groups)
    g_array_append_val (result->numbers, entry);
  else if (result->error == NULL)
    fl_fail (&result->error, FL_ERROR_PLUGIN, "sets group %u of %u %s groups", group, n_groups,
             side == FL_SIDE_USER ? "user" : "item");
}

/* ---- names ------------------------------------------------------------- */

/* The value's name; under a pipeline's own name X for plugin P, P and P-... read
 * X and X-..., and any other is X.other. */
static char *
metric_name (const FlResult *result, size_t value)
{
  const char *plugin = result->objective->plugin->name;
  const char *own = ops_of (result->objective)->values[value].name;
  size_t length = strlen (plugin);

  if (result->name == NULL || own == NULL)
    return g_strdup (own);
  if (strncmp (own, plugin, length) == 0 && (own[length] == '\0' || own[length] == '-'))
    return g_strconcat (result->name, own + length, NULL);
  return g_strconcat (result->name, ".", own, NULL);
}

static char *
part_name (const FlResult *result)
{
  static const char *const names[] = {
    [FL_PART_TRAIN] = "train", [FL_PART_VALIDATION] = "validation", [FL_PART_TEST] = "test"
  };

  return ops_of (result->objective)->whole ? NULL : g_strdup (names[result->view->part]);
}

static char *
group_name (const FlResult *result, const Number *number)
{
  const FlGroups *groups = groups_of (result->view, number->side);

  return g_strdup_printf ("%s=%s", groups->name, groups->label[number->group]);
}

double *
fl_result_each (FlResult *result, size_t value, FlSide side)
{
  FlEach *each;

  /* The caller writes somewhere; the misuse is reported when it returns. */
  if (!value_exists (result, value))
    value = 0;
  each = g_new0 (FlEach, 1);
  each->name = metric_name (result, value);
  each->part = part_name (result);
  each->k = result->k;
  each->side = side;
  each->n = side == FL_SIDE_USER ? result->view->n_users : result->view->n_items;
  each->value = g_new (double, each->n);
  for (size_t e = 0; e < each->n; e++)
    each->value[e] = NAN;
  g_ptr_array_add (result->each, each);
  return each->value;
}

/* ---- metrics ----------------------------------------------------------- */

static void
add_metric (const FlResult *result, size_t value, const Number *number, FlOutcome *outcome)
{
  FlMetric *metric = g_new0 (FlMetric, 1);

  metric->name = metric_name (result, value);
  metric->k = result->k;
  metric->part = part_name (result);
  metric->direction = ops_of (result->objective)->values[value].direction;
  metric->value = number != NULL ? number->number : NAN;
  metric->n = number != NULL ? number->n : 0;
  if (number != NULL && number->grouped)
    metric->group = group_name (result, number);
  g_ptr_array_add (outcome->metrics, metric);
}

/* The number over all first, then the groups in the order they were set. */
static void
add_value (const FlResult *result, size_t value, FlOutcome *outcome)
{
  const Number *all = NULL; /* the last one set counts */

  for (guint k = 0; k < result->numbers->len; k++)
    {
      const Number *number = &g_array_index (result->numbers, Number, k);

      if (number->value == value && !number->grouped)
        all = number;
    }
  add_metric (result, value, all, outcome);
  for (guint k = 0; k < result->numbers->len; k++)
    {
      const Number *number = &g_array_index (result->numbers, Number, k);

      if (number->value == value && number->grouped)
        add_metric (result, value, number, outcome);
    }
}

static gboolean
check_numbers (const FlResult *result, GError **error)
{
  for (guint k = 0; k < result->numbers->len; k++)
    {
      const Number *number = &g_array_index (result->numbers, Number, k);
      g_autofree char *name = metric_name (result, number->value);
      g_autofree char *group = number->grouped ? group_name (result, number) : NULL;

      if (!isfinite (number->number) && !(number->grouped && number->n == 0))
        return fl_fail (error, FL_ERROR_NUMERIC, "%s%s%s is %g", name, group != NULL ? " of " : "",
                        group != NULL ? group : "", number->number);
    }
  for (guint k = 0; k < result->each->len; k++)
    {
      const FlEach *each = g_ptr_array_index (result->each, k);

      for (size_t e = 0; e < each->n; e++)
        if (isinf (each->value[e]))
          return fl_fail (error, FL_ERROR_NUMERIC, "%s of %s %" G_GSIZE_FORMAT " is %g", each->name,
                          each->side == FL_SIDE_USER ? "user" : "item", e, each->value[e]);
    }
  return TRUE;
}

static gboolean
collect (FlResult *result, FlOutcome *outcome, GError **error)
{
  const FlInstance *objective = result->objective;

  if (!ops_of (objective)->evaluate (objective->self, result->view, result, error))
    return FALSE;
  if (result->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&result->error));
      return FALSE;
    }
  if (!check_numbers (result, error))
    return FALSE;
  for (size_t value = 0; value < result->n_values; value++)
    if (!result->omitted[value])
      add_value (result, value, outcome);
  for (guint k = 0; k < result->each->len; k++)
    g_ptr_array_add (outcome->each, g_ptr_array_index (result->each, k));
  g_ptr_array_set_free_func (result->each, NULL); /* they are the outcome's now */
  return TRUE;
}

gboolean
fl_objective_run (const FlInstance *objective, const char *name, const FlView *view, int k,
                  FlOutcome *outcome, GError **error)
{
  FlResult result = { .objective = objective, .name = name, .view = view, .k = k };
  gboolean done;

  while (ops_of (objective)->values[result.n_values].name != NULL)
    result.n_values++;
  result.omitted = g_new0 (gboolean, result.n_values);
  result.numbers = g_array_new (FALSE, FALSE, sizeof (Number));
  result.each = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_each_free);
  done = collect (&result, outcome, error);
  if (!done)
    g_prefix_error (error, "objective %s: ", name != NULL ? name : objective->plugin->name);
  g_clear_error (&result.error);
  g_free (result.omitted);
  g_array_unref (result.numbers);
  g_ptr_array_unref (result.each);
  return done;
}
