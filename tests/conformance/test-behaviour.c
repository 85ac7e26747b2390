/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Methods of every plugin found: on data too small or too plain for their
 * formulas they yield what is undefined or an error, never a crash and never a
 * number that is not finite; the same seed gives the same bytes; two instances
 * used in turns do not disturb each other; clear works at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/data/shaping/shaping-room.h"
#include "tests/conformance/fixture.h"
#include "tests/support/slow.h"

static FlInstance *
make (const FlEntry *entry, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;
  FlInstance *instance = fixture_instance (entry, key, value, &error);

  if (instance == NULL && key == NULL)
    fail_msg ("%s", error->message);
  return instance; /* NULL: this word alone does not go with the others */
}

/* An error must speak, and blame the data, not the arithmetic. */
static void
assert_decent (const FlEntry *entry, const char *what, const GError *error)
{
  assert_non_null (error);
  assert_true (error->domain == FL_ERROR);
  if (*error->message == '\0' || error->code == FL_ERROR_NUMERIC)
    fail_msg ("%s on %s: '%s'", entry->plugin.name, what, error->message);
}

/* ---- sources ----------------------------------------------------------- */

/* The digest, or NULL when the source has nothing to load here. */
static char *
digest (const FlEntry *entry, const FlInstance *source, uint64_t seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlDataset) dataset = fl_dataset_load (source, NULL, seed, &error);

  if (dataset == NULL)
    {
      assert_decent (entry, "missing files", error);
      return NULL;
    }
  return g_strdup (dataset->digest);
}

static void
check_source (const FlEntry *entry, const char *key, const char *value)
{
  const FlSourceOps *ops = entry->plugin.ops;
  g_autoptr (FlInstance) a = make (entry, key, value), b = make (entry, key, value);
  g_autofree char *first = NULL, *other = NULL, *again = NULL;

  if (a == NULL || b == NULL)
    return;
  first = digest (entry, a, 1);
  other = digest (entry, b, 2);
  again = digest (entry, a, 1);
  if (first == NULL)
    return;
  assert_string_equal (first, again);
  if ((strcmp (first, other) != 0) != (ops->seeded != 0))
    fail_msg ("%s: another seed gives %s data", entry->plugin.name,
              ops->seeded ? "the same" : "other");
}

static void
test_sources (void **state)
{
  (void) state;
  fixture_for_each (FL_KIND_SOURCE, check_source);
}

/* ---- models ------------------------------------------------------------ */

/* By the mitigator, the model itself, or the host. */
static gboolean
train (FlInstance *mitigator, const FlStage *stage, GError **error)
{
  return mitigator != NULL ? fl_mitigator_train (mitigator, stage, error)
                           : fl_model_fit (stage->model, stage->data, stage->run, error);
}

/* Scores of all users x items after a fit, by a mitigator unless it is NULL; NULL
 * when the fit was refused. */
static double *
fit (const FlEntry *entry, FlInstance *mitigator, FlInstance *model,
     const FixtureData *data, uint64_t seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlRatings) ratings = fixture_ratings (data);
  g_autoptr (FlRun) run = fl_run_new (seed, NULL, NULL);
  g_autoptr (FlView) view = NULL;
  FlGroups *users = fixture_groups (data->n_users, 3, 2);
  FlGroups *items = fixture_groups (data->n_items, 2, 2);
  FlData all = FL_DATA (.train = ratings, .n_users = data->n_users,
                 .user_groups = mitigator != NULL ? users : NULL,
                 .item_groups = mitigator != NULL ? items : NULL);
  double *scores = NULL;
  uint32_t ids[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
  gboolean trained = train (mitigator, &FL_STAGE (.data = &all, .model = model, .run = run), &error);

  fixture_groups_free (users);
  fixture_groups_free (items);
  all.user_groups = all.item_groups = NULL;
  if (!trained)
    {
      assert_decent (entry, data->name, error);
      return NULL;
    }
  view = fl_view_of (&all, NULL, FL_PART_TEST, model, &error);
  scores = g_new (double, data->n_users * (size_t) data->n_items);
  if (view == NULL
      || !fl_view_score (view, data->n_users, ids, data->n_items, ids, scores, &error))
    fail_msg ("%s on %s: %s", entry->plugin.name, data->name, error->message);
  for (size_t k = 0; k < data->n_users * (size_t) data->n_items; k++)
    if (!isfinite (scores[k]))
      fail_msg ("%s on %s: score %zu is %g", entry->plugin.name, data->name, k, scores[k]);
  return scores;
}

static void
assert_same (const FlEntry *entry, const FixtureData *data, const double *a, const double *b)
{
  size_t n = data->n_users * (size_t) data->n_items;

  assert_int_equal (a == NULL, b == NULL);
  if (a != NULL && memcmp (a, b, n * sizeof *a) != 0)
    fail_msg ("%s on %s: same seed, other scores", entry->plugin.name, data->name);
}

static void
check_model (const FlEntry *entry, const char *key, const char *value)
{
  for (size_t d = 0; d < fixture_n_data; d++)
    {
      const FixtureData *data = &fixture_data[d], *other = &fixture_data[fixture_n_data - 1 - d];
      g_autoptr (FlInstance) a = make (entry, key, value), b = make (entry, key, value);
      g_autofree double *first = NULL, *between = NULL, *fresh = NULL, *again = NULL;

      if (a == NULL || b == NULL)
        return;
      first = fit (entry, NULL, a, data, 1);
      if (test_is_slow ())
        continue;
      between = fit (entry, NULL, b, other, 2);
      again = fit (entry, NULL, a, data, 1);
      fresh = fit (entry, NULL, b, data, 1);
      assert_same (entry, data, first, again);
      assert_same (entry, data, first, fresh);
    }
}

static void
test_models (void **state)
{
  (void) state;
  fixture_for_each (FL_KIND_MODEL, check_model);
}

/* Two of the mitigators take turns at two of the models. */
static void
check_pair (const FlEntry *entry, const char *key, const char *value, const FlEntry *learner)
{
  for (size_t d = 0; d < fixture_n_data; d++)
    {
      const FixtureData *data = &fixture_data[d], *other = &fixture_data[fixture_n_data - 1 - d];
      g_autoptr (FlInstance) a = make (entry, key, value), b = make (entry, key, value);
      g_autoptr (FlInstance) x = make (learner, "epochs", "3"), y = make (learner, "epochs", "3");
      g_autofree double *first = NULL, *between = NULL, *fresh = NULL, *again = NULL;

      if (a == NULL || b == NULL || x == NULL || y == NULL)
        return;
      first = fit (entry, a, x, data, 1);
      if (test_is_slow ())
        continue;
      between = fit (entry, b, y, other, 2);
      again = fit (entry, a, x, data, 1);
      fresh = fit (entry, b, y, data, 1);
      assert_same (entry, data, first, again);
      assert_same (entry, data, first, fresh);
    }
}

/* Those that take over training, on every model that they can train. */
static void
check_trainer (const FlEntry *entry, const char *key, const char *value)
{
  const FlMitigatorOps *ops = entry->plugin.ops;

  if (ops->train == NULL || (entry->plugin.needs & FL_NEEDS_GRADIENT) == 0)
    return;
  for (guint i = 0; i < fixture_registry->entries->len; i++)
    {
      const FlEntry *learner = g_ptr_array_index (fixture_registry->entries, i);

      if (learner->plugin.kind == FL_KIND_MODEL
          && ((const FlModelOps *) learner->plugin.ops)->gradient != NULL)
        check_pair (entry, key, value, learner);
    }
}

static void
test_trainers (void **state)
{
  (void) state;
  fixture_for_each (FL_KIND_MITIGATOR, check_trainer);
}

/* Rows of the fitted model, in double. */
static double *
copy_rows (size_t n, const double *f64, const float *f32)
{
  double *copy = g_new (double, n + 1);

  for (size_t k = 0; k < n; k++)
    copy[k] = f64 != NULL ? f64[k] : (double) f32[k];
  return copy;
}

static double *
items_of (const FlInstance *model, FlFactors *f)
{
  GError *error = NULL;

  fl_model_factors (model, f, &error);
  g_assert_no_error (error);
  return copy_rows (f->n_items * f->rank, f->item_f64, f->item_f32);
}

/* One more sweep, and it backwards: numbers are finite, and of users 0. */
static void
sweep_back (const FlEntry *entry, FlInstance *model, const FixtureData *data)
{
  g_autoptr (GError) error = NULL;
  const FlClosedFormOps *ops = ((const FlModelOps *) model->ops)->closed_form;
  FlFactors f;
  g_autofree double *before = items_of (model, &f), *user = NULL, *item = NULL, *d_user = NULL;
  g_autofree double *d_item = NULL, *d_lambda = g_new0 (double, f.n_users + 1);

  if (!ops->sweep (model->self, &error))
    {
      assert_decent (entry, data->name, error);
      return;
    }
  item = items_of (model, &f);
  user = copy_rows (f.n_users * f.rank, f.user_f64, f.user_f32);
  d_user = g_memdup2 (user, (f.n_users * f.rank + 1) * sizeof *user);
  d_item = g_memdup2 (item, (f.n_items * f.rank + 1) * sizeof *item);
  if (!ops->sweep_back (model->self, before, user, item, d_user, d_item, d_lambda, NULL, &error))
    {
      assert_decent (entry, data->name, error);
      return;
    }
  for (size_t k = 0; k < f.n_users * f.rank; k++)
    assert_true (d_user[k] == 0);
  for (size_t k = 0; k < f.n_items * f.rank; k++)
    assert_true (isfinite (d_item[k]));
  for (size_t u = 0; u < f.n_users; u++)
    assert_true (isfinite (d_lambda[u]));
}

/* Sweeps one at a time; clear comes after each of the stages. */
static void
sweep (const FlEntry *entry, FlInstance *model, const FixtureData *data, int n_sweeps)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlRatings) ratings = fixture_ratings (data);
  const FlClosedFormOps *ops = ((const FlModelOps *) model->ops)->closed_form;
  FlClosedFormStart start = FL_CLOSED_FORM_START (.seed = 1);
  double objective = 0;

  if (!ops->start (model->self, ratings, &start, &error))
    {
      assert_decent (entry, data->name, error);
      return;
    }
  for (int s = 0; s < n_sweeps; s++)
    if (!ops->sweep (model->self, &error))
      {
        assert_decent (entry, data->name, error);
        return;
      }
  objective = ops->objective (model->self);
  if (!isfinite (objective))
    fail_msg ("%s on %s: objective is %g after %d sweeps", entry->plugin.name, data->name,
              objective, n_sweeps);
  if (ops->sweep_back != NULL)
    sweep_back (entry, model, data);
  if (entry->plugin.clear != NULL)
    entry->plugin.clear (model->self);
}

static void
check_closed_form (const FlEntry *entry, const char *key, const char *value)
{
  if (((const FlModelOps *) entry->plugin.ops)->closed_form == NULL)
    return;
  for (size_t d = 0; d < fixture_n_data; d++)
    for (int n_sweeps = 0; n_sweeps < 3; n_sweeps++)
      {
        g_autoptr (FlInstance) model = make (entry, key, value);

        if (model != NULL)
          sweep (entry, model, &fixture_data[d], n_sweeps);
      }
}

static void
test_closed_forms (void **state)
{
  (void) state;
  fixture_for_each (FL_KIND_MODEL, check_closed_form);
}

/* ---- objectives -------------------------------------------------------- */

/* One way of looking at one of the small data sets. */
typedef struct
{
  const FixtureData *data;
  uint32_t n_groups, n_used; /* 0: no groups               */
  gboolean factors;          /* the model has them         */
  gboolean whole;            /* no ratings: belongs to no part */
  size_t k;                  /* length of lists; 0: none   */
} Sight;

typedef struct
{
  FlRatings *train, *ratings; /* known, and looked at; the same unless lists are looked at */
  FlGroups *user_groups, *item_groups;
  FlInstance *model;
  FlData all;
  FlView *view;
} Scene;

/* Every second rating: of lists, the others can be hits. */
static FlRatings *
half_of_ratings (const FixtureData *data, size_t first)
{
  FixtureData half = *data;

  half.n = 0;
  for (size_t k = first; k < data->n; k += 2)
    {
      half.user[half.n] = data->user[k];
      half.item[half.n] = data->item[k];
      half.rating[half.n++] = data->rating[k];
    }
  return fixture_ratings (&half);
}

/* The lists of an objective that compares arms are compared with themselves. */
static void
show_lists (Scene *scene, size_t k)
{
  g_autoptr (GError) error = NULL;

  if (!fl_view_lists (scene->view, scene->view->n_items, &error))
    fail_msg ("%s", error->message);
  scene->view->k = k;
  scene->view->other = scene->view->lists;
}

static void
scene_open (Scene *scene, const Sight *sight)
{
  g_autoptr (GError) error = NULL;
  const FixtureData *data = sight->data;

  *scene = (Scene) { .model = fixture_model (data, sight->factors) };
  scene->train = sight->k > 0 ? half_of_ratings (data, 0) : fixture_ratings (data);
  scene->ratings = sight->k > 0 ? half_of_ratings (data, 1) : fixture_ratings (data);
  if (sight->n_groups > 0)
    {
      scene->user_groups = fixture_groups (data->n_users, sight->n_groups, sight->n_used);
      scene->item_groups = fixture_groups (data->n_items, sight->n_groups, sight->n_used);
    }
  scene->all = FL_DATA (.train = scene->train, .n_users = data->n_users,
                          .user_groups = scene->user_groups,
                          .item_groups = scene->item_groups);
  scene->view = fl_view_of (&scene->all, sight->whole ? NULL : scene->ratings, FL_PART_TEST,
                            scene->model, &error);
  if (scene->view == NULL)
    fail_msg ("%s", error->message);
  if (sight->k > 0)
    show_lists (scene, sight->k);
}

static void
scene_close (Scene *scene)
{
  fl_view_free (scene->view);
  fixture_model_free (scene->model);
  fixture_groups_free (scene->user_groups);
  fixture_groups_free (scene->item_groups);
  fl_ratings_free (scene->train);
  fl_ratings_free (scene->ratings);
}

/* What the objective yields, as bytes; NULL when it declined. */
static GVariant *
evaluate (const FlEntry *entry, const FlInstance *objective, const Sight *sight)
{
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  g_autoptr (GError) error = NULL;
  GVariant *variant = NULL;
  Scene scene;

  scene_open (&scene, sight);
  if (fl_objective_run (objective, NULL, scene.view, (int) sight->k, outcome, &error))
    variant = g_variant_take_ref (fl_outcome_to_variant (outcome));
  else
    assert_decent (entry, sight->data->name, error);
  scene_close (&scene);
  return variant;
}

static void
assert_equal (const FlEntry *entry, const Sight *sight, GVariant *a, GVariant *b)
{
  assert_int_equal (a == NULL, b == NULL);
  if (a != NULL && !g_variant_equal (a, b))
    fail_msg ("%s on %s: the same gives other numbers", entry->plugin.name, sight->data->name);
}

/* Every entry of the gradient is written, with a finite number. */
static void
check_gradient (const FlEntry *entry, const FlInstance *objective, const Sight *sight)
{
  const FlObjectiveOps *ops = objective->ops;
  g_autoptr (GError) error = NULL;
  g_autofree double *d = NULL;
  double loss = NAN;
  Scene scene;

  if (ops->gradient == NULL || sight->whole)
    return;
  scene_open (&scene, sight);
  d = g_new (double, scene.view->n + 1);
  for (size_t k = 0; k < scene.view->n; k++)
    d[k] = NAN;
  if (!ops->gradient (objective->self, scene.view, &loss, d, &error))
    assert_decent (entry, sight->data->name, error);
  else
    {
      if (!isfinite (loss))
        fail_msg ("%s on %s: loss is %g", entry->plugin.name, sight->data->name, loss);
      for (size_t k = 0; k < scene.view->n; k++)
        if (!isfinite (d[k]))
          fail_msg ("%s on %s: derivative %zu is %g", entry->plugin.name, sight->data->name, k,
                    d[k]);
    }
  scene_close (&scene);
}

static void
check_gradient_factors (const FlEntry *entry, const FlInstance *objective, const Sight *sight)
{
  const FlObjectiveOps *ops = objective->ops;
  g_autoptr (GError) error = NULL;
  g_autofree double *d_user = NULL, *d_item = NULL;
  double loss = NAN;
  size_t n_user, n_item;
  Scene scene;

  if (!sight->factors || (ops->gradient_factors == NULL && (ops->gradient == NULL || sight->whole)))
    return;
  scene_open (&scene, sight);
  n_user = scene.view->n_users * scene.view->factors->rank;
  n_item = scene.view->n_items * scene.view->factors->rank;
  d_user = g_new (double, n_user);
  d_item = g_new (double, n_item);
  if (!fl_objective_gradient_factors (objective, scene.view, &loss, d_user, d_item, &error))
    assert_decent (entry, sight->data->name, error);
  else
    {
      double sum = loss;

      for (size_t k = 0; k < n_user; k++)
        sum += d_user[k];
      for (size_t k = 0; k < n_item; k++)
        sum += d_item[k];
      if (!isfinite (sum))
        fail_msg ("%s on %s: gradient by factors is not finite", entry->plugin.name,
                  sight->data->name);
    }
  scene_close (&scene);
}

static void
check_sight (const FlEntry *entry, const FlInstance *a, const FlInstance *b, const Sight *sight)
{
  const Sight elsewhere = { &fixture_data[fixture_n_data - 1], 2, 2, TRUE, sight->whole,
                            MIN (sight->k, 1) };
  g_autoptr (GVariant) first = evaluate (entry, a, sight);
  g_autoptr (GVariant) between = evaluate (entry, b, &elsewhere);
  g_autoptr (GVariant) again = evaluate (entry, a, sight);
  g_autoptr (GVariant) other = evaluate (entry, b, sight);

  assert_equal (entry, sight, first, again);
  assert_equal (entry, sight, first, other);
  check_gradient (entry, a, sight);
  check_gradient_factors (entry, a, sight);
}

/* No groups, two, three, and four of which one or three have no member. */
static void
check_groups (const FlEntry *entry, const FlInstance *a, const FlInstance *b, Sight sight)
{
  static const uint32_t groups[][2] = { { 0, 0 }, { 2, 2 }, { 3, 3 }, { 4, 3 }, { 2, 1 } };

  for (size_t g = 0; g < G_N_ELEMENTS (groups); g++)
    for (int factors = 0; factors < 2; factors++)
      {
        sight.n_groups = groups[g][0];
        sight.n_used = groups[g][1];
        sight.factors = factors;
        check_sight (entry, a, b, &sight);
      }
}

static void
check_objective (const FlEntry *entry, const char *key, const char *value)
{
  const FlObjectiveOps *ops = entry->plugin.ops;
  gboolean lists = (entry->plugin.needs & FL_NEEDS_LISTS) != 0;
  g_autoptr (FlInstance) a = make (entry, key, value), b = make (entry, key, value);

  if (a == NULL || b == NULL)
    return;
  for (size_t d = 0; d < fixture_n_data; d++)
    {
      const FixtureData *data = &fixture_data[d];
      Sight sight = { .data = data, .whole = ops->whole, .k = lists ? 1 : 0 };

      check_groups (entry, a, b, sight);
      sight.k = data->n_items;
      if (lists)
        check_groups (entry, a, b, sight);
    }
}

static void
test_objectives (void **state)
{
  (void) state;
  fixture_for_each (FL_KIND_OBJECTIVE, check_objective);
}

/* ---- re-rankers ---------------------------------------------------------- */

/* Lengths and lists, as bytes; NULL when it declined.  The host has checked them. */
static GBytes *
rerank (const FlEntry *entry, FlInstance *mitigator, const Sight *sight)
{
  static const uint32_t arrival[] = { 3, 1, 2, 0, 7, 5, 6, 4 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FlRun) run = fl_run_new (1, NULL, NULL);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree uint32_t *order = g_new (uint32_t, 8);
  g_auto (FlRanked) candidates = { .lists = NULL }, ranked = { .lists = NULL };
  uint32_t n_users = 0;
  FlStage stage;
  Scene scene;

  scene_open (&scene, sight);
  for (size_t a = 0; a < G_N_ELEMENTS (arrival); a++)
    if (arrival[a] < scene.view->n_users)
      order[n_users++] = arrival[a];
  stage = FL_STAGE (.data = &scene.all, .model = scene.model, .run = run);
  if (!fl_view_rank (scene.view, fl_mitigator_candidates (mitigator, sight->k, scene.view->n_items),
                     TRUE, &candidates, &error))
    fail_msg ("%s", error->message);
  if (!fl_rerank (mitigator, &stage, scene.view, &candidates, order, sight->k, &ranked, &error))
    {
      assert_decent (entry, sight->data->name, error);
      if (g_error_matches (error, FL_ERROR, FL_ERROR_PLUGIN))
        fail_msg ("%s on %s: %s", entry->plugin.name, sight->data->name, error->message);
    }
  for (uint32_t u = 0; ranked.lists != NULL && u < n_users; u++)
    {
      size_t n = 0;
      const uint32_t *list = fl_list (ranked.lists, u, sight->k, &n);

      g_byte_array_append (bytes, (const guint8 *) &n, sizeof n);
      g_byte_array_append (bytes, (const guint8 *) list, (guint) (n * sizeof *list));
    }
  scene_close (&scene);
  return ranked.lists != NULL ? g_byte_array_free_to_bytes (g_steal_pointer (&bytes)) : NULL;
}

static void
assert_same_lists (const FlEntry *entry, const Sight *sight, GBytes *a, GBytes *b)
{
  assert_int_equal (a == NULL, b == NULL);
  if (a != NULL && !g_bytes_equal (a, b))
    fail_msg ("%s on %s: the same gives other lists", entry->plugin.name, sight->data->name);
}

static void
check_reranking (const FlEntry *entry, FlInstance *a, FlInstance *b, const Sight *sight)
{
  const Sight elsewhere = { &fixture_data[fixture_n_data - 1], 2, 2, TRUE, TRUE, 1 };
  g_autoptr (GBytes) first = rerank (entry, a, sight);
  g_autoptr (GBytes) between = rerank (entry, b, &elsewhere);
  g_autoptr (GBytes) again = rerank (entry, a, sight);
  g_autoptr (GBytes) other = rerank (entry, b, sight);

  assert_same_lists (entry, sight, first, again);
  assert_same_lists (entry, sight, first, other);
}

/* With groups of two kinds, and none where it can do without. */
static void
check_reranker (const FlEntry *entry, const char *key, const char *value)
{
  static const uint32_t groups[][2] = { { 0, 0 }, { 2, 2 }, { 4, 3 } };
  gboolean grouped = (entry->plugin.needs & (FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS)) != 0;
  g_autoptr (FlInstance) a = NULL, b = NULL;

  if (((const FlMitigatorOps *) entry->plugin.ops)->rerank == NULL)
    return;
  a = make (entry, key, value);
  b = make (entry, key, value);
  for (size_t d = 0; a != NULL && b != NULL && d < fixture_n_data; d++)
    for (size_t g = grouped ? 1 : 0; g < G_N_ELEMENTS (groups); g++)
      for (size_t k = 1; k <= fixture_data[d].n_items; k++)
        {
          const Sight sight = { &fixture_data[d], groups[g][0], groups[g][1], TRUE, TRUE, k };

          check_reranking (entry, a, b, &sight);
        }
}

static void
test_rerankers (void **state)
{
  (void) state;
  fixture_for_each (FL_KIND_MITIGATOR, check_reranker);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_sources),
    cmocka_unit_test (test_models),
    cmocka_unit_test (test_trainers),
    cmocka_unit_test (test_closed_forms),
    cmocka_unit_test (test_objectives),
    cmocka_unit_test (test_rerankers),
  };
  int failed;

  fixture_open ();
  failed = cmocka_run_group_tests_name ("conformance: behaviour", tests, NULL, NULL);
  fixture_close ();
  return failed;
}
