/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-tsv: any bytes as the files of the tsv source.  The first byte chooses
 * among settings, the second among the host's; then come ratings, test ratings,
 * users and a filter, with 0xff between them. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

/* The source is part of the target, so that it needs no search for plugins. */
#include "plugins/sources/tables/entities.c"
#include "plugins/sources/tables/tsv.c"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const separator[] = { "tab", "comma", "::", "space" };
  uint8_t choice = fuzz_byte (&data, &size), host = fuzz_byte (&data, &size);
  g_autofree char *path = fuzz_file ("ratings", fuzz_part (&data, &size));
  g_autofree char *test = fuzz_file ("test", fuzz_part (&data, &size));
  g_autofree char *users = fuzz_file ("users", fuzz_part (&data, &size));
  char none[] = "";
  Tsv tsv = { .path = path, .test = test, .users = users, .items = none, .validation = none,
              .separator = (char *) separator[choice & 3],
              .values = (char *) (choice & 4 ? "pipe" : ""), .header = (choice & 8) != 0,
              .quoted = (choice & 4) != 0, .encoding = choice >> 7,
              .user = (char *) (choice & 16 ? "user" : "1"), .item = (char *) "2",
              .rating = (char *) (choice & 32 ? "" : "3"),
              .time = (char *) (choice & 64 ? "4" : ""),
              .users_columns = (char *) (choice & 8 ? "-; id; age" : ""),
              .users_id = (char *) (choice & 8 ? "id" : "1"),
              .users_labels = (char *) (choice & 8 ? "1 = one; age.2 = two" : ""),
              .users_separator = (char *) (choice & 32 ? "pipe" : ""), .items_columns = none,
              .items_id = (char *) "1", .items_labels = none, .items_separator = none,
              .missing = (char *) "NA | NULL", .users_missing = none, .items_missing = none };

  if (path[0] != '\0')
    fuzz_source (&tables_tsv, &tsv, host, fuzz_part (&data, &size));
  return 0;
}
