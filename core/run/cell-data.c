/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell-data.c: a cell's dataset and what its pipeline makes of it.  What goes
 * wrong only when the data are seen is laid to the line of the pipeline that
 * asked for it.
 */
#include "core/run/run-room.h"

#include <string.h>

/* ---- the dataset --------------------------------------------------------- */

/* The path that the message is about, as written; or NULL. */
static const FlSetting *
find_path (const FlSection *section, const FlInstance *source, const char *message)
{
  const FlParam *params = source->plugin->params;
  const FlSetting *found = NULL;
  size_t longest = 0;

  for (guint i = 0; i < section->settings->len; i++)
    if (params[i].type == FL_TYPE_PATH)
      {
        const char *path = G_STRUCT_MEMBER (const char *, source->self, params[i].offset);

        if (path != NULL && strlen (path) > longest && strstr (message, path) != NULL)
          {
            found = g_ptr_array_index (section->settings, i);
            longest = strlen (path);
          }
      }
  return found;
}

static void
locate_source (const FlSection *section, const FlInstance *source, GError **error)
{
  const char *message = (*error)->message;
  const FlSetting *path = find_path (section, source, message);

  if (path == NULL)
    fl_setting_locate (error, section->title, "source", NULL, section->origin);
  else
    fl_setting_locate (error, section->title, path->key,
                       strstr (message, path->value) == NULL ? path->value : NULL, path->origin);
}

gboolean
fl_cell_ingest (const FlCell *cell, FlIngest *ingest, GError **error)
{
  FlDataKeys data = { 0 };
  gboolean done = fl_params_store (fl_data_params, &data, "data", cell->data->host, NULL, NULL,
                                   NULL, error);

  *ingest = data.ingest;
  fl_params_clear (fl_data_params, &data);
  return done;
}

FlDataset *
fl_cell_dataset (const FlCell *cell, const FlRegistry *registry, char **path, GError **error)
{
  g_autofree char *canonical = fl_section_canonical (cell->data);
  g_autoptr (FlInstance) source
      = fl_cell_instance (cell, registry, FL_KIND_SOURCE, cell->data, error);
  g_autoptr (GError) reason = NULL;
  FlDataset *dataset;
  FlIngest ingest;

  *path = NULL;
  if (source == NULL || !fl_cell_ingest (cell, &ingest, error))
    return NULL;
  dataset = fl_cache_load (source, canonical, &ingest, cell->seed, path, &reason);
  if (dataset != NULL)
    return dataset;
  locate_source (cell->data, source, &reason);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

/* ---- the split ----------------------------------------------------------- */

/* The key that the message, behind its "[GROUP] ", begins with; or NULL. */
static const FlSetting *
find_key (const GPtrArray *settings, const char *message)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);
      size_t length = strlen (setting->key);

      if (strncmp (message, setting->key, length) == 0
          && strchr (" =:,", message[length]) != NULL)
        return setting;
    }
  return NULL;
}

/* Messages begin with "[data] " or "[split] ". */
static void
locate_split (const FlCell *cell, GError **error)
{
  const FlSection *const sections[] = { cell->data, cell->split };

  for (size_t s = 0; s < G_N_ELEMENTS (sections); s++)
    {
      g_autofree char *group = g_strdup_printf ("[%s] ", sections[s]->title);
      const FlSetting *setting;
      const char *origin;

      if (!g_str_has_prefix ((*error)->message, group))
        continue;
      setting = find_key (sections[s]->host, (*error)->message + strlen (group));
      origin = setting != NULL && strcmp (setting->origin, "default") != 0 ? setting->origin
                                                                         : sections[s]->origin;
      if (origin != NULL)
        g_prefix_error (error, "%s: ", origin);
      return;
    }
}

FlSplit *
fl_cell_split (const FlCell *cell, const FlDataset *dataset, GError **error)
{
  FlDataKeys data = { 0 };
  FlSplitKeys keys = { 0 };
  FlSplit *split = NULL;
  GError *reason = NULL;

  if (fl_params_store (fl_data_params, &data, "data", cell->data->host, NULL, NULL, NULL, error)
      && fl_params_store (fl_split_params, &keys, "split", cell->split->host, NULL, NULL, NULL,
                          error))
    {
      split = fl_split_new (dataset, &data, &keys, cell->seed, &reason);
      if (split == NULL)
        {
          locate_split (cell, &reason);
          g_propagate_error (error, reason);
        }
    }
  fl_params_clear (fl_data_params, &data);
  fl_params_clear (fl_split_params, &keys);
  return split;
}
