/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tables.h: what the sources for text files of one's own share. */
#ifndef TABLES_H
#define TABLES_H

#include <fairlead/plugin.h>

extern const FlPlugin tables_lists, tables_recbole, tables_tsv;

/* "a; b" as { "a", "b" }, blanks stripped; "" as none. */
char **tables_list (const char *text);

/* Whether that is a column's name rather than its number. */
gboolean tables_is_name (const char *column);
/* The number of a column, from 1; 0 on failure.  Names are looked for in
 * `header`. */
size_t tables_column (const char *path, char *const *header, const char *column, GError **error);

/* What people write for no value. */
#define TABLES_MISSING "? | NA | N/A | NULL | null | None | NaN | nan | \\N"

/* Files of users or of items: a row has an id and any number of attributes. */
typedef struct
{
  FlSide side;
  const char *paths;   /* ';' between them; "": none                           */
  const char *columns; /* names, likewise, "-": left out; "": as the first line */
  const char *id;      /* column                                               */
  const char *values;  /* between several values of an attribute               */
  const char *labels;  /* "0 = male; 1 = female", or "gender.0 = male"         */
  const char *missing; /* words for no value: "NA | NULL"                      */
} Entities;

/* Rules that need no file. */
gboolean tables_entities_check (const Entities *entities, GError **error);
gboolean tables_entities (const Entities *entities, const FlTableFormat *format,
                          FlBuilder *builder, GError **error);

/* Names of input files by their use, for FlSourceOps.inputs: the files in each
 * of the n lists, and an empty name at the end of each list. */
char **tables_inputs (size_t n, const char *const *paths);

#endif
