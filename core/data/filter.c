/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* filter.c: which users and items of a dataset a pipeline keeps.
 *
 * `filter` holds statements, cut at ';' and applied as written:
 *
 *   users|items top N [of all]   those with most ratings (of all: counted in
 *                                the whole data, not in what is left of it)
 *   users|items random N         drawn by the seed
 */
#include "core/data/data-private.h"

#include <string.h>

typedef struct Verb Verb;

typedef struct
{
  const char *text; /* as written, for messages */
  FlSide side;
  const Verb *verb;
  uint32_t n;
  gboolean of_all;
  uint64_t index;   /* place among the statements */
} Statement;

/* A row for each kind of statement. */
struct Verb
{
  const char *word;
  gboolean takes_of_all;
  gboolean (*apply) (const Statement *statement, FlSelection *selection, uint64_t seed,
                     GError **error);
};

gboolean
fl_selection_init (FlSelection *selection, const FlDataset *dataset, GError **error)
{
  *selection = (FlSelection) { .dataset = dataset };
  for (int side = 0; side < 2; side++)
    {
      uint32_t n = fl_dataset_count (dataset, (FlSide) side);

      selection->keep[side] = fl_alloc (n, 1, error);
      if (selection->keep[side] == NULL)
        {
          fl_selection_clear (selection);
          return FALSE;
        }
      memset (selection->keep[side], 1, n);
    }
  return TRUE;
}

void
fl_selection_clear (FlSelection *selection)
{
  g_clear_pointer (&selection->keep[FL_SIDE_USER], g_free);
  g_clear_pointer (&selection->keep[FL_SIDE_ITEM], g_free);
}

/* ---- statements ---------------------------------------------------------- */

/* Ratings of each entity of a side: those left, or all there are. */
static size_t *
count_ratings (const FlSelection *selection, FlSide side, gboolean of_all, GError **error)
{
  const FlCsr *ratings = &selection->dataset->ratings;
  const uint8_t *user = selection->keep[FL_SIDE_USER], *item = selection->keep[FL_SIDE_ITEM];
  size_t *count = fl_alloc (fl_dataset_count (selection->dataset, side), sizeof *count, error);

  for (uint32_t u = 0; count != NULL && u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      if (of_all || (user[u] && item[ratings->col[k]]))
        count[side == FL_SIDE_USER ? u : ratings->col[k]]++;
  return count;
}

typedef struct
{
  size_t count;
  uint32_t index;
} Ranked;

static int
compare_ranked (gconstpointer a_, gconstpointer b_)
{
  const Ranked *a = a_, *b = b_;

  if (a->count != b->count)
    return a->count > b->count ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

static gboolean
keep_top (const Statement *statement, FlSelection *selection, uint64_t seed, GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, statement->side), n_ranked = 0;
  uint8_t *keep = selection->keep[statement->side];
  g_autofree size_t *count = count_ratings (selection, statement->side, statement->of_all, error);
  g_autofree Ranked *ranked = count != NULL ? fl_alloc (n, sizeof *ranked, error) : NULL;

  (void) seed;
  if (ranked == NULL)
    return FALSE;
  for (uint32_t e = 0; e < n; e++)
    if (keep[e])
      ranked[n_ranked++] = (Ranked) { count[e], e };
  qsort (ranked, n_ranked, sizeof *ranked, compare_ranked);
  for (uint32_t r = statement->n; r < n_ranked; r++)
    keep[ranked[r].index] = 0;
  return TRUE;
}

static gboolean
keep_random (const Statement *statement, FlSelection *selection, uint64_t seed, GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, statement->side);
  uint8_t *keep = selection->keep[statement->side];
  FlRng rng = fl_rng (seed, "filter", statement->index);
  size_t wanted = statement->n, left = 0;

  (void) error;
  for (uint32_t e = 0; e < n; e++)
    left += keep[e];
  for (uint32_t e = 0; e < n; e++)
    if (keep[e])
      keep[e] = fl_draw (&rng, &wanted, left--) ? 1 : 0;
  return TRUE;
}

static const Verb verbs[] = {
  { "top", TRUE, keep_top },
  { "random", FALSE, keep_random },
};

/* ---- text ---------------------------------------------------------------- */

static const char *const side_word[] = { "users", "items" };

static gboolean
fail_statement (const char *text, GError **error)
{
  return fl_fail (error, FL_ERROR_CONFIG, "filter = %s: expected 'users' or 'items', then 'top N', "
                  "'top N of all' or 'random N'", text);
}

static gboolean
parse (const char *text, Statement *statement, GError **error)
{
  g_auto (GStrv) word = g_strsplit_set (text, " \t", -1);
  const char *part[6] = { NULL };
  size_t n_parts = 0;
  int64_t n = 0;

  for (size_t i = 0; word[i] != NULL; i++)
    if (word[i][0] != '\0' && n_parts < G_N_ELEMENTS (part))
      part[n_parts++] = word[i];
  *statement = (Statement) { .text = text, .of_all = n_parts == 5 };
  for (size_t v = 0; n_parts > 1 && v < G_N_ELEMENTS (verbs); v++)
    if (strcmp (part[1], verbs[v].word) == 0)
      statement->verb = &verbs[v];
  if (statement->verb == NULL || (n_parts != 3 && n_parts != 5)
      || (n_parts == 5 && (!statement->verb->takes_of_all || strcmp (part[3], "of") != 0
                           || strcmp (part[4], "all") != 0)))
    return fail_statement (text, error);
  if (strcmp (part[0], side_word[FL_SIDE_ITEM]) == 0)
    statement->side = FL_SIDE_ITEM;
  else if (strcmp (part[0], side_word[FL_SIDE_USER]) != 0)
    return fail_statement (text, error);
  if (!fl_parse_int (fl_span (part[2]), &n) || n < 1 || n > G_MAXINT32)
    return fl_fail (error, FL_ERROR_CONFIG, "filter = %s: N must be a whole number from 1 to %d",
                    text, G_MAXINT32);
  statement->n = (uint32_t) n;
  return TRUE;
}

/* N may not be more than what an earlier statement left. */
static gboolean
check_count (const Statement *statement, const FlSelection *selection, GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, statement->side), left = 0;

  for (uint32_t e = 0; e < n; e++)
    left += selection->keep[statement->side][e];
  return statement->n <= left
         || fl_fail (error, FL_ERROR_CONFIG, "filter = %s: there are only %u %s", statement->text,
                     left, side_word[statement->side]);
}

/* Parses all, and applies what is parsed unless selection is NULL. */
static gboolean
run (const char *filter, FlSelection *selection, uint64_t seed, GError **error)
{
  g_auto (GStrv) text = g_strsplit (filter, ";", -1);
  uint64_t index = 0;

  for (size_t i = 0; text[i] != NULL; i++)
    {
      Statement statement;

      g_strstrip (text[i]);
      if (text[i][0] == '\0')
        continue;
      if (!parse (text[i], &statement, error))
        return FALSE;
      statement.index = index++;
      if (selection != NULL
          && (!check_count (&statement, selection, error)
              || !statement.verb->apply (&statement, selection, seed, error)))
        return FALSE;
    }
  return TRUE;
}

gboolean
fl_filter_apply (const char *filter, FlSelection *selection, uint64_t seed, GError **error)
{
  return filter == NULL || run (filter, selection, seed, error);
}

gboolean
fl_filter_check (const char *filter, GError **error)
{
  return filter == NULL || run (filter, NULL, 0, error);
}
