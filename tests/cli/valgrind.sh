#!/bin/sh
# Every unit test under valgrind: no invalid access, no leak.  Takes minutes, so
# it waits to be asked for: FAIRLEAD_CHECK_VALGRIND=1, as ./quickstart check does.
set -u
: "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_UNIT_TESTS:?}"
[ -n "${FAIRLEAD_CHECK_VALGRIND:-}" ] || { echo "FAIRLEAD_CHECK_VALGRIND is not set; skipped"; exit 77; }
command -v valgrind >/dev/null || { echo "valgrind is not installed; skipped"; exit 77; }
cd "$FAIRLEAD_BUILD" || exit 99
if grep -q '^FL_SANITIZE = .*-fsanitize' Makefile; then
  echo "sanitizer build, which valgrind cannot run; skipped"
  exit 77
fi
# One BLAS thread: the others' stacks look like leaks.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive G_SLICE=always-malloc FAIRLEAD_VALGRIND=1
# As many at once as there are processors; each says what came of it in one go.
printf '%s\n' $FAIRLEAD_UNIT_TESTS | xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh -c '
log=$(basename "$1").valgrind
if ./libtool --mode=execute valgrind -q --leak-check=full --errors-for-leak-kinds=definite \
    --show-leak-kinds=definite --error-exitcode=42 --child-silent-after-fork=yes \
    "$1" >"$log" 2>&1; then
  echo "clean: $1"
  rm -f "$log"
else
  printf "NOT clean: %s\n%s\n" "$1" "$(cat "$log")"
  rm -f "$log"
  exit 1
fi' -
