/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* record.c: runs and cells as the store keeps them. */
#include "core/store/store-room.h"

const char *
fl_cell_status_name (FlCellStatus status)
{
  static const char *const names[] = { "pending", "done", "failed" };

  return names[status];
}

FlCellRecord *
fl_cell_record_new (void)
{
  FlCellRecord *record = g_new0 (FlCellRecord, 1);

  record->sweep = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  return record;
}

void
fl_cell_record_free (FlCellRecord *record)
{
  if (record == NULL)
    return;
  g_free (record->identity);
  g_free (record->arm);
  g_ptr_array_unref (record->sweep);
  g_free (record->digest);
  g_free (record->plugins);
  g_free (record->config);
  g_free (record->error);
  g_free (record->isa);
  g_free (record->blas);
  fl_outcome_free (record->outcome);
  g_free (record->finished);
  g_free (record);
}

FlRunRecord *
fl_run_record_new (void)
{
  return g_new0 (FlRunRecord, 1);
}

void
fl_run_record_free (FlRunRecord *record)
{
  if (record == NULL)
    return;
  g_free (record->key);
  g_free (record->title);
  g_free (record->file);
  g_free (record->fairlead);
  g_free (record->started);
  g_clear_pointer (&record->cells, g_ptr_array_unref);
  g_free (record);
}
