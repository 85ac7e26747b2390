# Sourced by the tests of `run`: also plugins that go wrong on request, and a pipeline
# of 2 arms x 2 sweep points x 3 repeats.
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
specimens trouble
cat >toys.conf <<END
[pipeline]
title = Toys
seed = 7
repeats = 3

[data]
source = toy
users.group-by = side

[split]
method = random
test = 0.3

[model]
plugin = toy

[arm plain]

[arm noisy]
model.noise = 0.5

[sweep]
model.steps = 2; 5

[evaluate]
objectives = toy; rmse
END
