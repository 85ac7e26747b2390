unit_tests += %D%/test-base
tests_unit_test_base_SOURCES = %D%/test-base.c
tests_unit_test_base_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_base_LDADD = $(UNIT_LDADD)
