/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-lastfm-360k: any bytes as plays, profiles and a filter, with 0xff between
 * them, after a byte for the host's settings. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

/* The source is part of the target, so that it needs no search for plugins. */
#include "plugins/sources/lastfm-360k/lastfm-360k.c"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  uint8_t host = fuzz_byte (&data, &size);
  int64_t ages[] = { 5, 100 };
  const Lastfm lastfm = { .path = (char *) fuzz_folder (), .ages = { 2, ages } };

  g_free (fuzz_file (PLAYS, fuzz_part (&data, &size)));
  g_free (fuzz_file (PROFILE, fuzz_part (&data, &size)));
  fuzz_source (&fl_plugin_, &lastfm, host, fuzz_part (&data, &size));
  return 0;
}
