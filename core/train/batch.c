/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* batch.c: entries of a batch by their groups. */
#include "core/train/train-room.h"

#include <string.h>

/* A batch with arrays of its own. */
typedef struct
{
  FlBatch batch; /* first: the caller's */
  size_t n_max;
  uint32_t *user, *item;
  double *label;
  uint8_t *mask, *user_mask;
} OwnBatch;

FlBatch *
fl_batch_new (size_t n_max, size_t width, GError **error)
{
  OwnBatch *own = g_new0 (OwnBatch, 1);

  own->batch = FL_BATCH (.width = width);
  own->n_max = n_max;
  if ((own->user = fl_alloc (n_max, sizeof *own->user, error)) == NULL
      || (own->item = fl_alloc (n_max, width * sizeof *own->item, error)) == NULL
      || (own->label = fl_alloc (n_max, sizeof *own->label, error)) == NULL
      || (own->mask = fl_alloc (n_max, width * sizeof *own->mask, error)) == NULL
      || (own->user_mask = fl_alloc (n_max, sizeof *own->user_mask, error)) == NULL)
    {
      fl_batch_free (&own->batch);
      return NULL;
    }
  return &own->batch;
}

void
fl_batch_free (FlBatch *batch)
{
  OwnBatch *own = (OwnBatch *) batch;

  if (own == NULL)
    return;
  g_free (own->user);
  g_free (own->item);
  g_free (own->label);
  g_free (own->mask);
  g_free (own->user_mask);
  g_free (own);
}

/* Entry k of `from` becomes entry n of its own. */
static void
copy_entry (const FlBatch *from, size_t k, OwnBatch *own, size_t n)
{
  size_t width = from->width;

  own->user[n] = from->user[k];
  memcpy (own->item + n * width, from->item + k * width, width * sizeof *own->item);
  if (from->label != NULL)
    own->label[n] = from->label[k];
  if (from->mask != NULL)
    memcpy (own->mask + n * width, from->mask + k * width, width * sizeof *own->mask);
  if (from->user_mask != NULL)
    own->user_mask[n] = from->user_mask[k];
}

size_t
fl_batch_select (const FlBatch *theirs, const uint32_t *group, uint32_t g, FlBatch *out)
{
  OwnBatch *own = (OwnBatch *) out;
  FlBatch batch;
  size_t n = 0;

  FL_COPY (&batch, theirs);
  g_return_val_if_fail (batch.n <= own->n_max && batch.width == out->width, 0);
  for (size_t k = 0; k < batch.n; k++)
    if (group[k] == g)
      copy_entry (&batch, k, own, n++);
  *out = FL_BATCH (.n = n, .width = batch.width, .user = own->user, .item = own->item,
                   .label = batch.label != NULL ? own->label : NULL,
                   .delta = batch.delta, .perturbed = batch.perturbed,
                   .mask = batch.mask != NULL ? own->mask : NULL,
                   .user_delta = batch.user_delta,
                   .user_mask = batch.user_mask != NULL ? own->user_mask : NULL);
  return n;
}
