/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell.c: cells as canonical text, as an explanation, as a message to a worker. */
#include "core/pipeline/parts.h"

#include <string.h>

FlCell *
fl_cell_new (void)
{
  FlCell *cell = g_new0 (FlCell, 1);

  cell->sweep = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  cell->mitigators = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_section_unref);
  cell->objectives = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_section_unref);
  cell->references = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_section_unref);
  cell->bases = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  return cell;
}

FlCell *
fl_cell_repeat (const FlCell *cell, uint32_t repeat)
{
  FlCell *copy = g_new0 (FlCell, 1);

  copy->arm = g_strdup (cell->arm);
  copy->repeat = repeat;
  copy->seed = cell->seed + repeat;
  if (cell->data != NULL)
    {
      copy->data = fl_section_ref (cell->data);
      copy->split = fl_section_ref (cell->split);
      copy->model = fl_section_ref (cell->model);
    }
  copy->evaluate = fl_section_ref (cell->evaluate);
  copy->rounds = cell->rounds != NULL ? fl_section_ref (cell->rounds) : NULL;
  copy->sweep = g_ptr_array_ref (cell->sweep);
  copy->mitigators = g_ptr_array_ref (cell->mitigators);
  copy->objectives = g_ptr_array_ref (cell->objectives);
  copy->references = g_ptr_array_ref (cell->references);
  copy->bases = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  for (guint i = 0; i < cell->bases->len; i++)
    g_ptr_array_add (copy->bases, fl_cell_repeat (g_ptr_array_index (cell->bases, i), repeat));
  copy->k.n = cell->k.n;
  copy->k.v = g_memdup2 (cell->k.v, cell->k.n * sizeof *cell->k.v);
  copy->candidates = cell->candidates != NULL ? g_ptr_array_ref (cell->candidates) : NULL;
  copy->fold = cell->fold;
  copy->n_folds = cell->n_folds;
  return copy;
}

void
fl_cell_free (FlCell *cell)
{
  if (cell == NULL)
    return;
  g_free (cell->arm);
  g_clear_pointer (&cell->sweep, g_ptr_array_unref);
  fl_section_unref (cell->data);
  fl_section_unref (cell->split);
  fl_section_unref (cell->model);
  fl_section_unref (cell->evaluate);
  fl_section_unref (cell->rounds);
  g_clear_pointer (&cell->mitigators, g_ptr_array_unref);
  g_clear_pointer (&cell->objectives, g_ptr_array_unref);
  g_clear_pointer (&cell->references, g_ptr_array_unref);
  g_clear_pointer (&cell->bases, g_ptr_array_unref);
  g_clear_pointer (&cell->candidates, g_ptr_array_unref);
  g_free (cell->chosen);
  g_free (cell->chosen_by);
  g_free (cell->k.v);
  g_free (cell);
}

FlInstance *
fl_cell_instance (const FlCell *cell, const FlRegistry *registry, FlKind kind,
                  const FlSection *section, GError **error)
{
  g_return_val_if_fail (section->kind == kind, NULL);
  return fl_section_instance (section, cell->references, registry, error);
}

/* ---- explanation -------------------------------------------------------- */

static void
describe_setting (GString *text, const char *key, const char *value, const char *origin)
{
  g_autofree char *line = g_strdup_printf ("  %s = %s", key, value);

  g_string_append_printf (text, "%s%*s  # %s\n", line,
                          (int) MAX (0, 40 - g_utf8_strlen (line, -1)), "", origin);
}

static void
describe_settings (GString *text, const GPtrArray *settings)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      describe_setting (text, setting->key, setting->value, setting->origin);
    }
}

static void
describe_section (GString *text, const FlSection *section)
{
  if (section == NULL)
    return;
  g_string_append_printf (text, "[%s]\n", section->title);
  if (section->plugin != NULL)
    describe_setting (text, section->kind == FL_KIND_SOURCE ? "source" : "plugin",
                      section->plugin, section->origin);
  describe_settings (text, section->settings);
  describe_settings (text, section->host);
}

static gboolean
same_title (gconstpointer a, gconstpointer b)
{
  return strcmp (((const FlSection *) a)->title, ((const FlSection *) b)->title) == 0;
}

/* `sections`, except those that `shown` has. */
static void
describe_sections (GString *text, const GPtrArray *sections, const GPtrArray *shown)
{
  for (guint i = 0; i < sections->len; i++)
    {
      const FlSection *section = g_ptr_array_index (sections, i);

      if (shown == NULL
          || !g_ptr_array_find_with_equal_func ((GPtrArray *) shown, section, same_title, NULL))
        describe_section (text, section);
    }
}

char *
fl_cell_describe (const FlCell *cell)
{
  GString *text = g_string_new (NULL);

  describe_section (text, cell->data);
  describe_section (text, cell->split);
  describe_section (text, cell->model);
  describe_sections (text, cell->mitigators, NULL);
  describe_sections (text, cell->objectives, NULL);
  describe_sections (text, cell->references, cell->objectives);
  describe_section (text, cell->evaluate);
  describe_section (text, cell->rounds);
  for (guint i = 0; i < cell->bases->len; i++)
    {
      const FlCell *base = g_ptr_array_index (cell->bases, i);

      g_string_append_printf (text, "# trained before it: arm %s\n", base->arm);
      describe_section (text, base->data);
      describe_section (text, base->model);
      describe_sections (text, base->mitigators, NULL);
    }
  return g_string_free (text, FALSE);
}

/* ---- to a worker and back ----------------------------------------------- */

#define SETTINGS_TYPE "a(sss)"
#define SECTION_TYPE "(smsmsmsmsmsu" SETTINGS_TYPE SETTINGS_TYPE ")"
#define SECTIONS_TYPE "a" SECTION_TYPE
#define MAYBE_TYPE "m" SECTION_TYPE
#define CELL_TYPE \
  "(s" SETTINGS_TYPE "ut" MAYBE_TYPE MAYBE_TYPE MAYBE_TYPE SECTION_TYPE \
  SECTIONS_TYPE SECTIONS_TYPE SECTIONS_TYPE "axav" MAYBE_TYPE ")"

static GVariant *
settings_to_variant (const GPtrArray *settings)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (SETTINGS_TYPE));
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      g_variant_builder_add (&builder, "(sss)", setting->key, setting->value, setting->origin);
    }
  return g_variant_builder_end (&builder);
}

static GPtrArray *
settings_from_variant (GVariant *variant)
{
  GPtrArray *settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  const char *key = NULL, *value = NULL, *origin = NULL;
  GVariantIter iter;

  g_variant_iter_init (&iter, variant);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &key, &value, &origin))
    g_ptr_array_add (settings, fl_setting_new (key, value, origin));
  return settings;
}

static GVariant *
section_to_variant (const FlSection *section)
{
  return g_variant_new ("(smsmsmsmsmsu@" SETTINGS_TYPE "@" SETTINGS_TYPE ")", section->title,
                        section->name, section->plugin, section->plugin_version,
                        section->origin, section->canonical, (guint32) section->kind,
                        settings_to_variant (section->settings),
                        settings_to_variant (section->host));
}

static GVariant *
maybe_to_variant (const FlSection *section)
{
  return g_variant_new_maybe (G_VARIANT_TYPE (SECTION_TYPE),
                              section != NULL ? section_to_variant (section) : NULL);
}

static FlSection *
section_from_variant (GVariant *variant)
{
  FlSection *section = fl_section_new ();
  g_autoptr (GVariant) settings = NULL;
  g_autoptr (GVariant) host = NULL;
  guint32 kind = 0;

  g_variant_get (variant, "(smsmsmsmsmsu@" SETTINGS_TYPE "@" SETTINGS_TYPE ")", &section->title,
                 &section->name, &section->plugin, &section->plugin_version, &section->origin,
                 &section->canonical, &kind, &settings, &host);
  section->kind = kind < FL_N_KINDS ? (FlKind) kind : FL_KIND_SOURCE;
  section->settings = settings_from_variant (settings);
  section->host = settings_from_variant (host);
  return section;
}

static GVariant *
sections_to_variant (const GPtrArray *sections)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (SECTIONS_TYPE));
  for (guint i = 0; i < sections->len; i++)
    g_variant_builder_add_value (&builder,
                                 section_to_variant (g_ptr_array_index (sections, i)));
  return g_variant_builder_end (&builder);
}

static FlSection *
child_section (GVariant *variant, gsize index)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (variant, index);

  return section_from_variant (child);
}

static FlSection *
child_maybe (GVariant *variant, gsize index)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (variant, index);

  return g_variant_n_children (child) > 0 ? child_section (child, 0) : NULL;
}

static GPtrArray *
child_sections (GVariant *variant, gsize index)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (variant, index);
  GPtrArray *sections = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_section_unref);

  for (gsize i = 0; i < g_variant_n_children (child); i++)
    g_ptr_array_add (sections, child_section (child, i));
  return sections;
}

static GVariant *
cells_to_variant (const GPtrArray *cells)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < cells->len; i++)
    g_variant_builder_add (&builder, "v", fl_cell_to_variant (g_ptr_array_index (cells, i)));
  return g_variant_builder_end (&builder);
}

GVariant *
fl_cell_to_variant (const FlCell *cell)
{
  GVariant *parts[] = {
    g_variant_new_string (cell->arm),
    settings_to_variant (cell->sweep),
    g_variant_new_uint32 (cell->repeat),
    g_variant_new_uint64 (cell->seed),
    maybe_to_variant (cell->data),
    maybe_to_variant (cell->split),
    maybe_to_variant (cell->model),
    section_to_variant (cell->evaluate),
    sections_to_variant (cell->mitigators),
    sections_to_variant (cell->objectives),
    sections_to_variant (cell->references),
    g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, cell->k.v, cell->k.n, sizeof (int64_t)),
    cells_to_variant (cell->bases),
    maybe_to_variant (cell->rounds),
  };

  return g_variant_new_tuple (parts, G_N_ELEMENTS (parts));
}

/* Nested cells; FALSE when one of them is none. */
static gboolean
child_cells (GVariant *variant, gsize index, FlCell *cell, GError **error)
{
  g_autoptr (GVariant) children = g_variant_get_child_value (variant, index);

  cell->bases = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  for (gsize i = 0; i < g_variant_n_children (children); i++)
    {
      g_autoptr (GVariant) child = NULL;
      FlCell *base;

      g_variant_get_child (children, i, "v", &child);
      base = fl_cell_from_variant (child, error);
      if (base == NULL)
        return FALSE;
      g_ptr_array_add (cell->bases, base);
    }
  return TRUE;
}

FlCell *
fl_cell_from_variant (GVariant *variant, GError **error)
{
  g_autoptr (FlCell) cell = NULL;
  g_autoptr (GVariant) sweep = NULL;
  g_autoptr (GVariant) k = NULL;
  const int64_t *lengths = NULL;

  if (!g_variant_is_of_type (variant, G_VARIANT_TYPE (CELL_TYPE)))
    {
      fl_fail (error, FL_ERROR_SYSTEM, "expected a cell (%s), received %s", CELL_TYPE,
               g_variant_get_type_string (variant));
      return NULL;
    }
  cell = g_new0 (FlCell, 1);
  g_variant_get_child (variant, 0, "s", &cell->arm);
  g_variant_get_child (variant, 1, "@" SETTINGS_TYPE, &sweep);
  g_variant_get_child (variant, 2, "u", &cell->repeat);
  g_variant_get_child (variant, 3, "t", &cell->seed);
  cell->sweep = settings_from_variant (sweep);
  cell->data = child_maybe (variant, 4);
  cell->split = child_maybe (variant, 5);
  cell->model = child_maybe (variant, 6);
  cell->evaluate = child_section (variant, 7);
  cell->mitigators = child_sections (variant, 8);
  cell->objectives = child_sections (variant, 9);
  cell->references = child_sections (variant, 10);
  cell->rounds = child_maybe (variant, 13);
  g_variant_get_child (variant, 11, "@ax", &k);
  lengths = g_variant_get_fixed_array (k, &cell->k.n, sizeof *lengths);
  cell->k.v = g_memdup2 (lengths, cell->k.n * sizeof *lengths);
  return child_cells (variant, 12, cell, error) ? g_steal_pointer (&cell) : NULL;
}
