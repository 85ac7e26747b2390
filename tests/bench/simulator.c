/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* simulator.c: figure 5.2 of [yao-dissertation] for all nine pairs of policies: 81
 * cells each, to equilibrium.  Steps end when no rate moves by 1e-12, which leaves
 * them closer than 1e-10 to it.  The limit is the target in seconds. */
#include "tests/bench/bench.h"

#include <omp.h>

#define N_PAIRS 9

typedef struct
{
  FlInstance *pair[N_PAIRS];
} Sweep;

static FlInstance *
make_pair (const Bench *bench, const char *first, const char *second)
{
  static const char *const settings[][2] = {
    { "sweep", "-1; -0.75; -0.5; -0.25; 0; 0.25; 0.5; 0.75; 1" }, { "starts", "1" },
    { "tolerance", "1e-12" },
  };
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_autofree char *policies = g_strconcat (first, " ", second, NULL);
  GError *error = NULL;
  const FlEntry *entry = fl_registry_find (bench->registry, FL_KIND_MITIGATOR, "simulator", &error);
  FlInstance *instance;

  if (entry == NULL)
    bench_fail (error);
  for (size_t k = 0; k < G_N_ELEMENTS (settings); k++)
    g_ptr_array_add (list, fl_setting_new (settings[k][0], settings[k][1], "bench"));
  g_ptr_array_add (list, fl_setting_new ("policies", policies, "bench"));
  instance = fl_instance_new (entry, "bench", list, NULL, NULL, NULL, &error);
  if (instance == NULL)
    bench_fail (error);
  return instance;
}

static void
run_all (gpointer user_data)
{
  Sweep *sweep = user_data;

  for (int k = 0; k < N_PAIRS; k++)
    {
      g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
      g_autoptr (FlOutcome) outcome = fl_outcome_new ();
      const FlStage stage = FL_STAGE (.run = run);
      GError *error = NULL;

      if (!fl_projection_run (sweep->pair[k], &stage, outcome, &error))
        bench_fail (error);
    }
}

void
bench_simulator (const Bench *bench)
{
  static const char *const policy[] = { "UN", "DP", "EqOpt" };
  static const char name[] = "simulator: 81 cells x 9 policy pairs, ";
  Sweep sweep = { 0 };

  if (!bench_wanted (bench, "simulator: 81 cells x 9 policy pairs, 1 thread"))
    return;
  for (int k = 0; k < N_PAIRS; k++)
    sweep.pair[k] = make_pair (bench, policy[k / 3], policy[k % 3]);
  for (int threads = 1; threads <= 2; threads++)
    {
      g_autofree char *label = g_strdup_printf ("%s%d thread%s", name, threads,
                                                threads > 1 ? "s" : "");

      omp_set_num_threads (threads);
      bench_print (label, threads, bench_time (run_all, &sweep), 81.0 * N_PAIRS, "equilibrium",
                   0.3);
    }
  for (int k = 0; k < N_PAIRS; k++)
    fl_instance_free (sweep.pair[k]);
}
