# Also part of the golden runner.
group_dro_shared = %D%/weights.c
plugin_LTLIBRARIES += %D%/group-dro.la
%C%_group_dro_la_SOURCES = %D%/group-dro.h $(group_dro_shared) %D%/group-dro.c
%C%_group_dro_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_group_dro_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/group-dro.json %D%/group-dro.md
