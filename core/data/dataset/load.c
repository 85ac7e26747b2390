/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load.c: runs a source and makes a dataset of what it tells. */
#include "core/data/dataset/dataset-parts.h"

/* Reads all again to say where the ratings of the pair are. */
static void
note_places (const FlInstance *source, const FlIngest *ingest, uint64_t seed, const FlTwin *twin,
             GError **mistake)
{
  g_autoptr (FlBuilder) builder = fl_builder_new (ingest);
  const GPtrArray *places = fl_builder_seek (builder, twin->user, twin->item);
  g_autoptr (GString) message = g_string_new ((*mistake)->message);

  if (fl_source_load (source, seed, builder, NULL) && places->len > 1)
    g_string_append_printf (message, ": %s and %s", (const char *) places->pdata[0],
                            (const char *) places->pdata[1]);
  if (twin->n > 1)
    g_string_append_printf (message, "; %zu ratings repeat a pair", twin->n);
  g_string_append (message, "; [data] duplicates = first, last or mean keeps one of each pair");
  g_clear_error (mistake);
  fl_fail (mistake, FL_ERROR_DATA, "%s", message->str);
}

FlDataset *
fl_dataset_load (const FlInstance *source, const FlIngest *ingest, uint64_t seed, GError **error)
{
  g_autoptr (FlBuilder) builder = fl_builder_new (ingest);
  FlRawData *raw;
  FlDataset *dataset = NULL;
  FlTwin twin = { .user = NULL };
  GError *mistake = NULL;

  if (fl_source_load (source, seed, builder, &mistake))
    {
      raw = fl_builder_raw (builder, &mistake);
      if (raw != NULL)
        dataset = fl_dataset_build (raw, fl_builder_ingest (builder)->duplicates, &twin, &mistake);
    }
  if (twin.user != NULL)
    note_places (source, ingest, seed, &twin, &mistake);
  g_free (twin.user);
  g_free (twin.item);
  if (dataset == NULL)
    g_propagate_prefixed_error (error, mistake, "source %s: ", source->plugin->name);
  return dataset;
}
