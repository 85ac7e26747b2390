unit_tests += %D%/test-networks
tests_unit_test_networks_SOURCES = %D%/test-networks.c tests/support/matrix-model.h \
	tests/support/matrix-model.c tests/support/gradients.h
tests_unit_test_networks_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_networks_LDADD = $(UNIT_LDADD)
EXTRA_tests_unit_test_networks_DEPENDENCIES = plugins-built
