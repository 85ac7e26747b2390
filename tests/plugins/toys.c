/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* toys: one family of small plugins of every kind, for tests of pipelines.  Any
 * rating is predicted to be 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <fairlead/plugin.h>

/* ---- source ------------------------------------------------------------- */

typedef struct
{
  char *path;
  int64_t n;
} ToyData;

static const FlParam data_params[] = {
  FL_PATH (ToyData, path, "", "not read"),
  FL_INT (ToyData, n, 3, 1, 100, "users", "how many users rate how many items"),
  FL_PARAM_END
};

static gboolean
toy_data_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const ToyData *data = self;

  (void) seed;
  for (int64_t u = 0; u < data->n; u++)
    for (int64_t i = 0; i < data->n; i++)
      {
        g_autofree char *user = g_strdup_printf ("%" G_GINT64_FORMAT, u);
        g_autofree char *item = g_strdup_printf ("%" G_GINT64_FORMAT, i);

        if (!fl_builder_rating (builder, fl_span (user), fl_span (item), (double) (u * i % 5),
                                FL_NO_TIME, error))
          return FALSE;
      }
  return TRUE;
}

static const FlPlugin toy_data
    = FL_DESCRIPTOR (.name = "toy-data", .summary = "a small grid of ratings",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = data_params, .self_size = sizeof (ToyData),
                     FL_SOURCE (.load = toy_data_load));

static const FlPlugin toy_draw
    = FL_DESCRIPTOR (.name = "toy-draw", .summary = "the same grid, as if it were drawn",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = data_params, .self_size = sizeof (ToyData),
                     FL_SOURCE (.load = toy_data_load, .seeded = TRUE));

/* ---- models ------------------------------------------------------------- */

typedef struct
{
  int64_t rank;
  double lambda;
  int precision;
  uint32_t n_users, n_items;
  double *ones;
} ToyModel;

static const FlParam model_params[] = {
  FL_INT (ToyModel, rank, 2, 1, 64, NULL, "length of the vectors"),
  FL_DOUBLE (ToyModel, lambda, 0.1, 0, 1e6, NULL, "changes nothing"),
  FL_CHOICE (ToyModel, precision, 0, "double|single", "changes nothing"),
  FL_PARAM_END
};

/* An axis of lambda is not about all models. */
static const FlParam scores_params[] = {
  FL_INT (ToyModel, rank, 2, 1, 64, NULL, "length of the vectors"),
  FL_PARAM_END
};

static gboolean
toy_model_fit (gpointer self, const FlData *data, FlRun *run, GError **error)
{
  ToyModel *model = self;
  size_t n = MAX (data->train->n_users, data->train->n_items);

  (void) run;
  g_free (model->ones);
  model->n_users = data->train->n_users;
  model->n_items = data->train->n_items;
  model->ones = fl_alloc (n * (size_t) model->rank, sizeof (double), error);
  if (model->ones == NULL)
    return FALSE;
  for (size_t e = 0; e < n; e++)
    model->ones[e * (size_t) model->rank] = 1;
  return TRUE;
}

static gboolean
toy_model_score (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
                 const uint32_t *item, double *out, GError **error)
{
  (void) self;
  (void) user;
  (void) item;
  (void) error;
  for (size_t k = 0; k < n_users * n_items; k++)
    out[k] = 1;
  return TRUE;
}

static void
toy_model_factors (gconstpointer self, FlFactors *factors)
{
  const ToyModel *model = self;

  factors->n_users = model->n_users;
  factors->n_items = model->n_items;
  factors->rank = (size_t) model->rank;
  factors->user_f64 = factors->item_f64 = model->ones;
}

static gboolean
toy_predicts_ratings (gconstpointer self)
{
  (void) self;
  return TRUE;
}

static void
toy_model_clear (gpointer self)
{
  ToyModel *model = self;

  g_clear_pointer (&model->ones, g_free);
}

static const FlPlugin toy_factors
    = FL_DESCRIPTOR (.name = "toy-factors", .summary = "predicts 1 from vectors",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = model_params, .self_size = sizeof (ToyModel),
                     .clear = toy_model_clear,
                     FL_MODEL (.fit = toy_model_fit, .factors = toy_model_factors,
                               .predicts_ratings = toy_predicts_ratings));

static const FlPlugin toy_scores
    = FL_DESCRIPTOR (.name = "toy-scores", .summary = "predicts 1",
                     .reference = "none", .licence = "LGPL-3.0-or-later", .version = "2",
                     .params = scores_params, .self_size = sizeof (ToyModel),
                     .clear = toy_model_clear,
                     FL_MODEL (.fit = toy_model_fit, .score = toy_model_score,
                               .predicts_ratings = toy_predicts_ratings));

/* ---- objectives --------------------------------------------------------- */

typedef struct
{
  double power;
  FlDoubles weights;
  FlInstance *other; /* a further objective, for chains */
} ToyObjective;

static const FlParam objective_params[] = {
  FL_DOUBLE (ToyObjective, power, 2, 1, 4, NULL, "returned"),
  FL_DOUBLES (ToyObjective, weights, "1; 2.50", 0, 10, NULL, "changes nothing"),
  FL_PLUGIN_PARAM (ToyObjective, other, FL_KIND_OBJECTIVE, "", "changes nothing"),
  FL_PARAM_END
};

static const FlValue objective_values[] = { { .name = "toy-error" }, FL_VALUE_END };
static const FlValue whole_values[] = { { .name = "toy-whole" }, FL_VALUE_END };

static gboolean
toy_objective_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  (void) view;
  (void) error;
  fl_result_set (result, 0, ((const ToyObjective *) self)->power);
  return TRUE;
}

static const FlPlugin toy_error
    = FL_DESCRIPTOR (.name = "toy-error", .summary = "yields its power",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = objective_params, .self_size = sizeof (ToyObjective),
                     FL_OBJECTIVE (.values = objective_values,
                                   .evaluate = toy_objective_evaluate));

static const FlPlugin toy_whole
    = FL_DESCRIPTOR (.name = "toy-whole", .summary = "yields its power, of no part",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = objective_params, .self_size = sizeof (ToyObjective),
                     FL_OBJECTIVE (.values = whole_values, .evaluate = toy_objective_evaluate,
                                   .whole = TRUE));

static const FlPlugin toy_grouped
    = FL_DESCRIPTOR (.name = "toy-grouped", .summary = "yields its power, of groups alone",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = objective_params, .self_size = sizeof (ToyObjective),
                     .needs = FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS,
                     FL_OBJECTIVE (.values = objective_values,
                                   .evaluate = toy_objective_evaluate));

/* ---- objectives over lists ---------------------------------------------- */

typedef struct
{
  char *against;
} ToyChange;

static const FlParam change_params[] = {
  FL_ARM (ToyChange, against, "the arm to compare with"),
  FL_PARAM_END
};

static const FlValue length_values[] = { { .name = "toy-length" }, FL_VALUE_END };
static const FlValue change_values[] = { { .name = "toy-change" }, FL_VALUE_END };

/* How many items each user's list has. */
static gboolean
toy_length_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  g_autofree double *each = fl_alloc (view->n_users, sizeof *each, error);

  (void) self;
  if (each == NULL)
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      size_t n = 0;

      fl_list (view->lists, u, view->k, &n);
      each[u] = (double) n;
    }
  fl_result_means (result, 0, FL_SIDE_USER, each);
  return TRUE;
}

/* The share of places where the other arm has another item. */
static gboolean
toy_change_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  size_t n = 0, n_changed = 0;

  (void) self;
  (void) error;
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      size_t length = 0, n_other = 0;
      const uint32_t *list = fl_list (view->lists, u, view->k, &length);
      const uint32_t *other = fl_list (view->other, u, view->k, &n_other);

      for (size_t place = 0; place < length; place++)
        n_changed += place >= n_other || list[place] != other[place];
      n += length;
    }
  fl_result_set_n (result, 0, (double) n_changed / (double) n, n);
  return TRUE;
}

static const FlPlugin toy_length
    = FL_DESCRIPTOR (.name = "toy-length", .summary = "length of the lists",
                     .reference = "none", .licence = "LGPL-3.0-or-later", .self_size = 1,
                     .needs = FL_NEEDS_LISTS,
                     FL_OBJECTIVE (.values = length_values, .evaluate = toy_length_evaluate));

static const FlPlugin toy_change
    = FL_DESCRIPTOR (.name = "toy-change", .summary = "other items than those of an arm",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = change_params, .self_size = sizeof (ToyChange),
                     .needs = FL_NEEDS_LISTS,
                     FL_OBJECTIVE (.values = change_values, .evaluate = toy_change_evaluate));

/* ---- objectives that ask others ------------------------------------------ */

typedef struct
{
  FlInstance *measure;
} ToyGini;

static const FlParam gini_params[] = {
  FL_PLUGIN_PARAM (ToyGini, measure, FL_KIND_OBJECTIVE, NULL, "of which each user has a number"),
  FL_PARAM_END
};

static const FlValue gini_values[] = { { .name = "toy-gini" }, FL_VALUE_END };
static const FlValue deaf_values[] = { { .name = "toy-deaf" }, FL_VALUE_END };

static int
ascending (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* sum_r (2 r - n - 1) x_(r) / (n sum x) of what is defined. */
static gboolean
toy_gini_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  const ToyGini *gini = self;
  g_autofree double *each = fl_alloc (view->n_users, sizeof *each, error);
  double above = 0, sum = 0;
  size_t n = 0;

  if (each == NULL || !fl_objective_each (gini->measure, view, 0, FL_SIDE_USER, each, error))
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    if (!isnan (each[u]))
      each[n++] = each[u];
  qsort (each, n, sizeof *each, ascending);
  for (size_t r = 1; r <= n; r++)
    {
      above += (2 * (double) r - (double) n - 1) * each[r - 1];
      sum += each[r - 1];
    }
  if (sum > 0)
    fl_result_set_n (result, 0, above / ((double) n * sum), n);
  return TRUE;
}

static unsigned
toy_gini_needs (gconstpointer self)
{
  return fl_instance_needs (((const ToyGini *) self)->measure);
}

static const FlPlugin toy_gini
    = FL_DESCRIPTOR (.name = "toy-gini", .summary = "how unequal a measure's users are",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = gini_params, .self_size = sizeof (ToyGini),
                     .needs = FL_NEEDS_LISTS | FL_NEEDS_VALIDATION, .needs_now = toy_gini_needs,
                     FL_OBJECTIVE (.values = gini_values, .evaluate = toy_gini_evaluate));

static const FlPlugin toy_deaf
    = FL_DESCRIPTOR (.name = "toy-deaf", .summary = "the same, and knows nothing of lists",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = gini_params, .self_size = sizeof (ToyGini),
                     FL_OBJECTIVE (.values = deaf_values, .evaluate = toy_gini_evaluate));

/* ---- mitigators --------------------------------------------------------- */

typedef struct
{
  double budget;
  int64_t low, high;
  gboolean loud;
  FlInstance *objective;
} ToyMitigator;

static const FlParam mitigator_params[] = {
  FL_DOUBLE (ToyMitigator, budget, 0.01, 0, 1, "share", "changes nothing"),
  FL_INT (ToyMitigator, low, 1, 0, 9, NULL, "at most high"),
  FL_INT (ToyMitigator, high, 5, 0, 9, NULL, "at least low"),
  FL_BOOL (ToyMitigator, loud, FALSE, "adds two users who rate everything 0"),
  FL_PLUGIN_PARAM (ToyMitigator, objective, FL_KIND_OBJECTIVE, "toy-error", "changes nothing"),
  FL_PARAM_END
};

static gboolean
toy_mitigator_check (gconstpointer self, GError **error)
{
  const ToyMitigator *toy = self;

  if (toy->low > toy->high)
    return fl_fail (error, FL_ERROR_CONFIG, "low is %d, above high, which is %d", (int) toy->low,
                    (int) toy->high);
  return TRUE;
}

static FlRatings *
toy_mitigator_augment (gpointer self, const FlStage *stage, GError **error)
{
  const ToyMitigator *toy = self;
  uint32_t n_items = stage->data->train->n_items, n_users = toy->loud ? 2 : 0;
  g_autofree double *rows = g_new0 (double, n_users * n_items + 1);

  return fl_ratings_append (stage->data->train, FL_SIDE_USER, n_users, rows, error);
}

static gboolean
toy_mitigator_train (gpointer self, const FlStage *stage, GError **error)
{
  (void) self;
  return fl_model_fit (stage->model, stage->data, stage->run, error);
}

/* ---- one whose trainings can be counted ---------------------------------- */

typedef struct
{
  char *path;
  int trouble;
} ToyCount;

enum
{
  COUNT_NONE,
  COUNT_CRASH,
  COUNT_FAIL
};

static const FlParam count_params[] = {
  FL_PATH (ToyCount, path, "", "a line is added to it for each training"),
  FL_CHOICE (ToyCount, trouble, COUNT_NONE, "none|crash|fail", "what goes wrong"),
  FL_PARAM_END
};

static gboolean
toy_count_train (gpointer self, const FlStage *stage, GError **error)
{
  const ToyCount *toy = self;
  FILE *file = *toy->path != '\0' ? fopen (toy->path, "a") : NULL;

  if (file != NULL)
    {
      fprintf (file, "trained\n");
      fclose (file);
    }
  if (toy->trouble == COUNT_CRASH)
    abort ();
  if (toy->trouble == COUNT_FAIL)
    return fl_fail (error, FL_ERROR_NUMERIC, "the toy fails to train");
  return fl_model_fit (stage->model, stage->data, stage->run, error);
}

static const FlPlugin toy_add
    = FL_DESCRIPTOR (.name = "toy-add", .summary = "adds nobody to the data, or two users",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = mitigator_params, .self_size = sizeof (ToyMitigator),
                     .check = toy_mitigator_check,
                     .needs = FL_NEEDS_FACTORS,
                     FL_MITIGATOR (FL_AUGMENT (.augment = toy_mitigator_augment)));

static const FlPlugin toy_train
    = FL_DESCRIPTOR (.name = "toy-train", .summary = "trains as the model does",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .self_size = 1,
                     FL_MITIGATOR (FL_TRAIN (.train = toy_mitigator_train)));

static const FlPlugin toy_careful
    = FL_DESCRIPTOR (.name = "toy-careful", .summary = "needs all that can be needed",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .self_size = 1,
                     .needs = FL_NEEDS_VALIDATION | FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS,
                     FL_MITIGATOR (FL_TRAIN (.train = toy_mitigator_train)));

static const FlPlugin toy_closed
    = FL_DESCRIPTOR (.name = "toy-closed", .summary = "needs what no toy has",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .self_size = 1,
                     .needs = FL_NEEDS_FACTORS | FL_NEEDS_CLOSED_FORM | FL_NEEDS_SWEEP_BACK,
                     FL_MITIGATOR (FL_TRAIN (.train = toy_mitigator_train)));

static const FlPlugin toy_count
    = FL_DESCRIPTOR (.name = "toy-count", .summary = "trains as the model does, and counts",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = count_params, .self_size = sizeof (ToyCount),
                     FL_MITIGATOR (FL_TRAIN (.train = toy_count_train)));

/* ---- re-ranking ----------------------------------------------------------- */

typedef struct
{
  int how;
  int64_t depth, budget;
  double weight, pause;
} ToyRerank;

enum
{
  KEEP,
  REVERSE,
  BUDGET,
  HALVE,
  /* Mistakes: */
  REPEAT,
  SEEN,
  RANGE,
  STRANGER,
  LONG,
  BLANK,
  SILENT,
  REFIT,
  CRASH
};

static const FlParam rerank_params[] = {
  FL_CHOICE (ToyRerank, how, KEEP,
             "keep|reverse|budget|halve|repeat|seen|range|stranger|long|blank|silent|refit|crash",
             "what becomes of the candidates"),
  FL_INT (ToyRerank, depth, 0, 0, 100000, "items", "candidates beyond the wanted"),
  FL_INT (ToyRerank, budget, 5, 1, 100000, "users", "who may get an item, first come, first served"),
  FL_DOUBLE (ToyRerank, weight, 0, 0, 1, NULL, "changes nothing"),
  FL_DOUBLE (ToyRerank, pause, 0, 0, 10, "seconds", "sleeps that long"),
  FL_PARAM_END
};

static size_t
toy_rerank_candidates (gconstpointer self, size_t k, uint32_t n_items)
{
  (void) n_items;
  return k + (size_t) ((const ToyRerank *) self)->depth;
}

/* The best of those with something left of their budget. */
static void
spend (const FlReranking *r, uint32_t u, int64_t budget, uint32_t *spent)
{
  uint32_t n = 0;

  for (uint32_t c = 0; c < r->n_candidates[u] && n < r->length[u]; c++)
    {
      uint32_t i = r->item[u * r->n + c];

      if (spent[i] >= budget)
        continue;
      spent[i]++;
      r->list[u * r->k + n++] = i;
    }
  r->length[u] = n;
}

static void
make_mistake (const FlReranking *r, uint32_t u, int how)
{
  const FlCsr *seen = &r->view->train->by_user;
  uint32_t *list = r->list + u * r->k;

  if (r->length[u] < 2)
    return;
  if (how == REPEAT)
    list[1] = list[0];
  else if (how == SEEN && seen->start[u] < seen->start[u + 1])
    list[1] = seen->col[seen->start[u]];
  else if (how == RANGE)
    list[1] = r->view->n_items;
  else if (how == STRANGER)
    for (uint32_t i = 0; i < r->view->n_items; i++)
      {
        gboolean is_candidate = fl_csr_has (seen, u, i);

        for (uint32_t c = 0; c < r->n_candidates[u]; c++)
          is_candidate = is_candidate || r->item[u * r->n + c] == i;
        if (!is_candidate)
          list[1] = i;
      }
  else if (how == LONG)
    r->length[u]++;
}

static gboolean
toy_rerank (gpointer self, const FlStage *stage, FlReranking *r, GError **error)
{
  const ToyRerank *toy = self;
  g_autofree uint32_t *spent = fl_alloc (r->view->n_items, sizeof *spent, error);

  if (toy->pause > 0)
    g_usleep ((gulong) (toy->pause * 1e6));
  if (toy->how == CRASH)
    abort ();
  if (toy->how == REFIT)
    return fl_model_fit (stage->model, stage->data, stage->run, error);
  if (toy->how == SILENT || spent == NULL)
    return FALSE;
  for (uint32_t a = 0; a < r->n_users; a++)
    {
      uint32_t u = r->arrival[a];

      if (toy->how == HALVE)
        r->length[u] /= 2;
      if (toy->how == BUDGET)
        spend (r, u, toy->budget, spent);
      for (uint32_t l = 0; toy->how != BUDGET && toy->how != BLANK && l < r->length[u]; l++)
        r->list[u * r->k + l]
            = r->item[u * r->n + (toy->how == REVERSE ? r->n_candidates[u] - 1 - l : l)];
      make_mistake (r, u, toy->how);
    }
  return TRUE;
}

static const FlPlugin toy_reranker
    = FL_DESCRIPTOR (.name = "toy-rerank", .summary = "re-ranks, or makes a mistake",
                     .reference = "none", .licence = "LGPL-3.0-or-later",
                     .params = rerank_params, .self_size = sizeof (ToyRerank),
                     FL_MITIGATOR (FL_RERANK (.candidates = toy_rerank_candidates,
                                              .rerank = toy_rerank)));

FL_PLUGINS (&toy_data, &toy_draw, &toy_factors, &toy_scores, &toy_error, &toy_whole, &toy_grouped,
            &toy_length, &toy_change, &toy_gini, &toy_deaf, &toy_add, &toy_train, &toy_careful,
            &toy_closed, &toy_count, &toy_reranker);
