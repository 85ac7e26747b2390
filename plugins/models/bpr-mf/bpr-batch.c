/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-batch.c: scores of a batch, and what their derivatives mean for the vectors.
 *
 * With x = e_u + delta_u and y = e_i + delta_i, and with tau, s = c x.y / (|x| |y|):
 *
 *   ds/dx = f (y - (x.y / x.x) x),   ds/dy = f (x - (x.y / y.y) y),   f = c / (|x| |y|);
 *
 * without, f is 1 and what follows the minus is not there.
 *
 * Every row is summed by one thread, in the order of the batch: the digits are the
 * same for any number of threads.
 */
#include "bpr-mf.h"

#include <math.h>
#include <omp.h>

/* Numbers to be read from which threads gain more than they lose by waiting. */
#define WORK_OF_THREADS ((size_t) 65536)

static int
threads_for (const BprMf *bpr, const FlBatch *batch)
{
  return batch->n * batch->width * (size_t) bpr->rank < WORK_OF_THREADS ? 1
                                                                        : omp_get_max_threads ();
}

static const float *
row_of (const BprMf *bpr, size_t b, uint32_t r)
{
  return bpr->block[b].f32 + r * (size_t) bpr->rank;
}

/* delta_i in column c of entry k, or NULL. */
static const float *
delta_of (const BprMf *bpr, const FlBatch *batch, size_t k, size_t c)
{
  return fl_batch_item_delta (batch, k, c, (size_t) bpr->rank);
}

/* delta_u of entry k, or NULL. */
static const float *
user_delta_of (const BprMf *bpr, const FlBatch *batch, size_t k)
{
  return fl_batch_user_delta (batch, k, (size_t) bpr->rank);
}

/* e + delta, for which `sum` is room. */
static const float *
add_delta (const BprMf *bpr, const float *e, const float *delta, float *sum)
{
  if (delta == NULL)
    return e;
  for (size_t a = 0; a < (size_t) bpr->rank; a++)
    sum[a] = e[a] + delta[a];
  return sum;
}

/* x of entry k. */
static const float *
user_of (const BprMf *bpr, const FlBatch *batch, size_t k, float *sum)
{
  return add_delta (bpr, row_of (bpr, BPR_USER, batch->user[k]), user_delta_of (bpr, batch, k),
                    sum);
}

/* y of column c of entry k. */
static const float *
item_of (const BprMf *bpr, const FlBatch *batch, size_t k, size_t c, float *sum)
{
  return add_delta (bpr, row_of (bpr, BPR_ITEM, batch->item[k * batch->width + c]),
                    delta_of (bpr, batch, k, c), sum);
}

static double
square (const BprMf *bpr, const float *row)
{
  return fl_dot_f32 ((size_t) bpr->rank, row, row);
}

gboolean
bpr_scores (gpointer self, const FlBatch *batch, double *score, GError **error)
{
  const BprMf *bpr = self;
  double scale = bpr_scale (bpr);

  (void) error;
#pragma omp parallel for schedule(static) num_threads (threads_for (bpr, batch))
  for (size_t k = 0; k < batch->n; k++)
    {
      float user_sum[BPR_RANK_MAX], sum[BPR_RANK_MAX];
      const float *x = user_of (bpr, batch, k, user_sum);
      double xx = scale > 0 ? square (bpr, x) : 0;

      for (size_t c = 0; c < batch->width; c++)
        {
          const float *y = item_of (bpr, batch, k, c, sum);
          double xy = fl_dot_f32 ((size_t) bpr->rank, x, y);
          double norm = scale > 0 ? sqrt (xx * square (bpr, y)) : 0;

          if (scale > 0)
            xy = norm > 0 ? scale * xy / norm : 0;
          score[k * batch->width + c] = (float) xy;
        }
    }
  return TRUE;
}

/* ---- backward ---------------------------------------------------------- */

typedef struct
{
  const BprMf *bpr;
  const FlBatch *batch;
  const double *d_score; /* to be rounded to float, as all numbers are */
  float l2;
  gboolean cosine;
  FlGradientBlock *user, *item;        /* or both NULL   */
  FlGradientBlock *delta, *user_delta; /* or either NULL */
} Backward;

/* d_x <- d_x + other y + own_x x,  d_y <- d_y + other x + own_y y. */
typedef struct
{
  float other, own_x, own_y;
} Factors;

static Factors
factors_of (const Backward *b, size_t k, size_t c)
{
  size_t s = k * b->batch->width + c;
  const float *factor = b->bpr->factor + 3 * s;

  if (!b->cosine)
    return (Factors) { .other = (float) b->d_score[s] };
  return (Factors) { .other = factor[0], .own_x = factor[1], .own_y = factor[2] };
}

static gboolean
reserve (BprMf *bpr, size_t n_entries, size_t n_scores, GError **error)
{
  if (bpr->n_entries < n_entries)
    {
      bpr->n_entries = 0;
      g_free (bpr->penalty);
      bpr->penalty = fl_alloc (n_entries, sizeof *bpr->penalty, error);
      if (bpr->penalty == NULL)
        return FALSE;
      bpr->n_entries = n_entries;
    }
  if (bpr->n_scores < n_scores)
    {
      bpr->n_scores = 0;
      g_free (bpr->factor);
      bpr->factor = fl_alloc (n_scores, 3 * sizeof *bpr->factor, error);
      if (bpr->factor == NULL)
        return FALSE;
      bpr->n_scores = n_scores;
    }
  return TRUE;
}

static void
cosine_factors (const Backward *b, size_t k)
{
  const BprMf *bpr = b->bpr;
  float user_sum[BPR_RANK_MAX], sum[BPR_RANK_MAX];
  const float *x = user_of (bpr, b->batch, k, user_sum);
  double xx = square (bpr, x);

  for (size_t c = 0; c < b->batch->width; c++)
    {
      size_t s = k * b->batch->width + c;
      const float *y = item_of (bpr, b->batch, k, c, sum);
      double xy = fl_dot_f32 ((size_t) bpr->rank, x, y), yy = square (bpr, y);
      double norm = sqrt (xx * yy);
      double other = norm > 0 ? (float) b->d_score[s] * bpr_scale (bpr) / norm : 0;

      bpr->factor[3 * s] = (float) other;
      bpr->factor[3 * s + 1] = norm > 0 ? (float) (-other * xy / xx) : 0;
      bpr->factor[3 * s + 2] = norm > 0 ? (float) (-other * xy / yy) : 0;
    }
}

/* Squared norms of the vectors of entry k. */
static double
norms_of (const Backward *b, size_t k)
{
  const FlBatch *batch = b->batch;
  double sum = square (b->bpr, row_of (b->bpr, BPR_USER, batch->user[k]));

  for (size_t c = 0; c < batch->width; c++)
    sum += square (b->bpr, row_of (b->bpr, BPR_ITEM, batch->item[k * batch->width + c]));
  return sum;
}

/* Rows are listed by one thread, so that their order does not depend on others. */
static void
list_rows (const Backward *b)
{
  const FlBatch *batch = b->batch;

  for (size_t k = 0; k < batch->n; k++)
    {
      if (b->user != NULL)
        fl_gradient_row (b->user, batch->user[k]);
      if (b->user_delta != NULL && user_delta_of (b->bpr, batch, k) != NULL)
        fl_gradient_row (b->user_delta, batch->user[k]);
      for (size_t c = 0; c < batch->width; c++)
        {
          uint32_t i = batch->item[k * batch->width + c];

          if (b->item != NULL)
            fl_gradient_row (b->item, i);
          if (b->delta != NULL && delta_of (b->bpr, batch, k, c) != NULL)
            fl_gradient_row (b->delta, i);
        }
    }
}

/* to <- to + sum over columns of other y + (own_x + more) e_u + own_x delta_u */
static void
add_user (const Backward *b, size_t k, float more, float *to)
{
  const FlBatch *batch = b->batch;
  size_t m = (size_t) b->bpr->rank;
  const float *user_delta = user_delta_of (b->bpr, batch, k);
  float own = more, own_x = 0;

  for (size_t c = 0; c < batch->width; c++)
    {
      Factors f = factors_of (b, k, c);
      const float *delta = delta_of (b->bpr, batch, k, c);

      fl_add_f32 (m, f.other, row_of (b->bpr, BPR_ITEM, batch->item[k * batch->width + c]), to);
      if (delta != NULL)
        fl_add_f32 (m, f.other, delta, to);
      own += f.own_x;
      own_x += f.own_x;
    }
  if (own != 0)
    fl_add_f32 (m, own, row_of (b->bpr, BPR_USER, batch->user[k]), to);
  if (user_delta != NULL && own_x != 0)
    fl_add_f32 (m, own_x, user_delta, to);
}

/* to <- to + other x + (own_y + more) e_i + own_y delta_i */
static void
add_item (const Backward *b, size_t k, size_t c, float more, float *to)
{
  const FlBatch *batch = b->batch;
  size_t m = (size_t) b->bpr->rank;
  const float *delta = delta_of (b->bpr, batch, k, c);
  const float *user_delta = user_delta_of (b->bpr, batch, k);
  Factors f = factors_of (b, k, c);

  fl_add_f32 (m, f.other, row_of (b->bpr, BPR_USER, batch->user[k]), to);
  if (user_delta != NULL)
    fl_add_f32 (m, f.other, user_delta, to);
  if (f.own_y + more != 0)
    fl_add_f32 (m, f.own_y + more, row_of (b->bpr, BPR_ITEM, batch->item[k * batch->width + c]),
                to);
  if (delta != NULL && b->cosine)
    fl_add_f32 (m, f.own_y, delta, to);
}

static void
add_to_user (const Backward *b, size_t k)
{
  uint32_t u = b->batch->user[k];

  if (b->user != NULL)
    add_user (b, k, 2 * b->l2, fl_gradient_row (b->user, u));
  if (b->user_delta != NULL && user_delta_of (b->bpr, b->batch, k) != NULL)
    add_user (b, k, 0, fl_gradient_row (b->user_delta, u));
}

static void
add_to_item (const Backward *b, size_t k, size_t c)
{
  uint32_t i = b->batch->item[k * b->batch->width + c];

  if (b->item != NULL)
    add_item (b, k, c, 2 * b->l2, fl_gradient_row (b->item, i));
  if (b->delta != NULL && delta_of (b->bpr, b->batch, k, c) != NULL)
    add_item (b, k, c, 0, fl_gradient_row (b->delta, i));
}

/* Adds to the rows whose number leaves `part` when divided by n_parts. */
static void
add_part (const Backward *b, uint32_t part, uint32_t n_parts)
{
  const FlBatch *batch = b->batch;

  for (size_t k = 0; k < batch->n; k++)
    {
      if (batch->user[k] % n_parts == part)
        add_to_user (b, k);
      for (size_t c = 0; c < batch->width; c++)
        if (batch->item[k * batch->width + c] % n_parts == part)
          add_to_item (b, k, c);
    }
}

gboolean
bpr_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
              FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  BprMf *bpr = self;
  Backward b = { .bpr = bpr, .batch = batch, .d_score = d_score, .l2 = (float) l2,
                 .cosine = bpr->tau > 0, .delta = d_delta != NULL ? d_delta->block : NULL,
                 .user_delta = d_delta != NULL && d_delta->n_blocks > 1 ? d_delta->block + 1 : NULL,
                 .user = gradient != NULL ? &gradient->block[BPR_USER] : NULL,
                 .item = gradient != NULL ? &gradient->block[BPR_ITEM] : NULL };
  gboolean penalised = l2 > 0 && gradient != NULL;
  int n_threads = threads_for (bpr, batch);

  if (!reserve (bpr, penalised ? batch->n : 0, b.cosine ? batch->n * batch->width : 0, error))
    return FALSE;
  list_rows (&b);
#pragma omp parallel num_threads (n_threads)
  {
#pragma omp for schedule(static)
    for (size_t k = 0; k < batch->n; k++)
      {
        if (b.cosine)
          cosine_factors (&b, k);
        if (penalised)
          bpr->penalty[k] = norms_of (&b, k);
      }
    add_part (&b, (uint32_t) omp_get_thread_num (), (uint32_t) omp_get_num_threads ());
  }
  if (penalised)
    gradient->penalty += l2 * fl_sum (batch->n, bpr->penalty);
  return TRUE;
}

/* ---- vectors ----------------------------------------------------------- */

/* e, also where scores are of cosines. */
gboolean
bpr_vectors (gpointer self, FlSide side, size_t n, const uint32_t *index, double *out,
             GError **error)
{
  const BprMf *bpr = self;
  size_t m = (size_t) bpr->rank;

  (void) error;
  for (size_t k = 0; k < n; k++)
    for (size_t a = 0; a < m; a++)
      out[k * m + a] = row_of (bpr, side == FL_SIDE_USER ? BPR_USER : BPR_ITEM, index[k])[a];
  return TRUE;
}

gboolean
bpr_vectors_back (gpointer self, FlSide side, size_t n, const uint32_t *index,
                  const double *d_out, FlGradient *gradient, GError **error)
{
  const BprMf *bpr = self;
  size_t m = (size_t) bpr->rank;

  (void) error;
  for (size_t k = 0; k < n; k++)
    {
      float *row = fl_gradient_row (&gradient->block[side == FL_SIDE_USER ? BPR_USER : BPR_ITEM],
                                    index[k]);

      for (size_t a = 0; a < m; a++)
        row[a] += (float) d_out[k * m + a];
    }
  return TRUE;
}
