/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Ends the process that opens it, after a word to standard output. */
#include "specimen.h"

#include <unistd.h>

static void __attribute__ ((constructor))
quit_at_once (void)
{
  if (write (STDOUT_FILENO, "quit!\n", 6) >= 0)
    _exit (3);
  _exit (4);
}

FL_PLUGIN (
  .name = "quit",
  .summary = "ends the process",
  SPECIMEN_OBJECTIVE
);
