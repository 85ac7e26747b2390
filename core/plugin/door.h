/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* door.h: every call of a plugin's method goes through one of these functions, or
 * through those that the SDK declares for plugins that call one another.  They say who
 * is at work, should the process die; they let no failure pass without a message; and
 * they look at what comes out.
 */
#ifndef FL_DOOR_H
#define FL_DOOR_H

#include <fairlead/plugin.h>

FL_BEGIN_DECLS

/* ---- who is at work ----------------------------------------------------- */

/* "model/als-mf" and "fit", or empty; in memory that another process may read. */
#define FL_DOOR_NAME_MAX 96
typedef struct
{
  char name[FL_DOOR_NAME_MAX];
  char method[FL_DOOR_NAME_MAX];
  uint64_t turn; /* counts the calls that begin and end */
} FlDoorPlate;

/* From here on the plugin at work in this thread is written there; NULL: nowhere. */
void fl_door_show (FlDoorPlate *plate);
/* The plugin at work in this thread, or NULL. */
const FlInstance *fl_door_at_work (void);
/* Whose method failed with the error on its way up; NULL: nobody's. */
const char *fl_door_failed (void);
/* Nobody's so far: other work begins. */
void fl_door_forget (void);

/* ---- calls ---------------------------------------------------------------- */

typedef struct
{
  const FlInstance *callee, *caller;
  const char *method;
  GError *failure; /* for the method to set */
} FlCall;

FlCall fl_call_begin (const FlInstance *callee, const char *method);
/* FALSE without an error becomes FL_ERROR_PLUGIN; an error with TRUE is one, too. */
gboolean fl_call_end (FlCall *call, gboolean done, GError **error);
/* The end of a method that cannot fail. */
void fl_call_leave (FlCall *call);
/* FALSE with FL_ERROR_NUMERIC, naming `what` and the place, unless all n are finite. */
gboolean fl_call_check_finite (FlCall *call, const char *what, const double *number, size_t n);

/* ---- every kind ----------------------------------------------------------- */

gboolean fl_instance_check (const FlInstance *instance, GError **error);
gboolean fl_instance_check_data (const FlInstance *instance, const FlData *data, GError **error);
/* *files: NULL-terminated, NULL when it reads none. */
gboolean fl_instance_inputs (const FlInstance *instance, char ***files, GError **error);

/* ---- sources -------------------------------------------------------------- */

gboolean fl_source_load (const FlInstance *source, uint64_t seed, FlBuilder *builder,
                         GError **error);
gboolean fl_source_is_seeded (const FlInstance *source);

/* ---- models --------------------------------------------------------------- */

/* Whether it has a `fit` of its own. */
gboolean fl_model_fits_itself (const FlInstance *model);
gboolean fl_model_fit_itself (FlInstance *model, const FlData *data, FlRun *run, GError **error);
/* Whether scores come from a method rather than from factors. */
gboolean fl_model_scores_itself (const FlInstance *model);

/* Makes ready what `factors` and `score` of a trained model read. */
gboolean fl_model_prepare_scores (const FlInstance *model, GError **error);

/* Its training is over: it is not to be trained again, by nobody, since others may share it.
 * FALSE with an error that says so when it is tried. */
void fl_model_finish (FlInstance *model);
gboolean fl_model_may_train (const FlInstance *model, GError **error);

/* ---- models trained by gradients: as in FlGradientOps ---------------------- */

gboolean fl_model_settings (const FlInstance *model, FlTrainingSettings *settings,
                            GError **error);
gboolean fl_model_start (FlInstance *model, const FlRatings *train, uint64_t seed,
                         GError **error);
/* FL_ERROR_PLUGIN where there is no block, or one without numbers. */
gboolean fl_model_blocks (FlInstance *model, const FlBlock **blocks, size_t *n, GError **error);
void fl_model_parameters_changed (FlInstance *model);
/* user_width or item_width; 0 where it has none. */
size_t fl_model_vector_width (const FlInstance *model, FlSide side);
gboolean fl_model_batch_scores (FlInstance *model, const FlBatch *batch, double *score,
                                GError **error);
gboolean fl_model_backward (FlInstance *model, const FlBatch *batch, const double *d_score,
                            double l2, FlGradient *gradient, FlGradient *d_delta,
                            GError **error);
gboolean fl_model_stream (FlInstance *model, uint64_t seed, uint64_t epoch, double *loss,
                          GError **error);
gboolean fl_model_vectors (FlInstance *model, FlSide side, size_t n, const uint32_t *index,
                           double *out, GError **error);
gboolean fl_model_vectors_back (FlInstance *model, FlSide side, size_t n, const uint32_t *index,
                                const double *d_out, FlGradient *gradient, GError **error);

/* ---- objectives ----------------------------------------------------------- */

const FlValue *fl_objective_values (const FlInstance *objective);
gboolean fl_objective_is_whole (const FlInstance *objective);
gboolean fl_objective_needs_lists (const FlInstance *objective);
/* Whether it gives its gradient by factors itself; and that gradient. */
gboolean fl_objective_has_own_factors (const FlInstance *objective);
gboolean fl_objective_gradient_own_factors (const FlInstance *objective, const FlView *view,
                                            double *loss, double *d_user, double *d_item,
                                            GError **error);
gboolean fl_objective_evaluate (const FlInstance *objective, const FlView *view, FlResult *result,
                                GError **error);

/* ---- mitigators ----------------------------------------------------------- */

/* What it declares; stages that it has not are NULL. */
const FlMitigatorOps *fl_mitigator_stages (const FlInstance *mitigator);
/* Of the projection, else of the response; of neither: no value. */
const FlValue *fl_mitigator_values (const FlInstance *mitigator);
FlRatings *fl_mitigator_augment (FlInstance *mitigator, const FlStage *stage, GError **error);
const double *fl_mitigator_start_factors (const FlInstance *mitigator);
gboolean fl_mitigator_train (FlInstance *mitigator, const FlStage *stage, GError **error);
size_t fl_mitigator_candidates (const FlInstance *mitigator, size_t k, uint32_t n_items);
gboolean fl_mitigator_rerank (FlInstance *mitigator, const FlStage *stage,
                              FlReranking *reranking, GError **error);
gboolean fl_mitigator_project (FlInstance *mitigator, const FlStage *stage, FlResult *result,
                               GError **error);
gboolean fl_mitigator_respond (FlInstance *mitigator, const FlRound *round, FlResult *result,
                               GError **error);

FL_END_DECLS

#endif
