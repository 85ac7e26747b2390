/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-tsv: any bytes as the files of the tsv source.  The first byte chooses
 * among settings; then come ratings, test ratings, users and a filter, with
 * 0xff between them.  Files are in memory. */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz-data.h"

#include <sys/mman.h>
#include <unistd.h>

/* The source is part of the target, so that it needs no search for plugins. */
#include "plugins/sources/tsv/tsv.c"

/* A file's name, "" for an empty part. */
static char *
memory_file (FlSpan text, int *file)
{
  *file = -1;
  if (text.length == 0)
    return g_strdup ("");
  *file = memfd_create ("fuzz", MFD_CLOEXEC);
  g_assert_cmpint (*file, >=, 0);
  g_assert_cmpint (write (*file, text.text, text.length), ==, (gssize) text.length);
  return g_strdup_printf ("/proc/self/fd/%d", *file);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const separator[] = { "tab", "comma", "::", "space" };
  uint8_t choice = size > 0 ? data[0] : 0;
  FlSpan part[4];
  int file[3];
  g_autofree char *path = NULL, *test = NULL, *users = NULL;
  g_autoptr (FlDataset) dataset = NULL;
  g_autoptr (GError) error = NULL;

  if (size == 0)
    return 0;
  data++;
  size--;
  for (int p = 0; p < 4; p++)
    part[p] = fuzz_part (&data, &size);
  path = memory_file (part[0], &file[0]);
  test = memory_file (part[1], &file[1]);
  users = memory_file (part[2], &file[2]);
  Tsv tsv = { .path = path, .test = test, .users = users, .items = (char *) "",
              .validation = (char *) "", .separator = (char *) separator[choice & 3],
              .values = (char *) (choice & 4 ? "|" : ""), .header = (choice & 8) != 0,
              .user = (char *) (choice & 16 ? "user" : "1"), .item = (char *) "2",
              .rating = (char *) (choice & 32 ? "" : "3"),
              .time = (char *) (choice & 64 ? "4" : "") };

  const FlInstance source = { .plugin = &fl_plugin_, .self = &tsv, .ops = fl_plugin_.ops };

  if (path[0] != '\0' && tsv_check (&tsv, &error))
    dataset = fl_dataset_load (&source, NULL, 0, &error);
  if (dataset != NULL)
    {
      g_assert_no_error (error);
      check_dataset (dataset);
      check_split (dataset, part[3]);
    }
  else if (path[0] != '\0')
    check_error (error);
  for (int f = 0; f < 3; f++)
    if (file[f] >= 0)
      close (file[f]);
  return 0;
}
