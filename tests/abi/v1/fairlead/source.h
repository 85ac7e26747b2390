/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* source.h: plugins that make a dataset.  Part of plugin.h; include that. */
#ifndef FAIRLEAD_SOURCE_H
#define FAIRLEAD_SOURCE_H

#include <fairlead/data.h>

FL_BEGIN_DECLS

typedef struct
{
  size_t ops_size;
  /* Adds all ratings, users, items and attributes.  A synthetic source draws
   * from `seed`; others ignore it. */
  gboolean (*load) (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error);
  gboolean seeded; /* load depends on seed: each repeat has its own data */
} FlSourceOps;

FL_END_DECLS

#endif
