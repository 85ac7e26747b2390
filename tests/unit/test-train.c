/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Training by gradients: losses, gradients, optimisers, sampler, the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/plugin/plugin-room.h"
#include "core/run/run-room.h"
#include "core/train/train-room.h"
#include "tests/support/gradients.h"
#include "tests/support/learner.h"
#include "tests/support/slow.h"

static void
compare (double found, double expected, double tolerance, const char *what)
{
  if (!(fabs (found - expected) <= tolerance * MAX (1, fabs (expected))))
    fail_msg ("%s: %.15g is not %.15g", what, found, expected);
}

/* ---- losses ------------------------------------------------------------ */

/* Double holds 15 digits. */
#define NEAR_F64 1e-14

static void
test_loss_bpr (void **state)
{
  /* Differences 0, ln 3, and ones where e^x overflows. */
  const double score[] = { 1, 1, 1.5, 1.5 - G_LN2 * 1.584962500721156, 0, 2000, 2000, 0 };
  const double weight[] = { 1, 0.5, 0.25, 2 };
  double d_score[8];
  double each[4], loss;

  (void) state;
  loss = fl_loss_bpr (4, score, NULL, d_score, each);
  compare (each[0], G_LN2, NEAR_F64, "-ln sigma (0)");
  compare (each[1], log (4.0 / 3), NEAR_F64, "-ln sigma (ln 3)");
  compare (each[2], 2000, NEAR_F64, "-ln sigma (-2000)");
  compare (each[3], 0, NEAR_F64, "-ln sigma (2000)");
  compare (loss, (each[0] + each[1] + each[2] + each[3]) / 4, NEAR_F64, "their mean");
  compare (d_score[0], -0.125, NEAR_F64, "derivative at 0");
  compare (d_score[1], 0.125, NEAR_F64, "derivative at 0");
  compare (d_score[2], -0.0625, NEAR_F64, "derivative at ln 3");
  compare (d_score[4], -0.25, NEAR_F64, "derivative at -2000");
  compare (d_score[6], 0, NEAR_F64, "derivative at 2000");
  loss = fl_loss_bpr (4, score, weight, d_score, NULL);
  compare (loss, each[0] + each[1] / 2 + each[2] / 4 + each[3] * 2, NEAR_F64, "weighted");
  compare (d_score[0], -0.5, NEAR_F64, "weighted derivative");
  compare (d_score[5], 0.25, NEAR_F64, "weighted derivative");
  compare (fl_loss_bpr (0, NULL, NULL, NULL, NULL), 0, 0, "of nothing");
}

static void
test_loss_bce (void **state)
{
  const double score[] = { 0, 0, G_LN2 * 1.584962500721156, 800, 800 };
  const double label[] = { 1, 0, 0, 1, 0 };
  const double weight[] = { 1, 1, 1, 1, 0.5 };
  double d_score[5];
  double each[5], loss;

  (void) state;
  loss = fl_loss_bce (5, score, label, NULL, d_score, each);
  compare (each[0], G_LN2, NEAR_F64, "-ln 1/2");
  compare (each[1], G_LN2, NEAR_F64, "-ln (1 - 1/2)");
  compare (each[2], log (4), NEAR_F64, "-ln (1 - 3/4)");
  compare (each[3], 0, NEAR_F64, "certain and right");
  compare (each[4], 800, NEAR_F64, "certain and wrong");
  compare (loss, (each[0] + each[1] + each[2] + each[3] + each[4]) / 5, NEAR_F64, "their mean");
  compare (d_score[0], -0.1, NEAR_F64, "derivative of the first");
  compare (d_score[1], 0.1, NEAR_F64, "derivative of the second");
  compare (d_score[2], 0.15, NEAR_F64, "derivative of the third");
  loss = fl_loss_bce (5, score, label, weight, d_score, NULL);
  compare (loss, each[0] + each[1] + each[2] + each[3] + each[4] / 2, NEAR_F64, "weighted");
  compare (d_score[4], 0.5, NEAR_F64, "weighted derivative");
}

static void
test_loss_squared (void **state)
{
  const double score[] = { 1, 3, -2 }, label[] = { 1, 1, 0.5 };
  const double weight[] = { 1, 0.25, 2 };
  double d_score[3], each[3], loss;

  (void) state;
  loss = fl_loss_squared (3, score, label, NULL, d_score, each);
  assert_true (each[0] == 0 && each[1] == 4 && each[2] == 6.25);
  compare (loss, 10.25 / 3, NEAR_F64, "their mean");
  compare (d_score[0], 0, 0, "derivative where there is no error");
  compare (d_score[1], 4.0 / 3, NEAR_F64, "derivative at error 2");
  compare (d_score[2], -5.0 / 3, NEAR_F64, "derivative at error -2.5");
  loss = fl_loss_squared (3, score, label, weight, d_score, NULL);
  compare (loss, 1 + 12.5, NEAR_F64, "weighted");
  compare (d_score[1], 1, NEAR_F64, "weighted derivative");
  compare (d_score[2], -10, NEAR_F64, "weighted derivative");
  compare (fl_loss_squared (0, NULL, NULL, NULL, NULL, NULL), 0, 0, "of nothing");
}

/* Central differences of the loss by each score: a step of 2^-10 is exact, and the error
 * of the difference is its square. */
static void
test_loss_differences (void **state)
{
  enum { N = 2000 };
  g_autofree double *score = g_new (double, 2 * N), *d_score = g_new (double, 2 * N);
  g_autofree double *label = g_new (double, N), *scratch = g_new (double, 2 * N);
  g_autofree double *weight = g_new (double, N);
  FlRng rng = fl_rng (3, "loss", 0);
  const double step = 0x1p-10;

  (void) state;
  for (size_t k = 0; k < 2 * N; k++)
    score[k] = round (64 * fl_rng_normal (&rng)) / 64;
  for (size_t k = 0; k < N; k++)
    {
      label[k] = fl_rng_below (&rng, 2) == 1;
      weight[k] = 1 + fl_rng_uniform (&rng);
    }
  for (size_t k = 0; k < 40; k++)
    {
      double middle = score[k * 37], up, down;

      score[k * 37] = middle + step;
      up = fl_loss_bpr (N, score, weight, scratch, NULL);
      score[k * 37] = middle - step;
      down = fl_loss_bpr (N, score, weight, scratch, NULL);
      score[k * 37] = middle;
      fl_loss_bpr (N, score, weight, d_score, NULL);
      compare (d_score[k * 37], (up - down) / (2 * step), 1e-6, "triples");
      score[k * 37] = middle + step;
      up = fl_loss_bce (N, score, label, weight, scratch, NULL);
      score[k * 37] = middle - step;
      down = fl_loss_bce (N, score, label, weight, scratch, NULL);
      score[k * 37] = middle;
      fl_loss_bce (N, score, label, weight, d_score, NULL);
      compare (d_score[k * 37], (up - down) / (2 * step), 1e-6, "pairs");
      score[k * 37] = middle + step;
      up = fl_loss_squared (N, score, label, weight, scratch, NULL);
      score[k * 37] = middle - step;
      down = fl_loss_squared (N, score, label, weight, scratch, NULL);
      score[k * 37] = middle;
      fl_loss_squared (N, score, label, weight, d_score, NULL);
      compare (d_score[k * 37], (up - down) / (2 * step), 1e-6, "squares");
    }
}

/* ---- gradients --------------------------------------------------------- */

#define N_BLOCKS 3
/* Rows shorter and longer than a vector, and a block of single numbers. */
static const FlBlock shapes[N_BLOCKS] = { { .name = "a", .n_rows = 3000, .n_cols = 67 },
                                          { .name = "b", .n_rows = 900, .n_cols = 1 },
                                          { .name = "c", .n_rows = 5, .n_cols = 3 } };
/* The same of doubles. */
static double some_f64[1];
static const FlBlock shapes_f64[N_BLOCKS] = { { .n_rows = 3000, .n_cols = 67, .f64 = some_f64 },
                                              { .n_rows = 900, .n_cols = 1, .f64 = some_f64 },
                                              { .n_rows = 5, .n_cols = 3, .f64 = some_f64 } };

/* About one row in three gets something; with f64, the same numbers, in double. */
static FlGradient *
some_gradient_of (const FlBlock *blocks, uint64_t seed)
{
  FlGradient *gradient = fl_gradient_new (N_BLOCKS, blocks, NULL);
  FlRng rng = fl_rng (seed, "gradient", 0);

  for (size_t b = 0; b < N_BLOCKS; b++)
    for (uint32_t k = 0; k < blocks[b].n_rows / 3 + 1; k++)
      {
        FlGradientBlock *block = &gradient->block[b];
        uint32_t r = fl_rng_below (&rng, block->n_rows);

        for (size_t a = 0; a < block->n_cols; a++)
          if (blocks[b].f64 != NULL)
            fl_gradient_row_f64 (block, r)[a] += (float) fl_rng_normal (&rng);
          else
            fl_gradient_row (block, r)[a] += (float) fl_rng_normal (&rng);
      }
  gradient->penalty = fl_rng_uniform (&rng);
  return gradient;
}

static FlGradient *
some_gradient (uint64_t seed)
{
  return some_gradient_of (shapes, seed);
}

static size_t
block_size (size_t b)
{
  return shapes[b].n_rows * shapes[b].n_cols;
}

/* The rows that are listed are where `slot` says. */
static void
check_places (const FlGradientBlock *block)
{
  uint32_t n = 0;

  for (uint32_t r = 0; r < block->n_rows; r++)
    if (test_gradient_has (block, r))
      {
        assert_true (block->slot[r] < block->n_used && block->row[block->slot[r]] == r);
        n++;
      }
  assert_int_equal (n, block->n_used);
}

static void
check_gradient (const FlBlock *blocks)
{
  g_autoptr (FlGradient) x = some_gradient_of (blocks, 1), y = some_gradient_of (blocks, 2);
  g_autoptr (FlGradient) sum = some_gradient_of (blocks, 1);
  double dot = 0, penalty = x->penalty;

  fl_gradient_add (sum, 0.5, y);
  for (size_t b = 0; b < N_BLOCKS; b++)
    {
      check_places (&x->block[b]);
      check_places (&sum->block[b]);
      for (size_t k = 0; k < block_size (b); k++)
        {
          double p = test_gradient_number (&x->block[b], k);
          double q = test_gradient_number (&y->block[b], k), expected = p + 0.5 * q;

          /* A half is exact: one rounding, fused or not. */
          assert_true (test_gradient_number (&sum->block[b], k)
                       == (blocks[b].f64 != NULL ? expected : (double) (float) expected));
          dot += p * q;
        }
    }
  compare (sum->penalty, penalty + 0.5 * y->penalty, NEAR_F64, "penalty");
  compare (fl_gradient_dot (x, y), dot, 1e-12, "product");
  assert_true (fl_gradient_dot (x, y) == fl_gradient_dot (y, x));
  fl_gradient_scale (sum, 2);
  for (size_t k = 0; k < block_size (0); k += 7)
    compare (test_gradient_number (&sum->block[0], k),
             2 * test_gradient_number (&x->block[0], k) + test_gradient_number (&y->block[0], k),
             1e-6, "twice");
  fl_gradient_clear (sum);
  for (size_t b = 0; b < N_BLOCKS; b++)
    {
      assert_int_equal (sum->block[b].n_used, 0);
      check_places (&sum->block[b]);
    }
  assert_true (sum->penalty == 0 && fl_gradient_dot (sum, x) == 0);
  /* What was there is not there when its row is listed again. */
  fl_gradient_list (&sum->block[0], x->block[0].row[0]);
  assert_true (sum->block[0].n_used == 1 && fl_gradient_dot (sum, sum) == 0);
}

static void
test_gradient (void **state)
{
  (void) state;
  check_gradient (shapes);
  check_gradient (shapes_f64);
}

/* The order in which rows were listed changes no digit of a product. */
static void
test_gradient_order (void **state)
{
  g_autoptr (FlGradient) x = some_gradient (1), y = some_gradient (2);
  g_autoptr (FlGradient) other = fl_gradient_new (N_BLOCKS, shapes, NULL);

  (void) state;
  for (size_t b = 0; b < N_BLOCKS; b++)
    for (uint32_t k = x->block[b].n_used; k-- > 0;)
      fl_gradient_list (&other->block[b], x->block[b].row[k]);
  fl_gradient_add (other, 1, x);
  assert_true (other->block[0].row[0] != x->block[0].row[0]);
  assert_true (fl_gradient_dot (other, y) == fl_gradient_dot (x, y));
  assert_true (fl_gradient_dot (other, other) == fl_gradient_dot (x, x));
}

/* Products of several, some with rows of their own and some without any. */
static void
check_gram (const FlBlock *blocks)
{
  enum { N = 5 };
  FlGradient *x[N];
  const FlGradient *given[N];
  double gram[N * N], again[N * N];

  for (size_t g = 0; g < N; g++)
    given[g] = x[g] = some_gradient_of (blocks, g % 4 + 1); /* the last is the first */
  fl_gradient_clear (x[2]);
  fl_gradient_list (&x[2]->block[2], 4);
  for (int t = 1; t <= 3; t++)
    {
      omp_set_num_threads (t);
      fl_gradient_gram (N, given, again);
      if (t == 1)
        memcpy (gram, again, sizeof gram);
      assert_memory_equal (gram, again, sizeof gram);
    }
  omp_set_num_threads (2);
  for (size_t g = 0; g < N; g++)
    for (size_t h = 0; h < N; h++)
      {
        double sum = 0;

        for (size_t b = 0; b < N_BLOCKS; b++)
          for (size_t k = 0; k < block_size (b); k++)
            sum += test_gradient_number (&x[g]->block[b], k)
                   * test_gradient_number (&x[h]->block[b], k);
        compare (gram[g * N + h], sum, 1e-12, "of the Gram matrix");
        assert_true (gram[g * N + h] == gram[h * N + g]);
      }
  assert_true (gram[2 * N + 2] == 0 && gram[0] == gram[4] && gram[0] == gram[4 * N + 4]);
  for (size_t g = 0; g < N; g++)
    fl_gradient_free (x[g]);
}

static void
test_gradient_gram (void **state)
{
  (void) state;
  check_gram (shapes);
  check_gram (shapes_f64);
}

/* ---- the shortest combination ------------------------------------------ */

#define MOST 6

static double
length_of (size_t n, const double *gram, const double *weight)
{
  double sum = 0;

  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      sum += weight[i] * weight[j] * gram[i * n + j];
  return sum;
}

/* The vectors of one subset, weighed as their own shortest affine combination: the
 * equations G w + mu 1 = 0, 1'w = 1 by elimination.  FALSE where these are singular or a
 * weight is negative. */
static gboolean
solve_subset (size_t n, const double *gram, unsigned subset, double *weight)
{
  double A[MOST + 1][MOST + 2] = { { 0 } };
  size_t member[MOST], m = 0;

  for (size_t j = 0; j < n; j++)
    if (subset >> j & 1)
      member[m++] = j;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++)
      A[i][j] = gram[member[i] * n + member[j]];
  for (size_t i = 0; i < m; i++)
    A[i][m] = A[m][i] = 1;
  A[m][m + 1] = 1;
  for (size_t p = 0; p <= m; p++)
    {
      size_t best = p;

      for (size_t i = p; i <= m; i++)
        if (fabs (A[i][p]) > fabs (A[best][p]))
          best = i;
      if (fabs (A[best][p]) < 1e-9)
        return FALSE;
      for (size_t j = 0; j < m + 2; j++)
        {
          double kept = A[p][j];

          A[p][j] = A[best][j];
          A[best][j] = kept;
        }
      for (size_t i = 0; i <= m; i++)
        for (size_t j = m + 2; i != p && j-- > p;)
          A[i][j] -= A[i][p] / A[p][p] * A[p][j];
    }
  memset (weight, 0, n * sizeof *weight);
  for (size_t i = 0; i < m; i++)
    if ((weight[member[i]] = A[i][m + 1] / A[i][i]) < -1e-12)
      return FALSE;
  return TRUE;
}

/* Against the best of all subsets. */
static void
check_min_norm (size_t n, const double *gram)
{
  double found[MOST], weight[MOST], best = INFINITY, sum = 0;
  GError *error = NULL;

  fl_min_norm (n, gram, found, &error);
  g_assert_no_error (error);
  for (unsigned subset = 1; subset < 1u << n; subset++)
    if (solve_subset (n, gram, subset, weight))
      best = fmin (best, length_of (n, gram, weight));
  for (size_t j = 0; j < n; j++)
    {
      assert_true (found[j] >= 0);
      sum += found[j];
    }
  compare (sum, 1, 1e-14, "sum of weights");
  compare (length_of (n, gram, found), best, 1e-12, "shortest length");
}

/* n vectors of d numbers; the last two may be alike, and the first 0. */
static void
random_gram (size_t n, size_t d, gboolean twins, gboolean zero, FlRng *rng, double *gram)
{
  g_autofree double *x = g_new (double, n * d);

  for (size_t k = 0; k < n * d; k++)
    x[k] = fl_rng_normal (rng) + 0.5;
  for (size_t a = 0; a < d && twins && n > 1; a++)
    x[(n - 1) * d + a] = x[(n - 2) * d + a];
  for (size_t a = 0; a < d && zero; a++)
    x[a] = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      {
        gram[i * n + j] = 0;
        for (size_t a = 0; a < d; a++)
          gram[i * n + j] += x[i * d + a] * x[j * d + a];
      }
}

static void
test_min_norm_subsets (void **state)
{
  FlRng rng = fl_rng (8, "min norm", 0);
  double gram[MOST * MOST];

  (void) state;
  for (size_t n = 1; n <= MOST; n++)
    for (size_t d = 1; d <= 8; d++)
      for (int k = 0; k < 12; k++)
        {
          random_gram (n, d, k % 4 == 1, k % 4 == 2, &rng, gram);
          check_min_norm (n, gram);
        }
}

static void
expect_weights (size_t n, const double *gram, const double *expected)
{
  double found[MOST];

  assert_true (fl_min_norm (n, gram, found, NULL));
  for (size_t j = 0; j < n; j++)
    compare (found[j], expected[j], 1e-14, "weight");
}

/* What can be said on paper. */
static void
test_min_norm_known (void **state)
{
  (void) state;
  expect_weights (1, (double[]) { 4 }, (double[]) { 1 });
  expect_weights (1, (double[]) { 0 }, (double[]) { 1 });
  /* Orthogonal ones weigh as 1 / length^2. */
  expect_weights (2, (double[]) { 1, 0, 0, 3 }, (double[]) { 0.75, 0.25 });
  expect_weights (3, (double[]) { 1, 0, 0, 0, 0.5, 0, 0, 0, 0.25 },
                  (double[]) { 1.0 / 7, 2.0 / 7, 4.0 / 7 });
  expect_weights (2, (double[]) { 1e12, 0, 0, 1 },
                  (double[]) { 1 / (1e12 + 1), 1e12 / (1e12 + 1) });
  /* (1, 0) and (3, 1): the first alone. */
  expect_weights (2, (double[]) { 1, 3, 3, 10 }, (double[]) { 1, 0 });
  /* (1, 1), (1, -1) and (2, 0): the first two. */
  expect_weights (3, (double[]) { 2, 0, 2, 0, 2, 2, 2, 2, 4 }, (double[]) { 0.5, 0.5, 0 });
  /* Opposite: 0.  (1, 0), (-2, 0). */
  expect_weights (2, (double[]) { 1, -2, -2, 4 }, (double[]) { 2.0 / 3, 1.0 / 3 });
  /* Equal ones: the first; a zero: it alone. */
  expect_weights (3, (double[]) { 2, 2, 2, 2, 2, 2, 2, 2, 2 }, (double[]) { 1, 0, 0 });
  expect_weights (3, (double[]) { 2, 1, 0, 1, 2, 0, 0, 0, 0 }, (double[]) { 0, 0, 1 });
}

/* 64 vectors: no p_j is nearer to 0 along x than x is. */
static void
test_min_norm_large (void **state)
{
  enum { N = 64 };
  static const size_t dimension[] = { 3, 40, 64, 200 };
  FlRng rng = fl_rng (9, "min norm", 0);
  double gram[N * N], weight[N], again[N];

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (dimension); k++)
    {
      double square;

      random_gram (N, dimension[k], TRUE, FALSE, &rng, gram);
      assert_true (fl_min_norm (N, gram, weight, NULL) && fl_min_norm (N, gram, again, NULL));
      assert_memory_equal (weight, again, sizeof weight);
      square = length_of (N, gram, weight);
      for (size_t j = 0; j < N; j++)
        {
          double along = 0;

          for (size_t i = 0; i < N; i++)
            along += weight[i] * gram[i * N + j];
          assert_true (weight[j] >= 0 && along >= square - 1e-12 * gram[j * N + j]);
        }
    }
}

static void
test_min_norm_refuses (void **state)
{
  const struct
  {
    size_t n;
    double gram[4];
    const char *words;
  } cases[] = {
    { 0, { 0 }, "0 vectors" },
    { 65, { 0 }, "65 vectors" },
    { 2, { 1, NAN, NAN, 1 }, "vectors 0 and 1 is nan" },
    { 2, { 1, 0, 0, -1 }, "vector 1 has a squared length of -1" },
  };
  double weight[2];

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (GError) error = NULL;

      assert_false (fl_min_norm (cases[k].n, cases[k].gram, weight, &error));
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
      if (strstr (error->message, cases[k].words) == NULL)
        fail_msg ("'%s' does not say '%s'", error->message, cases[k].words);
    }
}

/* ---- memory of gradients ----------------------------------------------- */

/* Rows cost memory when they are listed. */
static void
test_gradient_sparse (void **state)
{
  const FlBlock large = { .name = "large", .n_rows = 1000000, .n_cols = 4096 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FlGradient) gradient = fl_gradient_new (1, &large, &error);
  FlGradientBlock *block = gradient->block;

  (void) state;
  g_assert_no_error (error);
  for (uint32_t k = 0; k < 200; k++)
    fl_gradient_row (block, k * 4999)[k] = (float) k;
  assert_true (block->n_used == 200 && block->n_room < 1000);
  for (uint32_t k = 0; k < 200; k++)
    assert_true (fl_gradient_row (block, k * 4999)[k] == (float) k);
  assert_int_equal (block->n_used, 200);
}

/* Bytes that the process has. */
static rlim_t
address_space (void)
{
  g_autofree char *text = NULL;

  assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return (rlim_t) g_ascii_strtoull (text, NULL, 10) * (rlim_t) sysconf (_SC_PAGESIZE);
}

/* Where memory ends for rows the gradient says so, and adding to them goes nowhere. */
static void
test_gradient_memory (void **state)
{
  const FlBlock wide = { .name = "wide", .n_rows = 1000, .n_cols = 1 << 18 }; /* 1 MiB a row */
  g_autoptr (FlGradient) gradient = NULL;
  g_autoptr (FlGradient) sum = NULL;
  FlGradientBlock *block;
  g_autoptr (GError) error = NULL;
  struct rlimit before, low;

  (void) state;
#ifdef __SANITIZE_ADDRESS__
  skip (); /* has its own address space, of terabytes */
#endif
  if (test_is_slow ())
    skip ();
  gradient = fl_gradient_new (1, &wide, NULL);
  sum = fl_gradient_new (1, &wide, NULL);
  block = gradient->block;
  fl_gradient_row (block, 3)[0] = 1;
  assert_true (fl_gradient_check (gradient, NULL));
  assert_int_equal (getrlimit (RLIMIT_AS, &before), 0);
  low = before;
  low.rlim_cur = address_space () + (1 << 24);
  assert_int_equal (setrlimit (RLIMIT_AS, &low), 0);
  for (uint32_t r = 0; r < 1000 && !block->incomplete; r++)
    fl_gradient_row (block, r)[0] = 1;
  setrlimit (RLIMIT_AS, &before);
  assert_true (block->incomplete && block->n_used == block->n_room && block->n_used < 1000);
  check_places (block);
  assert_false (fl_gradient_check (gradient, &error));
  print_message ("%s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
  fl_gradient_add (sum, 1, gradient);
  assert_false (fl_gradient_check (sum, NULL));
  fl_gradient_clear (gradient);
  assert_true (fl_gradient_check (gradient, NULL));
}

static void
test_gradient_threads (void **state)
{
  double dot[3];
  FlGradient *sum[3];

  (void) state;
  TEST_NEEDS_THREADS ();
  for (int t = 0; t < 3; t++)
    {
      g_autoptr (FlGradient) x = some_gradient (1), y = some_gradient (2);

      omp_set_num_threads (t + 1);
      fl_gradient_add (x, 0.3, y);
      fl_gradient_scale (x, 1.7);
      dot[t] = fl_gradient_dot (x, y);
      sum[t] = g_steal_pointer (&x);
      assert_true (dot[t] == dot[0]);
      for (size_t b = 0; b < N_BLOCKS; b++)
        {
          const FlGradientBlock *one = &sum[0]->block[b], *other = &sum[t]->block[b];

          assert_int_equal (other->n_used, one->n_used);
          assert_memory_equal (other->row, one->row, one->n_used * sizeof *one->row);
          assert_memory_equal (other->f32, one->f32,
                               one->n_used * one->n_cols * sizeof *one->f32);
        }
    }
  omp_set_num_threads (2);
  for (int t = 0; t < 3; t++)
    fl_gradient_free (sum[t]);
}

/* ---- optimisers -------------------------------------------------------- */

typedef struct
{
  double *value[N_BLOCKS], *a[N_BLOCKS], *b[N_BLOCKS];
} Oracle;

static void
oracle_step (Oracle *o, FlOptimizerKind kind, const FlGradient *gradient, double rate,
             double clip, double decay, int t)
{
  double length = sqrt (fl_gradient_dot (gradient, gradient));
  double scale = clip > 0 && length > clip ? clip / length : 1;

  for (size_t b = 0; b < N_BLOCKS; b++)
    for (size_t k = 0; k < block_size (b); k++)
      {
        double *m = &o->a[b][k], *v = &o->b[b][k], *x = &o->value[b][k];
        double g = scale * test_gradient_number (&gradient->block[b], k)
                   + (kind == FL_OPTIMIZER_ADAM_LAZY ? 0 : decay * *x);

        if (kind == FL_OPTIMIZER_SGD)
          *x -= rate * g;
        else if (kind == FL_OPTIMIZER_ADAGRAD)
          {
            *m += g * g;
            *x -= g == 0 ? 0 : rate * g / (sqrt (*m) + 1e-10);
          }
        else if (kind == FL_OPTIMIZER_ADAM
                 || test_gradient_has (&gradient->block[b], (uint32_t) (k / shapes[b].n_cols)))
          {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *x -= rate * (*m / (1 - pow (0.9, t)))
                  / (sqrt (*v / (1 - pow (0.999, t))) + 1e-8);
          }
      }
}

/* Which blocks are of doubles, 1 << block or-ed. */
static void
try_optimizer (FlOptimizerKind kind, double clip, double decay, unsigned doubles, int n_threads)
{
  FlTrainingSettings settings = FL_TRAINING_SETTINGS (.optimizer = kind, .learning_rate = 0.01,
                                                      .clip = clip, .weight_decay = decay);
  g_autoptr (FlOptimizer) optimizer = NULL;
  FlBlock blocks[N_BLOCKS];
  Oracle oracle;
  double worst[2] = { 0, 0 }; /* of floats, of doubles */

  omp_set_num_threads (n_threads);
  for (size_t b = 0; b < N_BLOCKS; b++)
    {
      blocks[b] = shapes[b];
      if (doubles >> b & 1)
        blocks[b].f64 = g_new (double, block_size (b));
      else
        blocks[b].f32 = g_new (float, block_size (b));
      oracle.value[b] = g_new0 (double, block_size (b));
      oracle.a[b] = g_new0 (double, block_size (b));
      oracle.b[b] = g_new0 (double, block_size (b));
      for (size_t k = 0; k < block_size (b); k++)
        {
          oracle.value[b][k] = (float) sin ((double) k);
          if (blocks[b].f64 != NULL)
            blocks[b].f64[k] = oracle.value[b][k];
          else
            blocks[b].f32[k] = (float) oracle.value[b][k];
        }
    }
  optimizer = fl_optimizer_new (N_BLOCKS, blocks, &settings, NULL);
  for (int t = 1; t <= (test_is_slow () ? 2 : 30); t++)
    {
      g_autoptr (FlGradient) gradient = some_gradient_of (blocks, (uint64_t) t);

      oracle_step (&oracle, kind, gradient, 0.01, clip, decay, t);
      assert_true (fl_optimizer_step (optimizer, gradient));
    }
  for (size_t b = 0; b < N_BLOCKS; b++)
    {
      gboolean f64 = blocks[b].f64 != NULL;

      for (size_t k = 0; k < block_size (b); k++)
        worst[f64] = fmax (worst[f64], fabs (oracle.value[b][k]
                                             - (f64 ? blocks[b].f64[k] : (double) blocks[b].f32[k])));
      g_free (blocks[b].f32);
      g_free (blocks[b].f64);
      g_free (oracle.value[b]);
      g_free (oracle.a[b]);
      g_free (oracle.b[b]);
    }
  print_message ("optimizer %d, clip %g, decay %g, %d threads: farthest %.2g of floats, %.2g of "
                 "doubles\n", (int) kind, clip, decay, n_threads, worst[0], worst[1]);
  /* Thirty steps, each rounded to half a unit of a number of size 1: 30 * 2^-24, 2^-53. */
  assert_true (worst[0] < 30 * 0x1p-23 && worst[1] < 30 * 0x1p-52);
  omp_set_num_threads (2);
}

static void
test_optimizers (void **state)
{
  (void) state;
  for (int kind = FL_OPTIMIZER_ADAM; kind <= FL_OPTIMIZER_ADAGRAD; kind++)
    {
      for (int n_threads = 1; n_threads <= (test_is_slow () ? 1 : 2); n_threads++)
        {
          try_optimizer ((FlOptimizerKind) kind, 0, 0, 0, n_threads);
          try_optimizer ((FlOptimizerKind) kind, 3, 0, 0, n_threads);
          try_optimizer ((FlOptimizerKind) kind, 3, 0.05, 0, n_threads);
        }
      try_optimizer ((FlOptimizerKind) kind, 0, 0, 5, 2);
      try_optimizer ((FlOptimizerKind) kind, 3, 0.05, 7, 2);
    }
}

/* Doubles that became what is no number are noticed, in a row with a gradient or without. */
static void
test_optimizer_not_finite (void **state)
{
  double value[] = { 1, INFINITY };
  const FlBlock block = { .name = "x", .n_rows = 2, .n_cols = 1, .f64 = value };
  FlTrainingSettings settings = FL_TRAINING_SETTINGS (.learning_rate = 0.01);
  g_autoptr (FlGradient) gradient = fl_gradient_new (1, &block, NULL);
  g_autoptr (FlOptimizer) optimizer = fl_optimizer_new (1, &block, &settings, NULL);

  (void) state;
  assert_false (fl_optimizer_step (optimizer, gradient));
  value[1] = 1;
  fl_gradient_row_f64 (gradient->block, 0)[0] = NAN;
  assert_false (fl_optimizer_step (optimizer, gradient));
}

/* ---- data and a model -------------------------------------------------- */

/* Users like items of their own remainder by 3; user 3 likes everything, user 4
 * nothing. */
static FlRatings *
some_ratings (uint32_t n_users, uint32_t n_items)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  FlRng rng = fl_rng (1, "ratings", 0);

  for (uint32_t u = 0; u < n_users; u++)
    for (uint32_t i = 0; i < n_items; i++)
      {
        double r = 1 + fl_rng_below (&rng, 5), chance = u % 3 == i % 3 ? 0.5 : 0.1;

        if (u == 4 || (u != 3 && fl_rng_uniform (&rng) > chance))
          continue;
        fl_triplets_add (triplets, u, i, r);
      }
  return fl_triplets_make_ratings (triplets, n_users, n_items, NULL);
}

static gboolean
has_rated (const FlRatings *ratings, uint32_t u, uint32_t i)
{
  for (size_t k = ratings->by_user.start[u]; k < ratings->by_user.start[u + 1]; k++)
    if (ratings->by_user.col[k] == i)
      return TRUE;
  return FALSE;
}

/* ---- sampler ----------------------------------------------------------- */

static void
check_epoch (const FlRatings *ratings, FlSampler *sampler, const FlTrainingSettings *settings,
             size_t *n_seen)
{
  gboolean labelled = settings->loss == FL_LOSS_BCE;
  size_t n = 0, n_batches = 0, n_labels = 0;
  const FlBatch *batch;

  while ((batch = fl_sampler_next (sampler)) != NULL)
    {
      assert_true (batch->n == MIN ((size_t) settings->batch, fl_sampler_size (sampler) - n));
      assert_true (batch->width == (labelled ? 1 : 2) && batch->delta == NULL);
      for (size_t k = 0; k < batch->n; k++)
        {
          uint32_t u = batch->user[k], i = batch->item[k * batch->width];
          gboolean positive = !labelled || batch->label[k] == 1;

          assert_true (u != 3 && u != 4);
          assert_int_equal (has_rated (ratings, u, i), positive);
          n_labels += positive;
          n_seen[u * ratings->n_items + i] += positive;
          if (!labelled)
            assert_false (has_rated (ratings, u, batch->item[2 * k + 1]));
        }
      n += batch->n;
      n_batches++;
    }
  assert_int_equal (n, fl_sampler_size (sampler));
  assert_int_equal (n_batches, fl_sampler_n_batches (sampler));
  if (labelled)
    assert_int_equal (n_labels * (size_t) (1 + settings->negatives), n);
}

static void
test_sampler (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (80, 60);
  static const int64_t batches[] = { 1, 7, 1000, 1024, 5000, 1000000 };
  g_autofree size_t *n_seen = g_new (size_t, 80 * 60);

  (void) state;
  for (size_t b = 0; b < G_N_ELEMENTS (batches); b++)
    for (int loss = FL_LOSS_BPR; loss <= FL_LOSS_BCE; loss++)
      for (int64_t negatives = 1; negatives <= 3; negatives += 2)
        {
          FlTrainingSettings settings = FL_TRAINING_SETTINGS (.batch = batches[b],
                                                              .negatives = negatives,
                                                              .loss = loss);
          g_autoptr (FlSampler) sampler = fl_sampler_new (ratings, &settings, 9, NULL);

          assert_int_equal (fl_sampler_left_out (sampler), 1);
          for (uint64_t epoch = 0; epoch < 2; epoch++)
            {
              memset (n_seen, 0, 80 * 60 * sizeof *n_seen);
              fl_sampler_start_epoch (sampler, epoch);
              check_epoch (ratings, sampler, &settings, n_seen);
              for (uint32_t u = 0; u < 80; u++)
                for (uint32_t i = 0; i < 60; i++)
                  assert_int_equal (n_seen[u * 60 + i],
                                    u != 3 && has_rated (ratings, u, i)
                                        ? (loss == FL_LOSS_BCE ? 1 : negatives) : 0);
            }
        }
}

/* Ratings themselves, each once an epoch, those of the user who has rated everything
 * too. */
static void
test_sampler_ratings (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (80, 60);
  static const int64_t batches[] = { 1, 1000, 1000000 };
  g_autofree size_t *n_seen = g_new (size_t, 80 * 60);

  (void) state;
  for (size_t b = 0; b < G_N_ELEMENTS (batches); b++)
    {
      FlTrainingSettings settings = { .batch = batches[b], .negatives = 1,
                                      .loss = FL_LOSS_SQUARED };
      g_autoptr (FlSampler) sampler = fl_sampler_new (ratings, &settings, 9, NULL);

      assert_int_equal (fl_sampler_left_out (sampler), 0);
      assert_int_equal (fl_sampler_size (sampler), ratings->n);
      for (uint64_t epoch = 0; epoch < 2; epoch++)
        {
          const FlBatch *batch;

          memset (n_seen, 0, 80 * 60 * sizeof *n_seen);
          fl_sampler_start_epoch (sampler, epoch);
          while ((batch = fl_sampler_next (sampler)) != NULL)
            for (size_t k = 0; k < batch->n; k++)
              {
                size_t at = fl_csr_lower_bound (&ratings->by_user, batch->user[k], batch->item[k]);

                assert_int_equal (batch->width, 1);
                assert_true (batch->label[k] == fl_csr_value (&ratings->by_user, at));
                n_seen[batch->user[k] * 60 + batch->item[k]]++;
              }
          for (uint32_t u = 0; u < 80; u++)
            for (uint32_t i = 0; i < 60; i++)
              assert_int_equal (n_seen[u * 60 + i], has_rated (ratings, u, i));
        }
    }
}

/* Neither threads nor the size of a batch move anything. */
static void
test_sampler_same (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings (200, 90);
  static const int64_t batches[] = { 1000000, 1, 333, 4096 };
  g_autofree uint32_t *first = NULL;

  (void) state;
  for (size_t b = 0; b < G_N_ELEMENTS (batches); b++)
    {
      FlTrainingSettings settings = FL_TRAINING_SETTINGS (.batch = batches[b], .negatives = 2);
      g_autoptr (FlSampler) sampler = fl_sampler_new (ratings, &settings, 9, NULL);
      size_t n = fl_sampler_size (sampler), at = 0;
      const FlBatch *batch;

      omp_set_num_threads ((int) b % 3 + 1);
      if (first == NULL)
        first = g_new (uint32_t, 3 * n);
      fl_sampler_start_epoch (sampler, 5);
      for (; (batch = fl_sampler_next (sampler)) != NULL; at += batch->n)
        if (b == 0)
          {
            memcpy (first, batch->user, n * sizeof *first);
            memcpy (first + n, batch->item, 2 * n * sizeof *first);
          }
        else
          {
            assert_memory_equal (batch->user, first + at, batch->n * sizeof *first);
            assert_memory_equal (batch->item, first + n + 2 * at, 2 * batch->n * sizeof *first);
          }
    }
  omp_set_num_threads (2);
}

/* Negatives of one user are uniform: chi-square with m - 1 degrees of freedom, whose
 * deviation is sqrt (2 (m - 1)); five of them are a bound for a fixed seed. */
static void
test_sampler_uniform (void **state)
{
  const uint32_t user[] = { 0, 0, 0, 0, 0 }, item[] = { 0, 3, 4, 10, 39 };
  const double rating[] = { 1, 1, 1, 1, 1 };
  g_autoptr (FlRatings) ratings = fl_ratings_new (1, 40, 5, user, item, rating, NULL);
  FlTrainingSettings settings = FL_TRAINING_SETTINGS (.batch = 512, .negatives = 1000);
  g_autoptr (FlSampler) sampler = fl_sampler_new (ratings, &settings, 1, NULL);
  double count[40] = { 0 }, expected = 0, chi = 0;
  const FlBatch *batch;

  (void) state;
  for (uint64_t epoch = 0; epoch < 20; epoch++)
    {
      fl_sampler_start_epoch (sampler, epoch);
      while ((batch = fl_sampler_next (sampler)) != NULL)
        for (size_t k = 0; k < batch->n; k++)
          count[batch->item[2 * k + 1]]++;
    }
  expected = 20 * 5000 / 35.0;
  for (uint32_t i = 0; i < 40; i++)
    {
      gboolean rated = has_rated (ratings, 0, i);

      assert_true (!rated || count[i] == 0);
      chi += rated ? 0 : (count[i] - expected) * (count[i] - expected) / expected;
    }
  print_message ("chi-square %.1f of 34 degrees\n", chi);
  assert_true (fabs (chi - 34) < 5 * sqrt (2 * 34.0));
}

static void
test_sampler_refuses (void **state)
{
  const uint32_t user[] = { 0, 0 }, item[] = { 0, 1 };
  const double rating[] = { 1, 1 };
  g_autoptr (FlRatings) none = fl_ratings_new (2, 2, 0, NULL, NULL, NULL, NULL);
  g_autoptr (FlRatings) all = fl_ratings_new (2, 2, 2, user, item, rating, NULL);
  FlTrainingSettings settings = FL_TRAINING_SETTINGS (.batch = 512, .negatives = 1);
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_null (fl_sampler_new (none, &settings, 4, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_DATA));
  g_clear_error (&error);
  assert_null (fl_sampler_new (all, &settings, 4, &error));
  print_message ("%s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_DATA));
  g_clear_error (&error);
  settings.loss = FL_LOSS_SQUARED;
  assert_null (fl_sampler_new (none, &settings, 4, &error));
  print_message ("%s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_DATA));
}

/* ---- the loop ---------------------------------------------------------- */

typedef struct
{
  Learner learner;
  FlModelOps ops;
  FlInstance model;
  FlRun *run;
  FlRatings *train;
  FlData data;
  FlStage stage;
} Case;

/* Settings "key=value", blanks between them. */
static Case *
case_new (const char *settings)
{
  Case *c = g_new0 (Case, 1);
  GError *error = NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);

  for (size_t i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);

      if (words[i][0] != '\0')
        g_ptr_array_add (list, fl_setting_new (pair[0], pair[1], "test"));
    }
  fl_params_store (learner_plugin.params, &c->learner, "model", list, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  c->ops = *(const FlModelOps *) learner_plugin.ops;
  c->model = (FlInstance) { .plugin = &learner_plugin, .self = &c->learner, .ops = &c->ops };
  c->run = fl_run_new (5, NULL, NULL);
  fl_run_lend_services (c->run, &fl_training_services);
  c->train = some_ratings (80, 60);
  c->data = FL_DATA (.train = c->train);
  c->stage = FL_STAGE (.data = &c->data, .model = &c->model, .run = c->run);
  return c;
}

static void
case_free (Case *c)
{
  learner_plugin.clear (&c->learner);
  fl_params_clear (learner_plugin.params, &c->learner);
  fl_run_free (c->run);
  fl_ratings_free (c->train);
  g_free (c);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Case, case_free)

static const char *
note (const FlRun *run, const char *name)
{
  const GPtrArray *notes = fl_run_notes (run);

  for (guint k = 0; k < notes->len; k++)
    {
      const FlSetting *setting = g_ptr_array_index (notes, k);

      if (g_str_equal (setting->key, name))
        return setting->value;
    }
  return NULL;
}

static void
assert_same_blocks (const Case *a, const Case *b)
{
  for (size_t i = 0; i < 2; i++)
    {
      const FlBlock *x = &a->learner.block[i], *y = &b->learner.block[i];

      assert_memory_equal (x->f32, y->f32, x->n_rows * x->n_cols * sizeof (float));
    }
}

/* How often a random positive scores above a random negative. */
static double
share_in_order (const Case *c)
{
  size_t n = 0, n_right = 0;
  const FlCsr *rows = &c->train->by_user;
  size_t m = (size_t) c->learner.rank;

  for (uint32_t u = 5; u < rows->n_rows; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
      for (uint32_t j = 0; j < rows->n_cols; j++)
        if (!has_rated (c->train, u, j))
          {
            const float *p = c->learner.block[0].f32 + u * m, *q = c->learner.block[1].f32;

            n_right += fl_dot_f32 (m, p, q + rows->col[k] * m) > fl_dot_f32 (m, p, q + j * m);
            n++;
          }
  return (double) n_right / (double) n;
}

static void
test_default_loop (void **state)
{
  static const char *const settings[] = {
    "epochs=60 batch=128 learning-rate=0.02",
    "epochs=60 batch=128 learning-rate=0.02 loss=bce negatives=2",
    "epochs=60 batch=128 learning-rate=0.02 optimizer=adam-lazy negatives=3 l2=0.01",
    "epochs=60 batch=128 learning-rate=0.3 optimizer=adagrad clip=1",
    "epochs=60 batch=64 learning-rate=3 optimizer=sgd l2=0.001 rank=67",
  };

  (void) state;
  for (size_t s = 0; s < (test_is_slow () ? 1 : G_N_ELEMENTS (settings)); s++)
    {
      g_autoptr (Case) first = case_new (settings[s]);
      GError *error = NULL;
      double share;

      omp_set_num_threads (1);
      assert_true (fl_training_run (&first->stage, &error));
      g_assert_no_error (error);
      share = share_in_order (first);
      print_message ("%s: %.3f in order\n", settings[s], share);
      assert_true (share > 0.75);
      assert_string_equal (note (first->run, "iterations"), "60");
      assert_string_equal (note (first->run, "users without negatives"), "1");
      assert_true (first->learner.n_prepared > 0 && first->learner.n_changes >= 60);
      for (int t = 2; t <= (test_is_slow () ? 1 : 3); t++)
        {
          g_autoptr (Case) again = case_new (settings[s]);

          omp_set_num_threads (t);
          assert_true (fl_training_run (&again->stage, &error));
          assert_same_blocks (first, again);
        }
    }
  omp_set_num_threads (2);
}

static void
test_stream (void **state)
{
  g_autoptr (Case) c = case_new ("epochs=3 optimizer=stream scale=0");
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_true (fl_training_run (&c->stage, NULL));
  assert_true (c->learner.block[0].f32[0] == 5 + 6 + 7);
  assert_null (fl_training_new (&c->stage, NULL, &error));
  print_message ("%s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
}

/* Ratings that are sums of a number of the user and one of the item are learnt, those of
 * the user without negatives too, of whom there is no word. */
static void
test_squared_loop (void **state)
{
  static const char *const settings[] = { "rank=3 epochs=1 batch=64 loss=squared",
                                          "rank=3 epochs=200 batch=64 learning-rate=0.02 "
                                          "loss=squared" };
  double error[2];

  (void) state;
  for (int trained = 0; trained < 2; trained++)
    {
      g_autoptr (Case) c = case_new (settings[trained]);
      const FlCsr *rows = &c->train->by_user;
      float *rating = (float *) (gpointer) rows->f32;
      double sum = 0;

      for (uint32_t u = 0; u < rows->n_rows; u++)
        for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
          rating[k] = (float) (u % 4 + rows->col[k] % 3);
      assert_true (fl_training_run (&c->stage, NULL));
      assert_null (note (c->run, "users without negatives"));
      for (uint32_t u = 0; u < rows->n_rows; u++)
        for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
          sum += pow (fl_dot_f32 (3, c->learner.block[0].f32 + u * 3,
                                  c->learner.block[1].f32 + rows->col[k] * 3)
                          - (double) rating[k], 2);
      error[trained] = sqrt (sum / (double) c->train->n);
    }
  print_message ("rmse of the training ratings %.3f, then %.3f\n", error[0], error[1]);
  assert_true (error[0] > 1 && error[1] < 0.1);
}

/* Where not all parameters move, their decay is refused rather than forgotten; and so is a
 * number of negatives where there are none. */
static void
test_settings_refused (void **state)
{
  static const char *const cases[] = { "optimizer=stream weight-decay=0.1",
                                       "optimizer=adam-lazy weight-decay=0.1",
                                       "loss=squared negatives=2" };

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (Case) c = case_new (cases[k]);
      g_autoptr (GError) error = NULL;

      assert_false (fl_training_run (&c->stage, &error));
      print_message ("%s\n", error->message);
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
    }
}

/* A model whose settings are those of a header that had no weight-decay yet, with a
 * number of its own behind them. */
typedef struct
{
  size_t size;
  int64_t epochs, batch, negatives;
  int loss, optimizer;
  double learning_rate, l2, clip;
  FlInstance *stop_on;
  int64_t stop_k, patience, validate_every;
} OldSettings;

static struct
{
  OldSettings training;
  double own;
} old_model;

static const FlTrainingSettings *
old_settings (gconstpointer self)
{
  (void) self;
  return (const FlTrainingSettings *) (gconstpointer) &old_model.training;
}

static void
test_short_settings (void **state)
{
  g_autoptr (Case) old = case_new ("epochs=2"), now = case_new ("epochs=2");
  g_autoptr (Case) decays = case_new ("epochs=2 weight-decay=0.5");
  FlGradientOps ops = *old->ops.gradient;
  g_autoptr (FlTraining) training = NULL;

  (void) state;
  memcpy (&old_model.training, &old->learner.training, sizeof old_model.training);
  old_model.own = 0.5; /* where weight_decay would be */
  ops.settings = old_settings;
  ops.settings_size = sizeof old_model.training;
  old->ops.gradient = &ops;
  assert_true (fl_training_run (&old->stage, NULL) && fl_training_run (&now->stage, NULL)
               && fl_training_run (&decays->stage, NULL));
  assert_same_blocks (old, now);
  assert_true (decays->learner.block[0].f32[0] != now->learner.block[0].f32[0]);
  training = fl_training_new (&old->stage, NULL, NULL);
  assert_true (fl_training_settings (training)->weight_decay == 0);
  assert_int_equal (fl_training_settings (training)->size, sizeof (FlTrainingSettings));
}

/* What is handed over without its size is refused, not read. */
static void
test_sizes (void **state)
{
  g_autoptr (Case) c = case_new ("epochs=2");
  g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
  FlTrainingSettings settings = { .epochs = 1 };
  g_autoptr (GError) error = NULL;
  double score[2];

  (void) state;
  assert_null (fl_training_new (&c->stage, &settings, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_PLUGIN));
  assert_non_null (strstr (error->message, "FL_TRAINING_SETTINGS"));
  g_clear_error (&error);
  assert_null (fl_optimizer_new (2, c->learner.block, &settings, &error));
  assert_non_null (strstr (error->message, "FL_TRAINING_SETTINGS"));
  g_clear_error (&error);
  assert_true (fl_training_epoch (training));
  assert_false (fl_training_scores (training, &(const FlBatch) { .n = 1 }, score));
  assert_false (fl_training_end (training, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_PLUGIN));
  assert_non_null (strstr (error->message, "FL_BATCH"));
}

/* A training does not go on with such a gradient. */
static void
test_step_memory (void **state)
{
  (void) state;
  for (int what = 0; what < 4; what++)
    {
      g_autoptr (Case) c = case_new ("");
      g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
      FlGradient *gradient = fl_training_gradient (training);
      const uint32_t id = 0;
      const FlBatch batch = FL_BATCH (.n = 1, .width = 1, .user = &id, .item = &id);
      g_autoptr (GError) error = NULL;

      gradient->block[1].incomplete = TRUE;
      if (what == 0)
        assert_false (fl_training_step (training, gradient, 0));
      else if (what == 1)
        assert_false (fl_training_move (training, 1, gradient));
      else if (what == 2)
        {
          fl_training_keep_gradient (training, "gradient", gradient);
          assert_true (fl_training_epoch (training));
          assert_false (fl_training_epoch (training));
        }
      else
        assert_false (fl_training_derive (training, &batch, &(const double) { 1 }, 0, gradient,
                                          NULL));
      assert_false (fl_training_end (training, &error));
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
    }
}

static void
test_move (void **state)
{
  g_autoptr (Case) c = case_new ("rank=67"), still = case_new ("rank=67");
  g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
  g_autoptr (FlTraining) other = fl_training_new (&still->stage, NULL, NULL);
  const FlBlock *blocks;
  size_t n = fl_training_blocks (training, &blocks);
  g_autoptr (FlGradient) by = fl_gradient_new (n, blocks, NULL);

  (void) state;
  for (uint32_t r = 0; r < 70; r += 3)
    for (size_t b = 0; b < n; b++)
      for (size_t a = 0; a < 67; a++)
        fl_gradient_row (&by->block[b], r % blocks[b].n_rows)[a] += (float) (a + r);
  assert_true (fl_training_restore (training));
  assert_same_blocks (c, still);
  assert_true (fl_training_move (training, 0.1, by) && fl_training_move (training, -7, by));
  assert_true (c->learner.block[0].f32[1] != still->learner.block[0].f32[1]);
  assert_true (fl_training_restore (training));
  assert_same_blocks (c, still);
}

/* What cannot be added to is refused, and a derivative of other shapes. */
static void
test_perturbed_refuses (void **state)
{
  const float number = 0;
  const FlBlock block = { .n_rows = 60, .n_cols = 4 };
  g_autoptr (FlGradient) d_delta = fl_gradient_new (1, &block, NULL);
  const uint32_t id = 0;
  const struct
  {
    FlBatch batch;
    const char *words;
  } cases[] = {
    { FL_BATCH (.n = 1, .width = 1, .user = &id, .item = &id, .delta = &number),
      "no vectors of items" },
    { FL_BATCH (.n = 1, .width = 1, .user = &id, .item = &id, .user_delta = &number),
      "no vectors of users" },
    { FL_BATCH (.n = 1, .width = 1, .user = &id, .item = &id), "60 x 4 floats, wanted 60 x 0" },
  };

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (Case) c = case_new ("");
      g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
      g_autoptr (GError) error = NULL;

      assert_int_equal (fl_training_item_width (training), 0);
      assert_int_equal (fl_training_user_width (training), 0);
      assert_false (fl_training_derive (training, &cases[k].batch, &(const double) { 1 }, 0,
                                        fl_training_gradient (training), d_delta));
      assert_false (fl_training_end (training, &error));
      print_message ("%s\n", error->message);
      assert_non_null (strstr (error->message, cases[k].words));
    }
}

/* A model that gives no vectors says so. */
static void
test_vectors_refuses (void **state)
{
  const uint32_t id = 0;
  double out[4];

  (void) state;
  for (int back = 0; back < 2; back++)
    {
      g_autoptr (Case) c = case_new ("");
      g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
      g_autoptr (GError) error = NULL;

      if (back)
        assert_false (fl_training_vectors_back (training, FL_SIDE_USER, 1, &id, out,
                                                fl_training_gradient (training)));
      else
        assert_false (fl_training_vectors (training, FL_SIDE_USER, 1, &id, out));
      assert_false (fl_training_end (training, &error));
      assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
      assert_non_null (strstr (error->message, "model learner gives no vectors"));
    }
}

/* The penalty of a step is what the caller says, once for each call. */
static void
test_derive (void **state)
{
  g_autoptr (Case) c = case_new ("l2=0.3 batch=32");
  g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
  const FlBlock *blocks;
  size_t n = fl_training_blocks (training, &blocks);
  g_autoptr (FlGradient) once = fl_gradient_new (n, blocks, NULL);
  g_autoptr (FlGradient) twice = fl_gradient_new (n, blocks, NULL);
  double score[64], d_score[64];
  const FlBatch *batch;

  (void) state;
  assert_true (fl_training_epoch (training));
  batch = fl_training_batch (training);
  assert_true (fl_training_scores (training, batch, score));
  fl_loss_bpr (batch->n, score, NULL, d_score, NULL);
  assert_true (fl_training_backward (training, batch, d_score, once, NULL));
  for (size_t k = 0; k < 2 * batch->n; k++)
    d_score[k] /= 2;
  assert_true (fl_training_derive (training, batch, d_score, 0.3 / 32, twice, NULL));
  assert_true (fl_training_derive (training, batch, d_score, 0, twice, NULL));
  compare (twice->penalty, once->penalty, 1e-14, "penalty");
  assert_true (once->penalty > 0);
  fl_gradient_add (twice, -1, once);
  assert_true (fl_gradient_dot (twice, twice) < 1e-12 * fl_gradient_dot (once, once));
}

static void
test_batch_select (void **state)
{
  const uint32_t user[] = { 5, 6, 7, 8 }, item[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  const uint32_t group[] = { 1, 0, FL_NO_GROUP, 1 };
  const double label[] = { 0.5, 1.5, 2.5, 3.5 };
  const uint8_t mask[] = { 0, 1, 1, 1, 0, 0, 1, 0 }, user_mask[] = { 0, 1, 1, 1 };
  const float delta = 0, user_delta = 0;
  const FlBatch all = FL_BATCH (.n = 4, .width = 2, .user = user, .item = item, .label = label,
                                .delta = &delta, .perturbed = 2, .mask = mask,
                                .user_delta = &user_delta, .user_mask = user_mask);
  const FlBatch plain = FL_BATCH (.n = 4, .width = 2, .user = user, .item = item);
  g_autoptr (FlBatch) out = fl_batch_new (4, 2, NULL);

  (void) state;
  assert_int_equal (fl_batch_select (&all, group, 1, out), 2);
  assert_true (out->n == 2 && out->width == 2 && out->size == sizeof *out);
  assert_memory_equal (out->user, ((uint32_t[]) { 5, 8 }), 2 * sizeof *user);
  assert_memory_equal (out->item, ((uint32_t[]) { 1, 2, 7, 8 }), 4 * sizeof *item);
  assert_memory_equal (out->label, ((double[]) { 0.5, 3.5 }), 2 * sizeof *label);
  assert_memory_equal (out->mask, ((uint8_t[]) { 0, 1, 1, 0 }), 4);
  assert_memory_equal (out->user_mask, ((uint8_t[]) { 0, 1 }), 2);
  assert_true (out->delta == &delta && out->user_delta == &user_delta && out->perturbed == 2);
  assert_int_equal (fl_batch_select (&plain, group, 0, out), 1);
  assert_true (out->user[0] == 6 && out->item[1] == 4);
  assert_true (out->label == NULL && out->mask == NULL && out->user_mask == NULL
               && out->delta == NULL && out->user_delta == NULL && out->perturbed == 0);
  assert_int_equal (fl_batch_select (&plain, group, 7, out), 0);
}

static void
test_diverges (void **state)
{
  g_autoptr (Case) c = case_new ("learning-rate=1e6 optimizer=sgd batch=64");
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_false (fl_training_run (&c->stage, &error));
  print_message ("%s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
  assert_non_null (strstr (error->message, "epoch"));
}

static void
test_fail (void **state)
{
  g_autoptr (Case) c = case_new ("");
  g_autoptr (FlTraining) training = fl_training_new (&c->stage, NULL, NULL);
  g_autoptr (GError) error = NULL;
  double none;

  (void) state;
  assert_true (fl_training_epoch (training));
  assert_false (fl_training_fail (training, g_error_new (FL_ERROR, FL_ERROR_DATA, "first")));
  assert_false (fl_training_fail (training, g_error_new (FL_ERROR, FL_ERROR_DATA, "second")));
  assert_null (fl_training_batch (training));
  assert_false (fl_training_scores (training, &FL_BATCH (.n = 0), &none));
  assert_false (fl_training_epoch (training));
  assert_false (fl_training_end (training, &error));
  assert_string_equal (error->message, "first");
}

/* ---- early stopping ---------------------------------------------------- */

/* An objective that says what it was told to say. */
typedef struct
{
  const double *value;
  size_t n, next;
  FlObjectiveOps ops;
  FlPlugin plugin;
  FlInstance instance;
} Script;

static gboolean
script_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  Script *script = *(Script *const *) self;

  (void) error;
  assert_int_equal (view->part, FL_PART_VALIDATION);
  assert_true (view->n == 3 && script->next < script->n);
  assert_int_equal (view->lists != NULL, script->plugin.needs == FL_NEEDS_LISTS);
  assert_true (view->lists == NULL || (view->k == 7 && view->lists->k == 7));
  fl_result_set (result, 1, -1);
  if (script->value[script->next] >= 0)
    fl_result_set (result, 0, script->value[script->next]);
  script->next++;
  return TRUE;
}

static const FlValue lower[] = { { .name = "low", .direction = FL_LOWER_IS_BETTER },
                                 { .name = "more" }, FL_VALUE_END };
static const FlValue higher[] = { { .name = "high", .direction = FL_HIGHER_IS_BETTER },
                                  { .name = "more" }, FL_VALUE_END };
static const FlValue neither[] = { { .name = "neither", .direction = FL_NO_DIRECTION },
                                   { .name = "more" }, FL_VALUE_END };

/* Trains by the script: parameters, and how many epochs of it were seen. */
static gboolean
train_by (Case *c, Script *script, const FlValue *values, gboolean lists, GError **error)
{
  Script **self = &script;

  script->ops = (FlObjectiveOps) { .values = values, .evaluate = script_evaluate };
  script->plugin = (FlPlugin) FL_DESCRIPTOR (.kind = FL_KIND_OBJECTIVE, .name = "script",
                                             .needs = lists ? FL_NEEDS_LISTS : 0);
  script->instance = (FlInstance) { .plugin = &script->plugin, .self = self, .ops = &script->ops };
  c->learner.training.stop_on = &script->instance;
  c->learner.training.stop_k = 7;
  if (fl_training_run (&c->stage, error))
    {
      c->learner.training.stop_on = NULL;
      return TRUE;
    }
  c->learner.training.stop_on = NULL;
  return FALSE;
}

/* Three validation ratings, which the run lends or the stage knows. */
static FlRatings *
some_validation (void)
{
  const uint32_t user[] = { 0, 1, 2 }, item[] = { 0, 1, 2 };
  const double rating[] = { 1, 1, 1 };

  return fl_ratings_new (80, 60, 3, user, item, rating, NULL);
}

typedef struct
{
  const char *settings;
  const FlValue *values;
  double value[12];
  size_t n_looks;
  const char *best_epoch, *best_value, *epochs, *stop;
} Course;

static const Course courses[] = {
  { "epochs=6 patience=10", lower, { 5, 4, 3, 4, 3, 6 }, 6, "3", "3", "6", "limit reached" },
  { "epochs=12 patience=2", lower, { 5, 4, 4, 4, 1 }, 4, "2", "4", "4", "no more improvement" },
  { "epochs=12 patience=2", higher, { 5, 6, 5, 7, 7, 7 }, 6, "4", "7", "6",
    "no more improvement" },
  { "epochs=12 patience=1", higher, { 0, 0, 1 }, 2, "1", "0", "2", "no more improvement" },
  /* Looks after epochs 4, 8 and 10, the last. */
  { "epochs=10 patience=8 validate-every=4", lower, { 3, 4, 2 }, 3, "10", "2", "10",
    "limit reached" },
  { "epochs=10 patience=4 validate-every=4", lower, { 3, 4, 2 }, 2, "4", "3", "8",
    "no more improvement" },
};

static void
test_stopping (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (courses); i++)
    {
      const Course *course = &courses[i];
      g_autoptr (Case) c = case_new (course->settings);
      g_autofree char *until = g_strdup_printf ("epochs=%s", course->best_epoch);
      g_autoptr (Case) plain = case_new (until);
      g_autoptr (FlRatings) validation = some_validation ();
      Script script = { .value = course->value, .n = course->n_looks };
      GError *error = NULL;

      fl_run_lend_validation (c->run, validation);
      train_by (c, &script, course->values, i % 2 == 1, &error);
      g_assert_no_error (error);
      assert_int_equal (script.next, course->n_looks);
      assert_string_equal (note (c->run, "best epoch"), course->best_epoch);
      assert_string_equal (note (c->run, "best value"), course->best_value);
      assert_string_equal (note (c->run, "iterations"), course->epochs);
      assert_string_equal (note (c->run, "stop"), course->stop);
      /* As if training had ended there. */
      assert_true (fl_training_run (&plain->stage, &error));
      assert_same_blocks (c, plain);
    }
}

static void
expect_refusal (Case *c, const double *value, const FlValue *values, gboolean lists,
                FlErrorCode code, const char *words)
{
  Script script = { .value = value, .n = 1 };
  g_autoptr (GError) error = NULL;

  assert_false (train_by (c, &script, values, lists, &error));
  print_message ("%s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, (int) code));
  assert_non_null (strstr (error->message, words));
}

static void
test_stopping_refuses (void **state)
{
  g_autoptr (Case) c = case_new ("epochs=2");
  g_autoptr (FlRatings) validation = some_validation ();
  const double undefined = -1;

  (void) state;
  expect_refusal (c, NULL, lower, FALSE, FL_ERROR_CONFIG, "'validation' in [split]");
  assert_null (c->learner.block[0].f32); /* nothing was begun */
  c->data.validation = validation;
  expect_refusal (c, &undefined, lower, FALSE, FL_ERROR_DATA, "low is undefined");
  expect_refusal (c, NULL, neither, FALSE, FL_ERROR_CONFIG, "neither better low nor high");
  c->data.n_items = 6;
  expect_refusal (c, NULL, lower, TRUE, FL_ERROR_CONFIG, "stop-k = 7");
  fl_run_lend_services (c->run, NULL);
  expect_refusal (c, &undefined, lower, FALSE, FL_ERROR_PLUGIN, "no run that could measure");
}

/* ---- checkpoints ------------------------------------------------------- */

static GArray *
two_pieces (char *first, double *second)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (FlPiece));
  const FlPiece all[] = { { .name = "first", .data = first, .size = 5 },
                          { .name = "none" },
                          { .name = "second", .data = second, .size = 3 * sizeof *second } };

  return g_array_append_vals (pieces, all, G_N_ELEMENTS (all));
}

static void
test_checkpoint_file (void **state)
{
  g_autofree char *folder = g_dir_make_tmp ("fairlead-XXXXXX", NULL);
  g_autofree char *inner = g_build_filename (folder, "a", "b", NULL);
  g_autofree char *path = g_build_filename (inner, "c.0", NULL), *text = NULL;
  char first[5] = "abcd", first_back[5] = "";
  double second[3] = { 1, NAN, -0.0 }, second_back[3] = { 0 };
  g_autoptr (GArray) pieces = two_pieces (first, second);
  g_autoptr (GArray) back = two_pieces (first_back, second_back);
  GError *error = NULL;
  gsize length = 0;

  (void) state;
  assert_false (fl_checkpoint_load (path, back, &error));
  assert_null (error);
  assert_true (fl_checkpoint_save (path, pieces, &error));
  assert_true (fl_checkpoint_save (path, pieces, &error)); /* over it */
  assert_true (fl_checkpoint_load (path, back, &error));
  assert_memory_equal (first, first_back, sizeof first);
  assert_memory_equal (second, second_back, sizeof second);
  assert_true (g_file_get_contents (path, &text, &length, NULL));
  /* One bit wrong anywhere, or bytes missing or too many. */
  for (gsize at = 0; at <= length; at++)
    for (int cut = 0; cut < (at < length ? 2 : 1); cut++)
      {
        g_autofree char *other = g_malloc0 (length + 1);

        memcpy (other, text, length);
        if (at < length)
          other[at] = (char) (other[at] ^ 4);
        first_back[0] = 'x';
        g_file_set_contents (path, other, cut ? (gssize) at : (gssize) length + (at == length),
                             NULL);
        assert_false (fl_checkpoint_load (path, back, &error));
        assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_DATA));
        g_clear_error (&error);
        assert_int_equal (first_back[0], 'x');
      }
  g_file_set_contents (path, text, (gssize) length, NULL);
  g_array_index (back, FlPiece, 2).name = "third";
  assert_false (fl_checkpoint_load (path, back, &error));
  assert_non_null (strstr (error->message, "another training"));
  g_clear_error (&error);
  /* A folder that cannot be: a file is in its place. */
  g_clear_pointer (&text, g_free);
  text = g_build_filename (path, "d.0", NULL);
  assert_false (fl_checkpoint_save (text, pieces, &error));
  print_message ("%s\n", error->message);
  g_clear_error (&error);
  g_unlink (path);
  g_rmdir (inner);
  g_clear_pointer (&inner, g_free);
  inner = g_build_filename (folder, "a", NULL);
  g_rmdir (inner);
  g_rmdir (folder);
}

/* Gradients of either precision, one without rows, come back as they were; and not at all
 * from a file with a bit wrong or of other blocks. */
static void
test_checkpoint_gradient (void **state)
{
  static const FlBlock small[] = { { .n_rows = 7, .n_cols = 2 }, { .n_rows = 3, .n_cols = 1 } };
  static const FlBlock small_f64[] = { { .n_rows = 7, .n_cols = 2, .f64 = some_f64 },
                                       { .n_rows = 3, .n_cols = 1, .f64 = some_f64 } };
  g_autofree char *folder = g_dir_make_tmp ("fairlead-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "c.0", NULL), *text = NULL;
  g_autoptr (GArray) pieces = g_array_new (FALSE, TRUE, sizeof (FlPiece));
  g_autoptr (FlGradient) single = fl_gradient_new (2, small, NULL);
  g_autoptr (FlGradient) twice = fl_gradient_new (2, small_f64, NULL);
  g_autoptr (GError) error = NULL;
  double number = 5;
  const FlPiece all[] = { { .name = "single", .gradient = single },
                          { .name = "number", .data = &number, .size = sizeof number },
                          { .name = "twice", .gradient = twice } };
  gsize length = 0;

  (void) state;
  g_array_append_vals (pieces, all, G_N_ELEMENTS (all));
  fl_gradient_row (&single->block[0], 5)[1] = 2;
  fl_gradient_row (&single->block[0], 1)[0] = 3;
  fl_gradient_row_f64 (&twice->block[1], 2)[0] = 0.1;
  twice->penalty = 7;
  assert_true (fl_checkpoint_save (path, pieces, &error));
  g_file_get_contents (path, &text, &length, NULL);
  for (gsize at = 0; at < length; at++)
    {
      g_autofree char *other = g_memdup2 (text, length);
      g_autoptr (GError) damage = NULL;

      other[at] = (char) (other[at] ^ 4);
      g_file_set_contents (path, other, (gssize) length, NULL);
      fl_gradient_clear (single);
      assert_false (fl_checkpoint_load (path, pieces, &damage));
      assert_true (g_error_matches (damage, FL_ERROR, FL_ERROR_DATA));
      assert_int_equal (single->block[0].n_used, 0);
    }
  g_file_set_contents (path, text, (gssize) length, NULL);
  fl_gradient_row (&single->block[1], 2)[0] = 9;
  fl_gradient_clear (twice);
  number = 0;
  assert_true (fl_checkpoint_load (path, pieces, &error));
  assert_true (number == 5 && twice->penalty == 7 && single->penalty == 0);
  assert_true (single->block[0].n_used == 2 && single->block[0].row[0] == 5
               && single->block[0].row[1] == 1 && single->block[1].n_used == 0);
  check_places (&single->block[1]);
  assert_true (fl_gradient_row (&single->block[0], 5)[1] == 2
               && fl_gradient_row (&single->block[0], 1)[0] == 3);
  assert_true (fl_gradient_row_f64 (&twice->block[1], 2)[0] == 0.1 && twice->block[0].n_used == 0);
  g_array_index (pieces, FlPiece, 2).gradient = single;
  assert_false (fl_checkpoint_load (path, pieces, &error));
  assert_non_null (strstr (error->message, "another training"));
  g_unlink (path);
  g_rmdir (folder);
}

/* The default loop with a number of the caller's that grows, and a gradient that gathers;
 * freed, as if killed, in the middle of epoch `until`. */
static double
train_until (Case *c, FlCheckpoints *checkpoints, uint64_t until)
{
  g_autoptr (FlTraining) training = NULL;
  g_autoptr (FlGradient) gathered = NULL;
  GError *error = NULL;
  double grown = 1;
  double score[2 * 64], d_score[2 * 64];
  const FlBatch *batch;

  fl_run_keep_checkpoints (c->run, checkpoints);
  checkpoints->n = 0;
  training = fl_training_new (&c->stage, NULL, &error);
  g_assert_no_error (error);
  gathered = fl_gradient_new (2, c->learner.block, &error);
  g_assert_no_error (error);
  fl_training_keep (training, "grown", &grown, sizeof grown);
  fl_training_keep_gradient (training, "gathered", gathered);
  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      {
        double loss;

        fl_training_scores (training, batch, score);
        loss = fl_loss_bpr (batch->n, score, NULL, d_score, NULL);
        fl_training_backward (training, batch, d_score, fl_training_gradient (training), NULL);
        fl_gradient_scale (gathered, 0.5);
        fl_gradient_add (gathered, 1, fl_training_gradient (training));
        fl_training_step (training, fl_training_gradient (training), loss);
        grown += loss + fl_gradient_dot (gathered, gathered);
        if (fl_training_epoch_number (training) == until)
          return grown;
      }
  assert_true (fl_training_end (training, &error));
  return grown;
}

static void
test_resume (void **state)
{
  static const char *const settings[] = { "epochs=9 batch=64", "epochs=9 batch=64 optimizer=sgd",
                                          "epochs=9 batch=64 optimizer=adagrad clip=0.1",
                                          "epochs=9 batch=64 optimizer=adam-lazy" };
  g_autofree char *folder = g_dir_make_tmp ("fairlead-XXXXXX", NULL);
  g_autofree char *prefix = g_build_filename (folder, "cell", NULL);
  g_autofree char *path = g_strconcat (prefix, ".0", NULL);

  (void) state;
  for (size_t s = 0; s < G_N_ELEMENTS (settings); s++)
    {
      static const uint64_t stops[] = { 0, 1, 4, 8, 99, 99 };
      FlCheckpoints none = { .prefix = NULL }, some = { .prefix = prefix };
      g_autoptr (Case) calm = case_new (settings[s]);
      double expected = train_until (calm, &none, 99), found = 0;

      g_unlink (path);
      /* From one interruption to the next, and once more when all is done. */
      for (size_t i = 0; i < G_N_ELEMENTS (stops); i++)
        {
          g_autoptr (Case) c = case_new (settings[s]);

          found = train_until (c, &some, stops[i]);
          assert_int_equal (g_file_test (path, G_FILE_TEST_EXISTS), stops[i] > 0);
          if (stops[i] < 99)
            continue;
          assert_true (found == expected);
          assert_same_blocks (c, calm);
          assert_string_equal (note (c->run, "iterations"), "9");
          assert_null (note (c->run, "checkpoint"));
        }
    }
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_resume_stopping (void **state)
{
  g_autofree char *folder = g_dir_make_tmp ("fairlead-XXXXXX", NULL);
  g_autofree char *prefix = g_build_filename (folder, "cell", NULL);
  g_autofree char *path = g_strconcat (prefix, ".0", NULL);
  g_autoptr (FlRatings) validation = some_validation ();
  const double value[] = { 5, 3, 4, 4, 4, 4 };

  (void) state;
  /* Fails when the script is at its end, before the third epoch; then goes on. */
  for (size_t attempt = 0; attempt < 2; attempt++)
    {
      FlCheckpoints checkpoints = { .prefix = prefix };
      g_autoptr (Case) c = case_new ("epochs=12 patience=3"), plain = case_new ("epochs=2");
      const double short_value[] = { 5, 3, -1 };
      Script script = { .value = attempt == 0 ? short_value : value + 2,
                        .n = 3 };
      GError *error = NULL;

      fl_run_lend_validation (c->run, validation);
      fl_run_keep_checkpoints (c->run, &checkpoints);
      assert_int_equal (train_by (c, &script, lower, FALSE, &error), attempt == 1);
      g_clear_error (&error);
      assert_int_equal (script.next, 3);
      if (attempt == 0)
        continue;
      assert_string_equal (note (c->run, "best epoch"), "2");
      assert_string_equal (note (c->run, "iterations"), "5");
      assert_true (fl_training_run (&plain->stage, NULL));
      assert_same_blocks (c, plain);
    }
  g_unlink (path);
  g_rmdir (folder);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_loss_bpr),
    cmocka_unit_test (test_loss_bce),
    cmocka_unit_test (test_loss_squared),
    cmocka_unit_test (test_loss_differences),
    cmocka_unit_test (test_gradient),
    cmocka_unit_test (test_gradient_order),
    cmocka_unit_test (test_gradient_gram),
    cmocka_unit_test (test_min_norm_subsets),
    cmocka_unit_test (test_min_norm_known),
    cmocka_unit_test (test_min_norm_large),
    cmocka_unit_test (test_min_norm_refuses),
    cmocka_unit_test (test_gradient_sparse),
    cmocka_unit_test (test_gradient_memory),
    cmocka_unit_test (test_gradient_threads),
    cmocka_unit_test (test_optimizers),
    cmocka_unit_test (test_optimizer_not_finite),
    cmocka_unit_test (test_sampler),
    cmocka_unit_test (test_sampler_ratings),
    cmocka_unit_test (test_sampler_same),
    cmocka_unit_test (test_sampler_uniform),
    cmocka_unit_test (test_sampler_refuses),
    cmocka_unit_test (test_default_loop),
    cmocka_unit_test (test_stream),
    cmocka_unit_test (test_short_settings),
    cmocka_unit_test (test_sizes),
    cmocka_unit_test (test_squared_loop),
    cmocka_unit_test (test_settings_refused),
    cmocka_unit_test (test_step_memory),
    cmocka_unit_test (test_move),
    cmocka_unit_test (test_perturbed_refuses),
    cmocka_unit_test (test_vectors_refuses),
    cmocka_unit_test (test_derive),
    cmocka_unit_test (test_batch_select),
    cmocka_unit_test (test_diverges),
    cmocka_unit_test (test_fail),
    cmocka_unit_test (test_stopping),
    cmocka_unit_test (test_stopping_refuses),
    cmocka_unit_test (test_checkpoint_file),
    cmocka_unit_test (test_checkpoint_gradient),
    cmocka_unit_test (test_resume),
    cmocka_unit_test (test_resume_stopping),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
