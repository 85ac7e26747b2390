/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Sources that need no files: counts that were taken from the data by other
 * means, and what was drawn. */
#include "tests/support/source-test.h"

/* Counts of PROVENANCE.md. */
static void
test_restaurant (void **state)
{
  GError *error = NULL;
  g_autoptr (FlDataset) d = source_load ("restaurant", 0, &error, NULL);

  (void) state;
  source_expect (d, error);
  assert_int_equal (d->n, 1161);
  assert_int_equal (d->n_users, 138);
  assert_int_equal (d->n_items, 130);
  assert_int_equal (source_ratings (d, 0), 254);
  assert_int_equal (source_ratings (d, 1), 421);
  assert_int_equal (source_ratings (d, 2), 486);
  assert_true (d->rating_min == 0 && d->rating_max == 2);
  assert_int_equal (source_members (d, FL_SIDE_USER, "drink_level", "abstemious"), 51);
  assert_int_equal (source_members (d, FL_SIDE_USER, "drink_level", "casual drinker"), 47);
  assert_int_equal (source_members (d, FL_SIDE_USER, "drink_level", "social drinker"), 40);
  assert_int_equal (source_members (d, FL_SIDE_USER, "transport", "public"), 82);
  assert_int_equal (source_members (d, FL_SIDE_USER, "transport", NULL), 7);
  assert_int_equal (source_members (d, FL_SIDE_USER, "activity", "working-class"), 1);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "price", "low"), 45);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "alcohol", "Full_Bar"), 9);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "franchise", "t"), 22);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "cuisines", "Mexican"), 28);
  assert_int_equal (source_members (d, FL_SIDE_ITEM, "cuisines", NULL), 35);
  assert_string_equal (d->user_id[137], "137");
}

static void
test_block_model (void **state)
{
  GError *error = NULL;
  g_autoptr (FlDataset) a = source_load ("block-model", 1, &error, NULL);
  g_autoptr (FlDataset) b = source_load ("block-model", 1, NULL, NULL);
  g_autoptr (FlDataset) c = source_load ("block-model", 2, NULL, NULL);
  g_autoptr (FlDataset) small = source_load ("block-model", 1, NULL, "n-users=10", "n-items=5",
                                      "population=imbalanced", NULL);

  (void) state;
  source_expect (a, error);
  assert_int_equal (a->n, 400 * 300);
  assert_string_equal (a->digest, b->digest);
  assert_string_not_equal (a->digest, c->digest);
  for (size_t k = 0; k < a->n; k++)
    {
      double value = fl_csr_value (&a->ratings, k);

      if (a->part[k] == FL_PART_TRAIN)
        assert_true (value == 1 || value == -1);
      else
        assert_true (value == 2 * 0.8 - 1 || value == 2 * 0.2 - 1);
    }
  assert_int_equal (source_members (small, FL_SIDE_USER, "type", "W"), 4);
  assert_int_equal (source_members (small, FL_SIDE_USER, "type", "WS"), 1);
  assert_int_equal (source_members (small, FL_SIDE_USER, "gender", "man"), 5);
  assert_int_equal (source_members (small, FL_SIDE_ITEM, "field", "Fem"), 2);
  assert_int_equal (source_members (small, FL_SIDE_ITEM, "field", "Masc"), 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    source_unit_test (test_restaurant),
    source_unit_test (test_block_model),
  };

  return cmocka_run_group_tests_name ("sources", tests, source_group_set_up,
                                      source_group_tear_down);
}
