/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pipeline.c: a pipeline file becomes cells: each arm, at each point of the
 * sweep, repeated under consecutive seeds.
 *
 * What stands later goes over what stands earlier: a group's own settings, an
 * arm's overrides, the sweep, the command line.
 */
#include "core/run/pipeline-parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LENGTH_MAX (1u << 20)
#define CELLS_MAX 100000u
/* The largest whole number that every reader of JSON keeps exact. */
#define SEED_MAX 9007199254740991.0

typedef struct
{
  char *title;
  int64_t seed, repeats;
} PipelineKeys;

static const FlParam pipeline_params[] = {
  FL_STRING (PipelineKeys, title, "", "one line for tables and reports"),
  FL_INT (PipelineKeys, seed, 1, 0, SEED_MAX, NULL,
          "seed of the first repeat; the others follow it"),
  FL_INT (PipelineKeys, repeats, 1, 1, CELLS_MAX, NULL,
          "how often each arm runs, each time with the next seed"),
  FL_PARAM_END
};

typedef struct
{
  char *objectives;
  FlInts k;
} EvaluateKeys;

static const FlParam evaluate_params[] = {
  FL_STRING (EvaluateKeys, objectives, NULL,
             "names of [objective NAME] groups or of plugins, separated by ';'"),
  FL_INTS (EvaluateKeys, k, "", 1, 1000000, NULL, "lengths of the top-K lists"),
  FL_PARAM_END
};

typedef struct
{
  char *mitigators, *model;
} ArmKeys;

static const FlParam arm_params[] = {
  FL_STRING (ArmKeys, mitigators, "",
             "names of [mitigator NAME] groups or of plugins, separated by ';'"),
  FL_STRING (ArmKeys, model, "",
             "name of a [model NAME] group or of a plugin; [model] without it"),
  FL_PARAM_END
};

typedef struct
{
  const char *name;
  const FlConfGroup *group; /* NULL: the one arm of a file without arms */
  ArmKeys keys;
  GPtrArray *settings;      /* FlSetting, borrowed: keys without a dot    */
  GPtrArray *mitigators;    /* names                                      */
  GPtrArray *overrides;     /* FlOverride                                 */
  GHashTable *words;        /* every name that its settings may mean      */
  gboolean selected;
} Arm;

typedef struct
{
  FlOverride *override; /* its value is the whole list */
  GPtrArray *values;
} Axis;

typedef struct
{
  FlConf *conf;
  const FlRegistry *registry;
  FlPipeline *pipeline;
  EvaluateKeys evaluate;
  FlSection *evaluate_section;
  GPtrArray *objectives; /* names                         */
  GPtrArray *sets;       /* FlOverride                    */
  GPtrArray *axes;       /* Axis                          */
  GPtrArray *arms;       /* Arm                           */
} Loader;

static void
arm_free (Arm *arm)
{
  fl_params_clear (arm_params, &arm->keys);
  g_clear_pointer (&arm->settings, g_ptr_array_unref);
  g_clear_pointer (&arm->mitigators, g_ptr_array_unref);
  g_clear_pointer (&arm->overrides, g_ptr_array_unref);
  g_clear_pointer (&arm->words, g_hash_table_unref);
  g_free (arm);
}

static void
axis_free (Axis *axis)
{
  fl_override_free (axis->override);
  g_clear_pointer (&axis->values, g_ptr_array_unref);
  g_free (axis);
}

static void
loader_init (Loader *loader)
{
  *loader = (Loader) { .pipeline = g_new0 (FlPipeline, 1) };
  loader->pipeline->arms = g_ptr_array_new_with_free_func (g_free);
  loader->pipeline->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  loader->sets = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  loader->axes = g_ptr_array_new_with_free_func ((GDestroyNotify) axis_free);
  loader->arms = g_ptr_array_new_with_free_func ((GDestroyNotify) arm_free);
}

static void
loader_clear (Loader *loader)
{
  g_ptr_array_unref (loader->arms);
  g_ptr_array_unref (loader->axes);
  g_ptr_array_unref (loader->sets);
  g_clear_pointer (&loader->objectives, g_ptr_array_unref);
  fl_section_unref (loader->evaluate_section);
  fl_params_clear (evaluate_params, &loader->evaluate);
  fl_pipeline_free (loader->pipeline);
  fl_conf_free (loader->conf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Loader, loader_clear)

/* ---- reading the groups ------------------------------------------------- */

/* An error about one setting. */
static gboolean
refuse (GError **error, const char *title, const FlSetting *setting)
{
  fl_setting_locate (error, title, setting->key, setting->value, setting->origin);
  return FALSE;
}

/* A list of names that stands at `key` among `settings`, if at all. */
static GPtrArray *
name_list (const char *text, const GPtrArray *settings, const char *title, const char *key,
           GError **error)
{
  GPtrArray *names = fl_conf_list (text, error);

  if (names == NULL)
    refuse (error, title, fl_settings_find (settings, key));
  return names;
}

/* --set group.key=value: for the host's groups as if it stood there last, else
 * over everything that arms and sweep say. */
static gboolean
read_set (Loader *loader, const char *set, GError **error)
{
  const char *equals = strchr (set, '=');
  g_autofree char *origin = g_strdup_printf ("--set %s", set);
  g_autofree char *address = NULL;
  g_autofree char *value = NULL;
  g_autoptr (FlOverride) override = NULL;

  if (!fl_conf_is_plain (set, strlen (set)))
    return fl_fail (error, FL_ERROR_CONFIG, "--set: not UTF-8, or with control characters");
  if (equals == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: expected GROUP.KEY=VALUE", origin);
  address = g_strstrip (g_strndup (set, (size_t) (equals - set)));
  value = g_strstrip (g_strdup (equals + 1));
  override = fl_override_new (address, value, NULL, origin, error);
  if (override == NULL)
    return FALSE;
  if (strcmp (override->word, "pipeline") == 0 || strcmp (override->word, "evaluate") == 0)
    fl_conf_add (loader->conf, override->word, override->setting->key, value, origin);
  else
    g_ptr_array_add (loader->sets, g_steal_pointer (&override));
  return TRUE;
}

static gboolean
read_sets (Loader *loader, const char *const *sets, GError **error)
{
  for (size_t i = 0; sets != NULL && sets[i] != NULL; i++)
    if (!read_set (loader, sets[i], error))
      return FALSE;
  return TRUE;
}

static GPtrArray *
group_settings (const FlConfGroup *group)
{
  return group != NULL ? g_ptr_array_ref (group->settings) : g_ptr_array_new ();
}

static gboolean
read_pipeline (Loader *loader, GError **error)
{
  const FlConfGroup *group = fl_conf_group (loader->conf, "pipeline", NULL);
  g_autoptr (GPtrArray) settings = group_settings (group);
  FlPipeline *pipeline = loader->pipeline;
  PipelineKeys keys = { NULL };

  if (!fl_settings_store (settings, "pipeline", group != NULL ? group->origin : NULL,
                          pipeline_params, &keys, NULL, error))
    return FALSE;
  pipeline->file = g_strdup (loader->conf->file);
  pipeline->title = g_steal_pointer (&keys.title);
  pipeline->seed = (uint64_t) keys.seed;
  pipeline->repeats = (uint32_t) keys.repeats;
  return TRUE;
}

/* Without [data] and [evaluate] there may be nothing to evaluate: each arm tells. */
static gboolean
read_evaluate (Loader *loader, GError **error)
{
  const FlConfGroup *group = fl_conf_group (loader->conf, "evaluate", NULL);
  g_autoptr (GPtrArray) settings = group_settings (group);
  g_autoptr (GPtrArray) lengths = NULL;
  const FlSetting *k = fl_settings_find (settings, "k");
  FlSection *section = loader->evaluate_section = fl_section_new ();

  section->title = g_strdup ("evaluate");
  section->settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  if (group == NULL && fl_conf_group (loader->conf, "data", NULL) == NULL)
    {
      section->host = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
      loader->objectives = g_ptr_array_new ();
      return TRUE;
    }
  if (!fl_settings_store (settings, "evaluate",
                          group != NULL ? group->origin : loader->conf->file,
                          evaluate_params, &loader->evaluate, NULL, error))
    return FALSE;
  section->host = fl_settings_effective (evaluate_params, settings);
  loader->objectives = name_list (loader->evaluate.objectives, settings, "evaluate",
                                  "objectives", error);
  if (loader->objectives == NULL)
    return FALSE;
  /* Canonical by now, so that 5 and 05 are the same. */
  lengths = fl_conf_list (fl_settings_find (section->host, "k")->value, error);
  return lengths != NULL || refuse (error, "evaluate", k);
}

static const FlOverride *
find_override (const GPtrArray *overrides, const char *address)
{
  for (guint i = 0; i < overrides->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (overrides, i);

      if (strcmp (override->address, address) == 0)
        return override;
    }
  return NULL;
}

static gboolean
read_sweep (Loader *loader, GError **error)
{
  const FlConfGroup *group = fl_conf_group (loader->conf, "sweep", NULL);

  for (guint i = 0; group != NULL && i < group->settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (group->settings, i);
      Axis *axis = NULL;

      /* A value from the command line takes the place of the whole list. */
      if (find_override (loader->sets, setting->key) != NULL)
        continue;
      axis = g_new0 (Axis, 1);
      g_ptr_array_add (loader->axes, axis);
      axis->override = fl_override_new (setting->key, setting->value, "sweep", setting->origin,
                                        error);
      if (axis->override == NULL)
        return FALSE;
      axis->values = fl_conf_list (setting->value, error);
      if (axis->values != NULL && axis->values->len == 0)
        fl_fail (error, FL_ERROR_CONFIG, "expected values separated by ';'");
      if (axis->values == NULL || axis->values->len == 0)
        return refuse (error, "sweep", setting);
    }
  return TRUE;
}

static gboolean
read_arm (Arm *arm, GError **error)
{
  const char *title = arm->group != NULL ? arm->group->title : "arm";

  for (guint i = 0; arm->group != NULL && i < arm->group->settings->len; i++)
    {
      FlSetting *setting = g_ptr_array_index (arm->group->settings, i);
      FlOverride *override = NULL;

      if (strchr (setting->key, '.') == NULL)
        {
          g_ptr_array_add (arm->settings, setting);
          continue;
        }
      override = fl_override_new (setting->key, setting->value, title, setting->origin, error);
      if (override == NULL)
        return FALSE;
      g_ptr_array_add (arm->overrides, override);
    }
  if (!fl_settings_store (arm->settings, title, NULL, arm_params, &arm->keys, NULL, error))
    return FALSE;
  arm->mitigators = name_list (arm->keys.mitigators, arm->settings, title, "mitigators", error);
  return arm->mitigators != NULL;
}

static gboolean
add_arm (Loader *loader, const FlConfGroup *group, GError **error)
{
  Arm *arm = g_new0 (Arm, 1);

  arm->name = group != NULL ? group->name : "default";
  arm->group = group;
  arm->settings = g_ptr_array_new ();
  arm->overrides = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  arm->words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_ptr_array_add (loader->arms, arm);
  return read_arm (arm, error);
}

static gboolean
read_arms (Loader *loader, GError **error)
{
  for (guint i = 0; i < loader->conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (loader->conf->groups, i);

      if (strcmp (group->kind, "arm") == 0 && !add_arm (loader, group, error))
        return FALSE;
    }
  return loader->arms->len > 0 || add_arm (loader, NULL, error);
}

static gboolean
select_arms (Loader *loader, const char *const *names, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;

  for (guint i = 0; i < loader->arms->len; i++)
    {
      Arm *arm = g_ptr_array_index (loader->arms, i);

      arm->selected = names == NULL || names[0] == NULL || g_strv_contains (names, arm->name);
      g_ptr_array_add (known, (gpointer) arm->name);
    }
  g_ptr_array_add (known, NULL);
  for (size_t i = 0; names != NULL && names[i] != NULL; i++)
    if (!g_strv_contains ((const char *const *) known->pdata, names[i]))
      {
        suggestion = fl_suggest (names[i], (const char *const *) known->pdata);
        return fl_fail (error, FL_ERROR_CONFIG, "--arm %s: %s has no such arm; %s", names[i],
                        loader->conf->file, suggestion);
      }
  return TRUE;
}

/* ---- what an arm uses --------------------------------------------------- */

typedef struct
{
  GHashTable *words;
  GPtrArray *queue; /* words whose groups have not been looked at */
} Reach;

static void
reach_add (Reach *reach, const char *word)
{
  char *copy = NULL;

  if (g_hash_table_contains (reach->words, word))
    return;
  copy = g_strdup (word);
  g_hash_table_add (reach->words, copy);
  g_ptr_array_add (reach->queue, copy);
}

static void
reach_add_list (Reach *reach, const GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    reach_add (reach, g_ptr_array_index (names, i));
}

static void
reach_add_overrides (Reach *reach, const GPtrArray *overrides, const char *word)
{
  for (guint i = 0; i < overrides->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (overrides, i);

      if (strcmp (override->word, word) == 0)
        reach_add (reach, override->setting->value);
    }
}

static void
reach_groups (Reach *reach, const FlConf *conf, const char *word)
{
  for (guint i = 0; i < conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (conf->groups, i);

      if (strcmp (group->name != NULL ? group->name : group->kind, word) != 0
          || strcmp (group->kind, "arm") == 0)
        continue;
      for (guint j = 0; j < group->settings->len; j++)
        reach_add (reach, ((FlSetting *) g_ptr_array_index (group->settings, j))->value);
    }
}

/* Every word by which the arm may come to a group: its own lists, and from group
 * to group every value, since any may name a plugin's group.  A few words too
 * many do no harm: making the sections tells whether an override was taken. */
static void
find_words (const Loader *loader, Arm *arm)
{
  g_autoptr (GPtrArray) queue = g_ptr_array_new ();
  Reach reach = { arm->words, queue };

  reach_add (&reach, "data");
  reach_add (&reach, "split");
  reach_add (&reach, "model");
  reach_add (&reach, arm->keys.model);
  reach_add_list (&reach, arm->mitigators);
  reach_add_list (&reach, loader->objectives);
  for (guint i = 0; i < queue->len; i++)
    {
      const char *word = g_ptr_array_index (queue, i);

      reach_groups (&reach, loader->conf, word);
      reach_add_overrides (&reach, arm->overrides, word);
      reach_add_overrides (&reach, loader->sets, word);
      for (guint j = 0; j < loader->axes->len; j++)
        {
          const Axis *axis = g_ptr_array_index (loader->axes, j);

          if (strcmp (axis->override->word, word) == 0)
            reach_add_list (&reach, axis->values);
        }
    }
}

/* Refuses an override whose group is not to be found. */
static gboolean
refuse_word (const Loader *loader, const FlOverride *override, const Arm *arm, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;
  const FlSetting at = { override->address, override->setting->value,
                         override->setting->origin };

  g_ptr_array_add (known, (gpointer) "data");
  g_ptr_array_add (known, (gpointer) "split");
  g_ptr_array_add (known, (gpointer) "model");
  g_ptr_array_extend (known, loader->objectives, NULL, NULL);
  for (guint i = 0; i < loader->conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (loader->conf->groups, i);

      if ((strcmp (group->kind, "mitigator") == 0 || strcmp (group->kind, "objective") == 0)
          && !g_ptr_array_find_with_equal_func (known, group->name, g_str_equal, NULL))
        g_ptr_array_add (known, group->name);
    }
  g_ptr_array_add (known, NULL);
  suggestion = fl_suggest (override->word, (const char *const *) known->pdata);
  if (!g_strv_contains ((const char *const *) known->pdata, override->word))
    fl_fail (error, FL_ERROR_CONFIG, "there is no '%s' to set; %s", override->word, suggestion);
  else if (arm != NULL)
    fl_fail (error, FL_ERROR_CONFIG, "arm '%s' does not use '%s'", arm->name, override->word);
  else
    fl_fail (error, FL_ERROR_CONFIG, "no arm uses '%s'", override->word);
  /* The command line as typed stands in the origin already. */
  if (override->title == NULL)
    g_prefix_error (error, "%s: ", at.origin);
  else
    refuse (error, override->title, &at);
  return FALSE;
}

/* Whether the sweep multiplies the arm by this axis: not when the arm has no use
 * for it, or sets the key itself. */
static gboolean
axis_applies (const Axis *axis, const Arm *arm)
{
  return g_hash_table_contains (arm->words, axis->override->word)
         && find_override (arm->overrides, axis->override->address) == NULL;
}

static gboolean
any_arm_has (const Loader *loader, const char *word)
{
  for (guint i = 0; i < loader->arms->len; i++)
    {
      const Arm *arm = g_ptr_array_index (loader->arms, i);

      if (g_hash_table_contains (arm->words, word))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_axis (const Loader *loader, const Axis *axis, GError **error)
{
  const FlSetting at = { axis->override->address, axis->override->setting->value,
                         axis->override->setting->origin };

  if (!any_arm_has (loader, axis->override->word))
    return refuse_word (loader, axis->override, NULL, error);
  for (guint i = 0; i < loader->arms->len; i++)
    if (axis_applies (axis, g_ptr_array_index (loader->arms, i)))
      return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "every arm sets this itself");
  return refuse (error, "sweep", &at);
}

/* Every override must reach something in some arm; an arm's own, in that arm. */
static gboolean
check_words (const Loader *loader, GError **error)
{
  for (guint i = 0; i < loader->arms->len; i++)
    {
      Arm *arm = g_ptr_array_index (loader->arms, i);

      find_words (loader, arm);
      for (guint j = 0; j < arm->overrides->len; j++)
        {
          const FlOverride *override = g_ptr_array_index (arm->overrides, j);

          if (!g_hash_table_contains (arm->words, override->word))
            return refuse_word (loader, override, arm, error);
        }
    }
  for (guint i = 0; i < loader->axes->len; i++)
    if (!check_axis (loader, g_ptr_array_index (loader->axes, i), error))
      return FALSE;
  for (guint i = 0; i < loader->sets->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (loader->sets, i);

      if (!any_arm_has (loader, override->word))
        return refuse_word (loader, override, NULL, error);
    }
  return TRUE;
}

/* ---- one point of the sweep -------------------------------------------- */

/* `names` as sections, in their order. */
static gboolean
add_sections (FlSections *sections, FlKind kind, const GPtrArray *names, const char *title,
              const FlSetting *from, GPtrArray *list, GError **error)
{
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) reason = NULL;
      FlSection *section = fl_sections_plugin (sections, kind, g_ptr_array_index (names, i),
                                               from->origin, &reason);

      if (section == NULL)
        {
          /* Whoever is not installed has been looked for in vain; all else says
           * where it is. */
          if (reason->code == FL_ERROR_PLUGIN)
            refuse (&reason, title, from);
          reason->code = FL_ERROR_CONFIG;
          g_propagate_error (error, g_steal_pointer (&reason));
          return FALSE;
        }
      g_ptr_array_add (list, section);
    }
  return TRUE;
}

static FlSection *
model_section (FlSections *sections, const Arm *arm, GError **error)
{
  const FlSetting *from = fl_settings_find (arm->settings, "model");
  const char *name = from != NULL && *arm->keys.model != '\0' ? arm->keys.model : NULL;
  const char *title = arm->group != NULL ? arm->group->title : "arm";
  g_autoptr (GError) reason = NULL;
  FlSection *section = fl_sections_model (
      sections, name, from != NULL ? from->origin : sections->conf->file, &reason);

  if (section != NULL)
    return section;
  if (reason->code == FL_ERROR_PLUGIN && from != NULL)
    refuse (&reason, title, from);
  reason->code = FL_ERROR_CONFIG;
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

static const char *
arm_title (const Arm *arm)
{
  return arm->group != NULL ? arm->group->title : "arm";
}

/* Whether the arm has mitigators, all of which work without data and model, in a
 * file that names no data. */
static gboolean
works_alone (const FlSections *sections, const FlCell *cell)
{
  if (fl_conf_group (sections->conf, "data", NULL) != NULL || cell->mitigators->len == 0)
    return FALSE;
  for (guint i = 0; i < sections->overrides->len; i++)
    if (strcmp (((FlOverride *) g_ptr_array_index (sections->overrides, i))->word, "data") == 0)
      return FALSE;
  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (cell->mitigators, i);
      const FlEntry *entry
          = fl_registry_find (sections->registry, FL_KIND_MITIGATOR, section->plugin, NULL);

      if (entry == NULL || !((const FlMitigatorOps *) entry->plugin.ops)->alone)
        return FALSE;
    }
  return TRUE;
}

/* What has no meaning without data. */
static gboolean
check_alone (const Loader *loader, const Arm *arm, GError **error)
{
  static const char *const kinds[] = { "split", "model", "evaluate" };
  const FlSetting *model = fl_settings_find (arm->settings, "model");

  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      const FlConfGroup *group = fl_conf_group (loader->conf, kinds[k], NULL);

      if (group != NULL)
        return fl_fail (error, FL_ERROR_CONFIG, "%s: [%s]: there is no [data] for it",
                        group->origin, group->title);
    }
  if (model == NULL)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "there is no [data] for it");
  return refuse (error, arm_title (arm), model);
}

/* The sections that a cell with data has beyond its mitigators. */
static gboolean
fill_model (const Loader *loader, const Arm *arm, FlSections *sections, FlCell *cell,
            GError **error)
{
  const FlSetting *objectives = fl_settings_find (loader->evaluate_section->host, "objectives");
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  EvaluateKeys keys = { NULL };

  /* Which were not asked for yet. */
  if (objectives == NULL
      && !fl_settings_store (none, "evaluate", loader->conf->file, evaluate_params, &keys, NULL,
                             error))
    return FALSE;
  return (cell->data = fl_sections_data (sections, error)) != NULL
         && (cell->split = fl_sections_split (sections, error)) != NULL
         && (cell->model = model_section (sections, arm, error)) != NULL
         && add_sections (sections, FL_KIND_OBJECTIVE, loader->objectives, "evaluate", objectives,
                          cell->objectives, error);
}

static gboolean
fill_cell (const Loader *loader, const Arm *arm, FlSections *sections, FlCell *cell,
           GError **error)
{
  const FlSetting *mitigators = fl_settings_find (arm->settings, "mitigators");
  const FlInts *k = &loader->evaluate.k;

  cell->arm = g_strdup (arm->name);
  cell->seed = loader->pipeline->seed;
  cell->k = (FlInts) { k->n, g_memdup2 (k->v, k->n * sizeof *k->v) };
  cell->evaluate = fl_section_ref (loader->evaluate_section);
  if (!add_sections (sections, FL_KIND_MITIGATOR, arm->mitigators, arm_title (arm), mitigators,
                     cell->mitigators, error)
      || !(works_alone (sections, cell) ? check_alone (loader, arm, error)
                                          : fill_model (loader, arm, sections, cell, error)))
    return FALSE;
  g_ptr_array_unref (cell->references);
  cell->references = g_ptr_array_ref (sections->references);
  return fl_cell_check (cell, sections, error);
}

/* The point's values in the form that the sections gave them. */
static void
set_point (const FlSections *sections, const GPtrArray *point, FlCell *cell)
{
  for (guint i = 0; i < point->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (point, i);
      const FlSetting *written = override->setting;
      const FlSection *section = g_hash_table_lookup (sections->words, override->word);
      const FlSetting *setting = fl_settings_find (section->settings, written->key);

      if (setting == NULL)
        setting = fl_settings_find (section->host, written->key);
      g_ptr_array_add (cell->sweep,
                       fl_setting_new (override->address,
                                       setting != NULL ? setting->value : written->value,
                                       written->origin));
    }
}

static gboolean
check_taken (const Loader *loader, const Arm *arm, const FlSections *sections, GError **error)
{
  for (guint i = 0; i < sections->overrides->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (sections->overrides, i);

      if (!g_hash_table_contains (sections->words, override->word))
        return refuse_word (loader, override, arm, error);
    }
  return TRUE;
}

/* ---- arms whose errors make groups --------------------------------------- */

/* The arms that wait for one another, the last one first. */
typedef struct Chain Chain;
struct Chain
{
  const Arm *arm;
  const Chain *before;
};

static const Arm *
find_arm (const Loader *loader, const char *name, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;

  for (guint i = 0; i < loader->arms->len; i++)
    {
      const Arm *arm = g_ptr_array_index (loader->arms, i);

      if (strcmp (arm->name, name) == 0)
        return arm;
      g_ptr_array_add (known, (gpointer) arm->name);
    }
  g_ptr_array_add (known, NULL);
  suggestion = fl_suggest (name, (const char *const *) known->pdata);
  fl_fail (error, FL_ERROR_CONFIG, "there is no arm '%s'; %s", name, suggestion);
  return NULL;
}

/* The values of `point` that concern the arm (borrowed); every axis of the arm
 * must have one. */
static GPtrArray *
point_of_arm (const Loader *loader, const Arm *arm, const GPtrArray *point, GError **error)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new ();

  for (guint i = 0; i < loader->axes->len; i++)
    {
      const Axis *axis = g_ptr_array_index (loader->axes, i);
      const FlOverride *value = find_override (point, axis->override->address);

      if (!axis_applies (axis, arm))
        continue;
      if (value == NULL)
        {
          fl_fail (error, FL_ERROR_CONFIG, "the sweep multiplies arm '%s' by %s, and not the arm "
                   "that it is to group: which of its points is meant is open", arm->name,
                   axis->override->address);
          return NULL;
        }
      g_ptr_array_add (own, (gpointer) value);
    }
  return g_steal_pointer (&own);
}

/* The host's settings of two sections are the same, but for groups. */
static gboolean
same_host (const FlSection *a, const FlSection *b)
{
  for (guint i = 0; i < a->host->len; i++)
    {
      const FlSetting *x = g_ptr_array_index (a->host, i), *y = g_ptr_array_index (b->host, i);

      if (strcmp (x->value, y->value) != 0 && !g_str_has_suffix (x->key, ".group-by"))
        return FALSE;
    }
  return TRUE;
}

static gboolean
same_data (const FlCell *a, const FlCell *b)
{
  if (b->data == NULL || strcmp (a->data->plugin, b->data->plugin) != 0)
    return FALSE;
  for (guint i = 0; i < a->data->settings->len; i++)
    {
      const FlSetting *x = g_ptr_array_index (a->data->settings, i);
      const FlSetting *y = g_ptr_array_index (b->data->settings, i);

      if (strcmp (x->value, y->value) != 0)
        return FALSE;
    }
  return same_host (a->data, b->data) && same_host (a->split, b->split);
}

/* An arm's own errors are known when it is trained: too late for those who need
 * groups to train. */
static gboolean
check_own_errors (const FlCell *cell, FlSide side, const FlRegistry *registry, GError **error)
{
  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *mitigator = g_ptr_array_index (cell->mitigators, i);
      const FlEntry *entry
          = fl_registry_find (registry, FL_KIND_MITIGATOR, mitigator->plugin, error);
      const FlMitigatorOps *ops = entry != NULL ? entry->plugin.ops : NULL;

      if (ops == NULL)
        return FALSE;
      if (side == FL_SIDE_USER ? ops->needs_user_groups : ops->needs_item_groups)
        return fl_fail (error, FL_ERROR_CONFIG, "[%s] needs these groups, and they need the "
                        "errors of the arm that it is to train", mitigator->title);
    }
  return TRUE;
}

static FlCell *make_cell (const Loader *loader, const Arm *arm, const GPtrArray *point,
                          const Chain *before, GError **error);

/* What the groups of one factor need: an arm on the same data, fitted before. */
static gboolean
add_base (const Loader *loader, const FlFactor *factor, const GPtrArray *point,
          const Chain *chain, FlCell *cell, GError **error)
{
  const Arm *arm = find_arm (loader, factor->arm, error);
  g_autoptr (GPtrArray) own = NULL;
  FlCell *base;

  if (arm == NULL)
    return FALSE;
  for (const Chain *link = chain; link != NULL; link = link->before)
    if (link->arm == arm)
      return fl_fail (error, FL_ERROR_CONFIG, "arm '%s' is grouped by errors that lead back to "
                      "arm '%s'", chain->arm->name, arm->name);
  for (guint i = 0; i < cell->bases->len; i++)
    if (strcmp (((const FlCell *) g_ptr_array_index (cell->bases, i))->arm, arm->name) == 0)
      return TRUE;
  own = point_of_arm (loader, arm, point, error);
  base = own != NULL ? make_cell (loader, arm, own, chain, error) : NULL;
  if (base == NULL)
    return FALSE;
  g_ptr_array_add (cell->bases, base);
  /* It is fitted and nothing more. */
  g_ptr_array_set_size (base->objectives, 0);
  return same_data (cell, base)
         || fl_fail (error, FL_ERROR_CONFIG, "arm '%s' has other data or another split than arm "
                     "'%s'", arm->name, cell->arm);
}

static gboolean
add_bases_of_side (const Loader *loader, const FlSections *sections, FlSide side,
                   const GPtrArray *point, const Chain *chain, FlCell *cell, GError **error)
{
  g_autoptr (FlGrouping) grouping = NULL;

  if (!fl_data_grouping (&sections->data, side, &grouping, error))
    return FALSE;
  for (guint f = 0; grouping != NULL && f < grouping->factors->len; f++)
    {
      const FlFactor *factor = g_ptr_array_index (grouping->factors, f);
      gboolean own = g_strcmp0 (factor->arm, cell->arm) == 0;

      if (factor->arm == NULL)
        continue;
      if (!fl_split_has_part (&sections->split, factor->part))
        return fl_fail (error, FL_ERROR_CONFIG, "the split has no %s part; set '%s' in [split]",
                        factor->part == FL_PART_TEST ? "test" : "validation",
                        factor->part == FL_PART_TEST ? "test" : "validation");
      if (own ? !check_own_errors (cell, side, loader->registry, error)
              : !add_base (loader, factor, point, chain, cell, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_bases (const Loader *loader, const FlSections *sections, const GPtrArray *point,
           const Chain *chain, FlCell *cell, GError **error)
{
  static const char *const keys[] = { "users.group-by", "items.group-by" };

  for (int side = 0; side < 2; side++)
    {
      GError *reason = NULL;

      if (add_bases_of_side (loader, sections, (FlSide) side, point, chain, cell, &reason))
        continue;
      /* What is wrong with the other arm says where it is. */
      if (reason->code == FL_ERROR_CONFIG && strstr (reason->message, ": [") == NULL)
        refuse (&reason, "data", fl_settings_find (cell->data->host, keys[side]));
      g_propagate_error (error, reason);
      return FALSE;
    }
  return TRUE;
}

/* The cell of an arm at one point of its sweep (FlOverride), for the first seed;
 * `before` are the arms that wait for it. */
static FlCell *
make_cell (const Loader *loader, const Arm *arm, const GPtrArray *point, const Chain *before,
           GError **error)
{
  const Chain chain = { arm, before };
  g_autoptr (GPtrArray) overrides = g_ptr_array_new ();
  g_auto (FlSections) sections;
  g_autoptr (FlCell) cell = fl_cell_new ();

  g_ptr_array_extend (overrides, arm->overrides, NULL, NULL);
  g_ptr_array_extend (overrides, (GPtrArray *) point, NULL, NULL);
  for (guint i = 0; i < loader->sets->len; i++)
    {
      FlOverride *override = g_ptr_array_index (loader->sets, i);

      if (g_hash_table_contains (arm->words, override->word))
        g_ptr_array_add (overrides, override);
    }
  fl_sections_init (&sections, loader->conf, loader->registry, overrides);
  if (!fill_cell (loader, arm, &sections, cell, error)
      || !check_taken (loader, arm, &sections, error)
      /* Without mitigators an arm is trained without groups. */
      || (cell->data != NULL && (before == NULL || cell->mitigators->len > 0)
          && !add_bases (loader, &sections, point, &chain, cell, error)))
    return NULL;
  set_point (&sections, point, cell);
  return g_steal_pointer (&cell);
}

/* ---- all cells ---------------------------------------------------------- */

/* The axes that multiply an arm, borrowed, and their product. */
static GPtrArray *
arm_axes (const Loader *loader, const Arm *arm, size_t *n_points)
{
  GPtrArray *axes = g_ptr_array_new ();

  *n_points = 1;
  for (guint i = 0; i < loader->axes->len; i++)
    {
      Axis *axis = g_ptr_array_index (loader->axes, i);

      if (!axis_applies (axis, arm))
        continue;
      g_ptr_array_add (axes, axis);
      /* Beyond the limit nothing is counted exactly. */
      *n_points = MIN (*n_points * axis->values->len, CELLS_MAX + 1);
    }
  return axes;
}

/* Point number `index`, the first axis slowest. */
static GPtrArray *
make_point (const GPtrArray *axes, size_t index)
{
  GPtrArray *point = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);

  for (guint i = axes->len; i-- > 0;)
    {
      const Axis *axis = g_ptr_array_index (axes, i);
      const char *value = g_ptr_array_index (axis->values, index % axis->values->len);

      g_ptr_array_insert (point, 0,
                          fl_override_new (axis->override->address, value, "sweep",
                                           axis->override->setting->origin, NULL));
      index /= axis->values->len;
    }
  return point;
}

/* Values that differ as written (0.1; 0.10) may be the same. */
static gboolean
check_new_point (const FlCell *cell, GHashTable *points, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const FlSetting *last = NULL;

  for (guint i = 0; i < cell->sweep->len; i++)
    {
      last = g_ptr_array_index (cell->sweep, i);
      g_string_append_printf (text, "%s%s = %s", i > 0 ? ", " : "", last->key, last->value);
    }
  if (g_hash_table_add (points, g_strdup (text->str)))
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG, "%s: [sweep]: the point %s is there twice",
                  last->origin, text->str);
}

static gboolean
expand_arm (const Loader *loader, const Arm *arm, GError **error)
{
  FlPipeline *pipeline = loader->pipeline;
  size_t n_points = 0;
  g_autoptr (GPtrArray) axes = arm_axes (loader, arm, &n_points);
  g_autoptr (GHashTable) points = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (n_points * pipeline->repeats > CELLS_MAX - pipeline->cells->len)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "%s: more than %u cells (arms x sweep points x repeats)", pipeline->file,
                    CELLS_MAX);
  for (size_t i = 0; i < n_points; i++)
    {
      g_autoptr (GPtrArray) point = make_point (axes, i);
      g_autoptr (FlCell) cell = make_cell (loader, arm, point, NULL, error);

      if (cell == NULL || !check_new_point (cell, points, error))
        return FALSE;
      for (uint32_t repeat = 0; repeat < pipeline->repeats; repeat++)
        g_ptr_array_add (pipeline->cells, fl_cell_repeat (cell, repeat));
    }
  g_ptr_array_add (pipeline->arms, g_strdup (arm->name));
  return TRUE;
}

static gboolean
is_unused (const Loader *loader, const FlConfGroup *group)
{
  FlKind kind = FL_KIND_MODEL;

  if (!fl_kind_parse (group->kind, &kind))
    return FALSE;
  if (group->name != NULL)
    return !any_arm_has (loader, group->name);
  for (guint i = 0; i < loader->arms->len; i++)
    if (*((Arm *) g_ptr_array_index (loader->arms, i))->keys.model == '\0')
      return FALSE;
  return TRUE;
}

/* Groups that no arm uses must be right as well: they are there to be used. */
static gboolean
check_unused (const Loader *loader, GError **error)
{
  g_autoptr (GPtrArray) overrides = g_ptr_array_new ();

  for (guint i = 0; i < loader->conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (loader->conf->groups, i);
      g_auto (FlSections) sections;
      g_autoptr (FlSection) section = NULL;
      FlKind kind = FL_KIND_MODEL;

      fl_sections_init (&sections, loader->conf, loader->registry, overrides);
      if (!is_unused (loader, group))
        continue;
      fl_kind_parse (group->kind, &kind);
      section = fl_sections_plugin (&sections, kind, group->name, group->origin, error);
      if (section == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
expand (Loader *loader, GError **error)
{
  for (guint i = 0; i < loader->arms->len; i++)
    {
      const Arm *arm = g_ptr_array_index (loader->arms, i);

      if (arm->selected && !expand_arm (loader, arm, error))
        return FALSE;
    }
  return check_unused (loader, error);
}

FlPipeline *
fl_pipeline_parse (const char *name, const char *text, size_t length,
                   const FlRegistry *registry, const char *const *sets,
                   const char *const *arms, GError **error)
{
  g_auto (Loader) loader;

  loader_init (&loader);
  loader.registry = registry;
  loader.conf = fl_conf_parse (name, text, length, error);
  if (loader.conf == NULL || !read_sets (&loader, sets, error)
      || !read_pipeline (&loader, error) || !read_evaluate (&loader, error)
      || !read_sweep (&loader, error) || !read_arms (&loader, error)
      || !select_arms (&loader, arms, error) || !check_words (&loader, error)
      || !expand (&loader, error))
    return NULL;
  return g_steal_pointer (&loader.pipeline);
}

/* ---- the file ----------------------------------------------------------- */

static gboolean
read_stream (FILE *stream, GByteArray *bytes, GError **error)
{
  struct stat status;
  guint8 block[4096];
  size_t n = 0;

  if (fstat (fileno (stream), &status) == 0 && S_ISDIR (status.st_mode))
    return fl_fail (error, FL_ERROR_CONFIG, "is a folder; expected a pipeline file");
  while ((n = fread (block, 1, sizeof block, stream)) > 0)
    {
      g_byte_array_append (bytes, block, (guint) n);
      if (bytes->len > FILE_LENGTH_MAX)
        return fl_fail (error, FL_ERROR_CONFIG, "longer than %u bytes; expected a pipeline file",
                        FILE_LENGTH_MAX);
    }
  if (ferror (stream))
    return fl_fail (error, FL_ERROR_CONFIG, "%s", g_strerror (errno));
  return TRUE;
}

FlPipeline *
fl_pipeline_load (const char *path, const FlRegistry *registry, const char *const *sets,
                  const char *const *arms, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  FILE *stream = fopen (path, "rbe");
  gboolean read = FALSE;

  if (stream == NULL)
    fl_fail (error, FL_ERROR_CONFIG, "%s", g_strerror (errno));
  else
    {
      read = read_stream (stream, bytes, error);
      fclose (stream);
    }
  if (read)
    return fl_pipeline_parse (path, (const char *) bytes->data, bytes->len, registry, sets,
                              arms, error);
  g_prefix_error (error, "%s: ", path);
  return NULL;
}

void
fl_pipeline_free (FlPipeline *pipeline)
{
  if (pipeline == NULL)
    return;
  g_free (pipeline->file);
  g_free (pipeline->title);
  g_ptr_array_unref (pipeline->arms);
  g_ptr_array_unref (pipeline->cells);
  g_free (pipeline);
}
