/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fixture.c: plugins, instances and small data for the conformance tests. */
#include "tests/conformance/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

FlRegistry *fixture_registry;

void
fixture_open (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("FAIRLEAD_DATA", "/nonexistent", TRUE);
  fixture_registry = fl_registry_new (NULL, &error);
  if (fixture_registry == NULL)
    g_error ("%s", error->message);
}

void
fixture_close (void)
{
  g_clear_pointer (&fixture_registry, fl_registry_free);
}

/* ---- instances --------------------------------------------------------- */

/* FL_TYPE_PLUGIN: with defaults of its own. */
static FlInstance *
resolve (gpointer user_data, FlKind kind, const char *name, GError **error)
{
  const FlEntry *entry = fl_registry_find (fixture_registry, kind, name, error);

  (void) user_data;
  return entry != NULL ? fixture_instance (entry, NULL, NULL, error) : NULL;
}

FlInstance *
fixture_instance (const FlEntry *entry, const char *key, const char *value, GError **error)
{
  g_autoptr (GPtrArray) settings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);

  for (const FlParam *p = entry->plugin.params; p != NULL && p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p);

      if (standard == NULL)
        g_ptr_array_add (settings, fl_setting_new (fl_param_key (p), "none", "test"));
    }
  if (key != NULL)
    g_ptr_array_add (settings, fl_setting_new (key, value, "test"));
  return fl_instance_new (entry, entry->plugin.name, settings, NULL, resolve, NULL, error);
}

static void
each_word (const FlEntry *entry, const FlParam *param, FixtureEach each)
{
  const char *words = param->type == FL_TYPE_BOOL ? "false|true" : param->words;
  g_auto (GStrv) all = g_strsplit (words, "|", -1);

  for (guint i = 0; all[i] != NULL; i++)
    if (i != (guint) param->number)
      each (entry, fl_param_key (param), all[i]);
}

void
fixture_for_each (FlKind kind, FixtureEach each)
{
  guint n = 0;

  for (guint i = 0; i < fixture_registry->entries->len; i++)
    {
      const FlEntry *entry = g_ptr_array_index (fixture_registry->entries, i);

      if (entry->plugin.kind != kind)
        continue;
      n++;
      print_message ("  %s\n", entry->plugin.name);
      each (entry, NULL, NULL);
      for (const FlParam *p = entry->plugin.params; p != NULL && p->type != FL_TYPE_END; p++)
        if (p->type == FL_TYPE_CHOICE || p->type == FL_TYPE_BOOL)
          each_word (entry, p, each);
    }
  if (n == 0)
    skip ();
}

/* ---- data -------------------------------------------------------------- */

const FixtureData fixture_data[] = {
  { "no rating", 3, 4, 0, { 0 }, { 0 }, { 0 } },
  { "one rating", 1, 1, 1, { 0 }, { 0 }, { 4 } },
  { "one user", 1, 3, 2, { 0, 0 }, { 0, 2 }, { 1, 5 } },
  { "one item", 3, 1, 3, { 0, 1, 2 }, { 0, 0, 0 }, { 1, 2, 3 } },
  { "all alike", 2, 2, 4, { 0, 0, 1, 1 }, { 0, 1, 0, 1 }, { 3, 3, 3, 3 } },
  { "holes", 5, 4, 6, { 0, 0, 2, 2, 3, 3 }, { 0, 1, 1, 2, 0, 2 }, { 1, 2.5, 5, 4, 3, 0.1 } },
};
const size_t fixture_n_data = G_N_ELEMENTS (fixture_data);

FlRatings *
fixture_ratings (const FixtureData *data)
{
  g_autoptr (GError) error = NULL;
  FlRatings *ratings = fl_ratings_new (data->n_users, data->n_items, data->n, data->user,
                                       data->item, data->rating, &error);

  if (ratings == NULL)
    fail_msg ("%s: %s", data->name, error->message);
  return ratings;
}

FlGroups *
fixture_groups (uint32_t n, uint32_t n_groups, uint32_t n_used)
{
  FlGroups *groups = g_new0 (FlGroups, 1);
  const char **label = g_new0 (const char *, n_groups);
  uint32_t *start = g_new0 (uint32_t, n + 1), *group = g_new0 (uint32_t, n);
  static const char *const labels[] = { "a", "b", "c", "d" };

  for (uint32_t g = 0; g < n_groups; g++)
    label[g] = labels[g];
  for (uint32_t e = 0; e < n; e++)
    {
      start[e + 1] = e + 1;
      group[e] = e % n_used;
    }
  *groups = FL_GROUPS (.name = "kind", .n_groups = n_groups, .label = label, .n = n,
                       .start = start, .group = group, .first = group);
  return groups;
}

void
fixture_groups_free (FlGroups *groups)
{
  if (groups == NULL)
    return;
  g_free ((gpointer) groups->label);
  g_free ((gpointer) groups->start);
  g_free ((gpointer) groups->group);
  g_free (groups);
}

/* ---- a model ----------------------------------------------------------- */

#define RANK 2

typedef struct
{
  uint32_t n_users, n_items;
  double *user, *item;
} FixedModel;

static gboolean
fixed_fit (gpointer self, const FlData *data, FlRun *run, GError **error)
{
  (void) self;
  (void) data;
  (void) run;
  (void) error;
  return TRUE;
}

static gboolean
fixed_score (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
             const uint32_t *item, double *out, GError **error)
{
  const FixedModel *model = self;

  (void) error;
  for (size_t k = 0; k < n_users; k++)
    for (size_t l = 0; l < n_items; l++)
      out[k * n_items + l] = fl_dot_f64 (RANK, model->user + user[k] * RANK,
                                         model->item + item[l] * RANK);
  return TRUE;
}

static void
fixed_factors (gconstpointer self, FlFactors *factors)
{
  const FixedModel *model = self;

  *factors = (FlFactors) { .n_users = model->n_users, .n_items = model->n_items, .rank = RANK,
                           .user_f64 = model->user, .item_f64 = model->item };
}

FlInstance *
fixture_model (const FixtureData *data, gboolean with_factors)
{
  static const FlModelOps scores
      = { .ops_size = sizeof (FlModelOps), .fit = fixed_fit, .score = fixed_score };
  static const FlModelOps factors
      = { .ops_size = sizeof (FlModelOps), .fit = fixed_fit, .factors = fixed_factors };
  static const FlPlugin plugin = FL_DESCRIPTOR (.name = "fixed", .kind = FL_KIND_MODEL);
  FixedModel *model = g_new0 (FixedModel, 1);
  FlInstance *instance = g_new0 (FlInstance, 1);
  FlRng rng = fl_rng (7, "fixed", 0);

  *model = (FixedModel) { data->n_users, data->n_items, g_new (double, data->n_users * RANK),
                          g_new (double, data->n_items * RANK) };
  for (size_t k = 0; k < data->n_users * (size_t) RANK; k++)
    model->user[k] = 1.5 * fl_rng_uniform (&rng);
  for (size_t k = 0; k < data->n_items * (size_t) RANK; k++)
    model->item[k] = 1.5 * fl_rng_uniform (&rng);
  *instance = (FlInstance) { .plugin = &plugin, .self = model,
                             .ops = with_factors ? &factors : &scores };
  return instance;
}

void
fixture_model_free (FlInstance *instance)
{
  FixedModel *model = instance->self;

  g_free (model->user);
  g_free (model->item);
  g_free (model);
  g_free (instance);
}
