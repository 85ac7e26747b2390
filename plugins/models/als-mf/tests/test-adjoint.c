/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A sweep of als-mf backwards: derivatives through one, two and three sweeps against
 * differences of whole runs, by the items at which they begin and by each lambda. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "tests/support/matrix-model.h"
#include "tests/support/slow.h"

#define SWEEPS_MAX 3

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

/* Half of the pairs; user 0 and item 0 have none where there are others.  Whole numbers
 * are stored as float, others as double. */
static FlRatings *
ratings_new (uint32_t n_users, uint32_t n_items, gboolean whole)
{
  g_autofree uint32_t *user = g_new (uint32_t, n_users * n_items);
  g_autofree uint32_t *item = g_new (uint32_t, n_users * n_items);
  g_autofree double *rating = g_new (double, n_users * n_items);
  FlRng rng = fl_rng (3, "ratings", 0);
  FlRatings *ratings;
  size_t n = 0;

  for (uint32_t u = n_users > 1; u < n_users; u++)
    for (uint32_t i = n_items > 1; i < n_items; i++)
      {
        double r = 3 + 2 * sin (u * i + 1) + 0.5 * fl_rng_normal (&rng);

        if (fl_rng_uniform (&rng) < 0.5 && n_users > 1 && n_items > 1)
          continue;
        user[n] = u;
        item[n] = i;
        rating[n++] = whole ? round (r) : r;
      }
  ratings = fl_ratings_new (n_users, n_items, n, user, item, rating, NULL);
  assert_true ((ratings->by_user.f32 != NULL) == whole);
  return ratings;
}

/* ---- a run and its tape ------------------------------------------------ */

typedef struct
{
  FlInstance *model;
  const FlRatings *ratings;
  gboolean biases;
  size_t n_user, n_item, width;      /* numbers of the tables                     */
  double *start;                     /* items                                     */
  double *lambda_user, *lambda_item;
  double *user[SWEEPS_MAX], *item[SWEEPS_MAX + 1]; /* item[0]: the start           */
  double *d_user, *d_item;           /* derivatives                               */
  double *d_lambda_user, *d_lambda_item;
} Case;

static void
case_clear (Case *c)
{
  fl_instance_free (c->model);
  g_free (c->start);
  g_free (c->lambda_user);
  g_free (c->lambda_item);
  for (size_t t = 0; t <= SWEEPS_MAX; t++)
    g_free (c->item[t]);
  for (size_t t = 0; t < SWEEPS_MAX; t++)
    g_free (c->user[t]);
  g_free (c->d_user);
  g_free (c->d_item);
  g_free (c->d_lambda_user);
  g_free (c->d_lambda_item);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, case_clear)

/* Whether number k of a table of items is the 1 that faces users' biases. */
static gboolean
is_one (const Case *c, size_t k)
{
  return c->biases && k % c->width == 0;
}

static void
case_init (Case *c, const char *settings, const FlRatings *ratings, size_t rank)
{
  g_autofree char *all = g_strdup_printf ("rank=%zu %s", rank, settings);
  FlRng rng = fl_rng (7, "adjoint", rank);

  c->model = model_new (g_strchomp (all));
  c->ratings = ratings;
  c->biases = strstr (settings, "biases=true") != NULL;
  c->width = rank + (c->biases ? 2 : 0);
  c->n_user = ratings->n_users * c->width;
  c->n_item = ratings->n_items * c->width;
  c->start = g_new (double, c->n_item);
  /* Numbers that float holds: single and double begin at the same. */
  for (size_t k = 0; k < c->n_item; k++)
    c->start[k] = is_one (c, k) ? 1 : (float) fl_rng_normal (&rng);
  c->lambda_user = g_new (double, ratings->n_users);
  c->lambda_item = g_new (double, ratings->n_items);
  for (size_t u = 0; u < ratings->n_users; u++)
    c->lambda_user[u] = 0.5 + fl_rng_uniform (&rng);
  for (size_t i = 0; i < ratings->n_items; i++)
    c->lambda_item[i] = 0.5 + fl_rng_uniform (&rng);
  for (size_t t = 0; t <= SWEEPS_MAX; t++)
    c->item[t] = g_new (double, c->n_item);
  for (size_t t = 0; t < SWEEPS_MAX; t++)
    c->user[t] = g_new (double, c->n_user);
  c->d_user = g_new (double, c->n_user);
  c->d_item = g_new (double, c->n_item);
  c->d_lambda_user = g_new (double, ratings->n_users);
  c->d_lambda_item = g_new (double, ratings->n_items);
}

static void
start_at (const Case *c, const double *item_factors)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.item_factors = item_factors,
                                                  .lambda_user = c->lambda_user,
                                                  .lambda_item = c->lambda_item);
  GError *error = NULL;

  closed_form (c->model)->start (c->model->self, c->ratings, &start, &error);
  g_assert_no_error (error);
}

static void
copy_table (size_t n, const double *f64, const float *f32, double *to)
{
  for (size_t k = 0; k < n; k++)
    to[k] = f64 != NULL ? f64[k] : (double) f32[k];
}

static void
sweep (const Case *c, double *user, double *item)
{
  GError *error = NULL;
  FlFactors f;

  closed_form (c->model)->sweep (c->model->self, &error);
  g_assert_no_error (error);
  fl_model_factors (c->model, &f, NULL);
  assert_int_equal (f.rank, c->width);
  copy_table (c->n_user, f.user_f64, f.user_f32, user);
  copy_table (c->n_item, f.item_f64, f.item_f32, item);
}

/* A loss of the factors, each number by itself: sum w x + x^2 / 10. */
static double
loss_of (size_t n, const double *x, double phase, double *d_x)
{
  double loss = 0;

  for (size_t k = 0; k < n; k++)
    {
      double w = cos (3 * (double) k + phase);

      loss += w * x[k] + x[k] * x[k] / 10;
      if (d_x != NULL)
        d_x[k] = w + x[k] / 5;
    }
  return loss;
}

/* Leaves the tape in c; the loss after n sweeps. */
static double
run_forward (const Case *c, size_t n_sweeps)
{
  start_at (c, c->start);
  memcpy (c->item[0], c->start, c->n_item * sizeof (double));
  for (size_t t = 0; t < n_sweeps; t++)
    sweep (c, c->user[t], c->item[t + 1]);
  return loss_of (c->n_user, c->user[n_sweeps - 1], 1, NULL)
         + loss_of (c->n_item, c->item[n_sweeps], 2, NULL);
}

/* From the tape in c. */
static void
run_back (const Case *c, size_t n_sweeps)
{
  GError *error = NULL;

  loss_of (c->n_user, c->user[n_sweeps - 1], 1, c->d_user);
  loss_of (c->n_item, c->item[n_sweeps], 2, c->d_item);
  memset (c->d_lambda_user, 0, c->ratings->n_users * sizeof (double));
  memset (c->d_lambda_item, 0, c->ratings->n_items * sizeof (double));
  for (size_t t = n_sweeps; t-- > 0;)
    {
      closed_form (c->model)->sweep_back (c->model->self, c->item[t], c->user[t], c->item[t + 1],
                                          c->d_user, c->d_item, c->d_lambda_user,
                                          c->d_lambda_item, &error);
      g_assert_no_error (error);
      for (size_t k = 0; k < c->n_user; k++)
        assert_true (c->d_user[k] == 0);
    }
}

/* ---- differences ------------------------------------------------------- */

/* d loss / d *x by four runs: the error is of order step^4. */
static double
difference (const Case *c, size_t n_sweeps, double *x)
{
  const double step = 1e-3, here = *x;
  double loss[5] = { 0 };

  for (int k = 0; k < 5; k++)
    if (k != 2)
      {
        *x = here + (k - 2) * step;
        loss[k] = run_forward (c, n_sweeps);
      }
  *x = here;
  return (loss[0] - 8 * loss[1] + 8 * loss[3] - loss[4]) / (12 * step);
}

typedef struct
{
  double largest, error;
} Worst;

static void
compare (Worst *worst, double got, double wanted)
{
  worst->largest = fmax (worst->largest, fabs (wanted));
  worst->error = fmax (worst->error, fabs (got - wanted));
}

/* The derivatives in c against differences of `exact`, the same case in double. */
static void
compare_all (const Case *c, const Case *exact, size_t n_sweeps, Worst worst[3])
{
  for (size_t k = 0; k < c->n_item; k++)
    if (is_one (c, k))
      assert_true (c->d_item[k] == 0);
    else
      compare (&worst[0], c->d_item[k], difference (exact, n_sweeps, &exact->start[k]));
  for (size_t u = 0; u < c->ratings->n_users; u++)
    compare (&worst[1], c->d_lambda_user[u],
             difference (exact, n_sweeps, &exact->lambda_user[u]));
  for (size_t i = 0; i < c->ratings->n_items; i++)
    compare (&worst[2], c->d_lambda_item[i],
             difference (exact, n_sweeps, &exact->lambda_item[i]));
}

/* What user 0 and item 0 pass on, who have no rating. */
static void
assert_silent (const Case *c)
{
  assert_true (c->d_lambda_user[0] == 0 && c->d_lambda_item[0] == 0);
  for (size_t a = 0; a < c->width; a++)
    assert_true (c->d_item[a] == 0);
}

static void
check_differences (const char *settings, const FlRatings *ratings, size_t n_sweeps)
{
  /* A bias alone may then fit all there is, and lambda not matter. */
  gboolean one = ratings->n_users == 1 || ratings->n_items == 1;
  g_auto (Case) c = { 0 };
  Worst worst[3] = { 0 };

  case_init (&c, settings, ratings, 3);
  run_forward (&c, n_sweeps);
  run_back (&c, n_sweeps);
  compare_all (&c, &c, n_sweeps, worst);
  for (size_t k = 0; k < 3; k++)
    if (!(worst[k].error < 1e-8 * fmax (worst[k].largest, 1e-3)
          && (one || worst[k].largest > 0.01)))
      fail_msg ("%s, %zu sweeps, %s: off by %g of %g", settings, n_sweeps,
                k == 0 ? "item" : k == 1 ? "lambda of users" : "lambda of items",
                worst[k].error, worst[k].largest);
  if (!one)
    assert_silent (&c);
}

static const char *const options[] = {
  "",
  "half=true",
  "weighted=true",
  "half=true weighted=true",
  "biases=true",
  "biases=true half=true",
  "biases=true weighted=true",
  "biases=true half=true weighted=true",
  "biases=true regularise-bias=false",
  "biases=true regularise-bias=false half=true",
  "biases=true regularise-bias=false weighted=true",
  "biases=true regularise-bias=false half=true weighted=true",
};

static void
test_differences (void **state)
{
  g_autoptr (FlRatings) exact = ratings_new (9, 8, FALSE), whole = ratings_new (9, 8, TRUE);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (options); k++)
    for (size_t n_sweeps = 1; n_sweeps <= SWEEPS_MAX; n_sweeps++)
      check_differences (options[k], (k + n_sweeps) % 2 == 0 ? exact : whole, n_sweeps);
}

static void
test_one (void **state)
{
  g_autoptr (FlRatings) user = ratings_new (1, 6, FALSE), item = ratings_new (6, 1, TRUE);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (options); k++)
    {
      check_differences (options[k], user, 2);
      check_differences (options[k], item, 2);
    }
}

/* In single the derivative at the single tape: that of a model in double at the same tape, to
 * the digit, and the differences in double as far as float sweeps go. */
static void
test_single (void **state)
{
  g_autoptr (FlRatings) ratings = ratings_new (9, 8, TRUE);

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (options); k++)
    {
      g_autofree char *settings = g_strconcat ("precision=single ", options[k], NULL);
      g_auto (Case) single = { 0 }, exact = { 0 };
      g_autofree double *d_item = NULL, *d_lambda = NULL;
      Worst worst[3] = { 0 };

      case_init (&single, settings, ratings, 3);
      case_init (&exact, options[k], ratings, 3);
      run_forward (&single, SWEEPS_MAX);
      run_back (&single, SWEEPS_MAX);
      d_item = g_memdup2 (single.d_item, single.n_item * sizeof *d_item);
      d_lambda = g_memdup2 (single.d_lambda_user, ratings->n_users * sizeof *d_lambda);

      start_at (&exact, exact.start);
      for (size_t t = 0; t < SWEEPS_MAX; t++)
        {
          memcpy (exact.user[t], single.user[t], exact.n_user * sizeof (double));
          memcpy (exact.item[t], single.item[t], exact.n_item * sizeof (double));
        }
      memcpy (exact.item[SWEEPS_MAX], single.item[SWEEPS_MAX], exact.n_item * sizeof (double));
      run_back (&exact, SWEEPS_MAX);
      assert_memory_equal (exact.d_item, d_item, exact.n_item * sizeof *d_item);
      assert_memory_equal (exact.d_lambda_user, d_lambda, ratings->n_users * sizeof *d_lambda);

      compare_all (&single, &exact, SWEEPS_MAX, worst);
      for (size_t j = 0; j < 3; j++)
        if (!(worst[j].error < 1e-4 * worst[j].largest))
          fail_msg ("%s: off by %g of %g", settings, worst[j].error, worst[j].largest);
    }
}

/* ---- rows of several blocks, threads ----------------------------------- */

/* Along one direction of everything: the sum of derivatives times direction. */
static void
check_direction (const Case *c, size_t n_sweeps)
{
  const double step = 1e-4;
  double got = 0, loss[2];

  run_forward (c, n_sweeps);
  run_back (c, n_sweeps);
  for (int side = 0; side < 2; side++)
    {
      double s = side == 0 ? -step : step;
      g_autofree double *kept = g_memdup2 (c->start, c->n_item * sizeof *kept);

      for (size_t k = 0; k < c->n_item; k++)
        c->start[k] += is_one (c, k) ? 0 : s * sin ((double) k);
      for (size_t u = 0; u < c->ratings->n_users; u++)
        c->lambda_user[u] += s * cos ((double) u);
      for (size_t i = 0; i < c->ratings->n_items; i++)
        c->lambda_item[i] += s * cos (2 * (double) i);
      loss[side] = run_forward (c, n_sweeps);
      memcpy (c->start, kept, c->n_item * sizeof *kept);
      for (size_t u = 0; u < c->ratings->n_users; u++)
        c->lambda_user[u] -= s * cos ((double) u);
      for (size_t i = 0; i < c->ratings->n_items; i++)
        c->lambda_item[i] -= s * cos (2 * (double) i);
    }
  for (size_t k = 0; k < c->n_item; k++)
    got += c->d_item[k] * sin ((double) k);
  for (size_t u = 0; u < c->ratings->n_users; u++)
    got += c->d_lambda_user[u] * cos ((double) u);
  for (size_t i = 0; i < c->ratings->n_items; i++)
    got += c->d_lambda_item[i] * cos (2 * (double) i);
  if (!(fabs (got - (loss[1] - loss[0]) / (2 * step)) < 1e-5 * fabs (got)))
    fail_msg ("along a direction %.9g is not %.9g", got, (loss[1] - loss[0]) / (2 * step));
}

/* Large enough for the model to use threads, and for rows that are taken in parts. */
static void
check_threads (const char *settings, const FlRatings *ratings, size_t rank)
{
  g_auto (Case) one = { 0 };

  omp_set_num_threads (1);
  case_init (&one, settings, ratings, rank);
  check_direction (&one, 2);
  run_forward (&one, 2);
  run_back (&one, 2);
  for (int n_threads = 2; n_threads <= 3; n_threads++)
    {
      g_auto (Case) more = { 0 };

      omp_set_num_threads (n_threads);
      case_init (&more, settings, ratings, rank);
      run_forward (&more, 2);
      run_back (&more, 2);
      assert_memory_equal (one.d_item, more.d_item, one.n_item * sizeof (double));
      assert_memory_equal (one.d_lambda_user, more.d_lambda_user,
                           ratings->n_users * sizeof (double));
      assert_memory_equal (one.d_lambda_item, more.d_lambda_item,
                           ratings->n_items * sizeof (double));
    }
  omp_set_num_threads (1);
}

static void
test_threads (void **state)
{
  g_autoptr (FlRatings) exact = ratings_new (330, 310, FALSE);
  g_autoptr (FlRatings) whole = ratings_new (330, 310, TRUE);

  (void) state;
  TEST_NEEDS_THREADS ();
  check_threads ("", exact, 7);
  check_threads ("biases=true weighted=true", whole, 17);
  check_threads ("half=true biases=true regularise-bias=false", exact, 14);
}

/* ---- the tape found again ---------------------------------------------- */

/* Users and items of each sweep from its kept items alone, and the derivative after
 * such restarts, to the digit. */
static void
check_restart (const char *settings)
{
  g_autoptr (FlRatings) ratings = ratings_new (9, 8, TRUE);
  g_auto (Case) c = { 0 };
  g_autofree double *user = NULL, *item = NULL, *d_item = NULL, *d_lambda = NULL;
  GError *error = NULL;

  case_init (&c, settings, ratings, 3);
  run_forward (&c, SWEEPS_MAX);
  run_back (&c, SWEEPS_MAX);
  d_item = g_memdup2 (c.d_item, c.n_item * sizeof *d_item);
  d_lambda = g_memdup2 (c.d_lambda_user, ratings->n_users * sizeof *d_lambda);
  user = g_new (double, c.n_user);
  item = g_new (double, c.n_item);

  loss_of (c.n_user, c.user[SWEEPS_MAX - 1], 1, c.d_user);
  loss_of (c.n_item, c.item[SWEEPS_MAX], 2, c.d_item);
  memset (c.d_lambda_user, 0, ratings->n_users * sizeof *d_lambda);
  for (size_t t = SWEEPS_MAX; t-- > 0;)
    {
      start_at (&c, c.item[t]);
      sweep (&c, user, item);
      assert_memory_equal (user, c.user[t], c.n_user * sizeof *user);
      assert_memory_equal (item, c.item[t + 1], c.n_item * sizeof *item);
      closed_form (c.model)->sweep_back (c.model->self, c.item[t], user, item, c.d_user, c.d_item,
                                         c.d_lambda_user, NULL, &error);
      g_assert_no_error (error);
    }
  assert_memory_equal (c.d_item, d_item, c.n_item * sizeof *d_item);
  assert_memory_equal (c.d_lambda_user, d_lambda, ratings->n_users * sizeof *d_lambda);
}

static void
test_restart (void **state)
{
  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (options); k++)
    {
      g_autofree char *single = g_strconcat ("precision=single ", options[k], NULL);

      check_restart (options[k]);
      check_restart (single);
    }
}

/* Without lambdas at the start they are the parameter, row by row; derivatives by lambda
 * are added to what is there. */
static void
test_parameter (void **state)
{
  g_autoptr (FlRatings) ratings = ratings_new (9, 8, TRUE);
  g_auto (Case) given = { 0 }, parameter = { 0 };
  GError *error = NULL;

  (void) state;
  case_init (&given, "half=true weighted=true", ratings, 3);
  case_init (&parameter, "half=true weighted=true lambda=0.7", ratings, 3);
  for (size_t u = 0; u < ratings->n_users; u++)
    given.lambda_user[u] = 0.7;
  for (size_t i = 0; i < ratings->n_items; i++)
    given.lambda_item[i] = 0.7;
  g_clear_pointer (&parameter.lambda_user, g_free);
  g_clear_pointer (&parameter.lambda_item, g_free);
  assert_true (run_forward (&given, 2) == run_forward (&parameter, 2));
  run_back (&given, 2);
  run_back (&parameter, 2);
  assert_memory_equal (given.d_item, parameter.d_item, given.n_item * sizeof (double));
  assert_memory_equal (given.d_lambda_user, parameter.d_lambda_user,
                       ratings->n_users * sizeof (double));

  memset (given.d_lambda_item, 0, ratings->n_items * sizeof (double));
  for (int k = 0; k < 2; k++)
    {
      loss_of (given.n_user, given.user[0], 1, given.d_user);
      loss_of (given.n_item, given.item[1], 2, given.d_item);
      closed_form (given.model)->sweep_back (given.model->self, given.item[0], given.user[0],
                                             given.item[1], given.d_user, given.d_item, NULL,
                                             given.d_lambda_item, &error);
      g_assert_no_error (error);
      if (k == 0)
        memcpy (parameter.d_lambda_item, given.d_lambda_item, ratings->n_items * sizeof (double));
    }
  for (size_t i = 0; i < ratings->n_items; i++)
    assert_true (given.d_lambda_item[i] == 2 * parameter.d_lambda_item[i]);
}

/* ---- rows solved right after start ------------------------------------- */

/* y_u = S_u^-1 g_u at the items of the start, by hand; and -y_u . p_u is the derivative
 * by lambda of a loss of the users of the sweep that begins there. */
static void
test_solve_rows (void **state)
{
  g_autoptr (FlRatings) ratings = ratings_new (9, 8, FALSE);
  g_auto (Case) c = { 0 };
  g_autofree double *y = NULL, *g = NULL;
  GError *error = NULL;

  (void) state;
  case_init (&c, "", ratings, 3);
  g = g_new (double, c.n_user);
  y = g_new (double, c.n_user);
  run_forward (&c, 1);
  loss_of (c.n_user, c.user[0], 1, g);
  memcpy (y, g, c.n_user * sizeof *y);
  start_at (&c, c.start);
  assert_true (closed_form (c.model)->solve_rows (c.model->self, FL_SIDE_USER, y, &error));
  for (size_t u = 1; u < ratings->n_users; u++)
    for (size_t a = 0; a < c.width; a++)
      {
        const FlCsr *csr = &ratings->by_user;
        double sum = c.lambda_user[u] * y[u * c.width + a];

        for (size_t k = csr->start[u]; k < csr->start[u + 1]; k++)
          {
            const double *q = c.start + csr->col[k] * c.width;

            sum += q[a] * fl_dot_f64 (c.width, q, y + u * c.width);
          }
        assert_true (fabs (sum - g[u * c.width + a]) < 1e-12);
      }

  memcpy (c.d_user, g, c.n_user * sizeof *g);
  memset (c.d_item, 0, c.n_item * sizeof *g);
  memset (c.d_lambda_user, 0, ratings->n_users * sizeof *g);
  closed_form (c.model)->sweep_back (c.model->self, c.item[0], c.user[0], c.item[1], c.d_user,
                                     c.d_item, c.d_lambda_user, NULL, &error);
  g_assert_no_error (error);
  for (size_t u = 0; u < ratings->n_users; u++)
    assert_true (fabs (c.d_lambda_user[u]
                       + fl_dot_f64 (c.width, y + u * c.width, c.user[0] + u * c.width))
                 < 1e-13);

  /* Users are 0 yet: what stands in the items' equations is lambda. */
  memcpy (c.d_item, c.start, c.n_item * sizeof *y);
  assert_true (closed_form (c.model)->solve_rows (c.model->self, FL_SIDE_ITEM, c.d_item, &error));
  for (size_t k = 0; k < c.n_item; k++)
    {
      size_t i = k / c.width;
      double wanted = i > 0 ? c.start[k] / c.lambda_item[i] : 0;

      assert_true (fabs (c.d_item[k] - wanted) <= 1e-15 * fabs (wanted));
    }
}

/* ---- failures ---------------------------------------------------------- */

static void
assert_refused (const Case *c, const char *what)
{
  GError *error = NULL;

  assert_false (closed_form (c->model)->sweep_back (c->model->self, c->item[0], c->user[0],
                                                    c->item[1], c->d_user, c->d_item, NULL, NULL,
                                                    &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
  print_message ("  %s\n", error->message);
  assert_non_null (strstr (error->message, what));
  g_error_free (error);
}

static void
test_refused (void **state)
{
  g_autoptr (FlRatings) ratings = ratings_new (9, 8, TRUE);
  g_auto (Case) c = { 0 };

  (void) state;
  case_init (&c, "", ratings, 3);
  run_forward (&c, 1);
  loss_of (c.n_user, c.user[0], 1, c.d_user);
  loss_of (c.n_item, c.item[1], 2, c.d_item);
  c.d_item[3 * 3] = NAN;
  assert_refused (&c, "what reaches item 3 is not finite");
  loss_of (c.n_user, c.user[0], 1, c.d_user);
  loss_of (c.n_item, c.item[1], 2, c.d_item);
  c.d_user[2 * 3] = INFINITY;
  assert_refused (&c, "what reaches user 2 is not finite");
  loss_of (c.n_user, c.user[0], 1, c.d_user);
  loss_of (c.n_item, c.item[1], 2, c.d_item);
  c.lambda_item[4] = 0;
  memset (c.user[0], 0, c.n_user * sizeof (double));
  assert_refused (&c, "the equations of item 4 are singular");
}

/* Every y is finite, and what they come to for the items is not: the host looks. */
static void
test_overflow (void **state)
{
  g_autoptr (FlRatings) ratings = ratings_new (9, 8, TRUE);
  g_auto (Case) c = { 0 };
  GError *error = NULL;

  (void) state;
  case_init (&c, "", ratings, 3);
  run_forward (&c, 1);
  memset (c.d_item, 0, c.n_item * sizeof (double));
  for (size_t k = 0; k < c.n_user; k++)
    c.d_user[k] = 1e308;
  assert_false (fl_closed_form_sweep_back (c.model, c.item[0], c.user[0], c.item[1], c.d_user,
                                           c.d_item, NULL, NULL, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_NUMERIC));
  print_message ("  %s\n", error->message);
  assert_non_null (strstr (error->message, "the derivative by item factors"));
  g_error_free (error);
}

/* No rating at all: all derivatives are 0. */
static void
test_empty (void **state)
{
  g_autoptr (FlRatings) ratings = fl_ratings_new (3, 2, 0, NULL, NULL, NULL, NULL);
  g_auto (Case) c = { 0 };

  (void) state;
  case_init (&c, "biases=true", ratings, 2);
  run_forward (&c, 2);
  run_back (&c, 2);
  for (size_t k = 0; k < c.n_item; k++)
    assert_true (c.d_item[k] == 0);
  for (size_t u = 0; u < 3; u++)
    assert_true (c.d_lambda_user[u] == 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_differences), cmocka_unit_test (test_one),
    cmocka_unit_test (test_single),      cmocka_unit_test (test_threads),
    cmocka_unit_test (test_restart),     cmocka_unit_test (test_parameter),
    cmocka_unit_test (test_solve_rows),  cmocka_unit_test (test_refused),
    cmocka_unit_test (test_overflow),    cmocka_unit_test (test_empty),
  };
  int failed;

  registry = fl_registry_new (NULL, NULL);
  failed = cmocka_run_group_tests_name ("sweeps of als-mf backwards", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
