/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bench.c: gradients by antidote ratings and steps of algorithm 1, on 1000 users
 * x 1000 items, 11% known, with 10 antidote users at rank 4; and the memory of
 * both gradients of R_pol on the 20M shape.  The limits are the targets in
 * seconds: there is no formula for them. */
#include "plugins/mitigators/antidote/antidote.h"
#include "tests/bench/bench.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#define N 1000
#define N_ROWS 10

typedef struct
{
  const Bench *bench;
  FlData data;
  FlRun *run;
  FlStage stage;
  FlInstance *model;
  Antidote self;
  double range[2], steps[9];
  AntidoteTrial trial;
  double *rows, *gradient;
  int how;
} Work;

/* A rank-3 truth with noise, in whole stars; popular items are known more often. */
static FlRatings *
some_ratings (void)
{
  GError *error = NULL;
  g_autofree uint32_t *user = g_new (uint32_t, N * N), *item = g_new (uint32_t, N * N);
  g_autofree double *rating = g_new (double, N * N);
  FlRatings *ratings;
  size_t n = 0;

  for (uint32_t u = 0; u < N; u++)
    {
      FlRng rng = fl_rng (7, "antidote bench", u);

      for (uint32_t i = 0; i < N; i++)
        {
          double share = 0.22 * (1 - (double) i / N), noise = fl_rng_normal (&rng);
          double r = 3.6 + 0.6 * sin (u * 1.7) * cos (i * 0.3)
                     + 0.5 * sin (u + 3.0 * i) / (1 + i % 5) + 0.5 * cos (i * 1.1) + 0.8 * noise;

          if (fl_rng_uniform (&rng) >= share)
            continue;
          user[n] = u;
          item[n] = i;
          rating[n++] = CLAMP (round (r), 1, 5);
        }
    }
  ratings = fl_ratings_new (N, N, n, user, item, rating, &error);
  if (ratings == NULL)
    bench_fail (error);
  return ratings;
}

static void
work_clear (Work *w)
{
  antidote_trial_clear (&w->trial);
  fl_instance_free (w->self.objective);
  fl_instance_free (w->model);
  fl_run_free (w->run);
  g_free (w->rows);
  g_free (w->gradient);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static void
work_init (Work *w, const Bench *bench, const FlRatings *ratings, const char *model, double budget)
{
  static const double steps[] = { 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100 };
  GError *error = NULL;

  *w = (Work) { .bench = bench, .data = { .train = ratings }, .range = { 0, 5 },
                .run = fl_run_new (1, NULL, NULL),
                .model = bench_instance (bench, FL_KIND_MODEL, "als-mf", model) };
  memcpy (w->steps, steps, sizeof steps);
  w->stage = FL_STAGE (.data = &w->data, .model = w->model, .run = w->run);
  w->self = (Antidote) { .objective = bench_instance (bench, FL_KIND_OBJECTIVE, "polarization", ""),
                         .budget = budget, .range = { 2, w->range }, .cg_tolerance = 0.1,
                         .cg_iterations = 20, .steps = 5, .restarts = 1, .patience = 100,
                         .trial_sweeps = 5,
                         .step_sizes = { G_N_ELEMENTS (steps), w->steps } };
  if (!antidote_trial_init (&w->trial, &w->self, &w->stage, w->model, &error))
    bench_fail (error);
  w->rows = g_new (double, w->trial.n_rows * w->trial.n_cols);
  w->gradient = g_new (double, w->trial.n_rows * w->trial.n_cols);
}

static void
fit_random (Work *w)
{
  GError *error = NULL;
  AntidoteValue value;

  antidote_random (&w->trial, 1, "bench", w->rows);
  if (!antidote_fit (&w->trial, w->rows, FALSE, &value, &error))
    bench_fail (error);
}

static void
gradient (gpointer user_data)
{
  Work *w = user_data;
  GError *error = NULL;

  if (!antidote_gradient (&w->trial, w->how, w->gradient, &error))
    bench_fail (error);
}

static void
descend (gpointer user_data)
{
  Work *w = user_data;
  GError *error = NULL;
  AntidoteValue best;

  if (!antidote_descend (&w->trial, w->rows, &best, &error))
    bench_fail (error);
}

static void
time_small (const Bench *bench, int threads)
{
  static const char *const names[] = { "antidote gradient, eq. 9, 1000 x 1000, rank 4",
                                       "antidote gradient, exact, 1000 x 1000, rank 4",
                                       "antidote step, 1000 x 1000, rank 4" };
  static const double limits[] = { 0.004, 0.06, 0.06 };
  g_autoptr (FlRatings) ratings = NULL;
  g_auto (Work) w = { 0 };

  if (!bench_wanted (bench, names[0]) && !bench_wanted (bench, names[1])
      && !bench_wanted (bench, names[2]))
    return;
  omp_set_num_threads (threads);
  ratings = some_ratings ();
  work_init (&w, bench, ratings,
             "rank=4 lambda=0.1 tolerance=1e-4 acceleration=anderson", N_ROWS);
  fit_random (&w);
  for (int k = 0; k < 3; k++)
    if (bench_wanted (bench, names[k]))
      {
        double seconds;

        w.how = k;
        seconds = bench_time (k < 2 ? gradient : descend, &w);
        bench_print (names[k], threads, k < 2 ? seconds : seconds / (double) w.self.steps, 1,
                     k < 2 ? "gradient" : "step", limits[k]);
      }
}

/* The peak of a fit with antidote users and of both gradients, ratings and the
 * fit without them included. */
static void
memory_of_20m (Bench *bench)
{
  static const char name[] = "memory: antidote for R_pol, 20M, 0.1%, rank 16, peak";
  const FlRatings *ratings;
  g_auto (Work) w = { 0 };

  if (!bench_wanted (bench, name) || (ratings = ratings_20m (bench)) == NULL)
    return;
  omp_set_num_threads (omp_get_num_procs ());
  bench_reset_peak ();
  work_init (&w, bench, ratings, "rank=16 lambda=5 sweeps=3", 0.001);
  fit_random (&w);
  for (w.how = 0; w.how < 2; w.how++)
    gradient (&w);
  printf ("{\"name\": \"%s\", \"mb\": %.1f, \"target_mb\": 4000}\n", name,
          bench_memory ("VmHWM") / 1e6);
  fflush (stdout);
}

static void
bench_antidote (Bench *bench)
{
  for (int threads = 1; threads <= 2; threads++)
    time_small (bench, threads);
  memory_of_20m (bench);
}

BENCH (bench_antidote)
