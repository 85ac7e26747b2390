unit_tests += %D%/test-registry
tests_unit_test_registry_SOURCES = %D%/test-registry.c
tests_unit_test_registry_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_registry_LDADD = $(UNIT_LDADD)
