/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-mf: matrix factorisation for rankings.
 *
 *   s_ui = e_u . e_i,   minimise  mean of -ln sigma (s_ui - s_uj)
 *                                 + l2 (|e_u|^2 + |e_i|^2 + |e_j|^2)
 *
 * over triples of a user u, an item i that u has in the training ratings, and one,
 * j, that u has not [Rendle et al. 2009, sec. 4].  With tau
 *
 *   s_ui = tau cos (e_u, e_i)                                        [itfr, eq. 8];
 *
 * the program released with that paper divides by tau.  The cosine with a vector of
 * length 0 is 0, and so is its derivative.  Other losses of the same scores: `loss`.
 *
 * The host trains it, by batches; `optimizer = stream` is the loop of [Rendle et al.
 * 2009, fig. 4] over single triples, bpr-stream.c.
 */
#include "bpr-mf.h"

#include <math.h>

enum
{
  START_XAVIER,
  START_NORMAL
};

enum
{
  TEMPERATURE_MULTIPLY,
  TEMPERATURE_DIVIDE
};

enum
{
  SCHEDULE_LINEAR,
  SCHEDULE_CONSTANT
};

static const FlParam params[] = {
  FL_INT (BprMf, rank, 64, 1, BPR_RANK_MAX, NULL, "number of factors of a user or item"),
  FL_CHOICE (BprMf, start, START_XAVIER, "xavier|normal",
             "first factors: uniform between +-sqrt (6 / (rows + rank)), or normal"),
  FL_DOUBLE (BprMf, start_scale, 0.01, 0, 1e6, NULL, "standard deviation of a normal start"),
  FL_DOUBLE (BprMf, tau, 0, 0, 1e6, NULL,
             "scores are this times the cosine of the two vectors; 0: their inner product"),
  FL_CHOICE (BprMf, temperature, TEMPERATURE_MULTIPLY, "multiply|divide",
             "whether the cosine is multiplied by tau or divided by it, as in the program "
             "released with ITFR"),
  FL_CHOICE (BprMf, schedule, SCHEDULE_LINEAR, "linear|constant",
             "of optimizer = stream: the step size falls to 0 over the epochs, or, as in the "
             "paper, stays; falling it gains several percent of NDCG"),
  FL_TRAINING_PARAMS (BprMf, training),
  FL_PARAM_END
};

double
bpr_scale (const BprMf *bpr)
{
  return bpr->temperature == TEMPERATURE_DIVIDE && bpr->tau > 0 ? 1 / bpr->tau : bpr->tau;
}

static const FlTrainingSettings *
bpr_settings (gconstpointer self)
{
  return &((const BprMf *) self)->training;
}

static gboolean
bpr_check (gconstpointer self, GError **error)
{
  const BprMf *bpr = self;
  gboolean streams = bpr->training.optimizer == FL_OPTIMIZER_STREAM;

  if (bpr->start == START_NORMAL && !(bpr->start_scale > 0))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "start-scale = 0: a normal start needs a positive scale, or no factor ever "
                    "leaves 0");
  if (streams && bpr->training.loss != FL_LOSS_BPR)
    return fl_fail (error, FL_ERROR_CONFIG, "optimizer = stream: only with loss = bpr");
  if (streams && bpr->tau > 0)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "optimizer = stream: only of inner products, tau = 0, not tau = %g", bpr->tau);
  if (streams && bpr->training.clip > 0)
    return fl_fail (error, FL_ERROR_CONFIG, "optimizer = stream: only without clip, not clip = %g",
                    bpr->training.clip);
  return TRUE;
}

/* ---- start ------------------------------------------------------------- */

static void
bpr_clear (gpointer self)
{
  BprMf *bpr = self;

  for (size_t b = 0; b < BPR_N_BLOCKS; b++)
    {
      g_clear_pointer (&bpr->block[b].f32, g_free);
      g_clear_pointer (&bpr->unit[b], g_free);
    }
  g_clear_pointer (&bpr->penalty, g_free);
  g_clear_pointer (&bpr->factor, g_free);
  bpr->n_entries = bpr->n_scores = 0;
  g_clear_pointer (&bpr->stream, bpr_stream_free);
  bpr->train = NULL;
}

static void
start_row (const BprMf *bpr, const FlBlock *block, uint64_t seed, uint32_t r)
{
  FlRng rng = fl_rng (seed, block->name, r);
  double bound = sqrt (6 / ((double) block->n_rows + (double) block->n_cols));

  for (size_t a = 0; a < block->n_cols; a++)
    block->f32[r * block->n_cols + a]
        = (float) (bpr->start == START_NORMAL ? bpr->start_scale * fl_rng_normal (&rng)
                                              : bound * (2 * fl_rng_uniform (&rng) - 1));
}

static gboolean
start_block (BprMf *bpr, size_t b, const char *name, uint32_t n_rows, uint64_t seed,
             GError **error)
{
  FlBlock *block = &bpr->block[b];

  *block = (FlBlock) { .name = name, .n_rows = n_rows, .n_cols = (size_t) bpr->rank };
  block->f32 = fl_table_alloc (n_rows * block->n_cols, sizeof (float), error);
  if (block->f32 == NULL)
    return FALSE;
  if (bpr->tau > 0)
    bpr->unit[b] = fl_table_alloc (n_rows * block->n_cols, sizeof (float), error);
  if (bpr->tau > 0 && bpr->unit[b] == NULL)
    return FALSE;
#pragma omp parallel for schedule(static)
  for (uint32_t r = 0; r < n_rows; r++)
    start_row (bpr, block, seed, r);
  return TRUE;
}

static gboolean
bpr_start (gpointer self, const FlRatings *train, uint64_t seed, GError **error)
{
  BprMf *bpr = self;

  bpr_clear (bpr);
  bpr->train = train;
  return start_block (bpr, BPR_USER, "user", train->n_users, seed, error)
         && start_block (bpr, BPR_ITEM, "item", train->n_items, seed, error);
}

static size_t
bpr_blocks (gpointer self, const FlBlock **blocks)
{
  *blocks = ((BprMf *) self)->block;
  return BPR_N_BLOCKS;
}

/* Of an item, or of a user. */
static size_t
bpr_width (gconstpointer self)
{
  return (size_t) ((const BprMf *) self)->rank;
}

/* ---- factors ----------------------------------------------------------- */

/* to <- rows of the block at length `scale`; a row of 0 stays. */
static void
scale_block (const FlBlock *block, double scale, float *to)
{
  size_t m = block->n_cols;

#pragma omp parallel for schedule(static)
  for (uint32_t r = 0; r < block->n_rows; r++)
    {
      const float *row = block->f32 + r * m;
      double norm = sqrt (fl_dot_f32 (m, row, row));

      for (size_t a = 0; a < m; a++)
        to[r * m + a] = norm > 0 ? (float) (scale * row[a] / norm) : 0;
    }
}

static gboolean
bpr_prepare_scores (gpointer self, GError **error)
{
  BprMf *bpr = self;

  (void) error;
  if (bpr->tau > 0)
    {
      scale_block (&bpr->block[BPR_USER], bpr_scale (bpr), bpr->unit[BPR_USER]);
      scale_block (&bpr->block[BPR_ITEM], 1, bpr->unit[BPR_ITEM]);
    }
  return TRUE;
}

static void
bpr_factors (gconstpointer self, FlFactors *factors)
{
  const BprMf *bpr = self;
  const FlBlock *user = &bpr->block[BPR_USER], *item = &bpr->block[BPR_ITEM];

  factors->n_users = user->n_rows;
  factors->n_items = item->n_rows;
  factors->rank = user->n_cols;
  factors->user_f32 = bpr->tau > 0 ? bpr->unit[BPR_USER] : user->f32;
  factors->item_f32 = bpr->tau > 0 ? bpr->unit[BPR_ITEM] : item->f32;
}

/* ---- stream ------------------------------------------------------------ */

static gboolean
bpr_stream (gpointer self, uint64_t seed, uint64_t epoch, double *loss, GError **error)
{
  BprMf *bpr = self;
  const FlTrainingSettings *training = &bpr->training;
  double left = 1 - (double) epoch / (double) training->epochs;
  double rate = training->learning_rate * (bpr->schedule == SCHEDULE_LINEAR ? MAX (left, 0) : 1);

  if (bpr->stream == NULL)
    bpr->stream = bpr_stream_new (bpr->train, error);
  if (bpr->stream == NULL)
    return FALSE;
  *loss = bpr_stream_epoch (bpr->stream, bpr, (float) rate, seed, epoch);
  return TRUE;
}

FL_PLUGIN (
  .name = "bpr-mf",
  .summary = "matrix factorisation by Bayesian personalised ranking",
  .description
  = "Ranks items for a user by the inner product of their vectors, trained so that what the user "
    "has rated, whatever the rating, comes before what the user has not.  Every training rating "
    "is met once in an epoch, each time with items drawn anew among those that the user has not "
    "rated.  With tau the score is that multiple of the cosine of the vectors; with loss = squared "
    "it predicts the rating.",
  .reference = "Rendle et al., BPR: Bayesian personalized ranking from implicit feedback (UAI "
               "2009); the normalised score: ITFR (WWW 2024), eq. 8",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (BprMf),
  .check = bpr_check,
  .clear = bpr_clear,
  FL_MODEL (.factors = bpr_factors,
            FL_GRADIENT (.settings = bpr_settings, .start = bpr_start, .blocks = bpr_blocks,
                         .scores = bpr_scores, .backward = bpr_backward,
                         .item_width = bpr_width, .user_width = bpr_width,
                         .prepare_scores = bpr_prepare_scores, .stream = bpr_stream,
                         .vectors = bpr_vectors, .vectors_back = bpr_vectors_back))
);
