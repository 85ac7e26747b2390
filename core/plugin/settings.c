/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* settings.c: settings as they are written, and what is said of words and numbers. */
#include "core/plugin/plugin-room.h"

#include <string.h>

/* ---- settings ---------------------------------------------------------- */

FlSetting *
fl_setting_new (const char *key, const char *value, const char *origin)
{
  FlSetting *setting = g_new0 (FlSetting, 1);

  setting->key = g_strdup (key);
  setting->value = g_strdup (value);
  setting->origin = g_strdup (origin);
  return setting;
}

void
fl_setting_free (FlSetting *setting)
{
  if (setting == NULL)
    return;
  g_free (setting->key);
  g_free (setting->value);
  g_free (setting->origin);
  g_free (setting);
}

void
fl_setting_locate (GError **error, const char *group, const char *key, const char *value,
                   const char *origin)
{
  g_autoptr (GString) place = g_string_new (NULL);

  if (origin != NULL && *origin != '\0' && strcmp (origin, "default") != 0)
    g_string_append_printf (place, "%s: ", origin);
  if (group != NULL)
    g_string_append_printf (place, "[%s] ", group);
  g_string_append (place, key);
  if (value != NULL)
    g_string_append_printf (place, " = %s", value);
  g_prefix_error (error, "%s: ", place->str);
}

/* ---- nearest word ------------------------------------------------------ */

/* Longer words are nobody's slip of the finger. */
#define WORD_LENGTH_MAX 64

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into
 * b, letter case aside (optimal string alignment). */
static unsigned
edit_distance (const char *a, size_t n, const char *b, size_t m)
{
  unsigned row[3][WORD_LENGTH_MAX + 1] = { { 0 } };

  for (size_t j = 0; j <= m; j++)
    row[0][j] = (unsigned) j;
  for (size_t i = 1; i <= n; i++)
    {
      unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

      now[0] = (unsigned) i;
      for (size_t j = 1; j <= m; j++)
        {
          char x = g_ascii_tolower (a[i - 1]), y = g_ascii_tolower (b[j - 1]);
          unsigned d = MIN (MIN (before[j], now[j - 1]) + 1, before[j - 1] + (x != y));

          if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2])
              && y == g_ascii_tolower (a[i - 2]))
            d = MIN (d, earlier[j - 2] + 1);
          now[j] = d;
        }
    }
  return row[n % 3][m];
}

const char *
fl_nearest (const char *word, const char *const *candidates)
{
  size_t n = strlen (word);
  const char *nearest = NULL;
  unsigned least = G_MAXUINT;

  if (n > WORD_LENGTH_MAX)
    return NULL;
  for (size_t i = 0; candidates[i] != NULL; i++)
    {
      size_t m = strlen (candidates[i]);
      unsigned d = m > WORD_LENGTH_MAX ? G_MAXUINT : edit_distance (word, n, candidates[i], m);

      /* One letter in three may differ. */
      if (d < least && d <= (MAX (n, m) + 1) / 3)
        {
          least = d;
          nearest = candidates[i];
        }
    }
  return nearest;
}

char *
fl_suggest (const char *word, const char *const *candidates)
{
  const char *nearest = fl_nearest (word, candidates);
  g_autofree char *all = NULL;

  if (nearest != NULL)
    return g_strdup_printf ("did you mean '%s'?", nearest);
  if (candidates[0] == NULL)
    return g_strdup ("there is none");
  all = g_strjoinv (", ", (char **) candidates);
  return g_strdup_printf ("known: %s", all);
}

/* ---- numbers ----------------------------------------------------------- */

char *
fl_double_text (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  /* The fewest of 15 to 17 digits that give the same number back; -0 is 0. */
  for (int digits = 15; digits <= 17; digits++)
    {
      char format[] = "%.15g";

      format[3] = (char) ('0' + digits - 10);
      g_ascii_formatd (text, sizeof text, format, value == 0.0 ? 0.0 : value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  return g_strdup (text);
}
