# What a host remembers of who made what. Two files of $STATE:
#   managed   one line for each resource of this inventory, in execution order, as of the last change that began here:
#             M|identity|service|flags|keepsake|request line, encoded once more. Flags: d (data), s (secrets), or -
#             V|service|module|version|parameters that can never change, as lines NAME=JSON
#   ledger    O|identity|begun|revision before the resource is made, then O|identity|made|revision; adopted by people;
#             O|identity|gone once it was taken away. The last line about an identity counts.
# So a run that is cut off at any point leaves at most something that Steward made and does not count as its own. It never
# counts as its own what it did not make.

# ---- for a look

# The lines of the request: "whole" or "part", then the identities that are declared. Prints what is left over:
#   D|digest of managed     B|identity (begun)      N|identity (there may be one, but it is not Steward's own)
#   L|identity|service|flags|keepsake|none, made or adopted|revision      K|kind|what it was asked about these
#   Q|kind|base64 of its answer
#   V|service|module|version|parameters, as they stand in the list
#   C|inventory|name|identity: another inventory manages it, too
probe_owned() {
  asked=$(cat)
  for file in managed ledger; do
    if [ -e "$RECORDS/$file" ] && [ ! -r "$RECORDS/$file" ]; then echo "U|$RECORDS/$file cannot be read"; return 0; fi
  done
  if [ -e "$RECORDS/managed" ]; then
    sum=$(sha256sum <"$RECORDS/managed")
    echo "D|${sum%% *}"
  fi
  said=$(
    {
      printf '%s\n|\n' "$asked"
      [ ! -r "$RECORDS/managed" ] || cat -- "$RECORDS/managed"
      printf '\n|\n'
      [ ! -r "$RECORDS/ledger" ] || cat -- "$RECORDS/ledger"
    } | awk -F'|' '
      !part { if ($0 == "|") part = 1; else if (NR == 1) whole = ($0 == "whole"); else { asked[$0]; order[++count] = $0 } next }
      part == 1 && $1 == "V" && NF == 5 { print; next }
      part == 1 { if ($0 == "|") part = 2; else if ($1 == "M" && NF == 6 && whole && !($2 in asked) && !($2 in left)) { left[$2]; line[++lines] = $0 } next }
      $1 != "O" { next }
      NF == 4 && ($3 == "begun" || $3 == "made" || $3 == "adopted") { own[$2] = $3 "|" $4 }
      NF == 3 && $3 == "gone" { delete own[$2] }
      END {
        for (i = 1; i <= count; i++) {
          if (own[order[i]] ~ /^begun/) print "B|" order[i]
          else if (!own[order[i]]) print "N|" order[i]
        }
        for (i = 1; i <= lines; i++) {
          split(line[i], field, "|")
          is = own[field[2]]
          print "L|" field[2] "|" field[3] "|" field[4] "|" field[5] "|" (is == "" || is ~ /^begun/ ? "none|" : is)
          if (field[6] != "") print "K|" substr(field[2], 1, index(field[2], ":") - 1) "|" field[6]
        }
      }'
  )
  [ -z "$said" ] || printf '%s\n' "$said"
  kinds=
  case $said in *'K|'*) kinds=$(printf '%s\n' "$said" | sed -n 's/^K|\([a-z_]*\)|.*/\1/p' | sort -u) ;; esac
  for kind in $kinds; do
    # no kind, or one that takes nothing back
    case $kind in facts | debts | ledger | owned | access | command) continue ;; esac
    decode "$(printf '%s\n' "$said" | awk -F'|' -v kind="$kind" '$1 == "K" && $2 == kind { print $3 }')"
    printf 'Q|%s|' "$kind"
    printf '%s\n' "$D" | probe "$kind" 2>/dev/null | base64 | tr -d '\n'
    echo
  done
  for other in "${RECORDS%/*}"/*/managed; do
    if [ "$other" = "$RECORDS/managed" ] || [ ! -r "$other" ]; then continue; fi
    inventory=${other%/managed}
    {
      printf '%s\n' "$asked" | sed 1d
      printf '%s\n' "$said" | sed -n 's/^L|\([^|]*\)|.*/\1/p'
      echo '|'
      cat -- "$other"
    } | awk -F'|' -v inventory="${inventory##*/}" '
      !part { if ($0 == "|") part = 1; else mine[$0]; next }
      $1 == "steward-managed 1" { name = $2 }
      $1 == "M" && ($2 in mine) { print "C|" inventory "|" name "|" $2 }'
  done
}

# ---- for a change

# records FILE whole|part: what this inventory manages here, on disk before the first change. A part adds to what is known.
records() {
  # half a line that a power cut left must not begin another one
  if [ -s "$STATE/ledger" ] && [ -n "$(tail -c 1 "$STATE/ledger")" ]; then echo >>"$STATE/ledger"; fi
  new=$RUN/managed
  if [ "$2" = part ] && [ -e "$STATE/managed" ]; then
    awk -F'|' '
      FNR == 1 { file++ }
      { key = $1 "|" $2 }
      file == 1 { if ($1 == "M" || $1 == "V") { new[key] = $0; order[++count] = key } else print; next }
      $1 != "M" && $1 != "V" { next }
      key in new { print new[key]; delete new[key]; next }
      { print }
      END { for (i = 1; i <= count; i++) if (order[i] in new) print new[order[i]] }' "$1" "$STATE/managed" >"$new"
  else
    cat -- "$1" >"$new"
  fi
  cmp -s -- "$new" "$STATE/managed" || records_put "$new"
}

records_put() {
  if ! cp -- "$1" "$STATE/managed.new" || ! mv -f -- "$STATE/managed.new" "$STATE/managed"; then
    rm -f -- "$STATE/managed.new"
    emit "refused $(echo "there is no room in $STATE to note what is managed here" | base64 | tr -d '\n')"
    finish aborted
  fi
  sync -f "$STATE" 2>/dev/null || sync
}

# own STATE IDENTITY: made, adopted or gone; what was found out by the look.
own() {
  if [ "$1" = gone ]; then note "O|$2|gone"; else note "O|$2|$1|$REVISION"; fi
}

# owning IDENTITY FIRST: what the next step may make; FIRST: it was not there, and others may bring it during this change.
owning() {
  OWNING=${OWNING:+"$OWNING
"}$1
  [ -z "$2" ] || FIRST=${FIRST:+"$FIRST
"}$1
}

# leaving IDENTITY: what the next step takes away.
leaving() { LEAVES=$1; }

# A kind says this right before it makes what was not there.
creates() {
  [ -n "${OWNING:-}" ] || return 0
  printf '%s\n' "$OWNING" | while IFS= read -r identity; do note "O|$identity|begun|$REVISION"; done
  : >"$RUN/creating"
}

# After a step, with its exit status.
stepped() {
  case $1 in
    0 | 90)
      if [ -e "$RUN/creating" ]; then FIRST=$OWNING; fi
      [ -z "${FIRST:-}" ] || printf '%s\n' "$FIRST" | while IFS= read -r identity; do own made "$identity"; done
      [ -z "${LEAVES:-}" ] || afterwards "O|$LEAVES|gone"
      ;;
  esac
  rm -f "$RUN/creating"
  OWNING='' FIRST='' LEAVES=''
}

# afterwards LINE: a line for the ledger, once it is certain that what this step took away is not put back.
afterwards() { printf '%s\n' "$1" >>"$RUN/retired.$STEP"; }

# At the end: what was taken away is managed no longer.
records_end() {
  for lines in "$RUN"/retired.*; do
    [ -e "$lines" ] || continue
    # what waits for its confirmation may be put back yet: nothing of it is forgotten before
    if is_pending "$ID"; then
      cat -- "$lines" >>"$BASE/pending/gone"
      continue
    fi
    cat -- "$lines" >>"$STATE/ledger"
    cat -- "$lines" >>"$RUN/gone"
    : >"$RUN/noted"
  done
  [ -s "$RUN/gone" ] || return 0
  sed -n 's/^S|\([^|]*\)|gone$/\1/p' "$RUN/gone" | while IFS= read -r identity; do
    copy=$(printf %s "$identity" | sha256sum)
    rm -f -- "$STATE/redacted/${copy%% *}"
  done
  { cat -- "$RUN/gone"; echo '|'; cat -- "$STATE/managed"; } | awk -F'|' '
    !file { if ($0 == "|") file = 1; else if ($1 == "O") gone[$2]; next }
    $1 == "M" { had[$3]; if ($2 in gone) next; has[$3] }
    { line[++count] = $0 }
    END {
      for (i = 1; i <= count; i++) {
        # a service of which nothing is left is not remembered either
        split(line[i], field, "|")
        if (!(field[1] == "V" && (field[2] in had) && !(field[2] in has))) print line[i]
      }
    }' >"$RUN/managed"
  records_put "$RUN/managed"
}

# archive_place NAME: sets `place` to a path of the archive that nothing has yet, and notes what the name was.
archive_place() {
  # shellcheck disable=SC2174
  mkdir -p -m 700 "$BASE/archive" "$BASE/archive/$ID"
  # names may hold anything, and be long
  name=$(printf '%s' "${1##*/}" | tr -c 'A-Za-z0-9._-' _ | cut -c 1-100)
  number=1
  while [ -e "$BASE/archive/$ID/$number.$name" ]; do number=$((number + 1)); done
  place=$BASE/archive/$ID/$number.$name
  printf '%s' "$1" >"$place.was"
}

# archive PATH: moves it to a place of its own. What is in another file system is copied, written out, and only then
# deleted; a run that is cut off leaves the original, or both.
archive() {
  refuse_mounts "$1"
  archive_place "$1"
  if [ "$(stat -c %d -- "$1")" = "$(stat -c %d -- "$BASE/archive/$ID")" ]; then
    mv -- "$1" "$place"
  else
    cp -pPR -- "$1" "$place.part"
    sync -f "$place.part" 2>/dev/null || sync
    mv -- "$place.part" "$place"
    rm -rf -- "$1"
  fi
}

# destroy PATH: a directory with all that is in it.
destroy() {
  refuse_mounts "$1"
  rm -rf -- "$1"
}

# Another file system that is mounted below would be moved or emptied, too.
refuse_mounts() {
  while read -r _ mounted _; do
    # blanks are \040 there
    decode "$(printf '%s' "$mounted" | sed 's/\\/\\0/g')"
    case $D in
      "$1" | "$1"/*)
        echo "$mounted is mounted there; unmount it, or take it away by hand"
        exit 1
        ;;
    esac
  done </proc/self/mounts
}
