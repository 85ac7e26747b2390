/* SPDX-License-Identifier: LGPL-3.0-or-later */
#define REAL double
#define NORMAL fl_normal_f64
#define CHOLESKY_SOLVE fl_cholesky_solve_f64
#define DOT fl_dot_f64
#define DOT_ROWS fl_dot_rows_f64
#define EPSILON DBL_EPSILON
#define PRECISION als_double
#include "als-rows.inc"
