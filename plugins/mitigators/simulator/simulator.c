/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* simulator: where fit between user groups and item categories goes in the long
 * run, when recommendations change it [yao-dissertation, chapter 5].
 *
 * setup.c reads the parameters, dynamics.h has the mathematics.  Here the system
 * is run from several starts, at one point or over a sweep of cross impact, and
 * what came of it is named.
 */
#include <math.h>
#include <string.h>

#include "setup.h"

/* What a few starts of two categories fill a gigabyte with. */
#define TRAJECTORY_MAX 1000000

enum
{
  FIT_RATE, JOINT, DIFFERENCE, GAP, THRESHOLD, EQUILIBRIA, SPREAD, RESTLESS, UNIQUE, PHI, OWN,
  CROSS, CONTRACTION
};

static const FlValue values[] = {
  [FIT_RATE] = { .name = "fit-rate", .direction = FL_NO_DIRECTION,
                 .doc = "share of a group that fits a category at equilibrium" },
  [JOINT] = { .name = "joint-fit-rate", .direction = FL_NO_DIRECTION,
              .doc = "share of a group that fits both of two categories" },
  [DIFFERENCE] = { .name = "fit-difference", .direction = FL_NO_DIRECTION,
                   .doc = "fit rate of a group minus that of the first group" },
  [GAP] = { .name = "long-term-gap", .direction = FL_LOWER_IS_BETTER,
            .doc = "largest difference of fit rates between groups; over all: in any category" },
  [THRESHOLD] = { .name = "threshold", .direction = FL_NO_DIRECTION,
                  .doc = "fit score from which on a category is recommended, at equilibrium; "
                         "left out in a sweep" },
  [EQUILIBRIA] = { .name = "equilibria", .direction = FL_NO_DIRECTION,
                   .doc = "how many different equilibria the starts led to; of a sweep, the most" },
  [SPREAD] = { .name = "start-spread", .direction = FL_NO_DIRECTION,
               .doc = "largest difference between equilibria from different starts" },
  [RESTLESS] = { .name = "restless-starts", .direction = FL_NO_DIRECTION,
                 .doc = "starts that led to a cycle or did not come to rest" },
  [UNIQUE] = { .name = "unique", .direction = FL_NO_DIRECTION,
               .doc = "1 when the printed conditions of theorem 2 hold in all states looked "
                      "at, else 0; they do not suffice" },
  [PHI] = { .name = "slope-phi", .direction = FL_NO_DIRECTION,
            .doc = "theorem 2: largest |d phi / d alpha|, to be below 1" },
  [OWN] = { .name = "slope-own", .direction = FL_NO_DIRECTION,
            .doc = "theorem 2: largest d h / d alpha of its own, not to be above 0" },
  [CROSS] = { .name = "slope-cross", .direction = FL_NO_DIRECTION,
              .doc = "theorem 2: largest |d h| by any other rate, to be below 1" },
  [CONTRACTION] = { .name = "contraction", .direction = FL_NO_DIRECTION,
                    .doc = "a condition that does suffice: largest sum of a row of derivatives, "
                           "to be below 1" },
  FL_VALUE_END
};

/* What one point of the sweep came to. */
typedef struct
{
  double *joint;              /* equilibrium from the first start    */
  double theta[SIM_ITEMS_MAX * SIM_GROUPS_MAX];
  gboolean rests;             /* the first start                     */
  size_t n_equilibria, n_restless, n_first; /* starts that led where the first did */
  size_t steps;               /* the most of any start               */
  double spread;
  SimSlopes slopes;
  GString *story;             /* of what is out of the ordinary      */
} Point;

static void
point_clear (gpointer data)
{
  Point *point = data;

  g_free (point->joint);
  if (point->story != NULL)
    g_string_free (point->story, TRUE);
}

/* ---- one point ---------------------------------------------------------- */

static void
start_state (const SimSetup *setup, uint64_t seed, size_t start, double *joint)
{
  FlRng rng = fl_rng (seed, "start", start);

  if (start > 0)
    sim_random_state (&setup->system, &rng, joint);
  else
    memcpy (joint, setup->start, sim_state_size (&setup->system) * sizeof *joint);
}

static void
note_restless (Point *point, size_t start, const SimLimit *limit)
{
  if (limit->period > 0)
    g_string_append_printf (point->story, "%sstart %" G_GSIZE_FORMAT ": a cycle of %" G_GSIZE_FORMAT
                            " steps", point->story->len > 0 ? "; " : "", start + 1, limit->period);
  else
    g_string_append_printf (point->story, "%sstart %" G_GSIZE_FORMAT ": moves by %.3g after %"
                            G_GSIZE_FORMAT " steps", point->story->len > 0 ? "; " : "", start + 1,
                            limit->change, limit->steps);
}

/* The fit rates of an equilibrium other than the first start's. */
static void
note_other (const SimSystem *system, Point *point, size_t start, const double *joint)
{
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX];

  sim_fit_rates (system, joint, alpha);
  g_string_append_printf (point->story, "%sstart %" G_GSIZE_FORMAT ": fit rates",
                          point->story->len > 0 ? "; " : "", start + 1);
  for (uint32_t k = 0; k < system->n_items * system->n_groups; k++)
    g_string_append_printf (point->story, " %.6g", alpha[k]);
}

static void
run_starts (const SimSetup *setup, const SimSystem *system, uint64_t seed, Point *point)
{
  size_t size = sim_state_size (system), n_rest = 0;
  size_t n_starts = (size_t) setup->from->starts;
  g_autofree double *limits = g_new (double, n_starts * size);

  for (size_t start = 0; start < n_starts; start++)
    {
      double *joint = limits + n_rest * size, theta[SIM_ITEMS_MAX * SIM_GROUPS_MAX], apart = 0.0;
      SimLimit limit;

      start_state (setup, seed, start, joint);
      limit = sim_run (system, setup->from->tolerance, (size_t) setup->from->steps, joint, theta,
                       NULL, NULL);
      point->steps = MAX (point->steps, limit.steps);
      if (start == 0)
        {
          memcpy (point->joint, joint, size * sizeof *joint);
          memcpy (point->theta, theta, sizeof theta);
          point->rests = limit.period == 1;
        }
      if (limit.period != 1)
        {
          point->n_restless++;
          note_restless (point, start, &limit);
          continue;
        }
      n_rest++;
      for (size_t k = 0; k < size; k++)
        apart = MAX (apart, fabs (joint[k] - point->joint[k]));
      point->n_first += point->rests && apart <= SIM_DISTINCT;
      if (point->rests && apart > SIM_DISTINCT)
        note_other (system, point, start, joint);
    }
  point->n_equilibria = sim_count_distinct (system, n_rest, limits, &point->spread);
}

static void
run_point (const SimSetup *setup, uint64_t seed, size_t index, Point *point)
{
  size_t n_compound = sim_compound_at (setup->system.n_items, setup->system.n_groups, 0, 0, 0);
  g_autofree double *compound = g_new (double, n_compound);
  SimSystem system = setup->system;

  point->joint = g_new (double, sim_state_size (&system));
  point->story = g_string_new (NULL);
  sim_setup_compound (setup, index, compound);
  system.compound = compound;
  run_starts (setup, &system, seed, point);
  if (setup->from->uniqueness > 0)
    point->slopes = sim_uniqueness (&system, (size_t) setup->from->uniqueness, seed, index);
}

/* ---- labels ------------------------------------------------------------- */

/* "users=b,items=j,C_a=0.25,C_b=-0.5"; either may be NULL. */
static char *
label (const SimSetup *setup, size_t point, const char *users, const char *items)
{
  GString *text = g_string_new (NULL);
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (users != NULL)
    g_string_append_printf (text, ",users=%s", users);
  if (items != NULL)
    g_string_append_printf (text, ",items=%s", items);
  for (uint32_t s = 0; setup->from->sweep.n > 0 && s < setup->system.n_groups; s++)
    g_string_append_printf (text, ",C_%s=%s", setup->group[s],
                            g_ascii_formatd (number, sizeof number, "%.12g",
                                             sim_setup_swept (setup, point, s)));
  g_string_erase (text, 0, text->len > 0 ? 1 : 0);
  return g_string_free (text, FALSE);
}

typedef struct
{
  const SimSetup *setup;
  size_t index;
  const Point *point;
  FlResult *result;
} Report;

static void
set_number (const Report *report, size_t value, const char *users, const char *items,
            double number)
{
  g_autofree char *text = label (report->setup, report->index, users, items);
  /* What never comes to rest has no rate to report. */
  size_t n = report->point->rests ? report->point->n_first : 0;

  fl_result_set_label (report->result, value, text, number, n);
}

static void
set_category (const Report *report, uint32_t i, const double *alpha, double *gap)
{
  const SimSetup *setup = report->setup;
  double low = alpha[0], high = alpha[0];

  for (uint32_t s = 0; s < setup->system.n_groups; s++)
    {
      g_autofree char *pair = g_strconcat (setup->group[s], "-", setup->group[0], NULL);

      set_number (report, FIT_RATE, setup->group[s], setup->item[i], alpha[s]);
      if (s > 0)
        set_number (report, DIFFERENCE, pair, setup->item[i], alpha[s] - alpha[0]);
      low = MIN (low, alpha[s]);
      high = MAX (high, alpha[s]);
    }
  set_number (report, GAP, NULL, setup->item[i], high - low);
  *gap = MAX (*gap, high - low);
}

static void
set_joint (const Report *report)
{
  const SimSetup *setup = report->setup;
  uint32_t M = setup->system.n_items;

  for (uint32_t s = 0; s < setup->system.n_groups; s++)
    for (uint32_t i = 0; i < M; i++)
      for (uint32_t k = i + 1; k < M; k++)
        {
          g_autofree char *pair = g_strdup_printf ("%s * %s", setup->item[i], setup->item[k]);

          set_number (report, JOINT, setup->group[s], pair,
                      sim_joint_fit_rate (M, report->point->joint + ((size_t) s << M), i, k));
        }
}

static void
set_point (const Report *report, double *gap)
{
  const SimSetup *setup = report->setup;
  uint32_t S = setup->system.n_groups, M = setup->system.n_items;
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX];

  sim_fit_rates (&setup->system, report->point->joint, alpha);
  for (uint32_t i = 0; i < M; i++)
    set_category (report, i, alpha + i * S, gap);
  set_joint (report);
  for (uint32_t k = 0; setup->from->sweep.n == 0 && k < M * S; k++)
    if (isfinite (report->point->theta[k]))
      set_number (report, THRESHOLD, setup->group[k % S], setup->item[k / S],
                  report->point->theta[k]);
}

/* ---- all points --------------------------------------------------------- */

static void
set_slopes (const SimSetup *setup, const SimSlopes *slopes, FlResult *result)
{
  if (setup->from->uniqueness == 0)
    {
      for (size_t value = UNIQUE; value <= CONTRACTION; value++)
        fl_result_omit (result, value);
      return;
    }
  fl_result_set (result, UNIQUE, sim_uniqueness_holds (slopes) ? 1.0 : 0.0);
  fl_result_set (result, PHI, slopes->phi);
  fl_result_set (result, OWN, slopes->own);
  fl_result_set (result, CROSS, slopes->cross);
  if (isfinite (slopes->contraction))
    fl_result_set (result, CONTRACTION, slopes->contraction);
}

static void
set_points (const SimSetup *setup, size_t n_points, const Point *points, FlRun *run,
            FlResult *result)
{
  size_t n_equilibria = 0, n_restless = 0, steps = 0;
  double spread = 0.0, gap = 0.0;
  SimSlopes slopes = { .own = -INFINITY };

  for (size_t k = 0; k < n_points; k++)
    {
      const Point *point = &points[k];
      const Report report = { setup, k, point, result };
      g_autofree char *where = label (setup, k, NULL, NULL);

      set_point (&report, &gap);
      n_equilibria = MAX (n_equilibria, point->n_equilibria);
      n_restless += point->n_restless;
      steps = MAX (steps, point->steps);
      spread = MAX (spread, point->spread);
      slopes.phi = MAX (slopes.phi, point->slopes.phi);
      slopes.own = MAX (slopes.own, point->slopes.own);
      slopes.cross = MAX (slopes.cross, point->slopes.cross);
      slopes.contraction = MAX (slopes.contraction, point->slopes.contraction);
      if (point->story->len > 0)
        fl_run_note_text (run, *where != '\0' ? where : "starts", point->story->str);
    }
  if (n_points == 1 && points[0].rests)
    fl_result_set (result, GAP, gap);
  if (n_points > 1)
    fl_result_omit (result, THRESHOLD);
  if (setup->system.n_items < 2)
    fl_result_omit (result, JOINT);
  if (setup->system.n_groups < 2)
    fl_result_omit (result, DIFFERENCE);
  fl_result_set (result, EQUILIBRIA, (double) n_equilibria);
  fl_result_set (result, SPREAD, spread);
  fl_result_set (result, RESTLESS, (double) n_restless);
  set_slopes (setup, &slopes, result);
  fl_run_note_stop (run, n_restless > 0 ? FL_STOP_MAX_ITER : FL_STOP_CONVERGED, steps);
}

/* ---- trajectories ------------------------------------------------------- */

typedef struct
{
  const SimSystem *system;
  GArray *states;
} Recorder;

static void
record (gpointer user_data, size_t step, const double *joint)
{
  Recorder *recorder = user_data;

  (void) step;
  g_array_append_vals (recorder->states, joint, (guint) sim_state_size (recorder->system));
}

/* The course of one rate: of category i, or of i and k together. */
static void
set_course (const SimSetup *setup, const GArray *states, size_t start, uint32_t s, uint32_t i,
            uint32_t k, FlResult *result)
{
  uint32_t M = setup->system.n_items;
  size_t size = sim_state_size (&setup->system), n = states->len / size;
  g_autofree char *items = i == k ? g_strdup (setup->item[i])
                                  : g_strdup_printf ("%s * %s", setup->item[i], setup->item[k]);
  g_autofree char *text = g_strdup_printf ("users=%s,items=%s,start=%" G_GSIZE_FORMAT,
                                           setup->group[s], items, start + 1);
  double *course = fl_result_steps (result, i == k ? FIT_RATE : JOINT, text, n);

  for (size_t step = 0; step < n; step++)
    course[step] = sim_joint_fit_rate (M, (const double *) (gconstpointer) states->data
                                          + step * size + ((size_t) s << M), i, k);
}

static void
set_trajectories (const SimSetup *setup, uint64_t seed, FlResult *result)
{
  size_t n_compound = sim_compound_at (setup->system.n_items, setup->system.n_groups, 0, 0, 0);
  g_autofree double *compound = g_new (double, n_compound);
  g_autofree double *joint = g_new (double, sim_state_size (&setup->system));
  SimSystem system = setup->system;

  sim_setup_compound (setup, 0, compound);
  system.compound = compound;
  for (size_t start = 0; start < (size_t) setup->from->starts; start++)
    {
      g_autoptr (GArray) states = g_array_new (FALSE, FALSE, sizeof (double));
      Recorder recorder = { &system, states };
      double theta[SIM_ITEMS_MAX * SIM_GROUPS_MAX];

      start_state (setup, seed, start, joint);
      sim_run (&system, setup->from->tolerance, (size_t) setup->from->steps, joint, theta, record,
               &recorder);
      for (uint32_t s = 0; s < system.n_groups; s++)
        for (uint32_t i = 0; i < system.n_items; i++)
          for (uint32_t k = i; k < system.n_items; k++)
            set_course (setup, states, start, s, i, k, result);
    }
}

/* ---- the plugin --------------------------------------------------------- */

static gboolean
simulator_check (gconstpointer self, GError **error)
{
  const Simulator *from = self;
  g_auto (SimSetup) setup;

  if (!sim_setup_init (&setup, from, error))
    return FALSE;
  if (from->trajectories && from->sweep.n > 0)
    return fl_fail (error, FL_ERROR_CONFIG, "trajectories: of one point only, not of a sweep");
  return !from->trajectories || from->steps <= TRAJECTORY_MAX
         || fl_fail (error, FL_ERROR_CONFIG, "trajectories: kept of %d steps at most; lower steps",
                     TRAJECTORY_MAX);
}

static gboolean
simulator_project (gpointer self, const FlStage *stage, FlResult *result, GError **error)
{
  uint64_t seed = fl_run_seed (stage->run);
  g_autoptr (GArray) points = g_array_new (FALSE, TRUE, sizeof (Point));
  g_auto (SimSetup) setup;
  Point *point;
  size_t n;

  if (!sim_setup_init (&setup, self, error))
    return FALSE;
  n = sim_setup_points (&setup);
  g_array_set_clear_func (points, point_clear);
  g_array_set_size (points, (guint) n);
  point = (Point *) (gpointer) points->data;
#pragma omp parallel for schedule(dynamic)
  for (size_t k = 0; k < n; k++)
    run_point (&setup, seed, k, &point[k]);
  set_points (&setup, n, point, stage->run, result);
  if (setup.from->trajectories)
    set_trajectories (&setup, seed, result);
  return TRUE;
}

FL_PLUGIN (
  .name = "simulator",
  .summary = "long-term fit between user groups and item categories under threshold policies",
  .description
  = "Whether a user fits an item category changes with what is recommended: by recommendations of "
    "the category itself (self impact) and of other categories (cross impact). The recommender "
    "sees fit scores and recommends above a threshold, which its policy sets anew at every step. "
    "The simulator follows the rates at which groups fit categories until they come to rest, and "
    "says where from several starts, whether the equilibrium is the only one found, and what "
    "differences between groups remain.",
  .reference = "Yao, dissertation, chapter 5, (5.3) to (5.7), theorem 2, 5.6.1",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = simulator_params,
  .self_size = sizeof (Simulator),
  .check = simulator_check,
  FL_MITIGATOR (FL_PROJECT (.project = simulator_project, .values = values, .alone = TRUE))
);
