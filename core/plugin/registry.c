/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* registry.c: which plugins there are.
 *
 * A file that is not fit to be used becomes a refusal with its reason; nothing here fails
 * because of one.
 */
#include "core/plugin/load.h"

#include <string.h>

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
  FlProbe probe = { .files = files, .registry = registry };

  for (guint i = 0; i < files->len; i++)
    {
      const char *file = g_ptr_array_index (files, i);
      g_autoptr (GError) error = NULL;

      if (fl_probe_next (&probe, &error))
        {
          fl_load_file (file, registry);
          g_ptr_array_add (registry->files, g_strdup (file));
        }
      else
        g_ptr_array_add (registry->refusals, fl_refusal_new (file, error->message));
    }
  fl_probe_end (&probe);
}

FlRegistry *
fl_registry_empty (void)
{
  FlRegistry *registry = g_new0 (FlRegistry, 1);

  registry->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_entry_free);
  registry->refusals = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_refusal_free);
  registry->files = g_ptr_array_new_with_free_func (g_free);
  registry->loaders = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_hosted_language_free);
  registry->hashes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return registry;
}

const char *
fl_registry_hash (const FlRegistry *registry, const char *file)
{
  const char *hash = g_hash_table_lookup (registry->hashes, file);

  return hash != NULL ? hash : "";
}

gboolean
fl_registry_open (FlRegistry *registry, const char *file, const char *hash, GError **error)
{
  g_autofree char *now = fl_hash_file (file, error);

  if (now == NULL)
    return FALSE;
  if (strcmp (now, hash) != 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "%s is not the file that the run began with: its "
                    "content has the hash %s, and had %s", file, now, hash);
  fl_load_file (file, registry);
  g_ptr_array_add (registry->files, g_strdup (file));
  g_ptr_array_sort (registry->entries, compare_entries);
  return TRUE;
}

/* Files of one ending.  What is wrong with a folder is said once, with shared objects. */
static gboolean
load_suffix (FlRegistry *registry, const char *const *dirs, const char *suffix, gboolean first,
             GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) refusals
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_refusal_free);

  if (!fl_search_files (dirs, suffix, files, refusals, error))
    return FALSE;
  for (guint i = 0; i < refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (refusals, i);

      if (first || g_str_has_suffix (refusal->file, suffix))
        g_ptr_array_add (registry->refusals, fl_refusal_new (refusal->file, refusal->reason));
    }
  load_files (files, registry);
  return TRUE;
}

FlRegistry *
fl_registry_new (const char *const *dirs, GError **error)
{
  g_autoptr (FlRegistry) registry = fl_registry_empty ();

  if (!load_suffix (registry, dirs, ".so", TRUE, error))
    return NULL;
  for (guint i = 0; i < registry->loaders->len; i++)
    {
      const FlHostedLanguage *language = g_ptr_array_index (registry->loaders, i);

      if (!load_suffix (registry, dirs, language->loader.suffix, FALSE, error))
        return NULL;
    }
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
  g_ptr_array_unref (registry->loaders);
  g_clear_pointer (&registry->hashes, g_hash_table_unref);
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
  const FlEntry *entry = fl_entries_find (registry->entries, kind, name);

  if (entry == NULL)
    explain_absence (registry, kind, name, error);
  return entry;
}
