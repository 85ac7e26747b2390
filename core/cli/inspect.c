/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect.c: `fairlead inspect`: what is installed, one plugin in full, and why
 * files were refused. */
#include "config.h"

#include "core/cli/inspect.h"

#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"

typedef struct
{
  gboolean json, man;
  char *prose;  /* file name */
  char **dirs;
} Options;

/* "did you mean objective/rmse?" when only the kind is missing. */
static gboolean
fail_kind (const FlRegistry *registry, const char *word, GError **error)
{
  const char *kinds[FL_N_KINDS + 1] = { NULL };
  g_autofree char *suggestion = NULL;

  for (unsigned i = 0; i < FL_N_KINDS; i++)
    kinds[i] = fl_kind_name ((FlKind) i);
  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (registry->entries, i))->plugin;

      if (strcmp (plugin->name, word) == 0)
        return fl_fail (error, FL_ERROR_CONFIG, "no kind '%s'; did you mean '%s/%s'?", word,
                        fl_kind_name (plugin->kind), word);
    }
  suggestion = fl_suggest (word, kinds);
  return fl_fail (error, FL_ERROR_CONFIG, "no kind '%s'; %s", word, suggestion);
}

/* The entries that `what` names: all, those of a kind, or one. */
static GPtrArray *
choose (const FlRegistry *registry, const char *what, gboolean *one, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  g_auto (GStrv) parts = g_strsplit (what != NULL ? what : "", "/", 2);
  FlKind kind = FL_KIND_SOURCE;

  *one = what != NULL && parts[1] != NULL;
  if (what != NULL && !fl_kind_parse (parts[0], &kind))
    {
      fail_kind (registry, parts[0], error);
      return NULL;
    }
  if (*one)
    {
      const FlEntry *entry = fl_registry_find (registry, kind, parts[1], error);

      if (entry == NULL)
        return NULL;
      g_ptr_array_add (chosen, (gpointer) entry);
      return g_steal_pointer (&chosen);
    }
  for (guint i = 0; i < registry->entries->len; i++)
    {
      FlEntry *entry = g_ptr_array_index (registry->entries, i);

      if (what == NULL || entry->plugin.kind == kind)
        g_ptr_array_add (chosen, entry);
    }
  return g_steal_pointer (&chosen);
}

static gboolean
print_man (const FlEntry *entry, const char *prose_file, GError **error)
{
  g_autofree char *prose = NULL, *page = NULL;

  if (prose_file != NULL && !g_file_get_contents (prose_file, &prose, NULL, error))
    return FALSE;
  page = inspect_man (entry, prose);
  fputs (page, stdout);
  return TRUE;
}

static gboolean
inspect (const Options *options, const char *what, GError **error)
{
  g_autoptr (FlRegistry) registry
      = fl_registry_new ((const char *const *) options->dirs, error);
  g_autoptr (GPtrArray) chosen = NULL;
  gboolean one = FALSE;

  if (registry != NULL)
    chosen = choose (registry, what, &one, error);
  if (chosen == NULL)
    return FALSE;
  if (options->man && !one)
    return fl_fail (error, FL_ERROR_CONFIG, "--man needs KIND/NAME");
  if (options->man)
    return print_man (chosen->pdata[0], options->prose, error);
  if (options->json)
    {
      g_autofree char *json = inspect_json (chosen, registry);

      puts (json);
    }
  else if (one)
    inspect_print_entry (chosen->pdata[0]);
  else
    inspect_print_list (chosen, registry);
  return TRUE;
}

static int
run_inspect (int argc, char **argv)
{
  Options options = { .json = FALSE };
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print everything declared as JSON", NULL },
    { "man", 0, 0, G_OPTION_ARG_NONE, &options.man, "Print the manual page of KIND/NAME", NULL },
    { "prose", 0, 0, G_OPTION_ARG_FILENAME, &options.prose,
      "With --man: Markdown to put behind the declarations", "FILE" },
    { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.dirs,
      "Search this folder first; may be repeated", "DIR" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[KIND[/NAME]]");
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  g_option_context_set_summary (context, cli_inspect.summary);
  g_option_context_set_description (
      context, "KIND is source, model, objective or mitigator.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    {
      if (argc > 2)
        fl_fail (&error, FL_ERROR_CONFIG, "inspect: one KIND[/NAME] at a time, found '%s' too",
                 argv[2]);
      else
        done = inspect (&options, argc == 2 ? argv[1] : NULL, &error);
    }
  g_strfreev (options.dirs);
  g_free (options.prose);
  return done ? CLI_DONE : cli_fail (g_steal_pointer (&error));
}

const CliCommand cli_inspect = {
  "inspect",
  "List the plugins that are installed, or show one in full",
  run_inspect,
  TRUE,
};
