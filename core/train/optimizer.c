/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* optimizer.c: steps of parameters against their gradient g, at rate eta.
 *
 *   sgd      theta <- theta - eta g
 *   adagrad  h <- h + g^2,  theta <- theta - eta g / (sqrt h + 1e-10)
 *            [Duchi, Hazan and Singer 2011]
 *   adam     m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
 *            theta <- theta - eta m^ / (sqrt v^ + 1e-8),
 *            m^ = m / (1 - b1^t),  v^ = v / (1 - b2^t);  b1 = 0.9, b2 = 0.999
 *            [Kingma and Ba 2015, algorithm 1]
 *   adam-lazy  the same for rows with a gradient alone; t counts all steps.
 *
 * Where |g| over all parameters exceeds `clip`, g is first scaled to that length; then
 * decay theta is added to it, whether a batch has a part in theta or not.
 * Numbers are stepped one by one: threads change no digit.  Floats go through the kernels
 * of every instruction set, doubles, which are for small models, through a plain loop.
 */
#include "core/linalg/linalg-room.h"
#include "core/train/train-room.h"

#include <math.h>
#include <string.h>

#define BETA_1 0.9
#define BETA_2 0.999
/* What keeps quotients finite; those of the papers' and of usual programs. */
#define EPSILON_ADAM 1e-8
#define EPSILON_ADAGRAD 1e-10
/* Moments nearer to 0 than this become 0: processors are slow at what comes next. */
#define LEAST_F64 1e-300
/* Arrays begin on cache lines. */
#define LINE_BYTES ((size_t) 64)
/* Numbers that one thread steps at a time. */
#define PART_NUMBERS ((size_t) 8192)

typedef struct
{
  size_t block;
  uint32_t first, end; /* rows */
} Part;

/* A step as it is the same for all parameters.  Rates include what corrects for the
 * moments' start. */
typedef struct
{
  double scale, decay, rate, epsilon;
  double root;         /* Adam divides by root * sqrt (v) + epsilon */
  FlStep single;       /* the same for floats                       */
} Step;

struct FlOptimizer
{
  FlOptimizerKind kind;
  double learning_rate, decay, clip;
  size_t n_blocks;
  FlBlock *block;
  gpointer zero;       /* as a gradient, of a part's rows that have none; or NULL */
  char **a, **b;       /* what the kind remembers of each block, within the state */
  size_t n_state;      /* bytes                                                   */
  struct
  {
    uint64_t t;        /* steps done                */
    uint64_t unused[7]; /* a cache line, all in all */
    char value[];
  } *state;
  gboolean all_rows;   /* those without gradient move too */
  size_t n_parts;
  Part *part;          /* all rows of all blocks          */
};

/* Arrays that a kind keeps for each parameter. */
static size_t
memory_of (FlOptimizerKind kind)
{
  switch (kind)
    {
    case FL_OPTIMIZER_ADAM:
    case FL_OPTIMIZER_ADAM_LAZY:
      return 2;
    case FL_OPTIMIZER_ADAGRAD:
      return 1;
    default:
      return 0;
    }
}

static uint32_t
part_rows (const FlBlock *block)
{
  return (uint32_t) CLAMP (PART_NUMBERS / MAX (block->n_cols, 1), 1, G_MAXUINT32 / 2);
}

static void
cut_blocks (FlOptimizer *optimizer)
{
  g_autoptr (GArray) parts = g_array_new (FALSE, FALSE, sizeof (Part));

  for (size_t b = 0; b < optimizer->n_blocks; b++)
    {
      uint32_t n = optimizer->block[b].n_rows, rows = part_rows (&optimizer->block[b]);

      for (uint32_t first = 0; first < n; first += MIN (rows, n - first))
        {
          Part part = { b, first, first + MIN (rows, n - first) };

          g_array_append_val (parts, part);
        }
    }
  optimizer->n_parts = parts->len;
  optimizer->part = (Part *) (gpointer) g_array_free (g_steal_pointer (&parts), FALSE);
}

static size_t
array_bytes (const FlBlock *block)
{
  return FL_ROUND_UP (block->n_rows * fl_block_row_bytes (block), LINE_BYTES);
}

static gboolean
make_state (FlOptimizer *optimizer, GError **error)
{
  size_t n_arrays = memory_of (optimizer->kind), n = 0;
  char *at;

  for (size_t b = 0; b < optimizer->n_blocks; b++)
    n += array_bytes (&optimizer->block[b]);
  optimizer->n_state = sizeof *optimizer->state + n_arrays * n;
  optimizer->state = fl_table_alloc (optimizer->n_state, 1, error);
  if (optimizer->state == NULL)
    return FALSE;
  at = optimizer->state->value;
  for (size_t b = 0; b < optimizer->n_blocks; b++)
    {
      size_t size = array_bytes (&optimizer->block[b]);

      optimizer->a[b] = n_arrays > 0 ? at : NULL;
      optimizer->b[b] = n_arrays > 1 ? at + size : NULL;
      at += n_arrays * size;
    }
  return TRUE;
}

/* Decay moves rows without gradient by a gradient of zero. */
static gboolean
make_zero (FlOptimizer *optimizer, GError **error)
{
  size_t n = 0;

  for (size_t b = 0; b < optimizer->n_blocks && optimizer->decay > 0; b++)
    n = MAX (n, part_rows (&optimizer->block[b]) * fl_block_row_bytes (&optimizer->block[b]));
  if (n > 0)
    optimizer->zero = fl_table_alloc (n, 1, error);
  return n == 0 || optimizer->zero != NULL;
}

FlOptimizer *
fl_optimizer_new (size_t n_blocks, const FlBlock *blocks, const FlTrainingSettings *theirs,
                  GError **error)
{
  g_autoptr (FlOptimizer) optimizer = g_new0 (FlOptimizer, 1);
  FlTrainingSettings settings;

  if (!fl_training_settings_copy (&settings, theirs, error))
    return NULL;
  optimizer->kind = (FlOptimizerKind) settings.optimizer;
  optimizer->learning_rate = settings.learning_rate;
  optimizer->decay = settings.optimizer == FL_OPTIMIZER_ADAM_LAZY ? 0 : settings.weight_decay;
  optimizer->all_rows = optimizer->kind == FL_OPTIMIZER_ADAM || optimizer->decay > 0;
  optimizer->clip = settings.clip;
  optimizer->n_blocks = n_blocks;
  optimizer->block = g_memdup2 (blocks, n_blocks * sizeof *blocks);
  optimizer->a = g_new0 (char *, n_blocks);
  optimizer->b = g_new0 (char *, n_blocks);
  cut_blocks (optimizer);
  return make_zero (optimizer, error) && make_state (optimizer, error)
             ? g_steal_pointer (&optimizer) : NULL;
}

void
fl_optimizer_free (FlOptimizer *optimizer)
{
  if (optimizer == NULL)
    return;
  g_free (optimizer->block);
  g_free (optimizer->zero);
  g_free (optimizer->a);
  g_free (optimizer->b);
  g_free (optimizer->state);
  g_free (optimizer->part);
  g_free (optimizer);
}

gpointer
fl_optimizer_state (FlOptimizer *optimizer, size_t *size)
{
  *size = optimizer->n_state;
  return optimizer->state;
}

/* ---- one step ---------------------------------------------------------- */

static FlStepKind
step_kind (FlOptimizerKind kind)
{
  if (kind == FL_OPTIMIZER_ADAM || kind == FL_OPTIMIZER_ADAM_LAZY)
    return FL_STEP_ADAM;
  return kind == FL_OPTIMIZER_ADAGRAD ? FL_STEP_ADAGRAD : FL_STEP_DESCEND;
}

static FlStep
step_in_f32 (const Step *step)
{
  return (FlStep) { .scale = (float) step->scale,
                    .decay = (float) step->decay,
                    .rate = (float) step->rate,
                    .epsilon = (float) step->epsilon,
                    .beta1 = (float) BETA_1,
                    .rest1 = (float) (1 - BETA_1),
                    .beta2 = (float) BETA_2,
                    .rest2 = (float) (1 - BETA_2),
                    .root = (float) step->root };
}

static Step
step_of (const FlOptimizer *optimizer, double scale)
{
  Step step = { .scale = scale, .decay = optimizer->decay, .rate = optimizer->learning_rate,
                .epsilon = EPSILON_ADAGRAD };
  double t = (double) optimizer->state->t;

  if (step_kind (optimizer->kind) == FL_STEP_ADAM)
    {
      step.rate /= 1 - pow (BETA_1, t);
      step.root = 1 / sqrt (1 - pow (BETA_2, t));
      step.epsilon = EPSILON_ADAM;
    }
  step.single = step_in_f32 (&step);
  return step;
}

static double
flush_tiny (double x)
{
  return fabs (x) < LEAST_F64 ? 0 : x;
}

/* g: n derivatives, or NULL: all 0. */
static gboolean
step_f64 (const Step *step, FlStepKind kind, size_t n, const double *g, double *value, double *a,
          double *b)
{
  double bad = 0; /* 0, or what is no number where a parameter is not finite */

  for (size_t k = 0; k < n; k++)
    {
      double slope = (g != NULL ? step->scale * g[k] : 0) + step->decay * value[k];

      if (kind == FL_STEP_DESCEND)
        value[k] -= step->rate * slope;
      else if (kind == FL_STEP_ADAGRAD)
        {
          a[k] += slope * slope;
          value[k] -= step->rate * slope / (sqrt (a[k]) + step->epsilon);
        }
      else
        {
          a[k] = flush_tiny (BETA_1 * a[k] + (1 - BETA_1) * slope);
          b[k] = flush_tiny (BETA_2 * b[k] + (1 - BETA_2) * (slope * slope));
          value[k] -= step->rate * a[k] / (step->root * sqrt (b[k]) + step->epsilon);
        }
      bad += value[k] - value[k];
    }
  return bad == 0;
}

/* Rows from `first` to `end`, whose derivatives lie side by side from g on. */
static gboolean
step_rows (const FlOptimizer *optimizer, const Step *step, FlStepKind kind, size_t b,
           gconstpointer g, uint32_t first, uint32_t end)
{
  const FlBlock *block = &optimizer->block[b];
  size_t n = (end - first) * block->n_cols, at = first * fl_block_row_bytes (block);
  gpointer value = fl_block_row (block, first);
  gpointer x = optimizer->a[b] != NULL ? optimizer->a[b] + at : NULL;
  gpointer y = optimizer->b[b] != NULL ? optimizer->b[b] + at : NULL;

  return block->f64 != NULL ? step_f64 (step, kind, n, g, value, x, y)
                            : fl_step_f32 (&step->single, kind, n, g, value, x, y);
}

/* Where the run of rows from r on ends, all listed, side by side, or none of them. */
static uint32_t
end_of_run (const FlGradientBlock *gradient, uint32_t r, uint32_t end)
{
  uint32_t place = gradient->slot[r], k = r + 1;

  if (place == FL_NOT_LISTED)
    while (k < end && gradient->slot[k] == FL_NOT_LISTED)
      k++;
  else
    while (k < end && gradient->slot[k] == place + (k - r))
      k++;
  return k;
}

/* All rows of a part. */
static gboolean
step_part (const FlOptimizer *optimizer, const Step *step, const Part *part,
           const FlGradient *gradient)
{
  const FlGradientBlock *block = &gradient->block[part->block];
  FlStepKind kind = step_kind (optimizer->kind);
  gboolean finite = TRUE;

  for (uint32_t r = part->first, end; r < part->end; r = end)
    {
      uint32_t place = block->slot[r];

      end = end_of_run (block, r, part->end);
      if (place != FL_NOT_LISTED)
        finite &= step_rows (optimizer, step, kind, part->block,
                             fl_gradient_place (block, place), r, end);
      else if (optimizer->decay > 0)
        finite &= step_rows (optimizer, step, kind, part->block, optimizer->zero, r, end);
      else
        finite &= step_rows (optimizer, step, FL_STEP_ADAM_STILL, part->block, NULL, r, end);
    }
  return finite;
}

/* The same thread steps the same numbers each time: they stay in its cache. */
static gboolean
step_all_rows (const FlOptimizer *optimizer, const Step *step, const FlGradient *gradient)
{
  unsigned failed = 0;

#pragma omp parallel for schedule(static) reduction(| : failed) if (optimizer->n_parts > 1)
  for (size_t p = 0; p < optimizer->n_parts; p++)
    failed |= !step_part (optimizer, step, &optimizer->part[p], gradient);
  return !failed;
}

static gboolean
step_listed_rows (const FlOptimizer *optimizer, const Step *step, const FlGradient *gradient)
{
  FlStepKind kind = step_kind (optimizer->kind);
  unsigned failed = 0;

  for (size_t b = 0; b < optimizer->n_blocks; b++)
    {
      const FlGradientBlock *block = &gradient->block[b];
      size_t m = block->n_cols;

#pragma omp parallel for schedule(static) reduction(| : failed) if (block->n_used * m > PART_NUMBERS)
      for (uint32_t k = 0; k < block->n_used; k++)
        failed |= !step_rows (optimizer, step, kind, b, fl_gradient_place (block, k),
                              block->row[k], block->row[k] + 1);
    }
  return !failed;
}

gboolean
fl_optimizer_step (FlOptimizer *optimizer, const FlGradient *gradient)
{
  double length = optimizer->clip > 0 ? sqrt (fl_gradient_dot (gradient, gradient)) : 0;
  double scale = length > optimizer->clip ? optimizer->clip / length : 1;
  Step step;

  if (!fl_gradient_check (gradient, NULL))
    return FALSE;
  optimizer->state->t++;
  step = step_of (optimizer, scale);
  return optimizer->all_rows ? step_all_rows (optimizer, &step, gradient)
                             : step_listed_rows (optimizer, &step, gradient);
}
