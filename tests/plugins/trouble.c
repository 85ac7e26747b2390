/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A source, a model and an objective that work, quickly or slowly, and that
 * crash, hang, eat memory or fail on request. */
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <fairlead/plugin.h>

enum
{
  NONE,
  CRASH,
  HANG,
  FAIL,
  MEMORY, /* allocates, and says so when it can have no more */
  GREED,  /* allocates without asking                        */
  CHATTER,
  EXIT,     /* of the whole process                               */
  ROUNDING  /* is left in another mode                            */
};
#define TROUBLES "none|crash|hang|fail|memory|greed|chatter|exit|rounding"
/* Enough for any limit that a test sets, little enough for any machine. */
#define EATEN_MIB 400

static gboolean
eat (gboolean ask, GError **error)
{
  g_autoptr (GPtrArray) eaten = g_ptr_array_new_with_free_func (g_free);

  for (size_t i = 0; i < EATEN_MIB; i++)
    {
      char *piece = ask ? fl_alloc (1, 1 << 20, error) : g_malloc0 (1 << 20);

      if (piece == NULL)
        return FALSE;
      for (size_t at = 0; at < 1 << 20; at += 4096)
        piece[at] = 1;
      g_ptr_array_add (eaten, piece);
    }
  return TRUE;
}

static gboolean
make_trouble (int trouble, GError **error)
{
  switch (trouble)
    {
    case CRASH:
      fprintf (stderr, "last words of a toy\n");
      abort ();
    case HANG:
      for (;;)
        g_usleep (1000);
    case FAIL:
      return fl_fail (error, FL_ERROR_NUMERIC, "the toy fails as asked");
    case MEMORY:
    case GREED:
      return eat (trouble == MEMORY, error);
    case EXIT:
      exit (0);
    case ROUNDING:
      fesetround (FE_UPWARD);
      return TRUE;
    case CHATTER:
      fprintf (stderr, "a toy has something to say\n");
      return TRUE;
    default:
      return TRUE;
    }
}

/* ---- source ------------------------------------------------------------ */

typedef struct
{
  int64_t users, items;
  int trouble;
} ToySource;

static const FlParam source_params[] = {
  FL_INT (ToySource, users, 40, 1, 100000, NULL, "number of users"),
  FL_INT (ToySource, items, 25, 1, 100000, NULL, "number of items"),
  FL_CHOICE (ToySource, trouble, NONE, TROUBLES, "what goes wrong"),
  FL_PARAM_END
};

static gboolean
source_load (gconstpointer self, uint64_t seed, FlBuilder *builder, GError **error)
{
  const ToySource *toy = self;

  if (!make_trouble (toy->trouble, error))
    return FALSE;
  for (int64_t u = 0; u < toy->users; u++)
    {
      FlRng rng = fl_rng (seed, "toy", (uint64_t) u);
      char user[24], item[24];

      g_snprintf (user, sizeof user, "%d", (int) u);
      fl_builder_attribute (builder, FL_SIDE_USER, fl_span (user), "side",
                            fl_span (u % 3 == 0 ? "left" : "right"));
      for (int64_t i = 0; i < toy->items; i++)
        if (fl_rng_below (&rng, 2) == 0)
          {
            g_snprintf (item, sizeof item, "%d", (int) i);
            if (!fl_builder_rating (builder, fl_span (user), fl_span (item),
                                    1 + fl_rng_below (&rng, 5), FL_NO_TIME, error))
              return FALSE;
          }
    }
  return TRUE;
}

static const FlPlugin source = FL_DESCRIPTOR (
  .name = "toy", .summary = "a source for tests", .licence = "LGPL-3.0-or-later",
  .params = source_params, .self_size = sizeof (ToySource),
  FL_SOURCE (.load = source_load, .seeded = TRUE));

/* ---- model ------------------------------------------------------------- */

typedef struct
{
  int64_t steps;
  double pause;
  double noise;
  int trouble, check;
  uint32_t n_users;
  double *mean; /* n_users */
} ToyModel;

static const FlParam model_params[] = {
  FL_INT (ToyModel, steps, 4, 1, 1000000, NULL, "passes over the data"),
  FL_DOUBLE (ToyModel, pause, 0, 0, 10, "seconds", "sleep between two passes"),
  FL_DOUBLE (ToyModel, noise, 0.1, 0, 1, NULL, "deviation added to each mean"),
  FL_CHOICE (ToyModel, trouble, NONE, TROUBLES, "what goes wrong"),
  FL_CHOICE (ToyModel, check, NONE, TROUBLES, "what goes wrong before any data"),
  FL_PARAM_END
};

static gboolean
model_check (gconstpointer self, GError **error)
{
  return make_trouble (((const ToyModel *) self)->check, error);
}

static gboolean
model_fit (gpointer self, const FlData *data, FlRun *run, GError **error)
{
  ToyModel *toy = self;
  const FlCsr *rows = &data->train->by_user;

  if (!make_trouble (toy->trouble, error))
    return FALSE;
  toy->n_users = rows->n_rows;
  toy->mean = fl_alloc (rows->n_rows, sizeof *toy->mean, error);
  if (toy->mean == NULL)
    return FALSE;
  for (int64_t step = 0; step < toy->steps; step++)
    {
#pragma omp parallel for
      for (uint32_t u = 0; u < rows->n_rows; u++)
        {
          FlRng rng = fl_rng (fl_run_seed (run), "toy-fit", u);
          double sum = 0, n = (double) (rows->start[u + 1] - rows->start[u]);

          for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
            sum += fl_csr_value (rows, k);
          toy->mean[u] = (n > 0 ? sum / n : 3) + toy->noise * fl_rng_normal (&rng);
        }
      if (toy->pause > 0)
        g_usleep ((gulong) (toy->pause * 1e6));
      fl_run_progress (run, (double) step + 1, (double) toy->steps, "pass");
    }
  fl_run_note_stop (run, FL_STOP_MAX_ITER, (size_t) toy->steps);
  return TRUE;
}

static gboolean
model_score (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
             const uint32_t *item, double *out, GError **error)
{
  const ToyModel *toy = self;

  (void) item;
  (void) error;
  for (size_t u = 0; u < n_users; u++)
    for (size_t i = 0; i < n_items; i++)
      out[u * n_items + i] = toy->mean[user[u]];
  return TRUE;
}

static gboolean
model_predicts_ratings (gconstpointer self)
{
  (void) self;
  return TRUE;
}

static void
model_clear (gpointer self)
{
  g_clear_pointer (&((ToyModel *) self)->mean, g_free);
}

static const FlPlugin model = FL_DESCRIPTOR (
  .name = "toy", .summary = "each user's mean, for tests", .licence = "LGPL-3.0-or-later",
  .check = model_check, .params = model_params, .self_size = sizeof (ToyModel),
  .clear = model_clear,
  FL_MODEL (.fit = model_fit, .score = model_score,
            .predicts_ratings = model_predicts_ratings));

/* ---- objective --------------------------------------------------------- */

typedef struct
{
  int trouble;
} ToyObjective;

static const FlParam objective_params[] = {
  FL_CHOICE (ToyObjective, trouble, NONE, TROUBLES, "what goes wrong"), FL_PARAM_END
};

static const FlValue objective_values[] = {
  { .name = "toy", .direction = FL_LOWER_IS_BETTER, .doc = "mean absolute error" },
  { .name = "toy-never", .direction = FL_HIGHER_IS_BETTER, .doc = "never defined" },
  FL_VALUE_END
};

static gboolean
objective_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  double *each = fl_result_each (result, 0, FL_SIDE_USER);
  double sum = 0;

  if (!make_trouble (((const ToyObjective *) self)->trouble, error))
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      size_t first = view->user_start[u], end = view->user_start[u + 1];
      double own = 0;

      for (size_t k = first; k < end; k++)
        own += fabs (view->rating[k] - view->predicted[k]);
      sum += own;
      if (end > first)
        each[u] = own / (double) (end - first);
    }
  if (view->n > 0)
    fl_result_set (result, 0, sum / (double) view->n);
  return TRUE;
}

static const FlPlugin objective = FL_DESCRIPTOR (
  .name = "toy", .summary = "mean absolute error, for tests", .licence = "LGPL-3.0-or-later",
  .params = objective_params, .self_size = sizeof (ToyObjective),
  FL_OBJECTIVE (.values = objective_values, .evaluate = objective_evaluate));

FL_PLUGINS (&source, &model, &objective);
