/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* execution.c: a cell is trained, after the arms that it names, unless others have been
 * trained to the same before.
 *
 * Where errors of arms make the groups, or objectives compare with the lists of an
 * arm, these arms are trained before, on the same split and under the same seed; an
 * arm grouped by its own errors gets its groups when it is trained itself.
 */
#include <math.h>
#include <string.h>

#include "core/run/execution.h"

const char *const fl_part_word[] = { "train", "validation", "test" };

static void
listed_free (gpointer data)
{
  FlListed *listed = data;

  fl_ranked_clear (&listed->ranked);
  g_free (listed);
}

void
fl_execution_init (FlExecution *x, const FlCell *cell, FlTrainedSet *set, gboolean is_base)
{
  *x = (FlExecution) { .cell = cell, .set = set, .is_base = is_base };
  x->listed = g_ptr_array_new_with_free_func (listed_free);
}

/* All that came after training. */
static void
clear_later (FlExecution *x)
{
  g_ptr_array_set_size (x->listed, 0);
  g_clear_pointer (&x->mitigators, g_ptr_array_unref);
  g_clear_pointer (&x->later, g_ptr_array_unref);
  g_clear_pointer (&x->run, fl_run_free);
}

void
fl_execution_clear (FlExecution *x)
{
  g_clear_pointer (&x->bases, g_ptr_array_unref);
  clear_later (x);
  g_ptr_array_unref (x->listed);
}

static void
execution_free (gpointer data)
{
  fl_execution_clear (data);
  g_free (data);
}

/* ---- groups by error ----------------------------------------------------- */

/* Root mean squared error of each user, or item; NaN without a rating. */
static double *
measure_errors (const FlTrained *trained, FlSide side, FlPart part, GError **error)
{
  const FlRatings *ratings = fl_trained_ratings (trained, part);
  const FlRatings *train = trained->split->train;
  g_autoptr (FlView) view = NULL;
  uint32_t n = side == FL_SIDE_USER ? train->n_users : train->n_items;
  g_autofree double *errors = fl_alloc (n, sizeof *errors, error);
  g_autofree size_t *count = errors != NULL ? fl_alloc (n, sizeof *count, error) : NULL;

  if (count == NULL)
    return NULL;
  if (ratings == NULL)
    {
      fl_fail (error, FL_ERROR_CONFIG, "the split has no %s part", fl_part_word[part]);
      return NULL;
    }
  view = fl_view_of (&trained->split->data, ratings, part, trained->model, error);
  if (view == NULL)
    return NULL;
  for (size_t k = 0; k < view->n; k++)
    {
      uint32_t e = side == FL_SIDE_USER ? view->user[k] : view->item[k];
      double difference = view->rating[k] - view->predicted[k];

      errors[e] += difference * difference;
      count[e]++;
    }
  for (uint32_t e = 0; e < n; e++)
    errors[e] = count[e] > 0 ? sqrt (errors[e] / (double) count[e]) : NAN;
  return g_steal_pointer (&errors);
}

FlExecution *
fl_execution_of (FlExecution *x, const char *arm)
{
  for (guint i = 0; i < x->bases->len; i++)
    {
      FlExecution *base = g_ptr_array_index (x->bases, i);

      if (strcmp (base->cell->arm, arm) == 0)
        return base;
    }
  return x;
}

/* Errors that were measured for a grouping. */
typedef struct
{
  FlExecution *x;
  GPtrArray *errors; /* double * */
} Measured;

/* FlArmErrors of an execution. */
static const double *
errors_of (gpointer user_data, FlSide side, const char *arm, FlPart part, GError **error)
{
  Measured *measured = user_data;
  double *errors = measure_errors (fl_execution_of (measured->x, arm)->trained, side, part, error);

  if (errors != NULL)
    g_ptr_array_add (measured->errors, errors);
  return errors;
}

/* Groups the sides that errors group and that have no groups yet; those that need
 * the arm's own errors only when it is trained. */
static gboolean
group_by_errors (FlExecution *x, gboolean trained, GError **error)
{
  FlSplit *split = x->trained->split;
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Measured measured = { x, errors };

  for (int side = 0; side < 2; side++)
    {
      const FlGroups *groups = side == FL_SIDE_USER ? split->user_groups : split->item_groups;
      g_autoptr (FlGrouping) grouping = NULL;
      gboolean ready = TRUE;

      if (!fl_cell_grouping (x->cell, (FlSide) side, &grouping, error))
        return FALSE;
      if (grouping == NULL || !grouping->by_error || groups != NULL)
        continue;
      for (guint f = 0; f < grouping->factors->len; f++)
        {
          const FlFactor *factor = g_ptr_array_index (grouping->factors, f);

          ready = ready && (trained || g_strcmp0 (factor->arm, x->cell->arm) != 0);
        }
      if (ready
          && !fl_cell_group (x->cell, x->set->dataset, split, (FlSide) side, errors_of, &measured,
                             error))
        return FALSE;
    }
  return TRUE;
}

/* Whose errors make the cell's groups, by the names of their trainings. */
static char *
name_groups (const FlExecution *x)
{
  GString *names = g_string_new (x->trained->name);

  for (guint i = 0; i < x->bases->len; i++)
    {
      const FlExecution *base = g_ptr_array_index (x->bases, i);

      if (fl_cell_is_grouped_by (x->cell, base->cell->arm))
        g_string_append_printf (names, "\n%s", base->trained->name);
    }
  return g_string_free (names, FALSE);
}

/* Makes the groups that the trained model is judged by.  Cells that share it may, in theory,
 * have other ones. */
static gboolean
group_trained (FlExecution *x, GError **error)
{
  FlTrained *trained = x->trained;
  g_autofree char *names = name_groups (x);

  if (g_strcmp0 (trained->grouped, names) == 0)
    return TRUE;
  if (trained->grouped != NULL)
    fl_cell_ungroup (x->cell, trained->split);
  g_clear_pointer (&trained->grouped, g_free);
  fl_trained_forget_views (trained);
  if (!group_by_errors (x, TRUE, error))
    return FALSE;
  trained->grouped = g_steal_pointer (&names);
  return TRUE;
}

/* ---- training ------------------------------------------------------------ */

/* Work that is the same for all cells that need the training. */
typedef struct
{
  const FlExecution *x;
  int64_t begun;
} Span;

static Span
start_training (const FlExecution *x)
{
  const FlTrainedSetup *setup = &x->set->setup;

  if (setup->told != NULL)
    setup->told (setup->user_data, x->trained->name, -1);
  return (Span) { x, g_get_monotonic_time () };
}

/* Not to be called after a failure: it was then within the training. */
static void
end_training (const Span *span)
{
  const FlTrainedSetup *setup = &span->x->set->setup;

  if (setup->told != NULL)
    setup->told (setup->user_data, span->x->trained->name,
                 (double) (g_get_monotonic_time () - span->begun) / 1e6);
}

static gboolean
make_split (FlExecution *x, GError **error)
{
  Span span;

  if (x->trained->split != NULL)
    return TRUE;
  span = start_training (x);
  x->trained->split = fl_cell_split (x->cell, x->set->dataset, error);
  if (x->trained->split != NULL)
    end_training (&span);
  return x->trained->split != NULL;
}

/* The split as it is before errors make groups of it. */
static gboolean
check_data (const FlExecution *x, GError **error)
{
  FlSplit bare = *x->trained->split;

  fl_cell_hide_groups (x->cell, &bare);
  return fl_cell_check_data (x->cell, x->set->setup.registry, &bare, error);
}

static gboolean
learn (FlExecution *x, GError **error)
{
  const FlRegistry *registry = x->set->setup.registry;
  Span span;

  if (x->trained->is_trained)
    return TRUE;
  span = start_training (x);
  if ((fl_cell_groups_before_training (x->cell, registry) && !group_by_errors (x, FALSE, error))
      || !fl_trained_learn (x->trained, x->cell, registry, x->set->dataset, error))
    return FALSE;
  end_training (&span);
  return TRUE;
}

/* Mitigators that also act before training are those that did. */
static gboolean
make_mitigators (FlExecution *x, GError **error)
{
  const FlRegistry *registry = x->set->setup.registry;
  guint next = 0;

  x->later = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_instance_free);
  x->mitigators = g_ptr_array_new ();
  for (guint i = 0; i < x->cell->mitigators->len; i++)
    {
      const FlSection *section = g_ptr_array_index (x->cell->mitigators, i);
      FlInstance *mitigator;

      if (x->trained != NULL && fl_section_trains (section, registry))
        mitigator = g_ptr_array_index (x->trained->mitigators, next++);
      else
        {
          mitigator = fl_cell_instance (x->cell, registry, FL_KIND_MITIGATOR, section, error);
          if (mitigator == NULL)
            return FALSE;
          g_ptr_array_add (x->later, mitigator);
        }
      g_ptr_array_add (x->mitigators, mitigator);
    }
  return TRUE;
}

/* What comes after training, in a run that goes on from it. */
static gboolean
prepare_later (FlExecution *x, GError **error)
{
  const FlTrainedSetup *setup = &x->set->setup;

  x->run = x->trained != NULL
               ? fl_run_after (x->trained->run)
               : fl_run_new (x->cell->seed, setup->progress, setup->user_data);
  return make_mitigators (x, error);
}

gboolean
fl_execution_fit (FlExecution *x, GError **error)
{
  const FlTrainedSetup *setup = &x->set->setup;
  g_autofree char *name = NULL;

  x->bases = g_ptr_array_new_with_free_func (execution_free);
  if (x->set->dataset == NULL)
    return prepare_later (x, error);
  for (guint i = 0; i < x->cell->bases->len; i++)
    {
      FlExecution *base = g_new (FlExecution, 1);

      fl_execution_init (base, g_ptr_array_index (x->cell->bases, i), x->set, TRUE);
      g_ptr_array_add (x->bases, base);
      if (!fl_execution_fit (base, error))
        return FALSE;
    }
  name = fl_training_name (x->cell, setup->registry, setup->digest);
  x->trained = fl_trained_set_find (x->set, name, x->cell->seed);
  if (!make_split (x, error) || !check_data (x, error) || !learn (x, error))
    return FALSE;
  /* An arm that is trained for others has groups if something may need them. */
  if ((!x->is_base || x->cell->mitigators->len > 0) && !group_trained (x, error))
    return FALSE;
  return prepare_later (x, error);
}

gboolean
fl_execution_fit_again (FlExecution *x, uint64_t seed, GError **error)
{
  clear_later (x);
  fl_trained_forget (x->trained);
  fl_run_set_seed (x->trained->run, seed);
  return learn (x, error) && prepare_later (x, error);
}

FlData
fl_execution_data (const FlExecution *x, const FlInstance *mitigator)
{
  FlData data = x->trained->split->data;

  if ((fl_instance_needs (mitigator) & FL_NEEDS_VALIDATION) == 0)
    data.validation = NULL;
  return data;
}
