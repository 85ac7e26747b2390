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

const FlEntry *fl_entries_find (const GPtrArray *entries, FlKind kind, const char *name);
void fl_hosted_language_free (FlHostedLanguage *language);
/* Opens `file` and adds what it holds, or why it was refused. */
void fl_load_file (const char *file, FlRegistry *registry);

/* The files that end in `suffix` and may hold plugins, fit to be opened, in the order of
 * fl_registry_new. */
gboolean fl_search_files (const char *const *dirs, const char *suffix, GPtrArray *files,
                          GPtrArray *refusals, GError **error);

/* Opens files, in their order, in a process of its own. */
typedef struct
{
  const GPtrArray *files; /* char *                           */
  FlRegistry *registry;   /* the child's copy is its own      */
  guint next;
  int pid;                /* 0: no child at work              */
  int pipe;               /* one byte from it for each file   */
} FlProbe;

/* What happens to a process that opens the next file: TRUE when it lives. */
gboolean fl_probe_next (FlProbe *probe, GError **error);
void fl_probe_end (FlProbe *probe);

#endif
