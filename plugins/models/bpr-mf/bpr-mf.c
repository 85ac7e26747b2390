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
 * length 0 is 0, and so is its derivative.  Other losses of the same scores: `loss`.  With
 * `biases`
 *
 *   s_ui = e_u . e_i + b_u + b_i                          [yao, eq. 4.2 and 4.3],
 *
 * biases weighed by l2 as vectors are.  With `mean` the mean training rating is added, a
 * constant that nothing trains.
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
  FL_CHOICE (BprMf, temperature, BPR_TEMPERATURE_MULTIPLY, "multiply|divide",
             "whether the cosine is multiplied by tau or divided by it, as in the program "
             "released with ITFR"),
  FL_CHOICE (BprMf, schedule, SCHEDULE_LINEAR, "linear|constant",
             "of optimizer = stream: the step size falls to 0 over the epochs, or, as in the "
             "paper, stays; falling it gains several percent of NDCG"),
  FL_BOOL (BprMf, biases, FALSE,
           "one more number each for a user and an item, added to the score; begins at 0"),
  FL_BOOL (BprMf, mean, FALSE,
           "of biases: they are beside the mean training rating, which is added to every score"),
  FL_CHOICE (BprMf, precision, BPR_SINGLE, "single|double", "of parameters and their gradients"),
  FL_TRAINING_PARAMS (BprMf, training),
  FL_PARAM_END
};

static const BprPrecision *
bpr_precision (const BprMf *bpr)
{
  return bpr->precision == BPR_DOUBLE ? &bpr_double : &bpr_single;
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
  if (bpr->tau > 0 && bpr->biases)
    return fl_fail (error, FL_ERROR_CONFIG, "biases = true: only beside inner products, tau = 0, "
                    "not tau = %g", bpr->tau);
  if (bpr->mean && !bpr->biases)
    return fl_fail (error, FL_ERROR_CONFIG, "mean = true: only beside biases = true");
  if (bpr->mean && bpr->training.loss != FL_LOSS_SQUARED)
    return fl_fail (error, FL_ERROR_CONFIG, "mean = true: only with loss = squared, where scores "
                    "are ratings");
  if (streams && bpr->biases)
    return fl_fail (error, FL_ERROR_CONFIG, "optimizer = stream: only without biases");
  if (streams && bpr->precision != BPR_SINGLE)
    return fl_fail (error, FL_ERROR_CONFIG, "optimizer = stream: only with precision = single");
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
      g_clear_pointer (&bpr->block[b].f64, g_free);
    }
  for (size_t b = 0; b < G_N_ELEMENTS (bpr->factors); b++)
    g_clear_pointer (&bpr->factors[b], g_free);
  g_clear_pointer (&bpr->penalty, g_free);
  g_clear_pointer (&bpr->factor, g_free);
  bpr->n_entries = bpr->n_scores = 0;
  g_clear_pointer (&bpr->stream, bpr_stream_free);
  bpr->train = NULL;
}

static void
start_row (const BprMf *bpr, const FlBlock *block, uint64_t seed, uint32_t r)
{
  const BprPrecision *precision = bpr_precision (bpr);
  FlRng rng = fl_rng (seed, block->name, r);
  double bound = sqrt (6 / ((double) block->n_rows + (double) block->n_cols));

  for (size_t a = 0; a < block->n_cols; a++)
    precision->set_number (block, r * block->n_cols + a,
                           bpr->start == START_NORMAL ? bpr->start_scale * fl_rng_normal (&rng)
                                                      : bound * (2 * fl_rng_uniform (&rng) - 1));
}

/* Zero. */
static gboolean
add_block (BprMf *bpr, size_t b, const char *name, uint32_t n_rows, size_t n_cols, GError **error)
{
  FlBlock *block = &bpr->block[b];
  gpointer values = fl_table_alloc (n_rows * n_cols, bpr_precision (bpr)->size, error);

  *block = (FlBlock) { .name = name, .n_rows = n_rows, .n_cols = n_cols };
  if (bpr->precision == BPR_DOUBLE)
    block->f64 = values;
  else
    block->f32 = values;
  return values != NULL;
}

/* Vectors of a side, and room for its factors where these are other numbers. */
static gboolean
start_vectors (BprMf *bpr, size_t b, const char *name, uint32_t n_rows, uint64_t seed,
               GError **error)
{
  if (!add_block (bpr, b, name, n_rows, (size_t) bpr->rank, error))
    return FALSE;
#pragma omp parallel for schedule(static)
  for (uint32_t r = 0; r < n_rows; r++)
    start_row (bpr, &bpr->block[b], seed, r);
  if (!(bpr->tau > 0) && !bpr->biases)
    return TRUE;
  bpr->factors[b] = fl_table_alloc (n_rows * bpr_factor_width (bpr), bpr_precision (bpr)->size,
                                    error);
  return bpr->factors[b] != NULL;
}

static double
mean_rating (const FlRatings *train)
{
  double sum = 0;

  for (size_t k = 0; k < train->n; k++)
    sum += fl_csr_value (&train->by_user, k);
  return train->n > 0 ? sum / (double) train->n : 0;
}

static gboolean
bpr_start (gpointer self, const FlRatings *train, uint64_t seed, GError **error)
{
  BprMf *bpr = self;

  bpr_clear (bpr);
  bpr->train = train;
  bpr->offset = bpr->mean ? mean_rating (train) : 0;
  return start_vectors (bpr, BPR_USER, "user", train->n_users, seed, error)
         && start_vectors (bpr, BPR_ITEM, "item", train->n_items, seed, error)
         && (!bpr->biases
             || (add_block (bpr, BPR_USER_BIAS, "user-bias", train->n_users, 1, error)
                 && add_block (bpr, BPR_ITEM_BIAS, "item-bias", train->n_items, 1, error)));
}

static size_t
bpr_blocks (gpointer self, const FlBlock **blocks)
{
  const BprMf *bpr = self;

  *blocks = bpr->block;
  return bpr->biases ? BPR_N_BLOCKS : BPR_USER_BIAS;
}

/* Of an item, or of a user. */
static size_t
bpr_width (gconstpointer self)
{
  return (size_t) ((const BprMf *) self)->rank;
}

/* ---- batches ----------------------------------------------------------- */

static gboolean
bpr_scores (gpointer self, const FlBatch *batch, double *score, GError **error)
{
  const BprMf *bpr = self;

  (void) error;
  bpr_precision (bpr)->scores (bpr, batch, score);
  return TRUE;
}

static gboolean
bpr_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
              FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  BprMf *bpr = self;

  return bpr_precision (bpr)->backward (bpr, batch, d_score, l2, gradient, d_delta, error);
}

/* e, also where scores are of cosines, and without biases. */
static gboolean
bpr_vectors (gpointer self, FlSide side, size_t n, const uint32_t *index, double *out,
             GError **error)
{
  const BprMf *bpr = self;

  (void) error;
  bpr_precision (bpr)->vectors (bpr, side == FL_SIDE_USER ? BPR_USER : BPR_ITEM, n, index, out);
  return TRUE;
}

static gboolean
bpr_vectors_back (gpointer self, FlSide side, size_t n, const uint32_t *index,
                  const double *d_out, FlGradient *gradient, GError **error)
{
  const BprMf *bpr = self;

  (void) error;
  bpr_precision (bpr)->vectors_back (bpr, side == FL_SIDE_USER ? BPR_USER : BPR_ITEM, n, index,
                                     d_out, gradient);
  return TRUE;
}

/* ---- factors ----------------------------------------------------------- */

static gboolean
bpr_prepare_scores (gpointer self, GError **error)
{
  BprMf *bpr = self;
  const BprPrecision *precision = bpr_precision (bpr);

  (void) error;
  for (size_t b = 0; b < G_N_ELEMENTS (bpr->factors); b++)
    if (bpr->factors[b] != NULL)
#pragma omp parallel for schedule(static)
      for (uint32_t r = 0; r < bpr->block[b].n_rows; r++)
        precision->factor_row (bpr, b, r, bpr->factors[b]);
  return TRUE;
}

static void
bpr_factors (gconstpointer self, FlFactors *factors)
{
  const BprMf *bpr = self;
  const FlBlock *user = &bpr->block[BPR_USER], *item = &bpr->block[BPR_ITEM];
  gconstpointer user_rows = bpr->factors[BPR_USER], item_rows = bpr->factors[BPR_ITEM];

  factors->n_users = user->n_rows;
  factors->n_items = item->n_rows;
  factors->rank = bpr_factor_width (bpr);
  if (bpr->precision == BPR_DOUBLE)
    {
      factors->user_f64 = user_rows != NULL ? user_rows : user->f64;
      factors->item_f64 = item_rows != NULL ? item_rows : item->f64;
    }
  else
    {
      factors->user_f32 = user_rows != NULL ? user_rows : user->f32;
      factors->item_f32 = item_rows != NULL ? item_rows : item->f32;
    }
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
    "it predicts the rating, with biases of users and items if wanted.",
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
