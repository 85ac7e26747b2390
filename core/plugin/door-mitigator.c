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

/* What stands at a place of a user's list is one of the user's candidates, not used before.
 * mark: n_items; of candidates 2u + 1, of those used 2u + 2. */
static gboolean
check_place (FlCall *call, const FlReranking *reranking, uint32_t u, size_t place, uint64_t *mark)
{
  const FlView *view = reranking->view;
  uint32_t i = reranking->list[u * reranking->k + place];
  const char *wrong = NULL;

  if (i >= view->n_items)
    return fl_fail (&call->failure, FL_ERROR_PLUGIN, "rerank: user %u, place %zu: item %u is none "
                    "of %u", u, place + 1, i, view->n_items);
  if (mark[i] == 2 * (uint64_t) u + 2)
    wrong = "is in the list already";
  else if (mark[i] != 2 * (uint64_t) u + 1)
    wrong = fl_csr_has (&view->train->by_user, u, i) ? "has been seen by the user"
                                                     : "is not among the user's candidates";
  mark[i] = 2 * (uint64_t) u + 2;
  return wrong == NULL || fl_fail (&call->failure, FL_ERROR_PLUGIN, "rerank: user %u, place %zu: "
                                   "item %u %s", u, place + 1, i, wrong);
}

static gboolean
check_list (FlCall *call, const FlReranking *reranking, uint32_t u, uint64_t *mark)
{
  uint32_t n = reranking->n_candidates[u];
  size_t longest = MIN (n, reranking->k);

  if (reranking->length[u] > longest)
    return fl_fail (&call->failure, FL_ERROR_PLUGIN, "rerank: user %u: a list of %u; at most %zu "
                    "were wanted", u, reranking->length[u], longest);
  for (uint32_t c = 0; c < n; c++)
    mark[reranking->item[u * reranking->n + c]] = 2 * (uint64_t) u + 1;
  for (size_t place = 0; place < reranking->length[u]; place++)
    if (!check_place (call, reranking, u, place, mark))
      return FALSE;
  return TRUE;
}

static gboolean
check_lists (FlCall *call, const FlReranking *reranking)
{
  g_autofree uint64_t *mark = fl_alloc (reranking->view->n_items, sizeof *mark, &call->failure);

  for (uint32_t u = 0; mark != NULL && u < reranking->n_users; u++)
    if (!check_list (call, reranking, u, mark))
      return FALSE;
  return mark != NULL;
}

gboolean
fl_mitigator_rerank (FlInstance *mitigator, const FlStage *stage, FlReranking *reranking,
                     GError **error)
{
  FlCall call = fl_call_begin (mitigator, "rerank");
  /* A plugin may write over what it is handed. */
  const FlReranking own = *reranking;
  gboolean done = fl_mitigator_stages (mitigator)->rerank->rerank (mitigator->self, stage,
                                                                   reranking, &call.failure);

  return fl_call_end (&call, done && check_lists (&call, &own), error);
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
