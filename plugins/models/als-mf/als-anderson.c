/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-anderson.c: Anderson acceleration of a fixed-point iteration x <- g (x)
 * [Walker and Ni 2011, type II].
 *
 * With residuals f = g (x) - x, and D_f, D_g the differences between successive
 * f and g of the last `window` steps, the next x is
 *
 *   g - D_g c,   c = argmin |f - D_f c|.
 */
#include "als-mf.h"

#include <math.h>
#include <string.h>

void
als_anderson_free (AlsAnderson *anderson)
{
  if (anderson == NULL)
    return;
  g_free (anderson->x);
  g_free (anderson->y);
  g_free (anderson->f);
  g_free (anderson->g);
  g_free (anderson->d_f);
  g_free (anderson->d_g);
  g_free (anderson);
}

AlsAnderson *
als_anderson_new (size_t n, size_t window, GError **error)
{
  AlsAnderson *anderson = g_new0 (AlsAnderson, 1);

  anderson->n = n;
  anderson->window = window;
  if ((anderson->x = fl_alloc (n, sizeof (double), error)) != NULL
      && (anderson->y = fl_alloc (n, sizeof (double), error)) != NULL
      && (anderson->f = fl_alloc (n, sizeof (double), error)) != NULL
      && (anderson->g = fl_alloc (n, sizeof (double), error)) != NULL
      && (anderson->d_f = fl_alloc (n, window * sizeof (double), error)) != NULL
      && (anderson->d_g = fl_alloc (n, window * sizeof (double), error)) != NULL)
    return anderson;
  als_anderson_free (anderson);
  return NULL;
}

/* Takes (f, g) of this step in, and its difference from the step before in
 * place of the oldest. */
static void
remember (AlsAnderson *anderson)
{
  size_t n = anderson->n;
  double *d_f = anderson->d_f + anderson->next * n, *d_g = anderson->d_g + anderson->next * n;

  for (size_t k = 0; k < n; k++)
    {
      double f = anderson->y[k] - anderson->x[k];

      d_f[k] = f - anderson->f[k];
      d_g[k] = anderson->y[k] - anderson->g[k];
      anderson->f[k] = f;
      anderson->g[k] = anderson->y[k];
    }
  if (anderson->started)
    {
      anderson->next = (anderson->next + 1) % anderson->window;
      anderson->n_used = MIN (anderson->n_used + 1, anderson->window);
    }
  anderson->started = TRUE;
}

/* c by the normal equations of D_f with columns of length 1.  FALSE when they
 * are dependent. */
static gboolean
coefficients (const AlsAnderson *anderson, double *c)
{
  size_t m = anderson->n_used, n = anderson->n, pad = FL_PAD (m);
  double A[FL_PAD (ALS_WINDOW_MAX) * FL_PAD (ALS_WINDOW_MAX)] = { 0 }, length[ALS_WINDOW_MAX];

  for (size_t a = 0; a < m; a++)
    {
      const double *column = anderson->d_f + a * n;

      length[a] = sqrt (fl_dot_f64 (n, column, column));
      if (!(length[a] > 0))
        return FALSE;
      c[a] = fl_dot_f64 (n, column, anderson->f) / length[a];
      for (size_t b = 0; b <= a; b++)
        A[b * pad + a] = fl_dot_f64 (n, column, anderson->d_f + b * n) / (length[a] * length[b]);
    }
  if (fl_cholesky_solve_f64 (m, A, c) != 0)
    return FALSE;
  for (size_t a = 0; a < m; a++)
    c[a] /= length[a];
  return TRUE;
}

void
als_anderson_step (AlsAnderson *anderson)
{
  double c[FL_PAD (ALS_WINDOW_MAX)];
  size_t n = anderson->n;

  remember (anderson);
  memcpy (anderson->x, anderson->y, n * sizeof (double));
  if (coefficients (anderson, c))
    for (size_t a = 0; a < anderson->n_used; a++)
      for (size_t k = 0; k < n; k++)
        anderson->x[k] -= c[a] * anderson->d_g[a * n + k];
  else
    anderson->n_used = anderson->next = 0;
}

void
als_anderson_reject (AlsAnderson *anderson)
{
  anderson->n_used = anderson->next = 0;
  memcpy (anderson->x, anderson->g, anderson->n * sizeof (double));
}
