/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* needs.c: what plugins need of the pipeline, of one another and of the data.  What
 * would fail after hours of work is refused here, before any.
 *
 *   fl_cell_check       without data, when the pipeline is read
 *   fl_cell_check_data  with the data, split and grouped
 */
#include "core/pipeline/parts.h"

#include <string.h>

#include "core/train/train-room.h"

static gboolean
section_fail (const FlSection *section, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* An error about the section's plugin as a whole. */
static gboolean
section_fail (const FlSection *section, GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  fl_fail (error, FL_ERROR_CONFIG, "%s", message);
  fl_setting_locate (error, section->title, "plugin", section->plugin, section->origin);
  return FALSE;
}

/* Hands on an error that begins with a key of the section's plugin, with its line. */
static gboolean
propagate_located (const FlSection *section, GError *reason, GError **error)
{
  g_prefix_error (&reason, "[%s] ", section->title);
  fl_section_locate (section, section->settings, &reason);
  g_propagate_error (error, reason);
  return FALSE;
}

/* Where a host's key was set, or else its group. */
static gboolean
refuse_setting (const FlSection *section, const FlSetting *setting, GError **error)
{
  gboolean given = strcmp (setting->origin, "default") != 0;

  fl_setting_locate (error, section->title, setting->key, setting->value,
                     given ? setting->origin : section->origin);
  return FALSE;
}

/* ---- one plugin --------------------------------------------------------- */

static const struct
{
  unsigned need;
  const char *name;
} capabilities[] = {
  { FL_NEEDS_FACTORS, "user and item factors" },
  { FL_NEEDS_CLOSED_FORM, "closed-form sweeps" },
  { FL_NEEDS_SWEEP_BACK, "derivatives through sweeps" },
  { FL_NEEDS_GRADIENT, "training by gradients" },
  { FL_NEEDS_RATINGS, "predicted ratings for scores" },
};

#define OF_THE_MODEL \
  (FL_NEEDS_FACTORS | FL_NEEDS_CLOSED_FORM | FL_NEEDS_SWEEP_BACK | FL_NEEDS_GRADIENT \
   | FL_NEEDS_RATINGS)

/* The models that have, or with other parameters may have, all of `needs`. */
static char *
models_that_do (const FlRegistry *registry, unsigned needs)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlEntry *entry = g_ptr_array_index (registry->entries, i);
      const FlModelOps *ops = entry->plugin.ops;

      if (entry->plugin.kind == FL_KIND_MODEL
          && (needs & ~FL_NEEDS_RATINGS & ~fl_model_capabilities (ops)) == 0
          && ((needs & FL_NEEDS_RATINGS) == 0 || ops->predicts_ratings != NULL
              || ops->gradient != NULL))
        g_ptr_array_add (names, (gpointer) entry->plugin.name);
    }
  g_ptr_array_add (names, NULL);
  return names->len > 1 ? g_strjoinv (", ", (char **) names->pdata)
                        : g_strdup ("none installed");
}

/* What to do about scores that are no ratings, where something can be done. */
static const char *
lacks_ratings (const FlInstance *model, unsigned needs)
{
  gboolean by_loss = (needs & FL_NEEDS_RATINGS) && !fl_model_has (model, FL_NEEDS_RATINGS)
                     && fl_model_has (model, FL_NEEDS_GRADIENT);

  return by_loss ? " (only with loss = squared are its scores ratings)" : "";
}

static gboolean
check_model (const FlSection *section, unsigned needs, const FlInstance *model,
             const FlRegistry *registry, GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);
  g_autofree char *names = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (capabilities); i++)
    if ((needs & capabilities[i].need) && !fl_model_has (model, capabilities[i].need))
      g_string_append_printf (list, "%s%s", list->len > 0 ? " and " : "", capabilities[i].name);
  if (list->len == 0)
    return TRUE;
  names = models_that_do (registry, needs & OF_THE_MODEL);
  return section_fail (section, error, "needs %s, which model '%s' has not%s; models that do: %s",
                       list->str, fl_instance_name (model), lacks_ratings (model, needs), names);
}

static gboolean
check_groups (const FlSection *section, unsigned needs, const FlSections *sections,
              GError **error)
{
  const char *users = sections->data.users_group_by, *items = sections->data.items_group_by;

  if ((needs & FL_NEEDS_USER_GROUPS) && (users == NULL || *users == '\0'))
    return section_fail (section, error, "needs groups of users; set 'users.group-by' in [data]");
  if ((needs & FL_NEEDS_ITEM_GROUPS) && (items == NULL || *items == '\0'))
    return section_fail (section, error, "needs groups of items; set 'items.group-by' in [data]");
  return TRUE;
}

/* The cell as it is checked. */
typedef struct
{
  const FlCell *cell;
  const FlSections *sections;
  FlInstance *model; /* NULL: mitigators work alone */
  gboolean tolerant; /* of scores that are no ratings: what is measured of them is undefined */
} Check;

static FlInstance *
instance_of (const Check *check, const FlSection *section, GError **error)
{
  return fl_section_instance (section, check->sections->references, check->sections->registry,
                              error);
}

/* Said once, of however many cells. */
static void
warn_of_scores (const Check *check, const FlSection *section)
{
  g_autofree char *warning
      = g_strdup_printf ("[%s] is undefined in arm '%s': the scores of model '%s' are no ratings%s",
                         section->title, check->cell->arm, fl_instance_name (check->model),
                         lacks_ratings (check->model, FL_NEEDS_RATINGS));
  GPtrArray *warnings = check->sections->warnings;

  if (!g_ptr_array_find_with_equal_func (warnings, warning, g_str_equal, NULL))
    g_ptr_array_add (warnings, g_steal_pointer (&warning));
}

static gboolean
check_section (const Check *check, const FlSection *section, GError **error)
{
  g_autoptr (FlInstance) instance = instance_of (check, section, error);
  unsigned needs;

  if (instance == NULL)
    return FALSE;
  needs = fl_instance_needs (instance);
  if (section->kind == FL_KIND_MITIGATOR && (needs & FL_NEEDS_VALIDATION)
      && !fl_split_has_part (&check->sections->split, FL_PART_VALIDATION))
    return section_fail (section, error,
                         "selects on validation ratings; set 'validation' in [split]");
  if (check->tolerant && (needs & FL_NEEDS_RATINGS)
      && !fl_model_has (check->model, FL_NEEDS_RATINGS))
    {
      warn_of_scores (check, section);
      needs &= ~(unsigned) FL_NEEDS_RATINGS;
    }
  return check_model (section, needs, check->model, check->sections->registry, error)
         && check_groups (section, needs, check->sections, error);
}

/* ---- mitigators --------------------------------------------------------- */

/* One section of a stage that stands alone in an arm. */
static gboolean
check_alone (const FlSection *mitigator, gboolean has, const FlSection **first, const char *what,
             GError **error)
{
  if (has && *first != NULL)
    return section_fail (mitigator, error, "%s, and so does [%s]", what, (*first)->title);
  if (has)
    *first = mitigator;
  return TRUE;
}

static gboolean
check_mitigators (const Check *check, GError **error)
{
  const FlSection *trainer = NULL, *projector = NULL, *reranker = NULL;

  for (guint i = 0; i < check->cell->mitigators->len; i++)
    {
      const FlSection *mitigator = g_ptr_array_index (check->cell->mitigators, i);
      const FlEntry *entry = fl_registry_find (check->sections->registry, FL_KIND_MITIGATOR,
                                               mitigator->plugin, error);
      const FlMitigatorOps *ops = entry != NULL ? entry->plugin.ops : NULL;

      if (entry == NULL || (check->model != NULL && !check_section (check, mitigator, error)))
        return FALSE;
      if (ops->augment == NULL && ops->train == NULL && ops->rerank == NULL
          && ops->project == NULL)
        return section_fail (mitigator, error, "responds to lists and mitigates nothing; name it by "
                             "'response' in [rounds]");
      if (!check_alone (mitigator, ops->project != NULL, &projector, "projects into the future",
                        error)
          || !check_alone (mitigator, ops->train != NULL, &trainer, "takes over training", error)
          || !check_alone (mitigator, ops->rerank != NULL, &reranker, "makes the lists", error))
        return FALSE;
    }
  return TRUE;
}

/* ---- training ----------------------------------------------------------- */

/* The mitigator that trains in the model's place, or NULL. */
static const FlSection *
trainer_of (const Check *check, const FlTrainOps **ops)
{
  for (guint i = 0; i < check->cell->mitigators->len; i++)
    {
      const FlSection *mitigator = g_ptr_array_index (check->cell->mitigators, i);
      const FlEntry *entry = fl_registry_find (check->sections->registry, FL_KIND_MITIGATOR,
                                               mitigator->plugin, NULL);

      *ops = entry != NULL ? ((const FlMitigatorOps *) entry->plugin.ops)->train : NULL;
      if (*ops != NULL)
        return mitigator;
    }
  return NULL;
}

/* A loss and an optimiser that the model has and the trainer can use. */
static gboolean
check_training (const Check *check, GError **error)
{
  const FlTrainOps *ops = NULL;
  const FlSection *trainer = trainer_of (check, &ops);
  FlTrainingSettings settings;
  GError *reason = NULL;

  if (!fl_model_has (check->model, FL_NEEDS_GRADIENT))
    return TRUE;
  if (!fl_model_settings (check->model, &settings, error))
    return FALSE;
  return fl_training_check (check->model, &settings, trainer != NULL ? trainer->plugin : NULL, ops,
                            &reason)
         || propagate_located (check->cell->model, reason, error);
}

/* Training that stops by what it sees on the validation part needs one. */
static gboolean
check_stopping (const FlSection *section, const FlSections *sections, GError **error)
{
  const FlSetting *on = fl_settings_find (section->settings, "stop-on");
  const FlEntry *entry = on != NULL ? fl_registry_find (sections->registry, section->kind,
                                                        section->plugin, NULL) : NULL;
  const FlParam *param = entry != NULL ? entry->plugin.params : NULL;

  for (; param != NULL && param->type != FL_TYPE_END; param++)
    if (param->type == FL_TYPE_PLUGIN && strcmp (fl_param_key (param), on->key) == 0
        && on->value[0] != '\0' && !fl_split_has_part (&sections->split, FL_PART_VALIDATION))
      {
        fl_fail (error, FL_ERROR_CONFIG,
                 "is measured on validation ratings; set 'validation' in [split]");
        fl_setting_locate (error, section->title, on->key, on->value, on->origin);
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_trainings (const Check *check, GError **error)
{
  const FlCell *cell = check->cell;

  for (guint i = 0; i < cell->mitigators->len; i++)
    if (!check_stopping (g_ptr_array_index (cell->mitigators, i), check->sections, error))
      return FALSE;
  return check_stopping (cell->model, check->sections, error) && check_training (check, error);
}

/* ---- objectives --------------------------------------------------------- */

/* Lists have lengths. */
static gboolean
check_lengths (const Check *check, const FlSection *objective, unsigned needs, GError **error)
{
  const FlSetting *list = fl_settings_find (check->cell->evaluate->host, "objectives");

  if ((needs & FL_NEEDS_LISTS) == 0 || check->cell->k.n > 0)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "must be given: [%s] measures top-K lists, and this says how "
           "long", objective->title);
  fl_setting_locate (error, "evaluate", "k", NULL, list->origin);
  return FALSE;
}

/* Both look at one view: an objective that asks another must itself need the lists, or the
 * validation ratings, that the other needs. */
static gboolean
check_asked (const FlSection *section, const FlInstance *objective, GError **error)
{
  unsigned needs = fl_instance_needs (objective);
  const FlParam *p = objective->plugin->params;

  for (; p != NULL && p->type != FL_TYPE_END; p++)
    {
      const FlInstance *asked = fl_objective_asked (objective, p);
      unsigned missing = asked != NULL ? fl_instance_needs (asked) & ~needs : 0;

      if (missing & (FL_NEEDS_LISTS | FL_NEEDS_VALIDATION))
        return section_fail (section, error, "%s = %s %s, and '%s' is not made for that",
                             fl_param_key (p), fl_instance_name (asked),
                             missing & FL_NEEDS_LISTS ? "measures top-K lists"
                                                      : "learns from validation ratings",
                             fl_instance_name (objective));
      if (asked != NULL && !check_asked (section, asked, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_part (const Check *check, const FlSection *objective, unsigned needs, GError **error)
{
  const FlSetting *on = fl_settings_find (objective->host, "on");
  FlPart part = FL_PART_TRAIN;

  if (on != NULL && strcmp (on->value, "train") != 0)
    part = strcmp (on->value, "test") == 0 ? FL_PART_TEST : FL_PART_VALIDATION;
  if (part != FL_PART_VALIDATION && (needs & FL_NEEDS_VALIDATION))
    {
      fl_fail (error, FL_ERROR_CONFIG, "'%s' learns from the ratings that it is shown; those "
               "trained on flatter the model, and test ratings only judge: set on = "
               "validation", objective->plugin);
      return refuse_setting (objective, on, error);
    }
  if (fl_split_has_part (&check->sections->split, part))
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "there is no such part; set '%s' in [split]", on->value);
  return refuse_setting (objective, on, error);
}

static gboolean
check_objectives (const Check *strict, GError **error)
{
  const Check tolerant = { strict->cell, strict->sections, strict->model, TRUE }, *check = &tolerant;
  const FlCell *cell = check->cell;

  for (guint i = 0; i < cell->objectives->len; i++)
    {
      const FlSection *objective = g_ptr_array_index (cell->objectives, i);
      g_autoptr (FlInstance) instance = instance_of (check, objective, error);
      unsigned needs = instance != NULL ? fl_instance_needs (instance) : 0;

      if (instance == NULL || !check_section (check, objective, error)
          || !check_asked (objective, instance, error)
          || !check_lengths (check, objective, needs, error)
          || !check_part (check, objective, needs, error))
        return FALSE;
    }
  return TRUE;
}

/* The parameter of the section that names a plugin as the reference does, or NULL. */
static const FlSetting *
find_naming (const FlSection *section, const FlRegistry *registry, const FlSection *reference)
{
  const FlEntry *entry = fl_registry_find (registry, section->kind, section->plugin, NULL);
  const FlParam *p = entry != NULL ? entry->plugin.params : NULL;

  for (; p != NULL && p->type != FL_TYPE_END; p++)
    {
      const FlSetting *setting = p->type == FL_TYPE_PLUGIN
                                     ? fl_settings_find (section->settings, fl_param_key (p))
                                     : NULL;

      if (setting != NULL && p->kind == reference->kind
          && strcmp (setting->value, reference->plugin) == 0)
        return setting;
    }
  return NULL;
}

/* A plugin without a group of its own stands where a parameter names it. */
static gboolean
locate_reference (const Check *check, const FlSection *reference, GError **error)
{
  const FlCell *cell = check->cell;
  g_autoptr (GPtrArray) sections = g_ptr_array_new ();

  g_ptr_array_add (sections, cell->model);
  g_ptr_array_extend (sections, cell->mitigators, NULL, NULL);
  g_ptr_array_extend (sections, cell->objectives, NULL, NULL);
  for (guint i = 0; reference->name == NULL && i < sections->len; i++)
    {
      const FlSection *section = sections->pdata[i];
      const FlSetting *setting = find_naming (section, check->sections->registry, reference);

      if (setting == NULL)
        continue;
      fl_setting_locate (error, section->title, setting->key, setting->value, setting->origin);
      return FALSE;
    }
  return FALSE;
}

/* Objectives that parameters of others name, the response of rounds among them. */
static gboolean
check_references (const Check *check, GError **error)
{
  for (guint i = 0; i < check->cell->references->len; i++)
    {
      const FlSection *reference = g_ptr_array_index (check->cell->references, i);

      if (!check_section (check, reference, error))
        return locate_reference (check, reference, error);
    }
  return TRUE;
}

/* ---- the cell ----------------------------------------------------------- */

/* Folds are of one data set: not of one that each repeat draws anew. */
static gboolean
check_folds (const FlCell *cell, const FlSections *sections, GError **error)
{
  const FlEntry *source
      = fl_registry_find (sections->registry, FL_KIND_SOURCE, cell->data->plugin, error);
  const FlSetting *method = fl_settings_find (cell->split->host, "method");

  if (source == NULL)
    return FALSE;
  if (!fl_split_folds (&sections->split) || !((const FlSourceOps *) source->plugin.ops)->seeded)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "source '%s' draws other data for each repeat, which no folds "
           "divide", cell->data->plugin);
  fl_setting_locate (error, "split", "method", method->value, method->origin);
  return FALSE;
}

/* The model of an arm that the cell names: its own, or one that it waits for. */
static FlInstance *
model_of_arm (const FlCell *cell, const FlRegistry *registry, const char *arm, GError **error)
{
  const FlCell *owner = cell;

  for (guint i = 0; i < cell->bases->len && strcmp (owner->arm, arm) != 0; i++)
    owner = g_ptr_array_index (cell->bases, i);
  return fl_cell_instance (owner, registry, FL_KIND_MODEL, owner->model, error);
}

/* Errors that make groups are those of predicted ratings. */
static gboolean
check_errors_of_side (const FlCell *cell, const FlSections *sections, FlSide side, GError **error)
{
  g_autoptr (FlGrouping) grouping = NULL;
  const FlSetting *by = fl_settings_find (cell->data->host, side == FL_SIDE_USER
                                                                ? "users.group-by"
                                                                : "items.group-by");

  if (!fl_data_grouping (&sections->data, side, &grouping, error))
    return FALSE;
  for (guint f = 0; grouping != NULL && f < grouping->factors->len; f++)
    {
      const FlFactor *factor = g_ptr_array_index (grouping->factors, f);
      g_autoptr (FlInstance) model = NULL;

      if (factor->arm == NULL)
        continue;
      model = model_of_arm (cell, sections->registry, factor->arm, error);
      if (model == NULL)
        return FALSE;
      if (fl_model_has (model, FL_NEEDS_RATINGS))
        continue;
      fl_fail (error, FL_ERROR_CONFIG, "arm '%s' has no errors of ratings: the scores of its model "
               "'%s' are none%s", factor->arm, fl_instance_name (model),
               lacks_ratings (model, FL_NEEDS_RATINGS));
      return refuse_setting (cell->data, by, error);
    }
  return TRUE;
}

static gboolean
check_error_groups (const FlCell *cell, const FlSections *sections, GError **error)
{
  return check_errors_of_side (cell, sections, FL_SIDE_USER, error)
         && check_errors_of_side (cell, sections, FL_SIDE_ITEM, error);
}

static gboolean
check_rounds (const FlCell *cell, const FlSections *sections, GError **error)
{
  const FlSetting *hidden = cell->rounds != NULL ? fl_settings_find (cell->rounds->host, "hidden")
                                                 : NULL;

  if (hidden == NULL
      || fl_split_has_part (&sections->split, strcmp (hidden->value, "test") == 0
                                                  ? FL_PART_TEST : FL_PART_VALIDATION))
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "there is no such part; set '%s' in [split]", hidden->value);
  return refuse_setting (cell->rounds, hidden, error);
}

gboolean
fl_cell_check (const FlCell *cell, const FlSections *sections, GError **error)
{
  Check check = { .cell = cell, .sections = sections };
  g_autoptr (FlInstance) model = NULL;

  if (cell->model == NULL)
    return check_mitigators (&check, error);
  model = check.model = instance_of (&check, cell->model, error);
  return model != NULL && check_folds (cell, sections, error)
         && check_section (&check, cell->model, error) && check_mitigators (&check, error)
         && check_references (&check, error) && check_error_groups (cell, sections, error)
         && check_rounds (cell, sections, error)
         && check_trainings (&check, error) && check_objectives (&check, error);
}

/* ---- with the data ------------------------------------------------------- */

static gboolean
check_data (const FlCell *cell, const FlRegistry *registry, const FlSection *section,
            const FlSplit *split, GError **error)
{
  g_autoptr (FlInstance) instance
      = section != NULL ? fl_cell_instance (cell, registry, section->kind, section, error) : NULL;
  FlData data = split->data;
  GError *reason = NULL;

  if (instance == NULL)
    return section == NULL;
  if ((fl_instance_needs (instance) & FL_NEEDS_VALIDATION) == 0)
    data.validation = NULL;
  return fl_instance_check_data (instance, &data, &reason)
         || propagate_located (section, reason, error);
}

static gboolean
check_all_data (const FlCell *cell, const FlRegistry *registry, const GPtrArray *sections,
                const FlSplit *split, GError **error)
{
  for (guint i = 0; i < sections->len; i++)
    if (!check_data (cell, registry, g_ptr_array_index (sections, i), split, error))
      return FALSE;
  return TRUE;
}

/* No list is longer than there are items. */
static gboolean
check_list_lengths (const FlCell *cell, const FlRegistry *registry, const FlSplit *split,
                    GError **error)
{
  uint32_t n_items = split->train->n_items;
  const FlSetting *at = fl_settings_find (cell->evaluate->host, "k");
  gboolean listed = FALSE;

  for (guint i = 0; i < cell->objectives->len && !listed; i++)
    {
      g_autoptr (FlInstance) objective
          = fl_cell_instance (cell, registry, FL_KIND_OBJECTIVE,
                              g_ptr_array_index (cell->objectives, i), error);

      if (objective == NULL)
        return FALSE;
      listed = fl_objective_needs_lists (objective);
    }
  for (size_t i = 0; listed && i < cell->k.n; i++)
    if (cell->k.v[i] > n_items)
      {
        fl_fail (error, FL_ERROR_CONFIG, "lists of %" G_GINT64_FORMAT " items are wanted, and "
                 "there are %u items", cell->k.v[i], n_items);
        return refuse_setting (cell->evaluate, at, error);
      }
  return TRUE;
}

static gboolean
check_stop_length (const FlCell *cell, const FlRegistry *registry, const FlSplit *split,
                   GError **error)
{
  g_autoptr (FlInstance) model
      = fl_cell_instance (cell, registry, FL_KIND_MODEL, cell->model, error);
  FlTrainingSettings settings;
  GError *reason = NULL;

  if (model == NULL)
    return FALSE;
  if (!fl_model_has (model, FL_NEEDS_GRADIENT))
    return TRUE;
  if (!fl_model_settings (model, &settings, error))
    return FALSE;
  if (settings.stop_on == NULL || !fl_objective_needs_lists (settings.stop_on)
      || settings.stop_k <= split->train->n_items)
    return TRUE;
  fl_fail (&reason, FL_ERROR_CONFIG, "stop-k = %" G_GINT64_FORMAT ": there are %u items",
           settings.stop_k, split->train->n_items);
  return propagate_located (cell->model, reason, error);
}

gboolean
fl_cell_check_data (const FlCell *cell, const FlRegistry *registry, const FlSplit *split,
                    GError **error)
{
  return check_data (cell, registry, cell->model, split, error)
         && check_all_data (cell, registry, cell->mitigators, split, error)
         && check_all_data (cell, registry, cell->references, split, error)
         && check_all_data (cell, registry, cell->objectives, split, error)
         && check_list_lengths (cell, registry, split, error)
         && check_stop_length (cell, registry, split, error);
}
