/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ratings-file.c: a file whose lines are one rating each. */
#include "core/data/data-private.h"

#include <math.h>

typedef struct
{
  FlBuilder *builder;
  const FlRatingColumns *columns;
  size_t n_needed;
} Ratings;

/* Whole seconds; a fraction is dropped. */
static gboolean
parse_time (FlSpan text, int64_t *time)
{
  double seconds = 0;

  if (fl_parse_int (text, time))
    return *time != FL_NO_TIME;
  if (!fl_parse_double (text, &seconds) || !(fabs (seconds) < 9.2e18))
    return FALSE;
  *time = (int64_t) seconds;
  return TRUE;
}

static gboolean
take_rating (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
             GError **error)
{
  const Ratings *ratings = user_data;
  const FlRatingColumns *columns = ratings->columns;
  double rating = 1;
  int64_t time = FL_NO_TIME;

  if (header)
    return TRUE;
  if (n_fields < ratings->n_needed)
    return fl_fail (error, FL_ERROR_DATA, "expected %zu fields or more, found %zu",
                    ratings->n_needed, n_fields);
  if (columns->rating > 0 && !fl_parse_double (field[columns->rating - 1], &rating))
    return fl_fail (error, FL_ERROR_DATA, "the rating (field %zu) must be a number",
                    columns->rating);
  if (columns->time > 0 && !parse_time (field[columns->time - 1], &time))
    return fl_fail (error, FL_ERROR_DATA, "the time (field %zu) must be a number of seconds",
                    columns->time);
  return fl_builder_rating (ratings->builder, field[columns->user - 1],
                            field[columns->item - 1], rating, time, error);
}

gboolean
fl_builder_ratings (FlBuilder *builder, const char *path, const FlTableFormat *format,
                    const FlRatingColumns *columns, GError **error)
{
  Ratings ratings = { .builder = builder, .columns = columns };

  if (columns->user == 0 || columns->item == 0)
    return fl_fail (error, FL_ERROR_CONFIG, "a file of ratings needs columns of user and item");
  ratings.n_needed = MAX (MAX (columns->user, columns->item),
                          MAX (columns->rating, columns->time));
  return fl_builder_table (builder, path, format, take_rating, &ratings, error);
}
