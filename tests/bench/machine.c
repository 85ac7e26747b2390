/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* machine.c: the machine's own figures, from which limits are reckoned. */
#include "tests/bench/bench.h"

#include <cblas.h>
#include <string.h>

#define GEMM 2048
#define GEMM_FLOP (2.0 * GEMM * GEMM * GEMM)
#define COPY_BYTES ((size_t) 256 << 20)
/* As many rows of 256 bytes as the 20M shape has users at rank 64. */
#define TABLE_ROWS 138000
#define ROW_BYTES 256
#define ROWS_READ 4000000
#define ROWS_AHEAD 16

typedef struct
{
  char *from, *to;
  uint32_t *row;
} Memory;

static void
copy (gpointer user_data)
{
  Memory *memory = user_data;

  memcpy (memory->to, memory->from, COPY_BYTES);
}

static void
read_rows (gpointer user_data)
{
  Memory *memory = user_data;

  for (size_t k = 0; k + ROWS_AHEAD < ROWS_READ; k++)
    {
      const char *next = memory->from + (size_t) memory->row[k + ROWS_AHEAD] * ROW_BYTES;

      for (size_t byte = 0; byte < ROW_BYTES; byte += 64)
        __builtin_prefetch (next + byte);
      memcpy (memory->to + k % 64 * ROW_BYTES,
              memory->from + (size_t) memory->row[k] * ROW_BYTES, ROW_BYTES);
    }
}

static void
multiply_f32 (gpointer user_data)
{
  float *x = user_data;

  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1, x, GEMM,
               x + GEMM * GEMM, GEMM, 0, x + 2 * GEMM * GEMM, GEMM);
}

static void
multiply_f64 (gpointer user_data)
{
  double *x = user_data;

  cblas_dgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1, x, GEMM,
               x + GEMM * GEMM, GEMM, 0, x + 2 * GEMM * GEMM, GEMM);
}

/* x: room for three matrices of doubles. */
static void
measure_gemm (Machine *machine, double *x)
{
  float *x32 = (float *) x;
  double seconds;

  for (size_t k = 0; k < 2 * GEMM * GEMM; k++)
    x32[k] = (float) (k % 7);
  seconds = bench_time (multiply_f32, x);
  machine->sgemm = GEMM_FLOP / seconds;
  bench_print ("machine: sgemm 2048", 1, seconds, GEMM_FLOP, "flop", 0);
  for (size_t k = 0; k < 2 * GEMM * GEMM; k++)
    x[k] = (double) (k % 7);
  seconds = bench_time (multiply_f64, x);
  machine->dgemm = GEMM_FLOP / seconds;
  bench_print ("machine: dgemm 2048", 1, seconds, GEMM_FLOP, "flop", 0);
}

static void
measure_memory (Machine *machine, Memory *memory)
{
  FlRng rng = fl_rng (1, "machine", 0);
  double seconds = bench_time (copy, memory);

  machine->copy_bytes = (double) COPY_BYTES / seconds;
  bench_print ("machine: copy", 1, seconds, (double) COPY_BYTES, "byte", 0);
  for (size_t k = 0; k < ROWS_READ; k++)
    memory->row[k] = fl_rng_below (&rng, TABLE_ROWS);
  seconds = bench_time (read_rows, memory);
  machine->rows = ROWS_READ / seconds;
  bench_print ("machine: random rows of 256 bytes", 1, seconds, ROWS_READ, "row", 0);
}

Machine
machine_measure (void)
{
  GError *error = NULL;
  Machine machine = { 0 };
  g_autofree double *x = fl_table_alloc (3 * GEMM * GEMM, sizeof (double), &error);
  g_autofree char *from = fl_table_alloc (COPY_BYTES, 1, &error);
  g_autofree char *to = fl_table_alloc (COPY_BYTES, 1, &error);
  g_autofree uint32_t *row = fl_alloc (ROWS_READ, sizeof *row, &error);

  if (error != NULL)
    bench_fail (error);
  measure_gemm (&machine, x);
  measure_memory (&machine, &(Memory) { from, to, row });
  return machine;
}
