/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worker.c: `fairlead worker`, which `fairlead run` starts for each cell. */
#include "core/cli/cli.h"
#include "core/run/run-room.h"

static int
worker (int argc, char **argv)
{
  (void) argc;
  (void) argv;
  return fl_worker_main ();
}

/* Without a summary: not for people. */
const CliCommand cli_worker = { .name = "worker", .run = worker };
