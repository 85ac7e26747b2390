/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ncf.h: what the files of ncf share. */
#ifndef FL_NCF_H
#define FL_NCF_H

#include <fairlead/plugin.h>

#define NCF_LAYERS_MAX 16
#define NCF_BLOCKS_MAX (4 + 2 * NCF_LAYERS_MAX + 1)

/* Where a parameter is among the blocks. */
enum
{
  NCF_GMF_USER,
  NCF_GMF_ITEM,
  NCF_MLP_USER,
  NCF_MLP_ITEM,
  NCF_WEIGHTS /* W1, b1, W2, b2 ..., h */
};

/* The weights from one table of inputs to a layer, both ways, padded with zeros: of
 * the first layer there are two, for it takes a user's and an item's vector. */
typedef struct
{
  size_t layer;         /* to which, from 0                         */
  size_t n_in, n_out;   /* numbers                                  */
  size_t column;        /* of W, where its inputs begin             */
  size_t in, out;       /* padded                                   */
  float *forward;       /* in x out                                 */
  float *backward;      /* out x in                                 */
  size_t partial;       /* where its derivative, out x in, begins   */
} NcfWeights;

/* Indices of NcfWeights: of layer l > 0, l + 1. */
#define NCF_FROM_USER 0
#define NCF_FROM_ITEM 1

typedef struct NcfWork NcfWork;

typedef struct
{
  int64_t gmf_rank, mlp_rank;
  FlInts layers;
  double start_scale;
  FlTrainingSettings training;

  uint32_t n_users, n_items;
  size_t n_blocks;
  FlBlock block[NCF_BLOCKS_MAX];
  char *name[NCF_BLOCKS_MAX];

  /* Of the parameters, once they are packed. */
  gboolean packed, prepared; /* item_hidden too */
  NcfWeights weights[NCF_LAYERS_MAX + 1];
  float *bias[NCF_LAYERS_MAX]; /* padded                              */
  float *output;               /* h of the last layer, padded         */
  float *item_hidden;          /* n_items x out of the first layer, of the item alone */

  size_t bias_partial[NCF_LAYERS_MAX]; /* where its derivative begins */
  size_t output_partial;               /* that of h: GMF, then the last layer, padded */
  size_t n_partial;
  NcfWork *work;
} Ncf;

static inline size_t
ncf_last (const Ncf *ncf)
{
  return ncf->layers.n - 1;
}

/* Numbers to a row of layer l, padded. */
static inline size_t
ncf_width (const Ncf *ncf, size_t l)
{
  return ncf->weights[l + 1].out;
}

/* The user's part of the first layer: bias and all.  x: padded. */
void ncf_user_hidden (const Ncf *ncf, size_t n, const float *x, float *hidden);
/* The item's part. */
void ncf_item_hidden (const Ncf *ncf, size_t n, const float *x, float *hidden);
/* The first layer of a pair, m numbers padded; z may be `item`. */
void ncf_first_layer (size_t m, const float *user, const float *item, float *z);
/* Layers above the first, of n rows: z[l] from z[l - 1]. */
void ncf_layers (const Ncf *ncf, size_t n, float *const *z);

gboolean ncf_scores (gpointer self, const FlBatch *batch, double *score, GError **error);
gboolean ncf_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
                       FlGradient *gradient, FlGradient *d_delta, GError **error);
void ncf_pack (Ncf *ncf);
void ncf_work_free (NcfWork *work);

#endif
