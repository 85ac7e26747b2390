/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* schedule.c: computes a pipeline's cells in workers, several at a time.
 *
 *   prepare each distinct dataset -> identities of all cells -> enter the run
 *   -> compute what is not done yet -> one transaction for each that ends
 *
 * Datasets are prepared in workers too: a source that crashes costs its cells
 * and no others.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "config.h"
#include "core/run/worker.h"

/* Raised when the host computes other digits from the same settings. */
#define RESULT_VERSION 1
/* How often a run looks around when nothing happens. */
#define TICK_MILLISECONDS 100
/* A process is reaped within this of closing its pipes. */
#define REAP_MILLISECONDS 1

typedef struct
{
  const FlCell *cell; /* the first of those that use it */
  char *path, *digest;
  char *error;        /* why there is no dataset        */
} Source;

typedef struct
{
  const FlPipeline *pipeline;
  const FlRegistry *registry;
  const FlRunOptions *options;
  FlStore *store;
  FlRunReport report;
  gpointer user_data;
  FlRunStatus status;
  GPtrArray *sources;       /* Source                                    */
  const Source **source_of; /* by cell                                   */
  FlRunRecord *run;
} Schedule;

/* Work of one kind, to be done in workers: `n` tasks. */
typedef struct
{
  size_t n;
  const FlCell *(*cell) (const Schedule *schedule, gconstpointer data, size_t task);
  const Source *(*source) (const Schedule *schedule, gconstpointer data, size_t task);
  /* Where its trainings keep their state; NULL: nowhere. */
  char *(*checkpoint) (const Schedule *schedule, gconstpointer data, size_t task);
  gboolean (*ended) (Schedule *schedule, gconstpointer data, size_t task, FlWorker *worker,
                     GError **error);
  gconstpointer data;
} Batch;

static gboolean
stopped (const Schedule *schedule)
{
  return schedule->options->stop != NULL && *schedule->options->stop != 0;
}

static void
tell (Schedule *schedule, const FlCellRecord *finished, const char *warning)
{
  schedule->status.finished = finished;
  schedule->status.warning = warning;
  schedule->report (schedule->user_data, &schedule->status);
}

/* ---- workers ----------------------------------------------------------- */

typedef struct
{
  FlWorker *worker; /* NULL: free */
  size_t task;
} Slot;

static gboolean
start_task (const Schedule *schedule, const Batch *batch, size_t task, Slot *slot, GError **error)
{
  const FlRunOptions *options = schedule->options;
  const GPtrArray *files = schedule->registry->files;
  const FlCell *cell = batch->cell (schedule, batch->data, task);
  const Source *source = batch->source (schedule, batch->data, task);
  g_autofree char *checkpoint
      = batch->checkpoint != NULL ? batch->checkpoint (schedule, batch->data, task) : NULL;
  GVariant *message
      = g_variant_new ("(@astsssdv)", g_variant_new_strv ((const char *const *) files->pdata,
                                                       (gssize) files->len),
                       options->memory_limit, source != NULL ? source->path : "",
                       source != NULL ? source->digest : "",
                       checkpoint != NULL ? checkpoint : "", options->checkpoint,
                       fl_cell_to_variant (cell));

  slot->task = task;
  slot->worker = fl_worker_start (message, cell, options->threads, error);
  return slot->worker != NULL;
}

/* Sleeps until a worker says something or a tick has passed. */
static void
wait_for_workers (const Slot *slots, unsigned n_slots)
{
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, 2 * n_slots);
  int timeout = TICK_MILLISECONDS;

  for (unsigned i = 0; i < n_slots; i++)
    {
      const FlWorker *worker = slots[i].worker;

      fds[2 * i] = (struct pollfd) { .fd = worker ? worker->answer_fd : -1, .events = POLLIN };
      fds[2 * i + 1] = (struct pollfd) { .fd = worker ? worker->log_fd : -1, .events = POLLIN };
      if (worker != NULL && worker->answer_fd < 0)
        timeout = REAP_MILLISECONDS;
    }
  poll (fds, 2 * n_slots, timeout);
}

/* The longest at work speaks for all. */
static void
tell_progress (Schedule *schedule, const Batch *batch, const Slot *slots, unsigned n_slots)
{
  FlRunStatus *status = &schedule->status;
  const Slot *eldest = NULL;

  status->n_running = 0;
  for (unsigned i = 0; i < n_slots; i++)
    if (slots[i].worker != NULL)
      {
        status->n_running++;
        if (eldest == NULL || slots[i].worker->started < eldest->worker->started)
          eldest = &slots[i];
      }
  status->cell = eldest != NULL ? batch->cell (schedule, batch->data, eldest->task) : NULL;
  status->what = eldest != NULL ? eldest->worker->what : NULL;
  status->done = eldest != NULL ? eldest->worker->done : 0;
  status->total = eldest != NULL ? eldest->worker->total : 0;
  tell (schedule, NULL, NULL);
}

static gboolean
end_task (Schedule *schedule, const Batch *batch, Slot *slot, GError **error)
{
  FlWorker *worker = g_steal_pointer (&slot->worker);
  gboolean ok;

  schedule->status.n_finished++;
  schedule->status.n_failed += worker->error != NULL;
  schedule->status.cell = batch->cell (schedule, batch->data, slot->task);
  schedule->status.what = NULL;
  schedule->status.done = schedule->status.total = 0;
  if (worker->error == NULL && worker->log->len > 0)
    tell (schedule, NULL, worker->log->str);
  ok = batch->ended (schedule, batch->data, slot->task, worker, error);
  fl_worker_free (worker);
  return ok;
}

static gboolean
run_slots (Schedule *schedule, const Batch *batch, Slot *slots, unsigned n_slots, GError **error)
{
  const FlRunOptions *options = schedule->options;
  size_t next = 0;

  while (!stopped (schedule))
    {
      unsigned n_running = 0;

      for (unsigned i = 0; i < n_slots; i++)
        {
          if (slots[i].worker != NULL
              && fl_worker_poll (slots[i].worker, options->time_limit, options->memory_limit)
              && !stopped (schedule) && !end_task (schedule, batch, &slots[i], error))
            return FALSE;
          if (slots[i].worker == NULL && next < batch->n && !stopped (schedule)
              && !start_task (schedule, batch, next++, &slots[i], error))
            return FALSE;
          n_running += slots[i].worker != NULL;
        }
      if (n_running == 0)
        break;
      tell_progress (schedule, batch, slots, n_slots);
      wait_for_workers (slots, n_slots);
    }
  return TRUE;
}

static gboolean
run_batch (Schedule *schedule, const Batch *batch, GError **error)
{
  unsigned n_slots = (unsigned) MIN (batch->n, schedule->options->jobs);
  g_autofree Slot *slots = g_new0 (Slot, n_slots + 1);
  gboolean ok;

  ok = run_slots (schedule, batch, slots, n_slots, error);
  for (unsigned i = 0; i < n_slots; i++)
    fl_worker_free (slots[i].worker);
  return ok;
}

/* ---- datasets ---------------------------------------------------------- */

static void
source_free (gpointer data)
{
  Source *source = data;

  g_free (source->path);
  g_free (source->digest);
  g_free (source->error);
  g_free (source);
}

/* Tells datasets apart: the source with all its parameters, paths too, and the
 * seed where the source draws from it. */
static char *
source_key (const Schedule *schedule, const FlCell *cell)
{
  const FlEntry *entry
      = fl_registry_find (schedule->registry, FL_KIND_SOURCE, cell->data->plugin, NULL);
  const FlSourceOps *ops = entry != NULL ? entry->plugin.ops : NULL;
  GString *key = g_string_new (cell->data->plugin);
  FlIngest ingest;

  for (guint i = 0; i < cell->data->settings->len; i++)
    {
      const FlSetting *setting = cell->data->settings->pdata[i];

      g_string_append_printf (key, "\n%s=%s", setting->key, setting->value);
    }
  if (fl_cell_ingest (cell, &ingest, NULL))
    g_string_append_printf (key, "\n%d %d", ingest.bad_lines, ingest.duplicates);
  if (ops != NULL && ops->seeded)
    g_string_append_printf (key, "\n%" G_GUINT64_FORMAT, cell->seed);
  return g_string_free (key, FALSE);
}

/* Of cells without data. */
static const Source without_data = { .path = (char *) "", .digest = (char *) "" };

static void
gather_sources (Schedule *schedule)
{
  const GPtrArray *cells = schedule->pipeline->cells;
  g_autoptr (GHashTable) by_key = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < cells->len; i++)
    {
      const FlCell *cell = cells->pdata[i];
      char *key = cell->data != NULL ? source_key (schedule, cell) : NULL;
      Source *source = key != NULL ? g_hash_table_lookup (by_key, key) : NULL;

      schedule->source_of[i] = &without_data;
      if (key == NULL)
        continue;
      if (source == NULL)
        {
          source = g_new0 (Source, 1);
          source->cell = cells->pdata[i];
          g_ptr_array_add (schedule->sources, source);
          g_hash_table_insert (by_key, key, source);
        }
      else
        g_free (key);
      schedule->source_of[i] = source;
    }
}

static const FlCell *
source_cell (const Schedule *schedule, gconstpointer data, size_t task)
{
  (void) data;
  return ((const Source *) schedule->sources->pdata[task])->cell;
}

static const Source *
no_source (const Schedule *schedule, gconstpointer data, size_t task)
{
  (void) schedule;
  (void) data;
  (void) task;
  return NULL;
}

static gboolean
source_ended (Schedule *schedule, gconstpointer data, size_t task, FlWorker *worker,
              GError **error)
{
  Source *source = schedule->sources->pdata[task];
  g_autofree const char **notes = NULL;

  (void) data;
  (void) error;
  source->error = g_steal_pointer (&worker->error);
  if (worker->prepared != NULL)
    {
      g_variant_get (worker->prepared, "(ss^a&s)", &source->path, &source->digest, &notes);
      for (size_t i = 0; notes[i] != NULL; i++)
        g_message ("[data] %s", notes[i]);
    }
  else if (source->error == NULL)
    source->error = g_strdup ("the worker prepared no dataset");
  return TRUE;
}

static gboolean
prepare_datasets (Schedule *schedule, GError **error)
{
  const Batch batch = { .n = schedule->sources->len, .cell = source_cell, .source = no_source,
                        .ended = source_ended };

  schedule->status.loading = TRUE;
  schedule->status.n_tasks = batch.n;
  return run_batch (schedule, &batch, error);
}

/* ---- records ----------------------------------------------------------- */

static void
append_plugin (GString *text, const FlSection *section)
{
  if (section != NULL && section->plugin != NULL)
    g_string_append_printf (text, "%s/%s %s\n", fl_kind_name (section->kind), section->plugin,
                            section->plugin_version != NULL ? section->plugin_version : "0");
}

static void
append_plugins (GString *text, const FlCell *cell)
{
  const GPtrArray *const lists[] = { cell->mitigators, cell->objectives, cell->references };

  append_plugin (text, cell->data);
  append_plugin (text, cell->model);
  for (size_t l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++)
      append_plugin (text, lists[l]->pdata[i]);
  for (guint i = 0; i < cell->bases->len; i++)
    append_plugins (text, cell->bases->pdata[i]);
}

static char *
plugins_text (const FlCell *cell)
{
  GString *text = g_string_new (NULL);

  append_plugins (text, cell);
  return g_string_free (text, FALSE);
}

static char *
identity (const FlCellRecord *record)
{
  g_autofree char *text
      = g_strdup_printf ("fairlead result %d api %d\n%s\n%s\n%s\n%" G_GUINT64_FORMAT "\n",
                         RESULT_VERSION, FL_API_VERSION, record->config, record->digest,
                         record->plugins, record->seed);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

static FlCellRecord *
make_record (const FlCell *cell, const Source *source)
{
  FlCellRecord *record = fl_cell_record_new ();

  record->arm = g_strdup (cell->arm);
  for (guint i = 0; i < cell->sweep->len; i++)
    {
      const FlSetting *setting = cell->sweep->pdata[i];

      g_ptr_array_add (record->sweep, fl_setting_new (setting->key, setting->value, NULL));
    }
  record->repeat = cell->repeat;
  record->seed = cell->seed;
  record->digest = g_strdup (source->digest != NULL ? source->digest : "");
  record->plugins = plugins_text (cell);
  record->config = fl_cell_canonical (cell);
  record->identity = identity (record);
  return record;
}

static void
hash_text (GChecksum *sum, const char *text)
{
  /* With its zero byte, so that neighbours cannot run into each other. */
  g_checksum_update (sum, (const guchar *) text, (gssize) strlen (text) + 1);
}

static char *
run_key (const FlRunRecord *run)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  hash_text (sum, run->title);
  for (guint i = 0; i < run->cells->len; i++)
    {
      const FlCellRecord *record = run->cells->pdata[i];

      hash_text (sum, record->arm);
      for (guint s = 0; s < record->sweep->len; s++)
        {
          hash_text (sum, ((const FlSetting *) record->sweep->pdata[s])->key);
          hash_text (sum, ((const FlSetting *) record->sweep->pdata[s])->value);
        }
      hash_text (sum, record->identity);
    }
  return g_strdup (g_checksum_get_string (sum));
}

static FlRunRecord *
make_run (const Schedule *schedule)
{
  const FlPipeline *pipeline = schedule->pipeline;
  FlRunRecord *run = fl_run_record_new ();

  run->file = g_strdup (pipeline->file);
  run->title = pipeline->title != NULL ? g_strdup (pipeline->title)
                                       : g_path_get_basename (pipeline->file);
  run->fairlead = g_strdup (PACKAGE_VERSION);
  run->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_record_free);
  for (guint i = 0; i < pipeline->cells->len; i++)
    g_ptr_array_add (run->cells,
                     make_record (pipeline->cells->pdata[i], schedule->source_of[i]));
  run->key = run_key (run);
  return run;
}

/* ---- cells ------------------------------------------------------------- */

/* `data` of the batch: indices of the cells to compute. */
static guint
cell_index (gconstpointer data, size_t task)
{
  return g_array_index ((const GArray *) data, guint, task);
}

static const FlCell *
batch_cell (const Schedule *schedule, gconstpointer data, size_t task)
{
  return schedule->pipeline->cells->pdata[cell_index (data, task)];
}

static const Source *
batch_source (const Schedule *schedule, gconstpointer data, size_t task)
{
  return schedule->source_of[cell_index (data, task)];
}

static char *
batch_checkpoint (const Schedule *schedule, gconstpointer data, size_t task)
{
  const FlCellRecord *record = schedule->run->cells->pdata[cell_index (data, task)];

  return fl_partial_prefix (schedule->store, record->identity);
}

/* Enters what was found for one cell under every cell of the same identity: arms
 * that come to the same settings are computed once. */
static gboolean
keep (Schedule *schedule, guint index, FlCellRecord *record, GError **error)
{
  const GPtrArray *cells = schedule->run->cells;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  g_free (record->finished);
  record->finished = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  for (guint i = index; i < cells->len; i++)
    {
      FlCellRecord *twin = cells->pdata[i];

      if (i != index && (twin->status == FL_CELL_DONE
                         || strcmp (twin->identity, record->identity) != 0))
        continue;
      twin->status = record->status;
      if (!fl_store_put (schedule->store, schedule->run->number, i, record, error))
        return FALSE;
    }
  tell (schedule, record, NULL);
  return TRUE;
}

static gboolean
cell_ended (Schedule *schedule, gconstpointer data, size_t task, FlWorker *worker, GError **error)
{
  guint index = cell_index (data, task);
  FlCellRecord *record = schedule->run->cells->pdata[index];
  g_autoptr (GError) damage = NULL;

  record->seconds = worker->seconds;
  record->peak_kib = worker->peak_kib;
  record->error = g_steal_pointer (&worker->error);
  if (worker->outcome != NULL)
    {
      g_autoptr (GVariant) outcome = NULL;

      g_variant_get (worker->outcome, "(vss)", &outcome, &record->isa, &record->blas);
      record->outcome = fl_outcome_from_variant (outcome, &damage);
    }
  record->status = record->outcome != NULL ? FL_CELL_DONE : FL_CELL_FAILED;
  if (record->outcome == NULL && record->error == NULL)
    record->error = g_strdup (damage != NULL ? damage->message : "the worker computed nothing");
  if (!keep (schedule, index, record, error))
    return FALSE;
  if (record->status == FL_CELL_DONE)
    fl_partial_remove (schedule->store, record->identity);
  /* It is in the store now; a long run should not hold all its outcomes. */
  g_clear_pointer (&record->outcome, fl_outcome_free);
  return TRUE;
}

static gboolean
fail_without_data (Schedule *schedule, guint index, const Source *source, GError **error)
{
  FlCellRecord *record = schedule->run->cells->pdata[index];

  record->status = FL_CELL_FAILED;
  record->error = g_strdup (source->error);
  schedule->status.n_finished++;
  schedule->status.n_failed++;
  return keep (schedule, index, record, error);
}

/* Cells to compute: pending or failed, one of each identity. */
static GArray *
gather_cells (const Schedule *schedule)
{
  GArray *todo = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < schedule->run->cells->len; i++)
    {
      const FlCellRecord *record = schedule->run->cells->pdata[i];

      if (record->status != FL_CELL_DONE && g_hash_table_add (seen, record->identity))
        g_array_append_val (todo, i);
    }
  return todo;
}

/* Those without a dataset fail, the others are computed. */
static gboolean
compute_cells (Schedule *schedule, GError **error)
{
  g_autoptr (GArray) todo = gather_cells (schedule);
  g_autoptr (GArray) ready = g_array_new (FALSE, FALSE, sizeof (guint));
  Batch batch = { .cell = batch_cell, .source = batch_source, .checkpoint = batch_checkpoint,
                  .ended = cell_ended, .data = ready };

  schedule->status = (FlRunStatus) { .n_tasks = todo->len };
  for (guint t = 0; t < todo->len; t++)
    {
      guint i = g_array_index (todo, guint, t);
      const Source *source = schedule->source_of[i];
      const FlCellRecord *record = schedule->run->cells->pdata[i];

      if (!schedule->options->resume)
        fl_partial_remove (schedule->store, record->identity);
      if (source->error == NULL)
        g_array_append_val (ready, i);
      else if (!fail_without_data (schedule, i, source, error))
        return FALSE;
    }
  batch.n = ready->len;
  return run_batch (schedule, &batch, error);
}

static gboolean
run (Schedule *schedule, GError **error)
{
  gather_sources (schedule);
  if (!prepare_datasets (schedule, error))
    return FALSE;
  if (stopped (schedule))
    return TRUE;
  schedule->run = make_run (schedule);
  return fl_store_begin (schedule->store, schedule->run, schedule->options->resume, error)
         && compute_cells (schedule, error);
}

gboolean
fl_run_pipeline (const FlPipeline *pipeline, const FlRegistry *registry,
                 const FlRunOptions *options, FlStore *store, FlRunReport report,
                 gpointer user_data, FlRunRecord **record, GError **error)
{
  Schedule schedule = { .pipeline = pipeline, .registry = registry, .options = options,
                        .store = store, .report = report, .user_data = user_data };
  char *temporary = NULL;
  gboolean ok;

  if (!fl_cache_open (&temporary, error))
    return FALSE;
  schedule.sources = g_ptr_array_new_with_free_func (source_free);
  schedule.source_of = g_new0 (const Source *, pipeline->cells->len + 1);
  ok = run (&schedule, error);
  fl_cache_close (temporary);
  g_ptr_array_unref (schedule.sources);
  g_free (schedule.source_of);
  if (ok)
    *record = g_steal_pointer (&schedule.run);
  fl_run_record_free (schedule.run);
  return ok;
}
