/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tsv: ratings from delimited text, a rating a line; optionally users and
 * items with their attributes, and a split given as separate files. */
#include <string.h>

#include <fairlead/plugin.h>

enum { COLUMN_USER, COLUMN_ITEM, COLUMN_RATING, COLUMN_TIME, N_COLUMNS };

typedef struct
{
  char *path, *validation, *test, *users, *items;
  char *separator, *values;
  gboolean header;
  char *user, *item, *rating, *time; /* columns */
  FlDoubles scale;
} Tsv;

static const FlParam params[] = {
  FL_PATH (Tsv, path, NULL, "file of ratings, one a line; with validation or test, of those "
           "to train on"),
  FL_PATH (Tsv, validation, "", "file of validation ratings; empty: none"),
  FL_PATH (Tsv, test, "", "file of test ratings; empty: none"),
  FL_PATH (Tsv, users, "", "file of users: a header, then the id and its attributes; empty: none"),
  FL_PATH (Tsv, items, "", "file of items, likewise"),
  FL_STRING (Tsv, separator, "tab",
             "between fields: tab, comma, semicolon, pipe, space, or the text itself"),
  FL_STRING (Tsv, values, "|",
             "between several values of an attribute, one character; empty: none"),
  FL_BOOL (Tsv, header, 0, "the first line of a file of ratings names the columns; true when a "
           "column below is a name"),
  FL_STRING (Tsv, user, "1", "column of the user, a name or a number from 1"),
  FL_STRING (Tsv, item, "2", "column of the item"),
  FL_STRING (Tsv, rating, "3", "column of the rating; empty: every rating is 1"),
  FL_STRING (Tsv, time, "", "column of the time, whole seconds; empty: none"),
  FL_DOUBLES (Tsv, scale, "", -1e300, 1e300, NULL,
              "lowest and highest rating of the scale; empty: those in the data"),
  FL_PARAM_END
};

static const char *
separator_of (const Tsv *self)
{
  static const char *const words[][2] = { { "tab", "\t" }, { "comma", "," }, { "semicolon", ";" },
                                          { "pipe", "|" }, { "space", " " } };

  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (self->separator, words[i][0]) == 0)
      return words[i][1];
  return self->separator;
}

static gboolean
tsv_check (gconstpointer self_, GError **error)
{
  const Tsv *self = self_;

  if (self->separator[0] == '\0' || strpbrk (self->separator, "\r\n") != NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "separator must not be empty or an end of line");
  if (strlen (self->values) > 1)
    return fl_fail (error, FL_ERROR_CONFIG, "values = %s: must be one character or empty",
                    self->values);
  if (self->user[0] == '\0' || self->item[0] == '\0')
    return fl_fail (error, FL_ERROR_CONFIG, "user and item must name a column");
  if (strcmp (self->user, self->item) == 0)
    return fl_fail (error, FL_ERROR_CONFIG, "user and item are both column %s", self->user);
  if (self->scale.n != 0 && (self->scale.n != 2 || !(self->scale.v[0] < self->scale.v[1])))
    return fl_fail (error, FL_ERROR_CONFIG, "scale must be two numbers, the lower one first");
  return TRUE;
}

/* ---- ratings ------------------------------------------------------------- */

typedef struct
{
  FlBuilder *builder;
  const char *name[N_COLUMNS]; /* as the parameters say                  */
  size_t column[N_COLUMNS];    /* from 1; 0: none, or its name not yet seen */
  size_t n_needed;             /* fields that a row must have            */
  gboolean headed, begun;      /* had a header; had a row                */
} Ratings;

static gboolean
is_number (const char *column)
{
  return column[0] != '\0' && column[strspn (column, "0123456789")] == '\0';
}

static gboolean
find_column (Ratings *ratings, int c, const FlSpan *field, size_t n_fields, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  size_t length = strlen (ratings->name[c]);

  for (size_t i = 0; i < n_fields; i++)
    {
      g_autofree char *shown = NULL;

      if (field[i].length == length && memcmp (field[i].text, ratings->name[c], length) == 0)
        {
          ratings->column[c] = i + 1;
          return TRUE;
        }
      shown = g_utf8_make_valid (field[i].text, (gssize) MIN (field[i].length, 40));
      g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", shown);
    }
  return fl_fail (error, FL_ERROR_DATA, "there is no column '%s' among %s", ratings->name[c],
                  all->str);
}

static gboolean
ratings_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
             GError **error)
{
  Ratings *ratings = user_data;
  const size_t *column = ratings->column;
  double rating = 1;
  int64_t time = FL_NO_TIME;

  if (header)
    {
      for (int c = 0; c < N_COLUMNS; c++)
        if (ratings->name[c][0] != '\0' && !is_number (ratings->name[c])
            && !find_column (ratings, c, field, n_fields, error))
          return FALSE;
      for (int c = 0; c < N_COLUMNS; c++)
        ratings->n_needed = MAX (ratings->n_needed, column[c]);
      ratings->headed = TRUE;
      return TRUE;
    }
  if (n_fields < ratings->n_needed)
    return fl_fail (error, FL_ERROR_DATA, "expected %zu fields or more, found %zu",
                    ratings->n_needed, n_fields);
  if (column[COLUMN_RATING] > 0 && !fl_parse_double (field[column[COLUMN_RATING] - 1], &rating))
    return fl_fail (error, FL_ERROR_DATA, "the rating (field %zu) must be a number%s",
                    column[COLUMN_RATING],
                    ratings->headed || ratings->begun ? "" : "; names of columns need header = true");
  ratings->begun = TRUE;
  if (column[COLUMN_TIME] > 0 && !fl_parse_int (field[column[COLUMN_TIME] - 1], &time))
    return fl_fail (error, FL_ERROR_DATA, "the time (field %zu) must be a whole number",
                    column[COLUMN_TIME]);
  return fl_builder_rating (ratings->builder, field[column[COLUMN_USER] - 1],
                            field[column[COLUMN_ITEM] - 1], rating, time, error);
}

static gboolean
read_ratings (const Tsv *self, const char *path, FlBuilder *builder, GError **error)
{
  Ratings ratings = { .builder = builder,
                      .name = { self->user, self->item, self->rating, self->time } };
  FlTableFormat format = { .separator = separator_of (self), .header = self->header,
                           .fields_min = 1 };

  for (int c = 0; c < N_COLUMNS; c++)
    {
      int64_t number = 0;

      if (ratings.name[c][0] == '\0')
        continue;
      if (!is_number (ratings.name[c]))
        format.header = TRUE;
      else if (!fl_parse_int (fl_span (ratings.name[c]), &number) || number < 1
               || number > 1000000)
        return fl_fail (error, FL_ERROR_CONFIG, "column %s: must be from 1 to 1000000, or a name",
                        ratings.name[c]);
      ratings.column[c] = (size_t) number;
      ratings.n_needed = MAX (ratings.n_needed, ratings.column[c]);
    }
  return fl_builder_table (ratings.builder, path, &format, ratings_row, &ratings, error);
}

/* ---- attributes ---------------------------------------------------------- */

typedef struct
{
  FlBuilder *builder;
  FlSide side;
  char separator;     /* between values */
  GPtrArray *columns; /* names          */
} Entities;

static gboolean
entities_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
              GError **error)
{
  Entities *entities = user_data;

  if (header)
    {
      for (size_t i = 0; i < n_fields; i++)
        g_ptr_array_add (entities->columns, g_strndup (field[i].text, field[i].length));
      return TRUE;
    }
  if (n_fields != entities->columns->len)
    return fl_fail (error, FL_ERROR_DATA, "expected %u fields as in the header, found %zu",
                    entities->columns->len, n_fields);
  for (size_t i = 1; i < n_fields; i++)
    fl_builder_values (entities->builder, entities->side, field[0],
                       g_ptr_array_index (entities->columns, i), field[i], entities->separator);
  return TRUE;
}

static gboolean
read_entities (const Tsv *self, const char *path, FlSide side, FlBuilder *builder,
               GError **error)
{
  const FlTableFormat format = { .separator = separator_of (self), .header = TRUE,
                                 .fields_min = 1 };
  Entities entities = { .builder = builder, .side = side, .separator = self->values[0],
                        .columns = g_ptr_array_new_with_free_func (g_free) };
  gboolean done = path[0] == '\0'
                  || fl_builder_table (builder, path, &format, entities_row, &entities, error);

  g_ptr_array_unref (entities.columns);
  return done;
}

/* ---- methods ------------------------------------------------------------- */

static gboolean
read_part (const Tsv *self, const char *path, FlPart part, FlBuilder *builder, GError **error)
{
  if (path[0] == '\0')
    return TRUE;
  fl_builder_part (builder, part);
  return read_ratings (self, path, builder, error);
}

static gboolean
tsv_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Tsv *self = self_;

  (void) seed;
  if (self->scale.n == 2)
    fl_builder_scale (builder, self->scale.v[0], self->scale.v[1]);
  return read_ratings (self, self->path, builder, error)
         && read_part (self, self->validation, FL_PART_VALIDATION, builder, error)
         && read_part (self, self->test, FL_PART_TEST, builder, error)
         && read_entities (self, self->users, FL_SIDE_USER, builder, error)
         && read_entities (self, self->items, FL_SIDE_ITEM, builder, error);
}

static char **
tsv_inputs (gconstpointer self_, GError **error)
{
  const Tsv *self = self_;
  const char *const paths[] = { self->path, self->validation, self->test, self->users,
                                self->items };
  GPtrArray *inputs = g_ptr_array_new ();

  (void) error;
  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    if (paths[i][0] != '\0')
      g_ptr_array_add (inputs, g_strdup (paths[i]));
  g_ptr_array_add (inputs, NULL);
  return (char **) g_ptr_array_free (inputs, FALSE);
}

FL_PLUGIN (
  .name = "tsv",
  .summary = "ratings, users and items from delimited text",
  .description = "One rating a line, its columns chosen by name or number.  Text is UTF-8; "
                 "fields are taken as they stand, without quoting.  In the files of users and "
                 "items \"?\" and nothing at all mean that a value is missing.",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Tsv),
  .check = tsv_check,
  FL_SOURCE (.load = tsv_load, .inputs = tsv_inputs)
);
