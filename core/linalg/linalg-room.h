/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* linalg-room.h: the dense kernels, once for each instruction set. */
#ifndef FL_LINALG_ROOM_H
#define FL_LINALG_ROOM_H

#include <fairlead/linalg.h>

#ifdef __x86_64__
#include <immintrin.h>
#elif defined __aarch64__
#include <arm_neon.h>
#endif

/* Rows that a quadratic form takes at a time. */
#define QUADRATIC_ROWS 4

/* One step of an optimiser, over n parameters whose derivatives are scale g.  Rates
 * include what corrects for the moments' start. */
typedef enum
{
  FL_STEP_ADAM,       /* a: first moment, b: second                       */
  FL_STEP_ADAM_STILL, /* the same where g is zero, and not read           */
  FL_STEP_ADAGRAD,    /* a: sum of squares                                */
  FL_STEP_DESCEND
} FlStepKind;

typedef struct
{
  float scale, rate, epsilon;
  float beta1, rest1, beta2, rest2; /* rest: 1 - beta                             */
  float root;                       /* Adam divides by root * sqrt (b) + epsilon  */
  float decay;                      /* times the parameter, added to scale * g    */
} FlStep;

/* FALSE when a parameter became what is not finite. */
gboolean fl_step_f32 (const FlStep *step, FlStepKind kind, size_t n, const float *g,
                      float *value, float *a, float *b);

/* For top-K lists: scores, and the highest of them.  See kernels-rank.inc. */
#define RANK_KERNELS(REAL) \
  struct \
  { \
    size_t tile_users, panel_items; \
    void (*scores) (size_t n_panels, size_t rank, const REAL *users, const REAL *items, \
                    REAL *out, size_t stride); \
    size_t (*above) (size_t n, const REAL *score, const uint32_t *item, uint32_t first, \
                     REAL bound, REAL *to, uint32_t *to_item); \
    size_t (*count_above) (size_t n, const REAL *score, REAL bound); \
    void (*places) (size_t n, const REAL *score, uint32_t *place); \
    REAL (*magnitude) (size_t n, const REAL *x); \
  }
typedef RANK_KERNELS (float) FlRankKernels_f32;
typedef RANK_KERNELS (double) FlRankKernels_f64;

/* The arguments are those of the functions of linalg.h; `shift` is taken off
 * each row first, unless NULL. */
typedef struct
{
  const char *name;
  void (*normal_f64) (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                      const double *shift, const double *t, double *A, double *b);
  void (*normal_f32) (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
                      const float *shift, const float *t, float *A, float *b);
  /* Rows in float, sums in double. */
  void (*normal_mixed) (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
                        const double *shift, const double *t, double *A, double *b);
  size_t (*cholesky_solve_f64) (size_t m, double *A, double *b);
  size_t (*cholesky_solve_f32) (size_t m, float *A, float *b);
  /* Rows and S padded; n a multiple of QUADRATIC_ROWS. */
  void (*quadratic_f64) (size_t n, const double *P, size_t s, const double *S, double *out);
  double (*dot_f64) (size_t n, const double *x, const double *y);
  double (*dot_f32) (size_t n, const float *x, const float *y);
  void (*dot_rows_f64) (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                        const double *x, double *out);
  void (*dot_rows_f32) (size_t n, const uint32_t *row, size_t m, const float *F, size_t stride,
                        const float *x, double *out);
  void (*add_rows_f64) (size_t n, const uint32_t *row, size_t m, const double *F, size_t stride,
                        const double *t, double *out);
  void (*add_f32) (size_t n, float factor, const float *x, float *y);
  gboolean (*step_f32) (const FlStep *step, FlStepKind kind, size_t n, const float *g,
                        float *value, float *a, float *b);
  void (*sparse_rows) (const FlSparse *sparse, size_t first, size_t end);
  void (*multiply_f32) (size_t n, size_t k, const float *A, size_t stride, size_t m,
                        const float *B, float *C);
  void (*outer_f32) (size_t n, size_t k, const float *A, size_t m, const float *B, float *C);
  /* keep: 1 - 2 rate l2 */
  double (*bpr_steps_f32) (size_t n, const uint32_t *user, const uint32_t *item, size_t m,
                           float *U, float *V, float rate, float keep);
  const FlRankKernels_f32 *rank_f32;
  const FlRankKernels_f64 *rank_f64;
} FlKernels;

/* Those in use. */
const FlKernels *fl_kernels (void);

/* Those above base exist where FL_KERNELS_X86 is 1. */
extern const FlKernels fl_kernels_base, fl_kernels_v3, fl_kernels_v4;

#if defined __x86_64__ && (defined __clang__ || (defined __GNUC__ && __GNUC__ >= 11))
#define FL_KERNELS_X86 1
#else
#define FL_KERNELS_X86 0
#endif

#endif
