/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* evaluate-room.h: views of a model, and what objectives and projections say of them. */
#ifndef FL_EVALUATE_ROOM_H
#define FL_EVALUATE_ROOM_H

#include "core/data/shaping/shaping-room.h"
#include "core/plugin/plugin-room.h"
#include "core/rank/rank-room.h"

FL_BEGIN_DECLS

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
typedef struct
{
  GPtrArray *metrics; /* FlMetric */
  GPtrArray *each;    /* FlEach   */
  GPtrArray *notes;   /* FlSetting: key, value; what fl_run_note said, and of pairs */
  GPtrArray *artefacts; /* FlArtefact */
  char *error;          /* of the objectives that failed, a line each; NULL: none */
} FlOutcome;

/* The note that only some pairs of groups could be compared, "3 of 6", has the metric's
 * name as tables have it, and this behind it. */
#define FL_NOTE_PAIRS ".pairs"
/* The notes of parameters that were chosen: "model.lambda = 3", and by what. */
#define FL_NOTE_CHOSEN "chosen"
#define FL_NOTE_CHOSEN_BY "chosen by"
/* The note of what the part was that metrics are over, "test part": fl_split_describe_part. */
#define FL_NOTE_PART " part"

FlOutcome *fl_outcome_new (void);
void fl_outcome_free (FlOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlOutcome, fl_outcome_free)
GVariant *fl_outcome_to_variant (const FlOutcome *outcome);
FlOutcome *fl_outcome_from_variant (GVariant *variant, GError **error);

/* ---- views and objectives ---------------------------------------------- */

/* A view of `ratings`, which are called `part` (this is how the test ratings are
 * seen, which FlData never holds); NULL: no ratings, for objectives over the
 * whole model. */
FlView *fl_view_of (const FlData *data, const FlRatings *ratings, FlPart part,
                    const FlInstance *model, GError **error);

/* Lent to the runs of stages, whose trainings select by it. */
extern const FlTrainingServices fl_training_services;

/* Lists, with the model's scores of what is in them or NULL. */
typedef struct
{
  FlLists *lists;
  double *score;
  uint8_t *tied; /* n_users x k: 1 where another candidate has the same score; or NULL */
} FlRanked;

void fl_ranked_clear (FlRanked *ranked);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlRanked, fl_ranked_clear)
/* Of one in memory of its own. */
void fl_ranked_free (FlRanked *ranked);
/* The share of all places whose score is also that of another candidate. */
double fl_ranked_tied (const FlRanked *ranked);
/* The first n of each list. */
gboolean fl_ranked_cut (const FlRanked *from, size_t n, FlRanked *to, GError **error);

/* The order of equal scores in the lists of the view, FL_TIES_DRAWN unless it is set. */
void fl_view_set_ties (FlView *view, FlTies ties);

/* The n best of each user, as fl_view_lists gives them; the view does not keep them. */
gboolean fl_view_rank (const FlView *view, size_t n, gboolean scored, FlRanked *ranked,
                       GError **error);

/* Lists of k that a mitigator makes of `candidates`, which have scores, for a view without
 * ratings.  `arrival` is the order of the users. */
gboolean fl_rerank (FlInstance *mitigator, const FlStage *stage, const FlView *view,
                    const FlRanked *candidates, const uint32_t *arrival, size_t k,
                    FlRanked *ranked, GError **error);

/* Evaluates one objective over a view and adds metrics and per-entity values to
 * `outcome`.  `name` is the section's name (NULL for a bare plugin): of plugin P
 * its values P, P-worst and n become NAME, NAME-worst and NAME.n.  Every value
 * gives a metric, NaN when the plugin did not set it; a number that is infinite,
 * or NaN set by the plugin, is FL_ERROR_NUMERIC naming objective and value. */
gboolean fl_objective_run (const FlInstance *objective, const char *name, const FlView *view,
                           int k, FlOutcome *outcome, GError **error);
/* The same, but what goes wrong costs the objective's own values: they are undefined, and
 * outcome->error says why. */
void fl_objective_try (const FlInstance *objective, const char *name, const FlView *view, int k,
                       FlOutcome *outcome);

/* All values of an objective that cannot be measured: undefined, with a note why. */
void fl_objective_undefine (const FlInstance *objective, const char *name, const FlView *view,
                            int k, const char *reason, FlOutcome *outcome);

/* Runs the project stage of a mitigator and adds what it yields to `outcome`, by the
 * names of its values.  Numbers are held to what those of objectives are. */
gboolean fl_projection_run (FlInstance *mitigator, const FlStage *stage, FlOutcome *outcome,
                            GError **error);

/* The same of a response to one round. */
gboolean fl_response_run (FlInstance *response, const FlRound *round, FlOutcome *outcome,
                          GError **error);

FL_END_DECLS

#endif
