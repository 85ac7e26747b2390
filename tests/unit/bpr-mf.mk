unit_tests += %D%/test-bpr-mf
tests_unit_test_bpr_mf_SOURCES = %D%/test-bpr-mf.c tests/support/matrix-model.h \
	tests/support/matrix-model.c tests/support/gradients.h
tests_unit_test_bpr_mf_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_bpr_mf_LDADD = $(UNIT_LDADD)
EXTRA_tests_unit_test_bpr_mf_DEPENDENCIES = plugins-built
