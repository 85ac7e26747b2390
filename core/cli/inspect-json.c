/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect-json.c: the declarations as JSON.
 *
 * {"fairlead": VERSION, "interface": N, "plugins": [...], "refused": [...]};
 * defaults are text as a pipeline has it, null where a value must be given;
 * bounds are numbers, null where there is none.
 */
#include "config.h"

#include "core/cli/inspect.h"

#include <json-glib/json-glib.h>
#include <math.h>

static void
add_text (JsonBuilder *json, const char *member, const char *text)
{
  json_builder_set_member_name (json, member);
  if (text != NULL)
    json_builder_add_string_value (json, text);
  else
    json_builder_add_null_value (json);
}

static void
add_bound (JsonBuilder *json, const char *member, double bound)
{
  json_builder_set_member_name (json, member);
  if (fabs (bound) >= G_MAXDOUBLE)
    json_builder_add_null_value (json);
  else if (bound == floor (bound) && fabs (bound) < 0x1p63)
    json_builder_add_int_value (json, (gint64) bound);
  else
    json_builder_add_double_value (json, bound);
}

static void
add_words (JsonBuilder *json, const char *member, const char *const *words)
{
  json_builder_set_member_name (json, member);
  json_builder_begin_array (json);
  for (size_t i = 0; words[i] != NULL; i++)
    json_builder_add_string_value (json, words[i]);
  json_builder_end_array (json);
}

static void
add_param (JsonBuilder *json, const FlParam *param)
{
  g_autofree char *standard = fl_param_default (param);

  json_builder_begin_object (json);
  add_text (json, "key", fl_param_key (param));
  add_text (json, "type", param->type == FL_TYPE_PLUGIN ? "plugin" : inspect_type (param));
  if (param->type == FL_TYPE_PLUGIN)
    add_text (json, "kind", fl_kind_name (param->kind));
  add_text (json, "default", standard);
  if (param->type == FL_TYPE_DOUBLE || param->type == FL_TYPE_INT
      || param->type == FL_TYPE_DOUBLES || param->type == FL_TYPE_INTS)
    {
      add_bound (json, "min", param->min);
      add_bound (json, "max", param->max);
    }
  if (param->type == FL_TYPE_CHOICE)
    {
      g_auto (GStrv) words = g_strsplit (param->words, "|", -1);

      add_words (json, "words", (const char *const *) words);
    }
  add_text (json, "unit", param->unit);
  add_text (json, "doc", param->doc);
  json_builder_end_object (json);
}

static void
add_value (JsonBuilder *json, const FlValue *value)
{
  json_builder_begin_object (json);
  add_text (json, "name", value->name);
  add_text (json, "better", inspect_direction (value));
  add_text (json, "unit", value->unit);
  add_text (json, "doc", value->doc);
  json_builder_end_object (json);
}

static void
add_plugin (JsonBuilder *json, const FlEntry *entry)
{
  const FlPlugin *plugin = &entry->plugin;
  InspectTrait traits[INSPECT_TRAITS_MAX];
  size_t n = inspect_traits (plugin, traits);

  json_builder_begin_object (json);
  add_text (json, "kind", fl_kind_name (plugin->kind));
  add_text (json, "name", plugin->name);
  add_text (json, "version", plugin->version);
  add_text (json, "summary", plugin->summary);
  add_text (json, "description", plugin->description);
  add_text (json, "reference", plugin->reference);
  add_text (json, "licence", plugin->licence);
  add_text (json, "file", entry->file);
  for (size_t i = 0; i < n; i++)
    add_words (json, traits[i].label, traits[i].words);
  json_builder_set_member_name (json, "parameters");
  json_builder_begin_array (json);
  for (const FlParam *p = plugin->params; p != NULL && p->type != FL_TYPE_END; p++)
    add_param (json, p);
  json_builder_end_array (json);
  if (inspect_values (plugin) != NULL)
    {
      json_builder_set_member_name (json, "values");
      json_builder_begin_array (json);
      for (const FlValue *v = inspect_values (plugin); v->name != NULL; v++)
        add_value (json, v);
      json_builder_end_array (json);
    }
  json_builder_end_object (json);
}

/* File names need not be UTF-8; JSON must be. */
static void
add_refusal (JsonBuilder *json, const FlRefusal *refusal)
{
  g_autofree char *file = g_utf8_make_valid (refusal->file, -1);
  g_autofree char *reason = g_utf8_make_valid (refusal->reason, -1);

  json_builder_begin_object (json);
  add_text (json, "file", file);
  add_text (json, "reason", reason);
  json_builder_end_object (json);
}

char *
inspect_json (const GPtrArray *entries, const FlRegistry *registry)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (json);
  add_text (json, "fairlead", PACKAGE_VERSION);
  json_builder_set_member_name (json, "interface");
  json_builder_add_int_value (json, FL_API_VERSION);
  json_builder_set_member_name (json, "plugins");
  json_builder_begin_array (json);
  for (guint i = 0; i < entries->len; i++)
    add_plugin (json, g_ptr_array_index (entries, i));
  json_builder_end_array (json);
  json_builder_set_member_name (json, "refused");
  json_builder_begin_array (json);
  for (guint i = 0; i < registry->refusals->len; i++)
    add_refusal (json, g_ptr_array_index (registry->refusals, i));
  json_builder_end_array (json);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  return json_to_string (root, TRUE);
}
