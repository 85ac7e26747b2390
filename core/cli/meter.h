/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* meter.h: how far a run is, on standard error. */
#ifndef FL_CLI_METER_H
#define FL_CLI_METER_H

#include "core/run/run-room.h"

typedef struct Meter Meter;

Meter *meter_new (gboolean quiet);
/* Ends the line. */
void meter_free (Meter *meter);
/* FlRunReport; the meter is its user_data. */
void meter_report (gpointer meter, const FlRunStatus *status);

#endif
