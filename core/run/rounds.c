/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rounds.c: what passes from one round of a closed loop to the next.
 *
 *   split -> train -> evaluate -> lists -> response -> split with what was consumed
 *
 * A response can only mark places of lists, which hold nothing known before: whatever
 * is consumed was recommended, and is new.
 */
#include "core/run/run-room.h"

#include <math.h>
#include <string.h>

struct FlLoop
{
  const FlRoundsKeys *keys;
  FlSplit *split;
  FlRatings *hidden;    /* as they were before the first round */
  uint8_t *gone;        /* n_items                             */
  GPtrArray *courses;   /* FlEach                              */
  GHashTable *by_name;  /* metric -> FlEach                    */
};

static FlRatings **
part_of (FlSplit *split, FlPart part)
{
  return part == FL_PART_VALIDATION ? &split->validation : &split->test;
}

FlLoop *
fl_loop_new (const FlRoundsKeys *keys, FlSplit *split, GError **error)
{
  g_autoptr (FlLoop) loop = g_new0 (FlLoop, 1);

  loop->keys = keys;
  loop->split = split;
  loop->hidden = *part_of (split, fl_rounds_hidden (keys));
  loop->courses = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_each_free);
  loop->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (loop->hidden == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "[rounds] hidden = %s: the split has no such part",
               keys->hidden == 0 ? "validation" : "test");
      return NULL;
    }
  loop->gone = fl_alloc (split->train->n_items, 1, error);
  if (loop->gone == NULL)
    return NULL;
  split->data.gone = loop->gone;
  return g_steal_pointer (&loop);
}

/* Ratings that the split had at first and has no more. */
static gboolean
is_the_loops (const FlLoop *loop)
{
  return loop->hidden != NULL && *part_of (loop->split, fl_rounds_hidden (loop->keys)) != loop->hidden;
}

void
fl_loop_free (FlLoop *loop)
{
  if (loop == NULL)
    return;
  if (is_the_loops (loop))
    fl_ratings_free (loop->hidden);
  loop->split->data.gone = NULL;
  g_free (loop->gone);
  g_ptr_array_unref (loop->courses);
  g_hash_table_unref (loop->by_name);
  g_free (loop);
}

uint64_t
fl_loop_seed (uint64_t seed, uint32_t round)
{
  FlRng rng = fl_rng (seed, "round", round);

  return round > 0 ? fl_rng_u64 (&rng) : seed;
}

/* ---- what was consumed -------------------------------------------------- */

typedef struct
{
  size_t n;
  uint32_t *user, *item;
  double *rating;
} Triplets;

static void
triplets_clear (Triplets *triplets)
{
  g_free (triplets->user);
  g_free (triplets->item);
  g_free (triplets->rating);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Triplets, triplets_clear)

static gboolean
triplets_init (Triplets *triplets, size_t n_max, GError **error)
{
  *triplets = (Triplets) { .user = fl_alloc (n_max, sizeof (uint32_t), error) };
  triplets->item = triplets->user != NULL ? fl_alloc (n_max, sizeof (uint32_t), error) : NULL;
  triplets->rating = triplets->item != NULL ? fl_alloc (n_max, sizeof (double), error) : NULL;
  return triplets->rating != NULL;
}

static void
triplets_add (Triplets *triplets, uint32_t u, uint32_t i, double rating)
{
  triplets->user[triplets->n] = u;
  triplets->item[triplets->n] = i;
  triplets->rating[triplets->n++] = rating;
}

/* Ratings of the same users, items and scale. */
static FlRatings *
ratings_like (const FlRatings *old, const Triplets *triplets, GError **error)
{
  FlRatings *ratings = fl_ratings_new (old->n_users, old->n_items, triplets->n, triplets->user,
                                       triplets->item, triplets->rating, error);

  if (ratings != NULL)
    {
      ratings->rating_min = old->rating_min;
      ratings->rating_max = old->rating_max;
    }
  return ratings;
}

/* One that the response may have written. */
static gboolean
check_place (const FlLoop *loop, const FlRound *round, uint32_t u, size_t l, GError **error)
{
  const FlRatings *train = loop->split->train;
  double rating = round->rating[u * round->lists->k + l];

  if (l >= round->lists->length[u])
    return fl_fail (error, FL_ERROR_PLUGIN, "user %u consumes place %zu of a list of %u", u, l,
                    round->lists->length[u]);
  return (rating >= train->rating_min && rating <= train->rating_max)
         || fl_fail (error, FL_ERROR_PLUGIN, "user %u rates item %u with %g; must be from %g to %g",
                     u, round->lists->item[u * round->lists->k + l], rating, train->rating_min,
                     train->rating_max);
}

static gboolean
gather_consumed (const FlLoop *loop, const FlRound *round, Triplets *consumed, GError **error)
{
  const FlLists *lists = round->lists;

  if (!triplets_init (consumed, lists->n_users * lists->k, error))
    return FALSE;
  for (uint32_t u = 0; u < lists->n_users; u++)
    for (size_t l = 0; l < lists->k; l++)
      if (round->consumed[u * lists->k + l])
        {
          if (!check_place (loop, round, u, l, error))
            return FALSE;
          triplets_add (consumed, u, lists->item[u * lists->k + l],
                        round->rating[u * lists->k + l]);
        }
  return TRUE;
}

static gboolean
known_now (FlLoop *loop, const Triplets *consumed, GError **error)
{
  FlSplit *split = loop->split;
  const FlRatings *old = split->train;
  g_auto (Triplets) all = { .n = 0 };
  FlRatings *train;

  if (!triplets_init (&all, old->n + consumed->n, error))
    return FALSE;
  for (uint32_t u = 0; u < old->n_users; u++)
    for (size_t k = old->by_user.start[u]; k < old->by_user.start[u + 1]; k++)
      triplets_add (&all, u, old->by_user.col[k], fl_csr_value (&old->by_user, k));
  for (size_t k = 0; k < consumed->n; k++)
    triplets_add (&all, consumed->user[k], consumed->item[k], consumed->rating[k]);
  train = ratings_like (old, &all, error);
  if (train == NULL)
    return FALSE;
  fl_ratings_free (split->train);
  split->train = train;
  split->data.train = train;
  return TRUE;
}

/* What is consumed can be held out no more.  consumed: users ascending. */
static gboolean
held_out_no_more (FlLoop *loop, FlPart part, const Triplets *consumed, GError **error)
{
  FlRatings **ratings = part_of (loop->split, part), *old = *ratings, *left;
  g_autofree uint8_t *taken = NULL;
  g_auto (Triplets) rest = { .n = 0 };

  if (old == NULL)
    return TRUE;
  taken = fl_alloc (old->n_items, 1, error);
  if (taken == NULL || !triplets_init (&rest, old->n, error))
    return FALSE;
  for (size_t u = 0, from = 0, to; u < old->n_users; u++, from = to)
    {
      for (to = from; to < consumed->n && consumed->user[to] == u; to++)
        taken[consumed->item[to]] = 1;
      for (size_t k = old->by_user.start[u]; k < old->by_user.start[u + 1]; k++)
        if (!taken[old->by_user.col[k]])
          triplets_add (&rest, (uint32_t) u, old->by_user.col[k],
                        fl_csr_value (&old->by_user, k));
      for (size_t k = from; k < to; k++)
        taken[consumed->item[k]] = 0;
    }
  left = ratings_like (old, &rest, error);
  if (left == NULL)
    return FALSE;
  if (old != loop->hidden)
    fl_ratings_free (old);
  *ratings = left;
  if (part == FL_PART_VALIDATION)
    loop->split->data.validation = left;
  return TRUE;
}

gboolean
fl_loop_respond (FlLoop *loop, const FlLists *lists, uint32_t round, uint64_t seed,
                 FlOutcome *outcome, GError **error)
{
  size_t n_places = lists->n_users * lists->k;
  g_autofree uint8_t *consumed = fl_alloc (n_places, 1, error);
  g_autofree double *rating = consumed != NULL ? fl_alloc (n_places, sizeof *rating, error) : NULL;
  g_auto (Triplets) triplets = { .n = 0 };
  FlData data = loop->split->data;
  const FlRound what = { .round = round, .seed = seed, .data = &data, .hidden = loop->hidden,
                         .lists = lists, .consumed = consumed, .rating = rating,
                         .gone = loop->gone };

  data.validation = NULL;
  return rating != NULL && fl_response_run (loop->keys->response, &what, outcome, error)
         && gather_consumed (loop, &what, &triplets, error) && known_now (loop, &triplets, error)
         && held_out_no_more (loop, FL_PART_VALIDATION, &triplets, error)
         && held_out_no_more (loop, FL_PART_TEST, &triplets, error);
}

/* ---- courses ------------------------------------------------------------ */

static FlEach *
course_of (FlLoop *loop, const FlMetric *metric)
{
  g_autofree char *name
      = g_strdup_printf ("%s\n%d\n%s\n%s", metric->name, metric->k,
                         metric->group != NULL ? metric->group : "",
                         metric->part != NULL ? metric->part : "");
  FlEach *course = g_hash_table_lookup (loop->by_name, name);

  if (course != NULL)
    return course;
  course = g_new (FlEach, 1);
  *course = (FlEach) { .name = g_strdup (metric->name), .k = metric->k,
                       .group = g_strdup (metric->group), .part = g_strdup (metric->part),
                       .index = FL_INDEX_STEP, .n = (size_t) loop->keys->n,
                       .value = g_new (double, loop->keys->n) };
  for (size_t r = 0; r < course->n; r++)
    course->value[r] = NAN;
  g_ptr_array_add (loop->courses, course);
  g_hash_table_insert (loop->by_name, g_steal_pointer (&name), course);
  return course;
}

void
fl_loop_record (FlLoop *loop, const FlOutcome *outcome, uint32_t round)
{
  for (guint i = 0; i < outcome->metrics->len; i++)
    {
      const FlMetric *metric = g_ptr_array_index (outcome->metrics, i);

      course_of (loop, metric)->value[round] = metric->value;
    }
}

void
fl_loop_finish (FlLoop *loop, FlOutcome *outcome)
{
  g_ptr_array_extend_and_steal (outcome->each, g_steal_pointer (&loop->courses));
  loop->courses = g_ptr_array_new ();
  g_hash_table_remove_all (loop->by_name);
}
