/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tsv: ratings from delimited text, a rating a line; optionally users and
 * items with their attributes, and a split given as separate files. */
#include "tables.h"

#include <string.h>

typedef struct
{
  char *path, *validation, *test, *users, *items; /* files, several with ';' */
  char *separator, *values;
  gboolean header, quoted, backslash;
  int encoding;                      /* 0: UTF-8, 1: ISO-8859-1 */
  char *user, *item, *rating, *time; /* columns                 */
  FlDoubles scale;
  char *users_columns, *users_id, *users_labels, *users_separator;
  char *items_columns, *items_id, *items_labels, *items_separator;
  char *missing, *users_missing, *items_missing;
} Tsv;

static const FlParam params[] = {
  FL_PATH (Tsv, path, NULL, "file of ratings, one a line; with validation or test, of those "
           "to train on.  Several files, here and below: a.tsv; b.tsv"),
  FL_PATH (Tsv, validation, "", "file of validation ratings; empty: none"),
  FL_PATH (Tsv, test, "", "file of test ratings; empty: none"),
  FL_PATH (Tsv, users, "", "file of users: an id and any number of attributes; empty: none"),
  FL_PATH (Tsv, items, "", "file of items, likewise"),
  FL_STRING (Tsv, separator, "tab",
             "between fields: tab, comma, semicolon, colon, pipe, space (any run of blanks and "
             "tabs), or the text itself"),
  FL_BOOL (Tsv, header, 0, "the first line of a file of ratings names the columns; true when a "
           "column below is a name"),
  FL_BOOL (Tsv, quoted, 0, "fields may stand in quotes, as in CSV: \"a, \"\"b\"\"\""),
  FL_BOOL (Tsv, backslash, 0, "within quotes a backslash takes the next character as it is: "
           "\"say \\\"a\\\"\""),
  FL_CHOICE (Tsv, encoding, 0, "utf-8|latin-1", "of all files"),
  FL_STRING (Tsv, user, "1", "column of the user, a name or a number from 1"),
  FL_STRING (Tsv, item, "2", "column of the item"),
  FL_STRING (Tsv, rating, "3", "column of the rating; empty: every rating is 1"),
  FL_STRING (Tsv, time, "", "column of the time, in seconds since 1970 or as a date; empty: none"),
  FL_DOUBLES (Tsv, scale, "", -1e300, 1e300, NULL,
              "lowest and highest rating of the scale; empty: those in the data"),
  FL_STRING (Tsv, values, "|",
             "between several values of an attribute; the words of separator will do; empty: a "
             "field is one value"),
  FL_STRING (Tsv, users_columns, "",
             "names of the columns of a file of users without a header: user; gender; age.  "
             "A column called - is left out; empty: the first line names them"),
  FL_STRING (Tsv, users_id, "1", "column of the id in a file of users, a name or a number"),
  FL_STRING (Tsv, users_labels, "",
             "what codes mean: 0 = male; 1 = female, with several attributes gender.0 = male"),
  FL_STRING (Tsv, users_separator, "", "between fields in a file of users; empty: separator"),
  FL_STRING (Tsv, items_columns, "", "the same of items"),
  FL_STRING (Tsv, items_id, "1", "the same of items"),
  FL_STRING (Tsv, items_labels, "", "the same of items"),
  FL_STRING (Tsv, items_separator, "", "the same of items"),
  FL_STRING (Tsv, missing, TABLES_MISSING,
             "words in files of users and items for a value that is missing, as nothing at all is; "
             "how often each stood there is told"),
  FL_STRING (Tsv, users_missing, "", "the same in files of users alone; empty: missing"),
  FL_STRING (Tsv, items_missing, "", "the same in files of items alone; empty: missing"),
  FL_PARAM_END
};

static const char *
own_missing (const Tsv *self, const char *own)
{
  return own[0] != '\0' ? own : self->missing;
}

/* The separator between fields of the files of `side`. */
static const char *
side_separator (const Tsv *self, FlSide side)
{
  const char *own = side == FL_SIDE_USER ? self->users_separator : self->items_separator;

  return fl_table_separator (own[0] != '\0' ? own : self->separator, NULL);
}

static Entities
entities_of (const Tsv *self, FlSide side)
{
  const char *values = self->values[0] != '\0' ? fl_table_separator (self->values, NULL) : NULL;

  if (side == FL_SIDE_USER)
    return (Entities) { side, self->users, self->users_columns, self->users_id, values,
                        self->users_labels, own_missing (self, self->users_missing) };
  return (Entities) { side, self->items, self->items_columns, self->items_id, values,
                      self->items_labels, own_missing (self, self->items_missing) };
}

/* "" is another way to say that there is none of its own. */
static gboolean
check_separator (const char *key, const char *text, gboolean optional, GError **error)
{
  GError *mistake = NULL;

  if ((optional && text[0] == '\0') || fl_table_separator (text, &mistake) != NULL)
    return TRUE;
  g_propagate_prefixed_error (error, mistake, "%s: ", key);
  return FALSE;
}

static gboolean
tsv_check (gconstpointer self_, GError **error)
{
  const Tsv *self = self_;
  Entities users = entities_of (self, FL_SIDE_USER), items = entities_of (self, FL_SIDE_ITEM);

  if (!check_separator ("separator", self->separator, FALSE, error)
      || !check_separator ("values", self->values, TRUE, error)
      || !check_separator ("users-separator", self->users_separator, TRUE, error)
      || !check_separator ("items-separator", self->items_separator, TRUE, error)
      || !tables_entities_check (&users, error) || !tables_entities_check (&items, error))
    return FALSE;
  if (self->user[0] == '\0' || self->item[0] == '\0')
    return fl_fail (error, FL_ERROR_CONFIG, "user and item must name a column");
  if (strcmp (self->user, self->item) == 0)
    return fl_fail (error, FL_ERROR_CONFIG, "user and item are both column %s", self->user);
  if (self->scale.n != 0 && (self->scale.n != 2 || !(self->scale.v[0] < self->scale.v[1])))
    return fl_fail (error, FL_ERROR_CONFIG, "scale must be two numbers, the lower one first");
  return TRUE;
}

/* ---- ratings ------------------------------------------------------------- */

static gboolean
find_column (const char *path, char *const *header, const char *name, size_t *column,
             FlTableFormat *format, GError **error)
{
  if (name[0] == '\0')
    return TRUE;
  *column = tables_column (path, header, name, error);
  format->fields_min = MAX (format->fields_min, *column);
  return *column > 0;
}

/* A newcomer's first mistake: a header that is taken for a rating. */
static void
hint_header (const char *path, const FlTableFormat *format, size_t rating, GError **error)
{
  g_auto (GStrv) first = fl_table_header (path, format, NULL);
  double number;

  if (error != NULL && *error != NULL && first != NULL && rating > 0
      && rating <= g_strv_length (first) && !fl_parse_double (fl_span (first[rating - 1]), &number))
    {
      GError *bare = *error;

      *error = NULL;
      fl_fail (error, (FlErrorCode) bare->code, "%s; a first line with names needs header = true",
               bare->message);
      g_error_free (bare);
    }
}

static gboolean
read_ratings (const Tsv *self, const char *path, FlBuilder *builder, GError **error)
{
  gboolean named = tables_is_name (self->user) || tables_is_name (self->item)
                   || tables_is_name (self->rating) || tables_is_name (self->time);
  FlTableFormat format
      = FL_TABLE_FORMAT (.separator = fl_table_separator (self->separator, NULL),
                         .quoted = self->quoted || self->backslash, .backslash = self->backslash,
                         .latin1 = self->encoding == 1, .header = self->header || named);
  g_auto (GStrv) header = named ? fl_table_header (path, &format, error) : NULL;
  FlRatingColumns columns = FL_RATING_COLUMNS ();

  if ((named && header == NULL)
      || !find_column (path, header, self->user, &columns.user, &format, error)
      || !find_column (path, header, self->item, &columns.item, &format, error)
      || !find_column (path, header, self->rating, &columns.rating, &format, error)
      || !find_column (path, header, self->time, &columns.time, &format, error))
    return FALSE;
  if (columns.user == columns.item)
    return fl_fail (error, FL_ERROR_CONFIG, "user and item are both column %zu", columns.user);
  if (fl_builder_ratings (builder, path, &format, &columns, error))
    return TRUE;
  if (!format.header)
    hint_header (path, &format, columns.rating, error);
  return FALSE;
}

static gboolean
read_part (const Tsv *self, const char *paths, FlBuilder *builder, GError **error)
{
  g_auto (GStrv) files = tables_list (paths);

  for (size_t f = 0; files[f] != NULL; f++)
    if (!read_ratings (self, files[f], builder, error))
      return FALSE;
  return TRUE;
}

/* ---- methods ------------------------------------------------------------- */

static gboolean
read_side (const Tsv *self, FlSide side, FlBuilder *builder, GError **error)
{
  const Entities entities = entities_of (self, side);
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = side_separator (self, side),
                                                .quoted = self->quoted || self->backslash, .backslash = self->backslash,
                                                .latin1 = self->encoding == 1);

  return tables_entities (&entities, &format, builder, error);
}

static gboolean
tsv_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Tsv *self = self_;
  const char *const parts[] = { self->path, self->validation, self->test };

  (void) seed;
  if (self->scale.n == 2)
    fl_builder_scale (builder, self->scale.v[0], self->scale.v[1]);
  for (int p = 0; p < 3; p++)
    if (parts[p][0] != '\0')
      {
        if (p > 0)
          fl_builder_part (builder, p == 1 ? FL_PART_VALIDATION : FL_PART_TEST);
        if (!read_part (self, parts[p], builder, error))
          return FALSE;
      }
  return read_side (self, FL_SIDE_USER, builder, error)
         && read_side (self, FL_SIDE_ITEM, builder, error);
}

static char **
tsv_inputs (gconstpointer self_, GError **error)
{
  const Tsv *self = self_;
  const char *const paths[] = { self->path, self->validation, self->test, self->users,
                                self->items };

  (void) error;
  return tables_inputs (G_N_ELEMENTS (paths), paths);
}

const FlPlugin tables_tsv = FL_DESCRIPTOR (
  .name = "tsv",
  .summary = "ratings, users and items from delimited text",
  .description = "One rating a line, its columns chosen by name or number.  In the files of users "
                 "and items nothing at all, and words such as NA, mean that a value is missing; a "
                 "user or item in several rows has the values of all.",
  .licence = "LGPL-3.0-or-later",
  .version = "3",
  .params = params,
  .self_size = sizeof (Tsv),
  .check = tsv_check,
  .inputs = tsv_inputs,
  FL_SOURCE (.load = tsv_load)
);
