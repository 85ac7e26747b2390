/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* keys.c: the host's keys of [data] and [split]. */
#include "core/data/data-private.h"

/* Keys with a dot, which no field's name has. */
#define DATA_STRING(key, field, doc_) \
  { .type = FL_TYPE_STRING, .name = key, .offset = FL_FIELD_ (FlDataKeys, field, char *), \
    .text = "", .doc = doc_ }
#define DATA_RANGES(key, field, doc_) \
  { .type = FL_TYPE_DOUBLES, .name = key, .offset = FL_FIELD_ (FlDataKeys, field, FlDoubles), \
    .min = -G_MAXDOUBLE, .max = G_MAXDOUBLE, .text = "", .doc = doc_ }
#define DATA_QUANTILES(key, field, doc_) \
  { .type = FL_TYPE_INT, .name = key, .offset = FL_FIELD_ (FlDataKeys, field, int64_t), \
    .min = 0, .max = 1000, .doc = doc_ }

#define DATA_CHOICE(key, field, words_, doc_) \
  { .type = FL_TYPE_CHOICE, .name = key, .offset = FL_FIELD_ (FlDataKeys, field, int), \
    .words = words_, .doc = doc_ }

const FlParam fl_data_params[] = {
  DATA_CHOICE ("bad-lines", ingest.bad_lines, "stop|skip",
               "what becomes of a line that cannot be read: it is an error, or it is left out and "
               "counted"),
  DATA_CHOICE ("duplicates", ingest.duplicates, "error|first|last|mean",
               "what becomes of ratings of one item by one user: they are an error, or the first, "
               "the last or the mean counts"),
  DATA_STRING ("filter", filter,
               "which users and items stay, step by step: 'items top 1000; users random 1000'"),
  DATA_STRING ("users.group-by", users_group_by, "attribute that makes the groups of users"),
  DATA_STRING ("items.group-by", items_group_by, "attribute that makes the groups of items"),
  DATA_RANGES ("users.ranges", users_ranges,
               "lower bounds of the groups, where the users' attribute is a number"),
  DATA_RANGES ("items.ranges", items_ranges,
               "lower bounds of the groups, where the items' attribute is a number"),
  DATA_QUANTILES ("users.quantiles", users_quantiles,
                  "that many groups of equal size, where the users' attribute is a number; 0: no"),
  DATA_QUANTILES ("items.quantiles", items_quantiles,
                  "that many groups of equal size, where the items' attribute is a number; 0: no"),
  FL_PARAM_END
};

const FlParam fl_split_params[] = {
  FL_CHOICE (FlSplitKeys, method, 0, "random|per-user|given",
             "random: over all ratings; per-user: the same share of each user's; given: as the "
             "source says"),
  FL_DOUBLE (FlSplitKeys, test, 0.2, 0, 0.99, NULL, "share of the ratings held out for testing"),
  FL_DOUBLE (FlSplitKeys, validation, 0, 0, 0.99, NULL,
             "share of the ratings held out for choosing parameters"),
  FL_PARAM_END
};

/* ---- checks -------------------------------------------------------------- */

FlGrouping
fl_data_grouping (const FlDataKeys *keys, FlSide side)
{
  if (side == FL_SIDE_USER)
    return (FlGrouping) { keys->users_group_by, keys->users_ranges, keys->users_quantiles };
  return (FlGrouping) { keys->items_group_by, keys->items_ranges, keys->items_quantiles };
}

gboolean
fl_data_keys_check (const FlDataKeys *keys, GError **error)
{
  for (int side = 0; side < 2; side++)
    {
      FlGrouping grouping = fl_data_grouping (keys, (FlSide) side);
      const char *who = side == FL_SIDE_USER ? "users" : "items";

      if (!fl_is_grouped (&grouping) && (grouping.ranges.n > 0 || grouping.quantiles > 0))
        return fl_fail (error, FL_ERROR_CONFIG, "%s.%s needs %s.group-by", who,
                        grouping.ranges.n > 0 ? "ranges" : "quantiles", who);
      if (grouping.ranges.n > 0 && grouping.quantiles > 0)
        return fl_fail (error, FL_ERROR_CONFIG, "%s.ranges and %s.quantiles exclude each other",
                        who, who);
      for (size_t i = 1; i < grouping.ranges.n; i++)
        if (!(grouping.ranges.v[i - 1] < grouping.ranges.v[i]))
          return fl_fail (error, FL_ERROR_CONFIG, "%s.ranges: %g after %g: must ascend", who,
                          grouping.ranges.v[i], grouping.ranges.v[i - 1]);
    }
  return fl_filter_check (keys->filter, error);
}

gboolean
fl_split_keys_check (const FlSplitKeys *keys, GError **error)
{
  if (keys->method == FL_SPLIT_GIVEN || keys->test + keys->validation < 1)
    return TRUE;
  return fl_fail (error, FL_ERROR_CONFIG,
                  "test = %g and validation = %g leave nothing to train on: they must sum to "
                  "less than 1", keys->test, keys->validation);
}
