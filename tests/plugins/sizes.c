/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Plugins built against a header with fewer fields, and with more. */
#include "specimen.h"

/* Everything up to where today's structures end, then fields of the future. */
typedef struct
{
  FlPlugin today;
  gpointer more[4];
} LaterPlugin;

typedef struct
{
  FlObjectiveOps today;
  gpointer more[4];
} LaterOps;

/* What lies behind the given size must not be read: here it would crash. */
#define POISON ((gpointer) (uintptr_t) 64)

static const FlObjectiveOps earlier_ops = {
  .ops_size = offsetof (FlObjectiveOps, gradient),
  .values = specimen_values,
  .evaluate = specimen_evaluate,
  .gradient = (gboolean (*) (gconstpointer, const FlView *, double *, double *, GError **)) POISON,
  .whole = TRUE,
};

static const FlPlugin earlier = {
  .struct_size = offsetof (FlPlugin, check),
  .api_version = FL_API_VERSION,
  .kind = FL_KIND_OBJECTIVE,
  .name = "earlier",
  .summary = "knows fewer fields",
  .self_size = 1,
  .ops = &earlier_ops,
  .check = (gboolean (*) (gconstpointer, GError **)) POISON,
  .clear = (void (*) (gpointer)) POISON,
};

static const LaterOps later_ops = {
  .today = { .ops_size = sizeof (LaterOps), .values = specimen_values,
             .evaluate = specimen_evaluate },
  .more = { POISON, POISON, POISON, POISON },
};

static const LaterPlugin later = {
  .today = { .struct_size = sizeof (LaterPlugin), .api_version = FL_API_VERSION,
             .kind = FL_KIND_OBJECTIVE, .name = "later", .summary = "knows more fields",
             .self_size = 1, .ops = &later_ops },
  .more = { POISON, POISON, POISON, POISON },
};

static const FlPlugin stump = {
  .struct_size = offsetof (FlPlugin, self_size),
  .api_version = FL_API_VERSION,
  .kind = FL_KIND_OBJECTIVE,
  .name = "stump",
};

FL_PLUGINS (&earlier, &later.today, &stump);
