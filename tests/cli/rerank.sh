#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Re-rankers: the lists that objectives see are theirs; cells that differ only in what comes
# after training share one, with the digits of cells alone; and what goes wrong costs one cell,
# or all that need the training in which it went wrong.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
need jq
specimens toys
# equal WHAT FOUND EXPECTED
equal ()
{
  compare "$1" "$3" "$2"
}
# trainings N: as many were there since the last time.
trainings ()
{
  equal "... trained $1 times" "$(cat count 2>/dev/null | wc -l)" "$1"
  rm -f count
}
export_all ()
{
  "$fairlead" runs export --store "$1" --each --format json >"$2"
}

cat >rerank.conf <<END
[pipeline]
seed = 3
[data]
source = restaurant
users.group-by = drink_level
[split]
test = 0.2
validation = 0.1
[model]
plugin = als-mf
rank = 2
lambda = 1
[mitigator count]
plugin = toy-count
path = $folder/count
[mitigator list]
plugin = toy-rerank
[objective change]
plugin = toy-change
against = reversed
[objective early]
plugin = hr
on = validation
[arm plain]
mitigators = count
[arm kept]
mitigators = count; list
[arm deep]
mitigators = list; count
list.depth = 30
[arm reversed]
mitigators = count; list
list.how = reverse
[arm halved]
mitigators = count; list
list.how = halve
[arm spent]
mitigators = count; list
list.how = budget
list.budget = 1
list.depth = 100
[evaluate]
objectives = hr; ndcg; coverage; toy-length; change; early; rmse; polarization
k = 5; 10
END
# metrics ARM [NAME [K]]: over all.
metrics ()
{
  jq -c "[.cells[] | select(.arm == \"$1\").metrics[] | select(.group == null and
    (\"${2-}\" == \"\" or .name == \"${2-}\") and (\"${3-}\" == \"\" or .k == ${3:-0})) | .value]" one.json
}

# ---- lists ---------------------------------------------------------------------
check "a run ends well" status 0 run rerank.conf --store one.db --json one.json
trainings 1
equal "candidates unchanged are the model's lists" "$(metrics kept)" "$(metrics plain)"
equal "... however many there are" "$(metrics deep)" "$(metrics plain)"
equal "reversed, lists hold the same items, at each K" "$(metrics reversed hr)" "$(metrics plain hr)"
check "... in another order" [ "$(metrics reversed ndcg)" != "$(metrics plain ndcg)" ]
equal "ratings are judged as without" "$(metrics reversed rmse)$(metrics reversed polarization)" \
  "$(metrics plain rmse)$(metrics plain polarization)"
equal "lists may be shorter" "$(metrics halved toy-length)" '[2,5]'
n_users=$("$fairlead" runs export --store one.db --format json |
  jq -s '[.[] | select(.metric == "toy-length" and .group == null).n] | max')
equal "what is spent on one user is not there for the next" \
  "$(metrics spent coverage 10 | jq '.[0] * 130 | round')" \
  "$(metrics spent toy-length 10 | jq ".[0] * $n_users | round")"
equal "the other arm's lists are re-ranked, too" "$(metrics reversed change)" '[0,0]'
equal "... for whoever compares with it" "$(metrics kept change)" "$(metrics plain change)"
check "... and differ" [ "$(metrics plain change)" != '[0,0]' ]
check "two threads, two jobs" status 0 run rerank.conf --store two.db --threads 2 --jobs 2
rm -f count
export_all one.db one
export_all two.db two
check "... the same digits" same one two
check "another seed" status 0 run rerank.conf --store seed.db --arm spent --set pipeline.seed=4
rm -f count

# ---- alone ---------------------------------------------------------------------
for arm in plain kept deep reversed halved spent; do
  check "$arm alone" status 0 run rerank.conf --store alone.db --resume --arm $arm --quiet
done
check "... trained for each" [ "$(wc -l <count)" -eq 6 ]
rm -f count
number=0
for arm in plain kept deep reversed halved spent; do
  number=$((number + 1))
  "$fairlead" runs export --store alone.db --each --format json $number
done | jq -c 'del (.run)' >alone
jq -c 'del (.run)' one >together
check "... with the same digits as together" same alone together
check "identities are the same: nothing is left to do" status 0 run rerank.conf --store alone.db \
  --resume
trainings 0

# ---- sweeps --------------------------------------------------------------------
awk '/^\[/ { keep = !/^\[arm / } keep' rerank.conf >sweep.conf
cat >>sweep.conf <<END
[arm a]
mitigators = count; list
list.how = budget
[arm b]
mitigators = count; list
model.lambda = 2
[arm reversed]
mitigators = count
model.lambda = 2
[sweep]
list.budget = 1; 2; 3; 4
END
check "a sweep of a re-ranker" status 0 run sweep.conf --store sweep.db
trainings 2
check "repeats are trained for each seed" status 0 run sweep.conf --store repeats.db \
  --set pipeline.repeats=2 --jobs 2 --quiet
trainings 4
export_all sweep.db sweep
check "one after the other" status 0 run sweep.conf --store apart.db --arm a --set list.budget=1 \
  --quiet
for budget in 2 3 4; do
  run sweep.conf --store apart.db --arm a --set list.budget=$budget --quiet >/dev/null || failed=1
done
for number in 1 2 3 4; do
  "$fairlead" runs export --store apart.db --each --format json $number
done | jq -c 'select (.arm == "a") | del (.run, .sweep)' >apart
jq -c 'select (.arm == "a") | del (.run, .sweep)' sweep >together
check "... the same digits" same apart together
rm -f count

# ---- killed --------------------------------------------------------------------
# killed WHOM: in the middle of a group, after two cells.
killed ()
{
  rm -f killed.db
  : >err
  "$fairlead" run --plugin-dir plugins sweep.conf --store killed.db --jobs 1 \
    --set list.pause=0.05 >out 2>err &
  parent=$!
  tries=0
  while ! grep -q '^\[2/' err && [ $tries -lt 1000 ]; do sleep 0.01; tries=$((tries + 1)); done
  worker=$(cat "/proc/$parent/task/$parent/children")
  if [ "$1" = parent ]; then kill -KILL $parent; else kill -KILL $worker; fi
  wait $parent 2>/dev/null
}
check "undisturbed" status 0 run sweep.conf --store calm.db --set list.pause=0.05 --quiet
trainings 2
export_all calm.db calm
killed parent
check "resumes after the parent was killed" status 0 run sweep.conf --store killed.db \
  --set list.pause=0.05 --resume --quiet
export_all killed.db again
check "... to the same bytes" same calm again
rm -f count
killed worker
equal "a worker that is killed costs its cell" "$("$fairlead" runs list --store killed.db |
  grep -o '[0-9]* failed')" '1 failed'
trainings 4
check "... which resumes" status 0 run sweep.conf --store killed.db --set list.pause=0.05 --resume \
  --quiet
export_all killed.db again
check "... to the same bytes" same calm again
check "... and leaves nothing" [ ! -e killed.db.partial ]
rm -f count

# ---- mistakes ------------------------------------------------------------------
awk '/^\[/ { keep = !/^\[arm / } keep' rerank.conf | sed '/^\[objective change/,/^against/d; s/ change;//' >wrong.conf
cat >>wrong.conf <<END
[arm bad]
mitigators = count; list
[sweep]
list.how = keep; repeat; seen; range; stranger; long; blank; silent; refit; crash; reverse
END
check "mistakes cost their cells" status 1 run wrong.conf --json wrong.json
trainings 2
error_of ()
{
  jq -r ".cells[] | select(.sweep[\"list.how\"] == \"$1\") | .error" wrong.json >error
}
while IFS='|' read -r how words; do
  error_of $how
  check "$how: $(cat error)" says "$words" error
  [ $how = crash ] || check "... by whom" says 'mitigator toy-rerank' error
done <<END
repeat|user [0-9]*, place 2: item [0-9]* is in the list already
seen|user [0-9]*, place 2: item [0-9]* has been seen by the user
range|user [0-9]*, place 2: item 130 is none of 130
stranger|user [0-9]*, place 2: item [0-9]* is not among the user's candidates
long|user [0-9]*: a list of 6; at most 5 were wanted
blank|user [0-9]*, place 1: item 4294967295 is none of 130
silent|rerank failed without saying why
refit|trains model als-mf again
crash|crashed with SIGABRT .* in mitigator.toy-rerank
END
equal "the others are done" "$(jq -c '[.cells[] | select(.status == "done").sweep["list.how"]]' wrong.json)" \
  '["keep","reverse"]'
for trouble in crash fail; do
  check "a training that goes wrong: $trouble" status 1 run sweep.conf --set count.trouble=$trouble \
    --json wrong.json
  # The base of all others comes first.
  trainings 1
  equal "... fails all that need it" "$(jq -c '[.cells[].status] | unique' wrong.json)" '["failed"]'
  equal "... alike" "$(jq -c '[.cells[].error] | unique | length' wrong.json)" 1
done
sed 's/^mitigators = count; list/mitigators = list; twice/' wrong.conf >two.conf
printf '[mitigator twice]\nplugin = toy-rerank\n' >>two.conf
check "two re-rankers in an arm are refused" status 2 "$fairlead" check --plugin-dir plugins two.conf
check "... by name" says 'makes the lists, and so does \[mitigator list\]' err

# ---- seconds -------------------------------------------------------------------
awk '/^\[/ { keep = !/^\[(arm|sweep)/ } keep' toys.conf | sed 's/^repeats.*//' >slow.conf
cat >>slow.conf <<END
k = 5
[mitigator list]
plugin = toy-rerank
pause = 0.2
[objective length]
plugin = toy-length
[arm a]
mitigators = list
[sweep]
list.budget = 1; 2; 3
END
sed -i 's/^objectives = .*/objectives = length/' slow.conf
check "a slow training" status 0 run slow.conf --set model.pause=0.05 --json slow.json
equal "... counts for each cell that shares it" \
  "$(jq '[.cells[] | .seconds >= 0.4] | all' slow.json)" true
check "... also against a time limit" status 1 run slow.conf --set model.pause=0.05 \
  --time-limit 0.3 --json slow.json
equal "... of all alike" "$(jq -c '[.cells[].status] | unique' slow.json)" '["failed"]'

# ---- closed loops --------------------------------------------------------------
cat >loop.conf <<END
[pipeline]
seed = 3
[data]
source = block-model
n-users = 40
n-items = 60
users.group-by = gender
items.group-by = field
[split]
method = given
validation = 0.1
[model]
plugin = als-mf
rank = 2
lambda = 1
[mitigator crowd]
plugin = fit-response
liked = 0
[mitigator count]
plugin = toy-count
path = $folder/count
[mitigator list]
plugin = toy-rerank
[arm plain]
mitigators = count
[arm kept]
mitigators = count; list
[arm halved]
mitigators = count; list
list.how = halve
[rounds]
n = 3
k = 4
hidden = test
response = crowd
[evaluate]
objectives = rmse; polarization; toy-length
k = 6
END
check "rounds" status 0 run loop.conf --store loop.db --quiet
trainings 9
# courses ARM
courses ()
{
  "$fairlead" runs export --store loop.db --each | grep "^$1," | cut -d, -f 5-
}
equal "users respond to re-ranked lists" "$(courses kept)" "$(courses plain)"
check "... and to no others" [ "$(courses halved | grep -c ',step,')" = \
  "$(courses plain | grep -c ',step,')" ]
check "... of which less is consumed" [ "$(courses halved | grep ^done,rmse)" != \
  "$(courses plain | grep ^done,rmse)" ]

# ---- groups by errors ------------------------------------------------------------
awk '/^\[/ { keep = !/^\[(arm|objective)/ } keep' rerank.conf |
  sed 's/^users.group-by.*/users.group-by = error of plain on test quantiles 2/; s/ change; early;//' >error.conf
cat >>error.conf <<END
[arm kept]
mitigators = count; list
[arm halved]
mitigators = count; list
list.how = halve
[arm plain]
mitigators = count
[arm later]
mitigators = list
END
check "groups by the errors of an arm" status 0 run error.conf --store error.db --jobs 1 --quiet
trainings 2
for arm in plain later halved kept; do
  check "... $arm alone" status 0 run error.conf --store error-alone.db --resume --arm $arm --quiet
done
rm -f count
"$fairlead" runs export --store error.db --each | sort >together
for number in 1 2 3 4; do
  "$fairlead" runs export --store error-alone.db --each $number
done | sort -u >alone
check "... the same digits" same together alone
finish
