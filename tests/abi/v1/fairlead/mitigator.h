/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mitigator.h: plugins that intervene.  Part of plugin.h; include that. */
#ifndef FAIRLEAD_MITIGATOR_H
#define FAIRLEAD_MITIGATOR_H

#include <fairlead/view.h>

FL_BEGIN_DECLS

/* What a stage works on. */
struct FlStage
{
  size_t size;
  const FlData *data;
  FlInstance *model; /* augment: as configured, for trial fits; train: to be fitted;
                        rerank, project: fitted                                      */
  FlRun *run;
};
#define FL_STAGE(...) FL_SIZED_ (FlStage, __VA_ARGS__)

/* Before training. */
typedef struct
{
  size_t ops_size;
  /* Ratings to train on instead of data->train; users and items may be added at
   * their ends.  The caller owns the result. */
  FlRatings *(*augment) (gpointer self, const FlStage *stage, GError **error);
  /* After augment: item factors (n_items x rank of FlFactors) at which a closed-form
   * model is to begin on the augmented ratings, or NULL: at its own start.  Of
   * several mitigators the last that augments counts; one that takes over
   * training decides for itself.  Optional. */
  const double *(*start_factors) (gconstpointer self);
} FlAugmentOps;

/* Training. */
typedef struct
{
  size_t ops_size;
  /* Takes over the training of stage->model. */
  gboolean (*train) (gpointer self, const FlStage *stage, GError **error);
  /* Of a model trained by gradients, what its settings may ask for: 1 << FlLoss and
   * 1 << FlOptimizerKind, or-ed.  0: any loss; any optimiser but FL_OPTIMIZER_STREAM. */
  unsigned losses, optimizers;
} FlTrainOps;

/* What a re-ranker is given, and fills. */
typedef struct
{
  size_t size;
  const FlView *view;       /* of the part that is judged, which it may not look at: n is 0 */
  uint32_t n_users;
  size_t n;                 /* candidates of a user, at most                             */
  const uint32_t *item;     /* n_users x n: best first, none that the user has seen       */
  const double *score;      /* n_users x n, of the model                                  */
  const uint32_t *n_candidates; /* n_users                                               */
  const uint32_t *arrival;  /* n_users: users in the order in which they come, seeded     */
  size_t k;                 /* wanted                                                     */
  uint32_t *list;           /* n_users x k: to be filled, best first                      */
  uint32_t *length;         /* n_users: k or the number of candidates on entry; may be
                               made less                                                  */
} FlReranking;

/* After training, before lists are judged. */
typedef struct
{
  size_t ops_size;
  /* How many candidates it wants for lists of k out of n_items.  NULL: k. */
  size_t (*candidates) (gconstpointer self, size_t k, uint32_t n_items);
  /* Makes the lists of all users, each from the user's own candidates.  May be called
   * several times, for other lengths and parts, and begins afresh each time.  The
   * host checks the lists. */
  gboolean (*rerank) (gpointer self, const FlStage *stage, FlReranking *reranking,
                      GError **error);
} FlRerankOps;

/* In the long run. */
typedef struct
{
  size_t ops_size;
  /* What comes of it, in `values`, which are named as an objective's.  stage->data and
   * stage->model are NULL in a pipeline without [data]; only mitigators that are
   * `alone` may stand in one.  Of a mitigator that acts in training as well, called
   * once for each cell that shares the training. */
  gboolean (*project) (gpointer self, const FlStage *stage, FlResult *result, GError **error);
  const FlValue *values;
  gboolean alone;
} FlProjectOps;

/* One round of a closed loop. */
typedef struct
{
  size_t size;
  uint32_t round;          /* from 0                                            */
  uint64_t seed;           /* of this round                                     */
  const FlData *data;      /* train: what is known before the response          */
  const FlRatings *hidden; /* ratings that tell the users' fit and nobody trains on */
  const FlLists *lists;    /* what each user is recommended                     */
  uint8_t *consumed;       /* n_users x k: to be 1 where the user takes the item ... */
  double *rating;          /* ... with the rating that is known from then on     */
  uint8_t *gone;           /* n_items: to be 1 where a provider leaves; stays   */
} FlRound;
#define FL_ROUND(...) FL_SIZED_ (FlRound, __VA_ARGS__)

/* In a closed loop. */
typedef struct
{
  size_t ops_size;
  /* How users respond to what they are recommended: the response that [rounds] names,
   * and no mitigator of an arm.  Keeps in self what lasts from round to round; round 0
   * comes first.  What it sets in `values` becomes a course over the rounds. */
  gboolean (*respond) (gpointer self, const FlRound *round, FlResult *result, GError **error);
  const FlValue *values;   /* or NULL */
} FlRespondOps;

/* A mitigator implements one stage or several; the host calls them in the order in
 * which they stand here. */
typedef struct
{
  size_t ops_size;
  const FlAugmentOps *augment;
  const FlTrainOps *train;
  const FlRerankOps *rerank;
  const FlProjectOps *project;
  const FlRespondOps *respond;
} FlMitigatorOps;

FL_END_DECLS

#endif
