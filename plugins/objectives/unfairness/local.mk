plugin_LTLIBRARIES += %D%/unfairness.la
%C%_unfairness_la_SOURCES = %D%/unfairness.c
%C%_unfairness_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_unfairness_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/value.md %D%/absolute.md %D%/underestimation.md %D%/overestimation.md \
	%D%/parity.md
