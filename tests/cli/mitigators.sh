#!/bin/sh
# Mitigators in a run: users that one adds change the fit and are not themselves
# evaluated; one that adds nobody and trains as the model does changes no digit.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
specimens toys
cat >crowd.conf <<END
[pipeline]
repeats = 2
[data]
source = restaurant
users.group-by = drink_level
[split]
test = 0.2
validation = 0.1
[model]
plugin = als-mf
rank = 2
biases = true
[mitigator crowd]
plugin = toy-add
loud = true
[mitigator nobody]
plugin = toy-add
[mitigator same]
plugin = toy-train
[arm plain]
[arm nobody]
mitigators = nobody
[arm crowd]
mitigators = crowd; same
[objective fit]
plugin = rmse
on = train
[evaluate]
objectives = rmse; polarization; value; individual; fit
END
metrics () { jq -c "[.cells[] | select(.arm == \"$1\") | .metrics]" crowd.json; }
check "the run ends well" status 0 run crowd.conf --json crowd.json
check "adding nobody changes no digit" [ "$(metrics nobody)" = "$(metrics plain)" ]
check "adding users does" [ "$(metrics crowd)" != "$(metrics plain)" ]
check "as many ratings are evaluated" [ "$(run crowd.conf --quiet >/dev/null &&
  "$fairlead" runs export --format json | jq -s '[.[] | select(.metric == "fit" and .group == null) | .n] | unique | length')" = 1 ]
finish
