/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* params.h: typed parameters, declared once.  Part of plugin.h; include that. */
#ifndef FAIRLEAD_PARAMS_H
#define FAIRLEAD_PARAMS_H

#include <fairlead/base.h>

FL_BEGIN_DECLS

typedef struct FlInstance FlInstance; /* a plugin at work */

typedef enum
{
  FL_TYPE_END,
  FL_TYPE_DOUBLE,  /* double                                              */
  FL_TYPE_INT,     /* int64_t                                             */
  FL_TYPE_BOOL,    /* gboolean                                            */
  FL_TYPE_CHOICE,  /* int: index among the words                          */
  FL_TYPE_STRING,  /* char *, owned by the host                           */
  FL_TYPE_PATH,    /* char *, environment variables expanded              */
  FL_TYPE_DOUBLES, /* FlDoubles                                           */
  FL_TYPE_INTS,    /* FlInts                                              */
  FL_TYPE_PLUGIN,  /* FlInstance *: another plugin, by group or bare name */
  FL_TYPE_ARM      /* char *: name of an arm of the pipeline              */
} FlType;

typedef struct
{
  size_t n;
  double *v;
} FlDoubles;

typedef struct
{
  size_t n;
  int64_t *v;
} FlInts;

typedef enum
{
  FL_KIND_SOURCE,
  FL_KIND_MODEL,
  FL_KIND_OBJECTIVE,
  FL_KIND_MITIGATOR
} FlKind;
#define FL_N_KINDS 4

/* One parameter.  Rows of an array cannot grow, hence `reserved`.  The key in a
 * pipeline is the name with hyphens for underscores. */
typedef struct
{
  FlType type;
  FlKind kind;          /* FL_TYPE_PLUGIN: which kind                       */
  const char *name;
  size_t offset;        /* of the field in self                             */
  double min, max;      /* numbers, and each number of a list; inclusive    */
  double number;        /* default of a number, bool (0, 1), choice (index) */
  const char *text;     /* default of the other types; NULL: must be given  */
  const char *words;    /* FL_TYPE_CHOICE: "double|single"                  */
  const char *unit;     /* or NULL                                          */
  const char *doc;
  gpointer reserved[4];
} FlParam;

/* The field's place; a compiler warning when it is not of type `ctype`. */
#define FL_FIELD_(Self, field, ctype) \
  (offsetof (Self, field) + 0 * sizeof ((ctype *) 0 == &((Self *) 0)->field))

#define FL_DOUBLE(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_DOUBLE, .name = #field, .offset = FL_FIELD_ (Self, field, double), \
    .min = (lo), .max = (hi), .number = (def), .unit = (unit_), .doc = (doc_) }
#define FL_INT(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_INT, .name = #field, .offset = FL_FIELD_ (Self, field, int64_t), \
    .min = (lo), .max = (hi), .number = (def), .unit = (unit_), .doc = (doc_) }
#define FL_BOOL(Self, field, def, doc_) \
  { .type = FL_TYPE_BOOL, .name = #field, .offset = FL_FIELD_ (Self, field, gboolean), \
    .max = 1, .number = (def), .doc = (doc_) }
#define FL_CHOICE(Self, field, def, words_, doc_) \
  { .type = FL_TYPE_CHOICE, .name = #field, .offset = FL_FIELD_ (Self, field, int), \
    .number = (def), .words = (words_), .doc = (doc_) }
#define FL_STRING(Self, field, def, doc_) \
  { .type = FL_TYPE_STRING, .name = #field, .offset = FL_FIELD_ (Self, field, char *), \
    .text = (def), .doc = (doc_) }
#define FL_PATH(Self, field, def, doc_) \
  { .type = FL_TYPE_PATH, .name = #field, .offset = FL_FIELD_ (Self, field, char *), \
    .text = (def), .doc = (doc_) }
#define FL_DOUBLES(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_DOUBLES, .name = #field, .offset = FL_FIELD_ (Self, field, FlDoubles), \
    .min = (lo), .max = (hi), .text = (def), .unit = (unit_), .doc = (doc_) }
#define FL_INTS(Self, field, def, lo, hi, unit_, doc_) \
  { .type = FL_TYPE_INTS, .name = #field, .offset = FL_FIELD_ (Self, field, FlInts), \
    .min = (lo), .max = (hi), .text = (def), .unit = (unit_), .doc = (doc_) }
#define FL_PLUGIN_PARAM(Self, field, kind_, def, doc_) \
  { .type = FL_TYPE_PLUGIN, .kind = (kind_), .name = #field, \
    .offset = FL_FIELD_ (Self, field, FlInstance *), .text = (def), .doc = (doc_) }
#define FL_ARM(Self, field, doc_) \
  { .type = FL_TYPE_ARM, .name = #field, .offset = FL_FIELD_ (Self, field, char *), .doc = (doc_) }
#define FL_PARAM_END { .type = FL_TYPE_END }

FL_END_DECLS

#endif
