/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pipeline-room.h: pipeline file -> cells. */
#ifndef FL_PIPELINE_ROOM_H
#define FL_PIPELINE_ROOM_H

#include "core/data/shaping/shaping-room.h"
#include "core/plugin/plugin-room.h"

FL_BEGIN_DECLS

/* One group of a cell with every effective setting, defaults included, in the
 * order of declaration; values in canonical form, paths as written (environment
 * variables not yet expanded).  Counted references: the repeats of a sweep point
 * share their sections. */
typedef struct
{
  char *title;             /* "model", "mitigator antidote", "objective fast"; of a bare
                              plugin "objective rmse"                                    */
  char *name;              /* "antidote"; NULL for groups that have none, and for bare
                              plugins                                                    */
  char *plugin;            /* plugin name; NULL for [split], [evaluate]                  */
  char *plugin_version;
  char *origin;            /* where the plugin was named: "polar.conf:14"; of a group
                              without one, where it is; or NULL                          */
  FlKind kind;             /* where plugin is set                                        */
  char *canonical;         /* fl_section_canonical                                       */
  GPtrArray *settings;     /* FlSetting of the plugin's parameters                       */
  GPtrArray *host;         /* FlSetting of the host's keys in this group: fl_data_params,
                              fl_split_params; "on" of an objective, except of those that
                              belong to no part                                          */
} FlSection;

FlSection *fl_section_new (void);
FlSection *fl_section_ref (FlSection *section);
void fl_section_unref (FlSection *section);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlSection, fl_section_unref)

typedef struct
{
  char *arm;
  GPtrArray *sweep;        /* FlSetting: key = "antidote.budget", value; the point */
  uint32_t repeat;
  uint64_t seed;           /* pipeline seed + repeat                              */
  FlSection *data, *split, *model; /* all NULL: mitigators work alone              */
  FlSection *evaluate;
  FlSection *rounds;       /* NULL: trained once; its response is a reference     */
  GPtrArray *mitigators;   /* FlSection, in the order they apply                  */
  GPtrArray *objectives;   /* FlSection, in the order of [evaluate]               */
  GPtrArray *references;   /* FlSection that parameters of others name            */
  GPtrArray *bases;        /* FlCell: arms whose errors make groups, or with whose lists
                              objectives compare, to be fitted first, on the same split */
  FlInts k;                /* list lengths; empty: none                           */
  /* For the run alone; workers do not see them: */
  GPtrArray *candidates;   /* FlCandidate: its parameters are to be chosen; or NULL */
  char *chosen, *chosen_by; /* "model.lambda = 3", and how: they have been; or NULL */
  uint32_t fold, n_folds;  /* of a candidate's judge: which, from 0, of how many; 0 */
} FlCell;

/* An arm with one of the values that are to be chosen. */
typedef struct
{
  char *text;        /* "model.lambda = 3"                                          */
  FlCell *cell;      /* trained on all training ratings, for the first seed         */
  GPtrArray *judges; /* FlCell: judged by each of the folds, or the validation part */
} FlCandidate;

void fl_candidate_free (FlCandidate *candidate);

/* How parameters are chosen. */
typedef struct
{
  char *metric;            /* as written: "ndcg@10 of gender=F"            */
  char *value, *group;     /* "ndcg"; "gender=F" or NULL                   */
  int k;                   /* 0: the first of [evaluate], or no lists      */
  FlDirection direction;
  size_t n_folds;          /* 0: by the validation part                    */
  size_t n_points;         /* that are drawn; 0: all of the lists' product */
  gboolean halving;        /* the better half goes on to the next fold     */
  double time;             /* seconds after which nothing is begun; 0: all */
  const FlSetting *origin; /* where the metric is named; while the file is read */
} FlTune;

void fl_tune_free (FlTune *tune);

typedef struct
{
  char *file;              /* as named by the user                                */
  char *title;
  uint64_t seed;
  uint32_t repeats;
  GPtrArray *arms;         /* names, in file order                                */
  GPtrArray *cells;        /* FlCell: arm by arm, sweep point by point, repeats   */
  FlTune *tune;            /* NULL: nothing is chosen                             */
  GPtrArray *warnings;     /* char *: what is not wrong, but hardly meant         */
} FlPipeline;

/* Reads, checks and expands.  `sets` are "group.key=value", `arms` restrict to
 * these; both NULL-terminated or NULL.  Every mistake is FL_ERROR_CONFIG with
 * file, line, group, key and the nearest valid word. */
FlPipeline *fl_pipeline_load (const char *path, const FlRegistry *registry,
                              const char *const *sets, const char *const *arms,
                              GError **error);
/* The same from memory; `name` stands for the file in messages. */
FlPipeline *fl_pipeline_parse (const char *name, const char *text, size_t length,
                               const FlRegistry *registry, const char *const *sets,
                               const char *const *arms, GError **error);
void fl_pipeline_free (FlPipeline *pipeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlPipeline, fl_pipeline_free)

/* A cell without model and objectives: a source by itself.  `settings` are
 * KEY=VALUE of [data], or split.KEY=VALUE; NULL-terminated. */
FlCell *fl_cell_of_source (const FlRegistry *registry, const char *source,
                           const char *const *settings, uint64_t seed, GError **error);
/* Whether anything is said of filter, groups or split. */
gboolean fl_cell_has_split (const FlCell *cell);

/* The last setting of a key, or NULL. */
const FlSetting *fl_settings_find (const GPtrArray *settings, const char *key);

/* The settings and the seed as canonical text: half of a cell's identity, the
 * other being the dataset's digest.  Without origins, the arm's name and the
 * source's paths, for whose content the digest stands.  fl_section_canonical
 * gives one plugin with its parameters, without the host's keys. */
char *fl_cell_canonical (const FlCell *cell);
char *fl_section_canonical (const FlSection *section);
/* What the trained model of a cell depends on beside the dataset, as text: cells with the
 * same text, which may differ in all that comes after training, can share one training.
 * Of a cell that trains nothing, or in rounds, the whole of it. */
char *fl_cell_training (const FlCell *cell, const FlRegistry *registry);
/* Whether the mitigator acts before or in training. */
gboolean fl_section_trains (const FlSection *mitigator, const FlRegistry *registry);
/* Whether some mitigator does: groups that errors make are then made before training; models
 * know none. */
gboolean fl_cell_groups_before_training (const FlCell *cell, const FlRegistry *registry);
/* Whether errors of that arm make the cell's groups. */
gboolean fl_cell_is_grouped_by (const FlCell *cell, const char *arm);
/* Each effective value and where it came from, for --show-config. */
char *fl_cell_describe (const FlCell *cell);

/* The host's keys of an [objective X] group. */
typedef struct
{
  int on; /* FlPart: index in "train|validation|test" */
} FlObjectiveKeys;
extern const FlParam fl_objective_params[];

/* Puts the line of `section` before a message that begins with "[GROUP] " and the key of one
 * of `settings`.  FALSE: it begins with another group. */
gboolean fl_section_locate (const FlSection *section, const GPtrArray *settings, GError **error);

/* The arm that a parameter of the section's plugin names; NULL: none does. */
const FlSetting *fl_section_arm (const FlSection *section, const FlRegistry *registry);

/* The keys of [data] that say how sources are read. */
gboolean fl_cell_ingest (const FlCell *cell, FlIngest *ingest, GError **error);
/* The instance of one of the cell's sections, with those of the plugins that its
 * parameters name. */
FlInstance *fl_cell_instance (const FlCell *cell, const FlRegistry *registry, FlKind kind,
                              const FlSection *section, GError **error);

/* Whether the cell's plugins can work on these data, and lists be as long as they are to
 * be; what cannot be names the line of the pipeline. */
gboolean fl_cell_check_data (const FlCell *cell, const FlRegistry *registry,
                             const FlSplit *split, GError **error);

/* The first repeat of a point, under a later seed. */
FlCell *fl_cell_repeat (const FlCell *cell, uint32_t repeat);

/* What a worker is sent, and back. */
GVariant *fl_cell_to_variant (const FlCell *cell);
FlCell *fl_cell_from_variant (GVariant *variant, GError **error);
void fl_cell_free (FlCell *cell);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlCell, fl_cell_free)

/* The keys of [rounds]. */
typedef struct
{
  int64_t n, k;
  int hidden;            /* index in "validation|test" */
  FlInstance *response;
} FlRoundsKeys;
extern const FlParam fl_rounds_params[];

FlPart fl_rounds_hidden (const FlRoundsKeys *keys);
/* To be freed with fl_params_clear. */
gboolean fl_cell_rounds (const FlCell *cell, const FlRegistry *registry, FlRoundsKeys *keys,
                         GError **error);

FL_END_DECLS

#endif
