/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* split.c: a dataset filtered, split and grouped for one cell. */
#include "core/data/shaping/shaping-parts.h"

#include <string.h>

void
fl_split_free (FlSplit *split)
{
  if (split == NULL)
    return;
  fl_ratings_free (split->train);
  fl_ratings_free (split->validation);
  fl_ratings_free (split->test);
  g_free (split->user);
  g_free (split->item);
  fl_groups_free (split->user_groups);
  fl_groups_free (split->item_groups);
  fl_funnel_free (split->funnel);
  g_free (split);
}

/* ---- ratings of a part --------------------------------------------------- */

/* The dataset index of those kept, and the reverse, G_MAXUINT32 for others. */
static uint32_t *
number_kept (const FlSelection *selection, FlSide side, uint32_t *n_kept, uint32_t **number,
             GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, side);
  g_autofree uint32_t *kept = fl_alloc (n, sizeof *kept, error);

  *number = kept != NULL ? fl_alloc (n, sizeof **number, error) : NULL;
  if (*number == NULL)
    return NULL;
  *n_kept = 0;
  for (uint32_t e = 0; e < n; e++)
    {
      (*number)[e] = selection->keep[side][e] ? *n_kept : G_MAXUINT32;
      if (selection->keep[side][e])
        kept[(*n_kept)++] = e;
    }
  return g_steal_pointer (&kept);
}

typedef struct
{
  const FlDataset *dataset;
  const uint8_t *part;         /* of each rating                     */
  uint32_t n_users, n_items;   /* kept                               */
  const uint32_t *user, *item; /* kept users; new number of any item */
  gboolean ones;               /* every rating is 1                  */
} Cutter;

/* How many ratings of a part there are; exact: each is the same in float. */
static size_t
count_part (const Cutter *cutter, uint8_t part, gboolean *exact)
{
  const double *value = cutter->ones ? NULL : cutter->dataset->ratings.f64;
  size_t n = 0, n_inexact = 0;

#pragma omp parallel for reduction (+ : n, n_inexact) if (cutter->dataset->n >= FL_THREADS_MIN)
  for (size_t k = 0; k < cutter->dataset->n; k++)
    {
      n += cutter->part[k] == part;
      n_inexact += value != NULL && cutter->part[k] == part
                   && (double) (float) value[k] != value[k];
    }
  *exact = n_inexact == 0;
  return n;
}

/* Where the rows of a part start. */
static void
start_rows (const Cutter *cutter, uint8_t part, FlRows *rows)
{
  const size_t *start = cutter->dataset->ratings.start;

#pragma omp parallel for if (cutter->dataset->n >= FL_THREADS_MIN)
  for (uint32_t u = 0; u < cutter->n_users; u++)
    {
      size_t n = 0;

      for (size_t k = start[cutter->user[u]]; k < start[cutter->user[u] + 1]; k++)
        n += cutter->part[k] == part;
      rows->start[u + 1] = n;
    }
  for (uint32_t u = 0; u < cutter->n_users; u++)
    rows->start[u + 1] += rows->start[u];
}

/* Every rating is written where the next of the part belongs, so that those of other
 * parts are overwritten: nothing branches on what is random. */
static void
cut_row (const Cutter *cutter, uint8_t part, FlRows *rows, uint32_t u)
{
  const FlCsr *ratings = &cutter->dataset->ratings;
  size_t at = rows->start[u], end = rows->start[u + 1];

  for (size_t k = ratings->start[cutter->user[u]]; at < end; k++)
    {
      rows->col[at] = cutter->item[ratings->col[k]];
      if (cutter->ones)
        rows->f32[at] = 1;
      else if (rows->f32 != NULL)
        rows->f32[at] = (float) fl_csr_value (ratings, k);
      else
        rows->f64[at] = ratings->f64[k];
      at += cutter->part[k] == part;
    }
}

static gboolean
cut_part (const Cutter *cutter, FlPart part, FlRows *rows, GError **error)
{
  FlRows like = { .n = 0 };
  gboolean exact;
  size_t n = count_part (cutter, (uint8_t) part, &exact);

  /* Only whether a pointer is set counts. */
  like.f32 = exact ? (float *) (gpointer) &like : NULL;
  like.f64 = exact ? NULL : (double *) (gpointer) &like;
  if (!fl_rows_alloc (rows, cutter->n_users, cutter->n_items, n, &like, error))
    return FALSE;
  start_rows (cutter, (uint8_t) part, rows);
#pragma omp parallel for schedule (dynamic, 256) if (cutter->dataset->n >= FL_THREADS_MIN)
  for (uint32_t u = 0; u < cutter->n_users; u++)
    cut_row (cutter, (uint8_t) part, rows, u);
  return TRUE;
}

/* Whether there is such a part, even if no rating is in it. */
static gboolean
has_part (const FlDataset *dataset, const FlSplitKeys *keys, FlPart part)
{
  if (keys->method != FL_SPLIT_GIVEN)
    return fl_split_has_part (keys, part);
  if (keys->judge != FL_JUDGE_TEST && part == FL_PART_TEST)
    return TRUE;
  if (keys->judge == FL_JUDGE_VALIDATION)
    return FALSE;
  return (part == FL_PART_VALIDATION && keys->validation > 0)
         || memchr (dataset->part, (int) part, dataset->n) != NULL;
}

/* The users' rows of each part, by FlPart; has[part]: there is one. */
static gboolean
cut_parts (const Cutter *cutter, const FlSplitKeys *keys, FlRows *rows, gboolean *has,
           GError **error)
{
  for (int part = FL_PART_TRAIN; part <= FL_PART_TEST; part++)
    {
      has[part] = part == FL_PART_TRAIN || has_part (cutter->dataset, keys, (FlPart) part);
      if (has[part] && !cut_part (cutter, (FlPart) part, &rows[part], error))
        return FALSE;
    }
  return TRUE;
}

/* Validation and test stay NULL when the split has no such part. */
static gboolean
join_parts (FlSplit *split, const Cutter *cutter, FlRows *rows, const gboolean *has,
            GError **error)
{
  FlRatings **const ratings[] = { &split->train, &split->validation, &split->test };
  double min = cutter->ones ? 1 : cutter->dataset->rating_min;
  double max = cutter->ones ? 1 : cutter->dataset->rating_max;

  for (int part = FL_PART_TRAIN; part <= FL_PART_TEST; part++)
    if (has[part] && (*ratings[part] = fl_ratings_from_rows (&rows[part], min, max, error)) == NULL)
      return FALSE;
  return TRUE;
}

/* Drops users and items without a training rating from all parts.  Nobody's training
 * ratings become fewer by it: once is enough. */
static void
drop_cold (FlSelection *selection, uint8_t *part)
{
  const FlCsr *ratings = &selection->dataset->ratings;
  uint32_t *by_user = selection->count[FL_SIDE_USER], *by_item = selection->count[FL_SIDE_ITEM];

  memset (by_user, 0, ratings->n_rows * sizeof *by_user);
  memset (by_item, 0, ratings->n_cols * sizeof *by_item);
  selection->n = 0;
  for (uint32_t u = 0; u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      if (part[k] == FL_PART_TRAIN)
        {
          by_user[u]++;
          by_item[ratings->col[k]]++;
        }
  for (int side = 0; side < 2; side++)
    for (uint32_t e = 0; e < fl_dataset_count (selection->dataset, (FlSide) side); e++)
      if (selection->count[side][e] == 0)
        selection->keep[side][e] = 0;
  for (uint32_t u = 0; u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      {
        if (by_user[u] == 0 || by_item[ratings->col[k]] == 0)
          part[k] = FL_DROPPED;
        selection->n += part[k] != FL_DROPPED;
      }
}

/* ---- all ----------------------------------------------------------------- */

gboolean
fl_split_group (FlSplit *split, const FlDataset *dataset, const FlDataKeys *keys, FlSide side,
                FlArmErrors errors, gpointer user_data, GError **error)
{
  const FlRatings *train = split->train;
  const FlEntities users = { dataset, FL_SIDE_USER, split->user, train->n_users, &train->by_user,
                             errors, user_data };
  const FlEntities items = { dataset, FL_SIDE_ITEM, split->item, train->n_items, &train->by_item,
                             errors, user_data };
  g_autoptr (FlGrouping) grouping = NULL;
  FlGroups **groups = side == FL_SIDE_USER ? &split->user_groups : &split->item_groups;

  if (!fl_data_grouping (keys, side, &grouping, error))
    return FALSE;
  if (grouping == NULL || (grouping->by_error && errors == NULL))
    return TRUE;
  g_clear_pointer (groups, fl_groups_free);
  *groups = fl_groups_new (side == FL_SIDE_USER ? &users : &items, grouping, error);
  if (*groups != NULL)
    fl_groups_leave_out (*groups, (uint64_t) keys->compare_at_least[side],
                         keys->compare_unknown[side]);
  else
    g_prefix_error (error, "%s.group-by = %s: ", side == FL_SIDE_USER ? "users" : "items",
                    side == FL_SIDE_USER ? keys->users_group_by : keys->items_group_by);
  split->data.user_groups = split->user_groups;
  split->data.item_groups = split->item_groups;
  return *groups != NULL;
}

static gboolean
split_groups (FlSplit *split, const FlDataset *dataset, const FlDataKeys *keys, GError **error)
{
  return fl_split_group (split, dataset, keys, FL_SIDE_USER, NULL, NULL, error)
         && fl_split_group (split, dataset, keys, FL_SIDE_ITEM, NULL, NULL, error);
}

static gboolean
split_ratings (FlSplit *split, FlSelection *selection, const FlSplitKeys *keys,
               FlRepeat repeat, GError **error)
{
  const FlDataset *dataset = selection->dataset;
  Cutter cutter = { .dataset = dataset, .ones = selection->ones };
  g_autofree uint32_t *user_number = NULL, *item_number = NULL;
  g_autofree uint8_t *part = fl_parts_new (selection, keys, repeat, error);
  FlRows rows[3] = { { .n = 0 } };
  gboolean has[3] = { FALSE }, done;

  if (part == NULL)
    return FALSE;
  if (keys->cold == FL_COLD_DROP)
    {
      drop_cold (selection, part);
      fl_funnel_add (split->funnel, "cold = drop", selection);
    }
  split->user = number_kept (selection, FL_SIDE_USER, &cutter.n_users, &user_number, error);
  if (split->user == NULL)
    return FALSE;
  split->item = number_kept (selection, FL_SIDE_ITEM, &cutter.n_items, &item_number, error);
  if (split->item == NULL)
    return FALSE;
  cutter.part = part;
  cutter.user = split->user;
  cutter.item = item_number;
  done = cut_parts (&cutter, keys, rows, has, error);
  /* The other orientation takes as much again: nothing of the dataset is in the way. */
  g_clear_pointer (&part, g_free);
  fl_dataset_rest (dataset);
  done = done && join_parts (split, &cutter, rows, has, error);
  for (int p = FL_PART_TRAIN; p <= FL_PART_TEST; p++)
    fl_rows_clear (&rows[p]);
  return done;
}

/* Says in which group of the pipeline the mistake is. */
static gboolean
in_group (gboolean done, const char *group, GError **error)
{
  if (!done)
    g_prefix_error (error, "[%s] ", group);
  return done;
}

FlSplit *
fl_split_new (const FlDataset *dataset, const FlDataKeys *data, const FlSplitKeys *keys,
              FlRepeat repeat, GError **error)
{
  g_autoptr (FlSplit) split = g_new0 (FlSplit, 1);
  FlSelection selection = { .dataset = NULL };
  gboolean done
      = in_group (fl_data_keys_check (data, error), "data", error)
        && in_group (fl_split_keys_check (keys, error), "split", error)
        && fl_selection_init (&selection, dataset, error)
        && in_group ((split->funnel = fl_filter_apply (data->filter, &selection,
                                                      fl_fold_seed (keys, repeat), error)) != NULL,
                     "data", error)
        && in_group (split_ratings (split, &selection, keys, repeat, error), "split", error)
        && in_group (split_groups (split, dataset, data, error), "data", error);

  fl_selection_clear (&selection);
  if (!done)
    return NULL;
  split->data = FL_DATA (.train = split->train, .validation = split->validation,
                           .user_groups = split->user_groups,
                           .item_groups = split->item_groups,
                           .n_users = split->train->n_users,
                           .n_items = split->train->n_items);
  return g_steal_pointer (&split);
}

/* ---- what is in a part ---------------------------------------------------- */

#define DIGEST_SHOWN 16 /* digits: enough to tell parts apart */

/* User, item and rating, as the dataset numbers them. */
static void
digest_rows (const FlSplit *split, const FlCsr *rows, GChecksum *checksum)
{
  for (uint32_t u = 0; u < rows->n_rows; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
      {
        uint32_t pair[2] = { GUINT32_TO_LE (split->user[u]), GUINT32_TO_LE (split->item[rows->col[k]]) };
        double rating = fl_csr_value (rows, k);
        uint64_t bits;

        memcpy (&bits, &rating, sizeof bits);
        bits = GUINT64_TO_LE (bits);
        g_checksum_update (checksum, (const guchar *) pair, sizeof pair);
        g_checksum_update (checksum, (const guchar *) &bits, sizeof bits);
      }
}

char *
fl_split_describe_part (const FlSplit *split, const FlDataset *dataset, FlPart part)
{
  const FlRatings *const parts[] = { [FL_PART_TRAIN] = split->train,
                                     [FL_PART_VALIDATION] = split->validation,
                                     [FL_PART_TEST] = split->test };
  g_autoptr (GChecksum) checksum = NULL;

  if (parts[part] == NULL)
    return NULL;
  checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (checksum, (const guchar *) dataset->digest, -1);
  digest_rows (split, &parts[part]->by_user, checksum);
  return g_strdup_printf ("%zu ratings, %.*s", parts[part]->n, DIGEST_SHOWN,
                          g_checksum_get_string (checksum));
}
