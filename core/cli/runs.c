/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* runs.c: `fairlead runs list|show|export`: the results store. */
#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/cli/gate.h"
#include "core/cli/show.h"

typedef struct
{
  char *store;
  char *format;
  gboolean each;
  char *artefacts;
  int64_t number; /* 0: the latest */
} Options;

static const char summary[] =
  "Actions:\n"
  "  list           every run in the store, oldest first\n"
  "  show [RUN]     a run's table, settings and notes; the latest unless RUN says which\n"
  "  export [RUN]   one line a metric; does not depend on how the run was executed";

static int
list (FlStore *store, const Options *options)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) runs = fl_store_list (store, &error);

  (void) options;
  if (runs == NULL)
    return cli_fail (error);
  for (guint i = 0; i < runs->len; i++)
    {
      const FlRunRecord *run = runs->pdata[i];
      size_t pending = run->n_cells - run->n_done - run->n_failed;

      printf ("%4" G_GINT64_FORMAT "  %s  %zu cell%s", run->number,
              run->started != NULL ? run->started : "", run->n_cells,
              run->n_cells == 1 ? "" : "s");
      if (run->n_failed > 0)
        printf (", %zu failed", run->n_failed);
      if (pending > 0)
        printf (", %zu not run", pending);
      printf ("  %s%s%s\n", run->file, run->title[0] != '\0' ? ": " : "", run->title);
    }
  return CLI_DONE;
}

/* ---- show -------------------------------------------------------------- */

static void
print_once (GHashTable *seen, const char *name, const char *value)
{
  char *line;

  if (value == NULL || *value == '\0')
    return;
  line = g_strdup_printf ("%-10s %s", name, value);
  if (g_hash_table_contains (seen, line))
    {
      g_free (line);
      return;
    }
  printf ("%s\n", line);
  g_hash_table_add (seen, line);
}

/* What the cells ran on; a line for each value that occurs. */
static void
print_origin (const FlRunRecord *run)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  printf ("\nrun        %" G_GINT64_FORMAT " of %s, begun %s\nfairlead   %s\n", run->number,
          run->file, run->started != NULL ? run->started : "", run->fairlead);
  for (guint i = 0; i < run->cells->len; i++)
    print_once (seen, "dataset", ((const FlCellRecord *) run->cells->pdata[i])->digest);
  for (guint i = 0; i < run->cells->len; i++)
    print_once (seen, "kernels", ((const FlCellRecord *) run->cells->pdata[i])->isa);
  for (guint i = 0; i < run->cells->len; i++)
    print_once (seen, "blas", ((const FlCellRecord *) run->cells->pdata[i])->blas);
  for (guint i = 0; i < run->cells->len; i++)
    {
      g_auto (GStrv) plugins
          = g_strsplit (((const FlCellRecord *) run->cells->pdata[i])->plugins, "\n", -1);

      for (size_t p = 0; plugins[p] != NULL; p++)
        print_once (seen, "plugin", plugins[p]);
    }
}

static gboolean
has_line (const GStrv lines, const char *line)
{
  return lines != NULL && g_strv_contains ((const char *const *) lines, line);
}

/* The first row's settings in full, of the others the lines that differ. */
static void
print_settings (const FlRunRecord *run)
{
  g_autoptr (FlComparison) comparison = fl_comparison_new (run);
  g_auto (GStrv) first = NULL;

  for (guint r = 0; r < comparison->rows->len; r++)
    {
      const FlRow *row = comparison->rows->pdata[r];
      const FlCellRecord *cell = row->cells->pdata[0];
      g_auto (GStrv) lines = g_strsplit (cell->config, "\n", -1);
      const char *group = "";

      printf ("\nsettings of %s%s\n", *row->label != '\0' ? row->label : "every cell",
              r > 0 ? ", where they differ" : "");
      for (size_t l = 0; lines[l] != NULL; l++)
        {
          if (*lines[l] == '[' && r > 0)
            group = lines[l];
          else if (*lines[l] != '\0' && !has_line (first, lines[l]))
            {
              if (*group != '\0')
                printf ("  %s\n", group);
              group = "";
              printf ("%s%s\n", *lines[l] == '[' ? "  " : "    ", lines[l]);
            }
        }
      if (first == NULL)
        first = g_steal_pointer (&lines);
    }
}

static void
print_notes (const FlRunRecord *run)
{
  gboolean any = FALSE;

  for (guint i = 0; i < run->cells->len; i++)
    {
      const FlCellRecord *cell = run->cells->pdata[i];
      g_autofree char *label = cli_cell_label (cell->arm, cell->sweep, cell->repeat);

      if (cell->outcome == NULL || cell->outcome->notes->len == 0)
        continue;
      printf ("%s  %s:", any ? "" : "\nnotes\n", label);
      any = TRUE;
      for (guint n = 0; n < cell->outcome->notes->len; n++)
        {
          const FlSetting *note = cell->outcome->notes->pdata[n];

          printf ("%s %s = %s", n > 0 ? ";" : "", note->key, note->value);
        }
      printf ("\n");
    }
}

static int
show (FlStore *store, const Options *options)
{
  GError *error = NULL;
  g_autoptr (FlRunRecord) run = fl_store_run (store, options->number, FALSE, &error);

  if (run == NULL)
    return cli_fail (error);
  cli_show_run (run, stdout);
  print_origin (run);
  print_settings (run);
  print_notes (run);
  return CLI_DONE;
}

/* ---- export ------------------------------------------------------------ */

/* A cell's place in the run, from 0, and the artefact's name. */
static gboolean
write_artefact (const Options *options, guint cell, const FlArtefact *artefact, GError **error)
{
  g_autofree char *name = g_strdup_printf ("cell-%u-%s.csv", cell, artefact->name);
  g_autofree char *path = NULL;

  g_strdelimit (name, "/", '_');
  path = g_build_filename (options->artefacts, name, NULL);
  if (!g_file_set_contents (path, artefact->text, -1, error))
    return FALSE;
  printf ("%s\n", path);
  return TRUE;
}

static int
export_artefacts (const FlRunRecord *run, const Options *options)
{
  GError *error = NULL;
  size_t n = 0;

  if (g_mkdir_with_parents (options->artefacts, 0777) != 0)
    {
      fl_fail (&error, FL_ERROR_SYSTEM, "--artefacts %s: cannot be made", options->artefacts);
      return cli_fail (error);
    }
  for (guint i = 0; i < run->cells->len; i++)
    {
      const FlCellRecord *cell = run->cells->pdata[i];

      for (guint a = 0; cell->outcome != NULL && a < cell->outcome->artefacts->len; a++, n++)
        if (!write_artefact (options, i, cell->outcome->artefacts->pdata[a], &error))
          return cli_fail (error);
    }
  if (n > 0)
    return CLI_DONE;
  fl_fail (&error, FL_ERROR_CONFIG, "run %" G_GINT64_FORMAT ": no mitigator added ratings",
           run->number);
  return cli_fail (error);
}

static int
export (FlStore *store, const Options *options)
{
  GError *error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (FlRunRecord) run = fl_store_run (store, options->number,
                                            options->each || options->artefacts != NULL, &error);

  if (run == NULL)
    return cli_fail (error);
  if (options->artefacts != NULL)
    return export_artefacts (run, options);
  if (g_strcmp0 (options->format, "json") == 0)
    fl_report_json_lines (run, options->each, text);
  else
    fl_report_csv (run, options->each, text);
  gate_open_stdout (); /* for a program, which takes it as it is */
  fwrite (text->str, 1, text->len, stdout);
  return CLI_DONE;
}

/* ---- command line ------------------------------------------------------ */

static const struct
{
  const char *name;
  int (*run) (FlStore *store, const Options *options);
  gboolean takes_run;
} actions[] = { { "list", list, FALSE }, { "show", show, TRUE }, { "export", export, TRUE } };

static gboolean
parse_rest (int argc, char **argv, Options *options, size_t *action, GError **error)
{
  if (argc < 2)
    return fl_fail (error, FL_ERROR_CONFIG, "runs: expected list, show or export");
  for (*action = 0; *action < G_N_ELEMENTS (actions); (*action)++)
    if (strcmp (argv[1], actions[*action].name) == 0)
      break;
  if (*action == G_N_ELEMENTS (actions))
    return fl_fail (error, FL_ERROR_CONFIG, "runs %s: expected list, show or export", argv[1]);
  if (argc > (actions[*action].takes_run ? 3 : 2))
    return fl_fail (error, FL_ERROR_CONFIG, "runs %s: unexpected '%s'", argv[1], argv[argc - 1]);
  if (argc == 3 && (!fl_parse_int (fl_span (argv[2]), &options->number) || options->number < 1))
    return fl_fail (error, FL_ERROR_CONFIG, "runs %s %s: expected the number of a run, as `fairlead"
                    " runs list` shows it", argv[1], argv[2]);
  if (options->format != NULL && strcmp (options->format, "csv") != 0
      && strcmp (options->format, "json") != 0)
    return fl_fail (error, FL_ERROR_CONFIG, "--format %s: must be csv or json", options->format);
  return TRUE;
}

static int
act (int argc, char **argv, Options *options)
{
  g_autoptr (FlStore) store = NULL;
  GError *error = NULL;
  size_t action = 0;

  if (!parse_rest (argc, argv, options, &action, &error))
    return cli_fail (error);
  store = fl_store_open (options->store != NULL ? options->store : CLI_STORE, FALSE, &error);
  if (store == NULL)
    return cli_fail (error);
  return actions[action].run (store, options);
}

static int
runs (int argc, char **argv)
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "store", 0, 0, G_OPTION_ARG_FILENAME, &options.store,
      "Results store; default " CLI_STORE " in the current folder", "DB" },
    { "format", 0, 0, G_OPTION_ARG_STRING, &options.format,
      "export: csv (default), or json, one object a line", "csv|json" },
    { "each", 0, 0, G_OPTION_ARG_NONE, &options.each,
      "export: the values of each user, item or step instead", NULL },
    { "artefacts", 0, 0, G_OPTION_ARG_FILENAME, &options.artefacts,
      "export: instead, the ratings that mitigators added, a CSV file a cell", "FOLDER" },
    { 0 }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("list|show|export [RUN]");
  GError *error = NULL;
  int status;

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    status = act (argc, argv, &options);
  else
    status = cli_fail (error);
  g_free (options.store);
  g_free (options.format);
  g_free (options.artefacts);
  return status;
}

const CliCommand cli_runs = { .name = "runs", .summary = "list, show and export results",
                              .run = runs };
