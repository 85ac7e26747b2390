#!/bin/sh
# Killed at random moments, parent or worker, a run resumes to the same bytes.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
rounds=${FAIRLEAD_KILL_ROUNDS:-8}
slow='--set model.pause=0.01'

export_all ()
{
  "$fairlead" runs export --store "$1" >"$2" &&
    "$fairlead" runs export --store "$1" --each --format json >>"$2"
}
children ()
{
  cat "/proc/$1/task/$1/children" 2>/dev/null
}
# The n-th number of the seeded sequence, from $2 to $3.
random ()
{
  awk -v n="$1" -v low="$2" -v high="$3" \
    'BEGIN { srand (2019); while (n-- > 0) x = rand (); printf "%.3f", low + (high - low) * x }'
}
gone ()
{
  for process in $1; do
    tries=0
    while kill -0 "$process" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$process/status"; do
      tries=$((tries + 1))
      [ $tries -gt 200 ] && { echo "  worker $process lives on"; return 1; }
      sleep 0.02
    done
  done
}

# shellcheck disable=SC2086
run toys.conf $slow --store calm.db --quiet >/dev/null || exit 1
export_all calm.db calm || exit 1
echo "undisturbed: $(wc -c <calm) bytes, sha256 $(sha256sum <calm | cut -c1-16)"

round=1
while [ "$round" -le "$rounds" ]; do
  store=killed-$round.db
  # Twice, so that what resumes is killed as well.
  for attempt in 1 2; do
    # Itself, and not a shell that waits for it.
    # shellcheck disable=SC2086
    "$fairlead" run --plugin-dir plugins toys.conf $slow --store $store --jobs 2 --resume --quiet \
      >/dev/null 2>&1 &
    parent=$!
    pause=$(random $((2 * round + attempt)) 0.02 0.45)
    sleep "$pause"
    workers=$(children $parent)
    if [ $(((round + attempt) % 2)) -eq 0 ]; then
      kill -KILL $parent 2>/dev/null
      victim=parent
    else
      victim=worker
      # shellcheck disable=SC2086
      kill -KILL ${workers%% *} 2>/dev/null
    fi
    wait $parent 2>/dev/null
    check "round $round.$attempt: $victim killed after $pause s, no worker survives" gone "$workers"
  done
  # shellcheck disable=SC2086
  check "round $round: resumes" status 0 run toys.conf $slow --store $store --resume --quiet
  check "... and exports" export_all $store killed
  check "... the same bytes" same calm killed
  round=$((round + 1))
done

# Two processes on one store at a time.
run toys.conf --store both.db --quiet >/dev/null 2>one.err &
first=$!
run toys.conf --store both.db --quiet >/dev/null 2>two.err
check "one of two at a time" [ $? -eq 0 ]
wait $first
check "the other" [ $? -eq 0 ]
for number in 1 2; do
  "$fairlead" runs export --store both.db $number >both.csv
  "$fairlead" runs export --store calm.db | sed 's/model.pause=[^,;]*//' >calm.csv
  check "run $number of two is complete" [ "$(grep -c done both.csv)" -eq "$(grep -c done calm.csv)" ]
done
finish
