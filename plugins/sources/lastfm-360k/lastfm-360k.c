/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lastfm-360k: who listened to which artist how often, and the listeners.
 *
 *   usersha1-artmbid-artname-plays.tsv   user, artist's MBID, artist's name, plays
 *   usersha1-profile.tsv                 user, m|f, age, country, "Apr 28, 2008"
 *
 * Tabs, no header, UTF-8; quotes mean nothing.  Users are SHA-1 sums: what is
 * none comes from a line that was cut.
 */
#include <string.h>

#include <fairlead/plugin.h>

#define PLAYS "usersha1-artmbid-artname-plays.tsv"
#define PROFILE "usersha1-profile.tsv"
#define SHA1_LENGTH 40

typedef struct
{
  char *path;
  FlInts ages;
} Lastfm;

static const FlParam params[] = {
  FL_PATH (Lastfm, path, "${FAIRLEAD_DATA}/lastfm-dataset-360K",
           "folder that holds " PLAYS " and " PROFILE ", be they compressed"),
  FL_INTS (Lastfm, ages, "5; 100", -1000000, 1000000, "years",
           "lowest and highest age that is believed; others count as missing"),
  FL_PARAM_END
};

static gboolean
lastfm_check (gconstpointer self_, GError **error)
{
  const Lastfm *self = self_;

  if (self->ages.n == 2 && self->ages.v[0] <= self->ages.v[1])
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG, "ages must be two numbers, the lower one first");
}

static char *
find_file (const Lastfm *self, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  char *found = fl_table_find (path);

  if (found == NULL)
    fl_fail (error, FL_ERROR_DATA,
             "%s is not there: path must name the folder with " PLAYS " and " PROFILE
             " of lastfm-dataset-360K, which comes from ocelma.net/MusicRecommendationDataset",
             path);
  return found;
}

static char **
lastfm_inputs (gconstpointer self, GError **error)
{
  char *plays = find_file (self, PLAYS, error);
  char *profile = plays != NULL ? find_file (self, PROFILE, error) : NULL;
  char **inputs;

  if (profile == NULL)
    {
      g_free (plays);
      return NULL;
    }
  inputs = g_new0 (char *, 3);
  inputs[0] = plays;
  inputs[1] = profile;
  return inputs;
}

/* ---- rows ---------------------------------------------------------------- */

typedef struct
{
  const Lastfm *self;
  FlBuilder *builder;
  size_t n_odd_ages;
} Load;

static gboolean
check_user (FlSpan user, GError **error)
{
  gboolean is_sum = user.length == SHA1_LENGTH;

  for (size_t i = 0; is_sum && i < SHA1_LENGTH; i++)
    is_sum = g_ascii_isxdigit (user.text[i]);
  return is_sum || fl_fail (error, FL_ERROR_DATA, "the user must be a SHA-1 sum of %d digits",
                            SHA1_LENGTH);
}

/* Two of five artists have no MBID: their name stands for them. */
static gboolean
plays_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
           GError **error)
{
  Load *load = user_data;
  FlSpan artist = field[1].length > 0 ? field[1] : field[2];
  int64_t plays = 0;

  (void) header;
  (void) n_fields;
  if (!check_user (field[0], error))
    return FALSE;
  if (artist.length == 0)
    return fl_fail (error, FL_ERROR_DATA, "the artist has neither an MBID nor a name");
  if (!fl_parse_int (field[3], &plays) || plays < 0)
    return fl_fail (error, FL_ERROR_DATA, "the plays (field 4) must be a whole number, 0 or more");
  return fl_builder_rating (load->builder, field[0], artist, (double) plays, FL_NO_TIME, error);
}

/* An age that nobody believes is no age. */
static void
add_age (Load *load, FlSpan user, FlSpan text)
{
  const int64_t *ages = load->self->ages.v;
  int64_t age = 0;

  if (text.length > 0 && !(fl_parse_int (text, &age) && age >= ages[0] && age <= ages[1]))
    {
      load->n_odd_ages++;
      text.length = 0;
    }
  fl_builder_attribute (load->builder, FL_SIDE_USER, user, "age", text);
}

static gboolean
profile_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
             GError **error)
{
  Load *load = user_data;
  FlSpan user = field[0], gender = field[1], signup = field[4];

  (void) header;
  (void) n_fields;
  if (!check_user (user, error))
    return FALSE;
  if (gender.length > 1 || (gender.length == 1 && *gender.text != 'f' && *gender.text != 'm'))
    return fl_fail (error, FL_ERROR_DATA, "the gender (field 2) must be f, m or nothing");
  fl_builder_attribute (load->builder, FL_SIDE_USER, user, "gender", gender);
  add_age (load, user, field[2]);
  fl_builder_attribute (load->builder, FL_SIDE_USER, user, "country", field[3]);
  if (signup.length > 4)
    fl_builder_attribute (load->builder, FL_SIDE_USER, user, "signup-year",
                          (FlSpan) { signup.text + signup.length - 4, 4 });
  return TRUE;
}

static gboolean
lastfm_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const FlTableFormat plays = FL_TABLE_FORMAT (.separator = "\t", .fields_min = 4, .fields_max = 4);
  const FlTableFormat profile
      = FL_TABLE_FORMAT (.separator = "\t", .fields_min = 5, .fields_max = 5);
  g_auto (GStrv) path = lastfm_inputs (self, error);
  Load load = { .self = self, .builder = builder };

  (void) seed;
  if (path == NULL || !fl_builder_table (builder, path[0], &plays, plays_row, &load, error)
      || !fl_builder_table (builder, path[1], &profile, profile_row, &load, error))
    return FALSE;
  if (load.n_odd_ages > 0)
    fl_builder_note (builder, "%zu ages outside %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                     " count as missing", load.n_odd_ages, load.self->ages.v[0],
                     load.self->ages.v[1]);
  return TRUE;
}

FL_PLUGIN (
  .name = "lastfm-360k",
  .summary = "plays of 294,000 artists by 359,000 listeners of Last.fm",
  .description = "The two files of lastfm-dataset-360K, from "
                 "ocelma.net/MusicRecommendationDataset.  The rating is the number of plays; an "
                 "item is an artist's MBID, or the name of one that has none.  Users have gender "
                 "(f, m), age, country and signup-year.",
  .reference = "O. Celma, Music Recommendation and Discovery in the Long Tail, Springer, 2010, "
               "doi:10.1007/978-3-642-13287-2",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Lastfm),
  .check = lastfm_check,
  .inputs = lastfm_inputs,
  FL_SOURCE (.load = lastfm_load)
);
