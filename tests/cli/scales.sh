#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Numbers without a common scale are not set against each other: arms that are tested on
# different ratings, and errors of scores that are no ratings.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"

cat >scales.conf <<'END'
[pipeline]
title = Scales
seed = 3

[data]
source = restaurant

[split]
test = 0.2
validation = 0.1

[model]
plugin = als-mf
rank = 2

[arm plain]

[arm stiff]
model.lambda = 20

[evaluate]
objectives = rmse
END
sed 's/^plugin = als-mf/plugin = bpr-mf/; s/^rank = 2/epochs = 2/; s/^model.lambda/model.l2/; s/^objectives.*/objectives = hr\
k = 3/' scales.conf >ranker.conf

silent () # REGEXP FILE
{
  ! grep -e "$1" "$2"
}
changed () # SETTING: of arm stiff
{
  sed "s/^model.lambda = 20/$1/" scales.conf >changed.conf
}

# ---- what is tested ------------------------------------------------------------
check "arms on the same ratings" status 0 run scales.conf --quiet
check "... are ranked" says ' \*$' out
check "checked" status 0 "$fairlead" check scales.conf
check "... without a warning" silent '^warning' out
changed 'split.test = 0.3'
check "arms on different ratings" status 0 run changed.conf --quiet
check "... are not ranked" silent '\*' out
check "... which is said" says '^rows are tested on different ratings, and no best is marked' out
check "... and noted" status 0 "$fairlead" runs show
check "... by number and content" says 'test part = 232 ratings, [0-9a-f]' out
check "checked" status 0 "$fairlead" check changed.conf
check "... with a warning" says '^warning: not all is tested on the same ratings' out
check "... of which" says '^  stiff: 348 ratings, ' out
changed 'split.every-user = true'
check "as many other ratings" status 0 run changed.conf --quiet
check "... are another part" silent '\*' out

# ---- scores that are no ratings ------------------------------------------------
refused () # MESSAGE SETTING...
{
  message=$1
  shift
  check "refused: $*" status 2 "$fairlead" check ranker.conf "$@"
  check "... $message" says "$message" err
}
no="model 'bpr-mf' has not (only with loss = squared are its scores ratings)"
check "a ranker is measured by its lists" status 0 run ranker.conf --quiet
for objective in rmse mae value absolute underestimation overestimation parity individual polarization; do
  check "$objective of a ranker" status 0 "$fairlead" check ranker.conf --set evaluate.objectives=$objective \
    --set data.users.group-by=drink_level
  check "... is warned of" says "^fairlead: warning: \[objective $objective\] is undefined in arm 'plain': the scores of model 'bpr-mf' are no ratings" err
done
check "a run with it" status 0 run ranker.conf --quiet --set 'evaluate.objectives=rmse; ndcg' --json scores.json
check "... gives no number" says 'undefined in every row: rmse' out
check "... and says why" status 0 "$fairlead" runs show
check "... in the notes" says "rmse undefined = the model's scores are no ratings" out
refused "model.stop-on=mae: .*stop-on = mae: .*needs predicted ratings for scores, which $no" --set model.stop-on=mae
refused "users.group-by = error of plain on test quantiles 3: arm 'plain' has no errors of ratings: the scores of its model 'bpr-mf' are none" \
  --set 'data.users.group-by=error of plain on test quantiles 3'
for model in bpr-mf ncf gccf; do
  check "$model learns ratings" status 0 "$fairlead" check ranker.conf --set model.loss=squared --arm plain \
    --set model.plugin=$model --set 'evaluate.objectives=rmse; polarization' --set model.stop-on=rmse
done
finish
