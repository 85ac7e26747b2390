/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tune.c: [tune] becomes candidates: each arm, at each point of the sweep, with other values
 * of the parameters to be chosen, and how each of them is judged without a test rating.
 */
#include "core/pipeline/load.h"

#include <math.h>
#include <string.h>

typedef struct
{
  char *metric;
  int64_t folds, points;
  gboolean halving;
  double time;
} TuneKeys;

static const FlParam tune_params[] = {
  FL_STRING (TuneKeys, metric, NULL,
             "the value that is to be best, as tables name it: 'rmse', 'ndcg@10', 'rmse of "
             "gender=F'"),
  FL_INT (TuneKeys, folds, 5, 0, 100, NULL,
          "judged by each of so many folds of the training ratings in turn; 0: by the validation "
          "part of [split]"),
  FL_INT (TuneKeys, points, 0, 0, 100000, NULL,
          "how many points are drawn; 0: all that the lists make"),
  FL_BOOL (TuneKeys, halving, FALSE, "after each fold the better half goes on to the next"),
  FL_DOUBLE (TuneKeys, time, 0, 0, 1e9, "seconds",
             "no point is begun after these; 0: all are. What is chosen then depends on the "
             "machine"),
  FL_PARAM_END
};

void
fl_candidate_free (FlCandidate *candidate)
{
  fl_cell_free (candidate->cell);
  g_ptr_array_unref (candidate->judges);
  g_free (candidate->text);
  g_free (candidate);
}

void
fl_tune_free (FlTune *tune)
{
  if (tune == NULL)
    return;
  g_free (tune->metric);
  g_free (tune->value);
  g_free (tune->group);
  g_free (tune);
}

/* ---- reading [tune] ------------------------------------------------------ */

/* "ndcg@10 of gender=F" into its parts; k is 0 where none is said. */
static gboolean
parse_metric (FlTune *tune, GError **error)
{
  const char *of = strstr (tune->metric, " of "), *at = strchr (tune->metric, '@');
  size_t length = of != NULL ? (size_t) (of - tune->metric) : strlen (tune->metric);
  int64_t k = 0;

  if (at != NULL && at < tune->metric + length)
    {
      FlSpan digits = { at + 1, (size_t) (tune->metric + length - at - 1) };

      if (!fl_parse_int (digits, &k) || k < 1 || k > 1000000)
        return fl_fail (error, FL_ERROR_CONFIG, "expected a list length after '@'");
      length = (size_t) (at - tune->metric);
    }
  tune->k = (int) k;
  tune->value = g_strstrip (g_strndup (tune->metric, length));
  tune->group = of != NULL ? g_strstrip (g_strdup (of + strlen (" of "))) : NULL;
  return *tune->value != '\0'
         || fl_fail (error, FL_ERROR_CONFIG, "expected a value as tables name it, such as ndcg@10");
}

static gboolean
read_keys (FlTune *tune, const FlConfGroup *group, const GPtrArray *settings, GError **error)
{
  TuneKeys keys = { NULL };
  gboolean done = fl_settings_store (settings, "tune", group->origin, tune_params, &keys, NULL,
                                     error);

  if (!done)
    return FALSE;
  tune->metric = g_strdup (keys.metric);
  tune->n_folds = (size_t) keys.folds;
  tune->n_points = (size_t) keys.points;
  tune->halving = keys.halving;
  tune->time = keys.time;
  fl_params_clear (tune_params, &keys);
  tune->origin = fl_settings_find (settings, "metric");
  if (!parse_metric (tune, error))
    return fl_setting_refuse (error, "tune", tune->origin);
  if (!tune->halving || tune->n_folds > 1)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "points are halved between folds: set folds = 2 or more");
  return fl_setting_refuse (error, "tune", fl_settings_find (settings, "halving"));
}

gboolean
fl_loader_read_tune (FlLoader *loader, GError **error)
{
  const FlConfGroup *group = fl_conf_group (loader->conf, "tune", NULL);
  g_autoptr (GPtrArray) settings = g_ptr_array_new ();

  if (group == NULL)
    return TRUE;
  for (guint i = 0; i < group->settings->len; i++)
    {
      FlSetting *setting = g_ptr_array_index (group->settings, i);

      if (strchr (setting->key, '.') == NULL)
        g_ptr_array_add (settings, setting);
      else if (!fl_axis_read (loader, "tune", setting, loader->tuned, error))
        return FALSE;
    }
  loader->pipeline->tune = g_new0 (FlTune, 1);
  if (!read_keys (loader->pipeline->tune, group, settings, error))
    return FALSE;
  return loader->tuned->len > 0
         || fl_fail (error, FL_ERROR_CONFIG, "%s: [tune]: nothing is to be chosen; expected "
                     "GROUP.KEY = values separated by ';'", group->origin);
}

/* What an arm sets or the sweep varies is not there to be chosen. */
static gboolean
check_free (const FlLoader *loader, const FlAxis *axis, const FlArm *arm, GError **error)
{
  const FlSetting at = { axis->override->address, axis->override->setting->value,
                         axis->override->setting->origin };
  const FlOverride *own = fl_arm_sets (loader, arm, axis->override);

  if (own == NULL)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "arm '%s' has it set already: %s, [%s] %s", arm->name,
           own->setting->origin, own->title, own->address);
  return fl_setting_refuse (error, "tune", &at);
}

/* The axes of [tune] that are about the arm, borrowed. */
static GPtrArray *
axes_of_arm (const FlLoader *loader, const FlArm *arm, GError **error)
{
  g_autoptr (GPtrArray) axes = g_ptr_array_new ();

  for (guint i = 0; i < loader->tuned->len; i++)
    {
      FlAxis *axis = g_ptr_array_index (loader->tuned, i);

      if (!fl_axis_concerns (loader, axis, arm) || fl_axis_is_replaced (loader, axis, arm))
        continue;
      if (!check_free (loader, axis, arm, error))
        return NULL;
      g_ptr_array_add (axes, axis);
    }
  return g_steal_pointer (&axes);
}

/* ---- points ---------------------------------------------------------------- */

/* "0.01 to 100 log" */
typedef struct
{
  double low, high;
  gboolean log;
} Range;

static gboolean
parse_range (const char *text, Range *range)
{
  g_auto (GStrv) word = g_strsplit (text, " ", -1);
  guint n = g_strv_length (word);

  range->log = n == 4 && strcmp (word[3], "log") == 0;
  return (n == 3 || range->log) && strcmp (word[1], "to") == 0
         && fl_parse_double (fl_span (word[0]), &range->low)
         && fl_parse_double (fl_span (word[2]), &range->high) && range->low < range->high
         && (!range->log || range->low > 0);
}

static char *
draw_value (const FlLoader *loader, const FlAxis *axis, const FlArm *arm, FlRng *rng)
{
  const char *text = g_ptr_array_index (axis->values,
                                        fl_rng_below (rng, (uint32_t) axis->values->len));
  double at = fl_rng_uniform (rng), value;
  Range range;

  if (!parse_range (text, &range))
    return g_strdup (text);
  value = range.log ? range.low * pow (range.high / range.low, at)
                    : range.low + (range.high - range.low) * at;
  if (fl_axis_is_whole (loader, axis, arm))
    return g_strdup_printf ("%.0f", value);
  return g_strdup_printf ("%.4g", value);
}

static FlOverride *
override_at (const FlAxis *axis, const char *value)
{
  return fl_override_new (axis->override->address, value, "tune", axis->override->setting->origin,
                          NULL);
}

/* Point `number`, drawn: the same for every arm and repeat with the same axes. */
static GPtrArray *
draw_point (const FlLoader *loader, const FlArm *arm, const GPtrArray *axes, uint64_t number)
{
  GPtrArray *point = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  FlRng rng = fl_rng (loader->pipeline->seed, "tune", number);

  for (guint i = 0; i < axes->len; i++)
    {
      const FlAxis *axis = g_ptr_array_index (axes, i);
      g_autofree char *value = draw_value (loader, axis, arm, &rng);

      g_ptr_array_add (point, override_at (axis, value));
    }
  return point;
}

/* Point `number` of all that the lists make, the first axis slowest. */
static GPtrArray *
grid_point (const GPtrArray *axes, size_t number)
{
  GPtrArray *point = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);

  for (guint i = axes->len; i-- > 0; )
    {
      const FlAxis *axis = g_ptr_array_index (axes, i);

      g_ptr_array_insert (point, 0, override_at (axis, g_ptr_array_index (axis->values,
                                                                number % axis->values->len)));
      number /= axis->values->len;
    }
  return point;
}

static gboolean
count_points (const FlTune *tune, const GPtrArray *axes, size_t *n, GError **error)
{
  *n = 1;
  for (guint i = 0; i < axes->len; i++)
    {
      const FlAxis *axis = g_ptr_array_index (axes, i);
      const FlSetting at = { axis->override->address, axis->override->setting->value,
                             axis->override->setting->origin };
      Range range;

      *n = MIN (*n * axis->values->len, FL_CELLS_MAX + 1);
      for (guint v = 0; v < axis->values->len && tune->n_points == 0; v++)
        if (parse_range (g_ptr_array_index (axis->values, v), &range))
          {
            fl_fail (error, FL_ERROR_CONFIG, "from a range points are drawn: set points in [tune]");
            return fl_setting_refuse (error, "tune", &at);
          }
    }
  if (tune->n_points > 0)
    *n = tune->n_points;
  return TRUE;
}

static char *
point_text (const GPtrArray *point)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < point->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (point, i);

      g_string_append_printf (text, "%s%s = %s", i > 0 ? ", " : "", override->address,
                              override->setting->value);
    }
  return g_string_free (text, FALSE);
}

/* ---- the metric -------------------------------------------------------------- */

/* Whether the objective gives the metric, and in which direction it is better. */
static gboolean
gives_metric (const FlLoader *loader, const FlTune *tune, const FlSection *section,
              FlDirection *direction)
{
  const FlEntry *entry
      = fl_registry_find (loader->registry, FL_KIND_OBJECTIVE, section->plugin, NULL);
  const FlValue *value = entry != NULL ? ((const FlObjectiveOps *) entry->plugin.ops)->values
                                       : NULL;

  for (; value != NULL && value->name != NULL; value++)
    {
      g_autofree char *name = fl_value_name (&entry->plugin, section->name, value->name);

      *direction = value->direction;
      if (strcmp (name, tune->value) == 0)
        return TRUE;
    }
  return FALSE;
}

/* What the metric is measured by: of the cell's objectives that one alone, at one K. */
static gboolean
keep_metric (const FlLoader *loader, FlTune *tune, FlCell *cell, GError **error)
{
  FlSection *found = NULL;
  FlDirection direction = FL_LOWER_IS_BETTER;
  const FlSetting *on;

  for (guint i = 0; i < cell->objectives->len && found == NULL; i++)
    if (gives_metric (loader, tune, g_ptr_array_index (cell->objectives, i), &direction))
      found = g_ptr_array_index (cell->objectives, i);
  on = found != NULL ? fl_settings_find (found->host, "on") : NULL;
  if (found == NULL)
    fl_fail (error, FL_ERROR_CONFIG, "no objective of [evaluate] gives it");
  else if (direction == FL_NO_DIRECTION)
    fl_fail (error, FL_ERROR_CONFIG, "neither less nor more of it is better: it cannot choose");
  else if (on != NULL && strcmp (on->value, "test") != 0)
    fl_fail (error, FL_ERROR_CONFIG, "[%s] is measured on = %s; what judges plays the test part",
             found->title, on->value);
  else if (tune->k > 0 && cell->k.n == 0)
    fl_fail (error, FL_ERROR_CONFIG, "no lists are made: set k in [evaluate]");
  else
    {
      GPtrArray *one = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_section_unref);

      tune->direction = direction;
      g_ptr_array_add (one, fl_section_ref (found));
      g_ptr_array_unref (cell->objectives);
      cell->objectives = one;
      if (cell->k.n > 0)
        cell->k.v[0] = tune->k > 0 ? tune->k : cell->k.v[0];
      cell->k.n = MIN (cell->k.n, 1);
      return TRUE;
    }
  return fl_setting_refuse (error, "tune", tune->origin);
}

/* ---- candidates ---------------------------------------------------------------- */

/* What lets a fold, from 1, or the validation part judge. */
static void
add_judge (const FlTune *tune, size_t fold, GPtrArray *point)
{
  g_autofree char *number = g_strdup_printf ("%zu", fold);
  g_autofree char *all = g_strdup_printf ("%zu", MAX (tune->n_folds, 2));
  const char *const settings[][2] = { { "split.judge", tune->n_folds > 0 ? "fold" : "validation" },
                                      { "split.judge-fold", number },
                                      { "split.judge-folds", all } };

  for (size_t i = 0; i < (tune->n_folds > 0 ? 3 : 1); i++)
    g_ptr_array_add (point, fl_override_new (settings[i][0], settings[i][1], "tune",
                                             tune->origin->origin, NULL));
}

/* Entries of the sweep that the judge, or the candidate, put there. */
static void
drop_sweep (FlCell *cell, guint n_kept)
{
  while (cell->sweep->len > n_kept)
    g_ptr_array_remove_index (cell->sweep, cell->sweep->len - 1);
}

static GPtrArray *
join_points (const GPtrArray *sweep, const GPtrArray *point)
{
  GPtrArray *all = g_ptr_array_new ();

  g_ptr_array_extend (all, (GPtrArray *) sweep, NULL, NULL);
  g_ptr_array_extend (all, (GPtrArray *) point, NULL, NULL);
  return all;
}

static FlCell *
make_judge (const FlLoader *loader, FlTune *tune, const FlArm *arm, const GPtrArray *point,
            size_t fold, GError **error)
{
  g_autoptr (GPtrArray) extra
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (FlCell) cell = NULL;

  add_judge (tune, fold, extra);
  all = join_points (point, extra);
  cell = fl_loader_cell (loader, arm, all, error);
  if (cell == NULL || !keep_metric (loader, tune, cell, error))
    return NULL;
  drop_sweep (cell, point->len);
  g_clear_pointer (&cell->rounds, fl_section_unref);
  cell->fold = (uint32_t) fold - 1;
  cell->n_folds = (uint32_t) MAX (tune->n_folds, 1);
  return g_steal_pointer (&cell);
}

static FlCandidate *
make_candidate (const FlLoader *loader, FlTune *tune, const FlArm *arm, const GPtrArray *sweep,
                const GPtrArray *tuned, GError **error)
{
  g_autoptr (GPtrArray) point = join_points (sweep, tuned);
  g_autoptr (FlCell) cell = fl_loader_cell (loader, arm, point, error);
  FlCandidate *candidate;

  if (cell == NULL)
    return NULL;
  drop_sweep (cell, sweep->len);
  candidate = g_new0 (FlCandidate, 1);
  candidate->text = point_text (tuned);
  candidate->cell = g_steal_pointer (&cell);
  candidate->judges = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  for (size_t fold = 1; fold <= MAX (tune->n_folds, 1); fold++)
    {
      FlCell *judge = make_judge (loader, tune, arm, point, fold, error);

      if (judge == NULL)
        {
          fl_candidate_free (candidate);
          return NULL;
        }
      g_ptr_array_add (candidate->judges, judge);
    }
  return candidate;
}

/* An arm that is trained for another's sake has the parameters that it is given. */
static gboolean
check_bases (const FlLoader *loader, const FlTune *tune, const FlCell *cell, GError **error)
{
  for (guint i = 0; i < cell->bases->len; i++)
    {
      const FlCell *base = g_ptr_array_index (cell->bases, i);

      for (guint a = 0; a < loader->arms->len; a++)
        {
          const FlArm *arm = g_ptr_array_index (loader->arms, a);
          g_autoptr (GPtrArray) axes = NULL;

          if (strcmp (arm->name, base->arm) != 0)
            continue;
          axes = axes_of_arm (loader, arm, error);
          if (axes == NULL)
            return FALSE;
          if (axes->len == 0)
            continue;
          fl_fail (error, FL_ERROR_CONFIG, "arm '%s' needs arm '%s', whose parameters are only to "
                   "be chosen", cell->arm, base->arm);
          return fl_setting_refuse (error, "tune", tune->origin);
        }
    }
  return TRUE;
}

gboolean
fl_loader_candidates (const FlLoader *loader, const FlArm *arm, const GPtrArray *sweep,
                      GPtrArray **candidates, GError **error)
{
  FlTune *tune = loader->pipeline->tune;
  g_autoptr (GPtrArray) axes = tune != NULL ? axes_of_arm (loader, arm, error) : NULL;
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_candidate_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  size_t n = 0;

  *candidates = NULL;
  if (tune != NULL && (axes == NULL || !count_points (tune, axes, &n, error)))
    return FALSE;
  if (tune == NULL || axes->len == 0)
    return TRUE;
  if (n * MAX (tune->n_folds, 1) * loader->pipeline->repeats > FL_CELLS_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: [tune]: more than %u cells (points x folds x "
                    "repeats)", tune->origin->origin, FL_CELLS_MAX);
  for (size_t i = 0; i < n; i++)
    {
      g_autoptr (GPtrArray) point = tune->n_points > 0 ? draw_point (loader, arm, axes, i)
                                                       : grid_point (axes, i);
      FlCandidate *candidate = make_candidate (loader, tune, arm, sweep, point, error);

      if (candidate == NULL)
        return FALSE;
      if (!g_hash_table_add (seen, candidate->text))
        fl_candidate_free (candidate); /* drawn twice */
      else
        g_ptr_array_add (list, candidate);
      if (i == 0 && !check_bases (loader, tune, candidate->cell, error))
        return FALSE;
    }
  *candidates = g_steal_pointer (&list);
  return TRUE;
}
