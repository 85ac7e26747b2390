#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# fairlead data: what it tells of embedded and of made-up data, what it refuses.
set -u
: "${FAIRLEAD_BUILD:?}"
command -v jq >/dev/null || { echo "jq is not installed; skipped"; exit 77; }
fairlead=$FAIRLEAD_BUILD/fairlead
work=$(mktemp -d) || exit 99
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 99
export FAIRLEAD_CACHE="$work/cache" LC_ALL=C.UTF-8
n=0
failed=0

# compare WHAT EXPECTED FOUND
compare ()
{
  n=$((n + 1))
  if [ "$2" = "$3" ]; then
    printf 'ok: %s: %s\n' "$1" "$3"
  else
    failed=$((failed + 1))
    printf 'NOT ok: %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
  fi
}
# tells WHAT TEXT: the output has it.
tells ()
{
  n=$((n + 1))
  if grep -qF -e "$2" out; then
    printf 'ok: %s: %s\n' "$1" "$2"
  else
    failed=$((failed + 1))
    printf 'NOT ok: %s: %s is not in\n' "$1" "$2"
    sed 's/^/    /' out
  fi
}
# refused STATUS MESSAGE ARGUMENT...: message on standard error, nothing on output.
refused ()
{
  expected="$1 fairlead: $2"
  shift 2
  "$fairlead" data "$@" >out 2>err
  compare "data $*" "$expected" "$? $(cat out err)"
}
# fact EXPECTED FILTER ARGUMENT...: what jq makes of `info --json`.
fact ()
{
  expected=$1
  filter=$2
  shift 2
  "$fairlead" data info "$@" --json >out 2>err || { sed 's/^/    /' err; }
  compare "$* $filter" "$expected" "$(jq -c "$filter" out)"
}

# ---- info -----------------------------------------------------------------------

fact '[138,130,1161]' '[.users, .items, .ratings]' restaurant
fact '[254,421,486]' '[.values[].ratings]' restaurant
fact 'null' .split restaurant
fact '[109,26,3]' '[.split.groups.users.groups[].n]' restaurant users.group-by=smoker
fact '["train",1161]' '[.split.parts[] | .part, .ratings]' restaurant users.group-by=smoker
fact '["train",929,"test",232]' '[.split.parts[] | .part, .ratings]' restaurant split.test=0.2
fact '[[138,100],[1161,null]]' '[[.users, .split.parts[0].users], [.ratings, .x]]' \
  restaurant 'filter=users random 100' --seed 3
fact '[1,2,3,4]' '[(.attributes.users[] | select(.name == "type").values[].n) / 100] | [1,2,3,4]' \
  block-model
"$fairlead" data info restaurant users.group-by=smoker >out
tells 'text' 'ratings  1,161: 6.47 % of all pairs, mean 1.1998'
tells 'text' 'true                26      223'
LC_ALL=C "$fairlead" data info restaurant >out
compare 'no line is wider than 100' 0 "$(awk 'length > 100' out | wc -l)"
compare 'ASCII where that is all there is' 0 "$(LC_ALL=C grep -c '[^ -~]' out)"

cat >p.conf <<'END'
[pipeline]
seed = 5
repeats = 2

[data]
source = restaurant
users.group-by = smoker

[model]
plugin = als-mf

[arm first]

[arm other]
data.items.group-by = price
split.test = 0.5

[evaluate]
objectives = rmse
END
fact '["first",0,5,null]' '.split | [.arm, .repeat, .seed, .groups.items]' p.conf
fact '["other",1,6,"price"]' '.split | [.arm, .repeat, .seed, .groups.items.by]' p.conf --arm other --repeat 1
fact '["other",[580,581]]' '.split | [.arm, ([.parts[].ratings] | sort)]' p.conf --arm other
fact '["budget",4]' '.split.groups.users | [.by, (.groups | length)]' p.conf --set data.users.group-by=budget
fact '3' '.split.crossed.ratings | length' p.conf --arm other
fact 'true' '([.split.crossed.ratings[][]] | add) == .split.parts[0].ratings' p.conf --arm other

# ---- made-up files -----------------------------------------------------------------

cells='[.users, .items, .ratings]'
printf 'a\tx\t1\na\ty\t2\nb\tx\t3\n' >plain.tsv
printf '\357\273\277a\tx\t1\r\na\ty\t2\r\n\r\nb\tx\t3' >odd.tsv
fact '[2,2,3]' "$cells" tsv path=plain.tsv
fact '[2,2,3]' "$cells" tsv path=odd.tsv
compare 'line ends and marks are no data' "$("$fairlead" data info tsv path=plain.tsv --json | jq .digest)" \
  "$("$fairlead" data info tsv path=odd.tsv --json | jq .digest)"
printf 'a\tx\t1\na\ty\nb\tx\t3\nb\tx\t4\n' >bad.tsv
"$fairlead" data info tsv path=bad.tsv bad-lines=skip duplicates=mean >out 2>&1
tells 'what was left out' 'bad.tsv: 1 line skipped'
fact '[2,1,2,2]' "[.users, .items, .ratings, (.notes | length)]" tsv path=bad.tsv bad-lines=skip duplicates=mean
mkdir folder
: >empty.tsv
printf 'a\tx\t1\nb\ty\n' >short.tsv
there='there are: drink_level, budget, transport, activity, smoker, birth_year, degree'
refused 1 "command line: [data] path: folder is a folder: expected a file" info tsv path=folder
refused 1 "command line: [data] path: cannot open no.tsv: No such file or directory" info tsv path=no.tsv
refused 2 "data: expected info, import, export or synth; \`fairlead data --help\` explains them"
refused 2 "data info: expected a pipeline file or a source" info
refused 2 "command line: [data] source = restaurent: no source 'restaurent'; did you mean 'restaurant'?" \
  info restaurent
refused 2 "command line: [data] users.group-by = smokes: no such attribute: 'smokes'; did you mean 'smoker'? $there" \
  info restaurant users.group-by=smokes
refused 2 "--repeat 2: must be from 0 to 1" info p.conf --repeat 2
refused 2 "--arm and --repeat go with a pipeline, not with source restaurant" info restaurant --repeat 1
refused 2 "x=y: unexpected behind a pipeline; settings go with --set" info p.conf x=y
refused 2 "nosuch.conf: No such file or directory" info nosuch.conf
refused 2 "command line: [data] users.grup-by: unknown key; did you mean 'users.group-by'?" info restaurant users.grup-by=x
refused 2 "--set data.users.group-by=smokes: [data] users.group-by = smokes: no such attribute: 'smokes'; did you mean 'smoker'? $there" \
  info p.conf --set data.users.group-by=smokes
sed 's/group-by = smoker/group-by = smokes/' p.conf >q.conf
refused 2 "q.conf:7: [data] users.group-by = smokes: no such attribute: 'smokes'; did you mean 'smoker'? $there" info q.conf

printf '%d compared, %d wrong\n' $n $failed
[ $failed -eq 0 ]
