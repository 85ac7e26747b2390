/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cells.h: what `check` and `run` share: which pipeline, and its cells in print. */
#ifndef FL_CELLS_H
#define FL_CELLS_H

#include <stdio.h>

#include "core/run/run-room.h"

typedef struct
{
  char **sets, **arms, **plugin_dirs;
  gboolean show_config;
} CliPipeline;

void cli_pipeline_options (CliPipeline *options, GOptionContext *context);
void cli_pipeline_clear (CliPipeline *options);

/* Reads the file that the options qualify; `registry` is the caller's to free,
 * also after a failure. */
FlPipeline *cli_pipeline_load (const CliPipeline *options, const char *file,
                               FlRegistry **registry, GError **error);

/* A line for each cell (arm, sweep point, repeat, seed), then their number. */
void cli_print_cells (const FlPipeline *pipeline, FILE *out);
/* Every setting and where it comes from, for each arm and sweep point. */
void cli_print_config (const FlPipeline *pipeline, FILE *out);

#endif
