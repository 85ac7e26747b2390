/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* golden.h: what a check of one golden set is written against.
 *
 * A set is one JSON file; its `name` picks the check, which is called for each
 * case.  The check reads `input`, computes with the real plugins, and names
 * every number it can say by its path in `expected`.  Paths that the case does
 * not expect are passed over; keys that it expects and no check names are
 * counted as not covered.  To add a set: one file with one function, announced by
 * GOLDEN_SET; of what is inside a plugin, in that plugin's folder.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <json-glib/json-glib.h>

#include "tests/support/matrix-model.h"

typedef struct
{
  const FlRegistry *registry;
  const char *id;         /* of the case                                    */
  const char *kind;       /* what the case says it is; or NULL              */
  JsonObject *set;        /* the file                                       */
  JsonObject *input;
  JsonNode *expected;
  double tolerance;       /* |a - b| <= tolerance * max (1, |b|)            */
  GHashTable *verdict;    /* path -> NULL when passed, else why not         */
} GoldenCase;

/* FALSE with an error when the case cannot be computed at all; the case is then
 * one failure. */
typedef gboolean (*GoldenCheck) (GoldenCase *c, GError **error);

/* Before main: `check` is the one for sets of that name; of cases of that kind, where
 * those of a set have several. */
#define GOLDEN_SET(set, check) GOLDEN_ANNOUNCE_ (set, NULL, check)
#define GOLDEN_KIND(set, kind, check) GOLDEN_ANNOUNCE_ (set, kind, check)
#define GOLDEN_ANNOUNCE_(set, kind, check)                                                         \
  static void __attribute__ ((constructor)) G_PASTE (announce_at_line_, __LINE__) (void)           \
  {                                                                                                \
    golden_announce (set, kind, check);                                                            \
  }
void golden_announce (const char *set, const char *kind, GoldenCheck check);

/* ---- what is expected -------------------------------------------------- */

/* The tolerance that the file names `key`, else `fallback`. */
void golden_tolerance (GoldenCase *c, const char *key, double fallback);

/* Whether `expected` has this path: "R_pol/value", "0/statistics" where an array
 * holds objects. */
gboolean golden_expects (const GoldenCase *c, const char *path);

/* Compares; NaN stands for null.  Said twice, both must agree. */
void golden_number (GoldenCase *c, const char *path, double got);
/* An array of n numbers, or a matrix of n cells; arrays in arrays count as one. */
void golden_numbers (GoldenCase *c, const char *path, const double *got, size_t n);
/* A number (n = 1), an array or a matrix, each cell with a bound of its own on
 * |a - b|. */
void golden_within (GoldenCase *c, const char *path, const double *got, const double *within,
                    size_t n);
void golden_text (GoldenCase *c, const char *path, const char *got);
/* Number k of what is expected there; NaN when there is none. */
double golden_expected (const GoldenCase *c, const char *path, size_t k);

/* ---- what is given ----------------------------------------------------- */

typedef struct
{
  uint32_t n_rows, n_cols;
  double *data;
} GoldenMatrix;

void golden_matrix_clear (GoldenMatrix *matrix);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GoldenMatrix, golden_matrix_clear)

/* Triplets in the order of the file. */
typedef struct
{
  uint32_t n_users, n_items;
  size_t n;
  uint32_t *user, *item;
  double *rating;
} GoldenRatings;

void golden_ratings_clear (GoldenRatings *ratings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GoldenRatings, golden_ratings_clear)

/* Whether `from` has `key`, other than null. */
gboolean golden_has (JsonObject *from, const char *key);
/* `flag` stays where the key is missing. */
gboolean golden_read_flag (JsonObject *from, const char *key, gboolean *flag, GError **error);
/* Errors name the key.  Integers are refused above `max`. */
gboolean golden_read_number (JsonObject *from, const char *key, double *number, GError **error);
gboolean golden_read_index (JsonObject *from, const char *key, uint32_t max, uint32_t *number,
                            GError **error);
gboolean golden_read_matrix (JsonObject *from, const char *key, GoldenMatrix *matrix,
                             GError **error);
gboolean golden_read_ratings (JsonObject *from, const char *key, GoldenRatings *ratings,
                              GError **error);
/* The same where null stands for NaN. */
gboolean golden_read_gaps (JsonObject *from, const char *key, GoldenMatrix *matrix,
                           GError **error);
/* n numbers, also of arrays in arrays; n ids below `bound`.  NULL on error. */
double *golden_read_numbers (JsonObject *from, const char *key, size_t n, GError **error);
uint32_t *golden_read_ids (JsonObject *from, const char *key, size_t n, uint32_t bound,
                           GError **error);
/* A label from 0 on for each of n; `n_key` says how many there are, else the highest
 * label does. */
FlGroups *golden_read_groups (JsonObject *from, const char *key, const char *n_key, uint32_t n,
                              GError **error);
/* [user, item] as ratings of 1. */
FlRatings *golden_read_pairs (JsonObject *from, const char *key, uint32_t n_users,
                              uint32_t n_items, GError **error);

#endif
