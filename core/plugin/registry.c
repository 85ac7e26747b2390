/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* registry.c: which plugins there are.
 *
 * Folders are searched in a fixed order and the files of a folder by name, so
 * that the same installation gives the same registry.  A file that is not fit
 * to be used becomes a refusal with its reason; nothing here fails because of
 * one.  Files are never closed again: unloading a library that has started
 * threads can freeze the process.
 */
#include "core/plugin/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

FlRefusal *
fl_refusal_new (const char *file, const char *reason)
{
  FlRefusal *refusal = g_new0 (FlRefusal, 1);

  refusal->file = g_strdup (file);
  refusal->reason = g_strdup (reason);
  return refusal;
}

void
fl_refusal_free (FlRefusal *refusal)
{
  g_free (refusal->file);
  g_free (refusal->reason);
  g_free (refusal);
}

/* ---- one file ---------------------------------------------------------- */

static const FlPlugin *const *
open_file (const char *file, GError **error)
{
  typedef const FlPlugin *const *(*List) (void);
  gpointer module = dlopen (file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  List list = NULL;
  const FlPlugin *const *plugins = NULL;

  if (module == NULL)
    {
      const char *reason = dlerror ();

      if (g_str_has_prefix (reason, file) && g_str_has_prefix (reason + strlen (file), ": "))
        reason += strlen (file) + 2;
      fl_fail (error, FL_ERROR_PLUGIN, "cannot be opened as a shared object: %s", reason);
      return NULL;
    }
  *(gpointer *) &list = dlsym (module, "fairlead_plugins");
  if (list == NULL)
    fl_fail (error, FL_ERROR_PLUGIN, "has no symbol fairlead_plugins: not a plugin");
  else if ((plugins = list ()) == NULL || plugins[0] == NULL)
    fl_fail (error, FL_ERROR_PLUGIN, "holds no plugin");
  return plugins != NULL && plugins[0] != NULL ? plugins : NULL;
}

static const FlEntry *
find_entry (const GPtrArray *entries, FlKind kind, const char *name)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const FlEntry *entry = g_ptr_array_index (entries, i);

      if (entry->plugin.kind == kind && strcmp (entry->plugin.name, name) == 0)
        return entry;
    }
  return NULL;
}

static void
add_entry (const FlPlugin *theirs, const char *file, const char *hash, GPtrArray *entries,
           GPtrArray *refusals)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlEntry) entry = fl_entry_new (theirs, file, &error);
  const FlEntry *first = NULL;

  if (entry != NULL)
    first = find_entry (entries, entry->plugin.kind, entry->plugin.name);
  if (first != NULL)
    fl_fail (&error, FL_ERROR_PLUGIN, "%s '%s' is already in %s",
             fl_kind_name (first->plugin.kind), first->plugin.name, first->file);
  if (error != NULL)
    g_ptr_array_add (refusals, fl_refusal_new (file, error->message));
  else
    {
      entry->hash = g_strdup (hash);
      g_ptr_array_add (entries, g_steal_pointer (&entry));
    }
}

/* A plugin that is built anew may compute other results under the same version. */
static char *
hash_file (const char *file, GError **error)
{
  g_autofree char *bytes = NULL;
  XXH128_canonical_t canonical;
  GString *text;
  gsize n = 0;

  if (!g_file_get_contents (file, &bytes, &n, error))
    return NULL;
  XXH128_canonicalFromHash (&canonical, XXH3_128bits (bytes, n));
  text = g_string_new (NULL);
  for (size_t i = 0; i < sizeof canonical.digest; i++)
    g_string_append_printf (text, "%02x", canonical.digest[i]);
  return g_string_free (text, FALSE);
}

void
fl_load_file (const char *file, GPtrArray *entries, GPtrArray *refusals)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hash = hash_file (file, &error);
  const FlPlugin *const *plugins = hash != NULL ? open_file (file, &error) : NULL;

  if (plugins == NULL)
    g_ptr_array_add (refusals, fl_refusal_new (file, error->message));
  else
    for (size_t i = 0; plugins[i] != NULL; i++)
      add_entry (plugins[i], file, hash, entries, refusals);
}

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
  return check_owner (&info, "file", error) && check_folder (folder, error);
}

/* ---- the search -------------------------------------------------------- */

typedef struct
{
  GPtrArray *files;  /* char *, fit to be probed, in search order */
  GHashTable *seen;  /* real paths of folders and files           */
  GPtrArray *refusals;
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

  if (real != NULL && check_folder (real, &error))
    dir = g_dir_open (real, 0, &error);
  if (error != NULL)
    g_ptr_array_add (search->refusals, fl_refusal_new (path, error->message));
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.' && g_str_has_suffix (name, ".so"))
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

static gint
compare_entries (gconstpointer a, gconstpointer b)
{
  const FlPlugin *x = &(*(FlEntry *const *) a)->plugin, *y = &(*(FlEntry *const *) b)->plugin;

  return x->kind != y->kind ? (gint) x->kind - (gint) y->kind : strcmp (x->name, y->name);
}

/* The child opens the next file while this process opens the one before. */
static void
load_files (const GPtrArray *files, FlRegistry *registry)
{
  FlProbe probe = { .files = files };

  for (guint i = 0; i < files->len; i++)
    {
      const char *file = g_ptr_array_index (files, i);
      g_autoptr (GError) error = NULL;

      if (fl_probe_next (&probe, &error))
        {
          fl_load_file (file, registry->entries, registry->refusals);
          g_ptr_array_add (registry->files, g_strdup (file));
        }
      else
        g_ptr_array_add (registry->refusals, fl_refusal_new (file, error->message));
    }
  fl_probe_end (&probe);
}

static FlRegistry *
registry_empty (void)
{
  FlRegistry *registry = g_new0 (FlRegistry, 1);

  registry->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_entry_free);
  registry->refusals = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_refusal_free);
  registry->files = g_ptr_array_new_with_free_func (g_free);
  return registry;
}

FlRegistry *
fl_registry_of (const char *const *files)
{
  FlRegistry *registry = registry_empty ();

  for (size_t i = 0; files[i] != NULL; i++)
    {
      fl_load_file (files[i], registry->entries, registry->refusals);
      g_ptr_array_add (registry->files, g_strdup (files[i]));
    }
  g_ptr_array_sort (registry->entries, compare_entries);
  return registry;
}

FlRegistry *
fl_registry_new (const char *const *dirs, GError **error)
{
  g_autoptr (FlRegistry) registry = registry_empty ();
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Search search = { files, seen, registry->refusals };

  if (!search_all (&search, dirs, error))
    return NULL;
  load_files (files, registry);
  g_ptr_array_sort (registry->entries, compare_entries);
  return g_steal_pointer (&registry);
}

void
fl_registry_free (FlRegistry *registry)
{
  if (registry == NULL)
    return;
  g_ptr_array_unref (registry->entries);
  g_ptr_array_unref (registry->refusals);
  g_ptr_array_unref (registry->files);
  g_free (registry);
}

/* ---- looking one up ---------------------------------------------------- */

/* The refusal of the file that by its name would hold the plugin. */
static const FlRefusal *
find_refusal (const FlRegistry *registry, const char *name)
{
  g_autofree char *wanted = g_strconcat (name, ".so", NULL);

  for (guint i = 0; i < registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (registry->refusals, i);
      g_autofree char *base = g_path_get_basename (refusal->file);

      if (strcmp (base, wanted) == 0)
        return refusal;
    }
  return NULL;
}

static void
explain_absence (const FlRegistry *registry, FlKind kind, const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const FlRefusal *refusal = find_refusal (registry, name);
  g_autofree char *suggestion = NULL;

  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (registry->entries, i))->plugin;

      if (plugin->kind == kind)
        g_ptr_array_add (names, (gpointer) plugin->name);
      else if (refusal == NULL && strcmp (plugin->name, name) == 0)
        {
          fl_fail (error, FL_ERROR_PLUGIN, "no %s '%s': that name is of kind %s",
                   fl_kind_name (kind), name, fl_kind_name (plugin->kind));
          return;
        }
    }
  g_ptr_array_add (names, NULL);
  suggestion = fl_suggest (name, (const char *const *) names->pdata);
  if (refusal != NULL)
    fl_fail (error, FL_ERROR_PLUGIN, "no %s '%s': %s was refused: %s", fl_kind_name (kind), name,
             refusal->file, refusal->reason);
  else
    fl_fail (error, FL_ERROR_PLUGIN, "no %s '%s'; %s", fl_kind_name (kind), name, suggestion);
}

const FlEntry *
fl_registry_find (const FlRegistry *registry, FlKind kind, const char *name, GError **error)
{
  const FlEntry *entry = find_entry (registry->entries, kind, name);

  if (entry == NULL)
    explain_absence (registry, kind, name, error);
  return entry;
}
