/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dp, eo, js-divergence: how differently groups of users are recommended items.
 *
 * Let x_v and y_v be the numbers of lists of users of two groups that hold item v;
 * for eo only where v is a hit, an item that the user has in the part.
 *
 *   DP, EO = (1/N) sum_v |x_v - y_v| / (x_v + y_v)              [fda, sec. 5.1]
 *
 * with 0/0 = 0 and N all items, as printed, or (`-recommended`) those with x_v + y_v > 0.
 * From 0 to 1.  Being numbers of users, x_v and y_v grow with the groups: lists that are
 * the same for everybody give |n - m| / (n + m) for groups of n and m users.  With
 * `parity = rates` they are shares of the group's users who have a list, for eo of those
 * who have anything in the part, which the paper does not print.  `variant = released` is what the program of [fda] computes, so that
 * its tables can be compared: the mean over v with x_v + y_v > 0, where for dp an
 * item that is a hit and the same item that is none are two v, and item 0 is left
 * out of eo.  (That program also recommends training items to users without test
 * items, which is not done here.)
 *
 *   JS = 1/2 sum_v p_v log (p_v / m_v) + 1/2 sum_v q_v log (q_v / m_v),  m = (p + q) / 2,
 *
 * of the distributions p = x / sum x, q = y / sum y     [fda, table 1 and fig. 3], with
 * counts from training ratings (`-train`), from lists, and from hits (`-hit`).
 *
 * Of more than two groups each is the mean over all pairs, and the worst pair stands
 * beside it.  A pair is undefined and left out where a group has no list (dp), nothing in the
 * part (eo), or counts nothing (JS).  Who is in several groups counts in each.
 */
#include <math.h>
#include <fairlead/plugin.h>

/* ---- counting ---------------------------------------------------------- */

typedef enum
{
  COUNT_TRAIN,
  COUNT_LISTS,
  COUNT_HITS,
  COUNT_HITS_RELEASED, /* without item 0                                   */
  COUNT_SPLIT          /* rows of items that are no hit, then rows of hits */
} What;

/* How often each item (or entry) falls to each group. */
typedef struct
{
  const FlView *view;
  uint32_t n_groups;
  uint32_t *count;   /* rows x n_groups            */
  size_t n_rows;     /* with any count             */
  uint32_t *row;     /* n_rows: which they are     */
  double *total;     /* n_groups: sums of columns  */
} Counts;

static void
counts_clear (Counts *counts)
{
  g_free (counts->count);
  g_free (counts->row);
  g_free (counts->total);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Counts, counts_clear)

static void
add (Counts *counts, uint32_t u, uint32_t row)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (counts->view->user_groups, u, &n);

  for (uint32_t m = 0; m < n; m++)
    {
      counts->count[(size_t) row * counts->n_groups + group[m]]++;
      counts->total[group[m]] += 1.0;
    }
}

static void
add_train (Counts *counts, uint32_t u)
{
  const FlCsr *train = &counts->view->train->by_user;

  for (size_t k = train->start[u]; k < train->start[u + 1]; k++)
    add (counts, u, train->col[k]);
}

static void
add_list (Counts *counts, uint32_t u, What what)
{
  const FlView *view = counts->view;
  size_t n;
  const uint32_t *list = fl_list (view->lists, u, view->k, &n);

  for (size_t r = 0; r < n; r++)
    {
      uint32_t i = list[r];

      if (what == COUNT_LISTS)
        add (counts, u, i);
      else if (what == COUNT_SPLIT)
        add (counts, u, fl_view_has (view, u, i) ? view->n_items + i : i);
      else if (fl_view_has (view, u, i) && (what == COUNT_HITS || i > 0))
        add (counts, u, i);
    }
}

static void
find_rows (Counts *counts, size_t n)
{
  for (size_t row = 0; row < n; row++)
    {
      const uint32_t *count = counts->count + row * counts->n_groups;
      uint32_t any = 0;

      for (uint32_t g = 0; g < counts->n_groups; g++)
        any |= count[g];
      if (any != 0)
        counts->row[counts->n_rows++] = (uint32_t) row;
    }
}

static gboolean
counts_init (Counts *counts, const FlView *view, What what, GError **error)
{
  size_t n = (what == COUNT_SPLIT ? 2 : 1) * (size_t) view->n_items;

  *counts = (Counts) { .view = view, .n_groups = view->n_user_groups };
  if (n > G_MAXUINT32)
    return fl_fail (error, FL_ERROR_DATA, "%u items are too many to count twice", view->n_items);
  counts->total = fl_alloc (counts->n_groups, sizeof *counts->total, error);
  counts->row = counts->total != NULL ? fl_alloc (n, sizeof *counts->row, error) : NULL;
  counts->count = counts->row != NULL
                    ? fl_alloc (n, counts->n_groups * sizeof *counts->count, error) : NULL;
  if (counts->count == NULL)
    return FALSE;
  for (uint32_t u = 0; u < view->n_users; u++)
    if (what == COUNT_TRAIN)
      add_train (counts, u);
    else
      add_list (counts, u, what);
  find_rows (counts, n);
  return TRUE;
}

/* The two columns in one of the rows that count. */
static inline void
pair_at (const Counts *counts, size_t r, uint32_t a, uint32_t b, double *x, double *y)
{
  const uint32_t *count = counts->count + (size_t) counts->row[r] * counts->n_groups;

  *x = count[a];
  *y = count[b];
}

/* ---- dp and eo --------------------------------------------------------- */

typedef struct
{
  int variant, parity;
} Parity;

enum
{
  PARITY_COUNTS,
  PARITY_RATES
};

enum
{
  VARIANT_PAPER,
  VARIANT_RELEASED
};

enum
{
  PARITY_ALL,
  PARITY_ALL_WORST,
  PARITY_RECOMMENDED,
  PARITY_RECOMMENDED_WORST
};

/* How many users of each group have a list, or anything in the part. */
static double *
count_users (const FlView *view, gboolean by_part)
{
  double *n_users = g_new0 (double, view->n_user_groups);

  for (uint32_t u = 0; u < view->n_users; u++)
    {
      gboolean counts = by_part ? view->user_start[u + 1] > view->user_start[u]
                                : view->lists->length[u] > 0;
      uint32_t n;
      const uint32_t *group = fl_groups_list (view->user_groups, u, &n);

      for (uint32_t m = 0; counts && m < n; m++)
        n_users[group[m]] += 1.0;
    }
  return n_users;
}

/* |x - y| / (x + y) of two counts; size, the users of each group, makes them rates; or NULL. */
static double
term (double x, double y, const double *size, uint32_t a, uint32_t b)
{
  if (size != NULL)
    {
      x /= size[a];
      y /= size[b];
    }
  return fabs (x - y) / (x + y);
}

/* sum_v |x_v - y_v| / (x_v + y_v); n: how many v are not 0/0. */
static double
sum_of_pair (const Counts *counts, const double *size, uint32_t a, uint32_t b, double *n)
{
  double sum = 0.0;

  *n = 0.0;
  for (size_t r = 0; r < counts->n_rows; r++)
    {
      double x, y;

      pair_at (counts, r, a, b, &x, &y);
      if (x + y == 0.0)
        continue;
      sum += term (x, y, size, a, b);
      *n += 1.0;
    }
  return sum;
}

/* The terms of two groups, item by item. */
static void
set_items (const Counts *counts, const double *size, FlResult *result)
{
  double *each = fl_result_each (result, PARITY_RECOMMENDED, FL_SIDE_ITEM);

  for (size_t r = 0; r < counts->n_rows; r++)
    {
      double x, y;

      pair_at (counts, r, 0, 1, &x, &y);
      each[counts->row[r]] = term (x, y, size, 0, 1);
    }
}

static What
parity_counts (gboolean hits, gboolean released)
{
  if (hits)
    return released ? COUNT_HITS_RELEASED : COUNT_HITS;
  return released ? COUNT_SPLIT : COUNT_LISTS;
}

static gboolean
parity (gboolean hits, const Parity *self, const FlView *view, FlResult *result, GError **error)
{
  gboolean released = self->variant == VARIANT_RELEASED;
  g_autofree double *n_users = count_users (view, hits);
  const double *size = self->parity == PARITY_RATES ? n_users : NULL;
  g_auto (Counts) counts = { 0 };
  FlPairs all = { 0 }, recommended = { 0 };

  if (!counts_init (&counts, view, parity_counts (hits, released), error))
    return FALSE;
  for (uint32_t a = 0, b = 0; fl_groups_next_pair (view->user_groups, &a, &b);)
    {
      double n, sum = sum_of_pair (&counts, size, a, b, &n);
      gboolean comparable = n_users[a] > 0.0 && n_users[b] > 0.0;

      fl_pairs_add (&all, comparable ? sum / (double) view->n_items : NAN);
      fl_pairs_add (&recommended, comparable && n > 0.0 ? sum / n : NAN);
    }
  if (released)
    {
      fl_result_set_pairs (result, PARITY_ALL, PARITY_ALL_WORST, &recommended, counts.n_rows);
      fl_result_omit (result, PARITY_RECOMMENDED);
      fl_result_omit (result, PARITY_RECOMMENDED_WORST);
      return TRUE;
    }
  fl_result_set_pairs (result, PARITY_ALL, PARITY_ALL_WORST, &all, view->n_items);
  fl_result_set_pairs (result, PARITY_RECOMMENDED, PARITY_RECOMMENDED_WORST, &recommended,
                       counts.n_rows);
  if (counts.n_groups == 2 && all.n == 1)
    set_items (&counts, size, result);
  return TRUE;
}

static gboolean
dp_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  return parity (FALSE, self, view, result, error);
}

static gboolean
eo_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  return parity (TRUE, self, view, result, error);
}

/* ---- js-divergence ----------------------------------------------------- */

typedef struct
{
  int base, form;
} Divergence;

enum
{
  FORM_DIVERGENCE,
  FORM_DISTANCE
};

/* Values come in twos, mean and worst pair, in this order. */
static const What js_counts[] = { COUNT_LISTS, COUNT_HITS, COUNT_TRAIN };

/* p log (p / m); 0 log 0 = 0 */
static double
relative (double p, double m)
{
  return p > 0.0 ? p * log (p / m) : 0.0;
}

static double
divergence_of_pair (const Divergence *self, const Counts *counts, uint32_t a, uint32_t b)
{
  static const double scale[] = { 1.0, G_LN2, G_LN10 }; /* by base: log of it */
  double sum = 0.0;

  for (size_t r = 0; r < counts->n_rows; r++)
    {
      double p, q, m;

      pair_at (counts, r, a, b, &p, &q);
      p /= counts->total[a];
      q /= counts->total[b];
      m = 0.5 * (p + q);
      sum += 0.5 * (relative (p, m) + relative (q, m));
    }
  sum = MAX (sum, 0.0) / scale[self->base]; /* of equal distributions it may round below 0 */
  return self->form == FORM_DISTANCE ? sqrt (sum) : sum;
}

static gboolean
js_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  for (size_t c = 0; c < G_N_ELEMENTS (js_counts); c++)
    {
      g_auto (Counts) counts = { 0 };
      FlPairs pairs = { 0 };

      if (!counts_init (&counts, view, js_counts[c], error))
        return FALSE;
      for (uint32_t a = 0, b = 0; fl_groups_next_pair (view->user_groups, &a, &b);)
        fl_pairs_add (&pairs, counts.total[a] > 0.0 && counts.total[b] > 0.0
                                ? divergence_of_pair (self, &counts, a, b) : NAN);
      fl_result_set_pairs (result, 2 * c, 2 * c + 1, &pairs, counts.n_rows);
    }
  return TRUE;
}

/* ---- descriptors ------------------------------------------------------- */

static const FlParam parity_params[] = {
  FL_CHOICE (Parity, variant, VARIANT_PAPER, "paper|released",
             "as printed, or as the authors' program computes it"),
  FL_CHOICE (Parity, parity, PARITY_COUNTS, "counts|rates",
             "counts: numbers of users, as printed, so that the sizes of groups count, and equal "
             "lists for everybody are not 0; rates: shares of the users of a group"),
  FL_PARAM_END
};

static const FlParam js_params[] = {
  FL_CHOICE (Divergence, base, 0, "e|2|10", "base of the logarithm: nats, bits or decimal digits"),
  FL_CHOICE (Divergence, form, FORM_DIVERGENCE, "divergence|distance",
             "the divergence, or its square root, which is a metric"),
  FL_PARAM_END
};

/* A value and the worst pair's. */
#define VALUE(name_, doc_) \
  { .name = name_, .direction = FL_LOWER_IS_BETTER, .doc = doc_ }, \
  { .name = name_ "-worst-pair", .direction = FL_LOWER_IS_BETTER, \
    .doc = "the largest among the pairs of groups" }

static const FlValue dp_values[] = {
  VALUE ("dp", "how unevenly items are recommended to two groups, by numbers of users unless "
               "parity = rates, mean over all items"),
  VALUE ("dp-recommended", "the same, mean over the items that are in any list"),
  FL_VALUE_END
};

static const FlValue eo_values[] = {
  VALUE ("eo", "how unevenly items are found for two groups, by numbers of users unless "
               "parity = rates, mean over all items"),
  VALUE ("eo-recommended", "the same, mean over the items that are found for anybody"),
  FL_VALUE_END
};

static const FlValue js_values[] = {
  VALUE ("js-divergence", "of the items recommended to two groups"),
  VALUE ("js-divergence-hit", "of the items found for two groups"),
  VALUE ("js-divergence-train", "of the items in the training ratings of two groups"),
  FL_VALUE_END
};

#define MEASURE(id_, name_, summary_, reference_, params_, Self_) \
  static const FlPlugin id_##_plugin = FL_DESCRIPTOR ( \
    .name = name_, .summary = summary_, .reference = reference_, \
    .licence = "LGPL-3.0-or-later", .params = params_, .self_size = sizeof (Self_), \
    .needs = FL_NEEDS_LISTS | FL_NEEDS_USER_GROUPS, \
    FL_OBJECTIVE (.values = id_##_values, .evaluate = id_##_evaluate))

MEASURE (dp, "dp", "demographic parity of top-K lists", "[fda, sec. 5.1]", parity_params, Parity);
MEASURE (eo, "eo", "equality of opportunity of top-K lists", "[fda, sec. 5.1]", parity_params,
         Parity);
MEASURE (js, "js-divergence",
         "Jensen-Shannon divergence between the items of two groups of users",
         "[fda, table 1, fig. 3]", js_params, Divergence);

FL_PLUGINS (&dp_plugin, &eo_plugin, &js_plugin);
