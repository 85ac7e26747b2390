#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Every count that is known of the real data, through the command line.
# Slow only where the cache is empty.
set -u
. "${FAIRLEAD_SOURCE:?}/tests/support/script.sh"
need jq
if [ -z "${FAIRLEAD_DATA:-}" ] || [ ! -d "$FAIRLEAD_DATA" ]; then
  echo "FAIRLEAD_DATA names no folder with the data: ml-100k and ml-1m (grouplens.org), itfr-ml-1m,"
  echo "fda-ml-1m; skipped"
  exit 77
fi

# has FOLDER: whether the data are here; else says so.
has ()
{
  [ -d "$FAIRLEAD_DATA/$1" ] && return 0
  echo "skipped: $FAIRLEAD_DATA/$1 is not there"
  return 1
}
# look ARGUMENT...: what is compared next.
look ()
{
  what=$*
  "$fairlead" data info "$@" --json >info 2>err || sed 's/^/    /' err
  printf -- '-- data info %s\n' "$what" | sed "s,$FAIRLEAD_DATA,DATA,g"
}
# is WHAT EXPECTED FILTER: what jq makes of it.
is ()
{
  found=$(jq -c "def r: . * 100 | round / 100; $3" info)
  compare "$1: $found" "$2" "$found"
}
size='[.users, .items, .ratings]'
# Users, items and ratings that the filter left.
kept='.split.funnel[-1] | [.users, .items, .ratings]'
values='[.values[] | .from, .ratings]'
parts='[.split.parts[].ratings]'
users='[.split.groups.users.groups[] | .label, .n]'
items='[.split.groups.items.groups[] | .label, .n]'

# ---- MovieLens 100K --------------------------------------------------------------

if has ml-100k; then
  ml=$FAIRLEAD_DATA/ml-100k
  look movielens-100k path="$ml"
  is 'users, items, ratings' '[943,1682,100000]' "$size"
  is 'ratings by value' '[1,6110,2,11370,3,27145,4,34174,5,21201]' "$values"
  is 'age' '[7,73]' '[.attributes.users[] | select(.name == "age").values[].value | tonumber] | [min, max]'
  look movielens-100k path="$ml" users.group-by=gender
  is 'users by gender' '["F",273,"M",670]' "$users"
  look movielens-100k path="$ml" 'users.group-by=zip prefix 1'
  is 'zip codes with a digit first, with a letter' '[925,18]' \
    '[.split.groups.users.groups[] | {digit: (.label | test("[0-9]")), n}] | [(map(select(.digit).n) | add), (map(select(.digit | not).n) | add)]'
  is 'the ten digits' '10' '[.split.groups.users.groups[] | select(.label | test("[0-9]"))] | length'
fi

# ---- MovieLens 1M ----------------------------------------------------------------

if has ml-1m; then
  ml=$FAIRLEAD_DATA/ml-1m
  look movielens-1m path="$ml" users.group-by=gender
  is 'users, items, ratings' '[6040,3706,1000209]' "$size"
  is 'ratings by value' '[1,56174,2,107557,3,261197,4,348971,5,226310]' "$values"
  is 'ratings of a user, fewest and most' '[20,2314]' '.activity.users | [.min, .max]'
  is 'ratings of American Beauty' '3428' .activity.items.max
  is 'users by gender' '["F",1709,"M",4331]' "$users"
  look movielens-1m path="$ml" 'filter=ratings at-least 4'
  is 'ratings above 3' '575281' '.split.funnel[-1].ratings'

  # Yao, chapter 3.
  genres='Romance | Action | Sci-Fi | Musical | Crime'
  look movielens-1m path="$ml" "filter=items where genre in $genres; core users 51 items 51" \
    users.group-by=gender "items.group-by=genre first $genres"
  is 'users, items, ratings that the recipe keeps' '[2953,1006,436286]' "$kept"
  look movielens-1m path="$ml" "filter=items where genre in $genres; core users 51 items 51" \
    users.group-by=gender "items.group-by=genre only $genres"
  is 'users by gender' '["F",721,"M",2232]' "$users"
  is 'movies by genre' '[325,425,237,93,142]' \
    '[.split.groups.items.groups | ("Romance", "Action", "Sci-Fi", "Musical", "Crime") as $g | .[] | select(.label == $g).n]'
  order='([.split.groups.items.groups[].label]) as $l | ("Romance", "Action", "Sci-Fi", "Musical", "Crime") as $g | ($l | index($g)) as $i'
  is 'ratings per female user' '[54.79,52.01,31.19,15.04,17.45]' "[. as \$d | $order | \$d.split.crossed.ratings[0][\$i] / 721 | r]"
  is 'ratings per male user' '[36.98,82.97,50.46,10.84,23.9]' "[. as \$d | $order | \$d.split.crossed.ratings[1][\$i] / 2232 | r]"
  is 'averages by women' '[3.64,3.46,3.42,3.79,3.65]' "[. as \$d | $order | \$d.split.crossed.mean[0][\$i] | r]"
  is 'averages by men' '[3.55,3.46,3.44,3.59,3.68]' "[. as \$d | $order | \$d.split.crossed.mean[1][\$i] | r]"

  # Antidote data, section 6.1.
  look movielens-1m path="$ml" 'filter=items top 1000; users top 1000 of all'
  is 'the 1000 most rated, the 1000 most active of all' '[1000,1000,358792,35.9]' \
    '.split.funnel[-1] | [.users, .items, .ratings, (.ratings / 1000 | round / 10)]'
  is '% known of the 1000 most rated' '12.4' '.split.funnel[1] | .ratings / .users / .items * 1000 | round / 10'
  look movielens-1m path="$ml" 'filter=items top 1000; users top 1000'
  is '% known of the most active among them' '36.1' '.split.funnel[-1].ratings / 1000 | round / 10'

  # ITFR's preprocessing.
  six="Sci-Fi | Adventure | Children's | Crime | Horror | Romance"
  look movielens-1m path="$ml" "filter=items where genre exactly-one-of $six; core 5; ratings as 1"
  is 'users, items, pairs of ITFR' '[5977,1200,396207]' "$kept"
fi

# ---- ITFR's own split --------------------------------------------------------------

if has itfr-ml-1m; then
  itfr=$FAIRLEAD_DATA/itfr-ml-1m
  look tsv path="$itfr/train.tsv" validation="$itfr/valid.tsv" test="$itfr/test.tsv" rating= \
    users="$itfr/user_group.tsv" 'users-columns=user; gender' 'users-labels=0 = male; 1 = female' \
    items="$itfr/item_group.tsv" 'items-columns=item; genre' \
    "items-labels=0 = Sci-Fi; 1 = Adventure; 2 = Children's; 3 = Crime; 4 = Horror; 5 = Romance" \
    users.group-by=gender items.group-by=genre
  is 'users, items, pairs' '[5977,1200,396207]' "$size"
  is 'train, validation, test' '[276577,40232,79398]' "$parts"
  is 'users in each' '[5977,5977,5977]' '[.split.parts[].users]'
  is 'items in each' '[1200,1152,1189]' '[.split.parts[].items]'
  is 'users by gender' '["female",1688,"male",4289]' "$users"
  is 'items by genre' '["Adventure",102,"Children'"'"'s",158,"Crime",164,"Horror",249,"Romance",395,"Sci-Fi",132]' \
    "$items"
  is 'train pairs of men, Sci-Fi to Romance' '[43565,23023,22875,33979,28224,53378]' \
    '.split.crossed.ratings[1] | .[5:] + .[:5]'
  is 'train pairs of women' '[9054,5822,10179,9250,7092,30136]' '.split.crossed.ratings[0] | .[5:] + .[:5]'
fi

# ---- FDA's own split ----------------------------------------------------------------

if has fda-ml-1m; then
  fda=$FAIRLEAD_DATA/fda-ml-1m
  set -- tsv path="$fda/train-derived.tsv" test="$fda/test.tsv" users="$fda/user_group.tsv" \
    'users-columns=user; gender' 'users-labels=0 = male; 1 = female'
  look "$@" users.group-by=gender
  is 'users, ratings' '[6040,1000209]' '[.users, .ratings]'
  is 'train, test' '[900188,100021]' "$parts"
  is 'users by gender' '["female",1709,"male",4331]' "$users"
  look "$@" 'filter=ratings at-least 4'
  is 'above 3 in train, in test' '[517983,57298]' "$parts"
  look tsv path="$fda/test.tsv"
  is 'test ratings by value' '[1,5686,2,10784,3,26253,4,34730,5,22568]' "$values"
fi

# ---- restaurants -----------------------------------------------------------------------

if has open-example; then
  open=$FAIRLEAD_DATA/open-example
  look tsv path="$open/ratings.tsv" header=true users="$open/users.tsv" items="$open/items.tsv"
  is 'users, items, ratings' '[138,130,1161]' "$size"
  is 'ratings by value' '[0,254,1,421,2,486]' "$values"
fi

finish
