/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* replay.c: a fuzz target without a fuzzer: every file named is one input. */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;
      size_t length = 0;

      if (!g_file_get_contents (argv[i], &text, &length, &error))
        {
          fprintf (stderr, "%s\n", error->message);
          return 1;
        }
      LLVMFuzzerTestOneInput ((const uint8_t *) text, length);
    }
  printf ("%d inputs\n", argc - 1);
  return 0;
}
