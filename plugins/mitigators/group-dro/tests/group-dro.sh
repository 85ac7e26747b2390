#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# GroupDRO in a run: the same digits whatever the number of threads, and after being
# killed; another arm than the plain one; and what cannot be is refused, with the reason.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
need jq
specimens learner
cat >dro.conf <<END
[pipeline]
seed = 3
repeats = 2
[data]
source = restaurant
users.group-by = drink_level
items.group-by = price
[split]
test = 0.2
validation = 0.1
[model]
plugin = bpr-mf
rank = 8
epochs = 12
batch = 64
learning-rate = 0.02
stop-on = ndcg
stop-k = 10
patience = 4
[mitigator dro]
plugin = group-dro
eta = 0.1
[arm plain]
[arm crossed]
mitigators = dro
[arm users]
mitigators = dro
dro.groups = user
[arm items]
mitigators = dro
dro.groups = item
dro.missing = others
[evaluate]
objectives = ndcg; itg
k = 5; 10
END
run dro.conf --threads 1 --store one.db --json one.json >/dev/null 2>&1
check "the run ends well" [ "$(jq '[.cells[] | select(.status == "done")] | length' one.json)" = 8 ]
metrics () { jq -c "[.cells[] | select(.arm == \"$1\") | .metrics]" one.json; }
check "crossed groups train another model" [ "$(metrics crossed)" != "$(metrics plain)" ]
check "so do groups of users" [ "$(metrics users)" != "$(metrics crossed)" ]
check "so do groups of items" [ "$(metrics items)" != "$(metrics users)" ]
digits () { jq -cS '[.cells[] | [.arm, .repeat, .metrics]]' "$1"; }
notes () { "$fairlead" runs show --store "$1" | grep 'weight '; }
run dro.conf --threads 2 --store two.db --json two.json >/dev/null 2>&1
check "two threads change no digit" [ "$(digits one.json)" = "$(digits two.json)" ]
check "nor a weight, of which there are some" [ -n "$(notes one.db)" -a "$(notes one.db)" = "$(notes two.db)" ]

# The weights noted are those of the epoch that is kept: of a training that ends there.
said () { "$fairlead" runs show --store "$1" | sed -n 's/^ *crossed, repeat 0: //p' | sed 's/; /\
/g'; } # the notes of one cell, one a line
note () { said one.db | sed -n "s/^$1 = //p"; }
best=$(note 'best epoch')
check "the best epoch is not the last" [ "$best" -lt "$(note iterations)" ]
run dro.conf --arm crossed --set pipeline.repeats=1 --set model.stop-on= --set model.epochs="$best" \
  --store short.db >/dev/null 2>&1
check "its weights are noted" \
  [ "$(said one.db | grep -c '^weight ')" -gt 3 -a "$(said one.db | grep '^weight ')" = "$(said short.db | grep '^weight ')" ]

# A model that falls over after so many steps, into its second training: the run goes on
# from the weights that were there.
cat >long.conf <<END
[pipeline]
seed = 3
repeats = 2
[data]
source = toy
users.group-by = side
[split]
test = 0.2
[model]
plugin = learner
epochs = 40
batch = 64
trap = trap
[mitigator dro]
plugin = group-dro
groups = user
eta = 0.5
[arm dro]
mitigators = dro
[evaluate]
objectives = rmse
END
all () { "$fairlead" runs export --store "$1" --each --format json; notes "$1"; }
check "a long run" status 0 run long.conf --store calm.db
echo 140 >trap
check "the same, killed in the middle" status 1 run long.conf --store killed.db --checkpoint 0
check "... has sprung the trap" test ! -e trap
check "... leaves a checkpoint" test -n "$(ls killed.db.partial)"
check "... resumes" status 0 run long.conf --store killed.db --resume
all calm.db >calm
all killed.db >killed
check "... to the same bytes" same calm killed

sed '/^rank/,/^patience/d; s/^plugin = bpr-mf/plugin = als-mf/' dro.conf >als.conf
check "a model without gradients is refused" status 2 run als.conf --arm crossed
check "... and told what would do" says "needs training by gradients.*models that do: bpr-mf" err
sed '/group-by/d; /^objectives/s/; itg//' dro.conf >bare.conf
check "crossed groups without groups are refused" status 2 run bare.conf --arm crossed
check "... and told why" says "needs groups of users; set 'users.group-by'" err
sed 's/^users.group-by.*//; /^objectives/s/; itg//' dro.conf >items.conf
check "groups of items need none of users" status 0 run items.conf --arm items
check "groups of users do" status 2 run items.conf --arm users
for loss in bce squared; do
  check "$loss is refused before training" status 2 run dro.conf --arm crossed --set model.loss=$loss
  check "... and told why" says "loss = $loss: 'group-dro' trains by bpr" err
done
finish
