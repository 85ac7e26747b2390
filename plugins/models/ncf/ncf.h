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

/* The tables that the first layer takes. */
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

  FlLayers *tower;    /* of the MLP vectors of a user and an item            */

  /* Of the parameters, once they are packed. */
  gboolean packed, prepared;
  float *output;      /* h of the last layer, padded                         */
  float *item_hidden; /* n_items x width of the first layer, of the item alone */
  NcfWork *work;
} Ncf;

/* Numbers to a row of the first layer, and of the last one, padded. */
static inline size_t
ncf_first_width (const Ncf *ncf)
{
  return fl_layers_width (ncf->tower, 1);
}

static inline size_t
ncf_last_width (const Ncf *ncf)
{
  return fl_layers_width (ncf->tower, ncf->layers.n);
}

/* z_1 of a pair, m numbers padded, from the user's part and the item's; z may be `item`. */
void ncf_first_layer (size_t m, const float *user, const float *item, float *z);

gboolean ncf_scores (gpointer self, const FlBatch *batch, double *score, GError **error);
gboolean ncf_backward (gpointer self, const FlBatch *batch, const double *d_score, double l2,
                       FlGradient *gradient, FlGradient *d_delta, GError **error);
/* Weights as the products take them. */
void ncf_pack (Ncf *ncf);
void ncf_work_free (NcfWork *work);

#endif
