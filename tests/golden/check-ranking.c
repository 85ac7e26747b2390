/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-ranking.c: set `ranking`.
 *
 * The given scores are seen as the factors X and I, and once more as scores of a
 * model without factors; both must give what is expected.  Users are grouped by
 * `binary_attribute` for DP, EO and JS, by `user_group` for ITG.
 */
#include "tests/golden/golden.h"

#include <math.h>
#include <string.h>

/* One model and what it recommends. */
typedef struct
{
  GoldenMatrix scores;
  double *identity; /* n_items x n_items */
  MatrixModel model;
  FlView *view;
} Arm;

typedef struct
{
  GoldenCase *c;
  uint32_t n_users, n_items;
  FlRatings *train, *valid, *test;
  FlGroups *attribute, *user_groups, *item_groups; /* or NULL */
  char *floor;                                     /* setting, or NULL */
  Arm before, after;                               /* after: view NULL when not given */
  size_t k;
} Subject;

static void
arm_clear (Arm *arm)
{
  fl_view_free (arm->view);
  golden_matrix_clear (&arm->scores);
  g_free (arm->identity);
}

static void
subject_clear (Subject *s)
{
  arm_clear (&s->before);
  arm_clear (&s->after);
  fl_ratings_free (s->train);
  fl_ratings_free (s->valid);
  fl_ratings_free (s->test);
  fl_groups_free (s->attribute);
  fl_groups_free (s->user_groups);
  fl_groups_free (s->item_groups);
  g_free (s->floor);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Subject, subject_clear)

/* ---- reading ----------------------------------------------------------- */

static gboolean
read_parts (Subject *s, JsonObject *input, GError **error)
{
  return golden_read_index (input, "n_users", G_MAXUINT16, &s->n_users, error)
         && golden_read_index (input, "n_items", G_MAXUINT16, &s->n_items, error)
         && (s->train = golden_read_pairs (input, "train", s->n_users, s->n_items, error)) != NULL
         && (s->valid = golden_read_pairs (input, "valid", s->n_users, s->n_items, error)) != NULL
         && (s->test = golden_read_pairs (input, "test", s->n_users, s->n_items, error)) != NULL;
}

static gboolean
read_groups (JsonObject *input, const char *key, const char *n_key, uint32_t n,
             FlGroups **groups, GError **error)
{
  if (!golden_has (input, key))
    return TRUE;
  *groups = golden_read_groups (input, key, n_key, n, error);
  return *groups != NULL;
}

static gboolean
read_all_groups (Subject *s, JsonObject *input, GError **error)
{
  double floor = 0.0;

  if (!read_groups (input, "binary_attribute", "n_attribute_values", s->n_users, &s->attribute,
                    error)
      || !read_groups (input, "user_group", "n_user_groups", s->n_users, &s->user_groups, error)
      || !read_groups (input, "item_group", "n_item_groups", s->n_items, &s->item_groups, error))
    return FALSE;
  if (!golden_has (input, "kl_floor"))
    return TRUE;
  if (!golden_read_number (input, "kl_floor", &floor, error))
    return FALSE;
  s->floor = g_strdup_printf ("floor=%.17g", floor);
  return TRUE;
}

static gboolean
arm_init (Arm *arm, const Subject *s, const char *key, gboolean scored, size_t k, GError **error)
{
  size_t n = s->n_items;
  FlData data = FL_DATA (.train = s->train, .validation = s->valid, .user_groups = s->user_groups,
                  .item_groups = s->item_groups);

  if (!golden_read_matrix (s->c->input, key, &arm->scores, error))
    return FALSE;
  if (arm->scores.n_rows != s->n_users || arm->scores.n_cols != s->n_items)
    return fl_fail (error, FL_ERROR_DATA, "input.%s is %u x %u, of %u users and %u items", key,
                    arm->scores.n_rows, arm->scores.n_cols, s->n_users, s->n_items);
  arm->identity = fl_alloc (n * n, sizeof (double), error);
  if (arm->identity == NULL)
    return FALSE;
  for (size_t i = 0; i < n; i++)
    arm->identity[i * n + i] = 1.0;
  matrix_model_init (&arm->model,
                     &(FlFactors) { .n_users = s->n_users, .n_items = s->n_items, .rank = n,
                                    .user_f64 = arm->scores.data, .item_f64 = arm->identity },
                     scored);
  arm->view = fl_view_of (&data, s->test, FL_PART_TEST, &arm->model.instance, error);
  if (arm->view != NULL)
    fl_view_set_ties (arm->view, FL_TIES_BY_INDEX); /* the set's convention */
  return arm->view != NULL && fl_view_lists (arm->view, MIN (k, n), error);
}

static gboolean
subject_init (Subject *s, gboolean scored, size_t k, GError **error)
{
  JsonObject *input = s->c->input;

  return read_parts (s, input, error) && read_all_groups (s, input, error)
         && arm_init (&s->before, s, "scores", scored, k, error)
         && (!golden_has (input, "scores_after")
             || arm_init (&s->after, s, "scores_after", scored, k, error));
}

/* ---- asking an objective ----------------------------------------------- */

static char *
path_of (const Subject *s, const char *key)
{
  return g_strdup_printf ("K/%zu/%s", s->k, key);
}

static void
number (const Subject *s, const char *key, double got)
{
  g_autofree char *path = path_of (s, key);

  golden_number (s->c, path, got);
}

static void
numbers (const Subject *s, const char *key, const double *got, size_t n)
{
  g_autofree char *path = path_of (s, key);

  golden_numbers (s->c, path, got, n);
}

static gboolean
expects (const Subject *s, const char *key)
{
  g_autofree char *path = path_of (s, key);

  return golden_expects (s->c, path);
}

/* What an objective says where users are grouped by `users`. */
static FlOutcome *
evaluate (const Subject *s, const FlGroups *users, const char *name, const char *const *settings,
          GError **error)
{
  g_autoptr (FlInstance) objective = test_instance_new (s->c->registry, FL_KIND_OBJECTIVE, name,
                                                        settings, error);
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  FlView view = *s->before.view;

  view.k = s->k;
  view.user_groups = users;
  view.n_user_groups = users != NULL ? users->n_groups : 0;
  view.user_group = users != NULL ? users->first : NULL;
  view.other = s->after.view != NULL ? s->after.view->lists : NULL;
  if (objective == NULL || !fl_objective_run (objective, NULL, &view, (int) s->k, outcome, error))
    return NULL;
  return g_steal_pointer (&outcome);
}

/* One metric of one objective. */
static gboolean
check_metric (const Subject *s, const FlGroups *users, const char *name, const char *setting,
              const char *metric, const char *key, GError **error)
{
  const char *settings[] = { setting, NULL };
  g_autoptr (FlOutcome) outcome = NULL;

  if (!expects (s, key))
    return TRUE;
  outcome = evaluate (s, users, name, settings, error);
  if (outcome == NULL)
    return FALSE;
  number (s, key, test_metric (outcome, metric, NULL));
  return TRUE;
}

/* ---- lists and accuracy ------------------------------------------------ */

static void
check_lists (const Subject *s)
{
  const FlLists *lists = s->before.view->lists;
  g_autoptr (GArray) got = g_array_new (FALSE, FALSE, sizeof (double));

  for (uint32_t u = 0; u < s->n_users; u++)
    {
      size_t n;
      const uint32_t *list = fl_list (lists, u, s->k, &n);
      g_autofree char *path = g_strdup_printf ("K/%zu/lists/%u", s->k, u);
      /* The ends of the lists, which a comparison of all numbers in a row does not see. */
      gboolean ends = isnan (golden_expected (s->c, path, n))
                      && (n == 0 || !isnan (golden_expected (s->c, path, n - 1)));

      for (size_t r = 0; r < n; r++)
        {
          double i = ends ? (double) list[r] : (double) NAN;

          g_array_append_val (got, i);
        }
    }
  numbers (s, "lists", (const double *) (gpointer) got->data, got->len);
}

static gboolean
check_accuracy (const Subject *s, GError **error)
{
  static const struct
  {
    const char *key, *name, *setting;
  } measures[] = {
    { "FDA_HR", "hr", NULL },        { "hit_indicator_any", "hr", "variant=any" },
    { "FDA_NDCG", "ndcg", NULL },    { "ndcg", "ndcg", NULL },
    { "recall", "recall", NULL },    { "precision", "precision", NULL },
    { "MRR", "mrr", NULL },          { "coverage", "coverage", NULL },
    { "gini", "gini", NULL },
  };

  for (size_t m = 0; m < G_N_ELEMENTS (measures); m++)
    if (!check_metric (s, NULL, measures[m].name, measures[m].setting, measures[m].name,
                       measures[m].key, error))
      return FALSE;
  return TRUE;
}

/* ---- parity of lists --------------------------------------------------- */

/* How often each item is in lists of one value of the attribute, or is a hit there. */
static void
check_counts (const Subject *s, gboolean hits, uint32_t group)
{
  g_autofree char *key = g_strdup_printf ("item_counts/%s_group%u", hits ? "hit" : "topk", group);
  g_autofree double *count = g_new0 (double, s->n_items + 1);
  const FlView *view = s->before.view;

  for (uint32_t u = 0; u < s->n_users; u++)
    {
      size_t n;
      const uint32_t *list = fl_list (view->lists, u, s->k, &n);

      for (size_t r = 0; r < n && s->attribute->first[u] == group; r++)
        count[list[r]] += !hits || fl_view_has (view, u, list[r]) ? 1.0 : 0.0;
    }
  numbers (s, key, count, s->n_items);
}

static gboolean
check_parity (const Subject *s, const char *key, const char *name, GError **error)
{
  g_autofree char *all = g_strconcat (key, "/over_all_items", NULL);
  g_autofree char *nonzero = g_strconcat (key, "/over_items_with_nonzero_denominator", NULL);
  g_autofree char *n_nonzero = g_strconcat (key, "/n_nonzero", NULL);
  g_autofree char *released = g_strconcat (key, "/released_code_split_hit_and_miss", NULL);
  g_autofree char *worst = g_strconcat (key, "/worst_pair_over_all_items", NULL);
  g_autofree char *name_worst = g_strconcat (name, "-worst-pair", NULL);
  g_autofree char *recommended = g_strconcat (name, "-recommended", NULL);
  g_autoptr (FlOutcome) outcome = NULL;

  if (!expects (s, key))
    return TRUE;
  outcome = evaluate (s, s->attribute, name, NULL, error);
  if (outcome == NULL)
    return FALSE;
  number (s, all, test_metric (outcome, name, NULL));
  number (s, worst, test_metric (outcome, name_worst, NULL));
  number (s, nonzero, test_metric (outcome, recommended, NULL));
  number (s, n_nonzero, test_metric_n (outcome, recommended, NULL));
  return check_metric (s, s->attribute, name, "variant=released", name, released, error);
}

static gboolean
check_divergence (const Subject *s, const char *unit, const char *setting, GError **error)
{
  static const char *const values[][2] = { { "train", "js-divergence-train" },
                                           { "topk", "js-divergence" },
                                           { "topk_hit", "js-divergence-hit" } };
  const char *settings[] = { setting, NULL };
  g_autoptr (FlOutcome) outcome = evaluate (s, s->attribute, "js-divergence", settings, error);

  if (outcome == NULL)
    return FALSE;
  for (size_t v = 0; v < G_N_ELEMENTS (values); v++)
    {
      g_autofree char *key = g_strdup_printf ("JS/%s/%s", values[v][0], unit);
      g_autofree char *whole = g_strdup_printf ("JS/%s", values[v][0]);
      g_autofree char *worst = g_strdup_printf ("JS/%s/worst_pair_%s", values[v][0], unit);
      g_autofree char *value_worst = g_strconcat (values[v][1], "-worst-pair", NULL);

      number (s, expects (s, key) ? key : whole, test_metric (outcome, values[v][1], NULL));
      number (s, worst, test_metric (outcome, value_worst, NULL));
    }
  return TRUE;
}

static gboolean
check_attribute (const Subject *s, GError **error)
{
  if (s->attribute == NULL)
    return TRUE;
  for (uint32_t group = 0; group < s->attribute->n_groups; group++)
    {
      check_counts (s, FALSE, group);
      check_counts (s, TRUE, group);
    }
  return check_parity (s, "DP", "dp", error) && check_parity (s, "EO", "eo", error)
         && (!expects (s, "JS")
             || (check_divergence (s, "nats", NULL, error)
                 && check_divergence (s, "bits", "base=2", error)
                 && check_divergence (s, "distance_nats", "form=distance", error)));
}

/* ---- intersections ----------------------------------------------------- */

static void
check_utilities (const Subject *s, const FlOutcome *outcome)
{
  uint32_t P = s->user_groups->n_groups, Q = s->item_groups->n_groups;
  size_t n_cells = (size_t) P * Q;
  g_autofree double *utility = g_new (double, n_cells), *n_users = g_new (double, n_cells);

  for (uint32_t p = 0; p < P; p++)
    for (uint32_t q = 0; q < Q; q++)
      {
        g_autofree char *label = g_strdup_printf ("user_group=%u,item_group=%u", p, q);

        utility[p * Q + q] = test_metric (outcome, "itg", label);
        n_users[p * Q + q] = test_metric_n (outcome, "itg", label);
      }
  numbers (s, "ITG/utility", utility, n_cells);
  numbers (s, "ITG/n_interested_users", n_users, n_cells);
}

static void
check_groups (const Subject *s, const FlOutcome *outcome, const char *metric, const char *key,
              const FlGroups *groups)
{
  g_autofree double *value = g_new (double, groups->n_groups);

  for (uint32_t g = 0; g < groups->n_groups; g++)
    {
      g_autofree char *label = g_strdup_printf ("%s=%u", groups->name, g);

      value[g] = test_metric (outcome, metric, label);
    }
  numbers (s, key, value, groups->n_groups);
}

static gboolean
check_itg (const Subject *s, GError **error)
{
  g_autoptr (FlOutcome) outcome = NULL;

  if (s->user_groups == NULL || s->item_groups == NULL || !expects (s, "ITG"))
    return TRUE;
  outcome = evaluate (s, s->user_groups, "itg", NULL, error);
  if (outcome == NULL)
    return FALSE;
  check_utilities (s, outcome);
  number (s, "ITG/CV", test_metric (outcome, "itg-cv", NULL));
  number (s, "ITG/MIN", test_metric (outcome, "itg-min", NULL));
  number (s, "ITG/MIN_n_groups", test_metric_n (outcome, "itg-min", NULL));
  number (s, "ITG/UCV", test_metric (outcome, "itg-ucv", NULL));
  number (s, "ITG/ICV", test_metric (outcome, "itg-icv", NULL));
  check_groups (s, outcome, "itg-urecall", "ITG/URecall", s->user_groups);
  check_groups (s, outcome, "itg-irecall", "ITG/IRecall", s->item_groups);
  return TRUE;
}

/* ---- exposure, change -------------------------------------------------- */

static gboolean
check_exposure (const Subject *s, const char *root, const char *weight, GError **error)
{
  const char *settings[] = { weight, s->floor, NULL };
  g_autofree char *system = g_strconcat (root, "/SystemKL", NULL);
  g_autofree char *share = g_strconcat (root, "/system_exposure", NULL);
  g_autofree char *user = g_strconcat (root, "/UserKL", NULL);
  g_autofree char *each = g_strconcat (root, "/UserKL_per_user", NULL);
  g_autoptr (FlOutcome) exposure = NULL, calibration = NULL;
  const FlEach *values;

  if (s->item_groups == NULL || !expects (s, root))
    return TRUE;
  exposure = evaluate (s, NULL, "exposure-kl", settings, error);
  calibration = exposure != NULL ? evaluate (s, NULL, "calibration-kl", settings, error) : NULL;
  if (calibration == NULL)
    return FALSE;
  values = test_each (calibration, "calibration-kl");
  number (s, system, test_metric (exposure, "exposure-kl", NULL));
  check_groups (s, exposure, "exposure-kl-share", share, s->item_groups);
  number (s, user, test_metric (calibration, "calibration-kl", NULL));
  numbers (s, each, values->value, values->n);
  return TRUE;
}

static gboolean
check_change (const Subject *s, GError **error)
{
  static const char *const settings[] = { "against=after", NULL };
  g_autoptr (FlOutcome) outcome = NULL;
  const FlEach *each;

  if (s->after.view == NULL || !expects (s, "jaccard_before_after"))
    return TRUE;
  outcome = evaluate (s, NULL, "list-change", settings, error);
  if (outcome == NULL)
    return FALSE;
  each = test_each (outcome, "list-change");
  number (s, "jaccard_before_after/mean", test_metric (outcome, "list-change", NULL));
  numbers (s, "jaccard_before_after/per_user", each->value, each->n);
  number (s, "top_changed", test_metric (outcome, "list-change-top", NULL));
  return TRUE;
}

/* ---- the set ----------------------------------------------------------- */

static gboolean
check_length (Subject *s, GError **error)
{
  check_lists (s);
  return check_accuracy (s, error) && check_attribute (s, error) && check_itg (s, error)
         && check_exposure (s, "calibration/position_weighted", "weight=position", error)
         && check_exposure (s, "calibration/unweighted", "weight=none", error)
         && check_change (s, error);
}

static gboolean
check_all (GoldenCase *c, gboolean scored, GError **error)
{
  JsonNode *node = json_object_get_member (c->input, "K_values");
  guint n_K = node != NULL && JSON_NODE_HOLDS_ARRAY (node)
                ? json_array_get_length (json_node_get_array (node)) : 0;
  g_autofree uint32_t *K = golden_read_ids (c->input, "K_values", n_K, G_MAXUINT16, error);
  g_auto (Subject) s = { .c = c };
  size_t longest = 1;

  if (K == NULL)
    return FALSE;
  for (guint j = 0; j < n_K; j++)
    longest = MAX (longest, K[j]);
  if (!subject_init (&s, scored, longest, error))
    return FALSE;
  for (guint j = 0; j < n_K; j++)
    {
      s.k = K[j];
      if (!check_length (&s, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_ranking (GoldenCase *c, GError **error)
{
  golden_tolerance (c, "value_abs", 1e-12);
  return check_all (c, FALSE, error) && check_all (c, TRUE, error);
}

GOLDEN_SET ("ranking", check_ranking)
