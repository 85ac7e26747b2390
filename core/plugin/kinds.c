/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* kinds.c: the words for the kinds of plugins, and for their values. */
#include "core/plugin/plugin-room.h"

#include <string.h>

static const char *const kind_names[FL_N_KINDS + 1] = { "source", "model", "objective",
                                                        "mitigator", NULL };

const char *
fl_kind_name (FlKind kind)
{
  return kind_names[kind];
}

gboolean
fl_kind_parse (const char *name, FlKind *kind)
{
  for (unsigned i = 0; i < FL_N_KINDS; i++)
    if (strcmp (name, kind_names[i]) == 0)
      {
        *kind = (FlKind) i;
        return TRUE;
      }
  return FALSE;
}

char *
fl_value_name (const FlPlugin *plugin, const char *group, const char *value)
{
  size_t length = strlen (plugin->name);

  if (group == NULL || value == NULL)
    return g_strdup (value);
  if (strncmp (value, plugin->name, length) == 0
      && (value[length] == '\0' || value[length] == '-'))
    return g_strconcat (group, value + length, NULL);
  return g_strconcat (group, ".", value, NULL);
}
