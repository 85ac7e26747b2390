#!/bin/sh
# The project stage: a pipeline without data and model, one beside a model, the
# course of every step, resuming, and what is refused.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
need jq
cat >alone.conf <<END
[pipeline]
title = Two groups, two categories
repeats = 2
[mitigator future]
plugin = simulator
cross-impact = 0.25; -0.25
[arm free]
mitigators = future
[arm fair]
mitigators = future
future.policies = UN DP
[sweep]
future.tolerance = 1e-12; 1e-13
END
rate () { jq -r "[.cells[] | select(.arm == \"$1\") | .metrics[]
  | select(.name == \"fit-rate\" and .group == \"users=a,items=j\").value * 1e9 | round] | unique | tojson" "$2"; }

# ---- alone --------------------------------------------------------------------
check "it runs without data and model" status 0 run alone.conf --json alone.json
check "8 cells" [ "$(jq '[.cells[] | select(.status == "done")] | length' alone.json)" = 8 ]
check "the golden equilibrium" [ "$(rate free alone.json)" = '[339670633]' ]
check "another policy leads elsewhere" [ "$(rate fair alone.json)" != "$(rate free alone.json)" ]
check "one equilibrium from all starts" [ "$(jq -c '[.cells[].metrics[] | select(.name == "equilibria").value] | unique' alone.json)" = '[1]' ]
"$fairlead" runs export >first.csv
check "it can be resumed" status 0 run alone.conf --resume
"$fairlead" runs export >second.csv
check "... with the same digits" same first.csv second.csv
check "the run can be shown" status 0 "$fairlead" runs show
check "check says it is right" status 0 "$fairlead" check alone.conf
check "--show-config" status 0 run alone.conf --show-config
check "... has no data" [ "$(grep -c '^\[data\]' out)" = 0 ]
check "the course of each step" status 0 run alone.conf --arm free --set future.trajectories=true --set future.tolerance=1e-12
"$fairlead" runs export --each >course.csv
check "... starts at even odds" says '"users=a,items=j,start=1",,step,0,0.5$' course.csv
check "... for each of five starts" says '"users=b,items=j \* k,start=5",,step,9,' course.csv
check "a sweep in one cell" status 0 run alone.conf --arm free --set future.sweep='-0.5; 0.5' --set future.tolerance=1e-12 --json sweep.json
check "... has each combination" [ "$(jq -c '[.cells[0].metrics[] | select(.name == "long-term-gap").group]' sweep.json)" = \
  '["items=j,C_a=-0.5,C_b=-0.5","items=k,C_a=-0.5,C_b=-0.5","items=j,C_a=-0.5,C_b=0.5","items=k,C_a=-0.5,C_b=0.5","items=j,C_a=0.5,C_b=-0.5","items=k,C_a=0.5,C_b=-0.5","items=j,C_a=0.5,C_b=0.5","items=k,C_a=0.5,C_b=0.5"]' ]
cp sweep.json one-thread.json
check "... the same on two threads" status 0 run alone.conf --threads 2 --arm free --set future.sweep='-0.5; 0.5' --set future.tolerance=1e-12 --json sweep.json
check "... to the digit" [ "$(jq -c '[.cells[].metrics]' sweep.json)" = "$(jq -c '[.cells[].metrics]' one-thread.json)" ]
check "who comes not to rest is undefined" status 0 run alone.conf --arm free --set 'future.self-impact=1;1;0;0' --set future.cross-impact=0 --set 'future.start=0.9;0.9;0.9;0.9' --set future.steps=50 --set future.tolerance=1e-12 --json restless.json
check "... as null" [ "$(jq -c "[.cells[].metrics[] | select(.name == \"fit-rate\").value] | unique" restless.json)" = "[null]" ]
check "... and told" status 0 "$fairlead" runs show
check "... as a cycle" says 'start 1: a cycle of 2 steps' out

# ---- beside a model -----------------------------------------------------------
{ cat toys.conf; printf '[mitigator future]\nplugin = simulator\n[arm future]\nmitigators = future\n'; } >beside.conf
check "it runs beside a model" status 0 run beside.conf --json beside.json
check "... whose metrics stay" [ "$(jq '[.cells[] | select(.arm == "future") | .metrics[] | select(.name == "rmse" and .group == null)] | length' beside.json)" = 6 ]

# ---- the theorems -----------------------------------------------------------------
printf '[mitigator t]\nplugin = simulator-theorems\ndraws = 40\n[arm t]\nmitigators = t\n' >theorems.conf
check "theorems are tried" status 0 run theorems.conf --json theorems.json
check "... all draws on theorem 1" [ "$(jq '.cells[0].metrics[] | select(.name == "draws" and .group == "claim=theorem 1").value' theorems.json)" = 40 ]
check "... nothing against those that hold" [ "$(jq -c '[.cells[0].metrics[] | select(.name == "counterexamples" and .group != "claim=theorem 2").value] | unique - [null]' theorems.json)" = "[0]" ]
check "the counterexample to theorem 2" status 0 run "$FAIRLEAD_SOURCE/conf/papers/yao-ch5/theorem-2.conf" --set future.uniqueness=500 --json two.json
check "... meets its conditions and has two equilibria" [ "$(jq -c '[.cells[0].metrics[] | select(.name == "unique" or .name == "equilibria").value]' two.json)" = "[2,1]" ]

# ---- refused --------------------------------------------------------------------
refused ()
{
  message=$1
  shift
  check "refused: $message" status 2 run "$@"
  check "... in these words" says "$message" err
}
{ printf '[split]\ntest = 0.2\n'; cat alone.conf; } >split.conf
refused 'split.conf:1: \[split\]: there is no \[data\] for it' split.conf
{ printf '[evaluate]\nobjectives = rmse\n'; cat alone.conf; } >evaluate.conf
refused 'evaluate.conf:1: \[evaluate\]: there is no \[data\] for it' evaluate.conf
{ cat alone.conf; printf '[arm none]\n'; } >none.conf
refused 'none.conf: \[evaluate\] objectives: must be given' none.conf
{ cat alone.conf; printf '[mitigator again]\nplugin = simulator\n[arm twice]\nmitigators = future; again\n'; } >twice.conf
refused 'projects into the future, and so does \[mitigator future\]' twice.conf
refused 'policies: .XY. is none of' alone.conf --set 'future.policies=XY'
refused 'trajectories: kept of 1000000 steps at most; lower steps' alone.conf --set future.trajectories=true --set future.steps=2000000
refused 'trajectories: of one point only' alone.conf --set future.trajectories=true --set 'future.sweep=0; 1'
refused 'cross-impact = 0.5; 2: 2 must be from -1 to 1\|must be from -1 to 1' alone.conf --set 'future.cross-impact=0.5; 2'
refused 'there is no .splitt. to set\|does not use\|no arm uses' alone.conf --set split.test=0.2
finish
