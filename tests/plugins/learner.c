/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The model of tests/support as a plugin, for tests of pipelines. */
#include "tests/support/learner.h"

FL_PLUGINS (&learner_plugin);
