/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* params.h: the value of a parameter; inside this room. */
#ifndef FL_PLUGIN_PARAMS_H
#define FL_PLUGIN_PARAMS_H

#include "core/plugin/plugin-room.h"

/* Large enough for the field of any parameter. */
typedef union
{
  double real;
  int64_t whole;
  gboolean truth;
  int choice;
  char *text;
  FlDoubles reals;
  FlInts wholes;
  FlInstance *instance;
} FlField;

/* Parses `text` into `field`, which holds nothing yet.  A FL_TYPE_PLUGIN is
 * only checked for form. */
gboolean fl_field_parse (const FlParam *param, FlField *field, const char *text, GError **error);
/* Frees what fl_field_parse allocated: not the instance of a FL_TYPE_PLUGIN. */
void fl_field_clear (FlType type, FlField *field);

#endif
