/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The symbol is there, plugins are not. */
#include <fairlead/plugin.h>

const FlPlugin *const *
fairlead_plugins (void)
{
  static const FlPlugin *const none[] = { NULL };

  return none;
}
