/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* movielens: GroupLens' files as they come out of the archive.
 *
 *   movielens-100k   u.data    user, item, rating, time        (tabs)
 *                    u.user    id|age|gender|occupation|zip
 *                    u.genre   name|number
 *                    u.item    id|title|date|video|URL|19 flags
 *   movielens-1m     ratings.dat  UserID::MovieID::Rating[::Timestamp]
 *                    users.dat    UserID::Gender::Age::Occupation::Zip
 *                    movies.dat   MovieID::Title::Genre|Genre
 *
 * Ratings are stars from 1 to 5; text is ISO-8859-1.  movielens-csv.c has the
 * later ones.
 */
#include "movielens.h"

#define N_GENRES_MAX 64
#define ITEM_FIELDS 5 /* of u.item, before the flags */

/* What the rows of one load share. */
typedef struct
{
  FlBuilder *builder;
  size_t n_genres;
  char *genre[N_GENRES_MAX]; /* of u.genre, by number */
} Load;

typedef struct
{
  const char *name;
  FlTableFormat format;
  FlTableRow row; /* NULL: ratings */
} File;

/* ---- fields -------------------------------------------------------------- */

/* The first digit of a United States zip code names a region; codes of other
 * countries have none. */
static void
add_zip (FlBuilder *builder, FlSpan user, FlSpan zip)
{
  fl_builder_attribute (builder, FL_SIDE_USER, user, "zip", zip);
  if (zip.length > 0 && g_ascii_isdigit (zip.text[0]))
    fl_builder_attribute (builder, FL_SIDE_USER, user, "zip-digit", (FlSpan) { zip.text, 1 });
}

/* ---- 100K ---------------------------------------------------------------- */

static gboolean
add_user_100k (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
               GError **error)
{
  FlBuilder *builder = ((Load *) user_data)->builder;

  (void) header;
  (void) n_fields;
  (void) error;
  fl_builder_attribute (builder, FL_SIDE_USER, field[0], "age", field[1]);
  fl_builder_attribute (builder, FL_SIDE_USER, field[0], "gender", field[2]);
  fl_builder_attribute (builder, FL_SIDE_USER, field[0], "occupation", field[3]);
  add_zip (builder, field[0], field[4]);
  return TRUE;
}

static gboolean
add_genre (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
           GError **error)
{
  Load *load = user_data;
  int64_t number = 0;

  (void) header;
  (void) n_fields;
  if (!fl_parse_int (field[1], &number) || number != (int64_t) load->n_genres
      || number >= N_GENRES_MAX)
    return fl_fail (error, FL_ERROR_DATA, "expected genre number %zu", load->n_genres);
  load->genre[load->n_genres++] = g_strndup (field[0].text, field[0].length);
  return TRUE;
}

static gboolean
add_item_100k (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
               GError **error)
{
  Load *load = user_data;
  FlSpan date = field[2];

  (void) header;
  if (n_fields != ITEM_FIELDS + load->n_genres)
    return fl_fail (error, FL_ERROR_DATA,
                    "expected %d fields and the %zu genres of u.genre, found %zu fields",
                    ITEM_FIELDS, load->n_genres, n_fields);
  for (size_t g = 0; g < load->n_genres; g++)
    {
      FlSpan flag = field[ITEM_FIELDS + g];

      if (flag.length != 1 || (*flag.text != '0' && *flag.text != '1'))
        return fl_fail (error, FL_ERROR_DATA, "the flag of genre %s must be 0 or 1",
                        load->genre[g]);
      if (*flag.text == '1')
        fl_builder_attribute (load->builder, FL_SIDE_ITEM, field[0], "genre",
                              fl_span (load->genre[g]));
    }
  if (date.length >= 4) /* 01-Jan-1995 */
    movielens_add_year (load->builder, field[0], (FlSpan) { date.text + date.length - 4, 4 });
  return TRUE;
}

static const File files_100k[] = {
  { "u.data", FL_TABLE_FORMAT (.separator = "\t", .fields_min = 4, .fields_max = 4), NULL },
  { "u.user",
    FL_TABLE_FORMAT (.separator = "|", .latin1 = TRUE, .fields_min = 5, .fields_max = 5),
    add_user_100k },
  { "u.genre",
    FL_TABLE_FORMAT (.separator = "|", .latin1 = TRUE, .fields_min = 2, .fields_max = 2),
    add_genre },
  { "u.item", FL_TABLE_FORMAT (.separator = "|", .latin1 = TRUE, .fields_min = ITEM_FIELDS + 1),
    add_item_100k },
  { .name = NULL }
};

/* ---- 1M ------------------------------------------------------------------ */

static gboolean
add_user_1m (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
             GError **error)
{
  FlBuilder *builder = ((Load *) user_data)->builder;

  (void) header;
  (void) n_fields;
  (void) error;
  fl_builder_attribute (builder, FL_SIDE_USER, field[0], "gender", field[1]);
  fl_builder_attribute (builder, FL_SIDE_USER, field[0], "age", field[2]);
  fl_builder_attribute (builder, FL_SIDE_USER, field[0], "occupation", field[3]);
  add_zip (builder, field[0], field[4]);
  return TRUE;
}

static gboolean
add_item_1m (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
             GError **error)
{
  FlBuilder *builder = ((Load *) user_data)->builder;

  (void) header;
  (void) n_fields;
  (void) error;
  fl_builder_values (builder, FL_SIDE_ITEM, field[0], "genre", field[2], "|");
  movielens_add_title (builder, field[0], field[1]);
  return TRUE;
}

static const File files_1m[] = {
  { "ratings.dat", FL_TABLE_FORMAT (.separator = "::", .fields_min = 3, .fields_max = 4), NULL },
  { "users.dat",
    FL_TABLE_FORMAT (.separator = "::", .latin1 = TRUE, .fields_min = 5, .fields_max = 5),
    add_user_1m },
  { "movies.dat",
    FL_TABLE_FORMAT (.separator = "::", .latin1 = TRUE, .fields_min = 3, .fields_max = 3),
    add_item_1m },
  { .name = NULL }
};

/* ---- both ---------------------------------------------------------------- */

static char **
inputs (const Movielens *self, const File *files, const char *title, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (const File *file = files; file->name != NULL; file++)
    {
      char *path = movielens_find (self, file->name, title, error);

      if (path == NULL)
        return NULL;
      g_ptr_array_add (paths, path);
    }
  g_ptr_array_add (paths, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}

/* Files of 1M without times are about. */
static gboolean
load_ratings (FlBuilder *builder, const char *path, const FlTableFormat *format_, GError **error)
{
  FlTableFormat format = *format_;
  g_auto (GStrv) first = fl_table_header (path, &format, error);
  FlRatingColumns columns = FL_RATING_COLUMNS (.user = 1, .item = 2, .rating = 3);

  if (first == NULL)
    return FALSE;
  if (g_strv_length (first) > 3)
    columns.time = format.fields_min = 4;
  return fl_builder_ratings (builder, path, &format, &columns, error);
}

static gboolean
load_files (const Movielens *self, const File *files, const char *title, FlBuilder *builder,
            GError **error)
{
  g_auto (GStrv) paths = inputs (self, files, title, error);
  Load load = { .builder = builder };
  gboolean done = paths != NULL;

  fl_builder_scale (builder, 1, 5);
  for (size_t f = 0; done && files[f].name != NULL; f++)
    done = files[f].row == NULL
               ? load_ratings (builder, paths[f], &files[f].format, error)
               : fl_builder_table (builder, paths[f], &files[f].format, files[f].row, &load, error);
  for (size_t g = 0; g < load.n_genres; g++)
    g_free (load.genre[g]);
  return done;
}

static char **
inputs_100k (gconstpointer self, GError **error)
{
  return inputs (self, files_100k, "MovieLens 100K", error);
}

static gboolean
load_100k (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  (void) seed;
  return load_files (self, files_100k, "MovieLens 100K", builder, error);
}

static char **
inputs_1m (gconstpointer self, GError **error)
{
  return inputs (self, files_1m, "MovieLens 1M", error);
}

static gboolean
load_1m (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  (void) seed;
  return load_files (self, files_1m, "MovieLens 1M", builder, error);
}

static const FlParam params_100k[] = {
  FL_PATH (Movielens, path, "${FAIRLEAD_DATA}/ml-100k",
           "folder that holds u.data, u.user, u.item and u.genre"),
  FL_PARAM_END
};

static const FlParam params_1m[] = {
  FL_PATH (Movielens, path, "${FAIRLEAD_DATA}/ml-1m",
           "folder that holds ratings.dat, users.dat and movies.dat"),
  FL_PARAM_END
};

static const FlPlugin movielens_100k = FL_DESCRIPTOR (
  .name = "movielens-100k",
  .summary = "100,000 ratings of 1,682 films by 943 people",
  .description = "The files of MovieLens 100K as GroupLens ships them, from "
                 "grouplens.org/datasets/movielens.  Users have age, gender, occupation, zip "
                 "and zip-digit (the first digit, a region of the United States), items genre "
                 "(one or several) and year.",
  .reference = MOVIELENS_REFERENCE,
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params_100k,
  .self_size = sizeof (Movielens),
  .inputs = inputs_100k,
  FL_SOURCE (.load = load_100k)
);

static const FlPlugin movielens_1m = FL_DESCRIPTOR (
  .name = "movielens-1m",
  .summary = "1,000,209 ratings of 3,706 films by 6,040 people",
  .description = "The files of MovieLens 1M as GroupLens ships them, from "
                 "grouplens.org/datasets/movielens; ratings.dat may lack the times.  Users have "
                 "gender, age (the lower bound of a range; 1 is under 18), occupation (a code), "
                 "zip and zip-digit, items genre (one or several) and year.",
  .reference = MOVIELENS_REFERENCE,
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params_1m,
  .self_size = sizeof (Movielens),
  .inputs = inputs_1m,
  FL_SOURCE (.load = load_1m)
);

FL_PLUGINS (&movielens_100k, &movielens_1m, &movielens_csv);
