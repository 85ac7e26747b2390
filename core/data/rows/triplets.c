/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* triplets.c: ratings gathered one by one. */
#include <fairlead/data.h>

typedef struct
{
  FlTriplets triplets; /* first: callers have its address */
  size_t n_max;
  uint32_t *user, *item;
  double *rating;
  gboolean failed; /* there was no memory for one, nor is there for any after it */
} Gathered;

FlTriplets *
fl_triplets_new (void)
{
  return (FlTriplets *) g_new0 (Gathered, 1);
}

void
fl_triplets_free (FlTriplets *triplets)
{
  Gathered *gathered = (Gathered *) triplets;

  if (gathered == NULL)
    return;
  g_free (gathered->user);
  g_free (gathered->item);
  g_free (gathered->rating);
  g_free (gathered);
}

/* Room for n more. */
static void
reserve (Gathered *gathered, size_t n)
{
  size_t wanted = gathered->triplets.n + n, n_max = MAX (wanted, MAX (64, 2 * gathered->n_max));
  uint32_t *user, *item;
  double *rating;

  if (wanted <= gathered->n_max || gathered->failed)
    return;
  user = g_try_realloc_n (gathered->user, n_max, sizeof *user);
  item = g_try_realloc_n (gathered->item, n_max, sizeof *item);
  rating = g_try_realloc_n (gathered->rating, n_max, sizeof *rating);
  gathered->failed = user == NULL || item == NULL || rating == NULL;
  /* Where there was no memory the old array is still there. */
  gathered->user = user != NULL ? user : gathered->user;
  gathered->item = item != NULL ? item : gathered->item;
  gathered->rating = rating != NULL ? rating : gathered->rating;
  gathered->n_max = gathered->failed ? gathered->n_max : n_max;
  gathered->triplets.user = gathered->user;
  gathered->triplets.item = gathered->item;
  gathered->triplets.rating = gathered->rating;
}

void
fl_triplets_add (FlTriplets *triplets, uint32_t user, uint32_t item, double rating)
{
  Gathered *gathered = (Gathered *) triplets;

  reserve (gathered, 1);
  if (gathered->failed)
    return;
  gathered->user[triplets->n] = user;
  gathered->item[triplets->n] = item;
  gathered->rating[triplets->n++] = rating;
}

void
fl_triplets_add_ratings (FlTriplets *triplets, const FlRatings *ratings)
{
  const FlCsr *rows = &ratings->by_user;

  reserve ((Gathered *) triplets, ratings->n);
  for (uint32_t u = 0; u < ratings->n_users; u++)
    for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
      fl_triplets_add (triplets, u, rows->col[k], fl_csr_value (rows, k));
}

FlRatings *
fl_triplets_make_ratings (const FlTriplets *triplets, uint32_t n_users, uint32_t n_items,
                          GError **error)
{
  if (((const Gathered *) triplets)->failed)
    {
      fl_fail (error, FL_ERROR_SYSTEM, "no memory for more than %" G_GSIZE_FORMAT " ratings",
               triplets->n);
      return NULL;
    }
  return fl_ratings_new (n_users, n_items, triplets->n, triplets->user, triplets->item,
                         triplets->rating, error);
}

FlRatings *
fl_triplets_make_ratings_like (const FlTriplets *triplets, const FlRatings *like, GError **error)
{
  FlRatings *ratings = fl_triplets_make_ratings (triplets, like->n_users, like->n_items, error);

  if (ratings != NULL)
    {
      ratings->rating_min = like->rating_min;
      ratings->rating_max = like->rating_max;
    }
  return ratings;
}
