#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Every input that fuzzing was taught with or stumbled over, once more.
set -u
: "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_SOURCE:?}"
failed=0
for folder in "$FAIRLEAD_SOURCE"/tests/fuzz/corpus/*; do
  name=$(basename "$folder")
  if "$FAIRLEAD_BUILD/tests/fuzz/fuzz-$name" "$folder"/*; then
    echo "ok: $name"
  else
    echo "NOT ok: $name"
    failed=1
  fi
done
exit $failed
