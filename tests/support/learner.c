/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/support/learner.h"

#include <signal.h>
#include <string.h>

#include <glib/gstdio.h>

static const FlParam params[] = {
  FL_INT (Learner, rank, 4, 1, 1024, NULL, "length of the vectors"),
  FL_DOUBLE (Learner, scale, 0.1, 0, 10, NULL, "deviation of the random start"),
  FL_PATH (Learner, trap, "", "file that says after how many steps to die, and goes with it"),
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
  static const char *const names[] = { "user", "item" };

  learner_clear (self);
  learner->n_users = train->n_users;
  learner->n_items = train->n_items;
  for (size_t b = 0; b < 2; b++)
    {
      FlBlock *block = &learner->block[b];
      FlRng rng = fl_rng (seed, names[b], 0);

      *block = (FlBlock) { .name = names[b], .n_rows = b == 0 ? train->n_users : train->n_items,
                           .n_cols = (size_t) learner->rank };
      block->f32 = fl_table_alloc (block->n_rows * block->n_cols, sizeof (float), error);
      if (block->f32 == NULL)
        return FALSE;
      for (size_t k = 0; k < block->n_rows * block->n_cols; k++)
        block->f32[k] = (float) (learner->scale * fl_rng_normal (&rng));
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
  size_t m = (size_t) learner->rank;

  (void) error;
  for (size_t k = 0; k < batch->n * batch->width; k++)
    score[k] = (float) fl_dot_f32 (m, learner->block[0].f32 + batch->user[k / batch->width] * m,
                                   learner->block[1].f32 + batch->item[k] * m);
  return TRUE;
}

static double
square (const FlBlock *block, uint32_t r)
{
  const float *row = block->f32 + r * block->n_cols;

  return fl_dot_f32 (block->n_cols, row, row);
}

static gboolean
learner_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
                  FlGradient *gradient, FlGradient *d_delta, GError **error)
{
  const Learner *learner = self;
  const FlBlock *user = &learner->block[0], *item = &learner->block[1];
  size_t m = (size_t) learner->rank;

  (void) d_delta;
  (void) error;
  for (size_t k = 0; k < batch->n; k++)
    {
      uint32_t u = batch->user[k];
      const float *p = user->f32 + u * m;
      float *d_user = fl_gradient_row (&gradient->block[0], u);

      fl_add_f32 (m, (float) (2 * l2), p, d_user);
      gradient->penalty += l2 * square (user, u);
      for (size_t j = 0; j < batch->width; j++)
        {
          uint32_t i = batch->item[k * batch->width + j];
          const float *q = item->f32 + i * m;
          float *d_item = fl_gradient_row (&gradient->block[1], i);

          fl_add_f32 (m, (float) d_score[k * batch->width + j], q, d_user);
          fl_add_f32 (m, (float) d_score[k * batch->width + j], p, d_item);
          fl_add_f32 (m, (float) (2 * l2), q, d_item);
          gradient->penalty += l2 * square (item, i);
        }
    }
  return TRUE;
}

/* Users in their order, the epoch's number for a loss; moves one parameter. */
static gboolean
learner_stream (gpointer self, uint64_t seed, uint64_t epoch, double *loss, GError **error)
{
  Learner *learner = self;

  (void) error;
  learner->block[0].f32[0] += (float) (seed + epoch);
  *loss = (double) epoch;
  return TRUE;
}

static void
learner_parameters_changed (gpointer self)
{
  Learner *learner = self;
  g_autofree char *text = NULL;

  learner->n_changes++;
  if (learner->trap[0] != '\0' && g_file_get_contents (learner->trap, &text, NULL, NULL)
      && learner->n_changes >= g_ascii_strtoull (text, NULL, 10))
    {
      g_unlink (learner->trap);
      raise (SIGKILL);
    }
}

static gboolean
learner_prepare_scores (gpointer self, GError **error)
{
  (void) error;
  ((Learner *) self)->n_prepared++;
  return TRUE;
}

static void
learner_factors (gconstpointer self, FlFactors *factors)
{
  const Learner *learner = self;

  *factors = (FlFactors) { .n_users = learner->n_users,
                           .n_items = learner->n_items,
                           .rank = (size_t) learner->rank,
                           .user_f32 = learner->block[0].f32,
                           .item_f32 = learner->block[1].f32 };
}

/* Tests of training measure it by rmse, whatever its loss. */
static gboolean
learner_predicts_ratings (gconstpointer self)
{
  (void) self;
  return TRUE;
}

const FlPlugin learner_plugin
    = FL_DESCRIPTOR (.name = "learner", .summary = "factorisation trained by gradients",
                     .reference = "none", .licence = "LGPL-3.0-or-later", .params = params,
                     .self_size = sizeof (Learner), .clear = learner_clear,
                     FL_MODEL (.factors = learner_factors,
                               .predicts_ratings = learner_predicts_ratings,
                               FL_GRADIENT (.settings = learner_settings, .start = learner_start,
                                            .blocks = learner_blocks, .scores = learner_scores,
                                            .backward = learner_backward,
                                            .stream = learner_stream,
                                            .parameters_changed = learner_parameters_changed,
                                            .prepare_scores = learner_prepare_scores)));
