#!/bin/sh
# Closed loops: the first round is the arm as it would be alone; the same digits for any number
# of threads and interruptions; mitigators and sweeps; what is refused.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
cat >loop.conf <<EOF
[pipeline]
seed = 3
repeats = 2
[data]
source = block-model
n-users = 60
n-items = 90
users.group-by = gender
items.group-by = field
[split]
method = given
validation = 0.1
[model]
plugin = als-mf
rank = 2
lambda = 1
[mitigator crowd]
plugin = fit-response
liked = 0
[mitigator added]
plugin = antidote-gd
objective = polarization
budget = 0.02
steps = 2
[arm plain]
[arm antidote]
mitigators = added
[rounds]
n = 4
k = 5
hidden = test
response = crowd
[evaluate]
objectives = rmse; polarization
EOF
sed '/^\[rounds\]/,/^response/d; /^\[mitigator crowd\]/,/^liked/d' loop.conf >alone.conf
# The course of a metric over all, of the first repeat of an arm.
course () { grep "^$1,,0,3,done,$2,,$3,[a-z]*,step," each.csv | cut -d, -f 11-; }
digits () { "$fairlead" runs export --each | sort; }

check "it runs" status 0 run loop.conf --json loop.json
"$fairlead" runs export --each >each.csv
check "a course over all rounds" [ "$(course plain rmse '' | wc -l)" = 4 ]
check "... of groups" [ "$(course plain rmse 'gender=man' | wc -l)" = 4 ]
check "... of the response" [ "$(course plain fit-gap '' | wc -l)" = 4 ]
check "users' fit begins as the truth has it" [ "$(grep '^plain,,0,3,done,fit-rate,,"gender=woman,field=Fem",,step,0,1$' each.csv | wc -l)" = 1 ]
check "... and moves" [ "$(grep '^plain,,0,3,done,fit-rate,,"gender=woman,field=Fem",,step,3,1$' each.csv | wc -l)" = 0 ]
check "the metric is the last round's" [ "$(jq -c '.cells[0].metrics[] | select(.name == "rmse" and .group == null).value' loop.json)" = "$(course plain rmse '' | sed -n 's/^3,//p')" ]
digits >first.txt
check "two threads, two jobs" status 0 run loop.conf --threads 2 --jobs 2 --store other.db
"$fairlead" runs export --each --store other.db | sort >second.txt
check "... the same digits" same first.txt second.txt

check "the arms alone" status 0 run alone.conf --json alone.json
for metric in rmse polarization; do
  for arm in plain antidote; do
    check "the first round of $arm is $arm alone: $metric" [ "$(course $arm $metric '' | sed -n 's/^0,//p')" = \
      "$(jq -c ".cells[] | select(.arm == \"$arm\" and .repeat == 0).metrics[] | select(.name == \"$metric\" and .group == null).value" alone.json)" ]
  done
done

check "an arm's own number of rounds" status 0 run loop.conf --arm plain --set rounds.n=1 --json one.json
check "... one: the same as alone" [ "$(jq -c '[.cells[].metrics[] | select(.name == "rmse")]' one.json)" = \
  "$(jq -c '[.cells[] | select(.arm == "plain").metrics[] | select(.name == "rmse")]' alone.json)" ]

# ---- interrupted, and taken up again ----------------------------------------------
rm -f *.db
check "one arm first" status 0 run loop.conf --arm antidote --store part.db
check "then the rest" status 0 run loop.conf --resume --store part.db
"$fairlead" runs export --each --store part.db | sort >third.txt
check "... the same digits" same first.txt third.txt
check "another response" status 0 run loop.conf --resume --store part.db --arm plain --set crowd.dose=2
"$fairlead" runs export --each --store part.db | sort >fourth.txt
check "... is another result" [ "$(cmp first.txt fourth.txt | wc -l)" = 1 ]

# ---- responses -----------------------------------------------------------------------
{ cat loop.conf; printf '[sweep]\ncrowd.leave-below = 0; 30\n'; } >sweep.conf
check "a sweep over the response" status 0 run sweep.conf --arm plain --set crowd.patience=1 --json sweep.json
check "... providers stay" [ "$(jq -c '[.cells[] | select(.sweep["crowd.leave-below"] == 0).metrics[] | select(.name == "providers" and .group == null).value] | unique' sweep.json)" = '[1]' ]
check "... or leave" [ "$(jq -c '[.cells[] | select(.sweep["crowd.leave-below"] == 30).metrics[] | select(.name == "providers" and .group == null).value < 1] | unique' sweep.json)" = '[true]' ]
check "fit from validation ratings" status 0 run loop.conf --arm plain --set rounds.hidden=validation
check "the shown configuration" status 0 run loop.conf --show-config
check "... has the rounds" says '^\[rounds\]' out
check "... and the response" says '^\[mitigator crowd\]' out

# ---- models trained by gradients ---------------------------------------------------------
sed 's/^rank = .*//; s/^lambda = .*/epochs = 3/; s/^plugin = als-mf/plugin = bpr-mf/; s/antidote-gd/group-dro/; /^budget/d; /^steps/d; /^objective = pol/d; s/^objectives = .*/objectives = coverage\
k = 5/' loop.conf >gradient.conf
check "gradients" status 0 run gradient.conf --store gradient.db
"$fairlead" runs export --each --store gradient.db | sort >fifth.txt
check "... a course" [ "$(grep -c '^antidote,,0,3,done,coverage,5,,test,step,' fifth.txt)" = 4 ]
check "... on two threads" status 0 run gradient.conf --threads 2 --store gradient-two.db
"$fairlead" runs export --each --store gradient-two.db | sort >sixth.txt
check "... the same digits" same fifth.txt sixth.txt

# ---- refused ---------------------------------------------------------------------------
refused ()
{
  message=$1
  shift
  check "refused: $message" status 2 run "$@"
  check "... in these words" says "$message" err
}
refused 'rounds.n=0: \[rounds\] n = 0: must be from 1' loop.conf --set rounds.n=0
refused 'response = added: .antidote-gd. does not respond to lists; installed: fit-response' loop.conf --set rounds.response=added
sed 's/^response = crowd//' loop.conf >none.conf
refused '\[rounds\] response: must be given' none.conf
sed 's/^mitigators = added/mitigators = crowd/' loop.conf >arm.conf
refused 'responds to lists and mitigates nothing; name it by .response. in \[rounds\]' arm.conf
sed 's/^validation = .*//; s/^hidden = test/hidden = validation/; s/^method = given/method = random/' loop.conf >part.conf
refused 'hidden = validation: there is no such part; set .validation. in \[split\]' part.conf
refused 'needs groups of items; set .items.group-by. in \[data\]' loop.conf --set data.items.group-by= --set data.users.group-by=gender
refused 'consume: 1 numbers; must be 2' loop.conf --set crowd.consume=0.5
refused 'no arm uses .rounds.\|there is no .rounds. to set' alone.conf --set rounds.n=3
printf '[rounds]\nresponse = fit-response\n[mitigator s]\nplugin = simulator\n[arm a]\nmitigators = s\n' >nodata.conf
refused '\[rounds\]: there is no \[data\] for it' nodata.conf
check "lists longer than there are items" status 1 run loop.conf --arm plain --set rounds.k=91
finish
