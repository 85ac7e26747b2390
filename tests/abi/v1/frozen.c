/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One plugin of each kind against the headers of interface 1, touching every
 * structure and every type of parameter.  Neither it nor they may change. */
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
  FlClosedFormStart start = { .seed = fl_run_seed (run) };

  return frozen_start (self, data->train, &start, error) && frozen_converge (self, run, error);
}

static void
frozen_factors (gconstpointer self, FlFactors *factors)
{
  const Mean *mean = self;

  *factors = (FlFactors) { .n_users = mean->n_users, .n_items = mean->n_items, .rank = 1,
                           .user_f64 = mean->user, .item_f64 = mean->item };
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

  if (strcmp (more->objective->plugin->name, "frozen-objective") != 0)
    {
      fl_fail (error, FL_ERROR_CONFIG, "wants another objective");
      return NULL;
    }
  for (uint32_t i = 0; i < train->n_items; i++)
    row[i] = 1 + floor (4 * fl_rng_uniform (&rng));
  return fl_ratings_append_users (train, 1, row, error);
}

static const FlPlugin mitigator = FL_DESCRIPTOR (
  .name = "frozen-mitigator", .summary = "adds one user", .params = one_more_params,
  .self_size = sizeof (OneMore),
  FL_MITIGATOR (.model_needs = FL_MODEL_FACTORS | FL_MODEL_CLOSED_FORM,
                .augment = frozen_augment));

FL_PLUGINS (&source, &model, &objective, &mitigator);
