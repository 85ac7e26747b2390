/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load.c: what a file holds.  Files are never closed again: unloading a library that has
 * started threads can freeze the process.
 */
#include "core/plugin/load.h"

#include <dlfcn.h>
#include <string.h>
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

const FlEntry *
fl_entries_find (const GPtrArray *entries, FlKind kind, const char *name)
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
    first = fl_entries_find (entries, entry->plugin.kind, entry->plugin.name);
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
