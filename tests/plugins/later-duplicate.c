/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Takes a name that is taken. */
#include "specimen.h"

FL_PLUGIN (
  .name = "good",
  .summary = "second of its name",
  SPECIMEN_OBJECTIVE
);
