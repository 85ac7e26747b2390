# Fuzz targets: fuzz-NAME.c is found by its name, here; a plugin's own lies in its
# folder.  Beside each lie, in corpus/NAME, inputs to begin with and to replay in
# `make check`, and NAME.dict, words of the format, if any.
check_LTLIBRARIES += %D%/libreplay.la
%C%_libreplay_la_SOURCES = %D%/replay.c %D%/fuzz.h %D%/fuzz-data.h
# For programs that name no libraries of their own.
LDADD = %D%/libreplay.la libfairlead.la $(GLIB_LIBS) $(JSON_LIBS)
check_scripts += %D%/corpus.sh
EXTRA_DIST += %D%/fuzz.sh %D%/corpus %D%/pipeline.dict %D%/groups.dict %D%/split.dict

# `make fuzz`: clang and its OpenMP (libomp-dev).
FUZZ_CC = clang
FUZZ_CFLAGS = -O1 -g -w -std=gnu11 -fopenmp -fno-omit-frame-pointer -fno-sanitize-recover=undefined
FUZZ_SECONDS = 60
fuzz: config.h
	@FUZZ_CC='$(FUZZ_CC)' FUZZ_TOP='$(srcdir)' FUZZ_SOURCES='$(libfairlead_la_SOURCES)' \
	FUZZ_CFLAGS="$(FUZZ_CFLAGS) -DHAVE_CONFIG_H -I. $(libfairlead_la_CPPFLAGS)" \
	FUZZ_LIBS='$(libfairlead_la_LIBADD) -lm' \
	$(SHELL) $(srcdir)/%D%/fuzz.sh $(FUZZ_SECONDS) $(fuzz_targets)
clean-local: fuzz-clean
fuzz-clean:
	rm -rf fuzz-out
.PHONY: fuzz fuzz-clean
