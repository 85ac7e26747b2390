/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* stopping.c: which epoch was the best, and when to give up on a better one. */
#include "core/train/train-room.h"

#include <string.h>

struct FlStopping
{
  const FlTrainingServices *services;
  FlValidation *validation;
  const FlInstance *model;
  const FlBlock *block;
  size_t n_blocks, n_bytes;
  uint64_t patience, every;
  FlBest *best;    /* with the numbers of all blocks, one after the other */
};

FlStopping *
fl_stopping_new (const FlStage *stage, const FlTrainingSettings *settings, GError **error)
{
  g_autoptr (FlStopping) stopping = g_new0 (FlStopping, 1);

  stopping->services = fl_run_services (stage->run);
  if (stopping->services == NULL)
    {
      fl_fail (error, FL_ERROR_PLUGIN, "stop-on: the stage has no run that could measure");
      return NULL;
    }
  stopping->validation = stopping->services->validation_new (stage, settings->stop_on,
                                                             (size_t) settings->stop_k, error);
  stopping->model = stage->model;
  stopping->patience = (uint64_t) settings->patience;
  stopping->every = (uint64_t) settings->validate_every;
  return stopping->validation != NULL ? g_steal_pointer (&stopping) : NULL;
}

void
fl_stopping_free (FlStopping *stopping)
{
  if (stopping == NULL)
    return;
  if (stopping->validation != NULL)
    stopping->services->validation_free (stopping->validation);
  g_free (stopping->best);
  g_free (stopping);
}

gboolean
fl_stopping_set_blocks (FlStopping *stopping, size_t n_blocks, const FlBlock *blocks, GError **error)
{
  stopping->n_blocks = n_blocks;
  stopping->block = blocks;
  for (size_t b = 0; b < n_blocks; b++)
    stopping->n_bytes += blocks[b].n_rows * fl_block_row_bytes (&blocks[b]);
  stopping->best = fl_alloc (1, sizeof *stopping->best + stopping->n_bytes, error);
  return stopping->best != NULL;
}

FlBest *
fl_stopping_best (FlStopping *stopping, size_t *size)
{
  *size = sizeof *stopping->best + stopping->n_bytes;
  return stopping->best;
}

/* Blocks to the best, or back. */
static void
copy_blocks (FlStopping *stopping, gboolean back)
{
  char *at = stopping->best->numbers;

  for (size_t b = 0; b < stopping->n_blocks; b++)
    {
      const FlBlock *block = &stopping->block[b];
      size_t n = block->n_rows * fl_block_row_bytes (block);

      if (back)
        memcpy (fl_block_row (block, 0), at, n);
      else
        memcpy (at, fl_block_row (block, 0), n);
      at += n;
    }
}

gboolean
fl_stopping_end_epoch (FlStopping *stopping, uint64_t n_epochs, gboolean last, gboolean *stop,
                       GError **error)
{
  const FlTrainingServices *services = stopping->services;
  FlBest *best = stopping->best;
  double value;
  gboolean better;

  *stop = FALSE;
  if (n_epochs % stopping->every != 0 && !last)
    return TRUE;
  if (!services->validation_measure (stopping->validation, stopping->model, &value, error))
    return FALSE;
  better = services->validation_direction (stopping->validation) == FL_LOWER_IS_BETTER
               ? value < best->value : value > best->value;
  if (best->epoch == 0 || better)
    {
      best->epoch = n_epochs;
      best->value = value;
      copy_blocks (stopping, FALSE);
    }
  *stop = n_epochs - best->epoch >= stopping->patience;
  return TRUE;
}

void
fl_stopping_restore (FlStopping *stopping)
{
  if (stopping->best->epoch > 0)
    copy_blocks (stopping, TRUE);
}
