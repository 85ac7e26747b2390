# Also part of the golden runner and of the benchmarks.
antidote_shared = %D%/antidote-trial.c %D%/antidote-rows.c %D%/antidote-gd.c
plugin_LTLIBRARIES += %D%/antidote.la
%C%_antidote_la_SOURCES = %D%/antidote.h $(antidote_shared) %D%/antidote.c \
	%D%/fair-user.c
%C%_antidote_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_antidote_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/antidote.json %D%/antidote-gd.md %D%/antidote-heuristic.md %D%/antidote-baseline.md \
	%D%/fair-user.md
