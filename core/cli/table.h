/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.h: columns of text. */
#ifndef FL_CLI_TABLE_H
#define FL_CLI_TABLE_H

#include <stdio.h>

#include <fairlead/base.h>

typedef struct
{
  const char *align; /* a letter for each column: l, r           */
  GPtrArray *rows;   /* char **, a text for each column          */
} CliTable;

void cli_table_init (CliTable *table, const char *align);
void cli_table_clear (CliTable *table);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliTable, cli_table_clear)

/* A row: as many texts as there are columns, which it takes over. */
void cli_table_add (CliTable *table, ...);
/* The same from an array, which it takes over with its texts. */
void cli_table_take (CliTable *table, char **row);
/* Places that a row takes. */
size_t cli_table_width (const CliTable *table);
/* What does not fit into `columns` places is cut off the last column. */
void cli_table_print (const CliTable *table, size_t columns, FILE *out);

/* "1,000,209" */
char *cli_count (size_t n);
/* "6.3 %"; "-" for NaN */
char *cli_percent (double share);

#endif
