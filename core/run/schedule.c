/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* schedule.c: computes a pipeline's cells in workers, several at a time.
 *
 *   prepare each distinct dataset -> identities of all cells -> enter the run
 *   -> what is not done yet, in groups that share trainings: a group to a worker
 *   -> one transaction for each cell that ends
 *
 * Datasets are prepared in workers too: a source that crashes costs its cells
 * and no others.
 */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "core/run/schedule.h"

/* What has ended waits no longer than this for the store, and no more of it. */
#define PAUSE_MICROSECONDS 1000000
#define UNKEPT_MAX 100

/* ---- datasets ---------------------------------------------------------- */

static void
source_free (gpointer data)
{
  FlRunSource *source = data;

  g_free (source->path);
  g_free (source->digest);
  g_free (source->error);
  g_free (source);
}

/* Tells datasets apart: the source with all its parameters, paths too, and the
 * seed where the source draws from it. */
static char *
source_key (const FlSchedule *schedule, const FlCell *cell)
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
static const FlRunSource without_data = { .path = (char *) "", .digest = (char *) "" };

static void
gather_sources (FlSchedule *schedule)
{
  const GPtrArray *cells = schedule->pipeline->cells;
  g_autoptr (GHashTable) by_key = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < cells->len; i++)
    {
      const FlCell *cell = cells->pdata[i];
      char *key = cell->data != NULL ? source_key (schedule, cell) : NULL;
      FlRunSource *source = key != NULL ? g_hash_table_lookup (by_key, key) : NULL;

      schedule->source_of[i] = &without_data;
      if (key == NULL)
        continue;
      if (source == NULL)
        {
          source = g_new0 (FlRunSource, 1);
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
source_cell (const FlSchedule *schedule, guint index)
{
  return ((const FlRunSource *) schedule->sources->pdata[index])->cell;
}

static const FlRunSource *
no_source (const FlSchedule *schedule, guint index)
{
  (void) schedule;
  (void) index;
  return NULL;
}

static gboolean
source_ended (FlSchedule *schedule, guint index, const FlAnswer *answer, GError **error)
{
  FlRunSource *source = schedule->sources->pdata[index];
  g_autofree const char **notes = NULL;

  (void) error;
  source->error = g_strdup (answer->error);
  if (answer->prepared != NULL)
    {
      g_variant_get (answer->prepared, "(^ays^a&s)", &source->path, &source->digest, &notes);
      for (size_t i = 0; notes[i] != NULL; i++)
        g_message ("[data] %s", notes[i]);
    }
  else if (source->error == NULL)
    source->error = g_strdup ("the worker prepared no dataset");
  return TRUE;
}

static gboolean
keep_nothing (FlSchedule *schedule, GError **error)
{
  (void) schedule;
  (void) error;
  return TRUE;
}

/* A task of one thing. */
static GArray *
task_of (guint index)
{
  GArray *task = g_array_new (FALSE, FALSE, sizeof (guint));

  g_array_append_val (task, index);
  return task;
}

static gboolean
prepare_datasets (FlSchedule *schedule, GError **error)
{
  g_autoptr (GPtrArray) tasks
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  const FlRunBatch batch = { .tasks = tasks, .cell = source_cell, .source = no_source,
                             .ended = source_ended, .look = keep_nothing };

  for (guint i = 0; i < schedule->sources->len; i++)
    g_ptr_array_add (tasks, task_of (i));
  schedule->status.loading = TRUE;
  schedule->status.n_tasks = tasks->len;
  return fl_crew_work (schedule, &batch, error);
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
                         FL_RESULT_VERSION, FL_API_VERSION, record->config, record->digest,
                         record->plugins, record->seed);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

static FlCellRecord *
make_record (const FlCell *cell, const FlRunSource *source)
{
  FlCellRecord *record = fl_cell_record_new ();

  record->arm = g_strdup (cell->arm);
  for (guint i = 0; i < cell->sweep->len; i++)
    {
      const FlSetting *setting = cell->sweep->pdata[i];

      g_ptr_array_add (record->sweep, fl_setting_new (setting->key, setting->value, NULL));
    }
  record->repeat = cell->repeat * MAX (cell->n_folds, 1) + cell->fold;
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
make_run (const FlSchedule *schedule)
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

static const FlCell *
cell_at (const FlSchedule *schedule, guint index)
{
  return schedule->pipeline->cells->pdata[index];
}

static const FlRunSource *
source_at (const FlSchedule *schedule, guint index)
{
  return schedule->source_of[index];
}

/* Arms that come to the same settings are computed once. */
static void
find_twins (FlSchedule *schedule)
{
  const GPtrArray *cells = schedule->run->cells;
  g_autoptr (GHashTable) later = g_hash_table_new (g_str_hash, g_str_equal);

  schedule->twin = g_new (guint, cells->len + 1);
  for (guint i = cells->len; i-- > 0;)
    {
      char *identity = ((const FlCellRecord *) cells->pdata[i])->identity;
      gpointer place = NULL;
      gboolean found = g_hash_table_lookup_extended (later, identity, NULL, &place);

      schedule->twin[i] = found ? GPOINTER_TO_UINT (place) : G_MAXUINT;
      g_hash_table_insert (later, identity, GUINT_TO_POINTER (i));
    }
}

/* Checkpoints stay as long as some cell may need them. */
static void
drop_checkpoints (const FlSchedule *schedule, guint index)
{
  const GPtrArray *needs = fl_plan_needs (schedule->plan, index);

  for (guint i = 0; i < needs->len; i++)
    {
      FlNeeded *need = g_ptr_array_index (needs, i);

      if (--need->n_undone == 0)
        fl_partial_remove (schedule->store, need->name);
    }
}

/* Puts all that has ended into the store. */
static gboolean
keep_all (FlSchedule *schedule, GError **error)
{
  int64_t begun = g_get_monotonic_time ();
  const GPtrArray *records = schedule->unkept_records;

  if (records->len == 0)
    return TRUE;
  if (!fl_store_put_all (schedule->store, schedule->run->number, records->len,
                         (const size_t *) (gpointer) schedule->unkept->data,
                         (const FlCellRecord *const *) records->pdata, error))
    return FALSE;
  for (guint i = 0; i < records->len; i++)
    {
      FlCellRecord *record = g_ptr_array_index (records, i);
      guint index = (guint) g_array_index (schedule->unkept, size_t, i);

      /* Of twins the first was computed. */
      if (record->status == FL_CELL_DONE && schedule->run->cells->pdata[index] == record)
        drop_checkpoints (schedule, index);
      /* A long run should not hold all its outcomes. */
      g_clear_pointer (&record->outcome, fl_outcome_free);
    }
  g_array_set_size (schedule->unkept, 0);
  g_ptr_array_set_size (schedule->unkept_records, 0);
  schedule->kept = g_get_monotonic_time ();
  schedule->keeping = schedule->kept - begun;
  return TRUE;
}

/* A transaction waits for the disk.  Each cell has its own, unless cells end so fast that
 * this would take more than a tenth of the time: then they go in together, soon. */
static gboolean
keep_in_time (FlSchedule *schedule, GError **error)
{
  int64_t pause = MIN (9 * schedule->keeping, PAUSE_MICROSECONDS);

  return (g_get_monotonic_time () - schedule->kept < pause
          && schedule->unkept->len < UNKEPT_MAX)
         || keep_all (schedule, error);
}

/* Enters what was found for one cell under every cell of the same identity. */
static void
keep (FlSchedule *schedule, guint index, FlCellRecord *record)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  g_free (record->finished);
  record->finished = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  for (guint i = index; i != G_MAXUINT; i = schedule->twin[i])
    {
      FlCellRecord *twin = schedule->run->cells->pdata[i];
      size_t cell = i;

      if (i != index && twin->status == FL_CELL_DONE)
        continue;
      twin->status = record->status;
      g_array_append_val (schedule->unkept, cell);
      g_ptr_array_add (schedule->unkept_records, record);
    }
  fl_schedule_report (schedule, record, NULL);
}

static void
add_note (FlOutcome *outcome, const char *key, const char *value)
{
  if (value != NULL)
    g_ptr_array_add (outcome->notes, fl_setting_new (key, value, ""));
}

static gboolean
cell_ended (FlSchedule *schedule, guint index, const FlAnswer *answer, GError **error)
{
  FlCellRecord *record = schedule->run->cells->pdata[index];
  g_autoptr (GError) damage = NULL;

  record->seconds = answer->seconds;
  record->peak_kib = answer->peak_kib;
  record->error = g_strdup (answer->error);
  if (answer->outcome != NULL)
    {
      g_autoptr (GVariant) outcome = NULL;

      g_variant_get (answer->outcome, "(vsst)", &outcome, &record->isa, &record->blas, NULL);
      record->outcome = fl_outcome_from_variant (outcome, &damage);
    }
  if (record->outcome != NULL)
    {
      add_note (record->outcome, FL_NOTE_CHOSEN, cell_at (schedule, index)->chosen);
      add_note (record->outcome, FL_NOTE_CHOSEN_BY, cell_at (schedule, index)->chosen_by);
    }
  record->status = record->outcome != NULL ? FL_CELL_DONE : FL_CELL_FAILED;
  if (record->outcome != NULL && record->error == NULL)
    record->error = g_strdup (record->outcome->error);
  if (record->outcome == NULL && record->error == NULL)
    record->error = g_strdup (damage != NULL ? damage->message : "the worker computed nothing");
  keep (schedule, index, record);
  return keep_in_time (schedule, error);
}

static void
fail_without_data (FlSchedule *schedule, guint index, const FlRunSource *source)
{
  FlCellRecord *record = schedule->run->cells->pdata[index];

  record->status = FL_CELL_FAILED;
  record->error = g_strdup (source->error);
  schedule->status.n_finished++;
  schedule->status.n_failed++;
  keep (schedule, index, record);
}

/* Cells to compute: pending or failed, one of each identity. */
static GArray *
gather_cells (const FlSchedule *schedule)
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

/* Whoever does not resume begins anew; and what cells needed that are done nobody may have
 * lived to remove. */
static void
drop_old_checkpoints (const FlSchedule *schedule)
{
  const GPtrArray *cells = schedule->run->cells;
  gboolean resume = schedule->options->resume;
  g_autofree char *folder = fl_partial_folder (schedule->store);
  g_autoptr (FlPlan) old = fl_plan_new ();

  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return;
  for (guint i = 0; i < cells->len; i++)
    if (schedule->source_of[i]->error == NULL)
      fl_plan_add (old, i, cell_at (schedule, i), schedule->registry,
                   schedule->source_of[i]->digest);
  for (guint i = 0; i < old->needs->len; i++)
    {
      const char *name = ((const FlNeeded *) g_ptr_array_index (old->needs, i))->name;

      if (!resume || !g_hash_table_contains (schedule->plan->by_name, name))
        fl_partial_remove (schedule->store, name);
    }
}

/* Those without a dataset fail, the others are computed. */
static gboolean
compute_cells (FlSchedule *schedule, GError **error)
{
  g_autoptr (GArray) todo = gather_cells (schedule);
  g_autoptr (GPtrArray) groups = NULL;
  FlRunBatch batch = { .cell = cell_at, .source = source_at, .ended = cell_ended,
                       .look = keep_in_time };

  schedule->status = (FlRunStatus) { .n_tasks = todo->len };
  schedule->plan = fl_plan_new ();
  find_twins (schedule);
  for (guint t = 0; t < todo->len; t++)
    {
      guint i = g_array_index (todo, guint, t);
      const FlRunSource *source = schedule->source_of[i];

      if (source->error == NULL)
        fl_plan_add (schedule->plan, i, cell_at (schedule, i), schedule->registry,
                     source->digest);
      else
        fail_without_data (schedule, i, source);
    }
  drop_old_checkpoints (schedule);
  schedule->n_needs_left = schedule->plan->needs->len;
  batch.tasks = groups = fl_plan_groups (schedule->plan);
  return fl_crew_work (schedule, &batch, error) && keep_all (schedule, error);
}

static gboolean
run (FlSchedule *schedule, GError **error)
{
  gather_sources (schedule);
  if (!prepare_datasets (schedule, error))
    return FALSE;
  if (fl_schedule_stopped (schedule))
    return TRUE;
  schedule->run = make_run (schedule);
  return fl_store_begin (schedule->store, schedule->run, schedule->options->resume, error)
         && compute_cells (schedule, error);
}

gboolean
fl_schedule_run (const FlPipeline *pipeline, const FlRegistry *registry,
                 const FlRunOptions *options, FlStore *store, FlRunReport report,
                 gpointer user_data, FlRunRecord **record, GError **error)
{
  FlSchedule schedule = { .pipeline = pipeline, .registry = registry, .options = options,
                        .store = store, .report = report, .user_data = user_data };
  char *temporary = NULL;
  gboolean ok;

  if (!fl_cache_open (&temporary, error))
    return FALSE;
  schedule.sources = g_ptr_array_new_with_free_func (source_free);
  schedule.unkept = g_array_new (FALSE, FALSE, sizeof (size_t));
  schedule.unkept_records = g_ptr_array_new ();
  schedule.source_of = g_new0 (const FlRunSource *, pipeline->cells->len + 1);
  ok = run (&schedule, error);
  fl_cache_close (temporary);
  g_ptr_array_unref (schedule.sources);
  g_free (schedule.source_of);
  g_free (schedule.twin);
  g_free (schedule.mistake);
  g_array_unref (schedule.unkept);
  g_ptr_array_unref (schedule.unkept_records);
  fl_plan_free (schedule.plan);
  if (ok)
    *record = g_steal_pointer (&schedule.run);
  fl_run_record_free (schedule.run);
  return ok;
}
