/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* report-room.h: a run's record as a table, a plot, JSON and CSV. */
#ifndef FL_REPORT_ROOM_H
#define FL_REPORT_ROOM_H

#include "core/store/store-room.h"

FL_BEGIN_DECLS

#define FL_NUMBER_LENGTH 32
/* The shortest decimal that reads back as `value`, which is finite. */
char *fl_number_text (double value, char text[FL_NUMBER_LENGTH]);

/* The object that `run --json` promises. */
void fl_report_json (const FlRunRecord *run, GString *out);

/* One line a metric of each cell; with `each`, one line a user or item.  Nothing
 * here depends on how the run was executed. */
void fl_report_csv (const FlRunRecord *run, gboolean each, GString *out);
void fl_report_json_lines (const FlRunRecord *run, gboolean each, GString *out);

/* ---- for people -------------------------------------------------------- */

typedef struct
{
  gboolean unicode;
  size_t columns;     /* width to stay within when possible */
} FlPage;

/* One row of a table: an arm at a sweep point, over all repeats. */
typedef struct
{
  char *label;
  GPtrArray *cells;   /* FlCellRecord, borrowed */
  size_t n_done, n_failed;
} FlRow;

/* One metric over all rows. */
typedef struct
{
  const FlMetric *metric; /* the first met; value and n are that cell's */
  char *label;            /* "rmse", "ndcg@10", "rmse (train)"          */
  gboolean alike;         /* rows are over the same ratings: they may be ranked */
} FlColumn;

typedef struct
{
  double mean, deviation; /* NaN: undefined; deviation NaN below 2 values    */
  size_t n_values;        /* repeats where it is defined                     */
  size_t n;               /* largest number behind it                        */
  gboolean measured;      /* some cell of the row has the metric             */
  const char *pairs;      /* "3 of 6" could be compared, of the first repeat that
                             says so, borrowed; NULL: all                    */
} FlSummary;

typedef struct
{
  GPtrArray *rows;    /* FlRow    */
  GPtrArray *columns; /* FlColumn */
  FlSummary *summary; /* rows x columns */
} FlComparison;

FlComparison *fl_comparison_new (const FlRunRecord *run);
void fl_comparison_free (FlComparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlComparison, fl_comparison_free)

/* Digits after the point that show four significant ones of the median of n
 * values, so that one far off does not cost the others theirs; -1: exponents read
 * better. */
int fl_decimals (size_t n, const double *value);
/* Places that `text` takes on a terminal. */
size_t fl_text_width (const char *text);
/* Appends text, then blanks up to `width`. */
void fl_append_padded (GString *out, const char *text, size_t width);

/* Arms x metrics, groups, and what failed. */
void fl_report_table (const FlRunRecord *run, const FlComparison *comparison,
                      const FlPage *page, GString *out);
/* Mean and deviation of the first metrics as dots on a line; nothing for fewer
 * than two rows. */
void fl_report_plot (const FlComparison *comparison, const FlPage *page, GString *out);

FL_END_DECLS

#endif
