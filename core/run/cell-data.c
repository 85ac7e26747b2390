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

gboolean
fl_cell_has_data (const FlCell *cell, const FlRegistry *registry, char **missing)
{
  g_autoptr (FlInstance) source
      = fl_cell_instance (cell, registry, FL_KIND_SOURCE, cell->data, NULL);
  g_auto (GStrv) inputs = NULL;
  g_autoptr (GError) reason = NULL;

  *missing = NULL;
  if (source == NULL)
    return TRUE;
  /* A source that cannot name its files says what it lacks. */
  if (!fl_instance_inputs (source, &inputs, &reason)
      && g_error_matches (reason, FL_ERROR, FL_ERROR_DATA))
    {
      locate_source (cell->data, source, &reason);
      *missing = g_strdup (reason->message);
    }
  for (size_t i = 0; inputs != NULL && inputs[i] != NULL && *missing == NULL; i++)
    if (inputs[i][0] != '\0' && !g_file_test (inputs[i], G_FILE_TEST_EXISTS))
      {
        fl_fail (&reason, FL_ERROR_DATA, "%s is not there", inputs[i]);
        locate_source (cell->data, source, &reason);
        *missing = g_strdup (reason->message);
      }
  return *missing == NULL;
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

/* The error of whatever was made of the cell's split. */
static void
propagate_located (const FlCell *cell, GError *reason, GError **error)
{
  if (reason == NULL)
    return;
  if (!fl_section_locate (cell->data, cell->data->host, &reason))
    fl_section_locate (cell->split, cell->split->host, &reason);
  g_propagate_error (error, reason);
}

static gboolean
store_data_keys (const FlCell *cell, FlDataKeys *keys, GError **error)
{
  *keys = (FlDataKeys) { .filter = NULL };
  return fl_params_store (fl_data_params, keys, "data", cell->data->host, NULL, NULL, NULL, error);
}

FlSplit *
fl_cell_split (const FlCell *cell, const FlDataset *dataset, GError **error)
{
  FlDataKeys data;
  FlSplitKeys keys = { 0 };
  FlSplit *split = NULL;
  GError *reason = NULL;

  if (store_data_keys (cell, &data, error)
      && fl_params_store (fl_split_params, &keys, "split", cell->split->host, NULL, NULL, NULL,
                          error))
    split = fl_split_new (dataset, &data, &keys, (FlRepeat) { cell->seed, cell->repeat }, &reason);
  propagate_located (cell, reason, error);
  fl_params_clear (fl_data_params, &data);
  fl_params_clear (fl_split_params, &keys);
  return split;
}

/* ---- groups that errors make --------------------------------------------- */

gboolean
fl_cell_grouping (const FlCell *cell, FlSide side, FlGrouping **grouping, GError **error)
{
  FlDataKeys data;
  gboolean done = store_data_keys (cell, &data, error)
                  && fl_data_grouping (&data, side, grouping, error);

  fl_params_clear (fl_data_params, &data);
  return done;
}

gboolean
fl_cell_group (const FlCell *cell, const FlDataset *dataset, FlSplit *split, FlSide side,
               FlArmErrors errors, gpointer user_data, GError **error)
{
  FlDataKeys data;
  GError *reason = NULL;
  gboolean done = store_data_keys (cell, &data, error)
                  && fl_split_group (split, dataset, &data, side, errors, user_data, &reason);

  if (reason != NULL)
    g_prefix_error (&reason, "[data] ");
  propagate_located (cell, reason, error);
  fl_params_clear (fl_data_params, &data);
  return done;
}

static gboolean
is_grouped_by_error (const FlCell *cell, FlSide side)
{
  g_autoptr (FlGrouping) grouping = NULL;

  return fl_cell_grouping (cell, side, &grouping, NULL) && grouping != NULL && grouping->by_error;
}

void
fl_cell_hide_groups (const FlCell *cell, FlSplit *split)
{
  if (is_grouped_by_error (cell, FL_SIDE_USER))
    split->user_groups = NULL;
  if (is_grouped_by_error (cell, FL_SIDE_ITEM))
    split->item_groups = NULL;
  split->data.user_groups = split->user_groups;
  split->data.item_groups = split->item_groups;
}

void
fl_cell_ungroup (const FlCell *cell, FlSplit *split)
{
  if (is_grouped_by_error (cell, FL_SIDE_USER))
    fl_groups_free (split->user_groups);
  if (is_grouped_by_error (cell, FL_SIDE_ITEM))
    fl_groups_free (split->item_groups);
  fl_cell_hide_groups (cell, split);
}
