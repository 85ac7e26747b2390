#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Runs on generated data: every switch of both sources, and what the biases do.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
run () # NAME, pipeline on standard input
{
  cat >"$1.conf"
  "$fairlead" run "$1.conf" --store "$1.db" --quiet --json "$1.json" >out 2>&1
  compare "$1 runs" 0 "$?"
  cat out
}

run blocks <<'END'
[data]
source = block-model
n-users = 80
n-items = 60
users.group-by = gender * type
items.group-by = field
[split]
method = given
[model]
plugin = als-mf
rank = 2
lambda = 1
biases = true
[evaluate]
objectives = rmse; value
[arm uniform]
[arm biased]
data.observation = biased
[arm exchanged]
data.observation = exchanged
[arm imbalanced]
data.population = imbalanced
[arm both]
data.population = imbalanced
data.observation = biased
END
compare "the four groups of women and men have their error in each arm" '[4,4,4,4,4]' \
  "$(jq -c '[.cells[].metrics | map(select(.name == "rmse" and .split == "test" and .value != null
            and (.group // "" | startswith("gender * type=")))) | length]' blocks.json)"

run factors <<'END'
[pipeline]
repeats = 3
[data]
source = biased-factors
unobserved = truth
users.group-by = group
[split]
method = given
[model]
plugin = als-mf
rank = 20
lambda = 5
[evaluate]
objectives = rmse
[arm none]
[arm P]
data.population = true
[arm R]
data.rank = true
[arm S]
data.sparsity = true
[arm N]
data.noise = true
[arm RSNP]
data.population = true
data.rank = true
data.sparsity = true
data.noise = true
END
# Mean RMSE of group B by arm, and whether it is above that without bias.
worse='[.cells[] | {arm, b: (.metrics[] | select(.name == "rmse" and .group == "group=B").value)}]
  | group_by(.arm) | map({key: .[0].arm, value: (map(.b) | add / length)}) | from_entries
  | . as $b | (["R", "S", "N", "RSNP"] | map({key: ., value: ($b[.] > $b.none)}) | from_entries)'
jq -c '[.cells[] | {arm, b: (.metrics[] | select(.name == "rmse" and .group == "group=B").value)}]
  | group_by(.arm) | map([.[0].arm, (map(.b) | add / length)])[]' factors.json
compare "group B is served worse with more dimensions, fewer and noisier ratings" "true,true,true,true" \
  "$(jq -r "$worse | [.R, .S, .N, .RSNP] | map(tostring) | join(\",\")" factors.json)"

# Unsplit, as it comes.
run unsplit <<'END'
[data]
source = biased-factors
features = uniform
n-users = 40
n-items = 50
users.group-by = group
[split]
method = per-user
[model]
plugin = als-mf
rank = 2
[evaluate]
objectives = rmse
END
for wrong in 'rank-a=21 --set data.rank=true' 'base-density=0.7 --set data.sparsity=true'; do
  # shellcheck disable=SC2086
  "$fairlead" check factors.conf --set data.$wrong >out 2>&1
  compare "$wrong is refused" 2 "$?"
  cat out
done
finish
