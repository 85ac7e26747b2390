/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* finish.c: from what a source said to a dataset.
 *
 * Users and items without rating are dropped, the others numbered in their final
 * order, ratings gathered by user.
 */
#include "core/data/dataset/dataset-parts.h"

#include <math.h>
#include <string.h>

/* ---- numbers ------------------------------------------------------------- */

/* The final number of each name, G_MAXUINT32 for those that are dropped, and
 * the ids in that order.  `used` says which names have a rating. */
static uint32_t *
number_names (const FlNames *names, const uint32_t *used, uint32_t *n, const char ***text,
              GError **error)
{
  g_autofree uint32_t *member = fl_alloc (names->n, sizeof *member, error);
  g_autofree uint32_t *number = member != NULL ? fl_alloc (names->n, sizeof *number, error) : NULL;

  if (number == NULL)
    return NULL;
  *n = 0;
  for (uint32_t i = 0; i < names->n; i++)
    {
      number[i] = G_MAXUINT32;
      if (used[i])
        member[(*n)++] = i;
    }
  fl_names_sort (names, member, *n);
  *text = fl_alloc ((size_t) *n + 1, sizeof **text, error);
  if (*text == NULL)
    return NULL;
  for (uint32_t i = 0; i < *n; i++)
    {
      number[member[i]] = i;
      (*text)[i] = fl_names_text (names, member[i]);
    }
  return g_steal_pointer (&number);
}

static inline uint32_t *
index_of (const FlEntries *run, FlSide side)
{
  return side == FL_SIDE_USER ? run->row : run->col;
}

/* Which names have a rating; any number of threads may say so at once. */
static void
mark_used (const FlRawData *raw, FlSide side, uint32_t *used)
{
#pragma omp parallel for schedule(dynamic)
  for (guint c = 0; c < raw->runs->len; c++)
    {
      const FlEntries *run = raw->runs->pdata[c];
      const uint32_t *index = index_of (run, side);

      for (size_t k = 0; k < run->n; k++)
        __atomic_store_n (&used[index[k]], 1, __ATOMIC_RELAXED);
    }
}

static void
renumber (const FlRawData *raw, FlSide side, const uint32_t *number)
{
#pragma omp parallel for schedule(dynamic)
  for (guint c = 0; c < raw->runs->len; c++)
    {
      const FlEntries *run = raw->runs->pdata[c];
      uint32_t *index = index_of (run, side);

      for (size_t k = 0; k < run->n; k++)
        index[k] = number[index[k]];
    }
}

/* Numbers one side anew. */
static uint32_t *
number_side (FlRawData *raw, FlDataset *dataset, FlSide side, GError **error)
{
  FlNames *names = &raw->names[side];
  g_autofree uint32_t *used = fl_alloc (names->n, sizeof *used, error);
  const char **text = NULL;
  uint32_t *number, n_kept;

  if (used == NULL)
    return NULL;
  mark_used (raw, side, used);
  number = number_names (names, used, &n_kept, &text, error);
  if (number == NULL)
    return NULL;
  renumber (raw, side, number);
  fl_dataset_own (dataset, text);
  if (side == FL_SIDE_USER)
    {
      dataset->n_users = n_kept;
      dataset->user_id = text;
    }
  else
    {
      dataset->n_items = n_kept;
      dataset->item_id = text;
    }
  return number;
}

/* ---- attributes ---------------------------------------------------------- */

/* Values of each entity in the order they came, without repeats.  Returns how
 * many there are.  `used` (zeros) becomes, for each value, the last entity that
 * has it + 1. */
static uint32_t
place_values (const FlRawAttribute *in, const uint32_t *number, uint32_t n, uint32_t *start,
              uint32_t *value, uint32_t *used)
{
  const FlRawPair *pair = (const FlRawPair *) (gpointer) in->pairs->data;
  uint32_t n_values = 0;

  for (guint k = 0; k < in->pairs->len; k++)
    if (number[pair[k].entity] != G_MAXUINT32)
      start[number[pair[k].entity] + 1]++;
  for (uint32_t e = 0; e < n; e++)
    start[e + 1] += start[e];
  for (guint k = 0; k < in->pairs->len; k++)
    if (number[pair[k].entity] != G_MAXUINT32)
      value[start[number[pair[k].entity]]++] = pair[k].value;
  /* start[e] has become the end of e. */
  for (uint32_t e = 0, from = 0; e < n; e++)
    {
      uint32_t first = n_values;

      for (uint32_t k = from; k < start[e]; k++)
        if (used[value[k]] != e + 1)
          {
            used[value[k]] = e + 1;
            value[n_values++] = value[k];
          }
      from = start[e];
      start[e] = first;
    }
  start[n] = n_values;
  return n_values;
}

/* An attribute over the n kept entities of a side. */
static gboolean
finish_attribute (const FlRawAttribute *in, FlDataset *dataset, const uint32_t *number, uint32_t n,
                  FlAttribute *out, GError **error)
{
  uint32_t *start = fl_dataset_own (dataset, fl_alloc ((size_t) n + 1, sizeof *start, error));
  uint32_t *group = fl_dataset_own (dataset, start != NULL
                                    ? fl_alloc (in->pairs->len, sizeof *group, error) : NULL);
  uint32_t *first = fl_dataset_own (dataset, group != NULL
                                    ? fl_alloc (n, sizeof *first, error) : NULL);
  g_autofree uint32_t *used = first != NULL
                              ? fl_alloc (in->values.n, sizeof *used, error) : NULL;
  g_autofree uint32_t *label_number = NULL;
  const char **label = NULL;
  uint32_t n_values;

  if (used == NULL)
    return FALSE;
  n_values = place_values (in, number, n, start, group, used);
  label_number = number_names (&in->values, used, &out->n_groups, &label, error);
  if (label_number == NULL)
    return FALSE;
  fl_dataset_own (dataset, label);
  for (uint32_t k = 0; k < n_values; k++)
    group[k] = label_number[group[k]];
  for (uint32_t e = 0; e < n; e++)
    first[e] = start[e] < start[e + 1] ? group[start[e]] : FL_NO_GROUP;
  out->name = fl_dataset_own (dataset, g_strdup (in->name));
  out->label = label;
  out->n = n;
  out->start = start;
  out->group = group;
  out->first = first;
  return TRUE;
}

static gboolean
finish_attributes (FlRawData *raw, FlDataset *dataset, FlSide side, const uint32_t *number,
                   GError **error)
{
  const GPtrArray *all = raw->attributes[side];
  FlAttribute *out = fl_dataset_own (dataset, g_new0 (FlAttribute, all->len + 1));
  uint32_t n = side == FL_SIDE_USER ? dataset->n_users : dataset->n_items;

  dataset->attributes[side] = out;
  dataset->n_attributes[side] = all->len;
  for (guint a = 0; a < all->len; a++)
    if (!finish_attribute (g_ptr_array_index (all, a), dataset, number, n, &out[a], error))
      return FALSE;
  return TRUE;
}

static void G_GNUC_PRINTF (2, 3)
add_note (FlRawData *raw, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (raw->notes, g_strdup_vprintf (format, args));
  va_end (args);
}

/* How many of a side have values: of all that values were told of, and of those kept. */
static gboolean
count_described (const FlRawData *raw, FlSide side, const uint32_t *number, size_t *n_told,
                 size_t *n_kept, uint32_t *example, GError **error)
{
  const GPtrArray *all = raw->attributes[side];
  g_autofree uint8_t *seen = fl_alloc (raw->names[side].n, 1, error);

  *n_told = *n_kept = 0;
  for (guint a = 0; seen != NULL && a < all->len; a++)
    {
      const FlRawAttribute *attribute = g_ptr_array_index (all, a);
      const FlRawPair *pair = (const FlRawPair *) (gpointer) attribute->pairs->data;

      for (guint k = 0; k < attribute->pairs->len; k++)
        if (!seen[pair[k].entity])
          {
            seen[pair[k].entity] = 1;
            *n_told += 1;
            *n_kept += number[pair[k].entity] != G_MAXUINT32;
            *example = pair[k].entity;
          }
    }
  return seen != NULL;
}

/* Attributes of nobody who has ratings are hardly meant: ids in another form, or another file. */
static gboolean
match_attributes (FlRawData *raw, const FlDataset *dataset, FlSide side, const uint32_t *number,
                  GError **error)
{
  const char *what = side == FL_SIDE_USER ? "users" : "items";
  const char *const *ids = side == FL_SIDE_USER ? dataset->user_id : dataset->item_id;
  size_t n = fl_dataset_count (dataset, side), n_told, n_kept;
  uint32_t example = 0;

  if (!count_described (raw, side, number, &n_told, &n_kept, &example, error))
    return FALSE;
  if (n_told > 0 && n_kept == 0)
    add_note (raw, "none of the %zu %s with attributes has ratings: ids such as '%s' there, and "
              "'%s' among the ratings, match nobody", n_told, what,
              fl_names_text (&raw->names[side], example), ids[0]);
  else if (n_told > 0 && n_kept < n)
    add_note (raw, "%zu of %zu %s with ratings have no attribute", n - n_kept, n, what);
  return TRUE;
}

/* 2286, and what milliseconds of our days are when they are taken for seconds. */
#define FAR_SECONDS ((int64_t) 10000000000)

static void
note_times (FlRawData *raw, const FlDataset *dataset)
{
  int64_t from, to;

  if (fl_info_time (dataset, &from, &to) > 0 && from > FAR_SECONDS)
    add_note (raw, "times begin at %" G_GINT64_FORMAT " seconds, beyond the year 2286: are they "
              "milliseconds?", from);
}

/* ---- pairs that come twice ----------------------------------------------- */

/* Whether rating k takes the place of the one chosen so far: the earlier or later one where
 * both have times, else that of the earlier or later line. */
static gboolean
replaces (const FlRows *rows, int duplicates, size_t chosen, size_t k)
{
  gboolean first = duplicates == FL_DUPLICATES_FIRST;

  if (rows->time == NULL || rows->time[chosen] == FL_NO_TIME || rows->time[k] == FL_NO_TIME
      || rows->time[chosen] == rows->time[k])
    return !first;
  return first ? rows->time[k] < rows->time[chosen] : rows->time[k] > rows->time[chosen];
}

/* Keeps one of each run of equal pairs, which come in the order of the source: of
 * the latest part that has it, the first, the last or the mean.  Returns where
 * the next pair goes; *moved counts pairs that were in two parts. */
static size_t
keep_one (FlRows *rows, size_t from, size_t to, size_t at, int duplicates, size_t *moved)
{
  uint8_t part = FL_PART_TRAIN;
  size_t chosen = G_MAXSIZE, n = 0;
  double sum = 0;

  for (size_t k = from; k < to && rows->part != NULL; k++)
    part = MAX (part, rows->part[k]);
  for (size_t k = from; k < to; k++)
    if (rows->part == NULL || rows->part[k] == part)
      {
        sum += rows->f64[k];
        n++;
        if (chosen == G_MAXSIZE || replaces (rows, duplicates, chosen, k))
          chosen = k;
      }
  *moved += n < to - from;
  rows->col[at] = rows->col[chosen];
  rows->f64[at] = duplicates == FL_DUPLICATES_MEAN ? sum / (double) n : rows->f64[chosen];
  if (rows->time != NULL)
    rows->time[at] = rows->time[chosen];
  if (rows->part != NULL)
    rows->part[at] = part;
  return at + 1;
}

/* f32 becomes f64, or f64 f32 where that is exact. */
static gboolean
recast (FlRows *rows, GError **error)
{
  gboolean exact = rows->f32 == NULL;

  for (size_t k = 0; exact && k < rows->n; k++)
    exact = (double) (float) rows->f64[k] == rows->f64[k];
  if (rows->f64 != NULL && !exact)
    return TRUE;
  if (rows->f32 != NULL && (rows->f64 = fl_alloc (rows->n, sizeof (double), error)) == NULL)
    return FALSE;
  if (exact && (rows->f32 = fl_alloc (rows->n, sizeof (float), error)) == NULL)
    return FALSE;
  for (size_t k = 0; k < rows->n; k++)
    if (exact)
      rows->f32[k] = (float) rows->f64[k];
    else
      rows->f64[k] = (double) rows->f32[k];
  if (exact)
    g_clear_pointer (&rows->f64, g_free);
  else
    g_clear_pointer (&rows->f32, g_free);
  return TRUE;
}

static gboolean
merge_twins (FlRawData *raw, FlRows *rows, int duplicates, GError **error)
{
  size_t n = rows->n, at = 0, n_pairs = 0, moved = 0;

  if (rows->f32 != NULL && !recast (rows, error))
    return FALSE;
  for (uint32_t r = 0; r < rows->n_rows; r++)
    {
      size_t from = rows->start[r], end = rows->start[r + 1];

      rows->start[r] = at;
      for (size_t to; from < end; from = to)
        {
          for (to = from + 1; to < end && rows->col[to] == rows->col[from]; to++)
            continue;
          n_pairs += to - from > 1;
          at = keep_one (rows, from, to, at, duplicates, &moved);
        }
      /* The start of the next row still says where its entries lie. */
    }
  rows->start[rows->n_rows] = rows->n = at;
  add_note (raw, "%zu user-item pairs came more than once: %zu ratings of them were "
            "dropped; %s counts", n_pairs, n - at,
            duplicates == FL_DUPLICATES_MEAN ? "the mean"
            : duplicates == FL_DUPLICATES_FIRST
                ? (rows->time != NULL ? "the earliest" : "the first line")
                : (rows->time != NULL ? "the latest" : "the last line"));
  if (moved > 0)
    add_note (raw, "%zu user-item pairs were in more than one part of the data: each "
                     "stays in the latest, test after validation after training", moved);
  return recast (rows, error);
}

/* Ratings beyond the first of their pair. */
static size_t
count_twins (const FlRows *rows)
{
  size_t n = 0;

  for (uint32_t r = 0; r < rows->n_rows; r++)
    for (size_t k = rows->start[r] + 1; k < rows->start[r + 1]; k++)
      n += rows->col[k] == rows->col[k - 1];
  return n;
}

static gboolean
resolve_twins (FlRawData *raw, const FlDataset *dataset, FlRows *rows, int duplicates, FlTwin *twin,
              GError **error)
{
  uint32_t u, i;

  if (!fl_rows_twin (rows, &u, &i))
    return TRUE;
  if (duplicates != FL_DUPLICATES_ERROR)
    return merge_twins (raw, rows, duplicates, error);
  if (twin != NULL)
    *twin = (FlTwin) { .user = g_strdup (dataset->user_id[u]),
                       .item = g_strdup (dataset->item_id[i]), .n = count_twins (rows) };
  return fl_fail (error, FL_ERROR_DATA, "user '%s' rates item '%s' twice", dataset->user_id[u],
                  dataset->item_id[i]);
}

/* ---- all ----------------------------------------------------------------- */

static const char *const *
keep_notes (FlRawData *raw, FlDataset *dataset)
{
  guint n = raw->notes->len;
  const char **notes = fl_dataset_own (dataset, g_new0 (const char *, n + 1));

  for (guint i = 0; i < n; i++)
    notes[i] = fl_dataset_own (dataset, g_strdup (raw->notes->pdata[i]));
  return notes;
}

static gboolean
check_ratings (FlDataset *dataset, const FlRows *rows, const FlRawData *raw, GError **error)
{
  double min = INFINITY, max = -INFINITY;

#pragma omp parallel for schedule(static) reduction(min : min) reduction(max : max)
  for (size_t k = 0; k < rows->n; k++)
    {
      double value = rows->f32 != NULL ? (double) rows->f32[k] : rows->f64[k];

      min = MIN (min, value);
      max = MAX (max, value);
    }
  dataset->rating_min = raw->has_scale ? raw->min : min;
  dataset->rating_max = raw->has_scale ? raw->max : max;
  if (min >= dataset->rating_min && max <= dataset->rating_max)
    return TRUE;
  return fl_fail (error, FL_ERROR_DATA, "ratings lie from %g to %g: the scale is from %g to %g",
                  min, max, dataset->rating_min, dataset->rating_max);
}

static void
own_rows (FlDataset *dataset, FlRows *rows)
{
  dataset->n = rows->n;
  dataset->ratings = (FlCsr) { .n_rows = rows->n_rows, .n_cols = rows->n_cols,
                               .start = fl_dataset_own (dataset, rows->start),
                               .col = fl_dataset_own (dataset, rows->col),
                               .f32 = fl_dataset_own (dataset, rows->f32),
                               .f64 = fl_dataset_own (dataset, rows->f64) };
  dataset->time = fl_dataset_own (dataset, rows->time);
  dataset->part = fl_dataset_own (dataset, rows->part);
}

/* Ids and labels point into the tables of names: copies that live as long as
 * the dataset. */
static void
keep_texts (FlRawData *raw, FlDataset *dataset)
{
  for (int side = 0; side < 2; side++)
    {
      const GPtrArray *all = raw->attributes[side];

      fl_dataset_own_arena (dataset, g_steal_pointer (&raw->names[side].arena));
      for (guint a = 0; a < all->len; a++)
        {
          FlRawAttribute *attribute = g_ptr_array_index (all, a);

          fl_dataset_own_arena (dataset, g_steal_pointer (&attribute->values.arena));
        }
    }
}

/* The ratings of all runs, which are freed, by user. */
static gboolean
gather_ratings (FlRawData *raw, const FlDataset *dataset, FlRows *rows, GError **error)
{
  FlEntries *const *runs = (FlEntries *const *) raw->runs->pdata;
  gboolean done = fl_rows_gather (rows, dataset->n_users, dataset->n_items, runs,
                                  raw->runs->len, raw->has_parts, TRUE, error);

  g_ptr_array_set_size (raw->runs, 0);
  fl_trim ();
  return done;
}

FlDataset *
fl_dataset_build (FlRawData *raw, int duplicates, FlTwin *twin, GError **error)
{
  g_autoptr (FlDataset) dataset = fl_dataset_new ();
  FlRows rows;
  g_autofree uint32_t *user_number = NULL, *item_number = NULL;

  if (raw->n == 0)
    {
      fl_fail (error, FL_ERROR_DATA, "there are no ratings");
      return NULL;
    }
  user_number = number_side (raw, dataset, FL_SIDE_USER, error);
  if (user_number == NULL)
    return NULL;
  item_number = number_side (raw, dataset, FL_SIDE_ITEM, error);
  if (item_number == NULL || !gather_ratings (raw, dataset, &rows, error))
    return NULL;
  if (!resolve_twins (raw, dataset, &rows, duplicates, twin, error))
    {
      fl_rows_clear (&rows);
      return NULL;
    }
  own_rows (dataset, &rows);
  if (!match_attributes (raw, dataset, FL_SIDE_USER, user_number, error)
      || !match_attributes (raw, dataset, FL_SIDE_ITEM, item_number, error))
    return NULL;
  note_times (raw, dataset);
  dataset->notes = keep_notes (raw, dataset);
  if (!check_ratings (dataset, &rows, raw, error)
      || !finish_attributes (raw, dataset, FL_SIDE_USER, user_number, error)
      || !finish_attributes (raw, dataset, FL_SIDE_ITEM, item_number, error)
      || !fl_dataset_digest (dataset, error))
    return NULL;
  keep_texts (raw, dataset);
  return g_steal_pointer (&dataset);
}
