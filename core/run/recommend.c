/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* recommend.c: the lists of a cell: its model's, or what its re-ranker makes of them. */
#include "core/run/execution.h"

static FlInstance *
find_reranker (const FlExecution *x)
{
  for (guint i = 0; i < x->mitigators->len; i++)
    {
      FlInstance *mitigator = g_ptr_array_index (x->mitigators, i);

      if (fl_mitigator_stages (mitigator)->rerank != NULL)
        return mitigator;
    }
  return NULL;
}

static gboolean
rerank (FlExecution *x, FlInstance *reranker, FlPart part, size_t k, FlRanked *ranked,
        GError **error)
{
  FlTrained *trained = x->trained;
  FlData data = fl_execution_data (x, reranker);
  FlStage stage = FL_STAGE (.data = &data, .model = trained->model, .run = x->run);
  const FlView *view = fl_trained_blank_view (trained, part, error);
  const uint32_t *arrival = view != NULL ? fl_trained_arrival (trained, error) : NULL;
  size_t n = view != NULL ? fl_mitigator_candidates (reranker, k, view->n_items) : 0;
  g_auto (FlRanked) own = { .lists = NULL };
  const FlRanked *candidates = NULL;

  return arrival != NULL
         && fl_trained_best (trained, part, n, TRUE, &own, &candidates, error)
         && fl_rerank (reranker, &stage, view, candidates, arrival, k, ranked, error);
}

/* Of an arm that others compare with, lists stay with what it is trained to. */
static const FlLists *
rerank_base (FlExecution *x, FlInstance *reranker, FlPart part, size_t k, GError **error)
{
  g_autofree char *canonical = fl_cell_canonical (x->cell);
  g_autofree char *key = g_strdup_printf ("%s\n%s %zu", canonical, fl_part_word[part], k);
  FlRanked *ranked = g_hash_table_lookup (x->trained->reranked, key);

  if (ranked != NULL)
    return ranked->lists;
  ranked = g_new0 (FlRanked, 1);
  if (rerank (x, reranker, part, k, ranked, error))
    {
      g_hash_table_insert (x->trained->reranked, g_steal_pointer (&key), ranked);
      return ranked->lists;
    }
  fl_ranked_free (ranked);
  return NULL;
}

static const FlLists *
find_listed (const FlExecution *x, FlPart part, size_t k)
{
  for (guint i = 0; i < x->listed->len; i++)
    {
      const FlListed *listed = g_ptr_array_index (x->listed, i);

      if (listed->part == part && listed->k == k)
        return listed->ranked.lists;
    }
  return NULL;
}

/* How much of the lists a draw has decided. */
static void
note_ties (const FlExecution *x, FlPart part, size_t k, const FlRanked *ranked)
{
  double share = fl_ranked_tied (ranked);
  g_autofree char *key = NULL, *text = NULL;

  if (share == 0.0)
    return;
  key = part == FL_PART_TEST ? g_strdup ("ties")
                             : g_strdup_printf ("ties (%s)", fl_part_word[part]);
  text = g_strdup_printf ("%.3g of the places in lists of %zu have a score that others have too, "
                          "in an order drawn from the seed", share, k);
  fl_run_note_text (x->run, key, text);
}

/* Lists that the cell keeps until it ends. */
static const FlLists *
keep_listed (FlExecution *x, FlPart part, size_t k, FlRanked ranked)
{
  FlListed *listed = g_new (FlListed, 1);

  *listed = (FlListed) { .part = part, .k = k, .ranked = ranked };
  note_ties (x, part, k, &ranked);
  g_ptr_array_add (x->listed, listed);
  return ranked.lists;
}

/* The model's own lists, in memory of the cell's. */
static gboolean
copy_best (FlExecution *x, FlPart part, size_t k, FlRanked *ranked, GError **error)
{
  const FlRanked *best = NULL;

  return fl_trained_best (x->trained, part, k, FALSE, ranked, &best, error)
         && (best == ranked || fl_ranked_cut (best, k, ranked, error));
}

const FlLists *
fl_execution_lists (FlExecution *x, FlPart part, size_t k, size_t longest, GError **error)
{
  FlInstance *reranker = find_reranker (x);
  const FlLists *lists = find_listed (x, part, reranker != NULL ? k : longest);
  FlRanked ranked;

  if (lists != NULL)
    return lists;
  if (reranker == NULL)
    return copy_best (x, part, longest, &ranked, error) ? keep_listed (x, part, longest, ranked)
                                                        : NULL;
  if (x->is_base)
    return rerank_base (x, reranker, part, k, error);
  return rerank (x, reranker, part, k, &ranked, error) ? keep_listed (x, part, k, ranked) : NULL;
}
