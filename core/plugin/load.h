/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load.h: from a file's name to entries of the registry; inside this room. */
#ifndef FL_PLUGIN_LOAD_H
#define FL_PLUGIN_LOAD_H

#include "core/plugin/plugin-room.h"

/* Checks a descriptor and copies it, so that the copy can be read at today's
 * size whatever header the plugin was built against. */
FlEntry *fl_entry_new (const FlPlugin *theirs, const char *file, GError **error);
void fl_entry_free (FlEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlEntry, fl_entry_free)

FlRefusal *fl_refusal_new (const char *file, const char *reason);
void fl_refusal_free (FlRefusal *refusal);

/* Opens `file` and adds what it holds to `entries` and `refusals`. */
void fl_load_file (const char *file, GPtrArray *entries, GPtrArray *refusals);

/* Opens files, in their order, in a process of its own. */
typedef struct
{
  const GPtrArray *files; /* char * */
  guint next;
  int pid;                /* 0: no child at work              */
  int pipe;               /* one byte from it for each file   */
} FlProbe;

/* What happens to a process that opens the next file: TRUE when it lives. */
gboolean fl_probe_next (FlProbe *probe, GError **error);
void fl_probe_end (FlProbe *probe);

#endif
