/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* split-dataset.c: what a split kept, as a dataset of its own. */
#include "core/data/shaping/shaping-parts.h"

/* The time of a pair of the dataset. */
static int64_t
time_of (const FlDataset *dataset, uint32_t u, uint32_t i)
{
  const FlCsr *ratings = &dataset->ratings;
  size_t k;

  if (dataset->time == NULL)
    return FL_NO_TIME;
  k = fl_csr_lower_bound (ratings, u, i);
  return k < ratings->start[u + 1] && ratings->col[k] == i ? dataset->time[k] : FL_NO_TIME;
}

static gboolean
add_part (FlBuilder *builder, const FlDataset *dataset, const FlSplit *split,
          const FlRatings *part, GError **error)
{
  const FlCsr *csr = &part->by_user;

  for (uint32_t u = 0; u < csr->n_rows; u++)
    for (size_t k = csr->start[u]; k < csr->start[u + 1]; k++)
      {
        uint32_t user = split->user[u], item = split->item[csr->col[k]];

        if (!fl_builder_moment (builder, fl_span (dataset->user_id[user]),
                                fl_span (dataset->item_id[item]), fl_csr_value (csr, k),
                                time_of (dataset, user, item), error))
          return FALSE;
      }
  return TRUE;
}

static void
add_attributes (FlBuilder *builder, const FlDataset *dataset, FlSide side, const uint32_t *member,
                uint32_t n)
{
  const char *const *id = side == FL_SIDE_USER ? dataset->user_id : dataset->item_id;

  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    {
      const FlAttribute *attribute = &dataset->attributes[side][a];

      for (uint32_t m = 0; m < n; m++)
        {
          FlSpan who = fl_span (id[member[m]]);

          /* Known, even if nobody has a value. */
          fl_builder_attribute (builder, side, who, attribute->name, fl_span (""));
          for (uint32_t k = attribute->start[member[m]]; k < attribute->start[member[m] + 1]; k++)
            fl_builder_attribute (builder, side, who, attribute->name,
                                  fl_span (attribute->label[attribute->group[k]]));
        }
    }
}

FlDataset *
fl_split_dataset (const FlDataset *dataset, const FlSplit *split, gboolean parts, GError **error)
{
  const FlRatings *const part[] = { split->train, split->validation, split->test };
  g_autoptr (FlBuilder) builder = fl_builder_new (NULL);
  FlRawData *raw;
  /* Training ratings alone are no split. */
  gboolean split_up
      = parts && ((part[FL_PART_VALIDATION] != NULL && part[FL_PART_VALIDATION]->n > 0)
                    || (part[FL_PART_TEST] != NULL && part[FL_PART_TEST]->n > 0));

  fl_builder_scale (builder, split->train->rating_min, split->train->rating_max);
  for (int p = 0; p < 3; p++)
    {
      if (part[p] == NULL)
        continue;
      if (split_up)
        fl_builder_part (builder, (FlPart) p);
      if (!add_part (builder, dataset, split, part[p], error))
        return NULL;
    }
  add_attributes (builder, dataset, FL_SIDE_USER, split->user, split->train->n_users);
  add_attributes (builder, dataset, FL_SIDE_ITEM, split->item, split->train->n_items);
  raw = fl_builder_raw (builder, error);
  return raw != NULL ? fl_dataset_build (raw, FL_DUPLICATES_ERROR, NULL, error) : NULL;
}
