#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Objectives over top-K lists: one value for each K, lists compared with those of
# another arm, and what is refused.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
specimens toys
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
# values FILTER: of the first repeat.
values ()
{
  jq -c "[.cells[] | select(.repeat == 0) | . as \$cell | .metrics[] | select($1) | .value]" one.json
}
check "a run ends well" status 0 run lists.conf --store one.db --quiet --json one.json --threads 1
compare "each objective has a value for each K" \
  '[["change",3],["change",10],["change",130],["crowd-change",3],["crowd-change",10],["crowd-change",130],["early",3],["early",10],["early",130],["toy-length",3],["toy-length",10],["toy-length",130]]' \
  "$(jq -c '[.cells[0].metrics[] | select(.k != null and .group == null) | [.name, .k]] | sort' one.json)"
compare "lists are full" \
  '[3,10,3,10,3,10,3,10]' \
  "$(values '.name == "toy-length" and .group == null and .k < 130')"
compare "... unless candidates run out" \
  true \
  "$(values '.name == "toy-length" and .group == null and .k == 130' | jq 'all(. < 130 and . > 100)')"
compare "lists of the validation part have more candidates" \
  true \
  "$(jq '[.cells[].metrics[] | select(.group == null and .k == 130)] |
    (map(select(.name == "early").value) | add) > (map(select(.name == "toy-length").value) | add)' one.json)"
compare "there is a mean for each group" \
  '[3]' \
  "$(values '.name == "toy-length" and .group != null and .k == 3' | jq -c unique)"
compare "an arm is as it is itself, and as its twin" \
  '[0,0,0,0,0,0]' \
  "$(values '.name == "change" and ($cell.arm == "plain" or $cell.arm == "twin")')"
compare "another arm has other lists" \
  true \
  "$(values '.name == "change" and $cell.arm == "strong"' | jq 'all(. > 0)')"
compare "two objectives name two arms" \
  '[0,0,0,0,0,0]' \
  "$(values '.name == "crowd-change" and $cell.arm == "crowd" or .name == "change" and $cell.arm == "plain"')"
compare "the one differs from the other as the other from the one" \
  "$(values '.name == "change" and $cell.arm == "crowd" and .k < 130')" \
  "$(values '.name == "crowd-change" and $cell.arm == "plain" and .k < 130')"
check "two threads" status 0 run lists.conf --store two.db --quiet --threads 2
"$fairlead" runs export --store one.db >one.csv
"$fairlead" runs export --store two.db >two.csv
check "... have the same digits" same one.csv two.csv
check "values of each user are kept, by K" [ "$("$fairlead" runs export --store one.db --each |
  grep -c '^.*toy-length.*10')" -gt 100 ]
check "--resume" status 0 run lists.conf --store one.db --resume --json again.json
compare "... computes nothing" 0 "$(grep -c '^\[' err)"

# An objective that asks any other for its users' values.
sed -e '/^\[objective change\]/,/^\[arm plain\]/c\
[objective of-lists]\
plugin = toy-gini\
measure = ndcg\
[objective of-ratings]\
plugin = toy-gini\
measure = mae\
[objective deaf]\
plugin = toy-deaf\
measure = mae\
[arm plain]' -e 's/^objectives = .*/objectives = ndcg; mae; of-lists; of-ratings; deaf/' \
  -e '/^\[arm crowd\]/,/^mitigators/d' -e '/^\[mitigator/,/^loud/d' lists.conf >asking.conf
check "an objective asks others" status 0 run asking.conf --store asking.db --quiet --json one.json
"$fairlead" runs export --store asking.db --each --format=json >each.json
# gini METRIC K: of the users' values of the arm plain, first repeat.
gini ()
{
  jq -s --arg metric "$1" --argjson k "$2" '[.[] | select(.arm == "plain" and .repeat == 0 and
    .metric == $metric and .k == $k and .side == "user") | .values[] | values] | sort | length as $n |
    add as $sum | [to_entries[] | (2 * (.key + 1) - $n - 1) * .value] | add / ($n * $sum)' each.json
}
# near A B
near ()
{
  jq -n --argjson a "$1" --argjson b "$2" '$a - $b | fabs < 1e-12'
}
number ()
{
  jq "[.cells[] | select(.arm == \"plain\" and .repeat == 0) | .metrics[] | select(.name == \"$1\" and
    .k == $2 and .group == null) | .value][0]" one.json
}
equal "... over lists, for each K" \
  "$(near "$(number of-lists 10)" "$(gini ndcg 10)") $(near "$(number of-lists 3)" "$(gini ndcg 3)")" "true true"
equal "... over ratings, without any K" "$(near "$(number of-ratings null)" "$(gini mae null)")" true
equal "... or being none over lists" "$(number deaf null)" "$(number of-ratings null)"

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
broken_by ()
{
  what=$1
  message=$2
  shift 2
  check "$what" status 2 run asking.conf --store refused.db --dry-run "$@"
  check "... and said so" says "$message" err
}
broken_by "lists asked for by what is not over them" \
  "\[objective deaf\] plugin = toy-deaf: measure = ndcg measures top-K lists, and 'toy-deaf' is not made for that" \
  --set deaf.measure=ndcg
broken_by "validation ratings asked for by what is not shown them" \
  "measure = long-term-gap learns from validation ratings, and 'toy-deaf' is not made for that" \
  --set deaf.measure=long-term-gap --set "data.items.group-by=degree quantiles 2"
broken_by "validation ratings that who is asked learns from, and test ratings are shown" \
  "'toy-gini' learns from the ratings that it is shown" \
  --set of-lists.measure=long-term-gap --set "data.items.group-by=degree quantiles 2"
broken_by "groups that who is asked needs, and there are none" 'needs groups of users' \
  --set of-lists.measure=dp --set data.users.group-by=
refused "a K of none" 'k = 0: .*must be from 1' evaluate.k=0
check "more than there are items" status 1 run lists.conf --store refused.db --arm plain --set evaluate.k=131
check "... and said so" says \
  '\[evaluate\] k = 131: lists of 131 items are wanted, and there are 130 items' err
finish
