#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# fairlead check: the cells and settings of a right pipeline, and for each kind of
# mistake the very message.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
specimens toys
unset NOWHERE
# No other plugins: messages list what is installed.
FAIRLEAD_PLUGIN_PATH=$folder/plugins FAIRLEAD_PLUGIN_DIR=$folder/plugins
export FAIRLEAD_PLUGIN_PATH FAIRLEAD_PLUGIN_DIR

data='[data]
source = toy-data'
model='[model]
plugin = toy-factors'
evaluate='[evaluate]
objectives = toy-error'

# broken GROUPS MESSAGE [OPTION...] < TEXT: TEXT with the named usual groups behind
# it is refused with MESSAGE and status 2, and nothing is printed.
broken ()
{
  groups=$1
  message=$2
  shift 2
  cat > p.conf
  for group in $groups; do
    eval "printf '%s\n' \"\$$group\"" >> p.conf
  done
  refused "$message" p.conf "$@"
}

# refused MESSAGE ARGUMENT...
refused ()
{
  message=$1
  shift
  "$fairlead" check "$@" > out 2> err
  status=$?
  compare "$message" "2 fairlead: $message" "$status $(cat out err)"
}

# ---- the text -----------------------------------------------------------------

broken 'model evaluate' "p.conf:1: rank = 8: comes before any [GROUP]" << 'EOF'
rank = 8
EOF
broken 'data model evaluate' "p.conf:2: [sweep: '[' without ']'" << 'EOF'
# sweeps
[sweep
EOF
broken 'data model evaluate' "p.conf:1: [arm x] # the plain one: nothing may follow ']'; a comment needs a line of its own" << 'EOF'
[arm x] # the plain one
EOF
broken 'data evaluate' "p.conf:3: rank 8: expected KEY = VALUE or [GROUP]" << 'EOF'
[model]
plugin = toy-factors
rank 8
EOF
broken 'data evaluate' "p.conf:2: ; plugin: expected KEY = VALUE or [GROUP]; comments begin with '#'" << 'EOF'
[model]
; plugin
EOF
broken 'data evaluate' "p.conf:2: [model]  = 8: a key is made of letters, digits, '-', '_' and '.'" << 'EOF'
[model]
= 8
EOF
broken 'data evaluate' "p.conf:2: [model] the rank = 8: a key is made of letters, digits, '-', '_' and '.'" << 'EOF'
[model]
the rank = 8
EOF
broken 'data evaluate' "p.conf:4: [model] rank = 9: this key is already on line 3" << 'EOF'
[model]
plugin = toy-factors
rank = 8
rank = 9
EOF
broken 'data model evaluate' "p.conf:3: [model]: this group is already on line 1" << 'EOF'
[model]
plugin = toy-factors
[model]
EOF
broken 'data model evaluate' "p.conf:2: [arm a]: this group is already on line 1" << 'EOF'
[arm a]
[ arm   a ]
EOF
broken 'data model evaluate' "p.conf:1: [modle]: unknown group; did you mean 'model'?" << 'EOF'
[modle]
EOF
broken 'data model evaluate' "p.conf:1: [xyzzy]: unknown group; known: pipeline, data, split, model, mitigator, objective, arm, sweep, evaluate, rounds, tune" << 'EOF'
[xyzzy]
EOF
broken 'model evaluate' "p.conf:1: [data here]: must be [data], without a name" << 'EOF'
[data here]
EOF
broken 'data model evaluate' "p.conf:1: [mitigator]: needs a name: [mitigator NAME]" << 'EOF'
[mitigator]
EOF
broken 'data model evaluate' "p.conf:1: [arm]: needs a name: [arm NAME]" << 'EOF'
[arm ]
EOF
broken 'data model evaluate' "p.conf:1: [mitigator a.b]: a name here is made of letters, digits, '-' and '_'" << 'EOF'
[mitigator a.b]
EOF
broken 'data model evaluate' "p.conf:1: [objective data]: 'data' is the name of a group of its own" << 'EOF'
[objective data]
EOF
broken 'data model evaluate' "p.conf:3: [objective a]: the mitigator of p.conf:1 has the same name" << 'EOF'
[mitigator a]
plugin = toy-add
[objective a]
plugin = toy-error
EOF
printf '[data]\nsource = toy\0data\n' | broken '' "p.conf:2: a zero byte; a pipeline is a text file"
printf '[data]\nsource = caf\351\n' | broken '' "p.conf:2: not UTF-8"
printf '[data]\nsource = \033[2J\n' | broken '' "p.conf:2: a control character"
printf '[data]\nsource = %05000d\n' 0 | broken '' "p.conf:2: longer than 4096 bytes"
printf '' | broken '' "p.conf: [evaluate] objectives: must be given: names of [objective NAME] groups or of plugins, separated by ';'"
printf '#\n%.0s' $(seq 600000) > long.conf
refused "long.conf: longer than 1048576 bytes; expected a pipeline file" long.conf
refused "plugins: is a folder; expected a pipeline file" plugins
refused "none.conf: No such file or directory" none.conf

# ---- keys and values ------------------------------------------------------------

broken 'data evaluate' "p.conf:3: [model] rank = 0: must be from 1 to 64" << 'EOF'
[model]
plugin = toy-factors
rank = 0
EOF
broken 'data evaluate' "p.conf:3: [model] rank = 5 # five: must be a whole number from 1 to 64; a comment needs a line of its own" << 'EOF'
[model]
plugin = toy-factors
rank = 5 # five
EOF
broken 'data evaluate' "p.conf:3: [model] lambda = nan: must be a number from 0 to 1000000" << 'EOF'
[model]
plugin = toy-factors
lambda = nan
EOF
broken 'data evaluate' "p.conf:3: [model] precision = singel: must be one of double, single; did you mean 'single'?" << 'EOF'
[model]
plugin = toy-factors
precision = singel
EOF
broken 'data evaluate' "p.conf:2: [model] rnk: unknown key; did you mean 'rank'?" << 'EOF'
[model]
rnk = 3
plugin = toy-factors
EOF
broken 'data evaluate' "p.conf:2: [model] plugin = toy-factor: no model 'toy-factor'; did you mean 'toy-factors'?" << 'EOF'
[model]
plugin = toy-factor
EOF
broken 'data evaluate' "p.conf:2: [model] plugin = toy-error: no model 'toy-error': that name is of kind objective" << 'EOF'
[model]
plugin = toy-error
EOF
broken 'data evaluate' "p.conf:2: [model] plugin = ../toys: no model '../toys'; known: toy-factors, toy-scores" << 'EOF'
[model]
plugin = ../toys
EOF
broken 'data evaluate' "p.conf:1: [model] plugin: must be given; installed: toy-factors, toy-scores" << 'EOF'
[model]
rank = 8
EOF
broken 'data evaluate' "p.conf: [model] plugin: must be given; installed: toy-factors, toy-scores" << 'EOF'
EOF
broken 'model evaluate' "p.conf: [data] source: must be given; installed: toy-data, toy-draw" << 'EOF'
EOF
broken 'model evaluate' "p.conf:3: [data] users.groupby: unknown key; did you mean 'users.group-by'?" << 'EOF'
[data]
source = toy-data
users.groupby = gender
EOF
broken 'model evaluate' "p.conf:3: [data] path = \${NOWHERE}/x: environment variable NOWHERE is not set" << 'EOF'
[data]
source = toy-data
path = ${NOWHERE}/x
EOF
broken 'data model evaluate' "p.conf:2: [split] method = randon: must be one of random, per-user, k-fold, per-user-k-fold, time, per-user-time, leave-last, given; did you mean 'random'?" << 'EOF'
[split]
method = randon
EOF
broken 'data model evaluate' "p.conf:3: [split] test = 0.5 and validation = 0.5 leave nothing to train on: they must sum to less than 1" << 'EOF'
[split]
validation = 0.5
test = 0.5
EOF
broken 'model evaluate' "p.conf:3: [data] users.group-by = age rangs 18 30: expected a rule or '*', found 'rangs'; did you mean 'ranges'? (a name with blanks needs quotes)" << 'EOF'
[data]
source = toy-data
users.group-by = age rangs 18 30
EOF
broken 'model evaluate' "p.conf:3: [data] filter = items tip 4: 'tip' cannot stand there; did you mean 'top'?" << 'EOF'
[data]
source = toy-data
filter = items tip 4
EOF
broken 'data model evaluate' "p.conf:2: [pipeline] sead: unknown key; did you mean 'seed'?" << 'EOF'
[pipeline]
sead = 1
EOF
broken 'data model evaluate' "p.conf:2: [pipeline] seed = -1: must be from 0 to 9007199254740991" << 'EOF'
[pipeline]
seed = -1
EOF
broken 'data model evaluate' "p.conf:2: [pipeline] repeats = 100001: must be from 1 to 100000" << 'EOF'
[pipeline]
repeats = 100001
EOF
broken 'data model' "p.conf:2: [evaluate] objectives = toy-error; toy-eror: no objective 'toy-eror'; did you mean 'toy-error'?" << 'EOF'
[evaluate]
objectives = toy-error; toy-eror
EOF
broken 'data model' "p.conf:4: [evaluate] objectives = fsat: no objective 'fsat'; did you mean [objective fast]?" << 'EOF'
[objective fast]
plugin = toy-error
[evaluate]
objectives = fsat
EOF
broken 'data model' "p.conf:2: [evaluate] objectives = toy-error; toy-error: 'toy-error' is there twice" << 'EOF'
[evaluate]
objectives = toy-error; toy-error
EOF
broken 'data model' "p.conf:2: [evaluate] objectives = toy-error;: element 2 is empty" << 'EOF'
[evaluate]
objectives = toy-error;
EOF
broken 'data model' "p.conf:2: [evaluate] objectives = : must not be empty" << 'EOF'
[evaluate]
objectives =
EOF
broken 'data model' "p.conf:3: [evaluate] k = 10; ten: element 2, 'ten', must be a whole number from 1 to 1000000" << 'EOF'
[evaluate]
objectives = toy-error
k = 10; ten
EOF
broken 'data model' "p.conf:3: [evaluate] k = 10; 010: '10' is there twice" << 'EOF'
[evaluate]
objectives = toy-error
k = 10; 010
EOF
broken 'data model evaluate' "p.conf:3: [objective fast] on = traim: must be one of train, validation, test; did you mean 'train'?" << 'EOF'
[objective fast]
plugin = toy-error
on = traim
EOF
broken 'data model' "p.conf:3: [objective w] on = test: 'toy-whole' is over all users and items, not over a part" << 'EOF'
[objective w]
plugin = toy-whole
on = test
[evaluate]
objectives = w
EOF
broken 'data model evaluate' "p.conf:1: [mitigator a] toy-add: low is 7, above high, which is 5" << 'EOF'
[mitigator a]
plugin = toy-add
low = 7
EOF

# ---- plugins that parameters name -------------------------------------------------

broken 'data model evaluate' "p.conf:3: [mitigator a] objective = toy-scores: no objective 'toy-scores': that name is of kind model" << 'EOF'
[mitigator a]
plugin = toy-add
objective = toy-scores
EOF
broken 'data model evaluate' "p.conf:6: [objective fast] power = 9: must be from 1 to 4" << 'EOF'
[mitigator a]
plugin = toy-add
objective = fast
[objective fast]
plugin = toy-error
power = 9
EOF
broken 'data model evaluate' "p.conf:6: [objective y] other = x: [objective x] refers back to itself" << 'EOF'
[objective x]
plugin = toy-error
other = y
[objective y]
plugin = toy-error
other = x
EOF

# ---- arms and sweeps -----------------------------------------------------------

broken 'data model evaluate' "p.conf:2: [arm a] mitigator: unknown key; did you mean 'mitigators'?" << 'EOF'
[arm a]
mitigator = b
EOF
broken 'data model evaluate' "p.conf:2: [arm a] mitigators = antidot: no mitigator 'antidot'; did you mean [mitigator antidote]?" << 'EOF'
[arm a]
mitigators = antidot
[mitigator antidote]
plugin = toy-add
EOF
broken 'data model evaluate' "p.conf:2: [arm a] model = big: no model 'big'; known: toy-factors, toy-scores" << 'EOF'
[arm a]
model = big
EOF
broken 'data model evaluate' "p.conf:2: [model] rank = 65: must be from 1 to 64" << 'EOF'
[arm a]
model.rank = 65
EOF
broken 'data model evaluate' "p.conf:2: [model] bugdet: unknown key; known: rank, lambda, precision, plugin" << 'EOF'
[arm a]
model.bugdet = 65
EOF
broken 'data model evaluate' "p.conf:2: [arm a] antidot.budget = 1: there is no 'antidot' to set; did you mean 'antidote'?" << 'EOF'
[arm a]
antidot.budget = 1
[mitigator antidote]
plugin = toy-add
EOF
broken 'data model evaluate' "p.conf:2: [arm a] antidote.budget = 1: arm 'a' does not use 'antidote'" << 'EOF'
[arm a]
antidote.budget = 1
[mitigator antidote]
plugin = toy-add
EOF
broken 'data model evaluate' "p.conf:2: [arm a] model. = 1: expected GROUP.KEY = VALUE" << 'EOF'
[arm a]
model. = 1
EOF
broken 'data model evaluate' "p.conf:2: [sweep] rank = 1; 2: expected GROUP.KEY = VALUE" << 'EOF'
[sweep]
rank = 1; 2
EOF
broken 'data model evaluate' "p.conf:2: [sweep] model.rank = 1;; 2: element 2 is empty" << 'EOF'
[sweep]
model.rank = 1;; 2
EOF
broken 'data model evaluate' "p.conf:2: [sweep] model.rank = : expected values separated by ';'" << 'EOF'
[sweep]
model.rank =
EOF
broken 'data model evaluate' "p.conf:2: [model] rank = 0: must be from 1 to 64" << 'EOF'
[sweep]
model.rank = 1; 0
EOF
broken 'data model evaluate' "p.conf:2: [sweep]: the point model.lambda = 0.1 is there twice" << 'EOF'
[sweep]
model.lambda = 0.1; 1e-1
EOF
broken 'data model evaluate' "p.conf:2: [sweep] antidote.budget = 0; 1: no arm uses 'antidote'" << 'EOF'
[sweep]
antidote.budget = 0; 1
[mitigator antidote]
plugin = toy-add
EOF
broken 'data model evaluate' "p.conf:2: [sweep] model.rank = 1; 2: every arm sets this itself" << 'EOF'
[sweep]
model.rank = 1; 2
[arm a]
model.rank = 3
EOF
broken 'data model evaluate' "p.conf:2: [sweep] pipeline.seed = 1; 2: there is no 'pipeline' to set; known: data, split, model, toy-error" << 'EOF'
[sweep]
pipeline.seed = 1; 2
EOF
broken 'data model evaluate' "p.conf: more than 100000 cells (arms x sweep points x repeats)" << 'EOF'
[pipeline]
repeats = 60000
[sweep]
model.rank = 1; 2
EOF

# ---- what cannot run -------------------------------------------------------------

broken 'data evaluate' "p.conf:4: [mitigator a] plugin = toy-add: needs user and item factors, which model 'toy-scores' has not; models that do: toy-factors" << 'EOF'
[model]
plugin = toy-scores
[mitigator a]
plugin = toy-add
[arm a]
mitigators = a
EOF
broken 'data model evaluate' "p.conf:2: [mitigator toy-closed] plugin = toy-closed: needs closed-form sweeps and derivatives through sweeps, which model 'toy-factors' has not; models that do: none installed" << 'EOF'
[arm a]
mitigators = toy-closed
EOF
broken 'data model evaluate' "p.conf:2: [mitigator toy-careful] plugin = toy-careful: selects on validation ratings; set 'validation' in [split]" << 'EOF'
[arm a]
mitigators = toy-careful
EOF
broken 'data model evaluate' "p.conf:2: [mitigator toy-careful] plugin = toy-careful: needs groups of users; set 'users.group-by' in [data]" --set split.validation=0.1 << 'EOF'
[arm a]
mitigators = toy-careful
EOF
broken 'data model evaluate' "p.conf:2: [mitigator toy-careful] plugin = toy-careful: needs groups of items; set 'items.group-by' in [data]" --set split.method=given --set data.users.group-by=age << 'EOF'
[arm a]
mitigators = toy-careful
EOF
broken 'data model' "p.conf:2: [objective toy-grouped] plugin = toy-grouped: needs groups of users; set 'users.group-by' in [data]" << 'EOF'
[evaluate]
objectives = toy-grouped
EOF
broken 'data model' "p.conf:2: [objective a] plugin = toy-grouped: needs groups of items; set 'items.group-by' in [data]" --set data.users.group-by=age << 'EOF'
[objective a]
plugin = toy-grouped
[objective b]
plugin = toy-error
other = a
[evaluate]
objectives = b
EOF
broken 'data model evaluate' "p.conf:4: [mitigator b] plugin = toy-train: takes over training, and so does [mitigator toy-train]" << 'EOF'
[arm a]
mitigators = toy-train; b
[mitigator b]
plugin = toy-train
EOF
broken 'data model' "p.conf:3: [objective fast] on = validation: there is no such part; set 'validation' in [split]" << 'EOF'
[objective fast]
plugin = toy-error
on = validation
[evaluate]
objectives = fast
EOF
broken 'data model evaluate' "p.conf:6: [objective toy-error] on = test: there is no such part; set 'test' in [split]" --set split.test=0 < /dev/null

# ---- the command line -------------------------------------------------------------

base="$data
$model
$evaluate
[arm plain]
[arm also]"
printf '%s\n' "$base" > p.conf
refused "--set model.rank=0: [model] rank = 0: must be from 1 to 64" p.conf --set model.rank=0
refused "--set model.rank: expected GROUP.KEY=VALUE" p.conf --set model.rank
refused "--set rank=3: expected GROUP.KEY = VALUE" p.conf --set rank=3
refused "--set pipeline.repeats=0: [pipeline] repeats = 0: must be from 1 to 100000" p.conf --set pipeline.repeats=0
refused "--set modle.rank=3: there is no 'modle' to set; did you mean 'model'?" p.conf --set modle.rank=3
refused "--arm plian: p.conf has no such arm; did you mean 'plain'?" p.conf --arm also --arm plian
refused "check: expected one pipeline file, found 2" p.conf p.conf
refused "check: expected one pipeline file, found 0"

# ---- right ones -------------------------------------------------------------------

cat > right.conf << 'EOF'
[pipeline]
title = Toys
seed = 2019
repeats = 2

[data]
source = toy-data
path = ${HOME}/x
[model]
plugin = toy-factors
lambda = 1e-1
[mitigator antidote]
plugin = toy-add
objective = fast

[arm plain]
[arm antidote, rank 8]
mitigators = antidote
model.rank = 8

[sweep]
antidote.budget = 0.005; 1.0e-2

[objective fast]
plugin = toy-error
on = train
[evaluate]
objectives = toy-whole; fast
k = 10; 20
EOF
"$fairlead" check right.conf --no-data > out 2> err
compare 'cells' "0
arm               antidote.budget  repeat  seed
plain             -                0       2019
plain             -                1       2020
antidote, rank 8  0.005            0       2019
antidote, rank 8  0.005            1       2020
antidote, rank 8  0.01             0       2019
antidote, rank 8  0.01             1       2020
6 cells" "$?
$(cat out err)"

"$fairlead" check right.conf --arm 'antidote, rank 8' --show-config --no-data \
  --set antidote.budget=.5 --set pipeline.repeats=1 --set evaluate.k=5 > out 2> err
compare 'settings and where they come from' "0
# arm antidote, rank 8
[data]
  source = toy-data                       # right.conf:7
  path = \${HOME}/x                        # right.conf:8
  n = 3                                   # default
  bad-lines = stop                        # default
  duplicates = error                      # default
  filter =                                # default
  users.group-by =                        # default
  items.group-by =                        # default
  users.compare-at-least = 1              # default
  users.compare-unknown = true            # default
  items.compare-at-least = 1              # default
  items.compare-unknown = true            # default
[split]
  method = random                         # default
  test = 0.2                              # default
  validation = 0                          # default
  folds = 5                               # default
  last = 1                                # default
  validation-last = 0                     # default
  every-user = false                      # default
  cold = keep                             # default
  judge = test                            # default
  judge-fold = 1                          # default
  judge-folds = 5                         # default
[model]
  plugin = toy-factors                    # right.conf:10
  rank = 8                                # right.conf:19
  lambda = 0.1                            # right.conf:11
  precision = double                      # default
[mitigator antidote]
  plugin = toy-add                        # right.conf:13
  budget = 0.5                            # --set antidote.budget=.5
  low = 1                                 # default
  high = 5                                # default
  loud = false                            # default
  objective = fast                        # right.conf:14
[objective toy-whole]
  plugin = toy-whole                      # right.conf:28
  power = 2                               # default
  weights = 1; 2.5                        # default
  other =                                 # default
[objective fast]
  plugin = toy-error                      # right.conf:25
  power = 2                               # default
  weights = 1; 2.5                        # default
  other =                                 # default
  on = train                              # right.conf:26
[evaluate]
  objectives = toy-whole; fast            # right.conf:28
  k = 5                                   # --set evaluate.k=5

arm               repeat  seed
antidote, rank 8  0       2019
1 cell" "$?
$(cat out err)"

printf '\357\273\277[data]\r\nsource = toy-data\r\n\r\n  [model]\r\nplugin = toy-factors\r\n[evaluate]\r\nobjectives=toy-error' > dos.conf
"$fairlead" check dos.conf --no-data > out 2>&1
compare 'a byte-order mark, CRLF, no last line end' "0 1 cell" "$? $(tail -1 out)"

printf '[objective spare]\nplugin = toy-error\n[model]\nplugin = toy-factors\n[arm a]\nmodel = toy-scores\n%s\n%s\n' \
  "$data" "$evaluate" > spare.conf
"$fairlead" check spare.conf --no-data > out 2> err
compare 'groups that no arm uses' "0
fairlead: warning: no arm uses [objective spare]
fairlead: warning: no arm uses [model]" "$?
$(cat err)"

# ---- with the data ---------------------------------------------------------------

"$fairlead" check dos.conf > out 2> err
compare 'the audit' "0
audit
ok       no pair of user and item is in two parts: 9 ratings compared" "$?
$(sed -n '/^audit/,/parts/p' out)"
printf '[data]\nsource = toy-data\nusers.group-by = sied\n%s\n%s\n' "$model" "$evaluate" > sied.conf
"$fairlead" check sied.conf > out 2> err
compare 'what only the data show' "2 fairlead: sied.conf:3: [data] users.group-by = sied: no such attribute" \
  "$? $(sed 's/attribute: .*/attribute/' err)"

finish
