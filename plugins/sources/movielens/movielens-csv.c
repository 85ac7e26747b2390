/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* movielens-csv: the data sets of MovieLens that GroupLens ships as CSV.
 *
 *   ratings.csv  userId,movieId,rating,timestamp   half stars from 0.5 to 5
 *   movies.csv   movieId,title,genres              "American President, The (1995)",Comedy|Drama
 *
 * tags.csv, links.csv and the files of the tag genome are not read.
 */
#include "movielens.h"

#include <string.h>

#define TITLE "MovieLens"
#define NO_GENRES "(no genres listed)"

char *
movielens_find (const Movielens *self, const char *name, const char *title, GError **error)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  char *found = fl_table_find (path);

  if (found == NULL)
    fl_fail (error, FL_ERROR_DATA,
             "%s is not there: path must name the folder with the files of %s, which come "
             "from grouplens.org/datasets/movielens", path, title);
  return found;
}

void
movielens_add_year (FlBuilder *builder, FlSpan item, FlSpan year)
{
  int64_t number = 0;

  if (year.length == 4 && fl_parse_int (year, &number) && number >= 1000)
    fl_builder_attribute (builder, FL_SIDE_ITEM, item, "year", year);
}

void
movielens_add_title (FlBuilder *builder, FlSpan item, FlSpan title)
{
  size_t n = title.length;

  while (n > 0 && title.text[n - 1] == ' ')
    n--;
  if (n > 6 && title.text[n - 6] == '(' && title.text[n - 1] == ')')
    movielens_add_year (builder, item, (FlSpan) { title.text + n - 5, 4 });
}

static char **
csv_inputs (gconstpointer self, GError **error)
{
  char *ratings = movielens_find (self, "ratings.csv", TITLE, error);
  char *movies = ratings != NULL ? movielens_find (self, "movies.csv", TITLE, error) : NULL;
  char **inputs;

  if (movies == NULL)
    {
      g_free (ratings);
      return NULL;
    }
  inputs = g_new0 (char *, 3);
  inputs[0] = ratings;
  inputs[1] = movies;
  return inputs;
}

static gboolean
csv_ratings (FlBuilder *builder, const char *path, GError **error)
{
  FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .header = TRUE);
  g_auto (GStrv) header = fl_table_header (path, &format, error);
  FlRatingColumns columns = FL_RATING_COLUMNS ();

  if (header == NULL || (columns.user = fl_table_column (path, header, "userId", error)) == 0
      || (columns.item = fl_table_column (path, header, "movieId", error)) == 0
      || (columns.rating = fl_table_column (path, header, "rating", error)) == 0
      || (columns.time = fl_table_column (path, header, "timestamp", error)) == 0)
    return FALSE;
  format.fields_min = format.fields_max = g_strv_length (header);
  return fl_builder_ratings (builder, path, &format, &columns, error);
}

static gboolean
is_text (FlSpan field, const char *text)
{
  return field.length == strlen (text) && memcmp (field.text, text, field.length) == 0;
}

static gboolean
movie_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
           GError **error)
{
  FlBuilder *builder = user_data;

  if (header)
    return (n_fields == 3 && is_text (field[0], "movieId") && is_text (field[1], "title")
            && is_text (field[2], "genres"))
           || fl_fail (error, FL_ERROR_DATA, "expected the header movieId,title,genres");
  if (field[0].length == 0)
    return fl_fail (error, FL_ERROR_DATA, "the movieId is empty");
  if (!is_text (field[2], NO_GENRES))
    fl_builder_values (builder, FL_SIDE_ITEM, field[0], "genre", field[2], "|");
  movielens_add_title (builder, field[0], field[1]);
  return TRUE;
}

static gboolean
csv_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const FlTableFormat movies = FL_TABLE_FORMAT (.separator = ",", .header = TRUE, .quoted = TRUE,
                                                .fields_min = 3, .fields_max = 3);
  g_auto (GStrv) path = csv_inputs (self, error);

  (void) seed;
  if (path == NULL)
    return FALSE;
  fl_builder_scale (builder, 0.5, 5);
  return csv_ratings (builder, path[0], error)
         && fl_builder_table (builder, path[1], &movies, movie_row, builder, error);
}

static const FlParam params[] = {
  FL_PATH (Movielens, path, NULL, "folder that holds ratings.csv and movies.csv, be they "
           "compressed (ratings.csv.gz, ratings.csv.zst)"),
  FL_PARAM_END
};

const FlPlugin movielens_csv = FL_DESCRIPTOR (
  .name = "movielens-csv",
  .summary = "MovieLens as CSV: latest, latest-small, 20M, 25M, 32M",
  .description = "The files ratings.csv and movies.csv of the later data sets of MovieLens as "
                 "GroupLens ships them, from grouplens.org/datasets/movielens.  Ratings are half "
                 "stars from 0.5 to 5.  Items have genre (one or several) and year; nothing is "
                 "known of the users.",
  .reference = MOVIELENS_REFERENCE,
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Movielens),
  .inputs = csv_inputs,
  FL_SOURCE (.load = csv_load)
);
