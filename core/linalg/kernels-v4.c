/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* kernels-v4.c: kernels for x86-64-v4 (AVX-512: Skylake-X, Zen 4). */
#include "core/linalg/linalg-room.h"

#if FL_KERNELS_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__ ((target ("arch=x86-64-v4"))), apply_to = function)
#else
#pragma GCC target("arch=x86-64-v4")
#endif
#define KERNELS fl_kernels_v4
#define KERNELS_NAME "v4"
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#define PANEL 16
#define RANK_USERS 14
#include "core/linalg/kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
