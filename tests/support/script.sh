# Sourced by the scripts that test the program: a folder of its own to work in, and
# what is expected and compared there.  They end with `finish`.
: "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_SOURCE:?}"
fairlead=$FAIRLEAD_BUILD/fairlead
folder=$(mktemp -d) || exit 99
trap 'chmod -R u+rwx "$folder"; rm -rf "$folder"' EXIT
cd "$folder" || exit 99
umask 022
mkdir plugins || exit 99
export FAIRLEAD_CACHE="$folder/cache" LC_ALL=C.UTF-8
n=0
failed=0

finish ()
{
  echo "$n checked"
  exit $failed
}
# need COMMAND: or the test is skipped.
need ()
{
  command -v "$1" >/dev/null || { echo "$1 is not installed; skipped"; exit 77; }
}
sanitized ()
{
  grep -q '^FL_SANITIZE = .*-fsanitize' "$FAIRLEAD_BUILD/Makefile"
}
# specimens NAME...: plugins of tests/plugins, into the folder `plugins`.
specimens ()
{
  for name; do
    cp -p "$FAIRLEAD_BUILD/tests/plugins/.libs/$name.so" plugins/ &&
      chmod go-w "plugins/$name.so" || exit 99
  done
}
run ()
{
  "$fairlead" run --plugin-dir plugins "$@"
}

# check WHAT COMMAND...
check ()
{
  what=$1
  shift
  n=$((n + 1))
  if "$@"; then
    echo "ok: $what"
  else
    echo "NOT ok: $what"
    failed=1
  fi
}
# compare WHAT EXPECTED FOUND
compare ()
{
  n=$((n + 1))
  if [ "$2" = "$3" ]; then
    echo "ok: $1"
  else
    printf 'NOT ok: %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
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
# says REGEXP FILE
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
