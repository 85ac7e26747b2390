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

static gboolean
faulty_score (gconstpointer self, size_t n_users, const uint32_t *user, size_t n_items,
              const uint32_t *item, double *out, GError **error)
{
  (void) self;
  (void) user;
  (void) item;
  (void) error;
  for (size_t k = 0; k < n_users * n_items; k++)
    out[k] = 0;
  return TRUE;
}

static gboolean
faulty_start (gpointer self, const FlRatings *train, const FlClosedFormStart *start,
              GError **error)
{
  (void) self;
  (void) train;
  (void) start;
  (void) error;
  return TRUE;
}

static gboolean
faulty_sweep (gpointer self, GError **error)
{
  (void) self;
  (void) error;
  return TRUE;
}

static double
faulty_worth (gconstpointer self)
{
  (void) self;
  return 0;
}

static gboolean
faulty_converge (gpointer self, FlRun *run, GError **error)
{
  (void) self;
  (void) run;
  (void) error;
  return TRUE;
}

static gboolean
faulty_back (gpointer self, const double *item_before, const double *user, const double *item,
             double *d_user, double *d_item, double *d_lambda_user, double *d_lambda_item,
             GError **error)
{
  (void) self;
  (void) item_before;
  (void) user;
  (void) item;
  (void) d_user;
  (void) d_item;
  (void) d_lambda_user;
  (void) d_lambda_item;
  (void) error;
  return TRUE;
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
static const FlPlugin no_layout = FL_DESCRIPTOR (
  .name = "no-layout", .summary = "faulty",
  FL_MODEL (.fit = faulty_fit, .score = faulty_score,
            FL_CLOSED_FORM (.start = faulty_start, .sweep = faulty_sweep,
                            .objective = faulty_worth, .converge = faulty_converge,
                            .sweep_back = faulty_back)));
static const FlPlugin no_stage = FL_DESCRIPTOR (.name = "no-stage", .summary = "faulty",
                                                FL_MITIGATOR (.train = NULL));
static const FlPlugin sound = FL_DESCRIPTOR (.name = "sound", .summary = "not faulty",
                                             SPECIMEN_OBJECTIVE);

FL_PLUGINS (&outside, &not_a_number, &order, &broken, &word, &list, &silent, &twice, &beyond,
            &type, &unlisted, &nameless, &path, &mute, &no_ops, &kind, &no_evaluate, &no_values, &no_load,
            &no_fit, &half_closed, &no_layout, &no_stage, &sound);
