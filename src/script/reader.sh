# The program that a reader key runs, as root, by sudo: the same probe, for less. Whoever holds the key may send anything, so:
#   - it answers only for lines of $RECORDS/readable, which an apply wrote after all was as it should be; as often as they stand there
#   - a digest is told, and a content shown, only if it stands there too (or was last written by Steward): what anybody put on the
#     host by hand stays unknown, and cannot be guessed by comparing
#   - of a file with secrets: only whether it is as it was last applied, by a digest under keys of the host. No size, no comparing
#   - guards are not run; nobody hears who can get in; nothing is written
#
# The request: "steward-read 1 NONCE PROGRAM READABLE INVENTORY", the digests of the program and of the list that the operator's
# side knows, then a line "KIND|field|…" for each resource, to the end of file. The section "reader" of the answer says
#   program|version   this is the program of another Steward, and nothing else is answered
#   closed|why        nothing is answered
#   readable|same     the list is the one that was named; else: other
#   refused|N         nothing is answered for line N, counted from 0
#
# Lines of the list: "?KIND|field|…" with # for a digest before a path; "=" and a digest, or a line of authorized_keys.

# Lines with a digest on standard input, as digest_paths and sha256sum print them. Zeros take the place of what may not be told.
known_sums() {
  awk -v readable="$RECORDS/readable" -v ledger="$RECORDS/ledger" '
    BEGIN {
      while ((getline line < readable) > 0) if (substr(line, 1, 1) == "=") known[substr(line, 2)]
      while ((getline line < ledger) > 0) if (split(line, field, "|") >= 3 && field[1] == "F") known[field[3]]
      for (i = 0; i < 64; i++) zeros = zeros "0"
    }
    {
      at = /^H\|/ ? 3 : /^\\/ ? 2 : 1
      sum = substr($0, at, 64)
      if (length(sum) == 64 && sum !~ /[^0-9a-f]/ && !(sum in known)) $0 = substr($0, 1, at - 1) zeros substr($0, at + 64)
      print
    }'
}

is_known() { [ "$(printf 'H|%s|\n' "$1" | known_sums)" = "H|$1|" ]; }

# Lines "K|file|line of keys". Values of options of an undeclared key may be anything.
known_keys() {
  awk -v readable="$RECORDS/readable" '
    BEGIN { while ((getline line < readable) > 0) if (substr(line, 1, 1) == "=") known[substr(line, 2)] }
    {
      line = substr($0, 3)
      line = substr(line, index(line, "|") + 1)
      if (!(line in known) && index(line, "\"")) {
        head = substr($0, 1, length($0) - length(line))
        gsub(/\\"/, "", line)
        pieces = split(line, piece, "\"")
        $0 = head piece[1]
        # every second piece stands in quotes, the last one too if its quote is missing
        for (i = 2; i <= pieces; i++) $0 = $0 "\"" (i % 2 ? piece[i] : "(withheld)")
      }
      print
    }'
}

known_lines() { sed 's/.*/(withheld)/'; }

# What is digested is what is shown: the file may be another one a moment later.
show_paths() {
  left=1048576
  while IFS= read -r path; do
    [ -n "$path" ] || continue
    decode "$path"
    if [ ! -f "$D" ] || [ -L "$D" ]; then continue; fi
    text=$(head -c 65537 2>/dev/null <"$D" | base64 | tr -d '\n')
    size=$(printf %s "$text" | base64 -d | wc -c)
    if [ "$size" -gt 65536 ] || [ "$size" -gt "$left" ]; then continue; fi
    sum=$(printf %s "$text" | base64 -d | sha256sum)
    is_known "${sum%% *}" || continue
    left=$((left - size))
    printf 'C|%s|%s\n' "$path" "$text"
  done
}

# The request lines of one kind in $1, its answer on standard input: without the sizes of files with secrets.
reader_hides() {
  { printf '%s\n|\n' "$1"; cat; } | awk -F'|' '
    !answers { if ($0 == "|") answers = 1; else if ($3 == "sealed") sealed[$2]; next }
    $1 == "S" && NF == 8 && ($8 in sealed) { print "S|" $2 "|" $3 "|" $4 "|" $5 "|" $6 "|0|" $8; next }
    { print }'
}

# The lines of the request on standard input. Prints + and the line if it may be answered, else - and its number.
reader_judges() {
  awk -F'|' -v readable="$RECORDS/readable" '
    function is_digest(text) { return length(text) == 64 && text !~ /[^0-9a-f]/ }
    function as_listed(   i, line) {
      line = $1
      for (i = 2; i <= NF; i++)
        line = line "|" ((i < NF && $(i + 1) ~ /^\// && (is_digest($i) || (i == 2 && $i == ""))) ? "#" : $i)
      return line
    }
    BEGIN { while ((getline line < readable) > 0) if (substr(line, 1, 1) == "?") may[substr(line, 2)]++ }
    NR == 1 { next }
    {
      line = as_listed()
      if ((line in may) && ++used[line] <= may[line]) print "+" $0
      else print "-" (NR - 2)
    }'
}

# One look at a time: many would be a burden. The lock is on the program itself, so that nothing is written.
reader_waits() {
  command -v flock >/dev/null 2>&1 || return 0
  exec 9<"$0" || return 0
  waited=0
  until flock -n 9; do
    [ "$waited" -lt 20 ] || return 1
    sleep 1
    waited=$((waited + 1))
  done
}

reader_section() {
  printf '\n@%s begin %s\n' "$NONCE" "$1"
  cat
  printf '\n@%s end %s\n' "$NONCE" "$1"
}

reader_done() { printf '\n@%s done\n' "$NONCE"; }

# At most so many bytes of standard input, for 30 s, and a point after them, so that no newline at the end is lost. Bytes that
# no request has become DEL.
reader_listens() {
  if command -v timeout >/dev/null 2>&1; then timeout 30 head -c "$1"; else head -c "$1"; fi | tr -c '\n -~' '\177'
  echo .
}

reader_main() {
  LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  export LC_ALL PATH
  umask 077
  cd / || return 1
  limit=4194304
  request=$(reader_listens $((limit + 1)))
  request=${request%.}
  newline=$(printf '\n.')
  newline=${newline%.}
  header=${request%%"$newline"*}
  case $header in *[!0-9a-z\ -]*) return 1 ;; esac
  # shellcheck disable=SC2086
  set -- $header
  if [ $# -ne 6 ] || [ "$1 $2" != 'steward-read 1' ]; then return 1; fi
  for word in "$3" "$4" "$5" "$6"; do
    case $word in *[!0-9a-f]*) return 1 ;; esac
    if [ ${#word} -lt 16 ] || [ ${#word} -gt 64 ]; then return 1; fi
  done
  NONCE=$3
  RECORDS=/var/lib/steward/$6
  why=
  case $request in *"$(printf '\177')"*) why='the request holds bytes that no request has' ;; esac
  if [ "${#request}" -gt "$limit" ] || [ "$(printf %s "$request" | wc -l)" -gt 100000 ]; then why='the request is too large'; fi
  if [ -L "$RECORDS/readable" ] || [ ! -f "$RECORDS/readable" ]; then why='nothing was applied completely since the reader key was set up'; fi
  if [ "$4" != "$READER_PROGRAM" ]; then
    printf 'program|%s\n' "$READER_VERSION" | reader_section reader
    reader_done
    return 0
  fi
  if [ -z "$why" ] && ! reader_waits; then why='another look takes too long'; fi
  if [ -n "$why" ]; then
    printf 'closed|%s\n' "$why" | reader_section reader
    reader_done
    return 0
  fi
  sum=$(sha256sum <"$RECORDS/readable")
  same=other
  [ "${sum%% *}" != "$5" ] || same=same
  judged=$(printf %s "$request" | reader_judges)
  { printf 'readable|%s\n' "$same"; printf '%s\n' "$judged" | sed -n 's/^-/refused|/p'; } | reader_section reader
  for kind in facts debts ledger; do probe "$kind" </dev/null 2>/dev/null | reader_section "$kind"; done
  for kind in $READER_KINDS; do
    lines=$(printf '%s\n' "$judged" | sed -n "s/^+$kind|//p")
    [ -z "$lines" ] || printf '%s\n' "$lines" | probe "$kind" 2>/dev/null | reader_hides "$lines" | reader_section "$kind"
  done
  reader_done
}
