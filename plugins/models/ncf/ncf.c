/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ncf: neural matrix factorisation (NeuMF).
 *
 *   g   = gmf_u * gmf_i                          (elementwise, gmf-rank numbers)
 *   z_0 = [mlp_u, mlp_i],   z_l = relu (W_l z_(l-1) + b_l)
 *   score = h . [g, z_last]
 *
 * with vectors of its own for each of the two towers [He et al., WWW 2017, eq. 12];
 * W_l: outputs x inputs.  There is no output bias, and no sigmoid: the score is what
 * would come before it.
 *
 * The first layer is linear in [mlp_u, mlp_i] before the ReLU, so that it is a sum of a
 * part of the user, which all her pairs share, and a part of the item, which all
 * users share.  For scores of many pairs both are there beforehand.
 */
#include "ncf.h"

#include <math.h>
#include <string.h>

static const FlParam params[] = {
  FL_INT (Ncf, gmf_rank, 32, 1, 4096, NULL,
          "numbers in the vector of a user or item for the elementwise product"),
  FL_INT (Ncf, mlp_rank, 32, 1, 4096, NULL,
          "numbers in the vector of a user or item for the layers"),
  FL_INTS (Ncf, layers, "32; 16; 8", 1, 4096, NULL, "outputs of each layer, from the first on"),
  FL_DOUBLE (Ncf, start_scale, 0.01, 0, 1e6, NULL,
             "standard deviation of the numbers in vectors at the start; weights of layers "
             "start as their sizes suggest"),
  FL_TRAINING_PARAMS (Ncf, training),
  FL_PARAM_END
};

/* ---- weights, packed --------------------------------------------------- */

static void
weights_pack (const Ncf *ncf, const NcfWeights *w)
{
  const FlBlock *W = &ncf->block[NCF_WEIGHTS + 2 * w->layer];

  for (size_t o = 0; o < w->n_out; o++)
    for (size_t a = 0; a < w->n_in; a++)
      {
        float value = W->f32[o * W->n_cols + w->column + a];

        w->forward[a * w->out + o] = value;
        w->backward[o * w->in + a] = value;
      }
}

void
ncf_pack (Ncf *ncf)
{
  const FlBlock *h = &ncf->block[ncf->n_blocks - 1];
  size_t rank = (size_t) ncf->gmf_rank;

  if (ncf->packed)
    return;
  for (size_t k = 0; k <= ncf->layers.n; k++)
    weights_pack (ncf, &ncf->weights[k]);
  for (size_t l = 0; l < ncf->layers.n; l++)
    {
      const FlBlock *b = &ncf->block[NCF_WEIGHTS + 2 * l + 1];

      memcpy (ncf->bias[l], b->f32, b->n_cols * sizeof (float));
    }
  memcpy (ncf->output, h->f32 + rank, (h->n_cols - rank) * sizeof (float));
  ncf->packed = TRUE;
}

/* ---- start ------------------------------------------------------------- */

static void
ncf_clear (gpointer self)
{
  Ncf *ncf = self;

  for (size_t b = 0; b < NCF_BLOCKS_MAX; b++)
    {
      g_free (ncf->block[b].f32);
      ncf->block[b] = (FlBlock) { 0 };
      g_clear_pointer (&ncf->name[b], g_free);
    }
  for (size_t k = 0; k <= NCF_LAYERS_MAX; k++)
    {
      g_free (ncf->weights[k].forward);
      g_free (ncf->weights[k].backward);
      ncf->weights[k] = (NcfWeights) { 0 };
    }
  for (size_t l = 0; l < NCF_LAYERS_MAX; l++)
    g_clear_pointer (&ncf->bias[l], g_free);
  g_clear_pointer (&ncf->output, g_free);
  g_clear_pointer (&ncf->item_hidden, g_free);
  g_clear_pointer (&ncf->work, ncf_work_free);
  ncf->n_blocks = ncf->n_partial = 0;
  ncf->packed = ncf->prepared = FALSE;
}

/* A block of numbers drawn row by row: normal with deviation `scale`. */
static gboolean
add_vectors (Ncf *ncf, const char *name, uint32_t n, int64_t rank, uint64_t seed, GError **error)
{
  FlBlock *block = &ncf->block[ncf->n_blocks];
  size_t m = (size_t) rank;
  g_autofree char *purpose = g_strconcat ("ncf ", name, NULL);

  block->f32 = fl_table_alloc (n * m, sizeof (float), error);
  if (block->f32 == NULL)
    return FALSE;
  block->name = ncf->name[ncf->n_blocks++] = g_strdup (name);
  block->n_rows = n;
  block->n_cols = m;
  for (size_t r = 0; r < n; r++)
    {
      FlRng rng = fl_rng (seed, purpose, r);

      for (size_t a = 0; a < m; a++)
        block->f32[r * m + a] = (float) (ncf->start_scale * fl_rng_normal (&rng));
    }
  return TRUE;
}

/* A block of numbers uniform between -bound and bound. */
static gboolean
add_weights (Ncf *ncf, char *name, size_t n, size_t m, double bound, uint64_t seed,
             GError **error)
{
  FlBlock *block = &ncf->block[ncf->n_blocks];
  FlRng rng = fl_rng (seed, "ncf weights", ncf->n_blocks);

  block->name = ncf->name[ncf->n_blocks++] = name;
  block->f32 = fl_table_alloc (n * m, sizeof (float), error);
  if (block->f32 == NULL)
    return FALSE;
  block->n_rows = (uint32_t) n;
  block->n_cols = m;
  for (size_t k = 0; k < n * m && bound > 0; k++)
    block->f32[k] = (float) (bound * (2 * fl_rng_uniform (&rng) - 1));
  return TRUE;
}

/* W_l by Glorot and Bengio, biases 0, h by its number of inputs. */
static gboolean
add_layers (Ncf *ncf, uint64_t seed, GError **error)
{
  size_t in = 2 * (size_t) ncf->mlp_rank, last;

  for (size_t l = 0; l < ncf->layers.n; l++)
    {
      size_t out = (size_t) ncf->layers.v[l];

      if (!add_weights (ncf, g_strdup_printf ("W%zu", l + 1), out, in,
                        sqrt (6 / (double) (in + out)), seed, error)
          || !add_weights (ncf, g_strdup_printf ("b%zu", l + 1), 1, out, 0, seed, error))
        return FALSE;
      in = out;
    }
  last = (size_t) ncf->gmf_rank + in;
  return add_weights (ncf, g_strdup ("h"), 1, last, sqrt (3 / (double) last), seed, error);
}

static gboolean
weights_init (Ncf *ncf, NcfWeights *w, size_t layer, size_t n_in, size_t column, GError **error)
{
  w->layer = layer;
  w->n_in = n_in;
  w->n_out = (size_t) ncf->layers.v[layer];
  w->column = column;
  w->in = FL_PAD (w->n_in);
  w->out = FL_PAD (w->n_out);
  w->partial = ncf->n_partial;
  ncf->n_partial += w->in * w->out;
  return (w->forward = fl_table_alloc (w->in * w->out, sizeof (float), error)) != NULL
         && (w->backward = fl_table_alloc (w->in * w->out, sizeof (float), error)) != NULL;
}

/* Room for packed weights, and places of derivatives. */
static gboolean
ncf_start_layers (Ncf *ncf, GError **error)
{
  size_t rank = (size_t) ncf->mlp_rank;

  if (!weights_init (ncf, &ncf->weights[NCF_FROM_USER], 0, rank, 0, error)
      || !weights_init (ncf, &ncf->weights[NCF_FROM_ITEM], 0, rank, rank, error))
    return FALSE;
  for (size_t l = 1; l < ncf->layers.n; l++)
    if (!weights_init (ncf, &ncf->weights[l + 1], l, (size_t) ncf->layers.v[l - 1], 0, error))
      return FALSE;
  for (size_t l = 0; l < ncf->layers.n; l++)
    {
      ncf->bias_partial[l] = ncf->n_partial;
      ncf->n_partial += ncf_width (ncf, l);
      ncf->bias[l] = fl_table_alloc (ncf_width (ncf, l), sizeof (float), error);
      if (ncf->bias[l] == NULL)
        return FALSE;
    }
  ncf->output_partial = ncf->n_partial;
  ncf->n_partial += (size_t) ncf->gmf_rank + ncf_width (ncf, ncf_last (ncf));
  ncf->output = fl_table_alloc (ncf_width (ncf, ncf_last (ncf)), sizeof (float), error);
  ncf->item_hidden = fl_table_alloc (ncf->n_items * ncf_width (ncf, 0), sizeof (float), error);
  return ncf->output != NULL && ncf->item_hidden != NULL;
}

static gboolean
ncf_start (gpointer self, const FlRatings *train, uint64_t seed, GError **error)
{
  Ncf *ncf = self;

  ncf_clear (ncf);
  ncf->n_users = train->n_users;
  ncf->n_items = train->n_items;
  return add_vectors (ncf, "gmf-user", ncf->n_users, ncf->gmf_rank, seed, error)
         && add_vectors (ncf, "gmf-item", ncf->n_items, ncf->gmf_rank, seed, error)
         && add_vectors (ncf, "mlp-user", ncf->n_users, ncf->mlp_rank, seed, error)
         && add_vectors (ncf, "mlp-item", ncf->n_items, ncf->mlp_rank, seed, error)
         && add_layers (ncf, seed, error) && ncf_start_layers (ncf, error);
}

static size_t
ncf_blocks (gpointer self, const FlBlock **blocks)
{
  Ncf *ncf = self;

  *blocks = ncf->block;
  return ncf->n_blocks;
}

/* Of an item, or of a user: GMF first. */
static size_t
ncf_vector_width (gconstpointer self)
{
  const Ncf *ncf = self;

  return (size_t) (ncf->gmf_rank + ncf->mlp_rank);
}

/* GMF, then MLP. */
static gboolean
ncf_vectors (gpointer self, FlSide side, size_t n, const uint32_t *index, double *out,
             GError **error)
{
  const Ncf *ncf = self;
  const FlBlock *gmf = &ncf->block[side == FL_SIDE_USER ? NCF_GMF_USER : NCF_GMF_ITEM];
  const FlBlock *mlp = &ncf->block[side == FL_SIDE_USER ? NCF_MLP_USER : NCF_MLP_ITEM];

  (void) error;
  for (size_t k = 0; k < n; k++)
    {
      for (size_t a = 0; a < gmf->n_cols; a++)
        *out++ = gmf->f32[index[k] * gmf->n_cols + a];
      for (size_t a = 0; a < mlp->n_cols; a++)
        *out++ = mlp->f32[index[k] * mlp->n_cols + a];
    }
  return TRUE;
}

static gboolean
ncf_vectors_back (gpointer self, FlSide side, size_t n, const uint32_t *index,
                  const double *d_out, FlGradient *gradient, GError **error)
{
  FlGradientBlock *gmf = &gradient->block[side == FL_SIDE_USER ? NCF_GMF_USER : NCF_GMF_ITEM];
  FlGradientBlock *mlp = &gradient->block[side == FL_SIDE_USER ? NCF_MLP_USER : NCF_MLP_ITEM];

  (void) self;
  (void) error;
  for (size_t k = 0; k < n; k++)
    {
      float *d_gmf = fl_gradient_row (gmf, index[k]), *d_mlp = fl_gradient_row (mlp, index[k]);

      for (size_t a = 0; a < gmf->n_cols; a++)
        d_gmf[a] += (float) *d_out++;
      for (size_t a = 0; a < mlp->n_cols; a++)
        d_mlp[a] += (float) *d_out++;
    }
  return TRUE;
}

static void
ncf_parameters_changed (gpointer self)
{
  Ncf *ncf = self;

  ncf->packed = ncf->prepared = FALSE;
}

static const FlTrainingSettings *
ncf_settings (gconstpointer self)
{
  const Ncf *ncf = self;

  return &ncf->training;
}

/* ---- scores of users x items ------------------------------------------- */

/* Pairs of one user scored at a time. */
#define SCORE_PAIRS ((size_t) 128)

/* Copies n vectors of a block, padded, from row `first` on. */
static void
pad_vectors (const FlBlock *block, const uint32_t *row, size_t first, size_t n, float *to)
{
  for (size_t k = 0; k < n; k++)
    memcpy (to + k * FL_PAD (block->n_cols),
            block->f32 + (row != NULL ? row[k] : first + k) * block->n_cols,
            block->n_cols * sizeof *to);
}

static gboolean
ncf_prepare_scores (gpointer self, GError **error)
{
  Ncf *ncf = self;
  size_t m = ncf_width (ncf, 0), pad = FL_PAD ((size_t) ncf->mlp_rank);
  g_autofree float *x = g_new0 (float, SCORE_PAIRS *pad);

  (void) error;
  ncf_pack (ncf);
  for (size_t i = 0; i < ncf->n_items && !ncf->prepared; i += SCORE_PAIRS)
    {
      size_t n = MIN (SCORE_PAIRS, ncf->n_items - i);

      pad_vectors (&ncf->block[NCF_MLP_ITEM], NULL, i, n, x);
      ncf_item_hidden (ncf, n, x, ncf->item_hidden + i * m);
    }
  ncf->prepared = TRUE;
  return TRUE;
}

/* What a thread needs for the scores of one user. */
typedef struct
{
  float *gmf, *mlp, *hidden;
  float *z[NCF_LAYERS_MAX];
  double *out; /* SCORE_PAIRS */
} Scratch;

static void
scratch_init (Scratch *scratch, const Ncf *ncf)
{
  scratch->gmf = g_new (float, (size_t) ncf->gmf_rank);
  scratch->mlp = g_new0 (float, FL_PAD ((size_t) ncf->mlp_rank));
  scratch->hidden = g_new (float, ncf_width (ncf, 0));
  for (size_t l = 0; l < ncf->layers.n; l++)
    scratch->z[l] = g_new (float, SCORE_PAIRS *ncf_width (ncf, l));
  scratch->out = g_new (double, SCORE_PAIRS);
}

static void
scratch_clear (Scratch *scratch, const Ncf *ncf)
{
  g_free (scratch->gmf);
  g_free (scratch->mlp);
  g_free (scratch->hidden);
  for (size_t l = 0; l < ncf->layers.n; l++)
    g_free (scratch->z[l]);
  g_free (scratch->out);
}

/* Scores of a user, who is in the scratch, and n items.  The very sums of
 * ncf_scores. */
static void
score_items (const Ncf *ncf, size_t n, const uint32_t *item, const Scratch *scratch, double *out)
{
  size_t m = ncf_width (ncf, 0), rank = (size_t) ncf->gmf_rank, last = ncf_width (ncf, ncf_last (ncf));

  for (size_t k = 0; k < n; k++)
    ncf_first_layer (m, scratch->hidden, ncf->item_hidden + item[k] * m, scratch->z[0] + k * m);
  ncf_layers (ncf, n, scratch->z);
  fl_dot_rows_f32 (n, item, rank, ncf->block[NCF_GMF_ITEM].f32, rank, scratch->gmf, out);
  fl_dot_rows_f32 (n, NULL, last, scratch->z[ncf_last (ncf)], last, ncf->output, scratch->out);
  for (size_t k = 0; k < n; k++)
    out[k] = (float) (out[k] + scratch->out[k]);
}

static void
score_user (const Ncf *ncf, uint32_t u, size_t n_items, const uint32_t *item,
            const Scratch *scratch, double *out)
{
  size_t rank = (size_t) ncf->gmf_rank;
  const float *h = ncf->block[ncf->n_blocks - 1].f32;
  const float *user = ncf->block[NCF_GMF_USER].f32 + u * rank;

  for (size_t a = 0; a < rank; a++)
    scratch->gmf[a] = h[a] * user[a];
  pad_vectors (&ncf->block[NCF_MLP_USER], &u, 0, 1, scratch->mlp);
  ncf_user_hidden (ncf, 1, scratch->mlp, scratch->hidden);
  for (size_t k = 0; k < n_items; k += SCORE_PAIRS)
    score_items (ncf, MIN (SCORE_PAIRS, n_items - k), item + k, scratch, out + k);
}

/* Pairs from which threads gain more than they lose by waiting. */
#define SCORES_OF_THREADS 4096

static gboolean
ncf_score (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
           const uint32_t *item, double *out, GError **error)
{
  const Ncf *ncf = self;

  (void) error;
#pragma omp parallel if (n_users > 1 && n_users * n_items >= SCORES_OF_THREADS)
  {
    Scratch scratch;

    scratch_init (&scratch, ncf);
#pragma omp for schedule(static)
    for (size_t k = 0; k < n_users; k++)
      score_user (ncf, user[k], n_items, item, &scratch, out + k * n_items);
    scratch_clear (&scratch, ncf);
  }
  return TRUE;
}

static gboolean
ncf_check (gconstpointer self, GError **error)
{
  const Ncf *ncf = self;

  if (ncf->layers.n < 1 || ncf->layers.n > NCF_LAYERS_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "layers: must be from 1 to %d of them, not %zu",
                    NCF_LAYERS_MAX, ncf->layers.n);
  if (!(ncf->start_scale > 0))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "start-scale = 0: vectors need a positive scale, or all users and items stay "
                    "alike");
  return TRUE;
}

FL_PLUGIN (
  .name = "ncf",
  .summary = "neural matrix factorisation: an elementwise product beside layers",
  .description
  = "Scores a user and an item by a weighted sum of the elementwise product of two vectors, and "
    "of what a few layers with ReLU make of two others.  Trained by gradients, on which items a "
    "user has rated, or with loss = squared on the ratings themselves.  The score is what comes "
    "before a sigmoid; there is no output bias.  The penalty is on the vectors of users and items.",
  .reference = "He et al. (WWW 2017), eq. 12; the backbone NCF of FDA",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Ncf),
  .check = ncf_check,
  .clear = ncf_clear,
  FL_MODEL (.score = ncf_score,
            FL_GRADIENT (.settings = ncf_settings, .start = ncf_start, .blocks = ncf_blocks,
                         .scores = ncf_scores, .backward = ncf_backward,
                         .item_width = ncf_vector_width, .user_width = ncf_vector_width,
                         .parameters_changed = ncf_parameters_changed,
                         .prepare_scores = ncf_prepare_scores, .vectors = ncf_vectors,
                         .vectors_back = ncf_vectors_back))
);
