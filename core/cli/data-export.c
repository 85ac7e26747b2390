/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-export.c: `fairlead data export` and `synth`: a dataset as files. */
#include "core/cli/cli.h"
#include "core/cli/data.h"
#include "core/cli/table.h"

typedef struct
{
  CliData data;
  char *folder, *format;
  gboolean split, groups, force;
} Options;

static gboolean
check_options (const Options *options, FlExport *export, GError **error)
{
  *export = (FlExport) { FL_EXPORT_TSV, options->folder, options->force };
  if (options->folder == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "expected -o DIR: the folder to write into");
  if (options->format == NULL || fl_export_format (options->format, &export->format, error))
    return TRUE;
  g_prefix_error (error, "--format %s: ", options->format);
  return FALSE;
}

/* The dataset itself, or what the pipeline makes of it, which `made` receives. */
static const FlDataset *
choose (const Options *options, FlDataset **made, GError **error)
{
  const CliData *data = &options->data;

  if (data->split == NULL)
    {
      if (!options->split && !options->groups)
        return data->dataset;
      fl_fail (error, FL_ERROR_CONFIG, "%s: nothing was said of it; expected %s",
               options->split ? "--split" : "--groups",
               options->split ? "split.KEY=VALUE" : "users.group-by=ATTRIBUTE or items.group-by");
      return NULL;
    }
  if (options->groups && data->split->user_groups == NULL && data->split->item_groups == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "--groups: neither users nor items are grouped");
      return NULL;
    }
  *made = fl_split_dataset (data->dataset, data->split,
                            options->split || data->dataset->part != NULL, error);
  return *made;
}

/* How it is read back, as a pipeline would say it. */
static void
print_settings (const FlDataset *dataset, const GPtrArray *settings)
{
  g_autofree char *ratings = cli_count (dataset->n), *users = cli_count (dataset->n_users);
  g_autofree char *items = cli_count (dataset->n_items);

  printf ("# %s ratings of %s users and %s items\n# digest %s\n[data]\n", ratings, users, items,
          dataset->digest);
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = settings->pdata[i];

      printf ("%s = %s\n", setting->key, setting->value);
    }
}

static gboolean
export_groups (const CliData *data, const FlExport *export, GError **error)
{
  const FlSplit *split = data->split;
  const FlExportGroups groups = { { split->user_groups, split->item_groups },
                                  { split->user, split->item } };

  return fl_export_groups (data->dataset, &groups, export, error);
}

static gboolean
export (Options *options, GError **error)
{
  CliData *data = &options->data;
  FlExport export;
  g_autoptr (FlDataset) made = NULL;
  g_autoptr (GPtrArray) settings = NULL;
  const FlDataset *dataset;

  if (!check_options (options, &export, error) || !cli_data_load (data, error)
      || !cli_data_split (data, error) || (dataset = choose (options, &made, error)) == NULL)
    return FALSE;
  settings = fl_export_dataset (dataset, &export, error);
  if (settings == NULL || (options->groups && !export_groups (data, &export, error)))
    return FALSE;
  print_settings (dataset, settings);
  return TRUE;
}

static gboolean
check_synthetic (const CliData *data, GError **error)
{
  const char *name = data->cell->data->plugin;
  const FlEntry *entry = fl_registry_find (data->registry, FL_KIND_SOURCE, name, error);

  if (entry == NULL || ((const FlSourceOps *) entry->plugin.ops)->seeded)
    return entry != NULL;
  return fl_fail (error, FL_ERROR_CONFIG, "source %s draws nothing: `fairlead data export` writes "
                  "it", name);
}

static int
run (Options *options, const GOptionEntry *entries, gboolean synth, int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (CLI_DATA_WHAT);
  GError *error = NULL;
  gboolean done;

  g_option_context_set_summary (context, synth
                                ? "Writes what a synthetic source draws as files."
                                : "Writes a dataset as files; of a pipeline, what its filter "
                                  "keeps.\nPrints the group of a pipeline that reads them back.");
  cli_data_options (&options->data, context);
  g_option_context_add_main_entries (context, entries, NULL);
  done = g_option_context_parse (context, &argc, &argv, &error)
         && cli_data_open (&options->data, argc, argv, &error)
         && (!synth || check_synthetic (&options->data, &error)) && export (options, &error);
  cli_data_clear (&options->data);
  g_free (options->folder);
  g_free (options->format);
  return done ? CLI_DONE : cli_data_fail (error);
}

int
cli_data_export (int argc, char **argv)
{
  Options options = { .folder = NULL };
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.folder, "Folder to write into", "DIR" },
    { "format", 0, 0, G_OPTION_ARG_STRING, &options.format,
      "tsv (the default) or recbole: atomic files", "FORMAT" },
    { "split", 0, 0, G_OPTION_ARG_NONE, &options.split,
      "Write training, validation and test ratings to files of their own", NULL },
    { "groups", 0, 0, G_OPTION_ARG_NONE, &options.groups,
      "Write also who is in which group: user-groups.tsv, item-groups.tsv", NULL },
    { "force", 0, 0, G_OPTION_ARG_NONE, &options.force, "Replace files that are there", NULL },
    G_OPTION_ENTRY_NULL
  };

  return run (&options, entries, FALSE, argc, argv);
}

int
cli_data_synth (int argc, char **argv)
{
  Options options = { .folder = NULL };
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.folder, "Folder to write into", "DIR" },
    { "format", 0, 0, G_OPTION_ARG_STRING, &options.format,
      "tsv (the default) or recbole: atomic files", "FORMAT" },
    { "force", 0, 0, G_OPTION_ARG_NONE, &options.force, "Replace files that are there", NULL },
    G_OPTION_ENTRY_NULL
  };

  return run (&options, entries, TRUE, argc, argv);
}
