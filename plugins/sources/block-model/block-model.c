/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* block-model: simulated course ratings [Yao, dissertation, 3.3 and 3.5.1].
 *
 * User u is in group g(u) of W, WS, MS, M; item i in group h(i) of Fem, STEM,
 * Masc.  Independently for every pair,
 *
 *   observed  with probability O[g][h],   O uniform .4 or (3.10)
 *   r_ui = +1 with probability L[g][h], else -1,   L of (3.9)
 *
 * Observed pairs are the training part with r_ui, all others the test part with
 * the true expected rating 2 L[g][h] - 1.  The text leaves the sizes of the
 * item groups open: they are equal.
 */
#include <fairlead/plugin.h>

enum { W, WS, MS, M, N_USER_GROUPS };
enum { FEM, STEM, MASC, N_ITEM_GROUPS };

typedef struct
{
  int64_t n_users, n_items;
  int observation, population;
} BlockModel;

static const FlParam params[] = {
  FL_INT (BlockModel, n_users, 400, 1, 1000000, "users", "size of the population"),
  FL_INT (BlockModel, n_items, 300, 1, 1000000, "items", "size of the catalogue"),
  FL_CHOICE (BlockModel, observation, 0, "uniform|biased|exchanged",
             "who rates what: everybody .4 of everything; as in (3.10); (3.10) with the rows of "
             "MS and M exchanged, with which the printed tables come out"),
  FL_CHOICE (BlockModel, population, 0, "uniform|imbalanced",
             "shares of W, WS, MS, M: a quarter each, or .4 .1 .4 .1"),
  FL_PARAM_END
};

static const char *const type_name[] = { "W", "WS", "MS", "M" };
static const char *const gender_name[] = { "woman", "woman", "man", "man" };
static const char *const field_name[] = { "Fem", "STEM", "Masc" };

static const double likes[N_USER_GROUPS][N_ITEM_GROUPS] = { /* L, (3.9) */
  [W] = { 0.8, 0.2, 0.2 },
  [WS] = { 0.8, 0.8, 0.2 },
  [MS] = { 0.2, 0.8, 0.8 },
  [M] = { 0.2, 0.2, 0.8 },
};

static const double observes[][N_USER_GROUPS][N_ITEM_GROUPS] = { /* O */
  { /* uniform */
    [W] = { 0.4, 0.4, 0.4 }, [WS] = { 0.4, 0.4, 0.4 },
    [MS] = { 0.4, 0.4, 0.4 }, [M] = { 0.4, 0.4, 0.4 } },
  { /* biased, (3.10) */
    [W] = { 0.6, 0.2, 0.1 }, [WS] = { 0.3, 0.4, 0.2 },
    [MS] = { 0.1, 0.3, 0.5 }, [M] = { 0.05, 0.5, 0.35 } },
  { /* exchanged */
    [W] = { 0.6, 0.2, 0.1 }, [WS] = { 0.3, 0.4, 0.2 },
    [MS] = { 0.05, 0.5, 0.35 }, [M] = { 0.1, 0.3, 0.5 } },
};

/* Last user of each group in tenths of the population, by `population`. */
static const double shares[][N_USER_GROUPS] = { { 2.5, 5, 7.5, 10 }, { 4, 5, 9, 10 } };

/* Groups lie one after the other; each ends at its rounded share. */
static int
user_group (const BlockModel *self, int64_t u)
{
  int g = 0;

  while ((double) u >= (double) (int64_t) (shares[self->population][g] * (double) self->n_users
                                           / 10 + 0.5))
    g++;
  return g;
}

/* Equal sizes, the first groups taking what is left over. */
static int
item_group (const BlockModel *self, int64_t i)
{
  int64_t size = self->n_items / N_ITEM_GROUPS, rest = self->n_items % N_ITEM_GROUPS;
  int h = 0;

  for (int64_t end = size + (rest > 0); i >= end; end += size + (rest > h))
    h++;
  return h;
}

static FlSpan
id_text (int64_t number, char buffer[24])
{
  g_snprintf (buffer, 24, "%" G_GINT64_FORMAT, number);
  return fl_span (buffer);
}

/* Streams are keyed by user. */
static gboolean
add_user (const BlockModel *self, uint64_t seed, int64_t u, const int *h, FlBuilder *builder,
          GError **error)
{
  FlRng rng = fl_rng (seed, "block-model", (uint64_t) u);
  int g = user_group (self, u);
  char user_text[24], item_text[24];
  FlSpan user = id_text (u, user_text);

  fl_builder_attribute (builder, FL_SIDE_USER, user, "type", fl_span (type_name[g]));
  fl_builder_attribute (builder, FL_SIDE_USER, user, "gender", fl_span (gender_name[g]));
  for (int64_t i = 0; i < self->n_items; i++)
    {
      gboolean observed = fl_rng_uniform (&rng) < observes[self->observation][g][h[i]];
      double like = likes[g][h[i]], rating = 2 * like - 1;

      if (observed)
        rating = fl_rng_uniform (&rng) < like ? 1 : -1;
      fl_builder_part (builder, observed ? FL_PART_TRAIN : FL_PART_TEST);
      if (!fl_builder_rating (builder, user, id_text (i, item_text), rating, FL_NO_TIME, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
block_model_check (gconstpointer self_, GError **error)
{
  const BlockModel *self = self_;

  return self->n_users <= G_MAXUINT32 / self->n_items
         || fl_fail (error, FL_ERROR_CONFIG,
                     "n-users x n-items = %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                     ": every pair is a rating, and a dataset has at most %u",
                     self->n_users, self->n_items, G_MAXUINT32);
}

static gboolean
block_model_load (gconstpointer self_, uint64_t seed, FlBuilder *builder, GError **error)
{
  const BlockModel *self = self_;
  g_autofree int *h = fl_alloc ((size_t) self->n_items, sizeof *h, error);

  if (h == NULL)
    return FALSE;
  fl_builder_scale (builder, -1, 1);
  for (int64_t i = 0; i < self->n_items; i++)
    {
      char text[24];

      h[i] = item_group (self, i);
      fl_builder_attribute (builder, FL_SIDE_ITEM, id_text (i, text), "field",
                            fl_span (field_name[h[i]]));
    }
  for (int64_t u = 0; u < self->n_users; u++)
    if (!add_user (self, seed, u, h, builder, error))
      return FALSE;
  return TRUE;
}

FL_PLUGIN (
  .name = "block-model",
  .summary = "simulated course ratings with imbalanced groups and biased observation",
  .description = "Women and men who do or do not enjoy STEM subjects rate courses +1 or -1.  "
                 "Pairs that are not observed are the test part and hold the true expected "
                 "rating: use [split] method = given.  Users have type (W, WS, MS, M) and "
                 "gender (woman, man), items have field (Fem, STEM, Masc).  Each repeat draws "
                 "data of its own.",
  .reference = "Yao, dissertation, sections 3.3 and 3.5.1, equations (3.9) and (3.10)",
  .licence = "LGPL-3.0-or-later",
  .version = "1",
  .params = params,
  .self_size = sizeof (BlockModel),
  .check = block_model_check,
  FL_SOURCE (.load = block_model_load, .seeded = TRUE)
);
