/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check.c: `fairlead check FILE`: is a pipeline right, what would it run, and does
 * its split leak? */
#include <string.h>

#include "core/cli/cells.h"
#include "core/cli/cli.h"
#include "core/cli/data.h"

/* ---- the audit ----------------------------------------------------------- */

/* What tells the data of one cell, and what is made of them, from another's. */
static char *
data_key (const FlCell *cell)
{
  const GPtrArray *const lists[]
      = { cell->data->settings, cell->data->host, cell->split->host };
  GString *key = g_string_new (cell->data->plugin);

  for (size_t l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++)
      {
        const FlSetting *setting = lists[l]->pdata[i];

        g_string_append_printf (key, "\n%s=%s", setting->key, setting->value);
      }
  return g_string_free (key, FALSE);
}

/* What tells one audit from another: the data, and who adds to them. */
static char *
audit_key (const FlCell *cell)
{
  g_autofree char *data = data_key (cell);
  GString *key = g_string_new (data);

  for (guint i = 0; i < cell->mitigators->len; i++)
    g_string_append_printf (key, "\n%s", ((FlSection *) cell->mitigators->pdata[i])->plugin);
  return g_string_free (key, FALSE);
}

typedef struct
{
  char *text;     /* its rows, or what is missing */
  GString *arms;  /* of which this was said       */
} Audit;

static void
audit_free (gpointer data)
{
  Audit *audit = data;

  g_free (audit->text);
  g_string_free (audit->arms, TRUE);
  g_free (audit);
}

/* The data of one cell, split: cells that differ in models and mitigators alone
 * share them. */
typedef struct
{
  char *key, *missing; /* missing: what is not here, and no data then */
  FlDataset *dataset;
  FlSplit *split;
  char *tested; /* fl_split_describe_part; NULL: nothing */
} Parts;

static void
parts_clear (Parts *parts)
{
  g_clear_pointer (&parts->key, g_free);
  g_clear_pointer (&parts->missing, g_free);
  g_clear_pointer (&parts->tested, g_free);
  g_clear_pointer (&parts->split, fl_split_free);
  g_clear_pointer (&parts->dataset, fl_dataset_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, parts_clear)

static gboolean
parts_of (Parts *parts, const FlCell *cell, const FlRegistry *registry, GError **error)
{
  g_autofree char *key = data_key (cell), *path = NULL;

  if (g_strcmp0 (parts->key, key) == 0)
    return TRUE;
  parts_clear (parts);
  if (fl_cell_has_data (cell, registry, &parts->missing)
      && ((parts->dataset = fl_cell_dataset (cell, registry, &path, error)) == NULL
          || (parts->split = fl_cell_split (cell, parts->dataset, error)) == NULL))
    return FALSE;
  if (parts->split != NULL)
    parts->tested = fl_split_describe_part (parts->split, parts->dataset, FL_PART_TEST);
  parts->key = g_steal_pointer (&key);
  return TRUE;
}

/* What is said of one cell; *worst is raised to its worst row. */
static char *
audit_text (const FlCell *cell, const FlRegistry *registry, const Parts *parts,
            FlAuditLevel *worst, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;

  if (parts->missing != NULL)
    return g_strdup_printf ("the data are not here, and only the pipeline was checked:\n%s\n",
                            parts->missing);
  rows = fl_cell_audit (cell, registry, parts->dataset, parts->split, error);
  if (rows == NULL)
    return NULL;
  for (guint i = 0; i < rows->len; i++)
    *worst = MAX (*worst, ((const FlAuditRow *) rows->pdata[i])->level);
  return cli_data_audit_text (rows);
}

/* Keeps the text under the cell's arm; what is said of several arms is said once. */
static void
keep (GPtrArray *audits, char *text, const FlCell *cell)
{
  Audit *audit = NULL;

  for (guint i = 0; i < audits->len && audit == NULL; i++)
    if (strcmp (((const Audit *) audits->pdata[i])->text, text) == 0)
      audit = audits->pdata[i];
  if (audit != NULL)
    g_free (text);
  else
    {
      audit = g_new0 (Audit, 1);
      audit->text = text;
      audit->arms = g_string_new (NULL);
      g_ptr_array_add (audits, audit);
    }
  if (audit->arms->len > 0)
    g_string_append (audit->arms, "; ");
  g_string_append (audit->arms, cell->arm);
}

/* Arms and sweep points by what they are tested on. */
typedef struct
{
  GHashTable *known;  /* arm and part            */
  GPtrArray *tested;  /* Audit: text is the part */
} Tests;

static void
keep_test (Tests *tests, const FlCell *cell, const Parts *parts)
{
  if (parts->tested != NULL
      && g_hash_table_add (tests->known, g_strconcat (cell->arm, "\n", parts->tested, NULL)))
    keep (tests->tested, g_strdup (parts->tested), cell);
}

/* Numbers over different ratings cannot be ranked. */
static void
print_tests (const Tests *tests)
{
  if (tests->tested->len < 2)
    return;
  printf ("\nwarning: not all is tested on the same ratings, and numbers cannot be ranked across "
          "them:\n");
  for (guint i = 0; i < tests->tested->len; i++)
    {
      const Audit *tested = tests->tested->pdata[i];

      printf ("  %s: %s\n", tested->arms->str, tested->text);
    }
}

/* Whether all that parameters are chosen among can work on the data. */
static gboolean
check_candidates (const FlCell *cell, const FlRegistry *registry, const FlSplit *split,
                  GError **error)
{
  for (guint i = 0; cell->candidates != NULL && i < cell->candidates->len; i++)
    {
      const FlCandidate *candidate = g_ptr_array_index (cell->candidates, i);

      if (!fl_cell_check_data (candidate->cell, registry, split, error)
          || !fl_cell_check_data (g_ptr_array_index (candidate->judges, 0), registry, split,
                                  error))
        return FALSE;
    }
  return TRUE;
}

/* The first repeat of each arm and sweep point. */
static gboolean
audit (const FlPipeline *pipeline, const FlRegistry *registry, FlAuditLevel *worst,
       GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) audits = g_ptr_array_new_with_free_func (audit_free);
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) tested = g_ptr_array_new_with_free_func (audit_free);
  Tests tests = { known, tested };
  g_auto (Parts) parts = { NULL };
  gboolean ok = TRUE;
  char *temporary;

  if (!fl_cache_open (&temporary, error))
    return FALSE;
  for (guint i = 0; i < pipeline->cells->len && ok; i++)
    {
      const FlCell *cell = pipeline->cells->pdata[i];
      char *text = NULL;

      if (cell->data == NULL || cell->repeat != 0)
        continue;
      ok = parts_of (&parts, cell, registry, error)
           && (parts.missing != NULL || (fl_cell_check_data (cell, registry, parts.split, error)
                                       && check_candidates (cell, registry, parts.split, error)));
      if (ok)
        keep_test (&tests, cell, &parts);
      if (!ok || !g_hash_table_add (seen, audit_key (cell)))
        continue;
      text = audit_text (cell, registry, &parts, worst, error);
      ok = text != NULL;
      if (ok)
        keep (audits, text, cell);
    }
  parts_clear (&parts);
  fl_cache_close (temporary);
  for (guint i = 0; i < audits->len; i++)
    {
      const Audit *said = audits->pdata[i];

      printf ("\naudit%s%s\n%s", audits->len > 1 ? ": " : "",
              audits->len > 1 ? said->arms->str : "", said->text);
    }
  print_tests (&tests);
  return ok;
}

/* ---- the command --------------------------------------------------------- */

static int
check_file (const CliPipeline *options, gboolean no_data, const char *file)
{
  GError *error = NULL;
  FlAuditLevel worst = FL_AUDIT_OK;
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (FlPipeline) pipeline = cli_pipeline_load (options, file, &registry, &error);

  if (pipeline == NULL)
    return cli_fail (error);
  if (options->show_config)
    cli_print_config (pipeline, stdout);
  cli_print_cells (pipeline, stdout);
  if (!no_data && !audit (pipeline, registry, &worst, &error))
    return cli_data_fail (error);
  return worst == FL_AUDIT_ERROR ? CLI_CELL_FAILED : CLI_DONE;
}

static const char description[] =
  "Where the data are there, they are read, and the split of each arm is searched\n"
  "for leaks.\n"
  "\n"
  "Exit status: 0 the pipeline is right; 1 the data cannot be read, or the split is\n"
  "none; 2 the command line or the pipeline is wrong.";

static int
run_check (int argc, char **argv)
{
  CliPipeline options = { NULL };
  gboolean no_data = FALSE;
  const GOptionEntry entries[] = {
    { "no-data", 0, 0, G_OPTION_ARG_NONE, &no_data, "Leave the data alone", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");
  g_autofree char *text = NULL;
  GError *error = NULL;
  int status = CLI_WRONG;

  g_option_context_set_summary (context, cli_check.summary);
  cli_pipeline_options (&options, context);
  g_option_context_add_main_entries (context, entries, NULL);
  text = g_strconcat (g_option_context_get_description (context), "\n\n", description, NULL);
  g_option_context_set_description (context, text);
  if (!g_option_context_parse (context, &argc, &argv, &error)
      || (argc != 2
          && !fl_fail (&error, FL_ERROR_CONFIG, "check: expected one pipeline file, found %d",
                       argc - 1)))
    status = cli_fail (error);
  else
    status = check_file (&options, no_data, argv[1]);
  cli_pipeline_clear (&options);
  return status;
}

const CliCommand cli_check = {
  "check",
  "look for mistakes in a pipeline and for leaks in its split; print its cells",
  run_check,
  TRUE,
};
