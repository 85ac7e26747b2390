/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* startup.c: `fairlead inspect` with all plugins of the build tree.
 *
 * Cold: our program, library and plugins are dropped from the page cache first
 * (system libraries stay).  Limits are the targets in seconds. */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUILT TOP_BUILDDIR "/.libs"
#define PLUGINS TOP_BUILDDIR "/plugins-built"

static void
inspect (gpointer user_data)
{
  char program[] = BUILT "/fairlead", command[] = "inspect", *argv[] = { program, command, NULL };
  GError *error = NULL;

  (void) user_data;
  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, NULL,
                     &error))
    bench_fail (error);
}

static void
drop_file (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  (void) fdatasync (fd);
  (void) posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
  close (fd);
}

static void
drop_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      drop_file (file);
    }
}

/* Only inspect is to be timed: the drop is taken off. */
static double
time_cold (void)
{
  double best[BENCH_RUNS], median = 0;

  for (int k = 0; k < BENCH_RUNS; k++)
    {
      double begin;

      drop_folder (BUILT);
      drop_folder (PLUGINS);
      begin = bench_now ();
      inspect (NULL);
      best[k] = bench_now () - begin;
    }
  for (int k = 0; k < BENCH_RUNS; k++)
    {
      int below = 0;

      for (int l = 0; l < BENCH_RUNS; l++)
        below += best[l] < best[k] || (best[l] == best[k] && l < k);
      if (below == BENCH_RUNS / 2)
        median = best[k];
    }
  return median;
}

void
bench_startup (const Bench *bench)
{
  double n = (double) bench->registry->entries->len;

  g_setenv ("LD_LIBRARY_PATH", BUILT, TRUE);
  if (bench_wanted (bench, "start-up: inspect, cold"))
    bench_print ("start-up: inspect, cold", 1, time_cold (), n, "plugin", 0.060);
  if (bench_wanted (bench, "start-up: inspect, warm"))
    bench_print ("start-up: inspect, warm", 1, bench_time (inspect, NULL), n, "plugin", 0.015);
}
