plugin_LTLIBRARIES += %D%/movielens.la
%C%_movielens_la_SOURCES = %D%/movielens.c %D%/movielens-csv.c %D%/movielens.h
%C%_movielens_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_movielens_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/movielens-100k.md %D%/movielens-1m.md %D%/movielens-csv.md

unit_tests += %D%/tests/test-movielens
%C%_tests_test_movielens_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_movielens_LDADD = $(UNIT_LDADD)
fuzz_targets += %D%/tests/fuzz-movielens
EXTRA_DIST += %D%/tests/corpus
