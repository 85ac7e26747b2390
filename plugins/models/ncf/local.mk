plugin_LTLIBRARIES += %D%/ncf.la
%C%_ncf_la_SOURCES = %D%/ncf.h %D%/ncf.c %D%/ncf-batch.c
%C%_ncf_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_ncf_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/ncf.json %D%/ncf.md
