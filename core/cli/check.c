/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check.c: `fairlead check FILE`: is a pipeline right, and what would it run? */
#include "core/cli/cells.h"
#include "core/cli/cli.h"

static int
check_file (const CliPipeline *options, const char *file)
{
  GError *error = NULL;
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (FlPipeline) pipeline = cli_pipeline_load (options, file, &registry, &error);

  if (pipeline == NULL)
    return cli_fail (error);
  if (options->show_config)
    cli_print_config (pipeline, stdout);
  cli_print_cells (pipeline, stdout);
  return CLI_DONE;
}

static int
run_check (int argc, char **argv)
{
  CliPipeline options = { NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");
  GError *error = NULL;
  int status = CLI_WRONG;

  g_option_context_set_summary (context, cli_check.summary);
  cli_pipeline_options (&options, context);
  if (!g_option_context_parse (context, &argc, &argv, &error)
      || (argc != 2
          && !fl_fail (&error, FL_ERROR_CONFIG, "check: expected one pipeline file, found %d",
                       argc - 1)))
    status = cli_fail (error);
  else
    status = check_file (&options, argv[1]);
  cli_pipeline_clear (&options);
  return status;
}

const CliCommand cli_check = {
  "check",
  "Look for mistakes in a pipeline and print its cells, running nothing",
  run_check,
};
