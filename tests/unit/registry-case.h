/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* registry-case.h: the plugins that were built, for a group of tests, and the
 * datasets of their sources. */
#ifndef FL_TESTS_REGISTRY_CASE_H
#define FL_TESTS_REGISTRY_CASE_H

#include "core/data/dataset/dataset-room.h"

static FlRegistry *registry;

static inline int
registry_set_up (void **state)
{
  (void) state;
  registry = fl_registry_new (NULL, NULL);
  return registry != NULL ? 0 : -1;
}

static inline int
registry_tear_down (void **state)
{
  (void) state;
  fl_registry_free (registry);
  return 0;
}

/* The dataset of a source with its defaults. */
static inline FlDataset *
load_source (const char *name)
{
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_SOURCE, name, NULL);
  g_autoptr (FlInstance) source = NULL;
  FlDataset *dataset;

  assert_non_null (entry);
  source = fl_instance_new (entry, "data", NULL, NULL, NULL, NULL, NULL);
  assert_non_null (source);
  dataset = fl_dataset_load (source, NULL, 1, NULL);
  assert_non_null (dataset);
  return dataset;
}

#endif
