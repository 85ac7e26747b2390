/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reading-room.h: from text to what a source has told of its data.
 *
 * Includes rows and nothing else of the host.  Sources call what <fairlead/data.h>
 * declares: fl_builder_*, fl_table_*.
 */
#ifndef FL_READING_ROOM_H
#define FL_READING_ROOM_H

#include "core/data/rows/rows-room.h"

/* What becomes of lines that cannot be read, and of pairs that come twice. */
enum { FL_BAD_LINES_STOP, FL_BAD_LINES_SKIP };
enum { FL_DUPLICATES_ERROR, FL_DUPLICATES_FIRST, FL_DUPLICATES_LAST, FL_DUPLICATES_MEAN };

typedef struct
{
  int bad_lines;     /* FL_BAD_LINES_STOP, ...                                 */
  int duplicates;    /* FL_DUPLICATES_ERROR, ...                               */
  size_t block_size; /* bytes of a file read at once, for tests; 0: the usual  */
} FlIngest;

/* ---- what was told ------------------------------------------------------- */

typedef struct
{
  uint32_t entity, value;
} FlRawPair;

typedef struct
{
  char *name;
  FlNames values;
  GArray *pairs;      /* FlRawPair, in the order they came */
  GHashTable *labels; /* of codes, or NULL                 */
} FlRawAttribute;

/* Users, items and values by the number in which they first came. */
typedef struct
{
  FlNames names[2];         /* by FlSide                                          */
  GPtrArray *attributes[2]; /* FlRawAttribute                                     */
  GPtrArray *runs;          /* FlEntries in the order they came; row, col are the
                               numbers of user and item                           */
  size_t n;                 /* ratings in all                                     */
  gboolean has_parts;
  gboolean has_scale;
  double min, max;          /* the scale                                          */
  GPtrArray *notes;         /* texts                                              */
} FlRawData;

/* ---- builders ------------------------------------------------------------ */

/* ingest NULL: the first mistake is an error. */
FlBuilder *fl_builder_new (const FlIngest *ingest);
void fl_builder_free (FlBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlBuilder, fl_builder_free)
const FlIngest *fl_builder_ingest (const FlBuilder *builder);
/* Ratings of this pair will be looked for; the texts that say where they are. */
const GPtrArray *fl_builder_seek (FlBuilder *builder, const char *user, const char *item);
/* What was told, the builder's; the caller may take from it and change it when nothing
 * more will be told.  NULL with the first mistake of a call that returns nothing. */
FlRawData *fl_builder_raw (FlBuilder *builder, GError **error);

FL_BEGIN_DECLS
/* Seconds since 1970, or a date and time of day, in FL_TIME_SECOND to a second. */
gboolean fl_parse_time (FlSpan text, int64_t *time);
FL_END_DECLS

/* fl_builder_rating, with the time in FL_TIME_SECOND to a second, or FL_NO_TIME. */
gboolean fl_builder_moment (FlBuilder *builder, FlSpan user, FlSpan item, double rating,
                            int64_t time, GError **error);

#endif
