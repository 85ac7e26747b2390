/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* group-dro: training that looks after the groups with the highest loss
 * [Sagawa et al., ICLR 2020; for recommenders: ITFR, WWW 2024, eq. 4].
 *
 *   L_i = (1 / n_i) sum -ln sigma (s_uv - s_uj)  over the n_i triples (u, v, j) of group i
 *   w_i <- w_i exp (eta L_i) / sum_j w_j exp (eta L_j)          at each batch, from 1 / n
 *   theta <- theta - step of the optimiser along the gradient of sum_i w_i L_i
 *
 * The group of a triple is that of its user, of its positive item, or both crossed.
 * A user or an item in several groups counts in the first.  Groups without any
 * triple have no weight.
 */
#include "group-dro.h"

#include <math.h>

typedef enum
{
  INTERSECTIONAL,
  USER,
  ITEM
} Sides;

typedef struct
{
  int groups;  /* Sides           */
  double eta;
  int missing; /* GroupDroMissing */
} GroupDro;

static const FlParam params[] = {
  FL_CHOICE (GroupDro, groups, INTERSECTIONAL, "intersectional|user|item",
             "what is to be treated alike: each group of users with each group of items, groups of "
             "users, or groups of items"),
  FL_DOUBLE (GroupDro, eta, 0.05, 0, 1000, NULL,
             "how fast the weight of a group follows its loss; 0: all groups weigh the same"),
  FL_CHOICE (GroupDro, missing, GROUP_DRO_WAIT, "wait|others",
             "where a batch lacks a group: no weight changes, as published, or those of the others "
             "do, among themselves"),
  FL_PARAM_END
};

static unsigned
group_dro_needs (gconstpointer self)
{
  const GroupDro *dro = self;

  return FL_NEEDS_GRADIENT | (dro->groups != ITEM ? (unsigned) FL_NEEDS_USER_GROUPS : 0)
         | (dro->groups != USER ? (unsigned) FL_NEEDS_ITEM_GROUPS : 0);
}

/* ---- groups ------------------------------------------------------------- */

typedef struct
{
  FlGroupsCrossed crossed; /* of n                                  */
  double *log_weight;      /* n: -INFINITY where there are no triples */
  double *best;            /* n: those of the parameters that are kept, and their epoch */
  double *loss;            /* n: L of the batch, NaN where missing  */
  size_t *count;           /* n: triples in the batch               */
} Groups;

static void
groups_clear (Groups *groups)
{
  g_free (groups->log_weight);
  g_free (groups->best);
  g_free (groups->loss);
  g_free (groups->count);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Groups, groups_clear)

/* 1 / n for each of the n groups that have triples. */
static void
start_weights (Groups *groups, const FlRatings *train)
{
  const FlCsr *rows = &train->by_user;
  size_t n = 0;

  for (uint32_t u = 0; u < rows->n_rows; u++)
    if (rows->start[u + 1] - rows->start[u] < rows->n_cols) /* else nothing is negative */
      for (size_t k = rows->start[u]; k < rows->start[u + 1]; k++)
        groups->log_weight[fl_groups_find_crossed (&groups->crossed, u, rows->col[k])] = 1.0;
  for (size_t g = 0; g < groups->crossed.n; g++)
    n += groups->log_weight[g] > 0.0;
  for (size_t g = 0; g < groups->crossed.n; g++)
    groups->log_weight[g] = groups->log_weight[g] > 0.0 ? -log ((double) n) : -INFINITY;
}

static gboolean
groups_init (Groups *groups, const GroupDro *dro, const FlData *data, GError **error)
{
  const FlGroups *users = dro->groups != ITEM ? data->user_groups : NULL;
  const FlGroups *items = dro->groups != USER ? data->item_groups : NULL;
  size_t n;

  if (users == NULL && dro->groups != ITEM)
    return fl_fail (error, FL_ERROR_CONFIG, "needs groups of users");
  if (items == NULL && dro->groups != USER)
    return fl_fail (error, FL_ERROR_CONFIG, "needs groups of items");
  groups->crossed = fl_groups_cross (users, data->train->n_users, items, data->train->n_items);
  n = groups->crossed.n;
  groups->log_weight = fl_alloc (n, sizeof *groups->log_weight, error);
  groups->best = groups->log_weight != NULL ? fl_alloc (n + 1, sizeof *groups->best, error) : NULL;
  groups->loss = groups->best != NULL ? fl_alloc (n, sizeof *groups->loss, error) : NULL;
  groups->count = groups->loss != NULL ? fl_alloc (n, sizeof *groups->count, error) : NULL;
  if (groups->count == NULL)
    return FALSE;
  start_weights (groups, data->train);
  return TRUE;
}

/* L_i, of the losses of the triples. */
static void
find_losses (Groups *groups, const FlBatch *batch, const double *each)
{
  const FlGroupsCrossed *crossed = &groups->crossed;

  for (size_t g = 0; g < crossed->n; g++)
    {
      groups->loss[g] = 0.0;
      groups->count[g] = 0;
    }
  for (size_t k = 0; k < batch->n; k++)
    {
      size_t g = fl_groups_find_crossed (crossed, batch->user[k], batch->item[k * batch->width]);

      groups->loss[g] += each[k];
      groups->count[g]++;
    }
  for (size_t g = 0; g < crossed->n; g++)
    groups->loss[g] = groups->count[g] > 0 ? groups->loss[g] / (double) groups->count[g] : NAN;
}

/* w_i / n_i for each triple, so that their sum is sum_i w_i L_i. */
static void
share_weights (const Groups *groups, const FlBatch *batch, double *weight)
{
  for (size_t k = 0; k < batch->n; k++)
    {
      size_t g = fl_groups_find_crossed (&groups->crossed, batch->user[k],
                                         batch->item[k * batch->width]);

      weight[k] = exp (groups->log_weight[g]) / (double) groups->count[g];
    }
}

/* The weights belong to the parameters that are kept in the end. */
static void
keep_best (Groups *groups, const FlTraining *training)
{
  size_t n = groups->crossed.n;
  double epoch = (double) fl_training_best_epoch (training);

  if (groups->best[n] == epoch && epoch > 0)
    return;
  for (size_t g = 0; g < n; g++)
    groups->best[g] = groups->log_weight[g];
  groups->best[n] = epoch;
}

static void
note_weights (const Groups *groups, FlRun *run)
{
  for (size_t g = 0; g < groups->crossed.n; g++)
    if (groups->best[g] > -INFINITY)
      {
        g_autofree char *label = fl_groups_make_crossed_label (&groups->crossed, g);
        g_autofree char *name = g_strconcat ("weight ", label, NULL);

        fl_run_note (run, name, exp (groups->best[g]));
      }
}

/* ---- training ----------------------------------------------------------- */

/* One number, or two, for each triple of a batch. */
typedef struct
{
  double *score, *d_score; /* n x 2: of the positive and the negative item */
  double *loss, *weight;   /* n */
} Triples;

static void
triples_clear (Triples *triples)
{
  g_free (triples->score);
  g_free (triples->d_score);
  g_free (triples->loss);
  g_free (triples->weight);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Triples, triples_clear)

static gboolean
triples_init (Triples *triples, size_t n, GError **error)
{
  return (triples->score = fl_alloc (2 * n, sizeof (double), error)) != NULL
         && (triples->d_score = fl_alloc (2 * n, sizeof (double), error)) != NULL
         && (triples->loss = fl_alloc (n, sizeof (double), error)) != NULL
         && (triples->weight = fl_alloc (n, sizeof (double), error)) != NULL;
}

static gboolean
check_settings (const FlTrainingSettings *settings, GError **error)
{
  return settings->loss == FL_LOSS_BPR
         || fl_fail (error, FL_ERROR_CONFIG, "weighs losses of triples; set 'loss = bpr' in "
                     "[model]");
}

static gboolean
group_dro_train (gpointer self, const FlStage *stage, GError **error)
{
  const GroupDro *dro = self;
  g_autoptr (FlTraining) training = fl_training_new (stage, NULL, error);
  g_auto (Groups) groups = { .log_weight = NULL };
  g_auto (Triples) t = { NULL };
  FlGradient *gradient;
  const FlBatch *batch;

  if (training == NULL || !check_settings (fl_training_settings (training), error)
      || !groups_init (&groups, dro, stage->data, error)
      || !triples_init (&t, fl_training_batch_size (training), error))
    return FALSE;
  gradient = fl_training_gradient (training);
  fl_training_keep (training, "log-weights", groups.log_weight,
                    groups.crossed.n * sizeof *groups.log_weight);
  fl_training_keep (training, "best log-weights", groups.best,
                    (groups.crossed.n + 1) * sizeof *groups.best);
  while (fl_training_epoch (training))
    {
      keep_best (&groups, training);
      while ((batch = fl_training_batch (training)) != NULL)
        {
          double loss;

          fl_training_scores (training, batch, t.score);
          fl_loss_bpr (batch->n, t.score, NULL, t.d_score, t.loss);
          find_losses (&groups, batch, t.loss);                            /* L_i            */
          group_dro_weights (groups.crossed.n, groups.loss, dro->eta,
                             (GroupDroMissing) dro->missing, groups.log_weight); /* eq. (4)  */
          share_weights (&groups, batch, t.weight);
          loss = fl_loss_bpr (batch->n, t.score, t.weight, t.d_score, NULL); /* sum_i w_i L_i */
          fl_training_backward (training, batch, t.d_score, gradient, NULL);
          fl_training_step (training, gradient, loss);
        }
    }
  keep_best (&groups, training);
  note_weights (&groups, stage->run);
  return fl_training_end (training, error);
}

FL_PLUGIN (
  .name        = "group-dro",
  .summary     = "more weight in training to groups with a higher loss (GroupDRO)",
  .description = "Groups of triples, each of a user, an item that the user rated and one that it "
                 "did not, weigh the more in training the higher their mean loss has been. The "
                 "model's own training settings hold: its optimiser, batches, negatives and early "
                 "stopping.",
  .reference   = "Sagawa et al., ICLR 2020; Intersectional Two-sided Fairness in Recommendation, "
                 "WWW 2024, eq. (4)",
  .licence     = "LGPL-3.0-or-later",
  .params      = params,
  .self_size   = sizeof (GroupDro),
  .needs = FL_NEEDS_GRADIENT | FL_NEEDS_USER_GROUPS | FL_NEEDS_ITEM_GROUPS,
  .needs_now = group_dro_needs,
  FL_MITIGATOR (FL_TRAIN (.train = group_dro_train, .losses = 1 << FL_LOSS_BPR))
);
