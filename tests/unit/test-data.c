/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Ratings, tables and datasets, on cases worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/data/dataset/dataset-room.h"

/* Prints and frees an error that has to be there. */
static void
expect_error (GError *error, int code, const char *part)
{
  assert_non_null (error);
  print_message ("  %s\n", error->message);
  assert_true (g_error_matches (error, FL_ERROR, code));
  if (strstr (error->message, part) == NULL)
    fail_msg ("'%s' is not in that message", part);
  g_error_free (error);
}

static void
expect_none (GError *error)
{
  if (error != NULL)
    fail_msg ("%s", error->message);
}

/* ---- ratings ------------------------------------------------------------- */

/*        i0   i1   i2
 *   u0    .    2    1
 *   u1    .    .    .
 *   u2   .5    4    .   */
static void
test_ratings (void **state)
{
  const uint32_t user[] = { 2, 0, 2, 0 }, item[] = { 1, 2, 0, 1 };
  const double rating[] = { 4, 1, 0.5, 2 };
  const size_t user_start[] = { 0, 2, 2, 4 }, item_start[] = { 0, 1, 3, 4 };
  const uint32_t user_col[] = { 1, 2, 0, 1 }, item_col[] = { 2, 0, 2, 0 };
  const float user_value[] = { 2, 1, 0.5, 4 }, item_value[] = { 0.5, 2, 4, 1 };
  GError *error = NULL;
  g_autoptr (FlRatings) r = fl_ratings_new (3, 3, 4, user, item, rating, &error);

  (void) state;
  expect_none (error);
  assert_int_equal (r->n, 4);
  assert_memory_equal (r->by_user.start, user_start, sizeof user_start);
  assert_memory_equal (r->by_user.col, user_col, sizeof user_col);
  assert_memory_equal (r->by_user.f32, user_value, sizeof user_value);
  assert_null (r->by_user.f64);
  assert_memory_equal (r->by_item.start, item_start, sizeof item_start);
  assert_memory_equal (r->by_item.col, item_col, sizeof item_col);
  assert_memory_equal (r->by_item.f32, item_value, sizeof item_value);
  assert_true (r->rating_min == 0.5 && r->rating_max == 4);
}

/* ---- one row ------------------------------------------------------------- */

/* Every column of rows of every length from none to full, against a walk. */
static void
test_csr_search (void **state)
{
  enum { N = 21 };
  size_t start[N + 2] = { 0 };
  uint32_t col[N * N];
  const FlCsr csr = { .n_rows = N + 1, .n_cols = N, .start = start, .col = col };

  (void) state;
  for (uint32_t r = 0; r <= N; r++)
    {
      FlRng rng = fl_rng (5, "row", r);
      size_t n = start[r];

      for (uint32_t c = 0; c < N; c++) /* r of the N columns */
        if (fl_rng_below (&rng, N - c) < r - (n - start[r]))
          col[n++] = c;
      start[r + 1] = n;
      assert_int_equal (n - start[r], r);
    }
  for (uint32_t r = 0; r <= N; r++)
    for (uint32_t c = 0; c <= N; c++) /* N: beyond the last */
      {
        size_t k = start[r];

        while (k < start[r + 1] && col[k] < c)
          k++;
        assert_int_equal (fl_csr_lower_bound (&csr, r, c), k);
        assert_int_equal (fl_csr_has (&csr, r, c), k < start[r + 1] && col[k] == c);
      }
}

/* In 600 draws, each of the columns without an entry comes 600 / 6 times: chi-square of 5
 * degrees, whose deviation is sqrt (10); five of them are a bound for a fixed seed. */
static void
test_csr_draw_unseen (void **state)
{
  const size_t start[] = { 0, 4, 4, 9 };
  const uint32_t col[] = { 0, 2, 3, 9, 0, 1, 2, 3, 4 };
  const FlCsr csr = { .n_rows = 3, .n_cols = 10, .start = start, .col = col };
  FlRng rng = fl_rng (2, "unseen", 0);
  double count[10] = { 0 }, chi = 0;

  (void) state;
  for (int k = 0; k < 600; k++)
    count[fl_csr_draw_unseen (&csr, 0, &rng)]++;
  for (uint32_t c = 0; c < 10; c++)
    if (fl_csr_has (&csr, 0, c))
      assert_true (count[c] == 0);
    else
      chi += (count[c] - 100) * (count[c] - 100) / 100;
  print_message ("chi-square %.1f of 5 degrees\n", chi);
  assert_true (chi < 5 + 5 * sqrt (10));
  for (int k = 0; k < 50; k++)
    {
      assert_true (fl_csr_draw_unseen (&csr, 1, &rng) < 10); /* of an empty row: any */
      assert_in_range (fl_csr_draw_unseen (&csr, 2, &rng), 5, 9);
    }
}

/* A row without a free column is the caller's mistake, which ends the process. */
static void
test_csr_draw_of_full_row (void **state)
{
  const size_t start[] = { 0, 2 };
  const uint32_t col[] = { 0, 1 };
  const FlCsr csr = { .n_rows = 1, .n_cols = 2, .start = start, .col = col };
  FlRng rng = fl_rng (2, "unseen", 0);
  pid_t child = fork ();
  int status = 0;

  (void) state;
  assert_true (child >= 0);
  if (child == 0)
    {
      const struct rlimit no_core = { 0, 0 };

      setrlimit (RLIMIT_CORE, &no_core);
      signal (SIGABRT, SIG_DFL);
      _exit (fl_csr_draw_unseen (&csr, 0, &rng) < 2 ? 0 : 1);
    }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGABRT);
}

static void
test_ratings_double (void **state)
{
  const uint32_t user[] = { 0, 1 }, item[] = { 0, 0 };
  const double rating[] = { 0.1, 2 };
  g_autoptr (FlRatings) r = fl_ratings_new (2, 1, 2, user, item, rating, NULL);

  (void) state;
  assert_null (r->by_item.f32);
  assert_true (r->by_item.f64[0] == 0.1 && r->by_item.f64[1] == 2);
}

static void
test_ratings_refused (void **state)
{
  const uint32_t user[] = { 1, 1 }, item[] = { 4, 4 };
  const double rating[] = { 1, 2 }, bad[] = { 1, NAN };
  GError *error = NULL;
  g_autoptr (FlRatings) empty = fl_ratings_new (0, 0, 0, NULL, NULL, NULL, NULL);

  (void) state;
  assert_non_null (empty);
  assert_null (fl_ratings_new (2, 5, 2, user, item, rating, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "user 1 rates item 4 twice");
  assert_null (fl_ratings_new (2, 4, 2, user, item, rating, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "2 users and 4 items");
  assert_null (fl_ratings_new (2, 5, 2, user, item, bad, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "not finite");
}

/* 300 of them, the last first; each user rates every second item. */
static void
test_triplets (void **state)
{
  g_autoptr (FlTriplets) triplets = fl_triplets_new (), more = fl_triplets_new ();
  g_autoptr (FlRatings) r = NULL, like = NULL;
  GError *error = NULL;

  (void) state;
  for (uint32_t k = 300; k-- > 0;)
    fl_triplets_add (triplets, k / 10, 2 * (k % 10), 1 + k % 3);
  assert_int_equal (triplets->n, 300);
  assert_int_equal (triplets->user[0], 29);
  assert_int_equal (triplets->item[0], 18);
  assert_true (triplets->rating[0] == 3);
  r = fl_triplets_make_ratings (triplets, 30, 20, &error);
  assert_null (error);
  assert_int_equal (r->n, 300);
  assert_true (r->rating_min == 1 && r->rating_max == 3);
  for (uint32_t k = 0; k < 300; k++)
    {
      assert_int_equal (r->by_user.col[k], 2 * (k % 10));
      assert_true (fl_csr_value (&r->by_user, k) == 1 + k % 3);
    }
  r->rating_max = 5;
  fl_triplets_add_ratings (more, r);
  fl_triplets_add (more, 29, 19, 2.5);
  like = fl_triplets_make_ratings_like (more, r, &error);
  assert_null (error);
  assert_int_equal (like->n, 301);
  assert_true (like->rating_min == 1 && like->rating_max == 5);
  assert_int_equal (like->by_user.col[300], 19);
  assert_true (fl_csr_value (&like->by_user, 300) == 2.5);
  fl_triplets_add (more, 29, 19, 2);
  assert_null (fl_triplets_make_ratings_like (more, r, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "user 29 rates item 19 twice");
}

/* Nothing gathered is no ratings. */
static void
test_no_triplets (void **state)
{
  g_autoptr (FlTriplets) none = fl_triplets_new ();
  g_autoptr (FlRatings) r = fl_triplets_make_ratings (none, 2, 3, NULL);

  (void) state;
  assert_int_equal (r->n, 0);
  assert_int_equal (r->n_users, 2);
}

static void
test_factor_rows (void **state)
{
  const double user[] = { 0.1, 0.2, 0.3, 0.4 };
  const float item[] = { 0.1f, 0.2f, 0.3f, 0.4f };
  FlFactors factors = { .n_users = 2, .n_items = 2, .rank = 2, .user_f64 = user, .item_f32 = item };
  double row[2];

  (void) state;
  fl_factors_copy_row (&factors, FL_SIDE_USER, 1, row);
  assert_true (row[0] == 0.3 && row[1] == 0.4);
  fl_factors_copy_row (&factors, FL_SIDE_ITEM, 1, row);
  assert_true (row[0] == (double) 0.3f && row[1] == (double) 0.4f);
}

static void
test_append (void **state)
{
  const uint32_t user[] = { 0, 1 }, item[] = { 1, 0 };
  const double rating[] = { 3, 5 }, rows[] = { 1, 2, 3, 4.1 };
  const size_t user_start[] = { 0, 1, 2, 4, 6 }, item_start[] = { 0, 3, 6 };
  const uint32_t item_col[] = { 1, 2, 3, 0, 2, 3 };
  const double item_value[] = { 5, 1, 3, 3, 2, 4.1 };
  GError *error = NULL;
  g_autoptr (FlRatings) r = fl_ratings_new (2, 2, 2, user, item, rating, NULL);
  g_autoptr (FlRatings) more = fl_ratings_append (r, FL_SIDE_USER, 2, rows, &error);
  g_autoptr (FlRatings) whole = fl_ratings_append (r, FL_SIDE_USER, 1, rows, &error);
  const double infinite[] = { 1, INFINITY };

  (void) state;
  expect_none (error);
  assert_int_equal (more->n_users, 4);
  assert_memory_equal (more->by_user.start, user_start, sizeof user_start);
  assert_memory_equal (more->by_item.start, item_start, sizeof item_start);
  assert_memory_equal (more->by_item.col, item_col, sizeof item_col);
  assert_memory_equal (more->by_item.f64, item_value, sizeof item_value);
  assert_true (more->rating_min == 3 && more->rating_max == 5);
  assert_non_null (whole->by_user.f32);
  assert_null (fl_ratings_append (r, FL_SIDE_USER, 1, infinite, &error));
  expect_error (error, FL_ERROR_NUMERIC, "item 1");
}

static void
assert_same_values (const FlCsr *a, const FlCsr *b, size_t n)
{
  for (size_t k = 0; k < n; k++)
    assert_true (fl_csr_value (a, k) == fl_csr_value (b, k) && a->col[k] == b->col[k]);
}

/* What was appended with other values from the first. */
static void
test_change (void **state)
{
  const uint32_t user[] = { 0, 1, 1 }, item[] = { 1, 0, 2 };
  const double rating[] = { 3, 5, 4 }, whole[] = { 1, 2, 3, 4, 5, 1 };
  const double fine[] = { 0.1, 4.7, 2, 3.3, 1, 0 }, bad[] = { 1, 1, 1, 1, NAN, 1 };
  GError *error = NULL;
  g_autoptr (FlRatings) r = fl_ratings_new (2, 3, 3, user, item, rating, NULL);
  g_autoptr (FlRatings) changed = fl_ratings_append (r, FL_SIDE_USER, 2, whole, NULL);
  g_autoptr (FlRatings) expected = fl_ratings_append (r, FL_SIDE_USER, 2, fine, NULL);

  (void) state;
  assert_non_null (changed->by_user.f32);
  for (int k = 0; k < 2; k++)
    {
      assert_true (fl_ratings_change (changed, FL_SIDE_USER, 2, fine, &error));
      expect_none (error);
      assert_same_values (&changed->by_user, &expected->by_user, expected->n);
      assert_same_values (&changed->by_item, &expected->by_item, expected->n);
    }
  assert_true (fl_ratings_change (changed, FL_SIDE_USER, 2, whole, NULL));
  assert_true (fl_csr_value (&changed->by_item, changed->n - 1) == 1);
  assert_false (fl_ratings_change (changed, FL_SIDE_USER, 2, bad, &error));
  expect_error (error, FL_ERROR_NUMERIC, "added user 1 rates item 1");
}

/* Added items are what added users are when users and items change places. */
static void
test_append_items (void **state)
{
  const uint32_t user[] = { 0, 1, 1 }, item[] = { 1, 0, 2 };
  const uint32_t all_user[] = { 0, 1, 1, 0, 1, 0, 1 }, all_item[] = { 1, 0, 2, 3, 3, 4, 4 };
  const double rating[] = { 3, 5, 4 }, whole[] = { 1, 2, 3, 4 }, fine[] = { 0.1, 4.7, 2, 3.3 };
  const double all_rating[] = { 3, 5, 4, 0.1, 4.7, 2, 3.3 }, bad[] = { 1, 1, NAN, 1 };
  GError *error = NULL;
  g_autoptr (FlRatings) r = fl_ratings_new (2, 3, 3, user, item, rating, NULL);
  g_autoptr (FlRatings) more = fl_ratings_append (r, FL_SIDE_ITEM, 2, whole, NULL);
  g_autoptr (FlRatings) expected = fl_ratings_new (2, 5, 7, all_user, all_item, all_rating, NULL);

  (void) state;
  assert_int_equal (more->n_users, 2);
  assert_int_equal (more->n_items, 5);
  assert_non_null (more->by_item.f32);
  assert_true (fl_ratings_change (more, FL_SIDE_ITEM, 2, fine, &error));
  expect_none (error);
  assert_memory_equal (more->by_user.start, expected->by_user.start, 3 * sizeof (size_t));
  assert_memory_equal (more->by_item.start, expected->by_item.start, 6 * sizeof (size_t));
  assert_same_values (&more->by_user, &expected->by_user, 7);
  assert_same_values (&more->by_item, &expected->by_item, 7);
  assert_null (fl_ratings_append (r, FL_SIDE_ITEM, 2, bad, &error));
  expect_error (error, FL_ERROR_NUMERIC, "user 0 rates added item 1");
  assert_false (fl_ratings_change (more, FL_SIDE_USER, 1, fine, &error));
  expect_error (error, FL_ERROR_PLUGIN, "the last 1 users");
}

/* ---- tables -------------------------------------------------------------- */

/* Collects "h" for a header, then the fields in angle brackets. */
static gboolean
collect (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields,
         GError **error)
{
  GString *all = user_data;

  if (header)
    g_string_append_c (all, 'h');
  for (size_t i = 0; i < n_fields; i++)
    {
      if (field[i].length == 3 && memcmp (field[i].text, "bad", 3) == 0)
        return fl_fail (error, FL_ERROR_DATA, "'bad' is not good");
      g_string_append_printf (all, "<%.*s>", (int) field[i].length, field[i].text);
    }
  g_string_append_c (all, ';');
  return TRUE;
}

typedef struct
{
  const char *text;
  size_t length; /* 0: up to the zero byte */
  const char *separator;
  const char *flags; /* h: header, l: latin1, q: quoted */
  size_t min, max;
  const char *rows, *mistake; /* one of them */
} TableCase;

static const TableCase table_cases[] = {
  { "a\tb\nc\td\n", 0, "\t", "", 2, 2, "<a><b>;<c><d>;", NULL },
  { "a::b\r\n\r\n\nc::d::", 0, "::", "", 2, 3, "<a><b>;<c><d><>;", NULL },
  { "\xEF\xBB\xBFuser,item\n1,2", 0, ",", "h", 2, 2, "h<user><item>;<1><2>;", NULL },
  { "a:b:::c:", 0, "::", "", 1, 0, "<a:b><:c:>;", NULL },
  { "caf\xE9|\xC3\n", 0, "|", "l", 2, 2, "<caf\xC3\xA9><\xC3\x83>;", NULL },
  { "caf\xC3\xA9|x\n", 0, "|", "", 2, 2, "<caf\xC3\xA9><x>;", NULL },
  { "caf\xE9|x\n", 0, "|", "", 2, 2, NULL, "t:1: not UTF-8 text: \"caf" },
  { "1::2::3\n1::2\n", 0, "::", "", 3, 4, NULL,
    "t:2: expected 3 to 4 fields separated by '::', found 2: \"1::2\"" },
  { "1\t2\t3\n", 0, "\t", "", 2, 2, NULL,
    "t:1: expected 2 fields separated by tabs, found 3: \"1\\t2\\t3\"" },
  { " a \t b  c \n \t\nd e f", 0, " ", "", 3, 3, "<a><b><c>;<d><e><f>;", NULL },
  { "\"a,b\",\"say \"\"x\"\"\",\"\"\r\nc,d\"e,\"f\"", 0, ",", "q", 3, 3,
    "<a,b><say \"x\"><>;<c><d\"e><f>;", NULL },
  { "1,\"a\n", 0, ",", "q", 2, 2, NULL, "t:1: a quote does not end before the file does" },
  { "1,\"a\"b\n", 0, ",", "q", 2, 2, NULL,
    "t:1: field 2 goes on behind its closing quote: \"1,\"a\"b\"" },
  { "1,2\r3,4\r", 0, ",", "", 2, 2, NULL, "t:1: a carriage return within the line" },
  { "\xFF\xFE" "1", 0, ",", "", 1, 0, NULL, "t: the text is UTF-16" },
  { "1\n", 0, " ", "", 2, 0, NULL,
    "expected 2 or more fields separated by blanks, found 1" },
  { "x,\n\nbad,1\n", 0, ",", "", 2, 2, NULL, "t:3: 'bad' is not good: \"bad,1\"" },
  { "a\0b\n", 4, ",", "", 1, 0, NULL, "t:1: not text: there is a zero byte: \"a?b\"" },
  { "", 0, ",", "", 1, 0, NULL, "t: the file is empty" },
  { "\r\n\n", 0, ",", "", 1, 0, NULL, "t: the file is empty" },
};

static void
test_table (void **state)
{
  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (table_cases); c++)
    {
      const TableCase *test = &table_cases[c];
      const FlTableFormat format = FL_TABLE_FORMAT (.separator = test->separator,
                                                    .header = strchr (test->flags, 'h') != NULL,
                                                    .latin1 = strchr (test->flags, 'l') != NULL,
                                                    .quoted = strchr (test->flags, 'q') != NULL,
                                                    .fields_min = test->min,
                                                    .fields_max = test->max);
      FlSpan text = { test->text, test->length > 0 ? test->length : strlen (test->text) };
      g_autoptr (GString) all = g_string_new (NULL);
      GError *error = NULL;

      if (fl_table_parse ("t", text, &format, collect, all, &error))
        assert_string_equal (all->str, test->rows != NULL ? test->rows : "a mistake");
      else
        {
          assert_non_null (test->mistake);
          expect_error (error, FL_ERROR_DATA, test->mistake);
        }
    }
}

/* What an older header does not have yet reads as if it were not set. */
static void
test_table_sizes (void **state)
{
  FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .quoted = TRUE);
  g_autoptr (GString) all = g_string_new (NULL);
  GError *error = NULL;

  (void) state;
  assert_true (fl_table_parse ("t", fl_span ("\"a,b\""), &format, collect, all, NULL));
  assert_string_equal (all->str, "<a,b>;");
  g_string_truncate (all, 0);
  format.size = offsetof (FlTableFormat, quoted);
  assert_true (fl_table_parse ("t", fl_span ("\"a,b\""), &format, collect, all, NULL));
  assert_string_equal (all->str, "<\"a><b\">;");
  format.size = 0;
  assert_false (fl_table_parse ("t", fl_span ("a"), &format, collect, all, &error));
  expect_error (error, FL_ERROR_PLUGIN, "use FL_TABLE_FORMAT");
  error = NULL;
  format = FL_TABLE_FORMAT (.header = TRUE);
  assert_null (fl_table_header ("t", &format, &error));
  expect_error (error, FL_ERROR_PLUGIN, "without a separator");
}

/* A source that reads one table and adds a rating, so that there is one. */
typedef struct
{
  const char *path;
  const FlTableFormat *format;
  FlTableRow row;
  gpointer user_data;
} Reading;

static gboolean
reading_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Reading *reading = self;

  (void) seed;
  return fl_builder_table (builder, reading->path, reading->format, reading->row,
                           reading->user_data, error)
         && fl_builder_rating (builder, fl_span ("u"), fl_span ("i"), 1, FL_NO_TIME, error);
}

static FlDataset *
read_table (const char *path, const FlTableFormat *format, FlTableRow row, gpointer user_data,
            const FlIngest *ingest, GError **error)
{
  Reading reading = { path, format, row, user_data };
  const FlSourceOps ops = { .ops_size = sizeof ops, .load = reading_load };
  const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                            .name = "reading", .ops = &ops };
  const FlInstance source = { .plugin = &plugin, .self = &reading, .ops = &ops };

  return fl_dataset_load (&source, ingest, 0, error);
}

static gboolean
count (gpointer user_data, gboolean header, const FlSpan *field, size_t n_fields, GError **error)
{
  size_t *bytes = user_data;

  (void) header;
  (void) error;
  for (size_t i = 0; i < n_fields; i++)
    *bytes += field[i].length;
  return TRUE;
}

/* Lines across the reader's windows, one of them longer than a window. */
static void
test_table_windows (void **state)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .fields_min = 2, .fields_max = 2);
  g_autofree char *path = g_strdup_printf ("%s/windows-%d", g_get_tmp_dir (), (int) getpid ());
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (FlDataset) dataset = NULL;
  size_t expected = 0, bytes = 0;
  GError *error = NULL;

  (void) state;
  for (int line = 0; line < 200000; line++)
    {
      g_string_append_printf (text, "%d,%d\n", line, line * 7);
      if (line == 100000)
        for (int k = 0; k < 3 << 20; k++)
          g_string_append_c (text, k == 7 ? ',' : 'x');
      if (line == 100000)
        g_string_append_c (text, '\n');
    }
  for (size_t k = 0; k < text->len; k++)
    expected += text->str[k] != ',' && text->str[k] != '\n';
  assert_true (g_file_set_contents (path, text->str, (gssize) text->len, NULL));
  dataset = read_table (path, &format, count, &bytes, NULL, &error);
  expect_none (error);
  g_unlink (path);
  assert_int_equal (bytes, expected);
}

static void
test_table_files (void **state)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .fields_min = 1);
  GError *error = NULL;

  (void) state;
  assert_null (read_table ("/nowhere/u.data", &format, collect, NULL, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "cannot open /nowhere/u.data");
  assert_null (read_table ("/", &format, collect, NULL, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "is a folder");
  assert_null (read_table ("/dev/zero", &format, collect, NULL, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "not a regular file");
}

/* A file of the given text, for one test. */
static char *
write_file (const char *text)
{
  char *path = g_strdup_printf ("%s/data-%d", g_get_tmp_dir (), (int) getpid ());

  assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
test_skipped (void **state)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .fields_min = 2, .fields_max = 2);
  const FlIngest skip = { .bad_lines = FL_BAD_LINES_SKIP };
  g_autofree char *path = write_file ("a,b\nbad,1\n\n1,2,3\nc,d\n");
  g_autoptr (GString) all = g_string_new (NULL);
  GError *error = NULL;
  g_autoptr (FlDataset) dataset = read_table (path, &format, collect, all, &skip, &error);
  g_autofree char *note = g_strdup_printf ("%s: 2 lines skipped; line 2: 'bad' is not good: "
                                           "\"bad,1\"; line 4: expected 2 fields separated by "
                                           "',', found 3: \"1,2,3\"", path);

  (void) state;
  expect_none (error);
  assert_string_equal (all->str, "<a><b>;<c><d>;");
  assert_string_equal (dataset->notes[0], note);
  assert_null (dataset->notes[1]);
  assert_null (read_table (path, &format, collect, all, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, ":2: 'bad' is not good");
  assert_true (g_file_set_contents (path, "bad,1\nbad,2\n", -1, NULL));
  assert_null (read_table (path, &format, collect, all, &skip, &error));
  expect_error (error, FL_ERROR_DATA, "no line could be read; line 1: 'bad'");
  g_unlink (path);
}

static void
test_header (void **state)
{
  const FlTableFormat format = FL_TABLE_FORMAT (.separator = ",", .quoted = TRUE, .fields_min = 1);
  g_autofree char *path = write_file ("");
  g_auto (GStrv) names = NULL;
  GError *error = NULL;

  (void) state;
  assert_true (g_file_set_contents (path, "\xEF\xBB\xBF\r\nuser,\"the item\"\r\n1,2", -1, NULL));
  names = fl_table_header (path, &format, &error);
  expect_none (error);
  assert_int_equal (g_strv_length (names), 2);
  assert_string_equal (names[0], "user");
  assert_string_equal (names[1], "the item");
  assert_true (g_file_set_contents (path, "", -1, NULL));
  assert_null (fl_table_header (path, &format, &error));
  expect_error (error, FL_ERROR_DATA, "is empty");
  g_unlink (path);
}

/* ---- datasets ------------------------------------------------------------ */

typedef struct
{
  const char *const (*ratings)[3]; /* user, item, rating; ends with NULL   */
  const char *const (*users)[3];   /* id, attribute, value                 */
} Told;

static gboolean
told_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Told *told = self;

  (void) seed;
  for (size_t k = 0; told->users != NULL && told->users[k][0] != NULL; k++)
    fl_builder_attribute (builder, FL_SIDE_USER, fl_span (told->users[k][0]), told->users[k][1],
                          fl_span (told->users[k][2]));
  for (size_t k = 0; told->ratings[k][0] != NULL; k++)
    {
      double rating = 0;

      if (!fl_parse_double (fl_span (told->ratings[k][2]), &rating))
        return fl_fail (error, FL_ERROR_DATA, "not a number");
      if (!fl_builder_rating (builder, fl_span (told->ratings[k][0]),
                              fl_span (told->ratings[k][1]), rating, FL_NO_TIME, error))
        return FALSE;
    }
  return TRUE;
}

static FlDataset *
load (const char *const (*ratings)[3], const char *const (*users)[3], GError **error)
{
  Told told = { ratings, users };
  const FlSourceOps ops = { .ops_size = sizeof ops, .load = told_load };
  const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                            .name = "told", .ops = &ops };
  const FlInstance source = { .plugin = &plugin, .self = &told, .ops = &ops };

  return fl_dataset_load (&source, NULL, 0, error);
}

/* Users 9, 10 and one above 64 bits, in the order of numbers; items by bytes;
 * user 5 has no rating and goes. */
static void
test_dataset (void **state)
{
  static const char *const ratings[][3] = {
    { "10", "b", "4" }, { "99999999999999999999", "B", "1" }, { "9", "b", "3" },
    { "9", "a10", "2" }, { NULL, NULL, NULL }
  };
  static const char *const users[][3] = {
    { "5", "sex", "X" },   { "10", "sex", "M" },       { "9", "likes", "war" },
    { "9", "likes", "art" }, { "9", "likes", "war" },  { "10", "likes", "" },
    { "9", "sex", "F" },   { NULL, NULL, NULL }
  };
  const size_t start[] = { 0, 2, 3, 4 };
  const uint32_t col[] = { 1, 2, 2, 0 }, likes_start[] = { 0, 2, 2, 2 }, likes[] = { 1, 0 };
  GError *error = NULL;
  g_autoptr (FlDataset) d = load (ratings, users, &error);
  const FlAttribute *a;

  (void) state;
  expect_none (error);
  assert_int_equal (d->n_users, 3);
  assert_string_equal (d->user_id[0], "9");
  assert_string_equal (d->user_id[1], "10");
  assert_string_equal (d->user_id[2], "99999999999999999999");
  assert_string_equal (d->item_id[0], "B");
  assert_string_equal (d->item_id[1], "a10");
  assert_string_equal (d->item_id[2], "b");
  assert_memory_equal (d->ratings.start, start, sizeof start);
  assert_memory_equal (d->ratings.col, col, sizeof col);
  assert_true (d->rating_min == 1 && d->rating_max == 4);
  assert_int_equal (d->n_attributes[FL_SIDE_USER], 2);
  a = &d->attributes[FL_SIDE_USER][0];
  assert_string_equal (a->name, "sex");
  assert_int_equal (a->n_groups, 2);
  assert_string_equal (a->label[a->first[0]], "F");
  assert_string_equal (a->label[a->first[1]], "M");
  assert_int_equal (a->first[2], FL_NO_GROUP);
  a = &d->attributes[FL_SIDE_USER][1];
  assert_memory_equal (a->start, likes_start, sizeof likes_start);
  assert_memory_equal (a->group, likes, sizeof likes);
  assert_int_equal (strlen (d->digest), 64);
  assert_null (d->time);
  assert_null (d->part);
}

static void
test_dataset_order (void **state)
{
  static const char *const one[][3] = {
    { "1", "x", "1" }, { "01", "y", "2" }, { "2", "x", "3" }, { NULL, NULL, NULL }
  };
  static const char *const two[][3] = {
    { "2", "x", "3" }, { "1", "x", "1" }, { "01", "y", "2" }, { NULL, NULL, NULL }
  };
  static const char *const other[][3] = {
    { "2", "x", "3" }, { "1", "x", "1" }, { "01", "y", "2.5" }, { NULL, NULL, NULL }
  };
  g_autoptr (FlDataset) a = load (one, NULL, NULL);
  g_autoptr (FlDataset) b = load (two, NULL, NULL);
  g_autoptr (FlDataset) c = load (other, NULL, NULL);

  (void) state;
  assert_string_equal (a->user_id[0], "1");
  assert_string_equal (a->user_id[1], "01");
  assert_string_equal (a->digest, b->digest);
  assert_string_not_equal (a->digest, c->digest);
}

static void
test_dataset_refused (void **state)
{
  static const char *const twice[][3] = {
    { "u", "x", "1" }, { "v", "x", "2" }, { "u", "x", "3" }, { NULL, NULL, NULL }
  };
  static const char *const none[][3] = { { NULL, NULL, NULL } };
  static const char *const nameless[][3] = { { "", "x", "1" }, { NULL, NULL, NULL } };
  static const char *const odd[][3] = { { "u", "sex", "\xFF" }, { NULL, NULL, NULL } };
  GError *error = NULL;

  (void) state;
  assert_null (load (twice, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "user 'u' rates item 'x' twice");
  assert_null (load (none, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "no ratings");
  assert_null (load (nameless, NULL, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "user id is empty");
  assert_null (load (none, odd, &error));
  expect_error (g_steal_pointer (&error), FL_ERROR_DATA, "'sex' is not UTF-8");
}

/* Enough ids for the table of names to grow, of every length up to 20. */
static void
test_many_names (void **state)
{
  enum { n = 5000 };
  static const char *ratings[n + 1][3];
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (FlDataset) d = NULL;
  GError *error = NULL;

  (void) state;
  for (int k = 0; k < n; k++)
    {
      g_ptr_array_add (ids, g_strdup_printf ("%0*d", 1 + k % 20, k));
      ratings[n - 1 - k][0] = ratings[n - 1 - k][1] = g_ptr_array_index (ids, k);
      ratings[n - 1 - k][2] = "1";
    }
  d = load ((const char *const (*)[3]) ratings, NULL, &error);
  expect_none (error);
  assert_int_equal (d->n_users, n);
  for (uint32_t u = 0; u < n; u++)
    {
      assert_string_equal (d->user_id[u], g_ptr_array_index (ids, u));
      assert_int_equal (d->ratings.col[u], u);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_csr_search),      cmocka_unit_test (test_csr_draw_unseen),
    cmocka_unit_test (test_csr_draw_of_full_row),
    cmocka_unit_test (test_ratings),         cmocka_unit_test (test_ratings_double),
    cmocka_unit_test (test_ratings_refused), cmocka_unit_test (test_append),
    cmocka_unit_test (test_change),         cmocka_unit_test (test_append_items),
    cmocka_unit_test (test_triplets),        cmocka_unit_test (test_no_triplets),
    cmocka_unit_test (test_factor_rows),
    cmocka_unit_test (test_table),           cmocka_unit_test (test_table_windows),
    cmocka_unit_test (test_table_sizes),
    cmocka_unit_test (test_table_files),     cmocka_unit_test (test_skipped),
    cmocka_unit_test (test_header),          cmocka_unit_test (test_dataset),
    cmocka_unit_test (test_dataset_order),   cmocka_unit_test (test_dataset_refused),
    cmocka_unit_test (test_many_names),
  };

  return cmocka_run_group_tests_name ("data", tests, NULL, NULL);
}
