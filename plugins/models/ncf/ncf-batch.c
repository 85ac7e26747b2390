/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ncf-batch.c: scores of a batch, and back.
 *
 * A batch is cut into blocks by its own size alone.  A block is one thread's; its
 * derivative by the weights goes to a place of its own, and these are added in their
 * order, in double.  Derivatives by the vectors of users and items are kept entry by
 * entry, then added to the tables in the order of the batch, a table to a thread.
 */
#include "ncf.h"

#include <omp.h>
#include <string.h>

/* Pairs of a user and an item to a block; blocks to a chunk, whose derivatives by
 * vectors are kept at a time. */
#define BLOCK_PAIRS ((size_t) 128)
#define CHUNK_BLOCKS ((size_t) 64)

/* What one block needs. */
typedef struct
{
  float *user, *item;          /* MLP vectors, padded                       */
  float *user_gmf, *item_gmf;  /* GMF vectors                               */
  float *h_user_gmf;           /* h * the user's                            */
  float *user_hidden;          /* the user's part of the first layer        */
  FlLayersWork *tower;         /* rows are pairs                            */
  float *memory;
} Block;

struct NcfWork
{
  size_t width;   /* of the batch at hand                 */
  size_t entries; /* to a block                           */
  size_t most_entries, most_pairs; /* that a block has room for: of all widths so far */
  size_t rank, mlp; /* numbers to a row: GMF, MLP padded  */
  /* Entries of a chunk, at most CHUNK_BLOCKS * entries, and pairs, `width` times as
   * many. */
  float *d_user_gmf, *d_item_gmf, *d_user_mlp, *d_item_mlp;
  /* Of the derivative by the tower's parameters, then by h: GMF and last layer, padded. */
  size_t h, n_partial;
  float *partial; /* CHUNK_BLOCKS x n_partial             */
  double *total;  /* n_partial                            */
  int n_threads;
  Block *block;   /* one for each thread                  */
};

static void
block_free (Block *block)
{
  fl_layers_work_free (block->tower);
  g_free (block->memory);
}

void
ncf_work_free (NcfWork *work)
{
  if (work == NULL)
    return;
  for (int t = 0; t < work->n_threads; t++)
    block_free (&work->block[t]);
  g_free (work->block);
  g_free (work->d_user_gmf);
  g_free (work->d_item_gmf);
  g_free (work->d_user_mlp);
  g_free (work->d_item_mlp);
  g_free (work->partial);
  g_free (work->total);
  g_free (work);
}

static gboolean
work_alloc (NcfWork *work, GError **error)
{
  size_t n = CHUNK_BLOCKS * work->most_entries, pairs = CHUNK_BLOCKS * work->most_pairs;

  return (work->d_user_gmf = fl_table_alloc (n * work->rank, sizeof (float), error)) != NULL
         && (work->d_item_gmf = fl_table_alloc (pairs * work->rank, sizeof (float), error)) != NULL
         && (work->d_user_mlp = fl_table_alloc (n * work->mlp, sizeof (float), error)) != NULL
         && (work->d_item_mlp = fl_table_alloc (pairs * work->mlp, sizeof (float), error)) != NULL
         && (work->partial = fl_table_alloc (CHUNK_BLOCKS * work->n_partial, sizeof (float), error))
                != NULL
         && (work->total = fl_table_alloc (work->n_partial, sizeof (double), error)) != NULL;
}

static gboolean
block_init (Block *block, const Ncf *ncf, GError **error)
{
  const NcfWork *work = ncf->work;
  size_t n = work->most_entries, pairs = work->most_pairs;
  size_t size = (n + pairs) * work->mlp + (2 * n + pairs) * work->rank + n * ncf_first_width (ncf);

  block->tower = fl_layers_work_new (ncf->tower, pairs, error);
  block->memory = block->tower != NULL ? fl_alloc (size, sizeof *block->memory, error) : NULL;
  if (block->memory == NULL)
    return FALSE;
  block->user = block->memory;
  block->item = block->user + n * work->mlp;
  block->user_gmf = block->item + pairs * work->mlp;
  block->item_gmf = block->user_gmf + n * work->rank;
  block->h_user_gmf = block->item_gmf + pairs * work->rank;
  block->user_hidden = block->h_user_gmf + n * work->rank;
  return TRUE;
}

static gboolean
work_threads (Ncf *ncf, int n_threads, GError **error)
{
  NcfWork *work = ncf->work;

  if (work->n_threads >= n_threads)
    return TRUE;
  work->block = g_renew (Block, work->block, n_threads);
  for (; work->n_threads < n_threads; work->n_threads++)
    {
      Block *block = &work->block[work->n_threads];

      *block = (Block) { NULL };
      if (!block_init (block, ncf, error))
        {
          block_free (block);
          return FALSE;
        }
    }
  return TRUE;
}

/* New room, for blocks of so many entries and pairs. */
static gboolean
work_grow (Ncf *ncf, size_t entries, size_t pairs, GError **error)
{
  NcfWork *work = g_new0 (NcfWork, 1);

  g_clear_pointer (&ncf->work, ncf_work_free);
  work->most_entries = entries;
  work->most_pairs = pairs;
  work->rank = (size_t) ncf->gmf_rank;
  work->mlp = FL_PAD ((size_t) ncf->mlp_rank);
  work->h = fl_layers_n_partial (ncf->tower);
  work->n_partial = work->h + work->rank + ncf_last_width (ncf);
  if (!work_alloc (work, error))
    {
      ncf_work_free (work);
      return FALSE;
    }
  ncf->work = work;
  return TRUE;
}

/* Room for batches as wide as this one, on as many threads as there are.  It only grows:
 * widths may change from batch to batch. */
static gboolean
work_new (Ncf *ncf, const FlBatch *batch, GError **error)
{
  size_t entries = MAX (1, BLOCK_PAIRS / batch->width), pairs = entries * batch->width;
  size_t most_entries = ncf->work != NULL ? MAX (ncf->work->most_entries, entries) : entries;
  size_t most_pairs = ncf->work != NULL ? MAX (ncf->work->most_pairs, pairs) : pairs;

  if ((ncf->work == NULL || most_entries > ncf->work->most_entries
       || most_pairs > ncf->work->most_pairs)
      && !work_grow (ncf, most_entries, most_pairs, error))
    return FALSE;
  ncf->work->width = batch->width;
  ncf->work->entries = entries;
  return work_threads (ncf, omp_get_max_threads (), error);
}

void
ncf_first_layer (size_t m, const float *user, const float *item, float *z)
{
#pragma omp simd
  for (size_t a = 0; a < m; a++)
    z[a] = user[a] + item[a] < 0 ? 0 : user[a] + item[a];
}

/* ---- forward ----------------------------------------------------------- */

/* Row r of `table` into `to`, with what `delta` adds to it unless NULL. */
static void
load (const FlBlock *table, uint32_t r, const float *delta, float *to)
{
  memcpy (to, table->f32 + r * table->n_cols, table->n_cols * sizeof *to);
  for (size_t a = 0; a < table->n_cols && delta != NULL; a++)
    to[a] += delta[a];
}

/* The perturbation of the item of a pair, GMF first, or NULL. */
static const float *
delta_of (const Ncf *ncf, const FlBatch *batch, size_t pair)
{
  return fl_batch_item_delta (batch, pair / batch->width, pair % batch->width,
                              (size_t) (ncf->gmf_rank + ncf->mlp_rank));
}

/* That of the user of entry k. */
static const float *
user_delta_of (const Ncf *ncf, const FlBatch *batch, size_t k)
{
  return fl_batch_user_delta (batch, k, (size_t) (ncf->gmf_rank + ncf->mlp_rank));
}

/* Vectors of entries first .. first + n - 1. */
static void
block_load (const Ncf *ncf, const FlBatch *batch, size_t first, size_t n, Block *block)
{
  size_t rank = ncf->work->rank, mlp = ncf->work->mlp, width = batch->width;
  const float *h = ncf->block[ncf->n_blocks - 1].f32;

  for (size_t k = 0; k < n; k++)
    {
      float *user = block->user_gmf + k * rank, *h_user = block->h_user_gmf + k * rank;
      uint32_t u = batch->user[first + k];
      const float *delta = user_delta_of (ncf, batch, first + k);

      load (&ncf->block[NCF_GMF_USER], u, delta, user);
      load (&ncf->block[NCF_MLP_USER], u, delta != NULL ? delta + rank : NULL,
            block->user + k * mlp);
#pragma omp simd
      for (size_t a = 0; a < rank; a++)
        h_user[a] = h[a] * user[a];
    }
  for (size_t k = 0; k < n * width; k++)
    {
      uint32_t i = batch->item[first * width + k];
      const float *delta = delta_of (ncf, batch, first * width + k);

      load (&ncf->block[NCF_GMF_ITEM], i, delta, block->item_gmf + k * rank);
      load (&ncf->block[NCF_MLP_ITEM], i, delta != NULL ? delta + rank : NULL,
            block->item + k * mlp);
    }
}

/* Returns what comes out of the tower, a row for each pair. */
static const float *
block_forward (const Ncf *ncf, const FlBatch *batch, size_t first, size_t n, Block *block)
{
  size_t m = ncf_first_width (ncf), width = batch->width;
  float *z = fl_layers_first (block->tower);

  block_load (ncf, batch, first, n, block);
  fl_layers_sum_input (ncf->tower, NCF_FROM_USER, n, block->user, block->user_hidden);
  fl_layers_sum_input (ncf->tower, NCF_FROM_ITEM, n * width, block->item, z);
  for (size_t k = 0; k < n * width; k++)
    ncf_first_layer (m, block->user_hidden + k / width * m, z + k * m, z + k * m);
  return fl_layers_compute (ncf->tower, n * width, block->tower);
}

static void
block_scores (const Ncf *ncf, const FlBatch *batch, size_t first, size_t n, Block *block,
              double *score)
{
  size_t m = ncf_last_width (ncf), rank = ncf->work->rank;
  const float *last = block_forward (ncf, batch, first, n, block);

  for (size_t k = 0; k < n * batch->width; k++)
    score[first * batch->width + k]
        = (float) (fl_dot_f32 (rank, block->item_gmf + k * rank,
                               block->h_user_gmf + k / batch->width * rank)
                   + fl_dot_f32 (m, last + k * m, ncf->output));
}

void
ncf_pack (Ncf *ncf)
{
  const FlBlock *h = &ncf->block[ncf->n_blocks - 1];
  size_t rank = (size_t) ncf->gmf_rank;

  if (ncf->packed)
    return;
  fl_layers_pack (ncf->tower);
  memcpy (ncf->output, h->f32 + rank, (h->n_cols - rank) * sizeof (float));
  ncf->packed = TRUE;
}

gboolean
ncf_scores (gpointer self, const FlBatch *batch, double *score, GError **error)
{
  Ncf *ncf = self;
  size_t n_blocks;

  if (!work_new (ncf, batch, error))
    return FALSE;
  ncf_pack (ncf);
  n_blocks = FL_ROUND_UP (batch->n, ncf->work->entries) / ncf->work->entries;
#pragma omp parallel for schedule(static) if (n_blocks > 1)
  for (size_t b = 0; b < n_blocks; b++)
    {
      size_t first = b * ncf->work->entries;

      block_scores (ncf, batch, first, MIN (ncf->work->entries, batch->n - first),
                    &ncf->work->block[omp_get_thread_num ()], score);
    }
  return TRUE;
}

/* ---- backward ---------------------------------------------------------- */

/* sum <- sum of n rows of m numbers. */
static void
sum_rows (size_t n, size_t m, const float *rows, float *sum)
{
  for (size_t k = 0; k < n; k++)
#pragma omp simd
    for (size_t a = 0; a < m; a++)
      sum[a] += rows[k * m + a];
}

/* The GMF part and h; last: what came out of the tower; d_score: n x width.  d_user_gmf and
 * d_item_gmf: of the block's entries and pairs. */
static void
block_output (const Ncf *ncf, size_t n, const Block *block, const float *last,
              const double *d_score, float *d_user_gmf, float *d_item_gmf, float *partial)
{
  size_t m = ncf_last_width (ncf), rank = ncf->work->rank, width = ncf->work->width;
  const float *h = ncf->block[ncf->n_blocks - 1].f32;
  float *d_h = partial + ncf->work->h, *d_tower = fl_layers_d_last (block->tower);

  for (size_t k = 0; k < n; k++)
    {
      const float *user = block->user_gmf + k * rank;
      float *d_user = d_user_gmf + k * rank;

      memset (d_user, 0, rank * sizeof *d_user);
      for (size_t pair = k * width; pair < (k + 1) * width; pair++)
        {
          float *d_item = d_item_gmf + pair * rank, *d_last = d_tower + pair * m;
          float d = (float) d_score[pair];

          memset (d_item, 0, rank * sizeof *d_item);
          memset (d_last, 0, m * sizeof *d_last);
          fl_add_f32 (rank, d, block->h_user_gmf + k * rank, d_item);
          fl_add_f32 (rank, d, block->item_gmf + pair * rank, d_user);
          fl_add_f32 (m, d, ncf->output, d_last);
          fl_add_f32 (m, d, last + pair * m, d_h + rank);
        }
#pragma omp simd
      for (size_t a = 0; a < rank; a++)
        {
          d_h[a] += user[a] * d_user[a];
          d_user[a] *= h[a];
        }
    }
}

/* From the tower's end to the vectors. */
static void
block_input (const Ncf *ncf, size_t n, const Block *block, float *d_user, float *d_item,
             float *partial)
{
  size_t width = ncf->work->width, m = ncf_first_width (ncf);
  const float *d = fl_layers_compute_back (ncf->tower, n * width, block->tower, partial);
  float *d_hidden = block->user_hidden; /* by what the user adds to its pairs */

  memset (d_hidden, 0, n * m * sizeof *d_hidden);
  for (size_t k = 0; k < n; k++)
    sum_rows (width, m, d + k * width * m, d_hidden + k * m);
  fl_layers_sum_input_back (ncf->tower, NCF_FROM_USER, n, block->user, d_hidden, d_user, partial);
  fl_layers_sum_input_back (ncf->tower, NCF_FROM_ITEM, n * width, block->item, d, d_item, partial);
}

/* Block b of a chunk that begins at `chunk`. */
static void
block_backward (const Ncf *ncf, const FlBatch *batch, const double *d_score, size_t chunk,
                size_t b, Block *block)
{
  const NcfWork *work = ncf->work;
  size_t at = b * work->entries, first = chunk + at, n = MIN (work->entries, batch->n - first);
  float *partial = work->partial + b * work->n_partial;
  const float *last = block_forward (ncf, batch, first, n, block);

  memset (partial, 0, work->n_partial * sizeof *partial);
  block_output (ncf, n, block, last, d_score + first * batch->width,
                work->d_user_gmf + at * work->rank,
                work->d_item_gmf + at * batch->width * work->rank, partial);
  block_input (ncf, n, block, work->d_user_mlp + at * work->mlp,
               work->d_item_mlp + at * batch->width * work->mlp, partial);
}

/* Adds n rows of `from` (m numbers, rows `stride` apart) to rows row[k] of a block,
 * and decay times the parameters there; returns the sum of their squares. */
static double
scatter (const FlBlock *value, size_t n, const uint32_t *row, const float *from, size_t stride,
         double l2, FlGradientBlock *to)
{
  size_t m = value->n_cols;
  double squares = 0;

  for (size_t k = 0; k < n; k++)
    {
      float *gradient = fl_gradient_row (to, row[k]);
      const float *x = value->f32 + row[k] * m;

      fl_add_f32 (m, 1, from + k * stride, gradient);
      if (l2 > 0)
        {
          fl_add_f32 (m, (float) (2 * l2), x, gradient);
          squares += fl_dot_f32 (m, x, x);
        }
    }
  return squares;
}

static void
scatter_delta (const Ncf *ncf, const FlBatch *batch, size_t chunk, size_t n,
               FlGradientBlock *to)
{
  const NcfWork *work = ncf->work;

  for (size_t k = 0; k < n * batch->width; k++)
    if (delta_of (ncf, batch, chunk * batch->width + k) != NULL)
      {
        float *row = fl_gradient_row (to, batch->item[chunk * batch->width + k]);

        fl_add_f32 (work->rank, 1, work->d_item_gmf + k * work->rank, row);
        fl_add_f32 ((size_t) ncf->mlp_rank, 1, work->d_item_mlp + k * work->mlp,
                    row + work->rank);
      }
}

static void
scatter_user_delta (const Ncf *ncf, const FlBatch *batch, size_t chunk, size_t n,
                    FlGradientBlock *to)
{
  const NcfWork *work = ncf->work;

  for (size_t k = 0; k < n; k++)
    if (user_delta_of (ncf, batch, chunk + k) != NULL)
      {
        float *row = fl_gradient_row (to, batch->user[chunk + k]);

        fl_add_f32 (work->rank, 1, work->d_user_gmf + k * work->rank, row);
        fl_add_f32 ((size_t) ncf->mlp_rank, 1, work->d_user_mlp + k * work->mlp,
                    row + work->rank);
      }
}

/* Adds the vectors' derivatives of a chunk of n entries; returns the squares. */
static double
chunk_scatter (const Ncf *ncf, const FlBatch *batch, size_t chunk, size_t n, double l2,
               FlGradient *gradient, FlGradient *d_delta)
{
  const NcfWork *work = ncf->work;
  const struct
  {
    size_t width;
    const uint32_t *row;
    const float *from;
    size_t stride;
  } table[] = {
    [NCF_GMF_USER] = { 1, batch->user + chunk, work->d_user_gmf, work->rank },
    [NCF_GMF_ITEM] = { batch->width, batch->item + chunk * batch->width, work->d_item_gmf,
                       work->rank },
    [NCF_MLP_USER] = { 1, batch->user + chunk, work->d_user_mlp, work->mlp },
    [NCF_MLP_ITEM] = { batch->width, batch->item + chunk * batch->width, work->d_item_mlp,
                       work->mlp },
  };
  double squares[G_N_ELEMENTS (table)] = { 0 };

#pragma omp parallel for schedule(dynamic) if (n > BLOCK_PAIRS)
  for (size_t t = 0; t < G_N_ELEMENTS (table) + 2; t++)
    if (t >= G_N_ELEMENTS (table))
      {
        if (d_delta != NULL && t == G_N_ELEMENTS (table))
          scatter_delta (ncf, batch, chunk, n, d_delta->block);
        else if (d_delta != NULL && d_delta->n_blocks > 1)
          scatter_user_delta (ncf, batch, chunk, n, d_delta->block + 1);
      }
    else if (gradient != NULL)
      squares[t] = scatter (&ncf->block[t], n * table[t].width, table[t].row, table[t].from,
                            table[t].stride, l2, &gradient->block[t]);
  return (squares[0] + squares[1]) + (squares[2] + squares[3]);
}

static void
add_weights (const Ncf *ncf, FlGradient *gradient)
{
  const NcfWork *work = ncf->work;
  FlGradientBlock *h = &gradient->block[ncf->n_blocks - 1];
  float *row = fl_gradient_row (h, 0);

  fl_layers_add_partials (ncf->tower, work->total, &gradient->block[NCF_WEIGHTS]);
  for (size_t a = 0; a < h->n_cols; a++)
    row[a] += (float) work->total[work->h + a];
}

/* The n entries from `chunk` on; returns the squares of their vectors. */
static double
chunk_backward (Ncf *ncf, const FlBatch *batch, const double *d_score, size_t chunk, size_t n,
                double l2, FlGradient *gradient, FlGradient *d_delta)
{
  const NcfWork *work = ncf->work;
  size_t n_blocks = FL_ROUND_UP (n, work->entries) / work->entries;

#pragma omp parallel for schedule(static) if (n_blocks > 1)
  for (size_t b = 0; b < n_blocks; b++)
    block_backward (ncf, batch, d_score, chunk, b, &work->block[omp_get_thread_num ()]);
  for (size_t b = 0; b < n_blocks; b++)
#pragma omp simd
    for (size_t a = 0; a < work->n_partial; a++)
      work->total[a] += work->partial[b * work->n_partial + a];
  return chunk_scatter (ncf, batch, chunk, n, l2, gradient, d_delta);
}

gboolean
ncf_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
              FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  Ncf *ncf = self;
  double squares = 0;
  size_t n_chunk;

  if (!work_new (ncf, batch, error))
    return FALSE;
  ncf_pack (ncf);
  n_chunk = CHUNK_BLOCKS * ncf->work->entries;
  memset (ncf->work->total, 0, ncf->work->n_partial * sizeof *ncf->work->total);
  for (size_t chunk = 0; chunk < batch->n; chunk += n_chunk)
    squares += chunk_backward (ncf, batch, d_score, chunk, MIN (n_chunk, batch->n - chunk), l2,
                               gradient, d_delta);
  if (gradient != NULL && batch->n > 0)
    {
      add_weights (ncf, gradient);
      gradient->penalty += l2 * squares;
    }
  return TRUE;
}
