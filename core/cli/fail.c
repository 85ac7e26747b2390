/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fail.c: how subcommands end that failed. */
#include "core/cli/cli.h"

#include <stdio.h>

int
cli_fail (GError *error)
{
  fprintf (stderr, "fairlead: %s\n", error->message);
  g_error_free (error);
  return CLI_WRONG;
}
