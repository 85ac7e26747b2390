/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worker-spawn.c: starting a worker with a controlled environment, reading its
 * answers, and saying what became of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/run/worker.h"

/* Beyond FL_WORKER_PLATE_FD. */
#define FIRST_FREE_FD 10
#define LOG_BYTES_MAX 8192
#define LOG_LINES_SHOWN 6
/* Beyond any outcome: per-user values of a hundred metrics of a million users. */
#define ANSWER_BYTES_MAX (1u << 30)

/* ---- environment ------------------------------------------------------- */

/* What finds programs, libraries, plugins, caches and data, and what debugging
 * tools need; everything else stays behind, so that no setting of the user's
 * shell changes a digit. */
static gboolean
is_passed_on (const char *name)
{
  static const char *const names[] = { "PATH", "HOME", "TMPDIR", "OPENBLAS_CORETYPE",
                                       "OPENBLAS_VERBOSE", "OMP_WAIT_POLICY", "ASAN_OPTIONS",
                                       "UBSAN_OPTIONS", "LSAN_OPTIONS", "G_SLICE", "G_DEBUG",
                                       NULL };

  return g_strv_contains (names, name) || g_str_has_prefix (name, "FAIRLEAD_")
         || g_str_has_prefix (name, "XDG_") || g_str_has_prefix (name, "LD_")
         || g_str_has_prefix (name, "VALGRIND_");
}

/* Adds the variables that values like "${DATA}/ml-100k" name. */
static char **
pass_references (char **environment, const FlSection *section)
{
  for (guint i = 0; section != NULL && i < section->settings->len; i++)
    {
      const char *at = ((const FlSetting *) section->settings->pdata[i])->value;

      while (at != NULL && (at = strstr (at, "${")) != NULL)
        {
          g_autofree char *name = g_strndup (at + 2, strcspn (at + 2, "}"));
          const char *value = g_getenv (name);

          if (value != NULL)
            environment = g_environ_setenv (environment, name, value, TRUE);
          at += 2;
        }
    }
  return environment;
}

static char **
pass_all_references (char **environment, const FlCell *cell)
{
  const GPtrArray *const lists[] = { cell->mitigators, cell->objectives, cell->references };

  environment = pass_references (environment, cell->data);
  environment = pass_references (environment, cell->model);
  for (size_t l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++)
      environment = pass_references (environment, lists[l]->pdata[i]);
  for (guint i = 0; i < cell->bases->len; i++)
    environment = pass_all_references (environment, cell->bases->pdata[i]);
  return environment;
}

static char **
make_environment (const FlCell *const *cells, size_t n, unsigned threads)
{
  g_auto (GStrv) all = g_listenv ();
  char **environment = g_new0 (char *, 1);
  g_autofree char *n_threads = g_strdup_printf ("%u", threads);

  for (size_t i = 0; all[i] != NULL; i++)
    if (is_passed_on (all[i]) && g_getenv (all[i]) != NULL)
      environment = g_environ_setenv (environment, all[i], g_getenv (all[i]), TRUE);
  for (size_t c = 0; c < n; c++)
    environment = pass_all_references (environment, cells[c]);
  /* Threads that wait soon sleep: where processors are taken they would spin for long. */
  if (g_environ_getenv (environment, "OMP_WAIT_POLICY") == NULL)
    environment = g_environ_setenv (environment, "GOMP_SPINCOUNT", "3000", TRUE);
  environment = g_environ_setenv (environment, "LC_ALL", "C.UTF-8", TRUE);
  environment = g_environ_setenv (environment, "OPENBLAS_NUM_THREADS", "1", TRUE);
  environment = g_environ_setenv (environment, "OMP_NUM_THREADS", n_threads, TRUE);
  return g_environ_setenv (environment, "OMP_DYNAMIC", "false", TRUE);
}

/* ---- start ------------------------------------------------------------- */

/* The running program, also after an upgrade has replaced its file. */
static char *
own_program (void)
{
  char *program = g_file_read_link ("/proc/self/exe", NULL);

  if (program != NULL && g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    return program;
  g_free (program);
  return g_strdup ("/proc/self/exe");
}

typedef struct
{
  int task[2], answer[2], log[2]; /* read, write */
  int plate;                      /* memory that both sides see */
} Pipes;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
pipes_close (Pipes *pipes)
{
  int *const all[] = { pipes->task, pipes->answer, pipes->log };

  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    {
      close_fd (&all[i][0]);
      close_fd (&all[i][1]);
    }
  close_fd (&pipes->plate);
}

/* Away from the numbers that the worker's ends are given. */
static gboolean
move_up (int *fd)
{
  int up = fcntl (*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

  if (up < 0)
    return FALSE;
  close (*fd);
  *fd = up;
  return TRUE;
}

static gboolean
pipe_open (int *ends)
{
  return pipe2 (ends, O_CLOEXEC) == 0 && move_up (&ends[0]) && move_up (&ends[1]);
}

static gboolean
pipes_open (Pipes *pipes, GError **error)
{
  *pipes = (Pipes) { { -1, -1 }, { -1, -1 }, { -1, -1 }, -1 };
  pipes->plate = memfd_create ("who is at work", MFD_CLOEXEC);
  if (pipes->plate >= 0 && ftruncate (pipes->plate, sizeof (FlDoorPlate)) == 0
      && move_up (&pipes->plate) && pipe_open (pipes->task) && pipe_open (pipes->answer)
      && pipe_open (pipes->log)
      && g_unix_set_fd_nonblocking (pipes->answer[0], TRUE, NULL)
      && g_unix_set_fd_nonblocking (pipes->log[0], TRUE, NULL))
    return TRUE;
  fl_fail (error, FL_ERROR_SYSTEM, "no pipe for a worker: %s", g_strerror (errno));
  pipes_close (pipes);
  return FALSE;
}

static gboolean
spawn (Pipes *pipes, char **environment, pid_t *pid, GError **error)
{
  g_autofree char *program = own_program ();
  const char *const argv[] = { program, "worker", NULL };
  const int from[] = { pipes->answer[1], pipes->plate };
  const int to[] = { FL_WORKER_FD, FL_WORKER_PLATE_FD };
  GError *failure = NULL;

  if (g_spawn_async_with_pipes_and_fds (NULL, argv, (const char *const *) environment,
                                        G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                                        NULL, NULL, pipes->task[0], pipes->log[1], pipes->log[1],
                                        from, to, 2, pid, NULL, NULL, NULL, &failure)
      && *pid > 0)
    return TRUE;
  /* Without descriptors left it says that all went well, and gives no process. */
  fl_fail (error, FL_ERROR_SYSTEM, "a worker cannot be started: %s",
           failure != NULL ? failure->message : "there is no process");
  g_clear_error (&failure);
  return FALSE;
}

/* NULL where memory cannot be mapped. */
static const FlDoorPlate *
map_plate (int fd)
{
  gpointer plate = mmap (NULL, sizeof (FlDoorPlate), PROT_READ, MAP_SHARED, fd, 0);

  return plate != MAP_FAILED ? plate : NULL;
}

/* The plugin at work, "model/als-mf", or NULL: to be freed with g_free.  The worker may
 * have written over anything. */
static char *
plugin_at_work (const FlWorker *worker)
{
  char name[FL_DOOR_NAME_MAX + 1] = "";

  if (worker->plate != NULL)
    memcpy (name, worker->plate->name, FL_DOOR_NAME_MAX);
  return *name != '\0' ? g_utf8_make_valid (name, -1) : NULL;
}

FlWorker *
fl_worker_start (GVariant *setup, const FlCell *const *cells, size_t n, unsigned threads,
                 GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (setup);
  g_auto (GStrv) environment = make_environment (cells, n, threads);
  FlWorker *worker;
  Pipes pipes;
  pid_t pid = 0;

  if (!pipes_open (&pipes, error))
    return NULL;
  if (!spawn (&pipes, environment, &pid, error))
    {
      pipes_close (&pipes);
      return NULL;
    }
  worker = g_new0 (FlWorker, 1);
  worker->pid = pid;
  worker->started = worker->begun = g_get_monotonic_time ();
  worker->received = g_byte_array_new ();
  worker->log = g_string_new (NULL);
  worker->trained = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  worker->task_fd = pipes.task[1];
  worker->answer_fd = pipes.answer[0];
  worker->log_fd = pipes.log[0];
  worker->plate = map_plate (pipes.plate);
  pipes.task[1] = pipes.answer[0] = pipes.log[0] = -1;
  close_fd (&pipes.task[0]);
  /* Should it be dead already, its exit status tells. */
  (void) fl_worker_write (worker->task_fd, owned);
  pipes_close (&pipes);
  return worker;
}

/* Seconds of what the task needs and finds there. */
static double
find_shared (const FlWorker *worker, const char *const *needs)
{
  double seconds = worker->opening;

  for (size_t i = 0; needs[i] != NULL; i++)
    {
      const double *trained = g_hash_table_lookup (worker->trained, needs[i]);

      seconds += trained != NULL ? *trained : 0;
    }
  return seconds;
}

void
fl_answer_clear (FlAnswer *answer)
{
  g_clear_pointer (&answer->prepared, g_variant_unref);
  g_clear_pointer (&answer->outcome, g_variant_unref);
  g_clear_pointer (&answer->error, g_free);
  g_clear_pointer (&answer->training, g_free);
  g_clear_pointer (&answer->log, g_free);
}

FlAnswer
fl_worker_get_answer (FlWorker *worker)
{
  FlAnswer answer = worker->answer;

  if (answer.error != NULL)
    answer.training = g_steal_pointer (&worker->training);
  answer.log = g_strdup (worker->log->str);
  worker->answer = (FlAnswer) { .error = NULL };
  return answer;
}

static void
clear_task (FlWorker *worker)
{
  g_clear_pointer (&worker->what, g_free);
  g_clear_pointer (&worker->training, g_free);
  fl_answer_clear (&worker->answer);
  worker->answer = (FlAnswer) { .error = NULL };
  g_string_truncate (worker->log, 0);
  worker->done = worker->total = 0;
}

void
fl_worker_send (FlWorker *worker, GVariant *task, const char *const *needs, gboolean last)
{
  clear_task (worker);
  /* The first has to wait for the process to begin. */
  if (worker->n_tasks++ > 0)
    {
      worker->answer.shared = find_shared (worker, needs);
      worker->begun = g_get_monotonic_time ();
    }
  (void) fl_worker_write (worker->task_fd, task);
  if (last)
    close_fd (&worker->task_fd);
}

/* The process, and those that it started. */
static void
kill_worker (const FlWorker *worker)
{
  kill (-worker->pid, SIGKILL);
  kill (worker->pid, SIGKILL);
}

void
fl_worker_free (FlWorker *worker)
{
  if (worker == NULL)
    return;
  if (worker->pid > 0)
    {
      kill_worker (worker);
      while (waitpid (worker->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    }
  close_fd (&worker->task_fd);
  close_fd (&worker->answer_fd);
  close_fd (&worker->log_fd);
  if (worker->plate != NULL)
    munmap ((gpointer) worker->plate, sizeof *worker->plate);
  clear_task (worker);
  g_byte_array_unref (worker->received);
  g_string_free (worker->log, TRUE);
  g_hash_table_unref (worker->trained);
  g_free (worker);
}

/* ---- answers ----------------------------------------------------------- */

static void
read_progress (FlWorker *worker, GVariant *value)
{
  const char *what = NULL;

  g_variant_get (value, "(dd&s)", &worker->done, &worker->total, &what);
  g_free (worker->what);
  worker->what = g_strdup (what);
}

static void
read_training (FlWorker *worker, GVariant *value)
{
  g_free (worker->training);
  worker->training = g_variant_dup_string (value, NULL);
  if (worker->opening <= 0)
    worker->opening = (double) (g_get_monotonic_time () - worker->started) / 1e6;
}

static void
read_trained (FlWorker *worker, GVariant *value)
{
  const char *name = NULL;
  double seconds = 0, *all;

  g_variant_get (value, "(&sd)", &name, &seconds);
  all = g_hash_table_lookup (worker->trained, name);
  if (all == NULL)
    g_hash_table_insert (worker->trained, g_strdup (name), all = g_new0 (double, 1));
  *all += seconds;
  worker->answer.made += seconds;
  g_clear_pointer (&worker->training, g_free);
}

static gboolean
has_answered (const FlWorker *worker)
{
  const FlAnswer *answer = &worker->answer;

  return answer->prepared != NULL || answer->outcome != NULL || answer->error != NULL;
}

static void
read_answer (FlWorker *worker, GVariant *message)
{
  g_autoptr (GVariant) value = NULL;
  guchar kind = 0;

  g_variant_get (message, FL_WORKER_ANSWER_TYPE, &kind, &value);
  if (has_answered (worker))
    worker->damaged = TRUE;
  else if (kind == FL_WORKER_PROGRESS && g_variant_is_of_type (value, G_VARIANT_TYPE ("(dds)")))
    read_progress (worker, value);
  else if (kind == FL_WORKER_TRAINING && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    read_training (worker, value);
  else if (kind == FL_WORKER_TRAINED
           && g_variant_is_of_type (value, G_VARIANT_TYPE (FL_WORKER_TRAINED_TYPE)))
    read_trained (worker, value);
  else if (kind == FL_WORKER_PREPARED
           && g_variant_is_of_type (value, G_VARIANT_TYPE (FL_WORKER_PREPARED_TYPE)))
    worker->answer.prepared = g_variant_ref (value);
  else if (kind == FL_WORKER_OUTCOME
           && g_variant_is_of_type (value, G_VARIANT_TYPE (FL_WORKER_OUTCOME_TYPE)))
    {
      worker->answer.outcome = g_variant_ref (value);
      g_variant_get_child (value, 3, "t", &worker->answer.peak_kib);
    }
  else if (kind == FL_WORKER_ERROR
           && g_variant_is_of_type (value, G_VARIANT_TYPE (FL_WORKER_ERROR_TYPE)))
    g_variant_get (value, "(st)", &worker->answer.error, &worker->answer.peak_kib);
  else
    worker->damaged = TRUE;
}

/* Takes complete messages off the front of what was received.  A plugin may
 * have written over anything in its process: nothing here is trusted. */
static void
read_answers (FlWorker *worker)
{
  GByteArray *received = worker->received;
  uint64_t length = 0;

  while (!worker->damaged && received->len >= sizeof length)
    {
      g_autoptr (GVariant) message = NULL;
      gpointer bytes;

      memcpy (&length, received->data, sizeof length);
      worker->damaged = length > ANSWER_BYTES_MAX;
      if (worker->damaged || received->len - sizeof length < length)
        return;
      bytes = g_memdup2 (received->data + sizeof length, length);
      message = g_variant_new_from_data (G_VARIANT_TYPE (FL_WORKER_ANSWER_TYPE), bytes, length,
                                         FALSE, g_free, bytes);
      g_variant_ref_sink (message);
      read_answer (worker, message);
      g_byte_array_remove_range (received, 0, (guint) (sizeof length + length));
    }
}

/* Reads into `to` until nothing is left; closes at the end. */
static void
drain (int *fd, gpointer to, void (*append) (gpointer to, const char *bytes, size_t n))
{
  char bytes[65536];

  while (*fd >= 0)
    {
      ssize_t n = read (*fd, bytes, sizeof bytes);

      if (n > 0)
        append (to, bytes, (size_t) n);
      else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd (fd);
      else if (errno == EAGAIN)
        return;
    }
}

static void
append_answer (gpointer to, const char *bytes, size_t n)
{
  FlWorker *worker = to;

  g_byte_array_append (worker->received, (const guint8 *) bytes, (guint) n);
  read_answers (worker);
}

static void
append_log (gpointer to, const char *bytes, size_t n)
{
  GString *log = ((FlWorker *) to)->log;

  g_string_append_len (log, bytes, (gssize) n);
  if (log->len > LOG_BYTES_MAX)
    g_string_erase (log, 0, (gssize) (log->len - LOG_BYTES_MAX));
}

/* ---- the end ----------------------------------------------------------- */

static const char *
signal_name (int number)
{
  static const struct { int number; const char *name; } names[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGABRT, "SIGABRT" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" },
    { SIGILL, "SIGILL" },   { SIGKILL, "SIGKILL" }, { SIGTERM, "SIGTERM" }, { SIGTRAP, "SIGTRAP" },
    { SIGINT, "SIGINT" },   { SIGXCPU, "SIGXCPU" }, { SIGSYS, "SIGSYS" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].number == number)
      return names[i].name;
  return "signal";
}

/* The last lines of the log, each on a line of its own below the message. */
static void
append_log_tail (GString *text, const GString *log)
{
  g_autofree char *valid = g_utf8_make_valid (log->str, (gssize) log->len);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (valid), "\n", -1);
  guint n = g_strv_length (lines);

  for (guint i = n > LOG_LINES_SHOWN ? n - LOG_LINES_SHOWN : 0; i < n; i++)
    if (*lines[i] != '\0')
      g_string_append_printf (text, "\n%s", lines[i]);
}

/* Says how the process ended without an answer; SIGKILL that is not ours is in
 * practice the kernel's, for want of memory. */
static char *
describe_end (const FlWorker *worker, int status, double time_limit, uint64_t memory_limit)
{
  GString *text = g_string_new (NULL);
  g_autofree char *plugin = plugin_at_work (worker);

  if (worker->timed_out)
    g_string_append_printf (text, "stopped after the time limit of %g s", time_limit);
  else if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL)
    g_string_append (text, "killed (SIGKILL), perhaps because the machine ran out of memory");
  else if (WIFSIGNALED (status))
    g_string_append_printf (text, "crashed with %s (%s)", signal_name (WTERMSIG (status)),
                            strsignal (WTERMSIG (status)));
  else if (worker->damaged)
    g_string_append (text, "sent answers that make no sense");
  else
    g_string_append_printf (text, "ended with status %d", WEXITSTATUS (status));
  g_string_append_printf (text, " in %s", plugin != NULL ? plugin : "the host");
  if (memory_limit > 0 && !worker->timed_out)
    g_string_append_printf (text, ", with a memory limit of %" G_GUINT64_FORMAT " MiB",
                            memory_limit >> 20);
  append_log_tail (text, worker->log);
  return g_string_free (text, FALSE);
}

/* What the task has taken, with what it found made. */
static double
seconds_so_far (const FlWorker *worker)
{
  int64_t own = g_get_monotonic_time () - worker->begun;

  return (double) ((own + (int64_t) (worker->answer.shared * 1e6)) / 1000) / 1000;
}

/* The process has ended. */
static void
conclude (FlWorker *worker, int status, const struct rusage *usage, double time_limit,
          uint64_t memory_limit)
{
  gboolean clean = WIFEXITED (status) && WEXITSTATUS (status) == 0 && !worker->damaged;

  worker->pid = 0;
  worker->answer.seconds = seconds_so_far (worker);
  worker->answer.peak_kib = (uint64_t) usage->ru_maxrss;
  if (clean && has_answered (worker))
    return;
  /* What a process says that then crashes is not believed. */
  fl_answer_clear (&worker->answer);
  worker->answer.error = describe_end (worker, status, time_limit, memory_limit);
}

FlWorkerState
fl_worker_poll (FlWorker *worker, double time_limit, uint64_t memory_limit)
{
  struct rusage usage = { 0 };
  int status = 0;
  pid_t ended;

  /* First see whether it has ended, then read: so nothing it wrote is missed. */
  ended = wait4 (worker->pid, &status, WNOHANG, &usage);
  drain (&worker->answer_fd, worker, append_answer);
  drain (&worker->log_fd, worker, append_log);
  if (ended < 0 && errno == ECHILD)
    ended = worker->pid; /* somebody else has waited for it */
  if (ended == worker->pid)
    {
      kill (-worker->pid, SIGKILL); /* what it started and left */
      conclude (worker, status, &usage, time_limit, memory_limit);
      return FL_WORKER_ENDED;
    }
  if (worker->damaged)
    kill_worker (worker);
  else if (has_answered (worker) && worker->task_fd >= 0)
    {
      worker->answer.seconds = seconds_so_far (worker);
      return FL_WORKER_READY;
    }
  else if (!worker->timed_out && time_limit > 0 && seconds_so_far (worker) > time_limit)
    {
      worker->timed_out = TRUE;
      kill_worker (worker);
    }
  return FL_WORKER_BUSY;
}
