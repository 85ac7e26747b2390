/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data.h: ratings, data sets, and what a source builds them with. */
#ifndef FAIRLEAD_DATA_H
#define FAIRLEAD_DATA_H

#include <fairlead/base.h>
#include <fairlead/groups.h>
#include <fairlead/random.h>

FL_BEGIN_DECLS

#define FL_NO_TIME G_MININT64

typedef enum
{
  FL_PART_TRAIN,
  FL_PART_VALIDATION,
  FL_PART_TEST
} FlPart;

typedef enum
{
  FL_SIDE_USER,
  FL_SIDE_ITEM
} FlSide;

/* One orientation of a sparse rating matrix.  Row r holds the entries
 * start[r] .. start[r + 1] - 1, columns ascending.  Values are stored as float
 * when every one of them is exact in float (stars, halves, counts), else as
 * double; exactly one of the two arrays is set. */
typedef struct
{
  uint32_t n_rows, n_cols;
  const size_t *start; /* n_rows + 1 */
  const uint32_t *col;
  const float *f32;
  const double *f64;
  gpointer reserved[2];
} FlCsr;

static inline double
fl_csr_value (const FlCsr *csr, size_t k)
{
  return csr->f32 != NULL ? (double) csr->f32[k] : csr->f64[k];
}

/* The three below search a row in as many steps as its length has binary digits.
 *
 * The first entry of the row whose column is `col` or a later one; start[row + 1] when
 * there is none. */
size_t fl_csr_lower_bound (const FlCsr *csr, uint32_t row, uint32_t col);
/* Whether the row has an entry in column `col`: has this user rated that item? */
gboolean fl_csr_has (const FlCsr *csr, uint32_t row, uint32_t col);
/* One of the columns in which the row has no entry, each as likely as any other: in rows
 * of users, a negative.  The caller sees to it that there is one, so that the row has
 * fewer than n_cols entries. */
uint32_t fl_csr_draw_unseen (const FlCsr *csr, uint32_t row, FlRng *rng);

/* Ratings, both ways: rows are users in by_user, items in by_item.  Only the functions
 * below make such ratings and change them; nobody copies one. */
typedef struct
{
  uint32_t n_users, n_items;
  size_t n;
  FlCsr by_user, by_item;
  double rating_min, rating_max; /* the scale, not the extremes present */
  gpointer reserved[4];
} FlRatings;

/* From n triplets in any order.  A pair that occurs twice, an id out of range
 * or a rating that is not finite is FL_ERROR_DATA. */
FlRatings *fl_ratings_new (uint32_t n_users, uint32_t n_items, size_t n,
                           const uint32_t *user, const uint32_t *item,
                           const double *rating, GError **error);
/* `ratings` with n more users behind the others, each of whom rates every item: `rows`
 * is n x n_items, row-major; or, with FL_SIDE_ITEM, with n more items, each of which every
 * user rates: n x n_users.  A rating that is not finite is FL_ERROR_NUMERIC, more users or
 * items than can be counted FL_ERROR_CONFIG. */
FlRatings *fl_ratings_append (const FlRatings *ratings, FlSide side, uint32_t n,
                              const double *rows, GError **error);
/* Gives the last n users, or items, of ratings that were made so others in place of
 * theirs.  Arrays of values may move. */
gboolean fl_ratings_change (FlRatings *ratings, FlSide side, uint32_t n, const double *rows,
                            GError **error);
void fl_ratings_free (FlRatings *ratings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlRatings, fl_ratings_free)

/* Ratings that are gathered one by one, in any order: made by fl_triplets_new, to be read
 * here and added to by the functions below.  Memory that is not to be had is reported
 * when ratings are made of them. */
typedef struct
{
  size_t n;
  const uint32_t *user, *item; /* n */
  const double *rating;        /* n */
} FlTriplets;

FlTriplets *fl_triplets_new (void);
void fl_triplets_free (FlTriplets *triplets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlTriplets, fl_triplets_free)
void fl_triplets_add (FlTriplets *triplets, uint32_t user, uint32_t item, double rating);
/* All of `ratings`: users ascending, and items of each user ascending. */
void fl_triplets_add_ratings (FlTriplets *triplets, const FlRatings *ratings);
/* What fl_ratings_new makes of them; the scale is their extremes. */
FlRatings *fl_triplets_make_ratings (const FlTriplets *triplets, uint32_t n_users,
                                     uint32_t n_items, GError **error);
/* The same with the users, items and scale of `like`. */
FlRatings *fl_triplets_make_ratings_like (const FlTriplets *triplets, const FlRatings *like,
                                          GError **error);

/* What a stage may know of the data: never the test ratings, and validation
 * ratings only for those that declare that they select on them.  Models see
 * train->n_users and n_items, which an augmenting mitigator may have raised above
 * those of the groups and of the other parts; what was added comes last. */
typedef struct
{
  size_t size;
  const FlRatings *train;
  const FlRatings *validation;  /* or NULL */
  const FlGroups *user_groups;  /* or NULL when the pipeline names none */
  const FlGroups *item_groups;  /* or NULL */
  uint32_t n_users;             /* of the data set: train may have more; 0: those of train */
  uint32_t n_items;             /* likewise                                                */
  const uint8_t *gone;          /* n_items: 1 where nobody is recommended the item any more; or NULL */
} FlData;
#define FL_DATA(...) FL_SIZED_ (FlData, __VA_ARGS__)

/* ---- for sources ------------------------------------------------------- */

typedef struct FlBuilder FlBuilder;

/* Adds one rating; time in seconds since 1970, or FL_NO_TIME.  Ids are any text ("1" and "01" are two); the host numbers
 * users and items from 0, by number when all ids of a side are decimal
 * integers, else by byte order.  A pair given twice is an error at the end that
 * names it; users and items without any rating are left out. */
gboolean fl_builder_rating (FlBuilder *builder, FlSpan user, FlSpan item,
                            double rating, int64_t time, GError **error);

/* A value of a categorical attribute; called again it adds a further value
 * (genres).  Values are UTF-8; an empty one is missing.  Users and items
 * without any rating are left out at the end, with their attributes. */
void fl_builder_attribute (FlBuilder *builder, FlSide side, FlSpan id,
                           const char *attribute, FlSpan value);

/* The values of one field of a table: cut at `separator` (NULL: one value); "?"
 * and "" are missing. */
void fl_builder_values (FlBuilder *builder, FlSide side, FlSpan id, const char *attribute,
                        FlSpan field, const char *separator);

/* The value `code` of an attribute is called `label` where it is added from here
 * on. */
void fl_builder_label (FlBuilder *builder, FlSide side, const char *attribute, const char *code,
                       const char *label);

/* The rating scale; without it the extremes of the data.  Called before a file is
 * read, it makes a rating outside the scale a bad line. */
void fl_builder_scale (FlBuilder *builder, double min, double max);

/* Ratings added from here on belong to `part`; for data that come split, used
 * by `[split] method = given`.  Ratings from before the first call are training
 * ratings then. */
void fl_builder_part (FlBuilder *builder, FlPart part);

/* Something worth telling of the data; kept with the dataset and shown when it
 * is looked at. */
void fl_builder_note (FlBuilder *builder, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* ---- delimited text ---------------------------------------------------- */

/* Files are read line by line: LF and CRLF, a byte-order mark, a last line
 * without an end are all right; blank lines are skipped; zero bytes, folders and
 * files that cannot be read are refused. */
typedef struct
{
  size_t size;
  const char *separator;  /* "\t", "::", "|", ","; one or more bytes; " ":
                             any run of blanks and tabs                    */
  gboolean header;        /* the first line names the columns              */
  gboolean latin1;        /* fields are ISO-8859-1; rows arrive as UTF-8   */
  size_t fields_min;      /* fewer is an error                             */
  size_t fields_max;      /* more is an error; 0: no limit                 */
  gboolean quoted;        /* "fields" may be quoted as in CSV ("" is a
                             quote); a quote may go on over lines, except
                             in files of ratings                           */
  gboolean backslash;     /* within quotes, a backslash takes the next
                             character as it is                            */
} FlTableFormat;
#define FL_TABLE_FORMAT(...) FL_SIZED_ (FlTableFormat, __VA_ARGS__)

/* Called for each row; a header arrives as line 1 with `header` TRUE.  To
 * refuse a row, fl_fail (FL_ERROR_DATA) with what is wrong: file, line and
 * text are put before it. */
typedef gboolean (*FlTableRow) (gpointer user_data, gboolean header, const FlSpan *field,
                                size_t n_fields, GError **error);

/* Reads a file row by row.  A row that is refused, or a line that is no row, ends
 * the reading or is skipped and counted, as the user chose (`bad-lines`). */
gboolean fl_builder_table (FlBuilder *builder, const char *path, const FlTableFormat *format,
                           FlTableRow row, gpointer user_data, GError **error);
/* The same of text in memory, which messages call `name`; a mistake ends it. */
gboolean fl_table_parse (const char *name, FlSpan text, const FlTableFormat *format,
                         FlTableRow row, gpointer user_data, GError **error);
/* The names in the first line of a file.  To be freed with g_strfreev. */
char **fl_table_header (const char *path, const FlTableFormat *format, GError **error);

/* The number, from 1, of the column called `name`; 0 with FL_ERROR_DATA when there
 * is none or more than one. */
size_t fl_table_column (const char *path, char *const *header, const char *name, GError **error);
/* What a word for a separator stands for: tab, comma, semicolon, colon, pipe,
 * space; other text stands for itself.  NULL with FL_ERROR_CONFIG when that
 * cannot separate. */
const char *fl_table_separator (const char *text, GError **error);
/* `path`, or path.gz or path.zst when that is there instead; NULL when none is. */
char *fl_table_find (const char *path);

/* Columns of a file of ratings, numbered from 1; 0: there is none.  Without a
 * rating every rating is 1; times are seconds since 1970, or dates of ISO 8601. */
typedef struct
{
  size_t size;
  size_t user, item, rating, time;
} FlRatingColumns;
#define FL_RATING_COLUMNS(...) FL_SIZED_ (FlRatingColumns, __VA_ARGS__)

/* Reads a file whose lines are one rating each, on all cores with the same result
 * for any number of them. */
gboolean fl_builder_ratings (FlBuilder *builder, const char *path, const FlTableFormat *format,
                             const FlRatingColumns *columns, GError **error);

FL_END_DECLS

#endif
