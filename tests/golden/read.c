/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* read.c: inputs of golden cases, refused where they are not what they should
 * be.  Sizes are bounded by what the file holds before anything is allocated. */
#include "tests/golden/golden.h"

#include <math.h>

/* Ids and sizes in golden files are small. */
#define SIZE_LIMIT 1000000

static gboolean
is_number (JsonNode *node)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

static gboolean
node_number (JsonNode *node, double *number)
{
  if (!is_number (node))
    return FALSE;
  *number = json_node_get_double (node);
  return isfinite (*number) != 0;
}

/* A whole number from 0 to max. */
static gboolean
node_index (JsonNode *node, uint32_t max, uint32_t *number)
{
  double value;

  if (!node_number (node, &value) || !(value >= 0.0 && value <= (double) max)
      || value != floor (value))
    return FALSE;
  *number = (uint32_t) value;
  return TRUE;
}

gboolean
golden_has (JsonObject *from, const char *key)
{
  JsonNode *node = json_object_get_member (from, key);

  return node != NULL && !JSON_NODE_HOLDS_NULL (node);
}

static JsonNode *
member (JsonObject *from, const char *key, GError **error)
{
  JsonNode *node = json_object_get_member (from, key);

  if (node == NULL)
    fl_fail (error, FL_ERROR_DATA, "input.%s is missing", key);
  return node;
}

static JsonObject *
member_object (JsonObject *from, const char *key, GError **error)
{
  JsonNode *node = member (from, key, error);

  if (node == NULL || JSON_NODE_HOLDS_OBJECT (node))
    return node != NULL ? json_node_get_object (node) : NULL;
  fl_fail (error, FL_ERROR_DATA, "input.%s is not an object", key);
  return NULL;
}

static JsonArray *
member_array (JsonObject *from, const char *key, GError **error)
{
  JsonNode *node = member (from, key, error);

  if (node == NULL || JSON_NODE_HOLDS_ARRAY (node))
    return node != NULL ? json_node_get_array (node) : NULL;
  fl_fail (error, FL_ERROR_DATA, "input.%s is not an array", key);
  return NULL;
}

gboolean
golden_read_number (JsonObject *from, const char *key, double *number, GError **error)
{
  JsonNode *node = member (from, key, error);

  return node != NULL
         && (node_number (node, number)
             || fl_fail (error, FL_ERROR_DATA, "input.%s is not a number", key));
}

gboolean
golden_read_index (JsonObject *from, const char *key, uint32_t max, uint32_t *number,
                   GError **error)
{
  JsonNode *node = member (from, key, error);

  return node != NULL
         && (node_index (node, max, number)
             || fl_fail (error, FL_ERROR_DATA, "input.%s is not a whole number from 0 to %u", key,
                         max));
}

gboolean
golden_read_flag (JsonObject *from, const char *key, gboolean *flag, GError **error)
{
  JsonNode *node = json_object_get_member (from, key);

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return fl_fail (error, FL_ERROR_DATA, "input.%s is neither true nor false", key);
  *flag = json_node_get_boolean (node);
  return TRUE;
}

static JsonArray *
array_of (JsonObject *from, const char *key, size_t n, GError **error)
{
  JsonArray *array = member_array (from, key, error);

  if (array == NULL || json_array_get_length (array) == n)
    return array;
  fl_fail (error, FL_ERROR_DATA, "input.%s has %u elements, wanted %zu", key,
           json_array_get_length (array), n);
  return NULL;
}

/* Appends the numbers of an array and of the arrays in it; null is NaN where there
 * may be gaps. */
static gboolean
flatten (JsonArray *array, gboolean gaps, GArray *numbers)
{
  for (guint k = 0; k < json_array_get_length (array); k++)
    {
      JsonNode *node = json_array_get_element (array, k);
      double number = NAN;

      if (JSON_NODE_HOLDS_ARRAY (node))
        {
          if (!flatten (json_node_get_array (node), gaps, numbers))
            return FALSE;
        }
      else if (node_number (node, &number) || (gaps && JSON_NODE_HOLDS_NULL (node)))
        g_array_append_val (numbers, number);
      else
        return FALSE;
    }
  return TRUE;
}

static double *
read_numbers (JsonObject *from, const char *key, size_t n, gboolean gaps, GError **error)
{
  JsonArray *array = member_array (from, key, error);
  /* Ending in a zero, so that even none are not NULL. */
  g_autoptr (GArray) numbers = g_array_new (TRUE, FALSE, sizeof (double));

  if (array == NULL)
    return NULL;
  if (!flatten (array, gaps, numbers))
    fl_fail (error, FL_ERROR_DATA, "input.%s holds something else than numbers", key);
  else if (numbers->len != n)
    fl_fail (error, FL_ERROR_DATA, "input.%s has %u elements, wanted %zu", key, numbers->len, n);
  else
    return (double *) g_array_steal (numbers, NULL);
  return NULL;
}

double *
golden_read_numbers (JsonObject *from, const char *key, size_t n, GError **error)
{
  return read_numbers (from, key, n, FALSE, error);
}

uint32_t *
golden_read_ids (JsonObject *from, const char *key, size_t n, uint32_t bound, GError **error)
{
  JsonArray *array = array_of (from, key, n, error);
  g_autofree uint32_t *ids = g_new (uint32_t, n + 1);

  if (array == NULL)
    return NULL;
  for (size_t k = 0; k < n; k++)
    if (bound == 0
        || !node_index (json_array_get_element (array, (guint) k), bound - 1, &ids[k]))
      {
        fl_fail (error, FL_ERROR_DATA, "input.%s[%zu] is not a whole number below %u", key, k,
                 bound);
        return NULL;
      }
  return g_steal_pointer (&ids);
}

FlGroups *
golden_read_groups (JsonObject *from, const char *key, const char *n_key, uint32_t n,
                    GError **error)
{
  g_autofree uint32_t *label = golden_read_ids (from, key, n, G_MAXUINT16, error);
  uint32_t n_groups = 1, declared = 0;

  if (label == NULL)
    return NULL;
  for (uint32_t e = 0; e < n; e++)
    n_groups = MAX (n_groups, label[e] + 1);
  if (golden_has (from, n_key))
    {
      if (!golden_read_index (from, n_key, G_MAXUINT16, &declared, error))
        return NULL;
      if (declared < n_groups)
        {
          fl_fail (error, FL_ERROR_DATA, "input.%s is %u, but input.%s has label %u", n_key,
                   declared, key, n_groups - 1);
          return NULL;
        }
      n_groups = declared;
    }
  return test_groups_new (key, n_groups, n, NULL, label);
}

static gboolean
read_pair (JsonNode *node, uint32_t n_users, uint32_t n_items, uint32_t *user, uint32_t *item)
{
  JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  return pair != NULL && json_array_get_length (pair) == 2 && n_users > 0 && n_items > 0
         && node_index (json_array_get_element (pair, 0), n_users - 1, user)
         && node_index (json_array_get_element (pair, 1), n_items - 1, item);
}

FlRatings *
golden_read_pairs (JsonObject *from, const char *key, uint32_t n_users, uint32_t n_items,
                   GError **error)
{
  JsonArray *pairs = member_array (from, key, error);
  size_t n = pairs != NULL ? json_array_get_length (pairs) : 0;
  g_autoptr (FlTriplets) triplets = fl_triplets_new ();

  if (pairs == NULL)
    return NULL;
  for (size_t k = 0; k < n; k++)
    {
      uint32_t user, item;

      if (!read_pair (json_array_get_element (pairs, (guint) k), n_users, n_items, &user, &item))
        {
          fl_fail (error, FL_ERROR_DATA, "input.%s[%zu] is not [user, item]", key, k);
          return NULL;
        }
      fl_triplets_add (triplets, user, item, 1.0);
    }
  return fl_triplets_make_ratings (triplets, n_users, n_items, error);
}

void
golden_matrix_clear (GoldenMatrix *matrix)
{
  g_free (matrix->data);
  *matrix = (GoldenMatrix) { 0 };
}

static gboolean
read_matrix (JsonObject *from, const char *key, gboolean gaps, GoldenMatrix *matrix,
             GError **error)
{
  JsonObject *object = member_object (from, key, error);

  if (object == NULL || !golden_read_index (object, "rows", SIZE_LIMIT, &matrix->n_rows, error)
      || !golden_read_index (object, "cols", SIZE_LIMIT, &matrix->n_cols, error))
    return FALSE;
  matrix->data = read_numbers (object, "data", (size_t) matrix->n_rows * matrix->n_cols, gaps,
                               error);
  if (matrix->data == NULL)
    g_prefix_error (error, "input.%s: ", key);
  return matrix->data != NULL;
}

gboolean
golden_read_matrix (JsonObject *from, const char *key, GoldenMatrix *matrix, GError **error)
{
  return read_matrix (from, key, FALSE, matrix, error);
}

gboolean
golden_read_gaps (JsonObject *from, const char *key, GoldenMatrix *matrix, GError **error)
{
  return read_matrix (from, key, TRUE, matrix, error);
}

void
golden_ratings_clear (GoldenRatings *ratings)
{
  g_free (ratings->user);
  g_free (ratings->item);
  g_free (ratings->rating);
  *ratings = (GoldenRatings) { 0 };
}

static gboolean
read_triplet (JsonNode *node, GoldenRatings *ratings, size_t k)
{
  JsonArray *triplet = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  return triplet != NULL && json_array_get_length (triplet) == 3 && ratings->n_users > 0
         && ratings->n_items > 0
         && node_index (json_array_get_element (triplet, 0), ratings->n_users - 1,
                        &ratings->user[k])
         && node_index (json_array_get_element (triplet, 1), ratings->n_items - 1,
                        &ratings->item[k])
         && node_number (json_array_get_element (triplet, 2), &ratings->rating[k]);
}

gboolean
golden_read_ratings (JsonObject *from, const char *key, GoldenRatings *ratings, GError **error)
{
  JsonObject *object = member_object (from, key, error);
  JsonArray *triplets;

  if (object == NULL || !golden_read_index (object, "n_users", SIZE_LIMIT, &ratings->n_users, error)
      || !golden_read_index (object, "n_items", SIZE_LIMIT, &ratings->n_items, error))
    return FALSE;
  triplets = member_array (object, "triplets", error);
  if (triplets == NULL)
    return FALSE;
  ratings->n = json_array_get_length (triplets);
  ratings->user = g_new (uint32_t, ratings->n);
  ratings->item = g_new (uint32_t, ratings->n);
  ratings->rating = g_new (double, ratings->n);
  for (size_t k = 0; k < ratings->n; k++)
    if (!read_triplet (json_array_get_element (triplets, (guint) k), ratings, k))
      return fl_fail (error, FL_ERROR_DATA, "input.%s.triplets[%zu] is not [user, item, rating]",
                      key, k);
  return TRUE;
}
