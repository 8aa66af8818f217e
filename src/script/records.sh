# What Steward remembers on a host, for people: the entries of runs, what runs kept, who has the lock. Nothing is written
# but by "unlock". Request: one line "NONCE BASE INVENTORY WORD ARGUMENT", fields encoded as in a look.

records_main() {
  IFS=' ' read -r NONCE BASE INVENTORY word argument || return 1
  case $NONCE in '' | *[!0-9a-f]*) return 1 ;; esac
  case $INVENTORY in '' | *[!0-9a-f]*) return 1 ;; esac
  case $argument in *[!A-Za-z0-9.-]*) return 1 ;; esac
  decode "$BASE"
  BASE=$D
  RECORDS=$BASE/$INVENTORY
  section access records_access
  section lock records_lock
  case $word in
    runs) section runs records_runs ;;
    run) section run records_run "$argument" ;;
    kept) section run records_run "$argument" && section kept records_kept "$argument" ;;
    free) section freed unlock_free ;;
    end) section freed unlock_end "$argument" ;;
  esac
  printf '\n@%s done\n' "$NONCE"
}

section() {
  name=$1
  shift
  printf '\n@%s begin %s\n' "$NONCE" "$name"
  "$@" </dev/null 2>/dev/null
  printf '\n@%s end %s\n' "$NONCE" "$name"
}

# Whether the records can be read at all: what cannot be read is not "nothing".
records_access() {
  if [ "$(id -u)" != 0 ] && [ -e "$BASE" ] && ! ls -- "$BASE" >/dev/null 2>&1; then echo denied; fi
}

# state|free, held or left (a holder is named, and the lock is free), then what is known of the holder.
records_lock() {
  state=free
  [ ! -e "$BASE/holder" ] || state=left
  if command -v flock >/dev/null 2>&1; then
    if [ -e "$BASE/lock" ]; then
      flock -n "$BASE/lock" true || state=held
    fi
  elif [ -L "$BASE/lock.d" ] || [ -e "$BASE/lock.taking" ] || [ -L "$BASE/lock.taking" ]; then
    state=left
    ! lives "$(readlink "$BASE/lock.d")" || state=held
  fi
  printf 'state|%s\n' "$state"
  [ -r "$BASE/holder" ] || return 0
  printf 'holder|%s\n' "$(sed -n 1p "$BASE/holder" | tr -c ' -~\n' '?')"
  printf 'run|%s\n' "$(sed -n 3p "$BASE/holder")"
  holder=$(sed -n 4p "$BASE/holder")
  printf 'process|%s|%s\n' "${holder%% *}" "$(if lives "$holder"; then echo alive; else echo dead; fi)"
  run=$(sed -n 2p "$BASE/holder")
  case $run in /run/steward.* | /dev/shm/steward.* | "$BASE"/*/run.*) ;; *) return 0 ;; esac
  [ ! -e "$run/stop" ] || echo 'stopping|'
  [ ! -r "$run/quiet" ] || printf 'quiet|%s\n' "$(($(wc -l <"$run/quiet") * 5))"
  # the step at hand, and since when nothing was said
  [ -r "$run/stream" ] || return 0
  number=$(awk '($2 == "step" || $2 == "reaction") && $NF == "begin" { n = ($2 == "step" ? "" : "r") $3 } END { print n }' "$run/stream")
  printf 'silent|%s\n' "$(($(date +%s) - $(stat -c %Y "$run/stream")))"
  for entry in "$BASE"/*/runs/"$(sed -n 3p "$BASE/holder")"; do
    [ ! -f "$entry" ] || awk -v n="$number" '$1 == "plan" && $2 == n { $1 = $2 = $3 = $4 = ""; print "step|" substr($0, 5) }' "$entry" | tail -n 1
  done
}

# One line a run, newest first: E|planned|changed|failed|skipped|the lines of its entry that are not about steps, each a field.
records_runs() {
  [ -d "$RECORDS/runs" ] || return 0
  cd "$RECORDS/runs" || return 0
  # names are ours
  # shellcheck disable=SC2012
  LC_ALL=C ls -t | head -n 200 | while IFS= read -r run; do
    case $run in *[!A-Za-z0-9-]*) continue ;; esac
    awk '
      /^(run|by|from|at|of|limited|undoes|before|began|over|ended) / { gsub(/\|/, "?"); head = head "|" $0 }
      /^plan / { planned++ }
      /^(step|reaction) / {
        if ($NF == "changed" || $NF == "paid") changed += NF - 2
        else if ($NF == "skipped" || $NF == "owed") skipped += NF - 2
        else if ($(NF - 1) ~ /^(failed|invalid)$/) failed += NF - 3
      }
      END { printf "E|%d|%d|%d|%d%s\n", planned, changed, failed, skipped, head }' "$run"
  done
}

records_run() { [ ! -f "$RECORDS/runs/$1" ] || cat -- "$RECORDS/runs/$1"; }

# What a run kept, in the order it kept it: N|STEP.N|what it was|size|owner|group|mode|path in base64, with what is there
# now: "left" as the run left it, "kept" as it was before, else what there is; then C|STEP.N|content in base64. Contents of accounts never leave.
records_kept() {
  entry=$RECORDS/runs/$1
  [ -f "$entry" ] || return 0
  files=$(awk '$1 == "plan" && $5 ~ /^(file|link|line|block):/ { print $2 }' "$entry")
  room=33554432
  sed -n 's/^kept \([0-9r]*\.[0-9]*\)$/\1/p' "$entry" | while IFS= read -r name; do
    printf '%s\n' "$files" | grep -qxF -- "${name%%.*}" || continue
    kept=$RECORDS/previous/$1/$name
    if [ ! -f "$kept.path" ]; then
      printf 'N|%s|lost|0|||||\n' "$name"
      continue
    fi
    target=$(cat -- "$kept.path")
    target=${target%.}
    was=absent about='0|||'
    if [ -e "$kept.shredded" ] || grep -qxF -- "$kept" "$RECORDS/shred"; then
      was='secret'
    elif [ -L "$kept" ]; then
      was='link'
    elif [ -f "$kept" ]; then
      was='file'
    elif [ -e "$kept" ]; then
      was='other'
    fi
    case $was in
      file | link)
        about=$(stat -c '%s|%U|%G|%a' -- "$kept")
        case $about in *'|UNKNOWN|'*) about=$(stat -c '%s|%u|%g|%a' -- "$kept") ;; esac
        ;;
    esac
    printf 'N|%s|%s|%s|%s|%s\n' "$name" "$was" "$about" "$(printf %s "$target" | base64 | tr -d '\n')" "$(kept_now)"
    case $was in
      link) printf 'C|%s|%s\n' "$name" "$(readlink -- "$kept" | base64 | tr -d '\n')" ;;
      file)
        size=${about%%|*}
        [ "$size" -le "$room" ] || continue
        room=$((room - size))
        printf 'C|%s|%s\n' "$name" "$(base64 <"$kept" | tr -d '\n')"
        ;;
    esac
  done
}

# How $target is now, against what the run left there and what it had kept.
kept_now() {
  now=other
  if [ -L "$target" ]; then
    now="link $(readlink -- "$target" | sha256sum)"
  elif [ -f "$target" ]; then
    now="file $(sha256sum <"$target")"
  elif [ ! -e "$target" ]; then
    now=gone
  fi
  now=${now%%  -*}
  # the last that any step of this run left there
  left=$(sed -n "s/^left $name //p" "$entry" | tail -n 1)
  case $left in
    sealed*) [ ! -f "$target" ] || [ ! -r "$RECORDS/key.inner" ] || now="sealed $(keyed "$RECORDS" "$target")" ;;
    '')
      number=${name%%.*}
      if [ "$now" = gone ] && grep -q "^step \([0-9]* \)*$number \([0-9]* \)*changed\$" "$entry"; then left=gone; fi
      ;;
  esac
  if [ "$now" = "$left" ]; then
    echo left
  elif [ "$was" = absent ] && [ "$now" = gone ]; then
    echo kept
  elif [ "$was" = file ] && [ "${now%% *}" = file ] && cmp -s -- "$kept" "$target"; then
    echo kept
  elif [ "$was" = link ] && [ "$now" = "link $(readlink -- "$kept" | sha256sum | cut -d ' ' -f 1)" ]; then
    echo kept
  else
    echo "${now%% *}"
  fi
}

# ---- unlock

# Removes what a dead holder left behind. Not while anybody has the lock.
unlock_free() {
  if command -v flock >/dev/null 2>&1; then
    exec 9>>"$BASE/lock"
    flock -n 9 || { echo held; return 0; }
  else
    ! lives "$(readlink "$BASE/lock.d")" || { echo held; return 0; }
    lives "$(readlink "$BASE/lock.taking")" || rm -f "$BASE/lock.taking"
  fi
  run=$(sed -n 2p "$BASE/holder")
  case $run in /run/steward.* | /dev/shm/steward.* | "$BASE"/*/run.*) rm -rf -- "$run" ;; esac
  rm -rf -- "$BASE/holder" "$BASE/lock.d"
  echo freed
}

# Ends a run in order. First it is asked to begin no other step; if its step does not end, the step's processes are ended,
# which fails it; then the run itself. What it owes stays noted. Says each second that it is at work.
unlock_end() {
  run=$(sed -n 2p "$BASE/holder")
  holder=$(sed -n 4p "$BASE/holder")
  case $run in /run/steward.* | /dev/shm/steward.* | "$BASE"/*/run.*) ;; *) return 0 ;; esac
  if [ "$(sed -n 3p "$BASE/holder")" != "$1" ] || ! lives "$holder"; then
    echo gone
    return 0
  fi
  : >"$run/stop"
  unlock_wait 10 && { echo stopped; return 0; }
  unlock_kill TERM
  unlock_wait 10 && { echo ended; return 0; }
  unlock_kill KILL
  unlock_wait 10 && { echo killed; return 0; }
  ! lives "$holder" || kill -KILL "${holder%% *}"
  unlock_wait 10 && { echo killed; return 0; }
  echo held
}

unlock_wait() {
  seconds=$1
  while lives "$holder" && [ "$(sed -n 4p "$BASE/holder")" = "$holder" ]; do
    [ "$seconds" -gt 0 ] || return 1
    seconds=$((seconds - 1))
    printf '\n@%s beat\n' "$NONCE"
    sleep 1
  done
}

# The descendants of the run, but those that belong to the run itself.
unlock_kill() {
  helpers=" $(cat "$run/helpers") "
  found=${holder%% *}
  while [ -n "$found" ]; do
    next=
    for parent in $found; do
      # numbers, one a line
      # shellcheck disable=SC2013
      for child in $(grep -s "^PPid:[^0-9]*$parent\$" /proc/[0-9]*/status | cut -d / -f 3); do
        case $helpers in *" $child "*) continue ;; esac
        next="$next $child"
        kill -"$1" "$child"
      done
    done
    found=$next
  done
}
