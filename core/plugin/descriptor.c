/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* descriptor.c: what a shared object says of itself, checked and copied.
 *
 * Structures only grow at the end.  The host's copy starts as zeroes and takes
 * the smaller of the two sizes, so a field that the plugin's header did not
 * have reads as zero, and a field that this host does not know is not read.
 */
#include "core/plugin/load.h"

#include <math.h>
#include <string.h>

#define NAME_LENGTH_MAX 64
/* More rows than any plugin has: a table without its end is noticed. */
#define ROWS_MAX 256

static gboolean
refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *reason = NULL;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  return fl_fail (error, FL_ERROR_PLUGIN, "%s", reason);
}

/* ---- words ------------------------------------------------------------- */

/* Lower-case letters, digits and the bytes of `more`, a letter or digit first. */
static gboolean
is_name (const char *name, const char *more)
{
  size_t n = name != NULL ? strnlen (name, NAME_LENGTH_MAX + 1) : 0;

  if (n == 0 || n > NAME_LENGTH_MAX || strchr (more, name[0]) != NULL)
    return FALSE;
  for (size_t i = 0; i < n; i++)
    if (!g_ascii_islower (name[i]) && !g_ascii_isdigit (name[i])
        && strchr (more, name[i]) == NULL)
      return FALSE;
  return TRUE;
}

/* Text for people: UTF-8, and there when it must be. */
static gboolean
check_text (const char *text, gboolean needed, const char *what, GError **error)
{
  if (needed && (text == NULL || *text == '\0'))
    return refuse (error, "%s is missing", what);
  if (text != NULL && !g_utf8_validate (text, -1, NULL))
    return refuse (error, "%s is not UTF-8", what);
  return TRUE;
}

/* ---- parameters -------------------------------------------------------- */

static gboolean
check_numbers (const FlParam *param, GError **error)
{
  gboolean real = param->type == FL_TYPE_DOUBLE || param->type == FL_TYPE_DOUBLES;

  if (!(param->min <= param->max))
    return refuse (error, "range from %g to %g is out of order", param->min, param->max);
  if (!real && (param->min != floor (param->min) || param->max != floor (param->max)))
    return refuse (error, "range from %g to %g is not of whole numbers", param->min, param->max);
  if (param->type == FL_TYPE_DOUBLES || param->type == FL_TYPE_INTS)
    return TRUE;
  if (!(param->number >= param->min && param->number <= param->max)
      || (!real && param->number != floor (param->number)))
    return refuse (error, "default %g is outside its own range", param->number);
  return TRUE;
}

static gboolean
check_choice (const FlParam *param, GError **error)
{
  g_auto (GStrv) words = NULL;

  if (param->words == NULL || *param->words == '\0')
    return refuse (error, "choice without words");
  words = g_strsplit (param->words, "|", -1);
  for (guint i = 0; words[i] != NULL; i++)
    for (guint j = 0; j <= i; j++)
      if (*words[i] == '\0' || (j < i && strcmp (words[i], words[j]) == 0))
        return refuse (error, "choice '%s' has an empty or repeated word", param->words);
  if (!(param->number >= 0 && param->number < g_strv_length (words))
      || param->number != floor (param->number))
    return refuse (error, "default %g is no word's index", param->number);
  return TRUE;
}

/* The default of a text or list type; a path may need the environment. */
static gboolean
check_default_text (const FlParam *param, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autofree char *canonical = NULL;

  if (param->text == NULL || param->type == FL_TYPE_PATH)
    return TRUE;
  canonical = fl_param_canonical (param, param->text, &reason);
  if (canonical == NULL)
    return refuse (error, "default '%s': %s", param->text, reason->message);
  return TRUE;
}

static gboolean
check_param (const FlParam *param, size_t self_size, GError **error)
{
  size_t size = fl_param_size (param);

  if (size == 0)
    return refuse (error, "unknown type %d", (int) param->type);
  if (param->offset > self_size || size > self_size - param->offset)
    return refuse (error, "lies outside the plugin's own structure");
  if (!check_text (param->doc, TRUE, "doc", error)
      || !check_text (param->unit, FALSE, "unit", error)
      || !check_text (param->words, FALSE, "list of words", error))
    return FALSE;
  switch (param->type)
    {
    case FL_TYPE_BOOL:
      return (param->number == 0.0 || param->number == 1.0)
             || refuse (error, "default %g is neither 0 nor 1", param->number);
    case FL_TYPE_CHOICE:
      return check_choice (param, error);
    case FL_TYPE_DOUBLE:
    case FL_TYPE_INT:
      return check_numbers (param, error);
    case FL_TYPE_DOUBLES:
    case FL_TYPE_INTS:
      return check_numbers (param, error) && check_default_text (param, error);
    case FL_TYPE_PLUGIN:
      if ((unsigned) param->kind >= FL_N_KINDS)
        return refuse (error, "unknown kind %d", (int) param->kind);
      return check_default_text (param, error);
    default:
      return check_default_text (param, error);
    }
}

static gboolean
check_params (const FlPlugin *plugin, GError **error)
{
  const FlParam *params = plugin->params;

  for (guint i = 0; params != NULL && params[i].type != FL_TYPE_END; i++)
    {
      if (i == ROWS_MAX)
        return refuse (error, "parameters without FL_PARAM_END");
      if (!is_name (params[i].name, "_-."))
        return refuse (error, "parameter %u has no valid name", i + 1);
      if (!check_param (&params[i], plugin->self_size, error))
        {
          g_prefix_error (error, "parameter %s: ", params[i].name);
          return FALSE;
        }
      for (guint j = 0; j < i; j++)
        if (fl_param_key (&params[i]) == fl_param_key (&params[j])) /* interned */
          return refuse (error, "parameter %s occurs twice", params[i].name);
    }
  return TRUE;
}

/* ---- methods of each kind ---------------------------------------------- */

/* A host-size copy of a structure whose first member is its size. */
static gpointer
copy_ops (gconstpointer theirs, size_t size)
{
  size_t given = *(const size_t *) theirs;
  size_t *copy = g_malloc0 (size);

  memcpy (copy, theirs, MIN (given, size));
  *copy = size;
  return copy;
}

static gboolean
check_source (const FlSourceOps *ops, GError **error)
{
  return ops->load != NULL || refuse (error, "source without load");
}

static gboolean
check_model (FlModelOps *ops, GError **error)
{
  const FlClosedFormOps *closed = ops->closed_form;
  const FlGradientOps *gradient = ops->gradient;

  /* From here on a copy, freed with its owner. */
  if (closed != NULL)
    closed = ops->closed_form = copy_ops (closed, sizeof *closed);
  if (gradient != NULL)
    gradient = ops->gradient = copy_ops (gradient, sizeof *gradient);
  if (ops->fit == NULL && gradient == NULL)
    return refuse (error, "model without fit or gradient");
  if (ops->score == NULL && ops->factors == NULL)
    return refuse (error, "model with neither score nor factors");
  if (closed != NULL
      && (closed->start == NULL || closed->sweep == NULL || closed->objective == NULL
          || closed->converge == NULL))
    return refuse (error, "closed form without start, sweep, objective or converge");
  if (closed != NULL && closed->sweep_back != NULL && ops->factors == NULL)
    return refuse (error, "sweep_back without factors, whose layout it has");
  if (gradient != NULL
      && (gradient->settings == NULL || gradient->start == NULL || gradient->blocks == NULL
          || gradient->scores == NULL || gradient->backward == NULL))
    return refuse (error, "gradient without settings, start, blocks, scores or backward");
  if (gradient != NULL && gradient->settings_size == 0)
    return refuse (error, "gradient without settings_size: use FL_GRADIENT");
  if (gradient != NULL && (gradient->vectors == NULL) != (gradient->vectors_back == NULL))
    return refuse (error, "gradient with one of vectors and vectors_back: both are wanted");
  if (gradient != NULL && gradient->vectors != NULL
      && (gradient->user_width == NULL || gradient->item_width == NULL))
    return refuse (error, "gradient with vectors, but without user_width or item_width");
  return TRUE;
}

static gboolean
check_values (const FlValue *value, GError **error)
{
  for (guint i = 0; value[i].name != NULL; i++)
    {
      if (i == ROWS_MAX)
        return refuse (error, "values without FL_VALUE_END");
      if (!is_name (value[i].name, "_-."))
        return refuse (error, "value %u has no valid name", i + 1);
      if ((unsigned) value[i].direction > FL_NO_DIRECTION)
        return refuse (error, "value %s: unknown direction", value[i].name);
      if (!check_text (value[i].unit, FALSE, "unit of a value", error)
          || !check_text (value[i].doc, FALSE, "doc of a value", error))
        return FALSE;
      for (guint j = 0; j < i; j++)
        if (strcmp (value[i].name, value[j].name) == 0)
          return refuse (error, "value %s occurs twice", value[i].name);
    }
  return TRUE;
}

static gboolean
check_objective (const FlObjectiveOps *ops, GError **error)
{
  if (ops->evaluate == NULL)
    return refuse (error, "objective without evaluate");
  if (ops->values == NULL || ops->values[0].name == NULL)
    return refuse (error, "objective without values");
  return check_values (ops->values, error);
}

/* The stage's methods as a copy of the host's size; what it had is left alone. */
#define ADOPT_STAGE(ops, stage) \
  ((ops)->stage = (ops)->stage != NULL ? copy_ops ((ops)->stage, sizeof *(ops)->stage) : NULL)

static gboolean
check_stages (const FlMitigatorOps *ops, GError **error)
{
  if (ops->augment != NULL && ops->augment->augment == NULL)
    return refuse (error, "augments without augment");
  if (ops->train != NULL && ops->train->train == NULL)
    return refuse (error, "trains without train");
  if (ops->rerank != NULL && ops->rerank->rerank == NULL)
    return refuse (error, "re-ranks without rerank");
  if (ops->project != NULL && ops->project->project == NULL)
    return refuse (error, "projects without project");
  if (ops->respond != NULL && ops->respond->respond == NULL)
    return refuse (error, "responds without respond");
  return TRUE;
}

static gboolean
check_mitigator (FlMitigatorOps *ops, GError **error)
{
  const FlValue *values;

  /* From here on copies, freed with their owner. */
  ADOPT_STAGE (ops, augment);
  ADOPT_STAGE (ops, train);
  ADOPT_STAGE (ops, rerank);
  ADOPT_STAGE (ops, project);
  ADOPT_STAGE (ops, respond);
  if (ops->augment == NULL && ops->train == NULL && ops->rerank == NULL && ops->project == NULL
      && ops->respond == NULL)
    return refuse (error, "mitigator without a stage");
  if (!check_stages (ops, error))
    return FALSE;
  values = ops->project != NULL ? ops->project->values : NULL;
  if (ops->project != NULL && (values == NULL || values[0].name == NULL))
    return refuse (error, "projects, but yields no values");
  if (ops->project != NULL && ops->respond != NULL)
    return refuse (error, "both projects and responds");
  if (ops->project != NULL && ops->project->alone
      && (ops->augment != NULL || ops->train != NULL || ops->rerank != NULL))
    return refuse (error, "works alone, but not by projecting alone");
  if (ops->respond != NULL)
    values = ops->respond->values;
  return values == NULL || check_values (values, error);
}

static const size_t ops_sizes[FL_N_KINDS] = {
  [FL_KIND_SOURCE] = sizeof (FlSourceOps),
  [FL_KIND_MODEL] = sizeof (FlModelOps),
  [FL_KIND_OBJECTIVE] = sizeof (FlObjectiveOps),
  [FL_KIND_MITIGATOR] = sizeof (FlMitigatorOps),
};

static gboolean
adopt_ops (FlPlugin *plugin, gconstpointer theirs, GError **error)
{
  gpointer ops = NULL;

  if (theirs == NULL)
    return refuse (error, "descriptor without methods");
  plugin->ops = ops = copy_ops (theirs, ops_sizes[plugin->kind]);
  switch (plugin->kind)
    {
    case FL_KIND_SOURCE:
      return check_source (ops, error);
    case FL_KIND_MODEL:
      return check_model (ops, error);
    case FL_KIND_OBJECTIVE:
      return check_objective (ops, error);
    case FL_KIND_MITIGATOR:
      return check_mitigator (ops, error);
    }
  return FALSE;
}

/* ---- the descriptor ---------------------------------------------------- */

/* Arms are named by objectives that compare lists, and one by each. */
static gboolean
check_arms (const FlPlugin *plugin, GError **error)
{
  unsigned n = 0;

  for (const FlParam *p = plugin->params; p != NULL && p->type != FL_TYPE_END; p++)
    n += p->type == FL_TYPE_ARM;
  if (n > 0 && (plugin->kind != FL_KIND_OBJECTIVE || (plugin->needs & FL_NEEDS_LISTS) == 0))
    return refuse (error, "names an arm, but is no objective over lists");
  return n <= 1 || refuse (error, "names %u arms: one at most", n);
}

/* Needs that its kind cannot have are a mistake, not a wish. */
static gboolean
check_needs (const FlPlugin *plugin, GError **error)
{
  static const unsigned may_need[FL_N_KINDS] = {
    [FL_KIND_SOURCE] = 0,
    [FL_KIND_MODEL] = FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS,
    [FL_KIND_OBJECTIVE] = FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS | FL_NEEDS_VALIDATION
                          | FL_NEEDS_LISTS | FL_NEEDS_FACTORS | FL_NEEDS_RATINGS,
    [FL_KIND_MITIGATOR] = FL_NEEDS_ALL & ~FL_NEEDS_LISTS,
  };

  if ((plugin->needs & ~FL_NEEDS_ALL) != 0)
    return refuse (error, "needs what this host does not know");
  return (plugin->needs & ~may_need[plugin->kind]) == 0
         || refuse (error, "needs what no %s can", fl_kind_name (plugin->kind));
}

/* What can be read before the size is known to suffice. */
static gboolean
check_head (const FlPlugin *theirs, GError **error)
{
  if (theirs->struct_size < offsetof (FlPlugin, check))
    return refuse (error, "descriptor of %zu bytes is too small", theirs->struct_size);
  if (theirs->api_version != FL_API_VERSION)
    return refuse (error, "built for plugin interface %u, this host has %u",
                   (unsigned) theirs->api_version, (unsigned) FL_API_VERSION);
  if ((unsigned) theirs->kind >= FL_N_KINDS)
    return refuse (error, "unknown kind %d", (int) theirs->kind);
  if (!is_name (theirs->name, "-"))
    return refuse (error, "no valid name: lower-case letters, digits and hyphens wanted");
  return TRUE;
}

/* Checks what the copy says and gives it copies of its methods. */
static gboolean
adopt_body (FlPlugin *plugin, gconstpointer ops, GError **error)
{
  return check_text (plugin->summary, TRUE, "summary", error)
         && check_text (plugin->description, FALSE, "description", error)
         && check_text (plugin->reference, FALSE, "reference", error)
         && check_text (plugin->licence, FALSE, "licence", error)
         && check_text (plugin->version, FALSE, "version", error)
         && check_params (plugin, error) && adopt_ops (plugin, ops, error)
         && check_needs (plugin, error) && check_arms (plugin, error);
}

FlEntry *
fl_entry_new (const FlPlugin *theirs, const char *file, GError **error)
{
  g_autoptr (FlEntry) entry = NULL;

  if (!check_head (theirs, error))
    return NULL;
  entry = g_new0 (FlEntry, 1);
  memcpy (&entry->plugin, theirs, MIN (theirs->struct_size, sizeof entry->plugin));
  entry->plugin.struct_size = sizeof entry->plugin;
  entry->plugin.ops = NULL;
  entry->file = g_strdup (file);
  if (!adopt_body (&entry->plugin, theirs->ops, error))
    {
      g_prefix_error (error, "%s '%s': ", fl_kind_name (theirs->kind), theirs->name);
      return NULL;
    }
  return g_steal_pointer (&entry);
}

void
fl_entry_free (FlEntry *entry)
{
  if (entry->plugin.kind == FL_KIND_MODEL && entry->plugin.ops != NULL)
    {
      const FlModelOps *ops = entry->plugin.ops;

      g_free ((gpointer) ops->closed_form);
      g_free ((gpointer) ops->gradient);
    }
  if (entry->plugin.kind == FL_KIND_MITIGATOR && entry->plugin.ops != NULL)
    {
      const FlMitigatorOps *ops = entry->plugin.ops;

      g_free ((gpointer) ops->augment);
      g_free ((gpointer) ops->train);
      g_free ((gpointer) ops->rerank);
      g_free ((gpointer) ops->project);
      g_free ((gpointer) ops->respond);
    }
  g_free ((gpointer) entry->plugin.ops);
  g_free (entry->file);
  g_free (entry->hash);
  g_free (entry);
}
