/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A family of faulty descriptors and one good one: each is judged alone. */
#include "specimen.h"

#include <math.h>

typedef struct
{
  double x;
  int64_t n;
  char *arm;
  int word;
  FlDoubles list;
} Self;

static gboolean
faulty_fit (gpointer self, const FlData *data, FlRun *run, GError **error)
{
  (void) self;
  (void) data;
  (void) run;
  (void) error;
  return TRUE;
}

static void
faulty_factors (gconstpointer self, FlFactors *factors)
{
  (void) self;
  (void) factors;
}

/* One descriptor with one parameter. */
#define WITH_PARAM(variable, text, ...) \
  static const FlParam variable##_params[] = { __VA_ARGS__, FL_PARAM_END }; \
  static const FlPlugin variable = FL_DESCRIPTOR ( \
    .name = text, .summary = "faulty", .self_size = sizeof (Self), \
    .params = variable##_params, SPECIMEN_OBJECTIVE)

WITH_PARAM (outside, "default-outside", FL_DOUBLE (Self, x, 5, 0, 1, NULL, "a number"));
WITH_PARAM (not_a_number, "default-nan", FL_DOUBLE (Self, x, NAN, 0, 1, NULL, "a number"));
WITH_PARAM (order, "range-order", FL_INT (Self, n, 1, 2, 1, NULL, "a number"));
WITH_PARAM (broken, "broken-int", FL_INT (Self, n, 1.5, 1, 2, NULL, "a number"));
WITH_PARAM (word, "no-such-word", FL_CHOICE (Self, word, 2, "one|two", "a word"));
WITH_PARAM (list, "list-default", FL_DOUBLES (Self, list, "0.5; 7", 0, 1, NULL, "numbers"));
WITH_PARAM (silent, "no-doc", FL_DOUBLE (Self, x, 0, 0, 1, NULL, NULL));
WITH_PARAM (twice, "twice", FL_DOUBLE (Self, x, 0, 0, 1, NULL, "a number"),
            FL_DOUBLE (Self, x, 0, 0, 1, NULL, "a number"));
WITH_PARAM (beyond, "beyond",
            { .type = FL_TYPE_DOUBLE, .name = "far", .offset = sizeof (Self), .max = 1,
              .doc = "lies outside" });
WITH_PARAM (type, "odd-type", { .type = (FlType) 99, .name = "odd", .doc = "odd" });

WITH_PARAM (unlisted, "arm-without-lists", FL_ARM (Self, arm, "an arm"));

static const FlPlugin nameless = FL_DESCRIPTOR (.summary = "faulty", SPECIMEN_OBJECTIVE);
static const FlPlugin path = FL_DESCRIPTOR (.name = "../up", .summary = "faulty",
                                            SPECIMEN_OBJECTIVE);
static const FlPlugin mute = FL_DESCRIPTOR (.name = "no-summary", SPECIMEN_OBJECTIVE);
static const FlPlugin no_ops = FL_DESCRIPTOR (.name = "no-ops", .summary = "faulty");
static const FlPlugin kind = FL_DESCRIPTOR (.name = "odd-kind", .summary = "faulty",
                                            .kind = (FlKind) 9, .ops = &specimen_values);
static const FlPlugin no_evaluate = FL_DESCRIPTOR (
  .name = "no-evaluate", .summary = "faulty", FL_OBJECTIVE (.values = specimen_values));
static const FlPlugin no_values = FL_DESCRIPTOR (
  .name = "no-values", .summary = "faulty", FL_OBJECTIVE (.evaluate = specimen_evaluate));
static const FlPlugin no_load = FL_DESCRIPTOR (.name = "no-load", .summary = "faulty",
                                               FL_SOURCE (.seeded = TRUE));
static const FlPlugin no_fit = FL_DESCRIPTOR (.name = "no-fit", .summary = "faulty",
                                              FL_MODEL (.score = NULL));
static const FlPlugin half_closed = FL_DESCRIPTOR (
  .name = "half-closed", .summary = "faulty",
  FL_MODEL (.fit = faulty_fit, .factors = faulty_factors, FL_CLOSED_FORM (.start = NULL)));
static const FlPlugin no_stage = FL_DESCRIPTOR (.name = "no-stage", .summary = "faulty",
                                                FL_MITIGATOR (.train = NULL));
static const FlPlugin sound = FL_DESCRIPTOR (.name = "sound", .summary = "not faulty",
                                             SPECIMEN_OBJECTIVE);

FL_PLUGINS (&outside, &not_a_number, &order, &broken, &word, &list, &silent, &twice, &beyond,
            &type, &unlisted, &nameless, &path, &mute, &no_ops, &kind, &no_evaluate, &no_values, &no_load,
            &no_fit, &half_closed, &no_stage, &sound);
