# Also part of the golden runner and of the unit test.
noinst_LTLIBRARIES += %D%/libinside.la
%C%_libinside_la_SOURCES = %D%/group-dro.h %D%/weights.c
plugin_LTLIBRARIES += %D%/group-dro.la
%C%_group_dro_la_SOURCES = %D%/group-dro.h %D%/group-dro.c
%C%_group_dro_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_group_dro_la_LIBADD = %D%/libinside.la $(PLUGIN_LIBS)
EXTRA_DIST += %D%/group-dro.json %D%/group-dro.md

tests_golden_golden_SOURCES += %D%/tests/golden.c
tests_golden_golden_LDADD += %D%/libinside.la
unit_tests += %D%/tests/test-group-dro
%C%_tests_test_group_dro_CPPFLAGS = $(UNIT_CPPFLAGS)
%C%_tests_test_group_dro_LDADD = %D%/libinside.la $(UNIT_LDADD)
check_scripts += %D%/tests/group-dro.sh
