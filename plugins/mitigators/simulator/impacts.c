/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* impacts.c: impacts as they are given, and what they compound to. */
#include <string.h>

#include "impacts.h"

gboolean
sim_spread (const char *key, const FlDoubles *list, size_t size, size_t n_groups,
            size_t n_blocks, double *to, GError **error)
{
  size_t n = list->n / size;
  size_t per = n > 0 ? n_blocks / n : 0;

  if (list->n % size != 0 || (n != 1 && n != n_groups && n != n_blocks))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "%s: %" G_GSIZE_FORMAT " numbers; must be %" G_GSIZE_FORMAT ", %"
                    G_GSIZE_FORMAT " or %" G_GSIZE_FORMAT, key, list->n, size, size * n_groups,
                    size * n_blocks);
  for (size_t block = 0; block < n_blocks; block++)
    memcpy (to + block * size, list->v + block / per * size, size * sizeof *to);
  return TRUE;
}

gboolean
sim_check_length (const char *key, const FlDoubles *list, size_t n, GError **error)
{
  return list->n == n
         || fl_fail (error, FL_ERROR_CONFIG, "%s: %" G_GSIZE_FORMAT " numbers; must be %"
                     G_GSIZE_FORMAT, key, list->n, n);
}

static gboolean
check_weights (const SimImpacts *impacts, GError **error)
{
  const FlDoubles *weights = impacts->keys.weights;
  gboolean weighted = impacts->keys.compounding == SIM_WEIGHTED;
  double total = 0.0;

  if (weights->n == 0)
    return TRUE;
  if (!sim_check_length ("weights", weights, weighted ? impacts->n_items : 0, error))
    return FALSE;
  for (size_t i = 0; i < weights->n; i++)
    total += weights->v[i];
  return !weighted || total > 0.0
         || fl_fail (error, FL_ERROR_CONFIG, "weights: their sum must be positive");
}

gboolean
sim_impacts_init (SimImpacts *impacts, const SimImpactKeys *keys, uint32_t n_groups,
                  uint32_t n_items, GError **error)
{
  size_t S = n_groups, M = n_items;

  *impacts = (SimImpacts) { .n_groups = n_groups, .n_items = n_items,
                            .self = g_new (double, S * M * 4), .cross = g_new (double, S * M),
                            .keys = *keys };
  if (!sim_spread ("self-impact", keys->self, 4, S, S * M, impacts->self, error)
      || !sim_spread ("cross-impact", keys->cross, 1, S, S * M, impacts->cross, error))
    return FALSE;
  if (keys->tables != NULL && keys->tables->n > 0 && keys->tables->n != 4 * S
      && !sim_check_length ("cross-tables", keys->tables, 4 * S * M * (M - 1), error))
    return FALSE;
  return check_weights (impacts, error);
}

void
sim_impacts_clear (SimImpacts *impacts)
{
  g_free (impacts->self);
  g_free (impacts->cross);
}

/* Cross impact on category `own` of decisions in category i. */
static void
cross_table (const SimImpacts *impacts, uint32_t s, uint32_t own, uint32_t i, double *table)
{
  const FlDoubles *tables = impacts->keys.tables;
  size_t S = impacts->n_groups, M = impacts->n_items, at;

  if (tables == NULL || tables->n == 0)
    {
      sim_cross_impact (impacts->cross[s * M + own], table);
      return;
    }
  at = tables->n == 4 * S ? s : (s * M + own) * (M - 1) + (i < own ? i : i - 1);
  memcpy (table, tables->v + 4 * at, 4 * sizeof *table);
}

/* All impacts on category `own` of group s. */
static void
compound_one (const SimImpacts *impacts, uint32_t s, uint32_t own, double *compound)
{
  uint32_t M = impacts->n_items;
  SimCompounding how = (SimCompounding) impacts->keys.compounding;
  const FlDoubles *weights = impacts->keys.weights;
  double impact[4 * SIM_ITEMS_MAX], weight[SIM_ITEMS_MAX] = { 0.0 };

  for (uint32_t i = 0, other = 1; i < M; i++)
    {
      if (i == own)
        memcpy (impact + 4 * i, impacts->self + 4 * (s * M + own), 4 * sizeof *impact);
      else
        cross_table (impacts, s, own, i, impact + 4 * i);
      if (how == SIM_WEIGHTED)
        weight[i] = weights->n > 0 ? weights->v[i == own ? 0 : other] : 1.0;
      other += i != own;
    }
  for (int y = 0; y < 2; y++)
    for (uint32_t d = 0; d < 1u << M; d++)
      compound[sim_compound_at (M, s, own, y, d)]
          = sim_compound (how, M, impact, weight, own, y, d);
}

size_t
sim_impacts_size (const SimImpacts *impacts)
{
  return sim_compound_at (impacts->n_items, impacts->n_groups, 0, 0, 0);
}

void
sim_impacts_compound (const SimImpacts *impacts, double *compound)
{
  for (uint32_t s = 0; s < impacts->n_groups; s++)
    for (uint32_t own = 0; own < impacts->n_items; own++)
      compound_one (impacts, s, own, compound);
}
