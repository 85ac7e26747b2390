#!/bin/sh
# The plugin author's chapter, followed to the letter against an installed copy:
# its C listing is built out of tree, inspected, and run by its pipeline.
set -eu
: "${FAIRLEAD_BUILD:?}" "${FAIRLEAD_SOURCE:?}"
doc=$FAIRLEAD_SOURCE/docs/plugin-author.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# listing LANGUAGE N: the N-th fenced block of that language.
listing() {
  awk -v language="$1" -v wanted="$2" '
    $0 == "```" { inside = 0 }
    inside { print }
    $0 == "```" language && ++n == wanted { inside = 1 }' "$doc"
}
# section LANGUAGE HEADING: the first one below that heading.
section() {
  awk -v language="$1" -v heading="## $2" '
    $0 == "```" { inside = 0; if (done) exit }
    inside { print }
    $0 == heading { below = 1 }
    $0 == "```" language && below { inside = done = 1 }' "$doc"
}

MAKEFLAGS= make -s -C "$FAIRLEAD_BUILD" install DESTDIR="$work/root" >install.log 2>&1 || {
  cat install.log
  exit 1
}
pc=$(find "$work/root" -name fairlead.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
sed -i "s|^prefix=.*|prefix=$work/root$prefix|" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
libdir=$(dirname "$PKG_CONFIG_PATH")
LD_LIBRARY_PATH=${PKG_CONFIG_PATH%%/pkgconfig*}
PATH=$work/root$prefix/bin:$PATH
FAIRLEAD_PLUGIN_PATH=$(PKG_CONFIG_PATH=$PKG_CONFIG_PATH pkg-config --variable=plugindir fairlead)
export PKG_CONFIG_PATH LD_LIBRARY_PATH PATH FAIRLEAD_PLUGIN_PATH

echo "plugins and nothing else lie where plugins are installed:"
find "$FAIRLEAD_PLUGIN_PATH" ! -name '*.so' ! -type d >other
cat other
[ ! -s other ]

umask 022
listing c 1 >tail-error.c
listing ini 1 >tail.conf
listing sh 1 >build.sh
listing sh 2 >run.sh
listing c 2 >slips.c
listing sh 3 >slips.sh
[ -s tail-error.c ] && [ -s tail.conf ] && [ -s build.sh ] && [ -s run.sh ] && [ -s slips.c ] && [ -s slips.sh ]

CFLAGS=$(sed -n 's/^FL_SANITIZE = //p' "$FAIRLEAD_BUILD/Makefile")
[ -z "$CFLAGS" ] || { echo "sanitizer build: a plugin built without is not loaded; skipped"; exit 77; }
sh -eu build.sh | tee inspect.out
grep -q 'tail-error' inspect.out && grep -q 'share' inspect.out
sh -eu run.sh | tee run.out
grep -q 'tail' run.out
grep -q 'lambda 4' run.out

FAIRLEAD_CACHE=$work/cache
export FAIRLEAD_CACHE
sh -eu slips.sh | tee slips.out
grep -q 'users  *3' slips.out && grep -q 'Rome  *2  *2' slips.out

echo "the loop of the host stands here as it stands in its file:"
section c "Training" >loop.c
[ -s loop.c ] && awk 'NR == FNR { text = text $0 "\n"; next } { loop = loop $0 "\n" }
  END { exit index (text, loop) == 0 }' "$FAIRLEAD_SOURCE/core/train/default.c" loop.c

echo "the loop of a mitigator stands here as it stands in its plugin:"
section c "A mitigator that takes over training" >loop.c
[ -s loop.c ] && awk 'NR == FNR { here[$0] = 1; next } !($0 in here) { print; exit 1 }' \
  "$FAIRLEAD_SOURCE/plugins/mitigators/group-dro/group-dro.c" loop.c

echo "a bad slip is refused by file, line and text:"
echo 'Heat;bob;6' >>slips.txt
if fairlead data info slips path=slips.txt --plugin-dir plugins 2>wrong.err; then exit 1; fi
cat wrong.err
grep -q 'slips.txt:5: .*Heat;bob;6' wrong.err

echo "a share out of range is refused by file and line:"
sed 's/^share = .*/share = 2/' tail.conf >wrong.conf
if fairlead run wrong.conf --plugin-dir plugins 2>wrong.err; then exit 1; fi
cat wrong.err
grep -q 'wrong.conf:25: \[objective tail\] share = 2: must be from 0.001 to 1' wrong.err
