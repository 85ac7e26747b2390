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

/* Adds a block of normal equations, the heart of ALS:
 *   A <- A + sum_k f_k f_k'   (m x m, lower triangle: A[a * m + c], c <= a)
 *   b <- b + sum_k t_k f_k    (m)
 * F: n x m, its row k at F + k * stride, gathered by the caller. */
void fl_normal_f64 (size_t n, size_t m, const double *F, size_t stride, const double *t,
                    double *A, double *b);
void fl_normal_f32 (size_t n, size_t m, const float *F, size_t stride, const float *t,
                    float *A, float *b);

/* Cholesky solution of A x = b in place: A (m x m, lower triangle given)
 * becomes its factor, b becomes x.  Returns 0, or the 1-based number of the
 * pivot that is not positive. */
size_t fl_cholesky_solve_f64 (size_t m, double *A, double *b);
size_t fl_cholesky_solve_f32 (size_t m, float *A, float *b);

/* G = F'F (m x m, both triangles) and, unless NULL, s = F'1 (m), of all n rows.
 * Runs on the threads of the process; sums are in double. */
void fl_gram_f64 (size_t n, size_t m, const double *F, size_t stride, double *G, double *s);
void fl_gram_f32 (size_t n, size_t m, const float *F, size_t stride, double *G, double *s);

double fl_dot_f64 (size_t n, const double *x, const double *y);
double fl_dot_f32 (size_t n, const float *x, const float *y);

/* Sum of n numbers in an order that depends on n alone. */
double fl_sum (size_t n, const double *x);

FL_END_DECLS

#endif
