# v1/fairlead holds the public headers as interface 1 was frozen; v1/frozen.c is
# built against them alone and must work in today's host.
check_LTLIBRARIES += %D%/v1/frozen.la
%C%_v1_frozen_la_SOURCES = %D%/v1/frozen.c
%C%_v1_frozen_la_CPPFLAGS = -I$(srcdir)/%D%/v1 $(GLIB_CFLAGS)
%C%_v1_frozen_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_v1_frozen_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/v1/fairlead %D%/v1/SHA256SUMS
check_scripts += %D%/frozen.sh
unit_tests += %D%/test-abi
tests_abi_test_abi_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_abi_test_abi_LDADD = $(UNIT_LDADD)
