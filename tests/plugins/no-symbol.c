/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A shared object that is no plugin. */
#include <fairlead/base.h>

int no_symbol_answer (void) __attribute__ ((visibility ("default")));

int
no_symbol_answer (void)
{
  return 42;
}
