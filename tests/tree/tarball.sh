#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# The tarball forgets nothing that is in the repository.
set -u
: "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_SOURCE:?}"
[ -e "$FAIRLEAD_SOURCE/.git" ] && command -v git >/dev/null || {
  echo "no checkout, or no git; skipped"
  exit 77
}
work=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
MAKEFLAGS= make -s -C "$FAIRLEAD_BUILD" distdir distdir="$work/tarball" >"$work/log" 2>&1 || {
  cat "$work/log"
  exit 1
}
cd "$FAIRLEAD_SOURCE" || exit 99
git ls-files >"$work/files" || exit 99
n=0
while read -r file; do
  # What is deleted and not yet committed is missed by nobody.
  [ -e "$file" ] || continue
  n=$((n + 1))
  [ -e "$work/tarball/$file" ] || echo "NOT in the tarball: $file"
done <"$work/files" >"$work/missing"
cat "$work/missing"
echo "$n files looked for"
[ "$n" -gt 0 ] && [ ! -s "$work/missing" ] || {
  echo "a folder's local.mk names what the tarball carries (EXTRA_DIST); parts.sh finds what has no list"
  exit 1
}
