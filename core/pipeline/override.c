/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* override.c: settings put over what groups say: whom they concern, and what is said of
 * those that concern nobody.
 */
#include "core/pipeline/load.h"

#include <string.h>

gboolean
fl_setting_refuse (GError **error, const char *title, const FlSetting *setting)
{
  fl_setting_locate (error, title, setting->key, setting->value, setting->origin);
  return FALSE;
}

const FlOverride *
fl_overrides_find (const GPtrArray *overrides, const char *address)
{
  for (guint i = 0; i < overrides->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (overrides, i);

      if (strcmp (override->address, address) == 0)
        return override;
    }
  return NULL;
}

gboolean
fl_override_refuse (const FlLoader *loader, const FlOverride *override, const FlArm *arm,
                    GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;
  const FlSetting at = { override->address, override->setting->value,
                         override->setting->origin };

  g_ptr_array_add (known, (gpointer) "data");
  g_ptr_array_add (known, (gpointer) "split");
  if (fl_conf_group (loader->conf, "rounds", NULL) != NULL)
    g_ptr_array_add (known, (gpointer) "rounds");
  g_ptr_array_add (known, (gpointer) "model");
  g_ptr_array_extend (known, loader->objectives, NULL, NULL);
  for (guint i = 0; i < loader->conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (loader->conf->groups, i);

      if ((strcmp (group->kind, "mitigator") == 0 || strcmp (group->kind, "objective") == 0
           || (group->name != NULL && fl_word_is_model (loader, group->name)))
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
    fl_setting_refuse (error, override->title, &at);
  return FALSE;
}

/* ---- which section an override is about ----------------------------------- */

static gboolean
is_group_or_objective (const FlLoader *loader, const char *word)
{
  return fl_conf_group (loader->conf, "mitigator", word) != NULL
         || fl_conf_group (loader->conf, "objective", word) != NULL
         || g_ptr_array_find_with_equal_func (loader->objectives, word, g_str_equal, NULL);
}

/* A group's name, or that of a bare plugin that some arm has for its model. */
static gboolean
is_model_name (const FlLoader *loader, const char *word)
{
  if (fl_conf_group (loader->conf, "model", word) != NULL)
    return TRUE;
  for (guint i = 0; i < loader->arms->len; i++)
    if (strcmp (((const FlArm *) g_ptr_array_index (loader->arms, i))->keys.model, word) == 0)
      return TRUE;
  return FALSE;
}

gboolean
fl_word_is_model (const FlLoader *loader, const char *word)
{
  static const char *const others[] = { "data", "split", "rounds", "model", NULL };

  return is_model_name (loader, word) && !g_strv_contains (others, word)
         && !is_group_or_objective (loader, word);
}

const char *
fl_arm_word (const FlLoader *loader, const FlArm *arm, const char *word)
{
  return strcmp (word, arm->keys.model) == 0 && fl_word_is_model (loader, word) ? "model" : word;
}

static gboolean
is_about (const FlLoader *loader, const FlArm *arm, const FlOverride *override, const char *word,
          const char *key)
{
  return strcmp (override->setting->key, key) == 0
         && strcmp (fl_arm_word (loader, arm, override->word), word) == 0;
}

/* The one of the overrides that sets that key of the arm, or NULL. */
static const FlOverride *
find_set (const FlLoader *loader, const FlArm *arm, const GPtrArray *overrides, const char *word,
          const char *key)
{
  for (guint i = 0; i < overrides->len; i++)
    if (is_about (loader, arm, g_ptr_array_index (overrides, i), word, key))
      return g_ptr_array_index (overrides, i);
  return NULL;
}

/* The same of axes, but for the one of `except`. */
static const FlOverride *
find_axis (const FlLoader *loader, const FlArm *arm, const GPtrArray *axes, const char *word,
           const char *key, const FlOverride *except)
{
  for (guint i = 0; i < axes->len; i++)
    {
      const FlOverride *override = ((const FlAxis *) g_ptr_array_index (axes, i))->override;

      if (override != except && is_about (loader, arm, override, word, key))
        return override;
    }
  return NULL;
}

const FlOverride *
fl_arm_sets (const FlLoader *loader, const FlArm *arm, const FlOverride *override)
{
  const char *word = fl_arm_word (loader, arm, override->word), *key = override->setting->key;
  const FlOverride *own = find_set (loader, arm, arm->overrides, word, key);

  return own != NULL ? own : find_axis (loader, arm, loader->axes, word, key, override);
}

/* ---- axes ------------------------------------------------------------------ */

gboolean
fl_axis_read (FlLoader *loader, const char *title, const FlSetting *setting,
                     GPtrArray *axes, GError **error)
{
  FlAxis *axis = NULL;

  /* A value from the command line takes the place of the whole list. */
  if (fl_overrides_find (loader->sets, setting->key) != NULL)
    return TRUE;
  axis = g_new0 (FlAxis, 1);
  g_ptr_array_add (axes, axis);
  axis->override = fl_override_new (setting->key, setting->value, title, setting->origin, error);
  if (axis->override == NULL)
    return FALSE;
  axis->values = fl_conf_list (setting->value, error);
  if (axis->values != NULL && axis->values->len == 0)
    fl_fail (error, FL_ERROR_CONFIG, "expected values separated by ';'");
  return (axis->values != NULL && axis->values->len > 0)
         || fl_setting_refuse (error, title, setting);
}

gboolean
fl_arm_reads (const FlLoader *loader, const FlArm *arm, const char *word)
{
  return fl_word_is_model (loader, word) ? strcmp (arm->keys.model, word) == 0
                                         : g_hash_table_contains (arm->words, word);
}

/* The plugin of a group of the arm, or NULL where that is open: it does not exist, or is
 * itself set from outside. */
static const FlEntry *
find_plugin (const FlLoader *loader, const FlArm *arm, const char *word, const char *key)
{
  static const struct
  {
    const char *kind;
    FlKind of;
  } kinds[] = { { "model", FL_KIND_MODEL },
                { "mitigator", FL_KIND_MITIGATOR },
                { "objective", FL_KIND_OBJECTIVE } };
  gboolean model = strcmp (word, "model") == 0;
  const char *name = !model ? word : *arm->keys.model != '\0' ? arm->keys.model : NULL;

  if (find_set (loader, arm, arm->overrides, word, key) != NULL
      || find_set (loader, arm, loader->sets, word, key) != NULL
      || find_axis (loader, arm, loader->axes, word, key, NULL) != NULL
      || find_axis (loader, arm, loader->tuned, word, key, NULL) != NULL)
    return NULL;
  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      const FlConfGroup *group = fl_conf_group (loader->conf, kinds[k].kind, name);
      const FlSetting *plugin = group != NULL ? fl_settings_find (group->settings, key) : NULL;
      const FlEntry *entry = NULL;

      if (model && kinds[k].of != FL_KIND_MODEL)
        break;
      if (!model && kinds[k].of == FL_KIND_MODEL)
        continue;
      if (plugin != NULL)
        return fl_registry_find (loader->registry, kinds[k].of, plugin->value, NULL);
      entry = name != NULL && group == NULL
                  ? fl_registry_find (loader->registry, kinds[k].of, name, NULL) : NULL;
      if (entry != NULL)
        return entry;
    }
  return NULL;
}

static gboolean
has_key (const FlParam *params, const char *key)
{
  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    if (strcmp (fl_param_key (p), key) == 0)
      return TRUE;
  return FALSE;
}

/* Whether the plugin that the arm has there takes such a key. */
static gboolean
knows_key (const FlLoader *loader, const FlArm *arm, const FlOverride *override)
{
  const char *word = fl_arm_word (loader, arm, override->word);
  const FlEntry *entry = find_plugin (loader, arm, word, "plugin");

  return entry == NULL || strcmp (override->setting->key, "plugin") == 0
         || has_key (entry->plugin.params, override->setting->key)
         || (entry->plugin.kind == FL_KIND_OBJECTIVE
             && has_key (fl_objective_params, override->setting->key));
}

gboolean
fl_axis_is_known_to (const FlLoader *loader, const FlAxis *axis, const FlArm *arm)
{
  return fl_arm_reads (loader, arm, axis->override->word)
         && knows_key (loader, arm, axis->override);
}

gboolean
fl_axis_concerns (const FlLoader *loader, const FlAxis *axis, const FlArm *arm)
{
  return fl_arm_reads (loader, arm, axis->override->word)
         && (!axis->is_known || knows_key (loader, arm, axis->override));
}

gboolean
fl_axis_is_whole (const FlLoader *loader, const FlAxis *axis, const FlArm *arm)
{
  const FlOverride *override = axis->override;
  const FlEntry *entry
      = find_plugin (loader, arm, fl_arm_word (loader, arm, override->word), "plugin");

  for (const FlParam *p = entry != NULL ? entry->plugin.params : NULL;
       p != NULL && p->type != FL_TYPE_END; p++)
    if (strcmp (fl_param_key (p), override->setting->key) == 0)
      return p->type == FL_TYPE_INT;
  return FALSE;
}

gboolean
fl_axis_is_replaced (const FlLoader *loader, const FlAxis *axis, const FlArm *arm)
{
  const FlOverride *override = axis->override;

  return find_set (loader, arm, loader->sets, fl_arm_word (loader, arm, override->word),
                   override->setting->key) != NULL;
}

gboolean
fl_axis_applies (const FlLoader *loader, const FlAxis *axis, const FlArm *arm)
{
  const FlOverride *override = axis->override;
  const char *word = fl_arm_word (loader, arm, override->word), *key = override->setting->key;

  /* An axis of the model by its name goes before one of every arm's model. */
  return fl_axis_concerns (loader, axis, arm) && !fl_axis_is_replaced (loader, axis, arm)
         && find_set (loader, arm, arm->overrides, word, key) == NULL
         && (strcmp (override->word, "model") != 0
             || find_axis (loader, arm, loader->axes, word, key, override) == NULL);
}
