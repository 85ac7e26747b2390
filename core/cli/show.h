/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* show.h: a run as people see it, for `run` and `runs`. */
#ifndef FL_CLI_SHOW_H
#define FL_CLI_SHOW_H

#include <stdio.h>

#include "core/report/report-room.h"

/* The store when --store names none: one a project folder. */
#define CLI_STORE "fairlead.db"

/* What `out` can show: UTF-8 or not, the terminal's width or 100 columns. */
FlPage cli_page (FILE *out);
/* Table and plot. */
void cli_show_run (const FlRunRecord *run, FILE *out);
/* "antidote, budget = 0.01, repeat 2" */
char *cli_cell_label (const char *arm, const GPtrArray *sweep, uint32_t repeat);

#endif
