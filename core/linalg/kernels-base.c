/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* kernels-base.c: kernels for what every processor of the architecture has. */
#define KERNELS fl_kernels_base
#define KERNELS_NAME "base"
#define VECTOR_BYTES 16
/* aarch64 has 32 vector registers, x86-64 has 16 below AVX-512. */
#ifdef __aarch64__
#define TILE_ROWS 8
#define RANK_USERS 12
#else
#define TILE_ROWS 4
#define RANK_USERS 6
#endif
#define PANEL 8
#include "core/linalg/kernels.inc"
