/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect.h: what a plugin declares, in the words of all three outputs. */
#ifndef FL_CLI_INSPECT_H
#define FL_CLI_INSPECT_H

#include "core/plugin/plugin-room.h"

/* A list of words under a label: "stages: augment, train". */
typedef struct
{
  const char *label;
  const char *words[9]; /* NULL-terminated */
} InspectTrait;

#define INSPECT_TRAITS_MAX 3

/* Fills `traits` with what the methods of the plugin offer and need; returns
 * how many there are. */
size_t inspect_traits (const FlPlugin *plugin, InspectTrait traits[INSPECT_TRAITS_MAX]);

const char *inspect_type (const FlParam *param);
const char *inspect_direction (const FlValue *value);
/* What the plugin yields; NULL for kinds and stages that yield nothing. */
const FlValue *inspect_values (const FlPlugin *plugin);
/* "from 1 to 4096", "single, double", or "". */
char *inspect_range (const FlParam *param);

/* On standard output: keys with their defaults, ranges and meanings; one plugin in
 * full; a line for each of `entries` (FlEntry), and all refusals. */
void inspect_print_keys (const FlParam *params);
void inspect_print_entry (const FlEntry *entry);
void inspect_print_list (const GPtrArray *entries, const FlRegistry *registry);

/* `entries` (FlEntry) in full and all refusals. */
char *inspect_json (const GPtrArray *entries, const FlRegistry *registry);
/* The manual page in roff.  `prose` (Markdown: paragraphs, headings, lists,
 * indented code) goes behind the declarations; or NULL. */
char *inspect_man (const FlEntry *entry, const char *prose);

#endif
