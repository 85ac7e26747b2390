/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* partial.c: the folder beside a store, STORE.partial, where trainings that are under
 * way keep their state: NAME.N, the N-th state of the training of that name. */
#include <glib/gstdio.h>

#include "core/store/store-room.h"

char *
fl_partial_folder (const FlStore *store)
{
  return g_strconcat (fl_store_path (store), ".partial", NULL);
}

void
fl_partial_remove (const FlStore *store, const char *name)
{
  g_autofree char *folder = fl_partial_folder (store), *start = g_strconcat (name, ".", NULL);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *file;

  if (dir == NULL)
    return;
  while ((file = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (file, start))
      {
        g_autofree char *path = g_build_filename (folder, file, NULL);

        g_unlink (path);
      }
  g_dir_close (dir);
  g_rmdir (folder); /* when it is empty */
}
