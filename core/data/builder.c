/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* builder.c: from what a source says to a dataset.
 *
 * Ratings are kept as triplets of arrival numbers; finishing drops users and
 * items without rating, numbers the others in their final order and sorts the
 * triplets.  12 bytes a rating on the way (20 with times) and as much again
 * while sorting.
 */
#include "core/data/data-private.h"

#include <math.h>
#include <string.h>

/* ---- state --------------------------------------------------------------- */

typedef struct
{
  uint32_t entity, value;
} Pair;

typedef struct
{
  char *name;
  FlNames values;
  GArray *pairs; /* Pair, in the order they came */
} Attribute;

struct FlBuilder
{
  FlNames names[2];          /* by FlSide */
  GPtrArray *attributes[2];  /* Attribute */
  GHashTable *attribute[2];  /* by name   */
  FlRows ratings;            /* unsorted; col is the item's arrival number */
  uint32_t *user;
  size_t capacity;
  uint8_t part;
  gboolean has_scale;
  double min, max;
  GPtrArray *notes;          /* texts */
  FlIngest ingest;
  GError *error;             /* first mistake of a call that returns nothing */
};

static void
attribute_free (gpointer data)
{
  Attribute *attribute = data;

  g_free (attribute->name);
  fl_names_clear (&attribute->values);
  g_array_unref (attribute->pairs);
  g_free (attribute);
}

FlBuilder *
fl_builder_new (const FlIngest *ingest)
{
  FlBuilder *builder = g_new0 (FlBuilder, 1);

  if (ingest != NULL)
    builder->ingest = *ingest;
  builder->notes = g_ptr_array_new_with_free_func (g_free);
  for (int side = 0; side < 2; side++)
    {
      fl_names_init (&builder->names[side]);
      builder->attributes[side] = g_ptr_array_new_with_free_func (attribute_free);
      builder->attribute[side] = g_hash_table_new (g_str_hash, g_str_equal);
    }
  return builder;
}

void
fl_builder_free (FlBuilder *builder)
{
  if (builder == NULL)
    return;
  for (int side = 0; side < 2; side++)
    {
      fl_names_clear (&builder->names[side]);
      g_hash_table_unref (builder->attribute[side]);
      g_ptr_array_unref (builder->attributes[side]);
    }
  g_ptr_array_unref (builder->notes);
  fl_rows_clear (&builder->ratings);
  g_free (builder->user);
  g_clear_error (&builder->error);
  g_free (builder);
}

/* ---- what sources call --------------------------------------------------- */

static gboolean
grow (gpointer array, size_t capacity, size_t size, GError **error)
{
  gpointer memory;
  size_t bytes;

  memcpy (&memory, array, sizeof memory);
  if (!g_size_checked_mul (&bytes, capacity, size)
      || (memory = g_try_realloc (memory, bytes)) == NULL)
    return fl_fail (error, FL_ERROR_SYSTEM, "out of memory for %zu ratings", capacity);
  memcpy (array, &memory, sizeof memory);
  return TRUE;
}

static gboolean
reserve (FlBuilder *builder, GError **error)
{
  FlRows *ratings = &builder->ratings;
  size_t capacity = MAX (1024, builder->capacity * 2);

  if (ratings->f32 == NULL && ratings->f64 == NULL
      && !grow (&ratings->f32, capacity, sizeof (float), error))
    return FALSE;
  if (!grow (&builder->user, capacity, sizeof (uint32_t), error)
      || !grow (&ratings->col, capacity, sizeof (uint32_t), error)
      || (ratings->f32 != NULL && !grow (&ratings->f32, capacity, sizeof (float), error))
      || (ratings->f64 != NULL && !grow (&ratings->f64, capacity, sizeof (double), error))
      || (ratings->time != NULL && !grow (&ratings->time, capacity, sizeof (int64_t), error))
      || (ratings->part != NULL && !grow (&ratings->part, capacity, 1, error)))
    return FALSE;
  builder->capacity = capacity;
  return TRUE;
}

static gboolean
widen (FlBuilder *builder, GError **error)
{
  FlRows *ratings = &builder->ratings;

  if (!grow (&ratings->f64, builder->capacity, sizeof (double), error))
    return FALSE;
  for (size_t k = 0; k < ratings->n; k++)
    ratings->f64[k] = (double) ratings->f32[k];
  g_clear_pointer (&ratings->f32, g_free);
  return TRUE;
}

static gboolean
start_times (FlBuilder *builder, GError **error)
{
  FlRows *ratings = &builder->ratings;

  if (!grow (&ratings->time, builder->capacity, sizeof (int64_t), error))
    return FALSE;
  for (size_t k = 0; k < ratings->n; k++)
    ratings->time[k] = FL_NO_TIME;
  return TRUE;
}

static uint32_t
add_id (FlBuilder *builder, FlSide side, FlSpan id, GError **error)
{
  const char *what = side == FL_SIDE_USER ? "user" : "item";

  if (id.length > 0 && memchr (id.text, '\0', id.length) == NULL)
    return fl_names_add (&builder->names[side], id, error);
  if (id.length == 0)
    fl_fail (error, FL_ERROR_DATA, "the %s id is empty", what);
  else
    fl_fail (error, FL_ERROR_DATA, "the %s id has a zero byte in it", what);
  return G_MAXUINT32;
}

gboolean
fl_builder_rating (FlBuilder *builder, FlSpan user, FlSpan item, double rating, int64_t time,
                   GError **error)
{
  FlRows *ratings = &builder->ratings;
  uint32_t u = add_id (builder, FL_SIDE_USER, user, error);
  uint32_t i = u != G_MAXUINT32 ? add_id (builder, FL_SIDE_ITEM, item, error) : G_MAXUINT32;
  size_t k = ratings->n;

  if (i == G_MAXUINT32)
    return FALSE;
  if (!isfinite (rating))
    return fl_fail (error, FL_ERROR_DATA, "the rating is not a finite number");
  if (builder->has_scale && !(rating >= builder->min && rating <= builder->max))
    return fl_fail (error, FL_ERROR_DATA, "the rating %g is outside the scale from %g to %g",
                    rating, builder->min, builder->max);
  /* The order of a split and the groups of a data set rest on 32-bit counts. */
  if (k == G_MAXUINT32)
    return fl_fail (error, FL_ERROR_DATA, "more than %u ratings", G_MAXUINT32);
  if ((k == builder->capacity && !reserve (builder, error))
      || (ratings->f64 == NULL && (double) (float) rating != rating && !widen (builder, error))
      || (time != FL_NO_TIME && ratings->time == NULL && !start_times (builder, error)))
    return FALSE;
  builder->user[k] = u;
  ratings->col[k] = i;
  if (ratings->f64 != NULL)
    ratings->f64[k] = rating;
  else
    ratings->f32[k] = (float) rating;
  if (ratings->time != NULL)
    ratings->time[k] = time;
  if (ratings->part != NULL)
    ratings->part[k] = builder->part;
  ratings->n++;
  return TRUE;
}

/* Ratings that came before the first call count as training. */
void
fl_builder_part (FlBuilder *builder, FlPart part)
{
  FlRows *ratings = &builder->ratings;

  if (ratings->part == NULL && builder->error == NULL)
    {
      if ((builder->capacity == 0 && !reserve (builder, &builder->error))
          || !grow (&ratings->part, builder->capacity, 1, &builder->error))
        return;
      memset (ratings->part, FL_PART_TRAIN, ratings->n);
    }
  builder->part = (uint8_t) part;
}

static Attribute *
find_attribute (FlBuilder *builder, FlSide side, const char *name)
{
  Attribute *attribute = g_hash_table_lookup (builder->attribute[side], name);

  if (attribute != NULL)
    return attribute;
  attribute = g_new0 (Attribute, 1);
  attribute->name = g_strdup (name);
  attribute->pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  fl_names_init (&attribute->values);
  g_ptr_array_add (builder->attributes[side], attribute);
  g_hash_table_insert (builder->attribute[side], attribute->name, attribute);
  return attribute;
}

void
fl_builder_attribute (FlBuilder *builder, FlSide side, FlSpan id, const char *attribute,
                      FlSpan value)
{
  Attribute *found = find_attribute (builder, side, attribute);
  Pair pair;

  if (builder->error != NULL)
    return;
  pair.entity = add_id (builder, side, id, &builder->error);
  if (pair.entity == G_MAXUINT32 || value.length == 0)
    return;
  if (!g_utf8_validate_len (value.text, value.length, NULL))
    {
      fl_fail (&builder->error, FL_ERROR_DATA, "a value of attribute '%s' is not UTF-8 text",
               attribute);
      return;
    }
  pair.value = fl_names_add (&found->values, value, &builder->error);
  if (pair.value != G_MAXUINT32)
    g_array_append_val (found->pairs, pair);
}

void
fl_builder_values (FlBuilder *builder, FlSide side, FlSpan id, const char *attribute,
                   FlSpan field, char separator)
{
  const char *p = field.text, *end = field.text + field.length;

  for (const char *stop; p <= end; p = stop + 1)
    {
      FlSpan value;

      stop = separator != '\0' ? memchr (p, separator, (size_t) (end - p)) : NULL;
      if (stop == NULL)
        stop = end;
      value = (FlSpan) { p, (size_t) (stop - p) };
      if (value.length != 1 || *value.text != '?')
        fl_builder_attribute (builder, side, id, attribute, value);
    }
}

void
fl_builder_scale (FlBuilder *builder, double min, double max)
{
  builder->has_scale = TRUE;
  builder->min = min;
  builder->max = max;
}

const FlIngest *
fl_builder_ingest (const FlBuilder *builder)
{
  return &builder->ingest;
}

void
fl_builder_note (FlBuilder *builder, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (builder->notes, g_strdup_vprintf (format, args));
  va_end (args);
}

/* ---- finishing ----------------------------------------------------------- */

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

/* Numbers one side anew: `index` has its arrival numbers, n of them. */
static uint32_t *
number_side (FlBuilder *builder, FlDataset *dataset, FlSide side, uint32_t *index, size_t n,
             GError **error)
{
  FlNames *names = &builder->names[side];
  g_autofree uint32_t *used = fl_alloc (names->n, sizeof *used, error);
  const char **text = NULL;
  uint32_t *number, n_kept;

  if (used == NULL)
    return NULL;
  for (size_t k = 0; k < n; k++)
    used[index[k]] = 1;
  number = number_names (names, used, &n_kept, &text, error);
  if (number == NULL)
    return NULL;
  for (size_t k = 0; k < n; k++)
    index[k] = number[index[k]];
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

/* Values of each entity in the order they came, without repeats.  Returns how
 * many there are.  `used` (zeros) becomes, for each value, the last entity that
 * has it + 1. */
static uint32_t
place_values (const Attribute *in, const uint32_t *number, uint32_t n, uint32_t *start,
              uint32_t *value, uint32_t *used)
{
  const Pair *pair = (const Pair *) (gpointer) in->pairs->data;
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
finish_attribute (const Attribute *in, FlDataset *dataset, const uint32_t *number, uint32_t n,
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
finish_attributes (FlBuilder *builder, FlDataset *dataset, FlSide side, const uint32_t *number,
                   GError **error)
{
  const GPtrArray *all = builder->attributes[side];
  FlAttribute *out = fl_dataset_own (dataset, g_new0 (FlAttribute, all->len + 1));
  uint32_t n = side == FL_SIDE_USER ? dataset->n_users : dataset->n_items;

  dataset->attributes[side] = out;
  dataset->n_attributes[side] = all->len;
  for (guint a = 0; a < all->len; a++)
    if (!finish_attribute (g_ptr_array_index (all, a), dataset, number, n, &out[a], error))
      return FALSE;
  return TRUE;
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
        if (chosen == G_MAXSIZE || duplicates != FL_DUPLICATES_FIRST)
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
merge_twins (FlBuilder *builder, FlRows *rows, GError **error)
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
          at = keep_one (rows, from, to, at, builder->ingest.duplicates, &moved);
        }
      /* The start of the next row still says where its entries lie. */
    }
  rows->start[rows->n_rows] = rows->n = at;
  fl_builder_note (builder, "%zu user-item pairs came more than once: %zu ratings of them were "
                   "dropped", n_pairs, n - at);
  if (moved > 0)
    fl_builder_note (builder, "%zu user-item pairs were in more than one part of the data: each "
                     "stays in the latest, test after validation after training", moved);
  return recast (rows, error);
}

static gboolean
settle_twins (FlBuilder *builder, FlDataset *dataset, FlRows *rows, GError **error)
{
  uint32_t u, i;

  if (!fl_rows_twin (rows, &u, &i))
    return TRUE;
  if (builder->ingest.duplicates != FL_DUPLICATES_ERROR)
    return merge_twins (builder, rows, error);
  return fl_fail (error, FL_ERROR_DATA, "user '%s' rates item '%s' twice", dataset->user_id[u],
                  dataset->item_id[i]);
}

static const char *const *
keep_notes (FlBuilder *builder, FlDataset *dataset)
{
  guint n = builder->notes->len;
  const char **notes = fl_dataset_own (dataset, g_new0 (const char *, n + 1));

  for (guint i = 0; i < n; i++)
    notes[i] = fl_dataset_own (dataset, g_strdup (builder->notes->pdata[i]));
  return notes;
}

static gboolean
check_ratings (FlDataset *dataset, const FlRows *rows, const FlBuilder *builder, GError **error)
{
  double min = INFINITY, max = -INFINITY;

  for (size_t k = 0; k < rows->n; k++)
    {
      double value = rows->f32 != NULL ? (double) rows->f32[k] : rows->f64[k];

      min = MIN (min, value);
      max = MAX (max, value);
    }
  dataset->rating_min = builder->has_scale ? builder->min : min;
  dataset->rating_max = builder->has_scale ? builder->max : max;
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

/* Ids and labels point into the builder's tables: copies that live as long as
 * the dataset. */
static void
keep_texts (FlBuilder *builder, FlDataset *dataset)
{
  for (int side = 0; side < 2; side++)
    {
      const GPtrArray *all = builder->attributes[side];

      fl_dataset_own_arena (dataset, g_steal_pointer (&builder->names[side].arena));
      for (guint a = 0; a < all->len; a++)
        {
          Attribute *attribute = g_ptr_array_index (all, a);

          fl_dataset_own_arena (dataset, g_steal_pointer (&attribute->values.arena));
        }
    }
}

FlDataset *
fl_builder_finish (FlBuilder *builder, GError **error)
{
  g_autoptr (FlDataset) dataset = fl_dataset_new ();
  FlRows *in = &builder->ratings, rows;
  g_autofree uint32_t *user_number = NULL, *item_number = NULL;

  if (builder->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&builder->error));
      return NULL;
    }
  if (in->n == 0)
    {
      fl_fail (error, FL_ERROR_DATA, "there are no ratings");
      return NULL;
    }
  user_number = number_side (builder, dataset, FL_SIDE_USER, builder->user, in->n, error);
  if (user_number == NULL)
    return NULL;
  item_number = number_side (builder, dataset, FL_SIDE_ITEM, in->col, in->n, error);
  if (item_number == NULL)
    return NULL;
  in->n_rows = dataset->n_users;
  in->n_cols = dataset->n_items;
  builder->capacity = 0;
  if (!fl_rows_sort (&rows, in, g_steal_pointer (&builder->user), error))
    return NULL;
  if (!settle_twins (builder, dataset, &rows, error))
    {
      fl_rows_clear (&rows);
      return NULL;
    }
  own_rows (dataset, &rows);
  dataset->notes = keep_notes (builder, dataset);
  if (!check_ratings (dataset, &rows, builder, error)
      || !finish_attributes (builder, dataset, FL_SIDE_USER, user_number, error)
      || !finish_attributes (builder, dataset, FL_SIDE_ITEM, item_number, error)
      || !fl_dataset_digest (dataset, error))
    return NULL;
  keep_texts (builder, dataset);
  return g_steal_pointer (&dataset);
}
