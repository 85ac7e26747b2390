/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* linalg.h: the dense kernels of factor models.
 *
 * All matrices are row-major.  Kernels exist for several instruction sets; the
 * best that the processor has is chosen when the library is loaded, or a lower
 * one by FAIRLEAD_ISA = base, v3 or v4.  Every function here gives the same
 * digits for any number of threads.
 */
#ifndef FAIRLEAD_LINALG_H
#define FAIRLEAD_LINALG_H

#include <fairlead/base.h>

FL_BEGIN_DECLS

const char *fl_isa_name (void); /* "base", "v3" or "v4" */
/* FALSE with FL_ERROR_CONFIG when FAIRLEAD_ISA is not one of these or more than
 * the processor has; the best it has is in use then. */
gboolean fl_isa_check (GError **error);

/* Zeroed memory for a table whose rows are read at random: aligned to cache
 * lines, in huge pages where the system has them (10 to 20% faster there).
 * NULL with FL_ERROR_SYSTEM as fl_alloc; freed with g_free. */
gpointer fl_table_alloc (size_t n, size_t size, GError **error);

/* ---- normal equations -------------------------------------------------- */

#define FL_ROUND_UP(n, unit) (((n) + (unit) -1) / (unit) * (unit))
/* Normal equations of m unknowns are kept in matrices of FL_PAD (m) rows of
 * FL_PAD (m) numbers, and vectors of FL_PAD (m): whole vector registers, so
 * that no kernel has a remainder.  What lies below the diagonal or beyond m is
 * the kernels' own scratch. */
#define FL_PAD(m) FL_ROUND_UP (m, 16)
#define FL_NORMAL_MAX 1024 /* unknowns */

/* Adds a block of normal equations, the heart of ALS:
 *   A <- A + sum_k f_k f_k'   (m x m, upper triangle: A[a * FL_PAD (m) + c], c >= a)
 *   b <- b + sum_k t_k f_k    (m)
 * f_k: m numbers at F + row[k] * stride, or F + k * stride when row is NULL.
 * t: n numbers, or NULL: all ones. */
void fl_normal_f64 (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                    const double *t, double *A, double *b);
void fl_normal_f32 (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
                    const float *t, float *A, float *b);

/* Cholesky solution of A x = b in place: A (m x m, upper triangle given)
 * becomes U with U'U = A, b becomes x.  Returns 0, or the 1-based number of the
 * first pivot that is not positive beyond rounding. */
size_t fl_cholesky_solve_f64 (size_t m, double *A, double *b);
size_t fl_cholesky_solve_f32 (size_t m, float *A, float *b);

/* ---- products ---------------------------------------------------------- */

#define FL_GRAM_MAX 8192 /* numbers to a row */

/* G = F'F (m x m, both triangles) and, unless NULL, s = F'1 (m), of all n rows;
 * m at most FL_GRAM_MAX.  Runs on the threads of the process; sums are in
 * double.  Allocates eight padded G at most. */
void fl_gram_f64 (size_t n, size_t m, const double *F, size_t stride, double *G, double *s);
void fl_gram_f32 (size_t n, size_t m, const float *F, size_t stride, double *G, double *s);

/* Mean (m) and population covariance (m x m, both triangles: sums divided by n)
 * of n rows, without loss of digits when the mean is large; zeros when n is 0.
 * Runs and allocates as fl_gram. */
void fl_covariance_f64 (size_t n, size_t m, const double *F, size_t stride, double *mean,
                        double *C);
void fl_covariance_f32 (size_t n, size_t m, const float *F, size_t stride, double *mean,
                        double *C);

/* out_k = f_k' S f_k of n rows.  S: m x m.  Runs as fl_gram; allocates a padded S
 * and a few rows a thread. */
void fl_quadratic_f64 (size_t n, size_t m, const double *F, size_t stride, const double *S,
                       double *out);
void fl_quadratic_f32 (size_t n, size_t m, const float *F, size_t stride, const double *S,
                       double *out);

/* Sums in double. */
double fl_dot_f64 (size_t n, const double *x, const double *y);
double fl_dot_f32 (size_t n, const float *x, const float *y);

/* y <- y + factor x, of n numbers: the same digits wherever arrays are cut. */
void fl_add_f32 (size_t n, float factor, const float *x, float *y);

/* Steps of stochastic gradient descent on
 *   -ln sigma (x . (y - z)) + l2 (|x|^2 + |y|^2 + |z|^2)
 * for n triples: x is row user[k] of U, y and z are rows item[2 k] and item[2 k + 1] of V,
 * rows of m numbers.  Triples are taken eight at a time, each n / 8 further on than the one
 * before, so that those of one user, side by side, are not taken together: the scores of
 * the eight come first, then their steps, one after another.  Returns the sum of the first
 * terms, each before its step. */
double fl_bpr_steps_f32 (size_t n, const uint32_t *user, const uint32_t *item, size_t m, float *U,
                         float *V, float rate, float l2);

/* out[k] = x . f_k for n rows f_k of F, as in fl_normal: a user's predictions. */
void fl_dot_rows_f64 (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                      const double *x, double *out);
void fl_dot_rows_f32 (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
                      const float *x, double *out);

/* out <- out + sum_k t_k f_k of n rows f_k of F, as in fl_normal: m numbers.  What
 * fl_dot_rows is from x to its products, backwards. */
void fl_add_rows_f64 (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                      const double *t, double *out);

/* Products of float tables, for networks.  m, and k of fl_outer: FL_PAD of a number,
 * with zeros for padding.
 *   fl_multiply: C (n x m) <- C + A B.  A: n rows of k numbers, `stride` apart; B: k x
 *     m.  Each number is one chain of sums over the k columns, begun with what is
 *     there: the same digits whatever n.
 *   fl_outer: C (k x m) <- C + A'B.  A: n x k; B: n x m.  Sums over n in float: of many
 *     hundred rows, add up parts in double. */
void fl_multiply_f32 (size_t n, size_t k, const float *A, size_t stride, size_t m,
                      const float *B, float *C);
void fl_outer_f32 (size_t n, size_t k, const float *A, size_t m, const float *B, float *C);

/* One side of a graph convolution.  For each row r of a sparse matrix of ones, whose
 * columns are col[start[r]] .. col[start[r + 1] - 1]:
 *   out_r <- left_r * (sum of the rows of `table` at its columns) + self_r * own_r + add_r,
 *   scaled_r <- right_r * out_r.
 * Rows have m numbers, any number.  Sums of more than 64 rows are in double. */
typedef struct
{
  size_t n_rows, m;
  const size_t *start;
  const uint32_t *col;
  const float *table;
  const float *own;
  const float *add;                 /* or NULL                                       */
  const float *left, *self, *right; /* n_rows                                        */
  float *out;
  float *scaled;                    /* or NULL                                       */
} FlSparse;
/* Runs on the threads of the process. */
void fl_sparse_multiply (const FlSparse *sparse);

/* The m singular values of X Y', descending, from the Gram matrices X'X and Y'Y
 * (m x m, both triangles). */
gboolean fl_singular_values (size_t m, const double *XX, const double *YY, double *values,
                             GError **error);

/* Sum of n numbers in an order that depends on n alone. */
double fl_sum (size_t n, const double *x);

FL_END_DECLS

#endif
