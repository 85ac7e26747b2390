/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* partial.c: the folder beside a store, STORE.partial, where trainings that are under
 * way keep their state: IDENTITY.N, the N-th training of the cell of that identity. */
#include <glib/gstdio.h>

#include "core/store/store-room.h"

static char *
folder_of (const FlStore *store)
{
  return g_strconcat (fl_store_path (store), ".partial", NULL);
}

char *
fl_partial_prefix (const FlStore *store, const char *identity)
{
  g_autofree char *folder = folder_of (store);

  return g_build_filename (folder, identity, NULL);
}

void
fl_partial_remove (const FlStore *store, const char *identity)
{
  g_autofree char *folder = folder_of (store), *start = g_strconcat (identity, ".", NULL);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  if (dir == NULL)
    return;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, start))
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);

        g_unlink (path);
      }
  g_dir_close (dir);
  g_rmdir (folder); /* when it is empty */
}
