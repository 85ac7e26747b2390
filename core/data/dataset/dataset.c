/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dataset.c: a dataset's memory, content and digest. */
#include "core/data/dataset/dataset-parts.h"

#include <string.h>
#include <sys/mman.h>

/* What has to be released with a dataset. */
typedef struct
{
  GPtrArray *memory;
  GPtrArray *arenas;
  GMappedFile *map;
} Private;

static void
free_arena (gpointer arena)
{
  g_string_chunk_free (arena);
}

FlDataset *
fl_dataset_new (void)
{
  FlDataset *dataset = g_new0 (FlDataset, 1);
  Private *priv = g_new0 (Private, 1);

  priv->memory = g_ptr_array_new_with_free_func (g_free);
  priv->arenas = g_ptr_array_new_with_free_func (free_arena);
  dataset->priv = priv;
  return dataset;
}

void
fl_dataset_free (FlDataset *dataset)
{
  Private *priv;

  if (dataset == NULL)
    return;
  priv = dataset->priv;
  g_ptr_array_unref (priv->memory);
  g_ptr_array_unref (priv->arenas);
  g_clear_pointer (&priv->map, g_mapped_file_unref);
  g_free (priv);
  g_free (dataset);
}

gpointer
fl_dataset_own (FlDataset *dataset, gpointer memory)
{
  Private *priv = dataset->priv;

  if (memory != NULL)
    g_ptr_array_add (priv->memory, memory);
  return memory;
}

void
fl_dataset_own_arena (FlDataset *dataset, GStringChunk *arena)
{
  Private *priv = dataset->priv;

  g_ptr_array_add (priv->arenas, arena);
}

void
fl_dataset_set_map (FlDataset *dataset, GMappedFile *map)
{
  Private *priv = dataset->priv;

  priv->map = map;
}

void
fl_dataset_rest (const FlDataset *dataset)
{
  const Private *priv = dataset->priv;

  if (priv != NULL && priv->map != NULL)
    madvise (g_mapped_file_get_contents (priv->map), g_mapped_file_get_length (priv->map),
             MADV_DONTNEED);
}

/* ---- content ------------------------------------------------------------- */

/* The texts one after the other, each with its zero byte, after their length. */
static gboolean
walk_texts (const char *const *text, uint32_t n, FlPut put, gpointer user_data, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  uint64_t length;

  for (uint32_t i = 0; i < n; i++)
    g_string_append_len (all, text[i], (gssize) strlen (text[i]) + 1);
  length = all->len;
  return put (user_data, &length, 1, sizeof length, error)
         && put (user_data, all->str, all->len, 1, error);
}

static gboolean
walk_attribute (const FlAttribute *attribute, FlPut put, gpointer user_data, GError **error)
{
  uint64_t n_groups = attribute->n_groups;

  return put (user_data, &n_groups, 1, sizeof n_groups, error)
         && walk_texts (&attribute->name, 1, put, user_data, error)
         && walk_texts (attribute->label, attribute->n_groups, put, user_data, error)
         && put (user_data, attribute->start, (size_t) attribute->n + 1, sizeof (uint32_t), error)
         && put (user_data, attribute->group, attribute->start[attribute->n], sizeof (uint32_t),
                 error)
         && put (user_data, attribute->first, attribute->n, sizeof (uint32_t), error);
}

gboolean
fl_dataset_walk (const FlDataset *dataset, FlPut put, gpointer user_data, GError **error)
{
  const FlCsr *ratings = &dataset->ratings;
  const FlShape shape = { .n = dataset->n, .n_users = dataset->n_users,
                          .n_items = dataset->n_items, .is_double = ratings->f64 != NULL,
                          .has_time = dataset->time != NULL, .has_part = dataset->part != NULL,
                          .n_attributes = { dataset->n_attributes[0],
                                            dataset->n_attributes[1] } };
  const double scale[2] = { dataset->rating_min, dataset->rating_max };

  if (!put (user_data, &shape, sizeof shape / sizeof (uint64_t), sizeof (uint64_t), error)
      || !put (user_data, scale, 2, sizeof (double), error)
      || !walk_texts (dataset->user_id, dataset->n_users, put, user_data, error)
      || !walk_texts (dataset->item_id, dataset->n_items, put, user_data, error)
      || !put (user_data, ratings->start, (size_t) dataset->n_users + 1, sizeof (size_t), error)
      || !put (user_data, ratings->col, dataset->n, sizeof (uint32_t), error)
      || !(ratings->f64 != NULL
           ? put (user_data, ratings->f64, dataset->n, sizeof (double), error)
           : put (user_data, ratings->f32, dataset->n, sizeof (float), error))
      || (dataset->time != NULL
          && !put (user_data, dataset->time, dataset->n, sizeof (int64_t), error))
      || (dataset->part != NULL && !put (user_data, dataset->part, dataset->n, 1, error)))
    return FALSE;
  for (int side = 0; side < 2; side++)
    for (size_t a = 0; a < dataset->n_attributes[side]; a++)
      if (!walk_attribute (&dataset->attributes[side][a], put, user_data, error))
        return FALSE;
  return TRUE;
}

/* ---- digest -------------------------------------------------------------- */

#define DIGEST_BLOCK ((size_t) 1 << 20)
#define DIGEST_SIZE 32 /* of SHA-256 */

/* Numbers enter the digest with their lowest byte first, on every machine. */
static void
turn_bytes (uint8_t *to, const uint8_t *from, size_t length, size_t size)
{
  for (size_t k = 0; k < length; k += size)
    for (size_t b = 0; b < size; b++)
      to[k + b] = from[k + size - 1 - b];
}

static void
hash_block (const uint8_t *bytes, size_t length, size_t size, uint8_t *hash)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree uint8_t *turned = NULL;
  gsize hash_size = DIGEST_SIZE;

  if (G_BYTE_ORDER != G_LITTLE_ENDIAN && size > 1)
    {
      turned = g_malloc (length);
      turn_bytes (turned, bytes, length, size);
      bytes = turned;
    }
  g_checksum_update (checksum, bytes, (gssize) length);
  g_checksum_get_digest (checksum, hash, &hash_size);
}

/* An array enters as the hashes of its blocks, which are made side by side. */
static gboolean
digest_put (gpointer user_data, gconstpointer array, size_t n, size_t size, GError **error)
{
  size_t length = n * size, n_blocks = (length + DIGEST_BLOCK - 1) / DIGEST_BLOCK;
  g_autofree uint8_t *hash = fl_alloc (n_blocks, DIGEST_SIZE, error);
  uint64_t length_stored = GUINT64_TO_LE ((uint64_t) length);

  if (hash == NULL)
    return FALSE;
#pragma omp parallel for schedule(dynamic) if (n_blocks > 1)
  for (size_t b = 0; b < n_blocks; b++)
    hash_block ((const uint8_t *) array + b * DIGEST_BLOCK,
                MIN (DIGEST_BLOCK, length - b * DIGEST_BLOCK), size, hash + b * DIGEST_SIZE);
  g_checksum_update (user_data, (const guchar *) &length_stored, sizeof length_stored);
  g_checksum_update (user_data, hash, (gssize) (n_blocks * DIGEST_SIZE));
  return TRUE;
}

gboolean
fl_dataset_digest (FlDataset *dataset, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  if (!fl_dataset_walk (dataset, digest_put, checksum, error))
    return FALSE;
  g_strlcpy (dataset->digest, g_checksum_get_string (checksum), sizeof dataset->digest);
  return TRUE;
}
