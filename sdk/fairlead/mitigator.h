/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mitigator.h: plugins that intervene.  Part of plugin.h; include that. */
#ifndef FAIRLEAD_MITIGATOR_H
#define FAIRLEAD_MITIGATOR_H

#include <fairlead/view.h>

FL_BEGIN_DECLS

typedef enum
{
  FL_MODEL_FACTORS = 1 << 0,
  FL_MODEL_CLOSED_FORM = 1 << 1,
  FL_MODEL_GRADIENT = 1 << 2
} FlCapability;

struct FlStage
{
  const FlData *data;
  FlInstance *model; /* augment: as configured, for trial fits; train: to be fitted;
                        project: fitted                                              */
  FlRun *run;
};

/* One round of a closed loop. */
typedef struct
{
  uint32_t round;          /* from 0                                            */
  uint64_t seed;           /* of this round                                     */
  const FlData *data;      /* train: what is known before the response          */
  const FlRatings *hidden; /* ratings that tell the users' fit and nobody trains on */
  const FlLists *lists;    /* what each user is recommended                     */
  uint8_t *consumed;       /* n_users x k: to be 1 where the user takes the item ... */
  double *rating;          /* ... with the rating that is known from then on     */
  uint8_t *gone;           /* n_items: to be 1 where a provider leaves; stays   */
} FlRound;

/* A mitigator implements one stage or several; the host calls them in this
 * order: augment, train, project. */
typedef struct
{
  size_t ops_size;
  unsigned model_needs;       /* FlCapability, or-ed                        */
  gboolean needs_validation;  /* selects on the validation part             */
  gboolean needs_user_groups;
  gboolean needs_item_groups;
  /* Ratings to train on instead of data->train; users and items may be added at
   * their ends.  The caller owns the result. */
  FlRatings *(*augment) (gpointer self, const FlStage *stage, GError **error);
  /* Takes over the training of stage->model. */
  gboolean (*train) (gpointer self, const FlStage *stage, GError **error);
  /* After augment: item factors (n_items x rank of FlFactors) at which a closed-form
   * model is to begin on the augmented ratings, or NULL: at its own start.  Of
   * several mitigators the last that augments counts; one that takes over
   * training decides for itself. */
  const double *(*start_factors) (gconstpointer self);
  /* What comes of it in the long run, in `values`, which are named as an
   * objective's.  stage->data and stage->model are NULL in a pipeline without
   * [data]; only mitigators that are `alone` may stand in one. */
  gboolean (*project) (gpointer self, const FlStage *stage, FlResult *result, GError **error);
  const FlValue *values;
  gboolean alone;
  /* Whether it is so, with these parameters, that it needs the groups of a side that
   * it says it needs.  NULL: always. */
  gboolean (*needs_groups) (gconstpointer self, FlSide side);
  /* What these data make impossible (more users to add than there are), before any
   * work; a message begins with the parameter's name.  Optional. */
  gboolean (*check_data) (gconstpointer self, const FlData *data, GError **error);
  /* How users respond to what they are recommended, for closed loops: the response
   * that [rounds] names, and no mitigator of an arm.  Keeps in self what lasts from
   * round to round; round 0 comes first.  What it sets in `values` becomes a course
   * over the rounds. */
  gboolean (*respond) (gpointer self, const FlRound *round, FlResult *result, GError **error);
} FlMitigatorOps;

FL_END_DECLS

#endif
