/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* kernels-v3.c: kernels for x86-64-v3 (AVX2 and FMA: Haswell, Zen). */
#include "core/linalg/linalg-room.h"

#if FL_KERNELS_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__ ((target ("arch=x86-64-v3"))), apply_to = function)
#else
#pragma GCC target("arch=x86-64-v3")
#endif
#define KERNELS fl_kernels_v3
#define KERNELS_NAME "v3"
#define VECTOR_BYTES 32
#define TILE_ROWS 4
#define PANEL 8
#define RANK_USERS 6
#include "core/linalg/kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
