/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* section.c: one plugin of a cell with every setting it will have.
 *
 * A group's settings, then those that arms, sweep and command line put over
 * them, are tried by making the plugin's instance, so that each mistake that
 * can be known before a run is named before it.
 */
#include "core/pipeline/parts.h"

#include <string.h>

/* Plugins whose parameters name plugins whose parameters name plugins ... */
#define DEPTH_MAX 8

/* ---- settings ----------------------------------------------------------- */

FlOverride *
fl_override_new (const char *address, const char *value, const char *title, const char *origin,
                 GError **error)
{
  const char *dot = strchr (address, '.');
  FlOverride *override = NULL;

  if (dot == NULL || dot == address || dot[1] == '\0')
    {
      fl_fail (error, FL_ERROR_CONFIG, "expected GROUP.KEY = VALUE");
      /* The command line as typed is in its origin. */
      if (title == NULL)
        g_prefix_error (error, "%s: ", origin);
      else
        fl_setting_locate (error, title, address, value, origin);
      return NULL;
    }
  override = g_new0 (FlOverride, 1);
  override->address = g_strdup (address);
  override->word = g_strndup (address, (size_t) (dot - address));
  override->title = g_strdup (title);
  override->setting = fl_setting_new (dot + 1, value, origin);
  return override;
}

FlOverride *
fl_override_copy (const FlOverride *override, const char *word)
{
  FlOverride *copy = g_new0 (FlOverride, 1);
  const FlSetting *setting = override->setting;

  copy->address = g_strdup (override->address);
  copy->word = g_strdup (word);
  copy->title = g_strdup (override->title);
  copy->setting = fl_setting_new (setting->key, setting->value, setting->origin);
  return copy;
}

void
fl_override_free (FlOverride *override)
{
  if (override == NULL)
    return;
  g_free (override->address);
  g_free (override->word);
  g_free (override->title);
  fl_setting_free (override->setting);
  g_free (override);
}

const FlSetting *
fl_settings_find (const GPtrArray *settings, const char *key)
{
  for (guint i = settings->len; i-- > 0;)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->key, key) == 0)
        return setting;
    }
  return NULL;
}

GPtrArray *
fl_settings_effective (const FlParam *params, const GPtrArray *given)
{
  GPtrArray *settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);

  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    {
      const FlSetting *setting = fl_settings_find (given, fl_param_key (p));
      g_autofree char *value = setting != NULL ? fl_param_canonical (p, setting->value, NULL)
                                               : fl_param_default (p);

      g_ptr_array_add (settings, fl_setting_new (fl_param_key (p), value,
                                                 setting != NULL ? setting->origin
                                                                 : "default"));
    }
  return settings;
}

/* An error that says where is for whoever wrote the pipeline. */
static void
locate (GError **error, const char *title, const FlSetting *setting)
{
  fl_setting_locate (error, title, setting->key, setting->value, setting->origin);
  if (error != NULL)
    (*error)->code = FL_ERROR_CONFIG;
}

/* Whether a value reads like "0.1, 0.2": words or numbers between commas. */
static gboolean
has_commas_for_semicolons (const char *value)
{
  g_auto (GStrv) parts = g_strsplit (value, ",", -1);

  for (size_t i = 0; parts[i] != NULL; i++)
    if (*g_strstrip (parts[i]) == '\0' || strpbrk (parts[i], " \t/;") != NULL)
      return FALSE;
  return g_strv_length (parts) > 1;
}

char *
fl_setting_hint (const char *value)
{
  if (strchr (value, '#') != NULL)
    return g_strdup ("; a comment needs a line of its own");
  return g_strdup (has_commas_for_semicolons (value) ? "; lists are separated by ';'" : "");
}

/* Messages about no setting in particular begin with the group: put the file
 * before them.  People who know other key files write comments behind values, and
 * commas in lists. */
static void
explain (GError **error, const char *origin, const GPtrArray *settings)
{
  if (origin != NULL && (*error)->message[0] == '[')
    g_prefix_error (error, "%s: ", origin);
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);
      g_autofree char *quoted = g_strdup_printf ("%s = %s: ", setting->key, setting->value);
      g_autofree char *hint = fl_setting_hint (setting->value);
      char *message = (*error)->message;

      if (*hint == '\0' || strstr (message, quoted) == NULL)
        continue;
      (*error)->message = g_strconcat (message, hint, NULL);
      g_free (message);
      return;
    }
}

gboolean
fl_settings_store (const GPtrArray *settings, const char *title, const char *origin,
                   const FlParam *params, gpointer keys, const char *const *reserved,
                   GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (fl_params_store (params, keys, title, settings, reserved, NULL, NULL, &reason))
    return TRUE;
  explain (&reason, origin, settings);
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* ---- sections ----------------------------------------------------------- */

FlSection *
fl_section_new (void)
{
  return g_rc_box_new0 (FlSection);
}

FlSection *
fl_section_ref (FlSection *section)
{
  return g_rc_box_acquire (section);
}

static void
section_clear (FlSection *section)
{
  g_free (section->title);
  g_free (section->name);
  g_free (section->plugin);
  g_free (section->plugin_version);
  g_free (section->origin);
  g_free (section->canonical);
  g_clear_pointer (&section->settings, g_ptr_array_unref);
  g_clear_pointer (&section->host, g_ptr_array_unref);
}

void
fl_section_unref (FlSection *section)
{
  if (section != NULL)
    g_rc_box_release_full (section, (GDestroyNotify) section_clear);
}

typedef struct
{
  const GPtrArray *references;
  const FlRegistry *registry;
} Made;

static FlSection *
find_reference (const GPtrArray *references, FlKind kind, const char *name)
{
  for (guint i = 0; i < references->len; i++)
    {
      FlSection *section = g_ptr_array_index (references, i);

      if (section->kind == kind
          && strcmp (section->name != NULL ? section->name : section->plugin, name) == 0)
        return section;
    }
  return NULL;
}

static FlInstance *
resolve_made (gpointer user_data, FlKind kind, const char *name, GError **error)
{
  const Made *made = user_data;
  const FlSection *section = find_reference (made->references, kind, name);

  if (section != NULL)
    return fl_section_instance (section, made->references, made->registry, error);
  fl_fail (error, FL_ERROR_PLUGIN, "no %s '%s' came with the cell", fl_kind_name (kind), name);
  return NULL;
}

FlInstance *
fl_section_instance (const FlSection *section, const GPtrArray *references,
                     const FlRegistry *registry, GError **error)
{
  Made made = { references, registry };
  const FlEntry *entry = fl_registry_find (registry, section->kind, section->plugin, error);

  if (entry == NULL)
    return NULL;
  return fl_instance_new (entry, section->title, section->settings, NULL, resolve_made, &made,
                          error);
}

const FlSetting *
fl_section_arm (const FlSection *section, const FlRegistry *registry)
{
  const FlEntry *entry = fl_registry_find (registry, section->kind, section->plugin, NULL);
  const FlParam *p = entry != NULL ? entry->plugin.params : NULL;

  for (; p != NULL && p->type != FL_TYPE_END; p++)
    if (p->type == FL_TYPE_ARM)
      return fl_settings_find (section->settings, fl_param_key (p));
  return NULL;
}

/* ---- where mistakes are ------------------------------------------------- */

/* The key that the message, behind its "[GROUP] ", begins with; or NULL. */
static const FlSetting *
find_key (const GPtrArray *settings, const char *message)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);
      size_t length = strlen (setting->key);

      if (strncmp (message, setting->key, length) == 0
          && strchr (" =:,", message[length]) != NULL)
        return setting;
    }
  return NULL;
}

gboolean
fl_section_locate (const FlSection *section, const GPtrArray *settings, GError **error)
{
  g_autofree char *group = g_strdup_printf ("[%s] ", section->title);
  const FlSetting *setting;
  const char *origin;

  if (!g_str_has_prefix ((*error)->message, group))
    return FALSE;
  setting = find_key (settings, (*error)->message + strlen (group));
  origin = setting != NULL && strcmp (setting->origin, "default") != 0 ? setting->origin
                                                                       : section->origin;
  if (origin != NULL)
    g_prefix_error (error, "%s: ", origin);
  return TRUE;
}

/* ---- making them -------------------------------------------------------- */

/* What is known of a section before its plugin is. */
typedef struct
{
  FlKind kind;
  const FlConfGroup *group; /* NULL: a bare plugin                       */
  const char *title;
  const char *plugin;       /* of a bare plugin                          */
  const char *address;      /* what overrides call it; NULL: they do not */
  const char *origin;       /* of the group, or of a bare plugin's name  */
} Plan;

void
fl_sections_init (FlSections *sections, const FlConf *conf, const FlRegistry *registry,
                  const GPtrArray *overrides, GPtrArray *warnings)
{
  *sections = (FlSections) { .conf = conf, .registry = registry, .overrides = overrides,
                             .warnings = warnings };
  sections->words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) fl_section_unref);
  sections->references = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_section_unref);
  sections->pending = g_ptr_array_new ();
}

void
fl_sections_clear (FlSections *sections)
{
  g_hash_table_unref (sections->words);
  g_ptr_array_unref (sections->references);
  g_ptr_array_unref (sections->pending);
  fl_params_clear (fl_data_params, &sections->data);
  fl_params_clear (fl_split_params, &sections->split);
}

/* Borrowed settings of a group and what overrides it, the strongest last. */
static GPtrArray *
given_settings (const FlSections *sections, const FlConfGroup *group, const char *address)
{
  GPtrArray *given = g_ptr_array_new ();

  if (group != NULL)
    g_ptr_array_extend (given, group->settings, NULL, NULL);
  for (guint i = 0; address != NULL && i < sections->overrides->len; i++)
    {
      const FlOverride *override = g_ptr_array_index (sections->overrides, i);

      if (strcmp (override->word, address) == 0)
        g_ptr_array_add (given, override->setting);
    }
  return given;
}

static void
add_keys (GPtrArray *keys, const FlParam *params)
{
  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    g_ptr_array_add (keys, (gpointer) fl_param_key (p));
}

/* The keys of `params`, NULL-terminated, with `also`. */
static GPtrArray *
key_list (const FlParam *params, const char *also)
{
  GPtrArray *keys = g_ptr_array_new ();

  g_ptr_array_add (keys, (gpointer) also);
  add_keys (keys, params);
  g_ptr_array_add (keys, NULL);
  return keys;
}

static const char *
plugin_key (FlKind kind)
{
  return kind == FL_KIND_SOURCE ? "source" : "plugin";
}

static char *
known_plugins (const FlRegistry *registry, FlKind kind)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlEntry *entry = g_ptr_array_index (registry->entries, i);

      if (entry->plugin.kind == kind)
        g_ptr_array_add (names, (gpointer) entry->plugin.name);
    }
  g_ptr_array_add (names, NULL);
  return names->len > 1 ? g_strjoinv (", ", (char **) names->pdata) : g_strdup ("none");
}

/* The entry of a bare plugin, which may be a group's name misspelt. */
static const FlEntry *
find_bare (const FlSections *sections, FlKind kind, const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GError) reason = NULL;
  const FlEntry *entry = fl_registry_find (sections->registry, kind, name, &reason);
  const char *nearest = NULL;

  if (entry != NULL)
    return entry;
  for (guint i = 0; i < sections->conf->groups->len; i++)
    {
      const FlConfGroup *group = g_ptr_array_index (sections->conf->groups, i);

      if (group->name != NULL && strcmp (group->kind, fl_kind_name (kind)) == 0)
        g_ptr_array_add (names, group->name);
    }
  g_ptr_array_add (names, NULL);
  nearest = fl_nearest (name, (const char *const *) names->pdata);
  if (nearest == NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    fl_fail (error, FL_ERROR_PLUGIN, "no %s '%s'; did you mean [%s %s]?", fl_kind_name (kind),
             name, fl_kind_name (kind), nearest);
  return NULL;
}

/* Which plugin it is, and where that was said. */
static const FlEntry *
choose_plugin (const FlSections *sections, const Plan *plan, const GPtrArray *given,
               FlSection *section, GError **error)
{
  const char *key = plugin_key (plan->kind);
  const FlSetting *setting = fl_settings_find (given, key);
  const char *name = setting != NULL ? setting->value : plan->plugin;
  const FlEntry *entry = NULL;
  g_autofree char *known = NULL;

  if (name == NULL)
    {
      known = known_plugins (sections->registry, plan->kind);
      fl_fail (error, FL_ERROR_CONFIG, "must be given; installed: %s", known);
      fl_setting_locate (error, plan->title, key, NULL, plan->origin);
      return NULL;
    }
  section->origin = g_strdup (setting != NULL ? setting->origin : plan->origin);
  section->plugin = g_strdup (name);
  entry = setting != NULL ? fl_registry_find (sections->registry, plan->kind, name, error)
                          : find_bare (sections, plan->kind, name, error);
  if (entry != NULL)
    section->plugin_version
        = g_strdup (entry->plugin.version != NULL ? entry->plugin.version : "0");
  else if (setting != NULL)
    locate (error, plan->title, setting);
  return entry;
}

static gboolean
is_whole (const FlEntry *entry)
{
  const FlObjectiveOps *ops = entry->plugin.ops;

  return entry->plugin.kind == FL_KIND_OBJECTIVE && ops->whole;
}

static const FlParam *
host_params (FlKind kind)
{
  if (kind == FL_KIND_SOURCE)
    return fl_data_params;
  return kind == FL_KIND_OBJECTIVE ? fl_objective_params : NULL;
}

/* A rule between the host's keys was broken: the message begins with the key to
 * blame. */
static void
blame_key (GError **error, const char *title, const char *origin, const GPtrArray *given)
{
  for (guint i = 0; i < given->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (given, i);

      if (g_str_has_prefix ((*error)->message, setting->key))
        origin = setting->origin;
    }
  g_prefix_error (error, "%s: [%s] ", origin, title);
}

static gboolean
store_data (FlSections *sections, const Plan *plan, const GPtrArray *given,
            const char *const *reserved, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (!fl_settings_store (given, plan->title, plan->origin, fl_data_params, &sections->data,
                          reserved, error))
    return FALSE;
  if (fl_data_keys_check (&sections->data, &reason))
    return TRUE;
  blame_key (&reason, plan->title, plan->origin, given);
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* Whether the host's own keys of the group, apart from `plugin`, are right. */
static gboolean
store_host (FlSections *sections, const Plan *plan, const FlEntry *entry,
            const GPtrArray *given, GError **error)
{
  g_autoptr (GPtrArray) reserved = key_list (entry->plugin.params, plugin_key (plan->kind));
  const char *const *keys = (const char *const *) reserved->pdata;
  FlObjectiveKeys objective = { 0 };
  const FlSetting *on = NULL;

  if (plan->kind == FL_KIND_SOURCE)
    return store_data (sections, plan, given, keys, error);
  if (plan->kind != FL_KIND_OBJECTIVE)
    return TRUE;
  on = fl_settings_find (given, "on");
  if (!is_whole (entry) || on == NULL)
    return fl_settings_store (given, plan->title, plan->origin, fl_objective_params,
                              &objective, keys, error);
  fl_fail (error, FL_ERROR_CONFIG, "'%s' is over all users and items, not over a part",
           entry->plugin.name);
  locate (error, plan->title, on);
  return FALSE;
}

static FlInstance *resolve_new (gpointer user_data, FlKind kind, const char *name,
                                GError **error);

/* The content of the files that the instance will read, by hash: as much a part of a
 * result's identity as its settings.  Of a source the dataset's digest stands for them. */
static gboolean
hash_inputs (const FlSections *sections, const FlInstance *instance, GString *text,
             GError **error)
{
  g_auto (GStrv) files = NULL;

  if (!fl_instance_inputs (instance, &files, error))
    return FALSE;
  for (size_t i = 0; files != NULL && files[i] != NULL; i++)
    {
      const char *hash = g_hash_table_lookup (sections->conf->hashes, files[i]);

      if (hash == NULL)
        {
          char *fresh = fl_hash_file (files[i], error);

          if (fresh == NULL)
            return FALSE;
          g_hash_table_insert (sections->conf->hashes, g_strdup (files[i]), fresh);
          hash = fresh;
        }
      g_string_append_printf (text, "reads %s\n", hash);
    }
  return TRUE;
}

/* Makes the instance and drops it again: what it says of its settings counts.  *inputs:
 * what it reads, as hash_inputs says it. */
static gboolean
try_instance (FlSections *sections, const Plan *plan, const FlEntry *entry,
              const GPtrArray *given, GString *inputs, GError **error)
{
  g_autoptr (GPtrArray) reserved = key_list (host_params (plan->kind), plugin_key (plan->kind));
  g_autoptr (FlInstance) instance = NULL;
  g_autoptr (GError) reason = NULL;

  g_ptr_array_add (sections->pending, (gpointer) plan->title);
  instance = fl_instance_new (entry, plan->title, given, (const char *const *) reserved->pdata,
                              resolve_new, sections, &reason);
  g_ptr_array_set_size (sections->pending, (gint) sections->pending->len - 1);
  if (instance != NULL
      && (plan->kind == FL_KIND_SOURCE || hash_inputs (sections, instance, inputs, &reason)))
    return TRUE;
  explain (&reason, plan->origin, given);
  if (reason->code == FL_ERROR_PLUGIN)
    reason->code = FL_ERROR_CONFIG;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* The plugin, built as it is, and its settings as text.  Where a source finds its files
 * changes no result: the digest of what it reads is the dataset's part of an identity. */
static char *
canonical_text (const FlEntry *entry, const FlSection *section, const char *inputs)
{
  const FlParam *params = entry->plugin.params;
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s %s %s\n", fl_kind_name (section->kind), section->plugin,
                          section->plugin_version);
  for (guint i = 0; i < section->settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (section->settings, i);

      if (section->kind != FL_KIND_SOURCE || params[i].type != FL_TYPE_PATH)
        g_string_append_printf (text, "%s = %s\n", setting->key, setting->value);
    }
  if (section->kind != FL_KIND_SOURCE && entry->hash != NULL)
    g_string_append_printf (text, "built %s\n", entry->hash);
  g_string_append (text, inputs);
  return g_string_free (text, FALSE);
}

static FlSection *
section_make (FlSections *sections, const Plan *plan, GError **error)
{
  g_autoptr (GPtrArray) given = given_settings (sections, plan->group, plan->address);
  g_autoptr (FlSection) section = fl_section_new ();
  g_autoptr (GString) inputs = g_string_new (NULL);
  const FlEntry *entry = choose_plugin (sections, plan, given, section, error);

  if (entry == NULL || !store_host (sections, plan, entry, given, error)
      || !try_instance (sections, plan, entry, given, inputs, error))
    return NULL;
  section->title = g_strdup (plan->title);
  section->name = g_strdup (plan->group != NULL ? plan->group->name : NULL);
  section->kind = plan->kind;
  section->host = fl_settings_effective (is_whole (entry) ? NULL : host_params (plan->kind),
                                         given);
  section->settings = fl_settings_effective (entry->plugin.params, given);
  section->canonical = canonical_text (entry, section, inputs->str);
  if (plan->address != NULL)
    g_hash_table_insert (sections->words, g_strdup (plan->address), fl_section_ref (section));
  return g_steal_pointer (&section);
}

/* A mitigator and an objective without a group have an address too, unless a
 * group of another kind bears the name. */
static const char *
own_address (const FlConf *conf, FlKind kind, const char *name)
{
  const char *other = kind == FL_KIND_OBJECTIVE ? "mitigator" : "objective";

  if (kind != FL_KIND_OBJECTIVE && kind != FL_KIND_MITIGATOR)
    return NULL;
  return fl_conf_group (conf, other, name) == NULL ? name : NULL;
}

FlSection *
fl_sections_plugin (FlSections *sections, FlKind kind, const char *name, const char *origin,
                    GError **error)
{
  const char *word = fl_kind_name (kind);
  const FlConfGroup *group = fl_conf_group (sections->conf, word, name);
  g_autofree char *title = name != NULL ? g_strdup_printf ("%s %s", word, name)
                                        : g_strdup (word);
  Plan plan = { kind, group, title, group == NULL ? name : NULL,
                own_address (sections->conf, kind, name),
                group != NULL ? group->origin : origin };

  return section_make (sections, &plan, error);
}

FlSection *
fl_sections_model (FlSections *sections, const char *name, const char *origin, GError **error)
{
  const FlConfGroup *group = fl_conf_group (sections->conf, "model", name);
  g_autofree char *title = name != NULL ? g_strdup_printf ("model %s", name)
                                        : g_strdup ("model");
  Plan plan = { FL_KIND_MODEL, group, title, group == NULL ? name : NULL, "model",
                group != NULL ? group->origin : origin };

  return section_make (sections, &plan, error);
}

FlSection *
fl_sections_data (FlSections *sections, GError **error)
{
  const FlConfGroup *group = fl_conf_group (sections->conf, "data", NULL);
  Plan plan = { FL_KIND_SOURCE, group, "data", NULL, "data",
                group != NULL ? group->origin : sections->conf->file };

  return section_make (sections, &plan, error);
}

FlSection *
fl_sections_split (FlSections *sections, GError **error)
{
  const FlConfGroup *group = fl_conf_group (sections->conf, "split", NULL);
  g_autoptr (GPtrArray) given = given_settings (sections, group, "split");
  g_autoptr (FlSection) section = fl_section_new ();
  const char *origin = group != NULL ? group->origin : sections->conf->file;
  g_autoptr (GError) reason = NULL;

  if (!fl_settings_store (given, "split", origin, fl_split_params, &sections->split, NULL,
                          error))
    return NULL;
  if (!fl_split_keys_check (&sections->split, &reason))
    {
      blame_key (&reason, "split", origin, given);
      g_propagate_error (error, g_steal_pointer (&reason));
      return NULL;
    }
  section->title = g_strdup ("split");
  section->origin = g_strdup (origin);
  section->host = fl_settings_effective (fl_split_params, given);
  section->settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_hash_table_insert (sections->words, g_strdup ("split"), fl_section_ref (section));
  return g_steal_pointer (&section);
}

/* The instance a parameter names: its section is made at the first mention. */
static FlInstance *
resolve_new (gpointer user_data, FlKind kind, const char *name, GError **error)
{
  FlSections *sections = user_data;
  g_autofree char *title = g_strdup_printf ("%s %s", fl_kind_name (kind), name);
  FlSection *section = find_reference (sections->references, kind, name);

  for (guint i = 0; i < sections->pending->len; i++)
    if (strcmp (g_ptr_array_index (sections->pending, i), title) == 0)
      {
        fl_fail (error, FL_ERROR_PLUGIN, "[%s] refers back to itself", title);
        return NULL;
      }
  if (sections->pending->len > DEPTH_MAX)
    {
      fl_fail (error, FL_ERROR_PLUGIN, "more than %d plugins in a chain", DEPTH_MAX);
      return NULL;
    }
  if (section == NULL)
    {
      section = fl_sections_plugin (sections, kind, name, NULL, error);
      if (section == NULL)
        return NULL;
      g_ptr_array_add (sections->references, section);
    }
  return fl_section_instance (section, sections->references, sections->registry, error);
}

/* The plugins that can stand there. */
static char *
known_responses (const FlRegistry *registry)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlEntry *entry = g_ptr_array_index (registry->entries, i);

      if (entry->plugin.kind == FL_KIND_MITIGATOR
          && ((const FlMitigatorOps *) entry->plugin.ops)->respond != NULL)
        g_ptr_array_add (names, (gpointer) entry->plugin.name);
    }
  g_ptr_array_add (names, NULL);
  return names->len > 1 ? g_strjoinv (", ", (char **) names->pdata) : g_strdup ("none");
}

static gboolean
check_response (const FlSections *sections, const GPtrArray *given, const FlRoundsKeys *keys,
                GError **error)
{
  const FlSetting *response = fl_settings_find (given, "response");
  g_autofree char *known = NULL;

  if (fl_mitigator_stages (keys->response)->respond != NULL)
    return TRUE;
  known = known_responses (sections->registry);
  fl_fail (error, FL_ERROR_CONFIG, "'%s' does not respond to lists; installed: %s",
           keys->response->plugin->name, known);
  locate (error, "rounds", response);
  return FALSE;
}

FlSection *
fl_sections_rounds (FlSections *sections, GError **error)
{
  const FlConfGroup *group = fl_conf_group (sections->conf, "rounds", NULL);
  g_autoptr (GPtrArray) given = given_settings (sections, group, "rounds");
  g_autoptr (FlSection) section = fl_section_new ();
  g_autoptr (GError) reason = NULL;
  FlRoundsKeys keys = { 0 };
  gboolean right = fl_params_store (fl_rounds_params, &keys, "rounds", given, NULL, resolve_new,
                                    sections, &reason);

  if (!right)
    explain (&reason, group->origin, given);
  right = right && check_response (sections, given, &keys, &reason);
  fl_params_clear (fl_rounds_params, &keys);
  if (!right)
    {
      reason->code = reason->code == FL_ERROR_PLUGIN ? FL_ERROR_CONFIG : reason->code;
      g_propagate_error (error, g_steal_pointer (&reason));
      return NULL;
    }
  section->title = g_strdup ("rounds");
  section->origin = g_strdup (group->origin);
  section->host = fl_settings_effective (fl_rounds_params, given);
  section->settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_hash_table_insert (sections->words, g_strdup ("rounds"), fl_section_ref (section));
  return g_steal_pointer (&section);
}

gboolean
fl_cell_rounds (const FlCell *cell, const FlRegistry *registry, FlRoundsKeys *keys,
                GError **error)
{
  Made made = { cell->references, registry };

  *keys = (FlRoundsKeys) { 0 };
  return fl_params_store (fl_rounds_params, keys, "rounds", cell->rounds->host, NULL,
                          resolve_made, &made, error);
}
