/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* entities.c: what the sources share: lists of names, columns, and files of users
 * or of items with their attributes. */
#include "tables.h"

#include <string.h>

#define N_COLUMNS_MAX 1000000

char **
tables_list (const char *text)
{
  char **all = g_strsplit (text, ";", -1);

  for (size_t i = 0; all[i] != NULL; i++)
    g_strstrip (all[i]);
  return all;
}

gboolean
tables_is_name (const char *column)
{
  return column[strspn (column, "0123456789")] != '\0';
}

size_t
tables_column (const char *path, char *const *header, const char *column, GError **error)
{
  int64_t number = 0;

  if (tables_is_name (column))
    return fl_table_column (path, header, column, error);
  if (fl_parse_int (fl_span (column), &number) && number >= 1 && number <= N_COLUMNS_MAX)
    return (size_t) number;
  fl_fail (error, FL_ERROR_CONFIG, "column %s: must be from 1 to %d, or a name", column,
           N_COLUMNS_MAX);
  return 0;
}

char **
tables_inputs (size_t n, const char *const *paths)
{
  GPtrArray *inputs = g_ptr_array_new ();

  for (size_t i = 0; i < n; i++)
    {
      g_auto (GStrv) files = tables_list (paths[i]);

      for (size_t f = 0; files[f] != NULL; f++)
        g_ptr_array_add (inputs, g_strdup (files[f]));
      g_ptr_array_add (inputs, g_strdup (""));
    }
  g_ptr_array_add (inputs, NULL);
  return (char **) g_ptr_array_free (inputs, FALSE);
}

/* ---- labels -------------------------------------------------------------- */

/* "CODE = LABEL" in two. */
static gboolean
cut_label (const char *text, char **code, char **label, GError **error)
{
  const char *equals = strchr (text, '=');

  if (equals != NULL)
    {
      *code = g_strstrip (g_strndup (text, (gsize) (equals - text)));
      *label = g_strstrip (g_strdup (equals + 1));
      if (**code != '\0' && **label != '\0')
        return TRUE;
      g_free (*code);
      g_free (*label);
    }
  return fl_fail (error, FL_ERROR_CONFIG, "label '%s' must be CODE = LABEL", text);
}

gboolean
tables_entities_check (const Entities *entities, GError **error)
{
  g_auto (GStrv) labels = tables_list (entities->labels);

  for (size_t i = 0; labels[i] != NULL; i++)
    {
      char *code, *label;

      if (!cut_label (labels[i], &code, &label, error))
        return FALSE;
      g_free (code);
      g_free (label);
    }
  return entities->id[0] != '\0'
         || fl_fail (error, FL_ERROR_CONFIG, "the id must have a column");
}

/* ---- a file -------------------------------------------------------------- */

typedef struct
{
  const Entities *entities;
  FlBuilder *builder;
  char **name; /* of the columns */
  size_t n, id; /* columns; that of the id, from 1 */
  char **missing;   /* words for no value                */
  size_t *n_missing; /* of each word: how often it stood there */
  GHashTable *seen;  /* ids so far                        */
  size_t n_again;    /* rows of ids that had one before   */
  size_t n_blank;    /* values that begin or end with a blank */
  char *blank;       /* the first of them                 */
  gboolean repeats;  /* the first row is the columns' names */
} Reading;

static gboolean
is_attribute (const Reading *reading, size_t i)
{
  return i + 1 != reading->id && strcmp (reading->name[i], "-") != 0;
}

/* "gender.0 = male", or "0 = male" where there is one attribute. */
static gboolean
add_label (const Reading *reading, const char *code, const char *label, GError **error)
{
  const char *point = strchr (code, '.'), *only = NULL;
  size_t n_attributes = 0;

  for (size_t i = 0; i < reading->n; i++)
    if (is_attribute (reading, i))
      {
        const char *name = reading->name[i];

        only = name;
        n_attributes++;
        if (point != NULL && strlen (name) == (size_t) (point - code)
            && memcmp (name, code, strlen (name)) == 0)
          {
            fl_builder_label (reading->builder, reading->entities->side, name, point + 1, label);
            return TRUE;
          }
      }
  if (n_attributes > 1)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "label '%s = %s': say of which attribute, as in %s.%s = %s", code, label, only,
                    code, label);
  if (n_attributes == 1)
    fl_builder_label (reading->builder, reading->entities->side, only, code, label);
  return TRUE;
}

static gboolean
add_labels (const Reading *reading, GError **error)
{
  g_auto (GStrv) labels = tables_list (reading->entities->labels);

  for (size_t i = 0; labels[i] != NULL; i++)
    {
      g_autofree char *code = NULL, *label = NULL;

      if (!cut_label (labels[i], &code, &label, error)
          || !add_label (reading, code, label, error))
        return FALSE;
    }
  return TRUE;
}

/* Two columns of one name would mix two attributes. */
static gboolean
check_names (const Reading *reading, const char *path, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (size_t i = 0; i < reading->n; i++)
    if (is_attribute (reading, i))
      {
        if (reading->name[i][0] == '\0')
          return fl_fail (error, FL_ERROR_DATA, "%s: column %zu has no name", path, i + 1);
        if (!g_hash_table_add (seen, reading->name[i]))
          return fl_fail (error, FL_ERROR_DATA, "%s: two columns are called '%s'", path,
                          reading->name[i]);
      }
  return TRUE;
}

/* Whether the field is a word for no value. */
static gboolean
is_missing (const Reading *reading, FlSpan field)
{
  for (size_t w = 0; reading->missing[w] != NULL; w++)
    if (strlen (reading->missing[w]) == field.length && field.length > 0
        && memcmp (reading->missing[w], field.text, field.length) == 0)
      {
        reading->n_missing[w]++;
        return TRUE;
      }
  return FALSE;
}

static void
note_missing (const Reading *reading, const char *path)
{
  g_autoptr (GString) words = g_string_new (NULL);

  for (size_t w = 0; reading->missing[w] != NULL; w++)
    if (reading->n_missing[w] > 0)
      g_string_append_printf (words, "%s'%s' (%zu)", words->len > 0 ? ", " : "",
                              reading->missing[w], reading->n_missing[w]);
  if (words->len > 0)
    fl_builder_note (reading->builder, "%s: taken for no value: %s", path, words->str);
}

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* What is hardly meant in a row, to be told at the end of the file. */
static void
inspect_row (Reading *reading, const FlSpan *field, FlSpan id)
{
  const char *name = reading->name[reading->id - 1];

  if (g_hash_table_size (reading->seen) == 0)
    reading->repeats = strlen (name) == id.length
                       && g_ascii_strncasecmp (name, id.text, id.length) == 0;
  reading->n_again += !g_hash_table_add (reading->seen, g_strndup (id.text, id.length));
  for (size_t i = 0; i < reading->n; i++)
    if (is_attribute (reading, i) && field[i].length > 0
        && (is_blank (field[i].text[0]) || is_blank (field[i].text[field[i].length - 1])))
      {
        if (reading->n_blank++ == 0)
          reading->blank = g_strndup (field[i].text, field[i].length);
      }
}

static void
note_rows (const Reading *reading, const char *path)
{
  if (reading->repeats)
    fl_builder_note (reading->builder, "%s: the first row is '%s', as the columns are named: is it "
                     "a header?", path, reading->name[reading->id - 1]);
  if (reading->n_again > 0)
    fl_builder_note (reading->builder, "%s: %zu rows are of ids that had one before: the values of "
                     "all count", path, reading->n_again);
  if (reading->n_blank > 0)
    fl_builder_note (reading->builder, "%s: %zu values begin or end with a blank, which makes them "
                     "others, as '%s'", path, reading->n_blank, reading->blank);
}

static gboolean
entity_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
            GError **error)
{
  Reading *reading = user_data;
  const Entities *entities = reading->entities;
  FlSpan id = field[reading->id - 1];

  (void) n_fields;
  if (header)
    return TRUE;
  if (id.length == 0)
    return fl_fail (error, FL_ERROR_DATA, "the id (field %zu) is empty", reading->id);
  inspect_row (reading, field, id);
  for (size_t i = 0; i < reading->n; i++)
    if (is_attribute (reading, i))
      fl_builder_values (reading->builder, entities->side, id, reading->name[i],
                         is_missing (reading, field[i]) ? fl_span ("") : field[i],
                         entities->values);
  return TRUE;
}

/* "NA | NULL" as its words. */
static char **
split_words (const char *text)
{
  char **words = g_strsplit (text, "|", -1);

  for (size_t w = 0; words[w] != NULL; w++)
    g_strstrip (words[w]);
  return words;
}

static gboolean
read_file (const Entities *entities, const char *path, const FlTableFormat *format_,
           FlBuilder *builder, GError **error)
{
  FlTableFormat format = *format_;
  Reading reading = { .entities = entities, .builder = builder };
  g_auto (GStrv) names = NULL, missing = split_words (entities->missing);
  g_autoptr (GHashTable) seen = NULL;
  gboolean done;
  g_autofree size_t *n_missing = g_new0 (size_t, g_strv_length (missing) + 1);

  format.header = entities->columns[0] == '\0';
  names = format.header ? fl_table_header (path, &format, error) : tables_list (entities->columns);
  if (names == NULL)
    return FALSE;
  reading.name = names;
  reading.missing = missing;
  reading.n_missing = n_missing;
  reading.n = g_strv_length (names);
  reading.id = tables_column (path, names, entities->id, error);
  format.fields_min = reading.n;
  format.fields_max = format.header ? reading.n : 0;
  if (reading.id > reading.n)
    return fl_fail (error, FL_ERROR_CONFIG, "the id is in column %zu of %zu", reading.id,
                    reading.n);
  if (reading.id == 0 || !check_names (&reading, path, error) || !add_labels (&reading, error))
    return FALSE;
  seen = reading.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  done = fl_builder_table (builder, path, &format, entity_row, &reading, error);
  if (done)
    {
      note_missing (&reading, path);
      note_rows (&reading, path);
      if (reading.n == 1)
        fl_builder_note (builder, "%s: one column, no attribute; cut at %s", path,
                         strcmp (format.separator, "\t") == 0 ? "tab" : format.separator);
    }
  g_free (reading.blank);
  return done;
}

gboolean
tables_entities (const Entities *entities, const FlTableFormat *format, FlBuilder *builder,
                 GError **error)
{
  g_auto (GStrv) files = tables_list (entities->paths);

  for (size_t f = 0; files[f] != NULL; f++)
    if (!read_file (entities, files[f], format, builder, error))
      return FALSE;
  return TRUE;
}
