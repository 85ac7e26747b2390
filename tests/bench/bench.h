/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bench.h: what the benchmarks share.  A benchmark prints
 *
 *   {"name": .., "threads": .., "seconds": .., "throughput": .., "unit": ..,
 *    "limit_seconds": .., "of_limit": ..}
 *
 * seconds: the median of several runs; limit_seconds: the least that the
 * machine's own figures allow, by the formula beside the benchmark (or a bound
 * given in seconds), null when there is none; of_limit = seconds / limit_seconds.
 */
#ifndef FL_BENCH_H
#define FL_BENCH_H

#include "core/data/shaping/shaping-room.h"
#include "core/plugin/plugin-room.h"
#include "core/run/run-room.h"

/* What this machine does on one thread, measured in this process. */
typedef struct
{
  double copy_bytes;  /* per second, read and written counted once */
  double sgemm, dgemm; /* flop per second at 2048                  */
  double rows;        /* random rows of 256 bytes per second       */
} Machine;

typedef struct
{
  const char *pattern; /* or NULL: all */
  Machine machine;
  FlRegistry *registry;
  /* Made when first asked for. */
  FlRatings *ratings_20m, *ratings_100k, *ratings_itfr;
  double ratings_20m_bytes; /* by how much they enlarged the process */
} Bench;

/* How often a benchmark runs. */
#define BENCH_RUNS 5

typedef void (*BenchWork) (gpointer user_data);

double bench_now (void); /* seconds */
gboolean bench_wanted (const Bench *bench, const char *name);
/* Median seconds of BENCH_RUNS runs of `work`, after one that is not counted. */
double bench_time (BenchWork work, gpointer user_data);
/* amount: of `unit`, done in each run.  limit 0: none. */
void bench_print (const char *name, int threads, double seconds, double amount, const char *unit,
                  double limit);
/* Ends the program. */
void bench_fail (GError *error) G_GNUC_NORETURN;
/* "VmRSS" or "VmHWM" of this process, in bytes; bench_reset_peak lets VmHWM
 * begin anew. */
double bench_memory (const char *field);
void bench_reset_peak (void);

FlInstance *bench_instance (const Bench *bench, FlKind kind, const char *name,
                            const char *settings);

Machine machine_measure (void);

/* Seeded ratings shaped like MovieLens-20M: 138,000 users x 27,000 items at
 * scale 1, 20 million ratings; a power law on both sides, the top 1% of items
 * hold 30%, median user 84, largest about 7,000, largest item about 53,000.
 * Smaller scales have that many fewer users and items. */
FlRatings *ratings_like_20m (double scale);
const FlRatings *ratings_20m (Bench *bench);
/* Seeded ratings shaped like the MovieLens split of ITFR: 5,977 users x 1,200 items,
 * 276,577 ratings. */
const FlRatings *ratings_itfr (Bench *bench);
/* MovieLens-100K, from FAIRLEAD_DATA; NULL when that is not there. */
const FlRatings *ratings_100k (Bench *bench);

void bench_als (Bench *bench);
void bench_bpr (Bench *bench);
void bench_ingest (Bench *bench);
void bench_networks (Bench *bench);
void bench_rank (Bench *bench);
void bench_split (Bench *bench);
void bench_train (Bench *bench);
void bench_startup (const Bench *bench);
void bench_simulator (const Bench *bench);

/* Before main: `benchmark` is run behind the others; for those in plugins' folders. */
#define BENCH(benchmark)                                                                           \
  static void __attribute__ ((constructor)) announce_##benchmark (void)                            \
  {                                                                                                \
    bench_announce (benchmark);                                                                    \
  }
typedef void (*Benchmark) (Bench *bench);
void bench_announce (Benchmark benchmark);

#endif
