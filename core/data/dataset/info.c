/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* info.c: what can be told of data by counting: values, activity, groups. */
#include "core/data/dataset/dataset-parts.h"

#include <math.h>
#include <string.h>

/* More distinct ratings than this are shown in bins. */
#define VALUES_MAX 20
#define BINS 10

/* ---- ratings by value ---------------------------------------------------- */

static int
compare_bins (gconstpointer a_, gconstpointer b_)
{
  const FlBin *a = a_, *b = b_;

  return (a->from > b->from) - (a->from < b->from);
}

/* Counts one rating under its own value; FALSE when there are too many. */
static gboolean
count_value (GArray *bins, double value)
{
  FlBin bin = { value, value, 1 };

  for (guint i = 0; i < bins->len; i++)
    if (g_array_index (bins, FlBin, i).from == value)
      {
        g_array_index (bins, FlBin, i).n++;
        return TRUE;
      }
  if (bins->len == VALUES_MAX)
    return FALSE;
  g_array_append_val (bins, bin);
  return TRUE;
}

static void
count_bins (GArray *bins, const FlCsr *ratings, size_t n)
{
  double min = INFINITY, max = -INFINITY;

  for (size_t k = 0; k < n; k++)
    {
      min = MIN (min, fl_csr_value (ratings, k));
      max = MAX (max, fl_csr_value (ratings, k));
    }
  g_array_set_size (bins, 0);
  for (int b = 0; b < BINS; b++)
    {
      /* Halves first: the difference of two large numbers is not always one. */
      FlBin bin = { min + (max / BINS - min / BINS) * b, min + (max / BINS - min / BINS) * (b + 1),
                    0 };

      bin.to = b == BINS - 1 ? max : bin.to;
      g_array_append_val (bins, bin);
    }
  for (size_t k = 0; k < n; k++)
    {
      double value = fl_csr_value (ratings, k);
      guint b = 0;

      while (b < BINS - 1 && value >= g_array_index (bins, FlBin, b).to)
        b++;
      g_array_index (bins, FlBin, b).n++;
    }
}

GArray *
fl_info_values (const FlCsr *ratings)
{
  GArray *bins = g_array_new (FALSE, FALSE, sizeof (FlBin));
  size_t n = ratings->start[ratings->n_rows];

  for (size_t k = 0; k < n; k++)
    if (!count_value (bins, fl_csr_value (ratings, k)))
      {
        count_bins (bins, ratings, n);
        return bins;
      }
  g_array_sort (bins, compare_bins);
  return bins;
}

double
fl_info_mean (const FlCsr *ratings)
{
  size_t n = ratings->start[ratings->n_rows];
  double sum = 0;

  for (size_t k = 0; k < n; k++)
    sum += fl_csr_value (ratings, k);
  return sum / (double) n;
}

size_t
fl_info_time (const FlDataset *dataset, int64_t *from, int64_t *to)
{
  size_t n = 0;

  *from = G_MAXINT64;
  *to = G_MININT64;
  for (size_t k = 0; dataset->time != NULL && k < dataset->n; k++)
    if (dataset->time[k] != FL_NO_TIME)
      {
        *from = MIN (*from, dataset->time[k]);
        *to = MAX (*to, dataset->time[k]);
        n++;
      }
  if (n > 0)
    {
      *from /= FL_TIME_SECOND;
      *to /= FL_TIME_SECOND;
    }
  return n;
}

/* ---- ratings by user or item --------------------------------------------- */

static int
compare_counts (gconstpointer a_, gconstpointer b_)
{
  size_t a = *(const size_t *) a_, b = *(const size_t *) b_;

  return (a > b) - (a < b);
}

static void
summarise (size_t *count, uint32_t n, FlActivity *activity)
{
  uint32_t n_top = n / 100 + (n % 100 != 0);
  size_t total = 0, top = 0;

  qsort (count, n, sizeof *count, compare_counts);
  for (uint32_t e = 0; e < n; e++)
    {
      total += count[e];
      top += e >= n - n_top ? count[e] : 0;
    }
  *activity = (FlActivity) { n, count[0], count[n - 1],
                             ((double) count[(n - 1) / 2] + (double) count[n / 2]) / 2,
                             (double) total / n,
                             total > 0 ? (double) top / (double) total : 0 };
}

gboolean
fl_info_activity (const FlCsr *ratings, FlSide side, FlActivity *activity, GError **error)
{
  uint32_t n = side == FL_SIDE_USER ? ratings->n_rows : ratings->n_cols;
  g_autofree size_t *count = fl_alloc (n, sizeof *count, error);

  *activity = (FlActivity) { 0 };
  if (count == NULL || n == 0)
    return count != NULL;
  for (uint32_t u = 0; u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      count[side == FL_SIDE_USER ? u : ratings->col[k]]++;
  summarise (count, n, activity);
  return TRUE;
}

void
fl_info_cold (const FlCsr *part, const FlCsr *train, size_t *n_rows, size_t *n_ratings)
{
  *n_rows = *n_ratings = 0;
  for (uint32_t r = 0; r < part->n_rows; r++)
    if (train->start[r] == train->start[r + 1] && part->start[r] < part->start[r + 1])
      {
        (*n_rows)++;
        *n_ratings += part->start[r + 1] - part->start[r];
      }
}

/* ---- attributes and groups ----------------------------------------------- */

static int
compare_labels (gconstpointer a_, gconstpointer b_)
{
  const FlLabelCount *a = a_, *b = b_;

  if (a->n != b->n)
    return a->n > b->n ? -1 : 1;
  return (a->label > b->label) - (a->label < b->label);
}

FlLabelCount *
fl_info_labels (const FlGroups *groups, uint32_t *n_missing, gboolean *several)
{
  FlLabelCount *count = g_new0 (FlLabelCount, (size_t) groups->n_groups + 1);
  g_autofree uint32_t *size = fl_groups_count_members (groups);

  *n_missing = 0;
  *several = FALSE;
  for (uint32_t g = 0; g < groups->n_groups; g++)
    count[g] = (FlLabelCount) { g, size[g] };
  for (uint32_t e = 0; e < groups->n; e++)
    {
      *n_missing += groups->start[e] == groups->start[e + 1];
      *several = *several || groups->start[e + 1] - groups->start[e] > 1;
    }
  qsort (count, groups->n_groups, sizeof *count, compare_labels);
  return count;
}

gboolean
fl_tally_init (FlTally *tally, const FlRatings *ratings, const FlGroups *users,
               const FlGroups *items, GError **error)
{
  const FlCsr *csr = &ratings->by_user;
  FlGroupsCrossed crossed = fl_groups_cross (users, csr->n_rows, items, csr->n_cols);

  *tally = (FlTally) { .n_rows = crossed.n_user_groups, .n_cols = crossed.n_item_groups };
  tally->n = fl_alloc (crossed.n, sizeof *tally->n, error);
  tally->mean = tally->n == NULL ? NULL : fl_alloc (crossed.n, sizeof *tally->mean, error);
  if (tally->mean == NULL)
    {
      fl_tally_clear (tally);
      return FALSE;
    }
  for (uint32_t u = 0; u < csr->n_rows; u++)
    for (size_t k = csr->start[u]; k < csr->start[u + 1]; k++)
      {
        size_t n = fl_groups_count_crossed (&crossed, u, csr->col[k]);

        for (size_t m = 0; m < n; m++)
          {
            size_t at = fl_groups_get_crossed (&crossed, u, csr->col[k], m);

            tally->n[at]++;
            tally->mean[at] += fl_csr_value (csr, k);
          }
      }
  for (size_t at = 0; at < crossed.n; at++)
    tally->mean[at] /= (double) tally->n[at]; /* 0 / 0: NaN */
  return TRUE;
}

void
fl_tally_clear (FlTally *tally)
{
  g_clear_pointer (&tally->n, g_free);
  g_clear_pointer (&tally->mean, g_free);
}
