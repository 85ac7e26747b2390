/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cli.h: the subcommands of `fairlead`, one file each. */
#ifndef FL_CLI_H
#define FL_CLI_H

#include <glib.h>

/* Exit statuses. */
enum
{
  CLI_DONE = 0,
  CLI_CELL_FAILED = 1,
  CLI_WRONG = 2, /* the command line or the pipeline */
  CLI_NO_ROOM = 3, /* the machine: a full disk, no process, descriptor or memory left */
  CLI_INTERRUPTED = 130
};

typedef struct
{
  const char *name;
  const char *summary; /* for `fairlead --help` */
  /* argv[0] is the subcommand's name. */
  int (*run) (int argc, char **argv);
  gboolean guarded; /* runs code of plugins: in a process of its own */
} CliCommand;

/* Flushes standard output: `status`, or a failure when what was printed went nowhere. */
int cli_close (int status);

extern const CliCommand cli_run, cli_check, cli_runs, cli_inspect, cli_data, cli_worker;

/* Prints "fairlead: MESSAGE" and frees the error; CLI_WRONG or CLI_NO_ROOM. */
int cli_fail (GError *error);

#endif
