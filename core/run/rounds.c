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

/* Adds what was consumed to `known`: users ascending. */
static gboolean
gather_consumed (const FlLoop *loop, const FlRound *round, FlTriplets *known, GError **error)
{
  const FlLists *lists = round->lists;

  for (uint32_t u = 0; u < lists->n_users; u++)
    for (size_t l = 0; l < lists->k; l++)
      if (round->consumed[u * lists->k + l])
        {
          if (!check_place (loop, round, u, l, error))
            return FALSE;
          fl_triplets_add (known, u, lists->item[u * lists->k + l],
                           round->rating[u * lists->k + l]);
        }
  return TRUE;
}

static gboolean
train_on (FlLoop *loop, const FlTriplets *known, GError **error)
{
  FlSplit *split = loop->split;
  FlRatings *train = fl_triplets_make_ratings_like (known, split->train, error);

  if (train == NULL)
    return FALSE;
  fl_ratings_free (split->train);
  split->train = train;
  split->data.train = train;
  return TRUE;
}

/* The ratings of `old` that were not consumed: consumed are those of `known` from n_before
 * on. */
static FlRatings *
leave_out_consumed (const FlRatings *old, const FlTriplets *known, size_t n_before, GError **error)
{
  g_autoptr (FlTriplets) rest = fl_triplets_new ();
  g_autofree uint8_t *taken = fl_alloc (old->n_items, 1, error);

  if (taken == NULL)
    return NULL;
  for (size_t u = 0, from = n_before, to; u < old->n_users; u++, from = to)
    {
      for (to = from; to < known->n && known->user[to] == u; to++)
        taken[known->item[to]] = 1;
      for (size_t k = old->by_user.start[u]; k < old->by_user.start[u + 1]; k++)
        if (!taken[old->by_user.col[k]])
          fl_triplets_add (rest, (uint32_t) u, old->by_user.col[k],
                           fl_csr_value (&old->by_user, k));
      for (size_t k = from; k < to; k++)
        taken[known->item[k]] = 0;
    }
  return fl_triplets_make_ratings_like (rest, old, error);
}

/* What is consumed can be held out no more. */
static gboolean
shrink_held_out (FlLoop *loop, FlPart part, const FlTriplets *known, size_t n_before,
                 GError **error)
{
  FlRatings **ratings = part_of (loop->split, part), *old = *ratings, *left;

  if (old == NULL)
    return TRUE;
  left = leave_out_consumed (old, known, n_before, error);
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
  g_autoptr (FlTriplets) known = fl_triplets_new ();
  size_t n_before = loop->split->train->n;
  FlData data = loop->split->data;
  const FlRound what = FL_ROUND (.round = round, .seed = seed, .data = &data,
                                 .hidden = loop->hidden, .lists = lists, .consumed = consumed,
                                 .rating = rating, .gone = loop->gone);

  data.validation = NULL;
  fl_triplets_add_ratings (known, loop->split->train);
  return rating != NULL && fl_response_run (loop->keys->response, &what, outcome, error)
         && gather_consumed (loop, &what, known, error) && train_on (loop, known, error)
         && shrink_held_out (loop, FL_PART_VALIDATION, known, n_before, error)
         && shrink_held_out (loop, FL_PART_TEST, known, n_before, error);
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
