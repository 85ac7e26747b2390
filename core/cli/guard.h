/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* guard.h: code of plugins in a process of its own. */
#ifndef FL_CLI_GUARD_H
#define FL_CLI_GUARD_H

#include "core/cli/cli.h"

/* Runs the command in a process of its own; its exit status, or that of an error that names
 * the plugin which crashed there, hung, or ended the process. */
int guard_command (const CliCommand *command, int argc, char **argv);

/* Does the work in a process of its own, without a word.  FALSE with FL_ERROR_PLUGIN when
 * it did not come to its end; how it ended otherwise does not matter: the caller does the
 * same again. */
gboolean guard_rehearse (int (*work) (gpointer data), gpointer data, GError **error);

/* Ends the process, with what was printed; code of plugins is not run any more. */
void guard_leave (int status) G_GNUC_NORETURN;

#endif
