/* SPDX-License-Identifier: LGPL-3.0-or-later */
#define REAL float
#define NORMAL fl_normal_f32
#define CHOLESKY_SOLVE fl_cholesky_solve_f32
#define DOT_ROWS fl_dot_rows_f32
#define PRECISION als_single
#include "als-rows.inc"
