/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* antidote-rows.c: antidote data that take one fit or none [antidote, 6.1, B]. */
#include "antidote.h"

#include <math.h>
#include <string.h>

/* The first row, n_rows times. */
static void
repeat_row (const AntidoteTrial *trial, double *rows)
{
  for (size_t i = 1; i < trial->n_rows; i++)
    memcpy (rows + i * trial->n_cols, rows, trial->n_cols * sizeof *rows);
}

void
antidote_extremes (const AntidoteTrial *trial, const double *signal, double *rows)
{
  double sign = trial->self->goal == GOAL_MINIMISE ? 1 : -1;

  for (size_t j = 0; j < trial->n_cols; j++)
    rows[j] = sign * signal[j] > 0 ? trial->min : trial->max;
  repeat_row (trial, rows);
}

/* A column without ratings takes the mean of all, on which the paper is silent. */
void
antidote_means (const AntidoteTrial *trial, const FlRatings *train, double *rows)
{
  const FlCsr *csr = trial->self->side == FL_SIDE_USER ? &train->by_item : &train->by_user;
  double all = 0;

  for (size_t k = 0; k < train->n; k++)
    all += fl_csr_value (csr, k);
  for (size_t j = 0; j < trial->n_cols; j++)
    {
      double sum = 0, n = (double) (csr->start[j + 1] - csr->start[j]);

      for (size_t k = csr->start[j]; k < csr->start[j + 1]; k++)
        sum += fl_csr_value (csr, k);
      rows[j] = CLAMP (n > 0 ? sum / n : all / (double) train->n, trial->min, trial->max);
    }
  repeat_row (trial, rows);
}

void
antidote_halves (const AntidoteTrial *trial, double *rows)
{
  size_t n_max = (trial->n_rows + 1) / 2 * trial->n_cols;

  for (size_t k = 0; k < trial->n_rows * trial->n_cols; k++)
    rows[k] = k < n_max ? trial->max : trial->min;
}

void
antidote_random (const AntidoteTrial *trial, uint64_t seed, const char *purpose, double *rows)
{
  for (size_t i = 0; i < trial->n_rows; i++)
    {
      FlRng rng = fl_rng (seed, purpose, i);

      for (size_t j = 0; j < trial->n_cols; j++)
        rows[i * trial->n_cols + j]
            = trial->min + (trial->max - trial->min) * fl_rng_uniform (&rng);
    }
}

/* ---- the plugins ------------------------------------------------------- */

/* One row half-way between min and max is fitted for the first signal; the
 * second comes from the original fit. */
static gboolean
heuristic_signal (AntidoteTrial *trial, int variant, double *signal, GError **error)
{
  AntidoteValue value;
  size_t n_rows = trial->n_rows;
  gboolean ok;

  if (variant == VARIANT_2)
    return antidote_signal (trial, signal, error);
  for (size_t j = 0; j < trial->n_cols; j++)
    signal[j] = (trial->min + trial->max) / 2;
  trial->n_rows = 1;
  ok = antidote_fit (trial, signal, FALSE, &value, error)
       && antidote_gradient (trial, GRADIENT_FIRST_ORDER, signal, error);
  trial->n_rows = n_rows;
  return ok;
}

/* What the evaluated model begins from. */
static void
keep_start (Antidote *self, AntidoteTrial *trial)
{
  g_clear_pointer (&self->item_factors, g_free);
  if (self->refit == REFIT_WARM)
    self->item_factors = g_steal_pointer (&trial->original);
}

FlRatings *
antidote_heuristic_augment (gpointer self, const FlStage *stage, GError **error)
{
  Antidote *antidote = self;
  g_auto (AntidoteTrial) trial = { 0 };
  g_autofree double *rows = NULL, *signal = NULL;
  FlRatings *ratings;

  if (!antidote_trial_init (&trial, antidote, stage, stage->model, error)
      || (rows = fl_alloc (trial.n_rows, trial.n_cols * sizeof *rows, error)) == NULL
      || (signal = fl_alloc (trial.n_cols, sizeof *signal, error)) == NULL
      || !heuristic_signal (&trial, antidote->variant, signal, error))
    return NULL;
  antidote_extremes (&trial, signal, rows);
  fl_run_note (stage->run, "antidote-rows", (double) trial.n_rows);
  fl_run_note (stage->run, "antidote-before", trial.before.loss);
  ratings = antidote_append (&trial, rows, error);
  keep_start (antidote, &trial);
  return ratings;
}

FlRatings *
antidote_baseline_augment (gpointer self, const FlStage *stage, GError **error)
{
  Antidote *antidote = self;
  g_auto (AntidoteTrial) trial = { .self = antidote, .stage = stage, .model = stage->model };
  g_autofree double *rows = NULL;
  FlRatings *ratings;

  if (!antidote_size (&trial, error)
      || (antidote->refit == REFIT_WARM
          && !antidote_trial_init (&trial, antidote, stage, stage->model, error)))
    return NULL;
  rows = fl_alloc (trial.n_rows, trial.n_cols * sizeof *rows, error);
  if (rows == NULL)
    return NULL;
  if (antidote->rows == ROWS_MIN)
    antidote_means (&trial, stage->data->train, rows);
  else if (antidote->rows == ROWS_MAX)
    antidote_halves (&trial, rows);
  else
    antidote_random (&trial, fl_run_seed (stage->run), "antidote-baseline", rows);
  fl_run_note (stage->run, "antidote-rows", (double) trial.n_rows);
  ratings = antidote_append (&trial, rows, error);
  keep_start (antidote, &trial);
  return ratings;
}
