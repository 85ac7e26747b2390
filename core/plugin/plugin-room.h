/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plugin-room.h: finding plugins, typed parameters, instances, and the run that they
 * belong to. */
#ifndef FL_PLUGIN_ROOM_H
#define FL_PLUGIN_ROOM_H

#include "core/plugin/door.h"

FL_BEGIN_DECLS

/* ---- settings: what a pipeline says, before it is typed ----------------- */

typedef struct
{
  char *key;    /* "lambda"                                                */
  char *value;  /* text as written, blanks stripped                        */
  char *origin; /* "polar.conf:14", "--set", "default": precedes messages  */
} FlSetting;

FlSetting *fl_setting_new (const char *key, const char *value, const char *origin);
void fl_setting_free (FlSetting *setting);

/* The word among `candidates` (NULL-terminated) nearest to `word` by edit
 * distance, or NULL when none is near. */
const char *fl_nearest (const char *word, const char *const *candidates);
/* "did you mean 'lambda'?", or else "known: rank, lambda". */
char *fl_suggest (const char *word, const char *const *candidates);

/* Puts "ORIGIN: [GROUP] KEY = VALUE: " before the message; what is NULL is left
 * out, and so is the origin "default". */
void fl_setting_locate (GError **error, const char *group, const char *key, const char *value,
                        const char *origin);

/* The shortest decimal number that reads back as `value`. */
char *fl_double_text (double value);

/* ---- parameters -------------------------------------------------------- */

/* Makes the instance that a FL_TYPE_PLUGIN parameter names; whoever holds the
 * parameter owns it.  Errors with FL_ERROR_CONFIG say where themselves. */
typedef FlInstance *(*FlResolve) (gpointer user_data, FlKind kind, const char *name,
                                  GError **error);

/* "users-top" for a field users_top; borrowed from an intern table. */
const char *fl_param_key (const FlParam *param);
/* Bytes of the field in self. */
size_t fl_param_size (const FlParam *param);
/* "from 1 to 4096", "at least 0"; NULL when there is no bound. */
char *fl_param_range (const FlParam *param);

/* Stores the last of `settings` (FlSetting) for each parameter, or its default,
 * into self.  Messages read "ORIGIN: [GROUP] KEY = VALUE: must be from 1 to
 * 4096"; unknown keys suggest the nearest.  Keys in `reserved` (NULL-terminated,
 * or NULL) are the host's and passed over.  FL_TYPE_PLUGIN values are left NULL
 * when resolve is NULL or the value is empty.  After a failure self owns
 * nothing. */
gboolean fl_params_store (const FlParam *params, gpointer self, const char *group,
                          const GPtrArray *settings, const char *const *reserved,
                          FlResolve resolve, gpointer user_data, GError **error);
/* Frees what fl_params_store allocated in self. */
void fl_params_clear (const FlParam *params, gpointer self);
/* The default as text, or NULL when the parameter must be given. */
char *fl_param_default (const FlParam *param);
/* A valid value in canonical form (0.10 and 1e-1 both give 0.1), so that equal
 * configurations have equal text; a path stays as written.  NULL with the bare
 * reason when invalid. */
char *fl_param_canonical (const FlParam *param, const char *value, GError **error);

/* XXH3, 128 bits, of a file's bytes, hexadecimal: nobody gains from two files of the same
 * hash, and it costs a pass through memory. */
char *fl_hash_file (const char *path, GError **error);

/* ---- registry ---------------------------------------------------------- */

typedef struct
{
  FlPlugin plugin;  /* the host's full-size copy; plugin.ops likewise */
  char *file;       /* shared object it came from                     */
  char *hash;       /* of that file's content, hexadecimal            */
} FlEntry;

typedef struct
{
  char *file;
  char *reason;
} FlRefusal;

/* Who makes plugins of files with another ending. */
typedef struct
{
  FlPluginLoader loader; /* the host's full-size copy           */
  char *file;      /* shared object, and its hash         */
  char *hash;
} FlHostedLanguage;

typedef struct
{
  GPtrArray *entries;  /* FlEntry, by kind, then name             */
  GPtrArray *refusals; /* FlRefusal, in the order they were met   */
  GPtrArray *files;    /* char *, those that were opened, in order */
  GPtrArray *loaders;  /* FlHostedLanguage                        */
  GHashTable *hashes;  /* file -> hash of its content             */
} FlRegistry;

/* Searches `dirs` (NULL-terminated, or NULL), then FAIRLEAD_PLUGIN_PATH, then
 * $XDG_DATA_HOME/fairlead/plugins, then the installed folder (FAIRLEAD_PLUGIN_DIR
 * stands in for it, so that a build tree can be tried beside an installation).
 * Never fails for a bad plugin: it is among the refusals.  Fails for a folder in
 * `dirs` that does not exist. */
FlRegistry *fl_registry_new (const char *const *dirs, GError **error);
/* How long a plugin may take to be opened, or to answer what it is asked before a run:
 * FAIRLEAD_PROBE_SECONDS, or else 10. */
int64_t fl_probe_seconds (void);
/* A registry in another process: opens files of the first one, unprobed, one by one. */
FlRegistry *fl_registry_empty (void);
/* FALSE when the file has not that hash any more; one that was refused is among the refusals. */
gboolean fl_registry_open (FlRegistry *registry, const char *file, const char *hash,
                           GError **error);
/* The hash of a file that was opened; "" for another. */
const char *fl_registry_hash (const FlRegistry *registry, const char *file);
void fl_registry_free (FlRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlRegistry, fl_registry_free)

const char *fl_kind_name (FlKind kind); /* "source", "model", ... */
/* What a value of the plugin is called; under a pipeline's own name X for plugin P, P and
 * P-... read X and X-..., and any other is X.other. */
char *fl_value_name (const FlPlugin *plugin, const char *group, const char *value);
gboolean fl_kind_parse (const char *name, FlKind *kind);

/* NULL with FL_ERROR_PLUGIN that suggests the nearest name, or says why the
 * file that would hold it was refused. */
const FlEntry *fl_registry_find (const FlRegistry *registry, FlKind kind, const char *name,
                                 GError **error);

/* What the model's methods offer: FL_NEEDS_FACTORS and the like, or-ed. */
unsigned fl_model_capabilities (const FlModelOps *ops);

/* A plugin at work.  `ops` is a full-size copy: what the plugin's header did not have yet
 * is NULL. */
struct FlInstance
{
  const FlPlugin *plugin;
  gpointer self;
  const void *ops;
  const char *hash;     /* of the plugin's file, as in FlEntry; NULL: it has none */
  gboolean is_finished; /* a model: fl_model_finish                               */
};

/* Allocates self, runs init, stores the parameters, runs check. */
FlInstance *fl_instance_new (const FlEntry *entry, const char *group, const GPtrArray *settings,
                             const char *const *reserved, FlResolve resolve,
                             gpointer user_data, GError **error);
void fl_instance_free (FlInstance *instance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlInstance, fl_instance_free)

/* The objective that a parameter of this one names; NULL: `param` is no such parameter, or
 * it is left empty. */
const FlInstance *fl_objective_asked (const FlInstance *objective, const FlParam *param);

/* ---- the run context that plugins are handed ---------------------------- */

/* With total = 0 the work passes to the plugin `what` ("model/als-mf"): should
 * the process die, that is who is named. */
typedef void (*FlProgress) (gpointer user_data, double done, double total, const char *what);

/* The run context that plugins are handed. */
FlRun *fl_run_new (uint64_t seed, FlProgress progress, gpointer user_data);
/* One that goes on from another, with its seed and all that was noted, when nothing is
 * trained any more. */
FlRun *fl_run_after (const FlRun *run);
void fl_run_free (FlRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlRun, fl_run_free)
const GPtrArray *fl_run_notes (const FlRun *run); /* FlSetting */
void fl_run_set_seed (FlRun *run, uint64_t seed);
/* Ratings for trainings to select on, whatever their stage may know; borrowed. */
void fl_run_lend_validation (FlRun *run, const FlRatings *validation);
const FlRatings *fl_run_validation (const FlRun *run); /* NULL: none */

/* An objective on the validation part of a stage's run. */
typedef struct FlValidation FlValidation;

/* What trainings need of those who evaluate, who come after them. */
typedef struct
{
  /* FL_ERROR_CONFIG where there is no such part, or the objective cannot choose. */
  FlValidation *(*validation_new) (const FlStage *stage, const FlInstance *objective, size_t k,
                                   GError **error);
  void (*validation_free) (FlValidation *validation);
  FlDirection (*validation_direction) (const FlValidation *validation);
  /* The objective's first value for the model as it is; undefined is FL_ERROR_DATA. */
  gboolean (*validation_measure) (FlValidation *validation, const FlInstance *model,
                                  double *value, GError **error);
} FlTrainingServices;
/* Borrowed. */
void fl_run_lend_services (FlRun *run, const FlTrainingServices *services);
const FlTrainingServices *fl_run_services (const FlRun *run); /* NULL: none */

/* Where the trainings of a cell keep their state: PREFIX.0, PREFIX.1, ... in the order
 * in which they begin. */
typedef struct
{
  const char *prefix; /* NULL: nowhere                */
  double seconds;     /* at least, between two writes */
  unsigned n;         /* trainings begun              */
} FlCheckpoints;
/* Borrowed; shared by the runs of one cell. */
void fl_run_keep_checkpoints (FlRun *run, FlCheckpoints *checkpoints);
/* Where the next training of a run keeps its state, and how many seconds apart at
 * least; NULL: nowhere.  To be freed with g_free; made by the run. */
char *fl_run_checkpoint (FlRun *run, double *seconds);

FL_END_DECLS

#endif
