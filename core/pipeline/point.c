/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* point.c: an arm at one point of the sweep becomes a cell, with the arms
 * that must be fitted before: their errors make its groups, or an objective
 * compares their lists with its own.
 */
#include "core/pipeline/load.h"

#include <string.h>

/* `names` as sections, in their order. */
static gboolean
add_sections (FlSections *sections, FlKind kind, const GPtrArray *names, const char *title,
              const FlSetting *from, GPtrArray *list, GError **error)
{
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) reason = NULL;
      FlSection *section = fl_sections_plugin (sections, kind, g_ptr_array_index (names, i),
                                               from->origin, &reason);

      if (section == NULL)
        {
          /* Whoever is not installed has been looked for in vain; all else says
           * where it is. */
          if (reason->code == FL_ERROR_PLUGIN)
            {
              g_autofree char *hint = fl_setting_hint (g_ptr_array_index (names, i));
              char *message = reason->message;

              reason->message = g_strconcat (message, hint, NULL);
              g_free (message);
              fl_setting_refuse (&reason, title, from);
            }
          reason->code = FL_ERROR_CONFIG;
          g_propagate_error (error, g_steal_pointer (&reason));
          return FALSE;
        }
      g_ptr_array_add (list, section);
    }
  return TRUE;
}

static FlSection *
model_section (FlSections *sections, const FlArm *arm, GError **error)
{
  const FlSetting *from = fl_settings_find (arm->settings, "model");
  const char *name = from != NULL && *arm->keys.model != '\0' ? arm->keys.model : NULL;
  const char *title = arm->group != NULL ? arm->group->title : "arm";
  g_autoptr (GError) reason = NULL;
  FlSection *section = fl_sections_model (
      sections, name, from != NULL ? from->origin : sections->conf->file, &reason);

  if (section != NULL)
    return section;
  if (reason->code == FL_ERROR_PLUGIN && from != NULL)
    fl_setting_refuse (&reason, title, from);
  reason->code = FL_ERROR_CONFIG;
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

static const char *
arm_title (const FlArm *arm)
{
  return arm->group != NULL ? arm->group->title : "arm";
}

/* Whether the arm has mitigators, all of which work without data and model, in a
 * file that names no data. */
static gboolean
works_alone (const FlSections *sections, const FlCell *cell)
{
  if (fl_conf_group (sections->conf, "data", NULL) != NULL || cell->mitigators->len == 0)
    return FALSE;
  for (guint i = 0; i < sections->overrides->len; i++)
    if (strcmp (((FlOverride *) g_ptr_array_index (sections->overrides, i))->word, "data") == 0)
      return FALSE;
  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (cell->mitigators, i);
      const FlEntry *entry
          = fl_registry_find (sections->registry, FL_KIND_MITIGATOR, section->plugin, NULL);

      const FlProjectOps *project
          = entry != NULL ? ((const FlMitigatorOps *) entry->plugin.ops)->project : NULL;

      if (project == NULL || !project->alone)
        return FALSE;
    }
  return TRUE;
}

/* What has no meaning without data. */
static gboolean
check_alone (const FlLoader *loader, const FlArm *arm, GError **error)
{
  static const char *const kinds[] = { "split", "model", "evaluate", "rounds" };
  const FlSetting *model = fl_settings_find (arm->settings, "model");

  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      const FlConfGroup *group = fl_conf_group (loader->conf, kinds[k], NULL);

      if (group != NULL)
        return fl_fail (error, FL_ERROR_CONFIG, "%s: [%s]: there is no [data] for it",
                        group->origin, group->title);
    }
  if (model == NULL)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "there is no [data] for it");
  return fl_setting_refuse (error, arm_title (arm), model);
}

/* The sections that a cell with data has beyond its mitigators. */
static gboolean
fill_model (const FlLoader *loader, const FlArm *arm, FlSections *sections, FlCell *cell,
            GError **error)
{
  const FlSetting *objectives = fl_settings_find (loader->evaluate_section->host, "objectives");
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  FlEvaluateKeys keys = { NULL };

  /* Which were not asked for yet. */
  if (objectives == NULL
      && !fl_settings_store (none, "evaluate", loader->conf->file, fl_evaluate_params, &keys,
                             NULL, error))
    return FALSE;
  return (cell->data = fl_sections_data (sections, error)) != NULL
         && (cell->split = fl_sections_split (sections, error)) != NULL
         && (cell->model = model_section (sections, arm, error)) != NULL
         && (fl_conf_group (loader->conf, "rounds", NULL) == NULL
             || (cell->rounds = fl_sections_rounds (sections, error)) != NULL)
         && add_sections (sections, FL_KIND_OBJECTIVE, loader->objectives, "evaluate", objectives,
                          cell->objectives, error);
}

static gboolean
fill_cell (const FlLoader *loader, const FlArm *arm, FlSections *sections, FlCell *cell,
           GError **error)
{
  const FlSetting *mitigators = fl_settings_find (arm->settings, "mitigators");
  const FlInts *k = &loader->evaluate.k;

  cell->arm = g_strdup (arm->name);
  cell->seed = loader->pipeline->seed;
  cell->k = (FlInts) { k->n, g_memdup2 (k->v, k->n * sizeof *k->v) };
  cell->evaluate = fl_section_ref (loader->evaluate_section);
  if (!add_sections (sections, FL_KIND_MITIGATOR, arm->mitigators, arm_title (arm), mitigators,
                     cell->mitigators, error)
      || !(works_alone (sections, cell) ? check_alone (loader, arm, error)
                                          : fill_model (loader, arm, sections, cell, error)))
    return FALSE;
  g_ptr_array_unref (cell->references);
  cell->references = g_ptr_array_ref (sections->references);
  return fl_cell_check (cell, sections, error);
}

/* The point's values in the form that the sections gave them. */
static void
set_point (const FlLoader *loader, const FlArm *arm, const FlSections *sections,
           const GPtrArray *point, FlCell *cell)
{
  for (guint i = 0; i < point->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (point, i);
      const FlSetting *written = override->setting;
      const FlSection *section
          = g_hash_table_lookup (sections->words, fl_arm_word (loader, arm, override->word));
      const FlSetting *setting = fl_settings_find (section->settings, written->key);

      if (setting == NULL)
        setting = fl_settings_find (section->host, written->key);
      g_ptr_array_add (cell->sweep,
                       fl_setting_new (override->address,
                                       setting != NULL ? setting->value : written->value,
                                       written->origin));
    }
}

static gboolean
check_taken (const FlLoader *loader, const FlArm *arm, const FlSections *sections, GError **error)
{
  for (guint i = 0; i < sections->overrides->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (sections->overrides, i);

      if (!g_hash_table_contains (sections->words, override->word))
        return fl_override_refuse (loader, override, arm, error);
    }
  return TRUE;
}

/* ---- arms that others need ------------------------------------------------ */

/* The arms that wait for one another, the last one first. */
typedef struct Chain Chain;
struct Chain
{
  const FlArm *arm;
  const Chain *before;
  unsigned *n_made; /* arms that the last one made needs, each as often as it is needed */
};

/* Each of them brings all that it needs itself. */
#define BASES_MAX 200u

static const FlArm *
find_arm (const FlLoader *loader, const char *name, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;

  for (guint i = 0; i < loader->arms->len; i++)
    {
      const FlArm *arm = g_ptr_array_index (loader->arms, i);

      if (strcmp (arm->name, name) == 0)
        return arm;
      g_ptr_array_add (known, (gpointer) arm->name);
    }
  g_ptr_array_add (known, NULL);
  suggestion = fl_suggest (name, (const char *const *) known->pdata);
  fl_fail (error, FL_ERROR_CONFIG, "there is no arm '%s'; %s", name, suggestion);
  return NULL;
}

/* The values of `point` that concern the arm (borrowed); every axis of the arm
 * must have one. */
static GPtrArray *
point_of_arm (const FlLoader *loader, const FlArm *arm, const GPtrArray *point, GError **error)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new ();

  for (guint i = 0; i < loader->axes->len; i++)
    {
      const FlAxis *axis = g_ptr_array_index (loader->axes, i);
      const FlOverride *value = fl_overrides_find (point, axis->override->address);

      if (!fl_axis_applies (loader, axis, arm))
        continue;
      if (value == NULL)
        {
          fl_fail (error, FL_ERROR_CONFIG, "the sweep multiplies arm '%s' by %s, and not the arm "
                   "that needs it: which of its points is meant is open", arm->name,
                   axis->override->address);
          return NULL;
        }
      g_ptr_array_add (own, (gpointer) value);
    }
  /* Whoever is judged is so on the same parts as those that it needs. */
  for (guint i = 0; i < point->len; i++)
    if (g_str_has_prefix (((const FlOverride *) g_ptr_array_index (point, i))->address,
                          "split.judge"))
      g_ptr_array_add (own, g_ptr_array_index (point, i));
  return g_steal_pointer (&own);
}

/* Whether a host's key only says how groups are made and compared. */
static gboolean
is_of_groups (const char *key)
{
  return g_str_has_suffix (key, ".group-by") || strstr (key, ".compare-") != NULL;
}

/* The host's settings of two sections are the same, but for groups. */
static gboolean
same_host (const FlSection *a, const FlSection *b)
{
  for (guint i = 0; i < a->host->len; i++)
    {
      const FlSetting *x = g_ptr_array_index (a->host, i), *y = g_ptr_array_index (b->host, i);

      if (strcmp (x->value, y->value) != 0 && !is_of_groups (x->key))
        return FALSE;
    }
  return TRUE;
}

static gboolean
same_data (const FlCell *a, const FlCell *b)
{
  if (b->data == NULL || strcmp (a->data->plugin, b->data->plugin) != 0)
    return FALSE;
  for (guint i = 0; i < a->data->settings->len; i++)
    {
      const FlSetting *x = g_ptr_array_index (a->data->settings, i);
      const FlSetting *y = g_ptr_array_index (b->data->settings, i);

      if (strcmp (x->value, y->value) != 0)
        return FALSE;
    }
  return same_host (a->data, b->data) && same_host (a->split, b->split);
}

/* An arm's own errors are known when it is trained: too late for those who need
 * groups to train. */
static gboolean
check_own_errors (const FlCell *cell, FlSide side, const FlRegistry *registry, GError **error)
{
  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *mitigator = g_ptr_array_index (cell->mitigators, i);
      const FlEntry *entry
          = fl_registry_find (registry, FL_KIND_MITIGATOR, mitigator->plugin, error);
      unsigned groups = side == FL_SIDE_USER ? FL_NEEDS_USER_GROUPS : FL_NEEDS_ITEM_GROUPS;

      if (entry == NULL)
        return FALSE;
      if (entry->plugin.needs & groups)
        return fl_fail (error, FL_ERROR_CONFIG, "[%s] needs these groups, and they need the "
                        "errors of the arm that it is to train", mitigator->title);
    }
  return TRUE;
}

static FlCell *make_cell (const FlLoader *loader, const FlArm *arm, const GPtrArray *point,
                          const Chain *before, GError **error);

/* What the groups of a factor, or an objective, need: an arm on the same data,
 * fitted before. */
static gboolean
add_base (const FlLoader *loader, const char *name, const GPtrArray *point, const Chain *chain,
          FlCell *cell, GError **error)
{
  const FlArm *arm = find_arm (loader, name, error);
  g_autoptr (GPtrArray) own = NULL;
  FlCell *base;

  if (arm == NULL)
    return FALSE;
  for (const Chain *link = chain; link != NULL; link = link->before)
    if (link->arm == arm)
      return fl_fail (error, FL_ERROR_CONFIG, "arm '%s' is grouped by errors that lead back to "
                      "arm '%s'", chain->arm->name, arm->name);
  for (guint i = 0; i < cell->bases->len; i++)
    if (strcmp (((const FlCell *) g_ptr_array_index (cell->bases, i))->arm, arm->name) == 0)
      return TRUE;
  if (++*chain->n_made > BASES_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "arms that are grouped by errors of arms that are "
                    "grouped by errors: more than %u trainings would go before it", BASES_MAX);
  own = point_of_arm (loader, arm, point, error);
  base = own != NULL ? make_cell (loader, arm, own, chain, error) : NULL;
  if (base == NULL)
    return FALSE;
  g_ptr_array_add (cell->bases, base);
  /* It is trained, once, and nothing more. */
  g_ptr_array_set_size (base->objectives, 0);
  g_clear_pointer (&base->rounds, fl_section_unref);
  return same_data (cell, base)
         || fl_fail (error, FL_ERROR_CONFIG, "arm '%s' has other data or another split than arm "
                     "'%s'", arm->name, cell->arm);
}

static gboolean
add_bases_of_side (const FlLoader *loader, const FlSections *sections, FlSide side,
                   const GPtrArray *point, const Chain *chain, FlCell *cell, GError **error)
{
  g_autoptr (FlGrouping) grouping = NULL;

  if (!fl_data_grouping (&sections->data, side, &grouping, error))
    return FALSE;
  for (guint f = 0; grouping != NULL && f < grouping->factors->len; f++)
    {
      const FlFactor *factor = g_ptr_array_index (grouping->factors, f);
      gboolean own = g_strcmp0 (factor->arm, cell->arm) == 0;

      if (factor->arm == NULL)
        continue;
      if (!fl_split_has_part (&sections->split, factor->part))
        return fl_fail (error, FL_ERROR_CONFIG, "the split has no %s part; set '%s' in [split]",
                        factor->part == FL_PART_TEST ? "test" : "validation",
                        factor->part == FL_PART_TEST ? "test" : "validation");
      if (own ? !check_own_errors (cell, side, loader->registry, error)
              : !add_base (loader, factor->arm, point, chain, cell, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_bases (const FlLoader *loader, const FlSections *sections, const GPtrArray *point,
           const Chain *chain, FlCell *cell, GError **error)
{
  static const char *const keys[] = { "users.group-by", "items.group-by" };

  for (int side = 0; side < 2; side++)
    {
      GError *reason = NULL;

      if (add_bases_of_side (loader, sections, (FlSide) side, point, chain, cell, &reason))
        continue;
      /* What is wrong with the other arm says where it is. */
      if (reason->code == FL_ERROR_CONFIG && strstr (reason->message, ": [") == NULL)
        fl_setting_refuse (&reason, "data", fl_settings_find (cell->data->host, keys[side]));
      g_propagate_error (error, reason);
      return FALSE;
    }
  return TRUE;
}

static gboolean
add_base_of_objective (const FlLoader *loader, const FlSection *objective, const GPtrArray *point,
                       FlCell *cell, GError **error)
{
  /* By the time of evaluation nothing waits for an arm any more. */
  unsigned n_made = 0;
  const Chain trained = { NULL, NULL, &n_made };
  const FlSetting *named = fl_section_arm (objective, loader->registry);
  GError *reason = NULL;

  if (named == NULL
      || strcmp (named->value, cell->arm) == 0
      || add_base (loader, named->value, point, &trained, cell, &reason))
    return TRUE;
  /* What is wrong with the other arm says where it is. */
  if (reason->code == FL_ERROR_CONFIG && strstr (reason->message, ": [") == NULL)
    fl_setting_refuse (&reason, objective->title, named);
  g_propagate_error (error, reason);
  return FALSE;
}

/* Only what is evaluated is measured against an arm. */
static gboolean
check_reference (const FlLoader *loader, const FlSection *reference, GError **error)
{
  const FlSetting *named = fl_section_arm (reference, loader->registry);

  if (named == NULL)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "only objectives of [evaluate] can name an arm");
  return fl_setting_refuse (error, reference->title, named);
}

static gboolean
add_bases_of_objectives (const FlLoader *loader, const GPtrArray *point, FlCell *cell,
                         GError **error)
{
  for (guint i = 0; i < cell->objectives->len; i++)
    if (!add_base_of_objective (loader, g_ptr_array_index (cell->objectives, i), point, cell,
                                error))
      return FALSE;
  for (guint i = 0; i < cell->references->len; i++)
    if (!check_reference (loader, g_ptr_array_index (cell->references, i), error))
      return FALSE;
  return TRUE;
}

/* Those of them that concern the arm, under the words that its sections know. */
static void
add_overrides (const FlLoader *loader, const FlArm *arm, const GPtrArray *from, GPtrArray *to)
{
  for (guint i = 0; i < from->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (from, i);

      if (fl_arm_reads (loader, arm, override->word))
        g_ptr_array_add (to, fl_override_copy (override,
                                               fl_arm_word (loader, arm, override->word)));
    }
}

/* The same as fl_loader_cell; `before` are the arms that wait for it. */
static FlCell *
make_cell (const FlLoader *loader, const FlArm *arm, const GPtrArray *point, const Chain *before,
           GError **error)
{
  unsigned n_made = 0;
  const Chain chain = { arm, before, before != NULL ? before->n_made : &n_made };
  g_autoptr (GPtrArray) overrides
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_override_free);
  g_auto (FlSections) sections;
  g_autoptr (FlCell) cell = fl_cell_new ();

  add_overrides (loader, arm, arm->overrides, overrides);
  add_overrides (loader, arm, point, overrides);
  add_overrides (loader, arm, loader->sets, overrides);
  fl_sections_init (&sections, loader->conf, loader->registry, overrides,
                    loader->pipeline->warnings);
  if (!fill_cell (loader, arm, &sections, cell, error)
      || !check_taken (loader, arm, &sections, error)
      /* Without mitigators an arm is trained without groups. */
      || (cell->data != NULL && (before == NULL || cell->mitigators->len > 0)
          && !add_bases (loader, &sections, point, &chain, cell, error))
      || (before == NULL && !add_bases_of_objectives (loader, point, cell, error)))
    return NULL;
  set_point (loader, arm, &sections, point, cell);
  return g_steal_pointer (&cell);
}

FlCell *
fl_loader_cell (const FlLoader *loader, const FlArm *arm, const GPtrArray *point, GError **error)
{
  return make_cell (loader, arm, point, NULL, error);
}
