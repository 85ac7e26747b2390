unit_tests += %D%/test-outcome
tests_unit_test_outcome_SOURCES = %D%/test-outcome.c
tests_unit_test_outcome_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_outcome_LDADD = $(UNIT_LDADD)
