/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gate.h: what this program prints for people. */
#ifndef FL_CLI_GATE_H
#define FL_CLI_GATE_H

#include <glib.h>

/* From here on standard output and standard error pass no byte that commands a terminal:
 * control characters, those that change the direction of text, and bytes that are no UTF-8
 * are written out, as \x1b.  Names, labels and messages come from data and plugins. */
void gate_close (void);
/* Standard output passes everything again: data for a program. */
void gate_open_stdout (void);
/* Commands for the terminal, from this program itself, on standard error. */
void gate_command (const char *sequence);

#endif
