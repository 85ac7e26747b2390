/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* crew.c: workers at their tasks, several at a time, each the cells of a group.
 *
 * A worker that dies costs the cell at work alone, and another goes on with the rest; but
 * where a training failed, so have all cells that need it.
 */
#include <poll.h>
#include <string.h>

#include "core/run/schedule.h"

/* How often a run looks around when nothing happens. */
#define TICK_MILLISECONDS 100
/* A process is reaped within this of closing its pipes. */
#define REAP_MILLISECONDS 1

gboolean
fl_schedule_stopped (const FlSchedule *schedule)
{
  return schedule->options->stop != NULL && *schedule->options->stop != 0;
}

void
fl_schedule_report (FlSchedule *schedule, const FlCellRecord *finished, const char *warning)
{
  schedule->status.finished = finished;
  schedule->status.warning = warning;
  schedule->report (schedule->user_data, &schedule->status);
}

typedef struct
{
  FlWorker *worker;  /* NULL: free                                         */
  GArray *todo;      /* what its task has left, the one at work first      */
  guint at;          /* place in todo of the one at work                   */
  GPtrArray *unused; /* names of trainings that nobody needs any more      */
} Slot;

static guint
at_work (const Slot *slot)
{
  return g_array_index (slot->todo, guint, slot->at);
}

static gboolean
is_last (const Slot *slot)
{
  return slot->at + 1 == slot->todo->len;
}

/* Opening a file is running its code: a worker opens those that its cells name, and what
 * makes plugins of them. */
static void
add_file (const FlRegistry *registry, const FlSection *section, GHashTable *named)
{
  const FlEntry *entry = section != NULL && section->plugin != NULL
                             ? fl_registry_find (registry, section->kind, section->plugin, NULL)
                             : NULL;

  if (entry == NULL || !g_hash_table_add (named, entry->file))
    return;
  for (guint i = 0; i < registry->loaders->len; i++)
    {
      const FlHostedLanguage *language = g_ptr_array_index (registry->loaders, i);

      if (g_str_has_suffix (entry->file, language->loader.suffix))
        g_hash_table_add (named, language->file);
    }
}

static void
add_files (const FlRegistry *registry, const FlCell *cell, GHashTable *named)
{
  const GPtrArray *const lists[] = { cell->mitigators, cell->objectives, cell->references };

  add_file (registry, cell->data, named);
  add_file (registry, cell->model, named);
  for (size_t l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++)
      add_file (registry, lists[l]->pdata[i], named);
  for (guint i = 0; i < cell->bases->len; i++)
    add_files (registry, cell->bases->pdata[i], named);
}

/* The files that the cells name, in the order in which they were found, and their hashes. */
static GVariant *
gather_files (const FlRegistry *registry, const FlCell *const *cells, guint n)
{
  g_autoptr (GHashTable) named = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantBuilder builder;

  for (guint i = 0; i < n; i++)
    add_files (registry, cells[i], named);
  g_variant_builder_init (&builder, G_VARIANT_TYPE (FL_WORKER_FILES_TYPE));
  for (guint i = 0; i < registry->files->len; i++)
    {
      const char *file = g_ptr_array_index (registry->files, i);

      if (g_hash_table_contains (named, file))
        g_variant_builder_add (&builder, "(^ays)", file, fl_registry_hash (registry, file));
    }
  return g_variant_builder_end (&builder);
}

static gboolean
start_worker (const FlSchedule *schedule, const FlRunBatch *batch, Slot *slot, GError **error)
{
  const FlRunOptions *options = schedule->options;
  const FlRunSource *source = batch->source (schedule, at_work (slot));
  g_autofree char *folder = fl_partial_folder (schedule->store);
  guint n = slot->todo->len - slot->at;
  g_autofree const FlCell **cells = g_new (const FlCell *, n);
  GVariant *setup;

  for (guint i = 0; i < n; i++)
    cells[i] = batch->cell (schedule, g_array_index (slot->todo, guint, slot->at + i));
  setup = g_variant_new ("(@" FL_WORKER_FILES_TYPE "t^ays^ayd)",
                         gather_files (schedule->registry, cells, n), options->memory_limit,
                         source != NULL ? source->path : "", source != NULL ? source->digest : "",
                         folder, options->checkpoint);
  slot->worker = fl_worker_start (setup, cells, n, options->threads, error);
  g_ptr_array_set_size (slot->unused, 0);
  return slot->worker != NULL;
}

/* The trainings that a task needs, by name. */
static const char **
name_needs (const FlSchedule *schedule, const FlRunBatch *batch, guint index)
{
  const GPtrArray *needs = batch->source (schedule, index) != NULL
                               ? fl_plan_needs (schedule->plan, index) : NULL;
  guint n = needs != NULL ? needs->len : 0;
  const char **names = g_new0 (const char *, n + 1);

  for (guint i = 0; i < n; i++)
    names[i] = ((const FlNeeded *) g_ptr_array_index (needs, i))->name;
  return names;
}

static void
send_work (const FlSchedule *schedule, const FlRunBatch *batch, Slot *slot)
{
  guint index = at_work (slot);
  g_autofree const char **needs = name_needs (schedule, batch, index);
  GVariant *unused = g_variant_new_strv ((const char *const *) slot->unused->pdata,
                                         (gssize) slot->unused->len);

  fl_worker_send (slot->worker,
                   g_variant_new ("(@asv)", unused,
                                  fl_cell_to_variant (batch->cell (schedule, index))),
                   needs, is_last (slot));
  g_ptr_array_set_size (slot->unused, 0);
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

/* Seconds until all is done, by the means of what was; negative: not known yet. */
static double
estimate_left (const FlSchedule *schedule)
{
  const FlRunStatus *status = &schedule->status;
  double training = schedule->n_made > 0 ? schedule->seconds_made / (double) schedule->n_made : 0;
  double own;

  if (status->loading || schedule->n_ended == 0)
    return -1;
  own = schedule->seconds_own / (double) schedule->n_ended;
  return ((double) schedule->n_needs_left * training
          + (double) (status->n_tasks - status->n_finished) * own)
         / (double) MAX (status->n_running, 1);
}

/* The longest at work speaks for all. */
static void
report_progress (FlSchedule *schedule, const FlRunBatch *batch, const Slot *slots, unsigned n_slots)
{
  FlRunStatus *status = &schedule->status;
  const Slot *eldest = NULL;

  status->n_running = 0;
  for (unsigned i = 0; i < n_slots; i++)
    if (slots[i].worker != NULL)
      {
        status->n_running++;
        if (eldest == NULL || slots[i].worker->begun < eldest->worker->begun)
          eldest = &slots[i];
      }
  status->cell = eldest != NULL ? batch->cell (schedule, at_work (eldest)) : NULL;
  status->what = eldest != NULL ? eldest->worker->what : NULL;
  status->done = eldest != NULL ? eldest->worker->done : 0;
  status->total = eldest != NULL ? eldest->worker->total : 0;
  status->left = estimate_left (schedule);
  fl_schedule_report (schedule, NULL, NULL);
}

static gboolean
record (FlSchedule *schedule, const FlRunBatch *batch, guint index, const FlAnswer *answer,
        GError **error)
{
  schedule->status.n_finished++;
  schedule->status.n_failed += answer->error != NULL;
  schedule->status.cell = batch->cell (schedule, index);
  schedule->status.what = NULL;
  schedule->status.done = schedule->status.total = 0;
  if (answer->error == NULL && *answer->log != '\0')
    fl_schedule_report (schedule, NULL, answer->log);
  return batch->ended (schedule, index, answer, error);
}

/* A cell has ended: trainings that it was the last to need are used no more. */
static void
leave_trainings (FlSchedule *schedule, Slot *slot, guint index)
{
  const GPtrArray *needs = fl_plan_needs (schedule->plan, index);

  for (guint i = 0; i < needs->len; i++)
    {
      FlNeeded *need = g_ptr_array_index (needs, i);

      if (--need->n_waiting == 0)
        g_ptr_array_add (slot->unused, need->name);
      if (!need->made
          && (need->n_waiting == 0
              || g_hash_table_contains (slot->worker->trained, need->name)))
        {
          need->made = TRUE;
          schedule->n_needs_left--;
        }
    }
}

/* The cell at work failed in a training: all that need it fail alike. */
static gboolean
fail_dependents (FlSchedule *schedule, const FlRunBatch *batch, Slot *slot, const FlAnswer *answer,
                 GError **error)
{
  const FlNeeded *need = g_hash_table_lookup (schedule->plan->by_name, answer->training);

  for (guint i = slot->at + 1; need != NULL && need->n_waiting > 0 && i < slot->todo->len;)
    {
      guint index = g_array_index (slot->todo, guint, i);

      if (!fl_plan_needs_name (schedule->plan, index, need->name))
        {
          i++;
          continue;
        }
      if (!record (schedule, batch, index, answer, error))
        return FALSE;
      leave_trainings (schedule, slot, index);
      g_array_remove_index (slot->todo, i);
    }
  return TRUE;
}

static void
note_seconds (FlSchedule *schedule, const FlAnswer *answer)
{
  schedule->n_ended++;
  schedule->n_made += answer->made > 0;
  schedule->seconds_made += answer->made;
  schedule->seconds_own += MAX (answer->seconds - answer->shared - answer->made, 0);
}

/* So many cells that fail in one way, and no other, tell of a mistake in the pipeline. */
#define ALIKE_MAX 5

/* Begins nothing more when the first cells all failed alike; what is at work may end. */
static void
compare_failure (FlSchedule *schedule, const FlAnswer *answer)
{
  size_t n_left = schedule->status.n_tasks - schedule->status.n_finished;
  g_autofree char *notice = NULL;

  schedule->succeeded = schedule->succeeded || answer->error == NULL
                        || (schedule->mistake != NULL
                            && strcmp (schedule->mistake, answer->error) != 0);
  if (schedule->succeeded || schedule->given_up || schedule->options->keep_going)
    return;
  if (schedule->mistake == NULL)
    schedule->mistake = g_strdup (answer->error);
  if (++schedule->n_alike < ALIKE_MAX || n_left == 0)
    return;
  schedule->given_up = TRUE;
  notice = g_strdup_printf ("the first %u cells all failed alike, and the run stops with %zu cells "
                            "left; --keep-going computes them nevertheless",
                            schedule->n_alike, n_left);
  schedule->status.notice = notice;
  fl_schedule_report (schedule, NULL, NULL);
  schedule->status.notice = NULL;
}

/* Whether nothing more is begun, while what is at work may end. */
static gboolean
is_closing (const FlSchedule *schedule)
{
  int64_t until = schedule->options->until;

  return schedule->given_up || (until > 0 && g_get_monotonic_time () >= until);
}

/* The worker is given what comes next in its task; another, when it has ended. */
static gboolean
go_on (const FlSchedule *schedule, const FlRunBatch *batch, Slot *slot, gboolean alive,
       GError **error)
{
  gboolean last = is_last (slot) || is_closing (schedule);

  if (last || !alive)
    g_clear_pointer (&slot->worker, fl_worker_free);
  if (last)
    return TRUE;
  slot->at++;
  if (!alive && !start_worker (schedule, batch, slot, error))
    return FALSE;
  send_work (schedule, batch, slot);
  return TRUE;
}

/* What was computed goes into the store while the worker is at the next. */
static gboolean
end_work (FlSchedule *schedule, const FlRunBatch *batch, Slot *slot, gboolean alive, GError **error)
{
  g_auto (FlAnswer) answer = fl_worker_get_answer (slot->worker);
  guint index = at_work (slot);
  gboolean failed = answer.error != NULL;

  if (failed && !record (schedule, batch, index, &answer, error))
    return FALSE;
  if (batch->source (schedule, index) != NULL)
    {
      note_seconds (schedule, &answer);
      leave_trainings (schedule, slot, index);
      if (answer.training != NULL && !fail_dependents (schedule, batch, slot, &answer, error))
        return FALSE;
      compare_failure (schedule, &answer);
    }
  return go_on (schedule, batch, slot, alive, error)
         && (failed || record (schedule, batch, index, &answer, error));
}

static gboolean
start_task (const FlSchedule *schedule, const FlRunBatch *batch, GArray *todo, Slot *slot,
            GError **error)
{
  slot->todo = todo;
  slot->at = 0;
  if (!start_worker (schedule, batch, slot, error))
    return FALSE;
  send_work (schedule, batch, slot);
  return TRUE;
}

static gboolean
run_slots (FlSchedule *schedule, const FlRunBatch *batch, Slot *slots, unsigned n_slots,
           GError **error)
{
  const FlRunOptions *options = schedule->options;
  guint next = 0;

  while (!fl_schedule_stopped (schedule))
    {
      unsigned n_running = 0;

      for (unsigned i = 0; i < n_slots; i++)
        {
          FlWorkerState state
              = slots[i].worker != NULL ? fl_worker_poll (slots[i].worker, options->time_limit,
                                                          options->memory_limit)
                                        : FL_WORKER_BUSY;

          if (state != FL_WORKER_BUSY && !fl_schedule_stopped (schedule)
              && !end_work (schedule, batch, &slots[i], state == FL_WORKER_READY, error))
            return FALSE;
          if (slots[i].worker == NULL && next < batch->tasks->len && !is_closing (schedule)
              && !fl_schedule_stopped (schedule)
              && !start_task (schedule, batch, g_ptr_array_index (batch->tasks, next++), &slots[i],
                              error))
            return FALSE;
          n_running += slots[i].worker != NULL;
        }
      if (!batch->look (schedule, error))
        return FALSE;
      if (n_running == 0)
        break;
      report_progress (schedule, batch, slots, n_slots);
      wait_for_workers (slots, n_slots);
    }
  return TRUE;
}

gboolean
fl_crew_work (FlSchedule *schedule, const FlRunBatch *batch, GError **error)
{
  unsigned n_slots = MIN (batch->tasks->len, schedule->options->jobs);
  g_autofree Slot *slots = g_new0 (Slot, n_slots + 1);
  gboolean ok;

  for (unsigned i = 0; i < n_slots; i++)
    slots[i].unused = g_ptr_array_new ();
  ok = run_slots (schedule, batch, slots, n_slots, error);
  for (unsigned i = 0; i < n_slots; i++)
    {
      fl_worker_free (slots[i].worker);
      g_ptr_array_unref (slots[i].unused);
    }
  return ok;
}
