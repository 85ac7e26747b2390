#!/bin/sh
# Models trained by gradients in a pipeline: the host's loop, what it refuses, and
# the notes it leaves.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/trouble.sh"
specimens learner

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

# Killed in the middle of a training, after so many of about 200 steps, a run goes on to
# the same bytes.
sed -e 's/^epochs.*/epochs = 40/' -e 's/^stop-on.*//' -e '/^patience/a\
trap = trap' learner.conf >long.conf
both ()
{
  "$fairlead" runs export --store "$1" --each --format json >"$2"
}
# killed_after STEPS SETTING...
killed_after ()
{
  steps=$1
  shift
  rm -f killed.db calm.db
  check "[$*] undisturbed" status 0 run long.conf --store calm.db --checkpoint 0 "$@"
  check "... keeps no checkpoint" test ! -e calm.db.partial
  echo "$steps" >trap
  check "... killed after $steps steps" status 1 run long.conf --store killed.db --checkpoint 0 "$@"
  check "... has sprung the trap" test ! -e trap
  [ "$steps" -eq 1 ] || check "... leaves a checkpoint" test -n "$(ls killed.db.partial)"
  # Whoever began again would be caught again.
  [ "$steps" -eq 1 ] || echo 130 >trap
  check "... resumes" status 0 run long.conf --store killed.db --resume "$@"
  rm -f trap
  both calm.db calm
  both killed.db killed
  check "... to the same bytes" same calm killed
  check "... and leaves nothing" test ! -e killed.db.partial
}
killed_after 1
killed_after 140
killed_after 195 --set model.stop-on=rmse --set model.patience=40
killed_after 310 --set model.optimizer=adagrad --set model.loss=bce

# A checkpoint that is damaged, or another training's, is passed over.
rm -f killed.db calm.db
echo 100 >trap
check "killed once more" status 1 run long.conf --store killed.db --checkpoint 0
file=$(ls killed.db.partial/*)
case $file in *.0) ;; *) check "one checkpoint: $file" false ;; esac
cp "$file" whole
dd if=/dev/zero of="$file" bs=1 seek=1000 count=4 conv=notrunc 2>/dev/null
check "a damaged checkpoint" status 0 run long.conf --store killed.db --resume
"$fairlead" runs show --store killed.db >shown
check "... is passed over, and said so" says 'checkpoint = not resumed: .* is damaged' shown
"$fairlead" runs export --store killed.db >killed
"$fairlead" run --plugin-dir plugins long.conf --store calm.db --quiet >/dev/null
"$fairlead" runs export --store calm.db >calm
check "... for the same numbers" same calm killed
rm -f killed.db
echo 100 >trap
check "killed again" status 1 run long.conf --store killed.db --checkpoint 0
check "without --resume" status 0 run long.conf --store killed.db
check "... it is removed" test ! -e killed.db.partial

# Squared loss, on data that come with the program: every model comes nearer to the ratings
# that it is shown, with the same digits on two threads.
cat >ratings.conf <<END
[pipeline]
seed = 3
[data]
source = restaurant
[split]
test = 0.2
[model]
plugin = bpr-mf
loss = squared
batch = 64
learning-rate = 0.01
l2 = 0.05
[arm bpr-mf]
[arm biased]
model.biases = true
model.precision = double
[arm ncf]
model.plugin = ncf
[arm gccf]
model.plugin = gccf
[sweep]
model.epochs = 1; 60
[objective fit]
plugin = rmse
on = train
[evaluate]
objectives = rmse; fit
END
check "models are trained on ratings" status 0 run ratings.conf --store one.db --threads 1
check "... on two threads too" status 0 run ratings.conf --store two.db --threads 2
"$fairlead" runs export --store one.db >one.csv
"$fairlead" runs export --store two.db >two.csv
check "... to the digit" same one.csv two.csv
# falls ARM METRIC BY: the value after 60 epochs is below that after 1, by a factor at least.
falls ()
{
  awk -F, -v arm="$1" -v metric="$2" -v by="$3" '
    $1 == arm && $6 == metric { value[$2] = $NF; n++ }
    END { exit n != 2 || value["model.epochs=60"] * by >= value["model.epochs=1"] }' one.csv
}
for arm in bpr-mf biased ncf gccf; do
  check "... $arm fits them" falls $arm fit 1.05
done
for arm in bpr-mf biased; do
  check "... $arm foretells others" falls $arm rmse 1.5
done
"$fairlead" runs show --store one.db >shown
check "... nobody wants for negatives" sh -c '! grep -q "without negatives" shown'
for model in bpr-mf ncf gccf; do
  check "negatives that $model would not use are refused" status 2 "$fairlead" check ratings.conf \
    --set model.plugin=$model --set model.negatives=3
  check "... saying why" says 'negatives = 3: loss = squared .* has none' err
done
check "so is a loop that gccf has not" status 2 "$fairlead" check ratings.conf --arm gccf \
  --set model.plugin=gccf --set model.optimizer=stream
check "... saying why" says 'optimizer = stream: model gccf has no such loop' err
check "and decay that adam-lazy would forget" status 2 "$fairlead" check ratings.conf \
  --set model.optimizer=adam-lazy --set model.weight-decay=0.1
check "single triples have no squares" status 2 "$fairlead" check ratings.conf --arm bpr-mf \
  --set model.optimizer=stream
for setting in biases=true precision=double; do
  check "nor $setting" status 2 "$fairlead" check ratings.conf --arm bpr-mf --set model.loss=bpr \
    --set model.optimizer=stream --set model.$setting
done
check "--checkpoint is checked" status 2 run long.conf --checkpoint -1
finish
