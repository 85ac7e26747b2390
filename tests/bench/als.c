/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als.c: iterations of explicit ALS, R_pol and memory, on the 20M shape and
 * smaller. */
#include "tests/bench/bench.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* Seconds that one iteration in float needs at least, on one thread:
 *
 *   2 n k (k + 1) flop of normal equations, both sides, at half the speed of a
 *     large product, which is what small ones reach,
 *   + (U + I) factorisations of k^3 / 3 flop at the k / 420 of that speed that
 *     LAPACK reaches for k from 64 to 128 (275 K/s at 64 beside 158 Gflop/s),
 *   + 2 n gathered rows, each at the cost of its bytes in random rows of 256,
 *     but of no less than half a one.
 *
 * With 158 Gflop/s and 66 million rows a second: 3.3 s at rank 64.  Twice that
 * in double. */
static double
als_limit (const Machine *machine, const FlRatings *ratings, size_t rank, gboolean single)
{
  double k = (double) rank, n = (double) ratings->n;
  double rows = (double) ratings->n_users + (double) ratings->n_items;
  double limit = 2 * n * k * (k + 1) / (machine->sgemm / 2)
                 + rows * k * k * k / 3 / (machine->sgemm * k / 420)
                 + 2 * n * MAX (0.5, k * sizeof (float) / 256) / machine->rows;

  return single ? limit : 2 * limit;
}

static const FlClosedFormOps *
closed_form (const FlInstance *model)
{
  const FlModelOps *ops = model->ops;

  return ops->closed_form;
}

static FlInstance *
als_started (const Bench *bench, const FlRatings *ratings, size_t rank, gboolean single)
{
  GError *error = NULL;
  g_autofree char *settings = g_strdup_printf ("rank=%zu lambda=5 precision=%s", rank,
                                               single ? "single" : "double");
  FlInstance *model = bench_instance (bench, FL_KIND_MODEL, "als-mf", settings);
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 1);

  if (!closed_form (model)->start (model->self, ratings, &start, &error))
    bench_fail (error);
  return model;
}

static void
sweep (gpointer user_data)
{
  const FlInstance *model = user_data;
  GError *error = NULL;

  if (!closed_form (model)->sweep (model->self, &error))
    bench_fail (error);
}

static void
time_als (Bench *bench, const FlRatings *(*get) (Bench *bench), const char *data, size_t rank,
          gboolean single, int threads)
{
  g_autofree char *name = g_strdup_printf ("als iteration, %s, rank %zu, %s", data, rank,
                                           single ? "single" : "double");
  g_autoptr (FlInstance) model = NULL;
  const FlRatings *ratings;

  if (!bench_wanted (bench, name) || (ratings = get (bench)) == NULL)
    return;
  omp_set_num_threads (threads);
  model = als_started (bench, ratings, rank, single);
  bench_print (name, threads, bench_time (sweep, model), (double) ratings->n, "rating",
               als_limit (&bench->machine, ratings, rank, single) / threads);
}

/* A sweep backwards: its tape, and the derivatives, which begin anew each time. */
typedef struct
{
  FlInstance *model;
  size_t n_user, n_item; /* numbers of the tables */
  double *item_before, *user, *item, *d_user, *d_item, *d_lambda;
} Tape;

static void
tape_clear (Tape *tape)
{
  fl_instance_free (tape->model);
  g_free (tape->item_before);
  g_free (tape->user);
  g_free (tape->item);
  g_free (tape->d_user);
  g_free (tape->d_item);
  g_free (tape->d_lambda);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tape, tape_clear)

static double *
copy_table (size_t n, const double *f64, const float *f32)
{
  double *copy = g_new (double, n);

  for (size_t k = 0; k < n; k++)
    copy[k] = f64 != NULL ? f64[k] : (double) f32[k];
  return copy;
}

/* The third sweep of a model. */
static void
tape_init (Tape *tape, FlInstance *model)
{
  GError *error = NULL;
  FlFactors f;

  tape->model = model;
  sweep (model);
  sweep (model);
  if (!fl_model_factors (model, &f, &error))
    bench_fail (error);
  tape->n_user = f.n_users * f.rank;
  tape->n_item = f.n_items * f.rank;
  tape->item_before = copy_table (tape->n_item, f.item_f64, f.item_f32);
  sweep (model);
  tape->user = copy_table (tape->n_user, f.user_f64, f.user_f32);
  tape->item = copy_table (tape->n_item, f.item_f64, f.item_f32);
  tape->d_user = g_new (double, tape->n_user);
  tape->d_item = g_new (double, tape->n_item);
  tape->d_lambda = g_new0 (double, f.n_users);
}

static void
sweep_back (gpointer user_data)
{
  Tape *tape = user_data;
  GError *error = NULL;

  memcpy (tape->d_user, tape->user, tape->n_user * sizeof *tape->d_user);
  memcpy (tape->d_item, tape->item, tape->n_item * sizeof *tape->d_item);
  if (!fl_closed_form_sweep_back (tape->model, tape->item_before, tape->user, tape->item,
                                  tape->d_user, tape->d_item, tape->d_lambda, NULL, &error))
    bench_fail (error);
}

/* A derivative through sweeps costs these, and as many back; and these again where the
 * tape is not kept.  Target: back at the cost of two sweeps. */
static void
time_back (Bench *bench, const FlRatings *(*get) (Bench *bench), const char *data, size_t rank,
           gboolean single, int threads)
{
  g_autofree char *name = g_strdup_printf ("als sweep_back, %s, rank %zu, %s", data, rank,
                                           single ? "single" : "double");
  g_auto (Tape) tape = { 0 };
  const FlRatings *ratings;
  double forward, back;

  if (!bench_wanted (bench, name) || (ratings = get (bench)) == NULL)
    return;
  omp_set_num_threads (threads);
  tape_init (&tape, als_started (bench, ratings, rank, single));
  forward = bench_time (sweep, tape.model);
  back = bench_time (sweep_back, &tape);
  printf ("{\"name\": \"%s\", \"threads\": %d, \"seconds\": %.6g, \"sweep_seconds\": %.6g, "
          "\"ratio\": %.3f, \"target\": 2}\n",
          name, threads, back, forward, back / forward);
  fflush (stdout);
}

static void
print_memory (const char *name, double bytes, double target)
{
  printf ("{\"name\": \"%s\", \"mb\": %.1f, \"target_mb\": %.0f}\n", name, bytes / 1e6, target);
}

static void
memory_of_als (Bench *bench, const char *name)
{
  const FlRatings *ratings = ratings_20m (bench);
  g_autoptr (FlInstance) model = NULL;

  omp_set_num_threads (omp_get_num_procs ());
  bench_reset_peak ();
  model = als_started (bench, ratings, 64, TRUE);
  sweep (model);
  print_memory (name, bench_memory ("VmHWM"), 520);
}

static void
bench_memory_rows (Bench *bench)
{
  static const char loaded[] = "memory: 20M ratings both ways",
                    fitted[] = "memory: als, 20M, rank 64, single, peak";

  if (bench_wanted (bench, loaded) && ratings_20m (bench) != NULL)
    print_memory (loaded, bench->ratings_20m_bytes, 420);
  if (bench_wanted (bench, fitted))
    memory_of_als (bench, fitted);
}

typedef struct
{
  FlInstance *objective;
  FlView *view;
} Polarization;

static void
evaluate (gpointer user_data)
{
  Polarization *polarization = user_data;
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  GError *error = NULL;

  if (!fl_objective_run (polarization->objective, NULL, polarization->view, 0, outcome, &error))
    bench_fail (error);
}

/* The limit is the target in seconds: there is no formula for it. */
static void
time_polarization (Bench *bench, gboolean single, int threads)
{
  g_autofree char *name = g_strdup_printf ("R_pol, 20M, rank 64, %s", single ? "single" : "double");
  GError *error = NULL;
  const FlRatings *ratings;
  FlData data = FL_DATA (.train = NULL);
  g_autoptr (FlInstance) model = NULL, objective = NULL;
  g_autoptr (FlView) view = NULL;

  if (!bench_wanted (bench, name))
    return;
  ratings = data.train = ratings_20m (bench);
  omp_set_num_threads (threads);
  model = als_started (bench, ratings, 64, single);
  objective = bench_instance (bench, FL_KIND_OBJECTIVE, "polarization", "");
  sweep (model);
  view = fl_view_of (&data, NULL, FL_PART_TRAIN, model, &error);
  if (view == NULL)
    bench_fail (error);
  bench_print (name, threads, bench_time (evaluate, &(Polarization) { objective, view }),
               (double) ratings->n_users + (double) ratings->n_items, "row", 0.02);
}

/* The exponent of time in the number of ratings, from 0.2M to 20M. */
static void
time_growth (const Bench *bench)
{
  static const double scales[] = { 0.01, 0.1, 1 };
  double seconds[3] = { 0 }, n[3] = { 0 };

  if (!bench_wanted (bench, "als growth"))
    return;
  omp_set_num_threads (1);
  for (size_t k = 0; k < G_N_ELEMENTS (scales); k++)
    {
      g_autoptr (FlRatings) ratings = ratings_like_20m (scales[k]);
      g_autoptr (FlInstance) model = als_started (bench, ratings, 64, TRUE);

      seconds[k] = bench_time (sweep, model);
      n[k] = (double) ratings->n;
    }
  printf ("{\"name\": \"als growth, rank 64, single\", \"threads\": 1, \"ratings\": [%.0f, %.0f, "
          "%.0f], \"seconds\": [%.4g, %.4g, %.4g], \"exponent\": %.3f, \"target\": 1.05}\n",
          n[0], n[1], n[2], seconds[0], seconds[1], seconds[2],
          log (seconds[2] / seconds[0]) / log (n[2] / n[0]));
}

void
bench_als (Bench *bench)
{
  static const size_t ranks[] = { 64, 10, 128 };

  bench_memory_rows (bench);
  for (int threads = 1; threads <= 2; threads++)
    for (int single = 1; single >= 0; single--)
      {
        time_polarization (bench, single, threads);
        for (size_t k = 0; k < G_N_ELEMENTS (ranks); k++)
          {
            time_als (bench, ratings_100k, "ML-100K", ranks[k], single, threads);
            time_als (bench, ratings_20m, "20M", ranks[k], single, threads);
          }
        time_back (bench, ratings_100k, "ML-100K", 30, single, threads);
        time_back (bench, ratings_20m, "20M", 64, single, threads);
      }
  time_growth (bench);
}
