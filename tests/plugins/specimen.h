/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* specimen.h: the parts that broken plugins have in common. */
#ifndef SPECIMEN_H
#define SPECIMEN_H

#include <fairlead/plugin.h>

static const FlValue specimen_values[] = {
  { .name = "nothing", .direction = FL_NO_DIRECTION },
  FL_VALUE_END
};

static inline gboolean
specimen_evaluate (gconstpointer self, const FlView *view, FlResult *result, GError **error)
{
  (void) self;
  (void) view;
  (void) result;
  (void) error;
  return TRUE;
}

#define SPECIMEN_OBJECTIVE \
  FL_OBJECTIVE (.values = specimen_values, .evaluate = specimen_evaluate)

#endif
