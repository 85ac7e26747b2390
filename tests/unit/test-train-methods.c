/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Three methods with several losses or vectors of their own to a step, as a plugin would
 * write them: sharpness-aware training by groups, perturbations found by ascent within
 * descent, and the direction that serves three losses.  Each is held against the same
 * method on plain arrays of doubles, which shares nothing with the first but the
 * triples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include <fairlead/plugin.h>

#include "tests/support/matrix-model.h"

enum
{
  N_USERS = 14,
  N_ITEMS = 11,
  RANK = 5,
  BATCH = 30,
  N_GROUPS = 3, /* of triples; some are in none */
  N_INNER = 3
};

#define N_NUMBERS ((N_USERS + N_ITEMS) * RANK)

/* Those of the settings below. */
#define RATE 0.5
#define L2 0.02

/* How far SAM looks, how strongly groups weigh, and how fast delta grows. */
#define RHO 0.3
#define ETA 2.0
#define INNER_RATE 4.0

static uint32_t
group_of (uint32_t user, uint32_t item)
{
  uint32_t g = (user + 2 * item) % (N_GROUPS + 1);

  return g < N_GROUPS ? g : FL_NO_GROUP;
}

/* Whether the positive, the negative and the user of a triple are perturbed. */
static gboolean
is_perturbed (uint32_t user, uint32_t item, size_t column)
{
  return (user + item + column) % 3 > 0;
}

static gboolean
is_user_perturbed (uint32_t user, uint32_t item)
{
  return (user * item) % 2 > 0;
}

/* The triples of a training, batch by batch, for the other side. */
typedef struct
{
  size_t n_batches;
  struct
  {
    size_t n;
    uint32_t user[BATCH], item[2 * BATCH];
  } batch[200];
} Course;

static void
record (Course *course, const FlBatch *batch)
{
  size_t b = course->n_batches++;

  assert_true (b < G_N_ELEMENTS (course->batch));
  course->batch[b].n = batch->n;
  memcpy (course->batch[b].user, batch->user, batch->n * sizeof *batch->user);
  memcpy (course->batch[b].item, batch->item, 2 * batch->n * sizeof *batch->item);
}

/* ---- by the interface --------------------------------------------------- */

/* A gradient for each group, and room for its triples. */
typedef struct
{
  FlGradient *gradient[N_GROUPS];
  FlBatch *part;
  double score[2 * BATCH], d_score[2 * BATCH];
  uint32_t group[BATCH];
} Work;

static void
work_clear (Work *work)
{
  for (size_t g = 0; g < N_GROUPS; g++)
    fl_gradient_free (work->gradient[g]);
  fl_batch_free (work->part);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static gboolean
work_init (Work *work, const FlTraining *training, GError **error)
{
  const FlBlock *blocks;
  size_t n_blocks = fl_training_blocks (training, &blocks);

  for (size_t g = 0; g < N_GROUPS; g++)
    if ((work->gradient[g] = fl_gradient_new (n_blocks, blocks, error)) == NULL)
      return FALSE;
  work->part = fl_batch_new (fl_training_batch_size (training), 2, error);
  return work->part != NULL;
}

static void
find_groups (Work *work, const FlBatch *batch)
{
  for (size_t k = 0; k < batch->n; k++)
    work->group[k] = group_of (batch->user[k], batch->item[2 * k]);
}

/* The mean loss of the triples of work->part and its gradient, with its own penalty. */
static double
differentiate_part (FlTraining *training, Work *work, FlGradient *gradient)
{
  const FlBatch *part = work->part;
  double loss, l2 = fl_training_settings (training)->l2 / (double) part->n;

  fl_training_scores (training, part, work->score);
  loss = fl_loss_bpr (part->n, work->score, NULL, work->d_score, NULL);
  fl_training_derive (training, part, work->d_score, l2, gradient, NULL);
  return loss;
}

/* For each group its gradient rho further up its own slope; a step along their sum,
 * weighed by exp (eta loss). */
static gboolean
train_sam (const FlStage *stage, Course *course, GError **error)
{
  g_autoptr (FlTraining) training = fl_training_new (stage, NULL, error);
  g_auto (Work) work = { .part = NULL };
  FlGradient *gradient;
  const FlBatch *batch;

  if (training == NULL || !work_init (&work, training, error))
    return FALSE;
  gradient = fl_training_gradient (training);
  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      {
        double loss[N_GROUPS] = { 0 }, weight[N_GROUPS] = { 0 }, sum = 0, all = 0;

        record (course, batch);
        find_groups (&work, batch);
        for (uint32_t g = 0; g < N_GROUPS; g++)
          {
            if (fl_batch_select (batch, work.group, g, work.part) == 0)
              continue;
            loss[g] = differentiate_part (training, &work, gradient);
            fl_training_move (training, RHO / sqrt (fl_gradient_dot (gradient, gradient)),
                              gradient);
            differentiate_part (training, &work, work.gradient[g]);
            fl_training_restore (training);
            fl_gradient_clear (gradient);
            sum += weight[g] = exp (ETA * loss[g]);
          }
        for (uint32_t g = 0; g < N_GROUPS; g++)
          {
            fl_gradient_add (gradient, weight[g] / sum, work.gradient[g]);
            fl_gradient_clear (work.gradient[g]);
            all += weight[g] / sum * loss[g];
          }
        fl_training_step (training, gradient, all);
      }
  return fl_training_end (training, error);
}

/* The parameters descend the loss of vectors to which delta is added where masks say so;
 * delta, from 0 at each batch, ascends it. */
static gboolean
train_bilevel (const FlStage *stage, Course *course, GError **error)
{
  static float delta[N_ITEMS * RANK], user_delta[N_USERS * RANK];
  const FlBlock blocks[] = {
    { .name = "delta", .n_rows = N_ITEMS, .n_cols = RANK, .f32 = delta },
    { .name = "user delta", .n_rows = N_USERS, .n_cols = RANK, .f32 = user_delta },
  };
  g_autoptr (FlTraining) training = fl_training_new (stage, NULL, error);
  g_autoptr (FlGradient) d_delta = fl_gradient_new (2, blocks, error);
  g_autoptr (FlOptimizer) inner
      = fl_optimizer_new (2, blocks, &FL_TRAINING_SETTINGS (.optimizer = FL_OPTIMIZER_SGD,
                                                            .learning_rate = INNER_RATE), error);
  double score[2 * BATCH], d_score[2 * BATCH], loss = 0;
  uint8_t mask[2 * BATCH], user_mask[BATCH];
  const FlBatch *batch;

  if (training == NULL || d_delta == NULL || inner == NULL)
    return FALSE;
  assert_int_equal (fl_training_item_width (training), RANK);
  assert_int_equal (fl_training_user_width (training), RANK);
  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      {
        FlBatch here;

        record (course, batch);
        FL_COPY (&here, batch);
        here.delta = delta;
        here.user_delta = user_delta;
        here.mask = mask;
        here.user_mask = user_mask;
        for (size_t k = 0; k < 2 * batch->n; k++)
          mask[k] = is_perturbed (batch->user[k / 2], batch->item[k], k % 2) ? 1 : 0;
        for (size_t k = 0; k < batch->n; k++)
          user_mask[k] = is_user_perturbed (batch->user[k], batch->item[2 * k]) ? 1 : 0;
        memset (delta, 0, sizeof delta);
        memset (user_delta, 0, sizeof user_delta);
        for (int t = 0; t < N_INNER; t++)
          {
            fl_training_scores (training, &here, score);
            fl_loss_bpr (here.n, score, NULL, d_score, NULL);
            fl_training_derive (training, &here, d_score, 0, NULL, d_delta);
            fl_gradient_scale (d_delta, -1); /* up */
            fl_optimizer_step (inner, d_delta);
            fl_gradient_clear (d_delta);
          }
        fl_training_scores (training, &here, score);
        loss = fl_loss_bpr (here.n, score, NULL, d_score, NULL);
        fl_training_backward (training, &here, d_score, fl_training_gradient (training), NULL);
        fl_training_step (training, fl_training_gradient (training), loss);
      }
  return fl_training_end (training, error);
}

/* A step along the shortest convex combination of the groups' gradients. */
static gboolean
train_min_norm (const FlStage *stage, Course *course, GError **error)
{
  g_autoptr (FlTraining) training = fl_training_new (stage, NULL, error);
  g_auto (Work) work = { .part = NULL };
  FlGradient *gradient;
  const FlBatch *batch;

  if (training == NULL || !work_init (&work, training, error))
    return FALSE;
  gradient = fl_training_gradient (training);
  while (fl_training_epoch (training))
    while ((batch = fl_training_batch (training)) != NULL)
      {
        double gram[N_GROUPS * N_GROUPS], weight[N_GROUPS], loss[N_GROUPS] = { 0 }, all = 0;
        GError *failure = NULL;

        record (course, batch);
        find_groups (&work, batch);
        for (uint32_t g = 0; g < N_GROUPS; g++)
          if (fl_batch_select (batch, work.group, g, work.part) > 0)
            loss[g] = differentiate_part (training, &work, work.gradient[g]);
        fl_gradient_gram (N_GROUPS, (const FlGradient *const *) work.gradient, gram);
        if (!fl_min_norm (N_GROUPS, gram, weight, &failure))
          {
            fl_training_fail (training, failure);
            break;
          }
        for (uint32_t g = 0; g < N_GROUPS; g++)
          {
            fl_gradient_add (gradient, weight[g], work.gradient[g]);
            fl_gradient_clear (work.gradient[g]);
            all += weight[g] * loss[g];
          }
        fl_training_step (training, gradient, all);
      }
  return fl_training_end (training, error);
}

/* ---- on plain arrays ---------------------------------------------------- */

/* All parameters: users, then items. */
typedef struct
{
  double v[N_NUMBERS];
} Dense;

#define USER(x, u) ((x)->v + (u) *RANK)
#define ITEM(x, i) ((x)->v + (N_USERS + (i)) * RANK)

static double
dense_dot (const Dense *a, const Dense *b)
{
  double sum = 0;

  for (size_t k = 0; k < N_NUMBERS; k++)
    sum += a->v[k] * b->v[k];
  return sum;
}

static void
dense_add (Dense *a, double factor, const Dense *b)
{
  for (size_t k = 0; k < N_NUMBERS; k++)
    a->v[k] += factor * b->v[k];
}

/* Which vectors of a triple have something added: user, positive, negative. */
typedef struct
{
  gboolean user, item[2];
} Touched;

/* -ln sigma (x . (y - z)) of one triple, x = U_u + delta_u and so on; its derivative by x,
 * y, z is added to `by`, times weight, and to `by_delta` where delta is added. */
static double
dense_triple (const Dense *at, const Dense *delta, Touched touched, uint32_t u,
              const uint32_t *item, double weight, Dense *by, Dense *by_delta)
{
  double x[RANK], y[2][RANK], difference = 0, slope;

  for (size_t a = 0; a < RANK; a++)
    {
      x[a] = USER (at, u)[a] + (touched.user ? USER (delta, u)[a] : 0);
      for (size_t c = 0; c < 2; c++)
        y[c][a] = ITEM (at, item[c])[a] + (touched.item[c] ? ITEM (delta, item[c])[a] : 0);
      difference += x[a] * (y[0][a] - y[1][a]);
    }
  slope = -weight / (1 + exp (difference));
  for (size_t a = 0; a < RANK; a++)
    {
      USER (by, u)[a] += slope * (y[0][a] - y[1][a]);
      ITEM (by, item[0])[a] += slope * x[a];
      ITEM (by, item[1])[a] -= slope * x[a];
      if (touched.user)
        USER (by_delta, u)[a] += slope * (y[0][a] - y[1][a]);
      if (touched.item[0])
        ITEM (by_delta, item[0])[a] += slope * x[a];
      if (touched.item[1])
        ITEM (by_delta, item[1])[a] -= slope * x[a];
    }
  return log1p (exp (-difference));
}

static void
dense_penalty (const Dense *at, uint32_t u, const uint32_t *item, double weight, Dense *by)
{
  for (size_t a = 0; a < RANK; a++)
    {
      USER (by, u)[a] += 2 * weight * USER (at, u)[a];
      for (size_t c = 0; c < 2; c++)
        ITEM (by, item[c])[a] += 2 * weight * ITEM (at, item[c])[a];
    }
}

/* The mean over the triples of group g, and its gradient with the penalty; NAN when there
 * are none. */
static double
dense_group (const Dense *at, const Course *course, size_t b, uint32_t g, Dense *by)
{
  const uint32_t *user = course->batch[b].user, *item = course->batch[b].item;
  double loss = 0, n = 0;

  *by = (Dense) { { 0 } };
  for (size_t k = 0; k < course->batch[b].n; k++)
    n += group_of (user[k], item[2 * k]) == g;
  for (size_t k = 0; k < course->batch[b].n; k++)
    if (group_of (user[k], item[2 * k]) == g)
      {
        loss += dense_triple (at, NULL, (Touched) { 0 }, user[k], item + 2 * k, 1 / n, by, NULL);
        dense_penalty (at, user[k], item + 2 * k, L2 / n, by);
      }
  return loss / n;
}

static void
dense_sam (Dense *at, const Course *course, size_t b)
{
  Dense sum = { { 0 } };
  double weights = 0;

  for (uint32_t g = 0; g < N_GROUPS; g++)
    {
      Dense by, moved = *at, sharp;
      double loss = dense_group (at, course, b, g, &by);

      if (isnan (loss))
        continue;
      dense_add (&moved, RHO / sqrt (dense_dot (&by, &by)), &by);
      dense_group (&moved, course, b, g, &sharp);
      dense_add (&sum, exp (ETA * loss), &sharp);
      weights += exp (ETA * loss);
    }
  dense_add (at, -RATE / weights, &sum);
}

/* The gradient at delta of the whole batch, by parameters and by delta. */
static void
dense_perturbed (const Dense *at, const Dense *delta, const Course *course, size_t b, Dense *by,
                 Dense *by_delta)
{
  const uint32_t *user = course->batch[b].user, *item = course->batch[b].item;
  double n = (double) course->batch[b].n;

  *by = *by_delta = (Dense) { { 0 } };
  for (size_t k = 0; k < course->batch[b].n; k++)
    {
      Touched touched = { is_user_perturbed (user[k], item[2 * k]),
                          { is_perturbed (user[k], item[2 * k], 0),
                            is_perturbed (user[k], item[2 * k + 1], 1) } };

      dense_triple (at, delta, touched, user[k], item + 2 * k, 1 / n, by, by_delta);
      dense_penalty (at, user[k], item + 2 * k, L2 / n, by);
    }
}

static void
dense_bilevel (Dense *at, const Course *course, size_t b)
{
  Dense delta = { { 0 } }, by, by_delta;

  for (int t = 0; t < N_INNER; t++)
    {
      dense_perturbed (at, &delta, course, b, &by, &by_delta);
      dense_add (&delta, INNER_RATE, &by_delta);
    }
  dense_perturbed (at, &delta, course, b, &by, &by_delta);
  dense_add (at, -RATE, &by);
}

/* The shortest of all combinations on a grid, then on finer ones about it: of a convex
 * function of two numbers that is what there is to find. */
static void
search_weights (const Dense *by, double *best)
{
  double width = 0.5, centre[2] = { 1.0 / 3, 1.0 / 3 }, gram[N_GROUPS][N_GROUPS];

  for (size_t i = 0; i < N_GROUPS; i++)
    for (size_t j = 0; j < N_GROUPS; j++)
      gram[i][j] = dense_dot (&by[i], &by[j]);
  for (int round = 0; round < 120; round++, width *= 0.8)
    {
      double least = INFINITY, found[2] = { 0 };

      for (int i = -6; i <= 6; i++)
        for (int j = -6; j <= 6; j++)
          {
            double w[N_GROUPS] = { CLAMP (centre[0] + width * i / 6, 0, 1), 0, 0 }, length = 0;

            w[1] = CLAMP (centre[1] + width * j / 6, 0, 1 - w[0]);
            w[2] = 1 - w[0] - w[1];
            for (size_t p = 0; p < N_GROUPS; p++)
              for (size_t q = 0; q < N_GROUPS; q++)
                length += w[p] * w[q] * gram[p][q];
            if (length < least)
              {
                least = length;
                found[0] = w[0];
                found[1] = w[1];
              }
          }
      centre[0] = found[0];
      centre[1] = found[1];
    }
  best[0] = centre[0];
  best[1] = centre[1];
  best[2] = 1 - best[0] - best[1];
}

static void
dense_min_norm (Dense *at, const Course *course, size_t b)
{
  Dense by[N_GROUPS], sum = { { 0 } };
  double weight[N_GROUPS];

  for (uint32_t g = 0; g < N_GROUPS; g++)
    dense_group (at, course, b, g, &by[g]);
  search_weights (by, weight);
  for (size_t g = 0; g < N_GROUPS; g++)
    dense_add (&sum, weight[g], &by[g]);
  dense_add (at, -RATE, &sum);
}

/* ---- both --------------------------------------------------------------- */

static FlRegistry *registry;

static FlRatings *
some_ratings (void)
{
  uint32_t user[N_USERS * N_ITEMS], item[N_USERS * N_ITEMS];
  double rating[N_USERS * N_ITEMS];
  size_t n = 0;

  for (uint32_t u = 0; u < N_USERS; u++)
    for (uint32_t i = 0; i < N_ITEMS; i++)
      if ((u * 7 + i * 3) % 5 < 2)
        {
          user[n] = u;
          item[n] = i;
          rating[n++] = 1;
        }
  return fl_ratings_new (N_USERS, N_ITEMS, n, user, item, rating, NULL);
}

static const FlBlock *
blocks_of (const FlInstance *model)
{
  const FlBlock *blocks;

  ((const FlModelOps *) model->ops)->gradient->blocks (model->self, &blocks);
  return blocks;
}

static Dense
parameters_of (const FlInstance *model)
{
  const FlBlock *block = blocks_of (model);
  Dense all;

  for (size_t k = 0; k < N_NUMBERS; k++)
    all.v[k] = k < N_USERS * RANK ? (double) block[0].f32[k]
                                  : (double) block[1].f32[k - N_USERS * RANK];
  return all;
}

static double
distance (const Dense *a, const Dense *b)
{
  Dense difference = *a;

  dense_add (&difference, -1, b);
  return sqrt (dense_dot (&difference, &difference));
}

typedef gboolean (*Train) (const FlStage *stage, Course *course, GError **error);
typedef void (*DenseStep) (Dense *at, const Course *course, size_t b);

/* Steps are in float on one side: after twenty of them, in which parameters go some way,
 * 1e-5 of that way is what rounding makes. */
static void
check_method (Train train, DenseStep step, const char *name)
{
  static Course course;
  g_autoptr (FlRatings) ratings = some_ratings ();
  const char *const settings[] = { "rank=5", "epochs=10", "batch=30", "optimizer=sgd",
                                   "learning-rate=0.5", "l2=0.02", "start=normal",
                                   "start-scale=0.6", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) model
      = test_instance_new (registry, FL_KIND_MODEL, "bpr-mf", settings, &error);
  const FlModelOps *ops;
  FlData data = FL_DATA (.train = ratings);
  FlStage stage = FL_STAGE (.data = &data, .model = model);
  Dense first, expected, found;

  assert_non_null (model);
  ops = model->ops;
  course.n_batches = 0;
  assert_true (ops->gradient->start (model->self, ratings, fl_run_seed (NULL), NULL));
  first = expected = parameters_of (model);
  if (!train (&stage, &course, &error))
    fail_msg ("%s: %s", name, error->message);
  found = parameters_of (model);
  for (size_t b = 0; b < course.n_batches; b++)
    step (&expected, &course, b);
  print_message ("%s: %zu steps, %.3g from the start, %.3g from the other side\n", name,
                 course.n_batches, distance (&found, &first), distance (&found, &expected));
  assert_true (distance (&found, &first) > 0.5);
  assert_true (distance (&found, &expected) < 1e-5 * distance (&found, &first));
}

static void
test_sam (void **state)
{
  (void) state;
  check_method (train_sam, dense_sam, "sharpness by groups");
}

static void
test_bilevel (void **state)
{
  (void) state;
  check_method (train_bilevel, dense_bilevel, "perturbations");
}

static void
test_min_norm (void **state)
{
  (void) state;
  check_method (train_min_norm, dense_min_norm, "shortest combination");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_sam),
    cmocka_unit_test (test_bilevel),
    cmocka_unit_test (test_min_norm),
  };
  GError *error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  g_assert_no_error (error);
  failed = cmocka_run_group_tests_name ("train-methods", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
