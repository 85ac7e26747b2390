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
#include <omp.h>
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

/* ---- start ------------------------------------------------------------- */

static void
ncf_clear (gpointer self)
{
  Ncf *ncf = self;

  /* Between the vectors and h lie those of the tower. */
  for (size_t b = 0; b < ncf->n_blocks; b++)
    if (b < NCF_WEIGHTS || b == NCF_WEIGHTS + 2 * ncf->layers.n)
      g_free (ncf->block[b].f32);
  memset (ncf->block, 0, sizeof ncf->block);
  g_clear_pointer (&ncf->work, ncf_work_free);
  g_clear_pointer (&ncf->tower, fl_layers_free);
  g_clear_pointer (&ncf->output, g_free);
  g_clear_pointer (&ncf->item_hidden, g_free);
  ncf->n_blocks = 0;
  ncf->packed = ncf->prepared = FALSE;
}

static FlBlock *
add_block (Ncf *ncf, const char *name, uint32_t n_rows, size_t n_cols, GError **error)
{
  FlBlock *block = &ncf->block[ncf->n_blocks];

  *block = (FlBlock) { .name = name, .n_rows = n_rows, .n_cols = n_cols };
  block->f32 = fl_table_alloc (n_rows * n_cols, sizeof (float), error);
  if (block->f32 == NULL)
    return NULL;
  ncf->n_blocks++;
  return block;
}

/* Vectors drawn row by row: normal with deviation start-scale. */
static gboolean
add_vectors (Ncf *ncf, const char *name, uint32_t n, int64_t rank, uint64_t seed, GError **error)
{
  FlBlock *block = add_block (ncf, name, n, (size_t) rank, error);
  g_autofree char *purpose = g_strconcat ("ncf ", name, NULL);

  if (block == NULL)
    return FALSE;
  for (uint32_t r = 0; r < n; r++)
    {
      FlRng rng = fl_rng (seed, purpose, r);

      for (size_t a = 0; a < block->n_cols; a++)
        block->f32[r * block->n_cols + a] = (float) (ncf->start_scale * fl_rng_normal (&rng));
    }
  return TRUE;
}

/* The tower, whose blocks are among those of the model. */
static gboolean
add_tower (Ncf *ncf, uint64_t seed, GError **error)
{
  size_t rank = (size_t) ncf->mlp_rank, n_blocks, output[NCF_LAYERS_MAX];
  const FlBlock *blocks;

  for (size_t l = 0; l < ncf->layers.n; l++)
    output[l] = (size_t) ncf->layers.v[l];
  ncf->tower = fl_layers_new (&FL_LAYERS_SHAPE (
      .n_inputs = 2, .input = (const size_t[]){ [NCF_FROM_USER] = rank, [NCF_FROM_ITEM] = rank },
      .n_layers = ncf->layers.n, .output = output, .hidden = FL_ACTIVATION_RELU,
      .last = FL_ACTIVATION_RELU), error);
  if (ncf->tower == NULL)
    return FALSE;
  fl_layers_start (ncf->tower, seed, "ncf weights", NCF_WEIGHTS);
  n_blocks = fl_layers_blocks (ncf->tower, &blocks);
  memcpy (&ncf->block[NCF_WEIGHTS], blocks, n_blocks * sizeof *blocks);
  ncf->n_blocks += n_blocks;
  return TRUE;
}

/* h: as many numbers as there are inputs to the score, uniform by their number. */
static gboolean
add_output (Ncf *ncf, uint64_t seed, GError **error)
{
  FlRng rng = fl_rng (seed, "ncf weights", ncf->n_blocks);
  size_t n = (size_t) (ncf->gmf_rank + ncf->layers.v[ncf->layers.n - 1]);
  FlBlock *block = add_block (ncf, "h", 1, n, error);

  if (block == NULL)
    return FALSE;
  for (size_t k = 0; k < n; k++)
    block->f32[k] = (float) (sqrt (3 / (double) n) * (2 * fl_rng_uniform (&rng) - 1));
  ncf->output = fl_table_alloc (ncf_last_width (ncf), sizeof (float), error);
  if (ncf->output == NULL)
    return FALSE;
  ncf->item_hidden = fl_table_alloc (ncf->n_items * ncf_first_width (ncf), sizeof (float), error);
  return ncf->item_hidden != NULL;
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
         && add_tower (ncf, seed, error) && add_output (ncf, seed, error);
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
  size_t m = ncf_first_width (ncf), pad = FL_PAD ((size_t) ncf->mlp_rank);
  g_autofree float *x = g_new0 (float, SCORE_PAIRS *pad);

  (void) error;
  ncf_pack (ncf);
  for (size_t i = 0; i < ncf->n_items && !ncf->prepared; i += SCORE_PAIRS)
    {
      size_t n = MIN (SCORE_PAIRS, ncf->n_items - i);

      pad_vectors (&ncf->block[NCF_MLP_ITEM], NULL, i, n, x);
      fl_layers_sum_input (ncf->tower, NCF_FROM_ITEM, n, x, ncf->item_hidden + i * m);
    }
  ncf->prepared = TRUE;
  return TRUE;
}

/* What a thread needs for the scores of one user. */
typedef struct
{
  float *gmf, *mlp, *hidden;
  FlLayersWork *tower;
  double *out; /* SCORE_PAIRS */
} Scratch;

static gboolean
scratch_init (Scratch *scratch, const Ncf *ncf, GError **error)
{
  scratch->gmf = g_new (float, (size_t) ncf->gmf_rank);
  scratch->mlp = g_new0 (float, FL_PAD ((size_t) ncf->mlp_rank));
  scratch->hidden = g_new (float, ncf_first_width (ncf));
  scratch->out = g_new (double, SCORE_PAIRS);
  scratch->tower = fl_layers_work_new (ncf->tower, SCORE_PAIRS, error);
  return scratch->tower != NULL;
}

static void
scratch_clear (Scratch *scratch)
{
  g_free (scratch->gmf);
  g_free (scratch->mlp);
  g_free (scratch->hidden);
  g_free (scratch->out);
  fl_layers_work_free (scratch->tower);
}

/* Scores of a user, who is in the scratch, and n items.  The very sums of
 * ncf_scores. */
static void
score_items (const Ncf *ncf, size_t n, const uint32_t *item, const Scratch *scratch, double *out)
{
  size_t m = ncf_first_width (ncf), width = ncf_last_width (ncf), rank = (size_t) ncf->gmf_rank;
  float *z = fl_layers_first (scratch->tower);
  const float *last;

  for (size_t k = 0; k < n; k++)
    ncf_first_layer (m, scratch->hidden, ncf->item_hidden + item[k] * m, z + k * m);
  last = fl_layers_compute (ncf->tower, n, scratch->tower);
  fl_dot_rows_f32 (n, item, rank, ncf->block[NCF_GMF_ITEM].f32, rank, scratch->gmf, out);
  fl_dot_rows_f32 (n, NULL, width, last, width, ncf->output, scratch->out);
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
  fl_layers_sum_input (ncf->tower, NCF_FROM_USER, 1, scratch->mlp, scratch->hidden);
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
  gboolean many = n_users > 1 && n_users * n_items >= SCORES_OF_THREADS, ready = TRUE;
  int n_threads = many ? omp_get_max_threads () : 1;
  g_autofree Scratch *scratch = g_new0 (Scratch, n_threads);

  for (int t = 0; t < n_threads && ready; t++)
    ready = scratch_init (&scratch[t], ncf, error);
  if (ready)
#pragma omp parallel for schedule(static) num_threads (n_threads)
    for (size_t k = 0; k < n_users; k++)
      score_user (ncf, user[k], n_items, item, &scratch[omp_get_thread_num ()], out + k * n_items);
  for (int t = 0; t < n_threads; t++)
    scratch_clear (&scratch[t]);
  return ready;
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
