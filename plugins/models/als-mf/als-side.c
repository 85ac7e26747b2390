/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* als-side.c: the users or the items, as a half of a sweep solves for them. */
#include "als-mf.h"

double
als_lambda_scale (const AlsMf *als, const AlsSide *side, size_t row)
{
  double scale = als->half ? 0.5 : 1;

  if (als->weighted)
    scale *= (double) (side->ratings->start[row + 1] - side->ratings->start[row]);
  return scale;
}

double
als_lambda (const AlsMf *als, const AlsSide *side, size_t row)
{
  double lambda = side->lambda != NULL ? side->lambda[row] : als->lambda;

  return lambda * als_lambda_scale (als, side, row);
}

static AlsSide
users_of (const AlsMf *als)
{
  return (AlsSide) {
    .name = "user",
    .ratings = &als->train->by_user,
    .lambda = als->lambda_user,
    .solved = als->user,
    .fixed = als->item,
    .m = als->width - (als->biases ? 1 : 0),
    .offset = als->width - 1,
  };
}

static AlsSide
items_of (const AlsMf *als)
{
  AlsSide side = users_of (als);

  side.name = "item";
  side.ratings = &als->train->by_item;
  side.lambda = als->lambda_item;
  side.solved = als->item;
  side.fixed = als->user;
  side.first = als->biases ? 1 : 0;
  side.bias = side.m - 1;
  side.offset = 0;
  return side;
}

AlsSide
als_side (const AlsMf *als, FlSide side)
{
  return side == FL_SIDE_USER ? users_of (als) : items_of (als);
}
