# Plugins add checks of what is inside them (their local.mk).
noinst_PROGRAMS += %D%/golden
%C%_golden_SOURCES = %D%/golden.h %D%/golden.c %D%/read.c \
	%D%/als-case.h %D%/als-case.c %D%/check-als.c %D%/check-prl.c \
	%D%/bpr-case.h %D%/bpr-case.c \
	%D%/check-bpr.c %D%/check-fda.c %D%/check-itfr.c \
	%D%/check-networks.c \
	%D%/check-objectives.c \
	%D%/check-ranking.c \
	%D%/check-synthetic.c
%C%_golden_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
%C%_golden_LDADD = tests/support/libmodels.la libfairlead.la $(JSON_LIBS) $(GLIB_LIBS) -lm
check_scripts += %D%/sets.sh
EXTRA_DIST += %D%/run
