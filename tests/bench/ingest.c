/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ingest.c: a file of ratings of the 20M shape (user,item,rating,time) to a dataset:
 * parsed, loaded cold with its cache file written, loaded from the cache, split.
 *
 * Limits are the targets in seconds: 200 MB/s of text on each core; 4 s for 20
 * million ratings from cold; a tenth of the time of the cold load from the cache. */
#include "tests/bench/bench.h"

#include <glib/gstdio.h>
#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>

#define PARSE_RATE 200e6
#define COLD_SECONDS 4.0

typedef struct
{
  char *folder, *path;
  double n, bytes;
  double parse_seconds; /* of the last load */
} Text;

static gboolean
text_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .header = TRUE);
  const FlRatingColumns columns
      = FL_RATING_COLUMNS (.user = 1, .item = 2, .rating = 3, .time = 4);
  Text *text = (gpointer) self;
  double begin = bench_now ();
  gboolean done = fl_builder_ratings (builder, text->path, &format, &columns, error);

  (void) seed;
  text->parse_seconds = bench_now () - begin;
  return done;
}

static char **
text_inputs (gconstpointer self, GError **error)
{
  char **inputs = g_new0 (char *, 2);

  (void) error;
  inputs[0] = g_strdup (((const Text *) self)->path);
  return inputs;
}

static const FlSourceOps ops = { .ops_size = sizeof ops, .load = text_load };
static const FlPlugin plugin = FL_DESCRIPTOR (.kind = FL_KIND_SOURCE, .name = "text",
                                              .inputs = text_inputs, .ops = &ops);

/* Writes the ratings as MovieLens-20M has them, user by user. */
static void
text_init (Text *text, const FlRatings *ratings)
{
  const FlCsr *rows = &ratings->by_user;
  FILE *file;

  text->folder = g_dir_make_tmp ("fairlead-bench-XXXXXX", NULL);
  if (text->folder == NULL)
    bench_fail (g_error_new (FL_ERROR, FL_ERROR_SYSTEM, "no folder for temporary files"));
  text->path = g_build_filename (text->folder, "ratings.csv", NULL);
  text->n = (double) ratings->n;
  file = fopen (text->path, "w");
  if (file == NULL)
    bench_fail (g_error_new (FL_ERROR, FL_ERROR_SYSTEM, "cannot write %s", text->path));
  fputs ("userId,movieId,rating,timestamp\n", file);
  for (uint32_t u = 0; u < rows->n_rows; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
      fprintf (file, "%u,%u,%.1f,%u\n", u + 1, rows->col[k] + 1, fl_csr_value (rows, k),
               800000000 + (unsigned) (k * 37 % 600000000));
  text->bytes = (double) ftell (file);
  fclose (file);
  g_setenv ("FAIRLEAD_CACHE", text->folder, TRUE);
}

static void
empty_folder (const Text *text, gboolean all)
{
  g_autoptr (GDir) files = g_dir_open (text->folder, 0, NULL);
  const char *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (text->folder, name, NULL);

      if (all || g_strcmp0 (path, text->path) != 0)
        g_unlink (path);
    }
}

static void
text_clear (Text *text)
{
  empty_folder (text, TRUE);
  g_rmdir (text->folder);
  g_free (text->folder);
  g_free (text->path);
}

static FlDataset *
load (Text *text)
{
  const FlInstance source = { .plugin = &plugin, .self = text, .ops = &ops };
  g_autofree char *path = NULL;
  GError *error = NULL;
  FlDataset *dataset = fl_cache_load (&source, "", NULL, 0, &path, &error);

  if (dataset == NULL)
    bench_fail (error);
  return dataset;
}

static void
load_cached (gpointer text)
{
  fl_dataset_free (load (text));
}

/* Median seconds of cold loads, and of the parsing within them. */
static double
time_cold (Text *text, double *parse)
{
  double cold[3], parsed[3], sum = 0, sum_parsed = 0;
  int worst = 0, best = 0;

  for (int k = 0; k < 3; k++)
    {
      double begin;

      empty_folder (text, FALSE);
      begin = bench_now ();
      load_cached (text);
      cold[k] = bench_now () - begin;
      parsed[k] = text->parse_seconds;
      worst = cold[k] > cold[worst] ? k : worst;
      best = cold[k] < cold[best] ? k : best;
    }
  for (int k = 0; k < 3; k++)
    {
      sum += cold[k];
      sum_parsed += parsed[k];
    }
  *parse = worst == best ? parsed[0] : sum_parsed - parsed[worst] - parsed[best];
  return worst == best ? cold[0] : sum - cold[worst] - cold[best];
}

static void
print_times (Text *text, int threads)
{
  double parse, cold;

  omp_set_num_threads (threads);
  cold = time_cold (text, &parse);
  bench_print ("ingest: parse ratings text, 20M", threads, parse, text->bytes, "byte",
               text->bytes / PARSE_RATE / threads);
  bench_print ("ingest: load cold, 20M", threads, cold, text->n, "rating", COLD_SECONDS);
  bench_print ("ingest: load cached, 20M", threads, bench_time (load_cached, text), text->n,
               "rating", cold / 10);
}

/* What loading from text, and loading from the cache and splitting, take at most,
 * and what the latter holds. */
static void
print_memory (Text *text)
{
  const FlDataKeys keys = { .filter = NULL };
  const FlSplitKeys split_keys = { .test = 0.2 };
  GError *error = NULL;
  FlDataset *dataset;
  FlSplit *split;
  double before, peak;

  empty_folder (text, FALSE);
  malloc_trim (0);
  before = bench_memory ("VmRSS");
  bench_reset_peak ();
  fl_dataset_free (load (text));
  peak = bench_memory ("VmHWM") - before;
  malloc_trim (0);
  before = bench_memory ("VmRSS");
  bench_reset_peak ();
  dataset = load (text);
  split = fl_split_new (dataset, &keys, &split_keys, (FlRepeat) { .seed = 1 }, &error);
  if (split == NULL)
    bench_fail (error);
  printf ("{\"name\": \"ingest: memory, 20M\", \"import_peak_mib\": %.0f, \"cell_mib\": %.0f, "
          "\"cell_peak_mib\": %.0f, \"target_mib\": 420}\n", peak / 1048576,
          (bench_memory ("VmRSS") - before) / 1048576,
          (bench_memory ("VmHWM") - before) / 1048576);
  fl_split_free (split);
  fl_dataset_free (dataset);
}

/* The exponent of time in the number of ratings, from 0.2M to 20M. */
static void
print_growth (void)
{
  static const double scales[] = { 0.01, 0.1, 1 };
  double seconds[3] = { 0 }, n[3] = { 0 }, parse;

  omp_set_num_threads (1);
  for (size_t k = 0; k < G_N_ELEMENTS (scales); k++)
    {
      FlRatings *ratings = ratings_like_20m (scales[k]);
      Text text;

      text_init (&text, ratings);
      fl_ratings_free (ratings);
      seconds[k] = time_cold (&text, &parse);
      n[k] = text.n;
      text_clear (&text);
    }
  printf ("{\"name\": \"ingest growth, load cold\", \"threads\": 1, \"ratings\": [%.0f, %.0f, "
          "%.0f], \"seconds\": [%.4g, %.4g, %.4g], \"exponent\": %.3f, \"target\": 1.05}\n",
          n[0], n[1], n[2], seconds[0], seconds[1], seconds[2],
          log (seconds[2] / seconds[0]) / log (n[2] / n[0]));
}

void
bench_ingest (Bench *bench)
{
  FlRatings *ratings;
  Text text;

  if (!bench_wanted (bench, "ingest"))
    return;
  ratings = ratings_like_20m (1);
  text_init (&text, ratings);
  fl_ratings_free (ratings);
  print_times (&text, 1);
  print_times (&text, omp_get_num_procs ());
  print_memory (&text);
  text_clear (&text);
  print_growth ();
}
