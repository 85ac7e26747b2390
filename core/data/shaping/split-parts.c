/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* split-parts.c: which ratings train, validate and test.
 *
 * A byte a rating says it.  Ratings are drawn in place, one after the other,
 * from counts of what is still wanted: no permutation is ever stored.  Draws of
 * one user come from a stream of their own and do not depend on who else is
 * there.
 */
#include "core/data/shaping/shaping-parts.h"

#include <string.h>

/* A training rating that may not be drawn for another part. */
#define PINNED 254

typedef struct
{
  const FlDataset *dataset;
  const FlSplitKeys *keys;
  uint64_t seed;      /* of the cell                      */
  uint64_t fold_seed; /* of the cell that tests fold 0    */
  uint32_t fold;      /* which is tested                  */
  size_t n;           /* ratings left                     */
  uint8_t *part;
} Splitter;

static gboolean
fail_untrained (const Splitter *s, GError **error)
{
  return fl_fail (error, FL_ERROR_DATA, "of %zu ratings none is left to train on", s->n);
}

static size_t
count_part (const uint8_t *part, size_t from, size_t to, uint8_t wanted)
{
  size_t n = 0;

  for (size_t k = from; k < to; k++)
    n += part[k] == wanted;
  return n;
}

/* Moves `wanted` of the `left` training ratings from `from` to `to`. */
static void
draw (FlRng *rng, uint8_t *part, size_t from, size_t to, size_t left, size_t wanted, uint8_t mark)
{
  for (size_t k = from; k < to && wanted > 0; k++)
    if (part[k] == FL_PART_TRAIN && fl_draw (rng, &wanted, left--))
      part[k] = mark;
}

/* ---- random -------------------------------------------------------------- */

/* One rating of a user for each part, as far as they go: training first, then
 * test. */
static void
pin (const Splitter *s, uint32_t u)
{
  static const uint8_t marks[] = { PINNED, FL_PART_TEST, FL_PART_VALIDATION };
  const gboolean wanted[] = { TRUE, s->keys->test > 0, s->keys->validation > 0 };
  const size_t *start = s->dataset->ratings.start;
  FlRng rng = fl_rng (s->seed, "split every user", u);
  size_t left = count_part (s->part, start[u], start[u + 1], FL_PART_TRAIN);

  for (size_t m = 0; m < G_N_ELEMENTS (marks); m++)
    if (wanted[m] && left > 0)
      draw (&rng, s->part, start[u], start[u + 1], left--, 1, marks[m]);
}

static void
unpin (const Splitter *s)
{
  for (size_t k = 0; k < s->dataset->n; k++)
    if (s->part[k] == PINNED)
      s->part[k] = FL_PART_TRAIN;
}

/* Draws test and validation from `from` to `to` until they hold that many, as far as
 * there are ratings that no part has yet. */
static void
draw_parts (const Splitter *s, FlRng *rng, size_t from, size_t to, size_t n_test,
            size_t n_validation)
{
  size_t left = count_part (s->part, from, to, FL_PART_TRAIN), has_test = 0, has_validation = 0;

  if (s->keys->every_user)
    {
      has_test = count_part (s->part, from, to, FL_PART_TEST);
      has_validation = count_part (s->part, from, to, FL_PART_VALIDATION);
    }
  n_test = MIN (n_test - MIN (n_test, has_test), left);
  draw (rng, s->part, from, to, left, n_test, FL_PART_TEST);
  left -= n_test;
  n_validation = MIN (n_validation - MIN (n_validation, has_validation), left);
  draw (rng, s->part, from, to, left, n_validation, FL_PART_VALIDATION);
}

static gboolean
split_random (const Splitter *s, GError **error)
{
  FlRng rng = fl_rng (s->seed, "split", 0);

  (void) error;
  for (uint32_t u = 0; s->keys->every_user && u < s->dataset->n_users; u++)
    pin (s, u);
  draw_parts (s, &rng, 0, s->dataset->n, fl_share_of (s->n, s->keys->test),
              fl_share_of (s->n, s->keys->validation));
  unpin (s);
  return TRUE;
}

/* How many of a user's n ratings are held out; one stays for training. */
static void
share_user (const Splitter *s, size_t n, size_t *n_test, size_t *n_validation)
{
  *n_test = MIN (fl_share_of (n, s->keys->test), n - (n > 0));
  *n_validation = MIN (fl_share_of (n, s->keys->validation), n - (n > 0) - *n_test);
}

static gboolean
split_per_user (const Splitter *s, GError **error)
{
  const size_t *start = s->dataset->ratings.start;

  (void) error;
  for (uint32_t u = 0; u < s->dataset->n_users; u++)
    {
      FlRng rng = fl_rng (s->seed, "split per user", u);
      size_t n_test, n_validation;

      share_user (s, count_part (s->part, start[u], start[u + 1], FL_PART_TRAIN), &n_test,
                  &n_validation);
      if (s->keys->every_user)
        pin (s, u);
      draw_parts (s, &rng, start[u], start[u + 1], n_test, n_validation);
    }
  unpin (s);
  return TRUE;
}

/* ---- folds --------------------------------------------------------------- */

/* Deals the `left` ratings from `from` to `to` into folds whose sizes differ by one
 * at most, every way equally likely, and marks the fold that is tested.  `room` has a
 * place for each fold. */
static void
deal (const Splitter *s, FlRng *rng, size_t from, size_t to, size_t left, size_t *room)
{
  uint32_t folds = (uint32_t) s->keys->folds, larger = fl_rng_below (rng, folds);

  for (uint32_t f = 0; f < folds; f++)
    room[(larger + f) % folds] = left / folds + (f < left % folds);
  for (size_t k = from; k < to; k++)
    if (s->part[k] == FL_PART_TRAIN)
      {
        size_t at = fl_rng_below (rng, (uint32_t) left--);
        uint32_t f = 0;

        while (at >= room[f])
          at -= room[f++];
        room[f]--;
        if (f == s->fold)
          s->part[k] = FL_PART_TEST;
      }
}

static gboolean
split_k_fold (const Splitter *s, GError **error)
{
  FlRng rng = fl_rng (s->fold_seed, "folds", 0), rest = fl_rng (s->seed, "folds rest", 0);
  g_autofree size_t *room = g_new (size_t, (size_t) s->keys->folds);
  size_t n_validation = fl_share_of (s->n, s->keys->validation), left;

  if (s->n < (size_t) s->keys->folds)
    return fl_fail (error, FL_ERROR_CONFIG, "folds = %" G_GINT64_FORMAT ": there are only %zu "
                    "ratings", s->keys->folds, s->n);
  deal (s, &rng, 0, s->dataset->n, s->n, room);
  left = count_part (s->part, 0, s->dataset->n, FL_PART_TRAIN);
  draw (&rest, s->part, 0, s->dataset->n, left, MIN (n_validation, left), FL_PART_VALIDATION);
  return TRUE;
}

/* A user with fewer ratings than folds is not tested in every fold. */
static gboolean
split_per_user_k_fold (const Splitter *s, GError **error)
{
  const size_t *start = s->dataset->ratings.start;
  g_autofree size_t *room = g_new (size_t, (size_t) s->keys->folds);

  (void) error;
  for (uint32_t u = 0; u < s->dataset->n_users; u++)
    {
      FlRng rng = fl_rng (s->fold_seed, "folds per user", u);
      FlRng rest = fl_rng (s->seed, "folds per user rest", u);
      size_t n = count_part (s->part, start[u], start[u + 1], FL_PART_TRAIN), left;
      size_t n_validation = fl_share_of (n, s->keys->validation);

      deal (s, &rng, start[u], start[u + 1], n, room);
      left = count_part (s->part, start[u], start[u + 1], FL_PART_TRAIN);
      draw (&rest, s->part, start[u], start[u + 1], left, MIN (n_validation, left - (left > 0)),
            FL_PART_VALIDATION);
    }
  return TRUE;
}

/* ---- time ---------------------------------------------------------------- */

/* The first and last time of the ratings left, each of which must have one. */
static gboolean
check_times (const Splitter *s, int64_t *first, int64_t *last, GError **error)
{
  size_t n = 0;
  int64_t earliest = G_MAXINT64, latest = G_MININT64;

  if (s->dataset->time == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "method needs times: the data have none");
#pragma omp parallel for reduction (+ : n) reduction (min : earliest) reduction (max : latest) \
  if (s->dataset->n >= FL_THREADS_MIN)
  for (size_t k = 0; k < s->dataset->n; k++)
    if (s->part[k] != FL_DROPPED)
      {
        n += s->dataset->time[k] == FL_NO_TIME;
        earliest = MIN (earliest, s->dataset->time[k]);
        latest = MAX (latest, s->dataset->time[k]);
      }
  *first = earliest;
  *last = latest;
  return n == 0
         || fl_fail (error, FL_ERROR_DATA, "method needs times: %zu of %zu ratings have none", n,
                     s->n);
}

#define DIGIT_BITS 16
#define N_DIGITS ((size_t) 1 << DIGIT_BITS)

/* How much later than the first the time of rank `rank` is (from 0, earliest first),
 * found digit by digit: so no array of times is sorted, nor made. */
static gboolean
time_of_rank (const Splitter *s, int64_t first, int64_t last, size_t rank, uint64_t *since,
              GError **error)
{
  g_autofree uint32_t *count = fl_alloc (N_DIGITS, sizeof *count, error);
  uint64_t range = (uint64_t) last - (uint64_t) first;
  int shift = 0;

  while (shift + DIGIT_BITS < 64 && range >> (shift + DIGIT_BITS) != 0)
    shift += DIGIT_BITS;
  *since = 0;
  for (; count != NULL && shift >= 0; shift -= DIGIT_BITS)
    {
      size_t digit = 0;

      memset (count, 0, N_DIGITS * sizeof *count);
      for (size_t k = 0; k < s->dataset->n; k++)
        if (s->part[k] != FL_DROPPED)
          {
            uint64_t t = (uint64_t) s->dataset->time[k] - (uint64_t) first;

            /* The same digits so far; no time has others above the first. */
            if ((t ^ *since) >> shift >> (DIGIT_BITS - 1) >> 1 == 0)
              count[t >> shift & (N_DIGITS - 1)]++;
          }
      while (rank >= count[digit])
        rank -= count[digit++];
      *since |= (uint64_t) digit << shift;
    }
  return count != NULL;
}

static gboolean
check_cut (const Splitter *s, FlPart part, size_t wanted, GError **error)
{
  return wanted == 0 || memchr (s->part, (int) part, s->dataset->n) != NULL
         || fl_fail (error, FL_ERROR_DATA, "no time can be found that cuts off the %s part: too "
                     "many of %zu ratings have the same", part == FL_PART_TEST ? "test"
                     : "validation", s->n);
}

/* Ratings of one moment are all on the earlier side of a cut, so that a part
 * holds its share or less. */
static gboolean
split_time (const Splitter *s, GError **error)
{
  size_t n_test = fl_share_of (s->n, s->keys->test);
  size_t n_validation = fl_share_of (s->n, s->keys->validation);
  int64_t first, last;
  uint64_t train_end, validation_end;

  if (n_test + n_validation >= s->n)
    return fail_untrained (s, error);
  if (!check_times (s, &first, &last, error)
      || !time_of_rank (s, first, last, s->n - n_test - n_validation - 1, &train_end, error))
    return FALSE;
  validation_end = train_end;
  if (n_validation > 0
      && !time_of_rank (s, first, last, s->n - n_test - 1, &validation_end, error))
    return FALSE;
#pragma omp parallel for if (s->dataset->n >= FL_THREADS_MIN)
  for (size_t k = 0; k < s->dataset->n; k++)
    if (s->part[k] != FL_DROPPED)
      {
        uint64_t since = (uint64_t) s->dataset->time[k] - (uint64_t) first;

        s->part[k] = since > validation_end ? FL_PART_TEST
                     : since > train_end ? FL_PART_VALIDATION : FL_PART_TRAIN;
      }
  return check_cut (s, FL_PART_TEST, n_test, error)
         && check_cut (s, FL_PART_VALIDATION, n_validation, error);
}

/* `tie` orders ratings of one moment: drawn, so that no item is always the last. */
typedef struct
{
  int64_t time;
  uint64_t tie;
  size_t k;
} Timed;

static int
compare_timed (gconstpointer a_, gconstpointer b_)
{
  const Timed *a = a_, *b = b_;

  if (a->time != b->time)
    return a->time < b->time ? -1 : 1;
  if (a->tie != b->tie)
    return a->tie < b->tie ? -1 : 1;
  return (a->k > b->k) - (a->k < b->k);
}

/* The last of each user's ratings, where those of one moment are in an order that the seed
 * draws. */
static gboolean
split_by_user_time (const Splitter *s, GError **error)
{
  const size_t *start = s->dataset->ratings.start;
  g_autoptr (GArray) timed = g_array_new (FALSE, FALSE, sizeof (Timed));
  int64_t first, last;

  if (!check_times (s, &first, &last, error))
    return FALSE;
  for (uint32_t u = 0; u < s->dataset->n_users; u++)
    {
      size_t n, n_test, n_validation;

      g_array_set_size (timed, 0);
      for (size_t k = start[u]; k < start[u + 1]; k++)
        if (s->part[k] == FL_PART_TRAIN)
          {
            FlRng rng = fl_rng (s->seed, "split of one moment", k);
            Timed one = { s->dataset->time[k], fl_rng_u64 (&rng), k };

            g_array_append_val (timed, one);
          }
      g_array_sort (timed, compare_timed);
      n = timed->len;
      if (s->keys->method == FL_SPLIT_PER_USER_TIME)
        share_user (s, n, &n_test, &n_validation);
      else
        {
          n_test = MIN ((size_t) s->keys->last, n - (n > 0));
          n_validation = MIN ((size_t) s->keys->validation_last, n - (n > 0) - n_test);
        }
      for (size_t r = n - n_test - n_validation; r < n; r++)
        s->part[g_array_index (timed, Timed, r).k]
            = r < n - n_test ? FL_PART_VALIDATION : FL_PART_TEST;
    }
  return TRUE;
}

/* ---- given --------------------------------------------------------------- */

static gboolean
split_given (const Splitter *s, GError **error)
{
  const FlDataset *dataset = s->dataset;
  FlRng rng = fl_rng (s->seed, "split", 0);
  size_t n_train;

  if (dataset->part == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "method = given: the data come without a split; use "
                    "random or another");
  for (size_t k = 0; k < dataset->n; k++)
    if (s->part[k] != FL_DROPPED)
      s->part[k] = dataset->part[k];
  if (s->keys->validation > 0
      && memchr (dataset->part, FL_PART_VALIDATION, dataset->n) != NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "validation = %g: the data come with a validation "
                    "part", s->keys->validation);
  n_train = count_part (s->part, 0, dataset->n, FL_PART_TRAIN);
  draw (&rng, s->part, 0, dataset->n, n_train, fl_share_of (n_train, s->keys->validation),
        FL_PART_VALIDATION);
  return TRUE;
}

/* ---- all ----------------------------------------------------------------- */

/* All that are left train, for a start. */
static uint8_t *
parts_left (FlSelection *selection, GError **error)
{
  const FlCsr *ratings = &selection->dataset->ratings;
  uint8_t *part = selection->rating != NULL ? selection->rating
                                            : fl_alloc (selection->dataset->n, 1, error);

  for (uint32_t u = 0; part != NULL && u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      part[k] = fl_selection_has (selection, u, k) ? FL_PART_TRAIN : FL_DROPPED;
  selection->rating = NULL;
  return part;
}

static gboolean
check_given (const Splitter *s, GError **error)
{
  return s->dataset->part == NULL || s->keys->method == FL_SPLIT_GIVEN
         || fl_fail (error, FL_ERROR_CONFIG, "the data come split: only method = given goes with "
                     "them");
}

uint8_t *
fl_parts_new (FlSelection *selection, const FlSplitKeys *keys, FlRepeat repeat, GError **error)
{
  static gboolean (*const method[]) (const Splitter *s, GError **error) = {
    [FL_SPLIT_RANDOM] = split_random,
    [FL_SPLIT_PER_USER] = split_per_user,
    [FL_SPLIT_K_FOLD] = split_k_fold,
    [FL_SPLIT_PER_USER_K_FOLD] = split_per_user_k_fold,
    [FL_SPLIT_TIME] = split_time,
    [FL_SPLIT_PER_USER_TIME] = split_by_user_time,
    [FL_SPLIT_LEAVE_LAST] = split_by_user_time,
    [FL_SPLIT_GIVEN] = split_given,
  };
  g_autofree uint8_t *part = parts_left (selection, error);
  Splitter s = { .dataset = selection->dataset, .keys = keys, .seed = repeat.seed,
                 .fold_seed = fl_fold_seed (keys, repeat), .n = selection->n, .part = part };

  s.fold = (uint32_t) (s.seed - s.fold_seed);
  if (part == NULL || !check_given (&s, error) || !method[keys->method] (&s, error))
    return NULL;
  fl_parts_judge (keys, repeat.seed, selection->dataset->n, part);
  if (memchr (part, FL_PART_TRAIN, selection->dataset->n) == NULL)
    {
      fail_untrained (&s, error);
      return NULL;
    }
  return g_steal_pointer (&part);
}
