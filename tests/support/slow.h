/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* slow.h: Valgrind is a hundred times slower and runs one thread at a time: what it looks
 * for shows in a part of the work. */
#ifndef TEST_SLOW_H
#define TEST_SLOW_H

#include <glib.h>

static inline gboolean
test_is_slow (void)
{
  return g_getenv ("FAIRLEAD_VALGRIND") != NULL;
}

/* First line of a test that compares numbers of threads. */
#define TEST_NEEDS_THREADS() \
  do \
    if (test_is_slow ()) \
      skip (); \
  while (0)

#endif
