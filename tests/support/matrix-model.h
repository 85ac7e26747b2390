/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* matrix-model.h: a fitted model in the test's own process, and groups, whose
 * numbers the test gives. */
#ifndef MATRIX_MODEL_H
#define MATRIX_MODEL_H

#include "core/run/run-room.h"

/* Factors; or, when `scored`, no factors, but the same scores in blocks. */
typedef struct
{
  FlFactors factors;
  gboolean scored;
  FlInstance instance; /* hand this to the host */
} MatrixModel;

/* Borrows the arrays of `factors`. */
void matrix_model_init (MatrixModel *model, const FlFactors *factors, gboolean scored);

/* Groups labelled "0", "1", ...; entity e is in those of member[start[e]] ..
 * member[start[e + 1] - 1], or in member[e] when start is NULL.  Freed with
 * fl_groups_free. */
FlGroups *test_groups_new (const char *name, uint32_t n_groups, uint32_t n, const uint32_t *start,
                           const uint32_t *member);

/* The plugin with settings "key=value", NULL-terminated or NULL; what must be given and is
 * not is "none". */
FlInstance *test_instance_new (const FlRegistry *registry, FlKind kind, const char *name,
                               const char *const *settings, GError **error);

/* Entry of the view for a pair, or view->n. */
size_t test_entry (const FlView *view, uint32_t u, uint32_t i);

/* The number of a metric; NaN when it is undefined, or absent. */
double test_metric (const FlOutcome *outcome, const char *name, const char *group);
/* How many ratings, users or items are behind it; NaN when it is absent. */
double test_metric_n (const FlOutcome *outcome, const char *name, const char *group);
/* Its values by entity, or NULL. */
const FlEach *test_each (const FlOutcome *outcome, const char *name);

#endif
