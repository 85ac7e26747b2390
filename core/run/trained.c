/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* trained.c: from a split to a trained model, and what is looked at of it.
 *
 *   split -> augment* -> train (a mitigator's, else the model's own)
 *
 * Test ratings stay here: stages receive FlData, which has no place for them.
 */
#include "core/run/trained.h"

FlTrained *
fl_trained_new (const FlTrainedSetup *setup, const char *name, uint64_t seed)
{
  FlTrained *trained = g_new0 (FlTrained, 1);

  trained->name = g_strdup (name);
  if (*setup->folder != '\0')
    trained->prefix = g_build_filename (setup->folder, name, NULL);
  trained->checkpoints = (FlCheckpoints) { .prefix = trained->prefix,
                                           .seconds = setup->checkpoint };
  trained->run = fl_run_new (seed, setup->progress, setup->user_data);
  fl_run_lend_services (trained->run, &fl_training_services);
  fl_run_keep_checkpoints (trained->run, &trained->checkpoints);
  trained->artefacts = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_artefact_free);
  trained->reranked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify) fl_ranked_free);
  return trained;
}

void
fl_trained_forget_views (FlTrained *trained)
{
  for (size_t part = 0; part < G_N_ELEMENTS (trained->views); part++)
    {
      g_clear_pointer (&trained->views[part], fl_view_free);
      g_clear_pointer (&trained->blank[part], fl_view_free);
      fl_ranked_clear (&trained->best[part]);
    }
  g_clear_pointer (&trained->arrival, g_free);
  g_hash_table_remove_all (trained->reranked);
}

void
fl_trained_forget (FlTrained *trained)
{
  fl_trained_forget_views (trained);
  g_clear_pointer (&trained->mitigators, g_ptr_array_unref);
  g_clear_pointer (&trained->model, fl_instance_free);
  g_clear_pointer (&trained->augmented, fl_ratings_free);
  g_ptr_array_set_size (trained->artefacts, 0);
  trained->is_trained = FALSE;
}

void
fl_trained_free (FlTrained *trained)
{
  if (trained == NULL)
    return;
  fl_trained_forget (trained);
  g_ptr_array_unref (trained->artefacts);
  g_hash_table_unref (trained->reranked);
  fl_split_free (trained->split);
  fl_run_free (trained->run);
  g_free (trained->grouped);
  g_free (trained->prefix);
  g_free (trained->name);
  g_free (trained);
}

/* ---- learning ------------------------------------------------------------ */

/* Mitigators that only come afterwards are the cell's. */
static gboolean
make_plugins (FlTrained *trained, const FlCell *cell, const FlRegistry *registry, GError **error)
{
  trained->model = fl_cell_instance (cell, registry, FL_KIND_MODEL, cell->model, error);
  if (trained->model == NULL)
    return FALSE;
  trained->mitigators = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_instance_free);
  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (cell->mitigators, i);
      FlInstance *mitigator;

      if (!fl_section_trains (section, registry))
        continue;
      mitigator = fl_cell_instance (cell, registry, FL_KIND_MITIGATOR, section, error);
      if (mitigator == NULL)
        return FALSE;
      g_ptr_array_add (trained->mitigators, mitigator);
    }
  return TRUE;
}

/* The data as one mitigator may see them. */
static FlData
data_for (const FlTrained *trained, const FlInstance *mitigator)
{
  FlData data = trained->data;

  if ((fl_instance_needs (mitigator) & FL_NEEDS_VALIDATION) == 0)
    data.validation = NULL;
  return data;
}

static void
keep_added (FlTrained *trained, const FlSection *mitigator, const FlRatings *after,
            const FlDataset *dataset)
{
  const char *name = mitigator->name != NULL ? mitigator->name : mitigator->plugin;
  FlArtefact *artefact;

  if (after->n <= trained->data.train->n)
    return;
  artefact = fl_artefact_of_added (name, trained->data.train, after, dataset, trained->split);
  if (artefact != NULL)
    g_ptr_array_add (trained->artefacts, artefact);
  else
    fl_run_note_text (trained->run, "artefact", "too many ratings were added to keep them");
}

static gboolean
augment_by (FlTrained *trained, FlInstance *mitigator, const FlSection *section,
            const FlDataset *dataset, GError **error)
{
  FlData data = data_for (trained, mitigator);
  FlRatings *ratings;

  if (fl_mitigator_stages (mitigator)->augment == NULL)
    return TRUE;
  ratings = fl_mitigator_augment (mitigator, &FL_STAGE (.data = &data, .model = trained->model,
                                                        .run = trained->run), error);
  if (ratings == NULL)
    return FALSE;
  keep_added (trained, section, ratings, dataset);
  fl_ratings_free (trained->augmented);
  trained->augmented = ratings;
  trained->data.train = ratings;
  return TRUE;
}

static gboolean
augment (FlTrained *trained, const FlCell *cell, const FlRegistry *registry,
         const FlDataset *dataset, GError **error)
{
  guint next = 0;

  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (cell->mitigators, i);

      if (fl_section_trains (section, registry)
          && !augment_by (trained, g_ptr_array_index (trained->mitigators, next++), section,
                          dataset, error))
        return FALSE;
    }
  return TRUE;
}

/* Item factors that the last augmenting mitigator, who alone knows how many items
 * there are, wants the model to begin with; or NULL. */
static const double *
start_factors (const FlTrained *trained)
{
  const double *factors = NULL;

  for (guint i = 0; i < trained->mitigators->len; i++)
    {
      const FlInstance *mitigator = g_ptr_array_index (trained->mitigators, i);

      if (fl_mitigator_stages (mitigator)->augment != NULL)
        factors = fl_mitigator_start_factors (mitigator);
    }
  return factors;
}

static gboolean
fit_model (FlTrained *trained, const FlData *data, GError **error)
{
  const double *factors = start_factors (trained);
  FlInstance *model = trained->model;

  if (factors == NULL || !fl_model_has (model, FL_NEEDS_CLOSED_FORM))
    return fl_model_fit (model, data, trained->run, error);
  return fl_closed_form_start (model, data->train,
                               &FL_CLOSED_FORM_START (.item_factors = factors,
                                                      .seed = fl_run_seed (trained->run)), error)
         && fl_closed_form_converge (model, trained->run, error);
}

/* The pipeline has seen to it that at most one mitigator takes over training. */
static gboolean
train (FlTrained *trained, GError **error)
{
  FlData data = trained->data;

  for (guint i = 0; i < trained->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (trained->mitigators, i);

      if (fl_mitigator_stages (mitigator)->train == NULL)
        continue;
      data = data_for (trained, mitigator);
      return fl_mitigator_train (mitigator, &FL_STAGE (.data = &data, .model = trained->model,
                                                       .run = trained->run), error);
    }
  data.validation = NULL;
  return fit_model (trained, &data, error);
}

gboolean
fl_trained_learn (FlTrained *trained, const FlCell *cell, const FlRegistry *registry,
                  const FlDataset *dataset, GError **error)
{
  fl_trained_forget (trained);
  trained->data = trained->split->data;
  fl_run_lend_validation (trained->run, trained->split->validation);
  trained->is_trained = make_plugins (trained, cell, registry, error)
                        && augment (trained, cell, registry, dataset, error)
                        && train (trained, error)
                        && fl_model_prepare_scores (trained->model, error);
  if (trained->is_trained)
    fl_model_finish (trained->model);
  return trained->is_trained;
}

/* ---- looking --------------------------------------------------------------- */

const FlRatings *
fl_trained_ratings (const FlTrained *trained, FlPart part)
{
  switch (part)
    {
    case FL_PART_TRAIN:
      return trained->split->train;
    case FL_PART_VALIDATION:
      return trained->split->validation;
    default:
      return trained->split->test;
    }
}

static FlView *
make_view (const FlTrained *trained, const FlRatings *ratings, FlPart part, GError **error)
{
  FlView *view = fl_view_of (&trained->split->data, ratings, part, trained->model, error);

  if (view != NULL)
    view->seed = fl_run_seed (trained->run);
  return view;
}

const FlView *
fl_trained_view (FlTrained *trained, FlPart part, GError **error)
{
  if (trained->views[part] == NULL)
    trained->views[part] = make_view (trained, fl_trained_ratings (trained, part), part, error);
  return trained->views[part];
}

const FlView *
fl_trained_blank_view (FlTrained *trained, FlPart part, GError **error)
{
  if (trained->blank[part] == NULL)
    trained->blank[part] = make_view (trained, NULL, part, error);
  return trained->blank[part];
}

/* At least n of each user are kept. */
static gboolean
make_best (FlTrained *trained, FlPart part, size_t n, gboolean scored, GError **error)
{
  FlRanked *best = &trained->best[part];
  const FlView *view;

  if (best->lists != NULL && best->lists->k >= n && (!scored || best->score != NULL))
    return TRUE;
  if (best->lists != NULL)
    n = MAX (n, best->lists->k);
  scored = scored || best->score != NULL;
  view = trained->views[part] != NULL ? trained->views[part]
                                      : fl_trained_blank_view (trained, part, error);
  fl_ranked_clear (best);
  return view != NULL && fl_view_rank (view, n, scored, best, error);
}

/* Lists of all lengths are the beginnings of the longest. */
gboolean
fl_trained_best (FlTrained *trained, FlPart part, size_t n, gboolean scored, FlRanked *owned,
                 const FlRanked **best, GError **error)
{
  const FlRanked *kept = &trained->best[part];

  *owned = (FlRanked) { .lists = NULL };
  if (!make_best (trained, part, n, scored, error))
    return FALSE;
  *best = kept->lists->k == n ? kept : owned;
  return kept->lists->k == n || fl_ranked_cut (kept, n, owned, error);
}

const uint32_t *
fl_trained_arrival (FlTrained *trained, GError **error)
{
  uint32_t n_users = trained->split->train->n_users;
  FlRng rng = fl_rng (fl_run_seed (trained->run), "arrival", 0);

  if (trained->arrival != NULL)
    return trained->arrival;
  trained->arrival = fl_alloc (n_users, sizeof *trained->arrival, error);
  for (uint32_t u = 0; trained->arrival != NULL && u < n_users; u++)
    trained->arrival[u] = u;
  if (trained->arrival != NULL)
    fl_rng_shuffle (&rng, trained->arrival, n_users);
  return trained->arrival;
}

/* ---- the set -------------------------------------------------------------- */

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

FlTrained *
fl_trained_set_find (FlTrainedSet *set, const char *name, uint64_t seed)
{
  FlTrained *trained = g_hash_table_lookup (set->by_name, name);

  if (trained != NULL)
    return trained;
  trained = fl_trained_new (&set->setup, name, seed);
  g_hash_table_insert (set->by_name, trained->name, trained);
  return trained;
}
