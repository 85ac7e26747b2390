/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-recbole: any bytes as atomic files.  The first byte chooses among
 * settings, the second among the host's; then come .inter, .train.inter,
 * .test.inter, .user, .item and a filter, with 0xff between them. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

/* The source is part of the target, so that it needs no search for plugins. */
#include "plugins/sources/tables/entities.c"
#include "plugins/sources/tables/recbole.c"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const names[]
      = { "d.inter", "d.train.inter", "d.test.inter", "d.user", "d.item" };
  uint8_t choice = fuzz_byte (&data, &size), host = fuzz_byte (&data, &size);
  g_autofree char *path = g_build_filename (fuzz_folder (), "d", NULL);
  Recbole recbole = { .path = path,
                      .benchmark_filename = (char *) (choice & 1 ? "train; test" : ""),
                      .user_id_field = (char *) (choice & 2 ? "u" : "user_id"),
                      .item_id_field = (char *) "item_id",
                      .rating_field = (char *) (choice & 4 ? "stars" : "rating"),
                      .time_field = (char *) (choice & 8 ? "" : "timestamp"),
                      .field_separator = (char *) (choice & 16 ? "comma" : "tab"),
                      .seq_separator = (char *) (choice & 32 ? ", " : "space") };

  for (size_t f = 0; f < G_N_ELEMENTS (names); f++)
    g_free (fuzz_file (names[f], fuzz_part (&data, &size)));
  fuzz_source (&tables_recbole, &recbole, host, fuzz_part (&data, &size));
  return 0;
}
