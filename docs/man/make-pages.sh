#!/bin/sh
# make-pages.sh FAIRLEAD SOURCE PLUGINS PLUGINDIR OUT: writes fairlead.1,
# fairlead-data.1 and a page for every plugin in the folder PLUGINS into the new
# folder OUT.
set -eu
fairlead=$1 source=$2 plugins=$3 plugindir=$4 out=$5
here=$source/docs/man
# These plugins and no others.
export LC_ALL=C FAIRLEAD_PLUGIN_PATH= FAIRLEAD_PLUGIN_DIR="$plugins" XDG_DATA_HOME=/nonexistent
rm -rf "$out" "$out.tmp"
mkdir "$out.tmp"

# escape: standard input as it stands, for roff.
escape ()
{
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
}

# help WORD...: what --help says behind "Usage:".
help ()
{
  # The C locale has no ellipsis.
  "$fairlead" "$@" --help | sed -e 1d -e '2s/^ *//' -e 's/OPTION?/OPTION.../'
}

version=$("$fairlead" --version | sed 's/.* //')
commands=$("$fairlead" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
for command in $commands; do
  printf '.SS %s\n.EX\n' "$command" | sed 's/-/\\-/g'
  if [ "$command" = data ]; then
    help data | sed '/^FILE /,$d'
    echo 'fairlead-data(1) has the rest.'
  else
    help "$command"
  fi | escape
  echo ".EE"
done >"$out.tmp/commands"

# A page of its own for a command that has commands.
actions=$(help data | sed -n '/^Actions/,/^$/s/^  \([a-z]*\) .*/\1/p')
{
  printf '.\\" SPDX-License-Identifier: LGPL-3.0-or-later\n'
  printf '.TH FAIRLEAD-DATA 1 "" "fairlead %s" "User Commands"\n.SH NAME\n' "$version"
  printf 'fairlead\\-data \\- %s\n.SH SYNOPSIS\n' "$(help data | sed -n 3p)"
  printf '.B fairlead data\n.I ACTION\n.IR FILE | SOURCE\n.RI [ KEY=VALUE ...]\n'
  printf '.RI [ OPTION ...]\n.SH DESCRIPTION\n.EX\n'
  help data | sed -e 1,4d -e '/^`fairlead data ACTION/d' | escape
  echo '.EE'
  for action in $actions; do
    printf '.SH %s\n.EX\n' "$(echo "$action" | tr '[:lower:]' '[:upper:]')"
    help data "$action" | sed '/^FILE /,$d' | escape
    echo '.EE'
  done
  printf '.SH SEE ALSO\n.BR fairlead (1)\n'
} >"$out.tmp/fairlead-data.1"

names=$("$fairlead" inspect |
  sed -nE 's,^((source|model|objective|mitigator)/[^ ]+) .*,\1,p')
for name in $names; do
  kind=${name%%/*} base=${name#*/}
  page=fairlead-$kind-$base
  prose=$(find "$source/plugins/${kind}s" -name "$base.md" | sort | head -n 1)
  "$fairlead" inspect "$name" --man ${prose:+--prose="$prose"} >"$out.tmp/$page.7"
  echo ".BR $page (7),"
done | sed '$s/,$//' | sed 's/-/\\-/g' >"$out.tmp/plugins"

sed -e "s|@VERSION@|$version|" -e "s|@PLUGINDIR@|$plugindir|" \
  -e "/^@COMMANDS@$/{r $out.tmp/commands" -e 'd;}' \
  -e "/^@PLUGINS@$/{r $out.tmp/plugins" -e 'd;}' "$here/fairlead.1.in" >"$out.tmp/fairlead.1"
rm "$out.tmp/commands" "$out.tmp/plugins"
mv "$out.tmp" "$out"
