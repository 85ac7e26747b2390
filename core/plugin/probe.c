/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* probe.c: opening unknown files in a process that may die of it.
 *
 * Opening a shared object runs its code.  A child opens the files one after
 * another, exactly as the host will, and sends a byte after each.  When it
 * dies or stalls, the file it was at is the culprit, and a new child goes on
 * with the next one.  With nothing wrong one fork serves any number of files.
 */
#include "core/plugin/load.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A heavy library over a slow network file system takes seconds to open. */
#define SECONDS_DEFAULT 10
#define SECONDS_MAX 3600

int64_t
fl_probe_seconds (void)
{
  const char *text = g_getenv ("FAIRLEAD_PROBE_SECONDS");
  int64_t seconds = 0;

  if (text != NULL && fl_parse_int (fl_span (text), &seconds) && seconds >= 1
      && seconds <= SECONDS_MAX)
    return seconds;
  return SECONDS_DEFAULT;
}

/* Whatever the files print or die of stays among us. */
static void
child_settle (void)
{
  static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGINT };
  const struct rlimit none = { 0, 0 };
  int null = open ("/dev/null", O_RDWR);

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &none);
  for (size_t i = 0; i < G_N_ELEMENTS (deadly); i++)
    signal (deadly[i], SIG_DFL);
  for (int fd = 0; fd <= 2; fd++)
    dup2 (null, fd);
}

static void G_GNUC_NORETURN
child_run (const FlProbe *probe, int out)
{
  child_settle ();
  for (guint i = probe->next; i < probe->files->len; i++)
    {
      fl_load_file (g_ptr_array_index (probe->files, i), probe->registry);
      if (write (out, "", 1) != 1)
        break;
    }
  _exit (0);
}

static gboolean
child_start (FlProbe *probe, GError **error)
{
  int ends[2];

  if (!g_unix_open_pipe (ends, FD_CLOEXEC, NULL))
    return fl_fail (error, FL_ERROR_SYSTEM, "cannot probe: %s", g_strerror (errno));
  probe->pid = fork ();
  if (probe->pid == 0)
    {
      close (ends[0]);
      child_run (probe, ends[1]);
    }
  close (ends[1]);
  if (probe->pid < 0)
    {
      int saved = errno;

      close (ends[0]);
      probe->pid = 0;
      return fl_fail (error, FL_ERROR_SYSTEM, "cannot probe: %s", g_strerror (saved));
    }
  probe->pipe = ends[0];
  return TRUE;
}

void
fl_probe_end (FlProbe *probe)
{
  if (probe->pid == 0)
    return;
  kill (probe->pid, SIGKILL);
  while (waitpid (probe->pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  close (probe->pipe);
  probe->pid = 0;
}

/* Waits for the child's byte: 1 when it came, 0 when the child is gone, -1
 * when time is up. */
static int
wait_byte (const FlProbe *probe)
{
  gint64 end = g_get_monotonic_time () + fl_probe_seconds () * G_USEC_PER_SEC;

  for (;;)
    {
      GPollFD fd = { .fd = probe->pipe, .events = G_IO_IN };
      gint64 left = end - g_get_monotonic_time ();
      char byte = 0;
      ssize_t n = 0;

      if (left <= 0)
        return -1;
      if (g_poll (&fd, 1, (gint) (left / 1000) + 1) <= 0)
        continue;
      n = read (probe->pipe, &byte, 1);
      if (n >= 0)
        return (int) n;
      if (errno != EINTR)
        return 0;
    }
}

static gboolean
explain_death (FlProbe *probe, GError **error)
{
  int status = 0;
  pid_t waited = 0;

  while ((waited = waitpid (probe->pid, &status, 0)) < 0 && errno == EINTR)
    continue;
  close (probe->pipe);
  probe->pid = 0;
  if (waited > 0 && WIFSIGNALED (status))
    return fl_fail (error, FL_ERROR_PLUGIN, "crashes when opened: signal %d (%s)",
                    WTERMSIG (status), g_strsignal (WTERMSIG (status)));
  return fl_fail (error, FL_ERROR_PLUGIN, "ends the process that opens it: exit status %d",
                  waited > 0 ? WEXITSTATUS (status) : 0);
}

gboolean
fl_probe_next (FlProbe *probe, GError **error)
{
  int got = 0;

  if (probe->pid == 0 && !child_start (probe, error))
    return FALSE;
  probe->next++;
  got = wait_byte (probe);
  if (got == 1)
    return TRUE;
  if (got == 0)
    return explain_death (probe, error);
  fl_probe_end (probe);
  return fl_fail (error, FL_ERROR_PLUGIN, "is not open after %" G_GINT64_FORMAT " seconds",
                  fl_probe_seconds ());
}
