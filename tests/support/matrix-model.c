/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/support/matrix-model.h"

#include <math.h>
#include <string.h>

static void
matrix_factors (gconstpointer self, FlFactors *factors)
{
  *factors = ((const MatrixModel *) self)->factors;
}

static double
at (const double *f64, const float *f32, size_t k)
{
  return f64 != NULL ? f64[k] : (double) f32[k];
}

static gboolean
matrix_score (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
              const uint32_t *item, double *out, GError **error)
{
  const FlFactors *f = &((const MatrixModel *) self)->factors;

  (void) error;
  for (size_t k = 0; k < n_users; k++)
    for (size_t l = 0; l < n_items; l++)
      {
        double sum = 0.0;

        for (size_t a = 0; a < f->rank; a++)
          sum += at (f->user_f64, f->user_f32, user[k] * f->rank + a)
                 * at (f->item_f64, f->item_f32, item[l] * f->rank + a);
        out[k * n_items + l] = sum;
      }
  return TRUE;
}

static const FlModelOps ops_factors = { .ops_size = sizeof (FlModelOps),
                                        .factors = matrix_factors };
static const FlModelOps ops_scores = { .ops_size = sizeof (FlModelOps), .score = matrix_score };
static const FlPlugin plugin = FL_DESCRIPTOR (.kind = FL_KIND_MODEL, .name = "matrix");

void
matrix_model_init (MatrixModel *model, const FlFactors *factors, gboolean scored)
{
  *model = (MatrixModel) {
    .factors = *factors,
    .scored = scored,
    .instance = { .plugin = &plugin, .self = model, .ops = scored ? &ops_scores : &ops_factors }
  };
}

FlGroups *
test_groups_new (const char *name, uint32_t n_groups, uint32_t n, const uint32_t *start,
                 const uint32_t *member)
{
  FlGroups *groups = g_new0 (FlGroups, 1);
  char **label = g_new0 (char *, n_groups + 1);
  uint32_t *starts = g_new (uint32_t, n + 1), *first = g_new (uint32_t, n);

  for (uint32_t g = 0; g < n_groups; g++)
    label[g] = g_strdup_printf ("%u", g);
  for (uint32_t e = 0; e <= n; e++)
    starts[e] = start != NULL ? start[e] : e;
  for (uint32_t e = 0; e < n; e++)
    first[e] = member[starts[e]];
  *groups = FL_GROUPS (.name = g_strdup (name),
                       .n_groups = n_groups,
                       .label = (const char *const *) label,
                       .n = n,
                       .start = starts,
                       .group = g_memdup2 (member, starts[n] * sizeof *member),
                       .first = first);
  return groups;
}

FlInstance *
test_instance_new (const FlRegistry *registry, FlKind kind, const char *name,
                   const char *const *settings, GError **error)
{
  const FlEntry *entry = fl_registry_find (registry, kind, name, error);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);

  if (entry == NULL)
    return NULL;
  for (const FlParam *p = entry->plugin.params; p != NULL && p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p);

      if (standard == NULL)
        g_ptr_array_add (list, fl_setting_new (fl_param_key (p), "none", "test"));
    }
  for (; settings != NULL && *settings != NULL; settings++)
    {
      g_auto (GStrv) parts = g_strsplit (*settings, "=", 2);

      g_ptr_array_add (list, fl_setting_new (parts[0], parts[1], "test"));
    }
  return fl_instance_new (entry, name, list, NULL, NULL, NULL, error);
}

size_t
test_entry (const FlView *view, uint32_t u, uint32_t i)
{
  for (size_t k = view->user_start[u]; k < view->user_start[u + 1]; k++)
    if (view->item[k] == i)
      return k;
  return view->n;
}

static const FlMetric *
find_metric (const FlOutcome *outcome, const char *name, const char *group)
{
  for (guint k = 0; k < outcome->metrics->len; k++)
    {
      const FlMetric *metric = g_ptr_array_index (outcome->metrics, k);

      if (strcmp (metric->name, name) == 0 && g_strcmp0 (metric->group, group) == 0)
        return metric;
    }
  return NULL;
}

double
test_metric (const FlOutcome *outcome, const char *name, const char *group)
{
  const FlMetric *metric = find_metric (outcome, name, group);

  return metric != NULL ? metric->value : NAN;
}

double
test_metric_n (const FlOutcome *outcome, const char *name, const char *group)
{
  const FlMetric *metric = find_metric (outcome, name, group);

  return metric != NULL ? (double) metric->n : NAN;
}

const FlEach *
test_each (const FlOutcome *outcome, const char *name)
{
  for (guint k = 0; k < outcome->each->len; k++)
    {
      const FlEach *each = g_ptr_array_index (outcome->each, k);

      if (strcmp (each->name, name) == 0)
        return each;
    }
  return NULL;
}
