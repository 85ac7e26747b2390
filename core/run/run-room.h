/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* run-room.h: pipeline file -> cells -> workers -> results store. */
#ifndef FL_RUN_ROOM_H
#define FL_RUN_ROOM_H

#include <signal.h>

#include "core/data/data-room.h"
#include "core/plugin/plugin-room.h"
#include "core/rank/rank-room.h"
#include "core/train/train-room.h"

FL_BEGIN_DECLS

/* ---- pipeline ---------------------------------------------------------- */

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
} FlCell;

typedef struct
{
  char *file;              /* as named by the user                                */
  char *title;
  uint64_t seed;
  uint32_t repeats;
  GPtrArray *arms;         /* names, in file order                                */
  GPtrArray *cells;        /* FlCell: arm by arm, sweep point by point, repeats   */
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

/* The settings and the seed as canonical text: half of a cell's identity, the
 * other being the dataset's digest.  Without origins, the arm's name and the
 * source's paths, for whose content the digest stands.  fl_section_canonical
 * gives one plugin with its parameters, without the host's keys. */
char *fl_cell_canonical (const FlCell *cell);
char *fl_section_canonical (const FlSection *section);
/* Each effective value and where it came from, for --show-config. */
char *fl_cell_describe (const FlCell *cell);

/* The host's keys of an [objective X] group. */
typedef struct
{
  int on; /* FlPart: index in "train|validation|test" */
} FlObjectiveKeys;
extern const FlParam fl_objective_params[];

/* The arm that a parameter of the section's plugin names; NULL: none does. */
const FlSetting *fl_section_arm (const FlSection *section, const FlRegistry *registry);

/* The keys of [data] that say how sources are read. */
gboolean fl_cell_ingest (const FlCell *cell, FlIngest *ingest, GError **error);
/* The instance of one of the cell's sections, with those of the plugins that its
 * parameters name. */
FlInstance *fl_cell_instance (const FlCell *cell, const FlRegistry *registry, FlKind kind,
                              const FlSection *section, GError **error);

/* What a worker is sent, and back. */
GVariant *fl_cell_to_variant (const FlCell *cell);
FlCell *fl_cell_from_variant (GVariant *variant, GError **error);
void fl_cell_free (FlCell *cell);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlCell, fl_cell_free)

/* ---- what a cell yields ------------------------------------------------ */

typedef struct
{
  char *name;         /* "rmse"; "fast" for a named objective, see below       */
  int k;              /* 0: none                                               */
  char *group;        /* "gender=F" or NULL                                    */
  char *part;         /* "train", "validation", "test", or NULL                */
  FlDirection direction;
  double value;       /* NaN: undefined                                        */
  size_t n;           /* behind it; 0: not said                                */
} FlMetric;

/* What the values of an FlEach stand for, one after the other. */
typedef enum
{
  FL_INDEX_USER,
  FL_INDEX_ITEM,
  FL_INDEX_STEP       /* a course over time                   */
} FlIndex;
#define FL_N_INDICES 3
const char *fl_index_name (FlIndex index); /* "user", "item", "step" */

typedef struct
{
  char *name;         /* metric it explains */
  int k;
  char *group;        /* as in FlMetric     */
  char *part;
  FlIndex index;
  size_t n;
  double *value;      /* n, NaN where undefined */
} FlEach;

void fl_each_free (FlEach *each);

/* What a mitigator made, kept with the cell. */
typedef struct
{
  char *name;         /* the mitigator's group, "antidote" */
  char *text;         /* CSV with a header                 */
} FlArtefact;

/* A field of CSV [RFC 4180]: quoted where needed, quotes doubled; NULL: nothing. */
void fl_append_csv (GString *out, const char *text);

FlArtefact *fl_artefact_new (const char *name, const char *text);
void fl_artefact_free (FlArtefact *artefact);
/* The ratings that are in `after` but not in `before`, which a mitigator was
 * given; NULL when they are too many to keep. */
FlArtefact *fl_artefact_of_added (const char *name, const FlRatings *before,
                                  const FlRatings *after, const FlDataset *dataset,
                                  const FlSplit *split);

typedef struct
{
  GPtrArray *metrics; /* FlMetric */
  GPtrArray *each;    /* FlEach   */
  GPtrArray *notes;   /* FlSetting: key, value; what fl_run_note said */
  GPtrArray *artefacts; /* FlArtefact */
} FlOutcome;

FlOutcome *fl_outcome_new (void);
void fl_outcome_free (FlOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlOutcome, fl_outcome_free)
GVariant *fl_outcome_to_variant (const FlOutcome *outcome);
FlOutcome *fl_outcome_from_variant (GVariant *variant, GError **error);

/* ---- inside a worker --------------------------------------------------- */

/* With total = 0 the work passes to the plugin `what` ("model/als-mf"): should
 * the process die, that is who is named. */
typedef void (*FlProgress) (gpointer user_data, double done, double total, const char *what);

/* The run context that plugins are handed. */
FlRun *fl_run_new (uint64_t seed, FlProgress progress, gpointer user_data);
void fl_run_free (FlRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlRun, fl_run_free)
const GPtrArray *fl_run_notes (const FlRun *run); /* FlSetting */
void fl_run_set_seed (FlRun *run, uint64_t seed);
/* Ratings for trainings to select on, whatever their stage may know; borrowed. */
void fl_run_lend_validation (FlRun *run, const FlRatings *validation);

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

/* A cell without model and objectives: a source by itself.  `settings` are
 * KEY=VALUE of [data], or split.KEY=VALUE; NULL-terminated. */
FlCell *fl_cell_of_source (const FlRegistry *registry, const char *source,
                           const char *const *settings, uint64_t seed, GError **error);
/* Whether anything is said of filter, groups or split. */
gboolean fl_cell_has_split (const FlCell *cell);

/* Whether all files are there that the cell's source would read; else `missing`
 * receives what is not. */
gboolean fl_cell_has_data (const FlCell *cell, const FlRegistry *registry, char **missing);

/* The cell's dataset, through the cache, whose file `path` names (fl_cache_load);
 * and that dataset filtered, split and grouped.  A mistake that shows only in the
 * data names the line of the pipeline that asked for it. */
FlDataset *fl_cell_dataset (const FlCell *cell, const FlRegistry *registry, char **path,
                            GError **error);
FlSplit *fl_cell_split (const FlCell *cell, const FlDataset *dataset, GError **error);
/* Looks for leaks in what a cell is about to do: FlAuditRow. */
GPtrArray *fl_cell_audit (const FlCell *cell, const FlRegistry *registry,
                          const FlDataset *dataset, const FlSplit *split, GError **error);
/* Whether the cell's mitigators can work on these data; what they cannot names the
 * line of the pipeline. */
gboolean fl_cell_check_data (const FlCell *cell, const FlRegistry *registry,
                             const FlSplit *split, GError **error);
/* How a side is grouped; NULL: not at all.  Groups that errors make, of which
 * fl_cell_split makes none. */
gboolean fl_cell_grouping (const FlCell *cell, FlSide side, FlGrouping **grouping,
                           GError **error);
gboolean fl_cell_group (const FlCell *cell, const FlDataset *dataset, FlSplit *split, FlSide side,
                        FlArmErrors errors, gpointer user_data, GError **error);

/* The whole of one cell over a dataset: split, augment, train, project, evaluate;
 * of a cell without data, dataset NULL, project alone.  Trainings begin
 * where their checkpoints are. */
FlOutcome *fl_cell_execute (const FlCell *cell, const FlRegistry *registry,
                            const FlDataset *dataset, FlCheckpoints *checkpoints,
                            FlProgress progress, gpointer user_data, GError **error);

/* A view of `ratings`, which are called `part` (this is how the test ratings are
 * seen, which FlData never holds); NULL: no ratings, for objectives over the
 * whole model. */
FlView *fl_view_of (const FlData *data, const FlRatings *ratings, FlPart part,
                    const FlInstance *model, GError **error);

/* Makes ready what `factors` and `score` of a trained model read. */
gboolean fl_model_settle (const FlInstance *model, GError **error);

/* Whether the objective, as its parameters are, is over top-K lists. */
gboolean fl_objective_needs_lists (const FlInstance *objective);

/* Evaluates one objective over a view and adds metrics and per-entity values to
 * `outcome`.  `name` is the section's name (NULL for a bare plugin): of plugin P
 * its values P, P-worst and n become NAME, NAME-worst and NAME.n.  Every value
 * gives a metric, NaN when the plugin did not set it; a number that is infinite,
 * or NaN set by the plugin, is FL_ERROR_NUMERIC naming objective and value. */
gboolean fl_objective_run (const FlInstance *objective, const char *name, const FlView *view,
                           int k, FlOutcome *outcome, GError **error);

/* Runs the project stage of a mitigator and adds what it yields to `outcome`, by the
 * names of its values.  Numbers are held to what those of objectives are. */
gboolean fl_projection_run (const FlInstance *mitigator, const FlStage *stage,
                            FlOutcome *outcome, GError **error);

/* The same of a response to one round. */
gboolean fl_response_run (const FlInstance *response, const FlRound *round, FlOutcome *outcome,
                          GError **error);

/* ---- rounds of a closed loop -------------------------------------------- */

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

/* What passes from round to round beside the split, which it changes: what was
 * consumed is known from then on, and no longer held out. */
typedef struct FlLoop FlLoop;

/* Both borrowed. */
FlLoop *fl_loop_new (const FlRoundsKeys *keys, FlSplit *split, GError **error);
void fl_loop_free (FlLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlLoop, fl_loop_free)
/* The seed of a round; the first has the cell's own. */
uint64_t fl_loop_seed (uint64_t seed, uint32_t round);
/* Lets users respond to their lists, adds what the response says to `outcome` and what
 * they consumed to the split. */
gboolean fl_loop_respond (FlLoop *loop, const FlLists *lists, uint32_t round, uint64_t seed,
                          FlOutcome *outcome, GError **error);
/* Takes down the metrics of a round. */
void fl_loop_record (FlLoop *loop, const FlOutcome *outcome, uint32_t round);
/* Adds the courses of all metrics over the rounds, which are then its own. */
void fl_loop_finish (FlLoop *loop, FlOutcome *outcome);

/* ---- records: a run as the store keeps it ------------------------------ */

typedef enum
{
  FL_CELL_PENDING,
  FL_CELL_DONE,
  FL_CELL_FAILED
} FlCellStatus;

const char *fl_cell_status_name (FlCellStatus status); /* "pending", "done", "failed" */

typedef struct
{
  char *identity;     /* SHA-256, hexadecimal: same identity, same results          */
  char *arm;
  GPtrArray *sweep;   /* FlSetting, without origins                                 */
  uint32_t repeat;
  uint64_t seed;
  char *digest;       /* of the dataset; "" when it could not be loaded             */
  char *plugins;      /* one "kind/name version" a line                             */
  char *config;       /* fl_cell_canonical                                          */
  FlCellStatus status;
  char *error;        /* NULL unless failed                                         */
  char *isa, *blas;   /* kernels that computed it; NULL unless done, blas if unknown */
  FlOutcome *outcome; /* NULL unless done                                           */
  double seconds;     /* wall clock; with the next two, beside the results proper   */
  uint64_t peak_kib;
  char *finished;     /* ISO 8601, UTC; NULL while pending                          */
} FlCellRecord;

FlCellRecord *fl_cell_record_new (void);
void fl_cell_record_free (FlCellRecord *record);

typedef struct
{
  int64_t number;     /* in its store, from 1                                       */
  char *key;          /* SHA-256 of title, names and identities of all cells        */
  char *title, *file;
  char *fairlead;     /* version                                                    */
  char *started;      /* ISO 8601, UTC; of the first attempt                        */
  GPtrArray *cells;   /* FlCellRecord in the pipeline's order; NULL in a list       */
  size_t n_cells, n_done, n_failed;
} FlRunRecord;

FlRunRecord *fl_run_record_new (void);
void fl_run_record_free (FlRunRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlRunRecord, fl_run_record_free)

/* ---- results store ----------------------------------------------------- */

/* An SQLite file; only the parent process writes it, one transaction a cell.
 * Several processes may use one store at a time: each has a run of its own. */
typedef struct FlStore FlStore;

FlStore *fl_store_open (const char *path, gboolean create, GError **error);
void fl_store_free (FlStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlStore, fl_store_free)
const char *fl_store_path (const FlStore *store);

/* Enters a run with all its cells pending and sets run->number.  With `resume`
 * it goes on with the last run of the same key, if there is one, and cells whose
 * identity is done anywhere in the store are taken over: their status, and no
 * more, is set to FL_CELL_DONE. */
gboolean fl_store_begin (FlStore *store, FlRunRecord *run, gboolean resume, GError **error);
/* Keeps the finished cell at index `cell`, all or nothing. */
gboolean fl_store_put (FlStore *store, int64_t run, size_t cell, const FlCellRecord *record,
                       GError **error);
/* Everything about a run; number 0 is the latest.  Per-entity values and
 * artefacts only when `each` is TRUE. */
FlRunRecord *fl_store_run (FlStore *store, int64_t number, gboolean each, GError **error);
/* FlRunRecord without cells, oldest first. */
GPtrArray *fl_store_list (FlStore *store, GError **error);

/* ---- trainings under way ------------------------------------------------ */

/* FlCheckpoints.prefix of a cell. */
char *fl_partial_prefix (const FlStore *store, const char *identity);
/* Removes what its trainings have kept, and the folder with the last of it. */
void fl_partial_remove (const FlStore *store, const char *identity);

/* ---- workers ----------------------------------------------------------- */

typedef struct
{
  unsigned threads;         /* per worker, at least 1                  */
  unsigned jobs;            /* workers at a time, at least 1           */
  double time_limit;        /* seconds per cell, and per dataset; 0: none */
  uint64_t memory_limit;    /* bytes per worker, beyond what the program itself holds; 0: none */
  gboolean resume;
  double checkpoint;        /* seconds between two checkpoints of a training */
  const volatile sig_atomic_t *stop;  /* becomes non-zero to interrupt; or NULL */
} FlRunOptions;

/* How a run stands; told several times a second, and at each event. */
typedef struct
{
  size_t n_tasks, n_finished, n_failed; /* cells to compute; datasets while loading  */
  size_t n_running;
  gboolean loading;                     /* datasets are prepared, before any cell    */
  const FlCell *cell;                   /* longest at work, or NULL                  */
  const char *what;                     /* what it is doing, or NULL                 */
  double done, total;                   /* of that; total 0: not known               */
  const FlCellRecord *finished;         /* this cell has just ended, or NULL         */
  const char *warning;                  /* text that the worker of `cell` wrote, or NULL */
} FlRunStatus;
typedef void (*FlRunReport) (gpointer user_data, const FlRunStatus *status);

/* Computes all cells of a pipeline, each in a worker, and keeps them in the
 * store.  A cell that fails is an entry of the run, not an error.  When stopped
 * it returns TRUE with cells still pending, or before any cell with run = NULL. */
gboolean fl_run_pipeline (const FlPipeline *pipeline, const FlRegistry *registry,
                          const FlRunOptions *options, FlStore *store, FlRunReport report,
                          gpointer user_data, FlRunRecord **run, GError **error);

/* The whole life of a worker process: task on standard input, answers on
 * descriptor 3.  Returns the exit status. */
int fl_worker_main (void);

/* FALSE in builds whose sanitizer needs all address space. */
gboolean fl_worker_limits_memory (void);

FL_END_DECLS

#endif
