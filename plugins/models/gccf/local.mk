plugin_LTLIBRARIES += %D%/gccf.la
%C%_gccf_la_SOURCES = %D%/gccf.c
%C%_gccf_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_gccf_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/gccf.json %D%/gccf.md
