/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/support/source-test.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

char *source_folder;
static FlRegistry *registry;

/* ---- setting up ---------------------------------------------------------- */

int
source_group_set_up (void **state)
{
  g_autoptr (GError) error = NULL;

  (void) state;
  source_folder = g_dir_make_tmp ("fairlead-source-XXXXXX", &error);
  registry = fl_registry_new (NULL, &error);
  return registry != NULL && source_folder != NULL ? 0 : -1;
}

int
source_tear_down (void **state)
{
  GDir *files = g_dir_open (source_folder, 0, NULL);
  const char *name;

  (void) state;
  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (source_folder, name, NULL);

      g_remove (path);
    }
  g_dir_close (files);
  return 0;
}

int
source_group_tear_down (void **state)
{
  source_tear_down (state);
  g_rmdir (source_folder);
  g_free (source_folder);
  fl_registry_free (registry);
  return 0;
}

/* ---- loading ------------------------------------------------------------- */

/* A key of the host; FALSE when it is the source's. */
static gboolean
set_ingest (FlIngest *ingest, const char *key, const char *value)
{
  static const char *const words[] = { "error", "first", "last", "mean" };

  if (strcmp (key, "bad-lines") == 0)
    ingest->bad_lines = strcmp (value, "skip") == 0 ? FL_BAD_LINES_SKIP : FL_BAD_LINES_STOP;
  else if (strcmp (key, "duplicates") == 0)
    for (int w = 0; w < (int) G_N_ELEMENTS (words); w++)
      {
        if (strcmp (value, words[w]) == 0)
          ingest->duplicates = w;
      }
  else
    return FALSE;
  return TRUE;
}

FlDataset *
source_load (const char *source, uint64_t seed, GError **error, ...)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_SOURCE, source, error);
  g_autoptr (FlInstance) instance = NULL;
  FlIngest ingest = { 0 };
  const char *text;
  va_list args;

  va_start (args, error);
  while ((text = va_arg (args, const char *)) != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (text, "=", 2);

      if (!set_ingest (&ingest, parts[0], parts[1]))
        g_ptr_array_add (settings, fl_setting_new (parts[0], parts[1], "test"));
    }
  va_end (args);
  if (entry == NULL)
    return NULL;
  instance = fl_instance_new (entry, "data", settings, NULL, NULL, NULL, error);
  return instance != NULL ? fl_dataset_load (instance, &ingest, seed, error) : NULL;
}

void
source_expect (const FlDataset *dataset, GError *error)
{
  if (error != NULL)
    fail_msg ("%s", error->message);
  assert_non_null (dataset);
}

void
source_expect_error (const FlDataset *dataset, GError **error, const char *part)
{
  if (dataset != NULL)
    fail_msg ("no error with '%s'", part);
  assert_non_null (*error);
  print_message ("  %s\n", (*error)->message);
  if (strstr ((*error)->message, part) == NULL)
    fail_msg ("'%s' is not in that message", part);
  g_clear_error (error);
}

/* ---- questions ----------------------------------------------------------- */

const FlAttribute *
source_attribute (const FlDataset *dataset, FlSide side, const char *name)
{
  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    if (strcmp (dataset->attributes[side][a].name, name) == 0)
      return &dataset->attributes[side][a];
  fail_msg ("no attribute %s", name);
  return NULL;
}

uint32_t
source_members (const FlDataset *dataset, FlSide side, const char *name, const char *label)
{
  const FlAttribute *a = source_attribute (dataset, side, name);
  uint32_t n = 0;

  for (uint32_t e = 0; e < a->n; e++)
    {
      if (label == NULL)
        n += a->start[e] == a->start[e + 1];
      for (uint32_t k = a->start[e]; label != NULL && k < a->start[e + 1]; k++)
        n += strcmp (a->label[a->group[k]], label) == 0;
    }
  return n;
}

size_t
source_ratings (const FlDataset *dataset, double value)
{
  size_t n = 0;

  for (size_t k = 0; k < dataset->n; k++)
    n += fl_csr_value (&dataset->ratings, k) == value;
  return n;
}

size_t
source_part (const FlDataset *dataset, FlPart part)
{
  size_t n = 0;

  assert_non_null (dataset->part);
  for (size_t k = 0; k < dataset->n; k++)
    n += dataset->part[k] == part;
  return n;
}

gboolean
source_noted (const FlDataset *dataset, const char *part)
{
  for (size_t i = 0; dataset->notes != NULL && dataset->notes[i] != NULL; i++)
    {
      print_message ("  note: %s\n", dataset->notes[i]);
      if (strstr (dataset->notes[i], part) != NULL)
        return TRUE;
    }
  return FALSE;
}

/* ---- files --------------------------------------------------------------- */

static char *
write_bytes (const char *name, const GString *bytes)
{
  g_autofree char *path = g_build_filename (source_folder, name, NULL);

  assert_true (g_file_set_contents (path, bytes->str, (gssize) bytes->len, NULL));
  return g_steal_pointer (&path);
}

char *
source_file (const char *name, const char *text)
{
  g_autoptr (GString) bytes = g_string_new (text);

  return write_bytes (name, bytes);
}

char *
source_setting (const char *key, const char *text)
{
  g_autofree char *path = source_file (key, text);

  return g_strdup_printf ("%s=%s", key, path);
}

char *
source_path (const char *key, const char *name)
{
  return g_strdup_printf ("%s=%s%s%s", key, source_folder, name != NULL ? "/" : "",
                          name != NULL ? name : "");
}

/* ---- forms of the same text ---------------------------------------------- */

static void
append_lines (GString *out, const char *text, const char *end)
{
  for (; *text != '\0'; text++)
    if (*text == '\n')
      g_string_append (out, end);
    else
      g_string_append_c (out, *text);
}

static void
append_compressed (GString *out, const char *text)
{
  g_autoptr (GZlibCompressor) gzip = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
  gsize length = strlen (text), read, size = length + 1000, n;

  g_string_set_size (out, size);
  assert_int_equal (g_converter_convert (G_CONVERTER (gzip), text, length, out->str, size,
                                         G_CONVERTER_INPUT_AT_END, &read, &n, NULL),
                    G_CONVERTER_FINISHED);
  assert_int_equal (read, length);
  g_string_set_size (out, n);
}

static const char *const forms[]
    = { "as it stands", "CRLF", "byte-order mark", "blank lines", "no last newline", "gzip" };

static void
write_form (const SourceFile *file, size_t form)
{
  g_autoptr (GString) text = g_string_new (NULL);

  switch (form)
    {
    case 1:
      append_lines (text, file->text, "\r\n");
      break;
    case 2:
      g_string_printf (text, "\xEF\xBB\xBF%s", file->text);
      break;
    case 3:
      append_lines (text, file->text, "\n\n");
      break;
    case 4:
      g_string_append_len (text, file->text, (gssize) strlen (file->text) - 1);
      break;
    case 5:
      append_compressed (text, file->text);
      break;
    default:
      g_string_append (text, file->text);
    }
  g_free (write_bytes (file->name, text));
}

void
source_check_forms (const SourceFile *files, FlDataset *(*load) (GError **error))
{
  g_autoptr (FlDataset) first = NULL;

  for (size_t form = 0; form < G_N_ELEMENTS (forms); form++)
    {
      GError *error = NULL;
      FlDataset *dataset;

      for (const SourceFile *file = files; file->name != NULL; file++)
        write_form (file, form);
      dataset = load (&error);
      source_expect (dataset, error);
      print_message ("  %s: %zu ratings, %.8s\n", forms[form], dataset->n, dataset->digest);
      if (first == NULL)
        first = dataset;
      else
        {
          assert_string_equal (dataset->digest, first->digest);
          fl_dataset_free (dataset);
        }
    }
}
