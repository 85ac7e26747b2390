/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-import.c: `fairlead data import`: reads a dataset into the cache. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cli/cli.h"
#include "core/cli/data.h"
#include "core/cli/table.h"

#define TICK_MICROSECONDS 200000

/* ---- how far it is ------------------------------------------------------- */

/* A line on the terminal while the main thread reads. */
typedef struct
{
  GThread *thread;
  GMutex mutex;
  GCond cond;
  gboolean stop;
  int64_t started; /* monotonic */
} Ticker;

/* Bytes this process has read so far; 0 when unknown. */
static uint64_t
bytes_read (void)
{
  g_autofree char *text = NULL;

  return g_file_get_contents ("/proc/self/io", &text, NULL, NULL)
                 && g_str_has_prefix (text, "rchar: ")
             ? g_ascii_strtoull (text + strlen ("rchar: "), NULL, 10)
             : 0;
}

static gpointer
tick (gpointer data)
{
  Ticker *ticker = data;
  uint64_t before = bytes_read ();

  g_mutex_lock (&ticker->mutex);
  while (!ticker->stop)
    {
      double seconds = (double) (g_get_monotonic_time () - ticker->started) / 1e6;
      double megabytes = (double) (bytes_read () - before) / 1e6;

      fprintf (stderr, "\r\033[Kreading: %.0f MB, %.1f s, %.0f MB/s", megabytes, seconds,
               seconds > 0 ? megabytes / seconds : 0);
      fflush (stderr);
      g_cond_wait_until (&ticker->cond, &ticker->mutex,
                         g_get_monotonic_time () + TICK_MICROSECONDS);
    }
  g_mutex_unlock (&ticker->mutex);
  fputs ("\r\033[K", stderr);
  return NULL;
}

static void
ticker_start (Ticker *ticker, gboolean quiet)
{
  g_mutex_init (&ticker->mutex);
  g_cond_init (&ticker->cond);
  ticker->started = g_get_monotonic_time ();
  if (!quiet && isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0)
    ticker->thread = g_thread_new ("ticker", tick, ticker);
}

/* Returns the seconds since the start. */
static double
ticker_stop (Ticker *ticker)
{
  double seconds = (double) (g_get_monotonic_time () - ticker->started) / 1e6;

  g_mutex_lock (&ticker->mutex);
  ticker->stop = TRUE;
  g_cond_signal (&ticker->cond);
  g_mutex_unlock (&ticker->mutex);
  if (ticker->thread != NULL)
    g_thread_join (ticker->thread);
  g_cond_clear (&ticker->cond);
  g_mutex_clear (&ticker->mutex);
  return seconds;
}

/* ---- the action ---------------------------------------------------------- */

static void
print_import (const CliData *data, double seconds)
{
  const FlDataset *dataset = data->dataset;
  g_autofree char *ratings = cli_count (dataset->n), *users = cli_count (dataset->n_users);
  g_autofree char *items = cli_count (dataset->n_items);
  GStatBuf status = { 0 };

  printf ("%s  %s ratings of %s users and %s items", dataset->found ? "found   " : "imported",
          ratings, users, items);
  if (dataset->found)
    printf (", in the cache already\n");
  else
    printf (" in %.2f s (%.3g million ratings/s)\n", seconds, (double) dataset->n / seconds / 1e6);
  printf ("digest    %s\n", dataset->digest);
  if (g_stat (data->path, &status) == 0)
    printf ("cache     %s (%.1f MB)\n", data->path, (double) status.st_size / 1e6);
  for (size_t i = 0; dataset->notes != NULL && dataset->notes[i] != NULL; i++)
    printf ("note      %s\n", dataset->notes[i]);
}

static gboolean
import (CliData *data, gboolean quiet, GError **error)
{
  Ticker ticker = { NULL };
  double seconds;
  gboolean done;

  ticker_start (&ticker, quiet);
  done = cli_data_load (data, error);
  seconds = ticker_stop (&ticker);
  if (done)
    print_import (data, seconds);
  return done;
}

int
cli_data_import (int argc, char **argv)
{
  CliData data = { NULL };
  gboolean quiet = FALSE, done;
  const GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "No progress", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new (CLI_DATA_WHAT);
  GError *error = NULL;

  g_option_context_set_summary (context, "Reads a dataset into the cache, where runs find it.");
  cli_data_options (&data, context);
  g_option_context_add_main_entries (context, entries, NULL);
  done = g_option_context_parse (context, &argc, &argv, &error)
         && cli_data_open (&data, argc, argv, &error) && import (&data, quiet, &error);
  cli_data_clear (&data);
  return done ? CLI_DONE : cli_data_fail (error);
}
