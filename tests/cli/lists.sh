#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Objectives over top-K lists: one value for each K, lists compared with those of
# another arm, and what is refused.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
command -v jq >/dev/null || { echo "jq is not installed; skipped"; exit 77; }
cp -p "$FAIRLEAD_BUILD/tests/plugins/.libs/toys.so" plugins/ || exit 99
chmod go-w plugins/toys.so
cat >lists.conf <<END
[pipeline]
seed = 3
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
lambda = 1
biases = true
[mitigator crowd]
plugin = toy-add
loud = true
[objective change]
plugin = toy-change
against = plain
[objective crowd-change]
plugin = toy-change
against = crowd
[objective early]
plugin = toy-length
on = validation
[arm plain]
[arm twin]
[arm strong]
model.lambda = 5
[arm crowd]
mitigators = crowd
[evaluate]
objectives = toy-length; change; crowd-change; early; rmse
k = 3; 10; 130
END
# equal WHAT FOUND EXPECTED
equal ()
{
  check "$1" [ "$2" = "$3" ]
  [ "$2" = "$3" ] || echo "    found $2, expected $3"
}
# values FILTER: of the first repeat.
values ()
{
  jq -c "[.cells[] | select(.repeat == 0) | . as \$cell | .metrics[] | select($1) | .value]" one.json
}
check "a run ends well" status 0 run lists.conf --store one.db --quiet --json one.json --threads 1
equal "each objective has a value for each K" \
  "$(jq -c '[.cells[0].metrics[] | select(.k != null and .group == null) | [.name, .k]] | sort' one.json)" \
  '[["change",3],["change",10],["change",130],["crowd-change",3],["crowd-change",10],["crowd-change",130],["early",3],["early",10],["early",130],["toy-length",3],["toy-length",10],["toy-length",130]]'
equal "lists are full" "$(values '.name == "toy-length" and .group == null and .k < 130')" \
  '[3,10,3,10,3,10,3,10]'
equal "... unless candidates run out" \
  "$(values '.name == "toy-length" and .group == null and .k == 130' | jq 'all(. < 130 and . > 100)')" true
equal "lists of the validation part have more candidates" \
  "$(jq '[.cells[].metrics[] | select(.group == null and .k == 130)] |
    (map(select(.name == "early").value) | add) > (map(select(.name == "toy-length").value) | add)' one.json)" true
equal "there is a mean for each group" \
  "$(values '.name == "toy-length" and .group != null and .k == 3' | jq -c unique)" '[3]'
equal "an arm is as it is itself, and as its twin" \
  "$(values '.name == "change" and ($cell.arm == "plain" or $cell.arm == "twin")')" '[0,0,0,0,0,0]'
equal "another arm has other lists" \
  "$(values '.name == "change" and $cell.arm == "strong"' | jq 'all(. > 0)')" true
equal "two objectives name two arms" \
  "$(values '.name == "crowd-change" and $cell.arm == "crowd" or .name == "change" and $cell.arm == "plain"')" '[0,0,0,0,0,0]'
equal "the one differs from the other as the other from the one" \
  "$(values '.name == "crowd-change" and $cell.arm == "plain" and .k < 130')" \
  "$(values '.name == "change" and $cell.arm == "crowd" and .k < 130')"
check "two threads" status 0 run lists.conf --store two.db --quiet --threads 2
"$fairlead" runs export --store one.db >one.csv
"$fairlead" runs export --store two.db >two.csv
check "... have the same digits" same one.csv two.csv
check "values of each user are kept, by K" [ "$("$fairlead" runs export --store one.db --each |
  grep -c '^.*toy-length.*10')" -gt 100 ]
check "--resume" status 0 run lists.conf --store one.db --resume --json again.json
equal "... computes nothing" "$(grep -c '^\[' err)" 0

# refused WHAT MESSAGE SETTING...
refused ()
{
  what=$1
  message=$2
  shift 2
  for setting in "$@"; do
    set -- "$@" --set "$setting"
    shift
  done
  check "$what" status 2 run lists.conf --store refused.db --dry-run "$@"
  check "... and said so" says "$message" err
}
refused "an unknown arm" "against = plian: there is no arm 'plian'; did you mean 'plain'" change.against=plian
refused "no K" 'lists.conf:[0-9]*: \[evaluate\] k: must be given: \[objective toy-length\]' evaluate.k=
refused "a K of none" 'k = 0: .*must be from 1' evaluate.k=0
check "more than there are items" status 1 run lists.conf --store refused.db --arm plain --set evaluate.k=131
check "... and said so" says \
  '\[evaluate\] k = 131: lists of 131 items are wanted, and there are 130 items' err
exit $failed
