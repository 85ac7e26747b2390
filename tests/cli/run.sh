#!/bin/sh
# `fairlead run` and `fairlead runs`: statuses, outputs, and cells that go wrong.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
need jq

# ---- the usual --------------------------------------------------------------
check "a run ends well" status 0 run toys.conf --json toys.json
check "its table has the arms" says '^noisy, steps=5 ' out
check "the best is marked" says ' \*' out
check "undefined metrics are named" says 'undefined in every row: toy-never' out
check "plain progress lines" says '^\[12/12\] ' err
check "12 cells are in the JSON" [ "$(jq '.cells | length' toys.json)" -eq 12 ]
check "the form of a cell" [ "$(jq -c '.cells[0] | keys' toys.json)" = \
  '["arm","error","metrics","peak_kib","repeat","seconds","seed","status","sweep"]' ]
check "the form of a metric" [ "$(jq -c '.cells[0].metrics[0] | keys' toys.json)" = \
  '["group","k","name","split","value"]' ]
check "sweep values are numbers" [ "$(jq -c '.cells[3].sweep' toys.json)" = '{"model.steps":5}' ]
check "seeds follow the repeats" [ "$(jq -c '[.cells[].seed] | unique' toys.json)" = '[7,8,9]' ]
check "undefined is null" \
  [ "$(jq '[.cells[].metrics[] | select(.name == "toy-never").value] | unique[]' toys.json)" = null ]
check "nothing is said with --quiet" status 0 run toys.conf --quiet --json -
check "... but on standard output the JSON" [ "$(jq '.cells | length' out)" -eq 12 ]
check "... and the table moves to standard error" says '^noisy, steps=5 ' err
sed -n '/^\[/p' err >progress
check "... without progress" [ ! -s progress ]
check "runs list" status 0 "$fairlead" runs list
check "... has both" [ "$(wc -l <out)" -eq 2 ]
check "runs show" status 0 "$fairlead" runs show 1
check "... with settings" says 'noise = 0.5' out
check "... with notes" says 'iterations = 5' out
"$fairlead" runs export 1 >one.csv
"$fairlead" runs export 2 >two.csv
check "two runs, the same digits" same one.csv two.csv
check "export has a line a metric" [ "$(wc -l <one.csv)" -gt 48 ]
check "JSON lines are JSON" status 0 sh -c "'$fairlead' runs export --each --format json | jq -e .values"
check "--dry-run computes nothing" status 0 run toys.conf --dry-run --store new.db
check "... prints the cells" says '^12 cells' out
check "... and makes no store" [ ! -e new.db ]
check "--show-config" status 0 run toys.conf --show-config
check "... says where from" says 'toys.conf:' out
check "--arm restricts" status 0 run toys.conf --arm noisy --quiet --json arm.json
check "... to 6 cells" [ "$(jq -c '[.cells[].arm] | unique + [length]' arm.json)" = '["noisy",6]' ]
check "--set overrides" status 0 run toys.conf --set data.users=5 --quiet
check "an ASCII terminal gets ASCII" status 0 env LC_ALL=C "$fairlead" runs show 1
LC_ALL=C grep -q '[^ -~]' out && { echo "NOT ok: other bytes in ASCII output"; failed=1; }

check "a build tree's program finds its plugins" status 0 env -u FAIRLEAD_PLUGIN_PATH \
  -u FAIRLEAD_PLUGIN_DIR "$fairlead" inspect model/als-mf

check "a mistaken FAIRLEAD_ISA is refused" status 2 env FAIRLEAD_ISA=v9 "$fairlead" check toys.conf
for asked in 'runs export' 'inspect' '--help'; do
  # shellcheck disable=SC2086
  check "$asked on a full disk fails" [ "$("$fairlead" $asked 2>&1 >/dev/full; echo $?)" = \
    'fairlead: standard output could not be written
3' ]
  # shellcheck disable=SC2086
  check "$asked with standard output closed fails" [ "$("$fairlead" $asked 2>/dev/null >&-; echo $?)" = 3 ]
done

# ---- the same digits, however it is run -------------------------------------
for how in '--jobs 1' '--jobs 2 --threads 2' '--threads 2 --jobs 3' '--resume'; do
  # shellcheck disable=SC2086
  run toys.conf --store how.db --quiet $how >/dev/null
  "$fairlead" runs export --store how.db >how.csv
  check "the same with $how" same one.csv how.csv
done

# ---- cells that go wrong ----------------------------------------------------
cat toys.conf >trouble.conf
sed -i 's/^repeats = 3/repeats = 1/; /^\[sweep\]/,/^$/d; s/^\[arm noisy\]/[arm rest]/' trouble.conf
cat >>trouble.conf <<END

[arm crash]
model.trouble = crash
[arm fail]
model.trouble = fail
[arm chatter]
model.trouble = chatter
[arm bad source]
data.trouble = crash
[arm bad objective]
toy.trouble = crash
END
check "failing cells give status 1" status 1 run trouble.conf --json trouble.json
error_of () { jq -r ".cells[] | select(.arm == \"$1\").error" trouble.json >error; }
error_of crash
check "a crash names signal and plugin" says 'SIGABRT.* in model/toy' error
check "... and its last words" says 'last words of a toy' error
error_of fail
check "an error names the plugin" says 'model toy: the toy fails as asked' error
error_of 'bad source'
check "a source that crashes is named" says 'SIGABRT.* in source/toy' error
error_of 'bad objective'
check "an objective that crashes is named" says 'SIGABRT.* in objective/toy' error
check "the others are done" [ "$(jq -c '[.cells[] | select(.status == "done").arm]' trouble.json)" \
  = '["plain","rest","chatter"]' ]
check "what a worker writes is passed on" says 'chatter, repeat 0: a toy has something to say' err
check "the table says so" says '^crash  *failed' out
check "an objective that fails" status 1 run toys.conf --arm plain --set toy.trouble=fail \
  --store part.db --json part.json --quiet
check "... costs its own values" [ "$(jq -c '[.cells[] | .status, (.metrics[] | select(.group == null) | select(.value != null).name)] | unique' part.json)" \
  = '["done","rmse","rmse-worst-user-group"]' ]
check "... and says why" says 'failed: plain, steps=2, repeats 0, 1, 2: objective toy: .*the toy fails as asked' out
check "--resume tries it again" status 1 run toys.conf --arm plain --set toy.trouble=fail \
  --store part.db --resume
check "... each cell" says '^\[6/6\] ' err
check "when the first cells fail alike" status 1 run trouble.conf --arm fail --jobs 1 \
  --set pipeline.repeats=20 --json alike.json --quiet
check "... the run stops" [ "$(jq -c '[.cells[].status] | [(map(select(. == "failed")), map(select(. == "pending"))) | length]' alike.json)" \
  = '[5,15]' ]
check "... and says so" says '^fairlead: the first 5 cells all failed alike.* 15 cells left' err
check "--keep-going goes on" status 1 run trouble.conf --arm fail --set pipeline.repeats=6 \
  --json alike.json --quiet --keep-going
check "... with all" [ "$(jq -c '[.cells[].status] | unique + [length]' alike.json)" = '["failed",6]' ]
check "--time-limit stops a cell" status 1 run trouble.conf --arm plain --set model.trouble=hang \
  --time-limit 0.3 --quiet
check "... and says so" says 'time limit of 0.3 s in model/toy' out
if sanitized; then
  check "--max-memory is refused with sanitizers" status 2 run trouble.conf --max-memory 64M
else
  check "--max-memory limits" status 1 run trouble.conf --arm plain --set model.trouble=memory \
    --max-memory 64M --quiet
  check "... and the plugin can say so" says 'model toy: out of memory' out
  check "--max-memory, a plugin that cannot" status 1 run trouble.conf --arm plain \
    --set model.trouble=greed --max-memory 64M --quiet
  check "... is named" says 'in model/toy, with a memory limit of 64 MiB' out
  check "enough memory is enough" status 0 run trouble.conf --arm plain \
    --set model.trouble=memory --max-memory 1G --quiet
fi
sed 's/trouble = crash/trouble = none/; s/trouble = fail/trouble = none/' trouble.conf >mended.conf
run mended.conf --quiet --resume >/dev/null
check "--resume computes what had failed" [ "$("$fairlead" runs export | grep -c failed)" -eq 0 ]

# ---- what only the data show -------------------------------------------------
sed 's/^users.group-by.*/users.group-by = sid/' toys.conf >wrong.conf
check "a group that the data do not know fails" status 1 run wrong.conf --store wrong.db --quiet
check "... and names the line" says 'wrong.conf:8: \[data\] users.group-by = sid: ' out
check "data that are not there fail" status 1 run toys.conf --set data.source=tsv \
  --set data.path=nowhere.tsv --set data.users.group-by= --store wrong.db --quiet \
  --plugin-dir "$FAIRLEAD_BUILD/plugins-built"
check "... and name the setting" says '--set data.path=nowhere.tsv: \[data\] path: ' out

# ---- interruption -----------------------------------------------------------
# A shell starts what is in the background deaf to SIGINT.
for signal in TERM INT; do
  rm -f stop.db
  env --default-signal=INT "$fairlead" run --plugin-dir plugins toys.conf --set model.pause=0.05 \
    --store stop.db --jobs 1 >out 2>err &
  pid=$!
  tries=0
  while ! grep -q '^\[2/' err && [ $tries -lt 500 ]; do sleep 0.02; tries=$((tries + 1)); done
  kill -$signal $pid
  wait $pid
  check "SIG$signal gives status 130" [ $? -eq 130 ]
  check "... and says how to go on" says '--resume computes the others' err
  check "... the store shows what is missing" status 0 "$fairlead" runs list --store stop.db
  check "... by number" says 'not run' out
done
check "it goes on" status 0 run toys.conf --set model.pause=0.05 --store stop.db --resume --quiet
check "... in the same run" [ "$("$fairlead" runs list --store stop.db | wc -l)" -eq 1 ]

# ---- mistakes ---------------------------------------------------------------
mistake ()
{
  words=$1
  shift
  check "refused: $*" status 2 "$@"
  check "... $(cat err)" says "$words" err
}
mistake 'expected a pipeline file' run
mistake 'extra.conf' run toys.conf extra.conf
mistake 'nosuch.conf' run nosuch.conf
mistake 'bogus' run toys.conf --bogus
mistake 'from 1 to 1024' run toys.conf --threads 0
mistake 'from 0 to 1024' run toys.conf --jobs -1
mistake 'threads' run toys.conf --threads many
mistake 'more than 0' run toys.conf --time-limit nan
mistake 'such as 512M' run toys.conf --max-memory 4X
mistake 'at least 16M' run toys.conf --max-memory 3
mistake 'cannot be written' run toys.conf --json "$folder/no/such/folder.json"
mistake 'cannot be opened' run toys.conf --store "$folder/no/such.db"
mistake 'noisy' run toys.conf --arm noise
mistake "did you mean 'noise'" run toys.conf --set model.nois=1
mistake 'does not exist' "$fairlead" run toys.conf --plugin-dir nowhere
mistake 'list, show or export' "$fairlead" runs
mistake 'list, show or export' "$fairlead" runs liszt
mistake 'no such file' "$fairlead" runs list --store nosuch.db
mistake 'no run 99' "$fairlead" runs show 99
mistake 'the number of a run' "$fairlead" runs show last
mistake 'csv or json' "$fairlead" runs export --format xml
mistake 'not an SQLite database' "$fairlead" runs list --store toys.conf
mistake 'by itself' "$fairlead" worker
finish
