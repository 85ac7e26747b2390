/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* min-norm.c: the shortest vector among the convex combinations of some
 * [Wolfe, Finding the nearest point in a polytope, 1976; for gradients: Desideri 2012].
 *
 * Known of the vectors p_j is their Gram matrix G alone.  The corral S holds those with
 * weight; x = sum w_j p_j is the shortest vector of its affine hull.  A step adds the
 * p_j with the smallest x . p_j, unless none is below x . x, where x is the answer;
 * then the weights go towards those of the shortest vector of the new affine hull,
 *   v = u / sum u,  (G_S + s 1 1') u = 1   for any s > 0,
 * and what would become negative leaves S on the way.
 */
#include "core/train/train-room.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define N_MAX 64

typedef struct
{
  size_t n;
  const double *gram;    /* n x n                */
  double weight[N_MAX];  /* 0 outside S          */
  size_t n_corral;
  size_t corral[N_MAX];  /* S                    */
  double shift;          /* s: the smallest G_jj */
} Search;

static gboolean
check_gram (size_t n, const double *gram, GError **error)
{
  if (n < 1 || n > N_MAX)
    return fl_fail (error, FL_ERROR_NUMERIC, "the shortest combination of %zu vectors: from 1 to "
                    "%d are wanted", n, N_MAX);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      if (!isfinite (gram[i * n + j]))
        return fl_fail (error, FL_ERROR_NUMERIC, "the product of vectors %zu and %zu is %g, not "
                        "finite", i, j, gram[i * n + j]);
  for (size_t i = 0; i < n; i++)
    if (gram[i * n + i] < 0)
      return fl_fail (error, FL_ERROR_NUMERIC, "vector %zu has a squared length of %g: no Gram "
                      "matrix", i, gram[i * n + i]);
  return TRUE;
}

/* x . p_j; *bound: how large it would be if nothing cancelled. */
static double
product (const Search *search, size_t j, double *bound)
{
  double sum = 0;

  *bound = 0;
  for (size_t k = 0; k < search->n_corral; k++)
    {
      size_t i = search->corral[k];
      double term = search->weight[i] * search->gram[i * search->n + j];

      sum += term;
      *bound += fabs (term);
    }
  return sum;
}

/* x . x */
static double
square (const Search *search, double *bound)
{
  double sum = 0;

  *bound = 0;
  for (size_t k = 0; k < search->n_corral; k++)
    {
      size_t j = search->corral[k];
      double b, value = product (search, j, &b);

      sum += search->weight[j] * value;
      *bound += search->weight[j] * b;
    }
  return sum;
}

/* The vector that x . p_j says is to come in, or n: x . x is not above any of them but
 * for rounding. */
static size_t
next_vector (const Search *search)
{
  double bound, here = square (search, &bound), least = INFINITY;
  size_t best = search->n;

  for (size_t j = 0; j < search->n; j++)
    {
      double b, value = product (search, j, &b);
      double rounding = 4 * (double) search->n * DBL_EPSILON * (bound + b);

      if (here - value > rounding && value < least)
        {
          least = value;
          best = j;
        }
    }
  return best;
}

/* v of the corral; FALSE where it is not affinely independent but for rounding. */
static gboolean
solve_hull (const Search *search, double *v)
{
  size_t m = search->n_corral, s = FL_PAD (m);
  g_autofree double *A = g_new0 (double, s * s), *u = g_new0 (double, s);
  double sum = 0;

  for (size_t a = 0; a < m; a++)
    {
      u[a] = 1;
      for (size_t c = a; c < m; c++)
        A[a * s + c] = search->gram[search->corral[a] * search->n + search->corral[c]]
                       + search->shift;
    }
  if (fl_cholesky_solve_f64 (m, A, u) != 0)
    return FALSE;
  for (size_t a = 0; a < m; a++)
    sum += u[a];
  for (size_t a = 0; a < m; a++)
    v[a] = u[a] / sum;
  return TRUE;
}

/* Weights go towards v as far as none becomes negative; those that become 0 leave. */
static void
go_towards (Search *search, const double *v)
{
  double share = 1;
  size_t n = 0, first = search->n_corral;

  for (size_t k = 0; k < search->n_corral; k++)
    {
      double w = search->weight[search->corral[k]];

      if (v[k] <= 0 && (first == search->n_corral || w / (w - v[k]) < share))
        {
          share = w > 0 ? w / (w - v[k]) : 0;
          first = k;
        }
    }
  for (size_t k = 0; k < search->n_corral; k++)
    {
      double *w = &search->weight[search->corral[k]];

      *w = k == first ? 0 : (1 - share) * *w + share * v[k];
      if (*w > 0)
        search->corral[n++] = search->corral[k];
      else
        *w = 0;
    }
  search->n_corral = n;
}

static gboolean
is_positive (size_t n, const double *v)
{
  for (size_t k = 0; k < n; k++)
    if (!(v[k] > 0))
      return FALSE;
  return TRUE;
}

/* Lets p_j in; FALSE where that leads nowhere but for rounding. */
static gboolean
add_vector (Search *search, size_t j)
{
  double v[N_MAX], bound, before = square (search, &bound);

  search->corral[search->n_corral++] = j;
  for (;;)
    {
      gboolean done;

      if (!solve_hull (search, v))
        return FALSE;
      done = is_positive (search->n_corral, v);
      go_towards (search, v);
      if (done)
        return square (search, &bound) < before;
    }
}

gboolean
fl_min_norm (size_t n, const double *gram, double *weights, GError **error)
{
  Search search = { .n = n, .gram = gram, .n_corral = 1 };
  size_t next;

  if (!check_gram (n, gram, error))
    return FALSE;
  for (size_t j = 1; j < n; j++)
    if (gram[j * n + j] < gram[search.corral[0] * (n + 1)])
      search.corral[0] = j;
  search.weight[search.corral[0]] = 1;
  search.shift = gram[search.corral[0] * (n + 1)];
  while ((next = next_vector (&search)) < n)
    {
      Search before = search;

      if (!add_vector (&search, next))
        {
          search = before;
          break;
        }
    }
  memcpy (weights, search.weight, n * sizeof *weights);
  return TRUE;
}
