/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Discovery, refusal of what is broken or not to be trusted, and instances.
 * The specimens are in tests/plugins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plugin/plugin-room.h"

/* A folder of this test's own; removed with all that is in it. */
static char *
make_folder (void)
{
  char *folder = g_dir_make_tmp ("fairlead-registry-XXXXXX", NULL);

  assert_non_null (folder);
  return folder;
}

static void
remove_folder (char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name = NULL;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      assert_int_equal (remove (path), 0);
    }
  assert_int_equal (rmdir (folder), 0);
  g_free (folder);
}

static void
put (const char *folder, const char *name, const char *bytes, size_t length)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
  assert_int_equal (chmod (path, 0644), 0);
}

/* Puts the specimen SPECIMEN.so into `folder` as `name`. */
static void
put_specimen (const char *folder, const char *specimen, const char *name)
{
  g_autofree char *file = g_strconcat (specimen, ".so", NULL);
  g_autofree char *path
      = g_build_filename (TOP_BUILDDIR, "tests", "plugins", ".libs", file, NULL);
  g_autofree char *bytes = NULL;
  gsize length = 0;

  assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  put (folder, name, bytes, length);
}

static FlRegistry *
load (const char *folder)
{
  const char *dirs[] = { folder, NULL };
  g_autoptr (GError) error = NULL;
  FlRegistry *registry = fl_registry_new (dirs, &error);

  assert_null (error);
  for (guint i = 0; i < registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (registry->refusals, i);
      g_autofree char *base = g_path_get_basename (refusal->file);

      printf ("%s: %s\n", base, refusal->reason);
    }
  return registry;
}

/* Asserts that the only refusal of `file` is for `reason`, and no other. */
static void
assert_refused (const FlRegistry *registry, const char *file, const char *reason)
{
  gboolean found = FALSE;

  for (guint i = 0; i < registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (registry->refusals, i);

      if (g_str_has_suffix (refusal->file, file) && strstr (refusal->reason, reason) != NULL)
        found = TRUE;
    }
  if (!found)
    fail_msg ("%s not refused for: %s", file, reason);
}

static void
assert_has (const FlRegistry *registry, const char *name)
{
  g_autoptr (GError) error = NULL;

  if (fl_registry_find (registry, FL_KIND_OBJECTIVE, name, &error) == NULL)
    fail_msg ("%s", error->message);
}

/* All specimens in one folder: each is refused for its own reason, and the good
 * ones work. */
static void
test_specimens (void **state)
{
  static const struct
  {
    const char *specimen, *reason;
  } broken[] = {
    { "no-symbol", "no symbol fairlead_plugins" },
    { "other-abi", "built for plugin interface 2, this host has 1" },
    { "later-duplicate", "objective 'good' is already in " },
    { "crash", "crashes when opened: signal 11 (" },
    { "wild", "crashes when opened: signal 11 (" },
    { "hang", "is not open after 3 seconds" },
    { "quit", "ends the process that opens it: exit status 3" },
    { "empty", "holds no plugin" },
  };
  char *folder = make_folder ();
  g_autoptr (FlRegistry) registry = NULL;

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *name = g_strconcat (broken[i].specimen, ".so", NULL);

      put_specimen (folder, broken[i].specimen, name);
    }
  put_specimen (folder, "good", "good.so");
  put_specimen (folder, "sizes", "sizes.so");
  put (folder, "text.so", "not a shared object\n", 20);
  put (folder, "nothing.so", "", 0);
  put (folder, "readme.txt", "other files are passed over\n", 28);
  registry = load (folder);
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *name = g_strconcat ("/", broken[i].specimen, ".so", NULL);

      assert_refused (registry, name, broken[i].reason);
    }
  assert_refused (registry, "/text.so", "cannot be opened as a shared object");
  assert_refused (registry, "/nothing.so", "cannot be opened as a shared object");
  assert_refused (registry, "/sizes.so", "is too small");
  assert_int_equal (registry->refusals->len, G_N_ELEMENTS (broken) + 3);
  assert_has (registry, "good");
  remove_folder (folder);
}

static void
test_sizes (void **state)
{
  char *folder = make_folder ();
  g_autoptr (FlRegistry) registry = NULL;
  const FlEntry *earlier = NULL, *later = NULL;
  g_autoptr (FlInstance) instance = NULL;

  (void) state;
  put_specimen (folder, "sizes", "sizes.so");
  registry = load (folder);
  earlier = fl_registry_find (registry, FL_KIND_OBJECTIVE, "earlier", NULL);
  later = fl_registry_find (registry, FL_KIND_OBJECTIVE, "later", NULL);
  assert_non_null (earlier);
  assert_non_null (later);
  assert_null (earlier->plugin.check);
  assert_null (earlier->plugin.clear);
  assert_null (((const FlObjectiveOps *) earlier->plugin.ops)->gradient);
  assert_false (((const FlObjectiveOps *) earlier->plugin.ops)->whole);
  assert_int_equal (later->plugin.struct_size, sizeof (FlPlugin));
  assert_int_equal (((const FlObjectiveOps *) later->plugin.ops)->ops_size,
                    sizeof (FlObjectiveOps));
  instance = fl_instance_new (earlier, NULL, NULL, NULL, NULL, NULL, NULL);
  assert_non_null (instance);
  remove_folder (folder);
}

static void
test_faulty (void **state)
{
  static const char *const reasons[] = {
    "parameter x: default 5 is outside its own range",
    "parameter x: default nan is outside its own range",
    "parameter n: range from 2 to 1 is out of order",
    "parameter n: default 1.5 is outside its own range",
    "parameter word: default 2 is no word's index",
    "parameter list: default '0.5; 7': element 2, '7', must be from 0 to 1",
    "parameter x: doc is missing",
    "parameter x occurs twice",
    "parameter far: lies outside the plugin's own structure",
    "parameter odd: unknown type 99",
    "names an arm, but is no objective over lists",
    "no valid name",
    "no valid name",
    "summary is missing",
    "descriptor without methods",
    "unknown kind 9",
    "objective without evaluate",
    "objective without values",
    "source without load",
    "model without fit",
    "closed form without start, sweep, objective or converge",
    "sweep_back without factors, whose layout it has",
    "mitigator without a stage",
  };
  char *folder = make_folder ();
  g_autoptr (FlRegistry) registry = NULL;

  (void) state;
  put_specimen (folder, "faulty", "faulty.so");
  registry = load (folder);
  assert_int_equal (registry->refusals->len, G_N_ELEMENTS (reasons));
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    assert_non_null (strstr (((FlRefusal *) registry->refusals->pdata[i])->reason, reasons[i]));
  assert_has (registry, "sound");
  remove_folder (folder);
}

static void
test_trust (void **state)
{
  char *folder = make_folder (), *open = make_folder ();
  g_autofree char *file = g_build_filename (folder, "shared.so", NULL);
  g_autofree char *far = g_build_filename (open, "good.so", NULL);
  g_autofree char *near = g_build_filename (folder, "link.so", NULL);
  g_autofree char *lost = g_build_filename (folder, "lost.so", NULL);
  g_autofree char *sub = g_build_filename (folder, "folder.so", NULL);
  g_autofree char *inner = g_build_filename (open, "inner", NULL);
  g_autoptr (FlRegistry) registry = NULL, other = NULL, above = NULL;

  (void) state;
  put_specimen (folder, "good", "shared.so");
  put_specimen (open, "good", "good.so");
  assert_int_equal (chmod (file, 0664), 0);
  assert_int_equal (chmod (open, 0777), 0);
  assert_int_equal (symlink (far, near), 0);
  assert_int_equal (symlink ("nowhere", lost), 0);
  assert_int_equal (mkdir (sub, 0755), 0);
  registry = load (folder);
  assert_refused (registry, "/shared.so", "file can be written by its group");
  assert_refused (registry, "/link.so", "folder can be written by everybody");
  assert_refused (registry, "/lost.so", "No such file");
  assert_refused (registry, "/folder.so", "not a regular file");

  g_setenv ("FAIRLEAD_PLUGIN_PATH", open, TRUE);
  other = fl_registry_new (NULL, NULL);
  assert_refused (other, open, "folder can be written by everybody");
  assert_null (fl_registry_find (other, FL_KIND_OBJECTIVE, "good", NULL));
  g_setenv ("FAIRLEAD_PLUGIN_PATH", inner, TRUE);
  assert_int_equal (mkdir (inner, 0755), 0);
  above = fl_registry_new (NULL, NULL);
  assert_refused (above, inner, "above it can be written by everybody");
  g_setenv ("FAIRLEAD_PLUGIN_PATH", "", TRUE);
  assert_int_equal (rmdir (inner), 0);
  remove_folder (folder);
  remove_folder (open);
}

static void
test_order (void **state)
{
  char *first = make_folder (), *second = make_folder ();
  const char *dirs[] = { first, first, NULL }, *absent[] = { "/no/such/folder", NULL };
  g_autofree char *expected = g_build_filename (first, "z.so", NULL);
  g_autofree char *a = g_build_filename (first, "z.so", NULL);
  g_autofree char *b = g_build_filename (first, "zz.so", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (FlRegistry) registry = NULL;

  (void) state;
  put_specimen (first, "good", "z.so");
  put_specimen (second, "good", "a.so");
  put_specimen (second, "sizes", "b.so");
  assert_int_equal (symlink (a, b), 0);
  g_setenv ("FAIRLEAD_PLUGIN_PATH", second, TRUE);
  registry = fl_registry_new (dirs, &error);
  assert_null (error);
  g_setenv ("FAIRLEAD_PLUGIN_PATH", "", TRUE);
  assert_string_equal (
      fl_registry_find (registry, FL_KIND_OBJECTIVE, "good", NULL)->file, expected);
  assert_refused (registry, "/a.so", expected);
  assert_int_equal (registry->refusals->len, 2); /* and the stump of sizes */
  assert_has (registry, "later");

  assert_null (fl_registry_new (absent, &error));
  assert_string_equal (error->message, "plugin folder /no/such/folder does not exist");
  remove_folder (first);
  remove_folder (second);
}

static void
assert_absent (const FlRegistry *registry, FlKind kind, const char *name, const char *message)
{
  g_autoptr (GError) error = NULL;

  assert_null (fl_registry_find (registry, kind, name, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_PLUGIN));
  assert_non_null (strstr (error->message, message));
}

static void
test_find (void **state)
{
  char *folder = make_folder ();
  g_autoptr (FlRegistry) registry = NULL;

  (void) state;
  put_specimen (folder, "good", "good.so");
  put (folder, "text.so", "text", 4);
  registry = load (folder);
  assert_absent (registry, FL_KIND_OBJECTIVE, "goood",
                 "no objective 'goood'; did you mean 'good'?");
  assert_absent (registry, FL_KIND_OBJECTIVE, "entirely-else", "known: good");
  assert_absent (registry, FL_KIND_MODEL, "entirely-else", "there is none");
  assert_absent (registry, FL_KIND_MODEL, "good", "that name is of kind objective");
  assert_absent (registry, FL_KIND_MODEL, "text", "text.so was refused: cannot be opened");
  remove_folder (folder);
}

/* The fields of good.c. */
typedef struct
{
  double power;
  int64_t low, high;
  char *label, *kept;
} Good;

static void
test_instances (void **state)
{
  char *folder = make_folder ();
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_autoptr (FlInstance) plain = NULL, changed = NULL;
  g_autoptr (GError) error = NULL;
  const FlEntry *entry = NULL;

  (void) state;
  put_specimen (folder, "good", "good.so");
  registry = load (folder);
  entry = fl_registry_find (registry, FL_KIND_OBJECTIVE, "good", NULL);
  plain = fl_instance_new (entry, "objective good", NULL, NULL, NULL, NULL, NULL);
  g_ptr_array_add (settings, fl_setting_new ("label", "other", "a.conf:3"));
  changed = fl_instance_new (entry, "objective good", settings, NULL, NULL, NULL, NULL);
  assert_string_equal (((Good *) plain->self)->label, "plain");
  assert_string_equal (((Good *) changed->self)->label, "other");
  ((Good *) changed->self)->kept = g_strdup ("freed by clear");

  g_ptr_array_add (settings, fl_setting_new ("low", "9", "a.conf:4"));
  assert_null (fl_instance_new (entry, "objective good", settings, NULL, NULL, NULL, &error));
  assert_string_equal (error->message, "[objective good] good: low = 9 is above high = 5");
  remove_folder (folder);
}

/* Files of another ending are plugins by a loader: found, probed, instantiated, refused,
 * and opened again by a worker. */
static void
test_loader (void **state)
{
  char *folder = make_folder ();
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (FlRegistry) again = NULL;
  g_autoptr (GError) changed = NULL;
  const FlEntry *seven, *nine;

  (void) state;
  put (folder, "seven.constant", "7\n", 2);
  put (folder, "nine.constant", "9", 1);
  put (folder, "word.constant", "many", 4);
  put_specimen (folder, "loader", "z.so"); /* behind the others by name */
  registry = load (folder);
  assert_refused (registry, "/word.constant", "expected a number, found 'many'");
  again = fl_registry_empty ();
  for (guint i = 0; i < registry->files->len; i++)
    {
      const char *file = g_ptr_array_index (registry->files, i);

      assert_true (fl_registry_open (again, file, fl_registry_hash (registry, file), NULL));
    }
  assert_false (fl_registry_open (again, g_ptr_array_index (registry->files, 0), "another", &changed));
  print_message ("  %s\n", changed->message);
  assert_non_null (strstr (changed->message, "is not the file that the run began with"));
  seven = fl_registry_find (again, FL_KIND_OBJECTIVE, "seven", NULL);
  nine = fl_registry_find (registry, FL_KIND_OBJECTIVE, "nine", NULL);
  assert_non_null (seven);
  assert_non_null (nine);
  assert_string_not_equal (seven->hash, nine->hash);
  for (int k = 0; k < 2; k++)
    {
      g_autoptr (GPtrArray) none = g_ptr_array_new ();
      g_autoptr (FlInstance) instance
          = fl_instance_new (k == 0 ? seven : nine, NULL, none, NULL, NULL, NULL, NULL);

      assert_non_null (instance);
      printf ("%s yields %g\n", fl_instance_name (instance), *(double *) instance->self);
      assert_true (*(double *) instance->self == (k == 0 ? 7 : 9));
    }
  remove_folder (folder);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_specimens), cmocka_unit_test (test_sizes),
    cmocka_unit_test (test_loader),
    cmocka_unit_test (test_faulty),    cmocka_unit_test (test_trust),
    cmocka_unit_test (test_order),     cmocka_unit_test (test_find),
    cmocka_unit_test (test_instances),
  };

  /* Nothing but the folders made here. */
  g_setenv ("FAIRLEAD_PLUGIN_PATH", "", TRUE);
  g_setenv ("FAIRLEAD_PLUGIN_DIR", "/nonexistent", TRUE);
  g_setenv ("XDG_DATA_HOME", "/nonexistent", TRUE);
  g_setenv ("FAIRLEAD_PROBE_SECONDS", "3", TRUE);
  return cmocka_run_group_tests_name ("registry", tests, NULL, NULL);
}
