/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fair-user.c: antidote users for data without ratings.
 *
 * Every click is a 1, and each user gets `negatives` times as many items at
 * random, among those not clicked, as 0; on that a closed-form model is fitted
 * and antidote data between 0 and 1 are found by algorithm 1.  An antidote user
 * then clicks the items with the highest entries of its row, of equal ones, as many are
 * at the ends of the range, those that are drawn.
 */
#include "antidote.h"

#include <stdlib.h>
#include <string.h>

/* ---- clicks and non-clicks --------------------------------------------- */

/* Up to n items that are not marked in `taken`; they are marked. */
static void
add_negatives (FlTriplets *t, uint32_t user, size_t n, uint32_t n_items, FlRng *rng,
               gboolean *taken)
{
  while (n > 0)
    {
      uint32_t i = fl_rng_below (rng, n_items);

      if (taken[i])
        continue;
      taken[i] = TRUE;
      fl_triplets_add (t, user, i, 0);
      n--;
    }
}

static FlRatings *
clicks (const Antidote *self, const FlRatings *train, uint64_t seed, GError **error)
{
  g_autoptr (FlTriplets) t = fl_triplets_new ();
  g_autofree gboolean *taken = g_new0 (gboolean, train->n_items);
  const FlCsr *csr = &train->by_user;

  for (uint32_t u = 0; u < train->n_users; u++)
    {
      size_t n = csr->start[u + 1] - csr->start[u], first = t->n;
      FlRng rng = fl_rng (seed, "fair-user negatives", u);

      for (size_t k = csr->start[u]; k < csr->start[u + 1]; k++)
        {
          fl_triplets_add (t, u, csr->col[k], 1);
          taken[csr->col[k]] = TRUE;
        }
      add_negatives (t, u, MIN (n * (size_t) self->negatives, train->n_items - n),
                     train->n_items, &rng, taken);
      for (size_t k = first; k < t->n; k++) /* for the next: what was marked, no more */
        taken[t->item[k]] = FALSE;
    }
  return fl_triplets_make_ratings (t, train->n_users, train->n_items, error);
}

/* ---- profiles ---------------------------------------------------------- */

static int
compare_sizes (const void *a, const void *b)
{
  size_t x = *(const size_t *) a, y = *(const size_t *) b;

  return (x > y) - (x < y);
}

static size_t
median_degree (const FlRatings *train)
{
  g_autofree size_t *degree = g_new (size_t, train->n_users);

  for (uint32_t u = 0; u < train->n_users; u++)
    degree[u] = train->by_user.start[u + 1] - train->by_user.start[u];
  qsort (degree, train->n_users, sizeof *degree, compare_sizes);
  return MAX (1, degree[train->n_users / 2]);
}

typedef struct
{
  double value;
  uint32_t lot, item;
} Entry;

/* Highest first, equal ones by lot. */
static int
compare_entries (const void *a, const void *b)
{
  const Entry *x = a, *y = b;

  if (x->value != y->value)
    return x->value < y->value ? 1 : -1;
  if (x->lot != y->lot)
    return x->lot < y->lot ? -1 : 1;
  return (x->item > y->item) - (x->item < y->item);
}

static void
add_profile (FlTriplets *t, uint32_t user, const double *row, uint32_t n_items, size_t profile,
             double rating, FlRng rng)
{
  g_autofree Entry *entry = g_new (Entry, n_items);

  for (uint32_t i = 0; i < n_items; i++)
    entry[i] = (Entry) { row[i], fl_rng_u32 (&rng), i };
  qsort (entry, n_items, sizeof *entry, compare_entries);
  for (size_t k = 0; k < MIN (profile, n_items); k++)
    fl_triplets_add (t, user, entry[k].item, rating);
}

/* The training clicks and those of the added users. */
static FlRatings *
with_profiles (const AntidoteTrial *trial, const FlRatings *train, const double *rows,
               size_t profile, uint64_t seed, GError **error)
{
  g_autoptr (FlTriplets) t = fl_triplets_new ();

  fl_triplets_add_ratings (t, train);
  for (size_t i = 0; i < trial->n_rows; i++)
    add_profile (t, train->n_users + (uint32_t) i, rows + i * trial->n_cols, train->n_items,
                 profile, train->rating_max, fl_rng (seed, "fair-user ties", i));
  return fl_triplets_make_ratings (t, train->n_users + (uint32_t) trial->n_rows, train->n_items,
                                   error);
}

/* ---- the plugin -------------------------------------------------------- */

FlRatings *
fair_user_augment (gpointer self, const FlStage *stage, GError **error)
{
  const Antidote *antidote = self;
  const FlRatings *train = stage->data->train;
  g_autoptr (FlRatings) all = clicks (antidote, train, fl_run_seed (stage->run), error);
  FlData data = *stage->data;
  FlStage inner = FL_STAGE (.data = &data, .model = antidote->surrogate, .run = stage->run);
  g_auto (AntidoteTrial) trial = { 0 };
  g_autofree double *rows = NULL;
  AntidoteValue best;

  data.train = all;
  if (data.n_users == 0)
    data.n_users = train->n_users;
  if (all == NULL || !antidote_trial_init (&trial, antidote, &inner, antidote->surrogate, error)
      || (rows = fl_alloc (trial.n_rows * trial.n_cols, sizeof *rows, error)) == NULL
      || !antidote_descend (&trial, rows, &best, error))
    return NULL;
  fl_run_note (stage->run, "fair-user-rows", (double) trial.n_rows);
  fl_run_note (stage->run, "fair-user-before", trial.before.loss);
  fl_run_note (stage->run, "fair-user-after", best.loss);
  return with_profiles (&trial, train, rows,
                        antidote->profile > 0 ? (size_t) antidote->profile : median_degree (train),
                        fl_run_seed (stage->run), error);
}
