/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cache-load.c: which cache file holds what a source would give.
 *
 * The file's name is a hash of the source, its settings and the bytes of its
 * inputs; their paths and dates do not count.  Hashing inputs is itself
 * remembered, by what the file system says of a file.
 */
#include "config.h"

#include "core/data/dataset/dataset-parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* A hash is remembered of files that have been left alone for so long
 * (seconds): a change within one tick of the clock after the hash would not
 * show in the dates. */
#define SETTLED_AFTER 10
#define HASH_LENGTH 32 /* of an input, as text */

/* ---- inputs -------------------------------------------------------------- */

typedef struct
{
  uint64_t device, inode, size;
  int64_t changed[4]; /* content and status: seconds, nanoseconds */
} Stamp;

static gboolean
read_stamp (const char *path, Stamp *stamp, GError **error)
{
  struct stat status;

  if (stat (path, &status) != 0)
    return fl_fail (error, FL_ERROR_DATA, "cannot open %s: %s", path, g_strerror (errno));
  if (!S_ISREG (status.st_mode))
    return fl_fail (error, FL_ERROR_DATA, "%s is %s", path,
                    S_ISDIR (status.st_mode) ? "a folder: expected a file"
                                             : "not a regular file");
  *stamp = (Stamp) { status.st_dev, status.st_ino, (uint64_t) status.st_size,
                     { status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                       status.st_ctim.tv_sec, status.st_ctim.tv_nsec } };
  return TRUE;
}

static char *
stamp_text (const Stamp *stamp)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                          stamp->device, stamp->inode, stamp->size);
  for (int i = 0; i < 4; i++)
    g_string_append_printf (text, " %" G_GINT64_FORMAT, stamp->changed[i]);
  g_string_append_c (text, '\n');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* What the file system says of all inputs; NULL when one is not there. */
static char *
stamp_inputs (char **inputs, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (size_t i = 0; inputs != NULL && inputs[i] != NULL; i++)
    {
      g_autofree char *text = NULL;
      Stamp stamp;

      if (inputs[i][0] == '\0')
        continue;
      if (!read_stamp (inputs[i], &stamp, error))
        return NULL;
      text = stamp_text (&stamp);
      g_string_append (all, text);
    }
  return g_string_free (g_steal_pointer (&all), FALSE);
}

/* The hash of an input file, remembered in `folder`. */
static char *
hash_input (const char *folder, const char *path, GError **error)
{
  g_autofree char *memo = NULL, *known = NULL, *text = NULL, *hash = NULL, *line = NULL;
  Stamp stamp;
  size_t length;

  if (!read_stamp (path, &stamp, error))
    return NULL;
  memo = g_strdup_printf ("%s/input-%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", folder,
                          stamp.device, stamp.inode);
  text = stamp_text (&stamp);
  length = strlen (text);
  if (g_file_get_contents (memo, &known, NULL, NULL) && g_str_has_prefix (known, text)
      && strlen (known) == length + HASH_LENGTH)
    return g_strdup (known + length);
  hash = fl_hash_file (path, error);
  if (hash == NULL)
    return NULL;
  line = g_strconcat (text, hash, NULL);
  /* Only a saving of time: a folder that cannot be written costs no more. */
  if (MAX (stamp.changed[0], stamp.changed[2]) + SETTLED_AFTER
      < g_get_real_time () / G_USEC_PER_SEC)
    g_file_set_contents_full (memo, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
  return g_steal_pointer (&hash);
}

/* ---- names --------------------------------------------------------------- */

/* A plugin that was built anew may read the same bytes otherwise. */
static void
key_add_plugin (GString *key, const FlInstance *source)
{
  g_string_append_printf (key, "source %s %s %s\n", source->plugin->name,
                          source->plugin->version != NULL ? source->plugin->version : "0",
                          source->hash != NULL ? source->hash : "");
}

/* A hash of all that determines the content of a dataset's file. */
static char *
cache_key (const FlInstance *source, const char *settings, const FlIngest *ingest,
           uint64_t seed, char **inputs, const char *folder, GError **error)
{
  g_autoptr (GString) key = g_string_new (NULL);

  g_string_append_printf (key, "format %d\n", FL_CACHE_FORMAT);
  key_add_plugin (key, source);
  g_string_append_printf (key, "settings %s\n", settings != NULL ? settings : "");
  if (ingest != NULL)
    g_string_append_printf (key, "ingest %d %d\n", ingest->bad_lines, ingest->duplicates);
  else
    g_string_append (key, "ingest 0 0\n");
  if (fl_source_is_seeded (source))
    g_string_append_printf (key, "seed %" G_GUINT64_FORMAT "\n", seed);
  for (size_t i = 0; inputs != NULL && inputs[i] != NULL; i++)
    {
      g_autofree char *hash = inputs[i][0] != '\0' ? hash_input (folder, inputs[i], error)
                                                   : g_strdup ("of the next use");

      if (hash == NULL)
        return NULL;
      g_string_append_printf (key, "input %s\n", hash);
    }
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, key->str, (gssize) key->len);
}

/* ---- loading ------------------------------------------------------------- */

static char *
cache_folder (void)
{
  const char *chosen = g_getenv ("FAIRLEAD_CACHE");

  if (chosen != NULL && chosen[0] != '\0')
    return g_strdup (chosen);
  return g_build_filename (g_get_user_cache_dir (), "fairlead", NULL);
}

/* 0, or the errno that says why no file can be made in the folder. */
static int
try_folder (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "try-XXXXXX", NULL);
  int file;

  if (g_mkdir_with_parents (folder, 0700) != 0)
    return errno;
  file = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  if (file < 0)
    return errno;
  close (file);
  g_unlink (path);
  return 0;
}

gboolean
fl_cache_open (char **temporary, GError **error)
{
  g_autofree char *folder = cache_folder ();
  GError *mistake = NULL;
  int reason = try_folder (folder);

  *temporary = NULL;
  if (reason == 0)
    return TRUE;
  *temporary = g_dir_make_tmp ("fairlead-XXXXXX", &mistake);
  if (*temporary == NULL)
    {
      fl_fail (error, FL_ERROR_SYSTEM, "the cache folder %s cannot be used: %s; nor can one for "
               "temporary files: %s", folder, g_strerror (reason), mistake->message);
      g_error_free (mistake);
      return FALSE;
    }
  g_message ("the cache folder %s cannot be used (%s): datasets are in %s for this run", folder,
             g_strerror (reason), *temporary);
  g_setenv ("FAIRLEAD_CACHE", *temporary, TRUE);
  return TRUE;
}

void
fl_cache_close (char *temporary)
{
  g_autoptr (GDir) files = temporary != NULL ? g_dir_open (temporary, 0, NULL) : NULL;
  const char *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (temporary, name, NULL);

      g_unlink (path);
    }
  if (temporary != NULL)
    g_rmdir (temporary);
  g_free (temporary);
}

static FlDataset *
load_inputs (const FlInstance *source, const char *settings, const FlIngest *ingest,
             uint64_t seed, char **inputs, char **path, GError **error)
{
  g_autofree char *folder = cache_folder (), *key = NULL, *name = NULL;
  g_autofree char *before = NULL, *after = NULL;
  g_autoptr (FlDataset) loaded = NULL;
  FlDataset *mapped;

  /* A folder that cannot be made shows when the file is written. */
  g_mkdir_with_parents (folder, 0700);
  before = stamp_inputs (inputs, error);
  key = before != NULL ? cache_key (source, settings, ingest, seed, inputs, folder, error) : NULL;
  if (key == NULL)
    return NULL;
  name = g_strdup_printf ("%s-%.32s" FL_CACHE_SUFFIX, source->plugin->name, key);
  *path = g_build_filename (folder, name, NULL);
  mapped = fl_cache_map_key (*path, key, NULL);
  if (mapped != NULL)
    {
      mapped->found = TRUE;
      return mapped;
    }
  loaded = fl_dataset_load (source, ingest, seed, error);
  if (loaded == NULL)
    return NULL;
  after = stamp_inputs (inputs, error);
  if (after == NULL)
    return NULL;
  if (strcmp (before, after) != 0)
    {
      fl_fail (error, FL_ERROR_DATA, "source %s: a file changed while it was read",
               source->plugin->name);
      return NULL;
    }
  if (!fl_cache_write (loaded, key, folder, *path, error))
    return NULL;
  /* Somebody may have removed it by now. */
  mapped = fl_cache_map_key (*path, key, NULL);
  return mapped != NULL ? mapped : g_steal_pointer (&loaded);
}

FlDataset *
fl_cache_load (const FlInstance *source, const char *settings, const FlIngest *ingest,
               uint64_t seed, char **path, GError **error)
{
  g_auto (GStrv) inputs = NULL;
  FlDataset *dataset;
  GError *mistake = NULL;

  *path = NULL;
  if (!fl_instance_inputs (source, &inputs, &mistake))
    {
      g_propagate_prefixed_error (error, mistake, "source %s: ", source->plugin->name);
      return NULL;
    }
  dataset = load_inputs (source, settings, ingest, seed, inputs, path, error);
  if (dataset == NULL)
    g_clear_pointer (path, g_free);
  return dataset;
}
