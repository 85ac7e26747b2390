/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Models trained by gradients, ncf and gccf: derivatives against differences, the same
 * digits for any number of threads and any blocks, data without ratings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "tests/support/gradients.h"
#include "tests/support/matrix-model.h"
#include "tests/support/slow.h"

static FlRegistry *registry;

/* ---- models and batches ------------------------------------------------ */

typedef struct
{
  FlInstance *model;
  const FlGradientOps *ops;
  const FlBlock *block;
  size_t n_blocks;
  uint32_t n_users, n_items;
} Network;

/* settings: "rank=3 layers=2". */
static Network
network_new (const char *plugin, const char *settings, const FlRatings *ratings)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  Network network = { .n_users = ratings->n_users, .n_items = ratings->n_items };

  network.model = test_instance_new (registry, FL_KIND_MODEL, plugin,
                                     (const char *const *) words, &error);
  if (network.model == NULL)
    fail_msg ("%s", error->message);
  network.ops = ((const FlModelOps *) network.model->ops)->gradient;
  assert_true (network.ops->start (network.model->self, ratings, 1, NULL));
  network.n_blocks = network.ops->blocks (network.model->self, &network.block);
  return network;
}

/* Numbers of a size at which scores are near 1; biases (blocks of one row, but the
 * last) are so large that no unit is near the kink of its ReLU. */
static void
network_randomise (const Network *network)
{
  for (size_t b = 0; b < network->n_blocks; b++)
    {
      const FlBlock *block = &network->block[b];
      FlRng rng = fl_rng (5, "parameters", b);

      for (size_t k = 0; k < block->n_rows * block->n_cols; k++)
        {
          double x = fl_rng_uniform (&rng) - 0.5;

          block->f32[k] = (float) (block->name[0] == 'b' ? (k % 3 > 0 ? 2 : -2) + x : x);
        }
    }
  if (network->ops->parameters_changed != NULL)
    network->ops->parameters_changed (network->model->self);
}

static FlRatings *
some_ratings (uint32_t n_users, uint32_t n_items, double density)
{
  FlRng rng = fl_rng (3, "ratings", n_users);
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();

  /* The first user and the first item are isolated. */
  for (uint32_t u = 1; u < n_users; u++)
    for (uint32_t i = 1; i < n_items; i++)
      if (fl_rng_uniform (&rng) < density)
        fl_triplets_add (triplets, u, i, 1 + (double) (triplets->n % 5));
  return fl_triplets_make_ratings (triplets, n_users, n_items, NULL);
}

typedef struct
{
  FlBatch batch;
  uint32_t *user, *item;
  float *delta, *user_delta;
  uint8_t *mask, *user_mask;
  double *d_score, *score;
} Given;

/* What is added to vectors: nothing; to items in all columns but the first, unless that is
 * alone; to users; to both where masks say so. */
typedef enum
{
  NOTHING,
  COLUMNS,
  USERS,
  MASKS,
  N_PERTURBATIONS
} Perturbation;

static void
perturb (Given *given, Perturbation what)
{
  FlBatch *batch = &given->batch;

  if (what == COLUMNS || what == MASKS)
    batch->delta = given->delta;
  if (what == USERS || what == MASKS)
    batch->user_delta = given->user_delta;
  if (what == COLUMNS)
    batch->perturbed = batch->width == 1 ? 1 : (1U << batch->width) - 2;
  if (what == MASKS)
    {
      batch->mask = given->mask;
      batch->user_mask = given->user_mask;
    }
}

/* n entries. */
static Given
given_new (const Network *network, size_t n, size_t width, Perturbation what)
{
  size_t m = network->ops->item_width (network->model->self);
  size_t m_user = network->ops->user_width (network->model->self);
  FlRng rng = fl_rng (9, "batch", n * 10 + width);
  Given given = { .user = g_new (uint32_t, n + 1), .item = g_new (uint32_t, n * width + 1),
                  .delta = g_new (float, network->n_items * m + 1),
                  .user_delta = g_new (float, network->n_users * m_user + 1),
                  .mask = g_new (uint8_t, n * width + 1), .user_mask = g_new (uint8_t, n + 1),
                  .d_score = g_new (double, n * width + 1), .score = g_new (double, n * width + 1) };

  for (size_t k = 0; k < n; k++)
    given.user[k] = fl_rng_below (&rng, network->n_users);
  for (size_t k = 0; k < n * width; k++)
    {
      given.item[k] = fl_rng_below (&rng, network->n_items);
      given.d_score[k] = (float) (fl_rng_uniform (&rng) - 0.5);
    }
  for (size_t k = 0; k < network->n_items * m; k++)
    given.delta[k] = (float) (0.2 * (fl_rng_uniform (&rng) - 0.5));
  for (size_t k = 0; k < network->n_users * m_user; k++)
    given.user_delta[k] = (float) (0.2 * (fl_rng_uniform (&rng) - 0.5));
  for (size_t k = 0; k < n * width; k++)
    given.mask[k] = k % 5 > 1;
  for (size_t k = 0; k < n; k++)
    given.user_mask[k] = k % 4 > 1;
  given.batch = FL_BATCH (.n = n, .width = width, .user = given.user, .item = given.item);
  perturb (&given, what);
  return given;
}

static void
given_clear (Given *given)
{
  g_free (given->user);
  g_free (given->item);
  g_free (given->delta);
  g_free (given->user_delta);
  g_free (given->mask);
  g_free (given->user_mask);
  g_free (given->d_score);
  g_free (given->score);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Given, given_clear)

static void
network_clear (Network *network)
{
  fl_instance_free (network->model);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Network, network_clear)

static FlGradient *
delta_gradient_new (const Network *network)
{
  const FlBlock blocks[] = {
    { .n_rows = network->n_items, .n_cols = network->ops->item_width (network->model->self) },
    { .n_rows = network->n_users, .n_cols = network->ops->user_width (network->model->self) },
  };

  return fl_gradient_new (2, blocks, NULL);
}

/* ---- derivatives ------------------------------------------------------- */

/* What backward differentiates. */
static double
value (const Network *network, const Given *given, double l2, FlGradient *scratch)
{
  gpointer self = network->model->self;
  size_t n = given->batch.n * given->batch.width;
  double sum = 0;

  assert_true (network->ops->scores (self, &given->batch, given->score, NULL));
  for (size_t k = 0; k < n; k++)
    sum += given->d_score[k] * given->score[k];
  fl_gradient_clear (scratch);
  assert_true (network->ops->backward (self, &given->batch, given->d_score, l2, scratch, NULL,
                                       NULL));
  return sum + scratch->penalty;
}

/* Scores are float, near 1, and sums of a few: their differences are good to some
 * 1e-6, divided by the step. */
#define STEP 0.0078125
#define TOLERANCE 1e-3

static void
compare_difference (const Network *network, const Given *given, double l2, FlGradient *scratch,
                    float *x, double derivative, const char *what, size_t k)
{
  float before = *x;
  double high, low, difference;

  *x = before + (float) STEP;
  network->ops->parameters_changed (network->model->self);
  high = value (network, given, l2, scratch);
  *x = before - (float) STEP;
  network->ops->parameters_changed (network->model->self);
  low = value (network, given, l2, scratch);
  *x = before;
  network->ops->parameters_changed (network->model->self);
  difference = (high - low) / (2 * STEP);
  if (!(fabs (difference - derivative) <= TOLERANCE * MAX (1, fabs (difference))))
    fail_msg ("%s[%zu]: derivative %g, difference %g", what, k, derivative, difference);
}

/* Every number of every block, and of the perturbations. */
static void
check_derivatives (const char *plugin, const char *settings, size_t width, Perturbation what,
                   double l2)
{
  g_autoptr (FlRatings) ratings = some_ratings (6, 7, 0.5);
  g_auto (Network) network = network_new (plugin, settings, ratings);
  g_auto (Given) given = given_new (&network, 9, width, what);
  g_autoptr (FlGradient) gradient = fl_gradient_new (network.n_blocks, network.block, NULL);
  g_autoptr (FlGradient) scratch = fl_gradient_new (network.n_blocks, network.block, NULL);
  g_autoptr (FlGradient) d_delta = delta_gradient_new (&network);
  size_t n = 0;

  network_randomise (&network);
  assert_true (network.ops->backward (network.model->self, &given.batch, given.d_score, l2,
                                      gradient, d_delta, NULL));
  for (size_t b = 0; b < network.n_blocks; b++)
    for (size_t k = 0; k < network.block[b].n_rows * network.block[b].n_cols; k++, n++)
      compare_difference (&network, &given, l2, scratch, &network.block[b].f32[k],
                          test_gradient_number (&gradient->block[b], k), network.block[b].name, k);
  for (size_t b = 0; b < 2; b++)
    {
      const FlGradientBlock *d = &d_delta->block[b];
      float *delta = b == 0 ? given.delta : given.user_delta;

      for (size_t k = 0; k < d->n_rows * d->n_cols && d->n_used > 0; k++, n++)
        compare_difference (&network, &given, l2, scratch, &delta[k], test_gradient_number (d, k),
                            b == 0 ? "delta" : "user delta", k);
      assert_true ((d->n_used > 0) == (what == MASKS || what == (b == 0 ? COLUMNS : USERS)));
    }
  print_message ("%s %s, width %zu, perturbation %d, l2 %g: %zu derivatives\n", plugin, settings,
                 width, (int) what, l2, n);
}

static void
test_derivatives (void **state)
{
  static const struct
  {
    const char *plugin, *settings;
  } model[] = {
    { "ncf", "gmf-rank=3 mlp-rank=2 layers=4;3" },
    { "ncf", "gmf-rank=1 mlp-rank=17 layers=5" },
    { "ncf", "gmf-rank=2 mlp-rank=3 layers=18;3;2" },
    { "gccf", "rank=3 layers=0" },
    { "gccf", "rank=3 layers=1" },
    { "gccf", "rank=2 layers=3" },
    { "gccf", "rank=3 layers=1 adjacency=left" },
    { "gccf", "rank=2 layers=2 adjacency=left" },
  };

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (model); k++)
    for (size_t width = test_is_slow () ? 3 : 1; width <= 3; width++)
      for (int what = NOTHING; what < N_PERTURBATIONS; what++)
        check_derivatives (model[k].plugin, model[k].settings, width, (Perturbation) what,
                           width == 2 ? 0 : 0.1);
}

/* Batches of other widths in between change no digit of a batch. */
static void
test_widths (void **state)
{
  static const size_t widths[] = { 1, 200, 3, 2 };
  g_autoptr (FlRatings) ratings = some_ratings (6, 7, 0.5);
  g_auto (Network) used = network_new ("ncf", "gmf-rank=3 mlp-rank=2 layers=4;3", ratings);

  (void) state;
  network_randomise (&used);
  for (size_t w = 0; w < 2 * G_N_ELEMENTS (widths); w++)
    {
      g_auto (Network) fresh = network_new ("ncf", "gmf-rank=3 mlp-rank=2 layers=4;3", ratings);
      g_auto (Given) given = given_new (&fresh, 300, widths[w % G_N_ELEMENTS (widths)], MASKS);
      g_autoptr (FlGradient) scratch = fl_gradient_new (fresh.n_blocks, fresh.block, NULL);
      g_autoptr (FlGradient) again = fl_gradient_new (fresh.n_blocks, fresh.block, NULL);
      double loss, other;

      network_randomise (&fresh);
      loss = value (&fresh, &given, 0.1, scratch);
      other = value (&used, &given, 0.1, again);
      assert_true (loss == other);
      for (size_t b = 0; b < fresh.n_blocks; b++)
        for (size_t k = 0; k < fresh.block[b].n_rows * fresh.block[b].n_cols; k++)
          assert_true (test_gradient_number (&scratch->block[b], k)
                       == test_gradient_number (&again->block[b], k));
    }
}

/* ---- vectors ----------------------------------------------------------- */

/* Users and items asked for, one of them twice and one that has no rating. */
static const uint32_t some_index[] = { 3, 0, 5, 3 };
#define N_INDEX G_N_ELEMENTS (some_index)

static double
weighed_vectors (const Network *network, FlSide side, const double *weight, size_t width)
{
  g_autofree double *out = g_new (double, N_INDEX * width);
  double sum = 0;

  assert_true (network->ops->vectors (network->model->self, side, N_INDEX, some_index, out, NULL));
  for (size_t k = 0; k < N_INDEX * width; k++)
    sum += weight[k] * out[k];
  return sum;
}

/* A weighted sum of all numbers of some vectors, by every number of every block. */
static void
check_vectors (const char *plugin, const char *settings, FlSide side)
{
  g_autoptr (FlRatings) ratings = some_ratings (6, 7, 0.5);
  g_auto (Network) network = network_new (plugin, settings, ratings);
  g_autoptr (FlGradient) gradient = fl_gradient_new (network.n_blocks, network.block, NULL);
  size_t width = (side == FL_SIDE_USER ? network.ops->user_width
                                       : network.ops->item_width) (network.model->self);
  g_autofree double *weight = g_new (double, N_INDEX * width);
  FlRng rng = fl_rng (6, "weights", 0);

  network_randomise (&network);
  for (size_t k = 0; k < N_INDEX * width; k++)
    weight[k] = fl_rng_normal (&rng);
  /* Twice, so that what the first leaves behind would show. */
  for (int k = 0; k < 2; k++)
    {
      fl_gradient_clear (gradient);
      assert_true (network.ops->vectors_back (network.model->self, side, N_INDEX, some_index,
                                              weight, gradient, NULL));
    }
  for (size_t b = 0; b < network.n_blocks; b++)
    for (size_t k = 0; k < network.block[b].n_rows * network.block[b].n_cols; k++)
      {
        float *x = &network.block[b].f32[k], before = *x;
        double sum[2], derivative = test_gradient_number (&gradient->block[b], k);

        for (int up = 0; up < 2; up++)
          {
            *x = before + (float) (up ? STEP : -STEP);
            if (network.ops->parameters_changed != NULL)
              network.ops->parameters_changed (network.model->self);
            sum[up] = weighed_vectors (&network, side, weight, width);
          }
        *x = before;
        if (!(fabs ((sum[1] - sum[0]) / (2 * STEP) - derivative) <= TOLERANCE))
          fail_msg ("%s %s, side %d, %s[%zu]: derivative %g, difference %g", plugin, settings,
                    (int) side, network.block[b].name, k, derivative,
                    (sum[1] - sum[0]) / (2 * STEP));
      }
  assert_true (gradient->penalty == 0);
}

static void
test_vectors (void **state)
{
  (void) state;
  for (FlSide side = FL_SIDE_USER; side <= FL_SIDE_ITEM; side++)
    {
      check_vectors ("bpr-mf", "rank=3", side);
      check_vectors ("bpr-mf", "rank=3 tau=2", side);
      check_vectors ("ncf", "gmf-rank=3 mlp-rank=2 layers=4", side);
      check_vectors ("gccf", "rank=3 layers=0", side);
      check_vectors ("gccf", "rank=2 layers=3", side);
      check_vectors ("gccf", "rank=2 layers=2 adjacency=left", side);
    }
}

/* ---- digits ------------------------------------------------------------ */

static const struct
{
  const char *plugin, *settings;
} models[] = {
  { "ncf", "gmf-rank=20 mlp-rank=24" },
  { "gccf", "rank=24 layers=3" },
  { "gccf", "rank=24 layers=2 adjacency=left" },
};

static void
assert_same_gradient (const FlGradient *a, const FlGradient *b)
{
  assert_true (a->penalty == b->penalty);
  for (size_t k = 0; k < a->n_blocks; k++)
    {
      assert_int_equal (a->block[k].n_used, b->block[k].n_used);
      assert_memory_equal (a->block[k].row, b->block[k].row,
                           a->block[k].n_used * sizeof (uint32_t));
      assert_memory_equal (a->block[k].f32, b->block[k].f32,
                           a->block[k].n_used * a->block[k].n_cols * sizeof (float));
    }
}

/* A batch of several chunks, so large that each part runs on threads. */
static void
test_threads (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (500, 300, 0.2);

  (void) state;
  TEST_NEEDS_THREADS ();
  for (size_t k = 0; k < G_N_ELEMENTS (models); k++)
    {
      g_auto (Network) network = network_new (models[k].plugin, models[k].settings, ratings);
      g_auto (Given) given = given_new (&network, 9000, 2, MASKS);
      g_autoptr (FlGradient) first = fl_gradient_new (network.n_blocks, network.block, NULL);
      g_autoptr (FlGradient) first_delta = delta_gradient_new (&network);
      g_autofree double *score = g_new (double, 18000);

      network_randomise (&network);
      for (int threads = 1; threads <= 3; threads++)
        {
          g_autoptr (FlGradient) gradient = fl_gradient_new (network.n_blocks, network.block, NULL);
          g_autoptr (FlGradient) d_delta = delta_gradient_new (&network);

          omp_set_num_threads (threads);
          network.ops->parameters_changed (network.model->self);
          assert_true (network.ops->scores (network.model->self, &given.batch, given.score, NULL));
          assert_true (network.ops->backward (network.model->self, &given.batch, given.d_score,
                                              0.01, threads == 1 ? first : gradient,
                                              threads == 1 ? first_delta : d_delta, NULL));
          if (threads == 1)
            memcpy (score, given.score, 18000 * sizeof *score);
          else
            {
              assert_same_gradient (gradient, first);
              assert_same_gradient (d_delta, first_delta);
              assert_memory_equal (score, given.score, 18000 * sizeof *score);
            }
        }
      omp_set_num_threads (1);
    }
}

/* A batch is the sum of its parts: chunks and blocks lose nothing. */
static void
test_parts (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (500, 300, 0.2);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (models); k++)
    {
      g_auto (Network) network = network_new (models[k].plugin, models[k].settings, ratings);
      g_auto (Given) given = given_new (&network, 5000, 2, NOTHING);
      g_autoptr (FlGradient) whole = fl_gradient_new (network.n_blocks, network.block, NULL);
      g_autoptr (FlGradient) sum = fl_gradient_new (network.n_blocks, network.block, NULL);
      double square = 0;

      network_randomise (&network);
      assert_true (network.ops->backward (network.model->self, &given.batch, given.d_score, 0.1,
                                          whole, NULL, NULL));
      for (size_t first = 0; first < 5000; first += 625)
        {
          FlBatch part = FL_BATCH (.n = 625, .width = 2, .user = given.user + first,
                                   .item = given.item + 2 * first);

          assert_true (network.ops->backward (network.model->self, &part,
                                              given.d_score + 2 * first, 0.1, sum, NULL, NULL));
        }
      assert_true (fabs (sum->penalty - whole->penalty) <= 1e-10 * whole->penalty);
      square = fl_gradient_dot (whole, whole);
      fl_gradient_add (sum, -1, whole);
      print_message ("%s: of the whole, the sum of parts is off by %g\n", models[k].plugin,
                     sqrt (fl_gradient_dot (sum, sum) / square));
      assert_true (fl_gradient_dot (sum, sum) <= 1e-12 * square);
    }
}

/* ---- scores ------------------------------------------------------------ */

/* The score of a pair is the same to the last digit, whatever it is asked with. */
static void
test_score_op (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (40, 300, 0.2);
  g_auto (Network) network = network_new ("ncf", "gmf-rank=20 mlp-rank=24 layers=20;9", ratings);
  g_auto (Given) given = given_new (&network, 500, 1, NOTHING);
  const FlModelOps *ops = network.model->ops;
  uint32_t user[40], item[300];
  double all[40 * 300], one;

  (void) state;
  for (uint32_t k = 0; k < 300; k++)
    item[k] = k;
  for (uint32_t k = 0; k < 40; k++)
    user[k] = k;
  network_randomise (&network);
  assert_true (network.ops->prepare_scores (network.model->self, NULL));
  omp_set_num_threads (3);
  assert_true (ops->score (network.model->self, 40, user, 300, item, all, NULL));
  omp_set_num_threads (1);
  assert_true (network.ops->scores (network.model->self, &given.batch, given.score, NULL));
  for (size_t k = 0; k < given.batch.n; k++)
    {
      assert_true (ops->score (network.model->self, 1, &given.user[k], 1, &given.item[k], &one,
                               NULL));
      assert_true (one == all[given.user[k] * 300 + given.item[k]]);
      assert_true (one == given.score[k]);
    }
}

/* Factors are what scores are made of, and follow the parameters. */
static void
test_factors (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (40, 30, 0.2);
  g_auto (Network) network = network_new ("gccf", "rank=20 layers=2", ratings);
  g_auto (Given) given = given_new (&network, 200, 1, NOTHING);

  (void) state;
  for (int round = 0; round < 2; round++)
    {
      FlFactors f;

      if (round == 1)
        network_randomise (&network);
      assert_true (network.ops->prepare_scores (network.model->self, NULL));
      assert_true (network.ops->scores (network.model->self, &given.batch, given.score, NULL));
      fl_model_factors (network.model, &f, NULL);
      assert_int_equal (f.rank, 60);
      for (size_t k = 0; k < given.batch.n; k++)
        {
          double s = fl_dot_f32 (60, f.user_f32 + given.user[k] * 60,
                                 f.item_f32 + given.item[k] * 60);

          assert_true (fabs (s - given.score[k]) <= 1e-6 * MAX (1, fabs (s)));
        }
    }
}

/* Whoever has no rating keeps the vector of layer 0: in every layer, where a node is
 * its own neighbour; and where it is added to the mean of none. */
static void
test_isolated (void **state)
{
  static const char *const settings[]
      = { "rank=5 layers=2", "rank=5 layers=2 adjacency=left" };
  g_autoptr (FlRatings) ratings = some_ratings (6, 7, 0.5), none
      = fl_ratings_new (3, 2, 0, NULL, NULL, NULL, NULL);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (settings); k++)
    for (int empty = 0; empty < 2; empty++)
      {
        g_auto (Network) network = network_new ("gccf", settings[k], empty ? none : ratings);
        FlFactors f;

        assert_true (network.ops->prepare_scores (network.model->self, NULL));
        fl_model_factors (network.model, &f, NULL);
        for (size_t l = 0; l < 3; l++)
          {
            assert_memory_equal (f.user_f32 + l * 5, network.block[0].f32, 5 * sizeof (float));
            assert_memory_equal (f.item_f32 + l * 5, network.block[1].f32, 5 * sizeof (float));
          }
      }
}

/* A parameter that is not a number is not hidden by a ReLU. */
static void
test_not_finite (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (6, 7, 0.5);
  g_auto (Network) network = network_new ("ncf", "gmf-rank=3 mlp-rank=2 layers=4;3", ratings);
  g_auto (Given) given = given_new (&network, 9, 2, NOTHING);

  (void) state;
  network.block[4].f32[0] = NAN;
  network.ops->parameters_changed (network.model->self);
  assert_true (network.ops->scores (network.model->self, &given.batch, given.score, NULL));
  for (size_t k = 0; k < 18; k++)
    assert_true (isnan (given.score[k]));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_derivatives), cmocka_unit_test (test_widths), cmocka_unit_test (test_vectors),
    cmocka_unit_test (test_threads),     cmocka_unit_test (test_parts),
    cmocka_unit_test (test_score_op),    cmocka_unit_test (test_factors),
    cmocka_unit_test (test_isolated),    cmocka_unit_test (test_not_finite),
  };
  int failed;

  registry = fl_registry_new (NULL, NULL);
  failed = cmocka_run_group_tests_name ("networks", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
