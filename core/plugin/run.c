/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* run.c: what a plugin may ask of the run it belongs to. */
#include "core/plugin/plugin-room.h"

struct FlRun
{
  uint64_t seed;
  FlProgress progress;
  gpointer user_data;
  GPtrArray *notes;                   /* FlSetting */
  const FlRatings *validation;        /* or NULL   */
  const FlTrainingServices *services; /* or NULL   */
  FlCheckpoints *checkpoints;         /* or NULL   */
};

FlRun *
fl_run_new (uint64_t seed, FlProgress progress, gpointer user_data)
{
  FlRun *run = g_new0 (FlRun, 1);

  run->seed = seed;
  run->progress = progress;
  run->user_data = user_data;
  run->notes = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  return run;
}

FlRun *
fl_run_after (const FlRun *run)
{
  FlRun *next = fl_run_new (run->seed, run->progress, run->user_data);

  for (guint i = 0; i < run->notes->len; i++)
    {
      const FlSetting *note = g_ptr_array_index (run->notes, i);

      fl_run_note_text (next, note->key, note->value);
    }
  return next;
}

void
fl_run_free (FlRun *run)
{
  if (run == NULL)
    return;
  g_ptr_array_unref (run->notes);
  g_free (run);
}

uint64_t
fl_run_seed (const FlRun *run)
{
  return run != NULL ? run->seed : 0;
}

void
fl_run_set_seed (FlRun *run, uint64_t seed)
{
  run->seed = seed;
}

void
fl_run_lend_validation (FlRun *run, const FlRatings *validation)
{
  run->validation = validation;
}

const FlRatings *
fl_run_validation (const FlRun *run)
{
  return run != NULL ? run->validation : NULL;
}

void
fl_run_lend_services (FlRun *run, const FlTrainingServices *services)
{
  run->services = services;
}

const FlTrainingServices *
fl_run_services (const FlRun *run)
{
  return run != NULL ? run->services : NULL;
}

void
fl_run_keep_checkpoints (FlRun *run, FlCheckpoints *checkpoints)
{
  run->checkpoints = checkpoints;
}

char *
fl_run_checkpoint (FlRun *run, double *seconds)
{
  FlCheckpoints *checkpoints = run != NULL ? run->checkpoints : NULL;

  if (checkpoints == NULL || checkpoints->prefix == NULL)
    return NULL;
  *seconds = checkpoints->seconds;
  return g_strdup_printf ("%s.%u", checkpoints->prefix, checkpoints->n++);
}

const GPtrArray *
fl_run_notes (const FlRun *run)
{
  return run->notes;
}

void
fl_run_progress (FlRun *run, double done, double total, const char *what)
{
  if (run != NULL && run->progress != NULL && total > 0)
    run->progress (run->user_data, done, total, what);
}

void
fl_run_note_text (FlRun *run, const char *name, const char *value)
{
  if (run == NULL)
    return;
  for (guint i = 0; i < run->notes->len; i++)
    {
      FlSetting *note = g_ptr_array_index (run->notes, i);

      if (g_str_equal (note->key, name))
        {
          g_free (note->value);
          note->value = g_strdup (value);
          return;
        }
    }
  g_ptr_array_add (run->notes, fl_setting_new (name, value, ""));
}

void
fl_run_note (FlRun *run, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  fl_run_note_text (run, name, g_ascii_dtostr (text, sizeof text, value));
}

void
fl_run_note_stop (FlRun *run, FlStop reason, size_t iterations)
{
  static const char *const words[] = { "converged", "limit reached", "no more improvement" };

  fl_run_note_text (run, "stop", words[reason]);
  fl_run_note (run, "iterations", (double) iterations);
}
