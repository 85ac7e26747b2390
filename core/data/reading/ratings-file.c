/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ratings-file.c: a file whose lines are one rating each, on all cores.
 *
 * Threads take turns at reading a block of whole lines and parse their blocks
 * side by side, each with name tables of its own.  How the file is cut into
 * blocks does not depend on the threads, and blocks are put together in their
 * order: so neither does the result.
 */
#include "core/data/reading/reading-parts.h"

#include <math.h>
#include <string.h>

/* What one thread works with. */
typedef struct
{
  FlCutter cutter;
  FlNames names[2]; /* by FlSide                     */
  uint32_t *number[2]; /* of its names in the builder */
  FlTextBlock block;
} Parser;

/* What came of one block. */
typedef struct
{
  Parser *parser;
  size_t n_before;     /* lines taken off its front: the header */
  size_t n_lines;
  FlEntries *entries;
  size_t capacity;
  FlBadLines bad;
  GArray *places;      /* size_t: lines with the pair wanted */
  size_t line;         /* of the mistake; 0: not in a line   */
  GError *mistake;
} Piece;

typedef struct
{
  FlBuilder *builder;
  FlLines lines;
  FlTableFormat format;
  FlRatingColumns columns;
  gboolean header;   /* is still to come                     */
  gboolean stop;     /* a mistake was met                    */
  GPtrArray *pieces; /* Piece, in the order of the file      */
  size_t n_parsers;
  Parser *parsers;
} Reading;

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  if (piece->entries != NULL)
    fl_entries_clear (piece->entries);
  g_free (piece->entries);
  fl_bad_lines_clear (&piece->bad);
  g_array_unref (piece->places);
  g_clear_error (&piece->mistake);
  g_free (piece);
}

/* ---- one rating ---------------------------------------------------------- */

/* The numbers of the row in the parser's cutter, checked. */
static gboolean
parse_row (const Reading *reading, const Parser *parser, double *rating, int64_t *time,
           GError **error)
{
  const FlRatingColumns *columns = &reading->columns;
  const FlSpan *field = parser->cutter.field;

  *rating = 1;
  *time = FL_NO_TIME;
  if (columns->rating > 0 && !fl_parse_double (field[columns->rating - 1], rating))
    return fl_fail (error, FL_ERROR_DATA, "the rating (field %zu) must be a number",
                    columns->rating);
  if (columns->time > 0 && !fl_parse_time (field[columns->time - 1], time))
    return fl_fail (error, FL_ERROR_DATA, "the time (field %zu) must be a number of seconds since "
                    "1970, or a date such as 2018-01-02 or 2018-01-02 10:20:30",
                    columns->time);
  return fl_builder_check_rating (reading->builder, *rating, error)
         && fl_builder_check_id (FL_SIDE_USER, field[columns->user - 1], error)
         && fl_builder_check_id (FL_SIDE_ITEM, field[columns->item - 1], error);
}

static gboolean
append (Piece *piece, uint32_t user, uint32_t item, double rating, int64_t time, GError **error)
{
  FlEntries *entries = piece->entries;
  size_t k = entries->n;

  if (user == G_MAXUINT32 || item == G_MAXUINT32
      || (entries->f64 == NULL && (double) (float) rating != rating
          && !fl_entries_widen (entries, piece->capacity, error)))
    return FALSE;
  entries->row[k] = user;
  entries->col[k] = item;
  if (entries->f64 != NULL)
    entries->f64[k] = rating;
  else
    entries->f32[k] = (float) rating;
  if (entries->time != NULL)
    entries->time[k] = time;
  entries->n++;
  return TRUE;
}

static gboolean
read_line (const Reading *reading, Piece *piece, FlSpan line, GError **error)
{
  Parser *parser = piece->parser;
  const FlRatingColumns *columns = &reading->columns;
  FlSpan user, item;
  double rating;
  int64_t time;

  if (!fl_cut_line (&parser->cutter, line, FALSE, error))
    return FALSE;
  if (parser->cutter.n_fields == 0)
    return TRUE;
  if (!parse_row (reading, parser, &rating, &time, error))
    return FALSE;
  user = parser->cutter.field[columns->user - 1];
  item = parser->cutter.field[columns->item - 1];
  if (fl_builder_wants (reading->builder, user, item))
    g_array_append_val (piece->places, piece->n_lines);
  return append (piece, fl_names_add (&parser->names[FL_SIDE_USER], user, error),
                 fl_names_add (&parser->names[FL_SIDE_ITEM], item, error), rating, time, error);
}

/* ---- blocks -------------------------------------------------------------- */

static size_t
count_lines (FlSpan text)
{
  size_t n = 1;

  for (size_t i = 0; i < text.length; i++)
    n += text.text[i] == '\n';
  return n;
}

static gboolean
piece_alloc (Piece *piece, gboolean times, GError **error)
{
  FlEntries *entries = piece->entries = g_new0 (FlEntries, 1);
  size_t n = piece->capacity = count_lines (piece->parser->block.text);

  return fl_alloc_unset (&entries->row, n, sizeof (uint32_t), error)
         && fl_alloc_unset (&entries->col, n, sizeof (uint32_t), error)
         && fl_alloc_unset (&entries->f32, n, sizeof (float), error)
         && (!times || fl_alloc_unset (&entries->time, n, sizeof (int64_t), error));
}

/* FALSE: reading ends here. */
static gboolean
keep_mistake (const Reading *reading, Piece *piece, FlSpan line, GError *mistake)
{
  gboolean bad_line = g_error_matches (mistake, FL_ERROR, FL_ERROR_DATA);

  if (bad_line)
    fl_mistake_show (mistake, line);
  /* The lines behind an open quote belong to its field: they are no ratings. */
  if (bad_line && reading->builder->ingest.bad_lines == FL_BAD_LINES_SKIP
      && !piece->parser->cutter.open)
    {
      fl_bad_lines_add (&piece->bad, piece->n_lines, mistake);
      return TRUE;
    }
  piece->mistake = mistake;
  piece->line = piece->n_lines;
  return FALSE;
}

static void
parse_piece (const Reading *reading, Piece *piece)
{
  FlSpan text = piece->parser->block.text;
  const char *end = text.text + text.length;

  piece->n_lines = piece->n_before;
  if (!piece_alloc (piece, reading->columns.time > 0, &piece->mistake))
    return;
  for (const char *p = text.text, *stop; p < end; p = stop + 1)
    {
      GError *mistake = NULL;
      FlSpan line;

      stop = memchr (p, '\n', (size_t) (end - p));
      if (stop == NULL)
        stop = end;
      piece->n_lines++;
      line = (FlSpan) { p, (size_t) (stop - p) };
      if (!read_line (reading, piece, line, &mistake)
          && !keep_mistake (reading, piece, line, mistake))
        return;
    }
}

/* Takes lines off the front of the block up to the first that is not blank. */
static void
read_header (Reading *reading, Piece *piece)
{
  FlSpan *text = &piece->parser->block.text;
  FlCutter *cutter = &piece->parser->cutter;

  while (reading->header && text->length > 0 && piece->mistake == NULL)
    {
      const char *stop = memchr (text->text, '\n', text->length);
      FlSpan line = { text->text, stop != NULL ? (size_t) (stop - text->text) : text->length };
      size_t used = line.length + (stop != NULL);

      piece->n_before++;
      if (!fl_cut_line (cutter, line, TRUE, &piece->mistake))
        {
          fl_mistake_show (piece->mistake, line);
          piece->line = piece->n_before;
        }
      reading->header = cutter->n_fields == 0;
      *text = (FlSpan) { text->text + used, text->length - used };
    }
}

/* The next block of the file, for one thread at a time; NULL: there is none. */
static Piece *
next_piece (Reading *reading, Parser *parser)
{
  Piece *piece;

  if (reading->stop || reading->lines.end)
    return NULL;
  piece = g_new0 (Piece, 1);
  piece->parser = parser;
  piece->places = g_array_new (FALSE, FALSE, sizeof (size_t));
  g_ptr_array_add (reading->pieces, piece);
  if (fl_lines_read (&reading->lines, &parser->block, &piece->mistake))
    read_header (reading, piece);
  reading->stop = piece->mistake != NULL;
  return piece;
}

static void
parse_blocks (Reading *reading, Parser *parser)
{
  for (Piece *piece;;)
    {
#pragma omp critical (fl_ratings_file)
      piece = next_piece (reading, parser);
      if (piece == NULL)
        return;
      if (piece->mistake == NULL)
        parse_piece (reading, piece);
      if (piece->mistake != NULL)
        {
#pragma omp critical (fl_ratings_file)
          reading->stop = TRUE;
        }
    }
}

/* ---- all blocks ---------------------------------------------------------- */

/* The first mistake of the file, if there is one: all before it was parsed. */
static gboolean
check_pieces (const Reading *reading, GError **error)
{
  size_t line = 0;

  for (guint p = 0; p < reading->pieces->len; p++)
    {
      Piece *piece = reading->pieces->pdata[p];

      if (piece->mistake != NULL && piece->line > 0)
        g_prefix_error (&piece->mistake, "%s:%zu: ", reading->lines.path, line + piece->line);
      if (piece->mistake != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&piece->mistake));
          return FALSE;
        }
      line += piece->n_lines;
    }
  return TRUE;
}

/* Gives the names of all parsers to the builder. */
static gboolean
merge_names (Reading *reading, GError **error)
{
  for (size_t p = 0; p < reading->n_parsers; p++)
    for (int side = 0; side < 2; side++)
      {
        Parser *parser = &reading->parsers[p];
        const FlNames *names = &parser->names[side];
        uint32_t *number = parser->number[side] = fl_alloc (names->n, sizeof *number, error);

        if (number == NULL)
          return FALSE;
        for (uint32_t i = 0; i < names->n; i++)
          {
            number[i] = fl_names_add (&reading->builder->raw.names[side],
                                      fl_span (fl_names_text (names, i)), error);
            if (number[i] == G_MAXUINT32)
              return FALSE;
          }
      }
  return TRUE;
}

static void
renumber (const Reading *reading)
{
#pragma omp parallel for schedule(dynamic)
  for (guint p = 0; p < reading->pieces->len; p++)
    {
      const Piece *piece = reading->pieces->pdata[p];
      FlEntries *entries = piece->entries;

      for (size_t k = 0; k < entries->n; k++)
        {
          entries->row[k] = piece->parser->number[FL_SIDE_USER][entries->row[k]];
          entries->col[k] = piece->parser->number[FL_SIDE_ITEM][entries->col[k]];
        }
    }
}

/* Hands the ratings to the builder, and what is to be told of the lines. */
static gboolean
hand_over (Reading *reading, GError **error)
{
  FlBuilder *builder = reading->builder;
  FlBadLines bad = { .n = 0 };
  size_t line = 0, n_before = builder->raw.n;
  gboolean done = TRUE;

  for (guint p = 0; done && p < reading->pieces->len; p++)
    {
      Piece *piece = reading->pieces->pdata[p];

      for (guint k = 0; k < piece->places->len; k++)
        g_ptr_array_add (builder->places,
                         g_strdup_printf ("%s:%zu", reading->lines.path,
                                          line + g_array_index (piece->places, size_t, k)));
      fl_bad_lines_join (&bad, &piece->bad, line);
      line += piece->n_lines;
      done = fl_builder_take (builder, g_steal_pointer (&piece->entries), error);
    }
  done = done && fl_bad_lines_end (&bad, builder, reading->lines.path, builder->raw.n > n_before,
                                   error);
  if (done && builder->raw.n == n_before)
    done = fl_fail (error, FL_ERROR_DATA, "%s: the file is empty%s", reading->lines.path,
                    reading->format.header && !reading->header ? " behind its header" : "");
  fl_bad_lines_clear (&bad);
  return done;
}

static gboolean
read_ratings (Reading *reading, GError **error)
{
#pragma omp parallel for schedule(static, 1)
  for (size_t p = 0; p < reading->n_parsers; p++)
    parse_blocks (reading, &reading->parsers[p]);
  if (!check_pieces (reading, error) || !merge_names (reading, error))
    return FALSE;
  renumber (reading);
  return hand_over (reading, error);
}

/* The form of the file, as far as this host knows it. */
static gboolean
copy_form (Reading *reading, const FlTableFormat *format, const FlRatingColumns *given,
           GError **error)
{
  FlRatingColumns *columns = &reading->columns;

  if (given->size == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "hands over a FlRatingColumns without its size: use "
                    "FL_RATING_COLUMNS");
  FL_COPY (columns, given);
  if (columns->user == 0 || columns->item == 0)
    return fl_fail (error, FL_ERROR_CONFIG, "a file of ratings needs columns of user and item");
  if (!fl_table_format_copy (&reading->format, format, error))
    return FALSE;
  reading->format.fields_min = MAX (reading->format.fields_min,
                                    MAX (MAX (columns->user, columns->item),
                                         MAX (columns->rating, columns->time)));
  reading->header = reading->format.header;
  return TRUE;
}

static void
reading_init (Reading *reading, FlBuilder *builder)
{
  reading->builder = builder;
  reading->pieces = g_ptr_array_new_with_free_func (piece_free);
  reading->n_parsers = fl_threads ();
  reading->parsers = g_new0 (Parser, reading->n_parsers);
  for (size_t p = 0; p < reading->n_parsers; p++)
    {
      fl_cutter_init (&reading->parsers[p].cutter, &reading->format);
      fl_names_init (&reading->parsers[p].names[FL_SIDE_USER]);
      fl_names_init (&reading->parsers[p].names[FL_SIDE_ITEM]);
    }
}

static void
reading_clear (Reading *reading)
{
  for (size_t p = 0; p < reading->n_parsers; p++)
    {
      Parser *parser = &reading->parsers[p];

      fl_cutter_clear (&parser->cutter);
      g_free (parser->block.memory);
      for (int side = 0; side < 2; side++)
        {
          fl_names_clear (&parser->names[side]);
          g_free (parser->number[side]);
        }
    }
  g_free (reading->parsers);
  g_ptr_array_unref (reading->pieces);
  fl_lines_close (&reading->lines);
}

gboolean
fl_builder_ratings (FlBuilder *builder, const char *path, const FlTableFormat *format,
                    const FlRatingColumns *columns, GError **error)
{
  Reading reading = { .stop = FALSE };
  gboolean done;

  if (!copy_form (&reading, format, columns, error)
      || !fl_lines_open (&reading.lines, path, builder->ingest.block_size, error))
    return FALSE;
  reading_init (&reading, builder);
  done = read_ratings (&reading, error);
  reading_clear (&reading);
  return done;
}
