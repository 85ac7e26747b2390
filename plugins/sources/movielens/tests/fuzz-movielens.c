/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-movielens: any bytes as the files of MovieLens.  The first byte says of
 * which data set, the second is for the host's settings; then come the files and
 * a filter, with 0xff between them. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

/* The sources are part of the target, so that they need no search for plugins. */
#include "plugins/sources/movielens/movielens-csv.c"
#include "plugins/sources/movielens/movielens.c"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const struct
  {
    const FlPlugin *plugin;
    const char *file[5];
  } sets[] = {
    { &movielens_1m, { "ratings.dat", "users.dat", "movies.dat" } },
    { &movielens_100k, { "u.data", "u.user", "u.genre", "u.item" } },
    { &movielens_csv, { "ratings.csv", "movies.csv" } },
  };
  size_t set = fuzz_byte (&data, &size) % G_N_ELEMENTS (sets);
  uint8_t host = fuzz_byte (&data, &size);
  const Movielens movielens = { .path = (char *) fuzz_folder () };

  for (size_t f = 0; sets[set].file[f] != NULL; f++)
    g_free (fuzz_file (sets[set].file[f], fuzz_part (&data, &size)));
  fuzz_source (sets[set].plugin, &movielens, host, fuzz_part (&data, &size));
  return 0;
}
