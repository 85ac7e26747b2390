#!/bin/sh
# [tune]: parameters are chosen without a test rating, every point is in the store, and what
# is chosen gives the digits of the same values given by hand.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq

cat >head.conf <<END
[pipeline]
seed = 4
repeats = 2
[data]
source = restaurant
users.group-by = drink_level
[split]
method = random
test = 0.2
[model als]
plugin = als-mf
rank = 2
sweeps = 30
[arm given]
model = als
[arm chosen]
model = als2
[model als2]
plugin = als-mf
sweeps = 30
[evaluate]
objectives = rmse; ndcg
k = 5
END
{ cat head.conf; printf '[tune]\nmetric = rmse\nfolds = 3\nals2.lambda = 0.3; 1; 3\nals2.rank = 1; 4\n'; } >tune.conf

check "check says how many" status 0 "$fairlead" check tune.conf
check "... cells" says '^the parameters of 2 are chosen by rmse, from 36 cells before' out
check "a run" status 0 "$fairlead" run tune.conf --store a.db --quiet
check "its table says what was chosen" says '^chosen: chosen by rmse on 3 folds of the training ratings, of 6 points: als2.lambda = ' out
check "... and what was given" says '^given: parameters as given' out
"$fairlead" runs export 1 --store a.db --format json >points.json
"$fairlead" runs export 2 --store a.db --format json >arms.json
check "every point is in the store" [ "$(jq -s 'map(select(.metric == "rmse" and .group == null)) | length' points.json)" -eq 36 ]

# The same choice by hand: least mean over the folds (record 3r + f is fold f of repeat r).
jq -s -r 'map(select(.metric == "rmse" and .group == null))
  | group_by(.repeat / 3 | floor)
  | .[] | group_by([.sweep["als2.lambda"], .sweep["als2.rank"]])
  | min_by(map(.value) | add) | .[0].sweep
  | "als2.lambda = \(.["als2.lambda"]), als2.rank = \(.["als2.rank"])"' points.json >expected
"$fairlead" runs show 2 --store a.db | sed -n 's/.*; chosen = \(.*\); chosen by.*/\1/p' >found
compare "the best of each repeat" "$(cat expected)" "$(cat found)"

for r in 0 1; do
  set -- $(sed -n "$((r + 1))s/als2[a-z.]* = //gp" expected | tr -d ,)
  "$fairlead" run head.conf --arm chosen --set als2.lambda="$1" --set als2.rank="$2" --store hand.db \
    --set pipeline.seed=$((4 + r)) --set pipeline.repeats=1 --quiet >/dev/null
  "$fairlead" runs export --store hand.db | cut -d, -f 5- >by-hand
  "$fairlead" runs export 2 --store a.db | awk -F, -v r=$r 'NR == 1 || ($1 == "chosen" && $3 == r)' |
    cut -d, -f 5- >by-tune
  check "repeat $r: the digits of values given by hand" same by-hand by-tune
done
check "... are some" [ "$(wc -l <by-tune)" -gt 5 ]

check "one worker" status 0 "$fairlead" run tune.conf --store b.db --quiet --jobs 1
"$fairlead" runs export --store a.db >a.csv
"$fairlead" runs export --store b.db >b.csv
check "... chooses the same" same a.csv b.csv
check "--resume" status 0 "$fairlead" run tune.conf --store a.db --resume
check "... computes nothing again" [ ! -s err ]

# Six, three, two: points that each fold still judges.
check "halving" status 0 "$fairlead" run tune.conf --set tune.halving=true --store h.db --quiet
check "... judges fewer" [ "$("$fairlead" runs list --store h.db | sed -n 's/.*Z  \([0-9]*\) cells.*/\1/p' | tr '\n' ' ')" = '12 6 4 4 ' ]
check "... and says so" says 'the better half at a time' out

{ cat head.conf; printf '[tune]\nmetric = ndcg@5\nfolds = 2\npoints = 5\nals2.lambda = 0.1 to 10 log\nals2.rank = 2 to 6\n'; } >draw.conf
check "points are drawn" status 0 "$fairlead" run draw.conf --store d.db --quiet
"$fairlead" runs export 1 --store d.db --format json | jq -s -c 'map(.sweep) | unique | length,
  (map(.["als2.lambda"] | . >= 0.1 and . <= 10) | all), (map(.["als2.rank"] | . == floor and . >= 2 and . <= 6) | all)' >drawn
compare "... from their ranges" "5 true true" "$(tr '\n' ' ' <drawn | sed 's/ $//')"
check "the validation part judges" status 0 "$fairlead" run tune.conf --set tune.folds=0 \
  --set split.validation=0.1 --store v.db --quiet
check "... and says so" says 'chosen by rmse on the validation part, of 6 points' out
check "when the time is over at once" status 2 "$fairlead" run tune.conf --set tune.time=1e-9 --store t.db --quiet
check "... nothing is made up" says 'no point could be measured: the time was over' err

# refused MESSAGE LINE...: the [tune] of these lines
refused ()
{
  message=$1
  shift
  { cat head.conf; printf '[tune]\n'; printf '%s\n' "$@"; } >wrong.conf
  check "refused: $message" status 2 "$fairlead" check wrong.conf
  check "... with that message" says "$message" err
}
refused 'wrong.conf:24: \[tune\] metric: must be given' 'als2.lambda = 1; 2'
refused 'wrong.conf:25: \[tune\] metric = rsme: no objective of \[evaluate\] gives it' 'metric = rsme' 'als2.lambda = 1; 2'
refused 'wrong.conf:24: \[tune\]: nothing is to be chosen' 'metric = rmse'
refused "wrong.conf:26: \[model als2\] lamda: unknown key; did you mean 'lambda'" 'metric = rmse' 'als2.lamda = 1; 2'
refused "wrong.conf:25: \[split\] judge = validation: there is no such part" 'metric = rmse' 'folds = 0' 'als2.lambda = 1; 2'
refused 'from a range points are drawn: set points' 'metric = rmse' 'als2.lambda = 1 to 2'
refused 'halving = true: points are halved between folds' 'metric = rmse' 'folds = 1' 'halving = true' 'als2.lambda = 1; 2'
refused "als2.rank = 2; 3: arm 'chosen' has it set already: wrong.conf:28, \[sweep\] als2.rank" 'metric = rmse' 'als2.rank = 2; 3' '[sweep]' 'als2.rank = 2; 4'
refused "model.rank = 2; 3: arm 'own' has it set already: wrong.conf:29, \[arm own\] model.rank" 'metric = rmse' 'model.rank = 2; 3' '[arm own]' 'model = als' 'model.rank = 3'
finish
