unit_tests += %D%/test-derivative
tests_unit_test_derivative_SOURCES = %D%/test-derivative.c \
	tests/support/matrix-model.h tests/support/matrix-model.c
tests_unit_test_derivative_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_derivative_LDADD = $(UNIT_LDADD)
EXTRA_tests_unit_test_derivative_DEPENDENCIES = plugins-built
