/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* columns.c: what sources do with names: of files, of separators, of columns. */
#include <fairlead/data.h>

#include <string.h>

char *
fl_table_find (const char *path)
{
  static const char *const endings[] = { "", ".gz", ".zst" };

  for (size_t i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *found = g_strconcat (path, endings[i], NULL);

      if (g_file_test (found, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&found);
    }
  return NULL;
}

const char *
fl_table_separator (const char *text, GError **error)
{
  static const char *const words[][2]
      = { { "tab", "\t" }, { "comma", "," }, { "semicolon", ";" }, { "colon", ":" },
          { "pipe", "|" }, { "space", " " } };

  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (text, words[i][0]) == 0)
      return words[i][1];
  if (text[0] != '\0' && strpbrk (text, "\r\n") == NULL)
    return text;
  fl_fail (error, FL_ERROR_CONFIG, "a separator must not be empty or an end of line");
  return NULL;
}

#define NAME_LENGTH_MAX 40 /* characters of a name that a message shows */
#define N_NAMES_MAX 20      /* and names */

static char *
list_columns (char *const *header)
{
  GString *all = g_string_new (NULL);
  size_t i;

  for (i = 0; header[i] != NULL && i < N_NAMES_MAX; i++)
    {
      g_autofree char *name = g_utf8_strlen (header[i], -1) > NAME_LENGTH_MAX
                                  ? g_utf8_substring (header[i], 0, NAME_LENGTH_MAX)
                                  : g_strdup (header[i]);

      g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", name);
    }
  g_string_append (all, header[i] != NULL ? ", ..." : "");
  return g_string_free (all, FALSE);
}

size_t
fl_table_column (const char *path, char *const *header, const char *name, GError **error)
{
  g_autofree char *all = NULL;
  size_t column = 0;

  for (size_t i = 0; header[i] != NULL; i++)
    if (strcmp (header[i], name) == 0)
      {
        if (column > 0)
          {
            fl_fail (error, FL_ERROR_DATA, "%s: columns %zu and %zu are both called '%s'", path,
                     column, i + 1, name);
            return 0;
          }
        column = i + 1;
      }
  if (column > 0)
    return column;
  all = list_columns (header);
  fl_fail (error, FL_ERROR_DATA, "%s: there is no column '%s' among %s", path, name, all);
  return 0;
}
