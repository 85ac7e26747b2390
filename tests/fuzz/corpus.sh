#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Every input that fuzzing was taught with or stumbled over, once more.
set -u
: "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_SOURCE:?}" "${FAIRLEAD_FUZZ_TARGETS:?}"
failed=0
for target in $FAIRLEAD_FUZZ_TARGETS; do
  name=$(basename "$target" | sed 's/^fuzz-//')
  if "$FAIRLEAD_BUILD/$target" "$FAIRLEAD_SOURCE/$(dirname "$target")/corpus/$name"/*; then
    echo "ok: $name"
  else
    echo "NOT ok: $name"
    failed=1
  fi
done
exit $failed
