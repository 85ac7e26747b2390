/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gccf: linear residual graph convolution.
 *
 *   E_(l+1) = S E_l,   score = sum_(l = 0 .. L) e_l(u) . e_l(i)
 *
 * E_0: the parameters, `rank` numbers for each user and item; the final vector of a
 * node is its rows of all layers, layer 0 first [Chen et al., AAAI 2020; the GCCF of
 * FDA].  There is no non-linearity and there are no weight matrices.  With A the
 * users x items matrix of ones where there is a training rating, d the number of
 * ratings of a node, S is, off the diagonal and on it,
 *
 *   symmetric   1 / sqrt ((d_u + 1) (d_i + 1)),   1 / (d + 1)
 *   left        1 / d of the row,                 1
 *
 * the second as in the program released with FDA.  Both are diag (to) A diag (from) +
 * diag (self), so that a product only adds rows up.  Backwards, with G_l the
 * derivative by layer l of the scores alone,
 *
 *   H_L = G_L,   H_l = G_l + S'H_(l+1),   derivative by E_0 = H_0,
 *
 * as many products as forwards.  The penalty is on final vectors.
 */
#include <fairlead/plugin.h>

#include <math.h>
#include <string.h>

#define LAYERS_MAX 16

enum
{
  ADJACENCY_SYMMETRIC,
  ADJACENCY_LEFT
};

/* Users, or items. */
typedef struct
{
  const FlCsr *graph;           /* rows: this side; columns: the other        */
  float *layer[LAYERS_MAX + 1]; /* n_rows x rank                              */
  /* G: n_rows x rank; zero but during `backward`.                                  */
  float *by_layer[LAYERS_MAX + 1];
  float *to, *from, *self;      /* n_rows: S = to A from + self               */
  float *scaled[2];             /* n_rows x rank: what the other side adds up */
  float *back[2];               /* n_rows x rank: H, of one layer and the next */
  float *final;                 /* n_rows x rank (layers + 1)                 */
} GccfSide;

typedef struct
{
  int64_t rank, layers;
  int adjacency;
  double start_scale;
  FlTrainingSettings training;

  GccfSide side[2];    /* by FlSide                                       */
  FlBlock block[2];    /* layer 0                                         */
  gboolean propagated; /* layers, and `final`, are those of the parameters */
  gboolean prepared;
} Gccf;

static const FlParam params[] = {
  FL_INT (Gccf, rank, 64, 1, 4096, NULL, "numbers in the vector of a user or item, in each layer"),
  FL_INT (Gccf, layers, 3, 0, LAYERS_MAX, NULL,
          "how often the vectors are propagated over the graph"),
  FL_CHOICE (Gccf, adjacency, ADJACENCY_SYMMETRIC, "symmetric|left",
             "how a node's ratings are weighed: by the degrees of both ends, the node itself "
             "counting as one of its neighbours; or as a plain mean, to which the node is added "
             "whole, as in the program released with FDA"),
  FL_DOUBLE (Gccf, start_scale, 0.01, 0, 1e6, NULL,
             "standard deviation of the numbers at the start"),
  FL_TRAINING_PARAMS (Gccf, training),
  FL_PARAM_END
};

static size_t
gccf_rank (const Gccf *gccf)
{
  return (size_t) gccf->rank;
}

static size_t
gccf_layers (const Gccf *gccf)
{
  return (size_t) gccf->layers;
}

/* ---- propagation ------------------------------------------------------- */

static void
scale_rows (const GccfSide *side, size_t m, const float *scale, const float *X, float *scaled)
{
#pragma omp parallel for schedule(static) if (side->graph->n_rows * m > 100000)
  for (size_t r = 0; r < side->graph->n_rows; r++)
    for (size_t a = 0; a < m; a++)
      scaled[r * m + a] = scale[r] * X[r * m + a];
}

/* E_1 to E_L, from E_0. */
static void
gccf_forward (Gccf *gccf)
{
  size_t m = gccf_rank (gccf);

  for (int s = 0; s < 2 && gccf->layers > 0; s++)
    scale_rows (&gccf->side[s], m, gccf->side[s].from, gccf->side[s].layer[0],
                gccf->side[s].scaled[0]);
  for (size_t l = 0; l < gccf_layers (gccf); l++)
    for (int s = 0; s < 2; s++)
      {
        GccfSide *side = &gccf->side[s];
        gboolean last = l + 1 == gccf_layers (gccf);

        fl_sparse_multiply (&(FlSparse) {
          .n_rows = side->graph->n_rows, .m = m,
          .start = side->graph->start, .col = side->graph->col,
          .table = gccf->side[!s].scaled[l % 2], .own = side->layer[l],
          .left = side->to, .self = side->self, .right = side->from,
          .out = side->layer[l + 1], .scaled = last ? NULL : side->scaled[(l + 1) % 2] });
      }
}

/* H_0, into `gradient`, from G. */
static void
gccf_backward_layers (Gccf *gccf, FlGradient *gradient)
{
  size_t m = gccf_rank (gccf), n_layers = gccf_layers (gccf);
  const float *H[2] = { gccf->side[0].by_layer[n_layers], gccf->side[1].by_layer[n_layers] };

  for (int s = 0; s < 2 && n_layers > 0; s++)
    scale_rows (&gccf->side[s], m, gccf->side[s].to, H[s], gccf->side[s].scaled[n_layers % 2]);
  for (size_t l = n_layers; l-- > 0;)
    for (int s = 0; s < 2; s++)
      {
        GccfSide *side = &gccf->side[s];

        fl_sparse_multiply (&(FlSparse) {
          .n_rows = side->graph->n_rows, .m = m,
          .start = side->graph->start, .col = side->graph->col,
          .table = gccf->side[!s].scaled[(l + 1) % 2], .own = H[s], .add = side->by_layer[l],
          .left = side->from, .self = side->self, .right = side->to,
          .out = side->back[l % 2], .scaled = l == 0 ? NULL : side->scaled[l % 2] });
        H[s] = side->back[l % 2];
      }
  for (int s = 0; s < 2; s++)
    for (uint32_t r = 0; r < gccf->side[s].graph->n_rows; r++)
      {
        gboolean zero = TRUE;

        for (size_t a = 0; a < m && zero; a++)
          zero = H[s][r * m + a] == 0;
        if (!zero)
          fl_add_f32 (m, 1, H[s] + r * m, fl_gradient_row (&gradient->block[s], r));
      }
}

static void
gccf_propagate (Gccf *gccf)
{
  if (gccf->propagated)
    return;
  gccf_forward (gccf);
  gccf->propagated = TRUE;
}

/* ---- batches ----------------------------------------------------------- */

/* Numbers in a final vector, of a user or an item. */
static size_t
gccf_width (gconstpointer self)
{
  const Gccf *gccf = self;

  return gccf_rank (gccf) * (gccf_layers (gccf) + 1);
}

/* The perturbation of the item in column c of entry k, or NULL. */
static const float *
gccf_delta (const Gccf *gccf, const FlBatch *batch, size_t k, size_t c)
{
  return fl_batch_item_delta (batch, k, c, gccf_width (gccf));
}

/* The perturbation of the user of entry k, or NULL. */
static const float *
gccf_user_delta (const Gccf *gccf, const FlBatch *batch, size_t k)
{
  return fl_batch_user_delta (batch, k, gccf_width (gccf));
}

/* The score of an entry's user and the item in column c. */
static double
gccf_score (const Gccf *gccf, const FlBatch *batch, size_t k, size_t c)
{
  size_t m = gccf_rank (gccf), u = batch->user[k], i = batch->item[k * batch->width + c];
  const float *delta = gccf_delta (gccf, batch, k, c);
  const float *user_delta = gccf_user_delta (gccf, batch, k);
  double score = 0;

  for (size_t l = 0; l <= gccf_layers (gccf); l++)
    {
      const float *user = gccf->side[FL_SIDE_USER].layer[l] + u * m;
      const float *item = gccf->side[FL_SIDE_ITEM].layer[l] + i * m;

      score += fl_dot_f32 (m, user, item);
      if (delta != NULL)
        score += fl_dot_f32 (m, user, delta + l * m);
      if (user_delta != NULL)
        score += fl_dot_f32 (m, user_delta + l * m, item);
      if (user_delta != NULL && delta != NULL)
        score += fl_dot_f32 (m, user_delta + l * m, delta + l * m);
    }
  return score;
}

/* Entries from which threads gain more than they lose by waiting. */
#define BATCH_OF_THREADS 256

static gboolean
gccf_scores (gpointer self, const FlBatch *batch, double *score, GError **error)
{
  Gccf *gccf = self;

  (void) error;
  gccf_propagate (gccf);
#pragma omp parallel for schedule(static) if (batch->n >= BATCH_OF_THREADS)
  for (size_t k = 0; k < batch->n; k++)
    for (size_t c = 0; c < batch->width; c++)
      score[k * batch->width + c] = (float) gccf_score (gccf, batch, k, c);
  return TRUE;
}

/* G is zero again in the rows of one side that were added to. */
static void
clear_by_layer (Gccf *gccf, FlSide s, size_t n, const uint32_t *row)
{
  size_t m = gccf_rank (gccf);

  for (size_t l = 0; l <= gccf_layers (gccf); l++)
    for (size_t k = 0; k < n; k++)
      memset (gccf->side[s].by_layer[l] + row[k] * m, 0, m * sizeof (float));
}

/* Adds to G_l what the batch has to say, entry by entry; returns the penalty. */
static double
gccf_backward_layer (Gccf *gccf, const FlBatch *batch, const double *d_score, double l2, size_t l)
{
  size_t m = gccf_rank (gccf);
  float decay = (float) (2 * l2);
  double penalty = 0;
  float *d_users = gccf->side[FL_SIDE_USER].by_layer[l];
  float *d_items = gccf->side[FL_SIDE_ITEM].by_layer[l];

  for (size_t k = 0; k < batch->n; k++)
    {
      size_t u = batch->user[k];
      const float *user = gccf->side[FL_SIDE_USER].layer[l] + u * m;
      const float *user_delta = gccf_user_delta (gccf, batch, k);
      float *d_user = d_users + u * m;

      for (size_t c = 0; c < batch->width; c++)
        {
          size_t i = batch->item[k * batch->width + c];
          float d = (float) d_score[k * batch->width + c];
          const float *item = gccf->side[FL_SIDE_ITEM].layer[l] + i * m;
          const float *delta = gccf_delta (gccf, batch, k, c);

          fl_add_f32 (m, d, item, d_user);
          if (delta != NULL)
            fl_add_f32 (m, d, delta + l * m, d_user);
          fl_add_f32 (m, d, user, d_items + i * m);
          if (user_delta != NULL)
            fl_add_f32 (m, d, user_delta + l * m, d_items + i * m);
          if (l2 > 0)
            {
              fl_add_f32 (m, decay, item, d_items + i * m);
              penalty += fl_dot_f32 (m, item, item);
            }
        }
      if (l2 > 0)
        {
          fl_add_f32 (m, decay, user, d_user);
          penalty += fl_dot_f32 (m, user, user);
        }
    }
  return l2 * penalty;
}

/* to <- to + factor * (final vector of row r of a side + delta) */
static void
add_final (const Gccf *gccf, FlSide s, size_t r, const float *delta, float factor, float *to)
{
  size_t m = gccf_rank (gccf);

  for (size_t l = 0; l <= gccf_layers (gccf); l++)
    fl_add_f32 (m, factor, gccf->side[s].layer[l] + r * m, to + l * m);
  if (delta != NULL)
    fl_add_f32 (gccf_width (gccf), factor, delta, to);
}

/* Adds d_score times the user's final vector to the rows of perturbed items. */
static void
gccf_backward_delta (const Gccf *gccf, const FlBatch *batch, const double *d_score,
                     FlGradientBlock *d_delta)
{
  for (size_t k = 0; k < batch->n; k++)
    for (size_t c = 0; c < batch->width; c++)
      if (gccf_delta (gccf, batch, k, c) != NULL)
        add_final (gccf, FL_SIDE_USER, batch->user[k], gccf_user_delta (gccf, batch, k),
                   (float) d_score[k * batch->width + c],
                   fl_gradient_row (d_delta, batch->item[k * batch->width + c]));
}

/* And d_score times the item's to those of perturbed users. */
static void
gccf_backward_user_delta (const Gccf *gccf, const FlBatch *batch, const double *d_score,
                          FlGradientBlock *d_delta)
{
  for (size_t k = 0; k < batch->n; k++)
    for (size_t c = 0; c < batch->width; c++)
      if (gccf_user_delta (gccf, batch, k) != NULL)
        add_final (gccf, FL_SIDE_ITEM, batch->item[k * batch->width + c],
                   gccf_delta (gccf, batch, k, c), (float) d_score[k * batch->width + c],
                   fl_gradient_row (d_delta, batch->user[k]));
}

static gboolean
gccf_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
               FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  Gccf *gccf = self;
  double penalty[LAYERS_MAX + 1];

  (void) error;
  gccf_propagate (gccf);
  if (d_delta != NULL)
    gccf_backward_delta (gccf, batch, d_score, d_delta->block);
  if (d_delta != NULL && d_delta->n_blocks > 1)
    gccf_backward_user_delta (gccf, batch, d_score, d_delta->block + 1);
  if (gradient == NULL)
    return TRUE;
  /* A layer is one thread's: rows are added to in the order of the batch. */
#pragma omp parallel for schedule(dynamic) if (batch->n >= BATCH_OF_THREADS)
  for (size_t l = 0; l <= gccf_layers (gccf); l++)
    penalty[l] = gccf_backward_layer (gccf, batch, d_score, l2, l);
  for (size_t l = 0; l <= gccf_layers (gccf); l++)
    gradient->penalty += penalty[l];
  gccf_backward_layers (gccf, gradient);
  clear_by_layer (gccf, FL_SIDE_USER, batch->n, batch->user);
  clear_by_layer (gccf, FL_SIDE_ITEM, batch->n * batch->width, batch->item);
  return TRUE;
}

/* Final vectors. */
static gboolean
gccf_vectors (gpointer self, FlSide side, size_t n, const uint32_t *index, double *out,
              GError **error)
{
  Gccf *gccf = self;
  size_t m = gccf_rank (gccf), width = gccf_width (gccf);

  (void) error;
  gccf_propagate (gccf);
  for (size_t k = 0; k < n; k++)
    for (size_t l = 0; l <= gccf_layers (gccf); l++)
      for (size_t a = 0; a < m; a++)
        out[k * width + l * m + a] = gccf->side[side].layer[l][index[k] * m + a];
  return TRUE;
}

static gboolean
gccf_vectors_back (gpointer self, FlSide side, size_t n, const uint32_t *index,
                   const double *d_out, FlGradient *gradient, GError **error)
{
  Gccf *gccf = self;
  size_t m = gccf_rank (gccf), width = gccf_width (gccf);

  (void) error;
  for (size_t k = 0; k < n; k++)
    for (size_t l = 0; l <= gccf_layers (gccf); l++)
      for (size_t a = 0; a < m; a++)
        gccf->side[side].by_layer[l][index[k] * m + a] += (float) d_out[k * width + l * m + a];
  gccf_backward_layers (gccf, gradient);
  clear_by_layer (gccf, side, n, index);
  return TRUE;
}

/* ---- start ------------------------------------------------------------- */

static void
gccf_clear (gpointer self)
{
  Gccf *gccf = self;

  for (int s = 0; s < 2; s++)
    {
      GccfSide *side = &gccf->side[s];

      for (size_t l = 0; l <= LAYERS_MAX; l++)
        {
          g_free (side->layer[l]);
          g_free (side->by_layer[l]);
        }
      g_free (side->to);
      g_free (side->from);
      g_free (side->self);
      g_free (side->final);
      for (int k = 0; k < 2; k++)
        {
          g_free (side->scaled[k]);
          g_free (side->back[k]);
        }
      *side = (GccfSide) { 0 };
      gccf->block[s] = (FlBlock) { 0 };
    }
  gccf->propagated = gccf->prepared = FALSE;
}

static gboolean
side_alloc (const Gccf *gccf, GccfSide *side, GError **error)
{
  size_t n = side->graph->n_rows, m = gccf_rank (gccf);
  float **vectors[] = { &side->to, &side->from, &side->self };
  float **tables[] = { &side->scaled[0], &side->scaled[1], &side->back[0], &side->back[1] };

  for (size_t k = 0; k < G_N_ELEMENTS (vectors); k++)
    if ((*vectors[k] = fl_alloc (n, sizeof (float), error)) == NULL)
      return FALSE;
  for (size_t k = 0; k < G_N_ELEMENTS (tables); k++)
    if ((*tables[k] = fl_table_alloc (n * m, sizeof (float), error)) == NULL)
      return FALSE;
  for (size_t l = 0; l <= gccf_layers (gccf); l++)
    if ((side->layer[l] = fl_table_alloc (n * m, sizeof (float), error)) == NULL
        || (side->by_layer[l] = fl_table_alloc (n * m, sizeof (float), error)) == NULL)
      return FALSE;
  side->final = fl_table_alloc (n * gccf_width (gccf), sizeof (float), error);
  return side->final != NULL;
}

/* S, and E_0 drawn row by row. */
static void
side_start (const Gccf *gccf, GccfSide *side, const char *purpose, uint64_t seed)
{
  size_t m = gccf_rank (gccf);

  for (size_t r = 0; r < side->graph->n_rows; r++)
    {
      double d = (double) (side->graph->start[r + 1] - side->graph->start[r]);
      FlRng rng = fl_rng (seed, purpose, r);
      gboolean left = gccf->adjacency == ADJACENCY_LEFT;

      side->to[r] = (float) (left ? (d > 0 ? 1 / d : 0) : 1 / sqrt (d + 1));
      side->from[r] = left ? 1 : side->to[r];
      side->self[r] = (float) (left ? 1 : 1 / (d + 1));
      for (size_t a = 0; a < m; a++)
        side->layer[0][r * m + a] = (float) (gccf->start_scale * fl_rng_normal (&rng));
    }
}

static gboolean
gccf_start (gpointer self, const FlRatings *train, uint64_t seed, GError **error)
{
  static const char *const name[] = { "user", "item" };
  static const char *const purpose[] = { "gccf users", "gccf items" };
  Gccf *gccf = self;

  gccf_clear (gccf);
  gccf->side[FL_SIDE_USER].graph = &train->by_user;
  gccf->side[FL_SIDE_ITEM].graph = &train->by_item;
  for (int s = 0; s < 2; s++)
    {
      GccfSide *side = &gccf->side[s];

      if (!side_alloc (gccf, side, error))
        return FALSE;
      side_start (gccf, side, purpose[s], seed);
      gccf->block[s] = (FlBlock) { .name = name[s], .n_rows = side->graph->n_rows,
                                   .n_cols = gccf_rank (gccf), .f32 = side->layer[0] };
    }
  return TRUE;
}

static size_t
gccf_blocks (gpointer self, const FlBlock **blocks)
{
  Gccf *gccf = self;

  *blocks = gccf->block;
  return G_N_ELEMENTS (gccf->block);
}

static void
gccf_parameters_changed (gpointer self)
{
  Gccf *gccf = self;

  gccf->propagated = gccf->prepared = FALSE;
}

static const FlTrainingSettings *
gccf_settings (gconstpointer self)
{
  const Gccf *gccf = self;

  return &gccf->training;
}

/* ---- factors ----------------------------------------------------------- */

static void
side_prepare (const Gccf *gccf, GccfSide *side)
{
  size_t m = gccf_rank (gccf), n_layers = gccf_layers (gccf), width = m * (n_layers + 1);

  for (size_t r = 0; r < side->graph->n_rows; r++)
    for (size_t l = 0; l <= n_layers; l++)
      memcpy (side->final + r * width + l * m, side->layer[l] + r * m, m * sizeof (float));
}

static gboolean
gccf_prepare_scores (gpointer self, GError **error)
{
  Gccf *gccf = self;

  (void) error;
  gccf_propagate (gccf);
  for (int s = 0; s < 2 && !gccf->prepared; s++)
    side_prepare (gccf, &gccf->side[s]);
  gccf->prepared = TRUE;
  return TRUE;
}

static void
gccf_factors (gconstpointer self, FlFactors *factors)
{
  const Gccf *gccf = self;
  const GccfSide *users = &gccf->side[FL_SIDE_USER], *items = &gccf->side[FL_SIDE_ITEM];

  factors->n_users = users->graph->n_rows;
  factors->n_items = items->graph->n_rows;
  factors->rank = gccf_width (gccf);
  factors->user_f32 = users->final;
  factors->item_f32 = items->final;
}

static gboolean
gccf_check (gconstpointer self, GError **error)
{
  const Gccf *gccf = self;

  if (!(gccf->start_scale > 0))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "start-scale = 0: the start needs a positive scale, or no number ever leaves "
                    "0");
  return TRUE;
}

FL_PLUGIN (
  .name = "gccf",
  .summary = "linear residual graph convolution",
  .description
  = "Gives each user and item a vector, propagates the vectors over the graph of training "
    "ratings a few times without any non-linearity, and scores by the inner product of what all "
    "layers say together.  Trained by gradients, on which items a user has rated, or with loss = "
    "squared on the ratings themselves.  The penalty is on the final vectors.",
  .reference = "Chen et al. (AAAI 2020), LR-GCCF; FDA, the backbone GCCF",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Gccf),
  .check = gccf_check,
  .clear = gccf_clear,
  FL_MODEL (.factors = gccf_factors,
            FL_GRADIENT (.settings = gccf_settings, .start = gccf_start, .blocks = gccf_blocks,
                         .scores = gccf_scores, .backward = gccf_backward,
                         .item_width = gccf_width, .user_width = gccf_width,
                         .parameters_changed = gccf_parameters_changed,
                         .prepare_scores = gccf_prepare_scores, .vectors = gccf_vectors,
                         .vectors_back = gccf_vectors_back))
);
