/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-stream.c: stochastic gradient descent over single triples [Rendle et al. 2009,
 * fig. 4].
 *
 * An epoch meets every training rating once.  Triples are not drawn with replacement:
 * users come in random order, each with its positives together, so that vectors,
 * lists of positives and the set of what a user has seen stay at hand.
 *
 * Users in their order and items in an order of their own are cut into parts, P of
 * each, by the data alone.  In round r of P, user part p meets the item part p + r
 * (modulo P), with negatives from that part: no two of the P meetings of a round
 * share a vector, and whichever thread does one, the digits are the same.  As items
 * are dealt out anew in each epoch, a negative is uniform over what the user has not
 * seen.  (A user who has seen a whole part has none there; those positives wait for
 * the next epoch.)  Parts also are small enough for the caches nearest to a
 * processor.
 */
#include "bpr-mf.h"

#include <omp.h>
#include <string.h>

#define PARTS_MAX 8 /* counts by part are bytes of one number */
/* A part of fewer items would offer too few negatives. */
#define PART_ITEMS_MIN 64
/* Triples handed to the kernel at a time. */
#define CHUNK 256
/* Users asked for ahead of the one at work, and lists of positives. */
#define USERS_AHEAD 8

/* A user's positives of one item part. */
typedef struct
{
  uint32_t user, n;
} Visit;

/* One user part with one item part. */
typedef struct
{
  size_t positive, n_positive; /* first, and how many */
  size_t visit, n_visit;
  size_t n_triples;            /* done                */
  double loss;
} Meeting;

struct BprStream
{
  const FlRatings *train;
  uint32_t n_parts;
  uint32_t n_users;   /* who have positives and negatives           */
  uint32_t *user;     /* n_users, in the order of the epoch         */
  uint32_t *item;     /* n_items, likewise                          */
  uint8_t *shift;     /* by item: 8 times its part                  */
  uint32_t *positive; /* of the meetings, one after the other       */
  Visit *visit;       /* likewise                                   */
  uint64_t *seen;     /* PARTS_MAX sets of items, one for a thread  */
  size_t n_words;     /* of such a set                              */
  uint32_t user_end[PARTS_MAX + 1]; /* from where to where parts go */
  uint32_t item_end[PARTS_MAX + 1];
  Meeting meeting[PARTS_MAX][PARTS_MAX]; /* user part, item part    */
};

static size_t
degree (const FlRatings *train, uint32_t u)
{
  return train->by_user.start[u + 1] - train->by_user.start[u];
}

void
bpr_stream_free (BprStream *stream)
{
  if (stream == NULL)
    return;
  g_free (stream->user);
  g_free (stream->item);
  g_free (stream->shift);
  g_free (stream->positive);
  g_free (stream->visit);
  g_free (stream->seen);
  g_free (stream);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BprStream, bpr_stream_free)

static gboolean
stream_alloc (BprStream *stream, GError **error)
{
  const FlRatings *train = stream->train;
  size_t n_visits = MIN (train->n, (size_t) train->n_users * stream->n_parts);

  stream->n_words = train->n_items / 64 + 1;
  return (stream->user = fl_alloc (train->n_users, sizeof *stream->user, error)) != NULL
         && (stream->item = fl_alloc (train->n_items, sizeof *stream->item, error)) != NULL
         && (stream->shift = fl_alloc (train->n_items, sizeof *stream->shift, error)) != NULL
         && (stream->positive = fl_alloc (train->n, sizeof *stream->positive, error)) != NULL
         && (stream->visit = fl_alloc (n_visits, sizeof *stream->visit, error)) != NULL
         && (stream->seen = fl_alloc (PARTS_MAX * stream->n_words, sizeof *stream->seen, error))
                != NULL;
}

BprStream *
bpr_stream_new (const FlRatings *train, GError **error)
{
  g_autoptr (BprStream) stream = g_new0 (BprStream, 1);
  size_t mean = train->n / MAX (train->n_users, 1);

  stream->train = train;
  /* No more parts than a user has positives, or visits would be too short. */
  stream->n_parts = (uint32_t) CLAMP (MIN (train->n_items / PART_ITEMS_MIN, mean), 1, PARTS_MAX);
  return stream_alloc (stream, error) ? g_steal_pointer (&stream) : NULL;
}

/* ---- who meets whom ---------------------------------------------------- */

/* Orders that depend on nothing but the seed and the epoch. */
static void
shuffle (BprStream *stream, uint64_t seed, uint64_t epoch)
{
  const FlRatings *train = stream->train;
  FlRng users = fl_rng (seed, "bpr-mf users", epoch), items = fl_rng (seed, "bpr-mf items", epoch);

  stream->n_users = 0;
  for (uint32_t u = 0; u < train->n_users; u++)
    if (degree (train, u) > 0 && degree (train, u) < train->n_items)
      stream->user[stream->n_users++] = u;
  for (uint32_t i = 0; i < train->n_items; i++)
    stream->item[i] = i;
  fl_rng_shuffle (&users, stream->user, stream->n_users);
  fl_rng_shuffle (&items, stream->item, train->n_items);
}

/* Parts of as many items, and of users with as many positives. */
static void
cut (BprStream *stream)
{
  const FlRatings *train = stream->train;
  uint32_t n_parts = stream->n_parts, k = 0;
  size_t total = 0, sum = 0;

  for (uint32_t s = 0; s < stream->n_users; s++)
    total += degree (train, stream->user[s]);
  stream->user_end[0] = stream->item_end[0] = 0;
  for (uint32_t p = 0; p < n_parts; p++)
    {
      for (; k < stream->n_users && (p + 1 == n_parts || sum < total * (p + 1) / n_parts); k++)
        sum += degree (train, stream->user[k]);
      stream->user_end[p + 1] = k;
      stream->item_end[p + 1] = (uint32_t) ((uint64_t) train->n_items * (p + 1) / n_parts);
      for (uint32_t i = stream->item_end[p]; i < stream->item_end[p + 1]; i++)
        stream->shift[stream->item[i]] = (uint8_t) (8 * p);
    }
}

/* The positives of the user at place k of the order; asks for those further on. */
static const uint32_t *
positives (const BprStream *stream, uint32_t k, uint32_t end, size_t *n)
{
  const FlCsr *by_user = &stream->train->by_user;

  if (k + USERS_AHEAD < end)
    __builtin_prefetch (by_user->col + by_user->start[stream->user[k + USERS_AHEAD]]);
  *n = degree (stream->train, stream->user[k]);
  return by_user->col + by_user->start[stream->user[k]];
}

/* What byte p of a number can count to. */
#define BYTE_MAX ((size_t) 255)

/* The sizes of the meetings of user part p. */
static void
count_part (BprStream *stream, uint32_t p)
{
  Meeting *meeting = stream->meeting[p];

  for (uint32_t q = 0; q < stream->n_parts; q++)
    meeting[q] = (Meeting) { 0 };
  for (uint32_t k = stream->user_end[p]; k < stream->user_end[p + 1]; k++)
    {
      size_t n, count[PARTS_MAX] = { 0 };
      const uint32_t *item = positives (stream, k, stream->user_end[p + 1], &n);

      for (size_t e = 0; e < n;)
        {
          uint64_t bytes = 0;

          for (size_t end = MIN (n, e + BYTE_MAX); e < end; e++)
            bytes += (uint64_t) 1 << stream->shift[item[e]];
          for (uint32_t q = 0; q < PARTS_MAX; q++)
            count[q] += bytes >> (8 * q) & BYTE_MAX;
        }
      for (uint32_t q = 0; q < stream->n_parts; q++)
        {
          meeting[q].n_positive += count[q];
          meeting[q].n_visit += count[q] > 0;
        }
    }
}

/* Writes the visits and positives of user part p. */
static void
fill_part (BprStream *stream, uint32_t p)
{
  const Meeting *meeting = stream->meeting[p];
  uint32_t *next[PARTS_MAX];
  Visit *visit[PARTS_MAX];

  for (uint32_t q = 0; q < stream->n_parts; q++)
    {
      next[q] = stream->positive + meeting[q].positive;
      visit[q] = stream->visit + meeting[q].visit;
    }
  for (uint32_t k = stream->user_end[p]; k < stream->user_end[p + 1]; k++)
    {
      size_t n;
      const uint32_t *item = positives (stream, k, stream->user_end[p + 1], &n);
      uint32_t *first[PARTS_MAX];

      memcpy (first, next, sizeof first);
      for (size_t e = 0; e < n; e++)
        *next[stream->shift[item[e]] / 8]++ = item[e];
      for (uint32_t q = 0; q < stream->n_parts; q++)
        if (next[q] > first[q])
          *visit[q]++ = (Visit) { stream->user[k], (uint32_t) (next[q] - first[q]) };
    }
}

static void
arrange (BprStream *stream, int n_threads)
{
  size_t positive = 0, visit = 0;

#pragma omp parallel for schedule(dynamic) num_threads (n_threads)
  for (uint32_t p = 0; p < stream->n_parts; p++)
    count_part (stream, p);
  for (uint32_t p = 0; p < stream->n_parts; p++)
    for (uint32_t q = 0; q < stream->n_parts; q++)
      {
        Meeting *meeting = &stream->meeting[p][q];

        meeting->positive = positive;
        meeting->visit = visit;
        positive += meeting->n_positive;
        visit += meeting->n_visit;
      }
#pragma omp parallel for schedule(dynamic) num_threads (n_threads)
  for (uint32_t p = 0; p < stream->n_parts; p++)
    fill_part (stream, p);
}

/* ---- meetings ---------------------------------------------------------- */

typedef struct
{
  const BprMf *bpr;
  float rate;
  uint64_t state;        /* of the generator                          */
  const uint32_t *among; /* items of the part, from which negatives come */
  uint32_t n_among;
  uint64_t *seen;
  size_t n;
  double loss;
  uint32_t user[CHUNK], item[2 * CHUNK];
} Chunk;

/* SplitMix64 [Steele et al. 2014], a quarter of the cost of FlRng, which seeds it; that
 * the n-th part of 2^32 is not a whole number tells at one in 2^32 / n. */
static inline uint32_t
draw (uint64_t *state, const uint32_t *among, uint32_t n)
{
  uint64_t z = *state += 0x9E3779B97F4A7C15u;

  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return among[((z ^ (z >> 31)) >> 32) * n >> 32];
}

static void
step (Chunk *chunk)
{
  const BprMf *bpr = chunk->bpr;

  chunk->loss += fl_bpr_steps_f32 (chunk->n, chunk->user, chunk->item, (size_t) bpr->rank,
                                   bpr->block[BPR_USER].f32, bpr->block[BPR_ITEM].f32,
                                   chunk->rate, (float) bpr->training.l2);
  chunk->n = 0;
}

static void
visit_user (Chunk *chunk, const Visit *visit, const uint32_t *positive)
{
  const uint32_t *among = chunk->among, n_among = chunk->n_among;
  const int64_t n_copies = chunk->bpr->training.negatives;
  uint64_t *seen = chunk->seen, state = chunk->state;

  for (size_t e = 0; e < visit->n; e++)
    seen[positive[e] / 64] |= (uint64_t) 1 << positive[e] % 64;
  for (size_t e = 0; e < visit->n; e++)
    for (int64_t copy = 0; copy < n_copies; copy++)
      {
        uint32_t negative = draw (&state, among, n_among);

        while (seen[negative / 64] >> negative % 64 & 1)
          negative = draw (&state, among, n_among);
        chunk->user[chunk->n] = visit->user;
        chunk->item[2 * chunk->n] = positive[e];
        chunk->item[2 * chunk->n + 1] = negative;
        if (++chunk->n == CHUNK)
          step (chunk);
      }
  for (size_t e = 0; e < visit->n; e++)
    seen[positive[e] / 64] = 0;
  chunk->state = state;
}

static void
meet (BprStream *stream, Meeting *meeting, Chunk *chunk)
{
  const Visit *visit = stream->visit + meeting->visit, *end = visit + meeting->n_visit;
  const uint32_t *positive = stream->positive + meeting->positive;
  const FlBlock *user = &chunk->bpr->block[BPR_USER];

  for (; visit < end; positive += visit++->n)
    {
      if (visit + USERS_AHEAD < end)
        for (size_t a = 0; a < user->n_cols; a += 64 / sizeof (float))
          __builtin_prefetch (user->f32 + visit[USERS_AHEAD].user * user->n_cols + a);
      if (visit->n == chunk->n_among)
        continue;
      visit_user (chunk, visit, positive);
      meeting->n_triples += visit->n * (size_t) chunk->bpr->training.negatives;
    }
  step (chunk);
  meeting->loss = chunk->loss;
}

double
bpr_stream_epoch (BprStream *stream, const BprMf *bpr, float rate, uint64_t seed, uint64_t epoch)
{
  uint32_t n_parts = stream->n_parts;
  int n_threads = (int) MIN ((uint32_t) omp_get_max_threads (), n_parts);
  double loss = 0, n = 0;

  shuffle (stream, seed, epoch);
  cut (stream);
  arrange (stream, n_threads);
#pragma omp parallel num_threads (n_threads)
  for (uint32_t r = 0; r < n_parts; r++)
#pragma omp for schedule(dynamic)
    for (uint32_t p = 0; p < n_parts; p++)
      {
        uint32_t q = (p + r) % n_parts;
        FlRng rng = fl_rng (seed, "bpr-mf negatives", (epoch * n_parts + p) * n_parts + q);
        Chunk chunk = { .bpr = bpr, .rate = rate, .state = fl_rng_u64 (&rng),
                        .among = stream->item + stream->item_end[q],
                        .n_among = stream->item_end[q + 1] - stream->item_end[q],
                        .seen = stream->seen + (size_t) omp_get_thread_num () * stream->n_words };

        meet (stream, &stream->meeting[p][q], &chunk);
      }
  for (uint32_t p = 0; p < n_parts; p++)
    for (uint32_t q = 0; q < n_parts; q++)
      {
        loss += stream->meeting[p][q].loss;
        n += (double) stream->meeting[p][q].n_triples;
      }
  return n > 0 ? loss / n : 0;
}
