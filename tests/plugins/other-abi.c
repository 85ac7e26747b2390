/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Built for an interface of the future. */
#include "specimen.h"

static const FlPlugin plugin = {
  .struct_size = sizeof (FlPlugin),
  .api_version = FL_API_VERSION + 1,
  .name = "other-abi",
  .summary = "from another time",
  SPECIMEN_OBJECTIVE
};
FL_PLUGINS (&plugin);
