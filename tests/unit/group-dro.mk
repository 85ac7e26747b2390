unit_tests += %D%/test-group-dro
tests_unit_test_group_dro_SOURCES = %D%/test-group-dro.c tests/support/learner.h \
	tests/support/learner.c tests/support/matrix-model.h tests/support/matrix-model.c \
	$(group_dro_shared) plugins/mitigators/group-dro/group-dro.h
tests_unit_test_group_dro_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_group_dro_LDADD = $(UNIT_LDADD)
EXTRA_tests_unit_test_group_dro_DEPENDENCIES = plugins-built
