/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-mf's derivatives: the solution of a row against its equations by hand, and
 * the derivative of the converged model against differences of full fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tests/support/matrix-model.h"
#include "tests/support/slow.h"

#define N_USERS 14
#define N_ITEMS 11
#define RANK 3

static FlRegistry *registry;

static FlInstance *
model_new (const char *settings)
{
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  GError *error = NULL;
  FlInstance *model = test_instance_new (registry, FL_KIND_MODEL, "als-mf",
                                         (const char *const *) words, &error);

  g_assert_no_error (error);
  return model;
}

static const FlClosedFormOps *
closed_form (const FlInstance *model)
{
  return ((const FlModelOps *) model->ops)->closed_form;
}

static FlFactors
factors_of (const FlInstance *model)
{
  FlFactors factors;

  fl_model_factors (model, &factors, NULL);
  return factors;
}

/* Half of the pairs; user 0 and item 0 have none.  The rating at `bumped`
 * is higher by `bump`. */
static FlRatings *
ratings_with (size_t bumped, double bump)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  FlRng rng = fl_rng (3, "ratings", 0);

  for (uint32_t u = 1; u < N_USERS; u++)
    for (uint32_t i = 1; i < N_ITEMS; i++)
      {
        double r = 3 + 2 * sin (u * i) + 0.5 * fl_rng_normal (&rng);

        if (fl_rng_uniform (&rng) >= 0.5)
          fl_triplets_add (triplets, u, i, r + (triplets->n == bumped ? bump : 0));
      }
  return fl_triplets_make_ratings (triplets, N_USERS, N_ITEMS, NULL);
}

static void
converge (FlInstance *model, const FlRatings *ratings, const double *item_factors)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.item_factors = item_factors, .seed = 5);
  GError *error = NULL;

  closed_form (model)->start (model->self, ratings, &start, &error);
  g_assert_no_error (error);
  closed_form (model)->converge (model->self, NULL, &error);
  g_assert_no_error (error);
}

/* A loss over all pairs: sum w_ui s_ui + s_ui^2 / 10. */
static double
weight (size_t u, size_t i)
{
  return cos (3 * (double) u + 5 * (double) i);
}

static double
loss_of (const FlFactors *f, double *d_user, double *d_item)
{
  double loss = 0;

  for (size_t u = 0; u < f->n_users; u++)
    for (size_t i = 0; i < f->n_items; i++)
      {
        const double *p = f->user_f64 + u * f->rank, *q = f->item_f64 + i * f->rank;
        double s = fl_dot_f64 (f->rank, p, q), g = weight (u, i) + s / 5;

        loss += weight (u, i) * s + s * s / 10;
        for (size_t a = 0; a < f->rank && d_user != NULL; a++)
          {
            d_user[u * f->rank + a] += g * q[a];
            d_item[i * f->rank + a] += g * p[a];
          }
      }
  return loss;
}

/* As far as the digits go. */
#define CONVERGED "rank=3 tolerance=0 sweeps=1500 start-scale=1 "

/* d loss / d rating k by the implicit function theorem and by two fits. */
static void
check_implicit (const char *settings)
{
  g_autofree char *all = g_strconcat (CONVERGED, settings, NULL);
  g_autoptr (FlInstance) model = model_new (all), other = model_new (all);
  g_autoptr (FlRatings) ratings = ratings_with (0, 0);
  const double step = 1e-4;
  g_autofree double *y_user = NULL, *y_item = NULL;
  GError *error = NULL;
  FlSolution how;
  FlFactors f;
  double worst = 0, largest = 0;

  converge (model, ratings, NULL);
  f = factors_of (model);
  y_user = g_new0 (double, N_USERS * f.rank);
  y_item = g_new0 (double, N_ITEMS * f.rank);
  loss_of (&f, y_user, y_item);
  closed_form (model)->solve_hessian (model->self, 1e-10, 200, y_user, y_item, &how, &error);
  g_assert_no_error (error);
  assert_false (how.negative_curvature);
  for (size_t k = 0; k < ratings->n; k += test_is_slow () ? 60 : 6)
    {
      uint32_t u = 0, i = ratings->by_user.col[k];
      double loss[2], got, wanted;

      while (ratings->by_user.start[u + 1] <= k)
        u++;
      for (int side = 0; side < 2; side++)
        {
          g_autoptr (FlRatings) bumped = ratings_with (k, side == 0 ? -step : step);
          FlFactors moved;

          converge (other, bumped, f.item_f64);
          moved = factors_of (other);
          loss[side] = loss_of (&moved, NULL, NULL);
        }
      wanted = (loss[1] - loss[0]) / (2 * step);
      got = fl_dot_f64 (f.rank, f.item_f64 + i * f.rank, y_user + u * f.rank)
            + fl_dot_f64 (f.rank, f.user_f64 + u * f.rank, y_item + i * f.rank);
      worst = fmax (worst, fabs (got - wanted));
      largest = fmax (largest, fabs (wanted));
    }
  print_message ("  %s: largest derivative %.4g, largest difference %.2g, %zu iterations\n",
                 settings, largest, worst, how.n_iterations);
  assert_true (worst < 1e-5 * largest);
}

static void
test_implicit (void **state)
{
  (void) state;
  check_implicit ("lambda=0.5");
  check_implicit ("lambda=2 half=true");
  check_implicit ("lambda=0.2 weighted=true");
  check_implicit ("lambda=1 biases=true");
}

/* S x = b with S = sum p p' + lambda I over the row's ratings. */
static void
test_solve_rows (void **state)
{
  g_autoptr (FlInstance) model = model_new ("rank=3 lambda=0.7 sweeps=3");
  g_autoptr (FlRatings) ratings = ratings_with (0, 0);
  double rows[N_ITEMS * RANK], b[N_ITEMS * RANK];
  GError *error = NULL;
  FlFactors f;

  (void) state;
  converge (model, ratings, NULL);
  f = factors_of (model);
  for (size_t k = 0; k < N_ITEMS * RANK; k++)
    rows[k] = b[k] = cos ((double) k);
  closed_form (model)->solve_rows (model->self, FL_SIDE_ITEM, rows, &error);
  g_assert_no_error (error);
  for (size_t i = 0; i < N_ITEMS; i++)
    for (size_t a = 0; a < RANK; a++)
      {
        const FlCsr *csr = &ratings->by_item;
        const double *x = rows + i * RANK;
        double sum = csr->start[i] < csr->start[i + 1] ? 0.7 * x[a] : b[i * RANK + a];

        for (size_t k = csr->start[i]; k < csr->start[i + 1]; k++)
          {
            const double *p = f.user_f64 + csr->col[k] * RANK;

            sum += p[a] * fl_dot_f64 (RANK, p, x);
          }
        assert_true (fabs (sum - b[i * RANK + a]) < 1e-12);
      }
}

/* In float the same derivative comes out to fewer digits. */
static void
test_single (void **state)
{
  g_autoptr (FlInstance) exact = model_new ("rank=3 lambda=1 tolerance=1e-9 start-scale=1");
  g_autoptr (FlInstance) single
      = model_new ("rank=3 lambda=1 tolerance=1e-9 start-scale=1 precision=single");
  g_autoptr (FlRatings) ratings = ratings_with (0, 0);
  double y[2][(N_USERS + N_ITEMS) * RANK];
  GError *error = NULL;
  FlSolution how;

  (void) state;
  for (int k = 0; k < 2; k++)
    {
      FlInstance *model = k == 0 ? exact : single;

      converge (model, ratings, NULL);
      for (size_t j = 0; j < (N_USERS + N_ITEMS) * RANK; j++)
        y[k][j] = 0;
      for (size_t j = 0; j < N_ITEMS; j++)
        y[k][(N_USERS + j) * RANK] = 1;
      closed_form (model)->solve_hessian (model->self, 0.1, 3, y[k], y[k] + N_USERS * RANK, &how,
                                          &error);
      g_assert_no_error (error);
    }
  for (size_t j = 0; j < (N_USERS + N_ITEMS) * RANK; j++)
    assert_true (fabs (y[0][j] - y[1][j]) < 1e-2);
}

/* At factors of no meaning a direction of negative curvature is found. */
static void
test_negative (void **state)
{
  g_autoptr (FlInstance) model = model_new ("rank=3 lambda=0.001 start-scale=0.01");
  g_autoptr (FlRatings) ratings = ratings_with (0, 0);
  double d_user[N_USERS * RANK] = { 0 }, d_item[N_ITEMS * RANK];
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 5);
  GError *error = NULL;
  FlSolution how;

  (void) state;
  closed_form (model)->start (model->self, ratings, &start, &error);
  closed_form (model)->sweep (model->self, &error);
  g_assert_no_error (error);
  for (size_t k = 0; k < N_ITEMS * RANK; k++)
    d_item[k] = cos ((double) k);
  closed_form (model)->solve_hessian (model->self, 1e-8, 100, d_user, d_item, &how, &error);
  g_assert_no_error (error);
  assert_true (how.negative_curvature);
  for (size_t k = 0; k < N_ITEMS * RANK; k++)
    assert_true (isfinite (d_item[k]));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_solve_rows),
    cmocka_unit_test (test_implicit),
    cmocka_unit_test (test_single),
    cmocka_unit_test (test_negative),
  };
  int failed;

  registry = fl_registry_new (NULL, NULL);
  failed = cmocka_run_group_tests_name ("derivatives of als-mf", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
