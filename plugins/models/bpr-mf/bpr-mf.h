/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bpr-mf.h: what the files of this folder share. */
#ifndef BPR_MF_H
#define BPR_MF_H

#include <fairlead/plugin.h>

#define BPR_RANK_MAX 1024

enum
{
  BPR_USER,
  BPR_ITEM,
  BPR_N_BLOCKS
};

typedef struct BprStream BprStream;

typedef struct
{
  /* Parameters. */
  int64_t rank;
  double start_scale, tau;
  int start, temperature, schedule;
  FlTrainingSettings training;

  /* State, from start on. */
  const FlRatings *train;
  FlBlock block[BPR_N_BLOCKS];
  /* With tau: the rows at unit length, those of users times the scale, as they were when
   * scores were last prepared. */
  float *unit[BPR_N_BLOCKS];
  /* What backward works out for each entry of a batch before it adds up rows. */
  size_t n_entries, n_scores;
  double *penalty; /* n_entries    */
  float *factor;   /* n_scores x 3 */
  BprStream *stream;
} BprMf;

/* What a cosine is multiplied by; 0: scores are plain inner products. */
double bpr_scale (const BprMf *bpr);

/* FlGradientOps, bpr-batch.c. */
gboolean bpr_scores (gpointer self, const FlBatch *batch, double *score, GError **error);
gboolean bpr_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
                       FlGradient *gradient, FlGradient *d_delta, GError **error);
gboolean bpr_vectors (gpointer self, FlSide side, size_t n, const uint32_t *index, double *out,
                      GError **error);
gboolean bpr_vectors_back (gpointer self, FlSide side, size_t n, const uint32_t *index,
                           const double *d_out, FlGradient *gradient, GError **error);

/* bpr-stream.c. */
BprStream *bpr_stream_new (const FlRatings *train, GError **error);
void bpr_stream_free (BprStream *stream);
/* One epoch; returns the mean loss of its triples. */
double bpr_stream_epoch (BprStream *stream, const BprMf *bpr, float rate, uint64_t seed,
                         uint64_t epoch);

#endif
