/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-adjoint.c: a sweep backwards, in double.
 *
 * A sweep takes items z to users w, and these to items z+.  Each row x it solves for has
 * equations with rows f of the other side [prl, eq. 8; yao, eq. 4.10],
 *
 *   S x = sum t f,   S = sum f f' + lambda I,   t = r - (bias of the other side).
 *
 * Let g be the derivative of a loss by x, and y = S^-1 g.  Since
 * dx = S^-1 (sum (dt f + t df) - dS x), the loss depends on what the equations hold by
 *
 *   f:        -sum (e y + (f . y) x),   e = f . x - t,
 *   the bias: -sum f . y,
 *   lambda:   -y . x   (without the bias's product where it is not regularised),
 *
 * sums over ratings.  In the layout of FlFactors the first two are one: of a user
 * x = [b, p, 1] and y = [y, 0], of an item z = [1, q, b],
 *
 *   z:  -sum (e y + (z . y) x),   e = z . x - r,
 *
 * whose last column is the derivative by the item's bias; the first, by a 1, is dropped.
 *
 * Back from z+ and w: y of the items' equations, from which users' derivatives grow; y of
 * the users' equations; from these the derivative by z.  Each row adds up its own ratings
 * in their order, so that the digits do not depend on threads.
 */
#include "als-mf.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Ratings taken at a time: rows that were read stay in cache for the second pass. */
#define BLOCK ((size_t) 256)

/* The equations of one side. */
typedef struct
{
  const AlsMf *als;
  AlsSide side;     /* fixed: of the tape               */
  const double *x;  /* their solutions, of the tape     */
  double *y;        /* g at first, then y               */
  double *d_lambda; /* grows; or NULL                   */
} Equations;

/* What a thread works in. */
static size_t
work_length (const Equations *users)
{
  return als_block_length (users->side.m) + 2 * BLOCK;
}

/* What `row` of the other side, which is z, receives from the equations that hold it. */
static void
add_flow (const Equations *from, const FlCsr *ratings, size_t row, const double *z, double *work,
          double *d_z)
{
  size_t width = from->als->width, end = ratings->start[row + 1];
  double *e = work, *along = work + BLOCK;

  for (size_t k = ratings->start[row]; k < end; k += BLOCK)
    {
      const uint32_t *col = ratings->col + k;
      size_t n = MIN (BLOCK, end - k);

      fl_dot_rows_f64 (n, col, width, from->x, width, z, e);
      fl_dot_rows_f64 (n, col, width, from->y, width, z, along);
      for (size_t j = 0; j < n; j++)
        {
          e[j] = fl_csr_value (ratings, k + j) - e[j];
          along[j] = -along[j];
        }
      fl_add_rows_f64 (n, col, width, from->y, width, e, d_z);
      fl_add_rows_f64 (n, col, width, from->x, width, along, d_z);
    }
}

/* g of a row becomes y, and the derivative by its lambda grows.  FALSE when that fails. */
static gboolean
solve_row (const Equations *equations, size_t row, double *work)
{
  const AlsMf *als = equations->als;
  const AlsSide *side = &equations->side;
  size_t m = side->m, pad = FL_PAD (m);
  const double *x = equations->x + row * als->width + side->first;
  double *g = equations->y + row * als->width, *A = work, *b = A + pad * pad, along = 0;
  gboolean finite = TRUE;

  memset (b, 0, pad * sizeof *b);
  memcpy (b, g + side->first, m * sizeof *b);
  memset (g, 0, als->width * sizeof *g);
  if (!als_has_ratings (side, row))
    return TRUE;
  if (als_solve_block (als, side, row, A, b) != 0)
    return FALSE;
  memcpy (g + side->first, b, m * sizeof *g);
  for (size_t a = 0; a < m; a++)
    {
      finite = finite && isfinite (b[a]);
      along += als_regularises (als, side, a) ? b[a] * x[a] : 0;
    }
  if (equations->d_lambda != NULL)
    equations->d_lambda[row] -= als_lambda_scale (als, side, row) * along;
  return finite;
}

/* The row's y is 0 where there is none. */
static gboolean
solve_failed (const Equations *equations, size_t row, GError **error)
{
  const AlsMf *als = equations->als;
  const AlsSide *side = &equations->side;

  for (size_t a = 0; a < als->width; a++)
    if (!isfinite (equations->y[row * als->width + a]))
      return fl_fail (error, FL_ERROR_NUMERIC,
                      "derivative of a sweep: what reaches %s %zu is not finite", side->name, row);
  return fl_fail (error, FL_ERROR_NUMERIC,
                  "derivative of a sweep: the equations of %s %zu are singular; lambda there is %g",
                  side->name, row, als_lambda (als, side, row));
}

/* All rows, to which the equations `from`, unless NULL, add first. */
static gboolean
solve_all (const Equations *equations, const Equations *from, double *work, GError **error)
{
  const AlsMf *als = equations->als;
  const AlsSide *side = &equations->side;
  size_t n = side->ratings->n_rows, failed = n;

#pragma omp parallel for schedule(dynamic, 8) num_threads ((int) als->n_threads) \
    reduction (min : failed)
  for (size_t row = 0; row < n; row++)
    {
      double *mine = work + (size_t) omp_get_thread_num () * work_length (equations);

      if (from != NULL)
        add_flow (from, side->ratings, row, equations->x + row * als->width, mine,
                  equations->y + row * als->width);
      if (!solve_row (equations, row, mine))
        failed = MIN (failed, row);
    }
  return failed == n || solve_failed (equations, failed, error);
}

/* d_z: by rows z of `side`, of what the equations `from` make of them. */
static void
collect (const Equations *from, const AlsSide *side, const double *z, double *work, double *d_z)
{
  const AlsMf *als = from->als;
  size_t width = als->width, behind = side->first + side->m;

#pragma omp parallel for schedule(dynamic, 8) num_threads ((int) als->n_threads)
  for (size_t row = 0; row < side->ratings->n_rows; row++)
    {
      double *mine = work + (size_t) omp_get_thread_num () * work_length (from);
      double *to = d_z + row * width;

      memset (to, 0, width * sizeof *to);
      add_flow (from, side->ratings, row, z + row * width, mine, to);
      /* What faces the other side's bias is a constant. */
      memset (to, 0, side->first * sizeof *to);
      memset (to + behind, 0, (width - behind) * sizeof *to);
    }
}

gboolean
als_sweep_back (gpointer self, const double *item_before, const double *user, const double *item,
                double *d_user, double *d_item, double *d_lambda_user, double *d_lambda_item,
                GError **error)
{
  const AlsMf *als = self;
  Equations users = { .als = als, .side = als_side (als, FL_SIDE_USER), .x = user, .y = d_user,
                      .d_lambda = d_lambda_user },
            items = { .als = als, .side = als_side (als, FL_SIDE_ITEM), .x = item, .y = d_item,
                      .d_lambda = d_lambda_item };
  g_autofree double *work = fl_alloc (als->n_threads * work_length (&users), sizeof *work, error);

  users.side.fixed = item_before;
  items.side.fixed = user;
  if (work == NULL || !solve_all (&items, NULL, work, error)
      || !solve_all (&users, &items, work, error))
    return FALSE;
  collect (&users, &items.side, item_before, work, d_item);
  memset (d_user, 0, users.side.ratings->n_rows * als->width * sizeof *d_user);
  return TRUE;
}
