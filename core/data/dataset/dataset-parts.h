/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dataset-parts.h: what the files of this room share: memory, content and cache files. */
#ifndef FL_DATASET_PARTS_H
#define FL_DATASET_PARTS_H

#include "core/data/dataset/dataset-room.h"

/* An empty dataset; memory handed to fl_dataset_own is freed with it. */
FlDataset *fl_dataset_new (void);
gpointer fl_dataset_own (FlDataset *dataset, gpointer memory);
void fl_dataset_own_arena (FlDataset *dataset, GStringChunk *arena);
/* Arrays lie in `map`, which is released with the dataset. */
void fl_dataset_set_map (FlDataset *dataset, GMappedFile *map);

/* What comes first in a dataset's content: which arrays follow. */
typedef struct
{
  uint64_t n, n_users, n_items;
  uint64_t is_double, has_time, has_part; /* 0 or 1 */
  uint64_t n_attributes[2];
} FlShape;

/* Calls `put` for each array of the dataset in a fixed order: its content, as
 * the digest sees it and as the cache file holds it. */
typedef gboolean (*FlPut) (gpointer user_data, gconstpointer array, size_t n, size_t size,
                           GError **error);
gboolean fl_dataset_walk (const FlDataset *dataset, FlPut put, gpointer user_data,
                          GError **error);
/* Sets dataset->digest. */
gboolean fl_dataset_digest (FlDataset *dataset, GError **error);

/* ---- cache files --------------------------------------------------------- */

#define FL_CACHE_FORMAT 4 /* raise when the same input would give another file */
#define FL_CACHE_SUFFIX ".fairdata"

/* Writes `path` in `folder` so that whoever opens it finds all of it. */
gboolean fl_cache_write (const FlDataset *dataset, const char *key, const char *folder,
                         const char *path, GError **error);
/* fl_cache_map of a file that was written with this key (NULL: any). */
FlDataset *fl_cache_map_key (const char *path, const char *key, GError **error);

#endif
