#!/bin/sh
# A result's identity holds the plugin's file: one that is built anew is not served
# from before; and a plugin that a loader makes of a script runs as any other.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
specimens toys loader
echo 7 >plugins/seven.constant
chmod go-w plugins/seven.constant
cat >toys.conf <<END
[data]
source = restaurant
[split]
test = 0.2
[model]
plugin = toy-factors
[evaluate]
objectives = rmse; seven
END
value () { jq -r '.cells[0].metrics[] | select(.name == "seven") | .value' "$1"; }
# What --resume computed again says how long it took; what it took over says nothing new.
computed () { cat out err | grep -c "^\[1/1\] .*: [0-9.]* s"; }

check "it runs" status 0 run toys.conf --store a.db --json a.json
compare "the script's number is in the results" 7 "$(value a.json)"
check "the same again is taken over" status 0 run toys.conf --store a.db --resume
compare "... and not computed" 0 "$(computed)"
printf '\n' >>plugins/seven.constant
check "a script that was touched" status 0 run toys.conf --store a.db --resume
compare "... is computed again" 1 "$(computed)"
printf 'x' >>plugins/toys.so
check "a plugin that was built anew" status 0 run toys.conf --store a.db --resume
compare "... is computed again, too" 1 "$(computed)"
finish
