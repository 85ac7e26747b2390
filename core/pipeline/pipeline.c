/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pipeline.c: a pipeline file becomes cells: each arm, at each point of the
 * sweep, repeated under consecutive seeds.
 *
 * What stands later goes over what stands earlier: a group's own settings, an
 * arm's overrides, the sweep, the command line.
 */
#include "core/pipeline/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LENGTH_MAX (1u << 20)
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
  FL_INT (PipelineKeys, repeats, 1, 1, FL_CELLS_MAX, NULL,
          "how often each arm runs, each time with the next seed"),
  FL_PARAM_END
};

static const FlParam arm_params[] = {
  FL_STRING (FlArmKeys, mitigators, "",
             "names of [mitigator NAME] groups or of plugins, separated by ';'"),
  FL_STRING (FlArmKeys, model, "",
             "name of a [model NAME] group or of a plugin; [model] without it"),
  FL_PARAM_END
};

static void
arm_free (FlArm *arm)
{
  fl_params_clear (arm_params, &arm->keys);
  g_clear_pointer (&arm->settings, g_ptr_array_unref);
  g_clear_pointer (&arm->mitigators, g_ptr_array_unref);
  g_clear_pointer (&arm->overrides, g_ptr_array_unref);
  g_clear_pointer (&arm->words, g_hash_table_unref);
  g_free (arm);
}

static void
axis_free (FlAxis *axis)
{
  fl_override_free (axis->override);
  g_clear_pointer (&axis->values, g_ptr_array_unref);
  g_free (axis);
}

static void
loader_init (FlLoader *loader)
{
  *loader = (FlLoader) { .pipeline = g_new0 (FlPipeline, 1) };
  loader->pipeline->arms = g_ptr_array_new_with_free_func (g_free);
  loader->pipeline->warnings = g_ptr_array_new_with_free_func (g_free);
  loader->pipeline->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  loader->sets = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  loader->axes = g_ptr_array_new_with_free_func ((GDestroyNotify) axis_free);
  loader->tuned = g_ptr_array_new_with_free_func ((GDestroyNotify) axis_free);
  loader->arms = g_ptr_array_new_with_free_func ((GDestroyNotify) arm_free);
}

static void
loader_clear (FlLoader *loader)
{
  g_ptr_array_unref (loader->arms);
  g_ptr_array_unref (loader->axes);
  g_ptr_array_unref (loader->tuned);
  g_ptr_array_unref (loader->sets);
  g_clear_pointer (&loader->objectives, g_ptr_array_unref);
  fl_section_unref (loader->evaluate_section);
  fl_params_clear (fl_evaluate_params, &loader->evaluate);
  fl_pipeline_free (loader->pipeline);
  fl_conf_free (loader->conf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlLoader, loader_clear)

/* ---- reading the groups ------------------------------------------------- */

/* A list of names that stands at `key` among `settings`, if at all. */
static GPtrArray *
name_list (const char *text, const GPtrArray *settings, const char *title, const char *key,
           GError **error)
{
  GPtrArray *names = fl_conf_list (text, error);

  if (names == NULL)
    fl_setting_refuse (error, title, fl_settings_find (settings, key));
  return names;
}

/* --set group.key=value: for the host's groups as if it stood there last, else
 * over everything that arms and sweep say. */
static gboolean
read_set (FlLoader *loader, const char *set, GError **error)
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
  if (strcmp (override->word, "pipeline") == 0 || strcmp (override->word, "evaluate") == 0
      || strcmp (override->word, "tune") == 0)
    fl_conf_add (loader->conf, override->word, override->setting->key, value, origin);
  else
    g_ptr_array_add (loader->sets, g_steal_pointer (&override));
  return TRUE;
}

static gboolean
read_sets (FlLoader *loader, const char *const *sets, GError **error)
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
read_pipeline (FlLoader *loader, GError **error)
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
read_evaluate (FlLoader *loader, GError **error)
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
                          fl_evaluate_params, &loader->evaluate, NULL, error))
    return FALSE;
  section->host = fl_settings_effective (fl_evaluate_params, settings);
  loader->objectives = name_list (loader->evaluate.objectives, settings, "evaluate",
                                  "objectives", error);
  if (loader->objectives == NULL)
    return FALSE;
  /* Canonical by now, so that 5 and 05 are the same. */
  lengths = fl_conf_list (fl_settings_find (section->host, "k")->value, error);
  return lengths != NULL || fl_setting_refuse (error, "evaluate", k);
}

static gboolean
read_sweep (FlLoader *loader, GError **error)
{
  const FlConfGroup *group = fl_conf_group (loader->conf, "sweep", NULL);

  for (guint i = 0; group != NULL && i < group->settings->len; i++)
    if (!fl_axis_read (loader, "sweep", g_ptr_array_index (group->settings, i), loader->axes,
                       error))
      return FALSE;
  return TRUE;
}

static gboolean
read_arm (FlArm *arm, GError **error)
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
add_arm (FlLoader *loader, const FlConfGroup *group, GError **error)
{
  FlArm *arm = g_new0 (FlArm, 1);

  arm->name = group != NULL ? group->name : "default";
  arm->group = group;
  arm->settings = g_ptr_array_new ();
  arm->overrides = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  arm->words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_ptr_array_add (loader->arms, arm);
  return read_arm (arm, error);
}

static gboolean
read_arms (FlLoader *loader, GError **error)
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
select_arms (FlLoader *loader, const char *const *names, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;

  for (guint i = 0; i < loader->arms->len; i++)
    {
      FlArm *arm = g_ptr_array_index (loader->arms, i);

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

static void
reach_add_axes (Reach *reach, const GPtrArray *axes, const char *word)
{
  for (guint i = 0; i < axes->len; i++)
    {
      const FlAxis *axis = g_ptr_array_index (axes, i);

      if (strcmp (axis->override->word, word) == 0)
        reach_add_list (reach, axis->values);
    }
}

/* Every word by which the arm may come to a group: its own lists, and from group
 * to group every value, since any may name a plugin's group.  A few words too
 * many do no harm: making the sections tells whether an override was taken. */
static void
find_words (const FlLoader *loader, FlArm *arm)
{
  g_autoptr (GPtrArray) queue = g_ptr_array_new ();
  Reach reach = { arm->words, queue };

  reach_add (&reach, "data");
  reach_add (&reach, "split");
  if (fl_conf_group (loader->conf, "rounds", NULL) != NULL)
    reach_add (&reach, "rounds");
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
      reach_add_axes (&reach, loader->axes, word);
      reach_add_axes (&reach, loader->tuned, word);
    }
}

static gboolean
any_arm_has (const FlLoader *loader, const char *word)
{
  for (guint i = 0; i < loader->arms->len; i++)
    {
      if (fl_arm_reads (loader, g_ptr_array_index (loader->arms, i), word))
        return TRUE;
    }
  return FALSE;
}

static gboolean
find_axis_arms (const FlLoader *loader, FlAxis *axis, GError **error)
{
  if (!any_arm_has (loader, axis->override->word))
    return fl_override_refuse (loader, axis->override, NULL, error);
  for (guint i = 0; i < loader->arms->len; i++)
    axis->is_known = axis->is_known
                     || fl_axis_is_known_to (loader, axis, g_ptr_array_index (loader->arms, i));
  return TRUE;
}

static gboolean
check_axis (const FlLoader *loader, FlAxis *axis, GError **error)
{
  const FlSetting at = { axis->override->address, axis->override->setting->value,
                         axis->override->setting->origin };

  for (guint i = 0; i < loader->arms->len; i++)
    {
      const FlArm *arm = g_ptr_array_index (loader->arms, i);

      if (fl_axis_applies (loader, axis, arm) || fl_axis_is_replaced (loader, axis, arm))
        return TRUE;
    }
  fl_fail (error, FL_ERROR_CONFIG, "every arm sets this itself");
  return fl_setting_refuse (error, "sweep", &at);
}

static gboolean
check_axes (const FlLoader *loader, GError **error)
{
  for (guint i = 0; i < loader->axes->len; i++)
    if (!find_axis_arms (loader, g_ptr_array_index (loader->axes, i), error))
      return FALSE;
  for (guint i = 0; i < loader->tuned->len; i++)
    if (!find_axis_arms (loader, g_ptr_array_index (loader->tuned, i), error))
      return FALSE;
  for (guint i = 0; i < loader->axes->len; i++)
    if (!check_axis (loader, g_ptr_array_index (loader->axes, i), error))
      return FALSE;
  return TRUE;
}

/* Every override must reach something in some arm; an arm's own, in that arm. */
static gboolean
check_words (const FlLoader *loader, GError **error)
{
  for (guint i = 0; i < loader->arms->len; i++)
    {
      FlArm *arm = g_ptr_array_index (loader->arms, i);

      find_words (loader, arm);
      for (guint j = 0; j < arm->overrides->len; j++)
        {
          const FlOverride *override = g_ptr_array_index (arm->overrides, j);

          if (!fl_arm_reads (loader, arm, override->word))
            return fl_override_refuse (loader, override, arm, error);
        }
    }
  if (!check_axes (loader, error))
    return FALSE;
  for (guint i = 0; i < loader->sets->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (loader->sets, i);

      if (!any_arm_has (loader, override->word))
        return fl_override_refuse (loader, override, NULL, error);
    }
  return TRUE;
}

/* ---- all cells ---------------------------------------------------------- */

/* The axes that multiply an arm, borrowed, and their product. */
static GPtrArray *
arm_axes (const FlLoader *loader, const FlArm *arm, size_t *n_points)
{
  GPtrArray *axes = g_ptr_array_new ();

  *n_points = 1;
  for (guint i = 0; i < loader->axes->len; i++)
    {
      FlAxis *axis = g_ptr_array_index (loader->axes, i);

      if (!fl_axis_applies (loader, axis, arm))
        continue;
      g_ptr_array_add (axes, axis);
      /* Beyond the limit nothing is counted exactly. */
      *n_points = MIN (*n_points * axis->values->len, FL_CELLS_MAX + 1);
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
      const FlAxis *axis = g_ptr_array_index (axes, i);
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

/* The arm as it is given, or with its first candidate's values and all candidates. */
static FlCell *
make_cell (const FlLoader *loader, const FlArm *arm, const GPtrArray *point, GError **error)
{
  g_autoptr (GPtrArray) candidates = NULL;
  FlCell *cell;

  if (!fl_loader_candidates (loader, arm, point, &candidates, error))
    return NULL;
  if (candidates == NULL)
    return fl_loader_cell (loader, arm, point, error);
  cell = fl_cell_repeat (((const FlCandidate *) g_ptr_array_index (candidates, 0))->cell, 0);
  cell->candidates = g_steal_pointer (&candidates);
  return cell;
}

static gboolean
expand_arm (const FlLoader *loader, const FlArm *arm, GError **error)
{
  FlPipeline *pipeline = loader->pipeline;
  size_t n_points = 0;
  g_autoptr (GPtrArray) axes = arm_axes (loader, arm, &n_points);
  g_autoptr (GHashTable) points = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (n_points * pipeline->repeats > FL_CELLS_MAX - pipeline->cells->len)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "%s: more than %u cells (arms x sweep points x repeats)", pipeline->file,
                    FL_CELLS_MAX);
  for (size_t i = 0; i < n_points; i++)
    {
      g_autoptr (GPtrArray) point = make_point (axes, i);
      g_autoptr (FlCell) cell = make_cell (loader, arm, point, error);

      if (cell == NULL || !check_new_point (cell, points, error))
        return FALSE;
      for (uint32_t repeat = 0; repeat < pipeline->repeats; repeat++)
        g_ptr_array_add (pipeline->cells, fl_cell_repeat (cell, repeat));
    }
  g_ptr_array_add (pipeline->arms, g_strdup (arm->name));
  return TRUE;
}

static gboolean
is_unused (const FlLoader *loader, const FlConfGroup *group)
{
  FlKind kind = FL_KIND_MODEL;

  if (!fl_kind_parse (group->kind, &kind))
    return FALSE;
  if (group->name != NULL)
    return !any_arm_has (loader, group->name);
  for (guint i = 0; i < loader->arms->len; i++)
    if (*((FlArm *) g_ptr_array_index (loader->arms, i))->keys.model == '\0')
      return FALSE;
  return TRUE;
}

/* Groups that no arm uses must be right as well: they are there to be used. */
static gboolean
check_unused (const FlLoader *loader, GError **error)
{
  g_autoptr (GPtrArray) overrides = g_ptr_array_new ();

  for (guint i = 0; i < loader->conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (loader->conf->groups, i);
      g_auto (FlSections) sections;
      g_autoptr (FlSection) section = NULL;
      FlKind kind = FL_KIND_MODEL;

      fl_sections_init (&sections, loader->conf, loader->registry, overrides,
                        loader->pipeline->warnings);
      if (!is_unused (loader, group))
        continue;
      fl_kind_parse (group->kind, &kind);
      section = fl_sections_plugin (&sections, kind, group->name, group->origin, error);
      if (section == NULL)
        return FALSE;
      g_ptr_array_add (loader->pipeline->warnings,
                       g_strdup_printf ("no arm uses [%s]", group->title));
    }
  return TRUE;
}

static gboolean
expand (FlLoader *loader, GError **error)
{
  for (guint i = 0; i < loader->arms->len; i++)
    {
      const FlArm *arm = g_ptr_array_index (loader->arms, i);

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
  g_auto (FlLoader) loader;

  loader_init (&loader);
  loader.registry = registry;
  loader.conf = fl_conf_parse (name, text, length, error);
  if (loader.conf == NULL || !read_sets (&loader, sets, error)
      || !read_pipeline (&loader, error) || !read_evaluate (&loader, error)
      || !read_sweep (&loader, error) || !fl_loader_read_tune (&loader, error) || !read_arms (&loader, error)
      || !select_arms (&loader, arms, error) || !check_words (&loader, error)
      || !expand (&loader, error))
    return NULL;
  if (loader.pipeline->tune != NULL)
    loader.pipeline->tune->origin = NULL; /* it goes with the file */
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
  g_autofree char *shown = g_utf8_make_valid (path, -1); /* paths are bytes */
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
    return fl_pipeline_parse (shown, (const char *) bytes->data, bytes->len, registry, sets,
                              arms, error);
  g_prefix_error (error, "%s: ", shown);
  return NULL;
}

void
fl_pipeline_free (FlPipeline *pipeline)
{
  if (pipeline == NULL)
    return;
  g_free (pipeline->file);
  g_free (pipeline->title);
  fl_tune_free (pipeline->tune);
  g_ptr_array_unref (pipeline->arms);
  g_ptr_array_unref (pipeline->warnings);
  g_ptr_array_unref (pipeline->cells);
  g_free (pipeline);
}
