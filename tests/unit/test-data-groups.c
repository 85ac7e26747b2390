/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The group language: each rule and their products, worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/data/shaping/shaping-room.h"
#include "tests/unit/data-folder.h"
#include "tests/unit/registry-case.h"

/* ---- data ---------------------------------------------------------------- */

/* Users 0..7 rate items 0..n-1 of 5, n in `degree`. */
#define N_USERS 8
static const int degree[N_USERS] = { 5, 2, 2, 1, 3, 1, 4, 2 };
static const char *const user_values[][2] = {
  { "gender", "F|M|F|F|M||M|F" },
  { "age", "20|30|30||45|52|17|64" },
  { "zip", "10001|94110|94305|V6T|10999||60601|T8H" },
  { "job", "student|other|unknown||student|home maker|other|a \"b\"" },
  { "weight", "0.5|1.5|2|2|-1|0|1e3|2.25" },
  { "degree", "BSc|MSc|BSc|BSc|MSc|PhD|PhD|MSc" },
};
static const char *const item_values[][2] = {
  { "genre", "Action,Sci-Fi|Drama||Sci-Fi,Drama,Action|other" },
  { "price", "1,9|5|5,6|7|" },
};

static void
add_values (FlBuilder *builder, FlSide side, const char *attribute, const char *all)
{
  g_auto (GStrv) value = g_strsplit (all, "|", -1);

  for (int e = 0; value[e] != NULL; e++)
    {
      const char id[] = { (char) ('0' + e), '\0' };

      fl_builder_values (builder, side, fl_span (id), attribute, fl_span (value[e]), ",");
    }
}

static gboolean
small_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  (void) self;
  (void) seed;
  for (size_t a = 0; a < G_N_ELEMENTS (user_values); a++)
    add_values (builder, FL_SIDE_USER, user_values[a][0], user_values[a][1]);
  for (size_t a = 0; a < G_N_ELEMENTS (item_values); a++)
    add_values (builder, FL_SIDE_ITEM, item_values[a][0], item_values[a][1]);
  for (int u = 0; u < N_USERS; u++)
    for (int i = 0; i < degree[u]; i++)
      {
        const char user[] = { (char) ('0' + u), '\0' }, item[] = { (char) ('0' + i), '\0' };

        if (!fl_builder_rating (builder, fl_span (user), fl_span (item), 1, FL_NO_TIME, error))
          return FALSE;
      }
  return TRUE;
}

static FlDataset *
load_small (void)
{
  static const FlSourceOps ops = { .ops_size = sizeof ops, .load = small_load };
  static const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                                   .name = "small", .ops = &ops };
  const FlInstance source = { .plugin = &plugin, .ops = &ops };

  return fl_dataset_load (&source, NULL, 0, NULL);
}

/* The dataset, all of it in train, its users or items grouped. */
static FlSplit *
try_groups (const FlDataset *dataset, FlSide side, const char *text, GError **error)
{
  const FlSplitKeys all = { .method = 0 };
  FlDataKeys keys = { .filter = NULL };

  if (side == FL_SIDE_USER)
    keys.users_group_by = (char *) text;
  else
    keys.items_group_by = (char *) text;
  return fl_split_new (dataset, &keys, &all, (FlRepeat) { 1, 0 }, error);
}

static const FlGroups *
groups_of (const FlSplit *split)
{
  return split->user_groups != NULL ? split->user_groups : split->item_groups;
}

/* What holds of all groups: everybody in one or more, nobody twice in the same;
 * no group empty; labels unique. */
static void
check_groups (const FlGroups *groups)
{
  g_autofree uint32_t *last = g_new (uint32_t, groups->n_groups + 1);
  g_autofree uint32_t *n = g_new0 (uint32_t, groups->n_groups + 1);

  memset (last, 0xff, (groups->n_groups + 1) * sizeof *last);
  for (uint32_t e = 0; e < groups->n; e++)
    {
      assert_true (groups->start[e] < groups->start[e + 1]);
      assert_int_equal (groups->first[e], groups->group[groups->start[e]]);
      for (uint32_t k = groups->start[e]; k < groups->start[e + 1]; k++)
        {
          uint32_t g = groups->group[k];

          assert_true (g < groups->n_groups && last[g] != e);
          last[g] = e;
          n[g]++;
        }
    }
  for (uint32_t g = 0; g < groups->n_groups; g++)
    {
      assert_true (n[g] > 0 && groups->rule[g][0] != '\0');
      for (uint32_t h = 0; h < g; h++)
        assert_string_not_equal (groups->label[g], groups->label[h]);
    }
}

/* "label:members label:members ...", with the members' numbers when they are few. */
static char *
describe (const FlGroups *groups, gboolean sizes)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (uint32_t g = 0; g < groups->n_groups; g++)
    {
      unsigned n = 0;

      g_string_append_printf (text, "%s%s:", g > 0 ? " " : "", groups->label[g]);
      for (uint32_t e = 0; e < groups->n; e++)
        for (uint32_t k = groups->start[e]; k < groups->start[e + 1]; k++)
          if (groups->group[k] == g)
            {
              n++;
              if (!sizes)
                g_string_append_printf (text, "%u", e);
            }
      if (sizes)
        g_string_append_printf (text, "%u", n);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
expect (const FlDataset *d, FlSide side, const char *text, gboolean sizes, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlSplit) split = try_groups (d, side, text, &error);
  g_autofree char *got = NULL;

  if (error != NULL)
    fail_msg ("%s", error->message);
  check_groups (groups_of (split));
  got = describe (groups_of (split), sizes);
  print_message ("  %s: %s\n", text, got);
  assert_string_equal (got, expected);
}

/* The small users, or items, by number. */
static void
expect_users (const char *text, const char *expected)
{
  g_autoptr (FlDataset) d = load_small ();

  expect (d, FL_SIDE_USER, text, FALSE, expected);
}

static void
expect_items (const char *text, const char *expected)
{
  g_autoptr (FlDataset) d = load_small ();

  expect (d, FL_SIDE_ITEM, text, FALSE, expected);
}

/* ---- one factor ---------------------------------------------------------- */

static void
test_values (void **state)
{
  (void) state;
  expect_users ("gender", "F:0237 M:146 unknown:5");
  expect_users ("age", "17:6 20:0 30:12 45:4 52:5 64:7 unknown:3");
  expect_users ("\"degree\"", "BSc:023 MSc:147 PhD:56");
  /* A value called unknown and a missing one are one group. */
  expect_users ("job", "a \"b\":7 home maker:5 other:16 student:04 unknown:23");
  /* In each of several genres. */
  expect_items ("genre", "Action:03 Drama:13 Sci-Fi:03 other:4 unknown:2");
}

static void
test_ranges (void **state)
{
  (void) state;
  expect_users ("age ranges 30 31 52", "<30:06 30:12 31-51:4 52+:57 unknown:3");
  expect_users ("age ranges 0 30.5 45", "0-<30.5:0126 45+:457 unknown:3");
  expect_users ("weight ranges 0 2", "<0:4 0-<2:015 2+:2367");
  expect_users ("degree ranges 2 4", "<2:35 2-3:1247 4+:06");
  expect_items ("degree ranges 4", "<4:234 4+:01");
  /* In the range of each of several numbers, once. */
  expect_items ("price ranges 5 8", "<5:0 5-7:123 8+:0 unknown:4");
}

static void
test_quantiles (void **state)
{
  (void) state;
  /* 17 20 30 30 45 52 64: users 6 0 1 2 4 5 7 */
  expect_users ("age quantiles 2", "0-50%:0126 50-100%:457 unknown:3");
  expect_users ("age quantiles 7", "0-14.3%:6 14.3-28.6%:0 28.6-42.9%:12 "
                "57.1-71.4%:4 71.4-85.7%:5 85.7-100%:7 unknown:3");
  /* 1 1 2 2 2 3 4 5: users 3 5 1 2 7 4 6 0 */
  expect_users ("degree quantiles 4", "0-25%:35 25-50%:127 50-75%:4 75-100%:06");
}

static void
test_prefix (void **state)
{
  (void) state;
  expect_users ("zip prefix 1", "1:04 6:6 9:12 T:7 V:3 unknown:5");
  expect_users ("zip prefix 3", "100:0 109:4 606:6 941:1 943:2 T8H:7 V6T:3 unknown:5");
  expect_users ("zip prefix 9", "10001:0 10999:4 60601:6 94110:1 94305:2 T8H:7 V6T:3 unknown:5");
  /* Prefixes that are all numbers are in their order. */
  expect_users ("age prefix 1", "1:6 2:0 3:12 4:4 5:5 6:7 unknown:3");
  /* Two values that begin alike are one. */
  expect_items ("genre prefix 1", "A:03 D:13 S:03 o:4 unknown:2");
}

static void
test_chosen (void **state)
{
  (void) state;
  expect_items ("genre only Sci-Fi | Action", "Sci-Fi:03 Action:03 other:14 unknown:2");
  expect_items ("genre only Drama", "Drama:13 other:04 unknown:2");
  /* A chosen value of that name is not the rest. */
  expect_users ("job only other | student", "other:16 student:04 other (2):257 unknown:3");
  expect_users ("job only home  maker | \"a \"\"b\"\"\"",
                "home maker:5 a \"b\":7 other:01246 unknown:3");
  expect_users ("job only \"home maker\"|\"a \"\"b\"\"\" | unknown",
                "home maker:5 a \"b\":7 unknown:23 other:0146");
}

static void
test_first (void **state)
{
  (void) state;
  expect_items ("genre first", "Action:0 Drama:1 Sci-Fi:3 other:4 unknown:2");
  expect_items ("genre first Drama | Action", "Drama:13 Action:0 other:4 unknown:2");
  expect_items ("genre first Action", "Action:03 other:14 unknown:2");
}

static void
test_last (void **state)
{
  (void) state;
  expect_items ("genre last", "Action:3 Drama:1 Sci-Fi:0 other:4 unknown:2");
}

/* ---- products ------------------------------------------------------------ */

static void
test_products (void **state)
{
  (void) state;
  expect_users ("gender * age ranges 30",
                "F * <30:0 F * 30+:27 F * unknown:3 M * <30:6 M * 30+:14 unknown * 30+:5");
  expect_users ("age ranges 30*gender",
                "<30 * F:0 <30 * M:6 30+ * F:27 30+ * M:14 30+ * unknown:5 unknown * F:3");
  /* Several values on one side: each combination. */
  expect_items ("genre first Action * genre only Drama | Sci-Fi",
                "Action * Drama:3 Action * Sci-Fi:03 other * Drama:1 other * other:4 "
                "unknown * unknown:2");
  expect_items ("genre * price",
                "Action * 1:0 Action * 7:3 Action * 9:0 Drama * 5:1 Drama * 7:3 Sci-Fi * 1:0 "
                "Sci-Fi * 7:3 Sci-Fi * 9:0 other * unknown:4 unknown * 5:2 unknown * 6:2");
  expect_users ("gender * degree ranges 3 * \"degree\" only BSc",
                "F * <3 * BSc:23 F * <3 * other:7 F * 3+ * BSc:0 M * <3 * other:1 "
                "M * 3+ * other:46 unknown * <3 * other:5");
}

/* Whoever is in groups a and b of the factors is in their combination, and in no
 * other. */
static void
test_product_property (void **state)
{
  static const char *const factors[] = {
    "gender", "age ranges 18 35 50", "degree quantiles 3", "zip prefix 1",
    "job only student | other", "weight quantiles 2"
  };
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  for (size_t a = 0; a < G_N_ELEMENTS (factors); a++)
    for (size_t b = 0; b < G_N_ELEMENTS (factors); b++)
      {
        g_autofree char *text = g_strdup_printf ("%s * %s", factors[a], factors[b]);
        g_autoptr (FlSplit) one = try_groups (d, FL_SIDE_USER, factors[a], NULL);
        g_autoptr (FlSplit) two = try_groups (d, FL_SIDE_USER, factors[b], NULL);
        g_autoptr (FlSplit) both = try_groups (d, FL_SIDE_USER, text, NULL);
        const FlGroups *x = one->user_groups, *y = two->user_groups, *xy = both->user_groups;

        check_groups (xy);
        assert_true (xy->n_groups <= x->n_groups * y->n_groups);
        for (uint32_t u = 0; u < xy->n; u++)
          {
            g_autofree char *label = g_strdup_printf ("%s * %s", x->label[x->first[u]],
                                                      y->label[y->first[u]]);

            assert_string_equal (xy->label[xy->first[u]], label);
          }
        for (uint32_t g = 1; g < xy->n_groups; g++)
          assert_string_not_equal (xy->label[g - 1], xy->label[g]);
      }
}

/* ---- rules as text ------------------------------------------------------- */

static void
expect_rules (FlSide side, const char *text, const char *name, const char *expected)
{
  g_autoptr (FlDataset) d = load_small ();
  g_autoptr (FlSplit) split = try_groups (d, side, text, NULL);
  g_autofree char *got = NULL;

  assert_non_null (split);
  got = g_strjoinv ("; ", (char **) groups_of (split)->rule);
  print_message ("  %s\n", got);
  assert_string_equal (got, expected);
  assert_string_equal (groups_of (split)->name, name);
}

static void
test_rules (void **state)
{
  (void) state;
  expect_rules (FL_SIDE_USER, "gender", "gender",
                "gender is F; gender is M; no value of gender");
  expect_rules (FL_SIDE_USER, "age ranges 18 35 36", "age",
                "age below 18; age from 18 to 34; age from 36; no value of age");
  expect_rules (FL_SIDE_USER, "weight ranges 0 2", "weight",
                "weight below 0; weight from 0 to below 2; weight from 2");
  expect_rules (FL_SIDE_USER, "degree quantiles 2", "degree",
                "number of training ratings from 1 to 2, quantile 1 of 2; "
                "number of training ratings from 3 to 5, quantile 2 of 2");
  expect_rules (FL_SIDE_USER, "zip prefix 1 * job only unknown", "zip * job",
                "zip starts with 1 and any other value of job; "
                "zip starts with 6 and any other value of job; "
                "zip starts with 9 and job is unknown or not given; "
                "zip starts with 9 and any other value of job; "
                "zip starts with T and any other value of job; "
                "zip starts with V and job is unknown or not given; "
                "no value of zip and any other value of job");
  expect_rules (FL_SIDE_ITEM, "genre first Drama | Action | Sci-Fi", "genre",
                "genre is Drama; genre is Action, but none of Drama; any other value of genre; "
                "no value of genre");
  expect_rules (FL_SIDE_ITEM, "genre first", "genre",
                "first genre is Action; first genre is Drama; first genre is Sci-Fi; "
                "first genre is other; no value of genre");
  expect_rules (FL_SIDE_ITEM, "genre last", "genre",
                "last genre is Action; last genre is Drama; last genre is Sci-Fi; "
                "last genre is other; no value of genre");
}

/* ---- errors of an arm ---------------------------------------------------- */

static const double *
arm_errors (gpointer user_data, FlSide side, const char *arm, FlPart part, GError **error)
{
  static const double errors[N_USERS] = { 0.9, 0.5, NAN, 0.7, 1.6, 0.5, 2, 1 };

  (void) user_data;
  if (strcmp (arm, "plain arm") == 0 && side == FL_SIDE_USER && part == FL_PART_TEST)
    return errors;
  fl_fail (error, FL_ERROR_CONFIG, "not asked for");
  return NULL;
}

static void
test_errors (void **state)
{
  const char *text = "error of \"plain arm\" on test quantiles 3 * gender only F";
  const FlDataKeys keys = { .users_group_by = (char *) text };
  g_autoptr (FlDataset) d = load_small ();
  g_autoptr (FlSplit) split = try_groups (d, FL_SIDE_USER, text, NULL);
  g_autofree char *got = NULL;

  (void) state;
  /* Nobody has been measured yet. */
  assert_non_null (split);
  assert_null (split->user_groups);
  assert_true (fl_split_group (split, d, &keys, FL_SIDE_USER, arm_errors, NULL, NULL));
  assert_ptr_equal (split->data.user_groups, split->user_groups);
  check_groups (split->user_groups);
  /* .5 .5 .7 .9 1 1.6 2: users 1 5 | 3 0 | 7 4 6 */
  got = describe (split->user_groups, FALSE);
  assert_string_equal (got, "0-33.3% * other:1 0-33.3% * unknown:5 33.3-66.7% * F:03 "
                       "66.7-100% * F:7 66.7-100% * other:46 unknown * F:2");
  assert_string_equal (split->user_groups->name, "error of plain arm on test * gender");
  assert_string_equal (split->user_groups->rule[2], "error of plain arm on test from 0.7 to 0.9, "
                       "quantile 2 of 3 and gender is F");
}

static void
test_held_out (void **state)
{
  static const struct
  {
    const char *text;
    gboolean by_error, held_out;
  } cases[] = {
    { "gender", FALSE, FALSE },
    { "error of a quantiles 2", TRUE, FALSE }, /* on training ratings */
    { "error of a on train ranges 1", TRUE, FALSE },
    { "gender * error of a on validation ranges 1", TRUE, TRUE },
    { "error of a on test ranges 1 * error of b ranges 1", TRUE, TRUE },
    { "error ranges 1 * of", FALSE, FALSE }, /* attributes of these names */
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autoptr (FlGrouping) grouping = fl_grouping_parse (cases[c].text, NULL);

      assert_non_null (grouping);
      assert_int_equal (grouping->by_error, cases[c].by_error);
      assert_int_equal (grouping->held_out, cases[c].held_out);
    }
}

/* ---- mistakes ------------------------------------------------------------ */

static void
test_grammar (void **state)
{
  static const char *const cases[][2] = {
    { "*", "expected an attribute, degree, or error of ARM, found '*'" },
    { "gender *", "expected an attribute, degree, or error of ARM, found the end" },
    { "gender age", "expected a rule or '*', found 'age'" },
    { "age rangs 3", "found 'rangs'; did you mean 'ranges'?" },
    { "job home maker", "a name with blanks needs quotes" },
    { "age ranges", "expected lower bounds of groups, found the end" },
    { "age ranges 18; 35", "expected a number (the lower bound of a group), found '18;'" },
    { "age ranges 3 2", "ranges: 2 after 3: must ascend" },
    { "age ranges 3 3", "ranges: 3 after 3: must ascend" },
    { "age ranges nan", "expected a number" },
    { "age quantiles", "a whole number from 2 to 1000 after 'quantiles', found the end" },
    { "age quantiles 1", "a whole number from 2 to 1000 after 'quantiles', found '1'" },
    { "age quantiles 1001", "found '1001'" },
    { "age quantiles 2 3", "expected '*' or the end, found '3'" },
    { "zip prefix 0", "a whole number from 1 to 100 after 'prefix', found '0'" },
    { "genre only", "expected a value, found the end" },
    { "genre only a | ", "expected a value, found the end" },
    { "genre only a | * degree", "expected a value, found '*'" },
    { "genre first a | b | a", "the value 'a' is there twice" },
    { "genre last Drama", "expected '*' or the end, found 'Drama'" },
    { "genre | age", "expected '*' or the end, found '|'" },
    { "degree", "degree needs ranges or quantiles: it is the number of training ratings (an "
                "attribute of that name needs quotes)" },
    { "degree prefix 1", "degree needs ranges or quantiles" },
    { "error of a", "error of a on train needs ranges or quantiles: it is a number" },
    { "error of", "expected the name of an arm, found the end" },
    { "error of a on tests ranges 1",
      "expected test, validation or train after 'on', found 'tests'" },
    { "error of plain arm quantiles 3", "found 'arm'" },
    { "\"gender", "a quote without its end: \"gender" },
    { "\"\" quantiles 2", "nothing between quotes" },
  };

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      const FlDataKeys keys = { .filter = (char *) "", .items_group_by = (char *) cases[c][0] };
      g_autofree char *start = g_strdup_printf ("items.group-by = %s: ", cases[c][0]);
      g_autoptr (GError) error = NULL;

      assert_false (fl_data_keys_check (&keys, &error));
      print_message ("  %s\n", error->message);
      assert_true (g_str_has_prefix (error->message, start));
      if (strstr (error->message, cases[c][1]) == NULL)
        fail_msg ("'%s' is not in that message", cases[c][1]);
    }
}

static void
test_mistakes (void **state)
{
  static const struct
  {
    FlSide side;
    const char *text, *part;
  } cases[] = {
    { FL_SIDE_USER, "gendr", "[data] users.group-by = gendr: no such attribute: 'gendr'; did you "
                             "mean 'gender'?" },
    { FL_SIDE_ITEM, "genre * shop", "no such attribute: 'shop'; there are: genre, price, degree" },
    { FL_SIDE_USER, "gender quantiles 2", "ranges and quantiles need numbers: 'F' is none" },
    { FL_SIDE_USER, "zip ranges 50000", "'V6T' is none" },
    { FL_SIDE_USER, "age quantiles 8", "8 quantiles of age: there are only 7 with a number" },
    { FL_SIDE_ITEM, "price quantiles 2", "there are some with 2 values of price" },
    { FL_SIDE_ITEM, "genre only Acton", "'Acton' is no value of genre; did you mean 'Action'?" },
    { FL_SIDE_ITEM, "genre first Drama | Western",
      "'Western' is no value of genre; known: Action, Drama, Sci-Fi, other" },
  };
  g_autoptr (FlDataset) d = load_small ();

  (void) state;
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autoptr (GError) error = NULL;

      assert_null (try_groups (d, cases[c].side, cases[c].text, &error));
      print_message ("  %s\n", error->message);
      if (strstr (error->message, cases[c].part) == NULL)
        fail_msg ("'%s' is not in that message", cases[c].part);
    }
}

/* Each factor multiplies: refused before memory is. */
static void
test_too_many (void **state)
{
  g_autoptr (FlDataset) d = load_small ();
  g_autoptr (GString) text = g_string_new ("genre");
  g_autoptr (GError) error = NULL;

  (void) state;
  for (int f = 0; f < 19; f++)
    g_string_append (text, " * genre");
  assert_null (try_groups (d, FL_SIDE_ITEM, text->str, &error)); /* 3^20 of item 3 */
  print_message ("  %s\n", error->message);
  assert_non_null (strstr (error->message, "too many combinations of groups: 348"));
  g_clear_error (&error);
  for (int f = 0; f < 20; f++)
    g_string_append (text, " * genre");
  assert_null (try_groups (d, FL_SIDE_ITEM, text->str, &error)); /* 5^40 places */
  assert_non_null (strstr (error->message, "too many combinations of groups"));
}

/* ---- real data ----------------------------------------------------------- */

static void
test_movielens_100k (void **state)
{
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("ml-100k"))
    skip ();
  d = load_source ("movielens-100k");
  expect (d, FL_SIDE_USER, "age quantiles 10", TRUE,
          "0-10%:109 10-20%:92 20-30%:71 30-40%:105 40-50%:96 50-60%:98 60-70%:79 70-80%:103 "
          "80-90%:105 90-100%:85");
  expect (d, FL_SIDE_USER, "age ranges 52 60", TRUE, "<52:858 52-59:54 60+:31");
  expect (d, FL_SIDE_USER, "zip-digit", TRUE,
          "0:96 1:97 2:101 3:62 4:77 5:121 6:78 7:67 8:56 9:170 unknown:18");
  /* The 18 with letters. */
  expect (d, FL_SIDE_USER, "zip prefix 1", TRUE,
          "0:96 1:97 2:101 3:62 4:77 5:121 6:78 7:67 8:56 9:170 E:2 K:1 L:2 M:2 N:2 R:1 T:2 V:5 "
          "Y:1");
  expect (d, FL_SIDE_USER, "gender", TRUE, "F:273 M:670");
}

static void
test_movielens_1m (void **state)
{
  g_autoptr (FlDataset) d = NULL;

  (void) state;
  if (!have_data ("ml-1m"))
    skip ();
  d = load_source ("movielens-1m");
  expect (d, FL_SIDE_USER, "gender", TRUE, "F:1709 M:4331");
  expect (d, FL_SIDE_USER, "gender * age ranges 25 50", TRUE,
          "F * <25:376 F * 25-49:1085 F * 50+:248 M * <25:949 M * 25-49:2754 M * 50+:628");
  expect (d, FL_SIDE_ITEM, "genre only Romance | Action | Sci-Fi | Musical | Crime", TRUE,
          "Romance:459 Action:495 Sci-Fi:274 Musical:113 Crime:201 other:2395");
  expect (d, FL_SIDE_ITEM, "genre first Romance | Action | Sci-Fi | Musical | Crime", TRUE,
          "Romance:459 Action:460 Sci-Fi:162 Musical:91 Crime:139 other:2395");
  expect (d, FL_SIDE_ITEM, "genre first", TRUE,
          "Action:495 Adventure:154 Animation:90 Children's:89 Comedy:987 Crime:123 "
          "Documentary:106 Drama:1083 Fantasy:2 Film-Noir:25 Horror:259 Musical:25 Mystery:35 "
          "Romance:45 Sci-Fi:45 Thriller:100 War:11 Western:32");
  expect (d, FL_SIDE_ITEM, "genre last", TRUE,
          "Action:62 Adventure:41 Animation:3 Children's:75 Comedy:603 Crime:55 Documentary:103 "
          "Drama:1054 Fantasy:46 Film-Noir:19 Horror:231 Musical:91 Mystery:47 Romance:398 "
          "Sci-Fi:195 Thriller:476 War:140 Western:67");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_values),         cmocka_unit_test (test_ranges),
    cmocka_unit_test (test_quantiles),      cmocka_unit_test (test_prefix),
    cmocka_unit_test (test_chosen),         cmocka_unit_test (test_first),
    cmocka_unit_test (test_last),
    cmocka_unit_test (test_products),       cmocka_unit_test (test_product_property),
    cmocka_unit_test (test_rules),          cmocka_unit_test (test_errors),
    cmocka_unit_test (test_held_out),       cmocka_unit_test (test_grammar),
    cmocka_unit_test (test_mistakes),       cmocka_unit_test (test_too_many),
    cmocka_unit_test (test_movielens_100k), cmocka_unit_test (test_movielens_1m),
  };

  return cmocka_run_group_tests_name ("groups", tests, registry_set_up, registry_tear_down);
}
