/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* artefact.c: what a mitigator made, as text that outlives the cell: the ratings
 * it added, one `user,item,rating` a line below a header, which the source `tsv`
 * reads. */
#include "core/run/run-room.h"

/* More lines are not kept: a store is no place for them. */
#define LINES_MAX 4000000

/* Ids of n entities: the first n_known have theirs in the data set, the next were
 * added by other mitigators, those from n_before on by this one. */
static char **
name_entities (const char *name, uint32_t n, uint32_t n_known, uint32_t n_before,
               const char *const *id, const uint32_t *index)
{
  char **names = g_new0 (char *, n + (size_t) 1);

  for (uint32_t e = 0; e < n; e++)
    if (e < n_known)
      names[e] = g_strdup (id[index[e]]);
    else if (e < n_before)
      names[e] = g_strdup_printf ("added-%u", e - n_known + 1);
    else
      names[e] = g_strdup_printf ("%s-%u", name, e - n_before + 1);
  return names;
}

FlArtefact *
fl_artefact_of_added (const char *name, const FlRatings *before, const FlRatings *after,
                      const FlDataset *dataset, const FlSplit *split)
{
  g_auto (GStrv) users = NULL, items = NULL;
  g_autoptr (GString) text = g_string_new ("user,item,rating\n");
  const FlCsr *csr = &after->by_user;

  if (after->n - before->n > LINES_MAX)
    return NULL;
  users = name_entities (name, after->n_users, split->train->n_users, before->n_users,
                         dataset->user_id, split->user);
  items = name_entities (name, after->n_items, split->train->n_items, before->n_items,
                         dataset->item_id, split->item);
  for (uint32_t u = 0; u < after->n_users; u++)
    for (size_t k = csr->start[u]; k < csr->start[u + 1]; k++)
      {
        g_autofree char *rating = NULL;

        if (u < before->n_users && csr->col[k] < before->n_items)
          continue;
        rating = fl_double_text (fl_csr_value (csr, k));
        fl_append_csv (text, users[u]);
        g_string_append_c (text, ',');
        fl_append_csv (text, items[csr->col[k]]);
        g_string_append_printf (text, ",%s\n", rating);
      }
  return fl_artefact_new (name, text->str);
}
