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
#define SHARE_OF_ONE (1.0 / N_SEEDS) /* of a variance, in that of a mean over the seeds */
#define SHARE_OF_BOTH (SHARE_OF_ONE + 1.0 / N_REFERENCE)

static const char *const user_groups[] = { "W", "WS", "MS", "M" };
static const char *const item_groups[] = { "Fem", "STEM", "Masc" };

/* One statistic, a number or one for each block, over the seeds. */
typedef struct
{
  size_t n; /* numbers in it */
  double value[N_BLOCKS][N_SEEDS];
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
add (Statistic *statistic, size_t k, uint64_t seed, double value)
{
  statistic->n = MAX (statistic->n, k + 1);
  statistic->value[k][seed] = value;
}

static double
mean_of (const double *value, size_t n)
{
  double sum = 0;

  for (size_t k = 0; k < n; k++)
    sum += value[k];
  return sum / (double) n;
}

/* The sum of squares is divided by `divisor`. */
static double
deviation_of (const double *value, size_t n, size_t divisor)
{
  double mean = mean_of (value, n), squares = 0;

  for (size_t k = 0; k < n; k++)
    squares += (value[k] - mean) * (value[k] - mean);
  return sqrt (squares / (double) divisor);
}

static void
add_dataset (Statistics *s, const FlDataset *d, uint64_t seed)
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
      add (&s->observed, block, seed, n[block]);
      add (&s->positive, block, seed, n_positive[block] / n[block]);
    }
  add (&s->total, 0, seed, n_of[0] + n_of[1]);
  add (&s->women, 0, seed, sum_of[0] / n_of[0]);
  add (&s->men, 0, seed, sum_of[1] / n_of[1]);
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
      mean[k] = mean_of (s->value[k], N_SEEDS);
      sd[k] = deviation_of (s->value[k], N_SEEDS, N_SEEDS - 1);
    }
  compare (c, path, "mean", mean, s->n, SHARE_OF_ONE);
  compare (c, path, "sd", sd, s->n, 0.5 / (N_SEEDS - 1));
  compare (c, path, "simulated_mean_200", mean, s->n, SHARE_OF_BOTH);
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
      add_dataset (&statistics, dataset, seed);
    }
  golden_text (c, name_path, name);
  golden_text (c, population_path, population);
  compare_all (c, index, &statistics);
  return TRUE;
}

/* ---- biased-factors ------------------------------------------------------- */

enum { OBSERVED, CLEAN_MEAN, CLEAN_SD, NOISE_SD, FINAL_MEAN, FINAL_SD, SHARE_AT_1, SHARE_AT_5, RANK,
       N_FACTS };
static const char *const fact_name[] = { "observed", "clean_mean", "clean_sd", "noise_sd",
                                         "final_mean", "final_sd", "share_at_1", "share_at_5",
                                         "rank" };

/* The same pairs under one seed: as they come, before they are clamped, and before
 * there is noise. */
enum { FINAL, NOISY, CLEAN, N_FORMS };
static const char *const form_setting[] = { "clamp=true", "clamp=false", "clamp=false" };

/* Rank of n x m numbers, which are lost: elimination with full pivots, as far as
 * they are not rounding. */
static size_t
rank_of (double *x, size_t n, size_t m)
{
  for (size_t r = 0; r < n; r++)
    {
      size_t pivot = r * m;

      for (size_t k = r * m; k < n * m; k++)
        if (fabs (x[k]) > fabs (x[pivot]))
          pivot = k;
      if (fabs (x[pivot]) < 1e-9)
        return r;
      for (size_t j = 0, i = pivot / m; j < m; j++)
        {
          double other = x[i * m + j];

          x[i * m + j] = x[r * m + j];
          x[r * m + j] = other;
        }
      for (size_t i = r + 1; i < n; i++)
        {
          double factor = x[i * m + pivot % m] / x[r * m + pivot % m];

          for (size_t j = 0; j < m; j++)
            x[i * m + j] -= factor * x[r * m + j];
        }
    }
  return n;
}

/* All ratings of a group, of which there are n users from `from` on. */
static double *
block_of (const FlDataset *d, uint32_t from, uint32_t n)
{
  double *x = g_new (double, (size_t) n * d->n_items + 1);

  for (size_t k = 0; k < (size_t) n * d->n_items; k++)
    x[k] = fl_csr_value (&d->ratings, d->ratings.start[from] + k);
  return x;
}

static void
add_group (Statistic facts[N_FACTS], uint64_t seed, FlDataset *const form[N_FORMS], uint32_t from,
           uint32_t n_users)
{
  size_t n = (size_t) n_users * form[FINAL]->n_items, n_observed = 0, n_at[2] = { 0 };
  g_autofree double *final = block_of (form[FINAL], from, n_users);
  g_autofree double *noise = block_of (form[NOISY], from, n_users);
  g_autofree double *clean = block_of (form[CLEAN], from, n_users);

  for (size_t k = 0; k < n; k++)
    {
      n_observed += form[FINAL]->part[form[FINAL]->ratings.start[from] + k] == FL_PART_TRAIN;
      n_at[0] += final[k] == 1;
      n_at[1] += final[k] == 5;
      noise[k] -= clean[k];
    }
  add (&facts[OBSERVED], 0, seed, (double) n_observed);
  add (&facts[CLEAN_MEAN], 0, seed, mean_of (clean, n));
  add (&facts[CLEAN_SD], 0, seed, deviation_of (clean, n, n));
  add (&facts[NOISE_SD], 0, seed, deviation_of (noise, n, n));
  add (&facts[FINAL_MEAN], 0, seed, mean_of (final, n));
  add (&facts[FINAL_SD], 0, seed, deviation_of (final, n, n));
  add (&facts[SHARE_AT_1], 0, seed, (double) n_at[0] / (double) n);
  add (&facts[SHARE_AT_5], 0, seed, (double) n_at[1] / (double) n);
  for (size_t k = 0; k < n; k++)
    clean[k] -= 3;
  /* It is the same for all seeds, unless it is wrong. */
  add (&facts[RANK], 0, seed, (double) rank_of (clean, n_users, form[CLEAN]->n_items));
}

/* An expectation from 200 seeds, but for the number observed, which is known. */
static void
compare_fact (GoldenCase *c, const char *index, int fact, int group, const Statistic *s)
{
  g_autofree char *path
      = g_strdup_printf ("%s/statistics/%s_%c", index, fact_name[fact], 'A' + group);
  double mean = mean_of (s->value[0], N_SEEDS);
  double sd = deviation_of (s->value[0], N_SEEDS, N_SEEDS - 1);
  double known = fact == OBSERVED ? 0 : 1;

  compare (c, path, "mean", &mean, 1, SHARE_OF_ONE + known / N_REFERENCE);
  compare (c, path, "sd", &sd, 1, 0.5 / (N_SEEDS - 1) + known * 0.5 / N_REFERENCE);
  compare (c, path, "simulated_mean", &mean, 1, SHARE_OF_BOTH);
}

/* What the setting is said to be, as far as data can tell. */
static void
compare_configuration (GoldenCase *c, const char *index, int group, uint32_t n_users,
                       const FlDataset *d, const Statistic facts[N_FACTS])
{
  double n = n_users, pairs = n * d->n_items;
  double density = mean_of (facts[OBSERVED].value[0], N_SEEDS) / pairs;
  double noise = mean_of (facts[NOISE_SD].value[0], N_SEEDS);
  double rank = facts[RANK].value[0][0] - 1; /* centring adds a constant */
  const struct
  {
    const char *key;
    double got, sd;
  } rows[] = {
    { "n", n, 0 },
    { "rank", rank, 0 },
    { "density", density, sqrt (density * (1 - density) / pairs / N_SEEDS) },
    { "noise_sd", noise, noise / sqrt (2 * pairs * N_SEEDS) },
  };

  for (size_t r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      g_autofree char *path
          = g_strdup_printf ("%s/configuration/%s_%c", index, rows[r].key, 'A' + group);
      double within = MAX (1e-9, 4.5 * rows[r].sd);

      golden_within (c, path, &rows[r].got, &within, 1);
    }
}

static uint32_t
count_in_a (const FlDataset *d)
{
  const FlAttribute *group = &d->attributes[FL_SIDE_USER][0];
  uint32_t n = 0;

  for (uint32_t u = 0; u < d->n_users; u++)
    n += strcmp (group->label[group->first[u]], "A") == 0;
  return n;
}

/* "key=value" of all that the case fixes, but for what tells the forms apart. */
static GPtrArray *
factors_settings (GoldenCase *c, const char *bias, GError **error)
{
  static const char *const switches[][2] = {
    { "R", "rank=true" }, { "S", "sparsity=true" }, { "N", "noise=true" },
    { "P", "population=true" }
  };
  g_autoptr (GPtrArray) settings = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) letters = g_strsplit (bias, ",", -1);
  double density;

  g_ptr_array_add (settings, size_setting (c, "n_users", "n-users", error));
  g_ptr_array_add (settings, size_setting (c, "n_items", "n-items", error));
  g_ptr_array_add (settings, size_setting (c, "dimensions", "dimensions", error));
  if (!golden_read_number (c->input, "base_density", &density, error))
    return NULL;
  g_ptr_array_add (settings, g_strdup_printf ("base-density=%.17g", density));
  g_ptr_array_add (settings, g_strdup ("unobserved=test"));
  for (size_t s = 0; s < G_N_ELEMENTS (switches); s++)
    if (g_strv_contains ((const char *const *) letters, switches[s][0]))
      g_ptr_array_add (settings, g_strdup (switches[s][1]));
  for (guint s = 0; s < settings->len; s++)
    if (settings->pdata[s] == NULL)
      return NULL;
  return g_steal_pointer (&settings);
}

static gboolean
make_forms (GoldenCase *c, const GPtrArray *settings, FlInstance *source[N_FORMS], GError **error)
{
  double noise;

  if (!golden_read_number (c->input, "base_noise_sd", &noise, error))
    return FALSE;
  for (int form = 0; form < N_FORMS; form++)
    {
      g_autofree char *base_noise
          = g_strdup_printf ("base-noise=%.17g", form == CLEAN ? 0.0 : noise);
      g_autoptr (GPtrArray) own = g_ptr_array_copy ((GPtrArray *) settings, NULL, NULL);

      g_ptr_array_set_free_func (own, NULL);
      g_ptr_array_add (own, base_noise);
      g_ptr_array_add (own, (gpointer) form_setting[form]);
      g_ptr_array_add (own, NULL);
      source[form] = test_instance_new (c->registry, FL_KIND_SOURCE, "biased-factors",
                                        (const char *const *) own->pdata, error);
      if (source[form] == NULL)
        return FALSE;
    }
  return TRUE;
}

/* Statistics of one seed; the sizes of the groups and items come with the last. */
static gboolean
add_seed (FlInstance *const source[N_FORMS], uint64_t seed, Statistic facts[2][N_FACTS],
          FlDataset *form[N_FORMS], GError **error)
{
  uint32_t n_a;

  for (int f = 0; f < N_FORMS; f++)
    {
      g_clear_pointer (&form[f], fl_dataset_free);
      form[f] = fl_dataset_load (source[f], NULL, seed, error);
      if (form[f] == NULL)
        return FALSE;
    }
  n_a = count_in_a (form[FINAL]);
  add_group (facts[0], seed, form, 0, n_a);
  add_group (facts[1], seed, form, n_a, form[FINAL]->n_users - n_a);
  return TRUE;
}

static gboolean
check_bias (GoldenCase *c, const char *index, const char *bias, GError **error)
{
  g_autoptr (GPtrArray) settings = factors_settings (c, bias, error);
  g_autofree char *bias_path = g_strconcat (index, "/bias", NULL);
  g_autofree Statistic *all = g_new0 (Statistic, 2 * N_FACTS);
  Statistic (*facts)[N_FACTS] = (Statistic (*)[N_FACTS]) all;
  FlInstance *source[N_FORMS] = { NULL };
  FlDataset *form[N_FORMS] = { NULL };
  gboolean done = settings != NULL && make_forms (c, settings, source, error);

  for (uint64_t seed = 0; done && seed < N_SEEDS; seed++)
    done = add_seed (source, seed, facts, form, error);
  for (int group = 0; done && group < 2; group++)
    {
      uint32_t n_a = count_in_a (form[FINAL]);

      for (int fact = 0; fact < N_FACTS; fact++)
        compare_fact (c, index, fact, group, &facts[group][fact]);
      compare_configuration (c, index, group, group == 0 ? n_a : form[FINAL]->n_users - n_a,
                             form[FINAL], facts[group]);
    }
  golden_text (c, bias_path, bias);
  for (int f = 0; f < N_FORMS; f++)
    {
      fl_dataset_free (form[f]);
      fl_instance_free (source[f]);
    }
  return done;
}

static gboolean
check_biases (GoldenCase *c, GError **error)
{
  JsonArray *expected = json_node_get_array (c->expected);

  for (guint k = 0; k < json_array_get_length (expected); k++)
    {
      g_autofree char *index = g_strdup_printf ("%u", k);
      JsonObject *one = json_array_get_object_element (expected, k);

      if (!check_bias (c, index, json_object_get_string_member_with_default (one, "bias", ""),
                       error))
        return FALSE;
    }
  return TRUE;
}

/* ---- both ----------------------------------------------------------------- */

/* The settings of the input, in the order of `expected`. */
static gboolean
check_settings (GoldenCase *c, GError **error)
{
  JsonObject *settings;
  JsonArray *expected;

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

static gboolean
check_synthetic (GoldenCase *c, GError **error)
{
  if (!JSON_NODE_HOLDS_ARRAY (c->expected))
    return TRUE; /* a case of another source */
  if (golden_has (c->input, "settings"))
    return check_settings (c, error);
  return !golden_has (c->input, "base_noise_sd") || check_biases (c, error);
}

GOLDEN_SET ("synthetic", check_synthetic)
