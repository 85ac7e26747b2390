/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* split.c: a dataset filtered, split and grouped for one cell. */
#include "core/data/data-private.h"

#include <math.h>
#include <string.h>

#define DROPPED 255 /* beside FlPart: not kept by the filter */

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
  g_free (split);
}

/* ---- parts --------------------------------------------------------------- */

static size_t
share_of (size_t n, double share)
{
  return (size_t) floor ((double) n * share + 0.5);
}

/* Draws n_test and n_validation of the `left` ratings from `from` to `to` that
 * are not dropped. */
static void
draw_parts (FlRng rng, uint8_t *part, size_t from, size_t to, size_t left, size_t n_test,
            size_t n_validation)
{
  for (size_t k = from; k < to; k++)
    if (part[k] != DROPPED)
      {
        size_t held_out = n_test + n_validation;

        part[k] = FL_PART_TRAIN;
        if (held_out > 0)
          {
            uint32_t at = fl_rng_below (&rng, (uint32_t) left);

            if (at < n_test)
              {
                part[k] = FL_PART_TEST;
                n_test--;
              }
            else if (at < held_out)
              {
                part[k] = FL_PART_VALIDATION;
                n_validation--;
              }
          }
        left--;
      }
}

static size_t
count_kept (const uint8_t *part, size_t from, size_t to)
{
  size_t n = 0;

  for (size_t k = from; k < to; k++)
    n += part[k] != DROPPED;
  return n;
}

static gboolean
split_random (const FlDataset *dataset, const FlSplitKeys *keys, uint64_t seed, uint8_t *part,
              GError **error)
{
  size_t n = count_kept (part, 0, dataset->n);
  size_t n_test = share_of (n, keys->test), n_validation = share_of (n, keys->validation);

  if (n_test + n_validation >= n)
    return fl_fail (error, FL_ERROR_DATA, "of %zu ratings none is left to train on", n);
  draw_parts (fl_rng (seed, "split", 0), part, 0, dataset->n, n, n_test, n_validation);
  return TRUE;
}

/* Every user draws from a stream of their own, so that who else is there does
 * not matter. */
static gboolean
split_per_user (const FlDataset *dataset, const FlSplitKeys *keys, uint64_t seed, uint8_t *part,
                GError **error)
{
  const size_t *start = dataset->ratings.start;

  (void) error;
  for (uint32_t u = 0; u < dataset->n_users; u++)
    {
      size_t n = count_kept (part, start[u], start[u + 1]);
      size_t n_test = share_of (n, keys->test), n_validation = share_of (n, keys->validation);

      /* One rating stays for training. */
      n_test = MIN (n_test, n - (n > 0));
      n_validation = MIN (n_validation, n - (n > 0) - n_test);
      draw_parts (fl_rng (seed, "split per user", u), part, start[u], start[u + 1], n, n_test,
                  n_validation);
    }
  return TRUE;
}

static gboolean
split_given (const FlDataset *dataset, uint8_t *part, GError **error)
{
  if (dataset->part == NULL)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "method = given: the data come without a split; use random or per-user");
  for (size_t k = 0; k < dataset->n; k++)
    if (part[k] != DROPPED)
      part[k] = dataset->part[k];
  return TRUE;
}

/* The part of each rating of the dataset, DROPPED for those that the filter
 * does not keep. */
static uint8_t *
assign_parts (const FlDataset *dataset, const FlSelection *selection, const FlSplitKeys *keys,
              uint64_t seed, GError **error)
{
  const FlCsr *ratings = &dataset->ratings;
  g_autofree uint8_t *part = fl_alloc (dataset->n, 1, error);
  gboolean done;

  if (part == NULL)
    return NULL;
  for (uint32_t u = 0; u < dataset->n_users; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      if (!selection->keep[FL_SIDE_USER][u] || !selection->keep[FL_SIDE_ITEM][ratings->col[k]])
        part[k] = DROPPED;
  if (keys->method == FL_SPLIT_GIVEN)
    done = split_given (dataset, part, error);
  else if (dataset->part != NULL)
    done = fl_fail (error, FL_ERROR_CONFIG, "the data come split: only method = given goes with "
                    "them");
  else if (keys->method == FL_SPLIT_PER_USER)
    done = split_per_user (dataset, keys, seed, part, error);
  else
    done = split_random (dataset, keys, seed, part, error);
  return done ? g_steal_pointer (&part) : NULL;
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
} Cutter;

static void
cut_rows (const Cutter *cutter, uint8_t part, FlRows *rows)
{
  const FlCsr *ratings = &cutter->dataset->ratings;
  size_t at = 0;

  for (uint32_t u = 0; u < cutter->n_users; u++)
    {
      for (size_t k = ratings->start[cutter->user[u]]; k < ratings->start[cutter->user[u] + 1]; k++)
        if (cutter->part[k] == part)
          {
            rows->col[at] = cutter->item[ratings->col[k]];
            if (rows->f32 != NULL)
              rows->f32[at] = (float) fl_csr_value (ratings, k);
            else
              rows->f64[at] = ratings->f64[k];
            at++;
          }
      rows->start[u + 1] = at;
    }
}

static FlRatings *
cut_part (const Cutter *cutter, FlPart part, GError **error)
{
  const FlDataset *dataset = cutter->dataset;
  const FlCsr *ratings = &dataset->ratings;
  FlRows like = { .n = 0 }, rows;
  gboolean exact = TRUE;
  size_t n = 0;

  for (size_t k = 0; k < dataset->n; k++)
    if (cutter->part[k] == part)
      {
        n++;
        if (ratings->f64 != NULL)
          exact = exact && (double) (float) ratings->f64[k] == ratings->f64[k];
      }
  /* Only whether a pointer is set counts. */
  like.f32 = exact ? (float *) (gpointer) &like : NULL;
  like.f64 = exact ? NULL : (double *) (gpointer) &like;
  if (!fl_rows_alloc (&rows, cutter->n_users, cutter->n_items, n, &like, error))
    return NULL;
  cut_rows (cutter, (uint8_t) part, &rows);
  return fl_ratings_from_rows (&rows, dataset->rating_min, dataset->rating_max, error);
}

/* Validation and test stay NULL when the split has no such part. */
static gboolean
cut_parts (FlSplit *split, const Cutter *cutter, const FlSplitKeys *keys, GError **error)
{
  gboolean given = keys->method == FL_SPLIT_GIVEN;
  gboolean has_validation = !given && keys->validation > 0, has_test = !given && keys->test > 0;

  for (size_t k = 0; given && k < cutter->dataset->n; k++)
    {
      has_validation = has_validation || cutter->dataset->part[k] == FL_PART_VALIDATION;
      has_test = has_test || cutter->dataset->part[k] == FL_PART_TEST;
    }
  split->train = cut_part (cutter, FL_PART_TRAIN, error);
  if (split->train == NULL)
    return FALSE;
  if (split->train->n == 0)
    return fl_fail (error, FL_ERROR_DATA, "there are no ratings to train on");
  if (has_validation
      && (split->validation = cut_part (cutter, FL_PART_VALIDATION, error)) == NULL)
    return FALSE;
  return !has_test || (split->test = cut_part (cutter, FL_PART_TEST, error)) != NULL;
}

/* ---- all ----------------------------------------------------------------- */

static gboolean
split_groups (FlSplit *split, const FlDataset *dataset, const FlDataKeys *keys, GError **error)
{
  FlGrouping users = fl_data_grouping (keys, FL_SIDE_USER);
  FlGrouping items = fl_data_grouping (keys, FL_SIDE_ITEM);

  if (fl_is_grouped (&users)
      && (split->user_groups = fl_groups_new (dataset, FL_SIDE_USER, &users, split->user,
                                              split->train->n_users, &split->train->by_user,
                                              error)) == NULL)
    return FALSE;
  return !fl_is_grouped (&items)
         || (split->item_groups = fl_groups_new (dataset, FL_SIDE_ITEM, &items, split->item,
                                                 split->train->n_items, &split->train->by_item,
                                                 error)) != NULL;
}

static gboolean
split_ratings (FlSplit *split, const FlSelection *selection, const FlSplitKeys *keys,
               uint64_t seed, GError **error)
{
  const FlDataset *dataset = selection->dataset;
  Cutter cutter = { .dataset = dataset };
  g_autofree uint32_t *user_number = NULL, *item_number = NULL;
  g_autofree uint8_t *part = assign_parts (dataset, selection, keys, seed, error);

  if (part == NULL)
    return FALSE;
  split->user = number_kept (selection, FL_SIDE_USER, &cutter.n_users, &user_number, error);
  if (split->user == NULL)
    return FALSE;
  split->item = number_kept (selection, FL_SIDE_ITEM, &cutter.n_items, &item_number, error);
  if (split->item == NULL)
    return FALSE;
  cutter.part = part;
  cutter.user = split->user;
  cutter.item = item_number;
  return cut_parts (split, &cutter, keys, error);
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
              uint64_t seed, GError **error)
{
  g_autoptr (FlSplit) split = g_new0 (FlSplit, 1);
  FlSelection selection = { .dataset = NULL };
  gboolean done
      = in_group (fl_data_keys_check (data, error), "data", error)
        && in_group (fl_split_keys_check (keys, error), "split", error)
        && fl_selection_init (&selection, dataset, error)
        && in_group (fl_filter_apply (data->filter, &selection, seed, error), "data", error)
        && in_group (split_ratings (split, &selection, keys, seed, error), "split", error)
        && in_group (split_groups (split, dataset, data, error), "data", error);

  fl_selection_clear (&selection);
  if (!done)
    return NULL;
  split->data = (FlData) { .train = split->train, .validation = split->validation,
                           .user_groups = split->user_groups,
                           .item_groups = split->item_groups,
                           .n_users = split->train->n_users };
  return g_steal_pointer (&split);
}
