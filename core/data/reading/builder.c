/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* builder.c: what a source says of its data.
 *
 * Ratings are kept in runs, as triplets of arrival numbers: 12 bytes a rating, 20
 * with times.
 */
#include "core/data/reading/reading-parts.h"

#include <math.h>
#include <string.h>

/* Ratings that come one by one make runs of up to so many. */
#define RUN_LENGTH_MAX ((size_t) 1 << 18)

/* ---- state --------------------------------------------------------------- */

static void
attribute_free (gpointer data)
{
  FlRawAttribute *attribute = data;

  g_free (attribute->name);
  fl_names_clear (&attribute->values);
  g_array_unref (attribute->pairs);
  g_clear_pointer (&attribute->labels, g_hash_table_unref);
  g_free (attribute);
}

static void
run_free (gpointer run)
{
  fl_entries_clear (run);
  g_free (run);
}

FlBuilder *
fl_builder_new (const FlIngest *ingest)
{
  FlBuilder *builder = g_new0 (FlBuilder, 1);

  if (ingest != NULL)
    builder->ingest = *ingest;
  builder->raw.notes = g_ptr_array_new_with_free_func (g_free);
  builder->places = g_ptr_array_new_with_free_func (g_free);
  builder->raw.runs = g_ptr_array_new_with_free_func (run_free);
  for (int side = 0; side < 2; side++)
    {
      fl_names_init (&builder->raw.names[side]);
      builder->raw.attributes[side] = g_ptr_array_new_with_free_func (attribute_free);
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
      fl_names_clear (&builder->raw.names[side]);
      g_hash_table_unref (builder->attribute[side]);
      g_ptr_array_unref (builder->raw.attributes[side]);
    }
  g_ptr_array_unref (builder->raw.notes);
  g_ptr_array_unref (builder->places);
  g_ptr_array_unref (builder->raw.runs);
  g_clear_error (&builder->error);
  g_free (builder);
}

/* ---- ratings ------------------------------------------------------------- */

gboolean
fl_builder_check_id (FlSide side, FlSpan id, GError **error)
{
  const char *what = side == FL_SIDE_USER ? "user" : "item";

  if (id.length == 0)
    return fl_fail (error, FL_ERROR_DATA, "the %s id is empty", what);
  return memchr (id.text, '\0', id.length) == NULL
         || fl_fail (error, FL_ERROR_DATA, "the %s id has a zero byte in it", what);
}

gboolean
fl_builder_check_rating (const FlBuilder *builder, double rating, GError **error)
{
  if (!isfinite (rating))
    return fl_fail (error, FL_ERROR_DATA, "the rating is not a finite number");
  if (!builder->raw.has_scale || (rating >= builder->raw.min && rating <= builder->raw.max))
    return TRUE;
  return fl_fail (error, FL_ERROR_DATA, "the rating %g is outside the scale from %g to %g",
                  rating, builder->raw.min, builder->raw.max);
}

static gboolean
grow (gpointer array, size_t capacity, size_t size, GError **error)
{
  gpointer memory;

  memcpy (&memory, array, sizeof memory);
  memory = g_try_realloc (memory, capacity * size);
  if (memory == NULL)
    return fl_fail (error, FL_ERROR_SYSTEM, "out of memory for %zu ratings", capacity);
  memcpy (array, &memory, sizeof memory);
  return TRUE;
}

/* The order of a split and the groups of a data set rest on 32-bit counts. */
static gboolean
check_count (const FlBuilder *builder, size_t n_more, GError **error)
{
  return builder->raw.n + n_more <= G_MAXUINT32
         || fl_fail (error, FL_ERROR_DATA, "more than %u ratings", G_MAXUINT32);
}

/* Room for one more rating in the open run. */
static gboolean
reserve (FlBuilder *builder, GError **error)
{
  FlEntries *run = builder->open;
  size_t capacity = builder->capacity * 2;

  if (run == NULL || run->n == RUN_LENGTH_MAX)
    {
      run = builder->open = g_new0 (FlEntries, 1);
      run->part = builder->part;
      g_ptr_array_add (builder->raw.runs, run);
      capacity = 1024;
    }
  if (!grow (&run->row, capacity, sizeof (uint32_t), error)
      || !grow (&run->col, capacity, sizeof (uint32_t), error)
      || (run->f64 == NULL && !grow (&run->f32, capacity, sizeof (float), error))
      || (run->f64 != NULL && !grow (&run->f64, capacity, sizeof (double), error))
      || (run->time != NULL && !grow (&run->time, capacity, sizeof (int64_t), error)))
    return FALSE;
  builder->capacity = capacity;
  return TRUE;
}

static gboolean
start_times (FlBuilder *builder, GError **error)
{
  FlEntries *run = builder->open;

  if (!grow (&run->time, builder->capacity, sizeof (int64_t), error))
    return FALSE;
  for (size_t k = 0; k < run->n; k++)
    run->time[k] = FL_NO_TIME;
  return TRUE;
}

static uint32_t
add_id (FlBuilder *builder, FlSide side, FlSpan id, GError **error)
{
  if (!fl_builder_check_id (side, id, error))
    return G_MAXUINT32;
  return fl_names_add (&builder->raw.names[side], id, error);
}

static gboolean
append (FlBuilder *builder, uint32_t user, uint32_t item, double rating, int64_t time,
        GError **error)
{
  FlEntries *run = builder->open;
  size_t k;

  if ((run == NULL || run->n == builder->capacity || run->n == RUN_LENGTH_MAX)
      && !reserve (builder, error))
    return FALSE;
  run = builder->open;
  if ((run->f64 == NULL && (double) (float) rating != rating
       && !fl_entries_widen (run, builder->capacity, error))
      || (time != FL_NO_TIME && run->time == NULL && !start_times (builder, error)))
    return FALSE;
  k = run->n++;
  builder->raw.n++;
  run->row[k] = user;
  run->col[k] = item;
  if (run->f64 != NULL)
    run->f64[k] = rating;
  else
    run->f32[k] = (float) rating;
  if (run->time != NULL)
    run->time[k] = time;
  return TRUE;
}

gboolean
fl_builder_rating (FlBuilder *builder, FlSpan user, FlSpan item, double rating, int64_t time,
                   GError **error)
{
  if (time != FL_NO_TIME && ABS (time) > FL_TIME_MAX / FL_TIME_SECOND)
    return fl_fail (error, FL_ERROR_DATA, "the time %" G_GINT64_FORMAT " is not in seconds", time);
  return fl_builder_moment (builder, user, item, rating,
                            time != FL_NO_TIME ? time * FL_TIME_SECOND : time, error);
}

gboolean
fl_builder_moment (FlBuilder *builder, FlSpan user, FlSpan item, double rating, int64_t time,
                   GError **error)
{
  uint32_t u, i;

  if (!fl_builder_check_rating (builder, rating, error)
      || (u = add_id (builder, FL_SIDE_USER, user, error)) == G_MAXUINT32
      || (i = add_id (builder, FL_SIDE_ITEM, item, error)) == G_MAXUINT32)
    return FALSE;
  if (builder->file != NULL && fl_builder_wants (builder, user, item))
    g_ptr_array_add (builder->places, g_strdup_printf ("%s:%zu", builder->file, builder->line));
  return check_count (builder, 1, error) && append (builder, u, i, rating, time, error);
}

gboolean
fl_builder_take (FlBuilder *builder, FlEntries *entries, GError **error)
{
  if (!check_count (builder, entries->n, error))
    {
      run_free (entries);
      return FALSE;
    }
  entries->part = builder->part;
  builder->raw.n += entries->n;
  builder->open = NULL;
  memset (builder->parked, 0, sizeof builder->parked);
  g_ptr_array_add (builder->raw.runs, entries);
  return TRUE;
}

/* Ratings that came before the first call count as training.  A source may go from
 * part to part with every rating: each part has an open run of its own. */
void
fl_builder_part (FlBuilder *builder, FlPart part)
{
  builder->raw.has_parts = TRUE;
  builder->parked[builder->part].open = builder->open;
  builder->parked[builder->part].capacity = builder->capacity;
  builder->part = (uint8_t) part;
  builder->open = builder->parked[part].open;
  builder->capacity = builder->parked[part].capacity;
}

/* ---- attributes and others ------------------------------------------------ */

static FlRawAttribute *
find_attribute (FlBuilder *builder, FlSide side, const char *name)
{
  FlRawAttribute *attribute = g_hash_table_lookup (builder->attribute[side], name);

  if (attribute != NULL)
    return attribute;
  attribute = g_new0 (FlRawAttribute, 1);
  attribute->name = g_strdup (name);
  attribute->pairs = g_array_new (FALSE, FALSE, sizeof (FlRawPair));
  fl_names_init (&attribute->values);
  g_ptr_array_add (builder->raw.attributes[side], attribute);
  g_hash_table_insert (builder->attribute[side], attribute->name, attribute);
  return attribute;
}

void
fl_builder_label (FlBuilder *builder, FlSide side, const char *attribute, const char *code,
                  const char *label)
{
  FlRawAttribute *found = find_attribute (builder, side, attribute);

  if (found->labels == NULL)
    found->labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (found->labels, g_strdup (code), g_strdup (label));
}

/* What the value is called. */
static FlSpan
label_of (const FlRawAttribute *attribute, FlSpan value)
{
  g_autofree char *code = NULL;
  const char *label;

  if (attribute->labels == NULL)
    return value;
  code = g_strndup (value.text, value.length);
  label = g_hash_table_lookup (attribute->labels, code);
  return label != NULL ? fl_span (label) : value;
}

void
fl_builder_attribute (FlBuilder *builder, FlSide side, FlSpan id, const char *attribute,
                      FlSpan value)
{
  FlRawAttribute *found = find_attribute (builder, side, attribute);
  FlRawPair pair;

  if (builder->error != NULL)
    return;
  pair.entity = add_id (builder, side, id, &builder->error);
  if (pair.entity == G_MAXUINT32 || value.length == 0)
    return;
  value = label_of (found, value);
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
                   FlSpan field, const char *separator)
{
  size_t length = separator != NULL ? strlen (separator) : 0;
  const char *p = field.text, *end = field.text + field.length, *stop;

  do
    {
      FlSpan value;

      stop = length > 0 ? g_strstr_len (p, end - p, separator) : NULL;
      value = (FlSpan) { p, (size_t) ((stop != NULL ? stop : end) - p) };
      if (value.length != 1 || *value.text != '?')
        fl_builder_attribute (builder, side, id, attribute, value);
      p += value.length + length;
    }
  while (stop != NULL);
}

void
fl_builder_scale (FlBuilder *builder, double min, double max)
{
  builder->raw.has_scale = TRUE;
  builder->raw.min = min;
  builder->raw.max = max;
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
  g_ptr_array_add (builder->raw.notes, g_strdup_vprintf (format, args));
  va_end (args);
}

const GPtrArray *
fl_builder_seek (FlBuilder *builder, const char *user, const char *item)
{
  builder->wanted = (FlWanted) { user, item };
  return builder->places;
}

void
fl_builder_at (FlBuilder *builder, const char *file, size_t line)
{
  builder->file = file;
  builder->line = line;
}

FlRawData *
fl_builder_raw (FlBuilder *builder, GError **error)
{
  if (builder->error == NULL)
    return &builder->raw;
  g_propagate_error (error, g_steal_pointer (&builder->error));
  return NULL;
}
