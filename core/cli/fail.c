/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fail.c: how subcommands end. */
#include <fairlead/base.h>

#include "core/cli/cli.h"

#include <errno.h>
#include <stdio.h>

int
cli_fail (GError *error)
{
  gboolean machine = g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM);

  fprintf (stderr, "fairlead: %s\n", error->message);
  g_error_free (error);
  return machine ? CLI_NO_ROOM : CLI_WRONG;
}

/* A result that went nowhere is a failure.  Who reads a pipe may stop early. */
int
cli_close (int status)
{
  gboolean lost = ferror (stdout) != 0;

  if (fflush (stdout) != 0)
    {
      if (errno == EPIPE)
        return status;
      lost = TRUE;
    }
  if (!lost)
    return status;
  fprintf (stderr, "fairlead: standard output could not be written\n");
  return status != CLI_DONE ? status : CLI_NO_ROOM;
}
