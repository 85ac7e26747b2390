unit_tests += %D%/test-data
tests_unit_test_data_SOURCES = %D%/test-data.c
tests_unit_test_data_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_data_LDADD = $(UNIT_LDADD)
