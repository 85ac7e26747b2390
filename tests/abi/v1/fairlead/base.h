/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* base.h: declarations every other header rests on: visibility, versions,
 * errors, spans of text. */
#ifndef FAIRLEAD_BASE_H
#define FAIRLEAD_BASE_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Everything declared between these two is part of a header's interface: C
 * linkage, visible outside the library. */
#define FL_BEGIN_DECLS G_BEGIN_DECLS _Pragma ("GCC visibility push(default)")
#define FL_END_DECLS   _Pragma ("GCC visibility pop") G_END_DECLS

FL_BEGIN_DECLS

/* Raised only when plugins built against an older header cannot work. */
#define FL_API_VERSION 1

#define FL_ERROR (fl_error_quark ())
GQuark fl_error_quark (void);

/* Grouped by who must act. */
typedef enum
{
  FL_ERROR_CONFIG,  /* edit the pipeline or the command line            */
  FL_ERROR_DATA,    /* fix the data                                     */
  FL_ERROR_NUMERIC, /* the computation failed: divergence, singularity  */
  FL_ERROR_PLUGIN,  /* a plugin is missing, unusable or breaks its word */
  FL_ERROR_SYSTEM   /* memory, disk, permissions                        */
} FlErrorCode;

/* Sets `error` and returns FALSE, so that a check is one statement:
 *   return fl_fail (error, FL_ERROR_DATA, "needs 2 groups, found %u", n);
 * Say what was found and what was wanted; the host adds where. */
gboolean fl_fail (GError **error, FlErrorCode code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* A structure that either side may build for the other begins with its size, which the
 * macro of its name fills in: FL_BATCH (.n = n, ...).  Who receives it copies it into one
 * of his own, so that what the other's header did not have yet reads as zero.  Never
 * assign one as a whole, which would keep the other's size: FL_COPY. */
#define FL_SIZED_(Type, ...) ((Type) { .size = sizeof (Type), __VA_ARGS__ })

/* *mine <- *theirs, as far as both know it; the rest of mine is zero. */
#define FL_COPY(mine, theirs) fl_copy ((mine), sizeof *(mine), (theirs))
static inline void
fl_copy (gpointer mine, size_t size, gconstpointer theirs)
{
  size_t given;

  memcpy (&given, theirs, sizeof given);
  memset (mine, 0, size);
  memcpy (mine, theirs, given < size ? given : size);
  memcpy (mine, &size, sizeof size);
}

/* Text that need not end in a zero byte. */
typedef struct
{
  const char *text;
  size_t length;
} FlSpan;

static inline FlSpan
fl_span (const char *text)
{
  FlSpan span = { text, 0 };

  while (text[span.length] != '\0')
    span.length++;
  return span;
}

/* The whole of `text` as a finite number, locale-free: no blank, no `nan`,
 * no `inf`, nothing after the digits. */
gboolean fl_parse_double (FlSpan text, double *value);
gboolean fl_parse_int (FlSpan text, int64_t *value);

/* Zeroed memory for `n` elements of `size` bytes; NULL with FL_ERROR_SYSTEM
 * when that overflows or is not to be had.  Freed with g_free. */
gpointer fl_alloc (size_t n, size_t size, GError **error);

FL_END_DECLS

#endif
