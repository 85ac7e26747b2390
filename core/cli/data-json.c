/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data-json.c: what `fairlead data info` tells, as JSON.  Its form is a promise:
 *
 * {"fairlead": "0.1.0", "source": "movielens-100k", "version": "1", "digest": "9f...",
 *  "cache": "/home/...", "notes": ["..."],
 *  "users": 943, "items": 1682, "ratings": 100000, "density": 0.063,
 *  "scale": [1, 5], "mean": 3.53,
 *  "values": [{"from": 1, "to": 1, "ratings": 6110}, ...],   from = to: one value
 *  "time": {"from": 874724710, "to": 893286638, "ratings": 100000} or null,
 *  "given": {"train": N, "validation": N, "test": N} or null: data that come split
 *  "activity": {"users": {"min": 20, "median": 65, "mean": 106.04, "max": 737,
 *                         "top_share": 0.05}, "items": {...}},
 *  "attributes": {"users": [{"name": "gender", "missing": 0, "several": false,
 *                            "values": [{"value": "M", "n": 670}, ...]}], "items": [...]},
 *  "split": null, or what the pipeline makes of it:
 *   {"arm": "plain", "repeat": 0, "seed": 1,
 *    "funnel": [{"statement": "all", "users": N, "items": N, "rated_users": N,
 *                "rated_items": N, "ratings": N}, ...],    after each statement of the filter
 *    "parts": [{"part": "train", "ratings": N, "users": N, "items": N,    those with ratings
 *               "min": N, "median": N,                                    of a user
 *               "cold_users": {"n": N, "ratings": N}, "cold_items": {...}}, ...],
 *    "groups": {"users": {"by": "gender", "groups":
 *                 [{"label": "F", "rule": "gender is F", "n": 273, "ratings": N, "mean": M}, ...]}
 *                 or null,
 *               "items": ...},
 *    "crossed": {"ratings": [[N, ...], ...], "mean": [[M, ...], ...]} or null: training
 *               ratings by group of the user, then of the item,
 *    "audit": [{"level": "ok", "text": "..."}, ...]}}    ok, note, warning or error
 *
 * A mean over nothing is null.  Times are seconds since 1970.  Members are only
 * ever added.
 */
#include "config.h"

#include "core/cli/data.h"

#include <json-glib/json-glib.h>
#include <math.h>

static const char *const side_member[] = { "users", "items" };
static const char *const part_word[] = { "train", "validation", "test" };

static void
add_string (JsonBuilder *json, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  json_builder_add_string_value (json, valid);
}

static void
add_text (JsonBuilder *json, const char *member, const char *text)
{
  json_builder_set_member_name (json, member);
  add_string (json, text);
}

static void
add_count (JsonBuilder *json, const char *member, size_t n)
{
  json_builder_set_member_name (json, member);
  json_builder_add_int_value (json, (gint64) n);
}

static void
put_number (JsonBuilder *json, double value)
{
  if (isnan (value))
    json_builder_add_null_value (json);
  else if (value == floor (value) && fabs (value) < 0x1p53)
    json_builder_add_int_value (json, (gint64) value);
  else
    json_builder_add_double_value (json, value);
}

static void
add_number (JsonBuilder *json, const char *member, double value)
{
  json_builder_set_member_name (json, member);
  put_number (json, value);
}

static void
add_null (JsonBuilder *json, const char *member)
{
  json_builder_set_member_name (json, member);
  json_builder_add_null_value (json);
}

static void
open_member (JsonBuilder *json, const char *member, gboolean array)
{
  if (member != NULL)
    json_builder_set_member_name (json, member);
  if (array)
    json_builder_begin_array (json);
  else
    json_builder_begin_object (json);
}

/* ---- the dataset --------------------------------------------------------- */

static void
add_values (JsonBuilder *json, const FlDataset *dataset)
{
  g_autoptr (GArray) bins = fl_info_values (&dataset->ratings);

  open_member (json, "values", TRUE);
  for (guint b = 0; b < bins->len; b++)
    {
      const FlBin *bin = &g_array_index (bins, FlBin, b);

      open_member (json, NULL, FALSE);
      add_number (json, "from", bin->from);
      add_number (json, "to", bin->to);
      add_count (json, "ratings", bin->n);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
}

static void
add_time (JsonBuilder *json, const FlDataset *dataset)
{
  int64_t from, to;
  size_t n = fl_info_time (dataset, &from, &to);

  if (n == 0)
    {
      add_null (json, "time");
      return;
    }
  open_member (json, "time", FALSE);
  json_builder_set_member_name (json, "from");
  json_builder_add_int_value (json, from);
  json_builder_set_member_name (json, "to");
  json_builder_add_int_value (json, to);
  add_count (json, "ratings", n);
  json_builder_end_object (json);
}

static void
add_given (JsonBuilder *json, const FlDataset *dataset)
{
  size_t n[3] = { 0 };

  if (dataset->part == NULL)
    {
      add_null (json, "given");
      return;
    }
  for (size_t k = 0; k < dataset->n; k++)
    n[dataset->part[k]]++;
  open_member (json, "given", FALSE);
  for (int p = 0; p < 3; p++)
    add_count (json, part_word[p], n[p]);
  json_builder_end_object (json);
}

static gboolean
add_activity (JsonBuilder *json, const FlDataset *dataset, GError **error)
{
  open_member (json, "activity", FALSE);
  for (int side = 0; side < 2; side++)
    {
      FlActivity activity;

      if (!fl_info_activity (&dataset->ratings, (FlSide) side, &activity, error))
        return FALSE;
      open_member (json, side_member[side], FALSE);
      add_count (json, "min", activity.min);
      add_number (json, "median", activity.median);
      add_number (json, "mean", activity.mean);
      add_count (json, "max", activity.max);
      add_number (json, "top_share", activity.top_share);
      json_builder_end_object (json);
    }
  json_builder_end_object (json);
  return TRUE;
}

static void
add_attribute (JsonBuilder *json, const FlAttribute *attribute)
{
  uint32_t n_missing;
  gboolean several;
  g_autofree FlLabelCount *labels = fl_info_labels (attribute, &n_missing, &several);

  open_member (json, NULL, FALSE);
  add_text (json, "name", attribute->name);
  add_count (json, "missing", n_missing);
  json_builder_set_member_name (json, "several");
  json_builder_add_boolean_value (json, several);
  open_member (json, "values", TRUE);
  for (uint32_t g = 0; g < attribute->n_groups; g++)
    {
      open_member (json, NULL, FALSE);
      add_text (json, "value", attribute->label[labels[g].label]);
      add_count (json, "n", labels[g].n);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  json_builder_end_object (json);
}

static void
add_attributes (JsonBuilder *json, const FlDataset *dataset)
{
  open_member (json, "attributes", FALSE);
  for (int side = 0; side < 2; side++)
    {
      open_member (json, side_member[side], TRUE);
      for (size_t a = 0; a < dataset->n_attributes[side]; a++)
        add_attribute (json, &dataset->attributes[side][a]);
      json_builder_end_array (json);
    }
  json_builder_end_object (json);
}

static gboolean
add_dataset (JsonBuilder *json, const CliData *data, GError **error)
{
  const FlDataset *dataset = data->dataset;

  add_text (json, "fairlead", PACKAGE_VERSION);
  add_text (json, "source", data->cell->data->plugin);
  add_text (json, "version", data->cell->data->plugin_version);
  add_text (json, "digest", dataset->digest);
  add_text (json, "cache", data->path);
  open_member (json, "notes", TRUE);
  for (size_t i = 0; dataset->notes != NULL && dataset->notes[i] != NULL; i++)
    add_string (json, dataset->notes[i]);
  json_builder_end_array (json);
  add_count (json, "users", dataset->n_users);
  add_count (json, "items", dataset->n_items);
  add_count (json, "ratings", dataset->n);
  add_number (json, "density", (double) dataset->n / dataset->n_users / dataset->n_items);
  open_member (json, "scale", TRUE);
  put_number (json, dataset->rating_min);
  put_number (json, dataset->rating_max);
  json_builder_end_array (json);
  add_number (json, "mean", fl_info_mean (&dataset->ratings));
  add_values (json, dataset);
  add_time (json, dataset);
  add_given (json, dataset);
  if (!add_activity (json, dataset, error))
    return FALSE;
  add_attributes (json, dataset);
  return TRUE;
}

/* ---- what the pipeline makes of it --------------------------------------- */

static size_t
count_rows (const FlCsr *csr)
{
  size_t n = 0;

  for (uint32_t r = 0; r < csr->n_rows; r++)
    n += csr->start[r] < csr->start[r + 1];
  return n;
}

static void
add_funnel (JsonBuilder *json, const FlFunnel *funnel)
{
  open_member (json, "funnel", TRUE);
  for (size_t r = 0; funnel != NULL && r < funnel->n; r++)
    {
      const FlFunnelRow *row = &funnel->row[r];

      open_member (json, NULL, FALSE);
      add_text (json, "statement", row->text);
      add_count (json, "users", row->kept[FL_SIDE_USER]);
      add_count (json, "items", row->kept[FL_SIDE_ITEM]);
      add_count (json, "rated_users", row->rated[FL_SIDE_USER]);
      add_count (json, "rated_items", row->rated[FL_SIDE_ITEM]);
      add_count (json, "ratings", row->n_ratings);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
}

static void
add_cold (JsonBuilder *json, const char *member, const FlCsr *part, const FlCsr *train)
{
  size_t n, n_ratings;

  fl_info_cold (part, train, &n, &n_ratings);
  open_member (json, member, FALSE);
  add_count (json, "n", n);
  add_count (json, "ratings", n_ratings);
  json_builder_end_object (json);
}

static gboolean
add_parts (JsonBuilder *json, const FlSplit *split, GError **error)
{
  const FlRatings *const parts[] = { split->train, split->validation, split->test };

  open_member (json, "parts", TRUE);
  for (int p = 0; p < 3; p++)
    {
      FlActivity activity;

      if (parts[p] == NULL)
        continue;
      if (!fl_info_activity (&parts[p]->by_user, FL_SIDE_USER, &activity, error))
        return FALSE;
      open_member (json, NULL, FALSE);
      add_text (json, "part", part_word[p]);
      add_count (json, "ratings", parts[p]->n);
      add_count (json, "users", count_rows (&parts[p]->by_user));
      add_count (json, "items", count_rows (&parts[p]->by_item));
      add_count (json, "min", activity.min);
      add_number (json, "median", activity.median);
      add_cold (json, "cold_users", &parts[p]->by_user, &split->train->by_user);
      add_cold (json, "cold_items", &parts[p]->by_item, &split->train->by_item);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  return TRUE;
}

static gboolean
add_side (JsonBuilder *json, const FlSplit *split, FlSide side, GError **error)
{
  const FlGroups *groups = side == FL_SIDE_USER ? split->user_groups : split->item_groups;
  g_autofree uint32_t *size = NULL;
  g_auto (FlTally) tally = { 0 };

  if (groups == NULL)
    {
      add_null (json, side_member[side]);
      return TRUE;
    }
  if (!fl_tally_init (&tally, split->train, side == FL_SIDE_USER ? groups : NULL,
                      side == FL_SIDE_ITEM ? groups : NULL, error))
    return FALSE;
  size = fl_groups_count_members (groups);
  open_member (json, side_member[side], FALSE);
  add_text (json, "by", groups->name);
  open_member (json, "groups", TRUE);
  for (uint32_t g = 0; g < groups->n_groups; g++)
    {
      open_member (json, NULL, FALSE);
      add_text (json, "label", groups->label[g]);
      add_text (json, "rule", groups->rule != NULL ? groups->rule[g] : "");
      add_count (json, "n", size[g]);
      add_count (json, "ratings", tally.n[g]);
      add_number (json, "mean", tally.mean[g]);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  json_builder_end_object (json);
  return TRUE;
}

static void
add_matrix (JsonBuilder *json, const char *member, const FlTally *tally, gboolean mean)
{
  open_member (json, member, TRUE);
  for (uint32_t row = 0; row < tally->n_rows; row++)
    {
      open_member (json, NULL, TRUE);
      for (uint32_t col = 0; col < tally->n_cols; col++)
        {
          size_t at = (size_t) row * tally->n_cols + col;

          put_number (json, mean ? tally->mean[at] : (double) tally->n[at]);
        }
      json_builder_end_array (json);
    }
  json_builder_end_array (json);
}

static gboolean
add_crossed (JsonBuilder *json, const FlSplit *split, GError **error)
{
  g_auto (FlTally) tally = { 0 };

  if (split->user_groups == NULL || split->item_groups == NULL)
    {
      add_null (json, "crossed");
      return TRUE;
    }
  if (!fl_tally_init (&tally, split->train, split->user_groups, split->item_groups, error))
    return FALSE;
  open_member (json, "crossed", FALSE);
  add_matrix (json, "ratings", &tally, FALSE);
  add_matrix (json, "mean", &tally, TRUE);
  json_builder_end_object (json);
  return TRUE;
}

static gboolean
add_audit (JsonBuilder *json, const CliData *data, GError **error)
{
  g_autoptr (GPtrArray) rows
      = fl_cell_audit (data->cell, data->registry, data->dataset, data->split, error);

  if (rows == NULL)
    return FALSE;
  open_member (json, "audit", TRUE);
  for (guint i = 0; i < rows->len; i++)
    {
      const FlAuditRow *row = rows->pdata[i];

      open_member (json, NULL, FALSE);
      add_text (json, "level", fl_audit_word (row->level));
      add_text (json, "text", row->text);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  return TRUE;
}

static gboolean
add_split (JsonBuilder *json, const CliData *data, GError **error)
{
  const FlSplit *split = data->split;

  if (split == NULL)
    {
      add_null (json, "split");
      return TRUE;
    }
  open_member (json, "split", FALSE);
  add_text (json, "arm", data->cell->arm);
  add_count (json, "repeat", data->cell->repeat);
  add_count (json, "seed", data->cell->seed);
  add_funnel (json, split->funnel);
  if (!add_parts (json, split, error))
    return FALSE;
  open_member (json, "groups", FALSE);
  if (!add_side (json, split, FL_SIDE_USER, error)
      || !add_side (json, split, FL_SIDE_ITEM, error))
    return FALSE;
  json_builder_end_object (json);
  if (!add_crossed (json, split, error) || !add_audit (json, data, error))
    return FALSE;
  json_builder_end_object (json);
  return TRUE;
}

gboolean
cli_data_json (const CliData *data, FILE *out, GError **error)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  open_member (json, NULL, FALSE);
  if (!add_dataset (json, data, error) || !add_split (json, data, error))
    return FALSE;
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, TRUE);
  fprintf (out, "%s\n", text);
  return TRUE;
}
