/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz.h: what a fuzz target is: a function that takes any bytes and returns 0,
 * having crashed, hung or leaked if something is wrong. */
#ifndef FUZZ_H
#define FUZZ_H

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#endif
