/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* filter.c: which users, items and ratings of a dataset a pipeline keeps.
 *
 * Statements apply in their order, and each counts what those before it have
 * left, in all parts of data that come split.  Whom `top` or `random` chose stays
 * even without a rating; `at-least`, `core`, `where` and the statements that take
 * ratings away leave nobody who has none.
 */
#include "core/data/shaping/shaping-parts.h"

#include <string.h>

void
fl_selection_clear (FlSelection *selection)
{
  for (int side = 0; side < 2; side++)
    {
      g_clear_pointer (&selection->keep[side], g_free);
      g_clear_pointer (&selection->count[side], g_free);
    }
  g_clear_pointer (&selection->rating, g_free);
}

/* Ratings left: in all, of each user, of each item. */
static void
recount (FlSelection *selection)
{
  const FlCsr *ratings = &selection->dataset->ratings;
  const uint8_t *item = selection->keep[FL_SIDE_ITEM];
  uint32_t *by_item = selection->count[FL_SIDE_ITEM];

  selection->n = 0;
  memset (by_item, 0, ratings->n_cols * sizeof *by_item);
  for (uint32_t u = 0; u < ratings->n_rows; u++)
    {
      uint32_t n = 0;

      for (size_t k = ratings->start[u];
           selection->keep[FL_SIDE_USER][u] && k < ratings->start[u + 1]; k++)
        if (item[ratings->col[k]] && (selection->rating == NULL || selection->rating[k]))
          {
            by_item[ratings->col[k]]++;
            n++;
          }
      selection->count[FL_SIDE_USER][u] = n;
      selection->n += n;
    }
}

gboolean
fl_selection_init (FlSelection *selection, const FlDataset *dataset, GError **error)
{
  *selection = (FlSelection) { .dataset = dataset };
  for (int side = 0; side < 2; side++)
    {
      uint32_t n = fl_dataset_count (dataset, (FlSide) side);

      selection->keep[side] = fl_alloc (n, 1, error);
      selection->count[side] = selection->keep[side] != NULL
                               ? fl_alloc (n, sizeof (uint32_t), error) : NULL;
      if (selection->count[side] == NULL)
        {
          fl_selection_clear (selection);
          return FALSE;
        }
      memset (selection->keep[side], 1, n);
    }
  recount (selection);
  return TRUE;
}

static uint32_t
n_kept (const FlSelection *selection, FlSide side)
{
  uint32_t n = fl_dataset_count (selection->dataset, side), kept = 0;

  for (uint32_t e = 0; e < n; e++)
    kept += selection->keep[side][e];
  return kept;
}

/* ---- statements on users or items ---------------------------------------- */

/* N may not be more than what an earlier statement left. */
static gboolean
check_count (const FlStatement *statement, size_t left, const char *what, GError **error)
{
  return statement->n <= left
         || fl_fail (error, FL_ERROR_CONFIG, "filter = %s: there are only %zu %s",
                     statement->text, left, what);
}

static gboolean
check_entities (const FlStatement *statement, const FlSelection *selection, GError **error)
{
  return check_count (statement, n_kept (selection, statement->side),
                      fl_side_word (statement->side), error);
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

/* Ratings of each entity of a side in the whole data. */
static uint32_t *
count_all (const FlDataset *dataset, FlSide side, GError **error)
{
  const FlCsr *ratings = &dataset->ratings;
  uint32_t *count = fl_alloc (fl_dataset_count (dataset, side), sizeof *count, error);

  if (count != NULL && side == FL_SIDE_USER)
    for (uint32_t u = 0; u < ratings->n_rows; u++)
      count[u] = (uint32_t) (ratings->start[u + 1] - ratings->start[u]);
  else if (count != NULL)
    for (size_t k = 0; k < dataset->n; k++)
      count[ratings->col[k]]++;
  return count;
}

static gboolean
keep_top (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, statement->side), n_ranked = 0;
  uint8_t *keep = selection->keep[statement->side];
  const uint32_t *count = selection->count[statement->side];
  g_autofree uint32_t *all = NULL;
  g_autofree Ranked *ranked = fl_alloc (n, sizeof *ranked, error);

  (void) rng;
  if (ranked == NULL || !check_entities (statement, selection, error))
    return FALSE;
  if (statement->of_all)
    {
      all = count_all (selection->dataset, statement->side, error);
      if (all == NULL)
        return FALSE;
      count = all;
    }
  for (uint32_t e = 0; e < n; e++)
    if (keep[e])
      ranked[n_ranked++] = (Ranked) { count[e], e };
  qsort (ranked, n_ranked, sizeof *ranked, compare_ranked);
  for (uint32_t r = statement->n; r < n_ranked; r++)
    keep[ranked[r].index] = 0;
  return TRUE;
}

static gboolean
keep_random (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, statement->side);
  uint8_t *keep = selection->keep[statement->side];
  size_t wanted = statement->n, left = n_kept (selection, statement->side);

  if (!check_entities (statement, selection, error))
    return FALSE;
  for (uint32_t e = 0; e < n; e++)
    if (keep[e])
      keep[e] = fl_draw (rng, &wanted, left--) ? 1 : 0;
  return TRUE;
}

static gboolean
keep_at_least (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  uint32_t n = fl_dataset_count (selection->dataset, statement->side);

  (void) rng;
  (void) error;
  for (uint32_t e = 0; e < n; e++)
    if (selection->count[statement->side][e] < statement->n)
      selection->keep[statement->side][e] = 0;
  return TRUE;
}

/* ---- core ---------------------------------------------------------------- */

/* Those with too few ratings wait in `queue`, already marked as dropped, until
 * their ratings are taken from the counts of the other side.  Each rating is
 * looked at once from either side: time is linear in the ratings. */
typedef struct
{
  FlSelection *selection;
  const uint32_t *least;  /* by FlSide: fewest ratings that stay */
  uint32_t *queue[2];
  uint32_t n_queue[2];
  size_t *start;          /* of the raters of each item; NULL until an item goes */
  uint32_t *rater;
} Core;

static void
core_clear (Core *core)
{
  g_free (core->queue[FL_SIDE_USER]);
  g_free (core->queue[FL_SIDE_ITEM]);
  g_free (core->start);
  g_free (core->rater);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Core, core_clear)

static void
core_check (Core *core, FlSide side, uint32_t e)
{
  FlSelection *selection = core->selection;

  if (selection->keep[side][e] && selection->count[side][e] < core->least[side])
    {
      selection->keep[side][e] = 0;
      core->queue[side][core->n_queue[side]++] = e;
    }
}

/* The users, of those still in, who rate each item. */
static gboolean
core_index (Core *core, GError **error)
{
  const FlSelection *selection = core->selection;
  const FlCsr *ratings = &selection->dataset->ratings;
  size_t n = 0;

  core->start = fl_alloc ((size_t) ratings->n_cols + 2, sizeof *core->start, error);
  if (core->start == NULL)
    return FALSE;
  /* What start[i + 2] counts is the start of i + 1 once all before are placed. */
  for (uint32_t i = 0; i < ratings->n_cols; i++)
    core->start[i + 2] = n += selection->count[FL_SIDE_ITEM][i];
  core->rater = fl_alloc (n, sizeof *core->rater, error);
  if (core->rater == NULL)
    return FALSE;
  for (uint32_t u = 0; u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u];
         selection->keep[FL_SIDE_USER][u] && k < ratings->start[u + 1]; k++)
      if (selection->count[FL_SIDE_ITEM][ratings->col[k]] > 0
          && (selection->rating == NULL || selection->rating[k]))
        core->rater[core->start[ratings->col[k] + 1]++] = u;
  return TRUE;
}

static void
core_drop_user (Core *core, uint32_t u)
{
  FlSelection *selection = core->selection;
  const FlCsr *ratings = &selection->dataset->ratings;

  for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
    if (selection->count[FL_SIDE_ITEM][ratings->col[k]] > 0
        && (selection->rating == NULL || selection->rating[k]))
      {
        selection->count[FL_SIDE_ITEM][ratings->col[k]]--;
        core_check (core, FL_SIDE_ITEM, ratings->col[k]);
      }
}

static void
core_drop_item (Core *core, uint32_t i)
{
  FlSelection *selection = core->selection;

  for (size_t k = core->start[i]; k < core->start[i + 1]; k++)
    {
      uint32_t u = core->rater[k];

      if (selection->keep[FL_SIDE_USER][u])
        {
          selection->count[FL_SIDE_USER][u]--;
          core_check (core, FL_SIDE_USER, u);
        }
    }
}

static gboolean
keep_core (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  g_auto (Core) core = { .selection = selection, .least = statement->least };

  (void) rng;
  for (int side = 0; side < 2; side++)
    {
      uint32_t n = fl_dataset_count (selection->dataset, (FlSide) side);

      core.queue[side] = fl_alloc (n, sizeof (uint32_t), error);
      for (uint32_t e = 0; core.queue[side] != NULL && e < n; e++)
        core_check (&core, (FlSide) side, e);
      if (core.queue[side] == NULL)
        return FALSE;
    }
  for (;;)
    if (core.n_queue[FL_SIDE_USER] > 0)
      core_drop_user (&core, core.queue[FL_SIDE_USER][--core.n_queue[FL_SIDE_USER]]);
    else if (core.n_queue[FL_SIDE_ITEM] == 0)
      return TRUE;
    else if (core.start == NULL && !core_index (&core, error))
      return FALSE;
    else
      core_drop_item (&core, core.queue[FL_SIDE_ITEM][--core.n_queue[FL_SIDE_ITEM]]);
}

/* ---- where --------------------------------------------------------------- */

static const FlAttribute *
find_attribute (const FlDataset *dataset, const FlStatement *statement, GError **error)
{
  FlSide side = statement->side;
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;

  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    {
      if (strcmp (dataset->attributes[side][a].name, statement->attribute) == 0)
        return &dataset->attributes[side][a];
      g_ptr_array_add (known, (gpointer) dataset->attributes[side][a].name);
    }
  g_ptr_array_add (known, NULL);
  suggestion = fl_suggest (statement->attribute, (const char *const *) known->pdata);
  fl_fail (error, FL_ERROR_CONFIG, "filter = %s: the %s have no '%s'%s%s", statement->text,
           fl_side_word (side), statement->attribute, known->len > 1 ? "; " : "",
           known->len > 1 ? suggestion : "");
  return NULL;
}

/* Which values of the attribute the statement names. */
static gboolean
mark_values (const FlAttribute *attribute, const FlStatement *statement, uint8_t *named,
             GError **error)
{
  for (size_t v = 0; statement->value[v] != NULL; v++)
    {
      g_autoptr (GPtrArray) known = g_ptr_array_new ();
      g_autofree char *suggestion = NULL;
      gboolean found = FALSE;

      for (uint32_t g = 0; g < attribute->n_groups && !found; g++)
        {
          found = strcmp (attribute->label[g], statement->value[v]) == 0;
          named[g] = named[g] || found;
          g_ptr_array_add (known, (gpointer) attribute->label[g]);
        }
      if (found)
        continue;
      g_ptr_array_add (known, NULL);
      suggestion = fl_suggest (statement->value[v], (const char *const *) known->pdata);
      return fl_fail (error, FL_ERROR_CONFIG, "filter = %s: no %s '%s'; %s", statement->text,
                      attribute->name, statement->value[v], suggestion);
    }
  return TRUE;
}

/* Which values are numbers in the range. */
static gboolean
mark_range (const FlAttribute *attribute, const FlStatement *statement, uint8_t *named,
            GError **error)
{
  for (uint32_t g = 0; g < attribute->n_groups; g++)
    {
      double value = 0;

      if (!fl_parse_double (fl_span (attribute->label[g]), &value))
        return fl_fail (error, FL_ERROR_CONFIG, "filter = %s: needs numbers: %s '%s' is none",
                        statement->text, attribute->name, attribute->label[g]);
      named[g] = value >= statement->number && value <= statement->to;
    }
  return TRUE;
}

static gboolean
keep_where (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  const FlAttribute *attribute = find_attribute (selection->dataset, statement, error);
  g_autofree uint8_t *named = attribute != NULL ? fl_alloc (attribute->n_groups, 1, error) : NULL;

  (void) rng;
  if (named == NULL
      || !(statement->verb == FL_VERB_FROM_TO ? mark_range : mark_values) (attribute, statement,
                                                                           named, error))
    return FALSE;
  for (uint32_t e = 0; e < attribute->n; e++)
    {
      uint32_t n = 0;
      gboolean stays;

      for (uint32_t k = attribute->start[e]; k < attribute->start[e + 1]; k++)
        n += named[attribute->group[k]];
      stays = statement->verb == FL_VERB_NOT_IN ? n == 0
              : statement->verb == FL_VERB_ONE_OF ? n == 1 : n > 0;
      if (!stays)
        selection->keep[statement->side][e] = 0;
    }
  return TRUE;
}

/* ---- statements on ratings ----------------------------------------------- */

/* From here on ratings are chosen one by one. */
static gboolean
choose_ratings (FlSelection *selection, GError **error)
{
  if (selection->rating == NULL)
    {
      selection->rating = fl_alloc (selection->dataset->n, 1, error);
      if (selection->rating != NULL)
        memset (selection->rating, 1, selection->dataset->n);
    }
  return selection->rating != NULL;
}

static gboolean
keep_rated_at_least (const FlStatement *statement, FlSelection *selection, FlRng *rng,
                     GError **error)
{
  (void) rng;
  if (!choose_ratings (selection, error))
    return FALSE;
  for (size_t k = 0; k < selection->dataset->n; k++)
    {
      double value = selection->ones ? 1 : fl_csr_value (&selection->dataset->ratings, k);

      if (value < statement->number)
        selection->rating[k] = 0;
    }
  return TRUE;
}

static gboolean
as_one (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  (void) statement;
  (void) rng;
  (void) error;
  selection->ones = TRUE;
  return TRUE;
}

static gboolean
keep_random_ratings (const FlStatement *statement, FlSelection *selection, FlRng *rng,
                     GError **error)
{
  const FlCsr *ratings = &selection->dataset->ratings;
  size_t left = selection->n, wanted = statement->n;

  if (statement->verb == FL_VERB_SHARE)
    wanted = fl_share_of (left, statement->number);
  else if (!check_count (statement, left, "ratings", error))
    return FALSE;
  if (!choose_ratings (selection, error))
    return FALSE;
  for (uint32_t u = 0; u < ratings->n_rows; u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      if (fl_selection_has (selection, u, k))
        selection->rating[k] = fl_draw (rng, &wanted, left--) ? 1 : 0;
  return TRUE;
}

/* ---- all ----------------------------------------------------------------- */

typedef gboolean (*Apply) (const FlStatement *statement, FlSelection *selection, FlRng *rng,
                           GError **error);

static const struct
{
  Apply apply;
  gboolean drops; /* those without a rating */
} verbs[] = {
  [FL_VERB_TOP] = { keep_top, FALSE },
  [FL_VERB_RANDOM] = { keep_random, FALSE },
  [FL_VERB_AT_LEAST] = { keep_at_least, TRUE },
  [FL_VERB_CORE] = { keep_core, TRUE },
  [FL_VERB_IN] = { keep_where, TRUE },
  [FL_VERB_NOT_IN] = { keep_where, TRUE },
  [FL_VERB_ONE_OF] = { keep_where, TRUE },
  [FL_VERB_FROM_TO] = { keep_where, TRUE },
  [FL_VERB_RATED_AT_LEAST] = { keep_rated_at_least, TRUE },
  [FL_VERB_AS] = { as_one, FALSE },
  [FL_VERB_RANDOM_RATINGS] = { keep_random_ratings, TRUE },
  [FL_VERB_SHARE] = { keep_random_ratings, TRUE },
};

static gboolean
apply (const FlStatement *statement, FlSelection *selection, FlRng *rng, GError **error)
{
  if (!verbs[statement->verb].apply (statement, selection, rng, error))
    return FALSE;
  recount (selection);
  for (int side = 0; side < 2 && verbs[statement->verb].drops; side++)
    for (uint32_t e = 0; e < fl_dataset_count (selection->dataset, (FlSide) side); e++)
      if (selection->count[side][e] == 0)
        selection->keep[side][e] = 0;
  return selection->n > 0
         || fl_fail (error, FL_ERROR_CONFIG, "filter = %s: leaves no rating", statement->text);
}

void
fl_funnel_add (FlFunnel *funnel, const char *text, const FlSelection *selection)
{
  FlFunnelRow row = { .text = g_strdup (text), .n_ratings = selection->n };

  for (int side = 0; side < 2; side++)
    for (uint32_t e = 0; e < fl_dataset_count (selection->dataset, (FlSide) side); e++)
      if (selection->keep[side][e])
        {
          row.kept[side]++;
          row.rated[side] += selection->count[side][e] > 0;
        }
  funnel->row = g_renew (FlFunnelRow, funnel->row, funnel->n + 1);
  funnel->row[funnel->n++] = row;
}

void
fl_funnel_free (FlFunnel *funnel)
{
  if (funnel == NULL)
    return;
  for (size_t r = 0; r < funnel->n; r++)
    g_free (funnel->row[r].text);
  g_free (funnel->row);
  g_free (funnel);
}

FlFunnel *
fl_filter_apply (const char *filter, FlSelection *selection, uint64_t seed, GError **error)
{
  g_autoptr (GPtrArray) statements = fl_filter_parse (filter, error);
  g_autoptr (FlFunnel) funnel = g_new0 (FlFunnel, 1);

  if (statements == NULL)
    return NULL;
  fl_funnel_add (funnel, "all", selection);
  for (guint s = 0; s < statements->len; s++)
    {
      const FlStatement *statement = g_ptr_array_index (statements, s);
      FlRng rng = fl_rng (seed, "filter", s);

      if (!apply (statement, selection, &rng, error))
        return NULL;
      fl_funnel_add (funnel, statement->text, selection);
    }
  return g_steal_pointer (&funnel);
}

FlFunnel *
fl_funnel_new (const FlDataset *dataset, const char *filter, uint64_t seed, GError **error)
{
  FlSelection selection;
  FlFunnel *funnel;

  if (!fl_selection_init (&selection, dataset, error))
    return NULL;
  funnel = fl_filter_apply (filter, &selection, seed, error);
  fl_selection_clear (&selection);
  return funnel;
}
