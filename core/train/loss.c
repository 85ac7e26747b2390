/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* loss.c: what scores of a batch cost, and the derivative by each of them.
 *
 * Two of them are softplus (x) = ln (1 + e^x), whose derivative is sigma (x):
 *   -ln sigma (s)           = softplus (-s)
 *   -(y ln p + (1 - y) ln (1 - p)) = softplus (s) - y s,   p = sigma (s);
 * the third is (s - y)^2.
 */
#include "core/train/train-room.h"

#include <math.h>

/* Sums are over parts of this many entries, in their order. */
#define PART ((size_t) 1024)

/* ln (1 + e^x); *sigma receives its derivative.  No overflow, and no digits lost
 * where e^x is small. */
static inline double
softplus (double x, double *sigma)
{
  double e = exp (-fabs (x));

  *sigma = x >= 0 ? 1 / (1 + e) : e / (1 + e);
  return fmax (x, 0) + log1p (e);
}

typedef struct Loss Loss;
struct Loss
{
  double (*part) (const Loss *loss, size_t first, size_t end);
  size_t n;
  const double *score, *label;
  const double *weight;
  double *d_score;
  double *each;
};

static double
triples_part (const Loss *loss, size_t first, size_t end)
{
  double sum = 0, same = 1 / (double) loss->n;

  for (size_t k = first; k < end; k++)
    {
      double weight = loss->weight != NULL ? loss->weight[k] : same, sigma;
      double difference = loss->score[2 * k] - loss->score[2 * k + 1];
      double value = softplus (-difference, &sigma);

      loss->d_score[2 * k] = -weight * sigma;
      loss->d_score[2 * k + 1] = weight * sigma;
      if (loss->each != NULL)
        loss->each[k] = value;
      sum += weight * value;
    }
  return sum;
}

static double
binary_part (const Loss *loss, size_t first, size_t end)
{
  double sum = 0, same = 1 / (double) loss->n;

  for (size_t k = first; k < end; k++)
    {
      double weight = loss->weight != NULL ? loss->weight[k] : same, sigma;
      double score = loss->score[k], label = loss->label[k];
      double value = softplus (score, &sigma) - label * score;

      loss->d_score[k] = weight * (sigma - label);
      if (loss->each != NULL)
        loss->each[k] = value;
      sum += weight * value;
    }
  return sum;
}

static double
squared_part (const Loss *loss, size_t first, size_t end)
{
  double sum = 0, same = 1 / (double) loss->n;

  for (size_t k = first; k < end; k++)
    {
      double weight = loss->weight != NULL ? loss->weight[k] : same;
      double error = loss->score[k] - loss->label[k];

      loss->d_score[k] = 2 * weight * error;
      if (loss->each != NULL)
        loss->each[k] = error * error;
      sum += weight * (error * error);
    }
  return sum;
}

static double
loss_sum (const Loss *loss)
{
  size_t n_parts = (loss->n + PART - 1) / PART;
  g_autofree double *part = g_new (double, n_parts);

#pragma omp parallel for schedule(static) if (n_parts > 3)
  for (size_t p = 0; p < n_parts; p++)
    part[p] = loss->part (loss, p * PART, MIN ((p + 1) * PART, loss->n));
  return fl_sum (n_parts, part);
}

double
fl_loss_bpr (size_t n, const double *score, const double *weight, double *d_score, double *each)
{
  return loss_sum (&(const Loss) { triples_part, n, score, NULL, weight, d_score, each });
}

double
fl_loss_bce (size_t n, const double *score, const double *label, const double *weight,
             double *d_score, double *each)
{
  return loss_sum (&(const Loss) { binary_part, n, score, label, weight, d_score, each });
}

double
fl_loss_squared (size_t n, const double *score, const double *label, const double *weight,
                 double *d_score, double *each)
{
  return loss_sum (&(const Loss) { squared_part, n, score, label, weight, d_score, each });
}
