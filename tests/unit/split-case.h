/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* split-case.h: small datasets and what filters and splits make of them. */
#ifndef FL_TESTS_SPLIT_CASE_H
#define FL_TESTS_SPLIT_CASE_H

#include "core/data/shaping/shaping-room.h"

typedef struct
{
  uint32_t user, item;
  double rating;
  int64_t time; /* or FL_NO_TIME */
  int part;     /* FlPart, or -1 */
} Entry;

typedef struct
{
  size_t n;
  const Entry *entry;
  void (*describe) (FlBuilder *builder); /* attributes, or NULL */
} Entries;

static inline gboolean
entries_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const Entries *entries = self;

  (void) seed;
  for (size_t k = 0; k < entries->n; k++)
    {
      const Entry *entry = &entries->entry[k];
      char user[16], item[16];

      g_snprintf (user, sizeof user, "%u", entry->user);
      g_snprintf (item, sizeof item, "%u", entry->item);
      if (entry->part >= 0)
        fl_builder_part (builder, (FlPart) entry->part);
      if (!fl_builder_rating (builder, fl_span (user), fl_span (item), entry->rating, entry->time,
                              error))
        return FALSE;
    }
  if (entries->describe != NULL)
    entries->describe (builder);
  return TRUE;
}

static inline FlDataset *
dataset_of (Entries entries)
{
  static const FlSourceOps ops = { .ops_size = sizeof ops, .load = entries_load };
  static const FlPlugin plugin = { .struct_size = sizeof plugin, .kind = FL_KIND_SOURCE,
                                   .name = "entries", .ops = &ops };
  const FlInstance source = { .plugin = &plugin, .ops = &ops, .self = &entries };
  GError *error = NULL;
  FlDataset *dataset = fl_dataset_load (&source, NULL, 0, &error);

  if (dataset == NULL)
    fail_msg ("%s", error->message);
  return dataset;
}

/* Users and items by number, each pair rated with probability `density`: from 1 to 5,
 * at times 0..9. */
static inline FlDataset *
random_dataset (uint64_t seed, uint32_t n_users, uint32_t n_items, double density)
{
  FlRng rng = fl_rng (seed, "test data", 0);
  g_autofree Entry *entry = g_new (Entry, (size_t) n_users * n_items);
  size_t n = 0;

  for (uint32_t u = 0; u < n_users; u++)
    for (uint32_t i = 0; i < n_items; i++)
      if (fl_rng_uniform (&rng) < density || (u == 0 && i == 0))
        entry[n++] = (Entry) { u, i, 1 + fl_rng_below (&rng, 5), fl_rng_below (&rng, 10), -1 };
  return dataset_of ((Entries) { n, entry, NULL });
}

static inline FlSplit *
try_split (const FlDataset *dataset, const char *filter, FlSplitKeys keys, FlRepeat repeat,
           GError **error)
{
  const FlDataKeys data = { .filter = (char *) filter };

  return fl_split_new (dataset, &data, &keys, repeat, error);
}

static inline FlSplit *
split_of (const FlDataset *dataset, const char *filter, FlSplitKeys keys, uint64_t seed)
{
  GError *error = NULL;
  FlSplit *split = try_split (dataset, filter, keys, (FlRepeat) { seed, 0 }, &error);

  if (split == NULL)
    fail_msg ("%s", error->message);
  return split;
}

static inline void
expect_error (FlSplit *split, GError **error, const char *part)
{
  assert_null (split);
  assert_non_null (*error);
  print_message ("  %s\n", (*error)->message);
  if (strstr ((*error)->message, part) == NULL)
    fail_msg ("'%s' is not in that message", part);
  g_clear_error (error);
}

#endif
