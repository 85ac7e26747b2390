/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-networks.c: set `ncf_gccf`: scores, losses and gradients of ncf and gccf at
 * given parameters.
 *
 * The models store float: numbers are compared within 1e-5 of themselves, or of 1.
 */
#include "tests/golden/golden.h"
#include "tests/support/gradients.h"

#include <string.h>

#define SINGLE 1e-5
#define SIZE_LIMIT 4096
#define LAYERS_LIMIT 16

typedef struct
{
  GoldenCase *c;
  uint32_t n_users, n_items;
  FlRatings *ratings;
  FlInstance *model;
  FlGradient *gradient;
  const FlGradientOps *ops;
  const FlBlock *block;
  size_t n_blocks;
} Network;

static void
network_clear (Network *network)
{
  fl_gradient_free (network->gradient);
  fl_instance_free (network->model);
  fl_ratings_free (network->ratings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Network, network_clear)

/* ---- reading ----------------------------------------------------------- */

static size_t
length_of (JsonObject *from, const char *key)
{
  JsonNode *node = json_object_get_member (from, key);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node)
             ? json_array_get_length (json_node_get_array (node)) : 0;
}

/* An array of [user, item ...]: n entries of 1 + width ids. */
typedef struct
{
  size_t n;
  uint32_t *user, *item;
} Entries;

static void
entries_clear (Entries *entries)
{
  g_free (entries->user);
  g_free (entries->item);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Entries, entries_clear)

static gboolean
read_entries (const Network *network, const char *key, size_t width, Entries *entries,
              GError **error)
{
  size_t n = length_of (network->c->input, key);
  g_autofree double *ids = golden_read_numbers (network->c->input, key, n * (1 + width), error);

  if (ids == NULL)
    return FALSE;
  *entries = (Entries) { n, g_new (uint32_t, n + 1), g_new (uint32_t, n * width + 1) };
  for (size_t k = 0; k < n * (1 + width); k++)
    {
      size_t column = k % (1 + width), row = k / (1 + width);
      uint32_t bound = column == 0 ? network->n_users : network->n_items;

      if (!(ids[k] >= 0 && ids[k] < bound))
        return fl_fail (error, FL_ERROR_DATA, "input.%s[%zu] holds %g, not an id below %u", key,
                        row, ids[k], bound);
      if (column == 0)
        entries->user[row] = (uint32_t) ids[k];
      else
        entries->item[row * width + column - 1] = (uint32_t) ids[k];
    }
  return TRUE;
}

/* Ratings of 1 at `edges`; without them, none. */
static gboolean
read_graph (Network *network, GError **error)
{
  JsonObject *input = network->c->input;
  g_auto (Entries) edges = { 0 };
  g_autofree double *ones = NULL;

  if (!golden_read_index (input, "n_users", SIZE_LIMIT, &network->n_users, error)
      || !golden_read_index (input, "n_items", SIZE_LIMIT, &network->n_items, error)
      || (golden_has (input, "edges") && !read_entries (network, "edges", 1, &edges, error)))
    return FALSE;
  ones = g_new (double, edges.n + 1);
  for (size_t k = 0; k < edges.n; k++)
    ones[k] = 1;
  network->ratings = fl_ratings_new (network->n_users, network->n_items, edges.n, edges.user,
                                     edges.item, ones, error);
  return network->ratings != NULL;
}

static gboolean
network_start (Network *network, const char *plugin, const char *const *settings, GError **error)
{
  const FlModelOps *model;

  network->model
      = test_instance_new (network->c->registry, FL_KIND_MODEL, plugin, settings, error);
  if (network->model == NULL)
    return FALSE;
  model = network->model->ops;
  network->ops = model->gradient;
  if (!network->ops->start (network->model->self, network->ratings, 1, error))
    return FALSE;
  network->n_blocks = network->ops->blocks (network->model->self, &network->block);
  network->gradient = fl_gradient_new (network->n_blocks, network->block, error);
  return network->gradient != NULL;
}

static gboolean
read_block (const FlBlock *block, JsonObject *from, const char *key, GError **error)
{
  g_auto (GoldenMatrix) matrix = { 0 };

  if (!golden_read_matrix (from, key, &matrix, error))
    return FALSE;
  if (matrix.n_rows != block->n_rows || matrix.n_cols != block->n_cols)
    return fl_fail (error, FL_ERROR_DATA, "input: %s is %u x %u, wanted %u x %zu", key,
                    matrix.n_rows, matrix.n_cols, block->n_rows, block->n_cols);
  for (size_t k = 0; k < block->n_rows * block->n_cols; k++)
    block->f32[k] = (float) matrix.data[k];
  return TRUE;
}

/* ---- comparing --------------------------------------------------------- */

static void
numbers (const Network *network, const char *root, const char *key, const double *got, size_t n)
{
  g_autofree char *path = g_strconcat (root, key, NULL);

  golden_numbers (network->c, path, got, n);
}

static void
gradient_block (const Network *network, size_t b, const char *root, const char *key)
{
  const FlGradientBlock *block = &network->gradient->block[b];
  size_t n = block->n_rows * block->n_cols;
  g_autofree double *got = g_new (double, n + 1);

  for (size_t k = 0; k < n; k++)
    got[k] = test_gradient_number (block, k);
  numbers (network, root, key, got, n);
}

static void
number (const Network *network, const char *root, const char *key, double got)
{
  g_autofree char *path = g_strconcat (root, key, NULL);

  golden_number (network->c, path, got);
}

/* The derivative of sum d_score . score + l2 * penalty, afresh. */
static gboolean
differentiate (const Network *network, const FlBatch *batch, const double *d_score, double l2,
               GError **error)
{
  fl_gradient_clear (network->gradient);
  return network->ops->backward (network->model->self, batch, d_score, l2, network->gradient, NULL,
                                 error);
}

static double *
all_ones (size_t n)
{
  double *ones = g_new (double, n + 1);

  for (size_t k = 0; k < n; k++)
    ones[k] = 1;
  return ones;
}

/* ---- ncf --------------------------------------------------------------- */

/* "gmf_user" for "gmf-user". */
static char *
golden_name (const char *block)
{
  char *name = g_strdup (block);

  return g_strdelimit (name, "-", '_');
}

static gboolean
compare_gradients (const Network *network, const FlBatch *batch, const double *d_score,
                   const char *root, GError **error)
{
  if (!differentiate (network, batch, d_score, 0, error))
    return FALSE;
  for (size_t b = 0; b < network->n_blocks; b++)
    {
      g_autofree char *key = golden_name (network->block[b].name);

      gradient_block (network, b, root, key);
    }
  return TRUE;
}

static gboolean
check_pairs (const Network *network, GError **error)
{
  g_auto (Entries) pairs = { 0 };
  size_t n;
  g_autofree double *label = NULL, *ones = NULL, *probability = NULL;
  g_autofree double *score = NULL, *d_score = NULL;
  FlBatch batch;

  if (!read_entries (network, "pairs", 1, &pairs, error)
      || (label = golden_read_numbers (network->c->input, "labels", pairs.n, error)) == NULL)
    return FALSE;
  n = pairs.n;
  ones = all_ones (n);
  probability = g_new (double, n + 1);
  score = g_new (double, n + 1);
  d_score = g_new (double, n + 1);
  batch = FL_BATCH (.n = n, .width = 1, .user = pairs.user, .item = pairs.item, .label = label);
  if (!network->ops->scores (network->model->self, &batch, score, error))
    return FALSE;
  numbers (network, "", "logits", score, n);
  number (network, "", "bce_loss_sum", fl_loss_bce (n, score, label, ones, d_score, NULL));
  /* The derivative is probability less label. */
  for (size_t k = 0; k < n; k++)
    probability[k] = d_score[k] + label[k];
  golden_numbers (network->c, "probabilities", probability, n);
  return compare_gradients (network, &batch, d_score, "bce_gradients/", error);
}

static gboolean
check_triples (const Network *network, GError **error)
{
  g_auto (Entries) triples = { 0 };
  g_autofree double *ones = NULL, *score = NULL, *d_score = NULL;
  FlBatch batch;

  if (!read_entries (network, "triples", 2, &triples, error))
    return FALSE;
  ones = all_ones (triples.n);
  score = g_new (double, 2 * triples.n + 1);
  d_score = g_new (double, 2 * triples.n + 1);
  batch = FL_BATCH (.n = triples.n, .width = 2, .user = triples.user, .item = triples.item);
  if (!network->ops->scores (network->model->self, &batch, score, error))
    return FALSE;
  number (network, "", "bpr_loss_sum", fl_loss_bpr (triples.n, score, ones, d_score, NULL));
  return compare_gradients (network, &batch, d_score, "bpr_gradients/", error);
}

/* "4; 3" */
static char *
read_layers (JsonObject *input, GError **error)
{
  size_t n = length_of (input, "hidden");
  g_autofree uint32_t *layers = golden_read_ids (input, "hidden", n, SIZE_LIMIT, error);
  g_autoptr (GString) text = g_string_new ("layers=");

  for (size_t l = 0; layers != NULL && l < n; l++)
    g_string_append_printf (text, "%s%u", l > 0 ? "; " : "", layers[l]);
  return layers != NULL ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static gboolean
check_neumf (Network *network, GError **error)
{
  JsonObject *input = network->c->input, *parameters;
  JsonNode *node = json_object_get_member (input, "parameters");
  uint32_t gmf, mlp;
  g_autofree char *layers = NULL, *gmf_rank = NULL, *mlp_rank = NULL;

  if (!golden_read_index (input, "gmf_dim", SIZE_LIMIT, &gmf, error)
      || !golden_read_index (input, "mlp_dim", SIZE_LIMIT, &mlp, error)
      || (layers = read_layers (input, error)) == NULL)
    return FALSE;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return fl_fail (error, FL_ERROR_DATA, "input.parameters is not an object");
  parameters = json_node_get_object (node);
  gmf_rank = g_strdup_printf ("gmf-rank=%u", gmf);
  mlp_rank = g_strdup_printf ("mlp-rank=%u", mlp);
  if (!network_start (network, "ncf", (const char *[]) { gmf_rank, mlp_rank, layers, NULL },
                      error))
    return FALSE;
  for (size_t b = 0; b < network->n_blocks; b++)
    {
      g_autofree char *key = golden_name (network->block[b].name);

      if (!read_block (&network->block[b], parameters, key, error))
        return FALSE;
    }
  network->ops->parameters_changed (network->model->self);
  return check_pairs (network, error) && check_triples (network, error);
}

/* ---- gccf -------------------------------------------------------------- */

static void
vectors (const Network *network, const char *root, const char *key, const float *got, size_t n)
{
  g_autofree double *wide = g_new (double, n + 1);

  for (size_t k = 0; k < n; k++)
    wide[k] = got[k];
  numbers (network, root, key, wide, n);
}

static gboolean
compare_factors (const Network *network, const char *root, GError **error)
{
  FlFactors f;

  if (!network->ops->prepare_scores (network->model->self, error))
    return FALSE;
  fl_model_factors (network->model, &f, NULL);
  vectors (network, root, "final_user_embeddings", f.user_f32, f.n_users * f.rank);
  vectors (network, root, "final_item_embeddings", f.item_f32, f.n_items * f.rank);
  return TRUE;
}

/* Losses and objectives are means over the triples. */
static gboolean
compare_objective (const Network *network, const FlBatch *batch, const char *root, GError **error)
{
  size_t n = batch->n;
  g_autofree double *difference = g_new (double, n + 1);
  g_autofree double *score = g_new (double, 2 * n + 1), *d_score = g_new (double, 2 * n + 1);
  g_autofree char *path = g_strconcat (root, "score_differences", NULL);
  double loss, reg = 0;

  if (!golden_read_number (network->c->input, "reg", &reg, error)
      || !network->ops->scores (network->model->self, batch, score, error))
    return FALSE;
  for (size_t k = 0; k < n; k++)
    difference[k] = score[2 * k] - score[2 * k + 1];
  golden_numbers (network->c, path, difference, n);
  loss = fl_loss_bpr (n, score, NULL, d_score, NULL);
  number (network, root, "bpr_loss_mean", loss);
  if (!differentiate (network, batch, d_score, 0, error))
    return FALSE;
  gradient_block (network, 0, root, "grad_user_layer0_of_bpr_mean");
  gradient_block (network, 1, root, "grad_item_layer0_of_bpr_mean");
  if (!differentiate (network, batch, d_score, reg / (double) n, error))
    return FALSE;
  number (network, root, "objective_mean", loss + network->gradient->penalty);
  gradient_block (network, 0, root, "grad_user_layer0_of_objective");
  gradient_block (network, 1, root, "grad_item_layer0_of_objective");
  return TRUE;
}

/* The case under one of the two adjacencies. */
static gboolean
check_adjacency (GoldenCase *c, const char *adjacency, const char *root, GError **error)
{
  g_auto (Network) network = { .c = c };
  g_auto (Entries) triples = { 0 };
  uint32_t dim, layers;
  g_autofree char *rank = NULL, *n_layers = NULL;
  FlBatch batch;

  if (!read_graph (&network, error) || !read_entries (&network, "triples", 2, &triples, error)
      || !golden_read_index (c->input, "dim", SIZE_LIMIT, &dim, error)
      || !golden_read_index (c->input, "layers", LAYERS_LIMIT, &layers, error))
    return FALSE;
  rank = g_strdup_printf ("rank=%u", dim);
  n_layers = g_strdup_printf ("layers=%u", layers);
  if (!network_start (&network, "gccf", (const char *[]) { rank, n_layers, adjacency, NULL },
                      error)
      || !read_block (&network.block[0], c->input, "user_layer0", error)
      || !read_block (&network.block[1], c->input, "item_layer0", error))
    return FALSE;
  network.ops->parameters_changed (network.model->self);
  batch = FL_BATCH (.n = triples.n, .width = 2, .user = triples.user, .item = triples.item);
  return compare_factors (&network, root, error)
         && compare_objective (&network, &batch, root, error);
}

static gboolean
check_networks (GoldenCase *c, GError **error)
{
  g_auto (Network) network = { .c = c };

  c->tolerance = SINGLE;
  if (golden_has (c->input, "edges"))
    return check_adjacency (c, "adjacency=symmetric", "lr_gccf/", error)
           && check_adjacency (c, "adjacency=left", "fda_released_gccf/", error);
  return read_graph (&network, error) && check_neumf (&network, error);
}

GOLDEN_SET ("ncf_gccf", check_networks)
