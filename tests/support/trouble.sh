# Sourced by the tests of `run`: a folder of its own, plugins that go wrong on request, and a
# pipeline of 2 arms x 2 sweep points x 3 repeats.
: "${FAIRLEAD_BUILD:?}"
fairlead=$FAIRLEAD_BUILD/fairlead
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 99
umask 022
mkdir plugins
cp -p "$FAIRLEAD_BUILD/tests/plugins/.libs/trouble.so" plugins/ || exit 99
chmod go-w plugins/trouble.so
export FAIRLEAD_CACHE="$folder/cache" LC_ALL=C.UTF-8
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
run ()
{
  "$fairlead" run --plugin-dir plugins "$@"
}
failed=0
# check WHAT COMMAND...
check ()
{
  what=$1
  shift
  if "$@"; then
    echo "ok: $what"
  else
    echo "NOT ok: $what"
    failed=1
  fi
}
# status N COMMAND...: its exit status is N; what it says is in `out` and `err`.
status ()
{
  expected=$1
  shift
  "$@" >out 2>err
  got=$?
  [ $got -eq "$expected" ] && return 0
  echo "  exit status $got, not $expected; it said:"
  sed 's/^/    /' out err
  return 1
}
says ()
{
  grep -q -e "$1" "$2" && return 0
  echo "  '$1' not found in $2:"
  sed 's/^/    /' "$2"
  return 1
}
same ()
{
  cmp "$1" "$2"
}
