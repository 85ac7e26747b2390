/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-case.c: als-mf as golden cases describe it. */
#include "tests/golden/als-case.h"

#include <string.h>

#define RANK_LIMIT 512

void
als_case_clear (AlsCase *als)
{
  fl_instance_free (als->model);
  g_free (als->start);
}

/* Rows [q], or [1, q, b] with biases. */
static gboolean
read_start (AlsCase *als, JsonObject *input, GError **error)
{
  size_t n = als->n_items, rank = als->rank, width = rank + (als->biases ? 2 : 0);
  g_auto (GoldenMatrix) factors = { 0 };
  g_autofree double *bias = NULL;

  if (!golden_read_matrix (input, "initial_item_factors", &factors, error))
    return FALSE;
  if (factors.n_rows != n || factors.n_cols != rank)
    return fl_fail (error, FL_ERROR_DATA, "input.initial_item_factors is %u x %u, wanted %zu x %zu",
                    factors.n_rows, factors.n_cols, n, rank);
  if (!als->biases)
    {
      als->start = g_steal_pointer (&factors.data);
      return TRUE;
    }
  bias = golden_read_numbers (input, "initial_item_bias", n, error);
  if (bias == NULL)
    return FALSE;
  als->start = g_new (double, n * width + 1);
  for (size_t i = 0; i < n; i++)
    {
      double *row = als->start + i * width;

      row[0] = 1.0;
      memcpy (row + 1, factors.data + i * rank, rank * sizeof *row);
      row[width - 1] = bias[i];
    }
  return TRUE;
}

static gboolean
read_model (AlsCase *als, JsonObject *input, GError **error)
{
  gboolean half = FALSE, regularised = TRUE;
  g_autofree char *rank = g_strdup_printf ("rank=%u", als->rank);

  if (!golden_read_flag (input, "half", &half, error)
      || !golden_read_flag (input, "regularise_bias", &regularised, error))
    return FALSE;
  als->model = test_instance_new (
      als->c->registry, FL_KIND_MODEL, "als-mf",
      (const char *[]) { rank, half ? "half=true" : "half=false",
                         als->biases ? "biases=true" : "biases=false",
                         regularised ? "regularise-bias=true" : "regularise-bias=false", NULL },
      error);
  return als->model != NULL;
}

gboolean
als_case_init (AlsCase *als, GoldenCase *c, uint32_t n_items, GError **error)
{
  als->c = c;
  als->n_items = n_items;
  als->biases = golden_has (c->input, "initial_item_bias");
  return golden_read_index (c->input, "rank", RANK_LIMIT, &als->rank, error)
         && read_start (als, c->input, error) && read_model (als, c->input, error);
}

const FlClosedFormOps *
als_case_closed_form (const AlsCase *als)
{
  return ((const FlModelOps *) als->model->ops)->closed_form;
}

FlFactors
als_case_factors (const AlsCase *als)
{
  GError *error = NULL;
  FlFactors factors;

  fl_model_factors (als->model, &factors, &error);
  g_assert_no_error (error);
  return factors;
}

/* Columns first .. end - 1 of n rows. */
static void
columns (const AlsCase *als, const char *root, const char *key, size_t n, size_t width,
         const double *table, size_t first, size_t end)
{
  g_autofree char *path = g_strconcat (root, key, NULL);
  size_t m = end - first;
  g_autofree double *got = g_new (double, n * m + 1);

  for (size_t row = 0; row < n; row++)
    memcpy (got + row * m, table + row * width + first, m * sizeof *got);
  golden_numbers (als->c, path, got, n * m);
}

void
als_case_compare (const AlsCase *als, const char *root)
{
  size_t first = als->biases ? 1 : 0, rank = als->rank;
  FlFactors f = als_case_factors (als);

  columns (als, root, "user_factors", f.n_users, f.rank, f.user_f64, first, first + rank);
  columns (als, root, "item_factors", f.n_items, f.rank, f.item_f64, first, first + rank);
  if (!als->biases)
    return;
  columns (als, root, "user_bias", f.n_users, f.rank, f.user_f64, 0, 1);
  columns (als, root, "item_bias", f.n_items, f.rank, f.item_f64, f.rank - 1, f.rank);
}
