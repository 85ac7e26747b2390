#!/bin/sh
# The golden sets that lie in the tree, here and with the plugins.
: "${FAIRLEAD_SOURCE:?}"
status=0
for folder in "$FAIRLEAD_SOURCE/tests/golden/sets" "$FAIRLEAD_SOURCE"/plugins/*/*/; do
  set -- "$folder"/*.json
  [ ! -e "$1" ] || "$FAIRLEAD_SOURCE/tests/golden/run" "$folder" || status=1
done
exit $status
