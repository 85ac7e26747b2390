plugin_LTLIBRARIES += %D%/urmf.la
%C%_urmf_la_SOURCES = %D%/urmf.c
%C%_urmf_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_urmf_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/urmf.md

unit_tests += %D%/tests/test-urmf
%C%_tests_test_urmf_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_urmf_LDADD = $(UNIT_LDADD)
