/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* linalg.c: picks the kernels; products that run on several threads. */
#include "core/linalg/linalg-room.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Ascending. */
static const FlKernels *const kernels_all[] = {
  &fl_kernels_base,
#if FL_KERNELS_X86
  &fl_kernels_v3,
  &fl_kernels_v4,
#endif
};

static const FlKernels *kernels = &fl_kernels_base;

/* How many of kernels_all the processor (and the system) can run. */
static size_t
kernels_usable (void)
{
#if FL_KERNELS_X86
  __builtin_cpu_init ();
  if (!(__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma")
        && __builtin_cpu_supports ("bmi") && __builtin_cpu_supports ("bmi2")))
    return 1;
  if (!(__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
        && __builtin_cpu_supports ("avx512cd") && __builtin_cpu_supports ("avx512dq")
        && __builtin_cpu_supports ("avx512vl")))
    return 2;
#endif
  return G_N_ELEMENTS (kernels_all);
}

/* Index in kernels_all of what FAIRLEAD_ISA names; the best without it, -1 when
 * there is no such. */
static int
kernels_asked (const char *isa)
{
  if (isa == NULL || isa[0] == '\0')
    return (int) kernels_usable () - 1;
  for (size_t i = 0; i < kernels_usable (); i++)
    if (strcmp (kernels_all[i]->name, isa) == 0)
      return (int) i;
  return -1;
}

static void __attribute__ ((constructor))
kernels_choose (void)
{
  int asked = kernels_asked (getenv ("FAIRLEAD_ISA"));

  kernels = kernels_all[asked >= 0 ? (size_t) asked : kernels_usable () - 1];
}

const FlKernels *
fl_kernels (void)
{
  return kernels;
}

const char *
fl_isa_name (void)
{
  return kernels->name;
}

gboolean
fl_isa_check (GError **error)
{
  const char *isa = getenv ("FAIRLEAD_ISA");

  if (kernels_asked (isa) >= 0)
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG,
                  "FAIRLEAD_ISA = %s: must be base, v3 or v4; this processor has up to %s", isa,
                  kernels_all[kernels_usable () - 1]->name);
}

#define HUGE_PAGE ((size_t) 2 << 20)
#define CACHE_LINE 64

gpointer
fl_table_alloc (size_t n, size_t size, GError **error)
{
  size_t bytes = 0;
  void *memory = NULL;

  if (!g_size_checked_mul (&bytes, n, size)
      || posix_memalign (&memory, bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE, MAX (bytes, 1)) != 0)
    {
      fl_fail (error, FL_ERROR_SYSTEM, "out of memory: %zu elements of %zu bytes", n, size);
      return NULL;
    }
#ifdef MADV_HUGEPAGE
  if (bytes >= HUGE_PAGE)
    (void) madvise (memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return memset (memory, 0, bytes);
}

void
fl_normal_f64 (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
               const double *t, double *A, double *b)
{
  g_assert (m <= FL_NORMAL_MAX);
  kernels->normal_f64 (n, row, m, F, stride, NULL, t, A, b);
}

void
fl_normal_f32 (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
               const float *t, float *A, float *b)
{
  g_assert (m <= FL_NORMAL_MAX);
  kernels->normal_f32 (n, row, m, F, stride, NULL, t, A, b);
}

size_t
fl_cholesky_solve_f64 (size_t m, double *A, double *b)
{
  g_assert (m <= FL_NORMAL_MAX);
  return kernels->cholesky_solve_f64 (m, A, b);
}

size_t
fl_cholesky_solve_f32 (size_t m, float *A, float *b)
{
  g_assert (m <= FL_NORMAL_MAX);
  return kernels->cholesky_solve_f32 (m, A, b);
}

/* Rows are cut into at most this many parts, by their number alone; parts are
 * added in their order, so that digits do not depend on threads.  Threads that
 * waited for their turn instead would stand still whenever one is off the
 * processor. */
#define GRAM_PARTS 8
/* Fewer rows than this are not worth another part. */
#define GRAM_ROWS_MIN ((size_t) 4096)

/* F is float or, when `f64`, double.  `work` holds A, then b. */
static void
gram_part (gboolean f64, size_t n, size_t m, gconstpointer F, size_t first, size_t stride,
            const double *shift, double *work)
{
  size_t pad = FL_PAD (m);
  double *A = work, *b = A + pad * pad;

  memset (work, 0, (pad * pad + pad) * sizeof *work);
  if (f64)
    kernels->normal_f64 (n, NULL, m, (const double *) F + first * stride, stride, shift, NULL, A,
                         b);
  else
    kernels->normal_mixed (n, NULL, m, (const float *) F + first * stride, stride, shift, NULL, A,
                           b);
}

static void
gram_add (size_t m, const double *A, const double *b, double *G, double *s)
{
  for (size_t a = 0; a < m; a++)
    {
      for (size_t c = a; c < m; c++)
        G[a * m + c] += A[a * FL_PAD (m) + c];
      if (s != NULL)
        s[a] += b[a];
    }
}

static void
gram (gboolean f64, size_t n, size_t m, gconstpointer F, size_t stride, const double *shift,
      double *G, double *s)
{
  size_t n_parts = CLAMP (n / GRAM_ROWS_MIN, 1, GRAM_PARTS), pad = FL_PAD (m);
  size_t n_work = pad * pad + pad;
  g_autofree double *work = g_new (double, n_parts *n_work);

  g_assert (m <= FL_GRAM_MAX);
  memset (G, 0, m * m * sizeof *G);
  if (s != NULL)
    memset (s, 0, m * sizeof *s);
#pragma omp parallel for schedule(dynamic) if (n_parts > 1)
  for (size_t k = 0; k < n_parts; k++)
    {
      size_t first = n * k / n_parts, end = n * (k + 1) / n_parts;

      gram_part (f64, end - first, m, F, first, stride, shift, work + k * n_work);
    }
  for (size_t k = 0; k < n_parts; k++)
    gram_add (m, work + k * n_work, work + k * n_work + pad * pad, G, s);
  for (size_t a = 0; a < m; a++)
    for (size_t c = 0; c < a; c++)
      G[a * m + c] = G[c * m + a];
}

void
fl_gram_f64 (size_t n, size_t m, const double *F, size_t stride, double *G, double *s)
{
  gram (TRUE, n, m, F, stride, NULL, G, s);
}

void
fl_gram_f32 (size_t n, size_t m, const float *F, size_t stride, double *G, double *s)
{
  gram (FALSE, n, m, F, stride, NULL, G, s);
}

#define SHIFT_ROWS ((size_t) 4096)

/* One pass, of rows less the mean of the first SHIFT_ROWS.  With c that mean,
 *   C = (1/n) sum (f - c)(f - c)' - (mean - c)(mean - c)',
 * and what is taken off is at most n / SHIFT_ROWS times the variance, however
 * far the rows are from 0: at most that much precision is lost. */
static void
covariance (gboolean f64, size_t n, size_t m, gconstpointer F, size_t stride, double *mean,
            double *C)
{
  g_autofree double *shift = g_new0 (double, m);
  size_t n_first = MIN (n, SHIFT_ROWS);

  for (size_t k = 0; k < n_first; k++)
    for (size_t a = 0; a < m; a++)
      shift[a] += f64 ? ((const double *) F)[k * stride + a]
                      : (double) ((const float *) F)[k * stride + a];
  for (size_t a = 0; a < m; a++)
    shift[a] /= (double) MAX (n_first, 1);
  gram (f64, n, m, F, stride, shift, C, mean);
  for (size_t a = 0; a < m; a++)
    mean[a] /= (double) MAX (n, 1);
  for (size_t a = 0; a < m; a++)
    for (size_t c = 0; c < m; c++)
      C[a * m + c] = C[a * m + c] / (double) MAX (n, 1) - mean[a] * mean[c];
  for (size_t a = 0; a < m; a++)
    mean[a] += shift[a];
}

void
fl_covariance_f64 (size_t n, size_t m, const double *F, size_t stride, double *mean, double *C)
{
  covariance (TRUE, n, m, F, stride, mean, C);
}

void
fl_covariance_f32 (size_t n, size_t m, const float *F, size_t stride, double *mean, double *C)
{
  covariance (FALSE, n, m, F, stride, mean, C);
}

/* A multiple of QUADRATIC_ROWS. */
#define QUADRATIC_BLOCK ((size_t) 32)

/* Rows `first` .. first + n - 1 in double, with zeros up to QUADRATIC_BLOCK rows
 * and FL_PAD (m) columns. */
static void
pad_rows (gboolean f64, size_t n, size_t m, gconstpointer F, size_t first, size_t stride, double *P)
{
  memset (P, 0, QUADRATIC_BLOCK * FL_PAD (m) * sizeof *P);
  for (size_t k = 0; k < n; k++)
    for (size_t a = 0; a < m; a++)
      P[k * FL_PAD (m) + a] = f64 ? ((const double *) F)[(first + k) * stride + a]
                                  : (double) ((const float *) F)[(first + k) * stride + a];
}

static void
quadratic (gboolean f64, size_t n, size_t m, gconstpointer F, size_t stride, const double *S,
           double *out)
{
  size_t n_blocks = FL_ROUND_UP (n, QUADRATIC_BLOCK) / QUADRATIC_BLOCK, pad = FL_PAD (m);
  g_autofree double *padded = g_new0 (double, pad * pad);

  for (size_t a = 0; a < m; a++)
    memcpy (padded + a * pad, S + a * m, m * sizeof *S);
#pragma omp parallel if (n_blocks > 1)
  {
    g_autofree double *P = g_new (double, QUADRATIC_BLOCK * pad);

#pragma omp for schedule(static)
    for (size_t k = 0; k < n_blocks; k++)
      {
        size_t first = k * QUADRATIC_BLOCK, n_rows = MIN (QUADRATIC_BLOCK, n - first);
        double block[QUADRATIC_BLOCK];

        pad_rows (f64, n_rows, m, F, first, stride, P);
        kernels->quadratic_f64 (QUADRATIC_BLOCK, P, pad, padded, block);
        memcpy (out + first, block, n_rows * sizeof *out);
      }
  }
}

void
fl_quadratic_f64 (size_t n, size_t m, const double *F, size_t stride, const double *S, double *out)
{
  quadratic (TRUE, n, m, F, stride, S, out);
}

void
fl_quadratic_f32 (size_t n, size_t m, const float *F, size_t stride, const double *S, double *out)
{
  quadratic (FALSE, n, m, F, stride, S, out);
}

double
fl_dot_f64 (size_t n, const double *x, const double *y)
{
  return kernels->dot_f64 (n, x, y);
}

double
fl_dot_f32 (size_t n, const float *x, const float *y)
{
  return kernels->dot_f32 (n, x, y);
}

void
fl_dot_rows_f64 (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                 const double *x, double *out)
{
  kernels->dot_rows_f64 (n, row, m, F, stride, x, out);
}

void
fl_dot_rows_f32 (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
                 const float *x, double *out)
{
  kernels->dot_rows_f32 (n, row, m, F, stride, x, out);
}

void
fl_add_rows_f64 (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                 const double *t, double *out)
{
  kernels->add_rows_f64 (n, row, m, F, stride, t, out);
}

void
fl_add_f32 (size_t n, float factor, const float *x, float *y)
{
  kernels->add_f32 (n, factor, x, y);
}

double
fl_bpr_steps_f32 (size_t n, const uint32_t *user, const uint32_t *item, size_t m, float *U,
                  float *V, float rate, float l2)
{
  return kernels->bpr_steps_f32 (n, user, item, m, U, V, rate, 1 - 2 * rate * l2);
}

gboolean
fl_step_f32 (const FlStep *step, FlStepKind kind, size_t n, const float *g, float *value, float *a,
             float *b)
{
  return kernels->step_f32 (step, kind, n, g, value, a, b);
}

void
fl_multiply_f32 (size_t n, size_t k, const float *A, size_t stride, size_t m, const float *B,
                 float *C)
{
  g_assert (m == FL_PAD (m));
  kernels->multiply_f32 (n, k, A, stride, m, B, C);
}

void
fl_outer_f32 (size_t n, size_t k, const float *A, size_t m, const float *B, float *C)
{
  g_assert (k == FL_PAD (k) && m == FL_PAD (m));
  kernels->outer_f32 (n, k, A, m, B, C);
}

/* Rows handed to a thread at a time: few, for some have a thousand times the
 * columns of others. */
#define SPARSE_ROWS ((size_t) 16)
/* Numbers summed from which threads gain more than they lose by waiting. */
#define SPARSE_WORK ((size_t) 200000)

void
fl_sparse_multiply (const FlSparse *sparse)
{
  size_t n = sparse->n_rows, n_blocks = FL_ROUND_UP (n, SPARSE_ROWS) / SPARSE_ROWS;

#pragma omp parallel for schedule(dynamic) if (sparse->start[n] * sparse->m > SPARSE_WORK)
  for (size_t k = 0; k < n_blocks; k++)
    kernels->sparse_rows (sparse, k * SPARSE_ROWS, MIN (n, (k + 1) * SPARSE_ROWS));
}

/* Eigenvalues of the symmetric S (m x m), ascending; S becomes eigenvectors, one
 * a row, when wanted.  S is its own transpose, so the layout is a name only. */
static gboolean
eigen (size_t m, double *S, double *values, gboolean vectors, GError **error)
{
  lapack_int info = LAPACKE_dsyev (LAPACK_COL_MAJOR, vectors ? 'V' : 'N', 'L', (lapack_int) m, S,
                                   (lapack_int) m, values);

  g_assert (info >= 0);
  if (info > 0)
    return fl_fail (error, FL_ERROR_NUMERIC,
                    "eigenvalue %d of %zu did not converge", (int) info, m);
  return TRUE;
}

/* X'X = Q D Q' makes (X Y')(X Y')' similar to D^(1/2) Q' Y'Y Q D^(1/2), whose
 * eigenvalues are the squares. */
gboolean
fl_singular_values (size_t m, const double *XX, const double *YY, double *values, GError **error)
{
  g_autofree double *Q = g_memdup2 (XX, m * m * sizeof *XX), *half = g_new (double, m *m);
  g_autofree double *S = g_new (double, m *m), *square = g_new (double, m);
  int k = (int) m;

  g_assert (m > 0 && m <= FL_NORMAL_MAX);
  if (!eigen (m, Q, square, TRUE, error))
    return FALSE;
  for (size_t a = 0; a < m; a++)
    cblas_dscal (k, sqrt (MAX (square[a], 0)), Q + a * m, 1);
  cblas_dgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, k, k, k, 1, Q, k, YY, k, 0, half, k);
  cblas_dgemm (CblasRowMajor, CblasNoTrans, CblasTrans, k, k, k, 1, half, k, Q, k, 0, S, k);
  if (!eigen (m, S, square, FALSE, error))
    return FALSE;
  for (size_t a = 0; a < m; a++)
    values[a] = sqrt (MAX (square[m - 1 - a], 0));
  return TRUE;
}

/* Pairwise down to runs of this many: the error grows with the logarithm of n. */
#define SUM_RUN 128

double
fl_sum (size_t n, const double *x)
{
  double sum[8] = { 0 };
  size_t k = 0;

  if (n > SUM_RUN)
    {
      size_t half = FL_ROUND_UP (n / 2, SUM_RUN);

      return fl_sum (half, x) + fl_sum (n - half, x + half);
    }
  for (; k + 8 <= n; k += 8)
    for (size_t j = 0; j < 8; j++)
      sum[j] += x[k + j];
  for (size_t j = 0; k + j < n; j++)
    sum[j] += x[k + j];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}
