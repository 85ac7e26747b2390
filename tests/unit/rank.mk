unit_tests += %D%/test-rank
tests_unit_test_rank_SOURCES = %D%/test-rank.c \
	tests/support/matrix-model.h tests/support/matrix-model.c
tests_unit_test_rank_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_rank_LDADD = $(UNIT_LDADD)
