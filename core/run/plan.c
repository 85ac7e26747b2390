/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plan.c: which cells share trainings, and so go to one worker.
 *
 * A cell needs its own training and those of the arms that it names.  Cells that are
 * connected by what they need are a group: the connected components of cells and
 * trainings, found by union and find.
 */
#include "core/run/plan.h"

#include <string.h>

/* ---- names ---------------------------------------------------------------- */

char *
fl_training_name (const FlCell *cell, const FlRegistry *registry, const char *digest)
{
  g_autofree char *training = fl_cell_training (cell, registry);
  g_autofree char *text = g_strdup_printf ("fairlead training %d api %d\n%s\n%s",
                                           FL_RESULT_VERSION, FL_API_VERSION, digest, training);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

/* ---- trainings ------------------------------------------------------------ */

static void
need_free (gpointer data)
{
  FlNeeded *need = data;

  g_free (need->name);
  g_free (need);
}

/* What a training that is needed is called, entered at its first mention. */
static FlNeeded *
find_need (FlPlan *plan, char *name)
{
  FlNeeded *need = g_hash_table_lookup (plan->by_name, name);

  if (need == NULL)
    {
      need = g_new0 (FlNeeded, 1);
      need->name = name;
      need->place = plan->needs->len;
      g_ptr_array_add (plan->needs, need);
      g_hash_table_insert (plan->by_name, need->name, need);
    }
  else
    g_free (name);
  return need;
}

/* Those of arms that the cell names come first. */
static void
add_needs (FlPlan *plan, const FlCell *cell, const FlRegistry *registry, const char *digest,
           GPtrArray *needs)
{
  FlNeeded *own;

  for (guint i = 0; i < cell->bases->len; i++)
    add_needs (plan, g_ptr_array_index (cell->bases, i), registry, digest, needs);
  own = find_need (plan, fl_training_name (cell, registry, digest));
  if (!g_ptr_array_find (needs, own, NULL))
    g_ptr_array_add (needs, own);
}

void
fl_plan_add (FlPlan *plan, guint index, const FlCell *cell, const FlRegistry *registry,
             const char *digest)
{
  GPtrArray *needs = g_ptr_array_new ();

  add_needs (plan, cell, registry, digest, needs);
  for (guint i = 0; i < needs->len; i++)
    {
      FlNeeded *need = g_ptr_array_index (needs, i);

      need->n_undone++;
      need->n_waiting++;
    }
  g_hash_table_insert (plan->of_cell, GUINT_TO_POINTER (index), needs);
  g_array_append_val (plan->cells, index);
}

const GPtrArray *
fl_plan_needs (const FlPlan *plan, guint index)
{
  return g_hash_table_lookup (plan->of_cell, GUINT_TO_POINTER (index));
}

gboolean
fl_plan_needs_name (const FlPlan *plan, guint index, const char *name)
{
  const FlNeeded *need = g_hash_table_lookup (plan->by_name, name);

  return need != NULL && g_ptr_array_find ((GPtrArray *) fl_plan_needs (plan, index), need, NULL);
}

/* ---- groups --------------------------------------------------------------- */

/* The place that stands for all that are connected with this one. */
static guint
find_root (guint *parent, guint place)
{
  while (parent[place] != place)
    {
      parent[place] = parent[parent[place]];
      place = parent[place];
    }
  return place;
}

/* The lower place stands for both. */
static void
join (guint *parent, guint a, guint b)
{
  a = find_root (parent, a);
  b = find_root (parent, b);
  parent[MAX (a, b)] = MIN (a, b);
}

GPtrArray *
fl_plan_groups (const FlPlan *plan)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  g_autofree guint *parent = g_new (guint, plan->needs->len + 1);
  g_autofree GArray **of_root = g_new0 (GArray *, plan->needs->len + 1);

  for (guint place = 0; place < plan->needs->len; place++)
    parent[place] = place;
  for (guint c = 0; c < plan->cells->len; c++)
    {
      const GPtrArray *needs = fl_plan_needs (plan, g_array_index (plan->cells, guint, c));

      for (guint i = 1; i < needs->len; i++)
        join (parent, ((FlNeeded *) g_ptr_array_index (needs, 0))->place,
              ((FlNeeded *) g_ptr_array_index (needs, i))->place);
    }
  for (guint c = 0; c < plan->cells->len; c++)
    {
      guint index = g_array_index (plan->cells, guint, c);
      const FlNeeded *need = g_ptr_array_index (fl_plan_needs (plan, index), 0);
      guint root = find_root (parent, need->place);

      if (of_root[root] == NULL)
        {
          of_root[root] = g_array_new (FALSE, FALSE, sizeof (guint));
          g_ptr_array_add (groups, of_root[root]);
        }
      g_array_append_val (of_root[root], index);
    }
  return groups;
}

/* ---- life ----------------------------------------------------------------- */

FlPlan *
fl_plan_new (void)
{
  FlPlan *plan = g_new0 (FlPlan, 1);

  plan->needs = g_ptr_array_new_with_free_func (need_free);
  plan->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  plan->of_cell = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  plan->cells = g_array_new (FALSE, FALSE, sizeof (guint));
  return plan;
}

void
fl_plan_free (FlPlan *plan)
{
  if (plan == NULL)
    return;
  g_hash_table_unref (plan->of_cell);
  g_hash_table_unref (plan->by_name);
  g_ptr_array_unref (plan->needs);
  g_array_unref (plan->cells);
  g_free (plan);
}
