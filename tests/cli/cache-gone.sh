#!/bin/sh
# The cache of datasets may go at any time: its files are removed as soon as they are there, by
# someone else, while a run is under way.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"

# Removes every prepared dataset until the file `enough` is there; `removed` counts them.
sweep_away ()
{
  while [ ! -e enough ]; do
    for file in cache/*.fairdata; do
      [ -e "$file" ] && rm -f "$file" && echo "$file" >>removed
    done
  done
}

check "a run with its cache" status 0 run toys.conf --store whole.db
"$fairlead" runs export 1 --store whole.db >whole.csv
check "the dataset is in the cache" [ -n "$(find cache -name '*.fairdata')" ]
sweep_away &
check "a run whose cache goes" status 0 run toys.conf --jobs 2 --store gone.db
touch enough
wait
check "... its files went, several times" [ "$(wc -l <removed)" -gt 1 ]
"$fairlead" runs export 1 --store gone.db >gone.csv
check "... gives the same digits" same whole.csv gone.csv
echo "removed $(wc -l <removed) times"
finish
