#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Groups as a run reports them: crossed labels, and groups by the error of an arm.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq

cat >diners.conf <<'END'
[pipeline]
title = Diners
seed = 3
repeats = 2

[data]
source = restaurant

[split]
test = 0.3

[model]
plugin = als-mf
rank = 2
lambda = 1
biases = true

[arm plain]

[arm twin]

[arm strong]
model.lambda = 5

[evaluate]
objectives = rmse
END
export_run () # FILE SETTING...
{
  out=$1
  shift
  "$fairlead" run diners.conf --store "$out.db" --quiet "$@" >"$out.txt" 2>&1 || cat "$out.txt"
  "$fairlead" runs export --store "$out.db" --format json >"$out"
}
# The numbers of one arm and its first repeat.
groups () # FILE ARM
{
  jq -sc --arg arm "$2" '[.[] | select(.arm == $arm and .repeat == 0 and .metric == "rmse"
                          and .group != null)]' "$1"
}
# All groups together are all ratings: the root of the mean square is that over all.
pooled='[.[] | select(.metric == "rmse" and .repeat == 0)] | group_by(.arm)
  | map(((map(select(.group == null))[0].value)
         - ([.[] | select(.group != null and .n > 0)] | (map(.n * .value * .value) | add) / (map(.n) | add) | sqrt))
        | fabs < 1e-12) | all'

# ---- crossed ------------------------------------------------------------------
export_run crossed.json --set 'data.users.group-by=drink_level * birth_year ranges 1988 1990' \
  --set 'data.items.group-by='
groups crossed.json plain | jq -r '.[].group' >labels
cat labels
check "labels are crossed" grep -qx 'drink_level \* birth_year=abstemious \* <1988' labels
check "each group once" [ "$(sort labels | uniq -d | wc -l)" -eq 0 ]
compare "groups of a partition pool to the whole" true "$(jq -sc "$pooled" crossed.json)"
check "the table shows them" grep -q 'drink_level \* birth_year=' crossed.json.txt

# ---- left out of comparisons ----------------------------------------------------
by='data.users.group-by=smoker * budget'
compared () # FILE SETTING...: pairs behind js-divergence, and the groups in its table
{
  export_run "$@" --set "$by" --set 'evaluate.objectives=rmse; js-divergence' --set evaluate.k=5
  jq -sc '[.[] | select(.arm == "plain" and .repeat == 0 and .metric == "js-divergence-train")][0].n' "$1"
}
all=$(compared all.json)
ngroups=$(groups all.json plain | jq length)
compare "every pair of groups is compared" $((ngroups * (ngroups - 1) / 2)) "$all"
known=$(compared known.json --set data.users.compare-unknown=false)
n_known=$(groups all.json plain | jq '[.[].group | select(contains("unknown") | not)] | length')
check "some are unknown" [ "$n_known" -lt "$ngroups" ]
compare "those of unknown value are left out" $((n_known * (n_known - 1) / 2)) "$known"
compare "and stay in the table" "$(groups all.json plain)" "$(groups known.json plain)"
compare "none is large enough" null "$(compared none.json --set data.users.compare-at-least=100000 |
  jq -c 'if . == 0 then null else . end')"
check "which the table says" grep -q 'undefined in every row: .*js-divergence' none.json.txt

# ---- by error -------------------------------------------------------------------
export_run error.json --set 'data.users.group-by=error of plain on test quantiles 4'
compare "quantiles, and those without test ratings" \
  '["0-25%","25-50%","50-75%","75-100%","unknown"]' \
  "$(groups error.json plain | jq -c '[.[].group | sub("^error of plain on test="; "")]')"
compare "an arm of the same settings has the same numbers" \
  "$(groups error.json plain | jq -c 'map(del(.arm))')" \
  "$(groups error.json twin | jq -c 'map(del(.arm))')"
compare "the groups are those of the named arm: as many ratings in each" \
  "$(groups error.json plain | jq -c 'map(.n)')" "$(groups error.json strong | jq -c 'map(.n)')"
compare "its errors ascend from group to group" true \
  "$(groups error.json plain | jq -c '[.[].value | select(. != null)] | . == sort')"
compare "groups pool to the whole" true "$(jq -sc "$pooled" error.json)"
compare "nobody is measured on what nobody holds" 0 \
  "$(groups error.json plain | jq '.[-1].n')"

export_run train.json --set 'data.users.group-by=error of plain ranges 0.3 0.6' \
  --set 'data.items.group-by=error of twin on test ranges 0.5'
compare "both sides, by the errors of two arms" \
  '["error of plain on train=0.3-<0.6","error of plain on train=0.6+","error of plain on train=<0.3","error of twin on test=0.5+","error of twin on test=<0.5"]' \
  "$(groups train.json strong | jq -c '[.[].group | select(endswith("unknown") | not)] | sort')"
export_run threads.json --threads 2 --set 'data.users.group-by=error of plain on test quantiles 4'
compare "the same digits for two threads" "$(groups error.json strong)" \
  "$(groups threads.json strong)"

"$fairlead" run diners.conf --store error.json.db --resume --quiet --json resumed.json \
  --set 'data.users.group-by=error of plain on test quantiles 4' >/dev/null 2>&1
compare "nothing is computed twice" 0 "$("$fairlead" run diners.conf --store error.json.db --resume \
  --set 'data.users.group-by=error of plain on test quantiles 4' 2>&1 | grep -c '^\[')"
echo "$n compared"
finish
