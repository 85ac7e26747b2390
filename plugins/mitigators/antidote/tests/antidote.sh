#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# The antidote family in a run: it moves what it is to move, whatever the number of
# threads; and what cannot be is refused before any work, with the reason.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
specimens toys
cat >all.conf <<END
[pipeline]
seed = 3
[data]
source = restaurant
users.group-by = drink_level
[split]
test = 0.2
[model]
plugin = als-mf
rank = 2
lambda = 1
acceleration = anderson
tolerance = 1e-8
[mitigator lower]
plugin = antidote-gd
budget = 0.02
steps = 4
restarts = 2
[mitigator higher]
plugin = antidote-gd
gradient = implicit
goal = maximise
start = fixed
budget = 3
steps = 4
[mitigator items]
plugin = antidote-gd
gradient = implicit
side = item
budget = 2
steps = 4
restarts = 1
[mitigator careful]
plugin = antidote-gd
gradient = implicit
budget = 3
steps = 4
restarts = 1
rmse-limit = 0.42
step-sizes = 0.01; 0.1; 1
start = fixed
[mitigator one]
plugin = antidote-heuristic
objective = individual
[mitigator two]
plugin = antidote-heuristic
variant = 2
objective = individual
[mitigator base]
plugin = antidote-baseline
rows = random
[mitigator fair]
plugin = fair-user
objective = individual
steps = 2
[arm plain]
[arm lower]
mitigators = lower
[arm higher]
mitigators = higher
[arm items]
mitigators = items
[arm careful]
mitigators = careful
[arm one]
mitigators = one
[arm two]
mitigators = two
[arm base]
mitigators = base
[arm fair]
mitigators = fair
[objective fit]
plugin = rmse
on = train
[evaluate]
objectives = rmse; polarization; fit
END
check "every mitigator runs" status 0 run all.conf --threads 1 --json one.json
check "on two threads as well" status 0 run all.conf --threads 2 --json two.json
results () { jq -c '[.cells[] | {arm, metrics}]' "$1"; }
check "with the same digits" [ "$(results one.json)" = "$(results two.json)" ]
# moves FILTER: on the values of the metrics by arm, m("arm"; "metric").
moves ()
{
  jq -e "[.cells[] | {key: .arm, value: (.metrics | map(select(.group == null) | {key: .name, value}) | from_entries)}]
         | from_entries as \$c | def m(\$a; \$n): \$c[\$a][\$n]; $1" one.json >/dev/null
}
check "polarization falls" moves 'm("lower"; "polarization") < 0.8 * m("plain"; "polarization")'
check "or rises" moves 'm("higher"; "polarization") > 1.05 * m("plain"; "polarization")'
check "by added items too" moves 'm("items"; "polarization") < 0.5 * m("plain"; "polarization")'
check "within a limit of RMSE" moves 'm("careful"; "fit") <= 0.42 and m("careful"; "polarization") < m("plain"; "polarization")'
note () { "$fairlead" runs show | tr ';' '\n' | grep -c "$1"; }
check "the history is kept" [ "$(note antidote-history)" -ge 4 ]
check "what the data look like too" [ "$(note antidote-at-ends)" = 4 ]

# Added ratings as files, and one of them as the data of a pipeline.
"$fairlead" runs export 1 --artefacts added >files 2>err
check "the ratings that each mitigator added are a file" [ "$(wc -l <files)" = 8 ]
added=$(sed -n '/higher/p' files)
check "three users rate every item" [ "$(sed 1d "$added" | cut -d, -f1 | sort | uniq -c |
  awk '{ print $1 }' | uniq | wc -l) $(sed 1d "$added" | cut -d, -f1 | sort -u | tr '\n' ' ')" = \
  "1 higher-1 higher-2 higher-3 " ]
check "of whom the first line tells" [ "$(head -1 "$added")" = user,item,rating ]
cat >again.conf <<END
[data]
source = tsv
path = $added
separator = ,
header = true
[split]
test = 0.2
[model]
plugin = als-mf
rank = 1
[evaluate]
objectives = rmse
END
check "that file is data of another pipeline" status 0 run again.conf
more () { run all.conf --resume --store other.db --quiet >/dev/null &&
  "$fairlead" runs export --store other.db --artefacts more >/dev/null && diff -r added more; }
check "the same run has the same files" more
nothing () { "$fairlead" runs export 3 --artefacts none >out 2>err; [ $? = 2 ] &&
  grep -q 'no mitigator added ratings' err; }
check "a run without any says so" nothing

# refused GROUP.KEY=VALUE TEXT: status 2 before any work, and TEXT is said.
refused ()
{
  status 2 run all.conf --set "$1" && grep -q -e "$2" err
}
check "budget 0 is refused" refused lower.budget=0 'budget = 0: nobody would be added'
check "half a user too" refused lower.budget=1.5 'must be whole'
check "a range upside down too" refused 'lower.range=5; 1' 'the lowest rating must be below'
check "an objective without a gradient too" refused lower.objective=toy-error 'it has no gradient'
check "steps that do not ascend too" refused 'lower.step-sizes=1; 1' 'ascending'
sed -e '/^acceleration/d' -e '/^tolerance/d' -e 's/= als-mf/= toy-factors/' all.conf >open.conf
open_model ()
{
  status 2 run open.conf && grep -q 'needs closed-form sweeps, which model' err
}
check "a model without closed form too" open_model
more_than_all ()
{
  status 1 run all.conf --arm "$1" --set "$1.budget=1000" --json out.json &&
    grep -q "budget = 1000: the data have [0-9]* users" err &&
    { "$fairlead" check all.conf --arm "$1" --set "$1.budget=1000" >out 2>err; [ $? = 2 ]; } &&
    grep -q "\[mitigator $1\] budget = 1000: the data have [0-9]* users" err
}
check "more users than there are, once the data are read" more_than_all lower
check "whoever adds them" more_than_all fair
right () { "$fairlead" check all.conf >out 2>err; }
check "a pipeline without such is right" right
impossible ()
{
  status 1 run all.conf --arm careful --set careful.rmse-limit=0.1 && grep -q 'rmse-limit = 0.1' err
}
check "a limit of RMSE that nothing meets" impossible
finish
