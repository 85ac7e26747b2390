unit_tests += %D%/test-data
tests_unit_test_data_SOURCES = %D%/test-data.c
tests_unit_test_data_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_data_LDADD = $(UNIT_LDADD)
unit_tests += %D%/test-data-sources
tests_unit_test_data_sources_SOURCES = %D%/test-data-sources.c
tests_unit_test_data_sources_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_data_sources_LDADD = $(UNIT_LDADD)
