/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-mf.h: what the files of this folder share. */
#ifndef BPR_MF_H
#define BPR_MF_H

#include <fairlead/plugin.h>

#define BPR_RANK_MAX 1024

enum
{
  BPR_TEMPERATURE_MULTIPLY,
  BPR_TEMPERATURE_DIVIDE
};

enum
{
  BPR_USER,
  BPR_ITEM,
  BPR_USER_BIAS, /* with biases, a number each */
  BPR_ITEM_BIAS,
  BPR_N_BLOCKS
};

enum
{
  BPR_SINGLE,
  BPR_DOUBLE
};

typedef struct BprStream BprStream;

typedef struct
{
  /* Parameters. */
  int64_t rank;
  double start_scale, tau;
  int start, temperature, schedule, precision;
  gboolean biases, mean;
  FlTrainingSettings training;

  /* State, from start on. */
  const FlRatings *train;
  double offset; /* of all scores: with `mean`, the mean training rating; else 0 */
  FlBlock block[BPR_N_BLOCKS];
  /* Factors of users and items as they were when scores were last prepared, where rows are
   * not: with tau they are at unit length, those of users times the scale; with biases
   * there are two columns more. */
  gpointer factors[2];
  /* What backward works out for each entry of a batch before it adds up rows. */
  size_t n_entries, n_scores;
  double *penalty; /* n_entries    */
  gpointer factor; /* n_scores x 3 */
  BprStream *stream;
} BprMf;

/* What a cosine is multiplied by; 0: scores are plain inner products. */
static inline double
bpr_scale (const BprMf *bpr)
{
  return bpr->temperature == BPR_TEMPERATURE_DIVIDE && bpr->tau > 0 ? 1 / bpr->tau : bpr->tau;
}

/* Numbers in a row of FlFactors. */
static inline size_t
bpr_factor_width (const BprMf *bpr)
{
  return (size_t) bpr->rank + (bpr->biases ? 2 : 0);
}

/* What works on numbers of one precision, bpr-batch.inc; b: BPR_USER or BPR_ITEM. */
typedef struct
{
  size_t size; /* of a number, bytes */
  void (*set_number) (const FlBlock *block, size_t k, double number);
  void (*scores) (const BprMf *bpr, const FlBatch *batch, double *score);
  gboolean (*backward) (BprMf *bpr, const FlBatch *batch, const double *d_score, double l2,
                        FlGradient *gradient, FlGradient *d_delta, GError **error);
  void (*vectors) (const BprMf *bpr, size_t b, size_t n, const uint32_t *index, double *out);
  void (*vectors_back) (const BprMf *bpr, size_t b, size_t n, const uint32_t *index,
                        const double *d_out, FlGradient *gradient);
  void (*factor_row) (const BprMf *bpr, size_t b, uint32_t r, gpointer table);
} BprPrecision;

extern const BprPrecision bpr_single, bpr_double;

/* bpr-stream.c. */
BprStream *bpr_stream_new (const FlRatings *train, GError **error);
void bpr_stream_free (BprStream *stream);
/* One epoch; returns the mean loss of its triples. */
double bpr_stream_epoch (BprStream *stream, const BprMf *bpr, float rate, uint64_t seed,
                         uint64_t epoch);

#endif
