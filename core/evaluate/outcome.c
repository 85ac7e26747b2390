/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* outcome.c: what a cell yields, and its form on the way from worker to
 * parent.  Doubles travel as their bits, so nothing is rounded. */
#include <math.h>
#include <string.h>

#include "core/evaluate/evaluate-room.h"

#define METRIC_TYPE "(simsmsidt)"
#define EACH_TYPE "(simsmsi@ad)"
#define OUTCOME_TYPE "(a(simsmsidt)a(simsmsiad)a(ss)a(ss)ms)"

static void
metric_free (gpointer data)
{
  FlMetric *metric = data;

  g_free (metric->name);
  g_free (metric->group);
  g_free (metric->part);
  g_free (metric);
}

const char *
fl_index_name (FlIndex index)
{
  static const char *const names[FL_N_INDICES] = { "user", "item", "step" };

  return names[index];
}

void
fl_each_free (FlEach *each)
{
  g_free (each->name);
  g_free (each->group);
  g_free (each->part);
  g_free (each->value);
  g_free (each);
}

FlArtefact *
fl_artefact_new (const char *name, const char *text)
{
  FlArtefact *artefact = g_new (FlArtefact, 1);

  *artefact = (FlArtefact) { .name = g_strdup (name), .text = g_strdup (text) };
  return artefact;
}

void
fl_artefact_free (FlArtefact *artefact)
{
  g_free (artefact->name);
  g_free (artefact->text);
  g_free (artefact);
}

void
fl_append_csv (GString *out, const char *text)
{
  if (text == NULL)
    return;
  if (strpbrk (text, ",\"\n\r") == NULL)
    {
      g_string_append (out, text);
      return;
    }
  g_string_append_c (out, '"');
  for (const char *c = text; *c != '\0'; c++)
    {
      if (*c == '"')
        g_string_append_c (out, '"');
      g_string_append_c (out, *c);
    }
  g_string_append_c (out, '"');
}

FlOutcome *
fl_outcome_new (void)
{
  FlOutcome *outcome = g_new0 (FlOutcome, 1);

  outcome->metrics = g_ptr_array_new_with_free_func (metric_free);
  outcome->each = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_each_free);
  outcome->notes = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  outcome->artefacts = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_artefact_free);
  return outcome;
}

void
fl_outcome_free (FlOutcome *outcome)
{
  if (outcome == NULL)
    return;
  g_ptr_array_unref (outcome->metrics);
  g_ptr_array_unref (outcome->each);
  g_ptr_array_unref (outcome->notes);
  g_ptr_array_unref (outcome->artefacts);
  g_free (outcome->error);
  g_free (outcome);
}

GVariant *
fl_outcome_to_variant (const FlOutcome *outcome)
{
  GVariantBuilder metrics, each, notes, artefacts;

  g_variant_builder_init (&metrics, G_VARIANT_TYPE ("a" METRIC_TYPE));
  for (guint i = 0; i < outcome->metrics->len; i++)
    {
      const FlMetric *m = g_ptr_array_index (outcome->metrics, i);

      g_variant_builder_add (&metrics, METRIC_TYPE, m->name, m->k, m->group, m->part,
                             (gint) m->direction, m->value, (guint64) m->n);
    }
  g_variant_builder_init (&each, G_VARIANT_TYPE ("a(simsmsiad)"));
  for (guint i = 0; i < outcome->each->len; i++)
    {
      const FlEach *e = g_ptr_array_index (outcome->each, i);

      g_variant_builder_add (&each, EACH_TYPE, e->name, e->k, e->group, e->part, (gint) e->index,
                             g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, e->value, e->n,
                                                        sizeof (double)));
    }
  g_variant_builder_init (&notes, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < outcome->notes->len; i++)
    {
      const FlSetting *note = g_ptr_array_index (outcome->notes, i);
      g_autofree char *key = g_utf8_make_valid (note->key, -1);
      g_autofree char *value = g_utf8_make_valid (note->value, -1);

      g_variant_builder_add (&notes, "(ss)", key, value);
    }
  g_variant_builder_init (&artefacts, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < outcome->artefacts->len; i++)
    {
      const FlArtefact *artefact = g_ptr_array_index (outcome->artefacts, i);
      g_autofree char *text = g_utf8_make_valid (artefact->text, -1);

      g_variant_builder_add (&artefacts, "(ss)", artefact->name, text);
    }
  return g_variant_ref_sink (g_variant_new (OUTCOME_TYPE, &metrics, &each, &notes, &artefacts,
                                            outcome->error));
}

static void
read_metrics (GVariantIter *iter, GPtrArray *metrics)
{
  FlMetric m;
  gint direction;
  guint64 n;

  while (g_variant_iter_next (iter, METRIC_TYPE, &m.name, &m.k, &m.group, &m.part, &direction,
                              &m.value, &n))
    {
      m.direction = (FlDirection) direction;
      m.n = n;
      g_ptr_array_add (metrics, g_memdup2 (&m, sizeof m));
    }
}

static void
read_each (GVariantIter *iter, GPtrArray *each)
{
  FlEach e;
  gint index;
  GVariant *values;

  while (g_variant_iter_next (iter, EACH_TYPE, &e.name, &e.k, &e.group, &e.part, &index, &values))
    {
      gconstpointer numbers = g_variant_get_fixed_array (values, &e.n, sizeof (double));

      e.index = index >= 0 && index < FL_N_INDICES ? (FlIndex) index : FL_INDEX_USER;
      e.value = g_memdup2 (numbers, e.n * sizeof (double));
      g_variant_unref (values);
      g_ptr_array_add (each, g_memdup2 (&e, sizeof e));
    }
}

FlOutcome *
fl_outcome_from_variant (GVariant *variant, GError **error)
{
  g_autoptr (FlOutcome) outcome = fl_outcome_new ();
  g_autoptr (GVariantIter) metrics = NULL, each = NULL, notes = NULL, artefacts = NULL;
  const char *key, *value;

  if (!g_variant_is_of_type (variant, G_VARIANT_TYPE (OUTCOME_TYPE))
      || !g_variant_is_normal_form (variant))
    {
      fl_fail (error, FL_ERROR_SYSTEM, "a worker's answer is not an outcome but '%s'",
               g_variant_get_type_string (variant));
      return NULL;
    }
  g_variant_get (variant, OUTCOME_TYPE, &metrics, &each, &notes, &artefacts, &outcome->error);
  read_metrics (metrics, outcome->metrics);
  read_each (each, outcome->each);
  while (g_variant_iter_next (notes, "(&s&s)", &key, &value))
    g_ptr_array_add (outcome->notes, fl_setting_new (key, value, ""));
  while (g_variant_iter_next (artefacts, "(&s&s)", &key, &value))
    g_ptr_array_add (outcome->artefacts, fl_artefact_new (key, value));
  return g_steal_pointer (&outcome);
}
