# Fuzz targets: fuzz-NAME.c is found by its name, here; a plugin's own lies in its
# folder.  Beside each lie, in corpus/NAME, inputs to begin with and to replay in
# `make check`, and NAME.dict, words of the format, if any.
check_LTLIBRARIES += %D%/libreplay.la
%C%_libreplay_la_SOURCES = %D%/replay.c %D%/fuzz.h %D%/fuzz-data.h
# For programs that name no libraries of their own.
LDADD = %D%/libreplay.la libfairlead.la $(GLIB_LIBS) $(JSON_LIBS)
check_scripts += %D%/corpus.sh
EXTRA_DIST += %D%/corpus %D%/pipeline.dict %D%/groups.dict %D%/split.dict

# The library and the target in one program, all of it instrumented.
FUZZ_CC = clang
FUZZ_CFLAGS = -O1 -g -w -std=gnu11 -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
	-fsanitize=fuzzer,address,undefined
FUZZ_SECONDS = 60
fuzz: config.h
	@sources=`for file in $(libfairlead_la_SOURCES); do \
	    case $$file in *.c) echo $(srcdir)/$$file;; esac; done`; \
	for target in $(fuzz_targets); do \
	  name=`basename $$target | sed s/^fuzz-//`; \
	  here=$(abs_srcdir)/`dirname $$target`; \
	  work=fuzz-out/$$name; corpus=$$here/corpus/$$name; \
	  dict=$$here/$$name.dict; test -f $$dict && dict=-dict=$$dict || dict=; \
	  mkdir -p $$work/new && echo "fuzz: building $$name" && \
	  $(FUZZ_CC) $(FUZZ_CFLAGS) -I. $(libfairlead_la_CPPFLAGS) $$sources $(srcdir)/$$target.c \
	    -o $$work/fuzz $(libfairlead_la_LIBADD) -lm || exit 1; \
	  echo "fuzz: $$name for $(FUZZ_SECONDS) s" && cd $$work && \
	  if ./fuzz -max_total_time=$(FUZZ_SECONDS) -timeout=30 -max_len=8192 $$dict \
	    -print_final_stats=1 new $$corpus >log 2>&1; then tail -n 9 log; \
	  else tail -n 60 log; exit 1; fi; \
	  cd $(abs_builddir); \
	done
clean-local: fuzz-clean
fuzz-clean:
	rm -rf fuzz-out
.PHONY: fuzz fuzz-clean
