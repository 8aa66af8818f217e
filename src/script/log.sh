# The run log: what a run says, kept apart from the link it is said over. Every record goes to a file in the private
# directory; a process of its own sends from there, so that a link that takes nothing any more keeps no step waiting.
# What a run did is also noted in its entry, $STATE/runs/$ID, which outlives it: no output of commands, no contents.
#
# An entry: the lines that came with the change (see `history/entry.rs`), then "before REVISION", and in the order of
# events "kept STEP.N", "left STEP.N DIGEST", "step NUMBERS RESULT", "reaction NUMBER RESULT", "over HOW".

emit() {
  said=$*
  if [ -z "${STREAM:-}" ]; then
    printf '\n@%s %s\n' "$NONCE" "$said" >&4
    return 0
  fi
  printf '\n@%s %s\n' "$NONCE" "$said" >>"$STREAM"
  case $said in
    *' begin') ;;
    step*' failed '* | reaction*' failed '* | reaction*' invalid '*) enter "${said% *}" ;;
    step* | reaction*) enter "$said" ;;
  esac
  wake
}

# Adds a line to the entry. What has no room there is not worth the run.
enter() {
  [ -n "${ENTRY:-}" ] || return 0
  printf '%s\n' "$1" >>"$ENTRY" 2>/dev/null || :
}

# Tells the sender that there is more. A pipe that nobody reads holds 64 KiB; the sender looks every 5 s by itself.
wake() {
  [ "$wakes" -lt 20000 ] || return 0
  wakes=$((wakes + 1))
  echo >&5
}

# Starts to send from the log. Without a pipe to wake the sender, records go to the link directly.
log_start() {
  : >"$RUN/stream"
  mkfifo -m 600 "$RUN/wake" 2>/dev/null || return 0
  wakes=0 STREAM=$RUN/stream
  exec 5<>"$RUN/wake"
  # it only reads from there, so that the end of all who write ends it, too
  (exec <"$STREAM" 5<"$RUN/wake" 3<&- 9>&-; log_send) &
  sender=$!
}

log_send() {
  trap - PIPE EXIT INT TERM
  while IFS= read -r word <&5; do
    cat >&4 || return 0
    case $word in
      beat) printf '\n@%s beat\n' "$NONCE" >&4 || return 0 ;;
      over) return 0 ;;
    esac
  done
  # killed in between
  cat >&4
}

beat() { if [ -n "${STREAM:-}" ]; then echo beat >&5; else emit beat; fi; }

# log_last RECORD: the end record. It is sent only by log_end, when the lock is free and nothing is left, so that whoever
# reads it may begin the next run.
log_last() { [ -z "${STREAM:-}" ] || printf '\n@%s %s\n' "$NONCE" "$1" >>"$STREAM"; }

# log_end RECORD: waits until everything was sent, or nobody is there to take it.
log_end() {
  exec 9>&-
  if [ -z "${STREAM:-}" ]; then
    emit "$1"
  else
    echo over >&5
    wait "$sender"
  fi
}

# record FILE: begins the entry of this run, or goes on with it in the run's second round.
record() {
  # $STATE is there already
  # shellcheck disable=SC2174
  mkdir -p -m 700 "$STATE/runs"
  ENTRY=$STATE/runs/$ID
  if [ ! -e "$ENTRY" ]; then
    (umask 077 && cp -- "$1" "$ENTRY" && chmod 600 "$ENTRY") || { ENTRY=; return 0; }
    enter "before $(head -n 1 "$STATE/applied" 2>/dev/null | tr -c ' -~\n' '?')"
    enter "began $(date +%s)"
  else
    cat -- "$1" >>"$ENTRY"
  fi
  # two hundred entries, 4 MiB; their names are ours
  # shellcheck disable=SC2012
  LC_ALL=C ls -lt "$STATE/runs" 2>/dev/null | awk 'NR > 1 { size += $5; if (NR > 201 || size > 4194304) print $NF }' |
    while IFS= read -r old; do rm -f -- "$STATE/runs/${old:?}"; done
}

# Notes what takes the place of what was kept last: by its digest, under this host's keys if it holds secrets.
left() {
  if [ -z "${ENTRY:-}" ] || [ -z "${KEPT:-}" ]; then return 0; fi
  if [ -L "$1" ]; then
    set -- "link $(readlink -- "$1" | sha256sum)"
  elif [ -n "${SEALED:-}" ]; then
    set -- "sealed $(keyed "$STATE" "$1")"
  else
    set -- "file $(sha256sum <"$1")"
  fi
  enter "left ${KEPT##*/} ${1%%  -*}"
}
