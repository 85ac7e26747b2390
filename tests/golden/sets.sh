#!/bin/sh
# The golden sets that lie in the tree.
: "${FAIRLEAD_SOURCE:?}"
exec "$FAIRLEAD_SOURCE/tests/golden/run" "$FAIRLEAD_SOURCE/tests/golden/sets"
