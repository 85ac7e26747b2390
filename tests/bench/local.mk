# `make bench` prints a line of JSON a benchmark; BENCH=als runs those whose name
# holds "als".  Plugins add some of their own (their local.mk).
EXTRA_PROGRAMS += %D%/bench
%C%_bench_SOURCES = %D%/bench.h %D%/bench.c %D%/machine.c %D%/ratings.c %D%/als.c %D%/bpr.c \
	%D%/ingest.c %D%/networks.c %D%/rank.c %D%/simulator.c %D%/split.c %D%/startup.c \
	%D%/train.c
%C%_bench_CPPFLAGS = $(AM_CPPFLAGS) $(CBLAS_CFLAGS) -DTOP_BUILDDIR=\"$(abs_top_builddir)\"
%C%_bench_LDADD = libfairlead.la $(CBLAS_LIBS) $(GLIB_LIBS) -lm
CLEANFILES += %D%/bench

.PHONY: bench
bench: %D%/bench plugins-built fairlead
	@$(AM_TESTS_ENVIRONMENT) OPENBLAS_NUM_THREADS=1 ./libtool --mode=execute %D%/bench '$(BENCH)'
