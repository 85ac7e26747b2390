/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Kernels of each instruction set against plain loops and LAPACKE.  Every size
 * around a vector, tile, panel and pack boundary is tried; the program runs
 * itself once for each set that the processor has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <lapacke.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include <fairlead/linalg.h>
#include <fairlead/random.h>

static const size_t sizes[] = { 1, 2, 4, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 66,
                                100, 128, 130 };
static const size_t counts[] = { 0, 1, 2, 5, 63, 64, 65, 300 };

#define N_ROWS 40

static double
random_number (FlRng *rng)
{
  return 2 * fl_rng_uniform (rng) - 1;
}

static void
fill (FlRng *rng, size_t n, double *x, float *x32)
{
  for (size_t i = 0; i < n; i++)
    x[i] = x32[i] = (float) random_number (rng);
}

static void
assert_near (double a, double b, double scale, double tolerance)
{
  if (!(fabs (a - b) <= tolerance * MAX (1, scale)))
    fail_msg ("%.17g is not %.17g within %g", a, b, tolerance * MAX (1, scale));
}

/* Normal equations of n gathered rows, in double and float, against the
 * definition. */
static void
check_normal (size_t n, size_t m)
{
  FlRng rng = fl_rng (n, "normal", m);
  size_t pad = FL_PAD (m), stride = m + 3;
  g_autofree double *F = g_new (double, N_ROWS *stride), *t = g_new (double, n + 1);
  g_autofree float *F32 = g_new (float, N_ROWS *stride), *t32 = g_new (float, n + 1);
  g_autofree double *A = g_new0 (double, pad *pad), *b = g_new0 (double, pad);
  g_autofree float *A32 = g_new0 (float, pad *pad), *b32 = g_new0 (float, pad);
  g_autofree uint32_t *row = g_new (uint32_t, n + 1);

  fill (&rng, N_ROWS * stride, F, F32);
  fill (&rng, n, t, t32);
  for (size_t k = 0; k < n; k++)
    row[k] = fl_rng_below (&rng, N_ROWS);
  /* In two calls, for what is there stays. */
  fl_normal_f64 (n / 2, row, m, F, stride, t, A, b);
  fl_normal_f64 (n - n / 2, row + n / 2, m, F, stride, t + n / 2, A, b);
  fl_normal_f32 (n, row, m, F32, stride, t32, A32, b32);
  for (size_t a = 0; a < m; a++)
    {
      double sum = 0;

      for (size_t k = 0; k < n; k++)
        sum += t[k] * F[row[k] * stride + a];
      assert_near (b[a], sum, (double) n, 1e-14);
      assert_near (b32[a], sum, (double) n, 1e-6);
      for (size_t c = a; c < m; c++)
        {
          sum = 0;
          for (size_t k = 0; k < n; k++)
            sum += F[row[k] * stride + a] * F[row[k] * stride + c];
          assert_near (A[a * pad + c], sum, (double) n, 1e-14);
          assert_near (A32[a * pad + c], sum, (double) n, 1e-6);
        }
    }
}

static void
test_normal (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (counts); j++)
      check_normal (counts[j], sizes[i]);
  check_normal (70, 514);
}

/* LAPACKE's solution of the same system; row-major upper is column-major
 * lower, which it takes without a transposing copy. */
static void
check_cholesky (size_t m)
{
  FlRng rng = fl_rng (1, "cholesky", m);
  size_t pad = FL_PAD (m), n = m + 5;
  g_autofree double *F = g_new (double, n *m), *t = g_new (double, n);
  g_autofree float *F32 = g_new (float, n *m), *t32 = g_new (float, n);
  g_autofree double *A = g_new0 (double, pad *pad), *b = g_new0 (double, pad);
  g_autofree double *oracle = g_new (double, pad *pad), *x = g_new (double, pad);
  g_autofree float *A32 = g_new0 (float, pad *pad), *b32 = g_new0 (float, pad);
  double largest = 0;

  fill (&rng, n * m, F, F32);
  fill (&rng, n, t, t32);
  fl_normal_f64 (n, NULL, m, F, m, t, A, b);
  for (size_t a = 0; a < m; a++)
    A[a * pad + a] += 1;
  for (size_t i = 0; i < pad * pad; i++)
    A32[i] = (float) A[i];
  for (size_t i = 0; i < pad; i++)
    b32[i] = (float) b[i];
  memcpy (oracle, A, pad * pad * sizeof *A);
  memcpy (x, b, pad * sizeof *b);
  assert_int_equal (LAPACKE_dposv (LAPACK_COL_MAJOR, 'L', (lapack_int) m, 1, oracle,
                                   (lapack_int) pad, x, (lapack_int) pad), 0);
  assert_int_equal (fl_cholesky_solve_f64 (m, A, b), 0);
  assert_int_equal (fl_cholesky_solve_f32 (m, A32, b32), 0);
  for (size_t a = 0; a < m; a++)
    largest = MAX (largest, fabs (x[a]));
  for (size_t a = 0; a < m; a++)
    {
      assert_near (b[a], x[a], largest, 1e-12);
      assert_near (b32[a], x[a], largest, 1e-3);
      for (size_t c = a; c < m; c++)
        assert_near (A[a * pad + c], oracle[a * pad + c], 1, 1e-11);
    }
}

static void
test_cholesky (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    check_cholesky (sizes[i]);
  check_cholesky (514);
}

/* A matrix of rank 5 breaks down at the sixth pivot, NaN at the first. */
static void
test_singular (void **state)
{
  FlRng rng = fl_rng (1, "singular", 0);
  double F[5 * 20], t[5] = { 0 }, A[32 * 32], b[32];
  float F32[5 * 20], t32[5] = { 0 }, A32[32 * 32], b32[32];

  (void) state;
  for (int nan = 0; nan < 2; nan++)
    {
      fill (&rng, 5 * 20, F, F32);
      memset (A, 0, sizeof A);
      memset (b, 0, sizeof b);
      memset (A32, 0, sizeof A32);
      memset (b32, 0, sizeof b32);
      if (nan)
        F[0] = F32[0] = NAN;
      fl_normal_f64 (5, NULL, 20, F, 20, t, A, b);
      fl_normal_f32 (5, NULL, 20, F32, 20, t32, A32, b32);
      assert_int_equal (fl_cholesky_solve_f64 (20, A, b), nan ? 1 : 6);
      assert_int_equal (fl_cholesky_solve_f32 (20, A32, b32), nan ? 1 : 6);
    }
}

static void
check_gram (size_t n, size_t m)
{
  FlRng rng = fl_rng (n, "gram", m);
  size_t stride = m + 1;
  g_autofree double *F = g_new (double, n *stride), *G = g_new (double, m *m);
  g_autofree double *G1 = g_new (double, m *m), *G32 = g_new (double, m *m);
  g_autofree double *s = g_new (double, m), *s1 = g_new (double, m);
  g_autofree float *F32 = g_new (float, n *stride);

  fill (&rng, n * stride, F, F32);
  omp_set_num_threads (3);
  fl_gram_f64 (n, m, F, stride, G, s);
  omp_set_num_threads (1);
  fl_gram_f64 (n, m, F, stride, G1, s1);
  fl_gram_f32 (n, m, F32, stride, G32, NULL);
  assert_memory_equal (G, G1, m * m * sizeof *G);
  assert_memory_equal (s, s1, m * sizeof *s);
  /* The same numbers in float, summed in double too. */
  assert_memory_equal (G, G32, m * m * sizeof *G);
  for (size_t a = 0; a < m; a++)
    {
      double sum = 0;

      for (size_t k = 0; k < n; k++)
        sum += F[k * stride + a];
      assert_near (s[a], sum, (double) n, 1e-13);
      for (size_t c = 0; c < m; c++)
        {
          sum = 0;
          for (size_t k = 0; k < n; k++)
            sum += F[k * stride + a] * F[k * stride + c];
          assert_near (G[a * m + c], sum, (double) n, 1e-13);
        }
    }
}

static void
test_gram (void **state)
{
  (void) state;
  check_gram (0, 3);
  check_gram (1, 1);
  check_gram (100, 16);
  check_gram (9000, 10);
  check_gram (20000, 33);
}

/* Rows moved far from 0 by numbers that float holds exactly: a covariance of
 * squares less the square of the mean would keep six digits. */
static void
check_covariance (size_t n, size_t m)
{
  FlRng rng = fl_rng (n, "covariance", m);
  g_autofree double *F = g_new (double, n *m), *C = g_new (double, m *m);
  g_autofree double *C32 = g_new (double, m *m), *mean = g_new (double, m);
  g_autofree float *F32 = g_new (float, n *m);

  for (size_t k = 0; k < n * m; k++)
    F[k] = F32[k] = (float) (32768 + round (256 * random_number (&rng)) / 256);
  omp_set_num_threads (3);
  fl_covariance_f64 (n, m, F, m, mean, C);
  omp_set_num_threads (1);
  fl_covariance_f32 (n, m, F32, m, mean, C32);
  assert_memory_equal (C, C32, m * m * sizeof *C);
  for (size_t a = 0; a < m; a++)
    for (size_t c = 0; c < m; c++)
      {
        double sum = 0, sum_a = 0, sum_c = 0;

        for (size_t k = 0; k < n; k++)
          {
            sum_a += F[k * m + a] - 32768;
            sum_c += F[k * m + c] - 32768;
            sum += (F[k * m + a] - 32768) * (F[k * m + c] - 32768);
          }
        assert_near (mean[a] - 32768, sum_a / (double) n, 1, 1e-11);
        assert_near (C[a * m + c], sum / (double) n - sum_a / (double) n * sum_c / (double) n, 1,
                     1e-13);
      }
}

static void
test_covariance (void **state)
{
  double C[4] = { 1, 1, 1, 1 }, mean[2] = { 1, 1 };

  (void) state;
  fl_covariance_f64 (0, 2, C, 2, mean, C);
  assert_true (C[0] == 0 && C[3] == 0 && mean[0] == 0);
  check_covariance (1, 5);
  check_covariance (33, 16);
  check_covariance (9000, 10);
}

static void
check_quadratic (size_t n, size_t m)
{
  FlRng rng = fl_rng (n, "quadratic", m);
  size_t stride = m + 2;
  g_autofree double *F = g_new (double, n *stride), *S = g_new (double, m *m);
  g_autofree double *out = g_new (double, n), *out1 = g_new (double, n), *out32 = g_new (double, n);
  g_autofree float *F32 = g_new (float, n *stride), *S32 = g_new (float, m *m);

  fill (&rng, n * stride, F, F32);
  fill (&rng, m * m, S, S32);
  omp_set_num_threads (3);
  fl_quadratic_f64 (n, m, F, stride, S, out);
  omp_set_num_threads (1);
  fl_quadratic_f64 (n, m, F, stride, S, out1);
  fl_quadratic_f32 (n, m, F32, stride, S, out32);
  assert_memory_equal (out, out1, n * sizeof *out);
  assert_memory_equal (out, out32, n * sizeof *out);
  for (size_t k = 0; k < n; k++)
    {
      double sum = 0;

      for (size_t a = 0; a < m; a++)
        for (size_t c = 0; c < m; c++)
          sum += F[k * stride + a] * S[a * m + c] * F[k * stride + c];
      assert_near (out[k], sum, (double) m, 1e-13);
    }
}

static void
test_quadratic (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    check_quadratic (3 * i, sizes[i]);
  check_quadratic (100, 64);
}

static void
test_dot_and_sum (void **state)
{
  FlRng rng = fl_rng (1, "dot", 0);
  double x[1000], y[1000];
  float x32[1000], y32[1000];

  (void) state;
  fill (&rng, 1000, x, x32);
  fill (&rng, 1000, y, y32);
  for (size_t n = 0; n < 1000; n += n < 40 ? 1 : 191)
    {
      double dot = 0, sum = 0;

      for (size_t k = 0; k < n; k++)
        {
          dot += x[k] * y[k];
          sum += x[k];
        }
      assert_near (fl_dot_f64 (n, x, y), dot, (double) n, 1e-15);
      assert_near (fl_dot_f32 (n, x32, y32), dot, (double) n, 1e-15);
      assert_near (fl_sum (n, x), sum, (double) n, 1e-15);
    }
}

static void
test_dot_rows (void **state)
{
  FlRng rng = fl_rng (1, "rows", 0);
  double F[N_ROWS * 70], x[70], out[50];
  float F32[N_ROWS * 70], x32[70];
  uint32_t row[50];

  (void) state;
  fill (&rng, N_ROWS * 70, F, F32);
  fill (&rng, 70, x, x32);
  for (size_t k = 0; k < 50; k++)
    row[k] = fl_rng_below (&rng, N_ROWS);
  fl_dot_rows_f64 (50, row, 67, F, 70, x, out);
  for (size_t k = 0; k < 50; k++)
    assert_true (out[k] == fl_dot_f64 (67, F + row[k] * 70, x));
  fl_dot_rows_f32 (N_ROWS, NULL, 67, F32, 70, x32, out);
  for (size_t k = 0; k < N_ROWS; k++)
    assert_true (out[k] == fl_dot_f32 (67, F32 + k * 70, x32));
}

/* Every number of rows and columns around a vector and a step of rows. */
static void
check_add_rows (size_t n, size_t m)
{
  FlRng rng = fl_rng (n, "add rows", m);
  size_t stride = m + 3;
  g_autofree double *F = g_new (double, N_ROWS *stride), *t = g_new (double, n + 1);
  g_autofree double *out = g_new (double, m + 1), *plain = g_new (double, m + 1);
  g_autofree float *unused = g_new (float, MAX (N_ROWS * stride, MAX (n, m)) + 1);
  g_autofree uint32_t *row = g_new (uint32_t, n + 1);

  fill (&rng, N_ROWS * stride, F, unused);
  fill (&rng, n, t, unused);
  fill (&rng, m + 1, out, unused);
  memcpy (plain, out, (m + 1) * sizeof *out);
  for (size_t k = 0; k < n; k++)
    row[k] = fl_rng_below (&rng, N_ROWS);
  fl_add_rows_f64 (n, row, m, F, stride, t, out);
  fl_add_rows_f64 (MIN (n, N_ROWS), NULL, m, F, stride, t, out);
  for (size_t a = 0; a < m; a++)
    {
      for (size_t k = 0; k < n; k++)
        plain[a] += t[k] * (F[row[k] * stride + a] + (k < N_ROWS ? F[k * stride + a] : 0));
      assert_near (out[a], plain[a], (double) n, 1e-14);
    }
  assert_true (out[m] == plain[m]);
}

static void
test_add_rows (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (counts); j++)
      check_add_rows (counts[j], sizes[i]);
}

/* The plain loops of fl_multiply and fl_outer; and a row by itself has the digits that
 * it has among others. */
static void
check_products (size_t n, size_t k, size_t m)
{
  FlRng rng = fl_rng (n, "products", k * 1000 + m);
  size_t a_size = n * k + 1, b_size = MAX (n, k) * m + 1;
  g_autofree double *A = g_new (double, a_size), *B = g_new (double, b_size);
  g_autofree float *A32 = g_new (float, a_size), *B32 = g_new (float, b_size);
  g_autofree float *C = g_new0 (float, n *m + 1), *one = g_new0 (float, m);
  g_autofree float *outer = g_new0 (float, k *m);

  fill (&rng, n * k, A, A32);
  fill (&rng, MAX (n, k) * m, B, B32);
  /* In two calls, for what is there stays. */
  fl_multiply_f32 (n, k / 2, A32, k, m, B32, C);
  fl_multiply_f32 (n, k - k / 2, A32 + k / 2, k, m, B32 + k / 2 * m, C);
  fl_outer_f32 (n / 2, k, A32, m, B32, outer);
  fl_outer_f32 (n - n / 2, k, A32 + n / 2 * k, m, B32 + n / 2 * m, outer);
  for (size_t r = 0; r < n; r++)
    for (size_t c = 0; c < m; c++)
      {
        double sum = 0;

        for (size_t a = 0; a < k; a++)
          sum += A[r * k + a] * B[a * m + c];
        assert_near (C[r * m + c], sum, (double) k, 1e-6);
      }
  for (size_t a = 0; a < k; a++)
    for (size_t c = 0; c < m; c++)
      {
        double sum = 0;

        for (size_t r = 0; r < n; r++)
          sum += A[r * k + a] * B[r * m + c];
        assert_near (outer[a * m + c], sum, (double) n, 1e-6);
      }
  if (n == 0)
    return;
  fl_multiply_f32 (1, k, A32 + (n / 2) * k, k, m, B32, one);
  assert_memory_equal (one, C + (n / 2) * m, m * sizeof *one);
}

static void
test_products (void **state)
{
  (void) state;
  for (size_t j = 0; j < G_N_ELEMENTS (counts); j++)
    for (size_t k = 16; k <= 64; k += 16)
      for (size_t m = 16; m <= 80; m += 16)
        check_products (counts[j], k, m);
}

/* A side of n rows, of which row r has the columns r, r + 1 .. of N_ROWS, as many as
 * `most` allows and some none. */
static void
check_sparse (size_t n, size_t most, size_t m)
{
  FlRng rng = fl_rng (n, "sparse", m);
  g_autofree double *X = g_new (double, N_ROWS *m), *Y = g_new (double, n *m);
  g_autofree float *X32 = g_new (float, N_ROWS *m), *Y32 = g_new (float, n *m);
  g_autofree float *out = g_new (float, n *m), *out1 = g_new (float, n *m);
  g_autofree float *scaled = g_new (float, n *m), *factor = g_new (float, 3 * n);
  g_autofree size_t *start = g_new0 (size_t, n + 1);
  g_autofree uint32_t *col = g_new (uint32_t, n *most + 1);
  FlSparse sparse = { .n_rows = n, .m = m, .start = start, .col = col, .table = X32, .own = Y32,
                      .left = factor, .self = factor + n, .right = factor + 2 * n, .out = out,
                      .scaled = scaled };

  fill (&rng, N_ROWS * m, X, X32);
  fill (&rng, n * m, Y, Y32);
  for (size_t r = 0; r < n; r++)
    {
      start[r + 1] = start[r] + fl_rng_below (&rng, (uint32_t) most + 1) * (r % 3 > 0);
      for (size_t k = start[r]; k < start[r + 1]; k++)
        col[k] = fl_rng_below (&rng, N_ROWS);
    }
  for (size_t k = 0; k < 3 * n; k++)
    factor[k] = (float) (k % 5) / 4;
  omp_set_num_threads (3);
  fl_sparse_multiply (&sparse);
  for (size_t r = 0; r < n; r++)
    for (size_t a = 0; a < m; a++)
      {
        double sum = 0;

        for (size_t k = start[r]; k < start[r + 1]; k++)
          sum += X[col[k] * m + a];
        sum = sum * factor[r] + factor[n + r] * Y[r * m + a];
        assert_near (out[r * m + a], sum, (double) most, 1e-6);
        assert_true (scaled[r * m + a] == factor[2 * n + r] * out[r * m + a]);
      }
  omp_set_num_threads (1);
  sparse.out = out1;
  sparse.scaled = NULL;
  fl_sparse_multiply (&sparse);
  assert_memory_equal (out, out1, n * m * sizeof *out);
  sparse.add = Y32;
  fl_sparse_multiply (&sparse);
  for (size_t k = 0; k < n * m; k++)
    assert_near (out1[k], (double) out[k] + Y[k], (double) most, 1e-6);
}

static void
test_sparse (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    check_sparse (50, 200, sizes[i]);
  check_sparse (2000, 100, 64);
}

/* X Y' = 3 u v' + 2 w z' with u, w and v, z orthonormal. */
static void
test_singular_values (void **state)
{
  static const double XX[4] = { 9, 0, 0, 4 }, YY[4] = { 1, 0, 0, 1 };
  static const double flat[4] = { 1, 1, 1, 1 };
  double values[2];

  (void) state;
  assert_true (fl_singular_values (2, XX, YY, values, NULL));
  assert_near (values[0], 3, 1, 1e-14);
  assert_near (values[1], 2, 1, 1e-14);
  assert_true (fl_singular_values (2, flat, flat, values, NULL));
  assert_near (values[0], 2, 1, 1e-14);
  assert_near (values[1], 0, 1, 1e-7);
}

static void
test_table (void **state)
{
  GError *error = NULL;
  g_autofree char *small = fl_table_alloc (3, 5, &error);
  g_autofree char *large = fl_table_alloc (3, 1 << 20, &error);

  (void) state;
  assert_non_null (small);
  assert_true ((uintptr_t) small % 64 == 0 && (uintptr_t) large % 64 == 0);
  for (size_t i = 0; i < 3 << 20; i += 4095)
    assert_int_equal (large[i], 0);
  assert_null (fl_table_alloc (SIZE_MAX, 16, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
  g_error_free (error);
}

static void
test_isa_names (void **state)
{
  GError *error = NULL;

  (void) state;
  assert_true (fl_isa_check (NULL));
  g_setenv ("FAIRLEAD_ISA", "v9", TRUE);
  assert_false (fl_isa_check (&error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
  g_error_free (error);
}

/* ---- steps of BPR ------------------------------------------------------ */

#define BPR_USERS 5
#define BPR_ITEMS 9
#define BPR_RANK_MAX 70

static void
bpr_fill (FlRng *rng, size_t n, double scale, float *f32, double *f64)
{
  for (size_t k = 0; k < n; k++)
    f64[k] = f32[k] = (float) (scale * fl_rng_normal (rng));
}

/* As linalg.h says it, one number at a time. */
static double
bpr_plain (size_t n, const uint32_t *user, const uint32_t *item, size_t m, double *U, double *V,
           double rate, double l2)
{
  size_t apart = (n + 7) / 8;
  double loss = 0;

  for (size_t first = 0; first < apart; first++)
    {
      double step[8] = { 0 };

      for (size_t k = first, t = 0; k < n; k += apart, t++)
        {
          double score = 0;

          for (size_t a = 0; a < m; a++)
            score += U[user[k] * m + a] * (V[item[2 * k] * m + a] - V[item[2 * k + 1] * m + a]);
          loss += fmax (-score, 0) + log1p (exp (-fabs (score)));
          step[t] = rate / (1 + exp (score));
        }
      for (size_t k = first, t = 0; k < n; k += apart, t++)
        for (size_t a = 0; a < m; a++)
          {
            double *x = U + user[k] * m + a, *y = V + item[2 * k] * m + a;
            double *z = V + item[2 * k + 1] * m + a, old = *x;

            *x += step[t] * (*y - *z) - 2 * rate * l2 * *x;
            *y += step[t] * old - 2 * rate * l2 * *y;
            *z += -step[t] * old - 2 * rate * l2 * *z;
          }
    }
  return loss;
}

/* With scale 3, scores up to hundreds, where e^x leaves the range of float. */
static void
check_bpr_steps (size_t n, size_t m, double scale)
{
  FlRng rng = fl_rng (9, "bpr", n);
  float U32[BPR_USERS * BPR_RANK_MAX], V32[BPR_ITEMS * BPR_RANK_MAX];
  double U[BPR_USERS * BPR_RANK_MAX], V[BPR_ITEMS * BPR_RANK_MAX], found, expected;
  g_autofree uint32_t *user = g_new (uint32_t, n + 1), *item = g_new (uint32_t, 2 * n + 1);

  bpr_fill (&rng, BPR_USERS * m, scale, U32, U);
  bpr_fill (&rng, BPR_ITEMS * m, scale, V32, V);
  for (size_t k = 0; k < n; k++)
    {
      user[k] = fl_rng_below (&rng, BPR_USERS);
      item[2 * k] = fl_rng_below (&rng, BPR_ITEMS);
      item[2 * k + 1] = (item[2 * k] + 1 + fl_rng_below (&rng, BPR_ITEMS - 1)) % BPR_ITEMS;
    }
  found = fl_bpr_steps_f32 (n, user, item, m, U32, V32, 0.05f, 0.01f);
  expected = bpr_plain (n, user, item, m, U, V, 0.05, 0.01);
  /* Some dozen roundings of single precision in a row. */
  assert_near (found, expected, fabs (expected), 3e-5);
  for (size_t k = 0; k < BPR_USERS * m; k++)
    assert_near (U32[k], U[k], 1, 3e-5);
  for (size_t k = 0; k < BPR_ITEMS * m; k++)
    assert_near (V32[k], V[k], 1, 3e-5);
}

static void
test_bpr_steps (void **state)
{
  static const size_t lengths[] = { 0, 1, 7, 8, 9, 33 }, ranks[] = { 1, 7, 16, 33, 64, 70 };
  uint32_t user = 0, item[] = { 0, 1 };
  float U = NAN, V[] = { 1, 2 };

  (void) state;
  for (size_t n = 0; n < G_N_ELEMENTS (lengths); n++)
    for (size_t m = 0; m < G_N_ELEMENTS (ranks); m++)
      {
        check_bpr_steps (lengths[n], ranks[m], 0.3);
        check_bpr_steps (lengths[n], ranks[m], 3);
      }
  assert_true (isnan (fl_bpr_steps_f32 (1, &user, item, 1, &U, V, 0.1f, 0)));
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_normal),      cmocka_unit_test (test_cholesky),
    cmocka_unit_test (test_singular),    cmocka_unit_test (test_gram),
    cmocka_unit_test (test_dot_and_sum), cmocka_unit_test (test_table),
    cmocka_unit_test (test_isa_names),   cmocka_unit_test (test_covariance),
    cmocka_unit_test (test_quadratic),   cmocka_unit_test (test_products),
    cmocka_unit_test (test_sparse),
    cmocka_unit_test (test_dot_rows),    cmocka_unit_test (test_add_rows),
    cmocka_unit_test (test_singular_values),
    cmocka_unit_test (test_bpr_steps),
  };
  static const char *const lower[] = { "base", "v3" };
  int failed = 0;

  (void) argc;
  if (getenv ("FAIRLEAD_ISA") == NULL)
    for (size_t i = 0; i < G_N_ELEMENTS (lower) && strcmp (fl_isa_name (), lower[i]) != 0; i++)
      {
        g_autofree char *command = g_strdup_printf ("FAIRLEAD_ISA=%s '%s'", lower[i], argv[0]);

        failed += system (command) != 0;
      }
  print_message ("kernels: %s\n", fl_isa_name ());
  return failed + cmocka_run_group_tests_name ("linalg", tests, NULL, NULL);
}
