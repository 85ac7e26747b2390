/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-mf: derivatives against differences, a fit in double against one written out
 * again, the stream of triples, threads.  The golden cases lie with the plugin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/train/train-room.h"
#include "tests/support/gradients.h"
#include "tests/support/matrix-model.h"
#include "tests/support/slow.h"

static FlRegistry *registry;

/* "rank=3 tau=2" */
static FlInstance *
model_new (const char *settings)
{
  GError *error = NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  FlInstance *model = test_instance_new (registry, FL_KIND_MODEL, "bpr-mf",
                                         (const char *const *) words, &error);

  g_assert_no_error (error);
  return model;
}

static const FlGradientOps *
gradient_ops (const FlInstance *model)
{
  return ((const FlModelOps *) model->ops)->gradient;
}

static const FlBlock *
blocks_of (const FlInstance *model)
{
  const FlBlock *block;

  assert_int_equal (gradient_ops (model)->blocks (model->self, &block), 2);
  return block;
}

/* The k-th number of a block of either precision. */
static double
number (const FlBlock *block, size_t k)
{
  return block->f64 != NULL ? block->f64[k] : (double) block->f32[k];
}

static void
set_number (const FlBlock *block, size_t k, double x)
{
  if (block->f64 != NULL)
    block->f64[k] = x;
  else
    block->f32[k] = (float) x;
}

static void
start (const FlInstance *model, const FlRatings *ratings)
{
  GError *error = NULL;

  gradient_ops (model)->start (model->self, ratings, 7, &error);
  g_assert_no_error (error);
}

static void
fill_rows (const FlBlock *block, float value)
{
  for (size_t k = 0; k < block->n_rows * block->n_cols; k++)
    block->f32[k] = value;
}

/* Each pair with a probability that grows with how close its numbers are; `liked`: items
 * that everybody has. */
static FlRatings *
some_ratings (uint32_t n_users, uint32_t n_items, uint32_t liked)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  FlRng rng = fl_rng (4, "ratings", 0);

  for (uint32_t u = 0; u < n_users; u++)
    for (uint32_t i = 0; i < n_items; i++)
      if (i < liked || fl_rng_uniform (&rng) < (u % 5 == i % 5 ? 0.3 : 0.02))
        fl_triplets_add (triplets, u, i, 1);
  return fl_triplets_make_ratings (triplets, n_users, n_items, NULL);
}

/* ---- derivatives ------------------------------------------------------- */

#define N_USERS 4
#define N_ITEMS 5
#define RANK 7
#define N_ENTRIES 9
#define WIDTH 3

/* sum of d_score . score + l2 * squared norms, over a batch that names rows often. */
typedef struct
{
  FlInstance *model;
  const FlBlock *block;
  size_t n_blocks; /* 4 with biases */
  uint32_t user[N_ENTRIES], item[N_ENTRIES * WIDTH];
  float delta[N_ITEMS * RANK], user_delta[N_USERS * RANK];
  uint8_t mask[N_ENTRIES * WIDTH], user_mask[N_ENTRIES];
  double d_score[N_ENTRIES * WIDTH];
  FlBatch batch;
  double l2;
} Loss;

/* What is added to vectors: to items in columns, to items where a mask says so, to users,
 * to users of some entries. */
enum
{
  COLUMN_0 = 1 << 0,
  COLUMNS_1_2 = 1 << 1 | 1 << 2,
  MASK = 1 << 3,
  USERS = 1 << 4,
  USER_MASK = 1 << 5
};

static void
perturb (Loss *loss, unsigned what)
{
  FlRng rng = fl_rng (3, "perturbation", 0);

  for (size_t k = 0; k < N_ITEMS * RANK; k++)
    loss->delta[k] = (float) (0.3 * fl_rng_normal (&rng));
  for (size_t k = 0; k < N_USERS * RANK; k++)
    loss->user_delta[k] = (float) (0.3 * fl_rng_normal (&rng));
  for (size_t k = 0; k < N_ENTRIES * WIDTH; k++)
    loss->mask[k] = (uint8_t) fl_rng_below (&rng, 2);
  for (size_t k = 0; k < N_ENTRIES; k++)
    loss->user_mask[k] = (uint8_t) fl_rng_below (&rng, 2);
  if (what & (COLUMN_0 | COLUMNS_1_2 | MASK))
    loss->batch.delta = loss->delta;
  loss->batch.perturbed = what & (COLUMN_0 | COLUMNS_1_2);
  if (what & MASK)
    loss->batch.mask = loss->mask;
  if (what & (USERS | USER_MASK))
    loss->batch.user_delta = loss->user_delta;
  if (what & USER_MASK)
    loss->batch.user_mask = loss->user_mask;
}

static void
loss_init (Loss *loss, const char *settings, unsigned perturbed, double l2)
{
  FlRng rng = fl_rng (2, "loss", 0);
  g_autoptr (FlRatings) ratings = some_ratings (N_USERS, N_ITEMS, 1);

  loss->model = model_new (settings);
  start (loss->model, ratings);
  loss->n_blocks = gradient_ops (loss->model)->blocks (loss->model->self, &loss->block);
  for (size_t b = 0; b < loss->n_blocks; b++)
    for (size_t k = 0; k < loss->block[b].n_rows * loss->block[b].n_cols; k++)
      set_number (&loss->block[b], k, fl_rng_normal (&rng));
  for (size_t k = 0; k < N_ENTRIES; k++)
    loss->user[k] = fl_rng_below (&rng, N_USERS);
  for (size_t k = 0; k < N_ENTRIES * WIDTH; k++)
    {
      loss->item[k] = fl_rng_below (&rng, N_ITEMS);
      loss->d_score[k] = (float) fl_rng_normal (&rng);
    }
  loss->batch = FL_BATCH (.n = N_ENTRIES, .width = WIDTH, .user = loss->user, .item = loss->item);
  perturb (loss, perturbed);
  loss->l2 = l2;
}

static double
row_square (const FlBlock *block, uint32_t r)
{
  double sum = 0;

  for (size_t a = 0; a < block->n_cols; a++)
    sum += number (block, r * block->n_cols + a) * number (block, r * block->n_cols + a);
  return sum;
}

static double
loss_value (const Loss *loss)
{
  double score[N_ENTRIES * WIDTH];
  double sum = 0;

  assert_true (gradient_ops (loss->model)->scores (loss->model->self, &loss->batch, score, NULL));
  for (size_t k = 0; k < N_ENTRIES; k++)
    {
      for (size_t b = 0; b < loss->n_blocks; b += 2)
        sum += loss->l2 * row_square (&loss->block[b], loss->user[k]);
      for (size_t c = k * WIDTH; c < (k + 1) * WIDTH; c++)
        {
          sum += loss->d_score[c] * score[c];
          for (size_t b = 1; b < loss->n_blocks; b += 2)
            sum += loss->l2 * row_square (&loss->block[b], loss->item[c]);
        }
    }
  return sum;
}

/* Of floats scores have 7 digits, so a difference over twice 2^-7 has 1e-5 of noise from
 * each; what is left of the third derivative of a cosine is below a thousandth.  Of doubles
 * 2^-17 squared is 1e-10, and 1e-16 divided by it 1e-11.  Perturbations are floats, and so is
 * the derivative by them. */
typedef struct
{
  double step, near;
} Limits;

static const Limits of_floats = { 0x1p-7, 2e-3 }, of_doubles = { 0x1p-17, 1e-7 };
static const Limits of_deltas = { 0x1p-13, 1e-5 };

static void
compare_differences (const Loss *loss, const FlBlock *block, const FlGradientBlock *gradient,
                     Limits limits, const char *what)
{
  for (size_t k = 0; k < block->n_rows * block->n_cols; k++)
    {
      double here = number (block, k), up, down, expected, width;
      double found = test_gradient_number (gradient, k);

      set_number (block, k, here + limits.step);
      up = loss_value (loss);
      width = number (block, k);
      set_number (block, k, here - limits.step);
      down = loss_value (loss);
      width -= number (block, k);
      set_number (block, k, here);
      expected = (up - down) / width;
      if (!(fabs (found - expected) <= limits.near * MAX (1, fabs (expected))))
        fail_msg ("%s, %s %zu: derivative %.10g, difference %.10g", what, block->name, k, found,
                  expected);
    }
}

static void
check_derivatives (const char *settings, unsigned perturbed, double l2)
{
  Loss loss;
  g_autoptr (FlGradient) gradient = NULL, d_delta = NULL;
  GError *error = NULL;
  double plain;
  Limits limits, limits_delta;
  const FlBlock delta[] = { { .name = "delta", .n_rows = N_ITEMS, .n_cols = RANK,
                              .f32 = loss.delta },
                            { .name = "user delta", .n_rows = N_USERS, .n_cols = RANK,
                              .f32 = loss.user_delta } };

  loss_init (&loss, settings, perturbed, l2);
  limits = loss.block[0].f64 != NULL ? of_doubles : of_floats;
  limits_delta = loss.block[0].f64 != NULL ? of_deltas : of_floats;
  gradient = fl_gradient_new (loss.n_blocks, loss.block, &error);
  d_delta = fl_gradient_new (2, delta, &error);
  assert_int_equal (gradient_ops (loss.model)->item_width (loss.model->self), RANK);
  assert_int_equal (gradient_ops (loss.model)->user_width (loss.model->self), RANK);
  gradient_ops (loss.model)->backward (loss.model->self, &loss.batch, loss.d_score, l2, gradient,
                                       d_delta, &error);
  g_assert_no_error (error);
  for (size_t b = 0; b < loss.n_blocks; b++)
    compare_differences (&loss, &loss.block[b], &gradient->block[b], limits, settings);
  for (size_t b = 0; b < 2; b++)
    compare_differences (&loss, &delta[b], &d_delta->block[b], limits_delta, settings);
  plain = loss_value (&loss);
  loss.l2 = 0;
  plain -= loss_value (&loss);
  assert_true (fabs (gradient->penalty - plain) <= 1e-6 * MAX (1, plain));
  fl_instance_free (loss.model);
}

static void
test_derivatives (void **state)
{
  static const char *const settings[]
      = { "rank=7", "rank=7 tau=3", "rank=7 tau=0.25 temperature=divide", "rank=7 biases=true",
          "rank=7 precision=double", "rank=7 precision=double biases=true",
          "rank=7 precision=double tau=3" };
  static const unsigned perturbed[] = { 0, COLUMN_0, COLUMNS_1_2, MASK, USERS,
                                        COLUMN_0 | USERS, MASK | USER_MASK };

  (void) state;
  for (size_t s = 0; s < G_N_ELEMENTS (settings); s++)
    for (size_t p = 0; p < G_N_ELEMENTS (perturbed); p++)
      for (int l2 = 0; l2 < 2; l2++)
        check_derivatives (settings[s], perturbed[p], 0.3 * l2);
}

/* A vector of length 0 has cosine 0 with all others, and no derivative. */
static void
test_zero (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (3, 4, 1);
  g_autoptr (FlInstance) model = model_new ("rank=3 tau=2");
  const FlModelOps *ops = model->ops;
  FlBatch batch = FL_BATCH (.n = 1, .width = 2, .user = (uint32_t[]) { 1 },
                            .item = (uint32_t[]) { 2, 3 });
  g_autoptr (FlGradient) gradient = NULL;
  double score[2];
  FlFactors f;

  (void) state;
  start (model, ratings);
  memset (blocks_of (model)[1].f32 + 2 * 3, 0, 3 * sizeof (float));
  gradient = fl_gradient_new (2, blocks_of (model), NULL);
  assert_true (ops->gradient->scores (model->self, &batch, score, NULL));
  assert_true (score[0] == 0);
  assert_true (ops->gradient->backward (model->self, &batch, (double[]) { 1, 0 }, 0, gradient, NULL,
                                        NULL));
  for (size_t a = 0; a < 3; a++)
    {
      assert_true (test_gradient_number (&gradient->block[1], 2 * 3 + a) == 0);
      assert_true (test_gradient_number (&gradient->block[0], 3 + a) == 0);
    }
  assert_true (ops->gradient->prepare_scores (model->self, NULL));
  fl_model_factors (model, &f, NULL);
  assert_true (fl_dot_f32 (3, f.user_f32 + 3, f.item_f32 + 2 * 3) == 0);
  assert_true (fabs (fl_dot_f32 (3, f.user_f32 + 3, f.item_f32 + 3 * 3) - score[1]) < 1e-6);
}

/* Factors are what scores are made of, in columns that face one another; without biases
 * and tau they are the vectors themselves. */
static void
check_factors (const char *settings, size_t width, double near)
{
  Loss loss;
  FlFactors f;
  double score[N_ENTRIES * WIDTH];

  loss_init (&loss, settings, 0, 0);
  assert_true (gradient_ops (loss.model)->scores (loss.model->self, &loss.batch, score, NULL));
  assert_true (gradient_ops (loss.model)->prepare_scores (loss.model->self, NULL));
  fl_model_factors (loss.model, &f, NULL);
  assert_int_equal (f.rank, width);
  assert_true ((f.user_f64 != NULL) == (loss.block[0].f64 != NULL));
  for (size_t k = 0; k < N_ENTRIES * WIDTH; k++)
    {
      double sum = 0;

      for (size_t a = 0; a < width; a++)
        sum += f.user_f64 != NULL ? f.user_f64[loss.user[k / WIDTH] * width + a]
                                        * f.item_f64[loss.item[k] * width + a]
                                  : (double) f.user_f32[loss.user[k / WIDTH] * width + a]
                                        * f.item_f32[loss.item[k] * width + a];
      if (!(fabs (sum - score[k]) <= near * MAX (1, fabs (sum))))
        fail_msg ("%s: score %.15g, of factors %.15g", settings, score[k], sum);
    }
  fl_instance_free (loss.model);
}

static void
test_factors (void **state)
{
  (void) state;
  check_factors ("rank=7", RANK, 1e-6);
  check_factors ("rank=7 tau=2", RANK, 1e-6);
  check_factors ("rank=7 biases=true", RANK + 2, 1e-6);
  check_factors ("rank=7 biases=true mean=true loss=squared", RANK + 2, 1e-6);
  check_factors ("rank=7 precision=double", RANK, 1e-14);
  check_factors ("rank=7 precision=double tau=2", RANK, 1e-14);
  check_factors ("rank=7 precision=double biases=true", RANK + 2, 1e-14);
}

/* Both precisions begin at the same numbers, rounded; biases at 0. */
static void
test_start_of_precisions (void **state)
{
  static const char *const starts[] = { "rank=3 biases=true", "rank=3 biases=true start=normal" };
  g_autoptr (FlRatings) ratings = some_ratings (6, 7, 1);

  (void) state;
  for (size_t s = 0; s < G_N_ELEMENTS (starts); s++)
    {
      g_autofree char *settings = g_strconcat (starts[s], " precision=double", NULL);
      g_autoptr (FlInstance) single = model_new (starts[s]), precise = model_new (settings);
      const FlBlock *x, *y;

      start (single, ratings);
      start (precise, ratings);
      assert_int_equal (gradient_ops (single)->blocks (single->self, &x), 4);
      assert_int_equal (gradient_ops (precise)->blocks (precise->self, &y), 4);
      for (size_t b = 0; b < 4; b++)
        for (size_t k = 0; k < x[b].n_rows * x[b].n_cols; k++)
          {
            assert_true (x[b].f32[k] == (float) y[b].f64[k]);
            assert_int_equal (y[b].f64[k] == 0, b > 1);
          }
    }
}

/* ---- full batches ------------------------------------------------------ */

/* A dense fit by Adam written out again: 1/n sum of (r - mean - p.q - b_u - b_i)^2 + l2 (|p|^2 +
 * |q|^2 + b_u^2 + b_i^2) over the n ratings, and decay theta added to its gradient; mean is a
 * constant. */
#define FIT_USERS 23
#define FIT_ITEMS 17
#define FIT_RANK 2
#define FIT_STEPS 250
#define FIT_SIZE ((FIT_USERS + FIT_ITEMS) * (FIT_RANK + 1))

typedef struct
{
  double p[FIT_USERS][FIT_RANK], q[FIT_ITEMS][FIT_RANK], user[FIT_USERS], item[FIT_ITEMS];
} Fit;

static double
fit_gradient (const FlRatings *ratings, double mean, const Fit *fit, double l2, Fit *gradient)
{
  double n = (double) ratings->n, loss = 0;

  memset (gradient, 0, sizeof *gradient);
  for (size_t u = 0; u < FIT_USERS; u++)
    for (size_t k = ratings->by_user.start[u]; k < ratings->by_user.start[u + 1]; k++)
      {
        uint32_t i = ratings->by_user.col[k];
        double e = mean + fit->user[u] + fit->item[i] - fl_csr_value (&ratings->by_user, k);

        for (size_t a = 0; a < FIT_RANK; a++)
          e += fit->p[u][a] * fit->q[i][a];
        loss += e * e;
        gradient->user[u] += 2 / n * (e + l2 * fit->user[u]);
        gradient->item[i] += 2 / n * (e + l2 * fit->item[i]);
        for (size_t a = 0; a < FIT_RANK; a++)
          {
            gradient->p[u][a] += 2 / n * (e * fit->q[i][a] + l2 * fit->p[u][a]);
            gradient->q[i][a] += 2 / n * (e * fit->p[u][a] + l2 * fit->q[i][a]);
          }
      }
  return loss / n;
}

static double
fit_by_adam (const FlRatings *ratings, double mean, double rate, double l2, double decay,
             Fit *fit)
{
  double m[FIT_SIZE] = { 0 }, v[FIT_SIZE] = { 0 }, loss = 0;
  double *x = (double *) fit;
  Fit gradient;

  G_STATIC_ASSERT (sizeof (Fit) == FIT_SIZE * sizeof (double));
  for (int t = 1; t <= FIT_STEPS; t++)
    {
      loss = fit_gradient (ratings, mean, fit, l2, &gradient);
      for (size_t k = 0; k < FIT_SIZE; k++)
        {
          double g = ((const double *) &gradient)[k] + decay * x[k];

          m[k] = 0.9 * m[k] + 0.1 * g;
          v[k] = 0.999 * v[k] + 0.001 * g * g;
          x[k] -= rate * (m[k] / (1 - pow (0.9, t))) / (sqrt (v[k] / (1 - pow (0.999, t))) + 1e-8);
        }
    }
  return loss;
}

/* Stars, some of which float does not hold. */
static FlRatings *
fit_ratings (void)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  FlRng rng = fl_rng (6, "stars", 0);

  for (uint32_t u = 0; u < FIT_USERS; u++)
    for (uint32_t i = 0; i < FIT_ITEMS; i++)
      if (u == 3 || fl_rng_uniform (&rng) < 0.4) /* user 3 has rated everything */
        fl_triplets_add (triplets, u, i, 1 + 0.1 * fl_rng_below (&rng, 41));
  return fl_triplets_make_ratings (triplets, FIT_USERS, FIT_ITEMS, NULL);
}

static void
load_fit (const FlInstance *model, Fit *fit)
{
  const FlBlock *block;
  double *to[] = { fit->p[0], fit->q[0], fit->user, fit->item };

  assert_int_equal (gradient_ops (model)->blocks (model->self, &block), 4);
  for (size_t b = 0; b < 4; b++)
    memcpy (to[b], block[b].f64, block[b].n_rows * block[b].n_cols * sizeof (double));
}

static void
check_fit (const char *more, gboolean with_mean, double l2, double decay)
{
  g_autofree char *settings = g_strconcat (
      "rank=2 biases=true precision=double loss=squared batch=1000000 epochs=250 "
      "learning-rate=0.02 ", more, NULL);
  g_autoptr (FlRatings) ratings = fit_ratings ();
  g_autoptr (FlInstance) model = model_new (settings);
  FlData data = FL_DATA (.train = ratings);
  FlStage stage = FL_STAGE (.data = &data, .model = model);
  GError *error = NULL;
  double loss, worst = 0, mean = 0;
  Fit fit, found;

  assert_non_null (ratings->by_user.f64);
  for (size_t k = 0; with_mean && k < ratings->n; k++)
    mean += fl_csr_value (&ratings->by_user, k) / (double) ratings->n;
  gradient_ops (model)->start (model->self, ratings, 0, &error); /* that of no run */
  load_fit (model, &fit);
  loss = fit_by_adam (ratings, mean, 0.02, l2, decay, &fit);
  fl_training_run (&stage, &error);
  g_assert_no_error (error);
  load_fit (model, &found);
  for (size_t k = 0; k < FIT_SIZE; k++)
    {
      double x = ((const double *) &fit)[k], y = ((const double *) &found)[k];

      worst = MAX (worst, fabs (x - y) / fabs (x));
    }
  print_message ("%s: mean square %.3g, parameters apart by %.2g of themselves\n", more, loss,
                 worst);
  assert_true (loss < 1 && worst < 1e-12);
}

static void
test_full_batches (void **state)
{
  (void) state;
  check_fit ("l2=0.01", FALSE, 0.01, 0);
  check_fit ("weight-decay=0.001", FALSE, 0, 0.001);
  check_fit ("weight-decay=0.001 mean=true", TRUE, 0, 0.001);
}

/* ---- stream ------------------------------------------------------------ */

static double
stream (const FlInstance *model, uint64_t epoch)
{
  GError *error = NULL;
  double loss = NAN;

  gradient_ops (model)->stream (model->self, 3, epoch, &loss, &error);
  g_assert_no_error (error);
  return loss;
}

/* With items at 0 and users at 1, an item moves by half a small step up for each triple
 * in which it is positive, and down where it is negative: the counts can be read.
 * What everybody has is positive once for each user and never negative. */
static void
check_counts (uint32_t n_items, const char *settings, uint32_t n_copies)
{
  const uint32_t n_users = 40, liked = n_items / 3;
  g_autoptr (FlRatings) ratings = some_ratings (n_users, n_items, liked);
  g_autoptr (FlInstance) model = model_new (settings);
  const FlBlock *block;
  double sum = 0, loss;

  start (model, ratings);
  block = blocks_of (model);
  fill_rows (&block[0], 1);
  fill_rows (&block[1], 0);
  loss = stream (model, 5);
  assert_true (fabs (loss - G_LN2) < 1e-2);
  for (uint32_t i = 0; i < n_items; i++)
    {
      double half = 0.5 * 1e-5, count = block[1].f32[i * block[1].n_cols] / half;
      const size_t *start = ratings->by_item.start;
      double positives = n_copies * (double) (start[i + 1] - start[i]);

      sum += count;
      if (i < liked ? fabs (count - n_copies * n_users) > 0.5 : count > positives + 0.5)
        fail_msg ("item %u of %u: %g more often positive than negative", i, n_items, count);
    }
  assert_true (fabs (sum) < 1);
}

static void
test_counts (void **state)
{
  (void) state;
  check_counts (60, "rank=3 optimizer=stream learning-rate=1e-5 schedule=constant", 1);
  check_counts (600, "rank=64 optimizer=stream learning-rate=1e-5 schedule=constant", 1);
  check_counts (600, "rank=3 optimizer=stream learning-rate=1e-5 schedule=constant negatives=3", 3);
}

/* Over several epochs every item that a user has not is a negative about as often. */
static void
test_uniform (void **state)
{
  const uint32_t n_users = 200, n_items = 300, n_epochs = 200;
  g_autoptr (FlRatings) ratings = some_ratings (n_users, n_items, 100);
  g_autoptr (FlInstance) model
      = model_new ("rank=1 optimizer=stream learning-rate=1e-6 schedule=constant");
  const size_t *start_of = ratings->by_item.start;
  double drawn[300], most = 0, least = INFINITY;
  const FlBlock *block;

  (void) state;
  start (model, ratings);
  block = blocks_of (model);
  for (uint32_t e = 0; e < n_epochs; e++)
    {
      fill_rows (&block[0], 1);
      fill_rows (&block[1], 0);
      stream (model, e);
      for (uint32_t i = 0; i < n_items; i++)
        drawn[i] = (e > 0 ? drawn[i] : 0) + (double) (start_of[i + 1] - start_of[i])
                   - block[1].f32[i] / 0.5e-6;
    }
  for (uint32_t i = 100; i < n_items; i++)
    {
      double by = n_users - (double) (start_of[i + 1] - start_of[i]); /* who could draw it */

      most = MAX (most, drawn[i] / by);
      least = MIN (least, drawn[i] / by);
    }
  /* In one epoch a part that has more of what everybody likes draws more, by a sixth or
   * so; after 200 epochs a hundredth is left. */
  if (!(least > 0.88 * most))
    fail_msg ("drawn from %g to %g times by each user", least, most);
}

static void
test_learns (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (200, 300, 0);
  g_autoptr (FlInstance) model
      = model_new ("rank=8 optimizer=stream learning-rate=0.1 epochs=30");
  double first, last = 0;

  (void) state;
  start (model, ratings);
  first = stream (model, 0);
  for (uint64_t e = 1; e < 30; e++)
    last = stream (model, e);
  assert_true (first < G_LN2 + 0.01 && last < 0.5 * first && last > 0);
}

static void
test_not_finite (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (50, 60, 0);
  g_autoptr (FlInstance) model = model_new ("optimizer=stream");

  (void) state;
  start (model, ratings);
  blocks_of (model)[1].f32[70] = NAN;
  assert_false (isfinite (stream (model, 0)));
}

/* ---- threads ----------------------------------------------------------- */

/* The bytes of all parameters after a training by the host, and of one large batch. */
static GBytes *
trained (const char *settings, int n_threads)
{
  g_autoptr (FlRatings) ratings = some_ratings (150, 700, 10);
  g_autoptr (FlInstance) model = model_new (settings);
  FlData data = FL_DATA (.train = ratings);
  FlStage stage = FL_STAGE (.data = &data, .model = model);
  GError *error = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const FlBlock *block;
  size_t n_blocks;

  omp_set_num_threads (n_threads);
  fl_training_run (&stage, &error);
  omp_set_num_threads (1);
  g_assert_no_error (error);
  n_blocks = gradient_ops (model)->blocks (model->self, &block);
  for (size_t b = 0; b < n_blocks; b++)
    g_byte_array_append (bytes, fl_block_row (&block[b], 0),
                         (guint) (block[b].n_rows * fl_block_row_bytes (&block[b])));
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

static void
test_threads (void **state)
{
  static const char *const settings[]
      = { "rank=16 epochs=3 batch=5000 l2=0.01",
          "rank=16 epochs=2 batch=5000 tau=3 l2=0.01",
          "rank=16 epochs=2 batch=5000 loss=bce negatives=2",
          "rank=16 epochs=3 batch=5000 loss=squared biases=true l2=0.01",
          "rank=16 epochs=3 batch=5000 precision=double biases=true l2=0.01",
          "rank=16 epochs=2 batch=5000 loss=squared precision=double biases=true "
          "weight-decay=0.01 clip=0.1",
          "rank=16 epochs=3 optimizer=stream learning-rate=0.1 l2=0.01",
          "rank=64 epochs=3 optimizer=stream learning-rate=0.1 negatives=2" };

  (void) state;
  TEST_NEEDS_THREADS ();
  for (size_t s = 0; s < G_N_ELEMENTS (settings); s++)
    {
      g_autoptr (GBytes) one = trained (settings[s], 1);

      for (int n_threads = 2; n_threads <= 3; n_threads++)
        {
          g_autoptr (GBytes) other = trained (settings[s], n_threads);

          if (!g_bytes_equal (one, other))
            fail_msg ("%s: %d threads give other digits than one", settings[s], n_threads);
        }
    }
}

/* ---- refused ----------------------------------------------------------- */

static void
test_refused (void **state)
{
  static const struct
  {
    const char *const settings[4];
    const char *message;
  } cases[] = {
    { { "optimizer=stream", "loss=bce" }, "optimizer = stream: only with loss = bpr" },
    { { "optimizer=stream", "tau=2" },
      "optimizer = stream: only of inner products, tau = 0, not tau = 2" },
    { { "optimizer=stream", "clip=1" }, "optimizer = stream: only without clip, not clip = 1" },
    { { "optimizer=stream", "biases=true" }, "optimizer = stream: only without biases" },
    { { "optimizer=stream", "precision=double" },
      "optimizer = stream: only with precision = single" },
    { { "biases=true", "tau=2" }, "biases = true: only beside inner products, tau = 0, not tau = 2" },
    { { "mean=true", "loss=squared" }, "mean = true: only beside biases = true" },
    { { "mean=true", "biases=true" }, "mean = true: only with loss = squared" },
    { { "start=normal", "start-scale=0" },
      "start-scale = 0: a normal start needs a positive scale, or no factor ever leaves 0" },
  };

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (GError) error = NULL;

      assert_null (test_instance_new (registry, FL_KIND_MODEL, "bpr-mf", cases[k].settings,
                                      &error));
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
      if (strstr (error->message, cases[k].message) == NULL)
        fail_msg ("'%s' does not say '%s'", error->message, cases[k].message);
    }
}

/* Steps far too long end in an error, not in a model of nonsense. */
static void
test_divergence (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (50, 60, 0);
  g_autoptr (FlInstance) model = model_new ("optimizer=stream learning-rate=1e6 epochs=100");
  FlData data = FL_DATA (.train = ratings);
  FlStage stage = FL_STAGE (.data = &data, .model = model);
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_false (fl_training_run (&stage, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
  assert_non_null (strstr (error->message, "diverged"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_derivatives), cmocka_unit_test (test_zero),
    cmocka_unit_test (test_factors),     cmocka_unit_test (test_start_of_precisions),
    cmocka_unit_test (test_full_batches),
    cmocka_unit_test (test_counts),      cmocka_unit_test (test_uniform),
    cmocka_unit_test (test_learns),      cmocka_unit_test (test_not_finite),
    cmocka_unit_test (test_threads),     cmocka_unit_test (test_refused),
    cmocka_unit_test (test_divergence),
  };
  GError *error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  g_assert_no_error (error);
  failed = cmocka_run_group_tests_name ("bpr-mf", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
