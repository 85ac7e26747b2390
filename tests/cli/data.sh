#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# fairlead data: what it tells of embedded and of made-up data, what it refuses.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
# tells WHAT TEXT: the output has it.
tells ()
{
  check "$1: $2" grep -qF -e "$2" out
  grep -qF -e "$2" out || sed 's/^/    /' out
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
cat >bad.conf <<'EOF'
[data]
source = tsv
path = bad.tsv
bad-lines = skip
duplicates = mean
[split]
test = 0.5
[model]
plugin = als-mf
[evaluate]
objectives = rmse
EOF
"$fairlead" run bad.conf --store bad.db >out 2>&1
tells 'a run says what was left out' '[data] bad.tsv: 1 line skipped'
"$fairlead" runs show --store bad.db >out 2>&1
tells 'and the store keeps it' 'data = bad.tsv: 1 line skipped'
printf 'user,sex\na,F\nb,F\n' >commas.csv
printf 'a\tF\nb\tF\n' >same.tsv
"$fairlead" data info tsv path=plain.tsv users=commas.csv >out 2>&1
tells 'a table of one column' 'commas.csv: one column, no attribute; cut at tab'
set -- tsv path=plain.tsv users=same.tsv 'users-columns=user; sex' users.group-by=sex split.test=0.4
"$fairlead" data info "$@" >out 2>&1
tells 'a single group' 'sex=F is the only group of users: with 2 of 2 in it nothing is compared'
mkdir one.d
printf 'user_id:token\titem_id:token\trating:float\tmood:token\nu\ti\t3\tgood\n' >one.d/one.d.inter
"$fairlead" data info recbole path=one.d >out 2>&1
tells 'a column that nothing uses' 'one.d.inter: columns that are not used: mood'
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

# ---- the funnel -------------------------------------------------------------------

fact '["all","users at-least 9","items top 50"]' '[.split.funnel[].statement]' restaurant \
  'filter=users at-least 9; items top 50'
fact 'true' '[.split.funnel[-1].ratings, .split.funnel[-1].users] == [.split.parts[0].ratings, 74]' restaurant \
  'filter=users at-least 9; items top 50'
"$fairlead" data info restaurant 'filter=users at-least 9' >out
tells 'the funnel' 'users at-least 9     74    102      816   70.3 %'

# ---- groups and audit ------------------------------------------------------------

fact '["smoker is false","smoker is true","no value of smoker"]' \
  '[.split.groups.users.groups[].rule]' restaurant users.group-by=smoker
fact '["birth_year below 1980","birth_year from 1980"]' '[.split.groups.users.groups[].rule]' restaurant \
  'users.group-by=birth_year ranges 1980'
fact '[["ok","no pair of user and item is in two parts: 1161 ratings compared"]]' \
  '[.split.audit[] | select(.level == "ok") | [.level, .text]] | .[:1]' p.conf
"$fairlead" data info p.conf >out
tells 'the rule of a group' '  smoker is true'
tells 'the audit' 'ok       no pair of user and item is in two parts'
"$fairlead" check p.conf >out 2>err
compare 'check' 0 $?
tells 'check shows it too' 'ok       no pair of user and item is in two parts'
compare '... of both arms' 'audit: first,audit: other' "$(grep ^audit out | paste -sd,)"
sed "s/source = restaurant/source = tsv\npath = no.tsv/; s/group-by = smoker/group-by =/; /items.group-by/d" p.conf >no.conf
"$fairlead" check no.conf >out 2>err
compare 'without the data' "0 " "$? $(cat err)"
tells '... what is missing' 'no.conf:7: [data] path: no.tsv is not there'
sed 's/source = restaurant/source = tsv\npath = short.tsv/' p.conf >bad.conf
"$fairlead" check bad.conf >out 2>err
compare 'with bad data' 1 $?
compare '... where' 'fairlead: bad.conf:7: [data] path: ' "$(sed 's/path: .*/path: /' err)"
compare '--no-data' 0 "$("$fairlead" check bad.conf --no-data >out 2>&1; echo $?)"

# ---- import ----------------------------------------------------------------------

rm -rf cache
"$fairlead" data import restaurant >one
"$fairlead" data import restaurant >two
compare 'read' 'imported  1,161 ratings of 138 users and 130 items' "$(sed -n '1s/ in .*//p' one)"
compare 'found again' 'found     1,161 ratings of 138 users and 130 items, in the cache already' "$(sed -n 1p two)"
compare 'the same' "$(sed -n '2,3p' one)" "$(sed -n '2,3p' two)"
compare 'the cache file' 1 "$(find cache -name '*.fairdata' | wc -l)"
rm -rf cache
compare 'a cache that was deleted' imported "$("$fairlead" data import restaurant | sed -n '1s/ .*//p')"
compare 'a seed is another dataset' 2 "$(for seed in 1 2; do
  "$fairlead" data import block-model --seed $seed | sed -n 2p; done | sort -u | wc -l)"

# ---- export ----------------------------------------------------------------------

digest ()
{
  "$fairlead" data info "$@" --json 2>&1 | jq -r .digest
}
# arguments FILE: the settings that export printed, one a line, behind the source.
arguments ()
{
  sed -n 's/^source = //p' "$1"
  sed -n '/^source/!s/^\([a-z][a-z.-]*\) = \(.*\)$/\1=\2/p; s/^\([a-z]*\) = $/\1=/p' "$1"
}
# back WHAT ARGUMENT...: exported with these arguments, it reads back as what it was.
back ()
{
  back_by recbole "$@"
  back_by tsv "$@"
}
# back_by FORMAT WHAT ARGUMENT...
back_by ()
{
  format=$1
  what="$2, $1"
  shift 2
  rm -rf out.d
  "$fairlead" data export "$@" --format $format -o out.d >said 2>err || { sed 's/^/    /' err; }
  arguments said >words
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done <words
  compare "$what" "$(sed -n 's/^# digest //p' said)" "$(digest "$@")"
  compare '... into files' yes "$([ -s said ] && [ -e out.d ] && echo yes)"
}
printf 'user,item,value,when\n' >odd.csv
printf '%s\n' 'a b,x::y,0.1,12' '"q",#1,-1e-7,13' 'a b,\n,3.3333333333333335,99' \
  'ünï,?,5,-4' "'',|,16777217,0" '01,1,2,1' '1,01,2,1' >>odd.csv
printf 'id,kind,tags\na b,x|y,p\n01,,\nünï,"z,q^r\n' >odd-users.csv
printf 'id,only\n1,\n01,?\n' >odd-items.csv
set -- tsv path=odd.csv separator=comma header=true time=4
compare 'odd ids are 6 users' 6 "$("$fairlead" data info "$@" --json | jq .users)"
back 'odd ids and numbers' "$@"
compare '... are the same dataset' "$(digest "$@")" "$(sed -n 's/^# digest //p' said)"
back 'odd attributes' "$@" users=odd-users.csv items=odd-items.csv values=
back 'several values each' "$@" users=odd-users.csv items=odd-items.csv values='^'
compare '... between other characters' 'values = ,' "$(grep values said)"
back_by recbole 'several values each' "$@" users=odd-users.csv items=odd-items.csv values='^'
printf 'id,kind\na b,x y|z\n' >blank-users.csv
back_by recbole 'values with blanks' "$@" users=blank-users.csv
compare '... between bars' 'seq-separator = |' "$(grep seq said)"
back 'embedded data' restaurant
compare '... are the same dataset' "$(digest restaurant)" "$(sed -n 's/^# digest //p' said)"
back 'data that come split' block-model
back_by recbole 'a part beside the whole' block-model
"$fairlead" data export restaurant --format recbole -o out.d --force >/dev/null
"$fairlead" data export block-model --format recbole -o out.d --force >said
compare '... the whole is not read' "$(sed -n 's/^# digest //p' said)" \
  "$(digest recbole path=out.d 'benchmark-filename=train; test' 'scale=-1; 1')"
back_by tsv 'data that come split' block-model
compare '... by part' 'test.tsv train.tsv' "$(cd out.d && echo t*)"
back 'a filtered pipeline' p.conf --set data.filter='users random 50'
compare '... of 50 users' 51 "$(wc -l <out.d/users.tsv)"
back 'its split' p.conf --set split.validation=0.1 --split
compare '... by part' 814,117,233 "$(wc -l <out.d/train.tsv),$(wc -l <out.d/validation.tsv),$(wc -l <out.d/test.tsv)"
"$fairlead" data export p.conf -o groups.d --groups >/dev/null
compare 'groups' 'user	group:109 false 26 true 3 unknown' \
  "$(sed 1q groups.d/user-groups.tsv):$(sed 1d groups.d/user-groups.tsv | cut -f 2 | uniq -c | xargs)"

printf 'a\tb,x,1\n' >tab.csv
refused 1 'user "a\tb" cannot be written: a tab or an end of line would be taken for the end of it' \
  export tsv path=tab.csv separator=comma -o tab.d
compare 'nothing is left of it' '' "$(ls tab.d 2>/dev/null)"
rm -rf out.d
"$fairlead" data export restaurant -o out.d >out 2>&1
refused 2 'out.d/ratings.tsv is there already; --force replaces it' export restaurant -o out.d
"$fairlead" data export restaurant -o out.d --force >out 2>&1
compare '--force' 0 $?
refused 2 'expected -o DIR: the folder to write into' export restaurant
refused 2 '--format csv: must be tsv or recbole' export restaurant -o new.d --format csv
refused 2 '--split: nothing was said of it; expected split.KEY=VALUE' export restaurant -o new.d --split
refused 2 '--groups: neither users nor items are grouped' export restaurant filter='users random 9' -o new.d --groups
: >file
refused 1 'cannot write file/x: Not a directory' export restaurant -o file/x
if [ "$(id -u)" -ne 0 ]; then
  mkdir -m 500 locked
  refused 1 'cannot write locked/ratings.tsv: Permission denied' export restaurant -o locked
fi
# A limit on the size of files stands for a full disk.
rm -rf full.d
(trap '' XFSZ; ulimit -f 8; "$fairlead" data export restaurant -o full.d) >out 2>err
compare 'a full disk' '1 fairlead: cannot write full.d/ratings.tsv: File too large' "$? $(cat out err)"
compare 'nothing is left there' '' "$(ls full.d)"

# ---- synth -----------------------------------------------------------------------

"$fairlead" data synth block-model --seed 4 -o synth.d >said 2>err
compare 'synth' 0 $?
compare 'the same draw' "$(digest block-model --seed 4)" "$(sed -n 's/^# digest //p' said)"
refused 2 'source restaurant draws nothing: `fairlead data export` writes it' synth restaurant -o new.d

finish
