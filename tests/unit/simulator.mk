unit_tests += %D%/test-simulator
tests_unit_test_simulator_SOURCES = %D%/test-simulator.c \
	plugins/mitigators/simulator/setup.c $(simulator_dynamics)
tests_unit_test_simulator_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_simulator_LDADD = $(UNIT_LDADD)
