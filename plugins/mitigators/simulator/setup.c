/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* setup.c: the parameters, refused where they describe no system.  Defaults are
 * those of [yao-dissertation, 5.6.1]. */
#include <math.h>
#include <string.h>

#include "setup.h"

#define POINTS_MAX 100000

const FlParam simulator_params[] = {
  FL_STRING (Simulator, groups, "a b", "names of the user groups, separated by blanks"),
  FL_STRING (Simulator, categories, "j k", "names of the item categories, separated by blanks"),
  FL_STRING (Simulator, policies, "UN UN",
             "policy of each category: UN, DP, EqOpt, or fixed; one for all, or one each"),
  FL_DOUBLES (Simulator, shares, "", 1e-6, 1e9, NULL, "relative sizes of the groups; empty: equal"),
  FL_DOUBLES (Simulator, means, "-5; 5; -3; 3", -1e6, 1e6, NULL,
              "mean fit scores of each category: of those who do not fit, of those who do"),
  FL_DOUBLES (Simulator, deviations, "5", 1e-6, 1e6, NULL,
              "standard deviation of the fit scores, whether they fit or not: one, or one a "
              "category"),
  FL_DOUBLE (Simulator, gain, 1, 1e-9, 1e9, NULL, "u+, of recommending what fits"),
  FL_DOUBLE (Simulator, loss, 1, 1e-9, 1e9, NULL, "u-, of recommending what does not fit"),
  SIM_SELF_IMPACT (Simulator, "0.1; 0.5; 0.5; 0.7; 0.4; 0.5; 0.5; 0.9"),
  SIM_CROSS_IMPACT (Simulator),
  FL_DOUBLES (Simulator, cross_tables, "", 0, 1, NULL,
              "cross impact as T00; T01; T10; T11 instead of C: once a group, or for each group, "
              "category, and other category"),
  SIM_COMPOUNDING (Simulator),
  FL_DOUBLES (Simulator, thresholds, "", -1e6, 1e6, NULL,
              "thresholds of policy fixed: for each group, one a category"),
  FL_DOUBLES (Simulator, sweep, "", -1, 1, NULL,
              "values of C that the groups take in all combinations, each group its own"),
  FL_DOUBLES (Simulator, start, "", 0, 1, NULL,
              "fit rates to start with: for each group, one a category and, with two categories, "
              "perhaps the joint fit rate, else they are independent; empty: 0.5"),
  FL_INT (Simulator, starts, 5, 1, 10000, NULL, "starting points: the given, then random ones"),
  FL_INT (Simulator, steps, 100000, 1, 1e9, "steps", "limit of steps from each start"),
  FL_DOUBLE (Simulator, tolerance, 1e-13, 0, 1, NULL,
             "an equilibrium is where no rate moves by more in a step"),
  FL_INT (Simulator, uniqueness, 0, 0, 1e7, "states",
          "states in which the conditions of theorem 2 are looked at; two categories only"),
  FL_BOOL (Simulator, trajectories, 0, "keep the rates of every step"),
  FL_PARAM_END
};

/* ---- words -------------------------------------------------------------- */

/* The words of `text`, at most `max`, without the signs that labels need. */
static char **
split_words (const char *key, const char *text, size_t max, GError **error)
{
  g_auto (GStrv) all = g_strsplit_set (text, " \t", -1);
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);

  for (size_t k = 0; all[k] != NULL; k++)
    if (all[k][0] != '\0')
      {
        if (strpbrk (all[k], ",;=*") != NULL
            || g_ptr_array_find_with_equal_func (words, all[k], g_str_equal, NULL))
          {
            fl_fail (error, FL_ERROR_CONFIG, "%s: '%s' %s", key, all[k],
                     strpbrk (all[k], ",;=*") != NULL ? "holds one of , ; = *" : "occurs twice");
            return NULL;
          }
        g_ptr_array_add (words, g_strdup (all[k]));
      }
  if (words->len < 1 || words->len > max)
    {
      fl_fail (error, FL_ERROR_CONFIG, "%s: %u names; must be from 1 to %" G_GSIZE_FORMAT, key,
               words->len, max);
      return NULL;
    }
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_steal (words, NULL);
}

static gboolean
read_policies (SimSetup *setup, GError **error)
{
  static const char *const names[] = { "un", "dp", "eqopt", "fixed" };
  g_auto (GStrv) all = g_strsplit_set (setup->from->policies, " \t", -1);
  uint32_t n = 0, n_items = setup->system.n_items;

  for (size_t k = 0; all[k] != NULL; k++)
    {
      g_autofree char *word = g_ascii_strdown (all[k], -1);
      int policy = 0;

      if (*word == '\0')
        continue;
      while (policy < (int) G_N_ELEMENTS (names) && strcmp (word, names[policy]) != 0)
        policy++;
      if (policy == (int) G_N_ELEMENTS (names))
        return fl_fail (error, FL_ERROR_CONFIG,
                        "policies: '%s' is none of UN, DP, EqOpt, fixed", all[k]);
      if (n < n_items)
        setup->policy[n] = (SimPolicy) policy;
      n++;
    }
  for (uint32_t i = n; n == 1 && i < n_items; i++)
    setup->policy[i] = setup->policy[0];
  return n == 1 || n == n_items
         || fl_fail (error, FL_ERROR_CONFIG, "policies: %u given for %u categories", n, n_items);
}

/* ---- lists of numbers --------------------------------------------------- */

static gboolean
read_shares (SimSetup *setup, GError **error)
{
  const FlDoubles *shares = &setup->from->shares;
  uint32_t S = setup->system.n_groups;
  double sum = 0.0;

  if (shares->n > 0 && !sim_check_length ("shares", shares, S, error))
    return FALSE;
  setup->share = g_new (double, S);
  for (uint32_t s = 0; s < S; s++)
    sum += setup->share[s] = shares->n > 0 ? shares->v[s] : 1.0;
  for (uint32_t s = 0; s < S; s++)
    setup->share[s] /= sum;
  return TRUE;
}

static gboolean
read_scores (SimSetup *setup, GError **error)
{
  const FlDoubles *means = &setup->from->means;
  uint32_t n_items = setup->system.n_items;
  double deviation[SIM_ITEMS_MAX];

  if (!sim_check_length ("means", means, 2 * n_items, error)
      || !sim_spread ("deviations", &setup->from->deviations, 1, n_items, n_items, deviation,
                      error))
    return FALSE;
  for (uint32_t i = 0; i < n_items; i++)
    {
      setup->score[i] = (SimScore) { { means->v[2 * i], means->v[2 * i + 1] }, deviation[i] };
      if (!(setup->score[i].mean[0] < setup->score[i].mean[1]))
        return fl_fail (error, FL_ERROR_CONFIG,
                        "means: %g of those who do not fit category %s is not below %g of those "
                        "who do", setup->score[i].mean[0], setup->item[i], setup->score[i].mean[1]);
    }
  return TRUE;
}

static gboolean
read_impacts (SimSetup *setup, GError **error)
{
  const Simulator *from = setup->from;
  const SimImpactKeys keys = { &from->self_impact, &from->cross_impact, &from->cross_tables,
                               &from->weights, from->compounding };

  if (from->cross_tables.n > 0 && from->sweep.n > 0)
    return fl_fail (error, FL_ERROR_CONFIG, "sweep: moves C, which cross-tables replaces");
  return sim_impacts_init (&setup->impacts, &keys, setup->system.n_groups, setup->system.n_items,
                           error);
}

static gboolean
read_thresholds (SimSetup *setup, GError **error)
{
  const FlDoubles *thresholds = &setup->from->thresholds;
  uint32_t S = setup->system.n_groups, M = setup->system.n_items;
  gboolean fixed = FALSE;

  for (uint32_t i = 0; i < M; i++)
    fixed = fixed || setup->policy[i] == SIM_FIXED;
  if (!sim_check_length ("thresholds", thresholds, fixed ? (size_t) S * M : 0, error))
    return FALSE;
  setup->fixed = g_new0 (double, (size_t) S * M);
  for (uint32_t k = 0; k < thresholds->n; k++) /* given by group, kept by category */
    setup->fixed[k % M * S + k / M] = thresholds->v[k];
  return TRUE;
}

/* ---- the start ---------------------------------------------------------- */

static gboolean
read_pair (const SimSetup *setup, uint32_t s, const double *given, double *row, GError **error)
{
  double j = given[0], k = given[1], beta = given[2];

  if (!(beta <= MIN (j, k) && beta >= j + k - 1.0))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "start: with fit rates %g and %g of group %s the joint fit rate must be from "
                    "%g to %g, found %g", j, k, setup->group[s], MAX (0.0, j + k - 1.0),
                    MIN (j, k), beta);
  sim_row_of_pair (j, k, beta, row);
  return TRUE;
}

static gboolean
read_start (SimSetup *setup, GError **error)
{
  const FlDoubles *start = &setup->from->start;
  uint32_t S = setup->system.n_groups, M = setup->system.n_items;
  gboolean pairs = M == 2 && start->n == 3 * S;

  if (start->n > 0 && !pairs && !sim_check_length ("start", start, (size_t) S * M, error))
    return FALSE;
  setup->start = g_new (double, sim_state_size (&setup->system));
  for (uint32_t s = 0; s < S; s++)
    {
      double *row = setup->start + ((size_t) s << M), even[SIM_ITEMS_MAX];

      for (uint32_t i = 0; i < M; i++)
        even[i] = 0.5;
      if (!pairs)
        sim_row_independent (M, start->n > 0 ? start->v + s * M : even, row);
      else if (!read_pair (setup, s, start->v + 3 * s, row, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- all ---------------------------------------------------------------- */

gboolean
sim_setup_init (SimSetup *setup, const Simulator *from, GError **error)
{
  SimSystem *system = &setup->system;

  *setup = (SimSetup) { .from = from };
  if ((setup->group = split_words ("groups", from->groups, SIM_GROUPS_MAX, error)) == NULL
      || (setup->item = split_words ("categories", from->categories, SIM_ITEMS_MAX, error)) == NULL)
    return FALSE;
  system->n_groups = g_strv_length (setup->group);
  system->n_items = g_strv_length (setup->item);
  system->w = from->loss / (from->gain + from->loss);
  if (!read_policies (setup, error) || !read_shares (setup, error) || !read_scores (setup, error)
      || !read_impacts (setup, error) || !read_thresholds (setup, error)
      || !read_start (setup, error))
    return FALSE;
  system->share = setup->share;
  system->score = setup->score;
  system->policy = setup->policy;
  system->fixed = setup->fixed;
  if (sim_setup_points (setup) > POINTS_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "sweep: more than %d combinations of C", POINTS_MAX);
  return from->uniqueness == 0 || system->n_items == 2
         || fl_fail (error, FL_ERROR_CONFIG, "uniqueness: theorem 2 is about two categories, "
                     "not %u", system->n_items);
}

void
sim_setup_clear (SimSetup *setup)
{
  g_strfreev (setup->group);
  g_strfreev (setup->item);
  g_free (setup->share);
  g_free (setup->fixed);
  sim_impacts_clear (&setup->impacts);
  g_free (setup->start);
}

size_t
sim_setup_points (const SimSetup *setup)
{
  size_t n_values = setup->from->sweep.n, n = 1;

  for (uint32_t s = 0; n_values > 0 && s < setup->system.n_groups && n <= POINTS_MAX; s++)
    n *= n_values;
  return n;
}

double
sim_setup_swept (const SimSetup *setup, size_t point, uint32_t s)
{
  const FlDoubles *sweep = &setup->from->sweep;

  /* The last group's value changes fastest. */
  for (uint32_t later = s + 1; later < setup->system.n_groups; later++)
    point /= sweep->n;
  return sweep->v[point % sweep->n];
}

void
sim_setup_compound (const SimSetup *setup, size_t point, double *compound)
{
  SimImpacts impacts = setup->impacts;
  uint32_t M = impacts.n_items;
  double swept[SIM_GROUPS_MAX * SIM_ITEMS_MAX];

  for (uint32_t k = 0; setup->from->sweep.n > 0 && k < impacts.n_groups * M; k++)
    {
      swept[k] = sim_setup_swept (setup, point, k / M);
      impacts.cross = swept;
    }
  sim_impacts_compound (&impacts, compound);
}
