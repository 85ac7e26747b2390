#!/bin/sh
# fairlead inspect: every plugin in all three forms, and what it says of
# mistakes.
set -u
: "${FAIRLEAD_BUILD:?}"
fairlead=$FAIRLEAD_BUILD/fairlead
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
failed=0

# expect STATUS TEXT ARGUMENT...: exit status, and text in what is printed.
expect ()
{
  wanted=$1 text=$2
  shift 2
  "$fairlead" inspect "$@" >"$scratch/out" 2>&1
  status=$?
  if [ $status -eq "$wanted" ] && grep -qF -e "$text" "$scratch/out"; then
    echo "ok: inspect $*: $text"
  else
    echo "NOT so: inspect $*: status $status, wanted $wanted and '$text'"
    sed 's/^/    /' "$scratch/out"
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
    groff -man -ww -Tutf8 -Z "$scratch/out" 2>&1 >/dev/null | sed "s,^,NOT so: $name: ," |
      tee "$scratch/roff"
    [ ! -s "$scratch/roff" ] || failed=1
  fi
done
if command -v jq >/dev/null; then
  for name in "" model objective/rmse; do
    "$fairlead" inspect $name --json | jq -e '.plugins | length > 0' >"$scratch/out" 2>&1 ||
      { echo "NOT so: inspect $name --json is JSON"; failed=1; }
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
echo text >"$scratch/text.so"
expect 0 "text.so: cannot be opened as a shared object" --plugin-dir "$scratch"
expect 0 "objective/rmse" --plugin-dir "$scratch"
expect 0 "cannot be opened as a shared object" --plugin-dir "$scratch" --json
chmod go+w "$scratch"
expect 0 "can be written by everybody" --plugin-dir "$scratch"
FAIRLEAD_PLUGIN_PATH=$scratch expect 0 "can be written by everybody"
exit $failed
