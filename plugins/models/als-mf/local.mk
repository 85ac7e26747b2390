plugin_LTLIBRARIES += %D%/als-mf.la
%C%_als_mf_la_SOURCES = %D%/als-mf.h %D%/als-mf.c %D%/als-side.c %D%/als-anderson.c \
	%D%/als-derivative.c %D%/als-adjoint.c %D%/als-rows.inc %D%/als-double.c %D%/als-single.c
%C%_als_mf_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_als_mf_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/als-mf.json %D%/prl.json %D%/als-mf.md

unit_tests += %D%/tests/test-als
%C%_tests_test_als_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_als_LDADD = $(UNIT_LDADD)
unit_tests += %D%/tests/test-adjoint
%C%_tests_test_adjoint_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_adjoint_LDADD = $(UNIT_LDADD)
