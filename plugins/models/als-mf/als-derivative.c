/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-derivative.c: derivatives of the factors at their current values, in double.
 *
 * The objective's half, E = (1/2) sum e_ui^2 + (lambda/2) (|P|^2 + |Q|^2) with
 * e_ui = p_u . q_i - r_ui, has the Hessian
 *
 *   H = [ A  B ]     A: blocks S_u = sum_i q_i q_i' + lambda I,
 *       [ B' D ]     D: blocks S_i = sum_u p_u p_u' + lambda I,
 *                    B: blocks q_i p_u' + e_ui I where u rated i,
 *
 * sums over ratings.  H y = d is solved without the users' half, which follows
 * from the items' half: conjugate gradients on
 *
 *   (D - B' A^-1 B) y_i = d_i - B' A^-1 d_u,      y_u = A^-1 (d_u - B y_i),
 *
 * preconditioned by D.  An iteration is a product with B and one with B', which
 * cost O(ratings * rank), and a triangular solution per row; nothing larger than
 * a row's own block is ever formed.  H is singular along rotations of the
 * factors, to which the derivative of a function of predictions is orthogonal.
 */
#include "als-mf.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Curvature of a direction, relative to that of D, below which it counts as none:
 * rounding along rotations of the factors. */
#define CURVATURE_MIN 1e-10

/* Numbers of the upper triangle of a block. */
#define TRIANGLE(m) ((m) * ((m) + 1) / 2)

typedef struct
{
  const AlsMf *als;
  AlsSide side[2];   /* by FlSide; tables in double              */
  double *copy[2];   /* those tables, of a model in single       */
  double *factor[2]; /* Cholesky factor U of each row's block    */
} Hessian;

static void
hessian_clear (Hessian *h)
{
  for (int side = 0; side < 2; side++)
    {
      g_free (h->copy[side]);
      g_free (h->factor[side]);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Hessian, hessian_clear)

static gboolean
make_tables (Hessian *h, const AlsMf *als, GError **error)
{
  const gpointer table[2] = { als->user, als->item };

  h->als = als;
  for (int s = 0; s < 2; s++)
    {
      AlsSide *side = &h->side[s];
      size_t n;

      *side = als_side (als, (FlSide) s);
      n = side->ratings->n_rows * als->width;
      if (als->precision == ALS_DOUBLE)
        continue;
      h->copy[s] = fl_alloc (n, sizeof (double), error);
      if (h->copy[s] == NULL)
        return FALSE;
      als_single.store (table[s], n, h->copy[s]);
    }
  if (als->precision == ALS_SINGLE)
    for (int s = 0; s < 2; s++)
      {
        h->side[s].solved = h->copy[s];
        h->side[s].fixed = h->copy[1 - s];
      }
  return TRUE;
}

/* ---- blocks ------------------------------------------------------------ */

size_t
als_block_length (size_t m)
{
  return FL_PAD (m) * FL_PAD (m) + FL_PAD (m);
}

size_t
als_solve_block (const AlsMf *als, const AlsSide *side, size_t row, double *A, double *b)
{
  size_t m = side->m, pad = FL_PAD (m), first = side->ratings->start[row];
  double lambda = als_lambda (als, side, row), unused[FL_PAD (FL_NORMAL_MAX)];

  memset (A, 0, pad * pad * sizeof *A);
  memset (unused, 0, pad * sizeof *unused);
  fl_normal_f64 (side->ratings->start[row + 1] - first, side->ratings->col + first, m,
                 (const double *) side->fixed + side->first, als->width, NULL, A, unused);
  for (size_t a = 0; a < m; a++)
    if (als_regularises (als, side, a))
      A[a * pad + a] += lambda;
  return fl_cholesky_solve_f64 (m, A, b);
}

static gboolean
block_failed (const AlsSide *side, size_t row, GError **error)
{
  return fl_fail (error, FL_ERROR_NUMERIC, "derivative: the equations of %s %zu are singular",
                  side->name, row);
}

/* rows, unless NULL: each becomes S^-1 row.  factor, unless NULL: takes the upper
 * triangle of each block's Cholesky factor. */
static gboolean
solve_blocks (const AlsMf *als, const AlsSide *side, double *rows, double *factor, GError **error)
{
  size_t m = side->m, pad = FL_PAD (m), n = side->ratings->n_rows, failed = n;
  g_autofree double *work = fl_alloc (als->n_threads * als_block_length (m), sizeof *work, error);

  if (work == NULL)
    return FALSE;
#pragma omp parallel for schedule(dynamic, 8) num_threads ((int) als->n_threads) \
    reduction (min : failed)
  for (size_t row = 0; row < n; row++)
    {
      double *A = work + (size_t) omp_get_thread_num () * als_block_length (m), *b = A + pad * pad;
      double *x = rows != NULL ? rows + row * als->width : NULL;

      memset (b, 0, pad * sizeof *b);
      if (x != NULL)
        memcpy (b, x + side->first, m * sizeof *b);
      if (x != NULL)
        memset (x, 0, als->width * sizeof *x);
      if (!als_has_ratings (side, row))
        continue;
      if (als_solve_block (als, side, row, A, b) != 0)
        failed = MIN (failed, row);
      if (x != NULL)
        memcpy (x + side->first, b, m * sizeof *x);
      for (size_t a = 0, k = row * TRIANGLE (m); factor != NULL && a < m; k += m - a, a++)
        memcpy (factor + k, A + a * pad + a, (m - a) * sizeof *factor);
    }
  return failed == n || block_failed (side, failed, error);
}

gboolean
als_solve_rows (gconstpointer self, FlSide side, double *rows, GError **error)
{
  g_auto (Hessian) h = { 0 };

  return make_tables (&h, self, error) && solve_blocks (self, &h.side[side], rows, NULL, error);
}

/* x <- U'^-1 x. */
static void
forward (size_t m, const double *U, double *x)
{
  for (size_t a = 0; a < m; U += m - a, a++)
    {
      x[a] /= U[0];
      for (size_t c = a + 1; c < m; c++)
        x[c] -= U[c - a] * x[a];
    }
}

/* x <- U^-1 x. */
static void
backward (size_t m, const double *U, double *x)
{
  U += TRIANGLE (m);
  for (size_t a = m; a-- > 0;)
    {
      double sum = x[a];

      U -= m - a;
      for (size_t c = a + 1; c < m; c++)
        sum -= U[c - a] * x[c];
      x[a] = sum / U[0];
    }
}

/* Each of the side's rows becomes S^-1 row; rows without ratings become 0. */
static void
divide (const Hessian *h, FlSide s, double *rows)
{
  const AlsSide *side = &h->side[s];
  size_t m = side->m, width = h->als->width;

#pragma omp parallel for schedule(static) num_threads ((int) h->als->n_threads)
  for (size_t row = 0; row < side->ratings->n_rows; row++)
    {
      const double *U = h->factor[s] + row * TRIANGLE (m);
      double *x = rows + row * width + side->first;

      if (!als_has_ratings (side, row))
        {
          memset (rows + row * width, 0, width * sizeof *rows);
          continue;
        }
      forward (m, U, x);
      backward (m, U, x);
    }
}

/* Each row of `out` becomes S row = U' (U row). */
static void
multiply (const Hessian *h, FlSide s, const double *rows, double *out)
{
  const AlsSide *side = &h->side[s];
  size_t m = side->m, width = h->als->width;

  memset (out, 0, side->ratings->n_rows * width * sizeof *out);
#pragma omp parallel for schedule(static) num_threads ((int) h->als->n_threads)
  for (size_t row = 0; row < side->ratings->n_rows; row++)
    {
      const double *U = h->factor[s] + row * TRIANGLE (m);
      const double *x = rows + row * width + side->first;
      double *y = out + row * width + side->first;

      if (!als_has_ratings (side, row))
        continue;
      for (size_t a = 0; a < m; U += m - a, a++)
        {
          double z = fl_dot_f64 (m - a, U, x + a);

          for (size_t c = a; c < m; c++)
            y[c] += U[c - a] * z;
        }
    }
}

/* ---- products with B --------------------------------------------------- */

/* out_r += sum over the row's ratings k of (x_r . d_k) f_k + e_k d_k: x_r the
 * row's factors, f_k and d_k factors and direction of the other side. */
static void
cross_row (const Hessian *h, const AlsSide *side, size_t row, const double *direction, double *out)
{
  size_t width = h->als->width;
  const double *x = (const double *) side->solved + row * width;

  for (size_t k = side->ratings->start[row]; k < side->ratings->start[row + 1]; k++)
    {
      const double *f = (const double *) side->fixed + side->ratings->col[k] * width;
      const double *d = direction + side->ratings->col[k] * width;
      double along = 0, e = -fl_csr_value (side->ratings, k);

      for (size_t a = 0; a < width; a++)
        {
          along += x[a] * d[a];
          e += x[a] * f[a];
        }
      for (size_t a = 0; a < width; a++)
        out[a] += along * f[a] + e * d[a];
    }
}

/* out = B direction (s: users), or B' direction (s: items), by rows of side s. */
static void
cross (const Hessian *h, FlSide s, const double *direction, double *out)
{
  const AlsSide *side = &h->side[s];
  size_t width = h->als->width;

#pragma omp parallel for schedule(dynamic, 8) num_threads ((int) h->als->n_threads)
  for (size_t row = 0; row < side->ratings->n_rows; row++)
    {
      double *y = out + row * width;

      memset (y, 0, width * sizeof *y);
      cross_row (h, side, row, direction, y);
      /* What the row does not solve for. */
      memset (y, 0, side->first * sizeof *y);
      memset (y + side->first + side->m, 0, (width - side->first - side->m) * sizeof *y);
    }
}

/* ---- conjugate gradients ----------------------------------------------- */

/* Vectors of items, and one of users. */
typedef struct
{
  size_t n;                      /* numbers of items           */
  double *r, *z, *p, *Dp, *Sp, *users;
} Work;

static void
work_clear (Work *w)
{
  g_free (w->r);
  g_free (w->users);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static gboolean
work_init (Work *w, const AlsMf *als, GError **error)
{
  w->n = als->train->n_items * als->width;
  w->r = fl_alloc (w->n, 5 * sizeof (double), error);
  w->users = w->r != NULL ? fl_alloc (als->train->n_users * als->width, sizeof (double), error)
                          : NULL;
  if (w->users == NULL)
    return FALSE;
  w->z = w->r + w->n;
  w->p = w->z + w->n;
  w->Dp = w->p + w->n;
  w->Sp = w->Dp + w->n;
  return TRUE;
}

/* Sp = (D - B' A^-1 B) p. */
static void
reduced_product (const Hessian *h, Work *w)
{
  multiply (h, FL_SIDE_ITEM, w->p, w->Dp);
  cross (h, FL_SIDE_USER, w->p, w->users);
  divide (h, FL_SIDE_USER, w->users);
  cross (h, FL_SIDE_ITEM, w->users, w->Sp);
  for (size_t k = 0; k < w->n; k++)
    w->Sp[k] = w->Dp[k] - w->Sp[k];
}

/* z = D^-1 r; returns r . z. */
static double
precondition (const Hessian *h, Work *w)
{
  memcpy (w->z, w->r, w->n * sizeof *w->z);
  divide (h, FL_SIDE_ITEM, w->z);
  return fl_dot_f64 (w->n, w->r, w->z);
}

/* y: zero at first.  w->r: the right-hand side. */
static void
conjugate_gradients (const Hessian *h, Work *w, double tolerance, size_t n_max, double *y,
                     FlSolution *how)
{
  double rz = precondition (h, w), rz_first = rz;

  memcpy (w->p, w->z, w->n * sizeof *w->p);
  *how = (FlSolution) { .residual = rz > 0 ? 1 : 0 };
  while (how->n_iterations < n_max && how->residual > tolerance)
    {
      double curvature, step, rz_last = rz;

      reduced_product (h, w);
      curvature = fl_dot_f64 (w->n, w->p, w->Sp);
      if (!(curvature > CURVATURE_MIN * fl_dot_f64 (w->n, w->p, w->Dp)))
        {
          how->negative_curvature = TRUE;
          /* Better a step as if B were 0 than none. */
          if (how->n_iterations == 0)
            memcpy (y, w->p, w->n * sizeof *y);
          return;
        }
      step = rz / curvature;
      for (size_t k = 0; k < w->n; k++)
        {
          y[k] += step * w->p[k];
          w->r[k] -= step * w->Sp[k];
        }
      rz = precondition (h, w);
      for (size_t k = 0; k < w->n; k++)
        w->p[k] = w->z[k] + rz / rz_last * w->p[k];
      how->n_iterations++;
      how->residual = sqrt (MAX (rz, 0) / rz_first);
    }
}

/* r = d_i - B' A^-1 d_u. */
static void
right_hand_side (const Hessian *h, Work *w, const double *d_user, const double *d_item)
{
  memcpy (w->users, d_user, h->als->train->n_users * h->als->width * sizeof *w->users);
  divide (h, FL_SIDE_USER, w->users);
  cross (h, FL_SIDE_ITEM, w->users, w->r);
  for (size_t k = 0; k < w->n; k++)
    w->r[k] = d_item[k] - w->r[k];
}

static void
mask (const AlsMf *als, const AlsSide *side, double *rows)
{
  for (size_t row = 0; row < side->ratings->n_rows; row++)
    for (size_t a = 0; a < als->width; a++)
      if (a < side->first || a >= side->first + side->m || !als_has_ratings (side, row))
        rows[row * als->width + a] = 0;
}

gboolean
als_solve_hessian (gconstpointer self, double tolerance, size_t n_max, double *d_user,
                   double *d_item, FlSolution *how, GError **error)
{
  const AlsMf *als = self;
  g_auto (Hessian) h = { 0 };
  g_auto (Work) w = { 0 };
  double *const d[2] = { d_user, d_item };

  if (!make_tables (&h, als, error) || !work_init (&w, als, error))
    return FALSE;
  for (int s = 0; s < 2; s++)
    {
      const AlsSide *side = &h.side[s];

      mask (als, side, d[s]);
      h.factor[s] = fl_alloc (side->ratings->n_rows, TRIANGLE (side->m) * sizeof (double), error);
      if (h.factor[s] == NULL || !solve_blocks (als, side, NULL, h.factor[s], error))
        return FALSE;
    }
  right_hand_side (&h, &w, d_user, d_item);
  memset (d_item, 0, w.n * sizeof *d_item);
  conjugate_gradients (&h, &w, tolerance, n_max, d_item, how);
  cross (&h, FL_SIDE_USER, d_item, w.users);
  for (size_t k = 0; k < als->train->n_users * als->width; k++)
    d_user[k] -= w.users[k];
  divide (&h, FL_SIDE_USER, d_user);
  return TRUE;
}
