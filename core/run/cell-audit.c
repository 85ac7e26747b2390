/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell-audit.c: what a cell's split and mitigators may let through. */
#include "core/run/run-room.h"

/* Fills in what the mitigators do; names are the sections' own. */
static gboolean
gather_mitigators (const FlCell *cell, const FlRegistry *registry, GPtrArray *augmenting,
                    FlAuditCell *facts, GError **error)
{
  for (guint i = 0; cell->mitigators != NULL && i < cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (cell->mitigators, i);
      const FlEntry *entry
          = fl_registry_find (registry, FL_KIND_MITIGATOR, section->plugin, error);
      const FlMitigatorOps *ops = entry != NULL ? entry->plugin.ops : NULL;

      if (ops == NULL)
        return FALSE;
      if (ops->augment != NULL)
        g_ptr_array_add (augmenting, section->name != NULL ? section->name : section->plugin);
      if (entry->plugin.needs & (FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS))
        facts->needs_groups = TRUE;
    }
  g_ptr_array_add (augmenting, NULL);
  facts->augmenting = (const char *const *) augmenting->pdata;
  return TRUE;
}

GPtrArray *
fl_cell_audit (const FlCell *cell, const FlRegistry *registry, const FlDataset *dataset,
               const FlSplit *split, GError **error)
{
  g_autoptr (GPtrArray) augmenting = g_ptr_array_new ();
  FlDataKeys data = { 0 };
  FlSplitKeys keys = { 0 };
  FlAuditCell facts = { .data = &data, .split = &keys };
  GPtrArray *rows = NULL;

  if (fl_params_store (fl_data_params, &data, "data", cell->data->host, NULL, NULL, NULL, error)
      && fl_params_store (fl_split_params, &keys, "split", cell->split->host, NULL, NULL, NULL,
                          error)
      && gather_mitigators (cell, registry, augmenting, &facts, error))
    rows = fl_split_audit (dataset, split, &facts, error);
  fl_params_clear (fl_data_params, &data);
  fl_params_clear (fl_split_params, &keys);
  return rows;
}
