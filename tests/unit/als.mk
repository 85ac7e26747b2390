unit_tests += %D%/test-als
tests_unit_test_als_SOURCES = %D%/test-als.c
tests_unit_test_als_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_als_LDADD = $(UNIT_LDADD)
EXTRA_tests_unit_test_als_DEPENDENCIES = plugins-built
