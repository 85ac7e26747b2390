# SPDX-License-Identifier: LGPL-3.0-or-later
# Turns ASCII text files into C strings named restaurant_NAME, NAME being the
# file's name without folder and suffix.
FNR == 1 {
  name = FILENAME
  sub(/.*\//, "", name)
  sub(/\..*/, "", name)
  if (NR > 1)
    print ";"
  print "static const char restaurant_" name "[] ="
}
{
  gsub(/\\/, "\\\\")
  gsub(/"/, "\\\"")
  gsub(/\t/, "\\t")
  print "  \"" $0 "\\n\""
}
END { print ";" }
