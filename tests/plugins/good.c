/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A plugin without fault, to live beside the broken ones. */
#include <fairlead/plugin.h>

typedef struct
{
  double power;
  int64_t low, high;
  char *label;
  char *kept; /* made by check, freed by clear */
} Good;

static const FlParam params[] = {
  FL_DOUBLE (Good, power, 2.0, 1.0, 4.0, NULL, "exponent"),
  FL_INT (Good, low, 1, 0, 10, NULL, "lower end"),
  FL_INT (Good, high, 5, 0, 10, NULL, "upper end, not below low"),
  FL_STRING (Good, label, "plain", "any words"),
  FL_PARAM_END
};

static const FlValue values[] = {
  { .name = "good", .direction = FL_HIGHER_IS_BETTER, .unit = "points", .doc = "always 1" },
  FL_VALUE_END
};

static gboolean
good_check (gconstpointer self, GError **error)
{
  const Good *good = self;

  if (good->low > good->high)
    return fl_fail (error, FL_ERROR_CONFIG, "low = %d is above high = %d", (int) good->low,
                    (int) good->high);
  return TRUE;
}

static gboolean
good_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  (void) self;
  (void) view;
  (void) error;
  fl_result_set (result, 0, 1.0);
  return TRUE;
}

static void
good_clear (gpointer self)
{
  Good *good = self;

  g_clear_pointer (&good->kept, g_free);
}

FL_PLUGIN (
  .name      = "good",
  .summary   = "a plugin without fault",
  .licence   = "LGPL-3.0-or-later",
  .version   = "1.2",
  .params    = params,
  .self_size = sizeof (Good),
  .check     = good_check,
  .clear     = good_clear,
  FL_OBJECTIVE (.values = values, .evaluate = good_evaluate)
);
