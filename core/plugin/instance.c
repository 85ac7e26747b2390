/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* instance.c: a plugin at work: its own structure, with its parameters in it. */
#include "core/plugin/plugin-room.h"

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
