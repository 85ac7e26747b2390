/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* keys.c: the host's keys of [data] and [split]. */
#include "core/data/data-room.h"

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

const FlParam fl_data_params[] = {
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
