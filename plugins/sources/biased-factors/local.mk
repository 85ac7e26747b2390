plugin_LTLIBRARIES += %D%/biased-factors.la
%C%_biased_factors_la_SOURCES = %D%/biased-factors.c
%C%_biased_factors_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_biased_factors_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/biased-factors.md
