/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* keys.c: the host's keys of [data] and [split]. */
#include "core/data/shaping/shaping-parts.h"

/* Keys with a dot, which no field's name has. */
#define DATA_STRING(key, field, doc_) \
  { .type = FL_TYPE_STRING, .name = key, .offset = FL_FIELD_ (FlDataKeys, field, char *), \
    .text = "", .doc = doc_ }

#define DATA_CHOICE(key, field, words_, doc_) \
  { .type = FL_TYPE_CHOICE, .name = key, .offset = FL_FIELD_ (FlDataKeys, field, int), \
    .words = words_, .doc = doc_ }

#define DATA_COMPARE(side_, index) \
  { .type = FL_TYPE_INT, .name = side_ ".compare-at-least", \
    .offset = FL_FIELD_ (FlDataKeys, compare_at_least[index], int64_t), .number = 1, .min = 1, \
    .max = 1000000000, \
    .doc = "groups with fewer members are left out of comparisons between groups; their members " \
           "stay in the data, and the groups in the table" }, \
  { .type = FL_TYPE_BOOL, .name = side_ ".compare-unknown", \
    .offset = FL_FIELD_ (FlDataKeys, compare_unknown[index], gboolean), .max = 1, .number = 1, \
    .doc = "whether groups labelled unknown, of those without a value, are compared as well" }

const FlParam fl_data_params[] = {
  DATA_CHOICE ("bad-lines", ingest.bad_lines, "stop|skip",
               "what becomes of a line that cannot be read: it is an error, or it is left out and "
               "counted"),
  DATA_CHOICE ("duplicates", ingest.duplicates, "error|first|last|mean",
               "what becomes of ratings of one item by one user: they are an error, or the first, "
               "the last (by time where both have one, else by line) or the mean counts"),
  DATA_STRING ("filter", filter,
               "what stays of the data, statement by statement, cut at ';': 'users top N', 'users "
               "top N of all', 'users random N', 'users at-least N', 'core N', 'core users N "
               "items M', 'items where genre in A | B' (or 'not in', 'exactly-one-of'), 'users "
               "where age from 18 to 34' (items alike), 'ratings at-least X', 'ratings as 1', "
               "'ratings random N', 'ratings share X'; N ratings are counted in what is left, "
               "over all parts"),
  DATA_STRING ("users.group-by", users_group_by,
               "groups of users: attributes, 'degree' or 'error of ARM on PART', crossed by '*', "
               "each with 'ranges 18 35', 'quantiles 10', 'prefix 1', 'only A | B', 'first' or "
               "'first A | B' behind it: 'gender * age ranges 18 35 50'"),
  DATA_STRING ("items.group-by", items_group_by, "groups of items, in the same way"),
  DATA_COMPARE ("users", FL_SIDE_USER),
  DATA_COMPARE ("items", FL_SIDE_ITEM),
  FL_PARAM_END
};

const FlParam fl_split_params[] = {
  FL_CHOICE (FlSplitKeys, method, 0,
             "random|per-user|k-fold|per-user-k-fold|time|per-user-time|leave-last|given",
             "random: over all ratings; per-user: the same share of each user's; k-fold and "
             "per-user-k-fold: each repeat tests another fold; time: the latest of all, ratings "
             "of one moment staying together on the earlier side; per-user-time: the latest of "
             "each user's; leave-last: that many of each user's, those of one moment in an "
             "order that the seed draws; given: as the source says"),
  FL_DOUBLE (FlSplitKeys, test, 0.2, 0, 0.99, NULL,
             "share of the ratings held out for testing (random, per-user, time, "
             "per-user-time)"),
  FL_DOUBLE (FlSplitKeys, validation, 0, 0, 0.99, NULL,
             "share of the ratings held out for choosing parameters; for 'given', of the training "
             "ratings, when the data come without such a part"),
  FL_INT (FlSplitKeys, folds, 5, 2, 100, NULL,
          "k-fold: how many; as many repeats test every rating once, and those after them "
          "deal anew"),
  FL_INT (FlSplitKeys, last, 1, 1, 1000000, NULL,
          "leave-last: how many of each user's latest ratings are held out for testing; one "
          "stays for training"),
  FL_INT (FlSplitKeys, validation_last, 0, 0, 1000000, NULL,
          "leave-last: how many of those before them are held out for choosing parameters"),
  FL_BOOL (FlSplitKeys, every_user, FALSE,
           "random, per-user: each user has a rating in training, test and validation, in this "
           "order as far as there are any"),
  FL_CHOICE (FlSplitKeys, cold, 0, "keep|drop",
             "what becomes of users and items without training ratings, which no model can know"),
  FL_CHOICE (FlSplitKeys, judge, 0, "test|validation|fold",
             "what plays the test part; validation, and fold, of the training ratings: to choose "
             "parameters by, without a look at the test ratings, which are in no part then"),
  FL_INT (FlSplitKeys, judge_fold, 1, 1, 100, NULL, "judge = fold: which one"),
  FL_INT (FlSplitKeys, judge_folds, 5, 2, 100, NULL,
          "judge = fold: of how many, each rating drawn into one of them"),
  FL_PARAM_END
};

/* ---- checks -------------------------------------------------------------- */

gboolean
fl_data_grouping (const FlDataKeys *keys, FlSide side, FlGrouping **grouping, GError **error)
{
  const char *text = side == FL_SIDE_USER ? keys->users_group_by : keys->items_group_by;

  *grouping = NULL;
  if (text == NULL || *text == '\0')
    return TRUE;
  *grouping = fl_grouping_parse (text, error);
  if (*grouping == NULL)
    g_prefix_error (error, "%s.group-by = %s: ", side == FL_SIDE_USER ? "users" : "items", text);
  return *grouping != NULL;
}

gboolean
fl_data_keys_check (const FlDataKeys *keys, GError **error)
{
  g_autoptr (GPtrArray) statements = NULL;

  for (int side = 0; side < 2; side++)
    {
      g_autoptr (FlGrouping) grouping = NULL;

      if (!fl_data_grouping (keys, (FlSide) side, &grouping, error))
        return FALSE;
    }
  statements = fl_filter_parse (keys->filter, error);
  return statements != NULL;
}

/* ---- the split ----------------------------------------------------------- */

gboolean
fl_split_folds (const FlSplitKeys *keys)
{
  return keys->method == FL_SPLIT_K_FOLD || keys->method == FL_SPLIT_PER_USER_K_FOLD;
}

/* The share that the keys hold out for testing. */
static double
test_share (const FlSplitKeys *keys)
{
  return fl_split_folds (keys) ? 1.0 / (double) keys->folds : keys->test;
}

gboolean
fl_split_has_part (const FlSplitKeys *keys, FlPart part)
{
  gboolean last = keys->method == FL_SPLIT_LEAVE_LAST;

  if (part == FL_PART_TRAIN || (part == FL_PART_TEST && keys->judge != FL_JUDGE_TEST))
    return TRUE;
  if (part == FL_PART_VALIDATION && keys->judge == FL_JUDGE_VALIDATION)
    return FALSE;
  if (keys->method == FL_SPLIT_GIVEN)
    return TRUE;
  if (part == FL_PART_VALIDATION)
    return last ? keys->validation_last > 0 : keys->validation > 0;
  return last || test_share (keys) > 0;
}

gboolean
fl_split_keys_check (const FlSplitKeys *keys, GError **error)
{
  gboolean last = keys->method == FL_SPLIT_LEAVE_LAST;

  if (last && keys->validation > 0)
    return fl_fail (error, FL_ERROR_CONFIG, "validation = %g: leave-last takes validation-last, "
                    "how many of each user's ratings", keys->validation);
  if (!last && keys->validation_last > 0)
    return fl_fail (error, FL_ERROR_CONFIG, "validation-last goes with method = leave-last");
  if (keys->judge == FL_JUDGE_VALIDATION && keys->method != FL_SPLIT_GIVEN
      && !(last ? keys->validation_last > 0 : keys->validation > 0))
    return fl_fail (error, FL_ERROR_CONFIG, "judge = validation: there is no such part; set "
                    "'validation', or judge = fold");
  if (keys->judge_fold > keys->judge_folds)
    return fl_fail (error, FL_ERROR_CONFIG, "judge-fold = %" G_GINT64_FORMAT ": there are "
                    "%" G_GINT64_FORMAT, keys->judge_fold, keys->judge_folds);
  if (keys->every_user && keys->method != FL_SPLIT_RANDOM && keys->method != FL_SPLIT_PER_USER)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "every-user goes with method = random and method = per-user");
  if (last || keys->method == FL_SPLIT_GIVEN || test_share (keys) + keys->validation < 1)
    return TRUE;
  if (fl_split_folds (keys))
    return fl_fail (error, FL_ERROR_CONFIG, "validation = %g: with folds = %" G_GINT64_FORMAT
                    " nothing is left to train on", keys->validation, keys->folds);
  return fl_fail (error, FL_ERROR_CONFIG,
                  "test = %g and validation = %g leave nothing to train on: they must sum to "
                  "less than 1", keys->test, keys->validation);
}
