unit_tests += %D%/test-objectives
tests_unit_test_objectives_SOURCES = %D%/test-objectives.c \
	tests/support/matrix-model.h tests/support/matrix-model.c
tests_unit_test_objectives_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_objectives_LDADD = $(UNIT_LDADD)
