/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-lists: any bytes as the files of the lists source.  The first byte chooses
 * among settings, the second among the host's; then come lists, test lists,
 * groups of users and a filter, with 0xff between them. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

/* The source is part of the target, so that it needs no search for plugins. */
#include "plugins/sources/tables/entities.c"
#include "plugins/sources/tables/lists.c"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const separator[] = { "space", "comma", "tab", ", " };
  uint8_t choice = fuzz_byte (&data, &size), host = fuzz_byte (&data, &size);
  g_autofree char *path = fuzz_file ("train", fuzz_part (&data, &size));
  g_autofree char *test = fuzz_file ("test", fuzz_part (&data, &size));
  g_autofree char *users = fuzz_file ("users", fuzz_part (&data, &size));
  char none[] = "";
  Lists lists = { .path = path, .test = test, .users = users, .items = none, .validation = none,
                  .separator = (char *) separator[choice & 3],
                  .groups_separator = (char *) (choice & 4 ? "space" : "tab"),
                  .users_columns = (char *) (choice & 8 ? "" : "user; group"),
                  .users_labels = (char *) (choice & 16 ? "0 = male; 1 = female" : ""),
                  .items_columns = none, .items_labels = none };

  if (path[0] != '\0')
    fuzz_source (&tables_lists, &lists, host, fuzz_part (&data, &size));
  return 0;
}
