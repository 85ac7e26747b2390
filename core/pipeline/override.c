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
    fl_setting_refuse (error, override->title, &at);
  return FALSE;
}

gboolean
fl_axis_applies (const FlAxis *axis, const FlArm *arm)
{
  return g_hash_table_contains (arm->words, axis->override->word)
         && fl_overrides_find (arm->overrides, axis->override->address) == NULL;
}
