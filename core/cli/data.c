/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data.c: `fairlead data ACTION WHAT`: datasets by themselves. */
#include "core/cli/data.h"

#include <string.h>

#include "core/cli/cli.h"
#include "core/cli/inspect.h"

static const struct
{
  const char *name, *summary;
  int (*run) (int argc, char **argv);
} actions[] = {
  { "info", "tell what is in it: counts, groups, what filter and split make of it", cli_data_info },
  { "import", "read it into the cache, where runs find it", cli_data_import },
  { "export", "write it as files, filtered and split", cli_data_export },
  { "synth", "write what a synthetic source draws", cli_data_synth },
};

static void
print_help (void)
{
  printf ("Usage:\n  fairlead data ACTION " CLI_DATA_WHAT " [OPTION...]\n\n%s\n\nActions:\n",
          cli_data.summary);
  for (size_t i = 0; i < G_N_ELEMENTS (actions); i++)
    printf ("  %-8s  %s\n", actions[i].name, actions[i].summary);
  printf ("\n%s\n", cli_data_description);
  printf ("\nKeys of [data] for any source, with their defaults:\n");
  inspect_print_keys (fl_data_params);
  printf ("\nKeys of [split]:\n");
  inspect_print_keys (fl_split_params);
  printf ("\n`fairlead data ACTION --help` explains one.\n");
}

static int
run_data (int argc, char **argv)
{
  if (argc > 1 && (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0))
    {
      print_help ();
      return CLI_DONE;
    }
  for (size_t i = 0; argc > 1 && i < G_N_ELEMENTS (actions); i++)
    if (strcmp (argv[1], actions[i].name) == 0)
      {
        g_autofree char *name = g_strconcat ("fairlead data ", argv[1], NULL);

        g_set_prgname (name);
        return actions[i].run (argc - 1, argv + 1);
      }
  fprintf (stderr, "fairlead: data%s%s: expected info, import, export or synth; `fairlead data "
           "--help` explains them\n", argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
  return CLI_WRONG;
}

const CliCommand cli_data = {
  "data",
  "look at, convert and cache datasets",
  run_data,
  TRUE,
};
