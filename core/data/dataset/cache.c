/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cache.c: datasets in files that are mapped, not read.
 *
 * A file is the header below and then the arrays of fl_dataset_walk, each
 * starting at a multiple of 64 bytes, as they lie in memory.  It is written
 * under a temporary name and renamed: a reader finds the old file, the new one
 * or none.  It is not forced to disk: should the machine go down before it is
 * there, the checksum tells, and the file is made anew.  Its name is a hash of
 * what determines the content, which stands in the header as well: a file is
 * never stale nor taken for another's, and any may be deleted.
 */
#include "core/data/dataset/dataset-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MAGIC "fairdata"
#define ORDER 0x01020304u
#define BLOCK 64
/* Temporary files older than this (seconds) were left by a writer that died. */
#define ABANDONED_AFTER 3600

typedef struct
{
  char magic[8];
  uint32_t format;
  uint32_t order;       /* ORDER in the byte order of the machine */
  uint64_t word;        /* sizeof (size_t)                        */
  uint64_t length;      /* of the whole file                      */
  uint64_t content_sum; /* XXH3 of all that follows the header    */
  char digest[72];      /* of the dataset                         */
  char key[72];         /* of what the dataset was made from      */
  uint64_t header_sum;  /* of all before                          */
} Header;
G_STATIC_ASSERT (sizeof (Header) % BLOCK == 0);

/* Against damage, not malice. */
static uint64_t
header_sum (const Header *header)
{
  Header copy = *header;

  copy.header_sum = 0;
  return XXH3_64bits (&copy, sizeof copy);
}

/* ---- writing ------------------------------------------------------------- */

typedef struct
{
  int file;
  const char *path;
  uint64_t length;
  XXH3_state_t *sum;
} Writer;

static gboolean
fail_write (const Writer *writer, GError **error)
{
  return fl_fail (error, FL_ERROR_SYSTEM, "cannot write %s: %s; FAIRLEAD_CACHE names the folder "
                  "that prepared datasets go to", writer->path, g_strerror (errno));
}

static gboolean
write_all (const Writer *writer, const void *bytes, size_t n, GError **error)
{
  const char *p = bytes;

  while (n > 0)
    {
      ssize_t written = write (writer->file, p, n);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return fail_write (writer, error);
      p += written;
      n -= (size_t) written;
    }
  return TRUE;
}

static gboolean
writer_put (gpointer user_data, gconstpointer array, size_t n, size_t size, GError **error)
{
  Writer *writer = user_data;
  const uint8_t *bytes = array;
  size_t length = n * size, whole = length / BLOCK * BLOCK;
  uint8_t last[BLOCK] = { 0 };

  XXH3_64bits_update (writer->sum, bytes, whole);
  if (!write_all (writer, bytes, whole, error))
    return FALSE;
  writer->length += whole;
  if (whole == length)
    return TRUE;
  memcpy (last, bytes + whole, length - whole);
  XXH3_64bits_update (writer->sum, last, BLOCK);
  writer->length += BLOCK;
  return write_all (writer, last, BLOCK, error);
}

/* Notes are not content: the digest does not have them. */
static gboolean
write_notes (Writer *writer, const FlDataset *dataset, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  uint64_t n = 0, length;

  for (; dataset->notes[n] != NULL; n++)
    g_string_append_len (all, dataset->notes[n], (gssize) strlen (dataset->notes[n]) + 1);
  length = all->len;
  return writer_put (writer, &n, 1, sizeof n, error)
         && writer_put (writer, &length, 1, sizeof length, error)
         && writer_put (writer, all->str, all->len, 1, error);
}

static gboolean
write_content (Writer *writer, const FlDataset *dataset, const char *key, GError **error)
{
  Header header = { .magic = MAGIC, .format = FL_CACHE_FORMAT, .order = ORDER,
                    .word = sizeof (size_t) };

  writer->length = sizeof header;
  if (!write_all (writer, &header, sizeof header, error)
      || !fl_dataset_walk (dataset, writer_put, writer, error)
      || !write_notes (writer, dataset, error))
    return FALSE;
  header.length = writer->length;
  header.content_sum = XXH3_64bits_digest (writer->sum);
  g_strlcpy (header.key, key, sizeof header.key);
  memcpy (header.digest, dataset->digest, sizeof dataset->digest);
  header.header_sum = header_sum (&header);
  if (lseek (writer->file, 0, SEEK_SET) != 0)
    return fail_write (writer, error);
  return write_all (writer, &header, sizeof header, error);
}

/* Writes a file of a name nobody else has; `path` ends in XXXXXX. */
static gboolean
write_temporary (const FlDataset *dataset, const char *key, char *path, GError **error)
{
  Writer writer = { .path = path };
  gboolean done;

  writer.file = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  if (writer.file < 0)
    return fl_fail (error, FL_ERROR_SYSTEM, "cannot create %s: %s; FAIRLEAD_CACHE names the folder "
                    "that prepared datasets go to", path, g_strerror (errno));
  writer.sum = XXH3_createState ();
  XXH3_64bits_reset (writer.sum);
  done = write_content (&writer, dataset, key, error);
  XXH3_freeState (writer.sum);
  /* Some file systems find only now that the disk is full. */
  if (close (writer.file) != 0 && done)
    done = fail_write (&writer, error);
  if (!done)
    g_unlink (path);
  return done;
}

static void
remove_abandoned (const char *folder)
{
  g_autoptr (GDir) files = g_dir_open (folder, 0, NULL);
  const char *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      GStatBuf status;

      if (strstr (name, FL_CACHE_SUFFIX ".") != NULL && g_lstat (path, &status) == 0
          && (gint64) status.st_mtime < g_get_real_time () / G_USEC_PER_SEC - ABANDONED_AFTER)
        g_unlink (path);
    }
}

gboolean
fl_cache_write (const FlDataset *dataset, const char *key, const char *folder, const char *path,
                GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".XXXXXX", NULL);

  remove_abandoned (folder);
  if (!write_temporary (dataset, key, temporary, error))
    return FALSE;
  if (g_rename (temporary, path) == 0)
    return TRUE;
  fl_fail (error, FL_ERROR_SYSTEM, "cannot rename %s to %s: %s", temporary, path,
           g_strerror (errno));
  g_unlink (temporary);
  return FALSE;
}

/* ---- mapping ------------------------------------------------------------- */

/* What is left of a mapped file. */
typedef struct
{
  const uint8_t *at;
  size_t left;
} Reader;

/* The next array, or NULL when the file ends before it does. */
static gconstpointer
read_array (Reader *reader, size_t n, size_t size)
{
  const uint8_t *array = reader->at;
  size_t length;

  if (!g_size_checked_mul (&length, n, size) || length > reader->left)
    return NULL;
  length = (length + BLOCK - 1) / BLOCK * BLOCK;
  reader->at += length;
  reader->left -= length;
  return array;
}

static gboolean
read_number (Reader *reader, uint64_t *number)
{
  gconstpointer word = read_array (reader, 1, sizeof *number);

  if (word != NULL)
    memcpy (number, word, sizeof *number);
  return word != NULL;
}

static const char *const *
read_texts (Reader *reader, FlDataset *dataset, uint32_t n)
{
  uint64_t length = 0;
  const char *p = read_number (reader, &length) ? read_array (reader, length, 1) : NULL;
  const char *end = p != NULL ? p + length : NULL;
  const char **text = p != NULL ? fl_alloc ((size_t) n + 1, sizeof *text, NULL) : NULL;

  fl_dataset_own (dataset, text);
  for (uint32_t i = 0; text != NULL && i < n; i++)
    {
      const char *stop = memchr (p, '\0', (size_t) (end - p));

      if (stop == NULL)
        return NULL;
      text[i] = p;
      p = stop + 1;
    }
  return text;
}

static gboolean
read_attribute (Reader *reader, FlDataset *dataset, uint32_t n, FlAttribute *attribute)
{
  uint64_t n_groups = 0;
  const char *const *name;

  if (!read_number (reader, &n_groups) || n_groups > G_MAXUINT32)
    return FALSE;
  attribute->n = n;
  attribute->n_groups = (uint32_t) n_groups;
  return (name = read_texts (reader, dataset, 1)) != NULL
         && (attribute->name = name[0]) != NULL
         && (attribute->label = read_texts (reader, dataset, attribute->n_groups)) != NULL
         && (attribute->start = read_array (reader, (size_t) n + 1, sizeof (uint32_t))) != NULL
         && (attribute->group = read_array (reader, attribute->start[n], sizeof (uint32_t))) != NULL
         && (attribute->first = read_array (reader, n, sizeof (uint32_t))) != NULL;
}

static gboolean
read_attributes (Reader *reader, FlDataset *dataset, FlSide side, uint64_t n_attributes)
{
  FlAttribute *all = n_attributes <= reader->left
                     ? fl_alloc (n_attributes, sizeof *all, NULL) : NULL;

  fl_dataset_own (dataset, all);
  dataset->attributes[side] = all;
  dataset->n_attributes[side] = n_attributes;
  for (size_t a = 0; all != NULL && a < n_attributes; a++)
    if (!read_attribute (reader, dataset, fl_dataset_count (dataset, side), &all[a]))
      return FALSE;
  return all != NULL;
}

static gboolean
read_notes (Reader *reader, FlDataset *dataset)
{
  uint64_t n = 0;

  return read_number (reader, &n) && n < G_MAXUINT32
         && (dataset->notes = read_texts (reader, dataset, (uint32_t) n)) != NULL;
}

/* The reverse of fl_dataset_walk. */
static gboolean
read_dataset (Reader *reader, FlDataset *dataset)
{
  const FlShape *shape = read_array (reader, 1, sizeof *shape);
  const double *scale = read_array (reader, 2, sizeof *scale);
  FlCsr *ratings = &dataset->ratings;

  if (scale == NULL || shape->n_users > G_MAXUINT32 || shape->n_items > G_MAXUINT32)
    return FALSE;
  dataset->n = shape->n;
  dataset->n_users = ratings->n_rows = (uint32_t) shape->n_users;
  dataset->n_items = ratings->n_cols = (uint32_t) shape->n_items;
  dataset->rating_min = scale[0];
  dataset->rating_max = scale[1];
  return (dataset->user_id = read_texts (reader, dataset, dataset->n_users)) != NULL
         && (dataset->item_id = read_texts (reader, dataset, dataset->n_items)) != NULL
         && (ratings->start = read_array (reader, shape->n_users + 1, sizeof (size_t))) != NULL
         && (ratings->col = read_array (reader, shape->n, sizeof (uint32_t))) != NULL
         && (shape->is_double
             ? (ratings->f64 = read_array (reader, shape->n, sizeof (double))) != NULL
             : (ratings->f32 = read_array (reader, shape->n, sizeof (float))) != NULL)
         && (!shape->has_time
             || (dataset->time = read_array (reader, shape->n, sizeof (int64_t))) != NULL)
         && (!shape->has_part || (dataset->part = read_array (reader, shape->n, 1)) != NULL)
         && read_attributes (reader, dataset, FL_SIDE_USER, shape->n_attributes[FL_SIDE_USER])
         && read_attributes (reader, dataset, FL_SIDE_ITEM, shape->n_attributes[FL_SIDE_ITEM])
         && read_notes (reader, dataset)
         && reader->left == 0;
}

#define SUM_STEP ((size_t) 16 << 20)

/* Of a mapped file without its header.  What was read is let go of, so that
 * checking takes no memory to speak of. */
static uint64_t
content_sum (const uint8_t *bytes, size_t length)
{
  XXH3_state_t *state = XXH3_createState ();
  uint64_t sum;

  XXH3_64bits_reset (state);
  for (size_t at = 0; at < length; at += SUM_STEP)
    {
      size_t from = MAX (at, sizeof (Header)), end = MIN (at + SUM_STEP, length);

      XXH3_64bits_update (state, bytes + from, end - from);
      madvise ((gpointer) (bytes + at), end - at, MADV_DONTNEED);
    }
  sum = XXH3_64bits_digest (state);
  XXH3_freeState (state);
  return sum;
}

/* NULL when the file is whole and ours, else what is wrong with it. */
static const char *
find_damage (const uint8_t *bytes, size_t length, const char *key)
{
  const Header *header = (const Header *) (gconstpointer) bytes;

  if (length < sizeof *header || memcmp (header->magic, MAGIC, 8) != 0)
    return "not a cache file";
  if (header->format != FL_CACHE_FORMAT || header->order != ORDER
      || header->word != sizeof (size_t))
    return "written by another version or machine";
  if (header->header_sum != header_sum (header))
    return "the header is damaged";
  if (header->length != length || length % BLOCK != 0)
    return "cut short";
  if (key != NULL && strcmp (header->key, key) != 0)
    return "it is of other data";
  return content_sum (bytes, length) != header->content_sum ? "the content is damaged" : NULL;
}

FlDataset *
fl_cache_map_key (const char *path, const char *key, GError **error)
{
  g_autoptr (FlDataset) dataset = fl_dataset_new ();
  GError *mistake = NULL;
  GMappedFile *map = g_mapped_file_new (path, FALSE, &mistake);
  const Header *header;
  const char *damage;
  Reader reader;

  if (map == NULL)
    {
      fl_fail (error, FL_ERROR_SYSTEM, "%s", mistake->message);
      g_error_free (mistake);
      return NULL;
    }
  fl_dataset_set_map (dataset, map);
  header = (const Header *) (gpointer) g_mapped_file_get_contents (map);
  damage = find_damage ((const uint8_t *) header, g_mapped_file_get_length (map), key);
  if (damage == NULL)
    {
      reader = (Reader) { (const uint8_t *) (header + 1), header->length - sizeof *header };
      memcpy (dataset->digest, header->digest, sizeof dataset->digest);
      if (!read_dataset (&reader, dataset))
        damage = "its arrays do not fit";
    }
  if (damage == NULL)
    return g_steal_pointer (&dataset);
  fl_fail (error, FL_ERROR_SYSTEM, "%s: %s", path, damage);
  return NULL;
}

FlDataset *
fl_cache_map (const char *path, GError **error)
{
  return fl_cache_map_key (path, NULL, error);
}
