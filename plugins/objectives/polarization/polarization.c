/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* polarization: how far users' predictions of the same item lie apart.
 *
 *   R_pol = (1/(n^2 d)) sum_{k < l} |x_k - x_l|^2      [antidote, eq. 10]
 *         = (1/d) sum_j sigma_j^2                      [antidote, eq. 11]
 *
 * over all n users and d items, rated or not; x_k: the predictions for user k
 * (not clipped), sigma_j^2: the variance of item j's predictions over users,
 * divided by n.  Unit: rating points squared.
 *
 * With factors, x_kj = p_k . q_j: then sigma_j^2 = q_j' C q_j, where C is the
 * covariance of the rows p_k, and R_pol = (1/d) tr (C G), where G = sum_j q_j q_j'.
 * That costs O((n + d) rank^2); users x items is never formed.  Other models,
 * and those of a rank beyond FL_GRAM_MAX, are scored in blocks of users and items.
 */
#include <fairlead/plugin.h>

/* ---- models with factors ----------------------------------------------- */

/* The mean (rank) of the users' factors, their covariance C and the items' Gram
 * matrix G (rank x rank). */
typedef struct
{
  double *mean, *C, *G;
} Moments;

static void
moments_clear (Moments *moments)
{
  g_free (moments->mean);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Moments, moments_clear)

static gboolean
moments_init (Moments *moments, const FlFactors *f, GError **error)
{
  size_t rank = f->rank;

  if (rank > FL_GRAM_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "its gradient by factors of rank %zu: must be at most "
                    "%d", rank, FL_GRAM_MAX);
  moments->mean = fl_alloc (rank + 2 * rank * rank, sizeof (double), error);
  if (moments->mean == NULL)
    return FALSE;
  moments->C = moments->mean + rank;
  moments->G = moments->C + rank * rank;
  if (f->user_f64 != NULL)
    fl_covariance_f64 (f->n_users, rank, f->user_f64, rank, moments->mean, moments->C);
  else
    fl_covariance_f32 (f->n_users, rank, f->user_f32, rank, moments->mean, moments->C);
  return TRUE;
}

static void
add_items (Moments *moments, const FlFactors *f)
{
  if (f->item_f64 != NULL)
    fl_gram_f64 (f->n_items, f->rank, f->item_f64, f->rank, moments->G, NULL);
  else
    fl_gram_f32 (f->n_items, f->rank, f->item_f32, f->rank, moments->G, NULL);
}

/* sigma_j^2 = q_j' C q_j for every item. */
static gboolean
factor_variances (const FlFactors *f, double *variance, GError **error)
{
  g_auto (Moments) moments = { 0 };

  if (!moments_init (&moments, f, error))
    return FALSE;
  if (f->item_f64 != NULL)
    fl_quadratic_f64 (f->n_items, f->rank, f->item_f64, f->rank, moments.C, variance);
  else
    fl_quadratic_f32 (f->n_items, f->rank, f->item_f32, f->rank, moments.C, variance);
  return TRUE;
}

/* ---- models without ---------------------------------------------------- */

/* A block of scores, BLOCK_USERS x BLOCK_ITEMS, fits the second-level cache. */
#define BLOCK_USERS ((uint32_t) 256)
#define BLOCK_ITEMS ((uint32_t) 256)

static void
identity_ids (uint32_t *id, uint32_t n, uint32_t first)
{
  for (uint32_t k = 0; k < n; k++)
    id[k] = first + k;
}

/* Variances of n_items items from `first` on: sums of squares around a running
 * mean, so that a large mean costs no digits (Welford 1962). */
static gboolean
block_variances (const FlView *view, uint32_t first, uint32_t n_items, double *score,
                 double *variance, GError **error)
{
  uint32_t user[BLOCK_USERS], item[BLOCK_ITEMS];
  double mean[BLOCK_ITEMS] = { 0.0 };

  identity_ids (item, n_items, first);
  for (uint32_t j = 0; j < n_items; j++)
    variance[j] = 0.0;
  for (uint32_t u = 0; u < view->n_users; u += BLOCK_USERS)
    {
      uint32_t n_users = MIN (BLOCK_USERS, view->n_users - u);

      identity_ids (user, n_users, u);
      if (!fl_view_score (view, n_users, user, n_items, item, score, error))
        return FALSE;
      for (uint32_t k = 0; k < n_users; k++)
        for (uint32_t j = 0; j < n_items; j++)
          {
            double x = score[(size_t) k * n_items + j], before = x - mean[j];

            mean[j] += before / (double) (u + k + 1);
            variance[j] += before * (x - mean[j]);
          }
    }
  for (uint32_t j = 0; j < n_items; j++)
    variance[j] /= (double) view->n_users;
  return TRUE;
}

static gboolean
scored_variances (const FlView *view, double *variance, GError **error)
{
  g_autofree double *score = fl_alloc ((size_t) BLOCK_USERS * BLOCK_ITEMS, sizeof *score, error);

  if (score == NULL)
    return FALSE;
  for (uint32_t first = 0; first < view->n_items; first += BLOCK_ITEMS)
    if (!block_variances (view, first, MIN (BLOCK_ITEMS, view->n_items - first), score,
                          variance + first, error))
      return FALSE;
  return TRUE;
}

/* ---- the methods ------------------------------------------------------- */

static gboolean
polarization_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  double *variance = fl_result_each (result, 0, FL_SIDE_ITEM);

  (void) self;
  if (view->n_users < 2 || view->n_items == 0) /* one user differs from nobody */
    return TRUE;
  if (!(view->factors != NULL && view->factors->rank <= FL_GRAM_MAX
            ? factor_variances (view->factors, variance, error)
            : scored_variances (view, variance, error)))
    return FALSE;
  fl_result_set (result, 0, fl_sum (view->n_items, variance) / (double) view->n_items);
  return TRUE;
}

/* out_k = scale S (f_k - shift) for each row f_k of a side's factors; shift NULL: 0.
 * S: rank x rank, symmetric. */
static void
multiply_rows (const FlFactors *f, FlSide side, const double *shift, const double *S,
               double scale, double *out)
{
  size_t n = side == FL_SIDE_USER ? f->n_users : f->n_items, rank = f->rank;

#pragma omp parallel
  {
    g_autofree double *row = g_new (double, rank + 1);

#pragma omp for schedule(static)
    for (size_t k = 0; k < n; k++)
      {
        fl_factors_copy_row (f, side, k, row);
        for (size_t a = 0; shift != NULL && a < rank; a++)
          row[a] -= shift[a];
        for (size_t a = 0; a < rank; a++)
          out[k * rank + a] = scale * fl_dot_f64 (rank, S + a * rank, row);
      }
  }
}

/* d R_pol / d x_uj = (2/(nd)) (x_uj - mu_j)   [antidote, eq. 21], taken on to the
 * factors:
 *   d R_pol / d p_u = sum_j (2/(nd)) (x_uj - mu_j) q_j = (2/(nd)) G (p_u - mean)
 *   d R_pol / d q_j = sum_u (2/(nd)) (x_uj - mu_j) p_u = (2/d) C q_j */
static gboolean
polarization_gradient_factors (gconstpointer self, const FlView *view, double *loss,
                               double *d_user, double *d_item, GError **error)
{
  const FlFactors *f = view->factors;
  double n = (double) view->n_users, d = (double) view->n_items;
  g_auto (Moments) moments = { 0 };

  (void) self;
  if (view->n_users < 2 || view->n_items == 0)
    return fl_fail (error, FL_ERROR_DATA, "needs 2 or more users and an item, found %u and %u",
                    view->n_users, view->n_items);
  if (!moments_init (&moments, f, error))
    return FALSE;
  add_items (&moments, f);
  *loss = fl_dot_f64 (f->rank * f->rank, moments.C, moments.G) / d;
  if (d_user != NULL)
    multiply_rows (f, FL_SIDE_USER, moments.mean, moments.G, 2.0 / (n * d), d_user);
  if (d_item != NULL)
    multiply_rows (f, FL_SIDE_ITEM, NULL, moments.C, 2.0 / d, d_item);
  return TRUE;
}

static const FlValue values[] = {
  { .name = "polarization", .direction = FL_LOWER_IS_BETTER, .unit = "rating points ^ 2",
    .doc = "mean over items of the variance of their predictions over users; kept for each item: "
           "that variance" },
  FL_VALUE_END
};

FL_PLUGIN (
  .name      = "polarization",
  .summary   = "polarization R_pol: variance of predictions over users, averaged over items",
  .reference = "[antidote, eq. 10, 11, 21]",
  .licence   = "LGPL-3.0-or-later",
  .needs     = FL_NEEDS_RATINGS,
  FL_OBJECTIVE (.values = values, .evaluate = polarization_evaluate,
                .gradient_factors = polarization_gradient_factors, .whole = TRUE)
);
