#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# fuzz.sh SECONDS TARGET...: builds each target with the library in one program, all of
# it instrumented, and lets it run for so long on its corpus and its dictionary.
# `make fuzz` calls it in the build folder, with CC and CFLAGS, LIBS and SOURCES (the
# library's) in FUZZ_ variables.
set -eu
: "${FUZZ_CC:?}" "${FUZZ_CFLAGS:?}" "${FUZZ_LIBS:?}" "${FUZZ_SOURCES:?}" "${FUZZ_TOP:?}"
seconds=$1
shift
export OMP_NUM_THREADS=1 FUZZ_CC FUZZ_CFLAGS
objects=fuzz-out/library
rm -rf "$objects" fuzz-out/library.a
mkdir -p "$objects"

echo "fuzz: building the library"
# shellcheck disable=SC2016
printf '%s\n' $FUZZ_SOURCES | grep '\.c$' |
  xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh -c '
    $FUZZ_CC $FUZZ_CFLAGS -fsanitize=fuzzer-no-link,address,undefined \
      -c "$1/$2" -o "$0/$(echo "$2" | tr / _).o"' "$objects" "$FUZZ_TOP"
ar crs fuzz-out/library.a "$objects"/*.o

for target; do
  name=$(basename "$target" | sed 's/^fuzz-//')
  here=$(cd "$FUZZ_TOP/$(dirname "$target")" && pwd)
  work=fuzz-out/$name
  mkdir -p "$work/new"
  # shellcheck disable=SC2086
  $FUZZ_CC $FUZZ_CFLAGS -fsanitize=fuzzer,address,undefined "$FUZZ_TOP/$target.c" \
    fuzz-out/library.a -o "$work/fuzz" $FUZZ_LIBS
  dict=$here/$name.dict
  echo "fuzz: $name for $seconds s"
  (
    cd "$work"
    if ./fuzz -max_total_time="$seconds" -timeout=30 -max_len=8192 -print_final_stats=1 \
      $([ ! -e "$dict" ] || echo "-dict=$dict") new "$here/corpus/$name" >log 2>&1; then
      tail -n 9 log
    else
      tail -n 60 log
      exit 1
    fi
  )
done
