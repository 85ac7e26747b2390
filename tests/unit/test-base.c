/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Numbers as text, errors, random streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include <fairlead/base.h>
#include <fairlead/random.h>

static void
test_parse_double (void **state)
{
  static const char *const good[] = { "5", "-0.5", ".5", "1.", "1e3", "+2.5E-1" };
  static const double expected[] = { 5, -0.5, 0.5, 1, 1000, 0.25 };
  static const char *const bad[] = { "", " 1", "1 ", "nan", "inf", "1e400", "0x10", "1e", "5 # five",
                                     "--1", ".", "1,5", "1e+" };
  double value = 0;

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    {
      assert_true (fl_parse_double (fl_span (good[i]), &value));
      assert_true (value == expected[i]);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_false (fl_parse_double (fl_span (bad[i]), &value));
}

/* Short numbers take a path of their own: against the C library, to the bit. */
static void
test_parse_short (void **state)
{
  FlRng rng = fl_rng (1, "numbers", 0);

  (void) state;
  for (int k = 0; k < 200000; k++)
    {
      uint64_t digits = fl_rng_u64 (&rng) % 10000000000000000u >> fl_rng_below (&rng, 50);
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT ".%0*u", digits,
                                               1 + (int) fl_rng_below (&rng, 12),
                                               fl_rng_below (&rng, 100000));
      double value = -1;

      assert_true (fl_parse_double (fl_span (text), &value));
      assert_true (value == g_ascii_strtod (text, NULL));
    }
}

static void
test_parse_int (void **state)
{
  int64_t value = 0;

  (void) state;
  assert_true (fl_parse_int (fl_span ("9223372036854775807"), &value));
  assert_true (value == INT64_MAX);
  assert_true (fl_parse_int (fl_span ("-9223372036854775808"), &value));
  assert_true (value == INT64_MIN);
  assert_false (fl_parse_int (fl_span ("9223372036854775808"), &value));
  assert_false (fl_parse_int (fl_span ("99999999999999999999999"), &value));
  assert_false (fl_parse_int (fl_span ("1.0"), &value));
  assert_false (fl_parse_int (fl_span ("-"), &value));
}

/* Known answer of Philox4x32-10 for an all-zero counter and key, from the
 * generator's authors (Random123, kat_vectors). */
static void
test_philox_known_answer (void **state)
{
  FlRng rng = { .n_left = 0 };

  (void) state;
  (void) fl_rng_u32 (&rng);
  assert_int_equal (rng.block[0], 0x6627e8d5u);
  assert_int_equal (rng.block[1], 0xe169c58du);
  assert_int_equal (rng.block[2], 0xbc57ac4cu);
  assert_int_equal (rng.block[3], 0x9b00dbd8u);
}

static void
test_streams (void **state)
{
  FlRng a = fl_rng (1, "split", 0), b = fl_rng (1, "split", 0), c = fl_rng (1, "split", 1),
        d = fl_rng (1, "start", 0);
  double sum = 0, squares = 0;
  uint32_t seen[7] = { 0 }, order[7] = { 0, 1, 2, 3, 4, 5, 6 }, mask = 0;

  (void) state;
  assert_true (fl_rng_u64 (&a) == fl_rng_u64 (&b));
  assert_true (fl_rng_u64 (&a) != fl_rng_u64 (&c));
  assert_true (fl_rng_u64 (&b) != fl_rng_u64 (&d));
  for (int i = 0; i < 100000; i++)
    {
      double z = fl_rng_normal (&a);

      sum += z;
      squares += z * z;
      seen[fl_rng_below (&b, 7)]++;
    }
  assert_true (fabs (sum / 1e5) < 0.015);
  assert_true (fabs (squares / 1e5 - 1) < 0.025);
  for (int i = 0; i < 7; i++)
    assert_in_range (seen[i], 13700, 14900);
  fl_rng_shuffle (&c, order, 7);
  for (int i = 0; i < 7; i++)
    mask |= 1u << order[i];
  assert_int_equal (mask, 127);
}

static void
test_alloc_overflow (void **state)
{
  GError *error = NULL;

  (void) state;
  assert_null (fl_alloc (SIZE_MAX, 16, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
  g_error_free (error);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_parse_double),         cmocka_unit_test (test_parse_short),
    cmocka_unit_test (test_parse_int),
    cmocka_unit_test (test_philox_known_answer),  cmocka_unit_test (test_streams),
    cmocka_unit_test (test_alloc_overflow),
  };

  return cmocka_run_group_tests_name ("base", tests, NULL, NULL);
}
