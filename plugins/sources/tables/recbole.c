/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* recbole: atomic files.
 *
 *   NAME.inter   user_id:token  item_id:token  rating:float  timestamp:float
 *   NAME.user    user_id:token  age:token  gender:token
 *   NAME.item    item_id:token  class:token_seq
 *
 * The first line names the columns and their types; data that come split have
 * NAME.train.inter, NAME.valid.inter and NAME.test.inter instead. */
#include "tables.h"

#include <string.h>

#define RATING_FIELD "rating"
#define TIME_FIELD "timestamp"
#define PARTS "train; valid; test"

typedef struct
{
  char *path, *benchmark_filename;
  char *user_id_field, *item_id_field, *rating_field, *time_field;
  char *field_separator, *seq_separator;
  FlDoubles scale;
} Recbole;

static const FlParam params[] = {
  FL_PATH (Recbole, path, NULL, "folder NAME with NAME.inter, or FOLDER/NAME, or the .inter file"),
  FL_STRING (Recbole, benchmark_filename, "",
             "parts of data that come split, to train on, for validation and for testing, or the "
             "first and the last; empty: " PARTS ", those that are there, if there is no "
             "NAME.inter"),
  FL_STRING (Recbole, user_id_field, "user_id", "column of the user"),
  FL_STRING (Recbole, item_id_field, "item_id", "column of the item"),
  FL_STRING (Recbole, rating_field, RATING_FIELD,
             "column of the rating; empty, or without a column of the default name: every rating "
             "is 1"),
  FL_STRING (Recbole, time_field, TIME_FIELD, "column of the time, in seconds, likewise"),
  FL_STRING (Recbole, field_separator, "tab",
             "between fields: tab, comma, semicolon, colon, pipe, space, or the text itself"),
  FL_STRING (Recbole, seq_separator, "space", "between the values of a sequence, likewise"),
  FL_DOUBLES (Recbole, scale, "", -1e300, 1e300, NULL,
              "lowest and highest rating of the scale; empty: those in the data"),
  FL_PARAM_END
};

static gboolean
recbole_check (gconstpointer self_, GError **error)
{
  const Recbole *self = self_;
  g_auto (GStrv) parts = tables_list (self->benchmark_filename);
  guint n = g_strv_length (parts);

  if (n == 1 || n > 3)
    return fl_fail (error, FL_ERROR_CONFIG, "benchmark-filename: expected two or three parts, "
                    "as in " PARTS);
  for (guint p = 0; p < n; p++)
    if (parts[p][0] == '\0' || strchr (parts[p], '/') != NULL)
      return fl_fail (error, FL_ERROR_CONFIG, "benchmark-filename: '%s' is not part of a file's "
                      "name", parts[p]);
  if (self->user_id_field[0] == '\0' || self->item_id_field[0] == '\0')
    return fl_fail (error, FL_ERROR_CONFIG, "user and item must have a column");
  if (self->scale.n != 0 && (self->scale.n != 2 || !(self->scale.v[0] < self->scale.v[1])))
    return fl_fail (error, FL_ERROR_CONFIG, "scale must be two numbers, the lower one first");
  return fl_table_separator (self->field_separator, error) != NULL
         && fl_table_separator (self->seq_separator, error) != NULL;
}

/* ---- files --------------------------------------------------------------- */

/* By use; ratings that are not split are FILE_TRAIN. */
enum { FILE_TRAIN, FILE_VALIDATION, FILE_TEST, FILE_USER, FILE_ITEM, N_FILES };

/* FOLDER/NAME of what path says. */
static char *
stem_of (const char *path)
{
  static const char *const endings[] = { ".zst", ".gz", ".inter" };
  g_autofree char *whole = g_canonicalize_filename (path, NULL);

  if (g_file_test (whole, G_FILE_TEST_IS_DIR))
    {
      g_autofree char *name = g_path_get_basename (whole);

      return g_build_filename (whole, name, NULL);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (whole, endings[i]))
      whole[strlen (whole) - strlen (endings[i])] = '\0';
  return g_steal_pointer (&whole);
}

static char *
find_file (const char *stem, const char *part, const char *ending)
{
  g_autofree char *path = g_strconcat (stem, part != NULL ? "." : "", part != NULL ? part : "",
                                       ending, NULL);

  return fl_table_find (path);
}

static gboolean
find_parts (const char *stem, const char *names, gboolean all, char **file, GError **error)
{
  g_auto (GStrv) parts = tables_list (names);
  guint n = g_strv_length (parts);

  for (guint p = 0; p < n; p++)
    {
      char **part = &file[p == 1 && n == 2 ? FILE_TEST : FILE_TRAIN + p];

      *part = find_file (stem, parts[p], ".inter");
      if (*part == NULL && (all || p == 0))
        return fl_fail (error, FL_ERROR_DATA, "%s.%s.inter is not there", stem, parts[p]);
    }
  return TRUE;
}

/* N_FILES names, "" for those that are not there; NULL without ratings. */
static char **
find_files (const Recbole *self, GError **error)
{
  g_autofree char *stem = stem_of (self->path);
  char *file[N_FILES] = { NULL };
  gboolean split = self->benchmark_filename[0] != '\0', found = TRUE;
  char **files;

  if (!split)
    file[FILE_TRAIN] = find_file (stem, NULL, ".inter");
  if (split)
    found = find_parts (stem, self->benchmark_filename, TRUE, file, error);
  else if (file[FILE_TRAIN] == NULL && !find_parts (stem, PARTS, FALSE, file, NULL))
    found = fl_fail (error, FL_ERROR_DATA, "neither %s.inter nor %s.train.inter is there: path "
                     "must name the folder NAME with the atomic file NAME.inter, or FOLDER/NAME; "
                     "ready-made ones come from recbole.io", stem, stem);
  file[FILE_USER] = find_file (stem, NULL, ".user");
  file[FILE_ITEM] = find_file (stem, NULL, ".item");
  files = g_new0 (char *, N_FILES + 1);
  for (int f = 0; f < N_FILES; f++)
    files[f] = file[f] != NULL ? file[f] : g_strdup ("");
  if (!found)
    g_clear_pointer (&files, g_strfreev);
  return files;
}

/* ---- columns ------------------------------------------------------------- */

typedef enum { TYPE_TOKEN, TYPE_TOKEN_SEQ, TYPE_FLOAT, TYPE_FLOAT_SEQ, N_TYPES } Type;

typedef struct
{
  char **name;
  Type *type;
  size_t n;
} Columns;

static void
columns_clear (Columns *columns)
{
  g_strfreev (columns->name);
  g_free (columns->type);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Columns, columns_clear)

static gboolean
parse_type (const char *text, Type *type)
{
  static const char *const words[] = { "token", "token_seq", "float", "float_seq" };

  for (int t = 0; t < N_TYPES; t++)
    if (strcmp (text, words[t]) == 0)
      {
        *type = (Type) t;
        return TRUE;
      }
  return FALSE;
}

/* The first line: "user_id:token", ... */
static gboolean
read_columns (const char *path, const FlTableFormat *format, Columns *columns, GError **error)
{
  columns->name = fl_table_header (path, format, error);
  if (columns->name == NULL)
    return FALSE;
  columns->n = g_strv_length (columns->name);
  columns->type = g_new0 (Type, columns->n + 1);
  for (size_t i = 0; i < columns->n; i++)
    {
      char *colon = strrchr (columns->name[i], ':');

      if (colon == NULL || colon == columns->name[i]
          || !parse_type (colon + 1, &columns->type[i]))
        return fl_fail (error, FL_ERROR_DATA, "%s: column %zu is called '%s': expected NAME:TYPE "
                        "with a type of token, token_seq, float or float_seq", path, i + 1,
                        columns->name[i]);
      *colon = '\0';
    }
  return TRUE;
}

static size_t
find_column (const char *path, const Columns *columns, const char *name, Type type, GError **error)
{
  size_t column = fl_table_column (path, columns->name, name, error);

  if (column == 0 || columns->type[column - 1] == type)
    return column;
  fl_fail (error, FL_ERROR_DATA, "%s: column '%s' must be of type %s", path, name,
           type == TYPE_TOKEN ? "token" : "float");
  return 0;
}

/* Files without ratings or times are common: only a name that the user chose
 * must be there. */
static gboolean
find_optional (const char *path, const Columns *columns, const char *name, const char *standard,
               size_t *column, GError **error)
{
  if (name[0] == '\0'
      || (strcmp (name, standard) == 0
          && !g_strv_contains ((const char *const *) columns->name, name)))
    return TRUE;
  *column = find_column (path, columns, name, TYPE_FLOAT, error);
  return *column > 0;
}

/* ---- reading ------------------------------------------------------------- */

static FlTableFormat
format_of (const Recbole *self)
{
  return FL_TABLE_FORMAT (.separator = fl_table_separator (self->field_separator, NULL),
                          .header = TRUE);
}

/* A label, say, of what was shown and not taken: every row counts all the same. */
static void
note_unused (const Columns *columns, const FlRatingColumns *used, const char *path,
             FlBuilder *builder)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (size_t i = 1; i <= columns->n; i++)
    if (i != used->user && i != used->item && i != used->rating && i != used->time)
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", columns->name[i - 1]);
  if (names->len > 0)
    fl_builder_note (builder, "%s: columns that are not used: %s%s", path, names->str,
                     used->rating == 0 ? "; every row counts as a rating of 1 (rating-field names a "
                                         "column)" : "");
}

static gboolean
read_ratings (const Recbole *self, const char *path, FlBuilder *builder, GError **error)
{
  FlTableFormat format = format_of (self);
  g_auto (Columns) columns = { NULL };
  FlRatingColumns numbers = FL_RATING_COLUMNS ();

  if (!read_columns (path, &format, &columns, error))
    return FALSE;
  numbers.user = find_column (path, &columns, self->user_id_field, TYPE_TOKEN, error);
  if (numbers.user == 0)
    return FALSE;
  numbers.item = find_column (path, &columns, self->item_id_field, TYPE_TOKEN, error);
  if (numbers.item == 0
      || !find_optional (path, &columns, self->rating_field, RATING_FIELD, &numbers.rating, error)
      || !find_optional (path, &columns, self->time_field, TIME_FIELD, &numbers.time, error))
    return FALSE;
  format.fields_min = format.fields_max = columns.n;
  note_unused (&columns, &numbers, path, builder);
  return fl_builder_ratings (builder, path, &format, &numbers, error);
}

typedef struct
{
  FlBuilder *builder;
  FlSide side;
  const Columns *columns;
  size_t id; /* column, from 1 */
  const char *separator;
} Rows;

static gboolean
feature_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
            GError **error)
{
  const Rows *entities = user_data;
  const Columns *columns = entities->columns;
  FlSpan id = field[entities->id - 1];

  if (header)
    return TRUE;
  if (id.length == 0)
    return fl_fail (error, FL_ERROR_DATA, "the id (field %zu) is empty", entities->id);
  for (size_t i = 0; i < n_fields; i++)
    if (i + 1 != entities->id && columns->type[i] != TYPE_FLOAT_SEQ)
      fl_builder_values (entities->builder, entities->side, id, columns->name[i], field[i],
                         columns->type[i] == TYPE_TOKEN_SEQ ? entities->separator : NULL);
  return TRUE;
}

static gboolean
read_entities (const Recbole *self, const char *path, FlSide side, FlBuilder *builder,
               GError **error)
{
  FlTableFormat format = format_of (self);
  const char *id = side == FL_SIDE_USER ? self->user_id_field : self->item_id_field;
  g_auto (Columns) columns = { NULL };
  Rows entities = { .builder = builder, .side = side, .columns = &columns,
                         .separator = fl_table_separator (self->seq_separator, NULL) };

  if (path[0] == '\0')
    return TRUE;
  if (!read_columns (path, &format, &columns, error))
    return FALSE;
  entities.id = find_column (path, &columns, id, TYPE_TOKEN, error);
  format.fields_min = format.fields_max = columns.n;
  return entities.id > 0
         && fl_builder_table (builder, path, &format, feature_row, &entities, error);
}

static gboolean
recbole_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  static const FlPart part[] = { FL_PART_TRAIN, FL_PART_VALIDATION, FL_PART_TEST };
  const Recbole *self = self_;
  g_auto (GStrv) file = find_files (self, error);

  (void) seed;
  if (file == NULL)
    return FALSE;
  if (self->scale.n == 2)
    fl_builder_scale (builder, self->scale.v[0], self->scale.v[1]);
  for (int f = FILE_TRAIN; f <= FILE_TEST; f++)
    if (file[f][0] != '\0')
      {
        if (f != FILE_TRAIN)
          fl_builder_part (builder, part[f]);
        if (!read_ratings (self, file[f], builder, error))
          return FALSE;
      }
  return read_entities (self, file[FILE_USER], FL_SIDE_USER, builder, error)
         && read_entities (self, file[FILE_ITEM], FL_SIDE_ITEM, builder, error);
}

static char **
recbole_inputs (gconstpointer self, GError **error)
{
  return find_files (self, error);
}

const FlPlugin tables_recbole = FL_DESCRIPTOR (
  .name = "recbole",
  .summary = "atomic files of RecBole: .inter, .user and .item",
  .description = "Ratings from NAME.inter, or split from NAME.train.inter, NAME.valid.inter and "
                 "NAME.test.inter; attributes from NAME.user and NAME.item where they are there.  "
                 "Sequences of tokens are several values, sequences of numbers are left out.",
  .reference = "W. X. Zhao et al., RecBole: Towards a Unified, Comprehensive and Efficient "
               "Framework for Recommendation Algorithms, CIKM 2021, doi:10.1145/3459637.3482016",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Recbole),
  .check = recbole_check,
  .inputs = recbole_inputs,
  FL_SOURCE (.load = recbole_load)
);
