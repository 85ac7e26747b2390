/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rows-room.h: what the other rooms of data keep things in: sparse rows that are being
 * made, ratings in both orientations, and texts that are numbered.
 *
 * The rooms of data, in the order in which data flow; each includes those before it:
 *
 *   rows      sparse matrices, ratings, names
 *   reading   text to what a source has told
 *   dataset   that, numbered: the dataset, its cache, facts about it, files of it
 *   shaping   filters, groups, splits, audit: what one cell of a pipeline gets
 */
#ifndef FL_ROWS_ROOM_H
#define FL_ROWS_ROOM_H

#include <fairlead/data.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* Times inside the host, so that moments within a second are in their order. */
#define FL_TIME_SECOND ((int64_t) 1000000)
#define FL_TIME_MAX ((int64_t) 9000000000000000000)

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

#endif
