/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* long-term-gap: known parameters are found again from ratings and scores drawn by
 * them, the equilibrium under an arm's lists by hand, and what cannot be known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "plugins/mitigators/simulator/long-term-gap.h"
#include "tests/support/matrix-model.h"

static FlRegistry *registry;

/* ---- a world of known parameters ---------------------------------------- */

#define N_USERS 800 /* the first half in group 0 */
#define N_ITEMS 40  /* the first half in category 0 */

/* [category][group] */
static const double true_alpha[2][2] = { { 0.3, 0.5 }, { 0.6, 0.2 } };
static const SimScore true_score[2] = { { { -1, 1 }, 1.5 }, { { 0, 3 }, 2 } };

typedef struct
{
  uint32_t n_users, n_items;
  double *P, *Q; /* Q: each item its own column, so that P holds the scores */
  FlRatings *ratings, *train;
  FlGroups *user_groups, *item_groups;
  FlData data;
  MatrixModel model;
  FlView *view;
} World;

static FlGroups *
halves (const char *name, uint32_t n)
{
  g_autofree uint32_t *member = g_new (uint32_t, n);

  for (uint32_t e = 0; e < n; e++)
    member[e] = e >= n / 2;
  return test_groups_new (name, 2, n, NULL, member);
}

/* P and the groups are the world's from here on; rating: n_users x n_items, 0: none. */
static void
world_init (World *w, uint32_t n_users, uint32_t n_items, double *P, const double *rating,
            FlGroups *user_groups, FlGroups *item_groups)
{
  g_autoptr (FlTriplets) given = fl_triplets_new ();
  g_autoptr (GError) error = NULL;

  *w = (World) { .n_users = n_users, .n_items = n_items, .P = P,
                 .Q = g_new0 (double, (size_t) n_items * n_items), .user_groups = user_groups,
                 .item_groups = item_groups };
  for (uint32_t i = 0; i < n_items; i++)
    w->Q[i * (n_items + 1)] = 1.0;
  for (uint32_t u = 0; u < n_users; u++)
    for (uint32_t i = 0; i < n_items; i++)
      if (rating[u * n_items + i] != 0.0)
        fl_triplets_add (given, u, i, rating[u * n_items + i]);
  w->ratings = fl_triplets_make_ratings (given, n_users, n_items, NULL);
  w->train = fl_ratings_new (n_users, n_items, 0, NULL, NULL, NULL, NULL);
  w->data = FL_DATA (.train = w->train, .validation = w->ratings, .user_groups = user_groups,
                     .item_groups = item_groups);
  matrix_model_init (&w->model,
                     &(FlFactors) { .n_users = n_users, .n_items = n_items, .rank = n_items,
                                    .user_f64 = w->P, .item_f64 = w->Q }, FALSE);
  w->view = fl_view_new (&w->data, FL_PART_VALIDATION, &w->model.instance, &error);
  if (w->view == NULL)
    fail_msg ("%s", error->message);
}

static void
world_clear (World *w)
{
  fl_view_free (w->view);
  fl_ratings_free (w->ratings);
  fl_ratings_free (w->train);
  fl_groups_free (w->user_groups);
  fl_groups_free (w->item_groups);
  g_free (w->P);
  g_free (w->Q);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_clear)

/* Everybody rates everything, with 1 or 5; `sign` -1 turns the scores round. */
static void
world_draw (World *w, double sign)
{
  double *P = g_new (double, N_USERS * N_ITEMS);
  g_autofree double *rating = g_new (double, N_USERS * N_ITEMS);

  for (uint32_t u = 0; u < N_USERS; u++)
    {
      FlRng rng = fl_rng (3, "known", u);

      for (uint32_t i = 0; i < N_ITEMS; i++)
        {
          uint32_t s = u >= N_USERS / 2, c = i >= N_ITEMS / 2;
          int y = fl_rng_uniform (&rng) < true_alpha[c][s];

          rating[u * N_ITEMS + i] = y ? 5 : 1;
          P[u * N_ITEMS + i]
              = sign * (true_score[c].mean[y] + true_score[c].deviation * fl_rng_normal (&rng));
        }
    }
  world_init (w, N_USERS, N_ITEMS, P, rating, halves ("g", N_USERS), halves ("c", N_ITEMS));
}

static FlOutcome *
measure (const FlView *view, const char *const *settings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) gap
      = test_instance_new (registry, FL_KIND_OBJECTIVE, "long-term-gap", settings, &error);
  FlOutcome *outcome = fl_outcome_new ();

  if (gap == NULL || !fl_objective_run (gap, NULL, view, (int) view->k, outcome, &error))
    fail_msg ("%s", error->message);
  return outcome;
}

static void
assert_close (const char *what, double found, double expected, double tolerance)
{
  print_message ("  %s: %.4f, true %.4f\n", what, found, expected);
  if (!(fabs (found - expected) <= tolerance))
    fail_msg ("%s: %.17g is not %.17g within %g", what, found, expected, tolerance);
}

/* ---- recovery ------------------------------------------------------------ */

#define IMPACTS "0.1; 0.5; 0.5; 0.7; 0.4; 0.5; 0.5; 0.9"
#define CROSS "0.1; -0.2"

/* Fit rates, M x S, where the true system comes to rest. */
static void
true_equilibrium (SimPolicy which, double *alpha)
{
  static double self[] = { 0.1, 0.5, 0.5, 0.7, 0.4, 0.5, 0.5, 0.9 }, cross[] = { 0.1, -0.2 };
  const FlDoubles lists[] = { { 8, self }, { 2, cross }, { 0, NULL } };
  const SimImpactKeys keys = { &lists[0], &lists[1], NULL, &lists[2], SIM_AVERAGE };
  const double share[] = { 0.5, 0.5 };
  const SimPolicy policy[] = { which, which };
  double compound[32], joint[8], theta[4];
  SimSystem system = { .n_groups = 2, .n_items = 2, .w = 0.5, .share = share,
                       .score = true_score, .policy = policy, .compound = compound };
  SimImpacts impacts;

  assert_true (sim_impacts_init (&impacts, &keys, 2, 2, NULL));
  sim_impacts_compound (&impacts, compound);
  for (uint32_t s = 0; s < 2; s++)
    {
      double own[] = { true_alpha[0][s], true_alpha[1][s] };

      sim_row_independent (2, own, joint + 4 * s);
    }
  assert_int_equal (sim_run (&system, 1e-13, 100000, joint, theta, NULL, NULL).period, 1);
  sim_fit_rates (&system, joint, alpha);
  sim_impacts_clear (&impacts);
}

/* 8000 observations of each group and category: fit rates have a standard error below
 * 0.0056, separations below 0.025.  Tolerances are four of them; the equilibrium moves by
 * less than the estimates it follows from. */
static void
parameters_are_found (void **state)
{
  static const char *const policies[] = { "un", "dp", "eqopt" };
  g_auto (World) w;

  (void) state;
  world_draw (&w, 1);
  for (int p = 0; p < 3; p++)
    {
      g_autofree char *policy = g_strconcat ("policy=", policies[p], NULL);
      const char *const settings[] = { policy, "self-impact=" IMPACTS, "cross-impact=" CROSS,
                                       NULL };
      g_autoptr (FlOutcome) outcome = measure (w.view, settings);
      double lasting[4], worst = 0.0;

      true_equilibrium ((SimPolicy) p, lasting);
      for (uint32_t k = 0; k < 4; k++)
        {
          g_autofree char *pair = g_strdup_printf ("g=%u,c=%u", k % 2, k / 2);

          assert_close (pair, test_metric (outcome, "long-term-gap-fit-now", pair),
                        true_alpha[k / 2][k % 2], 0.0224);
          assert_close (policies[p], test_metric (outcome, "long-term-gap-fit-rate", pair),
                        lasting[k], 0.0224);
          assert_true (test_metric (outcome, "long-term-gap-n", pair) == 8000);
        }
      for (uint32_t c = 0; c < 2; c++)
        {
          g_autofree char *category = g_strdup_printf ("c=%u", c);
          double gap = fabs (lasting[2 * c] - lasting[2 * c + 1]);

          assert_close ("separation", test_metric (outcome, "long-term-gap-separation", category),
                        c == 0 ? 2 / 1.5 : 3 / 2.0, 0.1);
          assert_close ("gap", test_metric (outcome, "long-term-gap", category), gap, 0.03);
          worst = MAX (worst, gap);
        }
      assert_close ("gap", test_metric (outcome, "long-term-gap", NULL), worst, 0.03);
      assert_true (test_metric (outcome, "long-term-gap-worst", NULL)
                   >= test_metric (outcome, "long-term-gap", NULL));
    }
}

/* Groups that respond alike and are treated alike become alike, wherever they start;
 * impacts of one of them moved, they do not. */
static void
equal_impacts_leave_no_gap (void **state)
{
  const char *const settings[] = { "each=true", NULL };
  g_autoptr (FlOutcome) outcome = NULL;
  g_auto (World) w;

  (void) state;
  world_draw (&w, 1);
  outcome = measure (w.view, settings);
  assert_true (test_metric (outcome, "long-term-gap-now", "c=1") > 0.3);
  assert_true (test_metric (outcome, "long-term-gap", NULL) < 1e-9);
  assert_true (test_metric (outcome, "long-term-gap-worst", NULL) > 0.1);
  assert_true (test_metric (outcome, "long-term-gap-moved", "T00+0.1,g=1,c=1") > 0.05);
  /* The same impact of both groups moves both: no gap to be seen that way, so that
   * each group's is moved by itself. */
  assert_true (test_metric (outcome, "long-term-gap-moved", "T11-0.1,g=0,c=0") > 0.01);
}

static GVariant *
on_threads (const World *w, int n)
{
  g_autoptr (FlOutcome) outcome = NULL;

  omp_set_num_threads (n);
  outcome = measure (w->view, NULL);
  omp_set_num_threads (1);
  return fl_outcome_to_variant (outcome);
}

static void
threads_change_no_digit (void **state)
{
  g_autoptr (GVariant) one = NULL;
  g_autoptr (GVariant) two = NULL;
  g_auto (World) w;

  (void) state;
  world_draw (&w, 1);
  one = on_threads (&w, 1);
  two = on_threads (&w, 2);
  assert_true (g_variant_equal (one, two));
}

/* ---- what cannot be known ----------------------------------------------- */

static void
too_few_is_undefined (void **state)
{
  const char *const settings[] = { "least=8001", NULL };
  g_autoptr (FlOutcome) outcome = NULL;
  g_auto (World) w;

  (void) state;
  world_draw (&w, 1);
  outcome = measure (w.view, settings);
  assert_true (isnan (test_metric (outcome, "long-term-gap", NULL)));
  assert_true (isnan (test_metric (outcome, "long-term-gap", "c=0")));
  assert_true (isnan (test_metric (outcome, "long-term-gap-now", NULL)));
  assert_true (isnan (test_metric (outcome, "long-term-gap-worst", NULL)));
  assert_true (isnan (test_metric (outcome, "long-term-gap-fit-now", "g=0,c=1")));
  assert_true (test_metric (outcome, "long-term-gap-n", "g=0,c=1") == 8000);
}

/* Scores that are higher for those who do not fit have no threshold policy. */
static void
wrong_way_round_is_undefined (void **state)
{
  g_autoptr (FlOutcome) outcome = NULL;
  g_auto (World) w;

  (void) state;
  world_draw (&w, -1);
  outcome = measure (w.view, NULL);
  assert_true (isnan (test_metric (outcome, "long-term-gap", NULL)));
  assert_true (test_metric (outcome, "long-term-gap-now", NULL) > 0.3);
  assert_close ("separation", test_metric (outcome, "long-term-gap-separation", "c=0"), -2 / 1.5,
                0.1);
}

static void
refused (const FlView *view, const char *const *settings, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) gap
      = test_instance_new (registry, FL_KIND_OBJECTIVE, "long-term-gap", settings, &error);
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();

  if (gap != NULL && fl_objective_run (gap, NULL, view, (int) view->k, outcome, &error))
    fail_msg ("not refused: %s", expected);
  if (strstr (error->message, expected) == NULL)
    fail_msg ("'%s' in '%s'", expected, error->message);
}

/* ---- lists and consumption, by hand ------------------------------------- */

/* Four users, two in each group, four items, two in each category. */
static void
world_by_hand (World *w, const double *rating, const double *scores)
{
  double *P = g_memdup2 (scores, 16 * sizeof *scores);

  world_init (w, 4, 4, P, rating, halves ("g", 4), halves ("c", 4));
}

static const double scores_by_hand[] = {
  4, 3, 2, 1, /* recommended 0 of category 0 */
  1, 2, 3, 4, /* 3 of category 1             */
  2, 1, 4, 3, /* 2 of category 1             */
  1, 2, 4, 3, /* 2 of category 1             */
};

/* Observations of group 0 in category 0: user 0 likes item 0 and not item 1, user 1 likes
 * both; recommended to user 0 alone.  So P(D = 1 | Y = 1) = 1/3 and P(D = 1 | Y = 0) = 1. */
static void
lists_by_hand (void **state)
{
  static const double rating[] = { 5, 1, 5, 1, 5, 5, 1, 5, 1, 5, 5, 1, 5, 1, 1, 1 };
  const char *const settings[] = { "policy=top-k", "least=1", "self-impact=0.1; 0.5; 0.4; 0.8",
                                   NULL };
  double g_0 = 0.5, g_1 = 0.4 * 2 / 3 + 0.8 / 3;
  g_autoptr (FlOutcome) outcome = NULL;
  g_auto (World) w;

  (void) state;
  world_by_hand (&w, rating, scores_by_hand);
  assert_true (fl_view_lists (w.view, 1, NULL));
  outcome = measure (w.view, settings);
  assert_close ("fit", test_metric (outcome, "long-term-gap-fit-now", "g=0,c=0"), 0.75, 1e-15);
  assert_close ("recommended", test_metric (outcome, "long-term-gap-recommended", "g=0,c=0"), 0.5,
                1e-15);
  assert_close ("lasting", test_metric (outcome, "long-term-gap-fit-rate", "g=0,c=0"),
                g_0 / (1 - g_1 + g_0), 1e-12);
  /* Category 0 is recommended to nobody of group 1. */
  assert_close ("lasting", test_metric (outcome, "long-term-gap-fit-rate", "g=1,c=0"),
                0.1 / (1 - 0.4 + 0.1), 1e-12);
  refused (w.view, (const char *const[]) { "weights=1", NULL }, "weights: 1 numbers; must be 0");
  refused (w.view, (const char *const[]) { "self-impact=1", NULL }, "self-impact: 1 numbers");
}

/* Users 0 and 1 have something of category 0, users 1 and 2 of category 1; of user 3
 * nothing is known. */
static void
consumption_by_hand (void **state)
{
  static const double rating[] = { 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0 };
  const char *const settings[] = { "fit=consumption", "least=1", NULL };
  g_autoptr (FlOutcome) outcome = NULL;
  g_auto (World) w;

  (void) state;
  world_by_hand (&w, rating, scores_by_hand);
  outcome = measure (w.view, settings);
  assert_true (test_metric (outcome, "long-term-gap-fit-now", "g=0,c=0") == 1);
  assert_true (test_metric (outcome, "long-term-gap-fit-now", "g=0,c=1") == 0.5);
  assert_true (test_metric (outcome, "long-term-gap-fit-now", "g=1,c=0") == 0);
  assert_true (test_metric (outcome, "long-term-gap-fit-now", "g=1,c=1") == 1);
  assert_true (test_metric (outcome, "long-term-gap-n", "g=1,c=0") == 1);
  refused (w.view, NULL, "every rating here is 1, which tells nobody's fit");
}

/* Four of nine items were trained on, side by side: each of the other five as often.  One
 * of a thousand is found; none of none. */
static void
items_are_drawn_evenly (void **state)
{
  static const uint32_t item[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
  static const uint8_t trained[] = { 0, 1, 1, 1, 1, 0, 0, 0, 0 }, all[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
  g_autofree uint32_t *many = g_new (uint32_t, 1000);
  g_autofree uint8_t *but_one = g_new (uint8_t, 1000);
  FlRng rng = fl_rng (1, "draws", 0);
  size_t count[9] = { 0 };

  (void) state;
  for (int k = 0; k < 50000; k++)
    count[gap_draw_unseen (9, item, trained, 9, &rng)]++;
  for (uint32_t i = 0; i < 9; i++)
    if (trained[i] ? count[i] > 0 : fabs ((double) count[i] - 10000) > 450) /* 5 deviations */
      fail_msg ("item %u was drawn %zu times of 50000", i, count[i]);
  assert_int_equal (gap_draw_unseen (9, item, all, 9, &rng), 9);
  assert_int_equal (gap_draw_unseen (0, item, all, 9, &rng), 9);
  for (uint32_t i = 0; i < 1000; i++)
    {
      many[i] = i;
      but_one[i] = i != 700;
    }
  assert_int_equal (gap_draw_unseen (1000, many, but_one, 1000, &rng), 700);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (parameters_are_found),
    cmocka_unit_test (equal_impacts_leave_no_gap),
    cmocka_unit_test (threads_change_no_digit),
    cmocka_unit_test (too_few_is_undefined),
    cmocka_unit_test (wrong_way_round_is_undefined),
    cmocka_unit_test (lists_by_hand),
    cmocka_unit_test (consumption_by_hand),
    cmocka_unit_test (items_are_drawn_evenly),
  };
  GError *error = NULL;
  int failed;

  registry = fl_registry_new (NULL, &error);
  if (registry == NULL)
    g_error ("%s", error->message);
  failed = cmocka_run_group_tests_name ("long-term-gap", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
