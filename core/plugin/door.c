/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* door.c: what all calls of plugins have in common. */
#include "core/plugin/door.h"

#include <fenv.h>
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <xmmintrin.h>
/* MXCSR bit 6, which has no name there. */
#define DENORMALS_ARE_ZERO 0x40u
#endif

#include "core/plugin/plugin-room.h"

/* Calls nest: a mitigator fits a model.  Each thread has calls of its own; one of them
 * writes the plate. */
static _Thread_local const FlInstance *at_work;
static _Thread_local FlDoorPlate *shown;
static _Thread_local char failed[FL_DOOR_NAME_MAX];

static void
name_instance (const FlInstance *instance, char name[FL_DOOR_NAME_MAX])
{
  if (instance == NULL)
    name[0] = '\0';
  else
    g_snprintf (name, FL_DOOR_NAME_MAX, "%s/%s", fl_kind_name (instance->plugin->kind),
                instance->plugin->name);
}

static void
set_at_work (const FlInstance *instance, const char *method)
{
  at_work = instance;
  if (shown == NULL)
    return;
  shown->turn++;
  name_instance (instance, shown->name);
  g_strlcpy (shown->method, method != NULL ? method : "", FL_DOOR_NAME_MAX);
}

void
fl_door_show (FlDoorPlate *plate)
{
  shown = plate;
  set_at_work (at_work, NULL);
}

const FlInstance *
fl_door_at_work (void)
{
  return at_work;
}

const char *
fl_door_failed (void)
{
  return failed[0] != '\0' ? failed : NULL;
}

void
fl_door_forget (void)
{
  failed[0] = '\0';
}

/* Rounding to nearest, and small numbers as they are; TRUE when a plugin has left it so in this
 * thread no more. */
static gboolean
restore_arithmetic (void)
{
#ifdef __SSE2__
  const unsigned modes = _MM_ROUND_MASK | _MM_FLUSH_ZERO_MASK | DENORMALS_ARE_ZERO;
  unsigned now = _mm_getcsr ();

  if ((now & modes) == 0)
    return FALSE;
  _mm_setcsr (now & ~modes);
  return TRUE;
#else
  if (fegetround () == FE_TONEAREST)
    return FALSE;
  fesetround (FE_TONEAREST);
  return TRUE;
#endif
}

FlCall
fl_call_begin (const FlInstance *callee, const char *method)
{
  FlCall call = { .callee = callee, .caller = at_work, .method = method };

  set_at_work (callee, method);
  return call;
}

/* The innermost plugin that fails is the one to name; what others went on after is
 * forgotten. */
static void
note_outcome (const FlCall *call, gboolean done)
{
  if (done)
    failed[0] = '\0';
  else if (failed[0] == '\0')
    name_instance (call->callee, failed);
}

gboolean
fl_call_end (FlCall *call, gboolean done, GError **error)
{
  if (restore_arithmetic () && call->failure == NULL && done)
    done = fl_fail (&call->failure, FL_ERROR_PLUGIN, "%s leaves arithmetic in another mode, which "
                    "would change the digits of all that comes after it", call->method);
  if (!done && call->failure == NULL)
    fl_fail (&call->failure, FL_ERROR_PLUGIN, "%s failed without saying why", call->method);
  else if (done && call->failure != NULL)
    {
      g_prefix_error (&call->failure, "%s says that all went well, and sets an error: ",
                      call->method);
      done = FALSE;
    }
  note_outcome (call, done);
  set_at_work (call->caller, NULL);
  if (call->failure != NULL)
    g_propagate_error (error, g_steal_pointer (&call->failure));
  return done;
}

void
fl_call_leave (FlCall *call)
{
  (void) restore_arithmetic ();
  set_at_work (call->caller, NULL);
}

gboolean
fl_call_check_finite (FlCall *call, const char *what, const double *number, size_t n)
{
  for (size_t k = 0; k < n; k++)
    if (!isfinite (number[k]))
      return fl_fail (&call->failure, FL_ERROR_NUMERIC, "%s: number %zu of %zu of %s is %g",
                      call->method, k + 1, n, what, number[k]);
  return TRUE;
}

/* ---- every kind ----------------------------------------------------------- */

const char *
fl_instance_name (const FlInstance *instance)
{
  return instance->plugin->name;
}

unsigned
fl_instance_needs (const FlInstance *instance)
{
  const FlPlugin *plugin = instance->plugin;
  unsigned needs = plugin->needs;

  if (plugin->needs_now != NULL)
    {
      FlCall call = fl_call_begin (instance, "needs_now");

      needs &= plugin->needs_now (instance->self);
      fl_call_leave (&call);
    }
  return needs;
}

gboolean
fl_instance_check (const FlInstance *instance, GError **error)
{
  FlCall call;

  if (instance->plugin->check == NULL)
    return TRUE;
  call = fl_call_begin (instance, "check");
  return fl_call_end (&call, instance->plugin->check (instance->self, &call.failure), error);
}

gboolean
fl_instance_check_data (const FlInstance *instance, const FlData *data, GError **error)
{
  FlCall call;

  if (instance->plugin->check_data == NULL)
    return TRUE;
  call = fl_call_begin (instance, "check_data");
  return fl_call_end (&call, instance->plugin->check_data (instance->self, data, &call.failure),
                      error);
}

gboolean
fl_instance_inputs (const FlInstance *instance, char ***files, GError **error)
{
  FlCall call;

  *files = NULL;
  if (instance->plugin->inputs == NULL)
    return TRUE;
  call = fl_call_begin (instance, "inputs");
  *files = instance->plugin->inputs (instance->self, &call.failure);
  return fl_call_end (&call, *files != NULL, error);
}

/* ---- sources -------------------------------------------------------------- */

static const FlSourceOps *
source_ops (const FlInstance *source)
{
  return source->ops;
}

gboolean
fl_source_load (const FlInstance *source, uint64_t seed, FlBuilder *builder, GError **error)
{
  FlCall call = fl_call_begin (source, "load");

  return fl_call_end (&call, source_ops (source)->load (source->self, seed, builder,
                                                        &call.failure), error);
}

gboolean
fl_source_is_seeded (const FlInstance *source)
{
  return source_ops (source)->seeded;
}

/* ---- objectives ----------------------------------------------------------- */

static const FlObjectiveOps *
objective_ops (const FlInstance *objective)
{
  return objective->ops;
}

const FlValue *
fl_objective_values (const FlInstance *objective)
{
  return objective_ops (objective)->values;
}

gboolean
fl_objective_is_whole (const FlInstance *objective)
{
  return objective_ops (objective)->whole;
}

gboolean
fl_objective_needs_lists (const FlInstance *objective)
{
  return (fl_instance_needs (objective) & FL_NEEDS_LISTS) != 0;
}

gboolean
fl_objective_evaluate (const FlInstance *objective, const FlView *view, FlResult *result,
                       GError **error)
{
  FlCall call = fl_call_begin (objective, "evaluate");

  return fl_call_end (&call, objective_ops (objective)->evaluate (objective->self, view, result,
                                                                  &call.failure), error);
}

gboolean
fl_objective_has_gradient (const FlInstance *objective)
{
  const FlObjectiveOps *ops = objective_ops (objective);

  return ops->gradient != NULL || ops->gradient_factors != NULL;
}

gboolean
fl_objective_has_own_factors (const FlInstance *objective)
{
  return objective_ops (objective)->gradient_factors != NULL;
}

gboolean
fl_objective_gradient (const FlInstance *objective, const FlView *view, double *loss,
                       double *d_predicted, GError **error)
{
  const FlObjectiveOps *ops = objective_ops (objective);
  FlCall call = fl_call_begin (objective, "gradient");
  gboolean done = ops->gradient != NULL
                      ? ops->gradient (objective->self, view, loss, d_predicted, &call.failure)
                      : fl_fail (&call.failure, FL_ERROR_CONFIG,
                                 "has no gradient by each predicted rating");

  return fl_call_end (&call, done && fl_call_check_finite (&call, "the loss", loss, 1)
                                 && fl_call_check_finite (&call, "the derivative by predictions",
                                                          d_predicted, view->n), error);
}

gboolean
fl_objective_gradient_own_factors (const FlInstance *objective, const FlView *view, double *loss,
                                   double *d_user, double *d_item, GError **error)
{
  const FlObjectiveOps *ops = objective_ops (objective);
  FlCall call = fl_call_begin (objective, "gradient_factors");
  size_t rank = view->factors->rank;
  gboolean done = ops->gradient_factors (objective->self, view, loss, d_user, d_item,
                                         &call.failure);

  return fl_call_end (&call, done && fl_call_check_finite (&call, "the loss", loss, 1)
                                 && (d_user == NULL
                                     || fl_call_check_finite (&call, "the derivative by user factors",
                                                              d_user, view->n_users * rank))
                                 && (d_item == NULL
                                     || fl_call_check_finite (&call, "the derivative by item factors",
                                                              d_item, view->n_items * rank)),
                      error);
}
