/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* keys.c: the host's keys of [evaluate], of objectives and of [rounds]. */
#include "core/pipeline/load.h"

const FlParam fl_evaluate_params[] = {
  FL_STRING (FlEvaluateKeys, objectives, NULL,
             "names of [objective NAME] groups or of plugins, separated by ';'"),
  FL_INTS (FlEvaluateKeys, k, "", 1, 1000000, NULL, "lengths of the top-K lists"),
  FL_PARAM_END
};

const FlParam fl_rounds_params[] = {
  FL_INT (FlRoundsKeys, n, 10, 1, 100000, "rounds", "how often the arm is trained"),
  FL_INT (FlRoundsKeys, k, 10, 1, 1000000, "items", "what each user is recommended in a round"),
  FL_CHOICE (FlRoundsKeys, hidden, 0, "validation|test",
             "ratings that tell the response how users fit; test: of synthetic data whose test "
             "part is the truth"),
  FL_PLUGIN_PARAM (FlRoundsKeys, response, FL_KIND_MITIGATOR, NULL,
                   "how users respond: a [mitigator NAME] group or a plugin"),
  FL_PARAM_END
};

FlPart
fl_rounds_hidden (const FlRoundsKeys *keys)
{
  return keys->hidden == 0 ? FL_PART_VALIDATION : FL_PART_TEST;
}

const FlParam fl_objective_params[] = {
  FL_CHOICE (FlObjectiveKeys, on, FL_PART_TEST, "train|validation|test",
             "the ratings it is measured on"),
  FL_PARAM_END
};
