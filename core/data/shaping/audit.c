/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* audit.c: does a split let through what only its test part should know?
 *
 * Looks at the ratings of the parts themselves, beside those of the dataset: a user's
 * row of each is in the order of items, so that they are read side by side, in time
 * linear in the ratings.
 */
#include "core/data/shaping/shaping-parts.h"

#include <string.h>

const char *
fl_audit_word (FlAuditLevel level)
{
  static const char *const words[] = { "ok", "note", "warning", "error" };

  return words[level];
}

void
fl_audit_row_free (FlAuditRow *row)
{
  g_free (row->text);
  g_free (row);
}

static void G_GNUC_PRINTF (3, 4)
add (GPtrArray *rows, FlAuditLevel level, const char *format, ...)
{
  FlAuditRow *row = g_new0 (FlAuditRow, 1);
  va_list args;

  va_start (args, format);
  row->level = level;
  row->text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (rows, row);
}

/* ---- the parts beside the data ------------------------------------------- */

typedef struct
{
  const FlDataset *dataset;
  const FlSplit *split;
  const FlCsr *part[3];  /* by FlPart; NULL: none                            */
  uint8_t *where;        /* part of each of a user's ratings, or FL_DROPPED  */
  size_t n, n_doubled, n_foreign;
  int64_t first_test;    /* earliest time of a test rating                   */
  size_t n_timed;        /* training ratings that have a time                */
  size_t n_later;        /* of them, later than the first test rating        */
  size_t n_own_later;    /* later than the same user's first test rating     */
  uint32_t n_users_tied;  /* with training ratings of the moment of a test rating */
  uint32_t n_users_later; /* users with such ratings                         */
} Audit;

/* Finds the part of each rating of user u. */
static void
read_user (Audit *audit, uint32_t u)
{
  const FlCsr *ratings = &audit->dataset->ratings;
  size_t from = ratings->start[audit->split->user[u]];
  size_t n = ratings->start[audit->split->user[u] + 1] - from;

  memset (audit->where, FL_DROPPED, n);
  for (uint8_t p = 0; p < G_N_ELEMENTS (audit->part); p++)
    {
      const FlCsr *part = audit->part[p];
      size_t at = 0;

      for (size_t k = part != NULL ? part->start[u] : 0; part != NULL && k < part->start[u + 1];
           k++)
        {
          while (at < n && ratings->col[from + at] < audit->split->item[part->col[k]])
            at++;
          audit->n++;
          if (at == n || ratings->col[from + at] != audit->split->item[part->col[k]])
            audit->n_foreign++;
          else if (audit->where[at] != FL_DROPPED)
            audit->n_doubled++;
          else
            audit->where[at] = p;
        }
    }
}

/* Training ratings of a user that are later than `first`. */
static size_t
count_later (const Audit *audit, const int64_t *time, size_t n, int64_t first)
{
  size_t n_later = 0;

  for (size_t at = 0; at < n; at++)
    n_later += audit->where[at] == FL_PART_TRAIN && time[at] != FL_NO_TIME && time[at] > first;
  return n_later;
}

static int64_t
first_test (const Audit *audit, const int64_t *time, size_t n)
{
  int64_t first = G_MAXINT64;

  for (size_t at = 0; at < n; at++)
    if (audit->where[at] == FL_PART_TEST && time[at] != FL_NO_TIME)
      first = MIN (first, time[at]);
  return first;
}

static void
find_first (Audit *audit, const int64_t *time, size_t n)
{
  audit->first_test = MIN (audit->first_test, first_test (audit, time, n));
}

/* Whether a training rating of the user is of the moment of the first test rating. */
static gboolean
is_tied (const Audit *audit, const int64_t *time, size_t n, int64_t first)
{
  for (size_t at = 0; at < n; at++)
    if (audit->where[at] == FL_PART_TRAIN && time[at] == first)
      return TRUE;
  return FALSE;
}

static void
compare_times (Audit *audit, const int64_t *time, size_t n)
{
  size_t n_own_later = count_later (audit, time, n, first_test (audit, time, n));

  for (size_t at = 0; at < n; at++)
    audit->n_timed += audit->where[at] == FL_PART_TRAIN && time[at] != FL_NO_TIME;
  audit->n_later += count_later (audit, time, n, audit->first_test);
  audit->n_own_later += n_own_later;
  audit->n_users_tied += is_tied (audit, time, n, first_test (audit, time, n));
  audit->n_users_later += n_own_later > 0;
}

static void
read_parts (Audit *audit, void (*look) (Audit *audit, const int64_t *time, size_t n))
{
  const FlDataset *dataset = audit->dataset;

  audit->n = audit->n_doubled = audit->n_foreign = 0;
  for (uint32_t u = 0; u < audit->split->train->n_users; u++)
    {
      size_t from = dataset->ratings.start[audit->split->user[u]];

      read_user (audit, u);
      if (dataset->time != NULL)
        look (audit, dataset->time + from,
              dataset->ratings.start[audit->split->user[u] + 1] - from);
    }
}

static void
report_parts (const Audit *audit, GPtrArray *rows)
{
  if (audit->n_doubled > 0)
    add (rows, FL_AUDIT_ERROR, "%zu ratings are in two parts, or twice in one", audit->n_doubled);
  else
    add (rows, FL_AUDIT_OK, "no pair of user and item is in two parts: %zu ratings compared",
         audit->n);
  if (audit->n_foreign > 0)
    add (rows, FL_AUDIT_ERROR, "%zu ratings of the split are not in the data", audit->n_foreign);
}

static void
report_times (const Audit *audit, GPtrArray *rows)
{
  double percent = 100.0 / (double) MAX (audit->n_timed, 1);

  if (audit->part[FL_PART_TEST] == NULL)
    return;
  if (audit->dataset->time == NULL)
    {
      add (rows, FL_AUDIT_NOTE, "the data have no times: whether training ratings are later than "
           "test ratings cannot be told");
      return;
    }
  if (audit->n_later == 0)
    add (rows, FL_AUDIT_OK, "no training rating is later than any test rating");
  else
    add (rows, FL_AUDIT_WARNING, "%zu of %zu training ratings (%.1f%%) are later than the first "
         "test rating", audit->n_later, audit->n_timed, (double) audit->n_later * percent);
  if (audit->n_users_tied > 0)
    add (rows, FL_AUDIT_NOTE, "%u of %u users have training ratings of the same moment as their "
         "first test rating: which of them came first cannot be told", audit->n_users_tied,
         audit->dataset->n_users);
  if (audit->n_own_later == 0)
    add (rows, FL_AUDIT_OK, "no user's training rating is later than a test rating of the same "
         "user");
  else
    add (rows, FL_AUDIT_WARNING, "%u users have training ratings later than their own first test "
         "rating: %zu ratings (%.1f%%)", audit->n_users_later, audit->n_own_later,
         (double) audit->n_own_later * percent);
}

/* ---- users and items without training ratings ---------------------------- */

static uint32_t
count_cold (const FlCsr *part, const FlCsr *train)
{
  uint32_t n = 0;

  for (uint32_t r = 0; r < part->n_rows; r++)
    n += part->start[r] < part->start[r + 1] && train->start[r] == train->start[r + 1];
  return n;
}

static void
report_cold (const FlSplit *split, const FlRatings *part, const char *name, GPtrArray *rows)
{
  const FlCsr *users = &split->train->by_user, *items = &split->train->by_item;
  size_t n = 0;

  if (part == NULL)
    return;
  for (uint32_t u = 0; u < part->n_users; u++)
    for (size_t k = part->by_user.start[u]; k < part->by_user.start[u + 1]; k++)
      {
        uint32_t i = part->by_user.col[k];

        n += users->start[u] == users->start[u + 1] || items->start[i] == items->start[i + 1];
      }
  if (n == 0)
    add (rows, FL_AUDIT_OK, "every user and item of the %s part has training ratings", name);
  else
    add (rows, FL_AUDIT_WARNING, "%u users and %u items of the %s part have no training ratings: "
         "%zu of its %zu ratings", count_cold (&part->by_user, users),
         count_cold (&part->by_item, items), name, n, part->n);
}

/* What `cold = drop` took away, by the last row of the funnel. */
static void
report_dropped (const FlSplit *split, GPtrArray *rows)
{
  const FlFunnelRow *last = &split->funnel->row[split->funnel->n - 1], *before = last - 1;

  add (rows, FL_AUDIT_NOTE, "%u users, %u items and %zu ratings were dropped for want of training "
       "ratings", before->kept[FL_SIDE_USER] - last->kept[FL_SIDE_USER],
       before->kept[FL_SIDE_ITEM] - last->kept[FL_SIDE_ITEM],
       before->n_ratings - last->n_ratings);
}

/* ---- the pipeline -------------------------------------------------------- */

/* Statements that count ratings, or read them, do so in all parts. */
static gboolean
counts_ratings (const FlStatement *statement)
{
  return statement->verb == FL_VERB_TOP || statement->verb == FL_VERB_AT_LEAST
         || statement->verb == FL_VERB_CORE || statement->verb == FL_VERB_RATED_AT_LEAST;
}

static gboolean
report_filter (const char *filter, GPtrArray *rows, GError **error)
{
  g_autoptr (GPtrArray) statements = fl_filter_parse (filter, error);
  g_autoptr (GString) looking = g_string_new (NULL);

  if (statements == NULL)
    return FALSE;
  for (guint s = 0; s < statements->len; s++)
    {
      const FlStatement *statement = g_ptr_array_index (statements, s);

      if (counts_ratings (statement))
        g_string_append_printf (looking, "%s'%s'", looking->len > 0 ? ", " : "",
                                statement->text);
    }
  if (looking->len > 0)
    add (rows, FL_AUDIT_NOTE, "the filter looked at ratings that are now held out: %s",
         looking->str);
  else if (statements->len > 0)
    add (rows, FL_AUDIT_OK, "the filter looked at no rating");
  return TRUE;
}

static void
report_augmenting (const Audit *audit, const FlAuditCell *cell, GPtrArray *rows)
{
  const FlSplit *split = audit->split;
  g_autofree char *names = NULL;

  if (cell->augmenting == NULL || cell->augmenting[0] == NULL)
    return;
  names = g_strjoinv (", ", (char **) cell->augmenting);
  if (split->data.train == split->train && split->train->n_users == split->data.n_users
      && audit->n_foreign == 0)
    add (rows, FL_AUDIT_OK, "%s: adds users after the split, to the training part alone", names);
  else
    add (rows, FL_AUDIT_ERROR, "%s: users were added before the split", names);
}

static gboolean
report_groups (const FlAuditCell *cell, FlSide side, GPtrArray *rows, GError **error)
{
  const char *by = side == FL_SIDE_USER ? cell->data->users_group_by : cell->data->items_group_by;
  g_autoptr (FlGrouping) grouping = NULL;

  if (!fl_data_grouping (cell->data, side, &grouping, error))
    return FALSE;
  if (grouping != NULL && grouping->held_out)
    add (rows, cell->needs_groups ? FL_AUDIT_WARNING : FL_AUDIT_NOTE,
         "%s.group-by = %s: groups rest on held-out ratings%s", fl_side_word (side), by,
         cell->needs_groups ? ", and mitigators use groups" : "");
  return TRUE;
}

/* One group alone is compared with nothing. */
static void
report_single (const FlSplit *split, FlSide side, GPtrArray *rows)
{
  const FlGroups *groups = side == FL_SIDE_USER ? split->user_groups : split->item_groups;
  g_autofree uint32_t *n_members = groups != NULL ? fl_groups_count_members (groups) : NULL;
  uint32_t n_filled = 0, last = 0;

  for (uint32_t g = 0; groups != NULL && g < groups->n_groups; g++)
    if (n_members[g] > 0)
      {
        n_filled++;
        last = g;
      }
  if (n_filled == 1)
    add (rows, FL_AUDIT_WARNING, "%s=%s is the only group of %s: with %u of %u in it nothing is "
         "compared", groups->name, groups->label[last], fl_side_word (side), n_members[last],
         groups->n);
}

static uint8_t *
longest_row (const FlCsr *ratings, GError **error)
{
  size_t n = 1;

  for (uint32_t u = 0; u < ratings->n_rows; u++)
    n = MAX (n, ratings->start[u + 1] - ratings->start[u]);
  return fl_alloc (n, 1, error);
}

GPtrArray *
fl_split_audit (const FlDataset *dataset, const FlSplit *split, const FlAuditCell *cell,
                GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_audit_row_free);
  g_autofree uint8_t *where = longest_row (&dataset->ratings, error);
  Audit audit = { .dataset = dataset, .split = split, .where = where, .first_test = G_MAXINT64 };

  if (where == NULL)
    return NULL;
  audit.part[FL_PART_TRAIN] = &split->train->by_user;
  audit.part[FL_PART_VALIDATION] = split->validation != NULL ? &split->validation->by_user : NULL;
  audit.part[FL_PART_TEST] = split->test != NULL ? &split->test->by_user : NULL;
  read_parts (&audit, find_first);
  if (dataset->time != NULL)
    read_parts (&audit, compare_times);
  for (size_t n = 0; dataset->notes != NULL && dataset->notes[n] != NULL; n++)
    add (rows, FL_AUDIT_NOTE, "the source: %s", dataset->notes[n]);
  report_parts (&audit, rows);
  report_times (&audit, rows);
  report_cold (split, split->validation, "validation", rows);
  report_cold (split, split->test, "test", rows);
  if (cell->split->cold == FL_COLD_DROP)
    report_dropped (split, rows);
  report_augmenting (&audit, cell, rows);
  report_single (split, FL_SIDE_USER, rows);
  report_single (split, FL_SIDE_ITEM, rows);
  return report_filter (cell->data->filter, rows, error)
         && report_groups (cell, FL_SIDE_USER, rows, error)
         && report_groups (cell, FL_SIDE_ITEM, rows, error) ? g_steal_pointer (&rows) : NULL;
}
