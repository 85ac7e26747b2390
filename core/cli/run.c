/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* run.c: `fairlead run FILE`: computes a pipeline's cells and compares them. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/cli/cells.h"
#include "core/cli/cli.h"
#include "core/cli/gate.h"
#include "core/cli/guard.h"
#include "core/cli/meter.h"
#include "core/cli/show.h"

#define WORKERS_MAX 1024
/* A worker cannot do anything with less. */
#define MEMORY_MIN (16u << 20)
/* What is lost of a training that is interrupted. */
#define CHECKPOINT_SECONDS 15

typedef struct
{
  CliPipeline pipeline;
  int threads, jobs;
  char *store, *json;
  char *time_limit, *max_memory, *checkpoint;
  gboolean resume, dry_run, quiet, keep_going;
} Options;

static volatile sig_atomic_t stop;

static void
on_signal (int number)
{
  (void) number;
  stop = 1;
}

/* The first Ctrl-C asks; the second, by its default action, kills. */
static void
catch_signals (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int) SA_RESETHAND };
  struct sigaction old;

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (sigaction (numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaction (numbers[i], &action, NULL);
  /* A worker that dies before it has read its task must not take us along. */
  signal (SIGPIPE, SIG_IGN);
}

/* ---- options ----------------------------------------------------------- */

/* 1.5G, 512M, 100000K, 2T or plain bytes. */
static gboolean
parse_size (const char *text, uint64_t *bytes, GError **error)
{
  static const char units[] = "KMGT";
  size_t length = strlen (text);
  const char *unit = length > 0 ? strchr (units, g_ascii_toupper (text[length - 1])) : NULL;
  FlSpan digits = { text, unit != NULL ? length - 1 : length };
  double number = 0;

  if (!fl_parse_double (digits, &number))
    return fl_fail (error, FL_ERROR_CONFIG, "--max-memory %s: expected a size such as 512M or 4G",
                    text);
  if (unit != NULL)
    number = ldexp (number, (int) (10 * (unit - units + 1)));
  if (!(number >= MEMORY_MIN && number < 0x1p60))
    return fl_fail (error, FL_ERROR_CONFIG, "--max-memory %s: must be at least %uM", text,
                    MEMORY_MIN >> 20);
  if (!fl_worker_limits_memory ())
    return fl_fail (error, FL_ERROR_CONFIG, "--max-memory: not possible in this build, whose "
                    "sanitizer takes all address space");
  *bytes = (uint64_t) number;
  return TRUE;
}

static gboolean
check_count (const char *option, int given, int least, unsigned *count, GError **error)
{
  if (given < least || given > WORKERS_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "%s %d: must be from %d to %d", option, given, least,
                    WORKERS_MAX);
  *count = (unsigned) given;
  return TRUE;
}

/* A worker takes descriptors of this process; a few more while it starts. */
#define FDS_OF_A_WORKER 3
#define FDS_OF_THE_HOST 24

static void
limit_jobs (FlRunOptions *run)
{
  struct rlimit limit;
  rlim_t most;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  most = limit.rlim_max > FDS_OF_THE_HOST + FDS_OF_A_WORKER
             ? (limit.rlim_max - FDS_OF_THE_HOST) / FDS_OF_A_WORKER : 1;
  if (run->jobs <= most)
    return;
  fprintf (stderr, "fairlead: %u workers at a time instead of %u: a process may open %ju files\n",
           (unsigned) most, run->jobs, (uintmax_t) limit.rlim_max);
  run->jobs = (unsigned) most;
}

static gboolean
check_json (const char *path, GError **error)
{
  g_autofree char *folder = NULL;

  if (path == NULL || strcmp (path, "-") == 0)
    return TRUE;
  folder = g_path_get_dirname (path);
  if (access (g_file_test (path, G_FILE_TEST_EXISTS) ? path : folder, W_OK) == 0
      && !g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG, "--json %s: cannot be written", path);
}

/* Before hours of work, everything that could make them vain. */
static gboolean
check_options (const Options *options, FlRunOptions *run, GError **error)
{
  if (!check_count ("--threads", options->threads, 1, &run->threads, error)
      || !check_count ("--jobs", options->jobs, 0, &run->jobs, error)
      || !check_json (options->json, error))
    return FALSE;
  if (run->jobs == 0)
    run->jobs = MAX (g_get_num_processors () / run->threads, 1);
  limit_jobs (run);
  if (options->time_limit != NULL
      && (!fl_parse_double (fl_span (options->time_limit), &run->time_limit)
          || !(run->time_limit > 0)))
    return fl_fail (error, FL_ERROR_CONFIG, "--time-limit %s: expected seconds, more than 0",
                    options->time_limit);
  run->checkpoint = CHECKPOINT_SECONDS;
  if (options->checkpoint != NULL
      && (!fl_parse_double (fl_span (options->checkpoint), &run->checkpoint)
          || !(run->checkpoint >= 0)))
    return fl_fail (error, FL_ERROR_CONFIG, "--checkpoint %s: expected seconds, at least 0",
                    options->checkpoint);
  if (options->max_memory != NULL
      && !parse_size (options->max_memory, &run->memory_limit, error))
    return FALSE;
  run->resume = options->resume;
  run->keep_going = options->keep_going;
  run->stop = &stop;
  return TRUE;
}

/* ---- after running ----------------------------------------------------- */

static gboolean
write_device (const char *path, const GString *text, GError **error)
{
  FILE *out = fopen (path, "w");
  gboolean done = out != NULL && fwrite (text->str, 1, text->len, out) == text->len;

  if (out != NULL)
    done = fclose (out) == 0 && done;
  return done || fl_fail (error, FL_ERROR_SYSTEM, "--json %s: %s", path, g_strerror (errno));
}

static gboolean
write_json (const FlRunRecord *run, const char *path, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GError *failure = NULL;

  fl_report_json (run, text);
  if (strcmp (path, "-") == 0)
    {
      gate_open_stdout ();
      if (fwrite (text->str, 1, text->len, stdout) == text->len && fflush (stdout) == 0)
        return TRUE;
      return fl_fail (error, FL_ERROR_SYSTEM, "--json %s: %s", path, g_strerror (errno));
    }
  /* A device is written to as it is; a file that is there gives way to a whole one. */
  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return write_device (path, text, error);
  if (g_file_set_contents_full (path, text->str, (gssize) text->len,
                                G_FILE_SET_CONTENTS_CONSISTENT, 0666, &failure))
    return TRUE;
  fl_fail (error, FL_ERROR_SYSTEM, "--json: %s", failure->message);
  g_error_free (failure);
  return FALSE;
}

static int
interrupted (const FlRunRecord *run, const char *store)
{
  if (run == NULL)
    fprintf (stderr, "fairlead: interrupted before the first cell\n");
  else
    {
      size_t n_finished = 0;

      for (guint i = 0; i < run->cells->len; i++)
        n_finished += ((const FlCellRecord *) run->cells->pdata[i])->status != FL_CELL_PENDING;
      fprintf (stderr, "fairlead: interrupted; %zu of %u cells are in %s; the same command with "
               "--resume computes the others\n", n_finished, run->cells->len, store);
    }
  return CLI_INTERRUPTED;
}

/* All cells are done, and all objectives. */
static gboolean
is_complete (const FlRunRecord *run)
{
  for (guint i = 0; i < run->cells->len; i++)
    {
      const FlCellRecord *cell = run->cells->pdata[i];

      if (cell->status != FL_CELL_DONE || cell->error != NULL)
        return FALSE;
    }
  return TRUE;
}

/* Shows the run as the store has it. */
static int
conclude (const Options *options, FlStore *store, int64_t number)
{
  GError *error = NULL;
  g_autoptr (FlRunRecord) run = fl_store_run (store, number, FALSE, &error);
  gboolean to_stdout = g_strcmp0 (options->json, "-") == 0;

  if (run == NULL)
    return cli_fail (error);
  if (options->json != NULL && !write_json (run, options->json, &error))
    return cli_fail (error);
  signal (SIGPIPE, SIG_DFL); /* no worker is left, and the table may be read in part */
  cli_show_run (run, to_stdout ? stderr : stdout);
  return is_complete (run) ? CLI_DONE : CLI_CELL_FAILED;
}

static gboolean
is_pending (const FlRunRecord *run)
{
  for (guint i = 0; i < run->cells->len; i++)
    if (((const FlCellRecord *) run->cells->pdata[i])->status == FL_CELL_PENDING)
      return TRUE;
  return FALSE;
}

static int
compute (const Options *options, const FlRunOptions *run_options, const FlPipeline *pipeline,
         const FlRegistry *registry)
{
  const char *path = options->store != NULL ? options->store : CLI_STORE;
  GError *error = NULL;
  g_autoptr (FlStore) store = fl_store_open (path, TRUE, &error);
  g_autoptr (FlRunRecord) run = NULL;
  Meter *meter;
  gboolean ok;

  if (store == NULL)
    return cli_fail (error);
  catch_signals ();
  meter = meter_new (options->quiet);
  ok = fl_run_pipeline (pipeline, registry, run_options, store, meter_report, meter, &run, &error);
  meter_free (meter);
  if (!ok)
    return cli_fail (error);
  if (run == NULL || (stop && is_pending (run)))
    return interrupted (run, path);
  return conclude (options, store, run->number);
}

typedef struct
{
  const CliPipeline *options;
  const char *file;
} Plan;

/* Asks the plugins all that is asked before a run. */
static int
rehearse_plan (gpointer data)
{
  const Plan *plan = data;
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (FlPipeline) pipeline
      = cli_pipeline_load (plan->options, plan->file, &registry, NULL);

  return pipeline != NULL ? CLI_DONE : CLI_WRONG;
}

static int
run_file (const Options *options, const char *file)
{
  Plan plan = { &options->pipeline, file };
  FlRunOptions run_options = { 0 };
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (FlPipeline) pipeline = NULL;
  GError *error = NULL;

  if (!check_options (options, &run_options, &error)
      || !guard_rehearse (rehearse_plan, &plan, &error))
    return cli_fail (error);
  pipeline = cli_pipeline_load (&options->pipeline, file, &registry, &error);
  if (pipeline == NULL)
    return cli_fail (error);
  if (options->pipeline.show_config)
    cli_print_config (pipeline, stdout);
  if (options->dry_run)
    cli_print_cells (pipeline, stdout);
  if (options->pipeline.show_config || options->dry_run)
    return CLI_DONE;
  return compute (options, &run_options, pipeline, registry);
}

static const char description[] =
  "Exit status: 0 all cells done; 1 some cell, or objective, failed; 2 the command line or the\n"
  "pipeline is wrong; 3 the machine failed: a full disk, no process or memory left;\n"
  "130 interrupted.\n"
  "\n"
  "Cells go into the store as they end: one by one, or within a second where they end\n"
  "faster than the disk. After a crash, an interruption or a power cut, the same command\n"
  "with --resume computes what is missing or had failed; the result is the same to the\n"
  "last digit. Long trainings go on from their last checkpoint, in the folder DB.partial.\n"
  "Cells that share a training share a worker; the training counts for each of them, in\n"
  "seconds and against --time-limit. Several processes may use one store at a time.\n"
  "Results do not depend on --threads and --jobs. With --dry-run or --show-config nothing\n"
  "is computed.";

static int
parse_and_run (int argc, char **argv, Options *options)
{
  const GOptionEntry entries[] = {
    { "threads", 0, 0, G_OPTION_ARG_INT, &options->threads,
      "Threads of each worker; default 1", "N" },
    { "jobs", 0, 0, G_OPTION_ARG_INT, &options->jobs,
      "Workers at a time; default 0: processors / threads", "N" },
    { "store", 0, 0, G_OPTION_ARG_FILENAME, &options->store,
      "Results store; default " CLI_STORE " in the current folder", "DB" },
    { "resume", 0, 0, G_OPTION_ARG_NONE, &options->resume,
      "Take over the cells that the store has already", NULL },
    { "keep-going", 0, 0, G_OPTION_ARG_NONE, &options->keep_going,
      "Go on also when the first cells all failed alike", NULL },
    { "checkpoint", 0, 0, G_OPTION_ARG_STRING, &options->checkpoint,
      "Keep the state of a training this often, for --resume; default 15; 0: each epoch",
      "SECONDS" },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &options->json,
      "Write the results as one JSON object; - is standard output", "FILE" },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &options->dry_run,
      "Print the cells instead of computing them", NULL },
    { "time-limit", 0, 0, G_OPTION_ARG_STRING, &options->time_limit,
      "Stop a cell (or the loading of a dataset) that takes longer", "SECONDS" },
    { "max-memory", 0, 0, G_OPTION_ARG_STRING, &options->max_memory,
      "What a worker may allocate, as 512M or 4G; the dataset itself not counted", "SIZE" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, "No progress", NULL },
    { 0 }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");
  g_autofree char *text = NULL;
  GError *error = NULL;

  cli_pipeline_options (&options->pipeline, context);
  g_option_context_add_main_entries (context, entries, NULL);
  text = g_strconcat (g_option_context_get_description (context), "\n\n", description, NULL);
  g_option_context_set_description (context, text);
  if (g_option_context_parse (context, &argc, &argv, &error)
      && (argc == 2 || fl_fail (&error, FL_ERROR_CONFIG, argc < 2 ? "run: expected a pipeline file"
                                : "run: expected one pipeline file, found also '%s'", argv[2])))
    return run_file (options, argv[1]);
  return cli_fail (error);
}

static int
run (int argc, char **argv)
{
  Options options = { .threads = 1 };
  int status = parse_and_run (argc, argv, &options);

  cli_pipeline_clear (&options.pipeline);
  g_free (options.store);
  g_free (options.json);
  g_free (options.time_limit);
  g_free (options.checkpoint);
  g_free (options.max_memory);
  return status;
}

const CliCommand cli_run = { .name = "run",
                             .summary = "compute a pipeline's cells and compare them",
                             .run = run };
