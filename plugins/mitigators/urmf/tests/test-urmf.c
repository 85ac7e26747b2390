/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* urmf: a fit of full batches against one written out again, threads, weights of 0, what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/train/train-room.h"
#include "tests/support/slow.h"

#define N_USERS 19
#define N_ITEMS 13
#define RANK 2
#define N_STEPS 250
#define RATE 0.02
#define DECAY 1e-3
#define SIZE ((N_USERS + N_ITEMS) * (RANK + 1))

#define FULL \
  "rank=2 biases=true precision=double loss=squared batch=1000000 epochs=250 learning-rate=0.02 " \
  "weight-decay=0.001"

static FlRegistry *registry;

/* Objectives by their names, with defaults. */
static FlInstance *
resolve (gpointer user_data, FlKind kind, const char *name, GError **error)
{
  const FlEntry *entry = fl_registry_find (registry, kind, name, error);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  (void) user_data;
  return entry != NULL ? fl_instance_new (entry, NULL, none, NULL, resolve, NULL, error) : NULL;
}

static FlInstance *
make (FlKind kind, const char *name, const char *settings, GError **error)
{
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  g_autoptr (GPtrArray) given
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  const FlEntry *entry = fl_registry_find (registry, kind, name, error);

  for (size_t w = 0; words[w] != NULL; w++)
    {
      g_auto (GStrv) pair = g_strsplit (words[w], "=", 2);

      g_ptr_array_add (given, fl_setting_new (pair[0], pair[1], "test"));
    }
  return entry != NULL ? fl_instance_new (entry, name, given, NULL, resolve, NULL, error) : NULL;
}

static FlRatings *
some_ratings (void)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  FlRng rng = fl_rng (6, "stars", 0);

  for (uint32_t u = 0; u < N_USERS; u++)
    for (uint32_t i = 0; i < N_ITEMS; i++)
      if (u != 5 && fl_rng_uniform (&rng) < 0.5) /* user 5 has no rating */
        fl_triplets_add (triplets, u, i, 1 + 0.1 * fl_rng_below (&rng, 41));
  return fl_triplets_make_ratings (triplets, N_USERS, N_ITEMS, NULL);
}

static size_t
blocks_of (const FlInstance *model, const FlBlock **block)
{
  return ((const FlModelOps *) model->ops)->gradient->blocks (model->self, block);
}

/* ---- written out again ------------------------------------------------------ */

typedef struct
{
  double p[N_USERS][RANK], q[N_ITEMS][RANK], user[N_USERS], item[N_ITEMS];
} Fit;

static void
load_fit (const FlInstance *model, Fit *fit)
{
  const FlBlock *block;
  double *to[] = { fit->p[0], fit->q[0], fit->user, fit->item };

  assert_int_equal (blocks_of (model, &block), 4);
  for (size_t b = 0; b < 4; b++)
    memcpy (to[b], block[b].f64, block[b].n_rows * block[b].n_cols * sizeof (double));
}

static double
error_of (const FlRatings *ratings, const Fit *fit, uint32_t u, size_t k)
{
  uint32_t i = ratings->by_user.col[k];
  double e = fit->user[u] + fit->item[i] - fl_csr_value (&ratings->by_user, k);

  for (size_t a = 0; a < RANK; a++)
    e += fit->p[u][a] * fit->q[i][a];
  return e;
}

/* 1/n sum e^2 + gamma * variance over users of the mean of e^2, and its gradient. */
static double
fit_gradient (const FlRatings *ratings, const Fit *fit, double gamma, Fit *gradient)
{
  const FlCsr *rows = &ratings->by_user;
  double mean[N_USERS] = { 0 }, all = 0, loss = 0, spread = 0, n_users = 0;

  memset (gradient, 0, sizeof *gradient);
  for (uint32_t u = 0; u < N_USERS; u++)
    {
      for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
        {
          double e = error_of (ratings, fit, u, k);

          loss += e * e / (double) ratings->n;
          mean[u] += e * e / (double) (rows->start[u + 1] - rows->start[u]);
        }
      all += mean[u];
      n_users += rows->start[u] < rows->start[u + 1];
    }
  all /= n_users;
  for (uint32_t u = 0; u < N_USERS; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
      {
        uint32_t i = rows->col[k];
        double n = (double) (rows->start[u + 1] - rows->start[u]);
        double e = error_of (ratings, fit, u, k);
        double d = 2 * e / (double) ratings->n
                   + gamma * 2 * (mean[u] - all) / n_users * 2 * e / n;

        spread += (mean[u] - all) * (mean[u] - all) / n_users / n;
        gradient->user[u] += d;
        gradient->item[i] += d;
        for (size_t a = 0; a < RANK; a++)
          {
            gradient->p[u][a] += d * fit->q[i][a];
            gradient->q[i][a] += d * fit->p[u][a];
          }
      }
  return loss + gamma * spread;
}

static double
fit_by_adam (const FlRatings *ratings, double gamma, Fit *fit)
{
  double m[SIZE] = { 0 }, v[SIZE] = { 0 }, loss = 0, *x = (double *) fit;
  Fit gradient;

  G_STATIC_ASSERT (sizeof (Fit) == SIZE * sizeof (double));
  for (int t = 1; t <= N_STEPS; t++)
    {
      loss = fit_gradient (ratings, fit, gamma, &gradient);
      for (size_t k = 0; k < SIZE; k++)
        {
          double g = ((const double *) &gradient)[k] + DECAY * x[k];

          m[k] = 0.9 * m[k] + 0.1 * g;
          v[k] = 0.999 * v[k] + 0.001 * g * g;
          x[k] -= RATE * (m[k] / (1 - pow (0.9, t))) / (sqrt (v[k] / (1 - pow (0.999, t))) + 1e-8);
        }
    }
  return loss;
}

/* The finite differences are of what was written out: its steps are urmf's. */
static void
test_differences (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings ();
  FlRng rng = fl_rng (1, "point", 0);
  Fit at, gradient, unused;
  double worst = 0;

  (void) state;
  for (size_t k = 0; k < SIZE; k++)
    ((double *) &at)[k] = fl_rng_normal (&rng);
  fit_gradient (ratings, &at, 0.7, &gradient);
  for (size_t k = 0; k < SIZE; k++)
    {
      double *x = (double *) &at + k, was = *x, h = 1e-5, up, down;

      *x = was + h;
      up = fit_gradient (ratings, &at, 0.7, &unused);
      *x = was - h;
      down = fit_gradient (ratings, &at, 0.7, &unused);
      *x = was;
      worst = MAX (worst, fabs ((up - down) / (2 * h) - ((const double *) &gradient)[k]));
    }
  print_message ("  largest difference %.2g\n", worst);
  assert_true (worst < 1e-6);
}

/* ---- urmf --------------------------------------------------------------------- */

static void
train (FlInstance *mitigator, FlInstance *model, const FlRatings *ratings, FlRun *run)
{
  FlData data = FL_DATA (.train = ratings);
  FlStage stage = FL_STAGE (.data = &data, .model = model, .run = run);
  GError *error = NULL;

  fl_mitigator_train (mitigator, &stage, &error);
  g_assert_no_error (error);
}

static void
test_full_batches (void **state)
{
  g_autoptr (FlRatings) ratings = some_ratings ();
  g_autoptr (FlInstance) model = make (FL_KIND_MODEL, "bpr-mf", FULL, NULL);
  /* Two penalties, of .3 and .2. */
  g_autoptr (FlInstance) urmf = make (FL_KIND_MITIGATOR, "urmf",
                                      "objective=individual gamma=0.3 objective-2=individual "
                                      "gamma-2=0.2", NULL);
  g_autoptr (FlRun) run = fl_run_new (0, NULL, NULL);
  GError *error = NULL;
  double loss, worst = 0;
  Fit fit, found;

  (void) state;
  ((const FlModelOps *) model->ops)->gradient->start (model->self, ratings, 0, &error);
  g_assert_no_error (error);
  load_fit (model, &fit);
  loss = fit_by_adam (ratings, 0.5, &fit);
  train (urmf, model, ratings, run);
  load_fit (model, &found);
  for (size_t k = 0; k < SIZE; k++)
    worst = MAX (worst, fabs (((const double *) &fit)[k] - ((const double *) &found)[k]));
  print_message ("  loss %.4g, parameters apart by %.2g\n", loss, worst);
  assert_true (loss < 1 && worst < 1e-10);
}

/* All parameters after a training, as bytes. */
static GBytes *
train_bytes (const char *settings, const char *of_model, int n_threads)
{
  g_autoptr (FlRatings) ratings = some_ratings ();
  g_autoptr (FlInstance) model = make (FL_KIND_MODEL, "bpr-mf", of_model, NULL);
  g_autoptr (FlInstance) urmf
      = settings != NULL ? make (FL_KIND_MITIGATOR, "urmf", settings, NULL) : NULL;
  g_autoptr (FlRun) run = fl_run_new (3, NULL, NULL);
  GByteArray *bytes = g_byte_array_new ();
  FlData data = FL_DATA (.train = ratings);
  const FlBlock *block;
  GError *error = NULL;
  size_t n;

  omp_set_num_threads (n_threads);
  if (urmf != NULL)
    train (urmf, model, ratings, run);
  else
    fl_model_fit (model, &data, run, &error);
  g_assert_no_error (error);
  n = blocks_of (model, &block);
  for (size_t b = 0; b < n; b++)
    g_byte_array_append (bytes, block[b].f64 != NULL ? (const guint8 *) block[b].f64
                                                     : (const guint8 *) block[b].f32,
                         (guint) (block[b].n_rows * block[b].n_cols
                                  * (block[b].f64 != NULL ? 8 : 4)));
  return g_byte_array_free_to_bytes (bytes);
}

static void
expect (const char *what, GBytes *a, GBytes *b, gboolean same)
{
  print_message ("  %s: %s\n", what, g_bytes_equal (a, b) ? "the same" : "others");
  assert_int_equal (g_bytes_equal (a, b), same);
}

#define SMALL "rank=3 biases=true loss=squared batch=16 epochs=5 learning-rate=0.05"

static void
test_same_digits (void **state)
{
  g_autoptr (GBytes) plain = train_bytes (NULL, SMALL, 1);
  g_autoptr (GBytes) none = train_bytes ("objective=individual gamma=0", SMALL, 1);
  g_autoptr (GBytes) one = train_bytes ("objective=individual gamma=2", SMALL, 1);
  g_autoptr (GBytes) rare = train_bytes ("objective=individual gamma=2 refresh=7", SMALL, 1);

  (void) state;
  expect ("a weight of 0 and no mitigator", plain, none, TRUE);
  expect ("a weight of 2", plain, one, FALSE);
  expect ("found anew every 7 steps", one, rare, FALSE);
  for (int n_threads = 2; n_threads <= (test_is_slow () ? 1 : 3); n_threads++)
    {
      g_autoptr (GBytes) again = train_bytes ("objective=individual gamma=2", SMALL, n_threads);

      expect ("more threads", one, again, TRUE);
    }
}

static void
test_refused (void **state)
{
  g_autoptr (GError) error = NULL, loss = NULL;
  g_autoptr (FlRatings) ratings = some_ratings ();
  g_autoptr (FlInstance) ranker = make (FL_KIND_MODEL, "bpr-mf", "rank=2", NULL);
  g_autoptr (FlInstance) urmf = make (FL_KIND_MITIGATOR, "urmf", "objective=individual", NULL);
  g_autoptr (FlRun) run = fl_run_new (0, NULL, NULL);
  FlData data = FL_DATA (.train = ratings);
  FlStage stage = FL_STAGE (.data = &data, .model = ranker, .run = run);

  (void) state;
  assert_null (make (FL_KIND_MITIGATOR, "urmf", "objective=ndcg", &error));
  print_message ("  %s\n", error->message);
  assert_non_null (strstr (error->message, "objective 'ndcg' has no gradient"));
  assert_false (fl_mitigator_train (urmf, &stage, &loss));
  print_message ("  %s\n", loss->message);
  assert_non_null (strstr (loss->message, "set 'loss = squared'"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_differences), cmocka_unit_test (test_full_batches),
    cmocka_unit_test (test_same_digits), cmocka_unit_test (test_refused),
  };
  GError *error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  g_assert_no_error (error);
  failed = cmocka_run_group_tests_name ("urmf", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
