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

int
main (int argc, char **argv)
{
  setlocale (LC_CTYPE, "");
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
