/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data.h: what the actions of `fairlead data` share: which data are meant. */
#ifndef FL_CLI_DATA_H
#define FL_CLI_DATA_H

#include <stdio.h>

#include "core/run/run-room.h"

/* WHAT on the command line: a pipeline file, of which one cell counts, or a
 * source with its parameters. */
typedef struct
{
  char **sets, **arms, **plugin_dirs;
  char **settings;       /* KEY=VALUE behind a source                                */
  int repeat;
  int64_t seed;          /* of a source by itself                                    */
  FlRegistry *registry;
  FlPipeline *pipeline;  /* NULL: a source by itself                                 */
  FlCell *own;           /* the source's cell                                        */
  const FlCell *cell;
  char *temporary;       /* of fl_cache_open                                         */
  char *path;            /* cache file                                               */
  FlDataset *dataset;
  FlSplit *split;        /* NULL: of a source by itself nothing is asked but its data */
} CliData;

/* The names under which --help speaks of WHAT. */
#define CLI_DATA_WHAT "FILE|SOURCE [KEY=VALUE...]"

/* What --help says of it, and of exit statuses. */
extern const char cli_data_description[];

void cli_data_options (CliData *data, GOptionContext *context);
void cli_data_clear (CliData *data);
/* Finds the cell that argv[1] and the settings behind it mean. */
gboolean cli_data_open (CliData *data, int argc, char **argv, GError **error);
/* Loads its dataset. */
gboolean cli_data_load (CliData *data, GError **error);
/* Filters, splits and groups it, if the command line or the pipeline says how. */
gboolean cli_data_split (CliData *data, GError **error);
/* "polar.conf, arm plain, repeat 0, seed 1", or "movielens-100k" */
char *cli_data_label (const CliData *data);

/* Prints and frees the error.  2 when command line or pipeline must be edited, 1
 * when data, memory or disk are to blame. */
int cli_data_fail (GError *error);

/* The actions; argv[0] is the action's name. */
int cli_data_info (int argc, char **argv);
int cli_data_import (int argc, char **argv);
int cli_data_export (int argc, char **argv);
int cli_data_synth (int argc, char **argv);

/* A line for each FlAuditRow, with its level. */
char *cli_data_audit_text (const GPtrArray *rows);

/* Everything that `info` tells as one JSON object. */
gboolean cli_data_json (const CliData *data, FILE *out, GError **error);

#endif
