/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plugin.h: all that a plugin needs.  Include this and nothing else of ours.
 *
 * A shared object exports one function, fairlead_plugins, which FL_PLUGIN or
 * FL_PLUGINS writes.  The host reads a descriptor, fills the plugin's own
 * structure (self) from the pipeline, then calls its methods:
 *
 *   self zeroed -> parameters stored -> check -> methods of the kind -> clear
 *
 * A method that takes self const may be called from several threads at once;
 * one that takes it plain has it alone.  Structures only ever grow at the end:
 * the host copies the smaller of its own and the plugin's, so what a plugin
 * does not know reads as zero.
 */
#ifndef FAIRLEAD_PLUGIN_H
#define FAIRLEAD_PLUGIN_H

#include <fairlead/base.h>
#include <fairlead/data.h>
#include <fairlead/linalg.h>
#include <fairlead/random.h>
#include <fairlead/train.h>

FL_BEGIN_DECLS

/* ---- parameters -------------------------------------------------------- */

typedef enum
{
  FL_TYPE_END,
  FL_TYPE_DOUBLE,  /* double                                              */
  FL_TYPE_INT,     /* int64_t                                             */
  FL_TYPE_BOOL,    /* gboolean                                            */
  FL_TYPE_CHOICE,  /* int: index among the words                          */
  FL_TYPE_STRING,  /* char *, owned by the host                           */
  FL_TYPE_PATH,    /* char *, environment variables expanded              */
  FL_TYPE_DOUBLES, /* FlDoubles                                           */
  FL_TYPE_INTS,    /* FlInts                                              */
  FL_TYPE_PLUGIN,  /* FlInstance *: another plugin, by group or bare name */
  FL_TYPE_ARM      /* char *: name of an arm of the pipeline              */
} FlType;

typedef struct
{
  size_t n;
  double *v;
} FlDoubles;

typedef struct
{
  size_t n;
  int64_t *v;
} FlInts;

typedef enum
{
  FL_KIND_SOURCE,
  FL_KIND_MODEL,
  FL_KIND_OBJECTIVE,
  FL_KIND_MITIGATOR
} FlKind;
#define FL_N_KINDS 4

/* One parameter.  Rows of an array cannot grow, hence `reserved`.  The key in a
 * pipeline is the name with hyphens for underscores. */
typedef struct
{
  FlType type;
  FlKind kind;          /* FL_TYPE_PLUGIN: which kind                       */
  const char *name;
  size_t offset;        /* of the field in self                             */
  double min, max;      /* numbers, and each number of a list; inclusive    */
  double number;        /* default of a number, bool (0, 1), choice (index) */
  const char *text;     /* default of the other types; NULL: must be given  */
  const char *words;    /* FL_TYPE_CHOICE: "double|single"                  */
  const char *unit;     /* or NULL                                          */
  const char *doc;
  gpointer reserved[4];
} FlParam;

/* The field's place; a compiler warning when it is not of type `ctype`. */
#define FL_FIELD_(Self, field, ctype) \
  (offsetof (Self, field) + 0 * sizeof ((ctype *) 0 == &((Self *) 0)->field))

#define FL_DOUBLE(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_DOUBLE, .name = #field, .offset = FL_FIELD_ (Self, field, double), \
    .min = (lo), .max = (hi), .number = (def), .unit = (unit_), .doc = (doc_) }
#define FL_INT(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_INT, .name = #field, .offset = FL_FIELD_ (Self, field, int64_t), \
    .min = (lo), .max = (hi), .number = (def), .unit = (unit_), .doc = (doc_) }
#define FL_BOOL(Self, field, def, doc_) \
  { .type = FL_TYPE_BOOL, .name = #field, .offset = FL_FIELD_ (Self, field, gboolean), \
    .max = 1, .number = (def), .doc = (doc_) }
#define FL_CHOICE(Self, field, def, words_, doc_) \
  { .type = FL_TYPE_CHOICE, .name = #field, .offset = FL_FIELD_ (Self, field, int), \
    .number = (def), .words = (words_), .doc = (doc_) }
#define FL_STRING(Self, field, def, doc_) \
  { .type = FL_TYPE_STRING, .name = #field, .offset = FL_FIELD_ (Self, field, char *), \
    .text = (def), .doc = (doc_) }
#define FL_PATH(Self, field, def, doc_) \
  { .type = FL_TYPE_PATH, .name = #field, .offset = FL_FIELD_ (Self, field, char *), \
    .text = (def), .doc = (doc_) }
#define FL_DOUBLES(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_DOUBLES, .name = #field, .offset = FL_FIELD_ (Self, field, FlDoubles), \
    .min = (lo), .max = (hi), .text = (def), .unit = (unit_), .doc = (doc_) }
#define FL_INTS(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_INTS, .name = #field, .offset = FL_FIELD_ (Self, field, FlInts), \
    .min = (lo), .max = (hi), .text = (def), .unit = (unit_), .doc = (doc_) }
#define FL_PLUGIN_PARAM(Self, field, kind_, def, doc_) \
  { .type = FL_TYPE_PLUGIN, .kind = (kind_), .name = #field, \
    .offset = FL_FIELD_ (Self, field, FlInstance *), .text = (def), .doc = (doc_) }
#define FL_ARM(Self, field, doc_) \
  { .type = FL_TYPE_ARM, .name = #field, .offset = FL_FIELD_ (Self, field, char *), .doc = (doc_) }
#define FL_PARAM_END { .type = FL_TYPE_END }

/* ---- descriptor -------------------------------------------------------- */

typedef struct
{
  size_t struct_size;
  uint32_t api_version;
  FlKind kind;
  const char *name;        /* als-mf: lower case, digits, hyphens        */
  const char *summary;     /* one line                                   */
  const char *description; /* paragraphs, or NULL                        */
  const char *reference;   /* paper and equation                         */
  const char *licence;     /* SPDX                                       */
  const char *version;     /* enters the identity of results; NULL: "0"  */
  const FlParam *params;   /* ends with FL_PARAM_END; NULL: none         */
  size_t self_size;
  const void *ops;         /* Fl<Kind>Ops                                */

  /* Rules between parameters, before any work.  Optional. */
  gboolean (*check) (gconstpointer self, GError **error);
  /* Frees what methods stored in self (not the parameters); must work at any
   * moment after the zeroing.  Optional. */
  void (*clear) (gpointer self);
} FlPlugin;

/* A plugin at work.  `ops` is a full-size copy: fields the plugin's header did
 * not have yet are NULL. */
struct FlInstance
{
  const FlPlugin *plugin;
  gpointer self;
  const void *ops;
};

/* ---- the run ----------------------------------------------------------- */

typedef struct FlRun FlRun;

uint64_t fl_run_seed (const FlRun *run);
/* In all of these `run` may be NULL: nobody listens, the seed is 0. */

/* Says how far the work is; cheap, may be called often. */
void fl_run_progress (FlRun *run, double done, double total, const char *what);
/* Records a fact about the run beside its metrics: sweeps needed, the reason to
 * stop.  The last value of a name stands. */
void fl_run_note (FlRun *run, const char *name, double value);
void fl_run_note_text (FlRun *run, const char *name, const char *value);

typedef enum
{
  FL_STOP_CONVERGED,
  FL_STOP_MAX_ITER,
  FL_STOP_PATIENCE
} FlStop;
void fl_run_note_stop (FlRun *run, FlStop reason, size_t iterations);

/* ---- sources ----------------------------------------------------------- */

typedef struct
{
  size_t ops_size;
  /* Adds all ratings, users, items and attributes.  A synthetic source draws
   * from `seed`; others ignore it. */
  gboolean (*load) (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error);
  /* Names of the files that load will read, NULL-terminated, for the cache;
   * NULL method: none.  Where the same files may serve one use or another (to
   * train on, to test on), an empty name closes the files of each use, be there
   * none. */
  char **(*inputs) (gconstpointer self, GError **error);
  gboolean seeded; /* load depends on seed: each repeat has its own data */
} FlSourceOps;

/* ---- models ------------------------------------------------------------ */

/* User and item vectors whose inner product is the score; biases are columns
 * that face a column of ones.  Row-major with `rank` columns; either the f64
 * or the f32 pair is set. */
typedef struct
{
  uint32_t n_users, n_items;
  size_t rank;
  const double *user_f64, *item_f64;
  const float *user_f32, *item_f32;
} FlFactors;

/* Where closed-form sweeps begin. */
typedef struct
{
  const double *item_factors; /* n_items x rank of FlFactors, or NULL: random */
  const double *lambda_user;  /* n_users, or NULL: the parameter              */
  const double *lambda_item;  /* n_items, or NULL                             */
  uint64_t seed;
} FlClosedFormStart;

/* How conjugate gradients ended. */
typedef struct
{
  size_t n_iterations;
  double residual;             /* relative to that of no solution           */
  gboolean negative_curvature; /* the factors are no minimum: do not rely on it */
} FlSolution;

/* Models that alternate exact solutions: users given items, then items given
 * users. */
typedef struct
{
  size_t ops_size;
  /* Arrays in `start` and `train` are borrowed until clear or the next start. */
  gboolean (*start) (gpointer self, const FlRatings *train, const FlClosedFormStart *start,
                     GError **error);
  gboolean (*sweep) (gpointer self, GError **error);
  /* The regularised objective at the current factors. */
  double (*objective) (gconstpointer self);
  /* Sweeps until the model's own stopping rule holds. */
  gboolean (*converge) (gpointer self, FlRun *run, GError **error);
  /* Derivatives at the current factors.  Rows have the layout of FlFactors; what a
   * row does not solve for (the ones that face a bias), and rows without ratings,
   * become 0.  Both optional.
   *
   * solve_rows: `rows` of all users or all items becomes S^-1 row, where S x = b
   * are the equations of that row given the other side.  A rating r_ui that
   * changes by 1 moves the row of i, users held still, by S_i^-1 p_u. */
  gboolean (*solve_rows) (gconstpointer self, FlSide side, double *rows, GError **error);
  /* (d_user, d_item) becomes (y_user, y_item) = H^-1 (d_user, d_item), H: half the
   * Hessian of the objective, by conjugate gradients, until the residual has
   * fallen to `tolerance` of itself, n_max iterations are done, or a direction
   * of no positive curvature is met.  Where the factors are stationary and d is
   * the derivative of a loss by them, that of the loss of the converged model by
   * a rating is q_i . y_u + p_u . y_i. */
  gboolean (*solve_hessian) (gconstpointer self, double tolerance, size_t n_max, double *d_user,
                             double *d_item, FlSolution *how, GError **error);
} FlClosedFormOps;

typedef struct
{
  size_t ops_size;
  /* NULL where `gradient` is given: the host trains it. */
  gboolean (*fit) (gpointer self, const FlData *data, FlRun *run, GError **error);
  /* Optional where `factors` is given. out: n_users x n_items, row-major. */
  gboolean (*score) (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
                     const uint32_t *item, double *out, GError **error);
  /* Capabilities, NULL when absent.  Factors point into self. */
  void (*factors) (gconstpointer self, FlFactors *factors);
  const FlClosedFormOps *closed_form;
  const FlGradientOps *gradient;
} FlModelOps;

/* ---- objectives -------------------------------------------------------- */

typedef enum
{
  FL_LOWER_IS_BETTER,
  FL_HIGHER_IS_BETTER,
  FL_NO_DIRECTION
} FlDirection;

/* One number that an objective yields; ends with FL_VALUE_END.  Rows cannot
 * grow, hence `reserved`. */
typedef struct
{
  const char *name; /* metric name in tables: "rmse", "rmse-worst" */
  FlDirection direction;
  const char *unit;
  const char *doc;
  gpointer reserved[4];
} FlValue;
#define FL_VALUE_END { .name = NULL }

/* Top-K lists: the k items with the highest scores among those that the user has
 * not rated in training (nor, when lists are judged by test ratings, in
 * validation), best first, equal scores by lower index. */
typedef struct
{
  uint32_t n_users;
  size_t k;               /* longest                                          */
  const uint32_t *item;   /* n_users x k, row-major                           */
  const uint32_t *length; /* n_users: less than k where candidates run out    */
} FlLists;

typedef struct FlViewPrivate FlViewPrivate;

/* What an objective looks at: the ratings of one part of the data beside the
 * model's predictions, sorted by user, then item; and the whole model, through
 * its factors or block by block.  Indices are in range.  What a
 * mitigator added is not among the n_users and n_items, neither here nor in the
 * factors. */
typedef struct
{
  FlPart part;
  uint32_t n_users, n_items;
  size_t n;                /* ratings in the part                          */
  const uint32_t *user, *item;
  const double *rating, *predicted;
  const size_t *user_start; /* n_users + 1: entries of user u               */
  const FlGroups *user_groups, *item_groups; /* NULL when the pipeline names none */
  uint32_t n_user_groups, n_item_groups;     /* 0 then                            */
  const uint32_t *user_group, *item_group;   /* first group of each; NULL then    */
  const FlFactors *factors; /* NULL when the model has none                 */
  const FlViewPrivate *priv;
  const FlLists *lists;     /* NULL unless the objective asks for them      */
  size_t k;                 /* how much of the lists counts; 0 then         */
  const FlRatings *train;   /* what was trained on, by users and items of the view */
  const FlLists *other;     /* lists of the arm that the objective names, or NULL  */
} FlView;

/* The first k of the list of user u; *n: how many there are. */
static inline const uint32_t *
fl_list (const FlLists *lists, uint32_t u, size_t k, size_t *n)
{
  *n = lists->length[u] < k ? lists->length[u] : k;
  return lists->item + u * lists->k;
}

/* Whether user u has a rating for item i in the view: in lists, a hit. */
static inline gboolean
fl_view_has (const FlView *view, uint32_t u, uint32_t i)
{
  size_t start = view->user_start[u], end = view->user_start[u + 1];

  while (start < end)
    {
      size_t middle = start + (end - start) / 2;

      if (view->item[middle] == i)
        return TRUE;
      if (view->item[middle] < i)
        start = middle + 1;
      else
        end = middle;
    }
  return FALSE;
}

/* Scores of any users x items of the viewed model, row-major into `out`. */
gboolean fl_view_score (const FlView *view, size_t n_users, const uint32_t *user,
                        size_t n_items, const uint32_t *item, double *out, GError **error);

/* Where results go.  What is not set stays undefined: a dash in the table.
 * `value` is the index among the objective's values.  n is the number of
 * ratings (users, items) behind it; a group with n = 0 is undefined, whatever
 * the number.  A number that is not finite is an error of the run. */
typedef struct FlResult FlResult;
void fl_result_set (FlResult *result, size_t value, double number);
void fl_result_set_group (FlResult *result, size_t value, FlSide side, uint32_t group,
                          double number, size_t n);
/* With n of its own: the users, or items, that the number is over.  n = 0 is undefined,
 * also of a value that has numbers for labels alone. */
void fl_result_set_n (FlResult *result, size_t value, double number, size_t n);
/* All that there is to say of a mean over users, or items: the mean of `each`
 * (n_users or n_items, NaN: undefined, left out), over all and in each group of that
 * side, and the values themselves for the store. */
void fl_result_means (FlResult *result, size_t value, FlSide side, const double *each);
/* The value has no meaning here (the worst group where there are no groups): it is
 * left out of the table instead of being undefined. */
void fl_result_omit (FlResult *result, size_t value);
/* Per-user or per-item values for the store, n_users or n_items long, all
 * undefined (NaN) at first. */
double *fl_result_each (FlResult *result, size_t value, FlSide side);
/* For results about groups that are not the data's, as the plugin names them:
 * "users=a,items=j".  n = 0 is undefined. */
void fl_result_set_label (FlResult *result, size_t value, const char *label, double number,
                          size_t n);
/* A course over time for the store, n numbers for steps 0 to n - 1, all undefined
 * (NaN) at first; label NULL: of all. */
double *fl_result_steps (FlResult *result, size_t value, const char *label, size_t n);

typedef struct
{
  size_t ops_size;
  const FlValue *values;
  gboolean (*evaluate) (gconstpointer self, const FlView *view, FlResult *result,
                        GError **error);
  /* The loss an optimiser descends (it may be a smoothed form of the first
   * value) and its derivative by each predicted rating of the view (n, every
   * one written). */
  gboolean (*gradient) (gconstpointer self, const FlView *view, double *loss,
                        double *d_predicted, GError **error);
  /* The same by the model's factors (n_users x rank, n_items x rank; either may
   * be NULL), for losses over all users x items, which are never formed. */
  gboolean (*gradient_factors) (gconstpointer self, const FlView *view, double *loss,
                                double *d_user, double *d_item, GError **error);
  gboolean whole; /* over all users and items: belongs to no part */
  gboolean lists; /* over top-K lists: evaluated once for each K  */
  gboolean needs_user_groups; /* without them a pipeline is refused */
  gboolean needs_item_groups;
  /* Learns from the ratings that it is shown: a pipeline that shows it any others than
   * those for validation is refused. */
  gboolean needs_validation;
  /* Whether it is so, with these parameters, that it is over lists, as `lists` says.
   * NULL: always. */
  gboolean (*needs_lists) (gconstpointer self);
} FlObjectiveOps;

/* Host services for mitigators: a view of the training or validation part of
 * `data` under a fitted model, its predictions brought up to date by
 * fl_view_update.  `data` and `model` must outlive it. */
FlView *fl_view_new (const FlData *data, FlPart part, const FlInstance *model, GError **error);
/* Makes the view's lists, of up to k items, under the model as it is now. */
gboolean fl_view_lists (FlView *view, size_t k, GError **error);
gboolean fl_view_update (FlView *view, GError **error);
void fl_view_free (FlView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlView, fl_view_free)

/* The objective's gradient by factors, from whichever of its two gradients it
 * has. */
gboolean fl_objective_gradient_factors (const FlInstance *objective, const FlView *view,
                                        double *loss, double *d_user, double *d_item,
                                        GError **error);

/* ---- mitigators -------------------------------------------------------- */

typedef enum
{
  FL_MODEL_FACTORS = 1 << 0,
  FL_MODEL_CLOSED_FORM = 1 << 1,
  FL_MODEL_GRADIENT = 1 << 2
} FlCapability;

struct FlStage
{
  const FlData *data;
  FlInstance *model; /* augment: as configured, for trial fits; train: to be fitted;
                        project: fitted                                              */
  FlRun *run;
};

/* One round of a closed loop. */
typedef struct
{
  uint32_t round;          /* from 0                                            */
  uint64_t seed;           /* of this round                                     */
  const FlData *data;      /* train: what is known before the response          */
  const FlRatings *hidden; /* ratings that tell the users' fit and nobody trains on */
  const FlLists *lists;    /* what each user is recommended                     */
  uint8_t *consumed;       /* n_users x k: to be 1 where the user takes the item ... */
  double *rating;          /* ... with the rating that is known from then on     */
  uint8_t *gone;           /* n_items: to be 1 where a provider leaves; stays   */
} FlRound;

/* A mitigator implements one stage or several; the host calls them in this
 * order: augment, train, project. */
typedef struct
{
  size_t ops_size;
  unsigned model_needs;       /* FlCapability, or-ed                        */
  gboolean needs_validation;  /* selects on the validation part             */
  gboolean needs_user_groups;
  gboolean needs_item_groups;
  /* Ratings to train on instead of data->train; users and items may be added at
   * their ends.  The caller owns the result. */
  FlRatings *(*augment) (gpointer self, const FlStage *stage, GError **error);
  /* Takes over the training of stage->model. */
  gboolean (*train) (gpointer self, const FlStage *stage, GError **error);
  /* After augment: item factors (n_items x rank of FlFactors) at which a closed-form
   * model is to begin on the augmented ratings, or NULL: at its own start.  Of
   * several mitigators the last that augments counts; one that takes over
   * training decides for itself. */
  const double *(*start_factors) (gconstpointer self);
  /* What comes of it in the long run, in `values`, which are named as an
   * objective's.  stage->data and stage->model are NULL in a pipeline without
   * [data]; only mitigators that are `alone` may stand in one. */
  gboolean (*project) (gpointer self, const FlStage *stage, FlResult *result, GError **error);
  const FlValue *values;
  gboolean alone;
  /* Whether it is so, with these parameters, that it needs the groups of a side that
   * it says it needs.  NULL: always. */
  gboolean (*needs_groups) (gconstpointer self, FlSide side);
  /* What these data make impossible (more users to add than there are), before any
   * work; a message begins with the parameter's name.  Optional. */
  gboolean (*check_data) (gconstpointer self, const FlData *data, GError **error);
  /* How users respond to what they are recommended, for closed loops: the response
   * that [rounds] names, and no mitigator of an arm.  Keeps in self what lasts from
   * round to round; round 0 comes first.  What it sets in `values` becomes a course
   * over the rounds. */
  gboolean (*respond) (gpointer self, const FlRound *round, FlResult *result, GError **error);
} FlMitigatorOps;

/* ---- registration ------------------------------------------------------ */

#define FL_SOURCE(...) FL_OPS_ (SOURCE, FlSourceOps, __VA_ARGS__)
#define FL_MODEL(...) FL_OPS_ (MODEL, FlModelOps, __VA_ARGS__)
#define FL_OBJECTIVE(...) FL_OPS_ (OBJECTIVE, FlObjectiveOps, __VA_ARGS__)
#define FL_MITIGATOR(...) FL_OPS_ (MITIGATOR, FlMitigatorOps, __VA_ARGS__)
#define FL_OPS_(kind_, Type, ...) \
  .kind = FL_KIND_##kind_, .ops = &(const Type) { .ops_size = sizeof (Type), __VA_ARGS__ }
#define FL_CLOSED_FORM(...) \
  .closed_form = &(const FlClosedFormOps) { .ops_size = sizeof (FlClosedFormOps), __VA_ARGS__ }

#define FL_GRADIENT(...) \
  .gradient = &(const FlGradientOps) { .ops_size = sizeof (FlGradientOps), __VA_ARGS__ }

/* A descriptor's initialiser, for families: static const FlPlugin x = FL_DESCRIPTOR (...). */
#define FL_DESCRIPTOR(...) \
  { .struct_size = sizeof (FlPlugin), .api_version = FL_API_VERSION, __VA_ARGS__ }

/* FL_PLUGINS (&one, &other); at the end of the file. */
#define FL_PLUGINS(...) \
  const FlPlugin *const *fairlead_plugins (void) \
  { \
    static const FlPlugin *const fl_list_[] = { __VA_ARGS__, NULL }; \
    return fl_list_; \
  } \
  const FlPlugin *const *fairlead_plugins (void)

/* FL_PLUGIN (.name = ..., FL_OBJECTIVE (...)); at the end of the file. */
#define FL_PLUGIN(...) \
  static const FlPlugin fl_plugin_ = FL_DESCRIPTOR (__VA_ARGS__); \
  FL_PLUGINS (&fl_plugin_)

/* The one symbol of a plugin. */
const FlPlugin *const *fairlead_plugins (void);

FL_END_DECLS

#endif
