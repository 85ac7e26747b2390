#!/bin/sh
# Every line of code knows its room: who may include what, what is exported, and
# that the host names no plugin.
set -u
: "${FAIRLEAD_SOURCE:?}" "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_CC:?}"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

# A file, since a pipeline's last command runs in a process of its own.
fail ()
{
  echo "NOT so: $1"
  : >"$scratch/failed"
}

# expect_none WHAT: the lines on standard input are violations.
expect_none ()
{
  if lines=$(cat) && [ -n "$lines" ]; then
    fail "$1"
    printf '%s\n' "$lines" | sed 's/^/    /'
  else
    echo "ok: $1"
  fi
}

cd "$FAIRLEAD_SOURCE" || exit 99

# A quoted name without a folder is a file of the plugin's own.
grep -rn --include='*.[ch]' -E '^[ 	]*#[ 	]*include' plugins |
  grep -vE 'include[ 	]*(<fairlead/[a-z]+\.h>|"[^"/]+")' |
  grep -E 'include[ 	]*("|<(core|sdk|plugins|fairlead)/)' |
  expect_none "plugins include <fairlead/...>, system headers and their own files"
grep -rn -E '^[ 	]*#[ 	]*include[ 	]*("|<(core|plugins)/)' sdk --include='*.[ch]' |
  expect_none "sdk includes nothing of core or plugins"
grep -rn -E '^[ 	]*#[ 	]*include[ 	]*[<"].*plugins/' core --include='*.[ch]' |
  expect_none "core includes nothing of plugins"
grep -n -E '^[ 	]*#[ 	]*define[ 	]+' sdk/fairlead/*.h |
  grep -vE 'define[ 	]+(FL_|FAIRLEAD_)' |
  expect_none "public headers define FL_ and FAIRLEAD_ only"

# `group`, `value` and `individual` are also words of the host's own tables.
"$FAIRLEAD_BUILD/fairlead" inspect |
  sed -nE 's,^(source|model|objective|mitigator)/([^ ]+) .*,\2,p' |
  grep -vxE 'group|value|individual' | sort -u >"$scratch/names"
[ -s "$scratch/names" ] || fail "there are plugins to look for"
sed 's/.*/"&"/' "$scratch/names" >"$scratch/literals"
grep -rnF -f "$scratch/literals" core --include='*.[ch]' |
  grep -vE '^[^:]*:[0-9]*:[ 	]*(/\*|\*)' | grep -vE '/\*.*"[^"]*".*\*/' |
  expect_none "core names no plugin ($(wc -l <"$scratch/names") looked for)"

# Each public header alone, in C and in C++.
for header in sdk/fairlead/*.h; do
  name=$(basename "$header")
  for language in c c++; do
    if [ "$language" = c++ ] &&
       ! echo | $FAIRLEAD_CC -x c++ -fsyntax-only - 2>/dev/null; then
      echo "skipped: no C++ compiler for <fairlead/$name>"
      continue
    fi
    echo "#include <fairlead/$name>" |
      $FAIRLEAD_CC -x $language -Wall -Wextra -Werror -fsyntax-only -I sdk \
        ${FAIRLEAD_CFLAGS-} - 2>&1 |
      expect_none "<fairlead/$name> compiles alone as $language"
  done
done

# exports FILE: its symbols, without those that compilers add.
exports ()
{
  nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' |
    grep -vE '^(_init|_fini|_edata|_end|__bss_start|__odr_asan.*|__asan.*|__start_.*|__stop_.*|\.gomp_critical.*)$'
}
library=$FAIRLEAD_BUILD/.libs/libfairlead.so
if [ -e "$library" ]; then
  exports "$library" | grep -v '^fl_' | expect_none "libfairlead exports fl_ only"
fi
for plugin in "$FAIRLEAD_BUILD"/plugins-built/*.so; do
  exports "$plugin" | grep -vx fairlead_plugins |
    expect_none "$(basename "$plugin") exports fairlead_plugins only"
  exports "$plugin" | grep -qx fairlead_plugins || fail "$plugin is a plugin"
done
[ ! -e "$scratch/failed" ]
