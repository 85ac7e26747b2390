/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Never finishes opening. */
#include "specimen.h"

#include <unistd.h>

static void __attribute__ ((constructor))
hang_for_ever (void)
{
  for (;;)
    pause ();
}

FL_PLUGIN (
  .name = "hang",
  .summary = "never opens",
  SPECIMEN_OBJECTIVE
);
