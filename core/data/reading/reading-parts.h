/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reading-parts.h: what the files of this room share: lines, their fields, the inside of
 * a builder. */
#ifndef FL_READING_PARTS_H
#define FL_READING_PARTS_H

#include "core/data/reading/reading-room.h"

#include <string.h>

static inline gboolean
fl_span_equals (FlSpan span, const char *text)
{
  return strlen (text) == span.length && memcmp (span.text, text, span.length) == 0;
}

/* ---- text ---------------------------------------------------------------- */

/* *mine <- what a plugin gave. */
gboolean fl_table_format_copy (FlTableFormat *mine, const FlTableFormat *theirs, GError **error);

/* Cuts lines into fields. */
typedef struct
{
  FlTableFormat format;
  size_t separator_length;
  gboolean blanks;     /* any run of them separates              */
  uint8_t kind[256];
  FlSpan *field;       /* of the line cut last; 0: it is blank   */
  size_t n_fields, n_allocated;
  GString *utf8;       /* the line, converted                    */
  GString *bare;       /* its fields that had quotes within them */
  gboolean open;     /* the last line ended within quotes                     */
} FlCutter;

void fl_cutter_init (FlCutter *cutter, const FlTableFormat *format);
void fl_cutter_clear (FlCutter *cutter);
/* The fields of a line that comes without its LF; they last until the next.  The
 * number of fields of a header is not checked. */
gboolean fl_cut_line (FlCutter *cutter, FlSpan line, gboolean header, GError **error);
/* Puts the text of the line behind a mistake. */
void fl_mistake_show (GError *mistake, FlSpan line);

/* A piece of a file that begins and ends where lines do. */
typedef struct
{
  FlSpan text;
  char *memory;
  size_t size;
} FlTextBlock;

typedef struct FlUnpacker FlUnpacker;

/* A file read block by block; .gz and .zst are known by their first bytes. */
typedef struct
{
  const char *path;
  int file;
  FlUnpacker *unpacker; /* or NULL                               */
  size_t block_size;
  gboolean begin, end;  /* nothing read yet; all of it read      */
  char *rest;           /* begins the line that the next block has */
  size_t n_rest, rest_size;
} FlLines;

/* block_size 0: the usual.  It has no influence on what is read. */
gboolean fl_lines_open (FlLines *lines, const char *path, size_t block_size, GError **error);
/* To be called until lines->end. */
gboolean fl_lines_read (FlLines *lines, FlTextBlock *block, GError **error);
void fl_lines_close (FlLines *lines);
/* Drops a byte-order mark; other encodings than UTF-8 are refused. */
gboolean fl_text_begin (const char *name, FlSpan *text, GError **error);

/* The bad lines of a file that were skipped. */
#define FL_BAD_LINES_SHOWN 3

typedef struct
{
  size_t n;
  size_t line[FL_BAD_LINES_SHOWN]; /* the first of them */
  char *message[FL_BAD_LINES_SHOWN];
} FlBadLines;

/* Takes the mistake. */
void fl_bad_lines_add (FlBadLines *bad, size_t line, GError *mistake);
/* Takes those of the lines behind the first n_lines. */
void fl_bad_lines_join (FlBadLines *bad, FlBadLines *more, size_t n_lines);
void fl_bad_lines_clear (FlBadLines *bad);
/* Notes them; an error when no line was good. */
gboolean fl_bad_lines_end (FlBadLines *bad, FlBuilder *builder, const char *path,
                           gboolean any_good, GError **error);

/* ---- builders ------------------------------------------------------------ */

/* A pair of texts that the ratings are searched for. */
typedef struct
{
  const char *user, *item;
} FlWanted;

struct FlBuilder
{
  FlRawData raw;
  GHashTable *attribute[2]; /* by name                                            */
  FlEntries *open;          /* the run that takes single ratings, or NULL         */
  size_t capacity;          /* of that one                                        */
  struct
  {
    FlEntries *open;
    size_t capacity;
  } parked[3];              /* the same of the parts that are not being added to  */
  uint8_t part;
  FlIngest ingest;
  FlWanted wanted;          /* user NULL: none                                    */
  GPtrArray *places;        /* texts: where it is                                 */
  const char *file;         /* being read row by row, or NULL                     */
  size_t line;
  GError *error;            /* first mistake of a call that returns nothing       */
};

/* What every rating must fulfil. */
gboolean fl_builder_check_id (FlSide side, FlSpan id, GError **error);
gboolean fl_builder_check_rating (const FlBuilder *builder, double rating, GError **error);
/* The line whose row the source is about to be given. */
void fl_builder_at (FlBuilder *builder, const char *file, size_t line);
/* Takes entries whose numbers are the builder's. */
gboolean fl_builder_take (FlBuilder *builder, FlEntries *entries, GError **error);

static inline gboolean
fl_builder_wants (const FlBuilder *builder, FlSpan user, FlSpan item)
{
  const FlWanted *wanted = &builder->wanted;

  return wanted->user != NULL && fl_span_equals (user, wanted->user)
         && fl_span_equals (item, wanted->item);
}

#endif
