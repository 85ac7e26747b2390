/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lists.c: the best k items of each user.
 *
 * Users are shared among threads in chunks, whose factors, and a block of those of
 * the items, are laid side by side for the kernel; work space is bounded and holds no
 * users x items.  Neither chunks nor blocks nor threads change a digit, since each
 * score is one chain of sums; the order of equal scores is drawn for each user and
 * item, so that no model gains by the order in which items happen to be numbered.
 */
#include "core/rank/rank-room.h"

#include "core/linalg/linalg-room.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>
#include <sys/resource.h>

/* Work space of a thread, and the part of it that holds items: half of what is
 * usual for a second-level cache. */
#define WORK_BYTES ((size_t) 4 << 20)
#define BLOCK_BYTES ((size_t) 512 << 10)
/* Under a limit of memory, work space takes no more than this share of it. */
#define WORK_SHARE 16
/* Items whose scores by a tile of users stay in the first-level cache, and of which
 * a model makes scores at once, for as many users as that. */
#define STRIP ((size_t) 256)
#define MODEL_STRIP ((size_t) 512)
#define MODEL_TILE ((size_t) 32)
/* Scores that a user's room is looked at for. */
#define SCAN ((size_t) 128)
/* Kernels write whole vectors. */
#define SPARE ((size_t) 16)
/* Runs that are sorted by counting. */
#define RUN ((size_t) 256)
/* Steps of bisection after which numbers give way to their bits. */
#define STEPS_BY_NUMBER 40

typedef struct
{
  const FlRanking *ranking;
  size_t k, rank;
  size_t tile, strip, block, chunk; /* users, items, items, users: block of strips,
                                       chunk of tiles                              */
  size_t room;      /* scores kept for a user                                    */
  size_t slack;     /* more than k that may stay                                 */
  gboolean careful; /* scores may not be finite: each is looked at               */
} Plan;

/* Where lists go. */
typedef struct
{
  uint32_t *item;   /* n_users x k         */
  uint32_t *length; /* n_users             */
  double *score;    /* as item; NULL: none */
  uint8_t *tied;    /* as item; NULL: none */
} Output;

/* One of equal scores: a position, and its place among them. */
typedef struct
{
  uint64_t key;
  uint32_t position;
} Tied;

/* What went wrong in the lowest chunk. */
typedef struct
{
  gboolean failed, finite;
  size_t chunk;
  GError *error;
} Failure;

static void
fail (Failure *failure, size_t chunk, gboolean finite, GError *error)
{
#pragma omp critical (fl_rank_failure)
  if (!failure->failed || chunk < failure->chunk)
    {
      g_clear_error (&failure->error);
      *failure = (Failure) { TRUE, finite, chunk, error };
    }
  else
    g_clear_error (&error);
}

void
fl_lists_free (FlLists *lists)
{
  if (lists == NULL)
    return;
  g_free ((gpointer) lists->item);
  g_free ((gpointer) lists->length);
  g_free (lists);
}

/* Scores that the model makes, of n_users from u on by n items from `first` on. */
static gboolean
score_block (const Plan *plan, uint32_t u, size_t n_users, uint32_t first, size_t n, gpointer out,
             GError **error)
{
  const FlInstance *model = plan->ranking->model;
  uint32_t user[MODEL_TILE], item[MODEL_STRIP];

  for (size_t r = 0; r < n_users; r++)
    user[r] = u + (uint32_t) r;
  for (size_t e = 0; e < n; e++)
    item[e] = first + (uint32_t) e;
  return fl_model_score (model, n_users, user, n, item, out, error);
}

/* The order of a user's equal scores. */
static uint64_t
tie_key (const FlRanking *ranking, uint64_t tie_user, uint32_t item)
{
  return ranking->ties == FL_TIES_BY_INDEX ? item : fl_ranking_tie_key (tie_user, item);
}

static int
compare_tied (const void *a, const void *b)
{
  const Tied *x = a, *y = b;

  return (x->key > y->key) - (x->key < y->key);
}

#define CONCAT_(x, y) x##_##y
#define CONCAT(x, y) CONCAT_ (x, y)
#define NAME(x) CONCAT (x, SUFFIX)

#define REAL float
#define SUFFIX f32
#define WHOLE int32_t
#define WHOLE_MAX G_MAXINT32
#define WHOLE_SHIFT 31
#define USERS user_f32
#define ITEMS item_f32
#define LARGEST FLT_MAX
#define NEXT nextafterf
#include "core/rank/lists-real.inc"

#define REAL double
#define SUFFIX f64
#define WHOLE int64_t
#define WHOLE_MAX G_MAXINT64
#define WHOLE_SHIFT 63
#define USERS user_f64
#define ITEMS item_f64
#define LARGEST DBL_MAX
#define NEXT nextafter
#include "core/rank/lists-real.inc"

static gboolean
is_single (const FlRanking *ranking)
{
  return ranking->factors != NULL && ranking->factors->user_f32 != NULL;
}

/* ---- the plan ------------------------------------------------------------ */

static size_t
work_bytes (size_t n_threads)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return WORK_BYTES;
  return MIN (WORK_BYTES, (size_t) limit.rlim_cur / WORK_SHARE / n_threads);
}

static size_t
round_up (size_t n, size_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* As many chunks as there is memory for, and a multiple of the threads. */
static void
plan_chunks (Plan *plan, size_t bytes_user, size_t bytes)
{
  size_t n_threads = (size_t) omp_get_max_threads (), n_users = plan->ranking->n_users;
  size_t most = MAX (bytes / bytes_user / plan->tile, 1) * plan->tile;
  size_t n_chunks = round_up (MAX ((n_users + most - 1) / most, 1), n_threads);

  plan->chunk = round_up (MAX (n_users / n_chunks, 1), plan->tile);
  plan->chunk = MIN (plan->chunk, most);
}

static void
make_plan (Plan *plan, const FlRanking *ranking, size_t k)
{
  const FlKernels *kernels = fl_kernels ();
  const FlFactors *f = ranking->factors;
  gboolean single = is_single (ranking);
  size_t real = single ? sizeof (float) : sizeof (double);
  size_t bytes = work_bytes ((size_t) omp_get_max_threads ()), bytes_block, width;

  *plan = (Plan) { .ranking = ranking, .k = k, .rank = f != NULL ? f->rank : 0,
                   .slack = k / 2, .careful = TRUE };
  plan->room = MIN (2 * k + k / 4 + 2 * SCAN, ranking->n_items);
  plan->tile = MODEL_TILE;
  plan->strip = MODEL_STRIP;
  plan->block = ranking->n_items;
  if (f != NULL)
    {
      plan->tile = single ? kernels->rank_f32->tile_users : kernels->rank_f64->tile_users;
      plan->strip = STRIP;
      width = single ? kernels->rank_f32->panel_items : kernels->rank_f64->panel_items;
      bytes_block = MIN (BLOCK_BYTES, bytes / 4);
      plan->block = MIN (bytes_block / (MAX (f->rank, 1) * real), ranking->n_items);
      plan->block = round_up (MAX (plan->block, 1), width);
      plan->careful = single ? may_overflow_f32 (ranking) : may_overflow_f64 (ranking);
    }
  plan_chunks (plan, (plan->room + SPARE) * (real + sizeof (uint32_t)) + plan->rank * real,
               bytes - bytes / 4);
}

/* ---- lists --------------------------------------------------------------- */

/* Scores of user u by n items from `first` on. */
static gboolean
score_plainly (const Plan *plan, uint32_t u, uint32_t first, size_t n, double *out,
               GError **error)
{
  const FlFactors *f = plan->ranking->factors;

  if (f == NULL)
    return score_block (plan, u, 1, first, n, out, error);
  for (size_t e = 0; e < n; e++)
    {
      size_t p = u * f->rank, q = (first + e) * f->rank;

      out[e] = 0;
      for (size_t a = 0; a < f->rank; a++)
        if (f->user_f32 != NULL)
          out[e] = (double) ((float) out[e] + f->user_f32[p + a] * f->item_f32[q + a]);
        else
          out[e] += f->user_f64[p + a] * f->item_f64[q + a];
    }
  return TRUE;
}

/* Names the first score that is not finite. */
static gboolean
blame_score (const Plan *plan, GError **error)
{
  const FlRanking *ranking = plan->ranking;
  const char *name = fl_instance_name (ranking->model);
  double score[MODEL_STRIP];

  for (uint32_t u = 0; u < ranking->n_users; u++)
    for (size_t i = 0; i < ranking->n_items; i += MODEL_STRIP)
      {
        size_t n = MIN (MODEL_STRIP, ranking->n_items - i);

        if (!score_plainly (plan, u, (uint32_t) i, n, score, error))
          return FALSE;
        for (size_t e = 0; e < n; e++)
          if (!isfinite (score[e]))
            return fl_fail (error, FL_ERROR_NUMERIC,
                            "model %s: the score of user %u and item %zu is %g", name, u, i + e,
                            score[e]);
      }
  return fl_fail (error, FL_ERROR_NUMERIC, "model %s: there is a score that is not finite", name);
}

static gboolean
output_init (Output *output, const FlRanking *ranking, size_t k, gboolean scored, gboolean tied,
             GError **error)
{
  size_t n = ranking->n_users * k;

  *output = (Output) { .length = fl_alloc (ranking->n_users, sizeof (uint32_t), error) };
  return output->length != NULL
         && (output->item = fl_alloc (n, sizeof (uint32_t), error)) != NULL
         && (!scored || (output->score = fl_alloc (n, sizeof (double), error)) != NULL)
         && (!tied || (output->tied = fl_alloc (n, 1, error)) != NULL);
}

static void
output_clear (Output *output)
{
  g_free (output->item);
  g_free (output->length);
  g_free (output->score);
  g_free (output->tied);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Output, output_clear)

FlLists *
fl_ranking_scored_lists (const FlRanking *ranking, size_t k, double **score, uint8_t **tied,
                         GError **error)
{
  g_auto (Output) output = { .item = NULL };
  Failure failure = { FALSE };
  FlLists *lists;
  Plan plan;

  if (!output_init (&output, ranking, k, score != NULL, tied != NULL, error))
    return NULL;
  make_plan (&plan, ranking, k);
  if (is_single (ranking))
    rank_all_f32 (&plan, &output, &failure);
  else
    rank_all_f64 (&plan, &output, &failure);
  if (failure.failed)
    {
      if (!failure.finite)
        blame_score (&plan, error);
      else
        g_propagate_error (error, failure.error);
      return NULL;
    }
  lists = g_new (FlLists, 1);
  *lists = (FlLists) { .size = sizeof *lists, .n_users = ranking->n_users, .k = k,
                       .item = g_steal_pointer (&output.item),
                       .length = g_steal_pointer (&output.length) };
  if (score != NULL)
    *score = g_steal_pointer (&output.score);
  if (tied != NULL)
    *tied = g_steal_pointer (&output.tied);
  return lists;
}

FlLists *
fl_ranking_lists (const FlRanking *ranking, size_t k, GError **error)
{
  return fl_ranking_scored_lists (ranking, k, NULL, NULL, error);
}
