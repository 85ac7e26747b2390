/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cell.c: cells as canonical text, as an explanation, as a message to
 * a worker; and the pairs of plugins that cannot work together. */
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

/* ---- canonical text ----------------------------------------------------- */

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

/* ---- what cannot run ---------------------------------------------------- */

static const struct
{
  FlCapability capability;
  const char *name;
} capabilities[] = {
  { FL_MODEL_FACTORS, "user and item factors" },
  { FL_MODEL_CLOSED_FORM, "closed-form sweeps" },
  { FL_MODEL_GRADIENT, "training by gradients" },
};

static unsigned
model_capabilities (const FlModelOps *ops)
{
  return (ops->factors != NULL ? (unsigned) FL_MODEL_FACTORS : 0)
         | (ops->closed_form != NULL ? (unsigned) FL_MODEL_CLOSED_FORM : 0)
         | (ops->gradient != NULL ? (unsigned) FL_MODEL_GRADIENT : 0);
}

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

/* The models that have all of `needs`. */
static char *
models_that_do (const FlRegistry *registry, unsigned needs)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlEntry *entry = g_ptr_array_index (registry->entries, i);

      if (entry->plugin.kind == FL_KIND_MODEL
          && (model_capabilities (entry->plugin.ops) & needs) == needs)
        g_ptr_array_add (names, (gpointer) entry->plugin.name);
    }
  g_ptr_array_add (names, NULL);
  return names->len > 1 ? g_strjoinv (", ", (char **) names->pdata)
                        : g_strdup ("none installed");
}

static gboolean
check_model (const FlSection *mitigator, const FlMitigatorOps *ops, const FlSection *model,
             const FlRegistry *registry, GError **error)
{
  const FlEntry *entry = fl_registry_find (registry, FL_KIND_MODEL, model->plugin, error);
  unsigned missing = 0;
  g_autoptr (GString) list = g_string_new (NULL);
  g_autofree char *names = NULL;

  if (entry == NULL)
    return FALSE;
  missing = ops->model_needs & ~model_capabilities (entry->plugin.ops);
  if (missing == 0)
    return TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS (capabilities); i++)
    if (missing & capabilities[i].capability)
      g_string_append_printf (list, "%s%s", list->len > 0 ? " and " : "",
                              capabilities[i].name);
  names = models_that_do (registry, ops->model_needs);
  return section_fail (mitigator, error, "needs %s, which model '%s' has not; models that do: %s",
                       list->len > 0 ? list->str : "what this version does not know",
                       model->plugin, names);
}

static gboolean
check_groups (const FlSection *section, gboolean needs_users, gboolean needs_items,
              const FlSections *sections, GError **error)
{
  const char *users = sections->data.users_group_by, *items = sections->data.items_group_by;

  if (needs_users && (users == NULL || *users == '\0'))
    return section_fail (section, error, "needs groups of users; set 'users.group-by' in [data]");
  if (needs_items && (items == NULL || *items == '\0'))
    return section_fail (section, error, "needs groups of items; set 'items.group-by' in [data]");
  return TRUE;
}

/* Which may depend on its parameters. */
static gboolean
needs_groups (const FlInstance *mitigator, FlSide side)
{
  const FlMitigatorOps *ops = mitigator->ops;

  return (side == FL_SIDE_USER ? ops->needs_user_groups : ops->needs_item_groups)
         && (ops->needs_groups == NULL || ops->needs_groups (mitigator->self, side));
}

static gboolean
check_mitigator (const FlSection *mitigator, const FlMitigatorOps *ops, const FlCell *cell,
                 const FlSections *sections, GError **error)
{
  g_autoptr (FlInstance) instance
      = fl_cell_instance (cell, sections->registry, FL_KIND_MITIGATOR, mitigator, error);

  if (instance == NULL)
    return FALSE;
  if (ops->needs_validation && !fl_split_has_part (&sections->split, FL_PART_VALIDATION))
    return section_fail (mitigator, error,
                         "selects on validation ratings; set 'validation' in [split]");
  return check_groups (mitigator, needs_groups (instance, FL_SIDE_USER),
                       needs_groups (instance, FL_SIDE_ITEM), sections, error);
}

static gboolean
check_mitigators (const FlCell *cell, const FlSections *sections, GError **error)
{
  const FlSection *trainer = NULL, *projector = NULL;

  for (guint i = 0; i < cell->mitigators->len; i++)
    {
      const FlSection *mitigator = g_ptr_array_index (cell->mitigators, i);
      const FlEntry *entry = fl_registry_find (sections->registry, FL_KIND_MITIGATOR,
                                               mitigator->plugin, error);
      const FlMitigatorOps *ops = entry != NULL ? entry->plugin.ops : NULL;

      if (entry == NULL
          || (cell->model != NULL
              && (!check_model (mitigator, ops, cell->model, sections->registry, error)
                  || !check_mitigator (mitigator, ops, cell, sections, error))))
        return FALSE;
      if (ops->respond != NULL && ops->augment == NULL && ops->train == NULL
          && ops->project == NULL)
        return section_fail (mitigator, error, "responds to lists and mitigates nothing; name it by "
                             "'response' in [rounds]");
      if (ops->project != NULL && projector != NULL)
        return section_fail (mitigator, error, "projects into the future, and so does [%s]",
                             projector->title);
      projector = ops->project != NULL ? mitigator : projector;
      if (ops->train != NULL && trainer != NULL)
        return section_fail (mitigator, error, "takes over training, and so does [%s]",
                             trainer->title);
      trainer = ops->train != NULL ? mitigator : trainer;
    }
  return TRUE;
}

/* The groups that objectives need, be they evaluated or a mitigator's. */
static gboolean
check_objective_groups (const FlSection *objective, const FlSections *sections, GError **error)
{
  const FlEntry *entry = fl_registry_find (sections->registry, FL_KIND_OBJECTIVE,
                                           objective->plugin, error);
  const FlObjectiveOps *ops = entry != NULL ? entry->plugin.ops : NULL;

  return ops != NULL
         && check_groups (objective, ops->needs_user_groups, ops->needs_item_groups, sections,
                          error);
}

/* Lists have lengths. */
static gboolean
check_lengths (const FlCell *cell, const FlSection *objective, const FlSections *sections,
               GError **error)
{
  g_autoptr (FlInstance) instance
      = fl_section_instance (objective, sections->references, sections->registry, error);
  const FlSetting *list = fl_settings_find (cell->evaluate->host, "objectives");

  if (instance == NULL)
    return FALSE;
  if (!fl_objective_needs_lists (instance) || cell->k.n > 0)
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "must be given: [%s] measures top-K lists, and this says how "
           "long", objective->title);
  fl_setting_locate (error, "evaluate", "k", NULL, list->origin);
  return FALSE;
}

static gboolean
learns_from_validation (const FlSection *objective, const FlSections *sections)
{
  const FlEntry *entry
      = fl_registry_find (sections->registry, FL_KIND_OBJECTIVE, objective->plugin, NULL);

  return entry != NULL && ((const FlObjectiveOps *) entry->plugin.ops)->needs_validation;
}

static gboolean
refuse_part (const FlSection *objective, const FlSetting *on, GError **error)
{
  fl_setting_locate (error, objective->title, "on", on->value,
                     strcmp (on->origin, "default") == 0 ? objective->origin : on->origin);
  return FALSE;
}

static gboolean
check_objectives (const FlCell *cell, const FlSections *sections, GError **error)
{
  for (guint i = 0; i < cell->references->len; i++)
    {
      const FlSection *reference = g_ptr_array_index (cell->references, i);

      if (reference->kind == FL_KIND_OBJECTIVE && cell->data != NULL
          && !check_objective_groups (reference, sections, error))
        return FALSE;
    }
  for (guint i = 0; i < cell->objectives->len; i++)
    {
      const FlSection *objective = g_ptr_array_index (cell->objectives, i);
      const FlSetting *on = fl_settings_find (objective->host, "on");
      FlPart part = FL_PART_TRAIN;

      if (!check_objective_groups (objective, sections, error)
          || !check_lengths (cell, objective, sections, error))
        return FALSE;
      if (on != NULL && strcmp (on->value, "train") != 0)
        part = strcmp (on->value, "test") == 0 ? FL_PART_TEST : FL_PART_VALIDATION;
      if (part != FL_PART_VALIDATION && learns_from_validation (objective, sections))
        {
          fl_fail (error, FL_ERROR_CONFIG, "'%s' learns from the ratings that it is shown; those "
                   "trained on flatter the model, and test ratings only judge: set on = "
                   "validation", objective->plugin);
          return refuse_part (objective, on, error);
        }
      if (fl_split_has_part (&sections->split, part))
        continue;
      fl_fail (error, FL_ERROR_CONFIG, "there is no such part; set '%s' in [split]", on->value);
      return refuse_part (objective, on, error);
    }
  return TRUE;
}

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

/* What a response needs; and no arm has one for a mitigator. */
static gboolean
check_rounds (const FlCell *cell, const FlSections *sections, GError **error)
{
  const FlSetting *hidden = cell->rounds != NULL ? fl_settings_find (cell->rounds->host, "hidden")
                                                 : NULL;
  const FlSetting *name = cell->rounds != NULL ? fl_settings_find (cell->rounds->host, "response")
                                               : NULL;

  for (guint i = 0; name != NULL && i < cell->references->len; i++)
    {
      const FlSection *section = g_ptr_array_index (cell->references, i);
      const FlEntry *entry = fl_registry_find (sections->registry, section->kind, section->plugin,
                                               NULL);

      if (section->kind == FL_KIND_MITIGATOR
          && strcmp (section->name != NULL ? section->name : section->plugin, name->value) == 0
          && !check_mitigator (section, entry->plugin.ops, cell, sections, error))
        return FALSE;
    }
  if (hidden == NULL
      || fl_split_has_part (&sections->split, strcmp (hidden->value, "test") == 0
                                                  ? FL_PART_TEST : FL_PART_VALIDATION))
    return TRUE;
  fl_fail (error, FL_ERROR_CONFIG, "there is no such part; set '%s' in [split]", hidden->value);
  fl_setting_locate (error, "rounds", "hidden", hidden->value,
                     strcmp (hidden->origin, "default") == 0 ? cell->rounds->origin
                                                             : hidden->origin);
  return FALSE;
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
check_trainings (const FlCell *cell, const FlSections *sections, GError **error)
{
  for (guint i = 0; cell->model != NULL && i < cell->mitigators->len; i++)
    if (!check_stopping (g_ptr_array_index (cell->mitigators, i), sections, error))
      return FALSE;
  return cell->model == NULL || check_stopping (cell->model, sections, error);
}

gboolean
fl_cell_check (const FlCell *cell, const FlSections *sections, GError **error)
{
  return (cell->data == NULL || check_folds (cell, sections, error))
         && check_mitigators (cell, sections, error)
         && check_rounds (cell, sections, error)
         && check_trainings (cell, sections, error) && check_objectives (cell, sections, error);
}
