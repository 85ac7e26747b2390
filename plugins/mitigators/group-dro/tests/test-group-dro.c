/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* GroupDRO: the gradient of its loss against differences, its weights, and what it
 * leaves as it was.  Each user has rated all items but one, so that triples are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/train/train-room.h"
#include "plugins/mitigators/group-dro/group-dro.h"
#include "tests/support/learner.h"
#include "tests/support/matrix-model.h"

enum { N_USERS = 7, N_ITEMS = 5, RANK = 3, N = N_USERS * (N_ITEMS - 1) };

static const uint32_t user_group[N_USERS] = { 0, 1, 0, 1, 0, 1, 0 };
static const uint32_t item_group[N_ITEMS] = { 2, 0, 0, 2, 0 }; /* nobody is in group 1 */

static FlRegistry *registry;

static uint32_t
unseen (uint32_t u)
{
  return (2 * u + 1) % N_ITEMS;
}

typedef struct
{
  FlRatings *ratings;
  FlGroups *user_groups, *item_groups;
  FlRun *run;
  FlData data;
  Learner learner;
  FlInstance model;
  FlStage stage;
} Scene;

static void
scene_open (Scene *s, const FlTrainingSettings *settings)
{
  uint32_t user[N], item[N];
  double rating[N];
  size_t n = 0;

  for (uint32_t u = 0; u < N_USERS; u++)
    for (uint32_t i = 0; i < N_ITEMS; i++)
      if (i != unseen (u))
        {
          user[n] = u;
          item[n] = i;
          rating[n++] = 1;
        }
  *s = (Scene) { .ratings = fl_ratings_new (N_USERS, N_ITEMS, n, user, item, rating, NULL),
                 .user_groups = test_groups_new ("side", 2, N_USERS, NULL, user_group),
                 .item_groups = test_groups_new ("kind", 3, N_ITEMS, NULL, item_group),
                 .run = fl_run_new (5, NULL, NULL),
                 .learner = { .rank = RANK, .scale = 0.7, .trap = (char *) "",
                              .training = *settings } };
  s->data = FL_DATA (.train = s->ratings, .user_groups = s->user_groups,
                     .item_groups = s->item_groups);
  s->model = (FlInstance) { .plugin = &learner_plugin, .self = &s->learner,
                            .ops = learner_plugin.ops };
  s->stage = FL_STAGE (.data = &s->data, .model = &s->model, .run = s->run);
}

static void
scene_clear (Scene *s)
{
  learner_plugin.clear (&s->learner);
  fl_ratings_free (s->ratings);
  fl_groups_free (s->user_groups);
  fl_groups_free (s->item_groups);
  fl_run_free (s->run);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scene, scene_clear)

static FlTrainingSettings
settings (int64_t epochs, int64_t batch, int optimizer, double learning_rate, double l2)
{
  return FL_TRAINING_SETTINGS (.epochs = epochs, .batch = batch, .negatives = 1,
                               .optimizer = optimizer, .learning_rate = learning_rate, .l2 = l2,
                               .stop_k = 20, .patience = 10, .validate_every = 1);
}

static gboolean
train (Scene *s, const char *groups, const char *eta, GError **error)
{
  const char *given[] = { groups, eta, NULL };
  g_autoptr (FlInstance) dro = test_instance_new (registry, FL_KIND_MITIGATOR, "group-dro", given,
                                                  error);

  assert_non_null (dro);
  return fl_mitigator_train (dro, &s->stage, error);
}

static void
train_well (Scene *s, const char *groups, const char *eta)
{
  g_autoptr (GError) error = NULL;

  if (!train (s, groups, eta, &error))
    fail_msg ("%s", error->message);
}

static const char *
note (const Scene *s, const char *name)
{
  const GPtrArray *notes = fl_run_notes (s->run);

  for (guint i = 0; i < notes->len; i++)
    if (strcmp (((FlSetting *) g_ptr_array_index (notes, i))->key, name) == 0)
      return ((FlSetting *) g_ptr_array_index (notes, i))->value;
  return NULL;
}

/* ---- the gradient ------------------------------------------------------- */

/* User vectors, then item vectors. */
typedef struct
{
  double v[(N_USERS + N_ITEMS) * RANK];
} Vectors;

static Vectors
vectors (const Scene *s)
{
  Vectors all;

  for (size_t k = 0; k < G_N_ELEMENTS (all.v); k++)
    all.v[k] = k < N_USERS * RANK ? (double) s->learner.block[0].f32[k]
                                  : (double) s->learner.block[1].f32[k - N_USERS * RANK];
  return all;
}

static double
product (const Vectors *all, size_t a, size_t b)
{
  double sum = 0;

  for (size_t f = 0; f < RANK; f++)
    sum += all->v[a * RANK + f] * all->v[b * RANK + f];
  return sum;
}

/* L_g of the six crossed groups, and the penalty beside them. */
static double
losses (const Vectors *all, double l2, double loss[6])
{
  double penalty = 0;
  size_t count[6] = { 0 };

  memset (loss, 0, 6 * sizeof *loss);
  for (uint32_t u = 0; u < N_USERS; u++)
    for (uint32_t i = 0; i < N_ITEMS; i++)
      {
        size_t g = user_group[u] * 3 + item_group[i], p = N_USERS + i, q = N_USERS + unseen (u);

        if (i == unseen (u))
          continue;
        loss[g] += log1p (exp (product (all, u, q) - product (all, u, p)));
        count[g]++;
        penalty += l2 / N * (product (all, u, u) + product (all, p, p) + product (all, q, q));
      }
  for (size_t g = 0; g < 6; g++)
    loss[g] = count[g] > 0 ? loss[g] / (double) count[g] : NAN;
  return penalty;
}

/* By the weights themselves. */
static void
move_weights (size_t n, const double *loss, double eta, GroupDroMissing missing, double *weight)
{
  for (size_t g = 0; g < n; g++)
    weight[g] = log (weight[g]);
  group_dro_weights (n, loss, eta, missing, weight);
  for (size_t g = 0; g < n; g++)
    weight[g] = exp (weight[g]);
}

static double
weigh_losses (size_t n, const double *loss, const double *weight)
{
  double log_weight[6];

  for (size_t g = 0; g < n; g++)
    log_weight[g] = log (weight[g]);
  return group_dro_loss (n, loss, log_weight);
}

static double
objective (const Vectors *all, double l2, const double weight[6])
{
  double loss[6], penalty = losses (all, l2, loss);

  return weigh_losses (6, loss, weight) + penalty;
}

/* A step of gradient descent of size 1 over the whole epoch is minus the derivative of
 * the loss under the new weights, which is taken by central differences in double:
 * what is compared is float, near 1. */
static void
test_gradient (void **state)
{
  const FlTrainingSettings still = settings (1, 1000, FL_OPTIMIZER_SGD, 0, 0.05);
  const FlTrainingSettings step = settings (1, 1000, FL_OPTIMIZER_SGD, 1, 0.05);
  double loss[6], weight[6] = { 0.25, 0, 0.25, 0.25, 0, 0.25 };
  g_auto (Scene) before, after;
  Vectors from, to;

  (void) state;
  scene_open (&before, &still);
  scene_open (&after, &step);
  train_well (&before, "groups=intersectional", "eta=0.8");
  train_well (&after, "groups=intersectional", "eta=0.8");
  from = vectors (&before);
  to = vectors (&after);
  losses (&from, 0.05, loss);
  move_weights (6, loss, 0.8, GROUP_DRO_WAIT, weight);
  for (size_t k = 0; k < G_N_ELEMENTS (from.v); k++)
    {
      Vectors up = from, down = from;
      double slope;

      up.v[k] += 1e-5;
      down.v[k] -= 1e-5;
      slope = (objective (&up, 0.05, weight) - objective (&down, 0.05, weight)) / 2e-5;
      if (!(fabs (from.v[k] - to.v[k] - slope) < 1e-6))
        fail_msg ("parameter %zu: moved by %g, slope is %g", k, from.v[k] - to.v[k], slope);
    }
  assert_string_not_equal (note (&after, "weight side=0,kind=0"), "0.25");
  assert_true (fabs (g_ascii_strtod (note (&after, "weight side=1,kind=2"), NULL) - weight[5])
               < 1e-7);
  assert_null (note (&after, "weight side=0,kind=1"));
}

/* ---- weights ------------------------------------------------------------ */

static void
assert_weights (const double *weight, const double *expected, size_t n)
{
  for (size_t g = 0; g < n; g++)
    if (!(fabs (weight[g] - expected[g]) < 1e-15))
      fail_msg ("weight %zu: %.17g is not %.17g", g, weight[g], expected[g]);
}

/* With eta = ln 2 a unit of loss doubles a weight. */
static void
test_weights (void **state)
{
  const double loss[] = { 0, NAN, 1, 0 }, all[] = { 1, 3, 0, 1 };
  const double start[] = { 0.25, 0.25, 0.25, 0.25 };
  double weight[4];

  (void) state;
  memcpy (weight, start, sizeof weight);
  move_weights (4, loss, G_LN2, GROUP_DRO_WAIT, weight);
  assert_weights (weight, start, 4);
  move_weights (4, loss, G_LN2, GROUP_DRO_OTHERS, weight);
  assert_weights (weight, (double[]) { 0.1875, 0.25, 0.375, 0.1875 }, 4);
  memcpy (weight, start, sizeof weight);
  move_weights (4, all, G_LN2, GROUP_DRO_WAIT, weight);
  assert_weights (weight, (double[]) { 2 / 13.0, 8 / 13.0, 1 / 13.0, 2 / 13.0 }, 4);
  assert_true (fabs (weigh_losses (4, loss, weight) - 1 / 13.0) < 1e-15);
}

/* A group that has no triple at all keeps nobody waiting. */
static void
test_absent (void **state)
{
  double weight[] = { 0.5, 0, 0.5 };

  (void) state;
  move_weights (3, (double[]) { 1, NAN, 0 }, G_LN2, GROUP_DRO_WAIT, weight);
  assert_weights (weight, (double[]) { 2 / 3.0, 0, 1 / 3.0 }, 3);
}

/* A weight below all numbers is not lost: as many batches the other way bring it back. */
static void
test_underflow (void **state)
{
  double log_weight[] = { log (0.5), log (0.5), -INFINITY };

  (void) state;
  for (int batch = 0; batch < 1000; batch++)
    group_dro_weights (3, (double[]) { 1, 0, NAN }, 5, GROUP_DRO_WAIT, log_weight);
  assert_true (exp (log_weight[1]) == 0.0);
  assert_true (fabs (log_weight[1] + 5000) < 1e-9);
  for (int batch = 0; batch < 1000; batch++)
    group_dro_weights (3, (double[]) { 0, 1, NAN }, 5, GROUP_DRO_WAIT, log_weight);
  assert_true (fabs (exp (log_weight[0]) - 0.5) < 1e-9 && fabs (exp (log_weight[1]) - 0.5) < 1e-9);
  for (int batch = 0; batch < 1000; batch++) /* the largest eta */
    group_dro_weights (3, (double[]) { 0, 9, NAN }, 1000, GROUP_DRO_WAIT, log_weight);
  assert_true (exp (log_weight[1]) == 1.0 && isfinite (log_weight[0]));
}

/* ---- what stays as it was ------------------------------------------------ */

static void
assert_same (const Scene *a, const Scene *b)
{
  for (size_t k = 0; k < 2; k++)
    assert_memory_equal (a->learner.block[k].f32, b->learner.block[k].f32,
                         a->learner.block[k].n_rows * RANK * sizeof (float));
}

/* One group of all is the training of the model itself, to the digit. */
static void
test_one_group (void **state)
{
  const FlTrainingSettings adam = settings (3, 8, FL_OPTIMIZER_ADAM, 0.05, 0.01);
  static const uint32_t one[N_USERS] = { 0 };
  g_autoptr (GError) error = NULL;
  g_auto (Scene) plain, dro;

  (void) state;
  scene_open (&plain, &adam);
  scene_open (&dro, &adam);
  fl_groups_free (dro.user_groups);
  dro.data.user_groups = dro.user_groups = test_groups_new ("all", 1, N_USERS, NULL, one);
  dro.data.item_groups = NULL; /* which it does not need */
  if (!fl_training_run (&plain.stage, &error))
    fail_msg ("%s", error->message);
  train_well (&dro, "groups=user", "eta=3");
  assert_same (&plain, &dro);
  assert_string_equal (note (&dro, "weight all=0"), "1");
}

static void
test_threads (void **state)
{
  const FlTrainingSettings adam = settings (3, 8, FL_OPTIMIZER_ADAM, 0.05, 0.01);
  g_auto (Scene) first, second;

  (void) state;
  scene_open (&first, &adam);
  scene_open (&second, &adam);
  omp_set_num_threads (1);
  train_well (&first, "groups=intersectional", "eta=1");
  omp_set_num_threads (2);
  train_well (&second, "groups=intersectional", "eta=1");
  assert_same (&first, &second);
  assert_string_equal (note (&first, "weight side=1,kind=0"),
                       note (&second, "weight side=1,kind=0"));
}

/* Items beyond the groups were added by another mitigator: a group of their own. */
static void
test_added (void **state)
{
  const FlTrainingSettings sgd = settings (2, 1000, FL_OPTIMIZER_SGD, 0.1, 0);
  g_auto (Scene) s;

  (void) state;
  scene_open (&s, &sgd);
  fl_groups_free (s.item_groups);
  s.data.item_groups = s.item_groups = test_groups_new ("kind", 3, 3, NULL, item_group);
  train_well (&s, "groups=item", "eta=0");
  assert_true (fabs (g_ascii_strtod (note (&s, "weight kind=added"), NULL) - 1 / 3.0) < 1e-15);
  assert_null (note (&s, "weight kind=1"));
}

static void
assert_refused (Scene *s, const char *groups, const char *part)
{
  g_autoptr (GError) error = NULL;

  assert_false (train (s, groups, "eta=1", &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
  if (strstr (error->message, part) == NULL)
    fail_msg ("'%s' does not say '%s'", error->message, part);
}

static void
test_refusals (void **state)
{
  FlTrainingSettings given = settings (1, 8, FL_OPTIMIZER_SGD, 0.1, 0);
  g_auto (Scene) bare, pairs, stream;

  (void) state;
  scene_open (&bare, &given);
  bare.data.user_groups = NULL;
  assert_refused (&bare, "groups=intersectional", "groups of users");
  bare.data.item_groups = NULL;
  assert_refused (&bare, "groups=item", "groups of items");
  given.loss = FL_LOSS_BCE;
  scene_open (&pairs, &given);
  assert_refused (&pairs, "groups=user", "loss = bpr");
  given = settings (1, 8, FL_OPTIMIZER_STREAM, 0.1, 0);
  scene_open (&stream, &given);
  assert_refused (&stream, "groups=user", "stream");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_gradient), cmocka_unit_test (test_weights),
    cmocka_unit_test (test_absent),   cmocka_unit_test (test_one_group),
    cmocka_unit_test (test_threads),  cmocka_unit_test (test_added),
    cmocka_unit_test (test_refusals), cmocka_unit_test (test_underflow),
  };
  g_autoptr (GError) error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  if (registry == NULL)
    g_error ("%s", error->message);
  failed = cmocka_run_group_tests_name ("group-dro", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
