/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-folder.h: data sets that are not ours to ship, for the tests that need
 * them: in FAIRLEAD_DATA, else beside the source tree. */
#ifndef FL_TESTS_DATA_FOLDER_H
#define FL_TESTS_DATA_FOLDER_H

#include <glib.h>

#include "tests/support/slow.h"

/* Whether the folder `name` is there; says so if not.  Sets FAIRLEAD_DATA.  Under
 * valgrind a million ratings take minutes and show nothing that a few do not. */
static inline gboolean
have_data (const char *name)
{
  g_autofree char *path = NULL;

  if (test_is_slow ())
    {
      print_message ("  %s is left out under valgrind\n", name);
      return FALSE;
    }
  g_setenv ("FAIRLEAD_DATA", TOP_SRCDIR "/../shared/data", FALSE);
  path = g_build_filename (g_getenv ("FAIRLEAD_DATA"), name, NULL);
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  print_message ("  no folder %s: MovieLens comes from grouplens.org/datasets/movielens\n", path);
  return FALSE;
}

#endif
