plugin_LTLIBRARIES += %D%/list-parity.la
%C%_list_parity_la_SOURCES = %D%/list-parity.c
%C%_list_parity_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_list_parity_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/list-parity.json %D%/dp.md %D%/eo.md %D%/js-divergence.md
