#!/bin/sh
# What is frozen stays as it is: headers and plugins of each interface, by checksum.
set -u
: "${FAIRLEAD_SOURCE:?}"
cd "$FAIRLEAD_SOURCE/tests/abi/v1" || exit 99
sha256sum -c SHA256SUMS || {
  echo "files of interface 1 have changed; sdk/ may grow, tests/abi/v1 may not"
  exit 1
}
find . -name '*.[ch]' | sed 's,^\./,,' | sort >"${TMPDIR:-/tmp}/frozen.$$"
sed 's/^[^ ]* *//' SHA256SUMS | sort | diff - "${TMPDIR:-/tmp}/frozen.$$"
same=$?
rm -f "${TMPDIR:-/tmp}/frozen.$$"
[ "$same" = 0 ] || echo "tests/abi/v1 holds other files than SHA256SUMS names"
exit "$same"
