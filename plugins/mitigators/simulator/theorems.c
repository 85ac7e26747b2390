/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* theorems: theorems 1 to 4, proposition 1 and lemma 1 of [yao-dissertation,
 * chapter 5], tried on random systems of two groups and two categories.
 *
 * A draw has impacts under assumptions 2 and 3.a with all probabilities in
 * (0.02, 0.98), scores, population shares and utilities at random, and policies at
 * random where a claim is about any.  What a claim presupposes (a unique
 * equilibrium, the conditions of theorem 2) is looked at first: draws without it do
 * not count.  A difference of the wrong sign counts against a claim beyond WRONG.
 */
#include <math.h>
#include <string.h>

#include "dynamics.h"

#define TOLERANCE 1e-13
#define STEPS_MAX 100000
#define WRONG 1e-9
/* Rates from different starts are one equilibrium within this. */
#define SAME 1e-9
#define N_STARTS 3
/* States in which the conditions of theorem 2 are looked at. */
#define N_STATES 50
/* How many counterexamples of a claim are told in full. */
#define TOLD 3

typedef struct
{
  int64_t draws;
} Theorems;

static const FlParam params[] = {
  FL_INT (Theorems, draws, 10000, 1, 1e8, "systems", "random systems for each claim"),
  FL_PARAM_END
};

enum { DRAWS, COUNTEREXAMPLES, WORST };

static const FlValue values[] = {
  [DRAWS] = { .name = "draws", .direction = FL_NO_DIRECTION,
              .doc = "systems that meet what the claim presupposes" },
  [COUNTEREXAMPLES] = { .name = "counterexamples", .direction = FL_NO_DIRECTION,
                        .doc = "of these, those for which it is not so" },
  [WORST] = { .name = "worst", .direction = FL_NO_DIRECTION,
              .doc = "by how much, at most: a difference of fit rates" },
  FL_VALUE_END
};

/* ---- random systems ----------------------------------------------------- */

typedef enum { POSITIVE = 1, NEGATIVE, ZERO } Condition; /* conditions 1 to 3 */

typedef struct
{
  SimSystem system;
  double share[2], fixed[4], compound[32];
  SimScore score[2];
  SimPolicy policy[2];
  double self[2][2][4];  /* T^{s,i,i}                    */
  double cross[2][2][4]; /* T^{s,i,-i}: impact on i      */
  uint64_t seed, index;
} Draw;

static double
between (FlRng *rng, double low, double high)
{
  return low + (high - low) * fl_rng_uniform (rng);
}

/* n numbers in increasing order. */
static void
sorted (FlRng *rng, int n, double *x)
{
  for (int k = 0; k < n; k++)
    {
      double v = between (rng, 0.02, 0.98);
      int at = k;

      for (; at > 0 && x[at - 1] > v; at--)
        x[at] = x[at - 1];
      x[at] = v;
    }
}

/* T[y][d] with T[0][d] < T[1][d], and T[y][0] below, above or equal to T[y][1]. */
static void
draw_impact (FlRng *rng, Condition condition, double T[4])
{
  double x[4], flip;

  sorted (rng, condition == ZERO ? 2 : 4, x);
  if (condition == ZERO)
    {
      T[0] = T[1] = x[0];
      T[2] = T[3] = x[1];
      return;
    }
  T[0] = x[0];
  T[3] = x[3];
  T[1] = x[1];
  T[2] = x[2];
  if (fl_rng_below (rng, 2) == 1)
    {
      T[1] = x[2];
      T[2] = x[1];
    }
  if (condition == NEGATIVE) /* the columns change places */
    for (int y = 0; y < 2; y++)
      {
        flip = T[2 * y];
        T[2 * y] = T[2 * y + 1];
        T[2 * y + 1] = flip;
      }
}

static void
compound (Draw *draw)
{
  for (uint32_t s = 0; s < 2; s++)
    for (uint32_t i = 0; i < 2; i++)
      {
        double impact[8];

        memcpy (impact + 4 * i, draw->self[s][i], 4 * sizeof *impact);
        memcpy (impact + 4 * (1 - i), draw->cross[s][i], 4 * sizeof *impact);
        for (int y = 0; y < 2; y++)
          for (uint32_t d = 0; d < 4; d++)
            draw->compound[sim_compound_at (2, s, i, y, d)]
                = sim_compound (SIM_AVERAGE, 2, impact, NULL, i, y, d);
      }
}

static void
draw_system (Draw *draw, FlRng *rng)
{
  double a = between (rng, 0.1, 0.9);

  draw->share[0] = a;
  draw->share[1] = 1.0 - a;
  for (uint32_t i = 0; i < 2; i++)
    {
      draw->score[i].mean[0] = between (rng, -6.0, -1.0);
      draw->score[i].mean[1] = between (rng, 1.0, 6.0);
      draw->score[i].deviation = between (rng, 2.0, 6.0);
      draw->policy[i] = (SimPolicy) fl_rng_below (rng, 3);
      for (uint32_t s = 0; s < 2; s++)
        {
          draw_impact (rng, POSITIVE, draw->self[s][i]);
          draw_impact (rng, (Condition) (1 + fl_rng_below (rng, 3)), draw->cross[s][i]);
        }
    }
  draw->system = (SimSystem) { .n_groups = 2, .n_items = 2, .w = between (rng, 0.2, 0.8),
                               .share = draw->share, .score = draw->score,
                               .policy = draw->policy, .fixed = draw->fixed,
                               .compound = draw->compound };
  compound (draw);
}

/* The system points into its own draw. */
static void
draw_copy (const Draw *draw, Draw *to)
{
  *to = *draw;
  to->system.share = to->share;
  to->system.score = to->score;
  to->system.policy = to->policy;
  to->system.fixed = to->fixed;
  to->system.compound = to->compound;
}

/* ---- equilibria --------------------------------------------------------- */

typedef struct
{
  double joint[8], alpha[4], theta[4]; /* alpha, theta: i * 2 + s */
} Rest;

static gboolean
rest_from (const SimSystem *system, Rest *rest)
{
  SimLimit limit = sim_run (system, TOLERANCE, STEPS_MAX, rest->joint, rest->theta, NULL, NULL);

  sim_fit_rates (system, rest->joint, rest->alpha);
  return limit.period == 1;
}

/* The equilibrium, if starts of all kinds lead to it. */
static gboolean
unique_rest (const Draw *draw, Rest *rest)
{
  FlRng rng = fl_rng (draw->seed, "theorem-start", draw->index);
  Rest other;

  sim_random_state (&draw->system, &rng, rest->joint);
  if (!rest_from (&draw->system, rest))
    return FALSE;
  for (int start = 1; start < N_STARTS; start++)
    {
      sim_random_state (&draw->system, &rng, other.joint);
      if (!rest_from (&draw->system, &other))
        return FALSE;
      for (int k = 0; k < 8; k++)
        if (fabs (other.joint[k] - rest->joint[k]) > SAME)
          return FALSE;
    }
  return TRUE;
}

/* Where a small change of the system leads from where it was. */
static gboolean
move_rest (const Draw *draw, const Rest *from, Rest *rest)
{
  *rest = *from;
  return rest_from (&draw->system, rest);
}

/* ---- claims ------------------------------------------------------------- */

typedef enum
{
  NOT_MET, /* what it presupposes */
  SO,
  NOT_SO
} Verdict;

/* What a claim says of a draw; `by` is how much against it. */
typedef Verdict (*Claim) (Draw *draw, FlRng *rng, double *by);

/* The sign of `difference` is to be that of `sign`; 0: none. */
static Verdict
judge (double difference, int sign, double *by)
{
  *by = sign == 0 ? fabs (difference) : MAX (0.0, -sign * difference);
  return *by > WRONG ? NOT_SO : SO;
}

/* A fixed point, by the dynamics themselves or by half steps. */
static Verdict
theorem_1 (Draw *draw, FlRng *rng, double *by)
{
  double next[8];
  Rest rest;

  sim_random_state (&draw->system, rng, rest.joint);
  if (rest_from (&draw->system, &rest))
    return SO;
  for (int step = 0; step < STEPS_MAX; step++)
    {
      *by = 0.0;
      sim_step (&draw->system, rest.joint, rest.theta, next);
      for (int k = 0; k < 8; k++)
        {
          *by = MAX (*by, fabs (next[k] - rest.joint[k]));
          rest.joint[k] = 0.5 * (rest.joint[k] + next[k]);
        }
      if (*by <= TOLERANCE)
        return SO;
    }
  return NOT_SO;
}

/* That the dynamics lead there, as the text has it. */
static Verdict
comes_to_rest (Draw *draw, FlRng *rng, double *by)
{
  Rest rest;
  SimLimit limit;

  sim_random_state (&draw->system, rng, rest.joint);
  limit = sim_run (&draw->system, TOLERANCE, STEPS_MAX, rest.joint, rest.theta, NULL, NULL);
  *by = limit.period == 1 ? 0.0 : limit.change;
  return limit.period == 1 ? SO : NOT_SO;
}

/* One equilibrium where `holds` says so.  Weak cross impact in most draws, none in
 * some: else the conditions never hold. */
static Verdict
uniqueness (Draw *draw, FlRng *rng, gboolean (*holds) (const SimSlopes *slopes), double *by)
{
  static const double strength[] = { 0.0, 0.001, 0.01, 0.1 };
  double weak = strength[fl_rng_below (rng, 4)];
  double states[N_STARTS * 8];
  SimSlopes slopes;

  for (int k = 0; k < 4; k++)
    for (int t = 0; t < 4; t++)
      draw->cross[k % 2][k / 2][t] = (1.0 - weak) * (t / 2) + weak * draw->cross[k % 2][k / 2][t];
  compound (draw);
  slopes = sim_uniqueness (&draw->system, N_STATES, draw->seed, draw->index);
  if (!holds (&slopes))
    return NOT_MET;
  for (int start = 0; start < N_STARTS; start++)
    {
      Rest rest;

      sim_random_state (&draw->system, rng, rest.joint);
      if (!rest_from (&draw->system, &rest))
        return NOT_MET; /* it promises no stability */
      memcpy (states + 8 * start, rest.joint, sizeof rest.joint);
    }
  sim_count_distinct (&draw->system, N_STARTS, states, by);
  return *by <= SAME ? SO : NOT_SO;
}

static Verdict
theorem_2 (Draw *draw, FlRng *rng, double *by)
{
  return uniqueness (draw, rng, sim_uniqueness_holds, by);
}

static gboolean
contracts (const SimSlopes *slopes)
{
  return slopes->contraction < 1.0;
}

/* With the condition that uniqueness.c puts in its place. */
static Verdict
theorem_2_mended (Draw *draw, FlRng *rng, double *by)
{
  return uniqueness (draw, rng, contracts, by);
}

/* Raises one impact on category i of group s and looks at its fit rate. */
static Verdict
theorem_3 (Draw *draw, FlRng *rng, double *by)
{
  uint32_t s = fl_rng_below (rng, 2), i = fl_rng_below (rng, 2), t = fl_rng_below (rng, 4);
  double *T = fl_rng_below (rng, 2) == 0 ? &draw->self[s][i][t] : &draw->cross[s][i][t];
  Rest before, after;

  if (!unique_rest (draw, &before))
    return NOT_MET;
  *T += MIN (0.01, 0.5 * (1.0 - *T));
  compound (draw);
  if (!move_rest (draw, &before, &after))
    return NOT_MET;
  return judge (after.alpha[2 * i + s] - before.alpha[2 * i + s], 1, by);
}

/* Impacts of the other group that make it equal, between hardly ever and nearly
 * always fitting. */
static Verdict
proposition_1 (Draw *draw, FlRng *rng, double *by)
{
  uint32_t s = fl_rng_below (rng, 2), i = fl_rng_below (rng, 2), other = 1 - s;
  double low = 1e-6, high = 1.0 - 1e-6;
  Rest rest;

  sim_random_state (&draw->system, rng, rest.joint);
  for (int t = 0; t < 4; t++)
    draw->cross[other][i][t] = t / 2;
  for (double at = 0.5; at > low && at < high; at = 0.5 * (low + high))
    {
      double difference;

      for (int t = 0; t < 4; t++)
        draw->self[other][i][t] = at + (t / 2 ? 1.0 : -1.0) * 1e-7;
      compound (draw);
      if (!rest_from (&draw->system, &rest))
        return NOT_MET;
      difference = rest.alpha[2 * i + other] - rest.alpha[2 * i + s];
      *by = fabs (difference);
      if (*by <= 0.1 * WRONG)
        break;
      if (difference < 0.0)
        low = at;
      else
        high = at;
    }
  return *by <= WRONG ? SO : NOT_SO;
}

/* A higher threshold in the other category. */
static Verdict
lemma_1 (Draw *draw, FlRng *rng, Condition condition, double *by)
{
  uint32_t s = fl_rng_below (rng, 2), i = fl_rng_below (rng, 2), other = 1 - i;
  Rest before, after;

  draw_impact (rng, condition, draw->cross[s][i]);
  compound (draw);
  draw->policy[other] = SIM_FIXED;
  for (uint32_t g = 0; g < 2; g++)
    draw->fixed[2 * other + g] = between (rng, draw->score[other].mean[0],
                                          draw->score[other].mean[1]);
  if (!unique_rest (draw, &before))
    return NOT_MET;
  draw->fixed[2 * other + s] += 0.1 * draw->score[other].deviation;
  if (!move_rest (draw, &before, &after))
    return NOT_MET;
  return judge (after.alpha[2 * i + s] - before.alpha[2 * i + s],
                condition == POSITIVE ? -1 : condition == NEGATIVE ? 1 : 0, by);
}

static Verdict
lemma_1_positive (Draw *draw, FlRng *rng, double *by)
{
  return lemma_1 (draw, rng, POSITIVE, by);
}

static Verdict
lemma_1_negative (Draw *draw, FlRng *rng, double *by)
{
  return lemma_1 (draw, rng, NEGATIVE, by);
}

static Verdict
lemma_1_zero (Draw *draw, FlRng *rng, double *by)
{
  return lemma_1 (draw, rng, ZERO, by);
}

/* Fairness in the other category, none in this one. */
static Verdict
theorem_4 (Draw *draw, FlRng *rng, Condition condition, gboolean reciprocal, double *by)
{
  uint32_t s = fl_rng_below (rng, 2), i = fl_rng_below (rng, 2), other = 1 - i;
  int sign = condition == POSITIVE ? 1 : condition == NEGATIVE ? -1 : 0;
  Draw fair;
  Rest free_rest, fair_rest;
  double behind;

  for (uint32_t g = 0; g < 2; g++)
    {
      if (reciprocal || g == s)
        draw_impact (rng, condition, draw->cross[g][i]);
      if (reciprocal)
        memcpy (draw->cross[g][other], draw->cross[g][i], sizeof draw->cross[g][i]);
    }
  compound (draw);
  draw->policy[i] = draw->policy[other] = SIM_UN;
  draw_copy (draw, &fair);
  fair.policy[other] = fl_rng_below (rng, 2) == 0 ? SIM_DP : SIM_EQOPT;
  if (!unique_rest (draw, &free_rest) || !unique_rest (&fair, &fair_rest))
    return NOT_MET;
  behind = free_rest.alpha[2 * other + (1 - s)] - free_rest.alpha[2 * other + s];
  draw->policy[other] = fair.policy[other]; /* to be told */
  return judge (fair_rest.alpha[2 * i + s] - free_rest.alpha[2 * i + s],
                behind > 0.0 ? sign : -sign, by);
}

static Verdict
theorem_4_positive (Draw *draw, FlRng *rng, double *by)
{
  return theorem_4 (draw, rng, POSITIVE, FALSE, by);
}

static Verdict
theorem_4_negative (Draw *draw, FlRng *rng, double *by)
{
  return theorem_4 (draw, rng, NEGATIVE, FALSE, by);
}

static Verdict
theorem_4_zero (Draw *draw, FlRng *rng, double *by)
{
  return theorem_4 (draw, rng, ZERO, FALSE, by);
}

/* As in the experiments: the same impact in both directions. */
static Verdict
theorem_4_reciprocal (Draw *draw, FlRng *rng, double *by)
{
  return theorem_4 (draw, rng, fl_rng_below (rng, 2) == 0 ? POSITIVE : NEGATIVE, TRUE, by);
}

static const struct
{
  const char *name;
  Claim claim;
} claims[] = {
  { "theorem 1", theorem_1 },
  { "theorem 1: comes to rest", comes_to_rest },
  { "theorem 2", theorem_2 },
  { "theorem 2, mended", theorem_2_mended },
  { "theorem 3", theorem_3 },
  { "proposition 1", proposition_1 },
  { "lemma 1: positive impact", lemma_1_positive },
  { "lemma 1: negative impact", lemma_1_negative },
  { "lemma 1: no impact", lemma_1_zero },
  { "theorem 4: positive impact", theorem_4_positive },
  { "theorem 4: negative impact", theorem_4_negative },
  { "theorem 4: no impact", theorem_4_zero },
  { "theorem 4: reciprocal impact", theorem_4_reciprocal },
};

/* ---- trying ------------------------------------------------------------- */

static void
append_numbers (GString *text, const char *name, const double *x, size_t n)
{
  g_string_append_printf (text, "; %s", name);
  for (size_t k = 0; k < n; k++)
    g_string_append_printf (text, " %.4g", x[k]);
}

static void
append_draw (GString *text, uint64_t index, const Draw *draw, double by)
{
  static const char *const policy[] = { "UN", "DP", "EqOpt", "fixed" };

  g_string_append_printf (text, "%sdraw %" G_GUINT64_FORMAT ", by %.3g: policies %s %s; w %.4g",
                          text->len > 0 ? " | " : "", index, by, policy[draw->policy[0]],
                          policy[draw->policy[1]], draw->system.w);
  append_numbers (text, "shares", draw->share, 2);
  for (int i = 0; i < 2; i++)
    {
      append_numbers (text, i == 0 ? "scores j" : "scores k", draw->score[i].mean, 2);
      append_numbers (text, "deviation", &draw->score[i].deviation, 1);
    }
  append_numbers (text, "self aj ak bj bk", &draw->self[0][0][0], 16);
  append_numbers (text, "cross aj ak bj bk", &draw->cross[0][0][0], 16);
}

typedef struct
{
  Verdict verdict;
  double by;
} Trial;

static Trial
try_claim (size_t claim, uint64_t seed, uint64_t index, Draw *draw)
{
  FlRng rng = fl_rng (seed, claims[claim].name, index);
  Trial trial = { NOT_MET, 0.0 };

  *draw = (Draw) { .seed = seed, .index = index };
  draw_system (draw, &rng);
  trial.verdict = claims[claim].claim (draw, &rng, &trial.by);
  return trial;
}

static void
set_claim (size_t claim, uint64_t seed, size_t n, const Trial *trials, FlRun *run,
           FlResult *result)
{
  g_autofree char *label = g_strconcat ("claim=", claims[claim].name, NULL);
  g_autoptr (GString) story = g_string_new (NULL);
  size_t n_met = 0, n_counter = 0;
  double worst = 0.0;

  for (size_t k = 0; k < n; k++)
    {
      Draw draw;

      n_met += trials[k].verdict != NOT_MET;
      if (trials[k].verdict != NOT_SO)
        continue;
      worst = MAX (worst, trials[k].by);
      if (n_counter++ < TOLD)
        {
          try_claim (claim, seed, k, &draw);
          append_draw (story, k, &draw, trials[k].by);
        }
    }
  fl_result_set_label (result, DRAWS, label, (double) n_met, n);
  fl_result_set_label (result, COUNTEREXAMPLES, label, (double) n_counter, n_met);
  fl_result_set_label (result, WORST, label, worst, n_met);
  if (story->len > 0)
    fl_run_note_text (run, claims[claim].name, story->str);
}

static gboolean
theorems_project (gpointer self, const FlStage *stage, FlResult *result, GError **error)
{
  size_t n = (size_t) ((const Theorems *) self)->draws;
  g_autofree Trial *trials = fl_alloc (n, sizeof *trials, error);
  uint64_t seed = fl_run_seed (stage->run);

  if (trials == NULL)
    return FALSE;
  for (size_t claim = 0; claim < G_N_ELEMENTS (claims); claim++)
    {
#pragma omp parallel for schedule(dynamic, 16)
      for (size_t k = 0; k < n; k++)
        {
          Draw draw;

          trials[k] = try_claim (claim, seed, k, &draw);
        }
      set_claim (claim, seed, n, trials, stage->run, result);
      fl_run_progress (stage->run, (double) claim + 1, G_N_ELEMENTS (claims), claims[claim].name);
    }
  return TRUE;
}

FL_PLUGIN (
  .name = "simulator-theorems",
  .summary = "the theorems about long-term fit, tried on random systems",
  .description
  = "Draws systems of two user groups and two item categories that meet the assumptions of the "
    "dissertation's chapter 5, and counts for each theorem, and for proposition 1 and lemma 1, the "
    "draws that meet its premises and those among them for which it does not hold. The first "
    "counterexamples of each claim are told in the run's notes.",
  .reference = "Yao, dissertation, 5.4, 5.5",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (Theorems),
  FL_MITIGATOR (FL_PROJECT (.project = theorems_project, .values = values, .alone = TRUE))
);
