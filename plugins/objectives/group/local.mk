plugin_LTLIBRARIES += %D%/group.la
%C%_group_la_SOURCES = %D%/group.c
%C%_group_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_group_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/group.md
