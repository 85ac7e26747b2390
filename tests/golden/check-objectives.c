/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-objectives.c: sets `objectives` and `objectives_inside`.
 *
 * The given predictions X are seen as the factors X and I, so that the gradient
 * by user factors is the gradient by predictions, and once more as scores of a
 * model without factors; both must give what is expected.
 */
#include "tests/golden/golden.h"

#include <math.h>

typedef struct
{
  GoldenCase *c;
  GoldenRatings given;
  GoldenMatrix predictions;
  double *identity;        /* n_items x n_items             */
  FlRatings *ratings;
  FlGroups *user_groups, *item_groups;
  FlGroups *sides;         /* the disadvantaged, the others */
  char *disadvantaged;     /* setting, or NULL              */
  uint32_t label_disadvantaged;
  MatrixModel model;
  FlView *view;
} Subject;

static void
subject_clear (Subject *s)
{
  fl_view_free (s->view);
  golden_ratings_clear (&s->given);
  golden_matrix_clear (&s->predictions);
  fl_ratings_free (s->ratings);
  fl_groups_free (s->user_groups);
  fl_groups_free (s->item_groups);
  fl_groups_free (s->sides);
  g_free (s->identity);
  g_free (s->disadvantaged);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Subject, subject_clear)

/* ---- reading ----------------------------------------------------------- */

/* Group 0: the disadvantaged; group 1: the others. */
static FlGroups *
groups_of_sides (const Subject *s)
{
  g_autofree uint32_t *side = g_new (uint32_t, s->given.n_users + (size_t) 1);

  for (uint32_t u = 0; u < s->given.n_users; u++)
    side[u] = s->user_groups->first[u] == s->label_disadvantaged ? 0 : 1;
  return test_groups_new ("side", 2, s->given.n_users, NULL, side);
}

static gboolean
read_all_groups (Subject *s, JsonObject *input, GError **error)
{
  if (golden_has (input, "user_group"))
    {
      s->user_groups = golden_read_groups (input, "user_group", "n_user_groups",
                                           s->given.n_users, error);
      if (s->user_groups == NULL)
        return FALSE;
    }
  if (golden_has (input, "item_group"))
    {
      s->item_groups = golden_read_groups (input, "item_group", "n_item_groups",
                                           s->given.n_items, error);
      if (s->item_groups == NULL)
        return FALSE;
    }
  if (s->user_groups == NULL || !golden_has (input, "disadvantaged_label"))
    return TRUE;
  if (!golden_read_index (input, "disadvantaged_label", s->user_groups->n_groups - 1,
                          &s->label_disadvantaged, error))
    return FALSE;
  s->disadvantaged = g_strdup_printf ("disadvantaged=%u", s->label_disadvantaged);
  s->sides = groups_of_sides (s);
  return TRUE;
}

static gboolean
read_predictions (Subject *s, JsonObject *input, GError **error)
{
  uint32_t n_items;

  if (!golden_read_matrix (input, "xhat", &s->predictions, error))
    return FALSE;
  n_items = s->given.n_items;
  if (s->predictions.n_rows != s->given.n_users || s->predictions.n_cols != n_items)
    return fl_fail (error, FL_ERROR_DATA, "input.xhat is %u x %u, input.ratings %u x %u",
                    s->predictions.n_rows, s->predictions.n_cols, s->given.n_users, n_items);
  s->identity = fl_alloc ((size_t) n_items * n_items, sizeof (double), error);
  if (s->identity == NULL)
    return FALSE;
  for (uint32_t j = 0; j < n_items; j++)
    s->identity[(size_t) j * n_items + j] = 1.0;
  return TRUE;
}

static gboolean
subject_init (Subject *s, gboolean scored, GError **error)
{
  JsonObject *input = s->c->input;
  FlData data;

  if (!golden_read_ratings (input, "ratings", &s->given, error)
      || !read_predictions (s, input, error) || !read_all_groups (s, input, error))
    return FALSE;
  s->ratings = fl_ratings_new (s->given.n_users, s->given.n_items, s->given.n, s->given.user,
                               s->given.item, s->given.rating, error);
  if (s->ratings == NULL)
    return FALSE;
  data = FL_DATA (.train = s->ratings, .user_groups = s->user_groups,
                    .item_groups = s->item_groups);
  matrix_model_init (&s->model,
                     &(FlFactors) { .n_users = s->given.n_users, .n_items = s->given.n_items,
                                    .rank = s->given.n_items, .user_f64 = s->predictions.data,
                                    .item_f64 = s->identity },
                     scored);
  s->view = fl_view_new (&data, FL_PART_TRAIN, &s->model.instance, error);
  return s->view != NULL;
}

/* ---- asking an objective ----------------------------------------------- */

static FlOutcome *
evaluate (const Subject *s, const FlView *view, const char *name, const char *const *settings,
          GError **error)
{
  g_autoptr (FlInstance) objective = test_instance_new (s->c->registry, FL_KIND_OBJECTIVE, name,
                                                        settings, error);
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();

  if (objective == NULL || !fl_objective_run (objective, NULL, view, 0, outcome, error))
    return NULL;
  return g_steal_pointer (&outcome);
}

/* d loss / d prediction of each triplet as given, and the loss; NaN where the
 * objective says that it is undefined. */
static gboolean
gradient (const Subject *s, const char *name, const char *const *settings, double *loss,
          double *triplet, GError **error)
{
  g_autoptr (FlInstance) objective = test_instance_new (s->c->registry, FL_KIND_OBJECTIVE, name,
                                                        settings, error);
  g_autofree double *entry = g_new0 (double, s->view->n + 1);
  g_autoptr (GError) undefined = NULL;
  const FlObjectiveOps *ops = objective != NULL ? objective->ops : NULL;
  gboolean known;

  if (objective == NULL)
    return FALSE;
  known = ops->gradient (objective->self, s->view, loss, entry, &undefined);
  if (!known)
    *loss = NAN;
  for (size_t k = 0; k < s->given.n; k++)
    triplet[k] = known ? entry[test_entry (s->view, s->given.user[k], s->given.item[k])] : NAN;
  return known || g_error_matches (undefined, FL_ERROR, FL_ERROR_DATA)
         || fl_fail (error, FL_ERROR_NUMERIC, "%s: %s", name, undefined->message);
}

static void
number (const Subject *s, const char *prefix, const char *key, double got)
{
  g_autofree char *path = g_strconcat (prefix, key, NULL);

  golden_number (s->c, path, got);
}

static void
numbers (const Subject *s, const char *prefix, const char *key, const double *got, size_t n)
{
  g_autofree char *path = g_strconcat (prefix, key, NULL);

  golden_numbers (s->c, path, got, n);
}

/* The metric for each group of a side, NaN where undefined. */
static double *
by_group (const FlOutcome *outcome, const char *metric, const FlGroups *groups)
{
  double *value = g_new (double, groups->n_groups);

  for (uint32_t g = 0; g < groups->n_groups; g++)
    {
      g_autofree char *label = g_strdup_printf ("%s=%u", groups->name, g);

      value[g] = test_metric (outcome, metric, label);
    }
  return value;
}

static double
count_defined (const double *value, size_t n)
{
  double count = 0.0;

  for (size_t k = 0; k < n; k++)
    count += !isnan (value[k]);
  return count;
}

/* ---- R_pol, R_indv, R_grp, RMSE ---------------------------------------- */

/* d R / d X, zero where nothing is known; through the factors when the view has
 * them. */
static gboolean
dense_gradient (const Subject *s, const char *prefix, const char *name,
                const char *const *settings, GError **error)
{
  size_t n_items = s->given.n_items, n = s->given.n_users * n_items;
  g_autofree double *dense = g_new0 (double, n + 1), *triplet = g_new (double, s->given.n + 1);
  g_autoptr (FlInstance) objective = test_instance_new (s->c->registry, FL_KIND_OBJECTIVE, name,
                                                        settings, error);
  const FlObjectiveOps *ops = objective != NULL ? objective->ops : NULL;
  g_autoptr (GError) undefined = NULL;
  double loss;

  if (objective == NULL)
    return FALSE;
  if (s->view->factors != NULL)
    {
      if (!fl_objective_gradient_factors (objective, s->view, &loss, dense, NULL, &undefined))
        for (size_t k = 0; k < n; k++)
          dense[k] = NAN;
    }
  else if (ops->gradient != NULL)
    {
      if (!gradient (s, name, settings, &loss, triplet, error))
        return FALSE;
      for (size_t k = 0; k < n; k++)
        dense[k] = isnan (loss) ? NAN : 0.0;
      for (size_t k = 0; k < s->given.n; k++)
        dense[s->given.user[k] * n_items + s->given.item[k]] = triplet[k];
    }
  else
    return TRUE;
  numbers (s, prefix, "/grad_wrt_xhat", dense, n);
  return TRUE;
}

static gboolean
check_polarization (const Subject *s, GError **error)
{
  g_autoptr (FlOutcome) outcome = evaluate (s, s->view, "polarization", NULL, error);

  if (outcome == NULL)
    return FALSE;
  number (s, "R_pol", "/value", test_metric (outcome, "polarization", NULL));
  return dense_gradient (s, "R_pol", "polarization", NULL, error);
}

static gboolean
check_individual (const Subject *s, GError **error)
{
  g_autoptr (FlOutcome) outcome = evaluate (s, s->view, "individual", NULL, error);
  const FlEach *each = outcome != NULL ? test_each (outcome, "individual") : NULL;

  if (each == NULL)
    return FALSE;
  number (s, "R_indv", "/value", test_metric (outcome, "individual", NULL));
  number (s, "R_indv", "/n_users_counted", count_defined (each->value, each->n));
  numbers (s, "R_indv", "/user_loss", each->value, each->n);
  return dense_gradient (s, "R_indv", "individual", NULL, error);
}

static gboolean
check_group (const Subject *s, const char *prefix, const char *side, const FlGroups *groups,
             GError **error)
{
  const char *settings[] = { side, NULL };
  g_autoptr (FlOutcome) outcome = NULL;
  g_autofree double *loss = NULL;

  if (groups == NULL || !golden_expects (s->c, prefix))
    return TRUE;
  outcome = evaluate (s, s->view, "group", settings, error);
  if (outcome == NULL)
    return FALSE;
  loss = by_group (outcome, "group-loss", groups);
  number (s, prefix, "/value", test_metric (outcome, "group", NULL));
  number (s, prefix, "/n_groups_counted", count_defined (loss, groups->n_groups));
  numbers (s, prefix, "/group_loss", loss, groups->n_groups);
  return dense_gradient (s, prefix, "group", settings, error);
}

static gboolean
check_error (const Subject *s, const char *name, GError **error)
{
  g_autoptr (FlOutcome) outcome = evaluate (s, s->view, name, NULL, error);

  if (outcome == NULL)
    return FALSE;
  number (s, name, "", test_metric (outcome, name, NULL));
  if (s->user_groups != NULL)
    {
      g_autofree double *value = by_group (outcome, name, s->user_groups);

      numbers (s, name, "_by_user_group", value, s->user_groups->n_groups);
    }
  if (s->item_groups != NULL)
    {
      g_autofree double *value = by_group (outcome, name, s->item_groups);

      numbers (s, name, "_by_item_group", value, s->item_groups->n_groups);
    }
  return TRUE;
}

/* ---- the U family ------------------------------------------------------ */

/* A penalty's value and gradient below `path`. */
static gboolean
check_penalty (const Subject *s, const char *path, const char *name, const char *variant,
               const char *penalty, GError **error)
{
  g_autofree char *setting = g_strconcat ("penalty=", penalty, NULL);
  const char *settings[] = { s->disadvantaged, setting, variant,
                             strcmp (name, "parity") != 0 ? "normalise=all" : NULL, NULL };
  g_autofree double *triplet = g_new (double, s->given.n + 1);
  double loss = NAN;

  if (!golden_expects (s->c, path))
    return TRUE;
  if (!gradient (s, name, settings, &loss, triplet, error))
    return FALSE;
  number (s, path, "/value", loss);
  numbers (s, path, "/grad_wrt_rhat", triplet, s->given.n);
  return TRUE;
}

/* Name of a smoothed penalty in the golden set, and here. */
static const char *const penalties[][2] = {
  { "exact_abs", "absolute" }, { "literal", "literal" }, { "c1", "c1" },
  { "standard_huber", "huber" }
};

static gboolean
check_penalties (const Subject *s, const char *prefix, const char *name, const char *variant,
                 GError **error)
{
  for (size_t k = 0; k < G_N_ELEMENTS (penalties); k++)
    {
      g_autofree char *path = g_strconcat (prefix, "/", penalties[k][0], NULL);

      if (!check_penalty (s, path, name, variant, penalties[k][1], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_normalised (const Subject *s, const char *prefix, const char *key, const char *name,
                  const char *variant, const char *normalise, GError **error)
{
  const char *settings[] = { s->disadvantaged, variant, normalise, NULL };
  g_autoptr (FlOutcome) outcome = evaluate (s, s->view, name, settings, error);
  g_autofree char *difference = g_strconcat (name, "-difference", NULL);
  const FlEach *each;

  if (outcome == NULL)
    return FALSE;
  each = test_each (outcome, difference);
  number (s, prefix, key, test_metric (outcome, name, NULL));
  numbers (s, prefix, "/signed_difference_per_item", each->value, each->n);
  number (s, "unfairness", "/n_items", (double) each->n);
  number (s, "unfairness", "/n_items_with_both_groups", count_defined (each->value, each->n));
  return TRUE;
}

/* One of the four measures; `root` is where they stand in `expected`. */
static gboolean
check_measure (const Subject *s, const char *root, const char *key, const char *name,
               const char *variant, GError **error)
{
  g_autofree char *prefix = g_strconcat (root, key, NULL);
  g_autofree char *penalty = g_strconcat (prefix, "/penalty_over_all_items", NULL);
  g_autofree char *huber = g_strconcat (prefix, "/huber_penalty_over_all_items", NULL);

  return !golden_expects (s->c, prefix)
         || (check_normalised (s, prefix, "/value_over_all_items", name, variant, "normalise=all",
                               error)
             && check_normalised (s, prefix, "/value_over_valid_items", name, variant,
                                  "normalise=valid", error)
             && check_penalties (s, penalty, name, variant, error)
             && check_penalty (s, huber, name, variant, "huber", error));
}

static gboolean
check_measures (const Subject *s, const char *root, const char *variant, GError **error)
{
  return check_measure (s, root, "U_val", "value", variant, error)
         && check_measure (s, root, "U_abs", "absolute", variant, error)
         && check_measure (s, root, "U_under", "underestimation", variant, error)
         && check_measure (s, root, "U_over", "overestimation", variant, error);
}

/* The ratings of one item, or of all when `item` is n_items, seen with the two
 * sides as groups; `of_ratings` sets predictions = ratings. */
static FlOutcome *
means_of (const Subject *s, uint32_t item, gboolean of_ratings, GError **error)
{
  const GoldenRatings *given = &s->given;
  size_t n_cells = (size_t) given->n_users * given->n_items;
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();
  g_autofree double *matrix = g_memdup2 (s->predictions.data, (n_cells + 1) * sizeof *matrix);
  g_autoptr (FlRatings) ratings = NULL;
  g_autoptr (FlView) view = NULL;
  FlFactors factors = s->model.factors;
  MatrixModel model;

  for (size_t k = 0; k < given->n; k++)
    if (item == given->n_items || given->item[k] == item)
      {
        fl_triplets_add (triplets, given->user[k], given->item[k], given->rating[k]);
        if (of_ratings)
          matrix[given->user[k] * (size_t) given->n_items + given->item[k]] = given->rating[k];
      }
  factors.user_f64 = matrix;
  matrix_model_init (&model, &factors, s->model.scored);
  ratings = fl_triplets_make_ratings (triplets, given->n_users, given->n_items, error);
  if (ratings == NULL)
    return NULL;
  view = fl_view_new (&FL_DATA (.train = ratings, .user_groups = s->sides), FL_PART_TRAIN,
                      &model.instance, error);
  return view != NULL ? evaluate (s, view, "parity", NULL, error) : NULL;
}

/* The averages (3.3) of each item, as parity's means of its ratings alone. */
static gboolean
check_averages (const Subject *s, GError **error)
{
  static const char *const keys[2][3] = {
    { "count_g", "mean_rhat_g", "mean_r_g" }, { "count_not_g", "mean_rhat_not_g", "mean_r_not_g" }
  };
  size_t n = s->given.n_items;
  g_autofree double *value = g_new (double, 6 * n + 1);

  for (uint32_t j = 0; j < n; j++)
    {
      g_autoptr (FlOutcome) predicted = means_of (s, j, FALSE, error);
      g_autoptr (FlOutcome) rated = predicted != NULL ? means_of (s, j, TRUE, error) : NULL;

      if (rated == NULL)
        return FALSE;
      for (size_t side = 0; side < 2; side++)
        {
          const char *group = side == 0 ? "side=0" : "side=1";

          value[(3 * side) * n + j] = test_metric_n (predicted, "parity-mean", group);
          value[(3 * side + 1) * n + j] = test_metric (predicted, "parity-mean", group);
          value[(3 * side + 2) * n + j] = test_metric (rated, "parity-mean", group);
        }
    }
  for (size_t k = 0; k < 6; k++)
    numbers (s, "unfairness/per_item/", keys[k / 3][k % 3], value + k * n, n);
  return TRUE;
}

static gboolean
check_parity (const Subject *s, GError **error)
{
  const char *settings[] = { s->disadvantaged, NULL };
  g_autoptr (FlOutcome) outcome = NULL, sides = NULL;
  g_autofree double *triplet = g_new (double, s->given.n + 1);
  const char *none[] = { s->disadvantaged, "penalty=none", NULL };
  double loss;

  if (!golden_expects (s->c, "unfairness/U_par"))
    return TRUE;
  outcome = evaluate (s, s->view, "parity", settings, error);
  sides = outcome != NULL ? means_of (s, s->given.n_items, FALSE, error) : NULL;
  if (sides == NULL || !gradient (s, "parity", none, &loss, triplet, error))
    return FALSE;
  number (s, "unfairness/U_par", "/value", test_metric (outcome, "parity", NULL));
  number (s, "unfairness/U_par", "/value", loss);
  number (s, "unfairness/U_par", "/mean_rhat_g", test_metric (sides, "parity-mean", "side=0"));
  number (s, "unfairness/U_par", "/mean_rhat_not_g", test_metric (sides, "parity-mean", "side=1"));
  numbers (s, "unfairness/U_par", "/grad_wrt_rhat", triplet, s->given.n);
  return check_penalties (s, "unfairness/U_par/penalty", "parity", NULL, error);
}

static gboolean
check_family (const Subject *s, GError **error)
{
  if (s->disadvantaged == NULL)
    return TRUE;
  return check_measures (s, "unfairness/", "variant=printed", error)
         && check_measures (s, "", "variant=inside", error) && check_parity (s, error)
         && (!golden_expects (s->c, "unfairness/per_item") || check_averages (s, error));
}

static gboolean
check_view (GoldenCase *c, gboolean scored, GError **error)
{
  g_auto (Subject) s = { .c = c };

  return subject_init (&s, scored, error)
         && (!golden_expects (c, "R_pol") || check_polarization (&s, error))
         && (!golden_expects (c, "R_indv") || check_individual (&s, error))
         && check_group (&s, "R_grp_user", "side=user", s.user_groups, error)
         && check_group (&s, "R_grp_item", "side=item", s.item_groups, error)
         && check_error (&s, "rmse", error) && check_error (&s, "mae", error)
         && check_family (&s, error);
}

static gboolean
check_objectives (GoldenCase *c, GError **error)
{
  return check_view (c, FALSE, error) && check_view (c, TRUE, error);
}

GOLDEN_SET ("objectives", check_objectives)
GOLDEN_SET ("objectives_inside", check_objectives)
