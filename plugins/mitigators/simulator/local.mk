# What tests and benchmarks of the dynamics themselves are built with.
simulator_dynamics = %D%/thresholds.c %D%/impact.c %D%/impacts.c %D%/chapter.c %D%/joint.c \
	%D%/equilibrium.c %D%/uniqueness.c
plugin_LTLIBRARIES += %D%/simulator.la
%C%_simulator_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/setup.h %D%/setup.c %D%/simulator.c \
	$(simulator_dynamics)
%C%_simulator_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_simulator_la_LIBADD = $(PLUGIN_LIBS)
plugin_LTLIBRARIES += %D%/simulator-theorems.la
%C%_simulator_theorems_la_SOURCES = %D%/dynamics.h %D%/theorems.c $(simulator_dynamics)
%C%_simulator_theorems_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_simulator_theorems_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/simulator.json %D%/simulator.md %D%/simulator-theorems.md
plugin_LTLIBRARIES += %D%/long-term-gap.la
%C%_long_term_gap_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/long-term-gap.c \
	$(simulator_dynamics)
%C%_long_term_gap_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_long_term_gap_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/long-term-gap.md
plugin_LTLIBRARIES += %D%/fit-response.la
%C%_fit_response_la_SOURCES = %D%/dynamics.h %D%/impacts.h %D%/fit-response.c \
	$(simulator_dynamics)
%C%_fit_response_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_fit_response_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/fit-response.md
