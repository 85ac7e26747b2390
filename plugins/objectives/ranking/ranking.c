/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* hr, ndcg, precision, recall, mrr: how well top-K lists find the items that
 * users have in the part.
 *
 * With K places, T_u the items of user u in the part, whatever their rating,
 * and h_r = 1 where place r = 1, 2, .. of the list of u holds one of them, else 0,
 *
 *   hr_u        = sum_r h_r / min (K, |T_u|)                        [fda, sec. 5.1]
 *   ndcg_u      = sum_r h_r / log (r + 1) / sum_{r <= min (K, |T_u|)} 1 / log (r + 1)
 *   precision_u = sum_r h_r / K            also where the list is shorter
 *   recall_u    = sum_r h_r / |T_u|                                 [itfr, sec. 5.1.2]
 *   mrr_u       = 1 / the first r with h_r = 1, or 0
 *
 * and each measure is the mean over the users with T_u not empty; the others
 * are undefined.  From 0 to 1.
 *
 * `variant = any` of hr is 1 where any h_r is, the hit ratio of other papers.
 * `variant = released` is what the program of [fda] computes, so that its tables
 * can be compared: item 0 is never a hit (though it stays in T_u), and a user
 * with T_u empty has ndcg_u = 0.
 */
#include <math.h>
#include <fairlead/plugin.h>

typedef struct
{
  int variant;
} Ranking;

enum
{
  VARIANT_PAPER,
  VARIANT_RELEASED,
  VARIANT_ANY
};

/* What the list of one user holds. */
typedef struct
{
  size_t K;
  size_t n_test;     /* |T_u|                   */
  size_t n_hits;
  size_t first;      /* place of the first; 0: no hit */
  double gain;       /* sum_r h_r / log (r + 1) */
  double gain_ideal;
} Hits;

typedef double (*Measure) (const Ranking *self, const Hits *hits);

/* ideal[n] = sum_{r <= n} 1 / log (r + 1), for n from 0 to n_places. */
static double *
ideal_gains (size_t n_places, GError **error)
{
  double *ideal = fl_alloc (n_places + 1, sizeof *ideal, error);

  for (size_t r = 1; ideal != NULL && r <= n_places; r++)
    ideal[r] = ideal[r - 1] + 1.0 / log ((double) r + 1.0);
  return ideal;
}

static Hits
hits_of (const Ranking *self, const FlView *view, uint32_t u, const double *ideal)
{
  Hits hits = { .K = view->k, .n_test = view->user_start[u + 1] - view->user_start[u] };
  size_t n;
  const uint32_t *list = fl_list (view->lists, u, view->k, &n);

  hits.gain_ideal = ideal[MIN (hits.K, hits.n_test)];
  for (size_t r = 1; r <= n; r++)
    {
      uint32_t i = list[r - 1];

      if (!fl_view_has (view, u, i) || (self->variant == VARIANT_RELEASED && i == 0))
        continue;
      if (hits.n_hits++ == 0)
        hits.first = r;
      hits.gain += 1.0 / log ((double) r + 1.0);
    }
  return hits;
}

/* `empty` is what users without T_u have. */
static gboolean
evaluate (Measure measure, double empty, const Ranking *self, const FlView *view,
          FlResult *result, GError **error)
{
  g_autofree double *ideal = ideal_gains (MIN (view->k, view->n_items), error);
  g_autofree double *each = ideal != NULL ? fl_alloc (view->n_users, sizeof *each, error) : NULL;

  if (each == NULL)
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    {
      Hits hits = hits_of (self, view, u, ideal);

      each[u] = hits.n_test > 0 ? measure (self, &hits) : empty;
    }
  fl_result_means (result, 0, FL_SIDE_USER, each);
  return TRUE;
}

/* ---- the measures ------------------------------------------------------ */

static double
hr (const Ranking *self, const Hits *hits)
{
  if (self->variant == VARIANT_ANY)
    return hits->n_hits > 0 ? 1.0 : 0.0;
  return (double) hits->n_hits / (double) MIN (hits->K, hits->n_test);
}

static double
ndcg (const Ranking *self, const Hits *hits)
{
  (void) self;
  return hits->gain / hits->gain_ideal;
}

static double
precision (const Ranking *self, const Hits *hits)
{
  (void) self;
  return (double) hits->n_hits / (double) hits->K;
}

static double
recall (const Ranking *self, const Hits *hits)
{
  (void) self;
  return (double) hits->n_hits / (double) hits->n_test;
}

static double
mrr (const Ranking *self, const Hits *hits)
{
  (void) self;
  return hits->first > 0 ? 1.0 / (double) hits->first : 0.0;
}

/* ---- descriptors ------------------------------------------------------- */

static const FlParam hr_params[] = {
  FL_CHOICE (Ranking, variant, VARIANT_PAPER, "paper|released|any",
             "share of what could be found as printed, as the authors' program computes it, or "
             "1 where anything is found"),
  FL_PARAM_END
};

static const FlParam ndcg_params[] = {
  FL_CHOICE (Ranking, variant, VARIANT_PAPER, "paper|released",
             "as printed, or as the authors' program computes it"),
  FL_PARAM_END
};

#define MEASURE(id_, params_, empty_, summary_, reference_, doc_) \
  static const FlValue id_##_values[] = { \
    { .name = #id_, .direction = FL_HIGHER_IS_BETTER, .doc = doc_ }, \
    FL_VALUE_END \
  }; \
  static gboolean id_##_evaluate (gconstpointer self, const FlView *view, FlResult *result, \
                                  GError **error) \
  { \
    return evaluate (id_, empty_, self, view, result, error); \
  } \
  static const FlPlugin id_##_plugin = FL_DESCRIPTOR ( \
    .name = #id_, .summary = summary_, .reference = reference_, \
    .licence = "LGPL-3.0-or-later", .params = params_, .self_size = sizeof (Ranking), \
    .needs = FL_NEEDS_LISTS, \
    FL_OBJECTIVE (.values = id_##_values, .evaluate = id_##_evaluate))

#define EMPTY_NDCG (((const Ranking *) self)->variant == VARIANT_RELEASED ? 0.0 : NAN)

MEASURE (hr, hr_params, NAN, "hit ratio of top-K lists", "[fda, sec. 5.1]",
         "items found, as a share of those that could be, mean over users");
MEASURE (ndcg, ndcg_params, EMPTY_NDCG, "normalised discounted cumulative gain of top-K lists",
         "[fda, sec. 5.1], [itfr, sec. 5.1.2]",
         "discounted gain, as a share of the best possible, mean over users");
MEASURE (precision, NULL, NAN, "precision of top-K lists", "[itfr, sec. 5.1.2]",
         "items found, as a share of K, mean over users");
MEASURE (recall, NULL, NAN, "recall of top-K lists", "[itfr, sec. 5.1.2]",
         "items found, as a share of the user's, mean over users");
MEASURE (mrr, NULL, NAN, "mean reciprocal rank of the first item found",
         "defined at the top of ranking.c",
         "1 / place of the first item found, 0 when none is, mean over users");

FL_PLUGINS (&hr_plugin, &ndcg_plugin, &precision_plugin, &recall_plugin, &mrr_plugin);
