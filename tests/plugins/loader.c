/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A loader: a file NAME.constant with a number in it is an objective NAME that yields
 * the number, whatever it looks at. */
#include <fairlead/plugin.h>

typedef struct
{
  double number; /* by init */
} Constant;

/* Of one file; lasts as long as the process, as loaders promise. */
typedef struct Script Script;
struct Script
{
  Script *before;
  char *name;
  double number;
  FlValue values[2];
  FlObjectiveOps ops;
  FlPlugin plugin;
  const FlPlugin *list[2];
};

/* All of them: what lasts is held by somebody. */
static Script *scripts;

static gboolean
constant_init (gpointer self, const FlPlugin *plugin, GError **error)
{
  (void) error;
  ((Constant *) self)->number = ((const Script *) plugin->user_data)->number;
  return TRUE;
}

static gboolean
constant_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  (void) view;
  (void) error;
  fl_result_set (result, 0, ((const Constant *) self)->number);
  return TRUE;
}

static const FlPlugin *const *
constant_load (const char *file, GError **error)
{
  g_autofree char *text = NULL, *base = g_path_get_basename (file);
  Script *script;
  double number;

  if (!g_file_get_contents (file, &text, NULL, error))
    return NULL;
  if (!fl_parse_double (fl_span (g_strstrip (text)), &number))
    {
      fl_fail (error, FL_ERROR_PLUGIN, "expected a number, found '%s'", text);
      return NULL;
    }
  script = g_new0 (Script, 1);
  script->number = number;
  script->name = g_strndup (base, strlen (base) - strlen (".constant"));
  script->values[0].name = script->name;
  script->ops = (FlObjectiveOps) { .ops_size = sizeof script->ops, .values = script->values,
                                   .evaluate = constant_evaluate };
  script->plugin = (FlPlugin) FL_DESCRIPTOR (
      .kind = FL_KIND_OBJECTIVE, .name = script->name, .summary = "a number in a file",
      .self_size = sizeof (Constant), .ops = &script->ops, .init = constant_init,
      .user_data = script);
  script->list[0] = &script->plugin;
  script->before = scripts;
  scripts = script;
  return script->list;
}

FL_LOADER (.suffix = ".constant", .load = constant_load);
