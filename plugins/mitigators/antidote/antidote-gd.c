/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* antidote-gd.c: projected gradient descent or ascent on the antidote data
 * [antidote, algorithm 1].
 *
 * The step is searched on a grid of step sizes, each divided by the gradient's
 * root mean square, uphill from the one taken last.  What is compared are a few
 * sweeps from where the model stands, the branch of local minima whose derivative
 * the gradient is; then the chosen state is refitted from the original item
 * factors, since going on from step to step ends in worse local minima.  The
 * history is not monotone, for the gradient is that of one local minimum and
 * eq. 9 an approximation: the best state seen is kept.
 */
#include "antidote.h"

#include <math.h>
#include <string.h>

/* A state of the search. */
typedef struct
{
  double *rows; /* X~ */
  AntidoteValue value;
} State;

typedef struct
{
  AntidoteTrial *trial;
  State now, tried, chosen, best;
  double *gradient;
  double *item_factors;   /* of the fit with now.rows                 */
  size_t step;            /* of the grid, taken last                  */
  size_t n_sizes;         /* of the grid, in use                      */
  gboolean any;           /* best holds something                     */
  gboolean own;           /* and that is of the start under way       */
  size_t n_done, n_total; /* steps, of all restarts                   */
  GString *history;
} Search;

static gboolean
state_init (State *state, const AntidoteTrial *trial, GError **error)
{
  state->rows = fl_alloc (trial->n_rows * trial->n_cols, sizeof (double), error);
  return state->rows != NULL;
}

static void
swap (State *a, State *b)
{
  State c = *a;

  *a = *b;
  *b = c;
}

static void
search_clear (Search *search)
{
  g_free (search->now.rows);
  g_free (search->tried.rows);
  g_free (search->chosen.rows);
  g_free (search->gradient);
  g_free (search->item_factors);
  if (search->history != NULL)
    g_string_free (search->history, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Search, search_clear)

/* `rows` of the caller hold the best X~. */
static gboolean
search_init (Search *search, AntidoteTrial *trial, double *rows, GError **error)
{
  const Antidote *self = trial->self;

  search->trial = trial;
  search->best.rows = rows;
  search->history = g_string_new (NULL);
  search->n_total = (size_t) (self->steps * (self->start == START_RANDOM ? self->restarts : 1));
  search->gradient = fl_alloc (trial->n_rows * trial->n_cols, sizeof (double), error);
  search->item_factors = search->gradient != NULL
                         ? fl_alloc (antidote_n_factors (trial), sizeof (double), error) : NULL;
  return search->item_factors != NULL && state_init (&search->now, trial, error)
         && state_init (&search->tried, trial, error) && state_init (&search->chosen, trial, error);
}

/* Whether a is better than b: within the limit of RMSE if b is not (and nearer
 * to it if neither is), then by the objective. */
static gboolean
better (const Antidote *self, const AntidoteValue *a, const AntidoteValue *b)
{
  double limit = self->rmse_limit > 0 ? self->rmse_limit : INFINITY;

  if (a->rmse > limit || b->rmse > limit)
    return a->rmse < b->rmse;
  return self->goal == GOAL_MINIMISE ? a->loss < b->loss : a->loss > b->loss;
}

static void
report_state (Search *search, const State *state)
{
  const AntidoteTrial *trial = search->trial;
  g_autofree char *what = g_strdup_printf ("%s %.6g, RMSE %.4f",
                                           fl_instance_name (trial->self->objective), state->value.loss,
                                           state->value.rmse);

  fl_run_progress (trial->stage->run, (double) search->n_done, (double) search->n_total, what);
  g_string_append_printf (search->history, "%s%.6g", search->history->len > 0 ? " " : "",
                          state->value.loss);
}

/* Whether `now` is the best so far. */
static gboolean
keep_best (Search *search)
{
  const AntidoteTrial *trial = search->trial;

  if (search->any && !better (trial->self, &search->now.value, &search->best.value))
    return FALSE;
  memcpy (search->best.rows, search->now.rows,
          trial->n_rows * trial->n_cols * sizeof *search->best.rows);
  search->best.value = search->now.value;
  search->any = search->own = TRUE;
  return TRUE;
}

static double
root_mean_square (size_t n, const double *x)
{
  return sqrt (fl_dot_f64 (n, x, x) / (double) n);
}

static gboolean
try_rows (const Search *search, State *state, GError **error)
{
  AntidoteTrial *trial = search->trial;
  size_t n = (size_t) trial->self->trial_sweeps;

  return n > 0 ? antidote_sweep (trial, state->rows, search->item_factors, n, &state->value, error)
               : antidote_fit (trial, state->rows, FALSE, &state->value, error);
}

/* Tries step k of the grid; search->chosen becomes the better one.  *chosen:
 * whether it must, and whether it did. */
static gboolean
try_step (Search *search, size_t k, double rms, gboolean *chosen, GError **error)
{
  AntidoteTrial *trial = search->trial;
  State *tried = &search->tried;
  gboolean first = *chosen;

  antidote_step (trial, search->now.rows, search->gradient, trial->self->step_sizes.v[k] / rms,
                 tried->rows);
  if (!try_rows (search, tried, error))
    return FALSE;
  *chosen = first || better (trial->self, &tried->value, &search->chosen.value);
  if (*chosen)
    {
      swap (tried, &search->chosen);
      search->step = k;
    }
  return TRUE;
}

/* Line 5: from the step taken last upwards as long as that helps, else down. */
static gboolean
find_step (Search *search, double rms, GError **error)
{
  size_t n = search->n_sizes, first = search->step;
  gboolean chosen = TRUE;

  if (!try_step (search, first, rms, &chosen, error))
    return FALSE;
  for (size_t k = first + 1; k < n && chosen; k++)
    {
      chosen = FALSE;
      if (!try_step (search, k, rms, &chosen, error))
        return FALSE;
    }
  if (search->step != first)
    return TRUE;
  chosen = TRUE;
  for (size_t k = first; k-- > 0 && chosen;)
    {
      chosen = FALSE;
      if (!try_step (search, k, rms, &chosen, error))
        return FALSE;
    }
  return TRUE;
}

/* The refit broke the limit of RMSE, which the sweeps of the search had kept: back to
 * the best state, for smaller steps from there.  *flat: there are none. */
static gboolean
step_back (Search *search, gboolean *flat, GError **error)
{
  AntidoteTrial *trial = search->trial;

  *flat = search->step == 0;
  search->n_sizes = MAX (1, search->step);
  search->step = search->n_sizes - 1;
  memcpy (search->now.rows, search->best.rows,
          trial->n_rows * trial->n_cols * sizeof *search->now.rows);
  return antidote_fit (trial, search->now.rows, FALSE, &search->now.value, error);
}

static gboolean
beyond_limit (const Search *search, const AntidoteValue *value)
{
  double limit = search->trial->self->rmse_limit;

  return limit > 0 && value->rmse > limit;
}

/* One pass of algorithm 1.  *flat: there is nowhere to go. */
static gboolean
step (Search *search, gboolean *flat, GError **error)
{
  AntidoteTrial *trial = search->trial;
  double rms;

  if (!antidote_gradient (trial, trial->self->gradient, search->gradient, error))
    return FALSE;
  rms = root_mean_square (trial->n_rows * trial->n_cols, search->gradient);
  if (!isfinite (rms))
    return fl_fail (error, FL_ERROR_NUMERIC, "the gradient by the antidote data is not finite");
  *flat = !(rms > 0);
  if (*flat)
    return TRUE;
  antidote_item_factors (trial, search->item_factors);
  if (!find_step (search, rms, error))
    return FALSE;
  swap (&search->now, &search->chosen);
  if (!antidote_fit (trial, search->now.rows, FALSE, &search->now.value, error))
    return FALSE;
  return !(beyond_limit (search, &search->now.value) && search->own
           && !beyond_limit (search, &search->best.value))
         || step_back (search, flat, error);
}

static void
start_rows (Search *search, uint64_t restart)
{
  const AntidoteTrial *trial = search->trial;
  g_autofree char *purpose = g_strdup_printf ("antidote-gd %" G_GUINT64_FORMAT, restart);

  if (trial->self->start == START_RANDOM)
    antidote_random (trial, fl_run_seed (trial->stage->run), purpose, search->now.rows);
  else
    for (size_t k = 0; k < trial->n_rows * trial->n_cols; k++)
      search->now.rows[k] = (trial->min + trial->max) / 2;
}

/* From one start until nothing better is found for `patience` steps. */
static gboolean
descend_from (Search *search, uint64_t restart, GError **error)
{
  AntidoteTrial *trial = search->trial;
  const Antidote *self = trial->self;
  int64_t since = 0;
  gboolean flat = FALSE;

  search->n_done = (size_t) (restart * (uint64_t) self->steps);
  search->n_sizes = self->step_sizes.n;
  search->step = search->n_sizes / 2;
  search->own = FALSE;
  start_rows (search, restart);
  if (!antidote_fit (trial, search->now.rows, FALSE, &search->now.value, error))
    return FALSE;
  keep_best (search);
  report_state (search, &search->now);
  for (int64_t t = 0; t < self->steps && since < self->patience && !flat; t++)
    {
      if (!step (search, &flat, error))
        return FALSE;
      since = keep_best (search) ? 0 : since + 1;
      search->n_done++;
      report_state (search, &search->now);
    }
  return TRUE;
}

gboolean
antidote_descend (AntidoteTrial *trial, double *rows, AntidoteValue *best, GError **error)
{
  const Antidote *self = trial->self;
  g_auto (Search) search = { 0 };
  uint64_t n_starts = self->start == START_RANDOM ? (uint64_t) self->restarts : 1;

  if (!search_init (&search, trial, rows, error))
    return FALSE;
  for (uint64_t restart = 0; restart < n_starts; restart++)
    if (!descend_from (&search, restart, error))
      return FALSE;
  *best = search.best.value;
  fl_run_note_text (trial->stage->run, "antidote-history", search.history->str);
  if (beyond_limit (&search, best))
    return fl_fail (error, FL_ERROR_CONFIG, "rmse-limit = %g: no antidote data with an RMSE as "
                    "low were found; the lowest is %.4f, without antidote data it is %.4f",
                    self->rmse_limit, best->rmse, trial->before.rmse);
  return TRUE;
}

/* ---- the plugin -------------------------------------------------------- */

static void
note_values (const AntidoteTrial *trial, const AntidoteValue *best, const AntidoteValue *cold)
{
  FlRun *run = trial->stage->run;

  fl_run_note (run, "antidote-rows", (double) trial->n_rows);
  fl_run_note (run, "antidote-fits", (double) trial->n_fits);
  fl_run_note (run, "antidote-before", trial->before.loss);
  fl_run_note (run, "antidote-before-rmse", trial->before.rmse);
  fl_run_note (run, "antidote-after", best->loss);
  fl_run_note (run, "antidote-after-rmse", best->rmse);
  fl_run_note (run, "antidote-cold", cold->loss);
  fl_run_note (run, "antidote-cold-rmse", cold->rmse);
  if (trial->self->gradient == GRADIENT_IMPLICIT)
    fl_run_note (run, "antidote-negative-curvature", (double) trial->n_negative);
}

/* What the data look like [antidote, figure 5]: the share of the ratings at an end of
 * the range, and their standard deviation within an item as a share of the range,
 * 0 where all rate alike. */
static void
note_pattern (const AntidoteTrial *trial, const double *rows)
{
  size_t n = trial->n_rows, n_cols = trial->n_cols, n_ends = 0;
  double squares = 0, width = trial->max - trial->min;

  for (size_t j = 0; j < n_cols; j++)
    {
      double sum = 0, square = 0;

      for (size_t i = 0; i < n; i++)
        {
          double x = (rows[i * n_cols + j] - trial->min) / width;

          n_ends += x <= 0 || x >= 1;
          sum += x;
          square += x * x;
        }
      squares += square - sum * sum / (double) n;
    }
  fl_run_note (trial->stage->run, "antidote-at-ends", (double) n_ends / (double) (n * n_cols));
  fl_run_note (trial->stage->run, "antidote-spread",
               sqrt (MAX (squares, 0) / (double) (n * n_cols)));
}

/* A refit from the model's own start that comes out further than this from the
 * one from the original factors, relative to it, is another local minimum. */
#define DISAGREEMENT 0.02

static void
note_disagreement (const AntidoteTrial *trial, const AntidoteValue *best,
                   const AntidoteValue *cold)
{
  double difference = fabs (cold->loss - best->loss) / fabs (best->loss);

  if (difference > DISAGREEMENT)
    {
      g_autofree char *text
          = g_strdup_printf ("a refit from the model's own start differs by %.0f%%",
                             100 * difference);

      fl_run_note_text (trial->stage->run, "antidote-warning", text);
    }
}

FlRatings *
antidote_gd_augment (gpointer self, const FlStage *stage, GError **error)
{
  Antidote *antidote = self;
  g_auto (AntidoteTrial) trial = { 0 };
  g_autofree double *rows = NULL;
  AntidoteValue best, cold;

  if (!antidote_trial_init (&trial, antidote, stage, stage->model, error)
      || (rows = fl_alloc (trial.n_rows * trial.n_cols, sizeof *rows, error)) == NULL
      || !antidote_descend (&trial, rows, &best, error)
      || !antidote_fit (&trial, rows, TRUE, &cold, error))
    return NULL;
  note_values (&trial, &best, &cold);
  note_pattern (&trial, rows);
  note_disagreement (&trial, &best, &cold);
  g_clear_pointer (&antidote->item_factors, g_free);
  if (antidote->refit == REFIT_WARM)
    antidote->item_factors = g_steal_pointer (&trial.original);
  return antidote_append (&trial, rows, error);
}
