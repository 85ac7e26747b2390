/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-what.c: which data the command line means, loaded and split. */
#include "core/cli/data.h"

#include <string.h>

#include <fairlead/linalg.h>

#include "core/cli/cli.h"
#include "core/cli/show.h"

const char cli_data_description[] =
  "FILE is a pipeline, of which [data] and [split] count; SOURCE is the name of a\n"
  "source, with its parameters as KEY=VALUE behind it: `movielens-100k path=DIR`.\n"
  "The host's own keys of [data] may stand there too (users.group-by=gender), and\n"
  "those of [split] as split.KEY=VALUE. A word with a '.' or a '/' in it is a FILE.\n"
  "\n"
  "Exit status: 0 done; 1 the data could not be read or written; 2 the command line\n"
  "or the pipeline is wrong.";

void
cli_data_options (CliData *data, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &data->sets,
      "Override a setting, as data.filter='users core 5'; may be repeated", "GROUP.KEY=VALUE" },
    { "arm", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &data->arms,
      "Of a pipeline: this arm; else the first", "NAME" },
    { "repeat", 0, 0, G_OPTION_ARG_INT, &data->repeat,
      "Of a pipeline: this repeat; default 0", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &data->seed,
      "Of a source by itself: the seed; default 1", "N" },
    { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &data->plugin_dirs,
      "Search this folder first; may be repeated", "DIR" },
    G_OPTION_ENTRY_NULL
  };

  data->seed = -1;
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, cli_data_description);
}

void
cli_data_clear (CliData *data)
{
  g_strfreev (data->settings);
  g_strfreev (data->sets);
  g_strfreev (data->arms);
  g_strfreev (data->plugin_dirs);
  fl_split_free (data->split);
  fl_dataset_free (data->dataset);
  fl_cache_close (data->temporary);
  g_free (data->path);
  fl_cell_free (data->own);
  fl_pipeline_free (data->pipeline);
  fl_registry_free (data->registry);
}

static gboolean
open_pipeline (CliData *data, int argc, char **argv, GError **error)
{
  if (argc > 2)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: unexpected behind a pipeline; settings go "
                    "with --set", argv[2]);
  if (data->seed >= 0)
    return fl_fail (error, FL_ERROR_CONFIG, "--seed: goes with a source; a pipeline has its own, "
                    "which --set pipeline.seed=%" G_GINT64_FORMAT " changes", data->seed);
  data->pipeline = fl_pipeline_load (argv[1], data->registry, (const char *const *) data->sets,
                                     (const char *const *) data->arms, error);
  if (data->pipeline == NULL)
    return FALSE;
  for (guint i = 0; i < data->pipeline->cells->len; i++)
    {
      const FlCell *cell = data->pipeline->cells->pdata[i];

      if (data->cell == NULL && data->repeat >= 0 && cell->repeat == (uint32_t) data->repeat)
        data->cell = cell;
    }
  if (data->cell != NULL && data->cell->data == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: there is no [data]", argv[1]);
  return data->cell != NULL
         || fl_fail (error, FL_ERROR_CONFIG, "--repeat %d: must be from 0 to %u", data->repeat,
                     data->pipeline->repeats - 1);
}

/* The source's cell; `also` are settings that those of the command line go over. */
static gboolean
make_source (CliData *data, const char *name, const char *also, GError **error)
{
  g_autoptr (GPtrArray) settings = g_ptr_array_new ();

  if (also != NULL)
    g_ptr_array_add (settings, (gpointer) also);
  for (size_t i = 0; data->settings[i] != NULL; i++)
    g_ptr_array_add (settings, data->settings[i]);
  for (size_t i = 0; data->sets != NULL && data->sets[i] != NULL; i++)
    g_ptr_array_add (settings, data->sets[i]);
  g_ptr_array_add (settings, NULL);
  fl_cell_free (data->own);
  data->cell = data->own
      = fl_cell_of_source (data->registry, name, (const char *const *) settings->pdata,
                           data->seed >= 0 ? (uint64_t) data->seed : 1, error);
  return data->own != NULL;
}

static gboolean
open_source (CliData *data, int argc, char **argv, GError **error)
{
  if (data->arms != NULL || data->repeat != 0)
    return fl_fail (error, FL_ERROR_CONFIG, "--arm and --repeat go with a pipeline, not with "
                    "source %s", argv[1]);
  data->settings = g_new0 (char *, (size_t) argc);
  for (int i = 2; i < argc; i++)
    data->settings[i - 2] = g_strdup (argv[i]);
  return make_source (data, argv[1], NULL, error);
}

/* No source's name has a '.' or a '/'. */
static gboolean
is_file (const CliData *data, const char *what)
{
  return strpbrk (what, "./") != NULL
         || (g_file_test (what, G_FILE_TEST_IS_REGULAR)
             && fl_registry_find (data->registry, FL_KIND_SOURCE, what, NULL) == NULL);
}

gboolean
cli_data_open (CliData *data, int argc, char **argv, GError **error)
{
  if (argc < 2)
    return fl_fail (error, FL_ERROR_CONFIG, "data %s: expected a pipeline file or a source",
                    argv[0]);
  if (data->seed < -1)
    return fl_fail (error, FL_ERROR_CONFIG, "--seed %" G_GINT64_FORMAT ": must be at least 0",
                    data->seed);
  if (!fl_isa_check (error))
    return FALSE;
  data->registry = fl_registry_new ((const char *const *) data->plugin_dirs, error);
  if (data->registry == NULL)
    return FALSE;
  return is_file (data, argv[1]) ? open_pipeline (data, argc, argv, error)
                                 : open_source (data, argc, argv, error);
}

gboolean
cli_data_load (CliData *data, GError **error)
{
  if (!fl_cache_open (&data->temporary, error))
    return FALSE;
  data->dataset = fl_cell_dataset (data->cell, data->registry, &data->path, error);
  return data->dataset != NULL;
}

static gboolean
is_split (const FlCell *cell)
{
  for (guint i = 0; i < cell->split->host->len; i++)
    if (strcmp (((const FlSetting *) cell->split->host->pdata[i])->origin, "default") != 0)
      return TRUE;
  return FALSE;
}

gboolean
cli_data_split (CliData *data, GError **error)
{
  if (data->pipeline == NULL && !fl_cell_has_split (data->cell))
    return TRUE;
  if (data->pipeline == NULL && !is_split (data->cell))
    {
      /* Filtered and grouped, but not to be split: all of it, or as it came. */
      const char *whole = data->dataset->part != NULL ? "split.method=given" : "split.test=0";
      g_autofree char *name = g_strdup (data->cell->data->plugin);

      if (!make_source (data, name, whole, error))
        return FALSE;
    }
  data->split = fl_cell_split (data->cell, data->dataset, error);
  return data->split != NULL;
}

char *
cli_data_label (const CliData *data)
{
  g_autofree char *label = NULL;

  if (data->pipeline == NULL)
    return g_strdup (data->cell->data->plugin);
  label = cli_cell_label (data->cell->arm, data->cell->sweep, data->cell->repeat);
  return g_strdup_printf ("%s, %s%s, seed %" G_GUINT64_FORMAT, data->pipeline->file,
                          *data->cell->arm != '\0' ? "arm " : "", label, data->cell->seed);
}

int
cli_data_fail (GError *error)
{
  gboolean edit = error->domain != FL_ERROR || error->code == FL_ERROR_CONFIG
                  || error->code == FL_ERROR_PLUGIN;

  cli_fail (error);
  return edit ? CLI_WRONG : CLI_CELL_FAILED;
}
