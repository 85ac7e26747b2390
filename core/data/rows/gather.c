/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gather.c: from entries in any order to a sparse matrix.
 *
 * Entries are counted by row, placed there in the order they came, and each row
 * that needs it is sorted: for data that come by rows two passes through memory.
 */
#include "config.h"

#include "core/data/rows/rows-room.h"

#include <string.h>
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif

void
fl_trim (void)
{
#ifdef HAVE_MALLOC_TRIM
  malloc_trim (0);
#endif
}

void
fl_entries_clear (FlEntries *entries)
{
  g_clear_pointer (&entries->row, g_free);
  g_clear_pointer (&entries->col, g_free);
  g_clear_pointer (&entries->f32, g_free);
  g_clear_pointer (&entries->f64, g_free);
  g_clear_pointer (&entries->time, g_free);
}

gboolean
fl_entries_widen (FlEntries *entries, size_t capacity, GError **error)
{
  if (!fl_alloc_unset (&entries->f64, capacity, sizeof (double), error))
    return FALSE;
  for (size_t k = 0; k < entries->n; k++)
    entries->f64[k] = (double) entries->f32[k];
  g_clear_pointer (&entries->f32, g_free);
  return TRUE;
}

/* ---- entries in their rows ----------------------------------------------- */

/* Entries that are being placed.  Rows are shared out among threads, each of
 * which goes through all entries and places those of its own rows in their
 * order: so nothing depends on how many threads there are, and entries that come
 * by rows, as most do, are read once. */
typedef struct
{
  FlRows *out;
  FlEntries *const *in;
  size_t n_in;
  gboolean take;
  uint32_t *lowest, *highest; /* row of each of `in`           */
  size_t *at;                 /* where the row's next entry goes */
  size_t n_shares;
  uint32_t *share;            /* n_shares + 1: first row of each */
} Gather;

static void
gather_clear (Gather *gather)
{
  g_free (gather->lowest);
  g_free (gather->highest);
  g_free (gather->at);
  g_free (gather->share);
}

/* How many entries each row has. */
static void
count_rows (Gather *gather)
{
  size_t *count = gather->out->start + 1;

#pragma omp parallel for schedule(dynamic)
  for (size_t c = 0; c < gather->n_in; c++)
    {
      const FlEntries *in = gather->in[c];
      uint32_t lowest = G_MAXUINT32, highest = 0;

      for (size_t k = 0, from; k < in->n;)
        {
          uint32_t row = in->row[k];

          for (from = k++; k < in->n && in->row[k] == row;)
            k++;
          __atomic_fetch_add (&count[row], k - from, __ATOMIC_RELAXED);
          lowest = MIN (lowest, row);
          highest = MAX (highest, row);
        }
      gather->lowest[c] = lowest;
      gather->highest[c] = highest;
    }
  for (uint32_t r = 0; r < gather->out->n_rows; r++)
    count[r] += gather->out->start[r];
}

/* Shares of about equal size. */
static void
share_rows (Gather *gather)
{
  const FlRows *out = gather->out;

  for (size_t s = 1; s < gather->n_shares; s++)
    {
      uint32_t row = gather->share[s - 1];

      while (row < out->n_rows && out->start[row] < out->n / gather->n_shares * s)
        row++;
      gather->share[s] = row;
    }
  gather->share[gather->n_shares] = out->n_rows;
}

static gboolean
gather_init (Gather *gather, GError **error)
{
  gather->n_shares = fl_threads ();
  if ((gather->lowest = fl_alloc (gather->n_in, sizeof (uint32_t), error)) == NULL
      || (gather->highest = fl_alloc (gather->n_in, sizeof (uint32_t), error)) == NULL
      || (gather->at = fl_alloc (gather->out->n_rows, sizeof (size_t), error)) == NULL
      || (gather->share = fl_alloc (gather->n_shares + 1, sizeof (uint32_t), error)) == NULL)
    return FALSE;
  count_rows (gather);
  share_rows (gather);
  return TRUE;
}

/* Places one array of each of the entries, which lies at `offset` in their
 * structure; NULL stands for `fill`. */
static inline void
place_share (Gather *gather, size_t share, size_t offset, size_t size, gpointer out,
             gconstpointer fill)
{
  uint32_t first = gather->share[share], end = gather->share[share + 1];
  size_t *at = gather->at;
  uint8_t *to = out;

  for (size_t c = 0; c < gather->n_in; c++)
    {
      const FlEntries *in = gather->in[c];
      const uint8_t *from = G_STRUCT_MEMBER (const uint8_t *, in, offset);

      if (in->n == 0 || gather->highest[c] < first || gather->lowest[c] >= end)
        continue;
      for (size_t k = 0; k < in->n; k++)
        if (in->row[k] >= first && in->row[k] < end)
          memcpy (to + at[in->row[k]]++ * size, from != NULL ? from + k * size : fill, size);
    }
}

static void
place_array (Gather *gather, size_t offset, size_t size, gpointer out, gconstpointer fill)
{
  if (out == NULL)
    return;
  memcpy (gather->at, gather->out->start, gather->out->n_rows * sizeof (size_t));
#pragma omp parallel for schedule(dynamic)
  for (size_t s = 0; s < gather->n_shares; s++)
    if (size == 4)
      place_share (gather, s, offset, 4, out, fill);
    else
      place_share (gather, s, offset, 8, out, fill);
  for (size_t c = 0; gather->take && c < gather->n_in; c++)
    {
      g_free (G_STRUCT_MEMBER (gpointer, gather->in[c], offset));
      G_STRUCT_MEMBER (gpointer, gather->in[c], offset) = NULL;
    }
  if (gather->take)
    fl_trim ();
}

static void
place_parts (Gather *gather)
{
  uint8_t *part = gather->out->part;
  size_t *at = gather->at;

  if (part == NULL)
    return;
  memcpy (at, gather->out->start, gather->out->n_rows * sizeof (size_t));
  for (size_t c = 0; c < gather->n_in; c++)
    for (size_t k = 0; k < gather->in[c]->n; k++)
      part[at[gather->in[c]->row[k]]++] = gather->in[c]->part;
}

/* ---- columns in order ---------------------------------------------------- */

/* Room to sort a row in. */
typedef struct
{
  uint64_t *key, *spare; /* column and place in the row */
  gpointer copy;         /* of values or times           */
} Sorter;

static gboolean
sorter_init (Sorter *sorter, size_t longest)
{
  *sorter = (Sorter) { .key = fl_alloc (longest, 8, NULL), .spare = fl_alloc (longest, 8, NULL),
                       .copy = fl_alloc (longest, 8, NULL) };
  return sorter->key != NULL && sorter->spare != NULL && sorter->copy != NULL;
}

static void
sorter_clear (Sorter *sorter)
{
  g_free (sorter->key);
  g_free (sorter->spare);
  g_free (sorter->copy);
}

#define INSERTION_MAX 40

/* Ascending; of `key` the upper half counts, whose numbers are below `n_cols`,
 * and equal ones stay as they are.  By insertion, or byte by byte. */
static void
sort_keys (Sorter *sorter, size_t n, uint32_t n_cols)
{
  uint64_t *key = sorter->key;

  if (n <= INSERTION_MAX)
    {
      for (size_t i = 1; i < n; i++)
        {
          uint64_t moving = key[i];
          size_t at = i;

          for (; at > 0 && key[at - 1] > moving; at--)
            key[at] = key[at - 1];
          key[at] = moving;
        }
      return;
    }
  for (int shift = 32; shift < 64 && (uint64_t) (n_cols - 1) >> (shift - 32) > 0; shift += 8)
    {
      size_t at[257] = { 0 };

      for (size_t i = 0; i < n; i++)
        at[(sorter->key[i] >> shift & 255) + 1]++;
      for (size_t b = 0; b < 256; b++)
        at[b + 1] += at[b];
      for (size_t i = 0; i < n; i++)
        sorter->spare[at[sorter->key[i] >> shift & 255]++] = sorter->key[i];
      key = sorter->key;
      sorter->key = sorter->spare;
      sorter->spare = key;
    }
}

/* Puts n elements in the order of the keys. */
static inline void
permute (const Sorter *sorter, gpointer array, size_t n, size_t size)
{
  uint8_t *to = array;
  const uint8_t *from = sorter->copy;

  memcpy (sorter->copy, array, n * size);
  for (size_t i = 0; i < n; i++)
    memcpy (to + i * size, from + (uint32_t) sorter->key[i] * size, size);
}

static void
sort_row (FlRows *rows, uint32_t row, Sorter *sorter)
{
  size_t start = rows->start[row], n = rows->start[row + 1] - start, k = 1;
  uint32_t *col = rows->col + start;

  while (k < n && col[k - 1] <= col[k])
    k++;
  if (k >= n)
    return;
  for (k = 0; k < n; k++)
    sorter->key[k] = (uint64_t) col[k] << 32 | k;
  sort_keys (sorter, n, rows->n_cols);
  for (k = 0; k < n; k++)
    col[k] = (uint32_t) (sorter->key[k] >> 32);
  if (rows->f32 != NULL)
    permute (sorter, rows->f32 + start, n, 4);
  if (rows->f64 != NULL)
    permute (sorter, rows->f64 + start, n, 8);
  if (rows->time != NULL)
    permute (sorter, rows->time + start, n, 8);
  if (rows->part != NULL)
    permute (sorter, rows->part + start, n, 1);
}

/* Every row ascending; entries of the same column stay in their order. */
static gboolean
sort_rows (FlRows *rows, GError **error)
{
  size_t longest = 0;
  int failed = 0;

  for (uint32_t r = 0; r < rows->n_rows; r++)
    longest = MAX (longest, rows->start[r + 1] - rows->start[r]);
#pragma omp parallel reduction(| : failed)
  {
    Sorter sorter;

    failed = !sorter_init (&sorter, longest);
#pragma omp for schedule(dynamic, 256)
    for (uint32_t r = 0; r < rows->n_rows; r++)
      if (!failed)
        sort_row (rows, r, &sorter);
    sorter_clear (&sorter);
  }
  return !failed || fl_fail (error, FL_ERROR_SYSTEM, "out of memory for %zu ratings", rows->n);
}

/* ---- all ----------------------------------------------------------------- */

/* All the same: values as float or all as double, times or none. */
static gboolean
alloc_like (FlRows *out, uint32_t n_rows, uint32_t n_cols, FlEntries *const *in, size_t n_in,
            gboolean parts, GError **error)
{
  FlRows like = { .n = 0 };
  size_t n = 0;
  gboolean wide = FALSE;

  for (size_t c = 0; c < n_in; c++)
    {
      n += in[c]->n;
      wide = wide || in[c]->f64 != NULL;
      if (in[c]->time != NULL)
        like.time = in[c]->time;
    }
  for (size_t c = 0; wide && c < n_in; c++)
    if (in[c]->f64 == NULL && !fl_entries_widen (in[c], in[c]->n, error))
      return FALSE;
  /* Only whether a pointer is set counts. */
  like.f32 = wide ? NULL : (float *) (gpointer) &like;
  like.f64 = wide ? (double *) (gpointer) &like : NULL;
  like.part = parts ? (uint8_t *) &like : NULL;
  return fl_rows_alloc (out, n_rows, n_cols, n, &like, error);
}

gboolean
fl_rows_gather (FlRows *out, uint32_t n_rows, uint32_t n_cols, FlEntries *const *in, size_t n_in,
                gboolean parts, gboolean take, GError **error)
{
  static const int64_t no_time = FL_NO_TIME;
  Gather gather = { .out = out, .in = in, .n_in = n_in, .take = take };
  gboolean done = alloc_like (out, n_rows, n_cols, in, n_in, parts, error);

  if (!done)
    return FALSE;
  done = gather_init (&gather, error);
  if (done)
    {
      place_array (&gather, G_STRUCT_OFFSET (FlEntries, col), 4, out->col, NULL);
      place_array (&gather, G_STRUCT_OFFSET (FlEntries, f32), 4, out->f32, NULL);
      place_array (&gather, G_STRUCT_OFFSET (FlEntries, f64), 8, out->f64, NULL);
      place_array (&gather, G_STRUCT_OFFSET (FlEntries, time), 8, out->time, &no_time);
      place_parts (&gather);
      done = sort_rows (out, error);
    }
  gather_clear (&gather);
  if (!done)
    fl_rows_clear (out);
  return done;
}
