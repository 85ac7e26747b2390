# Unit tests link the library itself.
UNIT_LDADD = libfairlead.la $(CMOCKA_LIBS) $(GLIB_LIBS) $(JSON_LIBS) -lm
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JSON_CFLAGS) -DTOP_SRCDIR=\"$(abs_top_srcdir)\" \
	-DTOP_BUILDDIR=\"$(abs_top_builddir)\"
unit_tests =

include tests/unit/base.mk
include tests/unit/outcome.mk
include tests/unit/linalg.mk
include tests/unit/als.mk
include tests/unit/bpr-mf.mk
include tests/unit/derivative.mk
include tests/unit/networks.mk
include tests/unit/simulator.mk
include tests/unit/data.mk
include tests/unit/params.mk
include tests/unit/registry.mk
include tests/plugins/local.mk
include tests/conformance/local.mk
include tests/abi/local.mk
include tests/unit/pipeline.mk
include tests/unit/store.mk
include tests/unit/objectives.mk
include tests/unit/rank.mk
include tests/unit/train.mk
include tests/unit/group-dro.mk

include tests/golden/local.mk
include tests/fuzz/fuzz.mk

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
dist_check_SCRIPTS += %D%/cli/valgrind.sh
TESTS += %D%/cli/valgrind.sh
dist_check_SCRIPTS += %D%/cli/inspect.sh
TESTS += %D%/cli/inspect.sh
dist_check_SCRIPTS += %D%/cli/rooms.sh
TESTS += %D%/cli/rooms.sh
dist_check_SCRIPTS += %D%/cli/mitigators.sh
TESTS += %D%/cli/mitigators.sh
dist_check_SCRIPTS += %D%/cli/lists.sh
TESTS += %D%/cli/lists.sh
dist_check_SCRIPTS += %D%/cli/group-dro.sh
TESTS += %D%/cli/group-dro.sh
dist_check_SCRIPTS += %D%/cli/antidote.sh
TESTS += %D%/cli/antidote.sh
dist_check_SCRIPTS += %D%/cli/simulator.sh
TESTS += %D%/cli/simulator.sh
dist_check_SCRIPTS += %D%/cli/long-term-gap.sh
TESTS += %D%/cli/long-term-gap.sh
dist_check_SCRIPTS += %D%/cli/rounds.sh
TESTS += %D%/cli/rounds.sh
dist_check_SCRIPTS += %D%/cli/plugin-author.sh
TESTS += %D%/cli/plugin-author.sh
dist_check_SCRIPTS += %D%/cli/synthetic.sh
TESTS += %D%/cli/synthetic.sh
dist_check_SCRIPTS += %D%/cli/groups.sh
TESTS += %D%/cli/groups.sh
dist_check_SCRIPTS += %D%/cli/check.sh
TESTS += %D%/cli/check.sh
dist_check_SCRIPTS += %D%/cli/data.sh
TESTS += %D%/cli/data.sh
dist_check_SCRIPTS += %D%/cli/data-real.sh
TESTS += %D%/cli/data-real.sh
dist_check_SCRIPTS += %D%/cli/run.sh %D%/cli/kill.sh %D%/cli/trouble.sh
TESTS += %D%/cli/run.sh %D%/cli/kill.sh
dist_check_SCRIPTS += %D%/cli/training.sh
TESTS += %D%/cli/training.sh
dist_check_SCRIPTS += %D%/cli/cache-gone.sh
TESTS += %D%/cli/cache-gone.sh
# The build tree's plugins are the only ones that tests see.
AM_TESTS_ENVIRONMENT = \
	FAIRLEAD_PLUGIN_PATH='$(abs_top_builddir)/plugins-built'; export FAIRLEAD_PLUGIN_PATH; \
	FAIRLEAD_PLUGIN_DIR='$(abs_top_builddir)/plugins-built'; export FAIRLEAD_PLUGIN_DIR; \
	XDG_DATA_HOME='$(abs_top_builddir)/tests/home'; export XDG_DATA_HOME; \
	XDG_CACHE_HOME='$(abs_top_builddir)/tests/cache'; export XDG_CACHE_HOME; \
	FAIRLEAD_BUILD='$(abs_top_builddir)'; export FAIRLEAD_BUILD; \
	FAIRLEAD_SOURCE='$(abs_top_srcdir)'; export FAIRLEAD_SOURCE; \
	FAIRLEAD_CC='$(CC)'; export FAIRLEAD_CC; \
	FAIRLEAD_CFLAGS='$(GLIB_CFLAGS)'; export FAIRLEAD_CFLAGS; \
	FAIRLEAD_UNIT_TESTS='$(unit_tests)'; export FAIRLEAD_UNIT_TESTS; \
	if test -z "$$FAIRLEAD_DATA" && test -d '$(abs_top_srcdir)/../shared/data'; then \
	  FAIRLEAD_DATA='$(abs_top_srcdir)/../shared/data'; export FAIRLEAD_DATA; \
	fi;

# Folder of links to every plugin built here, as a plugin folder must look.
plugins-built: $(plugin_LTLIBRARIES)
	$(AM_V_GEN)rm -rf $@.tmp $@ && mkdir $@.tmp && \
	for la in $(plugin_LTLIBRARIES); do \
	  so=$$(basename $$la .la).so; cp -p $$(dirname $$la)/.libs/$$so $@.tmp/ || exit 1; \
	done && chmod -R go-w $@.tmp && mv $@.tmp $@
all-local: plugins-built $(man_made)
clean-local:
	rm -rf plugins-built plugins-built.tmp man-built man-built.tmp tests/home tests/cache

include tests/bench/local.mk
