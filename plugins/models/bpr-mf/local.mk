plugin_LTLIBRARIES += %D%/bpr-mf.la
%C%_bpr_mf_la_SOURCES = %D%/bpr-mf.h %D%/bpr-mf.c %D%/bpr-batch.inc %D%/bpr-single.c %D%/bpr-double.c \
	%D%/bpr-stream.c
%C%_bpr_mf_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_bpr_mf_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/bpr-mf.json %D%/bpr-mf.md

unit_tests += %D%/tests/test-bpr-mf
%C%_tests_test_bpr_mf_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_bpr_mf_LDADD = $(UNIT_LDADD)
