/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* biased-factors: simulated ratings by two groups of users, into which biases are
 * injected one by one [Yao and Huang, PRL, 4.2; Yao, dissertation, 4.3.2].
 *
 *   x_ui = p_u . q_i                  p_u, q_i of `dimensions` random features
 *   r_ui = clamp (3 + (x_ui - m_g) / s_g + e_ui)        e_ui normal, sd noise_g
 *   observed with probability density_g
 *
 * where m_g and s_g are the mean and the standard deviation of all x_ui with u in
 * group g, which makes the noise-free ratings of both groups alike.  Switches:
 *
 *   population  B is 30 % of the users instead of a half
 *   rank        users of A have 5 features, the others are 0
 *   sparsity    density_A = 5 density_B
 *   noise       noise_B = 2 noise_A
 *
 * "The overall level of sparsity and noise" stays: the means of density_g and of
 * noise_g over users are the parameters.  The text leaves open the distribution
 * of the features, that level, whether an amount of noise is a variance, how
 * ratings are normalised, and the sizes of unbiased groups: here normal, .2 and
 * .3, a standard deviation, to mean 3 and deviation 1 by group, and halves.
 */
#include <math.h>

#include <fairlead/plugin.h>

enum { A, B, N_GROUPS };
enum { LEFT_OUT, TEST, TRUTH }; /* BiasedFactors.unobserved */

#define MEAN 3.0 /* of the noise-free ratings */
#define LOWEST 1.0
#define HIGHEST 5.0

typedef struct
{
  int64_t n_users, n_items, dimensions, rank_a;
  gboolean population, rank, sparsity, noise, clamp;
  double share_b, density_ratio, noise_ratio, base_density, base_noise;
  int features, unobserved;
} BiasedFactors;

static const FlParam params[] = {
  FL_INT (BiasedFactors, n_users, 100, 1, 1000000, "users", "size of the population"),
  FL_INT (BiasedFactors, n_items, 600, 1, 1000000, "items", "size of the catalogue"),
  FL_INT (BiasedFactors, dimensions, 20, 1, 1000, NULL, "features of users and items"),
  FL_BOOL (BiasedFactors, population, FALSE, "B is a minority of share-b; else a half"),
  FL_BOOL (BiasedFactors, rank, FALSE, "users of A have rank-a features that are not 0"),
  FL_BOOL (BiasedFactors, sparsity, FALSE, "A rates density-ratio times as much as B"),
  FL_BOOL (BiasedFactors, noise, FALSE, "ratings of B are noise-ratio times as noisy as A's"),
  FL_DOUBLE (BiasedFactors, share_b, 0.3, 0, 1, NULL, "share of B among users, with population"),
  FL_INT (BiasedFactors, rank_a, 5, 1, 1000, NULL, "features of users of A, with rank"),
  FL_DOUBLE (BiasedFactors, density_ratio, 5, 1, 1000, NULL, "density of A by that of B, with "
             "sparsity"),
  FL_DOUBLE (BiasedFactors, noise_ratio, 2, 1, 1000, NULL, "noise of B by that of A, with noise"),
  FL_DOUBLE (BiasedFactors, base_density, 0.2, 0, 1, NULL,
             "probability that a pair is observed, on average over users"),
  FL_DOUBLE (BiasedFactors, base_noise, 0.3, 0, 100, "rating points",
             "standard deviation of the noise, on average over users"),
  FL_CHOICE (BiasedFactors, features, 0, "normal|uniform",
             "distribution of features: standard normal, or uniform from -1 to 1"),
  FL_BOOL (BiasedFactors, clamp, TRUE, "ratings are kept within 1 to 5"),
  FL_CHOICE (BiasedFactors, unobserved, LEFT_OUT, "left-out|test|truth",
             "pairs that are not observed are no part of the data; or they are the test part, with "
             "their ratings, or with their ratings before the noise"),
  FL_PARAM_END
};

static const char *const group_name[] = { "A", "B" };

/* What the switches come to. */
typedef struct
{
  int64_t n[N_GROUPS]; /* users; those of A come first                     */
  double density[N_GROUPS], noise[N_GROUPS];
  double mean[N_GROUPS], scale[N_GROUPS]; /* of x_ui, and 1 / its deviation */
} Setting;

static Setting
make_setting (const BiasedFactors *self)
{
  double n = (double) self->n_users, share_b = self->population ? self->share_b : 0.5;
  double density_ratio = self->sparsity ? self->density_ratio : 1;
  double noise_ratio = self->noise ? self->noise_ratio : 1;
  Setting s = { .n = { 0 } };

  s.n[B] = (int64_t) floor (share_b * n + 0.5);
  s.n[A] = self->n_users - s.n[B];
  s.density[B] = self->base_density * n
                 / (density_ratio * (double) s.n[A] + (double) s.n[B]);
  s.density[A] = density_ratio * s.density[B];
  s.noise[A] = self->base_noise * n / ((double) s.n[A] + noise_ratio * (double) s.n[B]);
  s.noise[B] = noise_ratio * s.noise[A];
  return s;
}

static gboolean
biased_factors_check (gconstpointer self_, GError **error)
{
  const BiasedFactors *self = self_;
  Setting s = make_setting (self);

  if (self->n_users > G_MAXUINT32 / self->n_items)
    return fl_fail (error, FL_ERROR_CONFIG,
                    "n-users x n-items = %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                    ": a dataset has at most %u ratings", self->n_users, self->n_items,
                    G_MAXUINT32);
  if (self->rank && self->rank_a > self->dimensions)
    return fl_fail (error, FL_ERROR_CONFIG, "rank-a = %" G_GINT64_FORMAT
                    ": there are only %" G_GINT64_FORMAT " dimensions", self->rank_a,
                    self->dimensions);
  for (int g = A; g < N_GROUPS; g++)
    if (s.n[g] > 0 && !(s.density[g] <= 1))
      return fl_fail (error, FL_ERROR_CONFIG, "base-density = %g: group %s would rate %g of all "
                      "items", self->base_density, group_name[g], s.density[g]);
  return TRUE;
}

/* ---- ratings ------------------------------------------------------------- */

static void
draw_features (const BiasedFactors *self, FlRng rng, int64_t n, double *out)
{
  for (int64_t a = 0; a < n; a++)
    out[a] = self->features == 0 ? fl_rng_normal (&rng) : 2 * fl_rng_uniform (&rng) - 1;
}

/* Streams are keyed by user and by item: who else is there changes nothing, and no
 * switch changes what another draws. */
static void
draw_user (const BiasedFactors *self, uint64_t seed, int64_t u, int g, double *p)
{
  draw_features (self, fl_rng (seed, "biased-factors user", (uint64_t) u), self->dimensions, p);
  for (int64_t a = self->rank_a; self->rank && g == A && a < self->dimensions; a++)
    p[a] = 0;
}

/* q: n_items x dimensions. */
static double *
draw_items (const BiasedFactors *self, uint64_t seed, GError **error)
{
  size_t d = (size_t) self->dimensions;
  double *q = fl_alloc ((size_t) self->n_items * d, sizeof *q, error);

  for (int64_t i = 0; q != NULL && i < self->n_items; i++)
    draw_features (self, fl_rng (seed, "biased-factors item", (uint64_t) i), self->dimensions,
                   q + (size_t) i * d);
  return q;
}

/* p . q, in the same order of additions on every machine: these are data. */
static double
product (size_t d, const double *p, const double *q)
{
  double sum = 0;

  for (size_t a = 0; a < d; a++)
    sum += p[a] * q[a];
  return sum;
}

/* Mean and deviation of x_ui by group; a group in which all are equal stays so. */
static void
normalise (const BiasedFactors *self, uint64_t seed, const double *q, double *p, Setting *s)
{
  size_t d = (size_t) self->dimensions;

  for (int g = A; g < N_GROUPS; g++)
    {
      int64_t from = g == A ? 0 : s->n[A];
      double n = (double) s->n[g] * (double) self->n_items, sum = 0, squares = 0, variance;

      for (int64_t u = from; u < from + s->n[g]; u++)
        {
          draw_user (self, seed, u, g, p);
          for (size_t i = 0; i < (size_t) self->n_items; i++)
            {
              double x = product (d, p, q + i * d);

              sum += x;
              squares += x * x;
            }
        }
      s->mean[g] = s->n[g] > 0 ? sum / n : 0;
      variance = s->n[g] > 0 ? squares / n - s->mean[g] * s->mean[g] : 0;
      s->scale[g] = variance > 0 ? 1 / sqrt (variance) : 0;
    }
}

static double
in_scale (const BiasedFactors *self, double rating)
{
  return self->clamp ? CLAMP (rating, LOWEST, HIGHEST) : rating;
}

static FlSpan
id_text (int64_t number, char buffer[24])
{
  g_snprintf (buffer, 24, "%" G_GINT64_FORMAT, number);
  return fl_span (buffer);
}

static gboolean
add_user (const BiasedFactors *self, const Setting *s, uint64_t seed, int64_t u, const double *q,
          double *p, FlBuilder *builder, GError **error)
{
  FlRng mask = fl_rng (seed, "biased-factors observed", (uint64_t) u);
  FlRng noise = fl_rng (seed, "biased-factors noise", (uint64_t) u);
  size_t d = (size_t) self->dimensions;
  int g = u < s->n[A] ? A : B;
  char user_text[24], item_text[24];
  FlSpan user = id_text (u, user_text);

  fl_builder_attribute (builder, FL_SIDE_USER, user, "group", fl_span (group_name[g]));
  draw_user (self, seed, u, g, p);
  for (int64_t i = 0; i < self->n_items; i++)
    {
      gboolean observed = fl_rng_uniform (&mask) < s->density[g];
      double clean = MEAN + (product (d, p, q + (size_t) i * d) - s->mean[g]) * s->scale[g];
      double rating = clean + s->noise[g] * fl_rng_normal (&noise);

      if (!observed && self->unobserved == LEFT_OUT)
        continue;
      if (self->unobserved != LEFT_OUT)
        fl_builder_part (builder, observed ? FL_PART_TRAIN : FL_PART_TEST);
      if (!observed && self->unobserved == TRUTH)
        rating = clean;
      if (!fl_builder_rating (builder, user, id_text (i, item_text), in_scale (self, rating),
                              FL_NO_TIME, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
biased_factors_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  const BiasedFactors *self = self_;
  Setting s = make_setting (self);
  g_autofree double *p = fl_alloc ((size_t) self->dimensions, sizeof *p, error);
  g_autofree double *q = p != NULL ? draw_items (self, seed, error) : NULL;

  if (q == NULL)
    return FALSE;
  if (self->clamp)
    fl_builder_scale (builder, LOWEST, HIGHEST);
  normalise (self, seed, q, p, &s);
  for (int64_t u = 0; u < self->n_users; u++)
    if (!add_user (self, &s, seed, u, q, p, builder, error))
      return FALSE;
  return TRUE;
}

FL_PLUGIN (
  .name = "biased-factors",
  .summary = "simulated ratings with biases of population, rank, sparsity and noise",
  .description = "Two groups of users, A and B, rate items by the product of random features, plus "
                 "noise.  Each switch puts B at a disadvantage in one way and leaves all else as it "
                 "was: the same features, the same noise but for its size.  Users have the attribute "
                 "group (A, B).  Each repeat draws data of its own.  Data come without a split, or, "
                 "with unobserved = test or truth, split for [split] method = given.",
  .reference = "Yao and Huang, Personalized Regularization Learning, section 4.2; Yao, dissertation, "
               "section 4.3.2",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (BiasedFactors),
  .check = biased_factors_check,
  FL_SOURCE (.load = biased_factors_load, .seeded = TRUE)
);
