/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check-bpr-fda-itfr.c: set `bpr_fda_itfr`, whose cases are of several kinds, each with a
 * check of its own. */
#include "tests/golden/golden.h"

static const struct
{
  const char *kind;
  GoldenCheck check;
} kinds[] = {
  { "bpr", check_bpr },
  { "fda", check_fda },
  { "groupdro", check_groupdro },
  { "itfr", check_itfr },
};

gboolean
check_bpr_fda_itfr (GoldenCase *c, GError **error)
{
  golden_tolerance (c, "abs", 1e-10);
  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    if (g_strcmp0 (c->kind, kinds[k].kind) == 0)
      return kinds[k].check (c, error);
  return TRUE; /* what it expects is not covered */
}
