/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect-words.c: what a plugin declares, in words. */
#include "core/cli/inspect.h"

#include <string.h>

static void
add_word (InspectTrait *trait, gboolean holds, const char *word)
{
  size_t n = 0;

  while (trait->words[n] != NULL)
    n++;
  if (holds)
    trait->words[n] = word;
}

static void
model_traits (const FlModelOps *ops, InspectTrait *can)
{
  can->label = "capabilities";
  add_word (can, ops->score != NULL, "score");
  add_word (can, ops->factors != NULL, "factors");
  add_word (can, ops->closed_form != NULL, "closed-form");
  add_word (can, ops->closed_form != NULL && ops->closed_form->sweep_back != NULL, "sweep-back");
  add_word (can, ops->gradient != NULL, "gradient");
  /* Those that the host trains: with loss = squared. */
  add_word (can, ops->predicts_ratings != NULL || ops->gradient != NULL, "ratings");
}

static void
need_traits (unsigned of, InspectTrait *needs)
{
  needs->label = "needs";
  add_word (needs, (of & FL_NEEDS_FACTORS) != 0, "factors");
  add_word (needs, (of & FL_NEEDS_CLOSED_FORM) != 0, "closed-form");
  add_word (needs, (of & FL_NEEDS_SWEEP_BACK) != 0, "sweep-back");
  add_word (needs, (of & FL_NEEDS_GRADIENT) != 0, "gradient");
  add_word (needs, (of & FL_NEEDS_RATINGS) != 0, "ratings");
  add_word (needs, (of & FL_NEEDS_VALIDATION) != 0, "validation");
  add_word (needs, (of & FL_NEEDS_USER_GROUPS) != 0, "user-groups");
  add_word (needs, (of & FL_NEEDS_ITEM_GROUPS) != 0, "item-groups");
}

static void
objective_traits (const FlPlugin *plugin, InspectTrait *over, InspectTrait *gradients)
{
  const FlObjectiveOps *ops = plugin->ops;
  gboolean lists = (plugin->needs & FL_NEEDS_LISTS) != 0;

  over->label = "over";
  add_word (over, lists, "top-K lists");
  add_word (over, ops->whole || !lists || plugin->needs_now != NULL,
            ops->whole ? "all users and items" : "ratings of a part");
  gradients->label = "gradients";
  add_word (gradients, ops->gradient != NULL, "predictions");
  add_word (gradients, ops->gradient_factors != NULL, "factors");
}

static void
mitigator_traits (const FlMitigatorOps *ops, InspectTrait *stages)
{
  stages->label = "stages";
  add_word (stages, ops->augment != NULL, "augment");
  add_word (stages, ops->train != NULL, "train");
  add_word (stages, ops->rerank != NULL, "rerank");
  add_word (stages, ops->project != NULL, "project");
  add_word (stages, ops->respond != NULL, "respond");
}

static void
source_traits (const FlPlugin *plugin, InspectTrait *data)
{
  data->label = "data";
  add_word (data, plugin->inputs != NULL, "files");
  add_word (data, ((const FlSourceOps *) plugin->ops)->seeded, "seeded");
}

size_t
inspect_traits (const FlPlugin *plugin, InspectTrait traits[INSPECT_TRAITS_MAX])
{
  memset (traits, 0, INSPECT_TRAITS_MAX * sizeof *traits);
  switch (plugin->kind)
    {
    case FL_KIND_SOURCE:
      source_traits (plugin, &traits[0]);
      return 1;
    case FL_KIND_MODEL:
      model_traits (plugin->ops, &traits[0]);
      return 1;
    case FL_KIND_OBJECTIVE:
      objective_traits (plugin, &traits[0], &traits[1]);
      need_traits (plugin->needs, &traits[2]);
      return 3;
    case FL_KIND_MITIGATOR:
      mitigator_traits (plugin->ops, &traits[0]);
      need_traits (plugin->needs, &traits[1]);
      return 2;
    }
  return 0;
}

const char *
inspect_type (const FlParam *param)
{
  static const char *const names[] = {
    [FL_TYPE_DOUBLE] = "double",          [FL_TYPE_INT] = "int",
    [FL_TYPE_BOOL] = "bool",              [FL_TYPE_CHOICE] = "choice",
    [FL_TYPE_STRING] = "string",          [FL_TYPE_PATH] = "path",
    [FL_TYPE_DOUBLES] = "list of double", [FL_TYPE_INTS] = "list of int",
    [FL_TYPE_ARM] = "arm",
  };

  return param->type == FL_TYPE_PLUGIN ? fl_kind_name (param->kind) : names[param->type];
}

const char *
inspect_direction (const FlValue *value)
{
  static const char *const names[] = {
    [FL_LOWER_IS_BETTER] = "lower",
    [FL_HIGHER_IS_BETTER] = "higher",
    [FL_NO_DIRECTION] = "none",
  };

  return names[value->direction];
}

static gboolean
is_number (const FlParam *param)
{
  return param->type == FL_TYPE_DOUBLE || param->type == FL_TYPE_INT
         || param->type == FL_TYPE_DOUBLES || param->type == FL_TYPE_INTS;
}

char *
inspect_range (const FlParam *param)
{
  char *range = is_number (param) ? fl_param_range (param) : NULL;

  if (param->type == FL_TYPE_CHOICE)
    {
      g_auto (GStrv) words = g_strsplit (param->words, "|", -1);

      return g_strjoinv (", ", words);
    }
  return range != NULL ? range : g_strdup ("");
}

const FlValue *
inspect_values (const FlPlugin *plugin)
{
  const FlMitigatorOps *stages = plugin->kind == FL_KIND_MITIGATOR ? plugin->ops : NULL;

  if (plugin->kind == FL_KIND_OBJECTIVE)
    return ((const FlObjectiveOps *) plugin->ops)->values;
  if (stages != NULL && stages->project != NULL)
    return stages->project->values;
  return stages != NULL && stages->respond != NULL ? stages->respond->values : NULL;
}
