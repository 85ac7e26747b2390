/* SPDX-License-Identifier: LGPL-3.0-or-later */
#define REAL float
#define NORMAL fl_normal_f32
#define CHOLESKY_SOLVE fl_cholesky_solve_f32
#define DOT fl_dot_f32
#define DOT_ROWS fl_dot_rows_f32
#define EPSILON FLT_EPSILON
#define PRECISION als_single
#include "als-rows.inc"
