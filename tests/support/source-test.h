/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* source-test.h: what the tests of sources share: datasets of a source, files in
 * a folder of their own, and questions about what was read. */
#ifndef SOURCE_TEST_H
#define SOURCE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/data/dataset/dataset-room.h"
#include "tests/unit/data-folder.h"

extern char *source_folder; /* for files that tests write; empty for each test */

int source_group_set_up (void **state);
int source_group_tear_down (void **state);
/* Empties the folder. */
int source_tear_down (void **state);
#define source_unit_test(test) cmocka_unit_test_teardown (test, source_tear_down)

/* A dataset of `source` with settings "key=value", NULL-terminated; bad-lines and
 * duplicates are the host's. */
FlDataset *source_load (const char *source, uint64_t seed, GError **error, ...);
void source_expect (const FlDataset *dataset, GError *error);
/* NULL was right, and the message has `part` in it. */
void source_expect_error (const FlDataset *dataset, GError **error, const char *part);

const FlAttribute *source_attribute (const FlDataset *dataset, FlSide side, const char *name);
/* How many have the value; with label NULL, how many have none. */
uint32_t source_members (const FlDataset *dataset, FlSide side, const char *name,
                         const char *label);
size_t source_ratings (const FlDataset *dataset, double value);
size_t source_part (const FlDataset *dataset, FlPart part);
gboolean source_noted (const FlDataset *dataset, const char *part);

/* The path of a file with that text in the folder. */
char *source_file (const char *name, const char *text);
/* The same as "key=path". */
char *source_setting (const char *key, const char *text);
/* "key=" and the path of the folder, or of `name` in it. */
char *source_path (const char *key, const char *name);

typedef struct
{
  const char *name, *text;
} SourceFile;

/* Files as they stand, with CRLF, a byte-order mark, blank lines, without a last
 * newline, compressed: all give the same data. `files` ends with { NULL }. */
void source_check_forms (const SourceFile *files, FlDataset *(*load) (GError **error));

#endif
