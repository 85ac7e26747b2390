/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* golden.c: golden set `simulator`: thresholds, one step, equilibria and
 * cells of figures.  Two user groups a and b, two item categories j and k.
 *
 * The steps between (compound impacts, (5.5), (5.7)) are no result of a run, so
 * this check calls the plugin's own functions.
 */
#include <math.h>
#include <string.h>

#include "plugins/mitigators/simulator/dynamics.h"
#include "tests/golden/golden.h"

#define STEPS_MAX 100000

static const char *const groups[] = { "a", "b" }, *const items[] = { "j", "k" };

typedef struct
{
  SimSystem system;
  SimScore score[2];
  SimPolicy policy[2];
  double share[2], self[2][4], cross[2][4], compound[2 * 2 * 2 * 4];
} Setting;

/* ---- reading ------------------------------------------------------------ */

static JsonObject *
read_object (JsonObject *from, const char *key, GError **error)
{
  JsonNode *node = json_object_get_member (from, key);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  fl_fail (error, FL_ERROR_DATA, "input.%s is not an object", key);
  return NULL;
}

static gboolean
read_into (JsonObject *from, const char *key, double *to, size_t n, GError **error)
{
  g_autofree double *numbers = golden_read_numbers (from, key, n, error);

  if (numbers == NULL)
    return FALSE;
  memcpy (to, numbers, n * sizeof *to);
  return TRUE;
}

static gboolean
read_score (JsonObject *means, JsonObject *deviations, const char *mean, const char *deviation,
            SimScore *score, GError **error)
{
  double sigma[2];

  if (!read_into (means, mean, score->mean, 2, error)
      || !read_into (deviations, deviation, sigma, 2, error))
    return FALSE;
  score->deviation = sigma[0];
  return sigma[0] == sigma[1]
         || fl_fail (error, FL_ERROR_DATA, "input.%s holds two deviations", deviation);
}

/* p, u_plus, u_minus */
static gboolean
read_common (JsonObject *from, Setting *setting, GError **error)
{
  double plus, minus;

  if (!read_into (from, "p", setting->share, 2, error)
      || !golden_read_number (from, "u_plus", &plus, error)
      || !golden_read_number (from, "u_minus", &minus, error))
    return FALSE;
  setting->system = (SimSystem) {
    .n_groups = 2, .n_items = 2, .w = minus / (plus + minus), .share = setting->share,
    .score = setting->score, .policy = setting->policy, .compound = setting->compound,
  };
  return TRUE;
}

static gboolean
read_policy (JsonObject *from, const char *key, SimPolicy *policy, GError **error)
{
  static const char *const words[] = { "UN", "DP", "EqOpt" };
  JsonNode *node = json_object_get_member (from, key);
  const char *text = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node)
                                                                  : NULL;

  for (int k = 0; k < 3; k++)
    if (g_strcmp0 (text, words[k]) == 0)
      {
        *policy = (SimPolicy) k;
        return TRUE;
      }
  return fl_fail (error, FL_ERROR_DATA, "input.%s is neither UN, DP nor EqOpt", key);
}

static void
set_cross_impact (Setting *setting, double C_a, double C_b)
{
  sim_cross_impact (C_a, setting->cross[0]);
  sim_cross_impact (C_b, setting->cross[1]);
  for (uint32_t s = 0; s < 2; s++)
    for (uint32_t i = 0; i < 2; i++)
      {
        double impact[8];

        memcpy (impact + 4 * i, setting->self[s], sizeof setting->self[s]);
        memcpy (impact + 4 * (1 - i), setting->cross[s], sizeof setting->cross[s]);
        for (int y = 0; y < 2; y++)
          for (uint32_t d = 0; d < 4; d++)
            setting->compound[sim_compound_at (2, s, i, y, d)]
                = sim_compound (SIM_AVERAGE, 2, impact, NULL, i, y, d);
      }
}

/* Parameters and policies; cross impact where the case has it. */
static gboolean
read_setting (JsonObject *input, Setting *setting, GError **error)
{
  JsonObject *parameters = read_object (input, "parameters", error);
  JsonObject *means = NULL, *deviations = NULL, *impact = NULL;
  double C_a = 0.0, C_b = 0.0;

  if (parameters == NULL || !read_common (parameters, setting, error)
      || (means = read_object (parameters, "mu", error)) == NULL
      || (deviations = read_object (parameters, "sigma", error)) == NULL
      || (impact = read_object (parameters, "self_impact", error)) == NULL
      || !read_policy (input, "policy_j", &setting->policy[0], error)
      || !read_policy (input, "policy_k", &setting->policy[1], error))
    return FALSE;
  for (int k = 0; k < 2; k++)
    if (!read_score (means, deviations, items[k], items[k], &setting->score[k], error)
        || !read_into (impact, groups[k], setting->self[k], 4, error))
      return FALSE;
  if (golden_has (input, "C_a") && (!golden_read_number (input, "C_a", &C_a, error)
                                    || !golden_read_number (input, "C_b", &C_b, error)))
    return FALSE;
  set_cross_impact (setting, C_a, C_b);
  return TRUE;
}

/* The golden state: alpha_a_j, alpha_b_j, alpha_a_k, alpha_b_k, beta_a, beta_b. */
static gboolean
read_state (JsonObject *input, const char *key, double *joint, GError **error)
{
  double state[6];

  if (!read_into (input, key, state, 6, error))
    return FALSE;
  for (uint32_t s = 0; s < 2; s++)
    sim_row_of_pair (state[s], state[2 + s], state[4 + s], joint + 4 * s);
  return TRUE;
}

/* ---- saying ------------------------------------------------------------- */

static void
say_state (GoldenCase *c, const char *path, const SimSystem *system, const double *joint)
{
  double state[6];

  sim_fit_rates (system, joint, state);
  state[4] = joint[3];
  state[5] = joint[7];
  golden_numbers (c, path, state, 6);
}

static void
say_thresholds (GoldenCase *c, const double *theta)
{
  golden_tolerance (c, "threshold_abs", 1e-9);
  for (uint32_t k = 0; k < 4; k++)
    {
      g_autofree char *path = g_strdup_printf ("thresholds/%s%s", groups[k % 2], items[k / 2]);

      golden_number (c, path, theta[k]);
    }
}

/* ---- cases -------------------------------------------------------------- */

static gboolean
check_thresholds (GoldenCase *c, GError **error)
{
  static const char *const names[] = { "UN", "DP", "EqOpt" };
  Setting setting = { .policy = { SIM_UN } };
  JsonNode *rates = json_object_get_member (c->input, "fit_rates_a_b");
  size_t n = rates != NULL && JSON_NODE_HOLDS_ARRAY (rates)
             ? json_array_get_length (json_node_get_array (rates)) : 0;
  g_autofree double *alpha = golden_read_numbers (c->input, "fit_rates_a_b", 2 * n, error);
  g_autofree double *theta = g_new (double, 2 * n + 1);

  if (alpha == NULL || !read_common (c->input, &setting, error)
      || !read_score (c->input, c->input, "mu", "sigma", &setting.score[0], error))
    return FALSE;
  golden_tolerance (c, "threshold_abs", 1e-9);
  for (int k = 0; k < 3; k++)
    {
      g_autofree char *path = g_strconcat ("threshold_a_b/", names[k], NULL);

      setting.policy[0] = (SimPolicy) k;
      for (size_t p = 0; p < n; p++)
        {
          theta[2 * p] = theta[2 * p + 1] = NAN;
          sim_thresholds (&setting.system, 0, alpha + 2 * p, theta + 2 * p);
        }
      golden_numbers (c, path, theta, 2 * n);
    }
  return TRUE;
}

static void
say_pair (GoldenCase *c, const char *group, const SimPair *pair)
{
  for (int k = 0; k < 4; k++)
    {
      g_autofree char *g = g_strdup_printf ("details/g%d_%s%s", k % 2, group, items[k / 2]);
      g_autofree char *f = g_strdup_printf ("details/f%d%d_%s", k / 2, k % 2, group);

      golden_number (c, g, sim_pair_g (pair, k / 2, k % 2));
      golden_number (c, f, sim_pair_f (pair, k / 2, k % 2));
    }
}

/* The same for both categories, hence by own decision, then the other. */
static void
say_impact (GoldenCase *c, const Setting *setting, uint32_t s)
{
  g_autofree char *compound = g_strconcat ("compound/", groups[s], NULL);
  g_autofree char *cross = g_strconcat ("cross/", groups[s], NULL);
  double table[8];

  for (uint32_t k = 0; k < 8; k++)
    table[k] = setting->compound[sim_compound_at (2, s, 0, (int) (k / 4),
                                                  (k / 2 % 2) | (k % 2) << 1)];
  golden_numbers (c, compound, table, 8);
  golden_numbers (c, cross, setting->cross[s], 4);
}

static gboolean
check_step (GoldenCase *c, GError **error)
{
  Setting setting = { 0 };
  double joint[8], next[8], theta[4] = { NAN, NAN, NAN, NAN };

  if (!read_setting (c->input, &setting, error) || !read_state (c->input, "state", joint, error))
    return FALSE;
  sim_step (&setting.system, joint, theta, next);
  golden_tolerance (c, "step_abs", 1e-12);
  say_state (c, "next_state", &setting.system, next);
  sim_joint_step (&setting.system, theta, joint, next);
  say_state (c, "next_state", &setting.system, next);
  for (uint32_t s = 0; s < 2; s++)
    {
      SimPair pair = sim_pair (&setting.system, s, theta, joint + 4 * s);

      say_pair (c, groups[s], &pair);
      say_impact (c, &setting, s);
    }
  say_thresholds (c, theta);
  return TRUE;
}

static gboolean
run (const GoldenCase *c, const Setting *setting, double *joint, double *theta, GError **error)
{
  SimLimit limit = sim_run (&setting->system, 1e-14, STEPS_MAX, joint, theta, NULL, NULL);

  /* Rounding may keep the last digit moving. */
  return limit.change <= 1e-13
         || fl_fail (error, FL_ERROR_NUMERIC, "%s: no equilibrium in %d steps", c->id, STEPS_MAX);
}

static gboolean
check_equilibrium (GoldenCase *c, GError **error)
{
  Setting setting = { 0 };
  double joint[8], theta[4];

  if (!read_setting (c->input, &setting, error)
      || !read_state (c->input, "initial_state", joint, error)
      || !run (c, &setting, joint, theta, error))
    return FALSE;
  golden_tolerance (c, "equilibrium_abs", 1e-9);
  say_state (c, "equilibrium", &setting.system, joint);
  say_thresholds (c, theta);
  return TRUE;
}

/* alpha_b_j - alpha_a_j at equilibrium from even odds. */
static gboolean
cell_of_figure (const GoldenCase *c, Setting *setting, double C_a, double C_b, double *difference,
                GError **error)
{
  double joint[8], theta[4], alpha[4];

  for (uint32_t s = 0; s < 2; s++)
    sim_row_of_pair (0.5, 0.5, 0.25, joint + 4 * s);
  set_cross_impact (setting, C_a, C_b);
  if (!run (c, setting, joint, theta, error))
    return FALSE;
  sim_fit_rates (&setting->system, joint, alpha);
  *difference = alpha[1] - alpha[0];
  return TRUE;
}

static gboolean
check_cells (GoldenCase *c, GError **error)
{
  Setting setting = { 0 };
  double difference;

  if (!read_setting (c->input, &setting, error))
    return FALSE;
  for (unsigned k = 0;; k++)
    {
      g_autofree char *a = g_strdup_printf ("cells/%u/C_a", k);
      g_autofree char *b = g_strdup_printf ("cells/%u/C_b", k);
      g_autofree char *printed = g_strdup_printf ("cells/%u/printed", k);
      g_autofree char *computed = g_strdup_printf ("cells/%u/computed", k);
      double C_a = golden_expected (c, a, 0), C_b = golden_expected (c, b, 0);

      if (!golden_expects (c, a))
        return TRUE;
      if (!cell_of_figure (c, &setting, C_a, C_b, &difference, error))
        return FALSE;
      golden_number (c, a, C_a);
      golden_number (c, b, C_b);
      golden_tolerance (c, "printed_table_abs", 6e-5);
      golden_number (c, printed, difference);
      golden_tolerance (c, "equilibrium_abs", 1e-9);
      golden_number (c, computed, difference);
    }
}

static gboolean
check_simulator (GoldenCase *c, GError **error)
{
  if (golden_has (c->input, "fit_rates_a_b"))
    return check_thresholds (c, error);
  if (golden_has (c->input, "state"))
    return check_step (c, error);
  if (golden_has (c->input, "initial_state"))
    return check_equilibrium (c, error);
  return check_cells (c, error);
}

GOLDEN_SET ("simulator", check_simulator)
