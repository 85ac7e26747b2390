/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* canonical.c: cells as text that is the same when they come to the same: what a result,
 * and what a training, depends on. */
#include "core/pipeline/parts.h"

#include <string.h>

static void
append_settings (GString *text, const GPtrArray *settings)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      g_string_append_printf (text, "%s = %s\n", setting->key, setting->value);
    }
}

char *
fl_section_canonical (const FlSection *section)
{
  return g_strdup (section->canonical != NULL ? section->canonical : "");
}

/* Nothing for no section. */
static void
append_section (GString *text, const char *heading, const FlSection *section)
{
  if (section == NULL)
    return;
  g_string_append_printf (text, "[%s]\n%s", heading,
                          section->canonical != NULL ? section->canonical : "");
  append_settings (text, section->host);
}

static void
append_named (GString *text, const char *prefix, const GPtrArray *sections)
{
  for (guint i = 0; i < sections->len; i++)
    {
      const FlSection *section = g_ptr_array_index (sections, i);
      g_autofree char *heading = g_strconcat (prefix, section->title, NULL);

      append_section (text, heading, section);
    }
}

/* Of two cells of the same seed each may test another fold. */
static void
append_fold (GString *text, const FlCell *cell)
{
  const FlSetting *method = cell->split != NULL ? fl_settings_find (cell->split->host, "method")
                                                : NULL;

  if (method != NULL && g_str_has_suffix (method->value, "k-fold"))
    g_string_append_printf (text, "repeat = %u\n", cell->repeat);
}

/* What training depends on; an arm that is trained before with all it depends on
 * itself. */
static void
append_training (GString *text, const FlCell *cell)
{
  append_section (text, "data", cell->data);
  append_section (text, "split", cell->split);
  append_fold (text, cell);
  append_section (text, "model", cell->model);
  for (guint i = 0; i < cell->mitigators->len; i++)
    append_section (text, "mitigator", g_ptr_array_index (cell->mitigators, i));
}

static void
append_bases (GString *text, const FlCell *cell)
{
  for (guint i = 0; i < cell->bases->len; i++)
    {
      const FlCell *base = g_ptr_array_index (cell->bases, i);

      g_string_append_printf (text, "[arm %s]\n", base->arm);
      append_training (text, base);
      append_named (text, "reference ", base->references);
      append_bases (text, base);
    }
}

/* Models and mitigators without the names of their groups, which change no
 * result; objectives with theirs, which become names of metrics; references with
 * theirs, by which parameters find them. */
char *
fl_cell_canonical (const FlCell *cell)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "seed = %" G_GUINT64_FORMAT "\n", cell->seed);
  append_training (text, cell);
  append_named (text, "", cell->objectives);
  append_named (text, "reference ", cell->references);
  append_bases (text, cell);
  append_section (text, "rounds", cell->rounds);
  g_string_append (text, "[evaluate]\n");
  for (size_t i = 0; i < cell->k.n; i++)
    g_string_append_printf (text, "k = %" G_GINT64_FORMAT "\n", cell->k.v[i]);
  return g_string_free (text, FALSE);
}

/* ---- trainings ----------------------------------------------------------- */

gboolean
fl_section_trains (const FlSection *mitigator, const FlRegistry *registry)
{
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_MITIGATOR, mitigator->plugin, NULL);
  const FlMitigatorOps *ops = entry != NULL ? entry->plugin.ops : NULL;

  return ops != NULL && (ops->augment != NULL || ops->train != NULL);
}

gboolean
fl_cell_groups_before_training (const FlCell *cell, const FlRegistry *registry)
{
  for (guint i = 0; i < cell->mitigators->len; i++)
    if (fl_section_trains (g_ptr_array_index (cell->mitigators, i), registry))
      return TRUE;
  return FALSE;
}

gboolean
fl_cell_is_grouped_by (const FlCell *cell, const char *arm)
{
  static const char *const keys[] = { "users.group-by", "items.group-by" };

  for (size_t k = 0; k < G_N_ELEMENTS (keys); k++)
    {
      const FlSetting *setting = fl_settings_find (cell->data->host, keys[k]);
      g_autoptr (FlGrouping) grouping = NULL;

      if (*setting->value != '\0')
        grouping = fl_grouping_parse (setting->value, NULL);
      for (guint f = 0; grouping != NULL && f < grouping->factors->len; f++)
        {
          const FlFactor *factor = g_ptr_array_index (grouping->factors, f);

          if (g_strcmp0 (factor->arm, arm) == 0)
            return TRUE;
        }
    }
  return FALSE;
}

/* Sections met so far, and the cell that they belong to. */
typedef struct
{
  const FlCell *cell;
  const FlRegistry *registry;
  GString *text;
  GPtrArray *met; /* FlSection: references that are in the text */
} Reached;

static void reach (Reached *reached, const FlSection *section);

static void
reach_reference (Reached *reached, const FlSection *reference)
{
  g_autofree char *heading = g_strconcat ("reference ", reference->title, NULL);

  if (g_ptr_array_find (reached->met, reference, NULL))
    return;
  g_ptr_array_add (reached->met, (gpointer) reference);
  append_section (reached->text, heading, reference);
  reach (reached, reference);
}

/* Adds the references that the section's parameters name, and those that theirs do. */
static void
reach (Reached *reached, const FlSection *section)
{
  const FlEntry *entry
      = fl_registry_find (reached->registry, section->kind, section->plugin, NULL);
  const FlParam *p = entry != NULL ? entry->plugin.params : NULL;

  for (; p != NULL && p->type != FL_TYPE_END; p++)
    {
      const FlSetting *setting = p->type == FL_TYPE_PLUGIN
                                     ? fl_settings_find (section->settings, fl_param_key (p))
                                     : NULL;

      for (guint i = 0; setting != NULL && i < reached->cell->references->len; i++)
        {
          const FlSection *reference = g_ptr_array_index (reached->cell->references, i);
          const char *name = reference->name != NULL ? reference->name : reference->plugin;

          if (strcmp (name, setting->value) == 0)
            reach_reference (reached, reference);
        }
    }
}

/* Mitigators with the names of their groups, which what they add is called by. */
static void
append_stages (Reached *reached)
{
  const FlCell *cell = reached->cell;

  append_section (reached->text, "model", cell->model);
  reach (reached, cell->model);
  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *mitigator = g_ptr_array_index (cell->mitigators, i);

      if (!fl_section_trains (mitigator, reached->registry))
        continue;
      append_section (reached->text, mitigator->title, mitigator);
      reach (reached, mitigator);
    }
}

char *
fl_cell_training (const FlCell *cell, const FlRegistry *registry)
{
  g_autoptr (GPtrArray) met = g_ptr_array_new ();
  Reached reached = { .cell = cell, .registry = registry, .met = met };

  if (cell->data == NULL || cell->rounds != NULL)
    return fl_cell_canonical (cell);
  reached.text = g_string_new (NULL);
  g_string_append_printf (reached.text, "seed = %" G_GUINT64_FORMAT "\n", cell->seed);
  append_section (reached.text, "data", cell->data);
  append_section (reached.text, "split", cell->split);
  append_fold (reached.text, cell);
  append_stages (&reached);
  for (guint i = 0; i < cell->bases->len && fl_cell_groups_before_training (cell, registry); i++)
    {
      const FlCell *base = g_ptr_array_index (cell->bases, i);
      g_autofree char *training = NULL;

      if (!fl_cell_is_grouped_by (cell, base->arm))
        continue;
      training = fl_cell_training (base, registry);
      g_string_append_printf (reached.text, "[arm %s]\n%s", base->arm, training);
    }
  return g_string_free (reached.text, FALSE);
}
