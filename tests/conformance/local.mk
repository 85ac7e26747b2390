# Over every plugin that is found; nothing to register.
unit_tests += %D%/test-parameters %D%/test-behaviour
tests_conformance_test_parameters_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_conformance_test_parameters_LDADD = $(UNIT_LDADD)
tests_conformance_test_behaviour_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_conformance_test_behaviour_LDADD = $(UNIT_LDADD)
