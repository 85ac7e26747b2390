plugin_LTLIBRARIES += %D%/itg.la
%C%_itg_la_SOURCES = %D%/itg.c
%C%_itg_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_itg_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/itg.json %D%/itg.md
