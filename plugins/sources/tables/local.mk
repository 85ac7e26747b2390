plugin_LTLIBRARIES += %D%/tables.la
%C%_tables_la_SOURCES = %D%/tables.c %D%/tables.h %D%/entities.c %D%/tsv.c %D%/lists.c %D%/recbole.c
%C%_tables_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_tables_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/tsv.md %D%/lists.md %D%/recbole.md

unit_tests += %D%/tests/test-lists
%C%_tests_test_lists_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_lists_LDADD = $(UNIT_LDADD)
unit_tests += %D%/tests/test-recbole
%C%_tests_test_recbole_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_recbole_LDADD = $(UNIT_LDADD)
unit_tests += %D%/tests/test-tsv
%C%_tests_test_tsv_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_tsv_LDADD = $(UNIT_LDADD)
fuzz_targets += %D%/tests/fuzz-lists %D%/tests/fuzz-recbole %D%/tests/fuzz-tsv
EXTRA_DIST += %D%/tests/corpus
