/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-mf.h: what the files of this folder share. */
#ifndef ALS_MF_H
#define ALS_MF_H

#include <fairlead/plugin.h>

typedef struct
{
  /* Parameters. */
  int64_t rank, sweeps, window;
  double lambda, tolerance, start_scale;
  gboolean biases, regularise_bias, half, weighted;
  int precision, stop, acceleration, start;

  /* State, from start on.  Factors have `width` columns:
   *   plain        user [p],        item [q]
   *   with biases  user [b, p, 1],  item [1, q, b]
   * so that the inner product is the score, and what one side solves for, and
   * the features it sees of the other, are adjacent columns. */
  const FlRatings *train;
  const double *lambda_user, *lambda_item; /* or NULL */
  size_t width;
  gpointer user, item; /* float or double  */
  gpointer work;       /* n_threads pieces */
  size_t n_threads;
  size_t n_sweeps;     /* done             */
  double *left;        /* n_items: of the objective, after a sweep, but for the users' penalty */
  double squares;      /* sum of r^2       */
} AlsMf;

enum
{
  ALS_DOUBLE,
  ALS_SINGLE
};

/* One half of a sweep: the rows of `ratings` are solved, given the others. */
typedef struct
{
  const char *name;     /* "user", "item"                                */
  const FlCsr *ratings;
  const double *lambda; /* of each row, or NULL: the parameter           */
  gpointer solved;
  gconstpointer fixed;
  size_t m;             /* unknowns                                      */
  size_t first;         /* column of the first unknown, and first feature */
  size_t bias;          /* which unknown is the bias                     */
  size_t offset;        /* column of `fixed` with the other side's bias  */
} AlsSide;

AlsSide als_side (const AlsMf *als, FlSide side);
/* lambda of a row as it stands on the diagonal and in the objective: halved and
 * weighted as asked, that is times the scale. */
double als_lambda (const AlsMf *als, const AlsSide *side, size_t row);
double als_lambda_scale (const AlsMf *als, const AlsSide *side, size_t row);

/* Whether the side's equations have lambda beside unknown `a` on the diagonal. */
static inline gboolean
als_regularises (const AlsMf *als, const AlsSide *side, size_t a)
{
  return !als->biases || a != side->bias || als->regularise_bias;
}

static inline gboolean
als_has_ratings (const AlsSide *side, size_t row)
{
  return side->ratings->start[row] < side->ratings->start[row + 1];
}

/* The precision's functions, als-rows.inc. */
typedef struct
{
  size_t size; /* of a number */
  /* Numbers of working memory that a thread needs. */
  size_t (*work_length) (size_t m);
  /* Solves one row.  0, the number of the pivot that is not positive, or
   * ALS_NOT_FINITE.  *left: the row's squared errors and penalty. */
  size_t (*solve) (const AlsMf *als, const AlsSide *side, size_t row, gpointer work, double *left);
  double epsilon; /* of a number */
  /* Sum of squared errors of the rows first .. end - 1 of `side`. */
  double (*errors) (const AlsMf *als, const AlsSide *side, size_t first, size_t end);
  /* sum lambda_r |row|^2 of the same. */
  double (*penalty) (const AlsMf *als, const AlsSide *side, size_t first, size_t end);
  void (*load) (gpointer table, size_t n, const double *from);
  void (*store) (gconstpointer table, size_t n, double *to);
} AlsPrecision;
#define ALS_NOT_FINITE SIZE_MAX

extern const AlsPrecision als_double, als_single;

#define ALS_WINDOW_MAX 16

typedef struct
{
  size_t n;          /* length of x                                  */
  size_t window;
  size_t n_used;     /* differences in use                           */
  size_t next;       /* the one to be written                        */
  gboolean started;  /* f and g of the step before are there         */
  double *x;         /* where the step under way began               */
  double *y;         /* what it came to: g (x), set by the caller    */
  double *f, *g;     /* of the step before                           */
  double *d_f, *d_g; /* window x n, one difference a row             */
} AlsAnderson;

AlsAnderson *als_anderson_new (size_t n, size_t window, GError **error);
void als_anderson_free (AlsAnderson *anderson);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AlsAnderson, als_anderson_free)
/* Takes y in, and sets x to where the next step begins. */
void als_anderson_step (AlsAnderson *anderson);
/* Forgets the step under way: the next one begins where the last one ended. */
void als_anderson_reject (AlsAnderson *anderson);

/* Numbers of working memory for a row's block S and a vector, both padded. */
size_t als_block_length (size_t m);
/* b becomes S^-1 b, and A the Cholesky factor of S, of a row with ratings; side->fixed
 * is in double.  Returns the pivot that failed, or 0. */
size_t als_solve_block (const AlsMf *als, const AlsSide *side, size_t row, double *A, double *b);

/* FlClosedFormOps, als-derivative.c and als-adjoint.c. */
gboolean als_solve_rows (gconstpointer self, FlSide side, double *rows, GError **error);
gboolean als_solve_hessian (gconstpointer self, double tolerance, size_t n_max, double *d_user,
                            double *d_item, FlSolution *how, GError **error);
gboolean als_sweep_back (gpointer self, const double *item_before, const double *user,
                         const double *item, double *d_user, double *d_item,
                         double *d_lambda_user, double *d_lambda_item, GError **error);

#endif
