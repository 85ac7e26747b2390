#!/bin/sh
# What stands around the work: plugins that crash, hang or exit before any data, conditions
# that a launcher leaves behind, and bytes that command a terminal.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
need jq
export FAIRLEAD_PROBE_SECONDS=1

# ---- hooks before any data ------------------------------------------------------
# stopped TROUBLE REGEXP: run, check and data name the plugin and what it did
stopped ()
{
  for command in run check 'data info'; do
    # shellcheck disable=SC2086
    check "$command: $1 in a check" status 2 "$fairlead" $command --plugin-dir plugins toys.conf \
      --set model.check="$1"
    check "... is named" says "^fairlead: $2" err
  done
}
if ! sanitized; then # which report crashes themselves
  stopped crash 'model/toy, in check: crashed with signal 6'
fi
stopped exit 'model/toy, in check: ended the process, with exit status 0'
stopped hang 'model/toy, in check: has not come back after 1 seconds'
check "nothing was computed" [ ! -e fairlead.db ]
check "an exit in a fit costs its cell" status 1 run toys.conf --arm plain --set model.trouble=exit --quiet
check "... and is said" says 'ended with status 0 in model/toy' out
check "another rounding mode" status 1 run toys.conf --arm plain --set model.trouble=rounding --quiet
check "... is a failure" says 'fit leaves arithmetic in another mode' out

# ---- what is inherited -----------------------------------------------------------
check "SIGCHLD ignored" status 0 sh -c 'trap "" CHLD; exec "$0" run --plugin-dir plugins toys.conf --quiet' "$fairlead"
# Few descriptors: one worker at a time.
check "few descriptors" status 0 sh -c 'ulimit -n 28; exec "$0" run --plugin-dir plugins toys.conf --quiet --jobs 8' \
  "$fairlead"
check "... fewer workers" says '^fairlead: 1 workers at a time instead of 8' err
for store in '' :memory:; do
  check "a store '$store' is none" status 2 run toys.conf --store "$store" --quiet
done

# ---- names -------------------------------------------------------------------------
bytes=$(printf 'caf\351')
mkdir "$bytes" && cp toys.conf "$bytes/p.conf"
check "paths are bytes" status 0 env FAIRLEAD_CACHE="$bytes/cache" "$fairlead" run --plugin-dir plugins \
  "$bytes/p.conf" --store "$bytes/s.db" --quiet
check "... without complaints" [ ! -s err ]
c1=$(printf '\302\233') bidi=$(printf '\342\200\256')
sed "s/^\[arm noisy\]/[arm ${c1}31m${bidi}noisy]/" toys.conf >controls.conf
check "controls in a name" status 0 run controls.conf
check "... are written out" says '\\u009b31m\\u202enoisy, steps=2' out
check "... in what is said as well" says '\\u009b31m\\u202enoisy, model.steps = 2' err
for file in out err; do
  check "... and nowhere left in $file" [ -z "$(grep "$c1\|$bidi" $file)" ]
done
check "exports have them as they are" [ "$("$fairlead" runs export | grep -c "$c1")" -gt 0 ]

# ---- accidents ---------------------------------------------------------------------
run toys.conf --store s.db --quiet >/dev/null
"$fairlead" runs export --store s.db >before.csv
check "data that cannot be loaded" status 1 run toys.conf --store s.db --resume --quiet --set data.trouble=fail
check "... and again those that can" status 0 run toys.conf --store s.db --resume --quiet
"$fairlead" runs export --store s.db >after.csv
check "the latest run is the one last worked at" same before.csv after.csv
echo precious >j.json
check "a full disk" status 3 run toys.conf --quiet --json /dev/full
check "a file that is there gives way to a whole file" status 0 run toys.conf --quiet --json j.json
check "... of JSON" [ "$(jq '.cells | length' j.json)" -eq 12 ]
finish
