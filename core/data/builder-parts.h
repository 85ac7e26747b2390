/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* builder-parts.h: a builder's inside, for the files that fill and finish it. */
#ifndef FL_BUILDER_PARTS_H
#define FL_BUILDER_PARTS_H

#include "core/data/data-private.h"

typedef struct
{
  uint32_t entity, value;
} FlPair;

/* An attribute while it is told. */
typedef struct
{
  char *name;
  FlNames values;
  GArray *pairs;      /* FlPair, in the order they came */
  GHashTable *labels; /* of codes, or NULL              */
} FlTold;

/* A pair of texts that the ratings are searched for. */
typedef struct
{
  const char *user, *item;
} FlWanted;

struct FlBuilder
{
  FlNames names[2];         /* by FlSide                                          */
  GPtrArray *attributes[2]; /* FlTold                                             */
  GHashTable *attribute[2]; /* by name                                            */
  GPtrArray *runs;          /* FlEntries in the order they came; row, col are the
                               arrival numbers of user and item                   */
  FlEntries *open;          /* the one that takes single ratings, or NULL         */
  size_t capacity;          /* of that one                                        */
  struct
  {
    FlEntries *open;
    size_t capacity;
  } parked[3];              /* the same of the parts that are not being added to  */
  size_t n;                 /* ratings in all                                     */
  gboolean has_parts;
  uint8_t part;
  gboolean has_scale;
  double min, max;
  GPtrArray *notes;         /* texts                                              */
  FlIngest ingest;
  FlWanted wanted;          /* user NULL: none                                    */
  GPtrArray *places;        /* texts: where it is                                 */
  const char *file;         /* being read row by row, or NULL                     */
  size_t line;
  GError *error;            /* first mistake of a call that returns nothing       */
};

/* What every rating must fulfil. */
gboolean fl_builder_check_id (FlSide side, FlSpan id, GError **error);
gboolean fl_builder_check_rating (const FlBuilder *builder, double rating, GError **error);
/* Takes entries whose numbers are the builder's. */
gboolean fl_builder_take (FlBuilder *builder, FlEntries *entries, GError **error);

static inline gboolean
fl_builder_wants (const FlBuilder *builder, FlSpan user, FlSpan item)
{
  const FlWanted *wanted = &builder->wanted;

  return wanted->user != NULL && fl_span_equals (user, wanted->user)
         && fl_span_equals (item, wanted->item);
}

#endif
