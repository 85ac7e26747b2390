#!/bin/sh
# long-term-gap over an arm: beside immediate measures, by thresholds and by the arm's own
# lists; and on no other ratings than those for validation.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
cat >gap.conf <<EOF
[data]
source = block-model
n-users = 80
n-items = 60
users.group-by = gender
items.group-by = field
[split]
method = given
validation = 0.3
[model]
plugin = als-mf
rank = 4
lambda = 1
[objective free]
plugin = long-term-gap
on = validation
liked = 0
[objective lists]
plugin = long-term-gap
on = validation
liked = 0
policy = top-k
[evaluate]
objectives = rmse; free; lists
k = 5; 10
EOF
refused ()
{
  message=$1
  shift
  check "refused: $message" status 2 run "$@"
  check "... in these words" says "$message" err
}
value () { jq -r "[.cells[].metrics[] | select(.name == \"$1\" and .k == $2 and .group == ${3-null}).value] | tojson" gap.json; }

check "it runs" status 0 run gap.conf --json gap.json
check "... on validation ratings" [ "$(jq -c '[.cells[].metrics[] | select(.name == "free" and .group == null).split]' gap.json)" = '["validation"]' ]
check "... once for thresholds" [ "$(value free null | jq length)" = 1 ]
check "... and groups treated alike that respond alike end alike" [ "$(value free null | jq '.[0] < 1e-9')" = true ]
check "... today they are not" [ "$(value free-now null | jq '.[0] > 0.3')" = true ]
check "... once for each length of lists" [ "$(value lists 5 | jq length)$(value lists 10 | jq length)" = 11 ]
check "... where the arm keeps them apart" [ "$(value lists 10 | jq '.[0] > 0.1')" = true ]
check "... the worst with impacts moved" [ "$(jq -n "$(value lists-worst 10)[0] >= $(value lists 10)[0]")" = true ]
check "... names each category" [ "$(value lists 10 '"field=STEM"' | jq length)" = 1 ]
check "too few observations" status 0 run gap.conf --set lists.least=100000 --json gap.json
check "... are a null" [ "$(value lists 5)$(value lists-fit-now 5 '"gender=man,field=STEM"')" = '[null][null]' ]
check "... with their number" [ "$(value lists-n 5 '"gender=man,field=STEM"' | jq '.[0] > 50')" = true ]
refused 'on = test: .long-term-gap. learns from the ratings that it is shown; .* test ratings only judge: set on = validation' gap.conf --set free.on=test
refused 'on = train: .long-term-gap. learns from the ratings' gap.conf --set free.on=train
{ sed '/^validation/d; s/^method = given/method = random/' gap.conf; } >random.conf
refused 'on = validation: there is no such part; set .validation. in \[split\]' random.conf
sed '/^k = /d' gap.conf >short.conf
refused '\[evaluate\] k: must be given: \[objective lists\] measures top-K lists' short.conf
check "thresholds need no lists" status 0 run short.conf --set lists.policy=eqopt
refused 'needs groups of items; set .items.group-by. in \[data\]' gap.conf --set data.items.group-by=
finish
