unit_tests += %D%/test-objectives
tests_unit_test_objectives_SOURCES = %D%/test-objectives.c \
	tests/support/matrix-model.h tests/support/matrix-model.c
tests_unit_test_objectives_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_objectives_LDADD = $(UNIT_LDADD)
unit_tests += %D%/test-list-measures
tests_unit_test_list_measures_SOURCES = %D%/test-list-measures.c \
	tests/support/matrix-model.h tests/support/matrix-model.c
tests_unit_test_list_measures_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_list_measures_LDADD = $(UNIT_LDADD)
