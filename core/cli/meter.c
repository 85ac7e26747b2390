/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* meter.c: one line that changes on a terminal, a line for each cell elsewhere,
 * nothing but warnings when quiet. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/gate.h"
#include "core/cli/meter.h"
#include "core/cli/show.h"

#define REDRAW_MICROSECONDS 200000

struct Meter
{
  gboolean quiet, terminal;
  gboolean drawn;         /* the line holds something                */
  gboolean loading;       /* phase that `started` belongs to         */
  int64_t started, drew;  /* monotonic                               */
};

Meter *
meter_new (gboolean quiet)
{
  Meter *meter = g_new0 (Meter, 1);

  meter->quiet = quiet;
  meter->terminal = isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  meter->started = g_get_monotonic_time ();
  return meter;
}

static void
wipe (Meter *meter)
{
  if (meter->drawn)
    gate_command ("\r\033[K");
  meter->drawn = FALSE;
}

void
meter_free (Meter *meter)
{
  wipe (meter);
  g_free (meter);
}

static char *
clock_text (double seconds)
{
  int64_t s = (int64_t) (seconds + 0.5);

  if (s >= 3600)
    return g_strdup_printf ("%d:%02d:%02d", (int) (s / 3600), (int) (s / 60 % 60), (int) (s % 60));
  return g_strdup_printf ("%d:%02d", (int) (s / 60), (int) (s % 60));
}

/* "; 0.52 cells/s, 0:25 left", once a cell has ended. */
static void
append_pace (GString *line, const FlRunStatus *status, double elapsed)
{
  double rate = elapsed > 0 ? (double) status->n_finished / elapsed : 0;
  g_autofree char *left = NULL;

  if (!(rate > 0) || status->left < 0)
    return;
  left = clock_text (status->left);
  if (rate >= 1)
    g_string_append_printf (line, "; %.3g cells/s, %s left", rate, left);
  else
    g_string_append_printf (line, "; %.3g s a cell, %s left", 1 / rate, left);
}

static void
draw (Meter *meter, const FlRunStatus *status)
{
  g_autoptr (GString) line = g_string_new (NULL);
  double elapsed = (double) (g_get_monotonic_time () - meter->started) / 1e6;
  size_t columns = cli_page (stderr).columns;

  g_string_append_printf (line, "%zu of %zu %s", status->n_finished, status->n_tasks,
                          status->loading ? "datasets loaded" : "cells");
  if (status->n_failed > 0)
    g_string_append_printf (line, ", %zu failed", status->n_failed);
  if (!status->loading)
    append_pace (line, status, elapsed);
  if (status->cell != NULL && !status->loading)
    {
      g_autofree char *label
          = cli_cell_label (status->cell->arm, status->cell->sweep, status->cell->repeat);

      g_string_append_printf (line, "; %s", label);
    }
  if (status->what != NULL && *status->what != '\0')
    g_string_append_printf (line, ": %s", status->what);
  if (status->total > 0)
    g_string_append_printf (line, " %.0f of %.0f", status->done, status->total);
  while (fl_text_width (line->str) >= columns)
    g_string_truncate (line, (gsize) (g_utf8_prev_char (line->str + line->len) - line->str));
  wipe (meter);
  fputs (line->str, stderr);
  fflush (stderr);
  meter->drawn = TRUE;
}

static void
print_finished (const FlRunStatus *status)
{
  const FlCellRecord *cell = status->finished;
  g_autofree char *label = cli_cell_label (cell->arm, cell->sweep, cell->repeat);
  size_t first_line = cell->error != NULL ? strcspn (cell->error, "\n") : 0;

  if (cell->status == FL_CELL_DONE)
    fprintf (stderr, "[%zu/%zu] %s: %.2f s\n", status->n_finished, status->n_tasks, label,
             cell->seconds);
  else
    fprintf (stderr, "[%zu/%zu] %s: failed: %.*s\n", status->n_finished, status->n_tasks, label,
             (int) first_line, cell->error);
}

void
meter_report (gpointer data, const FlRunStatus *status)
{
  Meter *meter = data;
  int64_t now = g_get_monotonic_time ();

  if (meter->loading != status->loading)
    meter->started = now;
  meter->loading = status->loading;
  if (status->warning != NULL)
    {
      g_autofree char *label
          = cli_cell_label (status->cell->arm, status->cell->sweep, status->cell->repeat);

      wipe (meter);
      fprintf (stderr, "%s: %s%s", label, status->warning,
               g_str_has_suffix (status->warning, "\n") ? "" : "\n");
    }
  if (status->notice != NULL)
    {
      wipe (meter);
      fprintf (stderr, "fairlead: %s\n", status->notice);
    }
  if (meter->quiet)
    return;
  if (meter->terminal && now - meter->drew >= REDRAW_MICROSECONDS)
    {
      meter->drew = now;
      draw (meter, status);
    }
  else if (!meter->terminal && status->finished != NULL)
    print_finished (status);
}
