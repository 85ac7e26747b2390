/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* main.c: picks the subcommand. */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"

static const CliCommand *const commands[] = {
  &cli_run,
  &cli_check,
  &cli_runs,
  &cli_inspect,
  &cli_worker,
  NULL,
};

int
cli_fail (GError *error)
{
  fprintf (stderr, "fairlead: %s\n", error->message);
  g_error_free (error);
  return CLI_WRONG;
}

static void
print_help (FILE *out)
{
  fprintf (out, "Usage: fairlead COMMAND [OPTION...]\n\nCommands:\n");
  for (size_t i = 0; commands[i] != NULL; i++)
    if (commands[i]->summary != NULL)
      fprintf (out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
  fprintf (out, "\n`fairlead COMMAND --help` explains one.\n");
}

/* A program started where it was built (Libtool keeps it in .libs) finds the
 * plugins built with it; its installed copy never lies in such a folder. */
static void
find_build_tree (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : NULL;
  g_autofree char *plugins = NULL;

  if (folder == NULL || !g_str_has_suffix (folder, "/.libs"))
    return;
  folder[strlen (folder) - strlen ("/.libs")] = '\0';
  plugins = g_build_filename (folder, "plugins-built", NULL);
  if (g_file_test (plugins, G_FILE_TEST_IS_DIR))
    g_setenv ("FAIRLEAD_PLUGIN_DIR", plugins, FALSE);
}

int
main (int argc, char **argv)
{
  setlocale (LC_CTYPE, "");
  find_build_tree ();
  if (argc < 2)
    {
      print_help (stderr);
      return CLI_WRONG;
    }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0)
    {
      print_help (stdout);
      return CLI_DONE;
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      printf ("fairlead %s\n", PACKAGE_VERSION);
      return CLI_DONE;
    }
  for (size_t i = 0; commands[i] != NULL; i++)
    if (strcmp (argv[1], commands[i]->name) == 0)
      {
        g_autofree char *name = g_strconcat ("fairlead ", argv[1], NULL);

        g_set_prgname (name); /* for --help */
        return commands[i]->run (argc - 1, argv + 1);
      }
  fprintf (stderr, "fairlead: no command '%s'; `fairlead --help` lists them\n", argv[1]);
  return CLI_WRONG;
}
