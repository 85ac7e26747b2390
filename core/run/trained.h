/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* trained.h: a trained model with the split that it was trained on, and all that cells
 * which share it look at: made once for all of them. */
#ifndef FL_TRAINED_H
#define FL_TRAINED_H

#include "core/run/run-room.h"

FL_BEGIN_DECLS

typedef struct
{
  char *name;            /* fl_training_name                                 */
  FlRun *run;            /* its notes are those of the training              */
  FlCheckpoints checkpoints;
  FlSplit *split;
  FlInstance *model;
  GPtrArray *mitigators; /* FlInstance: those that act before or in training */
  GPtrArray *artefacts;  /* FlArtefact: what they added                      */
  gboolean is_trained;
  char *grouped;         /* by whose errors its groups were made; NULL: not yet */
  /* Private: */
  char *prefix;          /* of checkpoints                                   */
  FlData data;           /* what the next stage sees                         */
  FlRatings *augmented;  /* data.train, once a mitigator changed it          */
  FlView *views[3], *blank[3]; /* by FlPart; NULL until one is looked at     */
  FlRanked best[3];  /* the longest lists that were asked for            */
  uint32_t *arrival;
  GHashTable *reranked;  /* text -> FlRanked                                 */
} FlTrained;

FlTrained *fl_trained_new (const FlTrainedSetup *setup, const char *name, uint64_t seed);
void fl_trained_free (FlTrained *trained);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlTrained, fl_trained_free)

/* From plugins as the cell configures them to a model trained on the split as it is. */
gboolean fl_trained_learn (FlTrained *trained, const FlCell *cell, const FlRegistry *registry,
                           const FlDataset *dataset, GError **error);
/* Forgets all that was learnt, but not the split. */
void fl_trained_forget (FlTrained *trained);
/* Forgets what was looked at: the split's groups have changed. */
void fl_trained_forget_views (FlTrained *trained);

/* The ratings of a part; NULL: the split has none. */
const FlRatings *fl_trained_ratings (const FlTrained *trained, FlPart part);
/* A view of a part, and one without its ratings, which who makes lists may not see. */
const FlView *fl_trained_view (FlTrained *trained, FlPart part, GError **error);
const FlView *fl_trained_blank_view (FlTrained *trained, FlPart part, GError **error);
/* The n best of each user that ratings of the part may judge, with scores or perhaps without:
 * lent until the next call, or `owned` by the caller. */
gboolean fl_trained_best (FlTrained *trained, FlPart part, size_t n, gboolean scored,
                          FlRanked *owned, const FlRanked **best, GError **error);
/* The order in which users come; NULL with an error when there is no memory. */
const uint32_t *fl_trained_arrival (FlTrained *trained, GError **error);

struct FlTrainedSet
{
  FlTrainedSetup setup;
  const FlDataset *dataset;
  GHashTable *by_name; /* name -> FlTrained */
};

/* The set's own; entered, with nothing learnt, if it is not there yet. */
FlTrained *fl_trained_set_find (FlTrainedSet *set, const char *name, uint64_t seed);

FL_END_DECLS

#endif
