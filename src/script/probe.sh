# What every look at a host may use. Constant; nothing is written anywhere, and no process is started per resource
# unless its name needs it.
#
# A request line has fields separated by "|". Printable ASCII stands for itself; every other byte, "|" and "\" are
# written \0ooo. So a line without a backslash can go to tools as it is ("plain"), and the rest is decoded one by one.

# Decodes one field into D.
decode() {
  D=$(printf '%b.' "$1")
  D=${D%.}
}

# Parts the lines of $1 into PLAIN and CODED. Almost always all are plain, and no process is needed to say so.
part() {
  PLAIN=$1 CODED=
  case $1 in
    *\\*)
      # shellcheck disable=SC1003
      PLAIN=$(printf '%s\n' "$1" | grep -v -F '\' || :)
      # shellcheck disable=SC1003
      CODED=$(printf '%s\n' "$1" | grep -F '\')
      ;;
  esac
}

# Runs a command with the plain lines as arguments, in as few processes as there can be.
with_plain() { [ -z "$PLAIN" ] || printf '%s\n' "$PLAIN" | tr '\n' '\0' | xargs -0 "$@"; }

# Calls a function with each coded line.
each_coded() {
  [ -z "$CODED" ] || printf '%s\n' "$CODED" | while IFS= read -r coded; do "$1" "$coded"; done
}

# Exactly this many bytes of standard input; a pipe must not be read past them.
take() {
  [ "$1" -eq 0 ] || dd bs="$1" count=1 iflag=fullblock 2>/dev/null
}

# Paths on standard input, one a line. Prints for each of them one of
#   S|mode in hex|user|uid|group|gid|size|path      A|path (absent)      U|path|why (unknown)
stat_paths() {
  part "$(cat)"
  stats=$(
    {
      printf '%s\n|\n' "$PLAIN"
      with_plain stat -c 'S|%f|%U|%u|%G|%g|%s|%n' -- 2>&1
    } | awk '
      !answers { if ($0 == "|") answers = 1; else if ($0 != "") asked[++count] = $0; next }
      /^S\|/ { path = $0; for (i = 0; i < 7; i++) path = substr(path, index(path, "|") + 1); seen[path] = 1; print; next }
      /^stat: .*: (No such file or directory|Not a directory)$/ { gone++; next }
      /^stat: / { other++ }
      END {
        for (i = 1; i <= count; i++) if (!(asked[i] in seen)) missing++
        for (i = 1; i <= count; i++) if (!(asked[i] in seen)) print (!other && gone == missing ? "A|" : "M|") asked[i]
      }'
  )
  case $stats in
    *'M|'*)
      printf '%s\n' "$stats" | while IFS= read -r line; do
        case $line in
          'M|'*) stat_path "${line#M|}" ;;
          *) printf '%s\n' "$line" ;;
        esac
      done
      ;;
    *) printf '%s\n' "$stats" ;;
  esac
  each_coded stat_path
}

stat_path() {
  decode "$1"
  if said=$(stat -c 'S|%f|%U|%u|%G|%g|%s|' -- "$D" 2>&1); then
    printf '%s%s\n' "$said" "$1"
  else
    case $said in
      *': No such file or directory' | *': Not a directory') printf 'A|%s\n' "$1" ;;
      *) printf 'U|%s|%s\n' "$1" "$(printf '%s' "${said##*: }" | tr -c ' -~' '?' | tr '|' '?')" ;;
    esac
  fi
}

# Lines of stat_paths on standard input. Prints the paths of the regular files among them.
regular_paths() { awk -F'|' '$1 == "S" && $2 ~ /^8/ { print $8 }'; }

# Paths of regular files on standard input. Prints for each that can be read: H|sha256|path
digest_paths() {
  part "$(cat)"
  {
    with_plain sha256sum -- 2>/dev/null | sed -n 's/^\([0-9a-f]\{64\}\)  /H|\1|/p'
    each_coded digest_path
  } | known_sums
}

digest_path() {
  decode "$1"
  sum=$(sha256sum <"$D" 2>/dev/null) && printf 'H|%s|%s\n' "${sum%% *}" "$1"
}

# What a look by a reader key (`reader.sh`) may not tell of digests, lines of keys and lines of files is taken out here.
known_sums() { cat; }
known_keys() { cat; }
known_lines() { cat; }

# Lines "wanted digest|path" in $1, lines of digest_paths in $2. Prints the paths whose digest is another one.
differing_paths() {
  printf '%s\n%s\n' "$1" "$2" | awk -F'|' '
    $1 == "H" { if ($3 in wanted && wanted[$3] != $2) print $3; next }
    NF == 2 && $1 != "" { wanted[$2] = $1 }'
}

# The lines on standard input that do not stand in $1.
without() {
  { printf '%s\n|\n' "$1"; cat; } | awk '!past { if ($0 == "|") past = 1; else drop[$0]; next } !($0 in drop)'
}

# Differing paths in $1, lines of digest_paths in $2. Prints W|path for those that are as Steward last wrote them.
written_paths() {
  [ -r "$RECORDS/ledger" ] || return 0
  { printf '%s\n|\n%s\n|\n' "$1" "$2"; cat -- "$RECORDS/ledger"; } | awk -F'|' '
    !part { if ($0 == "|") part = 1; else asked[$0]; next }
    part == 1 { if ($0 == "|") part = 2; else if ($1 == "H") live[$3] = $2; next }
    $1 == "F" { last[$2] = $3 }
    END { for (path in asked) if ((path in last) && last[path] == live[path]) print "W|" path }' | sort
}

# keyed DIRECTORY PATH: the digest of a file under two keys that only this host has (NMAC: a digest of the second key and
# a digest of the first key and the file). Whoever sees it learns nothing about a content that can be guessed.
keyed() {
  inner=$(cat -- "$1/key.inner" "$2" | sha256sum)
  outer=$({ cat -- "$1/key.outer"; printf %s "${inner%% *}"; } | sha256sum)
  printf %s "${outer%% *}"
}

# The last line of the ledger about a resource with secrets, by its identity.
sealed_line() {
  [ ! -r "$RECORDS/ledger" ] || LEDGER_ID=$1 awk -F'|' '$1 == "S" && $2 == ENVIRON["LEDGER_ID"] { line = $0 } END { print line }' "$RECORDS/ledger"
}

# Lines |path|sealed|digest with nonce|identity. Prints V|path|same, differs or none: against what is wanted|the same
# against what was last applied; and C|path|base64 of the copy without secrets, unless it is as wanted.
compare_sealed() {
  while IFS='|' read -r _ path _ wanted id; do
    decode "$path"
    if [ ! -f "$D" ] || [ -L "$D" ] || [ ! -r "$D" ]; then continue; fi
    given=none kept=none
    if [ -n "$wanted" ]; then
      sum=$({ printf %s "$NONCE"; cat -- "$D"; } | sha256sum)
      given=differs
      [ "${sum%% *}" != "$wanted" ] || given=same
    fi
    line=$(sealed_line "$id")
    if [ -n "$line" ] && [ -r "$RECORDS/key.inner" ]; then
      kept=differs
      [ "${line##*|}" != "$(keyed "$RECORDS" "$D")" ] || kept=same
    fi
    printf 'V|%s|%s|%s\n' "$path" "$given" "$kept"
    [ "$given" != same ] || continue
    copy=$(printf %s "$id" | sha256sum)
    copy=$RECORDS/redacted/${copy%% *}
    if [ ! -f "$copy" ] || [ "$(wc -c <"$copy")" -gt 65536 ]; then continue; fi
    printf 'C|%s|' "$path"
    base64 <"$copy" | tr -d '\n'
    echo
  done
}

# compare_text NAME TEXT DIGEST IDENTITY: the same for a text that is in no file of its own, such as the hash of a password.
compare_text() {
  given=none kept=none
  if [ -n "$3" ]; then
    sum=$(printf %s "$NONCE$2" | sha256sum)
    given=differs
    [ "${sum%% *}" != "$3" ] || given=same
  fi
  line=$(sealed_line "$4")
  if [ -n "$line" ] && [ -r "$RECORDS/key.inner" ]; then
    kept=differs
    [ "${line##*|}" != "$(printf %s "$2" | keyed "$RECORDS" -)" ] || kept=same
  fi
  printf 'V|%s|%s|%s\n' "$1" "$given" "$kept"
}

# Paths of regular files on standard input. Prints C|path|base64 for those of at most 64 KiB, 1 MiB in all.
show_paths() {
  left=1048576
  while IFS= read -r path; do
    [ -n "$path" ] || continue
    decode "$path"
    size=$(wc -c 2>/dev/null <"$D") || continue
    if [ "$size" -gt 65536 ] || [ "$size" -gt "$left" ]; then continue; fi
    left=$((left - size))
    printf 'C|%s|' "$path"
    base64 2>/dev/null <"$D" | tr -d '\n'
    echo
  done
}

# Names of systemd units on standard input, one a line. Prints properties of all of them, or E|why.
show_units() {
  units=$(cat)
  if [ ! -d /run/systemd/system ]; then
    echo 'E|systemd does not run here'
    return 0
  fi
  decode "$units"
  [ -z "$D" ] || printf '%s\n' "$D" | tr '\n' '\0' | xargs -0 systemctl show --no-pager -p Id -p Names -p LoadState \
    -p ActiveState -p SubState -p UnitFileState -p NeedDaemonReload -- 2>&1 | sed 's/^Failed to /E|&/'
}

# Lines of stat_paths on standard input. Prints the paths of the links among them.
linked_paths() { awk -F'|' '$1 == "S" && $2 ~ /^a/ { print $8 }'; }

# Paths of links on standard input. Prints one line, T|base64 of "NONCE|path -> target" for each: targets may hold
# anything, newlines too. Busybox puts path and target in quotes.
link_targets() {
  part "$(cat)"
  [ -n "$PLAIN$CODED" ] || return 0
  printf 'T|'
  {
    with_plain env QUOTING_STYLE=literal stat -c "$NONCE|%N" --
    each_coded link_target
  } 2>/dev/null | base64 | tr -d '\n'
  echo
}

link_target() {
  decode "$1"
  QUOTING_STYLE=literal stat -c "$NONCE|%N" -- "$D"
}

# What the inventory declares about the host, to be verified.
probe_facts() {
  cat >/dev/null
  (
    ID='' VERSION_ID=''
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf 'os|%s-%s\n' "$ID" "$VERSION_ID"
  )
  printf 'architecture|%s\n' "$(uname -m)"
  printf 'uid|%s\n' "$(id -u)"
  if [ -d /run/systemd/system ]; then echo 'init|systemd'; else echo 'init|other'; fi
  # what the host is able to do, in the words of `abilities.rs`; without a process of its own
  able=
  while read -r key value _; do
    [ "$key" = CapBnd: ] || continue
    # the last 8 digits are bits 0 to 31: 25 is CAP_SYS_TIME, 30 CAP_AUDIT_CONTROL
    low=$((0x${value#????????}))
    [ $((low >> 25 & 1)) -eq 0 ] || able="$able clock"
    [ $((low >> 30 & 1)) -eq 0 ] || able="$able audit"
  done </proc/self/status 2>/dev/null
  [ ! -w /proc/sys/kernel/panic ] || able="$able kernel_sysctl"
  [ ! -w /proc/sys/net/ipv4/ip_forward ] || able="$able net_sysctl"
  [ ! -e /sys/module/wireguard ] || able="$able wireguard"
  [ ! -e /dev/loop-control ] || able="$able loop"
  [ ! -e /dev/fuse ] || able="$able fuse"
  [ ! -d /run/systemd/system ] || able="$able systemd"
  echo "able|$able"
}

# Prints D|file|first line for every reaction that is owed; W|holder if a run is at work, I if one left something behind and
# none is; P|holder if a change waits for its confirmation; B|run|holder|why if the last one was rolled back.
probe_debts() {
  cat >/dev/null
  for debt in "$RECORDS"/debts/*; do
    [ ! -f "$debt" ] || printf 'D|%s|%s\n' "${debt##*/}" "$(head -n 1 "$debt" | tr -c ' -~\n' '?')"
  done
  base=${RECORDS%/*}
  for left in "$base/holder" "$RECORDS/shred" "$RECORDS"/stage.* "$RECORDS"/run.*; do
    [ -e "$left" ] || continue
    if at_work "$base"; then printf 'W|%s\n' "$(first_line "$base/holder")"; else echo I; fi
    break
  done
  for place in pending rolling; do
    [ ! -d "$base/$place" ] || printf 'P|%s\n' "$(first_line "$base/$place/holder")"
  done
  [ ! -d "$base/rolled-back" ] ||
    printf 'B|%s|%s|%s\n' "$(first_line "$base/rolled-back/id")" "$(first_line "$base/rolled-back/holder")" "$(first_line "$base/rolled-back/why")"
}

# True if somebody has the lock in this directory.
at_work() {
  if command -v flock >/dev/null 2>&1; then
    [ -e "$1/lock" ] && ! flock -n "$1/lock" true
  else
    at_work=$(readlink "$1/lock.d") && kill -0 "${at_work%% *}" 2>/dev/null
  fi
}

first_line() { head -n 1 "$1" 2>/dev/null | tr -c ' -~\n' '?' | tr '|' '/'; }

# Prints R|revision of the last complete apply, and S|identity|stamp|ids of values for what holds secrets.
probe_ledger() {
  cat >/dev/null
  [ ! -r "$RECORDS/applied" ] || printf 'R|%s\n' "$(head -n 1 -- "$RECORDS/applied" | tr -c ' -~\n' '?')"
  program=/usr/local/lib/steward/reader
  [ ! -e "$program" ] || sha256sum "$program" /etc/sudoers.d/steward-reader /var/lib/steward-reader/.ssh/authorized_keys "$RECORDS/readable" 2>/dev/null |
    sed -n 's/^\([0-9a-f]\{64\}\)  /P|\1|/p'
  [ ! -r "$RECORDS/ledger" ] || awk -F'|' '
    $1 == "S" && NF == 5 { if (!($2 in line)) order[++count] = $2; line[$2] = "S|" $2 "|" $3 "|" $4 }
    END { for (i = 1; i <= count; i++) print line[order[i]] }' "$RECORDS/ledger"
}

# The request: "steward-request 2 NONCE RECORDS", the directory of Steward's own records, then for each section "KIND BYTES" and that many bytes, then "end 0".
probe_main() {
  IFS=' ' read -r word version NONCE RECORDS || return 1
  [ "$word $version" = 'steward-request 2' ] || return 1
  case $NONCE in '' | *[!0-9a-f]*) return 1 ;; esac
  decode "$RECORDS"
  RECORDS=$D
  while IFS=' ' read -r kind size; do
    case $size in '' | *[!0-9]*) return 1 ;; esac
    if [ "$kind" = end ]; then
      printf '\n@%s done\n' "$NONCE"
      return 0
    fi
    printf '\n@%s begin %s\n' "$NONCE" "$kind"
    take "$size" | probe "$kind" 2>/dev/null
    printf '\n@%s end %s\n' "$NONCE" "$kind"
  done
  return 1
}
