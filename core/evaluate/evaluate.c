/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* evaluate.c: collects what an objective or a projection says, and turns it into
 * metrics. */
#include "core/evaluate/evaluate-room.h"

#include <math.h>
#include <string.h>

/* One number that the objective gave. */
typedef struct
{
  size_t value;
  gboolean grouped; /* else over all, or over `label` */
  char *label;
  FlSide side;
  uint32_t group;
  double number;
  size_t n;
  gboolean unknown; /* over all: a dash, also beside labels */
} Number;

struct FlResult
{
  const FlInstance *plugin;
  const FlValue *values;    /* that it may set                 */
  size_t n_values;
  const char *name;         /* of the pipeline's group, or NULL */
  const char *part;         /* or NULL                         */
  int k;
  size_t n;                 /* ratings behind a value over all */
  const FlGroups *groups[2];
  uint32_t n_entities[2];
  gboolean *omitted;        /* n_values                        */
  GArray *numbers;          /* Number, as they came            */
  GPtrArray *notes;         /* FlSetting                       */
  GPtrArray *each;          /* FlEach                          */
  GError *error;            /* the first misuse of the calls below */
};

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

/* ---- names ------------------------------------------------------------- */

static char *
metric_name (const FlResult *result, size_t value)
{
  return fl_value_name (result->plugin->plugin, result->name, result->values[value].name);
}

/* ---- what a plugin says ------------------------------------------------- */

void
fl_result_set (FlResult *result, size_t value, double number)
{
  Number entry = { .value = value, .number = number, .n = result->n };

  if (value_exists (result, value))
    g_array_append_val (result->numbers, entry);
}

void
fl_result_set_n (FlResult *result, size_t value, double number, size_t n)
{
  Number entry = { .value = value, .number = n > 0 ? number : NAN, .n = n, .unknown = n == 0 };

  if (value_exists (result, value))
    g_array_append_val (result->numbers, entry);
}

void
fl_result_omit (FlResult *result, size_t value)
{
  if (value_exists (result, value))
    result->omitted[value] = TRUE;
}

/* "value", "dp@10", "value (train)": the name, as tables have it. */
static char *
shown_name (const FlResult *result, size_t value)
{
  g_autofree char *name = metric_name (result, value);
  g_autofree char *k = result->k > 0 ? g_strdup_printf ("@%d", result->k) : g_strdup ("");

  if (result->part == NULL || strcmp (result->part, "test") == 0)
    return g_strconcat (name, k, NULL);
  return g_strconcat (name, k, " (", result->part, ")", NULL);
}

static void
note_pairs (FlResult *result, size_t value, const FlPairs *pairs)
{
  g_autofree char *name = shown_name (result, value);
  g_autofree char *key = g_strconcat (name, FL_NOTE_PAIRS, NULL);
  g_autofree char *text = g_strdup_printf ("%" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT, pairs->n,
                                           pairs->n_all);

  g_ptr_array_add (result->notes, fl_setting_new (key, text, ""));
}

void
fl_result_set_pairs (FlResult *result, size_t value, size_t worst, const FlPairs *pairs,
                     size_t n_behind)
{
  size_t n = pairs->n_all > 1 ? pairs->n : pairs->n * n_behind;

  fl_result_set_n (result, value, fl_pairs_get_mean (pairs), n);
  fl_result_set_n (result, worst, pairs->n > 0 ? pairs->worst : NAN, n);
  if (pairs->n_all <= 1)
    fl_result_omit (result, worst);
  if (pairs->n < pairs->n_all && value_exists (result, value))
    note_pairs (result, value, pairs);
}

void
fl_result_set_group (FlResult *result, size_t value, FlSide side, uint32_t group, double number,
                     size_t n)
{
  Number entry = { .value = value, .grouped = TRUE, .side = side, .group = group,
                   .number = n > 0 ? number : NAN, .n = n };
  const FlGroups *groups = result->groups[side];
  uint32_t n_groups = fl_groups_count (groups);

  if (!value_exists (result, value))
    return;
  if (group < n_groups)
    g_array_append_val (result->numbers, entry);
  else if (result->error == NULL)
    fl_fail (&result->error, FL_ERROR_PLUGIN, "sets group %u of %u %s groups", group, n_groups,
             side == FL_SIDE_USER ? "user" : "item");
}

void
fl_result_set_label (FlResult *result, size_t value, const char *label, double number, size_t n)
{
  Number entry = { .value = value, .label = g_strdup (label),
                   .number = n > 0 ? number : NAN, .n = n };

  if (value_exists (result, value))
    g_array_append_val (result->numbers, entry);
  else
    g_free (entry.label);
}

/* ---- groups of numbers, and numbers of each ---------------------------- */

/* NULL: over all. */
static char *
group_name (const FlResult *result, const Number *number)
{
  const FlGroups *groups = number->grouped ? result->groups[number->side] : NULL;

  if (groups == NULL)
    return g_strdup (number->label);
  return fl_groups_make_label (groups, number->group, NULL, 0);
}

static double *
add_each (FlResult *result, size_t value, FlIndex index, const char *group, size_t n)
{
  FlEach *each;

  /* The caller writes somewhere; the misuse is reported when it returns. */
  if (!value_exists (result, value))
    value = 0;
  each = g_new0 (FlEach, 1);
  each->name = metric_name (result, value);
  each->group = g_strdup (group);
  each->part = g_strdup (result->part);
  each->k = result->k;
  each->index = index;
  each->n = n;
  each->value = g_new (double, n);
  for (size_t e = 0; e < n; e++)
    each->value[e] = NAN;
  g_ptr_array_add (result->each, each);
  return each->value;
}

double *
fl_result_each (FlResult *result, size_t value, FlSide side)
{
  return add_each (result, value, side == FL_SIDE_USER ? FL_INDEX_USER : FL_INDEX_ITEM, NULL,
                   result->n_entities[side]);
}

double *
fl_result_steps (FlResult *result, size_t value, const char *label, size_t n)
{
  return add_each (result, value, FL_INDEX_STEP, label, n);
}

void
fl_result_means (FlResult *result, size_t value, FlSide side, const double *each)
{
  const FlGroups *groups = result->groups[side];
  FlGroupSum all;
  g_autofree FlGroupSum *group
      = fl_groups_sum_values (groups, result->n_entities[side], each, &all);

  fl_result_set_n (result, value, fl_groups_get_mean (&all), all.n);
  for (uint32_t g = 0; g < fl_groups_count (groups); g++)
    fl_result_set_group (result, value, side, g, fl_groups_get_mean (&group[g]), group[g].n);
  if (result->n_entities[side] > 0) /* else there may be no memory behind either */
    memcpy (fl_result_each (result, value, side), each,
            result->n_entities[side] * sizeof *each);
}

/* ---- metrics ----------------------------------------------------------- */

static void
add_metric (const FlResult *result, size_t value, const Number *number, FlOutcome *outcome)
{
  FlMetric *metric = g_new0 (FlMetric, 1);

  metric->name = metric_name (result, value);
  metric->k = result->k;
  metric->part = g_strdup (result->part);
  metric->direction = result->values[value].direction;
  metric->value = number != NULL ? number->number : NAN;
  metric->n = number != NULL ? number->n : 0;
  if (number != NULL)
    metric->group = group_name (result, number);
  g_ptr_array_add (outcome->metrics, metric);
}

static gboolean
is_over_all (const Number *number)
{
  return !number->grouped && number->label == NULL;
}

/* The number over all first, then the groups in the order they were set.  What was
 * set for labels alone has no number over all. */
static void
add_value (const FlResult *result, size_t value, FlOutcome *outcome)
{
  const Number *all = NULL; /* the last one set counts */
  gboolean labelled = FALSE;

  for (guint k = 0; k < result->numbers->len; k++)
    {
      const Number *number = &g_array_index (result->numbers, Number, k);

      if (number->value != value)
        continue;
      all = is_over_all (number) ? number : all;
      labelled = labelled || number->label != NULL;
    }
  if (all != NULL || !labelled)
    add_metric (result, value, all, outcome);
  for (guint k = 0; k < result->numbers->len; k++)
    {
      const Number *number = &g_array_index (result->numbers, Number, k);

      if (number->value == value && !is_over_all (number))
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
      g_autofree char *group = group_name (result, number);

      if (!isfinite (number->number) && !number->unknown
          && (is_over_all (number) || number->n > 0))
        return fl_fail (error, FL_ERROR_NUMERIC, "%s%s%s is %g", name, group != NULL ? " of " : "",
                        group != NULL ? group : "", number->number);
    }
  for (guint k = 0; k < result->each->len; k++)
    {
      const FlEach *each = g_ptr_array_index (result->each, k);

      for (size_t e = 0; e < each->n; e++)
        if (isinf (each->value[e]))
          return fl_fail (error, FL_ERROR_NUMERIC, "%s of %s %" G_GSIZE_FORMAT " is %g", each->name,
                          fl_index_name (each->index), e, each->value[e]);
    }
  return TRUE;
}

/* Checks what the plugin has set and adds it to the outcome. */
static gboolean
collect (FlResult *result, FlOutcome *outcome, GError **error)
{
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
  for (guint k = 0; k < result->notes->len; k++)
    g_ptr_array_add (outcome->notes, g_ptr_array_index (result->notes, k));
  g_ptr_array_set_free_func (result->each, NULL); /* they are the outcome's now */
  g_ptr_array_set_free_func (result->notes, NULL);
  return TRUE;
}

static void
number_clear (gpointer data)
{
  g_free (((Number *) data)->label);
}

static void
result_init (FlResult *result, const FlInstance *plugin, const FlValue *values)
{
  *result = (FlResult) { .plugin = plugin, .values = values };
  while (values[result->n_values].name != NULL)
    result->n_values++;
  result->omitted = g_new0 (gboolean, result->n_values);
  result->numbers = g_array_new (FALSE, FALSE, sizeof (Number));
  g_array_set_clear_func (result->numbers, number_clear);
  result->each = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_each_free);
  result->notes = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
}

static void
result_clear (FlResult *result)
{
  g_clear_error (&result->error);
  g_free (result->omitted);
  g_array_unref (result->numbers);
  g_ptr_array_unref (result->each);
  g_ptr_array_unref (result->notes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlResult, result_clear)

/* A pipeline without what the objective needs has been refused; other callers have no
 * pipeline. */
static gboolean
view_has_needs (const FlInstance *objective, const FlView *view, GError **error)
{
  unsigned needs = fl_instance_needs (objective);

  if ((needs & FL_NEEDS_USER_GROUPS) && view->user_groups == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "needs groups of users");
  if ((needs & FL_NEEDS_ITEM_GROUPS) && view->item_groups == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "needs groups of items");
  if ((needs & FL_NEEDS_LISTS) && view->lists == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "measures top-K lists, and this view has none");
  if ((needs & FL_NEEDS_FACTORS) && view->factors == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "needs a model with user and item factors");
  return TRUE;
}

static void
result_of_view (FlResult *result, const FlInstance *objective, const FlView *view)
{
  static const char *const parts[] = {
    [FL_PART_TRAIN] = "train", [FL_PART_VALIDATION] = "validation", [FL_PART_TEST] = "test"
  };
  gboolean whole = fl_objective_is_whole (objective);

  result_init (result, objective, fl_objective_values (objective));
  result->part = whole ? NULL : parts[view->part];
  result->n = whole ? 0 : view->n;
  result->groups[FL_SIDE_USER] = view->user_groups;
  result->groups[FL_SIDE_ITEM] = view->item_groups;
  result->n_entities[FL_SIDE_USER] = view->n_users;
  result->n_entities[FL_SIDE_ITEM] = view->n_items;
}

static gboolean
evaluate_view (const FlInstance *objective, const FlView *view, FlResult *result,
               FlOutcome *outcome, GError **error)
{
  return view_has_needs (objective, view, error)
         && fl_objective_evaluate (objective, view, result, error)
         && collect (result, outcome, error);
}

gboolean
fl_objective_run (const FlInstance *objective, const char *name, const FlView *view, int k,
                  FlOutcome *outcome, GError **error)
{
  g_auto (FlResult) result;

  result_of_view (&result, objective, view);
  result.name = name;
  result.k = k;
  if (evaluate_view (objective, view, &result, outcome, error))
    return TRUE;
  g_prefix_error (error, "objective %s: ", name != NULL ? name : objective->plugin->name);
  return FALSE;
}

/* All values of an objective that failed. */
static void
add_undefined (const FlInstance *objective, const char *name, const FlView *view, int k,
               FlOutcome *outcome)
{
  g_auto (FlResult) result;

  result_of_view (&result, objective, view);
  result.name = name;
  result.k = k;
  for (size_t value = 0; value < result.n_values; value++)
    add_metric (&result, value, NULL, outcome);
}

void
fl_objective_undefine (const FlInstance *objective, const char *name, const FlView *view, int k,
                       const char *reason, FlOutcome *outcome)
{
  g_autofree char *key = g_strconcat (name != NULL ? name : objective->plugin->name,
                                      " undefined", NULL);

  add_undefined (objective, name, view, k, outcome);
  g_ptr_array_add (outcome->notes, fl_setting_new (key, reason, ""));
}

void
fl_objective_try (const FlInstance *objective, const char *name, const FlView *view, int k,
                  FlOutcome *outcome)
{
  g_autoptr (GError) reason = NULL;
  char *before = outcome->error;

  if (fl_objective_run (objective, name, view, k, outcome, &reason))
    return;
  add_undefined (objective, name, view, k, outcome);
  if (before != NULL && strstr (before, reason->message) != NULL)
    return; /* at another K */
  outcome->error = g_strconcat (before != NULL ? before : "", before != NULL ? "\n" : "",
                                reason->message, NULL);
  g_free (before);
}

/* The numbers of a value by user, or item; the last that were asked for. */
static const FlEach *
find_each (const FlOutcome *outcome, const char *name, FlIndex index)
{
  for (guint k = outcome->each->len; k-- > 0;)
    {
      const FlEach *each = g_ptr_array_index (outcome->each, k);

      if (each->index == index && each->group == NULL && strcmp (each->name, name) == 0)
        return each;
    }
  return NULL;
}

static gboolean
copy_each (FlResult *result, const FlView *view, size_t value, FlSide side, double *out,
           GError **error)
{
  FlIndex index = side == FL_SIDE_USER ? FL_INDEX_USER : FL_INDEX_ITEM;
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  const FlEach *each;

  if (value >= result->n_values)
    return fl_fail (error, FL_ERROR_PLUGIN, "is asked for value %" G_GSIZE_FORMAT ", and has "
                    "%" G_GSIZE_FORMAT ", from 0", value, result->n_values);
  if (!evaluate_view (result->plugin, view, result, outcome, error))
    return FALSE;
  each = find_each (outcome, result->values[value].name, index);
  if (each == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "gives no %s for each %s", result->values[value].name,
                    fl_index_name (index));
  for (size_t e = 0; e < each->n; e++)
    out[e] = each->value[e];
  return TRUE;
}

gboolean
fl_objective_each (const FlInstance *objective, const FlView *view, size_t value, FlSide side,
                   double *each, GError **error)
{
  g_auto (FlResult) result;

  result_of_view (&result, objective, view);
  if (copy_each (&result, view, value, side, each, error))
    return TRUE;
  g_prefix_error (error, "objective %s: ", objective->plugin->name);
  return FALSE;
}

static void
result_of_data (FlResult *result, const FlInstance *mitigator, const FlData *data)
{
  result_init (result, mitigator, fl_mitigator_values (mitigator));
  if (data == NULL)
    return;
  result->groups[FL_SIDE_USER] = data->user_groups;
  result->groups[FL_SIDE_ITEM] = data->item_groups;
  result->n_entities[FL_SIDE_USER] = data->n_users > 0 ? data->n_users : data->train->n_users;
  result->n_entities[FL_SIDE_ITEM] = data->train->n_items;
}

gboolean
fl_projection_run (FlInstance *mitigator, const FlStage *stage, FlOutcome *outcome, GError **error)
{
  g_auto (FlResult) result;

  result_of_data (&result, mitigator, stage->data);
  return fl_mitigator_project (mitigator, stage, &result, error)
         && collect (&result, outcome, error);
}

gboolean
fl_response_run (FlInstance *response, const FlRound *round, FlOutcome *outcome, GError **error)
{
  g_auto (FlResult) result;

  result_of_data (&result, response, round->data);
  return fl_mitigator_respond (response, round, &result, error)
         && collect (&result, outcome, error);
}
