/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-private.h: what the files of this room share. */
#ifndef FL_DATA_PRIVATE_H
#define FL_DATA_PRIVATE_H

#include "core/data/data-room.h"

#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

static inline gboolean
fl_span_equals (FlSpan span, const char *text)
{
  return strlen (text) == span.length && memcmp (span.text, text, span.length) == 0;
}

/* ---- rows: a sparse matrix that is being made --------------------------- */

/* An FlCsr with what may hang on each entry.  Of f32 and f64 one is set; time
 * and part may be NULL. */
typedef struct
{
  uint32_t n_rows, n_cols;
  size_t n;
  size_t *start;
  uint32_t *col;
  float *f32;
  double *f64;
  int64_t *time;
  uint8_t *part;
} FlRows;

/* Arrays for n entries of n_rows x n_cols, with the optional ones that `like`
 * has; start is zeroed. */
gboolean fl_rows_alloc (FlRows *rows, uint32_t n_rows, uint32_t n_cols, size_t n,
                        const FlRows *like, GError **error);
void fl_rows_clear (FlRows *rows);
/* Rows become columns; rows of `out` are ascending. */
gboolean fl_rows_transpose (FlRows *out, const FlRows *in, GError **error);
/* Finds a column that occurs twice in a row; the rows are ascending. */
gboolean fl_rows_twin (const FlRows *rows, uint32_t *row, uint32_t *col);
/* Takes the arrays of `rows` (ascending); adds the other orientation. */
FlRatings *fl_ratings_from_rows (FlRows *rows, double min, double max, GError **error);

/* Entries in any order, all of one part.  Of f32 and f64 one is set; time may be
 * NULL. */
typedef struct
{
  size_t n;
  uint32_t *row, *col;
  float *f32;
  double *f64;
  int64_t *time;
  uint8_t part;
} FlEntries;

void fl_entries_clear (FlEntries *entries);
/* f32 becomes f64, with room for `capacity`. */
gboolean fl_entries_widen (FlEntries *entries, size_t capacity, GError **error);
/* Rows of all entries of `in`, columns ascending; those of the same row and column
 * in the order they come.  take: arrays of `in` (not `row`) are freed on the way.
 * parts: rows know the part of each entry. */
gboolean fl_rows_gather (FlRows *out, uint32_t n_rows, uint32_t n_cols, FlEntries *const *in,
                         size_t n_in, gboolean parts, gboolean take, GError **error);

/* How many threads the next parallel region has, and which one of them this is. */
static inline size_t
fl_threads (void)
{
#ifdef _OPENMP
  return (size_t) omp_get_max_threads ();
#else
  return 1;
#endif
}

static inline size_t
fl_thread (void)
{
#ifdef _OPENMP
  return (size_t) omp_get_thread_num ();
#else
  return 0;
#endif
}

/* *array becomes memory for n elements, whose bytes are not set. */
gboolean fl_alloc_unset (gpointer array, size_t n, size_t size, GError **error);
/* Gives freed memory back to the system, where there is a way to. */
void fl_trim (void);

/* ---- names: texts numbered in the order they first come ------------------ */

typedef struct
{
  uint64_t key;     /* the text itself up to 8 bytes, else its hash */
  uint32_t length;
  uint32_t index;   /* + 1; 0: free                                 */
} FlNameSlot;

typedef struct
{
  FlNameSlot *slot;
  size_t mask;      /* number of slots - 1     */
  uint32_t n;
  GPtrArray *text;  /* n, NUL-terminated       */
  GStringChunk *arena;
  FlNameSlot last;  /* the text looked up last */
} FlNames;

void fl_names_init (FlNames *names);
void fl_names_clear (FlNames *names);
/* The number of `text` (without zero bytes); a new one when it was not there.
 * G_MAXUINT32 with an error when there is no room. */
uint32_t fl_names_add (FlNames *names, FlSpan text, GError **error);
static inline const char *
fl_names_text (const FlNames *names, uint32_t index)
{
  return g_ptr_array_index (names->text, index);
}

/* The order in which a side's ids, or an attribute's values, are numbered: by
 * number when all are decimal integers of any length ("1" before "01"), else
 * by bytes.  `member` holds the n indices to sort. */
void fl_names_sort (const FlNames *names, uint32_t *member, uint32_t n);

/* ---- text ---------------------------------------------------------------- */

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

/* ---- datasets ------------------------------------------------------------ */

/* ingest NULL: the first mistake is an error. */
FlBuilder *fl_builder_new (const FlIngest *ingest);
void fl_builder_free (FlBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlBuilder, fl_builder_free)
const FlIngest *fl_builder_ingest (const FlBuilder *builder);
/* Ratings of this pair will be looked for; the texts that say where they are. */
const GPtrArray *fl_builder_seek (FlBuilder *builder, const char *user, const char *item);
/* The line whose row the source is about to be given. */
void fl_builder_at (FlBuilder *builder, const char *file, size_t line);
/* A pair that comes twice though that is an error. */
typedef struct
{
  char *user, *item;
  size_t n; /* ratings that repeat a pair, in all */
} FlTwin;

/* The dataset; the builder can only be freed afterwards.  *twin is set when a
 * pair that comes twice is the mistake. */
FlDataset *fl_builder_finish (FlBuilder *builder, FlTwin *twin, GError **error);

/* An empty dataset; memory handed to fl_dataset_own is freed with it. */
FlDataset *fl_dataset_new (void);
gpointer fl_dataset_own (FlDataset *dataset, gpointer memory);
void fl_dataset_own_arena (FlDataset *dataset, GStringChunk *arena);
/* Arrays lie in `map`, which is released with the dataset. */
void fl_dataset_set_map (FlDataset *dataset, GMappedFile *map);

/* What comes first in a dataset's content: which arrays follow. */
typedef struct
{
  uint64_t n, n_users, n_items;
  uint64_t is_double, has_time, has_part; /* 0 or 1 */
  uint64_t n_attributes[2];
} FlShape;

/* Calls `put` for each array of the dataset in a fixed order: its content, as
 * the digest sees it and as the cache file holds it. */
typedef gboolean (*FlPut) (gpointer user_data, gconstpointer array, size_t n, size_t size,
                           GError **error);
gboolean fl_dataset_walk (const FlDataset *dataset, FlPut put, gpointer user_data,
                          GError **error);
static inline uint32_t
fl_dataset_count (const FlDataset *dataset, FlSide side)
{
  return side == FL_SIDE_USER ? dataset->n_users : dataset->n_items;
}
/* Lets go of the memory that a mapped dataset takes until it is read again. */
void fl_dataset_rest (const FlDataset *dataset);
/* Sets dataset->digest. */
gboolean fl_dataset_digest (FlDataset *dataset, GError **error);

/* ---- cache files --------------------------------------------------------- */

#define FL_CACHE_FORMAT 3 /* raise when the same input would give another file */
#define FL_CACHE_SUFFIX ".fairdata"

/* Writes `path` in `folder` so that whoever opens it finds all of it. */
gboolean fl_cache_write (const FlDataset *dataset, const char *key, const char *folder,
                         const char *path, GError **error);
/* fl_cache_map of a file that was written with this key (NULL: any). */
FlDataset *fl_cache_map_key (const char *path, const char *key, GError **error);

/* ---- keys ---------------------------------------------------------------- */

enum /* FlSplitKeys.method */
{
  FL_SPLIT_RANDOM,
  FL_SPLIT_PER_USER,
  FL_SPLIT_K_FOLD,
  FL_SPLIT_PER_USER_K_FOLD,
  FL_SPLIT_TIME,
  FL_SPLIT_PER_USER_TIME,
  FL_SPLIT_LEAVE_LAST,
  FL_SPLIT_GIVEN
};

enum /* FlSplitKeys.cold */
{
  FL_COLD_KEEP,
  FL_COLD_DROP
};


/* "users", "items" */
static inline const char *
fl_side_word (FlSide side)
{
  return side == FL_SIDE_USER ? "users" : "items";
}

/* The text in double quotes that begins at `at`, where "" is a quote, to be freed.
 * Returns what follows it, or NULL when it has no end. */
const char *fl_unquote (const char *at, char **text);

/* ---- filters ------------------------------------------------------------- */

typedef enum
{
  FL_VERB_TOP,
  FL_VERB_RANDOM,
  FL_VERB_AT_LEAST,
  FL_VERB_CORE,
  FL_VERB_IN,
  FL_VERB_NOT_IN,
  FL_VERB_ONE_OF,
  FL_VERB_FROM_TO,
  FL_VERB_RATED_AT_LEAST, /* ratings at-least X */
  FL_VERB_AS,
  FL_VERB_RANDOM_RATINGS,
  FL_VERB_SHARE
} FlVerb;

typedef struct
{
  char *text;         /* as written, for messages                       */
  FlVerb verb;
  FlSide side;
  uint32_t n;
  uint32_t least[2];  /* core: fewest ratings of users, of items        */
  double number, to;
  gboolean of_all;
  char *attribute;
  char **value;
} FlStatement;

void fl_statement_free (FlStatement *statement);
/* The statements of a text, FlStatement; none of NULL. */
GPtrArray *fl_filter_parse (const char *filter, GError **error);

/* What is left of a dataset. */
typedef struct
{
  const FlDataset *dataset;
  uint8_t *keep[2];   /* by FlSide: which users and items                        */
  uint8_t *rating;    /* which ratings; NULL: all those of kept users and items  */
  uint32_t *count[2]; /* by FlSide: ratings left of each                         */
  size_t n;           /* ratings left                                            */
  gboolean ones;      /* every rating counts as 1                                */
} FlSelection;

gboolean fl_selection_init (FlSelection *selection, const FlDataset *dataset, GError **error);
void fl_selection_clear (FlSelection *selection);
static inline gboolean
fl_selection_has (const FlSelection *selection, uint32_t u, size_t k)
{
  return selection->keep[FL_SIDE_USER][u]
         && selection->keep[FL_SIDE_ITEM][selection->dataset->ratings.col[k]]
         && (selection->rating == NULL || selection->rating[k]);
}
/* Applies the statements of `filter` in their order. */
FlFunnel *fl_filter_apply (const char *filter, FlSelection *selection, uint64_t seed,
                           GError **error);
void fl_funnel_add (FlFunnel *funnel, const char *text, const FlSelection *selection);

/* ---- splits -------------------------------------------------------------- */

#define FL_DROPPED 255 /* beside FlPart: not kept */
#define FL_THREADS_MIN 100000 /* ratings; fewer are done before threads have met */

/* The part of each rating of the dataset, FL_DROPPED for those that are not
 * left; takes selection->rating. */
uint8_t *fl_parts_new (FlSelection *selection, const FlSplitKeys *keys, FlRepeat repeat,
                       GError **error);

/* The seed of what consecutive folds share: the filter and the dealing.  After as
 * many repeats as there are folds it is another. */
static inline uint64_t
fl_fold_seed (const FlSplitKeys *keys, FlRepeat repeat)
{
  return fl_split_folds (keys) ? repeat.seed - repeat.repeat % (uint64_t) keys->folds
                               : repeat.seed;
}

/* Rounded to the nearest number, halves up. */
static inline size_t
fl_share_of (size_t n, double share)
{
  return (size_t) ((double) n * share + 0.5);
}

/* Marks, independently of all else that is drawn, exactly `wanted` of the next
 * n that come: call it for each of them.  All choices are equally likely
 * [Knuth, algorithm S]. */
static inline gboolean
fl_draw (FlRng *rng, size_t *wanted, size_t left)
{
  if (*wanted == 0 || fl_rng_below (rng, (uint32_t) left) >= *wanted)
    return FALSE;
  --*wanted;
  return TRUE;
}

#endif
