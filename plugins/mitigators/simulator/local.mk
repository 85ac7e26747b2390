# The dynamics, which four plugins share, and what tests set them up with.
noinst_LTLIBRARIES += %D%/libdynamics.la %D%/libsetup.la
%C%_libdynamics_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/thresholds.c %D%/impact.c \
	%D%/impacts.c %D%/states.c %D%/chapter.c %D%/joint.c %D%/equilibrium.c %D%/uniqueness.c
%C%_libsetup_la_SOURCES = %D%/setup.h %D%/setup.c
plugin_LTLIBRARIES += %D%/simulator.la
%C%_simulator_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/setup.h %D%/simulator.c
%C%_simulator_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_simulator_la_LIBADD = %D%/libsetup.la %D%/libdynamics.la $(PLUGIN_LIBS)
plugin_LTLIBRARIES += %D%/simulator-theorems.la
%C%_simulator_theorems_la_SOURCES = %D%/dynamics.h %D%/theorems.c
%C%_simulator_theorems_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_simulator_theorems_la_LIBADD = %D%/libdynamics.la $(PLUGIN_LIBS)
EXTRA_DIST += %D%/simulator.json %D%/simulator.md %D%/simulator-theorems.md
plugin_LTLIBRARIES += %D%/long-term-gap.la
%C%_long_term_gap_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/long-term-gap.h \
	%D%/long-term-gap.c %D%/gap-observation.c %D%/gap-estimate.c %D%/gap-sensitivity.c
%C%_long_term_gap_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_long_term_gap_la_LIBADD = %D%/libdynamics.la $(PLUGIN_LIBS)
EXTRA_DIST += %D%/long-term-gap.md
plugin_LTLIBRARIES += %D%/fit-response.la
%C%_fit_response_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/fit-response.c
%C%_fit_response_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_fit_response_la_LIBADD = %D%/libdynamics.la $(PLUGIN_LIBS)
EXTRA_DIST += %D%/fit-response.md

tests_golden_golden_SOURCES += %D%/tests/golden.c
tests_golden_golden_LDADD += %D%/libdynamics.la
unit_tests += %D%/tests/test-simulator %D%/tests/test-long-term-gap
%C%_tests_test_simulator_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_simulator_LDADD = %D%/libsetup.la %D%/libdynamics.la $(UNIT_LDADD)
%C%_tests_test_long_term_gap_SOURCES = %D%/tests/test-long-term-gap.c %D%/gap-observation.c
%C%_tests_test_long_term_gap_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_long_term_gap_LDADD = %D%/libdynamics.la $(UNIT_LDADD)
check_scripts += %D%/tests/simulator.sh %D%/tests/long-term-gap.sh
