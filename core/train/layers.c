/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* layers.c: dense layers, forwards and back.
 *
 * Weights are kept twice more, padded with zeros to whole vectors and laid out for the
 * products of either direction.  A batch is cut into blocks of rows by its size alone; a
 * block is one thread's, its derivative by the parameters goes to a place of its own, and
 * these are added in their order, in double.
 */
#include "core/train/train-room.h"

#include <fairlead/layers.h>
#include <fairlead/linalg.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* The weights from a table, or from the layer below, to a layer. */
typedef struct
{
  size_t layer;         /* to which, from 0                       */
  size_t n_in, n_out;   /* numbers                                */
  size_t column;        /* of W, where its inputs begin           */
  size_t in, out;       /* padded                                 */
  float *forward;       /* in x out                               */
  float *backward;      /* out x in                               */
  size_t partial;       /* where its derivative, out x in, begins */
} Weights;

/* Rows to a block; blocks to a chunk, whose derivatives are kept at a time. */
#define BLOCK_ROWS ((size_t) 128)
#define CHUNK_BLOCKS ((size_t) 64)

/* What a thread needs for a block of a batch. */
typedef struct
{
  FlLayersWork *work;
  float *x, *d_x;       /* BLOCK_ROWS x the widest table, padded */
  float *sum;           /* BLOCK_ROWS x width of layer 1         */
} Room;

struct FlLayers
{
  size_t n_inputs, n_layers, n_columns; /* columns: of W1, of all tables */
  FlActivation hidden, last;
  FlBlock *block;       /* 2 n_layers                                      */
  char **name;
  Weights *weights;     /* from the tables, then to the layers from 1 on   */
  float **bias;         /* n_layers, padded                                */
  size_t *bias_partial; /* n_layers: where the derivative by it begins     */
  size_t n_partial;
  /* For whole batches, from the first on. */
  float *partial;       /* CHUNK_BLOCKS x n_partial                        */
  double *total;        /* n_partial                                       */
  int n_rooms;
  Room *room;
};

struct FlLayersWork
{
  size_t n_layers;
  float **z;            /* n_layers: n_max rows after the activation       */
  float **d;            /* the derivative by what comes before it          */
  float *memory;
};

/* ---- life -------------------------------------------------------------- */

/* Those to layer l > 0, from the one below. */
static Weights *
weights_to (const FlLayers *layers, size_t l)
{
  return &layers->weights[layers->n_inputs + l - 1];
}

size_t
fl_layers_width (const FlLayers *layers, size_t layer)
{
  return FL_PAD (layers->block[2 * (layer - 1)].n_rows);
}

static void
room_free (Room *room)
{
  fl_layers_work_free (room->work);
  g_free (room->x);
  g_free (room->d_x);
  g_free (room->sum);
}

void
fl_layers_free (FlLayers *layers)
{
  if (layers == NULL)
    return;
  for (size_t b = 0; b < 2 * layers->n_layers; b++)
    {
      g_free (layers->block[b].f32);
      g_free (layers->name[b]);
    }
  for (size_t k = 0; k < layers->n_inputs + layers->n_layers - 1; k++)
    {
      g_free (layers->weights[k].forward);
      g_free (layers->weights[k].backward);
    }
  for (size_t l = 0; l < layers->n_layers; l++)
    g_free (layers->bias[l]);
  g_free (layers->block);
  g_free (layers->name);
  g_free (layers->weights);
  g_free (layers->bias);
  g_free (layers->bias_partial);
  for (int r = 0; r < layers->n_rooms; r++)
    room_free (&layers->room[r]);
  g_free (layers->room);
  g_free (layers->partial);
  g_free (layers->total);
  g_free (layers);
}

static gboolean
check_shape (const FlLayersShape *shape, GError **error)
{
  if (shape->n_inputs == 0 || shape->n_layers == 0)
    return fl_fail (error, FL_ERROR_CONFIG, "layers: must be 1 or more, with 1 input or more, not "
                    "%zu with %zu", shape->n_layers, shape->n_inputs);
  for (size_t t = 0; t < shape->n_inputs; t++)
    if (shape->input[t] == 0 || shape->input[t] > G_MAXUINT32)
      return fl_fail (error, FL_ERROR_CONFIG, "layers: input %zu must have from 1 to %u numbers, "
                      "not %zu", t + 1, G_MAXUINT32, shape->input[t]);
  for (size_t l = 0; l < shape->n_layers; l++)
    if (shape->output[l] == 0 || shape->output[l] > G_MAXUINT32)
      return fl_fail (error, FL_ERROR_CONFIG, "layers: layer %zu must have from 1 to %u outputs, "
                      "not %zu", l + 1, G_MAXUINT32, shape->output[l]);
  return TRUE;
}

static gboolean
add_block (FlLayers *layers, size_t b, char *name, size_t n_rows, size_t n_cols, GError **error)
{
  layers->name[b] = name;
  layers->block[b] = (FlBlock) { .name = name, .n_rows = (uint32_t) n_rows, .n_cols = n_cols };
  layers->block[b].f32 = fl_table_alloc (n_rows * n_cols, sizeof (float), error);
  return layers->block[b].f32 != NULL;
}

static gboolean
add_weights (FlLayers *layers, Weights *w, size_t layer, size_t n_in, size_t column, GError **error)
{
  w->layer = layer;
  w->n_in = n_in;
  w->n_out = layers->block[2 * layer].n_rows;
  w->column = column;
  w->in = FL_PAD (w->n_in);
  w->out = FL_PAD (w->n_out);
  w->partial = layers->n_partial;
  layers->n_partial += w->in * w->out;
  return (w->forward = fl_table_alloc (w->in * w->out, sizeof (float), error)) != NULL
         && (w->backward = fl_table_alloc (w->in * w->out, sizeof (float), error)) != NULL;
}

static gboolean
add_parameters (FlLayers *layers, const FlLayersShape *shape, GError **error)
{
  size_t in = layers->n_columns;

  for (size_t l = 0; l < shape->n_layers; l++)
    {
      size_t out = shape->output[l];

      if (!add_block (layers, 2 * l, g_strdup_printf ("W%zu", l + 1), out, in, error)
          || !add_block (layers, 2 * l + 1, g_strdup_printf ("b%zu", l + 1), 1, out, error))
        return FALSE;
      in = out;
    }
  return TRUE;
}

/* Places of derivatives: weights in their order, then biases. */
static gboolean
add_copies (FlLayers *layers, const FlLayersShape *shape, GError **error)
{
  for (size_t t = 0, column = 0; t < shape->n_inputs; column += shape->input[t++])
    if (!add_weights (layers, &layers->weights[t], 0, shape->input[t], column, error))
      return FALSE;
  for (size_t l = 1; l < shape->n_layers; l++)
    if (!add_weights (layers, weights_to (layers, l), l, shape->output[l - 1], 0, error))
      return FALSE;
  for (size_t l = 0; l < shape->n_layers; l++)
    {
      size_t width = fl_layers_width (layers, l + 1);

      layers->bias_partial[l] = layers->n_partial;
      layers->n_partial += width;
      layers->bias[l] = fl_table_alloc (width, sizeof (float), error);
      if (layers->bias[l] == NULL)
        return FALSE;
    }
  return TRUE;
}

FlLayers *
fl_layers_new (const FlLayersShape *theirs, GError **error)
{
  g_autoptr (FlLayers) layers = NULL;
  FlLayersShape shape;

  if (theirs->size == 0)
    {
      fl_fail (error, FL_ERROR_PLUGIN, "hands over a FlLayersShape without its size: use "
               "FL_LAYERS_SHAPE");
      return NULL;
    }
  FL_COPY (&shape, theirs);
  if (!check_shape (&shape, error))
    return NULL;
  layers = g_new0 (FlLayers, 1);
  layers->n_inputs = shape.n_inputs;
  layers->n_layers = shape.n_layers;
  layers->hidden = shape.hidden;
  layers->last = shape.last;
  for (size_t t = 0; t < shape.n_inputs; t++)
    layers->n_columns += shape.input[t];
  layers->block = g_new0 (FlBlock, 2 * shape.n_layers);
  layers->name = g_new0 (char *, 2 * shape.n_layers);
  layers->weights = g_new0 (Weights, shape.n_inputs + shape.n_layers - 1);
  layers->bias = g_new0 (float *, shape.n_layers);
  layers->bias_partial = g_new0 (size_t, shape.n_layers);
  return add_parameters (layers, &shape, error) && add_copies (layers, &shape, error)
             ? g_steal_pointer (&layers) : NULL;
}

size_t
fl_layers_blocks (const FlLayers *layers, const FlBlock **blocks)
{
  *blocks = layers->block;
  return 2 * layers->n_layers;
}

void
fl_layers_start (FlLayers *layers, uint64_t seed, const char *purpose, uint64_t index)
{
  for (size_t l = 0; l < layers->n_layers; l++)
    {
      const FlBlock *W = &layers->block[2 * l], *b = &layers->block[2 * l + 1];
      FlRng rng = fl_rng (seed, purpose, index + 2 * l);
      double bound = sqrt (6 / (double) (W->n_cols + W->n_rows));

      for (size_t k = 0; k < W->n_rows * W->n_cols; k++)
        W->f32[k] = (float) (bound * (2 * fl_rng_uniform (&rng) - 1));
      memset (b->f32, 0, b->n_cols * sizeof *b->f32);
    }
}

void
fl_layers_pack (FlLayers *layers)
{
  for (size_t k = 0; k < layers->n_inputs + layers->n_layers - 1; k++)
    {
      const Weights *w = &layers->weights[k];
      const FlBlock *W = &layers->block[2 * w->layer];

      for (size_t o = 0; o < w->n_out; o++)
        for (size_t a = 0; a < w->n_in; a++)
          {
            float value = W->f32[o * W->n_cols + w->column + a];

            w->forward[a * w->out + o] = value;
            w->backward[o * w->in + a] = value;
          }
    }
  for (size_t l = 0; l < layers->n_layers; l++)
    {
      const FlBlock *b = &layers->block[2 * l + 1];

      memcpy (layers->bias[l], b->f32, b->n_cols * sizeof (float));
    }
}

/* ---- room for rows ----------------------------------------------------- */

FlLayersWork *
fl_layers_work_new (const FlLayers *layers, size_t n_max, GError **error)
{
  g_autoptr (FlLayersWork) work = g_new0 (FlLayersWork, 1);
  size_t width = 0;
  float *at;

  for (size_t l = 1; l <= layers->n_layers; l++)
    width += fl_layers_width (layers, l);
  work->n_layers = layers->n_layers;
  work->z = g_new (float *, 2 * layers->n_layers);
  work->d = work->z + layers->n_layers;
  work->memory = at = fl_alloc (n_max, 2 * width * sizeof *at, error);
  if (at == NULL)
    return NULL;
  for (size_t l = 0; l < layers->n_layers; l++)
    {
      work->z[l] = at;
      work->d[l] = at + n_max * fl_layers_width (layers, l + 1);
      at += 2 * n_max * fl_layers_width (layers, l + 1);
    }
  return g_steal_pointer (&work);
}

void
fl_layers_work_free (FlLayersWork *work)
{
  if (work == NULL)
    return;
  g_free (work->z);
  g_free (work->memory);
  g_free (work);
}

float *
fl_layers_first (FlLayersWork *work)
{
  return work->z[0];
}

float *
fl_layers_d_last (FlLayersWork *work)
{
  return work->d[work->n_layers - 1];
}

/* ---- a block forwards -------------------------------------------------- */

static FlActivation
activation (const FlLayers *layers, size_t l)
{
  return l + 1 < layers->n_layers ? layers->hidden : layers->last;
}

/* NaN stays, to be noticed. */
static void
rectify (size_t n, float *z)
{
#pragma omp simd
  for (size_t k = 0; k < n; k++)
    z[k] = z[k] < 0 ? 0 : z[k];
}

static void
activate (FlActivation how, size_t n, float *z)
{
  if (how == FL_ACTIVATION_RELU)
    rectify (n, z);
}

static void
put_bias (const FlLayers *layers, size_t l, size_t n, float *sum)
{
  size_t m = fl_layers_width (layers, l + 1);

  for (size_t k = 0; k < n; k++)
    memcpy (sum + k * m, layers->bias[l], m * sizeof *sum);
}

void
fl_layers_sum_input (const FlLayers *layers, size_t t, size_t n, const float *x, float *sum)
{
  const Weights *w = &layers->weights[t];

  if (t == 0)
    put_bias (layers, 0, n, sum);
  else
    memset (sum, 0, n * w->out * sizeof *sum);
  fl_multiply_f32 (n, w->n_in, x, w->in, w->out, w->forward, sum);
}

const float *
fl_layers_compute (const FlLayers *layers, size_t n, FlLayersWork *work)
{
  for (size_t l = 1; l < layers->n_layers; l++)
    {
      const Weights *w = weights_to (layers, l);

      put_bias (layers, l, n, work->z[l]);
      fl_multiply_f32 (n, w->n_in, work->z[l - 1], w->in, w->out, w->forward, work->z[l]);
      activate (activation (layers, l), n * w->out, work->z[l]);
    }
  return work->z[layers->n_layers - 1];
}

/* ---- a block back ------------------------------------------------------ */

/* sum <- sum of n rows of m numbers. */
static void
sum_rows (size_t n, size_t m, const float *rows, float *sum)
{
  for (size_t k = 0; k < n; k++)
#pragma omp simd
    for (size_t a = 0; a < m; a++)
      sum[a] += rows[k * m + a];
}

/* d <- d where z is positive, else 0. */
static void
mask (size_t n, const float *z, float *d)
{
#pragma omp simd
  for (size_t k = 0; k < n; k++)
    d[k] = z[k] > 0 ? d[k] : 0;
}

const float *
fl_layers_compute_back (const FlLayers *layers, size_t n, FlLayersWork *work, float *partial)
{
  for (size_t l = layers->n_layers; l-- > 0;)
    {
      size_t m = fl_layers_width (layers, l + 1);
      const Weights *w;

      if (activation (layers, l) == FL_ACTIVATION_RELU)
        mask (n * m, work->z[l], work->d[l]);
      if (partial != NULL)
        sum_rows (n, m, work->d[l], partial + layers->bias_partial[l]);
      if (l == 0)
        break;
      w = weights_to (layers, l);
      if (partial != NULL)
        fl_outer_f32 (n, m, work->d[l], w->in, work->z[l - 1], partial + w->partial);
      memset (work->d[l - 1], 0, n * w->in * sizeof (float));
      fl_multiply_f32 (n, w->n_out, work->d[l], m, w->in, w->backward, work->d[l - 1]);
    }
  return work->d[0];
}

void
fl_layers_sum_input_back (const FlLayers *layers, size_t t, size_t n, const float *x,
                      const float *d_sum, float *d_x, float *partial)
{
  const Weights *w = &layers->weights[t];

  if (partial != NULL)
    fl_outer_f32 (n, w->out, d_sum, w->in, x, partial + w->partial);
  if (d_x == NULL)
    return;
  memset (d_x, 0, n * w->in * sizeof *d_x);
  fl_multiply_f32 (n, w->n_out, d_sum, w->out, w->in, w->backward, d_x);
}

size_t
fl_layers_n_partial (const FlLayers *layers)
{
  return layers->n_partial;
}

void
fl_layers_add_partials (const FlLayers *layers, const double *total, FlGradientBlock *gradient)
{
  for (size_t k = 0; k < layers->n_inputs + layers->n_layers - 1; k++)
    {
      const Weights *w = &layers->weights[k];

      for (uint32_t o = 0; o < w->n_out; o++)
        {
          float *to = fl_gradient_row (&gradient[2 * w->layer], o) + w->column;

          for (size_t a = 0; a < w->n_in; a++)
            to[a] += (float) total[w->partial + o * w->in + a];
        }
    }
  for (size_t l = 0; l < layers->n_layers; l++)
    {
      float *to = fl_gradient_row (&gradient[2 * l + 1], 0);

      for (size_t a = 0; a < layers->block[2 * l + 1].n_cols; a++)
        to[a] += (float) total[layers->bias_partial[l] + a];
    }
}

/* ---- whole batches ----------------------------------------------------- */

static gboolean
room_init (Room *room, const FlLayers *layers, GError **error)
{
  size_t in = 0, m = layers->weights[0].out;

  for (size_t t = 0; t < layers->n_inputs; t++)
    in = MAX (in, layers->weights[t].in);
  return (room->work = fl_layers_work_new (layers, BLOCK_ROWS, error)) != NULL
         && (room->x = fl_alloc (BLOCK_ROWS, in * sizeof (float), error)) != NULL
         && (room->d_x = fl_alloc (BLOCK_ROWS, in * sizeof (float), error)) != NULL
         && (room->sum = fl_alloc (BLOCK_ROWS, m * sizeof (float), error)) != NULL;
}

/* A room for each thread. */
static gboolean
make_rooms (FlLayers *layers, int n_rooms, GError **error)
{
  if (layers->n_rooms >= n_rooms)
    return TRUE;
  layers->room = g_renew (Room, layers->room, n_rooms);
  for (; layers->n_rooms < n_rooms; layers->n_rooms++)
    {
      Room *room = &layers->room[layers->n_rooms];

      *room = (Room) { NULL };
      if (!room_init (room, layers, error))
        {
          room_free (room);
          return FALSE;
        }
    }
  return TRUE;
}

static int
threads_for (size_t n)
{
  return n > BLOCK_ROWS ? omp_get_max_threads () : 1;
}

/* Columns of table t of n rows, padded. */
static void
load_table (const FlLayers *layers, size_t t, size_t n, const double *x, float *to)
{
  const Weights *w = &layers->weights[t];

  memset (to, 0, n * w->in * sizeof *to);
  for (size_t k = 0; k < n; k++)
    for (size_t a = 0; a < w->n_in; a++)
      to[k * w->in + a] = (float) x[k * layers->n_columns + w->column + a];
}

static const float *
block_forward (const FlLayers *layers, size_t n, const double *x, Room *room)
{
  size_t m = layers->weights[0].out;
  float *z = fl_layers_first (room->work);

  for (size_t t = 0; t < layers->n_inputs; t++)
    {
      load_table (layers, t, n, x, room->x);
      fl_layers_sum_input (layers, t, n, room->x, t == 0 ? z : room->sum);
      for (size_t k = 0; k < n * m && t > 0; k++)
        z[k] += room->sum[k];
    }
  activate (activation (layers, 0), n * m, z);
  return fl_layers_compute (layers, n, room->work);
}

gboolean
fl_layers_forward (FlLayers *layers, size_t n, const double *x, double *y, GError **error)
{
  size_t n_out = layers->block[2 * layers->n_layers - 1].n_cols;
  size_t m = fl_layers_width (layers, layers->n_layers);
  int n_threads = threads_for (n);

  if (!make_rooms (layers, n_threads, error))
    return FALSE;
  fl_layers_pack (layers);
#pragma omp parallel for schedule(static) num_threads (n_threads)
  for (size_t first = 0; first < n; first += BLOCK_ROWS)
    {
      size_t rows = MIN (BLOCK_ROWS, n - first);
      const float *z = block_forward (layers, rows, x + first * layers->n_columns,
                                      &layers->room[omp_get_thread_num ()]);

      for (size_t k = 0; k < rows; k++)
        for (size_t a = 0; a < n_out; a++)
          y[(first + k) * n_out + a] = (double) z[k * m + a];
    }
  return TRUE;
}

static void
block_backward (const FlLayers *layers, size_t n, const double *x, const double *d_y, double *d_x,
                float *partial, Room *room)
{
  size_t n_out = layers->block[2 * layers->n_layers - 1].n_cols;
  size_t m = fl_layers_width (layers, layers->n_layers);
  float *d_last = fl_layers_d_last (room->work);
  const float *d_sum;

  block_forward (layers, n, x, room);
  memset (d_last, 0, n * m * sizeof *d_last);
  for (size_t k = 0; k < n; k++)
    for (size_t a = 0; a < n_out; a++)
      d_last[k * m + a] = (float) d_y[k * n_out + a];
  d_sum = fl_layers_compute_back (layers, n, room->work, partial);
  for (size_t t = 0; t < layers->n_inputs; t++)
    {
      const Weights *w = &layers->weights[t];

      load_table (layers, t, n, x, room->x);
      fl_layers_sum_input_back (layers, t, n, room->x, d_sum, d_x != NULL ? room->d_x : NULL,
                                partial);
      for (size_t k = 0; k < n && d_x != NULL; k++)
        for (size_t a = 0; a < w->n_in; a++)
          d_x[k * layers->n_columns + w->column + a] = (double) room->d_x[k * w->in + a];
    }
}

/* The n rows of a chunk; its derivative by the parameters is added to the total, unless
 * nobody asks. */
static void
chunk_backward (FlLayers *layers, size_t n, const double *x, const double *d_y, double *d_x,
                gboolean asked)
{
  size_t n_out = layers->block[2 * layers->n_layers - 1].n_cols, n_partial = layers->n_partial;
  size_t n_blocks = FL_ROUND_UP (n, BLOCK_ROWS) / BLOCK_ROWS;

#pragma omp parallel for schedule(static) num_threads (threads_for (n))
  for (size_t b = 0; b < n_blocks; b++)
    {
      size_t first = b * BLOCK_ROWS;
      float *partial = asked ? layers->partial + b * n_partial : NULL;

      if (asked)
        memset (partial, 0, n_partial * sizeof *partial);
      block_backward (layers, MIN (BLOCK_ROWS, n - first), x + first * layers->n_columns,
                      d_y + first * n_out, d_x != NULL ? d_x + first * layers->n_columns : NULL,
                      partial, &layers->room[omp_get_thread_num ()]);
    }
  for (size_t b = 0; b < n_blocks && asked; b++)
#pragma omp simd
    for (size_t a = 0; a < n_partial; a++)
      layers->total[a] += (double) layers->partial[b * n_partial + a];
}

static gboolean
make_partials (FlLayers *layers, GError **error)
{
  if (layers->partial == NULL)
    layers->partial = fl_table_alloc (CHUNK_BLOCKS * layers->n_partial, sizeof (float), error);
  if (layers->partial != NULL && layers->total == NULL)
    layers->total = fl_table_alloc (layers->n_partial, sizeof (double), error);
  return layers->partial != NULL && layers->total != NULL;
}

gboolean
fl_layers_backward (FlLayers *layers, size_t n, const double *x, const double *d_y,
                    FlGradientBlock *gradient, double *d_x, GError **error)
{
  size_t n_out = layers->block[2 * layers->n_layers - 1].n_cols;
  size_t n_chunk = CHUNK_BLOCKS * BLOCK_ROWS;

  if (!make_rooms (layers, threads_for (n), error)
      || (gradient != NULL && !make_partials (layers, error)))
    return FALSE;
  fl_layers_pack (layers);
  if (gradient != NULL)
    memset (layers->total, 0, layers->n_partial * sizeof *layers->total);
  for (size_t first = 0; first < n; first += n_chunk)
    chunk_backward (layers, MIN (n_chunk, n - first), x + first * layers->n_columns,
                    d_y + first * n_out, d_x != NULL ? d_x + first * layers->n_columns : NULL,
                    gradient != NULL);
  if (gradient != NULL && n > 0)
    fl_layers_add_partials (layers, layers->total, gradient);
  return TRUE;
}
