# Also part of the golden runner and of the benchmarks.
noinst_LTLIBRARIES += %D%/libinside.la
%C%_libinside_la_SOURCES = %D%/antidote.h %D%/antidote-trial.c %D%/antidote-rows.c %D%/antidote-gd.c
plugin_LTLIBRARIES += %D%/antidote.la
%C%_antidote_la_SOURCES = %D%/antidote.h %D%/antidote.c %D%/fair-user.c
%C%_antidote_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_antidote_la_LIBADD = %D%/libinside.la $(PLUGIN_LIBS)
EXTRA_DIST += %D%/antidote.json %D%/antidote-gd.md %D%/antidote-heuristic.md %D%/antidote-baseline.md \
	%D%/fair-user.md

tests_golden_golden_SOURCES += %D%/tests/golden.c
tests_golden_golden_LDADD += %D%/libinside.la
tests_bench_bench_SOURCES += %D%/tests/bench.c
tests_bench_bench_LDADD += %D%/libinside.la
check_scripts += %D%/tests/antidote.sh
