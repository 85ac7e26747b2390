/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worker.c: the life of a worker process: read a task, prepare a dataset or
 * compute a cell, answer, end. */
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

static GVariant *
read_task (void)
{
  uint64_t length = 0;
  char *bytes;

  if (isatty (STDIN_FILENO) || !read_exactly (STDIN_FILENO, &length, sizeof length)
      || length > TASK_BYTES_MAX)
    return NULL;
  bytes = g_malloc (length);
  if (!read_exactly (STDIN_FILENO, bytes, length))
    {
      g_free (bytes);
      return NULL;
    }
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (FL_WORKER_TASK_TYPE), bytes,
                                                      length, FALSE, g_free, bytes));
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
settle (void)
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

static void
tell_progress (gpointer user_data, double done, double total, const char *what)
{
  Work *work = user_data;
  int64_t now = g_get_monotonic_time ();

  if (now - work->last < PROGRESS_MICROSECONDS)
    return;
  work->last = now;
  answer (FL_WORKER_PROGRESS, g_variant_new ("(dds)", done, total, what != NULL ? what : ""));
}

static gboolean
prepare (const FlCell *cell, const FlRegistry *registry, GError **error)
{
  static const char *const none[] = { NULL };
  g_autofree char *path = NULL;
  g_autoptr (FlDataset) dataset = NULL;

  dataset = fl_cell_dataset (cell, registry, &path, error);
  if (dataset == NULL)
    return FALSE;
  answer (FL_WORKER_PREPARED, g_variant_new ("(ss^as)", path, dataset->digest,
                                             dataset->notes != NULL ? dataset->notes : none));
  return TRUE;
}

/* The prepared dataset; made again when its file has gone. */
static FlDataset *
open_dataset (const FlCell *cell, const FlRegistry *registry, const char *cache,
              const char *digest, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (FlDataset) dataset = fl_cache_map (cache, NULL);

  if (dataset == NULL)
    dataset = fl_cell_dataset (cell, registry, &path, error);
  if (dataset == NULL || strcmp (dataset->digest, digest) == 0)
    return g_steal_pointer (&dataset);
  fl_fail (error, FL_ERROR_DATA, "the data are not those that the run began with: its prepared "
           "dataset %s was removed, and the source now gives others", cache);
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

static gboolean
compute (const FlCell *cell, const FlRegistry *registry, const char *cache, const char *digest,
         FlCheckpoints *checkpoints, Work *work, GError **error)
{
  g_autoptr (FlDataset) dataset
      = cell->data != NULL ? open_dataset (cell, registry, cache, digest, error) : NULL;
  g_autoptr (FlOutcome) outcome = NULL;

  if (dataset == NULL && cell->data != NULL)
    return FALSE;
  outcome = fl_cell_execute (cell, registry, dataset, checkpoints, tell_progress, work, error);
  if (outcome == NULL)
    return FALSE;
  answer (FL_WORKER_OUTCOME, g_variant_new ("(vss)", fl_outcome_to_variant (outcome),
                                            fl_isa_name (), blas_name ()));
  return TRUE;
}

static gboolean
do_task (GVariant *task, Work *work, GError **error)
{
  g_autoptr (GVariant) packed = NULL;
  g_autoptr (FlCell) cell = NULL;
  g_autoptr (FlRegistry) registry = NULL;
  g_autofree const char **files = NULL;
  FlCheckpoints checkpoints = { 0 };
  const char *cache = NULL, *digest = NULL;
  uint64_t memory_limit = 0;

  g_variant_get (task, "(^a&st&s&s&sdv)", &files, &memory_limit, &cache, &digest,
                 &checkpoints.prefix, &checkpoints.seconds, &packed);
  if (*checkpoints.prefix == '\0')
    checkpoints.prefix = NULL;
  cell = fl_cell_from_variant (packed, error);
  if (cell == NULL)
    return FALSE;
  /* What the parent probed and checked the pipeline with, and no other. */
  registry = fl_registry_of (files);
  if (!limit_memory (memory_limit, error))
    return FALSE;
  return *cache == '\0' && cell->data != NULL
             ? prepare (cell, registry, error)
             : compute (cell, registry, cache, digest, &checkpoints, work, error);
}

/* A plugin states the fact; who said it goes before, unless it is there. */
static char *
attribute (const char *message)
{
  g_autofree char *plugin = g_strdup (fl_door_failed ());

  if (plugin == NULL || strstr (message, g_strdelimit (plugin, "/", ' ')) != NULL)
    return g_strdup (message);
  return g_strdup_printf ("%s: %s", plugin, message);
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
  Work work = { 0 };
  g_autoptr (GVariant) task = NULL;
  g_autoptr (GError) error = NULL;

  if (!settle () || !show_who_is_at_work () || (task = read_task ()) == NULL)
    {
      fprintf (stderr, "fairlead worker: `fairlead run` starts this by itself\n");
      return 2;
    }
  if (!do_task (task, &work, &error))
    answer (FL_WORKER_ERROR, g_variant_new_take_string (attribute (error->message)));
  return 0;
}
