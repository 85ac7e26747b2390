/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* sampler.c: what an epoch goes through, and the negatives of it.
 *
 * Places of the order are cut into chunks of fixed length, each with a stream of
 * random numbers of its own: neither threads nor the size of a batch change what
 * stands at a place.  Chunks are drawn a window at a time.
 */
#include "core/train/train-room.h"

#include <string.h>

#define CHUNK ((size_t) 1024)
/* Small enough for a second-level cache, large enough to share out. */
#define WINDOW_CHUNKS ((size_t) 32)

struct FlSampler
{
  FlCsr rows;           /* by user; borrowed                              */
  uint64_t seed, epoch;
  gboolean labelled;
  gboolean rated;       /* labels are the ratings                         */
  uint32_t n_negatives, n_places; /* negatives, and entries, for each positive */
  uint32_t n_left_out;
  size_t n_positives;
  uint32_t *positive;   /* indices of ratings; NULL: all of them          */
  uint32_t *user;       /* of each rating                                 */
  size_t n;             /* entries                                        */
  uint32_t *order;      /* n: entry / n_places is its positive            */
  size_t batch, next;   /* how many to a batch; place of the next one     */
  size_t first, end;    /* places in the window                           */
  size_t window;        /* places that it has room for                    */
  uint32_t *window_user, *window_item;
  double *window_label;
  FlBatch now;
};

/* Who has no negative is left out where one is needed. */
static gboolean
is_user (const FlSampler *sampler, uint32_t u)
{
  return sampler->n_negatives == 0
         || sampler->rows.start[u + 1] - sampler->rows.start[u] < sampler->rows.n_cols;
}

/* Who rated what, and whose ratings are positives. */
static gboolean
find_positives (FlSampler *sampler, GError **error)
{
  const FlCsr *rows = &sampler->rows;
  size_t n = rows->start[rows->n_rows];

  sampler->user = fl_alloc (n, sizeof *sampler->user, error);
  if (sampler->user == NULL)
    return FALSE;
  for (uint32_t u = 0; u < rows->n_rows; u++)
    {
      size_t n_seen = rows->start[u + 1] - rows->start[u];

      for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
        sampler->user[k] = u;
      if (is_user (sampler, u))
        sampler->n_positives += n_seen;
      else
        sampler->n_left_out += n_seen > 0;
    }
  if (sampler->n_positives == n)
    return TRUE;
  sampler->positive = fl_alloc (sampler->n_positives, sizeof *sampler->positive, error);
  if (sampler->positive == NULL)
    return FALSE;
  for (size_t k = 0, p = 0; k < n; k++)
    if (is_user (sampler, sampler->user[k]))
      sampler->positive[p++] = (uint32_t) k;
  return TRUE;
}

static gboolean
check_size (const FlSampler *sampler, GError **error)
{
  if (sampler->rows.start[sampler->rows.n_rows] > G_MAXUINT32
      || sampler->n_positives > G_MAXUINT32 / sampler->n_places)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "%zu training ratings with %u negatives each are more than an epoch holds: "
                    "at most %u", sampler->n_positives, sampler->n_negatives, G_MAXUINT32);
  if (sampler->n_positives > 0)
    return TRUE;
  return fl_fail (error, FL_ERROR_DATA, sampler->n_negatives > 0
                      ? "nothing to train on: no user has both a training rating and an item "
                        "without one"
                      : "nothing to train on: there is no training rating");
}

static gboolean
make_room (FlSampler *sampler, GError **error)
{
  size_t width = sampler->labelled ? 1 : 2;

  sampler->n = sampler->n_positives * sampler->n_places;
  sampler->batch = MIN (sampler->batch, sampler->n);
  /* A batch may begin and end within a chunk. */
  sampler->window = MAX (WINDOW_CHUNKS, sampler->batch / CHUNK + 2) * CHUNK;
  sampler->order = fl_alloc (sampler->n, sizeof *sampler->order, error);
  sampler->window_user = fl_alloc (sampler->window, sizeof *sampler->window_user, error);
  sampler->window_item = fl_alloc (sampler->window, width * sizeof *sampler->window_item, error);
  if (sampler->labelled)
    sampler->window_label = fl_alloc (sampler->window, sizeof *sampler->window_label, error);
  return sampler->order != NULL && sampler->window_user != NULL && sampler->window_item != NULL
         && (sampler->window_label != NULL || !sampler->labelled);
}

FlSampler *
fl_sampler_new (const FlRatings *train, const FlTrainingSettings *settings, uint64_t seed,
                GError **error)
{
  g_autoptr (FlSampler) sampler = g_new0 (FlSampler, 1);

  sampler->rows = train->by_user;
  sampler->seed = seed;
  sampler->rated = settings->loss == FL_LOSS_SQUARED;
  sampler->labelled = settings->loss != FL_LOSS_BPR;
  sampler->n_negatives = sampler->rated ? 0 : (uint32_t) settings->negatives;
  sampler->n_places = sampler->n_negatives + (sampler->labelled ? 1 : 0);
  sampler->batch = (size_t) settings->batch;
  if (!find_positives (sampler, error) || !check_size (sampler, error)
      || !make_room (sampler, error))
    return NULL;
  return g_steal_pointer (&sampler);
}

void
fl_sampler_free (FlSampler *sampler)
{
  if (sampler == NULL)
    return;
  g_free (sampler->positive);
  g_free (sampler->user);
  g_free (sampler->order);
  g_free (sampler->window_user);
  g_free (sampler->window_item);
  g_free (sampler->window_label);
  g_free (sampler);
}

size_t
fl_sampler_size (const FlSampler *sampler)
{
  return sampler->n;
}

size_t
fl_sampler_n_batches (const FlSampler *sampler)
{
  return (sampler->n + sampler->batch - 1) / sampler->batch;
}

uint32_t
fl_sampler_left_out (const FlSampler *sampler)
{
  return sampler->n_left_out;
}

void
fl_sampler_start_epoch (FlSampler *sampler, uint64_t epoch)
{
  FlRng rng = fl_rng (sampler->seed, "order", epoch);

  sampler->epoch = epoch;
  sampler->next = sampler->first = sampler->end = 0;
  for (size_t e = 0; e < sampler->n; e++)
    sampler->order[e] = (uint32_t) e;
  fl_rng_shuffle (&rng, sampler->order, sampler->n);
}

static void
draw_chunk (FlSampler *sampler, size_t first, size_t end)
{
  size_t n_chunks = (sampler->n + CHUNK - 1) / CHUNK;
  FlRng rng = fl_rng (sampler->seed, "negatives", sampler->epoch * n_chunks + first / CHUNK);

  for (size_t t = first; t < end; t++)
    {
      uint32_t place = sampler->order[t], k = place / sampler->n_places;
      uint32_t rating = sampler->positive != NULL ? sampler->positive[k] : k;
      uint32_t u = sampler->user[rating], i = sampler->rows.col[rating];
      gboolean positive = place == k * sampler->n_places;
      size_t w = t - sampler->first;

      sampler->window_user[w] = u;
      if (sampler->labelled)
        {
          sampler->window_item[w] = positive ? i : fl_csr_draw_unseen (&sampler->rows, u, &rng);
          sampler->window_label[w]
              = sampler->rated ? fl_csr_value (&sampler->rows, rating) : positive;
        }
      else
        {
          sampler->window_item[2 * w] = i;
          sampler->window_item[2 * w + 1] = fl_csr_draw_unseen (&sampler->rows, u, &rng);
        }
    }
}

/* Moves the window to the chunk of the next batch. */
static void
draw_window (FlSampler *sampler)
{
  size_t n_chunks;

  sampler->first = sampler->next / CHUNK * CHUNK;
  sampler->end = MIN (sampler->first + sampler->window, sampler->n);
  n_chunks = (sampler->end - sampler->first + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static)
  for (size_t c = 0; c < n_chunks; c++)
    draw_chunk (sampler, sampler->first + c * CHUNK,
                MIN (sampler->first + (c + 1) * CHUNK, sampler->end));
}

const FlBatch *
fl_sampler_next (FlSampler *sampler)
{
  size_t n = MIN (sampler->batch, sampler->n - sampler->next);
  size_t width = sampler->labelled ? 1 : 2, at;

  if (n == 0)
    return NULL;
  if (sampler->next + n > sampler->end)
    draw_window (sampler);
  at = sampler->next - sampler->first;
  sampler->now = FL_BATCH (.n = n, .width = width, .user = sampler->window_user + at,
                           .item = sampler->window_item + width * at,
                           .label = sampler->labelled ? sampler->window_label + at : NULL);
  sampler->next += n;
  return &sampler->now;
}
