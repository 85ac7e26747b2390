plugin_LTLIBRARIES += %D%/concentration.la
%C%_concentration_la_SOURCES = %D%/concentration.c
%C%_concentration_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_concentration_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/concentration.json %D%/coverage.md %D%/gini.md
