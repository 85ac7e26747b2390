/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-synthetic.c: set `synthetic`: statistics of generated data, over seeds.
 *
 * With S seeds a mean must lie within 4.5 sd / sqrt(S) of what is expected, a
 * deviation within 4.5 sd / sqrt(2 (S - 1)); where the reference's own 200 seeds
 * are quoted, their spread comes on top.
 */
#include "tests/golden/golden.h"

#include <math.h>
#include <string.h>

#define N_SEEDS 25
#define N_REFERENCE 200.0 /* seeds behind the keys simulated_... */
#define N_USER_GROUPS 4
#define N_ITEM_GROUPS 3
#define N_BLOCKS (N_USER_GROUPS * N_ITEM_GROUPS)

static const char *const user_groups[] = { "W", "WS", "MS", "M" };
static const char *const item_groups[] = { "Fem", "STEM", "Masc" };

/* One statistic, a number or one for each block, over the seeds. */
typedef struct
{
  size_t n; /* numbers in it */
  double sum[N_BLOCKS], squares[N_BLOCKS];
} Statistic;

typedef struct
{
  Statistic observed, positive, total, women, men;
  double n_users[N_USER_GROUPS], n_items[N_ITEM_GROUPS];
  double truth[N_BLOCKS]; /* of the unobserved pairs */
} Statistics;

/* ---- one data set -------------------------------------------------------- */

/* The place of each entity's value among `order`. */
static uint32_t *
codes (const FlDataset *dataset, FlSide side, const char *name, const char *const *order)
{
  const FlAttribute *found = NULL;
  uint32_t *code;

  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    if (strcmp (dataset->attributes[side][a].name, name) == 0)
      found = &dataset->attributes[side][a];
  code = g_new0 (uint32_t, found->n);
  for (uint32_t e = 0; e < found->n; e++)
    while (strcmp (order[code[e]], found->label[found->first[e]]) != 0)
      code[e]++;
  return code;
}

static void
add (Statistic *statistic, size_t k, double value)
{
  statistic->n = MAX (statistic->n, k + 1);
  statistic->sum[k] += value;
  statistic->squares[k] += value * value;
}

static void
add_dataset (Statistics *s, const FlDataset *d)
{
  g_autofree uint32_t *g = codes (d, FL_SIDE_USER, "type", user_groups);
  g_autofree uint32_t *h = codes (d, FL_SIDE_ITEM, "field", item_groups);
  double n[N_BLOCKS] = { 0 }, n_positive[N_BLOCKS] = { 0 }, n_of[2] = { 0 }, sum_of[2] = { 0 };

  memset (s->n_users, 0, sizeof s->n_users);
  memset (s->n_items, 0, sizeof s->n_items);
  for (uint32_t u = 0; u < d->n_users; u++)
    s->n_users[g[u]]++;
  for (uint32_t i = 0; i < d->n_items; i++)
    s->n_items[h[i]]++;
  for (uint32_t u = 0; u < d->n_users; u++)
    for (size_t k = d->ratings.start[u]; k < d->ratings.start[u + 1]; k++)
      {
        size_t block = g[u] * N_ITEM_GROUPS + h[d->ratings.col[k]];
        double rating = fl_csr_value (&d->ratings, k);

        if (d->part[k] != FL_PART_TRAIN)
          s->truth[block] = rating;
        else
          {
            n[block]++;
            n_positive[block] += rating > 0;
            n_of[g[u] >= 2]++;
            sum_of[g[u] >= 2] += rating;
          }
      }
  for (size_t block = 0; block < N_BLOCKS; block++)
    {
      add (&s->observed, block, n[block]);
      add (&s->positive, block, n_positive[block] / n[block]);
    }
  add (&s->total, 0, n_of[0] + n_of[1]);
  add (&s->women, 0, sum_of[0] / n_of[0]);
  add (&s->men, 0, sum_of[1] / n_of[1]);
}

/* ---- comparing ----------------------------------------------------------- */

/* |got - expected| <= 4.5 sd sqrt(share): sd is what the file expects. */
static void
compare (GoldenCase *c, const char *path, const char *key, const double *got, size_t n,
         double share)
{
  g_autofree char *full = g_strconcat (path, "/", key, NULL);
  g_autofree char *sd_path = g_strconcat (path, "/sd", NULL);
  double within[N_BLOCKS];

  for (size_t k = 0; k < n; k++)
    within[k] = MAX (1e-9, 4.5 * sqrt (share) * golden_expected (c, sd_path, k));
  golden_within (c, full, got, within, n);
}

static void
compare_statistic (GoldenCase *c, const char *setting, const char *key, const Statistic *s)
{
  g_autofree char *path = g_strdup_printf ("%s/expected/%s", setting, key);
  double mean[N_BLOCKS], sd[N_BLOCKS];

  for (size_t k = 0; k < s->n; k++)
    {
      mean[k] = s->sum[k] / N_SEEDS;
      sd[k] = sqrt (MAX (0.0, s->squares[k] - s->sum[k] * mean[k]) / (N_SEEDS - 1));
    }
  compare (c, path, "mean", mean, s->n, 1.0 / N_SEEDS);
  compare (c, path, "sd", sd, s->n, 0.5 / (N_SEEDS - 1));
  compare (c, path, "simulated_mean_200", mean, s->n, 1.0 / N_SEEDS + 1.0 / N_REFERENCE);
  compare (c, path, "simulated_sd_200", sd, s->n, 0.5 / (N_SEEDS - 1) + 0.5 / N_REFERENCE);
}

static void
compare_exactly (GoldenCase *c, const char *setting, const char *key, const double *got, size_t n)
{
  g_autofree char *path = g_strdup_printf ("%s/expected/%s", setting, key);

  c->tolerance = 1e-9;
  if (n > 1)
    golden_numbers (c, path, got, n);
  else
    golden_number (c, path, *got);
}

/* Mean of the truth over all pairs of two user groups, from `from` on. */
static double
mean_truth (const Statistics *s, size_t from)
{
  double sum = 0, n = 0;

  for (size_t g = from; g < from + 2; g++)
    for (size_t h = 0; h < N_ITEM_GROUPS; h++)
      {
        n += s->n_users[g] * s->n_items[h];
        sum += s->n_users[g] * s->n_items[h] * s->truth[g * N_ITEM_GROUPS + h];
      }
  return sum / n;
}

static void
compare_all (GoldenCase *c, const char *setting, const Statistics *s)
{
  double women = mean_truth (s, 0), men = mean_truth (s, 2);

  compare_exactly (c, setting, "n_users_per_group", s->n_users, N_USER_GROUPS);
  compare_exactly (c, setting, "n_items_per_group", s->n_items, N_ITEM_GROUPS);
  compare_exactly (c, setting, "mean_true_rating_all_pairs_women", &women, 1);
  compare_exactly (c, setting, "mean_true_rating_all_pairs_men", &men, 1);
  compare_statistic (c, setting, "observed_per_block", &s->observed);
  compare_statistic (c, setting, "positive_share_per_block", &s->positive);
  compare_statistic (c, setting, "observed_total", &s->total);
  compare_statistic (c, setting, "mean_observed_rating_women", &s->women);
  compare_statistic (c, setting, "mean_observed_rating_men", &s->men);
}

/* ---- settings ------------------------------------------------------------ */

/* "n-users=400" from the input's n_users. */
static char *
size_setting (GoldenCase *c, const char *key, const char *parameter, GError **error)
{
  uint32_t n = 0;

  return golden_read_index (c->input, key, 1000000, &n, error)
         ? g_strdup_printf ("%s=%u", parameter, n) : NULL;
}

static gboolean
check_setting (GoldenCase *c, const char *index, const char *name, JsonArray *setting,
               GError **error)
{
  const char *population = json_array_get_string_element (setting, 0);
  const char *matrix = json_array_get_string_element (setting, 1);
  g_autofree char *population_setting = g_strconcat ("population=", population, NULL);
  g_autofree char *observation = g_strconcat (
      "observation=", strcmp (matrix, "O_bias") == 0 ? "biased" : "uniform", NULL);
  g_autofree char *n_users = size_setting (c, "n_users", "n-users", error);
  g_autofree char *n_items
      = n_users != NULL ? size_setting (c, "n_items", "n-items", error) : NULL;
  const char *const settings[] = { population_setting, observation, n_users, n_items, NULL };
  g_autofree char *name_path = g_strconcat (index, "/setting", NULL);
  g_autofree char *population_path = g_strconcat (index, "/population", NULL);
  g_autoptr (FlInstance) source
      = n_items != NULL ? test_instance_new (c->registry, FL_KIND_SOURCE, "block-model", settings,
                                             error) : NULL;
  Statistics statistics = { .n_users = { 0 } };

  if (source == NULL)
    return FALSE;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++)
    {
      g_autoptr (FlDataset) dataset = fl_dataset_load (source, NULL, seed, error);

      if (dataset == NULL)
        return FALSE;
      add_dataset (&statistics, dataset);
    }
  golden_text (c, name_path, name);
  golden_text (c, population_path, population);
  compare_all (c, index, &statistics);
  return TRUE;
}

/* The settings of the input, in the order of `expected`. */
gboolean
check_synthetic (GoldenCase *c, GError **error)
{
  JsonObject *settings;
  JsonArray *expected;

  if (!golden_has (c->input, "settings") || !JSON_NODE_HOLDS_ARRAY (c->expected))
    return TRUE; /* a case of another source */
  settings = json_object_get_object_member (c->input, "settings");
  expected = json_node_get_array (c->expected);
  for (guint k = 0; k < json_array_get_length (expected); k++)
    {
      g_autofree char *index = g_strdup_printf ("%u", k);
      JsonObject *one = json_array_get_object_element (expected, k);
      const char *name = json_object_get_string_member_with_default (one, "setting", "");
      JsonNode *setting = json_object_get_member (settings, name);

      if (setting == NULL || !JSON_NODE_HOLDS_ARRAY (setting)
          || json_array_get_length (json_node_get_array (setting)) != 2)
        return fl_fail (error, FL_ERROR_DATA, "setting '%s' is not [population, observation]",
                        name);
      if (!check_setting (c, index, name, json_node_get_array (setting), error))
        return FALSE;
    }
  return TRUE;
}
