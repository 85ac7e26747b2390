plugin_LTLIBRARIES += %D%/list-change.la
%C%_list_change_la_SOURCES = %D%/list-change.c
%C%_list_change_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_list_change_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/list-change.json %D%/list-change.md
