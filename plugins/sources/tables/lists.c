/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lists: a line for each user with the items of that user, as the programs of
 * LightGCN, NGCF and KGAT read them; every rating is 1. */
#include "tables.h"

#include <string.h>

typedef struct
{
  char *path, *validation, *test, *users, *items; /* files, several with ';' */
  char *separator, *groups_separator;
  char *users_columns, *users_labels;
  char *items_columns, *items_labels;
} Lists;

static const FlParam params[] = {
  FL_PATH (Lists, path, NULL, "file with a line for each user: user item item ...; with "
           "validation or test, of what to train on.  Several files, here and below: a.txt; b.txt"),
  FL_PATH (Lists, validation, "", "the same for validation; empty: none"),
  FL_PATH (Lists, test, "", "the same for testing; empty: none"),
  FL_PATH (Lists, users, "", "file of the users' groups, a user and a group a line; empty: none"),
  FL_PATH (Lists, items, "", "file of the items' groups, likewise"),
  FL_STRING (Lists, separator, "space",
             "between the ids of a line: tab, comma, semicolon, colon, pipe, space (any run of "
             "blanks and tabs), or the text itself"),
  FL_STRING (Lists, groups_separator, "tab", "between the fields in a file of groups"),
  FL_STRING (Lists, users_columns, "user; group",
             "names of the columns of a file of users' groups, the id first; empty: its first "
             "line names them"),
  FL_STRING (Lists, users_labels, "", "what the groups are called: 0 = male; 1 = female"),
  FL_STRING (Lists, items_columns, "item; group", "the same of items"),
  FL_STRING (Lists, items_labels, "", "the same of items"),
  FL_PARAM_END
};

static Entities
entities_of (const Lists *self, FlSide side)
{
  if (side == FL_SIDE_USER)
    return (Entities) { side, self->users, self->users_columns, "1", NULL, self->users_labels,
                        TABLES_MISSING };
  return (Entities) { side, self->items, self->items_columns, "1", NULL, self->items_labels,
                      TABLES_MISSING };
}

static gboolean
lists_check (gconstpointer self_, GError **error)
{
  const Lists *self = self_;
  Entities users = entities_of (self, FL_SIDE_USER), items = entities_of (self, FL_SIDE_ITEM);

  return fl_table_separator (self->separator, error) != NULL
         && fl_table_separator (self->groups_separator, error) != NULL
         && tables_entities_check (&users, error) && tables_entities_check (&items, error);
}

/* Nothing behind the last separator is no item. */
static gboolean
list_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
          GError **error)
{
  size_t n = field[n_fields - 1].length == 0 ? n_fields - 1 : n_fields;

  (void) header;
  for (size_t i = 0; i < n; i++)
    if (field[i].length == 0)
      return fl_fail (error, FL_ERROR_DATA, "field %zu is empty", i + 1);
  for (size_t i = 1; i < n; i++)
    if (!fl_builder_rating (user_data, field[0], field[i], 1, FL_NO_TIME, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_lists (const Lists *self, const char *paths, FlBuilder *builder, GError **error)
{
  const FlTableFormat format
      = FL_TABLE_FORMAT (.separator = fl_table_separator (self->separator, NULL), .fields_min = 1);
  g_auto (GStrv) files = tables_list (paths);

  for (size_t f = 0; files[f] != NULL; f++)
    if (!fl_builder_table (builder, files[f], &format, list_row, builder, error))
      return FALSE;
  return TRUE;
}

static gboolean
lists_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Lists *self = self_;
  const char *const parts[] = { self->path, self->validation, self->test };
  const FlTableFormat groups
      = FL_TABLE_FORMAT (.separator = fl_table_separator (self->groups_separator, NULL));

  (void) seed;
  for (int p = 0; p < 3; p++)
    if (parts[p][0] != '\0')
      {
        if (p > 0)
          fl_builder_part (builder, p == 1 ? FL_PART_VALIDATION : FL_PART_TEST);
        if (!read_lists (self, parts[p], builder, error))
          return FALSE;
      }
  for (int side = 0; side < 2; side++)
    {
      const Entities entities = entities_of (self, (FlSide) side);

      if (!tables_entities (&entities, &groups, builder, error))
        return FALSE;
    }
  return TRUE;
}

static char **
lists_inputs (gconstpointer self_, GError **error)
{
  const Lists *self = self_;
  const char *const paths[] = { self->path, self->validation, self->test, self->users,
                                self->items };

  (void) error;
  return tables_inputs (G_N_ELEMENTS (paths), paths);
}

const FlPlugin tables_lists = FL_DESCRIPTOR (
  .name = "lists",
  .summary = "a line for each user with the items of that user",
  .description = "What graph models train on: user item item ..., with further files for "
                 "validation and testing and for groups.  Every rating is 1.  A line may hold a "
                 "user alone; users may come in several lines.",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Lists),
  .check = lists_check,
  .inputs = lists_inputs,
  FL_SOURCE (.load = lists_load)
);
