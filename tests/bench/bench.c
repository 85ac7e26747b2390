/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bench.c: times the library on this machine, beside what the machine can do.
 * Nothing here is ever asserted: machines are shared and noisy. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Benchmark announced[64];
static size_t n_announced;

void
bench_announce (Benchmark benchmark)
{
  g_assert (n_announced < G_N_ELEMENTS (announced));
  announced[n_announced++] = benchmark;
}

double
bench_now (void)
{
  return (double) g_get_monotonic_time () * 1e-6;
}

gboolean
bench_wanted (const Bench *bench, const char *name)
{
  return bench->pattern == NULL || strstr (name, bench->pattern) != NULL;
}

static int
compare_doubles (const void *a, const void *b)
{
  const double *x = a, *y = b;

  return (*x > *y) - (*x < *y);
}

double
bench_time (BenchWork work, gpointer user_data)
{
  double seconds[BENCH_RUNS];

  work (user_data);
  for (int k = 0; k < BENCH_RUNS; k++)
    {
      double begin = bench_now ();

      work (user_data);
      seconds[k] = bench_now () - begin;
    }
  qsort (seconds, BENCH_RUNS, sizeof *seconds, compare_doubles);
  return seconds[BENCH_RUNS / 2];
}

void
bench_print (const char *name, int threads, double seconds, double amount, const char *unit,
             double limit)
{
  printf ("{\"name\": \"%s\", \"threads\": %d, \"seconds\": %.6g, \"throughput\": %.6g, "
          "\"unit\": \"%s/s\", ",
          name, threads, seconds, amount / seconds, unit);
  if (limit > 0)
    printf ("\"limit_seconds\": %.4g, \"of_limit\": %.3f}\n", limit, seconds / limit);
  else
    printf ("\"limit_seconds\": null, \"of_limit\": null}\n");
  fflush (stdout);
}

void
bench_fail (GError *error)
{
  fprintf (stderr, "bench: %s\n", error->message);
  exit (1);
}

double
bench_memory (const char *field)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  line = strstr (text, field);
  return line == NULL ? 0 : 1024 * g_ascii_strtod (line + strlen (field) + 1, NULL);
}

void
bench_reset_peak (void)
{
  FILE *file = fopen ("/proc/self/clear_refs", "w");

  if (file == NULL)
    return;
  fputs ("5", file);
  fclose (file);
}

/* settings: "rank=64 precision=single". */
FlInstance *
bench_instance (const Bench *bench, FlKind kind, const char *name, const char *settings)
{
  GError *error = NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", 0);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  const FlEntry *entry = fl_registry_find (bench->registry, kind, name, &error);
  FlInstance *instance;

  if (entry == NULL)
    bench_fail (error);
  for (size_t k = 0; words[k] != NULL; k++)
    {
      g_auto (GStrv) pair = g_strsplit (words[k], "=", 2);

      if (pair[0] != NULL)
        g_ptr_array_add (list, fl_setting_new (pair[0], pair[1], "bench"));
    }
  instance = fl_instance_new (entry, fl_kind_name (kind), list, NULL, NULL, NULL, &error);
  if (instance == NULL)
    bench_fail (error);
  return instance;
}

int
main (int argc, char **argv)
{
  GError *error = NULL;
  Bench bench = { .pattern = argc > 1 ? argv[1] : NULL };

  if (!fl_isa_check (&error))
    bench_fail (error);
  bench.registry = fl_registry_new (NULL, &error);
  if (bench.registry == NULL)
    bench_fail (error);
  bench.machine = machine_measure ();
  bench_startup (&bench);
  bench_ingest (&bench);
  bench_simulator (&bench);
  bench_als (&bench);
  bench_bpr (&bench);
  bench_networks (&bench);
  bench_train (&bench);
  bench_rank (&bench);
  bench_split (&bench);
  for (size_t k = 0; k < n_announced; k++)
    announced[k](&bench);
  fl_ratings_free (bench.ratings_20m);
  fl_ratings_free (bench.ratings_100k);
  fl_ratings_free (bench.ratings_itfr);
  fl_registry_free (bench.registry);
  return 0;
}
