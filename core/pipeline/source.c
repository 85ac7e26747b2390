/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* source.c: the cell of a source by itself, without a pipeline file. */
#include "core/pipeline/parts.h"

#include <string.h>

static const char command_line[] = "command line";

/* KEY=VALUE, or split.KEY=VALUE; who is used to --set may say data.KEY. */
static gboolean
add_setting (FlConf *conf, const char *setting, GError **error)
{
  static const char *const groups[] = { "data", "split" };
  const char *equals = strchr (setting, '='), *group = groups[0];
  g_autofree char *key = NULL, *value = NULL;

  if (!fl_conf_is_plain (setting, strlen (setting)))
    return fl_fail (error, FL_ERROR_CONFIG, "%s: a setting is not UTF-8, or has control "
                    "characters", command_line);
  if (equals == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: %s: expected KEY=VALUE", command_line, setting);
  key = g_strstrip (g_strndup (setting, (size_t) (equals - setting)));
  value = g_strstrip (g_strdup (equals + 1));
  for (size_t g = 0; g < G_N_ELEMENTS (groups); g++)
    {
      size_t length = strlen (groups[g]);

      if (strncmp (key, groups[g], length) == 0 && key[length] == '.')
        {
          group = groups[g];
          memmove (key, key + length + 1, strlen (key + length));
        }
    }
  fl_conf_add (conf, group, key, value, command_line);
  return TRUE;
}

FlCell *
fl_cell_of_source (const FlRegistry *registry, const char *source, const char *const *settings,
                   uint64_t seed, GError **error)
{
  g_autoptr (FlConf) conf = fl_conf_parse (command_line, "", 0, error);
  g_autoptr (GPtrArray) overrides = g_ptr_array_new ();
  g_autoptr (FlCell) cell = fl_cell_new ();
  g_auto (FlSections) sections;

  fl_sections_init (&sections, conf, registry, overrides, NULL);
  fl_conf_add (conf, "data", "source", source, command_line);
  for (size_t i = 0; settings[i] != NULL; i++)
    if (!add_setting (conf, settings[i], error))
      return NULL;
  cell->arm = g_strdup ("");
  cell->seed = seed;
  if ((cell->data = fl_sections_data (&sections, error)) == NULL
      || (cell->split = fl_sections_split (&sections, error)) == NULL)
    return NULL;
  g_ptr_array_unref (cell->references);
  cell->references = g_ptr_array_ref (sections.references);
  return g_steal_pointer (&cell);
}

gboolean
fl_cell_has_split (const FlCell *cell)
{
  static const char *const reading[] = { "bad-lines", "duplicates", NULL };
  const GPtrArray *const hosts[] = { cell->data->host, cell->split->host };

  for (size_t h = 0; h < G_N_ELEMENTS (hosts); h++)
    for (guint i = 0; i < hosts[h]->len; i++)
      {
        const FlSetting *setting = g_ptr_array_index (hosts[h], i);

        if (strcmp (setting->origin, "default") != 0 && !g_strv_contains (reading, setting->key))
          return TRUE;
      }
  return FALSE;
}
