/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Dies when opened. */
#include "specimen.h"

#include <signal.h>

static void __attribute__ ((constructor))
crash_at_once (void)
{
  raise (SIGSEGV);
}

FL_PLUGIN (
  .name = "crash",
  .summary = "dies when opened",
  SPECIMEN_OBJECTIVE
);
