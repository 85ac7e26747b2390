/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load.h: a pipeline file while it becomes cells. */
#ifndef FL_PIPELINE_LOAD_H
#define FL_PIPELINE_LOAD_H

#include "core/pipeline/parts.h"

#define FL_CELLS_MAX 100000u

typedef struct
{
  char *objectives;
  FlInts k;
} FlEvaluateKeys;
extern const FlParam fl_evaluate_params[];

typedef struct
{
  char *mitigators, *model;
} FlArmKeys;

typedef struct
{
  const char *name;
  const FlConfGroup *group; /* NULL: the one arm of a file without arms */
  FlArmKeys keys;
  GPtrArray *settings;      /* FlSetting, borrowed: keys without a dot    */
  GPtrArray *mitigators;    /* names                                      */
  GPtrArray *overrides;     /* FlOverride                                 */
  GHashTable *words;        /* every name that its settings may mean      */
  gboolean selected;
} FlArm;

typedef struct
{
  FlOverride *override; /* its value is the whole list */
  GPtrArray *values;
  gboolean is_known;    /* some arm's plugin takes it  */
} FlAxis;

typedef struct
{
  FlConf *conf;
  const FlRegistry *registry;
  FlPipeline *pipeline;
  FlEvaluateKeys evaluate;
  FlSection *evaluate_section;
  GPtrArray *objectives; /* names                         */
  GPtrArray *sets;       /* FlOverride                    */
  GPtrArray *axes;       /* FlAxis, of [sweep]            */
  GPtrArray *tuned;      /* FlAxis, of [tune]             */
  GPtrArray *arms;       /* FlArm                         */
} FlLoader;

/* ---- override.c ------------------------------------------------- */

/* Puts the line of `setting` in the group `title` before the mistake; FALSE. */
gboolean fl_setting_refuse (GError **error, const char *title, const FlSetting *setting);
/* Refuses an override whose group is not to be found; arm NULL: in no arm. */
gboolean fl_override_refuse (const FlLoader *loader, const FlOverride *override,
                             const FlArm *arm, GError **error);
/* The override of that address, or NULL. */
const FlOverride *fl_overrides_find (const GPtrArray *overrides, const char *address);
/* Adds a line of [sweep] or [tune] to the axes, unless --set takes its place. */
gboolean fl_axis_read (FlLoader *loader, const char *title, const FlSetting *setting,
                       GPtrArray *axes, GError **error);
/* Whether the word names a model, by its group or plugin, and nothing else. */
gboolean fl_word_is_model (const FlLoader *loader, const char *word);
/* The word by which sections know what an override of the arm is about: "model" also for
 * the name of the arm's own model. */
const char *fl_arm_word (const FlLoader *loader, const FlArm *arm, const char *word);
/* Whether the arm may read the group of that word: not another arm's model. */
gboolean fl_arm_reads (const FlLoader *loader, const FlArm *arm, const char *word);
/* What sets the same key of the arm, in the arm itself or in another axis; or NULL. */
const FlOverride *fl_arm_sets (const FlLoader *loader, const FlArm *arm,
                               const FlOverride *override);
/* Whether the arm has what the axis is about, and its plugin takes such a key. */
gboolean fl_axis_is_known_to (const FlLoader *loader, const FlAxis *axis, const FlArm *arm);
/* The same, but where no arm's plugin takes it: then it is the arms' to say so. */
gboolean fl_axis_concerns (const FlLoader *loader, const FlAxis *axis, const FlArm *arm);
/* Whether its values are whole numbers. */
gboolean fl_axis_is_whole (const FlLoader *loader, const FlAxis *axis, const FlArm *arm);
/* Whether --set sets the key for the arm, which takes the place of the whole axis. */
gboolean fl_axis_is_replaced (const FlLoader *loader, const FlAxis *axis, const FlArm *arm);
/* Whether the sweep multiplies the arm by this axis: not when the axis does not concern it,
 * nor when the arm itself or --set sets the key. */
gboolean fl_axis_applies (const FlLoader *loader, const FlAxis *axis, const FlArm *arm);

/* ---- tune.c ---------------------------------------------------- */

gboolean fl_loader_read_tune (FlLoader *loader, GError **error);
/* What [tune] chooses among for an arm at a point of the sweep: FlCandidate; NULL when it
 * chooses nothing there. */
gboolean fl_loader_candidates (const FlLoader *loader, const FlArm *arm, const GPtrArray *sweep,
                               GPtrArray **candidates, GError **error);

/* ---- point.c --------------------------------------------------- */

/* The cell of an arm at one point of its sweep (FlOverride), for the first seed. */
FlCell *fl_loader_cell (const FlLoader *loader, const FlArm *arm, const GPtrArray *point,
                        GError **error);

#endif
