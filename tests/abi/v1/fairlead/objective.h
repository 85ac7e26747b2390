/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* objective.h: plugins that measure, and may differentiate.  Part of plugin.h; include that. */
#ifndef FAIRLEAD_OBJECTIVE_H
#define FAIRLEAD_OBJECTIVE_H

#include <fairlead/view.h>

FL_BEGIN_DECLS

typedef struct
{
  size_t ops_size;
  const FlValue *values;
  gboolean (*evaluate) (gconstpointer self, const FlView *view, FlResult *result,
                        GError **error);
  /* The loss an optimiser descends (it may be a smoothed form of the first
   * value) and its derivative by each predicted rating of the view (n, every
   * one written). */
  gboolean (*gradient) (gconstpointer self, const FlView *view, double *loss,
                        double *d_predicted, GError **error);
  /* The same by the model's factors (n_users x rank, n_items x rank; either may
   * be NULL), for losses over all users x items, which are never formed. */
  gboolean (*gradient_factors) (gconstpointer self, const FlView *view, double *loss,
                                double *d_user, double *d_item, GError **error);
  gboolean whole; /* over all users and items: belongs to no part */
} FlObjectiveOps;

/* ---- an objective in other hands ---------------------------------------- */

/* Whether it has a gradient, in either form. */
gboolean fl_objective_has_gradient (const FlInstance *objective);
/* As in FlObjectiveOps; FL_ERROR_NUMERIC where a number is not finite. */
gboolean fl_objective_gradient (const FlInstance *objective, const FlView *view, double *loss,
                                double *d_predicted, GError **error);
/* Its gradient by factors, from whichever of its two gradients it has. */
gboolean fl_objective_gradient_factors (const FlInstance *objective, const FlView *view,
                                        double *loss, double *d_user, double *d_item,
                                        GError **error);

/* Evaluates it over the view and writes into `each` (n_users or n_items of the view) what
 * it says of each user, or item, as its value number `value`; NaN: undefined.
 * FL_ERROR_CONFIG when it gives no such numbers, or the view has not what it needs (lists,
 * groups); its own errors and infinite numbers as where it stands in [evaluate].  Messages
 * name it.
 *
 * So one objective may ask another, a parameter of its own (FL_PLUGIN_PARAM): an index of
 * inequality is of any measure.  Lists, and ratings for validation, it must then need
 * where the other does, or a pipeline is refused:
 *
 *   .needs = FL_NEEDS_LISTS | FL_NEEDS_VALIDATION,
 *   .needs_now = ...                        returns fl_instance_needs (self->measure)   */
gboolean fl_objective_each (const FlInstance *objective, const FlView *view, size_t value,
                            FlSide side, double *each, GError **error);

FL_END_DECLS

#endif
