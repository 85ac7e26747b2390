/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Dense layers: a network worked by hand, derivatives against differences, the same
 * digits for any number of threads and any parts of a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fairlead/plugin.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "tests/support/slow.h"

/* ---- by hand ----------------------------------------------------------- */

/*   W1 = 1 -1   b1 =  0   W2 = 3 -2   b2 = 1/2
 *        2  1        -3
 *
 * x = (2, 1): W1 x + b1 = (1, 2), y = 3 - 4 + 1/2;
 * x = (0, 2): (-2, -1), so that both are cut off;
 * x = (1, 2): (-1, 1), the first is cut off, y = -2 + 1/2. */
static void
test_by_hand (void **state)
{
  static const float W1[] = { 1, -1, 2, 1 }, b1[] = { 0, -3 }, W2[] = { 3, -2 }, b2[] = { 0.5 };
  static const float *const parameters[] = { W1, b1, W2, b2 };
  static const double x[] = { 2, 1, 0, 2, 1, 2 }, d_y[] = { 1, 10, 100 };
  static const double expected_y[] = { -0.5, 0.5, -1.5 };
  /* By hidden sums: (3, -2), none, (0, -200); times x' and W1. */
  static const double expected_d_x[] = { -1, -5, 0, 0, -400, -200 };
  static const float d_W1[] = { 6, 3, -4 - 200, -2 - 400 }, d_b1[] = { 3, -202 };
  static const float d_W2[] = { 1, 2 + 100 }, d_b2[] = { 111 };
  static const float *const derivatives[] = { d_W1, d_b1, d_W2, d_b2 };
  static const char *const names[] = { "W1", "b1", "W2", "b2" };
  g_autoptr (FlLayers) layers = fl_layers_new (
      &FL_LAYERS_SHAPE (.n_inputs = 1, .input = (size_t[]){ 2 }, .n_layers = 2,
                        .output = (size_t[]){ 2, 1 }, .hidden = FL_ACTIVATION_RELU), NULL);
  g_autoptr (FlGradient) gradient = NULL;
  const FlBlock *block;
  double y[3], d_x[6];

  (void) state;
  assert_int_equal (fl_layers_blocks (layers, &block), 4);
  for (size_t b = 0; b < 4; b++)
    {
      assert_string_equal (block[b].name, names[b]);
      memcpy (block[b].f32, parameters[b], block[b].n_rows * block[b].n_cols * sizeof (float));
    }
  gradient = fl_gradient_new (4, block, NULL);
  assert_true (fl_layers_forward (layers, 3, x, y, NULL));
  assert_memory_equal (y, expected_y, sizeof y);
  assert_true (fl_layers_backward (layers, 3, x, d_y, gradient->block, d_x, NULL));
  for (size_t k = 0; k < 6; k++)
    assert_true (d_x[k] == expected_d_x[k]);
  for (size_t b = 0; b < 4; b++)
    for (uint32_t r = 0; r < block[b].n_rows; r++)
      assert_memory_equal (fl_gradient_row (&gradient->block[b], r),
                           derivatives[b] + r * block[b].n_cols, block[b].n_cols * sizeof (float));
}

/* ---- differences ------------------------------------------------------- */

#define N_ROWS 7

typedef struct
{
  FlLayers *layers;
  const FlBlock *block;
  size_t n_blocks, n_in, n_out;
  FlGradient *gradient;
  double *x, *y, *d_y, *d_x;
} Network;

static void
network_clear (Network *network)
{
  fl_layers_free (network->layers);
  fl_gradient_free (network->gradient);
  g_free (network->x);
  g_free (network->y);
  g_free (network->d_y);
  g_free (network->d_x);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Network, network_clear)

static Network
network_new (const FlLayersShape *shape, size_t n)
{
  Network network = { .layers = fl_layers_new (shape, NULL) };
  FlRng rng = fl_rng (4, "rows", 0);

  for (size_t t = 0; t < shape->n_inputs; t++)
    network.n_in += shape->input[t];
  network.n_out = shape->output[shape->n_layers - 1];
  network.n_blocks = fl_layers_blocks (network.layers, &network.block);
  network.gradient = fl_gradient_new (network.n_blocks, network.block, NULL);
  network.x = g_new (double, n * network.n_in);
  network.d_x = g_new (double, n * network.n_in);
  network.y = g_new (double, n * network.n_out);
  network.d_y = g_new (double, n * network.n_out);
  /* Numbers that float holds. */
  for (size_t k = 0; k < n * network.n_in; k++)
    network.x[k] = (double) fl_rng_below (&rng, 129) / 64 - 1;
  for (size_t k = 0; k < n * network.n_out; k++)
    network.d_y[k] = (double) fl_rng_below (&rng, 129) / 64 - 1;
  fl_layers_start (network.layers, 6, "test", 0);
  return network;
}

/* Biases so large that no unit is near its kink, some on either side. */
static void
part_units (const Network *network)
{
  for (size_t b = 1; b < network->n_blocks; b += 2)
    for (size_t k = 0; k < network->block[b].n_cols; k++)
      network->block[b].f32[k] = k % 3 > 0 ? 4 : -4;
}

static double
value (const Network *network)
{
  double sum = 0;

  assert_true (fl_layers_forward (network->layers, N_ROWS, network->x, network->y, NULL));
  for (size_t k = 0; k < N_ROWS * network->n_out; k++)
    sum += network->d_y[k] * network->y[k];
  return sum;
}

/* Between kinks y is linear in each number: the differences are as good as float, some 1e-6
 * of a sum of size 10, divided by the step. */
#define STEP 0.0078125
#define TOLERANCE 2e-3

static void
compare (double derivative, double difference, const char *what, size_t k)
{
  if (!(fabs (difference - derivative) <= TOLERANCE * MAX (1, fabs (difference))))
    fail_msg ("%s[%zu]: derivative %g, difference %g", what, k, derivative, difference);
}

static void
check_shape (const FlLayersShape *shape)
{
  g_auto (Network) network = network_new (shape, N_ROWS);
  double high, low;
  size_t n = 0;

  part_units (&network);
  assert_true (fl_layers_backward (network.layers, N_ROWS, network.x, network.d_y,
                                   network.gradient->block, network.d_x, NULL));
  for (size_t b = 0; b < network.n_blocks; b++)
    for (size_t k = 0; k < network.block[b].n_rows * network.block[b].n_cols; k++, n++)
      {
        float *at = &network.block[b].f32[k], before = *at;
        size_t m = network.block[b].n_cols;

        *at = before + (float) STEP;
        high = value (&network);
        *at = before - (float) STEP;
        low = value (&network);
        *at = before;
        compare ((double) fl_gradient_row (&network.gradient->block[b], (uint32_t) (k / m))[k % m],
                 (high - low) / (2 * STEP), network.block[b].name, k);
      }
  for (size_t k = 0; k < N_ROWS * network.n_in; k++, n++)
    {
      double before = network.x[k];

      network.x[k] = before + STEP;
      high = value (&network);
      network.x[k] = before - STEP;
      low = value (&network);
      network.x[k] = before;
      compare (network.d_x[k], (high - low) / (2 * STEP), "x", k);
    }
  print_message ("%zu layers from %zu inputs: %zu derivatives\n", shape->n_layers,
                 shape->n_inputs, n);
}

static void
test_derivatives (void **state)
{
  (void) state;
  check_shape (&FL_LAYERS_SHAPE (.n_inputs = 1, .input = (size_t[]){ 1 }, .n_layers = 1,
                                 .output = (size_t[]){ 3 }, .hidden = FL_ACTIVATION_RELU));
  check_shape (&FL_LAYERS_SHAPE (.n_inputs = 1, .input = (size_t[]){ 1 }, .n_layers = 3,
                                 .output = (size_t[]){ 20, 5, 2 }, .hidden = FL_ACTIVATION_RELU));
  check_shape (&FL_LAYERS_SHAPE (.n_inputs = 1, .input = (size_t[]){ 17 }, .n_layers = 2,
                                 .output = (size_t[]){ 4, 3 }, .hidden = FL_ACTIVATION_RELU,
                                 .last = FL_ACTIVATION_RELU));
  check_shape (&FL_LAYERS_SHAPE (.n_inputs = 3, .input = (size_t[]){ 2, 16, 3 }, .n_layers = 2,
                                 .output = (size_t[]){ 5, 4 }, .hidden = FL_ACTIVATION_RELU));
  check_shape (&FL_LAYERS_SHAPE (.n_inputs = 2, .input = (size_t[]){ 3, 2 }, .n_layers = 2,
                                 .output = (size_t[]){ 3, 2 }));
}

/* ---- digits ------------------------------------------------------------ */

static const FlLayersShape *
judge (void)
{
  static const size_t input[] = { 3, 2 }, output[] = { 50, 20, 4 };
  static FlLayersShape shape;

  shape = FL_LAYERS_SHAPE (.n_inputs = 2, .input = input, .n_layers = 3, .output = output,
                           .hidden = FL_ACTIVATION_RELU);
  return &shape;
}

static void
assert_same_gradient (const Network *a, const Network *b)
{
  for (size_t k = 0; k < a->n_blocks; k++)
    for (uint32_t r = 0; r < a->block[k].n_rows; r++)
      assert_memory_equal (fl_gradient_row (&a->gradient->block[k], r),
                           fl_gradient_row (&b->gradient->block[k], r),
                           a->block[k].n_cols * sizeof (float));
}

/* More rows than a chunk; either of the two derivatives is the same alone. */
static void
test_threads (void **state)
{
  enum { N = 9000 };
  g_auto (Network) first = network_new (judge (), N);

  (void) state;
  TEST_NEEDS_THREADS ();
  omp_set_num_threads (1);
  assert_true (fl_layers_forward (first.layers, N, first.x, first.y, NULL));
  assert_true (fl_layers_backward (first.layers, N, first.x, first.d_y, first.gradient->block,
                                   first.d_x, NULL));
  for (int threads = 1; threads <= 3; threads++)
    {
      g_auto (Network) again = network_new (judge (), N);

      omp_set_num_threads (threads);
      assert_true (fl_layers_forward (again.layers, N, again.x, again.y, NULL));
      assert_memory_equal (again.y, first.y, N * first.n_out * sizeof (double));
      assert_true (fl_layers_backward (again.layers, N, again.x, again.d_y, NULL, again.d_x, NULL));
      assert_memory_equal (again.d_x, first.d_x, N * first.n_in * sizeof (double));
      assert_true (fl_layers_backward (again.layers, N, again.x, again.d_y, again.gradient->block,
                                       NULL, NULL));
      assert_same_gradient (&again, &first);
    }
  omp_set_num_threads (2);
}

/* A row comes out the same whatever stands beside it; the derivative by parameters is the
 * sum over parts of the batch, up to rounding. */
static void
test_parts (void **state)
{
  enum { N = 1000 };
  g_auto (Network) whole = network_new (judge (), N), part = network_new (judge (), N);
  double square;

  (void) state;
  assert_true (fl_layers_forward (whole.layers, N, whole.x, whole.y, NULL));
  assert_true (fl_layers_backward (whole.layers, N, whole.x, whole.d_y, whole.gradient->block,
                                   whole.d_x, NULL));
  for (size_t first = 0; first < N; first += 125)
    {
      const double *x = part.x + first * part.n_in, *d_y = part.d_y + first * part.n_out;

      assert_true (fl_layers_forward (part.layers, 125, x, part.y + first * part.n_out, NULL));
      assert_true (fl_layers_backward (part.layers, 125, x, d_y, part.gradient->block,
                                       part.d_x + first * part.n_in, NULL));
    }
  assert_memory_equal (part.y, whole.y, N * whole.n_out * sizeof (double));
  assert_memory_equal (part.d_x, whole.d_x, N * whole.n_in * sizeof (double));
  square = fl_gradient_dot (whole.gradient, whole.gradient);
  fl_gradient_add (part.gradient, -1, whole.gradient);
  assert_true (square > 0 && fl_gradient_dot (part.gradient, part.gradient) <= 1e-12 * square);
}

/* A table's part of the first layer that several rows share gives the digits of the whole
 * batch, in which each has it to itself. */
static void
test_shared_input (void **state)
{
  enum { N_SHARED = 5, N = 4 * N_SHARED };
  g_auto (Network) network = network_new (judge (), N);
  g_autoptr (FlLayersWork) work = NULL;
  float user[N_SHARED * 16] = { 0 }, item[N * 16] = { 0 }, user_sum[N_SHARED * 64], sum[N * 64];
  const float *y;

  (void) state;
  work = fl_layers_work_new (network.layers, N, NULL);
  assert_int_equal (fl_layers_width (network.layers, 1), 64);
  for (size_t k = 0; k < N; k++)
    for (size_t a = 0; a < 5; a++)
      {
        double *x = &network.x[k * 5 + a];

        if (a < 3) /* rows of four have the first table in common */
          *x = network.x[k / 4 * 4 * 5 + a];
        *(a < 3 ? &user[k / 4 * 16 + a] : &item[k * 16 + a - 3]) = (float) *x;
      }
  fl_layers_pack (network.layers);
  fl_layers_sum_input (network.layers, 0, N_SHARED, user, user_sum);
  fl_layers_sum_input (network.layers, 1, N, item, sum);
  for (size_t k = 0; k < N * 64; k++)
    fl_layers_first (work)[k] = fmaxf (user_sum[k / 256 * 64 + k % 64] + sum[k], 0);
  y = fl_layers_compute (network.layers, N, work);
  assert_true (fl_layers_forward (network.layers, N, network.x, network.y, NULL));
  for (size_t k = 0; k < N; k++)
    for (size_t a = 0; a < 4; a++)
      assert_true ((double) y[k * 16 + a] == network.y[k * 4 + a]);
}

/* ---- the rest ---------------------------------------------------------- */

/* Weights are uniform within the bound of their layer, each block from a stream of its
 * own; biases are 0. */
static void
test_start (void **state)
{
  g_auto (Network) a = network_new (judge (), 1), b = network_new (judge (), 1);

  (void) state;
  fl_layers_start (b.layers, 6, "test", 0);
  for (size_t l = 0; l < 3; l++)
    {
      const FlBlock *W = &a.block[2 * l];
      size_t n = W->n_rows * W->n_cols;
      double bound = sqrt (6.0 / (double) (W->n_rows + W->n_cols)), largest = 0, sum = 0;

      assert_memory_equal (W->f32, b.block[2 * l].f32, n * sizeof (float));
      for (size_t k = 0; k < n; k++)
        {
          largest = fmax (largest, fabs ((double) W->f32[k]));
          sum += (double) W->f32[k];
        }
      /* Of n draws the largest is below 1 - 5 / n of the bound once in e^5; the mean has
       * deviation bound / sqrt (3 n). */
      assert_true (largest <= bound && largest > bound * (1 - 5 / (double) n));
      assert_true (fabs (sum / (double) n) < 4 * bound / sqrt (3 * (double) n));
      for (size_t k = 0; k < W->n_rows; k++)
        assert_true (a.block[2 * l + 1].f32[k] == 0);
    }
  fl_layers_start (b.layers, 6, "test", 2);
  assert_memory_not_equal (a.block[0].f32, b.block[0].f32, 5 * sizeof (float));
}

/* What is not a number is not hidden by a ReLU. */
static void
test_not_finite (void **state)
{
  g_auto (Network) network = network_new (judge (), 1);

  (void) state;
  network.block[0].f32[0] = NAN;
  assert_true (fl_layers_forward (network.layers, 1, network.x, network.y, NULL));
  for (size_t a = 0; a < network.n_out; a++)
    assert_true (isnan (network.y[a]));
}

static void
test_refused (void **state)
{
  static const size_t one[] = { 1 }, none[] = { 0 };
  const FlLayersShape cases[] = {
    { .size = 0 },
    FL_LAYERS_SHAPE (.n_inputs = 1, .input = one),
    FL_LAYERS_SHAPE (.n_layers = 1, .output = one),
    FL_LAYERS_SHAPE (.n_inputs = 1, .input = none, .n_layers = 1, .output = one),
    FL_LAYERS_SHAPE (.n_inputs = 1, .input = one, .n_layers = 1, .output = none),
  };

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (GError) error = NULL;

      assert_null (fl_layers_new (&cases[k], &error));
      print_message ("%s\n", error->message);
      assert_true (g_error_matches (error, FL_ERROR, k == 0 ? FL_ERROR_PLUGIN : FL_ERROR_CONFIG));
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_by_hand), cmocka_unit_test (test_derivatives),
    cmocka_unit_test (test_threads), cmocka_unit_test (test_parts),
    cmocka_unit_test (test_shared_input), cmocka_unit_test (test_start),
    cmocka_unit_test (test_not_finite), cmocka_unit_test (test_refused),
  };

  return cmocka_run_group_tests_name ("layers", tests, NULL, NULL);
}
