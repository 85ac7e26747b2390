# Tests.  What lies in unit/, cli/, tree/ and fuzz/ is found by its name (parts.sh);
# what tests one plugin alone lies in that plugin's folder and is named by its
# local.mk.  Scripts, which take longest, come first.
unit_tests =
check_scripts =
fuzz_targets =
# Of the tree rather than of what it compiles to: not again with sanitizers.
tree_scripts =
if SANITIZERS
TESTS = $(check_scripts) $(unit_tests)
else
TESTS = $(check_scripts) $(unit_tests) $(tree_scripts)
endif
check_PROGRAMS += $(unit_tests) $(fuzz_targets)
dist_check_SCRIPTS += $(check_scripts) $(tree_scripts)
LOG_COMPILER = $(SHELL) $(abs_top_srcdir)/%D%/support/timed
EXTRA_DIST += %D%/support/timed %D%/support/under-valgrind

# Unit tests once more, under valgrind.
.PHONY: check-valgrind
check-valgrind:
	$(MAKE) check TESTS='$(unit_tests)' \
	  LOG_COMPILER='$(LOG_COMPILER) $(SHELL) $(abs_top_srcdir)/%D%/support/under-valgrind'

# Unit tests link the library itself, and what several of them share.
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JSON_CFLAGS) $(SQLITE_CFLAGS) $(LAPACKE_CFLAGS) \
	-DTOP_SRCDIR=\"$(abs_top_srcdir)\" -DTOP_BUILDDIR=\"$(abs_top_builddir)\"
UNIT_LDADD = %D%/support/libunit.la %D%/support/libmodels.la libfairlead.la $(CMOCKA_LIBS) \
	$(GLIB_LIBS) $(JSON_LIBS) $(SQLITE_LIBS) $(LAPACKE_LIBS) -lm
check_LTLIBRARIES += %D%/support/libunit.la
%C%_support_libunit_la_SOURCES = %D%/support/source-test.c \
	%D%/plugins/toys.h %D%/plugins/toys.c %D%/conformance/fixture.h %D%/conformance/fixture.c
%C%_support_libunit_la_CPPFLAGS = $(UNIT_CPPFLAGS)
noinst_LTLIBRARIES += %D%/support/libmodels.la
%C%_support_libmodels_la_SOURCES = %D%/support/learner.c %D%/support/matrix-model.c

include tests/plugins/local.mk
include tests/conformance/local.mk
include tests/abi/local.mk
include tests/golden/local.mk
include tests/fuzz/fuzz.mk
include tests/bench/local.mk

# The build tree's plugins are the only ones that tests see.  Threads that wait leave
# the processor to other tests.  With sanitizers new memory is filled with ones: what
# is read before it is written is NaN, or an index out of bounds.
AM_TESTS_ENVIRONMENT = \
	OMP_WAIT_POLICY=passive; export OMP_WAIT_POLICY; \
	ASAN_OPTIONS=max_malloc_fill_size=1073741824:malloc_fill_byte=255; export ASAN_OPTIONS; \
	G_SLICE=always-malloc; export G_SLICE; \
	FAIRLEAD_PLUGIN_PATH='$(abs_top_builddir)/plugins-built'; export FAIRLEAD_PLUGIN_PATH; \
	FAIRLEAD_PLUGIN_DIR='$(abs_top_builddir)/plugins-built'; export FAIRLEAD_PLUGIN_DIR; \
	XDG_DATA_HOME='$(abs_top_builddir)/tests/home'; export XDG_DATA_HOME; \
	XDG_CACHE_HOME='$(abs_top_builddir)/tests/cache'; export XDG_CACHE_HOME; \
	FAIRLEAD_BUILD='$(abs_top_builddir)'; export FAIRLEAD_BUILD; \
	FAIRLEAD_SOURCE='$(abs_top_srcdir)'; export FAIRLEAD_SOURCE; \
	FAIRLEAD_CC='$(CC)'; export FAIRLEAD_CC; \
	FAIRLEAD_CFLAGS='$(GLIB_CFLAGS)'; export FAIRLEAD_CFLAGS; \
	FAIRLEAD_FUZZ_TARGETS='$(fuzz_targets)'; export FAIRLEAD_FUZZ_TARGETS; \
	if test -z "$$FAIRLEAD_DATA" && test -d '$(abs_top_srcdir)/../shared/data'; then \
	  FAIRLEAD_DATA='$(abs_top_srcdir)/../shared/data'; export FAIRLEAD_DATA; \
	fi;

# Folder of links to every plugin built here, as a plugin folder must look.
plugins-built: $(plugin_LTLIBRARIES) $(srcdir)/parts.mk
	$(AM_V_GEN)rm -rf $@.tmp $@ && mkdir $@.tmp && \
	for la in $(plugin_LTLIBRARIES); do \
	  so=$$(basename $$la .la).so; cp -p $$(dirname $$la)/.libs/$$so $@.tmp/ || exit 1; \
	done && chmod -R go-w $@.tmp && mv $@.tmp $@
all-local: plugins-built $(man_made)
clean-local:
	rm -rf plugins-built plugins-built.tmp man-built man-built.tmp tests/home tests/cache
