/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Files of ratings: the same result for any number of threads and any size of
 * block, and what becomes of files that are not as they should be. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/data/dataset/dataset-room.h"

/* ---- a source that reads files of ratings -------------------------------- */

typedef struct
{
  const char *path, *test; /* test may be NULL */
  FlTableFormat format;
  FlRatingColumns columns;
  double scale[2];         /* 0, 0: none       */
} Files;

static const FlTableFormat commas = FL_TABLE_FORMAT (.separator = ",");
static const FlRatingColumns
  three = FL_RATING_COLUMNS (.user = 1, .item = 2, .rating = 3),
  four = FL_RATING_COLUMNS (.user = 1, .item = 2, .rating = 3, .time = 4);

static gboolean
files_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Files *files = self;

  (void) seed;
  if (files->scale[1] > files->scale[0])
    fl_builder_scale (builder, files->scale[0], files->scale[1]);
  if (!fl_builder_ratings (builder, files->path, &files->format, &files->columns, error))
    return FALSE;
  if (files->test == NULL)
    return TRUE;
  fl_builder_part (builder, FL_PART_TEST);
  return fl_builder_ratings (builder, files->test, &files->format, &files->columns, error);
}

static FlDataset *
load (const Files *files, const FlIngest *ingest, GError **error)
{
  const FlSourceOps ops = { .ops_size = sizeof ops, .load = files_load };
  const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                            .name = "files", .ops = &ops };
  const FlInstance source = { .plugin = &plugin, .self = (gpointer) files, .ops = &ops };

  return fl_dataset_load (&source, ingest, 0, error);
}

static void
set_threads (int n)
{
#ifdef _OPENMP
  omp_set_num_threads (n);
#else
  (void) n;
#endif
}

static const int thread_counts[] = { 1, 2, 3, 7 };
static const size_t block_sizes[] = { 0, 5, 64, 1000 };

#define EACH_WAY(t, b) \
  for (size_t t = 0; t < G_N_ELEMENTS (thread_counts); t++) \
    for (size_t b = 0; b < G_N_ELEMENTS (block_sizes); b++)

/* ---- files for a test ---------------------------------------------------- */

typedef struct
{
  char *path, *test;
} Fixture;

static int
set_up (void **state)
{
  Fixture *f = g_new0 (Fixture, 1);

  f->path = g_strdup_printf ("%s/ratings-%d", g_get_tmp_dir (), (int) getpid ());
  f->test = g_strdup_printf ("%s/test-%d", g_get_tmp_dir (), (int) getpid ());
  *state = f;
  return 0;
}

static int
tear_down (void **state)
{
  Fixture *f = *state;

  set_threads (2);
  g_unlink (f->path);
  g_unlink (f->test);
  g_free (f->path);
  g_free (f->test);
  g_free (f);
  return 0;
}

static void
write_text (const char *path, const char *text, gssize length)
{
  assert_true (g_file_set_contents (path, text, length, NULL));
}

static void
expect_none (const GError *error)
{
  if (error != NULL)
    fail_msg ("%s", error->message);
}

/* Prints and frees an error that has to be there. */
static void
expect_code (GError *error, int code, const char *part)
{
  assert_non_null (error);
  print_message ("  %s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, code));
  if (strstr (error->message, part) == NULL)
    fail_msg ("'%s' is not in that message", part);
  g_error_free (error);
}

static void
expect_error (GError *error, const char *part)
{
  expect_code (error, FL_ERROR_DATA, part);
}

/* Ratings in no order, with ids of several lengths, blank lines and CRLF; one
 * in two hundred lines has a rating that float cannot hold. */
static GString *
make_text (int n)
{
  GString *text = g_string_new ("who,what,stars,when\n");

  for (int k = 0; k < n; k++)
    {
      int u = k * 7919 % n;

      g_string_append_printf (text, "%s%d,item %d,%s,%d%s", u % 3 == 0 ? "user-with-a-name-" : "",
                              u / 8, (u * 31 + u / 8) % 97 * 8 + u % 8,
                              k % 200 == 0 ? "3.1" : k % 2 == 0 ? "4" : "2.5", 900000000 + u,
                              k % 50 == 0 ? "\r\n\n" : "\n");
    }
  g_string_truncate (text, text->len - 1);
  return text;
}

/* ---- the same in every way ----------------------------------------------- */

static void
test_any_way (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .columns = four,
                        .format = FL_TABLE_FORMAT (.separator = ",", .header = TRUE,
                                                   .fields_max = 4) };
  g_autoptr (GString) text = make_text (2000);
  g_autofree char *digest = NULL;

  write_text (f->path, text->str, (gssize) text->len);
  EACH_WAY (t, b)
    {
      const FlIngest ingest = { .block_size = block_sizes[b] };
      GError *error = NULL;
      g_autoptr (FlDataset) dataset = NULL;

      set_threads (thread_counts[t]);
      dataset = load (&files, &ingest, &error);
      expect_none (error);
      assert_int_equal (dataset->n, 2000);
      assert_non_null (dataset->ratings.f64);
      assert_non_null (dataset->time);
      if (digest == NULL)
        digest = g_strdup (dataset->digest);
      assert_string_equal (dataset->digest, digest);
    }
  print_message ("  %s in 16 ways\n", digest);
}

/* By hand: order, values, times to the microsecond. */
static void
test_content (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .format = FL_TABLE_FORMAT (.separator = "::"),
                        .columns = four };
  const size_t start[] = { 0, 2, 3 };
  const uint32_t col[] = { 0, 1, 1 };
  const float value[] = { 0.5, 4, -2 };
  const int64_t time[] = { 1456700000930000, -7000000, 12000000 };
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;

  write_text (f->path, "\xEF\xBB\xBF" "10::b::-2::1.2e1\n9::b::4::-7\n9::a::.5::1456700000.93", -1);
  d = load (&files, NULL, &error);
  expect_none (error);
  assert_int_equal (d->n_users, 2);
  assert_string_equal (d->user_id[0], "9");
  assert_memory_equal (d->ratings.start, start, sizeof start);
  assert_memory_equal (d->ratings.col, col, sizeof col);
  assert_memory_equal (d->ratings.f32, value, sizeof value);
  assert_memory_equal (d->time, time, sizeof time);
}

/* Moments as people write them; seconds by an independent calendar (GNU date). */
static void
test_times (void **state)
{
  static const struct
  {
    const char *text;
    int64_t microseconds;
  } cases[] = {
    { "0", 0 }, { "-0.25", -250000 }, { "1600000099.123456", 1600000099123456 },
    { "1e3", 1000000000 }, { "2018-01-02", 1514851200000000 }, { "2018/01/02", 1514851200000000 },
    { "2000-02-29T23:59:59Z", 951868799000000 }, { "2018-02-01 10:20:30.5", 1517480430500000 },
    { "2018-02-01T10:20:30+02:00", 1517473230000000 }, { "2018-02-01T10:20-0330", 1517493000000000 },
    { "1969-12-31 23:59:59 UTC", -1000000 }, { "0001-01-01", -62135596800000000 },
  };
  static const char *const wrong[] = { "2018-13-01", "2018-02-30", "1900-02-29", "2018-1-2", "noon",
                                       "2018-01-02 24:00", "2018-01-02 10", "2018-01-02x", "",
                                       "1.2.3", "2018-01/02", "1e30", "10:20" };
  int64_t time = 0;

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      assert_true (fl_parse_time (fl_span (cases[c].text), &time));
      print_message ("  %s: %" G_GINT64_FORMAT "\n", cases[c].text, time);
      assert_true (time == cases[c].microseconds);
    }
  for (size_t w = 0; w < G_N_ELEMENTS (wrong); w++)
    if (fl_parse_time (fl_span (wrong[w]), &time))
      fail_msg ("'%s' is taken for %" G_GINT64_FORMAT, wrong[w], time);
}

/* The columns that there are; without a rating, 1. */
static void
test_columns (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .format = FL_TABLE_FORMAT (.separator = " "),
                        .columns = FL_RATING_COLUMNS (.user = 3, .item = 1) };
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;

  write_text (f->path, "i 4  u\n\n j\t5 u\n", -1);
  d = load (&files, NULL, &error);
  expect_none (error);
  assert_int_equal (d->n, 2);
  assert_string_equal (d->user_id[0], "u");
  assert_string_equal (d->item_id[1], "j");
  assert_true (d->ratings.f32[0] == 1 && d->ratings.f32[1] == 1);
  assert_null (d->time);
}

/* ---- bad lines ----------------------------------------------------------- */

/* Of two bad lines the first is told, whichever thread meets which. */
static void
test_first_bad_line (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .columns = four,
                        .format = FL_TABLE_FORMAT (.separator = ",", .header = TRUE) };
  g_autoptr (GString) text = make_text (1000);
  char *at = strstr (text->str, "item 8,");

  write_text (f->path, text->str, (gssize) text->len);
  assert_non_null (at);
  g_string_append (text, "\nx,y,many,3\nx,y,3,4,,\nx,y\n");
  write_text (f->path, text->str, (gssize) text->len);
  EACH_WAY (t, b)
    {
      const FlIngest ingest = { .block_size = block_sizes[b] };
      GError *error = NULL;

      set_threads (thread_counts[t]);
      assert_null (load (&files, &ingest, &error));
      assert_non_null (strstr (error->message, ":1022: the rating (field 3) must be a number: "
                               "\"x,y,many,3\""));
      g_error_free (error);
    }
}

static void
test_skip (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .columns = three, .format = commas, .scale = { 1, 5 } };
  g_autofree char *note = g_strdup_printf (
      "%s: 5 lines skipped; line 2: the rating 9 is outside the scale from 1 to 5: \"a,j,9\"; "
      "line 4: expected 3 or more fields separated by ',', found 2: \"a,k\"; "
      "line 5: the rating (field 3) must be a number: \"a,k,nan\"", f->path);

  write_text (f->path, "a,i,5\na,j,9\n\na,k\na,k,nan\nb,i,1\n,i,2\nb,,2\n", -1);
  EACH_WAY (t, b)
    {
      const FlIngest ingest = { .bad_lines = FL_BAD_LINES_SKIP, .block_size = block_sizes[b] };
      GError *error = NULL;
      g_autoptr (FlDataset) d = NULL;

      set_threads (thread_counts[t]);
      d = load (&files, &ingest, &error);
      expect_none (error);
      assert_int_equal (d->n, 2);
      assert_string_equal (d->notes[0], note);
      assert_null (d->notes[1]);
    }
  print_message ("  %s\n", note);
}

typedef struct
{
  const char *text;
  size_t length; /* 0: up to the zero byte */
  const char *mistake;
} BadFile;

static const BadFile bad_files[] = {
  { "", 0, ": the file is empty" },
  { "\n\r\n\n", 0, ": the file is empty" },
  { "u,i,1\nv,i,inf\n", 0, ":2: the rating (field 3) must be a number: \"v,i,inf\"" },
  { "u,i,1\nv,i,1e999\n", 0, ":2: the rating (field 3) must be a number" },
  { "u,i, 1\n", 0, ":1: the rating (field 3) must be a number" },
  { "user,item,rating\nu,i,1\n", 0, ":1: the rating (field 3) must be a number" },
  { "u,i,1\n,i,1\n", 0, ":2: the user id is empty: \",i,1\"" },
  { "u,,1\n", 0, ":1: the item id is empty" },
  { "u,i,1\nu,i\0,2\n", 13, ":2: not text: there is a zero byte: \"u,i?,2\"" },
  { "u,i,1\n\xE9,i,2\n", 0, ":2: not UTF-8 text" },
  { "u,i,1\rv,i,2\r", 0, ":1: a carriage return within the line" },
  { "\xFF\xFEu\0,\0", 6, ": the text is UTF-16" },
  { "\xFE\xFF\0u\0,", 6, ": the text is UTF-16" },
  { "PK\x03\x04whatever", 0, " is a zip archive" },
  { "\x1F\x8B\x08", 3, ": the compressed file is cut short" },
  { "\x1F\x8Bnonsense", 0, ": the compressed data are damaged" },
};

static void
test_bad_files (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .format = commas, .columns = three };

  for (size_t k = 0; k < G_N_ELEMENTS (bad_files); k++)
    {
      const BadFile *bad = &bad_files[k];
      GError *error = NULL;

      write_text (f->path, bad->text, bad->length > 0 ? (gssize) bad->length : -1);
      assert_null (load (&files, NULL, &error));
      expect_error (error, bad->mistake);
    }
}

static void
test_no_files (void **state)
{
  const Fixture *f = *state;
  const char *const paths[] = { "/nowhere/ratings.csv", "/", "/dev/zero", f->path };
  const char *const mistakes[] = { "cannot open /nowhere/ratings.csv: No such file",
                                   "/ is a folder: expected a file",
                                   "/dev/zero is not a regular file",
                                   ": the file is empty behind its header" };

  write_text (f->path, "user,item,rating\n", -1);
  for (size_t k = 0; k < G_N_ELEMENTS (paths); k++)
    {
      const Files files = { .path = paths[k], .columns = three,
                            .format = FL_TABLE_FORMAT (.separator = ",", .header = TRUE) };
      GError *error = NULL;

      assert_null (load (&files, NULL, &error));
      expect_error (error, mistakes[k]);
    }
}

static void
test_unreadable (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .format = commas, .columns = three };
  GError *error = NULL;

  if (geteuid () == 0)
    skip (); /* may read everything */
  write_text (f->path, "u,i,1\n", -1);
  assert_int_equal (g_chmod (f->path, 0), 0);
  assert_null (load (&files, NULL, &error));
  expect_error (error, "Permission denied");
}

/* A line longer than many blocks is read; one that never ends is refused. */
static void
test_huge_lines (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .format = commas, .columns = three };
  const FlIngest small = { .block_size = 4096 };
  g_autoptr (GString) text = g_string_new ("u,i,1\nv,");
  g_autoptr (FlDataset) d = NULL;
  GError *error = NULL;

  for (int k = 0; k < 1 << 20; k++)
    g_string_append_c (text, 'x');
  g_string_append (text, ",2\nw,i,3\n");
  write_text (f->path, text->str, (gssize) text->len);
  d = load (&files, &small, &error);
  expect_none (error);
  assert_int_equal (d->n, 3);
  g_string_set_size (text, 17 << 20);
  memset (text->str, 'x', text->len);
  write_text (f->path, text->str, (gssize) text->len);
  assert_null (load (&files, NULL, &error));
  expect_error (error, ": a line is longer than 16777216 bytes");
}

/* ---- pairs that come twice ----------------------------------------------- */

/* u-i comes thrice in one part and v-i in both. */
static void
test_duplicates (void **state)
{
  static const struct
  {
    int policy;
    double u_i, v_i;
    int64_t time;
  } cases[] = { { FL_DUPLICATES_FIRST, 4, 5, 10 }, { FL_DUPLICATES_LAST, 1, 5, 30 },
                { FL_DUPLICATES_MEAN, 7.0 / 3, 5, 30 } };
  const Fixture *f = *state;
  const Files files = { .path = f->path, .test = f->test, .format = commas, .columns = four };

  write_text (f->path, "u,i,1,30\nv,i,3,1\nu,i,4,10\nu,j,3,2\nu,i,2,20\n", -1);
  write_text (f->test, "w,i,4,7\nv,i,5,8\n", -1);
  EACH_WAY (t, b)
    for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
      {
        const FlIngest ingest = { .duplicates = cases[c].policy, .block_size = block_sizes[b] };
        GError *error = NULL;
        g_autoptr (FlDataset) d = NULL;

        set_threads (thread_counts[t]);
        d = load (&files, &ingest, &error);
        expect_none (error);
        assert_int_equal (d->n, 4);
        assert_true (fl_csr_value (&d->ratings, 0) == cases[c].u_i);
        assert_int_equal (d->time[0], cases[c].time * FL_TIME_SECOND);
        assert_true (fl_csr_value (&d->ratings, 2) == cases[c].v_i);
        assert_int_equal (d->part[0], FL_PART_TRAIN);
        assert_int_equal (d->part[2], FL_PART_TEST);
        assert_true (g_str_has_prefix (d->notes[0], "2 user-item pairs came more than once: 3 "
                                                    "ratings of them were dropped; the "));
        assert_true (g_str_has_prefix (d->notes[1], "1 user-item pairs were in more than one part"));
        assert_null (d->notes[2]);
      }
}

static void
test_duplicates_refused (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .test = f->test, .format = commas, .columns = three };
  g_autofree char *expected
      = g_strdup_printf ("user 'v' rates item 'i' twice: %s:4 and %s:1; 2 ratings repeat a pair; "
                         "[data] duplicates = first, last or mean", f->path, f->test);

  write_text (f->path, "w,i,1\n\nu,i,1\nv,i,3\n", -1);
  write_text (f->test, "v,i,4\nx,i,5\nw,i,2\n", -1);
  EACH_WAY (t, b)
    {
      const FlIngest ingest = { .block_size = block_sizes[b] };
      GError *error = NULL;

      set_threads (thread_counts[t]);
      assert_null (load (&files, &ingest, &error));
      assert_non_null (strstr (error->message, expected));
      g_error_free (error);
    }
  print_message ("  %s\n", expected);
}

/* ---- compressed ---------------------------------------------------------- */

static GByteArray *
gzip (const char *text, size_t length)
{
  g_autoptr (GConverter) converter
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6));
  GByteArray *array = g_byte_array_sized_new ((guint) length + 1000);
  gsize used = 0, made = 0;

  g_byte_array_set_size (array, (guint) length + 1000);
  assert_int_equal (g_converter_convert (converter, text, length, array->data, array->len,
                                         G_CONVERTER_INPUT_AT_END, &used, &made, NULL),
                    G_CONVERTER_FINISHED);
  assert_int_equal (used, length);
  return g_byte_array_set_size (array, (guint) made);
}

static void
expect_digest (const Files *files, const char *digest)
{
  EACH_WAY (t, b)
    {
      const FlIngest ingest = { .block_size = block_sizes[b] };
      GError *error = NULL;
      g_autoptr (FlDataset) d = NULL;

      set_threads (thread_counts[t]);
      d = load (files, &ingest, &error);
      expect_none (error);
      assert_string_equal (d->digest, digest);
    }
}

/* One stream or two; cut short at every length, and damaged. */
static void
test_gzip (void **state)
{
  const Fixture *f = *state;
  const Files files = { .path = f->path, .columns = four,
                        .format = FL_TABLE_FORMAT (.separator = ",", .header = TRUE) };
  g_autoptr (GString) text = make_text (300);
  g_autoptr (GByteArray) one = gzip (text->str, text->len);
  g_autoptr (GByteArray) half = gzip (text->str, text->len / 2);
  g_autoptr (GByteArray) other = gzip (text->str + text->len / 2, text->len - text->len / 2);
  g_autoptr (FlDataset) plain = NULL;

  write_text (f->path, text->str, (gssize) text->len);
  plain = load (&files, NULL, NULL);
  assert_non_null (plain);
  write_text (f->path, (const char *) one->data, (gssize) one->len);
  expect_digest (&files, plain->digest);
  g_byte_array_append (half, other->data, other->len);
  write_text (f->path, (const char *) half->data, (gssize) half->len);
  expect_digest (&files, plain->digest);
  for (guint cut = 3; cut < one->len; cut += 7)
    {
      GError *error = NULL;

      write_text (f->path, (const char *) one->data, (gssize) cut);
      assert_null (load (&files, NULL, &error));
      assert_non_null (strstr (error->message, "cut short"));
      g_error_free (error);
    }
  for (guint at = 20; at < one->len; at += 11)
    {
      one->data[at] ^= 0x55;
      write_text (f->path, (const char *) one->data, (gssize) one->len);
      assert_null (load (&files, NULL, NULL));
      one->data[at] ^= 0x55;
    }
}

/* "u,i,1\nv,i,2\n" as zstd packs it, with its checksum. */
static void
test_zstd (void **state)
{
  static const uint8_t packed[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x61, 0x00, 0x00,
                                    0x75, 0x2c, 0x69, 0x2c, 0x31, 0x0a, 0x76, 0x2c, 0x69,
                                    0x2c, 0x32, 0x0a, 0x88, 0x89, 0xf5, 0xe4 };
  const Fixture *f = *state;
  const Files files = { .path = f->path, .format = commas, .columns = three };
  GError *error = NULL;
  g_autoptr (FlDataset) d = NULL;

  write_text (f->path, (const char *) packed, sizeof packed);
  d = load (&files, NULL, &error);
#ifdef HAVE_ZSTD
  expect_none (error);
  assert_int_equal (d->n, 2);
  write_text (f->path, (const char *) packed, sizeof packed - 1);
  assert_null (load (&files, NULL, &error));
  expect_error (g_steal_pointer (&error), ": the compressed file is cut short");
  write_text (f->path, (const char *) packed, 12);
  assert_null (load (&files, NULL, &error));
  expect_error (g_steal_pointer (&error), ": the compressed file is cut short");
  write_text (f->path, "\x28\xB5\x2F\xFDnonsense", -1);
  assert_null (load (&files, NULL, &error));
  expect_error (error, ": the compressed data are damaged");
#else
  expect_error (error, "this Fairlead was built without libzstd");
#endif
}

/* What an older header does not have yet, here times, is not there. */
static void
test_sizes (void **state)
{
  const Fixture *f = *state;
  Files files = { f->path, NULL, commas, four, { 0, 0 } };
  g_autoptr (FlDataset) with = NULL, without = NULL;
  GError *error = NULL;

  write_text (f->path, "u,i,4,100\n", -1);
  with = load (&files, NULL, &error);
  assert_null (error);
  assert_non_null (with->time);
  files.columns.size = offsetof (FlRatingColumns, time);
  without = load (&files, NULL, &error);
  assert_null (error);
  assert_null (without->time);
  files.columns.size = 0;
  assert_null (load (&files, NULL, &error));
  expect_code (g_steal_pointer (&error), FL_ERROR_PLUGIN, "use FL_RATING_COLUMNS");
  files = (Files) { f->path, NULL, { .separator = "," }, four, { 0, 0 } };
  assert_null (load (&files, NULL, &error));
  expect_code (error, FL_ERROR_PLUGIN, "use FL_TABLE_FORMAT");
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_times),
    FILE_TEST (test_any_way),        FILE_TEST (test_content),    FILE_TEST (test_columns),
    FILE_TEST (test_first_bad_line), FILE_TEST (test_skip),       FILE_TEST (test_bad_files),
    FILE_TEST (test_no_files),       FILE_TEST (test_unreadable), FILE_TEST (test_huge_lines),
    FILE_TEST (test_duplicates),     FILE_TEST (test_duplicates_refused),
    FILE_TEST (test_gzip),           FILE_TEST (test_zstd),       FILE_TEST (test_sizes),
  };

  return cmocka_run_group_tests_name ("ratings file", tests, NULL, NULL);
}
