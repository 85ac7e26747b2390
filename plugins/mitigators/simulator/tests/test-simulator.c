/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* simulator: the two forms of a step agree, thresholds by Newton and by bisection
 * agree, cycles and several equilibria are found, special cases hold.  The golden
 * set lies with the plugin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "plugins/mitigators/simulator/setup.h"

#define N_TRIALS 300

/* A random system of S groups and M categories. */
typedef struct
{
  SimSystem system;
  double share[SIM_GROUPS_MAX];
  SimScore score[SIM_ITEMS_MAX];
  SimPolicy policy[SIM_ITEMS_MAX];
  double compound[3 * 3 * 2 * 8], joint[3 * 8], theta[9];
} Random;

static double
between (FlRng *rng, double low, double high)
{
  return low + (high - low) * fl_rng_uniform (rng);
}

static void
random_init (Random *r, uint32_t S, uint32_t M, uint64_t index)
{
  FlRng rng = fl_rng (1, "test", index);
  double sum = 0.0;

  r->system = (SimSystem) { .n_groups = S, .n_items = M, .w = between (&rng, 0.2, 0.8),
                            .share = r->share, .score = r->score, .policy = r->policy,
                            .compound = r->compound };
  for (uint32_t s = 0; s < S; s++)
    sum += r->share[s] = between (&rng, 0.2, 1.0);
  for (uint32_t s = 0; s < S; s++)
    r->share[s] /= sum;
  for (uint32_t i = 0; i < M; i++)
    {
      r->score[i].mean[0] = between (&rng, -6, -1);
      r->score[i].mean[1] = between (&rng, 1, 6);
      r->score[i].deviation = between (&rng, 2, 6);
      r->policy[i] = (SimPolicy) fl_rng_below (&rng, 3);
    }
  for (size_t k = 0; k < sim_compound_at (M, S, 0, 0, 0); k++)
    r->compound[k] = between (&rng, 0.02, 0.98);
  sim_random_state (&r->system, &rng, r->joint);
  for (uint32_t k = 0; k < S * M; k++)
    r->theta[k] = NAN;
}

static void
forms_agree (void **state)
{
  (void) state;
  for (uint64_t trial = 0; trial < N_TRIALS; trial++)
    {
      Random r;
      double one[8], other[8];

      random_init (&r, 2, 2, trial);
      sim_step (&r.system, r.joint, r.theta, one);
      sim_joint_step (&r.system, r.theta, r.joint, other);
      for (int k = 0; k < 8; k++)
        if (!(fabs (one[k] - other[k]) < 1e-14))
          fail_msg ("trial %d, [%d]: %.17g and %.17g", (int) trial, k, one[k], other[k]);
    }
}

static void
rows_stay_distributions (void **state)
{
  (void) state;
  for (uint64_t trial = 0; trial < N_TRIALS; trial++)
    {
      Random r;
      double next[3 * 8];

      random_init (&r, 3, 3, trial);
      sim_step (&r.system, r.joint, r.theta, next);
      for (int s = 0; s < 3; s++)
        {
          double sum = 0.0;

          for (int y = 0; y < 8; y++)
            {
              assert_true (next[8 * s + y] >= 0.0);
              sum += next[8 * s + y];
            }
          assert_true (fabs (sum - 1.0) < 1e-14);
        }
    }
}

/* What P(d^i | y^i) P(y'^i | y^i, d) is for group s and category i. */
static double
category_term (const Random *r, uint32_t s, uint32_t i, uint32_t y, uint32_t d, uint32_t next)
{
  const SimSystem *system = &r->system;
  int y_i = y >> i & 1;
  double accept = sim_recommend (system, s, i, y_i, r->theta[i * system->n_groups + s]);
  double fit = system->compound[sim_compound_at (system->n_items, s, i, y_i, d)];

  return (d >> i & 1 ? accept : 1.0 - accept) * (next >> i & 1 ? fit : 1.0 - fit);
}

/* The sums of a step as they stand, over all states, decisions and new states. */
static void
steps_are_sums (void **state)
{
  (void) state;
  for (uint64_t trial = 0; trial < N_TRIALS; trial++)
    {
      uint32_t S = trial % 2 ? 1 : 3, M = trial % 2 ? 4 : 3;
      Random r;
      double next[3 * 8];

      random_init (&r, S, M, trial);
      sim_step (&r.system, r.joint, r.theta, next);
      for (uint32_t s = 0; s < S; s++)
        for (uint32_t to = 0; to < 1u << M; to++)
          {
            double sum = 0.0;

            for (uint32_t y = 0; y < 1u << M; y++)
              for (uint32_t d = 0; d < 1u << M; d++)
                {
                  double product = r.joint[(s << M) + y];

                  for (uint32_t i = 0; i < M; i++)
                    product *= category_term (&r, s, i, y, d, to);
                  sum += product;
                }
            if (!(fabs (next[(s << M) + to] - sum) < 1e-14))
              fail_msg ("trial %d, group %u, state %u: %.17g, the sum is %.17g", (int) trial, s, to,
                        next[(s << M) + to], sum);
          }
    }
}

/* Newton's thresholds and those of bisection; both keep what DP demands. */
static void
parity_holds (void **state)
{
  (void) state;
  for (uint64_t trial = 0; trial < N_TRIALS; trial++)
    {
      Random r;
      double alpha[3], plain[3], rate = 0.0, sum = 0.0;
      FlRng rng = fl_rng (2, "test", trial);

      random_init (&r, 3, 1, trial);
      r.policy[0] = SIM_DP;
      for (int s = 0; s < 3; s++)
        alpha[s] = between (&rng, 0.001, 0.999);
      sim_thresholds (&r.system, 0, alpha, r.theta);
      sim_thresholds_dp_plain (&r.system, 0, alpha, plain);
      for (int s = 0; s < 3; s++)
        {
          double own = alpha[s] * sim_accept (r.score, 1, r.theta[s])
                       + (1.0 - alpha[s]) * sim_accept (r.score, 0, r.theta[s]);

          rate = s > 0 ? rate : own;
          sum += r.share[s] * sim_gamma (r.score, alpha[s], r.theta[s]);
          if (!(fabs (own - rate) < 1e-12))
            fail_msg ("trial %d: accepts %.17g and %.17g", (int) trial, rate, own);
          if (!(fabs (r.theta[s] - plain[s]) < 1e-8))
            fail_msg ("trial %d: %.17g and %.17g", (int) trial, r.theta[s], plain[s]);
        }
      assert_true (fabs (sum - r.system.w) < 1e-12);
    }
}

/* Groups without anybody, or all, who fits: no threshold is NaN. */
static void
edges_have_thresholds (void **state)
{
  static const double edges[][2] = { { 0, 0 }, { 0, 1 }, { 1, 1 }, { 0, 0.5 }, { 1e-300, 1 } };

  (void) state;
  for (size_t k = 0; k < G_N_ELEMENTS (edges); k++)
    for (int policy = SIM_UN; policy <= SIM_EQOPT; policy++)
      {
        Random r;

        random_init (&r, 2, 1, 0);
        r.policy[0] = (SimPolicy) policy;
        sim_thresholds (&r.system, 0, edges[k], r.theta);
        assert_false (isnan (r.theta[0]) || isnan (r.theta[1]));
      }
}

static void
impacts_compound (void **state)
{
  /* Three impacts; the mean over six orders, by hand for y = 0 and all d = 0: an
   * impact that makes everybody fit, one that leaves all as they are, one that
   * makes nobody fit.  Whoever is last of the first and the third decides. */
  const double impact[12] = { 1, 0.5, 1, 0.5, 0, 0.5, 1, 0.5, 0, 0.5, 0, 0.5 };
  const double weight[3] = { 2, 1, 1 };

  (void) state;
  assert_true (fabs (sim_compound (SIM_AVERAGE, 3, impact, NULL, 0, 0, 0) - 0.5) < 1e-15);
  assert_true (sim_compound (SIM_SEQUENTIAL, 3, impact, NULL, 0, 0, 0) == 0.0);
  assert_true (sim_compound (SIM_SEQUENTIAL, 3, impact, NULL, 2, 0, 0) == 1.0);
  assert_true (fabs (sim_compound (SIM_WEIGHTED, 3, impact, weight, 0, 0, 0) - 0.5) < 1e-15);
  assert_true (fabs (sim_compound (SIM_WEIGHTED, 3, impact, weight, 0, 1, 0) - 0.75) < 1e-15);
}

/* Sum over the orders of the impacts that are not `done`, one after the other. */
static double
sum_orders (uint32_t M, const double *impact, uint32_t d, uint32_t done, double fit, double *n)
{
  double sum = 0.0;

  if (done == (1u << M) - 1)
    {
      *n += 1.0;
      return fit;
    }
  for (uint32_t i = 0; i < M; i++)
    if (!(done >> i & 1))
      {
        const double *at = impact + 4 * i + (d >> i & 1);

        sum += sum_orders (M, impact, d, done | 1u << i, fit * at[2] + (1.0 - fit) * at[0], n);
      }
  return sum;
}

static void
means_are_over_orders (void **state)
{
  FlRng rng = fl_rng (1, "orders", 0);

  (void) state;
  for (uint32_t M = 1; M <= SIM_ITEMS_MAX; M++)
    {
      double impact[4 * SIM_ITEMS_MAX];

      for (uint32_t k = 0; k < 4 * M; k++)
        impact[k] = fl_rng_uniform (&rng);
      for (uint32_t d = 0; d < 1u << M; d += 3)
        for (int y = 0; y < 2; y++)
          {
            double n = 0.0, sum = sum_orders (M, impact, d, 0, y, &n);

            assert_true (fabs (sim_compound (SIM_AVERAGE, M, impact, NULL, 0, y, d) - sum / n)
                         < 1e-15);
          }
    }
}

/* ---- by parameters ------------------------------------------------------ */

typedef struct
{
  Simulator from;
  SimSetup setup;
  double compound[3 * 3 * 2 * 8];
} Built;

#define LIST(...) \
  { sizeof ((double[]) { __VA_ARGS__ }) / sizeof (double), (double[]) { __VA_ARGS__ } }

static Simulator
standard (void)
{
  /* The list macro's arrays would end with this function. */
  static double means[] = { -5, 5, -3, 3 }, deviation[] = { 5 }, none[] = { 0 };
  static double impact[] = { 0.1, 0.5, 0.5, 0.7, 0.4, 0.5, 0.5, 0.9 };

  return (Simulator) {
    .groups = (char *) "a b", .categories = (char *) "j k", .policies = (char *) "UN",
    .means = { 4, means }, .deviations = { 1, deviation }, .gain = 1, .loss = 1,
    .self_impact = { 8, impact }, .cross_impact = { 1, none },
    .starts = 1, .steps = 1000, .tolerance = 1e-13,
  };
}

static void
build (Built *built)
{
  g_autoptr (GError) error = NULL;

  if (!sim_setup_init (&built->setup, &built->from, &error))
    fail_msg ("%s", error->message);
  sim_setup_compound (&built->setup, 0, built->compound);
  built->setup.system.compound = built->compound;
}

/* Who fits stops to fit and the other way round: two steps lead back. */
static void
cycles_are_found (void **state)
{
  Built built = { .from = standard () };
  double theta[4], joint[8];
  SimLimit limit;

  (void) state;
  built.from.self_impact = (FlDoubles) LIST (1, 1, 0, 0);
  build (&built);
  sim_row_of_pair (0.8, 0.3, 0.2, joint);
  sim_row_of_pair (0.6, 0.9, 0.55, joint + 4);
  limit = sim_run (&built.setup.system, 1e-13, 100, joint, theta, NULL, NULL);
  assert_int_equal (limit.period, 2);
  assert_int_equal (limit.steps, 100);
  sim_setup_clear (&built.setup);
}

/* Whoever is shown stays a fit, whoever is not does not become one. */
static void
two_futures_are_found (void **state)
{
  Built built = { .from = standard () };
  double states[16], theta[4], spread;

  (void) state;
  built.from.self_impact = (FlDoubles) LIST (0.02, 0.6, 0.2, 0.98);
  build (&built);
  for (int k = 0; k < 2; k++)
    {
      double *joint = states + 8 * k, rate = k == 0 ? 0.01 : 0.99;

      sim_row_independent (2, (const double[]) { rate, rate }, joint);
      sim_row_independent (2, (const double[]) { rate, rate }, joint + 4);
      assert_int_equal (sim_run (&built.setup.system, 1e-13, 100000, joint, theta, NULL, NULL)
                        .period, 1);
    }
  assert_int_equal (sim_count_distinct (&built.setup.system, 2, states, &spread), 2);
  assert_true (spread > 0.1);
  sim_setup_clear (&built.setup);
}

/* A third category that impacts nothing changes nothing for the pair. */
static void
the_pair_is_a_special_case (void **state)
{
  Built two = { .from = standard () }, three = { .from = standard () };
  double joint[8], wide[16], theta[6], alpha[4], wide_alpha[6];

  (void) state;
  two.from.policies = (char *) "DP EqOpt";
  two.from.cross_impact = (FlDoubles) LIST (0.25, -0.5);
  build (&two);
  three.from = two.from;
  three.from.categories = (char *) "j k l";
  three.from.policies = (char *) "DP EqOpt UN";
  three.from.means = (FlDoubles) LIST (-5, 5, -3, 3, -2, 4);
  three.from.cross_impact = (FlDoubles) LIST (0);
  /* For a, then b: on j from k, l; on k from j, l; on l from j, k. */
  three.from.cross_tables = (FlDoubles) LIST (
    0, 0.25, 1, 1,  0, 0, 1, 1,  0, 0.25, 1, 1,  0, 0, 1, 1,  0, 0, 1, 1,  0, 0, 1, 1,
    0, 0, 1, 0.5,  0, 0, 1, 1,  0, 0, 1, 0.5,  0, 0, 1, 1,  0, 0, 1, 1,  0, 0, 1, 1);
  build (&three);
  memcpy (joint, two.setup.start, sizeof joint);
  memcpy (wide, three.setup.start, sizeof wide);
  sim_run (&two.setup.system, 1e-14, 10000, joint, theta, NULL, NULL);
  sim_fit_rates (&two.setup.system, joint, alpha);
  sim_run (&three.setup.system, 1e-14, 10000, wide, theta, NULL, NULL);
  sim_fit_rates (&three.setup.system, wide, wide_alpha);
  for (int k = 0; k < 4; k++)
    if (!(fabs (alpha[k] - wide_alpha[k]) < 1e-12))
      fail_msg ("[%d]: %.17g and %.17g", k, alpha[k], wide_alpha[k]);
  sim_setup_clear (&two.setup);
  sim_setup_clear (&three.setup);
}

static void
refuses (Simulator from, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_auto (SimSetup) setup;

  assert_false (sim_setup_init (&setup, &from, &error));
  assert_string_equal (error->message, message);
  assert_int_equal (error->code, FL_ERROR_CONFIG);
}

static void
bad_parameters_are_refused (void **state)
{
  Simulator from = standard ();

  (void) state;
  from.policies = (char *) "UN DQ";
  refuses (from, "policies: 'DQ' is none of UN, DP, EqOpt, fixed");
  from.policies = (char *) "UN DP UN";
  refuses (from, "policies: 3 given for 2 categories");
  from = standard ();
  from.groups = (char *) "a a";
  refuses (from, "groups: 'a' occurs twice");
  from.groups = (char *) "a b=c";
  refuses (from, "groups: 'b=c' holds one of , ; = *");
  from = standard ();
  from.means = (FlDoubles) LIST (5, -5, -3, 3);
  refuses (from, "means: 5 of those who do not fit category j is not below -5 of those who do");
  from = standard ();
  from.self_impact = (FlDoubles) LIST (0.1, 0.2);
  refuses (from, "self-impact: 2 numbers; must be 4, 8 or 16");
  from = standard ();
  from.start = (FlDoubles) LIST (0.5, 0.4, 0.45, 0.5, 0.5, 0.25);
  refuses (from, "start: with fit rates 0.5 and 0.4 of group a the joint fit rate must be from 0 "
                 "to 0.4, found 0.45");
  from = standard ();
  from.policies = (char *) "fixed UN";
  refuses (from, "thresholds: 0 numbers; must be 4");
  from = standard ();
  from.compounding = SIM_WEIGHTED;
  from.weights = (FlDoubles) LIST (1);
  refuses (from, "weights: 1 numbers; must be 2");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (forms_agree),
    cmocka_unit_test (rows_stay_distributions),
    cmocka_unit_test (steps_are_sums),
    cmocka_unit_test (means_are_over_orders),
    cmocka_unit_test (parity_holds),
    cmocka_unit_test (edges_have_thresholds),
    cmocka_unit_test (impacts_compound),
    cmocka_unit_test (cycles_are_found),
    cmocka_unit_test (two_futures_are_found),
    cmocka_unit_test (the_pair_is_a_special_case),
    cmocka_unit_test (bad_parameters_are_refused),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
