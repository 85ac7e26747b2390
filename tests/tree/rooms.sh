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

# A quoted name without a folder is a file of the plugin's own.  Its tests may look inside.
find plugins -name '*.[ch]' ! -path '*/tests/*' -exec grep -nH -E '^[ 	]*#[ 	]*include' {} + |
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

# Methods are called through the door alone; core/train looks at whether one is there.
grep -rnE --include='*.[ch]' -e '->(ops|augment|train|rerank|project|respond|closed_form|gradient)->[a-z_]+ \(' \
  -e '\bops->[a-z_]+ \(' -e 'plugin->(check|clear|init|inputs|check_data|needs_now) \(' core |
  grep -vE '^core/plugin/(door[a-z-]*|instance)\.c:' |
  expect_none "the methods of plugins are called in core/plugin/door*.c alone"

# ---- rooms of core -----------------------------------------------------------
#
# ROOM: those whose faces (ROOM-room.h) it includes and whose functions it calls.  Rooms
# stand in the order in which data flow, so that each names only rooms above it.
cat >"$scratch/rooms" <<'END'
base:
data/rows:     base
plugin:        base data/rows
data/reading:  base data/rows
data/dataset:  base plugin data/rows data/reading
data/shaping:  base plugin data/rows data/reading data/dataset
linalg:        base
train:         base plugin data/rows linalg
rank:          base plugin linalg
pipeline:      base plugin data/reading data/dataset data/shaping train
evaluate:      base plugin data/rows data/dataset data/shaping linalg rank
store:         base plugin evaluate
run:           base plugin data/rows data/reading data/dataset data/shaping linalg train pipeline evaluate store
report:        base evaluate store
cli:           base plugin data/rows data/dataset data/shaping linalg pipeline store run report
END

# Of two files: the table, and lines "FROM TO FILE WHAT".
cat >"$scratch/arrows.awk" <<'END'
FILENAME == ARGV[1] {
  from = substr ($1, 1, length ($1) - 1)
  for (i = 2; i <= NF; i++) {
    if (!($i in seen)) print "the table: " from " includes " $i ", which does not stand above it"
    may[from, $i] = 1
  }
  seen[from] = 1
  next
}
$1 == $2 { next }
!($1 in seen) || !($2 in seen) { print "not in the table: " $0; next }
may[$1, $2] { next }
{ print $1 " -> " $2 ": " $3 " " $4 }
END

find core -name '*.[ch]' -o -name '*.inc' | sed 's,/[^/]*$,,; s,^core/,,' | sort -u >"$scratch/folders"
sed 's/:.*//' "$scratch/rooms" | sort | diff - "$scratch/folders" |
  expect_none "every folder of core is a room of the table, and the other way about"

grep -rn --include='*.[ch]' --include='*.inc' -E '^[ 	]*#[ 	]*include[ 	]*"core/' core |
  sed -E 's,^core/([^:]*)/([^/:]*):[0-9]+:.*"core/(.*)/([^/"]*)".*,\1 \3 core/\1/\2 \4,' \
    >"$scratch/includes"
[ -s "$scratch/includes" ] || fail "core includes files of its own"
awk '$1 != $2 && $4 !~ /-room\.h$/' "$scratch/includes" |
  expect_none "a room includes nothing of another but its face"

# symbols FOLDER: FILE KIND NAME of each symbol in its objects; D defined, U used.
symbols ()
{
  find "$1" -name '*.c' ! -path '*/tests/*' | sed 's/\.c$//' | while read -r file; do
    folder=${file%/*} name=${file##*/}
    for object in "$folder/.libs/libfairlead_la-$name.o" "$folder/libfairlead_la-$name.o" \
                  "$folder/fairlead-$name.o" "$folder/.libs/$name.o"; do
      if [ -e "$FAIRLEAD_BUILD/$object" ]; then
        nm -g "$FAIRLEAD_BUILD/$object" |
          awk -v file="$file" 'NF == 2 { print file, "U", $2 } NF == 3 { print file, "D", $3 }'
        break
      fi
    done
  done
}
# calls FOLDER: FILE FILE NAME where the first calls a function of the second.
calls ()
{
  symbols "$1" >"$scratch/symbols"
  awk 'NR == FNR { if ($2 == "D") home[$3] = $1; next }
       $2 == "U" && ($3 in home) && home[$3] != $1 { print $1, home[$3], $3 }' \
    "$scratch/symbols" "$scratch/symbols" | sort -u
}
calls core >"$scratch/calls"
[ -s "$scratch/calls" ] || fail "files of core call each other"
sed -E 's,^core/([^ ]*)/([^/ ]*) core/([^ ]*)/[^/ ]* (.*),\1 \3 core/\1/\2.c \4,' \
  "$scratch/calls" >"$scratch/room-calls"

cat "$scratch/includes" "$scratch/room-calls" >"$scratch/arrows"
awk -f "$scratch/arrows.awk" "$scratch/rooms" "$scratch/arrows" |
  expect_none "rooms include and call what stands above them ($(wc -l <"$scratch/arrows") looked at)"

# tsort names the files of each circle in lines of its own.
for folder in plugins/*/*; do
  calls "$folder"
done >"$scratch/plugin-calls"
[ -s "$scratch/plugin-calls" ] || fail "files of plugins call each other"
cut -d ' ' -f 1,2 "$scratch/calls" "$scratch/plugin-calls" | sort -u |
  LC_ALL=C tsort 2>&1 >"$scratch/sorted" |
  sed -nE 's,^tsort: ((core|plugins)/.*),\1.c,p' | sort -u |
  expect_none "no files of core, or of a plugin, call each other in a circle"

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
