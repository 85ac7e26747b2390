/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* random.c: Philox4x32-10 [Salmon et al., SC 2011], a counter-based generator.
 *
 * The key is a hash of (seed, purpose); the upper half of the counter is the
 * stream's index, the lower half counts blocks of four 32-bit numbers.
 */
#include <fairlead/random.h>

#include <math.h>

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

static void
philox (const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];

  for (int round = 0; round < 10; round++)
    {
      uint64_t p0 = (uint64_t) PHILOX_M0 * c0, p1 = (uint64_t) PHILOX_M1 * c2;

      c0 = (uint32_t) (p1 >> 32) ^ c1 ^ k0;
      c2 = (uint32_t) (p0 >> 32) ^ c3 ^ k1;
      c1 = (uint32_t) p1;
      c3 = (uint32_t) p0;
      k0 += PHILOX_W0;
      k1 += PHILOX_W1;
    }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* FNV-1a over the seed's bytes and the purpose, finished as in SplitMix64. */
static uint64_t
hash_name (uint64_t seed, const char *purpose)
{
  uint64_t h = 0xCBF29CE484222325u;

  for (int i = 0; i < 8; i++)
    h = (h ^ ((seed >> (8 * i)) & 0xFF)) * 0x100000001B3u;
  for (; *purpose != '\0'; purpose++)
    h = (h ^ (uint8_t) *purpose) * 0x100000001B3u;
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9u;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBu;
  return h ^ (h >> 31);
}

FlRng
fl_rng (uint64_t seed, const char *purpose, uint64_t index)
{
  uint64_t key = hash_name (seed, purpose);
  FlRng rng = {
    .key = { (uint32_t) key, (uint32_t) (key >> 32) },
    .counter = { 0, 0, (uint32_t) index, (uint32_t) (index >> 32) },
  };

  return rng;
}

uint32_t
fl_rng_u32 (FlRng *rng)
{
  if (rng->n_left == 0)
    {
      philox (rng->counter, rng->key, rng->block);
      rng->n_left = 4;
      if (++rng->counter[0] == 0)
        rng->counter[1]++;
    }
  return rng->block[--rng->n_left];
}

uint64_t
fl_rng_u64 (FlRng *rng)
{
  uint64_t high = fl_rng_u32 (rng);

  return high << 32 | fl_rng_u32 (rng);
}

double
fl_rng_uniform (FlRng *rng)
{
  return (double) (fl_rng_u64 (rng) >> 11) * 0x1p-53;
}

/* Box and Muller; u is moved from [0, 1) to (0, 1] for the logarithm. */
double
fl_rng_normal (FlRng *rng)
{
  double radius, angle;

  if (rng->has_spare)
    {
      rng->has_spare = FALSE;
      return rng->spare;
    }
  radius = sqrt (-2.0 * log (1.0 - fl_rng_uniform (rng)));
  angle = 2.0 * G_PI * fl_rng_uniform (rng);
  rng->spare = radius * sin (angle);
  rng->has_spare = TRUE;
  return radius * cos (angle);
}

/* Multiply and shift, with rejection of the few that would bias [Lemire 2019]. */
uint32_t
fl_rng_below (FlRng *rng, uint32_t bound)
{
  uint64_t product = (uint64_t) fl_rng_u32 (rng) * bound;

  if ((uint32_t) product < bound)
    {
      uint32_t threshold = (0u - bound) % bound;

      while ((uint32_t) product < threshold)
        product = (uint64_t) fl_rng_u32 (rng) * bound;
    }
  return (uint32_t) (product >> 32);
}

void
fl_rng_shuffle (FlRng *rng, uint32_t *values, size_t n)
{
  for (size_t i = n; i > 1; i--)
    {
      size_t j = fl_rng_below (rng, (uint32_t) i);
      uint32_t value = values[j];

      values[j] = values[i - 1];
      values[i - 1] = value;
    }
}
