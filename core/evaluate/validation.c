/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* validation.c: what a training selects on.  Stages need not know the validation
 * ratings; their run does. */
#include "core/evaluate/evaluate-room.h"

#include <math.h>
#include <string.h>

struct FlValidation
{
  const FlInstance *objective;
  const FlValue *value; /* the first */
  size_t k;     /* 0: no lists */
  FlData data;
  FlView *view;
};

static void
validation_free (FlValidation *validation)
{
  if (validation == NULL)
    return;
  fl_view_free (validation->view);
  g_free (validation);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlValidation, validation_free)

static gboolean
check (const FlValidation *validation, GError **error)
{
  const FlData *data = &validation->data;
  const char *name = validation->objective->plugin->name;
  uint32_t n_items = data->n_items != 0 ? data->n_items : data->train->n_items;

  if (data->validation == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "stop-on = %s: there are no validation ratings; set "
                    "'validation' in [split]", name);
  if (validation->value->direction == FL_NO_DIRECTION)
    return fl_fail (error, FL_ERROR_CONFIG, "stop-on = %s: its value %s is neither better low nor "
                    "high", name, validation->value->name);
  if (validation->k > n_items)
    return fl_fail (error, FL_ERROR_CONFIG, "stop-k = %" G_GSIZE_FORMAT ": there are %u items",
                    validation->k, n_items);
  return TRUE;
}

static FlValidation *
validation_new (const FlStage *stage, const FlInstance *objective, size_t k, GError **error)
{
  g_autoptr (FlValidation) validation = g_new0 (FlValidation, 1);
  const FlRatings *ratings = fl_run_validation (stage->run);

  validation->objective = objective;
  validation->value = fl_objective_values (objective);
  validation->k = fl_objective_needs_lists (objective) ? k : 0;
  validation->data = *stage->data;
  if (ratings != NULL)
    validation->data.validation = ratings;
  return check (validation, error) ? g_steal_pointer (&validation) : NULL;
}

static FlDirection
validation_direction (const FlValidation *validation)
{
  return validation->value->direction;
}

/* The view of the model as it is now. */
static gboolean
update_view (FlValidation *validation, const FlInstance *model, GError **error)
{
  if (validation->view == NULL)
    validation->view = fl_view_new (&validation->data, FL_PART_VALIDATION, model, error);
  else if (!fl_view_update (validation->view, error))
    return FALSE;
  return validation->view != NULL
         && (validation->k == 0 || fl_view_lists (validation->view, validation->k, error));
}

static gboolean
validation_measure (FlValidation *validation, const FlInstance *model, double *value,
                       GError **error)
{
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  const char *name = validation->value->name;

  *value = NAN;
  if (!update_view (validation, model, error)
      || !fl_objective_run (validation->objective, NULL, validation->view, (int) validation->k,
                            outcome, error))
    return FALSE;
  for (guint i = 0; i < outcome->metrics->len; i++)
    {
      const FlMetric *metric = g_ptr_array_index (outcome->metrics, i);

      if (metric->group == NULL && strcmp (metric->name, name) == 0)
        *value = metric->value;
    }
  return !isnan (*value)
         || fl_fail (error, FL_ERROR_DATA, "stop-on = %s: %s is undefined on the validation part",
                     validation->objective->plugin->name, name);
}

const FlTrainingServices fl_training_services = {
  .validation_new = validation_new,
  .validation_free = validation_free,
  .validation_direction = validation_direction,
  .validation_measure = validation_measure,
};
