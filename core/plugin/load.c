/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load.c: one file, and the plugins in it: a shared object, or what a loader makes of a
 * file with another ending.  Files are never closed again: unloading a library that has
 * started threads can freeze the process. */
#include "core/plugin/load.h"

#include <dlfcn.h>
#include <fenv.h>
#include <string.h>

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

/* ---- loaders ------------------------------------------------------------- */

void
fl_hosted_language_free (FlHostedLanguage *language)
{
  g_free (language->file);
  g_free (language->hash);
  g_free (language);
}

static const FlHostedLanguage *
find_language (const FlRegistry *registry, const char *file)
{
  for (guint i = 0; i < registry->loaders->len; i++)
    {
      const FlHostedLanguage *language = g_ptr_array_index (registry->loaders, i);

      if (g_str_has_suffix (file, language->loader.suffix))
        return language;
    }
  return NULL;
}

static gboolean
check_loader (const FlPluginLoader *theirs, const FlRegistry *registry, GError **error)
{
  const FlHostedLanguage *first;

  if (theirs == NULL || theirs->size < sizeof *theirs)
    return fl_fail (error, FL_ERROR_PLUGIN, "fairlead_loader gives no loader: use FL_LOADER");
  if (theirs->api_version != FL_API_VERSION)
    return fl_fail (error, FL_ERROR_PLUGIN, "loader built for plugin interface %u, this host has %u",
                    (unsigned) theirs->api_version, (unsigned) FL_API_VERSION);
  if (theirs->suffix == NULL || theirs->suffix[0] != '.' || theirs->suffix[1] == '\0'
      || strchr (theirs->suffix, '/') != NULL || strcmp (theirs->suffix, ".so") == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "loader of files that end in '%s': an ending such as "
                    ".py is wanted", theirs->suffix != NULL ? theirs->suffix : "");
  if (theirs->load == NULL)
    return fl_fail (error, FL_ERROR_PLUGIN, "loader without load");
  first = find_language (registry, theirs->suffix);
  return first == NULL
         || fl_fail (error, FL_ERROR_PLUGIN, "files that end in '%s' are loaded by %s already",
                     theirs->suffix, first->file);
}

static gboolean
add_loader (const FlPluginLoader *theirs, const char *file, const char *hash, FlRegistry *registry,
            GError **error)
{
  FlHostedLanguage *language;

  if (!check_loader (theirs, registry, error))
    return FALSE;
  language = g_new0 (FlHostedLanguage, 1);
  FL_COPY (&language->loader, theirs);
  language->file = g_strdup (file);
  language->hash = g_strdup (hash);
  g_ptr_array_add (registry->loaders, language);
  return TRUE;
}

/* ---- one file ---------------------------------------------------------- */

/* What a shared object exports; NULL where it has no such symbol. */
typedef struct
{
  const FlPlugin *const *(*plugins) (void);
  const FlPluginLoader *(*loader) (void);
} Exports;

static gboolean
open_object (const char *file, Exports *exports, GError **error)
{
  fenv_t numbers;
  gpointer module;

  /* Objects built with -ffast-math turn small numbers into 0 for the whole process. */
  fegetenv (&numbers);
  module = dlopen (file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  fesetenv (&numbers);

  if (module == NULL)
    {
      const char *reason = dlerror ();

      if (g_str_has_prefix (reason, file) && g_str_has_prefix (reason + strlen (file), ": "))
        reason += strlen (file) + 2;
      return fl_fail (error, FL_ERROR_PLUGIN, "cannot be opened as a shared object: %s", reason);
    }
  *(gpointer *) &exports->plugins = dlsym (module, "fairlead_plugins");
  *(gpointer *) &exports->loader = dlsym (module, "fairlead_loader");
  return exports->plugins != NULL || exports->loader != NULL
         || fl_fail (error, FL_ERROR_PLUGIN, "has no symbol fairlead_plugins: not a plugin");
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
add_entry (const FlPlugin *theirs, const char *file, const char *hash, FlRegistry *registry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlEntry) entry = fl_entry_new (theirs, file, &error);
  const FlEntry *first = NULL;

  if (entry != NULL)
    first = fl_entries_find (registry->entries, entry->plugin.kind, entry->plugin.name);
  if (first != NULL)
    fl_fail (&error, FL_ERROR_PLUGIN, "%s '%s' is already in %s",
             fl_kind_name (first->plugin.kind), first->plugin.name, first->file);
  if (error != NULL)
    g_ptr_array_add (registry->refusals, fl_refusal_new (file, error->message));
  else
    {
      entry->hash = g_strdup (hash);
      g_ptr_array_add (registry->entries, g_steal_pointer (&entry));
    }
}

static gboolean
add_plugins (const FlPlugin *const *plugins, const char *file, const char *hash,
             FlRegistry *registry, GError **error)
{
  if (plugins == NULL || plugins[0] == NULL)
    return fl_fail (error, FL_ERROR_PLUGIN, "holds no plugin");
  for (size_t i = 0; plugins[i] != NULL; i++)
    add_entry (plugins[i], file, hash, registry);
  return TRUE;
}

static gboolean
load_object (const char *file, const char *hash, FlRegistry *registry, GError **error)
{
  Exports exports = { NULL };

  return open_object (file, &exports, error)
         && (exports.loader == NULL
             || add_loader (exports.loader (), file, hash, registry, error))
         && (exports.plugins == NULL
             || add_plugins (exports.plugins (), file, hash, registry, error));
}

/* The identity of such a plugin is that of its file and of who makes it one. */
static gboolean
load_script (const FlHostedLanguage *language, const char *file, const char *hash,
             FlRegistry *registry, GError **error)
{
  g_autofree char *both = g_strconcat (hash, " by ", language->hash, NULL);
  GError *reason = NULL;
  const FlPlugin *const *plugins = language->loader.load (file, &reason);

  if (plugins == NULL && reason == NULL)
    fl_fail (&reason, FL_ERROR_PLUGIN, "%s does not say why", language->file);
  if (reason != NULL)
    {
      g_propagate_error (error, reason);
      return FALSE;
    }
  return add_plugins (plugins, file, both, registry, error);
}

void
fl_load_file (const char *file, FlRegistry *registry)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hash = fl_hash_file (file, &error);
  const FlHostedLanguage *language = find_language (registry, file);

  if (hash != NULL)
    g_hash_table_insert (registry->hashes, g_strdup (file), g_strdup (hash));
  if (hash == NULL
      || !(language != NULL ? load_script (language, file, hash, registry, &error)
                            : load_object (file, hash, registry, &error)))
    g_ptr_array_add (registry->refusals, fl_refusal_new (file, error->message));
}
