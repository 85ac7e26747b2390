/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cells.c: the options that qualify a pipeline file, and its cells in print. */
#include "core/cli/cells.h"

#include <string.h>

#include <fairlead/linalg.h>

/* ---- which pipeline ----------------------------------------------------- */

static const char description[] =
  "A later word goes over an earlier one: a group's own setting, an arm's\n"
  "override, the sweep, --set. An arm that does not use what an axis of the sweep\n"
  "is about, or that sets it itself, is not multiplied by that axis. --set takes\n"
  "the place of an axis, and of what every arm says.";

void
cli_pipeline_options (CliPipeline *options, GOptionContext *context)
{
  /* Names of files and arms are taken as the bytes they are. */
  const GOptionEntry entries[] = {
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->sets,
      "Override a setting, as model.rank=8; may be repeated", "GROUP.KEY=VALUE" },
    { "arm", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->arms,
      "Only this arm; may be repeated", "NAME" },
    { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->plugin_dirs,
      "Search this folder first; may be repeated", "DIR" },
    { "show-config", 0, 0, G_OPTION_ARG_NONE, &options->show_config,
      "Print every setting and where it comes from", NULL },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, description);
}

void
cli_pipeline_clear (CliPipeline *options)
{
  g_strfreev (options->sets);
  g_strfreev (options->arms);
  g_strfreev (options->plugin_dirs);
}

FlPipeline *
cli_pipeline_load (const CliPipeline *options, const char *file, FlRegistry **registry,
                   GError **error)
{
  FlPipeline *pipeline;

  if (!fl_isa_check (error))
    return NULL;
  *registry = fl_registry_new ((const char *const *) options->plugin_dirs, error);
  if (*registry == NULL)
    return NULL;
  pipeline = fl_pipeline_load (file, *registry, (const char *const *) options->sets,
                               (const char *const *) options->arms, error);
  for (guint i = 0; pipeline != NULL && i < pipeline->warnings->len; i++)
    fprintf (stderr, "fairlead: warning: %s\n",
             (const char *) g_ptr_array_index (pipeline->warnings, i));
  return pipeline;
}

/* ---- print -------------------------------------------------------------- */

static const char *
point_value (const FlCell *cell, const char *address)
{
  for (guint i = 0; i < cell->sweep->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (cell->sweep, i);

      if (strcmp (setting->key, address) == 0)
        return setting->value;
    }
  return "-";
}

static void
add_addresses (const FlCell *cell, GPtrArray *addresses)
{
  for (guint i = 0; i < cell->sweep->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (cell->sweep, i);

      if (!g_ptr_array_find_with_equal_func (addresses, setting->key, g_str_equal, NULL))
        g_ptr_array_add (addresses, setting->key);
    }
}

/* The cell's columns as new text; without a cell the headings. */
static char **
row_new (const FlCell *cell, const GPtrArray *addresses)
{
  GPtrArray *row = g_ptr_array_new ();

  g_ptr_array_add (row, g_strdup (cell != NULL ? cell->arm : "arm"));
  for (guint i = 0; i < addresses->len; i++)
    {
      const char *address = g_ptr_array_index (addresses, i);

      g_ptr_array_add (row, g_strdup (cell != NULL ? point_value (cell, address) : address));
    }
  g_ptr_array_add (row, cell != NULL ? g_strdup_printf ("%u", cell->repeat)
                                     : g_strdup ("repeat"));
  g_ptr_array_add (row, cell != NULL ? g_strdup_printf ("%" G_GUINT64_FORMAT, cell->seed)
                                     : g_strdup ("seed"));
  g_ptr_array_add (row, NULL);
  return (char **) g_ptr_array_free (row, FALSE);
}

static void
print_row (char **row, const size_t *width, FILE *out)
{
  for (size_t c = 0; row[c] != NULL; c++)
    {
      size_t length = (size_t) g_utf8_strlen (row[c], -1);
      int pad = row[c + 1] != NULL ? (int) (width[c] - length + 2) : 0;

      fprintf (out, "%s%*s", row[c], pad, "");
    }
  fputc ('\n', out);
}

/* How many cells go before, to choose parameters. */
static void
print_choices (const FlPipeline *pipeline, FILE *out)
{
  size_t n_chosen = 0, n_judges = 0;

  for (guint i = 0; i < pipeline->cells->len; i++)
    {
      const FlCell *cell = g_ptr_array_index (pipeline->cells, i);

      if (cell->candidates != NULL)
        {
          n_chosen++;
          n_judges += cell->candidates->len * MAX (pipeline->tune->n_folds, 1);
        }
    }
  if (n_chosen > 0)
    fprintf (out, "the parameters of %zu are chosen by %s, from %s%zu cells before\n", n_chosen,
             pipeline->tune->metric, pipeline->tune->halving ? "at most " : "", n_judges);
}

void
cli_print_cells (const FlPipeline *pipeline, FILE *out)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  g_autofree size_t *width = NULL;

  for (guint i = 0; i < pipeline->cells->len; i++)
    add_addresses (g_ptr_array_index (pipeline->cells, i), addresses);
  width = g_new0 (size_t, addresses->len + 3);
  g_ptr_array_add (rows, row_new (NULL, addresses));
  for (guint i = 0; i < pipeline->cells->len; i++)
    g_ptr_array_add (rows, row_new (g_ptr_array_index (pipeline->cells, i), addresses));
  for (guint i = 0; i < rows->len; i++)
    for (guint c = 0; c < addresses->len + 3; c++)
      {
        char **row = g_ptr_array_index (rows, i);

        width[c] = MAX (width[c], (size_t) g_utf8_strlen (row[c], -1));
      }
  for (guint i = 0; i < rows->len; i++)
    print_row (g_ptr_array_index (rows, i), width, out);
  fprintf (out, "%u cell%s\n", pipeline->cells->len, pipeline->cells->len == 1 ? "" : "s");
  print_choices (pipeline, out);
}

void
cli_print_config (const FlPipeline *pipeline, FILE *out)
{
  for (guint i = 0; i < pipeline->cells->len; i++)
    {
      const FlCell *cell = g_ptr_array_index (pipeline->cells, i);
      g_autofree char *text = NULL;

      /* Repeats differ by their seed alone. */
      if (cell->repeat > 0)
        continue;
      text = fl_cell_describe (cell);
      fprintf (out, "# arm %s", cell->arm);
      for (guint j = 0; j < cell->sweep->len; j++)
        {
          const FlSetting *setting = g_ptr_array_index (cell->sweep, j);

          fprintf (out, ", %s = %s", setting->key, setting->value);
        }
      fprintf (out, "\n%s\n", text);
    }
}
