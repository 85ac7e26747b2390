/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tune.c: parameters are chosen, then the arms that have them are run.
 *
 *   every candidate, judged by a fold after the other or by the validation part
 *   -> for each arm, sweep point and repeat the best one -> the pipeline
 *
 * Both are runs of their own in the store: every point can be looked at, and what was done
 * is resumed.  The test ratings are in no part of the first.
 */
#include <math.h>
#include <string.h>

#include "core/run/schedule.h"

/* How one candidate fared. */
typedef struct
{
  double sum;
  gboolean out; /* worse than others, or could not be measured */
} Score;

/* The candidates of one cell. */
typedef struct
{
  const FlCell *cell;
  Score *score; /* as in cell->candidates */
  char *reason; /* why one could not be measured, or NULL */
} Contest;

typedef struct
{
  const FlPipeline *pipeline;
  const FlRegistry *registry;
  const FlRunOptions *options;
  FlStore *store;
  FlRunReport report;
  gpointer user_data;
  GArray *contests; /* Contest */
  int64_t until;    /* monotonic time after which nothing is begun; 0: never */
} Tuning;

static void
contest_clear (gpointer data)
{
  Contest *contest = data;

  g_free (contest->score);
  g_free (contest->reason);
}

static GArray *
gather_contests (const FlPipeline *pipeline)
{
  GArray *contests = g_array_new (FALSE, FALSE, sizeof (Contest));

  g_array_set_clear_func (contests, contest_clear);
  for (guint i = 0; i < pipeline->cells->len; i++)
    {
      const FlCell *cell = g_ptr_array_index (pipeline->cells, i);
      Contest contest = { .cell = cell };

      if (cell->candidates == NULL)
        continue;
      contest.score = g_new0 (Score, cell->candidates->len);
      g_array_append_val (contests, contest);
    }
  return contests;
}

/* ---- one rung ------------------------------------------------------------ */

static const FlCandidate *
candidate_at (const Contest *contest, guint c)
{
  return g_ptr_array_index (contest->cell->candidates, c);
}

/* Cells that judge all that are in by the folds from `first` to `end`, in the order of
 * contests, candidates and folds. */
static GPtrArray *
gather_judges (const Tuning *tuning, size_t first, size_t end)
{
  GPtrArray *cells = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);

  for (guint i = 0; i < tuning->contests->len; i++)
    {
      const Contest *contest = &g_array_index (tuning->contests, Contest, i);

      for (guint c = 0; c < contest->cell->candidates->len; c++)
        for (size_t f = first; f < end && !contest->score[c].out; f++)
          g_ptr_array_add (cells,
                           fl_cell_repeat (g_ptr_array_index (candidate_at (contest, c)->judges,
                                                              f), contest->cell->repeat));
    }
  return cells;
}

static const FlMetric *
find_metric (const FlTune *tune, const FlCellRecord *record)
{
  for (guint i = 0; record->outcome != NULL && i < record->outcome->metrics->len; i++)
    {
      const FlMetric *metric = g_ptr_array_index (record->outcome->metrics, i);

      if (strcmp (metric->name, tune->value) == 0 && g_strcmp0 (metric->group, tune->group) == 0)
        return metric;
    }
  return NULL;
}

/* Why the record tells nothing. */
static char *
explain_record (const FlTune *tune, const FlCellRecord *record)
{
  if (record->error != NULL)
    return g_strdup (record->error);
  if (record->status == FL_CELL_PENDING)
    return g_strdup ("the time was over");
  return g_strdup_printf ("%s is undefined", tune->metric);
}

static void
add_score (const FlTune *tune, const FlCellRecord *record, Contest *contest, guint c)
{
  const FlMetric *metric = find_metric (tune, record);

  if (metric != NULL && isfinite (metric->value))
    {
      contest->score[c].sum += metric->value;
      return;
    }
  contest->score[c].out = TRUE;
  if (contest->reason == NULL)
    contest->reason = explain_record (tune, record);
}

/* In the order of gather_judges. */
static void
add_scores (const Tuning *tuning, const FlRunRecord *run, size_t n_folds)
{
  guint at = 0;

  for (guint i = 0; i < tuning->contests->len; i++)
    {
      Contest *contest = &g_array_index (tuning->contests, Contest, i);

      for (guint c = 0; c < contest->cell->candidates->len; c++)
        if (!contest->score[c].out)
          for (size_t f = 0; f < n_folds; f++)
            add_score (tuning->pipeline->tune, g_ptr_array_index (run->cells, at++), contest, c);
    }
}

static gboolean
is_better (const FlTune *tune, double a, double b)
{
  return tune->direction == FL_LOWER_IS_BETTER ? a < b : a > b;
}

/* The best that is in, the first of equals; G_MAXUINT: none is. */
static guint
find_best (const FlTune *tune, const Contest *contest)
{
  guint best = G_MAXUINT;

  for (guint c = 0; c < contest->cell->candidates->len; c++)
    if (!contest->score[c].out
        && (best == G_MAXUINT
            || is_better (tune, contest->score[c].sum, contest->score[best].sum)))
      best = c;
  return best;
}

/* Leaves the better half of those that are in; the first of equals is the better one. */
static void
halve (const FlTune *tune, Contest *contest)
{
  guint n = contest->cell->candidates->len, n_in = 0;
  g_autofree Score *all = g_memdup2 (contest->score, n * sizeof *all);

  for (guint c = 0; c < n; c++)
    {
      n_in += !contest->score[c].out;
      contest->score[c].out = TRUE;
    }
  for (guint kept = 0; kept < (n_in + 1) / 2; kept++)
    {
      const Contest left = { contest->cell, all, NULL };
      guint best = find_best (tune, &left);

      all[best].out = TRUE;
      contest->score[best].out = FALSE;
    }
}

/* Judges by the folds from `first` to `end`.  *run: its record; interrupted when a cell of it
 * is pending. */
static gboolean
run_rung (const Tuning *tuning, size_t first, size_t end, FlRunRecord **run, GError **error)
{
  g_autoptr (GPtrArray) cells = gather_judges (tuning, first, end);
  const FlPipeline *pipeline = tuning->pipeline;
  g_autofree char *what = g_strdup_printf ("%s%sparameters chosen by %s", pipeline->title,
                                           *pipeline->title != '\0' ? ": " : "",
                                           pipeline->tune->metric);
  FlPipeline judged = { .file = pipeline->file, .title = what, .cells = cells };
  FlRunOptions options = *tuning->options;
  g_autoptr (FlRunRecord) bare = NULL;

  options.until = tuning->until;
  if (!fl_schedule_run (&judged, tuning->registry, &options, tuning->store, tuning->report,
                        tuning->user_data, &bare, error))
    return FALSE;
  if (bare == NULL)
    return TRUE;
  *run = fl_store_run (tuning->store, bare->number, FALSE, error);
  return *run != NULL;
}

/* ---- all rungs ----------------------------------------------------------- */

static gboolean
is_interrupted (const Tuning *tuning)
{
  return tuning->options->stop != NULL && *tuning->options->stop != 0;
}

/* FALSE without an error: interrupted, and *run is the record of what was begun. */
static gboolean
run_rungs (Tuning *tuning, FlRunRecord **run, GError **error)
{
  const FlTune *tune = tuning->pipeline->tune;
  size_t n_folds = MAX (tune->n_folds, 1), step = tune->halving ? 1 : n_folds;

  for (size_t fold = 0; fold < n_folds; fold += step)
    {
      for (guint i = 0; i < tuning->contests->len && fold > 0; i++)
        halve (tune, &g_array_index (tuning->contests, Contest, i));
      g_clear_pointer (run, fl_run_record_free);
      if (!run_rung (tuning, fold, fold + step, run, error) || *run == NULL
          || is_interrupted (tuning))
        return FALSE;
      add_scores (tuning, *run, step);
    }
  return TRUE;
}

static char *
describe_choice (const FlTune *tune, const FlCell *cell)
{
  g_autofree char *judge = tune->n_folds > 0
                               ? g_strdup_printf ("%zu folds of the training ratings", tune->n_folds)
                               : g_strdup ("the validation part");

  return g_strdup_printf ("%s on %s, of %u points%s%s", tune->metric, judge,
                          cell->candidates->len, tune->halving ? ", the better half at a time" : "",
                          tune->time > 0 ? ", as far as the time allowed" : "");
}

/* The cell with the values that are best for it. */
static FlCell *
choose (const FlTune *tune, const Contest *contest, GError **error)
{
  const FlCell *cell = contest->cell;
  guint best = find_best (tune, contest);
  FlCell *chosen;

  if (best == G_MAXUINT)
    {
      fl_fail (error, FL_ERROR_CONFIG, "[tune]: arm '%s', repeat %u: no point could be measured: "
               "%s", cell->arm, cell->repeat, contest->reason);
      return NULL;
    }
  chosen = fl_cell_repeat (candidate_at (contest, best)->cell, cell->repeat);
  chosen->chosen = g_strdup (candidate_at (contest, best)->text);
  chosen->chosen_by = describe_choice (tune, cell);
  return chosen;
}

/* The pipeline with its parameters chosen: cells that had none to choose are borrowed. */
static gboolean
run_chosen (const Tuning *tuning, FlRunRecord **run, GError **error)
{
  FlPipeline pipeline = *tuning->pipeline;
  g_autoptr (GPtrArray) cells = g_ptr_array_new ();
  g_autoptr (GPtrArray) chosen = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_cell_free);
  guint at = 0;

  for (guint i = 0; i < tuning->pipeline->cells->len; i++)
    {
      FlCell *cell = g_ptr_array_index (tuning->pipeline->cells, i);

      if (cell->candidates != NULL)
        {
          cell = choose (pipeline.tune, &g_array_index (tuning->contests, Contest, at++), error);
          if (cell == NULL)
            return FALSE;
          g_ptr_array_add (chosen, cell);
        }
      g_ptr_array_add (cells, cell);
    }
  pipeline.cells = cells;
  return fl_schedule_run (&pipeline, tuning->registry, tuning->options, tuning->store,
                          tuning->report, tuning->user_data, run, error);
}

gboolean
fl_run_pipeline (const FlPipeline *pipeline, const FlRegistry *registry,
                 const FlRunOptions *options, FlStore *store, FlRunReport report,
                 gpointer user_data, FlRunRecord **record, GError **error)
{
  Tuning tuning = { pipeline, registry, options, store, report, user_data,
                    gather_contests (pipeline), 0 };
  g_autoptr (GArray) contests = tuning.contests;
  g_autoptr (FlRunRecord) judged = NULL;
  GError *reason = NULL;

  if (contests->len == 0)
    return fl_schedule_run (pipeline, registry, options, store, report, user_data, record, error);
  if (pipeline->tune->time > 0)
    tuning.until = g_get_monotonic_time () + (int64_t) (pipeline->tune->time * 1e6);
  if (run_rungs (&tuning, &judged, &reason))
    return run_chosen (&tuning, record, error);
  if (reason != NULL)
    {
      g_propagate_error (error, reason);
      return FALSE;
    }
  *record = g_steal_pointer (&judged);
  return TRUE;
}
