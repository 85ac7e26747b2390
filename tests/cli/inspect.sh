#!/bin/sh
# fairlead inspect: every plugin in all three forms, and what it says of
# mistakes.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"

# expect STATUS TEXT ARGUMENT...: exit status, and text in what is printed.
expect ()
{
  wanted=$1 text=$2
  shift 2
  "$fairlead" inspect "$@" >out 2>&1
  status=$?
  n=$((n + 1))
  if [ $status -eq "$wanted" ] && grep -qF -e "$text" out; then
    echo "ok: inspect $*: $text"
  else
    echo "NOT ok: inspect $*: status $status, wanted $wanted and '$text'"
    sed 's/^/    /' out
    failed=1
  fi
}

names=$("$fairlead" inspect |
  sed -nE 's,^((source|model|objective|mitigator)/[^ ]+) .*,\1,p')
[ -n "$names" ] || { echo "no plugin found"; exit 1; }
for name in $names; do
  expect 0 "$name" "$name"
  expect 0 "\"name\" : \"${name#*/}\"" "$name" --json
  expect 0 ".SH NAME" "$name" --man
  if command -v groff >/dev/null; then
    groff -man -ww -Tutf8 -Z out 2>&1 >/dev/null | sed "s,^,NOT ok: $name: ," |
      tee roff
    [ ! -s roff ] || failed=1
  fi
done
if command -v jq >/dev/null; then
  for name in "" model objective/rmse; do
    "$fairlead" inspect $name --json | jq -e '.plugins | length > 0' >out 2>&1 ||
      { echo "NOT ok: inspect $name --json is JSON"; failed=1; }
  done
fi

expect 0 "objective/rmse" objective
expect 2 "no kind 'objectiv'; did you mean 'objective'?" objectiv
expect 2 "no kind 'rmse'; did you mean 'objective/rmse'?" rmse
expect 2 "no objective 'rsme'; did you mean 'rmse'?" objective/rsme
expect 2 "no model 'rmse': that name is of kind objective" model/rmse
expect 2 "--man needs KIND/NAME" --man
expect 2 "one KIND[/NAME] at a time" objective model
expect 2 "plugin folder /nonexistent does not exist" --plugin-dir /nonexistent
expect 2 "Unknown option --jsn" --jsn

# Refusals are listed, with the reason, and cost nothing else.
mkdir odd
echo text >odd/text.so
expect 0 "text.so: cannot be opened as a shared object" --plugin-dir odd
expect 0 "objective/rmse" --plugin-dir odd
expect 0 "cannot be opened as a shared object" --plugin-dir odd --json
chmod go+w odd
expect 0 "can be written by everybody" --plugin-dir odd
FAIRLEAD_PLUGIN_PATH=$folder/odd expect 0 "can be written by everybody"
finish
