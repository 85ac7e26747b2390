/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* movielens.h: what the sources for GroupLens' files share. */
#ifndef MOVIELENS_H
#define MOVIELENS_H

#include <fairlead/plugin.h>

#define MOVIELENS_REFERENCE \
  "F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context, " \
  "ACM TiiS 5(4), 2015, doi:10.1145/2827872"

typedef struct
{
  char *path; /* folder */
} Movielens;

extern const FlPlugin movielens_csv;

/* The file, be it compressed; an error that says where the data set `title`
 * comes from when it is not there. */
char *movielens_find (const Movielens *self, const char *name, const char *title, GError **error);

/* Attribute year of an item, if `year` is four digits. */
void movielens_add_year (FlBuilder *builder, FlSpan item, FlSpan year);
/* The same from a title: Toy Story (1995). */
void movielens_add_title (FlBuilder *builder, FlSpan item, FlSpan title);

#endif
