/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* search.c: which files may hold plugins.
 *
 * Folders are searched in a fixed order and the files of a folder by name, so that the
 * same installation gives the same registry.
 */
#include "core/plugin/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- whom to trust ----------------------------------------------------- */

/* Refuses what someone other than this user or root could replace. */
static gboolean
check_owner (const struct stat *info, const char *what, GError **error)
{
  if (info->st_uid != geteuid () && info->st_uid != 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "%s belongs to user %u, neither you nor root", what,
                    (unsigned) info->st_uid);
  if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fl_fail (error, FL_ERROR_PLUGIN,
                    "%s can be written by %s; `chmod go-w` makes it usable", what,
                    (info->st_mode & S_IWOTH) != 0 ? "everybody" : "its group");
  return TRUE;
}

static gboolean
check_folder (const char *path, GError **error)
{
  struct stat info;

  if (stat (path, &info) != 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "folder: %s", g_strerror (errno));
  if (!S_ISDIR (info.st_mode))
    return fl_fail (error, FL_ERROR_PLUGIN, "not a folder");
  return check_owner (&info, "folder", error);
}

/* Where everybody can write above, anybody can put another folder in its place, but for the
 * sticky bit, as in /tmp.  Owners and groups above are trusted as whoever put it there. */
static gboolean
check_above (const char *path, GError **error)
{
  g_autofree char *above = g_path_get_dirname (path);
  struct stat info;

  if (strcmp (above, path) == 0)
    return TRUE;
  if (stat (above, &info) != 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "%s: %s", above, g_strerror (errno));
  if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "the folder %s above it can be written by everybody; "
                    "`chmod o-w` makes it usable", above);
  return check_above (above, error);
}

/* `path` has no links left, so its folder is where it really lies. */
static gboolean
check_file (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat info;

  if (stat (path, &info) != 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "%s", g_strerror (errno));
  if (!S_ISREG (info.st_mode))
    return fl_fail (error, FL_ERROR_PLUGIN, "not a regular file");
  return check_owner (&info, "file", error) && check_folder (folder, error)
         && check_above (folder, error);
}

/* ---- the search -------------------------------------------------------- */

typedef struct
{
  GPtrArray *files;  /* char *, fit to be probed, in search order */
  GHashTable *seen;  /* real paths of folders and files           */
  GPtrArray *refusals;
  const char *suffix; /* of the files sought                      */
} Search;

/* The real path unless it was met before. */
static char *
real_path (Search *search, const char *path, GError **error)
{
  char *found = realpath (path, NULL);
  char *real = g_strdup (found);

  free (found);
  if (real == NULL)
    fl_fail (error, FL_ERROR_PLUGIN, "%s", g_strerror (errno));
  else if (!g_hash_table_add (search->seen, g_strdup (real)))
    g_clear_pointer (&real, g_free);
  return real;
}

static void
search_file (Search *search, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *real = real_path (search, path, &error);

  if (real != NULL && check_file (real, &error))
    g_ptr_array_add (search->files, g_steal_pointer (&path));
  if (error != NULL)
    g_ptr_array_add (search->refusals, fl_refusal_new (path, error->message));
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
search_folder (Search *search, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *real = real_path (search, path, &error);
  g_autoptr (GDir) dir = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name = NULL;

  if (real != NULL && check_folder (real, &error) && check_above (real, &error))
    dir = g_dir_open (real, 0, &error);
  if (error != NULL)
    g_ptr_array_add (search->refusals, fl_refusal_new (path, error->message));
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.' && g_str_has_suffix (name, search->suffix))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    search_file (search, real, g_ptr_array_index (names, i));
}

static gboolean
search_all (Search *search, const char *const *dirs, GError **error)
{
  g_auto (GStrv) named = g_strsplit (g_getenv ("FAIRLEAD_PLUGIN_PATH") != NULL
                                         ? g_getenv ("FAIRLEAD_PLUGIN_PATH") : "", ":", -1);
  g_autofree char *own = g_build_filename (g_get_user_data_dir (), "fairlead", "plugins", NULL);
  const char *installed = g_getenv ("FAIRLEAD_PLUGIN_DIR") != NULL
                              ? g_getenv ("FAIRLEAD_PLUGIN_DIR") : FL_PLUGINDIR;

  for (size_t i = 0; dirs != NULL && dirs[i] != NULL; i++)
    {
      if (!g_file_test (dirs[i], G_FILE_TEST_IS_DIR))
        return fl_fail (error, FL_ERROR_CONFIG, "plugin folder %s does not exist", dirs[i]);
      search_folder (search, dirs[i]);
    }
  for (size_t i = 0; named[i] != NULL; i++)
    if (*named[i] != '\0')
      search_folder (search, named[i]);
  if (g_file_test (own, G_FILE_TEST_EXISTS))
    search_folder (search, own);
  if (g_file_test (installed, G_FILE_TEST_EXISTS))
    search_folder (search, installed);
  return TRUE;
}

gboolean
fl_search_files (const char *const *dirs, const char *suffix, GPtrArray *files,
                 GPtrArray *refusals, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Search search = { files, seen, refusals, suffix };

  return search_all (&search, dirs, error);
}
