# What a change, a confirmation and a rollback know of a pending change: one that may have locked everybody out and that
# nobody has confirmed yet. $BASE/pending is there from before its first step on until exactly one of two renames it: a
# confirmation (`confirmed`) or the rollback (`rolling`, in the end `rolled-back`). In it:
#   id         the run                       holder   one line for people: who, since when, which revision
#   run        "PID START" of the process that makes the change          guard   the same of the one that waits
#   over       the run has ended             stopping   a path that is there once its operator is gone
#   seconds    how long a confirmation may take once the run is over
#   now        it is to be undone at once    why   why, for people
#   applied    the revision to remember once it is confirmed; gone: what the ledger then forgets; state: in which directory
#   saved/N.path   of what N is the copy, with a point after it; N.type: see confirm.sh

# alive FILE: true if the process that the file names still runs; another one with its number is not it.
alive() {
  read -r pid since 2>/dev/null <"$1" || return 1
  [ -n "$since" ] && [ "$(started_at "$pid")" = "$since" ]
}

# When a process started, in ticks since the host did; empty if there is none.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# True if what this run of Steward changed still waits.
is_pending() { [ "$(cat "$BASE/pending/id" 2>/dev/null)" = "$1" ]; }

run_is_over() { [ -e "$BASE/pending/over" ] || ! alive "$BASE/pending/run"; }

durably() { sync -f "$1" 2>/dev/null || sync; }

# Claims the change for good; false if the rollback was faster.
confirmed() {
  rm -rf "$BASE/confirmed"
  mv -- "$BASE/pending" "$BASE/confirmed" 2>/dev/null || return 1
  durably "$BASE"
  state=$(cat "$BASE/confirmed/state")
  if [ -f "$BASE/confirmed/applied" ]; then mv -f -- "$BASE/confirmed/applied" "$state/applied"; fi
  if [ -f "$BASE/confirmed/gone" ]; then
    cat -- "$BASE/confirmed/gone" >>"$state/ledger"
    sed -n 's/^S|\([^|]*\)|gone$/\1/p' "$BASE/confirmed/gone" | while IFS= read -r identity; do
      copy=$(printf %s "$identity" | sha256sum)
      rm -f -- "$state/redacted/${copy%% *}"
    done
    durably "$state"
  fi
  rm -rf "$BASE/confirmed" "$BASE/rolled-back"
}

# confirm BASE ID: this very exchange came over a new connection and is root's. Says confirmed; rolled-back and why;
# nothing (is pending); or waiting, if a minute and a half was not enough.
confirm() {
  BASE=$1 waited=0
  while is_pending "$2" && [ "$waited" -lt 90 ]; do
    if [ -e "$BASE/pending/now" ]; then
      alive "$BASE/pending/guard" || sh "$BASE/rollback.sh" now "$BASE" </dev/null >/dev/null 2>&1
    elif run_is_over && confirmed; then
      outcome confirmed
      return 0
    fi
    wait_a_second
  done
  while [ -d "$BASE/rolling" ] && [ "$waited" -lt 90 ]; do
    alive "$BASE/rolling/guard" || sh "$BASE/rollback.sh" now "$BASE" </dev/null >/dev/null 2>&1
    wait_a_second
  done
  if [ "$(cat "$BASE/rolled-back/id" 2>/dev/null)" = "$2" ]; then
    outcome "rolled-back $(head -n 1 "$BASE/rolled-back/why" 2>/dev/null | base64 | tr -d '\n')"
  elif [ -d "$BASE/pending" ] || [ -d "$BASE/rolling" ]; then
    outcome waiting
  else
    outcome nothing
  fi
}

# await_others BASE SECONDS PATIENT: waits until no run is at work here and no change waits for its confirmation. PATIENT, not
# empty: such a change may take the time until the host undoes it, too. One that nobody guards any more is undone at once.
await_others() {
  BASE=$1 waited=0
  while others_at_work; do
    limit=$2
    if [ -n "${3:-}" ] && [ -d "$BASE/pending" ]; then limit=$((limit + 30 + $(cat "$BASE/pending/seconds" 2>/dev/null || echo 60))); fi
    [ "$waited" -lt "$limit" ] || break
    wait_a_second
  done
}

others_at_work() {
  if { [ -d "$BASE/pending" ] || [ -d "$BASE/rolling" ]; } && run_is_over; then
    alive "$BASE/pending/guard" || alive "$BASE/rolling/guard" || sh "$BASE/rollback.sh" now "$BASE" </dev/null >/dev/null 2>&1
    [ -d "$BASE/pending" ] || [ -d "$BASE/rolling" ] || at_work "$BASE"
  else
    at_work "$BASE"
  fi
}

outcome() { printf '\n@%s outcome %s\n' "$NONCE" "$1"; }

wait_a_second() {
  waited=$((waited + 1))
  printf '\n@%s beat\n' "$NONCE"
  sleep 1
}

# roll_back BASE ID WHY: over the old connection, for want of a new one.
roll_back() {
  BASE=$1
  if is_pending "$2"; then
    printf '%s\n' "$3" >"$BASE/pending/why"
    : >"$BASE/pending/now"
  fi
  confirm "$1" "$2"
}
