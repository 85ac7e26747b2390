/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* toys.h: the toys as a registry, for tests that link them in. */
#ifndef TOYS_H
#define TOYS_H

#include "core/plugin/plugin-room.h"

static inline FlRegistry *
toys_registry_new (void)
{
  FlRegistry *registry = g_new0 (FlRegistry, 1);

  registry->entries = g_ptr_array_new_with_free_func (g_free);
  registry->files = g_ptr_array_new ();
  registry->loaders = g_ptr_array_new ();
  registry->hashes = g_hash_table_new (g_str_hash, g_str_equal);
  registry->refusals = g_ptr_array_new ();
  for (const FlPlugin *const *p = fairlead_plugins (); *p != NULL; p++)
    {
      FlEntry *entry = g_new0 (FlEntry, 1);

      entry->plugin = **p;
      g_ptr_array_add (registry->entries, entry);
    }
  return registry;
}

#endif
