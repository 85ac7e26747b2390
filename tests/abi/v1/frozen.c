/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Plugins of each kind against the headers of interface 1, touching every structure
 * and every type of parameter; behind structures that the host reads stand numbers of
 * their own, which it must not take for fields of a later header.  Neither these plugins
 * nor the headers may change. */
#include <math.h>
#include <string.h>

#include <fairlead/plugin.h>

/* ---- source: two users, two items, three ratings ------------------------- */

static gboolean
frozen_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  (void) self;
  fl_builder_scale (builder, 1, 5);
  fl_builder_attribute (builder, FL_SIDE_USER, fl_span ("1"), "colour", fl_span ("red"));
  fl_builder_attribute (builder, FL_SIDE_ITEM, fl_span ("3"), "kind", fl_span ("unrated"));
  return fl_builder_rating (builder, fl_span ("1"), fl_span ("1"), 1 + (double) (seed % 4),
                            FL_NO_TIME, error)
         && fl_builder_rating (builder, fl_span ("1"), fl_span ("2"), 3, FL_NO_TIME, error)
         && fl_builder_rating (builder, fl_span ("2"), fl_span ("1"), 5, FL_NO_TIME, error);
}

static const FlPlugin source = FL_DESCRIPTOR (
  .name = "frozen-source", .summary = "three ratings", .self_size = 1,
  FL_SOURCE (.load = frozen_load, .seeded = TRUE));

/* ---- model: the mean rating ---------------------------------------------- */

typedef struct
{
  double shift;
  double *user, *item; /* rank 1: mean x 1 */
  uint32_t n_users, n_items;
  uint64_t seed;
} Mean;

static const FlParam model_params[] = {
  FL_DOUBLE (Mean, shift, 0.25, -1, 1, "rating points", "added to the mean"),
  FL_PARAM_END
};

static void
frozen_clear (gpointer self)
{
  Mean *mean = self;

  g_clear_pointer (&mean->user, g_free);
  g_clear_pointer (&mean->item, g_free);
}

static gboolean
frozen_start (gpointer self, const FlRatings *train, const FlClosedFormStart *start,
              GError **error)
{
  Mean *mean = self;
  double sum = 0;

  frozen_clear (self);
  mean->seed = start->seed;
  mean->n_users = train->n_users;
  mean->n_items = train->n_items;
  mean->user = fl_alloc (train->n_users, sizeof (double), error);
  mean->item = mean->user != NULL ? fl_alloc (train->n_items, sizeof (double), error) : NULL;
  if (mean->item == NULL)
    return FALSE;
  for (size_t k = 0; k < train->n; k++)
    sum += fl_csr_value (&train->by_user, k);
  for (uint32_t u = 0; u < mean->n_users; u++)
    mean->user[u] = (train->n > 0 ? sum / (double) train->n : 0) + mean->shift;
  for (uint32_t i = 0; i < mean->n_items; i++)
    mean->item[i] = 1;
  return TRUE;
}

static gboolean
frozen_sweep (gpointer self, GError **error)
{
  (void) self;
  (void) error;
  return TRUE;
}

static double
frozen_objective (gconstpointer self)
{
  return ((const Mean *) self)->shift;
}

static gboolean
frozen_converge (gpointer self, FlRun *run, GError **error)
{
  fl_run_progress (run, 1, 1, "mean");
  fl_run_note (run, "sweeps", 1);
  fl_run_note_stop (run, FL_STOP_CONVERGED, 1);
  return frozen_sweep (self, error);
}

static gboolean
frozen_fit (gpointer self, const FlData *data, FlRun *run, GError **error)
{
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = fl_run_seed (run));

  return frozen_start (self, data->train, &start, error) && frozen_converge (self, run, error);
}

static void
frozen_factors (gconstpointer self, FlFactors *factors)
{
  const Mean *mean = self;

  factors->n_users = mean->n_users;
  factors->n_items = mean->n_items;
  factors->rank = 1;
  factors->user_f64 = mean->user;
  factors->item_f64 = mean->item;
}

static const FlPlugin model = FL_DESCRIPTOR (
  .name = "frozen-model", .summary = "the mean rating", .params = model_params,
  .self_size = sizeof (Mean), .clear = frozen_clear,
  FL_MODEL (.fit = frozen_fit, .factors = frozen_factors,
            FL_CLOSED_FORM (.start = frozen_start, .sweep = frozen_sweep,
                            .objective = frozen_objective, .converge = frozen_converge)));

/* ---- objective: a sum over everything it was given ------------------------ */

typedef struct
{
  double real;
  int64_t whole;
  gboolean truth;
  int word;
  char *text, *path;
  FlDoubles reals;
  FlInts wholes;
} Sum;

static const FlParam sum_params[] = {
  FL_DOUBLE (Sum, real, 0.5, 0, 1, NULL, "a number"),
  FL_INT (Sum, whole, 1, 0, 10, NULL, "a whole number"),
  FL_BOOL (Sum, truth, 1, "a switch"),
  FL_CHOICE (Sum, word, 2, "none|one|two", "a word"),
  FL_STRING (Sum, text, "four", "its length counts"),
  FL_PATH (Sum, path, "/five", "its length counts"),
  FL_DOUBLES (Sum, reals, "1.5; 2.5", 0, 9, NULL, "numbers"),
  FL_INTS (Sum, wholes, "3; 4", 0, 9, NULL, "whole numbers"),
  FL_PARAM_END
};

static const FlValue sum_values[] = {
  { .name = "sum", .direction = FL_NO_DIRECTION, .unit = "points", .doc = "of all parameters" },
  { .name = "seen", .direction = FL_HIGHER_IS_BETTER, .doc = "ratings in the view" },
  { .name = "unset", .direction = FL_LOWER_IS_BETTER },
  FL_VALUE_END
};

static gboolean
frozen_check (gconstpointer self, GError **error)
{
  const Sum *sum = self;

  if (sum->whole == 7)
    return fl_fail (error, FL_ERROR_CONFIG, "whole must not be 7");
  return TRUE;
}

static gboolean
frozen_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  const Sum *sum = self;
  double total = sum->real + (double) sum->whole + (double) sum->truth + sum->word
                 + (double) (strlen (sum->text) + strlen (sum->path));
  double *each = fl_result_each (result, 1, FL_SIDE_USER);

  (void) error;
  for (size_t k = 0; k < sum->reals.n; k++)
    total += sum->reals.v[k];
  for (size_t k = 0; k < sum->wholes.n; k++)
    total += (double) sum->wholes.v[k];
  fl_result_set (result, 0, total);
  fl_result_set (result, 1, (double) view->n);
  for (uint32_t u = 0; u < view->n_users; u++)
    each[u] = (double) (view->user_start[u + 1] - view->user_start[u]);
  for (uint32_t g = 0; g < view->n_user_groups; g++)
    fl_result_set_group (result, 1, FL_SIDE_USER, g, 1, 1);
  return TRUE;
}

static gboolean
frozen_gradient (gconstpointer self, const FlView *view, double *loss, double *d_predicted,
                 GError **error)
{
  (void) self;
  (void) error;
  *loss = 0;
  for (size_t k = 0; k < view->n; k++)
    {
      d_predicted[k] = 1;
      *loss += view->predicted[k];
    }
  return TRUE;
}

static const FlPlugin objective = FL_DESCRIPTOR (
  .name = "frozen-objective", .summary = "adds up what it is given", .version = "1",
  .params = sum_params, .self_size = sizeof (Sum), .check = frozen_check,
  FL_OBJECTIVE (.values = sum_values, .evaluate = frozen_evaluate,
                .gradient = frozen_gradient));

/* ---- mitigator: one more user ---------------------------------------------- */

typedef struct
{
  FlInstance *objective;
} OneMore;

static const FlParam one_more_params[] = {
  FL_PLUGIN_PARAM (OneMore, objective, FL_KIND_OBJECTIVE, "frozen-objective", "goes along"),
  FL_PARAM_END
};

static FlRatings *
frozen_augment (gpointer self, const FlStage *stage, GError **error)
{
  const OneMore *more = self;
  const FlRatings *train = stage->data->train;
  g_autofree double *row = g_new (double, train->n_items);
  FlRng rng = fl_rng (fl_run_seed (stage->run), "frozen", 0);

  if (strcmp (fl_instance_name (more->objective), "frozen-objective") != 0)
    {
      fl_fail (error, FL_ERROR_CONFIG, "wants another objective");
      return NULL;
    }
  for (uint32_t i = 0; i < train->n_items; i++)
    row[i] = 1 + floor (4 * fl_rng_uniform (&rng));
  return fl_ratings_append (train, FL_SIDE_USER, 1, row, error);
}

static const FlPlugin mitigator = FL_DESCRIPTOR (
  .name = "frozen-mitigator", .summary = "adds one user", .params = one_more_params,
  .self_size = sizeof (OneMore),
  .needs = FL_NEEDS_FACTORS | FL_NEEDS_CLOSED_FORM,
  FL_MITIGATOR (FL_AUGMENT (.augment = frozen_augment)));

/* ---- model trained by gradients: one number a user, one an item ------------- */

typedef struct
{
  FlTrainingSettings training;
  double behind[8]; /* of its own: no setting */
  FlBlock block[2];
} Learner;

static const FlParam learner_params[] = {
  FL_TRAINING_PARAMS (Learner, training),
  FL_PARAM_END
};

static const FlTrainingSettings *
learner_settings (gconstpointer self)
{
  return &((const Learner *) self)->training;
}

static void
learner_clear (gpointer self)
{
  Learner *learner = self;

  g_clear_pointer (&learner->block[0].f32, g_free);
  g_clear_pointer (&learner->block[1].f32, g_free);
}

static gboolean
learner_start (gpointer self, const FlRatings *train, uint64_t seed, GError **error)
{
  Learner *learner = self;

  (void) seed;
  learner_clear (self);
  for (size_t k = 0; k < 8; k++)
    learner->behind[k] = 1e9;
  learner->block[0] = (FlBlock) { .name = "user", .n_rows = train->n_users, .n_cols = 1 };
  learner->block[1] = (FlBlock) { .name = "item", .n_rows = train->n_items, .n_cols = 1 };
  for (size_t b = 0; b < 2; b++)
    {
      learner->block[b].f32 = fl_alloc (learner->block[b].n_rows, sizeof (float), error);
      if (learner->block[b].f32 == NULL)
        return FALSE;
      for (uint32_t r = 0; r < learner->block[b].n_rows; r++)
        learner->block[b].f32[r] = 1;
    }
  return TRUE;
}

static size_t
learner_blocks (gpointer self, const FlBlock **blocks)
{
  *blocks = ((Learner *) self)->block;
  return 2;
}

static gboolean
learner_scores (gpointer self, const FlBatch *batch, double *score, GError **error)
{
  const Learner *learner = self;

  (void) error;
  for (size_t k = 0; k < batch->n * batch->width; k++)
    score[k] = learner->block[0].f32[batch->user[k / batch->width]]
               * learner->block[1].f32[batch->item[k]];
  return TRUE;
}

static gboolean
learner_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
                  FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  const Learner *learner = self;

  (void) l2;
  (void) d_delta;
  (void) error;
  for (size_t k = 0; k < batch->n * batch->width; k++)
    {
      uint32_t u = batch->user[k / batch->width], i = batch->item[k];

      *fl_gradient_row (&gradient->block[0], u)
          += (float) d_score[k] * learner->block[1].f32[i];
      *fl_gradient_row (&gradient->block[1], i)
          += (float) d_score[k] * learner->block[0].f32[u];
    }
  return TRUE;
}

static void
learner_factors (gconstpointer self, FlFactors *factors)
{
  const Learner *learner = self;

  factors->n_users = learner->block[0].n_rows;
  factors->n_items = learner->block[1].n_rows;
  factors->rank = 1;
  factors->user_f32 = learner->block[0].f32;
  factors->item_f32 = learner->block[1].f32;
}

static const FlPlugin learner = FL_DESCRIPTOR (
  .name = "frozen-learner", .summary = "one number a user, one an item",
  .params = learner_params, .self_size = sizeof (Learner), .clear = learner_clear,
  FL_MODEL (.factors = learner_factors,
            FL_GRADIENT (.settings = learner_settings, .start = learner_start,
                         .blocks = learner_blocks, .scores = learner_scores,
                         .backward = learner_backward)));

/* ---- mitigator that trains: one step on one entry of its own ----------------- */

/* What the host reads, with other numbers behind. */
typedef struct
{
  FlData data;
  double behind_data[8];
  FlStage stage;
  double behind_stage[8];
  FlTrainingSettings settings;
  double behind_settings[8];
  FlBatch batch;
  double behind_batch[8];
} Handed;

static gboolean
trainer_train (gpointer self, const FlStage *stage, GError **error)
{
  static const uint32_t user[] = { 0 }, item[] = { 0 };
  static const double label[] = { 3 };
  g_autofree Handed *handed = g_new (Handed, 1);
  g_autoptr (FlTraining) training = NULL;
  double score, d_score, loss;

  (void) self;
  memset (handed, 0x5a, sizeof *handed);
  FL_COPY (&handed->data, stage->data);
  FL_COPY (&handed->stage, stage);
  handed->stage.data = &handed->data;
  handed->settings = FL_TRAINING_SETTINGS (.epochs = 1, .batch = 1, .negatives = 1,
                                           .loss = FL_LOSS_SQUARED,
                                           .optimizer = FL_OPTIMIZER_SGD, .learning_rate = 0.25,
                                           .stop_k = 1, .patience = 1, .validate_every = 1);
  handed->batch = FL_BATCH (.n = 1, .width = 1, .user = user, .item = item, .label = label);
  training = fl_training_new (&handed->stage, &handed->settings, error);
  if (training == NULL)
    return FALSE;
  while (fl_training_epoch (training))
    {
      FlGradient *gradient = fl_training_gradient (training);

      fl_training_scores (training, &handed->batch, &score);
      loss = fl_loss_squared (1, &score, label, NULL, &d_score, NULL);
      fl_training_derive (training, &handed->batch, &d_score, 0, gradient, NULL);
      fl_training_step (training, gradient, loss);
    }
  return fl_training_end (training, error);
}

static const FlPlugin trainer = FL_DESCRIPTOR (
  .name = "frozen-trainer", .summary = "takes one step", .self_size = 1,
  .needs = FL_NEEDS_GRADIENT, FL_MITIGATOR (FL_TRAIN (.train = trainer_train)));

FL_PLUGINS (&source, &model, &objective, &mitigator, &learner, &trainer);
