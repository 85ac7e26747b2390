# Specimens for the registry's test: one that works, the others broken each in
# its own way.  -rpath makes libtool build modules that are not installed.
SPECIMEN_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
check_LTLIBRARIES += %D%/good.la %D%/no-symbol.la %D%/other-abi.la %D%/later-duplicate.la \
	%D%/crash.la %D%/wild.la %D%/hang.la %D%/quit.la %D%/empty.la %D%/sizes.la %D%/faulty.la %D%/loader.la
%C%_good_la_SOURCES = %D%/good.c
%C%_good_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_good_la_LIBADD = $(PLUGIN_LIBS)
%C%_no_symbol_la_SOURCES = %D%/no-symbol.c
%C%_no_symbol_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_no_symbol_la_LIBADD = $(PLUGIN_LIBS)
%C%_other_abi_la_SOURCES = %D%/other-abi.c %D%/specimen.h
%C%_other_abi_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_other_abi_la_LIBADD = $(PLUGIN_LIBS)
%C%_later_duplicate_la_SOURCES = %D%/later-duplicate.c %D%/specimen.h
%C%_later_duplicate_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_later_duplicate_la_LIBADD = $(PLUGIN_LIBS)
%C%_crash_la_SOURCES = %D%/crash.c %D%/specimen.h
%C%_crash_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_crash_la_LIBADD = $(PLUGIN_LIBS)
%C%_wild_la_SOURCES = %D%/wild.c %D%/specimen.h
%C%_wild_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_wild_la_LIBADD = $(PLUGIN_LIBS)
%C%_hang_la_SOURCES = %D%/hang.c %D%/specimen.h
%C%_hang_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_hang_la_LIBADD = $(PLUGIN_LIBS)
%C%_quit_la_SOURCES = %D%/quit.c %D%/specimen.h
%C%_quit_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_quit_la_LIBADD = $(PLUGIN_LIBS)
%C%_empty_la_SOURCES = %D%/empty.c
%C%_empty_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_empty_la_LIBADD = $(PLUGIN_LIBS)
%C%_sizes_la_SOURCES = %D%/sizes.c %D%/specimen.h
%C%_sizes_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_sizes_la_LIBADD = $(PLUGIN_LIBS)
%C%_loader_la_SOURCES = %D%/loader.c
%C%_loader_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_loader_la_LIBADD = $(PLUGIN_LIBS)
%C%_faulty_la_SOURCES = %D%/faulty.c %D%/specimen.h
%C%_faulty_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_faulty_la_LIBADD = $(PLUGIN_LIBS)

# One that works, of every kind, for tests of pipelines.
check_LTLIBRARIES += %D%/toys.la
%C%_toys_la_SOURCES = %D%/toys.c
%C%_toys_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_toys_la_LIBADD = $(PLUGIN_LIBS)
# Does all that a run needs, and goes wrong on request.
check_LTLIBRARIES += %D%/trouble.la
%C%_trouble_la_SOURCES = %D%/trouble.c
%C%_trouble_la_LDFLAGS = $(SPECIMEN_LDFLAGS) $(OPENMP_CFLAGS)
%C%_trouble_la_LIBADD = $(PLUGIN_LIBS)
# Trained by gradients.
check_LTLIBRARIES += %D%/learner.la
%C%_learner_la_SOURCES = %D%/learner.c tests/support/learner.h tests/support/learner.c
%C%_learner_la_LDFLAGS = $(SPECIMEN_LDFLAGS)
%C%_learner_la_LIBADD = $(PLUGIN_LIBS)
