/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* restaurant: a small real data set that is part of the plugin, so that a
 * first run needs no file.  ratings.tsv, users.tsv and items.tsv become the
 * texts of restaurant-data.h when the plugin is built. */
#include <string.h>

#include <fairlead/plugin.h>

#include "restaurant-data.h"

typedef struct
{
  FlBuilder *builder;
  FlSide side;
  GPtrArray *columns;
} Entities;

static gboolean
rating_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
            GError **error)
{
  double rating = 0;

  (void) n_fields;
  if (header)
    return TRUE;
  if (!fl_parse_double (field[2], &rating))
    return fl_fail (error, FL_ERROR_DATA, "the rating must be a number");
  return fl_builder_rating (user_data, field[0], field[1], rating, FL_NO_TIME, error);
}

/* The second column is the id in the original files. */
static gboolean
entity_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
            GError **error)
{
  Entities *entities = user_data;

  (void) error;
  for (size_t i = 0; header && i < n_fields; i++)
    g_ptr_array_add (entities->columns, g_strndup (field[i].text, field[i].length));
  for (size_t i = 2; !header && i < n_fields; i++)
    fl_builder_values (entities->builder, entities->side, field[0],
                       g_ptr_array_index (entities->columns, i), field[i], "|");
  return TRUE;
}

static gboolean
read_entities (const char *name, const char *text, FlSide side, FlBuilder *builder,
               GError **error)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = "\t", .header = TRUE, .fields_min = 8,
                                                .fields_max = 8);
  Entities entities = { .builder = builder, .side = side,
                        .columns = g_ptr_array_new_with_free_func (g_free) };
  gboolean done = fl_table_parse (name, fl_span (text), &format, entity_row, &entities, error);

  g_ptr_array_unref (entities.columns);
  return done;
}

static gboolean
restaurant_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = "\t", .header = TRUE, .fields_min = 5,
                                                .fields_max = 5);

  (void) self;
  (void) seed;
  fl_builder_scale (builder, 0, 2);
  return fl_table_parse ("ratings.tsv", fl_span (restaurant_ratings), &format, rating_row,
                         builder, error)
         && read_entities ("users.tsv", restaurant_users, FL_SIDE_USER, builder, error)
         && read_entities ("items.tsv", restaurant_items, FL_SIDE_ITEM, builder, error);
}

FL_PLUGIN (
  .name = "restaurant",
  .summary = "1,161 ratings of 130 restaurants by 138 consumers, built in",
  .description = "Restaurant & consumer data, licensed CC BY 4.0 by Rafael Ponce Medellin and "
                 "Juan Gabriel Gonzalez Serna, adapted: ids are numbered anew and sensitive "
                 "attributes left out.  Ratings are 0, 1 or 2.  Users have drink_level, budget, "
                 "transport, activity, smoker and birth_year, items price, alcohol, area, "
                 "franchise, smoking_area and cuisines (one or several).",
  .reference = "R. Medellin and J. Serna, Restaurant & consumer data, UCI Machine Learning "
               "Repository, 2011, doi:10.24432/C5DP41",
  .licence = "LGPL-3.0-or-later AND CC-BY-4.0",
  .version = "1",
  FL_SOURCE (.load = restaurant_load)
);
