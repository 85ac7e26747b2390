unit_tests += %D%/test-params
tests_unit_test_params_SOURCES = %D%/test-params.c
tests_unit_test_params_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_params_LDADD = $(UNIT_LDADD)
