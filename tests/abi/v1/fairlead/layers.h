/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* layers.h: dense layers, for models and for adversaries.  Part of plugin.h; include
 * that.
 *
 *   z_0 = x,   z_l = f_l (W_l z_(l-1) + b_l)   for l = 1 .. n_layers
 *
 * W_l: outputs x inputs.  Whoever judges a model by its scores, one number in and one out
 * for each of three groups, writes
 *
 *   layers = fl_layers_new (&FL_LAYERS_SHAPE (.n_inputs = 1, .input = (size_t[]){ 1 },
 *                                             .n_layers = 2, .output = (size_t[]){ 50, 3 },
 *                                             .hidden = FL_ACTIVATION_RELU), error);
 *   n_blocks = fl_layers_blocks (layers, &blocks);
 *   fl_layers_start (layers, seed, "judge", 0);
 *   gradient = fl_gradient_new (n_blocks, blocks, error);
 *   optimizer = fl_optimizer_new (n_blocks, blocks, &settings, error);
 *   ...
 *   fl_layers_forward (layers, n, score, guess, error);
 *   fl_loss_bce (3 * n, guess, truth, NULL, d_guess, NULL);
 *   fl_layers_backward (layers, n, score, d_guess, gradient->block, d_score, error);
 *   fl_optimizer_step (optimizer, gradient);
 *
 * Parameters and what is worked out from them are float, and so are sums within a block
 * of rows; sums over blocks are double.  Digits do not depend on the number of threads.
 */
#ifndef FAIRLEAD_LAYERS_H
#define FAIRLEAD_LAYERS_H

#include <fairlead/base.h>
#include <fairlead/train.h>

FL_BEGIN_DECLS

typedef enum
{
  FL_ACTIVATION_NONE,
  FL_ACTIVATION_RELU  /* z where it is positive, else 0, of derivative 0 there */
} FlActivation;

/* The first layer takes n_inputs tables side by side, one as a rule; more where
 * what one of them adds serves several rows, see fl_layers_sum_input. */
typedef struct
{
  size_t size;
  size_t n_inputs;
  const size_t *input;       /* n_inputs: numbers in a row of each              */
  size_t n_layers;
  const size_t *output;      /* n_layers: numbers that come out of each         */
  FlActivation hidden, last; /* of all layers but the last one, and of that one */
} FlLayersShape;

#define FL_LAYERS_SHAPE(...) FL_SIZED_ (FlLayersShape, __VA_ARGS__)

typedef struct FlLayers FlLayers;

/* All parameters are 0.  NULL with FL_ERROR_CONFIG when there is no layer, or one without
 * numbers; with FL_ERROR_SYSTEM when memory ends. */
FlLayers *fl_layers_new (const FlLayersShape *shape, GError **error);
void fl_layers_free (FlLayers *layers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlLayers, fl_layers_free)
/* The parameters, 2 * n_layers blocks of floats: W1 (outputs x inputs), b1 (1 x outputs),
 * W2 and so on.  A model puts copies of these rows among its own blocks.  Values are the
 * layers', valid as long as they are, and changed by whoever likes. */
size_t fl_layers_blocks (const FlLayers *layers, const FlBlock **blocks);
/* W_l uniform between +-sqrt (6 / (inputs + outputs)) [Glorot and Bengio 2010, eq. 16], b_l
 * 0.  Block k draws from fl_rng (seed, purpose, index + k). */
void fl_layers_start (FlLayers *layers, uint64_t seed, const char *purpose, uint64_t index);

/* ---- whole batches ----------------------------------------------------- */

/* n rows through the layers, on the threads of the process.  x: n x inputs of the first
 * layer (of all tables, side by side); y: n x outputs of the last. */
gboolean fl_layers_forward (FlLayers *layers, size_t n, const double *x, double *y,
                            GError **error);
/* Adds the derivative of d_y . y by the parameters to `gradient`, the first of 2 *
 * n_layers blocks made like those of fl_layers_blocks, and writes that by x to d_x, n x
 * inputs.  Either may be NULL. */
gboolean fl_layers_backward (FlLayers *layers, size_t n, const double *x, const double *d_y,
                             FlGradientBlock *gradient, double *d_x, GError **error);

/* ---- blocks of rows ---------------------------------------------------- */

/* For models in which layers are a part among others: the caller has the threads, and may
 * share what a table adds to the first layer among rows, as a user's vector among her
 * items.  Rows are float and padded with zeros: one of layer l = 1 .. n_layers has
 * fl_layers_width (layers, l) numbers, one of table t FL_PAD (input[t]).  Where layers are
 * const many threads may call at once, each with work of its own. */

size_t fl_layers_width (const FlLayers *layers, size_t layer);
/* Lays weights out for the calls below: before them, and after each change of parameters. */
void fl_layers_pack (FlLayers *layers);

/* sum (n x width of layer 1) <- the part of W_1 x + b_1 that comes from table t; b_1 comes
 * with table 0.  x: n rows of table t. */
void fl_layers_sum_input (const FlLayers *layers, size_t t, size_t n, const float *x, float *sum);

/* Room for up to n_max rows. */
typedef struct FlLayersWork FlLayersWork;
FlLayersWork *fl_layers_work_new (const FlLayers *layers, size_t n_max, GError **error);
void fl_layers_work_free (FlLayersWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlLayersWork, fl_layers_work_free)
/* Where the caller puts z_1, n_max x width of layer 1: the sum of the tables' parts, after
 * the activation. */
float *fl_layers_first (FlLayersWork *work);
/* From z_1 of n rows up to z of the last layer, which is returned: n x its width. */
const float *fl_layers_compute (const FlLayers *layers, size_t n, FlLayersWork *work);
/* Where the caller then puts the derivative by that, n_max x width of the last layer. */
float *fl_layers_d_last (FlLayersWork *work);
/* From there down to the derivative by W_1 x + b_1, which is returned: n x width of layer 1.
 * Adds the derivative by W_2 and those above, and by all b, to its place in `partial`,
 * unless NULL. */
const float *fl_layers_compute_back (const FlLayers *layers, size_t n, FlLayersWork *work,
                                     float *partial);
/* From d_sum, n x width of layer 1, to d_x, n rows of table t, unless NULL.  Adds the
 * derivative by the columns of W_1 that face the table to its place in `partial`, unless
 * NULL. */
void fl_layers_sum_input_back (const FlLayers *layers, size_t t, size_t n, const float *x,
                           const float *d_sum, float *d_x, float *partial);
/* Numbers in such a partial derivative, of a hundred rows or two and zero before them.  The
 * caller adds up those of a batch in double, in an order that threads do not change. */
size_t fl_layers_n_partial (const FlLayers *layers);
/* Adds that total to `gradient`, as in fl_layers_backward. */
void fl_layers_add_partials (const FlLayers *layers, const double *total,
                             FlGradientBlock *gradient);

FL_END_DECLS

#endif
