unit_tests += %D%/test-simulator
tests_unit_test_simulator_SOURCES = %D%/test-simulator.c \
	plugins/mitigators/simulator/setup.c $(simulator_dynamics)
tests_unit_test_simulator_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_simulator_LDADD = $(UNIT_LDADD)
unit_tests += %D%/test-long-term-gap
tests_unit_test_long_term_gap_SOURCES = %D%/test-long-term-gap.c \
	tests/support/matrix-model.h tests/support/matrix-model.c $(simulator_dynamics)
tests_unit_test_long_term_gap_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_long_term_gap_LDADD = $(UNIT_LDADD)
unit_tests += %D%/test-rounds
tests_unit_test_rounds_SOURCES = %D%/test-rounds.c \
	tests/support/matrix-model.h tests/support/matrix-model.c
tests_unit_test_rounds_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_rounds_LDADD = $(UNIT_LDADD)
