/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-pipeline: any bytes as a pipeline file, and those behind a byte 0xff, which
 * no text has, as a --set.  Either an error that says what and where, or cells
 * that come back whole from their way to a worker. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/run/run-room.h"

/* The toys are part of the target, so that it needs no search for plugins. */
#include "tests/plugins/toys.c"
#include "tests/plugins/toys.h"

static void
check_cell (const FlCell *cell, const FlRegistry *registry)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (fl_cell_to_variant (cell));
  g_autoptr (GError) error = NULL;
  g_autoptr (FlCell) copy = fl_cell_from_variant (variant, &error);
  g_autofree char *before = fl_cell_canonical (cell);
  g_autofree char *after = fl_cell_canonical (copy);
  g_autofree char *said = fl_cell_describe (cell);
  g_autofree char *heard = fl_cell_describe (copy);
  g_autoptr (FlInstance) model
      = fl_cell_instance (copy, registry, FL_KIND_MODEL, copy->model, &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpstr (said, ==, heard);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static FlRegistry *registry;
  const char *text = (const char *) data;
  const uint8_t *mark = size > 0 ? memchr (data, 0xff, size) : NULL;
  size_t length = mark != NULL ? (size_t) (mark - data) : size;
  g_autofree char *set = mark != NULL ? g_strndup (text + length + 1, size - length - 1) : NULL;
  const char *const sets[] = { set, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (FlPipeline) pipeline = NULL;

  if (registry == NULL)
    registry = toys_registry_new ();
  pipeline = fl_pipeline_parse ("p.conf", text, length, registry, set != NULL ? sets : NULL, NULL,
                                &error);
  if (pipeline == NULL)
    {
      g_assert_error (error, FL_ERROR, FL_ERROR_CONFIG);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_true (g_str_has_prefix (error->message, "p.conf:")
                     || g_str_has_prefix (error->message, "--set"));
      return 0;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (pipeline->cells->len, >, 0);
  check_cell (g_ptr_array_index (pipeline->cells, 0), registry);
  check_cell (g_ptr_array_index (pipeline->cells, pipeline->cells->len - 1), registry);
  return 0;
}
