/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* door-mitigator.c: calls of mitigators, stage by stage. */
#include "core/plugin/door.h"

#include "core/plugin/plugin-room.h"

const FlMitigatorOps *
fl_mitigator_stages (const FlInstance *mitigator)
{
  return mitigator->ops;
}

const FlValue *
fl_mitigator_values (const FlInstance *mitigator)
{
  static const FlValue none[] = { FL_VALUE_END };
  const FlMitigatorOps *ops = mitigator->ops;
  const FlValue *values = ops->project != NULL   ? ops->project->values
                          : ops->respond != NULL ? ops->respond->values
                                                 : NULL;

  return values != NULL ? values : none;
}

/* Data of less than there was would leave others without their users and items. */
static gboolean
check_ratings (FlCall *call, const FlRatings *before, const FlRatings *after)
{
  if (after->n_items >= before->n_items && after->n_users >= before->n_users)
    return TRUE;
  return fl_fail (&call->failure, FL_ERROR_PLUGIN, "made %u users x %u items of %u x %u: it may "
                  "add some, and take none away", after->n_users, after->n_items,
                  before->n_users, before->n_items);
}

FlRatings *
fl_mitigator_augment (FlInstance *mitigator, const FlStage *stage, GError **error)
{
  FlCall call = fl_call_begin (mitigator, "augment");
  g_autoptr (FlRatings) ratings
      = fl_mitigator_stages (mitigator)->augment->augment (mitigator->self, stage, &call.failure);
  gboolean done = ratings != NULL && check_ratings (&call, stage->data->train, ratings);

  return fl_call_end (&call, done, error) ? g_steal_pointer (&ratings) : NULL;
}

const double *
fl_mitigator_start_factors (const FlInstance *mitigator)
{
  const FlAugmentOps *ops = fl_mitigator_stages (mitigator)->augment;
  const double *factors;
  FlCall call;

  if (ops->start_factors == NULL)
    return NULL;
  call = fl_call_begin (mitigator, "start_factors");
  factors = ops->start_factors (mitigator->self);
  fl_call_leave (&call);
  return factors;
}

gboolean
fl_mitigator_train (FlInstance *mitigator, const FlStage *stage, GError **error)
{
  FlCall call = fl_call_begin (mitigator, "train");

  return fl_call_end (&call, fl_mitigator_stages (mitigator)->train->train (
                                 mitigator->self, stage, &call.failure), error);
}

size_t
fl_mitigator_candidates (const FlInstance *mitigator, size_t k, uint32_t n_items)
{
  const FlRerankOps *ops = fl_mitigator_stages (mitigator)->rerank;
  size_t n = k;

  if (ops->candidates != NULL)
    {
      FlCall call = fl_call_begin (mitigator, "candidates");

      n = ops->candidates (mitigator->self, k, n_items);
      fl_call_leave (&call);
    }
  return CLAMP (n, k, n_items);
}

gboolean
fl_mitigator_rerank (FlInstance *mitigator, const FlStage *stage, FlReranking *reranking,
                     GError **error)
{
  FlCall call = fl_call_begin (mitigator, "rerank");

  return fl_call_end (&call, fl_mitigator_stages (mitigator)->rerank->rerank (
                                 mitigator->self, stage, reranking, &call.failure), error);
}

gboolean
fl_mitigator_project (FlInstance *mitigator, const FlStage *stage, FlResult *result,
                      GError **error)
{
  FlCall call = fl_call_begin (mitigator, "project");

  return fl_call_end (&call, fl_mitigator_stages (mitigator)->project->project (
                                 mitigator->self, stage, result, &call.failure), error);
}

gboolean
fl_mitigator_respond (FlInstance *mitigator, const FlRound *round, FlResult *result,
                      GError **error)
{
  FlCall call = fl_call_begin (mitigator, "respond");

  return fl_call_end (&call, fl_mitigator_stages (mitigator)->respond->respond (
                                 mitigator->self, round, result, &call.failure), error);
}
