/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ncf-batch.c: scores of a batch, and back.
 *
 * A batch is cut into blocks by its own size alone.  A block is one thread's; its
 * derivative by the weights goes to a place of its own, and these are added in their
 * order, in double.  Derivatives by the vectors of users and items are kept entry by
 * entry, then added to the tables in the order of the batch, a table to a thread.
 */
#include "ncf.h"

#include <string.h>

/* Pairs of a user and an item to a block; blocks to a chunk, whose derivatives by
 * vectors are kept at a time. */
#define BLOCK_PAIRS ((size_t) 128)
#define CHUNK_BLOCKS ((size_t) 64)

struct NcfWork
{
  size_t width;   /* of the batches that it is for        */
  size_t entries; /* to a block                           */
  size_t rank, mlp; /* numbers to a row: GMF, MLP padded  */
  /* Entries of a chunk, at most CHUNK_BLOCKS * entries, and pairs, `width` times as
   * many. */
  float *d_user_gmf, *d_item_gmf, *d_user_mlp, *d_item_mlp;
  float *partial; /* CHUNK_BLOCKS x n_partial             */
  double *total;  /* n_partial                            */
};

/* What one block needs. */
typedef struct
{
  float *user, *item;          /* MLP vectors, padded                       */
  float *user_gmf, *item_gmf;  /* GMF vectors                               */
  float *h_user_gmf;           /* h * the user's                            */
  float *user_hidden;
  float *z[NCF_LAYERS_MAX];    /* layers after ReLU; z[0]: pairs x width    */
  float *d[NCF_LAYERS_MAX];    /* derivatives by what comes before the ReLU */
  float *memory;
} Block;

void
ncf_work_free (NcfWork *work)
{
  if (work == NULL)
    return;
  g_free (work->d_user_gmf);
  g_free (work->d_item_gmf);
  g_free (work->d_user_mlp);
  g_free (work->d_item_mlp);
  g_free (work->partial);
  g_free (work->total);
  g_free (work);
}

static gboolean
work_new (Ncf *ncf, size_t width, GError **error)
{
  NcfWork *work;
  size_t n;

  if (ncf->work != NULL && ncf->work->width == width)
    return TRUE;
  g_clear_pointer (&ncf->work, ncf_work_free);
  ncf->work = work = g_new0 (NcfWork, 1);
  work->width = width;
  work->entries = MAX (1, BLOCK_PAIRS / width);
  work->rank = (size_t) ncf->gmf_rank;
  work->mlp = FL_PAD ((size_t) ncf->mlp_rank);
  n = CHUNK_BLOCKS * work->entries;
  return (work->d_user_gmf = fl_table_alloc (n * work->rank, sizeof (float), error)) != NULL
         && (work->d_item_gmf = fl_table_alloc (n * width * work->rank, sizeof (float), error))
                != NULL
         && (work->d_user_mlp = fl_table_alloc (n * work->mlp, sizeof (float), error)) != NULL
         && (work->d_item_mlp = fl_table_alloc (n * width * work->mlp, sizeof (float), error))
                != NULL
         && (work->partial = fl_table_alloc (CHUNK_BLOCKS * ncf->n_partial, sizeof (float), error))
                != NULL
         && (work->total = fl_table_alloc (ncf->n_partial, sizeof (double), error)) != NULL;
}

static void
block_init (Block *block, const Ncf *ncf)
{
  const NcfWork *work = ncf->work;
  size_t n = work->entries, pairs = n * work->width, hidden = 0;
  float *at;

  for (size_t l = 0; l <= ncf_last (ncf); l++)
    hidden += ncf_width (ncf, l);
  at = block->memory
      = g_new0 (float, (n + pairs) * work->mlp + (2 * n + pairs) * work->rank
                           + n * ncf_width (ncf, 0) + 2 * pairs * hidden);
  block->user = at;
  block->item = block->user + n * work->mlp;
  block->user_gmf = block->item + pairs * work->mlp;
  block->item_gmf = block->user_gmf + n * work->rank;
  block->h_user_gmf = block->item_gmf + pairs * work->rank;
  block->user_hidden = block->h_user_gmf + n * work->rank;
  at = block->user_hidden + n * ncf_width (ncf, 0);
  for (size_t l = 0; l <= ncf_last (ncf); l++)
    {
      block->z[l] = at;
      block->d[l] = at + pairs * ncf_width (ncf, l);
      at += 2 * pairs * ncf_width (ncf, l);
    }
}

/* ---- layers ------------------------------------------------------------ */

/* NaN stays, to be noticed. */
static void
rectify (size_t n, float *z)
{
#pragma omp simd
  for (size_t k = 0; k < n; k++)
    z[k] = z[k] < 0 ? 0 : z[k];
}

void
ncf_user_hidden (const Ncf *ncf, size_t n, const float *x, float *hidden)
{
  const NcfWeights *w = &ncf->weights[NCF_FROM_USER];

  for (size_t k = 0; k < n; k++)
    memcpy (hidden + k * w->out, ncf->bias[0], w->out * sizeof *hidden);
  fl_multiply_f32 (n, w->in, x, w->in, w->out, w->forward, hidden);
}

void
ncf_item_hidden (const Ncf *ncf, size_t n, const float *x, float *hidden)
{
  const NcfWeights *w = &ncf->weights[NCF_FROM_ITEM];

  memset (hidden, 0, n * w->out * sizeof *hidden);
  fl_multiply_f32 (n, w->in, x, w->in, w->out, w->forward, hidden);
}

void
ncf_first_layer (size_t m, const float *user, const float *item, float *z)
{
#pragma omp simd
  for (size_t a = 0; a < m; a++)
    z[a] = user[a] + item[a] < 0 ? 0 : user[a] + item[a];
}

void
ncf_layers (const Ncf *ncf, size_t n, float *const *z)
{
  for (size_t l = 1; l <= ncf_last (ncf); l++)
    {
      const NcfWeights *w = &ncf->weights[l + 1];

      for (size_t k = 0; k < n; k++)
        memcpy (z[l] + k * w->out, ncf->bias[l], w->out * sizeof *z[l]);
      fl_multiply_f32 (n, w->in, z[l - 1], w->in, w->out, w->forward, z[l]);
      rectify (n * w->out, z[l]);
    }
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

static void
block_forward (const Ncf *ncf, const FlBatch *batch, size_t first, size_t n, Block *block)
{
  size_t m = ncf_width (ncf, 0), width = batch->width;

  block_load (ncf, batch, first, n, block);
  ncf_user_hidden (ncf, n, block->user, block->user_hidden);
  ncf_item_hidden (ncf, n * width, block->item, block->z[0]);
  for (size_t k = 0; k < n * width; k++)
    {
      float *z = block->z[0] + k * m;

      ncf_first_layer (m, block->user_hidden + k / width * m, z, z);
    }
  ncf_layers (ncf, n * width, block->z);
}

static void
block_scores (const Ncf *ncf, const FlBatch *batch, size_t first, size_t n, Block *block,
              double *score)
{
  size_t last = ncf_last (ncf), m = ncf_width (ncf, last), rank = ncf->work->rank;

  block_forward (ncf, batch, first, n, block);
  for (size_t k = 0; k < n * batch->width; k++)
    score[first * batch->width + k]
        = (float) (fl_dot_f32 (rank, block->item_gmf + k * rank,
                               block->h_user_gmf + k / batch->width * rank)
                   + fl_dot_f32 (m, block->z[last] + k * m, ncf->output));
}

gboolean
ncf_scores (gpointer self, const FlBatch *batch, double *score, GError **error)
{
  Ncf *ncf = self;
  size_t n_blocks;

  if (!work_new (ncf, batch->width, error))
    return FALSE;
  ncf_pack (ncf);
  n_blocks = FL_ROUND_UP (batch->n, ncf->work->entries) / ncf->work->entries;
#pragma omp parallel if (n_blocks > 1)
  {
    Block block;

    block_init (&block, ncf);
#pragma omp for schedule(static)
    for (size_t b = 0; b < n_blocks; b++)
      {
        size_t first = b * ncf->work->entries;

        block_scores (ncf, batch, first, MIN (ncf->work->entries, batch->n - first), &block,
                      score);
      }
    g_free (block.memory);
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

/* d <- d where z is positive, else 0. */
static void
mask (size_t n, const float *z, float *d)
{
#pragma omp simd
  for (size_t k = 0; k < n; k++)
    d[k] = z[k] > 0 ? d[k] : 0;
}

/* The last layer and the GMF part; d_score: n x width.  d_user_gmf and d_item_gmf: of the
 * block's entries and pairs. */
static void
block_output (const Ncf *ncf, size_t n, const Block *block, const double *d_score,
              float *d_user_gmf, float *d_item_gmf, float *partial)
{
  size_t last = ncf_last (ncf), m = ncf_width (ncf, last);
  size_t rank = ncf->work->rank, width = ncf->work->width;
  const float *h = ncf->block[ncf->n_blocks - 1].f32;
  float *d_h = partial + ncf->output_partial;

  for (size_t k = 0; k < n; k++)
    {
      const float *user = block->user_gmf + k * rank;
      float *d_user = d_user_gmf + k * rank;

      memset (d_user, 0, rank * sizeof *d_user);
      for (size_t pair = k * width; pair < (k + 1) * width; pair++)
        {
          float *d_item = d_item_gmf + pair * rank, *d_last = block->d[last] + pair * m;
          float d = (float) d_score[pair];

          memset (d_item, 0, rank * sizeof *d_item);
          memset (d_last, 0, m * sizeof *d_last);
          fl_add_f32 (rank, d, block->h_user_gmf + k * rank, d_item);
          fl_add_f32 (rank, d, block->item_gmf + pair * rank, d_user);
          fl_add_f32 (m, d, ncf->output, d_last);
          fl_add_f32 (m, d, block->z[last] + pair * m, d_h + rank);
        }
#pragma omp simd
      for (size_t a = 0; a < rank; a++)
        {
          d_h[a] += user[a] * d_user[a];
          d_user[a] *= h[a];
        }
    }
}

/* From d[l], by what comes after the ReLU of layer l, to d[l - 1]. */
static void
block_layer (const Ncf *ncf, size_t n, const Block *block, size_t l, float *partial)
{
  const NcfWeights *w = &ncf->weights[l + 1];

  mask (n * w->out, block->z[l], block->d[l]);
  sum_rows (n, w->out, block->d[l], partial + ncf->bias_partial[l]);
  if (l == 0)
    return;
  fl_outer_f32 (n, w->out, block->d[l], w->in, block->z[l - 1], partial + w->partial);
  memset (block->d[l - 1], 0, n * w->in * sizeof (float));
  fl_multiply_f32 (n, w->out, block->d[l], w->out, w->in, w->backward, block->d[l - 1]);
}

/* From d[0] to the vectors. */
static void
block_input (const Ncf *ncf, size_t n, const Block *block, float *d_user, float *d_item,
             float *partial)
{
  const NcfWeights *users = &ncf->weights[NCF_FROM_USER], *items = &ncf->weights[NCF_FROM_ITEM];
  size_t width = ncf->work->width, m = users->out;
  float *d_hidden = block->user_hidden; /* by what the user adds to its pairs */

  memset (d_hidden, 0, n * m * sizeof *d_hidden);
  for (size_t k = 0; k < n; k++)
    sum_rows (width, m, block->d[0] + k * width * m, d_hidden + k * m);
  fl_outer_f32 (n, m, d_hidden, users->in, block->user, partial + users->partial);
  fl_outer_f32 (n * width, m, block->d[0], items->in, block->item, partial + items->partial);
  memset (d_user, 0, n * users->in * sizeof *d_user);
  memset (d_item, 0, n * width * items->in * sizeof *d_item);
  fl_multiply_f32 (n, m, d_hidden, m, users->in, users->backward, d_user);
  fl_multiply_f32 (n * width, m, block->d[0], m, items->in, items->backward, d_item);
}

/* Block b of a chunk that begins at `chunk`. */
static void
block_backward (const Ncf *ncf, const FlBatch *batch, const double *d_score, size_t chunk,
                size_t b, Block *block)
{
  const NcfWork *work = ncf->work;
  size_t at = b * work->entries, first = chunk + at, n = MIN (work->entries, batch->n - first);
  float *partial = work->partial + b * ncf->n_partial;

  memset (partial, 0, ncf->n_partial * sizeof *partial);
  block_forward (ncf, batch, first, n, block);
  block_output (ncf, n, block, d_score + first * batch->width, work->d_user_gmf + at * work->rank,
                work->d_item_gmf + at * batch->width * work->rank, partial);
  for (size_t l = ncf_last (ncf) + 1; l-- > 0;)
    block_layer (ncf, n * batch->width, block, l, partial);
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

/* Adds n numbers to row r of a block. */
static void
add_row (FlGradientBlock *block, uint32_t r, const double *from, size_t n)
{
  float *row = fl_gradient_row (block, r);

  for (size_t a = 0; a < n; a++)
    row[a] += (float) from[a];
}

static void
add_weights (const Ncf *ncf, FlGradient *gradient)
{
  const double *total = ncf->work->total;
  FlGradientBlock *h = &gradient->block[ncf->n_blocks - 1];
  float *row = fl_gradient_row (h, 0);

  for (size_t k = 0; k < ncf->layers.n + 1; k++)
    {
      const NcfWeights *w = &ncf->weights[k];
      FlGradientBlock *W = &gradient->block[NCF_WEIGHTS + 2 * w->layer];

      for (uint32_t o = 0; o < w->n_out; o++)
        {
          float *to = fl_gradient_row (W, o) + w->column;

          for (size_t a = 0; a < w->n_in; a++)
            to[a] += (float) total[w->partial + o * w->in + a];
        }
    }
  for (size_t l = 0; l < ncf->layers.n; l++)
    {
      FlGradientBlock *b = &gradient->block[NCF_WEIGHTS + 2 * l + 1];

      add_row (b, 0, total + ncf->bias_partial[l], b->n_cols);
    }
  for (size_t a = 0; a < h->n_cols; a++)
    row[a] += (float) total[ncf->output_partial + a];
}

/* The n entries from `chunk` on; returns the squares of their vectors. */
static double
chunk_backward (Ncf *ncf, const FlBatch *batch, const double *d_score, size_t chunk, size_t n,
                double l2, FlGradient *gradient, FlGradient *d_delta)
{
  const NcfWork *work = ncf->work;
  size_t n_blocks = FL_ROUND_UP (n, work->entries) / work->entries;

#pragma omp parallel if (n_blocks > 1)
  {
    Block block;

    block_init (&block, ncf);
#pragma omp for schedule(static)
    for (size_t b = 0; b < n_blocks; b++)
      block_backward (ncf, batch, d_score, chunk, b, &block);
    g_free (block.memory);
  }
  for (size_t b = 0; b < n_blocks; b++)
#pragma omp simd
    for (size_t a = 0; a < ncf->n_partial; a++)
      work->total[a] += work->partial[b * ncf->n_partial + a];
  return chunk_scatter (ncf, batch, chunk, n, l2, gradient, d_delta);
}

gboolean
ncf_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
              FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  Ncf *ncf = self;
  double squares = 0;
  size_t n_chunk;

  if (!work_new (ncf, batch->width, error))
    return FALSE;
  ncf_pack (ncf);
  n_chunk = CHUNK_BLOCKS * ncf->work->entries;
  memset (ncf->work->total, 0, ncf->n_partial * sizeof *ncf->work->total);
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
