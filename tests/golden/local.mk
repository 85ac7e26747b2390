noinst_PROGRAMS += %D%/golden
%C%_golden_SOURCES = %D%/golden.h %D%/golden.c %D%/read.c \
	tests/support/matrix-model.h tests/support/matrix-model.c tests/support/gradients.h \
	%D%/check-als.c \
	%D%/check-antidote.c plugins/mitigators/antidote/antidote.h $(antidote_shared) \
	%D%/check-bpr-fda-itfr.c %D%/bpr-case.h %D%/bpr-case.c \
	%D%/check-bpr.c %D%/check-fda.c %D%/check-itfr.c \
	%D%/check-groupdro.c plugins/mitigators/group-dro/group-dro.h $(group_dro_shared) \
	%D%/check-networks.c \
	%D%/check-objectives.c \
	%D%/check-ranking.c \
	%D%/check-simulator.c plugins/mitigators/simulator/dynamics.h $(simulator_dynamics) \
	%D%/check-synthetic.c
%C%_golden_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
%C%_golden_LDADD = libfairlead.la $(JSON_LIBS) $(GLIB_LIBS) -lm
dist_check_SCRIPTS += %D%/sets.sh
TESTS += %D%/sets.sh
EXTRA_DIST += %D%/run %D%/sets/objectives.json %D%/sets/objectives_inside.json \
	%D%/sets/synthetic.json
