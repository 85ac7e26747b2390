/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* guard.c: work that runs code of plugins in a process which may die of it.
 *
 * A plugin may crash, hang or end the process wherever it is asked something.  The process
 * at work writes into shared memory whose turn it is, and whoever waits for it says so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/cli/guard.h"
#include "core/plugin/plugin-room.h"

/* How often to look whether a plugin goes on. */
#define TICK_NANOSECONDS 100000000

/* Between the two processes. */
typedef struct
{
  FlDoorPlate plate;
  gboolean finished; /* the work came to its end by itself */
  int status;
} Shared;

typedef struct
{
  int (*work) (gpointer data);
  gpointer data;
  gboolean quiet;    /* prints nothing: the work is done again when it went well */
} Job;

/* ---- at work ------------------------------------------------------------- */

void
guard_leave (int status)
{
  fflush (NULL);
#ifdef __SANITIZE_ADDRESS__
  exit (status); /* leaks are looked for on the way out */
#else
  _exit (status); /* without the destructors of what plugins opened */
#endif
}

static void G_GNUC_NORETURN
do_job (const Job *job, Shared *shared, pid_t parent, const sigset_t *mask)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent)
    _exit (CLI_WRONG);
  sigprocmask (SIG_SETMASK, mask, NULL);
  if (job->quiet)
    {
      const struct rlimit none = { 0, 0 };
      int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);

      setrlimit (RLIMIT_CORE, &none);
      dup2 (null, STDOUT_FILENO);
      dup2 (null, STDERR_FILENO);
    }
  fl_door_show (&shared->plate);
  shared->status = job->work (job->data);
  shared->finished = TRUE;
  guard_leave (shared->status);
}

/* ---- waiting ------------------------------------------------------------- */

/* Whether the plugin whose turn it is has had it for too long.  Loading data takes what it
 * takes. */
static gboolean
is_stuck (const FlDoorPlate *plate, uint64_t *turn, int64_t *since)
{
  int64_t now = g_get_monotonic_time ();

  if (plate->name[0] == '\0' || plate->turn != *turn || strcmp (plate->method, "load") == 0)
    {
      *turn = plate->turn;
      *since = now;
    }
  return now - *since > fl_probe_seconds () * G_USEC_PER_SEC;
}

/* What the terminal sends goes to both; what somebody sends to this process is for the one
 * at work. */
static void
pass_on (pid_t pid, const siginfo_t *info)
{
  if (info->si_signo != SIGCHLD && info->si_code <= 0)
    kill (pid, info->si_signo);
}

/* Waits for the end of the process; *stuck: it was killed for want of an end. */
static int
wait_for (pid_t pid, const FlDoorPlate *plate, const sigset_t *watched, gboolean *stuck)
{
  const struct timespec tick = { 0, TICK_NANOSECONDS };
  uint64_t turn = 0;
  int64_t since = g_get_monotonic_time ();
  int status = 0;

  while (waitpid (pid, &status, WNOHANG) == 0)
    {
      siginfo_t info;

      if (sigtimedwait (watched, &info, &tick) > 0)
        pass_on (pid, &info);
      if (!*stuck && is_stuck (plate, &turn, &since))
        {
          *stuck = TRUE;
          kill (pid, SIGKILL);
        }
    }
  return status;
}

/* What became of work that did not finish. */
static void
explain_end (const Shared *shared, int status, gboolean stuck, GError **error)
{
  FlDoorPlate plate = shared->plate; /* it may be anything by now */
  g_autofree char *name = NULL, *where = NULL;

  plate.name[FL_DOOR_NAME_MAX - 1] = plate.method[FL_DOOR_NAME_MAX - 1] = '\0';
  name = g_utf8_make_valid (plate.name, -1);
  where = *name != '\0' ? g_strdup_printf ("%s, in %s", name, plate.method)
                        : g_strdup ("the host, or a file that it opened");
  if (stuck)
    fl_fail (error, FL_ERROR_PLUGIN, "%s: has not come back after %" G_GINT64_FORMAT " seconds",
             where, fl_probe_seconds ());
  else if (WIFSIGNALED (status))
    fl_fail (error, FL_ERROR_PLUGIN, "%s: crashed with signal %d (%s)", where, WTERMSIG (status),
             strsignal (WTERMSIG (status)));
  else
    fl_fail (error, FL_ERROR_PLUGIN, "%s: ended the process, with exit status %d", where,
             WEXITSTATUS (status));
}

/* Whoever asked for the end gets it. */
static void
follow (const Shared *shared, int status, const sigset_t *mask)
{
  int number = WIFSIGNALED (status) ? WTERMSIG (status) : 0;

  if (shared->plate.name[0] != '\0'
      || (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGPIPE))
    return;
  signal (number, SIG_DFL);
  sigprocmask (SIG_SETMASK, mask, NULL);
  raise (number);
}

static gboolean
guard (const Job *job, int *status, GError **error)
{
  Shared *shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                         -1, 0);
  pid_t parent = getpid (), pid;
  sigset_t watched, mask;
  gboolean stuck = FALSE, finished;
  int end;

  if (shared == MAP_FAILED)
    return fl_fail (error, FL_ERROR_SYSTEM, "no shared memory: %s", g_strerror (errno));
  fflush (NULL);
  sigemptyset (&watched);
  sigaddset (&watched, SIGCHLD);
  sigaddset (&watched, SIGINT);
  sigaddset (&watched, SIGTERM);
  sigaddset (&watched, SIGHUP);
  sigprocmask (SIG_BLOCK, &watched, &mask);
  pid = fork ();
  if (pid == 0)
    do_job (job, shared, parent, &mask);
  if (pid < 0)
    {
      sigprocmask (SIG_SETMASK, &mask, NULL);
      munmap (shared, sizeof *shared);
      return fl_fail (error, FL_ERROR_SYSTEM, "no process: %s", g_strerror (errno));
    }
  end = wait_for (pid, &shared->plate, &watched, &stuck);
  finished = shared->finished && WIFEXITED (end);
  *status = WEXITSTATUS (end);
  if (!finished)
    {
      follow (shared, end, &mask);
      explain_end (shared, end, stuck, error);
    }
  sigprocmask (SIG_SETMASK, &mask, NULL);
  munmap (shared, sizeof *shared);
  return finished;
}

/* ---- what for -------------------------------------------------------------- */

typedef struct
{
  const CliCommand *command;
  int argc;
  char **argv;
} Call;

static int
run_call (gpointer data)
{
  const Call *call = data;

  return cli_close (call->command->run (call->argc, call->argv));
}

int
guard_command (const CliCommand *command, int argc, char **argv)
{
  Call call = { command, argc, argv };
  const Job job = { run_call, &call, FALSE };
  GError *error = NULL;
  int status = CLI_WRONG;

  return guard (&job, &status, &error) ? status : cli_fail (error);
}

gboolean
guard_rehearse (int (*work) (gpointer data), gpointer data, GError **error)
{
  const Job job = { work, data, TRUE };
  int status;

  return guard (&job, &status, error);
}
