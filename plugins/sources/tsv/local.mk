plugin_LTLIBRARIES += %D%/tsv.la
%C%_tsv_la_SOURCES = %D%/tsv.c
%C%_tsv_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tsv_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/tsv.md
