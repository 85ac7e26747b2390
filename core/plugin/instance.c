/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* instance.c: a plugin at work: its own structure, with its parameters in it, some of
 * which may be instances themselves.
 */
#include "core/plugin/params.h"

#include <string.h>

/* ---- parameters in a structure ------------------------------------------- */

/* The last setting of a key stands: an arm's comes after its group's. */
static const FlSetting *
find_setting (const GPtrArray *settings, const char *key)
{
  for (guint i = settings != NULL ? settings->len : 0; i-- > 0;)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->key, key) == 0)
        return setting;
    }
  return NULL;
}

static gboolean
check_keys (const FlParam *params, const char *group, const GPtrArray *settings,
            const char *const *reserved, GError **error)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();

  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    g_ptr_array_add (keys, (gpointer) fl_param_key (p));
  for (size_t i = 0; reserved != NULL && reserved[i] != NULL; i++)
    g_ptr_array_add (keys, (gpointer) reserved[i]);
  g_ptr_array_add (keys, NULL);

  for (guint i = 0; settings != NULL && i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);
      const char *const *known = (const char *const *) keys->pdata;
      g_autofree char *suggestion = NULL;

      if (g_strv_contains (known, setting->key))
        continue;
      suggestion = fl_suggest (setting->key, known);
      fl_fail (error, FL_ERROR_CONFIG, "unknown key; %s", suggestion);
      fl_setting_locate (error, group, setting->key, NULL, setting->origin);
      return FALSE;
    }
  return TRUE;
}

/* Finds the instance a value names; an empty value names none. */
static gboolean
field_resolve (const FlParam *param, FlField *field, const char *name, FlResolve resolve,
               gpointer user_data, GError **error)
{
  if (resolve == NULL || *name == '\0')
    return TRUE;
  field->instance = resolve (user_data, param->kind, name, error);
  return field->instance != NULL;
}

static gboolean
store_one (const FlParam *param, gpointer self, const char *group, const FlSetting *setting,
           FlResolve resolve, gpointer user_data, GError **error)
{
  const char *key = fl_param_key (param);
  g_autofree char *fallback = setting == NULL ? fl_param_default (param) : NULL;
  const char *value = setting != NULL ? setting->value : fallback;
  FlField field = { .reals = { 0, NULL } };
  g_autoptr (GError) reason = NULL;

  if (value == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "must be given: %s", param->doc);
      fl_setting_locate (error, group, key, NULL, NULL);
      return FALSE;
    }
  if (!fl_field_parse (param, &field, value, &reason)
      || (param->type == FL_TYPE_PLUGIN
          && !field_resolve (param, &field, value, resolve, user_data, &reason)))
    {
      /* What is wrong in the named plugin's own group has been located there. */
      if (param->type != FL_TYPE_PLUGIN || reason->code != FL_ERROR_CONFIG)
        fl_setting_locate (&reason, group, key, value,
                           setting != NULL ? setting->origin : NULL);
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  memcpy ((char *) self + param->offset, &field, fl_param_size (param));
  return TRUE;
}

gboolean
fl_params_store (const FlParam *params, gpointer self, const char *group,
                 const GPtrArray *settings, const char *const *reserved, FlResolve resolve,
                 gpointer user_data, GError **error)
{
  if (!check_keys (params, group, settings, reserved, error))
    return FALSE;
  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    if (!store_one (p, self, group, find_setting (settings, fl_param_key (p)), resolve,
                    user_data, error))
      {
        fl_params_clear (params, self);
        return FALSE;
      }
  return TRUE;
}

void
fl_params_clear (const FlParam *params, gpointer self)
{
  for (const FlParam *p = params; p != NULL && p->type != FL_TYPE_END; p++)
    {
      FlField field = { .reals = { 0, NULL } };

      memcpy (&field, (char *) self + p->offset, fl_param_size (p));
      if (p->type == FL_TYPE_PLUGIN)
        g_clear_pointer (&field.instance, fl_instance_free);
      else
        fl_field_clear (p->type, &field);
      memcpy ((char *) self + p->offset, &field, fl_param_size (p));
    }
}

/* ---- instances ------------------------------------------------------------- */

static gboolean
init (FlInstance *instance, GError **error)
{
  const FlPlugin *plugin = instance->plugin;
  FlCall call;

  if (plugin->init == NULL)
    return TRUE;
  call = fl_call_begin (instance, "init");
  return fl_call_end (&call, plugin->init (instance->self, plugin, &call.failure), error);
}

FlInstance *
fl_instance_new (const FlEntry *entry, const char *group, const GPtrArray *settings,
                 const char *const *reserved, FlResolve resolve, gpointer user_data,
                 GError **error)
{
  const FlPlugin *plugin = &entry->plugin;
  g_autoptr (FlInstance) instance = g_new0 (FlInstance, 1);

  instance->plugin = plugin;
  instance->ops = plugin->ops;
  instance->hash = entry->hash;
  instance->self = fl_alloc (plugin->self_size, 1, error);
  if (instance->self == NULL || !init (instance, error)
      || !fl_params_store (plugin->params, instance->self, group, settings, reserved, resolve,
                           user_data, error))
    return NULL;
  if (!fl_instance_check (instance, error))
    {
      g_prefix_error (error, "[%s] %s: ", group != NULL ? group : fl_kind_name (plugin->kind),
                      plugin->name);
      return NULL;
    }
  return g_steal_pointer (&instance);
}

void
fl_instance_free (FlInstance *instance)
{
  if (instance == NULL)
    return;
  if (instance->self != NULL)
    {
      if (instance->plugin->clear != NULL)
        {
          FlCall call = fl_call_begin (instance, "clear");

          instance->plugin->clear (instance->self);
          fl_call_leave (&call);
        }
      fl_params_clear (instance->plugin->params, instance->self);
    }
  g_free (instance->self);
  g_free (instance);
}

const FlInstance *
fl_objective_asked (const FlInstance *objective, const FlParam *param)
{
  if (param->type != FL_TYPE_PLUGIN || param->kind != FL_KIND_OBJECTIVE)
    return NULL;
  return *(FlInstance **) (gpointer) ((char *) objective->self + param->offset);
}
