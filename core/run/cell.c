/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell.c: one cell from split to metrics, inside its worker.
 *
 *   dataset -> split -> augment* -> train       (trained.c, shared by cells that have it alike)
 *           -> rerank (at most one mitigator)   (recommend.c)
 *           -> project (at most one), evaluate
 * or, without data and model, project alone.
 */
#include "core/run/execution.h"

/* The part that an objective's `on` names. */
static gboolean
objective_part (const FlSection *section, FlPart *part, GError **error)
{
  FlObjectiveKeys keys = { 0 };
  gboolean ok = fl_params_store (fl_objective_params, &keys, section->title, section->host, NULL,
                                 NULL, NULL, error);

  if (ok)
    *part = (FlPart) keys.on;
  fl_params_clear (fl_objective_params, &keys);
  return ok;
}

static size_t
longest_list (const FlCell *cell)
{
  int64_t longest = 0;

  for (size_t i = 0; i < cell->k.n; i++)
    longest = MAX (longest, cell->k.v[i]);
  return (size_t) longest;
}

/* The lists of one K, and those of the arm that the objective names. */
static gboolean
show_lists (FlExecution *x, const FlSetting *arm, FlPart part, size_t k, FlView *shown,
            GError **error)
{
  size_t longest = longest_list (x->cell);

  shown->k = k;
  shown->lists = fl_execution_lists (x, part, k, longest, error);
  if (shown->lists != NULL && arm != NULL)
    shown->other = fl_execution_lists (fl_execution_of (x, arm->value), part, k, longest, error);
  return shown->lists != NULL && (arm == NULL || shown->other != NULL);
}

static gboolean
evaluate_lists (FlExecution *x, const FlInstance *objective, const FlSection *section, FlPart part,
                FlOutcome *outcome, GError **error)
{
  const FlSetting *arm = fl_section_arm (section, x->set->setup.registry);
  const FlView *view = fl_trained_view (x->trained, part, error);
  gboolean ok = view != NULL;

  for (size_t i = 0; ok && i < x->cell->k.n; i++)
    {
      size_t k = (size_t) x->cell->k.v[i];
      FlView shown = *view;

      ok = show_lists (x, arm, part, k, &shown, error);
      if (ok)
        fl_objective_try (objective, section->name, &shown, (int) k, outcome);
    }
  return ok;
}

static gboolean
evaluate_one (FlExecution *x, const FlSection *section, FlOutcome *outcome, GError **error)
{
  g_autoptr (FlInstance) objective = NULL;
  const FlView *view;
  FlPart part;

  objective = fl_cell_instance (x->cell, x->set->setup.registry, FL_KIND_OBJECTIVE, section,
                                error);
  if (objective == NULL || !objective_part (section, &part, error))
    return FALSE;
  if (!fl_objective_is_whole (objective) && fl_trained_ratings (x->trained, part) == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "[%s] on = %s: the split has no %s part",
                    section->title, fl_part_word[part], fl_part_word[part]);
  if (fl_objective_needs_lists (objective))
    return evaluate_lists (x, objective, section, part, outcome, error);
  view = fl_trained_view (x->trained, part, error);
  if (view == NULL)
    return FALSE;
  if ((fl_instance_needs (objective) & FL_NEEDS_RATINGS)
      && !fl_model_has (x->trained->model, FL_NEEDS_RATINGS))
    fl_objective_undefine (objective, section->name, view, 0,
                           "the model's scores are no ratings", outcome);
  else
    fl_objective_try (objective, section->name, view, 0, outcome);
  return TRUE;
}

static gboolean
evaluate (FlExecution *x, FlOutcome *outcome, GError **error)
{
  for (guint i = 0; i < x->cell->objectives->len; i++)
    if (!evaluate_one (x, g_ptr_array_index (x->cell->objectives, i), outcome, error))
      return FALSE;
  return TRUE;
}

static gboolean
project (const FlExecution *x, FlOutcome *outcome, GError **error)
{
  for (guint i = 0; i < x->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);
      FlStage stage = FL_STAGE (.run = x->run);
      FlData data;

      if (fl_mitigator_stages (mitigator)->project == NULL)
        continue;
      if (x->trained != NULL)
        {
          data = fl_execution_data (x, mitigator);
          stage.data = &data;
          stage.model = x->trained->model;
        }
      if (!fl_projection_run (mitigator, &stage, outcome, error))
        return FALSE;
    }
  return TRUE;
}

/* Notes what the parts are that objectives look at, so that arms which are tested on other
 * ratings are told apart. */
static gboolean
note_parts (FlExecution *x, GError **error)
{
  gboolean wanted[3] = { FALSE };

  for (guint i = 0; x->trained != NULL && i < x->cell->objectives->len; i++)
    {
      FlPart part;

      if (!objective_part (g_ptr_array_index (x->cell->objectives, i), &part, error))
        return FALSE;
      wanted[part] = TRUE;
    }
  for (int part = 0; part < 3; part++)
    {
      g_autofree char *key = g_strconcat (fl_part_word[part], FL_NOTE_PART, NULL);
      g_autofree char *what = wanted[part] ? fl_split_describe_part (x->trained->split,
                                                                     x->set->dataset, (FlPart) part)
                                           : NULL;

      if (what != NULL)
        fl_run_note_text (x->run, key, what);
    }
  return TRUE;
}

/* ---- rounds -------------------------------------------------------------- */

/* What came of the round that was learnt; then users respond to its lists. */
static gboolean
end_round (FlExecution *x, const FlRoundsKeys *keys, FlLoop *loop, uint32_t round,
           FlOutcome *outcome, GError **error)
{
  size_t k = (size_t) keys->k;
  const FlLists *lists;

  if (!evaluate (x, outcome, error))
    return FALSE;
  lists = fl_execution_lists (x, FL_PART_TRAIN, k, k, error);
  if (lists == NULL
      || !fl_loop_respond (loop, lists, round, fl_run_seed (x->run), outcome, error))
    return FALSE;
  fl_loop_record (loop, outcome, round);
  return TRUE;
}

/* A round's outcome gives way to the next one's; what failed in it is said all the same. */
static void
renew_outcome (FlOutcome **outcome)
{
  char *error = g_steal_pointer (&(*outcome)->error);

  fl_outcome_free (*outcome);
  *outcome = fl_outcome_new ();
  (*outcome)->error = error;
}

/* *outcome becomes that of the last round, with the courses of all. */
static gboolean
go_round (FlExecution *x, const FlRoundsKeys *keys, FlOutcome **outcome, GError **error)
{
  g_autoptr (FlLoop) loop = fl_loop_new (keys, x->trained->split, error);

  for (uint32_t round = 0; loop != NULL && round < keys->n; round++)
    {
      if (round > 0
          && !fl_execution_fit_again (x, fl_loop_seed (x->cell->seed, round), error))
        return FALSE;
      renew_outcome (outcome);
      if (!end_round (x, keys, loop, round, *outcome, error))
        {
          g_prefix_error (error, "round %u: ", round + 1);
          return FALSE;
        }
    }
  if (loop == NULL || !project (x, *outcome, error))
    return FALSE;
  fl_loop_finish (loop, *outcome);
  return TRUE;
}

static gboolean
close_loop (FlExecution *x, FlOutcome **outcome, GError **error)
{
  FlRoundsKeys keys = { 0 };
  gboolean done = fl_cell_rounds (x->cell, x->set->setup.registry, &keys, error)
                  && go_round (x, &keys, outcome, error);

  fl_params_clear (fl_rounds_params, &keys);
  return done;
}

/* ---- the outcome ----------------------------------------------------------- */

static void
add_notes (const FlExecution *x, FlOutcome *outcome)
{
  const FlDataset *dataset = x->set->dataset;
  const GPtrArray *notes;

  if (dataset != NULL && dataset->notes != NULL && dataset->notes[0] != NULL)
    {
      g_autofree char *all = g_strjoinv ("; ", (char **) dataset->notes);

      fl_run_note_text (x->run, "data", all);
    }
  notes = fl_run_notes (x->run);
  for (guint i = 0; i < notes->len; i++)
    {
      const FlSetting *note = g_ptr_array_index (notes, i);

      g_ptr_array_add (outcome->notes, fl_setting_new (note->key, note->value, ""));
    }
}

static void
add_artefacts (const FlExecution *x, FlOutcome *outcome)
{
  for (guint i = 0; x->trained != NULL && i < x->trained->artefacts->len; i++)
    {
      const FlArtefact *artefact = g_ptr_array_index (x->trained->artefacts, i);

      g_ptr_array_add (outcome->artefacts, fl_artefact_new (artefact->name, artefact->text));
    }
}

FlOutcome *
fl_cell_execute (const FlCell *cell, FlTrainedSet *set, GError **error)
{
  g_auto (FlExecution) x;
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();

  fl_execution_init (&x, cell, set, FALSE);
  if (!fl_execution_fit (&x, error) || !note_parts (&x, error)
      || (cell->rounds != NULL ? !close_loop (&x, &outcome, error)
                               : !project (&x, outcome, error) || !evaluate (&x, outcome, error)))
    return NULL;
  add_notes (&x, outcome);
  add_artefacts (&x, outcome);
  return g_steal_pointer (&outcome);
}
