#!/bin/sh
# Models trained by gradients in a pipeline: the host's loop, what it refuses, and
# the notes it leaves.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/cli/trouble.sh"
cp -p "$FAIRLEAD_BUILD/tests/plugins/.libs/learner.so" plugins/ || exit 99
chmod go-w plugins/learner.so

cat >learner.conf <<END
[pipeline]
seed = 3

[data]
source = toy

[split]
method = random
test = 0.2
validation = 0.2

[model]
plugin = learner
epochs = 30
batch = 64
patience = 3
stop-on = rmse

[evaluate]
objectives = rmse
END
sed 's/^validation.*//' learner.conf >unheld.conf

check "a model without a loop of its own trains" status 0 run learner.conf --store a.db --threads 1
check "... the same on two threads" status 0 run learner.conf --store b.db --threads 2
"$fairlead" runs export --store a.db --each --format json >a.json
"$fairlead" runs export --store b.db --each --format json >b.json
check "... to the digit" same a.json b.json
"$fairlead" runs show --store a.db >shown
for words in "best epoch = " "best value = " "iterations = " "stop = "; do
  check "... noting $words" says "$words" shown
done
check "no validation part to stop on: refused" status 2 "$fairlead" check --plugin-dir plugins \
  unheld.conf
check "... naming both keys" says "\[model\] stop-on = rmse: .*'validation' in \[split\]" err
check "... unless it does not stop" status 0 "$fairlead" check --plugin-dir plugins unheld.conf \
  --set model.stop-on=
check "it says what it can" sh -c \
  "'$fairlead' inspect --plugin-dir plugins model/learner | grep -q 'capabilities.*factors.*gradient'"
check "a loss that explodes fails its cell" status 1 run learner.conf --store c.db \
  --set model.optimizer=sgd --set model.learning-rate=1e6 --set model.stop-on=
check "... by epoch and batch" says 'diverged: .* not finite in epoch [12], batch' out
[ $failed -eq 0 ]
