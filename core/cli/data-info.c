/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-info.c: `fairlead data info`: what is in a dataset, and what a pipeline
 * makes of it. */
#include <math.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/cli/data.h"
#include "core/cli/show.h"
#include "core/cli/table.h"

#define BAR_MAX 40
/* Larger tables are left to --json. */
#define GROUPS_SHOWN 40
#define CROSSED_SHOWN 30

static const char *const side_word[] = { "user", "item" };
static const char *const part_word[] = { "train", "validation", "test" };

/* Text of the data's authors, fit for a terminal. */
static char *
shown (const char *text)
{
  char *copy = g_utf8_make_valid (text, -1);

  for (char *c = copy; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = '?';
  return copy;
}

static char *
number (double value)
{
  return isnan (value) ? g_strdup ("-") : g_strdup_printf ("%.2f", value);
}

static void
heading (CliTable *table, const char *const *words)
{
  char **row = g_strdupv ((char **) words);

  cli_table_take (table, row);
}

static void
print_table (const CliTable *table, const FlPage *page)
{
  cli_table_print (table, page->columns, stdout);
}

/* ---- the dataset --------------------------------------------------------- */

static void
add_fact (CliTable *table, const char *name, char *text)
{
  cli_table_add (table, g_strdup (name), text);
}

static char *
time_text (int64_t seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S")
                      : g_strdup_printf ("%" G_GINT64_FORMAT, seconds);
}

static void
add_time (CliTable *table, const FlDataset *dataset)
{
  int64_t from, to;
  size_t n = fl_info_time (dataset, &from, &to);
  g_autofree char *first = NULL, *last = NULL, *without = cli_count (dataset->n - n);

  if (n == 0)
    return;
  first = time_text (from);
  last = time_text (to);
  if (n == dataset->n)
    add_fact (table, "time", g_strdup_printf ("%s to %s UTC", first, last));
  else
    add_fact (table, "time", g_strdup_printf ("%s to %s UTC; %s ratings without", first, last,
                                              without));
}

static void
add_parts (CliTable *table, const FlDataset *dataset)
{
  size_t n[3] = { 0 };
  g_autofree char *train = NULL, *validation = NULL, *test = NULL;

  if (dataset->part == NULL)
    return;
  for (size_t k = 0; k < dataset->n; k++)
    n[dataset->part[k]]++;
  train = cli_count (n[FL_PART_TRAIN]);
  validation = cli_count (n[FL_PART_VALIDATION]);
  test = cli_count (n[FL_PART_TEST]);
  add_fact (table, "given parts",
            g_strdup_printf ("train %s, validation %s, test %s", train, validation, test));
}

static void
print_facts (const CliData *data, const FlPage *page)
{
  const FlDataset *dataset = data->dataset;
  g_auto (CliTable) table = { NULL };
  g_autofree char *count = cli_count (dataset->n);
  double density = (double) dataset->n / dataset->n_users / dataset->n_items;

  cli_table_init (&table, "ll");
  add_fact (&table, "source", g_strdup_printf ("%s, version %s", data->cell->data->plugin,
                                               data->cell->data->plugin_version));
  add_fact (&table, "digest", g_strdup (dataset->digest));
  add_fact (&table, "users", cli_count (dataset->n_users));
  add_fact (&table, "items", cli_count (dataset->n_items));
  add_fact (&table, "ratings", g_strdup_printf ("%s: %.3g %% of all pairs, mean %.4f", count,
                                                100 * density, fl_info_mean (&dataset->ratings)));
  add_fact (&table, "scale", g_strdup_printf ("%g to %g", dataset->rating_min,
                                              dataset->rating_max));
  add_time (&table, dataset);
  add_parts (&table, dataset);
  print_table (&table, page);
  /* Whole, however long: nobody should miss what was left out of the data. */
  for (size_t i = 0; dataset->notes != NULL && dataset->notes[i] != NULL; i++)
    {
      g_autofree char *note = shown (dataset->notes[i]);

      printf ("note: %s\n", note);
    }
}

static char *
bar (double share, const FlPage *page)
{
  GString *text = g_string_new (NULL);

  for (int i = 0; i < (int) ceil (share * BAR_MAX); i++)
    g_string_append (text, page->unicode ? "█" : "#");
  return g_string_free (text, FALSE);
}

static void
print_values (const FlDataset *dataset, const FlPage *page)
{
  static const char *const words[] = { "rating", "count", "share", "", NULL };
  g_autoptr (GArray) bins = fl_info_values (&dataset->ratings);
  g_auto (CliTable) table = { NULL };
  size_t most = 0;

  cli_table_init (&table, "rrrl");
  heading (&table, words);
  for (guint b = 0; b < bins->len; b++)
    most = MAX (most, g_array_index (bins, FlBin, b).n);
  for (guint b = 0; b < bins->len; b++)
    {
      const FlBin *bin = &g_array_index (bins, FlBin, b);

      cli_table_add (&table, bin->from == bin->to
                     ? g_strdup_printf ("%g", bin->from)
                     : g_strdup_printf ("%g to %s%g", bin->from,
                                        b + 1 < bins->len ? "below " : "", bin->to),
                     cli_count (bin->n), cli_percent ((double) bin->n / (double) dataset->n),
                     bar ((double) bin->n / (double) most, page));
    }
  print_table (&table, page);
}

static gboolean
print_activity (const FlDataset *dataset, const FlPage *page, GError **error)
{
  static const char *const words[]
      = { "ratings of a", "min", "median", "mean", "max", "the top 1 % have", NULL };
  g_auto (CliTable) table = { NULL };

  cli_table_init (&table, "lrrrrr");
  heading (&table, words);
  for (int side = 0; side < 2; side++)
    {
      FlActivity activity;

      if (!fl_info_activity (&dataset->ratings, (FlSide) side, &activity, error))
        return FALSE;
      cli_table_add (&table, g_strdup (side_word[side]), cli_count (activity.min),
                     g_strdup_printf ("%g", activity.median), number (activity.mean),
                     cli_count (activity.max), cli_percent (activity.top_share));
    }
  print_table (&table, page);
  return TRUE;
}

/* "M (670), F (273)": as many as the line takes. */
static char *
largest (const FlAttribute *attribute, const FlLabelCount *labels, size_t columns)
{
  GString *text = g_string_new (NULL);

  for (uint32_t g = 0; g < attribute->n_groups && fl_text_width (text->str) < columns; g++)
    {
      g_autofree char *label = shown (attribute->label[labels[g].label]);

      g_string_append_printf (text, "%s%s (%u)", g > 0 ? ", " : "", label, labels[g].n);
    }
  return g_string_free (text, FALSE);
}

static void
print_attributes (const FlDataset *dataset, FlSide side, const FlPage *page)
{
  const char *words[] = { side == FL_SIDE_USER ? "attribute of users" : "attribute of items",
                          "values", "missing", "largest", NULL };
  g_auto (CliTable) table = { NULL };

  if (dataset->n_attributes[side] == 0)
    return;
  cli_table_init (&table, "lrrl");
  heading (&table, words);
  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    {
      const FlAttribute *attribute = &dataset->attributes[side][a];
      uint32_t n_missing;
      gboolean several;
      g_autofree FlLabelCount *labels = fl_info_labels (attribute, &n_missing, &several);
      g_autofree char *name = shown (attribute->name);

      cli_table_add (&table, g_strconcat (name, several ? " (several each)" : "", NULL),
                     cli_count (attribute->n_groups), cli_count (n_missing),
                     largest (attribute, labels, page->columns));
    }
  fputc ('\n', stdout);
  print_table (&table, page);
}

/* ---- what the pipeline makes of it --------------------------------------- */

static void
print_funnel (const FlFunnel *funnel, const FlPage *page)
{
  static const char *const words[] = { "filter", "users", "items", "ratings", "kept", NULL };
  g_auto (CliTable) table = { NULL };

  if (funnel == NULL || funnel->n < 2)
    return;
  cli_table_init (&table, "lrrrr");
  heading (&table, words);
  for (size_t r = 0; r < funnel->n; r++)
    {
      const FlFunnelRow *row = &funnel->row[r];

      cli_table_add (&table, shown (row->text), cli_count (row->kept[FL_SIDE_USER]),
                     cli_count (row->kept[FL_SIDE_ITEM]), cli_count (row->n_ratings),
                     cli_percent ((double) row->n_ratings / (double) funnel->row[0].n_ratings));
    }
  fputc ('\n', stdout);
  print_table (&table, page);
}

static const FlRatings *
part_of (const FlSplit *split, FlPart part)
{
  return part == FL_PART_TRAIN ? split->train
         : part == FL_PART_TEST ? split->test : split->validation;
}

static char *
cold_text (const FlCsr *part, const FlCsr *train)
{
  size_t n, n_ratings;
  g_autofree char *who = NULL, *ratings = NULL;

  fl_info_cold (part, train, &n, &n_ratings);
  who = cli_count (n);
  ratings = cli_count (n_ratings);
  return n == 0 ? g_strdup ("0") : g_strdup_printf ("%s (%s ratings)", who, ratings);
}

static gboolean
print_parts (const FlSplit *split, const FlPage *page, GError **error)
{
  static const char *const words[] = { "part", "ratings", "share", "min a user", "median a user",
                                       "users not in train", "items not in train", NULL };
  size_t n = 0;
  g_auto (CliTable) table = { NULL };

  cli_table_init (&table, "lrrrrrr");
  heading (&table, words);
  for (int p = 0; p < 3; p++)
    n += part_of (split, (FlPart) p) != NULL ? part_of (split, (FlPart) p)->n : 0;
  for (int p = 0; p < 3; p++)
    {
      const FlRatings *part = part_of (split, (FlPart) p);
      FlActivity activity;

      if (part == NULL)
        continue;
      if (!fl_info_activity (&part->by_user, FL_SIDE_USER, &activity, error))
        return FALSE;
      cli_table_add (&table, g_strdup (part_word[p]), cli_count (part->n),
                     cli_percent ((double) part->n / (double) n), cli_count (activity.min),
                     g_strdup_printf ("%g", activity.median),
                     cold_text (&part->by_user, &split->train->by_user),
                     cold_text (&part->by_item, &split->train->by_item));
    }
  fputc ('\n', stdout);
  print_table (&table, page);
  return TRUE;
}

static void
print_group_rows (const FlGroups *groups, const FlTally *tally, size_t n_ratings, char *by,
                  const char *who, const FlPage *page)
{
  const char *words[] = { by, who, "ratings", "share", "mean", "", NULL };
  g_autofree uint32_t *size = fl_groups_count_members (groups);
  g_auto (CliTable) table = { NULL };

  cli_table_init (&table, "lrrrrl");
  heading (&table, words);
  for (uint32_t g = 0; g < MIN (groups->n_groups, GROUPS_SHOWN); g++)
    cli_table_add (&table, shown (groups->label[g]), cli_count (size[g]), cli_count (tally->n[g]),
                   cli_percent ((double) tally->n[g] / (double) n_ratings),
                   number (tally->mean[g]),
                   groups->rule != NULL ? shown (groups->rule[g]) : g_strdup (""));
  print_table (&table, page);
  if (groups->n_groups > GROUPS_SHOWN)
    printf ("and %u more, which --json shows\n", groups->n_groups - GROUPS_SHOWN);
  if (groups->start[groups->n] > groups->n)
    printf ("Who is in several groups counts in each.\n");
}

static gboolean
print_groups (const CliData *data, FlSide side, const FlPage *page, GError **error)
{
  const FlSplit *split = data->split;
  const FlGroups *groups = side == FL_SIDE_USER ? split->user_groups : split->item_groups;
  const char *who = side == FL_SIDE_USER ? "users" : "items";
  g_autofree char *by = NULL;
  g_autoptr (FlGrouping) grouping = NULL;
  g_auto (FlTally) tally = { 0 };

  if (!fl_cell_grouping (data->cell, side, &grouping, error))
    return FALSE;
  if (grouping == NULL)
    return TRUE;
  if (groups == NULL)
    {
      printf ("\n%s are grouped by the error of an arm, which only a run knows\n", who);
      return TRUE;
    }
  if (!fl_tally_init (&tally, split->train, side == FL_SIDE_USER ? groups : NULL,
                      side == FL_SIDE_ITEM ? groups : NULL, error))
    return FALSE;
  by = g_strdup_printf ("%s by %s", who, groups->name);
  fputc ('\n', stdout);
  print_group_rows (groups, &tally, split->train->n, by, who, page);
  return TRUE;
}

/* One cell of the tally for each pair of groups, the larger side down. */
static void
print_tally (const FlSplit *split, const FlTally *tally, gboolean mean, const FlPage *page)
{
  const FlGroups *users = split->user_groups, *items = split->item_groups;
  gboolean users_down = users->n_groups >= items->n_groups;
  const FlGroups *down = users_down ? users : items, *across = users_down ? items : users;
  g_autofree char *align = g_strnfill (across->n_groups + 1, 'r');
  g_auto (CliTable) table = { NULL };

  align[0] = 'l';
  cli_table_init (&table, align);
  for (uint32_t d = 0; d <= down->n_groups; d++)
    {
      char **row = g_new0 (char *, (size_t) across->n_groups + 2);

      row[0] = d > 0 ? shown (down->label[d - 1])
                     : g_strdup (mean ? "mean rating" : "training ratings");
      for (uint32_t a = 0; a < across->n_groups; a++)
        {
          size_t at = users_down ? (size_t) (d - 1) * tally->n_cols + a
                                 : (size_t) a * tally->n_cols + (d - 1);

          row[a + 1] = d == 0 ? shown (across->label[a])
                       : mean ? number (tally->mean[at]) : cli_count (tally->n[at]);
        }
      cli_table_take (&table, row);
    }
  fputc ('\n', stdout);
  if (cli_table_width (&table) <= page->columns)
    print_table (&table, page);
  else if (!mean)
    printf ("%u x %u crossed groups are too wide to show; --json has them\n", users->n_groups,
            items->n_groups);
}

static gboolean
print_crossed (const FlSplit *split, const FlPage *page, GError **error)
{
  g_auto (FlTally) tally = { 0 };

  if (split->user_groups == NULL || split->item_groups == NULL
      || MAX (split->user_groups->n_groups, split->item_groups->n_groups) > CROSSED_SHOWN)
    return TRUE;
  if (!fl_tally_init (&tally, split->train, split->user_groups, split->item_groups, error))
    return FALSE;
  print_tally (split, &tally, FALSE, page);
  print_tally (split, &tally, TRUE, page);
  return TRUE;
}

char *
cli_data_audit_text (const GPtrArray *rows)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++)
    {
      const FlAuditRow *row = rows->pdata[i];

      g_string_append_printf (text, "%-8s %s\n", fl_audit_word (row->level), row->text);
    }
  return g_string_free (text, FALSE);
}

static gboolean
print_audit (const CliData *data, GError **error)
{
  g_autoptr (GPtrArray) rows
      = fl_cell_audit (data->cell, data->registry, data->dataset, data->split, error);
  g_autofree char *text = NULL;

  if (rows == NULL)
    return FALSE;
  text = cli_data_audit_text (rows);
  printf ("\naudit\n%s", text);
  return TRUE;
}

/* ---- all ----------------------------------------------------------------- */

static gboolean
print_info (const CliData *data, GError **error)
{
  FlPage page = cli_page (stdout);
  g_autofree char *label = cli_data_label (data);

  print_facts (data, &page);
  fputc ('\n', stdout);
  print_values (data->dataset, &page);
  fputc ('\n', stdout);
  if (!print_activity (data->dataset, &page, error))
    return FALSE;
  print_attributes (data->dataset, FL_SIDE_USER, &page);
  print_attributes (data->dataset, FL_SIDE_ITEM, &page);
  if (data->split == NULL)
    return TRUE;
  printf ("\n%s\n", label);
  print_funnel (data->split->funnel, &page);
  return print_parts (data->split, &page, error)
         && print_groups (data, FL_SIDE_USER, &page, error)
         && print_groups (data, FL_SIDE_ITEM, &page, error)
         && print_crossed (data->split, &page, error) && print_audit (data, error);
}

int
cli_data_info (int argc, char **argv)
{
  CliData data = { NULL };
  gboolean json = FALSE, done;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print the same as one JSON object", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new (CLI_DATA_WHAT);
  GError *error = NULL;

  g_option_context_set_summary (context, "Tells what is in a dataset, and what filter, groups "
                                "and split make of it.");
  cli_data_options (&data, context);
  g_option_context_add_main_entries (context, entries, NULL);
  done = g_option_context_parse (context, &argc, &argv, &error)
         && cli_data_open (&data, argc, argv, &error) && cli_data_load (&data, &error)
         && cli_data_split (&data, &error)
         && (json ? cli_data_json (&data, stdout, &error) : print_info (&data, &error));
  cli_data_clear (&data);
  return done ? CLI_DONE : cli_data_fail (error);
}
