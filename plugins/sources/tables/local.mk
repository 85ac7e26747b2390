plugin_LTLIBRARIES += %D%/tables.la
%C%_tables_la_SOURCES = %D%/tables.c %D%/tables.h %D%/entities.c %D%/tsv.c %D%/lists.c %D%/recbole.c
%C%_tables_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tables_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/tsv.md %D%/lists.md %D%/recbole.md
