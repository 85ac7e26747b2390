/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell.c: one cell from split to metrics, inside its worker.
 *
 *   dataset -> split -> augment* -> train (a mitigator's, else the model's own) -> evaluate
 *                                                   -> project (at most one)
 * or, without data and model, project alone.
 *
 * Where errors of arms make the groups, or objectives compare with the lists of an
 * arm, these arms are trained before, on the same split and under the same seed; an
 * arm grouped by its own errors gets its groups when it is trained itself.
 *
 * Test ratings stay here: stages receive FlData, which has no place for them.
 */
#include "core/run/run-room.h"

#include <math.h>
#include <string.h>

static const char *const part_word[] = { "train", "validation", "test" }; /* by FlPart */

typedef struct
{
  const FlCell *cell;
  const FlRegistry *registry;
  FlCheckpoints *checkpoints;
  FlProgress progress;
  gpointer user_data;
  FlRun *run;
  FlSplit *split;
  FlInstance *model;
  GPtrArray *mitigators; /* FlInstance, as in cell->mitigators      */
  FlData data;           /* what the next stage sees                */
  FlRatings *augmented;  /* data.train, once a mitigator changed it */
  GPtrArray *bases;      /* Execution, as in cell->bases            */
  FlView *views[3];      /* by FlPart; NULL until one is looked at  */
  GPtrArray *errors;     /* double *: what groups were made by      */
  GPtrArray *artefacts;  /* FlArtefact: what mitigators added       */
} Execution;

static void
execution_init (Execution *x, const FlCell *cell, const FlRegistry *registry,
                FlCheckpoints *checkpoints, FlProgress progress, gpointer user_data)
{
  *x = (Execution) { .cell = cell, .registry = registry, .checkpoints = checkpoints,
                     .progress = progress, .user_data = user_data,
                     .run = fl_run_new (cell->seed, progress, user_data) };
  fl_run_lend_services (x->run, &fl_training_services);
  fl_run_keep_checkpoints (x->run, checkpoints);
  x->errors = g_ptr_array_new_with_free_func (g_free);
  x->artefacts = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_artefact_free);
}

/* All that was learnt. */
static void
forget (Execution *x)
{
  for (size_t part = 0; part < G_N_ELEMENTS (x->views); part++)
    g_clear_pointer (&x->views[part], fl_view_free);
  g_clear_pointer (&x->mitigators, g_ptr_array_unref);
  g_clear_pointer (&x->model, fl_instance_free);
  g_clear_pointer (&x->augmented, fl_ratings_free);
  if (x->artefacts != NULL)
    g_ptr_array_set_size (x->artefacts, 0);
}

static void
execution_clear (Execution *x)
{
  g_clear_pointer (&x->bases, g_ptr_array_unref);
  g_clear_pointer (&x->errors, g_ptr_array_unref);
  forget (x);
  g_clear_pointer (&x->artefacts, g_ptr_array_unref);
  fl_split_free (x->split);
  fl_run_free (x->run);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Execution, execution_clear)

static void
execution_free (gpointer data)
{
  execution_clear (data);
  g_free (data);
}

static gboolean
make_split (Execution *x, const FlDataset *dataset, GError **error)
{
  x->split = fl_cell_split (x->cell, dataset, error);
  return x->split != NULL;
}

static gboolean
make_plugins (Execution *x, GError **error)
{
  if (x->cell->model != NULL)
    {
      x->model = fl_cell_instance (x->cell, x->registry, FL_KIND_MODEL, x->cell->model, error);
      if (x->model == NULL)
        return FALSE;
    }
  x->mitigators = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_instance_free);
  for (guint i = 0; i < x->cell->mitigators->len; i++)
    {
      FlInstance *mitigator
          = fl_cell_instance (x->cell, x->registry, FL_KIND_MITIGATOR,
                              g_ptr_array_index (x->cell->mitigators, i), error);

      if (mitigator == NULL)
        return FALSE;
      g_ptr_array_add (x->mitigators, mitigator);
    }
  return TRUE;
}

/* The data as one mitigator may see them. */
static FlData
data_for (const Execution *x, const FlInstance *mitigator)
{
  FlData data = x->data;

  if ((fl_instance_needs (mitigator) & FL_NEEDS_VALIDATION) == 0)
    data.validation = NULL;
  return data;
}

static void
keep_added (Execution *x, const FlSection *mitigator, const FlRatings *after,
            const FlDataset *dataset)
{
  const char *name = mitigator->name != NULL ? mitigator->name : mitigator->plugin;
  FlArtefact *artefact;

  if (after->n <= x->data.train->n)
    return;
  artefact = fl_artefact_of_added (name, x->data.train, after, dataset, x->split);
  if (artefact != NULL)
    g_ptr_array_add (x->artefacts, artefact);
  else
    fl_run_note_text (x->run, "artefact", "too many ratings were added to keep them");
}

static gboolean
augment (Execution *x, const FlDataset *dataset, GError **error)
{
  for (guint i = 0; i < x->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);
      FlData data = data_for (x, mitigator);
      FlRatings *ratings;

      if (fl_mitigator_stages (mitigator)->augment == NULL)
        continue;
      ratings = fl_mitigator_augment (mitigator, &FL_STAGE (.data = &data, .model = x->model,
                                                            .run = x->run), error);
      if (ratings == NULL)
        return FALSE;
      keep_added (x, g_ptr_array_index (x->cell->mitigators, i), ratings, dataset);
      fl_ratings_free (x->augmented);
      x->augmented = ratings;
      x->data.train = ratings;
    }
  return TRUE;
}

/* Item factors that the last augmenting mitigator, who alone knows how many items
 * there are, wants the model to begin with; or NULL. */
static const double *
start_factors (const Execution *x)
{
  const double *factors = NULL;

  for (guint i = 0; i < x->mitigators->len; i++)
    {
      const FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);

      if (fl_mitigator_stages (mitigator)->augment != NULL)
        factors = fl_mitigator_start_factors (mitigator);
    }
  return factors;
}

static gboolean
fit_model (Execution *x, const FlData *data, GError **error)
{
  const double *factors = start_factors (x);

  if (factors == NULL || !fl_model_has (x->model, FL_NEEDS_CLOSED_FORM))
    return fl_model_fit (x->model, data, x->run, error);
  return fl_closed_form_start (x->model, data->train,
                               &FL_CLOSED_FORM_START (.item_factors = factors,
                                                      .seed = fl_run_seed (x->run)), error)
         && fl_closed_form_converge (x->model, x->run, error);
}

/* The pipeline has seen to it that at most one mitigator takes over training. */
static gboolean
train (Execution *x, GError **error)
{
  FlData data = x->data;

  for (guint i = 0; i < x->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);

      if (fl_mitigator_stages (mitigator)->train == NULL)
        continue;
      data = data_for (x, mitigator);
      return fl_mitigator_train (mitigator, &FL_STAGE (.data = &data, .model = x->model,
                                                       .run = x->run), error);
    }
  data.validation = NULL;
  return fit_model (x, &data, error);
}

/* ---- groups by error ----------------------------------------------------- */

static const FlRatings *
ratings_of (const Execution *x, FlPart part)
{
  switch (part)
    {
    case FL_PART_TRAIN:
      return x->split->train;
    case FL_PART_VALIDATION:
      return x->split->validation;
    default:
      return x->split->test;
    }
}

/* Root mean squared error of each user, or item; NaN without a rating. */
static double *
measure_errors (const Execution *x, FlSide side, FlPart part, GError **error)
{
  const FlRatings *ratings = ratings_of (x, part);
  g_autoptr (FlView) view = NULL;
  uint32_t n = side == FL_SIDE_USER ? x->split->train->n_users : x->split->train->n_items;
  g_autofree double *errors = fl_alloc (n, sizeof *errors, error);
  g_autofree size_t *count = errors != NULL ? fl_alloc (n, sizeof *count, error) : NULL;

  if (count == NULL)
    return NULL;
  if (ratings == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "the split has no %s part", part_word[part]);
      return NULL;
    }
  view = fl_view_of (&x->split->data, ratings, part, x->model, error);
  if (view == NULL)
    return NULL;
  for (size_t k = 0; k < view->n; k++)
    {
      uint32_t e = side == FL_SIDE_USER ? view->user[k] : view->item[k];
      double difference = view->rating[k] - view->predicted[k];

      errors[e] += difference * difference;
      count[e]++;
    }
  for (uint32_t e = 0; e < n; e++)
    errors[e] = count[e] > 0 ? sqrt (errors[e] / (double) count[e]) : NAN;
  return g_steal_pointer (&errors);
}

/* Where that arm was trained: here, or before. */
static Execution *
execution_of (Execution *x, const char *arm)
{
  for (guint i = 0; i < x->bases->len; i++)
    {
      Execution *base = g_ptr_array_index (x->bases, i);

      if (strcmp (base->cell->arm, arm) == 0)
        return base;
    }
  return x;
}

/* FlArmErrors of an execution. */
static const double *
errors_of (gpointer user_data, FlSide side, const char *arm, FlPart part, GError **error)
{
  Execution *x = user_data;
  double *errors = measure_errors (execution_of (x, arm), side, part, error);

  if (errors != NULL)
    g_ptr_array_add (x->errors, errors);
  return errors;
}

/* Groups the sides that errors group and that have no groups yet; those that need
 * the arm's own errors only when it is trained. */
static gboolean
group_by_errors (Execution *x, const FlDataset *dataset, gboolean trained, GError **error)
{
  for (int side = 0; x->split != NULL && side < 2; side++)
    {
      const FlGroups *groups = side == FL_SIDE_USER ? x->split->user_groups
                                                    : x->split->item_groups;
      g_autoptr (FlGrouping) grouping = NULL;
      gboolean ready = TRUE;

      if (!fl_cell_grouping (x->cell, (FlSide) side, &grouping, error))
        return FALSE;
      if (grouping == NULL || !grouping->by_error || groups != NULL)
        continue;
      for (guint f = 0; f < grouping->factors->len; f++)
        {
          const FlFactor *factor = g_ptr_array_index (grouping->factors, f);

          ready = ready && (trained || g_strcmp0 (factor->arm, x->cell->arm) != 0);
        }
      if (ready
          && !fl_cell_group (x->cell, dataset, x->split, (FlSide) side, errors_of, x, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
project (const Execution *x, FlOutcome *outcome, GError **error)
{
  for (guint i = 0; i < x->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);
      FlStage stage = FL_STAGE (.model = x->model, .run = x->run);
      FlData data;

      if (fl_mitigator_stages (mitigator)->project == NULL)
        continue;
      if (x->split != NULL)
        {
          /* Without the users that others added, as in evaluation. */
          data = x->split->data;
          if ((fl_instance_needs (mitigator) & FL_NEEDS_VALIDATION) == 0)
            data.validation = NULL;
          stage.data = &data;
        }
      if (!fl_projection_run (mitigator, &stage, outcome, error))
        return FALSE;
    }
  return TRUE;
}

/* From plugins as configured to a model trained on the split as it is. */
static gboolean
learn (Execution *x, const FlDataset *dataset, GError **error)
{
  x->data = x->split->data;
  fl_run_lend_validation (x->run, x->split->validation);
  return make_plugins (x, error) && augment (x, dataset, error) && train (x, error)
         && fl_model_prepare_scores (x->model, error);
}

/* Everything up to a trained model; without data there is none. */
static gboolean
fit (Execution *x, const FlDataset *dataset, GError **error)
{
  x->bases = g_ptr_array_new_with_free_func (execution_free);
  if (dataset == NULL)
    return make_plugins (x, error);
  for (guint i = 0; i < x->cell->bases->len; i++)
    {
      Execution *base = g_new (Execution, 1);

      execution_init (base, g_ptr_array_index (x->cell->bases, i), x->registry, x->checkpoints,
                      x->progress, x->user_data);
      g_ptr_array_add (x->bases, base);
      if (!fit (base, dataset, error))
        return FALSE;
    }
  if (!make_split (x, dataset, error)
      || !fl_cell_check_data (x->cell, x->registry, x->split, error))
    return FALSE;
  /* Models know no groups. */
  if (x->cell->mitigators->len > 0 && !group_by_errors (x, dataset, FALSE, error))
    return FALSE;
  return learn (x, dataset, error);
}

/* ---- evaluation ---------------------------------------------------------- */

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

/* One view a part, shared by all objectives. */
static FlView *
view_of (Execution *x, FlPart part, GError **error)
{
  if (x->views[part] == NULL)
    x->views[part] = fl_view_of (&x->split->data, ratings_of (x, part), part, x->model, error);
  return x->views[part];
}

/* The view with its lists, as long as the longest that is asked for. */
static FlView *
ranked_view (Execution *x, FlPart part, GError **error)
{
  const FlSetting *at = fl_settings_find (x->cell->evaluate->host, "k");
  FlView *view = view_of (x, part, error);
  int64_t longest = 0;

  for (size_t i = 0; i < x->cell->k.n; i++)
    longest = MAX (longest, x->cell->k.v[i]);
  if (view == NULL || view->lists != NULL || fl_view_lists (view, (size_t) longest, error))
    return view;
  if (g_error_matches (*error, FL_ERROR, FL_ERROR_CONFIG))
    fl_setting_locate (error, "evaluate", at->key, at->value, at->origin);
  return NULL;
}

/* Lists of all lengths are the beginnings of the longest. */
static gboolean
evaluate_lists (Execution *x, const FlInstance *objective, const FlSection *section, FlPart part,
                FlOutcome *outcome, GError **error)
{
  const FlSetting *arm = fl_section_arm (section, x->registry);
  const FlView *view = ranked_view (x, part, error), *other = NULL;
  gboolean ok = view != NULL;

  if (ok && arm != NULL)
    ok = (other = ranked_view (execution_of (x, arm->value), part, error)) != NULL;
  for (size_t i = 0; ok && i < x->cell->k.n; i++)
    {
      FlView shown = *view;

      shown.k = (size_t) x->cell->k.v[i];
      shown.other = other != NULL ? other->lists : NULL;
      ok = fl_objective_run (objective, section->name, &shown, (int) shown.k, outcome, error);
    }
  return ok;
}

static gboolean
evaluate_one (Execution *x, const FlSection *section, FlOutcome *outcome, GError **error)
{
  g_autoptr (FlInstance) objective = NULL;
  const FlView *view;
  FlView shown;
  FlPart part;

  objective = fl_cell_instance (x->cell, x->registry, FL_KIND_OBJECTIVE, section, error);
  if (objective == NULL || !objective_part (section, &part, error))
    return FALSE;
  if (!fl_objective_is_whole (objective) && ratings_of (x, part) == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "[%s] on = %s: the split has no %s part",
                    section->title, part_word[part], part_word[part]);
  if (fl_objective_needs_lists (objective))
    return evaluate_lists (x, objective, section, part, outcome, error);
  view = view_of (x, part, error);
  if (view == NULL)
    return FALSE;
  shown = *view;
  shown.lists = NULL;
  shown.k = 0;
  return fl_objective_run (objective, section->name, &shown, 0, outcome, error);
}

static gboolean
evaluate (Execution *x, FlOutcome *outcome, GError **error)
{
  for (guint i = 0; i < x->cell->objectives->len; i++)
    if (!evaluate_one (x, g_ptr_array_index (x->cell->objectives, i), outcome, error))
      return FALSE;
  return TRUE;
}

/* ---- rounds -------------------------------------------------------------- */

/* What came of the round that was learnt; then users respond to its lists. */
static gboolean
end_round (Execution *x, const FlRoundsKeys *keys, FlLoop *loop, uint32_t round,
           FlOutcome *outcome, GError **error)
{
  FlView *view = view_of (x, FL_PART_TRAIN, error);

  if (!evaluate (x, outcome, error) || view == NULL
      || !fl_view_lists (view, (size_t) keys->k, error))
    return FALSE;
  if (!fl_loop_respond (loop, view->lists, round, fl_run_seed (x->run), outcome, error))
    return FALSE;
  fl_loop_record (loop, outcome, round);
  return TRUE;
}

/* *outcome becomes that of the last round, with the courses of all. */
static gboolean
go_round (Execution *x, const FlDataset *dataset, const FlRoundsKeys *keys, FlOutcome **outcome,
          GError **error)
{
  g_autoptr (FlLoop) loop = fl_loop_new (keys, x->split, error);

  for (uint32_t round = 0; loop != NULL && round < keys->n; round++)
    {
      if (round > 0)
        {
          forget (x);
          fl_run_set_seed (x->run, fl_loop_seed (x->cell->seed, round));
          if (!learn (x, dataset, error))
            return FALSE;
        }
      fl_outcome_free (*outcome);
      *outcome = fl_outcome_new ();
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
close_loop (Execution *x, const FlDataset *dataset, FlOutcome **outcome, GError **error)
{
  FlRoundsKeys keys = { 0 };
  gboolean done = fl_cell_rounds (x->cell, x->registry, &keys, error)
                  && go_round (x, dataset, &keys, outcome, error);

  fl_params_clear (fl_rounds_params, &keys);
  return done;
}

FlOutcome *
fl_cell_execute (const FlCell *cell, const FlRegistry *registry, const FlDataset *dataset,
                 FlCheckpoints *checkpoints, FlProgress progress, gpointer user_data,
                 GError **error)
{
  g_auto (Execution) x;
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  const GPtrArray *notes;

  execution_init (&x, cell, registry, checkpoints, progress, user_data);
  if (!fit (&x, dataset, error) || !group_by_errors (&x, dataset, TRUE, error)
      || (cell->rounds != NULL ? !close_loop (&x, dataset, &outcome, error)
                               : !project (&x, outcome, error) || !evaluate (&x, outcome, error)))
    return NULL;
  if (dataset != NULL && dataset->notes != NULL && dataset->notes[0] != NULL)
    {
      g_autofree char *all = g_strjoinv ("; ", (char **) dataset->notes);

      fl_run_note_text (x.run, "data", all);
    }
  notes = fl_run_notes (x.run);
  for (guint i = 0; i < notes->len; i++)
    {
      const FlSetting *note = g_ptr_array_index (notes, i);

      g_ptr_array_add (outcome->notes, fl_setting_new (note->key, note->value, ""));
    }
  g_ptr_array_extend_and_steal (outcome->artefacts, g_steal_pointer (&x.artefacts));
  return g_steal_pointer (&outcome);
}
