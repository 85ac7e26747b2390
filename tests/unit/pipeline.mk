unit_tests += %D%/test-pipeline
tests_unit_test_pipeline_SOURCES = %D%/test-pipeline.c tests/plugins/toys.c tests/plugins/toys.h
tests_unit_test_pipeline_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_pipeline_LDADD = $(UNIT_LDADD)
