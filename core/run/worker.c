/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worker.c: the life of a worker process: read what it is set up with, then tasks:
 * prepare a dataset, or compute cells that share trainings; answer each; end. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fairlead/linalg.h>

#include "core/run/worker.h"

/* Progress more often than this serves nobody. */
#define PROGRESS_MICROSECONDS 100000
/* Far above any cell; below it, a damaged length is noticed before memory is. */
#define TASK_BYTES_MAX (64u << 20)

gboolean
fl_worker_write (int fd, GVariant *message)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (message);
  uint64_t length = g_variant_get_size (owned);
  size_t size = sizeof length + length, at = 0;
  g_autofree char *bytes = g_malloc (size);

  memcpy (bytes, &length, sizeof length);
  g_variant_store (owned, bytes + sizeof length);
  while (at < size)
    {
      ssize_t n = write (fd, bytes + at, size - at);

      if (n >= 0)
        at += (size_t) n;
      else if (errno != EINTR)
        return FALSE;
    }
  return TRUE;
}

static void
answer (char kind, GVariant *value)
{
  fl_worker_write (FL_WORKER_FD, g_variant_new (FL_WORKER_ANSWER_TYPE, kind, value));
}

static gboolean
read_exactly (int fd, gpointer to, size_t size)
{
  for (size_t at = 0; at < size;)
    {
      ssize_t n = read (fd, (char *) to + at, size - at);

      if (n == 0 || (n < 0 && errno != EINTR))
        return FALSE;
      at += n > 0 ? (size_t) n : 0;
    }
  return TRUE;
}

/* The next message of that type; NULL at the end of the input. */
static GVariant *
read_message (const char *type)
{
  uint64_t length = 0;
  char *bytes;

  if (!read_exactly (STDIN_FILENO, &length, sizeof length) || length > TASK_BYTES_MAX)
    return NULL;
  bytes = g_malloc (length);
  if (!read_exactly (STDIN_FILENO, bytes, length))
    {
      g_free (bytes);
      return NULL;
    }
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, length, FALSE,
                                                      g_free, bytes));
}

/* ---- limits ------------------------------------------------------------ */

gboolean
fl_worker_limits_memory (void)
{
#if defined(__SANITIZE_ADDRESS__)
  return FALSE;
#else
  return TRUE;
#endif
}

/* Writable private memory of this process, in bytes; 0 when unknown. */
static uint64_t
data_held (void)
{
  g_autofree char *status = NULL;
  const char *line = NULL;

  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    line = strstr (status, "\nVmData:");
  return line == NULL ? 0 : g_ascii_strtoull (line + strlen ("\nVmData:"), NULL, 10) * 1024;
}

/* RLIMIT_DATA counts writable private memory: what a plugin allocates, but not
 * the mapped dataset or libraries, as RLIMIT_AS would; and unlike a watch over
 * the resident size it makes the allocation itself fail, so that most plugins
 * can say what they lacked.  Buffers and thread stacks that BLAS made when it
 * was loaded are counted as well, hence the sum. */
static gboolean
limit_memory (uint64_t bytes, GError **error)
{
  struct rlimit limit;

  if (bytes == 0)
    return TRUE;
  limit.rlim_cur = limit.rlim_max = (rlim_t) (data_held () + bytes);
  if (fl_worker_limits_memory () && setrlimit (RLIMIT_DATA, &limit) == 0)
    return TRUE;
  return fl_fail (error, FL_ERROR_SYSTEM, "memory cannot be limited: %s", g_strerror (errno));
}

/* A worker must not outlive its parent, nor leave a core file for each crash of
 * a sweep.  Its own process group keeps Ctrl-C for the parent, who decides. */
static gboolean
prepare_process (void)
{
  const struct rlimit none = { 0, 0 };

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setpgid (0, 0);
  setrlimit (RLIMIT_CORE, &none);
  signal (SIGPIPE, SIG_DFL);
  signal (SIGXFSZ, SIG_IGN); /* a file too large is an error of writing it */
  fcntl (FL_WORKER_FD, F_SETFD, FD_CLOEXEC);
  return fcntl (FL_WORKER_FD, F_GETFD) >= 0;
}

/* ---- work -------------------------------------------------------------- */

typedef struct
{
  int64_t last; /* when progress was told, monotonic */
} Work;

/* "als-mf, sweeps": who is at work, and at what. */
static void
send_progress (gpointer user_data, double done, double total, const char *what)
{
  Work *work = user_data;
  const FlInstance *who = fl_door_at_work ();
  int64_t now = g_get_monotonic_time ();
  g_autofree char *text = NULL, *valid = NULL;

  if (now - work->last < PROGRESS_MICROSECONDS)
    return;
  work->last = now;
  valid = g_utf8_make_valid (what != NULL ? what : "", -1);
  text = g_strdup_printf ("%s%s%s", who != NULL ? fl_instance_name (who) : "",
                          who != NULL && what != NULL ? ", " : "", valid);
  answer (FL_WORKER_PROGRESS, g_variant_new ("(dds)", done, total, text));
}

static void
send_training (gpointer user_data, const char *name, double seconds)
{
  (void) user_data;
  if (seconds < 0)
    answer (FL_WORKER_TRAINING, g_variant_new_string (name));
  else
    answer (FL_WORKER_TRAINED, g_variant_new (FL_WORKER_TRAINED_TYPE, name, seconds));
}

/* What a worker is set up with, and what it holds from task to task. */
typedef struct
{
  GVariant *setup;      /* holds the next three        */
  const char *cache, *digest, *folder;
  double checkpoint;    /* seconds between two         */
  FlRegistry *registry;
  FlDataset *dataset;
  FlTrainedSet *trained; /* NULL until a cell is computed */
  Work work;
} Worker;

static void
worker_clear (Worker *worker)
{
  fl_trained_set_free (worker->trained);
  fl_dataset_free (worker->dataset);
  fl_registry_free (worker->registry);
  g_clear_pointer (&worker->setup, g_variant_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Worker, worker_clear)

static gboolean
set_up (Worker *worker, GError **error)
{
  g_autoptr (GVariantIter) files = NULL;
  uint64_t memory_limit = 0;
  const char *file, *hash;

  g_variant_get (worker->setup, "(" FL_WORKER_FILES_TYPE "t^&ay&s^&ayd)", &files, &memory_limit,
                 &worker->cache, &worker->digest, &worker->folder, &worker->checkpoint);
  /* What the parent probed and checked the pipeline with, and no other. */
  worker->registry = fl_registry_empty ();
  while (g_variant_iter_next (files, "(^&ay&s)", &file, &hash))
    if (!fl_registry_open (worker->registry, file, hash, error))
      return FALSE;
  return limit_memory (memory_limit, error);
}

static gboolean
prepare (Worker *worker, const FlCell *cell, GError **error)
{
  static const char *const none[] = { NULL };
  g_autofree char *path = NULL;
  g_autoptr (FlDataset) dataset = NULL;

  dataset = fl_cell_dataset (cell, worker->registry, &path, error);
  if (dataset == NULL)
    return FALSE;
  answer (FL_WORKER_PREPARED, g_variant_new (FL_WORKER_PREPARED_FORMAT, path, dataset->digest,
                                             dataset->notes != NULL ? dataset->notes : none));
  return TRUE;
}

/* The prepared dataset; made again when its file has gone. */
static FlDataset *
open_dataset (const Worker *worker, const FlCell *cell, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (FlDataset) dataset = fl_cache_map (worker->cache, NULL);

  if (dataset == NULL)
    dataset = fl_cell_dataset (cell, worker->registry, &path, error);
  if (dataset == NULL || strcmp (dataset->digest, worker->digest) == 0)
    return g_steal_pointer (&dataset);
  fl_fail (error, FL_ERROR_DATA, "the data are not those that the run began with: its prepared "
           "dataset %s was removed, and the source now gives others", worker->cache);
  return NULL;
}

static const char *
blas_name (void)
{
  char *(*corename) (void) = NULL;
  gpointer symbol = dlsym (RTLD_DEFAULT, "openblas_get_corename");

  memcpy (&corename, &symbol, sizeof corename);
  return corename != NULL ? corename () : "";
}

/* The most that this process has held so far. */
static uint64_t
peak_kib (void)
{
  struct rusage usage = { 0 };

  getrusage (RUSAGE_SELF, &usage);
  return (uint64_t) usage.ru_maxrss;
}

static gboolean
open_set (Worker *worker, const FlCell *cell, GError **error)
{
  const FlTrainedSetup setup = { .registry = worker->registry, .digest = worker->digest,
                                   .folder = worker->folder, .checkpoint = worker->checkpoint,
                                   .progress = send_progress, .told = send_training,
                                   .user_data = &worker->work };

  if (cell->data != NULL && (worker->dataset = open_dataset (worker, cell, error)) == NULL)
    return FALSE;
  worker->trained = fl_trained_set_new (&setup, worker->dataset);
  return TRUE;
}

static gboolean
compute (Worker *worker, const FlCell *cell, GError **error)
{
  g_autoptr (FlOutcome) outcome = NULL;
  g_autoptr (GVariant) packed = NULL;

  if (worker->trained == NULL && !open_set (worker, cell, error))
    return FALSE;
  outcome = fl_cell_execute (cell, worker->trained, error);
  if (outcome == NULL)
    return FALSE;
  fflush (NULL); /* what plugins wrote belongs to this cell */
  packed = fl_outcome_to_variant (outcome);
  answer (FL_WORKER_OUTCOME, g_variant_new (FL_WORKER_OUTCOME_TYPE, packed, fl_isa_name (),
                                            blas_name (), peak_kib ()));
  return TRUE;
}

static gboolean
do_task (Worker *worker, GVariant *task, GError **error)
{
  g_autoptr (GVariant) packed = NULL;
  g_autoptr (FlCell) cell = NULL;
  g_autofree const char **unused = NULL;

  g_variant_get (task, "(^a&sv)", &unused, &packed);
  for (size_t i = 0; unused[i] != NULL && worker->trained != NULL; i++)
    fl_trained_set_drop (worker->trained, unused[i]);
  cell = fl_cell_from_variant (packed, error);
  if (cell == NULL)
    return FALSE;
  return *worker->cache == '\0' && cell->data != NULL ? prepare (worker, cell, error)
                                                      : compute (worker, cell, error);
}

/* A plugin states the fact; who said it goes before, unless it is there. */
static char *
attribute (const char *message)
{
  g_autofree char *plugin = g_strdup (fl_door_failed ());
  g_autofree char *valid = g_utf8_make_valid (message, -1);

  if (plugin == NULL || strstr (valid, g_strdelimit (plugin, "/", ' ')) != NULL)
    return g_steal_pointer (&valid);
  return g_strdup_printf ("%s: %s", plugin, valid);
}

static void
send_error (const GError *error)
{
  g_autofree char *message = attribute (error->message);

  answer (FL_WORKER_ERROR, g_variant_new (FL_WORKER_ERROR_TYPE, message, peak_kib ()));
}

/* From here on the parent sees who is at work, also when this process has died. */
static gboolean
show_who_is_at_work (void)
{
  gpointer plate = mmap (NULL, sizeof (FlDoorPlate), PROT_READ | PROT_WRITE, MAP_SHARED,
                         FL_WORKER_PLATE_FD, 0);

  if (plate == MAP_FAILED)
    return FALSE;
  close (FL_WORKER_PLATE_FD);
  fl_door_show (plate);
  return TRUE;
}

int
fl_worker_main (void)
{
  g_auto (Worker) worker = { .cache = NULL };
  GVariant *task = NULL;
  gboolean ready;
  g_autoptr (GError) error = NULL;

  if (!prepare_process () || !show_who_is_at_work () || isatty (STDIN_FILENO)
      || (worker.setup = read_message (FL_WORKER_SETUP_TYPE)) == NULL)
    {
      fprintf (stderr, "fairlead worker: `fairlead run` starts this by itself\n");
      return 2;
    }
  ready = set_up (&worker, &error);
  while ((task = read_message (FL_WORKER_TASK_TYPE)) != NULL)
    {
      fl_door_forget ();
      if (!ready || !do_task (&worker, task, &error))
        send_error (error);
      if (ready)
        g_clear_error (&error);
      g_variant_unref (task);
    }
  return 0;
}
