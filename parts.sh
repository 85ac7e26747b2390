#!/bin/sh
# parts.sh: writes parts.mk, by which Automake knows what lies in the folders:
# plugins, unit tests, scripts that test, fuzz targets, pipelines, documents.  Who
# adds one adds its file; no list is kept by hand.
#
# autoconf runs it, and make whenever it starts; parts.mk is written only when
# something came or went.
set -eu
cd "$(dirname "$0")"
LC_ALL=C
export LC_ALL

# each LINE FILE...: LINE with each file that is there for %, without its ending.
each ()
{
  line=$1
  shift
  for file in "$@"; do
    [ ! -e "$file" ] || printf '%s\n' "$line" | sed "s,%,$file,"
  done
}

parts ()
{
  echo '# Written by parts.sh from what lies in the folders.'
  each 'include %' plugins/*/*/local.mk
  for file in tests/unit/test-*.c; do
    test=${file%.c}
    variable=$(echo "$test" | tr -c 'a-z0-9\n' _)
    echo "unit_tests += $test"
    echo "${variable}_CPPFLAGS = \$(UNIT_CPPFLAGS)"
    echo "${variable}_LDADD = \$(UNIT_LDADD)"
  done
  for file in tests/fuzz/fuzz-*.c; do
    echo "fuzz_targets += ${file%.c}"
  done
  each 'check_scripts += %' tests/cli/*.sh
  each 'tree_scripts += %' tests/tree/*.sh
  each 'EXTRA_DIST += %' tests/unit/*.h tests/support/*.h tests/support/*.sh
  find conf docs tests/golden/sets -name '*.conf' -o -name '*.paper' -o -name '*.md' -o -name '*.json' |
    sort | sed 's/^/EXTRA_DIST += /'
}

new=$(parts)
[ -e parts.mk ] && [ "$new" = "$(cat parts.mk)" ] || printf '%s\n' "$new" >parts.mk
