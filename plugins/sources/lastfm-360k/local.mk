plugin_LTLIBRARIES += %D%/lastfm-360k.la
%C%_lastfm_360k_la_SOURCES = %D%/lastfm-360k.c
%C%_lastfm_360k_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_lastfm_360k_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/lastfm-360k.md

unit_tests += %D%/tests/test-lastfm-360k
%C%_tests_test_lastfm_360k_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_lastfm_360k_LDADD = $(UNIT_LDADD)
fuzz_targets += %D%/tests/fuzz-lastfm-360k
EXTRA_DIST += %D%/tests/corpus
