/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gap-sensitivity.c: the gaps with each impact moved, one at a time. */
#include "long-term-gap.h"

#include <string.h>

static const char *const impact_name[GAP_N_IMPACTS] = { "T00", "T01", "T10", "T11", "C" };

GapMove
gap_get_move (size_t index)
{
  return (GapMove) { (uint32_t) (index / GAP_MOVES_OF_PAIR),
                     (uint32_t) (index / 2 % GAP_N_IMPACTS), index % 2 == 1 };
}

char *
gap_make_move_label (const GapObservations *seen, const GapMove *move, gboolean of_pair)
{
  g_autofree char *pair
      = fl_groups_make_label (seen->view->user_groups, move->pair / seen->M,
                              seen->view->item_groups, move->pair % seen->M);

  return g_strdup_printf ("%s%c%.6g%s%s", impact_name[move->impact], move->down ? '-' : '+',
                          seen->from->move, of_pair ? "," : "", of_pair ? pair : "");
}

/* Gaps of the M categories with one impact moved, kept a probability. */
static void
try_move (const GapEstimate *estimate, const SimImpacts *impacts, const GapMove *move, double by,
          double *gaps)
{
  uint32_t S = impacts->n_groups, M = impacts->n_items;
  double alpha[SIM_ITEMS_MAX * SIM_GROUPS_MAX], own[SIM_ITEMS_MAX * SIM_GROUPS_MAX * 4];
  double cross[SIM_ITEMS_MAX * SIM_GROUPS_MAX], delta = move->down ? -by : by;
  SimImpacts moved = *impacts;
  double *at;

  memcpy (own, impacts->self, (size_t) S * M * 4 * sizeof *own);
  memcpy (cross, impacts->cross, (size_t) S * M * sizeof *cross);
  moved.self = own;
  moved.cross = cross;
  at = move->impact == GAP_IMPACT_C ? &cross[move->pair] : &own[4 * move->pair + move->impact];
  *at = CLAMP (*at + delta, move->impact == GAP_IMPACT_C ? -1.0 : 0.0, 1.0);
  gap_find_equilibrium (estimate, &moved, alpha);
  for (uint32_t i = 0; i < M; i++)
    gaps[i] = gap_measure (estimate, alpha + i * S);
}

void
gap_try_moves (const GapEstimate *estimate, const SimImpacts *impacts, double by, double *gaps)
{
  size_t M = impacts->n_items, n_moves = impacts->n_groups * M * GAP_MOVES_OF_PAIR;

#pragma omp parallel for schedule(dynamic)
  for (size_t k = 0; k < n_moves; k++)
    {
      GapMove move = gap_get_move (k);

      try_move (estimate, impacts, &move, by, gaps + k * M);
    }
}
