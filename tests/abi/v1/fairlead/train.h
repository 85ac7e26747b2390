/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* train.h: training by gradients.  Part of plugin.h; include that.
 *
 * A model trained by gradients keeps its parameters in blocks and says two
 * things: the scores of a batch, and what a change of scores means for the
 * blocks.  All else (order, negatives, optimiser, early stopping, checkpoints) is
 * the host's, so that a loop reads like the listing of its paper:
 *
 *   training = fl_training_new (stage, NULL, error);
 *   gradient = fl_training_gradient (training);
 *   while (fl_training_epoch (training))
 *     while ((batch = fl_training_batch (training)) != NULL)
 *       {
 *         fl_training_scores (training, batch, score);
 *         loss = fl_loss_bpr (batch->n, score, NULL, d_score, NULL);
 *         fl_training_backward (training, batch, d_score, gradient, NULL);
 *         fl_training_step (training, gradient, loss);
 *       }
 *   return fl_training_end (training, error);
 *
 * The first failure ends the loops and is what fl_training_end reports.
 */
#ifndef FAIRLEAD_TRAIN_H
#define FAIRLEAD_TRAIN_H

#include <fairlead/base.h>
#include <fairlead/data.h>
#include <fairlead/params.h>

FL_BEGIN_DECLS

typedef struct FlStage FlStage;

/* ---- models ------------------------------------------------------------ */

/* A table of parameters, row-major; a row is a user, an item, an output of a
 * layer.  Of f32 and f64 exactly one is set. */
typedef struct
{
  const char *name; /* "user", "item", "W1" */
  uint32_t n_rows;
  size_t n_cols;
  float *f32;       /* n_rows x n_cols      */
  double *f64;
  gpointer reserved[4];
} FlBlock;

/* What is scored together: each of n entries is a user with `width` items.  A
 * triple of BPR has width 2, the positive item and a negative; a labelled pair
 * has width 1.  Vectors may be scored with something added to them: of the item at
 * k * width + c, row item[k * width + c] of `delta` where mask says so; of the user of
 * entry k, row user[k] of `user_delta`. */
typedef struct
{
  size_t size;          /* FL_BATCH                                          */
  size_t n, width;
  const uint32_t *user; /* n                                                 */
  const uint32_t *item; /* n x width, row-major                              */
  const double *label;  /* n, or NULL: triples have none                     */
  const float *delta;   /* n_items x item_width, or NULL                     */
  unsigned perturbed;   /* the columns it is added in, 1 << column or-ed     */
  const uint8_t *mask;  /* n x width: whether it is added; NULL: `perturbed` */
  const float *user_delta; /* n_users x user_width, or NULL                  */
  const uint8_t *user_mask; /* n: whether that is added; NULL: to all        */
} FlBatch;

#define FL_BATCH(...) FL_SIZED_ (FlBatch, __VA_ARGS__)

/* For models: what is added to the vector of the item in column c of entry k, item_width
 * numbers; NULL: nothing. */
static inline const float *
fl_batch_item_delta (const FlBatch *batch, size_t k, size_t c, size_t item_width)
{
  size_t at = k * batch->width + c;

  if (batch->delta == NULL
      || !(batch->mask != NULL ? batch->mask[at] : batch->perturbed >> c & 1))
    return NULL;
  return batch->delta + batch->item[at] * item_width;
}

/* And to that of the user of entry k, user_width numbers. */
static inline const float *
fl_batch_user_delta (const FlBatch *batch, size_t k, size_t user_width)
{
  if (batch->user_delta == NULL || (batch->user_mask != NULL && !batch->user_mask[k]))
    return NULL;
  return batch->user_delta + batch->user[k] * user_width;
}

/* Room for n_max entries of `width` items, for fl_batch_select; n is 0.  NULL with
 * FL_ERROR_SYSTEM when memory ends. */
FlBatch *fl_batch_new (size_t n_max, size_t width, GError **error);
void fl_batch_free (FlBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlBatch, fl_batch_free)
/* The entries k of a batch with group[k] == g, in their order, into `out`, which
 * fl_batch_new made for as many and as wide; returns how many there are.  Labels and
 * masks go with their entries, perturbations are those of the batch.  group: one number
 * for each entry. */
size_t fl_batch_select (const FlBatch *batch, const uint32_t *group, uint32_t g, FlBatch *out);

/* What `slot` says of a row that is not listed: the derivative by it is zero. */
#define FL_NOT_LISTED G_MAXUINT32

/* A derivative by a block, of which only rows that something was added to are kept, in
 * the order in which they were first asked for: `row` and `slot` undo each other.  To
 * list a row may move all values of the block. */
typedef struct
{
  uint32_t n_rows;      /* of the block                                      */
  size_t n_cols;
  uint32_t n_used;      /* rows that are listed                              */
  uint32_t *row;        /* n_used: which row each is                         */
  uint32_t *slot;       /* n_rows: its place among those, or FL_NOT_LISTED   */
  float *f32;           /* n_used x n_cols; this one where the block has it, */
  double *f64;          /* else this one                                     */
  /* The host's. */
  uint32_t n_room;      /* rows that there is memory for                     */
  gboolean incomplete;  /* there was none for another                        */
  gpointer reserved[4];
} FlGradientBlock;

/* Made by the host alone. */
typedef struct
{
  size_t size;
  size_t n_blocks;
  FlGradientBlock *block;
  double penalty;       /* what backward added to the loss beside the scores */
} FlGradient;

/* Zero.  Costs 4 bytes for each row of the blocks, and the values of rows that come to
 * be listed.  A block that has neither f32 nor f64 (a shape) counts as one of floats.  NULL
 * with FL_ERROR_SYSTEM when memory ends. */
FlGradient *fl_gradient_new (size_t n_blocks, const FlBlock *blocks, GError **error);
void fl_gradient_free (FlGradient *gradient);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlGradient, fl_gradient_free)
/* Back to zero: no row is listed.  Costs the rows that were. */
void fl_gradient_clear (FlGradient *gradient);
/* a <- a + factor b.  Both of the same blocks. */
void fl_gradient_add (FlGradient *a, double factor, const FlGradient *b);
void fl_gradient_scale (FlGradient *gradient, double factor);
/* Sum of products over all blocks, in double.  Like the next, it costs the rows that are
 * listed, and neither threads nor the order of listing change a digit. */
double fl_gradient_dot (const FlGradient *a, const FlGradient *b);
/* gram (n x n): the products of n gradients of the same blocks, in one pass. */
void fl_gradient_gram (size_t n, const FlGradient *const *gradients, double *gram);
/* Weights, none negative and 1 in sum, of the shortest convex combination of n vectors, 1
 * to 64, from their products, gram (n x n): where it is the gradients', a direction in
 * which no loss grows.  Where weights are not unique (equal vectors) those of lower
 * numbers are preferred; a vector of length 0 has all weight.  FL_ERROR_NUMERIC where
 * the products are not finite, or no products. */
gboolean fl_min_norm (size_t n, const double *gram, double *weights, GError **error);
/* Lists row r, which is not listed, as zero, and returns its place.  Where memory ends
 * that is a place for what is lost, and whatever part of the training meets the gradient
 * next fails with FL_ERROR_SYSTEM. */
uint32_t fl_gradient_list (FlGradientBlock *block, uint32_t r);

/* Row r of a block of floats, n_cols numbers to be added to; listed if it was not.  Valid
 * until another row of the block is listed.  Where several threads add to a block, one
 * lists the rows beforehand. */
static inline float *
fl_gradient_row (FlGradientBlock *block, uint32_t r)
{
  uint32_t place = block->slot[r];

  if (place == FL_NOT_LISTED)
    place = fl_gradient_list (block, r);
  return block->f32 + place * block->n_cols;
}

/* The same of a block of doubles. */
static inline double *
fl_gradient_row_f64 (FlGradientBlock *block, uint32_t r)
{
  uint32_t place = block->slot[r];

  if (place == FL_NOT_LISTED)
    place = fl_gradient_list (block, r);
  return block->f64 + place * block->n_cols;
}

typedef enum
{
  FL_LOSS_BPR,    /* -ln sigma (s_ui - s_uj) of triples                     */
  FL_LOSS_BCE,    /* binary cross-entropy of pairs with negatives, labels 1 and 0 */
  FL_LOSS_SQUARED /* (s_ui - r_ui)^2 of ratings, which are the labels        */
} FlLoss;

typedef enum
{
  FL_OPTIMIZER_ADAM,      /* Kingma and Ba 2015; rows without gradient move too */
  FL_OPTIMIZER_ADAM_LAZY, /* rows without gradient stay, moments and all        */
  FL_OPTIMIZER_SGD,
  FL_OPTIMIZER_ADAGRAD,
  FL_OPTIMIZER_STREAM     /* the model's own loop over single triples           */
} FlOptimizerKind;

/* How a model is trained; a model's parameters, by FL_TRAINING_PARAMS.  `size` is filled
 * by FL_TRAINING_SETTINGS; in a model's own structure FL_GRADIENT says it. */
typedef struct
{
  size_t size;
  int64_t epochs, batch, negatives;
  int loss, optimizer; /* FlLoss, FlOptimizerKind */
  double learning_rate, l2, clip;
  FlInstance *stop_on; /* objective, or NULL      */
  int64_t stop_k, patience, validate_every;
  double weight_decay;
} FlTrainingSettings;

#define FL_TRAINING_SETTINGS(...) FL_SIZED_ (FlTrainingSettings, __VA_ARGS__)

/* Rows for a model's table of parameters; `field` is its FlTrainingSettings. */
#define FL_TRAINING_PARAMS(Self, field) \
  FL_NAMED_ (INT, "epochs", Self, field.epochs, int64_t, 200, 1, 1e6, NULL, \
             "passes over the training ratings, at most"), \
  FL_NAMED_ (INT, "batch", Self, field.batch, int64_t, 1024, 1, 1e9, NULL, \
             "triples, or labelled pairs, to a step"), \
  FL_NAMED_ (INT, "negatives", Self, field.negatives, int64_t, 1, 1, 1000, NULL, \
             "items drawn uniformly, among those that the user has not seen, for each positive; " \
             "loss = squared has none"), \
  { .type = FL_TYPE_CHOICE, .name = "loss", .offset = FL_FIELD_ (Self, field.loss, int), \
    .number = FL_LOSS_BPR, .words = "bpr|bce|squared", \
    .doc = "Bayesian personalised ranking of triples, binary cross-entropy of pairs, or squared " \
           "error of the ratings themselves; a mean over the batch" }, \
  { .type = FL_TYPE_CHOICE, .name = "optimizer", \
    .offset = FL_FIELD_ (Self, field.optimizer, int), .number = FL_OPTIMIZER_ADAM, \
    .words = "adam|adam-lazy|sgd|adagrad|stream", \
    .doc = "adam-lazy leaves rows without gradient where they are; stream steps after each " \
           "triple, users in random order, where the model can" }, \
  FL_NAMED_ (DOUBLE, "learning_rate", Self, field.learning_rate, double, 1e-3, 0, 1e6, NULL, \
             "step size"), \
  FL_NAMED_ (DOUBLE, "l2", Self, field.l2, double, 0, 0, 1e6, NULL, \
             "penalty on the squared norms of the vectors of each triple or pair"), \
  FL_NAMED_ (DOUBLE, "weight_decay", Self, field.weight_decay, double, 0, 0, 1e6, NULL, \
             "so much of each parameter is added to its gradient at every step, rated or not; " \
             "not with adam-lazy or stream"), \
  FL_NAMED_ (DOUBLE, "clip", Self, field.clip, double, 0, 0, 1e12, NULL, \
             "longest gradient of a step; 0: any"), \
  { .type = FL_TYPE_PLUGIN, .kind = FL_KIND_OBJECTIVE, .name = "stop_on", .text = "", \
    .offset = FL_FIELD_ (Self, field.stop_on, FlInstance *), \
    .doc = "objective measured on the validation part: the epoch where its first value is best " \
           "is kept; none: the last epoch" }, \
  FL_NAMED_ (INT, "stop_k", Self, field.stop_k, int64_t, 20, 1, 1e6, NULL, \
             "length of the lists that it measures"), \
  FL_NAMED_ (INT, "patience", Self, field.patience, int64_t, 10, 1, 1e6, NULL, \
             "epochs without a better value after which training stops"), \
  FL_NAMED_ (INT, "validate_every", Self, field.validate_every, int64_t, 1, 1, 1e6, "epochs", \
             "how often it is measured")
#define FL_NAMED_(type_, key, Self, field, ctype, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_##type_, .name = (key), .offset = FL_FIELD_ (Self, field, ctype), \
    .min = (lo), .max = (hi), .number = (def), .unit = (unit_), .doc = (doc_) }

/* A model's side of training. */
typedef struct
{
  size_t ops_size;
  size_t settings_size; /* of what `settings` returns; both are FL_GRADIENT's to fill */
  const FlTrainingSettings *(*settings) (gconstpointer self);
  /* Parameters at their random start.  `train` is borrowed until clear or the next
   * start. */
  gboolean (*start) (gpointer self, const FlRatings *train, uint64_t seed, GError **error);
  /* The blocks, n of them, valid until clear or the next start.  Their values may
   * be changed by the caller, who then calls `parameters_changed`. */
  size_t (*blocks) (gpointer self, const FlBlock **blocks);
  /* n x width scores of a batch, or what comes before a sigmoid. */
  gboolean (*scores) (gpointer self, const FlBatch *batch, double *score, GError **error);
  /* Adds the derivative by the blocks of
   *   sum over the batch of d_score . score + l2 * (squared norms of the vectors of
   *   the user and of the items, as they are without delta, of each entry),
   * and the second sum to gradient->penalty.  d_delta, of floats: the derivative by
   * batch->delta is added to block 0, n_items x item_width, that by batch->user_delta
   * to block 1, n_users x user_width, unless there is none.  Either of gradient and
   * d_delta may be NULL. */
  gboolean (*backward) (gpointer self, const FlBatch *batch, const double *d_score, double l2,
                        FlGradient *gradient, FlGradient *d_delta, GError **error);
  /* Numbers in the vector of an item that batch->delta is added to; NULL: items
   * cannot be perturbed.  The same of users. */
  size_t (*item_width) (gconstpointer self);
  size_t (*user_width) (gconstpointer self);
  /* Parameters were changed: what was computed from them is out of date.  Optional. */
  void (*parameters_changed) (gpointer self);
  /* Makes ready what `factors` and `score` of FlModelOps read.  Optional. */
  gboolean (*prepare_scores) (gpointer self, GError **error);
  /* One epoch in the model's own way, where its settings say FL_OPTIMIZER_STREAM;
   * *loss receives its mean over the triples.  NULL: it has none. */
  gboolean (*stream) (gpointer self, uint64_t seed, uint64_t epoch, double *loss,
                      GError **error);
  /* out (n x width): the vectors of n users or items, those that user_width or item_width
   * speaks of, as they are without what a batch adds to them; index: n, in any order,
   * again and again.  NULL: it has none. */
  gboolean (*vectors) (gpointer self, FlSide side, size_t n, const uint32_t *index, double *out,
                       GError **error);
  /* Adds the derivative by the blocks of the sum of d_out . out, which are n x width. */
  gboolean (*vectors_back) (gpointer self, FlSide side, size_t n, const uint32_t *index,
                            const double *d_out, FlGradient *gradient, GError **error);
} FlGradientOps;

/* ---- losses ------------------------------------------------------------ */

/* sum_k weight_k * -ln sigma (s_k0 - s_k1) of n triples; weight NULL: 1 / n each.
 * score, d_score: n x 2.  Each loss, unweighted, goes to `each` (n) unless NULL. */
double fl_loss_bpr (size_t n, const double *score, const double *weight, double *d_score,
                    double *each);
/* sum_k weight_k * -(y ln p + (1 - y) ln (1 - p)), p = sigma (s_k), of n pairs. */
double fl_loss_bce (size_t n, const double *score, const double *label, const double *weight,
                    double *d_score, double *each);
/* sum_k weight_k * (s_k - y_k)^2, of n pairs. */
double fl_loss_squared (size_t n, const double *score, const double *label, const double *weight,
                        double *d_score, double *each);

/* ---- the loop ---------------------------------------------------------- */

typedef struct FlTraining FlTraining;

/* Starts the stage's model afresh.  settings: NULL, or what is to hold instead of
 * the model's own.  FL_ERROR_CONFIG where the model cannot do what they ask. */
FlTraining *fl_training_new (const FlStage *stage, const FlTrainingSettings *settings,
                             GError **error);
void fl_training_free (FlTraining *training);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlTraining, fl_training_free)
const FlTrainingSettings *fl_training_settings (const FlTraining *training);
/* The blocks of the model, for gradients of one's own. */
size_t fl_training_blocks (const FlTraining *training, const FlBlock **blocks);
/* How many entries the longest batch has: room for their scores. */
size_t fl_training_batch_size (const FlTraining *training);
/* A gradient that the training owns, zero; for more, fl_gradient_new. */
FlGradient *fl_training_gradient (FlTraining *training);
/* Memory of the caller's that belongs to the state of the training, for checkpoints:
 * weights of groups and the like.  To be called before the first epoch. */
void fl_training_keep (FlTraining *training, const char *name, gpointer data, size_t size);
/* The same of a gradient of the caller's that lasts longer than a batch. */
void fl_training_keep_gradient (FlTraining *training, const char *name, FlGradient *gradient);

/* Ends an epoch (validates, keeps the best, checkpoints) and begins the next; FALSE
 * when training is over, or has failed. */
gboolean fl_training_epoch (FlTraining *training);
uint64_t fl_training_epoch_number (const FlTraining *training); /* from 0 */
/* After how many epochs the parameters were what fl_training_end would put in place now: the
 * best so far, or the last.  A method that says something of its own state copies it where
 * this has changed, once fl_training_epoch has returned. */
uint64_t fl_training_best_epoch (const FlTraining *training);
/* The next batch of the epoch, valid until the next call; NULL after the last one. */
const FlBatch *fl_training_batch (FlTraining *training);
/* Numbers in a row of FlBatch.delta and of user_delta; 0: the model has no such vectors. */
size_t fl_training_item_width (const FlTraining *training);
size_t fl_training_user_width (const FlTraining *training);
/* n x width scores of a batch, or what comes before a sigmoid. */
gboolean fl_training_scores (FlTraining *training, const FlBatch *batch, double *score);
/* Adds to `gradient` the derivative by the blocks of
 *   sum over the batch of d_score . score + l2 * (squared norms of the vectors of the
 *   user and the items, without what is added to them, of each entry),
 * and to gradient->penalty the second sum.  d_delta, made of one or two blocks of floats:
 * the derivative of the first sum by batch->delta is added to block 0, n_items x
 * item_width, and that by batch->user_delta to block 1, n_users x user_width.  Either may
 * be NULL.
 *
 * A method with several losses to a step decides by l2 where the penalty belongs: once,
 * as in training without the method, when one call has settings->l2 / batch->n and the
 * others 0; with each group's own loss, when each sub-batch has settings->l2 / its n. */
gboolean fl_training_derive (FlTraining *training, const FlBatch *batch, const double *d_score,
                             double l2, FlGradient *gradient, FlGradient *d_delta);
/* The same with the penalty of the settings as a mean over the batch: l2 / batch->n.  For
 * methods that call it once for each batch. */
gboolean fl_training_backward (FlTraining *training, const FlBatch *batch, const double *d_score,
                               FlGradient *gradient, FlGradient *d_delta);
/* out (n x width): the vectors of n users or items of the model, width being
 * fl_training_user_width or _item_width; index: n, in any order, perhaps with repeats.  For
 * losses that look at vectors, such as an adversary's.  A failure with FL_ERROR_CONFIG
 * where the model gives none. */
gboolean fl_training_vectors (FlTraining *training, FlSide side, size_t n, const uint32_t *index,
                              double *out);
/* Adds to `gradient` the derivative by the blocks of the sum of d_out . out, n x width
 * each, out being those vectors. */
gboolean fl_training_vectors_back (FlTraining *training, FlSide side, size_t n,
                                   const uint32_t *index, const double *d_out,
                                   FlGradient *gradient);
/* theta <- theta + factor * by, until fl_training_restore puts back the very bits
 * that were there before the first move. */
gboolean fl_training_move (FlTraining *training, double factor, const FlGradient *by);
gboolean fl_training_restore (FlTraining *training);
/* One step of the optimiser, from where the parameters are, moved or not, after which
 * the gradient is zero again and nothing is left to restore.  `loss`: of the batch, as a
 * mean without penalty, to notice divergence. */
gboolean fl_training_step (FlTraining *training, FlGradient *gradient, double loss);
/* Ends the loops with an error of the caller's, which is taken; FALSE. */
gboolean fl_training_fail (FlTraining *training, GError *failure);
/* Puts the best parameters in place.  FALSE with the first failure, if there was one. */
gboolean fl_training_end (FlTraining *training, GError **error);

/* The loop above, or that of the model's settings: how the host trains a model that
 * has no `fit`. */
gboolean fl_training_run (const FlStage *stage, GError **error);

/* The optimiser by itself, for blocks of one's own (those of a perturbation, of an
 * adversary).  Of the settings it reads optimizer, learning_rate, weight_decay and
 * clip. */
typedef struct FlOptimizer FlOptimizer;
FlOptimizer *fl_optimizer_new (size_t n_blocks, const FlBlock *blocks,
                               const FlTrainingSettings *settings, GError **error);
void fl_optimizer_free (FlOptimizer *optimizer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlOptimizer, fl_optimizer_free)
/* FALSE when a parameter became what is not finite, or memory ended for a row of the
 * gradient. */
gboolean fl_optimizer_step (FlOptimizer *optimizer, const FlGradient *gradient);
/* The steps that it has done and its moments, for fl_training_keep. */
gpointer fl_optimizer_state (FlOptimizer *optimizer, size_t *size);

FL_END_DECLS

#endif
