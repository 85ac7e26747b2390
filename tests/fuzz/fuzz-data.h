/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-data.h: what must hold of whatever a source made of its bytes. */
#ifndef FUZZ_DATA_H
#define FUZZ_DATA_H

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/shaping/shaping-room.h"

#define SEPARATOR 0xff /* between parts of an input; no text has it */

/* The next part of the input. */
static inline FlSpan
fuzz_part (const uint8_t **data, size_t *size)
{
  const uint8_t *end = *size > 0 ? memchr (*data, SEPARATOR, *size) : NULL;
  FlSpan part = { (const char *) *data, end != NULL ? (size_t) (end - *data) : *size };
  size_t used = part.length + (end != NULL);

  *data += used;
  *size -= used;
  return part;
}

/* ---- files --------------------------------------------------------------- */

static char *fuzz_folder_; /* of this process */

static inline void
fuzz_remove_folder (void)
{
  GDir *files = g_dir_open (fuzz_folder_, 0, NULL);
  const char *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (fuzz_folder_, name, NULL);

      g_unlink (path);
    }
  g_dir_close (files);
  g_rmdir (fuzz_folder_);
  g_clear_pointer (&fuzz_folder_, g_free);
}

/* A folder in memory where there is one. */
static inline const char *
fuzz_folder (void)
{
  if (fuzz_folder_ == NULL)
    {
      fuzz_folder_ = g_mkdtemp (g_strdup ("/dev/shm/fairlead-fuzz-XXXXXX"));
      if (fuzz_folder_ == NULL)
        fuzz_folder_ = g_dir_make_tmp ("fairlead-fuzz-XXXXXX", NULL);
      g_assert_nonnull (fuzz_folder_);
      atexit (fuzz_remove_folder);
    }
  return fuzz_folder_;
}

/* The path of a file with that text; "" and no file when it is empty. */
static inline char *
fuzz_file (const char *name, FlSpan text)
{
  g_autofree char *path = g_build_filename (fuzz_folder (), name, NULL);
  FILE *file;

  if (text.length == 0)
    {
      g_unlink (path);
      return g_strdup ("");
    }
  file = fopen (path, "wb");
  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (text.text, 1, text.length, file), ==, text.length);
  fclose (file);
  return g_steal_pointer (&path);
}

/* The first byte of what is left; 0 when nothing is. */
static inline uint8_t
fuzz_byte (const uint8_t **data, size_t *size)
{
  if (*size == 0)
    return 0;
  (*size)--;
  return *(*data)++;
}

/* ---- what must hold ------------------------------------------------------ */

static inline void
check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == FL_ERROR);
  g_assert_true (error->code == FL_ERROR_DATA || error->code == FL_ERROR_CONFIG);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static inline void
check_attribute (const FlAttribute *attribute, uint32_t n)
{
  g_assert_cmpuint (attribute->n, ==, n);
  for (uint32_t k = 0; k < attribute->start[n]; k++)
    g_assert_cmpuint (attribute->group[k], <, attribute->n_groups);
  for (uint32_t g = 0; g < attribute->n_groups; g++)
    g_assert_true (g_utf8_validate (attribute->label[g], -1, NULL));
}

static inline void
check_dataset (const FlDataset *dataset)
{
  const FlCsr *ratings = &dataset->ratings;

  g_assert_cmpuint (dataset->n, >, 0);
  g_assert_cmpuint (ratings->start[dataset->n_users], ==, dataset->n);
  for (uint32_t u = 0; u < dataset->n_users; u++)
    {
      g_assert_cmpuint (ratings->start[u], <, ratings->start[u + 1]);
      for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
        {
          double value = fl_csr_value (ratings, k);

          g_assert_cmpuint (ratings->col[k], <, dataset->n_items);
          g_assert_true (k == ratings->start[u] || ratings->col[k - 1] < ratings->col[k]);
          g_assert_true (value >= dataset->rating_min && value <= dataset->rating_max);
        }
    }
  for (int side = 0; side < 2; side++)
    for (size_t a = 0; a < dataset->n_attributes[side]; a++)
      check_attribute (&dataset->attributes[side][a],
                       fl_dataset_count (dataset, (FlSide) side));
}

/* An attribute as a grouping names it, under one rule or another. */
static inline char *
fuzz_grouping (const char *name, size_t choice)
{
  static const char *const rules[] = {
    "", " quantiles 2", " first", " prefix 1 * degree ranges 2 4", " ranges -1 0.5"
  };
  g_auto (GStrv) parts = g_strsplit (name, "\"", -1);
  g_autofree char *quoted = g_strjoinv ("\"\"", parts);

  return g_strdup_printf ("\"%s\"%s", quoted, rules[choice % G_N_ELEMENTS (rules)]);
}

static inline void
check_groups (const FlGroups *groups)
{
  g_autofree uint32_t *n = g_new0 (uint32_t, groups->n_groups + 1);
  g_autoptr (GHashTable) labels = g_hash_table_new (g_str_hash, g_str_equal);

  for (uint32_t e = 0; e < groups->n; e++)
    {
      g_assert_cmpuint (groups->start[e], <, groups->start[e + 1]);
      g_assert_cmpuint (groups->first[e], ==, groups->group[groups->start[e]]);
      for (uint32_t k = groups->start[e]; k < groups->start[e + 1]; k++)
        n[groups->group[k]]++;
    }
  for (uint32_t g = 0; g < groups->n_groups; g++)
    {
      g_assert_cmpuint (n[g], >, 0);
      g_assert_true (g_hash_table_add (labels, (gpointer) groups->label[g]));
      g_assert_true (g_utf8_validate (groups->label[g], -1, NULL));
      g_assert_true (g_utf8_validate (groups->rule[g], -1, NULL));
    }
}

/* The parts are of the data and of nothing else, each rating in one; statements only
 * take away. */
static inline void
check_parts (const FlDataset *dataset, const FlSplit *split, const FlAuditCell *cell)
{
  const FlFunnel *funnel = split->funnel;
  const FlRatings *const part[] = { split->train, split->validation, split->test };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = fl_split_audit (dataset, split, cell, &error);
  size_t n = 0;

  g_assert_no_error (error);
  for (guint r = 0; r < rows->len; r++)
    g_assert_cmpint (((const FlAuditRow *) rows->pdata[r])->level, !=, FL_AUDIT_ERROR);
  for (size_t p = 0; p < G_N_ELEMENTS (part); p++)
    n += part[p] != NULL ? part[p]->n : 0;
  g_assert_cmpuint (split->train->n, >, 0);
  g_assert_cmpuint (n, ==, funnel->row[funnel->n - 1].n_ratings);
  g_assert_cmpuint (funnel->row[0].n_ratings, ==, dataset->n);
  for (size_t r = 1; r < funnel->n; r++)
    {
      g_assert_cmpuint (funnel->row[r].n_ratings, <=, funnel->row[r - 1].n_ratings);
      for (int side = 0; side < 2; side++)
        {
          g_assert_cmpuint (funnel->row[r].kept[side], <=, funnel->row[r - 1].kept[side]);
          g_assert_cmpuint (funnel->row[r].rated[side], <=, funnel->row[r].kept[side]);
        }
    }
}

/* Filtered as the text says, split, and grouped by each attribute there is. */
static inline void
check_split (const FlDataset *dataset, FlSpan filter)
{
  /* The layer below lets nothing but UTF-8 pass. */
  g_autofree char *text = g_utf8_make_valid (filter.text, (gssize) filter.length);
  const int method = dataset->part != NULL ? FL_SPLIT_GIVEN : (int) (dataset->n % FL_SPLIT_GIVEN);
  const FlSplitKeys keys = { .method = method, .test = 0.3, .folds = 3, .last = 1,
                             .cold = (int) (dataset->n & 1) };
  FlDataKeys data = { .filter = text };
  const FlAuditCell cell = { .data = &data, .split = &keys };

  for (int side = 0; side < 2; side++)
    for (size_t a = 0; a < dataset->n_attributes[side]; a++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (FlSplit) split = NULL;
        g_autofree char *grouping = fuzz_grouping (dataset->attributes[side][a].name, a);

        data.users_group_by = side == FL_SIDE_USER ? grouping : NULL;
        data.items_group_by = side == FL_SIDE_ITEM ? grouping : NULL;
        split = fl_split_new (dataset, &data, &keys, (FlRepeat) { 1, 0 }, &error);
        if (split != NULL)
          check_parts (dataset, split, &cell);
        if (split == NULL)
          check_error (error);
        else if (split->user_groups != NULL)
          check_groups (split->user_groups);
        else
          check_groups (split->item_groups);
      }
}

/* Loads a source whose parameters are in `self`, with the host's keys as a byte
 * says, and looks at what comes of it. */
static inline void
fuzz_source (const FlPlugin *plugin, gconstpointer self, uint8_t host, FlSpan filter)
{
  const FlInstance source = { .plugin = plugin, .self = (gpointer) self, .ops = plugin->ops };
  const FlIngest ingest = { .bad_lines = host & 1, .duplicates = host >> 1 & 3,
                            .block_size = host & 8 ? 16 : 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FlDataset) dataset = NULL;

  if (plugin->check == NULL || plugin->check (self, &error))
    dataset = fl_dataset_load (&source, &ingest, 0, &error);
  if (dataset == NULL)
    {
      check_error (error);
      return;
    }
  g_assert_no_error (error);
  check_dataset (dataset);
  check_split (dataset, filter);
}

#endif
