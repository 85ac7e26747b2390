/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The dataset cache: what is shared, what is not, and files that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/data/dataset/dataset-room.h"
#include "tests/support/slow.h"

/* Reads "user item rating" from a file and counts how often it does. */
typedef struct
{
  char *path;
  const char *input; /* instead of path, for the cache */
  int use;           /* 0: input; 1: the same twice, in one use; 2: in two uses */
  unsigned *n_loads;
  int n_more; /* users beyond those of the file */
} Counting;

static gboolean
counting_row (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
              GError **error)
{
  double rating = 0;

  (void) header;
  (void) n_fields;
  if (!fl_parse_double (field[2], &rating))
    return fl_fail (error, FL_ERROR_DATA, "not a number");
  return fl_builder_rating (user_data, field[0], field[1], rating, 7, error);
}

static gboolean
counting_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = " ", .fields_min = 3, .fields_max = 3);
  const Counting *self = self_;
  char user[32];

  ++*self->n_loads;
  if (self->path != NULL
      && !fl_builder_table (builder, self->path, &format, counting_row, builder, error))
    return FALSE;
  fl_builder_part (builder, FL_PART_TEST);
  for (int u = 0; u < self->n_more; u++)
    {
      g_snprintf (user, sizeof user, "more %d", u);
      fl_builder_values (builder, FL_SIDE_USER, fl_span (user), "group",
                         fl_span (u % 3 == 0 ? "a|b" : "?"), "|");
      if (!fl_builder_rating (builder, fl_span (user), fl_span ("x"), 0.1 + (double) seed,
                              FL_NO_TIME, error))
        return FALSE;
    }
  return TRUE;
}

static char **
counting_inputs (gconstpointer self_, GError **error)
{
  const Counting *self = self_;
  char **inputs = g_new0 (char *, 4);
  const char *input = self->input != NULL ? self->input : self->path;
  int n = 0;

  (void) error;
  inputs[n++] = g_strdup (input);
  if (self->use == 2)
    inputs[n++] = g_strdup ("");
  if (self->use > 0)
    inputs[n++] = g_strdup (input);
  return inputs;
}

static const FlSourceOps file_ops = { .ops_size = sizeof file_ops, .load = counting_load };
static const FlSourceOps seeded_ops = { .ops_size = sizeof seeded_ops, .load = counting_load,
                                        .seeded = TRUE };
static const FlPlugin file_plugin = FL_DESCRIPTOR (.kind = FL_KIND_SOURCE, .name = "counting",
                                                   .ops = &file_ops, .inputs = counting_inputs);
static const FlPlugin seeded_plugin = FL_DESCRIPTOR (.kind = FL_KIND_SOURCE, .name = "seeded",
                                                     .ops = &seeded_ops);

typedef struct
{
  char *folder;
  unsigned n_loads;
  Counting self;
  FlInstance source;
} Fixture;

/* Loads, and takes over the name of the file. */
static FlDataset *
load (Fixture *f, const char *settings, uint64_t seed, char **path)
{
  GError *error = NULL;
  g_autofree char *name = NULL;
  FlDataset *dataset = fl_cache_load (&f->source, settings, NULL, seed, &name, &error);

  if (error != NULL)
    fail_msg ("%s", error->message);
  assert_true (g_file_test (name, G_FILE_TEST_IS_REGULAR));
  if (path != NULL)
    *path = g_steal_pointer (&name);
  return dataset;
}

static void
write_input (Fixture *f, const char *name, const char *text)
{
  g_free (f->self.path);
  f->self.path = g_build_filename (f->folder, name, NULL);
  assert_true (g_file_set_contents (f->self.path, text, -1, NULL));
}

/* ---- what is shared ------------------------------------------------------ */

static void
test_mapped (void **state)
{
  Fixture *f = *state;
  GError *error = NULL;
  g_autofree char *path = NULL, *again = NULL;
  g_autoptr (FlDataset) fresh = fl_dataset_load (&f->source, NULL, 0, &error);
  g_autoptr (FlDataset) first = load (f, "", 0, &path);
  g_autoptr (FlDataset) second = load (f, "", 99, &again);
  const FlAttribute *a, *b;

  assert_int_equal (f->n_loads, 2); /* fresh and first */
  assert_string_equal (path, again);
  assert_string_equal (fresh->digest, second->digest);
  assert_int_equal (second->n, fresh->n);
  assert_int_equal (second->n_users, fresh->n_users);
  assert_memory_equal (second->ratings.start, fresh->ratings.start,
                       (fresh->n_users + 1) * sizeof (size_t));
  assert_memory_equal (second->ratings.col, fresh->ratings.col, fresh->n * sizeof (uint32_t));
  assert_memory_equal (second->ratings.f64, fresh->ratings.f64, fresh->n * sizeof (double));
  assert_memory_equal (second->time, fresh->time, fresh->n * sizeof (int64_t));
  assert_memory_equal (second->part, fresh->part, fresh->n);
  assert_true (second->rating_min == fresh->rating_min
               && second->rating_max == fresh->rating_max);
  for (uint32_t u = 0; u < fresh->n_users; u++)
    assert_string_equal (second->user_id[u], fresh->user_id[u]);
  assert_int_equal (second->n_attributes[FL_SIDE_USER], 1);
  assert_int_equal (second->n_attributes[FL_SIDE_ITEM], 0);
  a = second->attributes[FL_SIDE_USER];
  b = fresh->attributes[FL_SIDE_USER];
  assert_string_equal (a->name, "group");
  assert_int_equal (a->n_groups, 2);
  assert_string_equal (a->label[1], "b");
  assert_memory_equal (a->start, b->start, (b->n + 1) * sizeof (uint32_t));
  assert_memory_equal (a->group, b->group, b->start[b->n] * sizeof (uint32_t));
  assert_memory_equal (a->first, b->first, b->n * sizeof (uint32_t));
}

static void
test_inputs (void **state)
{
  Fixture *f = *state;
  g_autofree char *one = NULL, *moved = NULL, *changed = NULL, *other = NULL;

  fl_dataset_free (load (f, "", 0, &one));
  write_input (f, "copy", "u x 1\nv x 2\n");
  fl_dataset_free (load (f, "", 0, &moved));
  assert_string_equal (one, moved); /* the bytes count, not where they lie */
  assert_int_equal (f->n_loads, 1);
  write_input (f, "copy", "u x 1\nv x 3\n");
  fl_dataset_free (load (f, "", 0, &changed));
  assert_string_not_equal (one, changed);
  fl_dataset_free (load (f, "rank = 2", 0, &other));
  assert_string_not_equal (changed, other);
  assert_int_equal (f->n_loads, 3);
}

/* The same files for another use are other data. */
static void
test_uses (void **state)
{
  Fixture *f = *state;
  g_autofree char *one = NULL, *two = NULL, *again = NULL;

  f->self.use = 1;
  fl_dataset_free (load (f, "", 0, &one));
  f->self.use = 2;
  fl_dataset_free (load (f, "", 0, &two));
  assert_string_not_equal (one, two);
  fl_dataset_free (load (f, "", 0, &again));
  assert_string_equal (two, again);
  assert_int_equal (f->n_loads, 2);
}

/* The hash of a file that was left alone for long is remembered, together with
 * what the file system says of the file. */
static void
test_remembered (void **state)
{
  Fixture *f = *state;
  g_autofree char *one = NULL, *two = NULL, *three = NULL, *memo = NULL, *text = NULL;
  GStatBuf status;
  gsize length = 0;

  f->self.input = "/bin/sh";
  assert_int_equal (g_stat (f->self.input, &status), 0);
  memo = g_strdup_printf ("%s/input-%lx-%lx", f->folder, (unsigned long) status.st_dev,
                          (unsigned long) status.st_ino);
  fl_dataset_free (load (f, "", 0, &one));
  assert_true (g_file_get_contents (memo, &text, &length, NULL));
  text[length - 1] = text[length - 1] == '0' ? '1' : '0';
  assert_true (g_file_set_contents (memo, text, (gssize) length, NULL));
  fl_dataset_free (load (f, "", 0, &two));
  assert_string_not_equal (one, two); /* so it was believed */
  text[0] = text[0] == '1' ? '2' : '1';
  assert_true (g_file_set_contents (memo, text, (gssize) length, NULL));
  fl_dataset_free (load (f, "", 0, &three));
  assert_string_equal (one, three); /* of another file: not believed */
}

/* A file of the same length, written just now, is told from the one before. */
static void
test_changed_at_once (void **state)
{
  Fixture *f = *state;
  g_autofree char *one = NULL, *two = NULL;

  fl_dataset_free (load (f, "", 0, &one));
  write_input (f, "input", "u x 1\nv x 4\n");
  fl_dataset_free (load (f, "", 0, &two));
  assert_string_not_equal (one, two);
}

static void
test_seeds (void **state)
{
  Fixture *f = *state;
  g_autofree char *one = NULL, *same = NULL, *two = NULL;

  f->source.plugin = &seeded_plugin;
  f->source.ops = &seeded_ops;
  fl_dataset_free (load (f, "", 1, &one));
  fl_dataset_free (load (f, "", 1, &same));
  fl_dataset_free (load (f, "", 2, &two));
  assert_string_equal (one, same);
  assert_string_not_equal (one, two);
  assert_int_equal (f->n_loads, 2);
}

static void
test_mistakes (void **state)
{
  Fixture *f = *state;
  GError *error = NULL;
  char *path = NULL;

  write_input (f, "input", "u x one\n");
  assert_null (fl_cache_load (&f->source, "", NULL, 0, &path, &error));
  print_message ("  %s\n", error->message);
  assert_null (path);
  assert_non_null (strstr (error->message, "source counting: "));
  g_clear_error (&error);
  g_unlink (f->self.path);
  assert_null (fl_cache_load (&f->source, "", NULL, 0, &path, &error));
  print_message ("  %s\n", error->message);
  assert_non_null (strstr (error->message, "cannot open"));
  g_clear_error (&error);
}

/* ---- files that are not whole -------------------------------------------- */

static void
expect_refused (const char *path, const char *text, size_t length)
{
  GError *error = NULL;
  FILE *file = fopen (path, "wb");

  assert_non_null (file);
  assert_int_equal (fwrite (text, 1, length, file), length);
  assert_int_equal (fclose (file), 0);
  assert_null (fl_cache_map (path, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
  g_error_free (error);
}

static void
expect_rebuilt (Fixture *f, const char *path, const char *digest)
{
  unsigned n_loads = f->n_loads;
  FlDataset *dataset;

  dataset = load (f, "", 0, NULL);
  assert_int_equal (f->n_loads, n_loads + 1);
  assert_string_equal (dataset->digest, digest);
  fl_dataset_free (dataset);
  dataset = fl_cache_map (path, NULL);
  assert_non_null (dataset);
  fl_dataset_free (dataset);
}

static void
test_damage (void **state)
{
  Fixture *f = *state;
  g_autofree char *path = NULL, *text = NULL;
  g_autoptr (FlDataset) dataset = load (f, "", 0, &path);
  g_autofree char *digest = g_strdup (dataset->digest);
  gsize length = 0;

  assert_true (g_file_get_contents (path, &text, &length, NULL));
  print_message ("  %zu bytes\n", (size_t) length);
  fl_dataset_free (g_steal_pointer (&dataset)); /* its file is written over below */
  for (size_t cut = 0; cut < length; cut++)
    expect_refused (path, text, cut);
  expect_rebuilt (f, path, digest);
  for (size_t at = 0; at < length; at++)
    {
      text[at] ^= 0x10;
      expect_refused (path, text, length);
      text[at] ^= 0x10;
    }
  expect_rebuilt (f, path, digest);
}

/* A file under another's name is not taken for it. */
static void
test_other_name (void **state)
{
  Fixture *f = *state;
  g_autofree char *one = NULL, *two = NULL, *text = NULL;
  gsize length = 0;
  FlDataset *dataset;

  fl_dataset_free (load (f, "n=1", 0, &one));
  fl_dataset_free (load (f, "n=2", 0, &two));
  assert_int_equal (f->n_loads, 2);
  assert_true (g_file_get_contents (one, &text, &length, NULL));
  assert_true (g_file_set_contents (two, text, (gssize) length, NULL));
  fl_dataset_free (load (f, "n=2", 0, NULL));
  assert_int_equal (f->n_loads, 3);
  dataset = fl_cache_map (one, NULL);
  assert_non_null (dataset);
  fl_dataset_free (dataset);
}

/* OpenMP's threads do not follow into a child. */
static void
begin_child (void)
{
#ifdef _OPENMP
  omp_set_num_threads (1);
#endif
}

/* What was noted of the data comes back with them. */
static void
test_notes (void **state)
{
  Fixture *f = *state;
  const FlIngest lenient = { .bad_lines = FL_BAD_LINES_SKIP, .duplicates = FL_DUPLICATES_LAST };
  GError *error = NULL;

  f->self.n_more = 0;
  write_input (f, "input", "u x 1\nv x two\nu x 3\n");
  for (int round = 0; round < 2; round++)
    {
      char *path = NULL;
      g_autoptr (FlDataset) dataset = fl_cache_load (&f->source, "", &lenient, 0, &path, &error);

      if (error != NULL)
        fail_msg ("%s", error->message);
      assert_int_equal (f->n_loads, 1);
      assert_int_equal (dataset->n, 1);
      assert_true (dataset->ratings.f32[0] == 3);
      assert_non_null (strstr (dataset->notes[0], "input: 1 line skipped; line 2: not a number"));
      assert_non_null (strstr (dataset->notes[1], "1 user-item pairs came more than once"));
      assert_null (dataset->notes[2]);
      g_free (path);
    }
}

/* No room for the file: the message says what to do, and nothing is left behind. */
static void
test_full_disk (void **state)
{
  Fixture *f = *state;
  const struct rlimit little = { 1000, 1000 };
  g_autoptr (GDir) files = NULL;
  pid_t child = fork ();
  int status = 0;

  if (child == 0)
    {
      GError *error = NULL;
      char *path = NULL;
      FlDataset *dataset;

      begin_child ();
      signal (SIGXFSZ, SIG_IGN);
      setrlimit (RLIMIT_FSIZE, &little);
      dataset = fl_cache_load (&f->source, "", NULL, 0, &path, &error);
      if (error != NULL)
        print_message ("  %s\n", error->message);
      fflush (stdout);
      _exit (dataset == NULL && path == NULL && error->code == FL_ERROR_SYSTEM
             && strstr (error->message, "FAIRLEAD_CACHE names the folder") != NULL ? 0 : 1);
    }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  files = g_dir_open (f->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (files)) != NULL;)
    assert_null (strstr (name, ".fairdata"));
}

/* A folder that cannot be written gives way to a temporary one. */
static void
test_unusable_folder (void **state)
{
  Fixture *f = *state;
  g_autofree char *name = NULL;
  char *temporary = NULL, *path = NULL;
  GError *error = NULL;

  assert_true (fl_cache_open (&temporary, &error));
  assert_null (temporary);
  g_setenv ("FAIRLEAD_CACHE", "/dev/null/cache", TRUE);
  assert_null (fl_cache_load (&f->source, "", NULL, 0, &path, &error));
  print_message ("  %s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
  g_clear_error (&error);
  assert_true (fl_cache_open (&temporary, &error));
  assert_non_null (temporary);
  fl_dataset_free (load (f, "", 0, &name));
  assert_true (g_str_has_prefix (name, temporary));
  fl_cache_close (temporary);
  assert_false (g_file_test (name, G_FILE_TEST_EXISTS));
}

/* A writer killed at any moment leaves a file that is whole, or none. */
static void
test_killed_writer (void **state)
{
  Fixture *f = *state;
  g_autofree char *path = NULL;
  int rounds = test_is_slow () ? 3 : 30;
  unsigned n_found = 0;

  f->self.n_more = 5000;
  fl_dataset_free (load (f, "", 0, &path));
  for (int round = 0; round < rounds; round++)
    {
      pid_t child = fork ();
      FlDataset *dataset;

      if (child == 0)
        begin_child ();
      if (child == 0)
        for (;;)
          {
            char *name = NULL;

            g_unlink (path);
            fl_dataset_free (fl_cache_load (&f->source, "", NULL, 0, &name, NULL));
            g_free (name);
            g_usleep (5000);
          }
      assert_true (child > 0);
      g_usleep (1000 + 1700 * (gulong) round);
      kill (child, SIGKILL);
      waitpid (child, NULL, 0);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        {
          dataset = fl_cache_map (path, NULL);
          assert_non_null (dataset);
          fl_dataset_free (dataset);
          n_found++;
        }
      fl_dataset_free (load (f, "", 0, NULL));
    }
  print_message ("  killed %d times; the file was there %u times\n", rounds, n_found);
}

/* ---- setting up ---------------------------------------------------------- */

static int
set_up (void **state)
{
  Fixture *f = g_new0 (Fixture, 1);

  f->folder = g_dir_make_tmp ("fairlead-cache-XXXXXX", NULL);
  f->self = (Counting) { .n_loads = &f->n_loads, .n_more = 20 };
  f->source = (FlInstance) { .plugin = &file_plugin, .self = &f->self, .ops = &file_ops };
  write_input (f, "input", "u x 1\nv x 2\n");
  g_setenv ("FAIRLEAD_CACHE", f->folder, TRUE);
  *state = f;
  return 0;
}

static int
tear_down (void **state)
{
  Fixture *f = *state;
  GDir *files = g_dir_open (f->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (f->folder, name, NULL);

      g_unlink (path);
    }
  g_dir_close (files);
  assert_int_equal (g_rmdir (f->folder), 0);
  g_free (f->folder);
  g_free (f->self.path);
  g_free (f);
  return 0;
}

#define CACHE_TEST(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    CACHE_TEST (test_mapped),          CACHE_TEST (test_inputs), CACHE_TEST (test_uses),
    CACHE_TEST (test_remembered),
    CACHE_TEST (test_changed_at_once),
    CACHE_TEST (test_seeds),           CACHE_TEST (test_mistakes), CACHE_TEST (test_damage),
    CACHE_TEST (test_unusable_folder), CACHE_TEST (test_killed_writer),
    CACHE_TEST (test_other_name),      CACHE_TEST (test_notes),  CACHE_TEST (test_full_disk),
  };

  return cmocka_run_group_tests_name ("cache", tests, NULL, NULL);
}
