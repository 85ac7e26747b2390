/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* value, absolute, underestimation, overestimation, parity: the U measures,
 * how differently predictions miss the ratings of two groups of users
 * [yao, sec. 3.4].
 *
 * For item j and group g let E_g[.]_j be the mean over the ratings of j by
 * users of g (3.3), r a rating, s its prediction, e = s - r its error.  With
 *
 *   D_j = f (E_g[e]_j) - f (E_!g[e]_j)     variant = printed
 *   D_j = E_g[f(e)]_j - E_!g[f(e)]_j       variant = inside
 *
 *   U = (1/N) sum_j |D_j|,
 *   f (e) = e            value            (3.2)
 *           |e|          absolute         (3.4)
 *           max (0, -e)  underestimation  (3.5)
 *           max (0, e)   overestimation   (3.6)
 *
 * g is the disadvantaged group, !g the other users.  D_j is undefined and adds
 * nothing when either group has not rated j; N counts the items with D_j defined,
 * or (normalise = all, as printed) all items, so that those that cannot be compared
 * lower U as if they were fair.  Where no D_j is defined, U is undefined.
 * The dissertation's tables come out with `inside`: as printed,
 * value = underestimation + overestimation exactly, which they contradict.
 *
 *   U_par = (E_g[s] - E_!g[s])^2           parity (3.7)
 *
 * is over all ratings of the part, undefined when a group has none; the
 * sentence above (3.7) says absolute difference, the formula counts.
 *
 * The gradient is that of the smoothed penalty (1/N) sum_j h (D_j) of sec.
 * 3.4.2 (for parity h of the difference, before the square), 0 at a kink.
 * With more than two groups and no disadvantaged one named, all is the mean
 * over the pairs of groups that can be compared.  Unit: rating points; parity:
 * their square.
 */
#include <math.h>
#include <fairlead/plugin.h>

typedef struct
{
  char *disadvantaged;
  int variant, normalise, penalty;
} Unfairness;

enum
{
  VARIANT_PRINTED,
  VARIANT_INSIDE
};

enum
{
  NORMALISE_ALL,
  NORMALISE_VALID
};

enum
{
  VALUE_MEASURE,
  VALUE_WORST_PAIR,
  VALUE_PENALTY,
  VALUE_DIFFERENCE,
  VALUE_MEAN /* parity */
};

/* ---- f and h ----------------------------------------------------------- */

/* A function of one number and its derivative, 0 at a kink. */
typedef struct
{
  double (*at) (double x);
  double (*slope) (double x);
} Function;

static double
identity_at (double x)
{
  return x;
}

static double
identity_slope (double x)
{
  (void) x;
  return 1.0;
}

static double
sign (double x)
{
  return (x > 0.0) - (x < 0.0);
}

static double
shortfall_at (double x)
{
  return x < 0.0 ? -x : 0.0;
}

static double
shortfall_slope (double x)
{
  return x < 0.0 ? -1.0 : 0.0;
}

static double
excess_at (double x)
{
  return x > 0.0 ? x : 0.0;
}

static double
excess_slope (double x)
{
  return x > 0.0 ? 1.0 : 0.0;
}

static double
square_at (double x)
{
  return x * x;
}

static double
square_slope (double x)
{
  return 2.0 * x;
}

/* The sentence of sec. 3.4.2: continuous, but its slope jumps from 2 to 1. */
static double
literal_at (double x)
{
  return fabs (x) < 1.0 ? x * x : fabs (x);
}

static double
literal_slope (double x)
{
  return fabs (x) < 1.0 ? 2.0 * x : sign (x);
}

static double
huber_at (double x)
{
  return fabs (x) < 1.0 ? 0.5 * x * x : fabs (x) - 0.5;
}

static double
huber_slope (double x)
{
  return fabs (x) < 1.0 ? x : sign (x);
}

/* Twice Huber's: the sentence's square with a line of the same slope. */
static double
c1_at (double x)
{
  return 2.0 * huber_at (x);
}

static double
c1_slope (double x)
{
  return 2.0 * huber_slope (x);
}

static const Function identity = { identity_at, identity_slope };
static const Function absolute = { fabs, sign };
static const Function shortfall = { shortfall_at, shortfall_slope };
static const Function excess = { excess_at, excess_slope };
static const Function square = { square_at, square_slope };

#define PENALTY_WORDS "none|absolute|literal|c1|huber"
enum
{
  PENALTY_NONE,
  PENALTY_LITERAL = 2
};
static const Function penalties[] = {
  [1] = { fabs, sign },
  [PENALTY_LITERAL] = { literal_at, literal_slope },
  [3] = { c1_at, c1_slope },
  [4] = { huber_at, huber_slope }
};

typedef struct
{
  const Function *inner; /* f                                             */
  const Function *outer; /* of D_j: absolute value, or parity's square    */
  gboolean pooled;       /* parity: one mean over all items, of predictions */
} Measure;

/* h; `none` stands for the measure as it is. */
static const Function *
penalty_of (const Measure *measure, const Unfairness *self)
{
  return self->penalty == PENALTY_NONE ? measure->outer : &penalties[self->penalty];
}

/* ---- who is compared --------------------------------------------------- */

/* The groups side by side, as columns. */
typedef struct
{
  uint32_t n;
  const FlGroups *groups; /* the view's, or `own`                   */
  FlGroups own;           /* the disadvantaged group and the others */
  uint32_t *start;        /* its arrays, in one piece               */
} Sides;

static gboolean
is_compared (const FlGroups *groups, uint32_t u)
{
  uint32_t n;
  const uint32_t *group = fl_groups_list (groups, u, &n);

  for (uint32_t m = 0; m < n; m++)
    if (fl_groups_is_compared (groups, group[m]))
      return TRUE;
  return FALSE;
}

/* Column 0: members of g; column 1: the others, unless their groups are left out of
 * comparisons. */
static void
sides_against_rest (Sides *sides, const FlGroups *groups, uint32_t g)
{
  uint32_t *start = g_new (uint32_t, 2 * (size_t) groups->n + 1);
  uint32_t *column = start + groups->n + 1, n = 0;

  for (uint32_t u = 0; u < groups->n; u++)
    {
      gboolean member = fl_groups_has (groups, u, g);

      start[u] = n;
      if (member || is_compared (groups, u))
        column[n++] = member ? 0 : 1;
    }
  start[groups->n] = n;
  sides->start = start;
  sides->own = FL_GROUPS (.n_groups = 2, .n = groups->n, .start = start, .group = column);
  sides->groups = &sides->own;
  sides->n = 2;
}

static gboolean
sides_named (Sides *sides, const FlGroups *groups, const char *label, GError **error)
{
  uint32_t g;

  if (!fl_groups_find_label (groups, label, &g, error))
    {
      g_prefix_error (error, "disadvantaged: ");
      return FALSE;
    }
  if (!fl_groups_is_compared (groups, g))
    return fl_fail (error, FL_ERROR_CONFIG, "disadvantaged = %s: [data] leaves this group out of "
                    "comparisons", label);
  sides_against_rest (sides, groups, g);
  return TRUE;
}

static gboolean
sides_init (Sides *sides, const Unfairness *self, const FlView *view, GError **error)
{
  const FlGroups *groups = view->user_groups;

  if (groups == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "needs user groups: name them by users.group-by in [data]");
  if (self->disadvantaged[0] != '\0')
    return sides_named (sides, groups, self->disadvantaged, error);
  if (groups->n_groups < 2)
    return fl_fail (error, FL_ERROR_DATA, "needs 2 or more user groups, found %u",
                    groups->n_groups);
  *sides = (Sides) { .n = groups->n_groups, .groups = groups };
  return TRUE;
}

/* ---- the averages (3.3) ------------------------------------------------ */

typedef struct
{
  const Unfairness *self;
  const Measure *measure;
  const FlView *view;
  Sides sides;
  size_t n_items;   /* 1 for parity                                       */
  FlGroupSum *cell; /* n_items x sides.n: errors e, or f (e) for `inside` */
} Table;

static void
table_clear (Table *table)
{
  g_free (table->sides.start);
  g_free (table->cell);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Table, table_clear)

/* e of entry k; parity knows no ratings. */
static double
error_of (const Table *table, size_t k)
{
  const FlView *view = table->view;

  return table->measure->pooled ? view->predicted[k] : view->predicted[k] - view->rating[k];
}

static size_t
row_of (const Table *table, size_t k)
{
  return table->measure->pooled ? 0 : table->view->item[k];
}

static gboolean
table_init (Table *table, const Unfairness *self, const Measure *measure, const FlView *view,
            GError **error)
{
  Sides *sides = &table->sides;

  if (!sides_init (sides, self, view, error))
    return FALSE;
  table->self = self;
  table->measure = measure;
  table->view = view;
  table->n_items = measure->pooled ? 1 : view->n_items;
  table->cell = fl_alloc (table->n_items * sides->n, sizeof *table->cell, error);
  if (table->cell == NULL)
    return FALSE;
  for (size_t k = 0; k < view->n; k++)
    {
      double e = error_of (table, k);
      double term = self->variant == VARIANT_INSIDE ? measure->inner->at (e) : e;

      fl_groups_add_value (sides->groups, view->user[k], term,
                           table->cell + row_of (table, k) * sides->n);
    }
  return TRUE;
}

/* A group's half of D_j. */
static double
half (const Table *table, const FlGroupSum *cell)
{
  double mean = fl_groups_get_mean (cell);

  return table->self->variant == VARIANT_INSIDE ? mean : table->measure->inner->at (mean);
}

/* Its derivative by the sum in the cell, times n. */
static double
half_slope (const Table *table, const FlGroupSum *cell)
{
  return table->self->variant == VARIANT_INSIDE
           ? 1.0
           : table->measure->inner->slope (fl_groups_get_mean (cell));
}

/* D_j of columns a and b; FALSE where it is undefined. */
static gboolean
difference (const Table *table, size_t j, uint32_t a, uint32_t b, double *D)
{
  const FlGroupSum *row = table->cell + j * table->sides.n;

  if (row[a].n == 0 || row[b].n == 0)
    return FALSE;
  *D = half (table, &row[a]) - half (table, &row[b]);
  return TRUE;
}

/* ---- pairs of groups --------------------------------------------------- */

typedef struct
{
  double measure, penalty; /* divided by N                     */
  double difference;       /* mean of D_j                      */
  size_t n_valid;          /* items with D_j defined           */
  double N;
} Pair; /* NaN where no D_j is defined */

static Pair
pair_of (const Table *table, uint32_t a, uint32_t b)
{
  const Function *h = penalty_of (table->measure, table->self);
  gboolean all = table->self->normalise == NORMALISE_ALL && !table->measure->pooled;
  Pair pair = { 0 };

  for (size_t j = 0; j < table->n_items; j++)
    {
      double D;

      if (!difference (table, j, a, b, &D))
        continue;
      pair.measure += table->measure->outer->at (D);
      pair.penalty += h->at (D);
      pair.difference += D;
      pair.n_valid++;
    }
  if (pair.n_valid == 0)
    return (Pair) { NAN, NAN, NAN, 0, 0.0 };
  pair.N = (double) (all ? table->n_items : pair.n_valid);
  pair.measure /= pair.N;
  pair.penalty /= pair.N;
  pair.difference /= (double) pair.n_valid;
  return pair;
}

typedef struct
{
  FlPairs measure, penalty;
  Pair last; /* the only one, of two sides */
} Pairs;

static Pairs
compare_pairs (const Table *table)
{
  Pairs pairs = { .last = { NAN, NAN, NAN, 0, 0.0 } };

  for (uint32_t a = 0, b = 0; fl_groups_next_pair (table->sides.groups, &a, &b);)
    {
      pairs.last = pair_of (table, a, b);
      fl_pairs_add (&pairs.measure, pairs.last.measure);
      fl_pairs_add (&pairs.penalty, pairs.last.penalty);
    }
  return pairs;
}

/* ---- the methods ------------------------------------------------------- */

/* D_j and its absolute value for each item, when one pair is compared. */
static void
set_items (const Table *table, FlResult *result)
{
  double *outer, *signed_;

  outer = fl_result_each (result, VALUE_MEASURE, FL_SIDE_ITEM);
  signed_ = fl_result_each (result, VALUE_DIFFERENCE, FL_SIDE_ITEM);
  for (size_t j = 0; j < table->n_items; j++)
    {
      double D;

      if (!difference (table, j, 0, 1, &D))
        continue;
      outer[j] = table->measure->outer->at (D);
      signed_[j] = D;
    }
}

/* E_g[s] of each group. */
static void
set_means (const FlView *view, FlResult *result)
{
  const FlGroups *groups = view->user_groups;
  g_autofree FlGroupSum *group = g_new0 (FlGroupSum, groups->n_groups);
  FlGroupSum all = { 0.0, 0 };

  for (size_t k = 0; k < view->n; k++)
    {
      fl_groups_add_number (&all, view->predicted[k]);
      fl_groups_add_value (groups, view->user[k], view->predicted[k], group);
    }
  if (view->n > 0)
    fl_result_set (result, VALUE_MEAN, fl_groups_get_mean (&all));
  for (uint32_t g = 0; g < groups->n_groups; g++)
    fl_result_set_group (result, VALUE_MEAN, FL_SIDE_USER, g, fl_groups_get_mean (&group[g]),
                         group[g].n);
}

static gboolean
evaluate (const Measure *measure, const Unfairness *self, const FlView *view, FlResult *result,
          GError **error)
{
  g_auto (Table) table = { 0 };
  Pairs pairs;
  size_t n_behind;

  if (!table_init (&table, self, measure, view, error))
    return FALSE;
  pairs = compare_pairs (&table);
  n_behind = measure->pooled ? view->n : pairs.last.n_valid;
  fl_result_set_pairs (result, VALUE_MEASURE, VALUE_WORST_PAIR, &pairs.measure, n_behind);
  fl_result_set_n (result, VALUE_PENALTY, fl_pairs_get_mean (&pairs.penalty),
                   pairs.penalty.n_all > 1 ? pairs.penalty.n : pairs.penalty.n * n_behind);
  if (table.sides.n > 2)
    fl_result_omit (result, VALUE_DIFFERENCE);
  else
    fl_result_set_n (result, VALUE_DIFFERENCE, pairs.last.difference, pairs.measure.n * n_behind);
  if (table.sides.n == 2 && pairs.measure.n_all == 1 && !measure->pooled)
    set_items (&table, result);
  if (measure->pooled)
    set_means (view, result);
  return TRUE;
}

/* Adds the derivative of a pair's penalty, over n_pairs, by the sums of the
 * cells:  +- h'(D_j) f'(.) / (N n_gj). */
static void
add_slopes (const Table *table, uint32_t a, uint32_t b, size_t n_pairs, double *slope)
{
  const Function *h = penalty_of (table->measure, table->self);
  size_t n_columns = table->sides.n;
  Pair pair = pair_of (table, a, b);

  for (size_t j = 0; j < table->n_items; j++)
    {
      const FlGroupSum *row = table->cell + j * n_columns;
      double D, outer;

      if (!difference (table, j, a, b, &D))
        continue;
      outer = h->slope (D) / (pair.N * (double) n_pairs);
      slope[j * n_columns + a] += outer * half_slope (table, &row[a]) / (double) row[a].n;
      slope[j * n_columns + b] -= outer * half_slope (table, &row[b]) / (double) row[b].n;
    }
}

static gboolean
gradient (const Measure *measure, const Unfairness *self, const FlView *view, double *loss,
          double *d_predicted, GError **error)
{
  g_auto (Table) table = { 0 };
  g_autofree double *slope = NULL; /* as table.cell: d loss / d sum of the cell */
  Sides *sides = &table.sides;
  Pairs pairs;

  if (!table_init (&table, self, measure, view, error))
    return FALSE;
  pairs = compare_pairs (&table);
  if (pairs.penalty.n == 0)
    return fl_fail (error, FL_ERROR_DATA, "no two groups can be compared: %s",
                    measure->pooled ? "fewer than two of them have ratings here"
                                    : "no item has ratings of two of them here");
  slope = fl_alloc (table.n_items * sides->n, sizeof *slope, error);
  if (slope == NULL)
    return FALSE;
  for (uint32_t a = 0, b = 0; fl_groups_next_pair (sides->groups, &a, &b);)
    add_slopes (&table, a, b, pairs.penalty.n, slope);
  for (size_t k = 0; k < view->n; k++)
    {
      uint32_t n;
      const uint32_t *column = fl_groups_list (sides->groups, view->user[k], &n);
      double sum = 0.0;

      for (uint32_t m = 0; m < n; m++)
        sum += slope[row_of (&table, k) * sides->n + column[m]];
      d_predicted[k] = self->variant == VARIANT_INSIDE
                         ? sum * measure->inner->slope (error_of (&table, k))
                         : sum;
    }
  *loss = fl_pairs_get_mean (&pairs.penalty);
  return TRUE;
}

/* Groups that errors make are not there yet. */
static gboolean
unfairness_check_data (gconstpointer self, const FlData *data, GError **error)
{
  const char *label = ((const Unfairness *) self)->disadvantaged;
  uint32_t g;

  if (label[0] == '\0' || data->user_groups == NULL
      || fl_groups_find_label (data->user_groups, label, &g, error))
    return TRUE;
  g_prefix_error (error, "disadvantaged = %s: ", label);
  return FALSE;
}

/* ---- the five ---------------------------------------------------------- */

#define PARAM_DISADVANTAGED \
  FL_STRING (Unfairness, disadvantaged, "", \
             "label of the user group to compare with all other users; empty: every pair of groups")
#define PARAM_PENALTY \
  FL_CHOICE (Unfairness, penalty, PENALTY_LITERAL, PENALTY_WORDS, \
             "h of the smoothed loss: none keeps the measure itself, literal is x^2 below 1 and " \
             "|x| above, c1 x^2 and 2|x| - 1, huber x^2 / 2 and |x| - 1/2")

static const FlParam params[] = {
  PARAM_DISADVANTAGED,
  FL_CHOICE (Unfairness, variant, VARIANT_PRINTED, "printed|inside",
             "f applies to the group's mean error, as printed, or to each error inside the mean, "
             "as the dissertation's tables have it"),
  FL_CHOICE (Unfairness, normalise, NORMALISE_VALID, "all|valid",
             "divide by the number of all items, as printed, where items that one group never "
             "rated count as 0, as if they were fair; or only by the number of those that both "
             "rated"),
  PARAM_PENALTY,
  FL_PARAM_END
};

static const FlParam parity_params[] = {
  PARAM_DISADVANTAGED,
  PARAM_PENALTY,
  FL_PARAM_END
};

#define VALUES(name_, unit_, doc_, ...) \
  { \
    { .name = name_, .direction = FL_LOWER_IS_BETTER, .unit = unit_, .doc = doc_ }, \
    { .name = name_ "-worst-pair", .direction = FL_LOWER_IS_BETTER, .unit = unit_, \
      .doc = "the largest among the pairs of groups" }, \
    { .name = name_ "-penalty", .direction = FL_LOWER_IS_BETTER, \
      .doc = "the smoothed loss that its gradient descends" }, \
    { .name = name_ "-difference", .direction = FL_NO_DIRECTION, .unit = "rating points", \
      .doc = "mean signed difference, of two groups: the first or disadvantaged less the other" }, \
    __VA_ARGS__ \
    FL_VALUE_END \
  }

#define MEASURE(id_, params_, unit_, inner_, outer_, pooled_, summary_, equation_, ...) \
  static const Measure id_##_measure = { &inner_, &outer_, pooled_ }; \
  static const FlValue id_##_values[] = VALUES (#id_, unit_, summary_, ##__VA_ARGS__); \
  static gboolean id_##_evaluate (gconstpointer self, const FlView *view, FlResult *result, \
                                  GError **error) \
  { \
    return evaluate (&id_##_measure, self, view, result, error); \
  } \
  static gboolean id_##_gradient (gconstpointer self, const FlView *view, double *loss, \
                                  double *d_predicted, GError **error) \
  { \
    return gradient (&id_##_measure, self, view, loss, d_predicted, error); \
  } \
  static const FlPlugin id_##_plugin = FL_DESCRIPTOR ( \
    .name = #id_, .summary = summary_, .reference = "[yao, eq. " equation_ ", 3.3, sec. 3.4.2]", \
    .licence = "LGPL-3.0-or-later", .params = params_, .self_size = sizeof (Unfairness), \
    .needs = FL_NEEDS_USER_GROUPS | FL_NEEDS_RATINGS, .check_data = unfairness_check_data, \
    FL_OBJECTIVE (.values = id_##_values, .evaluate = id_##_evaluate, .gradient = id_##_gradient))

MEASURE (value, params, "rating points", identity, absolute, FALSE,
         "difference between two groups in signed error, item by item", "3.2");
MEASURE (absolute, params, "rating points", absolute, absolute, FALSE,
         "difference between two groups in absolute error, item by item", "3.4");
MEASURE (underestimation, params, "rating points", shortfall, absolute, FALSE,
         "difference between two groups in how far predictions are too low", "3.5");
MEASURE (overestimation, params, "rating points", excess, absolute, FALSE,
         "difference between two groups in how far predictions are too high", "3.6");
MEASURE (parity, parity_params, "rating points ^ 2", identity, square, TRUE,
         "squared difference between two groups in mean prediction", "3.7",
         { .name = "parity-mean", .direction = FL_NO_DIRECTION, .unit = "rating points",
           .doc = "mean prediction for each group, and over all ratings" },);

FL_PLUGINS (&value_plugin, &absolute_plugin, &underestimation_plugin, &overestimation_plugin,
            &parity_plugin);
