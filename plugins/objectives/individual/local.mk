plugin_LTLIBRARIES += %D%/individual.la
%C%_individual_la_SOURCES = %D%/individual.c
%C%_individual_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_individual_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/individual.md
