/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fixture.h: what both conformance tests need: the plugins under test, instances
 * of them, and data too small to be convenient. */
#ifndef FL_CONFORMANCE_FIXTURE_H
#define FL_CONFORMANCE_FIXTURE_H

#include "core/run/run-room.h"

/* Loads the registry; paths that name files lead nowhere. */
void fixture_open (void);
void fixture_close (void);
extern FlRegistry *fixture_registry;

/* An instance with its defaults, one of them (unless `key` is NULL) replaced;
 * what must be given is "none".  Plugins that parameters name have theirs. */
FlInstance *fixture_instance (const FlEntry *entry, const char *key, const char *value,
                              GError **error);

/* Calls `each` for every plugin of a kind with its defaults, and once for every
 * further word of its choices and every switch: `key` and `value` say which. */
typedef void (*FixtureEach) (const FlEntry *entry, const char *key, const char *value);
void fixture_for_each (FlKind kind, FixtureEach each);

/* Ratings that once broke somebody's mean. */
typedef struct
{
  const char *name;
  uint32_t n_users, n_items;
  size_t n;
  uint32_t user[8], item[8];
  double rating[8];
} FixtureData;

extern const FixtureData fixture_data[];
extern const size_t fixture_n_data;

FlRatings *fixture_ratings (const FixtureData *data);
/* `n` members dealt out to the first `n_used` of `n_groups` groups. */
FlGroups *fixture_groups (uint32_t n, uint32_t n_groups, uint32_t n_used);
void fixture_groups_free (FlGroups *groups);

/* A model whose scores are fixed numbers between 0 and 5; with or without
 * factors.  For as many users and items as the data have. */
FlInstance *fixture_model (const FixtureData *data, gboolean with_factors);
void fixture_model_free (FlInstance *model);

#endif
