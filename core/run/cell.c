/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell.c: one cell from split to metrics, inside its worker.
 *
 *   dataset -> split -> augment* -> train    (trained.c, shared by cells that have it alike)
 *           -> rerank (at most one mitigator) -> evaluate
 *           -> project (at most one)
 * or, without data and model, project alone.
 *
 * Where errors of arms make the groups, or objectives compare with the lists of an
 * arm, these arms are trained before, on the same split and under the same seed; an
 * arm grouped by its own errors gets its groups when it is trained itself.
 */
#include <math.h>
#include <string.h>

#include "core/run/plan.h"
#include "core/run/trained.h"

static const char *const part_word[] = { "train", "validation", "test" }; /* by FlPart */

struct FlTrainedSet
{
  FlTrainedSetup setup;
  const FlDataset *dataset;
  GHashTable *by_name; /* name -> FlTrained */
};

/* Lists that were made for a cell. */
typedef struct
{
  FlPart part;
  size_t k;
  FlRanked ranked;
} Listed;

static void
listed_free (gpointer data)
{
  Listed *listed = data;

  fl_ranked_clear (&listed->ranked);
  g_free (listed);
}

typedef struct
{
  const FlCell *cell;
  FlTrainedSet *set;
  gboolean is_base;      /* trained, and perhaps re-ranked, for another cell's sake */
  FlTrained *trained;    /* the set's; NULL without data                           */
  FlRun *run;            /* of what comes after training                           */
  GPtrArray *later;      /* FlInstance: mitigators that only come after training   */
  GPtrArray *mitigators; /* FlInstance, borrowed, as in cell->mitigators           */
  GPtrArray *bases;      /* Execution, as in cell->bases                           */
  GPtrArray *listed;     /* Listed                                                 */
} Execution;

static void
execution_init (Execution *x, const FlCell *cell, FlTrainedSet *set, gboolean is_base)
{
  *x = (Execution) { .cell = cell, .set = set, .is_base = is_base };
  x->listed = g_ptr_array_new_with_free_func (listed_free);
}

/* All that came after training. */
static void
forget (Execution *x)
{
  g_ptr_array_set_size (x->listed, 0);
  g_clear_pointer (&x->mitigators, g_ptr_array_unref);
  g_clear_pointer (&x->later, g_ptr_array_unref);
  g_clear_pointer (&x->run, fl_run_free);
}

static void
execution_clear (Execution *x)
{
  g_clear_pointer (&x->bases, g_ptr_array_unref);
  forget (x);
  g_ptr_array_unref (x->listed);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Execution, execution_clear)

static void
execution_free (gpointer data)
{
  execution_clear (data);
  g_free (data);
}

/* ---- the set ------------------------------------------------------------- */

FlTrainedSet *
fl_trained_set_new (const FlTrainedSetup *setup, const FlDataset *dataset)
{
  FlTrainedSet *set = g_new0 (FlTrainedSet, 1);

  set->setup = *setup;
  set->dataset = dataset;
  set->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                        (GDestroyNotify) fl_trained_free);
  return set;
}

void
fl_trained_set_free (FlTrainedSet *set)
{
  if (set == NULL)
    return;
  g_hash_table_unref (set->by_name);
  g_free (set);
}

void
fl_trained_set_drop (FlTrainedSet *set, const char *name)
{
  g_hash_table_remove (set->by_name, name);
}

static FlTrained *
find_trained (FlTrainedSet *set, const char *name, uint64_t seed)
{
  FlTrained *trained = g_hash_table_lookup (set->by_name, name);

  if (trained != NULL)
    return trained;
  trained = fl_trained_new (&set->setup, name, seed);
  g_hash_table_insert (set->by_name, trained->name, trained);
  return trained;
}

/* ---- groups by error ----------------------------------------------------- */

/* Root mean squared error of each user, or item; NaN without a rating. */
static double *
measure_errors (const FlTrained *trained, FlSide side, FlPart part, GError **error)
{
  const FlRatings *ratings = fl_trained_ratings (trained, part);
  const FlRatings *train = trained->split->train;
  g_autoptr (FlView) view = NULL;
  uint32_t n = side == FL_SIDE_USER ? train->n_users : train->n_items;
  g_autofree double *errors = fl_alloc (n, sizeof *errors, error);
  g_autofree size_t *count = errors != NULL ? fl_alloc (n, sizeof *count, error) : NULL;

  if (count == NULL)
    return NULL;
  if (ratings == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "the split has no %s part", part_word[part]);
      return NULL;
    }
  view = fl_view_of (&trained->split->data, ratings, part, trained->model, error);
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

/* Errors that were measured for a grouping. */
typedef struct
{
  Execution *x;
  GPtrArray *errors; /* double * */
} Measured;

/* FlArmErrors of an execution. */
static const double *
errors_of (gpointer user_data, FlSide side, const char *arm, FlPart part, GError **error)
{
  Measured *measured = user_data;
  double *errors = measure_errors (execution_of (measured->x, arm)->trained, side, part, error);

  if (errors != NULL)
    g_ptr_array_add (measured->errors, errors);
  return errors;
}

/* Groups the sides that errors group and that have no groups yet; those that need
 * the arm's own errors only when it is trained. */
static gboolean
group_by_errors (Execution *x, gboolean trained, GError **error)
{
  FlSplit *split = x->trained->split;
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Measured measured = { x, errors };

  for (int side = 0; side < 2; side++)
    {
      const FlGroups *groups = side == FL_SIDE_USER ? split->user_groups : split->item_groups;
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
          && !fl_cell_group (x->cell, x->set->dataset, split, (FlSide) side, errors_of, &measured,
                             error))
        return FALSE;
    }
  return TRUE;
}

/* Whose errors make the cell's groups, by the names of their trainings. */
static char *
name_groups (const Execution *x)
{
  GString *names = g_string_new (x->trained->name);

  for (guint i = 0; i < x->bases->len; i++)
    {
      const Execution *base = g_ptr_array_index (x->bases, i);

      if (fl_cell_is_grouped_by (x->cell, base->cell->arm))
        g_string_append_printf (names, "\n%s", base->trained->name);
    }
  return g_string_free (names, FALSE);
}

/* Makes the groups that the trained model is judged by.  Cells that share it may, in theory,
 * have other ones. */
static gboolean
group_trained (Execution *x, GError **error)
{
  FlTrained *trained = x->trained;
  g_autofree char *names = name_groups (x);

  if (g_strcmp0 (trained->grouped, names) == 0)
    return TRUE;
  if (trained->grouped != NULL)
    fl_cell_ungroup (x->cell, trained->split);
  g_clear_pointer (&trained->grouped, g_free);
  fl_trained_forget_views (trained);
  if (!group_by_errors (x, TRUE, error))
    return FALSE;
  trained->grouped = g_steal_pointer (&names);
  return TRUE;
}

/* ---- training ------------------------------------------------------------ */

/* Work that is the same for all cells that need the training. */
typedef struct
{
  const Execution *x;
  int64_t begun;
} Span;

static Span
begin_training (const Execution *x)
{
  const FlTrainedSetup *setup = &x->set->setup;

  if (setup->told != NULL)
    setup->told (setup->user_data, x->trained->name, -1);
  return (Span) { x, g_get_monotonic_time () };
}

/* Not to be called after a failure: it was then within the training. */
static void
end_training (const Span *span)
{
  const FlTrainedSetup *setup = &span->x->set->setup;

  if (setup->told != NULL)
    setup->told (setup->user_data, span->x->trained->name,
                 (double) (g_get_monotonic_time () - span->begun) / 1e6);
}

static gboolean
make_split (Execution *x, GError **error)
{
  Span span;

  if (x->trained->split != NULL)
    return TRUE;
  span = begin_training (x);
  x->trained->split = fl_cell_split (x->cell, x->set->dataset, error);
  if (x->trained->split != NULL)
    end_training (&span);
  return x->trained->split != NULL;
}

/* The split as it is before errors make groups of it. */
static gboolean
check_data (const Execution *x, GError **error)
{
  FlSplit bare = *x->trained->split;

  fl_cell_hide_groups (x->cell, &bare);
  return fl_cell_check_data (x->cell, x->set->setup.registry, &bare, error);
}

static gboolean
learn (Execution *x, GError **error)
{
  const FlRegistry *registry = x->set->setup.registry;
  Span span;

  if (x->trained->is_trained)
    return TRUE;
  span = begin_training (x);
  if ((fl_cell_groups_before_training (x->cell, registry) && !group_by_errors (x, FALSE, error))
      || !fl_trained_learn (x->trained, x->cell, registry, x->set->dataset, error))
    return FALSE;
  end_training (&span);
  return TRUE;
}

/* Mitigators that also act before training are those that did. */
static gboolean
make_mitigators (Execution *x, GError **error)
{
  const FlRegistry *registry = x->set->setup.registry;
  guint next = 0;

  x->later = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_instance_free);
  x->mitigators = g_ptr_array_new ();
  for (guint i = 0; i < x->cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (x->cell->mitigators, i);
      FlInstance *mitigator;

      if (x->trained != NULL && fl_section_trains (section, registry))
        mitigator = g_ptr_array_index (x->trained->mitigators, next++);
      else
        {
          mitigator = fl_cell_instance (x->cell, registry, FL_KIND_MITIGATOR, section, error);
          if (mitigator == NULL)
            return FALSE;
          g_ptr_array_add (x->later, mitigator);
        }
      g_ptr_array_add (x->mitigators, mitigator);
    }
  return TRUE;
}

/* What comes after training, in a run that goes on from it. */
static gboolean
prepare_later (Execution *x, GError **error)
{
  const FlTrainedSetup *setup = &x->set->setup;

  x->run = x->trained != NULL
               ? fl_run_after (x->trained->run)
               : fl_run_new (x->cell->seed, setup->progress, setup->user_data);
  return make_mitigators (x, error);
}

/* Everything up to a trained model; without data there is none. */
static gboolean
fit (Execution *x, GError **error)
{
  const FlTrainedSetup *setup = &x->set->setup;
  g_autofree char *name = NULL;

  x->bases = g_ptr_array_new_with_free_func (execution_free);
  if (x->set->dataset == NULL)
    return prepare_later (x, error);
  for (guint i = 0; i < x->cell->bases->len; i++)
    {
      Execution *base = g_new (Execution, 1);

      execution_init (base, g_ptr_array_index (x->cell->bases, i), x->set, TRUE);
      g_ptr_array_add (x->bases, base);
      if (!fit (base, error))
        return FALSE;
    }
  name = fl_training_name (x->cell, setup->registry, setup->digest);
  x->trained = find_trained (x->set, name, x->cell->seed);
  if (!make_split (x, error) || !check_data (x, error) || !learn (x, error))
    return FALSE;
  /* An arm that is trained for others has groups if something may need them. */
  if ((!x->is_base || x->cell->mitigators->len > 0) && !group_trained (x, error))
    return FALSE;
  return prepare_later (x, error);
}

/* ---- lists --------------------------------------------------------------- */

/* The data as a mitigator that comes after training may see them: without what others
 * added, as in evaluation. */
static FlData
data_for (const Execution *x, const FlInstance *mitigator)
{
  FlData data = x->trained->split->data;

  if ((fl_instance_needs (mitigator) & FL_NEEDS_VALIDATION) == 0)
    data.validation = NULL;
  return data;
}

static FlInstance *
find_reranker (const Execution *x)
{
  for (guint i = 0; i < x->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);

      if (fl_mitigator_stages (mitigator)->rerank != NULL)
        return mitigator;
    }
  return NULL;
}

static gboolean
rerank (Execution *x, FlInstance *reranker, FlPart part, size_t k, FlRanked *ranked,
        GError **error)
{
  FlTrained *trained = x->trained;
  FlData data = data_for (x, reranker);
  FlStage stage = FL_STAGE (.data = &data, .model = trained->model, .run = x->run);
  const FlView *view = fl_trained_blank_view (trained, part, error);
  const uint32_t *arrival = view != NULL ? fl_trained_arrival (trained, error) : NULL;
  size_t n = view != NULL ? fl_mitigator_candidates (reranker, k, view->n_items) : 0;
  g_auto (FlRanked) own = { .lists = NULL };
  const FlRanked *candidates = NULL;

  return arrival != NULL
         && fl_trained_best (trained, part, n, TRUE, &own, &candidates, error)
         && fl_rerank (reranker, &stage, view, candidates, arrival, k, ranked, error);
}

/* Of an arm that others compare with, lists stay with what it is trained to. */
static const FlLists *
rerank_base (Execution *x, FlInstance *reranker, FlPart part, size_t k, GError **error)
{
  g_autofree char *canonical = fl_cell_canonical (x->cell);
  g_autofree char *key = g_strdup_printf ("%s\n%s %zu", canonical, part_word[part], k);
  FlRanked *ranked = g_hash_table_lookup (x->trained->reranked, key);

  if (ranked != NULL)
    return ranked->lists;
  ranked = g_new0 (FlRanked, 1);
  if (rerank (x, reranker, part, k, ranked, error))
    {
      g_hash_table_insert (x->trained->reranked, g_steal_pointer (&key), ranked);
      return ranked->lists;
    }
  fl_ranked_free (ranked);
  return NULL;
}

static const FlLists *
find_listed (const Execution *x, FlPart part, size_t k)
{
  for (guint i = 0; i < x->listed->len; i++)
    {
      const Listed *listed = g_ptr_array_index (x->listed, i);

      if (listed->part == part && listed->k == k)
        return listed->ranked.lists;
    }
  return NULL;
}

/* Lists that the cell keeps until it ends. */
static const FlLists *
keep_listed (Execution *x, FlPart part, size_t k, FlRanked ranked)
{
  Listed *listed = g_new (Listed, 1);

  *listed = (Listed) { .part = part, .k = k, .ranked = ranked };
  g_ptr_array_add (x->listed, listed);
  return ranked.lists;
}

/* The model's own lists, in memory of the cell's. */
static gboolean
take_best (Execution *x, FlPart part, size_t k, FlRanked *ranked, GError **error)
{
  const FlRanked *best = NULL;

  return fl_trained_best (x->trained, part, k, FALSE, ranked, &best, error)
         && (best == ranked || fl_ranked_cut (best, k, ranked, error));
}

/* What the arm recommends: lists of k by its re-ranker, else the model's best `longest`, of
 * which lists of all lengths are the beginnings. */
static const FlLists *
lists_of (Execution *x, FlPart part, size_t k, size_t longest, GError **error)
{
  FlInstance *reranker = find_reranker (x);
  const FlLists *lists = find_listed (x, part, reranker != NULL ? k : longest);
  FlRanked ranked;

  if (lists != NULL)
    return lists;
  if (reranker == NULL)
    return take_best (x, part, longest, &ranked, error) ? keep_listed (x, part, longest, ranked)
                                                        : NULL;
  if (x->is_base)
    return rerank_base (x, reranker, part, k, error);
  return rerank (x, reranker, part, k, &ranked, error) ? keep_listed (x, part, k, ranked) : NULL;
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
show_lists (Execution *x, const FlSetting *arm, FlPart part, size_t k, FlView *shown,
            GError **error)
{
  size_t longest = longest_list (x->cell);

  shown->k = k;
  shown->lists = lists_of (x, part, k, longest, error);
  if (shown->lists != NULL && arm != NULL)
    shown->other = lists_of (execution_of (x, arm->value), part, k, longest, error);
  return shown->lists != NULL && (arm == NULL || shown->other != NULL);
}

static gboolean
evaluate_lists (Execution *x, const FlInstance *objective, const FlSection *section, FlPart part,
                FlOutcome *outcome, GError **error)
{
  const FlSetting *arm = fl_section_arm (section, x->set->setup.registry);
  const FlView *view = fl_trained_view (x->trained, part, error);
  gboolean ok = view != NULL;

  for (size_t i = 0; ok && i < x->cell->k.n; i++)
    {
      size_t k = (size_t) x->cell->k.v[i];
      FlView shown = *view;

      ok = show_lists (x, arm, part, k, &shown, error)
           && fl_objective_run (objective, section->name, &shown, (int) k, outcome, error);
    }
  return ok;
}

static gboolean
evaluate_one (Execution *x, const FlSection *section, FlOutcome *outcome, GError **error)
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
                    section->title, part_word[part], part_word[part]);
  if (fl_objective_needs_lists (objective))
    return evaluate_lists (x, objective, section, part, outcome, error);
  view = fl_trained_view (x->trained, part, error);
  return view != NULL && fl_objective_run (objective, section->name, view, 0, outcome, error);
}

static gboolean
evaluate (Execution *x, FlOutcome *outcome, GError **error)
{
  for (guint i = 0; i < x->cell->objectives->len; i++)
    if (!evaluate_one (x, g_ptr_array_index (x->cell->objectives, i), outcome, error))
      return FALSE;
  return TRUE;
}

static gboolean
project (const Execution *x, FlOutcome *outcome, GError **error)
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
          data = data_for (x, mitigator);
          stage.data = &data;
          stage.model = x->trained->model;
        }
      if (!fl_projection_run (mitigator, &stage, outcome, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- rounds -------------------------------------------------------------- */

/* What came of the round that was learnt; then users respond to its lists. */
static gboolean
end_round (Execution *x, const FlRoundsKeys *keys, FlLoop *loop, uint32_t round,
           FlOutcome *outcome, GError **error)
{
  size_t k = (size_t) keys->k;
  const FlLists *lists;

  if (!evaluate (x, outcome, error))
    return FALSE;
  lists = lists_of (x, FL_PART_TRAIN, k, k, error);
  if (lists == NULL
      || !fl_loop_respond (loop, lists, round, fl_run_seed (x->run), outcome, error))
    return FALSE;
  fl_loop_record (loop, outcome, round);
  return TRUE;
}

/* Trains anew on what is known by now. */
static gboolean
begin_round (Execution *x, uint32_t round, GError **error)
{
  forget (x);
  fl_trained_forget (x->trained);
  fl_run_set_seed (x->trained->run, fl_loop_seed (x->cell->seed, round));
  return learn (x, error) && prepare_later (x, error);
}

/* *outcome becomes that of the last round, with the courses of all. */
static gboolean
go_round (Execution *x, const FlRoundsKeys *keys, FlOutcome **outcome, GError **error)
{
  g_autoptr (FlLoop) loop = fl_loop_new (keys, x->trained->split, error);

  for (uint32_t round = 0; loop != NULL && round < keys->n; round++)
    {
      if (round > 0 && !begin_round (x, round, error))
        return FALSE;
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
close_loop (Execution *x, FlOutcome **outcome, GError **error)
{
  FlRoundsKeys keys = { 0 };
  gboolean done = fl_cell_rounds (x->cell, x->set->setup.registry, &keys, error)
                  && go_round (x, &keys, outcome, error);

  fl_params_clear (fl_rounds_params, &keys);
  return done;
}

/* ---- the outcome ----------------------------------------------------------- */

static void
add_notes (const Execution *x, FlOutcome *outcome)
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
add_artefacts (const Execution *x, FlOutcome *outcome)
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
  g_auto (Execution) x;
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();

  execution_init (&x, cell, set, FALSE);
  if (!fit (&x, error)
      || (cell->rounds != NULL ? !close_loop (&x, &outcome, error)
                               : !project (&x, outcome, error) || !evaluate (&x, outcome, error)))
    return NULL;
  add_notes (&x, outcome);
  add_artefacts (&x, outcome);
  return g_steal_pointer (&outcome);
}
