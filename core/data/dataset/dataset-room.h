/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dataset-room.h: datasets: how they are loaded and cached, facts about them, files of
 * them.
 *
 * Includes rows and reading, and plugin for the sources.
 */
#ifndef FL_DATASET_ROOM_H
#define FL_DATASET_ROOM_H

#include "core/data/reading/reading-room.h"
#include "core/plugin/plugin-room.h"

FL_BEGIN_DECLS

/* A categorical attribute of one side; FlGroups without an unknown group:
 * entities without a value have an empty range and first = FL_NO_GROUP. */
typedef FlGroups FlAttribute;

/* Immutable; its arrays may lie in a mapped cache file. */
typedef struct
{
  uint32_t n_users, n_items;
  size_t n;
  FlCsr ratings;                    /* rows are users                          */
  const int64_t *time;              /* n, or NULL when no rating has a time    */
  const uint8_t *part;              /* n, FlPart; or NULL when data come unsplit */
  double rating_min, rating_max;
  const char *const *user_id;       /* n_users; ids as the source gave them    */
  const char *const *item_id;
  const char *const *notes;         /* what is worth telling; ends with NULL   */
  size_t n_attributes[2];           /* by FlSide                               */
  const FlAttribute *attributes[2];
  char digest[65];                  /* SHA-256 of the content, hexadecimal     */
  gboolean found;                   /* in the cache, from an earlier load      */
  gpointer priv;
} FlDataset;

void fl_dataset_free (FlDataset *dataset);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlDataset, fl_dataset_free)

static inline uint32_t
fl_dataset_count (const FlDataset *dataset, FlSide side)
{
  return side == FL_SIDE_USER ? dataset->n_users : dataset->n_items;
}

/* Runs a source; everything in memory.  ingest NULL: the first bad line or pair
 * that comes twice is an error. */
FlDataset *fl_dataset_load (const FlInstance *source, const FlIngest *ingest, uint64_t seed,
                            GError **error);

/* To be called once before anything is loaded through the cache, whose folder
 * is $FAIRLEAD_CACHE, else $XDG_CACHE_HOME/fairlead.  When it cannot be written, a
 * message says so, and a folder for temporary files takes its place, here and in
 * processes started from here: *temporary is its name for fl_cache_close, which
 * removes it; else NULL. */
gboolean fl_cache_open (char **temporary, GError **error);
void fl_cache_close (char *temporary);
/* Loads through the cache: the file of an earlier load of the same source,
 * settings, ingest, seed (if the source is seeded) and input bytes is mapped; else the
 * source runs and the file is written.  `path` receives its name.  `settings` is
 * canonical text of the source's parameters. */
FlDataset *fl_cache_load (const FlInstance *source, const char *settings,
                          const FlIngest *ingest, uint64_t seed, char **path, GError **error);
/* Maps a cache file; one that is damaged, cut short or of another version or
 * machine is refused. */
FlDataset *fl_cache_map (const char *path, GError **error);

/* ---- facts about data ----------------------------------------------------- */

/* Ratings of one value (from = to), or from `from` to below `to`. */
typedef struct
{
  double from, to;
  size_t n;
} FlBin;

/* FlBin: the values there are when they are few, else ten bins of equal width,
 * the last with its upper end. */
GArray *fl_info_values (const FlCsr *ratings);
double fl_info_mean (const FlCsr *ratings); /* NaN without ratings */
/* Earliest and latest time; returns how many ratings have one. */
size_t fl_info_time (const FlDataset *dataset, int64_t *from, int64_t *to);

/* Ratings of a user, or of an item. */
typedef struct
{
  uint32_t n;         /* users, or items                                        */
  size_t min, max;
  double median, mean;
  double top_share;   /* of all ratings, those of the hundredth with most of
                         them, rounded up                                       */
} FlActivity;

gboolean fl_info_activity (const FlCsr *ratings, FlSide side, FlActivity *activity,
                           GError **error);
/* Rows with ratings in `part` but none in `train`, and how many ratings. */
void fl_info_cold (const FlCsr *part, const FlCsr *train, size_t *n_rows, size_t *n_ratings);

typedef struct
{
  uint32_t label; /* group */
  uint32_t n;     /* who are in it */
} FlLabelCount;

/* The groups by size, largest first; how many entities are in none, and whether
 * some are in several. */
FlLabelCount *fl_info_labels (const FlGroups *groups, uint32_t *n_missing, gboolean *several);

/* Ratings by user group (rows) and item group (columns): how many, and their mean
 * (NaN without any).  One whose user or item is in several groups counts in each.
 * A side without groups (NULL) is one group. */
typedef struct
{
  uint32_t n_rows, n_cols;
  size_t *n;     /* n_rows x n_cols */
  double *mean;
} FlTally;

gboolean fl_tally_init (FlTally *tally, const FlRatings *ratings, const FlGroups *users,
                        const FlGroups *items, GError **error);
void fl_tally_clear (FlTally *tally);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlTally, fl_tally_clear)

/* ---- writing data ------------------------------------------------------- */

typedef enum
{
  FL_EXPORT_TSV,
  FL_EXPORT_RECBOLE
} FlExportFormat;

typedef struct
{
  FlExportFormat format;
  const char *folder;   /* made when it is not there      */
  gboolean force;       /* files that are there give way  */
} FlExport;

gboolean fl_export_format (const char *name, FlExportFormat *format, GError **error);

/* Writes the dataset's ratings (data that come split: a file a part) and
 * attributes, so that the source and settings (FlSetting) that it returns read
 * back a dataset of the same digest.  NULL, with none of the files changed, when
 * something cannot be written. */
GPtrArray *fl_export_dataset (const FlDataset *dataset, const FlExport *options, GError **error);

/* Groups of some users and items of a dataset, by FlSide; groups NULL: none. */
typedef struct
{
  const FlGroups *groups[2];
  const uint32_t *member[2]; /* dataset index of each entity of the groups */
} FlExportGroups;

/* Writes user-groups.tsv and item-groups.tsv: a line for each member of a group,
 * group after group. */
gboolean fl_export_groups (const FlDataset *dataset, const FlExportGroups *groups,
                           const FlExport *options, GError **error);

FL_END_DECLS

/* ---- for those who make a dataset of another, or read it through --------- */

/* A pair that comes twice though that is an error. */
typedef struct
{
  char *user, *item;
  size_t n; /* ratings that repeat a pair, in all */
} FlTwin;

/* The dataset; `raw` can only be freed afterwards.  duplicates: FL_DUPLICATES_ERROR,
 * ..; *twin (or NULL) is set when a pair that comes twice is the mistake. */
FlDataset *fl_dataset_build (FlRawData *raw, int duplicates, FlTwin *twin, GError **error);
/* Lets go of the memory that a mapped dataset takes until it is read again. */
void fl_dataset_rest (const FlDataset *dataset);

#endif
