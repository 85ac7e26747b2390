/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* chapter.c: one step of two item categories, equations (5.3) to (5.7) of
 * [yao-dissertation].  Within a function -i is the other category.
 */
#include "dynamics.h"

SimPair
sim_pair (const SimSystem *system, uint32_t s, const double *theta, const double *row)
{
  SimPair pair = { .alpha = { sim_fit_rate (2, row, 0), sim_fit_rate (2, row, 1) },
                   .beta = row[3] };

  for (uint32_t i = 0; i < 2; i++)
    {
      for (int y = 0; y < 2; y++)
        pair.G[i][y] = 1.0 - sim_recommend (system, s, i, y, theta[i * system->n_groups + s]);
      pair.T[i] = system->compound + sim_compound_at (2, s, i, 0, 0);
    }
  return pair;
}

/* T^{s,i}_{y, d_i, d_-i} */
static double
T (const SimPair *pair, int i, int y, int d, int d_other)
{
  return pair->T[i][4 * y + (i == 0 ? d + 2 * d_other : d_other + 2 * d)];
}

/* lambda^{s,i}_y = P(Y^-i = 1 | Y^i = y); 0 where nobody is in state y. */
static double
lambda (const SimPair *pair, int i, int y)
{
  double with = y ? pair->beta : pair->alpha[1 - i] - pair->beta;
  double all = y ? pair->alpha[i] : 1.0 - pair->alpha[i];

  return all > 0.0 ? with / all : 0.0;
}

/* (5.5) */
double
sim_pair_g (const SimPair *pair, int i, int y)
{
  double l = lambda (pair, i, y);
  double G = pair->G[i][y];                                           /* P(D^i = 0 | y)  */
  double G_other = (1.0 - l) * pair->G[1 - i][0] + l * pair->G[1 - i][1]; /* P(D^-i = 0 | y) */

  return (T (pair, i, y, 0, 0) * G + T (pair, i, y, 1, 0) * (1.0 - G)) * G_other
         + (T (pair, i, y, 0, 1) * G + T (pair, i, y, 1, 1) * (1.0 - G)) * (1.0 - G_other);
}

/* (5.3) */
static double
next_alpha (const SimPair *pair, int i)
{
  return sim_pair_g (pair, i, 0) * (1.0 - pair->alpha[i])
         + sim_pair_g (pair, i, 1) * pair->alpha[i];
}

/* (5.7) */
double
sim_pair_f (const SimPair *pair, int y_j, int y_k)
{
  double G_j = pair->G[0][y_j], G_k = pair->G[1][y_k];

  return T (pair, 0, y_j, 0, 0) * T (pair, 1, y_k, 0, 0) * G_j * G_k
         + T (pair, 0, y_j, 1, 0) * T (pair, 1, y_k, 0, 1) * (1.0 - G_j) * G_k
         + T (pair, 0, y_j, 0, 1) * T (pair, 1, y_k, 1, 0) * G_j * (1.0 - G_k)
         + T (pair, 0, y_j, 1, 1) * T (pair, 1, y_k, 1, 1) * (1.0 - G_j) * (1.0 - G_k);
}

/* (5.6) */
static double
next_beta (const SimPair *pair)
{
  double beta_11 = pair->beta;
  double beta_10 = pair->alpha[0] - pair->beta, beta_01 = pair->alpha[1] - pair->beta;
  double beta_00 = 1.0 - beta_11 - beta_10 - beta_01;

  return sim_pair_f (pair, 0, 0) * beta_00 + sim_pair_f (pair, 0, 1) * beta_01
         + sim_pair_f (pair, 1, 0) * beta_10 + sim_pair_f (pair, 1, 1) * beta_11;
}

void
sim_chapter_step (const SimSystem *system, const double *theta, const double *joint, double *next)
{
  for (uint32_t s = 0; s < system->n_groups; s++)
    {
      SimPair pair = sim_pair (system, s, theta, joint + 4 * s);

      sim_row_of_pair (next_alpha (&pair, 0), next_alpha (&pair, 1), next_beta (&pair),
                       next + 4 * s);
    }
}
